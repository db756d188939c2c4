/* queue.c - jobs are added and cancelled, in the session of whoever wants it. */
#include <stdio.h>
#include <string.h>

#include "jobs/inside.h"
#include "secure/uuid.h"
#include "util/clock.h"
#include "util/compiler.h"

/* FNV-1a */
static uint32_t hash(const char *text)
{
    uint32_t h = 2166136261u;

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

/* Each kind's last notice, by a hash of its name. */
static _Atomic int64_t told_us[256];

/* Wakes the engines of all servers when the transaction commits. A notice costs as much as a job: of a kind that was told
 * of just now it is left out, since whoever has heard that looks again soon; and in the end all engines poll. */
static int tell(struct db_session *s, const char *kind)
{
    _Atomic int64_t *last = &told_us[hash(kind) % DW_COUNT_OF(told_us)];
    int64_t now_us = clock_monotonic_us();

    if (now_us - atomic_load_explicit(last, memory_order_relaxed) < JOB_TELL_EVERY_US)
        return 0;
    atomic_store_explicit(last, now_us, memory_order_relaxed);
    return db_notify(s, "jobs", kind);
}

static int tell_cancelled(struct db_session *s, const char *kind)
{
    int rc = db_notify(s, "jobs", "cancel");

    return rc < 0 ? rc : db_notify(s, "jobs", kind);
}

static int make_id(char out[UUID_TEXT_SIZE])
{
    struct uuid id;

    if (uuid_make(&id) != 0)
        return DW_EUNAVAILABLE;
    uuid_format(&id, out);
    return 0;
}

/* The plugin's and the tenant's own: another's key of the same name is another queue. */
static const char *queue_of(struct buf *room, const struct job_new *n)
{
    struct str kind = str_from(n->kind);

    if (!n->queue_key)
        return NULL;
    kind.n = str_find(kind, '.');
    buf_add_format(room, "%.*s/%s/%s", STR_ARG(kind), n->tenant ? n->tenant : "", n->queue_key);
    return buf_text(room);
}

/* A plain one has no conflict to look for. */
static int insert(struct db_session *s, const struct job_new *n, const char *queue, int64_t now_us)
{
    static const char plain[] =
        "INSERT INTO dowel_jobs (id, kind, tenant, principal, state, due_at, payload, unique_key, queue_key,"
        " attempts, lease, cancel, created_at)"
        " VALUES ($1, $2, $3, $4, 'waiting', $5, $6, $7, $8, 0, 0, FALSE, $9)";
    static const char unique[] =
        "INSERT INTO dowel_jobs (id, kind, tenant, principal, state, due_at, payload, unique_key, queue_key,"
        " attempts, lease, cancel, created_at)"
        " VALUES ($1, $2, $3, $4, 'waiting', $5, $6, $7, $8, 0, 0, FALSE, $9)"
        " ON CONFLICT (kind, tenant, unique_key)"
        " WHERE unique_key IS NOT NULL AND state IN ('waiting', 'running')"
        " DO UPDATE SET again = excluded.payload"
        " WHERE dowel_jobs.state = 'running' OR dowel_jobs.ending IS NOT NULL";
    char id[UUID_TEXT_SIZE];
    dw_str payload = { n->payload.n ? n->payload.p : "{}", n->payload.n ? n->payload.n : 2 };
    int rc = make_id(id);

    if (rc < 0)
        return rc;
    if (n->id)
        memcpy(n->id, id, sizeof(id));
    return (int)db_exec(s, DB_BY_CORE,
                        DW_LIST(n->unique_key ? unique : plain, (const char *)id, n->kind,
                                n->tenant ? n->tenant : "", n->principal, (dw_time){ now_us + n->delay_us },
                                payload, n->unique_key, queue, (dw_time){ now_us }));
}

int job_add(struct db_session *s, const struct job_new *n)
{
    struct buf room = BUF_INIT;
    const char *queue = queue_of(&room, n);
    int rc = buf_failed(&room) ? DW_ENOMEM : insert(s, n, queue, n->now_us ? n->now_us : clock_wall_us());

    buf_finish(&room);
    if (rc <= 0)
        return rc;
    rc = tell(s, n->kind);
    return rc < 0 ? rc : 1;
}

int job_cancel(struct db_session *s, const char *kind, const char *tenant, const char *unique_key,
               int64_t now_us)
{
    int64_t n = db_exec(s, DB_BY_CORE,
                        DW_LIST(JOB_SET_CANCEL " WHERE kind = $1 AND tenant = $3 AND unique_key = $4"
                                               " AND state IN ('waiting', 'running') AND ending IS NULL",
                                kind, (dw_time){ now_us ? now_us : clock_wall_us() }, tenant ? tenant : "",
                                unique_key));
    if (n <= 0)
        return (int)n;
    int rc = tell_cancelled(s, kind);
    return rc < 0 ? rc : 1;
}

int job_hurry(struct db_session *s, const char *kind, const char *tenant, const char *unique_key,
              int64_t now_us)
{
    const char *id = NULL, *state = NULL;
    int64_t attempts = 0;
    dw_time due = { 0 };
    int rc =
        db_find(s, DW_TO(&id, &state, &due, &attempts), DB_BY_CORE,
                DW_LIST("SELECT id, state, due_at, attempts FROM dowel_jobs WHERE kind = $1 AND tenant = $2"
                        " AND unique_key = $3 AND state IN ('waiting', 'running')",
                        kind, tenant ? tenant : "", unique_key));

    if (rc <= 0)
        return rc < 0 ? rc : DW_ENOTFOUND;
    if (strcmp(state, "waiting") != 0 || due.us <= now_us || attempts > 0)
        return 0;
    int64_t n = db_exec(s, DB_BY_CORE,
                        DW_LIST("UPDATE dowel_jobs SET due_at = $2 WHERE id = $1 AND state = 'waiting'"
                                " AND due_at > $2 AND attempts = 0",
                                id, (dw_time){ now_us }));
    if (n <= 0)
        return (int)n;
    rc = tell(s, kind);
    return rc < 0 ? rc : 1;
}

int queue_add_again(struct db_session *s, const struct job *job, int64_t now_us)
{
    const char *payload = NULL, *queue = NULL;
    int rc = db_find(
        s, DW_TO(&payload, &queue), DB_BY_CORE,
        DW_LIST("SELECT again, queue_key FROM dowel_jobs WHERE id = $1 AND again IS NOT NULL", job->id));
    if (rc > 0)
        rc = insert(s,
                    &(struct job_new){ .kind = job->kind->name,
                                       .tenant = job->tenant,
                                       .principal = job->principal,
                                       .payload = str_from(payload),
                                       .unique_key = job->unique_key },
                    queue, now_us);
    if (rc > 0)
        rc = tell(s, job->kind->name);
    return rc < 0 ? rc : 0;
}
