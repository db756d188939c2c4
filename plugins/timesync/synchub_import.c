/* synchub_import.c - connections, a sync, its mappings and its schedule, made of what the old tool has: all of it or nothing. What
 * it says about timesheets is not believed (it kept Zammad's ids as Kimai's): they are found by their markers, as any other's. */
#include "synchub_import.h"

#include "common.h"
#include "mapping_edit.h"
#include "notes.h"
#include "sync_edit.h"
#include "synchub_convert.h"

enum { NEW, THERE, OUTCOMES };
static const char *const outcomes[OUTCOMES] = { [NEW] = "new", [THERE] = "there already" };
static const char left_out[] = "left out";

/* An import under way, and what came of it. */
struct import {
    bool is_plan, allow_private, is_tested;
    struct synchub old;
    struct synchub_connection *connections;
    struct notes notes;
    size_t connections_of[OUTCOMES], mappings_of[OUTCOMES];
    const char *sync, *sync_name; /* NULL: there is no pair to sync */
};

/* The pair that the old tool would have used. */
struct pair {
    const struct synchub_connection *source, *target; /* NULL: there is none */
    const char *source_id, *target_id;
};

/* ---- connections ---- */

static const char *remark_of(dw_call *c, const struct synchub_connection *s)
{
    const char *text = s->of->is_active ? s->remark : "disabled, as it is there";

    return s->of->is_active || !*s->remark ? text : dw_format(c, "%s; %s", text, s->remark);
}

static void take_pair(struct pair *pair, const struct synchub_connection *s, const char *id)
{
    if (!s->of->is_active)
        return;
    if (same(s->kind, "zammad") && !pair->source) {
        pair->source = s;
        pair->source_id = id;
    } else if (same(s->kind, "kimai") && !pair->target) {
        pair->target = s;
        pair->target_id = id;
    }
}

static int make_connection(dw_call *c, struct import *im, const struct synchub_connection *s,
                           struct pair *pair)
{
    const char *id;

    if (!s->kind) {
        note(c, &im->notes, "connection", s->name, left_out, dw_format(c, "its kind is %s", s->of->kind));
        return 0;
    }
    int made = dw_connection_make(c, &id, .kind = s->kind, .name = s->name, .settings = s->settings,
                                  .secrets = s->secrets, .allow_private = im->allow_private,
                                  .disabled = !s->of->is_active);
    DW_TRY(made);
    im->connections_of[made ? NEW : THERE]++;
    note(c, &im->notes, "connection", s->name, outcomes[made ? NEW : THERE], made ? remark_of(c, s) : "");
    take_pair(pair, s, id);
    return 0;
}

static int make_connections(dw_call *c, struct import *im, struct pair *pair)
{
    for (size_t i = 0; i < im->old.connectors_n; i++)
        DW_TRY(make_connection(c, im, &im->connections[i], pair));
    return 0;
}

/* Before anything is made: it asks the outside. */
static int test_connections(dw_call *c, const struct import *im)
{
    for (size_t i = 0; i < im->old.connectors_n; i++) {
        const struct synchub_connection *s = &im->connections[i];

        if (s->kind && s->of->is_active)
            DW_TRY(dw_connection_try(c, .kind = s->kind, .name = s->name, .settings = s->settings,
                                     .secrets = s->secrets, .allow_private = im->allow_private));
    }
    return 0;
}

/* ---- the sync ---- */

static int insert_sync(dw_call *c, struct import *im, const struct pair *pair, const char *schedule,
                       const char *zone)
{
    const bool enabled = false;
    const struct sync_wanted want = { .name = im->sync_name,
                                      .source = pair->source_id,
                                      .target = pair->target_id,
                                      .schedule = schedule,
                                      .full_schedule = *schedule ? SYNC_FULL_SCHEDULE : "",
                                      .zone = zone,
                                      .rules = synchub_rules(c, &im->old, pair->target->of),
                                      .enabled = &enabled };

    return sync_make(c, &want, &im->sync);
}

