/* Syncs and their rules. */
#include <string.h>

#include "api.h"
#include "rewrites.h"
#include "sync.h"
#include "sync_delete.h"
#include "sync_edit.h"

#define SYNC                                                                                            \
    "SELECT s.id, s.name, s.source, s.target, s.rules, s.schedule, s.full_schedule, s.zone, s.enabled," \
    " s.poll_due_at, s.full_due_at, s.read_until, s.compared_at, s.held_reason, s.held_detail,"         \
    " s.held_until, (SELECT count(*) FROM timesync_entries e WHERE e.sync = s.id) AS entries,"          \
    " (SELECT count(*) FROM timesync_cases k WHERE k.sync = s.id AND k.state = 'open') AS open_cases,"  \
    " s.version, s.created_at, s.changed_at FROM timesync_syncs s"

static int reply_sync(dw_call *c, dw_request *req, int status, const char *id)
{
    dw_rows *rows;

    DW_TRY(dw_db_query(c, &rows, SYNC " WHERE s.id = $1", id));
    return dw_reply_row(req, status, rows);
}

/* After a change, or before one: with what it means for timesheets that are there. */
static int reply_changed(dw_call *c, dw_request *req, const char *id, const struct rewrites *r)
{
    dw_rows *rows;

    DW_TRY(dw_db_query(c, &rows,
                       "SELECT t.*, CAST($2 AS BIGINT) AS rewrites, CAST($3 AS BIGINT) AS rewrites_billed"
                       " FROM (" SYNC " WHERE s.id = $1) t",
                       id, r->sheets, r->billed));
    return dw_reply_row(req, 200, rows);
}

/* ---- reading ---- */

int api_list_rules(dw_call *c, dw_request *req)
{
    dw_out *o = dw_reply_open(req, 200);

    dw_out_set(o, "items", (const json_t *)rules_table(c));
    return dw_reply_close(req);
}

int api_preview_schedule(dw_call *c, dw_request *req)
{
    enum { SHOWN = 5 };
    const char *when, *zone = NULL;
    dw_time next = dw_now(c);
    int rc = 1;

    DW_TRY(dw_request_read(req, "when", &when, "zone", &zone));
    dw_out *o = dw_reply_open(req, 200);
    dw_out_array(o, "items");
    for (int i = 0; i < SHOWN && rc > 0; i++) {
        rc = dw_when_next(c, when, zone, next, &next);
        if (rc > 0)
            dw_out_add(o, next);
    }
    if (rc < 0)
        return dw_fail_at(c, "/query/when", dw_error_of(c)->text);
    return dw_reply_close(req);
}

int api_list_syncs(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, SYNC);
}

int api_get_sync(dw_call *c, dw_request *req)
{
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    return reply_sync(c, req, 200, id);
}

/* ---- making and changing ---- */

/* NULL where the client did not say. */
static const bool *enabled_of(dw_request *req, bool *value)
{
    const json_t *given = json_object_get(dw_request_json(req), "enabled");

    *value = json_is_true(given);
    return given ? value : NULL;
}

int api_create_sync(dw_call *c, dw_request *req)
{
    const char *id, *source, *target;
    struct sync_wanted want = { 0 };
    json_t *rules = NULL;
    bool enabled;

    DW_TRY(dw_request_read(req, "name", &want.name, "source", &source, "target", &target, "rules", &rules,
                           "schedule", &want.schedule, "full_schedule", &want.full_schedule, "zone",
                           &want.zone));
    want.rules = rules;
    want.enabled = enabled_of(req, &enabled);
    DW_TRY(sync_connection(c, source, "time_source", "/source", &want.source));
    DW_TRY(sync_connection(c, target, "time_target", "/target", &want.target));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(sync_make(c, &want, &id));
    DW_TRY(reply_sync(c, req, 201, id));
    DW_TRY(dw_reply_header(req, "Location", dw_format(c, "/api/v1/timesync/syncs/%s", id)));
    return dw_tx_commit(c);
}

int api_change_sync(dw_call *c, dw_request *req)
{
    struct sync_wanted want = { 0 };
    json_t *rules = NULL;
    struct rewrites rewrites = { 0 };
    bool enabled, is_check = false;
    int64_t version;
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id, "if_match", &version, "name", &want.name, "rules", &rules,
                           "schedule", &want.schedule, "full_schedule", &want.full_schedule, "zone",
                           &want.zone, "check", &is_check));
    want.rules = rules;
    want.enabled = enabled_of(req, &enabled);
    if (rules)
        DW_TRY(rewrites_of(c, id, rules, &rewrites));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(sync_change(c, id, version, &want));
    DW_TRY(reply_changed(c, req, id, &rewrites));
    return is_check ? dw_tx_rollback(c) : dw_tx_commit(c);
}

int api_release_sync(dw_call *c, dw_request *req)
{
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(sync_let_go_on(c, id));
    DW_TRY(reply_sync(c, req, 200, id));
    return dw_tx_commit(c);
}

/* ---- deleting ---- */

static int check_confirmed(dw_call *c, const char *id, const char *confirm)
{
    const char *name;
    int64_t entries;

    DW_TRY(dw_db_get(c, DW_TO(&name, &entries),
                     "SELECT s.name, (SELECT count(*) FROM timesync_entries e WHERE e.sync = s.id)"
                     " FROM timesync_syncs s WHERE s.id = $1",
                     id));
    if (entries == 0 || (confirm && strcmp(confirm, name) == 0))
        return 0;
    return dw_fail(c, DW_ECONFLICT, "it knows entries; to forget them send its name as confirm", "name", name,
                   "entries", entries);
}

int api_delete_sync(dw_call *c, dw_request *req)
{
    const char *id, *confirm = NULL;

    DW_TRY(dw_request_read(req, "id", &id, "confirm", &confirm));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(check_confirmed(c, id, confirm));
    DW_TRY(sync_delete(c, id));
    DW_TRY(dw_reply(req, 204));
    return dw_tx_commit(c);
}
