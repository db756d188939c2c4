/* Why Kimai refused a timesheet: by the places of its answer and by what it says when it is asked, never by its words, which stand
 * here in Klingon for that reason. */
#include "rig.h"

#define SHEETS "/api/timesheets"

#define ADMIN_FORM \
    "\"begin\":{},\"end\":{},\"description\":{},\"user\":{},\"tags\":{},\"exported\":{},\"billable\":{}"
#define USER_FORM "\"begin\":{},\"end\":{},\"description\":{},\"tags\":{}"
#define REFUSAL(whole, children) \
    "{\"code\":400,\"message\":\"Validation Failed\",\"errors\":{" whole "\"children\":{" children "}}}"
#define WHOLE(children) REFUSAL("\"errors\":[\"ghobe'\"],", children)

#define PROJECT_ERROR  "\"project\":{\"errors\":[\"Qo'\"]}"
#define ACTIVITY_ERROR "\"activity\":{\"errors\":[\"Qo'\"]}"

static void refuses(const char *body)
{
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 400, .json = body);
}

static void projects_are(const char *rows)
{
    dw_harness_upstream(h, "GET " KIMAI "/api/projects", .json = rows);
}

static void customers_are(const char *rows)
{
    dw_harness_upstream(h, "GET " KIMAI "/api/customers", .json = rows);
}

static void activities_are(const char *rows)
{
    dw_harness_upstream(h, "GET " KIMAI "/api/activities", .json = rows);
}

static void settings_are(const char *future, const char *overlapping)
{
    char json[200];

    snprintf(json, sizeof(json),
             "{\"trackingMode\":\"default\",\"isAllowFutureTimes\":%s,\"isAllowOverlapping\":%s}", future,
             overlapping);
    dw_harness_upstream(h, "GET " KIMAI "/api/config/timesheet", .json = json);
}

static void all_is_open(void)
{
    projects_are(
        "[{\"id\":3,\"name\":\"Helpdesk\",\"customer\":1,\"visible\":true,\"globalActivities\":true}]");
    customers_are("[{\"id\":1,\"name\":\"Acme\",\"visible\":true}]");
    activities_are("[{\"id\":2,\"name\":\"Support\",\"project\":null,\"visible\":true}]");
    settings_are("true", "true");
}

static void assert_reason(int code, const char *reason)
{
    assert_null(write_sheet(.project = "3", .activity = "2", .user = "8", .text = "m", .begin = { NINE },
                            .end = { NINE + 15 * MINUTE }));
    assert_failed(code, reason);
}

/* By default he may list them only. */
static int open_plain(void **state)
{
    static const char *const singles[] = { "projects/3", "customers/1", "activities/2" };
    char request[100];
    int rc = open_kimai(state);

    for (size_t i = 0; i < 3; i++) {
        snprintf(request, sizeof(request), "GET " KIMAI "/api/%s", singles[i]);
        dw_harness_upstream(h, request, .status = 403, .json = "{\"code\":403,\"message\":\"Forbidden\"}");
    }
    return rc;
}

/* ---- the project ---- */

static void who_may_look_at_one_does_not_list_all(void **state)
{
    open_kimai(state);
    refuses(REFUSAL("", PROJECT_ERROR ",\"activity\":{}," ADMIN_FORM));
    dw_harness_upstream(h, "GET " KIMAI "/api/projects/3",
                        .json = "{\"id\":3,\"customer\":1,\"visible\":true}");
    dw_harness_upstream(h, "GET " KIMAI "/api/projects/3", .status = 404, .json = "{\"code\":404}");
    dw_harness_upstream(h, "GET " KIMAI "/api/customers/1", .json = "{\"id\":1,\"visible\":true}");
    assert_reason(DW_ECONFLICT, "BUDGET");
    assert_reason(DW_EINVALID, "PROJECT_OR_CUSTOMER_MISSING");
    assert_int_equal(count_sent("GET", "/api/projects?"), 0);
    assert_int_equal(close_kimai(state), 0);
}

