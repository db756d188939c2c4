#include "http/connection.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "http/content.h"
#include "http/listener.h"
#include "http/pipeline.h"
#include "http/server_struct.h"
#include "http/stream.h"
#include "http/tls_session.h"
#include "http/writer.h"
#include "metrics/metrics.h"

/* A client that pipelines without end must not keep the loop from the others. */
enum { REQUESTS_A_TURN = 64 };
enum { CONTENT_CHECK_US = CLOCK_SECOND, CONTENT_GRACE_US = 5 * CLOCK_SECOND, LINGER_US = 2 * CLOCK_SECOND };
enum { ROOM_FOR_CONTENT = 1024 };

/* What a step of a connection leads to. */
enum step {
    STEP_ON,    /* look again at once */
    STEP_WAIT,  /* for the next event */
    STEP_CLOSED /* the connection does not exist any more */
};

static enum step send_reply(struct connection *c);
static enum step write_out(struct connection *c);
static enum step stream_step(struct connection *c);

static const struct http_options *options_of(const struct connection *c)
{
    return &c->loop->server->options;
}

static struct peer peer_of(const struct connection *c)
{
    return (struct peer){ &c->peer, c->ssl != NULL };
}

static void set_deadline(struct connection *c, int64_t in_us)
{
    wheel_set(&c->loop->wheel, &c->timer, c->loop->now_us + in_us);
}

static void set_phase(struct connection *c, enum connection_phase phase)
{
    c->phase = (uint8_t)phase;
}

/* ---- the end ---- */

static bool is_out_of_hand(const struct http_exchange *x)
{
    return x->handed_over && !x->over;
}

/* What a finished or abandoned message leaves behind on the connection. */
static void leave_exchange(struct http_exchange *x, bool cut)
{
    struct connection *c = x->conn;

    if (!c)
        return;
    pipeline_end(x, cut);
    if (c->stream)
        stream_gone(c->stream);
    c->stream = NULL;
    c->x = NULL;
    x->conn = NULL;
}

/* The exchange has no connection any more, or its reply is sent. It goes when no other thread can hold it; until then
 * nothing of it is looked at that a handler may be changing. */
static void release_exchange(struct http_exchange *x, bool cut)
{
    leave_exchange(x, cut);
    if (is_out_of_hand(x))
        return;
    if (x->reply.stream) {
        stream_gone(x->reply.stream);
        http_stream_drop(x->reply.stream);
        x->reply.stream = NULL;
    }
    exchange_destroy(x);
}

static enum step close_connection(struct connection *c)
{
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): who closes all in turn takes the first, and this one leaves the list */
    struct http_loop *loop = c->loop;

    if (c->x) {
        struct http_exchange *x = c->x;
        /* A handler that runs may ask whether somebody still listens. */
        atomic_store_explicit(&x->gone, true, memory_order_relaxed);
        content_abort(x);
        release_exchange(x, true);
    }
    event_del(&c->event);
    wheel_cancel(&loop->wheel, &c->timer);
    list_remove(&c->link);
    tls_session_destroy(c->ssl);
    close(c->fd);
    free(c->spill);
    listener_connection_closed(loop->server, c);
    free(c);
    return STEP_CLOSED;
}

/* Says that nothing more will come, and waits for the client to see it: closing with unread bytes would send a reset,
 * which can destroy the answer on its way. */
static enum step linger(struct connection *c)
{
    if (c->ssl)
        tls_close(c->ssl);
    shutdown(c->fd, SHUT_WR);
    set_phase(c, CONNECTION_LINGER);
    set_deadline(c, LINGER_US);
    c->readable = true;
    return STEP_ON;
}

/* ---- bytes in ---- */

