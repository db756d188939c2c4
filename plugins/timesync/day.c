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

/* ---- anew: two statements for each day on which there is something, however much, and however far apart these days are ---- */

#define YEAR_ONE                    \
    {                               \
        INT64_C(-62135596800000000) \
    }

struct rest {
    const char *sync, *zone;
    dw_time from; /* of what is left */
};

/* Of the entries that are left the first one: one of a year that somebody mistyped is no reason to walk through centuries. 1; 0: none
 * is. */
static int find_first(dw_call *c, struct rest *left)
{
    return dw_db_find(c, DW_TO(&left->from),
                      "SELECT starts_at FROM timesync_entries WHERE sync = $1 AND starts_at >= $2"
                      " ORDER BY starts_at LIMIT 1",
                      left->sync, left->from);
}

/* To the next midnight. */
static int one_day(dw_call *c, struct rest *left)
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
    return 1;
}

int day_again(dw_call *c, const char *sync, const char *zone)
{
    struct rest left = { .sync = sync, .zone = zone, .from = YEAR_ONE };
    int rc;

    do {
        dw_scope_begin(c);
        rc = find_first(c, &left);
        if (rc > 0)
            rc = one_day(c, &left);
        dw_scope_end(c);
    } while (rc > 0);
    return rc;
}
