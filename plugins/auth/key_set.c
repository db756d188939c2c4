#include "key_set.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct signing_key *key;
    int64_t until_s;
};

struct key_set {
    atomic_uint references;
    struct entry entries[KEY_SET_MAX];
    size_t n;
    const struct signing_key *current;
};

struct key_set *key_set_create(void)
{
    struct key_set *set = calloc(1, sizeof(*set));

    if (set)
        atomic_init(&set->references, 1);
    return set;
}

struct key_set *key_set_hold(struct key_set *set)
{
    atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

void key_set_release(struct key_set *set)
{
    if (!set || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < set->n; i++)
        signing_key_destroy(set->entries[i].key);
    free(set);
}

static const struct entry *find(const struct key_set *set, const char *kid, size_t n)
{
    for (size_t i = 0; i < set->n; i++) {
        const char *name = signing_key_kid(set->entries[i].key);
        if (strlen(name) == n && memcmp(name, kid, n) == 0)
            return &set->entries[i];
    }
    return NULL;
}

int key_set_add_take(struct key_set *set, struct signing_key *key, int64_t until_s)
{
    const char *kid = signing_key_kid(key);

    if (set->n == KEY_SET_MAX || find(set, kid, strlen(kid))) {
        signing_key_destroy(key);
        return -1;
    }
    set->entries[set->n++] = (struct entry){ key, until_s };
    return 0;
}

int key_set_use(struct key_set *set, const char *kid)
{
    const struct entry *entry = find(set, kid, strlen(kid));

    if (!entry || !signing_key_can_sign(entry->key))
        return -1;
    set->current = entry->key;
    return 0;
}

const struct signing_key *key_set_current(const struct key_set *set)
{
    return set->current;
}

const struct signing_key *key_set_find(const struct key_set *set, const char *kid, size_t n, int64_t now_s)
{
    const struct entry *entry = find(set, kid, n);

    return entry && now_s < entry->until_s ? entry->key : NULL;
}

const struct signing_key *key_set_at(const struct key_set *set, size_t i, int64_t *until_s)
{
    if (i >= set->n)
        return NULL;
    *until_s = set->entries[i].until_s;
    return set->entries[i].key;
}
