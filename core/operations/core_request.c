#include "operations/core_operation.h"

#include "api/input.h"
#include "http/language.h"
#include "http/router.h"
#include "log/log.h"
#include "plugin/access.h"
#include "plugin/idempotency.h"
#include "plugin/outcome.h"
#include "plugin/reply_check.h"
#include "secure/uuid.h"
#include "util/clock.h"

enum { RUNS_MAX = 5 };

static const int64_t retry_after_us = CLOCK_SECOND;

/* ---- what was sent ---- */

static bool find(const struct core_request *r, const char *name, enum api_value_kind kind,
                 struct api_value *out)
{
    return api_input_find(r->input, name, out) == 1 && out->kind == kind;
}

const char *core_text(const struct core_request *r, const char *name)
{
    struct api_value v;

    return find(r, name, API_VALUE_TEXT, &v) ? v.text.p : NULL;
}

bool core_flag(const struct core_request *r, const char *name, bool *out)
{
    struct api_value v;

    if (!find(r, name, API_VALUE_BOOLEAN, &v))
        return false;
    *out = v.boolean;
    return true;
}

bool core_number(const struct core_request *r, const char *name, int64_t *out)
{
    struct api_value v;

    if (!find(r, name, API_VALUE_INTEGER, &v))
        return false;
    *out = v.integer;
    return true;
}

json_t *core_json(const struct core_request *r, const char *name)
{
    struct api_value v;

    return find(r, name, API_VALUE_JSON, &v) ? v.json : NULL;
}

const char *core_id(struct core_request *r, const char *name)
{
    struct uuid id;
    char *text = arena_alloc(http_arena(r->x), UUID_TEXT_SIZE);

    if (!text || uuid_parse(str_from(core_text(r, name)), &id) != 0)
        return NULL;
    uuid_format(&id, text);
    return text;
}

int core_time(struct core_request *r, const char *name, int64_t *us)
{
    const char *text = core_text(r, name);

    if (!text || clock_parse_rfc3339(str_from(text), us))
        return 0;
    const char *where = r->operation->method == HTTP_GET ? "#/query/" : "#/";
    const char *pointer = arena_format(http_arena(r->x), "%s%s", where, name);
    return pointer ? core_fail_at(r, pointer, "is no time such as 2026-11-21T08:05:00Z") : DW_ENOMEM;
}

/* ---- answering ---- */

int core_reply(struct core_request *r, int status, struct buf *body)
{
    int rc = body && (body->n > 0 || buf_failed(body))
                 ? http_reply_take(r->x, status, "application/json", body)
                 : http_reply_empty(r->x, status);

    r->answer = ANSWER_STAGED;
    return rc == 0 ? 0 : DW_ENOMEM;
}

int core_reply_secret(struct core_request *r, const char *name, const char *value, const char *secret)
{
    struct buf body = BUF_INIT;

    buf_add_char(&body, '{');
    if (name) {
        buf_add_format(&body, "\"%s\":", name);
        buf_add_json(&body, str_from(value));
    }
    if (secret) {
        buf_add_text(&body, name ? ",\"secret\":" : "\"secret\":");
        buf_add_json(&body, str_from(secret));
    }
    buf_add_char(&body, '}');
    http_reply_header(r->x, "Cache-Control", STR_OF("no-store"));
    return core_reply(r, 201, &body);
}

int core_fail(struct core_request *r, int code, const char *format, ...)
{
    va_list args;

    buf_finish(&r->why);
    va_start(args, format);
    buf_add_format_list(&r->why, http_say(http_request_language(r->x), format), args);
    va_end(args);
    return code;
}

int core_fail_at(struct core_request *r, const char *pointer, const char *wrong)
{
    const char *said = http_say(http_request_language(r->x), wrong);

    r->at = (struct problem_error){ str_from(pointer), str_from(said) };
    return DW_EINVALID;
}

static struct str copy(struct core_request *r, struct str text)
{
    const char *p = arena_copy(http_arena(r->x), text);

    return str_make(p ? p : "", p ? text.n : 0);
}

int core_fail_all(struct core_request *r, int code, const struct problem_error *errors, size_t n)
{
    struct problem_error *all = arena_calloc(http_arena(r->x), n * sizeof(*all));

    if (!all)
        return DW_ENOMEM;
    for (size_t i = 0; i < n; i++)
        all[i] = (struct problem_error){ copy(r, errors[i].pointer), copy(r, errors[i].detail) };
    r->faults = all;
    r->faults_n = n;
    return code;
}

/* What the database says is for the log. What core/events says is in English up to here. */
static void answer_error(struct core_request *r, int rc)
{
    const struct db_error *e = db_error_of(r->s);
    const char *why = http_say(http_request_language(r->x), buf_text(&r->why));
    const struct outcome o = {
        .code = rc,
        .text = r->why.n > 0    ? why
                : e->code == rc ? e->text
                                : "",
        .is_inner = r->why.n == 0,
        .retry_after_us = rc == DW_EUNAVAILABLE || rc == DW_ERATE ? retry_after_us : 0,
        .errors = r->faults ? r->faults : &r->at,
        .errors_n = r->faults             ? r->faults_n
                    : r->at.pointer.n > 0 ? 1
                                          : 0,
    };

    outcome_answer(r->x, r->mark, &o, NULL, r->operation->id);
    r->answer = ANSWER_STAGED;
}

