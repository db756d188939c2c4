#include "look.h"

#include "arena.h"
#include "common.h"
#include "marker.h"

enum { BATCH = 200 };

/* A timesheet that is not simply as it was. */
struct find {
    const char *id;
    char hash[DIGEST_HEX];
    bool is_exported;
    bool has_marker, is_by_tags;
    struct marker marker;
};

struct looking {
    struct work *w;
    struct known *known; /* NULL: each is looked up */
    struct read_counts *counts;
    bool is_only_source; /* older markers, which name none, can only be this source's */
    struct arena arena;
    struct find finds[BATCH];
    size_t n;
};

static void looking_free(void *ud)
{
    struct looking *l = ud;

    arena_free(&l->arena);
}

/* ---- steps ---- */

/* k: the entry, where it is known. */
static int hint(dw_call *c, const struct looking *l, struct known_entry *k, const char *entry,
                const char *ticket, const char *sheet, const char *what)
{
    const struct step_new step = {
        .run = l->w->run.id,
        .entry = entry,
        .key = entry ? entry : dw_format(c, "sheet:%s", sheet),
        .shard = step_shard(ticket, l->w->sync.rules.parallel),
        .sheet = sheet,
        .hint = what,
    };

    DW_TRY(step_hint(c, &step));
    if (entry)
        read_uncount(l->counts, k, entry);
    return 0;
}

struct owner {
    const char *id, *sheet, *base_hash, *state, *reason, *ticket, *number;
    bool is_exported;
};

static int find_owner(dw_call *c, const struct looking *l, const char *column, const char *value,
                      struct owner *out)
{
    *out = (struct owner){ 0 };
    return same(column, "sheet")
               ? dw_db_find(c,
                            DW_TO(&out->id, &out->sheet, &out->base_hash, &out->state, &out->reason,
                                  &out->ticket, &out->number, &out->is_exported),
                            "SELECT id, sheet, base_hash, state, reason, ticket, ticket_number, exported"
                            " FROM timesync_entries WHERE sync = $1 AND sheet = $2",
                            l->w->sync.id, value)
               : dw_db_find(c,
                            DW_TO(&out->id, &out->sheet, &out->base_hash, &out->state, &out->reason,
                                  &out->ticket, &out->number, &out->is_exported),
                            "SELECT id, sheet, base_hash, state, reason, ticket, ticket_number, exported"
                            " FROM timesync_entries WHERE sync = $1 AND source_id = $2",
                            l->w->sync.id, value);
}

static int of_its_owner(dw_call *c, const struct looking *l, const struct find *f, const struct owner *o)
{
    if (o->is_exported != f->is_exported && !l->w->run.is_plan)
        DW_TRY(
            dw_db_exec(c, "UPDATE timesync_entries SET exported = $2 WHERE id = $1", o->id, f->is_exported));
    if (same(o->base_hash, f->hash) || same(o->state, "unfollowed"))
        return 0;
    return hint(c, l, l->known ? known_by_sheet(l->known, f->id) : NULL, o->id, o->ticket, f->id,
                HINT_CHANGED);
}

/* The marker names a connection that is none of ours any more: it was deleted, and made anew; or another server's. */
static int is_nobodys(dw_call *c, const struct looking *l, const char *mark)
{
    const char *other;
    const int there =
        dw_db_find(c, DW_TO(&other), "SELECT id FROM timesync_syncs WHERE mark = $1 LIMIT 1", mark);

    return there < 0 ? there : !there && l->is_only_source;
}

/* What the marker of a timesheet that no entry has says of it; "": nothing that concerns this sync. */
static const char *hint_of(const struct looking *l, const struct find *f, const struct owner *o)
{
    const bool is_ours = same(f->marker.mark, l->w->sync.mark), is_old = !*f->marker.mark;

    if (!is_ours && *f->marker.ticket && !is_one_of(f->marker.ticket, o->ticket, o->number))
        return "";
    if (o->sheet)
        return same(o->sheet, f->id) || !(is_ours || (is_old && l->is_only_source)) ? "" : HINT_TWICE;
    if (is_ours)
        return HINT_FOUND;
    return is_old ? (l->is_only_source ? HINT_FOUND : HINT_UNSURE) : HINT_FOREIGN;
}

/* For an entry without a timesheet. Of several its step is about the first, and a person is told of each other one, as of any that is
 * one too many; unless nobody wants one for it. */
