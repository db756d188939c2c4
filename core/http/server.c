#include "http/server.h"

#include <stdlib.h>
#include <unistd.h>

#include "http/address_counts.h"
#include "http/connection.h"
#include "http/listener.h"
#include "http/pipeline.h"
#include "http/server_struct.h"
#include "log/log.h"
#include "metrics/metrics.h"

/* ---- numbers ---- */

static const char *const refusal_names[REFUSALS] = {
    [REFUSED_CONNECTIONS] = "connections",
    [REFUSED_CONNECTIONS_ADDRESS] = "connections_per_address",
    [REFUSED_MALFORMED] = "malformed",
    [REFUSED_HEAD_TOO_LARGE] = "head_too_large",
    [REFUSED_CONTENT_TOO_LARGE] = "content_too_large",
    [REFUSED_HEAD_TIMEOUT] = "head_timeout",
    [REFUSED_CONTENT_TIMEOUT] = "content_timeout",
    [REFUSED_RATE] = "rate_limit",
    [REFUSED_QUEUE_FULL] = "queue_full",
    [REFUSED_QUEUE_DEADLINE] = "queue_deadline",
    [REFUSED_REQUEST_DEADLINE] = "request_deadline",
    [REFUSED_TLS] = "tls",
};

void server_count_refusal(const struct http_server *s, enum http_refusal why)
{
    if (why < REFUSALS)
        metric_add(s->metrics.refused[why], 1);
}

static int64_t read_connections(void *ud)
{
    return atomic_load_explicit(&((struct http_server *)ud)->connections, memory_order_relaxed);
}

static int64_t read_nothing(void *ud)
{
    (void)ud;
    return 0;
}

static struct metric *labelled(const char *name, const char *help, const char *label, const char *value)
{
    struct buf text = BUF_INIT;

    metrics_label(&text, label, str_from(value));
    struct metric *m = metrics_counter(name, help, buf_text(&text));
    buf_finish(&text);
    return m;
}

static void make_metrics(struct http_server *s)
{
    static const char *const classes[6] = { "other", "1xx", "2xx", "3xx", "4xx", "5xx" };

    s->metrics.accepted =
        metrics_counter("dowel_http_connections_accepted_total", "Connections accepted", NULL);
    s->metrics.bytes_in = metrics_counter("dowel_http_received_bytes_total", "Bytes received", NULL);
    s->metrics.bytes_out = metrics_counter("dowel_http_sent_bytes_total", "Bytes sent", NULL);
    s->metrics.in_flight =
        metrics_gauge("dowel_http_requests_in_flight", "Requests without an answer yet", NULL);
    s->metrics.unrouted =
        metrics_histogram("dowel_http_request_duration_seconds", "Time from head to the end of the reply",
                          "method=\"\",route=\"\"");
    for (unsigned i = 0; i < 6; i++)
        s->metrics.status[i] = labelled("dowel_http_requests_total", "Requests answered, by class of status",
                                        "status", classes[i]);
    for (unsigned i = 0; i < REFUSALS; i++)
        s->metrics.refused[i] =
            labelled("dowel_http_refused_total", "Connections and requests refused, by reason", "reason",
                     refusal_names[i]);
    metrics_gauge_read("dowel_http_connections", "Open connections", NULL, read_connections, s);
}

/* ---- the request workers ---- */

static void run_work(struct work *w, void *ud)
{
    struct http_exchange *x = LIST_OWNER(w, struct http_exchange, work);

    (void)ud;
    pipeline_run(x);
    pipeline_handler_returned(x);
}

static void expire_work(struct work *w, void *ud)
{
    struct http_exchange *x = LIST_OWNER(w, struct http_exchange, work);

    if (x->next_handler) { /* resumed when the pool stopped: what it began must be ended */
        run_work(w, ud);
        return;
    }
    server_count_refusal(ud, REFUSED_QUEUE_DEADLINE);
    http_reply_header(x, "Retry-After", STR_OF("1"));
    http_reply_problem(x, 503, "the request waited too long for a worker; try again later");
    x->transport->completed(x);
}

/* ---- life ---- */

static void fill_defaults(struct http_options *o)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = cores > 0 ? (unsigned)cores : 1;

#define DEFAULT(field, value) (o->field = o->field ? o->field : (value))
    DEFAULT(loops, n);
    DEFAULT(workers, n * 8 < 16
                         ? 16
                         : n * 8); /* most wait for the database: writes that wait together share a commit */
    DEFAULT(queue, 1024);
    DEFAULT(body_max, 1 << 20);
    DEFAULT(connections_max, 20000);
    DEFAULT(connections_per_address, 1024);
    DEFAULT(header_timeout_us, 10 * CLOCK_SECOND);
    DEFAULT(idle_timeout_us, 60 * CLOCK_SECOND);
    DEFAULT(write_timeout_us, 60 * CLOCK_SECOND);
    DEFAULT(request_timeout_us, 60 * CLOCK_SECOND);
    DEFAULT(heartbeat_us, 15 * CLOCK_SECOND);
    DEFAULT(body_min_rate, 500);
    DEFAULT(stream_buffer, 256 * 1024);
    DEFAULT(write_buffer, 256 * 1024);
    DEFAULT(spool_dir, "/tmp");
    DEFAULT(rate_window_us, CLOCK_SECOND);
    DEFAULT(rate_burst, o->rate_limit);
