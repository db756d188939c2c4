/* toil - jobs that work, and jobs that do not: for tests/e2e/jobs.test.mjs. */
#include <dowel/dowel.h>

/* volatile: the compiler must not see through what is meant to happen at run time. */
static int *volatile nowhere;
static dw_job *kept;

/* ---- operations ---- */

static int add_toil(dw_call *c, dw_request *req)
{
    int64_t from, to;

    DW_TRY(dw_request_read(req, "from", &from, "to", &to));
    DW_TRY(dw_tx_begin(c));
    for (int64_t n = from; n < to; n++)
        DW_TRY(dw_job_add(c, .kind = "count", .with = DW_LIST("n", n)));
    DW_TRY(dw_reply(req, 202, "added", to - from));
    return dw_tx_commit(c);
}

static int count_toil(dw_call *c, dw_request *req)
{
    int64_t all, distinct;

    DW_TRY(dw_db_get(c, DW_TO(&all, &distinct), "SELECT count(*), count(DISTINCT n) FROM toil"));
    return dw_reply(req, 200, "all", all, "distinct", distinct);
}

/* ---- jobs ---- */

static int count(dw_call *c, dw_job *job)
{
    int64_t n;

    DW_TRY(dw_job_read(job, "n!", &n));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_exec(c, "INSERT INTO toil (n, nth) VALUES ($1, $2)", n, dw_job_attempt(job)));
    return dw_job_done(job);
}

static int crash(dw_call *c, dw_job *job)
{
    (void)job;
    dw_info(c, "about to crash");
    return *nowhere;
}

/* Until it is cancelled. */
static int hang(dw_call *c, dw_job *job)
{
    for (int64_t i = 0;; i++) {
        DW_TRY(dw_job_progress(job, i, 1000));
        DW_TRY(dw_sleep(c, DW_MILLISECONDS(50)));
    }
}

static int forget(dw_call *c, dw_job *job)
{
    (void)job;
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_exec(c, "INSERT INTO toil (n, nth) VALUES (-1, -1)"));
    return 0;
}

static int keep(dw_call *c, dw_job *job)
{
    (void)c;
    kept = job;
    return 0;
}

static int use_kept(dw_call *c, dw_job *job)
{
    int64_t n;

    (void)job;
    dw_info(c, "told", "step", "dw_job_read", "rc", dw_job_read(kept, "n", &n));
    dw_info(c, "told", "step", "dw_job_progress", "rc", dw_job_progress(kept, 1, 2));
    dw_info(c, "told", "step", "dw_job_attempt", "rc", dw_job_attempt(kept));
    dw_info(c, "told", "step", "dw_job_done", "rc", dw_job_done(kept));
    dw_info(c, "told", "step", "dw_job_add", "rc", dw_job_add(c, .kind = "nothing"));
    return 0;
}

static int poll(dw_call *c, dw_job *job)
{
    int64_t seen;

    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_db_exec(c, "INSERT INTO toil (n, nth) VALUES (-2, $1)", dw_job_attempt(job)));
    DW_TRY(dw_db_get(c, DW_TO(&seen), "SELECT count(*) FROM toil WHERE n = -2"));
    return seen < 3 ? dw_job_again(job, DW_MILLISECONDS(10)) : dw_job_done(job);
}

static int refuse(dw_call *c, dw_job *job)
{
    (void)job;
    return dw_fail(c, DW_EDENIED, "it is not allowed", "why", "because");
}

static int mourn(dw_call *c, dw_job *job)
{
    (void)job;
    dw_info(c, "mourned", "error", dw_error_of(c)->text);
    return 0;
}

static const dw_operation operations[] = { { "addToil", add_toil }, { "countToil", count_toil }, { 0 } };

static const dw_job_kind jobs[] = {
    { .name = "count", .run = count },
    { .name = "crash", .run = crash },
    { .name = "hang", .run = hang, .dead = mourn, .parallel = 2 },
    { .name = "forget", .run = forget },
    { .name = "keep", .run = keep },
    { .name = "use_kept", .run = use_kept },
    { .name = "poll", .run = poll },
    { .name = "refuse", .run = refuse, .dead = mourn },
    { 0 },
};

DOWEL_PLUGIN(.name = "toil", .version = "1.0.0", .operations = operations, .jobs = jobs);
