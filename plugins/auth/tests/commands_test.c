/* dowel user, role, tenant, setup-link. */
#include "accounts_rig.h"

static dw_harness_outcome run(const char *line)
{
    return dw_harness_command(h, .line = line);
}

static dw_harness_outcome run_with(const char *line, const char *input)
{
    return dw_harness_command(h, .line = line, .input = input, .answer = "y");
}

#define assert_done(outcome)         assert_code_((outcome), 0, __LINE__)
#define assert_code(outcome, wanted) assert_code_((outcome), (wanted), __LINE__)
static dw_harness_outcome assert_code_(dw_harness_outcome o, int wanted, int line)
{
    if (o.code != wanted)
        fail_msg("line %d: %d instead of %d: %s%s", line, o.code, wanted, o.output, o.error);
    return o;
}

static void assert_says(dw_harness_outcome o, const char *part)
{
    if (!strstr(o.output, part) && !strstr(o.error, part))
        fail_msg("\"%s\" is not in: %s%s", part, o.output, o.error);
}

static void the_first_user_is_administrator_and_operator(void **state)
{
    dw_harness_outcome o;

    (void)state;
    start("");
    assert_code(run("role list"), DW_EINVALID); /* of which tenant? */
    assert_says(assert_done(run("setup-link")), "setup?token=");
    assert_done(run_with("user add ann@example.org --name Ann", PASSWORD));
    o = assert_done(run("user show ANN@example.org"));
    assert_says(o, "admin");
    assert_says(o, "main");
    assert_code(run("setup-link"), DW_ECONFLICT);
    assert_status(set_up(setup_token(), "eve@example.org"), 409);
    assert_code(run_with("user add Ann@Example.org", PASSWORD), DW_ECONFLICT);
    assert_code(run_with("user add nobody", PASSWORD), DW_EINVALID);
    assert_code(run_with("user add bob@example.org", "password"), DW_EINVALID);
    assert_done(run_with("user add bob@example.org", "tin can telephone"));
    assert_says(assert_done(run("user show bob@example.org")), "member");
}

static void the_link_of_the_command_makes_the_first_one_too(void **state)
{
    dw_harness_outcome o;

    (void)state;
    start("");
    o = assert_done(dw_harness_command(h, .line = "setup-link", .json = true));
    assert_status(set_up(json_string_value(json_object_get(o.json, "token")), "ann@example.org"), 201);
}

static void users_are_changed(void **state)
{
    (void)state;
    assert_says(assert_done(run("user list")), "gil@example.org");
    assert_null(strstr(assert_done(run("user list --in acme")).output, "gil@example.org"));
    assert_code(run("user list --in nowhere"), DW_EINVALID);
    assert_done(run("user set bob@example.org --email rob@example.org --name Rob"));
    assert_code(run("user set rob@example.org"), DW_EINVALID);
    assert_code(run("user set rob@example.org --email ANN@example.org"), DW_ECONFLICT);
    assert_done(run(path("user show %s", bob)));
    assert_code(run("user show bob@example.org"), DW_ENOTFOUND);
    assert_done(run("user deactivate rob@example.org"));
    assert_says(assert_done(run("user list --inactive")), "rob@example.org");
    assert_done(run("user activate rob@example.org"));
    assert_says(assert_done(run("user list --inactive")), "none");
    assert_code(run("user deactivate ann@example.org"), DW_ECONFLICT);
    assert_code(run("user operator ann@example.org --off"), DW_ECONFLICT);
    assert_done(run("user operator rob@example.org"));
    assert_done(run("user operator ann@example.org --off"));
}

static int status_of_password(const char *email, const char *password)
{
    char json[300];

    snprintf(json, sizeof(json),
             "{\"email\":\"%s\",\"password\":\"%s\",\"new_password\":\"another telephone\"}", email,
             password);
    as(NULL, NULL);
    return dw_harness_post(h, "/api/v1/auth/password", json).status;
}

static void passwords_come_from_standard_input(void **state)
{
    (void)state;
    assert_code(run("user password bob@example.org"), DW_EINVALID); /* there is none */
    assert_done(run_with("user password bob@example.org", "tin can telephone"));
    assert_int_equal(status_of_password("bob@example.org", "tin can telephone"), 204);
    assert_code(run_with("user password bob@example.org", "short"), DW_EINVALID);
    assert_done(run_with("user password bob@example.org --temporary", "welcome to the team"));
    assert_int_equal(status_of_password("bob@example.org", "welcome to the team"), 204);
}

