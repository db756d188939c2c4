/* inside.h - what the files of core/jobs share.
 *
 * queue.c adds and cancels, in anybody's session. The engine: rows.c is its SQL, keeper.c the one thread that leases,
 * renews and writes what became of jobs, in batches; workers.c the threads that run them; job.c what a run can ask. */
#ifndef JOBS_INSIDE_H
#define JOBS_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "jobs/jobs.h"
#include "jobs/presence.h"
#include "metrics/metrics.h"
#include "util/list.h"

/* Notices of a kind come at most so often; and so long after one, or after there was something to do, an engine looks once
 * more. */
enum { JOB_TELL_EVERY_US = 100000, JOB_LOOK_AGAIN_US = 150000 };

enum { JOB_ATTEMPTS = 8, JOB_LAST_CALLS_MAX = 3, JOB_SERVER_SIZE = PRESENCE_SERVER_SIZE };

/* Why a run was told to stop. */
enum job_stop {
    JOB_GOES_ON,
    JOB_CANCELLED,
    JOB_TIMED_OUT,
    JOB_LOST,   /* the lease: somebody else has it, or nobody could say */
    JOB_STOPPED /* with the engine: it is given back */
};

/* What shall be written about a run that returned. */
enum job_fate {
    JOB_DONE,
    JOB_AGAIN,
    JOB_FAILED,
    JOB_SPENT /* before it began */,
    JOB_GIVEN_BACK,
    JOB_UNWRITTEN
};

/* Threads, and what waits for them. Guarded by the engine's lock. */
struct job_pool {
    struct jobs *engine;
    struct list queue;
    unsigned queued, busy, limit;
    unsigned reserved; /* the keeper's: leased in this round */
    unsigned threads_n, idle;
    pthread_t *threads; /* limit */
    pthread_cond_t wake;
    int64_t run_us; /* how long a run takes, an average of the last ones */
};

struct job_registered {
    struct job_kind kind;
    const char *name; /* "notes.push" */
    struct job_pool *pool, own;
    bool is_paused;        /* guarded by lock, as the next two */
    int64_t due_us;        /* of the next one, by the wall clock; INT64_MAX: none known */
    unsigned notices;      /* that came: due_us is not to be set by who looked before the last */
    unsigned notices_seen; /* the keeper's, as the next two */
    bool was_noticed;
    int64_t next_due_us;
    struct metric *done, *failed, *dead, *took;
};

struct job {
    struct list node; /* in its pool's queue, or in engine->finished */
    struct list held; /* in engine->held, from lease to its end; the keeper's */
    struct jobs *engine;
    const struct job_registered *kind;
    struct arena memory; /* the texts */
    const char *id, *tenant, *principal, *unique_key;
    struct str payload;
    const char *ending; /* "dead", "cancelled": this is the last call; NULL */
    int64_t lease;
    unsigned attempt;
    int last_code;
    const char *last_error;
    int64_t leased_us, lease_until_us, renewed_until_us; /* wall clock; the keeper's, as the next two */
    bool is_seen, is_written, is_queued;
    _Atomic int64_t deadline_us; /* monotonic; 0: has not begun */
    int64_t took_us;

    /* The run's own until it returns. */
    int result;
    struct buf error;
    int64_t retry_after_us, again_us; /* -1: not again */
    bool is_settled;                  /* written by its own transaction, which was committed */
    _Atomic bool is_settling;         /* that may have been, or is about to be */

    _Atomic int64_t progress_done, progress_total;
    _Atomic bool has_progressed;

    pthread_mutex_t lock; /* guards what follows */
    _Atomic int stop;     /* enum job_stop; read without the lock */
    void (*notice)(void *ud);
    void *notice_ud;
};

/* What it still does; only ever forward. Guarded by lock. */
enum jobs_phase {
    JOBS_IDLE, /* without threads */
    JOBS_RUN,
    JOBS_DRAIN,   /* leases no more */
    JOBS_HURRY,   /* runs have been told to stop */
    JOBS_ABANDON, /* what still runs loses its lease */
    JOBS_OVER
};

struct jobs {
    struct jobs_options options; /* with defaults filled in */
    char server[JOB_SERVER_SIZE];
    struct arena memory; /* names of kinds */

    struct job_registered **kinds; /* fixed at start */
    size_t kinds_n, kinds_cap, kinds_turn;

    pthread_mutex_t lock; /* guards what follows, the pools and the kinds */
    pthread_cond_t wake_keeper, idle;
    struct list finished; /* returned, not written yet */
    unsigned held_n;      /* every job that is leased here */
    enum jobs_phase phase;
    bool must_poll;
    _Atomic bool is_dead; /* see jobs_die() */
    struct job_pool common;
    bool has_keeper; /* who starts and stops it knows */
    pthread_t keeper;

