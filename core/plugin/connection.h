/* connection.h - one connection that is open in a call: what a connector is given, and how its requests go out.
 *
 * Made from the store (connections/connections.h) by host_connector.c, in the memory of the call that opened it; while an admin
 * tests one that is not kept yet, from what was typed. [call] */
#ifndef PLUGIN_CONNECTION_H
#define PLUGIN_CONNECTION_H

#include <dowel/dowel.h>

#include "util/str.h"

struct connection_gate;

/* How requests over it go out. Texts are borrowed as the connection; empty ones are not set. */
struct connection_route {
    const char *
        address; /* "https://desk.example.org/zammad", without a slash at its end; NULL: it speaks to nobody */
    bool allow_private; /* its host may be an inner one, whatever address the name has; link-local never */
    struct str ca_pem;  /* trusted instead of the server's */
    struct str cert_pem, key_pem; /* of a client */
    const char *proxy;            /* NULL: the server's; "": none */
    struct connection_gate
        *gate; /* shared by all calls of this process: how many at a time, and until when it waits.
                                   * NULL: no limit */
};

struct dw_connection {
    dw_call *c;                    /* whose it is */
    const char *id, *name, *kind;  /* id: "" while it is tested before it is kept */
    dw_instance *owner;            /* the connector's plugin */
    const dw_connector *connector; /* host-sized */
    const void *settings;          /* the connector's struct */
    struct connection_route route;
};

/* ---- gates: kept by id for as long as the process lives (connection_gate.c). [any thread] ---- */

/* Of that connection, made when it is not there yet; NULL: memory. A changed limit counts from the next request on. */
struct connection_gate *connection_gate_of(const char *id, unsigned parallel);

/* Waits for a place and for the end of what the peer asked for, at most until deadline_us (monotonic; 0: none) or until the
 * call is cancelled. 0, DW_ERATE (*until_us: when it would be open again), DW_ECANCELLED. */
int connection_gate_enter(struct connection_gate *g, dw_call *c, int64_t deadline_us, int64_t *until_us);

/* As enter, but never waits: 1: inside, 0: not now. */
int connection_gate_try(struct connection_gate *g);

/* Out again; retry_after_us: what the peer asked for, -1: nothing. */
void connection_gate_leave(struct connection_gate *g, int64_t retry_after_us);

#endif
