/* Gates of connections: so many at a time, first come first served, and nothing while the peer wants time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "connection_rig.h"
#include "metrics/metrics.h"

/* ---- places ---- */

static void so_many_go_at_a_time_in_the_order_of_coming(void **state)
{
    struct rig *r = *state;
    dw_fetching *f[6];
    dw_answer *a;

    rig_gate(r, 2);
    for (size_t i = 0; i < DW_COUNT_OF(f); i++)
        assert_int_equal(dw_fetch_start(r->c, &f[i], .connection = &r->conn,
                                        .url = held(r, (const char[]){ (char)('a' + i), 0 })),
                         0);
    wait_arrived(2);
    for (unsigned i = 0; i < DW_COUNT_OF(f); i++) {
        let_go(1);
        wait_arrived(i + 3 < DW_COUNT_OF(f) ? i + 3 : DW_COUNT_OF(f));
    }
    for (size_t i = 0; i < DW_COUNT_OF(f); i++)
        assert_int_equal(dw_fetch_wait(f[i], &a), 0);
    assert_int_equal(holder.inside_most, 2);
    assert_memory_equal(holder.order + 2, "cdef", 4); /* the first two race each other to the peer */
}

static void a_place_is_free_when_the_transfer_ends(void **state)
{
    struct rig *r = *state;
    dw_fetching *first, *second, *third;
    dw_answer *a;

    rig_gate(r, 1);
    assert_int_equal(dw_fetch_start(r->c, &first, .connection = &r->conn, .url = held(r, "a")), 0);
    assert_int_equal(dw_fetch_start(r->c, &second, .connection = &r->conn, .url = held(r, "b")), 0);
    assert_int_equal(dw_fetch_start(r->c, &third, .connection = &r->conn, .url = held(r, "c")), 0);
    let_go(3);
    /* Waited for in the wrong order: who held its place until then would wait for itself. */
    assert_int_equal(dw_fetch_wait(third, &a), 0);
    assert_string_equal(a->body.p, "/hold/c");
    assert_int_equal(dw_fetch_wait(first, &a), 0);
    assert_int_equal(dw_fetch_wait(second, &a), 0);
    assert_string_equal(holder.order, "abc");
    assert_int_equal(holder.inside_most, 1);
}

static void every_way_to_ask_takes_a_place(void **state)
{
    struct rig *r = *state;
    dw_fetching *f;
    dw_upstream *up;
    dw_answer *a;
    dw_bytes piece;

    rig_gate(r, 1);
    assert_int_equal(dw_upstream_open(r->c, &up, .connection = &r->conn, .url = "/quiet"), 0);
    assert_int_equal(dw_upstream_read(up, &piece), 1);
    assert_int_equal(dw_fetch_start(r->c, &f, .connection = &r->conn, .url = held(r, "a")), 0);
    dw_call *c = rig_begin(r, 100 * MS);
    dw_connection conn = rig_connection(r, c);
    assert_int_equal(dw_fetch(c, &a, .connection = &conn, .url = "/hello"), DW_EUNAVAILABLE);
    assert_error(c, DW_EUNAVAILABLE, "timeout", "no place became free");
    call_end(c);
    assert_int_equal(arrived(), 0);
    dw_upstream_close(up);
    let_go(1);
    assert_int_equal(dw_fetch_wait(f, &a), 0);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), 0);
}

