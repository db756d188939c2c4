/* timesync_rounding_test.c - what a target made of some times says what it makes of another, or does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rounding.h"

#define MINUTE INT64_C(60000000)

/* 2026-03-02 00:00 UTC */
#define DAY INT64_C(1772409600000000)

/* Ten bookings of all sorts of minutes. */
static const struct {
    int begin, end;
} times[] = { { 547, 560 }, { 571, 613 }, { 618, 622 },  { 629, 701 },  { 733, 748 },
              { 755, 812 }, { 844, 849 }, { 905, 1020 }, { 967, 1003 }, { 1021, 1022 } };

enum { TIMES = sizeof(times) / sizeof(*times) };

typedef int64_t (*rule)(int64_t minute);

static int64_t as_it_is(int64_t minute)
{
    return minute;
}

static int64_t quarter_before(int64_t minute)
{
    return minute / 15 * 15;
}

static int64_t quarter_after(int64_t minute)
{
    return (minute + 14) / 15 * 15;
}

static int64_t next_quarter(int64_t minute)
{
    return (minute + 7) / 15 * 15;
}

static int64_t half_hour_after(int64_t minute)
{
    return (minute + 29) / 30 * 30;
}

static struct rounded make(int begin, int end, const rule rules[3])
{
    const int64_t from = rules[0](begin), to = rules[1](end);

    return (struct rounded){ .begin = DAY + begin * MINUTE,
                             .end = DAY + end * MINUTE,
                             .made_begin = DAY + from * MINUTE,
                             .made_end = DAY + to * MINUTE,
                             .made_seconds = rules[2](to - from) * 60 };
}

static size_t learn(struct rounded known[TIMES], const rule rules[3])
{
    for (size_t i = 0; i < TIMES; i++)
        known[i] = make(times[i].begin, times[i].end, rules);
    return TIMES;
}

static const rule ways[][3] = {
    { as_it_is, as_it_is, as_it_is },         { quarter_before, quarter_after, as_it_is },
    { next_quarter, next_quarter, as_it_is }, { quarter_after, quarter_after, quarter_after },
    { as_it_is, as_it_is, half_hour_after },
};

static void what_it_makes_is_known(void **state)
{
    struct rounded known[TIMES], is;

    (void)state;
    for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++) {
        const size_t n = learn(known, ways[w]);

        for (int begin = 480; begin < 600; begin += 7) {
            is = make(begin, begin + 38, ways[w]);
            assert_int_equal(rounding_explains(known, n, &is), ROUNDING_YES);
        }
    }
}

/* Whatever somebody changes is none of it, by however many minutes. */
static void an_edit_is_none(void **state)
{
    struct rounded known[TIMES];

    (void)state;
    for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++) {
        const size_t n = learn(known, ways[w]);

        for (int by = -60; by <= 60; by++) {
            struct rounded later = make(547, 583, ways[w]), earlier = later, longer = later;

            if (!by)
                continue;
            later.made_end += by * MINUTE;
            earlier.made_begin += by * MINUTE;
            longer.made_seconds += by * 60;
            assert_int_not_equal(rounding_explains(known, n, &later), ROUNDING_YES);
            assert_int_not_equal(rounding_explains(known, n, &earlier), ROUNDING_YES);
            assert_int_not_equal(rounding_explains(known, n, &longer), ROUNDING_YES);
        }
    }
}

/* Of a target that is known to round to quarters nobody takes another minute for one. */
static void it_is_known_to_be_none(void **state)
{
    struct rounded known[TIMES], is = make(547, 583, ways[1]);
    const size_t n = learn(known, ways[1]);

    (void)state;
    is.made_end += 15 * MINUTE;
    is.made_seconds += 900;
    assert_int_equal(rounding_explains(known, n, &is), ROUNDING_NO);
}

static void little_is_known(void **state)
{
    struct rounded known[TIMES], is = make(547, 583, ways[1]);

    (void)state;
    learn(known, ways[1]);
    assert_int_equal(rounding_explains(known, 0, &is), ROUNDING_MAYBE);
    assert_int_equal(rounding_explains(known + 2, 1, &is), ROUNDING_MAYBE);
    is.made_end += 3 * 1440 * MINUTE; /* no rounding is as coarse as that */
    is.made_seconds += 3 * 86400;
    assert_int_equal(rounding_explains(known, 0, &is), ROUNDING_NO);
}

/* It was changed by its admin, or holds on some days only. */
static void it_rounds_in_two_ways(void **state)
{
    struct rounded known[2 * TIMES], is = make(547, 583, ways[1]);

    (void)state;
    learn(known, ways[1]);
    learn(known + TIMES, ways[0]);
    assert_int_equal(rounding_explains(known, sizeof(known) / sizeof(*known), &is), ROUNDING_MAYBE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_makes_is_known), cmocka_unit_test(an_edit_is_none),
        cmocka_unit_test(it_is_known_to_be_none), cmocka_unit_test(little_is_known),
        cmocka_unit_test(it_rounds_in_two_ways),
    };

    return cmocka_run_group_tests_name("rounding", tests, NULL, NULL);
}
