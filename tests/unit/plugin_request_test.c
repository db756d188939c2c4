/* What a plugin's handler gets of a request, and what a client gets of what it returns, through a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "request_plugin.h"

static const struct network this_machine = { .base = { .bytes = { 127, 0, 0, 1 }, .size = 4 }, .bits = 32 };

static int start(void **state)
{
    (void)state;
    json_start();
    rig_start(&dw_plugin_, api,
              &(struct http_options){
                  .loops = 2, .workers = 8, .trusted_proxies = &this_machine, .trusted_proxies_n = 1 });
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rig_stop();
    return 0;
}

static int forget(void **state)
{
    (void)state;
    rig_forget_log();
    return 0;
}

/* ---- in ---- */

static void a_handler_reads_by_name_and_type(void **state)
{
    (void)state;
    const char *a = rig_ask(
        "POST", "/api/v1/echo/a%20b?tag=x%26y", "Content-Type: application/json\r\nUser-Agent: me\r\n",
        "{\"title\":\"T\\u00e9\",\"count\":12,\"open\":true,\"weight\":2,\"more\":{\"a\":1}}");
    assert_int_equal(rig_status(a), 201);
    RIG_HAS(a, "X-Method: POST");
    RIG_HAS(a, "Content-Type: application/json");
    RIG_HAS(a, "\"id\":\"a b\",\"title\":\"T\xc3\xa9\",\"count\":12,\"open\":true,\"weight\":2");
    RIG_HAS(a, "\"more\":{\"a\":1},\"tag\":\"x&y\",\"path\":\"/api/v1/echo/a b\"");
    RIG_HAS(a, "\"agent\":\"me\",\"none\":null,\"size\":68}");
}

static void what_is_absent_leaves_its_target(void **state)
{
    (void)state;
    const char *a = rig_post("/api/v1/echo/1", "{\"title\":\"t\"}");
    assert_int_equal(rig_status(a), 201);
    RIG_HAS(a, "\"count\":-1,\"open\":false,\"weight\":0");
    RIG_HAS(a, "\"more\":null,\"tag\":\"none\"");
}

static void input_is_judged_before_the_handler(void **state)
{
    (void)state;
    const char *a = rig_post("/api/v1/echo/1", "{\"count\":\"x\"}");
    assert_int_equal(rig_status(a), 422);
    RIG_HAS(a, "application/problem+json");
    RIG_HAS(a, "#/title");
    RIG_HAS(a, "#/count");
    assert_int_equal(rig_status(rig_post("/api/v1/echo/1", "{")), 400);
    assert_int_equal(rig_status(rig_post("/api/v1/echo/1", "{\"title\":\"a\\u0000b\"}")), 400);
    assert_int_equal(rig_status(rig_ask("POST", "/api/v1/echo/1", "Content-Type: text/plain\r\n", "x")), 415);
    assert_int_equal(rig_status(rig_post("/api/v1/echo/a%00b", "{\"title\":\"t\"}")), 400);
    assert_false(rig_log_has("contract"));
}

static void a_name_that_is_unknown_is_loud(void **state)
{
    (void)state;
    assert_int_equal(rig_status(rig_get("/api/v1/asksUnknown")), 500);
    assert_true(rig_log_has("did you mean \\\"title\\\"?"));
    assert_true(rig_log_has("\"plugin\":\"notes\""));
    assert_int_equal(rig_status(rig_get("/api/v1/takesWrongType")), 204);
    assert_int_equal(rig_status(rig_get("/api/v1/takesWrongType?open=true")), 500);
    assert_true(rig_log_has("another type than api.yaml says"));
}

static void other_routes_read_their_path_and_query(void **state)
{
    (void)state;
    const char *a = rig_ask("PROPFIND", "/dav/a/b?q=%C3%A9&n=5", "", "{\"x\":[1]}");
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "{\"rest\":\"a/"
               "b\",\"q\":\"\xc3\xa9\",\"n\":5,\"json\":{\"x\":[1]},\"method\":\"PROPFIND\",\"size\":9}");
    RIG_HAS(rig_get("/dav/"), "{\"rest\":\"\",\"q\":\"?\",\"n\":-1,\"json\":null");
    const char *bad = rig_get("/dav/x?n=five");
    assert_int_equal(rig_status(bad), 422);
    RIG_HAS(bad, "#/query/n");
    assert_int_equal(rig_status(rig_get("/dav/x?q=%00")), 422);
}

