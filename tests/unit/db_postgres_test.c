/* The driver of PostgreSQL, on a server of this suite's own: it is restarted, cut off, filled up and set up wrongly. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "captured_log.h"
#include "db/wall.h"
#include "db_fixture.h"
#include "db_steps.h"

static char server[64];
static struct db_fixture f;

/* ---- the server ---- */

/* What it says comes out where the failure is read. */
static int run(const char *word, const char *more)
{
    char command[512];

    snprintf(command, sizeof(command), "sh %s/tests/support/postgres.sh %s %s %s >&2", DOWEL_SOURCE_DIR, word,
             server, more);
    return system(command) == 0
               ? 0
               : -1; /* NOLINT(cert-env33-c,concurrency-mt-unsafe): nothing comes from outside */
}

static int start_server(void **state)
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

static int stop_server(void **state)
{
    (void)state;
    int rc = run("stop", "");
    folder_remove(server);
    return rc;
}

static void restart_server(void)
{
    assert_int_equal(run("stop", ""), 0);
    assert_int_equal(run("start", "--careless"), 0);
}

/* ---- databases ---- */

static void write_wall(const char *table)
{
    struct buf sql = BUF_INIT;

    wall_write_postgres(&sql, str_from(table));
    migrate(f.db, buf_text(&sql));
    buf_finish(&sql);
}

