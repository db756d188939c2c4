/* SQLite's library alone, as a careful program would use it: a connection a thread, prepared statements that stay, one
 * writer behind a mutex with a commit for each row. Guarded: with the server's own views and triggers. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "data.h"
#include "db/wall.h"
#include "util/clock.h"

struct worker {
    sqlite3 *handle;
    sqlite3_stmt *read, *list;
    unsigned tenant;
};

static const char *path;
static bool is_guarded;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static struct worker *writer;
static sqlite3_stmt *insert_stmt, *begin_stmt, *commit_stmt;

static void must(sqlite3 *handle, int rc, int wanted)
{
    if (rc == wanted)
        return;
    fprintf(stderr, "%s\n", sqlite3_errmsg(handle));
    abort();
}

static void run(sqlite3 *handle, const char *sql)
{
    must(handle, sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
}

static sqlite3_stmt *prepare(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *st;

    must(handle, sqlite3_prepare_v3(handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL), SQLITE_OK);
    return st;
}

/* ---- the guard ---- */

static void tenant(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct worker *w = sqlite3_user_data(context);

    (void)n;
    (void)values;
    sqlite3_result_text(context, data_tenant(w->tenant), -1, SQLITE_STATIC);
}

static void upsert(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    (void)values;
    sqlite3_result_int(context, 0);
}

static void put_walls_up(struct worker *w)
{
    struct buf sql = BUF_INIT;

    wall_write_sqlite(&sql, STR_OF("cases"));
    wall_write_sqlite(&sql, STR_OF("entries"));
    sqlite3_create_function(w->handle, "dw_tenant", 0, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
                            w, tenant, NULL, NULL);
    sqlite3_create_function(w->handle, "dw_upsert", 0, SQLITE_UTF8 | SQLITE_INNOCUOUS, w, upsert, NULL, NULL);
    run(w->handle, buf_text(&sql));
    buf_finish(&sql);
}

/* ---- workers ---- */

static struct worker *connect(void)
{
    struct worker *w = calloc(1, sizeof(*w));

