/* What a plugin's handler gets of a request, and what a client gets of what it returns, through a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "metrics/metrics.h"
#include "plugin/request.h"
#include "plugin_rig.h"
#include "util/thread.h"

const dw_asset dw_assets_[] = { { 0 } };

/* ---- the plugin: one handler for each thing that may happen ---- */

static int echo(dw_call *c, dw_request *req)
{
    const char *title = NULL, *tag = "none", *id = NULL;
    int64_t count = -1;
    bool open = false;
    double weight = 0;
    json_t *more = NULL;

    (void)c;
    DW_TRY(dw_request_read(req, "id", &id, "title", &title, "count", &count, "open", &open, "weight", &weight,
                           "more", &more, "tag", &tag));
    DW_TRY(dw_reply_header(req, "X-Method", dw_request_method(req)));
    return dw_reply(req, 201, "id", id, "title", title, "count", (long long)count, "open", open, "weight",
                    weight, "more", more, "tag", tag, "path", dw_request_path(req), "request",
                    dw_request_id(req), "agent", dw_request_header(req, "User-Agent"), "none",
                    dw_request_header(req, "X-None"), "size", (int)dw_request_body(req).n);
}

static int fails(dw_call *c, dw_request *req)
{
    int code = 0;

    DW_TRY(dw_request_read(req, "code", &code));
    DW_TRY(dw_reply_header(req, "X-Staged", "1"));
    DW_TRY(dw_reply(req, 200, "secret", "was staged"));
    return code < DW_EINTERNAL ? code : dw_fail(c, code, "the cat sat on it");
}

static int marks(dw_call *c, dw_request *req)
{
    (void)req;
    dw_fail_at(c, "/begin", "lies after its end");
    dw_fail_at(c, "/end", "is no working day");
    return DW_EINVALID;
}

static int peers(dw_call *c, dw_request *req)
{
    int code = DW_EAUTH;

    DW_TRY(dw_request_read(req, "code", &code));
    call_fail_detail(c, code, "401", "GET https://inner.example answered 401");
    c->error_from_peer = true;
    return code;
}

/* What the server says to who writes plugins, passed on as plugins do. */
static int seeks(dw_call *c, dw_request *req)
{
    struct {
        uint32_t struct_size;
    } question = { sizeof(question) };
    int channel = 0;

    DW_TRY(dw_request_read(req, "channel", &channel));
    return channel ? dw_reply_follow(req, "nowhere") : dw_service_ask(c, "ledger.book/1", &question);
}

static int waits(dw_call *c, dw_request *req)
{
    (void)req;
    call_fail(c, DW_ERATE, "slower");
    c->error.retry_after = DW_MILLISECONDS(1500);
    return DW_ERATE;
}

static int says_nothing(dw_call *c, dw_request *req)
{
    (void)c;
    (void)req;
    return 0;
}

static int replies_twice(dw_call *c, dw_request *req)
{
    (void)c;
    DW_TRY(dw_reply(req, 200, "first", 1));
    int rc = dw_reply(req, 201, "second", 2);
    return rc == DW_EMISUSE ? 7 : 0;
}

static int asks_unknown(dw_call *c, dw_request *req)
{
    const char *text;
    (void)c;
    return dw_request_read(req, "titel", &text);
}

static int takes_wrong_type(dw_call *c, dw_request *req)
{
    int64_t title;
    (void)c;
    DW_TRY(dw_request_read(req, "open", &title));
    return dw_reply(req, 204);
}

static int writes(dw_call *c, dw_request *req)
{
    dw_out *o = dw_reply_open(req, 200);
    (void)c;
    dw_out_set(o, "id", 5);
    dw_out_array(o, "tags");
    dw_out_add(o, "a");
    dw_out_add(o, "b");
    dw_out_end(o);
    return dw_reply_close(req);
}

static int forgets_close(dw_call *c, dw_request *req)
{
    (void)c;
    dw_out_set(dw_reply_open(req, 200), "id", 5);
    return 0;
}

