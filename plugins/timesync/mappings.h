/* mappings.h - what of the source is what of the target. [call] */
#ifndef TIMESYNC_MAPPINGS_H
#define TIMESYNC_MAPPINGS_H

#include <dowel/dowel.h>

struct mapping {
    const char *target; /* "": mapped to nothing, never moved */
    const char *target_name;
    uint32_t billable; /* enum dw_billable */
};

/* 1 and *out in the call's memory, or 0. kind: "activity", "user", "customer", "project". */
int mapping_find(dw_call *c, const char *sync, const char *kind, const char *source, struct mapping *out);

/* All of a sync at once, for runs that ask for each of 100,000 entries. The call's. */
struct mappings;
int mappings_load(dw_call *c, const char *sync, struct mappings **out);

/* NULL: there is none. */
const struct mapping *mappings_get(const struct mappings *m, const char *kind, const char *source);

#endif
