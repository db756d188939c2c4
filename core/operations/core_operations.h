/* core_operations.h - the server's own operations: core/contract/api.yaml, and the handler of each (core_operation.h). */
#ifndef OPERATIONS_CORE_OPERATIONS_H
#define OPERATIONS_CORE_OPERATIONS_H

#include "api/document.h"
#include "plugin/instance.h"

/* The contract alone. 0, or -1 with a sentence in why. [any thread] */
int core_operations_read(struct api_document **out, struct buf *why);

/* The same of another text: what the frame cannot hold (x-rate-limit) is an error. */
int core_operations_read_text(struct api_document **out, struct str text, struct buf *why);

struct core_operations;

/* Reads the contract and adds its routes; `process` is borrowed until it is destroyed, which is after the router. 0, or -1
 * with a sentence in why: an operation without a handler, a handler without an operation, a route that is there already.
 * [before start] */
int core_operations_mount(struct core_operations **out, const struct plugin_process *process,
                          struct router *r, struct buf *why);
const struct api_document *core_operations_contract(const struct core_operations *o);
void core_operations_destroy(struct core_operations *o); /* NULL is safe */

#endif
