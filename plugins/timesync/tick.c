/* tick.c - once a minute: what is due begins, what was left is carried on, what is old goes. And what others tell. */
#include "runs.h"

#include "clock.h"
#include "common.h"
#include "notices.h"
#include "reasons.h"
#include "rules_fill.h"
#include "shard.h"
#include "timesync.h"

/* An intent that nobody settled for so long was left by a server that died in a run that is over. */
#define FORGOTTEN DW_MINUTES(10)

/* A run that is older may have lost its job. */
#define STANDS_STILL DW_MINUTES(15)

enum { PURGE = 50 };

/* ---- what is due ---- */

int sync_plan_next(dw_call *c, const struct sync *s)
{
    dw_time poll = { 0 }, full = { 0 };

    if (*s->schedule)
        DW_TRY(dw_when_next(c, s->schedule, *s->zone ? s->zone : NULL, dw_now(c), &poll));
    if (*s->full_schedule)
        DW_TRY(dw_when_next(c, s->full_schedule, *s->zone ? s->zone : NULL, dw_now(c), &full));
    const dw_value change[] = {
        DW("UPDATE timesync_syncs SET poll_due_at = $2, full_due_at = $3 WHERE id = $1"),
        DW(s->id),
        db_time(poll),
        db_time(full),
    };
    const int rc = dw_db_exec_(c, DB_LIST(change));

    return rc < 0 ? rc : 0;
}

static int start(dw_call *c, const struct sync *s, const char *kind, const char *by)
{
    const struct run_new want = {
        .sync = s->id,
        .kind = kind,
        .is_plan = s->rules.dry_run,
        .started_by = by,
    };
    const char *id;
    const int rc = run_start(c, &want, &id);

    return rc < 0 ? rc : 0;
}

struct due {
    const char *sync;
    bool poll, full;
};

/* The whole comparison does what a poll does, and more. */
static int start_due(dw_call *c, void *ud)
{
    const struct due *due = ud;
    struct sync s;

    DW_TRY(sync_load(c, due->sync, &s));
    DW_TRY(sync_plan_next(c, &s));
    return start(c, &s, due->full ? "full" : "poll", "schedule");
}

static int own_ids(dw_call *c, dw_rows *rows, json_t *out)
{
    const char *id;
    bool poll, full;
    int rc;

    while ((rc = dw_rows_next(rows, &id, &poll, &full)) > 0)
        if (json_array_append_new(out, json_pack("[sbb]", id, poll, full)) != 0)
            return dw_fail(c, DW_ENOMEM, "there is no memory for a list of syncs");
    dw_rows_close(rows);
    return rc;
}

static int what_is_due(dw_call *c)
{
    json_t *list = dw_json_own(c, json_array()), *one;
    dw_rows *rows;
    size_t i;

    DW_TRY(dw_db_query(c, &rows,
                       "SELECT id, coalesce(poll_due_at <= $1, false) AS \"poll::boolean\","
                       " coalesce(full_due_at <= $1, false) AS \"full::boolean\" FROM timesync_syncs"
                       " WHERE enabled AND (poll_due_at <= $1 OR full_due_at <= $1)"
                       " AND (held_reason = '' OR held_until <= $1)",
                       dw_now(c)));
    DW_TRY(own_ids(c, rows, list));
    json_array_foreach(list, i, one)
    {
        struct due due = {
            .sync = json_string_value(json_array_get(one, 0)),
            .poll = json_is_true(json_array_get(one, 1)),
            .full = json_is_true(json_array_get(one, 2)),
        };

        DW_TRY(sync_do(c, due.sync, start_due, &due));
    }
    return 0;
}

/* ---- what was left ---- */

static int start_forgotten(dw_call *c, void *ud)
{
    const char *sync = ud;
    struct sync s;

    DW_TRY(sync_load(c, sync, &s));
    return s.rules.dry_run ? 0 : start(c, &s, "poll", "settle"); /* a plan settles nothing */
}

/* Runs whose job was lost: given up while the database was away, say. Whoever has a job still has one; who runs runs once more,
 * and finds nothing to do. */
static int carry_on(dw_call *c, void *ud)
{
    const char *id = ud;
    struct work w;

    DW_TRY(work_load(c, id, &w));
    if (same(w.run.state, "writing") && w.run.total > SHARD_FEW) /* else two would be at the same steps */
        DW_TRY(shard_jobs(c, &w));
    return dw_job_add(c, .kind = "run", .with = DW_LIST("run", id), .unique_key = id,
                      .queue_key = dw_format(c, "sync:%s", w.sync.id));
}

