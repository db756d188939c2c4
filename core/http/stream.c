#include "http/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "http/pipeline.h"
#include "http/server_struct.h"

static struct http_stream *stream_create(struct http_exchange *x)
{
    struct http_stream *s = calloc(1, sizeof(*s));
    pthread_condattr_t monotonic;

    if (!s)
        return NULL;
    atomic_init(&s->references, 2); /* the writer's and the exchange's */
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->room, &monotonic);
    pthread_condattr_destroy(&monotonic);
    s->x = x;
    s->limit = x->server->options.stream_buffer;
    s->high = x->server->options.write_buffer;
    s->write_timeout_us = x->server->options.write_timeout_us;
    s->chunked = x->reader.head.minor == 1;
    s->gone = http_request_gone(x);
    return s;
}

void http_stream_hold(struct http_stream *s)
{
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
}

void http_stream_drop(struct http_stream *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->room);
    buf_finish(&s->pending);
    buf_finish(&s->sending);
    free(s);
}

/* Under the lock, which it gives up: the transport is told once, until it has looked. Its task holds a reference. */
static void unlock_and_tell(struct http_stream *s)
{
    if (!s->posted && !s->gone) {
        s->posted = true;
        http_stream_hold(s);
        s->x->transport->stream_ready(s);
    }
    pthread_mutex_unlock(&s->lock);
}

static struct http_stream *open_stream(struct http_exchange *x, int status, const char *content_type,
                                       bool events)
{
    if (buf_failed(&x->reply.fields) || status == 204 || status == 205 || status == 304 ||
        reply_stage(x, status, content_type) != 0)
        return NULL;
    struct http_stream *s = stream_create(x);
    if (!s) {
        reply_clear(&x->reply);
        return NULL;
    }
    s->events = events;
    x->reply.stream = s;
    pipeline_finish_reply(x);
    pthread_mutex_lock(&s->lock);
    unlock_and_tell(s);
    return s;
}

struct http_stream *http_stream_open(struct http_exchange *x, int status, const char *content_type)
{
    return open_stream(x, status, content_type, false);
}

struct http_stream *http_events_open(struct http_exchange *x)
{
    http_reply_header(x, "Cache-Control", STR_OF("no-cache"));
    /* nginx as a front proxy would otherwise collect events until its buffer is full. */
    http_reply_header(x, "X-Accel-Buffering", STR_OF("no"));
    return open_stream(x, 200, "text/event-stream", true);
}

/* An event that is larger than the buffer may still be sent when nothing is before it: else it could never be. */
static bool has_room_for(const struct http_stream *s, size_t n)
{
    return s->pending.n == 0 || s->pending.n + n <= s->limit;
}

int http_events_wait(struct http_stream *s, size_t n, int64_t until_us)
{
    struct timespec limit = { .tv_sec = (time_t)(until_us / CLOCK_SECOND),
                              .tv_nsec = (long)(until_us % CLOCK_SECOND) * 1000 };
    int error = 0;

    pthread_mutex_lock(&s->lock);
    while (!has_room_for(s, n) && !s->gone && !s->closed && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&s->room, &s->lock, &limit);
    int rc = has_room_for(s, n) && !s->gone && !s->closed ? 0 : -1;
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static int64_t give_up_at(const struct http_stream *s, int64_t until_us)
{
    int64_t limit_us = clock_monotonic_us() + s->write_timeout_us;

    return limit_us < until_us ? limit_us : until_us;
}

/* Under the lock, which it gives up meanwhile. False when there is still none after the write timeout, or then. */
static bool wait_for_room(struct http_stream *s, int64_t until_us)
{
    if (s->pending.n < s->high)
        return true;
    until_us = give_up_at(s, until_us);
    const struct timespec limit = { .tv_sec = (time_t)(until_us / CLOCK_SECOND),
                                    .tv_nsec = (long)(until_us % CLOCK_SECOND) * 1000 };
    while (s->pending.n >= s->high && !s->gone) {
        if (s->hurried || pthread_cond_timedwait(&s->room, &s->lock, &limit) == ETIMEDOUT)
            return false;
    }
    return true;
}

/* Under the lock. What follows a piece that was lost must not reach the client as if nothing were missing. */
static void cut(struct http_stream *s)
{
    s->closed = true;
    s->whole = false;
}

int http_stream_write_until(struct http_stream *s, struct str bytes, int64_t until_us)
{
    int rc = -1;

    pthread_mutex_lock(&s->lock);
    bool room = wait_for_room(s, until_us);
    if (!s->gone && !s->closed) {
        if (room)
            buf_add_str(&s->pending, bytes);
        rc = room && !buf_failed(&s->pending) ? 0 : -1;
        if (rc != 0)
            cut(s);
    }
    unlock_and_tell(s);
    return rc;
}

int http_stream_write(struct http_stream *s, struct str bytes)
{
    return http_stream_write_until(s, bytes, INT64_MAX);
}

void http_stream_hurry(struct http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->hurried = true;
    pthread_cond_broadcast(&s->room);
    pthread_mutex_unlock(&s->lock);
}

void stream_noticed(struct http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->posted = false;
    pthread_mutex_unlock(&s->lock);
}

static size_t line_end(struct str s)
{
    size_t end = 0;
    while (end < s.n && s.p[end] != '\n' && s.p[end] != '\r')
        end++;
    return end;
}

/* Line ends of every kind begin a new field, so that no text can smuggle one in. */
static void add_field(struct buf *out, const char *name, struct str value)
{
    for (;;) {
        size_t end = line_end(value);
        buf_add_text(out, name);
        buf_add(out, ": ", 2);
        buf_add(out, value.p, end);
        buf_add_char(out, '\n');
        if (end == value.n)
            return;
        size_t skip = end + 1;
        if (value.p[end] == '\r' && skip < value.n && value.p[skip] == '\n')
            skip++;
        value = str_make(value.p + skip, value.n - skip);
    }
}

static bool is_one_line(struct str s)
{
    return str_find(s, '\n') == s.n && str_find(s, '\r') == s.n && (s.n == 0 || !memchr(s.p, 0, s.n));
}

int http_events_send(struct http_stream *s, struct str id, struct str name, struct str data)
{
    int rc = -1;

    if (!is_one_line(id) || !is_one_line(name))
        return -1;
    pthread_mutex_lock(&s->lock);
    if (!s->gone && !s->closed) {
        size_t before = s->pending.n;
        if (id.n)
            add_field(&s->pending, "id", id);
        if (name.n)
            add_field(&s->pending, "event", name);
        add_field(&s->pending, "data", data);
        buf_add_char(&s->pending, '\n');
        rc = 0;
        if (buf_failed(&s->pending) || (before > 0 && s->pending.n > s->limit)) {
            cut(s); /* too far behind: it will come back */
            rc = -1;
        }
    }
    unlock_and_tell(s);
    return rc;
}

void http_stream_close(struct http_stream *s, bool whole)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    if (!s->closed) {
        s->closed = true;
        s->whole = whole;
    }
    unlock_and_tell(s);
    http_stream_drop(s);
}

