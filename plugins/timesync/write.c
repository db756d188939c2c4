/* write.c - raise the version and set the intent in one statement, commit, speak to the target, write down what came of it. */
#include "write.h"

#include "common.h"
#include "evaluate.h"
#include "owner.h"
#include "places.h"
#include "slots.h"
#include "timesync.h"

struct claim {
    struct entry *e;
    const struct work *w;
    const char *intent, *marker, *recipe;
    const json_t *sent;
};

/* `recipe` stands in the row from the intent on: if the outcome gets lost, it tells what the timesheet was made from. */
static int claim_row(dw_call *c, void *ud)
{
    const struct claim *claim = ud;

    return dw_db_exec(c,
                      "UPDATE timesync_entries SET intent = $3, intent_at = $4, intent_run = $5, marker = $6,"
                      " pushed_hash = $7, sent = $8, attempt = attempt + 1, version = version + 1"
                      " WHERE id = $1 AND version = $2",
                      claim->e->id, claim->e->version, claim->intent, dw_now(c), claim->w->run.id,
                      claim->marker, claim->recipe, claim->sent);
}

/* 0; WORK_WAITS: somebody else was quicker. */
static int begin(dw_call *c, struct work *w, struct entry *e, const char *intent, const struct wanted *wanted,
                 json_t *sent)
{
    const char *text = wanted ? wanted->text : "";
    const size_t line = strcspn(text, "\n");
    struct claim claim = {
        .e = e,
        .w = w,
        .intent = intent,
        .marker = *e->marker || !line ? e->marker : dw_copy(c, (dw_str){ text, line }),
        .recipe = wanted ? wanted->recipe : e->pushed_hash,
        .sent = sent,
    };
    const int rc = tx_do(c, claim_row, &claim);

    DW_TRY(rc);
    if (!rc)
        return work_wait(w, DW_SECONDS(1));
    e->version++;
    e->attempt++;
    e->intent = intent;
    e->sent = sent;
    e->marker = claim.marker;
    e->pushed_hash = claim.recipe;
    return 0;
}

/* It certainly did not happen, and that is an answer: see ending.c about `attempt`. What was pushed before is not known any more, so it
 * counts as changed. */
static int take_back(dw_call *c, void *ud)
{
    const struct entry *e = ud;

    return dw_db_exec(
        c,
        "UPDATE timesync_entries SET intent = '', intent_at = NULL, intent_run = NULL, pushed_hash = NULL,"
        " attempt = (attempt + 2) / 3 * 3, version = version + 1 WHERE id = $1 AND version = $2",
        e->id, e->version);
}

static int not_done(dw_call *c, struct entry *e)
{
    DW_TRY(tx_do(c, take_back, e));
    e->version++;
    e->attempt = (e->attempt + 2) / 3 * 3;
    e->intent = "";
    e->pushed_hash = NULL;
    return 0;
}

/* Still ours, and from now on as long again: another request leaves, or (is_over) the last one has ended, nobody knows how. */
struct still {
    const struct entry *e;
    bool is_over;
};

static int claim_again(dw_call *c, void *ud)
{
    const struct still *still = ud;

    return dw_db_exec(
        c,
        "UPDATE timesync_entries SET intent_at = $3, version = version + 1,"
        " intent_run = CASE WHEN $4 THEN NULL ELSE intent_run END WHERE id = $1 AND version = $2",
        still->e->id, still->e->version, dw_now(c), still->is_over);
}

/* 1; 0: somebody else has taken it over. */
static int is_ours_still(dw_call *c, struct entry *e, bool is_over)
{
    struct still still = { e, is_over };
    const int rc = tx_do(c, claim_again, &still);

    e->version += rc > 0;
    return rc;
}

/* ---- when it did not work ---- */

static int refused(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                   const struct wanted *wanted, const struct failure *f, const struct sheet *is)
{
    DW_TRY(not_done(c, e));
    if (wanted && (f->reason == REASON_PROJECT_OR_CUSTOMER_MISSING || f->reason == REASON_UNMAPPED_USER))
        DW_TRY(places_forget(c, w, wanted));
    return ending_case(c, w, s, e, wanted, (struct why){ f->reason, f->text, is });
}

