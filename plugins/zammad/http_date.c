#include "http_date.h"

#include <stdbool.h>
#include <string.h>

/* Takes n digits from *p; -1: there are others. */
static int digits(const char **p, int n)
{
    int value = 0;

    for (; n > 0; n--, (*p)++) {
        if (**p < '0' || **p > '9')
            return -1;
        value = value * 10 + (**p - '0');
    }
    return value;
}

static bool skip(const char **p, const char *text)
{
    size_t n = strlen(text);

    if (strncmp(*p, text, n) != 0)
        return false;
    *p += n;
    return true;
}

/* 1 to 12; 0: it is none. */
static int month(const char **p)
{
    static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

    for (int i = 0; i < 12; i++)
        if (skip(p, names[i]))
            return i + 1;
    return 0;
}

/* Days since 1970 of the Gregorian calendar, counted in years that begin in March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1, shifted = (month + 9) % 12;

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * shifted + 2) / 5 + day - 1 - 719468;
}

/* "18:22:03": seconds of the day, or -1. */
static int clock_of(const char **p)
{
    int hour = digits(p, 2);
    int minute = hour >= 0 && skip(p, ":") ? digits(p, 2) : -1;
    int second = minute >= 0 && skip(p, ":") ? digits(p, 2) : -1;

    return second < 0 || hour > 23 || minute > 59 || second > 60 ? -1 : hour * 3600 + minute * 60 + second;
}

int64_t http_date_seconds(const char *text)
{
    const char *p = text ? strchr(text, ',') : NULL;
    int day, m, year, clock;

    if (!p || !skip(&p, ", ") || (day = digits(&p, 2)) < 1 || day > 31)
        return -1;
    if (!skip(&p, " ") || (m = month(&p)) == 0 || !skip(&p, " ") || (year = digits(&p, 4)) < 1970)
        return -1;
    if (!skip(&p, " ") || (clock = clock_of(&p)) < 0 || strcmp(p, " GMT") != 0)
        return -1;
    return days_of(year, m, day) * 86400 + clock;
}
