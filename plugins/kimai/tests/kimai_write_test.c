/* Timesheets written, changed and removed: what Kimai is told, and what is made of its answers. */
#include "rig.h"

#define SHEETS "/api/timesheets"

#define WANTED                                                                           \
    .project = "3", .activity = "2", .text = "ZAM:T50|TA:6\nPrinter", .begin = { NINE }, \
    .end = { NINE + 15 * MINUTE }

static const char *const two_tags[] = { "zammad", "ticket:#50" };
#define TWO_TAGS .tags = { two_tags, 2 }, .tags_wanted = true

static const json_t *write_one(void)
{
    return write_sheet(WANTED);
}

/* ---- making ---- */

static void a_timesheet_is_told_as_kimai_understands_it(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .json = NINE_TO_QUARTER(41, "", "false"));
    const json_t *stored = write_one();
    assert_non_null(stored);
    assert_string_equal(text_at(stored, "id"), "41");
    assert_string_equal(text_at(stored, "begin"), "2026-07-01T09:00:00.000000Z");
    assert_string_equal(text_at(stored, "end"), "2026-07-01T09:15:00.000000Z");
    assert_string_equal(text_at(stored, "user"), "7");

    const dw_harness_sent *post = sent("POST", SHEETS, 0);
    assert_string_equal(post->body.p,
                        "{\"begin\":\"2026-07-01T09:00:00Z\",\"end\":\"2026-07-01T09:15:00Z\",\"project\":3,"
                        "\"activity\":2,\"description\":\"ZAM:T50|TA:6\\nPrinter\"}");
    assert_non_null(strstr(post->headers, "Authorization: Bearer sesame\r\n"));
    assert_non_null(strstr(post->headers, "Accept: application/json\r\n"));
    assert_null(strstr(post->headers, "Cookie"));
}

static const char *body_of_post(unsigned n)
{
    return sent("POST", SHEETS, n)->body.p;
}

/* A key too many, and Kimai refuses all of them. */
static void only_another_user_is_named(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .json = NINE_TO_QUARTER(41, "", "false"));
    assert_non_null(write_sheet(WANTED, .user = "7"));
    assert_null(strstr(body_of_post(0), "user"));
    assert_non_null(write_sheet(WANTED, .user = "8"));
    assert_non_null(strstr(body_of_post(1), "\"user\":8"));
    assert_null(strstr(body_of_post(1), "billable"));
    assert_non_null(write_sheet(WANTED, .billable = DW_BILLABLE_NO));
    assert_non_null(strstr(body_of_post(2), "\"billable\":false"));
    assert_int_equal(count_sent("GET", "/api/users/me"), 1); /* it stays who it is */
}

static void what_the_server_rounded_is_told_back(void **state)
{
    (void)state;
    dw_harness_upstream(
        h, "POST " KIMAI SHEETS,
        .json = SHEET(41, 7, "2026-07-01T08:45:00+0000", "2026-07-01T09:30:00+0000", 2700, "", "false"));
    const json_t *stored = write_one();
    assert_string_equal(text_at(stored, "begin"), "2026-07-01T08:45:00.000000Z");
    assert_int_equal(json_integer_value(json_object_get(stored, "seconds")), 2700);
}

static void what_cannot_be_a_timesheet_is_not_sent(void **state)
{
    (void)state;
    assert_null(write_sheet(.activity = "2", .begin = { NINE }, .end = { NINE }));
    assert_failed(DW_EINVALID, "PROJECT_OR_CUSTOMER_MISSING");
    assert_null(write_sheet(.project = "3/../../users", .activity = "2", .begin = { NINE }, .end = { NINE }));
    assert_failed(DW_EINVALID, "PROJECT_OR_CUSTOMER_MISSING");
    assert_null(write_sheet(.project = "3", .begin = { NINE }, .end = { NINE }));
    assert_failed(DW_EINVALID, "UNMAPPED_ACTIVITY");
    assert_null(write_sheet(WANTED, .user = "ann"));
    assert_failed(DW_EINVALID, "UNMAPPED_USER");
    assert_null(write_sheet(.project = "3", .activity = "2", .begin = { NINE }));
    assert_failed(DW_EINVALID, "INVALID_AMOUNT");
    assert_null(write_sheet(.project = "3", .activity = "2", .begin = { NINE }, .end = { NINE - 1 }));
    assert_failed(DW_EINVALID, "INVALID_AMOUNT");
    assert_int_equal(count_sent("POST", ""), 0);
}

