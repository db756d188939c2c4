/* The plugin in the server's own code, without a server: see dowel/harness.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>

static dw_harness *open_with(const char *conf)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN, .conf = conf) != 0)
        fail_msg("%s", dw_harness_why(h));
    return h;
}

static void greets_whom_the_request_names(void **state)
{
    dw_harness *h = open_with("greeting: Moin\n");
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/myplugin?name=Ann");
    (void)state;

    assert_int_equal(reply.status, 200);
    assert_string_equal(dw_harness_text(reply, "/text"), "Moin, Ann!");
    assert_int_equal(dw_harness_close(h), 0);
}

static void greets_whoever_it_is(void **state)
{
    dw_harness *h = open_with(NULL);
    (void)state;

    assert_string_equal(dw_harness_text(dw_harness_get(h, "/api/v1/myplugin"), "/text"), "Hello, you!");
    assert_int_equal(dw_harness_close(h), 0);
}

/* The harness has a database of its own, in which the migrations were applied. */
static void remembers_who_came(void **state)
{
    dw_harness *h = open_with(NULL);
    dw_harness_reply list;
    int64_t n = 0;
    (void)state;

    assert_int_equal(dw_harness_post(h, "/api/v1/myplugin/guests", "{\"name\":\"Ann\"}").status, 201);
    assert_int_equal(dw_harness_post(h, "/api/v1/myplugin/guests", "{\"name\":\"Bob\"}").status, 201);
    list = dw_harness_get(h, "/api/v1/myplugin/guests");
    assert_int_equal(list.status, 200);
    assert_string_equal(dw_harness_text(list, "/items/1/name"), "Bob");
    assert_int_equal(dw_harness_find(h, DW_TO(&n), "SELECT count(*) FROM myplugin_guests"), 1);
    assert_int_equal(n, 2);
    assert_int_equal(dw_harness_close(h), 0);
}

static void play(dw_harness *h, void *ud)
{
    (void)ud;
    dw_harness_get(h, "/api/v1/myplugin?name=Ann");
    dw_harness_post(h, "/api/v1/myplugin/guests", "{\"name\":\"Ann\"}");
    dw_harness_get(h, "/api/v1/myplugin/guests");
}

/* Plays with the first step failing, then the second, and so on: nothing may be left behind by any. */
static void survives_whatever_fails(void **state)
{
    dw_harness *h = open_with(NULL);
    (void)state;

    assert_true(dw_harness_torture(h, play, NULL) > 0);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greets_whom_the_request_names),
        cmocka_unit_test(greets_whoever_it_is),
        cmocka_unit_test(remembers_who_came),
        cmocka_unit_test(survives_whatever_fails),
    };

    return cmocka_run_group_tests_name("myplugin", tests, NULL, NULL);
}
