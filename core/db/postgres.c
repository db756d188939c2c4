/* The driver's table: what sessions call. */
#include "db/postgres.h"

#include <stdlib.h>

#include "util/clock.h"

/* ---- life ---- */

static void close_all(struct db *db)
{
    struct postgres *pg = db->engine;

    if (!pg)
        return;
    pg_listening_stop(pg);
    pg_pool_finish(pg);
    pg_shapes_finish(&pg->shapes);
    buf_finish(&pg->shown);
    free(pg);
    db->engine = NULL;
}

static bool answers(struct pg_connection *c, int64_t deadline_us)
{
    struct pg_exchange x;

    pg_exchange_init(&x, c, NULL);
    x.is_final = true;
    x.deadline_us = deadline_us;
    pg_add_sql(&x, PG_STEP_OTHER, "SELECT 1");
    bool does = pg_exchange_run(&x) == PG_DONE;
    pg_exchange_finish(&x);
    return does;
}

/* On one that is idle, else on a new one: that all are busy says nothing about whether the server can be reached. Nor does
 * that it takes no more, while it serves those. */
static int ping(struct db *db, struct buf *why)
{
    struct postgres *pg = db->engine;
    struct pg_connection *c = pg_pool_take_idle(pg);
    struct buf trouble = BUF_INIT;
    int64_t deadline_us = clock_monotonic_us() + CLOCK_SECOND;
    char state[6] = "";
    int rc = -1;

    if (c) {
        rc = answers(c, deadline_us) ? 0 : -1;
        pg_pool_give_back(c);
        if (rc == 0)
            return 0;
    }
    c = pg_connection_create(pg);
    if (!c)
        buf_add_text(&trouble, "memory or file descriptors are out");
    else
        rc = pg_connect(c, NULL, deadline_us, &trouble, state);
    if (rc != 0 && strcmp(state, "53300") == 0 && atomic_load_explicit(&pg->busy_n, memory_order_relaxed) > 0)
        rc = 0;
    if (rc != 0)
        buf_add_format(why, "PostgreSQL at %s cannot be reached: %s", buf_text(&pg->shown),
                       buf_text(&trouble));
    pg_connection_destroy(c);
    buf_finish(&trouble);
    return rc;
}

/* ---- transactions ---- */

/* BEGIN goes with the first statement. */
static int begin(struct db_session *s)
{
    struct pg_connection *c;

    DW_TRY(pg_check_locks(s));
    DW_TRY(pg_pool_take(&c, s));
    c->transaction = PG_TX_WANTED;
    return 0;
}

static int64_t grace(const struct db_session *s)
{
    int64_t limit_us = session_deadline_us(s), least_us = clock_monotonic_us() + PG_GRACE_US;

    return limit_us > least_us ? limit_us : least_us;
}

static int64_t a_grace(void)
{
    return clock_monotonic_us() + PG_GRACE_US;
}

/* What a migration made has to be there for the role that logs in, and in the same transaction. */
static int grant(struct db_session *s, struct pg_connection *c)
{
    struct pg_exchange x;
    int rc = 0;

    if (!s->who.is_unguarded)
        return 0;
    pg_exchange_init(&x, c, s);
    pg_add_grant(&x);
    enum pg_outcome outcome = pg_exchange_run(&x);
    if (outcome != PG_DONE)
        rc = pg_fail(&x, outcome, NULL);
    pg_exchange_finish(&x);
    return rc;
}

static int send_commit(struct db_session *s, struct pg_connection *c)
{
    struct pg_exchange x;
    int rc = 0;

    pg_exchange_init(&x, c, s);
    x.is_final = true;
    x.deadline_us = grace(s);
    pg_add_commit(&x);
    enum pg_outcome outcome = pg_exchange_run(&x);
    if (outcome == PG_STOPPED || outcome == PG_LOST)
        rc = pg_fail_in_doubt(s);
    else if (outcome == PG_REFUSED)
        rc = pg_fail(&x, outcome, NULL);
    else if (strcmp(PQcmdStatus(x.results[0]), "COMMIT") != 0)
        rc = session_fail(s, DW_ETX, "", "the transaction had failed before: PostgreSQL rolled it back");
    pg_exchange_finish(&x);
    return rc;
}

static void send_rollback(struct pg_connection *c)
{
    struct pg_exchange x;

    pg_exchange_init(&x, c, NULL);
    x.is_final = true;
    x.deadline_us = a_grace();
    if (c->pg->db->options.through_pooler)
        pg_add_sql(&x, PG_STEP_OTHER, "ROLLBACK");
    else
        pg_add_prepared(&x, PG_STEP_OTHER, "rollback", NULL);
    if (pg_exchange_run(&x) != PG_DONE)
        c->is_broken = true; /* closing it rolls back as well */
    pg_exchange_finish(&x);
}

static void end(struct pg_connection *c)
{
    if (c->transaction == PG_TX_OPEN && !c->is_broken)
        send_rollback(c);
    c->transaction = PG_TX_NONE;
    pg_pool_give_back(c);
}

static int commit_open(struct db_session *s, struct pg_connection *c)
{
    DW_TRY(pg_check_locks(s));
    DW_TRY(grant(s, c));
    /* What is seen to be dead now has not committed: that can be said for certain, and only now. */
    if (!pg_connection_is_alive(c)) {
        c->is_broken = true;
        return session_fail_repeatable(s, "", "the connection to PostgreSQL was lost before the commit");
    }
    int rc = send_commit(s, c);
    c->transaction = PG_TX_NONE;
    return rc;
}

static int commit(struct db_session *s)
{
    struct pg_connection *c = s->connection;
    int rc = c->transaction == PG_TX_OPEN ? commit_open(s, c) : 0;

    end(c);
    return rc;
}

