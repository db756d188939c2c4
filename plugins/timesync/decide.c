#include "decide.h"

#include "cases.h"
#include "common.h"
#include "marker.h"
#include "owner.h"
#include "timesync.h"
#include "write.h"

/* The timesheet that the decision is about: the one of the entry, or the one that was found for it. */
static int read_sheet(dw_call *c, struct work *w, const struct step *s, const struct entry *e,
                      struct found_sheet *out)
{
    const char *id = w->action_sheet ? w->action_sheet : e->sheet ? e->sheet : s->sheet;

    *out = (struct found_sheet){ 0 };
    return id ? work_read_sheet(c, w, id, out) : 0;
}

static int locked(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                  const struct wanted *wanted, const struct sheet *found)
{
    return ending_case(c, w, s, e, wanted, (struct why){ REASON_LOCKED_OR_EXPORTED, "", found });
}

/* ---- the actions that need the timesheet ---- */

static int update(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted,
                  const struct sheet *found)
{
    int rc;

    if (!e->sheet) {
        const struct ending link = {
            .state = "synced", .sheet = found, .link_by = "person", .what_of_case = CASE_STAYS
        };

        if ((rc = ending_write(c, w, s, e, wanted, &link)) != WORK_DONE)
            return rc;
        DW_TRY(entry_load(c, e->id, e));
    }
    if ((rc = places_resolve(c, w, wanted)) != 0)
        return rc;
    if (wanted->reason != REASON_NONE)
        return ending_case(c, w, s, e, wanted, (struct why){ wanted->reason, wanted->detail, found });
    return write_update(c, w, s, e, wanted, found);
}

/* Is it still what was shown to who decided? 1 or 0. */
static int is_as_shown(dw_call *c, const struct work *w, const struct step *s, const struct sheet *found,
                       enum reason *reason)
{
    struct sheet shown;
    json_t *json = NULL;
    const char *why = "";
    const int there = dw_db_find(c, DW_TO(&json, &why),
                                 "SELECT target, reason FROM timesync_cases WHERE sync = $1 AND key = $2"
                                 " AND state IN ('open', 'deciding')",
                                 w->sync.id, s->key);

    *reason = reason_from(why);
    DW_TRY(there);
    if (!there || !json_is_object(json))
        return 1;
    DW_TRY(sheet_read(c, json, &shown));
    return !same(shown.id, found->id) ||
           (shown.exported == found->exported && sheet_same(&shown, found, ~0U));
}

/* Of several the one that goes was one too many: what is left is looked for again. Of one that is of no length nobody has said that
 * it is never moved. */
static const char *state_without(const struct entry *e, const struct wanted *wanted)
{
    return e->gone_at.us ? "gone" : e->sheet && !wanted_is_emptied(wanted) ? "skipped" : "waiting";
}

static int unfollow(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                    const struct wanted *wanted)
{
    return ending_plain(c, w, s, e, wanted, (struct plainly){ "skipped", "unfollowed", REASON_CHOSEN });
}

/* One that was found for it stays as it is: it is known as the entry's, so that nobody asks about it again. */
static int leave_found(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                       const struct wanted *wanted, const struct sheet *found)
{
    const struct ending is = {
        .outcome = "skipped",
        .reason = REASON_CHOSEN,
        .state = "unfollowed",
        .sheet = found,
        .link_by = "person",
        .is_pushed = true,
        .new_sheet = sheet_json(c, found),
    };

    return ending_write(c, w, s, e, wanted, &is);
}

static int with_sheet(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                      struct wanted *wanted)
{
    struct found_sheet found;
    enum reason reason;
    const char *other;
    int rc = read_sheet(c, w, s, e, &found);

    if (rc != 0)
        return rc;
    if (!found.is_there)
        return w->action == ACTION_UNFOLLOW ? unfollow(c, w, s, e, wanted) : evaluate(c, w, s, e, wanted);
    rc = entry_of_sheet(c, w->sync.target, found.sheet.id, e->id, &other);
    DW_TRY(rc);
    if (rc)
        return write_taken(c, w, s, e, wanted, &found.sheet, other);
    rc = is_as_shown(c, w, s, &found.sheet, &reason);
    DW_TRY(rc);
    if (!rc)
        return ending_case(c, w, s, e, wanted,
                           (struct why){ reason, "it changed after this was decided", &found.sheet });
    switch (w->action) {
    case ACTION_KEEP:
        return evaluate_accept(c, w, s, e, wanted, &found.sheet, e->gone_at.us ? "unfollowed" : "synced");
    case ACTION_UNFOLLOW: return leave_found(c, w, s, e, wanted, &found.sheet);
    case ACTION_ADOPT: return write_adopt(c, w, s, e, wanted, &found.sheet, "person");
    case ACTION_REMOVE:
        return found.sheet.exported ? locked(c, w, s, e, wanted, &found.sheet)
                                    : write_remove(c, w, s, e, &found.sheet, state_without(e, wanted));
    default:
        return found.sheet.exported ? locked(c, w, s, e, wanted, &found.sheet)
                                    : update(c, w, s, e, wanted, &found.sheet);
    }
}

