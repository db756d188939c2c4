/* Mappings: what of the source is what of the target. */
#include <string.h>

#include "api.h"
#include "cases.h"
#include "columns.h"
#include "common.h"
#include "mapping_edit.h"
#include "suggest.h"
#include "sync.h"

#define MAPPING_COLUMNS                                                                       \
    "m.id, m.sync, m.kind, m.source, m.source_name, m.target, m.target_name, " BILLABLE_WORD( \
        "m.billable") " AS billable, m.made_by,"                                              \
                      " m.version, m.created_at, m.changed_at"
#define MAPPING "SELECT " MAPPING_COLUMNS " FROM timesync_mappings m"

/* ---- reading ---- */

int api_list_mappings(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, MAPPING);
}

/* What it has just settled: how many cases, and by which run. */
struct settled {
    int64_t cases;
    json_t *runs; /* NULL: it was not to settle any */
};

static const struct settled nothing = { 0, NULL };

/* Those that it explains are the open ones and those that it has just settled. */
static int reply_mapping(dw_call *c, dw_request *req, int status, const char *id, const struct settled *by_it)
{
    const char *sync, *kind, *source, *source_name, *target, *target_name, *billable, *made_by, *same;
    dw_time created, changed;
    int64_t explains, version;

    DW_TRY(dw_db_get(c,
                     DW_TO(&same, &sync, &kind, &source, &source_name, &target, &target_name, &billable,
                           &made_by, &version, &created, &changed),
                     MAPPING " WHERE m.id = $1", id));
    DW_TRY(case_explained(c, sync, kind, source, &explains));
    dw_out *o = dw_reply_open(req, status);
    dw_out_set(o, "id", same);
    dw_out_set(o, "sync", sync);
    dw_out_set(o, "kind", kind);
    dw_out_set(o, "source", source);
    dw_out_set(o, "source_name", source_name);
    dw_out_set(o, "target", target);
    dw_out_set(o, "target_name", target_name);
    dw_out_set(o, "billable", billable);
    dw_out_set(o, "made_by", made_by);
    dw_out_set(o, "explains", explains + by_it->cases);
    if (by_it->runs)
        dw_out_set(o, "settled_by", json_string_value(json_array_get(by_it->runs, 0)));
    dw_out_set(o, "version", version);
    dw_out_set(o, "created_at", created);
    dw_out_set(o, "changed_at", changed);
    DW_TRY(dw_reply_header(req, "ETag", dw_format(c, "\"%lld\"", (long long)version)));
    return dw_reply_close(req);
}

int api_get_mapping(dw_call *c, dw_request *req)
{
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    return reply_mapping(c, req, 200, id, &nothing);
}

static int write_suggestion(dw_call *c, const struct suggestion *one, void *ud)
{
    dw_out *o = ud;

    (void)c;
    dw_out_object(o, NULL);
    dw_out_set(o, "source", one->source);
    dw_out_set(o, "source_name", one->source_name);
    dw_out_set(o, "cases", one->cases);
    dw_out_set(o, "target", one->target);
    dw_out_set(o, "target_name", one->target_name);
    dw_out_end(o);
    return dw_out_error(o);
}

int api_suggest_mappings(dw_call *c, dw_request *req)
{
    const char *id, *kind;
    struct sync s;

    DW_TRY(dw_request_read(req, "sync", &id, "kind", &kind));
    DW_TRY(sync_load(c, id, &s));
    dw_out *o = dw_reply_open(req, 200);
    dw_out_array(o, "items");
    DW_TRY(suggest_each(c, &s, kind, write_suggestion, o));
    return dw_reply_close(req);
}

/* ---- making ---- */

static int find_sync(dw_call *c, const char *id, struct sync *out)
{
    int rc = sync_load(c, id, out);

    return rc == DW_ENOTFOUND ? dw_fail_at(c, "/sync", "there is no such sync") : rc;
}

