/* workers.h - a pool of threads with a bounded queue.
 *
 * Wake-ups are coalesced: putting a batch signals one sleeping thread, which signals the next while work is left, so a
 * busy pool is put to without a system call. A task that waited past its deadline is not run but handed to expired. */
#ifndef UTIL_WORKERS_H
#define UTIL_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

struct workers;

/* Embedded in what is to be done; belongs to the pool from put until run or expired is called. */
struct work {
    struct work *next;
    int64_t deadline_us; /* monotonic; 0: none */
    int64_t queued_us;   /* filled by put */
};

struct workers_options {
    const char *name; /* of the threads and in metrics: "requests", "jobs" */
    unsigned threads;
    unsigned queue; /* tasks that may wait */
    void (*run)(struct work *w, void *ud);
    void (*expired)(struct work *w, void *ud);
    void *ud;
};

/* 0, or -1 with errno. The threads take no signals but those of their own faults. */
int workers_create(struct workers **out, const struct workers_options *options);

/* Puts the tasks linked from `first`, in order, until the queue is full; returns the first that was not taken, or
 * NULL. After stop began nothing is taken. [any thread] */
struct work *workers_put(struct workers *w, struct work *first);

/* One task of somebody who was admitted before and goes on: taken also when the queue is full, as turning it away would
 * lose what was done already. False after stop began: it is still the caller's then. [any thread] */
bool workers_put_again(struct workers *w, struct work *task);

/* Lets running tasks end, joins the threads, hands what still waits to expired on the calling thread. The pool stays, and
 * takes nothing any more: for those who may still be on their way to put. [one thread, once] */
void workers_stop(struct workers *w);

/* Stops it unless that was done, and frees. No other thread but the pool's own may be inside put. NULL is safe. */
void workers_destroy(struct workers *w);

unsigned workers_queued(const struct workers *w); /* [any thread] */
unsigned workers_busy(const struct workers *w);   /* [any thread] */

#endif
