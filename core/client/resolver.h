/* resolver.h - names to addresses, off the loop: getaddrinfo() blocks for as long as the slowest name server likes.
 *
 * Lookups of one name share one call, so a name whose servers are silent holds one thread and not all. Answers are
 * remembered for a short while, also because connections are reused by address: a name that rotates its addresses would
 * otherwise get a new connection each time. */
#ifndef CLIENT_RESOLVER_H
#define CLIENT_RESOLVER_H

#include "client/client.h"
#include "util/list.h"

struct resolver;

enum { LOOKUP_ADDRESSES = 16 };

/* Embedded in what waits for it. */
struct lookup {
    struct list node;
    struct address addresses[LOOKUP_ADDRESSES];
    size_t n;
    int error; /* of getaddrinfo(); 0 */
    void (*done)(struct lookup *l);
};

struct resolver_options {
    unsigned threads;
    int64_t ttl_us; /* negative: nothing is remembered */
    client_resolve_fn *resolve;
    void *ud;
};

int resolver_create(struct resolver **out, const struct resolver_options *options);

/* 1: the answer is in *l already. 0: l->done(l) will be called once, on another thread; l must live until then. -1:
 * memory is out, or no thread could be started. [any thread] */
int resolver_start(struct resolver *r, const char *host, struct lookup *l);

/* The next lookup of that name asks again: its addresses turned out dead. [any thread] */
void resolver_forget(struct resolver *r, const char *host);

/* Calls that nobody started yet are answered with EAI_AGAIN. Waits up to half a second for those that are running; a
 * silent name server must not hold up the end of the process, so their threads may outlive the call: they touch
 * nothing but their own memory and the lookups they answer. NULL is safe. */
void resolver_destroy(struct resolver *r);

/* getaddrinfo(), with localhost and *.localhost answered here (RFC 6761). */
int resolver_system(const char *host, struct address *out, size_t max, size_t *n, void *ud);

#endif
