#include "strategy.h"

#include <string.h>

#include "self.h"

#define KNOWN_FOR DW_HOURS(1)

void strategies_init(struct strategies *s)
{
    pthread_mutex_init(&s->lock, NULL);
}

void strategies_finish(struct strategies *s)
{
    pthread_mutex_destroy(&s->lock);
}

/* FNV-1a, each text with its end. */
static uint64_t hash(uint64_t h, const char *text)
{
    size_t n = text ? strlen(text) + 1 : 1;

    for (size_t i = 0; i < n; i++)
        h = (h ^ (text ? (unsigned char)text[i] : 0)) * UINT64_C(1099511628211);
    return h;
}

/* Another address, or other credentials, are another connection. */
static uint64_t key_of(struct desk *d)
{
    uint64_t h = hash(UINT64_C(14695981039346656037), dw_connection_id(d->conn));

    h = hash(h, d->set->base_url);
    h = hash(h, d->set->token.hidden);
    h = hash(h, d->set->bearer.hidden);
    h = hash(h, d->set->user);
    h = hash(h, d->set->on_behalf);
    return h ? h : 1;
}

static struct strategy *find(struct strategies *s, uint64_t key)
{
    for (size_t i = 0; i < STRATEGIES_MAX; i++)
        if (s->list[i].key == key)
            return &s->list[i];
    return NULL;
}

struct strategy strategy_of(struct desk *d)
{
    struct strategies *s = &self_of(d->c)->strategies;
    struct strategy known = { .key = key_of(d) };
    const struct strategy *found;

    pthread_mutex_lock(&s->lock);
    found = find(s, known.key);
    if (found && found->until.us > dw_now(d->c).us)
        known = *found;
    pthread_mutex_unlock(&s->lock);
    return known;
}

/* What does not work is tried again after an hour, however often is asked until then; what does is known from each time to the next. */
static bool lacks(const struct strategy *known)
{
    return known->global == WAY_NO || known->conditions == WAY_NO;
}

void strategy_learn(struct desk *d, const struct strategy *known)
{
    struct strategies *s = &self_of(d->c)->strategies;
    struct strategy *place;

    pthread_mutex_lock(&s->lock);
    place = find(s, known->key);
    if (!place && !(place = find(s, 0))) {
        place = &s->list[s->next];
        s->next = (s->next + 1) % STRATEGIES_MAX;
    }
    *place = *known;
    if (known->until.us == 0 || !lacks(known))
        place->until.us = dw_now(d->c).us + KNOWN_FOR.us;
    pthread_mutex_unlock(&s->lock);
}
