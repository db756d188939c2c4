/* Can it work? Every way in which it cannot has advice, at the setting that it is about. */
#include "rig.h"

#define FORM_OF_ALL                                                                                       \
    "{\"code\":400,\"errors\":{\"children\":{\"begin\":{},\"end\":{},\"project\":{\"errors\":[\"Qo'\"]}," \
    "\"activity\":{\"errors\":[\"Qo'\"]},\"description\":{},\"user\":{},\"tags\":{},\"exported\":{},"     \
    "\"billable\":{}}}}"
#define FORM_OF_ONE                                                                                       \
    "{\"code\":400,\"errors\":{\"children\":{\"begin\":{},\"end\":{},\"project\":{\"errors\":[\"Qo'\"]}," \
    "\"activity\":{\"errors\":[\"Qo'\"]},\"description\":{},\"tags\":{}}}}"
#define NO_NAME  "{\"code\":400,\"errors\":{\"children\":{\"name\":{\"errors\":[\"Qo'\"]}}}}"
#define TOTAL(n) "X-Total-Count: " #n "\r\nX-Total-Pages: 1\r\nX-Per-Page: 1\r\n"

static const json_t *said; /* by the last check */

static void check_with(const char *settings)
{
    said = dw_harness_check_connection(h, "kimai", settings);
    if (!said)
        fail_msg("%s", dw_harness_why(h));
}

static void check(void)
{
    check_with(SETTINGS);
}

static void assert_code(int code)
{
    if (json_integer_value(json_object_get(said, "code")) != code)
        fail_msg("%s", json_dumps(said, 0));
}

/* It failed at this setting, with this in its advice. */
static void assert_at(const char *pointer, const char *part)
{
    const json_t *error = json_array_get(json_object_get(said, "errors"), 0);
    const char *at = text_at(error, "pointer");
    const size_t n = strlen(at), wanted = strlen(pointer);

    assert_code(DW_EINVALID);
    if (n < wanted || strcmp(at + n - wanted, pointer) != 0 || !strstr(text_at(error, "detail"), part))
        fail_msg("%s: %s; expected was %s: %s", at, text_at(error, "detail"), pointer, part);
}

/* "good", "warning", or "" for a line that there is not. */
static const char *state_of(const char *name)
{
    const json_t *checks = json_object_get(said, "checks");

    for (size_t i = 0; i < json_array_size(checks); i++)
        if (strcmp(text_at(json_array_get(checks, i), "name"), name) == 0)
            return text_at(json_array_get(checks, i), "state");
    return "";
}

/* ---- a Kimai in which all is well, but for what a test has answered before ---- */

static void versions_are(const char *version)
{
    dw_harness_upstream(h, "GET " KIMAI "/api/version", .json = version,
                        .headers = "Date: Wed, 01 Jul 2026 09:00:30 GMT\r\n");
}

static void all_is_well(void)
{
    static const char *const masters[] = { "customers", "projects", "activities", "tags" };
    char request[100];

    versions_are("{\"version\":\"2.66.0\",\"versionId\":26600}");
    dw_harness_upstream(h, "GET " KIMAI "/api/users/me",
                        .json = "{\"id\":7,\"username\":\"ann\",\"roles\":[\"ROLE_ADMIN\"]}");
    dw_harness_upstream(
        h, "GET " KIMAI "/api/config/timesheet",
        .json = "{\"trackingMode\":\"default\",\"isAllowFutureTimes\":true,\"isAllowOverlapping\":true}");
    dw_harness_upstream(h, "POST " KIMAI "/api/timesheets", .status = 400, .json = FORM_OF_ALL);
    for (size_t i = 0; i < 4; i++) {
        snprintf(request, sizeof(request), "POST " KIMAI "/api/%s", masters[i]);
        dw_harness_upstream(h, request, .status = 400, .json = NO_NAME);
    }
    dw_harness_upstream(h, "GET " KIMAI "/api/users", .json = "[{\"id\":7},{\"id\":8}]");
    dw_harness_upstream(h, "GET " KIMAI "/api/timesheets?user=all&size=1", .json = "[{\"id\":1,\"user\":8}]",
                        .headers = TOTAL(5));
    dw_harness_upstream(h, "GET " KIMAI "/api/timesheets?user=7&size=1", .json = "[{\"id\":2,\"user\":7}]",
                        .headers = TOTAL(3));
}

