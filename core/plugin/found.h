/* found.h - the list that a connector or whoever uses a connection fills, one at a time: checked, and handed to who asked.
 *
 * Two calls lie on one thread here: the one in which is asked, in which the visitor runs with a scope of its own, and inside of it the
 * one that answers. [that thread] */
#ifndef PLUGIN_FOUND_H
#define PLUGIN_FOUND_H

#include "plugin/call.h"

enum found_of { FOUND_THINGS, FOUND_ENTRIES, FOUND_TIMESHEETS, FOUND_USES };

struct dw_found {
    enum found_of of;
    dw_call *asker;    /* in whose call is visited */
    dw_call *asked;    /* who fills it; NULL: nobody now */
    const void *query; /* host-sized, of that kind; NULL: all fit */
    union {
        int (*thing)(dw_call *c, const dw_thing *thing, void *ud);
        int (*entry)(dw_call *c, const dw_entry *entry, void *ud);
        int (*timesheet)(dw_call *c, const dw_timesheet *sheet, void *ud);
        int (*use)(dw_call *c, const dw_connection_use *use, void *ud);
    } visit;
    void *ud;
    int64_t n;        /* visited */
    int refused;      /* what was handed over was none: the first error, which stays; 0: nothing was wrong */
    int stopped;      /* what a visit returned; 0: none failed */
    int64_t left_out; /* of them nobody can say which they are */
    bool is_complete; /* that was said */
};

/* A list of that kind for who asks in that call; ends with found_close(), for which NULL is safe. NULL: memory. */
dw_found *found_open(enum found_of of, dw_call *asker);
void found_close(dw_found *f);

/* The slots of dw_connector_api. */
int found_thing(dw_found *out, const dw_thing *given);
int found_entry(dw_found *out, const dw_entry *given);
int found_timesheet(dw_found *out, const dw_timesheet *given);
int found_use(dw_found *out, const dw_connection_use *given);
int found_complete(dw_found *out);

/* ---- values that came from a plugin of whatever minor: structs of this host's size ---- */

/* Of `size` bytes, copied from one that begins with its struct_size; NULL: nothing is set but that. The room is larger than any of them, so that a plugin that knows
 * more members reads and writes zeros. */
enum { FOUND_ROOM = 4096 };
union found_room {
    char bytes[FOUND_ROOM];
    uint64_t aligned;
    void *pointer;
};
void found_take(union found_room *room, const void *from, size_t size);

/* NULL, or what it is not: "without an id". A timesheet's are those that a connector answers with. */
const char *thing_wrong(const dw_thing *thing);
const char *timesheet_wrong(const dw_timesheet *sheet);

/* Their texts (and what a timesheet points at) as they can be kept, copies in the call's memory: see mend.h. 0, or DW_ENOMEM. */
void thing_mend(dw_call *c, dw_thing *thing);
int timesheet_mend(dw_call *c, dw_timesheet *sheet);

/* Deep copies in the call's memory. */
dw_thing *thing_copy(dw_call *c, const dw_thing *thing);
dw_timesheet *timesheet_copy(dw_call *c, const dw_timesheet *sheet);

/* Does it fit what was asked for? fit.c */
bool thing_fits(const dw_thing *thing, const dw_thing_query *query);
bool entry_fits(const dw_entry *entry, const dw_entry_query *query);
bool timesheet_fits(const dw_timesheet *sheet, const dw_timesheet_query *query);

#endif
