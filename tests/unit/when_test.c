/* Schedules: intervals that do not drift, one instant, jitter, and what was missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/when.h"
#include "util/clock.h"

enum { MINUTE = 60 * CLOCK_SECOND };

static const struct zone *berlin(void)
{
    const struct zone *z;
    struct buf why = BUF_INIT;

    if (zone_find(&z, STR_OF("Europe/Berlin"), &why) != 0)
        fail_msg("%s", buf_text(&why));
    return z;
}

static struct when parsed(const char *text)
{
    struct when w;
    struct buf why = BUF_INIT;

    if (when_parse(&w, str_from(text), berlin(), &why) != 0)
        fail_msg("%s: %s", text, buf_text(&why));
    buf_finish(&why);
    return w;
}

static int64_t instant(const char *rfc3339)
{
    int64_t us;

    if (!clock_parse_rfc3339(str_from(rfc3339), &us))
        fail_msg("%s is no instant", rfc3339);
    return us;
}

static void assert_refused(const char *text, const char *with)
{
    struct when w;
    struct buf why = BUF_INIT;

    assert_int_equal(when_parse(&w, str_from(text), berlin(), &why), -1);
    if (!strstr(buf_text(&why), with))
        fail_msg("%s: says \"%s\", wanted \"%s\"", text, buf_text(&why), with);
    buf_finish(&why);
}

static void an_interval_does_not_drift(void **state)
{
    struct when w = parsed("every 5m");
    int64_t next, anchor = instant("2026-01-01T00:00:07.5Z");

    (void)state;
    w.anchor_us = anchor;
    assert_int_equal(w.kind, WHEN_EVERY);
    assert_true(when_next(&w, anchor - 1, &next));
    assert_int_equal(next, anchor);
    assert_true(when_next(&w, anchor, &next));
    assert_int_equal(next, anchor + 5 * (int64_t)MINUTE);
    /* However late somebody asks. */
    assert_true(when_next(&w, anchor + 1000 * 5 * (int64_t)MINUTE + 123456, &next));
    assert_int_equal(next, anchor + 1001 * 5 * (int64_t)MINUTE);
    assert_true(when_next(&w, anchor - 7 * (int64_t)MINUTE, &next));
    assert_int_equal(next, anchor - 5 * (int64_t)MINUTE);
    assert_int_equal(parsed("every 1h30m").every_us, 90 * (int64_t)MINUTE);
    assert_int_equal(parsed("@every 90s").every_us, 90 * (int64_t)CLOCK_SECOND);
}

static void a_date_comes_once(void **state)
{
    struct when w = parsed("2026-12-24T18:00:00+01:00");
    int64_t next, at = instant("2026-12-24T17:00:00Z");

    (void)state;
    assert_int_equal(w.kind, WHEN_ONCE);
    assert_true(when_next(&w, at - 1, &next));
    assert_int_equal(next, at);
    assert_false(when_next(&w, at, &next));
    /* Without an offset by the clock of the zone: skipped, shown twice. */
    assert_int_equal(parsed("2026-12-24T18:00:00").at_us, at);
    assert_int_equal(parsed("2026-12-24T18:00:00.25").at_us, at + 250000);
    assert_int_equal(parsed("2025-03-30T02:30:00.5").at_us, instant("2025-03-30T01:00:00Z"));
    assert_int_equal(parsed("2025-10-26T02:30:00").at_us, instant("2025-10-26T00:30:00Z"));
}

static void an_expression_is_read_in_the_zone(void **state)
{
    int64_t next;
    struct when w = parsed("0 3 * * *");

    (void)state;
    assert_true(when_next(&w, instant("2026-07-01T00:00:00Z"), &next));
    assert_int_equal(next, instant("2026-07-01T01:00:00Z"));
    w = parsed("TZ=UTC 0 3 * * *");
    assert_true(when_next(&w, instant("2026-07-01T00:00:00Z"), &next));
    assert_int_equal(next, instant("2026-07-01T03:00:00Z"));
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    assert_refused("", "a schedule is empty");
    assert_refused("every", "has 1 field;");
    assert_refused("every 5", "\"every 5m\"");
    assert_refused("every 0", "shorter than a second");
    assert_refused("every 10ms", "shorter than a second");
    assert_refused("every 367d", "longer than 366 days");
    assert_refused("every -5m", "the interval \"-5m\" cannot be used");
    assert_refused("2026-02-30T00:00:00Z", "is no date and time");
    assert_refused("2026-02-28", "is no date and time");
    assert_refused("0 3 * *", "has 4 fields");
}

