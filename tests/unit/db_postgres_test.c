/* The driver of PostgreSQL: what it says of a server that is set up wrongly, values, the wall, statements. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "db/postgres.h"
#include "db_postgres_rig.h"

/* What db_open() says to a URL that cannot be used. */
static const char *refusal_as(int code, const char *url)
{
    static char text[2048];
    const struct db_options options = { .url = url };
    struct buf why = BUF_INIT;
    struct db *db;

    assert_int_equal(db_open(&db, &options, &why), code);
    assert_null(db);
    snprintf(text, sizeof(text), "%s", buf_text(&why));
    buf_finish(&why);
    return text;
}

/* Until somebody changes something. */
static const char *refusal(const char *url)
{
    return refusal_as(DB_OPEN_WRONG, url);
}

static const char *url_of(const char *user, const char *name)
{
    static char url[256];

    assert_int_equal(postgres_url(url, sizeof(url), user, name), 0);
    return url;
}

/* ---- opening ---- */

static void a_role_above_the_wall_is_refused(void **state)
{
    (void)state;
    const char *why = refusal(url_of("postgres", f.made.name));
    assert_contains(why, "is a superuser");
    assert_contains(why, "CREATE ROLE dowel LOGIN NOINHERIT");
    assert_int_equal(postgres_admin("CREATE ROLE sees_all LOGIN BYPASSRLS NOINHERIT IN ROLE dowel_system"),
                     0);
    why = refusal(url_of("sees_all", f.made.name));
    assert_contains(why, "bypasses row security");
    assert_contains(why, "ALTER ROLE \"sees_all\" NOSUPERUSER NOBYPASSRLS");
}

static void the_second_role_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(postgres_admin("CREATE ROLE stranger LOGIN NOINHERIT"), 0);
    assert_contains(refusal(url_of("stranger", f.made.name)), "GRANT dowel_system TO \"stranger\"");
    assert_int_equal(postgres_admin("CREATE ROLE heir LOGIN INHERIT IN ROLE dowel_system"), 0);
    assert_contains(refusal(url_of("heir", f.made.name)), "ALTER ROLE \"heir\" NOINHERIT");
    assert_int_equal(postgres_admin("ALTER ROLE dowel_system RENAME TO elsewhere"), 0);
    const char *why = refusal(url_of("dowel", f.made.name));
    assert_int_equal(postgres_admin("ALTER ROLE elsewhere RENAME TO dowel_system"), 0);
    assert_contains(why, "CREATE ROLE dowel_system NOLOGIN; GRANT dowel_system TO \"dowel\"");
    assert_int_equal(postgres_admin("CREATE DATABASE of_another"), 0);
    assert_contains(refusal(url_of("dowel", "of_another")),
                    "ALTER DATABASE \"of_another\" OWNER TO dowel_system");
}

static void a_wrong_password_is_not_repeated(void **state)
{
    (void)state;
    assert_int_equal(
        postgres_admin("CREATE ROLE careful LOGIN NOINHERIT PASSWORD 'right' IN ROLE dowel_system;"
                       "GRANT with_password TO careful"),
        0);
    const char *why = refusal(url_of("careful:wr0ng", f.made.name));
    assert_contains(why, "ALTER ROLE dowel PASSWORD");
    assert_null(strstr(why, "wr0ng"));
    assert_contains(refusal(url_of("careful", f.made.name)), "it wants a password");
    assert_null(strstr(refusal_as(-1, "postgres://u:s3cret@h:notaport/x"), "s3cret"));
    const struct db_options options = { .url = url_of("careful:right", f.made.name) };
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
    assert_contains(refusal_as(-1, "postgres://dowel@127.0.0.1:1/dowel"), "Is it up");
    assert_contains(refusal(url_of("dowel", "nowhere")), "CREATE DATABASE dowel OWNER dowel_system");
    assert_contains(refusal(url_of("nobody_here", f.made.name)), "there is no such role");
    assert_int_equal(
        postgres_admin("CREATE DATABASE old_letters OWNER dowel_system ENCODING 'LATIN1' LC_COLLATE 'C'"
                       " LC_CTYPE 'C' TEMPLATE template0"),
        0);
    assert_contains(refusal(url_of("dowel", "old_letters")), "stores texts as LATIN1, and UTF8 is needed");
}

static void a_wall_that_was_taken_down_is_seen(void **state)
{
    (void)state;
    migrate("ALTER TABLE notes DISABLE ROW LEVEL SECURITY");
    assert_contains(refusal(f.url), "row security is off for notes");
}

/* ---- values ---- */

