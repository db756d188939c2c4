/* Notices between the processes on one database file: rows of a small table, seen within 200 ms by a thread that asks
 * whether anything was committed at all. */
#include <stdlib.h>

#include "db/sqlite.h"
#include "log/log.h"
#include "util/clock.h"
#include "util/thread.h"

enum { LOOK_EVERY_US = 200 * CLOCK_MS };
static const int64_t keep_us = 600 * (int64_t)CLOCK_SECOND, prune_every_us = 60 * (int64_t)CLOCK_SECOND;

struct sqlite_notices {
    struct sqlite *engine;
    struct db_listener listener;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopping; /* guarded by lock */

    /* The thread's own. */
    struct sqlite_connection *connection;
    sqlite3_stmt *version, *schema, *news, *number;
    int64_t seen_version, seen_schema;
    int64_t seen; /* the newest notice's number */
    int64_t pruned_us;
};

int sqlite_notices_make_table(struct sqlite_connection *c)
{
    return sqlite3_exec(c->handle,
                        "CREATE TABLE IF NOT EXISTS dowel_notices ("
                        "id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, notice TEXT NOT NULL, "
                        "at_us BIGINT NOT NULL)",
                        NULL, NULL, NULL);
}

int sqlite_notify(struct db_session *s, const char *channel, const char *text)
{
    int64_t rc = db_exec(s, DB_BY_CORE,
                         DW_LIST("INSERT INTO dowel_notices (channel, notice, at_us) VALUES ($1, $2, $3)",
                                 channel, text, clock_wall_us()));

    return rc < 0 ? (int)rc : 0;
}

/* ---- looking ---- */

