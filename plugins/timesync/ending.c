#include "ending.h"

#include "cases.h"
#include "common.h"
#include "day.h"
#include "marker.h"

struct all {
    struct work *w;
    const struct step *s;
    const struct entry *e;
    const struct wanted *wanted;
    const struct ending *is;
};

/* ---- the entry ---- */

/* Of one that has no timesheet any more it is not known what it would be made from, unless it is to have none. */
static const char *pushed_of(const struct all *a)
{
    if (a->is->unlinks && a->is->reason == REASON_NONE)
        return NULL;
    return a->is->is_pushed && a->wanted ? a->wanted->recipe : a->e->pushed_hash;
}

static int change_plain(dw_call *c, const struct all *a)
{
    const struct ending *is = a->is;

    return dw_db_exec(c,
                      "UPDATE timesync_entries SET state = $3, reason = $4, pushed_hash = $5, intent = '', "
                      "intent_at = NULL,"
                      " intent_run = NULL, version = version + 1 WHERE id = $1 AND version = $2",
                      a->e->id, a->e->version, is->state, reason_name(is->reason), pushed_of(a));
}

/* Of what the timesheet is in, where that is what was looked for; else "". */
struct names {
    const char *project, *customer, *customer_name, *activity;
};

static struct names names_of(const struct sheet *s, const struct wanted *want)
{
    struct names names = { "", "", "", "" };

    if (want && same(s->project, want->project.id)) {
        names.project = or_empty(want->project.name);
        names.customer = or_empty(want->customer.id);
        names.customer_name = or_empty(want->customer.name);
    }
    if (want && same(s->activity, want->activity))
        names.activity = or_empty(want->activity_name);
    return names;
}

/* The marker that it has from now on: what another one wrote stays. */
static const char *marker_of(dw_call *c, const struct all *a)
{
    const char *text = a->is->sheet ? a->is->sheet->text : "";
    struct marker marker;

    return marker_read(text, &marker) ? dw_copy(c, (dw_str){ text, marker_line(text) }) : a->e->marker;
}

static json_t *made_of(dw_call *c, const struct sheet *told, const struct sheet *made)
{
    return dw_json(c, "told_begin", told->begin.us, "told_end", told->end.us, "made_begin", made->begin.us,
                   "made_end", made->end.us, "made_seconds", made->seconds);
}

bool ending_read_made(const json_t *json, struct rounded *out)
{
    const json_t *seconds = json_object_get(json, "made_seconds");

    *out = (struct rounded){
        .begin = json_integer_value(json_object_get(json, "told_begin")),
        .end = json_integer_value(json_object_get(json, "told_end")),
        .made_begin = json_integer_value(json_object_get(json, "made_begin")),
        .made_end = json_integer_value(json_object_get(json, "made_end")),
        .made_seconds = json_integer_value(seconds),
    };
    return json_is_integer(seconds);
}

/* One statement for all of it, as each of several would write the row and its indexes anew. */
static int change_linked(dw_call *c, const struct all *a)
{
    const struct sheet *s = a->is->sheet;
    const struct names names = names_of(s, a->wanted);
    char hash[DIGEST_HEX];
    const char *day;

    DW_TRY(sheet_hash(c, s, a->w->watched, hash));
    DW_TRY(day_of(c, s->begin, a->w->sync.zone, &day));
    const dw_value v[] = {
        DW("UPDATE timesync_entries SET state = $3, reason = $4, pushed_hash = $5, intent = '',"
           " intent_at = NULL, intent_run = NULL, version = version + 1,"
           /* Those that fail in a row are counted by threes (settle.c): a new row begins. */
           " attempt = (attempt + 2) / 3 * 3,"
           " sheet = $6, base = $7, base_hash = $8, exported = $9, billable = $10, project = $11,"
           " starts_at = $12, seconds = $13, day = $14, target_activity = $15,"
           /* Names are known when a place was looked for; as long as it is the same one, they stay. */
           " project_name = CASE WHEN project = $11 AND $16 = '' THEN project_name ELSE $16 END,"
           " target_customer = CASE WHEN project = $11 AND $17 = '' THEN target_customer ELSE $17 END,"
           " target_customer_name = CASE WHEN project = $11 AND $18 = '' THEN target_customer_name"
           " ELSE $18 END,"
           " target_activity_name = CASE WHEN target_activity = $15 AND $19 = '' THEN target_activity_name"
           " ELSE $19 END,"
           " link_by = CASE WHEN $20 = '' THEN link_by ELSE $20 END,"
           " link_run = CASE WHEN $20 = '' THEN link_run ELSE $21 END,"
           " linked_at = CASE WHEN $20 = '' THEN linked_at ELSE $22 END,"
           " marker = CASE WHEN $20 = '' THEN marker ELSE $23 END,"
           " sent = $24"
           " WHERE id = $1 AND version = $2"),
        DW(a->e->id),
        DW(a->e->version),
        DW(a->is->state),
        DW(reason_name(a->is->reason)),
        DW(pushed_of(a)),
        DW(s->id),
        DW(sheet_json(c, s)),
        DW((const char *)hash),
        DW(s->exported),
        DW((int64_t)s->billable),
        DW(s->project),
        DW(s->begin),
        DW(s->seconds),
        DW(day),
        DW(s->activity),
        DW(names.project),
        DW(names.customer),
        DW(names.customer_name),
        DW(names.activity),
        DW(or_empty(a->is->link_by)),
        DW(a->w->run.id),
        DW(dw_now(c)),
        DW(marker_of(c, a)),
        DW(a->is->told ? made_of(c, a->is->told, s) : a->e->sent),
    };

    return dw_db_exec_(c, DB_LIST(v));
}

