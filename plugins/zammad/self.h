/* self.h - what the plugin has in memory for itself: dw_self(). */
#ifndef ZAMMAD_SELF_H
#define ZAMMAD_SELF_H

#include "recent.h"
#include "strategy.h"

struct self {
    struct strategies strategies;
    struct recent recent;
};

static inline struct self *self_of(dw_call *c)
{
    return dw_self(c);
}

#endif