static int prepare(struct sqlite_notices *n)
{
    static const char version[] = "PRAGMA data_version", schema[] = "PRAGMA schema_version";
    static const char number[] =
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'dowel_notices'), 0)";
    static const char news[] =
        "SELECT id, channel, notice FROM dowel_notices WHERE id > ?1 AND id <= ?2 ORDER BY id";
    sqlite3 *handle = n->connection->handle;

    int rc = sqlite3_prepare_v2(handle, version, -1, &n->version, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(handle, schema, -1, &n->schema, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(handle, number, -1, &n->number, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(handle, news, -1, &n->news, NULL);
    return rc;
}

static int read_number(sqlite3_stmt *st, int64_t *out)
{
    int rc = sqlite3_step(st);

    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* Numbers have no gaps: a transaction that is rolled back gives its own back. */
static int read_news(struct sqlite_notices *n)
{
    int64_t last = 0, came = 0;
    int rc = read_number(n->number, &last);

    if (rc != SQLITE_OK || last == n->seen)
        return rc;
    sqlite3_bind_int64(n->news, 1, n->seen);
    sqlite3_bind_int64(n->news, 2, last);
    while ((rc = sqlite3_step(n->news)) == SQLITE_ROW) {
        const char *channel = (const char *)sqlite3_column_text(n->news, 1);
        const char *text = (const char *)sqlite3_column_text(n->news, 2);
        came++;
        if (channel && text)
            n->listener.notice(channel, text, n->listener.ud);
    }
    sqlite3_reset(n->news);
    if (rc != SQLITE_DONE)
        return rc;
    if (came < last - n->seen) /* the others were pruned: it was away for long */
        n->listener.lost(n->listener.ud);
    n->seen = last;
    return SQLITE_OK;
}

/* Another process has made or changed tables: they may have walls that this one does not know. */
static int learn(struct sqlite_notices *n)
{
    struct buf why = BUF_INIT;
    int64_t schema = 0;
    int rc = read_number(n->schema, &schema);

    if (rc == SQLITE_OK && schema != n->seen_schema) {
        if (db_learn_walls(n->engine->db, &why) == 0)
            n->seen_schema = schema;
        else
            log_warn("the database was changed, and cannot be read", LOG_TEXT("reason", buf_text(&why)));
    }
    buf_finish(&why);
    return rc;
}

static void look(struct sqlite_notices *n)
{
    int64_t version = 0;
    int rc = read_number(n->version, &version);

    if (rc == SQLITE_OK && version != n->seen_version) {
        rc = learn(n);
        if (rc == SQLITE_OK)
            rc = read_news(n);
        if (rc == SQLITE_OK)
            n->seen_version = version;
    }
    if (rc != SQLITE_OK) /* while it cannot be asked, nobody may rely on what he remembers */
        n->listener.lost(n->listener.ud);
    else if (n->listener.alive)
        n->listener.alive(n->listener.ud);
}

/* Reads first: a transaction that deletes nothing would still wait for its turn and for the disk. */
static void prune(struct sqlite_notices *n)
{
    const struct db_who who = { .owner = "core", .is_system = true };
    struct db_session *s;
    int64_t id, until = clock_wall_us() - keep_us;

    if (db_session_create(&s, n->engine->db, &who) != 0)
        return;
    if (db_find(s, DW_TO(&id), DB_BY_CORE,
                DW_LIST("SELECT id FROM dowel_notices WHERE at_us < $1 ORDER BY id LIMIT 1", until)) > 0 &&
        db_exec(s, DB_BY_CORE, DW_LIST("DELETE FROM dowel_notices WHERE at_us < $1", until)) < 0)
        log_warn("cannot delete old notices", LOG_TEXT("reason", db_error_of(s)->text));
    db_session_destroy(s);
}

static bool wait_a_while(struct sqlite_notices *n)
{
    int64_t until = clock_monotonic_us() + LOOK_EVERY_US;
    const struct timespec limit = { .tv_sec = until / CLOCK_SECOND, .tv_nsec = until % CLOCK_SECOND * 1000 };

    pthread_mutex_lock(&n->lock);
    while (!n->stopping && clock_monotonic_us() < until)
        pthread_cond_timedwait(&n->stop, &n->lock, &limit);
    bool goes_on = !n->stopping;
    pthread_mutex_unlock(&n->lock);
    return goes_on;
}

static void *run(void *ud)
{
    struct sqlite_notices *n = ud;

    while (wait_a_while(n)) {
        look(n);
        if (clock_monotonic_us() - n->pruned_us > prune_every_us) {
            prune(n);
            n->pruned_us = clock_monotonic_us();
        }
    }
    return NULL;
}

/* ---- life ---- */

static void destroy(struct sqlite_notices *n)
{
    sqlite3_finalize(n->version);
    sqlite3_finalize(n->schema);
    sqlite3_finalize(n->news);
    sqlite3_finalize(n->number);
    sqlite_disconnect(n->connection);
    pthread_cond_destroy(&n->stop);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

void sqlite_notices_stop(struct sqlite_notices *n)
{
    if (!n)
        return;
    pthread_mutex_lock(&n->lock);
    n->stopping = true;
    pthread_mutex_unlock(&n->lock);
    pthread_cond_signal(&n->stop);
    pthread_join(n->thread, NULL);
    destroy(n);
}

static int start(struct sqlite_notices *n, struct buf *why)
{
    if (sqlite_connect(&n->connection, n->engine, SQLITE_OPEN, why) != 0)
        return -1;
    /* What was noticed before has been seen by whoever starts now: it reads everything anew. */
    int rc = prepare(n);
    if (rc == SQLITE_OK)
        rc = read_number(n->version, &n->seen_version);
    if (rc == SQLITE_OK)
        rc = read_number(n->schema, &n->seen_schema);
    if (rc == SQLITE_OK)
        rc = read_number(n->number, &n->seen);
    if (rc != SQLITE_OK) {
        sqlite_explain(why, n->engine->path, rc, n->connection->handle);
        return -1;
    }
    return thread_start(&n->thread, "db-notices", false, run, n);
}

int sqlite_listen(struct db *db, const struct db_listener *listener)
{
    struct sqlite *engine = db->engine;
    struct sqlite_notices *n = calloc(1, sizeof(*n));
    pthread_condattr_t monotonic;
    struct buf why = BUF_INIT;

    if (!n)
        return -1;
    n->engine = engine;
    n->listener = *listener;
    n->pruned_us = clock_monotonic_us();
    pthread_mutex_init(&n->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&n->stop, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc = engine->notices ? -1 : start(n, &why);
    if (rc == 0) {
        engine->notices = n;
    } else {
        log_error("cannot listen for notices", LOG_TEXT("reason", buf_text(&why)));
        destroy(n);
    }
    buf_finish(&why);
    return rc;
}
