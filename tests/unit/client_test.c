/* The outbound client and whole answers: what is sent, what comes back, limits, retry, redirects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <strings.h>
#include <zlib.h>

#include "client_rig.h"
#include "log/log.h"
#include "metrics/metrics.h"

/* ---- whole answers ---- */

static void an_answer_comes_whole(void **state)
{
    struct fixture *f = *state;
    struct client_answer *a = fetch(f, (struct client_request){ .url = at(f, "/hello") }, CLIENT_OK);

    assert_int_equal(a->status, 200);
    assert_int_equal(a->attempts, 1);
    assert_true(a->reached);
    assert_true(a->took_us > 0);
    assert_string_equal(a->body.p, "hello");
    assert_int_equal(a->body.n, 5);
    assert_string_equal(a->content_type, "text/plain");
    assert_string_equal(client_answer_header(a, "x-two"), "1");
    assert_string_equal(client_answer_header(a, "X-ODD"), "");
    assert_null(client_answer_header(a, "x-none"));
    client_answer_destroy(a);

    a = fetch(f, (struct client_request){ .method = "HEAD", .url = at(f, "/huge") }, CLIENT_OK);
    assert_int_equal(a->body.n, 0);
    client_answer_destroy(a);

    a = fetch(f, (struct client_request){ .url = at(f, "/chunked") }, CLIENT_OK);
    assert_string_equal(a->body.p, "abcdefg");
    assert_null(client_answer_header(a, "x-trailer"));
    assert_null(client_answer_header(a, "x-early"));
    client_answer_destroy(a);
}

