/* rows.c - the engine's SQL. Where the two engines of databases differ, both texts stand side by side. */
#include <stdio.h>
#include <stdlib.h>

#include "jobs/inside.h"
#include "secure/random.h"
#include "util/clock.h"

struct sql {
    const char *sqlite, *postgres;
};

static const char *pick(const struct jobs *j, const struct sql *sql)
{
    return db_engine(j->options.db) == DB_POSTGRES ? sql->postgres : sql->sqlite;
}

static dw_time at(int64_t us)
{
    return (dw_time){ us };
}

/* ---- leasing ---- */

#define SET_LEASE                                                                                            \
    " SET state = 'running', attempts = attempts + 1, lease = lease + 1, started_at = $2, lease_until = $3," \
    " server = $4, cancel = FALSE, progress_done = NULL, progress_total = NULL"
#define LEASED \
    "dowel_jobs.id, tenant, principal, payload, unique_key, ending, lease, attempts, error_code, error"

/* PostgreSQL may run a subselect with a LIMIT more than once: hence the CTE. */
static const struct sql lease = {
    .sqlite = "UPDATE dowel_jobs" SET_LEASE
              " WHERE id IN (SELECT id FROM dowel_jobs WHERE kind = $1 AND state = 'waiting'"
              " AND due_at <= $2 AND queue_key IS NULL ORDER BY due_at LIMIT $5) RETURNING " LEASED,
    .postgres = "WITH due AS MATERIALIZED (SELECT id FROM dowel_jobs WHERE kind = $1 AND state = 'waiting'"
                " AND due_at <= $2 AND queue_key IS NULL ORDER BY due_at LIMIT $5 FOR UPDATE SKIP LOCKED)"
                " UPDATE dowel_jobs" SET_LEASE " FROM due WHERE dowel_jobs.id = due.id RETURNING " LEASED,
};

/* The head of each queue: one that failed keeps its place, one that was put off from the start does not. */
#define HEADS                                                                                                \
    "SELECT w.id FROM dowel_jobs w WHERE w.kind = $1 AND w.state = 'waiting' AND w.due_at <= $2"             \
    " AND w.queue_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dowel_jobs o"                                \
    " WHERE o.queue_key = w.queue_key AND o.queue_key IS NOT NULL AND o.state IN ('waiting', 'running')"     \
    " AND (o.state = 'running' OR (o.id < w.id AND (o.attempts > 0 OR o.due_at <= $2)))) ORDER BY w.due_at " \
    "LIMIT $5"

static const struct sql lease_queued = {
    .sqlite = "UPDATE dowel_jobs" SET_LEASE " WHERE id IN (" HEADS ") RETURNING " LEASED,
    .postgres = "WITH due AS MATERIALIZED (" HEADS " FOR UPDATE OF w SKIP LOCKED)"
                " UPDATE dowel_jobs" SET_LEASE " FROM due WHERE dowel_jobs.id = due.id RETURNING " LEASED,
};

static const char *keep(struct job *job, const char *text)
{
    return text ? arena_copy(&job->memory, str_from(text)) : NULL;
}

/* Texts of a row are gone with the next one. */
static int read_leased(struct jobs *j, const struct job_registered *k, struct db_rows *rows, int64_t until_us,
                       struct list *out)
{
    const char *id = NULL, *tenant = NULL, *principal = NULL, *unique_key = NULL, *ending = NULL,
               *error = NULL;
    dw_str payload = { NULL, 0 };
    int64_t number = 0;
    int attempt = 0, code = 0;
    int rc = db_rows_read(rows, DW_TO(&id, &tenant, &principal, &payload, &unique_key, &ending, &number,
                                      &attempt, &code, &error));
    struct job *job = rc < 0 ? NULL : job_create(j, k);