/* Larger than a request's memory: it comes as a file, and is seen as bytes all the same. */
static void large_content_is_bytes(void **state)
{
    (void)state;
    size_t n = 600000;
    char *body = malloc(n + 1);
    assert_non_null(body);
    memset(body, ' ', n);
    memcpy(body + n - 3, "[1]", 4);
    const char *a = rig_ask("PUT", "/dav/large", "", body);
    free(body);
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "\"json\":[1]");
    RIG_HAS(a, "\"size\":600000");
}

/* ---- in whose words ---- */

static void the_server_speaks_german_and_a_plugin_as_it_likes(void **state)
{
    static const char german[] = "Accept-Language: de-AT, en;q=0.5\r\n";
    (void)state;

    const char *a = rig_ask("GET", "/nothing", german, "");
    assert_int_equal(rig_status(a), 404);
    RIG_HAS(a, "\"title\":\"Nicht gefunden\"");
    RIG_HAS(a, "\"detail\":\"unter diesem Pfad ist nichts\"");
    RIG_HAS(a, "Content-Language: de\r\n");
    RIG_HAS(a, "Vary: Accept-Language\r\n");
    RIG_HAS(rig_ask("DELETE", "/api/v1/asksUnknown", german, ""),
            "\"detail\":\"DELETE geht hier nicht; was geht, steht in Allow\"");
    a = rig_ask("GET", "/api/v1/fails?code=-4", german, ""); /* DW_ENOTFOUND with the plugin's text */
    RIG_HAS(a, "\"detail\":\"the cat sat on it\"");
    assert_null(strstr(a, "Content-Language"));
    RIG_HAS(a, "Vary: Accept-Language\r\n");
    RIG_HAS(rig_ask("GET", "/dav/x?n=five", german, ""),
            "\"detail\":\"ist nicht, was hier gebraucht wird: eine ganze Zahl");
    a = rig_ask("GET", "/api/v1/asksUnknown", german, "");
    assert_int_equal(rig_status(a), 500);
    RIG_HAS(a, "\"title\":\"Interner Fehler\"");
    RIG_HAS(a, "die Operation ist fehlgeschlagen");
    RIG_HAS(rig_get("/nothing"), "Content-Language: en\r\n");
    assert_null(
        strstr(rig_ask("POST", "/api/v1/echo/1", "Content-Type: application/json\r\n", "{\"title\":\"t\"}"),
               "Vary: Accept-Language"));
}

static void a_plugin_that_speaks_german_is_heard_in_it(void **state)
{
    static const char german[] = "Accept-Language: de\r\n";
    (void)state;

    rig.instance->german = json_pack("{s:s}", "the cat sat on it", "die Katze saß darauf");
    assert_non_null(rig.instance->german);
    const char *a = rig_ask("GET", "/api/v1/fails?code=-4", german, "");
    assert_int_equal(rig_status(a), 404);
    RIG_HAS(a, "\"detail\":\"die Katze saß darauf\"");
    RIG_HAS(a, "Content-Language: de\r\n");
    RIG_HAS(rig_get("/api/v1/fails?code=-4"), "\"detail\":\"the cat sat on it\"");
    RIG_HAS(rig_ask("GET", "/api/v1/fails?code=-10", german, ""), "\"detail\":\"die Katze saß darauf\"");
    assert_true(rig_log_has("the cat sat on it")); /* for the admin, whoever asked */
    assert_false(rig_log_has("die Katze"));
    a = rig_ask("GET", "/api/v1/passesOn", german, "");
    RIG_HAS(a, "\"errors\":[{\"pointer\":\"#/cat\",\"detail\":\"die Katze saß darauf (where: mat)\"}]");
    RIG_HAS(a, "Content-Language: de\r\n");
    RIG_HAS(rig_get("/api/v1/passesOn"), "\"detail\":\"the cat sat on it (where: mat)\"}]");
    assert_null(
        strstr(rig_ask("GET", "/api/v1/marks", german, ""), "Content-Language")); /* has no German words */
    json_decref(rig.instance->german);
    rig.instance->german = NULL;
}