static void every_type_comes_back(void **state)
{
    struct db_session *s;

    (void)state;
    migrate("CREATE TABLE kinds (id BIGINT, small SMALLINT, n INTEGER, r DOUBLE PRECISION, f REAL, t "
            "TEXT, b BYTEA,"
            " yes BOOLEAN, j JSONB, at TIMESTAMPTZ, u UUID, d NUMERIC(10,2), day DATE, raw JSON)");
    s = db_session_system(&f);
    json_t *json = json_pack("{s:i,s:[b]}", "a", 1, "b", 1);
    OK(s,
       TRY_EXEC(s, "INSERT INTO kinds VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
                INT64_C(9007199254740993), DW_TRUE, 3.0, 7, 0.5, "text", ((dw_bytes){ "\0\xff", 2 }), 1, json,
                ((dw_time){ 1000001 }), "0190A000-0000-7000-8000-00000000000A", "12.5", "2026-11-27",
                "[1, 2]"));
    assert_string_equal(ROWS(s, "SELECT * FROM kinds"),
                        "{\"id\":9007199254740993,\"small\":1,\"n\":3,\"r\":7.0,\"f\":0.5,\"t\":\"text\","
                        "\"b\":\"AP8=\",\"yes\":true,"
                        "\"j\":{\"a\": 1, \"b\": [true]},\"at\":\"1970-01-01T00:00:01.000001Z\","
                        "\"u\":\"0190a000-0000-7000-8000-00000000000a\",\"d\":\"12.50\",\"day\":\"2026-11-"
                        "27\",\"raw\":[1, 2]}");
    OK(s, TRY_EXEC(s, "UPDATE kinds SET t = $1, r = $2, d = $3, j = $4, b = $5, day = :now, at = :now", 5, 7,
                   1.25, "true", "bytes"));
    assert_string_equal(
        ROWS(s, "SELECT t, r, d, j, b, day, at FROM kinds"),
        "{\"t\":\"5\",\"r\":7.0,\"d\":\"1.25\",\"j\":true,\"b\":\"Ynl0ZXM=\",\"day\":\"2023-11-14\","
        "\"at\":\"2023-11-14T22:13:20.000000Z\"}");
    OK(s, TRY_EXEC(s, "UPDATE kinds SET id = $1, t = $2, b = $3, yes = $4, j = $5, at = $6, u = $7, d = $8",
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
    struct db_session *s = db_session_tenant(&f, TENANT_A);

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(times); i++) {
        dw_time back = { 7 };
        OK(s, db_find(s, DW_TO(&back), DB_BY_PLUGIN,
                      DW_LIST("SELECT $1::timestamptz", ((dw_time){ times[i] }))));
        assert_int_equal(back.us, times[i]);
    }
    assert_contains(ROWS(s, "SELECT 'infinity'::timestamptz AS at"), "holds what is not an instant");
    db_session_destroy(s);
}

static void what_does_not_fit_is_named(void **state)
{
    struct db_session *s = db_session_tenant(&f, TENANT_A);

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
    struct db_session *s = db_session_tenant(&f, TENANT_A);

    (void)state;
    assert_string_equal(ROWS(s, "SELECT $1 IS NULL AS \"nothing::boolean\"", 1), "{\"nothing\":false}");
    assert_string_equal(ROWS(s, "SELECT $1 IS NULL AS \"nothing::boolean\"", NULL), "{\"nothing\":true}");
    assert_string_equal(ROWS(s, "SELECT jsonb_build_object('v', $1) AS o", 1), "{\"o\":{\"v\": 1}}");
    assert_string_equal(ROWS(s, "SELECT jsonb_build_object('v', $1) AS o", "t"), "{\"o\":{\"v\": \"t\"}}");
    assert_string_equal(ROWS(s, "SELECT jsonb_build_object('v', $1) AS o", 1.5), "{\"o\":{\"v\": 1.5}}");
    assert_string_equal(ROWS(s, "SELECT coalesce($1, title) AS t FROM notes WHERE id = 1", "t"),
                        "{\"t\":\"t\"}");
    /* In the middle of a transaction: what went before it is still there. */
    OK(s, db_begin(s));
    OK(s, TRY_EXEC(s, "UPDATE notes SET hits = 99 WHERE id = 1"));
    assert_string_equal(ROWS(s, "SELECT jsonb_build_object('w', $1) AS o", ((dw_time){ 0 })),
                        "{\"o\":{\"w\": \"1970-01-01T00:00:00+00:00\"}}");
    OK(s, db_commit(s));
    assert_int_equal(NUMBER(s, "SELECT hits FROM notes WHERE id = 1"), 99);
    db_session_destroy(s);
}

static void an_alias_names_the_type(void **state)
{
    struct db_session *s = db_session_tenant(&f, TENANT_A);

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
    migrate("UPDATE notes SET hits = 0");
    s = db_session_system(&f);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes WHERE hits = 0"), 30);
    db_session_destroy(s);
    s = db_session_tenant(&f, TENANT_A);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    assert_int_equal(TRY_EXEC(s, "UPDATE notes SET hits = 1"), 10);
    assert_string_equal(ROWS(s, "INSERT INTO notes VALUES ($1, 99, 't', 1)", TENANT_B),
                        "!-3 the row belongs to another tenant");
    db_session_destroy(s);
    s = db_session_tenant(&f, NULL);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 0);
    db_session_destroy(s);
}

