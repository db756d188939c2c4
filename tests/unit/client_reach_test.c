/* The outbound client and addresses: what it reaches, what it refuses, and what name servers and proxies do to that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netdb.h>

#include "client_rig.h"

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
        redirect_to(to[i]);
        struct client_answer *a =
            fetch(f, (struct client_request){ .url = at(f, "/redirect/302"), .redirects = 5 }, CLIENT_DENIED);
        assert_int_equal(a->redirects, 1);
        client_answer_destroy(a);
    }
}

static const char *const never[] = { "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/",
                                     "http://metadata.google.internal/", "http://100.100.100.200/",
                                     "http://[::ffff:169.254.169.254]/" };

/* One connection whose admin was allowed inner addresses, whatever the name means today. */
static void one_request_may_go_inside_by_name(void **state)
{
    struct fixture *f = *state;
    static const char *const ours[] = { "127.0.0.1", "localhost", "a.localhost" };
    struct client *strict;
    struct client_answer *a;

    assert_int_equal(client_create(&strict, NULL), 0);
    for (size_t i = 0; i < DW_COUNT_OF(ours); i++) {
        snprintf(f->url, sizeof(f->url), "http://%s:%u/hello", ours[i], f->peer.port);
        client_fetch(strict, &a,
                     &(struct client_request){ .url = f->url, .timeout_us = 5 * S, .allow_any_inner = true });
        if (a->error != CLIENT_OK)
            fail_msg("%s: %s", f->url, a->message);
        client_answer_destroy(a);
        /* ... and the next one must not, though a connection is open. */
        client_fetch(strict, &a, &(struct client_request){ .url = f->url, .timeout_us = 5 * S });
        assert_int_equal(a->error, CLIENT_DENIED);
        client_answer_destroy(a);
    }
    for (size_t i = 0; i < DW_COUNT_OF(never); i++) {
        client_fetch(
            strict, &a,
            &(struct client_request){ .url = never[i], .timeout_us = 2 * S, .allow_any_inner = true });
        if (a->error != CLIENT_DENIED)
            fail_msg("%s: %s", never[i], client_error_name(a->error));
        client_answer_destroy(a);
    }
    client_destroy(strict);
}

static void what_one_request_may_a_redirect_elsewhere_does_not(void **state)
{
    struct fixture *f = *state;
    struct client *strict;
    struct client_answer *a;
    char to[64];

    assert_int_equal(client_create(&strict, NULL), 0);
    redirect_to("/hello");
    client_fetch(
        strict, &a,
        &(struct client_request){
            .url = at(f, "/redirect/302"), .timeout_us = 5 * S, .redirects = 1, .allow_any_inner = true });
    assert_int_equal(a->error, CLIENT_OK); /* the same origin */
    client_answer_destroy(a);
    snprintf(to, sizeof(to), "http://localhost:%u/hello", f->peer.port);
    redirect_to(to);
    int before = atomic_load(&f->peer.requests);
    client_fetch(
        strict, &a,
        &(struct client_request){
            .url = at(f, "/redirect/302"), .timeout_us = 5 * S, .redirects = 1, .allow_any_inner = true });
    assert_int_equal(a->error, CLIENT_DENIED);
    assert_int_equal(atomic_load(&f->peer.requests), before + 1);
    client_answer_destroy(a);
    client_destroy(strict);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(inner_addresses_are_denied),
        TEST(a_redirect_does_not_lead_inside),
        TEST(one_request_may_go_inside_by_name),
        TEST(what_one_request_may_a_redirect_elsewhere_does_not),
        TEST(a_name_is_asked_once),
        TEST(connections_are_not_shared_by_name),
        TEST(mixed_answers_are_denied_whole),
        TEST(the_next_address_is_tried),
        TEST(names_that_cannot_be_found),
        TEST(silent_name_servers_hold_up_nobody_else),
        TEST(a_silent_name_server_does_not_hold_up_the_end),
        TEST(a_proxy_is_asked_instead),
        TEST(names_behind_a_proxy),
    };
    return cmocka_run_group_tests_name("client reach", tests, NULL, NULL);
}
