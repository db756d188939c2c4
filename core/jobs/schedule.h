/* schedule.h - jobs that are added by themselves.
 *
 * Each schedule has a row, and each tenant its own row of one that is not across tenants. Any number of servers look at
 * them: a firing is a transaction that moves the row's next instant, if it still is the one that was seen, and adds the job.
 * So each instant is fired by one server, and its job exists if and only if the row knows. The rows hold when and in which
 * zone; what is done about lateness is each server's plan. */
#ifndef JOBS_SCHEDULE_H
#define JOBS_SCHEDULE_H

#include "db/db.h"
#include "jobs/when.h"

struct schedules;

/* An instant comes, and the job of the one before it still waits or runs. */
enum schedule_overlap {
    SCHEDULE_SKIP,  /* it is left out */
    SCHEDULE_QUEUE, /* its job waits for the other's end */
};

/* Texts are copied. */
struct schedule_plan {
    const char *owner, *name; /* "csvtime", "poll": rows say "csvtime.poll" */
    const char *job;          /* a kind of the owner's: "read" */
    const char *when;         /* see when.h; "off": never */
    const char *zone;         /* NULL: that of the options */
    enum when_misfire misfire;
    enum schedule_overlap
        overlap;            /* with WHEN_ALL it has to be SCHEDULE_QUEUE: else all but one would be skipped */
    int64_t jitter_us;      /* at most; see when_jitter_us() */
    bool is_across_tenants; /* one job in all, of no tenant */
};

struct schedules_options {
    struct db *db;
    const char *zone; /* where a plan names none; NULL: UTC */
    int64_t grace_us; /* what is later was missed, see when_fire(); 0: 60 s */

    /* Calls visit for every tenant there is. Less than 0: not all were visited, and nothing follows from that: what tenants
     * have goes on. NULL: there are no tenants, and only what is across them fires. [the ticker's thread] */
    int (*tenants)(int (*visit)(const char *tenant, void *visit_ud), void *visit_ud, void *ud);
    void *tenants_ud;

    int64_t (*wall_us)(void *ud); /* NULL: clock_wall_us */
    void *clock_ud;
};

/* 0; or -1 with a sentence in why: no such zone, memory is out. */
int schedules_create(struct schedules **out, const struct schedules_options *options, struct buf *why);

/* Would it be added? 0; or -1 with what is wrong in why, to be read behind the schedule's name. */
int schedules_check(struct schedules *s, const struct schedule_plan *plan, struct buf *why);

/* Before schedules_start(). 0, or -1 as above. */
int schedules_add(struct schedules *s, const struct schedule_plan *plan, struct buf *why);

/* Starts the thread that waits for the next instant: 0, or -1 with errno. */
int schedules_start(struct schedules *s);

/* Rows or tenants have changed: look again. What db_listen() hears on the channel "schedules". [any thread] */
void schedules_notice(struct schedules *s);

/* Tenants may have changed: look within ten seconds. For what is told much more often than tenants change. [any thread] */
void schedules_tenants_notice(struct schedules *s);

/* Nothing more is begun: another generation of the server goes on. [any thread] */
void schedules_drain(struct schedules *s);

/* Nothing is fired after it returns: waits for a tick that goes on. Without schedules_start() it does nothing; NULL is
 * safe. [one thread, once] */
void schedules_stop(struct schedules *s);

/* After schedules_stop(). NULL is safe. */
void schedules_destroy(struct schedules *s);

/* What the thread does, once: fires what is due by the clock of the options, and says when the next is (INT64_MAX: none).
 * How many jobs were added; or an error of enum dw_error, told in why. For tests and the harness, instead of
 * schedules_start(). */
int schedules_tick(struct schedules *s, int64_t *next_us, struct buf *why);

/* ---- for admins: in a session of the core's, also while no server runs ---- */

/* Texts are borrowed until the next row. Instants are 0 where there is none. */
struct schedule_row {
    const char *name, *tenant; /* "": of none */
    const char *job, *spec, *zone;
    int64_t next_us, fired_us, skipped_us, paused_us;
};

/* Calls visit for each, in order of their names. How many, or an error. */
int schedule_list(struct db_session *s, void (*visit)(const struct schedule_row *row, void *ud), void *ud);

/* tenant NULL: the rows of all. Each returns how many rows that were, or an error; 0: there is no such schedule. */
int schedule_pause(struct db_session *s, const char *name, const char *tenant, int64_t now_us);

/* It goes on with the next instant after now: what came while it was paused was not missed, but not wanted. */
int schedule_resume(struct db_session *s, const char *name, const char *tenant, int64_t now_us);

/* Adds its job now, beside its instants, unless one waits already; where one runs, it runs once more. */
int schedule_run(struct db_session *s, const char *name, const char *tenant, int64_t now_us);

#endif
