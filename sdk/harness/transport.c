#include "transport.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/content.h"
#include "http/pipeline.h"
#include "http/problem.h"
#include "http/server_struct.h"
#include "http/stream.h"

struct memory_transport {
    struct http_server *server;
    struct list open;
};

/* What the pipeline calls back knows its exchange by the address of the transport, so each has its own. */
struct memory_exchange {
    struct http_transport transport;
    struct memory_transport *owner;
    struct list link; /* in owner->open */
    struct http_exchange *x;

    pthread_mutex_t lock;
    pthread_cond_t news;
    bool completed, ready,
        resumed; /* guarded by lock: the handler is through; the stream has something; a second handler
                                       is to run */

    int status;
    bool is_stream, over, cut, left;
    struct buf fields, content;
};

static struct memory_exchange *of(const struct http_transport *t)
{
    return LIST_OWNER((struct http_transport *)(uintptr_t)t, struct memory_exchange, transport);
}

/* ---- what the pipeline tells; on any thread ---- */

static void completed(struct http_exchange *x)
{
    struct memory_exchange *m = of(x->transport);

    pthread_mutex_lock(&m->lock);
    m->completed = true;
    pthread_cond_signal(&m->news);
    pthread_mutex_unlock(&m->lock);
}

static void stream_ready(struct http_stream *s)
{
    struct memory_exchange *m = of(s->x->transport);

    pthread_mutex_lock(&m->lock);
    m->ready = true;
    pthread_cond_signal(&m->news);
    pthread_mutex_unlock(&m->lock);
}

/* The second handler runs where the first did: on the thread that waits. */
static void resume(struct http_exchange *x)
{
    struct memory_exchange *m = of(x->transport);

    pthread_mutex_lock(&m->lock);
    m->resumed = true;
    pthread_cond_signal(&m->news);
    pthread_mutex_unlock(&m->lock);
}

/* All content was there before the handler began. */
static void content_taken(struct http_exchange *x)
{
    content_room_noticed(x);
}

/* ---- life ---- */

int memory_transport_create(struct memory_transport **out, struct router *router)
{
    /* Nobody takes what a handler writes before it has returned. */
    const struct http_options options = {
        .loops = 1, .workers = 1, .no_compression = true, .write_buffer = SIZE_MAX, .stream_buffer = SIZE_MAX
    };
    struct memory_transport *t = calloc(1, sizeof(*t));

    *out = NULL;
    if (!t)
        return -1;
    list_init(&t->open);
    if (http_server_create(&t->server, &options, router) != 0) {
        free(t);
        return -1;
    }
    *out = t;
    return 0;
}

static void end_exchange(struct memory_exchange *m)
{
    struct http_exchange *x = m->x;

    if (!x)
        return;
    if (x->reply.stream) {
        stream_gone(x->reply.stream);
        if (m->ready)
            http_stream_drop(x->reply.stream);
        http_stream_drop(x->reply.stream);
        x->reply.stream = NULL;
    }
    exchange_destroy(x);
    m->x = NULL;
}

static void free_exchange(struct memory_exchange *m)
{
    list_remove(&m->link);
    end_exchange(m);
    pthread_cond_destroy(&m->news);
    pthread_mutex_destroy(&m->lock);
    buf_finish(&m->fields);
    buf_finish(&m->content);
    free(m);
}

static struct memory_exchange *make_exchange(struct memory_transport *t)
{
    struct memory_exchange *m = calloc(1, sizeof(*m));
    pthread_condattr_t monotonic;

    if (!m)
        return NULL;
    m->transport = (struct http_transport){
        .name = "memory",
        .completed = completed,
        .resume = resume,
        .stream_ready = stream_ready,
        .content_taken = content_taken,
    };
    m->owner = t;
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&m->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    list_append(&t->open, &m->link);
    return m;
}

/* ---- the request ---- */

static bool is_one_line(const char *text)
{
    return text[strcspn(text, "\r\n")] == 0;
}

static void write_head(struct buf *out, const struct memory_request *request)
{
    buf_add_format(out, "%s %s HTTP/1.1\r\nHost: harness\r\n", request->method, request->target);
    if (request->content_type)
        buf_add_format(out, "Content-Type: %s\r\n", request->content_type);
    if (request->body.n || request->content_type)
        buf_add_format(out, "Content-Length: %zu\r\n", request->body.n);
    if (request->fields)
        buf_add_text(out, request->fields);
    buf_add_text(out, "\r\n");
}