/* ---- out ---- */

static void errors_are_problems(void **state)
{
    (void)state;
    static const struct {
        int code, status;
        bool shown;
    } cases[] = {
        { DW_EINVALID, 422, true },  { DW_EAUTH, 401, true },
        { DW_EDENIED, 403, true },   { DW_ENOTFOUND, 404, true },
        { DW_ECONFLICT, 409, true }, { DW_EPRECONDITION, 412, true },
        { DW_ETOOLARGE, 413, true }, { DW_ERATE, 429, true },
        { DW_EUPSTREAM, 502, true }, { DW_EUNAVAILABLE, 503, true },
        { DW_EUNKNOWN, 504, true },  { DW_ECANCELLED, 504, false },
        { DW_EGONE, 500, false },    { DW_ETX, 500, false },
        { DW_ETHREAD, 500, false },  { DW_EMISUSE, 500, false },
        { DW_ENOMEM, 503, false },   { DW_EINTERNAL, 500, false },
        { -99, 500, false },
    };

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        char path[64];
        rig_forget_log();
        snprintf(path, sizeof(path), "/api/v1/fails?code=%d", cases[i].code);
        const char *a = rig_get(path);
        assert_int_equal(rig_status(a), cases[i].status);
        RIG_HAS(a, "application/problem+json");
        assert_null(strstr(a, "staged")); /* taken back, field and all */
        assert_null(strstr(a, "X-Staged"));
        assert_int_equal(strstr(a, "the cat sat") != NULL, cases[i].shown);
        assert_int_equal(rig_log_has("the cat sat"), cases[i].status >= 500 && cases[i].code >= DW_EINTERNAL);
        assert_int_equal(strstr(a, "WWW-Authenticate") != NULL, cases[i].status == 401);
        if (cases[i].status >= 500)
            assert_true(rig_log_has("\"callback\":\"operation fails\""));
    }
}

static void all_that_is_marked_is_shown(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/marks");
    assert_int_equal(rig_status(a), 422);
    RIG_HAS(a, "\"pointer\":\"#/begin\"");
    RIG_HAS(a, "lies after its end");
    RIG_HAS(a, "\"pointer\":\"#/end\"");
}

static void a_peers_answer_is_not_our_clients_fault(void **state)
{
    (void)state;
    const int codes[] = { DW_EAUTH, DW_EINVALID, DW_ETOOLARGE };

    for (size_t i = 0; i < DW_COUNT_OF(codes); i++) {
        char path[64];
        rig_forget_log();
        snprintf(path, sizeof(path), "/api/v1/peers?code=%d", codes[i]);
        const char *a = rig_get(path);
        assert_int_equal(rig_status(a), 502);
        RIG_HAS(a, "a service that this needs answered something unusable");
        assert_null(strstr(a, "WWW-Authenticate"));
        assert_null(strstr(a, "inner.example"));
        assert_true(rig_log_has("inner.example"));
    }
    assert_int_equal(rig_status(rig_get("/api/v1/peers?code=-4")), 404); /* what is not there is not there */
}

static void what_is_for_authors_is_not_told_to_clients(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/seeks?channel=1");
    assert_int_equal(rig_status(a), 404);
    RIG_HAS(a, "there is no such thing");
    assert_null(strstr(a, "nowhere"));
    a = rig_get("/api/v1/seeks");
    assert_int_equal(rig_status(a), 503);
    assert_null(strstr(a, "ledger"));
    assert_true(rig_log_has("nobody offers the service ledger.book/1"));
}

