/* The outbound client against servers that misbehave: see support/http_peer.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netdb.h>
#include <strings.h>
#include <zlib.h>

#include "client/client.h"
#include "client/events.h"
#include "http_peer.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "util/clock.h"
#include "util/compiler.h"

enum { MS = CLOCK_MS, S = CLOCK_SECOND };

/* ---- the peer's routes ---- */

static atomic_int busy_left; /* how often /busy refuses before it relents */
static const char *busy_fields = "";
static char location[256];
static char *bomb;
static size_t bomb_n;

static bool hello(struct peer_conn *c, const struct peer_request *r)
{
    return peer_answer(c, 200, "Content-Type: text/plain\r\nX-Odd:\r\nX-Two: 1\r\nX-Two: 2\r\n",
                       strcmp(r->method, "HEAD") == 0 ? "" : "hello");
}

static bool echo(struct peer_conn *c, const struct peer_request *r)
{
    char head[128];

    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
             strlen(r->head) + r->body_n);
    return peer_text(c, head) && peer_text(c, r->head) && peer_write(c, r->body, r->body_n);
}

static bool slow_head(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\n");
    peer_linger(c);
    return false;
}

static bool drip(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (peer_text(c, "x"))
        usleep(5000);
    return false;
}

static bool silent_body(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nsome");
    peer_linger(c);
    return false;
}

static bool drop(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    return false;
}

static bool half_head(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-");
    return false;
}

static bool garbage(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "\x01\x02\x03 this is no HTTP\r\n\r\n");
    return false;
}

static bool hang_up(struct peer_conn *c, const struct peer_request *r)
{
    (void)c;
    (void)r;
    return false;
}

static bool huge_length(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
    peer_linger(c);
    return false;
}

static bool endless(struct peer_conn *c, const struct peer_request *r)
{
    static const char chunk[] = "400\r\n";
    char kib[1024 + 2];

    (void)r;
    memset(kib, 'x', 1024);
    memcpy(kib + 1024, "\r\n", 2);
    peer_text(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer_text(c, chunk) && peer_write(c, kib, sizeof(kib)))
        continue;
    return false;
}

static bool big_head(struct peer_conn *c, const struct peer_request *r)
{
    char line[1024];

    (void)r;
    memset(line, 'x', sizeof(line));
    memcpy(line, "X-Much: ", 8);
    memcpy(line + sizeof(line) - 3, "\r\n", 3);
    peer_text(c, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 90 && peer_text(c, line); i++)
        continue;
    peer_text(c, "\r\n");
    return false;
}

static bool chunked(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    return peer_text(c, "HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nX-Trailer: evil\r\n\r\n");
}

static bool gzip_bomb(struct peer_conn *c, const struct peer_request *r)
{
    char head[128];

    (void)r;
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
             bomb_n);
    return peer_text(c, head) && peer_write(c, bomb, bomb_n);
}

static bool redirect(struct peer_conn *c, const struct peer_request *r)
{
    char fields[512];

    snprintf(fields, sizeof(fields), "Location: %s\r\n", location);
    return peer_answer(c, atoi(r->path + strlen("/redirect/")), fields, "moved");
}

static bool busy(struct peer_conn *c, const struct peer_request *r)
{
    if (atomic_fetch_sub(&busy_left, 1) > 0)
        return peer_answer(c, atoi(r->path + strlen("/busy/")), busy_fields, "later");
    return peer_answer(c, 200, "", "done");
}

static bool not_found(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    return peer_answer(c, 404, "Content-Type: application/json\r\n", "{\"error\":\"no such\"}");
}

/* Answers the first request on a connection and dies of the second without a word. */
static bool once(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    return atomic_load(&c->peer->accepts) == 1 && atomic_load(&c->peer->requests) == 1
               ? peer_answer(c, 200, "", "first")
           : atomic_load(&c->peer->accepts) > 1 ? peer_answer(c, 200, "", "again")
                                                : false;
}

static bool events(struct peer_conn *c, const struct peer_request *r)
{
    static const char *const parts[] = { ": hi\n\nev", "ent: add\nda", "ta: {\"n\":1}\n",
                                         "\nid: 7\ndata: a\ndata: b\n\n", "data: [DONE]\r\n\r\ndata: cut" };
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    for (size_t i = 0; i < DW_COUNT_OF(parts); i++) {
        peer_text(c, parts[i]);
        usleep(2000);
    }
    return false;
}

static bool lines(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    return peer_answer(c, 200, "", "{\"a\":1}\r\n{\"b\":2}\nlast");
}

/* 8 MiB, each byte telling its place. */
enum { FLOOD = 8 * 1024 * 1024 };
static bool flood(struct peer_conn *c, const struct peer_request *r)
{
    static char block[65536];

    (void)r;
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = (char)(i * 7 % 251);
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n");
    for (int i = 0; i < FLOOD / (int)sizeof(block); i++) {
        if (!peer_write(c, block, sizeof(block)))
            return false;
    }
    return true;
}

