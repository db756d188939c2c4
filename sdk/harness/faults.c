/* faults.c - steps that fail because the test wants them to. */
#include "inside.h"
#include "jobs/jobs.h"
#include "log/log.h"
#include "util/clock.h"

/* Under the lock. */
static void crash(dw_harness *h)
{
    h->has_crashed = true;
    if (h->process.jobs)
        jobs_die(h->process.jobs);
}

int harness_fault(dw_call *c, const char *step, void *ud)
{
    dw_harness *h = ud;
    int rc = 0;

    (void)c;
    pthread_mutex_lock(&h->lock);
    h->steps++;
    if (h->crash_in > 0 && --h->crash_in == 0)
        crash(h);
    if (h->steps == h->fail_at || h->has_crashed) {
        h->failed_step = step;
        rc = h->has_crashed ? DW_EUNAVAILABLE : h->fail_with;
    }
    pthread_mutex_unlock(&h->lock);
    return rc;
}

bool harness_spoils(dw_call *c, void *ud)
{
    dw_harness *h = ud;

    (void)c;
    pthread_mutex_lock(&h->lock);
    bool spoils = ++h->commits == h->repeat_at;
    pthread_mutex_unlock(&h->lock);
    return spoils;
}

void dw_harness_repeat(dw_harness *h, unsigned n)
{
    pthread_mutex_lock(&h->lock);
    h->commits = 0;
    h->repeat_at = n;
    pthread_mutex_unlock(&h->lock);
}

void dw_harness_fail(dw_harness *h, unsigned n, enum dw_error code)
{
    pthread_mutex_lock(&h->lock);
    h->steps = 0;
    h->fail_at = n;
    h->fail_with = code;
    h->failed_step = NULL;
    pthread_mutex_unlock(&h->lock);
}

void dw_harness_crash(dw_harness *h, unsigned n)
{
    pthread_mutex_lock(&h->lock);
    h->crash_in = n;
    pthread_mutex_unlock(&h->lock);
}

bool dw_harness_has_crashed(dw_harness *h)
{
    pthread_mutex_lock(&h->lock);
    bool has = h->has_crashed;
    pthread_mutex_unlock(&h->lock);
    return has;
}

unsigned dw_harness_steps(dw_harness *h)
{
    pthread_mutex_lock(&h->lock);
    unsigned n = h->steps;
    pthread_mutex_unlock(&h->lock);
    return n;
}

const char *dw_harness_failed_step(dw_harness *h)
{
    pthread_mutex_lock(&h->lock);
    const char *step = h->failed_step;
    pthread_mutex_unlock(&h->lock);
    return step;
}

int dw_harness_torture(dw_harness *h, void (*play)(dw_harness *h, void *ud), void *ud)
{
    int plays = 0;

    for (unsigned n = 1;; n++) {
        dw_harness_fail(h, n, DW_EUNAVAILABLE);
        play(h, ud);
        plays++;
        const char *step = dw_harness_failed_step(h);
        struct harness_left left = harness_settle(h);
        if (left.calls + left.tokens > 0) {
            log_error("torture: something is left open", LOG_TEXT("failed_step", step ? step : "none"),
                      LOG_NUMBER("calls", left.calls), LOG_NUMBER("unanswered", left.tokens));
            return -1;
        }
        if (!step)
            break;
    }
    dw_harness_fail(h, 0, DW_EUNAVAILABLE);
    return plays;
}