static void make_tables(void)
{
    migrate(f.db, "CREATE TABLE dowel_tenant_tables (name TEXT PRIMARY KEY, owner TEXT NOT NULL);"
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
static int open_with(struct db_options options)
{
    if (run("start", "--careless") != 0)
        return -1;
    db_fixture_engine = DB_POSTGRES;
    if (db_fixture_open_with(&f, options) != 0)
        return -1;
    make_tables();
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return open_with((struct db_options){ .connections = 4 });
}

static int setup_one_connection(void **state)
{
    (void)state;
    return open_with((struct db_options){ .connections = 1 });
}

static int setup_short(void **state)
{
    (void)state;
    return open_with((struct db_options){ .connections = 2, .statement_timeout_us = 300 * CLOCK_MS });
}

static int teardown(void **state)
{
    (void)state;
    db_fixture_close(&f);
    return 0;
}

/* What db_open() says to a URL that cannot be used. */
static const char *refusal(const char *url)
{
    static char text[2048];
    const struct db_options options = { .url = url };
    struct buf why = BUF_INIT;
    struct db *db;

    assert_int_equal(db_open(&db, &options, &why), -1);
    assert_null(db);
    snprintf(text, sizeof(text), "%s", buf_text(&why));
    buf_finish(&why);
    return text;
}

static const char *url_of(const char *user, const char *name)
{
    static char url[256];

    assert_int_equal(db_fixture_url(url, sizeof(url), user, name), 0);
    return url;
}

/* ---- opening ---- */

static void a_role_above_the_wall_is_refused(void **state)
{
    (void)state;
    const char *why = refusal(url_of("postgres", f.name));
    assert_contains(why, "is a superuser");
    assert_contains(why, "CREATE ROLE dowel LOGIN NOINHERIT");
    assert_int_equal(db_fixture_admin("CREATE ROLE sees_all LOGIN BYPASSRLS NOINHERIT IN ROLE dowel_system"),
                     0);
    why = refusal(url_of("sees_all", f.name));
    assert_contains(why, "bypasses row security");
    assert_contains(why, "ALTER ROLE \"sees_all\" NOSUPERUSER NOBYPASSRLS");
}

static void the_second_role_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(db_fixture_admin("CREATE ROLE stranger LOGIN NOINHERIT"), 0);
    assert_contains(refusal(url_of("stranger", f.name)), "GRANT dowel_system TO \"stranger\"");
    assert_int_equal(db_fixture_admin("CREATE ROLE heir LOGIN INHERIT IN ROLE dowel_system"), 0);
    assert_contains(refusal(url_of("heir", f.name)), "ALTER ROLE \"heir\" NOINHERIT");
    assert_int_equal(db_fixture_admin("ALTER ROLE dowel_system RENAME TO elsewhere"), 0);
    const char *why = refusal(url_of("dowel", f.name));
    assert_int_equal(db_fixture_admin("ALTER ROLE elsewhere RENAME TO dowel_system"), 0);
    assert_contains(why, "CREATE ROLE dowel_system NOLOGIN; GRANT dowel_system TO \"dowel\"");
    assert_int_equal(db_fixture_admin("CREATE DATABASE of_another"), 0);
    assert_contains(refusal(url_of("dowel", "of_another")),
                    "ALTER DATABASE \"of_another\" OWNER TO dowel_system");
}

static void a_wrong_password_is_not_repeated(void **state)
{
    (void)state;
    assert_int_equal(
        db_fixture_admin("CREATE ROLE careful LOGIN NOINHERIT PASSWORD 'right' IN ROLE dowel_system;"
                         "GRANT with_password TO careful"),
        0);
    const char *why = refusal(url_of("careful:wr0ng", f.name));
    assert_contains(why, "ALTER ROLE dowel PASSWORD");
    assert_null(strstr(why, "wr0ng"));
    assert_contains(refusal(url_of("careful", f.name)), "it wants a password");
    assert_null(strstr(refusal("postgres://u:s3cret@h:notaport/x"), "s3cret"));
    const struct db_options options = { .url = url_of("careful:right", f.name) };
    struct buf nothing = BUF_INIT;
    struct db *db;
    if (db_open(&db, &options, &nothing) != 0)
        fail_msg("%s", buf_text(&nothing));
    buf_finish(&nothing);
    db_close(db);
}

static void what_is_not_there_is_named(void **state)
{
    (void)state;
    assert_contains(refusal("postgres://dowel@127.0.0.1:1/dowel"), "Is it up");
    assert_contains(refusal(url_of("dowel", "nowhere")), "CREATE DATABASE dowel OWNER dowel_system");
    assert_contains(refusal(url_of("nobody_here", f.name)), "there is no such role");
    assert_int_equal(
        db_fixture_admin("CREATE DATABASE old_letters OWNER dowel_system ENCODING 'LATIN1' LC_COLLATE 'C'"
                         " LC_CTYPE 'C' TEMPLATE template0"),
        0);
    assert_contains(refusal(url_of("dowel", "old_letters")), "stores texts as LATIN1, and UTF8 is needed");
}

static void a_wall_that_was_taken_down_is_seen(void **state)
{
    (void)state;
    migrate(f.db, "ALTER TABLE notes DISABLE ROW LEVEL SECURITY");
    assert_contains(refusal(f.url), "row security is off for notes");
}

/* ---- values ---- */

static void every_type_comes_back(void **state)
{
    struct db_session *s;

    (void)state;
    migrate(f.db, "CREATE TABLE kinds (id BIGINT, small SMALLINT, n INTEGER, r DOUBLE PRECISION, f REAL, t "
                  "TEXT, b BYTEA,"
                  " yes BOOLEAN, j JSONB, at TIMESTAMPTZ, u UUID, d NUMERIC(10,2), day DATE, raw JSON)");
    s = as_system(f.db);
    json_t *json = json_pack("{s:i,s:[b]}", "a", 1, "b", 1);
    must(s, EXEC(s, "INSERT INTO kinds VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
                 INT64_C(9007199254740993), DW_TRUE, 3.0, 7, 0.5, "text", ((dw_bytes){ "\0\xff", 2 }), 1,
                 json, ((dw_time){ 1000001 }), "0190A000-0000-7000-8000-00000000000A", "12.5", "2026-11-27",
                 "[1, 2]"));
    assert_string_equal(ROWS(s, "SELECT * FROM kinds"),
                        "{\"id\":9007199254740993,\"small\":1,\"n\":3,\"r\":7.0,\"f\":0.5,\"t\":\"text\","
                        "\"b\":\"AP8=\",\"yes\":true,"
                        "\"j\":{\"a\": 1, \"b\": [true]},\"at\":\"1970-01-01T00:00:01.000001Z\","
                        "\"u\":\"0190a000-0000-7000-8000-00000000000a\",\"d\":\"12.50\",\"day\":\"2026-11-"
                        "27\",\"raw\":[1, 2]}");
    must(s, EXEC(s, "UPDATE kinds SET t = $1, r = $2, d = $3, j = $4, b = $5, day = :now, at = :now", 5, 7,
                 1.25, "true", "bytes"));
    assert_string_equal(
        ROWS(s, "SELECT t, r, d, j, b, day, at FROM kinds"),
        "{\"t\":\"5\",\"r\":7.0,\"d\":\"1.25\",\"j\":true,\"b\":\"Ynl0ZXM=\",\"day\":\"2026-09-21\","
        "\"at\":\"2026-09-21T14:13:20.123456Z\"}");
    must(s, EXEC(s, "UPDATE kinds SET id = $1, t = $2, b = $3, yes = $4, j = $5, at = $6, u = $7, d = $8",
                 NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    assert_string_equal(
        ROWS(s, "SELECT id, t, b, yes, j, at, u, d FROM kinds"),
        "{\"id\":null,\"t\":null,\"b\":null,\"yes\":null,\"j\":null,\"at\":null,\"u\":null,\"d\":null}");
    json_decref(json);
    db_session_destroy(s);
}

static void times_are_exact(void **state)
{
    static const int64_t times[] = { 0,
                                     1,
                                     -1,
                                     INT64_C(-62135596800000000),
                                     INT64_C(253402300799999999),
                                     INT64_C(951782400000000),
                                     INT64_C(4102444800000000),
                                     INT64_C(-11644473600000001) };
    struct db_session *s = as_tenant(f.db, TENANT_A);

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(times); i++) {
        dw_time back = { 7 };
        must(s, db_find(s, DW_TO(&back), DB_BY_PLUGIN,
                        DW_LIST("SELECT $1::timestamptz", ((dw_time){ times[i] }))));
        assert_int_equal(back.us, times[i]);
    }
    assert_contains(ROWS(s, "SELECT 'infinity'::timestamptz AS at"), "holds what is not an instant");
    db_session_destroy(s);
}

static void what_does_not_fit_is_named(void **state)
{
    struct db_session *s = as_tenant(f.db, TENANT_A);

    (void)state;
    assert_string_equal(
        ROWS(s, "UPDATE notes SET title = $1, hits = $2", "x", INT64_C(3000000000)),
        "!-1 the value of $2 does not fit: a whole number from -2147483648 to 2147483647 is wanted there");
    assert_contains(ROWS(s, "UPDATE notes SET hits = $1", "abc"),
                    "invalid input syntax for type integer: \"abc\", in $1");
    assert_contains(ROWS(s, "SELECT id FROM notes WHERE tenant_id = $1", "abc"),
                    "!-1 invalid input syntax for type uuid");
    assert_contains(ROWS(s, "UPDATE notes SET hits = $1", 1.5), "!-1 the value of $1 does not fit");
    assert_contains(ROWS(s, "SELECT id FROM notes WHERE id = $1 AND nothing = 2", 1),
                    "!-16 column \"nothing\"");
    assert_contains(ROWS(s, "SELECT 1 / $1", 0), "!-1 division by zero");
    assert_contains(ROWS(s, "SELECT id FROM nowhere"), "!-16 relation \"nowhere\" does not exist");
    db_session_destroy(s);
}

static void types_are_told_where_the_server_cannot_know(void **state)
{
    struct db_session *s = as_tenant(f.db, TENANT_A);

    (void)state;
    assert_string_equal(ROWS(s, "SELECT $1 IS NULL AS \"nothing::boolean\"", 1), "{\"nothing\":false}");
    assert_string_equal(ROWS(s, "SELECT $1 IS NULL AS \"nothing::boolean\"", NULL), "{\"nothing\":true}");
    assert_string_equal(ROWS(s, "SELECT jsonb_build_object('v', $1) AS o", 1), "{\"o\":{\"v\": 1}}");
    assert_string_equal(ROWS(s, "SELECT jsonb_build_object('v', $1) AS o", "t"), "{\"o\":{\"v\": \"t\"}}");
    assert_string_equal(ROWS(s, "SELECT jsonb_build_object('v', $1) AS o", 1.5), "{\"o\":{\"v\": 1.5}}");
    assert_string_equal(ROWS(s, "SELECT coalesce($1, title) AS t FROM notes WHERE id = 1", "t"),
                        "{\"t\":\"t\"}");
    /* In the middle of a transaction: what went before it is still there. */
    must(s, db_begin(s));
    must(s, EXEC(s, "UPDATE notes SET hits = 99 WHERE id = 1"));
    assert_string_equal(ROWS(s, "SELECT jsonb_build_object('w', $1) AS o", ((dw_time){ 0 })),
                        "{\"o\":{\"w\": \"1970-01-01T00:00:00+00:00\"}}");
    must(s, db_commit(s));
    assert_int_equal(NUMBER(s, "SELECT hits FROM notes WHERE id = 1"), 99);
    db_session_destroy(s);
}

static void an_alias_names_the_type(void **state)
{
    struct db_session *s = as_tenant(f.db, TENANT_A);

    (void)state;
    assert_string_equal(ROWS(s,
                             "SELECT 1 AS \"open::boolean\", sum(id) AS total, avg(id) AS \"mean::real\","
                             " '{}' AS \"j::json\", sum(hits) AS \"n::integer\", count(*) AS c FROM notes"),
                        "{\"open\":true,\"total\":55,\"mean\":5.5,\"j\":{},\"n\":55,\"c\":10}");
    db_session_destroy(s);
}

/* ---- the wall ---- */

static void a_migration_sees_every_tenant(void **state)
{
    struct db_session *s;

    (void)state;
    migrate(f.db, "UPDATE notes SET hits = 0");
    s = as_system(f.db);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes WHERE hits = 0"), 30);
    db_session_destroy(s);
    s = as_tenant(f.db, TENANT_A);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    assert_int_equal(EXEC(s, "UPDATE notes SET hits = 1"), 10);
    assert_string_equal(ROWS(s, "INSERT INTO notes VALUES ($1, 99, 't', 1)", TENANT_B),
                        "!-3 the row belongs to another tenant");
    db_session_destroy(s);
    s = as_tenant(f.db, NULL);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 0);
    db_session_destroy(s);
}

static void a_view_is_granted_when_it_asks_for_its_reader(void **state)
{
    struct db_session *s;

    (void)state;
    migrate(f.db, "CREATE VIEW leaky AS SELECT * FROM notes;"
                  "CREATE VIEW tight WITH (security_invoker = true) AS SELECT * FROM notes;");
    s = as_tenant(f.db, TENANT_A);
    assert_contains(ROWS(s, "SELECT count(*) FROM leaky"), "permission denied for view leaky");
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM tight"), 10);
    db_session_destroy(s);
}

static void the_login_role_cannot_take_the_wall_down(void **state)
{
    static const char *const tries[] = { "ALTER TABLE notes DISABLE ROW LEVEL SECURITY", "TRUNCATE notes",
                                         "DROP POLICY dowel_tenant ON notes", "CREATE TABLE mine (id INT)" };
    PGconn *conn = PQconnectdb(f.url);

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(tries); i++) {
        PGresult *result = PQexec(conn, tries[i]);
        assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "42501");
        PQclear(result);
    }
    PQfinish(conn);
}

