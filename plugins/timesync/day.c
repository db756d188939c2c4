#include "day.h"

int day_of(dw_call *c, dw_time starts, const char *zone, const char **out)
{
    const char *text;

    *out = "";
    if (!starts.us)
        return 0;
    DW_TRY(dw_time_format_in(c, starts, zone, &text));
    *out = dw_format(c, "%.10s", text);
    return 0;
}

/* ---- anew: a statement for each day that lies between the first entry and the last one, however many these are ---- */

struct span {
    const char *sync, *zone;
    dw_time from, to; /* of what is left */
};

/* To the next midnight. */
static int one_day(dw_call *c, struct span *left)
{
    const char *day;
    dw_time next;

    DW_TRY(day_of(c, left->from, left->zone, &day));
    if (dw_when_next(c, "0 0 * * *", left->zone, left->from, &next) <= 0)
        return dw_fail(c, DW_EINTERNAL, "the end of a day cannot be told", "day", day, "zone", left->zone);
    DW_TRY(dw_db_exec(c,
                      "UPDATE timesync_entries SET day = $4"
                      " WHERE sync = $1 AND starts_at >= $2 AND starts_at < $3",
                      left->sync, left->from, next, day));
    left->from = next;
    return 0;
}

int day_again(dw_call *c, const char *sync, const char *zone)
{
    struct span left = { .sync = sync, .zone = zone };
    int rc = 0;

    DW_TRY(dw_db_get(c, DW_TO(&left.from, &left.to),
                     "SELECT min(starts_at), max(starts_at) FROM timesync_entries WHERE sync = $1", sync));
    while (rc >= 0 && left.from.us && left.from.us <= left.to.us) {
        dw_scope_begin(c);
        rc = one_day(c, &left);
        dw_scope_end(c);
    }
    return rc;
}
