/* host_db.c - the table of what plugins do in the database, each in its call's session. */
#include "plugin/call_db.h"
#include "plugin/host.h"
#include "plugin/rows.h"
#include "plugin/values.h"

/* ---- what was handed over ---- */

/* The list is SQL and its values. 0 or DW_EMISUSE. */
static int check_sql(dw_call *c, const char *step, dw_list list)
{
    if (list.n == 0 || list.v[0].type != DW_TEXT || !list.v[0].as.p)
        return call_misuse(c, "%s: the SQL stands first, and its values after it", step);
    const char *wrong = values_wrong((dw_list){ list.v + 1, list.n - 1 });
    return wrong ? call_misuse(c, "%s: the values hold %s", step, wrong) : 0;
}

static int check_targets(dw_call *c, const char *step, dw_list targets)
{
    for (size_t i = 0; i < targets.n; i++) {
        if (!value_is_target(&targets.v[i]) || !targets.v[i].as.to)
            return call_misuse(c, "%s: a value where the address of a variable is wanted", step);
    }
    return 0;
}

static int begin(dw_call *c, const char *step, dw_list sql, struct db_session **out)
{
    DW_TRY(call_session(c, step, out));
    return check_sql(c, step, sql);
}

/* ---- statements ---- */

/* Whatever will be found is to lie in a slot. */
static int begin_rows(dw_call *c, const char *step, dw_rows **out, dw_list sql, struct db_session **s,
                      struct rows_slot **slot)
{
    if (out)
        *out = NULL;
    DW_TRY(begin(c, step, sql, s));
    if (!out)
        return call_misuse(c, "%s: no place for the rows", step);
    *slot = rows_slot(c);
    return *slot ? 0 : call_fail(c, DW_ENOMEM, "%s: out of memory", step);
}

static int query(dw_call *c, dw_rows **out, dw_list sql)
{
    static const char step[] = "dw_db_query";
    struct rows_slot *slot = NULL;
    struct db_session *s = NULL;
    struct db_rows *rows;

    DW_TRY(begin_rows(c, step, out, sql, &s, &slot));
    DW_TRY(call_session_result(c, step, db_query(s, &rows, DB_BY_PLUGIN, sql)));
    *out = rows_open(slot, rows);
    return 0;
}

static int search(dw_call *c, dw_rows **out, const char *table, const char *typed, dw_list sql)
{
    static const char step[] = "dw_db_search";
    struct rows_slot *slot = NULL;
    struct db_session *s = NULL;
    struct db_rows *rows;

    DW_TRY(begin_rows(c, step, out, sql, &s, &slot));
    DW_TRY(call_session_result(c, step, db_search(s, &rows, table, str_from(typed ? typed : ""), sql)));
    *out = rows_open(slot, rows);
    return 0;
}

static int exec(dw_call *c, dw_list sql)
{
    static const char step[] = "dw_db_exec";
    struct db_session *s;

    DW_TRY(begin(c, step, sql, &s));
    return call_session_result(c, step, db_exec(s, DB_BY_PLUGIN, sql));
}

/* ---- rows ---- */

static struct str copy(dw_call *c, const void *p, size_t n)
{
    return str_make(call_copy(c, str_make(p, n)), n);
}

/* What is borrowed until the next row, into the call's memory. */
static void keep_texts(dw_call *c, dw_list targets)
{
    for (size_t i = 0; i < targets.n; i++) {
        void *to = targets.v[i].as.to;
        const char **text = to;
        dw_str *str = to;
        dw_bytes *bytes = to;
        if (targets.v[i].type == DW_TO_TEXT && *text)
            *text = copy(c, *text, strlen(*text)).p;
        else if (targets.v[i].type == DW_TO_STR && str->p)
            str->p = copy(c, str->p, str->n).p;
        else if (targets.v[i].type == DW_TO_BYTES && bytes->p)
            bytes->p = copy(c, bytes->p, bytes->n).p;
    }
}

/* The session's, which may end before the call does. */
static void keep_json(dw_call *c, dw_list targets)
{
    for (size_t i = 0; i < targets.n; i++) {
        if (targets.v[i].type == DW_TO_JSON)
            host_call_api.json_own(c, json_incref(*(json_t **)targets.v[i].as.to));
    }
}

static int read_row(dw_call *c, const char *step, struct db_rows *rows, dw_list targets)
{
    DW_TRY(call_session_result(c, step, db_rows_read(rows, targets)));
    keep_json(c, targets);
    return 1;
}

static int next(dw_rows *handle, dw_list targets)
{
    static const char step[] = "dw_rows_next";
    struct rows_slot *s;

    DW_TRY(rows_check(handle, step, &s));
    DW_TRY(check_targets(s->c, step, targets));
    int rc = rows_next(s, step);
    return rc == 1 ? read_row(s->c, step, s->rows, targets) : rc;
}

static void close_rows(dw_rows *handle)
{
    rows_close_handle(handle);
}

static int find(dw_call *c, dw_list targets, dw_list sql)
{
    static const char step[] = "dw_db_find";
    struct db_session *s;
    struct db_rows *rows;

    DW_TRY(begin(c, step, sql, &s));
    DW_TRY(check_targets(c, step, targets));
    DW_TRY(call_session_result(c, step, db_query(s, &rows, DB_BY_PLUGIN, sql)));
    int rc = call_session_result(c, step, db_rows_next(rows));
    if (rc == 1)
        rc = read_row(c, step, rows, targets);
    if (rc == 1)
        keep_texts(c, targets);
    db_rows_close(rows);
    return rc;
}

/* ---- transactions ---- */

static int tx_begin(dw_call *c)
{
    struct db_session *s;

    DW_TRY(call_session(c, "dw_tx_begin", &s));
    return call_session_result(c, "dw_tx_begin", db_begin(s));
}

/* The harness's word that the engine wants this one repeated. */
static int spoil(dw_call *c, struct db_session *s)
{
    db_rollback(s);
    c->root->wants_repeat = true;
    return call_fail_inner(c, DW_EUNAVAILABLE, "dw_tx_commit: spoiled because the test wants it so");
}

int call_commit(dw_call *c, const char *step)
{
    const struct plugin_process *p;
    struct db_session *s;

    DW_TRY(call_session(c, step, &s));
    p = c->instance->process;
    if (p->spoils && db_in_transaction(s) && p->spoils(c, p->fault_ud))
        return spoil(c, s);
    return call_session_result(c, step, db_commit(s));
}

static int tx_commit(dw_call *c)
{
    return call_commit(c, "dw_tx_commit");
}

/* What undoes does not fail for a fault that a test wants, nor does it forget that a repetition is due. */
static int tx_rollback(dw_call *c)
{
    if (!call_is_mine(c))
        return call_stray(c, "dw_tx_rollback");
    if (!c->session)
        return 0;
    int rc = db_rollback(c->session);
    return rc < 0 ? call_session_result(c, "dw_tx_rollback", rc) : 0;
}

static int dialect(dw_call *c)
{
    if (!call_is_mine(c)) {
        call_stray(c, "dw_db_dialect");
        return DW_SQLITE;
    }
    const struct db *db = c->instance->process->db;
    return db && db_engine(db) == DB_POSTGRES ? DW_POSTGRES : DW_SQLITE;
}

const dw_db_api host_db_api = {
    .struct_size = sizeof(dw_db_api),
    .query = query,
    .next = next,
    .close = close_rows,
    .find = find,
    .exec = exec,
    .begin = tx_begin,
    .commit = tx_commit,
    .rollback = tx_rollback,
    .dialect = dialect,
    .search = search,
};
