/* timesync.h - the plugin: its settings. */
#ifndef TIMESYNC_H
#define TIMESYNC_H

#include <dowel/dowel.h>

struct timesync_conf {
    dw_span keep_runs;   /* how long runs and their steps are kept */
    dw_span settle;      /* see timesync_settle(); 0: what the connector says */
    dw_span second_look; /* after a notice of which nothing came */
};

/* As long as nobody says that its sender is done, a request may leave late: it waits for its turn, and at the gate of a side that
 * wants time for five minutes at most. So many times timesync_settle(), then. */
enum { TIMESYNC_MAY_LEAVE_LATE = 5 };

/* Clocks of servers differ by less: what lies further ahead was written by one that has been set back since. */
#define TIMESYNC_AHEAD DW_MINUTES(1)

static inline const struct timesync_conf *timesync_conf(dw_call *c)
{
    return dw_conf(c);
}

/* How long after a request whose end is not known it may still take effect at the target. */
static inline dw_span timesync_settle(dw_call *c, dw_connection *target)
{
    const dw_span told = timesync_conf(c)->settle;

    return told.us ? told : dw_connection_settle(target);
}

/* Who waited for so long after he said what he is going to do may have been taken for dead, and sees whether it still is his to do. */
static inline bool timesync_is_late(dw_call *c, dw_connection *target, dw_span waited)
{
    return waited.us > timesync_settle(c, target).us / 4;
}

#endif
