/* pages.h - the contract for people: Swagger UI at /docs, ReDoc at /redoc, both also below /api.
 *
 * Their files are made of what npm brings (console/docs-pages) and lie in PREFIX/share/dowel/docs. They ask nobody but this
 * server, and its Content-Security-Policy holds them to that. Where they are not, the same addresses say what to do. */
#ifndef API_PAGES_H
#define API_PAGES_H

#include "http/router.h"
#include "util/buf.h"

struct pages;

/* Adds the routes; dir NULL: share/dowel/docs of the program's prefix. *out, which may be NULL after an error, is the
 * caller's to destroy after the router. 0, or -1 with a sentence in why. [before start] */
int pages_mount(struct pages **out, struct router *r, const char *dir, struct buf *why);
void pages_destroy(struct pages *p); /* NULL is safe */

#endif
