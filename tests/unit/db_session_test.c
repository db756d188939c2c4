#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db_fixture.h"

static struct db_fixture fixture;

static struct db_session *open_session(void)
{
    const struct db_who who = { .owner = "core", .is_system = true, .is_unguarded = true, .now_us = 1 };
    struct db_session *s;

    assert_int_equal(db_session_create(&s, fixture.db, &who), 0);
    return s;
}

static int64_t ok(struct db_session *s, int64_t rc)
{
    if (rc < 0)
        fail_msg("%d: %s (%s)", (int)rc, db_error_of(s)->text, db_error_of(s)->detail);
    return rc;
}

static int setup(void **state)
{
    (void)state;
    if (db_fixture_open(&fixture) != 0)
        return -1;
    struct db_session *s = open_session();
    ok(s,
       db_exec(
           s, DB_BY_CORE,
           DW_LIST("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT, \"open\" BOOLEAN, at TIMESTAMPTZ)")));
    db_session_destroy(s);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    db_fixture_close(&fixture);
    return 0;
}

static void what_was_written_is_read(void **state)
{
    struct db_session *s = open_session();
    struct db_rows *rows;
    struct buf json = BUF_INIT;
    const char *name;
    bool is_open;
    int64_t id;

    (void)state;
    assert_int_equal(ok(s, db_exec(s, DB_BY_CORE,
                                   DW_LIST("INSERT INTO t VALUES ($1, $2, $3, $4)", 7, "seven", DW_TRUE,
                                           ((dw_time){ 1000001 })))),
                     1);
    assert_int_equal(ok(s, db_find(s, DW_TO(&id, &name, &is_open), DB_BY_CORE,
                                   DW_LIST("SELECT id, name, \"open\" FROM t WHERE id = $1", 7))),
                     1);
    assert_int_equal(id, 7);
    assert_string_equal(name, "seven");
    assert_true(is_open);
    ok(s, db_query(s, &rows, DB_BY_CORE, DW_LIST("SELECT * FROM t")));
    assert_int_equal(db_rows_next(rows), 1);
    assert_int_equal(db_rows_write_json(rows, &json), 0);
    assert_string_equal(buf_text(&json),
                        "{\"id\":7,\"name\":\"seven\",\"open\":true,\"at\":\"1970-01-01T00:00:01.000001Z\"}");
    assert_int_equal(db_rows_next(rows), 0);
    buf_finish(&json);
    db_session_destroy(s);
}

static void a_failure_ends_the_transaction(void **state)
{
    struct db_session *s = open_session();
    int64_t n = -1;

    (void)state;
    ok(s, db_begin(s));
    ok(s, db_exec(s, DB_BY_CORE, DW_LIST("INSERT INTO t (id) VALUES ($1)", 1)));
    assert_int_equal(db_exec(s, DB_BY_CORE, DW_LIST("INSERT INTO t (id) VALUES ($1)", 1)), DW_ECONFLICT);
    assert_int_equal(db_exec(s, DB_BY_CORE, DW_LIST("SELECT 1")), DW_ETX);
    assert_int_equal(db_commit(s), DW_ETX);
    assert_int_equal(db_rollback(s), 0);
    ok(s, db_find(s, DW_TO(&n), DB_BY_CORE, DW_LIST("SELECT count(*) FROM t")));
    assert_int_equal(n, 0);
    ok(s, db_begin(s));
    ok(s, db_exec(s, DB_BY_CORE, DW_LIST("INSERT INTO t (id) VALUES ($1)", 1)));
    ok(s, db_commit(s));
    ok(s, db_find(s, DW_TO(&n), DB_BY_CORE, DW_LIST("SELECT count(*) FROM t")));
    assert_int_equal(n, 1);
    db_session_destroy(s);
}

static void a_write_of_its_own_returns_rows(void **state)
{
    struct db_session *s = open_session();
    struct db_rows *rows;
    int64_t id;

    (void)state;
    ok(s, db_query(s, &rows, DB_BY_CORE, DW_LIST("INSERT INTO t (id) VALUES ($1), ($2) RETURNING id", 5, 6)));
    assert_int_equal(db_rows_next(rows), 1);
    ok(s, db_rows_read(rows, DW_TO(&id)));
    assert_int_equal(id, 5);
    assert_int_equal(db_rows_next(rows), 1);
    ok(s, db_rows_read(rows, DW_TO(&id)));
    assert_int_equal(id, 6);
    assert_int_equal(db_rows_next(rows), 0);
    assert_true(db_has_committed(s));
    db_session_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_ends_the_transaction, setup, teardown),
        cmocka_unit_test_setup_teardown(a_write_of_its_own_returns_rows, setup, teardown),
    };
    return DB_ON_EVERY_ENGINE("db_session", tests);
}
