/* The outbound client and certificates: a CA of our own, made by openssl in a temporary folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certificates.h"
#include "client/client.h"
#include "http_peer.h"
#include "util/clock.h"
#include "util/compiler.h"

static const int64_t S = CLOCK_SECOND;

static const struct network loopback[] = { { { { 127 }, 4 }, 8 } };

static char location[128];

/* Says who the client is. */
static bool route(struct peer_conn *c, const struct peer_request *r)
{
    char fields[256] = "", name[64];

    client_name(c->ssl, name);
    if (strcmp(r->path, "/away") == 0) {
        snprintf(fields, sizeof(fields), "Location: %s\r\n", location);
        return peer_answer(c, 307, fields, "");
    }
    return peer_answer(c, 200, "", name);
}

struct fixture {
    struct peer peer;
    SSL_CTX *tls;
    struct client *client;
    char url[128], ca[128], cert[128], key[128];
};

static int here(const char *host, struct address *out, size_t max, size_t *n, void *ud)
{
    (void)host;
    (void)max;
    (void)ud;
    out[0] = (struct address){ { 127, 0, 0, 1 }, 4 };
    *n = 1;
    return 0;
}

static int set_up_with(void **state, int verify)
{
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    f->tls = server_context(verify);
    file(f->ca, "ca.pem");
    file(f->cert, "client.pem");
    file(f->key, "client.key");
    assert_int_equal(peer_start(&f->peer, route, f->tls), 0);
    assert_int_equal(client_create(&f->client, &(struct client_options){ .resolve = here,
                                                                         .allow = loopback,
                                                                         .allow_n = 1,
                                                                         .retry_base_us = 1000 }),
                     0);
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, SSL_VERIFY_PEER);
}