static int sends_bytes(dw_call *c, dw_request *req)
{
    char type[] = "text/x-own; charset=utf-8";
    (void)c;
    int rc = dw_reply_bytes(req, 200, type, (dw_bytes){ "\x01\x02hi", 4 });
    memset(type, 'x', sizeof(type)); /* it was copied */
    return rc;
}

static int breaks_rules(dw_call *c, dw_request *req)
{
    (void)c;
    bool all = dw_reply(req, 99) == DW_EMISUSE && dw_reply(req, 600) == DW_EMISUSE &&
               dw_reply(req, "200") == DW_EMISUSE && dw_reply(req, 204, "a", 1) == DW_EMISUSE &&
               dw_reply(req, 200, "a") == DW_EMISUSE && dw_reply_json(req, 304, NULL) == DW_EMISUSE &&
               dw_reply_bytes(req, 200, "a\r\nb: c", (dw_bytes){ "x", 1 }) == DW_EMISUSE &&
               dw_reply_header(req, "Content-Length", "5") == DW_EINVALID &&
               dw_reply_header(req, "X-A", "a\r\nB: c") == DW_EINVALID && dw_reply_close(req) == DW_EMISUSE;
    return dw_reply(req, all ? 200 : 418, "ok", 1);
}

/* ---- streams of bytes ---- */

static int streams(dw_call *c, dw_request *req)
{
    dw_stream *s;
    int cut = 0;

    DW_TRY(dw_request_read(req, "code", &cut));
    DW_TRY(dw_stream_open(req, &s, 200, "text/plain"));
    if (cut == 1)
        return dw_fail(c, DW_ECONFLICT, "before the first write");
    DW_TRY(dw_stream_write(s, "one ", 4));
    DW_TRY(dw_stream_write(s, "two", 3));
    if (cut == 2)
        return dw_fail(c, DW_EUPSTREAM, "half of it");
    return cut == 3 ? 0 : dw_stream_finish(s);
}

/* More than anybody takes who does not read. */
static _Atomic int flooded_with;
static _Atomic unsigned flooded_n;
static dw_call *_Atomic flooding;

static int floods(dw_call *c, dw_request *req)
{
    static const char piece[64 * 1024];
    dw_stream *s;
    int rc = 0;

    flooding = c;
    DW_TRY(dw_stream_open(req, &s, 200, "text/plain"));
    while (rc == 0) {
        rc = dw_stream_write(s, piece, sizeof(piece));
        flooded_n++;
    }
    flooded_with = rc;
    return rc;
}

/* ---- cancelling ---- */

static _Atomic int cancelled_with;

static int sleeps(dw_call *c, dw_request *req)
{
    (void)req;
    int rc = dw_sleep(c, DW_SECONDS(30));
    cancelled_with = rc;
    return rc;
}

static int overstays(dw_call *c, dw_request *req)
{
    (void)req;
    int rc = dw_sleep(c, DW_SECONDS(30));
    cancelled_with = rc;
    return dw_fail(c, DW_ECANCELLED, "the time was up");
}

/* ---- strays ---- */

static dw_request *kept;
static dw_call *kept_call;

static int keeps(dw_call *c, dw_request *req)
{
    kept = req;
    kept_call = c;
    return dw_reply(req, 200, "kept", 1);
}

static int uses_kept(dw_call *c, dw_request *req)
{
    (void)c;
    int rc = dw_reply(kept, 200, "stolen", 1);
    dw_out *o = dw_reply_open(kept, 200);
    dw_out_set(o, "a", 1);
    return dw_reply(req, 200, "rc", rc, "header", dw_request_header(kept, "Host"), "error", dw_out_error(o));
}

static void *use_elsewhere(void *ud)
{
    static int rc;
    rc = dw_reply(ud, 200, "stolen", 1);
    return &rc;
}

