/* Syncs and their rules. */
#include <string.h>

#include "api.h"
#include "day.h"
#include "sync.h"
#include "sync_delete.h"

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

/* ---- what is asked of one ---- */

struct playing {
    const char *id;
    bool found;
};

static int look_for(dw_call *c, dw_connection *conn, void *ud)
{
    struct playing *p = ud;

    (void)c;
    p->found |= strcmp(dw_connection_id(conn), p->id) == 0;
    return 0;
}

static int check_role(dw_call *c, const char *id, const char *role, const char *pointer)
{
    struct playing p = { .id = id };

    DW_TRY(dw_connections_each(c, role, look_for, &p));
    if (p.found)
        return 0;
    return strcmp(role, "time_source") == 0
               ? dw_fail_at(c, pointer, "is no enabled connection from which booked time can be read")
               : dw_fail_at(c, pointer, "is no enabled connection into which timesheets can be written");
}

static int check_schedule(dw_call *c, const char *when, const char *zone, const char *pointer)
{
    dw_time next;

    if (!when || !*when || dw_when_next(c, when, zone, dw_now(c), &next) >= 0)
        return 0;
    return dw_fail_at(c, pointer, dw_error_of(c)->text);
}

static int check_zone(dw_call *c, const char *zone)
{
    const char *text;

    return dw_time_format_in(c, dw_now(c), zone, &text) < 0 ? dw_fail_at(c, "/zone", dw_error_of(c)->text)
                                                            : 0;
}

/* Both schedules and the zone; what is NULL is not looked at. All that is wrong is said. */
static int check_times(dw_call *c, const char *schedule, const char *full, const char *zone)
{
    int rc = zone ? check_zone(c, zone) : 0;

    if (rc < 0)
        return rc; /* each schedule would say it again */
    int first = check_schedule(c, schedule, zone, "/schedule");
    int second = check_schedule(c, full, zone, "/full_schedule");
    return first < 0 ? first : second;
}

/* The same minutes would be moved twice. */
static int check_pair(dw_call *c, const char *source, const char *target)
{
    const char *name;
    int rc = dw_db_find(c, DW_TO(&name), "SELECT name FROM timesync_syncs WHERE source = $1 AND target = $2",
                        source, target);

    return rc > 0 ? dw_fail(c, DW_ECONFLICT, "another sync joins these two already", "sync", name) : rc;
}

/* What schedules it has is planned anew; one that is not enabled does nothing by itself. */
static int plan_next(dw_call *c, const char *id)
{
    struct sync s;

    DW_TRY(sync_load(c, id, &s));
    if (!s.enabled)
        s.schedule = s.full_schedule = "";
    return sync_plan_next(c, &s);
}

/* ---- making ---- */

int api_create_sync(dw_call *c, dw_request *req)
{
    const char *name, *source, *target, *schedule = "every 15m", *full = "30 2 * * *", *zone = "UTC";
    const char *id = dw_id(c);
    json_t *given = NULL;
    bool enabled = true;
    struct rules rules;
    char mark[MARK_SIZE];

    DW_TRY(dw_request_read(req, "name", &name, "source", &source, "target", &target, "rules", &given,
                           "schedule", &schedule, "full_schedule", &full, "zone", &zone, "enabled",
                           &enabled));
    DW_TRY(check_role(c, source, "time_source", "/source"));
    DW_TRY(check_role(c, target, "time_target", "/target"));
    DW_TRY(rules_read(c, given, &rules));
    DW_TRY(check_times(c, schedule, full, zone));
    sync_mark(source, mark);

    DW_TRY(dw_tx_begin(c));
    DW_TRY(check_pair(c, source, target));
    int rc = dw_db_exec(
        c,
        "INSERT INTO timesync_syncs (tenant_id, id, name, source, target, mark, rules, schedule,"
        "  full_schedule, zone, enabled, held_reason, held_detail, version, created_at, changed_at)"
        " VALUES (:tenant, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '', 1, :now, :now)",
        id, name, source, target, (const char *)mark, (const json_t *)rules_json(c, &rules, true), schedule,
        full, zone, enabled);
    if (rc == DW_ECONFLICT)
        return dw_fail(c, rc, "another sync has this name", "name", name);
    DW_TRY(rc);
    DW_TRY(plan_next(c, id));
    DW_TRY(dw_audit(c, "timesync.sync.created", id, "name", name, "source", source, "target", target, "rules",
                    (const json_t *)rules_json(c, &rules, false)));
    DW_TRY(reply_sync(c, req, 201, id));
    DW_TRY(dw_reply_header(req, "Location", dw_format(c, "/api/v1/timesync/syncs/%s", id)));
    return dw_tx_commit(c);
}