static int set_up_mutual(void **state)
{
    return set_up_with(state, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    client_destroy(f->client);
    peer_stop(&f->peer);
    SSL_CTX_free(f->tls);
    free(f);
    return 0;
}

static const char *at(struct fixture *f, const char *host, const char *path)
{
    snprintf(f->url, sizeof(f->url), "https://%s:%u%s", host, f->peer.port, path);
    return f->url;
}

static struct client_answer *fetch(struct fixture *f, struct client_request r, enum client_error want)
{
    struct client_answer *a;

    r.timeout_us = 5 * S;
    client_fetch(f->client, &a, &r);
    if (a->error != want)
        fail_msg("%s: %s, not %s: %s", r.url, client_error_name(a->error), client_error_name(want),
                 a->message);
    return a;
}

static void expect(struct fixture *f, struct client_request r, enum client_error want)
{
    client_answer_destroy(fetch(f, r, want));
}

static void a_certificate_is_checked_against_the_given_ca(void **state)
{
    struct fixture *f = *state;
    char stranger[128], missing[128];
    struct client_answer *a = fetch(f, (struct client_request){ .url = at(f, "127.0.0.1", "/") }, CLIENT_TLS);

    assert_false(a->reached);
    assert_int_equal(a->attempts, 1);
    assert_non_null(strstr(a->message, "ca_file"));
    client_answer_destroy(a);
    a = fetch(f, (struct client_request){ .url = at(f, "127.0.0.1", "/"), .ca_file = f->ca }, CLIENT_OK);
    assert_string_equal(a->body.p, "nobody");
    client_answer_destroy(a);
    /* The open connection was made with another CA: it must not serve whoever does not trust that one. */
    expect(f, (struct client_request){ .url = at(f, "127.0.0.1", "/") }, CLIENT_TLS);
    expect(
        f,
        (struct client_request){ .url = at(f, "127.0.0.1", "/"), .ca_file = file(stranger, "stranger.pem") },
        CLIENT_TLS);
    expect(f,
           (struct client_request){ .url = at(f, "127.0.0.1", "/"), .ca_file = file(missing, "missing.pem") },
           CLIENT_TLS);
}

/* The connection goes to an address, the certificate is still the name's. */
static void a_certificate_is_checked_against_the_name(void **state)
{
    struct fixture *f = *state;

    expect(f, (struct client_request){ .url = at(f, "tls.example", "/"), .ca_file = f->ca }, CLIENT_OK);
    expect(f, (struct client_request){ .url = at(f, "wrong.example", "/"), .ca_file = f->ca }, CLIENT_TLS);
}

static void a_client_certificate_is_shown(void **state)
{
    struct fixture *f = *state;
    struct client_request with = {
        .url = at(f, "tls.example", "/"), .ca_file = f->ca, .cert_file = f->cert, .key_file = f->key
    };
    struct client_request without = { .url = f->url, .ca_file = f->ca };
    char stranger[128], stranger_key[128];

    struct client_answer *a = fetch(f, with, CLIENT_OK);
    assert_string_equal(a->body.p, "client");
    client_answer_destroy(a);
    expect(f, without, CLIENT_TLS); /* nor does it borrow the connection that knows one */
    with.cert_file = file(stranger, "stranger.pem");
    with.key_file = file(stranger_key, "stranger.key");
    expect(f, with, CLIENT_TLS);
    with.key_file = f->key; /* not its key */
    expect(f, with, CLIENT_TLS);
    with.cert_file = "/nonexistent.pem";
    expect(f, with, CLIENT_TLS);
}

static void a_client_certificate_stays_with_its_origin(void **state)
{
    struct fixture *f = *state;
    struct peer other;

    assert_int_equal(peer_start(&other, route, f->tls), 0);
    snprintf(location, sizeof(location), "https://tls.example:%u/who", other.port);
    struct client_answer *a = fetch(f,
                                    (struct client_request){ .url = at(f, "tls.example", "/away"),
                                                             .ca_file = f->ca,
                                                             .cert_file = f->cert,
                                                             .key_file = f->key,
                                                             .redirects = 1 },
                                    CLIENT_OK);
    assert_string_equal(a->body.p, "nobody");
    client_answer_destroy(a);
    snprintf(location, sizeof(location), "/who");
    a = fetch(f,
              (struct client_request){ .url = at(f, "tls.example", "/away"),
                                       .ca_file = f->ca,
                                       .cert_file = f->cert,
                                       .key_file = f->key,
                                       .redirects = 1 },
              CLIENT_OK);
    assert_string_equal(a->body.p, "client");
    client_answer_destroy(a);
    peer_stop(&other);
}

/* ---- certificates as texts ---- */

static void expect_name(struct fixture *f, struct client_request r, const char *name)
{
    struct client_answer *a = fetch(f, r, CLIENT_OK);

    assert_string_equal(a->body.p, name);
    client_answer_destroy(a);
}

static void certificates_come_as_texts_too(void **state)
{
    struct fixture *f = *state;
    const struct str ca = text_of("ca.pem"), cert = text_of("client.pem"), key = text_of("client.key");
    char both[8192];
    struct client_request r = {
        .url = at(f, "tls.example", "/"), .ca_pem = ca, .cert_pem = cert, .key_pem = key
    };

    expect_name(f, r, "client");
    snprintf(both, sizeof(both), "%s%s", cert.p, key.p);
    r.cert_pem = str_from(both);
    r.key_pem = str_make(NULL, 0);
    expect_name(f, r, "client");
    r.ca_file = "/nonexistent.pem"; /* the text comes first */
    r.cert_file = r.ca_file;
    expect_name(f, r, "client");
    r.ca_pem = STR_OF("no certificate");
    struct client_answer *a = fetch(f, r, CLIENT_TLS);
    assert_false(a->reached);
    client_answer_destroy(a);
    r.ca_pem = ca;
    r.cert_pem = STR_OF("no certificate");
    expect(f, r, CLIENT_TLS);
}

static void a_ca_as_text_is_all_that_is_trusted(void **state)
{
    struct fixture *f = *state;
    const struct str ca = text_of("ca.pem"), stranger = text_of("stranger.pem");
    const char *url = at(f, "tls.example", "/");

    expect_name(f, (struct client_request){ .url = url, .ca_pem = ca }, "nobody");
    expect_name(f, (struct client_request){ .url = url, .ca_pem = ca }, "nobody");
    assert_int_equal(atomic_load(&f->peer.accepts), 1); /* who trusts the same shares */
    expect(f, (struct client_request){ .url = url }, CLIENT_TLS);
    expect(f, (struct client_request){ .url = url, .ca_pem = stranger }, CLIENT_TLS);
    /* As a file, though it is the same, it has a connection of its own. */
    expect_name(f, (struct client_request){ .url = url, .ca_file = f->ca }, "nobody");
    assert_int_equal(atomic_load(&f->peer.accepts), 4);
}

/* Each of these would be answered on the connection that is open already, if it were taken. */
static void nobody_takes_the_connection_of_another_certificate(void **state)
{
    struct fixture *f = *state;
    const struct str ca = text_of("ca.pem"), cert = text_of("client.pem"), key = text_of("client.key");
    const struct str other = text_of("other.pem"), other_key = text_of("other.key");
    struct client_request r = {
        .url = at(f, "tls.example", "/"), .ca_pem = ca, .cert_pem = cert, .key_pem = key
    };

    expect_name(f, r, "client");
    expect_name(f, r, "client");
    assert_int_equal(atomic_load(&f->peer.accepts), 1);
    r.key_pem = other_key; /* the certificate is public: without its key it opens nothing */
    expect(f, r, CLIENT_TLS);
    r.key_pem = STR_OF("no key");
    expect(f, r, CLIENT_TLS);
    r.cert_pem = other;
    r.key_pem = other_key;
    expect_name(f, r, "other");
    r.cert_pem = r.key_pem = str_make(NULL, 0);
    expect(f, r, CLIENT_TLS);
    r.cert_pem = cert;
    r.key_pem = key;
    expect_name(f, r, "client"); /* its own is still there */
}

static void a_certificate_as_text_stays_with_its_origin(void **state)
{
    struct fixture *f = *state;
    struct peer other;

    assert_int_equal(peer_start(&other, route, f->tls), 0);
    snprintf(location, sizeof(location), "https://tls.example:%u/who", other.port);
    expect_name(f,
                (struct client_request){ .url = at(f, "tls.example", "/away"),
                                         .ca_pem = text_of("ca.pem"),
                                         .cert_pem = text_of("client.pem"),
                                         .key_pem = text_of("client.key"),
                                         .redirects = 1 },
                "nobody");
    peer_stop(&other);
}

static void https_does_not_redirect_to_http(void **state)
{
    struct fixture *f = *state;

    snprintf(location, sizeof(location), "%s", "http://tls.example/");
    struct client_answer *a = fetch(
        f, (struct client_request){ .url = at(f, "tls.example", "/away"), .ca_file = f->ca, .redirects = 1 },
        CLIENT_DENIED);
    assert_non_null(strstr(a->message, "from https to http"));
    client_answer_destroy(a);
}

static void tls_connections_are_reused(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 10; i++)
        expect(f, (struct client_request){ .url = at(f, "tls.example", "/"), .ca_file = f->ca }, CLIENT_OK);
    assert_int_equal(atomic_load(&f->peer.accepts), 1);
}

