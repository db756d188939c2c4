#include "db/sqlite.h"
#include "util/clock.h"

/* ---- in ---- */

static int bind_time(sqlite3_stmt *st, int n, int64_t us)
{
    char text[CLOCK_RFC3339_SIZE];

    clock_format_rfc3339(us, text);
    return sqlite3_bind_text(st, n, text, sizeof(text) - 1, SQLITE_TRANSIENT);
}

/* Copied: rows are read while the caller's values may be gone. */
int sqlite_bind(sqlite3_stmt *st, int n, const dw_value *value)
{
    switch (value->type) {
    case DW_BOOL:
    case DW_INT:
    case DW_SPAN: return sqlite3_bind_int64(st, n, value->as.i);
    case DW_REAL: return sqlite3_bind_double(st, n, value->as.r);
    case DW_TIME: return bind_time(st, n, value->as.i);
    case DW_TEXT:
    case DW_JSON: return sqlite3_bind_text64(st, n, value->as.p, value->n, SQLITE_TRANSIENT, SQLITE_UTF8);
    case DW_BYTES: return sqlite3_bind_blob64(st, n, value->as.p, value->n, SQLITE_TRANSIENT);
    default: return sqlite3_bind_null(st, n);
    }
}

/* ---- out ---- */

static struct str text_at(sqlite3_stmt *st, int column)
{
    const char *p = (const char *)sqlite3_column_text(st, column);

    return str_make(p ? p : "", p ? (size_t)sqlite3_column_bytes(st, column) : 0);
}

static void read_text(sqlite3_stmt *st, int column, enum db_type declared, struct db_cell *out)
{
    out->text = text_at(st, column);
    switch (declared) {
    case DB_UUID:
    case DB_JSON:
    case DB_DECIMAL: out->type = declared; break;
    case DB_TIME:
        /* What another tool wrote may be no time: then it is the text that it is. */
        out->type = clock_parse_rfc3339(out->text, &out->i) ? DB_TIME : DB_TEXT;
        break;
    default: out->type = DB_TEXT;
    }
}

static void read_integer(sqlite3_stmt *st, int column, enum db_type declared, struct db_cell *out)
{
    out->i = sqlite3_column_int64(st, column);
    out->type = DB_INTEGER;
    if (declared == DB_BOOLEAN && (out->i == 0 || out->i == 1)) {
        out->type = DB_BOOLEAN;
    } else if (declared == DB_REAL) {
        out->type = DB_REAL;
        out->r = (double)out->i;
    } else if (declared == DB_DECIMAL) {
        out->type = DB_DECIMAL;
        out->text = text_at(st, column);
    }
}

static void read_real(sqlite3_stmt *st, int column, enum db_type declared, struct db_cell *out)
{
    out->r = sqlite3_column_double(st, column);
    out->type = DB_REAL;
    if (declared == DB_DECIMAL) {
        out->type = DB_DECIMAL;
        out->text = text_at(st, column);
    }
}

void sqlite_read_cell(sqlite3_stmt *st, int column, enum db_type declared, struct db_cell *out)
{
    *out = (struct db_cell){ .type = DB_NULL };
    switch (sqlite3_column_type(st, column)) {
    case SQLITE_INTEGER: read_integer(st, column, declared, out); return;
    case SQLITE_FLOAT: read_real(st, column, declared, out); return;
    case SQLITE_TEXT: read_text(st, column, declared, out); return;
    case SQLITE_BLOB: break;
    default: return;
    }
    const char *p = sqlite3_column_blob(st, column);
    out->type = DB_BLOB;
    out->text = str_make(p ? p : "", (size_t)sqlite3_column_bytes(st, column));
}
