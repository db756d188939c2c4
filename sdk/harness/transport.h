/* transport.h - requests out of memory, replies into memory: a transport beside the sockets' one, on the same pipeline.
 *
 * Handlers run on the thread that sends. A request whose reply does not come in time stays the transport's: its handler's
 * thread may still complete it. [one thread, but for what the pipeline calls back] */
#ifndef HARNESS_TRANSPORT_H
#define HARNESS_TRANSPORT_H

#include "http/router.h"
#include "util/address.h"
#include "util/buf.h"

struct memory_transport;
struct memory_exchange; /* one request on its way, and its reply */

/* The router is filled already and borrowed. 0 or -1. */
int memory_transport_create(struct memory_transport **out, struct router *router);

/* Forgets the exchanges that have been left and that no handler has any more. Returns how many are left that one has,
 * or its token. NULL is safe, here and below. */
unsigned memory_transport_collect(struct memory_transport *t);

/* After all were left and collected. */
void memory_transport_destroy(struct memory_transport *t);

struct memory_request {
    const char *method, *target;
    const char *fields; /* "Name: value\r\n" each; NULL: none */
    struct str body;
    const char *content_type; /* NULL: none */
    struct address client;    /* zeroed: it has none, as behind a Unix socket */
};

/* Runs the pipeline and the handler. NULL: memory, or a request that cannot be put into a message. */
struct memory_exchange *memory_send(struct memory_transport *t, const struct memory_request *request);

/* Waits until there is a whole reply, or news of a stream: false when nothing came within the time. */
bool memory_wait(struct memory_exchange *m, int64_t patience_us);

/* What has come: 0 as long as there is no status. Fields as "Name: value\r\n" each; the content so far. */
int memory_status(const struct memory_exchange *m);
struct str memory_fields(const struct memory_exchange *m);
struct str memory_content(const struct memory_exchange *m);
bool memory_is_stream(const struct memory_exchange *m);
bool memory_is_over(const struct memory_exchange *m);
bool memory_is_cut(const struct memory_exchange *m); /* a stream that broke off */

/* The client is done with it; before its end it is a client that leaves. NULL is safe. */
void memory_leave(struct memory_exchange *m);

#endif
