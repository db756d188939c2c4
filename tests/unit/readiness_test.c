#include "http/readiness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/insider.h"
#include "util/compiler.h"

static bool says(char why[READINESS_WHY_SIZE], void *ud)
{
    const char *text = ud; /* NULL: ready */

    if (text)
        snprintf(why, READINESS_WHY_SIZE, "%s", text);
    return !text;
}

static void check_bodies(bool ready, const char *lines, const char *json)
{
    struct buf out = BUF_INIT;

    assert_int_equal(readiness_check(NULL, NULL), ready);
    assert_int_equal(readiness_write_lines(&out, true), ready);
    assert_string_equal(buf_text(&out), lines);
    out.n = 0;
    assert_int_equal(readiness_write_lines(&out, false), ready);
    assert_string_equal(buf_text(&out), ready ? "ok\n" : "not ready\n");
    out.n = 0;
    assert_int_equal(readiness_write_json(&out), ready);
    assert_string_equal(buf_text(&out), json);
    buf_finish(&out);
}

static void nothing_to_check_is_ready(void **state)
{
    (void)state;
    check_bodies(true, "ok\n", "[]");
}

static void one_that_is_not_ready_is_enough(void **state)
{
    static char reason[] = "\"x\" is full", nothing[] = "";

    (void)state;
    assert_int_equal(readiness_register("database", says, NULL), 0);
    check_bodies(true, "[+] database\nok\n", "[{\"name\":\"database\",\"ready\":true}]");
    assert_int_equal(readiness_register("disk", says, reason), 0);
    assert_int_equal(readiness_register("mail", says, nothing), 0);
    check_bodies(false, "[+] database\n[-] disk: \"x\" is full\n[-] mail: not ready\nnot ready\n",
                 "[{\"name\":\"database\",\"ready\":true},"
                 "{\"name\":\"disk\",\"ready\":false,\"detail\":\"\\\"x\\\" is full\"},"
                 "{\"name\":\"mail\",\"ready\":false,\"detail\":\"not ready\"}]");
}

static void a_name_is_taken_once_and_room_is_bounded(void **state)
{
    static char names[READINESS_MAX][8];

    (void)state;
    for (unsigned i = 0; i < READINESS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "n%u", i);
        assert_int_equal(readiness_register(names[i], says, NULL), 0);
        assert_int_equal(readiness_register("n0", says, NULL), -1);
    }
    assert_int_equal(readiness_register("one more", says, NULL), -1);
}

static void remarks_make_nothing_unready(void **state)
{
    (void)state;
    assert_int_equal(readiness_register("database", says, NULL), 0);
    assert_int_equal(readiness_remark("plugin notes", "declined"), 0);
    assert_int_equal(readiness_remark("plugin mail", "\"x\"\nis wrong"), 0);
    assert_int_equal(readiness_remark("plugin notes", "quarantined"), 0);
    check_bodies(true, "[+] database\n[!] plugin notes: quarantined\n[!] plugin mail: \"x\" is wrong\nok\n",
                 "[{\"name\":\"database\",\"ready\":true},"
                 "{\"name\":\"plugin notes\",\"ready\":true,\"remark\":\"quarantined\"},"
                 "{\"name\":\"plugin mail\",\"ready\":true,\"remark\":\"\\\"x\\\" is wrong\"}]");
    assert_int_equal(readiness_remark("plugin notes", NULL), 0);
    assert_int_equal(readiness_remark("plugin notes", NULL), 0);
    check_bodies(true, "[+] database\n[!] plugin mail: \"x\" is wrong\nok\n",
                 "[{\"name\":\"database\",\"ready\":true},"
                 "{\"name\":\"plugin mail\",\"ready\":true,\"remark\":\"\\\"x\\\" is wrong\"}]");
}

static void remarks_are_bounded(void **state)
{
    char name[READINESS_NAME_SIZE + 40];

    (void)state;
    for (int i = 0; i < READINESS_REMARKS_MAX; i++) {
        snprintf(name, sizeof(name), "%d %0*d", i, READINESS_NAME_SIZE + 20, 7);
        assert_int_equal(readiness_remark(name, "x"), 0);
        assert_int_equal(readiness_remark(name, "y"), 0); /* found again though it was cut */
    }
    assert_int_equal(readiness_remark("one more", "x"), -1);
    assert_int_equal(readiness_remark(name, NULL), 0);
    assert_int_equal(readiness_remark("one more", "x"), 0);
}

static int forget(void **state)
{
    (void)state;
    readiness_reset();
    return 0;
}

static bool judge(const char *client, bool known, bool signs)
{
    struct network allow[2];
    struct insider_caller caller = { .known = known, .signs_of_proxy = signs };

    assert_int_equal(network_parse(STR_OF("192.0.2.0/24"), &allow[0]), 0);
    assert_int_equal(network_parse(STR_OF("2001:db8::/32"), &allow[1]), 0);
    if (client)
        assert_int_equal(address_parse(str_from(client), &caller.client), 0);
    return insider_judge(&caller, allow, DW_COUNT_OF(allow));
}

static void insiders_are_near_or_allowed(void **state)
{
    static const char *const insiders[] = { NULL,         "127.0.0.1",        "127.8.8.8",
                                            "::1",        "::ffff:127.0.0.1", "192.0.2.77",
                                            "2001:db8::7" };
    static const char *const strangers[] = { "10.0.0.1",    "192.0.3.1",      "198.51.100.1",    "::",
                                             "::127.0.0.1", "2002:7f00:1::1", "64:ff9b::7f00:1", "0.0.0.0",
                                             "2001:db9::1" };
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(insiders); i++) {
        assert_true(judge(insiders[i], true, false));
        assert_false(judge(insiders[i], false, false)); /* somebody else is behind it */
        assert_false(judge(insiders[i], true, true));
    }
    for (size_t i = 0; i < DW_COUNT_OF(strangers); i++) {
        if (judge(strangers[i], true, false))
            fail_msg("%s is no insider", strangers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_to_check_is_ready, forget),
        cmocka_unit_test_teardown(one_that_is_not_ready_is_enough, forget),
        cmocka_unit_test_teardown(a_name_is_taken_once_and_room_is_bounded, forget),
        cmocka_unit_test_teardown(remarks_make_nothing_unready, forget),
        cmocka_unit_test_teardown(remarks_are_bounded, forget),
        cmocka_unit_test(insiders_are_near_or_allowed),
    };
    return cmocka_run_group_tests_name("readiness", tests, NULL, NULL);
}
