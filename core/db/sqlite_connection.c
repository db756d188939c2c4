#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/sqlite.h"
#include "db/values.h"
#include "util/clock.h"

enum {
    MADE_BYTES_MAX = 2 * DB_VALUE_BYTES_MAX, /* of a value that SQL makes itself */
    STEPS_BETWEEN_LOOKS = 2000,
    BUSY_PATIENCE_US = 5 * CLOCK_SECOND,
    BUSY_NAP_MAX_US = 10 * CLOCK_MS
};

/* ---- what SQLite asks while it works ---- */

/* Not sqlite3_interrupt(): that hits whoever has the connection by then. */
static int look_around(void *ud)
{
    const struct sqlite_connection *c = ud;

    return c->session && !c->is_controlled && session_must_stop(c->session);
}

/* Another process has the file. Each nap is longer, so that one commit is not missed and a long one not spun upon. */
static int wait_for_others(void *ud, int times)
{
    struct sqlite_connection *c = ud;
    int64_t now = clock_monotonic_us();
    int64_t nap = times < 10 ? (times + 1) * (int64_t)CLOCK_MS : BUSY_NAP_MAX_US;

    if (times == 0)
        c->busy_until_us = now + BUSY_PATIENCE_US;
    if (now >= c->busy_until_us || (c->session && session_must_stop(c->session)))
        return 0;
    nanosleep(&(struct timespec){ .tv_nsec = nap * 1000 }, NULL);
    return 1;
}

/* ---- setting up ---- */

static int note_mode(void *ud, int n, char **values, char **names)
{
    bool *is_wal = ud;

    (void)names;
    *is_wal = n == 1 && values[0] && strcmp(values[0], "wal") == 0;
    return 0;
}

/* The journal's mode is the file's. Where memory cannot be shared, as on network shares, SQLite answers with another. */
static int set_journal(struct sqlite_connection *c)
{
    bool is_wal = false;

    if (sqlite3_db_readonly(c->handle, "main") == 1)
        return SQLITE_READONLY;
    int rc = sqlite3_exec(c->handle, "PRAGMA journal_mode = WAL", note_mode, &is_wal, NULL);
    return rc == SQLITE_OK && !is_wal ? SQLITE_PROTOCOL : rc;
}

/* A name in double quotes that is none is an error, as on the other engine, and no text; what is broken in the file's
 * schema stays a reader's problem. The schema is trusted, as triggers write full text: whoever can write the file can
 * write users into it as well, and no function here reaches outside. */
static int harden(struct sqlite_connection *c)
{
    static const int off[] = { SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL };
    int rc = sqlite3_db_config(c->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);

    for (size_t i = 0; i < DW_COUNT_OF(off) && rc == SQLITE_OK; i++)
        rc = sqlite3_db_config(c->handle, off[i], 0, NULL);
    return rc;
}

static int set_up(struct sqlite_connection *c)
{
    static const char pragmas[] = "PRAGMA synchronous = FULL;"
                                  "PRAGMA foreign_keys = ON;"
                                  "PRAGMA recursive_triggers = ON;"
                                  "PRAGMA temp_store = MEMORY;"
                                  "PRAGMA journal_size_limit = 67108864";
    char mmap[64];

    sqlite3_progress_handler(c->handle, STEPS_BETWEEN_LOOKS, look_around, c);
    sqlite3_busy_handler(c->handle, wait_for_others, c);
    sqlite3_limit(c->handle, SQLITE_LIMIT_LENGTH, MADE_BYTES_MAX);
    int rc = harden(c);
    /* In a new file, what is deleted can be given back to the disk piece by piece. */
    if (rc == SQLITE_OK && c->engine->is_new)
        rc = sqlite3_exec(c->handle, "PRAGMA auto_vacuum = INCREMENTAL", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = set_journal(c);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(c->handle, pragmas, NULL, NULL, NULL);
    snprintf(mmap, sizeof(mmap), "PRAGMA mmap_size = %lld", (long long)c->engine->db->options.mmap_bytes);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(c->handle, mmap, NULL, NULL, NULL);
    return rc == SQLITE_OK ? sqlite_guard_set_up(c) : rc;
}

static void close_handle(struct sqlite_connection *c)
{
    sqlite_prepared_forget_all(c);
    for (unsigned i = 0; i < CONTROLS; i++) {
        sqlite3_finalize(c->controls[i]);
        c->controls[i] = NULL;
    }
    sqlite3_close(c->handle);
    c->handle = NULL;
    sqlite_guard_forget(c);
}

static int open_handle(struct sqlite_connection *c, struct buf *why)
{
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

    int rc = sqlite3_open_v2(c->engine->path, &c->handle, flags, NULL);
    if (rc == SQLITE_OK)
        rc = set_up(c);
    if (rc == SQLITE_OK)
        return 0;
    rc = sqlite_explain(why, c->engine->path, rc, c->handle);
    close_handle(c);
    return rc;
}

/* ---- life ---- */

int sqlite_connect(struct sqlite_connection **out, struct sqlite *engine, enum sqlite_kind kind,
                   struct buf *why)
{
    struct sqlite_connection *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (!c) {
        buf_add_text(why, "cannot open the database: memory is out");
        return -1;
    }
    c->engine = engine;
    c->kind = kind;
    list_init(&c->ages);
    int rc = open_handle(c, why);
    if (rc != 0) {
        free(c);
        return rc;
    }
    *out = c;
    return 0;
}

void sqlite_disconnect(struct sqlite_connection *c)
{
    if (!c)
        return;
    close_handle(c);
    free(c);
}

bool sqlite_is_fresh(const struct sqlite_connection *c)
{
    return c->handle && (c->kind != SQLITE_GUARDED ||
                         db_walls_version(c->engine->db) == (c->walls ? c->walls->version : 0));
}

int sqlite_refresh(struct sqlite_connection *c, struct buf *why)
{
    if (sqlite_is_fresh(c))
        return 0;
    close_handle(c);
    return open_handle(c, why);
}

enum sqlite_kind sqlite_kind_of(const struct db_session *s)
{
    return s->who.is_system || s->who.is_unguarded ? SQLITE_OPEN : SQLITE_GUARDED;
}

/* ---- transactions ---- */

int sqlite_control(struct sqlite_connection *c, enum sqlite_control what)
{
    static const char *const sql[CONTROLS] = {
        [CONTROL_BEGIN] = "BEGIN IMMEDIATE",  [CONTROL_COMMIT] = "COMMIT",
        [CONTROL_ROLLBACK] = "ROLLBACK",      [CONTROL_MEMBER] = "SAVEPOINT member",
        [CONTROL_RELEASE] = "RELEASE member", [CONTROL_ROLLBACK_TO] = "ROLLBACK TO member"
    };
    sqlite3_stmt **st = &c->controls[what];
    struct db_session *s = c->session;
    int rc = SQLITE_OK;

    if (!*st) {
        c->session = NULL; /* the authorizer lets nobody's transactions pass */
        rc = sqlite3_prepare_v3(c->handle, sql[what], -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
        c->session = s;
    }
    if (rc != SQLITE_OK)
        return rc;
    c->is_controlled = true; /* a commit that was done must not look interrupted */
    rc = sqlite3_step(*st);
    sqlite3_reset(*st);
    c->is_controlled = false;
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
