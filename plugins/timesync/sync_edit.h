/* sync_edit.h - syncs as people make and change them, over HTTP and on the command line. What is wrong is said with where it stands.
 * [call] */
#ifndef TIMESYNC_SYNC_EDIT_H
#define TIMESYNC_SYNC_EDIT_H

#include "sync.h"

/* The only connection with this id or name that plays the role. DW_EINVALID at the pointer. */
int sync_connection(dw_call *c, const char *text, const char *role, const char *pointer, const char **id);

enum { SYNC_NAME_MOST = 100 }; /* letters */

#define SYNC_SCHEDULE      "every 15m"
#define SYNC_FULL_SCHEDULE "30 2 * * *"

/* What is NULL: in a new one its default, in a change as it is. */
struct sync_wanted {
    const char *name, *source, *target; /* connections' ids; only of a new one */
    const char *schedule, *full_schedule, *zone;
    const json_t *rules; /* in a change: null takes a rule back to its default */
    const bool *enabled;
};

/* In the open transaction, with its record in the audit log. DW_ECONFLICT for a name or a pair that there is. */
int sync_make(dw_call *c, const struct sync_wanted *want, const char **id);

/* The same; version 0: whichever it is. DW_EPRECONDITION: it is another one by now. */
int sync_change(dw_call *c, const char *id, int64_t version, const struct sync_wanted *want);

/* What is kept with what is given over it; null takes a rule back to its default. DW_EINVALID as rules_read(). */
int sync_rules_with(dw_call *c, const json_t *kept, const json_t *given, struct rules *out);

/* It works again. The same. */
int sync_let_go_on(dw_call *c, const char *id);

#endif
