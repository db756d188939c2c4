/* Idempotency-Key through a real server: what is sent again is done once, whatever goes wrong in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jobs_fixture.h"
#include "plugin/idempotency.h"
#include "plugin_rig.h"
#include "util/thread.h"

const dw_asset dw_assets_[] = { { 0 } };

#define KEY       "Idempotency-Key: \"8e03978e-40d5-43dd-bc93-6894a57f9324\"\r\n"
#define OTHER_KEY "Idempotency-Key: 4c1f0a52-61d7-4f0a-9d21-0d5ad3a3b8aa\r\n"
#define JSON      "Content-Type: application/json\r\n"

static struct jobs_fixture database;
static _Atomic int runs, spoiled, gate_open, inside;
static _Atomic int64_t later_us; /* the clock goes so much before */

/* ---- the plugin ---- */

static int add_row(dw_call *c)
{
    int64_t rc = dw_db_exec(c, "INSERT INTO effects (job, n) VALUES ($1, 1)", dw_format(c, "%d", (int)runs));
    return rc < 0 ? (int)rc : 0;
}

/* As the SDK's pages have it. */
static int order(dw_call *c, dw_request *req)
{
    int64_t n = 0;

    runs++;
    DW_TRY(dw_request_read(req, "n", &n));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(add_row(c));
    DW_TRY(dw_reply_header(req, "Location", dw_format(c, "/orders/%d", (int)runs)));
    DW_TRY(dw_reply(req, 201, "run", (int)runs, "n", n));
    return dw_tx_commit(c);
}

static int late(dw_call *c, dw_request *req)
{
    runs++;
    DW_TRY(dw_tx_begin(c));
    DW_TRY(add_row(c));
    DW_TRY(dw_tx_commit(c));
    return dw_reply(req, 201, "run", (int)runs);
}

static int bare(dw_call *c, dw_request *req)
{
    runs++;
    DW_TRY(add_row(c));
    return dw_reply(req, 201, "run", (int)runs);
}

static int plain(dw_call *c, dw_request *req)
{
    const char *kind = "";

    runs++;
    DW_TRY(dw_request_read(req, "kind", &kind));
    if (strcmp(kind, "cookie") == 0)
        DW_TRY(dw_reply_header(req, "Set-Cookie", "a=b"));
    if (strcmp(kind, "secret") == 0)
        DW_TRY(dw_reply_header(req, "Cache-Control", "private, no-store"));
    if (strcmp(kind, "empty") == 0)
        return dw_reply(req, 204);
    if (strcmp(kind, "large") == 0)
        return dw_reply_bytes(req, 200, "text/plain",
                              (dw_bytes){ dw_alloc(c, IDEMPOTENCY_BODY_MAX + 1), IDEMPOTENCY_BODY_MAX + 1 });
    if (strcmp(kind, "stream") == 0) {
        dw_stream *out;
        DW_TRY(dw_stream_open(req, &out, 200, "text/plain"));
        DW_TRY(dw_stream_write(out, "x", 1));
        return dw_stream_finish(out);
    }
    return dw_reply(req, 200, "run", (int)runs);
}

static int counted(dw_call *c, dw_request *req)
{
    (void)c;
    runs++;
    return dw_reply(req, 200, "run", (int)runs);
}

static int fails(dw_call *c, dw_request *req)
{
    int64_t code = 0;

    runs++;
    DW_TRY(dw_request_read(req, "code", &code));
    return dw_fail(c, (int)code, "not this time");
}

/* Waits until the test lets it go on. */
static int slow(dw_call *c, dw_request *req)
{
    int run = ++runs;

    inside++;
    while (!gate_open && run == 1)
        usleep(1000);
    DW_TRY(dw_tx_begin(c));
    DW_TRY(add_row(c));
    DW_TRY(dw_reply(req, 201, "run", run));
    return dw_tx_commit(c);
}

static int later(dw_call *c, dw_request *req)
{
    dw_token *token;

    (void)c;
    runs++;
    DW_TRY(dw_request_detach(req, &token, .timeout = DW_SECONDS(5)));
    dw_token_reply(token, 200, "run", (int)runs);
    return 0;
}

