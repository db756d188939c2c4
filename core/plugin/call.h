/* call.h - the host's side of a call: made before a plugin's callback, ended after it.
 *
 * A call lives in memory that is never unmapped, and says whose it is: whoever comes with one that has ended, or from
 * another thread, is told DW_ETHREAD instead of reading what is not there. A slot that was freed is used again as late
 * as possible. */
#ifndef PLUGIN_CALL_H
#define PLUGIN_CALL_H

#include <dowel/dowel.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/problem.h"
#include "plugin/instance.h"
#include "supervise/activity.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/compiler.h"

struct client_token;
struct db_session;
struct idempotency;
struct identity;
struct job;
struct rows_slot;

/* CALL_ENDING: what was deferred runs; it may log, nothing else. */
enum call_state { CALL_FREE = 0, CALL_OPEN = 0x63616c6c, CALL_ENDING = 0x656e6421, CALL_ENDED = 0x656e6465 };

/* Why call_check() has a second look. */
enum call_flag {
    CALL_POISONED = 1, /* over its memory limit: whatever can fail fails with DW_ENOMEM */
    CALL_FAULTS = 2    /* the harness wants to be asked */
};

enum { CALL_REASON_MAX = 40 }; /* bytes of dw_err.reason */

/* What is undone at the end, in this order; within one, the newest first. */
enum call_undo_kind {
    CALL_UNDO_CUT,      /* what connects to the outside: upstreams, streams */
    CALL_UNDO_DEFERRED, /* the plugin's */
    CALL_UNDO_MEMORY,   /* json references and the like; those of lent memory wait for its owner's end */
    CALL_UNDO_KINDS
};

struct call_undo;
struct call_scope; /* dw_scope_begin */

struct call_options {
    dw_instance *instance;
    uint32_t label;      /* activity_label("notes", "operation createNote"); 0: a part of what runs already */
    const char *what;    /* the same for the log: "operation createNote"; constant */
    int64_t deadline_us; /* clock_monotonic_us(); 0: none */
    struct arena
        *arena; /* lent memory (a request's) that outlives the call; NULL: the parent's, or its own */
    dw_call
        *parent; /* who asks (services, hooks), on this thread: cancelled with it; deadline not after its */
    /* For whom; borrowed until the end, and without them the parent's. What sees all tenants does so for its own plugin
     * only: whom it asks has no tenant. */
    const char *tenant;                /* a UUID; NULL: none */
    const char *principal;             /* an id; NULL: none */
    const struct identity *identity;   /* who asked, in full; NULL: nobody did, or nobody knows */
    bool is_system;                    /* in all tenants */
    bool is_derived;                   /* the same callback for another tenant: see call_derive() */
    const struct http_exchange *asker; /* whose client may be told why it failed; NULL: the parent's */
    bool is_asked;         /* somebody outside asks: what needs a permission is not the machine's own */
    struct str request_id; /* for the log; empty: the parent's */
};

struct dw_call {
    _Atomic uint32_t state;        /* enum call_state */
    _Atomic uint32_t flags;        /* enum call_flag */
    _Atomic uintptr_t thread;      /* call_thread() of the owner; 0: suspended */
    dw_instance *_Atomic instance; /* stays after the end: who comes too late is told by name */
    const char *what;
    struct str request_id;
    dw_call *parent;
    unsigned children;           /* that are open */
    dw_call *_Atomic root;       /* the outermost that asks, or itself: cancelling is the root's */
    _Atomic int64_t deadline_us; /* clock_monotonic_us(); INT64_MAX: none */
    struct activity_frame outer;
    uint32_t label;
    bool is_opened;  /* by dw_call_open */
    bool is_derived; /* by call_derive() */

    const char *tenant, *principal;    /* NULL: none */
    const struct identity *identity;   /* borrowed; NULL: none */
    const struct http_exchange *asker; /* for the language in which it fails; NULL: none */
    bool is_asked;                     /* by somebody outside, known or not: a request */
    bool is_system;
    struct db_session *session;       /* NULL: not needed yet, see call_db.h */
    dw_call *older_session;           /* the next one in the root's `sessions` */
    struct rows_slot *rows;           /* stay with the slot, whoever's call it is: see rows.h */
    dw_call *derived, *older_derived; /* newest first */

