/* Steps written at once, with one Sync behind them: libpq's pipeline mode. Everything is non-blocking, so that a limit or
 * a cancellation ends every wait. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/postgres.h"
#include "util/clock.h"

void pg_exchange_init(struct pg_exchange *x, struct pg_connection *c, struct db_session *s)
{
    *x = (struct pg_exchange){ .c = c, .s = s, .failed = -1 };
}

void pg_exchange_finish(struct pg_exchange *x)
{
    for (unsigned i = 0; i < x->steps_n; i++)
        PQclear(x->results[i]);
    x->steps_n = 0;
}

const PGresult *pg_error(const struct pg_exchange *x)
{
    return x->failed < 0 ? NULL : x->results[x->failed];
}

/* ---- steps ---- */

/* libpq only writes into its buffer here; what is large goes out early, and that is fine. */
static void note(struct pg_exchange *x, enum pg_step step, int sent)
{
    if (sent && x->steps_n < PG_STEPS_MAX) {
        x->results[x->steps_n] = NULL;
        x->steps[x->steps_n++] = step;
    } else {
        x->is_unsent = true;
    }
}

void pg_add_sql(struct pg_exchange *x, enum pg_step step, const char *sql)
{
    note(x, step, PQsendQueryParams(x->c->conn, sql, 0, NULL, NULL, NULL, NULL, 0));
}

void pg_add_sql_with(struct pg_exchange *x, enum pg_step step, const char *sql, const char *value)
{
    static const Oid text = PG_TEXT;

    note(x, step, PQsendQueryParams(x->c->conn, sql, 1, &text, &value, NULL, NULL, 0));
}

void pg_add_prepared(struct pg_exchange *x, enum pg_step step, const char *name, const char *value)
{
    note(x, step, PQsendQueryPrepared(x->c->conn, name, value ? 1 : 0, &value, NULL, NULL, 0));
}

void pg_add_parse(struct pg_exchange *x, const char *name, const char *sql, const Oid *types, size_t n)
{
    note(x, PG_STEP_PARSE, PQsendPrepare(x->c->conn, name, sql, (int)n, types));
}

void pg_add_describe(struct pg_exchange *x, const char *name)
{
    note(x, PG_STEP_DESCRIBE, PQsendDescribePrepared(x->c->conn, name));
}

/* Behind a pooler nothing may be left on a connection: what pg_connect() sets once goes with every transaction. */
static void add_settings_for_pooler(struct pg_exchange *x, const char *tenant, bool is_system,
                                    bool is_unlimited)
{
    const struct db_options *o = &x->c->pg->db->options;
    char sql[640];

    snprintf(sql, sizeof(sql),
             "SELECT set_config('dowel.tenant', $1, true), set_config('TimeZone', 'UTC', true),"
             " set_config('DateStyle', 'ISO', true), set_config('bytea_output', 'hex', true),"
             " set_config('statement_timeout', '%lld', true), set_config('lock_timeout', '%lld', true),"
             " set_config('idle_in_transaction_session_timeout', '%lld', true)%s",
             is_unlimited ? 0LL : (long long)(o->statement_timeout_us + CLOCK_SECOND) / CLOCK_MS,
             (long long)o->transaction_timeout_us / CLOCK_MS,
             is_unlimited ? 0LL : (long long)(o->transaction_timeout_us + 5 * CLOCK_SECOND) / CLOCK_MS,
             is_system ? ", set_config('role', '" PG_SYSTEM_ROLE "', true)" : "");
    pg_add_sql_with(x, PG_STEP_SETTINGS, sql, tenant);
}

/* PostgreSQL keeps the plan of a statement until it is told that the tables have changed: one that was made for a table of three
 * rows reads all of it when there are a hundred thousand, until autovacuum comes by. Made anew it looks how large they are. */
static void add_replan(struct pg_exchange *x)
{
    struct pg_connection *c = x->c;
    const int64_t now_us = clock_monotonic_us();

    if (now_us - c->planned_us < c->pg->replan_us)
        return;
    if (c->planned_us)
        pg_add_sql(x, PG_STEP_OTHER, "DISCARD PLANS");
    c->planned_us = now_us;
}

/* READ COMMITTED, whatever the server's default: each statement sees what was committed before it, as on SQLite each
 * writing transaction sees all that was committed before it began. With REPEATABLE READ a job's lease, a counter or an
 * UPSERT that meets a neighbour would fail and be run again where it now waits its turn, and nothing here reads twice
 * expecting the same. Who needs it locks the row: SELECT ... FOR UPDATE. */
