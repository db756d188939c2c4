/* Cron expressions: what they mean, what is refused and in which words, where clocks are changed; and the tables of robfig/cron,
 * ccronexpr and APScheduler ($DOWEL_VECTORS/cron). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "jobs/civil.h"
#include "jobs/cron.h"
#include "util/clock.h"
#include "vectors.h"

static const struct zone *zone_of(const char *name)
{
    const struct zone *z;
    struct buf why = BUF_INIT;

    if (zone_find(&z, str_from(name), &why) != 0)
        fail_msg("%s", buf_text(&why));
    buf_finish(&why);
    return z;
}

static struct cron parsed(const char *text, const struct zone *zone)
{
    struct cron c;
    struct buf why = BUF_INIT;

    if (cron_parse(&c, str_from(text), zone, &why) != 0)
        fail_msg("%s: %s", text, buf_text(&why));
    buf_finish(&why);
    return c;
}

static int64_t instant(const char *rfc3339)
{
    int64_t us;

    if (!clock_parse_rfc3339(str_from(rfc3339), &us))
        fail_msg("%s is no instant", rfc3339);
    return us;
}

/* The instants after `after`, one by one; NULL: never. */
static void assert_next(const char *text, const char *zone, const char *after, const char *const *wanted)
{
    struct cron c = parsed(text, zone_of(zone));
    int64_t at = instant(after);
    char found[CLOCK_RFC3339_SIZE], want[CLOCK_RFC3339_SIZE];

    for (; *wanted; wanted++) {
        if (!cron_next(&c, at, &at))
            fail_msg("%s after %s: never, wanted %s", text, after, *wanted);
        clock_format_rfc3339(at, found);
        clock_format_rfc3339(instant(*wanted), want);
        if (strcmp(found, want) != 0)
            fail_msg("%s in %s after %s: %s, wanted %s", text, zone, after, found, want);
    }
}

#define ASSERT_NEXT(text, zone, after, ...) \
    assert_next((text), (zone), (after), (const char *const[]){ __VA_ARGS__, NULL })

static void assert_never(const char *text, const char *after)
{
    struct cron c = parsed(text, zone_utc());
    int64_t next;

    if (cron_next(&c, instant(after), &next))
        fail_msg("%s comes", text);
}

static void assert_refused(const char *text, const char *why)
{
    struct cron c;
    struct buf said = BUF_INIT;

    if (cron_parse(&c, str_from(text), zone_utc(), &said) != -1)
        fail_msg("%s is taken", text);
    if (why && strcmp(buf_text(&said), why) != 0)
        fail_msg("%s: says <%s>, wanted <%s>", text, buf_text(&said), why);
    assert_true(said.n > 0);
    buf_finish(&said);
}

/* ---- what it means ---- */

