/* One connection, from the URL to its settings. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "db/postgres.h"
#include "log/log.h"
#include "util/clock.h"

/* ---- life ---- */

struct pg_connection *pg_connection_create(struct postgres *pg)
{
    struct pg_connection *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->pg = pg;
    list_init(&c->link);
    list_init(&c->ages);
    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->wake < 0) {
        free(c);
        return NULL;
    }
    return c;
}

void pg_connection_destroy(struct pg_connection *c)
{
    if (!c)
        return;
    pg_forget_prepared(c);
    PQfinish(c->conn);
    close(c->wake);
    free(c);
}

/* ---- the URL ---- */

static void add_part(struct buf *out, const char *before, const char *text)
{
    if (text && *text) {
        buf_add_text(out, before);
        buf_add_text(out, text);
    }
}

int pg_show_url(const char *url, struct buf *out, struct buf *why)
{
    const char *user = NULL, *host = NULL, *port = NULL, *name = NULL;
    char *error = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &error);

    if (!options) {
        /* libpq's words may quote the whole, password and all. */
        buf_add_text(
            why,
            error ? "the database's URL cannot be read; write postgres://USER@HOST:PORT/NAME, with letters "
                    "such as @ : / in a password as %40 %3A %2F"
                  : "memory is out");
        PQfreemem(error);
        return -1;
    }
    for (const PQconninfoOption *o = options; o->keyword; o++) {
        const char **part = strcmp(o->keyword, "user") == 0     ? &user
                            : strcmp(o->keyword, "host") == 0   ? &host
                            : strcmp(o->keyword, "port") == 0   ? &port
                            : strcmp(o->keyword, "dbname") == 0 ? &name
                                                                : NULL;
        if (part)
            *part = o->val;
    }
    buf_add_text(out, "postgres://");
    add_part(out, "", user);
    add_part(out, user ? "@" : "", host);
    add_part(out, ":", port);
    add_part(out, "/", name);
    PQconninfoFree(options);
    return 0;
}

/* ---- connecting ---- */

/* What stands before the URL may be set otherwise in it, what stands behind may not. */
static PGconn *begin(const char *url)
{
    static const char *const names[] = { "fallback_application_name",
                                         "keepalives",
                                         "keepalives_idle",
                                         "keepalives_interval",
                                         "keepalives_count",
                                         "tcp_user_timeout",
                                         "dbname",
                                         "client_encoding",
                                         NULL };
    const char *const values[] = { "dowel", "1", "30", "5", "3", "15000", url, "UTF8", NULL };

    return PQconnectStartParams(names, values, 1);
}

static int timeout_ms(int64_t deadline_us)
{
    int64_t left_us = deadline_us - clock_monotonic_us();

    return left_us <= 0 ? 0 : (int)(left_us / CLOCK_MS) + 1;
}

/* False: it took too long, or the session is cancelled. */
static bool wait_for_peer(struct pg_connection *c, struct db_session *s, int64_t deadline_us, bool writing)
{
    struct pollfd ready[2] = { { .fd = PQsocket(c->conn), .events = writing ? POLLOUT : POLLIN },
                               { .fd = c->wake, .events = POLLIN } };

    while (clock_monotonic_us() < deadline_us && !(s && session_must_stop(s))) {
        uint64_t times;
        int n = poll(ready, 2, timeout_ms(deadline_us));
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0 && ready[0].revents)
            return true;
        if (n > 0 && ready[1].revents && read(c->wake, &times, sizeof(times)) < 0 && errno != EAGAIN)
            return false;
    }
    return false;
}

static bool connect_to(struct pg_connection *c, struct db_session *s, int64_t deadline_us, bool *late)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    *late = false;
    while (PQstatus(c->conn) != CONNECTION_BAD) {
        if (!wait_for_peer(c, s, deadline_us, status == PGRES_POLLING_WRITING)) {
            *late = true;
            return false;
        }
        status = PQconnectPoll(c->conn);
        if (status == PGRES_POLLING_OK)
            return true;
        if (status == PGRES_POLLING_FAILED)
            return false;
    }
    return false;
}

/* libpq keeps no SQLSTATE of a connection that failed; with PQERRORS_VERBOSE its message has it: "FATAL:  28P01: ...". In
 * whatever language the server speaks. */
