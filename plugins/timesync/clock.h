/* clock.h - our own clock may have been set back: what was written with times that are ahead of it now is mended. [call] */
#ifndef TIMESYNC_CLOCK_H
#define TIMESYNC_CLOCK_H

#include <dowel/dowel.h>

/* Once a minute. Polls that would begin after what is not read yet compare all; schedules and holds do not wait until the clock is where it
 * was. 0 or an error. */
int clock_look(dw_call *c);

#endif