static void note_sync(dw_call *c, struct import *im, const char *schedule, const char *zone,
                      const char *remark)
{
    note(c, &im->notes, "sync", im->sync_name, outcomes[NEW],
         dw_format(c, "not enabled; in the zone %s%s%s", zone,
                   *im->old.first_day ? "; what lies before " : "",
                   *im->old.first_day ? dw_format(c, "%s is left alone, as there", im->old.first_day) : ""));
    if (im->old.cron)
        note(c, &im->notes, "schedule", *schedule ? schedule : im->old.cron,
             *schedule ? outcomes[NEW] : left_out, remark);
}

/* Two long names are too long for one. */
static const char *name_of(dw_call *c, const struct pair *pair)
{
    const char *both = dw_format(c, "%s to %s", pair->source->name, pair->target->name);

    return strlen(both) <= SYNC_NAME_MOST ? both : "SyncHub";
}

static int make_sync(dw_call *c, struct import *im, const struct pair *pair)
{
    const char *zone = synchub_zone(c, pair->target->of), *schedule, *remark;
    int found = dw_db_find(c, DW_TO(&im->sync, &im->sync_name),
                           "SELECT id, name FROM timesync_syncs WHERE source = $1 AND target = $2",
                           pair->source_id, pair->target_id);

    DW_TRY(found);
    if (found) {
        note(c, &im->notes, "sync", im->sync_name, outcomes[THERE],
             "left as it is, its rules and schedule too");
        return 0;
    }
    im->sync_name = name_of(c, pair);
    DW_TRY(synchub_schedule(c, &im->old, zone, &schedule, &remark));
    DW_TRY(insert_sync(c, im, pair, schedule, zone));
    note_sync(c, im, schedule, zone, remark);
    return 0;
}

/* ---- mappings ---- */

static const char *called(dw_call *c, const char *id, const char *name)
{
    return *name ? name : dw_format(c, "#%s", id);
}

static int make_mapping(dw_call *c, struct import *im, const struct synchub_mapping *m)
{
    const struct mapping_wanted want = { .sync = im->sync,
                                         .kind = "activity",
                                         .source = m->type,
                                         .source_name = m->type_name,
                                         .target = m->activity,
                                         .target_name = m->activity_name,
                                         .billable = DW_BILLABLE_UNSAID };
    const char *id;
    int found =
        dw_db_find(c, DW_TO(&id),
                   "SELECT id FROM timesync_mappings WHERE sync = $1 AND kind = 'activity' AND source = $2",
                   im->sync, m->type);

    DW_TRY(found);
    if (!found)
        DW_TRY(mapping_make(c, &want, &id));
    im->mappings_of[found ? THERE : NEW]++;
    note(c, &im->notes, "mapping", called(c, m->type, m->type_name), outcomes[found ? THERE : NEW],
         dw_format(c, "is %s", called(c, m->activity, m->activity_name)));
    return 0;
}

/* The tool took whichever the database gave it first, and did not look whether it was active. */
static int make_mappings(dw_call *c, struct import *im)
{
    const char *taken = "";

    for (size_t i = 0; i < im->old.mappings_n; i++) {
        const struct synchub_mapping *m = &im->old.mappings[i];
        const char *why = !m->is_active          ? "is not active there"
                          : same(taken, m->type) ? "is mapped more than once there; the newest one counts"
                                                 : NULL;

        if (why) {
            note(c, &im->notes, "mapping", called(c, m->type, m->type_name), left_out,
                 dw_format(c, "%s: %s", called(c, m->activity, m->activity_name), why));
            continue;
        }
        DW_TRY(make_mapping(c, im, m));
        taken = m->type;
    }
    return 0;
}

/* ---- what stays behind ---- */

static void note_count(dw_call *c, struct import *im, const char *name, int64_t n, const char *remark)
{
    if (n > 0)
        note(c, &im->notes, name, dw_format(c, "%lld", (long long)n), left_out, remark);
}

