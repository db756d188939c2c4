/* job_calls.h - the jobs of plugins, for the engine that knows no plugins: each run is a call. */
#ifndef PLUGIN_JOB_CALLS_H
#define PLUGIN_JOB_CALLS_H

#include "jobs/jobs.h"
#include "plugin/instance.h"

/* The plugin's kinds, in the process's engine of jobs; without one, nothing. Before jobs_start(), after the plugin's own
 * start. 0, or -1 with a sentence in why. [main thread] */
int job_calls_register(dw_instance *instance, struct buf *why);

/* ---- other callbacks that run as jobs ---- */

/* Borrowed as long as the kind whose ud it is. */
struct job_callback {
    dw_instance *instance;
    const char *what; /* "event notes.*", for the log and crash notes */
    uint32_t label;   /* activity_label() of both */
    int (*run)(dw_call *c, struct job *job, void *ud);
    void *ud;
};

/* The run of a job: the callback in a call of its own, for the job's tenant and principal, cancelled with the job, again
 * where the database wants it; why it failed is told to the job and the log. For struct job_kind's run and dead. */
int job_callback_run(const struct job_callback *r, struct job *job);

/* ---- for host_jobs.c ---- */

/* What a dw_job points to. Never unmapped: one that is used after its callback is found out. */
struct job_handle {
    struct job_handle *next; /* in the list of free ones */
    dw_call *c;              /* NULL: nobody's */
    struct job *job;
    json_t *payload; /* the call's; NULL: not read yet */
};

/* The engine's job behind a handle, and its call: 0, or what to return. */
int job_handle_check(dw_job *handle, const char *step, struct job_handle **out);

#endif