static int failed(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                  const struct wanted *wanted, int rc, const struct sheet *is)
{
    const struct failure f = failure_of(c, rc, true);

    switch (f.kind) {
    case FAILURE_REFUSED: return refused(c, w, s, e, wanted, &f, is);
    case FAILURE_UNKNOWN: /* the intent stays: see settle.h */
        rc = is_ours_still(c, e, true);
        return rc < 0 ? rc : work_wait(w, timesync_settle(c, w->target));
    case FAILURE_BROKEN: /* cancelled, say: it may be under way */ return rc;
    default: DW_TRY(not_done(c, e)); return work_failed(c, w, &f);
    }
}

/* ---- the requests ---- */

static const dw_span pauses[] = { { 500000 }, { 2000000 }, { 8000000 } };

/* Its turn, with a slot to be given back: 1. 0: that took so long that somebody took the entry over, and no slot is held. */
static int take_turn(dw_call *c, const struct work *w, struct entry *e)
{
    dw_span waited;
    int rc;

    DW_TRY(slot_take(c, w, &waited));
    if (!timesync_is_late(c, w->target, waited))
        return 1;
    rc = is_ours_still(c, e, false);
    if (rc <= 0)
        slot_give(w);
    return rc;
}

/* Again where it certainly did not happen; not where the time was so long that somebody took it over: WORK_WAITS. */
static int send(dw_call *c, struct work *w, struct entry *e, const dw_timesheet *what, struct sheet *stored)
{
    const dw_timesheet *got = NULL;
    int rc;

    for (size_t i = 0;; i++) {
        rc = take_turn(c, w, e);
        if (rc <= 0)
            return rc < 0 ? rc : work_wait(w, DW_SECONDS(1));
        w->requests++;
        rc = dw_timesheet_write(c, w->target, what, &got);
        slot_give(w);
        if (rc != DW_EUNAVAILABLE || i == sizeof(pauses) / sizeof(*pauses))
            break;
        DW_TRY(dw_sleep(c, pauses[i]));
        rc = is_ours_still(c, e, false);
        if (rc <= 0)
            return rc < 0 ? rc : work_wait(w, DW_SECONDS(1));
    }
    if (rc >= 0)
        sheet_copy(c, got, stored);
    return rc < 0 ? rc : 0;
}

static int plan(dw_call *c, struct work *w, const struct step *s, const struct entry *e,
                const struct wanted *wanted, const char *outcome, const struct sheet *is)
{
    const struct ending ending = {
        .outcome = outcome,
        .old_sheet = is ? sheet_json(c, is) : NULL,
        .new_sheet = wanted ? wanted_json(c, wanted) : NULL,
    };

    return ending_write(c, w, s, e, wanted, &ending);
}

/* Its first line says that it is not this entry's, or nothing at all: hands off. */
static int not_its_own(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                       const struct wanted *wanted, const struct sheet *is)
{
    const char *text =
        *e->marker ? sentence(c, "the timesheet's first line is not the entry's, or not any more",
                              "timesheet", is->id, "line", e->marker)
                   : sentence(c, "the timesheet is another one than was adopted", "timesheet", is->id);

    return ending_case(
        c, w, s, e, wanted,
        (struct why){ e->gone_at.us ? REASON_DELETED_SOURCE : REASON_TARGET_CHANGED, text, is });
}

/* ---- create and adopt ---- */

int write_taken(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                const struct wanted *wanted, const struct sheet *found, const char *other)
{
    const char *text =
        sentence(c, "this timesheet is another entry's", "timesheet", found->id, "entry", other);

    return ending_case(c, w, s, e, wanted, (struct why){ REASON_DUPLICATE, text, found });
}

static bool has_its_marker(const struct sheet *found, const struct wanted *wanted)
{
    const size_t n = strcspn(wanted->text, "\n");

    return n > 0 && strcspn(found->text, "\n") == n && strncmp(found->text, wanted->text, n) == 0;
}

/* One that we made ourselves, in a request that came when nobody expected it any more, or before a backup: its time and text are
 * brought up to date; who counts it for somebody or something else now may have been a person, who is asked. */
