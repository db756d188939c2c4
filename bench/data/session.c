/* The server's way: a session a call. */
#include <stdio.h>
#include <stdlib.h>

#include "data.h"
#include "db/db.h"
#include "log/log.h"
#include "util/clock.h"

static struct db *db;
static const char list_sql[] = "SELECT " DATA_COLUMNS " FROM cases WHERE id >= $1 ORDER BY id LIMIT 50";

static void must(struct db_session *s, int64_t rc, int64_t wanted)
{
    if (rc == wanted)
        return;
    fprintf(stderr, "%d: %s\n", (int)rc, db_error_of(s)->text);
    abort();
}

static struct db_session *begin(unsigned tenant)
{
    const struct db_who who = { .owner = "bench", .tenant = data_tenant(tenant), .now_us = clock_wall_us() };
    struct db_session *s;

    if (db_session_create(&s, db, &who) != 0)
        abort();
    return s;
}

/* ---- opening ---- */

/* PostgreSQL's connections are made when they are needed: all of them now, while nothing is measured. */
static void warm_up(unsigned connections)
{
    struct db_session **sessions = calloc(connections, sizeof(struct db_session *));

    if (!sessions)
        abort();
    for (unsigned i = 0; i < connections; i++) {
        sessions[i] = begin(i);
        must(sessions[i], db_begin(sessions[i]), 0);
        for (unsigned n = 0; n < DATA_WARM_UP; n++) {
            must(sessions[i], db_exec(sessions[i], DB_BY_PLUGIN, DW_LIST(DATA_READ, n)), 1);
            must(sessions[i], db_exec(sessions[i], DB_BY_PLUGIN, DW_LIST(list_sql, n)), DATA_LIST);
            must(sessions[i],
                 db_exec(sessions[i], DB_BY_PLUGIN, DW_LIST(DATA_INSERT, data_next_id(), DATA_TITLE)), 1);
        }
    }
    for (unsigned i = 0; i < connections; i++)
        db_session_destroy(sessions[i]);
    free(sessions);
}

static void open_it(const char *url, unsigned workers)
{
    struct buf why = BUF_INIT;

    log_set_level(LOG_ERROR); /* that all wait for each other is slow, and meant */
    if (db_open(&db, &(struct db_options){ .url = url, .connections = workers < 64 ? 64 : workers }, &why) !=
        0) {
        fprintf(stderr, "%s\n", buf_text(&why));
        abort();
    }
    buf_finish(&why);
    if (db_engine(db) == DB_POSTGRES)
        warm_up(workers);
}

static void *worker(void)
{
    return NULL;
}

/* ---- work ---- */

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
    must(s, db_query(s, &rows, DB_BY_PLUGIN, DW_LIST(list_sql, from)), 0);
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

static void scan(void *w, unsigned tenant)
{
    struct db_session *s = begin(tenant);

    (void)w;
    must(s, db_exec(s, DB_BY_PLUGIN, DW_LIST(DATA_SCAN, 0)), 1);
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
                                          .scan = scan,
                                          .end = end,
                                          .close = close_it };
