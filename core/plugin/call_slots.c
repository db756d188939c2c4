#include "plugin/call_slots.h"

#include <stdlib.h>

/* BATCH: what a thread takes for itself at once, under the lock. RING_MAX: more than that is for others, since a call that
 * was resumed elsewhere ends there, and some threads would only take and some only give. */
enum { SLAB_SLOTS = 64, BATCH = 8, RING_MAX = 4 * CALL_SLOT_REST };

struct slab {
    struct slab *older;
    dw_call slots[SLAB_SLOTS];
};

/* First in, first out. */
struct queue {
    dw_call *first, *last;
    size_t n;
};

static struct {
    _Atomic(struct slab *) slabs; /* newest first; never removed, so walking needs no lock */
    pthread_once_t once;
    pthread_key_t thread_end;
    bool has_key;
    pthread_mutex_t lock; /* guards what follows */
    struct queue rested;  /* of threads that have ended, or had too many */
    dw_call *unused;      /* never used, of the newest slab */
} shared = { .once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER };

/* `ready` are slots that may be used at once, `ring` those that rest. */
static _Thread_local struct {
    struct queue ready, ring;
    bool is_known; /* the key's destructor will come */
} mine;

static void push(struct queue *q, dw_call *c)
{
    c->next = NULL;
    if (q->last)
        q->last->next = c;
    else
        q->first = c;
    q->last = c;
    q->n++;
}

static dw_call *pop(struct queue *q)
{
    dw_call *c = q->first;

    if (!c)
        return NULL;
    q->first = c->next;
    if (!q->first)
        q->last = NULL;
    q->n--;
    return c;
}

static void append(struct queue *to, struct queue *from)
{
    for (dw_call *c; (c = pop(from));)
        push(to, c);
}

/* ---- a thread's end ---- */

static void give_all_back(void *ud)
{
    (void)ud;
    pthread_mutex_lock(&shared.lock);
    append(&shared.rested, &mine.ready);
    append(&shared.rested, &mine.ring);
    pthread_mutex_unlock(&shared.lock);
    mine.is_known = false; /* destructors of others may still make calls; then this one comes once more */
}

static void make_key(void)
{
    shared.has_key = pthread_key_create(&shared.thread_end, give_all_back) == 0;
}

/* A thread whose end nobody would see keeps no slots. */
static bool keeps_slots(void)
{
    if (mine.is_known)
        return true;
    pthread_once(&shared.once, make_key);
    mine.is_known = shared.has_key && pthread_setspecific(shared.thread_end, &mine) == 0;
    return mine.is_known;
}

/* ---- more of them ---- */

static bool prepare(dw_call *c)
{
    pthread_condattr_t attr;
    bool done = false;

    if (pthread_condattr_init(&attr) != 0)
        return false;
    if (pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&c->wake, &attr) == 0)
        done = pthread_mutex_init(&c->lock, NULL) == 0;
    pthread_condattr_destroy(&attr);
    return done;
}

/* Under the lock. */
static bool add_slab(void)
{
    struct slab *s = calloc(1, sizeof(*s));

    if (!s)
        return false;
    for (size_t i = SLAB_SLOTS; i > 0; i--) {
        dw_call *c = &s->slots[i - 1];
        if (!prepare(c))
            continue;
        c->next = shared.unused;
        shared.unused = c;
    }
    s->older = atomic_load_explicit(&shared.slabs, memory_order_relaxed);
    atomic_store_explicit(&shared.slabs, s, memory_order_release);
    return shared.unused != NULL;
}

/* Under the lock. */
static dw_call *take_shared(void)
{
    if (shared.rested.n > CALL_SLOT_REST)
        return pop(&shared.rested);
    if (!shared.unused && !add_slab())
        return pop(&shared.rested); /* better soon than not at all */
    dw_call *c = shared.unused;
    if (c)
        shared.unused = c->next;
    return c;
}

static dw_call *take_batch(void)
{
    size_t wanted = keeps_slots() ? BATCH : 1;
    dw_call *c = NULL;

    pthread_mutex_lock(&shared.lock);
    for (size_t i = 0; i < wanted && (c = take_shared()); i++)
        push(&mine.ready, c);
    pthread_mutex_unlock(&shared.lock);
    c = pop(&mine.ready);
    return c ? c : pop(&mine.ring);
}

dw_call *call_slot_take(void)
{
    if (mine.ring.n > CALL_SLOT_REST)
        return pop(&mine.ring);
    dw_call *c = pop(&mine.ready);
    return c ? c : take_batch();
}

/* The older half goes to others. */
static void share_half(void)
{
    pthread_mutex_lock(&shared.lock);
    while (mine.ring.n > RING_MAX / 2)
        push(&shared.rested, pop(&mine.ring));
    pthread_mutex_unlock(&shared.lock);
}

void call_slot_give(dw_call *c)
{
    if (keeps_slots()) {
        push(&mine.ring, c);
        if (mine.ring.n > RING_MAX)
            share_half();
        return;
    }
    pthread_mutex_lock(&shared.lock);
    push(&shared.rested, c);
    pthread_mutex_unlock(&shared.lock);
}

/* ---- looking at all ---- */

bool call_slot_is(const dw_call *p)
{
    uintptr_t at = (uintptr_t)p;

    for (struct slab *s = atomic_load_explicit(&shared.slabs, memory_order_acquire); s; s = s->older) {
        uintptr_t first = (uintptr_t)s->slots;
        if (at >= first && at < first + sizeof(s->slots))
            return (at - first) % sizeof(*p) == 0;
    }
    return false;
}

void call_slot_each(void (*visit)(dw_call *c, void *ud), void *ud)
{
    for (struct slab *s = atomic_load_explicit(&shared.slabs, memory_order_acquire); s; s = s->older) {
        for (size_t i = 0; i < SLAB_SLOTS; i++)
            visit(&s->slots[i], ud);
    }
}