/* > 0 bytes, 0 the end, -1 nothing now, -2 broken. */
static ssize_t receive(struct connection *c, void *p, size_t n)
{
    ssize_t got;

    do {
        got = c->ssl ? tls_recv(c->ssl, p, n) : recv(c->fd, p, n, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        c->readable = false;
        return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : -2;
    }
    /* A short read has emptied the socket: the next byte brings a new edge. Not so within TLS, which may hold more,
     * nor when a FIN waits behind the bytes. */
    if ((size_t)got < n && !c->ssl && !c->peer_closed)
        c->readable = false;
    metric_add(c->loop->server->metrics.bytes_in, got);
    return got;
}

static enum step discard(struct connection *c)
{
    while (c->readable) {
        ssize_t n = receive(c, c->loop->scratch, sizeof(c->loop->scratch));
        if (n == 0 || n == -2)
            return close_connection(c);
    }
    return STEP_WAIT;
}

/* ---- a request ---- */

static enum step refuse(struct connection *c, int status, const char *detail, enum http_refusal why)
{
    struct peer peer = peer_of(c);

    server_count_refusal(c->loop->server, why);
    c->close_after = c->unread = true;
    pipeline_refuse(c->x, &peer, status, detail);
    return send_reply(c);
}

static enum step refuse_malformed(struct connection *c)
{
    const struct http_reader *r = &c->x->reader;
    bool large = r->status == 414 || r->status == 431;
    return refuse(c, r->status, r->reason, large ? REFUSED_HEAD_TOO_LARGE : REFUSED_MALFORMED);
}

static enum step run_handler(struct connection *c)
{
    struct http_exchange *x = c->x;
    int64_t timeout = x->route->timeout_us ? x->route->timeout_us : options_of(c)->request_timeout_us;

    x->deadline_us = c->loop->now_us + timeout;
    if (x->route->where == HTTP_ON_LOOP) {
        pipeline_run(x);
        if (!x->detached)
            return x->reply.stream ? stream_step(c) : send_reply(c);
        x->handed_over = true;
        pipeline_handler_returned(x);
    } else {
        x->handed_over = true;
        x->work.deadline_us = x->deadline_us;
        loop_dispatch(c->loop, &x->work);
    }
    if (c->phase != CONNECTION_CONTENT) {
        set_phase(c, CONNECTION_WORKING);
        set_deadline(c, timeout);
    }
    return STEP_WAIT;
}

static enum step refuse_content(struct connection *c)
{
    struct content_refusal why = content_refusal(c->x);
    return refuse(c, why.status, why.detail,
                  why.status == 413 ? REFUSED_CONTENT_TOO_LARGE : REFUSED_MALFORMED);
}

static enum step after_content(struct connection *c, enum content_progress progress)
{
    struct http_exchange *x = c->x;

    if (progress == CONTENT_MORE)
        return STEP_ON;
    if (x->content.pipe) { /* the handler is already at work, and finds out by reading */
        if (progress == CONTENT_REFUSED)
            c->close_after = c->unread = true;
        set_phase(c, CONNECTION_WORKING);
        set_deadline(c, options_of(c)->request_timeout_us);
        return STEP_WAIT;
    }
    if (progress == CONTENT_REFUSED)
        return refuse_content(c);
    set_phase(c, CONNECTION_WORKING);
    return run_handler(c);
}

static bool send_continue(struct connection *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t n = sizeof(text) - 1;
    ssize_t sent = c->ssl ? tls_send(c->ssl, text, n) : send(c->fd, text, n, MSG_NOSIGNAL);
    /* 25 bytes into an empty socket: what does not fit has a peer that does not read. */
    return sent == (ssize_t)n;
}

static enum step begin_content(struct connection *c)
{
    struct http_exchange *x = c->x;
    bool nothing_came = x->fill == x->start + x->reader.at;
    enum content_progress progress = content_begin(x);

    if (progress == CONTENT_REFUSED)
        return refuse_content(c);
    if (progress == CONTENT_COMPLETE && !x->content.pipe)
        return after_content(c, progress);
    if (x->reader.head.expect_continue && nothing_came && !send_continue(c))
        return close_connection(c);
    set_phase(c, CONNECTION_CONTENT);
    set_deadline(c, CONTENT_CHECK_US);
    if (x->content.pipe) {
        enum step step = run_handler(c);
        if (step != STEP_WAIT || progress == CONTENT_COMPLETE)
            return step == STEP_WAIT ? after_content(c, progress) : step;
    }
    return STEP_ON;
}

/* Nobody wants the content. What has come of it along with the head is read away, so that the connection can go on if
 * that was all; framing that is wrong is refused even so. */
static enum step answer_without_content(struct connection *c)
{
    switch (content_skip(c->x)) {
    case CONTENT_COMPLETE: break;
    case CONTENT_MORE: c->close_after = c->unread = true; break;
    case CONTENT_REFUSED: return refuse_content(c);
    }
    return send_reply(c);
}

static enum step begin_request(struct connection *c)
{
    struct http_exchange *x = c->x;
    struct peer peer = peer_of(c);

    x->conn = c;
    c->requests++;
    return pipeline_begin(x, &peer) == 0 ? begin_content(c) : answer_without_content(c);
}

/* Reads what is in the buffer, then from the socket. */
static enum step head_step(struct connection *c)
{
    struct http_exchange *x = c->x;

    if (x && x->start + x->reader.at < x->fill) {
        switch (http_reader_head(&x->reader, x->in + x->start, x->fill - x->start)) {
        case HTTP_READER_HEAD: return begin_request(c);
        case HTTP_READER_BAD: x->conn = c; return refuse_malformed(c);
        default: break;
        }
    }
    if (!c->readable)
        return STEP_WAIT;
    if (!x) {
        x = c->x = exchange_create(c->loop, &socket_transport, str_make(NULL, 0));
        if (!x)
            return close_connection(c);
    }
    if (x->in_size - x->fill < ROOM_FOR_CONTENT && exchange_grow_input(x) != 0 && x->in_size == x->fill)
        return close_connection(c); /* out of memory: a head that is too long was refused before */
    ssize_t n = receive(c, x->in + x->fill, x->in_size - x->fill);
    if (n > 0) {
        x->fill += (uint32_t)n;
        if (c->phase == CONNECTION_IDLE) {
            set_phase(c, CONNECTION_HEAD);
            c->head_due_us = c->loop->now_us + options_of(c)->header_timeout_us;
        }
        return STEP_ON;
    }
    if (n == 0 || n == -2)
        return close_connection(c);
    if (x->fill == x->start && x->reader.at == 0) {
        exchange_destroy(x);
        c->x = NULL;
    }
    return STEP_WAIT;
}

static enum step content_step(struct connection *c)
{
    struct http_exchange *x = c->x;
    struct content_room room = content_room(x);

    if (room.n == 0 || !c->readable)
        return STEP_WAIT;
    ssize_t n = receive(c, room.p, room.n);
    if (n == -1)
        return STEP_WAIT;
    if (n <= 0)
        return close_connection(c);
    return after_content(c, content_received(x, (size_t)n));
}

/* An edge while a handler works: more of a pipeline, a half-close, or a client that has gone. Only the last one
 * matters now, and only poll tells it from the others. */
static enum step watch_for_hangup(struct connection *c)
{
    struct pollfd p = { .fd = c->fd };

    if (poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP)))
        return close_connection(c);
    return STEP_WAIT;
}

