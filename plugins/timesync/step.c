#include "step.h"

#include "common.h"

int step_add(dw_call *c, const struct step_new *s)
{
    return dw_db_exec(
        c,
        "INSERT INTO timesync_steps (tenant_id, id, run, entry, key, shard, outcome, reason, detail, sheet,"
        " undone) VALUES (:tenant, $1, $2, $3, $4, $5, '', $6, '', $7, '')"
        " ON CONFLICT (tenant_id, run, key) DO NOTHING",
        dw_id(c), s->run, s->entry, s->key, s->shard, s->hint, s->sheet);
}

int step_hint(dw_call *c, const struct step_new *s)
{
    const int rc = step_add(c, s);

    return rc != 0 ? rc
                   : dw_db_exec(c,
                                "UPDATE timesync_steps SET reason = $3, sheet = $4"
                                " WHERE run = $1 AND key = $2 AND outcome = ''",
                                s->run, s->key, s->hint, s->sheet);
}

/* Two for each request that may be under way: see slots.c. */
enum { WORKERS_A_REQUEST = 2 };

unsigned step_shard(const char *ticket, int64_t parallel)
{
    const uint32_t workers = parallel > 1 ? (uint32_t)parallel * WORKERS_A_REQUEST : 1;
    uint32_t h = 2166136261u;

    for (; *ticket; ticket++)
        h = (h ^ (unsigned char)*ticket) * 16777619u;
    return h % workers;
}

int step_finish(dw_call *c, const struct step *s, const struct step_done *done)
{
    return dw_db_change(
        c,
        "UPDATE timesync_steps SET outcome = $2, reason = $3, detail = $4, sheet = $5, old_sheet = $6,"
        " new_sheet = $7, at = $8 WHERE id = $1",
        s->id, done->outcome, reason_name(done->reason), or_empty(done->detail), done->sheet, done->old_sheet,
        done->new_sheet, dw_now(c));
}