static int used_elsewhere(dw_call *c, dw_request *req)
{
    pthread_t thread;
    void *rc;

    (void)c;
    if (thread_start(&thread, "stray", false, use_elsewhere, req) != 0)
        return DW_EINTERNAL;
    pthread_join(thread, &rc);
    return dw_reply(req, 200, "rc", *(int *)rc);
}

/* ---- two halves ---- */

static pthread_t other;
static _Atomic bool half_ran;

static void *resume_soon(void *ud)
{
    request_resume(ud);
    return NULL;
}

static int second(dw_call *c, dw_request *req, void *ud)
{
    half_ran = true;
    if (dw_cancelled(c))
        return DW_ECANCELLED;
    return dw_reply(req, 200, "text", (const char *)ud);
}

static int halves(dw_call *c, dw_request *req)
{
    int code = 0;
    char *text = dw_alloc(c, 16);

    strcpy(text, "of the call");
    DW_TRY(dw_request_read(req, "code", &code));
    DW_TRY(request_suspend(c, req, second, text));
    if (dw_reply(req, 200, "no", 1) != DW_EMISUSE)
        return DW_EINTERNAL;
    if (thread_start(&other, "resume", true, resume_soon, req) != 0)
        return DW_EINTERNAL;
    if (code == 1)
        return dw_fail(c, DW_ECONFLICT, "changed my mind");
    return 0;
}

static dw_call *_Atomic parked_call;
static dw_request *parked;

static int parks(dw_call *c, dw_request *req)
{
    half_ran = false;
    DW_TRY(request_suspend(c, req, second, NULL));
    parked = req;
    parked_call = c;
    return 0;
}

static const dw_operation operations[] = {
    { "echo", echo },
    { "fails", fails },
    { "marks", marks },
    { "peers", peers },
    { "seeks", seeks },
    { "waits", waits },
    { "saysNothing", says_nothing },
    { "repliesTwice", replies_twice },
    { "asksUnknown", asks_unknown },
    { "takesWrongType", takes_wrong_type },
    { "writes", writes },
    { "forgetsClose", forgets_close },
    { "sendsBytes", sends_bytes },
    { "breaksRules", breaks_rules },
    { "streams", streams },
    { "floods", floods },
    { "floodsShortly", floods },
    { "sleeps", sleeps },
    { "overstays", overstays },
    { "keeps", keeps },
    { "usesKept", uses_kept },
    { "usedElsewhere", used_elsewhere },
    { "halves", halves },
    { "parks", parks },
    { "guarded", says_nothing },
    { 0 },
};

static int dav(dw_call *c, dw_request *req)
{
    const char *rest = "?", *q = "?";
    int n = -1;

    (void)c;
    DW_TRY(dw_request_read(req, "rest", &rest, "q", &q, "n", &n));
    json_t *json = dw_request_json(req);
    return dw_reply(req, 200, "rest", rest, "q", q, "n", n, "json", json, "method", dw_request_method(req),
                    "size", (int)dw_request_body(req).n);
}

static const dw_route routes[] = { { NULL, "/dav/{rest...}", "-", dav },
                                   { "GET", "/closed", NULL, dav },
                                   { 0 } };

DOWEL_PLUGIN(.name = "notes", .version = "1.0.0", .operations = operations, .routes = routes);

#define GET(id, more)     "  /" id ": { get: { operationId: " id ", x-public: true" more " } }\n"
#define QUERY(name, type) ", parameters: [ { name: " name ", in: query, schema: { type: " type " } } ]"

