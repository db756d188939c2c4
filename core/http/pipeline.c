#include "http/pipeline.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/access.h"
#include "http/compress.h"
#include "http/connection.h"
#include "http/cors.h"
#include "http/forwarded.h"
#include "http/percent.h"
#include "http/server_struct.h"
#include "http/versions.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum { LINES_MAX = 16 };

static void begin(struct http_exchange *x)
{
    if (x->began_us)
        return;
    x->began_us = x->loop->now_us;
    metric_add(x->server->metrics.in_flight, 1);
}

/* ---- who asks ---- */

static struct forwarded_lines lines_of(const struct http_exchange *x, struct str name,
                                       struct str out[LINES_MAX])
{
    struct forwarded_lines lines = { out, 0 };
    uint16_t at = 0;
    struct str line;

    /* The last lines are kept: they are our proxy's, and a client that sends many must not push them out. */
    while ((line = http_head_next(&x->reader.head, name, &at)).p) {
        if (lines.n == LINES_MAX)
            memmove(out, out + 1, --lines.n * sizeof(*out));
        out[lines.n++] = line;
    }
    return lines;
}

static bool comes_from_trusted_proxy(const struct http_exchange *x, const struct peer *peer)
{
    const struct http_options *o = &x->server->options;
    return o->trusted_proxies_n &&
           forwarded_is_trusted(peer->address, o->trusted_proxies, o->trusted_proxies_n);
}

static void see_through_proxies(struct http_exchange *x, const struct peer *peer)
{
    struct str forwarded[LINES_MAX], x_for[LINES_MAX], x_proto[LINES_MAX], x_host[LINES_MAX];
    struct forwarded found;
    const struct forwarded_request request = {
        .peer = *peer->address,
        .trusted = x->server->options.trusted_proxies,
        .trusted_n = x->server->options.trusted_proxies_n,
        .forwarded = lines_of(x, STR_OF("Forwarded"), forwarded),
        .x_for = lines_of(x, STR_OF("X-Forwarded-For"), x_for),
        .x_proto = lines_of(x, STR_OF("X-Forwarded-Proto"), x_proto),
        .x_host = lines_of(x, STR_OF("X-Forwarded-Host"), x_host),
    };

    forwarded_resolve(&request, &found);
    x->client = found.client;
    x->client_known = found.known;
    if (found.has_proto)
        x->client_tls = found.is_https;
    x->host = found.host;
}

static void take_client(struct http_exchange *x, const struct peer *peer)
{
    x->client = *peer->address;
    x->client_tls = peer->tls;
    if (x->server->options.trusted_proxies_n)
        see_through_proxies(x, peer);
}

/* ---- its name ---- */

static void name_request(struct http_exchange *x, const struct peer *peer)
{
    struct str id = { NULL, 0 };

    if (x->id_size) /* it stands in for another, which had one */
        return;
    if (comes_from_trusted_proxy(x, peer))
        id = http_head_find(&x->reader.head, STR_OF("X-Request-Id"));
    x->id_made = !id.p || !trace_request_id_is_usable(id);
    if (x->id_made) {
        trace_make_id(x->id);
        x->id_size = TRACE_ID;
    } else {
        memcpy(x->id, id.p, id.n);
        x->id_size = (uint8_t)id.n;
    }
}

static void join_trace(struct http_exchange *x)
{
    uint16_t at = 0;
    struct str header = http_head_next(&x->reader.head, STR_OF("traceparent"), &at);

    if (!header.p || http_head_next(&x->reader.head, STR_OF("traceparent"), &at).p ||
        trace_parse(header, &x->trace) != 0)
        return;
    memcpy(x->parent, x->trace.span, TRACE_SPAN);
    x->parent_size = TRACE_SPAN;
    trace_make_span(x->trace.span);
    x->traced = true;
}

/* ---- where to ---- */

static int decode_path(struct http_exchange *x)
{
    struct str raw = http_head_text(&x->reader.head, x->reader.head.path);

    if (raw.n == 0) { /* http://host without a path */
        x->path = STR_OF("/");
        return 0;
    }
    char *out = arena_alloc(&x->arena, raw.n);
    if (!out) {
        http_reply_problem(x, 503, "there is no memory for this request; try again later");
        return -1;
    }
    if (http_path_decode(raw, out, raw.n, &x->path) == 0)
        return 0;
    http_reply_problem(x, 400,
                       "the path is not valid: it must be percent-encoded UTF-8, without NUL and %2F");
    return -1;
}

