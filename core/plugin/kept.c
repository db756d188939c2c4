#include "plugin/kept.h"

#include <stdlib.h>
#include <string.h>

/* So many lie idle before one is used again. */
enum { IDLE = 64 };

struct kept {
    struct kept *next;
    _Alignas(max_align_t) char handle[];
};

static struct kept *take_oldest(struct kept_pool *pool)
{
    struct kept *k;

    pthread_mutex_lock(&pool->lock);
    k = pool->free > IDLE ? pool->first : NULL;
    if (k) {
        pool->first = k->next;
        pool->free--;
    }
    pthread_mutex_unlock(&pool->lock);
    return k;
}

void *kept_take(struct kept_pool *pool)
{
    struct kept *k = take_oldest(pool);

    if (!k)
        k = calloc(1, sizeof(*k) + pool->size);
    return k ? k->handle : NULL;
}

void kept_give(struct kept_pool *pool, void *handle)
{
    struct kept *k;

    if (!handle)
        return;
    k = (struct kept *)(void *)((char *)handle - offsetof(struct kept, handle));
    memset(handle, 0, pool->size);
    k->next = NULL;
    pthread_mutex_lock(&pool->lock);
    if (pool->free++ == 0)
        pool->first = k;
    else
        *pool->last = k;
    pool->last = &k->next;
    pthread_mutex_unlock(&pool->lock);
}
