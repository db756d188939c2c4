/* published.h - GET /openapi.json: what api_publish() makes of all contracts, once they are known. */
#ifndef API_PUBLISHED_H
#define API_PUBLISHED_H

#include "api/publish.h"

struct published;

/* Adds its routes, which answer 503 until there is something: *out is the caller's to destroy after the router. 0, or -1
 * with a sentence in why. [before start] */
int published_mount(struct published **out, struct router *r, struct buf *why);

/* Once, before the server starts. With `compress` it is kept as gzip too, so that no loop compresses it for each who asks. 0, or
 * -1 when memory is out. */
int published_set(struct published *p, const struct api_source *sources, size_t n, bool compress);
void published_destroy(struct published *p); /* NULL is safe */

#endif