static void retry_after_is_passed_on(void **state)
{
    (void)state;
    RIG_HAS(rig_get("/api/v1/waits"), "Retry-After: 2\r\n");
}

static void no_reply_is_a_500(void **state)
{
    (void)state;
    assert_int_equal(rig_status(rig_get("/api/v1/saysNothing")), 500);
    assert_true(rig_log_has("has made no reply"));
    assert_int_equal(rig_status(rig_get("/api/v1/forgetsClose")), 500);
    assert_true(rig_log_has("without dw_reply_close"));
}

static void a_second_reply_changes_nothing(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/repliesTwice");
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "{\"first\":1}");
    assert_true(rig_log_has("answered already"));
}

static void replies_of_every_kind(void **state)
{
    (void)state;
    RIG_HAS(rig_get("/api/v1/writes"), "{\"id\":5,\"tags\":[\"a\",\"b\"]}");
    const char *a = rig_get("/api/v1/sendsBytes");
    RIG_HAS(a, "Content-Type: text/x-own; charset=utf-8\r\n");
    RIG_HAS(a, "\x01\x02hi");
    assert_int_equal(rig_status(rig_get("/api/v1/breaksRules")), 200);
}

static void streams_are_whole_or_cut(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/streams");
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "two\r\n0\r\n\r\n");
    a = rig_get("/api/v1/streams?code=1");
    assert_int_equal(rig_status(a), 409);
    for (int code = 2; code <= 3; code++) {
        char path[64];
        snprintf(path, sizeof(path), "/api/v1/streams?code=%d", code);
        char *cut = rig_read_all(rig_begin("GET", path, "", ""));
        assert_true(!cut || !strstr(cut, "\r\n0\r\n\r\n"));
        free(cut);
    }
    assert_true(rig_log_has("half of it"));
    assert_true(rig_log_has("without dw_stream_finish"));
}

/* Until the handler waits for its client; if it does not yet, no test below is wrong for it. */
static int begin_flood(const char *path)
{
    flooded_with = 0;
    flooded_n = 0;
    int fd = rig_begin("GET", path, "", "");
    unsigned before = 0;
    int64_t since = clock_monotonic_us();
    while (flooded_n == 0 || clock_monotonic_us() - since < 200000) {
        if (flooded_n != before)
            since = clock_monotonic_us();
        before = flooded_n;
        usleep(1000);
    }
    return fd;
}

static void a_write_that_waits_ends_with_its_call(void **state)
{
    (void)state;
    int fd = begin_flood("/api/v1/floodsShortly");
    RIG_UNTIL(flooded_with != 0);
    assert_int_equal(flooded_with, DW_ECANCELLED);
    close(fd);
    RIG_UNTIL(atomic_load(&rig.instance->calls) == 0);
    fd = begin_flood("/api/v1/floods");
    assert_int_equal(flooded_with, 0);
    int64_t before = clock_monotonic_us();
    call_cancel(flooding);
    /* Who reads on lets the loop end the stream at once; that is not why the write ended. */
    for (char drain[65536]; read(fd, drain, sizeof(drain)) > 0;)
        continue;
    RIG_UNTIL(flooded_with != 0);
    assert_int_equal(flooded_with, DW_ECANCELLED);
    assert_true(clock_monotonic_us() - before < 10 * CLOCK_SECOND);
    close(fd);
    RIG_UNTIL(atomic_load(&rig.instance->calls) == 0);
}

static void a_write_to_who_left_is_gone(void **state)
{
    const struct linger at_once = { .l_onoff = 1 };

    (void)state;
    int fd = begin_flood("/api/v1/floods");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
    RIG_UNTIL(flooded_with != 0);
    assert_int_equal(flooded_with, DW_EGONE);
    RIG_UNTIL(atomic_load(&rig.instance->calls) == 0);
}

static void nothing_guarded_is_answered(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/guarded");
    assert_int_equal(rig_status(a), 503);
    RIG_HAS(a, "cannot tell who asks");
    a = rig_get("/closed");
    assert_int_equal(rig_status(a), 503);
    RIG_HAS(a, "cannot tell who asks");
    assert_false(rig_log_has("operation failed")); /* no handler ran */
}