static bool quiet_stream(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    peer_text(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
    peer_linger(c);
    return false;
}

static bool nap(struct peer_conn *c, const struct peer_request *r)
{
    (void)r;
    usleep(30000);
    return peer_answer(c, 200, "", "rested");
}

static const struct {
    const char *prefix;
    peer_route *route;
} routes[] = {
    { "/hello", hello },
    { "/echo", echo },
    { "/slow-head", slow_head },
    { "/drip", drip },
    { "/silent", silent_body },
    { "/drop", drop },
    { "/half-head", half_head },
    { "/garbage", garbage },
    { "/hang-up", hang_up },
    { "/huge", huge_length },
    { "/endless", endless },
    { "/big-head", big_head },
    { "/chunked", chunked },
    { "/bomb", gzip_bomb },
    { "/redirect/", redirect },
    { "/busy/", busy },
    { "/missing", not_found },
    { "/once", once },
    { "/events", events },
    { "/lines", lines },
    { "/flood", flood },
    { "/quiet", quiet_stream },
    { "/nap", nap },
};

static bool route(struct peer_conn *c, const struct peer_request *r)
{
    const char *path = r->path;

    if (strncmp(path, "http://", 7) == 0) { /* as a proxy sees it */
        path = strchr(path + 7, '/');
        if (!path)
            return false;
    }
    for (size_t i = 0; i < DW_COUNT_OF(routes); i++) {
        struct peer_request mine = *r;
        mine.path = path;
        if (strncmp(path, routes[i].prefix, strlen(routes[i].prefix)) == 0)
            return routes[i].route(c, &mine);
    }
    return peer_answer(c, 404, "", "no route");
}

/* ---- one peer and one client a test ---- */

struct fixture {
    struct peer peer;
    struct client *client;
    char url[128];
};

static const struct network loopback[] = { { { { 127 }, 4 }, 8 } };

static int set_up_with(void **state, const struct client_options *options)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct client_options o = options ? *options : (struct client_options){ .retry_base_us = 1 * MS };

    *state = f;
    o.allow = loopback;
    o.allow_n = 1;
    assert_int_equal(peer_start(&f->peer, route, NULL), 0);
    assert_int_equal(client_create(&f->client, &o), 0);
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, NULL);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    client_destroy(f->client);
    peer_stop(&f->peer);
    free(f);
    return 0;
}

static const char *at(struct fixture *f, const char *path)
{
    snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u%s", f->peer.port, path);
    return f->url;
}

static struct client_answer *fetch(struct fixture *f, struct client_request r, enum client_error want)
{
    struct client_answer *a;
    int result;

    if (!r.timeout_us)
        r.timeout_us = 5 * S;
    result = client_fetch(f->client, &a, &r);
    assert_non_null(a);
    assert_int_equal(result, -(int)a->error);
    if (a->error != want)
        fail_msg("%s: %s, not %s: %s", r.url, client_error_name(a->error), client_error_name(want),
                 a->message);
    assert_int_equal(a->error == CLIENT_OK, a->message[0] == 0);
    return a;
}

static void expect(struct fixture *f, struct client_request r, enum client_error want)
{
    client_answer_destroy(fetch(f, r, want));
}

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
    a = fetch(
        f,
        (struct client_request){ .url = at(f, "/drip"), .idle_timeout_us = 100 * MS, .timeout_us = 400 * MS },
        CLIENT_TIMEOUT);
    assert_true(a->took_us >= 400 * MS);
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
    assert_int_equal(a->retry_after_us, 60 * (int64_t)S);
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

    strcpy(location, "/hello");
    struct client_answer *a = fetch(f, (struct client_request){ .url = at(f, "/redirect/302") }, CLIENT_OK);
    assert_int_equal(a->status, 302);
    client_answer_destroy(a);
    a = fetch(f, (struct client_request){ .url = at(f, "/redirect/302"), .redirects = 3 }, CLIENT_OK);
    assert_string_equal(a->body.p, "hello");
    assert_int_equal(a->redirects, 1);
    client_answer_destroy(a);
    strcpy(location, "/redirect/302");
    a = fetch(f, (struct client_request){ .url = at(f, "/redirect/302"), .redirects = 3 }, CLIENT_STATUS);
    assert_int_equal(a->redirects, 3);
    assert_non_null(strstr(a->message, "more than 3 times"));
    client_answer_destroy(a);
    strcpy(location, "file:///etc/passwd");
    expect(f, (struct client_request){ .url = at(f, "/redirect/302"), .redirects = 3 }, CLIENT_INVALID);
    strcpy(location, "http://user:pass@127.0.0.1/");
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

    strcpy(location, "/echo");
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

/* ---- the guard ---- */

