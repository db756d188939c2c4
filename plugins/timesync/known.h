/* known.h - the entries of a sync in memory, for runs that look at all of them: about 150 bytes each, loaded by one paged query, so that
 * what is unchanged costs no statement. [call] to load, the rest pure. */
#ifndef TIMESYNC_KNOWN_H
#define TIMESYNC_KNOWN_H

#include "digest.h"

#include <dowel/dowel.h>

enum known_state {
    KNOWN_WAITING,
    KNOWN_SYNCED,
    KNOWN_SKIPPED,
    KNOWN_DECIDING,
    KNOWN_FAILED,
    KNOWN_UNFOLLOWED,
    KNOWN_GONE,
};

/* As what an entry is counted that needs no step. */
enum counted { COUNTED_NOT, COUNTED_UNCHANGED, COUNTED_SKIPPED, COUNTED_TO_DECIDE };

struct known_entry {
    char id[37];
    unsigned char source_id[DIGEST_SIZE]; /* of the source's id */
    unsigned char hash[DIGEST_SIZE], pushed[DIGEST_SIZE];
    unsigned char sheet[DIGEST_SIZE]; /* of the timesheet's id; zeros: it has none */
    unsigned char base[DIGEST_SIZE];
    int64_t starts;                          /* us; 0: not known */
    unsigned char state;                     /* enum known_state */
    unsigned char counted;                   /* enum counted */
    bool is_settled;                         /* see entry_is_settled() */
    bool has_intent, is_exported, is_missed; /* by the source before, see gone_at */
    bool is_seen, is_sheet_seen;             /* in this run */
};

struct known;

/* Of the sync; freed with the call. 0 or an error. */
int known_load(dw_call *c, const char *sync, struct known **out);

/* By the source's id, or the timesheet's: NULL, it was not there when loaded. */
struct known_entry *known_by_source(struct known *k, const char *source_id);
struct known_entry *known_by_sheet(struct known *k, const char *sheet);

/* All of them, in no order. */
size_t known_count(const struct known *k);
struct known_entry *known_at(struct known *k, size_t i);

/* "synced" -> KNOWN_SYNCED; KNOWN_WAITING for what is none. */
enum known_state known_state_of(const char *state);

#endif
