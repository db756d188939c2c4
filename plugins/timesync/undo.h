/* undo.h - what a run did is taken back, where nobody changed or billed it since. [call] */
#ifndef TIMESYNC_UNDO_H
#define TIMESYNC_UNDO_H

#include "ending.h"

/* Steps of an undo, from those of the run that it undoes. In a transaction of its own. */
int undo_steps(dw_call *c, struct work *w);

/* One of them. 0, WORK_WAITS, WORK_STOPS, or an error. */
int undo_step(dw_call *c, struct work *w, const struct step *s, struct entry *e);

/* Its end was found out by settle(), which knows nothing of undoing. */
int undo_settled(dw_call *c, struct work *w, const struct step *s);

#endif
