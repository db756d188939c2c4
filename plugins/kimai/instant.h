/* instant.h - points in time as Kimai writes and reads them. Microseconds since 1970, UTC. [any thread] */
#ifndef KIMAI_INSTANT_H
#define KIMAI_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

enum { INSTANT_SIZE = 24 };

/* "2026-07-01T11:00:00+0200", as Kimai prints it: without a colon, which RFC 3339 does not know. With one, with Z, with a
 * fraction (what is below a microsecond is dropped) and with a blank for the T as well. 0, or -1 for what is none, and for
 * one without an offset: it would be somebody's local time. */
int instant_parse(const char *text, int64_t *us);

/* "2026-07-01T09:00:00Z": the only form that Kimai does not read in somebody's local time. Seconds, rounded down. */
void instant_utc(int64_t us, char out[INSTANT_SIZE]);

/* "2026-07-01T09:00:00", which Kimai's queries insist on; whose clock that is has to be clear otherwise. */
void instant_bare(int64_t us, char out[INSTANT_SIZE]);

/* The head's "Date: Fri, 27 Nov 2026 18:22:03 GMT". 0 or -1. */
int instant_parse_date(const char *text, int64_t *us);

/* "2026-12-31", also as the beginning of an instant: the first moment of that day in UTC. 0 or -1. */
int instant_parse_day(const char *text, int64_t *us);

#endif
