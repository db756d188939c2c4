/* data.h - the same work done through the server's sessions and with SQLite's library alone, to be compared. */
#ifndef BENCH_DATA_H
#define BENCH_DATA_H

#include <stdint.h>

#include "util/buf.h"

enum { DATA_TENANTS = 10, DATA_ROWS = 10000, DATA_LIST = 50 }; /* rows: of each tenant */

#define DATA_READ   "SELECT id, title, body, state, is_open, at FROM cases WHERE id = $1"
#define DATA_INSERT "INSERT INTO entries (tenant_id, id, title, at) VALUES (:tenant, $1, $2, :now)"
#define DATA_TITLE  "a title of the usual length, and a bit more"

/* What a way of doing it is made of. A worker is one thread's; every function but open aborts when it fails. */
struct data_way {
    const char *name;
    void (*open)(const char *path); /* of a database that is filled */
    void *(*worker)(void);
    void (*read)(void *worker, unsigned tenant, int64_t id, struct buf *json);
    void (*list)(void *worker, unsigned tenant, int64_t from, struct buf *json);
    void (*insert)(void *worker, unsigned tenant, int64_t id);
    void (*end)(void *worker);
    void (*close)(void);
};

extern const struct data_way data_by_session, data_raw, data_raw_guarded;

const char *data_tenant(unsigned i);

#endif
