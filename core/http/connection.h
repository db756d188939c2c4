/* connection.h - one client's connection: reads requests, gives each to the pipeline, writes the replies in order.
 *
 * The socket is registered once, edge-triggered for both directions, and never touched in epoll again: a request costs
 * one recv and one sendmsg. One request is in flight; what a client pipelines waits in the kernel or in the input
 * buffer. All functions run on the connection's loop. */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <event2/event_struct.h>

#include "http/loop.h"
#include "util/address.h"

struct http_exchange;
struct listener;
typedef struct ssl_st SSL;

enum connection_phase {
    CONNECTION_IDLE,    /* between requests; holds no exchange */
    CONNECTION_HEAD,    /* a head has begun */
    CONNECTION_CONTENT, /* the content is being received */
    CONNECTION_WORKING, /* a handler has it */
    CONNECTION_WRITING, /* the reply waits for the client to read */
    CONNECTION_STREAMING,
    CONNECTION_LINGER /* everything is said; reads what still comes, so that no reset destroys the answer */
};

struct connection {
    struct event event;
    struct http_loop *loop;
    struct list link;  /* in loop->connections */
    struct list again; /* in loop->again */
    struct timer timer;
    struct http_exchange *x;
    struct http_stream *stream; /* of x, once its head is written */
    struct listener *listener;
    SSL *ssl;
    int fd;
    struct address peer;
    uint16_t port;
    uint8_t phase;
    bool readable;       /* an edge came that was not read up to its end */
    bool peer_closed;    /* a FIN came */
    bool close_after;    /* this reply is the last one */
    bool unread;         /* bytes of the client that nobody will read may be on their way */
    bool counted;        /* against the limit per address */
    uint32_t requests;   /* begun */
    int64_t head_due_us; /* CONNECTION_HEAD: all of it must be there by then */

    /* What is being written: pieces of the exchange, or of spill. */
    struct str out[2];
    int out_fd;
    off_t out_offset, out_left;
    char *spill;
    int64_t progress_us; /* when the client last took something */
};

/* Takes fd and begins to serve it. Closes it when memory is out. */
void connection_open(struct http_loop *loop, struct listener *listener, int fd, const struct sockaddr *peer);

void connection_on_timer(struct connection *c);
/* Those that have had their share of the last turn. */
void connection_drive_again(struct http_loop *loop);
void connection_on_refused_work(struct work *work);

/* Idle ones close, the others after their reply. */
void connection_drain_all(struct http_loop *loop);
void connection_close_all(struct http_loop *loop);

extern const struct http_transport socket_transport;

#endif
