/* Timers: when they fire, and what may happen to them while others do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/compiler.h"
#include "util/wheel.h"

enum { TICK = WHEEL_TICK_US, START = 12345678 };

struct alarm {
    struct timer timer;
    int64_t fired_us; /* 0: not */
    unsigned times;
    int64_t again_us;     /* set anew, so much later */
    struct timer *cancel; /* when it fires */
};

static struct wheel wheel;
static int64_t now;

static void on_fire(struct timer *t, void *ud)
{
    struct alarm *a = LIST_OWNER(t, struct alarm, timer);

    (void)ud;
    a->fired_us = now;
    a->times++;
    if (a->again_us)
        wheel_set(&wheel, t, now + a->again_us);
    if (a->cancel)
        wheel_cancel(&wheel, a->cancel);
}

static void go_to(int64_t us)
{
    now = us;
    wheel_advance(&wheel, now, on_fire, NULL);
}

/* As the loop does: ten times a second. */
static void pass(int64_t us)
{
    for (int64_t end = now + us; now < end;)
        go_to(now + TICK < end ? now + TICK : end);
}

static void alarm_init(struct alarm *a)
{
    *a = (struct alarm){ .times = 0 };
    timer_init(&a->timer);
}

static int begin(void **state)
{
    (void)state;
    now = START;
    wheel_init(&wheel, now);
    return 0;
}

static void test_fires_once_never_early_and_a_tick_late_at_most(void **state)
{
    (void)state;
    for (int64_t in = 0; in < 3 * TICK; in += 7919) {
        struct alarm a;
        alarm_init(&a);
        int64_t due = now + in;
        wheel_set(&wheel, &a.timer, due);
        for (int64_t end = due + TICK + 1000; now < end;)
            go_to(now + 1000);
        assert_int_equal(a.times, 1);
        assert_true(a.fired_us >= due);
        assert_true(a.fired_us <= due + TICK + 1000);
        assert_int_equal(wheel.timers, 0);
    }
}

static void test_can_be_moved_both_ways(void **state)
{
    struct alarm later, sooner, both;

    (void)state;
    alarm_init(&later);
    alarm_init(&sooner);
    alarm_init(&both);
    wheel_set(&wheel, &later.timer, now + 5 * TICK);
    wheel_set(&wheel, &later.timer, now + 50 * TICK);
    wheel_set(&wheel, &sooner.timer, now + 50 * TICK);
    wheel_set(&wheel, &sooner.timer, now + 5 * TICK);
    wheel_set(&wheel, &both.timer, now + 20 * TICK);
    wheel_set(&wheel, &both.timer, now + 90 * TICK);
    wheel_set(&wheel, &both.timer, now + 10 * TICK);
    assert_int_equal(wheel.timers, 3);
    pass(7 * TICK);
    assert_int_equal(sooner.times, 1);
    assert_int_equal(later.times + both.times, 0);
    pass(5 * TICK);
    assert_int_equal(both.times, 1);
    pass(37 * TICK);
    assert_int_equal(later.times, 0);
    pass(3 * TICK);
    assert_int_equal(later.times, 1);
    assert_int_equal(wheel.timers, 0);
}

static void test_reaches_beyond_its_own_round(void **state)
{
    struct alarm far, near;

    (void)state;
    alarm_init(&far);
    alarm_init(&near);
    wheel_set(&wheel, &far.timer, now + (int64_t)TICK * (3 * WHEEL_SLOTS + 5));
    wheel_set(&wheel, &near.timer, now + 5 * TICK); /* the same slot */
    pass((int64_t)TICK * (3 * WHEEL_SLOTS + 4));
    assert_int_equal(near.times, 1);
    assert_int_equal(far.times, 0);
    pass(3 * TICK);
    assert_int_equal(far.times, 1);
}

static void test_after_a_long_sleep_all_that_is_due_fires_and_no_more(void **state)
{
    struct alarm due[8], later;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(due); i++) {
        alarm_init(&due[i]);
        wheel_set(&wheel, &due[i].timer, now + (int64_t)(i * 300) * TICK);
    }
    alarm_init(&later);
    wheel_set(&wheel, &later.timer, now + (int64_t)TICK * 10 * WHEEL_SLOTS);
    go_to(now + (int64_t)TICK * 9 * WHEEL_SLOTS);
    for (size_t i = 0; i < DW_COUNT_OF(due); i++)
        assert_int_equal(due[i].times, 1);
    assert_int_equal(later.times, 0);
    pass((int64_t)TICK * (WHEEL_SLOTS + 2));
    assert_int_equal(later.times, 1);
}

static void test_one_that_sets_itself_anew_fires_once_a_round(void **state)
{
    struct alarm a;

    (void)state;
    alarm_init(&a);
    a.again_us = 1; /* due at once, but not in this round */
    wheel_set(&wheel, &a.timer, now);
    go_to(now + 2 * TICK);
    assert_true(a.times <= 2);
    unsigned before = a.times;
    pass(10 * TICK);
    assert_in_range(a.times - before, 9, 11);
    assert_int_equal(wheel.timers, 1);
    wheel_cancel(&wheel, &a.timer);
    assert_int_equal(wheel.timers, 0);
}

static void test_the_first_to_fire_may_cancel_the_second(void **state)
{
    struct alarm first, second;

    (void)state;
    alarm_init(&first);
    alarm_init(&second);
    wheel_set(&wheel, &first.timer, now + TICK);
    wheel_set(&wheel, &second.timer, now + TICK);
    first.cancel = &second.timer;
    pass(5 * TICK);
    assert_int_equal(first.times, 1);
    assert_int_equal(second.times, 0);
    assert_int_equal(wheel.timers, 0);
    wheel_cancel(&wheel, &second.timer); /* twice is harmless */
    assert_int_equal(wheel.timers, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(test_fires_once_never_early_and_a_tick_late_at_most),
        TEST(test_can_be_moved_both_ways),
        TEST(test_reaches_beyond_its_own_round),
        TEST(test_after_a_long_sleep_all_that_is_due_fires_and_no_more),
        TEST(test_one_that_sets_itself_anew_fires_once_a_round),
        TEST(test_the_first_to_fire_may_cancel_the_second),
    };
    return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
