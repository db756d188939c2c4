#include "synchub_cron.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS, DAYS = 7, ALL_DAYS = (1 << DAYS) - 1 };

static const char names[DAYS][4] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

/* A field, or a part of one. */
struct part {
    const char *p;
    size_t n;
};

static bool is(struct part s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* What stands before the first `by`, which is taken from `rest` with it; false: there is none, it is all of it. */
static bool split(struct part *rest, char by, struct part *first)
{
    const char *at = rest->n > 0 ? memchr(rest->p, by, rest->n) : NULL;

    *first = (struct part){ rest->p, at ? (size_t)(at - rest->p) : rest->n };
    if (!at) {
        rest->n = 0;
        return false;
    }
    rest->n -= first->n + 1;
    rest->p = at + 1;
    return true;
}

static bool fields_of(const char *text, struct part out[FIELDS])
{
    static const char blank[] = " \t";

    for (size_t i = 0; i < FIELDS; i++) {
        text += strspn(text, blank);
        out[i] = (struct part){ text, strcspn(text, blank) };
        text += out[i].n;
        if (out[i].n == 0)
            return false;
    }
    return !text[strspn(text, blank)];
}

/* ---- days of the week ---- */

/* A number of one digit, as steps and days are; -1. */
static int digit(struct part s)
{
    return s.n == 1 && s.p[0] >= '0' && s.p[0] <= '9' ? s.p[0] - '0' : -1;
}

/* 0, Monday, to 6; -1. */
static int day_of_week(struct part s)
{
    for (int i = 0; i < DAYS; i++)
        if (s.n == 3 && strncasecmp(s.p, names[i], 3) == 0)
            return i;
    const int n = digit(s);
    return n < DAYS ? n : -1;
}

/* "3", "0-4", "mon-fri", a step behind it; "*" */
static bool read_item(struct part item, unsigned *days)
{
    struct part range, first, last = item;
    const bool has_step = split(&last, '/', &range);
    const int step = has_step ? digit(last) : 1;
    int from = 0, to = DAYS - 1;

    if (step < 1 || step >= DAYS)
        return false;
    if (!is(range, "*")) {
        const bool is_range = memchr(range.p, '-', range.n) != NULL;

        last = range;
        split(&last, '-', &first);
        from = day_of_week(first);
        to = is_range ? day_of_week(last) : has_step ? DAYS - 1 : from;
        /* Names take no step there. */
        if (from < 0 || to < from || (has_step && digit(first) < 0))
            return false;
    }
    for (int i = from; i <= to; i += step)
        *days |= 1U << i;
    return true;
}

static bool read_days(struct part field, unsigned *days)
{
    struct part item;
    bool more;

    *days = 0;
    do {
        more = split(&field, ',', &item);
        if (item.n == 0 || !read_item(item, days))
            return false;
    } while (more);
    return true;
}

/* "mon-fri,sun" */
static void write_days(unsigned days, char *to, size_t size)
{
    size_t n = 0;

    for (int i = 0, end; i < DAYS; i = end) {
        for (end = i; end < DAYS && (days >> end & 1U); end++)
            continue;
        if (end == i) {
            end++;
            continue;
        }
        n += (size_t)snprintf(to + n, size - n, "%s%s", n ? "," : "", names[i]);
        if (end - i > 1)
            n += (size_t)snprintf(to + n, size - n, "%c%s", end - i > 2 ? '-' : ',', names[end - 1]);
    }
}

static bool has_digit(struct part s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= '0' && s.p[i] <= '9')
            return true;
    return false;
}

/* ---- all of it ---- */

static bool any_day(struct part field)
{
    return is(field, "*") || is(field, "*/1");
}

static const char *refusal(const struct part f[FIELDS], unsigned days)
{
    struct part month_day = f[DAY], one;
    bool more;

    if (days != ALL_DAYS && !any_day(f[DAY]))
        return "both a day of the month and a day of the week have to fit there, which cannot be said here";
    do {
        more = split(&month_day, ',', &one);
        if (one.n == 4 && strncasecmp(one.p, "last", 4) == 0)
            return "the last day of a month cannot be said here";
    } while (more);
    return NULL;
}

enum synchub_cron synchub_cron(const char *from, char to[SYNCHUB_CRON_SIZE], const char **why)
{
    char weekdays[DAYS * sizeof(names[0]) + 1] = "*";
    struct part f[FIELDS];
    unsigned days;

    *why = NULL;
    if (strlen(from) >= SYNCHUB_CRON_SIZE - sizeof(weekdays) || !fields_of(from, f))
        *why = "it does not have five fields";
    else if (!read_days(f[WEEKDAY], &days))
        *why = "its day of the week is none: Monday is 0 there, Sunday 6";
    else
        *why = refusal(f, days);
    if (*why)
        return SYNCHUB_CRON_REFUSED;
    if (any_day(f[DAY])) /* with a step it would be a day in particular here */
        f[DAY].n = 1;
    if (days != ALL_DAYS)
        write_days(days, weekdays, sizeof(weekdays));
    snprintf(to, SYNCHUB_CRON_SIZE, "%.*s %.*s %.*s %.*s %s", (int)f[MINUTE].n, f[MINUTE].p, (int)f[HOUR].n,
             f[HOUR].p, (int)f[DAY].n, f[DAY].p, (int)f[MONTH].n, f[MONTH].p, weekdays);
    return days != ALL_DAYS && has_digit(f[WEEKDAY]) ? SYNCHUB_CRON_RENUMBERED : SYNCHUB_CRON_SAME;
}
