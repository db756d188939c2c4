/* pipeline.h - what every request goes through between the transport and its handler, in one order for all transports:
 * request id, client behind trusted proxies, path, CORS, route, rate limit, size of content; then the handler; then
 * what every reply gets. */
#ifndef HTTP_PIPELINE_H
#define HTTP_PIPELINE_H

#include "http/exchange_struct.h"

struct peer {
    const struct address *address;
    bool tls;
};

/* The head is complete. 0: receive the content and run the route's handler; -1: a reply was staged instead. [loop] */
int pipeline_begin(struct http_exchange *x, const struct peer *peer);

/* The message cannot be understood: stages the answer. [loop] */
void pipeline_refuse(struct http_exchange *x, const struct peer *peer, int status, const char *detail);

/* Runs the handler here; unless it detached, the exchange has a reply or a stream afterwards. [handler's thread] */
void pipeline_run(struct http_exchange *x);

/* After pipeline_run: hands the exchange back to its transport, unless it was detached and is not completed yet; then
 * http_complete() does. The exchange must not be touched afterwards. [handler's thread] */
void pipeline_handler_returned(struct http_exchange *x);

/* What every reply gets, once, after it was staged: compression, CORS. [handler's thread] */
void pipeline_finish_reply(struct http_exchange *x);

/* The exchange is over: metrics and access log. `cut` when its reply did not reach the client as a whole. [loop] */
void pipeline_end(struct http_exchange *x, bool cut);

#endif
