/* yaml_plain.c - what a scalar without quotes is. */
#include "config/yaml.h"

#include "util/compiler.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Cuts decimal digits off the front; how many. */
static size_t skip_digits(struct str *s)
{
    size_t n = 0;
    while (n < s->n && is_digit(s->p[n]))
        n++;
    s->p += n;
    s->n -= n;
    return n;
}

static bool skip_any(struct str *s, const char *chars)
{
    if (s->n == 0 || !strchr(chars, s->p[0]))
        return false;
    s->p++;
    s->n--;
    return true;
}

/* RFC 8259 numbers: no leading zeros, no plus, digits on both sides of the point. */
static enum yaml_kind number_kind(struct str s)
{
    enum yaml_kind kind = YAML_INT;

    skip_any(&s, "-");
    bool zero = s.n > 0 && s.p[0] == '0';
    size_t digits = skip_digits(&s);
    if (digits == 0 || (zero && digits > 1))
        return YAML_TEXT;
    if (skip_any(&s, ".")) {
        kind = YAML_REAL;
        if (skip_digits(&s) == 0)
            return YAML_TEXT;
    }
    if (skip_any(&s, "eE")) {
        kind = YAML_REAL;
        skip_any(&s, "+-");
        if (skip_digits(&s) == 0)
            return YAML_TEXT;
    }
    return s.n == 0 ? kind : YAML_TEXT;
}

enum yaml_kind yaml_plain_kind(struct str text)
{
    if (str_equal(text, STR_OF("null")))
        return YAML_NULL;
    if (str_equal(text, STR_OF("true")) || str_equal(text, STR_OF("false")))
        return YAML_BOOL;
    return number_kind(text);
}

static bool is_one_of(struct str text, const struct str *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_equal_nocase(text, words[i]))
            return true;
    }
    return false;
}

/* 0x1F, 0o17, 0b11 in either case, with the underscores of YAML 1.1. */
static bool looks_based(struct str s)
{
    skip_any(&s, "+-");
    if (s.n < 3 || s.p[0] != '0' || !strchr("xXoObB", s.p[1]))
        return false;
    for (size_t i = 2; i < s.n; i++) {
        if (str_hex_digit(s.p[i]) < 0 && s.p[i] != '_')
            return false;
    }
    return true;
}

static size_t skip_loose_digits(struct str *s)
{
    size_t digits = 0;
    while (s->n && (is_digit(s->p[0]) || s->p[0] == '_')) {
        digits += is_digit(s->p[0]);
        s->p++;
        s->n--;
    }
    return digits;
}

/* 007, +1, 1_000, .5, 5., +1e3: numbers to the core schema or to YAML 1.1. */
static bool looks_decimal(struct str s)
{
    skip_any(&s, "+-");
    if (s.n == 0 || s.p[0] == '_')
        return false;
    size_t digits = skip_loose_digits(&s);
    if (skip_any(&s, "."))
        digits += skip_loose_digits(&s);
    if (digits == 0)
        return false;
    if (skip_any(&s, "eE")) {
        skip_any(&s, "+-");
        if (skip_digits(&s) == 0)
            return false;
    }
    return s.n == 0;
}

const char *yaml_plain_trap(struct str text, const char **hint)
{
    static const struct str nulls[] = { STR("~"), STR("null") };
    /* `on` and `off` are left alone: they are words of settings ("off" is a rate limit), a switch that gets one of
     * them says that it wants true or false, and nothing is taken for what it is not. Of `y` and `n` YAML 1.1 says that
     * they are truth values, but its readers never took them so. */
    static const struct str bools[] = { STR("true"), STR("false"), STR("yes"), STR("no") };
    static const struct str reals[] = { STR(".inf"), STR("+.inf"), STR("-.inf"), STR(".nan") };

    if (yaml_plain_kind(text) != YAML_TEXT)
        return NULL;
    *hint = "remove the line to get the default, or write \"\" for an empty text";
    if (text.n == 0)
        return "has no value";
    if (is_one_of(text, nulls, DW_COUNT_OF(nulls)))
        return "is null to some YAML readers and a text to others";
    *hint = "write true or false, or put it in quotes";
    if (is_one_of(text, bools, DW_COUNT_OF(bools)))
        return "is a truth value to some YAML readers and a text to others";
    *hint = "write a plain decimal number, or put it in quotes";
    if (is_one_of(text, reals, DW_COUNT_OF(reals)) || looks_based(text) || looks_decimal(text))
        return "is a number to some YAML readers and a text to others";
    return NULL;
}

const char *yaml_kind_name(enum yaml_kind kind)
{
    static const char *const names[] = {
        [YAML_NULL] = "null",     [YAML_BOOL] = "true or false", [YAML_INT] = "a number",
        [YAML_REAL] = "a number", [YAML_TEXT] = "a text",        [YAML_LIST] = "a list",
        [YAML_MAP] = "a map",
    };
    return names[kind];
}
