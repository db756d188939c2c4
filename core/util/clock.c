#include "util/clock.h"

#include <string.h>

static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what four digits can say. */
static const int64_t first_second = -62167219200, last_second = 253402300799;

/* ---- the calendar, which the library has behind a lock that all threads share ---- */

enum {
    DAY_SECONDS = 86400,
    ERA_YEARS = 400,
    ERA_DAYS = 146097,
    EPOCH_DAY = 719468 /* 1970-01-01, from 0000-03-01 */
};

/* Days since 1970. Years begin in March here, so that the leap day is their last. */
static int64_t days_of(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - ERA_YEARS + 1) / ERA_YEARS;
    int of_era = y - era * ERA_YEARS, of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return (int64_t)era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAY;
}

static void date_of(int64_t days_since_1970, struct tm *out)
{
    int64_t day = days_since_1970 + EPOCH_DAY, era = (day >= 0 ? day : day - ERA_DAYS + 1) / ERA_DAYS;
    int of_era = (int)(day - era * ERA_DAYS);
    int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;

    out->tm_mday = of_year - (153 * month + 2) / 5 + 1;
    out->tm_mon = month < 10 ? month + 2 : month - 10;
    out->tm_year = (int)(era * ERA_YEARS) + year + (out->tm_mon < 2) - 1900;
    out->tm_wday = (int)(((days_since_1970 + 4) % 7 + 7) % 7);
}

static int64_t seconds_of(const struct tm *t)
{
    return days_of(t->tm_year + 1900, t->tm_mon + 1, t->tm_mday) * DAY_SECONDS + t->tm_hour * 3600 +
           t->tm_min * 60 + t->tm_sec;
}

static bool is_date(const struct tm *t)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = t->tm_year + 1900;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return t->tm_mday > 0 && t->tm_mday <= lengths[t->tm_mon] + (is_leap && t->tm_mon == 1);
}

/* Rounds down, before 1970 too; returns the microseconds that are left. What has no four-digit year becomes the nearest
 * instant that has one. */
static int utc(int64_t wall_us, struct tm *out)
{
    int64_t seconds = wall_us / CLOCK_SECOND, fraction = wall_us % CLOCK_SECOND;

    if (fraction < 0) {
        fraction += CLOCK_SECOND;
        seconds--;
    }
    if (seconds < first_second) {
        seconds = first_second;
        fraction = 0;
    }
    if (seconds > last_second) {
        seconds = last_second;
        fraction = CLOCK_SECOND - 1;
    }
    int64_t of_day = (seconds % DAY_SECONDS + DAY_SECONDS) % DAY_SECONDS;
    date_of((seconds - of_day) / DAY_SECONDS, out);
    out->tm_hour = (int)(of_day / 3600);
    out->tm_min = (int)(of_day / 60 % 60);
    out->tm_sec = (int)(of_day % 60);
    return (int)fraction;
}

/* Two digits; the mask tells the compiler what utc() promises. */
static char *put2(char *p, int value)
{
    *p++ = (char)('0' + value / 10 % 10);
    *p++ = (char)('0' + value % 10);
    return p;
}

static char *put4(char *p, int value)
{
    return put2(put2(p, value / 100), value % 100);
}

void clock_format_rfc3339(int64_t wall_us, char out[CLOCK_RFC3339_SIZE])
{
    struct tm t;
    int fraction = utc(wall_us, &t);
    char *p = out;

    p = put4(p, t.tm_year + 1900);
    *p++ = '-';
    p = put2(p, t.tm_mon + 1);
    *p++ = '-';
    p = put2(p, t.tm_mday);
    *p++ = 'T';
    p = put2(p, t.tm_hour);
    *p++ = ':';
    p = put2(p, t.tm_min);
    *p++ = ':';
    p = put2(p, t.tm_sec);
    *p++ = '.';
    p = put2(put4(p, fraction / 100), fraction % 100);
    *p++ = 'Z';
    *p = 0;
}

void clock_format_http(int64_t wall_us, char out[CLOCK_HTTP_SIZE])
{
    struct tm t;
    char *p = out;

    utc(wall_us, &t);
    memcpy(p, days[t.tm_wday % 7], 3);
    memcpy(p + 3, ", ", 2);
    p = put2(p + 5, t.tm_mday);
    *p++ = ' ';
    memcpy(p, months[t.tm_mon % 12], 3);
    p[3] = ' ';
    p = put4(p + 4, t.tm_year + 1900);
    *p++ = ' ';
    p = put2(p, t.tm_hour);
    *p++ = ':';
    p = put2(p, t.tm_min);
    *p++ = ':';
    p = put2(p, t.tm_sec);
    memcpy(p, " GMT", 5);
}

/* `count` digits; false when there is something else. */
static bool get(const char *p, unsigned count, int max, int *out)
{
    uint64_t value;

    if (!str_to_uint(str_make(p, count), (uint64_t)max, &value))
        return false;
    *out = (int)value;
    return true;
}

/* ---- RFC 3339 ---- */

