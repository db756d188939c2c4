/* Several requests of one call under way, and what goes over connections: where to, and with what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certificates.h"
#include "connection_rig.h"

static int start(struct rig *r, dw_call *c, dw_fetching **f, const char *path)
{
    return dw_fetch_start(c, f, .url = dw_format(c, "%s%s", r->address, path));
}

/* Requests without a connection may go where the client's list says: here, by a client of its own. */
static int set_up_open(void **state)
{
    struct client_options o = { .allow = loopback, .allow_n = 1, .retry_base_us = 1 * MS };

    if (rig_set_up(state) != 0)
        return -1;
    struct rig *r = *state;
    client_destroy(r->client);
    assert_int_equal(client_create(&r->client, &o), 0);
    r->process.client = r->client;
    return 0;
}

/* ---- several under way ---- */

static void several_are_under_way_at_once(void **state)
{
    struct rig *r = *state;
    dw_fetching *f[8];
    dw_answer *a;

    for (size_t i = 0; i < DW_COUNT_OF(f); i++)
        assert_int_equal(start(r, r->c, &f[i], held(r, (const char[]){ (char)('a' + i), 0 })), 0);
    wait_arrived(DW_COUNT_OF(f)); /* none has been answered */
    let_go(DW_COUNT_OF(f));
    for (size_t i = DW_COUNT_OF(f); i-- > 0;) { /* in any order, each has its own answer */
        char expected[] = { '/', 'h', 'o', 'l', 'd', '/', (char)('a' + i), 0 };
        assert_int_equal(dw_fetch_wait(f[i], &a), 0);
        assert_string_equal(a->body.p, expected);
        assert_int_equal(a->status, 200);
    }
    assert_int_equal(r->c->fetchings, 0);
}

static void what_is_waited_for_is_what_a_fetch_returns(void **state)
{
    struct rig *r = *state;
    dw_fetching *f;
    dw_answer *a;

    assert_int_equal(start(r, r->c, &f, "/missing"), 0);
    assert_int_equal(dw_fetch_wait(f, &a), DW_ENOTFOUND);
    assert_error(r->c, DW_ENOTFOUND, "404", "/missing");
    assert_true(r->c->error_from_peer);
    assert_string_equal(a->content_type, "application/json");
    assert_int_equal(start(r, r->c, &f, "/drop"), 0);
    assert_int_equal(dw_fetch_wait(f, &a), DW_EUNKNOWN);
    assert_null(a);
    assert_int_equal(dw_fetch_start(r->c, &f, .url = "http://10.0.0.1/"), 0);
    assert_int_equal(dw_fetch_wait(f, &a), DW_EDENIED);
    assert_int_equal(dw_fetch_start(r->c, &f, .url = "gopher://x/"), 0);
    assert_int_equal(dw_fetch_wait(f, &a), DW_EINVALID);
    assert_int_equal(start(r, r->c, &f, "/hello"), 0);
    assert_int_equal(dw_fetch_wait(f, NULL), 0);
}

static void a_body_may_go_when_it_has_been_started(void **state)
{
    struct rig *r = *state;
    char body[] = "one";
    dw_fetching *f;
    dw_answer *a;

    rig_gate(r, 1);
    assert_int_equal(dw_fetch_start(r->c, &f, .connection = &r->conn, .url = held(r, "a")), 0);
    dw_fetching *second;
    assert_int_equal(dw_fetch_start(r->c, &second, .connection = &r->conn, .url = "/echo",
                                    .body = { body, 3 }, .content_type = "text/plain"),
                     0);
    memset(body, 'x', 3); /* it is still waiting for its turn */
    let_go(1);
    assert_int_equal(dw_fetch_wait(second, &a), 0);
    assert_non_null(strstr(a->body.p, "\r\none"));
}

