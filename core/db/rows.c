#include "db/rows.h"

#include <stdlib.h>
#include <string.h>

#include "db/statements.h"
#include "plugin/values.h"

struct kept_row {
    struct kept_row *next;
    struct db_cell cells[];
};

/* Rows that were read ahead. */
struct db_kept {
    struct kept_row *first, **last;
    struct kept_row *at; /* the present one */
};

/* ---- columns ---- */

enum db_type db_type_of(struct str name)
{
    static const struct {
        struct str name;
        enum db_type type;
    } types[] = { { STR("INTEGER"), DB_INTEGER },  { STR("TEXT"), DB_TEXT },
                  { STR("TIMESTAMPTZ"), DB_TIME }, { STR("BOOLEAN"), DB_BOOLEAN },
                  { STR("UUID"), DB_UUID },        { STR("JSON"), DB_JSON },
                  { STR("JSON_TEXT"), DB_JSON },   { STR("BIGINT"), DB_INTEGER },
                  { STR("DECIMAL"), DB_DECIMAL },  { STR("DECIMAL_TEXT"), DB_DECIMAL },
                  { STR("REAL"), DB_REAL },        { STR("DOUBLE PRECISION"), DB_REAL },
                  { STR("BLOB"), DB_BLOB },        { STR("BYTEA"), DB_BLOB },
                  { STR("JSONB"), DB_JSON },       { STR("NUMERIC"), DB_DECIMAL },
                  { STR("INT"), DB_INTEGER },      { STR("TIME"), DB_TIME } };

    name = str_trim(str_make(name.p, str_find(name, '(')));
    for (size_t i = 0; i < DW_COUNT_OF(types); i++) {
        if (str_equal_nocase(name, types[i].name))
            return types[i].type;
    }
    return DB_NULL;
}

/* The label's part before "::", when a known type follows it. */
static struct str cut_type(struct str label, enum db_type *type)
{
    for (size_t i = label.n; i >= 2; i--) {
        if (label.p[i - 1] != ':' || label.p[i - 2] != ':')
            continue;
        enum db_type named = db_type_of(str_make(label.p + i, label.n - i));
        if (named == DB_NULL)
            return label;
        *type = named;
        return str_make(label.p, i - 2);
    }
    return label;
}

int db_column_fill(struct db_column *out, struct arena *arena, const char *label, enum db_type declared)
{
    struct buf json = BUF_INIT;

    out->type = declared;
    struct str name = cut_type(str_from(label), &out->type);
    buf_add_json(&json, name);
    buf_add_char(&json, ':');
    const char *copy = buf_failed(&json) ? NULL : arena_copy(arena, buf_str(&json));
    out->json = str_make(copy, json.n);
    buf_finish(&json);
    out->name = arena_copy(arena, name);
    return copy && out->name ? 0 : -1;
}

size_t db_rows_columns(const struct db_rows *rows)
{
    return rows->columns_n;
}

const char *db_rows_name(const struct db_rows *rows, size_t column)
{
    return column < rows->columns_n ? rows->columns[column].name : "";
}

enum db_type db_rows_type(const struct db_rows *rows, size_t column)
{
    return column < rows->columns_n ? rows->columns[column].type : DB_NULL;
}

/* ---- life ---- */

struct db_rows *db_rows_create(struct db_session *s, struct remembered *remembered)
{
    struct db_rows *rows = calloc(1, sizeof(*rows));

    if (!rows) {
        remembered_drop(remembered);
        return NULL;
    }
    rows->session = s;
    rows->driver = s->db->driver;
    rows->remembered = remembered;
    rows->statement = remembered_statement(remembered);
    arena_init(&rows->memory, NULL, 0, 0);
    rows->in_transaction = s->transaction != DB_TX_NONE;
    rows->older = s->rows;
    s->rows = rows;
    return rows;
}

void db_rows_let_go(struct db_rows *rows)
{
    if (rows->cursor)
        rows->driver->close_rows(rows);
    rows->cursor = NULL;
}

void db_rows_end_with_transaction(struct db_session *s)
{
    for (struct db_rows *rows = s->rows; rows; rows = rows->older) {
        if (!rows->in_transaction || !rows->cursor)
            continue;
        rows->was_cut = !rows->at_end;
        rows->has_row = false;
        db_rows_let_go(rows);
    }
}

void db_rows_forget(struct db_rows *rows)
{
    db_rows_let_go(rows);
    db_trees_drop(&rows->trees);
    arena_reset(&rows->memory);
    rows->columns = NULL;
    rows->columns_n = 0;
    rows->changed = 0;
    rows->kept = NULL;
    rows->has_row = rows->at_end = false;
}

void db_rows_close(struct db_rows *rows)
{
    if (!rows)
        return;
    struct db_rows **at = &rows->session->rows;
    while (*at != rows)
        at = &(*at)->older;
    *at = rows->older;
    db_rows_forget(rows);
    arena_finish(&rows->memory);
    remembered_drop(rows->remembered);
    free(rows);
}

/* ---- reading ahead ---- */