static void a_long_text_is_cut_behind_its_marker(void **state)
{
    static char text[70000];

    (void)state;
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .json = NINE_TO_QUARTER(41, "", "false"));
    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, "ZAM:T50|TA:6\n", 13);
    memcpy(text + 65533, "\xe2\x82\xac", 3); /* ends behind what fits */
    assert_non_null(write_sheet(.project = "3", .activity = "2", .text = text, .begin = { NINE },
                                .end = { NINE + MINUTE }));
    json_t *body = json_loads(body_of_post(0), 0, NULL);
    const char *description = text_at(body, "description");
    assert_int_equal(strlen(description), 65533);
    assert_int_equal(strncmp(description, "ZAM:T50|TA:6\n", 13), 0);
    json_decref(body);

    text[12] = 'x'; /* no first line any more */
    assert_null(write_sheet(.project = "3", .activity = "2", .text = text, .begin = { NINE },
                            .end = { NINE + MINUTE }));
    assert_failed(DW_EINVALID, "CREATION_ERROR");
}

/* A Kimai that reads Z as nothing would shift all of them: the first is taken back, and it is said. */
static void a_kimai_that_misreads_times_is_noticed_at_once(void **state)
{
    (void)state;
    dw_harness_upstream(
        h, "POST " KIMAI SHEETS,
        .json = SHEET(41, 7, "2026-07-01T09:00:00+0200", "2026-07-01T09:15:00+0200", 900, "", "false"));
    dw_harness_upstream(h, "DELETE " KIMAI SHEETS "/41", .status = 204);
    assert_null(write_one());
    assert_failed(DW_EUPSTREAM, "CREATION_ERROR");
    assert_int_equal(count_sent("DELETE", SHEETS "/41"), 1);
}

static void what_it_does_not_take_back_may_be_there(void **state)
{
    (void)state;
    dw_harness_upstream(
        h, "POST " KIMAI SHEETS,
        .json = SHEET(41, 7, "2026-07-01T09:00:00+0200", "2026-07-01T09:15:00+0200", 900, "", "false"));
    dw_harness_upstream(h, "DELETE " KIMAI SHEETS "/41", .status = 403, .json = "{\"code\":403}");
    assert_null(write_one());
    assert_failed(DW_EUNKNOWN, "");
}

/* ---- tags ---- */

static void tags_are_made_before_and_once(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI "/api/tags",
                        .json = "{\"id\":1,\"name\":\"zammad\",\"visible\":true}");
    dw_harness_upstream(
        h, "POST " KIMAI "/api/tags", .status = 400,
        .json = "{\"code\":400,\"errors\":{\"children\":{\"name\":{\"errors\":[\"Bereits verwendet.\"]}}}}");
    dw_harness_upstream(h, "POST " KIMAI SHEETS,
                        .json = NINE_TO_QUARTER(41, "\"Zammad\",\"ticket:#50\"", "false"));
    assert_non_null(write_sheet(WANTED, TWO_TAGS));
    assert_string_equal(sent("POST", "/api/tags", 0)->body.p, "{\"name\":\"zammad\",\"visible\":true}");
    assert_string_equal(sent("POST", "/api/tags", 1)->body.p, "{\"name\":\"ticket:#50\",\"visible\":true}");
    assert_non_null(strstr(body_of_post(0), "\"tags\":\"zammad,ticket:#50\""));
    assert_non_null(write_sheet(WANTED, TWO_TAGS));
    assert_int_equal(count_sent("POST", "/api/tags"), 2);
    assert_int_equal(count_sent("PATCH", ""), 0);
}

