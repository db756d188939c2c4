#include "events/upkeep.h"

#include "log/log.h"
#include "util/clock.h"

enum { AT_ONCE = 10000 }; /* as events_prune() */
static const int64_t every_us = INT64_C(6) * 3600 * CLOCK_SECOND, soon_us = CLOCK_SECOND;

static int open_session(const struct events_upkeep *u, struct db_session **out, int64_t now_us)
{
    const struct db_who who = { .owner = "core", .now_us = now_us };

    return db_session_create(out, u->db, &who) == 0 ? 0 : DW_ENOMEM;
}

static int run(struct job *job, void *ud)
{
    struct events_upkeep *u = ud;
    int64_t now_us = clock_wall_us(), n;
    struct db_session *s;

    if (open_session(u, &s, now_us) != 0)
        return DW_ENOMEM;
    n = u->announce ? u->announce(s, now_us, u->ud) : 0;
    if (n >= 0)
        n = events_prune(s, &u->keep, now_us);
    if (n < 0)
        job_explain(job, db_error_of(s)->text, 0);
    db_session_destroy(s);
    if (n < 0)
        return (int)n;
    if (n > 0)
        log_info("old events, deliveries and webhooks that came in were deleted", LOG_NUMBER("rows", n));
    job_again_later(job, n >= AT_ONCE ? soon_us : every_us);
    return 0;
}

int events_upkeep_register(struct events_upkeep *u, struct jobs *jobs, struct buf *why)
{
    const struct job_kind kind = {
        .owner = "core", .name = "events_upkeep", .run = run, .ud = u, .attempts = 100
    };
    const struct job_new first = { .kind = "core.events_upkeep",
                                   .unique_key = "one",
                                   .delay_us = 60 * (int64_t)CLOCK_SECOND };
    struct db_session *s;

    if (jobs_register(jobs, &kind) != 0 || open_session(u, &s, clock_wall_us()) != 0) {
        buf_add_text(why, "out of memory");
        return -1;
    }
    int rc = job_add(s, &first);
    if (rc < 0)
        buf_add_format(why, "the job that deletes old events cannot be added: %s", db_error_of(s)->text);
    db_session_destroy(s);
    return rc < 0 ? -1 : 0;
}
