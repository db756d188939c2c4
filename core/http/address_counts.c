#include "http/address_counts.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

/* Only opening and closing a connection comes here, so one lock for a part of the table is plenty. */
enum { PARTS = 16, BUCKETS = 256 };

struct entry {
    struct entry *next;
    struct address key;
    unsigned n;
};

struct part {
    pthread_mutex_t lock;
    struct entry *buckets[BUCKETS];
};

struct address_counts {
    uint64_t seed; /* a client must not be able to choose addresses that share a bucket */
    struct part parts[PARTS];
};

static struct address key_of(const struct address *a)
{
    struct address key = *a;
    if (key.size == 16)
        memset(key.bytes + 8, 0, 8);
    return key;
}

static uint64_t hash(const struct address_counts *counts, const struct address *key)
{
    uint64_t h = counts->seed;

    for (unsigned i = 0; i < key->size; i++) {
        h = (h ^ key->bytes[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return h ^ h >> 32;
}

int address_counts_create(struct address_counts **out)
{
    struct address_counts *counts = calloc(1, sizeof(*counts));

    if (!counts)
        return -1;
    if (getrandom(&counts->seed, sizeof(counts->seed), 0) != (ssize_t)sizeof(counts->seed)) {
        free(counts);
        return -1;
    }
    for (unsigned i = 0; i < PARTS; i++)
        pthread_mutex_init(&counts->parts[i].lock, NULL);
    *out = counts;
    return 0;
}

void address_counts_destroy(struct address_counts *counts)
{
    if (!counts)
        return;
    for (unsigned i = 0; i < PARTS; i++) {
        for (unsigned b = 0; b < BUCKETS; b++) {
            while (counts->parts[i].buckets[b]) {
                struct entry *next = counts->parts[i].buckets[b]->next;
                free(counts->parts[i].buckets[b]);
                counts->parts[i].buckets[b] = next;
            }
        }
        pthread_mutex_destroy(&counts->parts[i].lock);
    }
    free(counts);
}

static struct entry **find(struct part *part, uint64_t h, const struct address *key)
{
    struct entry **at = &part->buckets[h / PARTS % BUCKETS];

    while (*at && !address_equal(&(*at)->key, key))
        at = &(*at)->next;
    return at;
}

bool address_counts_add(struct address_counts *counts, const struct address *a, unsigned max)
{
    struct address key = key_of(a);
    uint64_t h = hash(counts, &key);
    struct part *part = &counts->parts[h % PARTS];
    bool added = false;

    pthread_mutex_lock(&part->lock);
    struct entry **at = find(part, h, &key);
    if (!*at) {
        *at = calloc(1, sizeof(**at));
        if (*at)
            (*at)->key = key;
    }
    if (*at && (*at)->n < max) {
        (*at)->n++;
        added = true;
    }
    pthread_mutex_unlock(&part->lock);
    return added;
}

void address_counts_remove(struct address_counts *counts, const struct address *a)
{
    struct address key = key_of(a);
    uint64_t h = hash(counts, &key);
    struct part *part = &counts->parts[h % PARTS];

    pthread_mutex_lock(&part->lock);
    struct entry **at = find(part, h, &key);
    struct entry *e = *at;
    if (e && --e->n == 0) {
        *at = e->next;
        free(e);
    }
    pthread_mutex_unlock(&part->lock);
}
