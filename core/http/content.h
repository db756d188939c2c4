/* content.h - receiving a request's content: in the input buffer where it fits, else straight into memory of its size,
 * into a file, or piece by piece to a handler that reads it meanwhile.
 *
 * All but content_pipe_read run on the exchange's loop. */
#ifndef HTTP_CONTENT_H
#define HTTP_CONTENT_H

#include "http/exchange_struct.h"

enum content_progress {
    CONTENT_MORE,     /* receive into content_room() */
    CONTENT_COMPLETE, /* the handler can have it; the next message begins at content_end() */
    CONTENT_REFUSED   /* content_refusal() says why; the connection must close after the answer */
};

struct content_refusal {
    int status;
    const char *detail;
};

/* After the head: plans by the route and the framing, and takes what has already come. */
enum content_progress content_begin(struct http_exchange *x);

/* After the head, instead: reads away what has come, without keeping any. COMPLETE: that was all of it. */
enum content_progress content_skip(struct http_exchange *x);

/* Where the next bytes belong; n is 0 when the handler must first take some (HTTP_BODY_STREAM). */
struct content_room {
    char *p;
    size_t n;
};
struct content_room content_room(struct http_exchange *x);

/* n bytes were received to where content_room() pointed. */
enum content_progress content_received(struct http_exchange *x, size_t n);

struct content_refusal content_refusal(const struct http_exchange *x);

/* The offset in the input at which the next message begins. */
uint32_t content_end(const struct http_exchange *x);

/* The client will send no more of it: wakes a handler that reads. */
void content_abort(struct http_exchange *x);
void content_finish(struct http_exchange *x);

/* The handler is the slow one: nothing is received until it has taken some (HTTP_BODY_STREAM). */
bool content_waits_for_handler(struct http_exchange *x);

/* The transport has heard content_taken and will look at content_room() again. */
void content_room_noticed(struct http_exchange *x);

/* http_request_read(). [handler's thread] */
ssize_t content_pipe_read(struct http_exchange *x, void *p, size_t n);

#endif
