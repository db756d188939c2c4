#include "util/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>

#include "util/compiler.h"

static void assert_rfc3339(int64_t us, const char *wanted)
{
    char text[CLOCK_RFC3339_SIZE];

    clock_format_rfc3339(us, text);
    assert_string_equal(text, wanted);
}

static void rfc3339(void **state)
{
    (void)state;
    assert_rfc3339(0, "1970-01-01T00:00:00.000000Z");
    assert_rfc3339(784111777123456, "1994-11-06T08:49:37.123456Z");
    assert_rfc3339(951782400000001, "2000-02-29T00:00:00.000001Z");
    assert_rfc3339(-1, "1969-12-31T23:59:59.999999Z");
    assert_rfc3339(-1500000, "1969-12-31T23:59:58.500000Z");
    assert_rfc3339(253402300799999999, "9999-12-31T23:59:59.999999Z");
    assert_rfc3339(INT64_MAX, "9999-12-31T23:59:59.999999Z");
    assert_rfc3339(INT64_MIN, "0000-01-01T00:00:00.000000Z");
}

static void assert_parsed(const char *text, int64_t wanted)
{
    int64_t us = -1;

    assert_true(clock_parse_rfc3339(str_from(text), &us));
    assert_true(us == wanted);
}

static void rfc3339_is_parsed(void **state)
{
    char text[CLOCK_RFC3339_SIZE];

    (void)state;
    assert_parsed("1970-01-01T00:00:00Z", 0);
    assert_parsed("1994-11-06T08:49:37.123456Z", 784111777123456);
    assert_parsed("1994-11-06t09:49:37.1234569+01:00", 784111777123456);
    assert_parsed("1994-11-05T22:19:37.5-10:30", 784111777500000);
    assert_parsed("1969-12-31T23:59:59.999999z", -1);
    assert_parsed("2000-02-29T00:00:00.000001-00:00", 951782400000001);
    for (int64_t t = -62167219200; t < 253402300800; t += 86400 * 97 + 3607) {
        clock_format_rfc3339(t * CLOCK_SECOND + 42, text);
        assert_parsed(text, t * CLOCK_SECOND + 42);
    }
}

static void odd_rfc3339(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-11-21",
        "2026-11-21T08:05:00",
        "2026-11-21 08:05:00Z",
        "2026-11-21T08:05Z",
        "2026-11-21T08:05:00 Z",
        "2026-11-21T08:05:00ZZ",
        "2026-11-21T08:05:00.Z",
        "2026-11-21T08:05:00,5Z",
        "2026-11-21T08:05:60Z",
        "2026-12-31T23:59:60Z",
        "2026-11-21T24:00:00Z",
        "2026-11-31T08:05:00Z",
        "2026-02-29T08:05:00Z",
        "2026-13-01T08:05:00Z",
        "2026-00-01T08:05:00Z",
        "2026-01-00T08:05:00Z",
        "2026-11-21T08:05:00+1:00",
        "2026-11-21T08:05:00+01",
        "2026-11-21T08:05:00+0100",
        "2026-11-21T08:05:00+24:00",
        "2026-11-21T08:05:00+01:60",
        "26-11-21T08:05:00Z",
        "+2026-11-21T08:05:00Z",
        "2026-11-21T08:05:-1Z",
    };
    int64_t us;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        if (clock_parse_rfc3339(str_from(bad[i]), &us))
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

/* The form that is written is read a quicker way: one digit more, and it is read the general one. */
static void assert_read_alike(const char *text)
{
    char longer[CLOCK_RFC3339_SIZE + 1];
    int64_t us = 0, of_longer = 0;

    snprintf(longer, sizeof(longer), "%.26s0%s", text, text + 26);
    bool is_one = clock_parse_rfc3339(str_make(text, CLOCK_RFC3339_SIZE - 1), &us);
    if (is_one != clock_parse_rfc3339(str_from(longer), &of_longer) || us != of_longer)
        fail_msg("\"%s\" and \"%s\" are not read alike", text, longer);
}

