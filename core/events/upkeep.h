/* upkeep.h - what is old is deleted, by a job that comes back every few hours on one server of many. */
#ifndef EVENTS_UPKEEP_H
#define EVENTS_UPKEEP_H

#include "events/events.h"
#include "jobs/jobs.h"

struct events_upkeep {
    struct db *db; /* borrowed */
    struct events_keep keep;
    /* Writes down who is there, before those are forgotten who are not: 0 or a code. NULL: nobody. */
    int (*announce)(struct db_session *s, int64_t now_us, void *ud);
    void *ud;
};

/* Makes the kind known, and sees to it that there is such a job. `u` is borrowed until no job runs any more. Before
 * jobs_start(). 0, or -1 with a sentence in why. */
int events_upkeep_register(struct events_upkeep *u, struct jobs *jobs, struct buf *why);

#endif