/* One connection, two tenants, statements that fail in between. */
static void no_tenant_is_remembered(void **state)
{
    struct db_session *a = as_tenant(f.db, TENANT_A), *b = as_tenant(f.db, TENANT_B),
                      *none = as_tenant(f.db, NULL);
    struct db_session *system = as_system(f.db);

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(NUMBER(a, "SELECT count(*) FROM notes"), 10);
        assert_contains(ROWS(a, "SELECT 1 / (id - id) FROM notes"), "division by zero");
        assert_int_equal(NUMBER(none, "SELECT count(*) FROM notes"), 0);
        assert_contains(ROWS(system, "SELECT 1 / (id - id) FROM notes"), "division by zero");
        assert_int_equal(NUMBER(b, "SELECT count(*) FROM notes"), 20);
        must(b, db_begin(b));
        assert_int_equal(NUMBER(b, "SELECT count(*) FROM notes"), 20);
        assert_contains(ROWS(b, "INSERT INTO notes VALUES (:tenant, 1)"),
                        "!-5 a row with this key exists already");
        db_rollback(b);
        assert_int_equal(NUMBER(system, "SELECT count(*) FROM notes"), 30);
    }
    db_session_destroy(a);
    db_session_destroy(b);
    db_session_destroy(none);
    db_session_destroy(system);
}

