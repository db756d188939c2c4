/* What a plugin's call may do in the database, and what it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/client.h"
#include "db/dialect.h"
#include "db_fixture.h"
#include "plugin/call_db.h"
#include "plugin/channels.h"
#include "plugin_fixture.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/thread.h"

static struct db_fixture database;

/* Migrations' types become the engine's. */
static void run_unguarded(const char *sql)
{
    const struct db_who who = { .owner = "test", .is_system = true, .is_unguarded = true };
    struct buf text = BUF_INIT, why = BUF_INIT;
    struct db_session *s;
    struct arena arena;

    arena_init(&arena, NULL, 0, 0);
    assert_int_equal(db_session_create(&s, database.db, &who), 0);
    if (dialect_write(&text, &arena, str_from(sql), database.engine, &why) != 0)
        fail_msg("%s", buf_text(&why));
    if (db_exec(s, DB_BY_CORE, DW_LIST(buf_text(&text))) < 0)
        fail_msg("%s", db_error_of(s)->text);
    db_session_destroy(s);
    buf_finish(&text);
    buf_finish(&why);
    arena_finish(&arena);
}

static int open_database(void **state)
{
    (void)state;
    json_start();
    if (db_fixture_open(&database) != 0)
        return -1;
    run_unguarded(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL UNIQUE, open BOOLEAN, body JSON,"
        " bytes BLOB)");
    run_unguarded("CREATE TABLE clocks (at TIMESTAMPTZ NOT NULL)");
    run_unguarded("INSERT INTO clocks (at) VALUES ('2026-01-02T03:04:05.000006Z')");
    fixture_process.db = database.db;
    return channels_create(&fixture_process.channels);
}

static int close_database(void **state)
{
    (void)state;
    channels_destroy(fixture_process.channels);
    db_fixture_close(&database);
    return 0;
}

static int empty(void **state)
{
    (void)state;
    run_unguarded("DELETE FROM notes");
    fixture_process.spoils = NULL;
    fixture_process.fault = NULL;
    return 0;
}

static int64_t count(dw_call *c)
{
    int64_t n = -1;

    assert_int_equal(dw_db_get(c, DW_TO(&n), "SELECT count(*) FROM notes"), 1);
    return n;
}

static int insert(dw_call *c, int id, const char *title)
{
    return dw_db_exec(c, "INSERT INTO notes (id, title) VALUES ($1, $2)", id, title);
}

/* ---- what it is for ---- */

static void what_is_written_is_read(void **state)
{
    dw_call *c = fixture_begin();
    json_t *body = dw_json(c, "tags", dw_json_list(c, "a", "b"));
    const char *title = NULL, *none = "untouched";
    json_t *read = NULL;
    bool is_open = false;
    dw_rows *rows;

    (void)state;
    assert_int_equal(dw_db_exec(c, "INSERT INTO notes (id, title, open, body) VALUES ($1, $2, $3, $4)", 1,
                                "Milk", DW_TRUE, body),
                     1);
    assert_int_equal(dw_db_query(c, &rows, "SELECT title, open, body, NULL FROM notes WHERE id = $1", 1), 0);
    assert_int_equal(dw_rows_next(rows, &title, &is_open, &read, &none), 1);
    assert_string_equal(title, "Milk");
    assert_true(is_open);
    assert_true(json_equal(read, body));
    assert_null(none);
    assert_int_equal(dw_rows_next(rows, &title, &is_open, &read, &none), 0);
    assert_int_equal(dw_rows_next(rows, &title, &is_open, &read, &none), 0); /* an end is an end */
    assert_true(json_equal(read, body));                                     /* the call's */
    call_end(c);
}

static void what_is_found_is_the_calls(void **state)
{
    dw_call *c = fixture_begin();
    const char *first = NULL, *second = NULL;
    dw_str str = { NULL, 0 };
    dw_bytes bytes = { NULL, 0 }, given = { "B\0read", 6 };

    (void)state;
    assert_int_equal(insert(c, 1, "Milk"), 1);
    assert_int_equal(insert(c, 2, "Bread"), 1);
    assert_int_equal(dw_db_find(c, DW_TO(&first), "SELECT title FROM notes WHERE id = 1"), 1);
    assert_int_equal(dw_db_find(c, DW_TO(&second), "SELECT title FROM notes WHERE id = 2"), 1);
    assert_int_equal(dw_db_exec(c, "UPDATE notes SET bytes = $1", given), 2);
    assert_int_equal(dw_db_find(c, DW_TO(&str, &bytes), "SELECT title, bytes FROM notes WHERE id = 2"), 1);
    call_session_end(c);
    assert_string_equal(first, "Milk");
    assert_string_equal(second, "Bread");
    assert_memory_equal(str.p, "Bread", 5);
    assert_int_equal(str.n, 5);
    assert_memory_equal(bytes.p, "B\0read", 6);
    assert_int_equal(bytes.n, 6);
    call_end(c);
}

