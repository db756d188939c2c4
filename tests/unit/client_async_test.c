/* The outbound client and threads: callbacks, tokens, limits of number, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client_rig.h"

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

    atomic_store(&nobody_wakes, true);
    for (int i = 0; i < 10; i++)
        client_start(f->client, &(struct client_request){ .url = at(f, "/nap") }, note, &w);
    struct client_answer *a =
        fetch(f, (struct client_request){ .url = at(f, "/hello"), .attempts = 1 }, CLIENT_UNREACHED);
    assert_non_null(strstr(a->message, "open already"));
    client_answer_destroy(a);
    atomic_store(&nobody_wakes, false);
    wait_for(&w, 10);
    assert_int_equal(w.ok, 10);
    assert_int_equal(atomic_load(&f->peer.accepts), 2);
    expect(f, (struct client_request){ .url = at(f, "/hello") }, CLIENT_OK);
}

static void a_token_cuts_what_is_under_way(void **state)
{
    struct fixture *f = *state;
    struct canceller c = { .peer = &f->peer, .requests = 1 };
    pthread_t thread;

    assert_int_equal(client_token_create(&c.token), 0);
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_seen, &c), 0);
    struct client_answer *a = fetch(
        f, (struct client_request){ .url = at(f, "/slow-head"), .token = c.token, .timeout_us = 20 * S },
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
        client_fetch(crowd->f->client, &a,
                     &(struct client_request){ .url = url, .token = crowd->token, .timeout_us = 20 * S });
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(callbacks_come_once_each),
        cmocka_unit_test_setup_teardown(limits_of_number_hold, set_up_narrow, tear_down),
        TEST(a_token_cuts_what_is_under_way),
        TEST(destroying_ends_everything),
        TEST(many_threads_at_once),
        TEST(a_callback_that_waits_is_refused),
    };
    return cmocka_run_group_tests_name("client async", tests, NULL, NULL);
}