struct neighbour {
    pthread_t thread;
    const char *tenant;
    int64_t rows, wrong, failed;
};

static void *read_beside(void *ud)
{
    struct neighbour *n = ud;
    struct db_session *s = as_tenant(f.db, n->tenant);

    for (int i = 0; i < 200; i++) {
        int64_t count = -1;
        int rc = db_find(s, DW_TO(&count), DB_BY_PLUGIN, DW_LIST("SELECT count(*) FROM notes"));
        n->wrong += rc == 1 && count != n->rows;
        n->failed += rc != 1;
        rc = db_find(s, DW_TO(&count), DB_BY_PLUGIN,
                     DW_LIST("SELECT 10 / (5 - min(id)) FROM notes WHERE id = 5"));
        n->wrong += rc != DW_EINVALID;
    }
    db_session_destroy(s);
    return NULL;
}

static void neighbours_do_not_meet(void **state)
{
    struct neighbour all[8];

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(all); i++) {
        all[i] = (struct neighbour){ .tenant = i % 2 ? TENANT_B : TENANT_A, .rows = i % 2 ? 20 : 10 };
        assert_int_equal(pthread_create(&all[i].thread, NULL, read_beside, &all[i]), 0);
    }
    for (size_t i = 0; i < DW_COUNT_OF(all); i++) {
        pthread_join(all[i].thread, NULL);
        assert_int_equal(all[i].wrong, 0);
        assert_int_equal(all[i].failed, 0);
    }
}

/* ---- connections ---- */

static void cut_all(void)
{
    char sql[256];

    snprintf(sql, sizeof(sql),
             "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '%s' AND pid <> "
             "pg_backend_pid()",
             f.name);
    assert_int_equal(db_fixture_admin(sql), 0);
}

static void a_restart_is_survived(void **state)
{
    struct db_session *s = as_tenant(f.db, TENANT_A);

    (void)state;
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    restart_server();
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    must(s, db_begin(s));
    must(s, EXEC(s, "UPDATE notes SET hits = 0"));
    restart_server();
    assert_int_equal(EXEC(s, "UPDATE notes SET hits = 0"), DW_EUNAVAILABLE);
    assert_true(db_wants_repeat(s));
    assert_int_equal(EXEC(s, "UPDATE notes SET hits = 0"), DW_ETX);
    db_rollback(s);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes WHERE hits = 0"), 0);
    db_session_destroy(s);
}