static const dw_operation operations[] = {
    { "bare", bare },   { "change", counted }, { "fails", fails },    { "late", late },
    { "later", later }, { "off", counted },    { "order", order },    { "plain", plain },
    { "slow", slow },   { "wanted", counted }, { "upload", counted }, { 0 },
};

DOWEL_PLUGIN(.name = "notes", .version = "1.0.0", .summary = "Notes", .license = "MIT",
             .operations = operations);

#define POST(id, more) "  /" id ": { post: { operationId: " id ", x-public: true" more " } }\n"
#define BODY(members)                                                                                \
    ", requestBody: { content: { application/json: { schema: { type: object, properties: { " members \
    " } } } } }"
#define KIND ", parameters: [ { name: kind, in: query, schema: { type: string } } ]"

static const char api[] =
    "openapi: 3.1.0\n"
    "info: { title: Notes, version: '1' }\n"
    "paths:\n" POST("bare", "") POST("late", "") POST("later", "") POST("slow", "") POST("plain", KIND)
        POST("order", BODY("n: { type: integer }"))
            POST("fails", ", parameters: [ { name: code, in: query, schema: { type: integer } } ]")
                POST("wanted", ", x-idempotent: required") POST("off", ", x-idempotent: false")
                    POST("upload",
                         ", requestBody: { content: { multipart/form-data: { schema: { properties: { "
                         "f: {} } } } } }") "  /change: { patch: { operationId: change, x-public: true, "
                                            "x-idempotent: true } }\n";

/* ---- the rig ---- */

static int64_t wall(void *ud)
{
    (void)ud;
    return clock_wall_us() + later_us;
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
    if (jobs_fixture_open(&database) != 0)
        return -1;
    rig.process.db = database.db.db;
    rig.process.spoils = spoils;
    rig.process.wall_us = wall;
    rig_start(&dw_plugin_, api, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rig_stop();
    jobs_fixture_close(&database);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    rig_forget_log();
    runs = spoiled = gate_open = inside = 0;
    later_us = 0;
    rig.process.principal = rig.process.tenant = NULL;
    assert_true(JOBS_EXEC(&database, "DELETE FROM dowel_idempotency") >= 0);
    assert_true(JOBS_EXEC(&database, "DELETE FROM effects") >= 0);
    return 0;
}

static int64_t effects(void)
{
    return JOBS_NUMBER(&database, "SELECT count(*) AS \"n::integer\" FROM effects");
}

static int64_t rows(const char *state)
{
    return JOBS_NUMBER(&database, "SELECT count(*) AS \"n::integer\" FROM dowel_idempotency WHERE state = $1",
                       state);
}

static const char *post(const char *path, const char *fields)
{
    return rig_ask("POST", path, fields, "");
}

static bool is_replayed(const char *answer)
{
    return strstr(answer, "Idempotency-Replayed: true") != NULL;
}

/* ---- once ---- */

static void what_is_sent_again_is_done_once(void **state)
{
    (void)state;
    const char *a = rig_ask("POST", "/api/v1/order", KEY JSON, "{\"n\":7}");
    assert_int_equal(rig_status(a), 201);
    assert_false(is_replayed(a));
    for (int i = 0; i < 2; i++) {
        a = rig_ask("POST", "/api/v1/order", KEY JSON, "{\"n\":7}");
        assert_int_equal(rig_status(a), 201);
        assert_true(is_replayed(a));
        RIG_HAS(a, "Location: /orders/1\r\n");
        RIG_HAS(a, "Content-Type: application/json\r\n");
        RIG_HAS(a, "{\"run\":1,\"n\":7}");
    }
    assert_int_equal(effects(), 1);
    assert_int_equal(rows("done"), 1);
    a = rig_ask("POST", "/api/v1/order", OTHER_KEY JSON, "{\"n\":7}");
    RIG_HAS(a, "{\"run\":2,\"n\":7}");
    assert_int_equal(effects(), 2);
}

static void however_the_handler_writes(void **state)
{
    static const char *const paths[] = { "/api/v1/late", "/api/v1/bare", "/api/v1/plain" };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(paths); i++) {
        forget(state);
        RIG_HAS(post(paths[i], KEY), "{\"run\":1}");
        const char *a = post(paths[i], KEY);
        RIG_HAS(a, "{\"run\":1}");
        assert_true(is_replayed(a));
        assert_int_equal(runs, 1);
    }
    assert_int_equal(rig_status(post("/api/v1/plain?kind=empty", OTHER_KEY)), 204);
    const char *a = post("/api/v1/plain?kind=empty", OTHER_KEY);
    assert_int_equal(rig_status(a), 204);
    assert_true(is_replayed(a));
}