static int adopt_old(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                     const struct wanted *wanted, const struct sheet *found)
{
    struct sheet base = *found;
    struct wanted now = *wanted;
    struct ending ending = { .state = "synced", .sheet = &base, .link_by = "adopted" };
    int rc;

    e->pushed_hash = NULL;
    if (!sheet_is_placed(found, wanted)) {
        base.activity = wanted->activity;
        base.project = wanted->project.id ? wanted->project.id : base.project;
        base.user = wanted->user ? wanted->user : base.user;
        base.billable = wanted->billable ? wanted->billable : base.billable;
        ending.outcome = "deciding";
        ending.state = "deciding";
        ending.reason = REASON_TARGET_CHANGED;
        ending.what_of_case = CASE_OPENS;
        ending.target = sheet_json(c, found);
        ending.is_pushed = true;
        return ending_write(c, w, s, e, wanted, &ending);
    }
    if ((rc = ending_write(c, w, s, e, wanted, &ending)) != WORK_DONE)
        return rc;
    DW_TRY(entry_load(c, e->id, e));
    return evaluate(c, w, s, e, &now);
}

int write_adopt(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                const struct wanted *wanted, const struct sheet *found, const char *by)
{
    struct ending ending = {
        .outcome = "adopted",
        .state = "synced",
        .sheet = found,
        .link_by = by,
        .is_pushed = true,
        .new_sheet = sheet_json(c, found),
    };
    const char *other;
    const int is_taken = entry_of_sheet(c, w->sync.target, found->id, e->id, &other);

    DW_TRY(is_taken);
    if (!is_taken && owner_is_another(w, e, found))
        return not_its_own(c, w, s, e, wanted, found);
    if (!is_taken && !w->run.is_plan && same(by, "adopted") && has_its_marker(found, wanted)) {
        struct wanted known = *wanted; /* a project that is not known yet would look as if it were the same */
        const int rc = wanted->reason == REASON_NONE ? places_resolve(c, w, &known) : 0;

        if (rc != 0)
            return rc;
        if (!(sheet_is_but_time(found, &known) && sheet_is_near(found, &known)))
            return adopt_old(c, w, s, e, &known, found);
    }
    return is_taken ? write_taken(c, w, s, e, wanted, found, other)
                    : ending_write(c, w, s, e, wanted, &ending);
}

static int adopt_found(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                       const struct wanted *wanted, const struct sheet found[2], size_t n)
{
    if (n > 1)
        return ending_case(
            c, w, s, e, wanted,
            (struct why){ REASON_DUPLICATE, dw_format(c, "%s, %s", found[0].id, found[1].id), &found[0] });
    if (!w->sync.rules.adopt || !sheet_agrees(&found[0], wanted, e->booked))
        return ending_case(c, w, s, e, wanted, (struct why){ REASON_TIME_MISMATCH, found[0].id, &found[0] });
    return write_adopt(c, w, s, e, wanted, &found[0], "adopted");
}

static int create(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted)
{
    const dw_timesheet what = {
        .struct_size = sizeof(what),
        .project = wanted->project.id,
        .activity = wanted->activity,
        .user = wanted->user,
        .text = wanted->text,
        .tags = wanted->tags,
        .begin = wanted->begin,
        .end = wanted_end(wanted),
        .billable = wanted->billable,
        .tags_wanted = wanted->tags.n > 0,
    };
    const struct sheet none = { .id = "", .project = "", .activity = "", .user = "", .text = "" };
    struct sheet stored, sent;
    int rc;

    sheet_with(&none, &what, &sent);
    rc = begin(c, w, e, "create", wanted, sheet_json(c, &sent));
    if (rc != 0)
        return rc;
    rc = send(c, w, e, &what, &stored);
    if (rc != 0)
        return rc < 0 ? failed(c, w, s, e, wanted, rc, NULL) : rc;
    const struct ending ending = {
        .outcome = "created",
        .state = "synced",
        .sheet = &stored,
        .link_by = w->action ? "person" : "run",
        .is_pushed = true,
        .told = &sent,
        .new_sheet = sheet_json(c, &stored),
    };

    return ending_write(c, w, s, e, wanted, &ending);
}

/* Before all of the target was looked at for the first time an older tool's may be there, whose marker names no source. */
static int find_older(dw_call *c, struct work *w, const struct entry *e, const struct wanted *wanted,
                      struct sheet found[2], size_t *n)
{
    const char *at = strstr(wanted->text, "|C:");
    const char *older = at ? dw_copy(c, (dw_str){ wanted->text, (size_t)(at - wanted->text) }) : "";

    *n = 0;
    if (w->sync.read_until.us || !*older || *e->marker)
        return 0;
    return work_find_marker(c, w, older, wanted->begin, found, n);
}

