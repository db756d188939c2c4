/* slots.c - room: so many transfers in all, so many to one host. Who waits, waits in the order of coming, but a host
 * whose room is full holds up nobody else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/transfer.h"
#include "util/clock.h"

static struct slot *find_slot(struct client *c, const struct url *url)
{
    char key[300];
    uint32_t hash = 2166136261u; /* FNV-1a */
    int n = snprintf(key, sizeof(key), "%s:%u", url->host, url->port);

    for (int i = 0; i < n; i++)
        hash = (hash ^ (uint8_t)key[i]) * 16777619u;
    struct slot **bucket = &c->slots[hash % SLOT_BUCKETS];
    for (struct slot *s = *bucket; s; s = s->next) {
        if (strcmp(s->key, key) == 0)
            return s;
    }
    struct slot *s = malloc(sizeof(*s) + (size_t)n + 1);
    if (!s)
        return NULL;
    memcpy(s->key, key, (size_t)n + 1);
    s->open = s->users = 0;
    list_init(&s->waiting);
    s->bucket = bucket;
    s->next = *bucket;
    *bucket = s;
    return s;
}

static void free_slot(struct slot *slot)
{
    struct slot **at = slot->bucket;

    while (*at != slot)
        at = &(*at)->next;
    *at = slot->next;
    free(slot);
}

/* It may start as soon as there is room in all. */
static void admit(struct transfer *t)
{
    t->slot->open++;
    t->admitted = true;
    list_append(&t->client->queued, &t->queued);
}

int slot_join(struct transfer *t)
{
    t->slot = find_slot(t->client, &t->url);
    if (!t->slot)
        return -1;
    t->slot->users++;
    if (t->slot->open < t->client->options.transfers_per_host)
        admit(t);
    else
        list_append(&t->slot->waiting, &t->queued);
    return 0;
}

void slot_leave(struct transfer *t)
{
    struct slot *slot = t->slot;

    if (!slot)
        return;
    list_remove(&t->queued);
    if (t->running)
        t->client->running--;
    if (t->admitted) {
        slot->open--;
        if (!list_empty(&slot->waiting)) {
            struct transfer *next = LIST_OWNER(slot->waiting.next, struct transfer, queued);
            list_remove(&next->queued);
            admit(next);
        }
    }
    t->running = t->admitted = false;
    t->slot = NULL;
    if (--slot->users == 0)
        free_slot(slot);
}

void slot_begin(struct transfer *t)
{
    t->state = TRANSFER_RUNNING;
    if (attempt_begin(t) != 0) {
        transfer_fail(t, CLIENT_MEMORY, "memory is out");
        transfer_finish(t);
        return;
    }
    transfer_arm_timer(t);
}

void slot_start_queued(struct client *c)
{
    while (c->running < c->options.transfers && !list_empty(&c->queued)) {
        struct transfer *t = LIST_OWNER(c->queued.next, struct transfer, queued);
        list_remove(&t->queued);
        t->running = true;
        c->running++;
        t->connect_until_us = clock_monotonic_us() + t->connect_timeout_us; /* queueing does not count */
        slot_begin(t);
    }
}
