#include "http/ratelimit.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/compiler.h"

enum { T0 = 1000 * CLOCK_SECOND };

static const struct rate_rule ten_a_minute = { .limit = 10,
                                               .window_us = 60 * (int64_t)CLOCK_SECOND,
                                               .burst = 10 };

static struct ratelimit *create(size_t entries)
{
    struct ratelimit *r = NULL;
    assert_int_equal(ratelimit_create(&r, entries), 0);
    return r;
}

static struct rate_result take(struct ratelimit *r, const char *key, const struct rate_rule *rule,
                               int64_t now_us)
{
    struct rate_result result;
    ratelimit_take(r, RATE_USER, str_from(key), rule, now_us, &result);
    return result;
}

static void a_burst_is_allowed_and_then_the_rate(void **state)
{
    struct ratelimit *r = create(0);
    struct rate_result got;

    (void)state;
    for (uint32_t i = 0; i < 10; i++) {
        got = take(r, "a", &ten_a_minute, T0);
        assert_true(got.allowed);
        assert_int_equal(got.limit, 10);
        assert_int_equal(got.remaining, 9 - i);
        assert_int_equal(got.reset_s, 6 * (i + 1));
        assert_int_equal(got.retry_after_s, 0);
    }
    got = take(r, "a", &ten_a_minute, T0);
    assert_false(got.allowed);
    assert_int_equal(got.remaining, 0);
    assert_int_equal(got.reset_s, 60);
    assert_int_equal(got.retry_after_s, 6);

    /* One token in six seconds: not a microsecond earlier, and refusals did not delay it. */
    got = take(r, "a", &ten_a_minute, T0 + 6 * CLOCK_SECOND - 1);
    assert_false(got.allowed);
    assert_int_equal(got.retry_after_s, 1);
    assert_true(take(r, "a", &ten_a_minute, T0 + 6 * CLOCK_SECOND).allowed);
    assert_false(take(r, "a", &ten_a_minute, T0 + 6 * CLOCK_SECOND).allowed);

    /* Rested, it may burst again, but no more than that. */
    int64_t later = T0 + 3600 * (int64_t)CLOCK_SECOND;
    for (uint32_t i = 0; i < 10; i++)
        assert_true(take(r, "a", &ten_a_minute, later).allowed);
    assert_false(take(r, "a", &ten_a_minute, later).allowed);
    ratelimit_destroy(r);
}

static void buckets_are_apart(void **state)
{
    struct ratelimit *r = create(0);
    const struct rate_rule once = { .limit = 1, .window_us = CLOCK_SECOND, .burst = 1 };
    struct rate_result got;

    (void)state;
    for (int kind = RATE_ADDRESS; kind <= RATE_ROUTE; kind++) {
        ratelimit_take(r, (enum rate_kind)kind, STR_OF("12345678"), &once, T0, &got);
        assert_true(got.allowed);
        ratelimit_take(r, (enum rate_kind)kind, STR_OF("12345678"), &once, T0, &got);
        assert_false(got.allowed);
    }
    static const char *const keys[] = {
        "", "a", "b", "ab", "1234567", "123456789", "1234567812345678", "1234567812345678x"
    };
    for (size_t i = 0; i < DW_COUNT_OF(keys); i++) {
        assert_true(take(r, keys[i], &once, T0).allowed);
        assert_false(take(r, keys[i], &once, T0).allowed);
    }
    ratelimit_destroy(r);
}

static void the_burst_can_differ_from_the_limit(void **state)
{
    struct ratelimit *r = create(0);
    const struct rate_rule small = { .limit = 10, .window_us = CLOCK_SECOND, .burst = 2 };
    const struct rate_rule large = { .limit = 1, .window_us = CLOCK_SECOND, .burst = 20 };
    struct rate_result got;

    (void)state;
    assert_true(take(r, "s", &small, T0).allowed);
    assert_true(take(r, "s", &small, T0).allowed);
    assert_false(take(r, "s", &small, T0).allowed);
    assert_true(take(r, "s", &small, T0 + 100000).allowed);
    for (int i = 0; i < 20; i++) {
        got = take(r, "l", &large, T0);
        assert_true(got.allowed);
    }
    assert_int_equal(got.limit, 20);
    got = take(r, "l", &large, T0);
    assert_false(got.allowed);
    assert_int_equal(got.retry_after_s, 1);
    assert_int_equal(got.reset_s, 20);
    ratelimit_destroy(r);
}

static void extreme_rules_do_not_overflow(void **state)
{
    struct ratelimit *r = create(0);
    const struct rate_rule slow = { .limit = 1,
                                    .window_us = 30 * INT64_C(86400) * CLOCK_SECOND,
                                    .burst = UINT32_MAX };
    const struct rate_rule fast = { .limit = UINT32_MAX, .window_us = 1, .burst = UINT32_MAX };

    (void)state;
    assert_true(take(r, "s", &slow, T0).allowed);
    assert_true(take(r, "f", &fast, T0).allowed);
    ratelimit_destroy(r);
}