    if (!job)
        return rc < 0 ? rc : DW_ENOMEM;
    job->id = keep(job, id);
    job->tenant = tenant && *tenant ? keep(job, tenant) : NULL;
    job->principal = keep(job, principal);
    job->unique_key = keep(job, unique_key);
    job->ending = keep(job, ending);
    job->payload = str_make(arena_copy(&job->memory, str_make(payload.p, payload.n)), payload.n);
    job->leased_us = jobs_wall_us(j);
    job->lease_until_us = until_us;
    job->lease = number;
    job->attempt = (unsigned)attempt;
    job->last_code = code;
    job->last_error = keep(job, error ? error : "");
    list_append(out, &job->node);
    bool complete = job->id && job->payload.p && job->last_error && (!tenant || !*tenant || job->tenant) &&
                    (!principal || job->principal) && (!unique_key || job->unique_key) &&
                    (!ending || job->ending);
    return complete ? 0 : DW_ENOMEM;
}

static int lease_by(struct jobs *j, struct db_session *s, const char *sql, const struct job_registered *k,
                    unsigned max, bool queued, struct list *out)
{
    struct db_rows *rows = NULL;
    int64_t now_us = jobs_wall_us(j), until_us = now_us + j->options.lease_us;
    int n = 0, rc;

    rc = db_query(s, &rows, DB_BY_CORE,
                  DW_LIST(sql, k->name, at(now_us), at(until_us), (const char *)j->server, max));
    while (rc >= 0 && (rc = db_rows_next(rows)) > 0) {
        rc = read_leased(j, k, rows, until_us, out);
        if (rc >= 0)
            LIST_OWNER(out->prev, struct job, node)->is_queued = queued;
        n++;
    }
    db_rows_close(rows);
    return rc < 0 ? rc : n;
}

int rows_lease(struct jobs *j, struct db_session *s, const struct job_registered *k, unsigned max,
               struct list *out)
{
    return lease_by(j, s, pick(j, &lease), k, max, false, out);
}

/* Two servers that looked at once would each see the other's queue without a running job. */
int rows_lease_queued(struct jobs *j, struct db_session *s, const struct job_registered *k, unsigned max,
                      struct list *out)
{
    static const struct sql any = {
        .sqlite = "SELECT 1 AS \"any::integer\" FROM dowel_jobs WHERE kind = $1 AND state = 'waiting' AND "
                  "due_at <= $2"
                  " AND queue_key IS NOT NULL LIMIT 1",
        .postgres =
            "SELECT 1 AS \"any::integer\", pg_advisory_xact_lock(7235948)::text FROM (SELECT 1 FROM "
            "dowel_jobs"
            " WHERE kind = $1 AND state = 'waiting' AND due_at <= $2 AND queue_key IS NOT NULL LIMIT 1) q",
    };
    int rc = (int)db_exec(s, DB_BY_CORE, DW_LIST(pick(j, &any), k->name, at(jobs_wall_us(j))));

    return rc <= 0 ? rc : lease_by(j, s, pick(j, &lease_queued), k, max, true, out);
}

/* Of those without a queue, and of those with one: each has an index of its own. */
#define FIRST_OF(kind_, which)                                              \
    "SELECT due_at FROM (SELECT due_at FROM dowel_jobs WHERE kind = " kind_ \
    " AND state = 'waiting' AND queue_key IS " which " ORDER BY due_at LIMIT 1) "
#define FIRST_DUE(kind_) FIRST_OF(kind_, "NULL") "a UNION ALL " FIRST_OF(kind_, "NOT NULL") "b"

int rows_next_due(struct db_session *s, const struct job_registered *k, int64_t *due_us)
{
    dw_time due = { INT64_MAX };
    int rc =
        db_find(s, DW_TO(&due), DB_BY_CORE,
                DW_LIST("SELECT due_at AS \"due::time\" FROM (" FIRST_DUE("$1") ") f ORDER BY due_at LIMIT 1",
                        k->name));

    *due_us = due.us;
    return rc < 0 ? rc : 0;
}

/* ---- what became of a run ---- */

static unsigned attempts_max(const struct job *job)
{
    return job->kind->kind.attempts ? job->kind->kind.attempts : JOB_ATTEMPTS;
}

/* 0 to us: jobs that failed together shall not come back together. */
static int64_t by_chance(int64_t us)
{
    uint64_t chance;

    return us > 0 && random_bytes(&chance, sizeof(chance)) == 0 ? (int64_t)(chance % (uint64_t)us) : us / 2;
}

