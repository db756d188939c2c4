/* db_fixture.h - a database of the test's own, empty, on the engine that its group asks for: SQLite always, PostgreSQL too
 * where DOWEL_TEST_POSTGRES has the URL of one whose tables may all be dropped. */
#ifndef TESTS_DB_FIXTURE_H
#define TESTS_DB_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/db.h"
#include "db/dialect.h"
#include "db/wall.h"
#include "folder.h"

struct db_fixture {
    struct db *db;
    char folder[64]; /* of this fixture alone; SQLite's file is in it */
    char url[256];
};

/* What db_fixture_open() opens. */
static enum db_engine db_fixture_engine = DB_SQLITE;

static inline const char *db_fixture_postgres(void)
{
    return getenv("DOWEL_TEST_POSTGRES");
}

/* Portable SQL, which may make tables; several statements, one transaction. 0 or -1, and why on standard error. */
static inline int db_fixture_script(struct db_fixture *f, const char *portable)
{
    const struct db_who who = { .owner = "core", .is_system = true, .is_unguarded = true };
    struct buf sql = BUF_INIT, why = BUF_INIT;
    struct db_session *s = NULL;
    struct arena arena;

    arena_init(&arena, NULL, 0, 0);
    int rc = dialect_write(&sql, &arena, str_from(portable), db_engine(f->db), &why);
    if (rc == 0)
        rc = db_session_create(&s, f->db, &who);
    if (rc == 0 && (rc = db_begin(s)) == 0 && (rc = db_run_script(s, buf_str(&sql))) == 0)
        rc = db_commit(s);
    if (rc != 0)
        fprintf(stderr, "%s%s\n", buf_text(&why), s ? db_error_of(s)->text : "");
    db_session_destroy(s);
    arena_finish(&arena);
    buf_finish(&sql);
    buf_finish(&why);
    return rc == 0 ? 0 : -1;
}

/* The wall around a table that is there. */
static inline int db_fixture_wall(struct db_fixture *f, const char *table)
{
    struct buf sql = BUF_INIT, why = BUF_INIT;

    if (db_engine(f->db) == DB_POSTGRES)
        wall_write_postgres(&sql, str_from(table));
    buf_add_text(
        &sql, "CREATE TABLE IF NOT EXISTS dowel_tenant_tables (name TEXT PRIMARY KEY, owner TEXT NOT NULL);");
    buf_add_format(&sql, "INSERT INTO dowel_tenant_tables (name, owner) VALUES ('%s', 'core');", table);
    int rc = db_fixture_script(f, buf_text(&sql));
    if (rc == 0 && (rc = db_learn_walls(f->db, &why)) != 0)
        fprintf(stderr, "%s\n", buf_text(&why));
    buf_finish(&sql);
    buf_finish(&why);
    return rc;
}

static inline int db_fixture_open_with(struct db_fixture *f, struct db_options options)
{
    struct buf why = BUF_INIT;

    *f = (struct db_fixture){ .folder = "/tmp/dowel-db-XXXXXX" };
    if (!mkdtemp(f->folder))
        return -1;
    if (db_fixture_engine == DB_POSTGRES)
        snprintf(f->url, sizeof(f->url), "%s", db_fixture_postgres());
    else
        snprintf(f->url, sizeof(f->url), "sqlite:%s/test.db", f->folder);
    options.url = f->url;
    int rc = db_open(&f->db, &options, &why);
    if (rc != 0)
        fprintf(stderr, "%s\n", buf_text(&why));
    buf_finish(&why);
    if (rc == 0 && db_fixture_engine == DB_POSTGRES)
        rc = db_fixture_script(
                 f,
                 "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC;") ||
             db_learn_walls(f->db, &why);
    return rc;
}

static inline int db_fixture_open(struct db_fixture *f)
{
    return db_fixture_open_with(f, (struct db_options){ .connections = 0 });
}

static inline void db_fixture_close(struct db_fixture *f)
{
    db_close(f->db);
    f->db = NULL;
    folder_remove(f->folder);
}

/* Runs the suite on each engine that there is; returns how many tests failed. */
#define DB_FIXTURE_RUN(name, tests) db_fixture_run((name), (tests), sizeof(tests) / sizeof((tests)[0]))
static inline int db_fixture_run(const char *name, const struct CMUnitTest *tests, size_t n)
{
    char title[128];

    db_fixture_engine = DB_SQLITE;
    snprintf(title, sizeof(title), "%s_on_sqlite", name);
    int failed = _cmocka_run_group_tests(title, tests, n, NULL, NULL);
    if (db_fixture_postgres()) {
        db_fixture_engine = DB_POSTGRES;
        snprintf(title, sizeof(title), "%s_on_postgres", name);
        failed += _cmocka_run_group_tests(title, tests, n, NULL, NULL);
    }
    return failed;
}

#endif
