/* client.h - outbound HTTP. Named arguments, straight code, cancelled with the call.
 *
 *   dw_answer *a;
 *   DW_TRY(dw_fetch(c, &a, .url = url, .json = body, .bearer = conf->key));
 *
 * A status of 400 and above is an error unless .any_status: 401 DW_EAUTH, 403 DW_EDENIED, 404 DW_ENOTFOUND, 409
 * DW_ECONFLICT, 429 DW_ERATE with the peer's Retry-After, other DW_EUPSTREAM; the answer is set all the same. Without
 * an answer: DW_EUNAVAILABLE if the request certainly did not reach the peer, DW_EUNKNOWN if it may have; DW_ETOOLARGE
 * for an answer above .max_bytes. Only what is idempotent is retried by the host. Addresses inside the network are refused
 * unless the admin allowed them: DW_EDENIED. dw_error_of(c) says which peer and what was found (the detail: "404",
 * "timeout"), never a secret; a client of ours is not shown it.
 *
 * With .connection (connector.h), .url is a path that is added to the connection's address ("/api/v1/users/me"); it may be a
 * whole URL only where that begins as the address does (DW_EDENIED). Then its certificates, its proxy and what its admin was
 * allowed count. So many at a time go over one connection as it says, the others wait in the order of coming, and .timeout counts
 * from a request's turn on; an open stream keeps its place. After a peer asked for time (429, or 503 with Retry-After) nothing more
 * is sent there until it is over: what is idempotent is then sent again, who comes meanwhile waits, within the call's deadline and
 * five minutes: else DW_ERATE, at once, with retry_after and the detail "held". */
#ifndef DOWEL_CLIENT_H
#define DOWEL_CLIENT_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dw_request dw_request;
typedef struct dw_upstream dw_upstream;
typedef struct dw_fetching dw_fetching;

/* What came back. Borrowed for the call; the host may append members. */
typedef struct dw_answer {
    uint32_t struct_size;
    int status;               /* 0: there was no answer */
    const char *content_type; /* or "" */
    dw_str body;              /* as it came; terminated by a NUL that n does not count */
    dw_span took;
} dw_answer;

typedef struct dw_fetch_args {
    uint32_t struct_size;
    const char *method; /* NULL: GET, or POST with a body */
    const char *url;
    dw_list query;      /* DW_LIST("limit", 100, "after", cursor); NULL values are left out */
    dw_list headers;    /* DW_LIST("Accept", "text/csv"), NULL values left out */
    const json_t *json; /* one of json, form, body */
    dw_list form;
    dw_bytes body;
    const char *content_type; /* of body; of json and form if it is not the usual one */
    dw_secret bearer;         /* a secret that is NULL is not sent */
    const char *user;         /* Basic */
    dw_secret password;
    const char *secret_header; /* the header that carries .secret: "x-api-key" */
    dw_secret secret;
    dw_span timeout;  /* of the whole; 0: 30 s, streams: between two pieces; never past the call's deadline */
    size_t max_bytes; /* of the answer; 0: 16 MiB, streams: no limit */
    bool any_status;
    bool idempotent;                  /* a POST that may be repeated */
    const char *ca_file;              /* NULL: the system's; with .connection that says whom to trust */
    struct dw_connection *connection; /* over which it goes, see below; since minor 2 */
} dw_fetch_args;

typedef struct dw_client_api {
    uint32_t struct_size;
    int (*fetch)(dw_call *c, dw_answer **out, const dw_fetch_args *args);
    int (*fetch_then)(dw_call *c, dw_request *req, int (*then)(dw_call *, dw_request *, dw_answer *),
                      const dw_fetch_args *args);
    int (*answer_json)(dw_answer *a, json_t **out);
    const char *(*answer_header)(dw_answer *a, const char *name);
    int (*open)(dw_call *c, dw_upstream **out, const dw_fetch_args *args);
    int (*read)(dw_upstream *up, dw_bytes *piece);
    int (*line)(dw_upstream *up, dw_str *line);
    int (*event)(dw_upstream *up, const char **name, dw_str *data);
    void (*close)(dw_upstream *up);
    int (*start)(dw_call *c, dw_fetching **out, const dw_fetch_args *args);
    int (*wait)(dw_fetching *f, dw_answer **out);
} dw_client_api;

/* Sends and waits for the whole answer. *out is set when the peer's status is the error too, else NULL; out may be NULL.
 * [call] */
#define dw_fetch(c, out, ...) (dw_host_->client->fetch((c), (out), DW_ARGS_(dw_fetch_args, __VA_ARGS__)))

/* dw_fetch_start(c, &f, .url = next): sends without waiting, so that several are under way, at most 64 of a call; then wait for
 * each of them, in any order, once: what dw_fetch() would have returned. Never blocks: what has to wait for its turn over a
 * connection is sent when that comes, waited for or not. One that nobody waits for is cut with its call or scope. Since minor 2.
 * [call] */
#define dw_fetch_start(c, out, ...) \
    (dw_host_->client->start((c), (out), DW_ARGS_(dw_fetch_args, __VA_ARGS__)))
static inline int dw_fetch_wait(dw_fetching *f, dw_answer **out) { return dw_host_->client->wait(f, out); }

/* return dw_fetch_then(c, req, answered, .url = url): sends, gives the worker back, and calls answered(c, req, answer)
 * on a worker when the answer is here, with the same call and memory. An error (see above) answers the request
 * instead, and a client that left cuts the transfer: then it does not run. DW_EMISUSE when the request is answered
 * already. [call] */
#define dw_fetch_then(c, req, then, ...) \
    (dw_host_->client->fetch_then((c), (req), (then), DW_ARGS_(dw_fetch_args, __VA_ARGS__)))

/* The body as JSON, borrowed for the call; DW_EUPSTREAM if it is none (an HTML page, half a document). [call] */
static inline int dw_answer_json(dw_answer *a, json_t **out) { return dw_host_->client->answer_json(a, out); }

/* A header, or NULL. Borrowed for the call. [call] */
static inline const char *dw_answer_header(dw_answer *a, const char *name)
{
    return dw_host_->client->answer_header(a, name);
}

/* A streamed answer: opened when its head is here (statuses as for dw_fetch), then read in pieces, lines or events: one
 * stream in one way. 1: one more, 0: the end, or an error, both for good; DW_ECANCELLED soon after the call is cancelled.
 * Pieces are borrowed until the next; a line or an event has at most 1 MiB. Closed with the call. [call] */
#define dw_upstream_open(c, out, ...) \
    (dw_host_->client->open((c), (out), DW_ARGS_(dw_fetch_args, __VA_ARGS__)))
static inline int dw_upstream_read(dw_upstream *up, dw_bytes *piece)
{
    return dw_host_->client->read(up, piece);
}
static inline int dw_upstream_line(dw_upstream *up, dw_str *line) { return dw_host_->client->line(up, line); }

/* The next server-sent event; its name is "" when it has none. data is terminated. [call] */
static inline int dw_upstream_event(dw_upstream *up, const char **name, dw_str *data)
{
    return dw_host_->client->event(up, name, data);
}

/* Cuts the transfer now. NULL is safe. [call] */
static inline void dw_upstream_close(dw_upstream *up) { dw_host_->client->close(up); }

#ifdef __cplusplus
}
#endif
#endif
