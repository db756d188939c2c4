/* What is not there in an answer is not taken for something that Zammad said: refusals of others, rows without their time, a search
 * that ends before its end, a connection that is gone. */
#include "desk_rig.h"

static const json_t *listed(dw_harness *h, const json_t *list, size_t n)
{
    if (!list)
        fail_msg("%s", dw_harness_error(h)->text);
    assert_int_equal(json_array_size(list), n);
    return list;
}

/* ---- names that a proxy does not let through ---- */

static const char page[] = "<html>Request blocked</html>";

/* What is asked for the facts of an entry, in its order; the one at `refused` is answered by a firewall. */
static void knows_all_but(dw_harness *h, size_t refused)
{
    static const char *const facts[][2] = {
        { "GET /tickets/50", FIRM_TICKET },
        { "GET /users/3", ANN },
    };

    answers(h, "GET /ticket_states", .json = "[]");
    answers(h, "GET /tickets/50/time_accountings", .json = "[" ROW(6, "\"1.0\"") "]");
    answers(h, "GET /tickets/50/time_accountings", .json = "[]");
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
        if (i == refused)
            answers(h, facts[i][0], .status = 403, .content_type = "text/html",
                    .body = { page, sizeof(page) - 1 });
        else
            answers(h, facts[i][0], .json = facts[i][1]);
    }
}

/* An entry without its ticket's customer would be billed to nobody, or to somebody else. */
static void a_firewalls_refusal_is_nothing_that_is_known_of_a_ticket(void **state)
{
    (void)state;

    for (size_t refused = 0; refused < 2; refused++) {
        dw_harness *h = open_desk();
        const char *id = connect(h, TOKEN);
        knows_all_but(h, refused);
        assert_null(entries(h, id, .ticket = "50"));
        assert_int_equal(dw_harness_error(h)->code, DW_EDENIED);
        assert_int_equal(dw_harness_close(h), 0);
    }
}

/* "Not found" would mean to whoever syncs that the ticket is gone, and with it what is booked there. */
static void nor_is_a_proxys_page_a_ticket_that_is_gone(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN);
    (void)state;

    answers(h, "GET /ticket_states", .json = "[]");
    answers(h, "GET /tickets/50/time_accountings", .json = "[" ROW(6, "\"1.0\"") "]");
    answers(h, "GET /tickets/50/time_accountings", .json = "[]");
    answers(h, "GET /tickets/50", .json = FIRM_TICKET);
    answers(h, "GET /users/3", .status = 404, .content_type = "text/plain",
            .body = { "404 page not found", strlen("404 page not found") });
    assert_null(entries(h, id, .ticket = "50"));
    assert_int_equal(dw_harness_error(h)->code, DW_EUPSTREAM);
    assert_int_equal(dw_harness_close(h), 0);
}

static void nor_is_it_anything_about_merges(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN);
    (void)state;

    answers(h, "GET /ticket_states", .json = "[{\"id\":4,\"name\":\"zu\",\"state_type\":\"merged\"}]");
    answers(h, "GET /tickets/50", .json = FIRM_TICKET);
    answers(h, "GET /tickets/50/time_accountings", .json = "[" ROW(6, "\"1.0\"") "]");
    answers(h, "GET /tickets/50/time_accountings", .json = "[]");
    answers(h, "GET /ticket_history/50", .status = 403, .content_type = "text/html",
            .body = { page, sizeof(page) - 1 });
    assert_null(entries(h, id, .ticket = "50"));
    assert_int_equal(dw_harness_error(h)->code, DW_EDENIED);
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- rows that do not say when they changed ---- */

#define TIMELESS(id, changed)                                                                                \
    "{\"id\":" #id ",\"ticket_id\":50,\"time_unit\":\"1.0\",\"created_at\":\"2026-11-20T08:11:49Z\"" changed \
    "}"