static int fail_memory(struct db_rows *rows)
{
    return session_fail(rows->session, DW_ENOMEM, "", "memory is out");
}

static int keep_columns(struct db_rows *rows)
{
    struct db_column *copy = arena_calloc(&rows->memory, rows->columns_n * sizeof(*copy));

    if (!copy)
        return fail_memory(rows);
    for (size_t i = 0; i < rows->columns_n; i++) {
        const struct db_column *c = &rows->columns[i];
        const char *json = arena_copy(&rows->memory, c->json);
        copy[i] = (struct db_column){ arena_copy(&rows->memory, str_from(c->name)), c->type,
                                      str_make(json, c->json.n) };
        if (!copy[i].name || !json)
            return fail_memory(rows);
    }
    rows->columns = copy;
    return 0;
}

static int keep_row(struct db_rows *rows)
{
    struct kept_row *row = arena_alloc(&rows->memory, sizeof(*row) + rows->columns_n * sizeof(row->cells[0]));

    if (!row)
        return fail_memory(rows);
    row->next = NULL;
    for (size_t i = 0; i < rows->columns_n; i++) {
        struct db_cell *c = &row->cells[i];
        DW_TRY(rows->driver->cell(rows, i, c));
        if (c->text.p && !(c->text.p = arena_copy(&rows->memory, c->text)))
            return fail_memory(rows);
    }
    *rows->kept->last = row;
    rows->kept->last = &row->next;
    return 0;
}

int db_rows_keep(struct db_rows *rows)
{
    int rc = 0;

    struct db_kept *kept = arena_calloc(&rows->memory, sizeof(*kept));
    if (!kept)
        return fail_memory(rows);
    kept->last = &kept->first;
    rows->kept = kept;
    if (rows->columns_n > 0)
        DW_TRY(keep_columns(rows));
    while (rc == 0 && (rc = rows->driver->next(rows)) > 0)
        rc = keep_row(rows);
    rows->at_end = false; /* that was the cursor's end: reading begins now */
    return rc;
}

static int next_kept(struct db_rows *rows)
{
    struct db_kept *kept = rows->kept;

    kept->at = kept->at ? kept->at->next : rows->at_end ? NULL : kept->first;
    return kept->at ? 1 : 0;
}

/* ---- reading ---- */

int db_rows_next(struct db_rows *rows)
{
    db_trees_drop(&rows->trees);
    if (rows->was_cut)
        return session_fail(rows->session, DW_ETX, "",
                            "these rows ended with their transaction: read them before");
    if (rows->failure || rows->at_end)
        return rows->failure;
    int rc = rows->kept ? next_kept(rows) : rows->driver->next(rows);
    rows->failure = rc < 0 ? rc : 0;
    rows->has_row = rc > 0;
    rows->at_end = rc <= 0;
    return rc;
}

int db_rows_cell(struct db_rows *rows, size_t column, struct db_cell *out)
{
    *out = (struct db_cell){ .type = DB_NULL };
    if (!rows->has_row || column >= rows->columns_n)
        return session_fail(rows->session, DW_EMISUSE, "",
                            rows->has_row ? "there is no column %zu: the statement has %zu"
                                          : "there is no row to read",
                            column, rows->columns_n);
    if (!rows->kept)
        return rows->driver->cell(rows, column, out);
    *out = rows->kept->at->cells[column];
    return 0;
}

static int read_into(struct db_rows *rows, dw_list targets, struct arena *memory, bool lasting,
                     struct db_tree **trees)
{
    const char *expected;
    struct db_cell cell;

    if (targets.n != rows->columns_n)
        return session_fail(rows->session, DW_EMISUSE, "",
                            "a row has %zu columns, and %zu targets were given", rows->columns_n, targets.n);
    for (size_t i = 0; i < targets.n; i++) {
        DW_TRY(db_rows_cell(rows, i, &cell));
        int rc = db_cell_store(&cell, &targets.v[i], memory, lasting, trees, &expected);
        if (rc == DW_ENOMEM)
            return fail_memory(rows);
        if (rc < 0)
            return session_fail(rows->session, rc, "",
                                "column %s (%zu) does not go into its target: that wants %s",
                                rows->columns[i].name, i + 1, expected);
    }
    return 0;
}

int db_rows_read(struct db_rows *rows, dw_list targets)
{
    return read_into(rows, targets, &rows->memory, false, &rows->trees);
}

int db_rows_read_lasting(struct db_rows *rows, dw_list targets)
{
    struct db_session *s = rows->session;

    return read_into(rows, targets, s->who.memory ? s->who.memory : &s->own, true, &s->trees);
}

int db_rows_write_json(struct db_rows *rows, struct buf *out)
{
    struct db_cell cell;

    if (!rows->has_row)
        return -1;
    buf_add_char(out, '{');
    for (size_t i = 0; i < rows->columns_n; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        buf_add_str(out, rows->columns[i].json);
        if (db_rows_cell(rows, i, &cell) < 0 || db_cell_write_json(&cell, out) != 0)
            return -1;
    }
    buf_add_char(out, '}');
    return 0;
}