static void fields_mean_what_crons_mean(void **state)
{
    (void)state;
    ASSERT_NEXT("*/20 * * * *", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:20:00Z", "2026-01-01T00:40:00Z",
                "2026-01-01T01:00:00Z");
    ASSERT_NEXT("5/25 8-9 * * *", "UTC", "2026-01-01T08:30:00Z", "2026-01-01T08:55:00Z",
                "2026-01-01T09:05:00Z", "2026-01-01T09:30:00Z", "2026-01-01T09:55:00Z",
                "2026-01-02T08:05:00Z");
    ASSERT_NEXT("0 0 1 jan,Jul *", "UTC", "2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z",
                "2027-01-01T00:00:00Z");
    ASSERT_NEXT("30 8 * * mon-fri", "UTC", "2026-11-27T09:00:00Z", "2026-11-30T08:30:00Z");
    ASSERT_NEXT("0 9 * * FRI-SUN", "UTC", "2026-11-27T09:00:00Z", "2026-11-28T09:00:00Z",
                "2026-11-29T09:00:00Z", "2026-12-04T09:00:00Z");
    ASSERT_NEXT("0 9 * * 7", "UTC", "2026-11-27T09:00:00Z", "2026-11-29T09:00:00Z");
    ASSERT_NEXT("0 9 * * */3", "UTC", "2026-11-27T09:00:00Z", "2026-11-28T09:00:00Z", "2026-11-29T09:00:00Z",
                "2026-12-02T09:00:00Z");
    ASSERT_NEXT("*/30 59 23 31 12 *", "UTC", "2026-01-01T00:00:00Z", "2026-12-31T23:59:00Z",
                "2026-12-31T23:59:30Z", "2027-12-31T23:59:00Z");
    ASSERT_NEXT(" \t0  3 *\t* * ", "UTC", "2026-01-01T00:00:00.000001Z", "2026-01-01T03:00:00Z");
    ASSERT_NEXT("@monthly", "UTC", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    ASSERT_NEXT("@ANNUALLY", "UTC", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    ASSERT_NEXT("TZ=Asia/Tokyo @midnight", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T15:00:00Z");
    ASSERT_NEXT("CRON_TZ=Asia/Tokyo 0 0 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z",
                "2026-01-01T15:00:00Z");
}

static void either_of_two_restricted_days_is_enough(void **state)
{
    (void)state;
    /* Friday, and the 13th. */
    ASSERT_NEXT("0 0 13 * FRI", "UTC", "2026-11-28T00:00:00Z", "2026-12-04T00:00:00Z", "2026-12-11T00:00:00Z",
                "2026-12-13T00:00:00Z");
    ASSERT_NEXT("0 0 13 * *", "UTC", "2026-11-28T00:00:00Z", "2026-12-13T00:00:00Z");
    ASSERT_NEXT("0 0 ? * FRI", "UTC", "2026-11-28T00:00:00Z", "2026-12-04T00:00:00Z", "2026-12-11T00:00:00Z");
    ASSERT_NEXT("0 0 13 * 1-7", "UTC", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z");
}

static void what_is_rare_is_found_and_what_never_comes_is_told(void **state)
{
    (void)state;
    ASSERT_NEXT("0 0 29 2 *", "UTC", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z");
    ASSERT_NEXT("0 0 29 2 ?", "Europe/Berlin", "2097-01-01T00:00:00Z", "2104-02-28T23:00:00Z");
    assert_never("0 0 30 2 *", "2026-01-01T00:00:00Z");
    assert_never("0 0 31 4,6,9,11 *", "2026-01-01T00:00:00Z");
    assert_never("* * * * *", "9999-12-31T23:59:59Z");
    ASSERT_NEXT("* * * * *", "UTC", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z");
}

static void any_instant_may_be_asked_for(void **state)
{
    static const int64_t instants[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX };
    struct cron c = parsed("* * * * * *", zone_of("Europe/Berlin"));
    int64_t next;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(instants); i++) {
        if (cron_next(&c, instants[i], &next))
            assert_true(next > instants[i]);
        else
            assert_true(instants[i] > 0);
    }
}

/* ---- where clocks are changed: Berlin, 2025-03-30 02:00 -> 03:00 at 01:00Z, 2025-10-26 03:00 -> 02:00 at 01:00Z ---- */

static void a_skipped_time_comes_at_the_change_once(void **state)
{
    (void)state;
    ASSERT_NEXT("30 2 * * *", "Europe/Berlin", "2025-03-29T00:00:00Z", "2025-03-29T01:30:00Z",
                "2025-03-30T01:00:00Z", "2025-03-31T00:30:00Z");
    ASSERT_NEXT("*/15 2 * * *", "Europe/Berlin", "2025-03-30T00:00:00Z", "2025-03-30T01:00:00Z",
                "2025-03-31T00:00:00Z");
    ASSERT_NEXT("30 2 30 3 *", "Europe/Berlin", "2025-01-01T00:00:00Z", "2025-03-30T01:00:00Z",
                "2026-03-30T00:30:00Z");
    /* 03:00 is the same instant as 02:00 would be. */
    ASSERT_NEXT("0 2,3 * * *", "Europe/Berlin", "2025-03-30T00:00:00Z", "2025-03-30T01:00:00Z",
                "2025-03-31T00:00:00Z");
    /* A step: what it loses is made up for as well. */
    ASSERT_NEXT("0 */2 * * *", "Europe/Berlin", "2025-03-29T22:30:00Z", "2025-03-29T23:00:00Z",
                "2025-03-30T01:00:00Z", "2025-03-30T02:00:00Z");
    /* Where midnight is skipped. */
    ASSERT_NEXT("0 0 * * *", "America/Havana", "2025-03-08T06:00:00Z", "2025-03-09T05:00:00Z",
                "2025-03-10T04:00:00Z");
    /* And where a day is. */
    ASSERT_NEXT("0 12 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", "2011-12-29T22:00:00Z",
                "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z");
}

static void a_daily_time_that_is_shown_twice_counts_once(void **state)
{
    (void)state;
    ASSERT_NEXT("30 2 * * *", "Europe/Berlin", "2025-10-25T12:00:00Z", "2025-10-26T00:30:00Z",
                "2025-10-27T01:30:00Z");
    /* Asked in the second of the two hours. */
    ASSERT_NEXT("30 2 * * *", "Europe/Berlin", "2025-10-26T01:10:00Z", "2025-10-27T01:30:00Z");
    ASSERT_NEXT("0,30 2-3 * * *", "Europe/Berlin", "2025-10-25T12:00:00Z", "2025-10-26T00:00:00Z",
                "2025-10-26T00:30:00Z", "2025-10-26T02:00:00Z", "2025-10-26T02:30:00Z",
                "2025-10-27T01:00:00Z");
    ASSERT_NEXT("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00Z", "2026-04-04T14:45:00Z",
                "2026-04-05T15:15:00Z");
}

static void what_follows_the_hours_runs_in_both(void **state)
{
    (void)state;
    ASSERT_NEXT("30 * * * *", "Europe/Berlin", "2025-10-25T23:00:00Z", "2025-10-25T23:30:00Z",
                "2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z", "2025-10-26T02:30:00Z");
    ASSERT_NEXT("0 */2 * * *", "Europe/Berlin", "2025-10-25T23:00:00Z", "2025-10-26T00:00:00Z",
                "2025-10-26T01:00:00Z", "2025-10-26T03:00:00Z");
    ASSERT_NEXT("30 0-23 * * *", "Europe/Berlin", "2025-10-26T00:00:00Z", "2025-10-26T00:30:00Z",
                "2025-10-26T01:30:00Z");
    /* The hour that is skipped is not made up for: the next one comes as soon as that. */
    ASSERT_NEXT("30 * * * *", "Europe/Berlin", "2025-03-30T00:00:00Z", "2025-03-30T00:30:00Z",
                "2025-03-30T01:30:00Z");
    ASSERT_NEXT("*/15 * * * *", "Australia/Lord_Howe", "2026-04-04T14:30:00Z", "2026-04-04T14:45:00Z",
                "2026-04-04T15:00:00Z", "2026-04-04T15:15:00Z", "2026-04-04T15:30:00Z");
}

/* ---- what is refused ---- */

static void an_error_names_the_field_and_what_is_allowed(void **state)
{
    (void)state;
    assert_refused("60 * * * *",
                   "the minute \"60\" is out of range; allowed are 0-59, *, lists, ranges and steps");
    assert_refused("0 x * * *", "the hour \"x\" is no value; allowed are 0-23, *, lists, ranges and steps");
    assert_refused(
        "0 0 0 * *",
        "the day of the month \"0\" is out of range; allowed are 1-31, *, ?, lists, ranges and steps");
    assert_refused(
        "0 0 * jann *",
        "the month \"jann\" is no value; allowed are 1-12 and jan-dec, *, lists, ranges and steps");
    assert_refused(
        "0 0 * * 8",
        "the day of the week \"8\" is out of range; allowed are 0-7 (0 and 7 are Sunday) and sun-sat, *, "
        "?, lists, ranges and steps");
    assert_refused("0 22-6 * * *", "the hour \"22-6\" runs backwards: write 22-23,0-6");
    assert_refused("*/0 * * * *", "the minute \"*/0\" has no step behind its slash: a number from 1 on");
    assert_refused("*/90 * * * *",
                   "the minute \"*/90\" has a step that leads beyond its end: at most 59 here; for other "
                   "intervals there is \"every 90m\"");
    assert_refused(
        "0 0 L * *",
        "the day of the month \"L\" uses L, W or #, which are not understood here: let it run on all the "
        "days that it may be, and let the job look at the date");
    assert_refused("0 0 * * MON#2", NULL);
    assert_refused("0 0 15W * ?", NULL);
    assert_refused("1,,2 * * * *",
                   "the minute \"\" lacks a value; allowed are 0-59, *, lists, ranges and steps");
    assert_refused("0 ? * * *", NULL);
    assert_refused("-5 * * * *", NULL);
    assert_refused("5- * * * *", NULL);
    assert_refused("1-2-3 * * * *", NULL);
    assert_refused("1/2/3 * * * *", NULL);
    assert_refused("+1 * * * *", NULL);
    assert_refused(
        "* * * *",
        "\"* * * *\" has 4 fields; five are wanted (minute, hour, day of the month, month, day of the "
        "week), or six with the second in front, or \"every 15m\"");
    assert_refused("0 0 0 1 1 ? 2026",
                   "\"0 0 0 1 1 ? 2026\" has more than 6 fields; five are wanted (minute, hour, day of the "
                   "month, month, day of the week), or six with the second in front, or \"every 15m\"");
    assert_refused("", NULL);
    assert_refused(
        "@reboot",
        "there is no \"@reboot\"; there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and "
        "@annually");
    assert_refused("TZ=Europe/Berln 0 0 * * *",
                   "there is no time zone \"Europe/Berln\", did you mean Europe/Berlin?");
    assert_refused("TZ=", NULL);
}

/* ---- other people's tables ---- */

static json_t *vectors(const char *name)
{
    char path[1024], file[64];
    json_error_t error;

    snprintf(file, sizeof(file), "cron/%s", name);
    if (!vectors_path(path, sizeof(path), file))
        return NULL;
    json_t *all = json_load_file(path, 0, &error);
    if (!all)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return all;
}

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    if (!text)
        fail_msg("a row has no %s", name);
    return text;
}

/* "Mon Jul 9 15:00 2012", "2012-11-04T00:00:00-0400", "2012-07-01_09:53:50" */
static int64_t vector_time(const char *text)
{
    struct civil c = { .second = 0 };
    char month[4], sign;
    int year, h = 0, m = 0;

    if (sscanf(text, "%d-%d-%d%*[T_]%d:%d:%d%c%2d%2d", &year, &c.month, &c.day, &c.hour, &c.minute, &c.second,
               &sign, &h, &m) < 6) {
        h = m = 0;
        if (sscanf(text, "%*3s %3s %d %d:%d:%d %d", month, &c.day, &c.hour, &c.minute, &c.second, &year) !=
            6) {
            c.second = 0;
            if (sscanf(text, "%*3s %3s %d %d:%d %d", month, &c.day, &c.hour, &c.minute, &year) != 5)
                fail_msg("%s is no time", text);
        }
        const char *names = "JanFebMarAprMayJunJulAugSepOctNovDec";
        c.month = (int)(strstr(names, month) - names) / 3 + 1;
        sign = '+';
    }
    c.year = year;
    int64_t offset = (int64_t)h * 3600 + (int64_t)m * 60;
    return (civil_to_seconds(&c) - (strchr(text, 'T') && sign == '-' ? -offset : offset)) * CLOCK_SECOND;
}

/* robfig's rows may name the zone in front of the time. */
static const struct zone *vector_zone(const char **time)
{
    char name[64];
    int n = 0;

    if (sscanf(*time, "TZ=%63s %n", name, &n) != 1)
        return zone_utc();
    *time += n;
    return zone_of(name);
}

struct deviation {
    const char *time, *spec, *ours; /* NULL: never */
};

/* robfig/cron leaves out what is skipped: here a time in the gap runs at the next valid instant. And it runs in both of the
 * hours when a clock is set back: here a daily time runs once. */
static const struct deviation robfig_deviations[] = {
    { "2012-03-11T00:00:00-0500", "TZ=America/New_York 0 30 2 11 Mar ?", "2012-03-11T03:00:00-0400" },
    { "2012-03-11T00:00:00-0500", "TZ=America/New_York 0 0 2 * * ?", "2012-03-11T03:00:00-0400" },
    { "2012-11-04T01:45:00-0400", "TZ=America/New_York 0 30 1 04 Nov ?", "2013-11-04T01:30:00-0500" },
    { "2012-11-04T01:00:00-0400", "TZ=America/New_York 0 0 1 * * ?", "2012-11-05T01:00:00-0500" },
    { "TZ=America/New_York 2012-11-04T01:00:00-0400", "0 0 1 * * ?", "2012-11-05T01:00:00-0500" },
};

static unsigned deviated;

static const char *wanted_of(const json_t *row, const struct deviation *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i].time, text_of(row, "time")) == 0 &&
            strcmp(list[i].spec, text_of(row, "spec")) == 0) {
            deviated++;
            return list[i].ours;
        }
    }
    const json_t *wanted = json_object_get(row, "expected");
    return json_is_null(wanted) ? NULL : text_of(row, "expected");
}

