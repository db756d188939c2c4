/* read.h - the source's entries into timesync_entries, and steps for those that are not simply as they were. [call] */
#ifndef TIMESYNC_READ_H
#define TIMESYNC_READ_H

#include "known.h"
#include "work.h"

/* What needed no step. An entry is counted once: if looking at the target makes a step for it, it is not counted here. */
struct read_counts {
    int64_t unchanged, skipped, to_decide;
    json_t *counted; /* without `known`: {id of an entry: enum counted} */
};

int64_t *read_count(struct read_counts *counts, enum counted counted); /* NULL for none */

/* There is a step for this entry now. k may be NULL. */
void read_uncount(struct read_counts *counts, struct known_entry *k, const char *entry);

/* All that changed since `since` (0: all), or was booked later than it is asked for. With `known`, all of it is compared in memory, and what the
 * complete list lacks is asked for once more by its ticket before it counts as gone. NULL: each is looked up.
 * 0, WORK_WAITS, WORK_STOPS, or an error. */
int read_all(dw_call *c, struct work *w, struct known *known, dw_time since, struct read_counts *counts);

/* The same without `known`, but nothing of what lies at `until` or later. */
int read_window_of(dw_call *c, struct work *w, dw_time since, dw_time until, struct read_counts *counts);

/* All of one ticket. *readable: false where the source does not show it (yet). */
int read_ticket(dw_call *c, struct work *w, const char *ticket, struct read_counts *counts, bool *readable);

/* Steps for what earlier runs left: waiting, failed, or with an intent. In its own transaction. */
int read_leftovers(dw_call *c, struct work *w);

#endif
