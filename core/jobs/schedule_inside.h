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

/* Those there are, as they were told; its address must not change. */
struct schedule_tenants {
    struct arena memory;
    struct schedule_tenant {
        struct schedule_tenant *next;
        const char *name;
    } * first, **last;
    uint64_t digest; /* of all names */
    bool are_known;  /* false: not all were told, and nothing follows from those that were */
};

struct schedules {
    struct schedules_options options;
    struct arena memory;
    struct planned *plans, **last;

    /* The ticker's. */
    bool has_compared; /* once, at the start */
    bool has_written;  /* the specs of this server's plans: later only tenants are looked at */
    bool is_in_trouble;
    int64_t seen_us;       /* by the clock, in the last tick */
    int64_t tenants_at_us; /* monotonic: when rows are compared with tenants again */
    uint64_t tenants;      /* the digest of those that rows were compared with */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool noticed, tenants_noticed, stopping, is_started;
    pthread_t thread;
};

/* schedule_tenants.c: may take a while. [the ticker, without a transaction] */
void schedule_tenants_read(const struct schedules *s, struct schedule_tenants *out);
void schedule_tenants_finish(struct schedule_tenants *all);

/* schedule_compare.c: a plan's rows become what they shall be: one for each tenant, or one across them, with what the plan
 * says. While the tenants are not known, those of tenants stay as they are. In the session's transaction. 0 or more, or an
 * error. */
int schedule_compare(struct schedules *s, const struct planned *p, const struct schedule_tenants *tenants,
                     struct db_session *session, struct arena *arena, int64_t now_us);

#endif