/* Nothing about it is as it should be now: what is in its timesheet stays known as what it was made from. */
static int dismiss(dw_call *c, struct work *w, const struct step *s, struct entry *e)
{
    const struct ending seen = { .outcome = "skipped", .reason = reason_from(e->reason), .state = e->state };

    return ending_write(c, w, s, e, NULL, &seen);
}

/* What the source said when it was shown. A run that failed before it came to this entry has read it anew, and told nobody. */
static bool source_is_as_shown(dw_call *c, const struct entry *e, const json_t *shown, dw_time found)
{
    return !json_is_object(shown) || (json_equal(shown, entry_json(c, e)) &&
                                      (!e->gone_at.us || e->gone_at.us <= later(found, TIMESYNC_AHEAD).us));
}

/* A run may have found something else since it was decided, or somebody has chosen something else for what it found: then this choice
 * was about something that is no more. e may be NULL. 1 or 0. */
static int is_offered(dw_call *c, const struct work *w, const struct step *s, const struct entry *e)
{
    const char *reason = "", *state = "", *action = "";
    json_t *source = NULL;
    dw_time found = { 0 };
    const int there = dw_db_find(c, DW_TO(&reason, &state, &action, &source, &found),
                                 "SELECT reason, state, action, source, found_at FROM timesync_cases"
                                 " WHERE sync = $1 AND key = $2 AND state IN ('open', 'deciding')",
                                 w->sync.id, s->key);

    DW_TRY(there);
    if (!there || w->action == ACTION_RETRY)
        return 1;
    return same(state, "deciding") && same(action, action_name(w->action)) &&
           (reason_actions(reason_from(reason)) & (unsigned)w->action) != 0 &&
           (!e || source_is_as_shown(c, e, source, found));
}

int decide(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted)
{
    const int is = is_offered(c, w, s, e);

    DW_TRY(is);
    if (!is)
        return evaluate(c, w, s, e, wanted);
    switch (w->action) {
    case ACTION_UPDATE:
    case ACTION_KEEP:
    case ACTION_ADOPT:
    case ACTION_REMOVE: return with_sheet(c, w, s, e, wanted);
    case ACTION_UNFOLLOW:
        return e->sheet || !s->sheet ? unfollow(c, w, s, e, wanted) : with_sheet(c, w, s, e, wanted);
    case ACTION_SKIP:
        return ending_plain(c, w, s, e, wanted, (struct plainly){ "skipped", "skipped", REASON_CHOSEN });
    case ACTION_DISMISS: return dismiss(c, w, s, e);
    case ACTION_CREATE:
        return wanted->reason == REASON_NONE ? evaluate_create(c, w, s, e, wanted)
                                             : evaluate(c, w, s, e, wanted);
    default: /* RETRY, MAP */ return evaluate(c, w, s, e, wanted);
    }
}

/* ---- timesheets that no entry has ---- */

#define NO_ENTRY "00000000-0000-0000-0000-000000000000"

struct strange {
    const struct work *w;
    const struct step *s;
    const struct sheet *sheet;
    const char *outcome;
    enum reason reason;
};

/* In the transaction that tells a person of it: another step of this run may have just made it an entry's own, or asked about it. An
 * entry whose step is not done yet may be asked about something else by then; if not, that closes what is told here. */