static void without_a_key_nothing_is_kept(void **state)
{
    (void)state;
    assert_int_equal(rig_status(post("/api/v1/bare", "")), 201);
    assert_int_equal(rig_status(post("/api/v1/bare", "")), 201);
    assert_int_equal(effects(), 2);
    assert_int_equal(rows("done") + rows("running") + rows("committed"), 0);
    RIG_HAS(post("/api/v1/off", KEY), "{\"run\":3}");
    RIG_HAS(post("/api/v1/off", KEY), "{\"run\":4}"); /* x-idempotent: false */
}

static void a_patch_that_says_so_has_them_too(void **state)
{
    (void)state;
    RIG_HAS(rig_ask("PATCH", "/api/v1/change", KEY, ""), "{\"run\":1}");
    assert_true(is_replayed(rig_ask("PATCH", "/api/v1/change", KEY, "")));
}

/* ---- keys ---- */

static void another_request_is_refused(void **state)
{
    (void)state;
    rig_ask("POST", "/api/v1/order", KEY JSON, "{\"n\":7}");
    const char *a = rig_ask("POST", "/api/v1/order", KEY JSON, "{\"n\":8}");
    assert_int_equal(rig_status(a), 422);
    RIG_HAS(a, "application/problem+json");
    RIG_HAS(a, "#/header/Idempotency-Key");
    assert_int_equal(rig_status(rig_ask("POST", "/api/v1/order?x", KEY JSON, "{\"n\":7}")),
                     400); /* no such parameter */
    assert_int_equal(rig_status(post("/api/v1/bare", KEY)), 422);
    assert_int_equal(
        rig_status(rig_ask("POST", "/api/v1/order", KEY "Content-Type: text/json+json\r\n", "{\"n\":7}")),
        415);
    assert_int_equal(runs, 1);
}

static void a_key_is_one_text(void **state)
{
    static const char *const bad[] = {
        "Idempotency-Key: \r\n",
        "Idempotency-Key: \"\"\r\n",
        "Idempotency-Key: \"8e03978e-40d5-43dd-bc93-6894a57f9324\r\n",
        "Idempotency-Key: 8e03978e-40d5-43dd-bc93-6894a57f9324 more\r\n",
        "Idempotency-Key: 8e03978e-40d5-43dd-bc93-6894a57f9324, 8e03978e\r\n",
        "Idempotency-Key: \"8e03978e-40d5-43dd-\xc3\xa9-6894a57f932411\"\r\n",
        KEY KEY,
        "Idempotency-Key: short\r\n", /* and nobody is signed in */
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        const char *a = post("/api/v1/plain", bad[i]);
        if (rig_status(a) != 400)
            fail_msg("%s: %s", bad[i], a);
        RIG_HAS(a, "#/header/Idempotency-Key");
    }
    char field[400];
    snprintf(field, sizeof(field), "Idempotency-Key: %0256d\r\n", 1);
    assert_int_equal(rig_status(post("/api/v1/plain", field)), 400);
    snprintf(field, sizeof(field), "Idempotency-Key: %0255d\r\n", 1);
    assert_int_equal(rig_status(post("/api/v1/plain", field)), 200);
    assert_int_equal(runs, 1);
    RIG_HAS(post("/api/v1/plain", KEY), "{\"run\":2}"); /* with its quotes and without them it is the same */
    RIG_HAS(post("/api/v1/plain", "Idempotency-Key: 8e03978e-40d5-43dd-bc93-6894a57f9324\r\n"),
            "{\"run\":2}");
    const char *a = post("/api/v1/wanted", "");
    assert_int_equal(rig_status(a), 400);
    RIG_HAS(a, "is missing, and is required");
    assert_int_equal(rig_status(post("/api/v1/wanted", OTHER_KEY)), 200);
}

