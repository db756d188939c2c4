/* connection_request.h - what the operations about connections have in common: who works on one, and how what was found is told. */
#ifndef OPERATIONS_CONNECTION_REQUEST_H
#define OPERATIONS_CONNECTION_REQUEST_H

#include "operations/connection_work.h"
#include "operations/core_operation.h"

/* The request as a piece of work; borrowed from it. */
struct connection_work connection_request_work(struct core_request *r);

/* What was given in the content, borrowed; `settings`, `name`... as in schema ConnectionIn. id NULL: a new one. */
struct connection_given connection_request_given(struct core_request *r, const char *id);

/* A change could not be prepared or tried, and why: what is wrong with what was given, or what the test found. */
int connection_request_refuse(struct core_request *r, int rc, const struct connection_change *change);

/* The other side, or a plugin, failed: as an error of this operation. */
int connection_request_failed(struct core_request *r, int rc, const struct connection_answer *answer);

/* Takes the JSON, which may be NULL: memory is out. */
int connection_request_reply(struct core_request *r, int status, json_t *json);

#endif