static void a_project_that_is_open_has_no_budget_left(void **state)
{
    (void)state;
    refuses(REFUSAL("", PROJECT_ERROR ",\"activity\":{}," ADMIN_FORM));
    all_is_open();
    assert_reason(DW_ECONFLICT, "BUDGET");
    assert_non_null(strstr(dw_harness_error(h)->text, "project: Qo'")); /* for people, as found */
}

static void assert_project_missing(const char *projects, const char *customers)
{
    projects_are(projects);
    customers_are(customers);
    assert_reason(DW_EINVALID, "PROJECT_OR_CUSTOMER_MISSING");
}

static void a_project_that_is_not_open_is_missing(void **state)
{
    const char *const acme = "[{\"id\":1,\"name\":\"Acme\",\"visible\":true}]";

    (void)state;
    refuses(REFUSAL("", PROJECT_ERROR ",\"activity\":{}," ADMIN_FORM));
    assert_project_missing("[]", acme);
    close_kimai(state);
    open_plain(state);
    refuses(REFUSAL("", PROJECT_ERROR ",\"activity\":{}," ADMIN_FORM));
    assert_project_missing("[{\"id\":3,\"customer\":1,\"visible\":false}]", acme);
    close_kimai(state);
    open_plain(state);
    refuses(REFUSAL("", PROJECT_ERROR ",\"activity\":{}," ADMIN_FORM));
    assert_project_missing("[{\"id\":3,\"customer\":1,\"visible\":true,\"end\":\"2026-06-20\"}]", acme);
    close_kimai(state);
    open_plain(state);
    refuses(REFUSAL("", PROJECT_ERROR ",\"activity\":{}," ADMIN_FORM));
    assert_project_missing("[{\"id\":3,\"customer\":1,\"visible\":true}]", "[{\"id\":1,\"visible\":false}]");
}

/* At nine in UTC on the first of July. */
static void a_project_that_ended_yesterday_has_ended(void **state)
{
    static const struct {
        const char *end, *reason;
        int code;
    } cases[] = { { "2026-06-30", "PROJECT_OR_CUSTOMER_MISSING", DW_EINVALID },
                  { "2026-07-01", "BUDGET", DW_ECONFLICT } };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char project[200];
        close_kimai(state);
        open_plain(state);
        dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 400,
                            .json = REFUSAL("", PROJECT_ERROR ",\"activity\":{}," ADMIN_FORM),
                            .headers = "Date: Wed, 01 Jul 2026 09:00:00 GMT\r\n");
        snprintf(project, sizeof(project), "[{\"id\":3,\"customer\":1,\"visible\":true,\"end\":\"%s\"}]",
                 cases[i].end);
        projects_are(project);
        customers_are("[{\"id\":1,\"name\":\"Acme\",\"visible\":true}]");
        assert_reason(cases[i].code, cases[i].reason);
    }
}

static void a_wrong_pair_of_project_and_activity_is_no_budget(void **state)
{
    (void)state;
    refuses(REFUSAL("", PROJECT_ERROR "," ACTIVITY_ERROR "," ADMIN_FORM));
    all_is_open();
    assert_reason(DW_EINVALID, "PROJECT_OR_CUSTOMER_MISSING");
}

static void a_project_that_has_not_begun_is_missing(void **state)
{
    (void)state;
    refuses(WHOLE("\"project\":{},\"activity\":{}," ADMIN_FORM));
    projects_are("[{\"id\":3,\"customer\":1,\"visible\":true,\"start\":\"2026-08-01\"}]");
    all_is_open();
    assert_reason(DW_EINVALID, "PROJECT_OR_CUSTOMER_MISSING");
}

/* ---- the activity, the user ---- */

static void assert_activity(const char *activities, const char *projects, int code, const char *reason)
{
    void *state = NULL;

    open_plain(&state);
    refuses(REFUSAL("", "\"project\":{}," ACTIVITY_ERROR "," ADMIN_FORM));
    activities_are(activities);
    projects_are(projects);
    assert_reason(code, reason);
    assert_int_equal(close_kimai(&state), 0);
}

