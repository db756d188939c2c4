/* step.h - what a run has to do, one row each, and what came of it. [call] */
#ifndef TIMESYNC_STEP_H
#define TIMESYNC_STEP_H

#include "reasons.h"

#include <dowel/dowel.h>

struct step {
    const char *id, *run;
    const char *entry; /* NULL: of a timesheet that no entry has */
    const char *key;
    const char *sheet; /* a timesheet that was found for it; NULL: none was */
    const char *hint;  /* why it was made: see below */
};

/* What whoever made the step has seen; in `reason` until it has an outcome. */
#define HINT_SEEN \
    "SEEN" /* all timesheets were listed, and none has its marker: no need to look again before one is made */
#define HINT_FOUND   "FOUND"   /* `sheet` has its marker, and no entry has it */
#define HINT_CHANGED "CHANGED" /* its timesheet is another one than the baseline, or missing */
#define HINT_UNSURE  "UNSURE"  /* as FOUND, but its older marker may be another source's */
#define HINT_TWICE   "TWICE"   /* `sheet` has the marker of an entry that has another one */
#define HINT_STRANGE "STRANGE" /* `sheet` has a marker of ours, and nothing is known of its entry */
#define HINT_FOREIGN \
    "FOREIGN" /* as FOUND, but its marker names a connection that is not there: only if all of it agrees */
#define HINT_NO_MORE \
    "NO_MORE" /* `sheet` was TWICE or STRANGE, and a complete list does not show it as that */

struct step_new {
    const char *run;
    const char *entry; /* or NULL */
    const char *key;
    unsigned shard;
    const char *sheet; /* or NULL */
    const char *hint;  /* or "" */
};

/* Once for each key of a run: 1, or 0: it is there. */
int step_add(dw_call *c, const struct step_new *s);

/* The same where it may be there already: then what was found is added to it, if it has no outcome yet. */
int step_hint(dw_call *c, const struct step_new *s);

/* Which worker does what is about this ticket, where so many requests may be under way at a time. A ticket has a project of its own; the customers, of which there may be
 * one, are no measure: places.c sees to it that each is made once. */
unsigned step_shard(const char *ticket, int64_t parallel);

struct step_done {
    const char *outcome; /* created, adopted, updated, unchanged, deleted, skipped, deciding, failed */
    enum reason reason;
    const char *detail;
    const char *sheet;
    const json_t *old_sheet, *new_sheet; /* NULL: none */
};

/* In the open transaction, or without one. */
int step_finish(dw_call *c, const struct step *s, const struct step_done *done);

#endif
