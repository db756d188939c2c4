/* rounding.h - does what a target makes of times by itself explain what is there? Learnt from what it made of others. Pure. [any] */
#ifndef TIMESYNC_ROUNDING_H
#define TIMESYNC_ROUNDING_H

#include <stddef.h>
#include <stdint.h>

/* What it was told of a time, and what it made of that. Microseconds since 1970; seconds: how long it calls it. */
struct rounded {
    int64_t begin, end;
    int64_t made_begin, made_end, made_seconds;
};

enum rounding {
    ROUNDING_NO,    /* no way to round that fits all the others makes this of it */
    ROUNDING_MAYBE, /* some do, or none fits the others: it rounds in another way since, or not on every day */
    ROUNDING_YES,   /* whichever fits the others makes just this of it */
};

/* A target moves begin, end and length, each for itself, to a multiple of some minutes up to a day: always down, always up, or to
 * the nearest. */
enum rounding rounding_explains(const struct rounded *others, size_t n, const struct rounded *is);

#endif
