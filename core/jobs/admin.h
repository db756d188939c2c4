/* admin.h - what an admin sees and does about jobs: in a session of the core's, with a server running or without. Each
 * returns 0 or more, or an enum dw_error with its text in db_error_of(). */
#ifndef JOBS_ADMIN_H
#define JOBS_ADMIN_H

#include "db/db.h"

/* NULL and "": any. */
struct job_filter {
    const char *state; /* waiting, running, done, dead, cancelled */
    const char *owner; /* "notes" */
    const char *kind;  /* "notes.push" */
    unsigned limit;    /* 0: 100 */
};

/* The newest first, as a JSON array: id, kind, state, tenant, principal, attempts, due_at, created_at, started_at, ended_at,
 * seconds, server, error, progress_done, progress_total. How many. */
int job_list(struct db_session *s, const struct job_filter *filter, struct buf *out);

/* One, as a JSON object: the same with its payload, and "failures": attempt, started_at, seconds, server, code, error.
 * 1, or 0: there is none. */
int job_history(struct db_session *s, const char *id, struct buf *out);

/* The kinds, as a JSON array: kind, paused, paused_at, waiting, running, dead. */
int job_kinds(struct db_session *s, struct buf *out);

/* What was given up or cancelled is due again, as if it were new. 1; 0: there is none such; DW_ECONFLICT: one with its
 * unique_key waits already. */
int job_replay(struct db_session *s, const char *id, int64_t now_us);

/* All that were given up and whose unique_key is free; filter->owner and ->kind count. How many. */
int64_t job_replay_all(struct db_session *s, const struct job_filter *filter, int64_t now_us);

/* As job_cancel(), by id: 1, or 0: it neither waits nor runs. */
int job_cancel_id(struct db_session *s, const char *id, int64_t now_us);

/* No server leases jobs of that kind; those that run go on. 1, or 0: no such kind was ever there. */
int job_pause(struct db_session *s, const char *kind, bool pause, int64_t now_us);

#endif
