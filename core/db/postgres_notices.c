/* Notices between servers: LISTEN on a connection of its own, or a table that is polled where a pooler stands between,
 * which has no connection that lasts. One channel of the server's carries all: "role 0190...": the channel, and the text. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "db/postgres.h"
#include "log/log.h"
#include "util/clock.h"
#include "util/thread.h"

enum {
    POLL_MS = 250,
    RETRY_FIRST_MS = 50,
    RETRY_MAX_MS = 1000,
    CHECK_MS = 15 * 1000,
    CHECK_OFTEN_MS = 300, /* for who wants to know that it is alive */
    CLEAN_US = 60 * CLOCK_SECOND
};

struct pg_listening {
    struct postgres *pg;
    struct db_listener listener;
    pthread_t thread;
    int stop;                    /* an eventfd */
    struct pg_connection *first; /* made before the thread was */
    struct buf snapshot;         /* polling: what was visible when it was looked at last */
    int64_t clean_at_us;
};

/* ---- both ---- */

/* True: it is to stop. */
static bool sleep_or_stop(struct pg_listening *l, int ms)
{
    struct pollfd stop = { .fd = l->stop, .events = POLLIN };

    return poll(&stop, 1, ms) > 0;
}

static void tell(struct pg_listening *l, const char *payload)
{
    struct str rest = str_from(payload), channel;
    char name[64];

    if (!str_split(&rest, ' ', &channel) || channel.n >= sizeof(name))
        return;
    memcpy(name, channel.p, channel.n);
    name[channel.n] = 0;
    l->listener.notice(name, payload + (channel.n < strlen(payload) ? channel.n + 1 : channel.n),
                       l->listener.ud);
}

static void lost(struct pg_listening *l)
{
    l->listener.lost(l->listener.ud);
}

static void alive(struct pg_listening *l)
{
    if (l->listener.alive)
        l->listener.alive(l->listener.ud);
}

static bool run(struct pg_exchange *x)
{
    x->is_final = true;
    x->deadline_us = clock_monotonic_us() + PG_GRACE_US;
    return pg_exchange_run(x) == PG_DONE;
}

/* ---- LISTEN ---- */

static void tell_all(struct pg_listening *l, struct pg_connection *c)
{
    PGnotify *notice;

    while ((notice = PQnotifies(c->conn))) {
        tell(l, notice->extra);
        PQfreemem(notice);
    }
}

static bool ask(struct pg_connection *c, const char *sql)
{
    struct pg_exchange x;

    pg_exchange_init(&x, c, NULL);
    pg_add_sql(&x, PG_STEP_OTHER, sql);
    bool worked = run(&x);
    pg_exchange_finish(&x);
    return worked;
}

/* That nobody has sent anything for long may mean that the line is cut. The answer comes behind all notices that were sent
 * before it. */
static bool check(struct pg_listening *l, struct pg_connection *c)
{
    if (!ask(c, "SELECT 1"))
        return false;
    tell_all(l, c);
    alive(l);
    return true;
}

/* Until the connection is lost, or it is to stop. */
static void listen_on(struct pg_listening *l, struct pg_connection *c)
{
    const int64_t every_us = (l->listener.alive ? CHECK_OFTEN_MS : CHECK_MS) * (int64_t)CLOCK_MS;
    int64_t check_at = 0;

    struct pollfd ready[2] = { { .fd = PQsocket(c->conn), .events = POLLIN },
                               { .fd = l->stop, .events = POLLIN } };

    for (;;) {
        int64_t now = clock_monotonic_us();
        if (now >= check_at) {
            if (!check(l, c))
                return;
            check_at = now + every_us;
        }
        tell_all(l, c);
        int n = poll(ready, 2, (int)((check_at - now) / CLOCK_MS) + 1);
        if (n < 0 && errno != EINTR)
            return;
        if (ready[1].revents && n > 0)
            return;
        if (n > 0 && ready[0].revents && (!PQconsumeInput(c->conn) || PQstatus(c->conn) != CONNECTION_OK))
            return;
    }
}

/* ---- polling ---- */

