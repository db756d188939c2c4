/* guard.h - whom an outbound request may reach: the wall against server-side request forgery.
 *
 * A plugin fetches URLs that users type and peers send. Without a wall such a URL reaches what only this machine can
 * reach: the database on loopback, the router, the cloud's metadata service with its credentials. So every address is
 * judged after all notations are resolved, and the connection is pinned to the judged address. Pure functions.
 * [any thread] */
#ifndef CLIENT_GUARD_H
#define CLIENT_GUARD_H

#include "util/address.h"

enum guard_verdict {
    GUARD_ALLOWED,
    GUARD_INSIDE, /* loopback, private or reserved, and not on the list: an admin may allow it */
    GUARD_NEVER   /* link-local, or a cloud's metadata service: nobody may */
};

/* Two lists, because the server's and the request's both count. Borrowed. */
struct guard {
    const struct network *allow, *also;
    size_t allow_n, also_n;
    bool any_inner; /* everything inside is allowed, but what nobody may */
};

enum guard_verdict guard_check(const struct guard *g, const struct address *a);

/* The verdict on a name that resolved to all of these: the first that is not allowed decides and *which is its index.
 * One bad address condemns the name: an honest one does not mix inside and outside, and choosing the good ones would
 * hand the choice (order, repetition, timing) to whoever runs the name's DNS. */
enum guard_verdict guard_check_all(const struct guard *g, const struct address *list, size_t n,
                                   size_t *which);

/* What the name alone tells, for requests whose address a proxy will look up: localhost is loopback, the names of
 * metadata services are never allowed. `host` without brackets, in lower case. */
enum guard_verdict guard_check_name(const struct guard *g, struct str host);

/* "a loopback address", for the sentence that refuses it. */
const char *guard_describe(const struct address *a);

#endif