static int open_plain(void **state)
{
    (void)state;
    return open_with(SETTINGS);
}

static void all_is_well_and_nothing_was_written(void **state)
{
    (void)state;
    all_is_well();
    check();
    assert_code(0);
    assert_string_equal(state_of("version"), "good");
    assert_string_equal(state_of("owner"), "good");
    assert_string_equal(state_of("view_other_timesheet"), "good");
    assert_string_equal(state_of("clock"), "");
    for (size_t i = 0; i < json_array_size(json_object_get(said, "checks")); i++)
        assert_string_equal(text_at(json_array_get(json_object_get(said, "checks"), i), "state"), "good");
    assert_string_equal(
        sent("POST", "/api/timesheets", 0)->body.p,
        "{\"begin\":\"2020-01-01T09:00:00Z\",\"end\":\"2020-01-01T09:01:00Z\",\"project\":0,\"activity\":0}");
}

/* ---- what was typed ---- */

static void what_was_typed_is_looked_at_first(void **state)
{
    (void)state;
    check_with("{\"base_url\":\"" KIMAI "/api\",\"token\":\"sesame\"}");
    assert_at("/base_url", "/api");
    check_with("{\"base_url\":\"" KIMAI "\"}");
    assert_at("/token", "is missing");
    check_with("{\"base_url\":\"" KIMAI "\",\"legacy_user\":\"ann\"}");
    assert_at("/legacy_token", "is missing");
    check_with("{\"base_url\":\"" KIMAI "\",\"token\":\"a\",\"legacy_user\":\"ann\",\"legacy_token\":\"b\"}");
    assert_at("/legacy_user", "leave it empty");
    assert_null(dw_harness_sent_to_peers(h, 0));
}

/* ---- the address ---- */

#define VERSION "GET " KIMAI "/api/version"

static void an_address_without_a_kimai_is_told(void **state)
{
    (void)state;
    dw_harness_upstream(h, VERSION, .status = 404, .body = { "<html>", 6 }, .content_type = "text/html");
    dw_harness_upstream(h, VERSION, .body = { "<html>It works!", 15 }, .content_type = "text/html");
    dw_harness_upstream(h, VERSION, .json = "{\"version\":\"6.5.0\"}"); /* a Zammad says so */
    dw_harness_upstream(h, VERSION, .json = "[]");
    dw_harness_upstream(h, VERSION, .body = { "{\"version", 9 }, .content_type = "application/json");
    check();
    assert_at("/base_url", "no Kimai answers there");
    check();
    assert_at("/base_url", "it should be JSON");
    check();
    assert_at("/base_url", "does not say its version");
    check();
    assert_at("/base_url", "it should be JSON");
    check();
    assert_at("/base_url", "it should be JSON");
}

static void a_redirect_is_not_followed_and_told(void **state)
{
    (void)state;
    dw_harness_upstream(h, VERSION, .status = 301,
                        .headers = "Location: https://time.example/api/version\r\n");
    dw_harness_upstream(h, VERSION, .status = 302, .headers = "Location: https://kimai.example/en/login\r\n");
    check();
    assert_at("/base_url", "https://time.example/api/version");
    check();
    assert_at("/base_url", "page for signing in");
    assert_null(dw_harness_sent_to_peers(h, 2)); /* and the token went nowhere else */
}

static void what_is_not_reached_says_the_host(void **state)
{
    (void)state;
    dw_harness_upstream(h, VERSION, .fails = DW_EUNAVAILABLE);
    check();
    assert_code(DW_EUNAVAILABLE);
    assert_non_null(strstr(text_at(said, "text"), KIMAI));
}

