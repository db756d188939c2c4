/* Connections: lent to one session at a time, looked at before, replaced when they broke. */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/postgres.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "util/clock.h"

enum {
    PATIENCE_US = 5 * CLOCK_SECOND, /* nobody waits longer: then it is better to say so */
    AWAY_PATIENCE_US =
        CLOCK_SECOND, /* when it has been away for longer: workers that wait serve nobody else */
    CONNECT_US = 5 * CLOCK_SECOND,
    BACKOFF_FIRST_US = 50 * CLOCK_MS,
    BACKOFF_MAX_US = 5 * CLOCK_SECOND
};
#define IDLE_MAX_US (300LL * CLOCK_SECOND)

/* Who waits for a connection, in the order in which they came. */
struct waiter {
    struct list link;
    struct db_session *s;
    struct pg_connection *given;
    pthread_cond_t wake;
};

/* ---- life ---- */

static int64_t read_number(void *ud)
{
    return atomic_load_explicit((_Atomic unsigned *)ud, memory_order_relaxed);
}

static int64_t read_nothing(void *ud)
{
    (void)ud;
    return 0;
}

static void publish(struct postgres *pg, bool alive)
{
    static const char name[] = "dowel_db_connections", help[] = "Connections to PostgreSQL";

    metrics_gauge_read(name, help, "state=\"busy\"", alive ? read_number : read_nothing,
                       alive ? &pg->busy_n : NULL);
    metrics_gauge_read(name, help, "state=\"idle\"", alive ? read_number : read_nothing,
                       alive ? &pg->idle_n : NULL);
}

void pg_pool_init(struct postgres *pg)
{
    pthread_mutex_init(&pg->lock, NULL);
    list_init(&pg->idle);
    list_init(&pg->busy);
    list_init(&pg->locks);
    list_init(&pg->waiters);
    publish(pg, true);
}

static void destroy_all(struct list *l)
{
    while (!list_empty(l)) {
        struct pg_connection *c = LIST_OWNER(l->next, struct pg_connection, link);
        list_remove(&c->link);
        pg_connection_destroy(c);
    }
}

void pg_pool_finish(struct postgres *pg)
{
    publish(pg, false);
    destroy_all(&pg->idle);
    destroy_all(&pg->locks);
    buf_finish(&pg->trouble);
    pthread_mutex_destroy(&pg->lock);
}

/* ---- health ---- */

bool pg_connection_is_alive(struct pg_connection *c)
{
    struct pollfd fd = { .fd = PQsocket(c->conn), .events = POLLIN };

    if (c->is_broken || PQstatus(c->conn) != CONNECTION_OK)
        return false;
    /* A notice is harmless, the end of the stream is not: it is told only when what came before has been read. */
    for (unsigned i = 0; i < 5; i++) {
        if (poll(&fd, 1, 0) == 0)
            return true;
        if (!PQconsumeInput(c->conn) || PQstatus(c->conn) != CONNECTION_OK)
            return false;
        (void)PQisBusy(c->conn); /* reads the messages */
        if (PQstatus(c->conn) != CONNECTION_OK)
            return false;
    }
    return false;
}

/* Under the lock. */
static void number(_Atomic unsigned *n, unsigned by)
{
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + by, memory_order_relaxed);
}

/* Under the lock: the warmest, which may have died since. */
static struct pg_connection *take_idle(struct postgres *pg)
{
    if (list_empty(&pg->idle))
        return NULL;
    struct pg_connection *c = LIST_OWNER(pg->idle.next, struct pg_connection, link);
    list_remove(&c->link);
    number(&pg->idle_n, -1u);
    return c;
}

/* Under the lock. */
static void lend(struct postgres *pg, struct pg_connection *c, struct db_session *s)
{
    c->holder = s;
    if (s)
        s->connection = c;
    list_append(&pg->busy, &c->link);
    number(&pg->busy_n, 1);
}

