/* Runs, plans of runs, and their steps. */
#include <string.h>

#include "api.h"
#include "columns.h"
#include "runs.h"

/* What is left is counted: it has an index of its own, and it is looked at most when the run has an end in sight. */
#define RUN                                                                                               \
    "SELECT r.id, r.sync, r.kind, r.is_plan, r.started_by, r.who, r.who_name, r.scope, r.state, r.phase," \
    " r.total, r.total - CASE WHEN r.total = 0 THEN 0 ELSE"                                               \
    " (SELECT count(*) FROM timesync_steps t WHERE t.run = r.id AND t.outcome = '') END AS done,"         \
    " r.examined, r.created, r.updated, r.unchanged, r.deleted, r.skipped, r.to_decide, r.failed,"        \
    " r.adopted, r.requests, r.reason, r.detail, r.undoes, r.undone_by, r.created_at, r.started_at,"      \
    " r.ended_at FROM timesync_runs r"

static int reply_run(dw_call *c, dw_request *req, int status, const char *id)
{
    dw_rows *rows;

    DW_TRY(dw_db_query(c, &rows, RUN " WHERE r.id = $1", id));
    return dw_reply_row(req, status, rows);
}

/* ---- reading ---- */

int api_list_runs(dw_call *c, dw_request *req)
{
    dw_time since = { 0 }, until = END_OF_TIME;

    DW_TRY(dw_request_read(req, "since", &since, "until", &until));
    return dw_reply_list(c, req, RUN " WHERE r.created_at >= $1 AND r.created_at < $2", since, until);
}

int api_get_run(dw_call *c, dw_request *req)
{
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    return reply_run(c, req, 200, id);
}

/* First what is wrong with the query, then whether there is such a run: its reply is taken back. */
int api_list_steps(dw_call *c, dw_request *req)
{
    const char *id;
    int64_t n;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_reply_list(c, req, "SELECT " STEP_COLUMNS " FROM timesync_steps t WHERE t.run = $1", id));
    DW_TRY(dw_db_get(c, DW_TO(&n), "SELECT total FROM timesync_runs WHERE id = $1", id));
    return 0;
}

/* ---- starting ---- */

struct wanted_run {
    const char *kind;
    json_t *tickets;
    dw_time since, until;
    bool has_since, is_plan, any_deletions;
};

static int read_wanted(dw_call *c, dw_request *req, struct wanted_run *w)
{
    *w = (struct wanted_run){ .kind = "poll" };
    DW_TRY(dw_request_read(req, "kind", &w->kind, "plan", &w->is_plan, "since", &w->since, "until", &w->until,
                           "tickets", &w->tickets, "any_deletions", &w->any_deletions));
    w->has_since = w->since.us != 0;
    if (strcmp(w->kind, "window") == 0 && !w->has_since)
        return dw_fail_at(c, "/since", "is missing: a window begins somewhere");
    if (strcmp(w->kind, "tickets") == 0 && !w->tickets)
        return dw_fail_at(c, "/tickets", "is missing: which ones?");
    if (strcmp(w->kind, "window") != 0 && (w->has_since || w->until.us != 0))
        return dw_fail_at(c, w->has_since ? "/since" : "/until", "is for runs of kind window");
    if (strcmp(w->kind, "tickets") != 0 && w->tickets)
        return dw_fail_at(c, "/tickets", "is for runs of kind tickets");
    if (w->any_deletions && strcmp(w->kind, "full") != 0)
        return dw_fail_at(c, "/any_deletions", "is for runs of kind full");
    if (w->until.us != 0 && w->until.us <= w->since.us)
        return dw_fail_at(c, "/until", "is not after since");
    return 0;
}

static json_t *scope_of(dw_call *c, const struct wanted_run *w)
{
    if (strcmp(w->kind, "tickets") == 0)
        return dw_json(c, "tickets", (const json_t *)w->tickets);
    if (w->any_deletions)
        return dw_json(c, "any_deletions", DW_TRUE);
    if (strcmp(w->kind, "window") != 0)
        return NULL;
    return dw_json(c, "since", w->since, "until", w->until.us ? w->until : dw_now(c));
}

int api_start_run(dw_call *c, dw_request *req)
{
    struct wanted_run w;
    const char *sync, *run, *name;

    DW_TRY(dw_request_read(req, "id", &sync));
    DW_TRY(read_wanted(c, req, &w));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_get(c, DW_TO(&name), "SELECT name FROM timesync_syncs WHERE id = $1", sync));
    DW_TRY(run_start(c,
                     &(struct run_new){ .sync = sync,
                                        .kind = w.kind,
                                        .is_plan = w.is_plan,
                                        .started_by = "person",
                                        .scope = scope_of(c, &w) },
                     &run));
    DW_TRY(dw_audit(c, "timesync.run.started", run, "sync", sync, "kind", w.kind, "plan", w.is_plan));
    DW_TRY(reply_run(c, req, 202, run));
    DW_TRY(dw_reply_header(req, "Location", dw_format(c, "/api/v1/timesync/runs/%s", run)));
    return dw_tx_commit(c);
}

/* ---- ending and taking back ---- */

int api_cancel_run(dw_call *c, dw_request *req)
{
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_tx_begin(c));
    int rc = run_cancel(c, id);
    DW_TRY(rc);
    if (rc == 0)
        return dw_fail(c, DW_ECONFLICT, "the run has ended already");
    DW_TRY(dw_audit(c, "timesync.run.cancelled", id, "run", id));
    DW_TRY(reply_run(c, req, 202, id));
    return dw_tx_commit(c);
}

int api_undo_run(dw_call *c, dw_request *req)
{
    const char *id, *sync, *run;
    bool is_plan = false;

    DW_TRY(dw_request_read(req, "id", &id, "plan", &is_plan));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_get(c, DW_TO(&sync), "SELECT sync FROM timesync_runs WHERE id = $1", id));
    DW_TRY(run_start(c,
                     &(struct run_new){ .sync = sync,
                                        .kind = "undo",
                                        .is_plan = is_plan,
                                        .started_by = "person",
                                        .scope = dw_json(c, "run", id),
                                        .undoes = id },
                     &run));
    DW_TRY(dw_audit(c, "timesync.run.undone", id, "by", run, "plan", is_plan));
    DW_TRY(reply_run(c, req, 202, run));
    return dw_tx_commit(c);
}