static void what_is_asked_is_sent(void **state)
{
    struct fixture *f = *state;
    const struct client_header headers[] = { { "Accept", STR("text/csv"), false },
                                             { "X-Empty", STR(""), false } };
    struct client_answer *a = fetch(f,
                                    (struct client_request){ .url = at(f, "/echo?a=1"),
                                                             .headers = headers,
                                                             .headers_n = 2,
                                                             .body = STR("{\"x\":1}"),
                                                             .content_type = "application/json",
                                                             .bearer = STR("t0ken"),
                                                             .secret_header = "X-Api-Key",
                                                             .secret = STR("k3y"),
                                                             .traceparent = "00-0af7-b7ad-01" },
                                    CLIENT_OK);

    assert_non_null(strstr(a->body.p, "POST /echo?a=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(a->body.p, "Accept: text/csv\r\n"));
    assert_non_null(strstr(a->body.p, "X-Empty:"));
    assert_non_null(strstr(a->body.p, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(a->body.p, "Authorization: Bearer t0ken\r\n"));
    assert_non_null(strstr(a->body.p, "X-Api-Key: k3y\r\n"));
    assert_non_null(strstr(a->body.p, "traceparent: 00-0af7-b7ad-01\r\n"));
    assert_non_null(strstr(a->body.p, "User-Agent: dowel\r\n"));
    assert_non_null(strstr(a->body.p, "{\"x\":1}"));
    assert_null(strcasestr(a->body.p, "Expect"));
    client_answer_destroy(a);

    a = fetch(f,
              (struct client_request){
                  .method = "PUT", .url = at(f, "/echo"), .user = "ann", .password = STR("p:w") },
              CLIENT_OK);
    assert_non_null(strstr(a->body.p, "PUT /echo"));
    assert_non_null(strstr(a->body.p, "Content-Length: 0\r\n"));
    assert_non_null(strstr(a->body.p, "Authorization: Basic YW5uOnA6dw==\r\n"));
    assert_null(strcasestr(a->body.p, "content-type"));
    client_answer_destroy(a);

    a = fetch(f, (struct client_request){ .method = "DELETE", .url = at(f, "/echo"), .body = STR("bye") },
              CLIENT_OK);
    assert_non_null(strstr(a->body.p, "DELETE /echo"));
    assert_non_null(strstr(a->body.p, "Content-Length: 3\r\n"));
    assert_null(strcasestr(a->body.p, "content-type"));
    client_answer_destroy(a);
}

static void connections_are_reused(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 20; i++) {
        expect(f, (struct client_request){ .url = at(f, "/hello") }, CLIENT_OK);
        expect(f, (struct client_request){ .url = at(f, "/echo"), .body = STR("x") }, CLIENT_OK);
    }
    assert_int_equal(atomic_load(&f->peer.requests), 40);
    assert_int_equal(atomic_load(&f->peer.accepts), 1);
}

static void a_refusal_is_an_error_with_an_answer(void **state)
{
    struct fixture *f = *state;
    struct client_answer *a =
        fetch(f, (struct client_request){ .url = at(f, "/missing?key=s3cret") }, CLIENT_STATUS);

    assert_int_equal(a->status, 404);
    assert_string_equal(a->body.p, "{\"error\":\"no such\"}");
    assert_string_equal(a->content_type, "application/json");
    assert_non_null(strstr(a->message, "GET http://127.0.0.1:"));
    assert_non_null(strstr(a->message, "/missing: the peer answered 404"));
    assert_null(strstr(a->message, "s3cret"));
    client_answer_destroy(a);
    a = fetch(f, (struct client_request){ .url = at(f, "/missing"), .any_status = true }, CLIENT_OK);
    assert_int_equal(a->status, 404);
    client_answer_destroy(a);
}

static void broken_peers_are_told_apart(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = { "/drop", "/half-head", "/garbage", "/hang-up" };

    for (size_t i = 0; i < DW_COUNT_OF(paths); i++) {
        struct client_answer *a =
            fetch(f, (struct client_request){ .url = at(f, paths[i]), .body = STR("x") }, CLIENT_UNKNOWN);
        assert_true(a->reached);
        assert_int_equal(a->attempts, 1);
        assert_int_equal(a->body.n, 0);
        assert_non_null(strstr(a->message, "may have been carried out"));
        client_answer_destroy(a);
        a = fetch(f, (struct client_request){ .url = at(f, paths[i]) }, CLIENT_UNKNOWN);
        assert_int_equal(a->attempts, 3); /* a GET may be repeated */
        client_answer_destroy(a);
    }
}

static uint16_t dead_port(void)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t n = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&sa, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    close(fd);
    return ntohs(sa.sin_port);
}

static void a_refused_connection_certainly_did_not_reach(void **state)
{
    struct fixture *f = *state;
    char url[64];

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", dead_port());
    struct client_answer *a =
        fetch(f, (struct client_request){ .url = url, .body = STR("x") }, CLIENT_UNREACHED);
    assert_false(a->reached);
    assert_int_equal(a->attempts, 1);
    assert_non_null(strstr(a->message, "127.0.0.1"));
    client_answer_destroy(a);
    a = fetch(f, (struct client_request){ .url = url }, CLIENT_UNREACHED);
    assert_int_equal(a->attempts, 3);
    client_answer_destroy(a);
}

static void limits_of_size_hold(void **state)
{
    struct fixture *f = *state;
    long long before = atomic_load(&f->peer.written);

    expect(f, (struct client_request){ .url = at(f, "/huge") }, CLIENT_TOO_LARGE);
    assert_true(atomic_load(&f->peer.written) - before < 1000);
    expect(f, (struct client_request){ .url = at(f, "/endless"), .max_bytes = 100000 }, CLIENT_TOO_LARGE);
    expect(f, (struct client_request){ .url = at(f, "/bomb") }, CLIENT_TOO_LARGE);
    expect(f, (struct client_request){ .url = at(f, "/big-head") }, CLIENT_TOO_LARGE);
    expect(f, (struct client_request){ .url = at(f, "/hello"), .max_bytes = 4 }, CLIENT_TOO_LARGE);
    expect(f, (struct client_request){ .url = at(f, "/hello"), .max_bytes = 5 }, CLIENT_OK);
    expect(f, (struct client_request){ .url = at(f, "/chunked"), .max_bytes = 6 }, CLIENT_TOO_LARGE);
}

static void limits_of_time_hold(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = { "/slow-head", "/drip", "/silent" };

    for (size_t i = 0; i < DW_COUNT_OF(paths); i++) {
        struct client_answer *a = fetch(
            f, (struct client_request){ .url = at(f, paths[i]), .timeout_us = 150 * MS }, CLIENT_TIMEOUT);
        assert_true(a->took_us >= 150 * MS && a->took_us < 3 * S);
        assert_true(a->reached);
        client_answer_destroy(a);
    }
    struct client_answer *a = fetch(
        f, (struct client_request){ .url = at(f, "/silent"), .idle_timeout_us = 100 * MS }, CLIENT_TIMEOUT);
    assert_non_null(strstr(a->message, "silent"));
    assert_true(a->took_us < 3 * S);
    client_answer_destroy(a);
    /* Bytes that drip are no silence. */
    a = fetch(f,
              (struct client_request){
                  .url = at(f, "/drip"), .idle_timeout_us = 500 * MS, .timeout_us = 1200 * MS },
              CLIENT_TIMEOUT);
    assert_true(a->took_us >= 1200 * MS);
    client_answer_destroy(a);
    a = fetch(
        f,
        (struct client_request){ .url = at(f, "/slow-head"), .deadline_us = clock_monotonic_us() + 50 * MS },
        CLIENT_TIMEOUT);
    client_answer_destroy(a);
}

static void injections_are_refused_before_they_are_sent(void **state)
{
    struct fixture *f = *state;
    const struct client_header bad[] = {
        { "X", STR("a\r\nEvil: 1"), false },
        { "X", STR("a\nb"), false },
        { "X", STR("a\0b"), false },
        { "X", STR("a\x7f"), false },
        { "X\r\nEvil", STR("1"), false },
        { "X Y", STR("1"), false },
        { "", STR("1"), false },
        { "X:", STR("1"), false },
        { "Host", STR("evil"), false },
        { "content-length", STR("5"), false },
        { "Transfer-Encoding", STR("chunked"), false },
    };
    static const char *const methods[] = { "GET\r\nX: y", "GET /x HTTP/1.1", "", "CONNECT", "G(T" };

    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        struct client_answer *a =
            fetch(f, (struct client_request){ .url = at(f, "/hello"), .headers = &bad[i], .headers_n = 1 },
                  CLIENT_INVALID);
        assert_false(a->reached);
        assert_null(strstr(a->message, "Evil: 1"));
        client_answer_destroy(a);
    }
    for (size_t i = 0; i < DW_COUNT_OF(methods); i++)
        expect(f, (struct client_request){ .url = at(f, "/hello"), .method = methods[i] }, CLIENT_INVALID);
    expect(f, (struct client_request){ .url = at(f, "/hello"), .bearer = STR("a\r\nEvil: 1") },
           CLIENT_INVALID);
    expect(f, (struct client_request){ .url = at(f, "/hello"), .secret_header = "K", .secret = STR("a\nb") },
           CLIENT_INVALID);
    expect(f, (struct client_request){ .url = at(f, "/hello"), .user = "a:b", .password = STR("c") },
           CLIENT_INVALID);
    expect(f, (struct client_request){ .url = at(f, "/he\r\nllo") }, CLIENT_INVALID);
    expect(f, (struct client_request){ .url = "ftp://127.0.0.1/x" }, CLIENT_INVALID);
    expect(f, (struct client_request){ .url = NULL }, CLIENT_INVALID);
    assert_int_equal(atomic_load(&f->peer.requests), 0);
}