/* Which of several addresses of one thing is its own (RFC 6596). What would end the reference in its field stands in no path
 * that has a route. */
static void say_canonical(struct http_exchange *x)
{
    struct str raw = http_head_text(&x->reader.head, x->reader.head.path), base = STR_OF("/api");
    const char *version = x->match.route ? x->match.route->path + base.n : "";
    struct buf link = BUF_INIT;

    if (!*version || !str_starts_with(raw, base) || memchr(raw.p, '<', raw.n) || memchr(raw.p, '>', raw.n))
        return;
    buf_add_format(&link, "</api%.*s%.*s>; rel=\"canonical\"", (int)str_find(str_from(version + 1), '/') + 1,
                   version, (int)(raw.n - base.n), raw.p + base.n);
    if (!buf_failed(&link)) /* a hint: without memory for it the answer stands as well */
        http_reply_header(x, "Link", buf_str(&link));
    buf_finish(&link);
}

static int find_route(struct http_exchange *x)
{
    struct str whole;
    int found;

    router_find(x->server->router, x->reader.head.method, x->path, &x->match);
    if (x->match.allowed == 0) {
        found =
            versions_find(x->server->router, &x->arena, x->reader.head.method, x->path, &x->match, &whole);
        if (found < 0) {
            http_reply_problem(x, 503, "there is no memory for this request; try again later");
            return -1;
        }
        if (found > 0)
            say_canonical(x);
    }
    x->route = x->match.route;
    return 0;
}

static void add_allow(struct http_exchange *x, unsigned allowed)
{
    char text[96];
    int n = 0;

    for (unsigned m = 0; m < HTTP_METHODS; m++) {
        if (allowed & (1u << m))
            n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%s", n ? ", " : "",
                          http_method_name((enum http_method)m));
    }
    http_reply_header(x, "Allow", str_make(text, (size_t)n));
}

static int answer_unrouted(struct http_exchange *x)
{
    enum http_method method = x->reader.head.method;
    unsigned allowed = x->match.allowed;

    if (method == HTTP_UNKNOWN) {
        http_reply_problem(x, 501, "this method is not known here");
    } else if (allowed == 0) {
        http_reply_problem(x, 404, "there is nothing at this path");
    } else {
        add_allow(x, allowed | 1u << HTTP_OPTIONS);
        if (method == HTTP_OPTIONS)
            http_reply_empty(x, 204);
        else
            http_reply_problem_format(x, 405, "%s is not possible here; Allow says what is",
                                      http_method_name(method));
    }
    return -1;
}

/* OPTIONS * asks about the server, not about a path; CONNECT asks for a proxy, which this is not. */
static int answer_without_path(struct http_exchange *x)
{
    if (x->reader.head.method == HTTP_CONNECT) {
        http_reply_problem(x, 501, "this server is not a proxy");
    } else {
        add_allow(x, (1u << HTTP_TRACE) - 1);
        http_reply_empty(x, 204);
    }
    return -1;
}

/* ---- from where ---- */

static void add_field(struct http_exchange *x, const char *name, struct str value)
{
    if (value.p)
        http_reply_header(x, name, value);
}

static int apply_cors(struct http_exchange *x)
{
    const struct http_options *o = &x->server->options;
    const struct http_head *head = &x->reader.head;
    const struct cors_policy policy = { o->cors_origins, o->cors_origins_n, true };
    const struct cors_request request = {
        .method = head->method,
        .origin = http_head_find(head, STR_OF("Origin")),
        .requested_method = http_head_find(head, STR_OF("Access-Control-Request-Method")),
        .requested_headers = http_head_find(head, STR_OF("Access-Control-Request-Headers")),
        .allowed = x->match.allowed,
    };
    struct cors_decision decision;

    cors_decide(&policy, &request, &decision);
    add_field(x, "Access-Control-Allow-Origin", decision.origin);
    add_field(x, "Access-Control-Expose-Headers", decision.expose);
    add_field(x, "Access-Control-Allow-Methods", decision.methods);
    add_field(x, "Access-Control-Allow-Headers", decision.headers);
    add_field(x, "Vary", decision.vary);
    if (decision.credentials)
        http_reply_header(x, "Access-Control-Allow-Credentials", STR_OF("true"));
    if (!decision.is_preflight)
        return 0;
    if (decision.methods.p)
        http_reply_header(x, "Access-Control-Max-Age", STR_OF("600"));
    http_reply_empty(x, 204);
    return -1;
}