static void a_version_that_is_too_old_is_told(void **state)
{
    (void)state;
    versions_are("{\"version\":\"1.30.11\",\"versionId\":13011}");
    check();
    assert_at("/base_url", "too old");
    close_kimai(state);
    open_plain(state);
    versions_are("{\"version\":\"2.14.0\",\"versionId\":21400}");
    all_is_well();
    check();
    assert_code(0);
    assert_string_equal(state_of("version"), "warning");
}

static void a_clock_that_is_a_day_off_is_told(void **state)
{
    (void)state;
    dw_harness_upstream(h, VERSION, .json = "{\"version\":\"2.66.0\",\"versionId\":26600}",
                        .headers = "Date: Thu, 02 Jul 2026 09:00:00 GMT\r\n");
    all_is_well();
    check();
    assert_code(0);
    assert_string_equal(state_of("clock"), "warning");
}

/* ---- the token ---- */

static void a_token_that_is_wrong_is_told_from_one_that_did_not_arrive(void **state)
{
    (void)state;
    dw_harness_upstream(h, VERSION, .status = 401,
                        .headers = "WWW-Authenticate: Bearer "
                                   "error=\"invalid_token\",error_description=\"Invalid credentials.\"\r\n");
    dw_harness_upstream(h, VERSION, .status = 401, .json = "{\"code\":401,\"message\":\"Unauthorized\"}");
    dw_harness_upstream(h, VERSION, .status = 403, .json = "{\"code\":403,\"message\":\"Forbidden\"}");
    check();
    assert_at("/token", "is wrong, has expired or was deleted");
    check();
    assert_at("/token", "did not arrive");
    check();
    assert_at("/token", "api_access");
}

#define LEGACY "{\"base_url\":\"" KIMAI "\",\"legacy_user\":\"ann\",\"legacy_token\":\"open sesame\"}"

static void the_old_form_goes_by_its_own_fields(void **state)
{
    (void)state;
    all_is_well();
    check_with(LEGACY);
    assert_code(0);
    const char *headers = dw_harness_sent_to_peers(h, 0)->headers;
    assert_non_null(strstr(headers, "X-AUTH-USER: ann\r\n"));
    assert_non_null(strstr(headers, "X-AUTH-TOKEN: open sesame\r\n"));
    assert_null(strstr(headers, "Authorization"));
}

static void the_old_form_has_failures_of_its_own(void **state)
{
    (void)state;
    dw_harness_upstream(h, VERSION, .status = 403, .json = "{\"message\":\"Invalid credentials\"}");
    dw_harness_upstream(h, VERSION, .status = 400, .json = "{\"code\":400,\"message\":\"Bad Request\"}");
    check_with(LEGACY);
    assert_at("/legacy_token", "legacy_user");
    check_with(LEGACY);
    assert_at("/legacy_token", "too often");
}

/* ---- what he may ---- */

static void books_as(const char *form)
{
    dw_harness_upstream(h, "POST " KIMAI "/api/timesheets", .status = 400, .json = form);
}

static void who_may_book_for_himself_only_is_told(void **state)
{
    (void)state;
    books_as(FORM_OF_ONE);
    all_is_well();
    check();
    assert_code(0);
    assert_string_equal(state_of("others"), "warning");
    assert_string_equal(state_of("billable"), "warning");
}

static void who_may_book_nothing_cannot_be_used(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI "/api/timesheets", .status = 403, .json = "{\"code\":403}");
    all_is_well();
    check();
    assert_at("/token", "create_own_timesheet");
}

static void a_punch_clock_cannot_be_used(void **state)
{
    (void)state;
    books_as("{\"code\":400,\"errors\":{\"errors\":[\"Qo'\"],\"children\":{\"project\":{},\"activity\":{},"
             "\"description\":{},\"tags\":{}}}}");
    dw_harness_upstream(h, "GET " KIMAI "/api/config/timesheet", .json = "{\"trackingMode\":\"punch\"}");
    all_is_well();
    check();
    assert_at("/token", "punch clock");
    assert_string_equal(state_of("mode"), "warning");
}

static void a_kimai_that_does_not_know_times_with_z_cannot_be_used(void **state)
{
    (void)state;
    books_as("{\"code\":400,\"errors\":{\"children\":{\"begin\":{\"errors\":[\"Qo'\"]},\"end\":{},"
             "\"project\":{}}}}");
    all_is_well();
    check();
    assert_at("/base_url", "with a Z");
}