/* The same key of another principal, or tenant, is another key. */
static void a_key_is_its_principals(void **state)
{
    (void)state;
    rig.process.tenant = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
    rig.process.principal = "ann";
    RIG_HAS(post("/api/v1/plain", "Idempotency-Key: 1\r\n"), "{\"run\":1}");
    rig.process.principal = "bob";
    RIG_HAS(post("/api/v1/plain", "Idempotency-Key: 1\r\n"), "{\"run\":2}");
    rig.process.tenant = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5c";
    RIG_HAS(post("/api/v1/plain", "Idempotency-Key: 1\r\n"), "{\"run\":3}");
    rig.process.tenant = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
    rig.process.principal = "ann";
    RIG_HAS(post("/api/v1/plain", "Idempotency-Key: 1\r\n"), "{\"run\":1}");
}

static void large_content_is_part_of_what_was_asked(void **state)
{
    enum { SIZE = 400000 };
    static const char head[] = "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n",
                      tail[] = "\r\n--x--\r\n";
    static const char fields[] = KEY "Content-Type: multipart/form-data; boundary=x\r\n";
    char *body = malloc(SIZE + sizeof(head) + sizeof(tail));

    (void)state;
    assert_non_null(body);
    memcpy(body, head, sizeof(head) - 1);
    memset(body + sizeof(head) - 1, 'a', SIZE);
    memcpy(body + sizeof(head) - 1 + SIZE, tail, sizeof(tail));
    RIG_HAS(rig_ask("POST", "/api/v1/upload", fields, body), "{\"run\":1}");
    assert_true(is_replayed(rig_ask("POST", "/api/v1/upload", fields, body)));
    body[sizeof(head) + SIZE / 2] = 'b';
    assert_int_equal(rig_status(rig_ask("POST", "/api/v1/upload", fields, body)), 422);
    free(body);
}

/* ---- what is not kept ---- */

static void failures_free_the_key(void **state)
{
    static const struct {
        int code, status;
        bool is_kept;
    } cases[] = {
        { DW_EINTERNAL, 500, false }, { DW_EUPSTREAM, 502, false }, { DW_EUNAVAILABLE, 503, false },
        { DW_ERATE, 429, false },     { DW_EAUTH, 401, false },     { DW_ENOTFOUND, 404, true },
        { DW_ECONFLICT, 409, true },  { DW_EINVALID, 422, true },
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        char path[64];
        forget(state);
        snprintf(path, sizeof(path), "/api/v1/fails?code=%d", cases[i].code);
        assert_int_equal(rig_status(post(path, KEY)), cases[i].status);
        const char *a = post(path, KEY);
        assert_int_equal(rig_status(a), cases[i].status);
        assert_int_equal(is_replayed(a), cases[i].is_kept);
        assert_int_equal(runs, cases[i].is_kept ? 1 : 2);
        RIG_HAS(a, "application/problem+json");
    }
}

static void secrets_streams_and_large_answers_are_told_to_be_lost(void **state)
{
    static const char *const kinds[] = { "cookie", "secret", "large", "stream" };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(kinds); i++) {
        char path[64];
        forget(state);
        snprintf(path, sizeof(path), "/api/v1/plain?kind=%s", kinds[i]);
        assert_int_equal(rig_status(post(path, KEY)), 200);
        const char *a;
        do /* a stream's client may be faster than its handler */
            a = post(path, KEY);
        while (strstr(a, "Retry-After"));
        assert_int_equal(rig_status(a), 409);
        RIG_HAS(a, "was carried out, and its answer was not kept");
        assert_null(strstr(a, "Retry-After"));
        assert_int_equal(runs, 1);
    }
    forget(state);
    assert_int_equal(rig_status(post("/api/v1/later", KEY)), 200); /* a token's */
    assert_int_equal(rig_status(post("/api/v1/later", KEY)), 409);
    assert_int_equal(runs, 1);
}

