#include "plugin/detach.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "log/log.h"
#include "metrics/metrics.h"
#include "plugin/call_db.h"
#include "plugin/outcome.h"
#include "plugin/reply.h"
#include "plugin/reply_check.h"
#include "plugin/words.h"
#include "util/clock.h"
#include "util/list.h"
#include "util/thread.h"

#define GRACE_US (10 * (int64_t)CLOCK_SECOND)

/* A slot is used again as late as possible, so that who completes twice is told by name. */
enum { BLOCK_SLOTS = 256, BLOCKS_MAX = 4096, REST = 1024, INDEX_BITS = 20 };

_Static_assert(BLOCK_SLOTS *BLOCKS_MAX == 1 << INDEX_BITS, "a slot's number fits into its bits");
_Static_assert(sizeof(uintptr_t) >= 8, "a handle has room for a generation");

enum state { FREE, OPEN, ANSWERED, GONE, RETIRED };

struct slot {
    struct list link; /* free, waiting for the keeper, or gone and not completed */
    uint32_t index;
    uint64_t generation;
    enum state state;
    bool busy;      /* the keeper is at it */
    bool completed; /* the plugin has completed it after it was gone */
    bool lost;      /* and that it did not was told */
    struct http_exchange *x;
    size_t mark;
    dw_instance *instance; /* also of the last token, for the log; NULL once it was stopped */
    const char *what;
    uint32_t label;
    int64_t due_us; /* when it is lost */
    void (*on_gone)(void *ud);
    void (*on_release)(void *ud);
    void *ud;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t keeper_wake, idle;
    struct slot *block[BLOCKS_MAX];
    unsigned blocks;
    struct list free, to_keep, gone;
    size_t free_n;
    int64_t next_due_us;
    bool has_keeper, is_ready;
} all = { .lock = PTHREAD_MUTEX_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER };

/* ---- slots; all under the lock ---- */

static void make_ready(void)
{
    pthread_condattr_t attr;

    if (all.is_ready)
        return;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&all.keeper_wake, &attr);
    pthread_condattr_destroy(&attr);
    list_init(&all.free);
    list_init(&all.to_keep);
    list_init(&all.gone);
    all.next_due_us = INT64_MAX;
    all.is_ready = true;
}

static bool add_block(void)
{
    struct slot *block = all.blocks < BLOCKS_MAX ? calloc(BLOCK_SLOTS, sizeof(*block)) : NULL;

    if (!block)
        return false;
    for (uint32_t i = 0; i < BLOCK_SLOTS; i++) {
        block[i].index = all.blocks * BLOCK_SLOTS + i;
        list_append(&all.free, &block[i].link);
    }
    all.free_n += BLOCK_SLOTS;
    all.block[all.blocks++] = block;
    return true;
}

static struct slot *take_slot(void)
{
    if (all.free_n <= REST)
        add_block();
    if (all.free_n == 0)
        return NULL;
    struct slot *t = LIST_OWNER(all.free.next, struct slot, link);
    list_remove(&t->link);
    all.free_n--;
    t->generation++;
    return t;
}

static void free_slot(struct slot *t)
{
    t->state = FREE;
    t->x = NULL;
    list_remove(&t->link);
    list_append(&all.free, &t->link);
    all.free_n++;
}

static dw_token *handle_of(const struct slot *t)
{
    return (dw_token *)((uintptr_t)t->generation << INDEX_BITS | t->index);
}

/* NULL: there was never such a token. Else the slot, whose generation may be another by now. */
static struct slot *slot_of(const dw_token *handle, bool *is_current)
{
    uintptr_t bits = (uintptr_t)handle;
    size_t index = bits & ((1u << INDEX_BITS) - 1);
    uint64_t generation = bits >> INDEX_BITS;

    if (index / BLOCK_SLOTS >= all.blocks || generation == 0)
        return NULL;
    struct slot *t = &all.block[index / BLOCK_SLOTS][index % BLOCK_SLOTS];
    *is_current = t->generation == generation;
    return t->generation >= generation ? t : NULL;
}

/* ---- the keeper: gives back what is gone, and tells what is lost ---- */

static void give_back_exchange(struct http_exchange *x, size_t mark)
{
    http_watch_gone(x, NULL, NULL); /* waits for a notice that is just telling us */
    http_reply_rollback(x, mark);
    if (http_request_gone(x))
        http_reply_empty(x, 503); /* reaches nobody */
    else
        http_reply_problem(x, 503, "the server is stopping; try again later");
    http_complete(x);
}