static void what_he_may_not_make_is_named(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI "/api/customers", .status = 403, .json = "{\"code\":403}");
    dw_harness_upstream(h, "POST " KIMAI "/api/tags", .status = 403, .json = "{\"code\":403}");
    all_is_well();
    check();
    assert_code(0);
    assert_string_equal(state_of("create_customer"), "warning");
    assert_string_equal(state_of("create_tag"), "warning");
    assert_string_equal(state_of("create_project"), "");
}

static void settings_for_customers_that_kimai_does_not_take_are_told(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI "/api/customers", .status = 400,
                        .json = "{\"code\":400,\"errors\":{\"children\":{\"name\":{\"errors\":[\"Qo'\"]},"
                                "\"timezone\":{\"errors\":[\"Qo'\"]}}}}");
    all_is_well();
    check();
    assert_at("/customer_timezone", "does not take this");
}

static void a_form_that_is_taken_is_no_answer(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI "/api/customers", .json = "{\"id\":1}");
    all_is_well();
    check();
    assert_code(DW_EUPSTREAM);
}

static void rules_that_will_stop_bookings_are_told(void **state)
{
    (void)state;
    dw_harness_upstream(
        h, "GET " KIMAI "/api/config/timesheet",
        .json = "{\"trackingMode\":\"default\",\"isAllowFutureTimes\":false,\"isAllowOverlapping\":false}");
    all_is_well();
    check();
    assert_code(0);
    assert_string_equal(state_of("overlap"), "warning");
    assert_string_equal(state_of("future"), "warning");
}

/* ---- what he may see: Kimai lists one's own, without a word, to whoever may not see others' ---- */

#define ALL   "GET " KIMAI "/api/timesheets?user=all&size=1"
#define OWN   "GET " KIMAI "/api/timesheets?user=7&size=1"
#define OTHER "GET " KIMAI "/api/timesheets?user=8&size=1"

static void counts_are(const char *all, const char *own)
{
    dw_harness_upstream(h, ALL, .json = "[{\"id\":1,\"user\":7}]", .headers = all);
    dw_harness_upstream(h, OWN, .json = "[{\"id\":1,\"user\":7}]", .headers = own);
}

static void he_is(const char *roles)
{
    char json[100];

    snprintf(json, sizeof(json), "{\"id\":7,\"username\":\"ann\",\"roles\":[%s]}", roles);
    dw_harness_upstream(h, "GET " KIMAI "/api/users/me", .json = json);
}

static void who_asks_for_another_and_gets_his_own_is_blind(void **state)
{
    (void)state;
    counts_are(TOTAL(3), TOTAL(3));
    dw_harness_upstream(h, OTHER, .json = "[{\"id\":1,\"user\":7}]", .headers = TOTAL(3));
    all_is_well();
    check();
    assert_at("/token", "view_other_timesheet"); /* he may book for others, and would never find it */
    close_kimai(state);
    open_plain(state);
    books_as(FORM_OF_ONE);
    counts_are(TOTAL(3), TOTAL(3));
    dw_harness_upstream(h, OTHER, .json = "[{\"id\":1,\"user\":7}]", .headers = TOTAL(3));
    all_is_well();
    check();
    assert_code(0);
    assert_string_equal(state_of("view_other_timesheet"), "warning");
}

static void who_asks_for_another_and_gets_none_sees(void **state)
{
    (void)state;
    counts_are(TOTAL(3), TOTAL(3));
    dw_harness_upstream(h, OTHER, .json = "[]", .headers = TOTAL(0));
    all_is_well();
    check();
    assert_code(0);
    assert_string_equal(state_of("view_other_timesheet"), "good");
    close_kimai(state);
    open_plain(state);
    counts_are(TOTAL(3), TOTAL(3)); /* of another one there are some since then */
    dw_harness_upstream(h, OTHER, .json = "[{\"id\":2,\"user\":8}]", .headers = TOTAL(1));
    all_is_well();
    check();
    assert_code(0);
}