/* ---- connecting, one at a time while the server is away ---- */

/* Under the lock. */
static bool may_connect(const struct postgres *pg)
{
    if (pg->open >= pg->db->options.connections)
        return false;
    return pg->backoff_us == 0 || (!pg->is_probing && clock_monotonic_us() >= pg->retry_at_us);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a && a < b ? a : b;
}

/* Under the lock, after an attempt. */
static void note_attempt(struct postgres *pg, bool worked, struct str why)
{
    pg->is_probing = false;
    if (worked) {
        if (pg->backoff_us)
            log_info("PostgreSQL can be reached again", LOG_TEXT("database", buf_text(&pg->shown)));
        pg->backoff_us = 0;
        return;
    }
    if (pg->backoff_us == 0)
        log_error("PostgreSQL cannot be reached", LOG_TEXT("database", buf_text(&pg->shown)),
                  LOG_STR("why", why));
    pg->backoff_us = pg->backoff_us == 0 ? BACKOFF_FIRST_US : pg->backoff_us * 2;
    if (pg->backoff_us > BACKOFF_MAX_US)
        pg->backoff_us = BACKOFF_MAX_US;
    pg->retry_at_us = clock_monotonic_us() + pg->backoff_us;
    pg->trouble.n = 0;
    buf_add_str(&pg->trouble, why);
}

/* Under the lock: whoever stands first may look for himself. */
static void wake_first(struct postgres *pg)
{
    if (!list_empty(&pg->waiters))
        pthread_cond_signal(&LIST_OWNER(pg->waiters.next, struct waiter, link)->wake);
}

/* Under the lock, which is given up meanwhile. NULL: it did not work, see pg->trouble. */
static struct pg_connection *connect_new(struct postgres *pg, struct db_session *s, int64_t deadline_us)
{
    struct buf why = BUF_INIT;
    char state[6];

    pg->open++;
    pg->is_probing = pg->backoff_us > 0;
    pthread_mutex_unlock(&pg->lock);
    struct pg_connection *c = pg_connection_create(pg);
    if (!c)
        buf_add_text(&why, "memory or file descriptors are out");
    pthread_mutex_lock(&pg->lock);
    if (c)
        lend(pg, c, s); /* so that a cancellation reaches it */
    pthread_mutex_unlock(&pg->lock);

    int64_t limit_us = earlier(deadline_us, clock_monotonic_us() + CONNECT_US);
    int rc = c ? pg_connect(c, s, limit_us, &why, state) : -1;
    pthread_mutex_lock(&pg->lock);
    if (rc == 0 || !atomic_load(&s->cancelled))
        note_attempt(pg, rc == 0, buf_str(&why));
    else
        pg->is_probing = false;
    if (rc != 0) {
        pg->open--;
        if (c) {
            s->connection = NULL;
            list_remove(&c->link);
            number(&pg->busy_n, -1u);
            pthread_mutex_unlock(&pg->lock);
            pg_connection_destroy(c);
            pthread_mutex_lock(&pg->lock);
        }
        c = NULL;
    }
    wake_first(pg);
    buf_finish(&why);
    return c;
}

/* ---- waiting ---- */

static void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static bool is_first(const struct postgres *pg, const struct waiter *w)
{
    return pg->waiters.next == &w->link;
}

/* Under the lock. */
static void wait_until(struct postgres *pg, struct waiter *w, int64_t deadline_us)
{
    /* While the server is away, whoever stands first tries again when the time has come. */
    if (is_first(pg, w) && pg->backoff_us && !pg->is_probing && pg->open < pg->db->options.connections)
        deadline_us = earlier(pg->retry_at_us, deadline_us);
    const struct timespec until = { .tv_sec = deadline_us / CLOCK_SECOND,
                                    .tv_nsec = deadline_us % CLOCK_SECOND * 1000 };
    pthread_cond_timedwait(&w->wake, &pg->lock, &until);
}