static void find_state(const char *message, char state[6])
{
    for (const char *at = strchr(message, ':'); at; at = strchr(at + 1, ':')) {
        size_t n = strspn(at + 1, " ");
        const char *p = at + 1 + n;
        /* A digit is in each, and not in FATAL. */
        if (n > 0 && strspn(p, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && p[5] == ':' &&
            strcspn(p, "0123456789") < 5) {
            memcpy(state, p, 5);
            state[5] = 0;
            return;
        }
    }
}

/* The last line of what libpq tried that says what went wrong, without the code and where in the server's source. */
static void explain(struct pg_connection *c, bool late, const char *state, struct buf *why)
{
    struct str message = pg_first_line(PQerrorMessage(c->conn));
    char code[16];

    if (late) {
        buf_add_text(why, "it does not answer in time: is it up, and does a firewall stand between?");
        return;
    }
    if (PQconnectionNeedsPassword(c->conn) && !*state) {
        buf_add_text(
            why, "it wants a password: write it into the URL (postgres://USER:PASSWORD@HOST/NAME), or into "
                 "a PGPASSFILE");
        return;
    }
    snprintf(code, sizeof(code), "%s: ", state);
    const char *at = *state ? strstr(message.p, code) : NULL;
    if (at && at < message.p + message.n) {
        buf_add(why, message.p, (size_t)(at - message.p));
        at += strlen(code);
        buf_add(why, at, message.n - (size_t)(at - message.p));
    } else {
        buf_add_str(why, message);
    }
}

/* ---- settings ---- */

/* Notices are for whoever runs statements by hand. */
static void drop_notice(void *ud, const char *message)
{
    (void)ud;
    log_debug("a notice from PostgreSQL", LOG_STR("text", pg_first_line(message)));
}

/* For as long as the connection lives. Our own limits are kept by us, and these stand behind them, should we be stopped or
 * cut off in the middle. */
static void add_settings(struct pg_exchange *x)
{
    const struct db_options *o = &x->c->pg->db->options;
    char sql[640];

    snprintf(
        sql, sizeof(sql),
        "SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false),"
        " set_config('bytea_output', 'hex', false), set_config('extra_float_digits', '1', false),"
        " set_config('standard_conforming_strings', 'on', false), set_config('row_security', 'on', false),"
        " set_config('client_min_messages', 'warning', false),"
        " set_config('statement_timeout', '%lld', false), set_config('lock_timeout', '%lld', false),"
        " set_config('idle_in_transaction_session_timeout', '%lld', false)",
        (long long)(o->statement_timeout_us + CLOCK_SECOND) / CLOCK_MS,
        (long long)o->transaction_timeout_us / CLOCK_MS,
        (long long)(o->transaction_timeout_us + 5 * CLOCK_SECOND) / CLOCK_MS);
    pg_add_sql(x, PG_STEP_OTHER, sql);
    pg_add_parse(x, "begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", NULL, 0);
    pg_add_parse(x, "commit", "COMMIT", NULL, 0);
    pg_add_parse(x, "rollback", "ROLLBACK", NULL, 0);
    pg_add_parse(x, "tenant", "SELECT set_config('dowel.tenant', $1, true)", NULL, 0);
    pg_add_parse(x, "system", "SELECT set_config('role', '" PG_SYSTEM_ROLE "', true)", NULL, 0);
    pg_add_parse(x, "unguarded",
                 "SELECT set_config('role', '" PG_SYSTEM_ROLE
                 "', true), set_config('statement_timeout', '0', true),"
                 " set_config('idle_in_transaction_session_timeout', '0', true)",
                 NULL, 0);
}

/* A name that is taken on a new connection was left there by another: it is not new, somebody stands between. */
static void explain_set_up(const struct pg_exchange *x, struct buf *why)
{
    const PGresult *error = pg_error(x);

    if (error && strcmp(pg_state(error), "42P05") == 0)
        buf_add_text(why, "a pooler in transaction mode stands before it: set database_pooler, or connect "
                          "without it");
    else
        buf_add_str(why, pg_first_line(error ? PQresultErrorMessage(error) : PQerrorMessage(x->c->conn)));
}

static int set_up(struct pg_connection *c, int64_t deadline_us, struct buf *why)
{
    struct pg_exchange x;
    int rc = 0;

    PQsetNoticeProcessor(c->conn, drop_notice, NULL);
    PQsetErrorVerbosity(c->conn, PQERRORS_DEFAULT);
    if (PQsetnonblocking(c->conn, 1) != 0 || !PQenterPipelineMode(c->conn)) {
        buf_add_text(why, "memory is out");
        return -1;
    }
    if (c->pg->db->options.through_pooler)
        return 0;
    pg_exchange_init(&x, c, NULL);
    x.deadline_us = deadline_us;
    x.is_final = true;
    add_settings(&x);
    if (pg_exchange_run(&x) != PG_DONE) {
        explain_set_up(&x, why);
        rc = -1;
    }
    pg_exchange_finish(&x);
    return rc;
}

int pg_connect(struct pg_connection *c, struct db_session *s, int64_t deadline_us, struct buf *why,
               char state[6])
{
    bool late;

    state[0] = 0;
    c->conn = begin(c->pg->db->options.url);
    if (!c->conn) {
        buf_add_text(why, "memory is out");
        return -1;
    }
    PQsetErrorVerbosity(c->conn, PQERRORS_VERBOSE);
    if (!connect_to(c, s, deadline_us, &late)) {
        find_state(PQerrorMessage(c->conn), state);
        explain(c, late, state, why);
        return -1;
    }
    return set_up(c, deadline_us, why);
}