static void assert_vector(const json_t *row, const struct zone *zone, const char *time, const char *wanted)
{
    const char *spec = text_of(row, "spec");
    struct cron c = parsed(spec, zone);
    int64_t next = 0;
    char found[CLOCK_RFC3339_SIZE] = "never";
    bool comes = cron_next(&c, vector_time(time), &next);

    if (comes)
        clock_format_rfc3339(next, found);
    if (comes != (wanted != NULL) || (wanted && next != vector_time(wanted)))
        fail_msg("%s after %s: %s, wanted %s", spec, time, found, wanted ? wanted : "never");
}

static void robfig_cron(void **state)
{
    json_t *all = vectors("robfig_cron.json"), *row;
    size_t i;

    (void)state;
    if (!all)
        skip();
    json_array_foreach(json_object_get(all, "activation"), i, row)
    {
        struct cron c = parsed(text_of(row, "spec"), zone_utc());
        int64_t at = vector_time(text_of(row, "time")), next;
        bool active = cron_next(&c, at - 1, &next) && next == at;
        if (active != json_is_true(json_object_get(row, "active")))
            fail_msg("%s at %s", text_of(row, "spec"), text_of(row, "time"));
    }
    assert_int_equal(i, 29);
    deviated = 0;
    json_array_foreach(json_object_get(all, "next"), i, row)
    {
        const char *time = text_of(row, "time");
        const struct zone *zone = vector_zone(&time);
        assert_vector(row, zone, time, wanted_of(row, robfig_deviations, DW_COUNT_OF(robfig_deviations)));
    }
    assert_int_equal(i, 58);
    assert_int_equal(deviated, DW_COUNT_OF(robfig_deviations));
    json_array_foreach(json_object_get(all, "next_with_tz_5field"), i, row)
    {
        assert_vector(row, zone_of("Asia/Kolkata"), text_of(row, "time"), text_of(row, "expected"));
    }
    assert_int_equal(i, 4);
    json_array_foreach(json_object_get(all, "invalid_5field"), i, row)
    {
        assert_refused(json_string_value(row), NULL);
    }
    assert_int_equal(i, 5);
    json_decref(all);
}

