/* host_client.c - outbound HTTP for plugins: whole answers, waited for or called back. */
#include "plugin/host.h"
#include "plugin/outbound.h"
#include "plugin/request.h"

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
    int rc = peer_answer_take(c, out, whole, &(struct asked){ o.request.method, o.request.url });
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
                         half->asked.method, asked_shown(&half->asked), half->asked.url);
    DW_TRY(peer_answer_take(c, &answer, half->whole, &half->asked));
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
    .answer_json = peer_answer_json,
    .answer_header = peer_answer_header,
    .open = upstream_open,
    .read = upstream_read,
    .line = upstream_line,
    .event = upstream_event,
    .close = upstream_close,
    .start = fetching_start,
    .wait = fetching_wait,
};