    /* Of the root: what the whole callback did. */
    struct job *job;           /* it runs for: its lease is looked at before each commit; NULL: none */
    struct idempotency *claim; /* of the request's Idempotency-Key: its commits tell it; NULL: none */
    dw_call *sessions;         /* calls that have one, newest first; changed under the lock */
    bool wants_repeat; /* the last step in the database failed in a way that running it all again may mend */
    bool was_seen_outside; /* a commit, a request to a peer, a stream: running it again would do it twice */

    struct arena *arena; /* where call_alloc() takes from: `base`, or the scope's */
    struct arena *base;  /* own or lent: what must outlive scopes */
    struct arena own;
    size_t memory, memory_max;
    struct call_undo *undo[CALL_UNDO_KINDS]; /* newest first */
    struct call_scope *scope;                /* innermost */
    unsigned scopes_missing;                 /* begun without memory for them */

    dw_err error;
    bool
        error_from_peer; /* it is about a peer of ours: HTTP neither blames our client nor tells him the text */
    bool error_is_inner; /* its text is for the plugin's author: HTTP's clients learn no more than the code */
    bool error_is_plugins; /* said by dw_fail(): not by a step of the host that it passes on */
    struct buf error_text, error_detail, error_said;
    char error_reason[CALL_REASON_MAX + 1];
    struct problem_error *errors;               /* of dw_fail_at, in `base` */
    size_t errors_n, errors_cap, errors_said_n; /* said: in the client's language */

    pthread_mutex_t lock; /* guards what follows; only the root's is used */
    pthread_cond_t wake;
    _Atomic bool cancelled;   /* read without the lock */
    void (*notice)(void *ud); /* of call_watch_cancelled */
    void *notice_ud;
    struct client_token *cancel_token; /* made when it first waits for the outside */

    dw_call *next;      /* in a list of free slots */
    void *owner;        /* the request this call serves, or NULL */
    unsigned fetchings; /* started and not waited for: see fetching.c */
};

/* Begins and ends a call around a callback on this thread:
 *
 *   dw_call *c;
 *   if (call_begin(&c, &(struct call_options){ .instance = i, .label = l, .what = "init" }) != 0) ...
 *   rc = callback(c);
 *   call_end(c);
 *
 * call_end rolls back and closes what is open in the database, so that nobody waits for it; ends scopes; undoes in the order
 * of enum call_undo_kind; frees memory. What a child left in lent
 * memory, texts and json too, lives until the end of whoever lent it; c->error does not. begin: 0, or DW_ENOMEM. */
int call_begin(dw_call **out, const struct call_options *options);
void call_end(dw_call *c);

/* The same callback in another tenant, or in all (tenant NULL): shares the memory, the deadline and the cancelling of c, has
 * its own session and error, and ends with c or its current scope. While c is suspended or handed off, and after it, it is
 * a stray. The tenant is copied. 0, or DW_ENOMEM. */
int call_derive(dw_call *c, dw_call **out, const char *tenant, bool is_system);

/* Is somebody whom it asked at work? */
bool call_is_asking(const dw_call *c);

/* Leaves the thread without ending (the first half of two), and goes on on another. Not inside a child. Its session ends. */
void call_suspend(dw_call *c);
void call_resume(dw_call *c);

/* Takes the call from a callback that still runs on this thread: c leads to nothing from then on, but what the thread does
 * is the plugin's as before, so that a crash or a hang has a name. Back, on the same thread, when the callback has
 * returned. */
void call_hand_off(dw_call *c);
void call_take_back(dw_call *c);

/* ---- cancelling ---- */

/* Cancels the call, whoever asked for it and whom it asks: dw_cancelled() is true from now on, and what blocks returns.
 * Nothing happens when it has ended; when its slot already serves another call, that one is cancelled: so not after the
 * end. [any thread] */
void call_cancel(dw_call *c);

/* Cancelled, or past its deadline. [any thread while the call is open] */
bool call_is_cancelled(const dw_call *c);

/* Waits until then (clock_monotonic_us) or until the call is cancelled: true when it was. */
bool call_wait_until(dw_call *c, int64_t until_us);

/* Calls notice(ud) once when the call is cancelled, at once when it is; not for its deadline. There is one; NULL ends it:
 * after the return it does not run and will not. It runs under a lock that this function takes: it must not block, nor
 * call anything of this call. [owner] */
void call_watch_cancelled(dw_call *c, void (*notice)(void *ud), void *ud);

/* The token for outbound requests of this call, borrowed; NULL when memory is out. It is not cancelled by the deadline:
 * give that to the request. */
struct client_token *call_cancel_token(dw_call *c);

/* stop begins: the instance takes no new calls of its own threads, and those that are open are cancelled. [any thread] */
void call_stop(dw_instance *instance);

