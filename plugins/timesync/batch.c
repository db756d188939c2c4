#include "batch.h"

#include "common.h"
#include "day.h"
#include "known.h"
#include "read.h"
#include "timesync.h"

/* What the row is after it was written. */
struct stored {
    const char *id, *state, *reason, *pushed, *intent, *sheet;
    int64_t attempt;
};

/* ---- a row ---- */

/* The newer of two versions stays; but what was edited before this run began is older than all that the run reads, also where the
 * source says otherwise: it was restored from a backup. And of two times of which one is yet to come nobody can say which is the
 * later one: the source's clock was wrong, or ours was. Its link is none of the reader's business, and so its version is not raised: who writes to
 * the target meanwhile finds by the recipe that the entry is another one by now. */
static int upsert(dw_call *c, const struct batch *b, const struct batch_row *row, struct stored *out)
{
    const struct entry *e = &row->entry;
    const bool has_seconds = row->seconds >= 0;
    const char *day;

    DW_TRY(day_of(c, row->starts, b->w->sync.zone, &day));
    const dw_value v[] = {
        DW("INSERT INTO timesync_entries (tenant_id, id, sync, source_id, ticket, ticket_number,"
           " ticket_title, customer, customer_name, agent, agent_email, agent_name, activity,"
           " activity_name, note, url, merged_into, amount, unit, begin_at, end_at, booked_at,"
           " edited_at, hash, starts_at, seconds, seen_at, day, state, reason, link_by, exported,"
           " billable, project, project_name, target_customer, target_customer_name, target_activity,"
           " target_activity_name, marker, intent, attempt, version, wrong) VALUES (:tenant, $1, $2, $3,"
           " $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,"
           " $23, $24, $25, $26, $28, 'waiting', '', '', $27, 0, '', '', '', '', '', '', '', '', 0, 1,"
           " $30) ON CONFLICT (tenant_id, sync, source_id) DO UPDATE SET ticket = excluded.ticket,"
           " ticket_number = excluded.ticket_number, ticket_title = excluded.ticket_title, customer ="
           " excluded.customer, customer_name = excluded.customer_name, agent = excluded.agent,"
           " agent_email = excluded.agent_email, agent_name = excluded.agent_name, activity ="
           " excluded.activity, activity_name = excluded.activity_name, wrong = excluded.wrong, note ="
           " excluded.note, url = excluded.url, merged_into = excluded.merged_into, amount ="
           " excluded.amount, unit = excluded.unit, begin_at = excluded.begin_at, end_at ="
           " excluded.end_at, booked_at = excluded.booked_at, edited_at = excluded.edited_at, hash ="
           " excluded.hash, gone_at = NULL, starts_at = CASE WHEN timesync_entries.sheet IS NULL THEN"
           " excluded.starts_at ELSE timesync_entries.starts_at END, seconds = CASE WHEN"
           " timesync_entries.sheet IS NULL THEN excluded.seconds ELSE timesync_entries.seconds END, day"
           " = CASE WHEN timesync_entries.sheet IS NULL THEN excluded.day ELSE timesync_entries.day END"
           " WHERE timesync_entries.edited_at IS NULL OR excluded.edited_at IS NULL OR"
           " excluded.edited_at >= timesync_entries.edited_at OR timesync_entries.edited_at < $29 OR"
           " timesync_entries.edited_at > $31 RETURNING id, state, reason, coalesce(pushed_hash, ''),"
           " intent, coalesce(sheet, ''), attempt"),
        DW(dw_id(c)),
        DW(b->w->sync.id),
        DW(e->source_id),
        DW(e->ticket),
        DW(e->ticket_number),
        DW(e->ticket_title),
        DW(e->customer),
        DW(e->customer_name),
        DW(e->agent),
        DW(e->agent_email),
        DW(e->agent_name),
        DW(e->activity),
        DW(e->activity_name),
        DW(e->note),
        DW(e->url),
        DW(e->merged_into),
        DW(e->amount),
        DW(e->unit),
        db_time(e->begin),
        db_time(e->end),
        db_time(e->booked),
        db_time(e->edited),
        DW((const char *)row->hash),
        db_time(row->starts),
        has_seconds ? dw_v_int_(row->seconds) : dw_v_null_(NULL),
        DW(dw_now(c)),
        DW(DW_FALSE),
        DW(day),
        db_time((dw_time){ b->w->run.started_at.us - b->w->sync.rules.overlap.us }),
        DW(e->wrong),
        DW(later(dw_now(c), TIMESYNC_AHEAD)),
    };

    return dw_db_find_(
        c, DW_TO(&out->id, &out->state, &out->reason, &out->pushed, &out->intent, &out->sheet, &out->attempt),
        DB_LIST(v));
}

/* ---- is there something to do? ---- */

/* COUNTED_NOT: yes. */
static enum counted next_of(const struct batch *b, const struct batch_row *row, const struct stored *is)
{
    const enum known_state state = known_state_of(is->state);

