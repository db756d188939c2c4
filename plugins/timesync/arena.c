#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 * 1024 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t room;
    alignas(max_align_t) char bytes[];
};

static struct arena_chunk *chunk_new(size_t room)
{
    struct arena_chunk *chunk = malloc(sizeof(*chunk) + room);

    if (chunk)
        *chunk = (struct arena_chunk){ .room = room };
    return chunk;
}

void *arena_alloc(struct arena *a, size_t size)
{
    const size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    void *at;

    if (!a->chunks || a->chunks->room - a->used < rounded) {
        struct arena_chunk *chunk = chunk_new(rounded > CHUNK ? rounded : CHUNK);

        if (!chunk)
            return NULL;
        chunk->next = a->chunks;
        a->chunks = chunk;
        a->used = 0;
    }
    at = a->chunks->bytes + a->used;
    a->used += rounded;
    return at;
}

const char *arena_copy(struct arena *a, const char *text)
{
    const size_t n = text ? strlen(text) : 0;
    char *copy;

    if (!n)
        return "";
    copy = arena_alloc(a, n + 1);
    return copy ? memcpy(copy, text, n + 1) : NULL;
}

static void free_from(struct arena_chunk *chunk)
{
    while (chunk) {
        struct arena_chunk *next = chunk->next;

        free(chunk);
        chunk = next;
    }
}

void arena_clear(struct arena *a)
{
    if (a->chunks) {
        free_from(a->chunks->next);
        a->chunks->next = NULL;
    }
    a->used = 0;
}

void arena_free(struct arena *a)
{
    free_from(a->chunks);
    *a = (struct arena){ 0 };
}
