/* versions.h - an address without a version: /api/x is the newest /api/vN/x that there is.
 *
 * It is looked for only where no route has the path itself, so nothing is ever hidden by it. A version that has the path for
 * other methods only is the newest all the same: an older one's POST beside a newer one's GET would be two things under one
 * address. What names a version (/api/v9/x) is never looked for elsewhere. */
#ifndef HTTP_VERSIONS_H
#define HTTP_VERSIONS_H

#include "http/router.h"
#include "util/arena.h"

/* 1 with *out as router_find() fills it, its values being pieces of *whole, which lies in the arena: "/api/v2/x"; 0: there is
 * none, and *out is as it was; -1: memory is out. [any thread] */
int versions_find(const struct router *r, struct arena *arena, enum http_method method, struct str path,
                  struct router_match *out, struct str *whole);

/* The number of a path's version, "/api/v2/x" or "/api/v2": 0: it has none. */
unsigned versions_of(struct str path);

#endif
