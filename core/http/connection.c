#include "http/connection_steps.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/content.h"
#include "http/listener.h"
#include "http/stream.h"
#include "http/tls_session.h"

enum { LINGER_US = 2 * CLOCK_SECOND, FIRST_REQUEST_US = 500 * CLOCK_MS };

/* ---- the end ---- */

void connection_leave(struct http_exchange *x, bool cut)
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

void connection_release(struct http_exchange *x, bool cut)
{
    connection_leave(x, cut);
    if (exchange_is_out_of_hand(x))
        return;
    if (x->reply.stream) {
        stream_gone(x->reply.stream);
        http_stream_drop(x->reply.stream);
        x->reply.stream = NULL;
    }
    exchange_destroy(x);
}

/* Without chunks only the end of the connection ends a stream: one that is cut must not look whole. */
static void reset_if_cut(struct connection *c)
{
    static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    if (c->stream && !stream_is_chunked(c->stream))
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

enum step connection_close(struct connection *c)
{
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): who closes all in turn takes the first, and this one leaves the list */
    struct http_loop *loop = c->loop;

    reset_if_cut(c);
    if (c->ssl && c->phase == CONNECTION_IDLE)
        tls_close(c->ssl);
    if (c->x) {
        struct http_exchange *x = c->x;
        exchange_set_gone(x);
        content_abort(x);
        connection_release(x, true);
    }
    event_del(&c->event);
    wheel_cancel(&loop->wheel, &c->timer);
    list_remove(&c->link);
    list_remove(&c->again);
    tls_session_destroy(c->ssl);
    close(c->fd);
    free(c->spill);
    listener_connection_closed(loop->server, c);
    free(c);
    return STEP_CLOSED;
}

enum step connection_linger(struct connection *c)
{
    if (c->ssl)
        tls_close(c->ssl);
    shutdown(c->fd, SHUT_WR);
    set_phase(c, CONNECTION_LINGER);
    set_deadline(c, LINGER_US);
    c->readable = true;
    return STEP_ON;
}
/* ---- one look at a connection ---- */

static enum step step(struct connection *c)
{
    switch ((enum connection_phase)c->phase) {
    case CONNECTION_IDLE:
    case CONNECTION_HEAD: return connection_read_head(c);
    case CONNECTION_CONTENT: return connection_read_content(c);
    case CONNECTION_WORKING: return c->readable ? connection_watch(c) : STEP_WAIT;
    case CONNECTION_WRITING: return connection_write(c);
    case CONNECTION_STREAMING: {
        enum step next = c->readable ? connection_watch(c) : STEP_WAIT;
        return next == STEP_CLOSED ? next : connection_stream(c);
    }
    case CONNECTION_LINGER: return connection_discard(c);
    }
    return STEP_WAIT;
}

void connection_drive(struct connection *c)
{
    enum step next = STEP_ON;

    for (unsigned steps = 0; next == STEP_ON && steps < STEPS_A_TURN; steps++)
        next = step(c);
    if (next == STEP_CLOSED)
        return;
    if (next == STEP_ON)
        connection_yield(c);
    if (c->phase == CONNECTION_HEAD && c->timer.due_us > c->head_due_us)
        wheel_set(&c->loop->wheel, &c->timer, c->head_due_us);
}

void connection_yield(struct connection *c)
{
    list_remove(&c->again);
    list_append(&c->loop->again, &c->again);
}

void connection_drive_again(struct http_loop *loop)
{
    struct list *node, *last = loop->again.prev;

    if (list_empty(&loop->again))
        return;
    do { /* who yields anew stands behind the last one, and waits for the next turn */
        node = loop->again.next;
        list_remove(node);
        connection_drive(LIST_OWNER(node, struct connection, again));
    } while (node != last);
}

static void on_event(evutil_socket_t fd, short what, void *ud)
{
    struct connection *c = ud;

    (void)fd;
    loop_turn(c->loop);
    if (what & EV_CLOSED)
        c->peer_closed = true;
    /* Reading from a TLS session may have waited for the socket to become writable. */
    if ((what & (EV_READ | EV_CLOSED)) || c->ssl)
        c->readable = true;
    connection_drive(c);
}
/* ---- the way back from handlers ---- */

