/* connection_write.c - from a staged reply or an open stream to the socket. */
#include "http/connection_steps.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "http/content.h"
#include "http/stream.h"
#include "http/tls_session.h"
#include "http/writer.h"
#include "metrics/metrics.h"

/* A connection writes so much, then the others of its loop have their turn: a thousand clients that ask for a megabyte
 * each must not make one that asks for a line wait. */
enum { WRITE_A_TURN = 256 * 1024, CHUNKS_A_TURN = 4 };

/* As many bytes of out[] as the socket takes; 0 blocked, -1 broken. */
static ssize_t send_some(struct connection *c)
{
    struct iovec iov[DW_COUNT_OF(c->out)];
    struct msghdr message = { .msg_iov = iov };
    ssize_t sent;

    size_t room = WRITE_A_TURN;

    for (unsigned i = 0; i < DW_COUNT_OF(c->out) && room > 0; i++) {
        size_t n = c->out[i].n < room ? c->out[i].n : room;
        if (n)
            iov[message.msg_iovlen++] = (struct iovec){ (void *)(uintptr_t)c->out[i].p, n };
        room -= n;
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

bool connection_has_output(const struct connection *c)
{
    return c->out[0].n || c->out[1].n;
}

/* A piece of the file; through memory for TLS, whose kernel part we do not use. */
static ssize_t send_file_piece(struct connection *c)
{
    if (!c->ssl) {
        size_t share = c->out_left < WRITE_A_TURN ? (size_t)c->out_left : WRITE_A_TURN;
        ssize_t sent = sendfile(c->fd, c->out_fd, &c->out_offset, share);
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

    if (exchange_is_out_of_hand(x) || x->reply.stream) {
        struct http_exchange *fresh =
            exchange_create(c->loop, &socket_transport, str_make(x->in + next, x->fill - next));
        connection_release(x, false);
        if (!fresh)
            return connection_close(c);
        c->x = fresh;
    } else {
        connection_leave(x, false);
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
        connection_release(x, false);
        return unread || c->ssl ? connection_linger(c) : connection_close(c);
    }
    if (next < x->fill)
        return go_on_with(c, next);
    connection_release(x, false);
    set_phase(c, CONNECTION_IDLE);
    set_deadline(c, idle_us_of(c));
    return STEP_ON;
}

/* The client does not take more now; or it has had its share of this turn. */
static enum step pause_writing(struct connection *c, bool blocked)
{
    if (!keep_scratch(c))
        return connection_close(c);
    if (c->phase != CONNECTION_WRITING && c->phase != CONNECTION_STREAMING) {
        set_phase(c, CONNECTION_WRITING);
        set_deadline(c, options_of(c)->write_timeout_us);
    }
    if (!blocked) /* the socket has room, so no edge will come */
        connection_yield(c);
    return STEP_WAIT;
}

static enum step write_out(struct connection *c)
{
    size_t this_turn = 0;

    while (connection_has_output(c) || c->out_left) {
        if (this_turn >= WRITE_A_TURN)
            return pause_writing(c, false);
        ssize_t sent = connection_has_output(c) ? send_some(c) : send_file_piece(c);
        if (sent < 0)
            return connection_close(c);
        if (sent == 0)
            return pause_writing(c, true);
        this_turn += (size_t)sent;
        c->progress_us = c->loop->now_us;
        metric_add(c->loop->server->metrics.bytes_out, sent);
        if (connection_has_output(c))
            advance_out(c, (size_t)sent);
    }
    return STEP_ON;
}

static size_t format_head(struct connection *c)
{
    struct http_exchange *x = c->x;

    /* A FIN alone does not end it: more requests may stand before it. */
    if (x->reader.head.close || atomic_load_explicit(&c->loop->server->draining, memory_order_relaxed))
        c->close_after = true;
    if (x->reply.stream && !stream_is_chunked(x->reply.stream))
        c->close_after = true; /* HTTP/1.0: only the end of the connection ends the content */
    return writer_head(x, c->close_after, loop_date(c->loop), c->loop->scratch);
}

enum step connection_send_reply(struct connection *c)
{
    struct http_exchange *x = c->x;
    struct http_reply *reply = &x->reply;

    reply_settle(x);
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

enum step connection_write(struct connection *c)
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

enum step connection_stream(struct connection *c)
{
    if (!c->stream)
        begin_stream(c);
    struct http_stream *s = c->stream;
    for (unsigned chunks = 0;; chunks++) {
        enum step step = write_out(c);
        if (step != STEP_ON)
            return step;
        s->sent = s->sending.n;
        if (chunks == CHUNKS_A_TURN) { /* its writer is as fast as its reader */
            connection_yield(c);
            return STEP_WAIT;
        }
        switch (stream_next(s)) {
        case STREAM_NOTHING: return STEP_WAIT;
        case STREAM_CUT: return connection_close(c);
        case STREAM_END: return reply_done(c);
        case STREAM_BYTES: c->out[0] = buf_str(&s->sending); break;
        }
    }
}
