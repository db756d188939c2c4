/* civil.h - the calendar: dates as numbers, without zones. The Gregorian calendar for all years. [any thread] */
#ifndef JOBS_CIVIL_H
#define JOBS_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

enum { CIVIL_DAY = 86400, CIVIL_HOUR = 3600, CIVIL_MINUTE = 60 }; /* seconds */

/* What a clock on the wall and the calendar beside it show. */
struct civil {
    int64_t year;
    int month, day; /* from 1 */
    int hour, minute, second;
};

/* Rounds down, as / does not before 1970. */
static inline int64_t civil_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static inline bool civil_is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline int civil_month_days(int64_t year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return month == 2 && civil_is_leap(year) ? 29 : days[month - 1];
}

/* Days since 1970-01-01. Years of 400 begin in March here, so that the leap day is their last and months need no table. */
static inline int64_t civil_days(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = civil_floor_div(y, 400), of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static inline void civil_date(int64_t days, struct civil *out)
{
    int64_t shifted = days + 719468, era = civil_floor_div(shifted, 146097), of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = (int)(of_era - (365 * year + year / 4 - year / 100)), month = (5 * of_year + 2) / 153;

    out->day = of_year - (153 * month + 2) / 5 + 1;
    out->month = month < 10 ? month + 3 : month - 9;
    out->year = era * 400 + year + (out->month <= 2);
}

/* 0: Sunday. */
static inline int civil_weekday(int64_t days)
{
    int64_t weeks = civil_floor_div(days + 4, 7);

    return (int)(days + 4 - weeks * 7);
}

/* Seconds since 1970-01-01T00:00:00 on the same wall. */
static inline int64_t civil_to_seconds(const struct civil *c)
{
    return civil_days(c->year, c->month, c->day) * CIVIL_DAY + c->hour * CIVIL_HOUR +
           c->minute * CIVIL_MINUTE + c->second;
}

static inline struct civil civil_from_seconds(int64_t seconds)
{
    int64_t days = civil_floor_div(seconds, CIVIL_DAY);
    int rest = (int)(seconds - days * CIVIL_DAY);
    struct civil c = { .hour = rest / CIVIL_HOUR,
                       .minute = rest % CIVIL_HOUR / CIVIL_MINUTE,
                       .second = rest % CIVIL_MINUTE };

    civil_date(days, &c);
    return c;
}

#endif