/* Somebody deleted the tag, which this process had seen. */
static void tags_that_kimai_dropped_are_made_again(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI "/api/tags",
                        .json = "{\"id\":1,\"name\":\"zammad\",\"visible\":true}");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .json = NINE_TO_QUARTER(41, "\"zammad\"", "false"));
    dw_harness_upstream(h, "PATCH " KIMAI SHEETS "/41",
                        .json = NINE_TO_QUARTER(41, "\"zammad\",\"ticket:#50\"", "false"));
    const json_t *stored = write_sheet(WANTED, TWO_TAGS);
    assert_int_equal(json_array_size(json_object_get(stored, "tags")), 2);
    assert_string_equal(sent("PATCH", SHEETS "/41", 0)->body.p, "{\"tags\":\"zammad,ticket:#50\"}");
    assert_int_equal(count_sent("POST", "/api/tags"), 4);
}

static void tags_that_stay_away_are_logged_and_the_timesheet_counts(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI "/api/tags",
                        .json = "{\"id\":1,\"name\":\"zammad\",\"visible\":true}");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .json = NINE_TO_QUARTER(41, "", "false"));
    dw_harness_upstream(h, "PATCH " KIMAI SHEETS "/41", .fails = DW_EUNKNOWN);
    const json_t *stored = write_sheet(WANTED, TWO_TAGS);
    assert_string_equal(text_at(stored, "id"), "41");
    assert_int_equal(json_array_size(json_object_get(stored, "tags")), 0);
    assert_true(dw_harness_logged(h, DW_LOG_WARN, "dropped tags"));
}

static void a_token_that_may_make_no_tags_uses_those_that_are_there(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI "/api/tags", .status = 403,
                        .json = "{\"code\":403,\"message\":\"Forbidden\"}");
    dw_harness_upstream(h, "GET " KIMAI "/api/tags", .json = "[\"zammad\"]");
    dw_harness_upstream(h, "GET " KIMAI "/api/tags", .json = "[]");
    assert_null(write_sheet(WANTED, TWO_TAGS));
    assert_failed(DW_EDENIED, "CREATION_ERROR");
    assert_non_null(strstr(dw_harness_error(h)->text, "create_tag"));
    assert_int_equal(count_sent("POST", SHEETS), 0);
}

static void a_tag_that_kimai_cannot_have_is_refused_before(void **state)
{
    const char *const tags[] = { "a,b" };

    (void)state;
    assert_null(write_sheet(WANTED, .tags = { tags, 1 }));
    assert_failed(DW_EINVALID, "CREATION_ERROR");
    assert_int_equal(count_sent("POST", ""), 0);
}

/* Nothing of the timesheet has been sent then, so nothing of it is unknown. */
static void an_unknown_outcome_of_a_tag_is_none_of_the_timesheet(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI "/api/tags", .fails = DW_EUNKNOWN);
    assert_null(write_sheet(WANTED, TWO_TAGS));
    assert_failed(DW_EUNAVAILABLE, "");
    assert_int_equal(count_sent("POST", SHEETS), 0);
}

/* ---- outcomes ---- */

static void assert_outcome(int code, const char *reason)
{
    assert_null(write_one());
    assert_failed(code, reason);
}

static void what_may_have_been_stored_is_unknown(void **state)
{
    static char huge[17 << 20];

    (void)state;
    memset(huge, ' ', sizeof(huge));
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .fails = DW_EUNKNOWN);
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 200, .fails = DW_EUNKNOWN);
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 500, .json = "{\"code\":500}");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 502, .body = { "<html>", 6 },
                        .content_type = "text/html");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 503);
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 504);
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 408);
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .body = { "<html>", 6 }, .content_type = "text/html");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .body = { "{\"id\":41,", 9 },
                        .content_type = "application/json");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .json = "{\"id\":41}");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .json = "[]");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .body = { huge, sizeof(huge) },
                        .content_type = "application/json");
    for (unsigned i = 0; i < 12; i++) {
        assert_outcome(DW_EUNKNOWN, "");
        assert_int_equal(count_sent("POST", SHEETS), i + 1); /* and is never sent twice */
    }
}

