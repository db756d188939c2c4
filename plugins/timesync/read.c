#include "read.h"

#include "batch.h"
#include "common.h"
#include "timesync.h"

struct reading {
    struct batch batch;
    struct known *known; /* NULL: each is looked up */
    int64_t visited;
    int64_t until; /* what lies there or later is left out; 0: nothing is */
};

/* More of a note is of no use: less goes into a timesheet. */
enum { NOTE_MOST = 16000 };

/* ---- counting ---- */

int64_t *read_count(struct read_counts *counts, enum counted counted)
{
    switch (counted) {
    case COUNTED_UNCHANGED: return &counts->unchanged;
    case COUNTED_SKIPPED: return &counts->skipped;
    case COUNTED_TO_DECIDE: return &counts->to_decide;
    default: return NULL;
    }
}

void read_uncount(struct read_counts *counts, struct known_entry *k, const char *entry)
{
    const enum counted was = k ? (enum counted)k->counted
                               : (enum counted)json_integer_value(json_object_get(counts->counted, entry));
    int64_t *at = read_count(counts, was);

    if (!at)
        return;
    --*at;
    if (k)
        k->counted = COUNTED_NOT;
    else
        json_object_del(counts->counted, entry);
}

/* ---- one entry ---- */

/* As what it is counted, if nothing is to be done about it. */
static enum counted as_it_was(const struct known_entry *k, const unsigned char hash[DIGEST_SIZE],
                              const struct wanted *wanted)
{
    unsigned char recipe[DIGEST_SIZE];

    digest_from_hex(wanted->recipe, recipe);
    if (k->has_intent || k->is_missed || memcmp(k->hash, hash, DIGEST_SIZE) != 0)
        return COUNTED_NOT;
    if (k->state == KNOWN_UNFOLLOWED || k->is_settled)
        return COUNTED_SKIPPED;
    if (memcmp(k->pushed, recipe, DIGEST_SIZE) != 0)
        return COUNTED_NOT;
    return k->state == KNOWN_SYNCED    ? COUNTED_UNCHANGED
           : k->state == KNOWN_SKIPPED ? COUNTED_SKIPPED
                                       : COUNTED_NOT;
}

/* Whether that was all. Pages move while they are read, so an entry may come twice: the later one counts. */
static bool count_it(struct reading *r, struct known_entry *k, enum counted counted)
{
    k->is_seen = true;
    if (k->counted == counted)
        return counted != COUNTED_NOT;
    read_uncount(r->batch.counts, k, k->id);
    k->counted = (unsigned char)counted;
    if (counted != COUNTED_NOT)
        ++*read_count(r->batch.counts, counted);
    return counted != COUNTED_NOT;
}

/* Up to a whole letter. */
static const char *cut(dw_call *c, const char *note)
{
    size_t n = strlen(note);

    if (n <= NOTE_MOST)
        return note;
    for (n = NOTE_MOST; n > 0 && ((unsigned char)note[n] & 0xC0) == 0x80;)
        n--;
    return dw_copy(c, (dw_str){ note, n });
}

static int visit(dw_call *c, const dw_entry *given, void *ud)
{
    struct reading *r = ud;
    struct known_entry *k = r->known ? known_by_source(r->known, given->id) : NULL;
    unsigned char hash[DIGEST_SIZE];
    struct wanted wanted;
    struct entry e;

    entry_from(given, &e);
    e.note = cut(c, e.note);
    if (entry_hash(&e, hash) != 0)
        return dw_fail(c, DW_ENOMEM, "there is no memory for a digest");
    DW_TRY(wanted_make(c, &r->batch.w->sync, r->batch.w->mappings, &e, &wanted));
    r->visited++;
    if (r->until && wanted.begin.us >= r->until)
        return 0;
    if (k && count_it(r, k, as_it_was(k, hash, &wanted)))
        return 0;
    return batch_add(c, &r->batch, &e, hash, &wanted, k);
}

static struct reading *reading_new(dw_call *c, struct work *w, struct read_counts *counts)
{
    struct reading *r = dw_alloc(c, sizeof(*r));

