/* mapping_edit.h - mappings as people make them, over HTTP and on the command line. What is wrong is said with where it stands. [call] */
#ifndef TIMESYNC_MAPPING_EDIT_H
#define TIMESYNC_MAPPING_EDIT_H

#include "sync.h"

/* kind: "activity", "user", "customer", "project". */
struct mapping_wanted {
    const char *sync, *kind;
    const char *source, *source_name; /* its id, "" of an activity: none was given */
    const char *target, *target_name; /* "": such entries are never moved */
    uint32_t billable;                /* enum dw_billable */
};

/* What of the target that is: by its id, or where by_name is set by its name too. Asks the target; "" is nothing, and is there.
 * DW_EINVALID at /target. In the call's memory. */
int mapping_find_target(dw_call *c, const struct sync *s, const char *kind, const char *text, bool by_name,
                        struct mapping_wanted *out);

/* What of the source that is, by its id or name: of what entries have, else of what the source itself lists, which is asked. "": no
 * activity. DW_EINVALID at /source for what neither knows. */
int mapping_find_source(dw_call *c, const struct sync *s, const char *text, struct mapping_wanted *out);

/* What entries call out->source; "" where there are none. */
int mapping_name_source(dw_call *c, struct mapping_wanted *out);

/* In the open transaction, with its record in the audit log. DW_ECONFLICT where it is mapped. */
int mapping_make(dw_call *c, const struct mapping_wanted *want, const char **id);

#endif