static void a_changed_limit_counts_at_once(void **state)
{
    struct rig *r = *state;
    dw_fetching *f;

    rig_gate(r, 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(dw_fetch_start(r->c, &f, .connection = &r->conn, .url = held(r, "x")), 0);
    wait_arrived(1);
    connection_gate_drop(connection_gate_of(r->conn.id, 3));
    wait_arrived(3);
    connection_gate_drop(connection_gate_of(r->conn.id, 0));
    wait_arrived(4);
    let_go(4);
}

static void the_time_at_the_gate_is_not_the_peers(void **state)
{
    struct rig *r = *state;
    dw_fetching *first, *second;
    dw_answer *a;

    rig_gate(r, 1);
    assert_int_equal(dw_fetch_start(r->c, &first, .connection = &r->conn, .url = held(r, "a")), 0);
    wait_arrived(1);
    assert_int_equal(dw_fetch_start(r->c, &second, .connection = &r->conn, .url = "/hello",
                                    .timeout = DW_MILLISECONDS(1000)),
                     0);
    usleep(1100 * 1000); /* longer than it may take */
    let_go(1);
    assert_int_equal(dw_fetch_wait(first, &a), 0);
    assert_int_equal(dw_fetch_wait(second, &a), 0);
}

/* ---- who gives up ---- */

struct canceller_at_gate {
    dw_call *c;
    struct client_gate *gate;
};

/* Cancels as soon as it waits for its turn. */
static void *cancel_waiting(void *ud)
{
    const struct canceller_at_gate *who = ud;
    bool waits = false;

    for (int i = 0; i < 5000 && !waits; i++) {
        usleep(1000);
        pthread_mutex_lock(&who->gate->lock);
        waits = !list_empty(&who->gate->waiting);
        pthread_mutex_unlock(&who->gate->lock);
    }
    call_cancel(who->c);
    return NULL;
}

static void waiting_ends_with_the_call(void **state)
{
    struct rig *r = *state;
    dw_fetching *f;
    pthread_t thread;
    dw_answer *a;

    struct connection_gate *gate = rig_gate(r, 1);
    assert_int_equal(dw_fetch_start(r->c, &f, .connection = &r->conn, .url = held(r, "a")), 0);
    wait_arrived(1);
    dw_call *c = rig_begin(r, 0);
    dw_connection conn = rig_connection(r, c);
    struct canceller_at_gate canceller = { c, connection_gate_for(gate, "desk") };
    int64_t began = clock_monotonic_us();
    assert_int_equal(pthread_create(&thread, NULL, cancel_waiting, &canceller), 0);
    assert_int_equal(dw_fetch(c, &a, .connection = &conn, .url = held(r, "b")), DW_ECANCELLED);
    pthread_join(thread, NULL);
    assert_true(clock_monotonic_us() - began < 3 * S);
    assert_error(c, DW_ECANCELLED, "cancelled", "waiting for its turn");
    call_end(c);
    c = rig_begin(r, 100 * MS);
    conn = rig_connection(r, c);
    assert_int_equal(dw_fetch(c, &a, .connection = &conn, .url = held(r, "c")), DW_EUNAVAILABLE);
    call_end(c);
    let_go(1);
    assert_int_equal(dw_fetch_wait(f, &a), 0);
    /* None of those that left took a place along. */
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), 0);
    assert_int_equal(arrived(), 1);
}

/* ---- the peer wants time ---- */

static void nothing_is_sent_before_the_peer_wants_it(void **state)
{
    struct rig *r = *state;
    dw_answer *a;

    rig_gate(r, 4);
    busy_fields = "Retry-After: 4\r\n";
    atomic_store(&busy_left, 1);
    int64_t began = clock_monotonic_us();
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .method = "POST", .url = "/busy/429"),
                     DW_ERATE);
    assert_error(r->c, DW_ERATE, "429", "the peer answered 429");
    assert_int_equal(dw_error_of(r->c)->retry_after.us, 4 * S);
    assert_string_equal(a->body.p, "later");
    dw_call *c = rig_begin(r, 2 * S); /* has not so much time */
    dw_connection conn = rig_connection(r, c);
    int64_t asked = clock_monotonic_us();
    assert_int_equal(dw_fetch(c, &a, .connection = &conn, .url = "/hello"), DW_ERATE);
    assert_true(clock_monotonic_us() - asked < 1500 * MS); /* nor waits in vain */
    assert_error(c, DW_ERATE, "held", "asked for time");
    assert_in_range(dw_error_of(c)->retry_after.us, 1, 4 * S);
    call_end(c);
    assert_int_equal(atomic_load(&r->peer.requests), 1);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), 0); /* waits */
    assert_true(clock_monotonic_us() - began > 3900 * MS);
    assert_int_equal(atomic_load(&r->peer.requests), 2);
}

