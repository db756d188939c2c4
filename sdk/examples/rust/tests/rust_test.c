/* The plugin is Rust; its test need not be. Needs: rustc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>

static dw_harness *open_plugin(void)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN) != 0)
        fail_msg("%s", dw_harness_why(h));
    return h;
}

static void counts_letters(void **state)
{
    dw_harness *h = open_plugin();
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/letters?text=gr%C3%B6%C3%9Fe+42");
    (void)state;

    assert_int_equal(reply.status, 200);
    assert_string_equal(dw_harness_text(reply, "/letters"), "5");
    assert_int_equal(dw_harness_close(h), 0);
}

static void play(dw_harness *h, void *ud)
{
    (void)ud;
    dw_harness_get(h, "/api/v1/letters?text=abc");
}

static void survives_whatever_fails(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_true(dw_harness_torture(h, play, NULL) > 0);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_letters),
        cmocka_unit_test(survives_whatever_fails),
    };

    return cmocka_run_group_tests_name("rust", tests, NULL, NULL);
}
