/* evaluate.c - one step of a pass: load, compare, and what the verdict says. */
#include "evaluate.h"

#include "cases.h"
#include "common.h"
#include "compare.h"
#include "decide.h"
#include "marker.h"
#include "owner.h"
#include "settle.h"
#include "undo.h"
#include "write.h"

struct view {
    struct compare_in in;
    struct found_sheet found; /* read, if in.target is not TARGET_UNKNOWN */
};

/* ---- endings without a request ---- */

static int forget(dw_call *c, struct work *w, const struct step *s, struct entry *e)
{
    const struct ending is = {
        .outcome = "skipped",
        .state = "gone",
        .reason = REASON_DELETED_SOURCE,
        .unlinks = true,
        .old_sheet = e->base,
    };

    return ending_write(c, w, s, e, NULL, &is);
}

int evaluate_accept(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                    const struct wanted *wanted, const struct sheet *found, const char *state)
{
    const struct ending is = {
        .outcome = "unchanged",
        .state = state,
        .sheet = found,
        .is_pushed = true,
        .old_sheet = e->base,
        .new_sheet = sheet_json(c, found),
    };

    return ending_write(c, w, s, e, wanted, &is);
}

/* The target has it no longer, and that is that, or it is made anew. */
static int unlinked(dw_call *c, struct work *w, const struct step *s, struct entry *e, const char *outcome,
                    const char *state, enum reason reason)
{
    const struct ending is = {
        .outcome = outcome,
        .state = state,
        .reason = reason,
        .unlinks = true,
        .old_sheet = e->base,
        .what_of_case = outcome ? CASE_CLOSES : CASE_STAYS,
    };
    int rc = ending_write(c, w, s, e, NULL, &is);

    if (rc == WORK_DONE && !outcome && !w->run.is_plan)
        DW_TRY(entry_load(c, e->id, e));
    return rc;
}

int evaluate_create(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted)
{
    int rc;

    if (e->sheet && (rc = unlinked(c, w, s, e, NULL, "waiting", REASON_NONE)) != WORK_DONE)
        return rc;
    return write_create(c, w, s, e, wanted, !same(s->hint, HINT_SEEN) || e->attempt > 0);
}

/* ---- one that the rules do not move ---- */

static int not_moved(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                     const struct wanted *wanted)
{
    if (e->sheet && wanted->is_skipped) /* what is there stays, as nobody took it back */
        return ending_plain(c, w, s, e, wanted, (struct plainly){ "unchanged", "synced", REASON_NONE });
    if (wanted->is_skipped)
        return ending_plain(c, w, s, e, wanted, (struct plainly){ "skipped", "skipped", wanted->reason });
    return ending_case(c, w, s, e, wanted, (struct why){ wanted->reason, wanted->detail, NULL });
}

/* ---- a ticket that moved ---- */

static bool is_moved(const struct entry *e)
{
    struct marker marker;

    return *e->merged_into || (marker_read(e->marker, &marker) && !same(marker.ticket, e->ticket));
}

/* Its timesheet stays in its project, unless a person says so. */
void evaluate_stay(const struct entry *e, const struct sheet *base, struct wanted *wanted)
{
    if (is_moved(e) && *base->project)
        wanted->project = (struct wanted_place){ .id = base->project };
}

/* ---- what a listing found ---- */

static bool is_found(const struct step *s)
{
    return is_one_of(s->hint, HINT_FOUND, HINT_UNSURE) || same(s->hint, HINT_FOREIGN);
}

