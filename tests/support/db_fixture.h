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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/db.h"
#include "folder.h"
#include "postgres_databases.h"

struct db_fixture {
    struct db *db;
    enum db_engine engine;
    char folder[64];
    char url[256];
    struct postgres_database made; /* on PostgreSQL */
};

/* Of the group that runs. */
static enum db_engine db_fixture_engine = DB_SQLITE;

/* ---- both ---- */

/* Where it is; nothing has opened it yet. The options' url is replaced. */
static inline int db_fixture_open_with(struct db_fixture *f, struct db_options options)
{
    struct buf why = BUF_INIT;

    *f = (struct db_fixture){ .engine = db_fixture_engine, .folder = "/tmp/dowel-db-XXXXXX" };
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->url, sizeof(f->url), "sqlite:%s/test.db", f->folder);
    if (f->engine == DB_POSTGRES) {
        if (postgres_make(&f->made) != 0)
            return -1;
        snprintf(f->url, sizeof(f->url), "%s", f->made.url);
    }
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
    postgres_drop(&f->made);
    folder_remove(f->folder);
}

/* ---- groups ---- */

/* Sets the engine of the groups that come; false: it is not to be had. */
static inline bool db_fixture_on(enum db_engine engine)
{
    db_fixture_engine = engine;
    if (engine == DB_SQLITE || postgres_server())
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
