/* The frame of the server's own operations, around handlers of the test's: what comes before them, and what becomes of what
 * they return. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit_fixture.h"
#include "operations/core_operation.h"
#include "plugin/access.h"
#include "plugin_rig.h"

#define TENANT "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"

const dw_asset dw_assets_[] = { { 0 } };

/* ---- who asks: tokens are names; nina is in no tenant, otto may nothing ---- */

static int who_is(dw_call *c, dw_credential *credential)
{
    static const char *const things[] = { "things.see" };

    credential->id = dw_copy(c, credential->text);
    credential->tenant = strcmp(credential->id, "nina") == 0 ? NULL : TENANT;
    credential->name = "Ann Lee";
    credential->permissions = things;
    credential->permissions_n = strcmp(credential->id, "otto") == 0 ? 0 : 1;
    return 0;
}

DOWEL_PLUGIN(.name = "names", .version = "1.0.0", .authenticator = DW_AUTHENTICATOR(.authenticate = who_is));

/* ---- the handlers ---- */

static struct {
    struct audit_fixture f;
    struct core_route routes[8];
    struct api_document *contract;
    _Atomic int runs;
} world;

static int say_who(struct core_request *r)
{
    struct buf body = BUF_INIT;
    bool flag = false;

    core_flag(r, "flag", &flag);
    buf_add_format(&body, "{\"who\":\"%s\",\"tenant\":\"%s\",\"id\":\"%s\",\"flag\":%d}",
                   r->who->principal.id, r->tenant, core_id(r, "id"), flag);
    return core_reply(r, 200, &body);
}

static int fail_as_told(struct core_request *r)
{
    const char *how = core_text(r, "how");
    int64_t n = 0, since = 0;

    if (strcmp(how, "since") == 0)
        return core_time(r, "since", &since);
    if (strcmp(how, "text") == 0)
        return core_fail(r, DW_ECONFLICT, "it is %s already", "there");
    if (strcmp(how, "place") == 0)
        return core_fail_at(r, "#/query/how", "is no way to fail");
    if (strcmp(how, "nothing") == 0)
        return DW_ENOTFOUND;
    if (strcmp(how, "sql") == 0)
        return db_find(r->s, DW_TO(&n), DB_BY_CORE, DW_LIST("SELECT secret FROM nowhere"));
    if (strcmp(how, "after") == 0) {
        core_reply(r, 200, NULL);
        return DW_ERATE;
    }
    if (strcmp(how, "open") == 0) {
        DW_TRY(db_begin(r->s));
        return core_reply(r, 204, NULL);
    }
    return 0; /* and no reply */
}

/* The first run loses its connection in the middle. */
static int lose_once(struct core_request *r)
{
    bool done = false;

    DW_TRY(core_reply(r, 202, NULL));
    DW_TRY(db_begin(r->s));
    if (++world.runs == 1)
        DW_TRY(db_find(r->s, DW_TO(&done), DB_BY_CORE,
                       DW_LIST("SELECT pg_terminate_backend(pg_backend_pid())")));
    return db_commit(r->s);
}

/* As each does that changes something; `how` says what becomes of it. */
static int keep(struct core_request *r)
{
    const char *how = core_text(r, "how");
    struct buf body = BUF_INIT;

    world.runs++;
    DW_TRY(db_begin(r->s));
    DW_TRY((int)db_exec(r->s, DB_BY_CORE, DW_LIST("INSERT INTO effects (job, n) VALUES ('kept', 1)")));
    DW_TRY(core_note(r, "core.thing.kept", TENANT, DW_LIST("how", how, "secret", "hush")));
    buf_add_format(&body, "{\"run\":%d}", (int)world.runs);
    if (strcmp(how, "secretly") == 0)
        http_reply_header(r->x, "Cache-Control", STR_OF("no-store"));
    DW_TRY(core_reply(r, 201, &body));
    if (strcmp(how, "not") == 0)
        return DW_ECONFLICT;
    if (strcmp(how, "later") == 0)
        return DW_EUNAVAILABLE;
    if (strcmp(how, "lost") == 0) /* somebody else has the key */
        DW_TRY((int)db_exec(r->s, DB_BY_CORE, DW_LIST("UPDATE dowel_idempotency SET claim = $1", TENANT)));
    return db_commit(r->s);
}

static const struct core_operation operations[] = {
    { "keep", keep },
    { "sayWho", say_who },
    { "fail", fail_as_told },
    { "lose", lose_once },
};