static void no_row_is_said_as_wanted(void **state)
{
    dw_call *c = fixture_begin();
    const char *title = "untouched";

    (void)state;
    assert_int_equal(dw_db_find(c, DW_TO(&title), "SELECT title FROM notes WHERE id = 9"), 0);
    assert_string_equal(title, "untouched");
    assert_int_equal(dw_db_get(c, DW_TO(&title), "SELECT title FROM notes WHERE id = 9"), DW_ENOTFOUND);
    assert_int_equal(dw_db_exec(c, "DELETE FROM notes WHERE id = 9"), 0);
    assert_int_equal(dw_db_change(c, "DELETE FROM notes WHERE id = 9"), DW_ENOTFOUND);
    assert_int_equal(dw_error_of(c)->code, DW_ENOTFOUND);
    assert_int_equal(dw_db_dialect(c), database.engine == DB_POSTGRES ? DW_POSTGRES : DW_SQLITE);
    call_end(c);
}

static void a_scope_closes_what_began_in_it(void **state)
{
    dw_call *c = fixture_begin();
    dw_rows *outer, *inner;
    int64_t id;

    (void)state;
    assert_int_equal(insert(c, 1, "Milk"), 1);
    assert_int_equal(insert(c, 2, "Bread"), 1);
    assert_int_equal(dw_db_query(c, &outer, "SELECT id FROM notes"), 0);
    dw_scope_begin(c);
    assert_int_equal(dw_db_query(c, &inner, "SELECT id FROM notes"), 0);
    dw_scope_end(c);
    assert_int_equal(dw_rows_next(inner, &id), DW_EMISUSE);
    assert_int_equal(dw_rows_next(outer, &id), 1);
    assert_int_equal(dw_rows_next(outer, &id), 1);
    assert_int_equal(dw_rows_next(outer, &id), 0);
    call_end(c);
}

static int64_t stopped_us;

static int64_t stopped_clock(void *ud)
{
    (void)ud;
    return stopped_us;
}

static int64_t now_in(dw_call *c)
{
    dw_time now = { 0 };

    assert_int_equal(dw_db_get(c, DW_TO(&now), "SELECT at FROM clocks"), 1);
    return now.us;
}

static void now_is_one_instant(void **state)
{
    static const char set[] = "UPDATE clocks SET at = :now";
    dw_call *c = fixture_begin(), *own;

    (void)state;
    stopped_us = 1000000;
    fixture_process.wall_us = stopped_clock;
    assert_int_equal(dw_db_exec(c, set), 1);
    stopped_us += 5;
    assert_int_equal(dw_db_exec(c, set), 1);
    assert_int_equal(now_in(c), 1000000); /* of the callback */
    call_end(c);

    assert_int_equal(dw_call_open(&fixture_instance, "own thread", &own), 0);
    assert_int_equal(dw_db_exec(own, set), 1);
    assert_int_equal(now_in(own), 1000005);
    stopped_us += 5;
    assert_int_equal(dw_tx_begin(own), 0);
    stopped_us += 5;
    assert_int_equal(dw_db_exec(own, set), 1);
    assert_int_equal(dw_tx_commit(own), 0);
    assert_int_equal(now_in(own), 1000010); /* of the transaction */
    dw_call_close(own);
    fixture_process.wall_us = NULL;
}

/* ---- errors ---- */

static void errors_are_for_authors(void **state)
{
    dw_call *c = fixture_begin();
    dw_rows *rows = (dw_rows *)0x1;

    (void)state;
    assert_int_equal(insert(c, 1, "Milk"), 1);
    assert_int_equal(insert(c, 2, "Milk"), DW_ECONFLICT);
    assert_true(c->error_is_inner);
    assert_non_null(strstr(dw_error_of(c)->text, "dw_db_exec: "));
    assert_true(*dw_error_of(c)->detail != 0);
    assert_int_equal(dw_db_query(c, &rows, "SELEKT 1"), DW_EMISUSE);
    assert_null(rows);
    assert_int_equal(dw_db_exec(c, "SELECT nothing FROM notes"), DW_EMISUSE);
    call_end(c);
}

