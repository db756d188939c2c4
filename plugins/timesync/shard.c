#include "shard.h"

#include "common.h"
#include "run_end.h"
#include "runs.h"
#include "seen.h"

enum { PAGE = 50 };

/* After so many steps the job comes again, with memory that is new. */
enum { STINT = 5000 };

/* A step that fails in so many attempts of its job is given up. */
enum { LAST_TRY = 4 };

int shard_jobs(dw_call *c, const struct work *w)
{
    int64_t shard;
    dw_rows *rows;
    int rc;

    DW_TRY(dw_db_query(c, &rows, "SELECT DISTINCT shard FROM timesync_steps WHERE run = $1 ORDER BY shard",
                       w->run.id));
    while ((rc = dw_rows_next(rows, &shard)) > 0)
        DW_TRY(dw_job_add(c, .kind = "work", .with = DW_LIST("run", w->run.id, "shard", shard),
                          .unique_key = dw_format(c, "%s:%lld", w->run.id, (long long)shard)));
    return rc < 0 ? rc : 1;
}

/* ---- a stint ---- */

struct stint {
    dw_job *job;
    struct work *w;
    int64_t shard;
    char after[37];     /* the step before */
    int64_t done, left; /* of this share, since the stint began */
    dw_span wait;       /* the shortest that something has to wait; 0: nothing */
    bool is_over;       /* somebody ended the run, or it failed */
    bool is_tired;
};

static int next_page(dw_call *c, const struct stint *t, dw_rows **rows)
{
    const char *after = t->after, *run = t->w->run.id;

    return t->shard == SHARD_ALL
               ? dw_db_query(
                     c,
                     rows, /* few enough for one page, see run.c; with an id the steps of all runs are walked over */
                     "SELECT id, run, entry, key, sheet, reason FROM timesync_steps"
                     " WHERE run = $1 AND outcome = '' ORDER BY shard, id LIMIT $2",
                     run, (int)PAGE)
               : dw_db_query(
                     c, rows,
                     "SELECT id, run, entry, key, sheet, reason FROM timesync_steps"
                     " WHERE run = $1 AND outcome = '' AND id > $2 AND shard = $4 ORDER BY id LIMIT $3",
                     run, after, (int)PAGE, t->shard);
}

static int read_page(dw_call *c, const struct stint *t, struct step page[PAGE])
{
    struct step s;
    dw_rows *rows;
    int rc, n = 0;

    DW_TRY(next_page(c, t, &rows));
    while ((rc = dw_rows_next(rows, &s.id, &s.run, &s.entry, &s.key, &s.sheet, &s.hint)) > 0)
        page[n++] = (struct step){
            .id = own(c, s.id),
            .run = own(c, s.run),
            .entry = own_or_null(c, s.entry),
            .key = own(c, s.key),
            .sheet = own_or_null(c, s.sheet),
            .hint = own(c, s.hint),
        };
    dw_rows_close(rows);
    return rc < 0 ? rc : n;
}

static int is_writing(dw_call *c, const struct work *w)
{
    const char *state;

    return dw_db_find(c, DW_TO(&state), "SELECT state FROM timesync_runs WHERE id = $1 AND state = 'writing'",
                      w->run.id);
}

/* The run still is, and nobody has done the step since its page was read: 1. 0: the run is over; *is_done: the step is. */
static int is_to_do(dw_call *c, const struct work *w, const struct step *s, bool *is_done)
{
    return dw_db_find(c, DW_TO(is_done),
                      "SELECT t.outcome <> '' AS \"is_done::boolean\" FROM timesync_runs r"
                      " JOIN timesync_steps t ON t.run = r.id WHERE r.id = $1 AND r.state = 'writing'"
                      " AND t.id = $2",
                      w->run.id, s->id);
}

static void note_wait(struct stint *t)
{
    if (!t->wait.us || t->w->wait.us < t->wait.us)
        t->wait = t->w->wait;
}

struct given_up {
    const struct step *s;
    const struct step_done *done;
};

/* Its entry has failed as well: the next run of whatever kind takes it up, see read_leftovers(). What a person decides, or has decided,
 * stays as it is. */
static int write_given_up(dw_call *c, void *ud)
{
    const struct given_up *g = ud;

    if (g->s->entry)
        DW_TRY(dw_db_exec(c,
                          "UPDATE timesync_entries SET state = 'failed', reason = $2 WHERE id = $1"
                          " AND state NOT IN ('deciding', 'unfollowed', 'gone')"
                          " AND NOT (state = 'skipped' AND reason IN ('CHOSEN', 'DELETED_TARGET'))",
                          g->s->entry, reason_name(g->done->reason)));
    return step_finish(c, g->s, g->done);
}

