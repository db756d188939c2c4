#include "db/sqlite.h"

#include <stdlib.h>
#include <string.h>

static void sqlite_close(struct db *db)
{
    struct sqlite *engine = db->engine;

    if (!engine)
        return;
    sqlite_readers_finish(&engine->readers);
    sqlite_writer_destroy(engine->writer);
    free(engine);
    db->engine = NULL;
}

static int sqlite_open(struct db *db, struct buf *why)
{
    struct sqlite *engine = calloc(1, sizeof(*engine));

    if (!engine) {
        buf_add_text(why, "cannot open the database: memory is out");
        return -1;
    }
    db->engine = engine;
    engine->db = db;
    engine->path = db->options.url + strlen("sqlite:");
    sqlite_readers_init(&engine->readers, db->options.connections);
    if (sqlite_writer_create(engine, why) == 0)
        return 0;
    sqlite_close(db);
    return -1;
}

static int sqlite_ping(struct db *db, struct buf *why)
{
    (void)db;
    (void)why;
    return 0;
}

static int sqlite_lock(struct db_session *s, const char *name, int64_t patience_us)
{
    (void)patience_us;
    return session_fail(s, DW_EUNAVAILABLE, "", "locks are not there yet: %s", name);
}

static void sqlite_finish(struct db_session *s)
{
    (void)s;
}

static void sqlite_cancel(struct db_session *s)
{
    struct sqlite *engine = s->db->engine;

    sqlite_readers_wake(engine);
    sqlite_writer_wake(engine->writer, s);
}

static int sqlite_listen(struct db *db, const struct db_listener *listener)
{
    (void)db;
    (void)listener;
    return 0;
}

static int sqlite_notify(struct db_session *s, const char *channel, const char *text)
{
    (void)s;
    (void)channel;
    (void)text;
    return 0;
}

const struct db_driver sqlite_driver = { .engine = DB_SQLITE,
                                         .open = sqlite_open,
                                         .close = sqlite_close,
                                         .ping = sqlite_ping,
                                         .begin = sqlite_begin,
                                         .commit = sqlite_commit,
                                         .rollback = sqlite_rollback,
                                         .query = sqlite_query,
                                         .next = sqlite_next,
                                         .cell = sqlite_cell,
                                         .close_rows = sqlite_close_rows,
                                         .script = sqlite_script,
                                         .lock = sqlite_lock,
                                         .finish = sqlite_finish,
                                         .cancel = sqlite_cancel,
                                         .listen = sqlite_listen,
                                         .notify = sqlite_notify };