/* clang-format off */
static const char api[] =
    "openapi: 3.1.0\n"
    "info: { title: Notes, version: '1' }\n"
    "paths:\n"
    "  /echo/{id}:\n"
    "    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]\n"
    "    post:\n"
    "      operationId: echo\n"
    "      x-public: true\n"
    "      parameters: [ { name: tag, in: query, schema: { type: string } } ]\n"
    "      requestBody:\n"
    "        required: true\n"
    "        content:\n"
    "          application/json:\n"
    "            schema:\n"
    "              type: object\n"
    "              required: [ title ]\n"
    "              properties:\n"
    "                title: { type: string }\n"
    "                count: { type: integer }\n"
    "                open: { type: boolean }\n"
    "                weight: { type: number }\n"
    "                more: { type: object }\n"
    GET("asksUnknown", QUERY("title", "string"))
    GET("breaksRules", "")
    GET("fails", QUERY("code", "integer"))
    GET("floods", "")
    GET("floodsShortly", ", x-timeout: 1s")
    GET("forgetsClose", "")
    GET("halves", QUERY("code", "integer"))
    GET("keeps", "")
    GET("marks", "")
    GET("overstays", ", x-timeout: 1s")
    GET("parks", "")
    GET("peers", QUERY("code", "integer"))
    GET("repliesTwice", "")
    GET("saysNothing", "")
    GET("seeks", QUERY("channel", "integer"))
    GET("sendsBytes", "")
    GET("sleeps", "")
    GET("streams", QUERY("code", "integer"))
    GET("takesWrongType", QUERY("open", "boolean"))
    GET("usedElsewhere", "")
    GET("usesKept", "")
    GET("waits", "")
    GET("writes", "")
    "  /guarded: { get: { operationId: guarded, x-permission: notes.read } }\n";
/* clang-format on */

static int start(void **state)
{
    (void)state;
    json_start();
    rig_start(&dw_plugin_, api, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rig_stop();
    return 0;
}

static int forget(void **state)
{
    (void)state;
    rig_forget_log();
    return 0;
}

/* ---- in ---- */

static void a_handler_reads_by_name_and_type(void **state)
{
    (void)state;
    const char *a = rig_ask(
        "POST", "/api/v1/echo/a%20b?tag=x%26y", "Content-Type: application/json\r\nUser-Agent: me\r\n",
        "{\"title\":\"T\\u00e9\",\"count\":12,\"open\":true,\"weight\":2,\"more\":{\"a\":1}}");
    assert_int_equal(rig_status(a), 201);
    RIG_HAS(a, "X-Method: POST");
    RIG_HAS(a, "Content-Type: application/json");
    RIG_HAS(a, "\"id\":\"a b\",\"title\":\"T\xc3\xa9\",\"count\":12,\"open\":true,\"weight\":2");
    RIG_HAS(a, "\"more\":{\"a\":1},\"tag\":\"x&y\",\"path\":\"/api/v1/echo/a b\"");
    RIG_HAS(a, "\"agent\":\"me\",\"none\":null,\"size\":68}");
}

static void what_is_absent_leaves_its_target(void **state)
{
    (void)state;
    const char *a = rig_post("/api/v1/echo/1", "{\"title\":\"t\"}");
    assert_int_equal(rig_status(a), 201);
    RIG_HAS(a, "\"count\":-1,\"open\":false,\"weight\":0");
    RIG_HAS(a, "\"more\":null,\"tag\":\"none\"");
}

static void input_is_judged_before_the_handler(void **state)
{
    (void)state;
    const char *a = rig_post("/api/v1/echo/1", "{\"count\":\"x\"}");
    assert_int_equal(rig_status(a), 422);
    RIG_HAS(a, "application/problem+json");
    RIG_HAS(a, "#/title");
    RIG_HAS(a, "#/count");
    assert_int_equal(rig_status(rig_post("/api/v1/echo/1", "{")), 400);
    assert_int_equal(rig_status(rig_post("/api/v1/echo/1", "{\"title\":\"a\\u0000b\"}")), 400);
    assert_int_equal(rig_status(rig_ask("POST", "/api/v1/echo/1", "Content-Type: text/plain\r\n", "x")), 415);
    assert_int_equal(rig_status(rig_post("/api/v1/echo/a%00b", "{\"title\":\"t\"}")), 400);
    assert_false(rig_log_has("contract"));
}

static void a_name_that_is_unknown_is_loud(void **state)
{
    (void)state;
    assert_int_equal(rig_status(rig_get("/api/v1/asksUnknown")), 500);
    assert_true(rig_log_has("did you mean \\\"title\\\"?"));
    assert_true(rig_log_has("\"plugin\":\"notes\""));
    assert_int_equal(rig_status(rig_get("/api/v1/takesWrongType")), 204);
    assert_int_equal(rig_status(rig_get("/api/v1/takesWrongType?open=true")), 500);
    assert_true(rig_log_has("another type than api.yaml says"));
}

static void other_routes_read_their_path_and_query(void **state)
{
    (void)state;
    const char *a = rig_ask("PROPFIND", "/dav/a/b?q=%C3%A9&n=5", "", "{\"x\":[1]}");
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "{\"rest\":\"a/"
               "b\",\"q\":\"\xc3\xa9\",\"n\":5,\"json\":{\"x\":[1]},\"method\":\"PROPFIND\",\"size\":9}");
    RIG_HAS(rig_get("/dav/"), "{\"rest\":\"\",\"q\":\"?\",\"n\":-1,\"json\":null");
    const char *bad = rig_get("/dav/x?n=five");
    assert_int_equal(rig_status(bad), 422);
    RIG_HAS(bad, "#/query/n");
    assert_int_equal(rig_status(rig_get("/dav/x?q=%00")), 422);
}

