#include "http/operations.h"

#include <unistd.h>

#include "http/exchange.h"
#include "http/insider.h"
#include "http/percent.h"
#include "http/readiness.h"
#include "metrics/metrics.h"
#include "util/clock.h"

#define CORE_HEALTH  "core.health" /* as core/contract/api.yaml declares them */
#define CORE_METRICS "core.metrics"

/* ---- who may know more ---- */

static bool asks_insider(struct http_exchange *x)
{
    const struct operations *o = http_request_route(x)->ud;
    struct insider_caller caller = {
        .client = *http_request_client(x),
        .known = http_request_client_is_known(x),
    };
    /* A trusted proxy that says for whom it asks may leave these too. */
    bool is_announced = http_request_header(x, "Forwarded").p || http_request_header(x, "X-Forwarded-For").p;

    caller.signs_of_proxy =
        !is_announced && (http_request_header(x, "Via").p || http_request_header(x, "X-Real-IP").p);
    return insider_judge(&caller, o->allow, o->allow_n);
}

static bool shows_something(const struct http_exchange *x)
{
    return http_request_header(x, "Authorization").p || http_request_header(x, "Cookie").p;
}

static bool is_admitted(struct http_exchange *x, const char *permission)
{
    const struct operations *o = http_request_route(x)->ud;
    return o->admits && shows_something(x) && o->admits(x, permission, o->admits_ud);
}

/* Of what everybody gets something of: who may not see more is not refused. */
static bool is_admitted_silently(struct http_exchange *x, const char *permission)
{
    size_t mark = http_reply_mark(x);
    bool is = is_admitted(x, permission);

    if (!is)
        http_reply_rollback(x, mark);
    return is;
}

/* ---- handlers ---- */

/* Hands `out` over as the reply, or says that memory was out. */
static void reply_with(struct http_exchange *x, int status, const char *content_type, struct buf *out)
{
    http_reply_header(x, "Cache-Control", STR_OF("no-store"));
    if (buf_failed(out))
        http_reply_problem(x, 500, NULL);
    else
        http_reply_take(x, status, content_type, out);
    buf_finish(out);
}

static void livez(struct http_exchange *x)
{
    http_reply_header(x, "Cache-Control", STR_OF("no-store"));
    http_reply_borrow(x, 200, "text/plain; charset=utf-8", STR_OF("ok\n"));
}

static bool asks_verbose(struct http_exchange *x)
{
    struct str value;
    char room[8];

    /* "?verbose=%zz" is verbose too: only the name counts. */
    return http_query_find(http_request_query(x), "verbose", room, sizeof(room), &value) != 0 || value.p;
}

static void reply_readiness(struct http_exchange *x, bool is_verbose)
{
    struct buf out = BUF_INIT;
    bool ready = readiness_write_lines(&out, is_verbose);
    reply_with(x, ready ? 200 : 503, "text/plain; charset=utf-8", &out);
}

static void readyz_of_stranger(struct http_exchange *x)
{
    reply_readiness(x, is_admitted_silently(x, CORE_HEALTH));
}

/* The loop does not wait for whoever tells who asks: only that is a worker's. */
static void readyz(struct http_exchange *x)
{
    const struct operations *o = http_request_route(x)->ud;
    bool is_verbose = asks_verbose(x), is_insider = is_verbose && asks_insider(x);

    if (is_verbose && !is_insider && o->admits && shows_something(x)) {
        http_detach(x);
        http_resume(x, readyz_of_stranger, NULL);
        return;
    }
    reply_readiness(x, is_insider);
}

static void health(struct http_exchange *x)
{
    const struct operations *o = http_request_route(x)->ud;
    struct buf out = BUF_INIT;
    bool ready = readiness_check(NULL, NULL);

    buf_add_text(&out, ready ? "{\"status\":\"ok\"" : "{\"status\":\"unavailable\"");
    if (asks_insider(x) || is_admitted_silently(x, CORE_HEALTH)) {
        int64_t uptime_s = (clock_monotonic_us() - o->started_us) / CLOCK_SECOND;
        buf_add_format(&out, ",\"version\":\"%s\",\"pid\":%ld,\"uptime_s\":%lld,\"checks\":", DOWEL_VERSION,
                       (long)getpid(), (long long)uptime_s);
        readiness_write_json(&out);
    }
    buf_add_text(&out, "}\n");
    reply_with(x, ready ? 200 : 503, "application/json", &out);
}

