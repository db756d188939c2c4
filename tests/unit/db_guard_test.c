/* What one tenant can see and change is that tenant's, whatever the SQL forgets or tries: one suite for both engines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db_session.h"

static struct db_fixture fixture;
static struct db_session *a, *b, *nobody, *everybody;

static const char tables[] =
    "CREATE TABLE cases (tenant_id UUID NOT NULL, id BIGINT NOT NULL, title TEXT, n INTEGER, code TEXT, "
    "PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, code));"
    "CREATE TABLE lines (tenant_id UUID NOT NULL, id BIGINT NOT NULL, case_id BIGINT, text TEXT, "
    "PRIMARY KEY (tenant_id, id), "
    "FOREIGN KEY (tenant_id, case_id) REFERENCES cases (tenant_id, id) ON DELETE CASCADE);"
    "CREATE TABLE marks (id BIGINT PRIMARY KEY, tenant_id UUID NOT NULL, n INTEGER);"
    "CREATE TABLE shared (id BIGINT PRIMARY KEY, name TEXT);";

static const char rows[] =
    "INSERT INTO cases (tenant_id, id, title, n, code) VALUES ('" TENANT_A "', 1, 'a one', 1, 'x'), "
    "('" TENANT_A "', 2, 'a two', 2, 'y'), ('" TENANT_B "', 1, 'b one', 10, 'x'), "
    "('" TENANT_B "', 3, 'b three', 30, 'z');"
    "INSERT INTO lines (tenant_id, id, case_id, text) VALUES ('" TENANT_A "', 1, 1, 'line of a'), "
    "('" TENANT_B "', 1, 1, 'line of b');"
    "INSERT INTO marks (id, tenant_id, n) VALUES (1, '" TENANT_A "', 1), (2, '" TENANT_B "', 2);"
    "INSERT INTO shared (id, name) VALUES (1, 'for all');";

static int setup(void **state)
{
    (void)state;
    /* Few connections, so that tenants follow each other on them. */
    if (db_fixture_open_with(&fixture, (struct db_options){ .connections = 2 }) != 0 ||
        db_fixture_script(&fixture, tables) != 0 || db_fixture_script(&fixture, rows) != 0 ||
        db_fixture_wall(&fixture, "cases") != 0 || db_fixture_wall(&fixture, "lines") != 0 ||
        db_fixture_wall(&fixture, "marks") != 0)
        return -1;
    a = db_session_tenant(&fixture, TENANT_A);
    b = db_session_tenant(&fixture, TENANT_B);
    nobody = db_session_tenant(&fixture, NULL);
    everybody = db_session_system(&fixture);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    db_session_destroy(a);
    db_session_destroy(b);
    db_session_destroy(nobody);
    db_session_destroy(everybody);
    db_fixture_close(&fixture);
    return 0;
}

static void assert_refused(struct db_session *s, int64_t rc, int code)
{
    if (rc != code)
        fail_msg("%d where %d was wanted: %s", (int)rc, code, db_error_of(s)->text);
}

/* All that B has, as it was made. */
static void assert_b_untouched(void)
{
    struct buf json = BUF_INIT;

    JSON_OF(b, &json, "SELECT id, title, n, code FROM cases ORDER BY id");
    assert_string_equal(buf_text(&json), "{\"id\":1,\"title\":\"b one\",\"n\":10,\"code\":\"x\"}"
                                         "{\"id\":3,\"title\":\"b three\",\"n\":30,\"code\":\"z\"}");
    JSON_OF(b, &json, "SELECT id, case_id, text FROM lines");
    assert_string_equal(buf_text(&json), "{\"id\":1,\"case_id\":1,\"text\":\"line of b\"}");
    JSON_OF(b, &json, "SELECT id, n FROM marks");
    assert_string_equal(buf_text(&json), "{\"id\":2,\"n\":2}");
    buf_finish(&json);
}

/* ---- reading ---- */

static void a_select_sees_its_tenant(void **state)
{
    (void)state;
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM cases"), 2);
    assert_int_equal(NUMBER(b, "SELECT sum(n) FROM cases"), 40);
    assert_int_equal(NUMBER(a, "SELECT sum(n) FROM cases"), 3);
    assert_int_equal(NUMBER(everybody, "SELECT count(*) FROM cases"), 4);
    assert_int_equal(NUMBER(nobody, "SELECT count(*) FROM cases"), 0);
    assert_int_equal(NUMBER(nobody, "SELECT count(*) FROM shared"), 1);
}

