/* run.c - the job "run": waits for its turn, reads, makes steps, and has them worked off. */
#include "runs.h"

#include "common.h"
#include "counts.h"
#include "look.h"
#include "read.h"
#include "run_end.h"
#include "shard.h"
#include "timesync.h"
#include "undo.h"
#include "work.h"

/* How often a ticket is asked for that the source does not show yet: its notice may come before its commit. */
enum { TICKET_TRIES = 4 };

/* ---- its turn ---- */

static int others_at_work(dw_call *c, const struct work *w)
{
    const char *other;

    /* An undo waits for those of tickets as well: they would make again what it removes. */
    return same(w->run.kind, "tickets")
               ? 0
               : dw_db_find(c, DW_TO(&other),
                            "SELECT id FROM timesync_runs WHERE sync = $1 AND id <> $2"
                            " AND (kind <> 'tickets' OR $3) AND state IN ('reading', 'writing') LIMIT 1",
                            w->sync.id, w->run.id, (bool)(w->run.undoes != NULL));
}

static int begin(dw_call *c, struct work *w)
{
    const int changed =
        dw_db_exec(c,
                   "UPDATE timesync_runs SET state = 'reading', phase = 'reading', started_at = $2"
                   " WHERE id = $1 AND state = 'waiting'",
                   w->run.id, dw_now(c));

    DW_TRY(changed);
    w->run.started_at = dw_now(c);
    w->run.state = "reading";
    return changed;
}

/* ---- reading, by its kind ---- */

static int read_complete(dw_call *c, struct work *w, struct read_counts *counts)
{
    struct known *known;
    int rc;

    DW_TRY(known_load(c, w->sync.id, &known));
    if ((rc = read_all(c, w, known, (dw_time){ 0 }, counts)) != 0)
        return rc;
    DW_TRY(read_leftovers(c, w));
    return look_all(c, w, known, counts);
}

static int read_poll(dw_call *c, struct work *w, struct read_counts *counts)
{
    const dw_span overlap = w->sync.rules.overlap;
    int rc;

    if (!w->sync.read_until.us) /* the first one */
        return read_complete(c, w, counts);
    rc = read_all(c, w, NULL, (dw_time){ w->sync.read_until.us - overlap.us }, counts);
    if (rc != 0)
        return rc;
    DW_TRY(read_leftovers(c, w));
    return w->sync.looked_until.us
               ? look_changed(c, w, (dw_time){ w->sync.looked_until.us - overlap.us }, counts)
               : 0;
}

static int read_window(dw_call *c, struct work *w, struct read_counts *counts)
{
    dw_time since = { 0 }, until = { 0 };
    const char *text = NULL, *end = NULL;
    int rc;

    DW_TRY(dw_json_read(c, w->run.scope, "since", &text, "until", &end));
    if (text)
        DW_TRY(dw_time_parse(c, text, &since));
    if (end)
        DW_TRY(dw_time_parse(c, end, &until));
    if (!since.us)
        return read_complete(c, w, counts);
    if ((rc = read_window_of(c, w, since, until, counts)) != 0)
        return rc;
    return look_changed(c, w, since, counts);
}

static int read_tickets(dw_call *c, struct work *w, dw_job *job, struct read_counts *counts)
{
    const json_t *tickets = json_object_get(w->run.scope, "tickets");

    for (size_t i = 0; i < json_array_size(tickets); i++) {
        const char *ticket = json_string_value(json_array_get(tickets, i));
        bool readable;
        const int rc = ticket ? read_ticket(c, w, ticket, counts, &readable) : 0;

        if (rc != 0)
            return rc;
        if (ticket && !readable &&
            same(w->run.started_by, "person")) /* who waits, and may have mistyped it */
            return work_stop(
                c, w, REASON_OTHER,
                sentence(c,
                         "the source does not show this ticket; it is asked for by its id, which is "
                         "not its number",
                         "ticket", ticket));
        if (ticket && !readable && dw_job_attempt(job) < TICKET_TRIES)
            return dw_fail(c, DW_EUNAVAILABLE, "the source does not show this ticket, or not yet", "ticket",
                           ticket);
    }
    return 0;
}

static int add_decided(dw_call *c, struct work *w, const char *key)
{
    struct step_new step = { .run = w->run.id, .key = key, .hint = "" };
    const char *state = "";
    int there =
        dw_db_find(c, DW_TO(&step.entry, &step.sheet, &state),
                   "SELECT entry, sheet, state FROM timesync_cases WHERE sync = $1 AND key = $2"
                   " ORDER BY CASE WHEN state IN ('open', 'deciding') THEN 0 ELSE 1 END, id DESC LIMIT 1",
                   w->sync.id, key);

    DW_TRY(there);
    /* It has solved itself since: what was chosen was about something that is no more. To look again does no harm. */
    if (there && !is_one_of(state, "open", "deciding") && w->action != ACTION_RETRY)
        return 0;
    if (!there) { /* an entry of which there is no case: one that failed, or was skipped */
        there = dw_db_find(c, DW_TO(&step.entry),
                           "SELECT id FROM timesync_entries WHERE sync = $1 AND id = $2", w->sync.id, key);
        DW_TRY(there);
    }
    step.shard = step_shard(key, w->sync.rules.parallel);
    return there ? step_add(c, &step) : 0;
}

