/* frozen - uses each table and each kind of entry that plugin ABI 0.1 had. Built with the headers beside it, never with
 * those of the tree, it has to go on working as long as the major number is the same. */
#include <dowel/dowel.h>

#include <pthread.h>
#include <string.h>

/* ---- settings: one of each type ---- */

struct frozen_conf {
    bool flag;
    int64_t number;
    double real;
    const char *text;
    dw_span span;
    dw_secret secret;
    dw_texts list;
};

static const dw_item items[] = {
    DW_ITEM(struct frozen_conf, flag, .fallback = "true", .help = "A switch"),
    DW_ITEM(struct frozen_conf, number, .fallback = "7", .min = 1, .max = 10, .help = "A number"),
    DW_ITEM(struct frozen_conf, real, .fallback = "0.5", .help = "A part"),
    DW_ITEM(struct frozen_conf, text, .fallback = "asc", .one_of = "asc desc", .help = "An order"),
    DW_ITEM(struct frozen_conf, span, .fallback = "90s", .help = "A time"),
    DW_ITEM(struct frozen_conf, secret, .min = 4, .help = "A key"),
    DW_ITEM(struct frozen_conf, list, .fallback = "[a, b]", .help = "Names"),
    { 0 },
};

static int show_settings(dw_call *c, dw_request *req)
{
    const struct frozen_conf *conf = dw_conf(c);
    dw_out *o = dw_reply_open(req, 200);

    dw_out_set(o, "flag", conf->flag);
    dw_out_set(o, "number", conf->number);
    dw_out_set(o, "real", conf->real);
    dw_out_set(o, "text", conf->text);
    dw_out_set(o, "span", conf->span);
    dw_out_array(o, "list");
    for (size_t i = 0; i < conf->list.n; i++)
        dw_out_add(o, conf->list.v[i]);
    dw_out_end(o);
    DW_TRY(dw_out_error(o));
    return dw_reply_close(req);
}

/* ---- the lifecycle: what has run stands here ---- */

struct frozen {
    dw_instance *instance;
    pthread_t thread;
    int begun, undone;
    bool counted;
};

static int check(dw_call *c, const void *conf)
{
    return ((const struct frozen_conf *)conf)->number == 10 ? dw_fail_at(c, "/number", "is not liked") : 0;
}

static int init(dw_call *c)
{
    struct frozen *self = dw_self(c);

    self->instance = dw_call_instance(c);
    self->begun = 1;
    return 0;
}

static void *count(void *ud)
{
    struct frozen *self = ud;
    dw_call *c;

    if (dw_call_open(self->instance, "count", &c) < 0)
        return NULL;
    dw_count(c, "threads", 1, "kind", "own");
    dw_call_close(c);
    dw_log_any(self->instance, DW_LOG_INFO, "the thread has counted");
    self->counted = true;
    return NULL;
}

static int start(dw_call *c)
{
    struct frozen *self = dw_self(c);

    self->begun++;
    if (pthread_create(&self->thread, NULL, count, self) != 0)
        return dw_fail(c, DW_EUNAVAILABLE, "cannot start a thread");
    return pthread_join(self->thread, NULL) == 0 ? 0 : DW_EINTERNAL;
}

static int stop(dw_call *c)
{
    dw_info(c, "the frozen one stops", "begun", ((struct frozen *)dw_self(c))->begun);
    return 0;
}

static void fini(dw_call *c)
{
    dw_warn(c, "the frozen one ends");
}

/* ---- the call ---- */

static void undo(void *ud)
{
    ((struct frozen *)ud)->undone++;
}

static int use_memory(dw_call *c, dw_out *o)
{
    dw_text *text = dw_text_new(c);

    dw_scope_begin(c);
    dw_text_add(text, dw_format(c, "%d-", 1));
    DW_TRY(dw_defer(c, undo, dw_self(c)));
    dw_scope_end(c);
    dw_text_add(text, dw_copy(c, (dw_str){ "two", 3 }));
    dw_out_set(o, "text", dw_text_get(text));
    dw_out_set(o, "zero", ((const char *)dw_alloc(c, 10))[9]);
    return 0;
}

static int use_time(dw_call *c, dw_out *o)
{
    dw_time t;

    DW_TRY(dw_time_parse(c, "2026-11-21T08:05:00+01:00", &t));
    DW_TRY(dw_sleep(c, DW_MILLISECONDS(1)));
    DW_TRY(dw_cancelled(c));
    dw_out_set(o, "time", dw_time_format(c, t));
    dw_out_set(o, "in_time", (bool)(dw_now(c).us < dw_deadline(c).us));
    return 0;
}

