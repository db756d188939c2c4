/* A dump tried out in a database of its own, and who else is in one. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgres.h"
#include "db/postgres_dump.h"
#include "secure/random.h"

enum { NAME_SIZE = 32 };

static int failed(struct buf *why, const char *what, PGconn *conn)
{
    buf_add_format(why, "%s: %s", what, PQerrorMessage(conn));
    while (why->n > 0 && why->p[why->n - 1] == '\n')
        why->n--;
    return -1;
}

static int command(PGconn *conn, const char *sql, const char *what, struct buf *why)
{
    PGresult *result = PQexec(conn, sql);
    int rc = PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : failed(why, what, conn);

    PQclear(result);
    return rc;
}

/* The first cell: a number that is not negative. */
static int number_in(const PGresult *result)
{
    uint64_t number = 0;

    str_to_uint(str_from(PQgetvalue(result, 0, 0)), INT_MAX, &number);
    return (int)number;
}

/* ---- the database ---- */

/* 1, 0 or -1. */
static int may_make(PGconn *conn, struct buf *why)
{
    static const char sql[] = "SELECT rolcreatedb::int FROM pg_roles WHERE rolname = session_user";
    PGresult *result = PQstatus(conn) == CONNECTION_OK ? PQexec(conn, sql) : NULL;
    int rc = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1
                 ? number_in(result)
                 : failed(why, "the database server cannot be asked what this role may do", conn);

    PQclear(result);
    return rc;
}

static int choose_name(char out[NAME_SIZE], struct buf *why)
{
    unsigned char bytes[8];
    int n = snprintf(out, NAME_SIZE, "dowel_verify_");

    if (random_bytes(bytes, sizeof(bytes)) != 0) {
        buf_add_text(why, "the system gives no random bytes for a name");
        return -1;
    }
    for (size_t i = 0; i < sizeof(bytes); i++)
        n += snprintf(out + n, NAME_SIZE - (size_t)n, "%02x", bytes[i]);
    return 0;
}

static int make(PGconn *conn, const char *name, struct buf *why)
{
    char sql[160];

    snprintf(sql, sizeof(sql),
             "CREATE DATABASE %s OWNER " PG_SYSTEM_ROLE " ENCODING 'UTF8' TEMPLATE template0", name);
    return command(conn, sql, "a database to try the backup in cannot be made", why);
}

static int drop(PGconn *conn, const char *name, struct buf *why)
{
    char sql[160], what[160];

    snprintf(sql, sizeof(sql), "DROP DATABASE %s", name);
    snprintf(what, sizeof(what),
             "the database %s, in which the backup was tried, cannot be dropped; drop it by hand", name);
    return command(conn, "SET ROLE " PG_SYSTEM_ROLE, what, why) == 0 ? command(conn, sql, what, why) : -1;
}

/* ---- what came of it ---- */

static int add_migrations(PGconn *conn, struct buf *out, struct buf *why)
{
    static const char sql[] = "SELECT owner || ' ' || number || ' ' || checksum FROM dowel_migrations\n"
                              " ORDER BY owner, number";
    PGresult *result = PQexec(conn, sql);
    int rc = PQresultStatus(result) == PGRES_TUPLES_OK
                 ? 0
                 : failed(why, "the restored database cannot be read", conn);

    for (int i = 0; rc == 0 && i < PQntuples(result); i++)
        buf_add_format(out, "%s\n", PQgetvalue(result, i, 0));
    PQclear(result);
    return rc;
}

static int read_migrations(const char *url, struct buf *out, struct buf *why)
{
    PGconn *conn = PQconnectdb(url);

    int rc =
        PQstatus(conn) == CONNECTION_OK ? 0 : failed(why, "the restored database cannot be opened", conn);
    if (rc == 0)
        rc = command(conn, "SET ROLE " PG_SYSTEM_ROLE, "the restored database cannot be read", why);
    if (rc == 0)
        rc = add_migrations(conn, out, why);
    PQfinish(conn);
    return rc;
}

static int try_in(const char *url, const char *name, const char *path, const char *folder,
                  struct buf *migrations, struct buf *why)
{
    struct buf there = BUF_INIT;

    int rc = postgres_url_for(url, name, &there, why);
    if (rc == 0)
        rc = postgres_dump_restore(buf_text(&there), path, folder, why);
    if (rc == 0)
        rc = read_migrations(buf_text(&there), migrations, why);
    buf_finish(&there);
    return rc;
}

int postgres_dump_try(const char *url, const char *path, const char *folder, struct buf *migrations,
                      struct buf *why)
{
    PGconn *conn = PQconnectdb(url);
    char name[NAME_SIZE];

    int rc = may_make(conn, why);
    if (rc == 1 && (choose_name(name, why) != 0 || make(conn, name, why) != 0))
        rc = -1;
    if (rc == 1) {
        if (try_in(url, name, path, folder, migrations, why) != 0)
            rc = -1;
        if (drop(conn, name, why) != 0)
            rc = -1;
    }
    PQfinish(conn);
    return rc;
}

/* ---- who is there ---- */

int postgres_dump_others(const char *url, int *n, struct buf *why)
{
    static const char sql[] = "SELECT count(*) FROM pg_stat_activity\n"
                              " WHERE datname = current_database() AND usename = session_user\n"
                              "   AND pid <> pg_backend_pid()";
    PGconn *conn = PQconnectdb(url);
    PGresult *result = PQstatus(conn) == CONNECTION_OK ? PQexec(conn, sql) : NULL;
    int rc = PQresultStatus(result) == PGRES_TUPLES_OK ? 0 : -1;

    if (rc == 0)
        *n = number_in(result);
    else
        failed(why, "the database cannot be asked who uses it", conn);
    PQclear(result);
    PQfinish(conn);
    return rc;
}