    r->batch.w = w;
    r->batch.counts = counts;
    r->batch.is_full = same(w->run.kind, "full");
    return r;
}

/* Asks, once more after a pause where that may help: what came the first time is as it was then. */
static int ask(dw_call *c, struct reading *r, const dw_entry_query *query)
{
    struct work *w = r->batch.w;
    int rc = work_source(c, w);

    if (rc != 0)
        return rc;
    for (unsigned i = 0;; i++) {
        struct failure f;

        w->requests++;
        rc = dw_entries_each(c, w->source, query, visit, r);
        if (rc >= 0)
            return batch_flush(c, &r->batch);
        f = failure_of(c, rc, false);
        DW_TRY(dw_tx_rollback(c));
        if (f.kind == FAILURE_REFUSED && query->ticket)
            return rc;
        /* All but some that these credentials do not see: of a poll these may be all that changed. */
        if (rc == DW_EDENIED && (r->visited > 0 || f.kind == FAILURE_REFUSED)) {
            w->partial = f.text;
            return batch_flush(c, &r->batch);
        }
        if (f.kind != FAILURE_AGAIN || i == 2)
            return work_failed(c, w, &f);
        DW_TRY(dw_sleep(c, DW_SECONDS(1 + 4 * (int)i)));
    }
}

/* ---- what is gone ---- */

static int mark_gone(dw_call *c, struct work *w, const char *id, const char *ticket)
{
    const struct step_new step = {
        .run = w->run.id,
        .entry = id,
        .key = id,
        .shard = step_shard(ticket, w->sync.rules.parallel),
        .hint = "",
    };

    DW_TRY(dw_db_exec(c, "UPDATE timesync_entries SET gone_at = coalesce(gone_at, $2) WHERE id = $1", id,
                      dw_now(c)));
    return step_add(c, &step);
}

struct missing {
    const char *id, *source_id, *ticket;
};

struct looking {
    const char *source_id;
    bool is_there;
};

static int look_visit(dw_call *c, const dw_entry *given, void *ud)
{
    struct looking *l = ud;

    (void)c;
    l->is_there = l->is_there || same(given->id, l->source_id);
    return 0;
}

/* Once more by its ticket: pages that moved while they were read may have hidden it. 1: gone; 0: it is there, or *failed says why
 * that is not known. */
static int is_gone(dw_call *c, struct work *w, const struct missing *m, int *failed)
{
    const dw_entry_query query = { .struct_size = sizeof(query), .ticket = m->ticket };
    struct looking l = { m->source_id, false };
    int rc;

    if (!*m->ticket)
        return 1;
    w->requests++;
    rc = dw_entries_each(c, w->source, &query, look_visit, &l);
    if (rc >= 0)
        return !l.is_there;
    if (failure_of(c, rc, false).kind == FAILURE_REFUSED) /* the ticket is gone as well */
        return rc == DW_ENOTFOUND ? 1 : 0;
    *failed = rc;
    return 0;
}

static int missing_one(dw_call *c, struct work *w, const struct known_entry *k, int *failed)
{
    struct missing m = { 0 };
    int rc;

    DW_TRY(dw_db_get(c, DW_TO(&m.id, &m.source_id, &m.ticket),
                     "SELECT id, source_id, ticket FROM timesync_entries WHERE id = $1",
                     (const char *)k->id));
    rc = k->is_missed ? 1 : is_gone(c, w, &m, failed);
    if (rc > 0)
        DW_TRY(mark_gone(c, w, m.id, m.ticket));
    return 0;
}

/* A ticket that these credentials do not see (any more): what is booked on it stays as it is, and the run says why. */
static int not_readable(struct work *w, const struct failure *f)
{
    w->partial = f->text;
    return 0;
}

/* Outside of the scope in which it was asked, which takes what it makes with it. */
static int cannot_ask(dw_call *c, struct work *w, int rc)
{
    const struct failure f = failure_of(c, rc, false);

    return rc == DW_EDENIED ? not_readable(w, &f) : work_failed(c, w, &f);
}

static bool is_missing(const struct known_entry *k)
{
    return !k->is_seen && k->state != KNOWN_GONE && !(k->is_settled && k->is_missed);
}

