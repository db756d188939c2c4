/* What a session does, on whichever engine: one suite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>

#include "db_session.h"
#include "metrics/metrics.h"
#include "util/clock.h"
#include "util/json.h"

static struct db_fixture fixture;
static struct db_session *s;

static const char tables[] =
    "CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT, is_open BOOLEAN, size REAL, "
    "at TIMESTAMPTZ, uid UUID, price DECIMAL(12,2), doc JSON, raw BLOB, small INTEGER);"
    "CREATE TABLE rules (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
    "n INTEGER CHECK (n > 0), thing BIGINT REFERENCES things (id));";

static int setup_with(struct db_options options)
{
    if (db_fixture_open_with(&fixture, options) != 0 || db_fixture_script(&fixture, tables) != 0)
        return -1;
    s = db_session_system(&fixture);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_with((struct db_options){ .connections = 4 });
}

static int setup_impatient(void **state)
{
    (void)state;
    return setup_with((struct db_options){ .connections = 2,
                                           .statement_timeout_us = 1200 * CLOCK_MS,
                                           .transaction_timeout_us = 1000 * CLOCK_MS });
}

static int teardown(void **state)
{
    (void)state;
    db_session_destroy(s);
    s = NULL;
    db_fixture_close(&fixture);
    return 0;
}

static void assert_error(int64_t rc, int code, const char *part)
{
    if (rc != code)
        fail_msg("%d where %d was wanted: %s", (int)rc, code, db_error_of(s)->text);
    assert_int_equal(db_error_of(s)->code, code);
    if (!strstr(db_error_of(s)->text, part))
        fail_msg("no \"%s\" in: %s", part, db_error_of(s)->text);
}

/* ---- the right to commit ---- */

struct right {
    bool is_lost;
    unsigned asked;
};

/* As jobs do: with a statement of its own in the transaction. */
static int ask_right(struct db_session *session, void *ud)
{
    struct right *right = ud;
    int64_t n;

    right->asked++;
    if (FIND(session, DW_TO(&n), "SELECT count(*) FROM things") != 1)
        return DW_EINTERNAL;
    return right->is_lost ? DW_ECANCELLED : 0;
}

static void who_has_lost_the_right_commits_nothing(void **state)
{
    struct right right = { false, 0 };
    const struct db_who who = {
        .owner = "test", .is_system = true, .before_commit = ask_right, .before_commit_ud = &right
    };
    int64_t n = -1;

    (void)state;
    db_session_destroy(s);
    assert_int_equal(db_session_create(&s, fixture.db, &who), 0);
    OK(s, db_begin(s));
    EXEC(s, "INSERT INTO things (id) VALUES (1)");
    OK(s, db_commit(s));
    EXEC(s, "INSERT INTO things (id) VALUES (2)"); /* a transaction of its own */
    assert_int_equal(right.asked, 2);
    right.is_lost = true;
    OK(s, db_begin(s));
    EXEC(s, "INSERT INTO things (id) VALUES (3)");
    assert_error(db_commit(s), DW_ECANCELLED, "somebody else works on it");
    assert_false(db_in_transaction(s));
    assert_false(db_wants_repeat(s));
    assert_error(db_exec(s, DB_BY_PLUGIN, DW_LIST("INSERT INTO things (id) VALUES (4)")), DW_ECANCELLED,
                 "somebody else works on it");
    assert_int_equal(FIND(s, DW_TO(&n), "SELECT count(*) FROM things"), 1);
    assert_int_equal(n, 2);
    assert_int_equal(right.asked, 4); /* reads ask nobody */
}

/* ---- values and targets ---- */

static void every_kind_of_value_comes_back(void **state)
{
    json_t *doc = json_pack("{s:[i,s]}", "a", 1, "zwei"), *doc_again = NULL;
    const unsigned char bytes[] = { 0, 255, 1 };
    const char *name, *uid, *price;
    int64_t id;
    bool is_open;
    double size;
    dw_time at;
    dw_bytes raw;
    int small;

    (void)state;
    EXEC(s, "INSERT INTO things VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", INT64_MIN, "naïve",
         DW_TRUE, 0.1, ((dw_time){ 1700000000123456 }), TENANT_A, "12.50", doc, ((dw_bytes){ bytes, 3 }), -7);
    assert_int_equal(FIND(s, DW_TO(&id, &name, &is_open, &size, &at, &uid, &price, &doc_again, &raw, &small),
                          "SELECT id, name, is_open, size, at, uid, price, doc, raw, small FROM things"),
                     1);
    assert_int_equal(id, INT64_MIN);
    assert_string_equal(name, "naïve");
    assert_true(is_open);
    assert_true(size == 0.1);
    assert_int_equal(at.us, 1700000000123456);
    assert_string_equal(uid, TENANT_A);
    assert_string_equal(price, "12.50");
    assert_true(json_equal(doc, doc_again));
    assert_int_equal(raw.n, 3);
    assert_memory_equal(raw.p, bytes, 3);
    assert_int_equal(small, -7);
    json_decref(doc);
}

