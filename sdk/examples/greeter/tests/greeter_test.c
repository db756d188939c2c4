/* A service is asked by other plugins; in its test, by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>
#include <greeter/greeter.h>

static dw_harness *open_with(const char *conf)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN, .conf = conf) != 0)
        fail_msg("%s", dw_harness_why(h));
    return h;
}

static void greets_by_name(void **state)
{
    dw_harness *h = open_with("word: Moin\n");
    struct greeter_greet q = { .struct_size = (uint32_t)sizeof(q), .name = "Ann" };
    (void)state;

    assert_int_equal(dw_harness_ask(h, "greeter.greet/1", &q), 0);
    assert_string_equal(q.greeting, "Moin, Ann!");
    assert_int_equal(dw_harness_close(h), 0);
}

static void refuses_to_greet_nobody(void **state)
{
    dw_harness *h = open_with(NULL);
    struct greeter_greet q = { .struct_size = (uint32_t)sizeof(q), .name = "" };
    (void)state;

    assert_int_equal(dw_harness_ask(h, "greeter.greet/1", &q), DW_EINVALID);
    assert_string_equal(dw_harness_error(h)->text, "there is nobody to greet");
    assert_string_equal(dw_harness_error(h)->reason, "NOBODY");
    q.name = "Ann";
    assert_int_equal(dw_harness_ask(h, "greeter.greet/1", &q), 0);
    assert_int_equal(dw_harness_error(h)->code, 0);
    assert_string_equal(dw_harness_error(h)->reason, "");
    assert_int_equal(dw_harness_close(h), 0);
}

/* One that was compiled with an older header, which knew less of the struct. */
static void refuses_askers_that_are_too_old(void **state)
{
    dw_harness *h = open_with(NULL);
    struct greeter_greet q = { .struct_size = 8, .name = "Ann" };
    (void)state;

    assert_int_equal(dw_harness_ask(h, "greeter.greet/1", &q), DW_EMISUSE);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greets_by_name),
        cmocka_unit_test(refuses_to_greet_nobody),
        cmocka_unit_test(refuses_askers_that_are_too_old),
    };

    return cmocka_run_group_tests_name("greeter", tests, NULL, NULL);
}
