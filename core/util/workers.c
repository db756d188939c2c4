#include "util/workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics/metrics.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/compiler.h"
#include "util/thread.h"

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t wake;

    /* Guarded by lock. */
    struct work *first, **last;
    unsigned sleeping;
    bool waking; /* a signal is on its way: whoever wakes passes it on */
    bool stopping;

    /* Written under the lock, read by anyone. */
    _Atomic unsigned queued, busy;

    struct workers_options options;
    struct metric *waited;
    struct buf label;
    unsigned started;
    pthread_t thread[];
};

/* Adds under the lock, where no other thread writes: cheaper than an atomic read-modify-write. */
static void move(_Atomic unsigned *number, unsigned by)
{
    atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

/* ---- metrics ---- */

static int64_t read_queued(void *ud)
{
    return workers_queued(ud);
}

static int64_t read_busy(void *ud)
{
    return workers_busy(ud);
}

static int64_t read_nothing(void *ud)
{
    (void)ud;
    return 0;
}

/* Metrics outlive the pool: when it goes they are told to read nothing. */
static void publish(struct workers *w, bool alive)
{
    const char *label = buf_text(&w->label);

    if (buf_failed(&w->label))
        return;
    metrics_gauge_read("dowel_workers_queued", "Tasks that wait for a worker", label,
                       alive ? read_queued : read_nothing, alive ? w : NULL);
    metrics_gauge_read("dowel_workers_busy", "Workers that are running a task", label,
                       alive ? read_busy : read_nothing, alive ? w : NULL);
    w->waited =
        metrics_histogram("dowel_workers_wait_seconds", "Time that a task waited for a worker", label);
}

/* ---- the queue ---- */

/* Under the lock: whether the caller must signal, after unlocking. One signal at a time is on its way; the thread that
 * it wakes comes here again when it has taken its task, so a batch wakes as many as it needs, one by one. */
static bool must_wake(struct workers *w)
{
    if (!w->first || w->sleeping == 0 || w->waking)
        return false;
    w->waking = true;
    return true;
}

/* Under the lock. */
static void append(struct workers *w, struct work *task, int64_t now)
{
    task->queued_us = now;
    task->next = NULL;
    *w->last = task;
    w->last = &task->next;
}

struct work *workers_put(struct workers *w, struct work *first)
{
    int64_t now = clock_monotonic_us();
    unsigned n = 0;

    pthread_mutex_lock(&w->lock);
    unsigned queued = workers_queued(w); /* more than fit, when some were put again */
    unsigned room = w->stopping || queued > w->options.queue ? 0 : w->options.queue - queued;
    for (; first && n < room; n++) {
        struct work *next = first->next;
        append(w, first, now);
        first = next;
    }
    move(&w->queued, n);
    bool wake = must_wake(w);
    pthread_mutex_unlock(&w->lock);
    /* Not under the lock, which the woken thread wants first of all. */
    if (wake)
        pthread_cond_signal(&w->wake);
    return first;
}

bool workers_put_again(struct workers *w, struct work *task)
{
    int64_t now = clock_monotonic_us();

    pthread_mutex_lock(&w->lock);
    bool taken = !w->stopping;
    if (taken) {
        append(w, task, now);
        move(&w->queued, 1);
    }
    /* Under the lock: the caller may be anybody, and once the task is done nothing keeps the pool from being destroyed. */
    if (taken && must_wake(w))
        pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    return taken;
}

/* Under the lock, given up while it waits. NULL when the pool stops. */
static struct work *take(struct workers *w)
{
    while (!w->first && !w->stopping) {
        w->sleeping++;
        pthread_cond_wait(&w->wake, &w->lock);
        w->sleeping--;
        w->waking = false;
    }
    if (w->stopping)
        return NULL;
    struct work *task = w->first;
    w->first = task->next;
    if (!w->first)
        w->last = &w->first;
    move(&w->queued, -1u);
    return task;
}

static void run(struct workers *w, struct work *task)
{
    int64_t now = clock_monotonic_us();

    metric_observe_us(w->waited, now - task->queued_us);
    if (task->deadline_us && now > task->deadline_us)
        w->options.expired(task, w->options.ud);
    else
        w->options.run(task, w->options.ud);
}

static void *work(void *ud)
{
    struct workers *w = ud;
    struct work *task;

    pthread_mutex_lock(&w->lock);
    while ((task = take(w))) {
        bool wake = must_wake(w);
        move(&w->busy, 1);
        pthread_mutex_unlock(&w->lock);
        if (wake)
            pthread_cond_signal(&w->wake);
        run(w, task);
        pthread_mutex_lock(&w->lock);
        move(&w->busy, -1u);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- life ---- */

static int start_threads(struct workers *w)
{
    char name[THREAD_NAME_SIZE];

    for (; w->started < w->options.threads; w->started++) {
        snprintf(name, sizeof(name), "%.11s-%u", w->options.name, w->started % 1000);
        if (thread_start(&w->thread[w->started], name, false, work, w) != 0)
            return -1;
    }
    return 0;
}

int workers_create(struct workers **out, const struct workers_options *options)
{
    *out = NULL;
    if (!options->name || options->threads == 0 || options->queue == 0 || !options->run ||
        !options->expired) {
        errno = EINVAL;
        return -1;
    }
    struct workers *w = calloc(1, sizeof(*w) + options->threads * sizeof(w->thread[0]));
    if (!w)
        return -1;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    w->last = &w->first;
    w->options = *options;
    metrics_label(&w->label, "pool", str_from(options->name));
    publish(w, true);
    if (start_threads(w) != 0) {
        int error = errno;
        workers_destroy(w);
        errno = error;
        return -1;
    }
    *out = w;
    return 0;
}

void workers_stop(struct workers *w)
{
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_mutex_unlock(&w->lock);
    pthread_cond_broadcast(&w->wake);
    for (unsigned i = 0; i < w->started; i++)
        pthread_join(w->thread[i], NULL);
    w->started = 0;
    while (w->first) {
        struct work *task = w->first;
        w->first = task->next;
        move(&w->queued, -1u);
        w->options.expired(task, w->options.ud);
    }
    w->last = &w->first;
}

void workers_destroy(struct workers *w)
{
    if (!w)
        return;
    workers_stop(w);
    publish(w, false);
    buf_finish(&w->label);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

unsigned workers_queued(const struct workers *w)
{
    return atomic_load_explicit(&w->queued, memory_order_relaxed);
}

unsigned workers_busy(const struct workers *w)
{
    return atomic_load_explicit(&w->busy, memory_order_relaxed);
}
