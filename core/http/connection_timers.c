/* connection_timers.c - what happens to those who are too slow. */
#include "http/connection_steps.h"

#include "http/content.h"
#include "http/stream.h"

enum { CONTENT_GRACE_US = 5 * CLOCK_SECOND };

static enum step content_too_slow(struct connection *c)
{
    struct http_exchange *x = c->x;
    uint64_t came = x->content.received;

    if (content_waits_for_handler(x))
        x->content.began_us += CONTENT_CHECK_US; /* this time was not the client's */
    int64_t elapsed = c->loop->now_us - x->content.began_us - CONTENT_GRACE_US;
    if (elapsed <= 0 || came >= options_of(c)->body_min_rate * (uint64_t)elapsed / CLOCK_SECOND) {
        set_deadline(c, CONTENT_CHECK_US);
        return STEP_WAIT;
    }
    if (exchange_is_out_of_hand(x)) {
        server_count_refusal(c->loop->server, REFUSED_CONTENT_TIMEOUT);
        return connection_close(c);
    }
    return connection_refuse(c, 408, "the content came too slowly", REFUSED_CONTENT_TIMEOUT);
}

/* The handler still has the exchange, so the answer is made with another one. */
static enum step answer_too_late(struct connection *c)
{
    struct http_exchange *late = c->x;

    if (http_request_deadline(late) > c->loop->now_us) { /* it was moved */
        wheel_set(&c->loop->wheel, &c->timer, http_request_deadline(late));
        return STEP_WAIT;
    }
    struct http_exchange *x = exchange_create(c->loop, &socket_transport, str_make(NULL, 0));
    late->timed_out = true;
    exchange_set_gone(late);
    content_abort(late);
    if (x) {
        x->conn = c;
        x->id_size = late->id_size;
        memcpy(x->id, late->id, late->id_size);
        x->client = late->client;
        x->client_tls = late->client_tls;
        x->language = http_request_language(late);
        /* What it answers was a good request, without the fields: to HEAD, say, there is no content. */
        x->reader.head.base = x->in;
        x->reader.head.method = late->reader.head.method;
        x->reader.head.minor = late->reader.head.minor;
        x->replaces_timed_out = true;
    }
    connection_release(late, true);
    c->x = x;
    if (!x)
        return connection_close(c);
    return connection_refuse(c, 504, "the operation did not answer within its time",
                             REFUSED_REQUEST_DEADLINE);
}

static enum step head_too_slow(struct connection *c)
{
    if (c->requests == 0 || c->x)
        server_count_refusal(c->loop->server, REFUSED_HEAD_TIMEOUT);
    if (!c->x || c->x->fill == c->x->start)
        return connection_close(c);
    c->x->conn = c;
    return connection_refuse(c, 408, "the head of the request did not come within its time", REFUSALS);
}

static enum step stream_timer(struct connection *c)
{
    bool waiting = connection_has_output(c);

    if (waiting && c->loop->now_us - c->progress_us > options_of(c)->write_timeout_us)
        return connection_close(c);
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
        return connection_close(c);
    set_deadline(c, due - c->loop->now_us);
    return STEP_WAIT;
}

void connection_on_timer(struct connection *c)
{
    enum step next = STEP_WAIT;

    switch ((enum connection_phase)c->phase) {
    case CONNECTION_IDLE: next = c->requests ? connection_close(c) : head_too_slow(c); break;
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
    case CONNECTION_LINGER: next = connection_close(c); break;
    }
    if (next == STEP_ON)
        connection_drive(c);
}
