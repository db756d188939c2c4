/* Handlers in two halves: a real client asks a real server, whose handler asks a real peer and gives its worker back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>

#include "client_rig.h"
#include "http/server.h"
#include "log/log.h"
#include "plugin/connection.h"
#include "plugin/host.h"
#include "plugin/request.h"

static const dw_host host = {
    .struct_size = sizeof(dw_host), .call = &host_call_api, .http = &host_http_api, .client = &host_client_api
};
const dw_host *dw_host_ = &host;

/* ---- the plugin ---- */

struct self {
    uint16_t peer;
    _Atomic int firsts, seconds; /* halves that ran */
    _Atomic uintptr_t call;      /* of the last first half */
    const char *_Atomic kept;    /* in its memory */
};

static const char *peer_url(dw_call *c, const char *path)
{
    const struct self *self = dw_self(c);

    return dw_format(c, "http://127.0.0.1:%u%s", self->peer, path);
}

static void count_first(dw_call *c)
{
    struct self *self = dw_self(c);

    atomic_fetch_add(&self->firsts, 1);
}

static int pass_on(dw_call *c, dw_request *req, dw_answer *a)
{
    struct self *self = dw_self(c);

    atomic_fetch_add(&self->seconds, 1);
    return dw_reply_bytes(req, 200, "text/plain", (dw_bytes){ a->body.p, a->body.n });
}

static int same_call(dw_call *c, dw_request *req, dw_answer *a)
{
    struct self *self = dw_self(c);

    if (atomic_load(&self->call) != (uintptr_t)c ||
        strcmp(atomic_load(&self->kept), "from the first half") != 0)
        return dw_fail(c, DW_EINTERNAL, "the second half has another call, or another memory");
    return pass_on(c, req, a);
}

static int get_hello(dw_call *c, dw_request *req)
{
    struct self *self = dw_self(c);

    count_first(c);
    atomic_store(&self->call, (uintptr_t)c);
    atomic_store(&self->kept, dw_format(c, "from the %s half", "first"));
    return dw_fetch_then(c, req, same_call, .url = peer_url(c, "/hello"));
}

static int get_scoped(dw_call *c, dw_request *req)
{
    dw_scope_begin(c);
    int rc = dw_fetch_then(c, req, pass_on, .url = peer_url(c, "/nap"));
    dw_scope_end(c);
    return rc;
}

static int get_echo(dw_call *c, dw_request *req)
{
    return dw_fetch_then(c, req, pass_on, .url = peer_url(c, "/echo"));
}

static int get_nap(dw_call *c, dw_request *req)
{
    return dw_fetch_then(c, req, pass_on, .url = peer_url(c, "/nap"));
}

static int get_slow(dw_call *c, dw_request *req)
{
    count_first(c);
    return dw_fetch_then(c, req, pass_on, .url = peer_url(c, "/slow-head"), .timeout = DW_SECONDS(20));
}

static int get_quick(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply_bytes(req, 200, "text/plain", (dw_bytes){ "quick", 5 });
}

static int get_missing(dw_call *c, dw_request *req)
{
    return dw_fetch_then(c, req, pass_on, .url = peer_url(c, "/missing"));
}

static int get_refused(dw_call *c, dw_request *req)
{
    return dw_fetch_then(c, req, pass_on, .method = "POST", .url = peer_url(c, "/busy/401"));
}

static int get_nowhere(dw_call *c, dw_request *req)
{
    return dw_fetch_then(c, req, pass_on, .method = "POST", .url = "http://127.0.0.1:1/");
}

static int ask_again(dw_call *c, dw_request *req, dw_answer *a)
{
    (void)a;
    return dw_fetch_then(c, req, same_call, .url = peer_url(c, "/hello"));
}

static int get_twice(dw_call *c, dw_request *req)
{
    struct self *self = dw_self(c);

    atomic_store(&self->call, (uintptr_t)c);
    atomic_store(&self->kept, dw_format(c, "from the %s half", "first"));
    return dw_fetch_then(c, req, ask_again, .url = peer_url(c, "/nap"));
}

static int reply_and_ask(dw_call *c, dw_request *req)
{
    DW_TRY(dw_reply_bytes(req, 200, "text/plain", (dw_bytes){ "early", 5 }));
    return dw_fetch_then(c, req, pass_on, .url = peer_url(c, "/hello"));
}

static int ask_without_then(dw_call *c, dw_request *req)
{
    return dw_fetch_then(c, req, NULL, .url = peer_url(c, "/hello"));
}

static void drop_gate(void *ud)
{
    connection_gate_drop(ud);
}

/* Over a connection by which one request goes at a time. */
static int get_turn(dw_call *c, dw_request *req)
{
    dw_connection *conn = dw_alloc(c, sizeof(*conn));

    *conn = (dw_connection){
        .c = c, .id = "0190b0a0-0000-7000-8000-00000000000c", .name = "Desk", .kind = "desk"
    };
    conn->route.address = peer_url(c, "");
    conn->route.allow_private = true;
    conn->route.gate = connection_gate_of(conn->id, 1);
    call_at_end(c, CALL_UNDO_MEMORY, drop_gate, conn->route.gate);
    count_first(c);
    return dw_fetch_then(c, req, pass_on, .connection = conn, .url = "/nap");
}