static void inner_addresses_are_denied(void **state)
{
    struct fixture *f = *state;
    static const char *const urls[] = { "http://10.0.0.1/",
                                        "http://[::1]:1/",
                                        "http://0/",
                                        "http://192.168.1.1/",
                                        "http://0x0a000001/",
                                        "http://[fd00::1]/",
                                        "http://169.254.169.254/latest/meta-data/",
                                        "http://[fe80::1]/",
                                        "http://metadata.google.internal/",
                                        "http://[64:ff9b::a00:1]/" };
    struct client *strict;

    assert_int_equal(client_create(&strict, NULL), 0);
    for (size_t i = 0; i < DW_COUNT_OF(urls); i++) {
        struct client_answer *a;
        client_fetch(strict, &a, &(struct client_request){ .url = urls[i], .timeout_us = 2 * S });
        if (a->error != CLIENT_DENIED)
            fail_msg("%s: %s", urls[i], client_error_name(a->error));
        assert_false(a->reached);
        client_answer_destroy(a);
    }
    static const char *const ours[] = { "127.0.0.1",  "localhost",          "127.1",
                                        "2130706433", "[::ffff:127.0.0.1]", "a.localhost" };
    for (size_t i = 0; i < DW_COUNT_OF(ours); i++) {
        struct client_answer *a;
        snprintf(f->url, sizeof(f->url), "http://%s:%u/hello", ours[i], f->peer.port);
        client_fetch(strict, &a, &(struct client_request){ .url = f->url, .timeout_us = 2 * S });
        assert_int_equal(a->error, CLIENT_DENIED);
        client_answer_destroy(a);
        /* ... unless this use allows it. */
        client_fetch(
            strict, &a,
            &(struct client_request){ .url = f->url, .timeout_us = 5 * S, .allow = loopback, .allow_n = 1 });
        if (a->error != CLIENT_OK)
            fail_msg("%s: %s", f->url, a->message);
        client_answer_destroy(a);
    }
    assert_int_equal(atomic_load(&f->peer.requests), DW_COUNT_OF(ours));
    client_destroy(strict);
}

static void a_redirect_does_not_lead_inside(void **state)
{
    struct fixture *f = *state;
    static const char *const to[] = { "http://169.254.169.254/latest/", "http://10.0.0.1/",
                                      "//192.168.0.1/" };

    for (size_t i = 0; i < DW_COUNT_OF(to); i++) {
        strcpy(location, to[i]);
        struct client_answer *a =
            fetch(f, (struct client_request){ .url = at(f, "/redirect/302"), .redirects = 5 }, CLIENT_DENIED);
        assert_int_equal(a->redirects, 1);
        client_answer_destroy(a);
    }
}

/* A name server that lies: what it says depends on how often it was asked. */
struct liar {
    atomic_int asked;
    struct address first[3], later[3];
    size_t first_n, later_n;
    int error;
};

static int lie(const char *host, struct address *out, size_t max, size_t *n, void *ud)
{
    struct liar *l = ud;
    bool first = atomic_fetch_add(&l->asked, 1) == 0;

    (void)host;
    (void)max;
    *n = first ? l->first_n : l->later_n;
    memcpy(out, first ? l->first : l->later, *n * sizeof(*out));
    return l->error;
}

static const struct address here = { { 127, 0, 0, 1 }, 4 }, inner = { { 10, 0, 0, 1 }, 4 },
                            metadata = { { 169, 254, 169, 254 }, 4 };

static struct client *lying_client(struct liar *l)
{
    struct client *c;

    assert_int_equal(client_create(&c, &(struct client_options){ .resolve = lie,
                                                                 .resolve_ud = l,
                                                                 .resolve_ttl_us = -1,
                                                                 .allow = loopback,
                                                                 .allow_n = 1,
                                                                 .retry_base_us = 1 * MS }),
                     0);
    return c;
}

/* Rebinding: the name is judged by its first answer and must not be asked again before connecting. */
static void a_name_is_asked_once(void **state)
{
    struct fixture *f = *state;
    struct liar l = { .first = { here }, .first_n = 1, .later = { metadata }, .later_n = 1 };
    struct client *c = lying_client(&l);
    struct client_answer *a;
    char url[64];

    snprintf(url, sizeof(url), "http://rebind.example:%u/hello", f->peer.port);
    client_fetch(c, &a, &(struct client_request){ .url = url, .timeout_us = 5 * S });
    assert_int_equal(a->error, CLIENT_OK);
    assert_int_equal(atomic_load(&l.asked), 1);
    assert_true(peer_saw(&f->peer, "Host: rebind.example"));
    client_answer_destroy(a);
    /* The connection is still there, but the name now means another address: neither may be used. */
    client_fetch(c, &a, &(struct client_request){ .url = url, .timeout_us = 5 * S });
    assert_int_equal(a->error, CLIENT_DENIED);
    assert_int_equal(atomic_load(&f->peer.requests), 1);
    client_answer_destroy(a);
    client_destroy(c);
}

/* One use may go inside, another may not: the second must not inherit the first one's open connection. */
static void connections_are_not_shared_by_name(void **state)
{
    struct fixture *f = *state;
    struct liar l = { .first = { here }, .first_n = 1, .later = { { { 127, 0, 0, 9 }, 4 } }, .later_n = 1 };
    struct client *c = lying_client(&l);
    struct client_answer *a;
    char url[64];

    snprintf(url, sizeof(url), "http://shared.example:%u/hello", f->peer.port);
    client_fetch(c, &a, &(struct client_request){ .url = url, .timeout_us = 5 * S });
    assert_int_equal(a->error, CLIENT_OK);
    client_answer_destroy(a);
    /* Nobody listens on 127.0.0.9: had the connection been reused by name, this would succeed. */
    client_fetch(c, &a, &(struct client_request){ .url = url, .timeout_us = 5 * S });
    assert_int_equal(a->error, CLIENT_UNREACHED);
    client_answer_destroy(a);
    client_destroy(c);
}

