/* schedule_inside.h - what the files of the ticker share. */
#ifndef JOBS_SCHEDULE_INSIDE_H
#define JOBS_SCHEDULE_INSIDE_H

#include <pthread.h>

#include "jobs/schedule_rows.h"
#include "metrics/metrics.h"

/* A clock that goes back further than an hour has been wrong before. */
#define SCHEDULE_JUMP_US (INT64_C(3600) * CLOCK_SECOND)

struct planned {
    struct planned *next;
    struct schedule_plan plan;
    const char *name, *job; /* "csvtime.poll", "csvtime.read" */
    struct metric *fired, *skipped, *missed;
    bool is_unreadable; /* its row, which another version of the server wrote: left to that. The ticker's */
};

struct schedules {
    struct schedules_options options;
    struct arena memory;
    struct planned *plans, **last;

    /* The ticker's. */
    bool has_written; /* the specs of this server's plans: later only tenants are looked at */
    bool is_in_trouble;
    int64_t seen_us;       /* by the clock, in the last tick */
    int64_t tenants_at_us; /* monotonic: when rows are compared with tenants again */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool noticed, stopping, is_started;
    pthread_t thread;
};

/* schedule_compare.c: a plan's rows become what they shall be: one for each tenant, or one across them, with what the plan
 * says. In the session's transaction. 0 or more, or an error. */
int schedule_compare(struct schedules *s, const struct planned *p, struct db_session *session,
                     struct arena *arena, int64_t now_us);

#endif
