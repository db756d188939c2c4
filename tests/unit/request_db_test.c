/* What a plugin's handler does in the database and what its client gets of it, through a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/dialect.h"
#include "db_fixture.h"
#include "metrics/metrics.h"
#include "plugin_rig.h"
#include "secure/keyring.h"

const dw_asset dw_assets_[] = { { 0 } };

static struct db_fixture database;
static _Atomic int runs, spoiled; /* of the handler; commits to spoil yet */

/* ---- the plugin ---- */

static int get(dw_call *c, dw_request *req)
{
    dw_rows *rows;
    int64_t id;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_db_query(c, &rows, "SELECT id, title, open, version FROM notes WHERE id = $1", id));
    return dw_reply_row(req, 200, rows);
}

static int change(dw_call *c, dw_request *req)
{
    const char *title;
    dw_rows *rows;
    int64_t id, version;

    DW_TRY(dw_request_read(req, "id", &id, "if_match", &version, "title", &title));
    DW_TRY(dw_db_query(c, &rows,
                       "UPDATE notes SET title = $3, version = version + 1 WHERE id = $1 AND version = $2"
                       " RETURNING id, title, open, version",
                       id, version, title));
    return dw_reply_row(req, 200, rows);
}

static int all(dw_call *c, dw_request *req)
{
    dw_rows *rows;

    DW_TRY(dw_db_query(c, &rows, "SELECT id FROM notes ORDER BY id DESC"));
    return dw_reply_rows(req, 200, rows);
}

static int page(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, "SELECT id, title FROM notes WHERE version = $1 -- the newest", 1);
}

static int sorted(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, "SELECT id, title, version, weight, at FROM notes");
}

static int page_of_texts(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, "SELECT title AS id FROM notes");
}

static int page_without_id(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, "SELECT title FROM notes");
}

static int floods(dw_call *c, dw_request *req)
{
    dw_rows *rows;

    DW_TRY(dw_db_query(
        c, &rows,
        "WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 10001) SELECT i FROM r"));
    return dw_reply_rows(req, 200, rows);
}

static int forgets(dw_call *c, dw_request *req)
{
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_exec(c, "INSERT INTO notes (id, title) VALUES (500, 'forgotten')"));
    return dw_reply(req, 201);
}

static int breaks(dw_call *c, dw_request *req)
{
    (void)req;
    return dw_db_exec(c, "INSERT INTO notes (id, title) VALUES (1, 'secret name of a column')");
}

static int detaches(dw_call *c, dw_request *req)
{
    dw_token *token;

    DW_TRY(dw_tx_begin(c));
    int rc = dw_request_detach(req, &token, .timeout = DW_SECONDS(1));
    return dw_tx_rollback(c) == 0 && rc == DW_ETX ? dw_reply(req, 204) : 0;
}

/* What runs more than once has been read, prepared and staged more than once. */
static int adds(dw_call *c, dw_request *req)
{
    int64_t before = 0, effect = 0;
    const char *title = "";
    dw_rows *row;

    runs++;
    DW_TRY(dw_request_read(req, "title", &title, "before", &before, "effect", &effect));
    if (before)
        DW_TRY(dw_db_exec(c, "INSERT INTO notes (id, title) VALUES ($1, 'before')", 600 + (int)runs));
    if (effect) {
        DW_TRY(dw_channel_open(c, "run"));
        DW_TRY(dw_channel_send(c, "run", "piece", "n", (int)runs));
    }
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_query(c, &row, "INSERT INTO notes (id, title) VALUES (700, $1) RETURNING title, version",
                       title));
    json_object_set_new(dw_request_json(req), "title", json_string("spoiled"));
    DW_TRY(dw_reply_header(req, "X-Run", dw_format(c, "%d", (int)runs)));
    DW_TRY(dw_reply_row(req, 201, row));
    return dw_tx_commit(c);
}

/* Long enough for others to wait for the writer, and so to share its commit. */
static int joins(dw_call *c, dw_request *req)
{
    const char *title = "";

    DW_TRY(dw_request_read(req, "title", &title));
    runs++;
    DW_TRY(dw_tx_begin(c));
    DW_TRY(
        dw_db_exec(c, "INSERT INTO notes (id, title) SELECT coalesce(max(id), 0) + 1, $1 FROM notes", title));
    usleep(500);
    DW_TRY(dw_reply(req, 201));
    return dw_tx_commit(c);
}