static void while_it_is_away_that_is_said(void **state)
{
    struct buf why = BUF_INIT;

    (void)state;
    assert_int_equal(run("stop", ""), 0);
    struct db_session *s = as_who(
        f.db, (struct db_who){ .tenant = TENANT_A, .deadline_us = clock_monotonic_us() + 400 * CLOCK_MS });
    int64_t before = clock_monotonic_us();
    const char *said = ROWS(s, "SELECT 1");
    assert_contains(said, "!-10 PostgreSQL at postgres://dowel@");
    assert_true(clock_monotonic_us() - before < 2 * CLOCK_SECOND);
    assert_int_equal(db_ping(f.db, &why), -1);
    assert_contains(buf_text(&why), "cannot be reached");
    assert_int_equal(run("start", "--careless"), 0);
    db_session_destroy(s);
    s = as_tenant(f.db, TENANT_A);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10); /* waits for the back-off, no longer */
    assert_int_equal(db_ping(f.db, &why), 0);
    db_session_destroy(s);
    buf_finish(&why);
}

static void a_cut_connection_is_replaced(void **state)
{
    struct db_session *s = as_tenant(f.db, TENANT_A);

    (void)state;
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    cut_all();
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    must(s, db_begin(s));
    cut_all(); /* before BEGIN was sent: nothing is lost, and the first statement says so */
    int64_t rc = EXEC(s, "UPDATE notes SET hits = 0");
    assert_true(rc == DW_EUNAVAILABLE && db_wants_repeat(s));
    db_rollback(s);
    must(s, db_begin(s));
    must(s, EXEC(s, "UPDATE notes SET hits = 0"));
    cut_all();
    assert_int_equal(db_commit(s), DW_EUNAVAILABLE); /* seen before COMMIT was sent */
    assert_true(db_wants_repeat(s));
    assert_false(db_has_committed(s));
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes WHERE hits = 0"), 0);
    db_session_destroy(s);
}

/* The server ends the connection in the middle of COMMIT: a trigger that runs there kills its own backend. */
static void a_commit_that_was_cut_is_unknown(void **state)
{
    struct db_session *s;

    (void)state;
    assert_int_equal(db_fixture_admin("GRANT pg_signal_backend TO dowel"), 0);
    migrate(f.db,
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; END';"
            "CREATE CONSTRAINT TRIGGER dies AFTER UPDATE ON notes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
            " EXECUTE FUNCTION die()");
    s = as_tenant(f.db, TENANT_A);
    must(s, db_begin(s));
    must(s, EXEC(s, "UPDATE notes SET hits = 0 WHERE id = 1"));
    assert_int_equal(db_commit(s), DW_EUNKNOWN);
    assert_false(db_wants_repeat(s));
    assert_true(db_has_committed(s));
    assert_int_equal(EXEC(s, "UPDATE notes SET hits = 0 WHERE id = 1"),
                     DW_EUNKNOWN); /* and it was not tried twice */
    db_session_destroy(s);
}

static void a_full_pool_says_so(void **state)
{
    struct db_session *first = as_tenant(f.db, TENANT_A), *s;

    (void)state;
    must(first, db_begin(first));
    must(first, EXEC(first, "UPDATE notes SET hits = 0"));
    s = as_who(f.db,
               (struct db_who){ .tenant = TENANT_A, .deadline_us = clock_monotonic_us() + 200 * CLOCK_MS });
    assert_contains(ROWS(s, "SELECT count(*) FROM notes"), "!-10 all 1 connections to PostgreSQL are in use");
    db_session_destroy(s);
    s = as_tenant(f.db, TENANT_B);
    must(first, db_commit(first));
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 20);
    db_session_destroy(s);
    db_session_destroy(first);
}

static void *count_later(void *ud)
{
    struct db_session *s = as_tenant(f.db, TENANT_B);
    int64_t *n = ud;

    if (db_find(s, DW_TO(n), DB_BY_PLUGIN, DW_LIST("SELECT count(*) FROM notes")) != 1)
        *n = -1;
    db_session_destroy(s);
    return NULL;
}

static void who_waits_gets_the_next(void **state)
{
    struct db_session *first = as_tenant(f.db, TENANT_A);
    int64_t counts[6];
    pthread_t threads[DW_COUNT_OF(counts)];

    (void)state;
    must(first, db_begin(first));
    must(first, EXEC(first, "UPDATE notes SET hits = 0"));
    for (size_t i = 0; i < DW_COUNT_OF(counts); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_later, &counts[i]), 0);
    must(first, db_commit(first));
    for (size_t i = 0; i < DW_COUNT_OF(counts); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(counts[i], 20);
    }
    db_session_destroy(first);
}

/* ---- limits and cancelling ---- */

static void a_slow_statement_is_stopped(void **state)
{
    struct db_session *s = as_tenant(f.db, TENANT_A);
    int64_t before = clock_monotonic_us();

    (void)state;
    assert_contains(CORE_ROWS(s, "SELECT pg_sleep(20)"), "!-10 the statement took longer than the 0.3 s");
    assert_true(clock_monotonic_us() - before < 5 * CLOCK_SECOND);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    must(s, db_begin(s));
    assert_contains(CORE_ROWS(s, "SELECT pg_sleep(20)"), "!-10 the statement took longer");
    db_rollback(s);
    db_session_destroy(s);
}

