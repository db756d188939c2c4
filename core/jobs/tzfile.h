/* tzfile.h - one zone as its file tells it: TZif (RFC 9636), which the system's zoneinfo consists of.
 *
 * The changes that the file lists, and for all that comes after them the rule of its footer ("CET-1CEST,M3.5.0,M10.5.0/3").
 * Why not by a library: docs/dependencies.md. [any thread] */
#ifndef JOBS_TZFILE_H
#define JOBS_TZFILE_H

#include "util/str.h"

struct tzfile;

/* No clock is further from UTC: 26 hours, in seconds. */
enum { TZFILE_OFFSET_MAX = 26 * 3600 };

/* A copy of what counts in the bytes of a file: 0; or -1 with why not ("its counts do not fit its size"), constant. */
int tzfile_read(struct tzfile **out, struct str bytes, const char **why);

/* NULL is safe. */
void tzfile_destroy(struct tzfile *t);

/* A time without a change. Seconds since 1970 in UTC. */
struct tzspan {
    int64_t from,
        until; /* the first second that is in it, and the first that is not; INT64_MIN, INT64_MAX: no end */
    int64_t offset; /* of the clocks, seconds east of UTC */
};

struct tzspan tzfile_span_at(const struct tzfile *t, int64_t utc);

#endif
