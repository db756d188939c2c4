#include "run_end.h"

#include "cases.h"
#include "common.h"
#include "counts.h"
#include "notices.h"
#include "runs.h"

/* ---- what both do ---- */

static int tell(dw_call *c, const struct work *w, const char *state, const char *reason)
{
    struct counts n;

    DW_TRY(counts_of(c, w->run.id, &n));
    dw_info(c, "a run has ended", "sync", w->sync.name, "kind", w->run.kind, "run", w->run.id, "state", state,
            "reason", reason, "examined", n.examined, "created", n.created, "updated", n.updated, "unchanged",
            n.unchanged, "deleted", n.deleted, "skipped", n.skipped, "to_decide", n.to_decide, "failed",
            n.failed);
    return dw_event_emit(c, "timesync.run.ended", "run", w->run.id, "sync", w->sync.id, "kind", w->run.kind,
                         "is_plan", w->run.is_plan, "state", state, "reason", reason, "examined", n.examined,
                         "created", n.created, "updated", n.updated, "unchanged", n.unchanged, "deleted",
                         n.deleted, "skipped", n.skipped, "to_decide", n.to_decide, "failed", n.failed);
}

/* What it waited for is over, as this one went through. */
static int release(dw_call *c, const struct work *w)
{
    const bool any = json_is_true(json_object_get(w->run.scope, "any_deletions"));
    /* These have spoken to both sides, so both are where they were: somebody gave the connection its old address again. */
    const bool both = is_one_of(w->run.kind, "poll", "full") || is_one_of(w->run.kind, "tickets", "window");
    const int rc =
        dw_db_exec(c,
                   "UPDATE timesync_syncs SET held_reason = '', held_detail = '', held_until = NULL,"
                   " version = version + 1 WHERE id = $1 AND (held_reason IN ('AUTH_EXPIRED', 'RATE_LIMITED')"
                   " OR (held_reason = 'TOO_MANY_DELETIONS' AND $2) OR (held_reason = 'MOVED' AND $3))",
                   w->sync.id, any, both);

    return rc < 0 ? rc : 0;
}

/* Only what was carried out as well counts as read: what a run left undone that failed is found again by the next poll. */
static int note_progress(dw_call *c, const struct work *w)
{
    const int rc =
        is_one_of(w->run.kind, "poll", "full") && !w->run.is_partial
            ? dw_db_exec(c, "UPDATE timesync_syncs SET read_until = $2, looked_until = $2 WHERE id = $1",
                         w->sync.id, w->run.started_at)
            : 0;

    return rc < 0 ? rc : 0;
}

static int compared(dw_call *c, const struct work *w)
{
    const int rc = dw_db_exec(c, "UPDATE timesync_syncs SET compared_at = $2 WHERE id = $1", w->sync.id,
                              w->run.started_at);

    return rc < 0 ? rc : 0;
}

/* ---- done ---- */

/* Where what begins by itself only plans, each plan says again what the one before it said, of all that there is: the last one's steps
 * are kept. */
static int forget_older_plans(dw_call *c, const struct work *w)
{
    const int rc =
        same(w->run.started_by, "schedule")
            ? dw_db_exec(
                  c,
                  "DELETE FROM timesync_steps WHERE run IN (SELECT id FROM timesync_runs WHERE sync = $1"
                  " AND id < $2 AND is_plan AND started_by = 'schedule' AND ended_at IS NOT NULL)",
                  w->sync.id, w->run.id)
            : 0;

    return rc < 0 ? rc : 0;
}

static int finish(dw_call *c, void *ud)
{
    const struct work *w = ud;
    const int changed = dw_db_exec(
        c,
        "UPDATE timesync_runs SET state = 'done', phase = '', ended_at = $2, requests = requests + $3"
        " WHERE id = $1 AND state = 'writing' AND"
        /* Ordered as its index is, or PostgreSQL reads steps until one is of this run. */
        " (SELECT id FROM timesync_steps WHERE run = $1 AND outcome = ''"
        " ORDER BY shard, id LIMIT 1) IS NULL",
        w->run.id, dw_now(c), w->requests);

    if (changed <= 0)
        return changed;
    DW_TRY(counts_write(c, w->run.id));
    DW_TRY(cases_open_again(c, w->run.id));
    if (w->run.is_plan) {
        DW_TRY(forget_older_plans(c, w));
    } else {
        DW_TRY(release(c, w));
        DW_TRY(note_progress(c, w));
        if (same(w->run.kind, "full") && !w->run.is_partial)
            DW_TRY(compared(c, w));
    }
    DW_TRY(tell(c, w, "done", ""));
    return 1;
}

