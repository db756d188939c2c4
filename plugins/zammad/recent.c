/* recent.c - a table in which who comes later takes the place of who was there. */
#include "recent.h"

#include <stdlib.h>

#include "fact.h"

#define KEPT_FOR DW_MINUTES(1)

void recent_init(struct recent *r)
{
    pthread_mutex_init(&r->lock, NULL);
}

void recent_finish(struct recent *r)
{
    for (size_t i = 0; i < RECENT_SLOTS; i++)
        free(r->slots[i].person);
    pthread_mutex_destroy(&r->lock);
}

static struct recent_slot *slot_of(struct recent *r, uint64_t key, int64_t id)
{
    return &r->slots[((key >> 32) ^ key ^ (uint64_t)id) % RECENT_SLOTS];
}

struct person *recent_person(struct recent *r, uint64_t key, int64_t id, dw_time now)
{
    const struct recent_slot *slot = slot_of(r, key, id);
    struct person *copy = NULL;

    pthread_mutex_lock(&r->lock);
    if (slot->person && slot->key == key && slot->person->id == id && slot->until.us > now.us)
        copy = fact_person_copy(slot->person);
    pthread_mutex_unlock(&r->lock);
    return copy;
}

void recent_keep(struct recent *r, uint64_t key, const struct person *p, dw_time now)
{
    struct recent_slot *slot = slot_of(r, key, p->id);
    struct person *copy = p->known ? fact_person_copy(p) : NULL;

    pthread_mutex_lock(&r->lock);
    free(slot->person);
    *slot = (struct recent_slot){ key, { now.us + KEPT_FOR.us }, copy };
    pthread_mutex_unlock(&r->lock);
}