static void an_activity_is_unmapped_or_has_no_budget_left(void **state)
{
    const char *const open = "[{\"id\":3,\"customer\":1,\"visible\":true,\"globalActivities\":true}]";

    (void)state;
    assert_activity("[]", open, DW_EINVALID, "UNMAPPED_ACTIVITY");
    assert_activity("[{\"id\":2,\"project\":null,\"visible\":false}]", open, DW_EINVALID,
                    "UNMAPPED_ACTIVITY");
    assert_activity("[{\"id\":2,\"project\":9,\"visible\":true}]", open, DW_EINVALID, "UNMAPPED_ACTIVITY");
    assert_activity("[{\"id\":2,\"project\":null,\"visible\":true}]",
                    "[{\"id\":3,\"customer\":1,\"visible\":true,\"globalActivities\":false}]", DW_EINVALID,
                    "UNMAPPED_ACTIVITY");
    assert_activity("[{\"id\":2,\"project\":3,\"visible\":true}]", open, DW_ECONFLICT, "BUDGET");
    assert_activity("[{\"id\":2,\"project\":null,\"visible\":true}]", open, DW_ECONFLICT, "BUDGET");
}

static void a_user_whom_kimai_does_not_take_is_unmapped(void **state)
{
    (void)state;
    refuses(REFUSAL("", "\"project\":{},\"activity\":{},\"user\":{\"errors\":[\"Qo'\"]}"));
    assert_reason(DW_EINVALID, "UNMAPPED_USER");
}

/* ---- the whole ---- */

static void a_key_that_the_token_may_not_set_is_told(void **state)
{
    (void)state;
    refuses(WHOLE("\"project\":{},\"activity\":{}," USER_FORM));
    assert_reason(DW_EDENIED, "CREATION_ERROR");
    assert_non_null(strstr(dw_harness_error(h)->text, "create_other_timesheet"));
    assert_null(write_sheet(.project = "3", .activity = "2", .begin = { NINE }, .end = { NINE + MINUTE },
                            .billable = DW_BILLABLE_YES));
    assert_failed(DW_EDENIED, "CREATION_ERROR");
    assert_non_null(strstr(dw_harness_error(h)->text, "edit_billable_own_timesheet"));
}

static void a_punch_clock_is_told(void **state)
{
    (void)state;
    refuses(WHOLE("\"project\":{},\"activity\":{},\"description\":{},\"user\":{},\"tags\":{}"));
    assert_reason(DW_EDENIED, "CREATION_ERROR");
    assert_non_null(strstr(dw_harness_error(h)->text, "punch clock"));
}

static void what_takes_no_time_is_an_amount(void **state)
{
    (void)state;
    refuses(WHOLE("\"project\":{},\"activity\":{}," ADMIN_FORM));
    assert_null(write_sheet(.project = "3", .activity = "2", .begin = { NINE }, .end = { NINE + 1 }));
    assert_failed(DW_EINVALID, "INVALID_AMOUNT");
}

/* By Kimai's clock, not ours. */
static void what_lies_ahead_is_future(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 400,
                        .json = WHOLE("\"project\":{},\"activity\":{}," ADMIN_FORM),
                        .headers = "Date: Wed, 01 Jul 2026 09:10:00 GMT\r\n");
    settings_are("false", "true");
    assert_reason(DW_ECONFLICT, "FUTURE");
}

static void overlaps_with(const char *rows)
{
    dw_harness_upstream(h, "GET " KIMAI SHEETS, .json = rows);
}

static void what_overlaps_is_told_with_what(void **state)
{
    (void)state;
    refuses(WHOLE("\"project\":{},\"activity\":{}," ADMIN_FORM));
    settings_are("true", "false");
    overlaps_with("[" SHEET(77, 8, "2026-07-01T10:00:00+0200", "2026-07-01T11:00:00+0200", 900, "",
                            "false") "," SHEET(78, 8, "2026-07-01T11:14:59+0200", "2026-07-01T12:00:00+0200",
                                               900, "", "false") "]");
    assert_reason(DW_ECONFLICT, "OVERLAP");
    assert_non_null(strstr(dw_harness_error(h)->text, "78"));
    assert_non_null(strstr(sent("GET", SHEETS, 0)->url, "?user=8&"));
}

