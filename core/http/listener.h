/* listener.h - accepting connections, within their limits. */
#ifndef HTTP_LISTENER_H
#define HTTP_LISTENER_H

#include "http/connection.h"
#include "http/server.h"

struct listener;
struct tls_context;

int listener_create(struct listener **out, struct http_server *s, int fd, enum http_listener_kind kind,
                    unsigned loop, bool spread, struct tls_context *tls);

/* Starts and stops accepting. [the listener's loop, or before its thread runs] */
int listener_start(struct listener *l);
void listener_stop(struct listener *l);
/* All that this loop accepts for. [that loop] */
void listener_stop_on(struct http_loop *loop);
void listener_destroy_all(struct listener *l);

struct listener *listener_next(const struct listener *l);
struct http_loop *listener_loop(const struct listener *l);
struct tls_context *listener_tls(const struct listener *l);

/* Counts the connection against the limits; false when it may not be. [any loop] */
bool listener_connection_opened(struct http_server *s, struct connection *c);
void listener_connection_closed(struct http_server *s, struct connection *c);

#endif