/* ".5", cut off the front of *rest: microseconds, 0 when there is none, -1 when there are no digits. */
static int get_fraction(struct str *rest)
{
    int fraction = 0, scale = CLOCK_SECOND;
    size_t i = 1;

    if (rest->n == 0 || rest->p[0] != '.')
        return 0;
    for (; i < rest->n && rest->p[i] >= '0' && rest->p[i] <= '9'; i++) {
        scale /= 10;
        fraction += scale * (rest->p[i] - '0');
    }
    if (i == 1)
        return -1;
    *rest = str_make(rest->p + i, rest->n - i);
    return fraction;
}

/* All of "Z", "z", "+01:00", "-05:30". */
static bool get_offset(struct str s, int64_t *seconds)
{
    int hours, minutes;

    *seconds = 0;
    if (s.n == 1)
        return s.p[0] == 'Z' || s.p[0] == 'z';
    if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':' || !get(s.p + 1, 2, 23, &hours) ||
        !get(s.p + 4, 2, 59, &minutes))
        return false;
    *seconds = (hours * 60 + minutes) * 60;
    if (s.p[0] == '-')
        *seconds = -*seconds;
    return true;
}

/* "2026-11-21T08:05:00" */
static bool get_date_and_time(const char *p, struct tm *t)
{
    if (!get(p, 4, 9999, &t->tm_year) || p[4] != '-' || !get(p + 5, 2, 12, &t->tm_mon) || p[7] != '-' ||
        !get(p + 8, 2, 31, &t->tm_mday) || (p[10] != 'T' && p[10] != 't') ||
        !get(p + 11, 2, 23, &t->tm_hour) || p[13] != ':' || !get(p + 14, 2, 59, &t->tm_min) || p[16] != ':' ||
        !get(p + 17, 2, 59, &t->tm_sec))
        return false;
    t->tm_year -= 1900;
    t->tm_mon--;
    return t->tm_mon >= 0 && t->tm_mday > 0;
}

/* The number that `count` digits make; *other gets a bit when one of them is none. */
static int digits(const char *p, int count, unsigned *other)
{
    int value = 0;

    for (int i = 0; i < count; i++) {
        unsigned digit = (unsigned char)p[i] - (unsigned)'0';
        *other |= digit > 9;
        value = value * 10 + (int)(digit & 15);
    }
    return value;
}

/* The form that is written above, which nearly all texts have that are read: without a branch for each character. */
static bool parse_own_form(const char *p, int64_t *wall_us)
{
    unsigned other = (p[4] != '-') | (p[7] != '-') | (p[10] != 'T') | (p[13] != ':') | (p[16] != ':') |
                     (p[19] != '.') | (p[26] != 'Z');
    struct tm t = { .tm_year = digits(p, 4, &other) - 1900,
                    .tm_mon = digits(p + 5, 2, &other) - 1,
                    .tm_mday = digits(p + 8, 2, &other),
                    .tm_hour = digits(p + 11, 2, &other),
                    .tm_min = digits(p + 14, 2, &other),
                    .tm_sec = digits(p + 17, 2, &other) };
    int fraction = digits(p + 20, 6, &other);

    if (other || t.tm_mon < 0 || t.tm_mon > 11 || t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 59 ||
        !is_date(&t))
        return false;
    *wall_us = seconds_of(&t) * CLOCK_SECOND + fraction;
    return true;
}

bool clock_parse_rfc3339(struct str text, int64_t *wall_us)
{
    enum { DATE_AND_TIME = 19 };
    struct tm t = { 0 };
    int64_t offset;

    if (text.n == CLOCK_RFC3339_SIZE - 1 && parse_own_form(text.p, wall_us))
        return true;
    if (text.n <= DATE_AND_TIME || !get_date_and_time(text.p, &t))
        return false;
    struct str rest = str_make(text.p + DATE_AND_TIME, text.n - DATE_AND_TIME);
    int fraction = get_fraction(&rest);
    if (fraction < 0 || !get_offset(rest, &offset) || !is_date(&t))
        return false;
    *wall_us = (seconds_of(&t) - offset) * CLOCK_SECOND + fraction;
    return true;
}

/* ---- HTTP's form ---- */

/* The index of a three-letter name, or -1. */
static int name_index(const char *p, const char names[][4], int n)
{
    for (int i = 0; i < n; i++) {
        if (memcmp(p, names[i], 3) == 0)
            return i;
    }
    return -1;
}

static bool has_http_shape(const char *text)
{
    static const char shape[] = "---, -- --- ---- --:--:-- GMT";

    for (size_t i = 0; i < sizeof(shape) - 1; i++) {
        if (shape[i] != '-' && shape[i] != text[i])
            return false;
    }
    return name_index(text, days, 7) >= 0;
}

int64_t clock_parse_http(const char *text, unsigned long n)
{
    struct tm t = { 0 };
    int year;

    if (n != CLOCK_HTTP_SIZE - 1 || !has_http_shape(text))
        return -1;
    if (!get(text + 5, 2, 31, &t.tm_mday) || !get(text + 12, 4, 9999, &year) ||
        !get(text + 17, 2, 23, &t.tm_hour) || !get(text + 20, 2, 59, &t.tm_min) ||
        !get(text + 23, 2, 60, &t.tm_sec))
        return -1;
    t.tm_mon = name_index(text + 8, months, 12);
    t.tm_year = year - 1900;
    if (t.tm_mon < 0 || !is_date(&t))
        return -1;
    if (t.tm_sec == 60)
        t.tm_sec = 59; /* POSIX time has no leap seconds */
    return seconds_of(&t);
}
