/* strategy.h - what was learnt about a connection, remembered in this process: which way of reading works there. [call]
 *
 * Whether the list of all bookings can be had is known only by asking, and a token that may not, or a version that has none,
 * need not be asked at each poll; nor what states of tickets are called. That something does not work is forgotten after an hour, so that
 * a permission that was given is noticed; what works, an hour after it was of use. */
#ifndef ZAMMAD_STRATEGY_H
#define ZAMMAD_STRATEGY_H

#include <pthread.h>

#include "desk.h"

enum { STRATEGIES_MAX = 256, STRATEGY_STATES_MAX = 4 };

enum way { WAY_UNKNOWN = 0, WAY_NO, WAY_YES };

struct strategy {
    uint64_t key;        /* of the connection as it is set; 0: free */
    dw_time until;       /* 0: it has just been learnt */
    enum way global;     /* one list of all bookings */
    enum way conditions; /* tickets searched by a condition */
    dw_span behind;      /* of desk.h */
    bool knows_states;
    int64_t merged_states[STRATEGY_STATES_MAX]; /* of tickets; 0: none */
    unsigned rows; /* so many of a kind came on one page: a shorter one is the last */
};

struct strategies {
    pthread_mutex_t lock;
    struct strategy list[STRATEGIES_MAX];
    size_t next; /* the place that is taken when all are */
};

void strategies_init(struct strategies *s);
void strategies_finish(struct strategies *s);

/* What is known; all unknown where nothing is. */
struct strategy strategy_of(struct desk *d);

/* Puts it into memory. */
void strategy_learn(struct desk *d, const struct strategy *known);

#endif