/* ---- changing ---- */

struct changes {
    const char *name, *schedule, *full, *zone; /* NULL: as it is */
    json_t *rules;
    bool enabled, has_enabled;
};

/* What is kept with what is given over it; null takes a rule back to its default. */
static int merge_rules(dw_call *c, const json_t *kept, const json_t *given, struct rules *out)
{
    json_t *all = dw_json_own(c, json_object()), *value;
    const char *name;

    if (!all || json_object_update(all, (json_t *)kept) != 0)
        return dw_fail(c, DW_ENOMEM, "out of memory");
    json_object_foreach((json_t *)given, name, value)
    {
        if (json_is_null(value))
            json_object_del(all, name);
        else if (json_object_set(all, name, value) != 0)
            return dw_fail(c, DW_ENOMEM, "out of memory");
    }
    return rules_read(c, all, out);
}

static int write_changes(dw_call *c, const char *id, int64_t version, const struct changes *to)
{
    const char *zone;
    json_t *kept;
    struct rules rules;
    bool enabled;

    DW_TRY(dw_db_get(c, DW_TO(&kept, &enabled, &zone),
                     "SELECT rules, enabled, zone FROM timesync_syncs WHERE id = $1", id));
    DW_TRY(merge_rules(c, kept, to->rules, &rules));
    json_t *now = rules_json(c, &rules, true);
    int rc = dw_db_exec(c,
                        "UPDATE timesync_syncs SET name = coalesce($3, name), rules = $4,"
                        "  schedule = coalesce($5, schedule), full_schedule = coalesce($6, full_schedule),"
                        "  zone = coalesce($7, zone), enabled = $8, version = version + 1, changed_at = :now"
                        " WHERE id = $1 AND version = $2",
                        id, version, to->name, (const json_t *)now, to->schedule, to->full, to->zone,
                        to->has_enabled ? to->enabled : enabled);
    if (rc == DW_ECONFLICT)
        return dw_fail(c, rc, "another sync has this name", "name", to->name);
    DW_TRY(rc);
    if (rc == 0)
        return dw_fail(c, DW_EPRECONDITION, "somebody changed the sync meanwhile; read it again");
    if (to->zone && strcmp(to->zone, zone) != 0)
        DW_TRY(day_again(c, id, to->zone));
    return dw_audit(c, "timesync.sync.changed", id, "old", (const json_t *)kept, "new", (const json_t *)now);
}

int api_change_sync(dw_call *c, dw_request *req)
{
    struct changes to = { 0 };
    const char *id, *zone;
    int64_t version;

    DW_TRY(dw_request_read(req, "id", &id, "if_match", &version, "name", &to.name, "rules", &to.rules,
                           "schedule", &to.schedule, "full_schedule", &to.full, "zone", &to.zone));
    json_t *enabled = json_object_get(dw_request_json(req), "enabled");
    to.has_enabled = enabled != NULL;
    to.enabled = json_is_true(enabled);
    DW_TRY(dw_db_get(c, DW_TO(&zone), "SELECT zone FROM timesync_syncs WHERE id = $1", id));
    DW_TRY(check_times(c, to.schedule, to.full, to.zone ? to.zone : zone));

    DW_TRY(dw_tx_begin(c));
    DW_TRY(write_changes(c, id, version, &to));
    DW_TRY(plan_next(c, id));
    DW_TRY(reply_sync(c, req, 200, id));
    return dw_tx_commit(c);
}

int api_release_sync(dw_call *c, dw_request *req)
{
    const char *id, *reason;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_get(c, DW_TO(&reason), "SELECT held_reason FROM timesync_syncs WHERE id = $1", id));
    DW_TRY(sync_release(c, id));
    DW_TRY(dw_audit(c, "timesync.sync.released", id, "reason", reason));
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
