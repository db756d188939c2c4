/* channel_position.h - where in a channel's log a client stands: the ids of its events.
 *
 * "7" is the record number 7, "7.3" the third passing event after it. Passing ones are not kept, so a client that comes
 * back with "7.3" and finds that more has happened has seen a part that nobody can complete: it gets the records after 7,
 * and then is told to drop that part. */
#ifndef PLUGIN_CHANNEL_POSITION_H
#define PLUGIN_CHANNEL_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "util/str.h"

struct channel_position {
    uint64_t records, passing;
};

enum { CHANNEL_POSITION_SIZE = 44 };
void channel_position_write(const struct channel_position *p, char out[CHANNEL_POSITION_SIZE]);

/* From which record on a client gets them, and whether a reset follows. */
struct channel_resume {
    uint64_t records;
    bool must_reset;
};

/* `last_id` is what the client sent, or empty: then it gets everything. So does one whose id is none of this channel's
 * (of an earlier one of the same name), with a reset. */
struct channel_resume channel_resume_at(struct str last_id, const struct channel_position *now);

#endif
