/* wanted.h - what the rules make of an entry: a timesheet, or a reason why there is none. [call]
 *
 * First all that can be said without asking anybody (wanted_make), in an order in which what cannot be moved is found before
 * anything is made for it; then the ids of people and places at the target (places.h). */
#ifndef TIMESYNC_WANTED_H
#define TIMESYNC_WANTED_H

#include "digest.h"
#include "entry.h"
#include "mappings.h"
#include "reasons.h"
#include "rules.h"

/* A customer or project: its id, or by what it is found or made. */
struct wanted_place {
    const char *id;     /* NULL: to be found */
    const char *key;    /* what it is of at the source */
    const char *number; /* "": has none */
    const char *name;
    bool can_make;
};

struct wanted {
    enum reason reason; /* REASON_NONE: it can be moved */
    bool is_skipped;    /* with a reason: no case, never moved */
    const char *detail; /* of the reason: what was found; "" */

    dw_time begin;     /* 0: cannot be told */
    int64_t seconds;   /* -1: cannot be told */
    const char *user;  /* NULL: by email, or whoever the connection signs in as */
    const char *email; /* "": not told */
    const char *activity, *activity_name;
    struct wanted_place customer, project; /* the customer's id stays NULL where no one has to know it */
    const char *text;                      /* marker and all */
    dw_texts tags;
    uint32_t billable;

    char recipe
        [DIGEST_HEX]; /* of all above: the same until the source, the rules or a mapping say something else */
};

/* The call's or scope's memory. 0, or DW_ENOMEM. */
int wanted_make(dw_call *c, const struct sync *s, const struct mappings *mappings, const struct entry *e,
                struct wanted *out);

/* Its end. */
static inline dw_time wanted_end(const struct wanted *w)
{
    return (dw_time){ w->begin.us + w->seconds * 1000000 };
}

/* Nothing is left of it: the same to its timesheet as a deletion, until it is of some length again. */
static inline bool wanted_is_emptied(const struct wanted *w)
{
    return w->is_skipped && (w->reason == REASON_ZERO_AMOUNT || w->reason == REASON_NEGATIVE_AMOUNT);
}

json_t *wanted_json(dw_call *c, const struct wanted *w);

#endif