static int found_for(dw_call *c, const struct looking *l, const struct find *f, const struct owner *o,
                     const char *what)
{
    const char *first;
    const int there = dw_db_find(c, DW_TO(&first),
                                 "SELECT sheet FROM timesync_steps WHERE run = $1 AND key = $2"
                                 " AND reason = $3 AND outcome = ''",
                                 l->w->run.id, o->id, HINT_FOUND);

    DW_TRY(there);
    if (!there || same(first, f->id))
        return hint(c, l, l->known ? known_by_source(l->known, f->marker.entry) : NULL, o->id, o->ticket,
                    f->id, what);
    return !same(what, HINT_FOUND) || same(o->state, "unfollowed") || entry_is_settled(o->state, o->reason)
               ? 0
               : hint(c, l, NULL, NULL, o->ticket, f->id, HINT_TWICE);
}

static int by_its_marker(dw_call *c, const struct looking *l, const struct find *f)
{
    const bool is_ours = same(f->marker.mark, l->w->sync.mark);
    const char *what;
    struct owner o;
    int rc = is_ours || !*f->marker.mark ? 1 : is_nobodys(c, l, f->marker.mark);

    if (rc <= 0)
        return rc;
    rc = find_owner(c, l, "source_id", f->marker.entry, &o);
    DW_TRY(rc);
    if (!rc) /* an older one may be of entries that the sync's first day leaves out, or of another source; and who did not see all of
                * the source cannot say what it has not */
        return is_ours && l->known && !l->w->partial ? hint(c, l, NULL, NULL, "", f->id, HINT_STRANGE) : 0;
    what = hint_of(l, f, &o);
    if (!*what)
        return 0;
    return same(what, HINT_TWICE) ? hint(c, l, NULL, NULL, o.ticket, f->id, what)
                                  : found_for(c, l, f, &o, what);
}

static int write_find(dw_call *c, const struct looking *l, const struct find *f)
{
    struct owner o;
    const int there = find_owner(c, l, "sheet", f->id, &o);

    DW_TRY(there);
    if (there)
        return of_its_owner(c, l, f, &o);
    return f->has_marker ? by_its_marker(c, l, f) : 0;
}

static int write_finds(dw_call *c, void *ud)
{
    const struct looking *l = ud;

    for (size_t i = 0; i < l->n; i++)
        DW_TRY(write_find(c, l, &l->finds[i]));
    return 0;
}

static int flush(dw_call *c, struct looking *l)
{
    int rc = 0;

    if (l->n > 0) {
        dw_scope_begin(c);
        rc = tx_do(c, write_finds, l);
        dw_scope_end(c);
    }
    l->n = 0;
    arena_clear(&l->arena);
    return rc;
}

/* ---- one timesheet ---- */

static int keep(dw_call *c, struct looking *l, const dw_timesheet *given, const char *hash)
{
    struct find *f = &l->finds[l->n];

    *f = (struct find){ .is_exported = given->exported, .id = arena_copy(&l->arena, given->id) };
    if (!f->id)
        return dw_fail(c, DW_ENOMEM, "there is no memory for a batch of timesheets");
    memcpy(f->hash, hash, sizeof(f->hash));
    f->has_marker = marker_read(given->text, &f->marker);
    if (!f->has_marker && given->tags.n) {
        f->is_by_tags = marker_read_tags(given->tags.v, given->tags.n, &f->marker);
        f->has_marker = f->is_by_tags;
    }
    return ++l->n == BATCH ? flush(c, l) : 0;
}

static int visit(dw_call *c, const dw_timesheet *given, void *ud)
{
    struct looking *l = ud;
    struct known_entry *k = l->known ? known_by_sheet(l->known, given->id) : NULL;
    unsigned char digest[DIGEST_SIZE];
    char hash[DIGEST_HEX];
    struct sheet sheet;

    sheet_copy(c, given, &sheet);
    DW_TRY(sheet_hash(c, &sheet, l->w->watched, hash));
    digest_from_hex(hash, digest);
    if (k) {
        k->is_sheet_seen = true;
        if (memcmp(digest, k->base, DIGEST_SIZE) == 0 && k->is_exported == given->exported)
            return 0;
    }
    return keep(c, l, given, hash);
}

/* ---- what is missing ---- */

static bool is_absent(const struct known_entry *k, int64_t from)
{
    static const unsigned char none[DIGEST_SIZE];

    return memcmp(k->sheet, none, DIGEST_SIZE) != 0 && !k->is_sheet_seen && k->state != KNOWN_UNFOLLOWED &&
           !k->is_settled && k->starts >= from;
}

