/* reasons.h - why something of an entry is left to a person, was skipped or went wrong, and what can be done about it. */
#ifndef TIMESYNC_REASONS_H
#define TIMESYNC_REASONS_H

#include <dowel/dowel.h>

enum reason {
    REASON_NONE,
    REASON_UNMAPPED_ACTIVITY,
    REASON_UNMAPPED_USER,
    REASON_PROJECT_OR_CUSTOMER_MISSING,
    REASON_DUPLICATE,
    REASON_TIME_MISMATCH,
    REASON_TARGET_CHANGED,
    REASON_BOTH_CHANGED,
    REASON_LOCKED_OR_EXPORTED,
    REASON_LOCKDOWN,
    REASON_OVERLAP,
    REASON_BUDGET,
    REASON_FUTURE,
    REASON_DELETED_SOURCE,
    REASON_DELETED_TARGET,
    REASON_MERGED_TICKET,
    REASON_EXPORTED_MEANWHILE,
    REASON_INVALID_AMOUNT,
    REASON_CREATION_ERROR,
    REASON_AUTH_EXPIRED,
    REASON_RATE_LIMITED,
    REASON_OTHER,
    /* Of skipped entries and held syncs; never of a case. */
    REASON_ZERO_AMOUNT,
    REASON_NEGATIVE_AMOUNT,
    REASON_MAPPED_TO_NOTHING,
    REASON_BEFORE_START, /* it lies before the sync's first day */
    REASON_TOO_MANY_DELETIONS,
    REASON_UNREACHABLE, /* a side does not answer, or not as it should */
    REASON_CHOSEN,      /* a person said so */
    REASON_MOVED,       /* of held syncs: a connection leads elsewhere than before */
    REASON_CANCELLED,   /* of steps: the run was ended before */
    REASONS
};

/* What a person may choose. Bits. */
enum action {
    ACTION_RETRY = 1 << 0,    /* the cause is gone: do it now */
    ACTION_UPDATE = 1 << 1,   /* what the source says goes into the timesheet */
    ACTION_KEEP = 1 << 2,     /* what the timesheet says is right; later changes of the source count again */
    ACTION_UNFOLLOW = 1 << 3, /* leave it as it is, for good */
    ACTION_CREATE = 1 << 4,   /* make the timesheet (once more) */
    ACTION_REMOVE = 1 << 5,   /* remove the timesheet */
    ACTION_ADOPT = 1 << 6,    /* this timesheet is the entry's: needs its id */
    ACTION_SKIP = 1 << 7,     /* this entry is never moved */
    ACTION_MAP = 1 << 8,      /* add a mapping; that settles it */
    ACTION_DISMISS = 1 << 9,  /* it was seen; it comes back when something about it changes */
};

/* "UNMAPPED_ACTIVITY"; "" for none. And back: REASON_OTHER for what is not known, REASON_NONE for "" and NULL. */
const char *reason_name(enum reason reason);
enum reason reason_from(const char *name);

/* A sentence for people, as locales/de.json has it in German. Not NULL. */
const char *reason_text(enum reason reason);

/* The actions that make sense; 0: it is no reason of cases. */
unsigned reason_actions(enum reason reason);

/* "retry"; and back, 0 for another. */
const char *action_name(enum action action);
enum action action_from(const char *name);

#endif