static const dw_operation operations[] = {
    { "adds", adds },
    { "all", all },
    { "breaks", breaks },
    { "change", change },
    { "detaches", detaches },
    { "floods", floods },
    { "forgets", forgets },
    { "get", get },
    { "page", page },
    { "pageOfTexts", page_of_texts },
    { "pageWithoutId", page_without_id },
    { "sorted", sorted },
    { "joins", joins },
    { 0 },
};

DOWEL_PLUGIN(.name = "notes", .version = "1.0.0", .summary = "Notes", .license = "MIT",
             .operations = operations);

#define PAGED                                                                 \
    ", parameters: [ { name: limit, in: query, schema: { type: integer } }, " \
    "{ name: cursor, in: query, schema: { type: string } } ]"
#define GET(id, more) "  /" id ": { get: { operationId: " id ", x-public: true" more " } }\n"

static const char api[] =
    "openapi: 3.1.0\n"
    "info: { title: Notes, version: '1' }\n"
    "paths:\n"
    "  /notes/{id}:\n"
    "    parameters: [ { name: id, in: path, required: true, schema: { type: integer } } ]\n"
    "    get: { operationId: get, x-public: true }\n"
    "    put:\n"
    "      operationId: change\n"
    "      x-public: true\n"
    "      x-if-match: required\n"
    "      requestBody:\n"
    "        required: true\n"
    "        content: { application/json: { schema: { type: object, required: [ title ],"
    " properties: { title: { type: string } } } } }\n"
    "  /adds:\n"
    "    post:\n"
    "      operationId: adds\n"
    "      x-public: true\n"
    "      requestBody:\n"
    "        required: true\n"
    "        content: { application/json: { schema: { type: object, properties: { title: { type: string },"
    " before: { type: integer }, effect: { type: integer } } } } }\n" GET("all", "") GET("breaks", "")
        GET("detaches", "") GET("floods", "") GET("forgets", "") GET("page", PAGED) GET("pageOfTexts", PAGED)
            GET("pageWithoutId",
                PAGED) "  /joins:\n"
                       "    post:\n"
                       "      operationId: joins\n"
                       "      x-public: true\n"
                       "      requestBody:\n"
                       "        required: true\n"
                       "        content: { application/json: { schema: { type: object, properties: { title: "
                       "{ type: string } } } } }\n"
                       "  /sorted:\n"
                       "    get:\n"
                       "      operationId: sorted\n"
                       "      x-public: true\n"
                       "      x-list: { sort: [id, title, weight, at, open], filter: [version, title] }\n"
                       "      parameters: [ { name: version, in: query, schema: { type: integer } } ]\n";

/* ---- the rig ---- */

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

static int64_t count(const char *sql)
{
    const struct db_who who = { .owner = "test", .is_system = true, .is_unguarded = true };
    struct db_session *s;
    int64_t n = -1;

    assert_int_equal(db_session_create(&s, database.db, &who), 0);
    assert_int_equal(db_find(s, DW_TO(&n), DB_BY_CORE, DW_LIST(sql)), 1);
    db_session_destroy(s);
    return n;
}

static bool spoils(dw_call *c, void *ud)
{
    (void)c;
    (void)ud;
    return spoiled > 0 && spoiled-- > 0;
}

static int start(void **state)
{
    (void)state;
    json_start();
    if (db_fixture_open(&database) != 0)
        return -1;
    run_unguarded(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL, open BOOLEAN DEFAULT TRUE,"
        " version INTEGER NOT NULL DEFAULT 1, weight REAL NOT NULL DEFAULT 0.1,"
        " at TIMESTAMPTZ NOT NULL DEFAULT '2026-01-02T03:04:05.000006Z')");
    rig.process.db = database.db;
    rig.process.spoils = spoils;
    assert_null(
        keyring_parse(&rig.process.keyring, STR_OF("aGFybmVzcyBrZXksIG9mIG5vIHVzZSBlbHNld2hlcmU="), NULL));
    rig_start(&dw_plugin_, api, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rig_stop();
    keyring_destroy(rig.process.keyring);
    db_fixture_close(&database);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    rig_forget_log();
    runs = spoiled = 0;
    run_unguarded("DELETE FROM notes");
    run_unguarded("INSERT INTO notes (id, title) VALUES (1, 'one'), (2, 'two'), (3, 'three')");
    return 0;
}

/* ---- rows ---- */

static void a_row_is_an_object_and_its_version_the_etag(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/notes/2");
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "ETag: \"1\"");
    RIG_HAS(a, "{\"id\":2,\"title\":\"two\",\"open\":true,\"version\":1}");
    assert_int_equal(rig_status(rig_get("/api/v1/notes/9")), 404);
}

