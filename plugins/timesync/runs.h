/* runs.h - passes of a sync: started by whoever wants one, carried out by jobs (run.c, read.c, write.c).
 *
 * A run reads the source into timesync_entries, makes a step for each entry that is not simply as it was, and works the steps off
 * with several workers. All that it knows is in the database: any server carries it on from where another one died. Runs of
 * single tickets go beside each other; of the others of one sync one at a time. [call] */
#ifndef TIMESYNC_RUNS_H
#define TIMESYNC_RUNS_H

#include "sync.h"

struct run_new {
    const char *sync;
    const char *kind; /* "poll", "full", "window", "tickets", "decide", "undo" */
    bool is_plan;
    const char *started_by; /* "schedule", "webhook", "person", "mapping" */
    json_t *scope;          /* see the migration; NULL: {} */
    const char *ticket;     /* of a run of a single one: one that waits is enough; NULL */
    const char *undoes;     /* of kind undo: which run */
};

/* Adds the run and its job, in the open transaction; *id is the call's. 1; 0: one of that ticket, or a poll of that sync by itself,
 * waits already, and *id is that one: it begins to read after now. DW_ECONFLICT: it is an undo of what is undone already
 * or not done. */
int run_start(dw_call *c, const struct run_new *want, const char **id);

/* Asks it to end after what it is at; its steps that are left become skipped (CANCELLED). In the open transaction. 1, 0: it has
 * ended already, DW_ENOTFOUND. */
int run_cancel(dw_call *c, const char *id);

/* Jobs and schedules of the plugin. */
int run_job(dw_call *c, dw_job *job);      /* "run": {run} */
int run_dead(dw_call *c, dw_job *job);     /* it is given up: the run has failed, and says why */
int run_work_job(dw_call *c, dw_job *job); /* "work": {run, shard} */
int run_tick_job(dw_call *c,
                 dw_job *job); /* "tick": starts what is due, carries on what was left, every minute */
int run_changed(dw_call *c, const dw_event *event); /* core.connection.changed */
int run_gone(dw_call *c, const dw_event *event);    /* core.connection.deleted */
int run_uses(dw_call *c, void *question);           /* the hook core.connection_uses */

#endif
