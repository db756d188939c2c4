/* jobs.h - work that outlives the request: added in its transaction, run later by a worker, tried again until it works.
 * Everything here is since minor 2.
 *
 *   static int push(dw_call *c, dw_job *job)
 *   {
 *       const char *entry;
 *
 *       DW_TRY(dw_job_read(job, "entry", &entry));
 *       DW_TRY(dw_fetch(c, NULL, .method = "POST", .url = ..., .headers = ...));
 *       DW_TRY(dw_tx_begin(c));
 *       DW_TRY(dw_db_change(c, "UPDATE entries SET state = 'pushed' WHERE id = $1", entry));
 *       return dw_job_done(job);
 *   }
 *
 * A job runs at least once: its server may end at any moment, and then another runs it anew. So make a second run harmless;
 * what is committed by dw_job_done() or dw_job_again() is committed once. A run whose server has lost the database for too
 * long is cancelled, and cannot commit. */
#ifndef DOWEL_JOBS_H
#define DOWEL_JOBS_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dw_job dw_job;

/* What a plugin can do. run returns 0: done; DW_EINVALID, _EDENIED, _ENOTFOUND, _EMISUSE: given up, for an admin to look
 * at; other errors: again after a while, which grows, or is dw_error_of(c)->retry_after where that is said. */
typedef struct dw_job_kind {
    const char *name; /* [a-z][a-z0-9_]* */
    int (*run)(dw_call *c, dw_job *job);
    int (*dead)(dw_call *c,
                dw_job *job); /* when it is given up or cancelled, in a call of its own, where dw_error_of(c)
                                           * is the last error; its own error is only logged. May be NULL */
    const char *timeout;      /* "10m"; NULL: "5m"; then the call is cancelled */
    uint32_t attempts;        /* 0: 8 */
    uint32_t
        parallel; /* at a time in this server, with workers of their own, at most 256; 0: shares the common ones */
} dw_job_kind;

/* When a job is added by itself. */
typedef struct dw_schedule {
    const char *name; /* [a-z][a-z0-9_]* */
    const char *job;  /* a dw_job_kind's name */
    const char *
        when; /* "0 3 * * *", "every 5m", or "conf:item" to let the admin decide: an item that is a text, or a
                          * duration, which is an interval */
    bool across_tenants; /* false: one job for each tenant; true: a single one, of none */
    const char *zone;    /* "Europe/Berlin"; NULL: the server's */
    const char *misfire; /* what was missed while no server ran: "coalesce" (NULL), "skip", "all" */
    const char
        *overlap; /* while the one before waits or runs: "skip" (NULL), "queue" (NULL with misfire "all") */
    const char *jitter; /* "30s": at most so much later, each schedule by its own amount; NULL: none */
} dw_schedule;

typedef struct dw_job_args {
    uint32_t struct_size;
    const char *kind;
    dw_list with;           /* DW_LIST("entry", id): the payload */
    const char *unique_key; /* at most one of its kind and tenant waits with this key */
    dw_span delay;
    const char *
        queue_key; /* those of this plugin and tenant with the same key run one after the other, in the order in
                            * which they were added, on whatever server */
} dw_job_args;

typedef struct dw_jobs_api {
    uint32_t struct_size;
    int (*add)(dw_call *c, const dw_job_args *args);
    int (*cancel)(dw_call *c, const char *kind, const char *unique_key);
    int (*read)(dw_job *job, dw_list pairs);
    int (*attempt)(dw_job *job);
    int (*progress)(dw_job *job, int64_t done, int64_t total);
    int (*done)(dw_job *job);
    int (*again)(dw_job *job, dw_span delay);
    int (*next)(dw_call *c, const char *when, const char *zone, dw_time after, dw_time *out);
} dw_jobs_api;

/* dw_job_add(c, .kind = "push", .with = DW_LIST("entry", id)): exists if and only if the open transaction commits; without
 * one, at once. Runs in the same tenant, as the same principal. 1; or 0: the unique one waits already. Where that one
 * runs, it runs once more afterwards, with the newest payload: 1. [call] */
#define dw_job_add(c, ...) (dw_host_->jobs->add((c), DW_ARGS_(dw_job_args, __VA_ARGS__)))

/* Ends the waiting one, or cancels the call of the running one, on whatever server; when the open transaction commits. 1,
 * or 0: there is none. [call] */
static inline int dw_job_cancel(dw_call *c, const char *kind, const char *unique_key)
{
    return dw_host_->jobs->cancel(c, kind, unique_key);
}

/* dw_job_read(job, "entry", &id): the payload, as dw_json_read. Texts are the call's. [call] */
#define dw_job_read(job, ...) (dw_host_->jobs->read((job), DW_LIST(__VA_ARGS__)))

/* 1 for the first attempt. [call] */
static inline int dw_job_attempt(dw_job *job) { return dw_host_->jobs->attempt(job); }

/* Shown to admins; cheap enough for every item of a loop. DW_ECANCELLED when it is time to stop. [call] */
static inline int dw_job_progress(dw_job *job, int64_t done, int64_t total)
{
    return dw_host_->jobs->progress(job, done, total);
}

/* return dw_job_done(job): commits the open transaction, and with it that the job is done: both happen, or neither. What
 * run does after it is not part of the job. Without a transaction it does nothing. [call] */
static inline DW_MUST_CHECK int dw_job_done(dw_job *job) { return dw_host_->jobs->done(job); }

/* return dw_job_again(job, DW_MINUTES(1)): done for now, and once more later; not a failure. Commits as dw_job_done(). [call] */
static inline DW_MUST_CHECK int dw_job_again(dw_job *job, dw_span delay)
{
    return dw_host_->jobs->again(job, delay);
}

/* For schedules that people make: the first time after `after` that a text as in dw_schedule.when names ("0 3 * * *", "every 5m",
 * "2026-12-24T18:00:00"), in a zone of the IANA's (NULL: UTC). An interval counts from 1970 on. 1; 0: never again; DW_EINVALID
 * says what is wrong with it. [call] */
static inline DW_MUST_CHECK int dw_when_next(dw_call *c, const char *when, const char *zone, dw_time after,
                                             dw_time *out)
{
    return dw_host_->jobs->next(c, when, zone, after, out);
}

#ifdef __cplusplus
}
#endif
#endif
