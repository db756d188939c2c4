/* The server's way: a session a call. */
#include <stdio.h>
#include <stdlib.h>

#include "data.h"
#include "db/db.h"
#include "util/clock.h"

static struct db *db;

static void open_it(const char *path)
{
    struct buf url = BUF_INIT, why = BUF_INIT;

    buf_add_format(&url, "sqlite:%s", path);
    if (db_open(&db, &(struct db_options){ .url = buf_text(&url), .connections = 64 }, &why) != 0) {
        fprintf(stderr, "%s\n", buf_text(&why));
        abort();
    }
    buf_finish(&url);
    buf_finish(&why);
}

static void *worker(void)
{
    return NULL;
}

static struct db_session *begin(unsigned tenant)
{
    const struct db_who who = { .owner = "bench", .tenant = data_tenant(tenant), .now_us = clock_wall_us() };
    struct db_session *s;

    if (db_session_create(&s, db, &who) != 0)
        abort();
    return s;
}

static void must(struct db_session *s, int64_t rc, int64_t wanted)
{
    if (rc == wanted)
        return;
    fprintf(stderr, "%d: %s\n", (int)rc, db_error_of(s)->text);
    abort();
}

static void read_one(void *w, unsigned tenant, int64_t id, struct buf *json)
{
    struct db_session *s = begin(tenant);
    struct db_rows *rows;

    (void)w;
    must(s, db_query(s, &rows, DB_BY_PLUGIN, DW_LIST(DATA_READ, id)), 0);
    must(s, db_rows_next(rows), 1);
    must(s, db_rows_write_json(rows, json), 0);
    db_session_destroy(s);
}

static void read_list(void *w, unsigned tenant, int64_t from, struct buf *json)
{
    struct db_session *s = begin(tenant);
    struct db_rows *rows;
    int64_t n = 0;

    (void)w;
    must(s,
         db_query(
             s, &rows, DB_BY_PLUGIN,
             DW_LIST(
                 "SELECT id, title, body, state, is_open, at FROM cases WHERE id >= $1 ORDER BY id LIMIT 50",
                 from)),
         0);
    for (; db_rows_next(rows) > 0; n++) {
        buf_add_char(json, n > 0 ? ',' : '[');
        must(s, db_rows_write_json(rows, json), 0);
    }
    buf_add_char(json, ']');
    must(s, n, DATA_LIST);
    db_session_destroy(s);
}

static void insert(void *w, unsigned tenant, int64_t id)
{
    struct db_session *s = begin(tenant);

    (void)w;
    must(s, db_exec(s, DB_BY_PLUGIN, DW_LIST(DATA_INSERT, id, DATA_TITLE)), 1);
    db_session_destroy(s);
}

static void end(void *w)
{
    (void)w;
}

static void close_it(void)
{
    db_close(db);
}

const struct data_way data_by_session = { .name = "session",
                                          .open = open_it,
                                          .worker = worker,
                                          .read = read_one,
                                          .list = read_list,
                                          .insert = insert,
                                          .end = end,
                                          .close = close_it };