/* ---- retry ---- */

static void transient_answers_are_retried(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = { "/busy/408", "/busy/429", "/busy/502", "/busy/503", "/busy/504" };

    busy_fields = "";
    for (size_t i = 0; i < DW_COUNT_OF(paths); i++) {
        atomic_store(&busy_left, 2);
        struct client_answer *a = fetch(f, (struct client_request){ .url = at(f, paths[i]) }, CLIENT_OK);
        assert_int_equal(a->attempts, 3);
        assert_string_equal(a->body.p, "done");
        client_answer_destroy(a);
    }
    atomic_store(&busy_left, 3);
    struct client_answer *a = fetch(f, (struct client_request){ .url = at(f, "/busy/503") }, CLIENT_STATUS);
    assert_int_equal(a->attempts, 3);
    assert_int_equal(a->status, 503);
    assert_string_equal(a->body.p, "later");
    client_answer_destroy(a);
    /* A POST is not repeated unless it says that it may be; nor is a 500. */
    atomic_store(&busy_left, 1);
    a = fetch(f, (struct client_request){ .url = at(f, "/busy/503"), .body = STR("x") }, CLIENT_STATUS);
    assert_int_equal(a->attempts, 1);
    client_answer_destroy(a);
    atomic_store(&busy_left, 1);
    a = fetch(f, (struct client_request){ .url = at(f, "/busy/503"), .body = STR("x"), .idempotent = true },
              CLIENT_OK);
    assert_int_equal(a->attempts, 2);
    client_answer_destroy(a);
    atomic_store(&busy_left, 1);
    expect(f, (struct client_request){ .url = at(f, "/busy/500") }, CLIENT_STATUS);
    atomic_store(&busy_left, 1);
    expect(f, (struct client_request){ .url = at(f, "/busy/503"), .attempts = 1 }, CLIENT_STATUS);
}

