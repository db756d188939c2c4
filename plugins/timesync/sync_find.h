/* sync_find.h - a sync as people call it. [call] */
#ifndef TIMESYNC_SYNC_FIND_H
#define TIMESYNC_SYNC_FIND_H

#include <dowel/dowel.h>

/* By its name or its id: the id, in the call's memory. DW_ENOTFOUND with what there is. */
int sync_find(dw_call *c, const char *text, const char **id);

#endif