    /* The keeper's. */
    struct presence presence;
    struct list held;
    int64_t poll_at_us;                 /* monotonic */
    bool has_registered, has_leftovers; /* what somebody else's transaction keeps from being written */
    unsigned failures;                  /* rounds that failed, since one that did not */

    char retain_from[40]; /* up to which id retention has looked; its caller's */
    struct metric *running;
};

/* ---- rows.c: SQL of the engine; inside a transaction of the session, but what only reads. 0 or more, or an error ---- */

/* Up to max that are due, appended to out. Those of a queue come from rows_lease_queued(), which on PostgreSQL lets one
 * server at a time look. */
int rows_lease(struct jobs *j, struct db_session *s, const struct job_registered *k, unsigned max,
               struct list *out);
int rows_lease_queued(struct jobs *j, struct db_session *s, const struct job_registered *k, unsigned max,
                      struct list *out);

/* When the next of the kind is due: INT64_MAX when none waits. */
int rows_next_due(struct db_session *s, const struct job_registered *k, int64_t *due_us);

/* 1: the row was written, or is not ours any more; 0: somebody holds it, and it is to be tried again. */
int rows_finish(struct jobs *j, struct db_session *s, struct job *job);

/* The same for many that just are done, without unique_key. */
int rows_finish_done(struct jobs *j, struct db_session *s, struct job *const *done, size_t n);
bool rows_is_plain(const struct job *job);

/* Every lease that this server holds by the table: seen(id, lease, wants to be cancelled). */
int rows_held(struct jobs *j, struct db_session *s,
              void (*seen)(const char *id, int64_t lease, bool cancel, void *ud), void *ud);

/* The lease goes on until then: 1; 0: not now. */
int rows_renew(struct jobs *j, struct db_session *s, struct job *job, int64_t until_us);
int rows_give_back(struct jobs *j, struct db_session *s, struct job *job);
int rows_progress(struct db_session *s, struct job *job);

/* Jobs of servers that have gone become due again. Asked first without a transaction. */
int rows_are_expired(struct jobs *j, struct db_session *s);
int rows_expire(struct jobs *j, struct db_session *s);

/* The same, at once, for those of one that is known to be dead. *all: none of its is left; else somebody holds a row, or there
 * were too many for one transaction. */
int rows_reclaim(struct jobs *j, struct db_session *s, const char *server, bool *all);

/* Paused or not, and what is due, for every registered kind. */
int rows_register_kinds(struct jobs *j, struct db_session *s);
int rows_read_kinds(struct jobs *j, struct db_session *s);

/* What a run may be told to have become of it. */
enum job_fate job_fate(const struct job *job);

/* It is not begun any more: its attempts are used up, by servers that ended, or it has no last call to be made. */
bool job_is_spent(const struct job *job);

/* How long after the n-th failure: grows, with chance in it. */
int64_t job_backoff_us(unsigned attempt);

/* ---- queue.c ---- */

/* What waits has its last call to come, which an engine makes that knows the kind. $2 is now. */
#define JOB_SET_CANCEL                                                        \
    "UPDATE dowel_jobs SET cancel = (state = 'running'), again = NULL,"       \
    " ending = CASE WHEN state = 'waiting' THEN 'cancelled' ELSE ending END," \
    " attempts = CASE WHEN state = 'waiting' THEN 0 ELSE attempts END,"       \
    " due_at = CASE WHEN state = 'waiting' THEN $2 ELSE due_at END"

/* A row of its own for what was asked for while the job ran. After it has left the state "running". */
int queue_add_again(struct db_session *s, const struct job *job, int64_t now_us);

/* ---- job.c ---- */

struct job *job_create(struct jobs *j, const struct job_registered *k);
void job_destroy(struct job *job);
void job_stop(struct job *job, enum job_stop why);
enum job_stop job_stopped(const struct job *job);

/* ---- workers.c: under the lock ---- */

int pool_init(struct job_pool *p, struct jobs *j, unsigned limit);
void pool_finish(struct job_pool *p);
unsigned pool_room(const struct job_pool *p);
void pool_take_less(struct job_pool *p);
void pool_put(struct job_pool *p, struct job *job);
struct job *pool_take(struct job_pool *p);
void pool_run(struct job_pool *p, struct job *job); /* without the lock, as the next */
bool pool_join(struct job_pool *p);

/* ---- keeper.c ---- */

void *keeper_run(void *ud); /* the engine */

/* One round: what is due is leased, what has ended is written. 0 or an error, told in why. */
int keeper_round(struct jobs *j, struct buf *why);

/* ---- engine.c ---- */

int64_t jobs_wall_us(const struct jobs *j);
int jobs_session(struct jobs *j, struct db_session **out);

#endif
