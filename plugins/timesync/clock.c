#include "clock.h"

#include "common.h"
#include "sync.h"

/* Less is what clocks of several servers may differ by, and what polls look back by themselves (the rule overlap). */
#define SET_BACK DW_MINUTES(5)

/* A hold that ends by itself lasts no longer: see run_end.c. */
#define LONGEST_HOLD DW_HOURS(1)

/* What was read up to an instant that is yet to come was read with a clock that is not ours any more, and nobody knows how much of
 * what has happened since lies before it. So the next poll is a full comparison. */
static int read_anew(dw_call *c, void *ud)
{
    const dw_time *ahead = ud;
    const int n =
        dw_db_exec(c,
                   "UPDATE timesync_syncs SET read_until = NULL, looked_until = NULL,"
                   " poll_due_at = CASE WHEN schedule = '' OR NOT enabled THEN poll_due_at ELSE $2 END"
                   " WHERE read_until > $1 OR looked_until > $1",
                   *ahead, dw_now(c));

    if (n > 0)
        dw_warn(c, "the clock was set back: the next polls compare all", "syncs", (int64_t)n);
    return n;
}

static int shorten_holds(dw_call *c, void *ud)
{
    (void)ud;
    return dw_db_exec(c,
                      "UPDATE timesync_syncs SET held_until = $2, poll_due_at = CASE WHEN schedule = '' THEN "
                      "NULL ELSE $2 END"
                      " WHERE held_reason = 'AUTH_EXPIRED' AND held_until > $1",
                      later(later(dw_now(c), LONGEST_HOLD), SET_BACK), dw_now(c));
}

/* Later than its schedule would say now. */
static int is_late(dw_call *c, const char *when, const char *zone, dw_time due, bool *is)
{
    dw_time next;

    if (!*when || !due.us)
        return 0;
    DW_TRY(dw_when_next(c, when, *zone ? zone : NULL, dw_now(c), &next));
    *is = *is || due.us > later(next, SET_BACK).us;
    return 0;
}

static int plan_one(dw_call *c, void *ud)
{
    const char *id = ud;
    dw_time poll, full;
    struct sync s;
    bool is = false;

    DW_TRY(sync_load(c, id, &s));
    DW_TRY(dw_db_get(c, DW_TO(&poll, &full),
                     "SELECT poll_due_at, full_due_at FROM timesync_syncs WHERE id = $1", id));
    DW_TRY(is_late(c, s.schedule, s.zone, poll, &is));
    DW_TRY(is_late(c, s.full_schedule, s.zone, full, &is));
    return is ? sync_plan_next(c, &s) : 0;
}

static int plan_all(dw_call *c)
{
    json_t *list = dw_json_own(c, json_array()), *one;
    const char *id;
    dw_rows *rows;
    size_t i;
    int rc;

    DW_TRY(dw_db_query(c, &rows,
                       "SELECT id FROM timesync_syncs WHERE enabled AND held_reason = ''"
                       " AND (poll_due_at > $1 OR full_due_at > $1) ORDER BY id",
                       later(dw_now(c), SET_BACK)));
    while ((rc = dw_rows_next(rows, &id)) > 0)
        if (json_array_append_new(list, json_string(id)) != 0)
            return dw_fail(c, DW_ENOMEM, "there is no memory for a list of syncs");
    dw_rows_close(rows);
    DW_TRY(rc);
    json_array_foreach(list, i, one)
    {
        DW_TRY(sync_do(c, json_string_value(one), plan_one, (void *)(uintptr_t)json_string_value(one)));
    }
    return 0;
}

int clock_look(dw_call *c)
{
    dw_time ahead = later(dw_now(c), SET_BACK);

    DW_TRY(tx_do(c, read_anew, &ahead));
    DW_TRY(tx_do(c, shorten_holds, NULL));
    return plan_all(c);
}
