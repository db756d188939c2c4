/* Roles: what they give, and that nobody gets further by giving them. */
#include "accounts_rig.h"

/* Dan manages users and roles, and may nothing else. */
static const char *dan, *keeper;

static const char *id_of_role(const char *name)
{
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/roles?sort=name");
    const json_t *items = json_object_get(reply.json, "items");

    assert_status(reply, 200);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *role = json_array_get(items, i);
        if (strcmp(json_string_value(json_object_get(role, "name")), name) == 0)
            return kept(json_string_value(json_object_get(role, "id")));
    }
    fail_msg("there is no role %s", name);
    return NULL;
}

static int keepers(void **state)
{
    if (people(state) != 0)
        return -1;
    keeper = user_id(dw_harness_post(h, "/api/v1/roles",
                                     "{\"name\":\"keeper\",\"permissions\":[\"users.read\",\"users.manage\","
                                     "\"roles.read\",\"roles.manage\"]}"));
    dan = user_id(
        dw_harness_post(h, "/api/v1/users", "{\"email\":\"dan@example.org\",\"roles\":[\"keeper\"]}"));
    return 0;
}

/* ---- roles ---- */

static void a_tenant_begins_with_three_roles(void **state)
{
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/roles?sort=name");

    (void)state;
    assert_status(reply, 200);
    assert_int_equal(json_array_size(json_object_get(reply.json, "items")), 4);
    assert_string_equal(dw_harness_text(reply, "/items/0/name"), "admin");
    assert_string_equal(dw_harness_text(reply, "/items/0/is_builtin"), "true");
    assert_string_equal(dw_harness_text(reply, "/items/0/automatic"), "true");
    assert_string_equal(dw_harness_text(reply, "/items/1/name"), "keeper");
    assert_string_equal(dw_harness_text(reply, "/items/1/is_builtin"), "false");
    assert_string_equal(dw_harness_text(reply, "/items/1/permissions/0"), "roles.manage");
    assert_string_equal(dw_harness_text(reply, "/items/2/name"), "member");
    assert_string_equal(dw_harness_text(reply, "/items/3/name"), "viewer");
}

static void permissions_are_those_of_the_plugins(void **state)
{
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/permissions");

    (void)state;
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/items/0/name"), "auth.operate");
    assert_string_equal(dw_harness_text(reply, "/items/0/plugin"), "auth");
}

static void a_role_is_made_changed_and_deleted(void **state)
{
    const char *id, *target;
    dw_harness_reply reply;

    (void)state;
    reply = dw_harness_post(h, "/api/v1/roles",
                            "{\"name\":\"editor\",\"summary\":\"Edits\",\"permissions\":[\"users.*\"]}");
    id = user_id(reply);
    target = kept(path("/api/v1/roles/%s", id));
    assert_string_equal(dw_harness_text(reply, "/permissions/0"), "users.*");
    assert_string_equal(dw_harness_header(reply, "Location"), target);
    assert_status(dw_harness_post(h, "/api/v1/roles", "{\"name\":\"editor\"}"), 409);
    assert_status(dw_harness_post(h, "/api/v1/roles", "{\"name\":\"Editor!\"}"), 422);
    reply = patch(target, "{\"name\":\"author\",\"permissions\":[\"users.read\",\"roles.read\"]}");
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/name"), "author");
    assert_string_equal(dw_harness_text(reply, "/permissions/1"), "users.read");
    assert_status(with_version("PATCH", target, "\"1\"", "{\"name\":\"writer\"}"), 412);
    assert_status(patch(target, "{\"name\":\"keeper\"}"), 409);
    assert_status(patch(path("/api/v1/members/%s", bob), "{\"roles\":[\"author\"]}"), 200);
    assert_status(erase(target), 204);
    assert_status(dw_harness_get(h, target), 404);
    reply = dw_harness_get(h, path("/api/v1/members/%s", bob));
    assert_int_equal(json_array_size(json_object_get(reply.json, "roles")), 0);
}

static void permissions_that_nobody_declares_are_refused(void **state)
{
    dw_harness_reply reply = dw_harness_post(
        h, "/api/v1/roles", "{\"name\":\"x\",\"permissions\":[\"users.read\",\"users.fly\"]}");

    (void)state;
    assert_status(reply, 422);
    assert_string_equal(dw_harness_text(reply, "/errors/0/pointer"), "#/permissions/1");
    assert_status(dw_harness_post(h, "/api/v1/roles", "{\"name\":\"x\",\"permissions\":[\"auth.operate\"]}"),
                  422);
    assert_status(dw_harness_post(h, "/api/v1/roles", "{\"name\":\"x\",\"permissions\":[\"auth.*\"]}"), 422);
    assert_status(dw_harness_post(h, "/api/v1/roles", "{\"name\":\"x\",\"permissions\":[\"nothing.*\"]}"),
                  422);
}