    if (*is->intent || state == KNOWN_WAITING || state == KNOWN_FAILED || state == KNOWN_GONE)
        return COUNTED_NOT;
    if (state == KNOWN_UNFOLLOWED || entry_is_settled(is->state, is->reason))
        return COUNTED_SKIPPED;
    if (!same(is->pushed, row->recipe))
        return COUNTED_NOT;
    if (state == KNOWN_DECIDING)
        return b->is_full ? COUNTED_NOT : COUNTED_TO_DECIDE;
    return state == KNOWN_SKIPPED ? COUNTED_SKIPPED : COUNTED_UNCHANGED;
}

/* It has no timesheet, none was ever begun, and whatever there may be with its marker is in the list of the target that comes
 * before the steps are done: what that finds becomes the step's hint. A list of a window has none that begin before it; another
 * tool's may begin where ours would end, and the list is a day later at most. */
static bool will_be_seen(dw_call *c, const struct batch *b, const struct batch_row *row,
                         const struct stored *is)
{
    const dw_span window = b->w->sync.rules.window;
    const int64_t from = window.us ? dw_now(c).us - window.us + DW_HOURS(72).us : 0;

    return b->is_followed_by_look && same(is->state, "waiting") && !*is->sheet && !is->attempt &&
           row->starts.us && row->starts.us >= from;
}

static int make_step(dw_call *c, const struct batch *b, const struct batch_row *row, const struct stored *is)
{
    const struct step_new step = {
        .run = b->w->run.id,
        .entry = is->id,
        .key = is->id,
        .shard = step_shard(row->entry.ticket, b->w->sync.rules.parallel),
        .hint = will_be_seen(c, b, row, is) ? HINT_SEEN : "",
    };

    return step_add(c, &step);
}

struct row_done {
    enum counted counted;
    char id[37];
};

struct writing {
    const struct batch *batch;
    struct row_done done[BATCH];
};

static int write_row(dw_call *c, const struct batch *b, const struct batch_row *row, struct row_done *done)
{
    struct stored is = { .id = "" };
    const int rc = upsert(c, b, row, &is);

    DW_TRY(rc);
    /* A newer version may be there, which has been dealt with by who brought it. */
    done->counted = rc ? next_of(b, row, &is) : COUNTED_UNCHANGED;
    memcpy(done->id, is.id, strlen(is.id) < sizeof(done->id) ? strlen(is.id) : sizeof(done->id) - 1);
    return done->counted == COUNTED_NOT ? make_step(c, b, row, &is) : 0;
}

static int write_rows(dw_call *c, void *ud)
{
    struct writing *w = ud;

    memset(w->done, 0, sizeof(w->done)); /* should this be repeated */
    for (size_t i = 0; i < w->batch->n; i++)
        DW_TRY(write_row(c, w->batch, &w->batch->rows[i], &w->done[i]));
    return 0;
}

/* Pages that move while they are read may bring an entry twice. */
static int count(dw_call *c, struct batch *b, const struct batch_row *row, const struct row_done *done)
{
    struct read_counts *counts = b->counts;
    int64_t *at = read_count(counts, done->counted);

    if (!at || (row->known && row->known->counted) ||
        (*done->id && json_object_get(counts->counted, done->id)))
        return 0;
    ++*at;
    if (row->known)
        row->known->counted = (unsigned char)done->counted;
    else if (*done->id && json_object_set_new(counts->counted, done->id, json_integer(done->counted)) != 0)
        return dw_fail(c, DW_ENOMEM, "there is no memory to count entries");
    return 0;
}

int batch_flush(dw_call *c, struct batch *b)
{
    struct writing w = { .batch = b };
    int rc = 0;

    if (b->n > 0) {
        dw_scope_begin(c);
        rc = tx_do(c, write_rows, &w);
        dw_scope_end(c);
    }
    for (size_t i = 0; rc >= 0 && i < b->n; i++)
        rc = count(c, b, &b->rows[i], &w.done[i]);
    b->n = 0;
    arena_clear(&b->arena);
    return rc < 0 ? rc : 0;
}

/* ---- filling it ---- */

static int keep_texts(struct batch *b, struct entry *e)
{
    const char **const texts[] = { &e->source_id,  &e->ticket,        &e->ticket_number, &e->ticket_title,
                                   &e->customer,   &e->customer_name, &e->agent,         &e->agent_email,
                                   &e->agent_name, &e->activity,      &e->activity_name, &e->note,
                                   &e->url,        &e->merged_into,   &e->amount,        &e->wrong };

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (!(*texts[i] = arena_copy(&b->arena, *texts[i])))
            return -1;
    return 0;
}

int batch_add(dw_call *c, struct batch *b, const struct entry *e, const unsigned char hash[DIGEST_SIZE],
              const struct wanted *wanted, struct known_entry *known)
{
    struct batch_row *row = &b->rows[b->n];

    *row = (struct batch_row){
        .entry = *e, .starts = wanted->begin, .seconds = wanted->seconds, .known = known
    };
    digest_hex(hash, row->hash);
    memcpy(row->recipe, wanted->recipe, sizeof(row->recipe));
    if (keep_texts(b, &row->entry) != 0)
        return dw_fail(c, DW_ENOMEM, "there is no memory for a batch of entries");
    return ++b->n == BATCH ? batch_flush(c, b) : 0;
}

void batch_free(void *batch)
{
    struct batch *b = batch;

    arena_free(&b->arena);
}