#undef DEFAULT
}

static int create_parts(struct http_server *s)
{
    const struct http_options *o = &s->options;
    const struct workers_options pool = {
        .name = "requests",
        .threads = o->workers,
        .queue = o->queue,
        .run = run_work,
        .expired = expire_work,
        .ud = s,
    };

    if (address_counts_create(&s->addresses) != 0)
        return -1;
    if (ratelimit_create(&s->ratelimit, 0) != 0)
        return -1;
    s->rate_rule = (struct rate_rule){ o->rate_limit, o->rate_window_us, o->rate_burst };
    s->loops = calloc(o->loops, sizeof(*s->loops));
    if (!s->loops)
        return -1;
    for (unsigned i = 0; i < o->loops; i++) {
        if (loop_create(&s->loops[i], s, i) != 0)
            return -1;
    }
    return workers_create(&s->workers, &pool);
}

int http_server_create(struct http_server **out, const struct http_options *options, struct router *router)
{
    struct http_server *s = calloc(1, sizeof(*s));

    *out = NULL;
    if (!s)
        return -1;
    s->options = *options;
    s->router = router;
    fill_defaults(&s->options);
    make_metrics(s);
    if (create_parts(s) != 0) {
        http_server_destroy(s);
        return -1;
    }
    *out = s;
    return 0;
}

int http_server_listen(struct http_server *s, int fd, enum http_listener_kind kind, unsigned loop,
                       bool spread, struct tls_context *tls)
{
    struct listener *l;
    return listener_create(&l, s, fd, kind, loop, spread, tls);
}

int http_server_start(struct http_server *s)
{
    for (struct listener *l = s->listeners; l; l = listener_next(l)) {
        if (listener_start(l) != 0)
            return -1;
    }
    for (unsigned i = 0; i < s->options.loops; i++) {
        if (loop_start(s->loops[i]) != 0)
            return -1;
    }
    return 0;
}

/* ---- draining ---- */

void server_check_drained(struct http_server *s)
{
    /* Sequentially consistent, like the changes before it: of two loops that each end the last of something, one must see
     * both ends. */
    if (!atomic_load(&s->draining) || atomic_load(&s->loops_draining) > 0 ||
        atomic_load(&s->connections) > 0 || atomic_load(&s->dealt) > 0)
        return;
    if (atomic_exchange(&s->drained_told, true))
        return;
    s->drained(s->drained_ud);
}

static void drain_loop(struct http_loop *loop, struct loop_task *task)
{
    struct http_server *s = loop->server;

    (void)task;
    listener_stop_on(loop);
    connection_drain_all(loop);
    atomic_fetch_sub(&s->loops_draining, 1);
    server_check_drained(s);
}

void http_server_drain(struct http_server *s, int64_t idle_us, void (*done)(void *ud), void *ud)
{
    s->drain_idle_us = idle_us;
    s->drained = done;
    s->drained_ud = ud;
    atomic_store_explicit(&s->loops_draining, s->options.loops, memory_order_release);
    atomic_store_explicit(&s->draining, true, memory_order_release);
    for (unsigned i = 0; i < s->options.loops; i++) {
        s->loops[i]->drain_task.run = drain_loop;
        loop_post(s->loops[i], &s->loops[i]->drain_task);
    }
}

bool http_server_is_closed(const struct http_server *s)
{
    return atomic_load_explicit(&s->draining, memory_order_acquire) &&
           atomic_load_explicit(&s->loops_draining, memory_order_acquire) == 0;
}

void http_server_stop(struct http_server *s)
{
    if (!s || s->stopped)
        return;
    s->stopped = true;
    /* First the loops give no more work; then the handlers end, whose replies still need the loops to be there. */
    for (unsigned i = 0; s->loops && i < s->options.loops; i++)
        loop_abandon(s->loops[i]);
    if (s->workers)
        workers_stop(s->workers);
}

void http_server_destroy(struct http_server *s)
{
    if (!s)
        return;
    metrics_gauge_read("dowel_http_connections", "Open connections", NULL, read_nothing, NULL);
    http_server_stop(s);
    for (unsigned i = 0; s->loops && i < s->options.loops; i++)
        loop_stop(s->loops[i]);
    /* Until now a request that was detached could be resumed, which looks at the pool. */
    workers_destroy(s->workers);
    listener_destroy_all(s->listeners);
    for (unsigned i = 0; s->loops && i < s->options.loops; i++)
        loop_destroy(s->loops[i]);
    free(s->loops);
    ratelimit_destroy(s->ratelimit);
    address_counts_destroy(s->addresses);
    free(s);
}

int64_t http_server_stalled_us(const struct http_server *s)
{
    int64_t longest = 0;

    for (unsigned i = 0; i < s->options.loops; i++) {
        int64_t stalled = loop_stalled_us(s->loops[i]);
        longest = stalled > longest ? stalled : longest;
    }
    return longest;
}

void http_server_count(const struct http_server *s, struct http_server_counts *out)
{
    out->connections =
        atomic_load_explicit(&((struct http_server *)(uintptr_t)s)->connections, memory_order_relaxed);
    int64_t in_flight = metric_value(s->metrics.in_flight);
    out->requests = in_flight > 0 ? (unsigned)in_flight : 0;
}
