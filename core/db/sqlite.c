#include "db/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/clock.h"

static void sqlite_close(struct db *db)
{
    struct sqlite *engine = db->engine;

    if (!engine)
        return;
    sqlite_notices_stop(engine->notices);
    sqlite_readers_finish(&engine->readers);
    sqlite_writer_destroy(engine->writer); /* last: its closing brings the journal into the file */
    free(engine);
    db->engine = NULL;
}

static int note_file(struct sqlite *engine, struct buf *why)
{
    struct stat st;

    if (stat(engine->path, &st) != 0) {
        buf_add_format(why, "cannot use the database %s: %s", engine->path, strerror(errno));
        return -1;
    }
    engine->device = st.st_dev;
    engine->inode = st.st_ino;
    return 0;
}

/* The library counts its memory under a lock that all threads share; nobody asks for the number. */
static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* SQLite would let the whole world read a file that it makes; the files beside it have its rights. What is wrong with the
 * place is found by who opens it next. */
static bool make_private(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return stat(path, &st) == 0 && st.st_size == 0;
}

static int sqlite_open(struct db *db, struct buf *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sqlite *engine = calloc(1, sizeof(*engine));
    int rc = DB_OPEN_WRONG;

    if (!engine) {
        buf_add_text(why, "cannot open the database: memory is out");
        return -1;
    }
    db->engine = engine;
    engine->db = db;
    engine->path = db->options.url + strlen("sqlite:");
    sqlite_readers_init(&engine->readers, db->options.connections);
    pthread_once(&once, configure);
    if (*engine->path && *engine->path != ':' && !str_starts_with(str_from(engine->path), STR_OF("file:"))) {
        engine->is_new = make_private(engine->path);
        rc = sqlite_writer_create(engine, why);
        engine->is_new = false;
        if (rc == 0)
            rc = note_file(engine, why);
    } else {
        buf_add_text(why, "the database's URL names no file: write sqlite:/PATH/TO/dowel.db");
    }
    if (rc != 0)
        sqlite_close(db);
    return rc;
}

/* A file that was replaced under an open database takes no more part in it: all that is written is lost. */
static int check_file(const struct sqlite *engine, struct buf *why)
{
    struct stat st;

    if (stat(engine->path, &st) == 0 && st.st_dev == engine->device && st.st_ino == engine->inode)
        return 0;
    buf_add_format(why,
                   "the database %s was moved or replaced while the server runs: put it back, or restart",
                   engine->path);
    return -1;
}

static int sqlite_ping(struct db *db, struct buf *why)
{
    const struct db_who who = { .owner = "core",
                                .is_system = true,
                                .deadline_us = clock_monotonic_us() + CLOCK_SECOND };
    struct db_session *s;
    int64_t n;

    if (check_file(db->engine, why) != 0)
        return -1;
    if (db_session_create(&s, db, &who) != 0) {
        buf_add_text(why, "memory is out");
        return -1;
    }
    int rc = db_find(s, DW_TO(&n), DB_BY_CORE, DW_LIST("SELECT count(*) FROM dowel_notices WHERE id < 0"));
    if (rc < 0)
        buf_add_text(why, db_error_of(s)->text);
    db_session_destroy(s);
    return rc < 0 ? -1 : 0;
}

static void sqlite_cancel(struct db_session *s)
{
    struct sqlite *engine = s->db->engine;

    sqlite_readers_wake(engine);
    sqlite_writer_wake(engine->writer, s);
}

const struct db_driver sqlite_driver = { .engine = DB_SQLITE,
                                         .open = sqlite_open,
                                         .close = sqlite_close,
                                         .ping = sqlite_ping,
                                         .begin = sqlite_begin,
                                         .commit = sqlite_commit,
                                         .rollback = sqlite_rollback,
                                         .query = sqlite_query,
                                         .query_alone = sqlite_query_alone,
                                         .next = sqlite_next,
                                         .cell = sqlite_cell,
                                         .close_rows = sqlite_close_rows,
                                         .script = sqlite_script,
                                         .lock = sqlite_lock,
                                         .finish = sqlite_unlock_all,
                                         .cancel = sqlite_cancel,
                                         .listen = sqlite_listen,
                                         .notify = sqlite_notify };
