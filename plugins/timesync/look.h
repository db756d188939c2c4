/* look.h - what is at the target: edits, absences, doubles, and timesheets to adopt become steps. [call] */
#ifndef TIMESYNC_LOOK_H
#define TIMESYNC_LOOK_H

#include "read.h"

/* All timesheets of the sync's window, once, after the source was read. With what is missing. 0, WORK_WAITS, WORK_STOPS, or an
 * error. */
int look_all(dw_call *c, struct work *w, struct known *known, struct read_counts *counts);

/* Those that changed since. */
int look_changed(dw_call *c, struct work *w, dw_time since, struct read_counts *counts);

#endif
