/* shard.h - workers of a run: each has its share of the steps, those of a ticket are one worker's. [call] */
#ifndef TIMESYNC_SHARD_H
#define TIMESYNC_SHARD_H

#include "work.h"

enum { SHARD_ALL = -1 };

/* So many steps are worked off by the run's own job, as SHARD_ALL. */
enum { SHARD_FEW = 25 };

/* A job for each share that has steps. In the open transaction. 1, or an error. */
int shard_jobs(dw_call *c, const struct work *w);

/* Works off a share, or all; the job comes again for what has to wait. Ends the run where nothing is left. */
int shard_work(dw_call *c, dw_job *job, struct work *w, int64_t shard);

#endif
