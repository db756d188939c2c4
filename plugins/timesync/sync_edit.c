#include "sync_edit.h"

#include <string.h>

#include "common.h"
#include "day.h"
#include "moved.h"
#include "notices.h"
#include "reasons.h"
#include "runs.h"

/* ---- connections ---- */

struct playing {
    const char *text;
    char id[40];
    int n;
};

static int look_for(dw_call *c, dw_connection *conn, void *ud)
{
    struct playing *p = ud;

    (void)c;
    if (!same(dw_connection_id(conn), p->text) && !same(dw_connection_name(conn), p->text))
        return 0;
    p->n++;
    return snprintf(p->id, sizeof(p->id), "%s", dw_connection_id(conn)) < 0 ? DW_EINTERNAL : 0;
}

int sync_connection(dw_call *c, const char *text, const char *role, const char *pointer, const char **id)
{
    struct playing p = { .text = text };

    DW_TRY(dw_connections_each(c, role, look_for, &p));
    *id = dw_format(c, "%s", p.id);
    if (p.n == 1)
        return 0;
    if (p.n > 1)
        return dw_fail_at(c, pointer, "is the name of several connections; say the id of one of them");
    return same(role, "time_source")
               ? dw_fail_at(c, pointer, "is no enabled connection from which booked time can be read",
                            "connection", text)
               : dw_fail_at(c, pointer, "is no enabled connection into which timesheets can be written",
                            "connection", text);
}

/* The same minutes would be moved twice. */
static int check_pair(dw_call *c, const char *source, const char *target)
{
    const char *name;
    int rc = dw_db_find(c, DW_TO(&name), "SELECT name FROM timesync_syncs WHERE source = $1 AND target = $2",
                        source, target);

    return rc > 0 ? dw_fail(c, DW_ECONFLICT, "another sync joins these two already", "sync", name) : rc;
}

/* The contract says it of what comes by HTTP; the command line has none. */
static int check_name(dw_call *c, const char *name)
{
    size_t letters = 0;

    for (const char *p = name; *p; p++)
        letters += ((unsigned char)*p & 0xC0) != 0x80;
    return letters >= 1 && letters <= SYNC_NAME_MOST
               ? 0
               : dw_fail_at(c, "/name", "is empty, or longer than 100 letters");
}

/* ---- times ---- */

static int check_schedule(dw_call *c, const char *when, const char *zone, const char *pointer)
{
    dw_time next;

    if (!when || !*when || dw_when_next(c, when, zone, dw_now(c), &next) >= 0)
        return 0;
    return dw_fail_at(c, pointer, dw_error_of(c)->text);
}