static void version(struct http_exchange *x)
{
    static const struct str body = STR("{\"name\":\"dowel\",\"version\":\"" DOWEL_VERSION "\"}\n");
    http_reply_borrow(x, 200, "application/json", body);
}

static void metrics(struct http_exchange *x)
{
    struct buf out = BUF_INIT;

    if (!asks_insider(x) && !is_admitted(x, CORE_METRICS)) {
        if (!http_replied(x))
            http_reply_problem(
                x, 403,
                "Metrics are read from this machine, from a network of the item metrics_allow in core.yaml, "
                "or with the token of somebody who has the permission core.metrics. Behind a proxy, "
                "trusted_proxies must name it.");
        return;
    }
    metrics_write(&out);
    reply_with(x, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
}

/* Looks as the pages of plugins/auth do. */
#define WELCOME(docs)                                                                                        \
    STR("<!doctype html>\n"                                                                                  \
        "<html lang=\"en\">\n"                                                                               \
        "<meta charset=\"utf-8\">\n"                                                                         \
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"                         \
        "<title>Dowel</title>\n"                                                                             \
        "<style>:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}"                           \
        "body{display:grid;place-items:center;min-height:100vh;margin:0;padding:1rem;box-sizing:border-box}" \
        "main{max-width:34rem}h1{font-size:1.4rem;margin:0 0 .5rem}</style>\n"                               \
        "<main>\n"                                                                                           \
        "<h1>Dowel is running</h1>\n"                                                                        \
        "<p>It is used over its API and with the program <code>dowel</code>. Pages of your own are served "  \
        "here: set <code>static_dir</code> in <code>core.yaml</code> to their folder.</p>\n"                 \
        "<ul>\n" docs "<li><a href=\"/api/health\">Health</a></li>\n"                                        \
        "<li><a href=\"/api/version\">Version</a></li>\n"                                                    \
        "</ul>\n"                                                                                            \
        "</main>\n"                                                                                          \
        "</html>\n")

static void welcome(struct http_exchange *x)
{
    static const struct str bare = WELCOME(""),
                            with_docs = WELCOME("<li><a href=\"/docs\">Operations</a>, to try them; "
                                                "<a href=\"/redoc\">the same</a>, to read</li>\n");
    const struct operations *o = http_request_route(x)->ud;

    http_reply_borrow(x, 200, "text/html; charset=utf-8", o->has_docs ? with_docs : bare);
}

int operations_mount(struct router *r, struct operations *o, char why[ROUTER_WHY_SIZE])
{
    static const struct http_route routes[] = {
        { .path = "/livez", .handler = livez, .where = HTTP_ON_LOOP, .quiet = true, .no_rate_limit = true },
        { .path = "/readyz", .handler = readyz, .where = HTTP_ON_LOOP, .quiet = true, .no_rate_limit = true },
        { .path = "/api/health", .handler = health, .where = HTTP_ON_WORKER },
        { .path = "/api/version", .handler = version, .where = HTTP_ON_LOOP },
        { .path = "/metrics",
          .handler = metrics,
          .where = HTTP_ON_WORKER,
          .quiet = true,
          .no_rate_limit = true },
        { .path = "/", .handler = welcome, .where = HTTP_ON_LOOP },
    };

    o->started_us = clock_monotonic_us();
    for (size_t i = 0; i < DW_COUNT_OF(routes); i++) {
        struct http_route route = routes[i];
        route.method = HTTP_GET;
        route.ud = o;
        if (route.handler == welcome && o->no_welcome)
            continue;
        if (router_add(r, &route, why) != 0)
            return -1;
    }
    return 0;
}