static void mistakes_are_named(void **state)
{
    struct rig *r = *state;
    dw_fetching *f, *many[64];
    dw_answer *a;

    log_set_level(LOG_ERROR + 1);
    assert_int_equal(start(r, r->c, &f, "/hello"), 0);
    assert_int_equal(dw_fetch_wait(f, &a), 0);
    assert_int_equal(dw_fetch_wait(f, &a), DW_EMISUSE);
    assert_error(r->c, DW_EMISUSE, "", "waited for already");
    assert_null(a);
    assert_int_equal(dw_fetch_wait(NULL, &a), DW_ETHREAD);
    assert_int_equal(host_client_api.start(r->c, NULL, NULL), DW_EMISUSE);
    assert_int_equal(dw_fetch_start(r->c, &f, .method = "GET"), DW_EMISUSE);
    assert_null(f);
    assert_int_equal(dw_fetch_start(NULL, &f, .url = "http://a/"), DW_ETHREAD);
    for (size_t i = 0; i < DW_COUNT_OF(many); i++)
        assert_int_equal(start(r, r->c, &many[i], "/hello"), 0);
    assert_int_equal(start(r, r->c, &f, "/hello"), DW_EMISUSE);
    assert_error(r->c, DW_EMISUSE, "", "64 are started already");
    assert_int_equal(dw_fetch_wait(many[7], &a), 0);
    assert_int_equal(start(r, r->c, &many[7], "/hello"), 0); /* one was waited for */
    for (size_t i = 0; i < DW_COUNT_OF(many); i++)
        assert_int_equal(dw_fetch_wait(many[i], &a), 0);
    log_set_level(LOG_INFO);
}

/* ---- what nobody waits for ---- */

static void what_nobody_waits_for_ends_with_its_scope(void **state)
{
    struct rig *r = *state;
    dw_fetching *f;

    rig_gate(r, 1);
    for (unsigned round = 1; round <= 10; round++) {
        dw_scope_begin(r->c);
        for (int i = 0; i < 8; i++)
            assert_int_equal(dw_fetch_start(r->c, &f, .connection = &r->conn, .url = held(r, "x")), 0);
        wait_arrived(round);
        dw_scope_end(r->c);
        assert_int_equal(r->c->fetchings, 0); /* so that more may be started */
    }
    /* The peer has not answered one yet; nor did any keep its place. */
    assert_int_equal(dw_fetch(r->c, NULL, .connection = &r->conn, .url = "/hello"), 0);
    assert_int_equal(arrived(), 10);
}

static void what_nobody_waits_for_ends_with_its_call(void **state)
{
    struct rig *r = *state;
    dw_fetching *f;

    rig_gate(r, 2);
    for (unsigned round = 1; round <= 5; round++) {
        dw_call *c = rig_begin(r, 0);
        dw_connection conn = rig_connection(r, c);
        for (int i = 0; i < 20; i++)
            assert_int_equal(dw_fetch_start(c, &f, .connection = &conn, .url = held(r, "x")), 0);
        wait_arrived(2 * round);
        call_end(c);
    }
    assert_int_equal(dw_fetch(r->c, NULL, .connection = &r->conn, .url = "/hello"), 0);
    assert_int_equal(arrived(), 10);
}

static void cancelling_ends_them_all(void **state)
{
    struct rig *r = *state;
    dw_fetching *f[5];
    dw_answer *a;

    rig_gate(r, 2);
    dw_call *c = rig_begin(r, 0);
    dw_connection conn = rig_connection(r, c);
    for (size_t i = 0; i < DW_COUNT_OF(f); i++)
        assert_int_equal(dw_fetch_start(c, &f[i], .connection = &conn, .url = held(r, "x")), 0);
    wait_arrived(2);
    int64_t began = clock_monotonic_us();
    call_cancel(c);
    for (size_t i = 0; i < DW_COUNT_OF(f); i++)
        assert_int_equal(dw_fetch_wait(f[i], &a), DW_ECANCELLED);
    assert_true(clock_monotonic_us() - began < 3 * S);
    assert_int_equal(dw_fetch_start(c, &f[0], .connection = &conn, .url = "/hello"), DW_ECANCELLED);
    call_end(c);
    assert_int_equal(arrived(), 2);
}

