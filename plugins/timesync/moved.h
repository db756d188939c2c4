/* moved.h - is the system behind a connection the one of which all that is known was read? Ids mean nothing in another one. [call] */
#ifndef TIMESYNC_MOVED_H
#define TIMESYNC_MOVED_H

#include "work.h"

/* Of the source or the target, which has just been opened. 0; WORK_STOPS: its address is another one than before, and the
 * sync is held until somebody says that it is the same system; or an error. What was not known yet is known from now on. */
int moved_check(dw_call *c, struct work *w, bool is_source, dw_connection *conn);

/* Somebody says so: whatever the addresses are at the next run, they are right. In the open transaction. 0 or an error. */
int moved_accept(dw_call *c, const char *sync);

#endif