/* A timesheet with the marker of an entry that has none. */
static int judge_found(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                       const struct wanted *wanted, const struct sheet *found)
{
    if (e->gone_at.us)
        return ending_case(c, w, s, e, wanted, (struct why){ REASON_DELETED_SOURCE, found->id, found });
    if (wanted->reason != REASON_NONE && !wanted->begin.us)
        return WORK_GOES_ON;
    if (same(s->hint, HINT_FOREIGN) && (!w->sync.rules.adopt || !sheet_agrees(found, wanted, e->booked)))
        return WORK_GOES_ON;
    if (!w->sync.rules.adopt || same(s->hint, HINT_UNSURE) || !sheet_agrees(found, wanted, e->booked))
        return ending_case(c, w, s, e, wanted, (struct why){ REASON_TIME_MISMATCH, found->id, found });
    return write_adopt(c, w, s, e, wanted, found, "adopted");
}

static int found_one(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                     const struct wanted *wanted)
{
    struct found_sheet found;
    const int rc = work_read_sheet(c, w, s->sheet, &found);

    /* Its text may be another one since it was listed. */
    if (rc != 0 || !found.is_there || !owner_is_named(w, e, &found.sheet))
        return rc != 0 ? rc : WORK_GOES_ON;
    return judge_found(c, w, s, e, wanted, &found.sheet);
}

/* ---- another one than the one that was known ---- */

/* The baseline goes on to be what we wrote: what somebody changed of the copy is an edit. */
static int take_copy(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                     const struct sheet *base, const struct sheet *copy)
{
    struct sheet is = *base;
    const struct ending link = {
        .state = "synced", .sheet = &is, .link_by = "adopted", .what_of_case = CASE_STAYS
    };
    int rc;

    is.id = copy->id;
    is.exported = copy->exported;
    if ((rc = ending_write(c, w, s, e, NULL, &link)) != WORK_DONE)
        return rc;
    if (!w->run.is_plan) {
        DW_TRY(entry_load(c, e->id, e));
        return WORK_DONE;
    }
    e->sheet = is.id;
    e->base = sheet_json(c, &is);
    return 0;
}

static int ask_about_copy(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                          const struct wanted *wanted, struct why why)
{
    struct step of_copy = *s;
    const int rc = unlinked(c, w, s, e, NULL, "waiting", REASON_NONE);

    if (rc != WORK_DONE)
        return rc;
    e->sheet = NULL; /* a plan has written nothing */
    of_copy.sheet = why.target->id;
    return ending_case(c, w, &of_copy, e, wanted, why);
}

/* The one that was known is gone, and another one has its marker: somebody copied it, say, and deleted the original. So the entry has
 * that one, or a person is asked about that one; not about one that is no more. */
static int another_one(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                       struct wanted *wanted)
{
    struct sheet base, found[2];
    const char *other;
    size_t n;
    int rc;

    DW_TRY(sheet_read(c, e->base, &base));
    rc = *e->marker ? work_find_marker(c, w, e->marker, base.begin, found, &n) : WORK_GOES_ON;
    if (rc != 0 || n == 0)
        return rc != 0 ? rc : WORK_GOES_ON;
    rc = entry_of_sheet(c, w->sync.target, found[0].id, e->id, &other);
    DW_TRY(rc);
    if (n > 1 || rc)
        return ask_about_copy(c, w, s, e, wanted,
                              (struct why){ REASON_DUPLICATE,
                                            n > 1 ? dw_format(c, "%s, %s", found[0].id, found[1].id)
                                                  : sentence(c, "this timesheet is another entry's",
                                                             "timesheet", found[0].id, "entry", other),
                                            &found[0] });
    if (e->gone_at.us)
        return ask_about_copy(c, w, s, e, wanted,
                              (struct why){ REASON_DELETED_SOURCE, found[0].id, &found[0] });
    if (!w->sync.rules.adopt || !sheet_same_time(&base, &found[0]))
        return ask_about_copy(c, w, s, e, wanted,
                              (struct why){ REASON_TIME_MISMATCH, found[0].id, &found[0] });
    if ((rc = take_copy(c, w, s, e, &base, &found[0])) != WORK_DONE)
        return rc;
    return evaluate(c, w, s, e, wanted);
}

/* ---- comparing ---- */

