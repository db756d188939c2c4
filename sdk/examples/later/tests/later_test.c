/* Answers that come from another thread: the test waits as a client does. */
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

enum { CLIENTS = 5 };

static void answers_at_the_next_beat(void **state)
{
    dw_harness *h = open_with("every: 10ms\n");
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/later");
    (void)state;

    assert_int_equal(reply.status, 200);
    assert_true(json_integer_value(json_object_get(reply.json, "beat")) > 0);
    assert_int_equal(dw_harness_close(h), 0);
}

/* Sent, and not yet waited for. */
static void answers_all_who_wait(void **state)
{
    dw_harness *h = open_with("every: 50ms\n");
    dw_harness_pending *waiting[CLIENTS];
    (void)state;

    for (int i = 0; i < CLIENTS; i++)
        waiting[i] = dw_harness_send(h, .target = "/api/v1/later");
    for (int i = 0; i < CLIENTS; i++) {
        dw_harness_reply reply = dw_harness_wait(waiting[i]);
        assert_int_equal(reply.status, 200);
    }
    assert_int_equal(dw_harness_close(h), 0);
}

/* No beat comes for a minute; stop() answers who waits. */
static void stop_answers_who_waits(void **state)
{
    dw_harness *h = open_with("every: 1m\n");
    dw_harness_pending *waiting = dw_harness_send(h, .target = "/api/v1/later");
    (void)state;

    dw_harness_stop(h);
    dw_harness_reply reply = dw_harness_wait(waiting);
    assert_int_equal(reply.status, 503);
    assert_int_equal(dw_harness_close(h), 0);
}

/* The token stays valid when its client has gone; answering it is harmless. */
static void a_client_that_leaves_harms_nobody(void **state)
{
    dw_harness *h = open_with("every: 10ms\n");
    (void)state;

    dw_harness_abandon(dw_harness_send(h, .target = "/api/v1/later"));
    assert_int_equal(dw_harness_get(h, "/api/v1/later").status, 200);
    assert_int_equal(dw_harness_close(h), 0);
}

static void play(dw_harness *h, void *ud)
{
    (void)ud;
    dw_harness_get(h, "/api/v1/later");
}

static void survives_whatever_fails(void **state)
{
    dw_harness *h = open_with("every: 10ms\n");
    (void)state;

    assert_true(dw_harness_torture(h, play, NULL) > 0);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_at_the_next_beat), cmocka_unit_test(answers_all_who_wait),
        cmocka_unit_test(stop_answers_who_waits),   cmocka_unit_test(a_client_that_leaves_harms_nobody),
        cmocka_unit_test(survives_whatever_fails),
    };

    return cmocka_run_group_tests_name("later", tests, NULL, NULL);
}