static void ccronexpr(void **state)
{
    json_t *all = vectors("ccronexpr.json"), *row;
    size_t i;

    (void)state;
    if (!all)
        skip();
    json_array_foreach(json_object_get(all, "next"), i, row)
    {
        assert_vector(row, zone_utc(), text_of(row, "time"), text_of(row, "expected"));
    }
    assert_int_equal(i, 60);
    json_array_foreach(json_object_get(all, "same"), i, row)
    {
        struct cron a = parsed(json_string_value(json_array_get(row, 0)), zone_utc());
        struct cron b = parsed(json_string_value(json_array_get(row, 1)), zone_utc());
        int64_t from = instant("2026-01-01T00:00:00Z"), x = from, y = from;
        for (int step = 0; step < 1000; step++) {
            if (!cron_next(&a, x, &x) || !cron_next(&b, y, &y) || x != y)
                fail_msg("%s is not the same", json_string_value(json_array_get(row, 0)));
        }
    }
    assert_int_equal(i, 10);
    json_array_foreach(json_object_get(all, "invalid"), i, row)
    {
        assert_refused(json_string_value(row), NULL);
    }
    assert_int_equal(i, 18);
    json_decref(all);
}

/* ---- APScheduler: fields by name; what is finer than the finest given is at its minimum, what is coarser is `*` ---- */