static void who_changes_what_was_changed_is_told(void **state)
{
    static const char fields[] = "Content-Type: application/json\r\nIf-Match: \"1\"\r\n";
    (void)state;
    const char *a = rig_ask("PUT", "/api/v1/notes/1", fields, "{\"title\":\"new\"}");
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "ETag: \"2\"");
    RIG_HAS(a, "\"title\":\"new\"");
    assert_int_equal(rig_status(rig_ask("PUT", "/api/v1/notes/1", fields, "{\"title\":\"newer\"}")), 412);
    assert_int_equal(count("SELECT count(*) FROM notes WHERE title = 'new'"), 1);
}

static void all_rows_are_items(void **state)
{
    (void)state;
    RIG_HAS(rig_get("/api/v1/all"), "{\"items\":[{\"id\":3},{\"id\":2},{\"id\":1}]}");
    run_unguarded("DELETE FROM notes");
    RIG_HAS(rig_get("/api/v1/all"), "{\"items\":[]}");
    assert_int_equal(rig_status(rig_get("/api/v1/floods")), 413);
    assert_true(rig_log_has("dw_reply_list gives pages") || rig_status(rig_get("/api/v1/floods")) == 413);
}

/* ---- pages ---- */

/* The value of "next" in an answer, into `out`; false when it is null. */
static bool next_of(const char *answer, char *out, size_t size)
{
    const char *at = strstr(answer, "\"next\":\"");
    size_t n = 0;

    if (!at)
        return false;
    for (at += strlen("\"next\":\""); at[n] != '"' && n + 1 < size; n++)
        out[n] = at[n];
    out[n] = 0;
    return true;
}

static void pages_follow_each_other(void **state)
{
    char cursor[300], path[400];

    (void)state;
    const char *a = rig_get("/api/v1/page?limit=2");
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "{\"items\":[{\"id\":1,\"title\":\"one\"},{\"id\":2,\"title\":\"two\"}],\"next\":\"");
    assert_true(next_of(a, cursor, sizeof(cursor)));
    snprintf(path, sizeof(path), "Link: </api/v1/page?limit=2&cursor=%s>; rel=\"next\"\r\n", cursor);
    RIG_HAS(a, path);
    snprintf(path, sizeof(path), "/api/v1/page?limit=2&cursor=%s", cursor);
    a = rig_get(path);
    RIG_HAS(a, "{\"items\":[{\"id\":3,\"title\":\"three\"}],\"next\":null}");
    assert_null(strstr(a, "Link:"));
    snprintf(path, sizeof(path), "/api/v1/page?limit=1&cursor=%s", cursor);
    run_unguarded("INSERT INTO notes (id, title) VALUES (4, 'four')");
    a = rig_get(path);
    RIG_HAS(a, "cursor=");
    assert_null(strstr(strstr(a, "cursor=") + 1, "cursor=")); /* only the new one */
    run_unguarded("DELETE FROM notes WHERE id = 4");
    RIG_HAS(rig_get("/api/v1/page?limit=3"), "],\"next\":null}");
    RIG_HAS(rig_get("/api/v1/page"), "{\"id\":3,\"title\":\"three\"}],\"next\":null}");
}

/* The newest version, which the answer names; its pages stay where the client asked. */
static void an_address_without_its_version_is_the_newest(void **state)
{
    (void)state;
    const char *a = rig_get("/api/page?limit=2");
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "Link: </api/v1/page>; rel=\"canonical\"\r\n");
    RIG_HAS(a, "Link: </api/page?limit=2&cursor=");
    RIG_HAS(rig_get("/api/notes/%32"), "Link: </api/v1/notes/%32>; rel=\"canonical\"\r\n");
    RIG_HAS(rig_get("/api/notes/2"), "\"title\":\"two\"");
    assert_int_equal(rig_status(rig_get("/api/notes/9")), 404);
    assert_int_equal(rig_status(rig_get("/api/nothing")), 404);
    assert_int_equal(rig_status(rig_ask("DELETE", "/api/page", "", "")), 405);
    assert_null(strstr(rig_get("/api/v1/page"), "canonical"));
}

static void ids_may_be_texts(void **state)
{
    char cursor[300], path[400];

    (void)state;
    const char *a = rig_get("/api/v1/pageOfTexts?limit=1");
    RIG_HAS(a, "{\"items\":[{\"id\":\"one\"}],\"next\":\"");
    assert_true(next_of(a, cursor, sizeof(cursor)));
    snprintf(path, sizeof(path), "/api/v1/pageOfTexts?limit=1&cursor=%s", cursor);
    RIG_HAS(rig_get(path), "{\"items\":[{\"id\":\"three\"}],\"next\":\"");

    snprintf(path, sizeof(path), "/api/v1/page?cursor=%s", cursor);
    a = rig_get(path); /* another list's */
    assert_int_equal(rig_status(a), 422);
    RIG_HAS(a, "#/query/cursor");
}