static const char api[] =
    "openapi: 3.1.0\ninfo: { title: Things, version: \"1\" }\n"
    "paths:\n"
    "  /things/{id}: { get: { operationId: sayWho, x-permission: things.see, parameters: [\n"
    "    { name: id, in: path, required: true, schema: { type: string, format: uuid } },\n"
    "    { name: flag, in: query, schema: { type: boolean } } ] } }\n"
    "  /fail: { get: { operationId: fail, x-permission: things.see, parameters: [\n"
    "    { name: how, in: query, required: true, schema: { type: string } },\n"
    "    { name: since, in: query, schema: { type: string } } ] } }\n"
    "  /lose: { post: { operationId: lose, x-permission: things.see } }\n"
    "  /keep: { post: { operationId: keep, x-permission: things.see, requestBody: { required: true, content: "
    "{\n"
    "    application/json: { schema: { type: object, required: [how], properties: { how: { type: string } } "
    "} } } "
    "} } }\n";

/* ---- the rig: the plugin tells who asks, and serves nothing ---- */

static void add_routes(void)
{
    struct config_problems problems;
    char why[ROUTER_WHY_SIZE];

    config_problems_init(&problems);
    assert_int_equal(api_document_create(str_from(api), "things/api.yaml", &problems, &world.contract), 0);
    config_problems_finish(&problems);
    for (size_t i = 0; i < DW_COUNT_OF(operations); i++) {
        const struct api_operation *op = api_document_find(world.contract, operations[i].id);
        world.routes[i] = (struct core_route){ &rig.process, op, operations[i].handler, NULL };
        const struct http_route route = { .method = op->method,
                                          .path = op->path,
                                          .handler = core_request_handle,
                                          .ud = &world.routes[i],
                                          .where = HTTP_ON_WORKER,
                                          .body = api_operation_body_mode(op) };
        assert_int_equal(router_add(rig.router, &route, why), 0);
    }
}

static int start(void **state)
{
    const struct http_options o = { .loops = 1, .workers = 2 };
    struct buf why = BUF_INIT;

    (void)state;
    memset(&world, 0, sizeof(world));
    if (audit_fixture_open(&world.f) != 0)
        return -1;
    rig.process.db = world.f.jobs.db.db;
    rig.process.audit = world.f.audit;
    rig_open_log();
    assert_int_equal(access_create(&rig.process.access, 16), 0);
    rig_make_instance(&dw_plugin_, NULL);
    assert_int_equal(access_set_authenticator(rig.process.access, rig.instance, &why), 0);
    assert_int_equal(router_create(&rig.router), 0);
    add_routes();
    rig.listen_fd = rig_listen(&rig.port);
    assert_int_equal(http_server_create(&rig.server, &o, rig.router), 0);
    assert_int_equal(http_server_listen(rig.server, rig.listen_fd, HTTP_LISTEN_TCP, 0, true, NULL), 0);
    assert_int_equal(http_server_start(rig.server), 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rig_stop();
    api_document_destroy(world.contract);
    access_destroy(rig.process.access);
    memset(&rig.process, 0, sizeof(rig.process));
    rig.document = NULL;
    audit_fixture_close(&world.f);
    return 0;
}

#define AS_ANN "Authorization: Bearer ann\r\n"

static const char *fails(const char *how)
{
    char path[64];

    snprintf(path, sizeof(path), "/api/v1/fail?how=%s", how);
    return rig_ask("GET", path, AS_ANN, "");
}

/* ---- tests ---- */

static void a_handler_finds_all_it_needs(void **state)
{
    const char *a =
        rig_ask("GET", "/api/v1/things/0192F0C1-2D3E-7A4B-8C5D-6E7F80910A1C?flag=true", AS_ANN, "");

    (void)state;
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "{\"who\":\"ann\",\"tenant\":\"" TENANT
               "\",\"id\":\"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1c\",\"flag\":1}");
}

static void who_may_not_does_not_get_there(void **state)
{
    static const char path[] = "/api/v1/things/0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1c";

    (void)state;
    assert_int_equal(rig_status(rig_get(path)), 401);
    assert_int_equal(rig_status(rig_ask("GET", path, "Authorization: Bearer otto\r\n", "")), 403);
    RIG_HAS(rig_ask("GET", path, "Authorization: Bearer nina\r\n", ""), "you are in none");
    RIG_HAS(rig_ask("GET", "/api/v1/things/nonsense", AS_ANN, ""), "#/path/id");
    RIG_HAS(rig_ask("GET", "/api/v1/things/nonsense", "Authorization: Bearer otto\r\n", ""), "things.see");
}

