/* Customers, projects, activities, users, teams and tags: listed, and made once. */
#include "rig.h"

#define CUSTOMERS                                                                                            \
    "[{\"id\":1,\"name\":\"Acme\",\"number\":\"OID-5\",\"visible\":true},{\"id\":2,\"name\":\"Zürich AG\"," \
    "\"number\":\"0002\",\"visible\":true}]"
#define PROJECTS                                                                                            \
    "[{\"id\":3,\"name\":\"Helpdesk\",\"number\":\"TID-50\",\"customer\":1,\"visible\":true,\"end\":null}," \
    "{\"id\":4,\"name\":\"Old\",\"customer\":1,\"visible\":true,\"end\":\"2026-06-20\"},"                   \
    "{\"id\":5,\"name\":\"Ends today\",\"customer\":1,\"visible\":true,\"end\":\"2026-07-01\"}]"

static const char *names_of(const json_t *list)
{
    static char names[400];

    if (!list)
        fail_msg("%s", dw_harness_error(h)->text);
    *names = '\0';
    for (size_t i = 0; i < json_array_size(list); i++) {
        const size_t n = strlen(names);
        snprintf(names + n, sizeof(names) - n, "%s%s", n ? "|" : "",
                 text_at(json_array_get(list, i), "name"));
    }
    return names;
}

static const char *query_of(const char *path, unsigned n)
{
    const dw_harness_sent *one = sent("GET", path, n);
    const char *query = one ? strchr(one->url, '?') : NULL;

    return query ? query : "";
}

/* ---- listing ---- */

static void customers_have_numbers(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/customers", .json = CUSTOMERS);
    const json_t *list = list_things("customer", .id = NULL);
    assert_string_equal(names_of(list), "Acme|Zürich AG");
    assert_string_equal(text_at(json_array_get(list, 0), "number"), "OID-5");
    assert_string_equal(query_of("/api/customers", 0), "?visible=1");
    assert_string_equal(names_of(list_things("customer", .number = "OID-5", .inactive = true)), "Acme");
    assert_string_equal(query_of("/api/customers", 1), "?visible=3");
}

/* Kimai's search is a LIKE in some members; the name is always one, and is compared exactly here. */
static void a_name_is_searched_for_there(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/customers", .json = CUSTOMERS);
    assert_string_equal(names_of(list_things("customer", .name = "Zürich AG")), "Zürich AG");
    assert_string_equal(query_of("/api/customers", 0), "?visible=1&term=Z%C3%BCrich");
}

/* Ended ones are listed only where the query says that its dates do not count. */
static void projects_that_are_over_are_inactive(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/projects", .json = PROJECTS);
    const json_t *list = list_things("project", .parent = "1");
    assert_string_equal(names_of(list), "Helpdesk|Ends today");
    assert_string_equal(text_at(json_array_get(list, 0), "parent"), "1");
    assert_string_equal(query_of("/api/projects", 0), "?visible=1&ignoreDates=1&customer=1");
    list = list_things("project", .inactive = true);
    assert_string_equal(names_of(list), "Helpdesk|Old|Ends today");
    assert_true(json_is_true(json_object_get(json_array_get(list, 1), "inactive")));
}

static void activities_are_of_a_project_or_of_all(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/activities",
                        .json = "[{\"id\":2,\"name\":\"Support\",\"project\":null,\"visible\":true},"
                                "{\"id\":8,\"name\":\"On site\",\"project\":3,\"visible\":true}]");
    const json_t *list = list_things("activity", .id = NULL);
    assert_string_equal(names_of(list), "Support|On site");
    assert_null(json_object_get(json_array_get(list, 0), "parent"));
    assert_string_equal(text_at(json_array_get(list, 1), "parent"), "3");
}

static void users_go_by_their_alias(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/users",
                        .json = "[{\"id\":7,\"username\":\"ann\",\"alias\":\"Ann "
                                "Lee\",\"email\":\"ann@example.org\",\"enabled\":true,"
                                "\"accountNumber\":\"P-1\"},{\"id\":8,\"username\":\"bob\",\"alias\":null,"
                                "\"email\":\"bob@example.org\","
                                "\"enabled\":false}]");
    dw_harness_upstream(h, "GET " KIMAI "/api/users", .status = 403, .json = "{\"code\":403}");
    const json_t *list = list_things("user", .inactive = true);
    assert_string_equal(names_of(list), "Ann Lee|bob");
    assert_string_equal(text_at(json_array_get(list, 0), "email"), "ann@example.org");
    assert_string_equal(text_at(json_array_get(list, 0), "number"), "P-1");
    assert_true(json_is_true(json_object_get(json_array_get(list, 1), "inactive")));
    assert_null(list_things("user", .id = NULL));
    assert_failed(DW_EDENIED, "");
    assert_non_null(strstr(dw_harness_error(h)->text, "view_user"));
}