/* Not under the lock. */
static void run_callback(const struct slot *t, void (*callback)(void *ud))
{
    struct activity_frame outer;

    if (!callback)
        return;
    if (t->label)
        activity_enter(&outer, t->label);
    callback(t->ud);
    if (t->label)
        activity_leave(&outer);
}

/* Nobody else touches the slot's callbacks while it is busy. */
static void keep(struct slot *t)
{
    bool must_tell = !t->completed;

    list_remove(&t->link);
    pthread_mutex_unlock(&all.lock);
    give_back_exchange(t->x, t->mark);
    if (must_tell)
        run_callback(t, t->on_gone);
    pthread_mutex_lock(&all.lock);
    if (t->completed) {
        pthread_mutex_unlock(&all.lock);
        run_callback(t, t->on_release);
        pthread_mutex_lock(&all.lock);
        t->busy = false;
        free_slot(t);
    } else {
        t->busy = false;
        list_append(&all.gone, &t->link);
        if (t->due_us < all.next_due_us)
            all.next_due_us = t->due_us;
    }
    pthread_cond_broadcast(&all.idle);
}

static void tell_lost(struct slot *t, const char *detail)
{
    t->lost = true;
    metric_add(t->instance->metrics.tokens_lost, 1);
    log_error("a detached request was never answered", LOG_TEXT("plugin", t->instance->name),
              LOG_TEXT("callback", t->what), LOG_TEXT("detail", detail));
}

static void look_for_lost(int64_t now_us)
{
    all.next_due_us = INT64_MAX;
    for (struct list *node = all.gone.next; node != &all.gone; node = node->next) {
        struct slot *t = LIST_OWNER(node, struct slot, link);
        if (t->lost)
            continue;
        if (t->due_us <= now_us)
            tell_lost(t, "its client has had no answer from the plugin; the token waits still");
        else if (t->due_us < all.next_due_us)
            all.next_due_us = t->due_us;
    }
}

static void wait_for_work(void)
{
    struct timespec until = { .tv_sec = (time_t)(all.next_due_us / CLOCK_SECOND),
                              .tv_nsec = (long)(all.next_due_us % CLOCK_SECOND) * 1000 };

    if (all.next_due_us == INT64_MAX)
        pthread_cond_wait(&all.keeper_wake, &all.lock);
    else
        pthread_cond_timedwait(&all.keeper_wake, &all.lock, &until);
}

static void *run_keeper(void *ud)
{
    pthread_mutex_lock(&all.lock);
    for (;;) {
        int64_t now = clock_monotonic_us();
        if (!list_empty(&all.to_keep))
            keep(LIST_OWNER(all.to_keep.next, struct slot, link));
        else if (all.next_due_us <= now)
            look_for_lost(now);
        else
            wait_for_work();
    }
    return ud; /* never: it lives as long as the process */
}

static bool start_keeper(void)
{
    pthread_t keeper;

    if (!all.has_keeper)
        all.has_keeper = thread_start(&keeper, "plugin-tokens", true, run_keeper, NULL) == 0;
    return all.has_keeper;
}

/* From OPEN, whoever was faster. */
static void set_gone(struct slot *t)
{
    t->state = GONE;
    t->busy = true;
    list_append(&all.to_keep, &t->link);
    pthread_cond_signal(&all.keeper_wake);
}

/* ud is the handle, for the token may have been completed before it was watched: its slot is another's by now, or will
 * be. [a loop] */
static void on_exchange_gone(void *ud)
{
    bool is_current = false;

    pthread_mutex_lock(&all.lock);
    struct slot *t = slot_of(ud, &is_current);
    if (t && is_current && t->state == OPEN)
        set_gone(t);
    pthread_mutex_unlock(&all.lock);
}

/* ---- detaching ---- */

static struct slot *open_slot(struct request *r, const dw_detach_args *args, int64_t deadline_us)
{
    int64_t grace_us = r->route->instance->process->token_grace_us;