static void null_is_nothing_in_every_target(void **state)
{
    const char *text = "x";
    dw_str str = { "x", 1 };
    dw_bytes bytes = { "x", 1 };
    json_t *doc = json_true();
    int64_t i = 5;
    double real = 5;
    dw_time at = { 5 };
    bool is_open = true;
    int small = 5;

    (void)state;
    EXEC(s, "INSERT INTO things VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9)", (const char *)NULL, NULL,
         NULL, NULL, NULL, NULL, (json_t *)NULL, ((dw_bytes){ NULL, 0 }), NULL);
    FIND(s, DW_TO(&text, &is_open, &real, &at, &str, &doc, &bytes, &small, &i),
         "SELECT name, is_open, size, at, uid, doc, raw, small, small FROM things");
    assert_null(text);
    assert_false(is_open);
    assert_true(real == 0);
    assert_int_equal(at.us, 0);
    assert_null(str.p);
    assert_null(doc);
    assert_null(bytes.p);
    assert_int_equal(small, 0);
    assert_int_equal(i, 0);
}

static void without_a_row_targets_stay(void **state)
{
    int64_t id = 7;

    (void)state;
    assert_int_equal(FIND(s, DW_TO(&id), "SELECT id FROM things WHERE id = $1", 1), 0);
    assert_int_equal(id, 7);
}

static void targets_that_do_not_fit_are_refused(void **state)
{
    const char *text;
    int64_t i;
    int small;
    bool is_open;
    dw_time at;

    (void)state;
    EXEC(s, "INSERT INTO things (id, name, price) VALUES ($1, 'x', '12.50')", INT64_C(1) << 40);
    assert_error(TRY_FIND(s, DW_TO(&small), "SELECT id FROM things"), DW_EINVALID,
                 "-2147483648 to 2147483647");
    assert_error(TRY_FIND(s, DW_TO(&text), "SELECT id FROM things"), DW_EMISUSE, "a text");
    assert_error(TRY_FIND(s, DW_TO(&i), "SELECT name FROM things"), DW_EMISUSE, "column name (1)");
    assert_error(TRY_FIND(s, DW_TO(&at), "SELECT name FROM things"), DW_EMISUSE, "a time");
    assert_error(TRY_FIND(s, DW_TO(&is_open), "SELECT name FROM things"), DW_EMISUSE, "a boolean");
    assert_error(TRY_FIND(s, DW_TO(&i), "SELECT price FROM things"), DW_EINVALID, "a whole number");
    assert_error(TRY_FIND(s, DW_TO(&i, &i), "SELECT id FROM things"), DW_EMISUSE, "1 columns, and 2 targets");
    assert_error(TRY_FIND(s, DW_LIST("not a target"), "SELECT id FROM things"), DW_EMISUSE, "&name");
}

static void values_are_judged_before_they_are_sent(void **state)
{
    static const char sql[] = "INSERT INTO things (id, name) VALUES (1, $1)";
    char *large = malloc((64 << 20) + 2);
    int64_t i = 0;

    (void)state;
    assert_non_null(large);
    memset(large, 'x', (64 << 20) + 1);
    large[(64 << 20) + 1] = 0;
    assert_error(TRY_EXEC(s, sql, "\xff"), DW_EINVALID, "$1 is a text that is not UTF-8");
    assert_error(TRY_EXEC(s, sql, ((dw_str){ "a\0b", 3 })), DW_EINVALID, "a NUL inside");
    assert_error(TRY_EXEC(s, sql, large), DW_ETOOLARGE, "67108865 bytes, and 64 MiB is the most");
    assert_error(TRY_EXEC(s, sql, UINT64_MAX), DW_EINVALID, "9223372036854775807");
    assert_error(TRY_EXEC(s, sql, (double)NAN), DW_EINVALID, "NaN");
    assert_error(TRY_EXEC(s, sql, &i), DW_EMISUSE, "a target");
    assert_error(TRY_EXEC(s, sql, (void *)&i), DW_EMISUSE, "void *");
    assert_error(TRY_EXEC(s, sql), DW_EMISUSE, "1 parameter ($1...), and 0 values");
    assert_error(TRY_EXEC(s, sql, "a", "b"), DW_EMISUSE, "and 2 values");
    assert_error(db_exec(s, DB_BY_PLUGIN, (dw_list){ NULL, 0 }), DW_EMISUSE, "begins with its SQL");
    assert_error(TRY_EXEC(s, 5), DW_EMISUSE, "begins with its SQL");
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM things"), 0);
    free(large);
}