int64_t job_backoff_us(unsigned attempt)
{
    int64_t us = 5 * (int64_t)CLOCK_SECOND;

    for (unsigned i = 1; i < attempt && i < 7; i++)
        us *= 4;
    return us - us / 5 + by_chance(us * 2 / 5); /* 80 to 120 % */
}

/* Not before the peer wants it, but for one that wants to be left alone for days. */
static int64_t pause_before_next(const struct job *job)
{
    static const int64_t most_us = 86400 * (int64_t)CLOCK_SECOND;
    int64_t us = job->retry_after_us < most_us ? job->retry_after_us : most_us;

    return us > 0 ? us + by_chance(us / 10) : job_backoff_us(job->attempt);
}

static bool is_hopeless(int code)
{
    return code == DW_EINVALID || code == DW_EDENIED || code == DW_ENOTFOUND || code == DW_EMISUSE;
}

bool job_is_spent(const struct job *job)
{
    if (job->ending)
        return !job->kind->kind.dead || job->attempt > JOB_LAST_CALLS_MAX;
    return job->attempt > attempts_max(job);
}

enum job_fate job_fate(const struct job *job)
{
    enum job_stop stop = job_stopped(job);

    if (job->is_settled || stop == JOB_LOST)
        return JOB_UNWRITTEN;
    if (job_is_spent(job))
        return JOB_SPENT;
    if (atomic_load(&job->deadline_us) == 0 || (job->result < 0 && stop == JOB_STOPPED))
        return JOB_GIVEN_BACK;
    if (job->result < 0)
        return JOB_FAILED;
    return job->again_us >= 0 && !job->ending ? JOB_AGAIN : JOB_DONE;
}

bool rows_is_plain(const struct job *job)
{
    return !job->unique_key && !job->ending && job_fate(job) == JOB_DONE;
}

#define SET_DONE " SET state = 'done', ended_at = $2, lease_until = NULL, error = NULL, error_code = NULL"

/* A statement costs SQLite no way over a network. */
static int finish_each(struct jobs *j, struct db_session *s, struct job *const *done, size_t n)
{
    int64_t now_us = jobs_wall_us(j);
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < n; i++)
        rc = (int)db_exec(s, DB_BY_CORE,
                          DW_LIST("UPDATE dowel_jobs" SET_DONE ", took_us = $4"
                                  " WHERE id = $1 AND lease = $3 AND state = 'running'",
                                  done[i]->id, at(now_us), done[i]->lease, done[i]->took_us));
    return rc;
}

static int finish_together(struct jobs *j, struct db_session *s, struct job *const *done, size_t n)
{
    struct buf which = BUF_INIT;
    int rc = DW_ENOMEM;

    for (size_t i = 0; i < n; i++)
        buf_add_format(&which, "%s[\"%s\",%lld,%lld]", i ? "," : "[", done[i]->id, (long long)done[i]->lease,
                       (long long)done[i]->took_us);
    buf_add_char(&which, ']');
    if (!buf_failed(&which))
        rc = (int)db_exec(s, DB_BY_CORE,
                          DW_LIST("UPDATE dowel_jobs" SET_DONE ", took_us = f.took"
                                  " FROM (SELECT (value ->> 0)::uuid AS id, (value ->> 1)::bigint AS lease,"
                                  " (value ->> 2)::bigint AS took FROM jsonb_array_elements($1::jsonb)) AS f"
                                  " WHERE dowel_jobs.id = f.id AND dowel_jobs.lease = f.lease"
                                  " AND dowel_jobs.state = 'running'",
                                  buf_text(&which), at(jobs_wall_us(j))));
    buf_finish(&which);
    return rc;
}

int rows_finish_done(struct jobs *j, struct db_session *s, struct job *const *done, size_t n)
{
    return db_engine(j->options.db) == DB_SQLITE ? finish_each(j, s, done, n)
                                                 : finish_together(j, s, done, n);
}

/* 1: the row is locked and still ours; 0: lost; 2: somebody holds it, who may take as long as a transaction may. Sees a wish
 * to cancel it that came late. */
