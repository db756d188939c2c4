#include <stdlib.h>
#include <string.h>

#include "db/driver.h"
#include "db/meter.h"
#include "db/rows.h"
#include "db/statements.h"
#include "db/values.h"
#include "util/clock.h"

enum { REPEATS_MAX = 4, VALUES_AT_HAND = 24 };

/* ---- life ---- */

int db_session_create(struct db_session **out, struct db *db, const struct db_who *who)
{
    struct db_session *s = calloc(1, sizeof(*s));

    *out = s;
    if (!s)
        return -1;
    s->db = db;
    s->who = *who;
    s->error = (struct db_error){ 0, "", "" };
    s->meter = db_meter_of(db, who->owner);
    arena_init(&s->own, NULL, 0, 0);
    return 0;
}

static void close_all_rows(struct db_session *s)
{
    while (s->rows)
        db_rows_close(s->rows);
}

void db_session_destroy(struct db_session *s)
{
    if (!s)
        return;
    close_all_rows(s);
    db_rollback(s);
    s->db->driver->finish(s);
    db_trees_drop(&s->trees);
    buf_finish(&s->error_text);
    buf_finish(&s->error_detail);
    arena_finish(&s->own);
    free(s);
}

void db_session_cancel(struct db_session *s)
{
    atomic_store(&s->cancelled, true);
    s->db->driver->cancel(s);
}

/* ---- errors ---- */

const struct db_error *db_error_of(const struct db_session *s)
{
    return &s->error;
}

static void DW_PRINTF(4, 0)
    record(struct db_session *s, int code, const char *detail, const char *format, va_list args)
{
    s->error_text.n = s->error_detail.n = 0;
    buf_add_format_list(&s->error_text, format, args);
    buf_add_text(&s->error_detail, detail);
    s->error = (struct db_error){ code, buf_text(&s->error_text), buf_text(&s->error_detail) };
    db_meter_failure(s->meter, code);
    if (s->transaction == DB_TX_OPEN)
        s->transaction = DB_TX_FAILED;
}

int session_fail(struct db_session *s, int code, const char *detail, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    record(s, code, detail, format, args);
    va_end(args);
    s->wants_repeat = false;
    return code;
}

int session_fail_repeatable(struct db_session *s, const char *detail, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    record(s, DW_EUNAVAILABLE, detail, format, args);
    va_end(args);
    s->wants_repeat = true;
    return DW_EUNAVAILABLE;
}

static bool has_passed(int64_t deadline_us, int64_t now_us)
{
    return deadline_us && now_us >= deadline_us;
}

bool session_is_over(const struct db_session *s)
{
    return atomic_load_explicit(&s->cancelled, memory_order_relaxed) ||
           has_passed(s->who.deadline_us, clock_monotonic_us());
}

static bool must_stop_at(const struct db_session *s, int64_t now_us)
{
    return atomic_load_explicit(&s->cancelled, memory_order_relaxed) ||
           has_passed(session_deadline_us(s), now_us);
}

bool session_must_stop(struct db_session *s)
{
    return must_stop_at(s, clock_monotonic_us());
}

int session_fail_stopped(struct db_session *s)
{
    int64_t now = clock_monotonic_us();

    if (atomic_load(&s->cancelled))
        return session_fail(s, DW_ECANCELLED, "", "the call was cancelled");
    if (has_passed(s->who.deadline_us, now))
        return session_fail(s, DW_ECANCELLED, "", "the call's deadline has passed");
    if (s->transaction != DB_TX_NONE && has_passed(s->transaction_deadline_us, now))
        return session_fail(
            s, DW_EUNAVAILABLE, "",
            "the transaction took longer than the %.3g s that one may take: do less in it, or raise "
            "transaction_timeout",
            (double)s->db->options.transaction_timeout_us / CLOCK_SECOND);
    return session_fail(
        s, DW_EUNAVAILABLE, "",
        "the statement took longer than the %.3g s that one may take: give it an index, a LIMIT, or "
        "raise statement_timeout",
        (double)s->db->options.statement_timeout_us / CLOCK_SECOND);
}

static int64_t earlier(int64_t a, int64_t b)
{
    if (!a || !b)
        return a ? a : b;
    return a < b ? a : b;
}

int64_t session_deadline_us(const struct db_session *s)
{
    int64_t deadline = earlier(s->who.deadline_us, s->statement_deadline_us);

    return s->transaction == DB_TX_NONE ? deadline : earlier(deadline, s->transaction_deadline_us);
}

/* What the failure said about a repetition stays so. */
static int refuse_failed(struct db_session *s)
{
    bool wants_repeat = s->wants_repeat;
    int rc =
        session_fail(s, DW_ETX, "", "a statement of this transaction failed before: only a rollback ends it");

    s->wants_repeat = wants_repeat;
    return rc;
}