static int use_json(dw_call *c, dw_out *o)
{
    json_t *parsed;
    int n = 0;

    DW_TRY(dw_json_parse(c, (dw_str){ "{\"a\":{\"n\":3}}", 13 }, &parsed));
    DW_TRY(dw_json_read(c, parsed, "/a/n", &n));
    dw_out_set(o, "n", n);
    dw_out_object(o, "json");
    dw_out_set(o, "object", dw_json(c, "b", 2));
    dw_out_set(o, "list", dw_json_list(c, 1, "two", dw_json_own(c, json_null())));
    dw_out_end(o);
    return 0;
}

static int use_errors(dw_call *c, dw_out *o)
{
    dw_out_set(o, "code", dw_fail(c, DW_ECONFLICT, "is taken", "by", "me"));
    dw_out_set(o, "why", dw_error_of(c)->text);
    return 0;
}

static int use_secure(dw_call *c, dw_out *o)
{
    const struct frozen_conf *conf = dw_conf(c);
    const char *sealed;
    dw_str plain;

    DW_TRY(dw_seal(c, (dw_str){ "plain", 5 }, &sealed));
    DW_TRY(dw_unseal(c, sealed, &plain));
    dw_out_set(o, "unsealed", plain);
    dw_out_set(o, "id", strlen(dw_id(c)));
    dw_out_set(o, "token", strlen(dw_random_token(c, 16)));
    dw_out_set(o, "digest", dw_digest_hex(c, DW_SHA256, (dw_bytes){ "", 0 }));
    dw_out_set(o, "hmac", dw_hmac_hex(c, DW_SHA256, conf->secret, (dw_bytes){ "", 0 }));
    dw_out_set(o, "equal", (bool)dw_equal("a", "a"));
    return 0;
}

static int use_call(dw_call *c, dw_request *req)
{
    const struct frozen *self = dw_self(c);
    dw_out *o = dw_reply_open(req, 200);

    dw_debug(c, "the frozen one is asked");
    DW_TRY(use_memory(c, o));
    DW_TRY(use_time(c, o));
    DW_TRY(use_json(c, o));
    DW_TRY(use_errors(c, o));
    DW_TRY(use_secure(c, o));
    dw_out_set(o, "begun", self->begun);
    dw_out_set(o, "undone", self->undone);
    dw_out_set(o, "counted", self->counted);
    return dw_reply_close(req);
}

/* ---- requests and replies ---- */

static int echo(dw_call *c, dw_request *req)
{
    const char *name = "";
    int64_t n = 0;

    (void)c;
    DW_TRY(dw_request_read(req, "name", &name, "n", &n));
    DW_TRY(dw_reply_header(req, "X-Frozen", "yes"));
    return dw_reply(req, 201, "name", name, "n", n, "members", json_object_size(dw_request_json(req)),
                    "bytes", dw_request_body(req).n, "type", dw_request_header(req, "Content-Type"), "method",
                    dw_request_method(req), "path", dw_request_path(req), "has_id",
                    (bool)(*dw_request_id(req) != 0));
}

static int refuse(dw_call *c, dw_request *req)
{
    (void)req;
    dw_fail_at(c, "/query/a", "is wrong");
    return dw_fail_at(c, "/query/b", "is wrong too");
}

static int reply_tree(dw_call *c, dw_request *req)
{
    return dw_reply_json(req, 200, dw_json(c, "tree", DW_TRUE));
}

/* Both of the routes, which know no operation. */
static int reply_path(dw_call *c, dw_request *req)
{
    const char *rest = "none";

    DW_TRY(dw_request_read(req, "rest", &rest));
    const char *text = dw_format(c, "path %s", rest);
    return dw_reply_bytes(req, 200, "text/plain", (dw_bytes){ text, strlen(text) });
}

static void released(void *ud)
{
    ((struct frozen *)ud)->undone += 100;
}

static int answer_later(dw_call *c, dw_request *req)
{
    bool well = true;
    dw_token *token;

    DW_TRY(dw_request_read(req, "well", &well));
    DW_TRY(
        dw_request_detach(req, &token, .timeout = DW_SECONDS(10), .on_release = released, .ud = dw_self(c)));
    if (well)
        dw_token_reply(token, 200, "later", DW_TRUE);
    else
        dw_token_fail(token, DW_ENOTFOUND, "is not there");
    return 0;
}

/* ---- streams ---- */

static int send_file(dw_call *c, dw_request *req)
{
    dw_stream *s;

    (void)c;
    DW_TRY(dw_stream_open(req, &s, 200, "text/csv"));
    DW_TRY(dw_stream_write(s, "1,2\n", 4));
    return dw_stream_finish(s);
}

