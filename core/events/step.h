/* step.h - a few statements that belong together: in the transaction that is open, or in one of their own. */
#ifndef EVENTS_STEP_H
#define EVENTS_STEP_H

#include "db/db.h"

struct step {
    struct db_session *s;
    bool is_own;
};

/* 0, or an error. */
static inline int step_begin(struct step *step, struct db_session *s)
{
    step->s = s;
    step->is_own = !db_in_transaction(s);
    return step->is_own ? db_begin(s) : 0;
}

/* rc is what came of them: an error is rolled back. Returns it, or why the commit failed. What failed stays in
 * db_error_of(). */
static inline int step_end(const struct step *step, int rc)
{
    int ended;

    if (!step->is_own)
        return rc;
    ended = rc < 0 ? db_rollback(step->s) : db_commit(step->s);
    return rc < 0 || ended >= 0 ? rc : ended;
}

#endif
