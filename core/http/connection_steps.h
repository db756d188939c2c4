/* connection_steps.h - what the parts of a connection share: connection.c (its life), connection_read.c,
 * connection_write.c, connection_timers.c. Everything runs on the connection's loop. */
#ifndef HTTP_CONNECTION_STEPS_H
#define HTTP_CONNECTION_STEPS_H

#include "http/connection.h"
#include "http/pipeline.h"
#include "http/server_struct.h"

enum { CONTENT_CHECK_US = CLOCK_SECOND };

/* Requests, or pieces of content of up to 64 KiB, before the others have their turn: a peer that sends as fast as we read
 * would never let its socket run dry. */
enum { STEPS_A_TURN = 64 };

/* What a step of a connection leads to. */
enum step {
    STEP_ON,    /* look again at once */
    STEP_WAIT,  /* for the next event */
    STEP_CLOSED /* the connection does not exist any more */
};

static inline const struct http_options *options_of(const struct connection *c)
{
    return &c->loop->server->options;
}

static inline void set_deadline(struct connection *c, int64_t in_us)
{
    wheel_set(&c->loop->wheel, &c->timer, c->loop->now_us + in_us);
}

/* How long a connection may be idle: less while the server drains. */
static inline int64_t idle_us_of(const struct connection *c)
{
    const struct http_server *s = c->loop->server;
    int64_t us = s->options.idle_timeout_us;

    if (atomic_load_explicit(&s->draining, memory_order_acquire) && s->drain_idle_us < us)
        us = s->drain_idle_us;
    return us;
}

static inline void set_phase(struct connection *c, enum connection_phase phase)
{
    c->phase = (uint8_t)phase;
}

/* ---- life: connection.c ---- */

/* Takes steps until there is nothing to do, or its turn is over. */
void connection_drive(struct connection *c);

/* There is more to do, but others come first: drives c in the next turn. */
void connection_yield(struct connection *c);

/* Ends the message on its connection: metrics and access log, and the stream. */
void connection_leave(struct http_exchange *x, bool cut);

/* The same, and the exchange goes as soon as no other thread can hold it; until then nothing of it is looked at that a
 * handler may be changing. */
void connection_release(struct http_exchange *x, bool cut);
enum step connection_close(struct connection *c);

/* Says that nothing more will come, and waits for the client to see it: closing with unread bytes would send a reset,
 * which can destroy the answer on its way. */
enum step connection_linger(struct connection *c);

/* ---- in: connection_read.c ---- */

enum step connection_read_head(struct connection *c);
enum step connection_read_content(struct connection *c);
enum step connection_discard(struct connection *c);

/* An edge while a handler works: more of a pipeline, a half-close, or a client that has gone. Only the last one
 * matters now, and only poll tells it from the others. */
enum step connection_watch(struct connection *c);

/* Answers the current request, however far it was read, and ends the connection. */
enum step connection_refuse(struct connection *c, int status, const char *detail, enum http_refusal why);

/* ---- out: connection_write.c ---- */

enum step connection_send_reply(struct connection *c); /* what is staged */
enum step connection_write(struct connection *c);      /* goes on with it */
enum step connection_stream(struct connection *c);
bool connection_has_output(const struct connection *c);

#endif