/* The head as the reader left it, and all content behind it: 0 when the handler may run, -1 when an answer is staged. */
static int receive_content(struct http_exchange *x, struct str body)
{
    enum content_progress progress = content_begin(x);

    while (progress == CONTENT_MORE) {
        struct content_room room = content_room(x);
        size_t n = room.n < body.n ? room.n : body.n;
        if (n == 0)
            break; /* a body that is read while it comes, and more of it than fits before somebody reads */
        memcpy(room.p, body.p, n);
        body = str_make(body.p + n, body.n - n);
        progress = content_received(x, n);
    }
    if (progress == CONTENT_COMPLETE)
        return 0;
    struct content_refusal why = progress == CONTENT_REFUSED
                                     ? content_refusal(x)
                                     : (struct content_refusal){ 413, "the harness cannot stream so much" };
    http_reply_problem(x, why.status, why.detail);
    return -1;
}

static void run_handler(struct memory_exchange *m)
{
    struct http_exchange *x = m->x;
    int64_t timeout = x->route->timeout_us ? x->route->timeout_us : x->server->options.request_timeout_us;

    x->deadline_us = clock_monotonic_us() + timeout;
    exchange_hand_over(x);
    pipeline_run(x);
    pipeline_handler_returned(x);
}

static void carry(struct memory_exchange *m, const struct memory_request *request)
{
    const struct peer peer = { &request->client, false };
    struct http_exchange *x = m->x;

    x->loop->now_us = clock_monotonic_us();
    switch (http_reader_head(&x->reader, x->in, x->fill)) {
    case HTTP_READER_HEAD:
        if (exchange_make_room(x, 1024) == 0 && pipeline_begin(x, &peer) == 0 &&
            receive_content(x, request->body) == 0) {
            run_handler(m);
            return;
        }
        break;
    default:
        pipeline_refuse(x, &peer, x->reader.status ? x->reader.status : 400,
                        x->reader.reason ? x->reader.reason : "the head is not complete");
    }
    exchange_hand_over(x);
    completed(x);
}

struct memory_exchange *memory_send(struct memory_transport *t, const struct memory_request *request)
{
    struct memory_exchange *m = make_exchange(t);
    struct buf head = BUF_INIT;

    if (!m || !is_one_line(request->method) || !is_one_line(request->target))
        goto failed;
    write_head(&head, request);
    if (!buf_failed(&head))
        m->x = exchange_create(t->server->loops[0], &m->transport, buf_str(&head));
    buf_finish(&head);
    if (!m->x)
        goto failed;
    carry(m, request);
    return m;
failed:
    if (m)
        free_exchange(m);
    return NULL;
}

/* ---- the reply ---- */