static void jitter_belongs_to_a_name(void **state)
{
    int64_t seen[8], least = MINUTE, most = 0;

    (void)state;
    for (int i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof(name), "plugin/%d", i);
        seen[i] = when_jitter_us(str_from(name), MINUTE);
        assert_int_equal(seen[i], when_jitter_us(str_from(name), MINUTE));
        assert_in_range(seen[i], 0, MINUTE);
        least = seen[i] < least ? seen[i] : least;
        most = seen[i] > most ? seen[i] : most;
    }
    assert_true(most - least > MINUTE / 4);
    assert_int_equal(when_jitter_us(STR_OF("x"), 0), 0);

    struct when w = parsed("0 * * * *");
    int64_t next;
    w.jitter_us = 7 * CLOCK_SECOND;
    assert_true(when_next(&w, instant("2026-07-01T00:00:06Z"), &next));
    assert_int_equal(next, instant("2026-07-01T00:00:07Z"));
    assert_true(when_next(&w, next, &next));
    assert_int_equal(next, instant("2026-07-01T01:00:07Z"));
}

static void the_last_one_is_found_without_walking(void **state)
{
    struct when w = parsed("* * * * * *");
    int64_t last, from = instant("2020-01-01T00:00:00Z"), to = instant("2026-01-01T00:00:00.9Z");

    (void)state;
    assert_true(when_last(&w, from, to, &last));
    assert_int_equal(last, instant("2026-01-01T00:00:00Z"));
    w = parsed("0 0 29 2 *");
    assert_true(when_last(&w, from, to, &last));
    assert_int_equal(last, instant("2024-02-28T23:00:00Z"));
    assert_false(when_last(&w, last + 1, to, &last));
    assert_true(when_last(&w, last, last, &last));
    assert_false(when_last(&w, to, from, &last));
    w = parsed("2026-12-24T18:00:00Z");
    assert_true(when_last(&w, w.at_us, w.at_us, &last));
    assert_false(when_last(&w, w.at_us + 1, w.at_us + 2, &last));
}

/* ---- what was missed: hourly, due at 10:00, and now it is later ---- */

static struct when_firing fired(const char *when, enum when_misfire misfire, const char *due, const char *now)
{
    struct when w = parsed(when);
    struct when_firing f;

    when_fire(&w, misfire, instant(due), instant(now), MINUTE, &f);
    return f;
}

static void nothing_fires_before_its_time(void **state)
{
    (void)state;
    for (int m = WHEN_COALESCE; m <= WHEN_ALL; m++) {
        /* A clock that was set back finds it so. */
        struct when_firing f =
            fired("0 * * * *", (enum when_misfire)m, "2026-07-01T10:00:00Z", "2026-07-01T07:00:00Z");
        assert_int_equal(f.n, 0);
        assert_true(f.has_next);
        assert_int_equal(f.next_us, instant("2026-07-01T10:00:00Z"));
    }
}

static void what_is_due_fires_whatever_is_done_about_misfires(void **state)
{
    (void)state;
    for (int m = WHEN_COALESCE; m <= WHEN_ALL; m++) {
        struct when_firing f =
            fired("0 * * * *", (enum when_misfire)m, "2026-07-01T10:00:00Z", "2026-07-01T10:00:59Z");
        assert_int_equal(f.n, 1);
        assert_false(f.left_out);
        assert_int_equal(f.at_us[0], instant("2026-07-01T10:00:00Z"));
        assert_int_equal(f.next_us, instant("2026-07-01T11:00:00Z"));
    }
}