/* Larger than a request's memory: it comes as a file, and is seen as bytes all the same. */
static void large_content_is_bytes(void **state)
{
    (void)state;
    size_t n = 600000;
    char *body = malloc(n + 1);
    assert_non_null(body);
    memset(body, ' ', n);
    memcpy(body + n - 3, "[1]", 4);
    const char *a = rig_ask("PUT", "/dav/large", "", body);
    free(body);
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "\"json\":[1]");
    RIG_HAS(a, "\"size\":600000");
}

/* ---- out ---- */

static void errors_are_problems(void **state)
{
    (void)state;
    static const struct {
        int code, status;
        bool shown;
    } cases[] = {
        { DW_EINVALID, 422, true },  { DW_EAUTH, 401, true },
        { DW_EDENIED, 403, true },   { DW_ENOTFOUND, 404, true },
        { DW_ECONFLICT, 409, true }, { DW_EPRECONDITION, 412, true },
        { DW_ETOOLARGE, 413, true }, { DW_ERATE, 429, true },
        { DW_EUPSTREAM, 502, true }, { DW_EUNAVAILABLE, 503, true },
        { DW_EUNKNOWN, 504, true },  { DW_ECANCELLED, 504, false },
        { DW_EGONE, 500, false },    { DW_ETX, 500, false },
        { DW_ETHREAD, 500, false },  { DW_EMISUSE, 500, false },
        { DW_ENOMEM, 503, false },   { DW_EINTERNAL, 500, false },
        { -99, 500, false },
    };

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        char path[64];
        rig_forget_log();
        snprintf(path, sizeof(path), "/api/v1/fails?code=%d", cases[i].code);
        const char *a = rig_get(path);
        assert_int_equal(rig_status(a), cases[i].status);
        RIG_HAS(a, "application/problem+json");
        assert_null(strstr(a, "staged")); /* taken back, field and all */
        assert_null(strstr(a, "X-Staged"));
        assert_int_equal(strstr(a, "the cat sat") != NULL, cases[i].shown);
        assert_int_equal(rig_log_has("the cat sat"), cases[i].status >= 500 && cases[i].code >= DW_EINTERNAL);
        assert_int_equal(strstr(a, "WWW-Authenticate") != NULL, cases[i].status == 401);
        if (cases[i].status >= 500)
            assert_true(rig_log_has("\"callback\":\"operation fails\""));
    }
}