static int add_all_decided(dw_call *c, void *ud)
{
    struct work *w = ud;
    const json_t *keys = json_object_get(w->run.scope, "keys");

    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = json_string_value(json_array_get(keys, i));

        if (key)
            DW_TRY(add_decided(c, w, key));
    }
    return 0;
}

static int read_by_kind(dw_call *c, struct work *w, dw_job *job, struct read_counts *counts)
{
    const char *kind = w->run.kind;

    if (same(kind, "poll"))
        return read_poll(c, w, counts);
    if (same(kind, "full"))
        return read_complete(c, w, counts);
    if (same(kind, "window"))
        return read_window(c, w, counts);
    if (same(kind, "tickets"))
        return read_tickets(c, w, job, counts);
    if (same(kind, "decide"))
        return tx_do(c, add_all_decided, w);
    return undo_steps(c, w);
}

/* ---- from reading to writing ---- */

struct reading_over {
    struct work *w;
    const struct read_counts *counts;
};

/* Said, and read again from the same instant on the next time. */
static int note_partial(dw_call *c, struct work *w)
{
    w->run.is_partial = true;
    return dw_db_exec(c, "UPDATE timesync_runs SET reason = $2, detail = $3 WHERE id = $1", w->run.id,
                      reason_name(REASON_OTHER), w->partial);
}

static int end_reading(dw_call *c, void *ud)
{
    const struct reading_over *over = ud;
    struct work *w = over->w;
    const json_t *counts = dw_json(c, "unchanged", over->counts->unchanged, "skipped", over->counts->skipped,
                                   "to_decide", over->counts->to_decide);
    int changed;

    DW_TRY(
        dw_db_get(c, DW_TO(&w->run.total), "SELECT count(*) FROM timesync_steps WHERE run = $1", w->run.id));
    changed = dw_db_exec(
        c,
        "UPDATE timesync_runs SET state = 'writing', phase = 'writing', read_counts = $2, total = $3,"
        " requests = requests + $4 WHERE id = $1 AND state = 'reading'",
        w->run.id, counts, w->run.total, w->requests);
    if (changed <= 0)
        return changed;
    if (w->partial)
        DW_TRY(note_partial(c, w));
    return w->run.total > SHARD_FEW ? shard_jobs(c, w) : 1;
}

/* A notice of which nothing came: it may have come before what it is about could be read. Once; and not when another one of the
 * same ticket has just brought something. */
static int is_too_early(dw_call *c, const struct work *w)
{
    const char *ticket = json_string_value(json_array_get(json_object_get(w->run.scope, "tickets"), 0));
    int64_t steps;

    if (!same(w->run.started_by, "webhook") || !same(w->run.kind, "tickets") || w->run.is_plan ||
        dw_now(c).us - w->run.started_at.us >= timesync_conf(c)->second_look.us)
        return 0;
    DW_TRY(dw_db_get(c, DW_TO(&steps), "SELECT count(*) FROM timesync_steps WHERE run = $1", w->run.id));
    if (steps > 0)
        return 0;
    DW_TRY(dw_db_get(c, DW_TO(&steps),
                     "SELECT count(*) FROM timesync_runs WHERE sync = $1 AND ticket = $2 AND started_at > $3"
                     " AND total > 0",
                     w->sync.id, or_empty(ticket), (dw_time){ dw_now(c).us - DW_MINUTES(1).us }));
    return steps == 0;
}

static int read_it(dw_call *c, struct work *w, dw_job *job)
{
    struct read_counts counts = { .counted = dw_json_own(c, json_object()) };
    struct reading_over over = { w, &counts };
    int rc = read_by_kind(c, w, job, &counts);

    if (rc == WORK_WAITS)
        return dw_job_again(job, w->wait);
    if (rc == WORK_STOPS)
        return run_fail(c, w);
    DW_TRY(rc);
    rc = w->partial ? 0 : is_too_early(c, w);
    DW_TRY(rc);
    if (rc)
        return dw_job_again(job, timesync_conf(c)->second_look);
    rc = tx_do(c, end_reading, &over);
    DW_TRY(rc);
    w->requests = 0;
    if (!rc)
        return run_sweep(c, w);
    if (w->run.total > SHARD_FEW)
        return 0;
    return shard_work(c, job, w, SHARD_ALL);
}

int run_job(dw_call *c, dw_job *job)
{
    struct work w;
    const char *id;
    int rc;

    DW_TRY(dw_job_read(job, "run!", &id));
    rc = work_load(c, id, &w);
    if (rc == DW_ENOTFOUND) /* it was purged */
        return 0;
    DW_TRY(rc);
    if (same(w.run.state, "waiting")) {
        rc = others_at_work(c, &w);
        DW_TRY(rc);
        if (rc)
            return dw_job_again(job, DW_SECONDS(2));
        DW_TRY(begin(c, &w));
    }
    if (same(w.run.state, "reading"))
        return read_it(c, &w, job);
    if (same(w.run.state, "writing") && w.run.total <= SHARD_FEW)
        return shard_work(c, job, &w, SHARD_ALL);
    return 0;
}

int run_dead(dw_call *c, dw_job *job)
{
    const struct dw_err *err = dw_error_of(c);
    struct work w;
    const char *id;

    DW_TRY(dw_job_read(job, "run!", &id));
    const char *text = own(c, err->text);

    DW_TRY(work_load(c, id, &w));
    w.trouble = REASON_OTHER;
    w.trouble_text = text;
    DW_TRY(run_fail(c, &w));
    return run_sweep(c, &w);
}