/* Under the lock. Out of the queue meanwhile: what becomes free is for those who do not connect themselves. */
static struct pg_connection *connect_first(struct postgres *pg, struct waiter *w, int64_t deadline_us)
{
    list_remove(&w->link);
    wake_first(pg);
    struct pg_connection *c = connect_new(pg, w->s, deadline_us);
    if (!c)
        list_append(pg->waiters.next, &w->link);
    return c;
}

/* Under the lock. NULL: too long, or it must stop. */
static struct pg_connection *wait_for_one(struct postgres *pg, struct db_session *s, int64_t deadline_us)
{
    struct waiter w = { .s = s };

    cond_init(&w.wake);
    list_append(&pg->waiters, &w.link);
    while (!w.given && !session_must_stop(s) && clock_monotonic_us() < deadline_us) {
        if (is_first(pg, &w) && (w.given = take_idle(pg)))
            lend(pg, w.given, s);
        else if (is_first(pg, &w) && may_connect(pg))
            w.given = connect_first(pg, &w, deadline_us);
        else
            wait_until(pg, &w, deadline_us);
    }
    list_remove(&w.link);
    wake_first(pg);
    pthread_cond_destroy(&w.wake);
    return w.given;
}

static int fail_without(struct postgres *pg, struct db_session *s)
{
    struct buf trouble = BUF_INIT;
    int code;

    pthread_mutex_lock(&pg->lock);
    bool is_away = pg->backoff_us > 0;
    if (is_away)
        buf_add_str(&trouble, buf_str(&pg->trouble));
    pthread_mutex_unlock(&pg->lock);
    if (atomic_load(&s->cancelled))
        code = session_fail_stopped(s);
    else if (is_away)
        code = session_fail(s, DW_EUNAVAILABLE, "", "PostgreSQL at %s cannot be reached: %s",
                            buf_text(&pg->shown), buf_text(&trouble));
    else
        code =
            session_fail(s, DW_EUNAVAILABLE, "",
                         "all %u connections to PostgreSQL are in use, and none became free in time: raise "
                         "database_connections, or look in the log for slow statements",
                         pg->db->options.connections);
    buf_finish(&trouble);
    return code;
}

/* Under the lock. */
static int64_t patience(const struct postgres *pg)
{
    return pg->backoff_us > AWAY_PATIENCE_US ? AWAY_PATIENCE_US : PATIENCE_US;
}

/* One that lives, or NULL. It is looked at without the lock, for which the others wait. */
static struct pg_connection *take(struct postgres *pg, struct db_session *s)
{
    struct pg_connection *c;
    int64_t deadline_us = 0;

    for (;;) {
        pthread_mutex_lock(&pg->lock);
        if (!deadline_us)
            deadline_us = earlier(session_deadline_us(s), clock_monotonic_us() + patience(pg));
        /* Not past those who wait already. */
        if (list_empty(&pg->waiters) && (c = take_idle(pg)))
            lend(pg, c, s);
        else
            c = wait_for_one(pg, s, deadline_us);
        pthread_mutex_unlock(&pg->lock);
        if (!c || pg_connection_is_alive(c))
            return c;
        c->is_broken = true;
        pg_pool_give_back(c);
    }
}

int pg_pool_take(struct pg_connection **out, struct db_session *s)
{
    struct postgres *pg = s->db->engine;

    *out = take(pg, s);
    return *out ? 0 : fail_without(pg, s);
}

struct pg_connection *pg_pool_take_idle(struct postgres *pg)
{
    pthread_mutex_lock(&pg->lock);
    struct pg_connection *c = take_idle(pg);
    if (c)
        lend(pg, c, NULL);
    pthread_mutex_unlock(&pg->lock);
    return c;
}

/* ---- giving back ---- */

/* Under the lock: the coldest, when it has not been needed for long. */
static struct pg_connection *take_old(struct postgres *pg, int64_t now_us)
{
    struct pg_connection *c = LIST_OWNER(pg->idle.prev, struct pg_connection, link);

