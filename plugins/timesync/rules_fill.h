/* rules_fill.h - a sync that was made by an older version lacks the rules that are new: they are added as they are by themselves, so that
 * whoever lists it sees all of them. [call] */
#ifndef TIMESYNC_RULES_FILL_H
#define TIMESYNC_RULES_FILL_H

#include <dowel/dowel.h>

/* Of all syncs, each in a transaction of its own. 0 or an error. */
int rules_fill_all(dw_call *c);

#endif
