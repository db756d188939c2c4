/* subject - a plugin that does what the harness's tests want to see. */
#include <dowel/dowel.h>

#include <stdio.h>
#include <string.h>

struct subject_conf {
    const char *diary; /* a file that says what was called */
    const char *refuses;
};

static const dw_item items[] = {
    DW_ITEM(struct subject_conf, diary, .fallback = "/dev/null",
            .help = "Where it is written what was called"),
    DW_ITEM(struct subject_conf, refuses, .fallback = "nothing", .one_of = "nothing check init start",
            .help = "What fails"),
    { 0 },
};

struct subject {
    dw_token *token;
    dw_call *call;
};

/* ---- its life ---- */

static int step(dw_call *c, const struct subject_conf *conf, const char *name)
{
    FILE *diary = fopen(conf->diary, "a");

    if (diary) {
        fprintf(diary, "%s ", name);
        fclose(diary);
    }
    return strcmp(conf->refuses, name) == 0 ? dw_fail(c, DW_EUNAVAILABLE, "it was told to refuse") : 0;
}

static int check(dw_call *c, const void *conf)
{
    return step(c, conf, "check");
}

static int init(dw_call *c)
{
    return step(c, dw_conf(c), "init");
}

static int start(dw_call *c)
{
    return step(c, dw_conf(c), "start");
}

static int stop(dw_call *c)
{
    return step(c, dw_conf(c), "stop");
}

static void fini(dw_call *c)
{
    step(c, dw_conf(c), "fini");
}

/* ---- requests ---- */

static int echo(dw_call *c, dw_request *req)
{
    dw_bytes body = dw_request_body(req);
    const char *header = dw_request_header(req, "X-Question");

    DW_TRY(dw_reply_header(req, "X-Answer", header ? header : "none"));
    return dw_reply(req, 200, "method", dw_request_method(req), "size", (int64_t)body.n, "digest",
                    dw_digest_hex(c, DW_SHA256, body));
}

static int read_form(dw_call *c, dw_request *req)
{
    const char *name;
    int64_t n = 0;
    (void)c;

    DW_TRY(dw_request_read(req, "name", &name, "n", &n));
    return dw_reply(req, 200, "name", name, "n", n);
}

static int never_answer(dw_call *c, dw_request *req)
{
    struct subject *self = dw_self(c);
    int64_t ms = 60000;

    DW_TRY(dw_request_read(req, "ms", &ms));
    return dw_request_detach(req, &self->token, .timeout = DW_MILLISECONDS(ms));
}

static int leave_open(dw_call *c, dw_request *req)
{
    struct subject *self = dw_self(c);

    DW_TRY(dw_call_open(dw_call_instance(c), "something", &self->call));
    return dw_reply(req, 204);
}

static int be_careless(dw_call *c, dw_request *req)
{
    const char *sealed;
    dw_call *other;

    DW_TRY(dw_call_open(dw_call_instance(c), "something", &other));
    DW_TRY(dw_seal(c, (dw_str){ "x", 1 }, &sealed));
    dw_call_close(other);
    return dw_reply(req, 204);
}

static int send_half(dw_call *c, dw_request *req)
{
    dw_stream *s;

    DW_TRY(dw_stream_open(req, &s, 200, "text/plain"));
    DW_TRY(dw_stream_write(s, "half", 4));
    return dw_fail(c, DW_EUNAVAILABLE, "there is no more");
}

static int answer_wrongly(dw_call *c, dw_request *req)
{
    dw_token *token;
    bool late = false;

    (void)c;
    DW_TRY(dw_request_read(req, "late", &late));
    if (!late)
        return dw_reply(req, 200, "nam", "x");
    DW_TRY(dw_request_detach(req, &token, .timeout = DW_SECONDS(5)));
    dw_token_reply(token, 200, "nam", "x");
    return 0;
}

static int take_nap(dw_call *c, dw_request *req)
{
    dw_time before = dw_now(c);

    DW_TRY(dw_sleep(c, DW_MINUTES(60)));
    dw_warn(c, "slept well", "bed", "hard");
    return dw_reply(req, 200, "before", before, "after", dw_now(c));
}

/* ---- peers ---- */

static int fetch(dw_call *c, dw_request *req)
{
    const char *url, *method = NULL;
    dw_answer *answer;

    DW_TRY(dw_request_read(req, "url", &url, "method", &method));
    DW_TRY(dw_fetch(c, &answer, .url = url, .method = method, .max_bytes = 100, .any_status = true,
                    .timeout = DW_MILLISECONDS(50)));
    return dw_reply(req, 200, "status", answer->status, "type", answer->content_type, "body", answer->body,
                    "answer", dw_answer_header(answer, "x-answer"));
}

static int read_pieces(dw_call *c, dw_request *req)
{
    dw_text *text = dw_text_new(c);
    dw_upstream *up;
    dw_bytes piece;
    const char *url;
    int more;

    DW_TRY(dw_request_read(req, "url", &url));
    DW_TRY(dw_upstream_open(c, &up, .url = url));
    while ((more = dw_upstream_read(up, &piece)) > 0) {
        dw_text_add(text, dw_copy(c, (dw_str){ piece.p, piece.n }));
        dw_text_add(text, ",");
    }
    DW_TRY(more);
    return dw_reply(req, 200, "pieces", dw_text_get(text));
}

static const dw_operation operations[] = {
    { "echo", echo },
    { "echoHead", echo },
    { "echoBody", echo },
    { "readForm", read_form },
    { "neverAnswer", never_answer },
    { "leaveOpen", leave_open },
    { "beCareless", be_careless },
    { "sendHalf", send_half },
    { "sendHalfHead", send_half },
    { "takeNap", take_nap },
    { "answerWrongly", answer_wrongly },
    { "fetch", fetch },
    { "readPieces", read_pieces },
    { 0 },
};

DOWEL_PLUGIN(.name = "subject", .version = "1.0.0", .summary = "Does what tests want", .license = "MIT",
             .self_size = sizeof(struct subject), .conf = DW_ITEMS(struct subject_conf, items),
             .operations = operations, .check = check, .init = init, .start = start, .stop = stop,
             .fini = fini);