static void all_that_is_marked_is_shown(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/marks");
    assert_int_equal(rig_status(a), 422);
    RIG_HAS(a, "\"pointer\":\"#/begin\"");
    RIG_HAS(a, "lies after its end");
    RIG_HAS(a, "\"pointer\":\"#/end\"");
}

static void a_peers_answer_is_not_our_clients_fault(void **state)
{
    (void)state;
    const int codes[] = { DW_EAUTH, DW_EINVALID, DW_ETOOLARGE };

    for (size_t i = 0; i < DW_COUNT_OF(codes); i++) {
        char path[64];
        rig_forget_log();
        snprintf(path, sizeof(path), "/api/v1/peers?code=%d", codes[i]);
        const char *a = rig_get(path);
        assert_int_equal(rig_status(a), 502);
        RIG_HAS(a, "a service that this needs answered something unusable");
        assert_null(strstr(a, "WWW-Authenticate"));
        assert_null(strstr(a, "inner.example"));
        assert_true(rig_log_has("inner.example"));
    }
    assert_int_equal(rig_status(rig_get("/api/v1/peers?code=-4")), 404); /* what is not there is not there */
}

static void what_is_for_authors_is_not_told_to_clients(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/seeks?channel=1");
    assert_int_equal(rig_status(a), 404);
    RIG_HAS(a, "there is no such thing");
    assert_null(strstr(a, "nowhere"));
    a = rig_get("/api/v1/seeks");
    assert_int_equal(rig_status(a), 503);
    assert_null(strstr(a, "ledger"));
    assert_true(rig_log_has("nobody offers the service ledger.book/1"));
}

static void retry_after_is_passed_on(void **state)
{
    (void)state;
    RIG_HAS(rig_get("/api/v1/waits"), "Retry-After: 2\r\n");
}

static void no_reply_is_a_500(void **state)
{
    (void)state;
    assert_int_equal(rig_status(rig_get("/api/v1/saysNothing")), 500);
    assert_true(rig_log_has("has made no reply"));
    assert_int_equal(rig_status(rig_get("/api/v1/forgetsClose")), 500);
    assert_true(rig_log_has("without dw_reply_close"));
}

static void a_second_reply_changes_nothing(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/repliesTwice");
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "{\"first\":1}");
    assert_true(rig_log_has("answered already"));
}

static void replies_of_every_kind(void **state)
{
    (void)state;
    RIG_HAS(rig_get("/api/v1/writes"), "{\"id\":5,\"tags\":[\"a\",\"b\"]}");
    const char *a = rig_get("/api/v1/sendsBytes");
    RIG_HAS(a, "Content-Type: text/x-own; charset=utf-8\r\n");
    RIG_HAS(a, "\x01\x02hi");
    assert_int_equal(rig_status(rig_get("/api/v1/breaksRules")), 200);
}

static void streams_are_whole_or_cut(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/streams");
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "two\r\n0\r\n\r\n");
    a = rig_get("/api/v1/streams?code=1");
    assert_int_equal(rig_status(a), 409);
    for (int code = 2; code <= 3; code++) {
        char path[64];
        snprintf(path, sizeof(path), "/api/v1/streams?code=%d", code);
        char *cut = rig_read_all(rig_begin("GET", path, "", ""));
        assert_true(!cut || !strstr(cut, "\r\n0\r\n\r\n"));
        free(cut);
    }
    assert_true(rig_log_has("half of it"));
    assert_true(rig_log_has("without dw_stream_finish"));
}

/* Until the handler waits for its client; if it does not yet, no test below is wrong for it. */
static int begin_flood(const char *path)
{
    flooded_with = 0;
    flooded_n = 0;
    int fd = rig_begin("GET", path, "", "");
    unsigned before = 0;
    int64_t since = clock_monotonic_us();
    while (flooded_n == 0 || clock_monotonic_us() - since < 200000) {
        if (flooded_n != before)
            since = clock_monotonic_us();
        before = flooded_n;
        usleep(1000);
    }
    return fd;
}

