/* connection.h - one connection that is open in a call: what a connector is given, and how its requests go out.
 *
 * Made from the store (connections/connections.h) by host_connector.c, in the memory of the call that opened it; while an admin
 * tests one that is not kept yet, from what was typed. [call] */
#ifndef PLUGIN_CONNECTION_H
#define PLUGIN_CONNECTION_H

#include <dowel/dowel.h>

#include "client/gate.h"
#include "util/buf.h"
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

/* ---- gates: one a connection, for all calls of this process (connection_gate.c). [any thread] ---- */

/* The gate of that connection, made when it is not there yet; to be dropped at the end of whatever holds it (call_at_end).
 * What nobody holds is kept for the next one, with what the peer asked for, until a thousand others were used since. A
 * changed limit (0: none) counts from now on. NULL: memory. */
struct connection_gate *connection_gate_of(const char *id, unsigned parallel);
void connection_gate_drop(struct connection_gate *g); /* NULL is safe */

/* Its address or its secrets have changed: what the peer asked for, and how it went, counts no more. */
void connection_gate_renew(const char *id);

/* How it goes, as this process has seen it since it began. Requests that did not end by the peer's or the way's doing
 * (cancelled, wrong themselves) are not in it. */
struct connection_health {
    int64_t at_us;            /* time of day: when the last one ended; 0: none yet */
    int64_t failing_since_us; /* time of day: since when each one failed; 0: the last one did not */
    unsigned failures;        /* in a row */
    uint64_t requests;
    enum client_error error; /* of the last one, */
    int status;              /* and the peer's, 0: no answer came. 401 and 500 and above are failures */
    int64_t closed_us;       /* how long nothing is sent, because the peer asked for it; 0: it did not */
};

/* 0, or -1: no request went there, or that was long ago. */
int connection_gate_health(const char *id, struct connection_health *out);

/* For a request of a connection of that kind, and as long as the gate is held. The request holds it too. */
struct client_gate *connection_gate_for(struct connection_gate *g, const char *kind);

/* For tests, while nobody holds any: as if the process began anew. */
void connection_gates_forget(void);

/* ---- where a request over it goes (connection_url.c). [any thread] ---- */

/* Adds the URL that `url` means at that address: a path (and query) behind it, or a whole URL that leads nowhere else.
 * 0, or -1 and why not. The buffer may fail. */
int connection_url(struct buf *out, const char *address, const char *url, const char **why);

#endif
