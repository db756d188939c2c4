/* The command line: what is there, runs and plans with how far they are, cases, reports. */
#include "commands.h"

#include <string.h>

#include "cases.h"
#include "columns.h"
#include "commands_edit.h"
#include "report.h"
#include "runs.h"
#include "sync_find.h"
#include "synchub_import.h"

/* ---- what is there ---- */

static int show_status(dw_call *c, dw_command_run *run)
{
    int64_t held;
    dw_rows *rows;

    DW_TRY(dw_db_query(
        c, &rows,
        "SELECT s.name, s.enabled, s.held_reason AS held, s.read_until, s.compared_at,"
        " (SELECT count(*) FROM timesync_entries e WHERE e.sync = s.id) AS entries,"
        " (SELECT count(*) FROM timesync_entries e WHERE e.sync = s.id AND e.state = 'synced') AS synced,"
        " (SELECT count(*) FROM timesync_cases k WHERE k.sync = s.id AND k.state = 'open') AS open_cases,"
        " s.held_detail AS why, s.id FROM timesync_syncs s ORDER BY s.name"));
    DW_TRY(dw_command_rows(run, rows));
    DW_TRY(dw_db_get(c, DW_TO(&held), "SELECT count(*) FROM timesync_syncs WHERE held_reason <> ''"));
    return held > 0 ? dw_command_print(
                          run,
                          "what is held does nothing by itself until `dowel timesync release SYNC`, or"
                          " until its next try",
                          "held_syncs", held)
                    : 0;
}

static int check_limit(dw_call *c, int64_t limit)
{
    return limit >= 1 && limit <= 10000 ? 0 : dw_fail_at(c, "/--limit", "is not 1 to 10000");
}

static int show_runs(dw_call *c, dw_command_run *run)
{
    int64_t limit = 20;
    dw_rows *rows;

    DW_TRY(dw_command_read(run, "limit", &limit));
    DW_TRY(check_limit(c, limit));
    DW_TRY(dw_db_query(
        c, &rows,
        "SELECT r.id, s.name AS sync, r.kind, r.is_plan AS plan, r.started_by, r.state, r.started_at, "
        "r.examined,"
        " r.created, r.updated, r.unchanged, r.deleted, r.skipped, r.to_decide, r.failed, r.reason"
        " FROM timesync_runs r JOIN timesync_syncs s ON s.id = r.sync ORDER BY r.id DESC LIMIT $1",
        limit));
    return dw_command_rows(run, rows);
}

/* ---- runs ---- */

enum { NOT_TAKEN_AFTER_US = 15 * 1000 * 1000, LOOK_EVERY_MS = 250 };

struct progress {
    const char *state, *phase, *reason, *detail;
    int64_t total, done, examined, created, updated, unchanged, deleted, skipped, to_decide, failed;
};

static int look(dw_call *c, const char *id, struct progress *p)
{
    return dw_db_get(
        c,
        DW_TO(&p->state, &p->phase, &p->reason, &p->detail, &p->total, &p->done, &p->examined, &p->created,
              &p->updated, &p->unchanged, &p->deleted, &p->skipped, &p->to_decide, &p->failed),
        "SELECT r.state, r.phase, r.reason, r.detail, r.total,"
        " r.total - CASE WHEN r.total = 0 THEN 0 ELSE"
        " (SELECT count(*) FROM timesync_steps t WHERE t.run = r.id AND t.outcome = '') END, r.examined, "
        "r.created, r.updated, r.unchanged, r.deleted, r.skipped, r.to_decide, r.failed"
        " FROM timesync_runs r WHERE r.id = $1",
        id);
}

static bool has_ended(const struct progress *p)
{
    return strcmp(p->state, "done") == 0 || strcmp(p->state, "failed") == 0 ||
           strcmp(p->state, "cancelled") == 0;
}

static const char *what_it_does(const struct progress *p)
{
    if (strcmp(p->state, "waiting") == 0)
        return "waiting for its turn";
    return strcmp(p->state, "reading") == 0 ? "reading what was booked" : "entries";
}

/* The run is the server's: only who waits for it was stopped. */
static int go_away(dw_call *c, const char *id)
{
    return dw_fail(c, DW_ECANCELLED,
                   "only the waiting has ended, the run goes on: `dowel timesync runs` shows how far it is, "
                   "`dowel timesync cancel` ends it",
                   "run", id);
}