static void a_row_without_its_change_counts_as_changed(void **state)
{
    static const char *const changes[] = { TIMELESS(6, ""), TIMELESS(6, ",\"updated_at\":null"),
                                           TIMELESS(6, ",\"updated_at\":\"yesterday\"") };
    (void)state;

    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        dw_harness *h = open_desk();
        const char *id = connect(h, TOKEN ",\"strategy\":\"global\"");
        char rows[1000];
        snprintf(rows, sizeof(rows), "[%s,%s]", changes[i],
                 TIMELESS(5, ",\"updated_at\":\"2026-11-01T08:00:00Z\""));
        answers(h, "GET /time_accountings", .json = rows);
        answers(h, "GET /time_accountings", .json = "[]");
        answers(h, "GET /ticket_states", .json = "[]");
        answers(h, "GET /tickets/50", .json = FIRM_TICKET);
        const json_t *list = listed(h, entries(h, id, .changed_since = { INT64_C(1795800000000000) }), 1);
        assert_string_equal(text_in(json_array_get(list, 0), "id"), "6");
        assert_string_equal(text_in(json_array_get(list, 0), "changed"), "");
        assert_int_equal(dw_harness_close(h), 0);
    }
}

/* One that is odd keeps nobody else's time from being moved. */
static void a_row_without_its_time_is_for_a_person(void **state)
{
    static const char *const times[] = { "null", "\"yesterday\"", "5" };
    (void)state;

    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        dw_harness *h = open_desk();
        const char *id = connect(h, TOKEN);
        char rows[1000];
        snprintf(
            rows, sizeof(rows),
            "[{\"id\":7,\"ticket_id\":50,\"time_unit\":\"2.0\",\"created_at\":%s}," ROW(6, "\"1.0\"") "]",
            times[i]);
        answers(h, "GET /tickets/50/time_accountings", .json = rows);
        answers(h, "GET /tickets/50/time_accountings", .json = "[]");
        answers(h, "GET /ticket_states", .json = "[]");
        answers(h, "GET /tickets/50", .json = FIRM_TICKET);
        answers(h, "GET /users/3", .json = ANN);
        const json_t *list = listed(h, entries(h, id, .ticket = "50"), 2);
        assert_string_equal(text_in(json_array_get(list, 0), "id"), "7");
        assert_string_not_equal(text_in(json_array_get(list, 0), "wrong"), "");
        assert_string_equal(text_in(json_array_get(list, 1), "wrong"), "");
        assert_int_equal(dw_harness_close(h), 0);
    }
}

/* ---- a search that ends early ---- */

enum { FOUND = 10000, PAGE = 100 };

/* A page of tickets that changed long ago: there is nothing to be read on them. */
static void write_page(char *out, size_t size, int page_number)
{
    size_t n = 0;

    for (int i = 0; i < PAGE; i++)
        n += (size_t)snprintf(out + n, size - n, "%s{\"id\":%d,\"updated_at\":\"2026-01-01T00:00:00Z\"}",
                              i ? "," : "[", 1000 + page_number * PAGE + i);
    snprintf(out + n, size - n, "]");
}

/* Elasticsearch gives the first ten thousand, and says no word of the others. */
static void a_search_is_no_list_where_it_ends_early(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN ",\"strategy\":\"tickets\"");
    static char rows[PAGE * 80];
    (void)state;

    answers(h, "POST /tickets/search", .json = "[" FIRM_TICKET "]"); /* it understands conditions */
    for (int i = 0; i < FOUND / PAGE; i++) {
        write_page(rows, sizeof(rows), i);
        answers(h, "POST /tickets/search", .json = rows);
    }
    answers(h, "POST /tickets/search", .json = "[]");
    answers(h, "GET /ticket_states", .json = "[]");
    answers(h, "GET /tickets", .json = "[" FIRM_TICKET "]");
    answers(h, "GET /tickets", .json = "[]");
    answers(h, "GET /tickets", .json = "[]");
    answers(h, "GET /tickets", .json = "[" FIRM_TICKET "]"); /* the way back */
    answers(h, "GET /tickets/50/time_accountings", .json = "[" ROW(6, "\"1.0\"") "]");
    answers(h, "GET /tickets/50/time_accountings", .json = "[]");
    answers(h, "GET /users/3", .json = ANN);
    listed(h, entries(h, id, .changed_since = { INT64_C(1795800000000000) }), 1);
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- what was learnt of other lists ---- */

static void write_bookings(char *out, size_t size, int first, int n)
{
    size_t end = 0;

    for (int i = 0; i < n; i++)
        end += (size_t)snprintf(out + end, size - end,
                                "%s{\"id\":%d,\"ticket_id\":50,\"time_unit\":\"1.0\","
                                "\"created_at\":\"2026-11-20T08:11:49Z\"}",
                                i ? "," : "[", first + i);
    snprintf(out + end, size - end, "]");
}

/* 1,000 rows on a page of all bookings do not make 500 on a page of one ticket's, which was asked for no more, its last page: the
 * others would be taken for deleted. */