static int no_link(dw_call *c, const struct all *a)
{
    return dw_db_change(
        c,
        "UPDATE timesync_entries SET sheet = NULL, base = NULL, base_hash = NULL, link_by = '',"
        " link_run = NULL, linked_at = NULL, exported = $2 WHERE id = $1",
        a->e->id, DW_FALSE);
}

/* ---- what goes with it ---- */

/* The timesheet that a case is about. */
static const char *sheet_of(const struct all *a)
{
    return a->e->sheet     ? a->e->sheet
           : a->s->sheet   ? a->s->sheet
           : a->is->target ? json_string_value(json_object_get(a->is->target, "id"))
                           : NULL;
}

static int change_case(dw_call *c, const struct all *a)
{
    const struct case_found found = {
        .sync = a->w->sync.id,
        .run = a->w->run.id,
        .key = a->s->key,
        .entry = a->e->id,
        .sheet = sheet_of(a),
        .reason = a->is->reason,
        .detail = or_empty(a->is->detail),
        .base = a->e->base,
        .source = entry_json(c, a->e),
        .target = a->is->target,
    };

    switch (a->is->what_of_case) {
    case CASE_OPENS: return case_open(c, &found, NULL);
    case CASE_CLOSES:
        return a->w->action ? case_resolved(c, found.sync, found.key)
                            : case_obsolete(c, found.sync, found.key);
    default: return 0;
    }
}

/* Until now it may have been a stranger's case, which is the entry's own one from now on, or none. */
static int close_stranger(dw_call *c, const struct all *a)
{
    const char *sheet = a->is->sheet && a->is->link_by                      ? a->is->sheet->id
                        : a->is->what_of_case == CASE_OPENS && !a->e->sheet ? sheet_of(a)
                                                                            : NULL;
    const int rc = sheet ? case_obsolete(c, a->w->sync.id, dw_format(c, "sheet:%s", sheet)) : 0;

    return rc < 0 ? rc : 0;
}

static const char *event_of(const char *outcome)
{
    return !outcome                                               ? NULL
           : same(outcome, "created") || same(outcome, "adopted") ? "timesync.entry.created"
           : same(outcome, "updated")                             ? "timesync.entry.updated"
           : same(outcome, "deleted")                             ? "timesync.entry.deleted"
                                                                  : NULL;
}

static int tell(dw_call *c, const struct all *a)
{
    const char *name = event_of(a->is->outcome);

    return name ? dw_event_emit(c, name, "entry", a->e->id, "sync", a->w->sync.id, "source_id",
                                a->e->source_id, "ticket", a->e->ticket, "sheet",
                                a->is->sheet ? a->is->sheet->id : a->e->sheet, "run", a->w->run.id)
                : 0;
}

static int finish_step(dw_call *c, const struct all *a)
{
    const struct step_done done = {
        .outcome = a->is->outcome,
        .reason = a->is->reason,
        .detail = a->is->detail,
        .sheet = a->is->sheet  ? a->is->sheet->id
                 : a->e->sheet ? a->e->sheet
                               : a->s->sheet,
        .old_sheet = a->is->old_sheet,
        .new_sheet = a->is->new_sheet,
    };

    return done.outcome ? step_finish(c, a->s, &done) : 0;
}

/* 1: done; 0: somebody else was there. */
static int write_all(dw_call *c, void *ud)
{
    const struct all *a = ud;

    if (a->w->run.is_plan) {
        DW_TRY(finish_step(c, a));
        return 1;
    }
    const int changed = a->is->sheet ? change_linked(c, a) : change_plain(c, a);

    if (changed <= 0)
        return changed;
    if (a->is->unlinks)
        DW_TRY(no_link(c, a));
    DW_TRY(change_case(c, a));
    DW_TRY(close_stranger(c, a));
    DW_TRY(tell(c, a));
    DW_TRY(finish_step(c, a));
    return 1;
}

int ending_write(dw_call *c, struct work *w, const struct step *s, const struct entry *e,
                 const struct wanted *wanted, const struct ending *ending)
{
    struct all a = { w, s, e, wanted, ending };
    const int rc = tx_do(c, write_all, &a);

    return rc < 0 ? rc : rc == 1 ? WORK_DONE : work_wait(w, DW_SECONDS(1));
}

void ending_billed(struct ending *ending)
{
    ending->outcome = "deciding";
    ending->state = "deciding";
    ending->reason = REASON_EXPORTED_MEANWHILE;
    ending->what_of_case = CASE_OPENS;
    ending->target = ending->new_sheet;
}

int ending_case(dw_call *c, struct work *w, const struct step *s, const struct entry *e,
                const struct wanted *wanted, struct why why)
{
    const struct ending is = {
        .outcome = "deciding",
        .reason = why.reason,
        .detail = why.detail,
        .state = "deciding",
        /* Of an entry without a timesheet the case is about this recipe; of one with, the timesheet still is the old one's. */
        .is_pushed = !e->sheet,
        .what_of_case = CASE_OPENS,
        .target = why.target ? sheet_json(c, why.target) : NULL,
        .old_sheet = why.target ? sheet_json(c, why.target) : e->base,
        .new_sheet = wanted ? wanted_json(c, wanted) : NULL,
    };

    return ending_write(c, w, s, e, wanted, &is);
}

int ending_plain(dw_call *c, struct work *w, const struct step *s, const struct entry *e,
                 const struct wanted *wanted, struct plainly plainly)
{
    const struct ending is = {
        .outcome = plainly.outcome,
        .reason = plainly.reason,
        .detail = wanted ? wanted->detail : NULL,
        .state = plainly.state,
        .is_pushed = true,
    };

    return ending_write(c, w, s, e, wanted, &is);
}