/* The ids of all pages of one row each, in the order that is asked for: "3,1,2,". */
static const char *walk(const char *query)
{
    static char ids[100];
    char cursor[400] = "", path[600];
    const char *a;

    ids[0] = 0;
    do {
        snprintf(path, sizeof(path), "/api/v1/sorted?limit=1&%s%s%s", query, *cursor ? "&cursor=" : "",
                 cursor);
        a = rig_get(path);
        assert_int_equal(rig_status(a), 200);
        const char *id = strstr(a, "\"id\":");
        if (id)
            snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%d,", atoi(id + 5));
        assert_true(strlen(ids) < 50);
    } while (next_of(a, cursor, sizeof(cursor)));
    return ids;
}

static void lists_are_sorted_by_what_their_contract_names(void **state)
{
    (void)state;
    run_unguarded("UPDATE notes SET weight = 0.25, at = '2026-02-01T00:00:00.000000Z' WHERE id = 2");
    assert_string_equal(walk("sort=id"), "1,2,3,");
    assert_string_equal(walk("sort=-id"), "3,2,1,");
    assert_string_equal(walk("sort=title"), "1,3,2,");
    assert_string_equal(walk("sort=-title"), "2,3,1,");
    assert_string_equal(walk("sort=weight"), "1,3,2,"); /* of equals, by their id */
    assert_string_equal(walk("sort=-weight"), "2,3,1,");
    assert_string_equal(walk("sort=-at"), "2,3,1,");
    assert_string_equal(walk(""), "1,2,3,");
}

static void lists_are_filtered_by_what_their_contract_names(void **state)
{
    (void)state;
    run_unguarded("UPDATE notes SET version = 2 WHERE id = 2");
    assert_string_equal(walk("version=1"), "1,3,");
    assert_string_equal(walk("version=1&title=three&sort=title"), "3,");
    assert_string_equal(walk("version=7"), "");
    assert_string_equal(walk("title=%27%20OR%201=1%20--"), ""); /* a value, not SQL */
}

static void what_no_contract_names_orders_nothing(void **state)
{
    char cursor[400], path[600];

    (void)state;
    RIG_HAS(rig_get("/api/v1/sorted?sort=version"), "#/query/sort");
    RIG_HAS(rig_get("/api/v1/sorted?sort=--id"), "#/query/sort");
    RIG_HAS(rig_get("/api/v1/sorted?sort="), "#/query/sort");
    assert_int_equal(rig_status(rig_get("/api/v1/sorted?open=true")), 400);
    assert_true(next_of(rig_get("/api/v1/sorted?limit=1&sort=title"), cursor, sizeof(cursor)));
    snprintf(path, sizeof(path), "/api/v1/sorted?sort=-title&cursor=%s", cursor);
    RIG_HAS(rig_get(path), "#/query/cursor"); /* of another order */
    run_unguarded("UPDATE notes SET open = NULL");
    assert_int_equal(rig_status(rig_get("/api/v1/sorted?sort=open")),
                     500); /* the statement does not give it */
}

static void what_is_no_page_is_refused(void **state)
{
    (void)state;
    assert_int_equal(rig_status(rig_get("/api/v1/page?limit=0")), 422);
    RIG_HAS(rig_get("/api/v1/page?limit=201"), "#/query/limit");
    RIG_HAS(rig_get("/api/v1/page?cursor=abc"), "#/query/cursor");
    assert_int_equal(rig_status(rig_get("/api/v1/pageWithoutId")), 500);
    assert_true(rig_log_has("page.id"));
}

/* ---- what goes wrong ---- */

static void a_forgotten_commit_is_a_500(void **state)
{
    (void)state;
    assert_int_equal(rig_status(rig_get("/api/v1/forgets")), 500);
    assert_true(rig_log_has("dw_tx_commit() is missing"));
    assert_true(rig_log_has("operation forgets"));
    assert_int_equal(count("SELECT count(*) FROM notes WHERE id = 500"), 0);
}

static void clients_learn_no_sql(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/breaks");
    assert_int_equal(rig_status(a), 409);
    assert_null(strstr(a, "notes.id"));
    RIG_HAS(a, "this does not go with what is there");
}

static void a_request_is_not_detached_in_a_transaction(void **state)
{
    (void)state;
    assert_int_equal(rig_status(rig_get("/api/v1/detaches")), 204);
}

