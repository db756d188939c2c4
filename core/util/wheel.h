/* wheel.h - many timers that are nearly always moved before they fire: a hashed wheel.
 *
 * Setting a timer later than it already stands is one store; it is looked at where it stood and put where it belongs
 * then. So the deadline of a busy connection costs nothing. A timer fires up to one tick late, never early. Not
 * thread-safe. */
#ifndef UTIL_WHEEL_H
#define UTIL_WHEEL_H

#include <stdint.h>

#include "util/list.h"

enum { WHEEL_TICK_US = 100000, WHEEL_SLOTS = 1024 };

struct timer {
    struct list link;
    int64_t due_us;    /* monotonic; 0: not set */
    int64_t placed_us; /* the due time by which its slot was chosen */
};

struct wheel {
    struct list slots[WHEEL_SLOTS];
    int64_t tick; /* the next one to be looked at */
    unsigned timers;
};

void wheel_init(struct wheel *w, int64_t now_us);
void timer_init(struct timer *t);
void wheel_set(struct wheel *w, struct timer *t, int64_t due_us);
void wheel_cancel(struct wheel *w, struct timer *t);

/* Calls fire for each timer that is due, after taking it out; fire may set, cancel or free any timer. */
void wheel_advance(struct wheel *w, int64_t now_us, void (*fire)(struct timer *t, void *ud), void *ud);

#endif
