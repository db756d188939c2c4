#include "util/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ALIGNMENT = 16, CHUNK_MIN = 4096, CHUNK_MAX = 65536 };

struct arena_chunk {
    struct arena_chunk *older;
};

/* The header is padded so that what follows it is aligned too. */
enum { CHUNK_HEADER = (sizeof(struct arena_chunk) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT };

void arena_init(struct arena *a, void *first, size_t first_size, size_t limit)
{
    *a = (struct arena){ .first = first, .first_size = first_size, .limit = limit };
    a->next = first;
    a->end = first ? a->first + first_size : NULL;
}

void arena_reset(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *older = a->chunks->older;
        free(a->chunks);
        a->chunks = older;
    }
    a->used = 0;
    a->next = a->first;
    a->end = a->first ? a->first + a->first_size : NULL;
}

void arena_finish(struct arena *a)
{
    arena_reset(a);
}

/* The size of the next chunk: as much again as there is, so that a large answer takes few of them. */
static size_t next_chunk(const struct arena *a, size_t wanted)
{
    size_t size = a->used < CHUNK_MIN ? CHUNK_MIN : a->used < CHUNK_MAX ? a->used : CHUNK_MAX;

    if (a->limit && size > a->limit - a->used)
        size = a->limit - a->used;
    return size > wanted ? size : wanted;
}

static void *alloc_from_new_chunk(struct arena *a, size_t size)
{
    if (size > SIZE_MAX - CHUNK_HEADER || (a->limit && size + CHUNK_HEADER > a->limit - a->used))
        return NULL;
    size_t total = next_chunk(a, size + CHUNK_HEADER);
    struct arena_chunk *chunk = malloc(total);
    if (!chunk)
        return NULL;
    chunk->older = a->chunks;
    a->chunks = chunk;
    a->used += total;
    char *start = (char *)chunk + CHUNK_HEADER;
    char *end = (char *)chunk + total;
    /* A large piece fills its chunk alone, or nearly: go on with whatever has more room left. */
    if (!a->next || end - (start + size) > a->end - a->next) {
        a->next = start + size;
        a->end = end;
    }
    return start;
}

static size_t rounded(size_t size)
{
    return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT)
        return NULL;
    size = rounded(size);
    size_t skip = (size_t)(-(uintptr_t)a->next & (ALIGNMENT - 1));
    if (a->next && (size_t)(a->end - a->next) >= size + skip) {
        void *p = a->next + skip;
        a->next += skip + size;
        return p;
    }
    return alloc_from_new_chunk(a, size);
}

bool arena_extend(struct arena *a, void *p, size_t size, size_t larger)
{
    if (larger > SIZE_MAX - ALIGNMENT || !a->next || (char *)p + rounded(size) != a->next)
        return false;
    size_t extra = rounded(larger) - rounded(size);
    if ((size_t)(a->end - a->next) < extra)
        return false;
    a->next += extra;
    return true;
}

void *arena_calloc(struct arena *a, size_t size)
{
    void *p = arena_alloc(a, size);
    if (p)
        memset(p, 0, size);
    return p;
}

char *arena_copy(struct arena *a, struct str s)
{
    char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;
    if (!p)
        return NULL;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

char *arena_format(struct arena *a, const char *format, ...)
{
    char small[256];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (n < 0)
        return NULL;
    if ((size_t)n < sizeof(small))
        return arena_copy(a, str_make(small, (size_t)n));
    char *p = arena_alloc(a, (size_t)n + 1);
    if (!p)
        return NULL;
    va_start(args, format);
    vsnprintf(p, (size_t)n + 1, format, args);
    va_end(args);
    return p;
}