static void answers_count_as_memory_when_they_are_taken(void **state)
{
    struct rig *r = *state;
    dw_fetching *f;
    dw_answer *a;

    r->process.call_memory_max = 1024 * 1024;
    dw_call *c = rig_begin(r, 0);
    assert_int_equal(start(r, c, &f, "/flood"), 0); /* 8 MiB */
    assert_int_equal(dw_fetch_wait(f, &a), 0);
    assert_int_equal(start(r, c, &f, "/hello"), DW_ENOMEM);
    call_end(c);
}

static void the_end_of_the_client_ends_them(void **state)
{
    struct rig *r = *state;
    dw_fetching *f[3];
    dw_answer *a;

    rig_gate(r, 1);
    for (size_t i = 0; i < DW_COUNT_OF(f); i++)
        assert_int_equal(dw_fetch_start(r->c, &f[i], .connection = &r->conn, .url = held(r, "x")), 0);
    wait_arrived(1);
    client_destroy(r->client);
    for (size_t i = 0; i < DW_COUNT_OF(f); i++)
        assert_int_equal(dw_fetch_wait(f[i], &a), DW_ECANCELLED);
    r->process.client = r->client = NULL;
    assert_int_equal(dw_fetch_start(r->c, &f[0], .connection = &r->conn, .url = "/hello"), DW_EUNAVAILABLE);
}

/* ---- over a connection ---- */

static void a_path_goes_to_the_connections_address(void **state)
{
    struct rig *r = *state;
    char whole[128];
    dw_answer *a;

    snprintf(r->address, sizeof(r->address), "http://localhost:%u/echo", r->peer.port);
    assert_int_equal(
        dw_fetch(r->c, &a, .connection = &r->conn, .url = "/api/v1/users?x=1", .query = DW_LIST("page", 2)),
        0);
    assert_non_null(strstr(a->body.p, "GET /echo/api/v1/users?x=1&page=2 HTTP/1.1\r\n"));
    snprintf(whole, sizeof(whole), "http://LOCALHOST:%u/echo/next?page=3#end", r->peer.port);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = whole), 0);
    assert_non_null(strstr(a->body.p, "GET /echo/next?page=3 HTTP/1.1\r\n"));
}

static void credentials_go_nowhere_else(void **state)
{
    static const char *const urls[] = { "https://evil.example/", "//evil.example/", "/../admin", "evil",
                                        "/%2e%2e/x" };
    struct rig *r = *state;
    const dw_secret key = { "s3cret" };
    dw_fetching *f;
    dw_upstream *up;
    dw_answer *a;

    for (size_t i = 0; i < DW_COUNT_OF(urls); i++) {
        assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = urls[i], .bearer = key),
                         DW_EDENIED);
        assert_error(r->c, DW_EDENIED, "denied", "cannot be asked over the connection \"Desk\"");
        assert_true(r->c->error_from_peer);
        assert_int_equal(dw_fetch_start(r->c, &f, .connection = &r->conn, .url = urls[i]), DW_EDENIED);
        assert_int_equal(dw_upstream_open(r->c, &up, .connection = &r->conn, .url = urls[i]), DW_EDENIED);
    }
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "https://evil.example/?key=s3cret"),
                     DW_EDENIED);
    assert_null(strstr(dw_error_of(r->c)->text, "s3cret"));
    assert_int_equal(atomic_load(&r->peer.requests), 0);
}

static void a_redirect_is_not_followed(void **state)
{
    struct rig *r = *state;
    dw_answer *a;

    redirect_to("http://localhost/elsewhere");
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/redirect/302"), 0);
    assert_int_equal(a->status, 302);
    assert_int_equal(atomic_load(&r->peer.requests), 1);
}

/* The rig's client allows no inner address: what works, works by the connection. */
static void what_the_admin_was_allowed_counts_by_connection(void **state)
{
    struct rig *r = *state;
    dw_answer *a;

    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), 0);
    assert_int_equal(dw_fetch(r->c, &a, .url = dw_format(r->c, "%s/hello", r->address)), DW_EDENIED);
    r->conn.route.allow_private = false;
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), DW_EDENIED);
    assert_error(r->c, DW_EDENIED, "denied", "127.0.0.1");
    r->conn.route.allow_private = true;
    r->conn.route.address = "http://169.254.169.254";
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/latest/meta-data"), DW_EDENIED);
}

