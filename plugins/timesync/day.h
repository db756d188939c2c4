/* day.h - the column `day` of entries: the date of starts_at in the zone of their sync, by which reports count. [call] */
#ifndef TIMESYNC_DAY_H
#define TIMESYNC_DAY_H

#include <dowel/dowel.h>

/* "2026-11-21"; "" where the instant is 0: it cannot be told. In the call's memory. */
int day_of(dw_call *c, dw_time starts, const char *zone, const char **out);

/* All days of a sync anew, as its zone is another one now. In the open transaction. */
int day_again(dw_call *c, const char *sync, const char *zone);

#endif