static void what_is_built_in_stays(void **state)
{
    const char *admin_role = id_of_role("admin"), *viewer = id_of_role("viewer");
    dw_harness_reply reply;

    (void)state;
    assert_status(erase(path("/api/v1/roles/%s", viewer)), 409);
    assert_status(patch(path("/api/v1/roles/%s", viewer), "{\"name\":\"looker\"}"), 409);
    assert_status(patch(path("/api/v1/roles/%s", admin_role), "{\"permissions\":[]}"), 409);
    reply = patch(path("/api/v1/roles/%s", viewer), "{\"permissions\":[\"users.read\"]}");
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/automatic"), "false");
    reply = patch(path("/api/v1/roles/%s", viewer), "{\"automatic\":true}");
    assert_status(reply, 200);
    assert_string_equal(dw_harness_text(reply, "/automatic"), "true");
    assert_int_equal(json_array_size(json_object_get(reply.json, "permissions")), 0);
    assert_status(patch(path("/api/v1/roles/%s", keeper), "{\"automatic\":true}"), 422);
}

/* ---- nobody gets further ---- */

static void nobody_gives_what_he_has_not(void **state)
{
    (void)state;
    as(dan, acme);
    assert_status(patch(path("/api/v1/members/%s", dan), "{\"roles\":[\"keeper\",\"admin\"]}"), 403);
    assert_status(patch(path("/api/v1/members/%s", bob), "{\"roles\":[\"admin\"]}"), 403);
    assert_status(
        dw_harness_post(h, "/api/v1/users", "{\"email\":\"kim@example.org\",\"roles\":[\"admin\"]}"), 403);
    assert_status(dw_harness_get(h, "/api/v1/users?q=kim"), 200);
    assert_int_equal(json_array_size(json_object_get(dw_harness_get(h, "/api/v1/users?q=kim").json, "items")),
                     0);
    assert_status(
        dw_harness_post(h, "/api/v1/members", "{\"email\":\"gil@example.org\",\"roles\":[\"admin\"]}"), 403);
    assert_status(dw_harness_post(h, "/api/v1/roles", "{\"name\":\"x\",\"permissions\":[\"*\"]}"), 403);
    assert_status(dw_harness_post(h, "/api/v1/roles", "{\"name\":\"x\",\"permissions\":[\"tenant.manage\"]}"),
                  403);
    assert_status(
        patch(path("/api/v1/roles/%s", keeper), "{\"permissions\":[\"users.*\",\"tenant.manage\"]}"), 403);
    assert_status(patch(path("/api/v1/members/%s", bob), "{\"roles\":[\"viewer\",\"keeper\"]}"), 200);
}

static void nobody_changes_who_may_more(void **state)
{
    (void)state;
    as(dan, acme);
    assert_status(patch(path("/api/v1/users/%s", ann), "{\"email\":\"dans@example.org\"}"), 403);
    assert_status(dw_harness_post(h, path("/api/v1/users/%s/password", ann), "{}"), 403);
    assert_status(patch(path("/api/v1/members/%s", ann), "{\"roles\":[]}"), 403);
    assert_status(patch(path("/api/v1/users/%s", ann), "{\"active\":false}"), 403);
    assert_status(erase(path("/api/v1/users/%s", ann)), 403);
    assert_status(patch(path("/api/v1/roles/%s", id_of_role("admin")), "{\"summary\":\"x\"}"), 403);
    as(ann, acme);
    assert_status(patch(path("/api/v1/members/%s", bob), "{\"roles\":[\"admin\"]}"), 200);
    as(bob, acme); /* an administrator, but Ann is an operator */
    assert_status(patch(path("/api/v1/users/%s", ann), "{\"email\":\"bobs@example.org\"}"), 403);
    assert_status(dw_harness_post(h, path("/api/v1/users/%s/password", ann), "{}"), 403);
    assert_status(patch(path("/api/v1/users/%s", dan), "{\"email\":\"dan@example.com\"}"), 200);
}

/* Bob works for Globex too: who gave him a password here could be him there. */
static void a_password_opens_all_tenants_of_its_owner(void **state)
{
    (void)state;
    as(dan, acme);
    assert_status(dw_harness_post(h, path("/api/v1/users/%s/password", bob), "{}"), 200);
    as(gil, globex);
    assert_status(
        dw_harness_post(h, "/api/v1/members", "{\"email\":\"bob@example.org\",\"roles\":[\"admin\"]}"), 201);
    as(dan, acme);
    assert_status(dw_harness_post(h, path("/api/v1/users/%s/password", bob), "{}"), 403);
    assert_status(patch(path("/api/v1/users/%s", bob), "{\"email\":\"dans@example.org\"}"), 403);
    assert_status(patch(path("/api/v1/members/%s", bob), "{\"roles\":[\"viewer\"]}"), 200);
    as(ann, acme);
    assert_status(patch(path("/api/v1/users/%s", bob), "{\"email\":\"rob@example.org\"}"), 200);
}

