/* slots.c - a run has twice as many workers as requests may be under way: one writes down what came of its request while the
 * other one's is being answered. This is what keeps the requests to their number. */
#include "slots.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common.h"

/* Who waits looks so often whether the call is cancelled. */
enum { LOOK_NS = 100 * 1000 * 1000 };

/* In the order of coming, or who gives a place would have the next one as well before those who wait are awake. */
struct waiter {
    struct waiter *next;
};

struct slots {
    struct slots *next;
    struct waiter *first;
    int64_t busy;
    unsigned users; /* those who wait as well */
    char sync[37];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t given;
static struct slots *all;

static void start(void)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&given, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* ---- under the lock ---- */

static struct slots **find(const char *sync)
{
    struct slots **at = &all;

    while (*at && strcmp((*at)->sync, sync) != 0)
        at = &(*at)->next;
    return at;
}

static struct slots *hold(const char *sync)
{
    struct slots **at = find(sync);

    if (!*at) {
        *at = calloc(1, sizeof(**at));
        if (!*at)
            return NULL;
        memcpy((*at)->sync, sync,
               strlen(sync) < sizeof((*at)->sync) ? strlen(sync) : sizeof((*at)->sync) - 1);
    }
    (*at)->users++;
    return *at;
}

static void drop(struct slots *s)
{
    struct slots **at = find(s->sync);

    if (--s->users > 0)
        return;
    *at = s->next;
    free(s);
}

static void come(struct slots *s, struct waiter *w)
{
    struct waiter **at = &s->first;

    while (*at)
        at = &(*at)->next;
    *at = w;
}

static void leave(struct slots *s, const struct waiter *w)
{
    struct waiter **at = &s->first;

    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
}

static void wait_a_little(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&given, &lock, &until);
}

/* Whoever is the next one now is told: there may be room for it as well. */
static int wait_for(dw_call *c, struct slots *s, int64_t most)
{
    struct waiter me = { NULL };
    int rc = 0;

    come(s, &me);
    while (rc == 0 && (s->first != &me || s->busy >= most)) {
        wait_a_little();
        rc = dw_cancelled(c);
    }
    leave(s, &me);
    if (s->first)
        pthread_cond_broadcast(&given);
    return rc;
}

/* ---- ---- */

static int64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int slot_take(dw_call *c, const struct work *w, dw_span *waited)
{
    const int64_t since = monotonic_us();
    struct slots *s;
    int rc = DW_ENOMEM;

    pthread_once(&once, start);
    pthread_mutex_lock(&lock);
    s = hold(w->sync.id);
    if (s)
        rc = wait_for(c, s, w->sync.rules.parallel);
    if (s && rc == 0)
        s->busy++;
    else if (s)
        drop(s);
    pthread_mutex_unlock(&lock);
    waited->us = monotonic_us() - since;
    return s ? rc : dw_fail(c, DW_ENOMEM, "there is no memory to work with");
}

void slot_give(const struct work *w)
{
    pthread_mutex_lock(&lock);
    struct slots *s = *find(w->sync.id);

    if (s) {
        s->busy--;
        drop(s);
    }
    pthread_cond_broadcast(&given);
    pthread_mutex_unlock(&lock);
}
