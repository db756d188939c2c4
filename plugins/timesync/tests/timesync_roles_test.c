/* Beside plugins/auth: it makes the role biller, which this plugin means, in each tenant, and tells which tenants there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <dowel/harness.h>

static dw_harness *h;

static int begin(void **state)
{
    static const char *const beside[] = { AUTH, NULL };

    (void)state;
    if (dw_harness_open(&h, .plugin = PLUGIN, .beside = beside) != 0)
        fail_msg("%s", dw_harness_why(h));
    return 0;
}

static int end(void **state)
{
    (void)state;
    return (int)dw_harness_close(h);
}

static dw_harness_outcome command(const char *line)
{
    dw_harness_outcome done = dw_harness_command(h, .line = line, .input = "correct horse battery");

    if (done.code != 0)
        fail_msg("%s: %s", line, done.error);
    return done;
}

static void each_tenant_has_a_role_for_who_bills(void **state)
{
    dw_harness_outcome shown;
    const char *tenant = NULL;

    (void)state;
    command("tenant add Acme");
    assert_int_equal(dw_harness_find(h, DW_TO(&tenant), "SELECT id FROM auth_tenants"), 1);
    dw_harness_set_tenant(h, tenant);
    shown = command("role show biller");
    if (!strstr(shown.output, "timesync.decide") || !strstr(shown.output, "timesync.run") ||
        strstr(shown.output, "timesync.write"))
        fail_msg("%s", shown.output);
}

static void a_role_that_somebody_made_stays_his(void **state)
{
    const char *tenant = NULL;
    int64_t n = 0;

    (void)state;
    command("tenant add Acme");
    assert_int_equal(dw_harness_find(h, DW_TO(&tenant), "SELECT id FROM auth_tenants"), 1);
    dw_harness_sql(h, "UPDATE auth_roles SET is_builtin = $1, summary = 'Ours' WHERE name = 'biller'",
                   DW_FALSE);
    command("tenant add Globex");
    assert_int_equal(dw_harness_find(h, DW_TO(&n), "SELECT count(*) FROM auth_roles WHERE name = 'biller'"),
                     1);
    assert_int_equal(n, 2);
    assert_int_equal(dw_harness_find(h, DW_TO(&n), "SELECT count(*) FROM auth_roles WHERE summary = 'Ours'"),
                     1);
    assert_int_equal(n, 1);
}

/* The server knows which tenant is meant where there is one only. */
static void a_verb_finds_the_only_tenant(void **state)
{
    dw_harness_outcome done;
    const char *tenant = NULL;

    (void)state;
    done = dw_harness_command(h, .line = "timesync status");
    assert_int_equal(done.code, DW_EINVALID);
    assert_string_equal(done.error, "there is no tenant yet: it comes with the first account");
    command("tenant add Acme");
    assert_string_equal(command("timesync status").output, "none\n");
    assert_int_equal(dw_harness_find(h, DW_TO(&tenant), "SELECT id FROM auth_tenants"), 1);
    command("tenant add Globex");
    done = dw_harness_command(h, .line = "timesync status");
    assert_int_equal(done.code, DW_EINVALID);
    assert_string_equal(done.error, "there are 2 tenants: say --tenant ID, for which of them");
    dw_harness_set_tenant(h, tenant); /* which the harness adds to the line */
    assert_string_equal(command("timesync status").output, "none\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_tenant_has_a_role_for_who_bills, begin, end),
        cmocka_unit_test_setup_teardown(a_role_that_somebody_made_stays_his, begin, end),
        cmocka_unit_test_setup_teardown(a_verb_finds_the_only_tenant, begin, end),
    };

    return cmocka_run_group_tests_name("roles", tests, NULL, NULL);
}