static int is_somebodys(dw_call *c, const struct strange *x)
{
    const char *id;
    const int is = entry_of_sheet(c, x->w->sync.target, x->s->sheet, NO_ENTRY, &id);

    return is != 0 ? is
                   : dw_db_find(c, DW_TO(&id),
                                "SELECT c.id FROM timesync_cases c JOIN timesync_entries e ON e.id = c.entry"
                                " WHERE c.sync = $1 AND c.sheet = $2 AND c.state IN ('open', 'deciding')"
                                " AND e.sheet IS NULL AND NOT EXISTS (SELECT 1 FROM timesync_steps s"
                                " WHERE s.run = $3 AND s.key = c.key AND s.outcome = '')"
                                " LIMIT 1",
                                x->w->sync.id, x->s->sheet, x->w->run.id);
}

static int end_strange(dw_call *c, void *ud)
{
    struct strange *x = ud;
    const int is_its = same(x->outcome, "deciding") ? is_somebodys(c, x) : 0;

    DW_TRY(is_its);
    if (is_its) {
        x->outcome = "unchanged";
        x->reason = REASON_NONE;
    }
    const json_t *json = x->sheet ? sheet_json(c, x->sheet) : NULL;
    const struct step_done done = {
        .outcome = x->outcome,
        .reason = x->reason,
        .sheet = x->s->sheet,
        .old_sheet = json,
    };
    const struct case_found found = {
        .sync = x->w->sync.id,
        .run = x->w->run.id,
        .key = x->s->key,
        .sheet = x->s->sheet,
        .reason = x->reason,
        .detail = x->sheet ? own(c, x->sheet->text) : "",
        .target = json,
    };

    DW_TRY(step_finish(c, x->s, &done));
    if (x->w->run.is_plan)
        return 0;
    if (same(x->outcome, "deciding"))
        return case_open(c, &found, NULL);
    return x->w->action ? case_resolved(c, found.sync, found.key) : case_obsolete(c, found.sync, found.key);
}

/* In the open transaction. */
static int ask_about(dw_call *c, const struct work *w, const struct sheet *sheet)
{
    const struct case_found found = {
        .sync = w->sync.id,
        .run = w->run.id,
        .key = dw_format(c, "sheet:%s", sheet->id),
        .sheet = sheet->id,
        .reason = REASON_DUPLICATE,
        .detail = own(c, sheet->text),
        .target = sheet_json(c, sheet),
    };

    return case_open(c, &found, NULL);
}

static int tell_of_other(dw_call *c, void *ud)
{
    const struct strange *x = ud;
    const int is = is_somebodys(c, x);

    return is != 0 ? is : ask_about(c, x->w, x->sheet);
}

int decide_other(dw_call *c, struct work *w, const struct step *s, const struct entry *e)
{
    struct found_sheet found;
    int rc;

    if (w->run.is_plan || !same(s->hint, HINT_FOUND) || !e->sheet || same(e->sheet, s->sheet))
        return 0;
    rc = work_read_sheet(c, w, s->sheet, &found);
    if (rc != 0 || !found.is_there || !owner_is_named(w, e, &found.sheet))
        return rc;
    struct strange x = { w, s, &found.sheet, "deciding", REASON_DUPLICATE };

    rc = tx_do(c, tell_of_other, &x);
    return rc < 0 ? rc : 0;
}

static int end_as_strange(dw_call *c, const struct work *w, const struct step *s, const struct sheet *sheet,
                          const char *outcome, enum reason reason)
{
    struct strange x = { w, s, sheet, outcome, reason };
    const int rc = tx_do(c, end_strange, &x);

    return rc < 0 ? rc : WORK_DONE;
}

/* ---- one of them becomes an entry's own ---- */

/* The entry that its first line means. 1, or 0: none that is there. */
static int meant_by(dw_call *c, const struct work *w, const struct sheet *sheet, struct entry *e)
{
    struct marker marker;
    const char *id;
    int rc;

    if (!owner_is_ours(w, sheet) || !marker_read(sheet->text, &marker))
        return 0;
    rc = dw_db_find(c, DW_TO(&id),
                    "SELECT id FROM timesync_entries WHERE sync = $1 AND source_id = $2 AND gone_at IS NULL",
                    w->sync.id, marker.entry);
    if (rc > 0)
        DW_TRY(entry_load(c, id, e));
    return rc;
}

struct left {
    const struct work *w;
    const struct entry *e;
    const struct sheet *sheet; /* that was the entry's until now; NULL: it is not there */
};