static void wrong_arguments_are_misuses(void **state)
{
    dw_call *c = fixture_begin();
    int64_t id = 5;
    dw_rows *rows;

    (void)state;
    assert_int_equal(dw_db_exec(c, 5), DW_EMISUSE);
    assert_int_equal(dw_db_exec(c, (const char *)NULL), DW_EMISUSE);
    assert_int_equal(host_db_api.exec(c, (dw_list){ NULL, 0 }), DW_EMISUSE);
    assert_int_equal(dw_db_exec(c, "SELECT $1", &id), DW_EMISUSE);
    assert_int_equal(dw_db_find(c, DW_TO(5), "SELECT 1"), DW_EMISUSE);
    assert_int_equal(dw_db_find(c, DW_TO((int64_t *)NULL), "SELECT 1"), DW_EMISUSE);
    assert_int_equal(dw_db_query(c, NULL, "SELECT 1"), DW_EMISUSE);
    assert_int_equal(dw_db_query(c, &rows, "SELECT 1, 2"), 0);
    assert_int_equal(dw_rows_next(rows, &id), DW_EMISUSE); /* two columns */
    call_end(c);
}

static void without_a_database_nothing_happened(void **state)
{
    dw_call *c = fixture_begin();

    (void)state;
    fixture_process.db = NULL;
    assert_int_equal(dw_db_exec(c, "SELECT 1"), DW_EUNAVAILABLE);
    assert_int_equal(dw_tx_begin(c), DW_EUNAVAILABLE);
    assert_int_equal(dw_tx_rollback(c), 0);
    fixture_process.db = database.db;
    call_end(c);
}

/* ---- transactions ---- */

static void a_transaction_is_all_or_nothing(void **state)
{
    dw_call *c = fixture_begin();

    (void)state;
    assert_int_equal(dw_tx_begin(c), 0);
    assert_true(call_in_transaction(c));
    assert_int_equal(insert(c, 1, "Milk"), 1);
    assert_int_equal(dw_tx_rollback(c), 0);
    assert_int_equal(count(c), 0);
    assert_int_equal(dw_tx_begin(c), 0);
    assert_int_equal(insert(c, 1, "Milk"), 1);
    assert_int_equal(dw_tx_commit(c), 0);
    assert_false(call_in_transaction(c));
    assert_int_equal(count(c), 1);
    assert_int_equal(dw_tx_rollback(c), 0);
    assert_int_equal(dw_tx_commit(c), DW_ETX);
    call_end(c);
}

static void after_a_failed_statement_only_rollback_works(void **state)
{
    dw_call *c = fixture_begin();

    (void)state;
    assert_int_equal(insert(c, 1, "Milk"), 1);
    assert_int_equal(dw_tx_begin(c), 0);
    assert_int_equal(insert(c, 2, "Bread"), 1);
    assert_int_equal(insert(c, 3, "Milk"), DW_ECONFLICT);
    assert_int_equal(insert(c, 4, "Eggs"), DW_ETX);
    assert_int_equal(dw_tx_commit(c), DW_ETX);
    assert_int_equal(dw_tx_begin(c), DW_ETX);
    assert_int_equal(dw_tx_rollback(c), 0);
    assert_int_equal(count(c), 1);
    call_end(c);
}

static void what_is_open_is_rolled_back(void **state)
{
    dw_call *c = fixture_begin();

    (void)state;
    assert_int_equal(dw_tx_begin(c), 0);
    assert_int_equal(insert(c, 1, "Milk"), 1);
    assert_int_equal(call_check_committed(c, DW_ENOTFOUND), DW_ENOTFOUND);
    call_end(c);
    c = fixture_begin();
    assert_int_equal(count(c), 0);
    call_end(c);
}

static void a_forgotten_commit_is_loud(void **state)
{
    dw_call *c = fixture_begin();

    (void)state;
    assert_int_equal(call_check_committed(c, 7), 7);
    assert_int_equal(dw_tx_begin(c), 0);
    assert_int_equal(call_check_committed(c, 0), DW_EMISUSE);
    assert_non_null(strstr(dw_error_of(c)->text, "dw_tx_commit"));
    call_end(c);
}