int write_create(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted,
                 bool look)
{
    const char *marker =
        *e->marker ? e->marker : dw_copy(c, (dw_str){ wanted->text, strcspn(wanted->text, "\n") });
    struct sheet found[2];
    size_t n = 0;
    int rc = places_resolve(c, w, wanted);

    if (rc != 0)
        return rc;
    if (wanted->reason != REASON_NONE)
        return ending_case(c, w, s, e, wanted, (struct why){ wanted->reason, wanted->detail, NULL });
    if (look && (rc = work_find_marker(c, w, marker, wanted->begin, found, &n)) != 0)
        return rc;
    if (n > 0)
        return adopt_found(c, w, s, e, wanted, found, n);
    if (look && (rc = find_older(c, w, e, wanted, found, &n)) != 0)
        return rc;
    if (n > 0) /* whether it is this source's is found out when all of it is compared */
        return ending_case(c, w, s, e, wanted, (struct why){ REASON_TIME_MISMATCH, found[0].id, &found[0] });
    if (w->run.is_plan)
        return plan(c, w, s, e, wanted, "created", NULL);
    if ((rc = work_target(c, w)) != 0)
        return rc;
    return create(c, w, s, e, wanted);
}

/* ---- update ---- */

static int change(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                  const struct wanted *wanted, const struct sheet *is, const dw_timesheet *what)
{
    struct sheet stored = { 0 }, sent;
    int rc;

    sheet_with(is, what, &sent);
    rc = begin(c, w, e, "update", wanted, sheet_json(c, &sent));

    if (rc != 0)
        return rc;
    rc = send(c, w, e, what, &stored);
    if (rc != 0)
        return rc < 0 ? failed(c, w, s, e, wanted, rc, is) : rc;
    struct ending ending = {
        .outcome = "updated",
        .state = "synced",
        .sheet = &stored,
        .is_pushed = true,
        .told = what->begin.us ? &sent : NULL,
        .old_sheet = sheet_json(c, is),
        .new_sheet = sheet_json(c, &stored),
    };

    if (stored.exported && !is->exported)
        ending_billed(&ending);
    return ending_write(c, w, s, e, wanted, &ending);
}

int write_update(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted,
                 const struct sheet *is)
{
    const int lets = owner_lets(c, w, e, is);
    dw_timesheet what;

    DW_TRY(lets);
    if (!lets)
        return not_its_own(c, w, s, e, wanted, is);
    sheet_difference(c, is, wanted, &what);
    return w->run.is_plan ? plan(c, w, s, e, wanted, "updated", is) : change(c, w, s, e, wanted, is, &what);
}

int write_back(dw_call *c, struct work *w, const struct step *s, struct entry *e, const struct sheet *is,
               const struct sheet *as)
{
    const int lets = owner_lets(c, w, e, is);
    dw_timesheet what;

    DW_TRY(lets);
    if (!lets)
        return not_its_own(c, w, s, e, NULL, is);
    sheet_again(as, &what);
    what.id = is->id;
    if (w->run.is_plan)
        return plan(c, w, s, e, NULL, "updated", is);
    return change(c, w, s, e, NULL, is, &what);
}

/* ---- remove ---- */

int write_remove(dw_call *c, struct work *w, const struct step *s, struct entry *e, const struct sheet *is,
                 const char *state)
{
    const struct ending ending = {
        .outcome = "deleted",
        .state = state,
        .reason = w->action && !same(state, "waiting") ? REASON_CHOSEN : REASON_NONE,
        .unlinks = true,
        .old_sheet = sheet_json(c, is),
    };
    int rc = owner_lets(c, w, e, is);

    DW_TRY(rc);
    if (!rc)
        return not_its_own(c, w, s, e, NULL, is);
    if (w->run.is_plan)
        return plan(c, w, s, e, NULL, "deleted", is);
    if ((rc = begin(c, w, e, ending.reason == REASON_CHOSEN ? INTENT_REMOVE : INTENT_WITHDRAW, NULL, NULL)) !=
        0)
        return rc;
    rc = take_turn(c, w, e);
    if (rc <= 0)
        return rc < 0 ? rc : work_wait(w, DW_SECONDS(1));
    w->requests++;
    rc = dw_timesheet_remove(c, w->target, is->id);
    slot_give(w);
    if (rc < 0)
        return failed(c, w, s, e, NULL, rc, is);
    return ending_write(c, w, s, e, NULL, &ending);
}
