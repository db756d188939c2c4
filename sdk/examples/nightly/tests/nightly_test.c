/* Nights pass when the test says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <dowel/harness.h>

/* 2026-12-01T00:00:00Z; the harness's zone is UTC. */
#define MIDNIGHT INT64_C(1796083200000000)

static dw_harness *open_with(const char *conf)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN, .conf = conf) != 0)
        fail_msg("%s", dw_harness_why(h));
    dw_harness_set_now(h, (dw_time){ MIDNIGHT });
    dw_harness_set_tenant(h, NULL);
    assert_int_equal(dw_harness_run_jobs(h), 0); /* from here it counts */
    return h;
}

static void tidies_up_at_three(void **state)
{
    dw_harness *h = open_with(NULL);
    (void)state;

    dw_harness_advance(h, DW_MINUTES(179));
    assert_int_equal(dw_harness_run_jobs(h), 0);
    dw_harness_advance(h, DW_MINUTES(1));
    assert_int_equal(dw_harness_run_jobs(h), 1);
    assert_true(dw_harness_logged(h, DW_LOG_INFO, "2026-12-01T03:00:00"));
    assert_int_equal(dw_harness_jobs(h, "tidy", "done"), 1);
    assert_int_equal(dw_harness_close(h), 0);
}

static void of_several_nights_that_were_missed_one_is_made_up_for(void **state)
{
    dw_harness *h = open_with(NULL);
    (void)state;

    dw_harness_advance(h, DW_HOURS(100));
    assert_int_equal(dw_harness_run_jobs(h), 1);
    assert_true(dw_harness_logged(h, DW_LOG_INFO, "2026-12-05T03:00:00"));
    assert_int_equal(dw_harness_close(h), 0);
}

static void the_admin_decides(void **state)
{
    dw_harness *h = open_with("when: every 10m");
    (void)state;

    dw_harness_advance(h, DW_MINUTES(10));
    assert_int_equal(dw_harness_run_jobs(h), 1);
    assert_int_equal(dw_harness_close(h), 0);

    h = open_with("when: off");
    dw_harness_advance(h, DW_HOURS(100));
    assert_int_equal(dw_harness_run_jobs(h), 0);
    assert_int_equal(dw_harness_close(h), 0);
}

static void what_is_no_time_is_refused_with_its_reason(void **state)
{
    dw_harness *h;
    (void)state;

    assert_int_equal(dw_harness_open(&h, .plugin = PLUGIN, .conf = "when: 0 25 * * *"), -1);
    assert_non_null(strstr(dw_harness_why(h),
                           "its schedule night cannot be carried out: the hour \"25\" is out of range"));
    dw_harness_close(h);
}

static void each_tenant_has_its_hours_and_all_that_were_missed(void **state)
{
    dw_harness *h = open_with("when: off");
    (void)state;

    dw_harness_set_tenant(h, "0190a0a0-0000-7000-8000-00000000000a");
    assert_int_equal(dw_harness_run_jobs(h), 0);
    dw_harness_advance(h, DW_HOURS(3));
    assert_int_equal(dw_harness_run_jobs(h), 3);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tidies_up_at_three),
        cmocka_unit_test(of_several_nights_that_were_missed_one_is_made_up_for),
        cmocka_unit_test(the_admin_decides),
        cmocka_unit_test(what_is_no_time_is_refused_with_its_reason),
        cmocka_unit_test(each_tenant_has_its_hours_and_all_that_were_missed),
    };
    return cmocka_run_group_tests_name("nightly", tests, NULL, NULL);
}
