/* call.h - the host's side of a call: made before a plugin's callback, ended after it.
 *
 * A call lives in memory that is never unmapped, and says whose it is: whoever comes with one that has ended, or from
 * another thread, is told DW_ETHREAD instead of reading what is not there. A slot that was freed is used again as late
 * as possible. */
#ifndef PLUGIN_CALL_H
#define PLUGIN_CALL_H

#include <dowel/dowel.h>
#include <stdatomic.h>

#include "http/problem.h"
#include "plugin/instance.h"
#include "supervise/activity.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/compiler.h"

struct client_token;
struct client_stream;

enum call_state { CALL_FREE = 0, CALL_OPEN = 0x63616c6c, CALL_ENDED = 0x656e6465 };

/* One reason why dw_cancelled() is true. */
enum call_flag {
    CALL_POISONED = 1, /* over its memory limit: whatever can fail fails with DW_ENOMEM */
    CALL_FAULTS = 2    /* the harness wants to be asked */
};

struct call_undo;  /* something deferred, a json reference, an upstream */
struct call_scope; /* dw_scope_begin */

struct call_options {
    dw_instance *instance;
    uint32_t label;      /* activity_label("notes", "operation createNote"); 0: a part of what runs already */
    const char *what;    /* the same for the log: "operation createNote"; constant */
    int64_t deadline_us; /* monotonic; 0: none */
    struct arena *arena; /* lent memory (a request's, the asker's); NULL: its own */
    dw_call *parent;     /* who asks (services, hooks): cancelled with it; deadline not after its */
    struct str request_id; /* for the log; may be empty */
};

struct dw_call {
    _Atomic uint32_t state;   /* enum call_state */
    _Atomic uint32_t flags;   /* enum call_flag */
    _Atomic uintptr_t thread; /* call_thread() of the owner */
    dw_instance *instance;
    const char *what;
    struct str request_id;
    dw_call *parent;
    int64_t deadline_us; /* monotonic; INT64_MAX: none */
    int64_t now_us;      /* wall, when it began: the same for the whole call; 0: not asked yet */
    struct activity_frame outer;
    uint32_t label;

    struct arena *arena; /* own, or lent */
    struct arena own;
    size_t memory, memory_max;
    struct call_undo *undo; /* newest first */
    struct call_scope *scope;

    dw_err error;
    struct problem_error *errors; /* of dw_fail_at, in the arena */
    size_t errors_n, errors_cap;

    _Atomic bool cancelled;
    struct client_token *cancel_token; /* made when it first waits for the outside */
    bool is_waiting;                   /* guarded by the module's lock: dw_sleep */
    dw_call *next;                     /* in a ring of free slots */
    void *owner;                       /* the request this call serves, or NULL */
};

/* Begins and ends a call around a callback on this thread:
 *
 *   dw_call *c;
 *   if (call_begin(&c, &(struct call_options){ .instance = i, .label = l, .what = "init" }) != 0) ...
 *   rc = callback(c);
 *   call_end(c);
 *
 * call_end undoes in the order: upstreams cut, deferred (last first), json, memory. begin: 0, or DW_ENOMEM. */
int call_begin(dw_call **out, const struct call_options *options);
void call_end(dw_call *c);

/* Leaves the thread without ending (the first half of two), and goes on on another. */
void call_suspend(dw_call *c);
void call_resume(dw_call *c);

/* Cancels: dw_cancelled() is true from now on, and what blocks returns. [any thread while the call is open] */
void call_cancel(dw_call *c);
bool call_is_cancelled(const dw_call *c);

/* The token for outbound requests of this call; NULL when memory is out. */
struct client_token *call_cancel_token(dw_call *c);

/* Runs undo(ud) when the call or its current scope ends. [call] 0 or DW_ENOMEM. */
int call_defer(dw_call *c, void (*undo)(void *), void *ud);

/* Memory of the call, zeroed; never NULL: see dw_alloc. */
void *call_alloc(dw_call *c, size_t size);

/* Records why a step failed and returns `code`. The text is formatted into the call's memory. */
int call_fail(dw_call *c, int code, const char *format, ...) DW_PRINTF(3, 4);
int call_fail_detail(dw_call *c, int code, const char *detail, const char *format, ...) DW_PRINTF(4, 5);

/* The plugin broke the contract: logged with its name, counted, recorded as DW_EMISUSE, which is returned. */
int call_misuse(dw_call *c, const char *format, ...) DW_PRINTF(2, 3);

/* Something that is not an open call of this thread: logged with the plugin's name where it can be known, counted.
 * Returns DW_ETHREAD. */
int call_stray(const dw_call *c, const char *step);

/* What identifies the calling thread: the address of a variable of its own. */
extern _Thread_local char call_thread_mark;
static inline uintptr_t call_thread(void)
{
    return (uintptr_t)&call_thread_mark;
}

static inline bool call_is_mine(const dw_call *c)
{
    return c && atomic_load_explicit(&c->state, memory_order_relaxed) == CALL_OPEN &&
           atomic_load_explicit(&c->thread, memory_order_relaxed) == call_thread();
}

int call_flagged(dw_call *c, const char *step);

/* First line of every slot that can fail: 0, or what to return. */
static inline int call_check(dw_call *c, const char *step)
{
    if (!call_is_mine(c))
        return call_stray(c, step);
    return atomic_load_explicit(&c->flags, memory_order_relaxed) ? call_flagged(c, step) : 0;
}

#endif
