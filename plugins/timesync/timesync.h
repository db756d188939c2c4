/* timesync.h - the plugin: its settings. */
#ifndef TIMESYNC_H
#define TIMESYNC_H

#include <dowel/dowel.h>

struct timesync_conf {
    dw_span keep_runs; /* how long runs and their steps are kept */
};

static inline const struct timesync_conf *timesync_conf(dw_call *c)
{
    return dw_conf(c);
}

#endif