int run_finish(dw_call *c, struct work *w)
{
    return tx_do(c, finish, w);
}

/* ---- failed ---- */

/* Longer and longer, an hour at most: somebody has to do something about it. */
static int next_try(dw_call *c, const struct work *w, dw_time *out)
{
    int64_t n = 0, us = INT64_C(60000000);

    DW_TRY(dw_db_get(
        c, DW_TO(&n),
        "SELECT count(*) FROM timesync_runs r WHERE r.sync = $1 AND r.state = 'failed'"
        " AND r.reason = 'AUTH_EXPIRED' AND NOT EXISTS (SELECT 1 FROM timesync_runs d WHERE d.sync = $1"
        " AND d.state = 'done' AND d.ended_at > r.ended_at)",
        w->sync.id));
    for (; n > 1 && us < INT64_C(3600000000); n--)
        us *= 4;
    out->us = dw_now(c).us + (us < INT64_C(3600000000) ? us : INT64_C(3600000000));
    return 0;
}

static int rest(dw_call *c, const struct work *w)
{
    dw_time until;

    DW_TRY(next_try(c, w, &until));
    return sync_hold_here(c, &w->sync, reason_name(w->trouble), or_empty(w->trouble_text), until);
}

/* What was told and could not be read. Once: what a notice of that kind has started is of no single ticket. */
static int note_again(dw_call *c, const struct work *w)
{
    const char *ticket;

    if (w->run.is_plan || !same(w->run.started_by, "webhook") || w->trouble == REASON_TOO_MANY_DELETIONS)
        return 0;
    DW_TRY(dw_db_get(c, DW_TO(&ticket), "SELECT ticket FROM timesync_runs WHERE id = $1", w->run.id));
    return *ticket ? notices_note_again(c, w->sync.id, ticket) : 0;
}

/* The hold comes with it: who sees that the run has failed, sees that the sync is held. */
static int fail_it(dw_call *c, void *ud)
{
    const struct work *w = ud;
    const char *reason = reason_name(w->trouble);
    const int changed =
        dw_db_exec(c,
                   "UPDATE timesync_runs SET state = 'failed', phase = '', reason = $2, detail = $3,"
                   " ended_at = $4, requests = requests + $5 WHERE id = $1 AND state IN ('waiting', "
                   "'reading', 'writing')",
                   w->run.id, reason, or_empty(w->trouble_text), dw_now(c), w->requests);

    if (changed <= 0)
        return changed;
    DW_TRY(dw_db_exec(
        c,
        "UPDATE timesync_steps SET outcome = 'failed', reason = $2, at = $3 WHERE run = $1 AND outcome = ''",
        w->run.id, reason, dw_now(c)));
    DW_TRY(counts_write(c, w->run.id));
    DW_TRY(cases_open_again(c, w->run.id));
    DW_TRY(tell(c, w, "failed", reason));
    if (w->trouble == REASON_AUTH_EXPIRED && !w->run.is_plan)
        DW_TRY(rest(c, w));
    DW_TRY(note_again(c, w));
    return 1;
}

int run_fail(dw_call *c, struct work *w)
{
    const int rc = tx_do(c, fail_it, w);

    if (rc <= 0)
        return rc;
    dw_warn(c, "a run has failed", "sync", w->sync.name, "run", w->run.id, "reason", reason_name(w->trouble),
            "detail", or_empty(w->trouble_text));
    return 0;
}

/* ---- ended by somebody ---- */

static int sweep(dw_call *c, void *ud)
{
    const struct work *w = ud;

    DW_TRY(dw_db_exec(
        c,
        "UPDATE timesync_steps SET outcome = 'skipped', reason = 'CANCELLED', at = $2 WHERE run = $1"
        " AND outcome = '' AND EXISTS (SELECT 1 FROM timesync_runs WHERE id = $1 AND state IN"
        " ('done', 'failed', 'cancelled'))",
        w->run.id, dw_now(c)));
    return counts_write(c, w->run.id);
}

int run_sweep(dw_call *c, struct work *w)
{
    const int rc = tx_do(c, sweep, w);

    return rc < 0 ? rc : 0;
}