static int get_elsewhere(dw_call *c, dw_request *req)
{
    dw_connection *conn = dw_alloc(c, sizeof(*conn));

    *conn = (dw_connection){ .c = c, .id = "", .name = "Desk", .kind = "desk" };
    conn->route.address = peer_url(c, "");
    return dw_fetch_then(c, req, pass_on, .connection = conn, .url = "https://evil.example/");
}

static const struct {
    const char *path;
    dw_handler handler;
} handlers[] = {
    { "/hello", get_hello },         { "/scoped", get_scoped },
    { "/echo", get_echo },           { "/nap", get_nap },
    { "/slow", get_slow },           { "/quick", get_quick },
    { "/missing", get_missing },     { "/refused", get_refused },
    { "/nowhere", get_nowhere },     { "/turn", get_turn },
    { "/elsewhere", get_elsewhere }, { "/twice", get_twice },
    { "/early", reply_and_ask },     { "/without", ask_without_then },
};

/* ---- its server ---- */

struct world {
    struct fixture *f;
    struct plugin_process process;
    dw_instance instance;
    struct self self;
    struct plugin_route routes[DW_COUNT_OF(handlers)];
    struct router *router;
    struct http_server *server;
    int fd;
    uint16_t port;
};

static int open_socket(uint16_t *port)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t n = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&sa, n), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    *port = ntohs(sa.sin_port);
    return fd;
}

static void add_routes(struct world *w)
{
    char why[ROUTER_WHY_SIZE];

    for (size_t i = 0; i < DW_COUNT_OF(handlers); i++) {
        w->routes[i] = (struct plugin_route){ .instance = &w->instance,
                                              .handler = handlers[i].handler,
                                              .what = "route" };
        const struct http_route r = { .method = HTTP_GET,
                                      .path = handlers[i].path,
                                      .handler = request_handle,
                                      .ud = &w->routes[i],
                                      .where = HTTP_ON_WORKER };
        if (router_add(w->router, &r, why) != 0)
            fail_msg("%s: %s", r.path, why);
    }
}

static int begin_world(void **state)
{
    /* One worker: who waits for a peer must not hold it. */
    const struct http_options options = { .loops = 2, .workers = 1 };
    struct world *w = calloc(1, sizeof(*w));
    void *f = NULL;

    *state = w;
    if (!w || set_up(&f) != 0)
        return -1;
    w->f = f;
    w->process.client = w->f->client;
    w->self.peer = w->f->peer.port;
    w->instance.magic = INSTANCE_MAGIC;
    w->instance.name = "tester";
    w->instance.process = &w->process;
    w->instance.self = &w->self;
    assert_int_equal(router_create(&w->router), 0);
    add_routes(w);
    w->fd = open_socket(&w->port);
    assert_int_equal(http_server_create(&w->server, &options, w->router), 0);
    assert_int_equal(http_server_listen(w->server, w->fd, HTTP_LISTEN_TCP, 0, true, NULL), 0);
    return http_server_start(w->server);
}

static int end_world(void **state)
{
    struct world *w = *state;
    void *f = w->f;

    http_server_destroy(w->server);
    router_destroy(w->router);
    close(w->fd);
    tear_down(&f);
    call_forget(&w->instance);
    free(w);
    return 0;
}

static struct client_answer *ask(struct world *w, const char *path)
{
    struct client_answer *a;
    char url[128];

    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", w->port, path);
    client_fetch(
        w->f->client, &a,
        &(struct client_request){ .url = url,
                                  .timeout_us = 10 * S,
                                  .any_status = true,
                                  .attempts = 1,
                                  .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" });
    assert_non_null(a);
    if (a->error != CLIENT_OK)
        fail_msg("%s: %s", path, a->message);
    return a;
}

static void expect_answer(struct world *w, const char *path, int status, const char *text)
{
    struct client_answer *a = ask(w, path);

    if (a->status != status || !strstr(a->body.p, text))
        fail_msg("%s: %d %s", path, a->status, a->body.p);
    if (status >= 400)
        assert_null(strstr(a->body.p, "127.0.0.1")); /* whom we ask is nothing for strangers */
    client_answer_destroy(a);
}

/* ---- tests ---- */

static void the_second_half_has_the_call_and_the_memory_of_the_first(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 20; i++)
        expect_answer(w, "/hello", 200, "hello");
    assert_int_equal(atomic_load(&w->self.firsts), 20);
    assert_int_equal(atomic_load(&w->self.seconds), 20);
    assert_int_equal(atomic_load(&w->instance.calls), 0);
    expect_answer(w, "/scoped", 200, "rested");
    expect_answer(w, "/twice", 200, "hello");
}

static void what_is_asked_belongs_to_the_trace_of_the_request(void **state)
{
    struct world *w = *state;

    expect_answer(w, "/echo", 200, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-");
}

static void an_error_of_the_peer_answers_the_request(void **state)
{
    struct world *w = *state;

    expect_answer(w, "/missing", 404, "problem");
    atomic_store(&busy_left, 1);
    expect_answer(w, "/refused", 502, "problem"); /* it refused our credentials, not the client's */
    expect_answer(w, "/nowhere", 503, "problem");
    assert_int_equal(atomic_load(&w->self.seconds), 0);
}

static void mistakes_are_the_plugins(void **state)
{
    struct world *w = *state;

    log_set_level(LOG_ERROR + 1);
    expect_answer(w, "/early", 500, "problem");
    expect_answer(w, "/without", 500, "problem");
    log_set_level(LOG_INFO);
    assert_int_equal(atomic_load(&w->self.seconds), 0);
}

struct crowd {
    struct world *w;
    const char *path;
    int each;
};

static void *ask_often(void *ud)
{
    const struct crowd *crowd = ud;

    for (int i = 0; i < crowd->each; i++)
        expect_answer(crowd->w, crowd->path, 200, "");
    return NULL;
}

static void who_waits_for_a_peer_holds_no_worker(void **state)
{
    enum { THREADS = 8 };
    struct world *w = *state;
    struct crowd crowd = { .w = w, .path = "/nap", .each = 10 }; /* 30 ms each */
    pthread_t threads[THREADS];

    atomic_store(&napping_most, 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &crowd), 0);
    for (int i = 0; i < 20; i++)
        expect_answer(w, "/quick", 200, "quick");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&w->self.seconds), THREADS * 10);
    assert_true(atomic_load(&napping_most) > 1); /* which one worker that waits would never come to */
}

