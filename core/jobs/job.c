/* job.c - one leased job: what its run can ask, and how it is told to stop. */
#include <stdlib.h>

#include "jobs/inside.h"

struct job *job_create(struct jobs *j, const struct job_registered *k)
{
    struct job *job = calloc(1, sizeof(*job));

    if (!job)
        return NULL;
    list_init(&job->node);
    list_init(&job->held);
    arena_init(&job->memory, NULL, 0, 0);
    pthread_mutex_init(&job->lock, NULL);
    job->engine = j;
    job->kind = k;
    job->again_us = -1;
    return job;
}

void job_destroy(struct job *job)
{
    if (!job)
        return;
    pthread_mutex_destroy(&job->lock);
    buf_finish(&job->error);
    arena_finish(&job->memory);
    free(job);
}

/* ---- stopping ---- */

enum job_stop job_stopped(const struct job *job)
{
    return (enum job_stop)atomic_load_explicit(&job->stop, memory_order_acquire);
}

/* The first reason counts, but who has lost his lease has nothing to say any more. */
void job_stop(struct job *job, enum job_stop why)
{
    pthread_mutex_lock(&job->lock);
    if (job_stopped(job) == JOB_GOES_ON || why == JOB_LOST)
        atomic_store_explicit(&job->stop, (int)why, memory_order_release);
    if (job->notice)
        job->notice(job->notice_ud);
    job->notice = NULL;
    pthread_mutex_unlock(&job->lock);
}

void job_watch_cancelled(struct job *job, void (*notice)(void *ud), void *ud)
{
    pthread_mutex_lock(&job->lock);
    bool late = notice && job_stopped(job) != JOB_GOES_ON;
    job->notice = late ? NULL : notice;
    job->notice_ud = ud;
    if (late)
        notice(ud);
    pthread_mutex_unlock(&job->lock);
}

/* ---- what it is ---- */

const char *job_id(const struct job *job)
{
    return job->id;
}

const char *job_tenant(const struct job *job)
{
    return job->tenant;
}

const char *job_principal(const struct job *job)
{
    return job->principal;
}

struct str job_payload(const struct job *job)
{
    return job->payload;
}

unsigned job_attempt(const struct job *job)
{
    return job->attempt;
}

int64_t job_deadline_us(const struct job *job)
{
    return atomic_load_explicit(&job->deadline_us, memory_order_relaxed);
}

int job_last_error(const struct job *job, const char **text)
{
    *text = job->last_error;
    return job->last_code;
}

/* ---- what it says ---- */

void job_explain(struct job *job, const char *text, int64_t retry_after_us)
{
    job->error.n = 0;
    buf_add_text(&job->error, text);
    buf_text(&job->error);
    job->retry_after_us = retry_after_us;
}

bool job_progress(struct job *job, int64_t done, int64_t total)
{
    atomic_store_explicit(&job->progress_done, done, memory_order_relaxed);
    atomic_store_explicit(&job->progress_total, total, memory_order_relaxed);
    atomic_store_explicit(&job->has_progressed, true, memory_order_release);
    return job_stopped(job) == JOB_GOES_ON;
}

void job_settled(struct job *job, bool committed)
{
    job->is_settled = committed;
    if (!committed)
        job->again_us = -1;
    atomic_store(&job->is_settling, committed);
}

void job_again_later(struct job *job, int64_t delay_us)
{
    job->again_us = delay_us > 0 ? delay_us : 0;
}