    pthread_mutex_lock(&all.lock);
    make_ready();
    struct slot *t = start_keeper() ? take_slot() : NULL;
    if (t) {
        t->state = OPEN;
        t->busy = t->completed = t->lost = false;
        t->x = r->x;
        t->mark = r->mark;
        t->instance = r->route->instance;
        t->what = r->route->what;
        t->label = r->route->label;
        t->due_us = deadline_us + (grace_us ? grace_us : GRACE_US);
        t->on_gone = args->on_gone;
        t->on_release = args->on_release;
        t->ud = args->ud;
    }
    pthread_mutex_unlock(&all.lock);
    return t;
}

/* Into our struct, which is zero, whatever the plugin's was: older ones are shorter, and of newer ones we know the
 * beginning. */
static int take_args(dw_detach_args *own, struct request *r, dw_token **out, const dw_detach_args *args)
{
    size_t least = offsetof(dw_detach_args, ud) + sizeof(args->ud);

    if (!out || !args || args->struct_size < least || args->timeout.us < 0)
        return call_misuse(r->c, "dw_request_detach: no place for the token, or wrong arguments");
    if (call_is_asking(r->c))
        return call_misuse(r->c, "dw_request_detach: a request is detached by its handler, not while "
                                 "somebody whom it asked is at work");
    memcpy(own, args, args->struct_size < sizeof(*own) ? args->struct_size : sizeof(*own));
    return reply_claim(r, "dw_request_detach");
}

int detach_request(dw_request *req, dw_token **out, const dw_detach_args *args)
{
    dw_detach_args own = { 0 };
    struct request *r;

    DW_TRY(request_check(req, "dw_request_detach", &r));
    DW_TRY(call_refuse_in_transaction(r->c, "dw_request_detach"));
    DW_TRY(take_args(&own, r, out, args));
    if (atomic_load(&r->route->instance->stopping))
        return call_fail(r->c, DW_EUNAVAILABLE, "the plugin is stopping");
    int64_t deadline_us =
        own.timeout.us ? clock_monotonic_us() + own.timeout.us : http_request_deadline(r->x);
    struct slot *t = open_slot(r, &own, deadline_us);
    if (!t)
        return call_fail(r->c, DW_ENOMEM, "there is no memory, or no thread, for a detached request");
    if (own.timeout.us)
        http_set_deadline(r->x, deadline_us);
    dw_token *handle = *out = handle_of(t);
    r->answer = ANSWER_LATER;
    http_detach(r->x);
    call_hand_off(r->c); /* the handler's c and req lead to nothing from here on */
    /* Takes the place of the call's own watch. What is gone already is told at once: after this the token may be over. */
    http_watch_gone(r->x, on_exchange_gone, handle);
    return 0;
}

/* ---- completing ---- */

/* What a completion has found, to be acted upon without the lock. */
struct completion {
    int rc;
    struct slot *slot; /* NULL: it was none */
    struct http_exchange *x;
    bool must_release;
};

/* The slot is NULL, its token's own, or looked at under the lock. */
static int misused(const struct slot *t, const char *what)
{
    const char *plugin = t && t->instance ? t->instance->name : "";

    if (t && t->instance)
        metric_add(t->instance->metrics.misuses, 1);
    log_error("a plugin broke the contract", LOG_TEXT("plugin", plugin),
              LOG_TEXT("callback", t && t->instance ? t->what : ""), LOG_TEXT("what", what));
    return DW_EMISUSE;
}

/* Under the lock. */
static struct completion complete_gone(struct slot *t)
{
    if (t->completed)
        return (struct completion){ .rc = misused(t, "a token was completed a second time") };
    t->completed = true;
    if (t->state == RETIRED) {
        free_slot(t);
        return (struct completion){ .rc = DW_EGONE };
    }
    return (struct completion){ .rc = DW_EGONE, .slot = t, .must_release = !t->busy };
}

static struct completion complete(const dw_token *handle)
{
    struct completion done = { .rc = 0 };
    bool is_current = false;

    pthread_mutex_lock(&all.lock);
    struct slot *t = slot_of(handle, &is_current);
    if (!t) {
        done.rc = misused(NULL, "a token that is none was completed");
    } else if (!is_current || t->state == FREE || t->state == ANSWERED) {
        done.rc = misused(t, "a token was completed a second time");
    } else if (t->state == OPEN) {
        t->state = ANSWERED;
        done.slot = t;
        done.x = t->x;
        done.must_release = true;
    } else {
        done = complete_gone(t);
    }
    pthread_mutex_unlock(&all.lock);
    return done;
}