static void what_may_be_repeated_is_after_the_pause(void **state)
{
    struct rig *r = *state;
    dw_answer *a;

    rig_gate(r, 4);
    busy_fields = "Retry-After: 90\r\n"; /* more than one request may take: but not at the gate */
    atomic_store(&busy_left, 1);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/busy/429"), 0);
    assert_string_equal(a->body.p, "done");
    assert_in_range(atomic_load(&r->paused_us), 80 * S, 90 * S);
    atomic_store(&busy_left, 1);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/busy/503"), 0);
    atomic_store(&busy_left, 1);
    assert_int_equal(
        dw_fetch(r->c, &a, .connection = &r->conn, .method = "POST", .idempotent = true, .url = "/busy/429"),
        0);
    busy_fields = "Retry-After: 86400\r\n"; /* longer than anybody waits */
    atomic_store(&busy_left, 1);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/busy/429"), DW_ERATE);
    assert_int_equal(dw_error_of(r->c)->retry_after.us, 86400 * S);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), DW_ERATE);
    assert_null(a);
    assert_int_equal(atomic_load(&busy_left), 0);
}

static void post(struct rig *r, int status, int code, int64_t pause_s)
{
    char url[32];
    dw_answer *a;

    snprintf(url, sizeof(url), "/busy/%d", status);
    atomic_store(&busy_left, 1);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .method = "POST", .url = url), code);
    assert_int_equal(dw_error_of(r->c)->retry_after.us, pause_s * S);
}

static void who_does_not_say_how_long_gets_a_growing_pause(void **state)
{
    struct rig *r = *state;
    dw_answer *a;

    rig_gate(r, 4);
    for (int64_t pause = 1; pause <= 32; pause *= 2)
        post(r, 429, DW_ERATE, pause);
    assert_in_range(atomic_load(&r->paused_us), 15 * S, 16 * S); /* before the last one */
    post(r, 429, DW_ERATE, 60);
    post(r, 429, DW_ERATE, 60);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), 0);
    post(r, 429, DW_ERATE, 1);
    /* A 503 without the field is a fault like another: nobody is held up. */
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), 0);
    atomic_store(&r->paused_us, 0);
    post(r, 503, DW_EUPSTREAM, 0);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), 0);
    assert_int_equal(atomic_load(&r->paused_us), 0);
}

static void several_refusals_at_once_are_one(void **state)
{
    struct rig *r = *state;
    dw_fetching *f[4];
    dw_answer *a;

    rig_gate(r, 4);
    answer_with(429, "");
    for (size_t i = 0; i < DW_COUNT_OF(f); i++)
        assert_int_equal(
            dw_fetch_start(r->c, &f[i], .connection = &r->conn, .method = "POST", .url = held(r, "x")), 0);
    wait_arrived(4);
    let_go(4);
    for (size_t i = 0; i < DW_COUNT_OF(f); i++) {
        assert_int_equal(dw_fetch_wait(f[i], &a), DW_ERATE);
        assert_in_range(dw_error_of(r->c)->retry_after.us, 1, 1 * S);
    }
}

