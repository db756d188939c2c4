#include "util/clock.h"

#include <stdio.h>
#include <string.h>

static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

static void utc(int64_t wall_us, struct tm *out)
{
    time_t seconds = (time_t)(wall_us / CLOCK_SECOND);
    if (!gmtime_r(&seconds, out))
        memset(out, 0, sizeof(*out));
}

/* Two digits; the mask tells the compiler what gmtime_r promises. */
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
    int fraction = (int)(wall_us % CLOCK_SECOND);
    char *p = out;

    utc(wall_us, &t);
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

int64_t clock_parse_http(const char *text, unsigned long n)
{
    char copy[CLOCK_HTTP_SIZE];
    char month[4] = "", tail[4] = "";
    struct tm t;
    int end = 0;

    if (n != CLOCK_HTTP_SIZE - 1)
        return -1;
    memcpy(copy, text, n);
    copy[n] = 0;
    memset(&t, 0, sizeof(t));
    if (sscanf(copy, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d %3[A-Z]%n", &t.tm_mday, month, &t.tm_year,
               &t.tm_hour, &t.tm_min, &t.tm_sec, tail, &end) != 7)
        return -1;
    if ((unsigned long)end != n || strcmp(tail, "GMT") != 0)
        return -1;
    for (t.tm_mon = 0; t.tm_mon < 12; t.tm_mon++) {
        if (strcmp(months[t.tm_mon], month) == 0)
            break;
    }
    if (t.tm_mon == 12)
        return -1;
    t.tm_year -= 1900;
    return (int64_t)timegm(&t);
}