int api_create_mapping(dw_call *c, dw_request *req)
{
    struct mapping_wanted want = { .source_name = "" };
    const char *id, *target, *billable = "";
    struct settled by_it = nothing;
    bool settle = false;
    struct sync s;

    DW_TRY(dw_request_read(req, "sync", &want.sync, "kind", &want.kind, "source", &want.source, "source_name",
                           &want.source_name, "target", &target, "billable", &billable, "settle", &settle));
    want.billable = billable_from(billable);
    DW_TRY(find_sync(c, want.sync, &s));
    DW_TRY(mapping_find_target(c, &s, want.kind, target, false, &want));
    if (!*want.source_name)
        DW_TRY(mapping_name_source(c, &want));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(mapping_make(c, &want, &id));
    if (settle) {
        DW_TRY(case_explained(c, want.sync, want.kind, want.source, &by_it.cases));
        DW_TRY(case_settle_explained(c, want.sync, want.kind, want.source, &by_it.runs));
    }
    DW_TRY(reply_mapping(c, req, 201, id, &by_it));
    DW_TRY(dw_reply_header(req, "Location", dw_format(c, "/api/v1/timesync/mappings/%s", id)));
    return dw_tx_commit(c);
}

int api_settle_mapping(dw_call *c, dw_request *req)
{
    const char *id, *sync, *kind, *source;
    json_t *runs;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_get(c, DW_TO(&sync, &kind, &source),
                     "SELECT sync, kind, source FROM timesync_mappings WHERE id = $1", id));
    DW_TRY(case_settle_explained(c, sync, kind, source, &runs));
    dw_out *o = dw_reply_open(req, 202);
    dw_out_set(o, "runs", (const json_t *)runs);
    DW_TRY(dw_reply_close(req));
    return dw_tx_commit(c);
}

/* ---- changing ---- */

int api_change_mapping(dw_call *c, dw_request *req)
{
    const char *id, *sync, *kind, *old, *target = NULL, *billable = NULL;
    struct mapping_wanted to = { 0 };
    int64_t version;
    struct sync s;

    DW_TRY(dw_request_read(req, "id", &id, "if_match", &version, "target", &target, "billable", &billable));
    DW_TRY(dw_db_get(c, DW_TO(&sync, &kind, &old),
                     "SELECT sync, kind, target FROM timesync_mappings WHERE id = $1", id));
    DW_TRY(sync_load(c, sync, &s));
    if (target)
        DW_TRY(mapping_find_target(c, &s, kind, target, false, &to));
    DW_TRY(dw_tx_begin(c));
    int rc = dw_db_exec(
        c,
        "UPDATE timesync_mappings SET target = coalesce($3, target),"
        "  target_name = coalesce($4, target_name), billable = CASE WHEN $5 < 0 THEN billable ELSE $5 END,"
        "  version = version + 1, changed_at = :now WHERE id = $1 AND version = $2",
        id, version, to.target, to.target_name, billable ? (int)billable_from(billable) : -1);
    DW_TRY(rc);
    if (rc == 0)
        return dw_fail(c, DW_EPRECONDITION, "somebody changed the mapping meanwhile; read it again");
    DW_TRY(dw_audit(c, "timesync.mapping.changed", id, "old", old, "new", target ? to.target : old,
                    "billable", billable));
    DW_TRY(reply_mapping(c, req, 200, id, &nothing));
    return dw_tx_commit(c);
}

int api_delete_mapping(dw_call *c, dw_request *req)
{
    const char *id, *kind, *source, *target;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_get(c, DW_TO(&kind, &source, &target),
                     "DELETE FROM timesync_mappings WHERE id = $1 RETURNING kind, source, target", id));
    DW_TRY(dw_audit(c, "timesync.mapping.deleted", id, "kind", kind, "source", source, "target", target));
    DW_TRY(dw_reply(req, 204));
    return dw_tx_commit(c);
}