static void a_longer_page_of_another_list_ends_no_tickets(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN ",\"strategy\":\"global\",\"per_page\":1000");
    static char rows[1000 * 100];
    (void)state;

    answers(h, "GET /time_accountings", .json = "{\"record_ids\":[1000],\"total_count\":1000}");
    write_bookings(rows, sizeof(rows), 1, 1000);
    answers(h, "GET /time_accountings", .json = rows);
    answers(h, "GET /time_accountings", .json = "[]");
    listed(h, entries(h, id, .ids_only = true), 1000);
    for (int i = 0; i < 2; i++) {
        write_bookings(rows, sizeof(rows), 1 + 500 * i, 500);
        answers(h, "GET /tickets/50/time_accountings", .json = rows);
    }
    answers(h, "GET /tickets/50/time_accountings", .json = "[]");
    listed(h, entries(h, id, .ticket = "50", .ids_only = true), 1000);
    assert_int_equal(dw_harness_close(h), 0);
}

/* A permission that is taken away is an error, and no reason to look at less: also an hour after it was seen to work at first. */
static void what_worked_is_believed_from_each_time_to_the_next(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN);
    (void)state;

    for (int i = 0; i < 2; i++) {
        answers(h, "GET /time_accountings", .json = "{\"record_ids\":[],\"total_count\":0}");
        answers(h, "GET /time_accountings", .json = "[]");
    }
    answers(h, "GET /time_accountings", .status = 403, .json = "{\"error\":\"Not authorized\"}");
    for (int i = 0; i < 2; i++) {
        listed(h, entries(h, id, .ids_only = true), 0);
        dw_harness_advance(h, DW_MINUTES(50));
    }
    assert_null(entries(h, id, .ids_only = true));
    assert_int_equal(dw_harness_error(h)->code, DW_EDENIED);
    assert_int_equal(dw_harness_close(h), 0);
}

/* A permission that was given, or an update, is noticed after an hour, however often is asked in between. */
static void what_does_not_work_is_tried_again_after_an_hour(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN);
    (void)state;

    answers(h, "GET /time_accountings", .status = 403, .json = "{\"error\":\"Not authorized\"}");
    answers(h, "GET /tickets", .json = "[" FIRM_TICKET "]");
    answers(h, "GET /tickets/50/time_accountings", .json = "[]");
    for (int minutes = 0; minutes <= 80; minutes += 20) {
        listed(h, entries(h, id, .ids_only = true), 0);
        assert_int_equal(requests_to(h, "GET /time_accountings"), minutes < 60 ? 1 : 2);
        dw_harness_advance(h, DW_MINUTES(20));
    }
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- a connection that is gone ---- */

static void a_webhook_for_a_connection_that_is_gone_is_over(void **state)
{
    dw_harness *h = open_desk();
    const char *id = connect(h, TOKEN);
    int64_t open = -1;
    (void)state;

    assert_int_equal(
        dw_harness_receive(h, .inbox = "tickets", .body = "{\"ticket\":{\"id\":12}}", .source = id), 0);
    assert_int_equal(dw_harness_sql(h, "DELETE FROM dowel_connections WHERE id = $1", id), 1);
    assert_true(dw_harness_run_jobs(h) >= 1);
    assert_int_equal(dw_harness_events(h, "core.connection.changed"), 0);
    assert_int_equal(
        dw_harness_find(h, DW_TO(&open), "SELECT count(*) FROM dowel_jobs WHERE state <> 'done'"), 1);
    assert_int_equal(open, 0);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_firewalls_refusal_is_nothing_that_is_known_of_a_ticket),
        cmocka_unit_test(nor_is_a_proxys_page_a_ticket_that_is_gone),
        cmocka_unit_test(nor_is_it_anything_about_merges),
        cmocka_unit_test(a_row_without_its_change_counts_as_changed),
        cmocka_unit_test(a_row_without_its_time_is_for_a_person),
        cmocka_unit_test(a_search_is_no_list_where_it_ends_early),
        cmocka_unit_test(a_longer_page_of_another_list_ends_no_tickets),
        cmocka_unit_test(what_worked_is_believed_from_each_time_to_the_next),
        cmocka_unit_test(what_does_not_work_is_tried_again_after_an_hour),
        cmocka_unit_test(a_webhook_for_a_connection_that_is_gone_is_over),
    };

    return cmocka_run_group_tests_name("zammad gaps", tests, NULL, NULL);
}
