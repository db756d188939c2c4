/* The peer is played by the test: what it answers, how it fails, and what it was asked. No test speaks to the network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>

#include <string.h>
#include <time.h>

#define PEER      "https://weather.example/v1"
#define NOW       "GET " PEER "/now"
#define FORECASTS "POST " PEER "/forecasts"
#define WARNINGS  "GET " PEER "/warnings"

static dw_harness *open_plugin(void)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN, .conf = "url: " PEER "\nkey: sesame\n") != 0)
        fail_msg("%s", dw_harness_why(h));
    return h;
}

/* ---- dw_fetch ---- */

static void asks_the_peer_and_says_what_it_says(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, NOW, .json = "{\"celsius\": 7.5}");
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/weather/K%C3%B6ln");
    assert_int_equal(reply.status, 200);
    assert_string_equal(dw_harness_text(reply, "/city"), "Köln");
    assert_string_equal(dw_harness_text(reply, "/celsius"), "7.5");

    const dw_harness_sent *sent = dw_harness_sent_to_peers(h, 0);
    assert_string_equal(sent->url, PEER "/now?city=K%C3%B6ln");
    assert_non_null(strstr(sent->headers, "Authorization: Bearer sesame\r\n"));
    assert_int_equal(dw_harness_close(h), 0);
}

static int status_when(dw_harness *h)
{
    return dw_harness_get(h, "/api/v1/weather/Bonn").status;
}

static void what_the_peer_refuses_is_not_our_clients_fault(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, NOW, .status = 404);
    dw_harness_upstream(h, NOW, .status = 401);
    dw_harness_upstream(h, NOW, .status = 500);
    dw_harness_upstream(h, NOW, .json = "{\"fahrenheit\": 45}");
    dw_harness_upstream(h, NOW, .body = { "<html>", 6 }, .content_type = "text/html");
    assert_int_equal(status_when(h), 404); /* no such city */
    assert_int_equal(status_when(h), 502); /* our key is wrong: nothing a client can do about */
    assert_int_equal(status_when(h), 502);
    assert_int_equal(status_when(h), 502);
    assert_int_equal(status_when(h), 502);
    assert_int_equal(dw_harness_close(h), 0);
}

/* 503 is worth another try when the request may be repeated: the server does that. */
static void a_peer_that_is_busy_is_asked_again(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, NOW, .status = 503);
    dw_harness_upstream(h, NOW, .json = "{\"celsius\": 7.5}");
    assert_int_equal(status_when(h), 200);
    assert_non_null(dw_harness_sent_to_peers(h, 1));
    assert_null(dw_harness_sent_to_peers(h, 2));
    assert_int_equal(dw_harness_close(h), 0);
}

/* It may ask for time. The server waits for it, as long as the request may take; a test does not. */
static void a_peer_that_wants_time_gets_it(void **state)
{
    dw_harness *h = open_plugin();
    time_t began = time(NULL);
    (void)state;

    dw_harness_upstream(h, NOW, .status = 503, .headers = "Retry-After: 4\r\n");
    dw_harness_upstream(h, NOW, .json = "{\"celsius\": 7.5}");
    assert_int_equal(status_when(h), 200);
    assert_true(time(NULL) - began < 3);
    assert_int_equal(dw_harness_close(h), 0);
}

static void a_peer_that_is_not_reached_is_503_and_one_that_breaks_off_504(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, NOW, .fails = DW_EUNAVAILABLE);
    assert_int_equal(status_when(h), 503);
    assert_true(dw_harness_logged(h, DW_LOG_WARN, PEER "/now"));
    assert_int_equal(dw_harness_close(h), 0);

    h = open_plugin();
    dw_harness_upstream(h, NOW, .status = 200, .fails = DW_EUNKNOWN);
    assert_int_equal(status_when(h), 504);
    assert_false(dw_harness_logged(h, DW_LOG_DEBUG, "sesame"));
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- dw_fetch_start ---- */

static void compares_several_cities(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, NOW "?city=Bonn", .json = "{\"celsius\": 7.5}");
    dw_harness_upstream(h, NOW "?city=Rome", .json = "{\"celsius\": 19}");
    dw_harness_upstream(h, NOW "?city=Oslo", .json = "{\"celsius\": -3}");
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/weather?city=Bonn&city=Rome&city=Oslo");
    assert_int_equal(reply.status, 200);
    assert_string_equal(dw_harness_text(reply, "/warmest"), "Rome");
    assert_string_equal(dw_harness_text(reply, "/celsius"), "19.0");
    assert_non_null(dw_harness_sent_to_peers(h, 2));
    assert_int_equal(dw_harness_close(h), 0);
}