static void who_waits_is_told_that_it_is_in_vain(void **state)
{
    struct rig *r = *state;
    dw_fetching *f;
    dw_answer *a;

    rig_gate(r, 1);
    answer_with(429, "Retry-After: 3600\r\n");
    assert_int_equal(dw_fetch_start(r->c, &f, .connection = &r->conn, .method = "POST", .url = held(r, "a")),
                     0);
    wait_arrived(1);
    dw_call *c = rig_begin(r, 20 * S);
    dw_connection conn = rig_connection(r, c);
    dw_fetching *waiting;
    assert_int_equal(dw_fetch_start(c, &waiting, .connection = &conn, .url = held(r, "b")), 0);
    int64_t began = clock_monotonic_us();
    let_go(2);
    assert_int_equal(dw_fetch_wait(waiting, &a), DW_ERATE);
    assert_true(clock_monotonic_us() - began < 5 * S);
    assert_true(dw_error_of(c)->retry_after.us > 3500 * S);
    call_end(c);
    assert_int_equal(dw_fetch_wait(f, &a), DW_ERATE);
    assert_int_equal(arrived(), 1);
}

static void another_connection_is_not_held_up(void **state)
{
    struct rig *r = *state;
    dw_connection other = r->conn;
    dw_answer *a;

    rig_gate(r, 1);
    busy_fields = "Retry-After: 3600\r\n";
    atomic_store(&busy_left, 1);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/busy/429"), DW_ERATE);
    other.id = "0190b0a0-0000-7000-8000-000000000002";
    other.route.gate = connection_gate_of(other.id, 1);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &other, .url = "/hello"), 0);
    connection_gate_drop(other.route.gate);
    other.route.gate = NULL; /* while it is tested */
    assert_int_equal(dw_fetch(r->c, &a, .connection = &other, .url = "/hello"), 0);
}

/* ---- the table ---- */

static struct connection_gate *gate_of_number(unsigned i)
{
    char id[40];

    snprintf(id, sizeof(id), "many-%u", i);
    return connection_gate_of(id, 1);
}

static bool is_held_up(struct rig *r)
{
    dw_call *c = rig_begin(r, 5 * S);
    dw_connection conn = rig_connection(r, c);
    dw_answer *a;
    int rc;

    conn.route.gate = connection_gate_of(conn.id, 1);
    rc = dw_fetch(c, &a, .connection = &conn, .url = "/hello");
    connection_gate_drop(conn.route.gate);
    call_end(c);
    assert_true(rc == 0 || rc == DW_ERATE);
    return rc == DW_ERATE;
}

static void what_nobody_holds_is_forgotten_after_a_thousand_others(void **state)
{
    struct rig *r = *state;
    dw_answer *a;

    busy_fields = "Retry-After: 3600\r\n";
    atomic_store(&busy_left, 1);
    struct connection_gate *g = rig_gate(r, 1);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/busy/429"), DW_ERATE);
    assert_ptr_equal(connection_gate_of(r->conn.id, 1), g);
    connection_gate_drop(g);
    for (unsigned i = 0; i < 2000; i++)
        connection_gate_drop(gate_of_number(i));
    assert_true(is_held_up(r)); /* somebody holds it */
    connection_gate_drop(g);
    r->conn.route.gate = NULL;
    for (unsigned i = 0; i < 1000; i++)
        connection_gate_drop(gate_of_number(i));
    assert_true(is_held_up(r)); /* it was the last that was used, and is now again */
    /* The client lets go of a request after its caller has the answer: once it answers another, it has. */
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), 0);
    for (unsigned i = 0; i < 1100; i++)
        connection_gate_drop(gate_of_number(10000 + i));
    assert_false(is_held_up(r));
}

static void a_renewed_connection_begins_anew(void **state)
{
    struct rig *r = *state;
    struct connection_health h;
    dw_answer *a;

    rig_gate(r, 1);
    busy_fields = "Retry-After: 3600\r\n";
    atomic_store(&busy_left, 1);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/busy/429"), DW_ERATE);
    assert_int_equal(connection_gate_health(r->conn.id, &h), 0);
    assert_in_range(h.closed_us, 3590 * S, 3600 * S);
    assert_true(is_held_up(r));
    connection_gate_renew(r->conn.id);
    connection_gate_renew("never seen");
    assert_int_equal(connection_gate_health(r->conn.id, &h), 0);
    assert_int_equal(h.closed_us, 0);
    assert_false(is_held_up(r));
}