#define FROM(address) "X-Forwarded-For: " address "\r\n"

/* Each address may ask so often, whatever else it asks; not this machine, behind which all may stand. */
static void an_operation_has_a_limit_of_its_own(void **state)
{
    (void)state;
    for (int left = 1; left >= 0; left--) {
        const char *a = rig_ask("GET", "/api/v1/rare", FROM("192.0.2.7"), "");
        assert_int_equal(rig_status(a), 200);
        RIG_HAS(a, "RateLimit-Limit: 2\r\n");
        RIG_HAS(a, left ? "RateLimit-Remaining: 1\r\n" : "RateLimit-Remaining: 0\r\n");
    }
    const char *a = rig_ask("GET", "/api/v1/rare", FROM("192.0.2.7"), "");
    assert_int_equal(rig_status(a), 429);
    RIG_HAS(a, "Retry-After: ");
    RIG_HAS(a, "application/problem+json");
    assert_int_equal(rig_status(rig_ask("GET", "/api/v1/rare", FROM("192.0.2.8"), "")), 200);
    a = rig_ask("GET", "/api/v1/writes", FROM("192.0.2.7"), "");
    assert_int_equal(rig_status(a), 200);
    assert_null(strstr(a, "RateLimit-"));
    for (int i = 0; i < 4; i++)
        assert_int_equal(rig_status(rig_get("/api/v1/rare")), 200);
}

static void a_plugin_that_is_missing_answers_503(void **state)
{
    (void)state;
    atomic_store(&rig.instance->missing, true);
    assert_int_equal(rig_status(rig_get("/api/v1/writes")), 503);
    atomic_store(&rig.instance->missing, false);
}

/* ---- who leaves, who comes too late ---- */

static void a_client_that_leaves_cancels_the_call(void **state)
{
    (void)state;
    cancelled_with = 0;
    int fd = rig_begin("GET", "/api/v1/sleeps", "", "");
    RIG_UNTIL(atomic_load(&rig.instance->calls) == 1);
    const struct linger at_once = { .l_onoff = 1 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    int64_t before = clock_monotonic_us();
    close(fd);
    RIG_UNTIL(cancelled_with != 0);
    assert_true(clock_monotonic_us() - before < 10 * CLOCK_SECOND); /* it would sleep for 30 */
    assert_int_equal(cancelled_with, DW_ECANCELLED);
    RIG_UNTIL(atomic_load(&rig.instance->calls) == 0);
    RIG_UNTIL(rig_log_has("\"status\":499"));
    assert_false(rig_log_has("operation failed"));
}

static void a_deadline_is_a_504(void **state)
{
    (void)state;
    cancelled_with = 0;
    assert_int_equal(rig_status(rig_get("/api/v1/overstays")), 504);
    RIG_UNTIL(cancelled_with == DW_ECANCELLED);
}

static void a_stale_request_leads_to_nothing(void **state)
{
    (void)state;
    RIG_HAS(rig_get("/api/v1/keeps"), "{\"kept\":1}");
    char expected[64];
    snprintf(expected, sizeof(expected), "{\"rc\":%d,\"header\":null,\"error\":%d}", DW_ETHREAD, DW_ETHREAD);
    RIG_HAS(rig_get("/api/v1/usesKept"), expected);
    snprintf(expected, sizeof(expected), "{\"rc\":%d}", DW_ETHREAD);
    RIG_HAS(rig_get("/api/v1/usedElsewhere"), expected);
    assert_true(rig_log_has("\"plugin\":\"notes\""));
}

static void a_handler_goes_on_in_a_second_half(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) { /* resumed before and after the first half returns */
        half_ran = false;
        RIG_HAS(rig_get("/api/v1/halves"), "{\"text\":\"of the call\"}");
        assert_true(half_ran);
    }
    half_ran = false;
    const char *a = rig_get("/api/v1/halves?code=1");
    assert_int_equal(rig_status(a), 409);
    assert_true(half_ran);
    assert_int_equal(rig.instance->calls, 0);
}

