/* counts.h - a run's numbers, which have to add up. [call] */
#ifndef TIMESYNC_COUNTS_H
#define TIMESYNC_COUNTS_H

#include <dowel/dowel.h>

struct counts {
    int64_t examined, created, updated, unchanged, deleted, skipped, to_decide, failed, adopted;
    int64_t open; /* steps without an outcome */
};

/* Of the run: what reading counted, and its steps. */
int counts_of(dw_call *c, const char *run, struct counts *out);

/* The same into the run's row. In the open transaction. */
int counts_write(dw_call *c, const char *run);

#endif
