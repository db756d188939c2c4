/* What the plugin brings is there, beside the shop that tells it. */
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

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(loads_beside_the_shop_and_alone) };
    return cmocka_run_group_tests_name("stamps", tests, NULL, NULL);
}
