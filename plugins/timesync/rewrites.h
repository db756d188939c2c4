/* rewrites.h - what a change of the rules would do to timesheets that are there: said with the change, and not found out at night. [call] */
#ifndef TIMESYNC_REWRITES_H
#define TIMESYNC_REWRITES_H

#include "sync.h"

struct rewrites {
    int64_t sheets; /* the next full comparison would write to */
    int64_t billed; /* are exported: not touched, but where more than a text would change it asks */
};

/* With these rules over those that the sync has; NULL: with those that it has. DW_ENOTFOUND, or DW_EINVALID as rules_read() says it.
 * Reads all entries that have a timesheet: call it outside of a transaction. */
int rewrites_of(dw_call *c, const char *sync, const json_t *rules, struct rewrites *out);

#endif
