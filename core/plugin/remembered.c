#include "plugin/remembered.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 16, BUCKETS_PER_SHARD = 256 };

struct entry {
    unsigned char key[REMEMBERED_KEY_SIZE];
    struct identity *identity;
    struct entry *next;          /* in its bucket */
    struct entry *older, *newer; /* in its shard, by when they came */
};

struct shard {
    pthread_mutex_t lock; /* guards what follows */
    struct entry *buckets[BUCKETS_PER_SHARD];
    struct entry *oldest, *newest;
    size_t n;
};

struct remembered {
    struct shard shards[SHARDS];
    size_t max_per_shard;
    _Atomic uint64_t forgotten; /* how often */
};

int remembered_create(struct remembered **out, size_t max)
{
    struct remembered *r = *out = calloc(1, sizeof(*r));

    if (!r)
        return -1;
    r->max_per_shard = max / SHARDS + 1;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&r->shards[i].lock, NULL);
    return 0;
}

/* ---- in a shard, under its lock ---- */

/* The key is a hash, and its bytes are as good as any other. */
static struct entry **bucket_of(struct shard *s, const unsigned char *key)
{
    return &s->buckets[key[1]];
}

static struct entry **place_of(struct shard *s, const unsigned char *key)
{
    struct entry **at = bucket_of(s, key);

    while (*at && memcmp((*at)->key, key, REMEMBERED_KEY_SIZE) != 0)
        at = &(*at)->next;
    return at;
}

/* What is not there stays so. */
static void remove_at(struct shard *s, struct entry **at)
{
    struct entry *e = *at;

    if (!e)
        return;
    *at = e->next;
    *(e->older ? &e->older->newer : &s->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &s->newest) = e->older;
    s->n--;
    identity_drop(e->identity);
    free(e);
}

static void remove_entry(struct shard *s, const struct entry *e)
{
    remove_at(s, place_of(s, e->key));
}

static void add(struct shard *s, struct entry *e)
{
    struct entry **at = bucket_of(s, e->key);

    e->next = *at;
    *at = e;
    e->older = s->newest;
    e->newer = NULL;
    *(s->newest ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
    s->n++;
}

/* ---- all of them ---- */

static struct shard *shard_of(struct remembered *r, const unsigned char *key)
{
    return &r->shards[key[0] % SHARDS];
}

struct identity *remembered_find(struct remembered *r, const unsigned char key[REMEMBERED_KEY_SIZE],
                                 int64_t now_us, uint64_t *since)
{
    struct shard *s = shard_of(r, key);
    struct identity *found = NULL;

    *since = atomic_load(&r->forgotten);
    pthread_mutex_lock(&s->lock);
    struct entry **at = place_of(s, key);
    if (*at && (*at)->identity->expires_us <= now_us)
        remove_at(s, at);
    else if (*at)
        found = identity_hold((*at)->identity);
    pthread_mutex_unlock(&s->lock);
    return found;
}

void remembered_add(struct remembered *r, const unsigned char key[REMEMBERED_KEY_SIZE], struct identity *i,
                    uint64_t since)
{
    struct shard *s = shard_of(r, key);
    struct entry *e = malloc(sizeof(*e));

    if (!e)
        return;
    memcpy(e->key, key, REMEMBERED_KEY_SIZE);
    e->identity = identity_hold(i);
    pthread_mutex_lock(&s->lock);
    bool is_current = atomic_load(&r->forgotten) == since; /* who forgets later comes for this one, too */
    if (is_current) {
        struct entry **at = place_of(s, key);
        if (*at)
            remove_at(s, at);
        if (s->n >= r->max_per_shard)
            remove_entry(s, s->oldest);
        add(s, e);
    }
    pthread_mutex_unlock(&s->lock);
    if (is_current)
        return;
    identity_drop(i);
    free(e);
}

static void forget_in(struct shard *s, const char *id)
{
    pthread_mutex_lock(&s->lock);
    for (struct entry *e = s->oldest, *newer; e; e = newer) {
        newer = e->newer;
        if (!id || !*id || identity_is_about(e->identity, id))
            remove_entry(s, e);
    }
    pthread_mutex_unlock(&s->lock);
}

void remembered_forget(struct remembered *r, const char *id)
{
    atomic_fetch_add(&r->forgotten, 1);
    for (size_t i = 0; i < SHARDS; i++)
        forget_in(&r->shards[i], id);
}

size_t remembered_count(struct remembered *r)
{
    size_t n = 0;

    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&r->shards[i].lock);
        n += r->shards[i].n;
        pthread_mutex_unlock(&r->shards[i].lock);
    }
    return n;
}

void remembered_destroy(struct remembered *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        forget_in(&r->shards[i], NULL);
        pthread_mutex_destroy(&r->shards[i].lock);
    }
    free(r);
}