static int lock_row(struct jobs *j, struct db_session *s, struct job *job)
{
    static const struct sql lock = {
        .sqlite = "SELECT cancel FROM dowel_jobs WHERE id = $1 AND lease = $2 AND state = 'running'",
        .postgres = "SELECT cancel FROM dowel_jobs WHERE id = $1 AND lease = $2 AND state = 'running'"
                    " FOR UPDATE SKIP LOCKED",
    };
    bool cancel = false;
    int rc = db_find(s, DW_TO(&cancel), DB_BY_CORE, DW_LIST(pick(j, &lock), job->id, job->lease));

    if (rc > 0 && cancel)
        job_stop(job, JOB_CANCELLED);
    if (rc != 0 || db_engine(j->options.db) == DB_SQLITE)
        return rc;
    rc = db_find(s, DW_TO(&cancel), DB_BY_CORE, DW_LIST(lock.sqlite, job->id, job->lease));
    return rc > 0 ? 2 : rc;
}

static int note_failure(struct jobs *j, struct db_session *s, const struct job *job, int code,
                        const char *error)
{
    return (int)db_exec(
        s, DB_BY_CORE,
        DW_LIST("INSERT INTO dowel_job_failures (job, lease, attempt, server, started_at, took_us,"
                " code, error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                job->id, job->lease, job->attempt, (const char *)j->server,
                at(jobs_wall_us(j) - job->took_us), job->took_us, code, error));
}

/* It is over: nothing of it is ever run again, but what was asked for while it ran. */
static int end_row(struct jobs *j, struct db_session *s, const struct job *job, const char *state)
{
    int rc =
        (int)db_exec(s, DB_BY_CORE,
                     DW_LIST("UPDATE dowel_jobs SET state = $2, ending = NULL, ended_at = $3, took_us = $4,"
                             " lease_until = NULL WHERE id = $1",
                             job->id, state, at(jobs_wall_us(j)), job->took_us));

    return rc < 0 || !job->unique_key ? rc : queue_add_again(s, job, jobs_wall_us(j));
}

static int put_back(struct jobs *j, struct db_session *s, const struct job *job, const char *ending,
                    int64_t delay_us)
{
    return (int)db_exec(
        s, DB_BY_CORE,
        DW_LIST("UPDATE dowel_jobs SET state = 'waiting', ending = $2, due_at = $3, took_us = $4,"
                " lease_until = NULL, cancel = FALSE WHERE id = $1",
                job->id, ending, at(jobs_wall_us(j) + delay_us), job->took_us));
}

/* Given up or cancelled: its kind may want to hear of it, in a call of its own. */
static int give_up(struct jobs *j, struct db_session *s, const struct job *job, const char *state)
{
    if (!job->kind->kind.dead)
        return end_row(j, s, job, state);
    int rc =
        (int)db_exec(s, DB_BY_CORE, DW_LIST("UPDATE dowel_jobs SET attempts = 0 WHERE id = $1", job->id));
    return rc < 0 ? rc : put_back(j, s, job, state, 0);
}

static const char *error_of(const struct job *job)
{
    if (job_stopped(job) == JOB_TIMED_OUT && job->result == DW_ECANCELLED)
        return "its time was over";
    return job->error.n > 0 ? job->error.p : "it gave no reason";
}

static int finish_failed(struct jobs *j, struct db_session *s, const struct job *job)
{
    const char *error = error_of(job);
    int rc = note_failure(j, s, job, job->result, error);

    if (rc >= 0 && !job->ending)
        rc = (int)db_exec(s, DB_BY_CORE,
                          DW_LIST("UPDATE dowel_jobs SET error_code = $2, error = $3 WHERE id = $1", job->id,
                                  job->result, error));
    if (rc < 0)
        return rc;
    if (job->ending)
        return end_row(j, s, job, job->ending); /* its last call is made once */
    if (job_stopped(job) == JOB_CANCELLED)
        return give_up(j, s, job, "cancelled");
    if (is_hopeless(job->result) || job->attempt >= attempts_max(job))
        return give_up(j, s, job, "dead");
    return put_back(j, s, job, NULL, pause_before_next(job));
}

static int finish_done(struct jobs *j, struct db_session *s, const struct job *job)
{
    if (job->ending)
        return end_row(j, s, job, job->ending);
    int rc =
        (int)db_exec(s, DB_BY_CORE,
                     DW_LIST("UPDATE dowel_jobs SET error = NULL, error_code = NULL WHERE id = $1", job->id));
    return rc < 0 ? rc : end_row(j, s, job, "done");
}