/* All that is wrong is said, but for a zone: each schedule would say it again. */
static int check_times(dw_call *c, const struct sync_wanted *want, const char *zone)
{
    const char *text;

    if (dw_time_format_in(c, dw_now(c), zone, &text) < 0)
        return dw_fail_at(c, "/zone", dw_error_of(c)->text);
    int first = check_schedule(c, want->schedule, zone, "/schedule");
    int second = check_schedule(c, want->full_schedule, zone, "/full_schedule");
    return first < 0 ? first : second;
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

static int told(dw_call *c, int rc, const char *name)
{
    return rc == DW_ECONFLICT ? dw_fail(c, rc, "another sync has this name", "name", name) : rc;
}

/* ---- making ---- */

static const char *either(const char *given, const char *fallback)
{
    return given ? given : fallback;
}

static int insert(dw_call *c, const char *id, const struct sync_wanted *want, const json_t *rules)
{
    char mark[MARK_SIZE];

    sync_mark(want->source, mark);
    return dw_db_exec(
        c,
        "INSERT INTO timesync_syncs (tenant_id, id, name, source, target, mark, rules, schedule,"
        "  full_schedule, zone, enabled, held_reason, held_detail, version, created_at, changed_at)"
        " VALUES (:tenant, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '', 1, :now, :now)",
        id, want->name, want->source, want->target, (const char *)mark, rules,
        either(want->schedule, SYNC_SCHEDULE), either(want->full_schedule, SYNC_FULL_SCHEDULE),
        either(want->zone, "UTC"), (bool)(!want->enabled || *want->enabled));
}

/* All rules are kept, so that lists show them, and a server whose defaults are others changes nothing by itself. */
int sync_make(dw_call *c, const struct sync_wanted *want, const char **id)
{
    struct rules rules;

    *id = dw_id(c);
    DW_TRY(check_name(c, want->name));
    DW_TRY(rules_read(c, want->rules, &rules));
    DW_TRY(check_times(c, want, either(want->zone, "UTC")));
    DW_TRY(check_pair(c, want->source, want->target));
    DW_TRY(told(c, insert(c, *id, want, rules_json(c, &rules, true)), want->name));
    DW_TRY(plan_next(c, *id));
    return dw_audit(c, "timesync.sync.created", *id, "name", want->name, "source", want->source, "target",
                    want->target, "rules", (const json_t *)rules_json(c, &rules, false));
}

/* ---- changing ---- */

int sync_rules_with(dw_call *c, const json_t *kept, const json_t *given, struct rules *out)
{
    json_t *all = dw_json_own(c, json_object()), *value;
    const char *name;

    /* Jansson's updates and iteration want pointers that are not const, and change nothing. */
    if (!all || json_object_update(all, (json_t *)(uintptr_t)kept) != 0)
        return dw_fail(c, DW_ENOMEM, "out of memory");
    json_object_foreach((json_t *)(uintptr_t)given, name, value)
    {
        if (json_is_null(value))
            json_object_del(all, name);
        else if (json_object_set(all, name, value) != 0)
            return dw_fail(c, DW_ENOMEM, "out of memory");
    }
    return rules_read(c, all, out);
}

struct kept {
    const char *name, *zone;
    json_t *rules;
    bool enabled;
};

static int update(dw_call *c, const char *id, int64_t version, const struct sync_wanted *want,
                  const struct kept *kept, const json_t *rules)
{
    int rc = dw_db_exec(c,
                        "UPDATE timesync_syncs SET name = coalesce($3, name), rules = $4,"
                        "  schedule = coalesce($5, schedule), full_schedule = coalesce($6, full_schedule),"
                        "  zone = coalesce($7, zone), enabled = $8, version = version + 1, changed_at = :now"
                        " WHERE id = $1 AND ($2 = 0 OR version = $2)",
                        id, version, want->name, rules, want->schedule, want->full_schedule, want->zone,
                        want->enabled ? *want->enabled : kept->enabled);

    DW_TRY(told(c, rc, want->name));
    return rc == 0 ? dw_fail(c, DW_EPRECONDITION, "somebody changed the sync meanwhile; read it again") : 0;
}

int sync_change(dw_call *c, const char *id, int64_t version, const struct sync_wanted *want)
{
    struct rules rules;
    struct kept kept;

    DW_TRY(dw_db_get(c, DW_TO(&kept.name, &kept.zone, &kept.rules, &kept.enabled),
                     "SELECT name, zone, rules, enabled FROM timesync_syncs WHERE id = $1", id));
    DW_TRY(want->name ? check_name(c, want->name) : 0);
    DW_TRY(check_times(c, want, either(want->zone, kept.zone)));
    DW_TRY(sync_rules_with(c, kept.rules, want->rules, &rules));
    DW_TRY(update(c, id, version, want, &kept, rules_json(c, &rules, true)));
    if (want->zone && !same(want->zone, kept.zone))
        DW_TRY(day_again(c, id, want->zone));
    DW_TRY(plan_next(c, id));
    return dw_audit(c, "timesync.sync.changed", id, "old_name", kept.name, "name", want->name, "zone",
                    want->zone, "schedule", want->schedule, "full_schedule", want->full_schedule,
                    "old_enabled", kept.enabled, "enabled",
                    (bool)(want->enabled ? *want->enabled : kept.enabled), "old_rules",
                    (const json_t *)kept.rules, "rules", (const json_t *)rules_json(c, &rules, true));
}

/* What was told meanwhile. */
static int start_noted(dw_call *c, const char *id)
{
    struct sync s;

    DW_TRY(sync_load(c, id, &s));
    return s.enabled ? notices_start(c, &s) : 0;
}

int sync_let_go_on(dw_call *c, const char *id)
{
    const char *reason, *run;

    DW_TRY(dw_db_get(c, DW_TO(&reason), "SELECT held_reason FROM timesync_syncs WHERE id = $1", id));
    DW_TRY(sync_release(c, id));
    if (same(reason, reason_name(REASON_MOVED)))
        DW_TRY(moved_accept(c, id));
    DW_TRY(start_noted(c, id));
    if (same(reason,
             reason_name(REASON_TOO_MANY_DELETIONS))) /* who lets it go on has looked, and believes them */
        DW_TRY(run_start(c,
                         &(struct run_new){ .sync = id,
                                            .kind = "full",
                                            .started_by = "person",
                                            .scope = dw_json(c, "any_deletions", DW_TRUE) },
                         &run));
    return dw_audit(c, "timesync.sync.released", id, "reason", reason);
}