static void mixed_answers_are_denied_whole(void **state)
{
    struct fixture *f = *state;
    struct liar l = { .first = { here, inner }, .first_n = 2, .later = { inner, here }, .later_n = 2 };
    struct client *c = lying_client(&l);
    char url[64];

    snprintf(url, sizeof(url), "http://mixed.example:%u/hello", f->peer.port);
    for (int i = 0; i < 2; i++) {
        struct client_answer *a;
        client_fetch(c, &a, &(struct client_request){ .url = url, .timeout_us = 5 * S });
        assert_int_equal(a->error, CLIENT_DENIED);
        assert_non_null(strstr(a->message, "10.0.0.1, a private address"));
        client_answer_destroy(a);
    }
    assert_int_equal(atomic_load(&f->peer.accepts), 0);
    client_destroy(c);
}

static void the_next_address_is_tried(void **state)
{
    struct fixture *f = *state;
    const struct address dead = { { 127, 0, 0, 9 }, 4 };
    struct liar l = { .first = { dead, here }, .first_n = 2 };
    struct client *c = lying_client(&l);
    struct client_answer *a;
    char url[64];

    snprintf(url, sizeof(url), "http://two.example:%u/hello", f->peer.port);
    client_fetch(c, &a, &(struct client_request){ .url = url, .body = STR("x"), .timeout_us = 5 * S });
    if (a->error != CLIENT_OK)
        fail_msg("%s", a->message);
    assert_int_equal(a->attempts, 1);
    client_answer_destroy(a);
    client_destroy(c);
}

static void names_that_cannot_be_found(void **state)
{
    struct liar l = { .error = EAI_NONAME };
    struct client *c = lying_client(&l);
    struct client_answer *a;

    (void)state;
    client_fetch(c, &a, &(struct client_request){ .url = "http://nowhere.example/", .timeout_us = 5 * S });
    assert_int_equal(a->error, CLIENT_UNREACHED);
    assert_int_equal(a->attempts, 1);
    assert_non_null(strstr(a->message, "nowhere.example could not be looked up"));
    client_answer_destroy(a);
    l.error = EAI_AGAIN;
    client_fetch(c, &a, &(struct client_request){ .url = "http://nowhere.example/", .timeout_us = 5 * S });
    assert_int_equal(a->attempts, 3);
    client_answer_destroy(a);
    client_destroy(c);
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int done, ok;
    enum client_error last;
    char message[512];
};

#define WAITER_INIT                                                            \
    {                                                                          \
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER \
    }

static void note(struct client_answer *a, void *ud)
{
    struct waiter *w = ud;

    pthread_mutex_lock(&w->lock);
    w->done++;
    w->ok += a->error == CLIENT_OK;
    w->last = a->error;
    if (a->error != CLIENT_OK)
        snprintf(w->message, sizeof(w->message), "%s", a->message);
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    client_answer_destroy(a);
}

static void wait_for(struct waiter *w, int n)
{
    struct timespec limit;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 20;
    pthread_mutex_lock(&w->lock);
    while (w->done < n) {
        if (pthread_cond_timedwait(&w->changed, &w->lock, &limit) != 0)
            fail_msg("%d of %d answers came", w->done, n);
    }
    pthread_mutex_unlock(&w->lock);
}

/* A name server that says nothing until told. */
struct silence {
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool ended;
    atomic_int asked;
};

static int say_nothing(const char *host, struct address *out, size_t max, size_t *n, void *ud)
{
    struct silence *s = ud;

    (void)max;
    atomic_fetch_add(&s->asked, 1);
    pthread_mutex_lock(&s->lock);
    while (!s->ended && strncmp(host, "silent", 6) == 0)
        pthread_cond_wait(&s->over, &s->lock);
    pthread_mutex_unlock(&s->lock);
    out[0] = here;
    *n = 1;
    return 0;
}

static void silent_name_servers_hold_up_nobody_else(void **state)
{
    struct fixture *f = *state;
    struct silence s = { .lock = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER };
    struct client *c;
    struct client_answer *a;
    char url[64];

    assert_int_equal(client_create(&c, &(struct client_options){ .resolve = say_nothing,
                                                                 .resolve_ud = &s,
                                                                 .resolver_threads = 2,
                                                                 .allow = loopback,
                                                                 .allow_n = 1 }),
                     0);
    snprintf(url, sizeof(url), "http://silent.example:%u/hello", f->peer.port);
    for (int i = 0; i < 3; i++) { /* more often than there are threads: one call serves them all */
        client_fetch(c, &a, &(struct client_request){ .url = url, .timeout_us = 50 * MS });
        assert_int_equal(a->error, CLIENT_TIMEOUT);
        assert_false(a->reached);
        client_answer_destroy(a);
    }
    client_fetch(c, &a,
                 &(struct client_request){ .url = url, .timeout_us = 5 * S, .connect_timeout_us = 50 * MS });
    assert_int_equal(a->error, CLIENT_TIMEOUT);
    assert_true(a->took_us < 3 * S);
    client_answer_destroy(a);
    assert_int_equal(atomic_load(&s.asked), 1);
    snprintf(url, sizeof(url), "http://quick.example:%u/hello", f->peer.port);
    for (int i = 0; i < 3; i++) {
        client_fetch(c, &a, &(struct client_request){ .url = url, .timeout_us = 5 * S });
        assert_int_equal(a->error, CLIENT_OK);
        client_answer_destroy(a);
    }
    assert_int_equal(atomic_load(&s.asked), 2); /* the second and third were remembered */
    pthread_mutex_lock(&s.lock);
    s.ended = true;
    pthread_cond_broadcast(&s.over);
    pthread_mutex_unlock(&s.lock);
    client_destroy(c);
}

