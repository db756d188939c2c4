#include "db/sqlite.h"
#include "util/clock.h"

int sqlite_readers_init(struct sqlite_readers *r, unsigned max)
{
    pthread_condattr_t attributes;

    r->max = max;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&r->freed, &attributes);
    pthread_condattr_destroy(&attributes);
    return 0;
}

void sqlite_readers_finish(struct sqlite_readers *r)
{
    for (unsigned kind = 0; kind < SQLITE_KINDS; kind++) {
        while (r->free[kind]) {
            struct sqlite_connection *c = r->free[kind];
            r->free[kind] = c->next;
            sqlite_disconnect(c);
        }
    }
    pthread_cond_destroy(&r->freed);
    pthread_mutex_destroy(&r->lock);
}

static struct sqlite_connection *pop(struct sqlite_readers *r, enum sqlite_kind kind)
{
    struct sqlite_connection *c = r->free[kind];

    if (c)
        r->free[kind] = c->next;
    return c;
}

/* Under the lock, given up while it waits. One that is free; or *surplus, of the other kind, to be replaced; or neither:
 * there is room for a new one, already counted. */
static int wait_for_one(struct sqlite_readers *r, struct db_session *s, struct sqlite_connection **found,
                        struct sqlite_connection **surplus)
{
    enum sqlite_kind kind = sqlite_kind_of(s), other = kind == SQLITE_GUARDED ? SQLITE_OPEN : SQLITE_GUARDED;

    while (!(*found = pop(r, kind))) {
        if (r->open < r->max) {
            r->open++;
            return 0;
        }
        if ((*surplus = pop(r, other)))
            return 0;
        if (session_must_stop(s))
            return -1;
        int64_t until = session_deadline_us(s);
        struct timespec limit = { .tv_sec = until / CLOCK_SECOND, .tv_nsec = until % CLOCK_SECOND * 1000 };
        r->waiting++;
        pthread_cond_timedwait(&r->freed, &r->lock, &limit);
        r->waiting--;
    }
    return 0;
}

/* A new one, or this one with the newest walls. */
static int make_ready(struct sqlite *engine, struct db_session *s, struct sqlite_connection **out)
{
    struct buf why = BUF_INIT;

    if (*out ? sqlite_refresh(*out, &why) == 0 : sqlite_connect(out, engine, sqlite_kind_of(s), &why) == 0)
        return 0;
    sqlite_disconnect(*out);
    pthread_mutex_lock(&engine->readers.lock);
    engine->readers.open--;
    pthread_mutex_unlock(&engine->readers.lock);
    pthread_cond_signal(&engine->readers.freed);
    int rc = session_fail(s, DW_EUNAVAILABLE, "", "%s", buf_text(&why));
    buf_finish(&why);
    return rc;
}

int sqlite_readers_take(struct sqlite *engine, struct db_session *s, struct sqlite_connection **out)
{
    struct sqlite_readers *r = &engine->readers;
    struct sqlite_connection *surplus = NULL;

    pthread_mutex_lock(&r->lock);
    int rc = wait_for_one(r, s, out, &surplus);
    pthread_mutex_unlock(&r->lock);
    if (rc < 0)
        return session_fail_stopped(s);
    sqlite_disconnect(surplus);
    if (!*out || !sqlite_is_fresh(*out))
        DW_TRY(make_ready(engine, s, out));
    (*out)->session = s;
    return 0;
}

void sqlite_readers_give(struct sqlite *engine, struct sqlite_connection *c)
{
    struct sqlite_readers *r = &engine->readers;

    c->session = NULL;
    pthread_mutex_lock(&r->lock);
    c->next = r->free[c->kind];
    r->free[c->kind] = c;
    bool wake = r->waiting > 0;
    pthread_mutex_unlock(&r->lock);
    if (wake)
        pthread_cond_signal(&r->freed);
}

void sqlite_readers_wake(struct sqlite *engine)
{
    pthread_mutex_lock(&engine->readers.lock);
    pthread_cond_broadcast(&engine->readers.freed);
    pthread_mutex_unlock(&engine->readers.lock);
}