static void note_rest(dw_call *c, struct import *im, const struct pair *pair)
{
    if (pair->target && *im->old.first_day)
        note_count(
            c, im, "time entries", im->old.entries,
            "read from Zammad again; their timesheets are found by the marker ZAM:T..|TA:.. and adopted");
    if (im->old.linked > 0)
        note_count(c, im, "Kimai's ids of them", im->old.linked, "not believed: some of them are Zammad's");
    note_count(c, im, "open conflicts", im->old.conflicts,
               "found anew, as cases, where they are still there");
    note_count(c, im, "runs", im->old.runs, "the old tool's history");
    if (pair->target && json_object_get(pair->target->of->settings, "rounding_mode"))
        note(c, &im->notes, "setting", "rounding", left_out,
             "Kimai rounds by itself, and that is no difference here");
}

/* ---- all of it ---- */

static int make_all(dw_call *c, void *ud)
{
    struct import *im = ud;
    struct pair pair = { 0 };

    im->notes.n = 0; /* it may be done again */
    im->sync = im->sync_name = NULL;
    memset(im->connections_of, 0, sizeof(im->connections_of));
    memset(im->mappings_of, 0, sizeof(im->mappings_of));
    DW_TRY(make_connections(c, im, &pair));
    if (pair.source && pair.target) {
        DW_TRY(make_sync(c, im, &pair));
        DW_TRY(make_mappings(c, im));
    } else {
        note(c, &im->notes, "sync", "", left_out, "it takes an active connector of Zammad and one of Kimai");
    }
    note_rest(c, im, &pair);
    return dw_audit(c, "timesync.synchub.imported", im->sync ? im->sync : "", "connections",
                    (int64_t)im->connections_of[NEW], "mappings", (int64_t)im->mappings_of[NEW]);
}

/* The same, and then none of it: so the plan says what would be, refusals included. */
static int plan_all(dw_call *c, struct import *im)
{
    DW_TRY(dw_tx_begin(c));
    DW_TRY(make_all(c, im));
    return dw_tx_rollback(c);
}

static int show(dw_call *c, dw_command_run *run, const struct import *im)
{
    DW_TRY(notes_show(c, run, &im->notes));
    DW_TRY(dw_command_print(run, im->is_plan ? "planned; nothing was imported" : "imported",
                            "connections_new", (int64_t)im->connections_of[NEW], "connections_there",
                            (int64_t)im->connections_of[THERE], "mappings_new", (int64_t)im->mappings_of[NEW],
                            "mappings_there", (int64_t)im->mappings_of[THERE], "sync", im->sync_name, "plan",
                            im->is_plan));
    if (im->is_plan || !im->sync)
        return 0;
    DW_TRY(dw_command_print(
        run, dw_format(c, "nothing is moved yet. What a run would do: dowel timesync plan \"%s\" --full",
                       im->sync_name)));
    return dw_command_print(
        run, dw_format(c, "when that looks right: dowel timesync edit \"%s\" --enabled yes", im->sync_name));
}

/* Who imports at the same time has made it meanwhile: then it is there. Or something else has the name, and is told again. */
static int carry_out(dw_call *c, struct import *im)
{
    int rc = tx_do(c, make_all, im);

    return rc == DW_ECONFLICT ? tx_do(c, make_all, im) : rc;
}

int command_import_synchub(dw_call *c, dw_command_run *run)
{
    struct import im = { 0 };
    const char *dsn;

    DW_TRY(dw_command_read(run, "dsn", &dsn, "plan", &im.is_plan, "allow-private", &im.allow_private, "test",
                           &im.is_tested));
    DW_TRY(synchub_read(c, dsn, &im.old));
    if (im.old.connectors_n == 0)
        return dw_fail(c, DW_EINVALID, "the old tool has no connectors: there is nothing to import");
    DW_TRY(synchub_connections(c, &im.old, dw_command_secret(run), &im.connections));
    if (im.is_tested)
        DW_TRY(test_connections(c, &im));
    DW_TRY(im.is_plan ? plan_all(c, &im) : carry_out(c, &im));
    return show(c, run, &im);
}

const dw_argument synchub_arguments[] = {
    { .name = "dsn", .help = "where its database is: postgresql://user@host/database?passfile=/path" },
    { .name = "--plan", .help = "only shows what it would do" },
    { .name = "--allow-private", .help = "Zammad and Kimai may have addresses inside" },
    { .name = "--test", .help = "imports nothing unless its connectors work" },
    { 0 },
};
