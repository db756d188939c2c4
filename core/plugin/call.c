#include "plugin/call.h"

#include <stdlib.h>

#include "client/client.h"
#include "metrics/metrics.h"
#include "plugin/call_db.h"
#include "plugin/call_slots.h"
#include "plugin/call_struct.h"
#include "plugin/rows.h"
#include "util/clock.h"

enum { MEMORY_MAX = 64 << 20, SCOPE_CHUNK = 4096 };

_Thread_local char call_thread_mark;

/* ---- undoing ---- */

void call_undo_push(dw_call *c, enum call_undo_kind kind, struct call_undo *u)
{
    u->older = c->undo[kind];
    c->undo[kind] = u;
}

void call_at_end(dw_call *c, enum call_undo_kind kind, void (*undo)(void *), void *ud)
{
    struct call_undo *u = call_alloc(c, sizeof(*u));

    u->undo = undo;
    u->ud = ud;
    call_undo_push(c, kind, u);
}

static void undo_down_to(dw_call *c, enum call_undo_kind kind, const struct call_undo *stop)
{
    while (c->undo[kind] != stop) {
        struct call_undo u = *c->undo[kind]; /* undoing may free what it stands in */
        c->undo[kind] = u.older;
        u.undo(u.ud);
    }
}

/* What was deferred would find half of the call gone; so for everything but the log it is. */
static void undo_all_down_to(dw_call *c, struct call_undo *const stop[CALL_UNDO_KINDS])
{
    atomic_store_explicit(&c->state, CALL_ENDING, memory_order_relaxed);
    for (int kind = 0; kind < CALL_UNDO_KINDS; kind++)
        undo_down_to(c, (enum call_undo_kind)kind, stop[kind]);
    atomic_store_explicit(&c->state, CALL_OPEN, memory_order_relaxed);
}

/* The answer to a question stands in the asker's memory: what it consists of has to live as long. */
static void leave_memory_to(dw_call *parent, dw_call *c)
{
    struct call_undo **oldest = &c->undo[CALL_UNDO_MEMORY];

    while (*oldest)
        oldest = &(*oldest)->older;
    *oldest = parent->undo[CALL_UNDO_MEMORY];
    parent->undo[CALL_UNDO_MEMORY] = c->undo[CALL_UNDO_MEMORY];
    c->undo[CALL_UNDO_MEMORY] = NULL;
    parent->memory += c->memory;
    if (parent->memory > parent->memory_max)
        call_poison(parent, "it and whom it asked took more memory than one call may");
}

/* ---- scopes ---- */

void call_scope_begin(dw_call *c)
{
    struct call_scope *s = malloc(SCOPE_CHUNK);

    if (!s) {
        c->scopes_missing++;
        call_poison(c, "out of memory");
        return;
    }
    *s = (struct call_scope){ .outer = c->scope, .arena_before = c->arena, .memory_before = c->memory };
    memcpy(s->undo_before, c->undo, sizeof(c->undo));
    arena_init(&s->arena, s + 1, SCOPE_CHUNK - sizeof(*s), 0);
    c->scope = s;
    c->arena = &s->arena;
}

void call_scope_end(dw_call *c)
{
    struct call_scope *s = c->scope;

    if (c->scopes_missing > 0) {
        c->scopes_missing--;
        return;
    }
    if (!s) {
        call_misuse(c, "dw_scope_end without dw_scope_begin");
        return;
    }
    rows_close_scope(c, s);
    undo_all_down_to(c, s->undo_before);
    c->scope = s->outer;
    c->arena = s->arena_before;
    c->memory = s->memory_before;
    arena_finish(&s->arena);
    free(s);
}

/* ---- beginning ---- */

static size_t memory_max_of(const struct call_options *o)
{
    size_t max = o->instance->process->call_memory_max;

    if (max == 0)
        max = MEMORY_MAX;
    if (!o->parent)
        return max;
    const dw_call *p = o->parent; /* whose memory it is */
    size_t left = p->memory < p->memory_max ? p->memory_max - p->memory : 0;
    return left < max ? left : max;
}

static int64_t deadline_of(const struct call_options *o)
{
    int64_t deadline_us = o->deadline_us ? o->deadline_us : INT64_MAX;

    if (o->parent && o->parent->deadline_us < deadline_us)
        return o->parent->deadline_us;
    return deadline_us;
}

static void set_memory(dw_call *c, const struct call_options *o)
{
    arena_init(&c->own, NULL, 0, 0);
    c->base = o->arena ? o->arena : o->parent ? o->parent->arena : &c->own;
    c->arena = c->base;
    c->memory = 0;
    c->memory_max = memory_max_of(o);
    memset(c->undo, 0, sizeof(c->undo));
    c->scope = NULL;
    c->scopes_missing = 0;
}

static void set_errors(dw_call *c)
{
    c->error = (dw_err){ .struct_size = sizeof(dw_err), .text = "", .detail = "", .said = "", .reason = "" };
    c->error_from_peer = c->error_is_inner = c->error_is_plugins = false;
    c->error_text = c->error_detail = c->error_said = (struct buf)BUF_INIT;
    c->errors = NULL;
    c->errors_n = c->errors_cap = c->errors_said_n = 0;
}

