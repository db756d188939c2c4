/* notices.h - what a source tells while a sync of it is held or disabled, or what could not be read: each ticket once, and not without
 * bounds. [call] */
#ifndef TIMESYNC_NOTICES_H
#define TIMESYNC_NOTICES_H

#include "sync.h"

/* Of a ticket, or (NULL) of something. In the open transaction. 0 or an error. */
int notices_note(dw_call *c, const char *sync, const char *ticket);

/* The run of its only ticket has failed: told once more when another one has gone through since, as no poll sees what is gone. In the
 * open transaction. 0 or an error. */
int notices_note_again(dw_call *c, const char *sync, const char *ticket);

/* The sync works again: runs of what was noted, in the open transaction. 0 or an error. */
int notices_start(dw_call *c, const struct sync *s);

/* Those of all syncs that work again, each in a transaction of its own. 0 or an error. */
int notices_start_all(dw_call *c);

#endif