/* Not a failure: it begins anew, with the newest payload, and at once when somebody asked for it meanwhile. */
static int finish_again(struct jobs *j, struct db_session *s, const struct job *job)
{
    int64_t now_us = jobs_wall_us(j);

    return (int)db_exec(
        s, DB_BY_CORE,
        DW_LIST("UPDATE dowel_jobs SET state = 'waiting', attempts = 0, took_us = $2, error = NULL,"
                " error_code = NULL, lease_until = NULL, cancel = FALSE,"
                " ending = CASE WHEN cancel THEN 'cancelled' END,"
                " due_at = CASE WHEN again IS NULL AND NOT cancel THEN $3 ELSE $4 END,"
                " payload = coalesce(again, payload), again = NULL WHERE id = $1",
                job->id, job->took_us, at(now_us + job->again_us), at(now_us)));
}

/* Too many servers ended while it ran. Why, says the row already. */
static int finish_spent(struct jobs *j, struct db_session *s, const struct job *job)
{
    return job->ending ? end_row(j, s, job, job->ending) : give_up(j, s, job, "dead");
}

/* Whoever still runs it has lost it. The attempt does not count. */
static int finish_given_back(struct jobs *j, struct db_session *s, const struct job *job)
{
    return (int)db_exec(
        s, DB_BY_CORE,
        DW_LIST("UPDATE dowel_jobs SET state = 'waiting', attempts = attempts - 1, lease = lease + 1,"
                " ending = CASE WHEN cancel THEN coalesce(ending, 'cancelled') ELSE ending END,"
                " cancel = FALSE, due_at = $2, lease_until = NULL, server = NULL WHERE id = $1",
                job->id, at(jobs_wall_us(j))));
}

int rows_give_back(struct jobs *j, struct db_session *s, struct job *job)
{
    int rc = lock_row(j, s, job);

    return rc == 1 ? finish_given_back(j, s, job) : rc;
}

int rows_finish(struct jobs *j, struct db_session *s, struct job *job)
{
    enum job_fate fate = job_fate(job);
    int rc = fate == JOB_UNWRITTEN ? 0 : lock_row(j, s, job);

    if (rc != 1)
        return rc == 2 ? 0 : rc < 0 ? rc : 1;
    switch (job_fate(job)) {
    case JOB_DONE: rc = finish_done(j, s, job); break;
    case JOB_AGAIN: rc = finish_again(j, s, job); break;
    case JOB_FAILED: rc = finish_failed(j, s, job); break;
    case JOB_SPENT: rc = finish_spent(j, s, job); break;
    case JOB_GIVEN_BACK: rc = finish_given_back(j, s, job); break;
    case JOB_UNWRITTEN: break;
    }
    return rc < 0 ? rc : 1;
}

/* ---- in the transaction of the run ---- */

int job_check_lease(struct job *job, struct db_session *s)
{
    static const struct sql check = {
        .sqlite = "SELECT id FROM dowel_jobs WHERE id = $1 AND lease = $2",
        .postgres = "SELECT id FROM dowel_jobs WHERE id = $1 AND lease = $2 FOR UPDATE",
    };
    int rc = (int)db_exec(s, DB_BY_CORE, DW_LIST(pick(job->engine, &check), job->id, job->lease));

    if (rc != 0)
        return rc < 0 ? rc : 0;
    job_stop(job, JOB_LOST);
    return DW_ECANCELLED;
}

int job_done(struct job *job, struct db_session *s)
{
    int rc = job_check_lease(job, s);

    atomic_store(&job->is_settling, true);
    if (rc == 0)
        rc = finish_done(job->engine, s, job);
    return rc < 0 ? rc : 0;
}

int job_again(struct job *job, struct db_session *s, int64_t delay_us)
{
    int rc = job_check_lease(job, s);

    atomic_store(&job->is_settling, true);
    job->again_us = delay_us;
    if (rc == 0)
        rc = finish_again(job->engine, s, job);
    return rc < 0 ? rc : 0;
}

/* ---- leases that go on, and those that ended ---- */