struct late {
    struct db_session *s;
    pthread_t thread;
    int rc;
};

static void *sleep_long(void *ud)
{
    struct late *l = ud;
    struct db_rows *rows;

    l->rc = db_query(l->s, &rows, DB_BY_CORE, DW_LIST("SELECT pg_sleep(25)"));
    return NULL;
}

static bool is_sleeping(void)
{
    struct db_session *s = as_tenant(f.db, NULL);
    int64_t n = 0;

    int rc = db_find(
        s, DW_TO(&n), DB_BY_CORE,
        DW_LIST("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(25)' AND datname = "
                "current_database() AND state = 'active'"));
    db_session_destroy(s);
    return rc == 1 && n > 0;
}

static void another_thread_cancels(void **state)
{
    struct late l = { .s = as_tenant(f.db, TENANT_A) };
    int64_t limit = clock_monotonic_us() + 10 * CLOCK_SECOND;

    (void)state;
    assert_int_equal(pthread_create(&l.thread, NULL, sleep_long, &l), 0);
    while (!is_sleeping() && clock_monotonic_us() < limit)
        usleep(5000);
    int64_t before = clock_monotonic_us();
    db_session_cancel(l.s);
    pthread_join(l.thread, NULL);
    assert_true(clock_monotonic_us() - before < 3 * CLOCK_SECOND);
    assert_int_equal(l.rc, DW_ECANCELLED);
    assert_false(is_sleeping());
    db_session_destroy(l.s);
    struct db_session *s = as_tenant(f.db, TENANT_A); /* the next on that connection is left alone */
    for (int i = 0; i < 20; i++)
        assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    db_session_destroy(s);
}

static void who_waits_for_a_connection_is_cancelled(void **state)
{
    struct db_session *first = as_tenant(f.db, TENANT_A);
    struct late l = { .s = as_tenant(f.db, TENANT_A) };

    (void)state;
    must(first, db_begin(first));
    must(first, EXEC(first, "UPDATE notes SET hits = 0"));
    assert_int_equal(pthread_create(&l.thread, NULL, sleep_long, &l), 0);
    int64_t before = clock_monotonic_us();
    db_session_cancel(l.s);
    pthread_join(l.thread, NULL);
    assert_true(clock_monotonic_us() - before < 2 * CLOCK_SECOND);
    assert_int_equal(l.rc, DW_ECANCELLED);
    db_session_destroy(l.s);
    db_session_destroy(first);
}

static void *update_second(void *ud)
{
    struct late *l = ud;

    l->rc = (int)EXEC(l->s, "UPDATE notes SET hits = 1 WHERE id = 2");
    return NULL;
}

/* Each has what the other waits for; the server picks one that loses. */
static void a_deadlock_wants_a_repeat(void **state)
{
    struct late a = { .s = as_tenant(f.db, TENANT_A) };
    struct db_session *b = as_tenant(f.db, TENANT_A);

    (void)state;
    must(a.s, db_begin(a.s));
    must(b, db_begin(b));
    must(a.s, EXEC(a.s, "UPDATE notes SET hits = 1 WHERE id = 1"));
    must(b, EXEC(b, "UPDATE notes SET hits = 1 WHERE id = 2"));
    assert_int_equal(pthread_create(&a.thread, NULL, update_second, &a), 0);
    int64_t rc = EXEC(b, "UPDATE notes SET hits = 1 WHERE id = 1");
    db_rollback(b);
    pthread_join(a.thread, NULL);
    assert_true((rc == 1) != (a.rc == 1));
    assert_int_equal(rc == 1 ? a.rc : rc, DW_EUNAVAILABLE);
    assert_true(db_wants_repeat(rc == 1 ? a.s : b));
    db_session_destroy(a.s);
    db_session_destroy(b);
}

/* ---- statements ---- */

static void a_changed_table_is_read_anew(void **state)
{
    struct db_session *s = as_tenant(f.db, TENANT_A);

    (void)state;
    assert_contains(ROWS(s, "SELECT * FROM notes WHERE id = $1", 1), "\"hits\":1}");
    migrate(f.db, "ALTER TABLE notes ADD COLUMN more TEXT DEFAULT 'm'");
    assert_contains(ROWS(s, "SELECT * FROM notes WHERE id = $1", 1), "\"hits\":1,\"more\":\"m\"}");
    assert_contains(ROWS(s, "SELECT id FROM notes WHERE hits = $1", 3), "{\"id\":3}");
    migrate(f.db, "ALTER TABLE notes ALTER COLUMN hits TYPE TEXT");
    assert_contains(ROWS(s, "SELECT id FROM notes WHERE hits = $1", 3), "{\"id\":3}");
    db_session_destroy(s);
}