static void retry_after_is_honoured(void **state)
{
    struct fixture *f = *state;

    busy_fields = "Retry-After: 1\r\n";
    atomic_store(&busy_left, 1);
    struct client_answer *a = fetch(f, (struct client_request){ .url = at(f, "/busy/429") }, CLIENT_OK);
    assert_int_equal(a->attempts, 2);
    assert_true(a->took_us >= 1 * S && a->took_us < 4 * S);
    client_answer_destroy(a);
    /* Longer than there is time: no use in waiting, the caller learns when to come back. */
    busy_fields = "Retry-After: 60\r\n";
    atomic_store(&busy_left, 1);
    a = fetch(f, (struct client_request){ .url = at(f, "/busy/429") }, CLIENT_STATUS);
    assert_int_equal(a->attempts, 1);
    assert_int_equal(a->status, 429);
    assert_int_equal(a->retry_after_us, 60 * S);
    assert_true(a->took_us < 1 * S);
    client_answer_destroy(a);
    busy_fields = "";
}

/* libcurl repeats a request by itself when a reused connection breaks. For a POST that would be a second order. */
static void a_post_is_never_sent_twice(void **state)
{
    struct fixture *f = *state;

    expect(f, (struct client_request){ .url = at(f, "/once") }, CLIENT_OK);
    struct client_answer *a =
        fetch(f, (struct client_request){ .url = at(f, "/once"), .body = STR("order") }, CLIENT_UNKNOWN);
    assert_true(a->reached);
    client_answer_destroy(a);
    assert_int_equal(atomic_load(&f->peer.requests), 2);
}

static void a_get_survives_a_stale_connection(void **state)
{
    struct fixture *f = *state;

    expect(f, (struct client_request){ .url = at(f, "/once") }, CLIENT_OK);
    struct client_answer *a = fetch(f, (struct client_request){ .url = at(f, "/once") }, CLIENT_OK);
    assert_string_equal(a->body.p, "again");
    client_answer_destroy(a);
    assert_int_equal(atomic_load(&f->peer.accepts), 2);
}

/* ---- redirects ---- */