static void errors_are_answered_as_those_of_plugins(void **state)
{
    (void)state;
    RIG_HAS(fails("text"), "\"status\":409,\"detail\":\"it is there already\"");
    RIG_HAS(fails("place"), "\"errors\":[{\"pointer\":\"#/query/how\",\"detail\":\"is no way to fail\"}]");
    RIG_HAS(fails("since&since=yesterday"), "\"pointer\":\"#/query/since\"");
    RIG_HAS(fails("nothing"), "\"status\":404,\"detail\":\"there is no such thing\"");
    const char *a = fails("after"); /* what was replied before is taken back */
    assert_int_equal(rig_status(a), 429);
    RIG_HAS(a, "Retry-After: 1\r\n");
}

static void what_the_database_says_is_for_the_log(void **state)
{
    const char *a = fails("sql");

    (void)state;
    assert_int_equal(rig_status(a), 500);
    assert_null(strstr(a, "nowhere"));
    assert_true(rig_log_has("an operation of the server's own failed"));
    assert_true(rig_log_has("nowhere"));
}

static void a_handler_that_did_not_finish_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(rig_status(fails("open")), 500);
    assert_int_equal(rig_status(fails("silently")), 500);
    assert_true(rig_log_has("left a transaction open, or made no reply"));
}

static void what_the_database_wants_repeated_is(void **state)
{
    (void)state;
    if (world.f.jobs.db.engine != DB_POSTGRES)
        return; /* nothing of SQLite's can be lost on purpose */
    assert_int_equal(rig_status(rig_ask("POST", "/api/v1/lose", AS_ANN, "")), 202);
    assert_int_equal(world.runs, 2);
}

/* ---- Idempotency-Key ---- */

#define KEY "Idempotency-Key: \"one\"\r\n"

static const char *keeps(const char *fields, const char *how)
{
    char body[64], all[256];

    snprintf(body, sizeof(body), "{\"how\":\"%s\"}", how);
    snprintf(all, sizeof(all), "%sContent-Type: application/json\r\n", fields);
    return rig_ask("POST", "/api/v1/keep", all, body);
}

static int64_t effects(void)
{
    return AUDIT_NUMBER(&world.f, "SELECT count(*) AS \"n::integer\" FROM effects");
}

static void assert_replayed(const char *answer, int status, const char *part)
{
    assert_int_equal(rig_status(answer), status);
    RIG_HAS(answer, "Idempotency-Replayed: true\r\n");
    RIG_HAS(answer, part);
}

static void what_is_sent_again_is_done_once(void **state)
{
    (void)state;
    const char *a = keeps(AS_ANN KEY, "well");
    assert_int_equal(rig_status(a), 201);
    assert_null(strstr(a, "Idempotency-Replayed"));
    assert_replayed(keeps(AS_ANN KEY, "well"), 201, "{\"run\":1}");
    assert_int_equal(rig_status(keeps(AS_ANN KEY, "otherwise")), 422);
    assert_int_equal(effects(), 1);
    assert_int_equal(rig_status(keeps("Authorization: Bearer bob\r\n" KEY, "well")),
                     201); /* has keys of his own */
    assert_int_equal(rig_status(keeps(AS_ANN, "well")), 201);
    assert_int_equal(effects(), 3);
    assert_int_equal(rig_status(keeps(KEY, "well")), 401); /* a key is no credential */
    assert_int_equal(rig_status(keeps("Authorization: Bearer otto\r\n" KEY, "well")), 403);
}

static void a_secret_is_not_kept(void **state)
{
    (void)state;
    assert_int_equal(rig_status(keeps(AS_ANN KEY, "secretly")), 201);
    const char *a = keeps(AS_ANN KEY, "secretly");
    assert_int_equal(rig_status(a), 409);
    RIG_HAS(a, "was carried out, and its answer was not kept");
    assert_int_equal(world.runs, 1);
    assert_int_equal(AUDIT_NUMBER(&world.f, "SELECT count(*) AS \"n::integer\" FROM dowel_idempotency"
                                            " WHERE body IS NOT NULL"),
                     0);
}

/* What was staged before is nothing that a client ever got. */
static void an_error_is_kept_as_it_was_answered(void **state)
{
    (void)state;
    assert_int_equal(rig_status(keeps(AS_ANN KEY, "not")), 409);
    assert_replayed(keeps(AS_ANN KEY, "not"), 409, "application/problem+json");
    assert_int_equal(world.runs, 1);
    assert_int_equal(effects(), 0);
}

static void who_should_come_back_later_may(void **state)
{
    (void)state;
    assert_int_equal(rig_status(keeps(AS_ANN KEY, "later")), 503);
    assert_int_equal(rig_status(keeps(AS_ANN KEY, "later")), 503);
    assert_int_equal(world.runs, 2);
    assert_int_equal(effects(), 0);
}

