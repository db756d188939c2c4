/* sheet.h - a timesheet as it was read: kept as JSON, compared by what is watched of it. [call] */
#ifndef TIMESYNC_SHEET_H
#define TIMESYNC_SHEET_H

#include "digest.h"
#include "rules.h"
#include "wanted.h"

/* All of it in the call's memory, or a scope's. */
struct sheet {
    const char *id, *project, *activity, *user, *text;
    dw_texts tags; /* sorted */
    dw_time begin, end;
    int64_t seconds;
    uint32_t billable;
    bool exported;
};

void sheet_copy(dw_call *c, const dw_timesheet *from, struct sheet *out);

/* To JSON and back; the call's. */
json_t *sheet_json(dw_call *c, const struct sheet *s);
int sheet_read(dw_call *c, const json_t *json, struct sheet *out);

/* What the rules watch of it, as a digest of it, and as a mask of bits. 0, or DW_ENOMEM. */
unsigned sheet_watched(const struct rules *r);
int sheet_hash(dw_call *c, const struct sheet *s, unsigned watched, char out[DIGEST_HEX]);

/* Is all that is watched of them the same? */
bool sheet_same(const struct sheet *a, const struct sheet *b, unsigned watched);

/* Is it, exactly, what is wanted? Of one that is exported only what bills count: time, project, activity, user, billable. */
bool sheet_is(const struct sheet *s, const struct wanted *w);

/* Does it count for whom and what is wanted: project, activity, user, billable? What nobody has looked for yet is not compared. */
bool sheet_is_placed(const struct sheet *s, const struct wanted *w);

/* The same, but for its time. */
bool sheet_is_but_time(const struct sheet *s, const struct wanted *w);

/* Is it what a target that keeps whole minutes makes of what is wanted? */
bool sheet_is_rounded(const struct sheet *s, const struct wanted *w);

/* Does it begin and end when it should, but for less than a minute each? */
bool sheet_is_near(const struct sheet *s, const struct wanted *w);

bool sheet_same_time(const struct sheet *a, const struct sheet *b);
bool sheet_is_on_minutes(const struct sheet *s);

/* Could it be what is wanted, rounded by its target, or the same booking by another tool's rule of where it lies in time? */
bool sheet_agrees(const struct sheet *s, const struct wanted *w, dw_time booked);

/* What differs from s of what is wanted, ready for writing; its lists are the call's. How many members. */
unsigned sheet_difference(dw_call *c, const struct sheet *s, const struct wanted *w, dw_timesheet *out);

/* What s is when that was written to it, but for what its target rounds. Whether it is billable its target may find anew with another
 * project or activity: unsaid then. Borrows from both. */
void sheet_with(const struct sheet *s, const dw_timesheet *what, struct sheet *out);

/* What was left unsaid of what was sent is as it was found; and of tags more do no harm. */
void sheet_complete(struct sheet *sent, const struct sheet *found);

/* All of it, ready for writing it as it was. */
void sheet_again(const struct sheet *s, dw_timesheet *out);

#endif
