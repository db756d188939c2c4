/* batch.h - entries on their way into the table, 200 in a transaction. [call] */
#ifndef TIMESYNC_BATCH_H
#define TIMESYNC_BATCH_H

#include "arena.h"
#include "work.h"

struct read_counts;
struct known_entry;

enum { BATCH = 200 };

struct batch_row {
    struct entry entry; /* its texts are the batch's */
    char hash[DIGEST_HEX], recipe[DIGEST_HEX];
    dw_time starts;
    int64_t seconds;
    struct known_entry *known; /* NULL: it was not there when all were loaded, or none were */
};

struct batch {
    struct work *w;
    struct read_counts *counts;
    bool is_full; /* of a full comparison: what waits for a person is tried once more */
    bool
        is_followed_by_look; /* all of the target is listed before any step of this run is done: see make_step() */
    struct arena arena;
    struct batch_row rows[BATCH];
    size_t n;
};

/* Copies it; writes when it is full. 0, or an error. */
int batch_add(dw_call *c, struct batch *b, const struct entry *e, const unsigned char hash[DIGEST_SIZE],
              const struct wanted *wanted, struct known_entry *known);

/* Writes what is in it. */
int batch_flush(dw_call *c, struct batch *b);
void batch_free(void *batch);

#endif