static void what_the_call_knows_comes_by_itself(void **state)
{
    const char *tenant, *me, *name;
    struct db_session *of_tenant = db_session_tenant(&fixture, TENANT_A);
    dw_time now;

    (void)state;
    EXEC(of_tenant, "INSERT INTO things (id, uid, name, at) VALUES ($1, :tenant, :me, :now)", 1);
    FIND(of_tenant, DW_TO(&tenant, &me, &now), "SELECT uid, name, at FROM things WHERE uid = :tenant");
    assert_string_equal(tenant, TENANT_A);
    assert_string_equal(me, "me");
    assert_int_equal(now.us, 1700000000000000);
    db_session_destroy(of_tenant);
    EXEC(s, "INSERT INTO things (id, uid, name) VALUES ($1, :tenant, :me)", 2);
    FIND(s, DW_TO(&tenant, &name), "SELECT uid, name FROM things WHERE id = 2");
    assert_null(tenant);
    assert_null(name);
}

static void times_order_as_they_should(void **state)
{
    int64_t id;

    (void)state;
    EXEC(s, "INSERT INTO things (id, at) VALUES (1, $1), (2, $2)", ((dw_time){ 1700000000000000 }),
         ((dw_time){ 1700000000000001 }));
    FIND(s, DW_TO(&id), "SELECT id FROM things WHERE at > $1", ((dw_time){ 1700000000000000 }));
    assert_int_equal(id, 2);
    FIND(s, DW_TO(&id), "SELECT id FROM things WHERE at < $1", ((dw_time){ 1700000000000001 }));
    assert_int_equal(id, 1);
}

static void sums_and_truths_are_alike(void **state)
{
    int64_t sum;
    bool any;
    double mean;

    (void)state;
    EXEC(s, "INSERT INTO things (id, small) VALUES (1, 3), (2, 4)");
    FIND(s, DW_TO(&sum, &any, &mean),
         "SELECT sum(id + small), count(*) > 1 AS \"any::boolean\", avg(small) FROM things");
    assert_int_equal(sum, 10);
    assert_true(any);
    assert_true(mean == 3.5);
}

/* ---- rows ---- */

static void rows_become_json(void **state)
{
    json_t *doc = json_loads("{\"k\": [1, null]}", 0, NULL);
    struct buf json = BUF_INIT;

    (void)state;
    EXEC(s, "INSERT INTO things VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", 1, "a \"quoted\"\n",
         DW_FALSE, 2.5, ((dw_time){ 1000001 }), TENANT_B, "0.10", doc, ((dw_bytes){ "\1\2", 2 }), NULL);
    JSON_OF(
        s, &json,
        "SELECT id, name, is_open, size, at, uid, price, raw, small, 1 = 1 AS \"yes::boolean\" FROM things");
    assert_string_equal(buf_text(&json),
                        "{\"id\":1,\"name\":\"a \\\"quoted\\\"\\n\",\"is_open\":false,\"size\":2.5,"
                        "\"at\":\"1970-01-01T00:00:01.000001Z\",\"uid\":\"" TENANT_B "\","
                        "\"price\":\"0.10\",\"raw\":\"AQI=\",\"small\":null,\"yes\":true}");
    JSON_OF(s, &json, "SELECT doc FROM things");
    assert_true(strcmp(buf_text(&json), "{\"doc\":{\"k\": [1, null]}}") == 0 ||
                strcmp(buf_text(&json), "{\"doc\":{\"k\":[1,null]}}") == 0);
    json_decref(doc);
    buf_finish(&json);
}

