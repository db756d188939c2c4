/* server.h - the HTTP server of one generation: loops, listeners, workers and the pipeline between them. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/exchange.h"
#include "http/router.h"
#include "util/address.h"

struct http_server;
struct tls_context;

/* All texts and arrays are borrowed until the server is destroyed. 0 takes the default that stands beside it. */
struct http_options {
    unsigned loops;                   /* one per core */
    unsigned workers;                 /* 4 per core, at least 8 */
    unsigned queue;                   /* requests that may wait for a worker: 1024 */
    uint64_t body_max;                /* 1 MiB */
    unsigned connections_max;         /* 20000 */
    unsigned connections_per_address; /* 1024; loopback, Unix sockets and trusted proxies are not counted */
    int64_t header_timeout_us;        /* 10 s for a whole head */
    int64_t idle_timeout_us;          /* 60 s between requests */
    int64_t write_timeout_us;         /* 60 s without progress of a reply */
    int64_t request_timeout_us;       /* 60 s from the head to the reply */
    int64_t heartbeat_us;             /* 15 s between signs of life on an event stream */
    uint64_t body_min_rate;           /* bytes a second, after 5 s of grace: 500 */
    size_t stream_buffer;             /* bytes an event stream's client may be behind: 256 KiB */
    size_t write_buffer;              /* bytes that a blocking writer may be ahead of its client: 256 KiB */
    const char *spool_dir;            /* where large bodies go: "/tmp" */
    bool access_log;
    bool no_compression;

    const struct network *trusted_proxies;
    size_t trusted_proxies_n;
    const char *const *cors_origins; /* "https://app.example" or "*"; none: no CORS */
    size_t cors_origins_n;
    uint32_t rate_limit;    /* requests per rate_window_us and address; 0: off */
    int64_t rate_window_us; /* 1 s */
    uint32_t rate_burst;    /* rate_limit */
    bool no_route_limits;   /* what routes say of themselves does not hold */
};

enum http_listener_kind { HTTP_LISTEN_TCP, HTTP_LISTEN_UNIX };

/* The router is made by the caller, filled before start, and not destroyed before the server. */
int http_server_create(struct http_server **out, const struct http_options *options, struct router *router);

/* Accepts on fd (listening, non-blocking; stays the caller's, who must not close it before destroy). `loop` is the one
 * that accepts, modulo their number. With spread the connections are dealt to all loops; use it where there is only
 * one socket. tls may be NULL and is borrowed. [before start] */
int http_server_listen(struct http_server *s, int fd, enum http_listener_kind kind, unsigned loop,
                       bool spread, struct tls_context *tls);

/* Threads run and connections are accepted when it returns 0. */
int http_server_start(struct http_server *s);

/* Stops accepting, answers what is in flight with Connection: close, keeps idle connections until their next request
 * or `idle_us`, ends event streams with a retry. Then calls `done` on one of the loops' threads. [any thread, once] */
void http_server_drain(struct http_server *s, int64_t idle_us, void (*done)(void *ud), void *ud);

/* Does no loop accept any more? Some moments after http_server_drain(). [any thread] */
bool http_server_is_closed(const struct http_server *s);

/* Ends all connections at once, takes no more work, and waits for handlers that are running: none runs any more when it
 * returns. Requests that were detached may still be completed, which http_server_destroy() waits for. NULL is safe. [as
 * destroy, once or more] */
void http_server_stop(struct http_server *s);

/* Ends all connections at once and all threads; waits for handlers that are running, and for the completion of requests
 * that were detached. NULL is safe. [any thread but its own] */
void http_server_destroy(struct http_server *s);

/* Microseconds since the slowest loop last went round, for a watchdog. [any thread] */
int64_t http_server_stalled_us(const struct http_server *s);

struct http_server_counts {
    unsigned connections, requests; /* open; in flight */
};
void http_server_count(const struct http_server *s, struct http_server_counts *out);

#endif
