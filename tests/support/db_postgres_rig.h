/* db_postgres_rig.h - a PostgreSQL of the suite's own, which it may stop, cut off and set up wrongly, and a database in it
 * with a table of tenants. */
#ifndef TESTS_DB_POSTGRES_RIG_H
#define TESTS_DB_POSTGRES_RIG_H

#include <stdlib.h>

#include "db_session.h"
#include "util/clock.h"

static char server[64];
static struct db_fixture f;

/* ---- the server ---- */

/* What goes wrong it says on standard error. */
static inline int run(const char *word, const char *more)
{
    char command[512];

    snprintf(command, sizeof(command), "sh %s/tests/support/postgres.sh %s %s %s >/dev/null",
             DOWEL_SOURCE_DIR, word, server, more);
    return system(command) == 0
               ? 0
               : -1; /* NOLINT(cert-env33-c,concurrency-mt-unsafe): nothing comes from outside */
}

static inline int start_server(void **state)
{
    char until[64], url[128];

    (void)state;
    snprintf(server, sizeof(server), "/tmp/dowel-pgtest-%ld", (long)getpid());
    snprintf(until, sizeof(until), "--careless --until %ld", (long)getpid());
    if (run("start", until) != 0)
        return -1;
    snprintf(url, sizeof(url), "postgres://dowel@/dowel?host=%s", server);
    setenv("DOWEL_TEST_POSTGRES", url, 1); /* NOLINT(concurrency-mt-unsafe): no thread yet */
    return 0;
}

static inline int stop_server(void **state)
{
    (void)state;
    int rc = run("stop", "");
    folder_remove(server);
    return rc;
}

static inline void restart_server(void)
{
    assert_int_equal(run("stop", ""), 0);
    assert_int_equal(run("start", "--careless"), 0);
}

/* ---- sessions ---- */

static inline struct db_session *as_who(struct db_who who)
{
    who.owner = "tests";
    return db_session_of(&f, &who);
}

static inline struct db_session *as_migration(void)
{
    return as_who((struct db_who){ .is_system = true, .is_unguarded = true });
}

/* PostgreSQL's own SQL, in a transaction of a migration's session. */
static inline void migrate(const char *sql)
{
    struct db_session *s = as_migration();

    OK(s, db_begin(s));
    OK(s, db_run_script(s, str_from(sql)));
    OK(s, db_commit(s));
    db_session_destroy(s);
}

/* All rows as JSON, or the error as "!-5 text". The text is good until the next of these. */
#define ROWS(s, ...)      rows_((s), DB_BY_PLUGIN, DW_LIST(__VA_ARGS__))
#define CORE_ROWS(s, ...) rows_((s), DB_BY_CORE, DW_LIST(__VA_ARGS__))
static inline const char *rows_(struct db_session *s, enum db_author by, dw_list sql_and_values)
{
    static char text[65536];
    struct buf out = BUF_INIT;
    struct db_rows *rows;

    int rc = db_query(s, &rows, by, sql_and_values);
    while (rc >= 0 && (rc = db_rows_next(rows)) > 0) {
        if (db_rows_write_json(rows, &out) != 0)
            buf_add_format(&out, "{cannot be written: %s}", db_error_of(s)->text);
    }
    db_rows_close(rows);
    if (rc < 0) {
        out.n = 0;
        buf_add_format(&out, "!%d %s", rc, db_error_of(s)->text);
    }
    snprintf(text, sizeof(text), "%s", buf_text(&out));
    buf_finish(&out);
    return text;
}

#define assert_contains(text, part) assert_contains_((text), (part), __LINE__)
static inline void assert_contains_(const char *text, const char *part, int line)
{
    if (!strstr(text, part))
        fail_msg("line %d: \"%s\" is not in \"%s\"", line, part, text);
}

/* ---- databases ---- */

static inline void write_wall(const char *table)
{
    struct buf sql = BUF_INIT;

    wall_write_postgres(&sql, str_from(table));
    migrate(buf_text(&sql));
    buf_finish(&sql);
}

static inline void make_tables(void)
{
    migrate("CREATE TABLE dowel_tenant_tables (name TEXT PRIMARY KEY, owner TEXT NOT NULL);"
            "CREATE TABLE notes (tenant_id UUID NOT NULL, id BIGINT NOT NULL, title TEXT, hits INTEGER,"
            " PRIMARY KEY (tenant_id, id));"
            "INSERT INTO dowel_tenant_tables VALUES ('notes', 'test');"
            "INSERT INTO notes SELECT '" TENANT_A "', i, 'a', i FROM generate_series(1, 10) i;"
            "INSERT INTO notes SELECT '" TENANT_B "', i, 'b', i FROM generate_series(1, 20) i;");
    write_wall("notes");

    struct buf why = BUF_INIT;
    assert_int_equal(db_learn_walls(f.db, &why), 0);
    buf_finish(&why);
}

/* The test before may have failed with the server down. */
static inline int open_with(struct db_options options)
{
    if (run("start", "--careless") != 0)
        return -1;
    db_fixture_engine = DB_POSTGRES;
    if (db_fixture_open_with(&f, options) != 0)
        return -1;
    make_tables();
    return 0;
}

static inline int setup(void **state)
{
    (void)state;
    return open_with((struct db_options){ .connections = 4 });
}

static inline int setup_one_connection(void **state)
{
    (void)state;
    return open_with((struct db_options){ .connections = 1 });
}

static inline int setup_short(void **state)
{
    (void)state;
    return open_with((struct db_options){ .connections = 2, .statement_timeout_us = 300 * CLOCK_MS });
}

static inline int teardown(void **state)
{
    (void)state;
    db_fixture_close(&f);
    return 0;
}

static inline int setup_pooler(void **state)
{
    (void)state;
    if (run("pooler", "") != 0)
        return -1;
    db_fixture_engine = DB_POSTGRES;
    f = (struct db_fixture){ .engine = DB_POSTGRES, .folder = "/tmp/dowel-db-XXXXXX" };
    if (!mkdtemp(f.folder) || postgres_make(&f.made) != 0)
        return -1;
    snprintf(f.url, sizeof(f.url), "postgres://dowel@/%s?host=%s/pooler&port=6432", f.made.name, server);

    const struct db_options options = { .url = f.url, .connections = 8, .through_pooler = true };
    struct buf why = BUF_INIT;
    int rc = db_open(&f.db, &options, &why);
    if (rc != 0)
        fprintf(stderr, "%s\n", buf_text(&why));
    buf_finish(&why);
    if (rc == 0)
        make_tables();
    return rc;
}

/* Every connection to the database, and they are gone when this returns. */
static inline void cut_all(void)
{
    char sql[256];

    snprintf(sql, sizeof(sql),
             "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '%s' AND pid <> "
             "pg_backend_pid()",
             f.made.name);
    assert_int_equal(postgres_admin(sql), 0);
}

#define WITH(test, setup) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define THROUGH_POOLER(test)                                           \
    {                                                                  \
        "through a pooler: " #test, test, setup_pooler, teardown, NULL \
    }

#endif