int rows_held(struct jobs *j, struct db_session *s,
              void (*seen)(const char *id, int64_t lease, bool cancel, void *ud), void *ud)
{
    struct db_rows *rows = NULL;
    const char *id = NULL;
    int64_t number = 0;
    bool cancel = false;
    int rc =
        db_query(s, &rows, DB_BY_CORE,
                 DW_LIST("SELECT id, lease, cancel FROM dowel_jobs WHERE state = 'running' AND server = $1",
                         (const char *)j->server));

    while (rc >= 0 && (rc = db_rows_next(rows)) > 0) {
        rc = db_rows_read(rows, DW_TO(&id, &number, &cancel));
        if (rc >= 0)
            seen(id, number, cancel, ud);
    }
    db_rows_close(rows);
    return rc;
}

int rows_progress(struct db_session *s, struct job *job)
{
    return (int)db_exec(s, DB_BY_CORE,
                        DW_LIST("UPDATE dowel_jobs SET progress_done = $3, progress_total = $4"
                                " WHERE id = $1 AND lease = $2 AND state = 'running'",
                                job->id, job->lease, (int64_t)atomic_load(&job->progress_done),
                                (int64_t)atomic_load(&job->progress_total)));
}

int rows_renew(struct jobs *j, struct db_session *s, struct job *job, int64_t until_us)
{
    int rc = lock_row(j, s, job);

    if (rc != 1)
        return rc < 0 ? rc : 0;
    rc = (int)db_exec(s, DB_BY_CORE,
                      DW_LIST("UPDATE dowel_jobs SET lease_until = $2 WHERE id = $1", job->id, at(until_us)));
    return rc < 0 ? rc : 1;
}

int rows_are_expired(struct jobs *j, struct db_session *s)
{
    return (int)db_exec(
        s, DB_BY_CORE,
        DW_LIST("SELECT id FROM dowel_jobs WHERE state = 'running' AND lease_until < $1 LIMIT 1",
                at(jobs_wall_us(j))));
}

struct expired {
    char id[40], server[JOB_SERVER_SIZE];
    int64_t lease, started_us;
    unsigned attempt;
};

enum { EXPIRED_MAX = 100 }; /* at a time */

#define FIND_EXPIRED "SELECT id, lease, attempts, server, started_at FROM dowel_jobs WHERE state = 'running'"

/* Of that server, which is dead; or, where it is NULL, of all whose time is over. */
static int read_expired(struct jobs *j, struct db_session *s, const char *dead, struct expired *out)
{
    static const struct sql by_time = {
        .sqlite = FIND_EXPIRED " AND lease_until < $1 LIMIT $2",
        .postgres = FIND_EXPIRED " AND lease_until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED",
    };
    static const struct sql of_dead = {
        .sqlite = FIND_EXPIRED " AND server = $1 LIMIT $2",
        .postgres = FIND_EXPIRED " AND server = $1 LIMIT $2 FOR UPDATE SKIP LOCKED",
    };
    struct db_rows *rows = NULL;
    int n = 0, rc;

    if (dead)
        rc = db_query(s, &rows, DB_BY_CORE, DW_LIST(pick(j, &of_dead), dead, (int)EXPIRED_MAX));
    else
        rc =
            db_query(s, &rows, DB_BY_CORE, DW_LIST(pick(j, &by_time), at(jobs_wall_us(j)), (int)EXPIRED_MAX));
    while (rc >= 0 && (rc = db_rows_next(rows)) > 0) {
        struct expired *e = &out[n++];
        const char *id = "", *server = "";
        dw_time started = { 0 };
        int attempt = 0;
        rc = db_rows_read(rows, DW_TO(&id, &e->lease, &attempt, &server, &started));
        snprintf(e->id, sizeof(e->id), "%s", id);
        snprintf(e->server, sizeof(e->server), "%s", server);
        e->started_us = started.us;
        e->attempt = (unsigned)attempt;
    }
    db_rows_close(rows);
    return rc < 0 ? rc : n;
}

