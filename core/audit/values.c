#include "audit/values.h"

#include "audit/audit.h"
#include "log/log.h"
#include "plugin/values.h"

static const char redacted[] = "[redacted]";

/* ---- JSON: old and new ones are often whole objects ---- */

static bool has_secret(const json_t *json, unsigned depth)
{
    const char *name;
    json_t *member;
    size_t i;

    if (depth > VALUE_DEPTH_MAX)
        return false; /* such a one is refused when it is written */
    if (json_is_object(json)) {
        json_object_foreach((json_t *)(uintptr_t)json, name, member)
        {
            if (log_name_is_secret(str_from(name)) || has_secret(member, depth + 1))
                return true;
        }
    }
    json_array_foreach(json, i, member)
    {
        if (has_secret(member, depth + 1))
            return true;
    }
    return false;
}

static json_t *without_secrets(const json_t *json, unsigned depth);

static json_t *object_without(const json_t *json, unsigned depth)
{
    json_t *out = json_object(), *member;
    const char *name;

    json_object_foreach((json_t *)(uintptr_t)json, name, member)
    {
        bool is_secret = log_name_is_secret(str_from(name)) && !json_is_null(member);
        json_t *copy = is_secret ? json_string(redacted) : without_secrets(member, depth + 1);
        if (json_object_set_new(out, name, copy) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static json_t *array_without(const json_t *json, unsigned depth)
{
    json_t *out = json_array(), *member;
    size_t i;

    json_array_foreach(json, i, member)
    {
        if (json_array_append_new(out, without_secrets(member, depth + 1)) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

/* A new reference; NULL when memory is out, or it is too deep. */
static json_t *without_secrets(const json_t *json, unsigned depth)
{
    if (depth > VALUE_DEPTH_MAX)
        return NULL;
    if (json_is_object(json))
        return object_without(json, depth);
    if (json_is_array(json))
        return array_without(json, depth);
    return json_deep_copy(json);
}

static int write_json(struct buf *out, const dw_value *v, const char **wrong)
{
    json_t *copy = without_secrets(v->as.p, 0);
    int rc = copy ? value_write_json(out, &(dw_value){ .type = DW_JSON, .as.p = copy }) : DW_ENOMEM;

    json_decref(copy);
    if (rc == DW_ENOMEM)
        *wrong = "out of memory, or a value of it is too deep";
    else if (rc != 0)
        *wrong = "a value of it cannot be written as JSON";
    return rc == 0 || rc == DW_ENOMEM ? rc : DW_EINVALID;
}

/* ---- pairs ---- */

static bool is_null(const dw_value *v)
{
    return v->type == DW_NULL || ((v->type == DW_TEXT || v->type == DW_JSON) && !v->as.p) ||
           (v->type == DW_JSON && json_is_null((const json_t *)v->as.p));
}

static int write_member(struct buf *out, struct str name, const dw_value *v, const char **wrong)
{
    buf_add_char(out, out->n == 0 ? '{' : ',');
    buf_add_json(out, name);
    buf_add_char(out, ':');
    if (log_name_is_secret(name) && !is_null(v)) {
        buf_add_json(out, STR_OF(redacted));
        return 0;
    }
    if (v->type == DW_JSON && v->as.p && has_secret(v->as.p, 0))
        return write_json(out, v, wrong);
    if (value_write_json(out, v) == 0)
        return 0;
    *wrong = "a value of it cannot be written as JSON";
    return DW_EINVALID;
}

static int write_pair(struct audit_values *out, struct str name, const dw_value *v, const char **wrong)
{
    if (name.n == 0 || name.p[0] != '@')
        return write_member(&out->details, name, v, wrong);
    name = str_make(name.p + 1, name.n - 1);
    if (!str_equal(name, STR_OF("person")))
        return write_member(&out->personal, name, v, wrong);
    if (v->type == DW_TEXT)
        out->person = value_text(v);
    if (out->person.n > 0 && out->person.n <= AUDIT_TEXT_MAX)
        return 0;
    *wrong = "\"@person\" is the id of a person";
    return DW_EMISUSE;
}

int audit_values_write(struct audit_values *out, dw_list pairs, const char **wrong)
{
    *out = (struct audit_values){ .details = BUF_INIT, .personal = BUF_INIT };
    *wrong = pairs.n > 0 ? pairs_wrong(pairs) : NULL;
    if (*wrong)
        return DW_EMISUSE;
    *wrong = pairs_values_wrong(pairs);
    if (*wrong)
        return DW_EINVALID;
    for (size_t i = 0; i + 1 < pairs.n; i += 2)
        DW_TRY(write_pair(out, value_text(&pairs.v[i]), &pairs.v[i + 1], wrong));
    buf_add_text(&out->details, out->details.n == 0 ? "{}" : "}");
    if (out->personal.n > 0)
        buf_add_char(&out->personal, '}');
    if (buf_failed(&out->details) || buf_failed(&out->personal)) {
        *wrong = "out of memory";
        return DW_ENOMEM;
    }
    if (out->details.n + out->personal.n > AUDIT_VALUES_MAX) {
        *wrong = "what it carries is larger than 64 kB: name what changed, and not all there is";
        return DW_ETOOLARGE;
    }
    if (out->personal.n > 0 && out->person.n == 0) {
        *wrong = "values that begin with \"@\" are about a person: \"@person\" has to say whom";
        return DW_EMISUSE;
    }
    return 0;
}

void audit_values_finish(struct audit_values *v)
{
    buf_finish(&v->details);
    buf_finish(&v->personal);
}