/* One that never answers would hold up the reply for long; it is cut with the call. */
static void one_failure_ends_the_comparison(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, NOW "?city=Bonn", .status = 404);
    dw_harness_upstream(h, NOW "?city=Rome", .silent = true);
    assert_int_equal(dw_harness_get(h, "/api/v1/weather?city=Bonn&city=Rome").status, 404);
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- dw_fetch_then ---- */

static void the_second_half_answers(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, FORECASTS, .json = "{\"days\": [8, 9, 11]}");
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/weather/Bonn/forecast");
    assert_int_equal(reply.status, 200);
    assert_string_equal(dw_harness_text(reply, "/days/2"), "11");
    assert_string_equal(dw_harness_sent_to_peers(h, 0)->body.p, "{\"city\":\"Bonn\",\"days\":3}");
    assert_int_equal(dw_harness_close(h), 0);
}

/* A POST is not repeated: it may have been carried out. */
static void the_second_half_does_not_run_without_an_answer(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, FORECASTS, .fails = DW_EUNKNOWN);
    assert_int_equal(dw_harness_get(h, "/api/v1/weather/Bonn/forecast").status, 504);
    assert_null(dw_harness_sent_to_peers(h, 1));
    assert_int_equal(dw_harness_close(h), 0);
}

/* The peer never answers, the client has enough: the transfer is cut, and nothing is left. */
static void a_client_that_leaves_cuts_the_transfer(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, FORECASTS, .silent = true);
    dw_harness_set_patience(h, DW_MILLISECONDS(20));
    assert_int_equal(dw_harness_get(h, "/api/v1/weather/Bonn/forecast").status, 0);
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- dw_upstream_open ---- */

static void passes_on_line_by_line(void **state)
{
    const char *const pieces[] = { "sto", "rm\nfl", "ood\n", NULL };
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, WARNINGS, .pieces = pieces);
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/warnings");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body.p, "storm\nflood\n");
    assert_false(reply.cut);
    assert_int_equal(dw_harness_close(h), 0);
}

static void cuts_when_the_peer_breaks_off(void **state)
{
    const char *const pieces[] = { "storm\n", "flo", NULL };
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, WARNINGS, .pieces = pieces, .fails = DW_EUNKNOWN);
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/warnings");
    assert_string_equal(reply.body.p, "storm\n");
    assert_true(reply.cut);
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- torture ---- */

static void play(dw_harness *h, void *ud)
{
    (void)ud;
    dw_harness_get(h, "/api/v1/weather/Bonn");
    dw_harness_get(h, "/api/v1/weather?city=Bonn&city=Rome");
    dw_harness_get(h, "/api/v1/weather/Bonn/forecast");
    dw_harness_get(h, "/api/v1/warnings");
}

static void survives_whatever_fails(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, NOW, .json = "{\"celsius\": 7.5}");
    dw_harness_upstream(h, FORECASTS, .json = "{\"days\": [8]}");
    dw_harness_upstream(h, WARNINGS, .body = { "storm\n", 6 });
    assert_true(dw_harness_torture(h, play, NULL) > 0);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_the_peer_and_says_what_it_says),
        cmocka_unit_test(what_the_peer_refuses_is_not_our_clients_fault),
        cmocka_unit_test(a_peer_that_is_busy_is_asked_again),
        cmocka_unit_test(a_peer_that_wants_time_gets_it),
        cmocka_unit_test(a_peer_that_is_not_reached_is_503_and_one_that_breaks_off_504),
        cmocka_unit_test(compares_several_cities),
        cmocka_unit_test(one_failure_ends_the_comparison),
        cmocka_unit_test(the_second_half_answers),
        cmocka_unit_test(the_second_half_does_not_run_without_an_answer),
        cmocka_unit_test(a_client_that_leaves_cuts_the_transfer),
        cmocka_unit_test(passes_on_line_by_line),
        cmocka_unit_test(cuts_when_the_peer_breaks_off),
        cmocka_unit_test(survives_whatever_fails),
    };

    return cmocka_run_group_tests_name("fetcher", tests, NULL, NULL);
}
