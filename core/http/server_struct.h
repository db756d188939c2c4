/* server_struct.h - the inside of the server, for the modules of core/http. */
#ifndef HTTP_SERVER_STRUCT_H
#define HTTP_SERVER_STRUCT_H

#include <stdatomic.h>

#include "http/loop.h"
#include "http/ratelimit.h"
#include "http/server.h"

struct metric;
struct listener;
struct ratelimit;
struct address_counts;

/* Why a request or connection was turned away: labels of dowel_http_refused_total. */
enum http_refusal {
    REFUSED_CONNECTIONS,
    REFUSED_CONNECTIONS_ADDRESS,
    REFUSED_MALFORMED,
    REFUSED_HEAD_TOO_LARGE,
    REFUSED_CONTENT_TOO_LARGE,
    REFUSED_HEAD_TIMEOUT,
    REFUSED_CONTENT_TIMEOUT,
    REFUSED_RATE,
    REFUSED_QUEUE_FULL,
    REFUSED_QUEUE_DEADLINE,
    REFUSED_REQUEST_DEADLINE,
    REFUSED_TLS,
    REFUSALS
};

struct http_server {
    struct http_options options; /* defaults filled in */
    struct router *router;
    struct rate_rule rate_rule;
    struct http_loop **loops;
    struct workers *workers;
    struct listener *listeners; /* a list */
    struct ratelimit *ratelimit;
    struct address_counts *addresses;

    _Atomic unsigned connections;
    _Atomic unsigned next_loop; /* for dealing */
    _Atomic unsigned dealt;     /* connections on their way to another loop */
    _Atomic bool draining;
    _Atomic unsigned loops_draining;
    int64_t drain_idle_us;
    void (*drained)(void *ud);
    void *drained_ud;
    _Atomic bool drained_told;
    bool stopped; /* http_server_stop() was here */

    struct {
        struct metric *accepted, *bytes_in, *bytes_out, *status[6], *refused[REFUSALS], *unrouted, *in_flight;
    } metrics;
};

void server_count_refusal(const struct http_server *s, enum http_refusal why);

/* A connection or a request ended while draining: is that all? [any loop] */
void server_check_drained(struct http_server *s);

#endif
