#include "plugin/job_calls.h"

#include <pthread.h>
#include <stdlib.h>

#include "config/units.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "plugin/call.h"
#include "plugin/call_db.h"
#include "plugin/descriptor.h"
#include "plugin/outcome.h"
#include "plugin/repeat.h"
#include "util/clock.h"

/* A plugin's kind of job. */
struct registered {
    struct job_callback run, dead;
};

/* ---- handles ---- */

enum { HANDLES_RESTING = 256 };

/* Oldest first: one is used again as late as possible, so that a plugin that kept it is found out. */
static struct {
    pthread_mutex_t lock;
    struct job_handle *first, **last;
    unsigned n;
} resting = { .lock = PTHREAD_MUTEX_INITIALIZER, .last = &resting.first };

static struct job_handle *take_handle(dw_call *c, struct job *job)
{
    struct job_handle *h = NULL;

    pthread_mutex_lock(&resting.lock);
    if (resting.n > HANDLES_RESTING) {
        h = resting.first;
        resting.first = h->next;
        resting.n--;
    }
    pthread_mutex_unlock(&resting.lock);
    if (!h)
        h = malloc(sizeof(*h));
    if (h)
        *h = (struct job_handle){ .c = c, .job = job };
    return h;
}

static void give_handle(struct job_handle *h)
{
    pthread_mutex_lock(&resting.lock);
    *h = (struct job_handle){ 0 };
    *resting.last = h;
    resting.last = &h->next;
    resting.n++;
    pthread_mutex_unlock(&resting.lock);
}

int job_handle_check(dw_job *handle, const char *step, struct job_handle **out)
{
    struct job_handle *h = (struct job_handle *)(void *)handle;

    *out = h;
    return call_check(h ? h->c : NULL, step);
}

/* ---- a run ---- */

static void cancel_call(void *ud)
{
    call_cancel(ud);
}

static int begin_call(dw_call **out, const struct job_callback *r, struct job *job)
{
    const struct call_options options = {
        .instance = r->instance,
        .label = r->label,
        .what = r->what,
        .deadline_us = job_deadline_us(job),
        .tenant = job_tenant(job),
        .principal = job_principal(job),
    };

    if (call_begin(out, &options) != 0)
        return DW_ENOMEM;
    (*out)->job = job;
    job_watch_cancelled(job, cancel_call, *out);
    return 0;
}

static void end_call(dw_call *c, struct job *job)
{
    job_watch_cancelled(job, NULL, NULL);
    call_end(c);
}

/* What it returned may mean nothing, or it went on without the memory that it asked for. */
static int judge(dw_call *c, int rc)
{
    if (rc >= DW_EINTERNAL && rc < 0)
        return rc;
    if (rc < 0)
        return call_fail(c, DW_EINTERNAL, "it returned %d, which means nothing", rc);
    return atomic_load(&c->flags) & CALL_POISONED ? DW_ENOMEM : rc;
}

/* For the admin: in the job's row, and in the log. */
static void explain(const struct job_callback *r, struct job *job, const dw_call *c, int rc)
{
    struct buf text = BUF_INIT;
    bool is_said = c->error.code == rc && *c->error.text;

    buf_add_format(&text, "%s", is_said ? c->error.text : outcome_name(rc));
    if (is_said && *c->error.detail)
        buf_add_format(&text, " (%s)", c->error.detail);
    job_explain(job, buf_text(&text), is_said ? c->error.retry_after.us : 0);
    metric_add(r->instance->metrics.failures, 1);
    log_warn("a job failed", LOG_TEXT("plugin", r->instance->name), LOG_TEXT("job", r->what),
             LOG_TEXT("id", job_id(job)), LOG_NUMBER("attempt", job_attempt(job)),
             LOG_TEXT("code", outcome_name(rc)), LOG_STR("why", buf_str(&text)));
    buf_finish(&text);
}

static int run_once(const struct job_callback *r, struct job *job, struct repeat *repeat, bool *repeats)
{
    dw_call *c;

    *repeats = false;
    if (begin_call(&c, r, job) != 0) {
        job_explain(job, "out of memory", 0);
        return DW_ENOMEM;
    }
    int rc = judge(c, call_check_committed(c, r->run(c, job, r->ud)));
    *repeats = repeat_wanted(repeat, c, rc);
    if (rc < 0 && !*repeats)
        explain(r, job, c, rc);
    end_call(c, job);
    return rc;
}

int job_callback_run(const struct job_callback *r, struct job *job)
{
    struct repeat repeat = REPEAT_INIT;
    bool repeats;
    int rc;

    if (atomic_load(&r->instance->missing)) {
        job_explain(job, "its plugin is not running", 0);
        return DW_EUNAVAILABLE;
    }
    do {
        rc = run_once(r, job, &repeat, &repeats);
    } while (repeats);
    return rc;
}

/* ---- the kinds ---- */

static int with_handle(dw_call *c, struct job *job, int (*callback)(dw_call *c, dw_job *job))
{
    struct job_handle *h = take_handle(c, job);
    int rc;

    if (!h)
        return call_fail(c, DW_ENOMEM, "out of memory");
    rc = callback(c, (dw_job *)(void *)h);
    give_handle(h);
    return rc;
}

static int play(dw_call *c, struct job *job, void *ud)
{
    const dw_job_kind *kind = ud;

    return with_handle(c, job, kind->run);
}

/* Its dw_error_of() is why the job is given up. */
static int bury(dw_call *c, struct job *job, void *ud)
{
    const dw_job_kind *kind = ud;
    const char *text;
    int code = job_last_error(job, &text);

    if (code < 0)
        call_fail(c, code, "%s", text);
    return with_handle(c, job, kind->dead);
}

static int run(struct job *job, void *ud)
{
    const struct registered *r = ud;

    return job_callback_run(&r->run, job);
}

static int die(struct job *job, void *ud)
{
    const struct registered *r = ud;

    return job_callback_run(&r->dead, job);
}

/* ---- registering ---- */

static int register_kind(dw_instance *i, const dw_job_kind *kind)
{
    struct jobs *jobs = i->process->jobs;
    struct registered *r = jobs_alloc(jobs, sizeof(*r));
    struct job_kind k = { .owner = i->name,
                          .name = kind->name,
                          .run = run,
                          .dead = kind->dead ? die : NULL,
                          .ud = r,
                          .attempts = kind->attempts,
                          .parallel = kind->parallel };

    if (!r)
        return -1;
    char *what = jobs_alloc(jobs, strlen(kind->name) + sizeof("job "));
    if (!what)
        return -1;
    memcpy(what, "job ", sizeof("job "));
    memcpy(what + strlen("job "), kind->name, strlen(kind->name));
    r->run = (struct job_callback){ .instance = i,
                                    .what = what,
                                    .label = activity_label(i->name, what),
                                    .run = play,
                                    .ud = (void *)(uintptr_t)kind };
    r->dead = r->run;
    r->dead.run = bury;
    if (kind->timeout)
        units_parse_span(str_from(kind->timeout), &k.timeout_us); /* was checked with the descriptor */
    activity_allow(r->run.label, k.timeout_us ? k.timeout_us : JOB_TIMEOUT_US);
    return jobs_register(jobs, &k);
}

int job_calls_register(dw_instance *i, struct buf *why)
{
    for (size_t n = 0; i->process->jobs && n < i->descriptor->jobs_n; n++) {
        if (register_kind(i, &i->descriptor->jobs[n]) != 0) {
            buf_add_format(why, "its job %s cannot be registered: out of memory",
                           i->descriptor->jobs[n].name);
            return -1;
        }
    }
    return 0;
}
