/* uuid.h - ids that sort by their creation: UUIDs of version 7 (RFC 9562). [any thread] */
#ifndef SECURE_UUID_H
#define SECURE_UUID_H

#include <stdatomic.h>

#include "util/compiler.h"
#include "util/str.h"

enum { UUID_TEXT = 36, UUID_TEXT_SIZE = UUID_TEXT + 1 };

struct uuid {
    unsigned char bytes
        [16]; /* in memcmp's order, and as texts in strcmp's, ids of one process stand as they were made */
};

/* A new id, greater than every earlier one of this process, on whichever thread, also when the clock has been set back:
 * 48 bits of milliseconds and 12 of their fraction, both of which run ahead of the clock when they must, then 62 random
 * bits. 0; or -1 with errno when there are no random bytes to be had. */
int uuid_make(struct uuid *out) DW_MUST_CHECK;

/* The same with a clock of the caller's: `last` begins as 0 and orders the ids that were made with it. For tests. */
int uuid_make_at(_Atomic uint64_t *last, int64_t wall_us, struct uuid *out) DW_MUST_CHECK;

/* Lower case, terminated. */
void uuid_format(const struct uuid *id, char out[UUID_TEXT_SIZE]);

/* Any version; hyphens where they belong, hex digits in either case, no braces, nothing around it. 0 or -1. `out` may be
 * NULL to only ask. */
int uuid_parse(struct str text, struct uuid *out);

#endif