static void who_waits_for_its_turn_holds_no_worker(void **state)
{
    enum { THREADS = 6 };
    struct world *w = *state;
    struct crowd crowd = { .w = w, .path = "/turn", .each = 3 };
    pthread_t threads[THREADS];

    int64_t began = clock_monotonic_us();
    atomic_store(&nobody_wakes, true);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &crowd), 0);
    for (int i = 0; i < 5000 && atomic_load(&w->self.firsts) < THREADS; i++)
        usleep(1000);
    assert_int_equal(atomic_load(&w->self.firsts), THREADS); /* one is on its way, five wait for their turn */
    for (int i = 0; i < 20; i++)
        expect_answer(w, "/quick", 200, "quick");
    assert_int_equal(atomic_load(&w->self.seconds), 0);
    atomic_store(&nobody_wakes, false);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&w->self.seconds), THREADS * 3);
    assert_true(clock_monotonic_us() - began >= 18 * 30 * MS); /* one after the other */
}

static void a_connections_credentials_go_nowhere_else(void **state)
{
    struct world *w = *state;

    expect_answer(w, "/elsewhere", 403, "problem");
    assert_int_equal(atomic_load(&w->self.seconds), 0);
}

/* Sends a request and leaves as soon as its first half has run. */
static void leave_early(struct world *w, const char *path)
{
    struct sockaddr_in sa = { .sin_family = AF_INET,
                              .sin_addr = { htonl(INADDR_LOOPBACK) },
                              .sin_port = htons(w->port) };
    const struct linger reset = { .l_onoff = 1 };
    int before = atomic_load(&w->self.firsts), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char text[128];

    assert_int_equal(connect(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    for (int i = 0; i < 5000 && atomic_load(&w->self.firsts) == before; i++)
        usleep(1000);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
}

static void a_client_that_left_cuts_the_transfer(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 10; i++)
        leave_early(w, "/slow");
    int64_t began = clock_monotonic_us();
    for (int i = 0; i < 5000 && atomic_load(&w->instance.calls) > 0; i++)
        usleep(1000);
    assert_int_equal(atomic_load(&w->instance.calls), 0);
    assert_true(clock_monotonic_us() - began <
                6 * S); /* the last one would have been answered after 8, or 20 */
    assert_int_equal(atomic_load(&w->self.seconds), 0);
    expect_answer(w, "/quick", 200, "quick");
}

static void a_server_that_ends_cuts_the_transfer(void **state)
{
    struct world *w = *state;

    leave_early(w, "/slow");
    int64_t began = clock_monotonic_us();
    http_server_destroy(w->server);
    w->server = NULL;
    assert_true(clock_monotonic_us() - began < 5 * S);
    assert_int_equal(atomic_load(&w->instance.calls), 0);
    assert_int_equal(atomic_load(&w->self.seconds), 0);
}

#undef TEST
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin_world, end_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_second_half_has_the_call_and_the_memory_of_the_first),
        TEST(what_is_asked_belongs_to_the_trace_of_the_request),
        TEST(an_error_of_the_peer_answers_the_request),
        TEST(mistakes_are_the_plugins),
        TEST(who_waits_for_a_peer_holds_no_worker),
        TEST(who_waits_for_its_turn_holds_no_worker),
        TEST(a_connections_credentials_go_nowhere_else),
        TEST(a_client_that_left_cuts_the_transfer),
        TEST(a_server_that_ends_cuts_the_transfer),
    };
    return cmocka_run_group_tests_name("handlers in two halves", tests, NULL, NULL);
}