static void columns_have_names_and_types(void **state)
{
    struct db_rows *rows;
    struct db_cell cell;

    (void)state;
    OK(s, db_query(s, &rows, DB_BY_PLUGIN,
                   DW_LIST("SELECT id, at, price, name AS \"doc::json\", name AS \"a::b\" FROM things")));
    assert_int_equal(db_rows_columns(rows), 5);
    assert_string_equal(db_rows_name(rows, 0), "id");
    assert_int_equal(db_rows_type(rows, 0), DB_INTEGER);
    assert_int_equal(db_rows_type(rows, 1), DB_TIME);
    assert_int_equal(db_rows_type(rows, 2), DB_DECIMAL);
    assert_string_equal(db_rows_name(rows, 3), "doc");
    assert_int_equal(db_rows_type(rows, 3), DB_JSON);
    assert_string_equal(db_rows_name(rows, 4), "a::b");
    assert_string_equal(db_rows_name(rows, 5), "");
    assert_int_equal(db_rows_cell(rows, 0, &cell), DW_EMISUSE);
    assert_int_equal(db_rows_next(rows), 0);
    assert_int_equal(db_rows_next(rows), 0);
}

static void several_results_are_open_at_once(void **state)
{
    struct db_rows *outer, *inner;
    int64_t a, b, pairs = 0;

    (void)state;
    EXEC(s, "INSERT INTO things (id) VALUES (1), (2), (3)");
    OK(s, db_query(s, &outer, DB_BY_PLUGIN, DW_LIST("SELECT id FROM things ORDER BY id")));
    while (OK(s, db_rows_next(outer)) > 0) {
        OK(s, db_rows_read(outer, DW_TO(&a)));
        OK(s, db_query(s, &inner, DB_BY_PLUGIN, DW_LIST("SELECT id FROM things WHERE id < $1", a)));
        while (OK(s, db_rows_next(inner)) > 0) {
            OK(s, db_rows_read(inner, DW_TO(&b)));
            assert_true(b < a);
            pairs++;
        }
        EXEC(s, "UPDATE things SET small = $2 WHERE id = $1", a, (int)a * 10);
    }
    assert_int_equal(pairs, 3);
    assert_int_equal(NUMBER(s, "SELECT sum(small) FROM things"), 60);
    db_rows_close(outer);
}

static void a_write_of_its_own_returns_rows(void **state)
{
    struct db_rows *rows;
    const char *name;
    int64_t id, n = 0;
    dw_time at;

    (void)state;
    OK(s, db_query(s, &rows, DB_BY_PLUGIN,
                   DW_LIST("INSERT INTO things (id, name, at) VALUES (1, 'one', $1), (2, 'two', $1) "
                           "RETURNING id, name, at",
                           ((dw_time){ 5 }))));
    assert_true(db_has_committed(s));
    assert_false(db_in_transaction(s));
    for (; OK(s, db_rows_next(rows)) > 0; n++) {
        OK(s, db_rows_read(rows, DW_TO(&id, &name, &at)));
        assert_int_equal(id, n + 1);
        assert_string_equal(name, n == 0 ? "one" : "two");
        assert_int_equal(at.us, 5);
    }
    assert_int_equal(n, 2);
    assert_int_equal(db_rows_type(rows, 2), DB_TIME);
    assert_int_equal(EXEC(s, "UPDATE things SET small = 1"), 2);
    assert_int_equal(EXEC(s, "DELETE FROM things WHERE id = 1 RETURNING id"), 1);
    assert_int_equal(EXEC(s, "DELETE FROM things WHERE id = 1"), 0);
    assert_int_equal(EXEC(s, "SELECT id FROM things"), 1);
}

static void found_texts_last(void **state)
{
    const char *first, *second;
    struct arena memory;

    (void)state;
    arena_init(&memory, NULL, 0, 0);
    struct db_session *other =
        db_session_of(&fixture, &(struct db_who){ .owner = "tests", .is_system = true, .memory = &memory });
    EXEC(s, "INSERT INTO things (id, name) VALUES (1, 'first'), (2, 'second')");
    FIND(other, DW_TO(&first), "SELECT name FROM things WHERE id = $1", 1);
    FIND(other, DW_TO(&second), "SELECT name FROM things WHERE id = $1", 2);
    db_session_destroy(other);
    assert_string_equal(first, "first");
    assert_string_equal(second, "second");
    arena_finish(&memory);
}

/* ---- transactions ---- */

