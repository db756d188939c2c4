/* Values as PostgreSQL wants them: by the type of the parameter, which the server has said. In binary where that is the
 * value itself, and the length says where a text ends. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/postgres.h"
#include "util/clock.h"

/* Midnight of 2000-01-01, from which PostgreSQL counts. */
#define EPOCH_US INT64_C(946684800000000)

struct binding {
    struct db_session *s;
    const struct statement *st;
    struct pg_bound *out;
    struct arena *arena;
    size_t i;
    Oid type;
};

static const char *name_of_type(Oid type)
{
    switch (type) {
    case PG_BOOL: return "a boolean";
    case PG_INT2: return "a whole number from -32768 to 32767";
    case PG_INT4: return "a whole number from -2147483648 to 2147483647";
    case PG_INT8: return "a whole number";
    case PG_FLOAT4:
    case PG_FLOAT8:
    case PG_NUMERIC: return "a number";
    case PG_BYTEA: return "bytes";
    case PG_JSON:
    case PG_JSONB: return "JSON";
    case PG_DATE: return "a date";
    case PG_TIMESTAMP:
    case PG_TIMESTAMPTZ: return "a time";
    case PG_UUID: return "a UUID";
    case PG_INTERVAL: return "a duration";
    default: return "a text";
    }
}

/* ---- putting it there ---- */

static int fail_memory(const struct binding *b)
{
    return session_fail(b->s, DW_ENOMEM, "", "memory is out");
}

static int refuse(const struct binding *b)
{
    const struct statement_parameter *p = &b->st->parameters[b->i];

    if (p->source == STATEMENT_VALUE)
        return session_fail(b->s, DW_EINVALID, "", "the value of $%u does not fit: %s is wanted there",
                            p->value + 1, name_of_type(b->type));
    return session_fail(b->s, DW_EINVALID, "", "%s does not fit where it stands: %s is wanted there",
                        p->source == STATEMENT_TENANT ? ":tenant"
                        : p->source == STATEMENT_ME   ? ":me"
                                                      : ":now",
                        name_of_type(b->type));
}

static int put_borrowed(struct binding *b, const void *p, size_t n)
{
    b->out->values[b->i] = n > 0 ? p : ""; /* NULL would be null */
    b->out->lengths[b->i] = (int)n;
    b->out->formats[b->i] = 1;
    return 0;
}

static int put_big_endian(struct binding *b, uint64_t value, size_t n)
{
    unsigned char *bytes = arena_alloc(b->arena, n);

    if (!bytes)
        return fail_memory(b);
    for (size_t i = n; i > 0; i--, value >>= 8)
        bytes[i - 1] = (unsigned char)value;
    return put_borrowed(b, bytes, n);
}

/* A copy, terminated, that the server reads as if it stood in the statement. */
static int put_text(struct binding *b, struct str text)
{
    char *copy = arena_copy(b->arena, text);

    if (!copy)
        return fail_memory(b);
    b->out->values[b->i] = copy;
    b->out->lengths[b->i] = 0;
    b->out->formats[b->i] = 0;
    return 0;
}

/* ---- by the parameter's type ---- */

static struct str text_of(const dw_value *v)
{
    return str_make(v->as.p, v->n);
}

static bool is_textual(const dw_value *v)
{
    return v->type == DW_TEXT || v->type == DW_JSON;
}

/* A value's number as a text; false: it has none. */
static bool write_number(const dw_value *v, char out[32])
{
    switch (v->type) {
    case DW_BOOL:
    case DW_INT:
    case DW_SPAN: snprintf(out, 32, "%" PRId64, v->as.i); return true;
    case DW_REAL: snprintf(out, 32, "%.17g", v->as.r); return isfinite(v->as.r);
    default: return false;
    }
}

static int put_number_text(struct binding *b, const dw_value *v)
{
    char number[32];

    if (is_textual(v))
        return put_text(b, text_of(v));
    return write_number(v, number) ? put_text(b, str_from(number)) : refuse(b);
}

static int put_bool(struct binding *b, const dw_value *v)
{
    if (v->type == DW_TEXT)
        return put_text(b, text_of(v));
    if (v->type != DW_BOOL && (v->type != DW_INT || (v->as.i != 0 && v->as.i != 1)))
        return refuse(b);
    return put_big_endian(b, (uint64_t)v->as.i, 1);
}

static int put_int(struct binding *b, const dw_value *v)
{
    size_t size = b->type == PG_INT2 ? 2 : b->type == PG_INT4 ? 4 : 8;
    int64_t limit = b->type == PG_INT2 ? INT16_MAX : b->type == PG_INT4 ? INT32_MAX : INT64_MAX, i = v->as.i;

    if (v->type == DW_TEXT)
        return put_text(b, text_of(v));
    if (v->type == DW_REAL) {
        i = fabs(v->as.r) < 9.2e18 ? (int64_t)v->as.r : 0;
        if ((double)i != v->as.r)
            return refuse(b);
    } else if (v->type != DW_INT && v->type != DW_BOOL && v->type != DW_SPAN) {
        return refuse(b);
    }
    if (i > limit || i < -limit - 1)
        return refuse(b);
    return put_big_endian(b, (uint64_t)i, size);
}

