/* work.c - what a worker has at hand, and how it asks the target. */
#include "work.h"

#include "common.h"
#include "moved.h"

/* Pauses before the same is asked once more. */
static const dw_span pauses[] = { { 500000 }, { 2000000 }, { 8000000 } };
enum { PAUSES = sizeof(pauses) / sizeof(*pauses) };

static int load_run(dw_call *c, const char *id, struct run *r)
{
    *r = (struct run){ 0 };
    return dw_db_get(c,
                     DW_TO(&r->id, &r->sync, &r->kind, &r->state, &r->started_by, &r->who, &r->undoes,
                           &r->is_plan, &r->is_partial, &r->scope, &r->total, &r->requests, &r->started_at),
                     "SELECT id, sync, kind, state, started_by, who, undoes, is_plan,"
                     " detail <> '' AS \"is_partial::boolean\", scope, total, requests, started_at"
                     " FROM timesync_runs WHERE id = $1",
                     id);
}

int work_load(dw_call *c, const char *run, struct work *w)
{
    const char *action = NULL;

    *w = (struct work){ 0 };
    DW_TRY(load_run(c, run, &w->run));
    DW_TRY(sync_load(c, w->run.sync, &w->sync));
    DW_TRY(mappings_load(c, w->run.sync, &w->mappings));
    DW_TRY(dw_json_read(c, w->run.scope, "action", &action, "sheet", &w->action_sheet));
    w->action = action_from(action);
    w->watched = sheet_watched(&w->sync.rules);
    return 0;
}

int work_wait(struct work *w, dw_span span)
{
    w->wait = span;
    return WORK_WAITS;
}

int work_stop(dw_call *c, struct work *w, enum reason reason, const char *text)
{
    w->trouble = reason;
    w->trouble_text = own(c, text);
    return WORK_STOPS;
}

int work_failed(dw_call *c, struct work *w, const struct failure *f)
{
    switch (f->kind) {
    case FAILURE_WAITS: w->is_limited = true; return work_wait(w, f->after);
    case FAILURE_BROKEN: return f->code;
    case FAILURE_STOPS: return work_stop(c, w, f->reason, f->text);
    default: return work_stop(c, w, REASON_UNREACHABLE, f->text);
    }
}

/* ---- connections ---- */

static int open_one(dw_call *c, struct work *w, bool is_source, dw_connection **out)
{
    dw_connection *conn = NULL;
    int rc;

    if (*out)
        return 0;
    rc = dw_connection_open(c, is_source ? w->sync.source : w->sync.target, &conn);
    if (rc == DW_ENOTFOUND || rc == DW_ECONFLICT || rc == DW_EUNAVAILABLE || rc == DW_EDENIED)
        return work_stop(c, w, REASON_UNREACHABLE, dw_error_of(c)->text);
    DW_TRY(rc);
    rc = moved_check(c, w, is_source, conn);
    if (rc == 0)
        *out = conn;
    return rc;
}

int work_source(dw_call *c, struct work *w)
{
    return open_one(c, w, true, &w->source);
}

int work_target(dw_call *c, struct work *w)
{
    return open_one(c, w, false, &w->target);
}

/* ---- asking the target ---- */

struct list {
    json_t *items; /* JSON, as what a visit makes in the call's memory ends with it */
};

static int keep(dw_call *c, const dw_timesheet *given, void *ud)
{
    struct list *list = ud;
    struct sheet s;

    sheet_copy(c, given, &s);
    if (json_array_size(list->items) < 2 && json_array_append(list->items, sheet_json(c, &s)) != 0)
        return dw_fail(c, DW_ENOMEM, "there is no memory for a timesheet");
    return 0;
}

/* Asks, a few times where that may help. The first two in *items. */
static int ask(dw_call *c, struct work *w, const dw_timesheet_query *query, json_t *items)
{
    struct list list = { items };
    int rc = work_target(c, w);

    if (rc != 0)
        return rc;
    for (unsigned i = 0;; i++) {
        struct failure f;

        json_array_clear(items);
        w->requests++;
        rc = dw_timesheets_each(c, w->target, query, keep, &list);
        if (rc >= 0)
            return 0;
        f = failure_of(c, rc, false);
        if (query->id && rc == DW_ENOTFOUND)
            return 0;
        if (query->id && rc == DW_EDENIED && f.kind == FAILURE_STOPS)
            return rc;
        if (f.kind != FAILURE_AGAIN || i == PAUSES)
            return work_failed(c, w, &f);
        DW_TRY(dw_sleep(c, pauses[i]));
    }
}

int work_read_sheet(dw_call *c, struct work *w, const char *id, struct found_sheet *out)
{
    const dw_timesheet_query query = { .struct_size = sizeof(query), .id = id };
    json_t *items = dw_json_own(c, json_array());
    int rc = ask(c, w, &query, items);

    *out = (struct found_sheet){ 0 };
    if (rc != 0 || !json_array_size(items))
        return rc;
    out->is_there = true;
    return sheet_read(c, json_array_get(items, 0), &out->sheet);
}

int work_find_marker(dw_call *c, struct work *w, const char *marker, dw_time begin, struct sheet out[2],
                     size_t *n)
{
    const dw_span around = DW_HOURS(48);
    dw_timesheet_query query = { .struct_size = sizeof(query), .marker = marker };
    json_t *items = dw_json_own(c, json_array());
    int rc;

    if (begin.us) {
        query.begin_from.us = begin.us - around.us;
        query.begin_to.us = begin.us + around.us;
    }
    rc = ask(c, w, &query, items);
    *n = rc == 0 ? json_array_size(items) : 0;
    for (size_t i = 0; i < *n; i++)
        DW_TRY(sheet_read(c, json_array_get(items, i), &out[i]));
    return rc;
}