static int look(dw_call *c, struct work *w, const struct entry *e, struct view *v)
{
    struct sheet base;
    int rc = work_read_sheet(c, w, e->sheet, &v->found);

    if (rc != 0)
        return rc;
    v->in.target = TARGET_ABSENT;
    if (!v->found.is_there)
        return 0;
    DW_TRY(sheet_read(c, e->base, &base));
    v->in.target = sheet_same(&base, &v->found.sheet, w->watched) ? TARGET_SAME : TARGET_CHANGED;
    v->in.is_exported = v->found.sheet.exported;
    return 0;
}

static enum side_source source_of(const struct entry *e, const struct wanted *wanted)
{
    if (e->gone_at.us || (e->sheet && wanted_is_emptied(wanted)))
        return SOURCE_GONE;
    return same(e->pushed_hash, wanted->recipe) ? SOURCE_SAME : SOURCE_CHANGED;
}

static bool wants_look(const struct view *v, const struct step *s, const struct entry *e)
{
    return v->in.link == LINK_LINKED &&
           (v->in.source != SOURCE_SAME || *s->hint || is_one_of(e->state, "deciding", "failed"));
}

/* Of one that is billed as well: what a person said of it while the source had it says nothing of its being gone. */
static const char *detail_of(dw_call *c, const struct view *v, const struct entry *e,
                             const struct wanted *wanted)
{
    if (v->in.source == SOURCE_GONE && v->in.target == TARGET_CHANGED)
        return sentence(c, "somebody changed the timesheet after it was written");
    return e->gone_at.us && v->in.is_exported ? sentence(c, "the source has the entry no longer")
                                              : wanted->detail;
}

static int carry_out(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted,
                     const struct view *v)
{
    const struct compare_out out = compare(&v->in, &w->sync.rules);
    const struct sheet *found = v->found.is_there ? &v->found.sheet : NULL;

    switch (out.verdict) {
    case VERDICT_CREATE: return evaluate_create(c, w, s, e, wanted);
    case VERDICT_UPDATE: return write_update(c, w, s, e, wanted, found);
    case VERDICT_REMOVE: return write_remove(c, w, s, e, found, e->gone_at.us ? "gone" : "skipped");
    case VERDICT_ACCEPT: return evaluate_accept(c, w, s, e, wanted, found, "synced");
    case VERDICT_UNFOLLOW:
        return ending_plain(c, w, s, e, NULL, (struct plainly){ "skipped", "unfollowed", REASON_NONE });
    case VERDICT_SKIP: return unlinked(c, w, s, e, "skipped", "skipped", out.reason);
    case VERDICT_FORGET: return forget(c, w, s, e);
    case VERDICT_CASE:
        return ending_case(c, w, s, e, wanted, (struct why){ out.reason, detail_of(c, v, e, wanted), found });
    default:
        /* Read again, it is the baseline still: of what is not watched the newest is kept. */
        return found
                   ? evaluate_accept(c, w, s, e, wanted, found, "synced")
                   : ending_plain(c, w, s, e, wanted, (struct plainly){ "unchanged", "synced", REASON_NONE });
    }
}

/* Of what the source did not change the target has made that time by itself, or somebody has accepted it. */
static bool is_as_wanted(const struct sheet *found, const struct sheet *base, const struct wanted *wanted,
                         enum side_source source)
{
    return sheet_is(found, wanted) ||
           (source == SOURCE_SAME && sheet_same_time(found, base) && sheet_is_but_time(found, wanted));
}

