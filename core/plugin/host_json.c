#include "plugin/host_json.h"

#include <stdio.h>

#include "plugin/call.h"
#include "plugin/values.h"
#include "secure/base64.h"
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

/* About what a tree of these takes; json among them has been counted when it was made. */
static size_t tree_size(dw_list list)
{
    enum { NODE = 64 };
    size_t size = NODE;

    for (size_t i = 0; i < list.n; i++) {
        const dw_value *v = &list.v[i];
        size += NODE + value_text(v).n;
        if (v->type == DW_BYTES)
            size += base64_size(v->n, BASE64_PADDED);
    }
    return size;
}

/* The result of one of values.h, or why there is none. */
static json_t *made(dw_call *c, const char *step, const char *wrong, dw_list from, json_t *json)
{
    if (wrong)
        call_misuse(c, "%s was given %s", step, wrong);
    else if (!json)
        call_misuse(c, "%s: out of memory, or a number above %lld, which a tree cannot hold (a dw_out can)",
                    step, (long long)INT64_MAX);
    else
        call_charge(c, tree_size(from));
    return host_json_own(c, json);
}

json_t *host_json_object(dw_call *c, dw_list pairs)
{
    if (!call_is_mine(c)) {
        call_stray(c, "dw_json");
        return NULL;
    }
    return made(c, "dw_json", pairs_values_wrong(pairs), pairs, pairs_to_json(pairs));
}

json_t *host_json_array(dw_call *c, dw_list values)
{
    if (!call_is_mine(c)) {
        call_stray(c, "dw_json_list");
        return NULL;
    }
    return made(c, "dw_json_list", values_wrong(values), values, values_to_json(values));
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

static const json_t *member(const json_t *json, struct str name)
{
    char text[256];

    if (name.n > 0 && name.p[0] == '/')
        return json_pointer(json, name);
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
