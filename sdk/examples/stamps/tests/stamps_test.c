/* What the shop tells, and what becomes of it here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>

static void loads_beside_the_shop_and_alone(void **state)
{
    const char *const beside[] = { SHOP, NULL };
    dw_harness *h;
    int64_t n = -1;
    (void)state;

    if (dw_harness_open(&h, .plugin = PLUGIN, .beside = beside) != 0)
        fail_msg("%s", dw_harness_why(h));
    assert_int_equal(dw_harness_find(h, DW_TO(&n), "SELECT count(*) FROM stamps_points"), 1);
    assert_int_equal(n, 0);
    assert_int_equal(dw_harness_close(h), 0);
    if (dw_harness_open(&h, .plugin = PLUGIN) != 0)
        fail_msg("%s", dw_harness_why(h));
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- with the shop ---- */

#define ACME "0190a0a0-0000-7000-8000-00000000000a"

static dw_harness *open_beside_the_shop(void)
{
    const char *const beside[] = { SHOP, NULL };
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN, .beside = beside) != 0)
        fail_msg("%s", dw_harness_why(h));
    dw_harness_set_tenant(h, ACME);
    dw_harness_set_principal(h, "ann");
    return h;
}

static int run(dw_harness *h)
{
    int runs = dw_harness_run_jobs(h);

    if (runs < 0)
        fail_msg("%s", dw_harness_why(h));
    return runs;
}

static int64_t number(dw_harness *h, const char *sql)
{
    int64_t n = -1;

    if (dw_harness_find(h, DW_TO(&n), sql) != 1)
        fail_msg("%s", dw_harness_why(h));
    return n;
}

static void order(dw_harness *h, const char *json)
{
    assert_int_equal(dw_harness_post(h, "/api/v1/shop/orders", json).status, 201);
}

static void an_order_earns_points(void **state)
{
    dw_harness *h = open_beside_the_shop();
    (void)state;

    order(h, "{\"customer\":\"ann\",\"cents\":1250}");
    assert_int_equal(number(h, "SELECT count(*) FROM stamps_points"), 0); /* not yet told */
    assert_int_equal(run(h), 1);
    assert_int_equal(number(h, "SELECT sum(points) FROM stamps_points WHERE customer = 'ann'"), 12);
    assert_int_equal(run(h), 0);
    assert_int_equal(dw_harness_close(h), 0);
}

static void a_hundred_points_are_rewarded_once(void **state)
{
    dw_harness *h = open_beside_the_shop();
    (void)state;

    order(h, "{\"customer\":\"ann\",\"cents\":9900}");
    order(h, "{\"customer\":\"ann\",\"cents\":9900}");
    assert_int_equal(run(h), 3); /* two events, one job */
    assert_int_equal(number(h, "SELECT count(*) FROM stamps_rewards"), 1);
    order(h, "{\"customer\":\"ann\",\"cents\":100}");
    run(h);
    assert_int_equal(number(h, "SELECT count(*) FROM stamps_rewards"), 1);
    assert_int_equal(dw_harness_close(h), 0);
}

static void what_fails_is_tried_again(void **state)
{
    dw_harness *h = open_beside_the_shop();
    (void)state;

    dw_harness_set_now(h, (dw_time){ INT64_C(1796083200000000) });
    order(h, "{\"customer\":\"ann\",\"cents\":1250}");
    dw_harness_fail(h, 1, DW_EUNAVAILABLE);
    assert_int_equal(run(h), 1);
    assert_int_equal(number(h, "SELECT count(*) FROM stamps_points"), 0);
    assert_int_equal(run(h), 0); /* it is not due */
    dw_harness_advance(h, DW_HOURS(1));
    assert_int_equal(run(h), 1);
    assert_int_equal(number(h, "SELECT sum(points) FROM stamps_points"), 12);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_beside_the_shop_and_alone),
        cmocka_unit_test(an_order_earns_points),
        cmocka_unit_test(a_hundred_points_are_rewarded_once),
        cmocka_unit_test(what_fails_is_tried_again),
    };
    return cmocka_run_group_tests_name("stamps", tests, NULL, NULL);
}
