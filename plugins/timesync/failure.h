/* failure.h - what a connection's error means for a run. [call] */
#ifndef TIMESYNC_FAILURE_H
#define TIMESYNC_FAILURE_H

#include "reasons.h"

enum failure_kind {
    FAILURE_REFUSED, /* it did not happen, for a reason of this entry: a person's, or a rule's */
    FAILURE_UNKNOWN, /* it may have happened, or happen yet */
    FAILURE_AGAIN,   /* it certainly did not happen, and may the next time */
    FAILURE_WAITS,   /* as that, after `after` */
    FAILURE_STOPS,   /* nothing will work before somebody has done something about the connection */
    FAILURE_BROKEN,  /* ours: cancelled, out of memory, the database */
};

struct failure {
    enum failure_kind kind;
    int code;
    enum reason reason;
    const char *text; /* the call's; what the connector said */
    dw_span after;
};

/* Of the step that just failed with rc (below 0): its text is read from the call. Written: it was to change something. */
struct failure failure_of(dw_call *c, int rc, bool written);

#endif