/* ---- once more ---- */

static void a_spoiled_transaction_runs_again(void **state)
{
    (void)state;
    spoiled = 3;
    const char *a = rig_post("/api/v1/adds", "{\"title\":\"mine\"}");
    assert_int_equal(rig_status(a), 201);
    RIG_HAS(a, "X-Run: 4");
    assert_null(strstr(a, "X-Run: 3"));
    RIG_HAS(a, "{\"title\":\"mine\",\"version\":1}");
    assert_int_equal(runs, 4);
    assert_int_equal(count("SELECT count(*) FROM notes WHERE id = 700"), 1);
}

static void it_is_given_up_at_last(void **state)
{
    (void)state;
    spoiled = 100;
    const char *a = rig_post("/api/v1/adds", "{\"title\":\"mine\"}");
    assert_int_equal(rig_status(a), 503);
    RIG_HAS(a, "Retry-After: 1");
    assert_null(strstr(a, "X-Run"));
    assert_int_equal(runs, 9);
    assert_true(rig_log_has("a transaction is given up"));
    assert_int_equal(count("SELECT count(*) FROM notes WHERE id = 700"), 0);
}

static void what_was_committed_is_not_done_twice(void **state)
{
    (void)state;
    spoiled = 1;
    assert_int_equal(rig_status(rig_post("/api/v1/adds", "{\"before\":1}")), 503);
    assert_int_equal(runs, 1);
    assert_int_equal(count("SELECT count(*) FROM notes WHERE title = 'before'"), 1);
}

static void what_was_seen_outside_is_not_done_twice(void **state)
{
    (void)state;
    spoiled = 1;
    assert_int_equal(rig_status(rig_post("/api/v1/adds", "{\"effect\":1}")), 503);
    assert_int_equal(runs, 1);
}

enum { JOINERS = 8, ROUNDS = 20 };

/* One of eight ends the transaction that all of them share: SQLite rolls back the whole. The others run again. */
static void a_neighbour_spoils_nobodys_work(void **state)
{
    static const char good[] = "{\"title\":\"good\"}", poison[] = "{\"title\":\"poison\"}";
    int fds[JOINERS];

    (void)state;
    if (database.engine != DB_SQLITE)
        skip();
    run_unguarded("CREATE TRIGGER spoil BEFORE INSERT ON notes WHEN NEW.title = 'poison'"
                  " BEGIN SELECT RAISE(ROLLBACK, 'spoiled'); END");
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < JOINERS; i++)
            fds[i] = rig_begin("POST", "/api/v1/joins", "Content-Type: application/json\r\n",
                               i == 3 ? poison : good);
        for (int i = 0; i < JOINERS; i++) {
            char *answer = rig_read_all(fds[i]);
            assert_int_equal(rig_status(answer) == 201, i != 3);
            free(answer);
        }
    }
    run_unguarded("DROP TRIGGER spoil");
    assert_int_equal(count("SELECT count(*) FROM notes WHERE title = 'good'"), (JOINERS - 1) * ROUNDS);
    assert_int_equal(count("SELECT count(*) FROM notes WHERE title = 'poison'"), 0);
    assert_true(runs > JOINERS * ROUNDS); /* somebody was spoiled, and ran again */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, forget)
    const struct CMUnitTest tests[] = {
        TEST(a_row_is_an_object_and_its_version_the_etag),
        TEST(who_changes_what_was_changed_is_told),
        TEST(all_rows_are_items),
        TEST(pages_follow_each_other),
        TEST(an_address_without_its_version_is_the_newest),
        TEST(ids_may_be_texts),
        TEST(lists_are_sorted_by_what_their_contract_names),
        TEST(lists_are_filtered_by_what_their_contract_names),
        TEST(what_no_contract_names_orders_nothing),
        TEST(what_is_no_page_is_refused),
        TEST(a_forgotten_commit_is_a_500),
        TEST(clients_learn_no_sql),
        TEST(a_request_is_not_detached_in_a_transaction),
        TEST(a_spoiled_transaction_runs_again),
        TEST(it_is_given_up_at_last),
        TEST(what_was_committed_is_not_done_twice),
        TEST(what_was_seen_outside_is_not_done_twice),
        TEST(a_neighbour_spoils_nobodys_work),
    };
    int failed = cmocka_run_group_tests_name("request_db on SQLite", tests, start, stop);

    if (db_fixture_on(DB_POSTGRES))
        failed += cmocka_run_group_tests_name("request_db on PostgreSQL", tests, start, stop);
    return failed;
}