/* Then it waits for its turn. What cannot be found out is told as if nobody worked. */
static bool others_run(dw_call *c, const char *id)
{
    int64_t n = 0;

    return dw_db_get(
               c, DW_TO(&n),
               "SELECT count(*) FROM timesync_runs o WHERE o.state IN ('reading', 'writing') AND o.sync ="
               " (SELECT sync FROM timesync_runs WHERE id = $1)",
               id) >= 0 &&
           n > 0;
}

static int wait_for(dw_call *c, dw_command_run *run, const char *id, struct progress *p)
{
    int64_t waited_us = 0;

    for (;;) {
        dw_scope_begin(c);
        int rc = look(c, id, p);
        bool ended = rc >= 0 && has_ended(p), waits = rc >= 0 && strcmp(p->state, "waiting") == 0;
        if (rc >= 0)
            rc = dw_command_progress(run, p->done, p->total, what_it_does(p));
        dw_scope_end(c);
        if (rc == DW_ECANCELLED)
            return go_away(c, id);
        DW_TRY(rc);
        if (ended)
            return look(c, id, p); /* what the scope had is gone */
        waited_us = waits ? waited_us + DW_MILLISECONDS(LOOK_EVERY_MS).us : 0;
        if (waited_us > NOT_TAKEN_AFTER_US && !others_run(c, id))
            return dw_fail(c, DW_EUNAVAILABLE,
                           "no server has taken the run up; it begins as soon as one is started", "run", id);
        rc = dw_sleep(c, DW_MILLISECONDS(LOOK_EVERY_MS));
        if (rc == DW_ECANCELLED)
            return go_away(c, id);
        DW_TRY(rc);
    }
}

static const char *result_of(const struct run_new *want, const struct progress *p)
{
    if (strcmp(want->kind, "tickets") == 0 && strcmp(p->state, "done") == 0 && p->examined == 0)
        return "nothing is booked there, or there is no such ticket: it is asked for by its id";
    return want->is_plan && strcmp(p->state, "done") == 0 ? "planned" : p->state;
}

static int print_result(dw_call *c, dw_command_run *run, const char *id, const struct run_new *want,
                        const struct progress *p)
{
    DW_TRY(dw_command_print(run, result_of(want, p), "run", id, "state", p->state, "examined", p->examined,
                            "created", p->created, "updated", p->updated, "unchanged", p->unchanged,
                            "deleted", p->deleted, "skipped", p->skipped, "to_decide", p->to_decide, "failed",
                            p->failed));
    if (strcmp(p->state, "failed") == 0)
        return dw_fail(c, DW_EUPSTREAM, "the run failed; what it did is kept, and the next one goes on",
                       "reason", p->reason, "detail", p->detail);
    if (strcmp(p->state, "cancelled") == 0) /* scripts must not take it for a run that came to its end */
        return dw_fail(c, DW_ECANCELLED,
                       "the run was cancelled; what it did is kept, and the next one goes on", "run", id);
    return 0;
}

static int show_steps(dw_call *c, dw_command_run *run, const char *id)
{
    dw_rows *rows;

    DW_TRY(dw_db_query(
        c, &rows,
        "SELECT t.outcome, coalesce(e.ticket_number, '') AS ticket, coalesce(e.agent_name, '') AS agent,"
        " coalesce(e.amount, '') AS amount, t.sheet AS timesheet, t.reason, t.detail"
        " FROM timesync_steps t LEFT JOIN timesync_entries e ON e.id = t.entry"
        " WHERE t.run = $1 ORDER BY t.id LIMIT 10000",
        id));
    return dw_command_rows(run, rows);
}

/* As the API's: of an undo it is the run that is taken back which is looked for in the log. */
static int note_start(dw_call *c, const struct run_new *want, const char *id)
{
    return want->undoes ? dw_audit(c, "timesync.run.undone", want->undoes, "by", id, "plan", want->is_plan)
                        : dw_audit(c, "timesync.run.started", id, "sync", want->sync, "kind", want->kind,
                                   "plan", want->is_plan);
}

