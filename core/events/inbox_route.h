/* inbox_route.h - POST /hooks/{plugin}/{source}: where others send their webhooks.
 *
 * The same at /api/v1/hooks/{plugin}/{connection}, where the source is that of a connection: a proxy that lets only the API
 * through lets it through as well.
 *
 * Open to everybody, because whoever sends has no account here: the signature is the guard. 202 when it is kept, and when it
 * was kept before; 401 when the signature is wrong, 404 where there is no such source, 400 without the sender's id, 503 when
 * it cannot be kept now and should be sent again. */
#ifndef EVENTS_INBOX_ROUTE_H
#define EVENTS_INBOX_ROUTE_H

#include "http/router.h"

struct db;
struct keyring;
struct metric;

struct inbox_route {
    struct db *db; /* borrowed, as the keyring */
    const struct keyring *keyring;
    struct metric *taken, *repeated, *refused, *failed; /* filled by mount */
};

/* Adds the routes; `o` is borrowed until the router is destroyed. 0, or -1 with a sentence in why. [before start] */
int inbox_route_mount(struct router *r, struct inbox_route *o, char why[ROUTER_WHY_SIZE]);

#endif
