/* client.h - outbound HTTP: one thread and one libcurl multi handle for all requests of a generation.
 *
 * Three ways to use it: client_fetch() waits for the whole answer, client_start() calls back, client_stream_open()
 * reads a long answer piece by piece. All three take the same request and give the same kind of answer.
 *
 *   struct client_answer *answer;
 *   if (client_fetch(client, &answer, &(struct client_request){ .url = url, .bearer = key }) != 0)
 *       log_warn(answer->message);
 *   client_answer_destroy(answer);
 *
 * Made after fork(), in the generation that uses it: a child must not touch its parent's client. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "util/address.h"
#include "util/buf.h"
#include "util/str.h"

struct client;
struct client_token;
struct client_stream;
struct client_pending;
struct client_gate; /* client/gate.h */

enum client_error {
    CLIENT_OK,
    CLIENT_INVALID,   /* the request itself is wrong (URL, header, method...): never sent */
    CLIENT_DENIED,    /* the guard refused the address: never sent */
    CLIENT_UNREACHED, /* it certainly did not reach the peer */
    CLIENT_UNKNOWN,   /* it may have reached the peer; no whole answer came */
    CLIENT_STATUS,    /* the peer answered 400 or above (or redirected too often) */
    CLIENT_TOO_LARGE, /* the answer is larger than allowed */
    CLIENT_TIMEOUT,
    CLIENT_TLS,       /* certificate, key or handshake */
    CLIENT_CANCELLED, /* by its token, or the client was destroyed */
    CLIENT_MEMORY,
    CLIENT_HELD, /* the peer asked for time, and there is not so much: never sent */
    CLIENT_ERRORS
};

/* "unreached", as in logs and metrics. */
const char *client_error_name(enum client_error error);

/* Finds the addresses of a name: fills at most `max`, sets *n, returns 0 or a getaddrinfo() code. May block; several
 * threads at once. */
typedef int client_resolve_fn(const char *host, struct address *out, size_t max, size_t *n, void *ud);

/* One attempt, as it would be sent. Borrowed. */
struct client_asked {
    const char *method, *url;
    const struct str *fields; /* "Name: value" each, credentials too */
    size_t fields_n;
    struct str body;
};

/* What comes back: fields as "Name: value", then the pieces, one after the other as a stream's reader takes them. Borrowed
 * until the client is destroyed. */
struct client_played {
    int status; /* 0: no answer comes */
    const struct str *fields;
    size_t fields_n;
    const struct str *pieces;
    size_t pieces_n;
    enum client_error
        error; /* CLIENT_UNREACHED: was not sent; CLIENT_UNKNOWN: breaks off where the answer ends */
    const char *message; /* about that */
    bool silent;         /* does not end: time-outs and cancelling do that */
};

/* Plays the peer, on the client's thread: false when nobody plays that one, which is then not reached. */
typedef bool client_play_fn(const struct client_asked *asked, struct client_played *out, void *ud);

/* Texts and arrays are borrowed until the client is destroyed. 0 and NULL take the default that stands beside it. */
struct client_options {
    const char *ca_file; /* PEM bundle that is trusted instead of the system's */
    /* "http://[user:password@]host:port" or "socks5h://..."; none. The environment's is never used. An inner address is
     * fine: the admin wrote it. */
    const char *proxy;
    const struct network *allow; /* inner addresses that every request may go to */
    size_t allow_n;
    unsigned transfers;          /* open at once: 256 */
    unsigned transfers_per_host; /* 32 */
    unsigned queue;              /* requests that may wait for a free transfer: 1024 */
    unsigned idle_connections;   /* kept for reuse: 64 */
    unsigned resolver_threads;   /* 4, started when needed */
    int64_t resolve_ttl_us;      /* how long an address is remembered: 30 s; negative: not at all */
    int64_t retry_base_us;       /* first backoff is drawn from 0 to this: 200 ms, doubled each time */
    int64_t retry_cap_us;        /* 10 s */
    const char *user_agent;      /* "dowel" */
    client_resolve_fn *resolve;  /* getaddrinfo(); for tests */
    void *resolve_ud;
    client_play_fn *play; /* instead of the network, which is never touched then; for tests */
    void *play_ud;
    /* For tests: nobody waits before a further try, or because a peer asked for time; it is told how long that would have
     * been. What a peer asked for goes by its monotonic clock. Both or none. */
    void (*pass)(int64_t us, void *ud);
    int64_t (*clock_us)(void *ud);
    void *clock_ud;
};

/* 0 or -1 (memory, thread). */
int client_create(struct client **out, const struct client_options *options);

/* Cuts all transfers (they end as CLIENT_CANCELLED), ends the thread, frees. Callers blocked in client_fetch return;
 * streams must still be closed. Not from a callback. NULL is safe. */
void client_destroy(struct client *c);

struct client_header {
    const char *name;
    struct str value;
    bool secret; /* not sent on to another origin; the names that log.h calls secret are so without it */
};

/* One request. Everything is borrowed until the function that takes it returns; client_start and client_stream_open
 * copy the body, client_fetch does not. */
struct client_request {
    const char *method; /* NULL: GET, or POST with a body */
    const char *url;    /* http or https, without user and password */
    const struct client_header *headers;
    size_t headers_n;
    struct str body;          /* p not NULL: there is one, be it empty */
    const char *content_type; /* of body; NULL: none is sent */
    struct str bearer;
    const char *user; /* Basic */
    struct str password;
    const char *secret_header; /* the field that carries `secret`: "X-API-Key" */
    struct str secret;
    const char *traceparent;

