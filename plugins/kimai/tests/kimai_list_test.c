/* Which timesheets there are: what Kimai is asked, page by page, and what of its answers fits. */
#include "rig.h"

#include <stdlib.h>

#define SHEETS "/api/timesheets"
#define GET    "GET " KIMAI SHEETS

static const char *query_of(unsigned n)
{
    const dw_harness_sent *one = sent("GET", SHEETS, n);

    return one ? strchr(one->url, '?') : "";
}

static void assert_ids(const json_t *list, const char *expected)
{
    char ids[400] = "";

    if (!list)
        fail_msg("%s", dw_harness_error(h)->text);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const size_t n = strlen(ids);
        snprintf(ids + n, sizeof(ids) - n, "%s%s", n ? " " : "", text_at(json_array_get(list, i), "id"));
    }
    assert_string_equal(ids, expected);
}

/* ---- what it is asked ---- */

static void all_of_all_users_are_asked_for_in_the_order_of_ids(void **state)
{
    (void)state;
    dw_harness_upstream(h, GET, .json = "[" NINE_TO_QUARTER(41, "\"a1\"", "true") "]", .headers = ONE_PAGE);
    const json_t *list = list_sheets(.id = NULL);
    assert_ids(list, "41");
    assert_string_equal(query_of(0), "?user=all&orderBy=id&order=ASC&size=500&page=1");

    const json_t *one = json_array_get(list, 0);
    assert_string_equal(text_at(one, "project"), "3");
    assert_string_equal(text_at(one, "activity"), "2");
    assert_string_equal(text_at(one, "user"), "7");
    assert_string_equal(text_at(one, "begin"), "2026-07-01T09:00:00.000000Z");
    assert_string_equal(text_at(one, "text"), "ZAM:T50|TA:6\nPrinter");
    assert_string_equal(text_at(one, "billable"), "yes");
    assert_true(json_is_true(json_object_get(one, "exported")));
    assert_int_equal(json_integer_value(json_object_get(one, "seconds")), 900);
}

/* Kimai takes a query's begin for its owner's clock, which may be anywhere; what changed it tells in UTC. */
#define VERSION     "GET " KIMAI "/api/version"
#define VERSION_230 "{\"version\":\"2.30.0\",\"versionId\":23000}"

static void a_window_is_widened_by_a_day_and_looked_at_again(void **state)
{
    (void)state;
    dw_harness_upstream(h, VERSION, .json = VERSION_230);
    dw_harness_upstream(
        h, GET,
        .json = "[" SHEET(
            41, 7, "2026-07-01T10:59:59+0200", "2026-07-01T11:15:00+0200", 900, "",
            "false") "," SHEET(42, 7, "2026-07-01T11:00:00+0200", "2026-07-01T11:15:00+0200", 900, "",
                               "false") "," SHEET(43, 7, "2026-07-01T09:30:00+0000",
                                                  "2026-07-01T11:15:00+0200", 900, "",
                                                  "false") "," SHEET(44, 7, "2026-07-01T09:30:01+0000",
                                                                     "2026-07-01T11:15:00+0200", 900, "",
                                                                     "false") "]",
        .headers = ONE_PAGE);
    assert_ids(list_sheets(.begin_from = { NINE }, .begin_to = { NINE + 30 * MINUTE },
                           .changed_since = { NINE + 999999 }),
               "42 43");
    assert_string_equal(
        query_of(0),
        "?user=all&begin=2026-06-30T09%3A00%3A00&end=2026-07-02T09%3A30%3A00&modified_after=2026-07-"
        "01T09%3A00%3A00&orderBy=id&order=ASC&size=500&page=1");
}

/* What changed there now has a time that is over here, if its clock is behind; one that is ahead needs nothing. */
static void a_clock_that_is_behind_is_looked_back_by(void **state)
{
    static const char *const dates[] = { "Date: Tue, 30 Jun 2026 09:00:00 GMT\r\n",
                                         "Date: Thu, 02 Jul 2026 09:00:00 GMT\r\n" };
    (void)state;

    for (size_t i = 0; i < sizeof(dates) / sizeof(*dates); i++)
        dw_harness_upstream(h, VERSION, .json = VERSION_230, .headers = dates[i]);
    dw_harness_upstream(h, GET, .json = "[]", .headers = ONE_PAGE);
    assert_ids(list_sheets(.changed_since = { NINE }), "");
    assert_ids(list_sheets(.changed_since = { NINE }), "");
    assert_non_null(strstr(query_of(0), "modified_after=2026-06-30T09%3A00%3A00&"));
    assert_non_null(strstr(query_of(1), "modified_after=2026-07-01T09%3A00%3A00&"));
}

