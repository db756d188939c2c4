/* ledger - rows, and jobs that leave a trace for each: what tests/campaign/support.mjs balances after servers were killed or
 * lost their database. */
#include <dowel/dowel.h>

/* ---- operations ---- */

/* The entries id to id + size - 1, with a job for each, in one transaction. */
static int add_entries(dw_call *c, dw_request *req)
{
    int64_t id, size;

    DW_TRY(dw_request_read(req, "id", &id, "size", &size));
    DW_TRY(dw_tx_begin(c));
    for (int64_t n = id; n < id + size; n++) {
        DW_TRY(
            dw_db_exec(c, "INSERT INTO ledger_entries (id, batch, size) VALUES ($1, $2, $3)", n, id, size));
        DW_TRY(dw_job_add(c, .kind = "effect", .with = DW_LIST("entry", n)));
    }
    DW_TRY(dw_reply(req, 201, "id", id));
    return dw_tx_commit(c);
}

static int count(dw_call *c, int64_t *out, const char *sql)
{
    return dw_db_get(c, DW_TO(out), sql);
}

static int count_ledger(dw_call *c, dw_request *req)
{
    int64_t entries, effects, done, strange, halves, pages, ticks, instants;
    const char *first = "", *last = "";

    DW_TRY(count(c, &entries, "SELECT count(*) FROM ledger_entries"));
    DW_TRY(
        dw_db_get(c, DW_TO(&effects, &done), "SELECT count(*), count(DISTINCT entry) FROM ledger_effects"));
    DW_TRY(count(c, &strange,
                 "SELECT count(*) FROM ledger_effects"
                 " WHERE NOT EXISTS (SELECT 1 FROM ledger_entries WHERE id = ledger_effects.entry)"));
    DW_TRY(count(c, &halves,
                 "SELECT count(*) FROM (SELECT batch FROM ledger_entries"
                 " GROUP BY batch, size HAVING count(*) <> size) AS h"));
    DW_TRY(count(c, &pages, "SELECT count(*) FROM ledger_pages"));
    DW_TRY(dw_db_get(c, DW_TO(&ticks, &instants, &first, &last),
                     "SELECT count(*), count(DISTINCT at), coalesce(min(at), ''), coalesce(max(at), '')"
                     " FROM ledger_ticks"));
    return dw_reply(req, 200, "entries", entries, "effects", effects, "done", done, "strange", strange,
                    "halves", halves, "pages", pages, "ticks", ticks, "instants", instants, "first", first,
                    "last", last);
}

static int list_batches(dw_call *c, dw_request *req)
{
    int64_t after = -1;
    dw_rows *rows;

    DW_TRY(dw_request_read(req, "after", &after));
    DW_TRY(dw_db_query(c, &rows,
                       "SELECT id FROM ledger_entries WHERE id = batch AND id > $1 ORDER BY id LIMIT 5000",
                       after));
    return dw_reply_rows(req, 200, rows);
}

/* ---- jobs ---- */

static int effect(dw_call *c, dw_job *job)
{
    int64_t entry;

    DW_TRY(dw_job_read(job, "entry!", &entry));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(
        dw_db_exec(c, "INSERT INTO ledger_effects (entry, nth) VALUES ($1, $2)", entry, dw_job_attempt(job)));
    return dw_job_done(job);
}

static int tick(dw_call *c, dw_job *job)
{
    const char *at;

    DW_TRY(dw_job_read(job, "at!", &at));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_exec(c, "INSERT INTO ledger_ticks (at) VALUES ($1)", at));
    return dw_job_done(job);
}

static const dw_operation operations[] = {
    { "countLedger", count_ledger },
    { "addEntries", add_entries },
    { "listBatches", list_batches },
    { 0 },
};

/* Being killed so often is not the jobs' fault: they are not given up for it. */
static const dw_job_kind jobs[] = {
    { .name = "effect", .run = effect, .attempts = 100 },
    { .name = "tick", .run = tick, .attempts = 100 },
    { 0 },
};

/* Each instant on its own, one after the other: a missing one and a double one can be seen. */
static const dw_schedule schedules[] = {
    { .name = "second",
      .job = "tick",
      .when = "* * * * * *",
      .across_tenants = true,
      .misfire = "all",
      .overlap = "queue" },
    { 0 },
};

DOWEL_PLUGIN(.name = "ledger", .version = "1.0.0", .summary = "Writes down what happened",
             .operations = operations, .jobs = jobs, .schedules = schedules);