static void a_transaction_is_all_or_nothing(void **state)
{
    struct db_session *other = db_session_system(&fixture);

    (void)state;
    OK(s, db_begin(s));
    assert_true(db_in_transaction(s));
    EXEC(s, "INSERT INTO things (id) VALUES (1)");
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM things"), 1);
    assert_int_equal(NUMBER(other, "SELECT count(*) FROM things"), 0);
    assert_false(db_has_committed(s));
    OK(s, db_commit(s));
    assert_true(db_has_committed(s));
    assert_int_equal(NUMBER(other, "SELECT count(*) FROM things"), 1);
    OK(s, db_begin(s));
    EXEC(s, "DELETE FROM things");
    OK(s, db_rollback(s));
    OK(s, db_rollback(s));
    assert_int_equal(NUMBER(other, "SELECT count(*) FROM things"), 1);
    OK(s, db_begin(s));
    EXEC(s, "DELETE FROM things");
    db_session_destroy(s);
    s = other;
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM things"), 1);
}

static void a_failure_ends_the_transaction(void **state)
{
    (void)state;
    OK(s, db_begin(s));
    EXEC(s, "INSERT INTO things (id) VALUES (1)");
    assert_error(TRY_EXEC(s, "INSERT INTO things (id) VALUES (1)"), DW_ECONFLICT,
                 "a row with this key exists already");
    assert_error(TRY_EXEC(s, "SELECT 1"), DW_ETX, "failed before");
    assert_error(db_begin(s), DW_ETX, "failed before");
    assert_error(db_commit(s), DW_ETX, "failed before");
    assert_true(db_in_transaction(s));
    OK(s, db_rollback(s));
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM things"), 0);
    assert_error(db_commit(s), DW_ETX, "no transaction");
    OK(s, db_begin(s));
    assert_error(db_begin(s), DW_ETX, "one at a time");
}

static void rows_end_with_their_transaction(void **state)
{
    struct db_rows *before, *inside;

    (void)state;
    EXEC(s, "INSERT INTO things (id) VALUES (1), (2)");
    OK(s, db_query(s, &before, DB_BY_PLUGIN, DW_LIST("SELECT id FROM things")));
    assert_int_equal(OK(s, db_rows_next(before)), 1);
    OK(s, db_begin(s));
    EXEC(s, "UPDATE things SET small = 5");
    OK(s, db_query(s, &inside, DB_BY_PLUGIN, DW_LIST("SELECT id FROM things")));
    assert_int_equal(OK(s, db_rows_next(inside)), 1);
    OK(s, db_commit(s));
    assert_error(db_rows_next(inside), DW_ETX, "ended with their transaction");
    db_rows_close(inside);
    assert_int_equal(OK(s, db_rows_next(before)), 1);
    assert_int_equal(OK(s, db_rows_next(before)), 0);
}

static void what_was_returned_may_stay_unread(void **state)
{
    struct db_rows *rows;

    (void)state;
    OK(s, db_begin(s));
    OK(s, db_query(s, &rows, DB_BY_PLUGIN,
                   DW_LIST("INSERT INTO things (id) VALUES (1), (2), (3) RETURNING id")));
    assert_int_equal(OK(s, db_rows_next(rows)), 1);
    OK(s, db_commit(s));
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM things"), 3);
}

/* ---- what the engine refuses ---- */

static void broken_rules_are_told_apart(void **state)
{
    (void)state;
    EXEC(s, "INSERT INTO things (id) VALUES (1)");
    EXEC(s, "INSERT INTO rules VALUES (1, 'a', 1, 1)");
    assert_error(TRY_EXEC(s, "INSERT INTO rules VALUES (1, 'b', 1, 1)"), DW_ECONFLICT, "exists already");
    assert_error(TRY_EXEC(s, "INSERT INTO rules VALUES (2, 'a', 1, 1)"), DW_ECONFLICT, "exists already");
    assert_error(TRY_EXEC(s, "INSERT INTO rules VALUES (2, 'b', 1, 7)"), DW_ECONFLICT,
                 "refers to one that does not exist");
    assert_error(TRY_EXEC(s, "DELETE FROM things"), DW_ECONFLICT, "refer");
    assert_error(TRY_EXEC(s, "INSERT INTO rules VALUES (2, 'b', 0, 1)"), DW_EINVALID, "breaks the rule");
    assert_error(TRY_EXEC(s, "INSERT INTO rules VALUES (2, NULL, 1, 1)"), DW_EINVALID,
                 "name must not be null");
    assert_error(TRY_EXEC(s, "SELECT nothing FROM things"), DW_EMISUSE, "nothing");
    assert_error(TRY_EXEC(s, "SELECT 1 FROM nowhere"), DW_EMISUSE, "nowhere");
    assert_error(TRY_EXEC(s, "SELEC 1"), DW_EMISUSE, "SELEC");
    assert_error(TRY_EXEC(s, "SELECT 1; SELECT 2"), DW_EMISUSE, "");
    assert_error(TRY_EXEC(s, ""), DW_EMISUSE, "");
    assert_error(TRY_EXEC(s, "DROP TABLE rules"), DW_EMISUSE, "");
    assert_false(db_wants_repeat(s));
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM rules"), 1);
}