/* A migration of a large table takes as long as it takes, and no request waits for it. */
static int64_t limit_of(const struct db_session *s, int64_t usual_us)
{
    static const int64_t day_us = INT64_C(24) * 3600 * CLOCK_SECOND;

    return s->who.is_unguarded ? day_us : usual_us;
}

static void begin_step(struct db_session *s)
{
    s->wants_repeat = false;
    s->step_us = clock_monotonic_us();
    s->statement_deadline_us = s->step_us + limit_of(s, s->db->options.statement_timeout_us);
}

/* Whether a step may begin now. */
static int admit(struct db_session *s)
{
    if (s->transaction == DB_TX_FAILED)
        return refuse_failed(s);
    begin_step(s);
    return must_stop_at(s, s->step_us) ? session_fail_stopped(s) : 0;
}

/* ---- transactions ---- */

static void note_open(struct db_session *s)
{
    s->transaction = DB_TX_OPEN;
    s->transaction_deadline_us = clock_monotonic_us() + limit_of(s, s->db->options.transaction_timeout_us);
}

static int begin(struct db_session *s)
{
    DW_TRY(s->db->driver->begin(s));
    note_open(s);
    return 0;
}

/* With what committing it has returned. */
static void note_end(struct db_session *s, int rc)
{
    s->transaction = DB_TX_NONE;
    db_meter_transaction(s->meter, rc < 0 ? DB_TX_ROLLED_BACK : DB_TX_COMMITTED);
    if (rc >= 0 || rc == DW_EUNKNOWN)
        s->has_committed = true;
}

/* Whoever opened the session may have lost the right to commit meanwhile. */
static int ask_before_commit(struct db_session *s)
{
    int rc = s->who.before_commit ? s->who.before_commit(s, s->who.before_commit_ud) : 0;

    if (rc < 0 && s->error.code != rc)
        session_fail(s, rc, "", "it may not be committed any more: somebody else works on it");
    return rc < 0 ? rc : 0;
}

static int commit(struct db_session *s)
{
    int rc = ask_before_commit(s);

    if (rc < 0) {
        s->db->driver->rollback(s);
    } else if (session_must_stop(s)) {
        rc = session_fail_stopped(s);
        s->db->driver->rollback(s);
    } else {
        rc = s->db->driver->commit(s);
    }
    note_end(s, rc);
    return rc < 0 ? rc : 0;
}

static void roll_back(struct db_session *s)
{
    s->db->driver->rollback(s); /* what fails here has ended the transaction as well */
    s->transaction = DB_TX_NONE;
    db_meter_transaction(s->meter, DB_TX_ROLLED_BACK);
}

int db_begin(struct db_session *s)
{
    DW_TRY(admit(s));
    if (s->transaction != DB_TX_NONE)
        return session_fail(s, DW_ETX, "", "a transaction is open already: one at a time");
    return begin(s);
}

int db_commit(struct db_session *s)
{
    if (s->transaction == DB_TX_NONE)
        return session_fail(s, DW_ETX, "", "there is no transaction to commit");
    if (s->transaction == DB_TX_FAILED)
        return refuse_failed(s);
    begin_step(s);
    db_rows_end_with_transaction(s);
    return commit(s);
}

int db_rollback(struct db_session *s)
{
    if (s->transaction == DB_TX_NONE)
        return 0;
    db_rows_end_with_transaction(s);
    roll_back(s);
    return 0;
}

bool db_in_transaction(const struct db_session *s)
{
    return s->transaction != DB_TX_NONE;
}

bool db_has_committed(const struct db_session *s)
{
    return s->has_committed;
}

bool db_wants_repeat(const struct db_session *s)
{
    return s->wants_repeat;
}

/* ---- statements ---- */

/* Migrations have to do more before they commit, and so has whoever wants to be asked. */
static bool may_run_alone(const struct db_session *s)
{
    return s->db->driver->query_alone && !s->who.before_commit && !s->who.is_unguarded;
}

static int run_alone(struct db_session *s, struct db_rows *rows, const dw_value *values)
{
    note_open(s);
    int rc = s->db->driver->query_alone(s, rows, values);
    note_end(s, rc);
    return rc;
}

/* A write outside a transaction is one of its own; what it returns is read before the commit. */
static int run_in_own_transaction(struct db_session *s, struct db_rows *rows, const dw_value *values)
{
    DW_TRY(begin(s));
    int rc = s->db->driver->query(s, rows, values);
    if (rc >= 0)
        rc = db_rows_keep(rows);
    db_rows_let_go(rows);
    if (rc >= 0)
        return commit(s);
    roll_back(s);
    return rc;
}

static int run(struct db_session *s, struct db_rows *rows, const dw_value *values)
{
    bool is_own = rows->statement->writes && s->transaction == DB_TX_NONE;
    int rc = 0;

    for (unsigned repeats = 0; repeats <= REPEATS_MAX; repeats++) {
        if (is_own && may_run_alone(s))
            rc = run_alone(s, rows, values);
        else if (is_own)
            rc = run_in_own_transaction(s, rows, values);
        else
            rc = s->db->driver->query(s, rows, values);
        if (rc >= 0 || !s->wants_repeat || s->transaction != DB_TX_NONE || session_must_stop(s))
            break;
        db_rows_forget(rows);
        db_meter_repeat(s->meter);
        s->who.is_repeat = true;
    }
    return rc;
}

