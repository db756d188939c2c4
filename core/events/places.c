#include "events/places.h"

#include "util/clock.h"

/* A receiver that takes longer is slow; how often to look again; how long to wait in all. */
static const int64_t slow_us = 100 * CLOCK_MS, look_us = 20 * CLOCK_MS, patience_us = CLOCK_SECOND;

void places_init(struct places *p)
{
    pthread_condattr_t monotonic;

    memset(p, 0, sizeof(*p));
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->freed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void places_finish(struct places *p)
{
    pthread_cond_destroy(&p->freed);
    pthread_mutex_destroy(&p->lock);
}

/* One that it may take, or PLACES_NONE; for how long the longest of its own is taken. */
static size_t look(const struct places *p, const char *webhook, int64_t *longest_us)
{
    int64_t now_us = clock_monotonic_us();
    size_t found = PLACES_NONE, own = 0;

    *longest_us = 0;
    for (size_t i = 0; i < PLACES; i++) {
        const struct place *one = &p->v[i];
        if (!one->webhook[0])
            found = i;
        if (strcmp(one->webhook, webhook) != 0)
            continue;
        own++;
        if (now_us - one->since_us > *longest_us)
            *longest_us = now_us - one->since_us;
    }
    return own < PLACES_EACH ? found : PLACES_NONE;
}

static void wait_until(struct places *p, int64_t until_us)
{
    const struct timespec until = {
        .tv_sec = until_us / CLOCK_SECOND,
        .tv_nsec = until_us % CLOCK_SECOND * 1000,
    };

    pthread_cond_timedwait(&p->freed, &p->lock, &until);
}

size_t places_take(struct places *p, const char *webhook, int64_t *longest_us)
{
    int64_t started_us = clock_monotonic_us(), now_us = started_us;
    size_t place;

    pthread_mutex_lock(&p->lock);
    while ((place = look(p, webhook, longest_us)) == PLACES_NONE && *longest_us < slow_us &&
           now_us - started_us < patience_us) {
        wait_until(p, now_us + look_us);
        now_us = clock_monotonic_us();
    }
    if (place != PLACES_NONE) {
        memcpy(p->v[place].webhook, webhook, UUID_TEXT_SIZE);
        p->v[place].since_us = now_us;
    }
    pthread_mutex_unlock(&p->lock);
    return place;
}

void places_give(struct places *p, size_t place)
{
    pthread_mutex_lock(&p->lock);
    p->v[place].webhook[0] = 0;
    pthread_cond_broadcast(&p->freed);
    pthread_mutex_unlock(&p->lock);
}