static void redirects_are_followed_only_when_asked(void **state)
{
    struct fixture *f = *state;

    redirect_to("/hello");
    struct client_answer *a = fetch(f, (struct client_request){ .url = at(f, "/redirect/302") }, CLIENT_OK);
    assert_int_equal(a->status, 302);
    client_answer_destroy(a);
    a = fetch(f, (struct client_request){ .url = at(f, "/redirect/302"), .redirects = 3 }, CLIENT_OK);
    assert_string_equal(a->body.p, "hello");
    assert_int_equal(a->redirects, 1);
    client_answer_destroy(a);
    redirect_to("/redirect/302");
    a = fetch(f, (struct client_request){ .url = at(f, "/redirect/302"), .redirects = 3 }, CLIENT_STATUS);
    assert_int_equal(a->redirects, 3);
    assert_non_null(strstr(a->message, "more than 3 times"));
    client_answer_destroy(a);
    redirect_to("file:///etc/passwd");
    expect(f, (struct client_request){ .url = at(f, "/redirect/302"), .redirects = 3 }, CLIENT_INVALID);
    redirect_to("http://user:pass@127.0.0.1/");
    expect(f, (struct client_request){ .url = at(f, "/redirect/302"), .redirects = 3 }, CLIENT_INVALID);
}

static void redirects_change_the_method_as_everybody_does(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path, *method, *want;
        bool body;
    } cases[] = {
        { "/redirect/301", "POST", "GET /echo", false }, { "/redirect/302", "POST", "GET /echo", false },
        { "/redirect/303", "PUT", "GET /echo", false },  { "/redirect/307", "POST", "POST /echo", true },
        { "/redirect/308", "POST", "POST /echo", true }, { "/redirect/302", "PUT", "PUT /echo", true },
    };

    redirect_to("/echo");
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct client_answer *a = fetch(f,
                                        (struct client_request){ .url = at(f, cases[i].path),
                                                                 .method = cases[i].method,
                                                                 .redirects = 1,
                                                                 .bearer = STR("t0ken"),
                                                                 .content_type = "text/plain",
                                                                 .body = STR("payload") },
                                        CLIENT_OK);
        assert_non_null(strstr(a->body.p, cases[i].want));
        assert_int_equal(strstr(a->body.p, "payload") != NULL, cases[i].body);
        assert_int_equal(strstr(a->body.p, "Content-Type: text/plain") != NULL, cases[i].body);
        assert_non_null(strstr(a->body.p, "Bearer t0ken")); /* the same origin */
        client_answer_destroy(a);
    }
}

static void credentials_stay_with_their_origin(void **state)
{
    struct fixture *f = *state;
    struct peer other;
    const struct client_header headers[] = { { "X-Plain", STR("kept"), false },
                                             { "X-Mine", STR("hidden1"), true },
                                             { "Cookie", STR("hidden2"), false } };

    assert_int_equal(peer_start(&other, route, NULL), 0);
    snprintf(location, sizeof(location), "http://127.0.0.1:%u/echo", other.port);
    struct client_answer *a = fetch(f,
                                    (struct client_request){ .url = at(f, "/redirect/307"),
                                                             .redirects = 1,
                                                             .headers = headers,
                                                             .headers_n = 3,
                                                             .bearer = STR("hidden3"),
                                                             .secret_header = "X-K",
                                                             .secret = STR("hidden4") },
                                    CLIENT_OK);
    assert_non_null(strstr(a->body.p, "X-Plain: kept"));
    assert_null(strstr(a->body.p, "hidden"));
    assert_int_equal(atomic_load(&other.requests), 1);
    client_answer_destroy(a);
    peer_stop(&other);
}

/* ---- what is seen of it ---- */

