/* core_operation.h - the frame of the server's own operations, and what their handlers are made of.
 *
 * To add one: describe it in core/contract/api.yaml (x-permission, what it takes, what it answers); write its handler; put
 * both into the table of its file, and a new file's table into core_operations.c.
 *
 *   static int get_webhook(struct core_request *r) { ... return core_reply(r, 200, &body); }
 *
 *   const struct core_operation core_webhook_operations[] = { { "getWebhook", get_webhook }, { 0 } };
 *
 * When a handler runs, on a worker, who asks is known and may, they have a tenant, and the input is as the contract says. It
 * returns 0 after a reply, or a code of enum dw_error, which is answered as those of plugins are. It may run several times:
 * when the database wants it repeated, all begins anew, and what was replied is forgotten.
 *
 * What changes something does so in one transaction, in which it notes it in the audit log and replies before it commits: so
 * the record is there if and only if the change is, and so is the answer for whoever sends the same Idempotency-Key again
 * (plugin/idempotency.h). An answer with a secret says Cache-Control: no-store, and is not kept.
 *
 * The tables of the core have no wall (db/wall.h), so each statement names r->tenant itself. What is another tenant's is
 * DW_ENOTFOUND as what is not there, without a word more. */
#ifndef OPERATIONS_CORE_OPERATION_H
#define OPERATIONS_CORE_OPERATION_H

#include <jansson.h>

#include "api/document.h"
#include "db/db.h"
#include "http/exchange.h"
#include "http/problem.h"
#include "plugin/identity.h"
#include "plugin/instance.h"
#include "plugin/request.h"

struct api_input;
struct api_replies;

struct core_request {
    struct http_exchange *x;
    const struct plugin_process *process; /* what the server has: db, keyring, client... */
    const struct api_operation *operation;
    const struct identity *who; /* NULL only where the contract says x-public: an anonymous one */
    const char *tenant;         /* the caller's; NULL only there, and where it says x-tenant: none */
    struct db_session *s;
    int64_t now_us; /* wall clock */

    /* The frame's own. */
    struct api_input *input;
    struct buf why;                     /* said to the client about the error that is returned */
    struct problem_error at;            /* where in the request; .pointer empty: nowhere */
    const struct problem_error *faults; /* where else, in the exchange's memory; NULL: nowhere */
    size_t faults_n;
    size_t mark; /* the fields of the reply up to it are the server's */
    enum request_answer answer;
    struct idempotency *claim; /* of an Idempotency-Key; NULL: none */
};

typedef int core_handler(struct core_request *r);

/* Tables end with { 0 }. */
struct core_operation {
    const char *id; /* operationId */
    core_handler *handler;
};

/* ---- the frame ---- */

/* What one route needs: the router's route->ud. */
struct core_route {
    const struct plugin_process *process;
    const struct api_operation *operation;
    core_handler *handler;
    const struct api_replies *replies; /* what is answered is held against them; NULL: it is not */
};

/* Handles a request to it. [a worker] */
void core_request_handle(struct http_exchange *x);

/* ---- what was sent: texts are terminated, and borrowed until the handler returns ---- */

const char *core_text(const struct core_request *r, const char *name); /* NULL: it was not given */
bool core_flag(const struct core_request *r, const char *name, bool *out);
bool core_number(const struct core_request *r, const char *name, int64_t *out);
json_t *core_json(const struct core_request *r, const char *name); /* NULL: it was not given */

/* A UUID, as databases write it. NULL: it was not given, or memory is out. */
const char *core_id(struct core_request *r, const char *name);

/* A time; *us stays as it is when there is none. 0, or an error as core_fail_at(). */
int core_time(struct core_request *r, const char *name, int64_t *us);

/* ---- what is done ---- */

/* Into the audit log, in the open transaction of the change: who asks has done that to `target` (NULL: to nothing with an
 * id). The command line says the same things by the same names: "core.webhook.removed". 0, or an error. */
int core_note(struct core_request *r, const char *action, const char *target, dw_list values);

/* ---- answering ---- */

/* Takes the JSON in body; without any, only the status goes out. 0, or DW_ENOMEM. */
int core_reply(struct core_request *r, int status, struct buf *body);

/* 201 with a secret, this one time: {"NAME":"value","secret":"..."}, not to be kept by anybody on the way. name and secret may be
 * NULL: one that was given is not told. */
int core_reply_secret(struct core_request *r, const char *name, const char *value, const char *secret);

/* Returns the code, with a sentence for the client, who can do something about it. */
int core_fail(struct core_request *r, int code, const char *format, ...) DW_PRINTF(3, 4);

/* Returns the code, with all that is wrong, each in the language of who asks; copied. A sentence about the whole may be said
 * before. */
int core_fail_all(struct core_request *r, int code, const struct problem_error *errors, size_t n);

/* DW_EINVALID: what stands at the pointer ("#/url", "#/query/since") is wrong. `wrong` is a constant. */
int core_fail_at(struct core_request *r, const char *pointer, const char *wrong);

#endif