/* The ids of what is wanted, of which a comparison must know all: what is not known would look as if it were the same. */
static int resolve(dw_call *c, struct work *w, struct entry *e, struct wanted *wanted, struct view *v)
{
    struct sheet base;
    int rc;

    DW_TRY(sheet_read(c, e->base, &base));
    evaluate_stay(e, &base, wanted);
    if ((rc = places_resolve(c, w, wanted)) != 0)
        return rc;
    if (v->in.source == SOURCE_SAME) /* it is about the edit at the target, and about nothing else */
        wanted->reason = REASON_NONE;
    if (!v->found.is_there)
        return 0;
    v->in.is_as_wanted = is_as_wanted(&v->found.sheet, &base, wanted, v->in.source);
    v->in.is_rounded = sheet_is_rounded(&v->found.sheet, wanted) && sheet_is_on_minutes(&base);
    return 0;
}

/* ---- billed in the moment in which it was written to ---- */

static bool is_billed_meanwhile(const struct entry *e, const struct view *v)
{
    return same(e->state, "deciding") && same(e->reason, reason_name(REASON_EXPORTED_MEANWHILE)) &&
           v->in.source == SOURCE_SAME && v->in.target == TARGET_SAME && v->in.is_exported;
}

/* Nothing of it will change by itself: its case stays until a person has looked, and keeps the version from before. */
static int still_billed(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                        const struct wanted *wanted)
{
    const struct ending waits = {
        .outcome = "deciding",
        .reason = REASON_EXPORTED_MEANWHILE,
        .state = "deciding",
        .what_of_case = CASE_STAYS,
    };
    const char *id;
    const int is_open = dw_db_find(c, DW_TO(&id),
                                   "SELECT id FROM timesync_cases WHERE sync = $1 AND key = $2"
                                   " AND state IN ('open', 'deciding') LIMIT 1",
                                   e->sync, s->key);

    DW_TRY(is_open);
    return is_open ? ending_write(c, w, s, e, wanted, &waits) : WORK_GOES_ON;
}

static enum side_link link_of(const struct entry *e)
{
    return same(e->state, "unfollowed") ? LINK_UNFOLLOWED : e->sheet ? LINK_LINKED : LINK_NONE;
}

static int compare_all(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                       struct wanted *wanted)
{
    struct view v = { .in = { .source = source_of(e, wanted), .link = link_of(e) } };
    int rc;

    if (v.in.source != SOURCE_GONE && v.in.link != LINK_UNFOLLOWED && wanted->reason != REASON_NONE)
        return not_moved(c, w, s, e, wanted);
    if (wants_look(&v, s, e) && (rc = look(c, w, e, &v)) != 0)
        return rc;
    if (v.in.target == TARGET_ABSENT && (rc = another_one(c, w, s, e, wanted)) != WORK_GOES_ON)
        return rc;
    if (is_billed_meanwhile(e, &v) && (rc = still_billed(c, w, s, e, wanted)) != WORK_GOES_ON)
        return rc;
    if (v.in.link != LINK_LINKED || v.in.source == SOURCE_GONE)
        return carry_out(c, w, s, e, wanted, &v);
    if (v.in.source == SOURCE_CHANGED && is_moved(e) && w->sync.rules.merged == MERGED_DECIDE)
        return ending_case(c, w, s, e, wanted,
                           (struct why){ REASON_MERGED_TICKET, *e->merged_into ? e->merged_into : e->ticket,
                                         v.found.is_there ? &v.found.sheet : NULL });
    if (v.in.source == SOURCE_CHANGED || v.in.target == TARGET_CHANGED)
        if ((rc = resolve(c, w, e, wanted, &v)) != 0)
            return rc;
    return wanted->reason == REASON_NONE ? carry_out(c, w, s, e, wanted, &v) : not_moved(c, w, s, e, wanted);
}

/* ---- a step ---- */

/* There is a case about a timesheet that may be its own, an older tool's, say: as long as nobody has decided about it none is made
 * beside it, also where only the source was looked at. */
