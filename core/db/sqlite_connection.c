#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/sqlite.h"
#include "util/clock.h"

enum { STEPS_BETWEEN_LOOKS = 2000, BUSY_PATIENCE_US = 5 * CLOCK_SECOND, BUSY_NAP_MAX_US = 10 * CLOCK_MS };

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

/* ---- functions of the walls ---- */

static void tenant(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct sqlite_connection *c = sqlite3_user_data(context);
    const char *id = c->session ? c->session->who.tenant : NULL;

    (void)n;
    (void)values;
    if (id)
        sqlite3_result_text(context, id, -1, SQLITE_STATIC);
    else
        sqlite3_result_null(context);
}

/* ---- life ---- */

static int exec(struct sqlite_connection *c, const char *sql)
{
    return sqlite3_exec(c->handle, sql, NULL, NULL, NULL);
}

/* Deterministic while a statement runs, which is all that SQLite makes of it: it is called once a statement. */
static int define_functions(struct sqlite_connection *c)
{
    return sqlite3_create_function_v2(c->handle, "dw_tenant", 0,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, c, tenant, NULL,
                                      NULL, NULL);
}

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

static int set_up(struct sqlite_connection *c)
{
    int rc = set_journal(c);

    if (rc == SQLITE_OK)
        rc = exec(c, "PRAGMA synchronous = FULL;"
                     "PRAGMA foreign_keys = ON;"
                     "PRAGMA recursive_triggers = ON;"
                     "PRAGMA trusted_schema = OFF;"
                     "PRAGMA temp_store = MEMORY;"
                     "PRAGMA journal_size_limit = 67108864");
    if (rc == SQLITE_OK)
        rc = define_functions(c);
    return rc;
}

int sqlite_connect(struct sqlite_connection **out, struct sqlite *engine, enum sqlite_kind kind,
                   struct buf *why)
{
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    struct sqlite_connection *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (!c) {
        buf_add_text(why, "memory is out");
        return -1;
    }
    c->engine = engine;
    c->kind = kind;
    list_init(&c->ages);
    int rc = sqlite3_open_v2(engine->path, &c->handle, flags, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_progress_handler(c->handle, STEPS_BETWEEN_LOOKS, look_around, c);
        sqlite3_busy_handler(c->handle, wait_for_others, c);
        rc = set_up(c);
    }
    if (rc != SQLITE_OK) {
        sqlite_explain(why, engine->path, rc, c->handle);
        sqlite_disconnect(c);
        return -1;
    }
    *out = c;
    return 0;
}

void sqlite_disconnect(struct sqlite_connection *c)
{
    if (!c)
        return;
    sqlite_prepared_forget_all(c);
    sqlite3_close(c->handle);
    free(c);
}

enum sqlite_kind sqlite_kind_of(const struct db_session *s)
{
    return s->who.is_system || s->who.is_unguarded ? SQLITE_OPEN : SQLITE_GUARDED;
}

void sqlite_lend(struct sqlite_connection *c, struct db_session *s)
{
    c->session = s;
}