/* ---- how often, how much ---- */

static void write_rate(struct http_exchange *x, const struct rate_fields *fields)
{
    http_reply_header(x, "RateLimit-Limit", str_from(fields->limit));
    http_reply_header(x, "RateLimit-Remaining", str_from(fields->remaining));
    http_reply_header(x, "RateLimit-Reset", str_from(fields->reset));
    http_reply_header(x, "RateLimit-Policy", str_from(fields->policy));
}

/* Of two rules that hold, the narrower one is told: a reply has one set of these fields. */
static int take_rate(struct http_exchange *x, enum rate_kind kind, struct str key,
                     const struct rate_rule *rule, bool is_told)
{
    struct rate_result result;
    struct rate_fields fields;

    ratelimit_take(x->server->ratelimit, kind, key, rule, x->loop->now_us, &result);
    rate_fields_write(rule, &result, &fields);
    if (is_told || !result.allowed)
        write_rate(x, &fields);
    if (result.allowed)
        return 0;
    server_count_refusal(x->server, REFUSED_RATE);
    http_reply_header(x, "Retry-After", str_from(fields.retry_after));
    http_reply_problem_format(
        x, 429, "more than %u requests were sent at once; Retry-After says in how many seconds to go on",
        result.limit);
    return -1;
}

/* Such limits are narrow. Where an address is that of all (this machine, a proxy that is not trusted), one of them could
 * shut the others out. */
static bool has_rate_of_its_own(const struct http_exchange *x)
{
    return x->route && x->route->rate.limit > 0 && !x->server->options.no_route_limits &&
           http_request_client_is_known(x) && address_scope_of(&x->client) != ADDRESS_LOOPBACK;
}

static int apply_rate_limits(struct http_exchange *x)
{
    bool has_own = has_rate_of_its_own(x);
    struct str address = ratelimit_address_key(&x->client);
    char key[sizeof(x->route) + 16];

    if (address.n == 0 || address.n > 16)
        return 0;
    if (x->server->options.rate_limit > 0 && !(x->route && x->route->no_rate_limit) &&
        take_rate(x, RATE_ADDRESS, address, &x->server->rate_rule, !has_own) != 0)
        return -1;
    if (!has_own)
        return 0;
    memcpy(key, &x->route, sizeof(x->route)); /* it stays where it is as long as the server lives */
    memcpy(key + sizeof(x->route), address.p, address.n);
    return take_rate(x, RATE_ROUTE, str_make(key, sizeof(x->route) + address.n), &x->route->rate, true);
}

static int check_content_size(struct http_exchange *x)
{
    uint64_t max = x->route->body_max ? x->route->body_max : x->server->options.body_max;

    if (x->reader.head.length <= max)
        return 0;
    server_count_refusal(x->server, REFUSED_CONTENT_TOO_LARGE);
    http_reply_problem_format(x, 413, "the content has %llu bytes; at most %llu are taken here",
                              (unsigned long long)x->reader.head.length, (unsigned long long)max);
    return -1;
}

int pipeline_begin(struct http_exchange *x, const struct peer *peer)
{
    const struct http_head *head = &x->reader.head;

    begin(x);
    take_client(x, peer);
    name_request(x, peer);
    join_trace(x);
    if (head->method == HTTP_CONNECT || (head->path.n == 1 && head->base[head->path.at] == '*'))
        return answer_without_path(x);
    if (decode_path(x) != 0)
        return -1;
    if (find_route(x) != 0)
        return -1;
    if (x->server->options.cors_origins_n && apply_cors(x) != 0)
        return -1;
    if (apply_rate_limits(x) != 0)
        return -1;
    if (!x->route)
        return answer_unrouted(x);
    return check_content_size(x);
}

void pipeline_refuse(struct http_exchange *x, const struct peer *peer, int status, const char *detail)
{
    struct http_head *head = &x->reader.head;

    begin(x);
    if (!head->base) {
        /* The head is broken: nothing that it said is to be believed or written down. */
        head->fields = 0;
        head->base = x->in;
        head->path = head->query = head->host = (struct http_span){ 0, 0 };
        head->method = HTTP_UNKNOWN;
        head->minor = 1;
        x->client = *peer->address;
        x->client_tls = peer->tls;
    }
    name_request(x, peer);
    if (!x->reply.stream)
        reply_clear(&x->reply);
    http_reply_problem(x, status, detail);
}

/* ---- the handler ---- */