static void read_file(struct buf *out, const struct http_reply *reply)
{
    off_t at = reply->offset;

    while (at < reply->offset + reply->size && buf_reserve(out, 65536)) {
        ssize_t n = pread(reply->fd, out->p + out->n, 65536, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        out->n += (size_t)n;
        at += n;
    }
}

static void take_head(struct memory_exchange *m)
{
    const struct http_reply *reply = &m->x->reply;

    m->status = reply->status;
    if (reply->content_type)
        buf_add_format(&m->fields, "Content-Type: %s\r\n", reply->content_type);
    buf_add_str(&m->fields, buf_str(&reply->fields));
}

static void finish(struct memory_exchange *m, bool cut)
{
    pipeline_end(m->x, cut);
    m->cut = cut;
    m->over = true;
}

static void take_reply(struct memory_exchange *m)
{
    struct http_exchange *x = m->x;

    reply_settle(x);
    take_head(m);
    if (x->reader.head.method != HTTP_HEAD) {
        buf_add_str(&m->content, x->reply.body);
        if (x->reply.fd >= 0)
            read_file(&m->content, &x->reply);
    }
    x->sent = m->content.n;
    finish(m, false);
}

/* Without the frames that a socket would need. */
static void take_chunk(struct memory_exchange *m, struct http_stream *s)
{
    struct str bytes = buf_str(&s->sending);

    buf_add_str(&m->content, bytes);
    s->sent = s->sending.n;
}

static void take_stream(struct memory_exchange *m)
{
    struct http_stream *s = m->x->reply.stream;

    if (!m->is_stream) {
        m->is_stream = true;
        s->chunked = false;
        take_head(m);
        if (m->x->reader.head.method == HTTP_HEAD)
            stream_end_without_content(s);
    }
    for (;;) {
        switch (stream_next(s)) {
        case STREAM_NOTHING: return;
        case STREAM_CUT: /* what came before is with the client already */
            take_chunk(m, s);
            finish(m, true);
            return;
        case STREAM_END: finish(m, false); return;
        case STREAM_BYTES: take_chunk(m, s); break;
        }
    }
}

/* The handler keeps what it has; the client is told, as a server would tell it. */
static void answer_too_late(struct memory_exchange *m)
{
    exchange_set_gone(m->x);
    m->x->timed_out = true;
    m->status = 504;
    buf_add_text(&m->fields, "Content-Type: " PROBLEM_CONTENT_TYPE "\r\n");
    problem_write(&m->content, 504, STR_OF("the operation did not answer within its time"),
                  http_request_id(m->x), NULL, 0);
    finish(m, true);
    m->cut = false;
}

/* A stream has begun to answer; nothing else may take longer than the request has time. */
static bool is_late(const struct memory_exchange *m)
{
    return !m->is_stream && clock_monotonic_us() >= http_request_deadline(m->x);
}

/* Under the lock. */
static bool wait_for_news(struct memory_exchange *m, int64_t patience_us)
{
    int64_t until = clock_monotonic_us() + patience_us, due = http_request_deadline(m->x);

    if (!m->is_stream && due < until)
        until = due;
    const struct timespec limit = { .tv_sec = (time_t)(until / CLOCK_SECOND),
                                    .tv_nsec = (long)(until % CLOCK_SECOND) * 1000 };

    while (!m->completed && !m->ready && !m->resumed) {
        if (pthread_cond_timedwait(&m->news, &m->lock, &limit) == ETIMEDOUT)
            return false;
    }
    return true;
}

bool memory_wait(struct memory_exchange *m, int64_t patience_us)
{
    if (m->over)
        return true;
    pthread_mutex_lock(&m->lock);
    bool came = wait_for_news(m, patience_us);
    bool is_back = m->completed, ready = m->ready, resumed = m->resumed;
    m->completed = m->ready = m->resumed = false;
    pthread_mutex_unlock(&m->lock);
    if (!came && is_late(m)) {
        answer_too_late(m);
        return true;
    }
    if (!came)
        return false;
    if (resumed) {
        pipeline_run(m->x);
        pipeline_handler_returned(m->x);
        return true;
    }
    if (is_back)
        exchange_take_back(m->x);
    if (ready) {
        struct http_stream *s = m->x->reply.stream;
        stream_noticed(s);
        take_stream(m);
        http_stream_drop(s);
    } else if (m->x->reply.stream) {
        take_stream(m);
    } else {
        take_reply(m);
    }
    return true;
}

int memory_status(const struct memory_exchange *m)
{
    return m->status;
}

struct str memory_fields(const struct memory_exchange *m)
{
    return buf_str(&m->fields);
}

struct str memory_content(const struct memory_exchange *m)
{
    return buf_str(&m->content);
}

bool memory_is_stream(const struct memory_exchange *m)
{
    return m->is_stream;
}

bool memory_is_over(const struct memory_exchange *m)
{
    return m->over;
}

bool memory_is_cut(const struct memory_exchange *m)
{
    return m->cut;
}

/* ---- leaving ---- */

static bool handler_has_it(struct memory_exchange *m)
{
    pthread_mutex_lock(&m->lock);
    bool is_back = m->completed, resumed = m->resumed;
    m->completed = m->resumed = false;
    pthread_mutex_unlock(&m->lock);
    if (m->x && resumed) { /* it finds out that its client has gone */
        pipeline_run(m->x);
        pipeline_handler_returned(m->x);
        return handler_has_it(m);
    }
    if (m->x && is_back)
        exchange_take_back(m->x);
    return m->x && exchange_is_out_of_hand(m->x);
}

static void let_go(struct memory_exchange *m)
{
    if (m->x && !m->over) {
        if (m->x->reply.stream)
            stream_gone(m->x->reply.stream);
        finish(m, true);
    }
    free_exchange(m);
}

void memory_leave(struct memory_exchange *m)
{
    if (!m)
        return;
    m->left = true;
    if (m->x && !m->over) {
        exchange_set_gone(m->x);
        content_abort(m->x);
    }
    if (!handler_has_it(
            m)) /* else its reply is being made just now, perhaps; see memory_transport_collect() */
        let_go(m);
}

unsigned memory_transport_collect(struct memory_transport *t)
{
    struct list *node = t ? t->open.next : NULL;
    unsigned kept = 0;

    while (t && node != &t->open) {
        struct memory_exchange *m = LIST_OWNER(node, struct memory_exchange, link);
        node = node->next;
        if (!m->left)
            continue;
        if (handler_has_it(m))
            kept++;
        else
            let_go(m);
    }
    return kept;
}

void memory_transport_destroy(struct memory_transport *t)
{
    if (!t)
        return;
    http_server_destroy(t->server);
    free(t);
}
