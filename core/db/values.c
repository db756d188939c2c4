#include "db/values.h"

#include <math.h>

#include "plugin/values.h"

static int fail_value(struct db_session *s, int code, size_t i, const char *what)
{
    return session_fail(s, code, "", "the value of $%zu is %s", i + 1, what);
}

static int check_size(struct db_session *s, size_t i, size_t n)
{
    if (n <= DB_VALUE_BYTES_MAX)
        return 0;
    return session_fail(s, DW_ETOOLARGE, "",
                        "the value of $%zu has %zu bytes, and %d MiB is the most that one may have", i + 1, n,
                        DB_VALUE_BYTES_MAX >> 20);
}

static int make_text(struct db_session *s, size_t i, const dw_value *given, dw_value *out)
{
    struct str text = value_text(given);

    DW_TRY(check_size(s, i, text.n)); /* before it is read through */
    if (!str_is_utf8(text))
        return fail_value(s, DW_EINVALID, i, "a text that is not UTF-8 or has a NUL inside");
    out->as.p = text.p;
    out->n = text.n;
    return 0;
}

/* A tree of any depth and size may come: it is written once, here, for both engines. */
static int make_json(struct db_session *s, size_t i, const dw_value *given, dw_value *out, struct arena *room)
{
    struct buf text = BUF_INIT;
    int rc = 0;

    if (value_write_json(&text, given) != 0)
        rc = fail_value(s, DW_EINVALID, i, "json that is nested too deeply");
    else if (buf_failed(&text))
        rc = session_fail(s, DW_ENOMEM, "", "memory is out");
    else if (!str_is_utf8(buf_str(&text)))
        rc = fail_value(s, DW_EINVALID, i, "json with a text that is not UTF-8");
    else
        rc = check_size(s, i, text.n);
    if (rc == 0) {
        out->as.p = arena_copy(room, buf_str(&text));
        out->n = text.n;
        if (!out->as.p)
            rc = session_fail(s, DW_ENOMEM, "", "memory is out");
    }
    buf_finish(&text);
    return rc;
}

static int make_value(struct db_session *s, size_t i, const dw_value *given, dw_value *out,
                      struct arena *room)
{
    *out = *given;
    switch (given->type) {
    case DW_NULL:
        return given->as.p ? fail_value(s, DW_EMISUSE, i, "a void *, which says nothing about what it is")
                           : 0;
    case DW_TEXT: break;
    case DW_BYTES: break;
    case DW_JSON: break;
    case DW_BOOL:
    case DW_INT:
    case DW_TIME:
    case DW_SPAN: return 0;
    case DW_UINT:
        if (given->as.u > INT64_MAX)
            return fail_value(s, DW_EINVALID, i,
                              "above 9223372036854775807, the largest number that a database holds");
        out->type = DW_INT;
        out->as.i = (int64_t)given->as.u;
        return 0;
    case DW_REAL:
        return isnan(given->as.r) ? fail_value(s, DW_EINVALID, i, "not a number (NaN): give null instead")
                                  : 0;
    default: return fail_value(s, DW_EMISUSE, i, "a target, or something that was not made by DW()");
    }
    if (!given->as.p) {
        *out = (dw_value){ .type = DW_NULL };
        return 0;
    }
    if (given->type == DW_TEXT)
        return make_text(s, i, given, out);
    return given->type == DW_JSON ? make_json(s, i, given, out, room) : check_size(s, i, given->n);
}

static dw_value text_or_null(const char *text)
{
    if (!text)
        return (dw_value){ .type = DW_NULL };
    return (dw_value){ .type = DW_TEXT, .as.p = text, .n = strlen(text) };
}

int db_values_make(struct db_session *s, const struct statement *st, dw_list given, dw_value *out,
                   struct arena *room)
{
    if (given.n != st->values_n)
        return session_fail(s, DW_EMISUSE, "",
                            "the statement has %zu parameter%s ($1...), and %zu value%s came with it",
                            st->values_n, st->values_n == 1 ? "" : "s", given.n, given.n == 1 ? "" : "s");
    for (size_t i = 0; i < st->parameters_n; i++) {
        const struct statement_parameter *p = &st->parameters[i];
        switch (p->source) {
        case STATEMENT_VALUE: DW_TRY(make_value(s, p->value, &given.v[p->value], &out[i], room)); break;
        case STATEMENT_TENANT: out[i] = text_or_null(s->who.tenant); break;
        case STATEMENT_ME: out[i] = text_or_null(s->who.principal); break;
        case STATEMENT_NOW: out[i] = (dw_value){ .type = DW_TIME, .as.i = s->who.now_us }; break;
        }
    }
    return 0;
}