static void secrets_reach_no_log_line(void **state)
{
    struct fixture *f = *state;
    FILE *log = tmpfile();
    char text[8192];

    log_set_fd(fileno(log));
    log_set_level(LOG_DEBUG);
    const struct client_header headers[] = { { "Authorization", STR("s3cret1"), false } };
    expect(f,
           (struct client_request){ .url = at(f, "/hello?key=s3cret2"), .headers = headers, .headers_n = 1 },
           CLIENT_OK);
    atomic_store(&busy_left, 1);
    expect(f, (struct client_request){ .url = at(f, "/busy/503?k=s3cret3"), .bearer = STR("s3cret4") },
           CLIENT_OK);
    expect(f, (struct client_request){ .url = "http://u:s3cret5@127.0.0.1/" }, CLIENT_INVALID);
    log_set_level(LOG_INFO);
    log_set_fd(2);
    rewind(log);
    text[fread(text, 1, sizeof(text) - 1, log)] = 0;
    fclose(log);
    assert_non_null(strstr(text, "outbound request"));
    assert_non_null(strstr(text, "tried again"));
    assert_non_null(strstr(text, "/hello"));
    assert_null(strstr(text, "s3cret"));
}

static void outcomes_are_counted(void **state)
{
    struct fixture *f = *state;
    struct metric *ok = metrics_counter("dowel_client_requests_total", "", "outcome=\"ok\""),
                  *denied = metrics_counter("dowel_client_requests_total", "", "outcome=\"denied\""),
                  *retries = metrics_counter("dowel_client_retries_total", "", NULL),
                  *open = metrics_gauge("dowel_client_transfers", "", NULL);
    int64_t ok_before = metric_value(ok), denied_before = metric_value(denied),
            retries_before = metric_value(retries);

    expect(f, (struct client_request){ .url = at(f, "/hello") }, CLIENT_OK);
    expect(f, (struct client_request){ .url = "http://10.0.0.1/" }, CLIENT_DENIED);
    atomic_store(&busy_left, 1);
    expect(f, (struct client_request){ .url = at(f, "/busy/503") }, CLIENT_OK);
    assert_int_equal(metric_value(ok) - ok_before, 2);
    assert_int_equal(metric_value(denied) - denied_before, 1);
    assert_int_equal(metric_value(retries) - retries_before, 1);
    assert_int_equal(metric_value(open), 0);
}

/* 64 MiB of nothing in 64 KiB. */
static int make_bomb(void **state)
{
    static char zeros[65536];
    z_stream z = { .next_in = NULL };

    (void)state;
    bomb = malloc((size_t)1024 * 1024);
    deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
    z.next_out = (Bytef *)bomb;
    z.avail_out = 1024 * 1024;
    for (int i = 0; i < 1024; i++) {
        z.next_in = (Bytef *)zeros;
        z.avail_in = sizeof(zeros);
        deflate(&z, i == 1023 ? Z_FINISH : Z_NO_FLUSH);
    }
    bomb_n = z.total_out;
    deflateEnd(&z);
    return 0;
}

static int free_bomb(void **state)
{
    (void)state;
    free(bomb);
    metrics_reset();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_comes_whole),
        TEST(what_is_asked_is_sent),
        TEST(connections_are_reused),
        TEST(a_refusal_is_an_error_with_an_answer),
        TEST(broken_peers_are_told_apart),
        TEST(a_refused_connection_certainly_did_not_reach),
        TEST(limits_of_size_hold),
        TEST(limits_of_time_hold),
        TEST(injections_are_refused_before_they_are_sent),
        TEST(transient_answers_are_retried),
        TEST(retry_after_is_honoured),
        TEST(a_post_is_never_sent_twice),
        TEST(a_get_survives_a_stale_connection),
        TEST(redirects_are_followed_only_when_asked),
        TEST(redirects_change_the_method_as_everybody_does),
        TEST(credentials_stay_with_their_origin),
        TEST(secrets_reach_no_log_line),
        TEST(outcomes_are_counted),
    };
    return cmocka_run_group_tests_name("client", tests, make_bomb, free_bomb);
}