static void release(struct slot *t)
{
    run_callback(t, t->on_release);
    pthread_mutex_lock(&all.lock);
    free_slot(t);
    pthread_cond_broadcast(&all.idle);
    pthread_mutex_unlock(&all.lock);
}

/* The reply is staged: 0, or DW_EGONE when it will reach nobody. */
static int give_back(struct completion *done, int rc)
{
    if (rc == 0 && http_request_gone(done->x))
        rc = DW_EGONE;
    http_complete(done->x);
    release(done->slot);
    return rc;
}

static int finish_gone(const struct completion *done)
{
    if (done->must_release)
        release(done->slot);
    return done->rc;
}

static void answer_error(const struct completion *done, int code, const char *text)
{
    const struct slot *t = done->slot;
    const struct outcome o = { .code = code,
                               .text = text,
                               .said = words_for(t->instance, done->x, str_from(text)) };

    outcome_answer(done->x, t->mark, &o, t->instance, t->what);
}

int detach_reply(dw_token *t, dw_list status_and_pairs)
{
    struct completion done = complete(t);
    struct buf body = BUF_INIT;
    int status = 0, rc = 0;

    if (!done.x)
        return finish_gone(&done);
    http_watch_gone(done.x, NULL, NULL);
    const char *wrong = reply_compose(status_and_pairs, &status, &body);
    if (wrong) {
        rc = misused(done.slot, wrong);
        answer_error(&done, rc, wrong);
    } else if (reply_stage_json(done.x, status, &body) != 0) {
        rc = DW_ENOMEM;
        answer_error(&done, rc, "there is no memory for the reply");
    }
    buf_finish(&body);
    if (rc == 0)
        reply_check(done.x, done.slot->mark);
    return give_back(&done, rc);
}

int detach_fail(dw_token *t, int code, const char *text)
{
    struct completion done = complete(t);
    int rc = 0;

    if (!done.x)
        return finish_gone(&done);
    http_watch_gone(done.x, NULL, NULL);
    if (code >= 0) {
        text = "dw_token_fail: a code is one of enum dw_error, which are negative";
        rc = code = misused(done.slot, text);
    }
    answer_error(&done, code, text ? text : "");
    return give_back(&done, rc);
}

/* ---- stopping ---- */

/* Under the lock, given up meanwhile. Nobody completes it any more but to hear DW_EGONE. */
static void retire(struct slot *t)
{
    const struct slot before = *t; /* freed, and used again, as soon as the plugin comes with it */

    if (!t->lost)
        tell_lost(t, "the plugin was stopped and had not completed it");
    list_remove(&t->link);
    t->state = RETIRED;
    pthread_mutex_unlock(&all.lock);
    run_callback(&before, before.on_release);
    pthread_mutex_lock(&all.lock);
}

/* Somebody is between two of its states. */
static bool is_at_work(const struct slot *t)
{
    return t->busy || t->state == ANSWERED || (t->state == GONE && t->completed);
}

static void stop_slot(struct slot *t, const dw_instance *instance)
{
    while (t->instance == instance && is_at_work(t))
        pthread_cond_wait(&all.idle, &all.lock);
    if (t->instance == instance && t->state == GONE)
        retire(t);
    if (t->instance == instance)
        t->instance = NULL;
}

static struct slot *slot_at(size_t i)
{
    return &all.block[i / BLOCK_SLOTS][i % BLOCK_SLOTS];
}

void detach_stop(dw_instance *instance)
{
    pthread_mutex_lock(&all.lock);
    for (size_t i = 0; i < (size_t)all.blocks * BLOCK_SLOTS; i++) {
        struct slot *t = slot_at(i);
        if (t->instance == instance && t->state == OPEN)
            set_gone(t);
    }
    for (size_t i = 0; i < (size_t)all.blocks * BLOCK_SLOTS; i++)
        stop_slot(slot_at(i), instance);
    pthread_mutex_unlock(&all.lock);
}

unsigned detach_open(const dw_instance *instance)
{
    unsigned n = 0;

    pthread_mutex_lock(&all.lock);
    for (size_t i = 0; i < (size_t)all.blocks * BLOCK_SLOTS; i++) {
        const struct slot *t = slot_at(i);
        n += t->instance == instance && t->state != FREE && t->state != RETIRED;
    }
    pthread_mutex_unlock(&all.lock);
    return n;
}
