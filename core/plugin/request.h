/* request.h - the handler behind every route of a plugin: a call around it, its input before it, and what its result
 * means to the client after it.
 *
 * A dw_request is the handle of the call that serves it, so it is as safe as that: once the handler has returned, was
 * detached, or from another thread, it leads to nothing. Nothing here knows what carries the exchange. */
#ifndef PLUGIN_REQUEST_H
#define PLUGIN_REQUEST_H

#include "http/exchange.h"
#include "plugin/call.h"
#include "plugin/out.h"
#include "plugin/repeat.h"

struct api_input;
struct api_operation;
struct api_replies;
struct idempotency;

/* What the handler of one route needs; the router's route->ud. Made by routes.c. */
struct plugin_route {
    dw_instance *instance;
    const struct api_operation *operation; /* NULL: one of the descriptor's .routes */
    dw_handler handler;
    const char *what;       /* "operation createNote" */
    uint32_t label;         /* activity_label() of both */
    const char *permission; /* or API_SIGNED_IN; NULL: public */
    bool needs_tenant;
    const struct api_replies *replies; /* what it may answer; NULL: nobody checks that */
};

/* What became of the one answer that a handler has. */
enum request_answer {
    ANSWER_NONE,
    ANSWER_STAGED,  /* in the exchange */
    ANSWER_WRITING, /* dw_reply_open without its close */
    ANSWER_FOLLOW,  /* a channel: opened when the handler has returned 0 */
    ANSWER_STREAM,  /* bytes: opened at the first write */
    ANSWER_LATER    /* a token has it */
};

struct request {
    dw_call *c;
    struct http_exchange *x;
    const struct plugin_route *route;
    struct identity *identity; /* NULL: anonymous */
    struct api_input *input;   /* NULL for .routes */
    struct repeat repeat;
    bool
        has_lent; /* the exchange's memory to the call, which only the first one gets: what one leaves there stays */
    enum request_answer answer;
    size_t mark; /* the fields up to it are the server's */

    int status; /* of ANSWER_WRITING and ANSWER_STREAM */
    struct buf body;
    dw_out out, refused; /* refused: of a dw_reply_open that failed, takes what is written and is silent */
    const char *channel;
    const char *content_type;
    struct http_stream *stream; /* opened, and not closed yet */
    bool is_finished;           /* dw_stream_finish */

    json_t *json; /* of .routes, once parsed */
    bool json_read, body_read;
    dw_bytes content; /* once read */
    void *mapped;     /* of a file that holds it */
    size_t mapped_n;
    struct buf streamed;

    int (*then)(dw_call *c, dw_request *req, void *ud); /* a second half follows */
    void *then_ud;
    int first_rc;

    struct idempotency *claim; /* of an Idempotency-Key; NULL: none */
};

/* Handles a request to a plugin's route. [a worker] */
void request_handle(struct http_exchange *x);

/* A handler in two halves. After suspend the handler returns; then(c, req, ud) is called once, on a worker, after both
 * the handler has returned and request_resume() was called, in whatever order. Its result is the handler's. It is called
 * also when the call was cancelled or the handler returned an error all the same (which cancels, and wins): it gives back
 * what was begun. May suspend or detach in its turn.
 *
 * Whoever suspends has to see to it that resume is called exactly once, soon after the call is cancelled; it may be called
 * at once when what was to be waited for could not be begun. 0, or DW_EMISUSE (a request of another call, or answered
 * already); then nothing has happened. suspend: [call], resume: [any thread] */
int request_suspend(dw_call *c, dw_request *req, int (*then)(dw_call *c, dw_request *req, void *ud),
                    void *ud);
void request_resume(dw_request *req);

/* ---- for request.c, reply.c, detach.c and the tables ---- */

/* NULL when it is not the request of an open call of this thread, which is logged. */
struct request *request_of(dw_request *req, const char *step);

/* The same for steps that can fail: 0, or what to return. */
int request_check(dw_request *req, const char *step, struct request **out);

static inline dw_request *request_handle_of(const struct request *r)
{
    return (dw_request *)(void *)r->c;
}

/* The client left or the deadline passed. */
void request_cancel_call(void *call);

/* Reads by name and target, see dw_request_read; and the body. */
int request_read(struct request *r, dw_list pairs);
dw_bytes request_body(struct request *r);
json_t *request_json(struct request *r);

#endif