static void who_has_lost_the_key_commits_nothing(void **state)
{
    (void)state;
    assert_int_equal(rig_status(keeps(AS_ANN KEY, "lost")), 504);
    assert_int_equal(effects(), 0);
}

static void what_is_repeated_keeps_one_answer(void **state)
{
    (void)state;
    if (world.f.jobs.db.engine != DB_POSTGRES)
        return; /* as above */
    assert_int_equal(rig_status(rig_ask("POST", "/api/v1/lose", AS_ANN KEY, "")), 202);
    assert_replayed(rig_ask("POST", "/api/v1/lose", AS_ANN KEY, ""), 202, "");
    assert_int_equal(world.runs, 2);
}

/* ---- the audit log ---- */

static int64_t notes(void)
{
    return AUDIT_NUMBER(&world.f, "SELECT count(*) AS \"n::integer\" FROM dowel_audit"
                                  " WHERE action = 'core.thing.kept'");
}

static void read_note(struct buf *out)
{
    const struct audit_filter filter = { .tenant = TENANT, .action = "core.thing.kept" };
    struct db_session *s = audit_session(&world.f);
    char next[UUID_TEXT_SIZE];

    assert_true(audit_list(world.f.audit, s, &filter, NULL, 10, out, next) >= 0);
    db_session_destroy(s);
}

static void what_is_done_is_noted(void **state)
{
    struct buf note = BUF_INIT;

    (void)state;
    assert_int_equal(rig_status(keeps(AS_ANN, "well")), 201);
    read_note(&note);
    const char *text = buf_text(&note);
    RIG_HAS(text, "\"tenant\":\"" TENANT "\"");
    RIG_HAS(text, "\"actor\":{\"kind\":\"user\",\"id\":\"ann\",");
    RIG_HAS(text, "\"name\":\"Ann Lee\"");
    RIG_HAS(text, "\"address\":\"127.0.0.1\"");
    RIG_HAS(text, "\"plugin\":\"core\"");
    RIG_HAS(text, "\"target\":\"" TENANT "\",\"request\":\"");
    RIG_HAS(text, "\"how\":\"well\"");
    assert_null(strstr(text, "hush"));
    assert_null(strstr(text, "\"request\":\"\""));
    buf_finish(&note);
}

static void what_was_not_done_or_done_before_is_not(void **state)
{
    (void)state;
    keeps(AS_ANN, "not");
    keeps(AS_ANN KEY, "lost");
    assert_int_equal(notes(), 0);
    keeps(AS_ANN "Idempotency-Key: \"two\"\r\n", "well");
    keeps(AS_ANN "Idempotency-Key: \"two\"\r\n", "well");
    assert_int_equal(notes(), 1);
}

static void without_an_audit_log_nothing_is_done(void **state)
{
    (void)state;
    rig.process.audit = NULL;
    assert_int_equal(rig_status(keeps(AS_ANN, "well")), 503);
    assert_int_equal(effects(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_handler_finds_all_it_needs, start, stop),
        cmocka_unit_test_setup_teardown(who_may_not_does_not_get_there, start, stop),
        cmocka_unit_test_setup_teardown(errors_are_answered_as_those_of_plugins, start, stop),
        cmocka_unit_test_setup_teardown(what_the_database_says_is_for_the_log, start, stop),
        cmocka_unit_test_setup_teardown(a_handler_that_did_not_finish_is_an_error, start, stop),
        cmocka_unit_test_setup_teardown(what_the_database_wants_repeated_is, start, stop),
        cmocka_unit_test_setup_teardown(what_is_sent_again_is_done_once, start, stop),
        cmocka_unit_test_setup_teardown(a_secret_is_not_kept, start, stop),
        cmocka_unit_test_setup_teardown(an_error_is_kept_as_it_was_answered, start, stop),
        cmocka_unit_test_setup_teardown(who_should_come_back_later_may, start, stop),
        cmocka_unit_test_setup_teardown(who_has_lost_the_key_commits_nothing, start, stop),
        cmocka_unit_test_setup_teardown(what_is_repeated_keeps_one_answer, start, stop),
        cmocka_unit_test_setup_teardown(what_is_done_is_noted, start, stop),
        cmocka_unit_test_setup_teardown(what_was_not_done_or_done_before_is_not, start, stop),
        cmocka_unit_test_setup_teardown(without_an_audit_log_nothing_is_done, start, stop),
    };
    return DB_ON_EVERY_ENGINE("core_request", tests);
}
