/* outbound.h - what a plugin asks others by HTTP, between dowel/client.h and client/client.h. [call] */
#ifndef PLUGIN_OUTBOUND_H
#define PLUGIN_OUTBOUND_H

#include "client/client.h"
#include "plugin/call.h"

/* A plugin's arguments as a request. url and method are in the call's memory. */
struct outbound {
    struct client *client; /* borrowed */
    struct client_request request;
    struct buf body; /* what was encoded */
};

/* Reads the arguments; what is wrong with them is recorded in the call. 0, or a DW_E code: then there is nothing to
 * finish. An outbound must not be used after the callback whose `args` it was read from. */
int outbound_read(struct outbound *o, dw_call *c, const dw_fetch_args *args, bool is_stream);
void outbound_finish(struct outbound *o);

/* What an error means for a plugin. `reached`: the peer may have seen the request. */
int outbound_code(enum client_error error, int status, bool reached);

/* Records in the call why there is no good answer, and returns its code; 0 for a good one. `a` may be NULL: memory was
 * out. */
int outbound_judge(dw_call *c, const struct client_answer *a);

/* ---- whole answers (peer_answer.c) ---- */

/* For sentences about it; both in the call's memory. */
struct asked {
    const char *method, *url;
};

/* How much of the URL may be: not its query, in which some peers want their keys. */
int asked_shown(const struct asked *asked);

/* What dw_fetch returns. Takes `whole`, which may be NULL: memory was out. */
int peer_answer_take(dw_call *c, dw_answer **out, struct client_answer *whole, const struct asked *asked);

int peer_answer_json(dw_answer *a, json_t **out);
const char *peer_answer_header(dw_answer *a, const char *name);

/* ---- several under way (fetching.c) ---- */

int fetching_start(dw_call *c, dw_fetching **out, const dw_fetch_args *args);
int fetching_wait(dw_fetching *f, dw_answer **out);

/* ---- streams (upstream.c) ---- */

int upstream_open(dw_call *c, dw_upstream **out, const dw_fetch_args *args);
int upstream_read(dw_upstream *up, dw_bytes *piece);
int upstream_line(dw_upstream *up, dw_str *line);
int upstream_event(dw_upstream *up, const char **name, dw_str *data);
void upstream_close(dw_upstream *up);

#endif