static void ensure_reply(struct http_exchange *x)
{
    if (!http_replied(x)) {
        log_error("a handler ended without a reply", LOG_TEXT("route", x->route ? x->route->path : ""),
                  LOG_TEXT("plugin", x->route && x->route->owner ? x->route->owner : ""),
                  LOG_STR("request", http_request_id(x)));
        http_reply_problem(
            x, 500, "the operation ended without an answer; the log says more under this request's id");
    }
    if (!x->reply.stream)
        pipeline_finish_reply(x);
}

void pipeline_run(struct http_exchange *x)
{
    void (*handler)(struct http_exchange *) = x->next_handler ? x->next_handler : x->route->handler;

    x->next_handler = NULL;
    x->detached = false;
    atomic_store_explicit(&x->halves, 0, memory_order_relaxed);
    handler(x);
    if (!x->detached)
        ensure_reply(x);
}

/* The handler's return and the completion come in any order, on two threads; the later one goes on. */
static void end_half(struct http_exchange *x)
{
    if (atomic_fetch_add_explicit(&x->halves, 1, memory_order_acq_rel) == 0)
        return;
    if (x->next_handler)
        x->transport->resume(x);
    else
        x->transport->completed(x);
}

void http_complete(struct http_exchange *x)
{
    ensure_reply(x);
    end_half(x);
}

void http_resume(struct http_exchange *x, void (*handler)(struct http_exchange *x), void *ud)
{
    x->next_handler = handler;
    x->next_ud = ud;
    end_half(x);
}

void pipeline_handler_returned(struct http_exchange *x)
{
    if (x->detached)
        end_half(x);
    else
        x->transport->completed(x);
}

/* ---- what every reply gets ---- */

/* Whether what the handler wrote must reach the client byte by byte. */
static bool must_stay_as_it_is(const struct http_exchange *x)
{
    struct str control = reply_field(&x->reply, STR_OF("Cache-Control"));

    while (control.n) {
        struct str directive;
        str_split(&control, ',', &directive);
        if (str_equal_nocase(str_trim(directive), STR_OF("no-transform")))
            return true;
    }
    return reply_field(&x->reply, STR_OF("Content-Encoding")).p != NULL;
}

static bool wants_gzip(const struct http_exchange *x)
{
    struct accept_encoding accepted;

    accept_encoding_parse(http_head_find(&x->reader.head, STR_OF("Accept-Encoding")), &accepted);
    return compress_choose(&accepted, 1u << CODING_GZIP) == CODING_GZIP;
}

static void compress(struct http_exchange *x)
{
    struct buf packed = BUF_INIT;

    if (compress_gzip(x->reply.body, &packed) != 0 ||
        http_reply_header(x, "Content-Encoding", STR_OF("gzip")) != 0) {
        buf_finish(&packed); /* sent as it is */
        return;
    }
    reply_weaken_etag(&x->reply);
    free(x->reply.owned);
    x->reply.owned = packed.p;
    x->reply.body = buf_str(&packed);
}

void pipeline_finish_reply(struct http_exchange *x)
{
    struct http_reply *reply = &x->reply;
    struct str type = str_from(reply->content_type);

    if (x->server->options.no_compression || reply->stream || reply->fd >= 0 || reply->body.n < COMPRESS_MIN)
        return;
    if (!compress_is_candidate(reply->status, type, must_stay_as_it_is(x), reply->body.n))
        return;
    http_reply_header(x, "Vary", STR_OF("Accept-Encoding"));
    if (wants_gzip(x))
        compress(x);
}

/* ---- the end ---- */

void pipeline_end(struct http_exchange *x, bool cut)
{
    const struct http_server *s = x->server;
    /* A handler that is still running may be staging a reply: only what it does not touch is looked at. */
    bool unfinished = exchange_is_out_of_hand(x) && x->conn && !x->conn->stream;
    int status = x->timed_out ? 504 : unfinished ? 499 : x->reply.status;
    int64_t took = clock_monotonic_us() - x->began_us;

    if (!x->began_us)
        return;
    metric_add(s->metrics.in_flight, -1);
    if (x->replaces_timed_out)
        return; /* the request that it answers was counted with its route */
    unsigned class = (unsigned)status / 100 % 6;
    bool owned = x->route && x->route->owner;
    metric_add(owned ? x->route->status[class] : s->metrics.status[class], 1);
    metric_observe_us(x->route ? x->route->duration : s->metrics.unrouted, took);
    if (s->options.access_log && !(x->route && x->route->quiet && status < 400))
        access_log(x, status, took, cut);
}
