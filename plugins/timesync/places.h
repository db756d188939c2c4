/* places.h - customers, projects and users of the target: found, or made exactly once by all workers of all servers. [call] */
#ifndef TIMESYNC_PLACES_H
#define TIMESYNC_PLACES_H

#include "work.h"

/* Puts the ids into what is wanted: of the user, the customer, the project; or a reason, where there is none. 0, WORK_WAITS,
 * WORK_STOPS, or an error. Of a plan nothing is made: ids of what would be stay NULL. */
int places_resolve(dw_call *c, struct work *w, struct wanted *wanted);

/* What was remembered of its project and customer is of no use any longer: they are looked for anew. */
int places_forget(dw_call *c, struct work *w, const struct wanted *wanted);

#endif
