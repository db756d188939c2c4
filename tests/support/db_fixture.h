/* db_fixture.h - a database of the test's own, on the engine that its group is for.
 *
 *   int main(void)
 *   {
 *       const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(it_works, setup, teardown) };
 *       return DB_ON_EVERY_ENGINE("db_session", tests);
 *   }
 *
 * setup calls db_fixture_open(), teardown db_fixture_close(). PostgreSQL is the server that DOWEL_TEST_POSTGRES names, as
 * ./dev test starts one; its superuser makes the test's database there. Without it the group is skipped, loudly. */
#ifndef TESTS_DB_FIXTURE_H
#define TESTS_DB_FIXTURE_H

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/db.h"
#include "folder.h"

struct db_fixture {
    struct db *db;
    enum db_engine engine;
    char folder[64];
    char url[256];
    char name[64]; /* of the database, on PostgreSQL */
};

/* Of the group that runs. */
static enum db_engine db_fixture_engine = DB_SQLITE;

/* ---- PostgreSQL ---- */

static inline PGconn *db_fixture_superuser(void)
{
    static const char *const names[] = { "dbname", "user", NULL };
    const char *const values[] = { getenv("DOWEL_TEST_POSTGRES"), "postgres", NULL };
    PGconn *conn = PQconnectdbParams(names, values, 1);

    if (PQstatus(conn) == CONNECTION_OK)
        return conn;
    fprintf(stderr, "%s", PQerrorMessage(conn));
    PQfinish(conn);
    return NULL;
}

/* 0 or -1. As the superuser, in the database that the URL names. */
static inline int db_fixture_admin(const char *sql)
{
    PGconn *conn = db_fixture_superuser();
    PGresult *result = conn ? PQexec(conn, sql) : NULL;
    ExecStatusType status = PQresultStatus(result);

    if (conn && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fprintf(stderr, "%s: %s", sql, PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? 0 : -1;
}

/* The URL of another database there, and of another user: "postgres://user@/name?host=...". */
static inline int db_fixture_url(char *out, size_t size, const char *user, const char *name)
{
    const char *at = getenv("DOWEL_TEST_POSTGRES"), *question = at ? strchr(at, '?') : NULL;

    if (!question)
        return -1;
    snprintf(out, size, "postgres://%s@/%s%s", user, name, question);
    return 0;
}

static inline int db_fixture_make_postgres(struct db_fixture *f)
{
    static unsigned made;
    char sql[192];

    snprintf(f->name, sizeof(f->name), "test_%ld_%u", (long)getpid(), ++made);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s OWNER dowel_system ENCODING 'UTF8' TEMPLATE template0",
             f->name);
    if (db_fixture_admin(sql) != 0)
        return -1;
    return db_fixture_url(f->url, sizeof(f->url), "dowel", f->name);
}

static inline void db_fixture_drop_postgres(struct db_fixture *f)
{
    char sql[128];

    snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", f->name);
    if (*f->name)
        db_fixture_admin(sql);
}

/* ---- both ---- */

/* Where it is; nothing has opened it yet. The options' url is replaced. */
static inline int db_fixture_open_with(struct db_fixture *f, struct db_options options)
{
    struct buf why = BUF_INIT;

    *f = (struct db_fixture){ .engine = db_fixture_engine, .folder = "/tmp/dowel-db-XXXXXX" };
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->url, sizeof(f->url), "sqlite:%s/test.db", f->folder);
    if (f->engine == DB_POSTGRES && db_fixture_make_postgres(f) != 0)
        return -1;
    options.url = f->url;
    int rc = db_open(&f->db, &options, &why);
    if (rc != 0)
        fprintf(stderr, "%s\n", buf_text(&why));
    buf_finish(&why);
    return rc;
}

static inline int db_fixture_open(struct db_fixture *f)
{
    return db_fixture_open_with(f, (struct db_options){ .url = NULL });
}

static inline void db_fixture_close(struct db_fixture *f)
{
    db_close(f->db);
    f->db = NULL;
    if (f->engine == DB_POSTGRES)
        db_fixture_drop_postgres(f);
    folder_remove(f->folder);
}

/* ---- groups ---- */

/* Sets the engine of the groups that come; false: it is not to be had. */
static inline bool db_fixture_on(enum db_engine engine)
{
    db_fixture_engine = engine;
    if (engine == DB_SQLITE || getenv("DOWEL_TEST_POSTGRES"))
        return true;
    fprintf(stderr, "PostgreSQL is left out: DOWEL_TEST_POSTGRES names none (export it as ./dev pg url)\n");
    printf("1..1\nok 1 - PostgreSQL # SKIP DOWEL_TEST_POSTGRES is not set\n");
    return false;
}

#define DB_ON_EVERY_ENGINE(name, tests)                                                                   \
    ((db_fixture_on(DB_SQLITE) ? cmocka_run_group_tests_name(name " on SQLite", tests, NULL, NULL) : 0) + \
     (db_fixture_on(DB_POSTGRES) ? cmocka_run_group_tests_name(name " on PostgreSQL", tests, NULL, NULL)  \
                                 : 0))

#endif