static void what_was_certainly_not_stored_is_not_unknown(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .fails = DW_EUNAVAILABLE);
    assert_outcome(DW_EUNAVAILABLE, "");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 401);
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 404, .json = "{\"code\":404}");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 301,
                        .headers = "Location: https://elsewhere.example/\r\n");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 400,
                        .json = "{\"code\":400,\"message\":\"Bad Request\"}");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 400, .body = { "<html>", 6 },
                        .content_type = "text/html");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 429, .headers = "Retry-After: 7\r\n");
    assert_outcome(DW_EAUTH, "");
    assert_outcome(DW_EUPSTREAM, "");
    assert_outcome(DW_EUPSTREAM, "");
    assert_non_null(strstr(dw_harness_error(h)->text, "https://elsewhere.example/"));
    assert_outcome(DW_EINVALID, "CREATION_ERROR");
    assert_outcome(DW_EINVALID, "CREATION_ERROR");
    assert_outcome(DW_ERATE, "");
    assert_int_equal(dw_harness_error(h)->retry_after.us, 7000000);
}

/* Which says nothing about what was to be written. */
static void the_old_form_of_signing_in_is_refused_in_ways_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(dw_harness_connection(h, "kimai",
                                           "{\"base_url\":\"" KIMAI
                                           "\",\"legacy_user\":\"ann\",\"legacy_token\":\"sesame\"}",
                                           &connection),
                     0);
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 403,
                        .json = "{\"message\":\"Invalid credentials\"}");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .status = 400,
                        .json = "{\"code\":400,\"message\":\"Bad Request\"}");
    assert_outcome(DW_EAUTH, "");
    assert_outcome(DW_ERATE, "");
    assert_int_equal(dw_harness_error(h)->retry_after.us, 60000000);
}

static void not_being_able_to_ask_before_is_not_unknown(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI SHEETS "/41", .fails = DW_EUNKNOWN);
    assert_null(write_sheet(.id = "41", .text = "new"));
    assert_failed(DW_EUNAVAILABLE, "");
    assert_int_equal(dw_harness_remove(h, connection, "41"), DW_EUNAVAILABLE);
    assert_int_equal(count_sent("PATCH", ""), 0);
    assert_int_equal(count_sent("DELETE", ""), 0);
}

/* ---- changing ---- */

#define AT_41 "GET " KIMAI SHEETS "/41"

static void a_change_says_what_differs_and_no_more(void **state)
{
    (void)state;
    dw_harness_upstream(h, AT_41, .json = NINE_TO_QUARTER(41, "\"a1\"", "false"));
    dw_harness_upstream(h, "PATCH " KIMAI SHEETS "/41", .json = NINE_TO_QUARTER(41, "\"a1\"", "false"));
    assert_non_null(write_sheet(.id = "41", WANTED, .user = "7"));
    assert_int_equal(count_sent("PATCH", ""), 0);

    assert_non_null(write_sheet(.id = "41", .end = { NINE + 20 * MINUTE }));
    assert_string_equal(sent("PATCH", SHEETS, 0)->body.p,
                        "{\"begin\":\"2026-07-01T09:00:00Z\",\"end\":\"2026-07-01T09:20:00Z\"}");
    assert_non_null(write_sheet(.id = "41", .text = "ZAM:T50|TA:6\nToner", .project = "3"));
    assert_string_equal(sent("PATCH", SHEETS, 1)->body.p, "{\"description\":\"ZAM:T50|TA:6\\nToner\"}");
    assert_non_null(write_sheet(.id = "41", .tags_wanted = true));
    assert_string_equal(sent("PATCH", SHEETS, 2)->body.p, "{\"tags\":\"\"}");
    assert_non_null(write_sheet(.id = "41", .user = "9", .activity = "4", .billable = DW_BILLABLE_NO));
    assert_string_equal(sent("PATCH", SHEETS, 3)->body.p, "{\"activity\":4,\"user\":9,\"billable\":false}");
}