/* Ours again and again with this step: it has failed, so that the others get their turn. What may pass by itself is tried on. */
static int give_up(dw_call *c, const struct stint *t, const struct step *s, int rc)
{
    const struct step_done failed = {
        .outcome = "failed",
        .reason = REASON_OTHER,
        .detail = own(c, dw_error_of(c)->text),
        .sheet = s->sheet,
    };

    if (rc == DW_ECANCELLED || rc == DW_EUNAVAILABLE || rc == DW_ETHREAD || dw_job_attempt(t->job) < LAST_TRY)
        return rc;
    DW_TRY(dw_tx_rollback(c));
    dw_error(c, "a step fails again and again", "run", s->run, "entry", s->entry, "code", rc, "text",
             failed.detail);
    return tx_do(c, write_given_up, &(struct given_up){ s, &failed }) < 0 ? rc : WORK_DONE;
}

/* 0: go on; 1: enough. */
static int one(dw_call *c, struct stint *t, const struct step *s)
{
    struct work *w = t->w;
    bool is_done = false;
    int rc = is_to_do(c, w, s, &is_done);

    DW_TRY(rc);
    if (!rc) {
        t->is_over = true;
        return 1;
    }
    if (is_done)
        return 0;
    dw_scope_begin(c);
    rc = work_step(c, w, s);
    if (rc < 0)
        rc = give_up(c, t, s, rc);
    if (rc == WORK_STOPS)
        rc = run_fail(c, w) < 0 ? DW_EINTERNAL : WORK_STOPS;
    dw_scope_end(c);
    DW_TRY(rc);
    if (rc == WORK_WAITS)
        note_wait(t);
    t->is_over = t->is_over || rc == WORK_STOPS;
    t->done++;
    return rc == WORK_STOPS || (rc == WORK_WAITS && w->is_limited);
}

static int page_of(dw_call *c, struct stint *t)
{
    struct step page[PAGE];
    const int n = read_page(c, t, page);

    for (int i = 0; i < n; i++) {
        const int rc = one(c, t, &page[i]);

        if (rc != 0)
            return rc;
        memcpy(t->after, page[i].id, sizeof(t->after));
    }
    return n < 0 ? n : n < PAGE;
}

static int count_left(dw_call *c, struct stint *t)
{
    return t->shard == SHARD_ALL
               ? dw_db_get(c, DW_TO(&t->left),
                           "SELECT count(*) FROM timesync_steps WHERE run = $1 AND outcome = ''",
                           t->w->run.id)
               : dw_db_get(
                     c, DW_TO(&t->left),
                     "SELECT count(*) FROM timesync_steps WHERE run = $1 AND outcome = '' AND shard = $2",
                     t->w->run.id, t->shard);
}

static int note_requests(dw_call *c, struct work *w)
{
    if (w->requests)
        DW_TRY(dw_db_exec(c, "UPDATE timesync_runs SET requests = requests + $2 WHERE id = $1", w->run.id,
                          w->requests));
    w->requests = 0;
    return 0;
}

static int progress(dw_call *c, struct stint *t)
{
    DW_TRY(note_requests(c, t->w));
    return dw_job_progress(t->job, t->done, t->left);
}

/* After the last page nothing is said of it: what comes next says it, in a transaction that there is anyway. */
static int all_pages(dw_call *c, struct stint *t)
{
    int rc;

    do {
        dw_scope_begin(c);
        rc = page_of(c, t);
        if (rc == 0)
            rc = progress(c, t);
        dw_scope_end(c);
        t->is_tired = t->done >= STINT;
    } while (rc == 0 && !t->is_tired);
    return rc;
}

/* Some of it is left to other workers; or somebody ended the run during the last step of this one, which is counted only now. */
static int left_to_others(dw_call *c, struct work *w)
{
    int rc;

    DW_TRY(note_requests(c, w));
    rc = is_writing(c, w);
    DW_TRY(rc);
    return rc ? 0 : run_sweep(c, w);
}

int shard_work(dw_call *c, dw_job *job, struct work *w, int64_t shard)
{
    struct stint t = { .job = job, .w = w, .shard = shard, .after = "00000000-0000-0000-0000-000000000000" };
    int rc;

    rc = work_target(c, w); /* outside of the scopes of steps */
    if (rc == WORK_STOPS)
        return run_fail(c, w);
    DW_TRY(rc);
    DW_TRY(seen_open(c, w));
    DW_TRY(count_left(c, &t));
    DW_TRY(all_pages(c, &t));
    if (t.is_over)
        return run_sweep(c, w);
    if (t.is_tired)
        return dw_job_again(job, DW_MILLISECONDS(1));
    if (t.wait.us) {
        DW_TRY(progress(c, &t));
        return dw_job_again(job, t.wait);
    }
    rc = run_finish(c, w);
    DW_TRY(rc);
    return rc ? 0 : left_to_others(c, w);
}

int run_work_job(dw_call *c, dw_job *job)
{
    struct work w;
    const char *id;
    int64_t shard = SHARD_ALL;
    int rc;

    DW_TRY(dw_job_read(job, "run!", &id, "shard", &shard));
    rc = work_load(c, id, &w);
    if (rc == DW_ENOTFOUND)
        return 0;
    DW_TRY(rc);
    return same(w.run.state, "writing") ? shard_work(c, job, &w, shard) : 0;
}