    if (list_empty(&pg->idle) || now_us - c->idle_since_us < IDLE_MAX_US)
        return NULL;
    list_remove(&c->link);
    number(&pg->idle_n, -1u);
    pg->open--;
    return c;
}

/* Under the lock. */
static void give_to_next(struct postgres *pg, struct pg_connection *c)
{
    if (list_empty(&pg->waiters)) {
        c->idle_since_us = clock_monotonic_us();
        list_append(pg->idle.next, &c->link); /* before the first: the newest */
        number(&pg->idle_n, 1);
        return;
    }
    struct waiter *w = LIST_OWNER(pg->waiters.next, struct waiter, link);
    list_remove(&w->link);
    w->given = c;
    lend(pg, c, w->s);
    pthread_cond_signal(&w->wake);
}

void pg_pool_give_back(struct pg_connection *c)
{
    struct postgres *pg = c->pg;
    bool is_broken = c->is_broken || c->transaction != PG_TX_NONE || PQstatus(c->conn) != CONNECTION_OK;

    pthread_mutex_lock(&pg->lock);
    if (c->holder && c->holder->connection == c)
        c->holder->connection = NULL;
    c->holder = NULL;
    list_remove(&c->link);
    number(c->is_extra ? &pg->locks_n : &pg->busy_n, -1u);
    if (c->is_extra)
        is_broken = true;
    else if (is_broken)
        pg->open--;
    else
        give_to_next(pg, c);
    if (is_broken)
        wake_first(pg);
    struct pg_connection *old = take_old(pg, clock_monotonic_us());
    pthread_mutex_unlock(&pg->lock);
    if (is_broken)
        pg_connection_destroy(c);
    pg_connection_destroy(old);
}

/* ---- beside the pool ---- */

int pg_pool_take_extra(struct pg_connection **out, struct db_session *s)
{
    struct postgres *pg = s->db->engine;
    int64_t deadline_us = earlier(session_deadline_us(s), clock_monotonic_us() + CONNECT_US);
    struct buf why = BUF_INIT;
    char state[6];
    int code = 0;

    *out = NULL;
    struct pg_connection *c = pg_connection_create(pg);
    if (!c)
        return session_fail(s, DW_ENOMEM, "", "memory or file descriptors are out");
    c->is_extra = true;
    if (pg_connect(c, s, deadline_us, &why, state) != 0) {
        code = atomic_load(&s->cancelled)
                   ? session_fail_stopped(s)
                   : session_fail(s, DW_EUNAVAILABLE, state, "PostgreSQL at %s cannot be reached: %s",
                                  buf_text(&pg->shown), buf_text(&why));
        pg_connection_destroy(c);
    } else {
        pthread_mutex_lock(&pg->lock);
        c->holder = s;
        list_append(&pg->locks, &c->link);
        number(&pg->locks_n, 1);
        pthread_mutex_unlock(&pg->lock);
        *out = c;
    }
    buf_finish(&why);
    return code;
}

/* ---- cancelling ---- */

static void wake(const struct pg_connection *c)
{
    const uint64_t once = 1;

    /* Full: it has been woken already, and not looked yet. */
    if (write(c->wake, &once, sizeof(once)) < 0)
        return;
}

void pg_pool_wake(struct postgres *pg, struct db_session *s)
{
    pthread_mutex_lock(&pg->lock);
    if (s->connection)
        wake(s->connection);
    for (struct list *at = pg->locks.next; at != &pg->locks; at = at->next) {
        const struct pg_connection *c = LIST_OWNER(at, struct pg_connection, link);
        if (c->holder == s)
            wake(c);
    }
    for (struct list *at = pg->waiters.next; at != &pg->waiters; at = at->next) {
        struct waiter *w = LIST_OWNER(at, struct waiter, link);
        if (w->s == s)
            pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&pg->lock);
}