static void conflicts_can_be_agreed_upon(void **state)
{
    (void)state;
    EXEC(s, "INSERT INTO rules VALUES (1, 'a', 1, NULL)");
    assert_int_equal(EXEC(s, "INSERT INTO rules VALUES (2, 'a', 1, NULL) ON CONFLICT (name) DO NOTHING"), 0);
    assert_int_equal(
        EXEC(s, "INSERT INTO rules VALUES ($1, $2, $3, NULL) ON CONFLICT (name) DO UPDATE SET n = excluded.n",
             2, "a", 9),
        1);
    assert_int_equal(NUMBER(s, "SELECT n FROM rules WHERE id = 1"), 9);
}

/* ---- limits ---- */

static const char endless[] =
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000000000) "
    "SELECT count(*) FROM c";

static void a_statement_has_a_limit(void **state)
{
    int64_t n, began = clock_monotonic_us();

    (void)state;
    assert_error(TRY_FIND(s, DW_TO(&n), endless), DW_EUNAVAILABLE, "statement took longer than the 1.2 s");
    assert_in_range(clock_monotonic_us() - began, 1000 * CLOCK_MS, 20 * CLOCK_SECOND);
    assert_false(db_wants_repeat(s));
    assert_int_equal(NUMBER(s, "SELECT 1"), 1);
}

static void a_transaction_has_a_limit(void **state)
{
    int64_t n;

    (void)state;
    OK(s, db_begin(s));
    EXEC(s, "INSERT INTO things (id) VALUES (1)");
    assert_error(TRY_FIND(s, DW_TO(&n), endless), DW_EUNAVAILABLE, "transaction took longer than the 1 s");
    OK(s, db_rollback(s));
    OK(s, db_begin(s));
    EXEC(s, "INSERT INTO things (id) VALUES (1)");
    int64_t until = clock_monotonic_us() + 1050 * CLOCK_MS;
    while (clock_monotonic_us() < until)
        usleep(1000);
    assert_error(db_commit(s), DW_EUNAVAILABLE, "transaction took longer");
    assert_false(db_in_transaction(s));
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM things"), 0);
}

static void a_deadline_ends_a_call(void **state)
{
    int64_t n;

    (void)state;
    struct db_session *hasty =
        db_session_of(&fixture, &(struct db_who){ .owner = "tests",
                                                  .is_system = true,
                                                  .deadline_us = clock_monotonic_us() + 50 * CLOCK_MS });
    assert_int_equal(TRY_FIND(hasty, DW_TO(&n), endless), DW_ECANCELLED);
    assert_string_equal(db_error_of(hasty)->text, "the call's deadline has passed");
    assert_int_equal(TRY_FIND(hasty, DW_TO(&n), "SELECT 1"), DW_ECANCELLED);
    db_session_destroy(hasty);
}

static void *cancel_soon(void *ud)
{
    usleep(50 * CLOCK_MS);
    db_session_cancel(ud);
    return NULL;
}

static void a_cancelled_session_ends(void **state)
{
    pthread_t thread;
    int64_t n;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, s), 0);
    assert_error(TRY_FIND(s, DW_TO(&n), endless), DW_ECANCELLED, "cancelled");
    pthread_join(thread, NULL);
    assert_error(TRY_EXEC(s, "SELECT 1"), DW_ECANCELLED, "cancelled");
    assert_error(db_begin(s), DW_ECANCELLED, "cancelled");
    /* The connection does not remember it. */
    for (int i = 0; i < 4; i++) {
        struct db_session *next = db_session_system(&fixture);
        assert_int_equal(NUMBER(next, "SELECT 1"), 1);
        db_session_destroy(next);
    }
}