/* Starts it, shows how far it is, and what came of it. */
static int carry(dw_call *c, dw_command_run *run, const struct run_new *want, bool shows_steps)
{
    struct progress p;
    const char *id;

    DW_TRY(dw_tx_begin(c));
    DW_TRY(run_start(c, want, &id));
    DW_TRY(note_start(c, want, id));
    DW_TRY(dw_tx_commit(c));
    DW_TRY(wait_for(c, run, id, &p));
    if (shows_steps)
        DW_TRY(show_steps(c, run, id));
    return print_result(c, run, id, want, &p);
}

/* People know tickets by their numbers, sources by their ids: what is the number of one that was seen, and no id, is that. */
static int tickets_by_number(dw_call *c, const char *sync, json_t *tickets)
{
    for (size_t i = 0; i < json_array_size(tickets); i++) {
        const char *ticket;
        const int rc = dw_db_find(
            c, DW_TO(&ticket),
            "SELECT ticket FROM timesync_entries WHERE sync = $1 AND ticket_number = $2 AND NOT EXISTS"
            " (SELECT 1 FROM timesync_entries WHERE sync = $1 AND ticket = $2) ORDER BY id DESC LIMIT 1",
            sync, json_string_value(json_array_get(tickets, i)));

        DW_TRY(rc);
        if (rc > 0 && json_array_set_new(tickets, i, json_string(ticket)) != 0)
            return dw_fail(c, DW_ENOMEM, "out of memory");
    }
    return 0;
}

static int start(dw_call *c, dw_command_run *run, bool is_plan)
{
    const char *name, *id;
    json_t *tickets = NULL;
    dw_time since = { 0 }, until = { 0 };
    bool full = false, any = false;

    DW_TRY(dw_command_read(run, "sync", &name, "full", &full, "any-deletions", &any, "since", &since, "until",
                           &until, "ticket", &tickets));
    DW_TRY(sync_find(c, name, &id));
    const bool has_until = until.us != 0;
    if ((tickets != NULL) + full + (since.us != 0) > 1)
        return dw_fail(c, DW_EINVALID, "give one of --full, --since and --ticket, or none of them");
    if (has_until && since.us == 0)
        return dw_fail(c, DW_EINVALID, "--until is for --since: a window begins somewhere");
    if (has_until && until.us <= since.us)
        return dw_fail(c, DW_EINVALID, "--until is not after --since");
    if (any && !full)
        return dw_fail(c, DW_EINVALID, "--any-deletions is for --full: only a full comparison sees them all");
    if (!has_until)
        until = dw_now(c);
    DW_TRY(tickets_by_number(c, id, tickets));
    return carry(c, run,
                 &(struct run_new){ .sync = id,
                                    .kind = tickets         ? "tickets"
                                            : full          ? "full"
                                            : since.us != 0 ? "window"
                                                            : "poll",
                                    .is_plan = is_plan,
                                    .started_by = "person",
                                    .scope = tickets         ? dw_json(c, "tickets", (const json_t *)tickets)
                                             : since.us != 0 ? dw_json(c, "since", since, "until", until)
                                             : any           ? dw_json(c, "any_deletions", DW_TRUE)
                                                             : NULL },
                 is_plan);
}

static int command_run(dw_call *c, dw_command_run *run)
{
    return start(c, run, false);
}

static int command_plan(dw_call *c, dw_command_run *run)
{
    return start(c, run, true);
}

static int command_cancel(dw_call *c, dw_command_run *run)
{
    const char *id;
    int rc;

    DW_TRY(dw_command_read(run, "run", &id));
    DW_TRY(dw_tx_begin(c));
    rc = run_cancel(c, id);
    if (rc == DW_ENOTFOUND)
        return dw_fail(c, rc, "there is no such run; `dowel timesync runs` lists them", "run", id);
    DW_TRY(rc);
    if (rc == 0)
        return dw_fail(c, DW_ECONFLICT, "the run has ended already", "run", id);
    DW_TRY(dw_audit(c, "timesync.run.cancelled", id, "run", id));
    DW_TRY(dw_command_print(run, "cancelled", "run", id));
    return dw_tx_commit(c);
}

