/* decide.h - what a person chose for a case is carried out; see reasons.h for the actions. [call] */
#ifndef TIMESYNC_DECIDE_H
#define TIMESYNC_DECIDE_H

#include "evaluate.h"

/* Of an entry. 0, WORK_WAITS, WORK_STOPS, or an error. */
int decide(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted);

/* Of a timesheet that no entry has: what is to be done with it, or the case about it. */
int decide_strange(dw_call *c, struct work *w, const struct step *s);

/* A timesheet was found for an entry that had none then, and by now it has another one: a person is told of that one. 0, WORK_WAITS,
 * WORK_STOPS, or an error. */
int decide_other(dw_call *c, struct work *w, const struct step *s, const struct entry *e);

#endif