void pg_add_start(struct pg_exchange *x)
{
    static const char begin[] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
    struct pg_connection *c = x->c;
    const struct db_who *who = &x->s->who;
    const char *tenant = who->tenant ? who->tenant : "";
    bool through_pooler = c->pg->db->options.through_pooler;

    if (c->transaction == PG_TX_OPEN)
        return;
    if (c->transaction == PG_TX_WANTED && through_pooler)
        pg_add_sql(x, PG_STEP_BEGIN, begin);
    else if (c->transaction == PG_TX_WANTED)
        pg_add_prepared(x, PG_STEP_BEGIN, "begin", NULL);
    if (through_pooler) {
        add_settings_for_pooler(x, tenant, who->is_system || who->is_unguarded, who->is_unguarded);
        return;
    }
    /* The tenant always, be it none: nothing that plugin code may have set counts. */
    pg_add_prepared(x, PG_STEP_SETTINGS, "tenant", tenant);
    if (who->is_unguarded)
        pg_add_prepared(x, PG_STEP_SETTINGS, "unguarded", NULL);
    else if (who->is_system)
        pg_add_prepared(x, PG_STEP_SETTINGS, "system", NULL);
    add_replan(x);
}

void pg_add_commit(struct pg_exchange *x)
{
    if (x->c->pg->db->options.through_pooler)
        pg_add_sql(x, PG_STEP_COMMIT, "COMMIT");
    else
        pg_add_prepared(x, PG_STEP_COMMIT, "commit", NULL);
}

/* ---- waiting ---- */

static int64_t limit_of(const struct pg_exchange *x)
{
    return x->s && !x->is_final && !x->deadline_us ? session_deadline_us(x->s) : x->deadline_us;
}

static bool must_stop(const struct pg_exchange *x)
{
    if (x->s && !x->is_final && session_must_stop(x->s))
        return true;
    return x->deadline_us && clock_monotonic_us() >= x->deadline_us;
}

static int timeout_ms(int64_t limit_us)
{
    int64_t left_us = limit_us - clock_monotonic_us();

    if (!limit_us)
        return -1;
    return left_us <= 0 ? 0 : left_us > CLOCK_SECOND * 3600LL ? 3600 * 1000 : (int)(left_us / CLOCK_MS) + 1;
}

/* PG_DONE: the socket is ready. */
static enum pg_outcome wait_for_socket(struct pg_exchange *x, bool writing)
{
    struct pollfd ready[2] = { { .fd = PQsocket(x->c->conn),
                                 .events = (short)(writing ? POLLIN | POLLOUT : POLLIN) },
                               { .fd = x->c->wake, .events = POLLIN } };

    for (;;) {
        if (poll(ready, x->is_final ? 1 : 2, timeout_ms(limit_of(x))) < 0 && errno != EINTR)
            return PG_LOST;
        if (ready[1].revents) {
            uint64_t times;
            if (read(x->c->wake, &times, sizeof(times)) < 0 && errno != EAGAIN)
                return PG_LOST;
        }
        if (ready[0].revents)
            return PG_DONE;
        if (must_stop(x))
            return PG_STOPPED;
    }
}

/* Sends all of it, and reads meanwhile: a server that wants to get rid of answers first would wait for us for ever. */
static enum pg_outcome flush(struct pg_exchange *x)
{
    int more;

    while ((more = PQflush(x->c->conn)) > 0) {
        enum pg_outcome outcome = wait_for_socket(x, true);
        if (outcome != PG_DONE)
            return outcome;
        if (!PQconsumeInput(x->c->conn))
            return PG_LOST;
    }
    return more < 0 ? PG_LOST : PG_DONE;
}

static enum pg_outcome wait_for_result(struct pg_exchange *x)
{
    while (PQisBusy(x->c->conn)) {
        enum pg_outcome outcome = wait_for_socket(x, false);
        if (outcome != PG_DONE)
            return outcome;
        if (!PQconsumeInput(x->c->conn))
            return PG_LOST;
    }
    return PG_DONE;
}

static bool is_error(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_NONFATAL_ERROR;
}

static bool has_ended(const struct pg_connection *c, const PGresult *result)
{
    return PQstatus(c->conn) != CONNECTION_OK ||
           (is_error(result) && pg_state_ends_connection(pg_state(result)));
}