static int absent_ones(dw_call *c, struct looking *l, int64_t from)
{
    const struct rules *r = &l->w->sync.rules;
    const char *text;
    int64_t n = 0;

    for (size_t i = 0; i < known_count(l->known); i++)
        n += is_absent(known_at(l->known, i), from);
    if (r->max_deletions && n > r->max_deletions && r->target_deleted != TARGET_DELETED_DECIDE &&
        !json_is_true(json_object_get(l->w->run.scope, "any_deletions"))) {
        text =
            sentence(c, "more timesheets are gone than is believed", "gone", n, "believed", r->max_deletions);
        if (!l->w->run.is_plan)
            DW_TRY(sync_hold(c, &l->w->sync, reason_name(REASON_TOO_MANY_DELETIONS), text, (dw_time){ 0 }));
        return work_stop(c, l->w, REASON_TOO_MANY_DELETIONS, text);
    }
    for (size_t i = 0; n > 0 && i < known_count(l->known); i++) {
        struct known_entry *k = known_at(l->known, i);
        int rc;

        if (!is_absent(k, from))
            continue;
        dw_scope_begin(c);
        rc = hint(c, l, k, k->id, k->id, NULL, HINT_CHANGED);
        dw_scope_end(c);
        DW_TRY(rc);
    }
    return 0;
}

/* Strangers of whom there is a case, and whom the list did not show as such: gone, or somebody's by now. */
static int no_longer_strange(dw_call *c, const struct looking *l)
{
    json_t *sheets = dw_json_own(c, json_array()), *one;
    const char *sheet;
    dw_rows *rows;
    size_t i;
    int rc;

    DW_TRY(
        dw_db_query(c, &rows,
                    "SELECT sheet FROM timesync_cases c WHERE sync = $1 AND state = 'open' AND entry IS NULL"
                    " AND sheet IS NOT NULL AND NOT EXISTS"
                    " (SELECT 1 FROM timesync_steps s WHERE s.run = $2 AND s.key = c.key)",
                    l->w->sync.id, l->w->run.id));
    while ((rc = dw_rows_next(rows, &sheet)) > 0)
        if (json_array_append_new(sheets, json_string(sheet)) != 0)
            return dw_fail(c, DW_ENOMEM, "there is no memory for a batch of timesheets");
    dw_rows_close(rows);
    DW_TRY(rc);
    json_array_foreach(sheets, i, one)
    {
        DW_TRY(hint(c, l, NULL, NULL, "", json_string_value(one), HINT_NO_MORE));
    }
    return 0;
}

/* ---- all of it ---- */

static int only_source(dw_call *c, const struct work *w, bool *is)
{
    int64_t n = 0;

    DW_TRY(dw_db_get(c, DW_TO(&n), "SELECT count(DISTINCT source) FROM timesync_syncs WHERE target = $1",
                     w->sync.target));
    *is = n == 1;
    return 0;
}

static int list(dw_call *c, struct looking *l, const dw_timesheet_query *query)
{
    struct work *w = l->w;
    int rc = work_target(c, w);

    if (rc != 0)
        return rc;
    DW_TRY(dw_defer(c, looking_free, l));
    DW_TRY(only_source(c, w, &l->is_only_source));
    for (int i = 0;; i++) {
        struct failure f;

        w->requests++;
        rc = dw_timesheets_each(c, w->target, query, visit, l);
        if (rc >= 0)
            return flush(c, l);
        f = failure_of(c, rc, false);
        DW_TRY(dw_tx_rollback(c));
        if (f.kind != FAILURE_AGAIN || i == 2)
            return work_failed(c, w, &f);
        DW_TRY(dw_sleep(c, DW_SECONDS(1 + 4 * i)));
    }
}

static struct looking *looking_new(dw_call *c, struct work *w, struct known *known,
                                   struct read_counts *counts)
{
    struct looking *l = dw_alloc(c, sizeof(*l));

    l->w = w;
    l->known = known;
    l->counts = counts;
    return l;
}

int look_all(dw_call *c, struct work *w, struct known *known, struct read_counts *counts)
{
    const dw_span window = w->sync.rules.window;
    dw_timesheet_query query = { .struct_size = sizeof(query) };
    struct looking *l = looking_new(c, w, known, counts);
    int rc;

    if (window.us)
        query.begin_from.us = dw_now(c).us - window.us;
    rc = list(c, l, &query);
    if (rc != 0)
        return rc;
    if ((rc = absent_ones(c, l, query.begin_from.us)) != 0)
        return rc;
    return window.us || w->partial ? 0 : no_longer_strange(c, l);
}

int look_changed(dw_call *c, struct work *w, dw_time since, struct read_counts *counts)
{
    const dw_timesheet_query query = { .struct_size = sizeof(query), .changed_since = since };

    return list(c, looking_new(c, w, NULL, counts), &query);
}
