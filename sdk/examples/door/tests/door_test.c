/* A hook, asked by the plugin and answered by it, by others, by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>

#include <string.h>

#include "../door.h"

static dw_harness *open_with(const char *conf)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN, .conf = conf) != 0)
        fail_msg("%s", dw_harness_why(h));
    return h;
}

#define ENTER "/api/v1/door/"

static int enters(dw_harness *h, const char *target)
{
    return dw_harness_request(h, .method = "POST", .target = target).status;
}

static void lets_members_in(void **state)
{
    dw_harness *h = open_with("members: [ann]\n");
    dw_harness_reply reply = dw_harness_request(h, .method = "POST", .target = ENTER "ann");
    (void)state;

    assert_int_equal(reply.status, 200);
    assert_string_equal(dw_harness_text(reply, "/by"), "the list of members");
    assert_int_equal(dw_harness_close(h), 0);
}

/* refuse_banned() is asked before let_members_in(): 10 comes before 50. */
static void a_ban_comes_before_a_membership(void **state)
{
    dw_harness *h = open_with("members: [ann, bob]\nbanned: [bob]\n");
    dw_harness_reply reply = dw_harness_request(h, .method = "POST", .target = ENTER "bob");
    (void)state;

    assert_int_equal(reply.status, 403);
    assert_string_equal(dw_harness_text(reply, "/detail"), "is banned (name: bob)");
    assert_int_equal(enters(h, ENTER "ann"), 200);
    assert_int_equal(dw_harness_close(h), 0);
}

static void silence_denies(void **state)
{
    dw_harness *h = open_with(NULL);
    (void)state;

    assert_int_equal(enters(h, ENTER "ann"), 403);
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- another plugin's answer, played by the test ---- */

static int guard(void *question, void *ud)
{
    struct door_may_enter *q = question;
    const char *friend = ud;

    if (strcmp(q->name, friend) != 0)
        return 0;
    q->by = "the guard's leave";
    return 1;
}

static void others_may_answer(void **state)
{
    dw_harness *h = open_with("banned: [bob]\n");
    char carol[] = "carol", bob[] = "bob";
    (void)state;

    assert_int_equal(dw_harness_answer(h, "door.may_enter", guard, carol), 0);
    assert_int_equal(dw_harness_answer(h, "door.may_enter", guard, bob), 0);
    assert_int_equal(enters(h, ENTER "carol"), 200);
    assert_int_equal(enters(h, ENTER "dave"), 403);
    assert_int_equal(enters(h, ENTER "bob"), 403); /* whatever the guard says */
    assert_int_equal(dw_harness_close(h), 0);
}

static int fails(void *question, void *ud)
{
    (void)question;
    (void)ud;
    return DW_EUNAVAILABLE;
}

/* An answerer that cannot say is not one that says yes. */
static void an_answer_that_fails_is_no_leave(void **state)
{
    dw_harness *h = open_with(NULL);
    (void)state;

    assert_int_equal(dw_harness_answer(h, "door.may_enter", fails, NULL), 0);
    assert_int_equal(enters(h, ENTER "ann"), 503);
    assert_int_equal(dw_harness_close(h), 0);
}

static void play(dw_harness *h, void *ud)
{
    (void)ud;
    enters(h, ENTER "ann");
}

static void survives_whatever_fails(void **state)
{
    dw_harness *h = open_with("members: [ann]\n");
    (void)state;

    assert_true(dw_harness_torture(h, play, NULL) > 0);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_members_in),
        cmocka_unit_test(a_ban_comes_before_a_membership),
        cmocka_unit_test(silence_denies),
        cmocka_unit_test(others_may_answer),
        cmocka_unit_test(an_answer_that_fails_is_no_leave),
        cmocka_unit_test(survives_whatever_fails),
    };

    return cmocka_run_group_tests_name("door", tests, NULL, NULL);
}