static int command_undo(dw_call *c, dw_command_run *run)
{
    const char *id, *sync, *question;
    bool is_plan = false;

    DW_TRY(dw_command_read(run, "run", &id, "plan", &is_plan));
    if (dw_db_find(c, DW_TO(&sync), "SELECT sync FROM timesync_runs WHERE id = $1", id) != 1)
        return dw_fail(c, DW_ENOTFOUND, "there is no such run; `dowel timesync runs` lists them", "run", id);
    if (!is_plan) {
        question = "Remove the timesheets that this run made, and take back what it changed, but for those "
                   "that were "
                   "changed or exported since?";
        int yes = dw_command_ask(run, question);
        if (yes <= 0)
            return yes;
    }
    return carry(c, run,
                 &(struct run_new){ .sync = sync,
                                    .kind = "undo",
                                    .is_plan = is_plan,
                                    .started_by = "person",
                                    .scope = dw_json(c, "run", id),
                                    .undoes = id },
                 is_plan);
}

/* ---- cases ---- */

static int show_cases(dw_call *c, dw_command_run *run)
{
    const char *reason = "";
    int64_t limit = 100;
    dw_rows *rows;

    DW_TRY(dw_command_read(run, "reason", &reason, "limit", &limit));
    DW_TRY(check_limit(c, limit));
    if (*reason && strcmp(reason_name(reason_from(reason)), reason) != 0)
        return dw_fail_at(c, "/--reason", "there is no such reason; without it all are listed", "reason",
                          reason);
    DW_TRY(dw_db_query(
        c, &rows,
        "SELECT k.id, s.name AS sync, k.reason, coalesce(e.ticket_number, '') AS ticket,"
        " coalesce(e.agent_name, '') AS agent, coalesce(e.amount, '') AS amount, k.sheet AS timesheet, "
        "k.detail,"
        " k.opened_at FROM timesync_cases k JOIN timesync_syncs s ON s.id = k.sync"
        " LEFT JOIN timesync_entries e ON e.id = k.entry"
        " WHERE k.state = 'open' AND ($1 = '' OR k.reason = $1) ORDER BY k.reason, k.id LIMIT $2",
        reason, limit));
    return dw_command_rows(run, rows);
}

static int command_decide(dw_call *c, dw_command_run *run)
{
    struct case_decision d = { .note = "" };
    const char *word;
    json_t *list, *runs;

    DW_TRY(dw_command_read(run, "action", &word, "case", &list, "note", &d.note, "sheet", &d.sheet));
    const char **ids = dw_alloc(c, json_array_size(list) * sizeof(*ids));
    for (; d.n < json_array_size(list); d.n++)
        ids[d.n] = json_string_value(json_array_get(list, d.n));
    d.ids = ids;
    d.action = action_from(word);
    if (d.sheet && d.n != 1)
        return dw_fail(c, DW_EINVALID, "one timesheet is named, so this is for one case");
    DW_TRY(dw_tx_begin(c));
    DW_TRY(case_decide(c, &d, &runs));
    DW_TRY(dw_command_print(run, "decided", "cases", (int64_t)d.n, "action", word, "runs",
                            (const json_t *)runs));
    return dw_tx_commit(c);
}

/* ---- reports ---- */

static int ignore(dw_call *c, const struct report_row *row, void *ud)
{
    (void)c;
    (void)row;
    (void)ud;
    return 0;
}

/* To hundredths as each row of the table is, so that the sum of one row is what stands in that row. */
static double minutes(int64_t seconds)
{
    const int64_t hundredths = (seconds * 10 + 3) / 6; /* no entry is shorter than nothing */

    return (double)hundredths / 100;
}

static int check_day(dw_call *c, const char *day, const char *pointer)
{
    dw_time noon;

    if (!day || (strlen(day) == strlen("2026-11-01") &&
                 dw_time_parse(c, dw_format(c, "%sT12:00:00Z", day), &noon) == 0))
        return 0;
    return dw_fail_at(c, pointer, "is no day, as 2026-11-01", "day", day);
}