/* The end of the process must not wait for a name server. What the forgotten thread touches must outlive this test. */
static void a_silent_name_server_does_not_hold_up_the_end(void **state)
{
    static struct silence s = { .lock = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER };
    struct waiter w = WAITER_INIT;
    struct client *c;

    (void)state;
    assert_int_equal(client_create(&c, &(struct client_options){ .resolve = say_nothing, .resolve_ud = &s }),
                     0);
    assert_int_equal(client_start(c, &(struct client_request){ .url = "http://silent.example/" }, note, &w),
                     0);
    for (int i = 0; i < 5000 && atomic_load(&s.asked) == 0; i++)
        usleep(1000);
    assert_int_equal(atomic_load(&s.asked), 1);
    int64_t before = clock_monotonic_us();
    client_destroy(c);
    assert_true(clock_monotonic_us() - before < 3 * S);
    wait_for(&w, 1);
    assert_int_equal(w.last, CLIENT_CANCELLED);
    pthread_mutex_lock(&s.lock);
    s.ended = true;
    pthread_cond_broadcast(&s.over);
    pthread_mutex_unlock(&s.lock);
}

/* ---- proxies ---- */

static void a_proxy_is_asked_instead(void **state)
{
    struct fixture *f = *state;
    char proxy[64];
    struct client_answer *a;

    setenv("http_proxy", "http://127.0.0.1:1", 1); /* must be ignored */
    setenv("no_proxy", "*", 1);
    snprintf(proxy, sizeof(proxy), "http://us:pw@localhost:%u", f->peer.port);
    a = fetch(
        f,
        (struct client_request){ .url = "http://93.184.216.34/hello", .proxy = proxy, .bearer = STR("tok") },
        CLIENT_OK);
    assert_string_equal(a->body.p, "hello");
    assert_true(peer_saw(&f->peer, "GET http://93.184.216.34/hello HTTP/1.1"));
    assert_true(peer_saw(&f->peer, "Proxy-Authorization: Basic dXM6cHc="));
    client_answer_destroy(a);
    expect(f, (struct client_request){ .url = at(f, "/hello"), .proxy = "" }, CLIENT_OK);
    expect(f, (struct client_request){ .url = at(f, "/hello") }, CLIENT_OK);
    unsetenv("http_proxy");
    unsetenv("no_proxy");
    /* The client's own proxy may be inside without being on a list. */
    struct client *c;
    assert_int_equal(client_create(&c, &(struct client_options){ .proxy = proxy }), 0);
    client_fetch(c, &a, &(struct client_request){ .url = "http://93.184.216.34/hello", .timeout_us = 5 * S });
    assert_int_equal(a->error, CLIENT_OK);
    client_answer_destroy(a);
    client_fetch(c, &a, &(struct client_request){ .url = at(f, "/hello"), .timeout_us = 5 * S });
    assert_int_equal(a->error, CLIENT_DENIED);
    client_answer_destroy(a);
    client_destroy(c);
    /* The target is judged all the same, and so is the proxy. */
    expect(f, (struct client_request){ .url = "http://10.0.0.1/hello", .proxy = proxy }, CLIENT_DENIED);
    expect(f, (struct client_request){ .url = "http://metadata.google.internal/", .proxy = proxy },
           CLIENT_DENIED);
    expect(f, (struct client_request){ .url = "http://93.184.216.34/", .proxy = "http://10.0.0.1:3128" },
           CLIENT_DENIED);
    expect(f, (struct client_request){ .url = "http://93.184.216.34/", .proxy = "https://127.0.0.1:1" },
           CLIENT_INVALID);
    a = fetch(
        f,
        (struct client_request){
            .url = "https://93.184.216.34/hello", .proxy = proxy, .body = STR("x"), .bearer = STR("tok") },
        CLIENT_UNREACHED); /* this peer answers CONNECT with 404 */
    assert_true(peer_saw(&f->peer, "CONNECT 93.184.216.34:443 HTTP/1.1"));
    assert_false(peer_saw(&f->peer, "tok\r\n"));
    assert_false(a->reached);
    client_answer_destroy(a);
}

/* Inside a company only the proxy can look up the world outside; what our name servers know to be inside is refused. */
static void names_behind_a_proxy(void **state)
{
    struct fixture *f = *state;
    struct silence s = { .lock = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER };
    struct liar nothing = { .error = EAI_NONAME }, inside = { .first = { inner }, .first_n = 1 };
    struct client *c;
    struct client_answer *a;
    char proxy[64];

    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", f->peer.port);
    const struct client_request r = { .url = "http://silent.example/hello",
                                      .proxy = proxy,
                                      .allow = loopback,
                                      .allow_n = 1,
                                      .timeout_us = 5 * S,
                                      .connect_timeout_us = 100 * MS };
    c = lying_client(&nothing);
    client_fetch(c, &a, &r);
    assert_int_equal(a->error, CLIENT_OK);
    client_answer_destroy(a);
    client_destroy(c);

    c = lying_client(&inside);
    client_fetch(c, &a, &r);
    assert_int_equal(a->error, CLIENT_DENIED);
    client_answer_destroy(a);
    client_destroy(c);

    assert_int_equal(client_create(&c, &(struct client_options){ .resolve = say_nothing, .resolve_ud = &s }),
                     0);
    client_fetch(c, &a, &r);
    if (a->error != CLIENT_OK)
        fail_msg("%s", a->message);
    client_answer_destroy(a);
    pthread_mutex_lock(&s.lock); /* the late answer finds nobody */
    s.ended = true;
    pthread_cond_broadcast(&s.over);
    pthread_mutex_unlock(&s.lock);
    client_destroy(c);
}

