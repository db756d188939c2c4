/* workers.c - the threads that run jobs: a common pool, and one of its own for each kind that wants so. */
#include <errno.h>
#include <stdlib.h>

#include "jobs/inside.h"
#include "log/log.h"
#include "util/clock.h"
#include "util/heap.h"
#include "util/thread.h"

/* What is leased ahead of free threads is done within this time, so that no other server could have done it sooner. */
enum { AHEAD_US = 50 * CLOCK_MS, AHEAD_MAX = 256 };

int pool_init(struct job_pool *p, struct jobs *j, unsigned limit)
{
    p->engine = j;
    p->limit = limit;
    p->run_us = AHEAD_US;
    list_init(&p->queue);
    pthread_cond_init(&p->wake, NULL);
    p->threads = calloc(limit, sizeof(*p->threads));
    return p->threads ? 0 : -1;
}

void pool_finish(struct job_pool *p)
{
    if (!p->engine)
        return;
    pthread_cond_destroy(&p->wake);
    free(p->threads);
}

/* ---- under the lock ---- */

/* So many more may be leased for it. */
unsigned pool_room(const struct job_pool *p)
{
    int64_t ahead = p->run_us > 0 ? AHEAD_US * (int64_t)p->limit / p->run_us : AHEAD_MAX;
    unsigned most = p->limit + (unsigned)(ahead < AHEAD_MAX ? ahead : AHEAD_MAX);
    unsigned taken = p->queued + p->busy;

    return taken < most ? most - taken : 0;
}

static void *work(void *ud);

/* A thread is only made when there is something for it to do. Without one, what waits is given back after a while. */
static void wake_one(struct job_pool *p)
{
    if (p->idle > 0 || p->threads_n == p->limit) {
        pthread_cond_signal(&p->wake);
        return;
    }
    if (thread_start(&p->threads[p->threads_n], "job", false, work, p) == 0)
        p->threads_n++;
    else if (p->threads_n == 0)
        log_error("no thread can be made to run jobs", LOG_TEXT("why", strerror(errno)));
}

/* What was leased ahead has waited for too long: no more of it, until a number of runs were short again. */
void pool_take_less(struct job_pool *p)
{
    p->run_us = 8 * AHEAD_US * (int64_t)p->limit;
}

void pool_put(struct job_pool *p, struct job *job)
{
    list_append(&p->queue, &job->node);
    p->queued++;
    if (p->engine->phase != JOBS_IDLE)
        wake_one(p);
}

struct job *pool_take(struct job_pool *p)
{
    if (list_empty(&p->queue))
        return NULL;
    struct job *job = LIST_OWNER(p->queue.next, struct job, node);
    list_remove(&job->node);
    p->queued--;
    p->busy++;
    return job;
}

/* ---- running ---- */

static int64_t timeout_of(const struct job *job)
{
    int64_t us = job->kind->kind.timeout_us;

    return us > 0 ? us : JOB_TIMEOUT_US;
}

static void count(const struct job *job)
{
    const struct job_registered *k = job->kind;

    metric_observe_us(k->took, job->took_us);
    metric_add(job->result < 0 ? k->failed : k->done, 1);
}

static void run(struct job *job)
{
    const struct job_kind *k = &job->kind->kind;
    int64_t since_us = clock_monotonic_us();

    atomic_store(&job->deadline_us, since_us + timeout_of(job));
    job->result = job->ending ? k->dead(job, k->ud) : k->run(job, k->ud);
    job_watch_cancelled(job, NULL, NULL);
    job->took_us = clock_monotonic_us() - since_us;
    count(job);
}

/* Hands the job to the keeper afterwards. */
void pool_run(struct job_pool *p, struct job *job)
{
    struct jobs *j = p->engine;

    metric_add(j->running, 1);
    run(job);
    metric_add(j->running, -1);
    heap_rest(job->took_us);
    pthread_mutex_lock(&j->lock);
    p->busy--;
    p->run_us += (job->took_us - p->run_us) / 8;
    list_append(&j->finished, &job->node);
    pthread_cond_signal(&j->wake_keeper);
    pthread_mutex_unlock(&j->lock);
}

/* NULL: the engine is over. */
static struct job *wait_for_job(struct job_pool *p)
{
    struct jobs *j = p->engine;
    struct job *job = NULL;

    pthread_mutex_lock(&j->lock);
    while (j->phase < JOBS_OVER && (j->phase > JOBS_RUN || !(job = pool_take(p)))) {
        p->idle++;
        pthread_cond_wait(&p->wake, &j->lock);
        p->idle--;
    }
    pthread_mutex_unlock(&j->lock);
    return job;
}

static void *work(void *ud)
{
    struct job_pool *p = ud;
    struct job *job;

    while ((job = wait_for_job(p)))
        pool_run(p, job);
    return NULL;
}

/* False: one of its threads is still inside a job. */
bool pool_join(struct job_pool *p)
{
    pthread_mutex_lock(&p->engine->lock);
    unsigned busy = p->busy;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->engine->lock);
    for (unsigned i = 0; busy == 0 && i < p->threads_n; i++)
        pthread_join(p->threads[i], NULL);
    if (busy == 0)
        p->threads_n = 0;
    return busy == 0;
}
