/* What the feed answers, each test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <dowel/harness.h>

#define API      "https://work.example/api"
#define SETTINGS "{\"url\":\"" API "/\",\"token\":\"sesame\",\"page_size\":2}"
#define TENANT   "0190a0a0-0000-7000-8000-00000000000a"

#define LOG(id, seconds)                                                                              \
    "{\"id\":\"" #id "\",\"ticket\":\"OPS-12\",\"title\":\"Router\",\"seconds\":" #seconds            \
    ",\"began\":\"2026-11-20T09:00:00+01:00\",\"changed\":\"2026-11-20T08:20:00Z\",\"user\":{\"id\":" \
    "\"u1\",\"email\":\"ann@example.org\"}}"

static dw_harness *h;
static const char *id;

static int begin(void **state)
{
    (void)state;
    if (dw_harness_open(&h, .plugin = PLUGIN) != 0)
        fail_msg("%s", dw_harness_why(h));
    dw_harness_set_tenant(h, TENANT);
    if (dw_harness_connection(h, "worklog", SETTINGS, &id) != 0)
        fail_msg("%s", dw_harness_why(h));
    return 0;
}

static int end(void **state)
{
    (void)state;
    return (int)dw_harness_close(h);
}

static const char *text_of(const json_t *list, size_t i, const char *member)
{
    const char *text = json_string_value(json_object_get(json_array_get(list, i), member));

    return text ? text : "";
}

static const json_t *listed(const json_t *list, size_t n)
{
    if (!list)
        fail_msg("%s", dw_harness_error(h)->text);
    assert_int_equal(json_array_size(list), n);
    return list;
}

/* ---- tests ---- */

static void all_pages_come_one_after_the_other(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " API "/worklogs?size=2",
                        .json = "{\"worklogs\":[" LOG(1, 900) "," LOG(2, 30) "],\"next\":\"" API
                                                                             "/worklogs?cursor=b\"}");
    dw_harness_upstream(h, "GET " API "/worklogs?cursor=b", .json = "{\"worklogs\":[" LOG(3, 7) "]}");
    const json_t *list = listed(dw_harness_entries(h, id, NULL), 3);
    assert_string_equal(text_of(list, 0, "amount"), "900");
    assert_string_equal(text_of(list, 0, "unit"), "seconds");
    assert_string_equal(text_of(list, 0, "ticket_number"), "OPS-12");
    assert_string_equal(text_of(list, 0, "begin"), "2026-11-20T08:00:00.000000Z");
    assert_string_equal(text_of(list, 0, "agent_email"), "ann@example.org");
    assert_string_equal(text_of(list, 2, "id"), "3");
    assert_non_null(strstr(dw_harness_sent_to_peers(h, 1)->headers, "Authorization: Bearer sesame\r\n"));
}

static void what_changed_is_asked_for(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " API "/worklogs", .json = "{\"worklogs\":[]}");
    listed(dw_harness_entries(h, id, DW_STRUCT(dw_entry_query, .changed_since = { 1000000 })), 0);
    listed(dw_harness_entries(h, id, DW_STRUCT(dw_entry_query, .ticket = "OPS-12")), 0);
    assert_string_equal(dw_harness_sent_to_peers(h, 0)->url,
                        API "/worklogs?size=2&changed_since=1970-01-01T00%3A00%3A01.000000Z");
    assert_string_equal(dw_harness_sent_to_peers(h, 1)->url, API "/worklogs?size=2&ticket=OPS-12");
}

static void the_token_goes_nowhere_else(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " API "/worklogs",
                        .json = "{\"worklogs\":[],\"next\":\"https://evil.example/worklogs\"}");
    assert_null(dw_harness_entries(h, id, NULL));
    assert_int_equal(dw_harness_error(h)->code, DW_EDENIED);
    assert_null(dw_harness_sent_to_peers(h, 1));
}

