/* Cells as they come back: texts, made into the set of types that both engines share. */
#include <errno.h>
#include <stdlib.h>

#include "db/postgres.h"
#include "util/clock.h"

enum db_type pg_type_of(Oid type)
{
    switch (type) {
    case PG_BOOL: return DB_BOOLEAN;
    case PG_INT2:
    case PG_INT4:
    case PG_INT8:
    case PG_OID: return DB_INTEGER;
    case PG_FLOAT4:
    case PG_FLOAT8: return DB_REAL;
    case PG_NUMERIC: return DB_DECIMAL;
    case PG_BYTEA: return DB_BLOB;
    case PG_JSON:
    case PG_JSONB: return DB_JSON;
    case PG_TIMESTAMP:
    case PG_TIMESTAMPTZ: return DB_TIME;
    case PG_UUID: return DB_UUID;
    default: return DB_TEXT;
    }
}

/* ---- times ---- */

/* Days since 1970-01-01 of a day in the proleptic Gregorian calendar. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* A number, and what follows it. */
static bool read_number(const char **at, char before, int64_t *out)
{
    const char *p = *at;

    if (before && *p++ != before)
        return false;
    if (*p < '0' || *p > '9')
        return false;
    for (*out = 0; *p >= '0' && *p <= '9' && *out < 1000000; p++)
        *out = *out * 10 + (*p - '0');
    *at = p;
    return true;
}

/* ".786": in microseconds. */
static int64_t read_fraction(const char **at)
{
    int64_t us = 0, unit = 100000;

    if (**at != '.')
        return 0;
    for (++*at; **at >= '0' && **at <= '9'; ++*at, unit /= 10)
        us += (**at - '0') * unit;
    return us;
}

/* "+00", "-03:30", "+01:00:24": in seconds. */
static int64_t read_offset(const char **at)
{
    int64_t hours = 0, minutes = 0, seconds = 0;
    bool is_west = **at == '-';

    if (**at != '+' && **at != '-')
        return 0;
    ++*at;
    if (read_number(at, 0, &hours) && read_number(at, ':', &minutes))
        read_number(at, ':', &seconds);
    seconds += hours * 3600 + minutes * 60;
    return is_west ? -seconds : seconds;
}

bool pg_read_time(const char *text, int64_t *us)
{
    int64_t year, month, day, hour = 0, minute = 0, second = 0, fraction = 0, offset = 0;

    if (!read_number(&text, 0, &year) || !read_number(&text, '-', &month) || !read_number(&text, '-', &day))
        return false;
    if (*text == ' ' && text[1] >= '0' && text[1] <= '9') {
        if (!read_number(&text, ' ', &hour) || !read_number(&text, ':', &minute) ||
            !read_number(&text, ':', &second))
            return false;
        fraction = read_fraction(&text);
        offset = read_offset(&text);
    }
    if (strcmp(text, " BC") == 0)
        year = 1 - year;
    else if (*text)
        return false;
    int64_t seconds =
        days_of(year, (unsigned)month, (unsigned)day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    *us = seconds * CLOCK_SECOND + fraction;
    return true;
}

/* ---- cells ---- */

static bool read_int(const char *text, int64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == 0;
}

static bool read_real(const char *text, double *out)
{
    char *end;

    *out = strtod(text, &end);
    return end != text && *end == 0;
}

static bool read_bool(const char *text, int64_t *out)
{
    bool is_true = strcmp(text, "t") == 0 || strcmp(text, "1") == 0 || strcmp(text, "true") == 0;

    *out = is_true;
    return is_true || strcmp(text, "f") == 0 || strcmp(text, "0") == 0 || strcmp(text, "false") == 0;
}

/* "\x00ff", as bytea_output = hex writes it. */
static int read_bytes(struct db_session *s, struct str text, struct arena *arena, struct str *out)
{
    size_t n = text.n >= 2 ? (text.n - 2) / 2 : 0;
    char *bytes = arena_alloc(arena, n + 1);

    if (!bytes)
        return session_fail(s, DW_ENOMEM, "", "memory is out");
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(str_hex_digit(text.p[2 + 2 * i]) << 4 | str_hex_digit(text.p[3 + 2 * i]));
    bytes[n] = 0;
    *out = str_make(bytes, n);
    return 0;
}

/* What the cell is: its column's type, or what an expression gave. A whole decimal of an expression is a sum or a count. */
static enum db_type type_of_cell(enum db_type column, Oid type, const char *text)
{
    int64_t i;

    if (column != DB_NULL)
        return column;
    return type == PG_NUMERIC && read_int(text, &i) ? DB_INTEGER : pg_type_of(type);
}

static int fail_cell(struct db_rows *rows, size_t column, const char *wanted)
{
    return session_fail(rows->session, DW_EINVALID, "", "column %s holds what is not %s",
                        rows->columns[column].name, wanted);
}

int pg_cell(struct db_rows *rows, const struct pg_cursor *cursor, size_t column, struct arena *arena,
            struct db_cell *out)
{
    int row = cursor->row, at = (int)column;

    *out = (struct db_cell){ .type = DB_NULL };
    if (PQgetisnull(cursor->result, row, at))
        return 0;
    struct str text = { PQgetvalue(cursor->result, row, at), (size_t)PQgetlength(cursor->result, row, at) };
    Oid type = cursor->columns->server[column].type;
    out->type = type_of_cell(rows->columns[column].type, type, text.p);
    switch (out->type) {
    case DB_INTEGER:
        if (type == PG_BOOL)
            return read_bool(text.p, &out->i) ? 0 : fail_cell(rows, column, "a whole number");
        return read_int(text.p, &out->i) ? 0 : fail_cell(rows, column, "a whole number of 64 bits");
    case DB_BOOLEAN: return read_bool(text.p, &out->i) ? 0 : fail_cell(rows, column, "a boolean");
    case DB_REAL: return read_real(text.p, &out->r) ? 0 : fail_cell(rows, column, "a number");
    case DB_TIME: return pg_read_time(text.p, &out->i) ? 0 : fail_cell(rows, column, "an instant");
    case DB_BLOB:
        if (type == PG_BYTEA)
            return read_bytes(rows->session, text, arena, &out->text);
        break;
    default: break;
    }
    out->text = text;
    return 0;
}
