#include <stdlib.h>

#include "db/sqlite.h"
#include "util/clock.h"

struct sqlite_writer {
    struct sqlite *engine;
    pthread_mutex_t turn;
    struct sqlite_connection *connections[SQLITE_KINDS];
};

int sqlite_writer_create(struct sqlite *engine, struct buf *why)
{
    struct sqlite_writer *w = calloc(1, sizeof(*w));

    engine->writer = w;
    if (!w) {
        buf_add_text(why, "memory is out");
        return -1;
    }
    w->engine = engine;
    pthread_mutex_init(&w->turn, NULL);
    for (unsigned kind = 0; kind < SQLITE_KINDS; kind++) {
        if (sqlite_connect(&w->connections[kind], engine, (enum sqlite_kind)kind, why) != 0)
            return -1;
    }
    return 0;
}

void sqlite_writer_destroy(struct sqlite_writer *w)
{
    if (!w)
        return;
    for (unsigned kind = 0; kind < SQLITE_KINDS; kind++)
        sqlite_disconnect(w->connections[kind]);
    pthread_mutex_destroy(&w->turn);
    free(w);
}

struct sqlite_connection *sqlite_writing(const struct db_session *s)
{
    return s->connection;
}

static void release(struct db_session *s, struct sqlite_writer *w)
{
    sqlite_lend(s->connection, NULL);
    s->connection = NULL;
    pthread_mutex_unlock(&w->turn);
}

int sqlite_begin(struct db_session *s)
{
    struct sqlite_writer *w = ((struct sqlite *)s->db->engine)->writer;
    struct sqlite_connection *c = w->connections[sqlite_kind_of(s)];
    int64_t until = session_deadline_us(s), ahead = until - clock_monotonic_us() + clock_wall_us();

    if (pthread_mutex_timedlock(&w->turn, &(struct timespec){ .tv_sec = ahead / CLOCK_SECOND }) != 0)
        return session_fail_stopped(s);
    sqlite_lend(c, s);
    s->connection = c;
    int rc = sqlite3_exec(c->handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return 0;
    rc = sqlite_fail(s, c, rc);
    release(s, w);
    return rc;
}

static int end(struct db_session *s, const char *how)
{
    struct sqlite_writer *w = ((struct sqlite *)s->db->engine)->writer;
    struct sqlite_connection *c = s->connection;
    int rc = sqlite3_exec(c->handle, how, NULL, NULL, NULL);

    if (rc != SQLITE_OK) {
        rc = sqlite_fail(s, c, rc);
        if (!sqlite3_get_autocommit(c->handle))
            sqlite3_exec(c->handle, "ROLLBACK", NULL, NULL, NULL);
    }
    release(s, w);
    return rc;
}

int sqlite_commit(struct db_session *s)
{
    return end(s, "COMMIT");
}

int sqlite_rollback(struct db_session *s)
{
    struct sqlite_connection *c = s->connection;

    if (sqlite3_get_autocommit(c->handle)) {
        release(s, ((struct sqlite *)s->db->engine)->writer);
        return 0;
    }
    return end(s, "ROLLBACK");
}
void sqlite_writer_wake(struct sqlite_writer *w, struct db_session *s)
{
    (void)w;
    (void)s;
}
