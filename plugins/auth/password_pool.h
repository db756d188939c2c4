/* password_pool.h - a few threads that do nothing but hash passwords.
 *
 * Hashing is slow and large on purpose. Done where requests are handled, a hundred log-ins at once would take a hundred
 * times the memory and every worker. Here it is never more than `threads` at once, so the memory is bounded by threads *
 * (the cost's memory, or PASSWORD_FOREIGN_KIB for imported hashes), and at most `queue` callers wait. */
#ifndef AUTH_PASSWORD_POOL_H
#define AUTH_PASSWORD_POOL_H

#include "password.h"

struct password_pool_options {
    unsigned threads; /* 1 to 64 */
    unsigned queue;   /* how many may wait; 0: none */
};

/* How long a caller waits. Both end the wait, not the computing, which goes on without him and is forgotten. */
struct password_wait {
    int64_t timeout_ms;          /* from now; what is not positive is late at once */
    bool (*cancelled)(void *ud); /* NULL: never. Asked at once and every 50 ms, on the caller's thread */
    void *ud;
};

struct password_pool;

/* 0, or -1 when memory or threads are out, or the options are beyond their bounds. */
int password_pool_create(struct password_pool **out, const struct password_pool_options *options);

/* As those of password.h, or PASSWORD_BUSY, _LATE, _CANCELLED, _STOPPED. They block their caller. [any thread, until
 * password_pool_destroy() is called] */
enum password_result password_pool_hash(struct password_pool *pool, const struct password_wait *wait,
                                        const struct password_cost *cost, const void *password, size_t n,
                                        char out[PASSWORD_HASH_SIZE]);
enum password_result password_pool_verify(struct password_pool *pool, const struct password_wait *wait,
                                          const char *stored, const void *password, size_t n);
enum password_result password_pool_verify_nobody(struct password_pool *pool, const struct password_wait *wait,
                                                 const struct password_cost *cost, const void *password,
                                                 size_t n);

/* Nobody is let in any more, and who waits in the queue is told PASSWORD_STOPPED. Does not wait. [any thread] */
void password_pool_stop(struct password_pool *pool);

/* Stops, waits for what is being computed and for all callers to have left, and frees. NULL is safe. */
void password_pool_destroy(struct password_pool *pool);

#endif