static int hold_for_deletions(dw_call *c, struct work *w, int64_t n)
{
    const char *text = sentence(c, "more entries are gone than is believed", "gone", n, "believed",
                                w->sync.rules.max_deletions);

    if (!w->run.is_plan)
        DW_TRY(sync_hold(c, &w->sync, reason_name(REASON_TOO_MANY_DELETIONS), text, (dw_time){ 0 }));
    return work_stop(c, w, REASON_TOO_MANY_DELETIONS, text);
}

/* A person looked, and started this run so that all is believed. */
static bool any_is_believed(const struct work *w)
{
    return !w->sync.rules.max_deletions || json_is_true(json_object_get(w->run.scope, "any_deletions"));
}

static int find_gone(dw_call *c, struct work *w, struct known *known)
{
    const int64_t most = w->sync.rules.max_deletions;
    int64_t n = 0;
    int rc = 0;

    for (size_t i = 0; i < known_count(known); i++)
        n += is_missing(known_at(known, i)) && !known_at(known, i)->is_missed;
    if (n > most && !any_is_believed(w))
        return hold_for_deletions(c, w, n);
    for (size_t i = 0; i < known_count(known) && rc == 0; i++) {
        int failed = 0;

        if (!is_missing(known_at(known, i)))
            continue;
        dw_scope_begin(c);
        rc = missing_one(c, w, known_at(known, i), &failed);
        dw_scope_end(c);
        if (failed)
            rc = cannot_ask(c, w, failed);
    }
    return rc;
}

/* ---- all of it ---- */

int read_all(dw_call *c, struct work *w, struct known *known, dw_time since, struct read_counts *counts)
{
    const dw_entry_query query = { .struct_size = sizeof(query), .changed_since = since };
    struct reading *r = reading_new(c, w, counts);
    int rc;

    r->known = known;
    r->batch.is_followed_by_look = known != NULL;
    DW_TRY(dw_defer(c, batch_free, &r->batch));
    rc = ask(c, r, &query);
    return rc == 0 && known && !since.us && !w->partial ? find_gone(c, w, known) : rc;
}

int read_window_of(dw_call *c, struct work *w, dw_time since, dw_time until, struct read_counts *counts)
{
    const dw_entry_query query = { .struct_size = sizeof(query), .changed_since = since };
    struct reading *r = reading_new(c, w, counts);

    r->until = until.us;
    DW_TRY(dw_defer(c, batch_free, &r->batch));
    return ask(c, r, &query);
}

/* ---- one ticket ---- */

struct ticket_reading {
    struct reading *r;
    json_t *ids;
};

static int visit_of_ticket(dw_call *c, const dw_entry *given, void *ud)
{
    struct ticket_reading *t = ud;

    if (json_object_set_new(t->ids, given->id, json_true()) != 0)
        return dw_fail(c, DW_ENOMEM, "there is no memory for the entries of a ticket");
    return visit(c, given, t->r);
}

/* What is there may be inactive: merged, say; then its entries are elsewhere. */
static int see_ticket(dw_call *c, const dw_thing *thing, void *ud)
{
    bool *is_active = ud;

    (void)c;
    *is_active = *is_active || !thing->inactive;
    return 0;
}

static bool is_active_ticket(dw_call *c, struct work *w, const char *ticket)
{
    const dw_thing_query query = { .struct_size = sizeof(query), .id = ticket, .inactive = true };
    bool is_active = false;

    w->requests++;
    return dw_things_each(c, w->source, "ticket", &query, see_ticket, &is_active) >= 0 && is_active;
}

/* Entries of the ticket that its list lacks. If it lacks all of them, they may have moved with a merge: left to the full
 * comparison, unless the ticket itself is there as it was. */