/* ---- how it goes ---- */

static int64_t counted(const char *outcome)
{
    char labels[80];

    snprintf(labels, sizeof(labels), "kind=\"desk\",outcome=\"%s\"", outcome);
    return metric_value(metrics_counter("dowel_connection_requests_total", "", labels));
}

static void how_it_goes_is_known(void **state)
{
    struct rig *r = *state;
    int64_t ok = counted("ok"), failed = counted("failed"), kept = counted("held");
    struct connection_health h;
    dw_answer *a;

    assert_int_equal(connection_gate_health(r->conn.id, &h), -1);
    rig_gate(r, 1);
    assert_int_equal(connection_gate_health(r->conn.id, &h), -1);
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/hello"), 0);
    assert_int_equal(connection_gate_health(r->conn.id, &h), 0);
    assert_int_equal(h.requests, 1);
    assert_int_equal(h.failures, 0);
    assert_int_equal(h.failing_since_us, 0);
    assert_int_equal(h.status, 200);
    assert_in_range(h.at_us, clock_wall_us() - 5 * S, clock_wall_us());

    post(r, 500, DW_EUPSTREAM, 0);
    assert_int_equal(connection_gate_health(r->conn.id, &h), 0);
    int64_t since = h.failing_since_us;
    assert_int_equal(since, h.at_us);
    post(r, 401, DW_EAUTH, 0);
    r->conn.route.address = "http://127.0.0.1:1";
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .method = "POST", .url = "/"),
                     DW_EUNAVAILABLE);
    assert_int_equal(connection_gate_health(r->conn.id, &h), 0);
    assert_int_equal(h.failing_since_us, since);
    assert_int_equal(h.failures, 3);
    assert_int_equal(h.error, CLIENT_UNREACHED);
    assert_int_equal(h.status, 0);
    assert_int_equal(h.requests, 4);

    /* What is no request at all says nothing; a thing that is not there is a good answer. */
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .method = "a b", .url = "/"), DW_EINVALID);
    assert_int_equal(connection_gate_health(r->conn.id, &h), 0);
    assert_int_equal(h.requests, 4);
    r->conn.route.address = r->address;
    assert_int_equal(dw_fetch(r->c, &a, .connection = &r->conn, .url = "/missing"), DW_ENOTFOUND);
    assert_int_equal(connection_gate_health(r->conn.id, &h), 0);
    assert_int_equal(h.failures, 0);
    assert_int_equal(h.failing_since_us, 0);
    post(r, 429, DW_ERATE, 1);
    assert_int_equal(connection_gate_health(r->conn.id, &h), 0);
    assert_int_equal(h.failures, 0);
    assert_int_equal(counted("ok") - ok, 2);
    assert_int_equal(counted("failed") - failed, 3);
    assert_int_equal(counted("held") - kept, 1);
}

/* ---- all at once ---- */

/* A peer that is right, busy, slow for ever or away, as chance will have it. On the client's thread. */
static bool play_anything(const struct client_asked *asked, struct client_played *out, void *ud)
{
    static const struct str pause[] = { STR("Retry-After: 7") };
    unsigned *random = ud;

    (void)asked;
    *random = *random * 1103515245u + 12345u;
    switch (*random >> 16 & 7) {
    case 0: *out = (struct client_played){ .status = 429, .fields = pause, .fields_n = 1 }; break;
    case 1: *out = (struct client_played){ .status = 429 }; break;
    case 2: *out = (struct client_played){ .status = 200, .silent = true }; break;
    case 3: *out = (struct client_played){ .error = CLIENT_UNREACHED, .message = "away" }; break;
    case 4: *out = (struct client_played){ .status = 500 }; break;
    default: *out = (struct client_played){ .status = 200 };
    }
    return true;
}

struct crowd {
    struct rig *r;
    struct connection_gate *gates[2];
    unsigned seed;
};