static void however_it_asks(void **state)
{
    (void)state;
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM cases WHERE tenant_id = '" TENANT_B "'"), 0);
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM cases WHERE 1 = 1 OR tenant_id = $1", TENANT_B), 2);
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM \"cases\" AS c JOIN lines AS l ON l.case_id = c.id"), 1);
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM shared, CaSeS"), 2);
    assert_int_equal(NUMBER(a, "SELECT (SELECT count(*) FROM cases) + (SELECT count(*) FROM lines)"), 3);
    assert_int_equal(
        NUMBER(a, "WITH c AS (SELECT * FROM cases UNION ALL SELECT * FROM cases) SELECT count(*) FROM c"), 4);
    assert_int_equal(
        NUMBER(a, "SELECT count(*) FROM shared WHERE EXISTS (SELECT 1 FROM cases WHERE title = 'b one')"), 0);
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM cases c LEFT JOIN cases d ON d.id > c.id"), 2);
}

static void names_around_the_wall_are_refused(void **state)
{
    (void)state;
    assert_refused(a, TRY_EXEC(a, "SELECT * FROM main.cases"), DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "SELECT * FROM public.cases"), DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "SELECT * FROM \"main\" . \"cases\""), DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "UPDATE main.cases SET n = 0"), DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "DELETE FROM temp.cases"), DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "SELECT * FROM dowel_tenant_tables"), DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "SELECT * FROM sqlite_schema"), DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "SELECT rowid FROM cases"), DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "ATTACH 'other.db' AS other"), DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "PRAGMA writable_schema = 1"), DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "DROP VIEW cases"), DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "CREATE TEMP TABLE cases (id INTEGER)"), DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "SET row_security = off"), DW_EMISUSE);
    assert_b_untouched();
}

/* What was made and taken back makes SQLite prepare all again that the connection had, its BEGIN too. */
static void who_sees_all_writes_also_after_a_table_that_was_taken_back(void **state)
{
    const struct db_who who = { .owner = "core", .is_system = true, .is_unguarded = true };
    struct db_session *maker;

    (void)state;
    assert_int_equal(OK(everybody, TRY_EXEC(everybody, "UPDATE shared SET name = 'before'")), 1);
    assert_int_equal(db_session_create(&maker, fixture.db, &who), 0);
    OK(maker, db_begin(maker));
    OK(maker, db_run_script(maker, STR_OF("CREATE TABLE later (id INTEGER)")));
    OK(maker, db_rollback(maker));
    db_session_destroy(maker);
    assert_int_equal(OK(everybody, TRY_EXEC(everybody, "UPDATE shared SET name = 'after'")), 1);
}

/* The linter refuses them in migrations; an admin may still make some. */
static void views_and_triggers_see_no_more(void **state)
{
    static const char *const sql[] = {
        [DB_SQLITE] =
            "CREATE VIEW plain AS SELECT * FROM cases;"
            "CREATE TRIGGER copies AFTER INSERT ON shared BEGIN"
            "    UPDATE shared SET name = (SELECT group_concat(title) FROM cases) WHERE id = NEW.id;"
            "END;",
        [DB_POSTGRES] = "CREATE VIEW plain AS SELECT * FROM cases;"
                        "CREATE FUNCTION copy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                        "    NEW.name = (SELECT string_agg(title, ',' ORDER BY id) FROM cases); RETURN NEW;"
                        "END $$;"
                        "CREATE TRIGGER copies BEFORE INSERT ON shared FOR EACH ROW EXECUTE FUNCTION copy();",
    };
    struct buf json = BUF_INIT;

    (void)state;
    assert_int_equal(db_fixture_script(&fixture, sql[db_engine(fixture.db)]), 0);
    assert_true(TRY_EXEC(a, "SELECT * FROM plain") < 0);
    assert_true(TRY_EXEC(nobody, "SELECT * FROM plain") < 0);
    if (TRY_EXEC(a, "INSERT INTO shared (id, name) VALUES (2, '')") < 0) {
        assert_int_equal(db_engine(fixture.db), DB_SQLITE); /* where it would have read the base table */
    } else {
        JSON_OF(a, &json, "SELECT name FROM shared WHERE id = 2");
        assert_string_equal(buf_text(&json), "{\"name\":\"a one,a two\"}");
    }
    assert_b_untouched();
    buf_finish(&json);
}

/* ---- writing ---- */

static void an_update_changes_its_tenants_rows(void **state)
{
    (void)state;
    assert_int_equal(EXEC(a, "UPDATE cases SET n = n + 100"), 2);
    assert_int_equal(NUMBER(a, "SELECT sum(n) FROM cases"), 203);
    assert_int_equal(EXEC(a, "UPDATE cases SET n = 0 WHERE tenant_id = $1", TENANT_B), 0);
    assert_int_equal(EXEC(a, "UPDATE cases SET n = 0 WHERE id = 3"), 0);
    assert_int_equal(EXEC(a, "UPDATE marks SET n = 0 WHERE id = 2"), 0);
    assert_int_equal(EXEC(a, "UPDATE cases AS c SET n = 7 FROM lines AS l WHERE l.case_id = c.id"), 1);
    assert_int_equal(EXEC(nobody, "UPDATE cases SET n = 0"), 0);
    assert_b_untouched();
}