static int rollback(struct db_session *s)
{
    if (s->connection)
        end(s->connection);
    return 0;
}

static void finish(struct db_session *s)
{
    rollback(s);
    pg_unlock_all(s);
}

static void cancel(struct db_session *s)
{
    pg_pool_wake(s->db->engine, s);
}

/* ---- rows ---- */

/* The result has come whole, so a read outside a transaction keeps no connection while its rows are open. */
static int query(struct db_session *s, struct db_rows *rows, const dw_value *values)
{
    struct pg_connection *c = s->connection;
    bool is_alone = !c;

    if (is_alone)
        DW_TRY(pg_pool_take(&c, s));
    int rc = pg_run(c, s, rows, values);
    if (is_alone)
        pg_pool_give_back(c);
    return rc;
}

/* BEGIN, the statement and COMMIT in one write: it costs half of what two cost, on both sides. The price is that a
 * connection which breaks leaves in doubt a statement that was not answered, where otherwise only a COMMIT would be. */
static int query_alone(struct db_session *s, struct db_rows *rows, const dw_value *values)
{
    struct pg_connection *c;

    DW_TRY(begin(s));
    c = s->connection;
    int rc = pg_run_and_commit(c, s, rows, values);
    end(c);
    return rc;
}

static int next(struct db_rows *rows)
{
    struct pg_cursor *cursor = rows->cursor;

    if (cursor->row + 1 >= PQntuples(cursor->result)) {
        rows->at_end = true;
        return 0;
    }
    cursor->row++;
    arena_reset(&cursor->bytes);
    return 1;
}

static int cell(struct db_rows *rows, size_t column, struct db_cell *out)
{
    struct pg_cursor *cursor = rows->cursor;

    return pg_cell(rows, cursor, column, &cursor->bytes, out);
}

static void close_rows(struct db_rows *rows)
{
    struct pg_cursor *cursor = rows->cursor;

    PQclear(cursor->result);
    pg_shape_drop(cursor->shape);
    arena_finish(&cursor->bytes);
    free(cursor);
    rows->cursor = NULL;
}

/* ---- scripts ---- */

static int open_transaction(struct db_session *s, struct pg_connection *c)
{
    struct pg_exchange x;
    int rc = 0;

    if (c->transaction == PG_TX_OPEN)
        return 0;
    pg_exchange_init(&x, c, s);
    pg_add_start(&x);
    enum pg_outcome outcome = pg_exchange_run(&x);
    if (outcome != PG_DONE)
        rc = pg_fail(&x, outcome, NULL);
    pg_exchange_finish(&x);
    return rc;
}

/* "... (line 7)": a script is long, and PostgreSQL says where. */
static int fail_script(struct db_session *s, const struct pg_exchange *x, struct str sql)
{
    const char *position = PQresultErrorField(pg_error(x), PG_DIAG_STATEMENT_POSITION);
    int code = pg_fail_with(s, pg_error(x), NULL);
    size_t n = position ? strtoul(position, NULL, 10) : 0;
    struct buf text = BUF_INIT;
    unsigned line = 1;

    if (n == 0)
        return code;
    for (size_t i = 0; i < sql.n && n > 1; i++) {
        n -= ((unsigned char)sql.p[i] & 0xc0) != 0x80; /* it counts characters */
        line += sql.p[i] == '\n';
    }
    buf_add_format(&text, "%s (line %u)", s->error.text, line);
    if (s->wants_repeat)
        session_fail_repeatable(s, pg_state(pg_error(x)), "%s", buf_text(&text));
    else
        session_fail(s, code, pg_state(pg_error(x)), "%s", buf_text(&text));
    buf_finish(&text);
    return code;
}

/* Several statements in one text are for the simple protocol alone. */
static int run_simple(struct db_session *s, struct pg_connection *c, struct str sql)
{
    struct pg_exchange x;
    char *copy = arena_copy(&s->own, sql);
    int rc = 0;

    if (!copy)
        return session_fail(s, DW_ENOMEM, "", "memory is out");
    pg_exchange_init(&x, c, s);
    x.steps_n = 1;
    x.steps[0] = PG_STEP_OTHER;
    enum pg_outcome outcome = PG_LOST;
    if (PQexitPipelineMode(c->conn) && PQsendQuery(c->conn, copy))
        outcome = pg_await_simple(&x);
    if (outcome == PG_REFUSED)
        rc = fail_script(s, &x, sql);
    else if (outcome != PG_DONE)
        rc = pg_fail(&x, outcome, NULL);
    if (!c->is_broken && !PQenterPipelineMode(c->conn))
        c->is_broken = true;
    pg_exchange_finish(&x);
    return rc;
}

static int script(struct db_session *s, struct str sql)
{
    struct pg_connection *c = s->connection;

    DW_TRY(open_transaction(s, c));
    int rc = run_simple(s, c, sql);
    if (rc == 0 && PQtransactionStatus(c->conn) != PQTRANS_INTRANS) {
        c->is_broken = true;
        rc = session_fail(
            s, DW_EMISUSE, "",
            "the script ended the transaction that it runs in: leave BEGIN, COMMIT and ROLLBACK out of it");
    }
    return rc;
}

const struct db_driver postgres_driver = {
    .engine = DB_POSTGRES,
    .open = pg_open,
    .close = close_all,
    .ping = ping,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .query = query,
    .query_alone = query_alone,
    .next = next,
    .cell = cell,
    .close_rows = close_rows,
    .script = script,
    .lock = pg_lock,
    .finish = finish,
    .cancel = cancel,
    .listen = pg_listen,
    .notify = pg_notify,
};
