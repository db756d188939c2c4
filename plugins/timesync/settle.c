#include "settle.h"

#include "common.h"
#include "evaluate.h"
#include "timesync.h"
#include "write.h"

/* So many in a row, then the entry has failed until the next run. */
enum { ATTEMPTS = 3 };

/* ---- the row ---- */

/* Ours to settle: whoever comes now waits as long again. Who sent it finds another version, and sends nothing more. */
static int take_over(dw_call *c, void *ud)
{
    const struct entry *e = ud;

    return dw_db_exec(c,
                      "UPDATE timesync_entries SET intent_at = $3, intent_run = NULL, version = version + 1 "
                      "WHERE id = $1 AND version = $2",
                      e->id, e->version, dw_now(c));
}

static int clear(dw_call *c, void *ud)
{
    const struct entry *e = ud;

    return dw_db_exec(
        c,
        "UPDATE timesync_entries SET intent = '', intent_at = NULL, intent_run = NULL, pushed_hash = NULL,"
        " version = version + 1 WHERE id = $1 AND version = $2",
        e->id, e->version);
}

static int reload(dw_call *c, struct entry *e)
{
    DW_TRY(entry_load(c, e->id, e));
    return WORK_GOES_ON;
}

/* It did not happen: from the start, as if nothing had been begun. */
static int did_not_happen(dw_call *c, struct work *w, const struct step *s, struct entry *e)
{
    const struct ending failed = {
        .outcome = "failed",
        .reason = REASON_UNREACHABLE,
        .detail = "the target was written to several times, and nothing came of it",
        .state = "failed",
        .what_of_case = CASE_STAYS,
    };

    if (e->attempt % ATTEMPTS == 0) {
        e->pushed_hash = NULL;
        return ending_write(c, w, s, e, NULL, &failed);
    }
    DW_TRY(tx_do(c, clear, e));
    return reload(c, e);
}

/* The entry's row says what was found; the step goes on if the source says something else by now, or has it no longer. */
static int it_is(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                 const struct wanted *wanted, struct ending *ending, const char *outcome)
{
    const bool is_old = !same(e->pushed_hash, wanted->recipe) || e->gone_at.us;
    int rc;

    ending->outcome = is_old ? NULL : outcome;
    rc = ending_write(c, w, s, e, wanted, ending);
    return rc != WORK_DONE || !is_old ? rc : reload(c, e);
}

/* ---- of each kind ---- */

/* As a target rounds by itself: begin down and end up to the minute. More looks like somebody's edit. */
static bool is_rounded(const struct sheet *is, const struct wanted *wanted)
{
    const int64_t minute = 60000000;
    const int64_t before = wanted->begin.us - is->begin.us, after = is->end.us - wanted_end(wanted).us;

    return before >= 0 && before < minute && after >= 0 && after < minute;
}

static bool is_what_was_sent(const struct sheet *is, const struct wanted *wanted)
{
    struct sheet exact = *is;

    exact.begin = wanted->begin;
    exact.end = wanted_end(wanted);
    return is_rounded(is, wanted) && sheet_is(&exact, wanted);
}

/* The baseline, where the target's own answer got lost and it is something else by now. */
static struct sheet as_sent(const struct sheet *found, const struct wanted *wanted)
{
    struct sheet sent = *found;

    sent.begin = wanted->begin;
    sent.end = wanted_end(wanted);
    sent.seconds = wanted->seconds;
    sent.activity = wanted->activity;
    sent.text = wanted->text;
    if (wanted->project.id)
        sent.project = wanted->project.id;
    if (wanted->user)
        sent.user = wanted->user;
    if (wanted->billable)
        sent.billable = wanted->billable;
    sent.tags = wanted->tags;
    return sent;
}

/* A project or user that nobody knows the id of would look as if it were the same. */
static int know_places(dw_call *c, struct work *w, struct wanted *wanted)
{
    return wanted->reason == REASON_NONE ? places_resolve(c, w, wanted) : 0;
}

/* Only its time is another one: somebody's edit, or how this target rounds, which its lost answer would have said. Nobody is asked
 * where the rule is to follow what was edited no longer, so that would have to be certain: it is written once more instead. */
static bool may_be_rounded(const struct work *w, const struct sheet *found, const struct wanted *wanted)
{
    return w->sync.rules.target_edited == TARGET_EDITED_UNFOLLOW && !found->exported &&
           sheet_is_on_minutes(found) && sheet_is_but_time(found, wanted);
}

static int settle_create(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                         struct wanted *wanted)
{
    struct sheet found[2];
    size_t n;
    int rc = work_find_marker(c, w, e->marker, (dw_time){ 0 }, found, &n);

    if (rc != 0)
        return rc;
    if (n == 0)
        return did_not_happen(c, w, s, e);
    if (n > 1)
        return ending_case(
            c, w, s, e, wanted,
            (struct why){ REASON_DUPLICATE, dw_format(c, "%s, %s", found[0].id, found[1].id), &found[0] });
    if ((rc = know_places(c, w, wanted)) != 0)
        return rc;
    /* Of what was made from another recipe nobody knows any more what was sent. */
    const bool is_other = same(e->pushed_hash, wanted->recipe) && !is_what_was_sent(&found[0], wanted);
    struct ending ending = {
        .state = "synced",
        .sheet = &found[0],
        .link_by = "run",
        .new_sheet = sheet_json(c, &found[0]),
    };

    const struct sheet sent = as_sent(&found[0], wanted);

    if (is_other && may_be_rounded(w, &found[0], wanted)) {
        e->pushed_hash = NULL;
        return it_is(c, w, s, e, wanted, &ending, "adopted");
    }
    if (is_other) { /* somebody was quicker than we */
        ending.sheet = &sent;
        ending.outcome = "deciding";
        ending.state = "deciding";
        ending.reason = REASON_TARGET_CHANGED;
        ending.what_of_case = CASE_OPENS;
        ending.target = ending.new_sheet;
        return ending_write(c, w, s, e, wanted, &ending);
    }
    return it_is(c, w, s, e, wanted, &ending, "adopted");
}