/* One that takes its server along shall not do so again and again without a pause. */
static int expire(struct jobs *j, struct db_session *s, const struct expired *e, bool is_dead)
{
    int64_t now_us = jobs_wall_us(j);
    struct buf error = BUF_INIT;

    buf_add_format(&error, "the server %s ended%s while it ran", e->server,
                   is_dead ? "" : ", or lost the database,");
    int rc = (int)db_exec(
        s, DB_BY_CORE,
        DW_LIST("INSERT INTO dowel_job_failures (job, lease, attempt, server, started_at, took_us,"
                " code, error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                (const char *)e->id, e->lease, e->attempt, (const char *)e->server, at(e->started_us),
                now_us - e->started_us, (int)DW_EUNAVAILABLE, buf_text(&error)));
    if (rc >= 0)
        rc = (int)db_exec(
            s, DB_BY_CORE,
            DW_LIST("UPDATE dowel_jobs SET state = 'waiting', due_at = $2, lease = lease + 1,"
                    " lease_until = NULL, error_code = $3, error = $4,"
                    " ending = CASE WHEN cancel THEN coalesce(ending, 'cancelled') ELSE ending END,"
                    " cancel = FALSE WHERE id = $1",
                    (const char *)e->id, at(now_us + (e->attempt > 1 ? job_backoff_us(e->attempt) : 0)),
                    (int)DW_EUNAVAILABLE, buf_text(&error)));
    buf_finish(&error);
    return rc;
}

static int expire_all(struct jobs *j, struct db_session *s, const char *dead)
{
    struct expired *list = calloc(EXPIRED_MAX, sizeof(*list));
    int n = list ? read_expired(j, s, dead, list) : DW_ENOMEM, rc = n;

    for (int i = 0; i < n && rc >= 0; i++)
        rc = expire(j, s, &list[i], dead != NULL);
    free(list);
    return rc < 0 ? rc : n;
}

int rows_expire(struct jobs *j, struct db_session *s)
{
    return expire_all(j, s, NULL);
}

int rows_reclaim(struct jobs *j, struct db_session *s, const char *server, bool *all)
{
    int n = expire_all(j, s, server);
    int left = n < 0 ? n
                     : (int)db_exec(s, DB_BY_CORE,
                                    DW_LIST("SELECT id FROM dowel_jobs WHERE state = 'running'"
                                            " AND server = $1 LIMIT 1",
                                            server));

    *all = left == 0;
    return left < 0 ? left : n;
}

/* ---- kinds ---- */

int rows_register_kinds(struct jobs *j, struct db_session *s)
{
    int rc = 0;

    for (size_t i = 0; i < j->kinds_n && rc >= 0; i++)
        rc = (int)db_exec(s, DB_BY_CORE,
                          DW_LIST("INSERT INTO dowel_job_kinds (kind, paused) VALUES ($1, FALSE)"
                                  " ON CONFLICT (kind) DO NOTHING",
                                  j->kinds[i]->name));
    return rc;
}

static struct job_registered *find_kind(struct jobs *j, const char *name)
{
    for (size_t i = 0; i < j->kinds_n; i++) {
        if (strcmp(j->kinds[i]->name, name) == 0)
            return j->kinds[i];
    }
    return NULL;
}

static void learn_kind(struct jobs *j, const char *name, bool paused, int64_t due_us)
{
    struct job_registered *k = find_kind(j, name);

    if (!k)
        return; /* another server's */
    pthread_mutex_lock(&j->lock);
    k->is_paused = paused;
    if (k->notices == k->notices_seen)
        k->due_us = due_us;
    pthread_mutex_unlock(&j->lock);
}

int rows_read_kinds(struct jobs *j, struct db_session *s)
{
    struct db_rows *rows = NULL;
    int rc = db_query(s, &rows, DB_BY_CORE,
                      DW_LIST("SELECT kind, paused, (SELECT due_at FROM (" FIRST_DUE(
                          "k.kind") ") f ORDER BY due_at LIMIT 1)"
                                    " AS \"due::time\" FROM dowel_job_kinds k"));

    while (rc >= 0 && (rc = db_rows_next(rows)) > 0) {
        const char *name = "";
        bool paused = false;
        dw_time due = { INT64_MAX };
        rc = db_rows_read(rows, DW_TO(&name, &paused, &due));
        if (rc >= 0)
            learn_kind(j, name, paused, due.us);
    }
    db_rows_close(rows);
    return rc;
}