static void prepared_statements_are_bounded(void **state)
{
    struct db_session *s = as_tenant(f.db, TENANT_A);
    char sql[64];

    (void)state;
    for (int i = 0; i < 400; i++) {
        snprintf(sql, sizeof(sql), "SELECT %d + $1", i);
        assert_int_equal(NUMBER(s, sql, 1), i + 1);
    }
    assert_int_equal(NUMBER(s, "SELECT 7 + $1", 1), 8);
    db_session_destroy(s);
    s = as_system(f.db);
    int64_t n;
    must(s, db_find(s, DW_TO(&n), DB_BY_CORE, DW_LIST("SELECT count(*) FROM pg_prepared_statements")));
    assert_in_range(n, 200, 262);
    db_session_destroy(s);
}

static void a_script_says_where_it_failed(void **state)
{
    struct db_session *s = as_migration(f.db);

    (void)state;
    must(s, db_begin(s));
    assert_int_equal(db_run_script(s, str_from("CREATE TABLE x (id INT);\n-- \xc3\xbc\nSELECT nothing;\n")),
                     DW_EMISUSE);
    assert_contains(db_error_of(s)->text, "column \"nothing\" does not exist (line 3)");
    db_rollback(s);
    must(s, db_begin(s));
    assert_int_equal(db_run_script(s, str_from("CREATE TABLE x (id INT); COMMIT; SELECT 1")), DW_EMISUSE);
    assert_contains(db_error_of(s)->text, "ended the transaction");
    db_rollback(s);
    db_session_destroy(s);
}

/* ---- locks, notices; alone and through a pooler ---- */

static void a_lock_is_one_session_s(void **state)
{
    struct db_session *a = as_migration(f.db), *b = as_migration(f.db);

    (void)state;
    must(a, db_lock(a, "migrations", 0));
    must(b, db_lock(b, "another", 0));
    int64_t before = clock_monotonic_us();
    assert_int_equal(db_lock(b, "migrations", 300 * CLOCK_MS), DW_EUNAVAILABLE);
    assert_true(clock_monotonic_us() - before >= 290 * CLOCK_MS);
    assert_contains(db_error_of(b)->text, "holds the lock \"migrations\"");
    must(a, db_begin(a));
    must(a, db_run_script(a, str_from("CREATE TABLE locked (id INT)")));
    must(a, db_commit(a));
    db_session_destroy(a);
    must(b, db_lock(b, "migrations", 5 * CLOCK_SECOND));
    db_session_destroy(b);
}

static void a_lost_lock_stops_its_session(void **state)
{
    struct db_session *s = as_migration(f.db);

    (void)state;
    must(s, db_lock(s, "migrations", 0));
    must(s, db_begin(s));
    must(s, db_run_script(s, str_from("CREATE TABLE locked (id INT)")));
    assert_int_equal(
        db_fixture_admin("SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"),
        0);
    assert_int_equal(db_commit(s), DW_EUNAVAILABLE);
    assert_contains(db_error_of(s)->text, "lock was lost");
    db_session_destroy(s);
}

static struct {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    char text[512];
    unsigned lost, came;
} heard = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static void hear(const char *channel, const char *text, void *ud)
{
    (void)ud;
    pthread_mutex_lock(&heard.lock);
    size_t n = strlen(heard.text);
    snprintf(heard.text + n, sizeof(heard.text) - n, "%s=%s;", channel, text);
    heard.came++;
    pthread_cond_broadcast(&heard.moved);
    pthread_mutex_unlock(&heard.lock);
}

static void hear_lost(void *ud)
{
    (void)ud;
    pthread_mutex_lock(&heard.lock);
    heard.lost++;
    pthread_cond_broadcast(&heard.moved);
    pthread_mutex_unlock(&heard.lock);
}

/* False after ten seconds. */
static bool heard_of(const unsigned *count, unsigned wanted)
{
    struct timespec limit;
    int error = 0;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 10;
    pthread_mutex_lock(&heard.lock);
    while (*count < wanted && error == 0)
        error = pthread_cond_timedwait(&heard.moved, &heard.lock, &limit);
    pthread_mutex_unlock(&heard.lock);
    return error == 0;
}

static void listen(void)
{
    static const struct db_listener listener = { .notice = hear, .lost = hear_lost };

    heard.text[0] = 0;
    heard.lost = heard.came = 0;
    assert_int_equal(db_listen(f.db, &listener), 0);
}

static void notices_come_when_they_are_committed(void **state)
{
    struct db_session *s = as_tenant(f.db, TENANT_A);

    (void)state;
    listen();
    must(s, db_begin(s));
    must(s, db_notify(s, "role", "never"));
    db_rollback(s);
    must(s, db_begin(s));
    must(s, EXEC(s, "UPDATE notes SET hits = 0"));
    must(s, db_notify(s, "role", "one two"));
    must(s, db_notify(s, "token", ""));
    must(s, db_commit(s));
    must(s, db_notify(s, "job", "3"));
    assert_true(heard_of(&heard.came, 3));
    assert_string_equal(heard.text, "role=one two;token=;job=3;");
    assert_int_equal(heard.lost, 0);
    db_session_destroy(s);
}