static void coalesce_makes_one_of_them(void **state)
{
    (void)state;
    struct when_firing f = fired("0 * * * *", WHEN_COALESCE, "2026-07-01T10:00:00Z", "2026-07-03T10:30:00Z");
    assert_int_equal(f.n, 1);
    assert_true(f.left_out);
    assert_int_equal(f.at_us[0], instant("2026-07-03T10:00:00Z"));
    assert_int_equal(f.next_us, instant("2026-07-03T11:00:00Z"));
    f = fired("0 10 * * *", WHEN_COALESCE, "2026-07-01T08:00:00Z", "2026-07-01T20:00:00Z");
    assert_int_equal(f.n, 1);
    assert_false(f.left_out);
}

static void skip_leaves_out_what_is_too_late(void **state)
{
    (void)state;
    struct when_firing f = fired("0 * * * *", WHEN_SKIP, "2026-07-01T10:00:00Z", "2026-07-03T10:30:00Z");
    assert_int_equal(f.n, 0);
    assert_true(f.left_out);
    assert_int_equal(f.next_us, instant("2026-07-03T11:00:00Z"));
    /* Back just in time for the newest. */
    f = fired("0 * * * *", WHEN_SKIP, "2026-07-01T10:00:00Z", "2026-07-03T10:00:30Z");
    assert_int_equal(f.n, 1);
    assert_true(f.left_out);
    assert_int_equal(f.at_us[0], instant("2026-07-03T10:00:00Z"));
}

static void all_means_each_of_them_up_to_a_limit(void **state)
{
    (void)state;
    struct when_firing f = fired("0 * * * *", WHEN_ALL, "2026-07-01T10:00:00Z", "2026-07-01T12:30:00Z");
    assert_int_equal(f.n, 3);
    assert_false(f.left_out);
    for (size_t i = 0; i < f.n; i++)
        assert_int_equal(f.at_us[i], instant("2026-07-01T10:00:00Z") + (int64_t)i * 60 * MINUTE);
    assert_int_equal(f.next_us, instant("2026-07-01T13:00:00Z"));
    f = fired("*/10 * * * * *", WHEN_ALL, "2020-01-01T00:00:00Z", "2026-07-01T00:00:00Z");
    assert_int_equal(f.n, WHEN_ALL_MAX);
    assert_true(f.left_out);
    assert_int_equal(f.at_us[0], instant("2026-06-30T23:43:30Z"));
    assert_int_equal(f.at_us[WHEN_ALL_MAX - 1], instant("2026-07-01T00:00:00Z"));
}

static void what_is_over_has_no_next(void **state)
{
    (void)state;
    struct when_firing f =
        fired("2026-07-01T10:00:00Z", WHEN_COALESCE, "2026-07-01T10:00:00Z", "2026-07-09T10:00:00Z");
    assert_int_equal(f.n, 1);
    assert_false(f.has_next);
    f = fired("2026-07-01T10:00:00Z", WHEN_SKIP, "2026-07-01T10:00:00Z", "2026-07-09T10:00:00Z");
    assert_int_equal(f.n, 0);
    assert_false(f.has_next);
}

static void policies_have_names(void **state)
{
    enum when_misfire m;

    (void)state;
    assert_true(when_misfire_parse(STR_OF("skip"), &m));
    assert_int_equal(m, WHEN_SKIP);
    assert_false(when_misfire_parse(STR_OF("later"), &m));
    assert_string_equal(when_misfire_name(WHEN_COALESCE), "coalesce");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interval_does_not_drift),
        cmocka_unit_test(a_date_comes_once),
        cmocka_unit_test(an_expression_is_read_in_the_zone),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(jitter_belongs_to_a_name),
        cmocka_unit_test(the_last_one_is_found_without_walking),
        cmocka_unit_test(nothing_fires_before_its_time),
        cmocka_unit_test(what_is_due_fires_whatever_is_done_about_misfires),
        cmocka_unit_test(coalesce_makes_one_of_them),
        cmocka_unit_test(skip_leaves_out_what_is_too_late),
        cmocka_unit_test(all_means_each_of_them_up_to_a_limit),
        cmocka_unit_test(what_is_over_has_no_next),
        cmocka_unit_test(policies_have_names),
    };
    return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