static void plain_and_tls_do_not_mix(void **state)
{
    struct fixture *f = *state;

    snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/", f->peer.port);
    expect(f, (struct client_request){ .url = f->url, .body = STR("x") }, CLIENT_UNKNOWN);
}

/* Says what it is in plain text, whatever it is told, as a server does to whom TLS is no request. */
static void *say_plainly(void *ud)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    int *listener = ud, socket = accept(*listener, NULL, NULL);

    if (socket >= 0) {
        (void)!write(socket, text, sizeof(text) - 1);
        shutdown(socket, SHUT_WR);
        char rest[1024];
        while (read(socket, rest, sizeof(rest)) > 0)
            continue;
        close(socket);
    }
    return NULL;
}

static void https_to_a_plain_server_is_told(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t size = sizeof(to);
    pthread_t thread;

    assert_int_equal(bind(listener, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&to, &size), 0);
    assert_int_equal(pthread_create(&thread, NULL, say_plainly, &listener), 0);
    snprintf(f->url, sizeof(f->url), "https://127.0.0.1:%u/", ntohs(to.sin_port));
    struct client_answer *a = fetch(f, (struct client_request){ .url = f->url }, CLIENT_TLS);
    assert_non_null(strstr(a->message, "no TLS is spoken there; is it http:// instead of https://"));
    client_answer_destroy(a);
    assert_int_equal(pthread_join(thread, NULL), 0);
    close(listener);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_certificate_is_checked_against_the_given_ca),
        TEST(a_certificate_is_checked_against_the_name),
        cmocka_unit_test_setup_teardown(a_client_certificate_is_shown, set_up_mutual, tear_down),
        TEST(a_client_certificate_stays_with_its_origin),
        cmocka_unit_test_setup_teardown(certificates_come_as_texts_too, set_up_mutual, tear_down),
        TEST(a_ca_as_text_is_all_that_is_trusted),
        cmocka_unit_test_setup_teardown(nobody_takes_the_connection_of_another_certificate, set_up_mutual,
                                        tear_down),
        TEST(a_certificate_as_text_stays_with_its_origin),
        TEST(https_does_not_redirect_to_http),
        TEST(tls_connections_are_reused),
        TEST(plain_and_tls_do_not_mix),
        TEST(https_to_a_plain_server_is_told),
    };
    return cmocka_run_group_tests_name("client tls", tests, make_certificates, remove_certificates);
}