static void lost_notices_are_told(void **state)
{
    struct db_session *s = as_tenant(f.db, TENANT_A);

    (void)state;
    listen();
    cut_all();
    assert_true(heard_of(&heard.lost, 2)); /* when it went, and when it is back */
    must(s, db_notify(s, "after", "it"));
    assert_true(heard_of(&heard.came, 1));
    db_session_destroy(s);
}

/* ---- through a pooler ---- */

static int setup_pooler(void **state)
{
    (void)state;
    if (run("pooler", "") != 0)
        return -1;
    db_fixture_engine = DB_POSTGRES;
    f = (struct db_fixture){ .engine = DB_POSTGRES, .folder = "/tmp/dowel-db-XXXXXX" };
    if (!mkdtemp(f.folder) || db_fixture_make_postgres(&f) != 0)
        return -1;
    snprintf(f.url, sizeof(f.url), "postgres://dowel@/%s?host=%s/pooler&port=6432", f.name, server);

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

static void nothing_is_left_on_the_server(void **state)
{
    struct db_session *s = as_tenant(f.db, TENANT_A);

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes WHERE id > $1", 0), 10);
        must(s, EXEC(s, "UPDATE notes SET hits = $1 WHERE id = $2", i, 1));
    }
    db_session_destroy(s);
    s = as_system(f.db);
    int64_t n;
    must(s, db_find(s, DW_TO(&n), DB_BY_CORE,
                    DW_LIST("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''")));
    assert_int_equal(n, 0);
    db_session_destroy(s);
}

/* The pooler replaces it, and what was sent meanwhile is still in its table. */
static void no_notice_is_lost_with_a_connection(void **state)
{
    struct db_session *s = as_tenant(f.db, TENANT_A);

    (void)state;
    listen();
    cut_all();
    int64_t rc = DW_EUNAVAILABLE;
    for (int i = 0; i < 20 && rc < 0; i++)
        rc = db_notify(s, "after", "it");
    assert_int_equal(rc, 0);
    assert_true(heard_of(&heard.came, 1));
    assert_string_equal(heard.text, "after=it;");
    db_session_destroy(s);
}

#define WITH(test, setup) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define THROUGH_POOLER(test)                                           \
    {                                                                  \
        "through a pooler: " #test, test, setup_pooler, teardown, NULL \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_role_above_the_wall_is_refused, setup),
        WITH(the_second_role_is_asked_for, setup),
        WITH(a_wrong_password_is_not_repeated, setup),
        WITH(what_is_not_there_is_named, setup),
        WITH(a_wall_that_was_taken_down_is_seen, setup),
        WITH(every_type_comes_back, setup),
        WITH(times_are_exact, setup),
        WITH(what_does_not_fit_is_named, setup),
        WITH(types_are_told_where_the_server_cannot_know, setup),
        WITH(an_alias_names_the_type, setup),
        WITH(a_migration_sees_every_tenant, setup),
        WITH(a_view_is_granted_when_it_asks_for_its_reader, setup),
        WITH(the_login_role_cannot_take_the_wall_down, setup),
        WITH(no_tenant_is_remembered, setup_one_connection),
        WITH(neighbours_do_not_meet, setup),
        WITH(a_restart_is_survived, setup),
        WITH(while_it_is_away_that_is_said, setup),
        WITH(a_cut_connection_is_replaced, setup),
        WITH(a_commit_that_was_cut_is_unknown, setup),
        WITH(a_full_pool_says_so, setup_one_connection),
        WITH(who_waits_gets_the_next, setup_one_connection),
        WITH(a_slow_statement_is_stopped, setup_short),
        WITH(another_thread_cancels, setup),
        WITH(who_waits_for_a_connection_is_cancelled, setup_one_connection),
        WITH(a_deadlock_wants_a_repeat, setup),
        WITH(a_changed_table_is_read_anew, setup),
        WITH(prepared_statements_are_bounded, setup_one_connection),
        WITH(a_script_says_where_it_failed, setup),
        WITH(a_lock_is_one_session_s, setup),
        WITH(a_lost_lock_stops_its_session, setup),
        WITH(notices_come_when_they_are_committed, setup),
        WITH(lost_notices_are_told, setup),
        THROUGH_POOLER(nothing_is_left_on_the_server),
        THROUGH_POOLER(every_type_comes_back),
        THROUGH_POOLER(types_are_told_where_the_server_cannot_know),
        THROUGH_POOLER(no_tenant_is_remembered),
        THROUGH_POOLER(neighbours_do_not_meet),
        THROUGH_POOLER(a_changed_table_is_read_anew),
        THROUGH_POOLER(another_thread_cancels),
        THROUGH_POOLER(a_lock_is_one_session_s),
        THROUGH_POOLER(notices_come_when_they_are_committed),
        THROUGH_POOLER(no_notice_is_lost_with_a_connection),
    };
    return cmocka_run_group_tests_name("db_postgres", tests, start_server, stop_server);
}