static void a_view_is_granted_when_it_asks_for_its_reader(void **state)
{
    struct db_session *s;

    (void)state;
    migrate("CREATE VIEW leaky AS SELECT * FROM notes;"
            "CREATE VIEW tight WITH (security_invoker = true) AS SELECT * FROM notes;");
    s = db_session_tenant(&f, TENANT_A);
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

static void json_can_be_read_as_rows(void **state)
{
    struct db_session *s = db_session_tenant(&f, TENANT_A);

    (void)state;
    assert_string_equal(ROWS(s, "SELECT value FROM jsonb_array_elements(CAST($1 AS JSONB))", "[1, \"b\"]"),
                        "{\"value\":1}{\"value\":\"b\"}");
    assert_string_equal(
        ROWS(s, "SELECT value FROM jsonb_array_elements_text(CAST($1 AS JSONB))", "[1, \"b\"]"),
        "{\"value\":\"1\"}{\"value\":\"b\"}");
    assert_string_equal(ROWS(s, "SELECT key, value FROM jsonb_each(CAST($1 AS JSONB))", "{\"a\": [2]}"),
                        "{\"key\":\"a\",\"value\":[2]}");
    assert_int_equal(
        NUMBER(s, "SELECT count(*) FROM (SELECT jsonb_path_query(CAST($1 AS JSONB), '$.**')) AS every",
               "{\"a\": {\"b\": 1}}"),
        3);
    db_session_destroy(s);
}

/* One connection, two tenants, statements that fail in between. */
static void no_tenant_is_remembered(void **state)
{
    struct db_session *a = db_session_tenant(&f, TENANT_A), *b = db_session_tenant(&f, TENANT_B),
                      *none = db_session_tenant(&f, NULL);
    struct db_session *system = db_session_system(&f);

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(NUMBER(a, "SELECT count(*) FROM notes"), 10);
        assert_contains(ROWS(a, "SELECT 1 / (id - id) FROM notes"), "division by zero");
        assert_int_equal(NUMBER(none, "SELECT count(*) FROM notes"), 0);
        assert_contains(ROWS(system, "SELECT 1 / (id - id) FROM notes"), "division by zero");
        assert_int_equal(NUMBER(b, "SELECT count(*) FROM notes"), 20);
        OK(b, db_begin(b));
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
    struct db_session *s = db_session_tenant(&f, n->tenant);

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

/* ---- statements ---- */

static void a_changed_table_is_read_anew(void **state)
{
    struct db_session *s = db_session_tenant(&f, TENANT_A);

    (void)state;
    assert_contains(ROWS(s, "SELECT * FROM notes WHERE id = $1", 1), "\"hits\":1}");
    migrate("ALTER TABLE notes ADD COLUMN more TEXT DEFAULT 'm'");
    assert_contains(ROWS(s, "SELECT * FROM notes WHERE id = $1", 1), "\"hits\":1,\"more\":\"m\"}");
    assert_contains(ROWS(s, "SELECT id FROM notes WHERE hits = $1", 3), "{\"id\":3}");
    migrate("ALTER TABLE notes ALTER COLUMN hits TYPE TEXT");
    assert_contains(ROWS(s, "SELECT id FROM notes WHERE hits = $1", 3), "{\"id\":3}");
    db_session_destroy(s);
}

static void prepared_statements_are_bounded(void **state)
{
    struct db_session *s = db_session_tenant(&f, TENANT_A);
    char sql[64];

    (void)state;
    for (int i = 0; i < 400; i++) {
        snprintf(sql, sizeof(sql), "SELECT %d + $1", i);
        assert_int_equal(NUMBER(s, sql, 1), i + 1);
    }
    assert_int_equal(NUMBER(s, "SELECT 7 + $1", 1), 8);
    db_session_destroy(s);
    s = db_session_system(&f);
    int64_t n;
    OK(s, db_find(s, DW_TO(&n), DB_BY_CORE, DW_LIST("SELECT count(*) FROM pg_prepared_statements")));
    assert_in_range(n, 200, 262);
    db_session_destroy(s);
}

static int64_t counted_by_postgres(struct db_session *s)
{
    int64_t n;

    OK(s, db_find(s, DW_TO(&n), DB_BY_CORE,
                  DW_LIST("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'grows'")));
    return n;
}

/* How often the statement read the whole table. PostgreSQL counts until it tells others of it, which it does between
 * transactions. */
static int64_t whole_reads(struct db_session *s)
{
    OK(s, db_begin(s));
    int64_t before = counted_by_postgres(s);
    assert_int_equal(NUMBER(s, "SELECT n FROM grows WHERE id = $1", 2), 20);
    int64_t after = counted_by_postgres(s);
    db_rollback(s);
    return after - before;
}

static void plans_follow_their_tables(void **state)
{
    struct postgres *pg = f.db->engine;
    struct db_session *s = db_session_system(&f);

    (void)state;
    migrate("CREATE TABLE grows (id INT PRIMARY KEY, n INT) WITH (autovacuum_enabled = false);"
            "INSERT INTO grows VALUES (1, 10), (2, 20); ANALYZE grows");
    for (int i = 0; i < 10; i++)
        assert_int_equal(whole_reads(s), 1); /* of a single page: rightly so */
    migrate("INSERT INTO grows SELECT i, i * 10 FROM generate_series(3, 50000) AS i");
    assert_int_equal(whole_reads(s), 1); /* the plan that was made then */
    pg->replan_us = 0;
    assert_int_equal(whole_reads(s), 0);
    db_session_destroy(s);
}

static void a_script_says_where_it_failed(void **state)
{
    struct db_session *s = as_migration();

    (void)state;
    OK(s, db_begin(s));
    assert_int_equal(db_run_script(s, str_from("CREATE TABLE x (id INT);\n-- \xc3\xbc\nSELECT nothing;\n")),
                     DW_EMISUSE);
    assert_contains(db_error_of(s)->text, "column \"nothing\" does not exist (line 3)");
    db_rollback(s);
    OK(s, db_begin(s));
    assert_int_equal(db_run_script(s, str_from("CREATE TABLE x (id INT); COMMIT; SELECT 1")), DW_EMISUSE);
    assert_contains(db_error_of(s)->text, "ended the transaction");
    db_rollback(s);
    db_session_destroy(s);
}

static void nothing_is_left_on_the_server(void **state)
{
    struct db_session *s = db_session_tenant(&f, TENANT_A);

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes WHERE id > $1", 0), 10);
        OK(s, TRY_EXEC(s, "UPDATE notes SET hits = $1 WHERE id = $2", i, 1));
    }
    db_session_destroy(s);
    s = db_session_system(&f);
    int64_t n;
    OK(s, db_find(s, DW_TO(&n), DB_BY_CORE,
                  DW_LIST("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''")));
    assert_int_equal(n, 0);
    db_session_destroy(s);
}

/* database_pooler was forgotten: the first connection finds nothing wrong, the second finds what the first has left. */
static void a_pooler_that_was_not_named_is_found(void **state)
{
    struct db_session *first, *s;
    struct db *db;

    (void)state;
    const struct db_options options = { .url = f.url };
    struct buf why = BUF_INIT;
    if (db_open(&db, &options, &why) == 0) {
        assert_int_equal(db_session_create(&first, db, &(struct db_who){ .owner = "tests" }), 0);
        assert_int_equal(db_session_create(&s, db, &(struct db_who){ .owner = "tests" }), 0);
        OK(first, db_begin(first));
        const char *said = ROWS(s, "SELECT 1");
        assert_contains(said, "!-10");
        assert_contains(said, "set database_pooler");
        db_session_destroy(first);
        db_session_destroy(s);
        db_close(db);
    } else {
        assert_contains(buf_text(&why), "set database_pooler");
    }
    buf_finish(&why);
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
        WITH(json_can_be_read_as_rows, setup),
        WITH(times_are_exact, setup),
        WITH(what_does_not_fit_is_named, setup),
        WITH(types_are_told_where_the_server_cannot_know, setup),
        WITH(an_alias_names_the_type, setup),
        WITH(a_migration_sees_every_tenant, setup),
        WITH(a_view_is_granted_when_it_asks_for_its_reader, setup),
        WITH(the_login_role_cannot_take_the_wall_down, setup),
        WITH(no_tenant_is_remembered, setup_one_connection),
        WITH(neighbours_do_not_meet, setup),
        WITH(a_changed_table_is_read_anew, setup),
        WITH(prepared_statements_are_bounded, setup_one_connection),
        WITH(plans_follow_their_tables, setup_one_connection),
        WITH(a_script_says_where_it_failed, setup),
        THROUGH_POOLER(nothing_is_left_on_the_server),
        THROUGH_POOLER(every_type_comes_back),
        THROUGH_POOLER(types_are_told_where_the_server_cannot_know),
        THROUGH_POOLER(no_tenant_is_remembered),
        THROUGH_POOLER(neighbours_do_not_meet),
        THROUGH_POOLER(a_changed_table_is_read_anew),
        THROUGH_POOLER(a_pooler_that_was_not_named_is_found),
    };

    return cmocka_run_group_tests_name("db_postgres", tests, start_server, stop_server);
}
