#include "settle.h"

#include "common.h"
#include "evaluate.h"
#include "timesync.h"
#include "write.h"

/* So many in a row, then the entry has failed until the next run. */
enum { ATTEMPTS = 3 };

/* So many entries show how the target rounds, the newest ones. */
enum { OTHERS = 50 };

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

/* The source, or the rules, say something else than was sent; or the source has it no longer. */
static bool is_old(const struct entry *e, const struct wanted *wanted)
{
    return !same(e->pushed_hash, wanted->recipe) || e->gone_at.us;
}

/* The entry's row says what was found; the step goes on if that is old. */
static int it_is(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                 const struct wanted *wanted, struct ending *ending, const char *outcome)
{
    const bool goes_on = is_old(e, wanted);
    int rc;

    ending->outcome = goes_on ? NULL : outcome;
    rc = ending_write(c, w, s, e, wanted, ending);
    return rc != WORK_DONE || !goes_on ? rc : reload(c, e);
}

/* ---- is it what was sent? ---- */

/* As a target rounds by itself: begin down and end up to the minute. */
static bool is_on_next_minute(const struct sheet *is, const struct sheet *sent)
{
    const int64_t minute = 60000000;
    const int64_t before = sent->begin.us - is->begin.us, after = is->end.us - sent->end.us;

    return before >= 0 && before < minute && after >= 0 && after < minute &&
           is->end.us - is->begin.us == is->seconds * 1000000;
}

/* More looks like somebody's edit, unless the target makes just this of it, going by what it answered to others. */
static int ask_others(dw_call *c, const struct work *w, const struct sheet *is, const struct sheet *sent,
                      enum rounding *out)
{
    const struct rounded one = { sent->begin.us, sent->end.us, is->begin.us, is->end.us, is->seconds };
    struct rounded others[OTHERS];
    size_t n = 0;
    json_t *kept = NULL;
    dw_rows *rows;
    int rc;

    DW_TRY(dw_db_query(c, &rows,
                       "SELECT sent FROM timesync_entries WHERE intent = '' AND sent IS NOT NULL"
                       " AND sync IN (SELECT id FROM timesync_syncs WHERE target = $1)"
                       " ORDER BY id DESC LIMIT $2",
                       w->sync.target, (int64_t)OTHERS));
    while ((rc = dw_rows_next(rows, &kept)) > 0)
        n += ending_read_made(kept, &others[n]);
    dw_rows_close(rows);
    DW_TRY(rc);
    *out = rounding_explains(others, n, &one);
    return 0;
}

/* Is what is there what was sent then, as the target rounds it? Not what is wanted now: rules and the source may say something else,
 * which would hide what somebody edited, or call an edit what is none; and an undo follows neither. */
static int compare_sent(dw_call *c, const struct work *w, const struct sheet *is, const struct sheet *sent,
                        unsigned watched, enum rounding *out)
{
    struct sheet exact = *is;

    exact.begin = sent->begin;
    exact.end = sent->end;
    exact.seconds = sent->seconds;
    *out = ROUNDING_NO;
    if (!sheet_same(&exact, sent, watched))
        return 0;
    *out = ROUNDING_YES;
    if (sheet_same(is, sent, watched) || is_on_next_minute(is, sent))
        return 0;
    return ask_others(c, w, is, sent, out);
}

/* ---- of each kind ---- */

/* For the names in reports. */
static int know_places(dw_call *c, struct work *w, struct wanted *wanted)
{
    return wanted->reason == REASON_NONE ? places_resolve(c, w, wanted) : 0;
}

/* Somebody's edit, or how this target rounds: nobody knows. Nobody is asked where the rule is to follow what was edited no longer, so that
 * would have to be certain: it is written once more instead. */
static bool is_written_again(const struct work *w, const struct sheet *found, enum rounding as)
{
    return as == ROUNDING_MAYBE && w->sync.rules.target_edited == TARGET_EDITED_UNFOLLOW &&
           !found->exported && sheet_is_on_minutes(found);
}

