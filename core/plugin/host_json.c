#include "plugin/host_json.h"

#include <stdio.h>

#include "plugin/call.h"
#include "plugin/values.h"
#include "util/json.h"

/* ---- owning ---- */

static void drop(void *ud)
{
    json_decref(ud);
}

json_t *host_json_own(dw_call *c, json_t *json)
{
    if (!call_is_mine(c))
        call_stray(c, "dw_json_own"); /* and nobody drops it */
    else if (json)
        call_at_end(c, CALL_UNDO_MEMORY, drop, json);
    return json;
}

/* ---- making ---- */

/* The result of one of values.h, or why there is none. */
static json_t *made(dw_call *c, const char *step, const char *wrong, json_t *json)
{
    if (wrong)
        call_misuse(c, "%s was given %s", step, wrong);
    else if (!json)
        call_misuse(c, "%s: out of memory, or a number above %lld, which a tree cannot hold (a dw_out can)",
                    step, (long long)INT64_MAX);
    return host_json_own(c, json);
}

json_t *host_json_object(dw_call *c, dw_list pairs)
{
    if (!call_is_mine(c)) {
        call_stray(c, "dw_json");
        return NULL;
    }
    return made(c, "dw_json", pairs_values_wrong(pairs), pairs_to_json(pairs));
}

json_t *host_json_array(dw_call *c, dw_list values)
{
    if (!call_is_mine(c)) {
        call_stray(c, "dw_json_list");
        return NULL;
    }
    return made(c, "dw_json_list", values_wrong(values), values_to_json(values));
}

/* ---- parsing ---- */

int host_json_parse(dw_call *c, dw_str text, json_t **out)
{
    struct json_fault fault;
    char place[48];
    int rc = call_check(c, "dw_json_parse");

    if (out)
        *out = NULL;
    if (rc < 0)
        return rc;
    if (!out)
        return call_misuse(c, "dw_json_parse was given no place for its result");
    if (json_strict_parse(str_make(text.p, text.p ? text.n : 0), 0, out, &fault) == 0) {
        call_charge(c, text.n);
        host_json_own(c, *out);
        return 0;
    }
    if (fault.is_ours) {
        call_poison(c, "out of memory");
        return call_fail(c, DW_ENOMEM, "dw_json_parse: out of memory");
    }
    snprintf(place, sizeof(place), "%u:%u", fault.line, fault.column);
    if (fault.line == 0)
        return call_fail(c, DW_EINVALID, "not JSON: %s", fault.text);
    return call_fail_detail(c, DW_EINVALID, place, "not JSON: %s (line %u, column %u)", fault.text,
                            fault.line, fault.column);
}

/* ---- reading ---- */

/* "~1" is a slash, "~0" a tilde (RFC 6901). False when the name is too long to be looked up, or not so written. */
static bool unescape(struct str token, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < token.n; i++) {
        char ch = token.p[i];
        if (ch == '~') {
            if (++i == token.n || (token.p[i] != '0' && token.p[i] != '1'))
                return false;
            ch = token.p[i] == '0' ? '~' : '/';
        }
        if (n + 1 >= size)
            return false;
        out[n++] = ch;
    }
    out[n] = 0;
    return true;
}

static const json_t *element(const json_t *array, struct str token)
{
    uint64_t i;

    if ((token.n > 1 && token.p[0] == '0') || !str_to_uint(token, SIZE_MAX, &i))
        return NULL;
    return json_array_get(array, (size_t)i);
}

/* What a JSON pointer leads to, or NULL. */
static const json_t *at_pointer(const json_t *json, struct str pointer)
{
    struct str token, rest = str_make(pointer.p + 1, pointer.n - 1);
    char name[256];

    while (json && str_split(&rest, '/', &token)) {
        if (json_is_array(json))
            json = element(json, token);
        else
            json = unescape(token, name, sizeof(name)) ? json_object_get(json, name) : NULL;
    }
    return json;
}

static const json_t *member(const json_t *json, struct str name)
{
    char text[256];

    if (name.n > 0 && name.p[0] == '/')
        return at_pointer(json, name);
    if (name.n >= sizeof(text))
        return NULL;
    memcpy(text, name.p, name.n);
    text[name.n] = 0;
    return json_object_get(json, text);
}

static const char *type_name(const json_t *json)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",  [JSON_STRING] = "a text",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    return json ? names[json_typeof(json)] : "nothing";
}

/* Into the call's error: the detail is a pointer to the member. */
static int wrong_member(dw_call *c, struct str name, const char *expected, const json_t *found)
{
    char pointer[260];

    snprintf(pointer, sizeof(pointer), "%s%.*s", name.n && name.p[0] == '/' ? "" : "/", STR_ARG(name));
    return call_fail_detail(c, DW_EINVALID, pointer, "%.*s: %s is wanted, found %s", STR_ARG(name), expected,
                            type_name(found));
}

static int read_member(dw_call *c, const json_t *object, struct str name, const dw_value *target)
{
    bool required = name.n > 1 && name.p[name.n - 1] == '!';
    const char *expected;

    name.n -= required;
    if (!value_is_target(target))
        return call_misuse(c, "dw_json_read: %.*s has no target (such as &%.*s) to be stored in",
                           STR_ARG(name), STR_ARG(name));
    const json_t *found = member(object, name);
    if (value_store_json(target, found, &expected) != 0)
        return wrong_member(c, name, expected, found);
    if (required && (!found || json_is_null(found)))
        return wrong_member(c, name, "a value", found);
    return 0;
}

int host_json_read(dw_call *c, const json_t *object, dw_list pairs)
{
    int rc = call_check(c, "dw_json_read");
    const char *wrong = pairs_wrong(pairs);

    if (rc < 0)
        return rc;
    if (wrong)
        return call_misuse(c, "dw_json_read was given %s", wrong);
    for (size_t i = 0; i < pairs.n; i += 2) {
        rc = read_member(c, object, value_text(&pairs.v[i]), &pairs.v[i + 1]);
        if (rc < 0)
            return rc;
    }
    return 0;
}
