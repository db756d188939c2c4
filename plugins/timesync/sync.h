/* sync.h - a sync as it is kept. [call] */
#ifndef TIMESYNC_SYNC_H
#define TIMESYNC_SYNC_H

#include "rules.h"

enum { MARK_SIZE = 9 };

/* All in the call's memory. */
struct sync {
    const char *id, *name;
    const char *source, *target;       /* connections */
    const char *source_at, *target_at; /* their addresses when it last went through; "": it never did */
    const char *mark;
    struct rules rules;
    const char *schedule, *full_schedule, *zone;
    bool enabled;
    dw_time read_until, looked_until, compared_at;
    const char *held_reason, *held_detail;
    dw_time held_until;
    int64_t version;
};

/* 0, DW_ENOTFOUND. */
int sync_load(dw_call *c, const char *id, struct sync *out);

/* The last 8 hex digits of a connection's id (the first ones of a UUIDv7 are only the time). */
void sync_mark(const char *connection, char mark[MARK_SIZE]);

/* It does nothing by itself until then (0: until somebody says so), because of that: in a transaction of its own, or in the
 * caller's. One that ends by itself does not take the place of one that somebody has to end. Or it works again. */
int sync_hold(dw_call *c, const struct sync *s, const char *reason, const char *detail, dw_time until);
int sync_hold_here(dw_call *c, const struct sync *s, const char *reason, const char *detail, dw_time until);
int sync_release(dw_call *c, const char *id);

/* work(c, ud) for this sync in a transaction of its own, where others have their turn as well: that its rules or its schedule are nothing that
 * this version understands is logged, and none of the others' business. 0 or an error. */
int sync_do(dw_call *c, const char *sync, int (*work)(dw_call *c, void *ud), void *ud);

/* When its schedules fire next, from now on: into poll_due_at and full_due_at. */
int sync_plan_next(dw_call *c, const struct sync *s);

#endif