#define MARKED(id, text)                                               \
    "{\"activity\":2,\"project\":3,\"user\":7,\"tags\":[],\"id\":" #id \
    ",\"begin\":\"2026-07-01T11:00:00+0200\",\"end\":null,"            \
    "\"duration\":0,\"description\":\"" text "\",\"exported\":false,\"billable\":false}"

static void a_marker_is_searched_for_without_a_colon_and_compared_exactly(void **state)
{
    (void)state;
    dw_harness_upstream(
        h, GET,
        .json = "[" MARKED(41, "ZAM:T50|TA:61|C:1a2b3c4d") "," MARKED(
            42,
            "ZAM:T50|TA:6|C:"
            "1a2b3c4d\\r\\nPrinter") "," MARKED(43,
                                                "see ZAM:T50|TA:6|C:1a2b3c4d") "," MARKED(44,
                                                                                          "ZAM:T50|TA:6|C:"
                                                                                          "1a2b3c4d") "]",
        .headers = ONE_PAGE);
    const json_t *list = list_sheets(.marker = "ZAM:T50|TA:6|C:1a2b3c4d");
    assert_ids(list, "42 44");
    assert_non_null(strstr(query_of(0), "&term=T50%7CTA&"));
    assert_null(json_object_get(json_array_get(list, 0), "end")); /* it runs */
}

static void one_is_shown_by_its_id(void **state)
{
    (void)state;
    dw_harness_upstream(h, GET "/41", .json = NINE_TO_QUARTER(41, "", "false"));
    dw_harness_upstream(h, GET "/42", .status = 404, .json = "{\"code\":404}");
    dw_harness_upstream(h, GET "/43", .status = 403, .json = "{\"code\":403}");
    assert_ids(list_sheets(.id = "41"), "41");
    assert_ids(list_sheets(.id = "41", .marker = "another"), "");
    assert_ids(list_sheets(.id = "42"), "");
    assert_ids(list_sheets(.id = "no number"), "");
    assert_null(list_sheets(.id = "43")); /* it is there, so "none" would be a lie */
    assert_failed(DW_EDENIED, "");
    dw_harness_upstream(h, GET "/44", .status = 404, .body = { "<html>", 6 }, .content_type = "text/html");
    assert_null(list_sheets(.id = "44")); /* a proxy's word, and nothing of Kimai's */
    assert_failed(DW_EUPSTREAM, "");
}

/* ---- tags: Kimai refuses to look for one that is hidden or gone ---- */

static void a_tag_that_is_listed_narrows_the_query(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/tags", .json = "[\"zid:50\",\"zid:5\"]");
    dw_harness_upstream(h, GET, .json = "[" NINE_TO_QUARTER(41, "\"zid:5\"", "false") "]",
                        .headers = ONE_PAGE);
    assert_ids(list_sheets(.tag = "zid:5"), "41");
    assert_non_null(strstr(query_of(0), "&tags%5B%5D=zid%3A5&"));
}

static void a_tag_that_is_not_listed_is_looked_for_here(void **state)
{
    (void)state;
    dw_harness_upstream(h, "GET " KIMAI "/api/tags", .json = "[\"zid:50\"]");
    dw_harness_upstream(h, GET,
                        .json = "[" NINE_TO_QUARTER(41, "\"x1\"", "false") "," NINE_TO_QUARTER(
                            42, "\"x1\",\"zid:5\"", "false") "]",
                        .headers = ONE_PAGE);
    assert_ids(list_sheets(.tag = "zid:5"), "42");
    assert_null(strstr(query_of(0), "tags"));
}

/* ---- pages ---- */