static void teams_and_tags_are_listed(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/teams", .json = "[{\"id\":1,\"name\":\"Field\"}]");
    dw_harness_upstream(h, "GET " KIMAI "/api/tags", .json = "[\"zammad\",\"zammad-2\"]");
    assert_string_equal(names_of(list_things("team", .id = NULL)), "Field");
    assert_string_equal(names_of(list_things("tag", .name = "zammad")), "zammad");
    assert_string_equal(query_of("/api/tags", 0), "?name=zammad");
}

static void what_is_no_list_is_no_empty_list(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/customers", .status = 404);
    dw_harness_upstream(h, "GET " KIMAI "/api/customers", .json = "{}");
    dw_harness_upstream(h, "GET " KIMAI "/api/customers", .body = { "<html>", 6 },
                        .content_type = "text/html");
    dw_harness_upstream(h, "GET " KIMAI "/api/customers", .json = "[{\"id\":1}]");
    for (int i = 0; i < 4; i++) {
        assert_null(list_things("customer", .id = NULL));
        assert_failed(DW_EUPSTREAM, "");
    }
}

/* ---- making ---- */

static void a_customer_is_made_with_all_that_kimai_wants(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/customers", .json = CUSTOMERS);
    dw_harness_upstream(h, "POST " KIMAI "/api/customers",
                        .json = "{\"id\":9,\"name\":\"New\",\"number\":\"OID-9\",\"visible\":true}");
    const json_t *made = make_thing("customer", .name = "New", .number = "OID-9");
    assert_string_equal(text_at(made, "id"), "9");
    assert_string_equal(sent("POST", "/api/customers", 0)->body.p,
                        "{\"name\":\"New\",\"visible\":true,\"country\":\"DE\",\"currency\":\"EUR\","
                        "\"timezone\":\"Europe/Berlin\","
                        "\"language\":\"de\",\"number\":\"OID-9\"}");
}

/* It would take them: two with one name, two with one number. */
static void what_is_there_is_not_made_again(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/customers", .json = CUSTOMERS);
    dw_harness_upstream(h, "GET " KIMAI "/api/projects", .json = PROJECTS);
    assert_null(make_thing("customer", .name = "Whatever", .number = "OID-5"));
    assert_failed(DW_ECONFLICT, "");
    assert_null(make_thing("customer", .name = "Acme"));
    assert_failed(DW_ECONFLICT, "");
    assert_null(make_thing("project", .name = "Ticket 50", .number = "TID-50", .parent = "1"));
    assert_failed(DW_ECONFLICT, "");
    assert_string_equal(query_of("/api/projects", 0), "?visible=3&ignoreDates=1&customer=1");
    assert_int_equal(count_sent("POST", ""), 0);
}

static void a_project_is_of_a_customer(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/projects", .json = PROJECTS);
    dw_harness_upstream(h, "POST " KIMAI "/api/projects",
                        .json = "{\"id\":9,\"name\":\"Ticket 51\",\"customer\":2,\"visible\":true}");
    const json_t *made = make_thing("project", .name = "Ticket 51", .number = "TID-51", .parent = "2");
    assert_string_equal(text_at(made, "parent"), "2");
    assert_string_equal(sent("POST", "/api/projects", 0)->body.p,
                        "{\"name\":\"Ticket 51\",\"visible\":true,\"customer\":2,\"number\":\"TID-51\"}");
    assert_null(make_thing("project", .name = "Ticket 51"));
    assert_failed(DW_EINVALID, "");
    assert_null(make_thing("project", .name = "Ticket 51", .parent = "two"));
    assert_failed(DW_EINVALID, "");
}

static void an_activity_may_be_of_a_project(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/activities",
                        .json = "[{\"id\":2,\"name\":\"Support\",\"project\":3,\"visible\":true}]");
    dw_harness_upstream(h, "POST " KIMAI "/api/activities",
                        .json = "{\"id\":9,\"name\":\"Support\",\"project\":null,\"visible\":true}");
    assert_non_null(make_thing("activity", .name = "Support"));
    assert_string_equal(sent("POST", "/api/activities", 0)->body.p,
                        "{\"name\":\"Support\",\"visible\":true}");
    assert_null(make_thing("activity", .name = "Support", .parent = "3"));
    assert_failed(DW_ECONFLICT, "");
}