/* ---- callbacks, tokens, limits ---- */

static void callbacks_come_once_each(void **state)
{
    struct fixture *f = *state;
    struct waiter w = WAITER_INIT;
    char body[16];

    for (int i = 0; i < 100; i++) {
        snprintf(body, sizeof(body), "body %d", i);
        assert_int_equal(
            client_start(f->client, &(struct client_request){ .url = at(f, "/echo"), .body = str_from(body) },
                         note, &w),
            0);
        memset(body, 'x', sizeof(body)); /* it was copied */
    }
    wait_for(&w, 100);
    if (w.ok != 100)
        fail_msg("%d went well; the last: %s", w.ok, w.message);
    assert_true(atomic_load(&f->peer.accepts) <= 32); /* per host */
    assert_int_equal(client_start(f->client, &(struct client_request){ .url = "nonsense" }, note, &w), 0);
    wait_for(&w, 101);
    assert_int_equal(w.last, CLIENT_INVALID);
}

static int set_up_narrow(void **state)
{
    return set_up_with(state,
                       &(struct client_options){ .transfers = 4, .transfers_per_host = 2, .queue = 6 });
}

static void limits_of_number_hold(void **state)
{
    struct fixture *f = *state;
    struct waiter w = WAITER_INIT;

    for (int i = 0; i < 10; i++)
        client_start(f->client, &(struct client_request){ .url = at(f, "/nap") }, note, &w);
    struct client_answer *a =
        fetch(f, (struct client_request){ .url = at(f, "/hello"), .attempts = 1 }, CLIENT_UNREACHED);
    assert_non_null(strstr(a->message, "open already"));
    client_answer_destroy(a);
    wait_for(&w, 10);
    assert_int_equal(w.ok, 10);
    assert_int_equal(atomic_load(&f->peer.accepts), 2);
    expect(f, (struct client_request){ .url = at(f, "/hello") }, CLIENT_OK);
}

struct canceller {
    struct client_token *token;
    struct peer *peer;
    int requests;
};

/* Cancels as soon as the peer has seen so many requests. */
static void *cancel_when_seen(void *ud)
{
    struct canceller *c = ud;

    for (int i = 0; i < 5000 && atomic_load(&c->peer->requests) < c->requests; i++)
        usleep(1000);
    client_token_cancel(c->token);
    return NULL;
}

static void a_token_cuts_what_is_under_way(void **state)
{
    struct fixture *f = *state;
    struct canceller c = { .peer = &f->peer, .requests = 1 };
    pthread_t thread;

    assert_int_equal(client_token_create(&c.token), 0);
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_seen, &c), 0);
    struct client_answer *a =
        fetch(f,
              (struct client_request){
                  .url = at(f, "/slow-head"), .token = c.token, .timeout_us = 20 * (int64_t)S },
              CLIENT_CANCELLED);
    assert_true(a->reached);
    assert_true(a->took_us < 10 * S);
    client_answer_destroy(a);
    pthread_join(thread, NULL);
    a = fetch(f, (struct client_request){ .url = at(f, "/hello"), .token = c.token }, CLIENT_CANCELLED);
    assert_false(a->reached);
    client_answer_destroy(a);
    client_token_destroy(c.token);
    expect(f, (struct client_request){ .url = at(f, "/hello") }, CLIENT_OK);
}

