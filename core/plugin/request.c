#include "plugin/request.h"

#include <sys/mman.h>

#include "api/input.h"
#include "http/router.h"
#include "log/log.h"
#include "plugin/access.h"
#include "plugin/call_db.h"
#include "plugin/channels.h"
#include "plugin/idempotency.h"
#include "plugin/outcome.h"
#include "plugin/reply_check.h"

enum { MEMORY_MAX = 64 << 20 };

/* ---- whose is it ---- */

struct request *request_of(dw_request *req, const char *step)
{
    dw_call *c = (dw_call *)(void *)req;

    if (!call_is_mine(c)) {
        call_stray(c, step);
        return NULL;
    }
    return c->owner;
}

int request_check(dw_request *req, const char *step, struct request **out)
{
    dw_call *c = (dw_call *)(void *)req;
    int rc = call_check(c, step);

    *out = rc < 0 ? NULL : c->owner;
    return rc < 0 ? rc : 0;
}

void request_cancel_call(void *call)
{
    call_cancel(call);
}

/* ---- before the handler ---- */

/* As the harness says. */
static int admit_as_said(const struct plugin_process *p, const struct plugin_route *route,
                         struct http_exchange *x, struct identity **out)
{
    static const char *const all[] = { "*", NULL };
    const char *const *names = p->permissions ? p->permissions : all, *wrong;
    dw_credential found = {
        .struct_size = sizeof(found),
        .principal_kind = DW_USER,
        .id = p->principal,
        .tenant = p->tenant,
        .permissions = names,
    };

    *out = NULL;
    while (names[found.permissions_n])
        found.permissions_n++;
    if (p->principal && identity_create(out, &found, 0, &wrong) != 0)
        http_reply_problem_format(x, 500, "the harness's principal is none: %s", wrong);
    else if (!*out && route->permission)
        http_reply_problem(x, 503,
                           "this needs a permission, and this server cannot tell who asks; in the harness "
                           "dw_harness_set_principal() says so");
    else if (*out && route->permission && strcmp(route->permission, API_SIGNED_IN) != 0 &&
             !identity_may(*out, route->permission))
        http_reply_problem_format(x, 403, "this needs the permission %s", route->permission);
    else
        return 0;
    identity_drop(*out);
    *out = NULL;
    return -1;
}

static int admit(const struct plugin_route *route, struct http_exchange *x, struct identity **out)
{
    const struct plugin_process *p = route->instance->process;

    if (!p->access || p->says_who)
        return admit_as_said(p, route, x, out);
    DW_TRY(access_admit(p->access, x, route->permission, out));
    if (!route->needs_tenant || (*out)->tenant)
        return 0;
    http_reply_problem(
        x, 403, "this is about a tenant, and you are in none: an administrator makes you a member of one");
    identity_drop(*out);
    *out = NULL;
    return -1;
}

/* Its memory is the exchange's, but what one call may take is the call's to say. */
static struct arena *lend_arena(struct http_exchange *x, const dw_instance *instance)
{
    size_t max = instance->process->call_memory_max;
    struct arena *a = http_arena(x);

    a->limit += max ? max : MEMORY_MAX;
    return a;
}

static void take_arena_back(struct request *r, struct http_exchange *x)
{
    size_t max = r->route->instance->process->call_memory_max;

    if (r->has_lent)
        http_arena(x)->limit -= max ? max : MEMORY_MAX;
    r->has_lent = false;
}

/* What has x-tenant: none belongs to none. */
static const char *tenant_of(const struct request *r)
{
    if (r->route->operation && r->route->operation->no_tenant)
        return NULL;
    return r->identity ? r->identity->tenant : r->route->instance->process->tenant;
}

static int begin_call(struct request *r, bool is_first)
{
    const struct plugin_route *route = r->route;
    const struct call_options options = {
        .instance = route->instance,
        .label = route->label,
        .what = route->what,
        .deadline_us = http_request_deadline(r->x),
        .arena = is_first ? lend_arena(r->x, route->instance) : NULL,
        .request_id = http_request_id(r->x),
        .tenant = tenant_of(r),
        .principal = r->identity ? r->identity->principal.id : NULL,
        .identity = r->identity,
        .asker = r->x,
        .is_asked = true,
    };

    r->has_lent |= is_first;
    if (call_begin(&r->c, &options) != 0) {
        take_arena_back(r, r->x);
        http_reply_problem(r->x, 503, "there is no memory for this request; try again later");
        return -1;
    }
    r->c->owner = r;
    r->c->claim = r->claim;
    http_watch_gone(r->x, request_cancel_call, r->c);
    return 0;
}

