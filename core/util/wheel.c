#include "util/wheel.h"

void wheel_init(struct wheel *w, int64_t now_us)
{
    for (unsigned i = 0; i < WHEEL_SLOTS; i++)
        list_init(&w->slots[i]);
    w->tick = now_us / WHEEL_TICK_US;
    w->timers = 0;
}

void timer_init(struct timer *t)
{
    list_init(&t->link);
    t->due_us = t->placed_us = 0;
}

static void place(struct wheel *w, struct timer *t)
{
    /* Rounded up, and never into a slot that was already looked at. */
    int64_t tick = t->due_us / WHEEL_TICK_US + 1;
    if (tick < w->tick)
        tick = w->tick;
    t->placed_us = t->due_us;
    list_append(&w->slots[tick % WHEEL_SLOTS], &t->link);
}

void wheel_set(struct wheel *w, struct timer *t, int64_t due_us)
{
    if (list_empty(&t->link)) {
        t->due_us = due_us;
        w->timers++;
        place(w, t);
        return;
    }
    t->due_us = due_us;
    if (due_us < t->placed_us) {
        list_remove(&t->link);
        place(w, t);
    }
}

void wheel_cancel(struct wheel *w, struct timer *t)
{
    if (!list_empty(&t->link)) {
        list_remove(&t->link);
        w->timers--;
    }
    t->due_us = 0;
}

static void look_at_slot(struct wheel *w, struct list *slot, int64_t now_us,
                         void (*fire)(struct timer *t, void *ud), void *ud)
{
    struct list seen;

    /* The slot is moved aside: what fire sets anew must not be looked at in this round. */
    list_move(&seen, slot);
    while (!list_empty(&seen)) {
        struct timer *t = LIST_OWNER(seen.next, struct timer, link);
        list_remove(&t->link);
        if (t->due_us > now_us) {
            place(w, t);
            continue;
        }
        w->timers--;
        t->due_us = 0;
        fire(t, ud);
    }
}

void wheel_advance(struct wheel *w, int64_t now_us, void (*fire)(struct timer *t, void *ud), void *ud)
{
    int64_t last = now_us / WHEEL_TICK_US;

    /* After a long sleep one round sees every slot. */
    if (last - w->tick >= WHEEL_SLOTS)
        w->tick = last - WHEEL_SLOTS + 1;
    while (w->tick <= last) {
        struct list *slot = &w->slots[w->tick % WHEEL_SLOTS];
        w->tick++;
        look_at_slot(w, slot, now_us, fire, ud);
    }
}
