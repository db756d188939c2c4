/* jobs.h - work that outlives who asked for it: rows that are leased, run, tried again and kept.
 *
 * A job is added in a transaction and exists if and only if that commits. An engine leases what is due, several at a
 * time, runs it on threads of its own and writes what became of it. Any number of engines, on any number of machines,
 * share one database: the lease of a server that dies ends by itself, and then another runs the job, one attempt later. Who
 * has the dead one's data folder does not wait for that.
 *
 * So a job runs at least once. What it commits with job_done() or job_again() is committed exactly once, because the same
 * transaction says so in its row. Each lease of a job has a number; who comes with an old one commits nothing.
 *
 * The engine knows no plugins: whoever has work registers kinds. Codes are those of enum dw_error. */
#ifndef JOBS_JOBS_H
#define JOBS_JOBS_H

#include <stdatomic.h>

#include "db/db.h"

struct jobs;
struct job;

enum { JOB_TIMEOUT_US = 300000000 };

/* What can be done. */
struct job_kind {
    const char *owner, *name; /* "notes", "push": rows say "notes.push" */
    int (*run)(struct job *job, void *ud);
    int (*dead)(struct job *job, void *ud); /* once, when it is given up or cancelled; NULL: nothing to do */
    void *ud;
    int64_t timeout_us; /* 0: JOB_TIMEOUT_US; then it is cancelled, and its lease no longer renewed */
    unsigned attempts;  /* 0: 8 */
    unsigned parallel;  /* at a time in this engine, on threads of their own; 0: shares the common ones */
};

/* ---- adding ---- */

enum { JOB_ID_SIZE = 37 };

struct job_new {
    const char *kind;       /* "notes.push" */
    const char *tenant;     /* NULL: none */
    const char *principal;  /* or NULL */
    struct str payload;     /* JSON; empty: {} */
    const char *unique_key; /* or NULL */
    const char *queue_key;  /* or NULL */
    int64_t delay_us;
    int64_t now_us; /* by whose clock; 0: clock_wall_us() */
    char *id;       /* gets its id, JOB_ID_SIZE; NULL: not wanted */
};

/* In the session's open transaction, or at once. 1; 0: one with the same kind, tenant and unique_key waits already. Where
 * that one runs, it will run once more, with the newest payload: 1 as well. */
int job_add(struct db_session *s, const struct job_new *n);

/* The waiting one ends as cancelled, the running one's call is cancelled, on whatever machine; when the transaction
 * commits. 1, or 0: there was none. */
int job_cancel(struct db_session *s, const char *kind, const char *tenant, const char *unique_key,
               int64_t now_us);

/* The waiting one is due now, unless it failed and waits for its next attempt. 1; 0: it is due already, runs, or has failed;
 * DW_ENOTFOUND. Cheap where there is nothing to do: only then something is written. */
int job_hurry(struct db_session *s, const char *kind, const char *tenant, const char *unique_key,
              int64_t now_us);

/* ---- the engine ---- */

struct jobs_options {
    struct db *db;
    const char *data_dir;         /* presence.h: what died there is known to be dead; NULL: by time alone */
    unsigned workers;             /* common threads; 0: four, or as many as processors */
    int64_t lease_us;             /* 0: 30 s */
    int64_t poll_us;              /* how long a notice may be lost; 0: 1 s */
    int64_t keep_done_us;         /* what is done, or was cancelled, stays so long */
    int64_t keep_dead_us;         /* what was given up stays so long */
    int64_t (*wall_us)(void *ud); /* NULL: clock_wall_us */
    void *clock_ud;
    /* A server of this data folder is known to be dead: what else it held may be given back, in the session's transaction.
     * 0, or an error. NULL: nothing else. [a thread of the engine's] */
    int (*server_died)(struct db_session *s, const char *server);
};

/* The name of this process in leases, which nobody else ever has. */
const char *jobs_server(const struct jobs *j);

/* 0, or -1 when memory is out. */
int jobs_create(struct jobs **out, const struct jobs_options *options);

/* Before jobs_start(); texts are borrowed. 0, or -1 when memory is out or the kind is there. */
int jobs_register(struct jobs *j, const struct job_kind *kind);

/* Memory for what kinds point to, zeroed, that lives as long as the engine; NULL when memory is out. */
void *jobs_alloc(struct jobs *j, size_t size);

/* Starts the threads: 0, or -1 with errno. */
int jobs_start(struct jobs *j);

/* Nothing more is leased, and what waits for a thread is given back. [any thread] */
void jobs_drain(struct jobs *j);

/* Nothing runs any more. After jobs_drain(). [any thread] */
bool jobs_are_idle(struct jobs *j);

/* Drains, waits so long for what runs, then cancels it and gives its lease back. Ends the threads; false: one of them does
 * not return from its job, and nothing may be freed; may be repeated. True for NULL. */
bool jobs_stop(struct jobs *j, int64_t patience_us);

/* After jobs_stop() was true, or without jobs_start(). NULL is safe. */
void jobs_destroy(struct jobs *j);

/* What db_listen() hears on the channel "jobs"; NULL: notices may have been missed. [any thread] */
void jobs_notice(struct jobs *j, const char *text);

/* Removes what has been over for long enough, a batch at a time; ends early when *stop is set (NULL: never). How many, or an
 * error of enum dw_error. [one thread at a time] */
int64_t jobs_retain(struct jobs *j, const _Atomic bool *stop);

/* Without threads of its own: runs what is due by the engine's clock, one after the other, until nothing is. How many runs
 * that were, or an error of the database, told in why. For tests and the harness, instead of jobs_start(). */
int jobs_run_due(struct jobs *j, struct buf *why);

/* As if the power went: jobs_run_due() begins nothing more, and writes nothing of what it has run; leases end by themselves. For
 * the harness. [any thread] */
void jobs_die(struct jobs *j);

/* ---- inside of run and dead: on the thread that runs it ---- */

const char *job_id(const struct job *job);
const char *job_tenant(const struct job *job);    /* NULL: none */
const char *job_principal(const struct job *job); /* or NULL */
struct str job_payload(const struct job *job);
unsigned job_attempt(const struct job *job);    /* 1 for the first */
int64_t job_deadline_us(const struct job *job); /* clock_monotonic_us() */

/* Why the attempt before this one failed: for dead, why it was given up. 0 and "": it did not. */
int job_last_error(const struct job *job, const char **text);

/* Why this attempt will be said to have failed, when run returns an error. 0: the usual back-off. */
void job_explain(struct job *job, const char *text, int64_t retry_after_us);

/* Remembered here, written about once a second. False when the job has been cancelled. [any thread while it runs] */
bool job_progress(struct job *job, int64_t done, int64_t total);

/* notice(ud) once when the job is cancelled or its lease is lost, at once when it is; NULL ends it: after the return it does
 * not run and will not. It must not block. */
void job_watch_cancelled(struct job *job, void (*notice)(void *ud), void *ud);

/* To be asked in each transaction of the job's before it commits: 0; or DW_ECANCELLED when the lease is lost, and then
 * nothing may be committed. */
int job_check_lease(struct job *job, struct db_session *s);

/* In the open transaction of the session: the job is done, or done for now and due again after the delay, if and only if
 * it commits. To be followed by db_commit(), job_settled() and the return from run. 0, or an error as above. */
int job_done(struct job *job, struct db_session *s);
int job_again(struct job *job, struct db_session *s, int64_t delay_us);

/* That transaction was committed, or failed. */
void job_settled(struct job *job, bool committed);

/* Without a transaction: the same when run returns 0. */
void job_again_later(struct job *job, int64_t delay_us);

#endif
