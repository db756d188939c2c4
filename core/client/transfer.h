/* transfer.h - inside core/client: one request on its way, and what it shares with the others.
 *
 * A transfer belongs to the client's thread from submit to finish; other threads only post wishes (cancel, resume) and
 * read what `lock` guards. It is counted: its creator, the open list, the inbox and a running lookup each hold one. */
#ifndef CLIENT_TRANSFER_H
#define CLIENT_TRANSFER_H

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdatomic.h>

#include "client/client.h"
#include "client/gate.h"
#include "client/guard.h"
#include "client/resolver.h"
#include "client/url.h"
#include "util/arena.h"
#include "util/compiler.h"
#include "util/list.h"

struct metric;

struct client_token {
    pthread_mutex_t lock; /* taken before a client's */
    unsigned refs; /* its owner and each transfer: a closed stream's may end after the owner has left */
    bool cancelled;
    struct list transfers;
};

/* One host: how many transfers to it are admitted, who waits to be. */
struct slot {
    struct slot *next, **bucket;
    struct list waiting;
    unsigned open, users; /* users: admitted or waiting */
    char key[];
};

enum { SLOT_BUCKETS = 64 };

struct client {
    atomic_uint refs; /* the owner and each transfer */
    struct client_options options;
    struct resolver *resolver;
    pthread_t thread;
    bool thread_started;

    pthread_mutex_t lock; /* guards the inbox */
    struct list inbox;
    unsigned open; /* submitted and not finished */
    bool stopping;
    int wake_fd;

    /* the client's thread */
    struct event_base *base;
    CURLM *multi;
    struct event *wake, *curl_timer;
    struct list transfers; /* all that are open */
    struct list queued;    /* admitted by their host, waiting for room in all */
    struct slot *slots[SLOT_BUCKETS];
    unsigned running;

    struct metric *outcomes[CLIENT_ERRORS], *duration, *retries, *transfers_open;
};

/* What other threads wish for; bits. */
enum transfer_wish { WISH_SUBMIT = 1, WISH_CANCEL = 2, WISH_RESUME = 4, WISH_RESOLVED = 8, WISH_GATE = 16 };

/* A lookup can outlast the interest in it, for the transfer goes on or ends: whoever comes second frees it. */
enum question_state { QUESTION_ASKED, QUESTION_ANSWERED, QUESTION_ABANDONED };

struct question {
    struct lookup lookup;
    struct transfer *transfer; /* holds a reference until it is answered */
    atomic_int state;
};

enum transfer_state {
    TRANSFER_NEW,
    TRANSFER_GATED, /* waiting for its turn */
    TRANSFER_RESOLVING,
    TRANSFER_RESOLVING_PROXY,
    TRANSFER_QUEUED,
    TRANSFER_RUNNING,
    TRANSFER_WAITING, /* for the next attempt */
    TRANSFER_DONE
};

/* What is to be done with the answer whose head is here. */
enum transfer_next { NEXT_FINISH, NEXT_REDIRECT, NEXT_RETRY };

/* At its gate. */
enum transfer_place { PLACE_NONE, PLACE_WANTED, PLACE_TAKEN };

struct transfer_field {
    char *line; /* "Name: value" */
    bool secret;
};

struct transfer {
    atomic_uint refs;
    struct client *client;

    /* ---- asked; read-only once submitted ---- */
    struct arena arena;
    const char *method;
    struct str body; /* p NULL: none */
    struct transfer_field *fields;
    size_t fields_n;
    const char *ca_file, *cert_file, *key_file;
    struct str ca_pem, cert_pem, key_pem; /* p NULL: none. cert_pem ends with a mark of its key */
    struct proxy_url proxy;               /* host NULL: none */
    struct network *allow;
    size_t allow_n;
    int64_t started_us, deadline_us, connect_timeout_us, idle_timeout_us; /* deadline monotonic; 0: none */
    struct client_gate *gate;                                             /* NULL: none */
    int64_t timeout_us, latest_us,
        patience_until_us; /* for the gate: what the deadline is made of, how long it waits */
    size_t max_bytes, buffer_bytes;
    unsigned attempts_max, redirects_max;
    struct client_token *token;
    void (*callback)(struct client_answer *answer, void *ud);
    void *callback_ud;
    bool idempotent, any_status, is_stream;
    bool allow_any_inner;
    bool proxy_is_ours; /* the client's, not one that the request names */

    /* ---- the client's thread ---- */
    bool timer_made, cancelled;
    bool without_body;
    bool foreign;           /* redirected to another origin: no secrets, no client certificate */
    bool admitted, running; /* counted by slot, by client */
    bool sent;              /* this attempt's request went out, or may have */
    bool head_done, head_delivered;
    bool had_enough; /* the peer, of all of us: see gate_answered() */
    enum transfer_state state;
    enum transfer_next next;
    unsigned attempt;   /* since the last redirect */
    struct list node;   /* in client->transfers */
    struct list queued; /* in client->queued or slot->waiting */
    struct event timer;
    struct url url;                      /* of this hop */
    struct slot *slot;                   /* from joining the queue to the end of the attempt */
    struct question *question;           /* RESOLVING: what is being looked up */
    struct address to[LOOKUP_ADDRESSES]; /* judged and good, of the peer or of its proxy */
    size_t to_n, to_at;
    int64_t connect_until_us; /* for all addresses of this attempt together */
    int64_t wake_us;          /* WAITING, GATED: when */
    int64_t heard_us;         /* last byte, or the start of the attempt */

    struct client_played played; /* instead of all that is libcurl's */
    size_t played_at;            /* of its pieces */