/* Has stop begun before this call, which was just made, could be seen by it? [owner] */
bool call_comes_too_late(dw_call *c);

/* The instance is about to be freed: no slot remembers it any more. [any thread; its threads have ended] */
void call_forget(const dw_instance *instance);

/* The time of day, which is the harness's where it says so. */
int64_t call_wall_us(const dw_call *c);

/* ---- what hangs on a call ---- */

/* Runs undo(ud) when the call or its current scope ends; always registered. */
void call_at_end(dw_call *c, enum call_undo_kind kind, void (*undo)(void *), void *ud);

/* Around the body of a loop; see dw_scope_begin. */
void call_scope_begin(dw_call *c);
void call_scope_end(dw_call *c);

/* Memory of the call or its current scope, zeroed; never NULL: see dw_alloc. call_alloc_lasting: also after the scope,
 * NULL (and the call poisoned) when memory is out. */
void *call_alloc(dw_call *c, size_t size);
void *call_alloc_lasting(dw_call *c, size_t size);
char *call_copy(dw_call *c, struct str s);

/* Counts memory from elsewhere that hangs on the call or its current scope: the body of an answer, a parsed tree. */
void call_charge(dw_call *c, size_t size);

/* Makes `p`, of `size` bytes taken from `arena` (c->arena at that time), larger: where it is, or as a copy. NULL (and the
 * call poisoned) when memory is out. */
void *call_grow(dw_call *c, struct arena *arena, void *p, size_t size, size_t larger);

/* Whatever can fail on this call fails from now on. */
void call_poison(dw_call *c, const char *why);

/* Memory for a function that must not return NULL, on a call that cannot give any (see call_stray): never freed, counted
 * in dowel_plugin_leaked_bytes_total. */
void *call_leak(const dw_call *c, size_t size);

/* ---- why a step failed ---- */

/* Records why a step failed and returns `code`. */
int call_fail(dw_call *c, int code, const char *format, ...) DW_PRINTF(3, 4);
int call_fail_detail(dw_call *c, int code, const char *detail, const char *format, ...) DW_PRINTF(4, 5);

/* The same with a text that names what clients need not know: plugins, hooks, channels, functions. */
int call_fail_inner(dw_call *c, int code, const char *format, ...) DW_PRINTF(3, 4);

/* One member of the input is wrong: recorded as a failure with DW_EINVALID, which is returned, and in c->errors. `pointer`
 * is a JSON pointer with or without its '#'. */
int call_fail_at(dw_call *c, const char *pointer, const char *text);

/* The same with the text in the language of who asks too, or NULL. */
int call_fail_at_said(dw_call *c, const char *pointer, const char *text, const char *said);

/* With one of the server's own sentences (http/language.h), which who asks is told in the language that he likes. */
int call_refuse(dw_call *c, int code, const char *detail, const char *format, ...) DW_PRINTF(4, 5);
int call_refuse_at(dw_call *c, const char *pointer, const char *text);

/* What the failure that was just recorded is called in the language of who asks. Copied; it may be c->error.said. */
void call_say(dw_call *c, const char *said);

/* The machine's word for the failure that was just recorded, of CALL_REASON_MAX bytes at most; it may be another call's. */
void call_reason(dw_call *c, const char *reason);

/* The plugin broke the contract: logged with its name, counted, recorded as DW_EMISUSE, which is returned. */
int call_misuse(dw_call *c, const char *format, ...) DW_PRINTF(2, 3);

/* Something that is not an open call of this thread, NULL too: counted, and logged at most once a second a plugin, with
 * its name where it can be known. Returns DW_ETHREAD. [any thread] */
int call_stray(const dw_call *c, const char *step);

/* What a thread of the plugin's own comes with: 0, or DW_EMISUSE when it is no instance and DW_EUNAVAILABLE when that is
 * over, both logged and counted as above. */
int call_check_instance(dw_instance *i, const char *step);

/* ---- whose is it ---- */

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

/* The same, or what was deferred is running: good enough to log. */
bool call_may_log(const dw_call *c);

int call_flagged(dw_call *c, const char *step);

/* First line of every slot that can fail: 0, or what to return. `step` is the name that plugins know: "dw_sleep". */
static inline int call_check(dw_call *c, const char *step)
{
    if (!call_is_mine(c))
        return call_stray(c, step);
    return atomic_load_explicit(&c->flags, memory_order_relaxed) ? call_flagged(c, step) : 0;
}

#endif
