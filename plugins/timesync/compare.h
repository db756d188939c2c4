/* compare.h - what is to be done with an entry and its timesheet: three versions side by side, and the rules. Pure. [any] */
#ifndef TIMESYNC_COMPARE_H
#define TIMESYNC_COMPARE_H

#include "reasons.h"
#include "rules.h"

enum side_source { SOURCE_SAME, SOURCE_CHANGED, SOURCE_GONE };
enum side_link { LINK_NONE, LINK_LINKED, LINK_UNFOLLOWED };

/* Against the baseline. UNKNOWN: it was not looked at in this run, and nothing says that it changed. */
enum side_target {
    TARGET_UNKNOWN,
    TARGET_SAME,
    TARGET_CHANGED,
    TARGET_ABSENT,
};

struct compare_in {
    enum side_source source;
    enum side_link link;
    enum side_target target;
    bool is_as_wanted; /* what is watched of the target is what the rules make of the source */
    bool is_rounded;   /* the same, but for what its target makes of the time by itself */
    bool is_exported;
};

enum verdict {
    VERDICT_UNCHANGED,
    VERDICT_LOOK,     /* read the target first: nothing is written blind */
    VERDICT_CREATE,   /* or adopt, where one with its marker is there */
    VERDICT_UPDATE,   /* what the rules make of the source goes into the timesheet */
    VERDICT_REMOVE,   /* the timesheet */
    VERDICT_ACCEPT,   /* nothing to write: what is there is the new baseline */
    VERDICT_UNFOLLOW, /* the target's version stays, for good */
    VERDICT_SKIP,     /* the reason says why */
    VERDICT_FORGET,   /* gone on both sides, or never there */
    VERDICT_CASE,     /* for a person; the reason says why */
};

struct compare_out {
    enum verdict verdict;
    enum reason reason;
};

/* An exported timesheet is neither changed nor removed, whatever the rules say; that it was exported is no edit. */
struct compare_out compare(const struct compare_in *in, const struct rules *r);

#endif
