/* The harness's peers: what the plugin asks others goes to the test, and to nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>

#include <string.h>

#define FETCH  "/api/v1/fetch?url=http://peer/x"
#define PIECES "/api/v1/pieces?url=http://peer/x"

static dw_harness *open_plugin(void)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN) != 0)
        fail_msg("%s", dw_harness_why(h));
    return h;
}

/* Also what would be refused, or would reach somebody: the name of this machine, an address inside. */
static void what_has_no_answer_is_unavailable_and_named(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_int_equal(dw_harness_get(h, FETCH).status, 503);
    assert_true(dw_harness_logged(h, DW_LOG_WARN, "http://peer/x"));
    assert_int_equal(dw_harness_get(h, "/api/v1/fetch?url=http://127.0.0.1:9/").status, 503);
    assert_true(dw_harness_logged(h, DW_LOG_WARN, "http://127.0.0.1:9/"));
    assert_int_equal(dw_harness_get(h, PIECES).status, 503);
    assert_int_equal(dw_harness_close(h), 0);
}

static void what_is_no_request_has_no_answer(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_int_equal(dw_harness_upstream(h, "http://peer/x", .status = 200), -1);
    assert_int_equal(dw_harness_upstream(h, "GET ", .status = 200), -1);
    assert_int_equal(dw_harness_upstream(h, "GET http://peer/x", .status = 200), 0);
    assert_int_equal(dw_harness_close(h), 0);
}

static void answers_with_all_that_an_answer_has(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, "GET http://peer/x", .status = 418, .body = { "short and stout", 15 },
                        .content_type = "text/plain", .headers = "X-Other: 1\r\nX-Answer: 42\r\n");
    dw_harness_reply reply = dw_harness_get(h, FETCH);
    assert_string_equal(dw_harness_text(reply, "/status"), "418");
    assert_string_equal(dw_harness_text(reply, "/type"), "text/plain");
    assert_string_equal(dw_harness_text(reply, "/body"), "short and stout");
    assert_string_equal(dw_harness_text(reply, "/answer"), "42");
    assert_int_equal(dw_harness_close(h), 0);
}

static void an_answer_is_200_and_empty_unless_it_says_more(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, "GET http://peer/x", .json = NULL);
    dw_harness_reply reply = dw_harness_get(h, FETCH);
    assert_string_equal(dw_harness_text(reply, "/status"), "200");
    assert_string_equal(dw_harness_text(reply, "/body"), "");
    assert_int_equal(dw_harness_close(h), 0);
}

static const char *body_of(dw_harness *h, const char *target)
{
    return dw_harness_text(dw_harness_get(h, target), "/body");
}

static void several_come_one_after_the_other(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, "GET http://peer/x", .json = "1");
    dw_harness_upstream(h, "GET http://peer/y", .json = "3");
    dw_harness_upstream(h, "GET http://peer/x", .json = "2");
    assert_string_equal(body_of(h, FETCH), "1");
    assert_string_equal(body_of(h, FETCH), "2");
    assert_string_equal(body_of(h, FETCH), "2");
    assert_int_equal(dw_harness_close(h), 0);
}

static void a_query_counts_where_it_is_given(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, "GET http://peer/x?a=1", .json = "1");
    assert_string_equal(body_of(h, FETCH "?a=1"), "1");
    assert_int_equal(dw_harness_get(h, FETCH "?a=2").status, 503);
    dw_harness_upstream(h, "GET http://peer/x", .json = "2");
    assert_string_equal(body_of(h, FETCH "?a=3"), "2");
    assert_int_equal(dw_harness_close(h), 0);
}

static void methods_differ_and_a_head_has_no_body(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, "HEAD http://peer/x", .json = "1");
    assert_int_equal(dw_harness_get(h, FETCH).status, 503);
    dw_harness_reply reply = dw_harness_get(h, FETCH "&method=HEAD");
    assert_string_equal(dw_harness_text(reply, "/status"), "200");
    assert_string_equal(dw_harness_text(reply, "/body"), "");
    assert_int_equal(dw_harness_close(h), 0);
}

/* The limits of the plugin hold for played answers too. */
static void an_answer_may_be_too_large_or_too_slow(void **state)
{
    char large[200];
    dw_harness *h = open_plugin();
    (void)state;

    memset(large, 'x', sizeof(large));
    dw_harness_upstream(h, "GET http://peer/x", .body = { large, sizeof(large) });
    assert_int_equal(dw_harness_get(h, FETCH).status, 502);
    dw_harness_upstream(h, "GET http://peer/x", .silent = true);
    assert_int_equal(dw_harness_get(h, FETCH).status, 504);
    assert_int_equal(dw_harness_close(h), 0);
}

static void pieces_come_as_they_were_given(void **state)
{
    const char *const pieces[] = { "one", "two", "three", NULL };
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_upstream(h, "GET http://peer/x", .pieces = pieces);
    dw_harness_reply reply = dw_harness_get(h, PIECES);
    assert_string_equal(dw_harness_text(reply, "/pieces"), "one,two,three,");
    dw_harness_upstream(h, "GET http://peer/x", .pieces = pieces, .fails = DW_EUNKNOWN);
    assert_int_equal(dw_harness_get(h, PIECES).status, 504);
    assert_int_equal(dw_harness_close(h), 0);
}

static void remembers_what_was_sent(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_null(dw_harness_sent_to_peers(h, 0));
    dw_harness_get(h, FETCH "&method=DELETE");
    const dw_harness_sent *sent = dw_harness_sent_to_peers(h, 0);
    assert_string_equal(sent->method, "DELETE");
    assert_string_equal(sent->url, "http://peer/x");
    assert_int_equal(sent->body.n, 0);
    assert_null(dw_harness_sent_to_peers(h, 1));
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_answer_is_unavailable_and_named),
        cmocka_unit_test(what_is_no_request_has_no_answer),
        cmocka_unit_test(answers_with_all_that_an_answer_has),
        cmocka_unit_test(an_answer_is_200_and_empty_unless_it_says_more),
        cmocka_unit_test(several_come_one_after_the_other),
        cmocka_unit_test(a_query_counts_where_it_is_given),
        cmocka_unit_test(methods_differ_and_a_head_has_no_body),
        cmocka_unit_test(an_answer_may_be_too_large_or_too_slow),
        cmocka_unit_test(pieces_come_as_they_were_given),
        cmocka_unit_test(remembers_what_was_sent),
    };

    return cmocka_run_group_tests_name("harness_peer", tests, NULL, NULL);
}
