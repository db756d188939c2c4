/* write.h - changes at the target, each with its intent: the row says what is begun before the request leaves. [call]
 *
 * All return WORK_DONE, WORK_WAITS, WORK_STOPS or an error. What they find out they end themselves (ending.h). */
#ifndef TIMESYNC_WRITE_H
#define TIMESYNC_WRITE_H

#include "ending.h"

/* A new timesheet. `look`: first see whether one with its marker is there. */
int write_create(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted,
                 bool look);

/* What is wanted goes into the timesheet, which is `is` now. */
int write_update(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted,
                 const struct sheet *is);

/* Of entries. Whoever settles a removal has to know whether a person said that the entry is never moved again. */
#define INTENT_REMOVE "remove" /* so it is */
#define INTENT_WITHDRAW \
    "withdraw" /* of an undo, or of one of no length: what its entry is then is looked at anew */

/* The timesheet, which is `is` now, goes; the entry's state is then `state`. */
int write_remove(dw_call *c, struct work *w, const struct step *s, struct entry *e, const struct sheet *is,
                 const char *state);

/* The timesheet becomes exactly `as` again: of an undo. */
int write_back(dw_call *c, struct work *w, const struct step *s, struct entry *e, const struct sheet *is,
               const struct sheet *as);

/* A case: the timesheet that was found, or chosen, is another entry's. */
int write_taken(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                const struct wanted *wanted, const struct sheet *found, const char *other);

/* The timesheet that was found is the entry's, unless it is another one's. by: "adopted", "person". */
int write_adopt(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                const struct wanted *wanted, const struct sheet *found, const char *by);

#endif