static int what_stands_still(dw_call *c)
{
    const dw_time old = { dw_now(c).us - STANDS_STILL.us };
    json_t *list = dw_json_own(c, json_array()), *one;
    const char *id;
    dw_rows *rows;
    size_t i;
    int rc;

    DW_TRY(dw_db_query(c, &rows,
                       "SELECT id FROM timesync_runs WHERE state IN ('waiting', 'reading', 'writing')"
                       " AND (coalesce(started_at, created_at) < $1 OR coalesce(started_at, created_at) > $2)"
                       " ORDER BY id LIMIT 100",
                       old, later(dw_now(c), STANDS_STILL))); /* our clock was set back since */
    while ((rc = dw_rows_next(rows, &id)) > 0)
        if (json_array_append_new(list, json_string(id)) != 0)
            return dw_fail(c, DW_ENOMEM, "there is no memory for a list of syncs");
    dw_rows_close(rows);
    DW_TRY(rc);
    json_array_foreach(list, i, one)
    {
        rc = tx_do(c, carry_on, (void *)(uintptr_t)json_string_value(one));
        if (rc ==
            DW_EINVALID) { /* its sync's rules are a later version's, and none of the others' business */
            dw_error(c, "a run cannot be carried on", "run", json_string_value(one), "why",
                     dw_error_of(c)->text);
            continue;
        }
        DW_TRY(rc);
    }
    return 0;
}

static int what_was_left(dw_call *c)
{
    const dw_time old = { dw_now(c).us - FORGOTTEN.us };
    json_t *list = dw_json_own(c, json_array()), *one;
    dw_rows *rows;
    size_t i;

    DW_TRY(dw_db_query(
        c, &rows,
        "SELECT DISTINCT s.id, true AS \"poll::boolean\", false AS \"full::boolean\" FROM timesync_syncs s"
        " JOIN timesync_entries e ON e.sync = s.id"
        " WHERE e.intent <> '' AND e.intent_at < $1 AND s.enabled AND s.held_reason = ''"
        /* One that has just failed, as a side is away, is not begun anew every minute. */
        " AND NOT EXISTS (SELECT 1 FROM timesync_runs r WHERE r.sync = s.id"
        " AND (r.state IN ('waiting', 'reading', 'writing')"
        " OR (r.started_by = 'settle' AND r.created_at > $1)))",
        old));
    DW_TRY(own_ids(c, rows, list));
    json_array_foreach(list, i, one)
    {
        const char *sync = json_string_value(json_array_get(one, 0));

        DW_TRY(sync_do(c, sync, start_forgotten, (void *)(uintptr_t)sync));
    }
    return 0;
}

/* ---- what is old ---- */

static int purge(dw_call *c, void *ud)
{
    const dw_time *before = ud;
    const char *id;
    int n = 0;

    for (; n < PURGE; n++) {
        const int rc =
            dw_db_find(c, DW_TO(&id),
                       "SELECT id FROM timesync_runs WHERE ended_at < $1 ORDER BY ended_at LIMIT 1", *before);

        DW_TRY(rc);
        if (!rc)
            break;
        DW_TRY(dw_db_exec(c, "DELETE FROM timesync_steps WHERE run = $1", id));
        DW_TRY(dw_db_exec(c, "DELETE FROM timesync_runs WHERE id = $1", id));
    }
    return n;
}

int run_tick_job(dw_call *c, dw_job *job)
{
    const dw_span keep = timesync_conf(c)->keep_runs;
    dw_time before = { dw_now(c).us - keep.us };

    (void)job;
    DW_TRY(clock_look(c));
    DW_TRY(rules_fill_all(c));
    DW_TRY(notices_start_all(c));
    DW_TRY(what_is_due(c));
    DW_TRY(what_was_left(c));
    DW_TRY(what_stands_still(c));
    if (keep.us)
        DW_TRY(tx_do(c, purge, &before));
    return 0;
}

/* ---- what others tell ---- */

struct notice {
    const char *connection, *ticket;
};

