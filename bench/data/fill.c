/* The tables and their rows, the same on both engines: 10 tenants of 10,000 rows, and a table to insert into. */
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data.h"
#include "db/wall.h"
#include "postgres.h"
#include "util/clock.h"

#define COLUMNS_OF_CASES                                                   \
    "tenant_id UUID NOT NULL, id BIGINT NOT NULL, title TEXT, body TEXT, " \
    "state TEXT, is_open BOOLEAN, at TIMESTAMPTZ, PRIMARY KEY (tenant_id, id)"
#define COLUMNS_OF_ENTRIES                                      \
    "tenant_id UUID NOT NULL, id BIGINT NOT NULL, title TEXT, " \
    "at TIMESTAMPTZ, PRIMARY KEY (tenant_id, id)"

static const char tables[] =
    "CREATE TABLE dowel_tenant_tables (name TEXT PRIMARY KEY, owner TEXT NOT NULL);"
    "INSERT INTO dowel_tenant_tables VALUES ('cases', 'bench'), ('entries', 'bench');"
    "CREATE TABLE cases (" COLUMNS_OF_CASES ");"
    "CREATE TABLE entries (" COLUMNS_OF_ENTRIES ");";

bool data_is_postgres(const char *url)
{
    return strncmp(url, "postgres", strlen("postgres")) == 0;
}

const char *data_file(const char *url)
{
    return url + strlen("sqlite:");
}

const char *data_tenant(unsigned i)
{
    static const char tenants[DATA_TENANTS][37] = {
        "00000000-0000-7000-8000-000000000000", "00000000-0000-7000-8000-000000000001",
        "00000000-0000-7000-8000-000000000002", "00000000-0000-7000-8000-000000000003",
        "00000000-0000-7000-8000-000000000004", "00000000-0000-7000-8000-000000000005",
        "00000000-0000-7000-8000-000000000006", "00000000-0000-7000-8000-000000000007",
        "00000000-0000-7000-8000-000000000008", "00000000-0000-7000-8000-000000000009",
    };
    return tenants[i % DATA_TENANTS];
}

int64_t data_next_id(void)
{
    static _Atomic int64_t next;
    int64_t none = 0;

    if (atomic_load(&next) == 0)
        atomic_compare_exchange_strong(&next, &none, clock_wall_us());
    return atomic_fetch_add(&next, 1);
}

/* ---- SQLite ---- */

static void fill_sqlite(const char *file)
{
    sqlite3 *handle;
    sqlite3_stmt *st;
    char body[700];

    memset(body, 'b', sizeof(body));
    if (access(file, F_OK) == 0)
        return;
    if (sqlite3_open(file, &handle) != SQLITE_OK ||
        sqlite3_exec(handle, "PRAGMA journal_mode = WAL; BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(handle, tables, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(handle,
                           "INSERT INTO cases VALUES (?1, ?2, '" DATA_TITLE "', ?3, 'open', 1, "
                           "'2026-11-21T08:05:00.000000Z')",
                           -1, &st, NULL) != SQLITE_OK)
        abort();
    sqlite3_bind_text(st, 3, body, sizeof(body), SQLITE_STATIC);
    for (unsigned tenant = 0; tenant < DATA_TENANTS; tenant++) {
        for (int64_t id = 0; id < DATA_ROWS; id++) {
            sqlite3_bind_text(st, 1, data_tenant(tenant), -1, SQLITE_STATIC);
            sqlite3_bind_int64(st, 2, id);
            if (sqlite3_step(st) != SQLITE_DONE)
                abort();
            sqlite3_reset(st);
        }
    }
    sqlite3_finalize(st);
    sqlite3_exec(handle, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    sqlite3_close(handle);
}

/* ---- PostgreSQL ---- */

static void run(PGconn *conn, const char *sql)
{
    postgres_clear(conn, PQexec(conn, sql));
}

static bool is_filled(PGconn *conn)
{
    PGresult *result = PQexec(conn, "SELECT to_regclass('cases') IS NOT NULL");
    bool is = PQntuples(result) == 1 && strcmp(PQgetvalue(result, 0, 0), "t") == 0;

    postgres_clear(conn, result);
    return is;
}

static void put_walls_up(PGconn *conn)
{
    struct buf sql = BUF_INIT;

    wall_write_postgres(&sql, STR_OF("cases"));
    wall_write_postgres(&sql, STR_OF("entries"));
    run(conn, buf_text(&sql));
    buf_finish(&sql);
}

/* Owned by dowel_system, as migrations leave it. VACUUM: nobody who is measured pays for what filling has left to do. */
static void fill_postgres(const char *url)
{
    PGconn *conn = postgres_connect_aside(url);
    char sql[512];

    postgres_wait_for_others(conn);
    run(conn, "SET ROLE dowel_system");
    if (!is_filled(conn)) {
        run(conn, "BEGIN");
        run(conn, tables);
        put_walls_up(conn);
        snprintf(sql, sizeof(sql),
                 "INSERT INTO cases SELECT ('00000000-0000-7000-8000-00000000000' || t)::uuid, id,"
                 " '" DATA_TITLE "', repeat('b', 700), 'open', true, '2026-11-21T08:05:00Z'"
                 " FROM generate_series(0, %d) t, generate_series(0, %d) id",
                 DATA_TENANTS - 1, DATA_ROWS - 1);
        run(conn, sql);
        run(conn, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO dowel");
        run(conn, "COMMIT");
        run(conn, "VACUUM ANALYZE cases, entries");
    }
    PQfinish(conn);
}

void data_fill(const char *url)
{
    if (data_is_postgres(url))
        fill_postgres(url);
    else
        fill_sqlite(data_file(url));
}