/* Rows 1..n with these ids, as a page of a list with so many pages of two rows. */
static void page(int number, int pages, const char *ids)
{
    char request[300], body[2000] = "[", fields[200];
    int n = 0;

    for (const char *at = ids; *at; at += strspn(at, " ")) {
        const size_t used = strlen(body);
        snprintf(body + used, sizeof(body) - used,
                 "%s{\"activity\":2,\"project\":3,\"user\":7,\"tags\":[],\"id\":%ld,\"begin\":\"2026-07-"
                 "01T11:00:00+0200\","
                 "\"end\":null,\"exported\":false}",
                 n++ ? "," : "", strtol(at, NULL, 10));
        at += strcspn(at, " ");
    }
    memcpy(body + strlen(body), "]", 2);
    snprintf(request, sizeof(request), GET "?user=all&orderBy=id&order=ASC&size=2&page=%d", number);
    snprintf(fields, sizeof(fields),
             "X-Page: %d\r\nX-Total-Count: 9\r\nX-Total-Pages: %d\r\nX-Per-Page: 2\r\n", number, pages);
    dw_harness_upstream(h, request, .json = body, .headers = fields);
}

static void gone(int number)
{
    char request[300];

    snprintf(request, sizeof(request), GET "?user=all&orderBy=id&order=ASC&size=2&page=%d", number);
    dw_harness_upstream(h, request, .status = 404, .json = "{\"code\":404,\"message\":\"Not Found\"}");
}

static int open_small(void **state)
{
    (void)state;
    return open_with("{\"base_url\":\"" KIMAI "\",\"token\":\"sesame\",\"page_size\":2}");
}

static void all_pages_come_each_row_once(void **state)
{
    (void)state;
    page(1, 6, "1 2");
    page(2, 6, "3 4");
    page(3, 6, "5 6");
    page(4, 6, "7 8");
    page(5, 6, "9 10");
    page(6, 6, "11");
    assert_ids(list_sheets(.id = NULL), "1 2 3 4 5 6 7 8 9 10 11");
    assert_int_equal(count_sent("GET", SHEETS), 8); /* the first and the last twice */
}

/* Row 1 went after the first page was read: row 3 moved there, and would be missing. */
static void a_row_that_goes_meanwhile_takes_none_along(void **state)
{
    (void)state;
    page(1, 3, "1 2");
    page(3, 3, "5");
    page(1, 3, "1 2");
    page(2, 3, "4 5"); /* row 1 is gone */
    gone(3);
    page(1, 2, "2 3");
    page(2, 2, "4 5");
    page(1, 2, "2 3");
    page(2, 2, "4 5");
    assert_ids(list_sheets(.id = NULL), "1 2 4 5 3");
}

/* As many as went came at the end, so no count tells. */
static void a_row_that_is_replaced_by_a_new_one_takes_none_along(void **state)
{
    (void)state;
    page(1, 3, "1 2");
    page(3, 3, "5 6");
    page(1, 3, "1 2");
    page(2, 3, "4 5");
    page(3, 3, "6 7"); /* begins elsewhere now */
    page(1, 3, "2 3");
    page(3, 3, "6 7");
    page(1, 3, "2 3");
    page(2, 3, "4 5");
    page(3, 3, "6 7");
    assert_ids(list_sheets(.id = NULL), "1 2 4 5 3 6 7");
}

/* Whatever it is that a server left out: a page in front of the last one is full. */
static void a_page_that_is_not_full_is_read_again(void **state)
{
    (void)state;
    page(1, 3, "1 2");
    page(1, 3, "1 2");
    page(2, 3, "3");
    page(2, 3, "3 4");
    page(3, 3, "5");
    assert_ids(list_sheets(.id = NULL), "1 2 3 4 5");
}

static void rows_that_come_meanwhile_are_read_too(void **state)
{
    (void)state;
    page(1, 2, "1 2");
    page(2, 2, "3");
    page(1, 2, "1 2");
    page(2, 3, "3 4");
    page(3, 3, "5");
    assert_ids(list_sheets(.id = NULL), "1 2 3 4 5");
}

static void a_list_that_never_stands_still_is_not_called_complete(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        page(1, 2, "1 2");
        page(2, 2, i % 2 ? "3" : "4");
    }
    assert_null(list_sheets(.id = NULL));
    assert_failed(DW_EUNAVAILABLE, "");
}

