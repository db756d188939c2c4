/* jobs.c - jobs and events of the plugins, run when the test says so. */
#include "jobs/jobs.h"
#include "inside.h"
#include "plugin/job_calls.h"
#include "plugin/listeners.h"

int harness_open_jobs(dw_harness *h)
{
    const struct jobs_options options = {
        .db = h->process.db, .workers = 1, .wall_us = h->process.wall_us, .clock_ud = h->process.clock_ud
    };

    if (jobs_create(&h->process.jobs, &options) == 0)
        return 0;
    h->process.jobs = NULL;
    buf_add_text(&h->why, "out of memory");
    return -1;
}

int harness_register_jobs(dw_harness *h, dw_instance *instance)
{
    if (job_calls_register(instance, &h->why) != 0)
        return -1;
    return listeners_register(instance, &h->why);
}

void harness_close_jobs(dw_harness *h)
{
    jobs_destroy(h->process.jobs);
    h->process.jobs = NULL;
}

int dw_harness_run_jobs(dw_harness *h)
{
    h->why.n = 0;
    if (h->process.jobs && !h->is_stopped)
        return jobs_run_due(h->process.jobs, &h->why);
    buf_add_text(&h->why, "there are no jobs: it did not open, or was stopped");
    return -1;
}