static int recall(dw_call *c, const struct step *s, const struct entry *e, struct step *out)
{
    int there;

    *out = *s;
    if (e->sheet || is_found(s) || !same(e->state, "deciding") ||
        !same(e->reason, reason_name(REASON_TIME_MISMATCH)))
        return 0;
    there = dw_db_find(c, DW_TO(&out->sheet),
                       "SELECT sheet FROM timesync_cases WHERE sync = $1 AND key = $2 AND sheet IS NOT NULL"
                       " ORDER BY id DESC LIMIT 1",
                       e->sync, s->key);
    DW_TRY(there);
    if (there)
        out->hint = HINT_UNSURE;
    return 0;
}

/* What the entry became is written; what was found beside it is told. */
static int settled(dw_call *c, struct work *w, const struct step *s, struct entry *e)
{
    if (w->run.undoes)
        return undo_settled(c, w, s);
    DW_TRY(entry_load(c, e->id, e));
    return decide_other(c, w, s, e);
}

static int do_step(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted)
{
    int rc;

    if (*e->intent && (rc = settle(c, w, s, e, wanted)) != WORK_GOES_ON)
        return rc == WORK_DONE ? settled(c, w, s, e) : rc;
    if (w->run.undoes)
        return undo_step(c, w, s, e);
    if (w->action)
        return decide(c, w, s, e, wanted);
    if ((rc = decide_other(c, w, s, e)) != 0)
        return rc;
    const bool is_told = e->gone_at.us && is_found(s); /* nobody wants it, and the source has it no longer */

    if (entry_is_settled(e->state, e->reason) && !is_told)
        return ending_plain(c, w, s, e, NULL,
                            (struct plainly){ "skipped", "skipped", reason_from(e->reason) });
    return evaluate(c, w, s, e, wanted);
}

/* Of so many it is no matter of theirs any more, but of what we may see at all. */
enum { MOST_HIDDEN = 20 };

/* A timesheet that must not be seen is a matter of its entry, for a person, and none of the others'. What is under way, or taken back,
 * or may be about one that is not the entry's yet, stays as it was. e may be NULL. */
static int not_visible(dw_call *c, struct work *w, const struct step *s, const struct entry *e,
                       const struct wanted *wanted)
{
    const struct failure f = failure_of(c, DW_EDENIED, false);
    const struct step_done failed = {
        .outcome = "failed", .reason = REASON_OTHER, .detail = f.text, .sheet = s->sheet
    };
    int64_t others;

    DW_TRY(
        dw_db_get(c, DW_TO(&others),
                  "SELECT count(*) FROM timesync_steps WHERE run = $1 AND outcome IN ('deciding', 'failed')"
                  " AND reason = $2",
                  w->run.id, reason_name(REASON_OTHER)));
    if (others >= MOST_HIDDEN)
        return work_failed(c, w, &f);
    if (e && e->sheet && !*e->intent && !w->run.undoes)
        return ending_case(c, w, s, e, wanted, (struct why){ REASON_OTHER, f.text, NULL });
    DW_TRY(step_finish(c, s, &failed));
    return WORK_DONE;
}

int work_step(dw_call *c, struct work *w, const struct step *s)
{
    struct entry e;
    struct wanted wanted;
    int rc;

    if (!s->entry) {
        rc = decide_strange(c, w, s);
        return rc == DW_EDENIED ? not_visible(c, w, s, NULL, NULL) : rc;
    }
    DW_TRY(entry_load(c, s->entry, &e));
    DW_TRY(wanted_make(c, &w->sync, w->mappings, &e, &wanted));
    rc = do_step(c, w, s, &e, &wanted);
    return rc == DW_EDENIED ? not_visible(c, w, s, &e, &wanted) : rc;
}

int evaluate(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted)
{
    struct step recalled;
    int rc;

    DW_TRY(recall(c, s, e, &recalled));
    if (is_found(&recalled) && !e->sheet && !same(e->state, "unfollowed") &&
        (rc = found_one(c, w, &recalled, e, wanted)) != WORK_GOES_ON)
        return rc;
    return compare_all(c, w, s, e, wanted);
}
