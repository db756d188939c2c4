/* replies.h - what the operations of a contract say that they answer, for those who want replies checked: the harness always,
 * a server with check_replies. Nothing of it is made for anybody else.
 *
 * An operation without `responses` says nothing, and what it answers is right. Else the status must be there (200, 2XX or
 * default), its content of one of the media types, if the response names any, and JSON as its schema has it. The server's
 * own problems need not be declared. */
#ifndef API_REPLIES_H
#define API_REPLIES_H

#include "api/document.h"
#include "http/problem.h"

struct api_replies;

/* Compiles the schemas of all responses. The document is borrowed. 0, or -1 with a sentence in why. [main thread] */
int api_replies_create(struct api_replies **out, const struct api_document *d, struct buf *why);
void api_replies_destroy(struct api_replies *r); /* NULL is safe */

struct api_reply {
    int status;
    struct str type; /* Content-Type; p is NULL: none */
    struct str body;
};

/* Why a reply is not what the contract says. Texts lie in the caller's arena. */
struct api_reply_faults {
    const char *detail;
    struct problem_error *errors; /* of a JSON body: "#/items/0/id" */
    size_t errors_n;
};

/* 0: it is right. 1: it is not, and why is in out. -1: memory is out. [any thread] */
int api_reply_check(const struct api_replies *r, const struct api_operation *op,
                    const struct api_reply *reply, struct arena *arena, struct api_reply_faults *out);

#endif