static void nothing_waits_for_the_outside(void **state)
{
    dw_call *c = fixture_begin();

    (void)state;
    assert_int_equal(dw_channel_open(c, "run"), 0);
    assert_int_equal(dw_tx_begin(c), 0);
    assert_int_equal(dw_sleep(c, DW_SECONDS(0)), DW_ETX);
    assert_int_equal(dw_channel_send(c, "run", "piece", "text", "x"), DW_ETX);
    assert_int_equal(dw_channel_record(c, "run", "piece", "text", "x"), DW_ETX);
    assert_int_equal(dw_channel_close(c, "run"), DW_ETX);
    assert_false(c->was_seen_outside);
    assert_int_equal(dw_tx_commit(c), 0);
    assert_int_equal(dw_sleep(c, DW_SECONDS(0)), 0);
    assert_false(c->was_seen_outside);
    assert_int_equal(dw_channel_close(c, "run"), 0);
    assert_true(c->was_seen_outside);
    call_end(c);
}

static void no_peer_is_asked_in_a_transaction(void **state)
{
    static const char url[] = "http://127.0.0.1:1/"; /* not allowed: nothing is sent */
    dw_fetching *before, *f;
    dw_upstream *up;
    dw_answer *a;

    (void)state;
    assert_int_equal(client_create(&fixture_process.client, NULL), 0);
    dw_call *c = fixture_begin();
    assert_int_equal(dw_fetch_start(c, &before, .url = url), 0);
    assert_int_equal(dw_tx_begin(c), 0);
    assert_int_equal(dw_fetch(c, &a, .url = url), DW_ETX);
    assert_int_equal(dw_fetch_start(c, &f, .url = url), DW_ETX);
    assert_int_equal(dw_upstream_open(c, &up, .url = url), DW_ETX);
    assert_int_equal(dw_fetch_wait(before, &a), DW_ETX);
    assert_int_equal(dw_tx_commit(c), 0);
    assert_int_equal(dw_fetch_wait(before, &a), DW_EDENIED); /* it can still be waited for */
    call_end(c);
    client_destroy(fixture_process.client);
    fixture_process.client = NULL;
}

/* ---- calls of one callback ---- */

static void who_is_asked_cannot_use_it_in_a_transaction(void **state)
{
    dw_call *c = fixture_begin(), *child;

    (void)state;
    child = fixture_begin_with((struct call_options){ .parent = c });
    assert_int_equal(insert(child, 1, "Milk"), 1);
    assert_int_equal(dw_tx_begin(child), 0);
    assert_int_equal(dw_db_exec(c, "SELECT 1"), DW_ETX); /* nor the other way round */
    assert_int_equal(dw_tx_commit(child), 0);
    assert_int_equal(dw_tx_begin(c), 0);
    assert_int_equal(dw_db_exec(child, "SELECT 1"), DW_ETX);
    assert_int_equal(dw_sleep(child, DW_SECONDS(0)), DW_ETX);
    assert_int_equal(call_check_committed(child, 0), 0); /* it is not the child's */
    call_end(child);
    assert_int_equal(dw_tx_commit(c), 0);
    assert_true(c->was_seen_outside); /* by the child's commit */
    call_end(c);
}

static void another_tenant_is_another_session(void **state)
{
    static const char one[] = "0190a0a0-0000-7000-8000-000000000001",
                      two[] = "0190a0a0-0000-7000-8000-000000000002";
    dw_call *c = fixture_begin_with((struct call_options){ .tenant = one, .principal = "7" }), *d, *same,
            *child;
    const char *tenant = NULL, *me = NULL;

    (void)state;
    assert_string_equal(dw_tenant(c), one);
    assert_int_equal(dw_call_as_tenant(c, two, &d), DW_EDENIED); /* nobody allowed it */
    assert_null(d);
    assert_non_null(strstr(dw_error_of(c)->text, "allow: [system]"));
    assert_non_null(strstr(dw_error_of(c)->text, "conf.d/notes.yaml"));
    assert_int_equal(dw_call_as_system(c, "to count", &d), DW_EDENIED);
    assert_int_equal(dw_call_as_system(c, NULL, &d), DW_EMISUSE);
    assert_int_equal(dw_call_as_tenant(c, "7", &d), DW_EINVALID);
    assert_int_equal(dw_call_as_tenant(c, "0190A0A0-0000-7000-8000-000000000001", &same), 0);
    assert_string_equal(dw_tenant(same), one);

    assert_int_equal(call_derive(c, &d, two, false), 0);
    assert_string_equal(dw_tenant(d), two);
    assert_int_equal(dw_db_get(d, DW_TO(&tenant, &me), "SELECT :tenant, :me"), 1);
    assert_string_equal(tenant, two);
    assert_string_equal(me, "7");
    assert_int_equal(dw_db_get(c, DW_TO(&tenant), "SELECT :tenant"), 1);
    assert_string_equal(tenant, one);
    assert_false(call_is_asking(c));
    child = fixture_begin_with((struct call_options){ .parent = d });
    assert_true(call_is_asking(c));
    assert_string_equal(dw_tenant(child), two);
    call_end(child);
    assert_int_equal(dw_tx_begin(d), 0);
    assert_int_equal(call_check_committed(c, 0), DW_EMISUSE); /* its own, in another tenant */
    call_end(c);
    assert_int_equal(dw_db_exec(d, "SELECT 1"), DW_ETHREAD);
}

