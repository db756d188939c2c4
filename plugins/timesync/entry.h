/* entry.h - a booking of the source as it is kept, with its link to a timesheet. [call] */
#ifndef TIMESYNC_ENTRY_H
#define TIMESYNC_ENTRY_H

#include "digest.h"
#include "sync.h"

#include <string.h>

struct entry {
    const char *id, *sync;

    /* What the source said; never NULL, "" where it did not. */
    const char *source_id;
    const char *ticket, *ticket_number, *ticket_title;
    const char *customer, *customer_name;
    const char *agent, *agent_email, *agent_name;
    const char *activity, *activity_name;
    const char *note, *url, *merged_into, *amount;
    const char *wrong; /* why a person has to look at it; "": nothing is wrong */
    int64_t unit;      /* enum dw_unit */
    dw_time begin, end, booked, edited;
    const char *hash;

    dw_time gone_at;
    const char *state, *reason;

    /* Its timesheet. */
    const char *sheet; /* NULL: it has none */
    json_t *base;      /* NULL: none */
    const char *base_hash, *pushed_hash;
    const char *link_by;
    const char *marker; /* "": never written */

    const char *intent;
    json_t *sent; /* what its timesheet is if the intent happened; once answered, see ending_read_made() */
    dw_time intent_at;
    const char *intent_run; /* whose worker may be sending still; NULL: its request has come to an end */
    int64_t attempt, version;
};

/* As the source gave it: texts borrowed, the rest zero. */
void entry_from(const dw_entry *given, struct entry *out);

/* Of what the source said and that matters. 0 or -1: memory is out. */
int entry_hash(const struct entry *e, unsigned char out[DIGEST_SIZE]);

/* In the call's memory. 0, DW_ENOTFOUND. */
int entry_load(dw_call *c, const char *id, struct entry *out);

/* It is skipped for good, until a person says otherwise: who said so, or deleted its timesheet where the rules say that this means it. */
static inline bool entry_is_settled(const char *state, const char *reason)
{
    return strcmp(state, "skipped") == 0 &&
           (strcmp(reason, "CHOSEN") == 0 || strcmp(reason, "DELETED_TARGET") == 0);
}

/* Whose timesheet it is at that target, of whatever sync there, but of this entry: its id at its source. 1, or 0: nobody's. */
int entry_of_sheet(dw_call *c, const char *target, const char *sheet, const char *but,
                   const char **source_id);

/* What the source says of it, for a case or a step; the call's. */
json_t *entry_json(dw_call *c, const struct entry *e);

#endif
