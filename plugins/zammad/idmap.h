/* idmap.h - what is known about rows of a database, by their number. [one thread] */
#ifndef ZAMMAD_IDMAP_H
#define ZAMMAD_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

union idvalue {
    int64_t number;
    void *pointer;
};

struct idslot {
    int64_t id; /* 0: free; no row has this number */
    union idvalue value;
};

/* Zeroed: empty. */
struct idmap {
    struct idslot *slots;
    size_t n, room; /* room: 0 or a power of two */
};

/* NULL: it is not there. Good until the next put. */
union idvalue *idmap_get(const struct idmap *m, int64_t id);

/* Adds or replaces. 0, or -1: memory is out, or the id is no row's number. */
int idmap_put(struct idmap *m, int64_t id, union idvalue value);

static inline bool idmap_has(const struct idmap *m, int64_t id)
{
    return idmap_get(m, id) != NULL;
}

/* Empties it; destroy, if there is one, gets each pointer. The map can be used again. */
void idmap_clear(struct idmap *m, void (*destroy)(void *pointer));

#endif
