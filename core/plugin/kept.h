/* kept.h - handles that plugins get and that end before the process does: their memory is never given back, so that whoever comes with one
 * that is over is told so instead of reading what is not there. One that was given back is used again as late as possible. */
#ifndef PLUGIN_KEPT_H
#define PLUGIN_KEPT_H

#include <pthread.h>
#include <stddef.h>

struct kept;

/* All of one type; for the whole process. */
struct kept_pool {
    pthread_mutex_t lock;
    size_t size;
    struct kept *first, **last;
    size_t free;
};

#define KEPT_POOL(T)                                         \
    {                                                        \
        .lock = PTHREAD_MUTEX_INITIALIZER, .size = sizeof(T) \
    }

/* Zeroed; NULL when memory is out. [any thread, as below] */
void *kept_take(struct kept_pool *pool);

/* Zeroes it: that is what a handle which is over looks like. NULL is safe. */
void kept_give(struct kept_pool *pool, void *handle);

#endif