static void what_only_touches_is_no_overlap(void **state)
{
    (void)state;
    refuses(WHOLE("\"project\":{},\"activity\":{}," ADMIN_FORM));
    settings_are("true", "false");
    overlaps_with("[" SHEET(77, 8, "2026-07-01T10:00:00+0200", "2026-07-01T11:00:00+0200", 900, "",
                            "false") "," SHEET(78, 8, "2026-07-01T11:15:00+0200", "2026-07-01T12:00:00+0200",
                                               900, "", "false") "]");
    all_is_open();
    assert_reason(DW_ECONFLICT, "LOCKDOWN"); /* as a minute is refused too */
}

/* Told apart by a minute at the same time, in a form that cannot be stored. */
static void a_locked_period_refuses_a_minute_too(void **state)
{
    (void)state;
    refuses(WHOLE("\"project\":{},\"activity\":{}," ADMIN_FORM));
    refuses(WHOLE(PROJECT_ERROR "," ACTIVITY_ERROR "," ADMIN_FORM));
    all_is_open();
    assert_reason(DW_ECONFLICT, "LOCKDOWN");
    assert_string_equal(
        sent("POST", SHEETS, 1)->body.p,
        "{\"begin\":\"2026-07-01T09:00:00Z\",\"end\":\"2026-07-01T09:01:00Z\",\"project\":0,\"activity\":0}");
}

static void what_is_too_long_is_an_amount(void **state)
{
    (void)state;
    refuses(WHOLE("\"project\":{},\"activity\":{}," ADMIN_FORM));
    refuses(REFUSAL("", PROJECT_ERROR "," ACTIVITY_ERROR "," ADMIN_FORM));
    all_is_open();
    assert_reason(DW_EINVALID, "INVALID_AMOUNT");
}

/* ---- forbidden ---- */

static void forbids(void)
{
    dw_harness_upstream(h, "GET " KIMAI SHEETS "/41", .json = NINE_TO_QUARTER(41, "", "false"));
    dw_harness_upstream(h, "PATCH " KIMAI SHEETS "/41", .status = 403,
                        .json = "{\"code\":403,\"message\":\"Forbidden\"}");
    dw_harness_upstream(h, "DELETE " KIMAI SHEETS "/41", .status = 403,
                        .json = "{\"code\":403,\"message\":\"Forbidden\"}");
    all_is_open();
}

static void a_timesheet_in_a_locked_period_cannot_be_changed(void **state)
{
    (void)state;
    forbids();
    refuses(WHOLE(PROJECT_ERROR "," ACTIVITY_ERROR "," USER_FORM));
    assert_null(write_sheet(.id = "41", .text = "new"));
    assert_failed(DW_ECONFLICT, "LOCKDOWN");
    assert_int_equal(dw_harness_remove(h, connection, "41"), DW_ECONFLICT);
    assert_failed(DW_ECONFLICT, "LOCKDOWN");
}

static void a_timesheet_that_was_exported_in_between_is_that(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI SHEETS "/41", .json = NINE_TO_QUARTER(41, "", "false"));
    dw_harness_upstream(h, "GET " KIMAI SHEETS "/41", .json = NINE_TO_QUARTER(41, "", "true"));
    dw_harness_upstream(h, "PATCH " KIMAI SHEETS "/41", .status = 403,
                        .json = "{\"code\":403,\"message\":\"Forbidden\"}");
    refuses(WHOLE(PROJECT_ERROR "," ACTIVITY_ERROR "," USER_FORM));
    assert_null(write_sheet(.id = "41", .text = "new"));
    assert_failed(DW_ECONFLICT, "LOCKED_OR_EXPORTED");
}

