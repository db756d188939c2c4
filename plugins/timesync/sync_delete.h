/* sync_delete.h - forgetting a sync. [call] */
#ifndef TIMESYNC_SYNC_DELETE_H
#define TIMESYNC_SYNC_DELETE_H

#include <dowel/dowel.h>

/* With all that it knows; timesheets stay where they are. In the open transaction, with its audit. DW_ENOTFOUND; DW_ECONFLICT
 * while a run of it works, or while it is not known what became of a timesheet, for six hours at most. */
int sync_delete(dw_call *c, const char *id);

#endif
