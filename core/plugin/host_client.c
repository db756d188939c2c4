/* host_client.c - outbound HTTP for plugins: whole answers, waited for or called back. */
#include "log/log.h"
#include "plugin/host.h"
#include "plugin/outbound.h"
#include "plugin/request.h"
#include "util/json.h"

/* ---- answers ---- */

/* For sentences about it; both in the call's memory. */
struct asked {
    const char *method, *url;
};

/* How much of the URL may be: not its query, in which some peers want their keys. */
static int shown(const struct asked *asked)
{
    return (int)strcspn(asked->url, "?");
}

/* Lives in the call's memory, and what it came with until the call ends. */
struct host_answer {
    dw_answer seen; /* first: what the plugin gets */
    dw_call *c;
    struct client_answer *whole;
    json_t *json; /* once parsed */
    struct asked asked;
};

static void destroy_whole(void *ud)
{
    client_answer_destroy(ud);
}

/* Takes `whole`. */
static dw_answer *make_answer(dw_call *c, struct client_answer *whole, const struct asked *asked)
{
    struct host_answer *a = call_alloc(c, sizeof(*a));

    call_at_end(c, CALL_UNDO_MEMORY, destroy_whole, whole);
    call_charge(c, whole->body.n);
    a->seen = (dw_answer){ .struct_size = sizeof(a->seen),
                           .status = whole->status,
                           .content_type = whole->content_type,
                           .body = { whole->body.p, whole->body.n },
                           .took = { whole->took_us } };
    a->c = c;
    a->whole = whole;
    a->asked = *asked;
    return &a->seen;
}

/* Takes `whole`. A refusal has an answer too: its body often says why. */
static int take_answer(dw_call *c, dw_answer **out, struct client_answer *whole, const struct asked *asked)
{
    int rc = outbound_judge(c, whole);

    if (rc != 0 && (!whole || whole->error != CLIENT_STATUS)) {
        client_answer_destroy(whole);
        return rc;
    }
    *out = make_answer(c, whole, asked);
    return rc;
}

static struct host_answer *answer_of(dw_answer *a)
{
    return (struct host_answer *)a;
}

static int fail_json(const struct host_answer *a, const struct json_fault *fault)
{
    if (fault->is_ours)
        return call_fail(a->c, DW_ENOMEM, "out of memory");
    call_fail(
        a->c, DW_EUPSTREAM,
        "%s %.*s: the peer answered %d with %s, which is not the JSON that was expected: line %u, column %u: "
        "%s",
        a->asked.method, shown(&a->asked), a->asked.url, a->seen.status,
        *a->seen.content_type ? a->seen.content_type : "no content type", fault->line, fault->column,
        fault->text);
    a->c->error_from_peer = true;
    return DW_EUPSTREAM;
}

static int host_answer_json(dw_answer *answer, json_t **out)
{
    struct host_answer *a = answer_of(answer);
    struct json_fault fault = { 0 };

    if (out)
        *out = NULL;
    if (!a)
        return call_stray(NULL, "dw_answer_json");
    DW_TRY(call_check(a->c, "dw_answer_json"));
    if (!out)
        return call_misuse(a->c, "dw_answer_json: there is no place for the result");
    if (!a->json) {
        if (json_strict_parse(a->whole->body, 0, &a->json, &fault) != 0)
            return fail_json(a, &fault);
        host_call_api.json_own(a->c, a->json);
        call_charge(a->c, a->whole->body.n);
    }
    *out = a->json;
    return 0;
}

static const char *host_answer_header(dw_answer *answer, const char *name)
{
    const struct host_answer *a = answer_of(answer);

    if (!a || !call_is_mine(a->c)) {
        call_stray(a ? a->c : NULL, "dw_answer_header");
        return NULL;
    }
    return name ? client_answer_header(a->whole, name) : NULL;
}

/* ---- fetch ---- */

