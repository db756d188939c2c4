#include "plugin/call.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log/log.h"
#include "metrics/metrics.h"
#include "plugin/call_slots.h"
#include "plugin/call_struct.h"

/* ---- limits ---- */

void call_poison(dw_call *c, const char *why)
{
    unsigned before = atomic_fetch_or_explicit(&c->flags, CALL_POISONED, memory_order_relaxed);

    if (before & CALL_POISONED)
        return;
    log_warn("a plugin's call goes on without memory: whatever can fail there fails from now on",
             LOG_TEXT("plugin", c->instance->name), LOG_TEXT("callback", c->what),
             LOG_STR("request", c->request_id), LOG_TEXT("why", why), LOG_NUMBER("bytes", c->memory),
             LOG_NUMBER("limit", c->memory_max));
}

void call_charge(dw_call *c, size_t size)
{
    c->memory = size < SIZE_MAX - c->memory ? c->memory + size : SIZE_MAX;
    if (c->memory > c->memory_max)
        call_poison(c, "it took more memory than one call may");
}

/* ---- when there is none ---- */

/* Stands before what was mapped. */
struct mapping {
    _Alignas(16) size_t size;
    struct call_undo undo;
};

static void unmap(void *ud)
{
    struct mapping *m = ud;
    munmap(m, m->size);
}

/* Straight from the system. A plugin was promised that memory is never NULL and does not look: without this end it would
 * write to address 0 and crash a line later, with less to read for whoever looks for the reason. */
static struct mapping *map_or_abort(const dw_call *c, size_t size)
{
    const dw_instance *i = c ? c->instance : NULL;
    void *p = MAP_FAILED;

    if (size < SIZE_MAX / 2) {
        size += sizeof(struct mapping);
        p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    if (p == MAP_FAILED) {
        dprintf(STDERR_FILENO, "dowel: plugin %s asked for %zu bytes, and the system has none to give\n",
                i ? i->name : "(unknown)", size);
        abort();
    }
    struct mapping *m = p;
    m->size = size;
    return m;
}

/* ---- memory of a call ---- */

/* NULL, and the call is poisoned, when memory is out. */
static void *take(dw_call *c, struct arena *arena, size_t size)
{
    void *p = arena_calloc(arena, size);

    if (!p)
        call_poison(c, "out of memory");
    return p;
}

void *call_alloc(dw_call *c, size_t size)
{
    call_charge(c, size);
    void *p = take(c, c->arena, size);
    if (p)
        return p;
    struct mapping *m = map_or_abort(c, size);
    m->undo = (struct call_undo){ .undo = unmap, .ud = m };
    call_undo_push(c, CALL_UNDO_MEMORY, &m->undo);
    return m + 1;
}

/* Taken from outside the current scopes: they do not give it back when they end. */
static void charge_lasting(dw_call *c, const struct arena *arena, size_t size)
{
    call_charge(c, size);
    for (struct call_scope *s = c->scope; s && &s->arena != arena; s = s->outer)
        s->memory_before += size;
}

void *call_alloc_lasting(dw_call *c, size_t size)
{
    charge_lasting(c, c->base, size);
    return take(c, c->base, size);
}

void *call_grow(dw_call *c, struct arena *arena, void *p, size_t size, size_t larger)
{
    charge_lasting(c, arena, larger - size);
    if (arena_extend(arena, p, size, larger))
        return p;
    void *copy = take(c, arena, larger);
    if (copy && size)
        memcpy(copy, p, size);
    return copy;
}

char *call_copy(dw_call *c, struct str s)
{
    char *p = call_alloc(c, s.n < SIZE_MAX ? s.n + 1 : SIZE_MAX);

    if (s.n)
        memcpy(p, s.p, s.n);
    return p;
}

/* ---- memory of nobody's ---- */

/* Kept in a list, so that what looks for leaks knows that this one is wanted. */
struct leaked {
    _Alignas(16) struct leaked *older;
};

static _Atomic(struct leaked *) leaked;

void *call_leak(const dw_call *c, size_t size)
{
    struct leaked *l = size < SIZE_MAX / 2 ? calloc(1, sizeof(*l) + size) : NULL;

    if (!l) {
        struct mapping *m = map_or_abort(call_slot_is(c) ? c : NULL, size);
        return m + 1;
    }
    l->older = atomic_load_explicit(&leaked, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&leaked, &l->older, l))
        ;
    metric_add(metrics_counter("dowel_plugin_leaked_bytes_total",
                               "Memory given to plugins that used a call after its end or on another thread",
                               NULL),
               (int64_t)size);
    return l + 1;
}