static void the_quick_way_reads_the_same(void **state)
{
    static const char *const texts[] = {
        "2026-11-21T08:05:00.123456Z", "2024-02-29T23:59:59.999999Z", "2023-02-29T23:59:59.999999Z",
        "1900-02-28T19:10:10.000000Z", "0000-03-01T00:00:00.000000Z",
    };
    char text[CLOCK_RFC3339_SIZE];

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(texts); i++) {
        for (size_t at = 0; at < CLOCK_RFC3339_SIZE - 1; at++) {
            for (int c = 1; c < 256; c++) {
                memcpy(text, texts[i], sizeof(text));
                text[at] = (char)c;
                assert_read_alike(text);
            }
        }
    }
}

static void http_dates(void **state)
{
    char text[CLOCK_HTTP_SIZE];

    (void)state;
    clock_format_http(784111777000000, text);
    assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_int_equal(clock_parse_http(text, strlen(text)), 784111777);
    for (int64_t t = 0; t < 4102444800; t += 86400 * 13 + 3607) {
        clock_format_http(t * CLOCK_SECOND, text);
        assert_int_equal(clock_parse_http(text, strlen(text)), t);
    }
}

static void odd_http_dates(void **state)
{
    static const char *const bad[] = {
        "",
        "Sun, 06 Nov 1994 08:49:37 GM",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Xxx 1994 08:49:37 GMT",
        "Sun, -6 Nov 1994 08:49:37 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT",
        "Sun,  6 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 1994 08:49:37 GMT",
        "Sun, 32 Dec 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994\t08:49:37 GMT",
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        if (clock_parse_http(bad[i], strlen(bad[i])) != -1)
            fail_msg("%s was taken", bad[i]);
    }
    assert_int_equal(clock_parse_http("Sun, 06 Nov 1994 08:\0009:37 GMT", 29), -1);
    assert_int_equal(clock_parse_http("Tue, 29 Feb 2000 00:00:00 GMT", 29), 951782400);
    /* The second of the leap is that before it. */
    assert_int_equal(clock_parse_http("Sat, 31 Dec 2016 23:59:60 GMT", 29), 1483228799);
}

/* Every day of the four-digit years, at some second of it, as the library has it. */
static void the_calendar_is_the_librarys(void **state)
{
    char ours[CLOCK_RFC3339_SIZE], theirs[64];

    (void)state;
    for (int64_t day = -719528, second = 0; day <= 2932896; day++, second = (second + 7919) % 86400) {
        time_t t = (time_t)(day * 86400 + second);
        int64_t us;
        struct tm tm;
        assert_non_null(gmtime_r(&t, &tm));
        snprintf(theirs, sizeof(theirs), "%04d-%02d-%02dT%02d:%02d:%02d.000000Z", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        clock_format_rfc3339((int64_t)t * CLOCK_SECOND, ours);
        assert_string_equal(ours, theirs);
        assert_true(clock_parse_rfc3339(str_from(ours), &us));
        assert_int_equal(us, (int64_t)t * CLOCK_SECOND);
        char http[CLOCK_HTTP_SIZE];
        strftime(theirs, sizeof(theirs), "%a, %d %b", &tm);
        clock_format_http((int64_t)t * CLOCK_SECOND, http);
        assert_memory_equal(http, theirs, 11);
    }
}

static void the_monotonic_clock_runs(void **state)
{
    int64_t before = clock_monotonic_us(), wall = clock_wall_us();

    (void)state;
    assert_true(clock_monotonic_us() >= before);
    assert_true(wall > 1700000000 * (int64_t)CLOCK_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc3339),
        cmocka_unit_test(rfc3339_is_parsed),
        cmocka_unit_test(odd_rfc3339),
        cmocka_unit_test(the_quick_way_reads_the_same),
        cmocka_unit_test(http_dates),
        cmocka_unit_test(odd_http_dates),
        cmocka_unit_test(the_monotonic_clock_runs),
        cmocka_unit_test(the_calendar_is_the_librarys),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