static void another_ones_timesheet_needs_permissions(void **state)
{
    (void)state;
    forbids();
    refuses(REFUSAL("", PROJECT_ERROR "," ACTIVITY_ERROR "," USER_FORM));
    assert_null(write_sheet(.id = "41", .text = "new"));
    assert_failed(DW_EDENIED, "CREATION_ERROR");
    assert_non_null(strstr(dw_harness_error(h)->text, "edit_other_timesheet"));
}

static void who_may_write_nothing_is_told_so(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 403, .json = "{\"code\":403}");
    assert_reason(DW_EDENIED, "CREATION_ERROR");
    assert_non_null(strstr(dw_harness_error(h)->text, "create_own_timesheet"));
}

/* ---- what cannot be found out ---- */

static void a_refusal_stays_one_when_its_reason_cannot_be_asked_for(void **state)
{
    (void)state;
    refuses(REFUSAL("", PROJECT_ERROR ",\"activity\":{}," ADMIN_FORM));
    dw_harness_upstream(h, "GET " KIMAI "/api/projects", .fails = DW_EUNKNOWN);
    assert_reason(DW_EINVALID, "CREATION_ERROR");
    assert_non_null(strstr(dw_harness_error(h)->text, "Qo'"));
}

static void what_is_wrong_elsewhere_has_no_reason_of_its_own(void **state)
{
    (void)state;
    refuses(REFUSAL("", "\"project\":{},\"activity\":{},\"description\":{\"errors\":[\"Qo'\"]}"));
    assert_reason(DW_EINVALID, "CREATION_ERROR");
    assert_non_null(strstr(dw_harness_error(h)->text, "description: Qo'"));
}

static void play(dw_harness *with, void *ud)
{
    (void)with;
    (void)ud;
    write_sheet(.project = "3", .activity = "2", .user = "8", .text = "m", .begin = { NINE },
                .end = { NINE + MINUTE });
}

static void every_step_may_fail(void **state)
{
    (void)state;
    refuses(WHOLE("\"project\":{},\"activity\":{}," ADMIN_FORM));
    projects_are(
        "[{\"id\":3,\"name\":\"Helpdesk\",\"customer\":1,\"visible\":true,\"globalActivities\":true}]");
    customers_are("[{\"id\":1,\"name\":\"Acme\",\"visible\":true}]");
    settings_are("true", "false");
    overlaps_with("[]");
    assert_true(dw_harness_torture(h, play, NULL) > 5);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_plain, close_kimai)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_look_at_one_does_not_list_all),
        TEST(a_project_that_is_open_has_no_budget_left),
        TEST(a_project_that_is_not_open_is_missing),
        TEST(a_project_that_ended_yesterday_has_ended),
        TEST(a_wrong_pair_of_project_and_activity_is_no_budget),
        TEST(a_project_that_has_not_begun_is_missing),
        cmocka_unit_test(an_activity_is_unmapped_or_has_no_budget_left),
        TEST(a_user_whom_kimai_does_not_take_is_unmapped),
        TEST(a_key_that_the_token_may_not_set_is_told),
        TEST(a_punch_clock_is_told),
        TEST(what_takes_no_time_is_an_amount),
        TEST(what_lies_ahead_is_future),
        TEST(what_overlaps_is_told_with_what),
        TEST(what_only_touches_is_no_overlap),
        TEST(a_locked_period_refuses_a_minute_too),
        TEST(what_is_too_long_is_an_amount),
        TEST(a_timesheet_in_a_locked_period_cannot_be_changed),
        TEST(a_timesheet_that_was_exported_in_between_is_that),
        TEST(another_ones_timesheet_needs_permissions),
        TEST(who_may_write_nothing_is_told_so),
        TEST(a_refusal_stays_one_when_its_reason_cannot_be_asked_for),
        TEST(what_is_wrong_elsewhere_has_no_reason_of_its_own),
        TEST(every_step_may_fail),
    };

    return cmocka_run_group_tests_name("kimai: refusals", tests, NULL, NULL);
}
