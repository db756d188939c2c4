/* Who shows what is whom; and what the admin wrote wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/dowel.h>
#include <dowel/harness.h>

#include <string.h>

#define TENANT_A "0190a0a0-0000-7000-8000-00000000000a"
#define TENANT_B "0190a0a0-0000-7000-8000-00000000000b"

static const char conf[] = "tokens: |\n"
                           "  # of those at the door\n"
                           "  4f6a91c04f6a91c0  ann   " TENANT_A "  notes.write notes.read\n"
                           "\n"
                           "  91c04f6a91c04f6a  root  " TENANT_B "  *\n"
                           "  aaaaaaaaaaaaaaaa  bob   " TENANT_A "\n"
                           "  bbbbbbbbbbbbbbbb  eve   -\n";

static int start(void **state)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN, .conf = conf) != 0)
        fail_msg("%s", dw_harness_why(h));
    *state = h;
    return 0;
}

static int stop(void **state)
{
    return (int)dw_harness_close(*state);
}

static void a_badge_says_who(void **state)
{
    dw_harness_who who = dw_harness_authenticate(*state, DW_BEARER, "4f6a91c04f6a91c0");

    assert_int_equal(who.code, 0);
    assert_int_equal(who.kind, DW_USER);
    assert_string_equal(who.id, "ann");
    assert_string_equal(who.tenant, TENANT_A);
    assert_string_equal(who.permissions, "notes.read notes.write");
    assert_null(who.csrf);
    assert_string_equal(dw_harness_authenticate(*state, DW_BEARER, "91c04f6a91c04f6a").permissions, "*");
    assert_string_equal(dw_harness_authenticate(*state, DW_BEARER, "aaaaaaaaaaaaaaaa").permissions, "");
    assert_null(dw_harness_authenticate(*state, DW_BEARER, "bbbbbbbbbbbbbbbb").tenant);
}

static void nothing_else_does(void **state)
{
    static const char *const wrong[] = {
        "4f6a91c04f6a91c1", "4f6a91c04f6a91c", "4f6a91c04f6a91c0 ", "", "ann", "#", "# of those at the door",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(dw_harness_authenticate(*state, DW_BEARER, wrong[i]).code, DW_EAUTH);
}

static void each_tenant_is_told_once(void **state)
{
    assert_string_equal(dw_harness_tenants(*state), TENANT_A " " TENANT_B);
}

static void refuses(const char *wrong, const char *why)
{
    dw_harness *h;

    assert_int_equal(dw_harness_open(&h, .plugin = PLUGIN, .conf = wrong), -1);
    if (!strstr(dw_harness_why(h), why))
        fail_msg("\"%s\" is not in: %s", why, dw_harness_why(h));
    assert_null(strstr(dw_harness_why(h), "4f6a91c0"));
    dw_harness_close(h);
}

static void what_is_no_badge_is_refused_without_telling_it(void **state)
{
    (void)state;
    refuses("tokens: 4f6a91c04f6a91c0\n", "tokens: has a line that is not TOKEN NAME TENANT");
    refuses("tokens: 4f6a91c0 ann -\n", "fewer than 16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_badge_says_who, start, stop),
        cmocka_unit_test_setup_teardown(nothing_else_does, start, stop),
        cmocka_unit_test_setup_teardown(each_tenant_is_told_once, start, stop),
        cmocka_unit_test(what_is_no_badge_is_refused_without_telling_it),
    };
    return cmocka_run_group_tests_name("badges", tests, NULL, NULL);
}