/* Kimai clamps what it is asked for, and says so. */
static void the_size_that_kimai_says_counts(void **state)
{
    (void)state;
    dw_harness_upstream(h, GET "?user=all&orderBy=id&order=ASC&size=500&page=1",
                        .json = "[" MARKED(1, "a") "]", .headers = "X-Total-Pages: 2\r\nX-Per-Page: 1\r\n");
    dw_harness_upstream(h, GET "?user=all&orderBy=id&order=ASC&size=500&page=2",
                        .json = "[" MARKED(2, "b") "]", .headers = "X-Total-Pages: 2\r\nX-Per-Page: 1\r\n");
    assert_ids(list_sheets(.id = NULL), "1 2");
}

/* ---- what is no list ---- */

static void assert_no_list(int code)
{
    assert_null(list_sheets(.id = NULL));
    assert_failed(code, "");
}

static void what_is_no_list_is_no_empty_list(void **state)
{
    (void)state;
    dw_harness_upstream(h, GET, .json = "[]"); /* no counts: a proxy took them */
    dw_harness_upstream(h, GET, .json = "{\"code\":200}", .headers = ONE_PAGE);
    dw_harness_upstream(h, GET, .body = { "<html>", 6 }, .content_type = "text/html", .headers = ONE_PAGE);
    dw_harness_upstream(h, GET, .body = { "[{\"id\":", 7 }, .content_type = "application/json",
                        .headers = ONE_PAGE);
    dw_harness_upstream(h, GET, .json = "[{\"id\":1}]", .headers = ONE_PAGE);
    dw_harness_upstream(
        h, GET, .json = "[{\"id\":1,\"user\":7,\"exported\":false,\"begin\":\"2026-07-01T09:00:00\"}]",
        .headers = ONE_PAGE);
    dw_harness_upstream(h, GET, .status = 302, .headers = "Location: https://kimai.example/en/login\r\n");
    dw_harness_upstream(h, GET, .status = 401);
    dw_harness_upstream(h, GET, .status = 403, .json = "{\"code\":403}");
    for (int i = 0; i < 7; i++)
        assert_no_list(DW_EUPSTREAM);
    assert_no_list(DW_EAUTH);
    assert_no_list(DW_EDENIED);
}

/* ---- whatever fails, nothing is left ---- */

static void play(dw_harness *with, void *ud)
{
    (void)with;
    (void)ud;
    list_sheets(.id = NULL);
    list_sheets(.id = "41");
    list_sheets(.tag = "zid:5", .marker = "ZAM:T50|TA:6");
}

static void every_step_may_fail(void **state)
{
    (void)state;
    page(1, 3, "1 2");
    page(2, 3, "3 4");
    page(3, 3, "5");
    dw_harness_upstream(h, GET "/41", .json = NINE_TO_QUARTER(41, "", "false"));
    dw_harness_upstream(h, "GET " KIMAI "/api/tags", .json = "[\"zid:5\"]");
    dw_harness_upstream(h, GET, .json = "[" NINE_TO_QUARTER(41, "\"zid:5\"", "false") "]",
                        .headers = ONE_PAGE);
    assert_true(dw_harness_torture(h, play, NULL) > 10);
}

int main(void)
{
#define TEST(f)  cmocka_unit_test_setup_teardown(f, open_kimai, close_kimai)
#define SMALL(f) cmocka_unit_test_setup_teardown(f, open_small, close_kimai)
    const struct CMUnitTest tests[] = {
        TEST(all_of_all_users_are_asked_for_in_the_order_of_ids),
        TEST(a_window_is_widened_by_a_day_and_looked_at_again),
        TEST(a_clock_that_is_behind_is_looked_back_by),
        TEST(a_marker_is_searched_for_without_a_colon_and_compared_exactly),
        TEST(one_is_shown_by_its_id),
        TEST(a_tag_that_is_listed_narrows_the_query),
        TEST(a_tag_that_is_not_listed_is_looked_for_here),
        SMALL(all_pages_come_each_row_once),
        SMALL(a_row_that_goes_meanwhile_takes_none_along),
        SMALL(a_row_that_is_replaced_by_a_new_one_takes_none_along),
        SMALL(a_page_that_is_not_full_is_read_again),
        SMALL(rows_that_come_meanwhile_are_read_too),
        SMALL(a_list_that_never_stands_still_is_not_called_complete),
        TEST(the_size_that_kimai_says_counts),
        TEST(what_is_no_list_is_no_empty_list),
        SMALL(every_step_may_fail),
    };

    return cmocka_run_group_tests_name("kimai: lists", tests, NULL, NULL);
}
