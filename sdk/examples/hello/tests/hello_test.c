/* A request and its reply: what most tests of most plugins are. */
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

static void greets_whom_the_request_names(void **state)
{
    dw_harness *h = open_plugin();
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/hello?name=Ann");
    (void)state;

    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.content_type, "application/json");
    assert_string_equal(dw_harness_text(reply, "/text"), "Hello, Ann!");
    assert_int_equal(dw_harness_close(h), 0);
}

static void greets_the_world_without_a_name(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_string_equal(dw_harness_text(dw_harness_get(h, "/api/v1/hello"), "/text"), "Hello, world!");
    assert_int_equal(dw_harness_close(h), 0);
}

/* What api.yaml does not allow never gets to the handler. */
static void knows_one_way_to_be_asked(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_int_equal(dw_harness_post(h, "/api/v1/hello", "{}").status, 405);
    assert_int_equal(dw_harness_get(h, "/api/v1/good-bye").status, 404);
    assert_int_equal(dw_harness_close(h), 0);
}

static void play(dw_harness *h, void *ud)
{
    (void)ud;
    dw_harness_get(h, "/api/v1/hello?name=Ann");
}

/* Plays with the first step failing, then the second: here there are two, reading and replying. */
static void survives_whatever_fails(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_int_equal(dw_harness_torture(h, play, NULL), 3);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greets_whom_the_request_names),
        cmocka_unit_test(greets_the_world_without_a_name),
        cmocka_unit_test(knows_one_way_to_be_asked),
        cmocka_unit_test(survives_whatever_fails),
    };

    return cmocka_run_group_tests_name("hello", tests, NULL, NULL);
}