bool http_stream_is_gone(struct http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    bool gone = s->gone || s->closed;
    pthread_mutex_unlock(&s->lock);
    return gone;
}

bool stream_closed(struct http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    bool closed = s->closed;
    pthread_mutex_unlock(&s->lock);
    return closed;
}

void stream_gone(struct http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->gone = true;
    s->x = NULL;
    pthread_cond_broadcast(&s->room);
    pthread_mutex_unlock(&s->lock);
}

/* One chunk around what is in `bytes`; without chunked framing the bytes as they are. */
static void frame(struct http_stream *s, struct str bytes)
{
    s->sending.n = s->sent = 0;
    s->sending.failed = false;
    if (!bytes.n)
        return;
    if (s->chunked)
        buf_add_format(&s->sending, "%zx\r\n", bytes.n);
    buf_add_str(&s->sending, bytes);
    if (s->chunked)
        buf_add(&s->sending, "\r\n", 2);
}

enum stream_next stream_next(struct http_stream *s)
{
    if (s->sent < s->sending.n)
        return STREAM_BYTES;
    if (s->finished)
        return STREAM_END;
    pthread_mutex_lock(&s->lock);
    bool closed = s->closed, whole = s->whole;
    frame(s, buf_str(&s->pending));
    s->x->sent += s->pending.n;
    /* A burst must not keep its memory for the hours that a stream may be idle. */
    if (s->pending.cap > 4096)
        buf_finish(&s->pending);
    s->pending.n = 0;
    s->pending.failed = false;
    pthread_cond_broadcast(&s->room);
    pthread_mutex_unlock(&s->lock);
    if (buf_failed(&s->sending) || (closed && !whole))
        return STREAM_CUT;
    if (closed) {
        s->finished = true;
        if (s->chunked)
            buf_add(&s->sending, "0\r\n\r\n", 5);
        if (buf_failed(&s->sending))
            return STREAM_CUT;
    }
    if (s->sending.n)
        return STREAM_BYTES;
    if (s->sending.cap > 4096)
        buf_finish(&s->sending);
    return closed ? STREAM_END : STREAM_NOTHING;
}

void stream_heartbeat(struct http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->events && !s->closed && s->pending.n == 0 && s->sent == s->sending.n)
        buf_add_text(&s->pending, ":\n\n");
    pthread_mutex_unlock(&s->lock);
}

void stream_drain(struct http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->events && !s->closed) {
        buf_add_text(&s->pending, "retry: 1000\n\n");
        s->closed = s->whole = true;
    }
    pthread_mutex_unlock(&s->lock);
}

void stream_end_without_content(struct http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->pending.n = 0;
    s->closed = s->whole = true;
    s->chunked = false;
    pthread_mutex_unlock(&s->lock);
}