/* Somebody was quicker than we: what was sent is the baseline, as the target's own answer got lost. */
static int made_and_edited(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                           const struct wanted *wanted, const struct sheet *found, struct sheet *sent)
{
    const struct ending ending = {
        .outcome = "deciding",
        .state = "deciding",
        .reason = e->gone_at.us       ? REASON_DELETED_SOURCE
                  : is_old(e, wanted) ? REASON_BOTH_CHANGED
                                      : REASON_TARGET_CHANGED,
        .sheet = sent,
        .link_by = "run",
        .new_sheet = sheet_json(c, found),
        .what_of_case = CASE_OPENS,
        .target = sheet_json(c, found),
    };

    sent->id = found->id;
    sent->exported = found->exported;
    return ending_write(c, w, s, e, wanted, &ending);
}

static int made(dw_call *c, struct work *w, const struct step *s, struct entry *e, struct wanted *wanted,
                const struct sheet *found)
{
    struct ending ending = {
        .state = "synced",
        .sheet = found,
        .link_by = "run",
        .new_sheet = sheet_json(c, found),
    };
    struct sheet sent;
    enum rounding as;
    const int rc = know_places(c, w, wanted);

    if (rc != 0)
        return rc;
    DW_TRY(sheet_read(c, e->sent, &sent));
    sheet_complete(&sent, found);
    DW_TRY(compare_sent(c, w, found, &sent, w->watched, &as));
    if (as != ROUNDING_YES && !is_written_again(w, found, as))
        return made_and_edited(c, w, s, e, wanted, found, &sent);
    if (as != ROUNDING_YES)
        e->pushed_hash = NULL;
    return it_is(c, w, s, e, wanted, &ending, "adopted");
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
    return made(c, w, s, e, wanted, &found[0]);
}

/* It may have been exported before it was changed, or after: nobody knows which version the bill has. Where something else is wanted by
 * now, the step goes on, and tells that it is billed. */
static int changed(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                   const struct wanted *wanted, const struct sheet *found, bool was_exported)
{
    struct ending ending = {
        .outcome = "updated",
        .state = "synced",
        .sheet = found,
        .old_sheet = e->base,
        .new_sheet = sheet_json(c, found),
    };

    if (found->exported && !was_exported && (w->run.undoes || !is_old(e, wanted)))
        ending_billed(&ending);
    else if (!w->run.undoes)
        return it_is(c, w, s, e, wanted, &ending, "updated");
    return ending_write(c, w, s, e, w->run.undoes ? NULL : wanted, &ending);
}

static int changed_otherwise(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                             const struct wanted *wanted, const struct sheet *found)
{
    if (w->sync.rules.target_edited == TARGET_EDITED_RESTORE)
        return did_not_happen(c, w, s, e);
    e->pushed_hash = NULL;
    return ending_case(
        c, w, s, e, wanted,
        (struct why){ REASON_BOTH_CHANGED,
                      "it was being written to when it changed, and is neither what it was nor what was sent",
                      found });
}

static int settle_update(dw_call *c, struct work *w, const struct step *s, struct entry *e,
                         struct wanted *wanted)
{
    struct found_sheet found;
    struct sheet base, sent;
    enum rounding as;
    int rc = work_read_sheet(c, w, e->sheet, &found);

    if (rc != 0)
        return rc;
    DW_TRY(sheet_read(c, e->base, &base));
    if (!found.is_there || sheet_same(&base, &found.sheet, ~0U))
        return did_not_happen(c, w, s, e);
    DW_TRY(sheet_read(c, e->sent, &sent));
    sheet_complete(&sent, &found.sheet);
    DW_TRY(compare_sent(c, w, &found.sheet, &sent, ~0U, &as));
    if (as != ROUNDING_YES)
        return changed_otherwise(c, w, s, e, wanted, &found.sheet);
    evaluate_stay(e, &base, wanted);
    rc = know_places(c, w, wanted);
    return rc != 0 ? rc : changed(c, w, s, e, wanted, &found.sheet, sent.exported);
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