static void a_proxy_of_the_connections_own(void **state)
{
    struct rig *r = *state;
    char proxy[64];
    dw_answer *a;

    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", r->peer.port);
    r->conn.route.proxy = proxy;
    r->conn.route.address = "http://93.184.216.34";
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), 0);
    assert_true(peer_saw(&r->peer, "GET http://93.184.216.34/hello HTTP/1.1"));
    r->conn.route.allow_private = false; /* then its proxy is judged too */
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), DW_EDENIED);
}

static bool say_who(struct peer_conn *c, const struct peer_request *r)
{
    char name[64];

    (void)r;
    client_name(c->ssl, name);
    return peer_answer(c, 200, "", name);
}

static void certificates_of_the_connection_are_used(void **state)
{
    struct rig *r = *state;
    SSL_CTX *tls = server_context(SSL_VERIFY_PEER);
    struct peer peer;
    dw_fetching *f;
    dw_answer *a;

    assert_int_equal(peer_start(&peer, say_who, tls), 0);
    snprintf(r->address, sizeof(r->address), "https://127.0.0.1:%u", peer.port);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/"), DW_EUNAVAILABLE);
    assert_error(r->c, DW_EUNAVAILABLE, "tls", "what the connection trusts");
    r->conn.route.ca_pem = text_of("ca.pem");
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/"), 0);
    assert_string_equal(a->body.p, "nobody");
    r->conn.route.cert_pem = text_of("client.pem");
    r->conn.route.key_pem = text_of("client.key");
    assert_int_equal(dw_fetch_start(r->c, &f, .connection = &r->conn, .url = "/"), 0);
    assert_int_equal(dw_fetch_wait(f, &a), 0);
    assert_string_equal(a->body.p, "client");
    r->conn.route.key_pem = text_of("other.key");
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/"), DW_EUNAVAILABLE);
    peer_stop(&peer);
    SSL_CTX_free(tls);
}

static void what_no_connection_can_mean_is_misuse(void **state)
{
    struct rig *r = *state;
    dw_answer *a;

    log_set_level(LOG_ERROR + 1);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello", .ca_file = "/x"),
                     DW_EMISUSE);
    r->conn.route.address = NULL;
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), DW_EMISUSE);
    assert_error(r->c, DW_EMISUSE, "", "desk has no address");
    r->conn.route.address = r->address;
    dw_call *other = rig_begin(r, 0);
    assert_int_equal(dw_fetch(other, &a, .connection = &r->conn, .url = "/hello"), DW_EMISUSE);
    call_end(other);
    log_set_level(LOG_INFO);
}

#define OPEN_TEST(f) cmocka_unit_test_setup_teardown(f, set_up_open, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN_TEST(several_are_under_way_at_once),
        OPEN_TEST(what_is_waited_for_is_what_a_fetch_returns),
        RIG_TEST(a_body_may_go_when_it_has_been_started),
        OPEN_TEST(mistakes_are_named),
        RIG_TEST(what_nobody_waits_for_ends_with_its_scope),
        RIG_TEST(what_nobody_waits_for_ends_with_its_call),
        RIG_TEST(cancelling_ends_them_all),
        OPEN_TEST(answers_count_as_memory_when_they_are_taken),
        RIG_TEST(the_end_of_the_client_ends_them),
        RIG_TEST(a_path_goes_to_the_connections_address),
        RIG_TEST(credentials_go_nowhere_else),
        RIG_TEST(a_redirect_is_not_followed),
        RIG_TEST(what_the_admin_was_allowed_counts_by_connection),
        RIG_TEST(a_proxy_of_the_connections_own),
        RIG_TEST(certificates_of_the_connection_are_used),
        RIG_TEST(what_no_connection_can_mean_is_misuse),
    };

    return cmocka_run_group_tests_name("several requests, and connections", tests, make_certificates,
                                       remove_certificates);
}
