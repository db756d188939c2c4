/* The outbound client and streams: pieces, lines, events, back-pressure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/events.h"
#include "client_rig.h"

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
                                                                  .idle_timeout_us = 700 * MS }),
                     0);
    before = -1;
    now = atomic_load(&f->peer.written);
    for (int i = 0; i < 100 && now != before; i++) { /* until it stands still, longer than the idle timeout */
        before = now;
        usleep(800000);
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
                           &(struct client_request){ .url = at(f, "/quiet"), .idle_timeout_us = 1000 * MS }),
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

/* Closing does not wait: the client's thread cuts the transfer when it comes to it. */
static void a_token_may_go_before_its_stream_has_ended(void **state)
{
    struct fixture *f = *state;
    struct client_token *token;
    struct client_stream *s;

    for (int i = 0; i < 50; i++) {
        assert_int_equal(client_token_create(&token), 0);
        assert_int_equal(
            client_stream_open(f->client, &s,
                               &(struct client_request){ .url = at(f, "/quiet"), .token = token }),
            0);
        client_stream_close(s);
        client_token_destroy(token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_are_read_one_by_one),
        TEST(lines_are_read_one_by_one),
        TEST(a_slow_reader_slows_the_peer),
        TEST(reading_has_limits),
        TEST(a_stream_that_does_not_open),
        TEST(a_stream_is_cut_by_its_token_and_by_closing),
        TEST(a_token_may_go_before_its_stream_has_ended),
    };
    return cmocka_run_group_tests_name("client stream", tests, NULL, NULL);
}