static int host_fetch(dw_call *c, dw_answer **out, const dw_fetch_args *args)
{
    struct client_answer *whole;
    struct outbound o;
    dw_answer *unseen = NULL;

    out = out ? out : &unseen;
    *out = NULL;
    DW_TRY(call_check(c, "dw_fetch"));
    DW_TRY(outbound_read(&o, c, args, false));
    client_fetch(o.client, &whole, &o.request);
    int rc = take_answer(c, out, whole, &(struct asked){ o.request.method, o.request.url });
    outbound_finish(&o);
    return rc;
}

/* ---- fetch_then: a handler in two halves ---- */

struct second_half {
    dw_request *req;
    int (*then)(dw_call *c, dw_request *req, dw_answer *answer);
    struct asked asked;
    struct client_answer *whole; /* NULL: it could not be sent, */
    int failed;                  /* and why: -enum client_error */
};

/* On a worker, as the handler was. It runs in any case: what came has to be given back. */
static int run_second_half(dw_call *c, dw_request *req, void *ud)
{
    const struct second_half *half = ud;
    dw_answer *answer = NULL;

    if (!half->whole)
        return call_fail(c, outbound_code((enum client_error) - half->failed, 0, false),
                         "%s %.*s: nothing was sent, because the server has no memory, or shuts down",
                         half->asked.method, shown(&half->asked), half->asked.url);
    DW_TRY(take_answer(c, &answer, half->whole, &half->asked));
    if (call_is_cancelled(c))
        return call_fail(c, DW_ECANCELLED, "the client left before the answer could be used");
    return half->then(c, req, answer);
}

/* On the client's thread: only passes it on. */
static void on_answer(struct client_answer *whole, void *ud)
{
    struct second_half *half = ud;

    half->whole = whole;
    request_resume(half->req);
}

/* What the second half needs, also when the handler ends a scope after this. NULL: memory is out. */
static struct second_half *make_half(dw_call *c, dw_request *req, const struct client_request *r)
{
    struct second_half *half = call_alloc_lasting(c, sizeof(*half));
    size_t n = strlen(r->method) + 1, url_n = strlen(r->url) + 1;
    char *texts = half ? call_alloc_lasting(c, n + url_n) : NULL;

    if (!texts)
        return NULL;
    half->req = req;
    half->asked.method = memcpy(texts, r->method, n);
    half->asked.url = memcpy(texts + n, r->url, url_n);
    return half;
}

static int start(dw_call *c, const struct outbound *o, struct second_half *half)
{
    dw_request *req = half->req;

    DW_TRY(request_suspend(c, req, run_second_half, half));
    /* When it has been started, the second half may have run and `half` be gone before client_start returns. */
    int failed = client_start(o->client, &o->request, on_answer, half);
    if (failed) {
        half->failed = failed;
        request_resume(req);
    }
    return 0;
}

static int host_fetch_then(dw_call *c, dw_request *req,
                           int (*then)(dw_call *c, dw_request *req, dw_answer *answer),
                           const dw_fetch_args *args)
{
    struct second_half *half;
    struct outbound o;

    DW_TRY(call_check(c, "dw_fetch_then"));
    if (!req || !then)
        return call_misuse(c, "dw_fetch_then: there is no request, or nothing to do then");
    DW_TRY(outbound_read(&o, c, args, false));
    half = make_half(c, req, &o.request);
    int rc = half ? 0 : call_fail(c, DW_ENOMEM, "out of memory");
    if (rc == 0) {
        half->then = then;
        rc = start(c, &o, half);
    }
    outbound_finish(&o);
    return rc;
}

const dw_client_api host_client_api = {
    .struct_size = sizeof(dw_client_api),
    .fetch = host_fetch,
    .fetch_then = host_fetch_then,
    .answer_json = host_answer_json,
    .answer_header = host_answer_header,
    .open = upstream_open,
    .read = upstream_read,
    .line = upstream_line,
    .event = upstream_event,
    .close = upstream_close,
};
