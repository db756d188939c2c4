/* stream.h - the inside of replies that are written over time; handlers use exchange.h.
 *
 * Writers append to `pending` under the lock, on any thread; the loop takes all of it at once, frames it as one chunk
 * and sends it. A blocking writer waits while too much is pending; an event stream whose client is too far behind is
 * cut instead, because nobody who publishes may wait for the slowest reader. */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include "http/exchange_struct.h"

struct http_stream {
    _Atomic unsigned references;
    pthread_mutex_t lock;
    pthread_cond_t room;
    struct buf pending; /* guarded by lock */
    bool closed, whole; /* guarded by lock */
    bool posted;        /* guarded by lock: the loop knows that there is something */
    bool gone;          /* guarded by lock */
    bool hurried;       /* guarded by lock: no write waits any more */
    bool events, chunked;
    size_t limit; /* of pending: an event stream's client is too far behind */
    size_t high;  /* of pending: a blocking writer waits */
    int64_t write_timeout_us;
    struct loop_task task;

    /* The loop's own. */
    struct http_exchange *x;
    struct buf sending; /* a framed chunk, [sent, n) not yet taken by the socket */
    size_t sent;
    bool head_sent, finished; /* finished: closed, and all of it is in `sending` */
};

static inline bool stream_is_chunked(const struct http_stream *s)
{
    return s->chunked;
}

enum stream_next {
    STREAM_NOTHING, /* wait for stream_ready */
    STREAM_BYTES,   /* sending has bytes */
    STREAM_END,     /* all is sent, and it was whole */
    STREAM_CUT      /* the connection must be cut */
};

/* The posted task runs: from here on a writer posts it anew. Nobody else may say so, or it would be linked twice. [loop] */
void stream_noticed(struct http_stream *s);

/* Frames what is pending into s->sending, when that is empty. [loop] */
enum stream_next stream_next(struct http_stream *s);

/* The same for a sign of life; does nothing while bytes are on their way. [loop] */
void stream_heartbeat(struct http_stream *s);

/* The server is draining: tells an event stream's client when to come back, and closes. [loop] */
void stream_drain(struct http_stream *s);

/* A HEAD request: the head is all there is. [loop] */
void stream_end_without_content(struct http_stream *s);

/* The client left, or the exchange ends: writers get -1 from now on, and s->x is NULL. [loop] */
void stream_gone(struct http_stream *s);
bool stream_closed(struct http_stream *s);

#endif
