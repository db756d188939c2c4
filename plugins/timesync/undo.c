/* undo.c - the step of the undone run is found by its run and key: the same entry. */
#include "undo.h"

#include "common.h"
#include "write.h"

struct did {
    const char *id, *outcome, *sheet;
    json_t *old_sheet, *new_sheet;
};

static int find_did(dw_call *c, const struct work *w, const struct step *s, struct did *out)
{
    *out = (struct did){ 0 };
    return dw_db_get(
        c, DW_TO(&out->id, &out->outcome, &out->sheet, &out->old_sheet, &out->new_sheet),
        "SELECT id, outcome, sheet, old_sheet, new_sheet FROM timesync_steps WHERE run = $1 AND key = $2",
        w->run.undoes, s->key);
}

static int copy_steps(dw_call *c, void *ud)
{
    const struct work *w = ud;
    const char *entry, *ticket;
    dw_rows *rows;
    int rc, n = 0;

    DW_TRY(dw_db_query(
        c, &rows,
        "SELECT d.entry, e.ticket FROM timesync_steps d JOIN timesync_entries e ON e.id = d.entry"
        " WHERE d.run = $1 AND d.undone <> 'done' AND (d.outcome IN ('created', 'updated')"
        /* Its answer was lost, and it was found: ours all the same. */
        " OR (d.outcome = 'adopted' AND e.link_by = 'run' AND e.sheet = d.sheet)) AND NOT EXISTS"
        " (SELECT 1 FROM timesync_steps s WHERE s.run = $2 AND s.entry = d.entry) ORDER BY d.id LIMIT 1000",
        w->run.undoes, w->run.id));
    while ((rc = dw_rows_next(rows, &entry, &ticket)) > 0) {
        const struct step_new step = {
            .run = w->run.id,
            .entry = entry,
            .key = entry,
            .shard = step_shard(ticket, w->sync.rules.parallel),
            .hint = "",
        };

        DW_TRY(step_add(c, &step));
        n++;
    }
    return rc < 0 ? rc : n;
}

int undo_steps(dw_call *c, struct work *w)
{
    int rc;

    do {
        dw_scope_begin(c);
        rc = tx_do(c, copy_steps, w);
        dw_scope_end(c);
    } while (rc > 0);
    return rc;
}

/* ---- one ---- */

static int say(dw_call *c, const struct work *w, const struct did *did, const char *what)
{
    if (w->run.is_plan)
        return 0;
    return dw_db_change(c, "UPDATE timesync_steps SET undone = $2 WHERE id = $1", did->id, what);
}

struct leaving {
    const struct work *w;
    const struct step *s;
    const struct did *did;
    const char *why;
    enum reason reason;
};

/* The entry's row is none of its business: what is not undone stays as it is in all. */
static int write_left(dw_call *c, void *ud)
{
    const struct leaving *l = ud;
    const struct step_done done = {
        .outcome = "skipped", .reason = l->reason, .detail = l->why, .sheet = l->did->sheet
    };

    DW_TRY(say(c, l->w, l->did, l->why));
    return step_finish(c, l->s, &done);
}

static int leave(dw_call *c, const struct work *w, const struct step *s, const struct did *did,
                 const char *why, enum reason reason)
{
    struct leaving l = { w, s, did, why, reason };
    const int rc = tx_do(c, write_left, &l);

    return rc < 0 ? rc : WORK_DONE;
}

/* Unless it was refused, and is a case now. */
static int say_done(dw_call *c, const struct work *w, const struct step *s, const struct did *did)
{
    const char *outcome;

    DW_TRY(dw_db_get(c, DW_TO(&outcome), "SELECT outcome FROM timesync_steps WHERE id = $1", s->id));
    if (is_one_of(outcome, "deleted", "updated"))
        DW_TRY(say(c, w, did, "done"));
    return WORK_DONE;
}

static int take_back(dw_call *c, struct work *w, const struct step *s, struct entry *e, const struct did *did,
                     const struct sheet *is)
{
    struct sheet old;
    int rc;

    if (!same(did->outcome, "updated")) {
        rc = write_remove(c, w, s, e, is, "waiting");
    } else {
        DW_TRY(sheet_read(c, did->old_sheet, &old));
        e->pushed_hash = NULL; /* what the source says is not there any more */
        rc = write_back(c, w, s, e, is, &old);
    }
    return rc == WORK_DONE ? say_done(c, w, s, did) : rc;
}

int undo_step(dw_call *c, struct work *w, const struct step *s, struct entry *e)
{
    struct found_sheet found;
    struct sheet made;
    struct did did;
    int rc;

    DW_TRY(find_did(c, w, s, &did));
    if (!e->sheet || !same(e->sheet, did.sheet))
        return leave(c, w, s, &did, "gone", REASON_DELETED_TARGET);
    if ((rc = work_read_sheet(c, w, e->sheet, &found)) != 0)
        return rc;
    if (!found.is_there)
        return leave(c, w, s, &did, "gone", REASON_DELETED_TARGET);
    if (same(e->state, "unfollowed")) /* a person said that it stays */
        return leave(c, w, s, &did, "changed", REASON_CHOSEN);
    if (found.sheet.exported)
        return leave(c, w, s, &did, "exported", REASON_LOCKED_OR_EXPORTED);
    DW_TRY(sheet_read(c, did.new_sheet, &made));
    if (!sheet_same(&made, &found.sheet, ~0U))
        return leave(c, w, s, &did, "changed", REASON_TARGET_CHANGED);
    return take_back(c, w, s, e, &did, &found.sheet);
}

int undo_settled(dw_call *c, struct work *w, const struct step *s)
{
    struct sheet is, was;
    struct entry e;
    struct did did;

    DW_TRY(find_did(c, w, s, &did));
    DW_TRY(entry_load(c, s->entry, &e));
    if (same(did.outcome, "updated") && e.sheet) { /* what was settled may be a later run's */
        DW_TRY(sheet_read(c, e.base, &is));
        DW_TRY(sheet_read(c, did.old_sheet, &was));
        if (!sheet_same(&is, &was, ~0U)) {
            DW_TRY(say(c, w, &did, "changed"));
            return WORK_DONE;
        }
    }
    return say_done(c, w, s, &did);
}