static void only_its_own_plugin_sees_all_tenants(void **state)
{
    static dw_instance other = { .magic = INSTANCE_MAGIC, .name = "other", .process = &fixture_process };
    dw_call *c = fixture_begin(), *system, *child;

    (void)state;
    assert_int_equal(call_derive(c, &system, NULL, true), 0);
    assert_null(dw_tenant(system));
    child = fixture_begin_with((struct call_options){ .parent = system });
    assert_true(child->is_system);
    call_end(child);
    child = fixture_begin_with((struct call_options){ .parent = system, .instance = &other });
    assert_false(child->is_system);
    assert_null(dw_tenant(child));
    call_end(child);
    call_end(c);
}

static void a_scope_ends_a_call_for_another_tenant(void **state)
{
    dw_call *c = fixture_begin(), *d = NULL;
    const char *title = NULL;

    (void)state;
    for (int i = 0; i < 3; i++) {
        dw_scope_begin(c);
        assert_int_equal(call_derive(c, &d, NULL, true), 0);
        assert_int_equal(insert(d, i, i == 0 ? "a" : i == 1 ? "b" : "c"), 1);
        assert_int_equal(dw_db_get(d, DW_TO(&title), "SELECT title FROM notes WHERE id = $1", i), 1);
        dw_scope_end(c);
        assert_int_equal(dw_db_exec(d, "SELECT 1"), DW_ETHREAD);
    }
    assert_null(c->derived);
    assert_int_equal(count(c), 3);
    call_end(c);
}

/* ---- too late, and elsewhere ---- */

static void rows_know_when_they_are_closed(void **state)
{
    dw_call *c = fixture_begin();
    dw_rows *rows, *again;
    int64_t id;

    (void)state;
    assert_int_equal(dw_db_query(c, &rows, "SELECT 1"), 0);
    dw_rows_close(rows);
    dw_rows_close(rows);
    dw_rows_close(NULL);
    assert_int_equal(dw_rows_next(rows, &id), DW_EMISUSE);
    assert_int_equal(dw_db_query(c, &again, "SELECT 2"), 0); /* in the same slot */
    assert_int_equal(dw_rows_next(rows, &id), DW_EMISUSE);
    dw_rows_close(rows);
    assert_int_equal(dw_rows_next(again, &id), 1);
    assert_int_equal(id, 2);
    assert_int_equal(dw_rows_next(NULL, &id), DW_ETHREAD);
    call_end(c);
    assert_int_equal(dw_rows_next(again, &id), DW_ETHREAD);
    dw_rows_close(again);
}

static void rows_end_with_their_transaction(void **state)
{
    dw_call *c = fixture_begin();
    dw_rows *rows;
    int64_t id;

    (void)state;
    assert_int_equal(insert(c, 1, "Milk"), 1);
    assert_int_equal(insert(c, 2, "Bread"), 1);
    assert_int_equal(dw_tx_begin(c), 0);
    assert_int_equal(dw_db_query(c, &rows, "SELECT id FROM notes"), 0);
    assert_int_equal(dw_rows_next(rows, &id), 1);
    assert_int_equal(dw_tx_commit(c), 0);
    assert_true(dw_rows_next(rows, &id) < 0);
    dw_rows_close(rows);
    call_end(c);
}

struct elsewhere {
    dw_call *c;
    dw_rows *rows;
};

static void *use_elsewhere(void *ud)
{
    const struct elsewhere *e = ud;
    int64_t id;

    assert_int_equal(dw_db_exec(e->c, "SELECT 1"), DW_ETHREAD);
    assert_int_equal(dw_db_find(e->c, DW_TO(&id), "SELECT 1"), DW_ETHREAD);
    assert_int_equal(dw_rows_next(e->rows, &id), DW_ETHREAD);
    assert_int_equal(dw_tx_begin(e->c), DW_ETHREAD);
    assert_int_equal(dw_tx_commit(e->c), DW_ETHREAD);
    assert_int_equal(dw_tx_rollback(e->c), DW_ETHREAD);
    assert_null(dw_tenant(e->c));
    dw_rows_close(e->rows);
    return NULL;
}

