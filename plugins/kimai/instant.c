#include "instant.h"

#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* ---- the calendar ---- */

/* Days since 1970-01-01. Years begin in March here, so that the day which some lack is the last one. */
static int64_t days_of(int year, int month, int day)
{
    const int64_t y = month > 2 ? year : year - 1;
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t of_era = y - era * 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
    const int64_t z = days + 719468;
    const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    const int64_t of_era = z - era * 146097;
    const int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    const int64_t m = (5 * of_year + 2) / 153;

    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

static int days_in(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* ---- reading ---- */

/* Exactly n digits at *at, which moves behind them. */
static bool take(const char **at, int n, int *value)
{
    int sum = 0;

    for (int i = 0; i < n; i++) {
        const char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        sum = sum * 10 + (c - '0');
    }
    *at += n;
    *value = sum;
    return true;
}

static bool skip(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static bool take_day(const char **at, int64_t *us)
{
    int year, month, day;

    if (!take(at, 4, &year) || !skip(at, '-') || !take(at, 2, &month) || !skip(at, '-') || !take(at, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in(year, month))
        return false;
    *us = days_of(year, month, day) * DAY;
    return true;
}

static bool take_clock(const char **at, int64_t *us)
{
    int hour, minute, second;

    if (!take(at, 2, &hour) || !skip(at, ':') || !take(at, 2, &minute) || !skip(at, ':') ||
        !take(at, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *us += hour * HOUR + minute * MINUTE + second * SECOND;
    return true;
}

static bool take_fraction(const char **at, int64_t *us)
{
    int64_t worth = SECOND / 10;

    if (!skip(at, '.'))
        return true;
    if (**at < '0' || **at > '9')
        return false;
    for (; **at >= '0' && **at <= '9'; (*at)++, worth /= 10)
        *us += (**at - '0') * worth;
    return true;
}

static bool take_offset(const char **at, int64_t *us)
{
    const bool west = **at == '-';
    int hours, minutes = 0;

    if (skip(at, 'Z'))
        return true;
    if (!skip(at, '+') && !skip(at, '-'))
        return false;
    if (!take(at, 2, &hours))
        return false;
    skip(at, ':');
    if (**at && !take(at, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *us -= (west ? -1 : 1) * (hours * HOUR + minutes * MINUTE);
    return true;
}

int instant_parse(const char *text, int64_t *us)
{
    const char *at = text;
    int64_t sum = 0;

    if (!text || !take_day(&at, &sum) || (!skip(&at, 'T') && !skip(&at, ' ')))
        return -1;
    if (!take_clock(&at, &sum) || !take_fraction(&at, &sum) || !take_offset(&at, &sum) || *at)
        return -1;
    *us = sum;
    return 0;
}

int instant_parse_day(const char *text, int64_t *us)
{
    const char *at = text;

    return text && take_day(&at, us) ? 0 : -1;
}

static int month_named(const char *text)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++)
        if (strncmp(text, &names[3 * i], 3) == 0)
            return i + 1;
    return 0;
}

int instant_parse_date(const char *text, int64_t *us)
{
    const char *at = text ? strchr(text, ',') : "";
    int day, month, year;
    int64_t sum;

    if (!at || !skip(&at, ',') || !skip(&at, ' ') || !take(&at, 2, &day) || !skip(&at, ' '))
        return -1;
    month = month_named(at);
    if (month == 0)
        return -1;
    at += 3;
    if (!skip(&at, ' ') || !take(&at, 4, &year) || !skip(&at, ' ') || day < 1 || day > days_in(year, month))
        return -1;
    sum = days_of(year, month, day) * DAY;
    if (!take_clock(&at, &sum) || strcmp(at, " GMT") != 0)
        return -1;
    *us = sum;
    return 0;
}

/* ---- writing ---- */

/* Years that no clock of theirs has become the nearest with four digits: nobody books there. */
static unsigned year_of(int year)
{
    return year < 0 ? 0 : year > 9999 ? 9999 : (unsigned)year;
}

static void write_seconds(int64_t us, const char *end, char out[INSTANT_SIZE])
{
    const int64_t days = us / DAY - (us % DAY < 0);
    const unsigned second = (unsigned)((us % DAY + DAY) % DAY / SECOND);
    int year, month, day;

    date_of(days, &year, &month, &day);
    snprintf(out, INSTANT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u%s", year_of(year), (unsigned)month % 13,
             (unsigned)day % 32, second / 3600, second / 60 % 60, second % 60, end);
}

void instant_utc(int64_t us, char out[INSTANT_SIZE])
{
    write_seconds(us, "Z", out);
}

void instant_bare(int64_t us, char out[INSTANT_SIZE])
{
    write_seconds(us, "", out);
}