static void on_completed(struct http_loop *loop, struct loop_task *task)
{
    struct http_exchange *x = LIST_OWNER(task, struct http_exchange, task);
    struct connection *c = x->conn;

    (void)loop;
    exchange_take_back(x);
    if (!c) {
        connection_release(x, true);
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
    enum step next = x->reply.stream ? connection_stream(c) : connection_send_reply(c);
    if (next == STEP_ON)
        connection_drive(c);
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
        if (c->phase == CONNECTION_CONTENT) {
            /* Nobody reads the rest any more: a handler that waits for it would wait for ever. */
            c->close_after = c->unread = true;
            content_abort(x);
        }
        if (connection_stream(c) == STEP_ON)
            connection_drive(c);
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
        connection_drive(x->conn);
}

static void content_taken(struct http_exchange *x)
{
    x->room_task.run = on_content_taken;
    loop_post(x->loop, &x->room_task);
}

static void resume(struct http_exchange *x)
{
    x->work.deadline_us =
        0; /* its client is told when it is over; who waits for the outside must learn it, too */
    if (workers_put_again(x->server->workers, &x->work))
        return;
    pipeline_run(x);
    pipeline_handler_returned(x);
}

static void on_deadline_moved(struct http_loop *loop, struct loop_task *task)
{
    struct http_exchange *x = LIST_OWNER(task, struct http_exchange, due_task);

    atomic_store(&x->due_posted, false);
    if (x->conn && x->conn->phase == CONNECTION_WORKING)
        wheel_set(&loop->wheel, &x->conn->timer, http_request_deadline(x));
}

/* The exchange lives until this has run: what completes it is posted behind it. */
static void deadline_moved(struct http_exchange *x)
{
    if (atomic_exchange(&x->due_posted, true))
        return;
    x->due_task.run = on_deadline_moved;
    loop_post(x->loop, &x->due_task);
}

const struct http_transport socket_transport = {
    .name = "socket",
    .completed = completed,
    .stream_ready = stream_ready,
    .content_taken = content_taken,
    .resume = resume,
    .deadline_moved = deadline_moved,
};

/* The queue was full: the exchange never left this thread. */
void connection_on_refused_work(struct work *work)
{
    struct http_exchange *x = LIST_OWNER(work, struct http_exchange, work);

    server_count_refusal(x->server, REFUSED_QUEUE_FULL);
    exchange_take_back(x);
    http_reply_header(x, "Retry-After", STR_OF("1"));
    http_reply_problem(x, 503, "all workers are busy and their queue is full; try again later");
    if (!x->conn) {
        connection_release(x, true);
        return;
    }
    if (x->conn->phase == CONNECTION_CONTENT)
        x->conn->close_after = x->conn->unread = true;
    struct connection *c = x->conn;
    if (connection_send_reply(c) == STEP_ON)
        connection_drive(c);
}

/* ---- the beginning ---- */

/* Who has just connected may have sent his request already, and was never told that it would not be taken. */
static int64_t drain_idle_us_of(const struct connection *c)
{
    int64_t us = idle_us_of(c);

    return c->requests == 0 && us < FIRST_REQUEST_US ? FIRST_REQUEST_US : us;
}

/* One that another loop accepted may get here when this one drains already. */
static int64_t first_us_of(const struct connection *c)
{
    int64_t us = options_of(c)->header_timeout_us;
    int64_t most_us =
        atomic_load_explicit(&c->loop->server->draining, memory_order_acquire) ? drain_idle_us_of(c) : us;

    return us < most_us ? us : most_us;
}

void connection_open(struct http_loop *loop, struct listener *listener, int fd, const struct sockaddr *peer)
{
    struct connection *c = loop->abandoned ? NULL : calloc(1, sizeof(*c));

    if (!c) {
        close(fd);
        return;
    }
    c->loop = loop;
    c->fd = fd;
    c->listener = listener;
    c->phase = CONNECTION_IDLE;
    list_init(&c->link);
    list_init(&c->again);
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
        connection_close(c);
        return;
    }
    set_deadline(c, first_us_of(c));
}

void connection_drain_all(struct http_loop *loop)
{
    for (struct list *node = loop->connections.next, *next; node != &loop->connections; node = next) {
        struct connection *c = LIST_OWNER(node, struct connection, link);
        next = node->next;
        if (c->phase == CONNECTION_IDLE) {
            int64_t due_us = loop->now_us + drain_idle_us_of(c);
            if (due_us < c->timer.due_us)
                wheel_set(&loop->wheel, &c->timer, due_us);
        } else if (c->phase == CONNECTION_STREAMING) {
            stream_drain(c->stream);
            c->close_after = true;
            if (connection_stream(c) == STEP_ON)
                connection_drive(c);
        }
    }
}

void connection_close_all(struct http_loop *loop)
{
    while (!list_empty(&loop->connections))
        connection_close(LIST_OWNER(loop->connections.next, struct connection, link));
}