/* ---- at the same time, and what dies ---- */

struct background {
    pthread_t thread;
    char *answer;
};

static void *ask_slow(void *ud)
{
    struct background *b = ud;

    b->answer = rig_read_all(rig_begin("POST", "/api/v1/slow", KEY, ""));
    return NULL;
}

static void begin_slow(struct background *b)
{
    assert_int_equal(pthread_create(&b->thread, NULL, ask_slow, b), 0);
    RIG_UNTIL(inside == 1);
}

static const char *end_slow(struct background *b)
{
    gate_open = 1;
    pthread_join(b->thread, NULL);
    assert_non_null(b->answer);
    return b->answer;
}

static void while_it_runs_the_second_is_told_to_wait(void **state)
{
    struct background first;

    (void)state;
    begin_slow(&first);
    const char *a = post("/api/v1/slow", KEY);
    assert_int_equal(rig_status(a), 409);
    RIG_HAS(a, "Retry-After: 1\r\n");
    assert_int_equal(rig_status(end_slow(&first)), 201);
    free(first.answer);
    assert_true(is_replayed(post("/api/v1/slow", KEY)));
    assert_int_equal(effects(), 1);
}

/* Its lease is over, somebody else has done it: what it does then is not committed. */
static void who_has_lost_its_claim_commits_nothing(void **state)
{
    struct background first;

    (void)state;
    begin_slow(&first);
    later_us = 300 * (int64_t)CLOCK_SECOND;
    const char *a = post("/api/v1/slow", KEY);
    assert_int_equal(rig_status(a), 201);
    RIG_HAS(a, "{\"run\":2}");
    assert_int_equal(rig_status(end_slow(&first)), 504);
    free(first.answer);
    assert_int_equal(effects(), 1);
    a = post("/api/v1/slow", KEY);
    assert_true(is_replayed(a));
    RIG_HAS(a, "{\"run\":2}");
}

static void leave_row(const char *state_, const char *server, int64_t lease_us)
{
    const dw_time lease = { clock_wall_us() + lease_us };

    assert_int_equal(rig_status(post("/api/v1/bare", KEY)), 201);
    assert_int_equal(JOBS_EXEC(&database,
                               "UPDATE dowel_idempotency SET state = $1, server = $2, lease_until = $3",
                               state_, server, lease),
                     1);
    runs = 0;
}

static void bury(const char *server)
{
    const struct db_who who = { .owner = "core" };
    struct db_session *s;

    assert_int_equal(db_session_create(&s, database.db.db, &who), 0);
    assert_int_equal(db_begin(s), 0);
    assert_int_equal(idempotency_server_died(s, server), 0);
    assert_int_equal(db_commit(s), 0);
    db_session_destroy(s);
}

static void what_a_dead_server_ran_runs_again(void **state)
{
    (void)state;
    leave_row("running", "dead:1", 60 * (int64_t)CLOCK_SECOND);
    bury("another:2");
    assert_int_equal(rig_status(post("/api/v1/bare", KEY)), 409);
    bury("dead:1");
    assert_int_equal(rig_status(post("/api/v1/bare", KEY)), 201);
    assert_int_equal(runs, 1);
}

/* Committed, and died before it had an answer: it is not done twice. */
static void what_was_committed_is_not_done_again(void **state)
{
    (void)state;
    leave_row("committed", "dead:1", 60 * (int64_t)CLOCK_SECOND);
    RIG_HAS(post("/api/v1/bare", KEY), "Retry-After");
    bury("dead:1");
    const char *a = post("/api/v1/bare", KEY);
    assert_int_equal(rig_status(a), 409);
    RIG_HAS(a, "was carried out");
    assert_int_equal(runs, 0);
    assert_int_equal(effects(), 1);
}

