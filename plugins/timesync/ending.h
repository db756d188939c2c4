/* ending.h - what came of a step: the entry, its link, its case, its event and the step's row, in one transaction. [call] */
#ifndef TIMESYNC_ENDING_H
#define TIMESYNC_ENDING_H

#include "rounding.h"
#include "work.h"

enum ending_case {
    CASE_CLOSES, /* an open one has solved itself, or was decided */
    CASE_OPENS,
    CASE_STAYS,
};

struct ending {
    const char *outcome; /* of the step: see step.h; NULL: it goes on */
    enum reason reason;
    const char *detail;        /* or NULL */
    const char *state;         /* of the entry */
    const struct sheet *sheet; /* its timesheet from now on, and the baseline; NULL: as it is */
    bool unlinks;              /* it has none any longer */
    bool is_pushed;            /* the recipe is what its timesheet, or its reason, stands for */
    const char *link_by;       /* of a new link: "run", "adopted", "person"; NULL: it is no new one */
    const struct sheet *told;  /* whose time `sheet` is the answer to; NULL: nothing is answered to */
    json_t *old_sheet, *new_sheet;
    enum ending_case what_of_case;
    const json_t *target; /* for a case: what was found there */
};

/* WORK_DONE; WORK_WAITS: somebody else has changed the entry meanwhile, look again; or an error. wanted may be NULL. */
int ending_write(dw_call *c, struct work *w, const struct step *s, const struct entry *e,
                 const struct wanted *wanted, const struct ending *ending);

/* What the target made of a time, as it is kept in `sent` of an entry. False: this is something else. */
bool ending_read_made(const json_t *json, struct rounded *out);

/* Of a change: somebody exported it between our look and our write, and nobody knows which version the bill has. That cannot be
 * prevented, as no target writes only if it is not exported; but it must not go unsaid. */
void ending_billed(struct ending *ending);

/* Why something waits for a person. */
struct why {
    enum reason reason;
    const char *detail;         /* or NULL */
    const struct sheet *target; /* what was found there; NULL: nothing */
};

/* A case, or in a plan that there would be one. */
int ending_case(dw_call *c, struct work *w, const struct step *s, const struct entry *e,
                const struct wanted *wanted, struct why why);

/* What needs no more to be said. */
struct plainly {
    const char *outcome; /* of the step */
    const char *state;   /* of the entry */
    enum reason reason;
};
int ending_plain(dw_call *c, struct work *w, const struct step *s, const struct entry *e,
                 const struct wanted *wanted, struct plainly plainly);

#endif
