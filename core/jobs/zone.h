/* zone.h - time zones by their IANA names, and what a clock shows there. Without TZ and tzset(): any number at a time.
 *
 * A zone is read from the system's zoneinfo once and kept until the process ends; an update of tzdata counts from the next
 * reload on. Seconds since 1970; "local" ones are what the clock and the calendar on the wall would be in UTC.
 * [any thread] */
#ifndef JOBS_ZONE_H
#define JOBS_ZONE_H

#include "jobs/tzfile.h"
#include "util/buf.h"

struct zone;

/* "Europe/Berlin", as IANA spells it. 0; or -1 with a sentence in why: no such zone and which is meant, no zoneinfo at
 * all, a file that cannot be read. */
int zone_find(const struct zone **out, struct str name, struct buf *why);

/* Needs no zoneinfo. */
const struct zone *zone_utc(void);

const char *zone_name(const struct zone *z);

/* The time around an instant in which the clock is not changed. */
struct tzspan zone_span_at(const struct zone *z, int64_t utc);

/* What the clock shows. */
static inline int64_t zone_local(const struct zone *z, int64_t utc)
{
    return utc + zone_span_at(z, utc).offset;
}

/* When it shows something. */
enum zone_times {
    ZONE_ONCE, /* first == last */
    ZONE_GAP,  /* never, it is skipped: first == last is the instant of the change, the next valid one */
    ZONE_FOLD, /* twice, it is set back in between: first < last */
};
enum zone_times zone_instants(const struct zone *z, int64_t local, int64_t *first, int64_t *last);

#endif