static int put_float(struct binding *b, const dw_value *v)
{
    double number = v->type == DW_REAL ? v->as.r : (double)v->as.i;
    uint64_t bits = 0;
    uint32_t narrow_bits;

    if (v->type == DW_TEXT)
        return put_text(b, text_of(v));
    if (v->type != DW_REAL && v->type != DW_INT && v->type != DW_BOOL && v->type != DW_SPAN)
        return refuse(b);
    if (b->type == PG_FLOAT8) {
        memcpy(&bits, &number, sizeof(bits));
        return put_big_endian(b, bits, sizeof(bits));
    }
    float narrow = (float)number;
    if (isinf(narrow) && !isinf(number))
        return refuse(b);
    memcpy(&narrow_bits, &narrow, sizeof(narrow_bits));
    return put_big_endian(b, narrow_bits, sizeof(narrow_bits));
}

static int put_time(struct binding *b, const dw_value *v)
{
    char text[CLOCK_RFC3339_SIZE];

    if (v->type == DW_TEXT)
        return put_text(b, text_of(v));
    if (v->type != DW_TIME)
        return refuse(b);
    if (b->type == PG_DATE) {
        clock_format_rfc3339(v->as.i, text);
        return put_text(b, str_make(text, strlen("2026-11-27")));
    }
    if (v->as.i < INT64_MIN + EPOCH_US)
        return refuse(b);
    return put_big_endian(b, (uint64_t)(v->as.i - EPOCH_US), 8);
}

/* A column of texts takes what SQLite's TEXT would make a text of. */
static int put_any_text(struct binding *b, const dw_value *v)
{
    char text[CLOCK_RFC3339_SIZE];

    if (is_textual(v))
        return put_borrowed(b, v->as.p, v->n);
    if (v->type != DW_TIME)
        return put_number_text(b, v);
    clock_format_rfc3339(v->as.i, text);
    return put_text(b, str_from(text));
}

static int put_json(struct binding *b, const dw_value *v)
{
    if (v->type == DW_BOOL)
        return put_text(b, v->as.i ? str_from("true") : str_from("false"));
    return put_number_text(b, v);
}

static int put_interval(struct binding *b, const dw_value *v)
{
    char text[64];

    if (v->type == DW_TEXT)
        return put_text(b, text_of(v));
    if (v->type != DW_SPAN)
        return refuse(b);
    snprintf(text, sizeof(text), "%" PRId64 " microseconds", v->as.i);
    return put_text(b, str_from(text));
}

static int put_value(struct binding *b, const dw_value *v)
{
    if (v->type == DW_NULL) {
        b->out->values[b->i] = NULL;
        return 0;
    }
    switch (b->type) {
    case PG_BOOL: return put_bool(b, v);
    case PG_INT2:
    case PG_INT4:
    case PG_INT8: return put_int(b, v);
    case PG_FLOAT4:
    case PG_FLOAT8: return put_float(b, v);
    case PG_NUMERIC: return put_number_text(b, v);
    case PG_BYTEA: return v->type == DW_BYTES || is_textual(v) ? put_borrowed(b, v->as.p, v->n) : refuse(b);
    case PG_JSON:
    case PG_JSONB: return put_json(b, v);
    case PG_DATE:
    case PG_TIMESTAMP:
    case PG_TIMESTAMPTZ: return put_time(b, v);
    case PG_INTERVAL: return put_interval(b, v);
    case PG_TEXT:
    case PG_VARCHAR:
    case PG_BPCHAR:
    case PG_UNKNOWN: return put_any_text(b, v);
    default: return is_textual(v) ? put_text(b, text_of(v)) : put_number_text(b, v);
    }
}

int pg_bind(struct db_session *s, const struct statement *st, const struct pg_shape *shape,
            const dw_value *values, struct pg_bound *out, struct arena *arena)
{
    size_t n = shape->types_n;

    if (n > st->parameters_n)
        return session_fail(s, DW_EMISUSE, "",
                            "the statement has a parameter that was not found in its text");
    *out = (struct pg_bound){ .n = n,
                              .values = arena_calloc(arena, (n + 1) * sizeof(*out->values)),
                              .lengths = arena_calloc(arena, (n + 1) * sizeof(*out->lengths)),
                              .formats = arena_calloc(arena, (n + 1) * sizeof(*out->formats)) };
    if (!out->values || !out->lengths || !out->formats)
        return session_fail(s, DW_ENOMEM, "", "memory is out");
    for (size_t i = 0; i < n; i++) {
        struct binding b = { .s = s, .st = st, .out = out, .arena = arena, .i = i, .type = shape->types[i] };
        DW_TRY(put_value(&b, &values[i]));
    }
    return 0;
}