static const char *const apscheduler_fields[] = { "second", "minute",      "hour", "day",
                                                  "month",  "day_of_week", "year" };

static void apscheduler_spec(const json_t *row, char *out, size_t size)
{
    bool given = false;
    size_t n = 0;

    for (size_t i = 0; i < DW_COUNT_OF(apscheduler_fields); i++) {
        const json_t *value = json_object_get(row, apscheduler_fields[i]);
        char text[64];
        if (json_is_integer(value))
            snprintf(text, sizeof(text), "%d", (int)json_integer_value(value));
        else
            snprintf(text, sizeof(text), "%s",
                     value             ? json_string_value(value)
                     : given || i >= 3 ? "*"
                                       : "0");
        given = given || value;
        if (i < 6 || value)
            n += (size_t)snprintf(out + n, size - n, "%s%s", i > 0 ? " " : "", text);
    }
}

static int64_t apscheduler_time(const struct zone *zone, const char *local, json_int_t fold)
{
    char text[32];
    int64_t first, last;

    snprintf(text, sizeof(text), "%s:00", local);
    zone_instants(zone, vector_time(text) / CLOCK_SECOND, &first, &last);
    return (fold ? last : first) * CLOCK_SECOND;
}

static int64_t fold_of(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

static void apscheduler(void **state)
{
    json_t *all = vectors("apscheduler_dst.json"), *row, *at;
    char spec[256];
    size_t i, k;
    int64_t next = 0;

    (void)state;
    if (!all)
        skip();
    json_array_foreach(json_object_get(all, "dst"), i, row)
    {
        const struct zone *zone = zone_of(text_of(row, "tz"));
        apscheduler_spec(json_object_get(row, "fields"), spec, sizeof(spec));
        struct cron c = parsed(spec, zone);
        int64_t wanted = apscheduler_time(zone, text_of(row, "next"), fold_of(row, "fold"));
        if (i == 0) /* it leaves 02:00 of the gap out; here it runs at the next valid instant */
            wanted = instant("2013-03-10T03:00:00-04:00");
        int64_t start = apscheduler_time(zone, text_of(row, "start"), fold_of(row, "start_fold"));
        if (!cron_next(&c, start - 1, &next) || next != wanted)
            fail_msg("dst row %zu: %s", i, spec);
    }
    assert_int_equal(i, 5);
    json_array_foreach(json_object_get(all, "sequence"), i, row)
    {
        const struct zone *zone = zone_of(text_of(row, "tz"));
        apscheduler_spec(json_object_get(row, "fields"), spec, sizeof(spec));
        struct cron c = parsed(spec, zone);
        next = apscheduler_time(zone, text_of(row, "start"), 0) - 1;
        json_array_foreach(json_object_get(row, "expect"), k, at)
        {
            assert_true(cron_next(&c, next, &next));
            assert_int_equal(next, apscheduler_time(zone, json_string_value(json_array_get(at, 0)),
                                                    json_integer_value(json_array_get(at, 1))));
        }
        assert_int_equal(k, 3);
    }
    assert_int_equal(i, 2);
    json_array_foreach(json_object_get(all, "nonexistent_local"), i, row)
    {
        int64_t first, last;
        snprintf(spec, sizeof(spec), "%s:00", text_of(row, "local"));
        assert_int_equal(
            zone_instants(zone_of(text_of(row, "tz")), vector_time(spec) / CLOCK_SECOND, &first, &last),
            ZONE_GAP);
    }
    assert_int_equal(i, 1);
    json_array_foreach(json_object_get(all, "invalid"), i, row)
    {
        apscheduler_spec(row, spec, sizeof(spec));
        assert_refused(spec, NULL);
    }
    assert_int_equal(i, 12);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_mean_what_crons_mean),
        cmocka_unit_test(either_of_two_restricted_days_is_enough),
        cmocka_unit_test(what_is_rare_is_found_and_what_never_comes_is_told),
        cmocka_unit_test(any_instant_may_be_asked_for),
        cmocka_unit_test(a_skipped_time_comes_at_the_change_once),
        cmocka_unit_test(a_daily_time_that_is_shown_twice_counts_once),
        cmocka_unit_test(what_follows_the_hours_runs_in_both),
        cmocka_unit_test(an_error_names_the_field_and_what_is_allowed),
        cmocka_unit_test(robfig_cron),
        cmocka_unit_test(ccronexpr),
        cmocka_unit_test(apscheduler),
    };
    return cmocka_run_group_tests_name("cron", tests, NULL, NULL);
}