static int command_report(dw_call *c, dw_command_run *run)
{
    struct report_query q = { .by_n = 0 };
    const char *name = NULL;
    struct report_sums all;
    json_t *by = NULL;
    dw_rows *rows;

    DW_TRY(dw_command_read(run, "by", &by, "sync", &name, "from", &q.from, "to", &q.to));
    if (name)
        DW_TRY(sync_find(c, name, &q.sync));
    DW_TRY(check_day(c, q.from, "/--from"));
    DW_TRY(check_day(c, q.to, "/--to"));
    DW_TRY(report_check(c, &q, "/--to"));
    if (json_array_size(by) > REPORT_GROUPS_MAX)
        return dw_fail_at(c, "/--by", "three at most, one in the other");
    DW_TRY(report_by(c, by, &q));
    DW_TRY(report_table(c, &q, &rows));
    DW_TRY(dw_command_rows(run, rows));
    DW_TRY(report_each(c, &q, ignore, NULL, &all));
    return dw_command_print(run, "all", "entries", all.entries, "minutes", minutes(all.all), "synced",
                            minutes(all.synced), "billable", minutes(all.billable), "not_billable",
                            minutes(all.not_billable), "billed", minutes(all.billed), "to_bill",
                            minutes(all.to_bill), "waiting", minutes(all.waiting), "to_decide",
                            minutes(all.to_decide), "skipped", minutes(all.skipped));
}

/* ---- mappings ---- */

static int show_mappings(dw_call *c, dw_command_run *run)
{
    const char *name = NULL, *sync = NULL;
    dw_rows *rows;

    DW_TRY(dw_command_read(run, "sync", &name));
    if (name)
        DW_TRY(sync_find(c, name, &sync));
    DW_TRY(dw_db_query(
        c, &rows,
        dw_format(c,
                  "SELECT s.name AS sync, m.kind, m.source, m.source_name, m.target,"
                  " m.target_name, " BILLABLE_WORD(
                      "m.billable") " AS billable"
                                    " FROM timesync_mappings m JOIN timesync_syncs s ON s.id = m.sync"
                                    " WHERE %s ORDER BY s.name, m.kind, m.source_name, m.id LIMIT 10000",
                  OF_SYNC("m.sync", sync)),
        sync));
    return dw_command_rows(run, rows);
}

/* ---- what they take ---- */

static const dw_argument run_arguments[] = {
    { .name = "sync", .help = "its name or id" },
    { .name = "--full", .help = "compares all that both sides have" },
    { .name = "--any-deletions", .help = "with --full: believes whatever number of entries is gone" },
    { .name = "--since", .value = "TIME", .help = "what lies after it", .type = DW_ARGUMENT_TIME },
    { .name = "--until",
      .value = "TIME",
      .help = "with --since: what lies before it",
      .type = DW_ARGUMENT_TIME },
    { .name = "--ticket",
      .value = "ID",
      .help = "only this ticket: its id, or the number of one that was seen",
      .many = true },
    { 0 },
};

static const dw_argument cancel_arguments[] = {
    { .name = "run", .help = "its id", .type = DW_ARGUMENT_ID },
    { 0 },
};

static const dw_argument undo_arguments[] = {
    { .name = "run", .help = "its id", .type = DW_ARGUMENT_ID },
    { .name = "--plan", .help = "only shows what it would do" },
    { 0 },
};

static const dw_argument limit_arguments[] = {
    { .name = "--limit", .value = "N", .help = "at most so many; 20 without", .type = DW_ARGUMENT_INT },
    { 0 },
};

static const dw_argument case_arguments[] = {
    { .name = "--reason", .value = "REASON", .help = "only these, such as UNMAPPED_ACTIVITY" },
    { .name = "--limit", .value = "N", .help = "at most so many; 100 without", .type = DW_ARGUMENT_INT },
    { 0 },
};

static const dw_argument decide_arguments[] = {
    { .name = "action",
      .help = "what is to be done",
      .one_of = "retry update keep unfollow create remove adopt skip dismiss" },
    { .name = "case", .help = "ids of cases", .many = true },
    { .name = "--note", .value = "TEXT", .help = "why, for whoever looks later" },
    { .name = "--sheet",
      .value = "ID",
      .help = "with adopt: the timesheet, if it is another one than the case is about" },
    { 0 },
};

static const dw_argument report_arguments[] = {
    { .name = "--by",
      .value = "WHAT",
      .help = "what to group by; month without",
      .one_of = "customer project agent activity ticket day month",
      .many = true },
    { .name = "--sync", .value = "NAME", .help = "only of this one" },
    { .name = "--from", .value = "DAY", .help = "2026-11-01" },
    { .name = "--to", .value = "DAY", .help = "2026-11-30, included" },
    { 0 },
};

