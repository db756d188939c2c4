/* jobs.c - the plugin's jobs: they wait until the test says that they run, on the test's own thread. */
#include "jobs/jobs.h"
#include "db/db.h"
#include "inside.h"
#include "jobs/schedule.h"
#include "plugin/job_calls.h"

int harness_make_jobs(dw_harness *h)
{
    const struct jobs_options options = {
        .db = h->process.db, .workers = 1, .wall_us = h->process.wall_us, .clock_ud = h->process.clock_ud
    };

    if (jobs_create(&h->process.jobs, &options) == 0)
        return 0;
    buf_add_text(&h->why, "out of memory");
    return -1;
}

/* ---- schedules ---- */

/* The harness knows one at a time. */
static int visit_tenant(int (*visit)(const char *tenant, void *visit_ud), void *visit_ud, void *ud)
{
    const dw_harness *h = ud;

    return h->process.tenant ? visit(h->process.tenant, visit_ud) : 0;
}

int harness_make_schedules(dw_harness *h)
{
    const struct schedules_options options = { .db = h->process.db,
                                               .tenants = visit_tenant,
                                               .tenants_ud = h,
                                               .wall_us = h->process.wall_us,
                                               .clock_ud = h->process.clock_ud };

    return schedules_create(&h->process.schedules, &options, &h->why);
}

static int tick_schedules(dw_harness *h)
{
    int64_t next_us;

    if (!h->process.schedules)
        return 0;
    schedules_notice(h->process.schedules); /* the tenant may be another one */
    return schedules_tick(h->process.schedules, &next_us, &h->why) < 0 ? -1 : 0;
}

/* ---- jobs ---- */

int dw_harness_run_jobs(dw_harness *h)
{
    h->why.n = 0;
    if (dw_harness_has_crashed(h))
        return 0;
    if (!h->process.jobs || tick_schedules(h) != 0)
        return -1;
    return jobs_run_due(h->process.jobs, &h->why);
}

/* "push" is the plugin's own, "notes.push" may be another's. */
static const char *full_name(dw_harness *h, const char *kind)
{
    if (strchr(kind, '.') || !h->plugins)
        return kind;
    const char *name = arena_format(&h->arena, "%s.%s", h->plugins->descriptor->name, kind);
    return name ? name : kind;
}

int dw_harness_jobs(dw_harness *h, const char *kind, const char *state)
{
    int64_t n = 0;
    int rc = dw_harness_find(h, DW_TO(&n), "SELECT count(*) FROM dowel_jobs WHERE kind = $1 AND state = $2",
                             full_name(h, kind), state);

    return rc < 0 ? rc : (int)n;
}

int dw_harness_add_job(dw_harness *h, const char *kind, const char *json)
{
    const struct db_who who = { .owner = "core", .now_us = h->process.wall_us(h->process.clock_ud) };
    const struct job_new job = {
        .kind = full_name(h, kind),
        .tenant = h->process.tenant,
        .principal = h->process.principal,
        .payload = str_from(json),
        .now_us = who.now_us,
    };
    struct db_session *s;

    h->why.n = 0;
    if (!h->process.db || db_session_create(&s, h->process.db, &who) != 0)
        return -1;
    int rc = job_add(s, &job);
    if (rc < 0)
        buf_add_text(&h->why, db_error_of(s)->text);
    db_session_destroy(s);
    return rc < 0 ? -1 : 0;
}