static void a_tag_is_made_visible(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI "/api/tags",
                        .json = "{\"id\":1,\"name\":\"zammad\",\"visible\":true}");
    assert_string_equal(text_at(make_thing("tag", .name = "zammad"), "id"), "zammad");
    assert_string_equal(sent("POST", "/api/tags", 0)->body.p, "{\"name\":\"zammad\",\"visible\":true}");
}

static void names_fit_into_kimai(void **state)
{
    char name[500] = "";

    (void)state;
    for (int i = 0; i < 151; i++)
        memcpy(name + 2 * i, "ü", 3);
    dw_harness_upstream(h, "GET " KIMAI "/api/projects", .json = "[]");
    dw_harness_upstream(h, "POST " KIMAI "/api/projects",
                        .json = "{\"id\":9,\"name\":\"x\",\"customer\":2,\"visible\":true}");
    assert_non_null(make_thing("project", .name = name, .parent = "2"));
    json_t *body = json_loads(sent("POST", "/api/projects", 0)->body.p, 0, NULL);
    assert_int_equal(strlen(text_at(body, "name")), 300);
    json_decref(body);
    assert_null(make_thing("project", .name = "x", .parent = "2"));
    assert_failed(DW_EINVALID, "");
    assert_null(
        make_thing("project", .name = "Ticket", .number = "TID-1234567", .parent = "2")); /* 10 at most */
    assert_failed(DW_EINVALID, "");
    assert_int_equal(count_sent("POST", ""), 1);
}

static void what_kimai_refuses_to_make_is_told(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/customers", .json = "[]");
    dw_harness_upstream(h, "POST " KIMAI "/api/customers", .status = 403, .json = "{\"code\":403}");
    dw_harness_upstream(
        h, "POST " KIMAI "/api/customers", .status = 400,
        .json = "{\"code\":400,\"errors\":{\"children\":{\"country\":{\"errors\":[\"Kein Land.\"]}}}}");
    dw_harness_upstream(h, "POST " KIMAI "/api/customers", .status = 500);
    dw_harness_upstream(h, "POST " KIMAI "/api/customers", .json = "{}");
    assert_null(make_thing("customer", .name = "New"));
    assert_failed(DW_EDENIED, "");
    assert_null(make_thing("customer", .name = "New"));
    assert_failed(DW_EINVALID, "");
    assert_non_null(strstr(dw_harness_error(h)->text, "Kein Land."));
    assert_null(make_thing("customer", .name = "New"));
    assert_failed(DW_EUNKNOWN, "");
    assert_null(make_thing("customer", .name = "New"));
    assert_failed(DW_EUNKNOWN, "");
}

static void play(dw_harness *with, void *ud)
{
    (void)with;
    (void)ud;
    list_things("customer", .name = "Acme");
    list_things("tag", .id = NULL);
    make_thing("customer", .name = "New", .number = "OID-9");
    make_thing("tag", .name = "zammad");
}

static void every_step_may_fail(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/customers", .json = CUSTOMERS);
    dw_harness_upstream(h, "GET " KIMAI "/api/tags", .json = "[\"zammad\"]");
    dw_harness_upstream(h, "POST " KIMAI "/api/tags",
                        .json = "{\"id\":1,\"name\":\"zammad\",\"visible\":true}");
    dw_harness_upstream(h, "POST " KIMAI "/api/customers",
                        .json = "{\"id\":9,\"name\":\"New\",\"visible\":true}");
    assert_true(dw_harness_torture(h, play, NULL) > 10);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_kimai, close_kimai)
    const struct CMUnitTest tests[] = {
        TEST(customers_have_numbers),
        TEST(a_name_is_searched_for_there),
        TEST(projects_that_are_over_are_inactive),
        TEST(activities_are_of_a_project_or_of_all),
        TEST(users_go_by_their_alias),
        TEST(teams_and_tags_are_listed),
        TEST(what_is_no_list_is_no_empty_list),
        TEST(a_customer_is_made_with_all_that_kimai_wants),
        TEST(what_is_there_is_not_made_again),
        TEST(a_project_is_of_a_customer),
        TEST(an_activity_may_be_of_a_project),
        TEST(a_tag_is_made_visible),
        TEST(names_fit_into_kimai),
        TEST(what_kimai_refuses_to_make_is_told),
        TEST(every_step_may_fail),
    };

    return cmocka_run_group_tests_name("kimai: things", tests, NULL, NULL);
}
