/* run_start.c - a run begins as a row and a job. */
#include "runs.h"

#include "cases.h"
#include "common.h"
#include "counts.h"
#include "reasons.h"

/* Of notices in a burst one run is enough, as long as it has not begun to read. */
static int find_waiting(dw_call *c, const struct run_new *want, const char **id)
{
    if (want->ticket)
        return dw_db_find(c, DW_TO(id),
                          "SELECT id FROM timesync_runs WHERE sync = $1 AND state = 'waiting' AND kind = $2"
                          " AND ticket = $3 AND is_plan = $4",
                          want->sync, want->kind, want->ticket, (bool)want->is_plan);
    if (same(want->started_by, "person") || (!same(want->kind, "poll") && !same(want->kind, "full")))
        return 0;
    return dw_db_find(
        c, DW_TO(id),
        "SELECT id FROM timesync_runs WHERE sync = $1 AND state = 'waiting' AND kind = $2 AND is_plan = $3",
        want->sync, want->kind, want->is_plan);
}

/* What has not begun, and nobody asked for: it would do again what is undone. */
static int cancel_waiting(dw_call *c, const char *sync)
{
    json_t *ids = dw_json_own(c, json_array()), *one;
    const char *id;
    dw_rows *rows;
    size_t i;
    int rc;

    DW_TRY(dw_db_query(c, &rows,
                       "SELECT id FROM timesync_runs WHERE sync = $1 AND state = 'waiting' AND NOT is_plan"
                       " AND started_by <> 'person'",
                       sync));
    while ((rc = dw_rows_next(rows, &id)) > 0)
        if (json_array_append_new(ids, json_string(id)) != 0)
            return dw_fail(c, DW_ENOMEM, "out of memory");
    dw_rows_close(rows);
    DW_TRY(rc);
    json_array_foreach(ids, i, one)
    {
        DW_TRY(run_cancel(c, json_string_value(one)));
    }
    return 0;
}

/* The run that is undone says by whom; the sync does nothing by itself until somebody says so, or it would do the same again. */
static int claim_undone(dw_call *c, const struct run_new *want, const char *id)
{
    const int changed = dw_db_exec(
        c,
        "UPDATE timesync_runs SET undone_by = $2 WHERE id = $1 AND sync = $3 AND (undone_by IS NULL"
        " OR EXISTS (SELECT 1 FROM timesync_runs u WHERE u.id = timesync_runs.undone_by"
        " AND u.state IN ('failed', 'cancelled')))"
        " AND state IN ('done', 'failed', 'cancelled') AND NOT is_plan AND kind <> 'undo'",
        want->undoes, id, want->sync);

    DW_TRY(changed);
    if (!changed)
        return dw_fail(c, DW_ECONFLICT,
                       "this run cannot be undone: it is a plan, an undo, not over, or undone already", "run",
                       want->undoes);
    DW_TRY(cancel_waiting(c, want->sync));
    return dw_db_change(c,
                        "UPDATE timesync_syncs SET held_reason = $2, held_detail = $3, held_until = NULL,"
                        " version = version + 1 WHERE id = $1",
                        want->sync, reason_name(REASON_CHOSEN),
                        "a run was undone; look at the rules, then let it go on");
}

static int add(dw_call *c, const struct run_new *want, const char *id)
{
    json_t *scope = want->scope ? want->scope : dw_json_own(c, json_object());
    const char *key = want->ticket ? dw_format(c, "ticket:%s:%s", want->sync, want->ticket)
                                   : dw_format(c, "sync:%s", want->sync);

    DW_TRY(dw_db_exec(
        c,
        "INSERT INTO timesync_runs (tenant_id, id, sync, kind, is_plan, started_by, who, who_name, scope, "
        "ticket,"
        " state, phase, total, examined, created, updated, unchanged, deleted, skipped, to_decide, failed,"
        " adopted, requests, reason, detail, undoes, created_at)"
        " VALUES (:tenant, $1, $2, $3, $4, $5, coalesce(:me, ''), $10, $6, $7, 'waiting', '', 0, 0, 0, 0, 0, "
        "0, 0,"
        " 0, 0, 0, 0, '', '', $8, $9)",
        id, want->sync, want->kind, want->is_plan, want->started_by, scope, or_empty(want->ticket),
        want->undoes, dw_now(c), dw_principal_of(c)->name));
    return dw_job_add(c, .kind = "run", .with = DW_LIST("run", id), .unique_key = id, .queue_key = key);
}

int run_start(dw_call *c, const struct run_new *want, const char **id)
{
    const char *waiting = NULL;
    const int there = find_waiting(c, want, &waiting);

    DW_TRY(there);
    *id = there ? waiting : dw_id(c);
    if (there)
        return 0;
    if (want->undoes && !want->is_plan)
        DW_TRY(claim_undone(c, want, *id));
    DW_TRY(add(c, want, *id));
    return 1;
}

int run_cancel(dw_call *c, const char *id)
{
    const char *state;
    int changed;

    DW_TRY(dw_db_get(c, DW_TO(&state), "SELECT state FROM timesync_runs WHERE id = $1", id));
    changed = dw_db_exec(
        c,
        "UPDATE timesync_runs SET state = 'cancelled', phase = '', ended_at = $2, reason = 'CANCELLED'"
        " WHERE id = $1 AND state IN ('waiting', 'reading', 'writing')",
        id, dw_now(c));
    if (changed <= 0)
        return changed;
    if (!same(state, "writing")) /* who only reads need not come to an end */
        DW_TRY(dw_job_cancel(c, "run", id));
    DW_TRY(dw_db_exec(c,
                      "UPDATE timesync_steps SET outcome = 'skipped', reason = 'CANCELLED', at = $2"
                      " WHERE run = $1 AND outcome = ''",
                      id, dw_now(c)));
    DW_TRY(counts_write(c, id));
    DW_TRY(cases_open_again(c, id));
    DW_TRY(dw_event_emit(c, "timesync.run.ended", "run", id, "state", "cancelled"));
    return 1;
}