static int read_input(struct request *r)
{
    struct api_refusal refusal;

    if (!r->route->operation || api_input_check(r->x, r->route->operation, &r->input, &refusal) == 0)
        return 0;
    api_input_refuse(r->x, &refusal);
    return -1;
}

/* NULL: it is answered. Takes the identity. */
static struct request *begin(struct http_exchange *x, const struct plugin_route *route,
                             struct identity *identity)
{
    struct request *r = arena_calloc(http_arena(x), sizeof(*r));

    if (!r) {
        identity_drop(identity);
        http_reply_problem(x, 503, "there is no memory for this request; try again later");
        return NULL;
    }
    r->identity = identity;
    r->x = x;
    r->route = route;
    r->body = r->streamed = (struct buf)BUF_INIT;
    r->mark = http_reply_mark(x);
    if (read_input(r) == 0) {
        if (begin_call(r, true) == 0)
            return r;
        api_input_finish(r->input);
    }
    identity_drop(identity);
    return NULL;
}

/* ---- after it ---- */

static void answer_error(struct request *r, int rc)
{
    const dw_err *e = &r->c->error;
    bool is_told = e->code == rc && e->text;
    bool is_input = rc == DW_EINVALID;
    const struct outcome o = {
        .code = rc,
        .text = is_told ? e->text : "",
        .said = is_told && e->said != e->text ? e->said : NULL,
        .is_mixed = is_input && r->c->errors_said_n < r->c->errors_n,
        .is_from_peer = is_told && r->c->error_from_peer,
        .is_inner = is_told && r->c->error_is_inner,
        .retry_after_us = is_told ? e->retry_after.us : 0,
        .errors = is_input ? r->c->errors : NULL,
        .errors_n = is_input ? r->c->errors_n : 0,
    };

    outcome_answer(r->x, r->mark, &o, r->route->instance, r->route->what);
}

/* The plugin's own mistake, found when the handler is over. */
static void answer_misuse(struct request *r, const char *what)
{
    answer_error(r, call_misuse(r->c, "%s", what));
}

static void cut_stream(struct request *r, int rc)
{
    const dw_err *e = &r->c->error;

    if (rc != DW_EGONE && !http_request_gone(r->x))
        log_warn("a plugin's stream was cut", LOG_TEXT("plugin", r->route->instance->name),
                 LOG_TEXT("callback", r->route->what), LOG_STR("request", http_request_id(r->x)),
                 LOG_TEXT("code", outcome_name(rc)), LOG_TEXT("why", e->code == rc ? e->text : ""));
    http_stream_close(r->stream, false);
    r->stream = NULL;
}

static void follow(struct request *r)
{
    const dw_instance *i = r->route->instance;
    int rc = channels_follow(i->process->channels, i->name, r->channel, r->x);

    if (rc < 0)
        answer_error(r, call_fail_inner(r->c, rc, "the channel %s cannot be followed", r->channel));
}

static void settle(struct request *r)
{
    switch (r->answer) {
    case ANSWER_NONE: answer_misuse(r, "the handler returned 0 and has made no reply"); break;
    case ANSWER_WRITING: answer_misuse(r, "dw_reply_open without dw_reply_close"); break;
    case ANSWER_FOLLOW: follow(r); break;
    case ANSWER_STREAM:
        if (r->stream)
            cut_stream(r, call_misuse(r->c, "dw_stream_open without dw_stream_finish"));
        else if (!r->is_finished)
            answer_misuse(r, "dw_stream_open without dw_stream_finish");
        break;
    case ANSWER_STAGED: reply_check(r->x, r->mark); break;
    case ANSWER_LATER: break;
    }
}

/* All but the call. */
static void release(struct request *r, struct http_exchange *x)
{
    api_input_finish(r->input);
    json_decref(r->json);
    identity_drop(r->identity);
    buf_finish(&r->body);
    buf_finish(&r->streamed);
    if (r->mapped)
        munmap(r->mapped, r->mapped_n);
    take_arena_back(r, x);
}

static void end_claim(struct request *r)
{
    struct idempotency *claim = r->claim;

    if (!claim)
        return;
    r->claim = r->c->claim = NULL;
    if (r->answer != ANSWER_LATER)
        call_session_end(r->c);
    idempotency_end(claim);
}

static void end(struct request *r)
{
    struct http_exchange *x = r->x;

    call_end(r->c);
    release(r, x);
}

/* Whoever has the token may be answering just now: nothing of the exchange may be touched but its arena, which stays until
 * this has returned. */