static unsigned draw(struct crowd *c, unsigned n)
{
    c->seed = c->seed * 1103515245u + 12345u;
    return (c->seed >> 16) % n;
}

/* Starts some, waits for some of them, and leaves one way or another. */
static void *come_and_go(void *ud)
{
    struct crowd *crowd = ud;

    for (int round = 0; round < 150; round++) {
        dw_call *c = rig_begin(crowd->r, draw(crowd, 4) ? 0 : 5 * MS);
        dw_connection conn = rig_connection(crowd->r, c);
        dw_fetching *f[6] = { 0 };
        unsigned n = 1 + draw(crowd, DW_COUNT_OF(f));
        conn.route.gate = crowd->gates[draw(crowd, 2)];
        for (unsigned i = 0; i < n; i++)
            (void)dw_fetch_start(c, &f[i], .connection = &conn, .method = draw(crowd, 2) ? "GET" : "POST",
                                 .url = "/", .timeout = DW_MILLISECONDS(5));
        if (draw(crowd, 8) == 0)
            call_cancel(c);
        for (unsigned i = 0; i < n; i++) {
            if (f[i] && draw(crowd, 3))
                (void)dw_fetch_wait(f[i], NULL);
        }
        call_end(c);
    }
    return NULL;
}

static bool is_free(struct connection_gate *gate)
{
    struct client_gate *g = connection_gate_for(gate, "desk");

    pthread_mutex_lock(&g->lock);
    bool is = g->open == 0 && list_empty(&g->waiting);
    pthread_mutex_unlock(&g->lock);
    return is;
}

static void no_place_is_ever_lost(void **state)
{
    enum { THREADS = 6 };
    struct rig *r = *state;
    unsigned random = 1;
    struct client_options o = { .play = play_anything,
                                .play_ud = &random,
                                .retry_base_us = 100,
                                .pass = rig_pass,
                                .clock_us = rig_clock_us,
                                .clock_ud = r };
    struct crowd crowds[THREADS];
    pthread_t threads[THREADS];
    struct connection_gate *gates[2] = { connection_gate_of("one", 1), connection_gate_of("two", 3) };

    client_destroy(r->client);
    assert_int_equal(client_create(&r->client, &o), 0);
    r->process.client = r->client;
    for (unsigned i = 0; i < THREADS; i++) {
        crowds[i] = (struct crowd){ .r = r, .gates = { gates[0], gates[1] }, .seed = i };
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &crowds[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 5000 && !(is_free(gates[0]) && is_free(gates[1])); i++)
        usleep(1000); /* what was cut last is still being cut */
    for (int i = 0; i < 2; i++) {
        assert_true(is_free(gates[i]));
        connection_gate_drop(gates[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(so_many_go_at_a_time_in_the_order_of_coming),
        RIG_TEST(a_place_is_free_when_the_transfer_ends),
        RIG_TEST(every_way_to_ask_takes_a_place),
        RIG_TEST(a_changed_limit_counts_at_once),
        RIG_TEST(the_time_at_the_gate_is_not_the_peers),
        RIG_TEST(waiting_ends_with_the_call),
        RIG_TEST(nothing_is_sent_before_the_peer_wants_it),
        RIG_TEST_PASSING(what_may_be_repeated_is_after_the_pause),
        RIG_TEST_PASSING(who_does_not_say_how_long_gets_a_growing_pause),
        RIG_TEST(several_refusals_at_once_are_one),
        RIG_TEST(who_waits_is_told_that_it_is_in_vain),
        RIG_TEST(another_connection_is_not_held_up),
        RIG_TEST(what_nobody_holds_is_forgotten_after_a_thousand_others),
        RIG_TEST(a_renewed_connection_begins_anew),
        RIG_TEST(how_it_goes_is_known),
        RIG_TEST(no_place_is_ever_lost),
    };

    return cmocka_run_group_tests_name("gates of connections", tests, NULL, NULL);
}
