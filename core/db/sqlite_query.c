#include <stdlib.h>

#include "db/sqlite.h"

struct cursor {
    struct sqlite_connection *connection;
    struct sqlite_prepared *prepared;
    bool is_ahead; /* the row that next() is to give is there already */
};

/* ---- on which connection ---- */

/* Rows of one session share a reader: a second one could be waited for by all who hold a first. */
static struct sqlite_connection *reader_of(const struct db_session *s)
{
    for (const struct db_rows *r = s->rows; r; r = r->older) {
        const struct cursor *cursor = r->cursor;
        if (cursor && cursor->connection != sqlite_writing(s))
            return cursor->connection;
    }
    return NULL;
}

static int take_connection(struct db_session *s, struct sqlite_connection **out)
{
    *out = sqlite_writing(s);
    if (!*out)
        *out = reader_of(s);
    return *out ? 0 : sqlite_readers_take(s->db->engine, s, out);
}

static void give_connection(struct db_session *s, struct sqlite_connection *c)
{
    if (c->cursors == 0 && c != sqlite_writing(s))
        sqlite_readers_give(s->db->engine, c);
}

/* ---- running ---- */

static int bind_all(struct cursor *cursor, size_t n, const dw_value *values)
{
    int rc = SQLITE_OK;

    for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
        rc = sqlite_bind(cursor->prepared->handle, (int)i + 1, &values[i]);
    return rc;
}

static int step(struct db_rows *rows)
{
    struct cursor *cursor = rows->cursor;

    cursor->connection->statement = rows->statement;
    int rc = sqlite3_step(cursor->prepared->handle);

    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        return sqlite_fail(rows->session, cursor->connection, rc);
    rows->at_end = true;
    if (rows->statement->writes)
        rows->changed = sqlite3_changes64(cursor->connection->handle);
    return 0;
}

static int check(struct db_session *s, struct cursor *cursor)
{
    sqlite3_stmt *st = cursor->prepared->handle;

    if (cursor->connection == sqlite_writing(s) || sqlite3_stmt_readonly(st))
        return 0;
    return session_fail(s, DW_EMISUSE, "", "the statement writes, which could not be seen in its text");
}

static int start(struct db_session *s, struct db_rows *rows, const dw_value *values)
{
    struct cursor *cursor = rows->cursor;
    size_t n = rows->statement->parameters_n;

    cursor->connection->statement = rows->statement;
    DW_TRY(sqlite_prepare(cursor->connection, rows->statement, &cursor->prepared));
    DW_TRY(check(s, cursor));
    int wanted = sqlite3_bind_parameter_count(cursor->prepared->handle);
    if (wanted > (int)n)
        return session_fail(s, DW_EMISUSE, "",
                            "the statement has a parameter that was not found in its text");
    int rc = bind_all(cursor, (size_t)wanted, values);
    if (rc != SQLITE_OK)
        return sqlite_fail(s, cursor->connection, rc);
    rc = step(rows);
    if (rc < 0)
        return rc;
    cursor->is_ahead = rc > 0;
    DW_TRY(sqlite_prepared_columns(cursor->connection, cursor->prepared));
    rows->columns = cursor->prepared->columns;
    rows->columns_n = cursor->prepared->columns_n;
    return 0;
}

int sqlite_query(struct db_session *s, struct db_rows *rows, const dw_value *values)
{
    struct sqlite_connection *c;

    DW_TRY(take_connection(s, &c));
    struct cursor *cursor = calloc(1, sizeof(*cursor));
    if (!cursor) {
        give_connection(s, c);
        return session_fail(s, DW_ENOMEM, "", "memory is out");
    }
    cursor->connection = c;
    c->cursors++;
    rows->cursor = cursor;
    return start(s, rows, values);
}

int sqlite_next(struct db_rows *rows)
{
    struct cursor *cursor = rows->cursor;

    if (cursor->is_ahead) {
        cursor->is_ahead = false;
        return 1;
    }
    return rows->at_end ? 0 : step(rows);
}

int sqlite_cell(struct db_rows *rows, size_t column, struct db_cell *out)
{
    const struct cursor *cursor = rows->cursor;

    sqlite_read_cell(cursor->prepared->handle, (int)column, rows->columns[column].type, out);
    return 0;
}

/* Rows of RETURNING that nobody reads: everything was done before the first. SQLite 3.40 rolls a transaction with full text
 * in it back when such a statement is reset before its end (in defensive mode, the index may not be written then). */
static void run_to_end(struct cursor *cursor)
{
    cursor->connection->is_controlled = true; /* nor may an interruption undo what was done */
    while (sqlite3_step(cursor->prepared->handle) == SQLITE_ROW)
        ;
    cursor->connection->is_controlled = false;
}

void sqlite_close_rows(struct db_rows *rows)
{
    struct cursor *cursor = rows->cursor;
    struct sqlite_connection *c = cursor->connection;

    if (cursor->prepared && rows->statement->writes && rows->statement->is_returning && !rows->at_end &&
        sqlite3_stmt_busy(cursor->prepared->handle))
        run_to_end(cursor);
    if (cursor->prepared)
        sqlite_prepared_close(c, cursor->prepared);
    c->cursors--;
    give_connection(rows->session, c);
    free(cursor);
    rows->cursor = NULL;
}

/* ---- scripts ---- */

int sqlite_script(struct db_session *s, struct str sql)
{
    struct sqlite_connection *c = sqlite_writing(s);
    const char *end = sql.p + sql.n;

    for (const char *at = sql.p; at < end;) {
        sqlite3_stmt *st = NULL;
        int rc = sqlite3_prepare_v2(c->handle, at, (int)(end - at), &st, &at);
        while (rc == SQLITE_OK && st && (rc = sqlite3_step(st)) == SQLITE_ROW)
            rc = SQLITE_OK;
        if (rc != SQLITE_OK && rc != SQLITE_DONE)
            rc = sqlite_fail(s, c, rc);
        sqlite3_finalize(st);
        if (rc < 0)
            return rc;
    }
    return 0;
}