static void a_row_cannot_be_given_away(void **state)
{
    (void)state;
    assert_refused(a, TRY_EXEC(a, "UPDATE cases SET tenant_id = $1", TENANT_B), DW_EDENIED);
    assert_refused(a, TRY_EXEC(a, "UPDATE marks SET tenant_id = $1 WHERE id = 1", TENANT_B), DW_EDENIED);
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM cases"), 2);
    assert_b_untouched();
}

static void a_delete_takes_its_tenants_rows(void **state)
{
    (void)state;
    assert_int_equal(EXEC(a, "DELETE FROM marks"), 1);
    assert_int_equal(EXEC(a, "DELETE FROM cases WHERE tenant_id = $1", TENANT_B), 0);
    assert_int_equal(EXEC(a, "DELETE FROM cases WHERE id = 3"), 0);
    assert_int_equal(EXEC(a, "DELETE FROM cases"), 2);
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM lines"), 0); /* went with them */
    assert_int_equal(EXEC(nobody, "DELETE FROM cases"), 0);
    assert_b_untouched();
}

static void an_insert_is_its_tenants(void **state)
{
    (void)state;
    EXEC(a, "INSERT INTO cases (tenant_id, id, title) VALUES (:tenant, 9, 'nine')");
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM cases"), 3);
    assert_refused(a, TRY_EXEC(a, "INSERT INTO cases (tenant_id, id) VALUES ($1, 10)", TENANT_B), DW_EDENIED);
    assert_string_equal(db_error_of(a)->text, "the row belongs to another tenant");
    assert_refused(a,
                   TRY_EXEC(a, "INSERT INTO cases (tenant_id, id) SELECT $1, id + 100 FROM cases", TENANT_B),
                   DW_EDENIED);
    assert_refused(nobody, TRY_EXEC(nobody, "INSERT INTO cases (tenant_id, id) VALUES ($1, 10)", TENANT_B),
                   DW_EDENIED);
    assert_int_equal(EXEC(a, "INSERT INTO cases (tenant_id, id) SELECT tenant_id, id + 100 FROM cases"), 3);
    assert_b_untouched();
}

static void what_returns_returns_its_own(void **state)
{
    struct buf json = BUF_INIT;

    (void)state;
    JSON_OF(a, &json, "UPDATE marks SET n = n + 1 RETURNING id, n");
    assert_string_equal(buf_text(&json), "{\"id\":1,\"n\":2}");
    JSON_OF(a, &json, "DELETE FROM marks RETURNING id, (SELECT count(*) FROM cases) AS cases");
    assert_string_equal(buf_text(&json), "{\"id\":1,\"cases\":2}");
    JSON_OF(a, &json, "INSERT INTO marks (id, tenant_id, n) VALUES (5, :tenant, 5) RETURNING id");
    assert_string_equal(buf_text(&json), "{\"id\":5}");
    buf_finish(&json);
    assert_b_untouched();
}

static void an_upsert_stops_at_a_foreign_row(void **state)
{
    static const char upsert[] = "INSERT INTO marks (id, tenant_id, n) VALUES ($1, :tenant, 99) "
                                 "ON CONFLICT (id) DO UPDATE SET n = excluded.n";

    (void)state;
    assert_int_equal(EXEC(a, upsert, 1), 1);
    assert_int_equal(NUMBER(a, "SELECT n FROM marks"), 99);
    assert_refused(a, TRY_EXEC(a, upsert, 2), DW_ECONFLICT);
    assert_string_equal(db_error_of(a)->text, "a row with this key exists already");
    assert_int_equal(
        EXEC(a, "INSERT INTO marks (id, tenant_id, n) VALUES (2, :tenant, 99) ON CONFLICT (id) DO NOTHING"),
        0);
    assert_refused(a, TRY_EXEC(a, "INSERT INTO marks (id, tenant_id, n) VALUES (2, :tenant, 99)"),
                   DW_ECONFLICT);
    assert_refused(a, TRY_EXEC(a, "INSERT OR REPLACE INTO marks (id, tenant_id, n) VALUES (2, :tenant, 99)"),
                   DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "REPLACE INTO marks (id, tenant_id, n) VALUES (2, :tenant, 99)"),
                   DW_EMISUSE);
    assert_refused(a, TRY_EXEC(a, "UPDATE OR REPLACE marks SET id = 2"), DW_EMISUSE);
    assert_b_untouched();
}

static void an_upsert_of_its_own_key_works(void **state)
{
    (void)state;
    assert_int_equal(EXEC(a,
                          "INSERT INTO cases (tenant_id, id, title, code) VALUES (:tenant, 50, 'new', 'x') "
                          "ON CONFLICT (tenant_id, code) DO UPDATE SET title = excluded.title"),
                     1);
    assert_int_equal(NUMBER(a, "SELECT id FROM cases WHERE title = 'new'"), 1);
    assert_b_untouched();
}