/* bcrypt of "U*U", from its own tests: who comes from another system keeps his password. */
static void a_hash_of_another_system_is_taken(void **state)
{
    static const char hash[] = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    const char *stored = NULL;

    (void)state;
    assert_done(run_with("user add kim@example.org --hash --in acme", hash));
    assert_int_equal(status_of_password("kim@example.org", "u*u"), 401);
    assert_int_equal(status_of_password("kim@example.org", "U*U"), 204);
    dw_harness_find(h, DW_TO(&stored), "SELECT password FROM auth_users WHERE email_key = 'kim@example.org'");
    assert_memory_equal(stored, "$argon2id$", 10);
    assert_code(run_with("user add lou@example.org --hash --in acme", "5f4dcc3b5aa765d61d8327deb882cf99"),
                DW_EINVALID);
}

static void roles_are_made_and_given(void **state)
{
    dw_harness_outcome o;

    (void)state;
    assert_code(run("role list"), DW_EINVALID); /* there are two tenants */
    assert_done(run("role add keeper users.read --in acme"));
    assert_code(run("role add Keeper --in acme"), DW_EINVALID);
    assert_code(run("role add keeper --in acme"), DW_ECONFLICT);
    assert_code(run("role add flyer users.fly --in acme"), DW_EINVALID);
    assert_done(run("role grant keeper users.manage roles.read --in acme"));
    assert_done(run("role revoke keeper roles.read --in acme"));
    o = assert_done(dw_harness_command(h, .line = "role show keeper --in acme", .json = true));
    assert_int_equal(json_array_size(json_object_get(o.json, "permissions")), 2);
    assert_done(run("role give bob@example.org keeper --in acme"));
    assert_says(assert_done(run("role show keeper --in acme")), "bob@example.org");
    assert_code(run("role give gil@example.org keeper --in acme"), DW_ENOTFOUND);
    assert_done(run("role take bob@example.org keeper --in acme"));
    assert_code(run("role take ann@example.org admin --in acme"), DW_ECONFLICT);
    assert_code(run("role revoke admin users.read --in acme"), DW_ECONFLICT);
    assert_code(run("role delete member --in acme --yes"), DW_ECONFLICT);
    assert_done(run("role delete keeper --in acme --yes"));
    assert_code(run("role show keeper --in acme"), DW_ENOTFOUND);
}

static void tenants_are_made_and_joined(void **state)
{
    (void)state;
    assert_done(dw_harness_command(h, .line = "tenant add",
                                   .arguments = (const char *const[]){ "Initech Ltd.", NULL }));
    assert_says(assert_done(run("tenant list")), "initech-ltd");
    assert_code(run("tenant add X --slug acme"), DW_ECONFLICT);
    assert_done(run("tenant join initech-ltd bob@example.org --role admin"));
    assert_says(assert_done(run("tenant members initech-ltd")), "admin");
    assert_code(run("tenant leave initech-ltd bob@example.org"), DW_ECONFLICT); /* the last administrator */
    assert_code(run("tenant leave acme bob@example.org"), DW_ECONFLICT);        /* his home */
    assert_done(run("tenant join initech-ltd ann@example.org --role admin"));
    assert_done(run("tenant leave initech-ltd bob@example.org"));
    assert_done(run("tenant rename initech-ltd Initech"));
    assert_done(run("tenant deactivate initech-ltd"));
    assert_done(run("tenant activate initech-ltd"));
    assert_code(run("tenant activate nowhere"), DW_EINVALID);
}

static void play(dw_harness *harness, void *ud)
{
    static const char *const lines[] = {
        "role add keeper users.read --in acme",       "role grant keeper users.manage --in acme",
        "role give bob@example.org keeper --in acme", "tenant join globex bob@example.org",
        "user set bob@example.org --name Rob",        "user deactivate bob@example.org",
        "role delete keeper --in acme --yes",         "user show bob@example.org",
    };

    (void)ud;
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        dw_harness_command(harness, .line = lines[i]);
}

static void whatever_fails_leaves_nothing_behind(void **state)
{
    (void)state;
    if (dw_harness_torture(h, play, NULL) <= 0)
        fail_msg("%s", dw_harness_failed_step(h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_first_user_is_administrator_and_operator, finish),
        cmocka_unit_test_teardown(the_link_of_the_command_makes_the_first_one_too, finish),
        cmocka_unit_test_setup_teardown(users_are_changed, people, finish),
        cmocka_unit_test_setup_teardown(passwords_come_from_standard_input, people, finish),
        cmocka_unit_test_setup_teardown(a_hash_of_another_system_is_taken, people, finish),
        cmocka_unit_test_setup_teardown(roles_are_made_and_given, people, finish),
        cmocka_unit_test_setup_teardown(tenants_are_made_and_joined, people, finish),
        cmocka_unit_test_setup_teardown(whatever_fails_leaves_nothing_behind, people, finish),
    };

    return ON_EVERY_ENGINE("commands", tests);
}