static void a_session_waits_for_a_connection(void **state)
{
    struct db_session *a = db_session_system(&fixture), *b = db_session_system(&fixture);
    struct db_rows *rows;
    int64_t n;

    (void)state;
    EXEC(s, "INSERT INTO things (id) VALUES (1)");
    OK(a, db_query(a, &rows, DB_BY_PLUGIN, DW_LIST("SELECT id FROM things")));
    OK(b, db_query(b, &rows, DB_BY_PLUGIN, DW_LIST("SELECT id FROM things")));
    if (db_fixture_engine == DB_SQLITE) /* rows that were read to the end need no connection on the other */
        assert_int_equal(TRY_FIND(s, DW_TO(&n), "SELECT 1"), DW_EUNAVAILABLE);
    db_rows_close(rows);
    assert_int_equal(NUMBER(s, "SELECT 1"), 1);
    db_session_destroy(a);
    db_session_destroy(b);
}

/* ---- what is counted ---- */

static void statements_are_counted(void **state)
{
    const char *engine = db_fixture_engine == DB_SQLITE ? "sqlite" : "postgres";
    struct buf page = BUF_INIT;
    char line[200];

    (void)state;
    struct db_session *counted =
        db_session_of(&fixture, &(struct db_who){ .owner = "counted", .is_system = true });
    EXEC(counted, "INSERT INTO things (id) VALUES (1)");
    assert_int_equal(TRY_EXEC(counted, "INSERT INTO things (id) VALUES (1)"), DW_ECONFLICT);
    assert_int_equal(NUMBER(counted, "SELECT 1"), 1);
    db_session_destroy(counted);
    metrics_write(&page);
    snprintf(line, sizeof(line), "dowel_db_statements_total{owner=\"counted\",engine=\"%s\"} 3\n", engine);
    assert_non_null(strstr(buf_text(&page), line));
    snprintf(line, sizeof(line),
             "dowel_db_failures_total{owner=\"counted\",engine=\"%s\",code=\"conflict\"} 1\n", engine);
    assert_non_null(strstr(buf_text(&page), line));
    snprintf(line, sizeof(line),
             "dowel_db_transactions_total{owner=\"counted\",engine=\"%s\",end=\"committed\"} 1\n", engine);
    assert_non_null(strstr(buf_text(&page), line));
    buf_finish(&page);
}

/* ---- at the same time ---- */

enum { CLIENTS = 8, ADDITIONS = 25 };

/* Adds one and reads what came of it, which nobody else may change before the commit. */
static void *add_often(void *ud)
{
    int *failed = ud;

    for (int i = 0; i < ADDITIONS; i++) {
        int rc;
        bool again = false;
        do {
            struct db_session *mine = NULL;
            int64_t n = 0;
            const struct db_who who = { .owner = "tests", .is_system = true, .is_repeat = again };
            rc = db_session_create(&mine, fixture.db, &who);
            if (rc == 0)
                rc = db_begin(mine);
            if (rc == 0)
                rc = (int)TRY_EXEC(mine, "UPDATE things SET small = small + 1 WHERE id = 1");
            if (rc > 0)
                rc = TRY_FIND(mine, DW_TO(&n), "SELECT small FROM things WHERE id = 1");
            if (rc > 0)
                rc = (int)TRY_EXEC(mine, "INSERT INTO rules (id, name, n) VALUES ($1, $2, 1)", n, "x");
            if (rc > 0)
                rc = (int)TRY_EXEC(mine, "DELETE FROM rules WHERE id = $1", n);
            if (rc > 0)
                rc = db_commit(mine);
            again = rc < 0 && db_wants_repeat(mine);
            if (rc < 0 && !again)
                fprintf(stderr, "%s\n", db_error_of(mine)->text);
            db_session_destroy(mine);
        } while (again);
        *failed += rc < 0;
    }
    return NULL;
}

static void nothing_is_lost_between_sessions(void **state)
{
    pthread_t threads[CLIENTS];
    int failed[CLIENTS] = { 0 };

    (void)state;
    EXEC(s, "INSERT INTO things (id, small) VALUES (1, 0)");
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_often, &failed[i]), 0);
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(failed[i], 0);
    }
    assert_int_equal(NUMBER(s, "SELECT small FROM things"), CLIENTS * ADDITIONS);
}

/* ---- the database itself ---- */

static void it_can_be_reached(void **state)
{
    struct buf why = BUF_INIT;

    (void)state;
    assert_int_equal(db_ping(fixture.db, &why), 0);
    assert_int_equal(db_engine(fixture.db), db_fixture_engine);
    buf_finish(&why);
}

