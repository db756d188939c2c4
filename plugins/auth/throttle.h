/* throttle.h - what wrong passwords cost: the more of them, the longer the next try has to wait, twice as long each time.
 *
 * Counting by account alone would let anybody lock anybody out. So who tries is told apart first:
 *
 *   - from a device that has signed in to this account before (it shows the text that throttle_good() gave it), or from an
 *     address that has: counted by themselves. What strangers do does not concern them, and they do not help strangers;
 *   - everybody else shares one counter of the account, and has one of his address for whatever accounts he tries.
 *
 * Accounts that do not exist are counted alike, so nothing is learned from that either. Counters stand in the database, so
 * that all servers count together; they are forgotten after a while, and hold hashes, not addresses.
 *
 * A try is counted before it is made, and given back when it was good: so a hundred at once are a hundred. */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include "account.h"

enum { THROTTLE_COUNTERS = 2 };

struct throttle {
    const char *counters[THROTTLE_COUNTERS]; /* the account's first; NULL: none */
    int64_t tries[THROTTLE_COUNTERS];
    const char *address_place, *device_place; /* NULL: tells nothing */
};

/* May this address be tried now? Counts the try. device: what the client shows of an earlier time, or NULL. 0; or DW_ERATE
 * with retry_after, and then nothing may be said about the password. Makes a transaction of its own. */
int throttle_enter(dw_call *c, dw_request *req, const char *email, const char *device, struct throttle *out);

/* The password was right: it is given back, and the place remembered. *device is what the client should show next time; a new
 * one where it showed none that is known, else NULL; `device` itself is NULL for who would not show it. In the open transaction, or without one. */
int throttle_good(dw_call *c, const struct throttle *t, const char *user, const char **device);

/* A job: counters whose time is over, and places that nobody comes from any more. */
int throttle_sweep(dw_call *c, dw_job *job);

#endif