/* The newest result of a step; the first error is kept. */
static void keep(struct pg_exchange *x, unsigned at, PGresult *result)
{
    if (is_error(result) && x->failed < 0)
        x->failed = (int)at;
    PQclear(x->results[at]);
    x->results[at] = result;
}

/* `at` is the step that is answered next: goes on where an earlier wait was broken off. */
static enum pg_outcome collect(struct pg_exchange *x, unsigned *at)
{
    for (;;) {
        enum pg_outcome outcome = wait_for_result(x);
        if (outcome != PG_DONE)
            return outcome;
        PGresult *result = PQgetResult(x->c->conn);
        if (!result) {
            if (PQstatus(x->c->conn) != CONNECTION_OK)
                return PG_LOST;
            ++*at; /* a NULL ends each step's results */
            continue;
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            PQclear(result);
            return x->failed < 0 ? PG_DONE : PG_REFUSED;
        }
        bool ends = has_ended(x->c, result);
        if (*at < x->steps_n)
            keep(x, *at, result);
        else
            PQclear(result);
        if (ends)
            return PG_LOST;
    }
}

/* PQcancel() returns when the postmaster has passed the signal on, so it cannot hit what this connection does next. That it
 * blocks until then is why the connection has tcp_user_timeout. Through a pooler it may come late: such a connection is
 * given up. */
static void cancel_on_server(struct pg_connection *c)
{
    char why[256];
    PGcancel *cancel = PQgetCancel(c->conn);

    if (!cancel || !PQcancel(cancel, why, sizeof(why)) || c->pg->db->options.through_pooler)
        c->is_broken = true;
    PQfreeCancel(cancel);
}

/* The answers have to be read all the same, or the connection would give them to the next who uses it. */
static void resynchronise(struct pg_exchange *x, unsigned *at)
{
    cancel_on_server(x->c);
    x->is_final = true;
    x->deadline_us = clock_monotonic_us() + PG_GRACE_US;
    enum pg_outcome outcome = flush(x);
    if (outcome == PG_DONE)
        outcome = collect(x, at);
    if (outcome == PG_STOPPED || outcome == PG_LOST)
        x->c->is_broken = true;
}

/* BEGIN was carried out, whatever came after it. */
static void note_begun(const struct pg_exchange *x)
{
    if (x->steps_n > 0 && x->steps[0] == PG_STEP_BEGIN && x->results[0] &&
        PQresultStatus(x->results[0]) == PGRES_COMMAND_OK && x->c->transaction == PG_TX_WANTED)
        x->c->transaction = PG_TX_OPEN;
}

enum pg_outcome pg_exchange_run(struct pg_exchange *x)
{
    struct pg_connection *c = x->c;
    unsigned at = 0;

    if (x->is_unsent || !PQpipelineSync(c->conn)) {
        c->is_broken = true;
        return PG_LOST;
    }
    enum pg_outcome outcome = flush(x);
    if (outcome == PG_DONE)
        outcome = collect(x, &at);
    if (outcome == PG_STOPPED && !x->is_final)
        resynchronise(x, &at);
    else if (outcome == PG_LOST || outcome == PG_STOPPED)
        c->is_broken = true;
    note_begun(x);
    return outcome;
}

/* ---- the simple protocol, for scripts: several statements, a result each ---- */

static enum pg_outcome collect_simple(struct pg_exchange *x)
{
    for (;;) {
        enum pg_outcome outcome = wait_for_result(x);
        if (outcome != PG_DONE)
            return outcome;
        PGresult *result = PQgetResult(x->c->conn);
        if (!result)
            return PQstatus(x->c->conn) != CONNECTION_OK ? PG_LOST : x->failed < 0 ? PG_DONE : PG_REFUSED;
        bool ends = has_ended(x->c, result);
        if (x->failed < 0)
            keep(x, 0, result);
        else
            PQclear(result);
        if (ends)
            return PG_LOST;
    }
}

enum pg_outcome pg_await_simple(struct pg_exchange *x)
{
    enum pg_outcome outcome = flush(x);

    if (outcome == PG_DONE)
        outcome = collect_simple(x);
    if (outcome == PG_STOPPED) {
        cancel_on_server(x->c);
        x->is_final = true;
        x->deadline_us = clock_monotonic_us() + PG_GRACE_US;
        outcome = collect_simple(x);
        if (outcome == PG_STOPPED || outcome == PG_LOST)
            x->c->is_broken = true;
        return PG_STOPPED;
    }
    if (outcome == PG_LOST)
        x->c->is_broken = true;
    return outcome;
}
