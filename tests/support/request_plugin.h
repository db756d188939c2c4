/* request_plugin.h - a plugin with one handler for each thing that may happen between a request and its reply, and its
 * api.yaml; for plugin_request_test.c, which asks it. Include it after cmocka.h. */
#ifndef TESTS_REQUEST_PLUGIN_H
#define TESTS_REQUEST_PLUGIN_H

#include "metrics/metrics.h"
#include "plugin/request.h"
#include "plugin_rig.h"
#include "util/thread.h"

const dw_asset dw_assets_[] = { { 0 } };

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

/* What one step said, at the member that it is about. */
static int passes_on(dw_call *c, dw_request *req)
{
    (void)req;
    (void)dw_fail(c, DW_ENOTFOUND, "the cat sat on it", "where", "mat");
    return dw_fail_at(c, "/cat", dw_format(c, "%s", dw_error_of(c)->text));
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
    { "passesOn", passes_on },
    { "peers", peers },
    { "seeks", seeks },
    { "waits", waits },
    { "saysNothing", says_nothing },
    { "repliesTwice", replies_twice },
    { "asksUnknown", asks_unknown },
    { "takesWrongType", takes_wrong_type },
    { "writes", writes },
    { "rare", writes },
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
    GET("passesOn", "")
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
    GET("rare", ", x-rate-limit: 2/1h")
    "  /guarded: { get: { operationId: guarded, x-permission: notes.read } }\n";
/* clang-format on */

#endif
