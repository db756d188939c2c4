/* data.h - the same work done through the server's sessions and with the engine's library alone, to be compared. */
#ifndef BENCH_DATA_H
#define BENCH_DATA_H

#include <stdint.h>

#include "util/buf.h"

enum { DATA_TENANTS = 10, DATA_ROWS = 10000, DATA_LIST = 50 }; /* rows: of each tenant */
enum { DATA_WARM_UP = 12 }; /* more than PostgreSQL plans anew before it keeps a plan */

#define DATA_COLUMNS "id, title, body, state, is_open, at"
#define DATA_READ    "SELECT " DATA_COLUMNS " FROM cases WHERE id = $1"
#define DATA_SCAN    "SELECT count(*) FROM cases WHERE id >= $1 AND body LIKE '%x%'" /* some milliseconds */
#define DATA_INSERT  "INSERT INTO entries (tenant_id, id, title, at) VALUES (:tenant, $1, $2, :now)"
#define DATA_TITLE   "a title of the usual length, and a bit more"

/* What a way of doing it is made of. A worker is one thread's; every function aborts when it fails. NULL: this way does
 * not do that work. */
struct data_way {
    const char *name;
    void (*open)(const char *url, unsigned workers); /* of a database that is filled */
    void *(*worker)(void);
    void (*read)(void *worker, unsigned tenant, int64_t id, struct buf *json);
    void (*list)(void *worker, unsigned tenant, int64_t from, struct buf *json);
    void (*insert)(void *worker, unsigned tenant, int64_t id);
    void (*scan)(void *worker, unsigned tenant);
    void (*end)(void *worker); /* not called for NULL */
    void (*close)(void);
};

extern const struct data_way data_by_session, data_raw_sqlite, data_raw_guarded_sqlite;
extern const struct data_way data_raw_postgres, data_raw_guarded_postgres, data_pipelined;

/* ---- the database ---- */

bool data_is_postgres(const char *url);

/* The file behind "sqlite:/folder/file". */
const char *data_file(const char *url);

const char *data_tenant(unsigned i);

/* Makes the tables and their rows, unless they are there. */
void data_fill(const char *url);

/* An id of `entries` that no earlier run took. [any thread] */
int64_t data_next_id(void);

#endif