static void a_write_that_waits_ends_with_its_call(void **state)
{
    (void)state;
    int fd = begin_flood("/api/v1/floodsShortly");
    RIG_UNTIL(flooded_with != 0);
    assert_int_equal(flooded_with, DW_ECANCELLED);
    close(fd);
    RIG_UNTIL(atomic_load(&rig.instance->calls) == 0);
    fd = begin_flood("/api/v1/floods");
    assert_int_equal(flooded_with, 0);
    int64_t before = clock_monotonic_us();
    call_cancel(flooding);
    RIG_UNTIL(flooded_with != 0);
    assert_int_equal(flooded_with, DW_ECANCELLED);
    assert_true(clock_monotonic_us() - before < 2 * CLOCK_SECOND);
    close(fd);
    RIG_UNTIL(atomic_load(&rig.instance->calls) == 0);
}

static void a_write_to_who_left_is_gone(void **state)
{
    const struct linger at_once = { .l_onoff = 1 };

    (void)state;
    int fd = begin_flood("/api/v1/floods");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
    RIG_UNTIL(flooded_with != 0);
    assert_int_equal(flooded_with, DW_EGONE);
    RIG_UNTIL(atomic_load(&rig.instance->calls) == 0);
}

static void nothing_guarded_is_answered(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/guarded");
    assert_int_equal(rig_status(a), 503);
    RIG_HAS(a, "cannot tell yet who asks");
    a = rig_get("/closed");
    assert_int_equal(rig_status(a), 503);
    RIG_HAS(a, "cannot tell yet who asks");
    assert_false(rig_log_has("operation failed")); /* no handler ran */
}

static void a_plugin_that_is_missing_answers_503(void **state)
{
    (void)state;
    atomic_store(&rig.instance->missing, true);
    assert_int_equal(rig_status(rig_get("/api/v1/writes")), 503);
    atomic_store(&rig.instance->missing, false);
}

/* ---- who leaves, who comes too late ---- */

static void a_client_that_leaves_cancels_the_call(void **state)
{
    (void)state;
    cancelled_with = 0;
    int fd = rig_begin("GET", "/api/v1/sleeps", "", "");
    RIG_UNTIL(atomic_load(&rig.instance->calls) == 1);
    const struct linger at_once = { .l_onoff = 1 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    int64_t before = clock_monotonic_us();
    close(fd);
    RIG_UNTIL(cancelled_with != 0);
    assert_true(clock_monotonic_us() - before < CLOCK_SECOND);
    assert_int_equal(cancelled_with, DW_ECANCELLED);
    RIG_UNTIL(atomic_load(&rig.instance->calls) == 0);
    RIG_UNTIL(rig_log_has("\"status\":499"));
    assert_false(rig_log_has("operation failed"));
}

static void a_deadline_is_a_504(void **state)
{
    (void)state;
    cancelled_with = 0;
    assert_int_equal(rig_status(rig_get("/api/v1/overstays")), 504);
    RIG_UNTIL(cancelled_with == DW_ECANCELLED);
}

static void a_stale_request_leads_to_nothing(void **state)
{
    (void)state;
    RIG_HAS(rig_get("/api/v1/keeps"), "{\"kept\":1}");
    char expected[64];
    snprintf(expected, sizeof(expected), "{\"rc\":%d,\"header\":null,\"error\":%d}", DW_ETHREAD, DW_ETHREAD);
    RIG_HAS(rig_get("/api/v1/usesKept"), expected);
    snprintf(expected, sizeof(expected), "{\"rc\":%d}", DW_ETHREAD);
    RIG_HAS(rig_get("/api/v1/usedElsewhere"), expected);
    assert_true(rig_log_has("\"plugin\":\"notes\""));
}

static void a_handler_goes_on_in_a_second_half(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) { /* resumed before and after the first half returns */
        half_ran = false;
        RIG_HAS(rig_get("/api/v1/halves"), "{\"text\":\"of the call\"}");
        assert_true(half_ran);
    }
    half_ran = false;
    const char *a = rig_get("/api/v1/halves?code=1");
    assert_int_equal(rig_status(a), 409);
    assert_true(half_ran);
    assert_int_equal(rig.instance->calls, 0);
}

