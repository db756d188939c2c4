/* Mappings: what of the source is what of the target. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "cases.h"
#include "columns.h"
#include "common.h"
#include "mappings.h"
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

/* With what it explains, and the run that settles that; runs may be NULL. */
static int reply_mapping(dw_call *c, dw_request *req, int status, const char *id, const json_t *runs)
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
    dw_out_set(o, "explains", explains);
    if (runs)
        dw_out_set(o, "settled_by", json_string_value(json_array_get(runs, 0)));
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
    return reply_mapping(c, req, 200, id, NULL);
}

int api_suggest_mappings(dw_call *c, dw_request *req)
{
    const char *id, *kind;
    struct sync s;

    DW_TRY(dw_request_read(req, "sync", &id, "kind", &kind));
    DW_TRY(sync_load(c, id, &s));
    return suggest_reply(c, req, &s, kind);
}

/* ---- making ---- */

struct wanted {
    const char *sync, *kind, *source, *source_name, *target, *target_name, *billable;
    bool settle;
};

enum { NAME_BYTES = 300 };

struct named {
    char name[NAME_BYTES + 1];
};

/* What a visit is given goes with it. */
static int take_name(dw_call *c, const dw_thing *thing, void *ud)
{
    struct named *to = ud;

    (void)c;
    snprintf(to->name, sizeof(to->name), "%s", thing->name);
    return 0;
}

/* What it is mapped to is there, or it is mapped to nothing. */
static int find_target(dw_call *c, const struct sync *s, const char *kind, const char *target,
                       const char **name)
{
    struct named found = { "" };
    dw_connection *conn;

    *name = "";
    if (!*target)
        return 0;
    DW_TRY(dw_connection_open(c, s->target, &conn));
    int n = dw_things_each(c, conn, kind, DW_ARGS_(dw_thing_query, .id = target, .inactive = true), take_name,
                           &found);
    DW_TRY(n);
    *name = dw_format(c, "%s", found.name);
    return n > 0 ? 0
                 : dw_fail_at(c, "/target", "is not there, or not to be seen with the connection's account");
}

static int find_sync(dw_call *c, const char *id, struct sync *out)
{
    int rc = sync_load(c, id, out);

    return rc == DW_ENOTFOUND ? dw_fail_at(c, "/sync", "there is no such sync") : rc;
}

/* What entries call it, where the client did not say. */
static int find_name(dw_call *c, struct wanted *w)
{
    const char *name = NULL;

    if (*w->source_name)
        return 0;
    DW_TRY(dw_db_get(c, DW_TO(&name), suggest_name_sql(w->kind), w->sync, w->source));
    w->source_name = or_empty(name);
    return 0;
}

static int insert(dw_call *c, const char *id, const struct wanted *w)
{
    int rc =
        dw_db_exec(c,
                   "INSERT INTO timesync_mappings (tenant_id, id, sync, kind, source, source_name, target,"
                   "  target_name, billable, made_by, version, created_at, changed_at)"
                   " VALUES (:tenant, $1, $2, $3, $4, $5, $6, $7, $8, coalesce(:me, ''), 1, :now, :now)",
                   id, w->sync, w->kind, w->source, w->source_name, w->target, w->target_name,
                   (int)billable_from(w->billable));

    return rc == DW_ECONFLICT
               ? dw_fail(c, rc, "this is mapped already; change that mapping", "source", w->source)
               : rc;
}

int api_create_mapping(dw_call *c, dw_request *req)
{
    struct wanted w = { .source_name = "", .billable = "unsaid" };
    const char *id = dw_id(c);
    json_t *runs = NULL;
    struct sync s;

    DW_TRY(dw_request_read(req, "sync", &w.sync, "kind", &w.kind, "source", &w.source, "source_name",
                           &w.source_name, "target", &w.target, "billable", &w.billable, "settle",
                           &w.settle));
    DW_TRY(find_sync(c, w.sync, &s));
    DW_TRY(find_target(c, &s, w.kind, w.target, &w.target_name));
    DW_TRY(find_name(c, &w));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(insert(c, id, &w));
    DW_TRY(
        dw_audit(c, "timesync.mapping.created", id, "kind", w.kind, "source", w.source, "target", w.target));
    if (w.settle)
        DW_TRY(case_settle_explained(c, w.sync, w.kind, w.source, &runs));
    DW_TRY(reply_mapping(c, req, 201, id, runs));
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
    const char *id, *sync, *kind, *old, *target = NULL, *name = NULL, *billable = NULL;
    int64_t version;
    struct sync s;

    DW_TRY(dw_request_read(req, "id", &id, "if_match", &version, "target", &target, "billable", &billable));
    DW_TRY(dw_db_get(c, DW_TO(&sync, &kind, &old),
                     "SELECT sync, kind, target FROM timesync_mappings WHERE id = $1", id));
    DW_TRY(sync_load(c, sync, &s));
    if (target)
        DW_TRY(find_target(c, &s, kind, target, &name));
    DW_TRY(dw_tx_begin(c));
    int rc = dw_db_exec(
        c,
        "UPDATE timesync_mappings SET target = coalesce($3, target),"
        "  target_name = coalesce($4, target_name), billable = CASE WHEN $5 < 0 THEN billable ELSE $5 END,"
        "  version = version + 1, changed_at = :now WHERE id = $1 AND version = $2",
        id, version, target, name, billable ? (int)billable_from(billable) : -1);
    DW_TRY(rc);
    if (rc == 0)
        return dw_fail(c, DW_EPRECONDITION, "somebody changed the mapping meanwhile; read it again");
    DW_TRY(dw_audit(c, "timesync.mapping.changed", id, "old", old, "new", target ? target : old, "billable",
                    billable));
    DW_TRY(reply_mapping(c, req, 200, id, NULL));
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
