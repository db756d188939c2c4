/* idempotency.h - Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): what is sent again is done once, and
 * answered as it was.
 *
 * The first request with a key puts a row into the database, with a hash of what it asks, and runs. Each transaction that it
 * commits says in that row that it has, and brings the answer along where one is staged: so effect and answer are there
 * together or not at all. A row that somebody else has taken meanwhile fails the commit. What was staged later, or without
 * any transaction, is written when the handler has returned and before the client is answered.
 *
 *   none --claim--> RUNNING --commit--> COMMITTED --answer--> DONE
 *                      |  `------commit with the answer, or answer----^
 *                      `--5xx, 429, 401, lease over, server dead--> none
 *
 * COMMITTED stays so when the answer is none that is kept (a stream, a cookie, no-store, too large; a server that died
 * before it had it): who asks again is told that it was done, and how it was answered is lost.
 *
 * Nothing of this happens to a request without the field. [the request's thread] */
#ifndef PLUGIN_IDEMPOTENCY_H
#define PLUGIN_IDEMPOTENCY_H

#include "db/db.h"
#include "plugin/request.h"

struct idempotency;

/* The request that may have a key. Borrowed; the claim keeps the exchange, the process, `what` and `answer`. */
struct idempotency_request {
    struct http_exchange *x;
    const struct plugin_process *process;
    const struct api_operation *operation; /* NULL: takes no key */
    const char *owner;                     /* whose operation: "notes", "core" */
    const char *what;                      /* for the log: "operation createNote" */
    const char *tenant, *principal;        /* NULL: none */
    size_t mark;                           /* the fields of the reply up to it are the server's */
    const enum request_answer *answer;     /* what became of the answer, as of now */
    struct str (*body)(void *ud);          /* the content, in one piece */
    void *ud;
};

enum { IDEMPOTENCY_KEY_MAX = 255, IDEMPOTENCY_BODY_MAX = 256 << 10 };
#define IDEMPOTENCY_KEEP_US (24 * 3600 * INT64_C(1000000))

/* After the input was checked. 0: the handler is to run; *out is its claim, in the exchange's memory, or NULL without a key.
 * -1: it was answered. */
int idempotency_begin(struct idempotency **out, const struct idempotency_request *asks);

/* db_who.before_commit, for a claim. */
int idempotency_before_commit(struct db_session *s, void *claim);

/* A commit failed: what it would have brought along is not there. NULL is safe. */
void idempotency_not_committed(struct idempotency *claim);

/* The handler is over, and its answer staged, a stream, or a token's to make. Opens a session: two connections for one request
 * would be one too many, where all wait for a second, so its own is closed before. NULL is safe. */
void idempotency_end(struct idempotency *claim);

/* So that they are there, and 0, before the first request. */
void idempotency_make_metrics(void);

/* That server is dead: what it ran may run again. In the open transaction. 0, or an error. [any thread] */
int idempotency_server_died(struct db_session *s, const char *server);

/* Removes what is older than a day. How many, or an error of enum dw_error. [any thread] */
int64_t idempotency_retain(struct db *db, int64_t now_us);

#endif