static void another_thread_gets_nothing(void **state)
{
    dw_call *c = fixture_begin();
    struct elsewhere e = { .c = c };
    pthread_t thread;
    int64_t id;

    (void)state;
    assert_int_equal(dw_db_query(c, &e.rows, "SELECT 7"), 0);
    assert_int_equal(pthread_create(&thread, NULL, use_elsewhere, &e), 0);
    pthread_join(thread, NULL);
    assert_int_equal(dw_rows_next(e.rows, &id), 1);
    assert_int_equal(id, 7);
    call_end(c);
}

static void a_call_that_waits_holds_nothing(void **state)
{
    dw_call *c = fixture_begin(), *other = fixture_begin(), *d;
    dw_rows *rows;
    int64_t id;

    (void)state;
    assert_int_equal(call_derive(c, &d, NULL, true), 0);
    assert_int_equal(dw_db_query(c, &rows, "SELECT 1"), 0);
    assert_int_equal(dw_tx_begin(d), 0);
    call_suspend(c);
    assert_int_equal(insert(other, 1, "Milk"), 1); /* nobody is in the way */
    call_resume(c);
    assert_int_equal(dw_rows_next(rows, &id), DW_EMISUSE);
    assert_int_equal(dw_db_exec(d, "SELECT 1"), DW_ETHREAD);
    assert_int_equal(count(c), 1);
    call_end(c);
    call_end(other);
}

static void *cancel(void *ud)
{
    usleep(20000);
    call_cancel(ud);
    return NULL;
}

static void cancelling_ends_what_runs(void **state)
{
    dw_call *c = fixture_begin();
    pthread_t thread;
    int64_t n, before = clock_monotonic_us();

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, cancel, c), 0);
    int rc =
        dw_db_find(c, DW_TO(&n),
                   "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 100000000000)"
                   " SELECT count(*) FROM r");
    pthread_join(thread, NULL);
    assert_int_equal(rc, DW_ECANCELLED);
    assert_true(clock_monotonic_us() - before < 10 * CLOCK_SECOND);
    assert_int_equal(dw_db_exec(c, "SELECT 1"), DW_ECANCELLED);
    call_end(c);
    c = fixture_begin(); /* the connection is as good as new */
    assert_int_equal(dw_db_find(c, DW_TO(&n), "SELECT 1"), 1);
    call_end(c);
}

static void who_is_cancelled_already_gets_no_session(void **state)
{
    dw_call *c = fixture_begin();

    (void)state;
    call_cancel(c);
    assert_int_equal(dw_db_exec(c, "SELECT 1"), DW_ECANCELLED);
    call_end(c);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, empty)
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(what_is_found_is_the_calls),
        TEST(no_row_is_said_as_wanted),
        TEST(a_scope_closes_what_began_in_it),
        TEST(now_is_one_instant),
        TEST(errors_are_for_authors),
        TEST(wrong_arguments_are_misuses),
        TEST(without_a_database_nothing_happened),
        TEST(a_transaction_is_all_or_nothing),
        TEST(after_a_failed_statement_only_rollback_works),
        TEST(what_is_open_is_rolled_back),
        TEST(a_forgotten_commit_is_loud),
        TEST(nothing_waits_for_the_outside),
        TEST(no_peer_is_asked_in_a_transaction),
        TEST(who_is_asked_cannot_use_it_in_a_transaction),
        TEST(another_tenant_is_another_session),
        TEST(only_its_own_plugin_sees_all_tenants),
        TEST(a_scope_ends_a_call_for_another_tenant),
        TEST(rows_know_when_they_are_closed),
        TEST(rows_end_with_their_transaction),
        TEST(another_thread_gets_nothing),
        TEST(a_call_that_waits_holds_nothing),
        TEST(cancelling_ends_what_runs),
        TEST(who_is_cancelled_already_gets_no_session),
    };
    int failed = cmocka_run_group_tests_name("host_db on SQLite", tests, open_database, close_database);

    if (db_fixture_on(DB_POSTGRES))
        failed += cmocka_run_group_tests_name("host_db on PostgreSQL", tests, open_database, close_database);
    return failed;
}
