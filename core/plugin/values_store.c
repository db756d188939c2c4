#include "plugin/values.h"

#include <math.h>
#include <stdlib.h>

#include "util/clock.h"

static const char *const expected_of[] = {
    [DW_TO_BOOL] = "true or false",
    [DW_TO_INT32] = "a whole number from -2147483648 to 2147483647",
    [DW_TO_INT64] = "a whole number",
    [DW_TO_REAL] = "a number",
    [DW_TO_TEXT] = "a text",
    [DW_TO_STR] = "a text",
    [DW_TO_BYTES] = "a text",
    [DW_TO_TIME] = "a time with its offset, as in 2026-11-21T08:05:00Z",
    [DW_TO_JSON] = "JSON",
};

static bool store_int(const dw_value *target, int64_t i)
{
    if (target->type == DW_TO_INT64)
        *(int64_t *)target->as.to = i;
    else if (i >= INT32_MIN && i <= INT32_MAX)
        *(int32_t *)target->as.to = (int32_t)i;
    else
        return false;
    return true;
}

/* The text has no NUL inside and ends with one. */
static bool store_text(const dw_value *target, struct str s)
{
    int64_t us;

    switch (target->type) {
    case DW_TO_TEXT: *(const char **)target->as.to = s.p; return true;
    case DW_TO_STR: *(dw_str *)target->as.to = (dw_str){ s.p, s.n }; return true;
    case DW_TO_BYTES: *(dw_bytes *)target->as.to = (dw_bytes){ s.p, s.n }; return true;
    case DW_TO_TIME:
        if (!clock_parse_rfc3339(s, &us))
            return false;
        *(dw_time *)target->as.to = (dw_time){ us };
        return true;
    default: return false;
    }
}

/* ---- from JSON ---- */

/* 5.0 is a whole number in JSON Schema too; beyond 2^53 nobody can say which one was meant. */
static bool store_json_int(const dw_value *target, const json_t *json)
{
    static const double exact_max = 9007199254740992.0;
    double real = json_real_value(json);

    if (json_is_integer(json))
        return store_int(target, json_integer_value(json));
    return json_is_real(json) && real >= -exact_max && real <= exact_max && (double)(int64_t)real == real &&
           store_int(target, (int64_t)real);
}

static bool store_json_text(const dw_value *target, const json_t *json)
{
    const char *p = json_string_value(json);

    /* What came from outside has no NUL inside; what a plugin built itself may. */
    return p && !memchr(p, 0, json_string_length(json)) &&
           store_text(target, str_make(p, json_string_length(json)));
}

static bool store_json(const dw_value *target, const json_t *json)
{
    switch (target->type) {
    case DW_TO_BOOL:
        if (!json_is_boolean(json))
            return false;
        *(bool *)target->as.to = json_is_true(json);
        return true;
    case DW_TO_INT32:
    case DW_TO_INT64: return store_json_int(target, json);
    case DW_TO_REAL:
        if (!json_is_number(json))
            return false;
        *(double *)target->as.to = json_number_value(json);
        return true;
    case DW_TO_JSON: *(json_t **)target->as.to = (json_t *)(uintptr_t)json; return true;
    default: return store_json_text(target, json);
    }
}

int value_store_json(const dw_value *target, const json_t *json, const char **expected)
{
    *expected = "";
    if (!value_is_target(target)) {
        *expected = "a target such as &name to store it in";
        return -1;
    }
    if (!json || json_is_null(json) || store_json(target, json))
        return 0;
    *expected = expected_of[target->type];
    return -1;
}

/* ---- from text ---- */

static bool store_text_bool(const dw_value *target, struct str s)
{
    bool is_true = str_equal(s, STR_OF("true"));

    if (!is_true && !str_equal(s, STR_OF("false")))
        return false;
    *(bool *)target->as.to = is_true;
    return true;
}

static bool store_text_int(const dw_value *target, struct str s)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    uint64_t size, max = (uint64_t)INT64_MAX + (negative ? 1 : 0);

    if (!str_to_uint(str_make(s.p + negative, s.n - negative), max, &size))
        return false;
    return store_int(target, negative ? (int64_t)(0 - size) : (int64_t)size);
}

/* JSON's own form of a number; strtod() alone takes " 0x1p3", "inf" and, in some locales, "1,5". */
static bool is_number(struct str s)
{
    const char *p = s.p, *end = s.p + s.n;
    size_t digits = 0;

    if (p < end && *p == '-')
        p++;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        digits++;
    if (digits > 0 && p < end && *p == '.') {
        for (p++, digits = 0; p < end && *p >= '0' && *p <= '9'; p++)
            digits++;
    }
    if (digits > 0 && p < end && (*p == 'e' || *p == 'E')) {
        if (++p < end && (*p == '+' || *p == '-'))
            p++;
        for (digits = 0; p < end && *p >= '0' && *p <= '9'; p++)
            digits++;
    }
    return digits > 0 && p == end;
}

static bool store_text_real(const dw_value *target, struct str s)
{
    char *end;

    if (!is_number(s))
        return false;
    double real = strtod(s.p, &end);
    if (end != s.p + s.n || !isfinite(real))
        return false;
    *(double *)target->as.to = real;
    return true;
}

int value_store_text(const dw_value *target, struct str text, const char **expected)
{
    bool stored;

    *expected = "";
    if (!value_is_target(target)) {
        *expected = "a target such as &name to store it in";
        return -1;
    }
    if (!text.p)
        return 0;
    switch (target->type) {
    case DW_TO_BOOL: stored = store_text_bool(target, text); break;
    case DW_TO_INT32:
    case DW_TO_INT64: stored = store_text_int(target, text); break;
    case DW_TO_REAL: stored = store_text_real(target, text); break;
    default: stored = store_text(target, text);
    }
    if (stored)
        return 0;
    *expected = expected_of[target->type];
    return -1;
}