static void a_team_may_keep_its_times_to_itself(void **state)
{
    (void)state;
    he_is("\"ROLE_TEAMLEAD\"");
    all_is_well();
    check();
    assert_code(0);
    assert_string_equal(state_of("view_all_data"), "warning");
}

static void what_cannot_be_seen_is_said_to_be_so(void **state)
{
    (void)state;
    he_is("\"ROLE_DOWEL\"");
    dw_harness_upstream(h, ALL, .json = "[]", .headers = TOTAL(0));
    dw_harness_upstream(h, OWN, .json = "[]", .headers = TOTAL(0));
    all_is_well();
    check();
    assert_code(0);
    assert_string_equal(state_of("view_other_timesheet"), "warning");
    close_kimai(state);
    open_plain(state);
    dw_harness_upstream(h, ALL, .json = "[]", .headers = TOTAL(0));
    dw_harness_upstream(h, OWN, .json = "[]", .headers = TOTAL(0));
    all_is_well(); /* an administrator */
    check();
    assert_string_equal(state_of("view_other_timesheet"), "good");
}

static void who_may_not_list_users_is_told(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/users", .status = 403, .json = "{\"code\":403}");
    all_is_well();
    check();
    assert_code(0);
    assert_string_equal(state_of("view_user"), "warning");
}

static void who_may_list_no_timesheets_cannot_be_used(void **state)
{
    (void)state;
    dw_harness_upstream(h, ALL, .status = 403, .json = "{\"code\":403}");
    all_is_well();
    check();
    assert_at("/token", "view_own_timesheet");
}

static void a_proxy_that_drops_counts_is_told(void **state)
{
    (void)state;
    dw_harness_upstream(h, ALL, .json = "[]");
    all_is_well();
    check();
    assert_at("/base_url", "X-Total-Count");
}

static void play(dw_harness *with, void *ud)
{
    (void)ud;
    dw_harness_check_connection(with, "kimai", SETTINGS);
}

static void every_step_may_fail(void **state)
{
    (void)state;
    all_is_well();
    assert_true(dw_harness_torture(h, play, NULL) > 10);
}

static void no_secret_is_logged(void **state)
{
    (void)state;
    all_is_well();
    check();
    assert_false(dw_harness_logged(h, DW_LOG_DEBUG, "sesame"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_plain, close_kimai)
    const struct CMUnitTest tests[] = {
        TEST(all_is_well_and_nothing_was_written),
        TEST(what_was_typed_is_looked_at_first),
        TEST(an_address_without_a_kimai_is_told),
        TEST(a_redirect_is_not_followed_and_told),
        TEST(what_is_not_reached_says_the_host),
        TEST(a_version_that_is_too_old_is_told),
        TEST(a_clock_that_is_a_day_off_is_told),
        TEST(a_token_that_is_wrong_is_told_from_one_that_did_not_arrive),
        TEST(the_old_form_goes_by_its_own_fields),
        TEST(the_old_form_has_failures_of_its_own),
        TEST(who_may_book_for_himself_only_is_told),
        TEST(who_may_book_nothing_cannot_be_used),
        TEST(a_punch_clock_cannot_be_used),
        TEST(a_kimai_that_does_not_know_times_with_z_cannot_be_used),
        TEST(what_he_may_not_make_is_named),
        TEST(settings_for_customers_that_kimai_does_not_take_are_told),
        TEST(a_form_that_is_taken_is_no_answer),
        TEST(rules_that_will_stop_bookings_are_told),
        TEST(who_asks_for_another_and_gets_his_own_is_blind),
        TEST(who_asks_for_another_and_gets_none_sees),
        TEST(a_team_may_keep_its_times_to_itself),
        TEST(what_cannot_be_seen_is_said_to_be_so),
        TEST(who_may_not_list_users_is_told),
        TEST(who_may_list_no_timesheets_cannot_be_used),
        TEST(a_proxy_that_drops_counts_is_told),
        TEST(every_step_may_fail),
        TEST(no_secret_is_logged),
    };

    return cmocka_run_group_tests_name("kimai: check", tests, NULL, NULL);
}