static void destroying_ends_everything(void **state)
{
    struct fixture *f = *state;
    struct waiter w = WAITER_INIT;
    struct client *c;
    struct client_stream *s;
    struct str piece;

    assert_int_equal(client_create(&c, &(struct client_options){ .allow = loopback, .allow_n = 1 }), 0);
    assert_int_equal(client_stream_open(c, &s, &(struct client_request){ .url = at(f, "/quiet") }), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(client_start(c, &(struct client_request){ .url = at(f, "/slow-head") }, note, &w),
                         0);
    client_destroy(c);
    wait_for(&w, 5);
    assert_int_equal(w.last, CLIENT_CANCELLED);
    int result = client_stream_read(s, &piece, 2 * S);
    if (result == 1)
        result = client_stream_read(s, &piece, 2 * S);
    assert_int_equal(result, -CLIENT_CANCELLED);
    assert_non_null(strstr(client_stream_message(s), "shutting down"));
    client_stream_close(s);
}

/* ---- streams ---- */

static void events_are_read_one_by_one(void **state)
{
    struct fixture *f = *state;
    struct client_stream *s;
    struct client_reader r;
    struct client_event e;

    assert_int_equal(client_stream_open(f->client, &s, &(struct client_request){ .url = at(f, "/events") }),
                     0);
    assert_int_equal(client_stream_answer(s)->status, 200);
    assert_string_equal(client_stream_answer(s)->content_type, "text/event-stream");
    client_reader_init(&r, s, true);
    assert_int_equal(client_reader_event(&r, &e, 5 * S), 1);
    assert_string_equal(e.name.p, "add");
    assert_string_equal(e.data.p, "{\"n\":1}");
    assert_int_equal(client_reader_event(&r, &e, 5 * S), 1);
    assert_string_equal(e.name.p, "");
    assert_string_equal(e.data.p, "a\nb");
    assert_string_equal(e.id.p, "7");
    assert_int_equal(client_reader_event(&r, &e, 5 * S), 1);
    assert_string_equal(e.data.p, "[DONE]");
    assert_int_equal(client_reader_event(&r, &e, 5 * S), 0);
    client_reader_finish(&r);
    client_stream_close(s);
}

static void lines_are_read_one_by_one(void **state)
{
    struct fixture *f = *state;
    struct client_stream *s;
    struct client_reader r;
    struct str line;
    static const char *const want[] = { "{\"a\":1}", "{\"b\":2}", "last" };

    assert_int_equal(client_stream_open(f->client, &s, &(struct client_request){ .url = at(f, "/lines") }),
                     0);
    client_reader_init(&r, s, false);
    for (size_t i = 0; i < DW_COUNT_OF(want); i++) {
        assert_int_equal(client_reader_line(&r, &line, 5 * S), 1);
        assert_true(str_equal(line, str_from(want[i])));
    }
    assert_int_equal(client_reader_line(&r, &line, 5 * S), 0);
    assert_int_equal(client_reader_line(&r, &line, 5 * S), 0);
    client_reader_finish(&r);
    client_stream_close(s);
}

/* A reader that does not read: the peer must be held back, and everything must come in order afterwards. */
static void a_slow_reader_slows_the_peer(void **state)
{
    struct fixture *f = *state;
    struct client_stream *s;
    struct str piece;
    size_t n = 0;
    int result;
    long long before, now;

    assert_int_equal(client_stream_open(f->client, &s,
                                        &(struct client_request){ .url = at(f, "/flood"),
                                                                  .buffer_bytes = 65536,
                                                                  .idle_timeout_us = 300 * MS }),
                     0);
    before = -1;
    now = atomic_load(&f->peer.written);
    for (int i = 0; i < 100 && now != before; i++) { /* until it stands still, longer than the idle timeout */
        before = now;
        usleep(400000);
        now = atomic_load(&f->peer.written);
    }
    assert_int_equal(now, before);
    assert_true(now < FLOOD); /* what is missing waits in the peer */
    while ((result = client_stream_read(s, &piece, 5 * S)) == 1) {
        assert_true(piece.n <= 65536 + 16384);
        for (size_t i = 0; i < piece.n; i += 97)
            assert_int_equal((unsigned char)piece.p[i], ((n + i) % 65536) * 7 % 251);
        n += piece.n;
    }
    assert_int_equal(result, 0);
    assert_int_equal(n, FLOOD);
    assert_true(client_stream_ended(s));
    client_stream_close(s);
}

static void reading_has_limits(void **state)
{
    struct fixture *f = *state;
    struct client_stream *s;
    struct str piece;

    assert_int_equal(
        client_stream_open(f->client, &s,
                           &(struct client_request){ .url = at(f, "/quiet"), .idle_timeout_us = 300 * MS }),
        0);
    assert_int_equal(client_stream_read(s, &piece, 5 * S), 1);
    assert_int_equal(client_stream_read(s, &piece, 20 * MS), -CLIENT_TIMEOUT);
    assert_false(client_stream_ended(s)); /* only the wait was over */
    assert_int_equal(client_stream_read(s, &piece, -1), -CLIENT_TIMEOUT);
    assert_true(client_stream_ended(s));
    assert_non_null(strstr(client_stream_message(s), "silent"));
    client_stream_close(s);

    assert_int_equal(client_stream_open(f->client, &s, &(struct client_request){ .url = at(f, "/drop") }), 0);
    int result;
    while ((result = client_stream_read(s, &piece, 5 * S)) == 1)
        assert_true(str_equal(piece, STR_OF("half")));
    assert_int_equal(result, -CLIENT_UNKNOWN);
    client_stream_close(s);

    assert_int_equal(
        client_stream_open(f->client, &s,
                           &(struct client_request){ .url = at(f, "/endless"), .max_bytes = 50000 }),
        0);
    while ((result = client_stream_read(s, &piece, 5 * S)) == 1)
        continue;
    assert_int_equal(result, -CLIENT_TOO_LARGE);
    client_stream_close(s);
}

static void a_stream_that_does_not_open(void **state)
{
    struct fixture *f = *state;
    struct client_stream *s;
    struct str piece;

    assert_int_equal(client_stream_open(f->client, &s, &(struct client_request){ .url = at(f, "/missing") }),
                     -CLIENT_STATUS);
    assert_int_equal(client_stream_answer(s)->status, 404);
    assert_string_equal(client_stream_answer(s)->body.p, "{\"error\":\"no such\"}");
    assert_int_equal(client_stream_read(s, &piece, S), -CLIENT_STATUS);
    client_stream_close(s);
    assert_int_equal(client_stream_open(f->client, &s, &(struct client_request){ .url = "http://10.0.0.1/" }),
                     -CLIENT_DENIED);
    assert_non_null(strstr(client_stream_answer(s)->message, "10.0.0.1"));
    client_stream_close(s);
    /* Until its head is there it may be tried again. */
    atomic_store(&busy_left, 1);
    assert_int_equal(client_stream_open(f->client, &s, &(struct client_request){ .url = at(f, "/busy/503") }),
                     0);
    assert_int_equal(client_stream_answer(s)->attempts, 2);
    client_stream_close(s);
}

static void a_stream_is_cut_by_its_token_and_by_closing(void **state)
{
    struct fixture *f = *state;
    struct canceller c = { .peer = &f->peer, .requests = 2 };
    struct client_stream *s, *kept;
    struct str piece;
    pthread_t thread;

    assert_int_equal(client_token_create(&c.token), 0);
    assert_int_equal(client_stream_open(f->client, &s,
                                        &(struct client_request){ .url = at(f, "/quiet"), .token = c.token }),
                     0);
    assert_int_equal(client_stream_open(f->client, &kept, &(struct client_request){ .url = at(f, "/quiet") }),
                     0);
    assert_int_equal(client_stream_read(s, &piece, 5 * S), 1);
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_seen, &c), 0);
    assert_int_equal(client_stream_read(s, &piece, -1), -CLIENT_CANCELLED);
    pthread_join(thread, NULL);
    client_stream_close(s);
    client_token_destroy(c.token);
    assert_int_equal(client_stream_read(kept, &piece, 5 * S), 1); /* the other one lives on */
    client_stream_close(kept);
}