static const dw_argument mapping_arguments[] = {
    { .name = "--sync", .value = "NAME", .help = "only of this one" },
    { 0 },
};

const dw_command timesync_commands[] = {
    { .name = "timesync status",
      .summary = "Shows the syncs, and how far they are",
      .flags = DW_COMMAND_TENANT,
      .run = show_status },
    { .name = "timesync add",
      .summary = "Joins a source and a target",
      .arguments = add_arguments,
      .flags = DW_COMMAND_TENANT,
      .run = command_add },
    { .name = "timesync edit",
      .summary = "Changes a sync, its rules and when it begins",
      .arguments = edit_arguments,
      .flags = DW_COMMAND_TENANT,
      .run = command_edit },
    { .name = "timesync delete",
      .summary = "Forgets a sync; its timesheets stay",
      .arguments = sync_arguments,
      .flags = DW_COMMAND_TENANT | DW_COMMAND_ASKS,
      .run = command_delete },
    { .name = "timesync release",
      .summary = "Lets a held sync work again",
      .arguments = sync_arguments,
      .flags = DW_COMMAND_TENANT,
      .run = command_release },
    { .name = "timesync rules",
      .summary = "Shows what rules there are, or how they are in a sync",
      .arguments = rules_arguments,
      .flags = DW_COMMAND_TENANT,
      .run = command_rules },
    { .name = "timesync plan",
      .summary = "Shows what a run would do, and writes nothing",
      .arguments = run_arguments,
      .flags = DW_COMMAND_TENANT,
      .timeout = "2h",
      .run = command_plan },
    { .name = "timesync run",
      .summary = "Moves what was booked, and waits for the end",
      .arguments = run_arguments,
      .flags = DW_COMMAND_TENANT,
      .timeout = "12h",
      .run = command_run },
    { .name = "timesync runs",
      .summary = "Lists runs and plans, the newest first",
      .arguments = limit_arguments,
      .flags = DW_COMMAND_TENANT,
      .run = show_runs },
    { .name = "timesync cancel",
      .summary = "Ends a run after what it is at",
      .arguments = cancel_arguments,
      .flags = DW_COMMAND_TENANT,
      .run = command_cancel },
    { .name = "timesync undo",
      .summary = "Takes back what a run did at the target",
      .arguments = undo_arguments,
      .flags = DW_COMMAND_TENANT | DW_COMMAND_ASKS,
      .timeout = "12h",
      .run = command_undo },
    { .name = "timesync cases",
      .summary = "Lists what a person has to decide",
      .arguments = case_arguments,
      .flags = DW_COMMAND_TENANT,
      .run = show_cases },
    { .name = "timesync decide",
      .summary = "Decides cases",
      .arguments = decide_arguments,
      .flags = DW_COMMAND_TENANT,
      .run = command_decide },
    { .name = "timesync report",
      .summary = "Shows minutes by customer, agent, activity or month",
      .arguments = report_arguments,
      .flags = DW_COMMAND_TENANT,
      .run = command_report },
    { .name = "timesync map",
      .summary = "Says what of the source is what of the target, and settles what that explains",
      .arguments = map_arguments,
      .flags = DW_COMMAND_TENANT,
      .run = command_map },
    { .name = "timesync suggest",
      .summary = "Shows what is not mapped yet, with what looks like it at the target",
      .help = "Alike are names that differ in case and spaces only and, of people, the same address; where\n"
              "several look alike nothing is suggested.",
      .arguments = suggest_arguments,
      .flags = DW_COMMAND_TENANT | DW_COMMAND_ASKS,
      .run = command_suggest },
    { .name = "timesync mappings",
      .summary = "Lists what of the source is what of the target",
      .arguments = mapping_arguments,
      .flags = DW_COMMAND_TENANT,
      .run = show_mappings },
    { .name = "timesync import-synchub",
      .summary = "Takes over the settings of SyncHub, which copied time from Zammad to Kimai",
      .help =
          "Reads its ENCRYPTION_KEY from standard input, unseen where that is a terminal. All or nothing, "
          "and\n"
          "again as often as you like: what is there stays as it is. Nothing is moved, and the old database\n"
          "is only read.",
      .arguments = synchub_arguments,
      .input = DW_INPUT_SECRET,
      .flags = DW_COMMAND_TENANT,
      .run = command_import_synchub },
    { 0 },
};