    CURL *easy; /* RUNNING */
    struct curl_slist *lines, *connect_to;
    char curl_error[CURL_ERROR_SIZE];
    int64_t retry_in_us;
    size_t discarded;
    struct client_answer *answer;

    struct list by_token; /* guarded by token->lock */
    struct list by_gate;  /* guarded by gate->lock, as are: */
    uint64_t turn;
    enum transfer_place place;
    struct list inbox; /* guarded by client->lock, as is: */
    unsigned wishes;

    /* ---- shared with whoever waits; guarded by lock ---- */
    bool done, head_ready, paused;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct client_answer *head; /* of a stream, once head_ready: the reader's */
    struct client_answer *tail; /* made beforehand; becomes `answer` when the head is handed over */
    struct buf filled;          /* of a stream: what the reader has not taken yet */
};

/* ---- request.c ---- */

/* A transfer with a copy of the request (the body only if copy_body). NULL when memory is out. What is wrong with the
 * request is noted in its answer: submit it all the same. One reference is the caller's. */
struct transfer *transfer_create(struct client *c, const struct client_request *r, bool is_stream,
                                 bool copy_body);
void transfer_hold(struct transfer *t);
void transfer_drop(struct transfer *t);

/* ---- loop.c ---- */

/* The thread, its event base and the multi handle. 0 or -1; client_loop_stop is to be called in both cases. */
int client_loop_start(struct client *c);

/* Cancels all transfers and joins the thread. */
void client_loop_stop(struct client *c);

/* ---- client.c ---- */

void client_hold(struct client *c);
void client_drop(struct client *c);

/* Under c->lock. */
void client_put(struct transfer *t, enum transfer_wish wish);

/* Hands it to the client's thread; -1 when the client is being destroyed (then it is failed, and not handed over). */
int client_submit(struct transfer *t);
void client_post(struct transfer *t, enum transfer_wish wish);
void client_leave_token(struct transfer *t);

/* ---- transfer.c, all on the client's thread ---- */

void transfer_handle(struct transfer *t, unsigned wishes);

/* Notes the error and its sentence ("GET http://host/path: ..."); the first one counts. Leaves the state alone. [also
 * before submit] */
void transfer_fail(struct transfer *t, enum client_error error, const char *format, ...) DW_PRINTF(3, 4);
void transfer_finish(struct transfer *t);

/* libcurl is done with the current attempt. */
void transfer_attempt_over(struct transfer *t, CURLcode code);

/* Called at the end of the head: sets t->next. False: the answer is not wanted, cut it. */
bool transfer_judge_head(struct transfer *t);
bool transfer_may_retry(const struct transfer *t);

/* The next attempt after a while: full jitter, or what the peer asked for. -1 when there is no time or no try left. */
int64_t transfer_retry_span(const struct transfer *t);
void transfer_retry_later(struct transfer *t, int64_t span_us);

/* For the limit of its state that is next. */
void transfer_arm_timer(struct transfer *t);

/* ---- gate.c, the client's thread ---- */

/* Waits for its turn, and goes on then; if it has a place, it gives that back first. */
void gate_begin(struct transfer *t);

/* Perhaps it is its turn now, or will not come in time. */
void gate_look(struct transfer *t);

/* Gives its place back. */
void gate_leave(struct transfer *t);

/* A head is here: perhaps the peer wants no more requests for a while. Then t->had_enough, and how long is in the answer. */
void gate_answered(struct transfer *t);

bool gate_is_closed(const struct transfer *t);

/* ---- route.c, the client's thread ---- */

/* A new attempt, at a new URL perhaps: finds and judges the address, then queues it. */
void route_begin(struct transfer *t);

/* Perhaps t->question has been answered. */
void route_answered(struct transfer *t);

/* The time for looking up is over. */
void route_timeout(struct transfer *t);

/* No answer is waited for any more. */
void route_abandon(struct transfer *t);

/* ---- slots.c, the client's thread ---- */

/* Queues it for its host. -1: memory. */
int slot_join(struct transfer *t);

/* Starts queued transfers while there is room. */
void slot_start_queued(struct client *c);

/* Tries the address that is next, in the room it has. */
void slot_begin(struct transfer *t);

/* Out of the queue or the room; the next one of its host is let in. */
void slot_leave(struct transfer *t);

/* ---- attempt.c, the client's thread ---- */

/* Makes the easy handle for t->to[t->to_at] and gives it to libcurl. -1: memory. */
int attempt_begin(struct transfer *t);
void attempt_end(struct transfer *t);
bool attempt_is_paused(struct transfer *t);

/* A fresh attempt: what the last one brought is forgotten. */
void attempt_reset(struct transfer *t);

/* A line of the head without its end, "" after the last. False: stop. */
bool attempt_take_line(struct transfer *t, struct str line);

/* A piece of the body: 1, -1 stop, 0 the same piece again after WISH_RESUME. */
int attempt_take_body(struct transfer *t, struct str bytes);

/* What the code means for one that waits for an answer. */
enum client_error attempt_classify(const struct transfer *t, CURLcode code);

/* ---- played.c, the client's thread ---- */

/* An attempt whose peer is client_options.play. */
void played_begin(struct transfer *t);
void played_resume(struct transfer *t);

/* ---- answer.c ---- */

struct client_answer *answer_create(void);

/* One line of a head without its line end; "HTTP/..." begins a new one. -1: too large, or memory. */
int answer_add_line(struct client_answer *a, struct str line);

/* Forgets what an attempt brought, for the next one. */
void answer_reset(struct client_answer *a);

#endif
