/* postgres_databases.h - databases of a test's own, on the server that DOWEL_TEST_POSTGRES names as ./dev test starts one: its superuser
 * makes them and drops them. It needs nothing of the tree, so that suites of plugins use it as well. What goes wrong is said on standard
 * error. */
#ifndef TESTS_POSTGRES_DATABASES_H
#define TESTS_POSTGRES_DATABASES_H

#include <libpq-fe.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct postgres_database {
    char name[64]; /* empty: there is none */
    char url[256]; /* as dowel opens it */
};

/* "postgres://dowel@/dowel?host=...", or NULL: then there is no server. */
static inline const char *postgres_server(void)
{
    const char *url = getenv("DOWEL_TEST_POSTGRES");

    return url && *url ? url : NULL;
}

/* A connection of the superuser to that database, NULL: to the one that the server's URL names. Or NULL. */
static inline PGconn *postgres_superuser(const char *name)
{
    const char *const names[] = { "dbname", "user", name ? "dbname" : NULL, NULL };
    const char *const values[] = { postgres_server(), "postgres", name, NULL };
    PGconn *conn = PQconnectdbParams(names, values, 1);

    if (PQstatus(conn) == CONNECTION_OK)
        return conn;
    fprintf(stderr, "%s", PQerrorMessage(conn));
    PQfinish(conn);
    return NULL;
}

/* 0 or -1. As the superuser, in that database, NULL: in the one that the server's URL names. */
static inline int postgres_admin_in(const char *name, const char *sql)
{
    PGconn *conn = postgres_superuser(name);
    PGresult *result = conn ? PQexec(conn, sql) : NULL;
    ExecStatusType status = PQresultStatus(result);

    if (conn && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fprintf(stderr, "%s: %s", sql, PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : -1;
}

static inline int postgres_admin(const char *sql)
{
    return postgres_admin_in(NULL, sql);
}

/* The URL of another database there, and of another user: "postgres://user@/name?host=...". 0 or -1. */
static inline int postgres_url(char *out, size_t size, const char *user, const char *name)
{
    const char *server = postgres_server(), *host = server ? strstr(server, "://") : NULL;

    if (!host)
        return -1;
    host += strlen("://");

    const char *path = host + strcspn(host, "/?"), *more = strchr(path, '?');
    const char *at = memchr(host, '@', (size_t)(path - host));

    host = at ? at + 1 : host;
    snprintf(out, size, "postgres://%s@%.*s/%s%s", user, (int)(path - host), host, name, more ? more : "");
    return 0;
}

/* An empty one. 0 or -1. */
static inline int postgres_make(struct postgres_database *d)
{
    static unsigned made;
    char sql[192];

    snprintf(d->name, sizeof(d->name), "test_%ld_%u", (long)getpid(), ++made);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s OWNER dowel_system ENCODING 'UTF8' TEMPLATE template0",
             d->name);
    if (postgres_admin(sql) != 0)
        return -1;
    return postgres_url(d->url, sizeof(d->url), "dowel", d->name);
}

/* Whoever is connected. Safe where none was made. */
static inline void postgres_drop(struct postgres_database *d)
{
    char sql[128];

    snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", d->name);
    if (*d->name)
        postgres_admin(sql);
    *d->name = '\0';
}

#endif
