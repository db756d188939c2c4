/* run_end.h - how runs end. [call] */
#ifndef TIMESYNC_RUN_END_H
#define TIMESYNC_RUN_END_H

#include "work.h"

/* If nothing is left to do: it is done. 1, or 0: something is, or somebody else has ended it. */
int run_finish(dw_call *c, struct work *w);

/* It has failed, and says why; what is left is the next run's. Credentials that are refused hold the sync for a while. */
int run_fail(dw_call *c, struct work *w);

/* It was ended by somebody while it was being worked on: what was made for it since then is no work any more. */
int run_sweep(dw_call *c, struct work *w);

#endif
