/* connection_read.c - from the socket to the handler: heads, content, and what is refused on the way. */
#include "http/connection_steps.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "http/content.h"
#include "http/tls_session.h"
#include "metrics/metrics.h"

enum { ROOM_FOR_CONTENT = 1024 };

static struct peer peer_of(const struct connection *c)
{
    return (struct peer){ &c->peer, c->ssl != NULL };
}

/* > 0 bytes, 0 the end, -1 nothing now, -2 broken. */
static ssize_t receive(struct connection *c, void *p, size_t n)
{
    ssize_t got;

    do {
        got = c->ssl ? tls_recv(c->ssl, p, n) : recv(c->fd, p, n, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        c->readable = false;
        if (c->ssl && errno == EPROTO)
            server_count_refusal(c->loop->server, REFUSED_TLS);
        return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : -2;
    }
    /* A short read has emptied the socket: the next byte brings a new edge. Not so within TLS, which may hold more,
     * nor when a FIN waits behind the bytes. */
    if ((size_t)got < n && !c->ssl && !c->peer_closed)
        c->readable = false;
    metric_add(c->loop->server->metrics.bytes_in, got);
    return got;
}

enum step connection_discard(struct connection *c)
{
    if (!c->readable)
        return STEP_WAIT;
    ssize_t n = receive(c, c->loop->scratch, sizeof(c->loop->scratch));
    return n == 0 || n == -2 ? connection_close(c) : STEP_ON;
}

/* ---- a request ---- */

enum step connection_refuse(struct connection *c, int status, const char *detail, enum http_refusal why)
{
    struct peer peer = peer_of(c);

    server_count_refusal(c->loop->server, why);
    c->close_after = c->unread = true;
    pipeline_refuse(c->x, &peer, status, detail);
    return connection_send_reply(c);
}

static enum step refuse_malformed(struct connection *c)
{
    const struct http_reader *r = &c->x->reader;
    bool large = r->status == 414 || r->status == 431;
    return connection_refuse(c, r->status, r->reason, large ? REFUSED_HEAD_TOO_LARGE : REFUSED_MALFORMED);
}

static int64_t timeout_of(const struct connection *c)
{
    const struct http_route *route = c->x->route;
    return route->timeout_us ? route->timeout_us : options_of(c)->request_timeout_us;
}

static enum step run_handler(struct connection *c)
{
    struct http_exchange *x = c->x;
    int64_t timeout = timeout_of(c);

    int64_t deadline = c->loop->now_us + timeout;
    atomic_store_explicit(&x->deadline_us, deadline, memory_order_relaxed);
    if (x->route->where == HTTP_ON_LOOP) {
        pipeline_run(x);
        if (!x->detached)
            return x->reply.stream ? connection_stream(c) : connection_send_reply(c);
        exchange_hand_over(x);
        pipeline_handler_returned(x);
    } else {
        exchange_hand_over(x);
        x->work.deadline_us = deadline;
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
    enum http_refusal reason = why.status == 413  ? REFUSED_CONTENT_TOO_LARGE
                               : why.status < 500 ? REFUSED_MALFORMED
                                                  : REFUSALS; /* our own trouble */
    return connection_refuse(c, why.status, why.detail, reason);
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
        set_deadline(c, timeout_of(c));
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
        return connection_close(c);
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
    return connection_send_reply(c);
}

static enum step begin_request(struct connection *c)
{
    struct http_exchange *x = c->x;
    struct peer peer = peer_of(c);

    x->conn = c;
    c->requests++;
    return pipeline_begin(x, &peer) == 0 ? begin_content(c) : answer_without_content(c);
}

/* A head may end where the buffer does. */
static int leave_room_for_content(struct http_exchange *x)
{
    const struct http_head *head = &x->reader.head;
    return head->chunked || head->length ? exchange_make_room(x, ROOM_FOR_CONTENT) : 0;
}

/* Reads what is in the buffer, then from the socket. */
enum step connection_read_head(struct connection *c)
{
    struct http_exchange *x = c->x;

    if (x && x->start + x->reader.at < x->fill) {
        switch (http_reader_head(&x->reader, x->in + x->start, x->fill - x->start)) {
        case HTTP_READER_HEAD: return leave_room_for_content(x) == 0 ? begin_request(c) : connection_close(c);
        case HTTP_READER_BAD: x->conn = c; return refuse_malformed(c);
        default: break;
        }
    }
    if (!c->readable)
        return STEP_WAIT;
    if (!x) {
        x = c->x = exchange_create(c->loop, &socket_transport, str_make(NULL, 0));
        if (!x)
            return connection_close(c);
    }
    if (x->in_size - x->fill < ROOM_FOR_CONTENT && exchange_grow_input(x) != 0 && x->in_size == x->fill)
        return connection_close(c); /* out of memory: a head that is too long was refused before */
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
        return connection_close(c);
    if (x->fill == x->start && x->reader.at == 0) {
        exchange_destroy(x);
        c->x = NULL;
    }
    return STEP_WAIT;
}

enum step connection_read_content(struct connection *c)
{
    struct http_exchange *x = c->x;
    struct content_room room = content_room(x);

    if (room.n == 0 || !c->readable)
        return STEP_WAIT;
    ssize_t n = receive(c, room.p, room.n);
    if (n == -1)
        return STEP_WAIT;
    if (n <= 0)
        return connection_close(c);
    return after_content(c, content_received(x, (size_t)n));
}

enum step connection_watch(struct connection *c)
{
    struct pollfd p = { .fd = c->fd };

    if (poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP)))
        return connection_close(c);
    return STEP_WAIT;
}
