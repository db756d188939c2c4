/* arena.h - texts that outlive a visit and go all at once: the memory of a batch. [any] */
#ifndef TIMESYNC_ARENA_H
#define TIMESYNC_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks;
    size_t used; /* of the newest */
};

/* Aligned for anything; NULL: memory is out. */
void *arena_alloc(struct arena *a, size_t size);
const char *arena_copy(struct arena *a, const char *text); /* NULL as "" */

/* Empties it; the newest chunk stays for what comes next. */
void arena_clear(struct arena *a);
void arena_free(struct arena *a);

#endif
