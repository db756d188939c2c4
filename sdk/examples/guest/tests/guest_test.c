/* A service that the plugin asks: the real one beside it, or one that the test plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>
#include <greeter/greeter.h>

static dw_harness *open_plugin(void)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN) != 0)
        fail_msg("%s", dw_harness_why(h));
    return h;
}

static void is_greeted_by_the_real_greeter(void **state)
{
    const char *const beside[] = { GREETER, NULL };
    dw_harness *h;
    (void)state;

    if (dw_harness_open(&h, .plugin = PLUGIN, .beside = beside) != 0)
        fail_msg("%s", dw_harness_why(h));
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/guest?name=Ann");
    assert_string_equal(dw_harness_text(reply, "/greeting"), "Welcome, Ann!");

    reply = dw_harness_get(h, "/api/v1/guest");
    assert_int_equal(reply.status, 422); /* greeter's refusal, and its words */
    assert_string_equal(dw_harness_text(reply, "/detail"), "there is nobody to greet");
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- a greeter that is not there, played by the test ---- */

static int greet(void *question, void *ud)
{
    struct greeter_greet *q = question;

    assert_int_equal(q->struct_size, sizeof(*q));
    assert_string_equal(q->name, "Ann");
    q->greeting = ud;
    return 0;
}

static void says_what_the_greeter_says(void **state)
{
    dw_harness *h = open_plugin();
    char words[] = "You again?";
    (void)state;

    assert_int_equal(dw_harness_serve(h, "greeter.greet/1", greet, words), 0);
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/guest?name=Ann");
    assert_string_equal(dw_harness_text(reply, "/greeting"), "You again?");
    assert_int_equal(dw_harness_close(h), 0);
}

static int fails(void *question, void *ud)
{
    (void)question;
    return *(const int *)ud;
}

static void fails_as_the_greeter_does(void **state)
{
    dw_harness *h = open_plugin();
    int code = DW_ERATE;
    (void)state;

    assert_int_equal(dw_harness_serve(h, "greeter.greet/1", fails, &code), 0);
    assert_int_equal(dw_harness_get(h, "/api/v1/guest?name=Ann").status, 429);
    code = DW_EINTERNAL;
    assert_int_equal(dw_harness_get(h, "/api/v1/guest?name=Ann").status, 500);
    assert_int_equal(dw_harness_close(h), 0);
}

static void is_unavailable_without_one(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_int_equal(dw_harness_get(h, "/api/v1/guest?name=Ann").status, 503);
    assert_int_equal(dw_harness_close(h), 0);
}

static void play(dw_harness *h, void *ud)
{
    (void)ud;
    dw_harness_get(h, "/api/v1/guest?name=Ann");
}

static void survives_whatever_fails(void **state)
{
    dw_harness *h = open_plugin();
    char words[] = "Hello";
    (void)state;

    assert_int_equal(dw_harness_serve(h, "greeter.greet/1", greet, words), 0);
    assert_true(dw_harness_torture(h, play, NULL) > 0);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_greeted_by_the_real_greeter), cmocka_unit_test(says_what_the_greeter_says),
        cmocka_unit_test(fails_as_the_greeter_does),      cmocka_unit_test(is_unavailable_without_one),
        cmocka_unit_test(survives_whatever_fails),
    };

    return cmocka_run_group_tests_name("guest", tests, NULL, NULL);
}
