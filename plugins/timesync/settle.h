/* settle.h - what became of a request whose outcome nobody knows: the server that sent it died, or the answer got lost. [call]
 *
 * Waits until the request must have come, then looks; never writes again before that. */
#ifndef TIMESYNC_SETTLE_H
#define TIMESYNC_SETTLE_H

#include "ending.h"

/* Of an entry with an intent. WORK_GOES_ON: *e has none any more, and the step goes on; WORK_DONE: that was it; WORK_WAITS,
 * WORK_STOPS, or an error. */
int settle(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted);

#endif
