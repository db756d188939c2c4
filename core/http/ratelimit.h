/* ratelimit.h - token buckets, many of them, in a fixed piece of memory.
 *
 * A bucket is one instant: when it will be full again (the "generic cell rate algorithm"). A full bucket needs no
 * entry, so the table holds only those who asked lately. It is a hash of small sets with a lock for each part; when a
 * set has no room, the entry that is nearest to full makes it. Somebody with very many addresses can so be forgiven a
 * few requests, but neither fill the memory nor slow the lookup. */
#ifndef HTTP_RATELIMIT_H
#define HTTP_RATELIMIT_H

#include "util/address.h"

struct ratelimit;

/* What is limited. A user and a route of the same bytes are two buckets. */
enum rate_kind { RATE_ADDRESS, RATE_USER, RATE_TENANT, RATE_ROUTE };

/* `limit` requests in each `window_us` on average, and at most `burst` at once. */
struct rate_rule {
    uint32_t limit;
    int64_t window_us;
    uint32_t burst;
};

struct rate_result {
    bool allowed;
    uint32_t limit;         /* the burst: what a rested client may send at once */
    uint32_t remaining;     /* what it may still send now */
    uint32_t reset_s;       /* until it is rested again */
    uint32_t retry_after_s; /* until the next one is allowed; 0 when this one was */
};

/* Room for about `entries` buckets (0: 65,536), 16 bytes each, taken from the system as they are used. -1 when memory
 * is out. */
int ratelimit_create(struct ratelimit **out, size_t entries);
void ratelimit_destroy(struct ratelimit *r);

/* Takes one token from the bucket of (kind, key). A refused request takes nothing. `now_us` is monotonic and above 0.
 * [any thread] */
void ratelimit_take(struct ratelimit *r, enum rate_kind kind, struct str key, const struct rate_rule *rule,
                    int64_t now_us, struct rate_result *out);

/* The key of an address, a part of it: all of an IPv4 address, the /64 of an IPv6 one, because that is what one
 * customer has. Empty for a Unix socket, which is not to be limited by address. */
struct str ratelimit_address_key(const struct address *a);

/* The field values of an answer, terminated. */
struct rate_fields {
    char limit[12], remaining[12], reset[12]; /* RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset */
    char policy[48];                          /* RateLimit-Policy: 100;w=60 */
    char retry_after[12];                     /* Retry-After; "" when allowed */
};
void rate_fields_write(const struct rate_rule *rule, const struct rate_result *result,
                       struct rate_fields *out);

#endif
