/* libpq alone, as a careful program would use it: a connection a thread, prepared statements that stay, rows in binary.
 * Unguarded: as the owner of the tables, with the tenant in each WHERE. Guarded: the tenant is set in the same write and
 * for that Sync alone, and row security does the rest. A single INSERT is a transaction of its own, ended by the Sync. */
#include <stdlib.h>

#include "data.h"
#include "postgres.h"
#include "util/clock.h"

static const char *url;
static bool is_guarded;

static void prepare_guarded(PGconn *conn)
{
    postgres_prepare(conn, "tenant", POSTGRES_TENANT);
    postgres_prepare(conn, "read", DATA_READ);
    postgres_prepare(conn, "scan", DATA_SCAN);
    postgres_prepare(conn, "list", "SELECT " DATA_COLUMNS " FROM cases WHERE id >= $1 ORDER BY id LIMIT 50");
}

static void prepare_unguarded(PGconn *conn)
{
    postgres_prepare(conn, "read", "SELECT " DATA_COLUMNS " FROM cases WHERE tenant_id = $2 AND id = $1");
    postgres_prepare(conn, "list",
                     "SELECT " DATA_COLUMNS " FROM cases WHERE tenant_id = $2 AND id >= $1"
                     " ORDER BY id LIMIT 50");
}

static void *worker(void)
{
    PGconn *conn = postgres_connect(url, !is_guarded);

    if (is_guarded)
        prepare_guarded(conn);
    else
        prepare_unguarded(conn);
    postgres_prepare(conn, "insert",
                     "INSERT INTO entries (tenant_id, id, title, at) VALUES ($1, $2, $3, $4)");
    if (is_guarded && !PQenterPipelineMode(conn))
        abort();
    return conn;
}

static void open_unguarded(const char *to, unsigned workers)
{
    (void)workers;
    url = to;
    is_guarded = false;
}

static void open_guarded(const char *to, unsigned workers)
{
    (void)workers;
    url = to;
    is_guarded = true;
}

static void end(void *conn)
{
    PQfinish(conn);
}

static void close_it(void)
{
}

/* ---- work ---- */

/* One of a pipeline: its result, and the NULL behind it. */
static PGresult *answer(PGconn *conn)
{
    PGresult *result = PQgetResult(conn);

    postgres_must(conn, result);
    if (PQgetResult(conn))
        abort();
    return result;
}

static PGresult *guarded_answer(PGconn *conn)
{
    if (!PQpipelineSync(conn))
        abort();
    PQclear(answer(conn)); /* the tenant's */
    PGresult *result = answer(conn);
    postgres_clear(conn, PQgetResult(conn)); /* the Sync */
    return result;
}

static PGresult *ask(PGconn *conn, const char *name, unsigned tenant, int64_t id)
{
    if (!is_guarded) {
        postgres_send_keyed(conn, name, id, data_tenant(tenant));
        return answer(conn);
    }
    postgres_send_tenant(conn, data_tenant(tenant));
    postgres_send_keyed(conn, name, id, NULL);
    return guarded_answer(conn);
}

static void read_one(void *conn, unsigned tenant, int64_t id, struct buf *json)
{
    PGresult *result = ask(conn, "read", tenant, id);

    if (PQntuples(result) != 1)
        abort();
    postgres_add_row(json, result, 0);
    PQclear(result);
}

static void read_list(void *conn, unsigned tenant, int64_t from, struct buf *json)
{
    PGresult *result = ask(conn, "list", tenant, from);
    int n = PQntuples(result);

    if (n != DATA_LIST)
        abort();
    for (int i = 0; i < n; i++) {
        buf_add_char(json, i > 0 ? ',' : '[');
        postgres_add_row(json, result, i);
    }
    buf_add_char(json, ']');
    PQclear(result);
}

static void insert(void *conn, unsigned tenant, int64_t id)
{
    const char *whose = data_tenant(tenant);

    if (is_guarded)
        postgres_send_tenant(conn, whose);
    postgres_send_insert(conn, whose, id, DATA_TITLE, clock_wall_us());
    PQclear(is_guarded ? guarded_answer(conn) : answer(conn));
}

static void scan(void *conn, unsigned tenant)
{
    PQclear(ask(conn, "scan", tenant, 0));
}

const struct data_way data_raw_postgres = { .name = "raw",
                                            .open = open_unguarded,
                                            .worker = worker,
                                            .read = read_one,
                                            .list = read_list,
                                            .insert = insert,
                                            .end = end,
                                            .close = close_it };

const struct data_way data_raw_guarded_postgres = { .name = "raw-guarded",
                                                    .open = open_guarded,
                                                    .worker = worker,
                                                    .read = read_one,
                                                    .list = read_list,
                                                    .insert = insert,
                                                    .scan = scan,
                                                    .end = end,
                                                    .close = close_it };
