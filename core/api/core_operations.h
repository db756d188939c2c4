/* core_operations.h - the server's own operations, as core/contract/api.yaml has them. They need permissions; as long as
 * nobody can tell who asks, each of them is answered with a 503, as those of plugins are. */
#ifndef API_CORE_OPERATIONS_H
#define API_CORE_OPERATIONS_H

#include "api/document.h"

/* 0, or -1 with a sentence in why. [any thread] */
int core_operations_read(struct api_document **out, struct buf *why);

/* Adds their routes, in which the document's texts stand: *out, which may be NULL after an error, is the caller's to destroy
 * after the router. 0, or -1 with a sentence in why. [before start] */
int core_operations_mount(struct api_document **out, struct router *r, struct buf *why);

#endif