static void a_list_is_whole_or_an_error(void **state)
{
    static const char *const pages[] = {
        "{\"worklogs\":[{\"ticket\":\"OPS-12\"}]}",
        "{\"hello\":\"world\"}",
        "{\"worklogs\":{}}",
        "[]",
        "[",
        "{\"worklogs\":[],\"next\":\"/worklogs?cursor=a\"}", /* for ever */
    };
    (void)state;

    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
        dw_harness_upstream(h, "GET " API "/worklogs", .json = pages[i]);
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
        assert_null(dw_harness_entries(h, id, NULL));
}

static void a_proxys_page_is_no_ticket_that_is_gone(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " API "/worklogs", .status = 404, .json = "{}");
    assert_null(dw_harness_entries(h, id, DW_STRUCT(dw_entry_query, .ticket = "OPS-12")));
    assert_int_equal(dw_harness_error(h)->code, DW_EUPSTREAM);
}

static void what_is_odd_is_for_a_person(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " API "/worklogs",
                        .json = "{\"worklogs\":[" LOG(1, 7.5) ",{\"id\":\"2\"}," LOG(3, 7) "]}");
    const json_t *list = listed(dw_harness_entries(h, id, NULL), 3);
    assert_non_null(strstr(text_of(list, 0, "wrong"), "seconds"));
    assert_string_not_equal(text_of(list, 1, "wrong"), "");
    assert_string_equal(text_of(list, 2, "wrong"), "");
}

static void the_check_names_the_setting(void **state)
{
    static const struct {
        int status;
        const char *body, *pointer;
    } cases[] = {
        { 401, "{}", "#/settings/token" },
        { 404, "<html>", "#/settings/url" },
        { 200, "{\"hello\":\"world\"}", "#/settings/url" },
    };
    const json_t *said;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        dw_harness_upstream(h, "GET " API "/me", .status = cases[i].status, .json = cases[i].body);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        said = dw_harness_check_connection(h, "worklog", SETTINGS);
        assert_string_equal(text_of(json_object_get(said, "errors"), 0, "pointer"), cases[i].pointer);
    }
    dw_harness_upstream(h, "GET " API "/me", .json = "{\"name\":\"Ann\"}");
    said = dw_harness_check_connection(h, "worklog", SETTINGS);
    assert_int_equal(json_integer_value(json_object_get(said, "code")), 0);
    assert_string_equal(text_of(json_object_get(said, "checks"), 0, "name"), "user");
}

static void users_can_be_pointed_at(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " API "/users",
                        .json = "{\"users\":[{\"id\":\"u1\",\"name\":\"Ann\",\"email\":\"ann@example.org\"},"
                                "{\"id\":\"u2\",\"name\":\"Bob\",\"active\":false}]}");
    const json_t *list = listed(dw_harness_things(h, id, "user", NULL), 1);
    assert_string_equal(text_of(list, 0, "name"), "Ann");
    listed(dw_harness_things(h, id, "user", DW_STRUCT(dw_thing_query, .inactive = true)), 2);
}

/* ---- whatever fails, nothing is left ---- */

static void play(dw_harness *with, void *ud)
{
    (void)ud;
    (void)dw_harness_entries(with, id, NULL);
    (void)dw_harness_things(with, id, "user", NULL);
    (void)dw_harness_check_connection(with, "worklog", SETTINGS);
}

static void every_step_may_fail(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " API "/worklogs", .json = "{\"worklogs\":[" LOG(1, 900) "]}");
    dw_harness_upstream(h, "GET " API "/users", .json = "{\"users\":[]}");
    dw_harness_upstream(h, "GET " API "/me", .json = "{\"name\":\"Ann\"}");
    assert_true(dw_harness_torture(h, play, NULL) > 10);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(all_pages_come_one_after_the_other),
        TEST(what_changed_is_asked_for),
        TEST(the_token_goes_nowhere_else),
        TEST(a_list_is_whole_or_an_error),
        TEST(a_proxys_page_is_no_ticket_that_is_gone),
        TEST(what_is_odd_is_for_a_person),
        TEST(the_check_names_the_setting),
        TEST(users_can_be_pointed_at),
        TEST(every_step_may_fail),
    };

    return cmocka_run_group_tests_name("worklog", tests, NULL, NULL);
}
