/* job_calls.h - the jobs of plugins, for the engine that knows no plugins: each run is a call. */
#ifndef PLUGIN_JOB_CALLS_H
#define PLUGIN_JOB_CALLS_H

#include "jobs/jobs.h"
#include "plugin/instance.h"

/* The plugin's kinds, in the process's engine of jobs; without one, nothing. Before jobs_start(), after the plugin's own
 * start. 0, or -1 with a sentence in why. [main thread] */
int job_calls_register(dw_instance *instance, struct buf *why);

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