/* A transaction that the engine wants again takes its answer with it. */
static void a_repeated_transaction_keeps_one_answer(void **state)
{
    (void)state;
    spoiled = 1;
    RIG_HAS(rig_ask("POST", "/api/v1/order", KEY JSON, "{}"), "{\"run\":2,");
    RIG_HAS(rig_ask("POST", "/api/v1/order", KEY JSON, "{}"), "{\"run\":2,");
    assert_int_equal(effects(), 1);
}

enum { PARALLEL = 16 };

static void of_many_at_once_one_does_it(void **state)
{
    int fds[PARALLEL], done = 0;

    (void)state;
    for (int i = 0; i < PARALLEL; i++)
        fds[i] = rig_begin("POST", "/api/v1/order", KEY JSON, "{}");
    for (int i = 0; i < PARALLEL; i++) {
        char *a = rig_read_all(fds[i]);
        int status = rig_status(a);
        if (status != 409)
            assert_int_equal(status, 201);
        done += status == 201;
        free(a);
    }
    assert_true(done >= 1);
    assert_int_equal(effects(), 1);
    assert_int_equal(runs, 1);
}

/* ---- a day later ---- */

static void answers_live_a_day(void **state)
{
    (void)state;
    RIG_HAS(post("/api/v1/plain", KEY), "{\"run\":1}");
    later_us = IDEMPOTENCY_KEEP_US - CLOCK_SECOND * (int64_t)60;
    RIG_HAS(post("/api/v1/plain", KEY), "{\"run\":1}");
    later_us = IDEMPOTENCY_KEEP_US + CLOCK_SECOND;
    RIG_HAS(post("/api/v1/plain", KEY), "{\"run\":2}");
    assert_int_equal(idempotency_retain(database.db.db, clock_wall_us()), 0);
    assert_int_equal(idempotency_retain(database.db.db, clock_wall_us() + 2 * IDEMPOTENCY_KEEP_US + 9000000),
                     1);
    assert_int_equal(rows("done"), 0);
}

/* Without the database it is not known whether it was done: so it is not. */
static void without_a_database_it_is_not_done(void **state)
{
    struct db *db = rig.process.db;

    (void)state;
    rig.process.db = NULL;
    const char *a = post("/api/v1/plain", KEY);
    rig.process.db = db;
    assert_int_equal(rig_status(a), 503);
    RIG_HAS(a, "Retry-After");
    assert_int_equal(runs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_sent_again_is_done_once, forget),
        cmocka_unit_test_setup(however_the_handler_writes, forget),
        cmocka_unit_test_setup(without_a_key_nothing_is_kept, forget),
        cmocka_unit_test_setup(a_patch_that_says_so_has_them_too, forget),
        cmocka_unit_test_setup(another_request_is_refused, forget),
        cmocka_unit_test_setup(a_key_is_one_text, forget),
        cmocka_unit_test_setup(a_key_is_its_principals, forget),
        cmocka_unit_test_setup(large_content_is_part_of_what_was_asked, forget),
        cmocka_unit_test_setup(failures_free_the_key, forget),
        cmocka_unit_test_setup(secrets_streams_and_large_answers_are_told_to_be_lost, forget),
        cmocka_unit_test_setup(while_it_runs_the_second_is_told_to_wait, forget),
        cmocka_unit_test_setup(who_has_lost_its_claim_commits_nothing, forget),
        cmocka_unit_test_setup(what_a_dead_server_ran_runs_again, forget),
        cmocka_unit_test_setup(what_was_committed_is_not_done_again, forget),
        cmocka_unit_test_setup(a_repeated_transaction_keeps_one_answer, forget),
        cmocka_unit_test_setup(of_many_at_once_one_does_it, forget),
        cmocka_unit_test_setup(answers_live_a_day, forget),
        cmocka_unit_test_setup(without_a_database_it_is_not_done, forget),
    };

    return (db_fixture_on(DB_SQLITE)
                ? cmocka_run_group_tests_name("idempotency on SQLite", tests, start, stop)
                : 0) +
           (db_fixture_on(DB_POSTGRES)
                ? cmocka_run_group_tests_name("idempotency on PostgreSQL", tests, start, stop)
                : 0);
}