static void a_stricter_rule_takes_effect_at_once(void **state)
{
    struct ratelimit *r = create(0);
    const struct rate_rule hour = { .limit = 2, .window_us = 3600 * (int64_t)CLOCK_SECOND, .burst = 2 };
    const struct rate_rule second = { .limit = 1, .window_us = CLOCK_SECOND, .burst = 1 };

    (void)state;
    take(r, "a", &hour, T0);
    take(r, "a", &hour, T0);
    struct rate_result got = take(r, "a", &second, T0);
    assert_false(got.allowed);
    assert_int_equal(got.retry_after_s, 1);
    assert_true(take(r, "a", &second, T0 + CLOCK_SECOND).allowed);
    ratelimit_destroy(r);
}

/* Very many strangers ask once each: those who asked too much stay refused, everybody new is let in. */
static void a_flood_of_addresses_does_not_free_the_greedy(void **state)
{
    struct ratelimit *r = create(512);
    struct rate_result got;
    char key[16];

    (void)state;
    for (int g = 0; g < 16; g++) {
        snprintf(key, sizeof(key), "greedy%d", g);
        for (int i = 0; i < 10; i++)
            take(r, key, &ten_a_minute, T0);
    }
    for (unsigned i = 0; i < 100000; i++) {
        ratelimit_take(r, RATE_ADDRESS, str_make((const char *)&i, sizeof(i)), &ten_a_minute, T0, &got);
        assert_true(got.allowed);
    }
    int refused = 0;
    for (int g = 0; g < 16; g++) {
        snprintf(key, sizeof(key), "greedy%d", g);
        refused += !take(r, key, &ten_a_minute, T0).allowed;
    }
    assert_int_equal(refused, 16);
    ratelimit_destroy(r);
}

static struct str key_of(const char *text, struct address *a)
{
    assert_int_equal(address_parse(str_from(text), a), 0);
    return ratelimit_address_key(a);
}

static void an_address_is_itself_or_its_network(void **state)
{
    struct address a, b;

    (void)state;
    assert_true(str_equal(key_of("192.0.2.1", &a), key_of("::ffff:192.0.2.1", &b)));
    assert_false(str_equal(key_of("192.0.2.1", &a), key_of("192.0.2.2", &b)));
    assert_true(str_equal(key_of("2001:db8:0:1::1", &a), key_of("2001:db8:0:1:ffff::2", &b)));
    assert_false(str_equal(key_of("2001:db8:0:1::1", &a), key_of("2001:db8:0:2::1", &b)));
    a = (struct address){ .size = 0 };
    assert_int_equal(ratelimit_address_key(&a).n, 0);
}

static void fields_are_written(void **state)
{
    struct rate_result result = { .allowed = true, .limit = 10, .remaining = 7, .reset_s = 18 };
    struct rate_rule rule = ten_a_minute;
    struct rate_fields f;

    (void)state;
    rate_fields_write(&rule, &result, &f);
    assert_string_equal(f.limit, "10");
    assert_string_equal(f.remaining, "7");
    assert_string_equal(f.reset, "18");
    assert_string_equal(f.policy, "10;w=60");
    assert_string_equal(f.retry_after, "");

    rule = (struct rate_rule){ .limit = 5, .window_us = 1, .burst = 20 };
    result = (struct rate_result){ .limit = 20, .retry_after_s = UINT32_MAX, .reset_s = UINT32_MAX };
    rate_fields_write(&rule, &result, &f);
    assert_string_equal(f.policy, "5;w=1;burst=20");
    assert_string_equal(f.retry_after, "4294967295");
}

struct crowd {
    struct ratelimit *r;
    atomic_uint allowed;
};

static void *ask_often(void *ud)
{
    struct crowd *crowd = ud;
    const struct rate_rule rule = { .limit = 1000, .window_us = 3600 * (int64_t)CLOCK_SECOND, .burst = 1000 };

    for (int i = 0; i < 5000; i++) {
        struct rate_result got = take(crowd->r, i % 2 ? "one" : "two", &rule, T0);
        atomic_fetch_add(&crowd->allowed, got.allowed);
    }
    return NULL;
}

static void threads_do_not_get_more_together(void **state)
{
    struct crowd crowd = { .r = create(0) };
    pthread_t thread[4];

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(thread); i++)
        assert_int_equal(pthread_create(&thread[i], NULL, ask_often, &crowd), 0);
    for (size_t i = 0; i < DW_COUNT_OF(thread); i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&crowd.allowed), 2000);
    ratelimit_destroy(crowd.r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_allowed_and_then_the_rate),
        cmocka_unit_test(buckets_are_apart),
        cmocka_unit_test(the_burst_can_differ_from_the_limit),
        cmocka_unit_test(extreme_rules_do_not_overflow),
        cmocka_unit_test(a_stricter_rule_takes_effect_at_once),
        cmocka_unit_test(a_flood_of_addresses_does_not_free_the_greedy),
        cmocka_unit_test(an_address_is_itself_or_its_network),
        cmocka_unit_test(fields_are_written),
        cmocka_unit_test(threads_do_not_get_more_together),
    };
    return cmocka_run_group_tests_name("ratelimit", tests, NULL, NULL);
}