static void end_detached(struct request *r, int rc)
{
    call_take_back(r->c);
    if (rc < 0)
        call_misuse(r->c, "a handler that has detached its request returns 0, not %s: the token answers",
                    outcome_name(rc));
    end_claim(r);
    end(r);
}

static void suspend(struct request *r, int rc)
{
    r->first_rc = rc;
    if (rc < 0)
        call_cancel(r->c);
    call_suspend(r->c);
}

/* ---- once more ---- */

/* What the handler has read and prepared, as if it had never run. What came of the content stays: it comes once. */
static void forget(struct request *r)
{
    http_reply_rollback(r->x, r->mark);
    buf_finish(&r->body);
    r->answer = ANSWER_NONE;
    json_decref(r->json);
    r->json = NULL;
    r->json_read = false;
    api_input_finish(r->input);
    r->input = NULL;
}

/* 0: the handler may run again in a new call. Else the request is answered, and over. */
static int begin_again(struct request *r)
{
    idempotency_not_committed(r->claim);
    call_end(r->c);
    forget(r);
    if (read_input(r) == 0 && begin_call(r, false) == 0)
        return 0;
    release(r, r->x);
    return -1;
}

/* A handler, or its second half, is over. True: the handler is to run again. */
static bool finish(struct request *r, int rc)
{
    rc = call_check_committed(r->c, rc);
    if (r->answer == ANSWER_LATER) {
        end_detached(r, rc);
        return false;
    }
    if (r->then) {
        suspend(r, rc);
        return false;
    }
    if (repeat_wanted(&r->repeat, r->c, rc)) {
        http_watch_gone(r->x, NULL, NULL);
        return begin_again(r) == 0;
    }
    http_watch_gone(r->x, NULL, NULL);
    if (rc >= 0)
        settle(r);
    else if (r->stream)
        cut_stream(r, rc);
    else
        answer_error(r, rc);
    end_claim(r);
    end(r);
    return false;
}

static struct str body_text(void *request)
{
    dw_bytes body = request_body(request);

    return str_make(body.p, body.n);
}

/* An Idempotency-Key may have its answer already: then -1, and it is over. */
static int begin_once(struct request *r)
{
    const struct idempotency_request asks = {
        .x = r->x,
        .process = r->route->instance->process,
        .operation = r->route->operation,
        .owner = r->route->instance->name,
        .what = r->route->what,
        .tenant = r->c->tenant,
        .principal = r->c->principal,
        .mark = r->mark,
        .answer = &r->answer,
        .body = body_text,
        .ud = r,
    };

    if (idempotency_begin(&r->claim, &asks) == 0) {
        r->c->claim = r->claim;
        return 0;
    }
    http_watch_gone(r->x, NULL, NULL);
    end(r);
    return -1;
}

static void run(struct request *r)
{
    while (finish(r, r->route->handler(r->c, request_handle_of(r))))
        ;
}

void request_handle(struct http_exchange *x)
{
    const struct plugin_route *route = http_request_route(x)->ud;
    const dw_instance *instance = route->instance;

    if (atomic_load(&instance->missing)) {
        http_reply_problem(x, 503, "the plugin that answers this is not running");
        return;
    }
    struct identity *identity;
    if (admit(route, x, &identity) != 0)
        return;
    struct request *r = begin(x, route, identity);
    if (r && begin_once(r) == 0)
        run(r);
}

/* ---- two halves ---- */

static void run_second_half(struct http_exchange *x)
{
    struct request *r = http_resumed_with(x);
    int (*then)(dw_call *, dw_request *, void *) = r->then;

    r->then = NULL;
    call_resume(r->c);
    int rc = then(r->c, request_handle_of(r), r->then_ud);
    if (r->first_rc < 0 && r->answer != ANSWER_LATER && !r->then)
        rc = r->first_rc;
    if (finish(r, rc))
        run(r);
}

int request_suspend(dw_call *c, dw_request *req, int (*then)(dw_call *c, dw_request *req, void *ud), void *ud)
{
    struct request *r;

    DW_TRY(call_check(c, "dw_fetch_then"));
    DW_TRY(request_check(req, "dw_fetch_then", &r));
    if (r->c != c)
        return call_misuse(c, "the request belongs to another call");
    if (r->answer != ANSWER_NONE || r->then)
        return call_misuse(c, "a request that is answered, or waits already, cannot wait");
    r->then = then;
    r->then_ud = ud;
    http_detach(r->x);
    return 0;
}

void request_resume(dw_request *req)
{
    struct request *r = ((dw_call *)(void *)req)->owner;

    http_resume(r->x, run_second_half, r);
}