    if (!w ||
        sqlite3_open_v2(path, &w->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        abort();
    run(w->handle, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON");
    sqlite3_busy_timeout(w->handle, 5000);
    if (is_guarded)
        put_walls_up(w);
    return w;
}

static void *worker(void)
{
    struct worker *w = connect();

    w->read = prepare(w->handle, is_guarded ? "SELECT " DATA_COLUMNS " FROM cases WHERE id = ?1"
                                            : "SELECT " DATA_COLUMNS " FROM cases "
                                              "WHERE tenant_id = ?2 AND id = ?1");
    w->list = prepare(w->handle, is_guarded ? "SELECT " DATA_COLUMNS " FROM cases "
                                              "WHERE id >= ?1 ORDER BY id LIMIT 50"
                                            : "SELECT " DATA_COLUMNS " FROM cases "
                                              "WHERE tenant_id = ?2 AND id >= ?1 ORDER BY id LIMIT 50");
    return w;
}

static void open_it(const char *url)
{
    path = data_file(url);
    writer = connect();
    insert_stmt =
        prepare(writer->handle,
                is_guarded ? "INSERT INTO main.entries (tenant_id, id, title, at) "
                             "VALUES (?1, ?2, ?3, ?4)"
                           : "INSERT INTO entries (tenant_id, id, title, at) VALUES (?1, ?2, ?3, ?4)");
    begin_stmt = prepare(writer->handle, "BEGIN IMMEDIATE");
    commit_stmt = prepare(writer->handle, "COMMIT");
}

static void open_unguarded(const char *url, unsigned workers)
{
    (void)workers;
    is_guarded = false;
    open_it(url);
}

static void open_guarded(const char *url, unsigned workers)
{
    (void)workers;
    is_guarded = true;
    open_it(url);
}

static void end(void *ud)
{
    struct worker *w = ud;

    sqlite3_finalize(w->read);
    sqlite3_finalize(w->list);
    sqlite3_close(w->handle);
    free(w);
}

static void close_it(void)
{
    sqlite3_finalize(insert_stmt);
    sqlite3_finalize(begin_stmt);
    sqlite3_finalize(commit_stmt);
    end(writer);
}

/* ---- work ---- */

static void add_text(struct buf *json, const char *name, sqlite3_stmt *st, int column)
{
    buf_add_text(json, name);
    buf_add_json(json, str_make((const char *)sqlite3_column_text(st, column),
                                (size_t)sqlite3_column_bytes(st, column)));
}

static void add_row(struct buf *json, sqlite3_stmt *st)
{
    buf_add_text(json, "{\"id\":");
    buf_add_int(json, sqlite3_column_int64(st, 0));
    add_text(json, ",\"title\":", st, 1);
    add_text(json, ",\"body\":", st, 2);
    add_text(json, ",\"state\":", st, 3);
    buf_add_text(json, sqlite3_column_int(st, 4) ? ",\"is_open\":true" : ",\"is_open\":false");
    add_text(json, ",\"at\":", st, 5);
    buf_add_char(json, '}');
}

static void bind(struct worker *w, sqlite3_stmt *st, unsigned of, int64_t id)
{
    w->tenant = of;
    sqlite3_bind_int64(st, 1, id);
    if (!is_guarded)
        sqlite3_bind_text(st, 2, data_tenant(of), -1, SQLITE_STATIC);
}

static void read_one(void *ud, unsigned of, int64_t id, struct buf *json)
{
    struct worker *w = ud;

    bind(w, w->read, of, id);
    must(w->handle, sqlite3_step(w->read), SQLITE_ROW);
    add_row(json, w->read);
    sqlite3_reset(w->read);
}

static void read_list(void *ud, unsigned of, int64_t from, struct buf *json)
{
    struct worker *w = ud;
    int n = 0;

    bind(w, w->list, of, from);
    for (; sqlite3_step(w->list) == SQLITE_ROW; n++) {
        buf_add_char(json, n > 0 ? ',' : '[');
        add_row(json, w->list);
    }
    buf_add_char(json, ']');
    must(w->handle, n, DATA_LIST);
    sqlite3_reset(w->list);
}

static void insert(void *ud, unsigned of, int64_t id)
{
    char now[CLOCK_RFC3339_SIZE];

    (void)ud;
    clock_format_rfc3339(clock_wall_us(), now);
    pthread_mutex_lock(&turn);
    writer->tenant = of;
    must(writer->handle, sqlite3_step(begin_stmt), SQLITE_DONE);
    sqlite3_reset(begin_stmt);
    sqlite3_bind_text(insert_stmt, 1, data_tenant(of), -1, SQLITE_STATIC);
    sqlite3_bind_int64(insert_stmt, 2, id);
    sqlite3_bind_text(insert_stmt, 3, DATA_TITLE, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert_stmt, 4, now, -1, SQLITE_STATIC);
    must(writer->handle, sqlite3_step(insert_stmt), SQLITE_DONE);
    sqlite3_reset(insert_stmt);
    must(writer->handle, sqlite3_step(commit_stmt), SQLITE_DONE);
    sqlite3_reset(commit_stmt);
    pthread_mutex_unlock(&turn);
}

const struct data_way data_raw_sqlite = { .name = "raw",
                                          .open = open_unguarded,
                                          .worker = worker,
                                          .read = read_one,
                                          .list = read_list,
                                          .insert = insert,
                                          .end = end,
                                          .close = close_it };

const struct data_way data_raw_guarded_sqlite = { .name = "raw-guarded",
                                                  .open = open_guarded,
                                                  .worker = worker,
                                                  .read = read_one,
                                                  .list = read_list,
                                                  .insert = insert,
                                                  .end = end,
                                                  .close = close_it };
