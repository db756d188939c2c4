/* recent.h - who people are, remembered in this process for a minute: of a burst of webhooks each asks for a ticket's bookings, and
 * those of a day are by the same few agents. Lists of all ask anew, and what they learn is remembered. [any thread] */
#ifndef ZAMMAD_RECENT_H
#define ZAMMAD_RECENT_H

#include <pthread.h>

#include "facts.h"

enum { RECENT_SLOTS = 1024 };

struct recent {
    pthread_mutex_t lock;
    struct recent_slot {
        uint64_t key; /* of the connection as it is set */
        dw_time until;
        struct person *person; /* NULL: free */
    } slots[RECENT_SLOTS];
};

void recent_init(struct recent *r);
void recent_finish(struct recent *r);

/* A copy of what was known a minute ago at most, free() it; NULL: nothing. */
struct person *recent_person(struct recent *r, uint64_t key, int64_t id, dw_time now);

/* Nothing is remembered where there is no memory. */
void recent_keep(struct recent *r, uint64_t key, const struct person *p, dw_time now);

#endif
