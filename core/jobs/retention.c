/* retention.c - jobs that are over stay for a while, so that an admin can see what became of them. */
#include <stdio.h>

#include "jobs/inside.h"
#include "secure/uuid.h"
#include "util/clock.h"

enum { BATCH = 500 };

/* The last id of the next rows that are over and old enough. Ids rise with time, so what is old stands first, and no index
 * is needed to find it; what stays longer is passed by once a round. */
#define OLD_ROWS                                               \
    "SELECT id FROM dowel_jobs WHERE id > $1 AND id <= $2 AND" \
    " ((state IN ('done', 'cancelled') AND ended_at < $3) OR (state = 'dead' AND ended_at < $4))"

/* How far the next batch of rows, whatever they are, reaches. "": there are none. */
static int find_end(struct jobs *j, struct db_session *s, char end[UUID_TEXT_SIZE])
{
    const char *id = "";
    int rc = db_find(s, DW_TO(&id), DB_BY_CORE,
                     DW_LIST("SELECT id FROM (SELECT id FROM dowel_jobs WHERE id > $1 ORDER BY id LIMIT $2) q"
                             " ORDER BY id DESC LIMIT 1",
                             (const char *)j->retain_from, (int)BATCH));

    snprintf(end, UUID_TEXT_SIZE, "%s", id);
    return rc < 0 ? rc : 0;
}

static int64_t remove_old(struct jobs *j, struct db_session *s, const char *end)
{
    int64_t now_us = jobs_wall_us(j);
    dw_time done = { now_us - j->options.keep_done_us }, dead = { now_us - j->options.keep_dead_us };

    DW_TRY(db_begin(s));
    DW_TRY((int)db_exec(s, DB_BY_CORE,
                        DW_LIST("DELETE FROM dowel_job_failures WHERE job IN (" OLD_ROWS ")",
                                (const char *)j->retain_from, end, done, dead)));
    int64_t n = db_exec(s, DB_BY_CORE,
                        DW_LIST("DELETE FROM dowel_jobs WHERE id IN (" OLD_ROWS ")",
                                (const char *)j->retain_from, end, done, dead));
    DW_TRY((int)n);
    DW_TRY(db_commit(s));
    return n;
}

static int64_t count_old(struct jobs *j, struct db_session *s, const char *end)
{
    int64_t now_us = jobs_wall_us(j);

    return db_exec(s, DB_BY_CORE,
                   DW_LIST(OLD_ROWS " LIMIT 1", (const char *)j->retain_from, end,
                           (dw_time){ now_us - j->options.keep_done_us },
                           (dw_time){ now_us - j->options.keep_dead_us }));
}

/* Reads first: where nothing is to be removed, nobody's write waits. */
static int64_t one_batch(struct jobs *j, bool *at_end)
{
    char end[UUID_TEXT_SIZE];
    struct db_session *s;
    int64_t n;

    DW_TRY(jobs_session(j, &s));
    n = find_end(j, s, end);
    *at_end = n >= 0 && !*end;
    if (n >= 0 && *end)
        n = count_old(j, s, end);
    if (n > 0)
        n = remove_old(j, s, end);
    if (n >= 0)
        snprintf(j->retain_from, sizeof(j->retain_from), "%s", end);
    db_session_destroy(s);
    return n;
}

int64_t jobs_retain(struct jobs *j, const _Atomic bool *stop)
{
    int64_t n = 0, sum = 0;
    bool at_end = false;

    snprintf(j->retain_from, sizeof(j->retain_from), "%s", "00000000-0000-0000-0000-000000000000");
    while (!at_end && n >= 0 && !(stop && atomic_load(stop))) {
        n = one_batch(j, &at_end);
        sum += n > 0 ? n : 0;
    }
    return n < 0 ? n : sum;
}
