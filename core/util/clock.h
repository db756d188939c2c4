/* clock.h - instants in microseconds. [any thread] */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "util/str.h"

enum { CLOCK_MS = 1000, CLOCK_SECOND = 1000000 };

/* For durations and deadlines: never jumps. */
static inline int64_t clock_monotonic_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * CLOCK_SECOND + t.tv_nsec / 1000;
}

/* UTC since 1970: for people and peers. */
static inline int64_t clock_wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * CLOCK_SECOND + t.tv_nsec / 1000;
}

/* RFC 3339 with six digits and Z: 27 characters and a NUL. Years 0 to 9999; beyond them the nearest instant of those. */
enum { CLOCK_RFC3339_SIZE = 28 };
void clock_format_rfc3339(int64_t wall_us, char out[CLOCK_RFC3339_SIZE]);

/* A date-time of RFC 3339 with its offset or Z: "2026-11-21T08:05:00.5+01:00". Digits beyond the sixth of a fraction are
 * cut off. False on anything else: days that do not exist, second 60 (these microseconds know no leap seconds), a space
 * for the T. */
bool clock_parse_rfc3339(struct str text, int64_t *wall_us);

/* "Sun, 06 Nov 1994 08:49:37 GMT": 29 characters and a NUL. */
enum { CLOCK_HTTP_SIZE = 30 };
void clock_format_http(int64_t wall_us, char out[CLOCK_HTTP_SIZE]);

/* The form above (the one RFC 9110 wants sent); -1 on anything else, which a condition then ignores. Seconds. */
int64_t clock_parse_http(const char *text, unsigned long n);

#endif
