/* forwarded.h - who asks, seen through proxies that we trust.
 *
 * Every proxy appends the address it was called from, so only the right end of the list is certain: it was written by
 * our own peer. The walk goes from there to the left, one hop for each trusted address, and ends at the first one that
 * is not trusted (that is the client), at the list's end, or at something malformed: then the last trusted hop is all
 * that is known. What stands further left is what the client claims, and is not read. */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "util/address.h"

/* Field lines in the order they came; those of one name make one list. */
struct forwarded_lines {
    const struct str *line;
    size_t n;
};

struct forwarded_request {
    struct address peer; /* of the connection; size 0 for a Unix socket */

    /* A network whose base has size 0 stands for the peers of Unix sockets. */
    const struct network *trusted;
    size_t trusted_n;

    /* Forwarded (RFC 7239) wins: when it is there, no X-Forwarded-* is looked at. A trusted proxy must therefore set or
     * remove it; one that only knows X-Forwarded-For would pass a client's own Forwarded on. */
    struct forwarded_lines forwarded, x_for, x_proto, x_host;
};

struct forwarded {
    struct address client; /* for logs, limits, and permissions unless... */
    bool
        known; /* ...this is false: the fields say that somebody else is behind it, whom we cannot or may not see.
                    * Then being a loopback or an allowed address is no permission. */
    bool proxied; /* the peer is trusted and said something: proto and host below may be set */
    bool has_proto;
    bool is_https;   /* how the client reached the outermost trusted proxy */
    struct str host; /* which host it asked there; borrowed from the lines, p is NULL when nobody said */
};

bool forwarded_is_trusted(const struct address *a, const struct network *trusted, size_t n);

/* Pure; no allocation, linear in the length of the lines. [any thread] */
void forwarded_resolve(const struct forwarded_request *r, struct forwarded *out);

#endif
