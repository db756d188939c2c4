/* suggest.h - what is not mapped yet, with what looks like it at the target. [call] */
#ifndef TIMESYNC_SUGGEST_H
#define TIMESYNC_SUGGEST_H

#include "sync.h"

struct suggestion {
    const char *kind, *source, *source_name;
    const char *target, *target_name; /* NULL: nothing looks like it, or several do */
    bool by_address;                  /* who has the same one is found without a mapping */
    int64_t cases;                    /* open ones, that a mapping would settle */
};

/* Those with most cases first, 500 at most. People are told by their address, else by their name. Asks the target. kind:
 * "activity", "user", "customer", "project". What a visit is given goes with it. */
int suggest_each(dw_call *c, const struct sync *s, const char *kind,
                 int (*visit)(dw_call *c, const struct suggestion *one, void *ud), void *ud);

#endif