/* What is told while it is held is read when it tries again: a poll sees what changed, and what was noted brings what is gone. */
static int try_again(dw_call *c, const struct notice *n)
{
    return dw_db_exec(c,
                      "UPDATE timesync_syncs SET poll_due_at = held_until WHERE source = $1 AND enabled AND "
                      "held_reason <> ''"
                      " AND held_until > $2 AND (poll_due_at IS NULL OR poll_due_at > held_until)",
                      n->connection, dw_now(c));
}

static int remember_notice(dw_call *c, const struct notice *n)
{
    json_t *syncs = dw_json_own(c, json_array()), *one;
    const char *id;
    dw_rows *rows;
    size_t i;
    int rc;

    DW_TRY(try_again(c, n));
    DW_TRY(dw_db_query(c, &rows,
                       "SELECT id FROM timesync_syncs WHERE source = $1 AND NOT (enabled"
                       " AND (held_reason = '' OR coalesce(held_until <= $2, false))) ORDER BY id",
                       n->connection, dw_now(c)));
    while ((rc = dw_rows_next(rows, &id)) > 0)
        if (json_array_append_new(syncs, json_string(id)) != 0)
            return dw_fail(c, DW_ENOMEM, "there is no memory for a list of syncs");
    dw_rows_close(rows);
    DW_TRY(rc);
    json_array_foreach(syncs, i, one)
    {
        DW_TRY(notices_note(c, json_string_value(one), n->ticket));
    }
    return 0;
}

static int start_for_notice(dw_call *c, void *ud)
{
    const struct notice *n = ud;
    json_t *syncs = dw_json_own(c, json_array()), *one;
    const char *id;
    dw_rows *rows;
    size_t i;
    int rc;

    DW_TRY(remember_notice(c, n));
    DW_TRY(dw_db_query(c, &rows,
                       "SELECT id FROM timesync_syncs WHERE source = $1 AND enabled"
                       " AND (held_reason = '' OR held_until <= $2)",
                       n->connection, dw_now(c)));
    while ((rc = dw_rows_next(rows, &id)) > 0)
        if (json_array_append_new(syncs, json_string(id)) != 0)
            return dw_fail(c, DW_ENOMEM, "there is no memory for a list of syncs");
    DW_TRY(rc);
    json_array_foreach(syncs, i, one)
    {
        struct sync s;
        struct run_new want = { .started_by = "webhook" };

        rc = sync_load(c, json_string_value(one), &s);
        if (rc == DW_EINVALID) /* which the tick says, once a minute */
            continue;
        DW_TRY(rc);
        want.sync = s.id;
        want.kind = n->ticket ? "tickets" : "poll";
        want.is_plan = s.rules.dry_run;
        want.ticket = n->ticket;
        want.scope = n->ticket ? dw_json(c, "tickets", dw_json_list(c, n->ticket)) : NULL;
        DW_TRY(run_start(c, &want, &id));
    }
    return 0;
}

int run_changed(dw_call *c, const dw_event *event)
{
    struct notice n = { NULL, NULL };

    DW_TRY(dw_json_read(c, event->data, "connection!", &n.connection, "ticket", &n.ticket));
    return tx_do(c, start_for_notice, &n);
}

int run_gone(dw_call *c, const dw_event *event)
{
    const char *connection;

    DW_TRY(dw_json_read(c, event->data, "connection!", &connection));
    const int rc =
        dw_db_exec(c,
                   "UPDATE timesync_syncs SET enabled = $2, held_reason = 'UNREACHABLE', held_until = NULL,"
                   " held_detail = 'its connection was deleted', version = version + 1"
                   " WHERE (source = $1 OR target = $1) AND (enabled OR held_reason <> 'UNREACHABLE')",
                   connection, DW_FALSE);

    return rc < 0 ? rc : 0;
}

int run_uses(dw_call *c, void *question)
{
    const dw_connection_uses *q = question;
    const char *id, *name;
    int64_t n;
    dw_rows *rows;
    int rc;

    DW_TRY(dw_db_query(c, &rows,
                       "SELECT s.id, s.name, (SELECT count(*) FROM timesync_entries e WHERE e.sync = s.id)"
                       " FROM timesync_syncs s WHERE s.source = $1 OR s.target = $1 ORDER BY s.name",
                       q->connection));
    while ((rc = dw_rows_next(rows, &id, &name, &n)) > 0)
        DW_TRY(dw_connection_used(q->out, .what = "sync", .id = id, .name = name, .count = n));
    return rc;
}