static void a_lock_is_one_sessions(void **state)
{
    struct db_session *other = db_session_system(&fixture);
    int64_t began = clock_monotonic_us();

    (void)state;
    OK(s, db_lock(s, "migrations", 0));
    OK(other, db_lock(other, "something-else", 0));
    assert_int_equal(db_lock(other, "migrations", 100 * CLOCK_MS), DW_EUNAVAILABLE);
    assert_in_range(clock_monotonic_us() - began, 100 * CLOCK_MS, 10 * CLOCK_SECOND);
    assert_int_equal(NUMBER(s, "SELECT 1"), 1);
    db_session_destroy(s);
    s = other;
    OK(s, db_lock(s, "migrations", 10 * (int64_t)CLOCK_SECOND));
}

static struct {
    pthread_mutex_t lock;
    pthread_cond_t came;
    unsigned n, lost;
    char last[64];
} heard = { .lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER };

static void hear(const char *channel, const char *text, void *ud)
{
    (void)ud;
    pthread_mutex_lock(&heard.lock);
    snprintf(heard.last, sizeof(heard.last), "%s %s", channel, text);
    heard.n++;
    pthread_cond_signal(&heard.came);
    pthread_mutex_unlock(&heard.lock);
}

static void hear_loss(void *ud)
{
    (void)ud;
    pthread_mutex_lock(&heard.lock);
    heard.lost++;
    pthread_mutex_unlock(&heard.lock);
}

static bool heard_within(unsigned n, int64_t limit_us)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += limit_us / CLOCK_SECOND;
    pthread_mutex_lock(&heard.lock);
    while (heard.n < n && pthread_cond_timedwait(&heard.came, &heard.lock, &until) == 0)
        ;
    bool came = heard.n >= n;
    pthread_mutex_unlock(&heard.lock);
    return came;
}

static void notices_come_with_the_commit(void **state)
{
    const struct db_listener listener = { .notice = hear, .lost = hear_loss };

    (void)state;
    heard.n = 0;
    assert_int_equal(db_listen(fixture.db, &listener), 0);
    OK(s, db_notify(s, "roles", "changed"));
    assert_true(heard_within(1, 10 * (int64_t)CLOCK_SECOND));
    assert_string_equal(heard.last, "roles changed");
    OK(s, db_begin(s));
    OK(s, db_notify(s, "roles", "taken back"));
    OK(s, db_rollback(s));
    OK(s, db_begin(s));
    OK(s, db_notify(s, "jobs", "one waits"));
    OK(s, db_commit(s));
    assert_true(heard_within(2, 10 * (int64_t)CLOCK_SECOND));
    assert_string_equal(heard.last, "jobs one waits");
}

static void a_notice_is_short(void **state)
{
    char text[514];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[513] = 0;
    assert_error(db_notify(s, "roles", text), DW_EINVALID, "at most 512 bytes");
}

#define TEST(name)           cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_IMPATIENT(name) cmocka_unit_test_setup_teardown(name, setup_impatient, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_value_comes_back),
        TEST(null_is_nothing_in_every_target),
        TEST(without_a_row_targets_stay),
        TEST(targets_that_do_not_fit_are_refused),
        TEST(values_are_judged_before_they_are_sent),
        TEST(what_the_call_knows_comes_by_itself),
        TEST(times_order_as_they_should),
        TEST(sums_and_truths_are_alike),
        TEST(rows_become_json),
        TEST(columns_have_names_and_types),
        TEST(several_results_are_open_at_once),
        TEST(a_write_of_its_own_returns_rows),
        TEST(found_texts_last),
        TEST(a_transaction_is_all_or_nothing),
        TEST(a_failure_ends_the_transaction),
        TEST(rows_end_with_their_transaction),
        TEST(what_was_returned_may_stay_unread),
        TEST(broken_rules_are_told_apart),
        TEST(conflicts_can_be_agreed_upon),
        TEST_IMPATIENT(a_statement_has_a_limit),
        TEST_IMPATIENT(a_transaction_has_a_limit),
        TEST(a_deadline_ends_a_call),
        TEST(a_cancelled_session_ends),
        TEST_IMPATIENT(a_session_waits_for_a_connection),
        TEST(statements_are_counted),
        TEST(who_has_lost_the_right_commits_nothing),
        TEST(nothing_is_lost_between_sessions),
        TEST(it_can_be_reached),
        TEST(a_lock_is_one_sessions),
        TEST(notices_come_with_the_commit),
        TEST(a_notice_is_short),
    };
    json_start();
    return DB_ON_EVERY_ENGINE("db_session", tests);
}