static int send_events(dw_call *c, dw_request *req)
{
    const char *channel = dw_id(c);

    DW_TRY(dw_channel_open(c, channel));
    DW_TRY(dw_channel_send(c, channel, "passing", "n", 0));
    DW_TRY(dw_channel_record(c, channel, "kept", "n", 1));
    DW_TRY(dw_channel_record(c, channel, "kept", "n", 2));
    DW_TRY(dw_reply_follow(req, channel));
    return dw_channel_close(c, channel);
}

/* ---- peers ---- */

static int fetch(dw_call *c, dw_request *req)
{
    const char *url, *name;
    dw_answer *a;
    dw_upstream *up;
    dw_bytes piece;
    dw_str line;
    json_t *json;
    size_t bytes = 0;
    int rc;

    DW_TRY(dw_request_read(req, "url", &url));
    DW_TRY(dw_fetch(c, &a, .url = url, .headers = DW_LIST("Accept", "application/json"),
                    .timeout = DW_SECONDS(5)));
    DW_TRY(dw_answer_json(a, &json));
    DW_TRY(dw_upstream_open(c, &up, .url = url));
    while ((rc = dw_upstream_read(up, &piece)) > 0)
        bytes += piece.n;
    dw_upstream_close(up);
    DW_TRY(rc);
    DW_TRY(dw_upstream_open(c, &up, .url = url));
    DW_TRY(dw_upstream_line(up, &line));
    DW_TRY(dw_upstream_open(c, &up, .url = url));
    DW_TRY(dw_upstream_event(up, &name, &line)); /* which has no events */
    return dw_reply(req, 200, "status", a->status, "type", a->content_type, "header",
                    dw_answer_header(a, "Content-Type"), "same", (bool)(bytes == a->body.n), "json", json);
}

static int fetched(dw_call *c, dw_request *req, dw_answer *a)
{
    (void)c;
    return dw_reply(req, 200, "status", a->status);
}

static int fetch_then(dw_call *c, dw_request *req)
{
    const char *url;

    DW_TRY(dw_request_read(req, "url", &url));
    return dw_fetch_then(c, req, fetched, .url = url);
}

/* ---- questions, to itself ---- */

struct frozen_ask {
    uint32_t struct_size;
    int answers;
};

static const dw_question questions[] = {
    { "frozen_0_1.first", DW_SILENCE_ALLOWS },
    { "frozen_0_1.second", DW_SILENCE_DENIES },
    { 0 },
};

static int pass_on(dw_call *c, void *question)
{
    (void)c;
    ((struct frozen_ask *)question)->answers += 1;
    return 0;
}

static int answer(dw_call *c, void *question)
{
    (void)c;
    ((struct frozen_ask *)question)->answers += 10;
    return 1;
}

static const dw_hook hooks[] = {
    { "frozen_0_1.second", answer, 60 },
    { "frozen_0_1.second", pass_on, 40 },
    { 0 },
};

static const dw_service services[] = {
    { "frozen_0_1.first/1", pass_on },
    { "frozen_0_1.second/1", answer },
    { 0 },
};

static int ask(dw_call *c, dw_request *req)
{
    struct frozen_ask q = { .struct_size = (uint32_t)sizeof(q) }, s = q;
    int silent, answered;

    DW_TRY(silent = dw_hook_ask(c, "frozen_0_1.first", &q));
    DW_TRY(answered = dw_hook_ask(c, "frozen_0_1.second", &q));
    DW_TRY(dw_service_ask(c, "frozen_0_1.first/1", &s));
    DW_TRY(dw_service_ask(c, "frozen_0_1.second/1", &s));
    return dw_reply(req, 200, "silent", silent, "answered", answered, "hooks", q.answers, "services",
                    s.answers);
}

/* ---- what it is ---- */

static const dw_operation operations[] = {
    { "showSettings", show_settings },
    { "useCall", use_call },
    { "echo", echo },
    { "refuse", refuse },
    { "replyTree", reply_tree },
    { "answerLater", answer_later },
    { "sendFile", send_file },
    { "sendEvents", send_events },
    { "fetch", fetch },
    { "fetchThen", fetch_then },
    { "ask", ask },
    { 0 },
};

static const dw_route routes[] = {
    { "GET", "/frozen_0_1/{rest...}", "-", reply_path },
    { NULL, "/frozen_0_1_any", "-", reply_path },
    { 0 },
};

DOWEL_PLUGIN(.name = "frozen_0_1", .version = "1.0.0", .summary = "Uses all of ABI 0.1", .license = "MIT",
             .self_size = sizeof(struct frozen), .conf = DW_ITEMS(struct frozen_conf, items),
             .operations = operations, .routes = routes, .questions = questions, .hooks = hooks,
             .services = services, .init = init, .start = start, .check = check, .stop = stop, .fini = fini);
