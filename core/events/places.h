/* places.h - how many deliveries are under way at a time: all, and to one webhook, so that a slow receiver does not take
 * all of them. [any thread] */
#ifndef EVENTS_PLACES_H
#define EVENTS_PLACES_H

#include <pthread.h>
#include <stdint.h>

#include "secure/uuid.h"

enum { PLACES = 16, PLACES_EACH = 4, PLACES_NONE = PLACES };

struct places {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    struct place {
        char webhook[UUID_TEXT_SIZE]; /* "": it is free */
        int64_t since_us;             /* monotonic */
    } v[PLACES];                      /* guarded by lock */
};

void places_init(struct places *p);
void places_finish(struct places *p);

/* Of a receiver that answers fast one is free in a moment, and that is waited for. PLACES_NONE: it is slow, and has as many
 * as it may; *longest_us is for how long it has had the oldest. */
size_t places_take(struct places *p, const char *webhook, int64_t *longest_us);
void places_give(struct places *p, size_t place);

#endif
