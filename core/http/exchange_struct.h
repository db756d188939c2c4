/* exchange_struct.h - the inside of an exchange, for the modules that carry it along: connection, content, pipeline,
 * stream, writer. Handlers use exchange.h.
 *
 * Who may touch it: the loop that read it, until the exchange is dispatched; then the handler's thread, until it is
 * completed; then the loop again. Only `gone`, its watch, the deadline and the content pipe are shared. */
#ifndef HTTP_EXCHANGE_STRUCT_H
#define HTTP_EXCHANGE_STRUCT_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/exchange.h"
#include "http/loop.h"
#include "http/reader.h"
#include "http/router.h"
#include "http/trace.h"
#include "util/workers.h"

struct connection;
struct content_pipe;

/* What carries exchanges: sockets now, others later (AWS Lambda's runtime API). */
struct http_transport {
    const char *name;

    /* The handler is over: a reply was staged, or a stream opened. [any thread] */
    void (*completed)(struct http_exchange *x);

    /* The stream has bytes to send, or was closed. [any thread] */
    void (*stream_ready)(struct http_stream *s);

    /* The handler took streamed content: there is room for more. [any thread] */
    void (*content_taken)(struct http_exchange *x);

    /* Another handler goes on: pipeline_run() and pipeline_handler_returned() are to be called on a worker. [any thread] */
    void (*resume)(struct http_exchange *x);

    /* The reply is due at another time than before; may be NULL. [any thread] */
    void (*deadline_moved)(struct http_exchange *x);
};

enum {
    EXCHANGE_IN_SIZE = 4096,
    EXCHANGE_IN_MAX = HTTP_HEAD_MAX + 2048, /* the largest head, and always some room for content behind it */
    EXCHANGE_ARENA_SIZE = 1024,
    EXCHANGE_ID_MAX = 128
};

struct http_reply {
    int status; /* 0: nothing staged */
    const char *content_type;
    struct str body;
    void *owned; /* freed with the exchange */
    int fd;      /* a file's content, or -1 */
    off_t offset, size;
    struct buf fields; /* "Name: value\r\n", ready to send */
    struct http_stream *stream;
};

enum content_way {
    CONTENT_DECODED,  /* through the reader, into memory, a file or the pipe */
    CONTENT_IN_PLACE, /* stays in the input buffer */
    CONTENT_DIRECT    /* received into memory of its size */
};

struct http_content {
    enum http_body_mode mode;
    enum content_way way;
    bool unwanted; /* read away, not kept */
    uint64_t max, spool_above;
    uint32_t at; /* offset in the input: what is before it was taken */
    const struct content_refusal *refusal;
    char *data; /* in the input buffer, or allocated */
    size_t n, cap;
    bool allocated;
    int fd; /* spooled, or -1 */
    uint64_t received;
    int64_t began_us;
    struct content_pipe *pipe; /* HTTP_BODY_STREAM */
};

struct http_exchange {
    struct http_loop *loop;
    const struct http_transport *transport;
    struct connection *conn; /* NULL once the client is gone; loop only */
    struct work work;
    struct loop_task task;      /* its way back to the loop */
    struct loop_task room_task; /* the handler took content */
    struct loop_task due_task;  /* the deadline was moved */
    _Atomic bool due_posted;

    /* The bytes that came: the current message begins at `start`, `fill` bytes are there. */
    char *in;
    uint32_t in_size, start, fill;

    const struct http_server *server;
    const struct http_route *route;
    struct router_match match;
    struct str path; /* decoded */
    struct address client;
    bool client_tls;
    bool client_known; /* false: somebody stands behind `client` whom we cannot or may not see */
    struct str host;   /* as a trusted proxy says; else p is NULL */
    bool detached;
    _Atomic unsigned char halves; /* of a detached exchange: the handler returned, somebody completed it */
    void (*next_handler)(struct http_exchange *x); /* it was not completed, but resumed with this one */
    void *next_ud;
    bool handed_over, over; /* handed_over: another thread may hold it; over: it came back */
    bool timed_out, replaces_timed_out;
    enum http_language language; /* of one that replaces another: that one's; else the head says it */
    _Atomic bool gone;
    pthread_mutex_t watch_lock;
    void (*notice)(void *ud); /* guarded by watch_lock, like notice_ud */
    void *notice_ud;
    int64_t began_us;
    _Atomic int64_t deadline_us;
    uint64_t sent; /* bytes of content */

    struct http_content content;
    struct http_reply reply;
    struct arena arena;

    char id[EXCHANGE_ID_MAX + 1];
    uint8_t id_size;
    bool id_made;       /* by us, not by a proxy */
    bool traced;        /* trace and parent are set; else they are made when somebody asks */
    struct trace trace; /* whose span is our own */
    char parent[TRACE_SPAN];
    uint8_t parent_size;

    struct http_reader reader;
    _Alignas(16) char first_arena[EXCHANGE_ARENA_SIZE];
    char first_in[EXCHANGE_IN_SIZE];
};

/* A handler, or somebody whom it gave the exchange to, may be changing it. [loop] */
static inline bool exchange_is_out_of_hand(const struct http_exchange *x)
{
    return x->handed_over && !x->over;
}

static inline void exchange_hand_over(struct http_exchange *x)
{
    x->handed_over = true;
    x->loop->handed_over++;
}

static inline void exchange_take_back(struct http_exchange *x)
{
    x->over = true;
    x->loop->handed_over--;
}

/* From the loop's spares or the heap; NULL when memory is out. Its message begins with what `rest` holds. */
struct http_exchange *exchange_create(struct http_loop *loop, const struct http_transport *transport,
                                      struct str rest);

/* The client left or the deadline passed. [loop] */
void exchange_set_gone(struct http_exchange *x);

/* Makes it ready for the next message on the same connection, which begins at byte `next` of the input. */
void exchange_reset(struct http_exchange *x, uint32_t next);
void exchange_destroy(struct http_exchange *x);
void exchange_free_spares(struct http_loop *loop);

/* Makes the input larger, up to the largest head. 0 or -1. Only before the head is complete. */
int exchange_grow_input(struct http_exchange *x);

/* The head is complete: sees to it that content can be received behind it. 0, or -1 when memory is out. Only before
 * anything but the reader's head points into the input. */
int exchange_make_room(struct http_exchange *x, uint32_t room);

/* Notes status and type of the reply; -1 when there is one, or when one of the two cannot be sent. */
int reply_stage(struct http_exchange *x, int status, const char *content_type);

/* Before it is sent: a reply that was never staged, or that lacks a field for which there was no memory, becomes an empty
 * 500. It needs no memory itself. */
void reply_settle(struct http_exchange *x);

/* Forgets a staged reply, but not a stream. */
void reply_clear(struct http_reply *reply);

/* The value of the first such field that a handler added; p is NULL when there is none. */
struct str reply_field(const struct http_reply *reply, struct str name);

/* After the content was coded differently, a strong ETag would promise the same bytes: makes it weak. */
void reply_weaken_etag(struct http_reply *reply);

/* The number of bytes that the staged reply's content has. */
uint64_t reply_size(const struct http_reply *reply);

#endif
