/* timesync_decimal_test.c - amounts, also against sums of whole numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "decimal.h"

const void *dw_host_; /* the library's other files want one */

static const struct {
    const char *amount, *factor;
    int64_t seconds, is;
} good[] = {
    { "15.0", "1", 60, 900 },
    { "0", "1", 60, 0 },
    { "-0.5", "1", 60, -30 },
    { "0.1", "60", 60, 360 },
    { "7.25", "1", 3600, 26100 },
    { "7.5", "15", 60, 6750 },
    { "0.008", "1", 60, 0 }, /* 0.48 s */
    { "0.0083", "1", 60, 0 },
    { "0.00833333333333333", "1", 60, 0 },
    { "0.00834", "1", 60, 1 }, /* 0.5004 s */
    { "0.025", "1", 60, 2 },   /* 1.5 s: away from zero */
    { "-0.025", "1", 60, -2 },
    { "0.008333333333333333", "1", 60, 0 },
    { "00012.50", "1", 60, 750 },
    { "+3", "1", 60, 180 },
    { "33.333333333333333333", "1", 60, 2000 },
    { "99999999999999999999", "0.0000000000000000001", 1, 10 },
};

static const char *const bad[] = {
    "",    " ",     "1,5", "1.",  ".5",  "1e3", "0x10", "1 ",       " 1",
    "--1", "1.2.3", "abc", "NaN", "inf", "-",   "1_0",  "\xc2\xbd", "123456789012345678901",
    "1-",
};

static void gives_seconds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        int64_t is = -77;

        if (decimal_seconds(good[i].amount, good[i].factor, good[i].seconds, &is) != 0 || is != good[i].is)
            fail_msg("%s x %s x %lld is %lld", good[i].amount, good[i].factor, (long long)good[i].seconds,
                     (long long)is);
    }
}

static void refuses_rubbish(void **state)
{
    int64_t is;

    (void)state;
    assert_int_equal(decimal_seconds(NULL, "1", 60, &is), -1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (decimal_seconds(bad[i], "1", 60, &is) == 0 || decimal_seconds("1", bad[i], 60, &is) == 0 ||
            decimal_valid(bad[i]))
            fail_msg("'%s' was taken", bad[i]);
    assert_int_equal(decimal_seconds("99999999999999999999", "99999999999999999999", 3600, &is), -1);
    assert_int_equal(decimal_seconds("9999999999999999999", "1", 3600, &is), -1);
}

static uint64_t seed = 20261127;

static uint64_t next(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

/* a/100 x b/10 x 60 = a x b x 6 / 100, rounded half away from zero: the same with whole numbers. */
static void agrees_with_whole_numbers(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        const int64_t a = (int64_t)next(10000000), b = (int64_t)next(10000), product = a * b * 6;
        const int64_t expected = (product + 50) / 100;
        const int sign = next(2) ? -1 : 1;
        char amount[40], factor[40];
        int64_t is;

        snprintf(amount, sizeof(amount), "%s%lld.%02lld", sign < 0 ? "-" : "", (long long)(a / 100),
                 (long long)(a % 100));
        snprintf(factor, sizeof(factor), "%lld.%lld", (long long)(b / 10), (long long)(b % 10));
        assert_int_equal(decimal_seconds(amount, factor, 60, &is), 0);
        if (is != sign * expected)
            fail_msg("%s x %s is %lld, not %lld (seed %llu)", amount, factor, (long long)is,
                     (long long)(sign * expected), (unsigned long long)seed);
    }
}

/* Zeros before and after change nothing. */
static void zeros_change_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const unsigned a = (unsigned)next(1000000), b = (unsigned)next(1000);
        char plain[40], padded[40];
        int64_t x, y;

        snprintf(plain, sizeof(plain), "%u.%03u", a, b);
        snprintf(padded, sizeof(padded), "000%u.%03u000", a, b);
        assert_int_equal(decimal_seconds(plain, "1", 60, &x), 0);
        assert_int_equal(decimal_seconds(padded, "1.0", 60, &y), 0);
        assert_int_equal(x, y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_seconds),
        cmocka_unit_test(refuses_rubbish),
        cmocka_unit_test(agrees_with_whole_numbers),
        cmocka_unit_test(zeros_change_nothing),
    };

    return cmocka_run_group_tests_name("decimals", tests, NULL, NULL);
}