static void what_is_exported_is_not_touched(void **state)
{
    (void)state;
    dw_harness_upstream(h, AT_41, .json = NINE_TO_QUARTER(41, "", "true"));
    assert_null(write_sheet(.id = "41", .text = "new"));
    assert_failed(DW_ECONFLICT, "LOCKED_OR_EXPORTED");
    assert_int_equal(dw_harness_remove(h, connection, "41"), DW_ECONFLICT);
    assert_failed(DW_ECONFLICT, "LOCKED_OR_EXPORTED");
    assert_int_equal(count_sent("PATCH", ""), 0);
    assert_int_equal(count_sent("DELETE", ""), 0);
}

static void what_is_gone_cannot_be_changed(void **state)
{
    (void)state;
    dw_harness_upstream(h, AT_41, .status = 404, .json = "{\"code\":404,\"message\":\"Not Found\"}");
    assert_null(write_sheet(.id = "41", .text = "new"));
    assert_failed(DW_ENOTFOUND, "");
    assert_null(write_sheet(.id = "x", .text = "new"));
    assert_failed(DW_ENOTFOUND, "");

    dw_harness_upstream(h, "GET " KIMAI SHEETS "/42", .json = NINE_TO_QUARTER(42, "", "false"));
    dw_harness_upstream(h, "PATCH " KIMAI SHEETS "/42", .status = 404, .json = "{\"code\":404}");
    assert_null(write_sheet(.id = "42", .text = "new"));
    assert_failed(DW_ENOTFOUND, "");
}

static void a_change_may_be_unknown_too(void **state)
{
    (void)state;
    dw_harness_upstream(h, AT_41, .json = NINE_TO_QUARTER(41, "", "false"));
    dw_harness_upstream(h, "PATCH " KIMAI SHEETS "/41", .status = 500);
    assert_null(write_sheet(.id = "41", .text = "new"));
    assert_failed(DW_EUNKNOWN, "");
    assert_int_equal(count_sent("PATCH", ""), 1);
}

static void a_timesheet_that_was_exported_meanwhile_is_told(void **state)
{
    (void)state;
    dw_harness_upstream(h, AT_41, .json = NINE_TO_QUARTER(41, "", "false"));
    dw_harness_upstream(h, "PATCH " KIMAI SHEETS "/41", .json = NINE_TO_QUARTER(41, "", "true"));
    const json_t *stored = write_sheet(.id = "41", .text = "new");
    assert_true(json_is_true(json_object_get(stored, "exported")));
    assert_true(dw_harness_logged(h, DW_LOG_ERROR, "exported"));
}

/* ---- removing ---- */

#define GONE "{\"code\":404,\"message\":\"Not Found\"}"

static void removing_is_done_when_it_is_gone(void **state)
{
    (void)state;
    dw_harness_upstream(h, AT_41, .json = NINE_TO_QUARTER(41, "", "false"));
    dw_harness_upstream(h, "DELETE " KIMAI SHEETS "/41", .status = 204);
    dw_harness_upstream(h, "DELETE " KIMAI SHEETS "/41", .status = 404, .json = GONE);
    assert_int_equal(dw_harness_remove(h, connection, "41"), 0);
    assert_int_equal(dw_harness_remove(h, connection, "41"), 0); /* somebody was quicker */
    dw_harness_upstream(h, "GET " KIMAI SHEETS "/42", .status = 404, .json = GONE);
    assert_int_equal(dw_harness_remove(h, connection, "42"), 0);
    assert_int_equal(dw_harness_remove(h, connection, "../users/7"), 0); /* no timesheet is called so */
    assert_int_equal(count_sent("DELETE", ""), 2);
    for (unsigned i = 0; dw_harness_sent_to_peers(h, i); i++)
        assert_null(strstr(dw_harness_sent_to_peers(h, i)->url, ".."));
}

