/* The order and its event: both, or neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <dowel/harness.h>

#define ACME "0190a0a0-0000-7000-8000-00000000000a"

static dw_harness *open_plugin(void)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN) != 0)
        fail_msg("%s", dw_harness_why(h));
    dw_harness_set_tenant(h, ACME);
    dw_harness_set_principal(h, "ann");
    return h;
}

static int64_t count(dw_harness *h, const char *sql)
{
    int64_t n = -1;

    if (dw_harness_find(h, DW_TO(&n), sql) != 1)
        fail_msg("%s", dw_harness_why(h));
    return n;
}

static void an_order_is_told(void **state)
{
    dw_harness *h = open_plugin();
    const char *name = "", *data = "";
    (void)state;

    assert_int_equal(
        dw_harness_post(h, "/api/v1/shop/orders", "{\"customer\":\"ann\",\"cents\":1250}").status, 201);
    assert_int_equal(count(h, "SELECT count(*) FROM shop_orders"), 1);
    assert_int_equal(dw_harness_find(h, DW_TO(&name, &data), "SELECT name, data FROM dowel_events"), 1);
    assert_string_equal(name, "shop.order.placed");
    assert_non_null(strstr(data, "\"customer\":\"ann\",\"cents\":1250"));
    assert_int_equal(dw_harness_close(h), 0);
}

static void there_is_no_order_without_its_event(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_sql(h,
                   "CREATE TRIGGER spoil BEFORE INSERT ON dowel_events BEGIN SELECT RAISE(ABORT, 'no'); END");
    assert_true(dw_harness_post(h, "/api/v1/shop/orders", "{\"customer\":\"ann\",\"cents\":1250}").status >=
                400);
    assert_int_equal(count(h, "SELECT count(*) FROM shop_orders"), 0);
    assert_int_equal(count(h, "SELECT count(*) FROM dowel_events"), 0);
    assert_int_equal(dw_harness_close(h), 0);
}

static void a_till_sends_its_sales(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_int_equal(dw_harness_receive(h, .inbox = "sales", .body = "{\"customer\":\"ann\",\"cents\":1250}"),
                     0);
    assert_int_equal(dw_harness_receive(h, .inbox = "sales", .body = "{\"customer\":\"ann\"}"), 0);
    assert_int_equal(dw_harness_run_jobs(h), 3); /* the second is given up, which is a run as well */
    assert_int_equal(count(h, "SELECT cents FROM shop_orders WHERE delivery IS NOT NULL"), 1250);
    assert_int_equal(count(h, "SELECT count(*) FROM shop_orders"), 1);
    assert_int_equal(dw_harness_events(h, "shop.order.placed"), 1);
    assert_int_equal(dw_harness_jobs(h, "inbox:sales", "dead"), 1);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_told),
        cmocka_unit_test(a_till_sends_its_sales),
        cmocka_unit_test(there_is_no_order_without_its_event),
    };
    return cmocka_run_group_tests_name("shop", tests, NULL, NULL);
}