static void a_foreign_key_does_not_cross(void **state)
{
    (void)state;
    /* The case is B's alone: for A there is none. */
    assert_refused(a, TRY_EXEC(a, "INSERT INTO lines (tenant_id, id, case_id) VALUES (:tenant, 7, 3)"),
                   DW_ECONFLICT);
    EXEC(a, "INSERT INTO lines (tenant_id, id, case_id) VALUES (:tenant, 7, 2)");
    assert_int_equal(EXEC(a, "DELETE FROM cases WHERE id = 2"), 1);
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM lines WHERE id = 7"), 0);
    assert_b_untouched();
}

/* ---- sessions beside each other ---- */

static void a_failure_leaves_nothing_for_the_next(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_refused(a, TRY_EXEC(a, "INSERT INTO marks (id, tenant_id) VALUES (1, :tenant)"), DW_ECONFLICT);
        assert_int_equal(NUMBER(b, "SELECT sum(n) FROM marks"), 2);
        assert_refused(b, TRY_EXEC(b, "SELECT n / nothing FROM marks"), DW_EMISUSE);
        assert_int_equal(NUMBER(a, "SELECT sum(n) FROM marks"), 1);
        assert_int_equal(NUMBER(nobody, "SELECT count(*) FROM marks"), 0);
        assert_int_equal(NUMBER(everybody, "SELECT count(*) FROM marks"), 2);
    }
}

static void transactions_of_tenants_follow_each_other(void **state)
{
    (void)state;
    OK(a, db_begin(a));
    EXEC(a, "UPDATE marks SET n = 50");
    assert_int_equal(NUMBER(b, "SELECT sum(n) FROM marks"), 2);
    OK(a, db_commit(a));
    OK(b, db_begin(b));
    assert_int_equal(EXEC(b, "UPDATE marks SET n = n"), 1);
    OK(b, db_rollback(b));
    OK(everybody, db_begin(everybody));
    assert_int_equal(EXEC(everybody, "UPDATE marks SET n = n"), 2);
    OK(everybody, db_commit(everybody));
    OK(nobody, db_begin(nobody));
    assert_int_equal(EXEC(nobody, "UPDATE marks SET n = 0"), 0);
    OK(nobody, db_commit(nobody));
    assert_b_untouched();
}

static void a_new_wall_stands_at_once(void **state)
{
    (void)state;
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM shared"), 1);
    assert_int_equal(db_fixture_script(&fixture,
                                       "CREATE TABLE later (tenant_id UUID NOT NULL, id BIGINT, PRIMARY KEY "
                                       "(tenant_id, id)); INSERT INTO later VALUES ('" TENANT_A "', 1), "
                                       "('" TENANT_B "', 1), ('" TENANT_B "', 2);"),
                     0);
    assert_int_equal(db_fixture_wall(&fixture, "later"), 0);
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM later"), 1);
    assert_int_equal(EXEC(b, "DELETE FROM later"), 2);
    assert_int_equal(NUMBER(everybody, "SELECT count(*) FROM later"), 1);
}

static void a_new_column_is_seen_through_the_wall(void **state)
{
    (void)state;
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM marks"), 1);
    EXEC(a, "UPDATE marks SET n = 5");
    assert_int_equal(db_fixture_script(&fixture, "ALTER TABLE marks ADD COLUMN more INTEGER DEFAULT 8;"), 0);
    assert_int_equal(NUMBER(a, "SELECT more FROM marks"), 8);
    assert_int_equal(EXEC(a, "UPDATE marks SET more = 9"), 1);
    assert_int_equal(NUMBER(b, "SELECT more FROM marks"), 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_select_sees_its_tenant),
        TEST(however_it_asks),
        TEST(names_around_the_wall_are_refused),
        TEST(who_sees_all_writes_also_after_a_table_that_was_taken_back),
        TEST(views_and_triggers_see_no_more),
        TEST(an_update_changes_its_tenants_rows),
        TEST(a_row_cannot_be_given_away),
        TEST(a_delete_takes_its_tenants_rows),
        TEST(an_insert_is_its_tenants),
        TEST(what_returns_returns_its_own),
        TEST(an_upsert_stops_at_a_foreign_row),
        TEST(an_upsert_of_its_own_key_works),
        TEST(a_foreign_key_does_not_cross),
        TEST(a_failure_leaves_nothing_for_the_next),
        TEST(transactions_of_tenants_follow_each_other),
        TEST(a_new_wall_stands_at_once),
        TEST(a_new_column_is_seen_through_the_wall),
    };
    return DB_ON_EVERY_ENGINE("db_guard", tests);
}
