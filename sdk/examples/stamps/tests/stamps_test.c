/* Orders become points, points rewards: told by the test, or by the shop itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>

#define ACME  "0190a0a0-0000-7000-8000-00000000000a"
#define OTHER "0190a0a0-0000-7000-8000-00000000000b"

static dw_harness *open_plugin(const char *const *beside)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN, .beside = beside) != 0)
        fail_msg("%s", dw_harness_why(h));
    dw_harness_set_tenant(h, ACME);
    return h;
}

static int64_t number(dw_harness *h, const char *sql)
{
    int64_t n = -1;

    if (dw_harness_find(h, DW_TO(&n), sql) != 1)
        fail_msg("%s", dw_harness_why(h));
    return n;
}

static void place(dw_harness *h, const char *order)
{
    if (dw_harness_tell(h, "shop.order.placed", order) != 0 || dw_harness_run_jobs(h) < 1)
        fail_msg("%s", dw_harness_why(h));
}

static void a_hundred_points_are_a_reward(void **state)
{
    dw_harness *h = open_plugin(NULL);
    (void)state;

    place(h, "{\"customer\":\"ann\",\"cents\":9950}");
    assert_int_equal(number(h, "SELECT sum(points) FROM stamps_points"), 99);
    assert_int_equal(dw_harness_events(h, "stamps.reward.given"), 0);
    place(h, "{\"customer\":\"ann\",\"cents\":100}");
    assert_int_equal(number(h, "SELECT count(*) FROM stamps_rewards"), 1);
    assert_int_equal(dw_harness_events(h, "stamps.reward.given"), 1);
    place(h, "{\"customer\":\"ann\",\"cents\":20000}");
    assert_int_equal(number(h, "SELECT max(level) FROM stamps_rewards"), 3);
    assert_int_equal(dw_harness_events(h, "stamps.reward.given"), 3);
    assert_int_equal(dw_harness_close(h), 0);
}

static void points_are_a_tenants_own(void **state)
{
    dw_harness *h = open_plugin(NULL);
    (void)state;

    place(h, "{\"customer\":\"ann\",\"cents\":9950}");
    dw_harness_set_tenant(h, OTHER);
    place(h, "{\"customer\":\"ann\",\"cents\":9950}");
    assert_int_equal(number(h, "SELECT count(*) FROM stamps_rewards"), 0);
    assert_int_equal(dw_harness_close(h), 0);
}

/* Whatever the database wants repeated, a point is a point. */
static void an_order_counts_once(void **state)
{
    dw_harness *h = open_plugin(NULL);
    (void)state;

    dw_harness_repeat(h, 1);
    place(h, "{\"customer\":\"ann\",\"cents\":500}");
    assert_int_equal(number(h, "SELECT sum(points) FROM stamps_points"), 5);
    /* As if the server had ended before it wrote down that the job was done. */
    dw_harness_sql(h, "UPDATE dowel_jobs SET state = 'waiting', attempts = 0");
    assert_true(dw_harness_run_jobs(h) > 0);
    assert_int_equal(number(h, "SELECT sum(points) FROM stamps_points"), 5);
    assert_int_equal(dw_harness_close(h), 0);
}

static void the_shop_itself_tells_of_its_orders(void **state)
{
    const char *const beside[] = { SHOP, NULL };
    dw_harness *h = open_plugin(beside);
    (void)state;

    dw_harness_set_principal(h, "ann");
    assert_int_equal(
        dw_harness_post(h, "/api/v1/shop/orders", "{\"customer\":\"ann\",\"cents\":12000}").status, 201);
    assert_true(dw_harness_run_jobs(h) >= 2);
    assert_int_equal(number(h, "SELECT count(*) FROM stamps_rewards"), 1);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_points_are_a_reward),
        cmocka_unit_test(points_are_a_tenants_own),
        cmocka_unit_test(an_order_counts_once),
        cmocka_unit_test(the_shop_itself_tells_of_its_orders),
    };
    return cmocka_run_group_tests_name("stamps", tests, NULL, NULL);
}