/* Who waits for the outside learns that the call is over, and resumes: nothing is lost, and the server ends. */
static void *resume_when_cancelled(void *ud)
{
    while (!call_is_cancelled(ud))
        usleep(1000);
    usleep(20000); /* well into the end of the pool */
    request_resume(parked);
    return NULL;
}

static void the_server_can_end_between_two_halves(void **state)
{
    pthread_t thread;

    (void)state;
    int fd = rig_begin("GET", "/api/v1/parks", "", "");
    RIG_UNTIL(parked_call);
    assert_int_equal(thread_start(&thread, "resume", false, resume_when_cancelled, parked_call), 0);
    rig_stop_server();
    pthread_join(thread, NULL);
    assert_true(half_ran);
    assert_int_equal(rig.instance->calls, 0);
    close(fd);
}

static void metrics_and_access_log_name_the_plugin(void **state)
{
    struct buf page = BUF_INIT;

    (void)state;
    rig_get("/api/v1/writes");
    RIG_UNTIL(rig_log_has("\"route\":\"/api/v1/writes\""));
    assert_true(rig_log_has("\"cut\":false,\"plugin\":\"notes\"}"));
    metrics_write(&page);
    RIG_HAS(buf_text(&page), "route=\"/api/v1/writes\",plugin=\"notes\"");
    RIG_HAS(buf_text(&page), "dowel_http_requests_total{status=\"5xx\",plugin=\"notes\"}");
    buf_finish(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_handler_reads_by_name_and_type, forget),
        cmocka_unit_test_setup(what_is_absent_leaves_its_target, forget),
        cmocka_unit_test_setup(input_is_judged_before_the_handler, forget),
        cmocka_unit_test_setup(a_name_that_is_unknown_is_loud, forget),
        cmocka_unit_test_setup(other_routes_read_their_path_and_query, forget),
        cmocka_unit_test_setup(large_content_is_bytes, forget),
        cmocka_unit_test_setup(errors_are_problems, forget),
        cmocka_unit_test_setup(all_that_is_marked_is_shown, forget),
        cmocka_unit_test_setup(a_peers_answer_is_not_our_clients_fault, forget),
        cmocka_unit_test_setup(what_is_for_authors_is_not_told_to_clients, forget),
        cmocka_unit_test_setup(retry_after_is_passed_on, forget),
        cmocka_unit_test_setup(no_reply_is_a_500, forget),
        cmocka_unit_test_setup(a_second_reply_changes_nothing, forget),
        cmocka_unit_test_setup(replies_of_every_kind, forget),
        cmocka_unit_test_setup(streams_are_whole_or_cut, forget),
        cmocka_unit_test_setup(a_write_that_waits_ends_with_its_call, forget),
        cmocka_unit_test_setup(a_write_to_who_left_is_gone, forget),
        cmocka_unit_test_setup(nothing_guarded_is_answered, forget),
        cmocka_unit_test_setup(a_plugin_that_is_missing_answers_503, forget),
        cmocka_unit_test_setup(a_client_that_leaves_cancels_the_call, forget),
        cmocka_unit_test_setup(a_deadline_is_a_504, forget),
        cmocka_unit_test_setup(a_stale_request_leads_to_nothing, forget),
        cmocka_unit_test_setup(a_handler_goes_on_in_a_second_half, forget),
        cmocka_unit_test_setup(metrics_and_access_log_name_the_plugin, forget),
        cmocka_unit_test_setup(the_server_can_end_between_two_halves,
                               forget), /* last: it is not started anew */
    };
    return cmocka_run_group_tests_name("plugin_request", tests, start, stop);
}