int pg_make_notices(struct pg_connection *c, struct buf *why)
{
    struct pg_exchange x;
    int rc = 0;

    pg_exchange_init(&x, c, NULL);
    pg_add_sql(&x, PG_STEP_OTHER, "SELECT set_config('role', '" PG_SYSTEM_ROLE "', true)");
    pg_add_sql(&x, PG_STEP_OTHER, "SELECT pg_advisory_xact_lock(hashtextextended('dowel notices', 0))");
    pg_add_sql(&x, PG_STEP_OTHER,
               "CREATE TABLE IF NOT EXISTS dowel_notices ("
               "    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
               "    xid XID8 NOT NULL DEFAULT pg_current_xact_id(),"
               "    sent_at TIMESTAMPTZ NOT NULL DEFAULT now(),"
               "    channel TEXT NOT NULL,"
               "    text TEXT NOT NULL)");
    pg_add_sql(&x, PG_STEP_OTHER, "CREATE INDEX IF NOT EXISTS dowel_notices_xid ON dowel_notices (xid)");
    if (!run(&x)) {
        const PGresult *error = pg_error(&x);
        buf_add_str(why, pg_first_line(error ? PQresultErrorMessage(error) : PQerrorMessage(c->conn)));
        rc = -1;
    }
    pg_exchange_finish(&x);
    return rc;
}

static bool look(struct pg_connection *c, struct pg_exchange *x, const char *sql, const char *snapshot)
{
    pg_exchange_init(x, c, NULL);
    if (snapshot)
        pg_add_sql_with(x, PG_STEP_EXECUTE, sql, snapshot);
    else
        pg_add_sql(x, PG_STEP_EXECUTE, sql);
    return run(x);
}

static bool keep_snapshot(struct pg_listening *l, const PGresult *result, int column)
{
    l->snapshot.n = 0;
    buf_add_text(&l->snapshot, PQgetvalue(result, 0, column));
    return !buf_failed(&l->snapshot);
}

static bool look_first(struct pg_listening *l, struct pg_connection *c)
{
    struct pg_exchange x;

    bool worked =
        look(c, &x, "SELECT pg_current_snapshot()::text", NULL) && keep_snapshot(l, x.results[0], 0);
    pg_exchange_finish(&x);
    return worked;
}

/* Numbers are given out before transactions commit, so "above the highest seen" would skip the one that commits late. What
 * the snapshot before did not see and this one does is each notice, once. */
static bool look_again(struct pg_listening *l, struct pg_connection *c)
{
    static const char sql[] = "SELECT n.channel || ' ' || n.text, pg_current_snapshot()::text"
                              "  FROM (SELECT 1) AS always LEFT JOIN dowel_notices n"
                              "       ON n.xid >= pg_snapshot_xmin($1::pg_snapshot)"
                              "      AND NOT pg_visible_in_snapshot(n.xid, $1::pg_snapshot)"
                              " ORDER BY n.id";
    struct pg_exchange x;

    bool worked = look(c, &x, sql, buf_text(&l->snapshot)) && keep_snapshot(l, x.results[0], 1);
    for (int i = 0; worked && i < PQntuples(x.results[0]); i++) {
        if (!PQgetisnull(x.results[0], i, 0))
            tell(l, PQgetvalue(x.results[0], i, 0));
    }
    pg_exchange_finish(&x);
    return worked;
}

static bool clean(struct pg_listening *l, struct pg_connection *c)
{
    int64_t now = clock_monotonic_us();

    if (now < l->clean_at_us)
        return true;
    l->clean_at_us = now + CLEAN_US;
    return ask(c, "DELETE FROM dowel_notices WHERE sent_at < now() - interval '10 minutes'");
}

static void poll_on(struct pg_listening *l, struct pg_connection *c)
{
    while (!sleep_or_stop(l, POLL_MS)) {
        if (!look_again(l, c) || !clean(l, c))
            return;
        alive(l);
    }
}

/* ---- the thread ---- */

static bool start_on(struct pg_listening *l, struct pg_connection *c)
{
    return l->pg->db->options.through_pooler ? look_first(l, c) : ask(c, "LISTEN dowel");
}

