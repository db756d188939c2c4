/* Points in time as Kimai writes them, read exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "instant.h"

static int64_t read_instant(const char *text)
{
    int64_t us = -1;

    if (instant_parse(text, &us) != 0)
        fail_msg("%s was not read", text);
    return us;
}

static const char *written(int64_t us)
{
    static char text[INSTANT_SIZE];

    instant_utc(us, text);
    return text;
}

static void offsets_without_a_colon_are_read(void **state)
{
    (void)state;
    assert_int_equal(read_instant("1970-01-01T00:00:00+0000"), 0);
    assert_int_equal(read_instant("2026-07-01T11:00:00+0200"), INT64_C(1782896400000000));
    assert_int_equal(read_instant("2026-07-01T11:00:00+02:00"), INT64_C(1782896400000000));
    assert_int_equal(read_instant("2026-07-01T09:00:00Z"), INT64_C(1782896400000000));
    assert_int_equal(read_instant("2026-07-01 09:00:00Z"), INT64_C(1782896400000000));
    assert_int_equal(read_instant("2026-07-01T11:00:00+02"), INT64_C(1782896400000000));
    assert_int_equal(read_instant("2026-07-01T03:30:00-0530"), INT64_C(1782896400000000));
    assert_int_equal(read_instant("2026-07-01T09:00:00.123456789Z"), INT64_C(1782896400123456));
}

/* An hour that its clock shows twice is two hours. */
static void the_hour_that_comes_twice_is_told_by_its_offset(void **state)
{
    (void)state;
    assert_int_equal(read_instant("2026-10-25T02:30:00+0100") - read_instant("2026-10-25T02:30:00+0200"),
                     INT64_C(3600000000));
}

static void what_is_no_instant_is_refused(void **state)
{
    static const char *const wrong[] = { "",
                                         "2026-07-01",
                                         "2026-07-01T09:00:00",
                                         "2026-07-01T09:00Z",
                                         "2026-13-01T09:00:00Z",
                                         "2026-02-29T09:00:00Z",
                                         "2026-07-00T09:00:00Z",
                                         "2026-07-01T24:00:00Z",
                                         "2026-07-01T09:60:00Z",
                                         "2026-07-01T09:00:60Z",
                                         "2026-07-01T09:00:00.Z",
                                         "2026-07-01T09:00:00z",
                                         "2026-07-01T09:00:00+2",
                                         "2026-07-01T09:00:00+020",
                                         "2026-07-01T09:00:00+02:000",
                                         "2026-07-01T09:00:00+2460",
                                         "2026-07-01T09:00:00Z ",
                                         "26-07-01T09:00:00Z" };
    int64_t us;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (instant_parse(wrong[i], &us) == 0)
            fail_msg("'%s' was read", wrong[i]);
    assert_int_equal(instant_parse(NULL, &us), -1);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    assert_string_equal(written(0), "1970-01-01T00:00:00Z");
    assert_string_equal(written(-1), "1969-12-31T23:59:59Z");
    assert_string_equal(written(INT64_C(1782896400999999)), "2026-07-01T09:00:00Z");
    for (int64_t day = -200000; day < 200000; day += 17) {
        const int64_t us = (day * 86400 + 12345) * 1000000;
        assert_int_equal(read_instant(written(us)), us);
    }
}

static void queries_have_their_own_form(void **state)
{
    char text[INSTANT_SIZE];

    (void)state;
    instant_bare(INT64_C(1782896400000000), text);
    assert_string_equal(text, "2026-07-01T09:00:00");
}

static void years_that_nobody_books_in_do_not_overflow(void **state)
{
    (void)state;
    assert_string_equal(written(INT64_MAX) + 4, "-01-10T04:00:54Z");
    assert_string_equal(written(INT64_MIN + 2000000) + 4, "-12-21T19:59:07Z");
}

static void the_heads_date_is_read(void **state)
{
    int64_t us;

    (void)state;
    assert_int_equal(instant_parse_date("Fri, 27 Nov 2026 18:22:03 GMT", &us), 0);
    assert_int_equal(us, read_instant("2026-11-27T18:22:03Z"));
    assert_int_equal(instant_parse_date("Fri, 27 Nov 2026 18:22:03 CET", &us), -1);
    assert_int_equal(instant_parse_date("Fri, 31 Feb 2026 18:22:03 GMT", &us), -1);
    assert_int_equal(instant_parse_date("Fri, 27 Foo 2026 18:22:03 GMT", &us), -1);
    assert_int_equal(instant_parse_date("now", &us), -1);
    assert_int_equal(instant_parse_date(NULL, &us), -1);
}

static void a_day_begins_at_midnight_in_utc(void **state)
{
    int64_t us;

    (void)state;
    assert_int_equal(instant_parse_day("2026-12-31", &us), 0);
    assert_int_equal(us, read_instant("2026-12-31T00:00:00Z"));
    assert_int_equal(instant_parse_day("2026-12-31T23:59:59+0100", &us), 0);
    assert_int_equal(us, read_instant("2026-12-31T00:00:00Z"));
    assert_int_equal(instant_parse_day("31.12.2026", &us), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_without_a_colon_are_read),
        cmocka_unit_test(the_hour_that_comes_twice_is_told_by_its_offset),
        cmocka_unit_test(what_is_no_instant_is_refused),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(queries_have_their_own_form),
        cmocka_unit_test(years_that_nobody_books_in_do_not_overflow),
        cmocka_unit_test(the_heads_date_is_read),
        cmocka_unit_test(a_day_begins_at_midnight_in_utc),
    };

    return cmocka_run_group_tests_name("instant", tests, NULL, NULL);
}
