/* cron.h - "30 3 * * MON-FRI": when a clock in a zone shows what an expression says.
 *
 * Five fields (minute, hour, day of the month, month, day of the week) or six, with seconds first. In each: a value, `a-b`,
 * `*`, any of these with a step (`*` and `/15`, `8-18/2`, `5/15`: from 5 on), lists with commas; names of months and days;
 * `?` for `*` in the two fields of days. When both of those are given, either is enough. @hourly, @daily, @midnight,
 * @weekly, @monthly, @yearly, @annually; in front of all, TZ=Zone or CRON_TZ=Zone.
 *
 * Where the clock is changed: a time that is skipped comes at the instant of the change, once; a time that is shown twice
 * counts the first time. An expression with `*` or a step as its hour follows the clock instead: it runs in both of the
 * hours, and an hour of every hour's that is skipped is not made up for. [any thread] */
#ifndef JOBS_CRON_H
#define JOBS_CRON_H

#include "jobs/zone.h"

struct cron {
    const struct zone *zone;
    uint64_t seconds, minutes, hours; /* bit n: n matches */
    uint64_t days, months, weekdays;  /* from 1; of the week from 0, Sunday */
    bool any_day, any_weekday;        /* `*` or `?`: the other one decides alone */
    bool both_hours;                  /* of a clock that is set back */
};

enum { CRON_YEARS_MAX = 100 }; /* what does not come by then never comes */

/* zone: without a TZ= in the text. 0; or -1 with a sentence in why: which field, what was found, what is allowed. */
int cron_parse(struct cron *out, struct str text, const struct zone *zone, struct buf *why);

/* The first instant after this one, in microseconds; false: never. */
bool cron_next(const struct cron *c, int64_t after_us, int64_t *next_us);

#endif