static struct pg_connection *connect(struct pg_listening *l)
{
    struct pg_connection *c = pg_connection_create(l->pg);
    struct buf why = BUF_INIT;
    char state[6];

    if (c && (pg_connect(c, NULL, clock_monotonic_us() + PG_GRACE_US, &why, state) != 0 || !start_on(l, c))) {
        pg_connection_destroy(c);
        c = NULL;
    }
    buf_finish(&why);
    return c;
}

/* Until it is to stop, or the connection is lost. */
static void serve(struct pg_listening *l, struct pg_connection *c)
{
    if (l->pg->db->options.through_pooler)
        poll_on(l, c);
    else
        listen_on(l, c);
    pg_connection_destroy(c);
}

/* While there is no connection, whoever remembers something is told to forget it again and again: what he reads meanwhile
 * may be out of date a moment later. And once more when it is back. */
static struct pg_connection *reconnect(struct pg_listening *l)
{
    struct pg_connection *c = NULL;

    for (int pause_ms = RETRY_FIRST_MS; !c;
         pause_ms = pause_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : pause_ms * 2) {
        lost(l);
        if (sleep_or_stop(l, pause_ms))
            return NULL;
        c = connect(l);
    }
    lost(l);
    return c;
}

static void *listen_for_ever(void *ud)
{
    struct pg_listening *l = ud;
    struct pg_connection *c = l->first ? l->first : reconnect(l);

    while (c) {
        serve(l, c);
        if (sleep_or_stop(l, 0))
            break;
        log_warn("the channel for notices between servers was lost: connecting again",
                 LOG_TEXT("database", buf_text(&l->pg->shown)));
        c = reconnect(l);
    }
    return NULL;
}

static void free_listening(struct pg_listening *l)
{
    if (l->stop >= 0)
        close(l->stop);
    buf_finish(&l->snapshot);
    free(l);
}

/* What is sent once this has returned is heard, unless the server is away just now: then the thread goes on trying. */
int pg_listen(struct db *db, const struct db_listener *listener)
{
    struct postgres *pg = db->engine;
    struct pg_listening *l = calloc(1, sizeof(*l));

    if (!l)
        return -1;
    l->pg = pg;
    l->listener = *listener;
    l->stop = eventfd(0, EFD_CLOEXEC);
    l->first = l->stop >= 0 ? connect(l) : NULL;
    if (l->stop < 0 || thread_start(&l->thread, "db-notices", false, listen_for_ever, l) != 0) {
        pg_connection_destroy(l->first);
        free_listening(l);
        return -1;
    }
    pg->listening = l;
    return 0;
}

void pg_listening_stop(struct postgres *pg)
{
    struct pg_listening *l = pg->listening;
    const uint64_t once = 1;

    if (!l)
        return;
    if (write(l->stop, &once, sizeof(once)) < 0)
        log_error("cannot stop the listener of the database", LOG_NUMBER("errno", errno));
    pthread_join(l->thread, NULL);
    free_listening(l);
    pg->listening = NULL;
}

/* ---- telling ---- */

int pg_notify(struct db_session *s, const char *channel, const char *text)
{
    struct pg_connection *c = s->connection;
    bool is_alone = !c;
    struct buf payload = BUF_INIT;
    struct pg_exchange x;
    int rc = 0;

    if (is_alone)
        DW_TRY(pg_pool_take(&c, s));
    buf_add_format(&payload, "%s %s", channel, text);
    pg_exchange_init(&x, c, s);
    pg_add_start(&x);
    pg_add_sql_with(&x, PG_STEP_EXECUTE,
                    s->db->options.through_pooler
                        ? "INSERT INTO dowel_notices (channel, text)"
                          " VALUES (split_part($1, ' ', 1), substr($1, strpos($1, ' ') + 1))"
                        : "SELECT pg_notify('dowel', $1)",
                    buf_text(&payload));
    enum pg_outcome outcome = pg_exchange_run(&x);
    if (outcome != PG_DONE)
        rc = pg_fail(&x, outcome, NULL);
    pg_exchange_finish(&x);
    buf_finish(&payload);
    if (is_alone)
        pg_pool_give_back(c);
    return rc;
}