/* ---- running ---- */

static void forget(struct core_request *r)
{
    http_reply_rollback(r->x, r->mark);
    r->answer = ANSWER_NONE;
    buf_finish(&r->why);
    r->at = (struct problem_error){ .pointer = { NULL, 0 } };
    r->faults = NULL;
    r->faults_n = 0;
}

static void cancel(void *session)
{
    db_session_cancel(session);
}

static int64_t wall_us(const struct plugin_process *p)
{
    return p->wall_us ? p->wall_us(p->clock_ud) : clock_wall_us();
}

static int call_handler(struct core_request *r, core_handler *handler)
{
    http_watch_gone(r->x, cancel, r->s);
    int rc = handler(r);
    http_watch_gone(r->x, NULL, NULL);
    if (rc >= 0 && (db_in_transaction(r->s) || !http_replied(r->x))) {
        log_error("an operation of the server's own left a transaction open, or made no reply",
                  LOG_TEXT("operation", r->operation->id));
        return DW_EINTERNAL;
    }
    return rc;
}

/* True: once more, from the start, in a new session. */
static bool run(struct core_request *r, core_handler *handler, bool is_repeat, bool is_last)
{
    r->now_us = wall_us(r->process);
    const struct db_who who = {
        .owner = "core",
        .tenant = r->tenant,
        .principal = r->who ? r->who->principal.id : NULL,
        .is_repeat = is_repeat,
        .now_us = r->now_us,
        .deadline_us = http_request_deadline(r->x),
        .before_commit = r->claim ? idempotency_before_commit : NULL,
        .before_commit_ud = r->claim,
    };

    if (db_session_create(&r->s, r->process->db, &who) != 0) {
        http_reply_problem(r->x, 503, "there is no memory for this request; try again later");
        r->answer = ANSWER_STAGED;
        return false;
    }
    int rc = call_handler(r, handler);
    if (rc < 0)
        idempotency_not_committed(r->claim);
    bool again = rc < 0 && !is_last && db_wants_repeat(r->s) && !db_has_committed(r->s);
    if (again)
        forget(r);
    else if (rc < 0)
        answer_error(r, rc);
    db_session_destroy(r->s);
    return again;
}

static void run_until_done(struct core_request *r, core_handler *handler)
{
    for (int i = 0; run(r, handler, i > 0, i + 1 == RUNS_MAX); i++)
        ;
    buf_finish(&r->why);
}

/* ---- once ---- */

static struct str body_of(void *request)
{
    const struct core_request *r = request;

    return http_request_body(r->x);
}

/* 0: it is to be done; -1: it was, and is answered. */
static int begin_once(struct core_request *r)
{
    const struct idempotency_request asks = {
        .x = r->x,
        .process = r->process,
        .operation = r->operation,
        .owner = "core",
        .what = r->operation->id,
        .tenant = r->tenant,
        .principal = r->who ? r->who->principal.id : NULL,
        .mark = r->mark,
        .answer = &r->answer,
        .body = body_of,
        .ud = r,
    };

    return idempotency_begin(&r->claim, &asks);
}

/* ---- before it ---- */

static bool has_tenant(struct http_exchange *x, const struct core_route *route, const struct identity *who)
{
    const struct api_operation *op = route->operation;

    if (op->is_public || op->no_tenant || who->tenant)
        return true;
    http_reply_problem(
        x, 403, "this is about a tenant, and you are in none: an administrator makes you a member of one");
    return false;
}

static void handle(struct http_exchange *x, const struct core_route *route, const struct identity *who)
{
    struct core_request r = {
        .x = x,
        .process = route->process,
        .operation = route->operation,
        .who = who,
        .tenant = who && !route->operation->no_tenant ? who->tenant : NULL,
        .why = BUF_INIT,
        .mark = http_reply_mark(x),
    };
    struct api_refusal refusal;

    if (api_input_check(x, route->operation, &r.input, &refusal) != 0) {
        api_input_refuse(x, &refusal);
        return;
    }
    if (begin_once(&r) == 0) {
        run_until_done(&r, route->handler);
        reply_check_as(x, r.mark, route->replies, route->operation);
        idempotency_end(r.claim);
    }
    api_input_finish(r.input);
}

void core_request_handle(struct http_exchange *x)
{
    const struct core_route *route = http_request_route(x)->ud;
    struct identity *who;

    if (access_admit(route->process->access, x, route->operation->permission, &who) != 0)
        return;
    if (has_tenant(x, route, who))
        handle(x, route, who);
    identity_drop(who);
}