static int find_gone_of(dw_call *c, struct work *w, const char *ticket, const json_t *ids)
{
    json_t *gone = dw_json_own(c, json_array());
    const char *id, *source_id;
    dw_rows *rows;
    size_t i;
    json_t *one;
    int rc;

    DW_TRY(dw_db_query(c, &rows,
                       "SELECT id, source_id FROM timesync_entries WHERE sync = $1 AND ticket = $2 "
                       "AND state <> 'gone'"
                       " AND (seen_at < $3 OR seen_at > $4)", /* the clock was set back since */
                       w->sync.id, ticket, w->run.started_at, later(dw_now(c), TIMESYNC_AHEAD)));
    while ((rc = dw_rows_next(rows, &id, &source_id)) > 0)
        if (!json_object_get(ids, source_id) && json_array_append_new(gone, json_string(id)) != 0)
            return dw_fail(c, DW_ENOMEM, "there is no memory for the entries of a ticket");
    dw_rows_close(rows);
    DW_TRY(rc);
    if (!json_array_size(gone) || (!json_object_size(ids) && !is_active_ticket(c, w, ticket)))
        return 0;
    if ((int64_t)json_array_size(gone) > w->sync.rules.max_deletions && !any_is_believed(w))
        return hold_for_deletions(c, w, (int64_t)json_array_size(gone));
    json_array_foreach(gone, i, one) DW_TRY(mark_gone(c, w, json_string_value(one), ticket));
    return 0;
}

int read_ticket(dw_call *c, struct work *w, const char *ticket, struct read_counts *counts, bool *readable)
{
    const dw_entry_query query = { .struct_size = sizeof(query), .ticket = ticket };
    struct ticket_reading t = { reading_new(c, w, counts), dw_json_own(c, json_object()) };
    int rc = work_source(c, w);

    *readable = true;
    if (rc != 0)
        return rc;
    DW_TRY(dw_defer(c, batch_free, &t.r->batch));
    w->requests++;
    rc = dw_entries_each(c, w->source, &query, visit_of_ticket, &t);
    if (rc < 0) {
        const struct failure f = failure_of(c, rc, false);

        *readable = f.kind != FAILURE_REFUSED;
        if (*readable && rc == DW_EDENIED)
            return not_readable(w, &f);
        return *readable ? work_failed(c, w, &f) : 0;
    }
    DW_TRY(batch_flush(c, &t.r->batch));
    return find_gone_of(c, w, ticket, t.ids);
}

/* ---- what was left ---- */

static int add_leftover(dw_call *c, const struct work *w, const char *id)
{
    struct step_new step = { .run = w->run.id, .entry = id, .key = id, .hint = "" };
    const char *ticket;

    DW_TRY(dw_db_get(c, DW_TO(&ticket), "SELECT ticket FROM timesync_entries WHERE id = $1", id));
    step.shard = step_shard(ticket, w->sync.rules.parallel);
    return step_add(c, &step);
}

/* Sets are taken from each other, and nothing is joined: a planner that believes the tables to be as empty as they were a minute
 * ago joins them row by row. The steps' shard says nothing, but keeps SQLite from an index that has those of all runs. */
static int leftovers(dw_call *c, void *ud)
{
    struct work *w = ud;
    const char *id;
    dw_rows *rows;
    int rc, n = 0;

    DW_TRY(dw_db_query(
        c, &rows,
        "SELECT x.id FROM"
        " (SELECT l.id FROM timesync_entries l WHERE l.sync = $1 AND l.state IN ('waiting', 'failed')"
        " UNION SELECT i.id FROM timesync_entries i WHERE i.sync = $1 AND i.intent <> ''"
        " UNION SELECT g.id FROM timesync_entries g WHERE g.sync = $1 AND g.state = 'synced'"
        " AND g.gone_at IS NOT NULL"
        " EXCEPT SELECT s.entry FROM timesync_steps s WHERE s.run = $2 AND s.shard >= 0) x"
        " ORDER BY x.id LIMIT 1000",
        w->sync.id, w->run.id));
    for (; (rc = dw_rows_next(rows, &id)) > 0; n++)
        DW_TRY(add_leftover(c, w, id));
    return rc < 0 ? rc : n;
}

int read_leftovers(dw_call *c, struct work *w)
{
    int rc;

    do {
        dw_scope_begin(c);
        rc = tx_do(c, leftovers, w);
        dw_scope_end(c);
    } while (rc > 0);
    return rc;
}
