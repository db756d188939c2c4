/* arena.h - memory that is given back all at once.
 *
 * A request owns an arena; what a handler takes from it needs no free. Chunks grow with the need; a first chunk may be
 * the caller's own memory, so that small requests never reach malloc. Not thread-safe: one thread at a time. */
#ifndef UTIL_ARENA_H
#define UTIL_ARENA_H

#include "util/compiler.h"
#include "util/str.h"

struct arena_chunk;

struct arena {
    char *next, *end;           /* the free part of the current chunk */
    struct arena_chunk *chunks; /* from malloc, newest first */
    char *first;                /* the caller's memory, or NULL */
    size_t first_size;
    size_t used;  /* bytes taken from malloc */
    size_t limit; /* above it arena_alloc returns NULL; 0: none */
};

/* `first` may be NULL; else it is used before anything is allocated and must outlive the arena. */
void arena_init(struct arena *a, void *first, size_t first_size, size_t limit);

/* Gives everything back but the first chunk. The arena can be used again. */
void arena_reset(struct arena *a);
void arena_finish(struct arena *a);

/* Aligned for anything, not zeroed; NULL when memory is out or the limit is reached. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_calloc(struct arena *a, size_t size);

/* Makes the newest piece larger where it is; false when it is not the newest, or there is no room behind it. */
bool arena_extend(struct arena *a, void *p, size_t size, size_t larger);

/* A terminated copy, or NULL. */
char *arena_copy(struct arena *a, struct str s);
char *arena_format(struct arena *a, const char *format, ...) DW_PRINTF(2, 3);

#endif
