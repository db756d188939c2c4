/* Users and tenants: the first one, making, changing, who sees whom. */
#include "accounts_rig.h"

static void the_first_start_makes_an_administrator_once(void **state)
{
    dw_harness_reply reply;
    int64_t n = 0;

    (void)state;
    start("");
    assert_status(set_up("wrong", "ann@example.org"), 403);
    reply = set_up(setup_token(), "ann@example.org");
    assert_status(reply, 201);
    assert_status(set_up(setup_token(), "eve@example.org"), 409);
    dw_harness_find(h, DW_TO(&n), "SELECT count(*) FROM auth_users");
    assert_int_equal(n, 1);
    as(kept(dw_harness_text(reply, "/user_id")), kept(dw_harness_text(reply, "/tenant_id")));
    reply = dw_harness_get(h, "/api/v1/users");
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/items/0/email"), "ann@example.org");
    assert_string_equal(dw_harness_text(reply, "/items/0/roles/0"), "admin");
    assert_string_equal(dw_harness_text(reply, "/items/0/is_operator"), "true");
    assert_string_equal(dw_harness_text(reply, "/items/0/is_home"), "true");
}

static void people_are_listed(void **state)
{
    dw_harness_reply reply;

    (void)state;
    reply = dw_harness_get(h, "/api/v1/users?sort=email");
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/items/1/email"), "bob@example.org");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_first_start_makes_an_administrator_once, finish),
        cmocka_unit_test_setup_teardown(people_are_listed, people, finish),
    };

    return ON_EVERY_ENGINE("accounts", tests);
}