/* Who waits for the outside learns that the call is over, and resumes: nothing is lost, and the server ends. */
static void *resume_when_cancelled(void *ud)
{
    while (!call_is_cancelled(ud))
        usleep(1000);
    usleep(20000); /* well into the end of the pool */
    request_resume(parked);
    return NULL;
}

static void the_server_can_end_between_two_halves(void **state)
{
    pthread_t thread;

    (void)state;
    int fd = rig_begin("GET", "/api/v1/parks", "", "");
    RIG_UNTIL(parked_call);
    assert_int_equal(thread_start(&thread, "resume", false, resume_when_cancelled, parked_call), 0);
    rig_stop_server();
    pthread_join(thread, NULL);
    assert_true(half_ran);
    assert_int_equal(rig.instance->calls, 0);
    close(fd);
}

static void metrics_and_access_log_name_the_plugin(void **state)
{
    struct buf page = BUF_INIT;

    (void)state;
    rig_get("/api/v1/writes");
    RIG_UNTIL(rig_log_has("\"route\":\"/api/v1/writes\""));
    assert_true(rig_log_has("\"cut\":false,\"plugin\":\"notes\"}"));
    metrics_write(&page);
    RIG_HAS(buf_text(&page), "route=\"/api/v1/writes\",plugin=\"notes\"");
    RIG_HAS(buf_text(&page), "dowel_http_requests_total{status=\"5xx\",plugin=\"notes\"}");
    buf_finish(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_handler_reads_by_name_and_type, forget),
        cmocka_unit_test_setup(what_is_absent_leaves_its_target, forget),
        cmocka_unit_test_setup(input_is_judged_before_the_handler, forget),
        cmocka_unit_test_setup(a_name_that_is_unknown_is_loud, forget),
        cmocka_unit_test_setup(other_routes_read_their_path_and_query, forget),
        cmocka_unit_test_setup(large_content_is_bytes, forget),
        cmocka_unit_test_setup(the_server_speaks_german_and_a_plugin_as_it_likes, forget),
        cmocka_unit_test_setup(a_plugin_that_speaks_german_is_heard_in_it, forget),
        cmocka_unit_test_setup(errors_are_problems, forget),
        cmocka_unit_test_setup(all_that_is_marked_is_shown, forget),
        cmocka_unit_test_setup(a_peers_answer_is_not_our_clients_fault, forget),
        cmocka_unit_test_setup(what_is_for_authors_is_not_told_to_clients, forget),
        cmocka_unit_test_setup(retry_after_is_passed_on, forget),
        cmocka_unit_test_setup(no_reply_is_a_500, forget),
        cmocka_unit_test_setup(a_second_reply_changes_nothing, forget),
        cmocka_unit_test_setup(replies_of_every_kind, forget),
        cmocka_unit_test_setup(streams_are_whole_or_cut, forget),
        cmocka_unit_test_setup(a_write_that_waits_ends_with_its_call, forget),
        cmocka_unit_test_setup(a_write_to_who_left_is_gone, forget),
        cmocka_unit_test_setup(nothing_guarded_is_answered, forget),
        cmocka_unit_test_setup(an_operation_has_a_limit_of_its_own, forget),
        cmocka_unit_test_setup(a_plugin_that_is_missing_answers_503, forget),
        cmocka_unit_test_setup(a_client_that_leaves_cancels_the_call, forget),
        cmocka_unit_test_setup(a_deadline_is_a_504, forget),
        cmocka_unit_test_setup(a_stale_request_leads_to_nothing, forget),
        cmocka_unit_test_setup(a_handler_goes_on_in_a_second_half, forget),
        cmocka_unit_test_setup(metrics_and_access_log_name_the_plugin, forget),
        cmocka_unit_test_setup(the_server_can_end_between_two_halves,
                               forget), /* last: it is not started anew */
    };
    return cmocka_run_group_tests_name("plugin_request", tests, start, stop);
}
