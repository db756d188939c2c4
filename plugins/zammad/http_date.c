#include "http_date.h"

#include <stdio.h>
#include <string.h>

static int month_of(const char name[4])
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *found = strstr(names, name);

    return found && (found - names) % 3 == 0 ? (int)((found - names) / 3) + 1 : 0;
}

/* Days since 1970 of the Gregorian calendar, counted in years that begin in March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1, shifted = (month + 9) % 12;

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * shifted + 2) / 5 + day - 1 - 719468;
}

int64_t http_date_seconds(const char *text)
{
    int day, year, hour, minute, second, end = 0;
    char month[4];

    if (!text || strlen(text) < 5)
        return -1;
    if (sscanf(text + 3, ", %2d %3s %4d %2d:%2d:%2d GMT%n", &day, month, &year, &hour, &minute, &second,
               &end) != 6 ||
        end == 0)
        return -1;
    if (strlen(month) != 3 || month_of(month) == 0 || year < 1970 || day < 1 || day > 31 || hour < 0 ||
        hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return -1;
    return days_of(year, month_of(month), day) * 86400 + hour * 3600 + minute * 60 + second;
}