/* ---- many threads ---- */

struct crowd {
    struct fixture *f;
    struct client_token *token;
    int failed;
};

static void *one_of_many(void *ud)
{
    struct crowd *crowd = ud;
    char url[64];

    for (int i = 0; i < 25; i++) {
        struct client_answer *a;
        snprintf(url, sizeof(url), "http://127.0.0.1:%u/%s", crowd->f->peer.port,
                 i % 5 == 4 ? "chunked" : "hello");
        client_fetch(
            crowd->f->client, &a,
            &(struct client_request){ .url = url, .token = crowd->token, .timeout_us = 20 * (int64_t)S });
        if (a->error != CLIENT_OK && a->error != CLIENT_CANCELLED)
            crowd->failed++;
        client_answer_destroy(a);
    }
    return NULL;
}

static void many_threads_at_once(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd[8];
    pthread_t threads[8];
    struct client_token *token;

    assert_int_equal(client_token_create(&token), 0);
    for (int i = 0; i < 8; i++) {
        crowd[i] = (struct crowd){ .f = f, .token = i == 7 ? token : NULL };
        assert_int_equal(pthread_create(&threads[i], NULL, one_of_many, &crowd[i]), 0);
    }
    client_token_cancel(token);
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(crowd[i].failed, 0);
    }
    client_token_destroy(token);
    assert_true(atomic_load(&f->peer.accepts) <= 8);
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

static void waiting_in_a_callback(struct client_answer *a, void *ud)
{
    struct fixture *f = ((void **)ud)[0];
    struct client_answer *inner_answer;

    client_fetch(f->client, &inner_answer, &(struct client_request){ .url = at(f, "/hello") });
    note(inner_answer, ((void **)ud)[1]);
    client_answer_destroy(a);
}

static void a_callback_that_waits_is_refused(void **state)
{
    struct waiter w = WAITER_INIT;
    void *both[] = { *state, &w };
    struct fixture *f = *state;

    client_start(f->client, &(struct client_request){ .url = at(f, "/hello") }, waiting_in_a_callback, both);
    wait_for(&w, 1);
    assert_int_equal(w.last, CLIENT_INVALID);
}

/* 64 MiB of nothing in 64 KiB. */
static int make_bomb(void **state)
{
    static char zeros[65536];
    z_stream z = { .next_in = NULL };

    (void)state;
    bomb = malloc(1024 * 1024);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

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
        TEST(inner_addresses_are_denied),
        TEST(a_redirect_does_not_lead_inside),
        TEST(a_name_is_asked_once),
        TEST(connections_are_not_shared_by_name),
        TEST(mixed_answers_are_denied_whole),
        TEST(the_next_address_is_tried),
        TEST(names_that_cannot_be_found),
        TEST(silent_name_servers_hold_up_nobody_else),
        TEST(a_silent_name_server_does_not_hold_up_the_end),
        TEST(a_proxy_is_asked_instead),
        TEST(names_behind_a_proxy),
        TEST(callbacks_come_once_each),
        cmocka_unit_test_setup_teardown(limits_of_number_hold, set_up_narrow, tear_down),
        TEST(a_token_cuts_what_is_under_way),
        TEST(destroying_ends_everything),
        TEST(events_are_read_one_by_one),
        TEST(lines_are_read_one_by_one),
        TEST(a_slow_reader_slows_the_peer),
        TEST(reading_has_limits),
        TEST(a_stream_that_does_not_open),
        TEST(a_stream_is_cut_by_its_token_and_by_closing),
        TEST(many_threads_at_once),
        TEST(secrets_reach_no_log_line),
        TEST(outcomes_are_counted),
        TEST(a_callback_that_waits_is_refused),
    };
    return cmocka_run_group_tests_name("client", tests, make_bomb, free_bomb);
}