/* What was written to it, as it was then: rules and the source may say something else by now, and an undo follows neither. */
static int is_as_sent(dw_call *c, const struct entry *e, const struct sheet *found)
{
    struct sheet sent, exact = *found;

    if (!json_is_object(e->sent))
        return 0;
    DW_TRY(sheet_read(c, e->sent, &sent));
    const int64_t minute = 60000000, before = sent.begin.us - found->begin.us,
                  after = found->end.us - sent.end.us;

    exact.begin = sent.begin;
    exact.end = sent.end;
    exact.seconds = sent.seconds;
    return before >= 0 && before < minute && after >= 0 && after < minute && sheet_same(&exact, &sent, ~0U);
}

static int settle_update(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                         struct wanted *wanted)
{
    struct found_sheet found;
    struct sheet base;
    int rc = work_read_sheet(c, w, e->sheet, &found);

    if (rc != 0)
        return rc;
    if (!found.is_there)
        return did_not_happen(c, w, s, e);
    DW_TRY(sheet_read(c, e->base, &base));
    evaluate_stay(e, &base, wanted);
    if ((rc = know_places(c, w, wanted)) != 0)
        return rc;
    const int is_sent = is_as_sent(c, e, &found.sheet);

    DW_TRY(is_sent);
    if (is_sent || (wanted->reason == REASON_NONE && is_what_was_sent(&found.sheet, wanted))) {
        struct ending ending = {
            .state = "synced",
            .sheet = &found.sheet,
            .old_sheet = e->base,
            .new_sheet = sheet_json(c, &found.sheet),
        };

        if (w->run.undoes) {
            ending.outcome = "updated";
            return ending_write(c, w, s, e, NULL, &ending);
        }
        return it_is(c, w, s, e, wanted, &ending, "updated");
    }
    if (sheet_same(&base, &found.sheet, ~0U) || w->sync.rules.target_edited == TARGET_EDITED_RESTORE)
        return did_not_happen(c, w, s, e);
    e->pushed_hash = NULL;
    return ending_case(
        c, w, s, e, wanted,
        (struct why){ REASON_BOTH_CHANGED,
                      "it was being written to when it changed, and is neither what it was nor what was sent",
                      &found.sheet });
}

static int settle_remove(dw_call *c, struct work *w, const struct step *s, struct entry *e)
{
    const bool is_chosen = same(e->intent, INTENT_REMOVE);
    /* An undo that ended before it knew: whoever comes next makes what the source has, as of all others that were taken back. */
    const bool goes_on = !e->gone_at.us && !is_chosen && !w->run.undoes && !w->action;
    struct found_sheet found;
    const struct ending gone = {
        .outcome = goes_on ? NULL : "deleted",
        .state = e->gone_at.us ? "gone"
                 : is_chosen   ? "skipped"
                               : "waiting",
        .reason = !e->gone_at.us && is_chosen ? REASON_CHOSEN : REASON_NONE,
        .unlinks = true,
        .old_sheet = e->base,
        .what_of_case = goes_on ? CASE_STAYS : CASE_CLOSES,
    };
    int rc;

    if (!e->sheet) /* one of several with its marker, or a stranger's: who decided says which, and it is looked for again */
        return did_not_happen(c, w, s, e);
    if ((rc = work_read_sheet(c, w, e->sheet, &found)) != 0)
        return rc;
    if (found.is_there)
        return did_not_happen(c, w, s, e);
    rc = ending_write(c, w, s, e, NULL, &gone);
    return rc == WORK_DONE && goes_on ? reload(c, e) : rc;
}

/* ---- how long ---- */

static int64_t left(dw_call *c, const struct work *w, const struct entry *e)
{
    const dw_span lands = timesync_settle(c, w->target);
    const dw_span all = { e->intent_run ? lands.us * TIMESYNC_MAY_LEAVE_LATE : lands.us };

    return later(e->intent_at, all).us - dw_now(c).us;
}

/* Mostly somebody is just writing, and is done in a moment: looks again after as long as it has taken already. */
static dw_span patience(dw_call *c, const struct work *w, const struct entry *e)
{
    const int64_t most = left(c, w, e) + 1000, since = dw_now(c).us - e->intent_at.us;
    const int64_t next = since < 500000 ? 500000 : since;

    return (dw_span){ next < most ? next : most };
}

int settle(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted)
{
    int rc;

    if (w->run.is_plan)
        return WORK_GOES_ON;
    if ((rc = work_target(c, w)) != 0)
        return rc;
    /* A clock that was set back would let it wait for as long as it was ahead. */
    if (e->intent_at.us > later(dw_now(c), TIMESYNC_AHEAD).us) {
        rc = tx_do(c, take_over, e);
        return rc < 0 ? rc : work_wait(w, timesync_settle(c, w->target));
    }
    if (left(c, w, e) > 0)
        return work_wait(w, patience(c, w, e));
    rc = tx_do(c, take_over, e);
    DW_TRY(rc);
    if (!rc)
        return work_wait(w, DW_SECONDS(1));
    e->version++;
    if (same(e->intent, "create"))
        return settle_create(c, w, s, e, wanted);
    return same(e->intent, "update") ? settle_update(c, w, s, e, wanted) : settle_remove(c, w, s, e);
}
