#include "idmap.h"

#include <stdlib.h>

enum { ROOM_LEAST = 64 };

/* Numbers that follow each other must not meet: they are multiplied apart (Knuth's constant, 64 bits). */
static size_t place_of(int64_t id, size_t room)
{
    return (size_t)(((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (room - 1);
}

/* Where it is, or where it would go. */
static struct idslot *slot_of(struct idslot *slots, size_t room, int64_t id)
{
    size_t i = place_of(id, room);

    while (slots[i].id != 0 && slots[i].id != id)
        i = (i + 1) & (room - 1);
    return &slots[i];
}

union idvalue *idmap_get(const struct idmap *m, int64_t id)
{
    struct idslot *slot;

    if (m->room == 0 || id == 0)
        return NULL;
    slot = slot_of(m->slots, m->room, id);
    return slot->id == id ? &slot->value : NULL;
}

static int grow(struct idmap *m)
{
    size_t room = m->room ? m->room * 2 : ROOM_LEAST;
    struct idslot *slots = calloc(room, sizeof(*slots));

    if (!slots)
        return -1;
    for (size_t i = 0; i < m->room; i++)
        if (m->slots[i].id != 0)
            *slot_of(slots, room, m->slots[i].id) = m->slots[i];
    free(m->slots);
    m->slots = slots;
    m->room = room;
    return 0;
}

int idmap_put(struct idmap *m, int64_t id, union idvalue value)
{
    struct idslot *slot;

    if (id == 0 || (m->n >= m->room / 4 * 3 && grow(m) != 0))
        return -1;
    slot = slot_of(m->slots, m->room, id);
    m->n += slot->id == 0;
    slot->id = id;
    slot->value = value;
    return 0;
}

void idmap_clear(struct idmap *m, void (*destroy)(void *pointer))
{
    for (size_t i = 0; destroy && i < m->room; i++)
        if (m->slots[i].id != 0)
            destroy(m->slots[i].value.pointer);
    free(m->slots);
    *m = (struct idmap){ 0 };
}
