#include "events/inbox_route.h"

#include "events/inbox.h"
#include "http/exchange.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "util/clock.h"
#include "util/compiler.h"

enum { REPEATS = 5 };

/* ---- keeping it ---- */

static void take_headers(struct http_exchange *x, struct inbox_header headers[HTTP_FIELDS_MAX], size_t *n)
{
    const struct http_head *head = http_request_head(x);

    for (size_t i = 0; i < head->fields; i++)
        headers[i] = (struct inbox_header){
            .name = http_head_text(head, head->field[i].name),
            .value = http_head_text(head, head->field[i].value),
        };
    *n = head->fields;
}

/* Again from the start, in a new session, where the engine wants it: nothing was answered yet. */
static void receive(const struct inbox_route *o, const struct inbox_request *request, int64_t deadline_us,
                    struct inbox_received *out)
{
    bool again = true;

    *out = (struct inbox_received){ .answer = INBOX_FAILED };
    for (int i = 0; again && i < REPEATS; i++) {
        int64_t now_us = clock_wall_us();
        const struct db_who who = { .owner = "core", .now_us = now_us, .deadline_us = deadline_us };
        struct db_session *s;
        if (db_session_create(&s, o->db, &who) != 0)
            return;
        int rc = inbox_receive(s, o->keyring, request, now_us, out);
        again = rc < 0 && db_wants_repeat(s);
        if (rc < 0 && !again)
            log_error("a webhook that came in cannot be kept; its sender was told to try again",
                      LOG_STR("plugin", request->plugin), LOG_STR("source", request->source),
                      LOG_TEXT("why", out->verdict == WEBHOOK_UNVERIFIABLE
                                          ? "its secrets cannot be opened with this server's keys"
                                          : db_error_of(s)->text));
        db_session_destroy(s);
    }
}

/* ---- answering ---- */

static void refuse(struct http_exchange *x, const struct inbox_request *request, enum webhook_verdict verdict)
{
    log_info("a webhook that came in is not believed", LOG_STR("plugin", request->plugin),
             LOG_STR("source", request->source), LOG_TEXT("why", webhook_verdict_text(verdict)));
    http_reply_problem_format(x, 401, "This webhook is not believed: %s.",
                              http_say(http_request_language(x), webhook_verdict_text(verdict)));
}

static void answer(struct http_exchange *x, struct inbox_route *o, const struct inbox_request *request,
                   const struct inbox_received *received)
{
    switch (received->answer) {
    case INBOX_TAKEN:
        metric_add(o->taken, 1);
        http_reply_empty(x, 202);
        return;
    case INBOX_REPEATED:
        metric_add(o->repeated, 1);
        http_reply_empty(x, 202);
        return;
    case INBOX_UNKNOWN:
        metric_add(o->refused, 1);
        http_reply_problem(
            x, 404, "Nobody sends webhooks to this address; `dowel inbox sources` lists the addresses.");
        return;
    case INBOX_REFUSED:
        metric_add(o->refused, 1);
        refuse(x, request, received->verdict);
        return;
    case INBOX_WRONG:
        metric_add(o->refused, 1);
        http_reply_problem(
            x, 400,
            "The field with the sender's own id of the delivery is missing, or longer than 200 bytes.");
        return;
    case INBOX_FAILED: break;
    }
    metric_add(o->failed, 1);
    http_reply_header(x, "Retry-After", STR_OF("30"));
    http_reply_problem(x, 503, "The webhook cannot be kept at the moment; send it again.");
}

static struct str find_source(struct http_exchange *x)
{
    struct str source = http_request_param(x, "source");

    return source.p ? source : http_request_param(x, "connection");
}

static void handle(struct http_exchange *x)
{
    struct inbox_route *o = http_request_route(x)->ud;
    struct inbox_header headers[HTTP_FIELDS_MAX];
    struct inbox_received received;
    struct inbox_request request = {
        .plugin = http_request_param(x, "plugin"),
        .source = find_source(x),
        .headers = headers,
        .body = http_request_body(x),
    };

    take_headers(x, headers, &request.headers_n);
    receive(o, &request, http_request_deadline(x), &received);
    answer(x, o, &request, &received);
}

int inbox_route_mount(struct router *r, struct inbox_route *o, char why[ROUTER_WHY_SIZE])
{
    static const char name[] = "dowel_inbox_requests_total", help[] = "Webhooks that others sent";
    static const char *const paths[] = { "/hooks/{plugin}/{source}", "/api/v1/hooks/{plugin}/{connection}" };
    struct http_route route = {
        .method = HTTP_POST,
        .handler = handle,
        .ud = o,
        .where = HTTP_ON_WORKER,
    };
    int rc = 0;

    o->taken = metrics_counter(name, help, "result=\"taken\"");
    o->repeated = metrics_counter(name, help, "result=\"repeated\"");
    o->refused = metrics_counter(name, help, "result=\"refused\"");
    o->failed = metrics_counter(name, help, "result=\"failed\"");
    for (size_t i = 0; rc == 0 && i < DW_COUNT_OF(paths); i++) {
        route.path = paths[i];
        rc = router_add(r, &route, why);
    }
    return rc;
}