    int64_t timeout_us;         /* of the whole with all retries: 30 s; of a stream: none */
    int64_t deadline_us;        /* monotonic, on top of timeout_us; 0: none */
    int64_t connect_timeout_us; /* of one attempt: for its name, then for TCP and TLS: 10 s */
    int64_t idle_timeout_us;    /* without a byte: none; of a stream: 30 s */
    size_t max_bytes;           /* of the answer, unpacked: 16 MiB; of a stream: none */
    size_t buffer_bytes;        /* of a stream, that the reader may be behind: 256 KiB */
    unsigned attempts;          /* 3 when it may be repeated, else always 1 */
    unsigned redirects;         /* followed at most: 0 */
    bool idempotent;            /* a POST or PATCH that may be repeated */
    bool any_status;            /* 400 and above is no error */

    const char *ca_file;   /* instead of the client's */
    const char *cert_file; /* client certificate, PEM, with its key unless key_file */
    const char *key_file;
    /* The same as texts, which come before the files; copied. No open connection is shared by requests that differ in one
     * of the three: a certificate is public, and only its key says whose it is. */
    struct str ca_pem, cert_pem, key_pem;
    const char *proxy;           /* NULL: the client's; "": none. Its address must be allowed as the peer's */
    const struct network *allow; /* inner addresses that this request may go to; link-local never */
    size_t allow_n;
    bool
        allow_any_inner; /* whatever inner address the name has, but link-local and metadata; not where it is redirected to
                           * another origin */
    struct client_token *token; /* cancels it; NULL: nothing does */
    /* Where it waits for its turn, which deadline_us limits and timeout_us does not count; held as its owner says. */
    struct client_gate *gate;
    int64_t patience_us; /* at the gate: 5 minutes */
};

/* What came back, or why nothing did. */
struct client_answer {
    enum client_error error;
    bool reached;      /* the peer may have seen the request: false is certain, true is not */
    int status;        /* 0: no head came. Also set when the rest was cut off */
    unsigned attempts; /* how often it was tried */
    unsigned redirects;
    int64_t took_us;
    int64_t retry_after_us;   /* what the peer asked for, at most a day; -1: nothing */
    const char *content_type; /* or "" */
    struct str body;          /* terminated by a NUL that n does not count */
    const char *message;      /* what was tried, on what, what was found, what to do; "" when all is well */

    struct buf fields_, body_, message_; /* private */
};

/* A header of the answer, its first, or NULL. Borrowed from the answer. */
const char *client_answer_header(const struct client_answer *a, const char *name);
void client_answer_destroy(struct client_answer *a);

/* Sends and waits for the whole answer. 0 or -enum client_error; *out is set all the same, and NULL only for
 * -CLIENT_MEMORY. [any thread but a callback's] */
int client_fetch(struct client *c, struct client_answer **out, const struct client_request *request);

/* Sends and calls done(answer, ud) once, on the client's thread, which all transfers share: it must not block. The
 * answer is done's to destroy. Wrong requests are reported through done too; negative (and done is not called) only for
 * -CLIENT_MEMORY and, once the client is being destroyed, -CLIENT_CANCELLED. [any thread] */
int client_start(struct client *c, const struct client_request *request,
                 void (*done)(struct client_answer *answer, void *ud), void *ud);

/* Sends, as client_start does, what is waited for later. *out is to be closed; 0, -CLIENT_MEMORY or -CLIENT_CANCELLED. */
int client_begin(struct client *c, struct client_pending **out, const struct client_request *request);

/* Waits for the end. The answer is the caller's, as of client_fetch; once. [any thread but a callback's] */
struct client_answer *client_pending_take(struct client_pending *p);

/* Cuts what has not ended. NULL is safe. [any thread] */
void client_pending_close(struct client_pending *p);

/* ---- cancelling: one token for all requests of a call ---- */

int client_token_create(struct client_token **out);

/* Ends what was started with it, and at once what will be. Twice is harmless. [any thread] */
void client_token_cancel(struct client_token *token);

/* Nobody will cancel with it any more. What is still under way goes on. NULL is safe. */
void client_token_destroy(struct client_token *token);

/* ---- streams: one reader at a time; lines and events are in client/events.h ---- */

/* Waits for the head of the answer. 0, or -enum client_error with the reason in client_stream_answer(). A refusal
 * (400 and above) has its body there. *out must be closed in both cases; NULL only for -CLIENT_MEMORY. */
int client_stream_open(struct client *c, struct client_stream **out, const struct client_request *request);

/* The head: status and fields. Borrowed from the stream. */
const struct client_answer *client_stream_answer(const struct client_stream *s);

/* Waits at most wait_us for more; negative: as long as the stream's own limits say. 1: *piece is borrowed until the
 * next call. 0: the end. -CLIENT_TIMEOUT and client_stream_ended() false: nothing yet, ask again. Else it broke off:
 * client_stream_message() says why. */
int client_stream_read(struct client_stream *s, struct str *piece, int64_t wait_us);
bool client_stream_ended(const struct client_stream *s);
const char *client_stream_message(const struct client_stream *s);

/* Cuts the transfer now. NULL is safe. */
void client_stream_close(struct client_stream *s);

#endif