static void set_whom(dw_call *c, const struct call_options *o)
{
    const dw_call *p = o->parent;
    bool is_parents = p && !o->tenant && !o->is_system;

    c->tenant = is_parents ? p->tenant : o->tenant;
    c->principal = o->principal || !p ? o->principal : p->principal;
    c->identity = o->identity || !p ? o->identity : p->identity;
    c->asker = o->asker || !p ? o->asker : p->asker;
    c->is_asked = o->is_asked || (p && p->is_asked);
    c->is_system = is_parents ? p->is_system && p->instance == o->instance : o->is_system;
    c->session = NULL;
    c->derived = c->sessions = NULL;
    c->job = NULL;
    c->claim = NULL;
    c->fetchings = 0;
    c->wants_repeat = c->was_seen_outside = false;
}

int call_begin(dw_call **out, const struct call_options *o)
{
    dw_call *c = *out = call_slot_take();

    if (!c)
        return DW_ENOMEM;
    atomic_store_explicit(&c->instance, o->instance, memory_order_relaxed);
    c->what = o->what;
    c->request_id = o->request_id.n || !o->parent ? o->request_id : o->parent->request_id;
    c->parent = o->parent;
    c->children = 0;
    c->is_derived = o->is_derived;
    if (c->parent && !c->is_derived)
        c->parent->children++;
    set_whom(c, o);
    atomic_store_explicit(&c->root, o->parent ? o->parent->root : c, memory_order_relaxed);
    atomic_store_explicit(&c->deadline_us, deadline_of(o), memory_order_relaxed);
    c->label = o->label;
    c->is_opened = false;
    c->owner = NULL;
    set_memory(c, o);
    set_errors(c);
    c->cancel_token = NULL;
    c->notice = NULL;
    atomic_store_explicit(&c->cancelled, false, memory_order_relaxed);
    atomic_store_explicit(&c->flags, o->instance->process->fault ? CALL_FAULTS : 0, memory_order_relaxed);
    atomic_fetch_add(&o->instance->calls, 1);
    metric_add(o->instance->metrics.calls, 1);
    if (c->label)
        activity_enter(&c->outer, c->label);
    atomic_store_explicit(&c->thread, call_thread(), memory_order_relaxed);
    atomic_store_explicit(&c->state, CALL_OPEN, memory_order_release);
    return 0;
}

/* ---- ending ---- */

/* Who cancels holds the lock: after this nobody does, nor will. */
static void close_to_others(dw_call *c)
{
    pthread_mutex_lock(&c->lock);
    struct client_token *token = c->cancel_token;
    c->cancel_token = NULL;
    atomic_store_explicit(&c->state, CALL_ENDED, memory_order_release);
    pthread_mutex_unlock(&c->lock);
    client_token_destroy(token);
}

static void note_memory(dw_instance *i, size_t memory)
{
    size_t peak = atomic_load_explicit(&i->memory_peak, memory_order_relaxed);

    while (memory > peak) {
        if (atomic_compare_exchange_weak(&i->memory_peak, &peak, memory)) {
            metric_set(i->metrics.memory_peak, (int64_t)memory);
            return;
        }
    }
}

void call_end(dw_call *c)
{
    static struct call_undo *const all[CALL_UNDO_KINDS];

    if (!call_is_mine(c)) {
        call_stray(c, "call_end");
        return;
    }
    call_session_end(c);
    while (c->scope)
        call_scope_end(c);
    note_memory(c->instance, c->memory);
    if (c->parent && c->base == c->parent->arena)
        leave_memory_to(c->parent, c);
    undo_all_down_to(c, all);
    close_to_others(c);
    arena_finish(&c->own);
    buf_finish(&c->error_text);
    buf_finish(&c->error_detail);
    buf_finish(&c->error_said);
    c->what = "";
    if (c->parent && !c->is_derived)
        c->parent->children--;
    if (c->label)
        activity_leave(&c->outer);
    atomic_fetch_sub(&c->instance->calls, 1);
    call_slot_give(c);
}

/* ---- for another tenant ---- */

static void end_derived(void *ud)
{
    dw_call *d = ud;

    d->parent->derived = d->older_derived; /* it is the newest */
    call_take_back(d);
    call_end(d);
}

int call_derive(dw_call *c, dw_call **out, const char *tenant, bool is_system)
{
    const struct call_options options = {
        .instance = c->instance,
        .what = c->what,
        .parent = c,
        .tenant = tenant ? call_copy(c, str_from(tenant)) : NULL,
        .is_system = is_system,
        .is_derived = true,
    };
    dw_call *d;

    *out = NULL;
    if (call_begin(&d, &options) != 0)
        return call_fail(c, DW_ENOMEM, "out of memory");
    d->older_derived = c->derived;
    c->derived = d;
    call_at_end(c, CALL_UNDO_CUT, end_derived, d);
    *out = d;
    return 0;
}

bool call_is_asking(const dw_call *c)
{
    bool is = c->children > 0;

    for (const dw_call *d = c->derived; d && !is; d = d->older_derived)
        is = call_is_asking(d);
    return is;
}