/* As with a key that was limited: its owner's roles do not count for more than it. */
static void a_limited_credential_gives_no_more_than_it_has(void **state)
{
    (void)state;
    dw_harness_set_permissions(h, "users.read users.manage roles.read roles.manage");
    assert_status(patch(path("/api/v1/members/%s", bob), "{\"roles\":[\"admin\"]}"), 403);
    assert_status(dw_harness_post(h, "/api/v1/roles", "{\"name\":\"x\",\"permissions\":[\"tenant.manage\"]}"),
                  403);
    assert_status(dw_harness_post(h, "/api/v1/roles", "{\"name\":\"x\",\"permissions\":[\"users.read\"]}"),
                  201);
    assert_status(dw_harness_get(h, "/api/v1/tenants"), 403);
    dw_harness_set_permissions(h, NULL);
}

static void what_cannot_be_asked_gives_nothing(void **state)
{
    int64_t roles = 0;

    (void)state;
    as(dan, acme);
    for (unsigned n = 1; n <= 60; n++) {
        dw_harness_fail(h, n, DW_EUNAVAILABLE);
        assert_int_not_equal(
            with_version("PATCH", path("/api/v1/members/%s", bob), "\"1\"", "{\"roles\":[\"admin\"]}").status,
            200);
        dw_harness_fail(h, n, DW_EUNAVAILABLE);
        assert_int_not_equal(
            dw_harness_post(h, "/api/v1/roles", "{\"name\":\"x\",\"permissions\":[\"*\"]}").status, 201);
        dw_harness_fail(h, n, DW_EUNAVAILABLE);
        assert_int_not_equal(dw_harness_post(h, path("/api/v1/users/%s/password", ann), "{}").status, 200);
    }
    dw_harness_fail(h, 0, DW_EUNAVAILABLE);
    dw_harness_find(h, DW_TO(&roles),
                    "SELECT count(*) FROM auth_member_roles x JOIN auth_roles r ON r.id = x.role_id AND "
                    "r.name = 'admin'");
    assert_int_equal(roles, 3); /* Ann's two, and Gil's */
}

/* ---- the last one ---- */

static void the_last_administrator_stays(void **state)
{
    (void)state;
    assert_status(patch(path("/api/v1/members/%s", ann), "{\"roles\":[\"member\"]}"), 409);
    assert_status(patch(path("/api/v1/members/%s", bob), "{\"roles\":[\"admin\"]}"), 200);
    assert_status(patch(path("/api/v1/members/%s", ann), "{\"roles\":[\"member\"]}"), 200);
    as(bob, acme);
    assert_status(patch(path("/api/v1/members/%s", bob), "{\"roles\":[]}"), 409);
    assert_status(patch(path("/api/v1/members/%s", dan), "{\"roles\":[\"admin\"]}"), 200);
    assert_status(patch(path("/api/v1/users/%s", dan), "{\"active\":false}"), 200);
    assert_status(patch(path("/api/v1/members/%s", bob), "{\"roles\":[]}"), 409); /* Dan does not count */
}

static void a_member_whose_version_is_old_is_left_alone(void **state)
{
    const char *target = kept(path("/api/v1/members/%s", bob));

    (void)state;
    assert_status(with_version("PATCH", target, "\"1\"", "{\"roles\":[\"viewer\"]}"), 200);
    assert_status(with_version("PATCH", target, "\"1\"", "{\"roles\":[\"member\"]}"), 412);
    assert_string_equal(dw_harness_text(dw_harness_get(h, target), "/roles/0"), "viewer");
    dw_harness_reply reply = patch(target, "{\"roles\":[\"viewer\",\"pilot\"]}");
    assert_status(reply, 422);
    assert_string_equal(dw_harness_text(reply, "/errors/0/pointer"), "#/roles/1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_tenant_begins_with_three_roles, keepers, finish),
        cmocka_unit_test_setup_teardown(permissions_are_those_of_the_plugins, keepers, finish),
        cmocka_unit_test_setup_teardown(a_role_is_made_changed_and_deleted, keepers, finish),
        cmocka_unit_test_setup_teardown(permissions_that_nobody_declares_are_refused, keepers, finish),
        cmocka_unit_test_setup_teardown(what_is_built_in_stays, keepers, finish),
        cmocka_unit_test_setup_teardown(nobody_gives_what_he_has_not, keepers, finish),
        cmocka_unit_test_setup_teardown(nobody_changes_who_may_more, keepers, finish),
        cmocka_unit_test_setup_teardown(a_password_opens_all_tenants_of_its_owner, keepers, finish),
        cmocka_unit_test_setup_teardown(a_limited_credential_gives_no_more_than_it_has, keepers, finish),
        cmocka_unit_test_setup_teardown(what_cannot_be_asked_gives_nothing, keepers, finish),
        cmocka_unit_test_setup_teardown(the_last_administrator_stays, keepers, finish),
        cmocka_unit_test_setup_teardown(a_member_whose_version_is_old_is_left_alone, keepers, finish),
    };

    return ON_EVERY_ENGINE("roles", tests);
}