/* ---- bytes out ---- */

/* As many bytes of out[] as the socket takes; 0 blocked, -1 broken. */
static ssize_t send_some(struct connection *c)
{
    struct iovec iov[DW_COUNT_OF(c->out)];
    struct msghdr message = { .msg_iov = iov };
    ssize_t sent;

    for (unsigned i = 0; i < DW_COUNT_OF(c->out); i++) {
        if (c->out[i].n)
            iov[message.msg_iovlen++] =
                (struct iovec){ .iov_base = (void *)(uintptr_t)c->out[i].p, .iov_len = c->out[i].n };
    }
    do {
        sent = c->ssl ? tls_sendv(c->ssl, iov, (int)message.msg_iovlen)
                      : sendmsg(c->fd, &message, MSG_NOSIGNAL | (c->out_left ? MSG_MORE : 0));
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? (errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1) : sent;
}

static void advance_out(struct connection *c, size_t sent)
{
    for (unsigned i = 0; i < DW_COUNT_OF(c->out) && sent; i++) {
        size_t n = sent < c->out[i].n ? sent : c->out[i].n;
        c->out[i].p += n;
        c->out[i].n -= n;
        sent -= n;
    }
}

static bool out_pending(const struct connection *c)
{
    return c->out[0].n || c->out[1].n || c->out[2].n;
}

/* A piece of the file; through memory for TLS, whose kernel part we do not use. */
static ssize_t send_file_piece(struct connection *c)
{
    if (!c->ssl) {
        ssize_t sent = sendfile(c->fd, c->out_fd, &c->out_offset, (size_t)c->out_left);
        if (sent > 0)
            c->out_left -= sent;
        return sent < 0 ? (errno == EAGAIN || errno == EINTR ? 0 : -1) : sent == 0 ? -1 : sent;
    }
    size_t want = c->out_left < 16384 ? (size_t)c->out_left : 16384;
    ssize_t n = pread(c->out_fd, c->loop->scratch, want, c->out_offset);
    if (n <= 0)
        return -1; /* the file became shorter: the length that was promised cannot be kept */
    ssize_t sent = tls_send(c->ssl, c->loop->scratch, (size_t)n);
    if (sent < 0)
        return errno == EAGAIN ? 0 : -1;
    c->out_offset += sent;
    c->out_left -= sent;
    return sent;
}

/* What was formatted in the loop's scratch must survive until the client reads on. */
static bool keep_scratch(struct connection *c)
{
    const char *scratch = c->loop->scratch;

    if (c->out[0].n == 0 || c->out[0].p < scratch || c->out[0].p >= scratch + LOOP_SCRATCH)
        return true;
    char *copy = malloc(c->out[0].n);
    if (!copy)
        return false;
    memcpy(copy, c->out[0].p, c->out[0].n);
    free(c->spill);
    c->spill = copy;
    c->out[0].p = copy;
    return true;
}

/* The next request of a pipeline begins at byte `next` of the input. */
static enum step go_on_with(struct connection *c, uint32_t next)
{
    struct http_exchange *x = c->x;

    if (is_out_of_hand(x) || x->reply.stream) {
        struct http_exchange *fresh =
            exchange_create(c->loop, &socket_transport, str_make(x->in + next, x->fill - next));
        release_exchange(x, false);
        if (!fresh)
            return close_connection(c);
        c->x = fresh;
    } else {
        leave_exchange(x, false);
        exchange_reset(x, next);
        c->x = x;
    }
    set_phase(c, CONNECTION_HEAD);
    c->head_due_us = c->loop->now_us + options_of(c)->header_timeout_us;
    return STEP_ON;
}

static enum step reply_done(struct connection *c)
{
    struct http_exchange *x = c->x;
    uint32_t next = content_end(x);

    free(c->spill);
    c->spill = NULL;
    if (c->close_after) {
        bool unread = c->unread || c->readable || next < x->fill;
        release_exchange(x, false);
        return unread ? linger(c) : close_connection(c);
    }
    if (next < x->fill)
        return go_on_with(c, next);
    release_exchange(x, false);
    set_phase(c, CONNECTION_IDLE);
    set_deadline(c, options_of(c)->idle_timeout_us);
    return STEP_ON;
}

static enum step write_out(struct connection *c)
{
    while (out_pending(c) || c->out_left) {
        ssize_t sent = out_pending(c) ? send_some(c) : send_file_piece(c);
        if (sent < 0)
            return close_connection(c);
        if (sent == 0) {
            if (!keep_scratch(c))
                return close_connection(c);
            if (c->phase != CONNECTION_WRITING && c->phase != CONNECTION_STREAMING) {
                set_phase(c, CONNECTION_WRITING);
                set_deadline(c, options_of(c)->write_timeout_us);
            }
            return STEP_WAIT;
        }
        c->progress_us = c->loop->now_us;
        metric_add(c->loop->server->metrics.bytes_out, sent);
        if (out_pending(c))
            advance_out(c, (size_t)sent);
    }
    return STEP_ON;
}

static size_t format_head(struct connection *c)
{
    struct http_exchange *x = c->x;

    if (x->reader.head.close || c->peer_closed ||
        atomic_load_explicit(&c->loop->server->draining, memory_order_relaxed))
        c->close_after = true;
    if (x->reply.stream && !stream_is_chunked(x->reply.stream))
        c->close_after = true; /* HTTP/1.0: only the end of the connection ends the content */
    return writer_head(x, c->close_after, loop_date(c->loop), c->loop->scratch);
}

static enum step send_reply(struct connection *c)
{
    struct http_exchange *x = c->x;
    struct http_reply *reply = &x->reply;
    bool content = x->reader.head.method != HTTP_HEAD && reply->status != 204 && reply->status != 304;

    c->out[0] = str_make(c->loop->scratch, format_head(c));
    c->out[1] = content ? reply->body : str_make(NULL, 0);
    c->out_left = content && reply->fd >= 0 ? reply->size : 0;
    c->out_fd = reply->fd;
    c->out_offset = reply->offset;
    x->sent = content ? reply_size(reply) : 0;
    enum step step = write_out(c);
    return step == STEP_ON ? reply_done(c) : step;
}

static enum step writing_step(struct connection *c)
{
    enum step step = write_out(c);
    return step == STEP_ON ? reply_done(c) : step;
}

/* ---- streams ---- */

static void begin_stream(struct connection *c)
{
    struct http_stream *s = c->x->reply.stream;

    s->head_sent = true;
    c->stream = s;
    c->out[0] = str_make(c->loop->scratch, format_head(c));
    c->out[1] = str_make(NULL, 0);
    c->out_left = 0;
    set_phase(c, CONNECTION_STREAMING);
    c->progress_us = c->loop->now_us;
    set_deadline(c, options_of(c)->heartbeat_us);
    if (c->x->reader.head.method == HTTP_HEAD)
        stream_end_without_content(s);
    else if (atomic_load_explicit(&c->loop->server->draining, memory_order_relaxed))
        stream_drain(s);
}

static enum step stream_step(struct connection *c)
{
    if (!c->stream)
        begin_stream(c);
    struct http_stream *s = c->stream;
    for (;;) {
        enum step step = write_out(c);
        if (step != STEP_ON)
            return step;
        s->sent = s->sending.n;
        switch (stream_next(s)) {
        case STREAM_NOTHING: return STEP_WAIT;
        case STREAM_CUT: return close_connection(c);
        case STREAM_END: return reply_done(c);
        case STREAM_BYTES: c->out[0] = buf_str(&s->sending); break;
        }
    }
}

/* ---- one look at a connection ---- */

static enum step step(struct connection *c)
{
    switch ((enum connection_phase)c->phase) {
    case CONNECTION_IDLE:
    case CONNECTION_HEAD: return head_step(c);
    case CONNECTION_CONTENT: return content_step(c);
    case CONNECTION_WORKING: return c->readable ? watch_for_hangup(c) : STEP_WAIT;
    case CONNECTION_WRITING: return writing_step(c);
    case CONNECTION_STREAMING: {
        enum step next = c->readable ? watch_for_hangup(c) : STEP_WAIT;
        return next == STEP_CLOSED ? next : stream_step(c);
    }
    case CONNECTION_LINGER: return discard(c);
    }
    return STEP_WAIT;
}

static void drive(struct connection *c)
{
    uint32_t before = c->requests;

    for (;;) {
        enum step next = step(c);
        if (next == STEP_CLOSED)
            return;
        if (next == STEP_WAIT)
            break;
        if (c->requests - before >= REQUESTS_A_TURN) {
            event_active(&c->event, EV_READ, 0);
            break;
        }
    }
    if (c->phase == CONNECTION_HEAD && c->timer.due_us > c->head_due_us)
        wheel_set(&c->loop->wheel, &c->timer, c->head_due_us);
}

static void on_event(evutil_socket_t fd, short what, void *ud)
{
    struct connection *c = ud;

    (void)fd;
    loop_turn(c->loop);
    if (what & EV_CLOSED)
        c->peer_closed = true;
    if (what & (EV_READ | EV_CLOSED))
        c->readable = true;
    drive(c);
}

/* ---- timers ---- */

static enum step content_too_slow(struct connection *c)
{
    struct http_exchange *x = c->x;
    int64_t elapsed = c->loop->now_us - x->content.began_us - CONTENT_GRACE_US;
    uint64_t came = x->content.received;
    bool throttled = x->content.pipe && content_room(x).n == 0; /* our handler is the slow one */

    if (elapsed <= 0 || throttled ||
        came >= options_of(c)->body_min_rate * (uint64_t)elapsed / CLOCK_SECOND) {
        set_deadline(c, CONTENT_CHECK_US);
        return STEP_WAIT;
    }
    if (is_out_of_hand(x)) {
        server_count_refusal(c->loop->server, REFUSED_CONTENT_TIMEOUT);
        return close_connection(c);
    }
    return refuse(c, 408, "the content came too slowly", REFUSED_CONTENT_TIMEOUT);
}

/* The handler still has the exchange, so the answer is made with another one. */
static enum step answer_too_late(struct connection *c)
{
    struct http_exchange *late = c->x, *x = exchange_create(c->loop, &socket_transport, str_make(NULL, 0));

    atomic_store_explicit(&late->gone, true, memory_order_relaxed);
    late->timed_out = true;
    content_abort(late);
    if (x) {
        x->conn = c;
        x->id_size = late->id_size;
        memcpy(x->id, late->id, late->id_size);
        x->reader.head.minor = late->reader.head.minor;
        x->replaces_timed_out = true;
    }
    release_exchange(late, true);
    c->x = x;
    if (!x)
        return close_connection(c);
    return refuse(c, 504, "the operation did not answer within its time", REFUSED_REQUEST_DEADLINE);
}

static enum step head_too_slow(struct connection *c)
{
    if (c->requests == 0 || c->x)
        server_count_refusal(c->loop->server, REFUSED_HEAD_TIMEOUT);
    if (!c->x || c->x->fill == c->x->start)
        return close_connection(c);
    c->x->conn = c;
    return refuse(c, 408, "the head of the request did not come within its time", REFUSALS);
}

static enum step stream_timer(struct connection *c)
{
    bool waiting = out_pending(c);

    if (waiting && c->loop->now_us - c->progress_us > options_of(c)->write_timeout_us)
        return close_connection(c);
    set_deadline(c, options_of(c)->heartbeat_us);
    if (waiting)
        return STEP_WAIT;
    stream_heartbeat(c->stream);
    return STEP_ON;
}

static enum step write_timer(struct connection *c)
{
    int64_t due = c->progress_us + options_of(c)->write_timeout_us;

    if (due <= c->loop->now_us)
        return close_connection(c);
    set_deadline(c, due - c->loop->now_us);
    return STEP_WAIT;
}

void connection_on_timer(struct connection *c)
{
    enum step next = STEP_WAIT;

    switch ((enum connection_phase)c->phase) {
    case CONNECTION_IDLE: next = c->requests ? close_connection(c) : head_too_slow(c); break;
    case CONNECTION_HEAD:
        if (c->head_due_us <= c->loop->now_us)
            next = head_too_slow(c);
        else
            wheel_set(&c->loop->wheel, &c->timer, c->head_due_us);
        break;
    case CONNECTION_CONTENT: next = content_too_slow(c); break;
    case CONNECTION_WORKING: next = answer_too_late(c); break;
    case CONNECTION_WRITING: next = write_timer(c); break;
    case CONNECTION_STREAMING: next = stream_timer(c); break;
    case CONNECTION_LINGER: next = close_connection(c); break;
    }
    if (next == STEP_ON)
        drive(c);
}

/* ---- the way back from handlers ---- */

static void on_completed(struct http_loop *loop, struct loop_task *task)
{
    struct http_exchange *x = LIST_OWNER(task, struct http_exchange, task);
    struct connection *c = x->conn;

    (void)loop;
    x->over = true;
    if (!c) {
        release_exchange(x, true);
        return;
    }
    if (c->phase == CONNECTION_STREAMING)
        return; /* the stream goes on by itself */
    if (c->phase == CONNECTION_CONTENT)
        c->close_after = c->unread = true; /* answered before the content was there: nobody reads the rest */
    if (x->content.refusal) {
        struct content_refusal why = content_refusal(x);
        http_reply_problem(x, why.status, why.detail);
    }
    enum step next = x->reply.stream ? stream_step(c) : send_reply(c);
    if (next == STEP_ON)
        drive(c);
}

static void completed(struct http_exchange *x)
{
    x->task.run = on_completed;
    loop_post(x->loop, &x->task);
}

static void on_stream_ready(struct http_loop *loop, struct loop_task *task)
{
    struct http_stream *s = LIST_OWNER(task, struct http_stream, task);
    struct http_exchange *x = s->x;

    (void)loop;
    stream_noticed(s);
    if (x && x->conn) {
        struct connection *c = x->conn;
        if (c->phase == CONNECTION_CONTENT)
            c->close_after = c->unread = true;
        if (stream_step(c) == STEP_ON)
            drive(c);
    } else if (x) {
        stream_gone(s);
    }
    http_stream_drop(s);
}

static void stream_ready(struct http_stream *s)
{
    s->task.run = on_stream_ready;
    loop_post(s->x->loop, &s->task);
}

static void on_content_taken(struct http_loop *loop, struct loop_task *task)
{
    struct http_exchange *x = LIST_OWNER(task, struct http_exchange, room_task);

    (void)loop;
    content_room_noticed(x);
    if (x->conn && x->conn->phase == CONNECTION_CONTENT)
        drive(x->conn);
}

static void content_taken(struct http_exchange *x)
{
    x->room_task.run = on_content_taken;
    loop_post(x->loop, &x->room_task);
}

const struct http_transport socket_transport = {
    .name = "socket",
    .completed = completed,
    .stream_ready = stream_ready,
    .content_taken = content_taken,
};

/* The queue was full: the exchange never left this thread. */
void connection_on_refused_work(struct work *work)
{
    struct http_exchange *x = LIST_OWNER(work, struct http_exchange, work);

    server_count_refusal(x->server, REFUSED_QUEUE_FULL);
    x->over = true;
    http_reply_header(x, "Retry-After", STR_OF("1"));
    http_reply_problem(x, 503, "all workers are busy and their queue is full; try again later");
    if (!x->conn) {
        release_exchange(x, true);
        return;
    }
    if (x->content.pipe)
        x->conn->close_after = x->conn->unread = true;
    struct connection *c = x->conn;
    if (send_reply(c) == STEP_ON)
        drive(c);
}

/* ---- the beginning ---- */

void connection_open(struct http_loop *loop, struct listener *listener, int fd, const struct sockaddr *peer)
{
    struct connection *c = calloc(1, sizeof(*c));

    if (!c) {
        close(fd);
        return;
    }
    c->loop = loop;
    c->fd = fd;
    c->listener = listener;
    c->phase = CONNECTION_IDLE;
    list_init(&c->link);
    timer_init(&c->timer);
    address_from_sockaddr(peer, &c->peer, &c->port);
    if (!listener_connection_opened(loop->server, c)) {
        close(fd);
        free(c);
        return;
    }
    struct tls_context *tls = listener_tls(listener);
    if (tls)
        c->ssl = tls_session_create(tls, fd);
    list_append(&loop->connections, &c->link);
    /* Both directions and edge-triggered, once and for all: see the header. */
    event_assign(&c->event, loop->base, fd, EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST, on_event, c);
    if ((tls && !c->ssl) || event_add(&c->event, NULL) != 0) {
        close_connection(c);
        return;
    }
    set_deadline(c, options_of(c)->header_timeout_us);
}

void connection_drain_all(struct http_loop *loop, int64_t idle_us)
{
    for (struct list *node = loop->connections.next, *next; node != &loop->connections; node = next) {
        struct connection *c = LIST_OWNER(node, struct connection, link);
        next = node->next;
        if (c->phase == CONNECTION_IDLE) {
            set_deadline(c,
                         idle_us < options_of(c)->idle_timeout_us ? idle_us : options_of(c)->idle_timeout_us);
        } else if (c->phase == CONNECTION_STREAMING) {
            stream_drain(c->stream);
            c->close_after = true;
            if (stream_step(c) == STEP_ON)
                drive(c);
        }
    }
}

void connection_close_all(struct http_loop *loop)
{
    while (!list_empty(&loop->connections))
        close_connection(LIST_OWNER(loop->connections.next, struct connection, link));
}