/* What was open of the entry was about its old timesheet; that one is one too many from now on. */
static int leave_old(dw_call *c, void *ud)
{
    const struct left *left = ud;

    DW_TRY(case_obsolete(c, left->w->sync.id, left->e->id));
    return left->sheet ? ask_about(c, left->w, left->sheet) : 0;
}

/* Of a timesheet that is one too many: it is the entry's, and the one that the entry had is the one too many. */
static int adopt_strange(dw_call *c, struct work *w, const struct step *s, const struct sheet *sheet)
{
    struct found_sheet old = { 0 };
    struct wanted wanted;
    const char *had, *other;
    struct entry e;
    int rc = meant_by(c, w, sheet, &e);

    DW_TRY(rc);
    if (!rc)
        return end_as_strange(c, w, s, sheet, "deciding", REASON_DELETED_SOURCE);
    had = e.sheet;
    rc = entry_of_sheet(c, w->sync.target, sheet->id, e.id, &other);
    DW_TRY(rc);
    if (rc || same(had, sheet->id))
        return end_as_strange(c, w, s, sheet, "unchanged", REASON_NONE);
    if (*e.intent) /* what it becomes is not known yet */
        return work_wait(w, DW_SECONDS(2));
    if (had && (rc = work_read_sheet(c, w, had, &old)) != 0)
        return rc;
    DW_TRY(wanted_make(c, &w->sync, w->mappings, &e, &wanted));
    if ((rc = write_adopt(c, w, s, &e, &wanted, sheet, "person")) != WORK_DONE || w->run.is_plan)
        return rc;
    struct left left = { w, &e, old.is_there ? &old.sheet : NULL };

    rc = tx_do(c, leave_old, &left);
    return rc < 0 ? rc : WORK_DONE;
}

/* Removes one that nobody has. */
static int remove_strange(dw_call *c, struct work *w, const struct step *s, const struct sheet *sheet)
{
    const char *other;
    int rc;

    if (sheet->exported)
        return end_as_strange(c, w, s, sheet, "deciding", REASON_LOCKED_OR_EXPORTED);
    rc = entry_of_sheet(c, w->sync.target, s->sheet, NO_ENTRY, &other);
    DW_TRY(rc);
    if (rc ||
        !owner_is_ours(w, sheet)) /* it has become somebody's, or its first line is another one by now */
        return end_as_strange(c, w, s, sheet, "unchanged", REASON_NONE);
    w->requests++;
    rc = dw_timesheet_remove(c, w->target, s->sheet);
    if (rc < 0) {
        const struct failure f = failure_of(c, rc, false); /* removing twice does no harm */

        return f.kind == FAILURE_REFUSED ? end_as_strange(c, w, s, sheet, "deciding", f.reason)
                                         : work_failed(c, w, &f);
    }
    return end_as_strange(c, w, s, sheet, "deleted", REASON_NONE);
}

/* What a person chose for it. */
static int carry_out(dw_call *c, struct work *w, const struct step *s, const struct sheet *sheet)
{
    const int is = is_offered(c, w, s, NULL);
    enum reason reason;
    int rc;

    DW_TRY(is);
    rc = is_as_shown(c, w, s, sheet, &reason);
    DW_TRY(rc);
    if (!is || !rc)
        return end_as_strange(c, w, s, sheet, "deciding", reason);
    switch (w->action) {
    case ACTION_ADOPT: return adopt_strange(c, w, s, sheet);
    case ACTION_REMOVE: return remove_strange(c, w, s, sheet);
    default: return end_as_strange(c, w, s, sheet, "skipped", REASON_CHOSEN);
    }
}

int decide_strange(dw_call *c, struct work *w, const struct step *s)
{
    struct found_sheet found;
    int rc = work_read_sheet(c, w, s->sheet, &found);

    if (rc != 0)
        return rc;
    if (!found.is_there)
        return end_as_strange(c, w, s, NULL, "unchanged", REASON_NONE);
    if (w->action)
        return carry_out(c, w, s, &found.sheet);
    if (same(s->hint, HINT_NO_MORE))
        return end_as_strange(c, w, s, &found.sheet, "unchanged", REASON_NONE);
    return end_as_strange(c, w, s, &found.sheet, "deciding",
                          same(s->hint, HINT_STRANGE) ? REASON_DELETED_SOURCE : REASON_DUPLICATE);
}