/* ---- two halves ---- */

/* Nobody has the call for a while: what it holds in the database others may need. */
static void leave_thread(dw_call *c)
{
    call_session_end(c);
    for (dw_call *d = c->derived; d; d = d->older_derived)
        leave_thread(d);
    atomic_store_explicit(&c->thread, 0, memory_order_release);
}

void call_suspend(dw_call *c)
{
    if (c->label)
        activity_leave(&c->outer);
    leave_thread(c);
}

void call_resume(dw_call *c)
{
    atomic_store_explicit(&c->thread, call_thread(), memory_order_release);
    if (c->label)
        activity_enter(&c->outer, c->label);
}

void call_hand_off(dw_call *c)
{
    leave_thread(c);
}

void call_take_back(dw_call *c)
{
    atomic_store_explicit(&c->thread, call_thread(), memory_order_release);
}

/* ---- cancelling ---- */

/* Under the lock. */
static void cancel(dw_call *c)
{
    uint32_t state = atomic_load_explicit(&c->state, memory_order_acquire);

    if (state != CALL_OPEN && state != CALL_ENDING) /* of a scope */
        return;
    atomic_store_explicit(&c->cancelled, true, memory_order_release);
    if (c->cancel_token)
        client_token_cancel(c->cancel_token);
    call_sessions_cancel(c);
    if (c->notice)
        c->notice(c->notice_ud);
    c->notice = NULL;
    pthread_cond_broadcast(&c->wake);
}

void call_cancel(dw_call *c)
{
    dw_call *root = c->root;

    pthread_mutex_lock(&root->lock);
    cancel(root);
    pthread_mutex_unlock(&root->lock);
}

int64_t call_wall_us(const dw_call *c)
{
    const struct plugin_process *p = c->instance->process;

    return p->wall_us ? p->wall_us(p->clock_ud) : clock_wall_us();
}

bool call_is_cancelled(const dw_call *c)
{
    int64_t deadline_us = atomic_load_explicit(&c->deadline_us, memory_order_relaxed);

    return atomic_load_explicit(&c->root->cancelled, memory_order_acquire) ||
           (deadline_us != INT64_MAX && clock_monotonic_us() >= deadline_us);
}

static void wait_on(dw_call *root, int64_t until_us)
{
    const struct timespec until = { .tv_sec = until_us / CLOCK_SECOND,
                                    .tv_nsec = until_us % CLOCK_SECOND * 1000 };

    pthread_cond_timedwait(&root->wake, &root->lock, &until);
}

bool call_wait_until(dw_call *c, int64_t until_us)
{
    dw_call *root = c->root;
    bool cancelled;

    if (until_us > c->deadline_us)
        until_us = c->deadline_us;
    pthread_mutex_lock(&root->lock);
    while (!(cancelled = call_is_cancelled(c)) && clock_monotonic_us() < until_us)
        wait_on(root, until_us);
    pthread_mutex_unlock(&root->lock);
    return cancelled;
}

void call_watch_cancelled(dw_call *c, void (*notice)(void *ud), void *ud)
{
    dw_call *root = c->root;

    pthread_mutex_lock(&root->lock);
    bool late = notice && atomic_load_explicit(&root->cancelled, memory_order_relaxed);
    root->notice = late ? NULL : notice;
    root->notice_ud = ud;
    if (late)
        notice(ud);
    pthread_mutex_unlock(&root->lock);
}

struct client_token *call_cancel_token(dw_call *c)
{
    dw_call *root = c->root;

    pthread_mutex_lock(&root->lock);
    if (!root->cancel_token && client_token_create(&root->cancel_token) == 0 &&
        atomic_load_explicit(&root->cancelled, memory_order_relaxed))
        client_token_cancel(root->cancel_token);
    struct client_token *token = root->cancel_token;
    pthread_mutex_unlock(&root->lock);
    return token;
}

/* Each side writes first and then looks at what the other one wrote: with anything weaker than one order for all four
 * both could miss the other, and stop would wait for a thread that nobody has told. */
bool call_comes_too_late(dw_call *c)
{
    atomic_exchange(&c->state, CALL_OPEN);
    return atomic_load(&c->instance->stopping);
}

static void cancel_if_of(dw_call *c, void *ud)
{
    uint32_t state = atomic_load(&c->state);

    if (state == CALL_FREE || state == CALL_ENDED ||
        atomic_load_explicit(&c->instance, memory_order_relaxed) != ud)
        return;
    pthread_mutex_lock(&c->lock);
    if (atomic_load_explicit(&c->instance, memory_order_relaxed) == ud)
        cancel(c);
    pthread_mutex_unlock(&c->lock);
}

void call_stop(dw_instance *instance)
{
    atomic_store(&instance->stopping, true);
    call_slot_each(cancel_if_of, instance);
}

static void forget_if_of(dw_call *c, void *ud)
{
    dw_instance *expected = ud;

    atomic_compare_exchange_strong(&c->instance, &expected, NULL);
}

void call_forget(const dw_instance *instance)
{
    call_slot_each(forget_if_of, (void *)(uintptr_t)instance);
}
