/* evaluate.h - one step of a pass, and parts of it that decisions of persons use. [call] */
#ifndef TIMESYNC_EVALUATE_H
#define TIMESYNC_EVALUATE_H

#include "places.h"
#include "work.h"

/* Compares, and does what the rules say. 0, WORK_WAITS, WORK_STOPS, or an error, as all here. */
int evaluate(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted);

/* Of a ticket that moved the project is the timesheet's own. */
void evaluate_stay(const struct entry *e, const struct sheet *base, struct wanted *wanted);

/* What was found is right: the new baseline. */
int evaluate_accept(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                    const struct wanted *wanted, const struct sheet *found, const char *state);

/* A timesheet, once more where there was one. */
int evaluate_create(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted);

#endif