/* A proxy whose Kimai is away knows of no timesheet: what it says of one would leave it to be billed, or be made again. */
static void what_a_proxy_does_not_know_is_not_gone(void **state)
{
    const dw_bytes page = { "<html>Not Found</html>", 22 };
    (void)state;

    dw_harness_upstream(h, "GET " KIMAI SHEETS "/42", .status = 404, .body = page,
                        .content_type = "text/html");
    assert_int_equal(dw_harness_remove(h, connection, "42"), DW_EUPSTREAM);
    assert_null(write_sheet(.id = "42", .text = "new"));
    assert_failed(DW_EUPSTREAM, "");
    dw_harness_upstream(h, AT_41, .json = NINE_TO_QUARTER(41, "", "false"));
    dw_harness_upstream(h, "DELETE " KIMAI SHEETS "/41", .status = 404);
    assert_int_equal(dw_harness_remove(h, connection, "41"), DW_EUPSTREAM);
    dw_harness_upstream(h, "PATCH " KIMAI SHEETS "/41", .status = 404, .json = "{\"message\":\"no route\"}");
    assert_null(write_sheet(.id = "41", .text = "new"));
    assert_failed(DW_EUPSTREAM, "");
}

/* ---- whatever fails, nothing is left ---- */

static void play(dw_harness *with, void *ud)
{
    (void)ud;
    (void)with;
    write_sheet(WANTED, TWO_TAGS, .user = "8");
    write_sheet(.id = "41", .text = "new", TWO_TAGS);
    dw_harness_remove(with, connection, "41");
}

static void every_step_may_fail(void **state)
{
    (void)state;
    dw_harness_upstream(h, "POST " KIMAI "/api/tags",
                        .json = "{\"id\":1,\"name\":\"zammad\",\"visible\":true}");
    dw_harness_upstream(h, "POST " KIMAI SHEETS, .json = NINE_TO_QUARTER(41, "", "false"));
    dw_harness_upstream(h, AT_41, .json = NINE_TO_QUARTER(41, "", "false"));
    dw_harness_upstream(h, "PATCH " KIMAI SHEETS "/41", .json = NINE_TO_QUARTER(41, "", "false"));
    dw_harness_upstream(h, "DELETE " KIMAI SHEETS "/41", .status = 204);
    assert_true(dw_harness_torture(h, play, NULL) > 10);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_kimai, close_kimai)
    const struct CMUnitTest tests[] = {
        TEST(a_timesheet_is_told_as_kimai_understands_it),
        TEST(only_another_user_is_named),
        TEST(what_the_server_rounded_is_told_back),
        TEST(what_cannot_be_a_timesheet_is_not_sent),
        TEST(a_long_text_is_cut_behind_its_marker),
        TEST(a_kimai_that_misreads_times_is_noticed_at_once),
        TEST(what_it_does_not_take_back_may_be_there),
        TEST(tags_are_made_before_and_once),
        TEST(tags_that_kimai_dropped_are_made_again),
        TEST(tags_that_stay_away_are_logged_and_the_timesheet_counts),
        TEST(a_token_that_may_make_no_tags_uses_those_that_are_there),
        TEST(a_tag_that_kimai_cannot_have_is_refused_before),
        TEST(an_unknown_outcome_of_a_tag_is_none_of_the_timesheet),
        TEST(what_may_have_been_stored_is_unknown),
        TEST(what_was_certainly_not_stored_is_not_unknown),
        TEST(the_old_form_of_signing_in_is_refused_in_ways_of_its_own),
        TEST(not_being_able_to_ask_before_is_not_unknown),
        TEST(a_change_says_what_differs_and_no_more),
        TEST(what_is_exported_is_not_touched),
        TEST(what_is_gone_cannot_be_changed),
        TEST(a_change_may_be_unknown_too),
        TEST(a_timesheet_that_was_exported_meanwhile_is_told),
        TEST(removing_is_done_when_it_is_gone),
        TEST(what_a_proxy_does_not_know_is_not_gone),
        TEST(every_step_may_fail),
    };

    return cmocka_run_group_tests_name("kimai: writing", tests, NULL, NULL);
}