int session_find_statement(struct db_session *s, struct remembered **out, enum db_author by,
                           const dw_value *sql)
{
    const struct statements_key key = { .by = by,
                                        .is_guarded = !s->who.is_system && !s->who.is_unguarded,
                                        .is_migration = s->who.is_unguarded };
    struct buf why = BUF_INIT;

    *out = NULL;
    if (!sql || sql->type != DW_TEXT || !sql->as.p || sql->n != SIZE_MAX)
        return session_fail(s, DW_EMISUSE, "",
                            "the list of a statement begins with its SQL, a terminated text");
    int rc = statements_find(out, s->db, sql->as.p, &key, &why);
    if (rc == DW_ENOMEM)
        rc = session_fail(s, rc, "", "memory is out");
    else if (rc < 0)
        rc = session_fail(s, rc, "", "%s", buf_text(&why));
    buf_finish(&why);
    return rc;
}

static int start(struct db_session *s, struct db_rows *rows, dw_list given)
{
    const struct statement *st = rows->statement;
    dw_value at_hand[VALUES_AT_HAND], *values = at_hand;
    struct arena room;

    arena_init(&room, NULL, 0, 0);
    if (st->parameters_n > VALUES_AT_HAND)
        values = arena_alloc(&room, st->parameters_n * sizeof(*values));
    int rc = values ? db_values_make(s, st, given, values, &room)
                    : session_fail(s, DW_ENOMEM, "", "memory is out");
    if (rc == 0)
        rc = run(s, rows, values);
    arena_finish(&room);
    return rc;
}

/* To the first row, or the end: what comes after is the reader's own pace. */
static void measure(struct db_session *s, const char *sql)
{
    int64_t took = clock_monotonic_us() - s->step_us;

    db_meter_statement(s->meter, took);
    if (took > s->db->options.slow_us)
        db_log_slow(s, sql, took);
}

int db_query(struct db_session *s, struct db_rows **out, enum db_author by, dw_list sql_and_values)
{
    struct remembered *remembered;

    *out = NULL;
    DW_TRY(admit(s));
    DW_TRY(session_find_statement(s, &remembered, by, sql_and_values.n > 0 ? sql_and_values.v : NULL));
    struct db_rows *rows = db_rows_create(s, remembered);
    if (!rows)
        return session_fail(s, DW_ENOMEM, "", "memory is out");
    int rc = start(s, rows, (dw_list){ sql_and_values.v + 1, sql_and_values.n - 1 });
    measure(s, sql_and_values.v->as.p);
    if (rc < 0)
        db_rows_close(rows);
    else
        *out = rows;
    return rc < 0 ? rc : 0;
}

int64_t db_exec(struct db_session *s, enum db_author by, dw_list sql_and_values)
{
    struct db_rows *rows = NULL;
    int64_t came = 0;

    int rc = db_query(s, &rows, by, sql_and_values);
    if (!rows)
        return rc;
    while ((rc = db_rows_next(rows)) > 0)
        came++;
    if (rc == 0 && rows->statement->writes)
        came = rows->changed;
    db_rows_close(rows);
    return rc < 0 ? rc : came;
}

int db_find(struct db_session *s, dw_list targets, enum db_author by, dw_list sql_and_values)
{
    struct db_rows *rows = NULL;

    int rc = db_query(s, &rows, by, sql_and_values);
    if (!rows)
        return rc;
    rc = db_rows_next(rows);
    if (rc > 0) {
        int read = db_rows_read_lasting(rows, targets);
        rc = read < 0 ? read : rc;
    }
    db_rows_close(rows);
    return rc;
}

/* ---- for migrations and between servers ---- */

int db_run_script(struct db_session *s, struct str sql)
{
    DW_TRY(admit(s));
    if (!s->who.is_unguarded)
        return session_fail(s, DW_EMISUSE, "", "scripts are for unguarded sessions");
    if (s->transaction == DB_TX_NONE)
        return session_fail(s, DW_ETX, "", "a script runs in a transaction");
    return s->db->driver->script(s, sql);
}

int db_lock(struct db_session *s, const char *name, int64_t patience_us)
{
    DW_TRY(admit(s));
    return s->db->driver->lock(s, name, patience_us);
}

int db_notify(struct db_session *s, const char *channel, const char *text)
{
    enum { TEXT_MAX = 512 };

    DW_TRY(admit(s));
    if (strlen(text) > TEXT_MAX || !*channel)
        return session_fail(s, DW_EINVALID, "", "a notice has a channel and at most %d bytes", (int)TEXT_MAX);
    return s->db->driver->notify(s, channel, text);
}
