/* What may be staged as a reply, and what comes of it when memory is out or a handler says too much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/content.h"
#include "http/server_struct.h"
#include "http/stream.h"
#include "http/writer.h"
#include "util/compiler.h"

static struct http_server server = { .options = { .write_buffer = 256 * 1024 } };
static struct http_loop loop = { .server = &server };
static struct http_stream *told;

static void on_completed(struct http_exchange *x)
{
    (void)x;
}

static void on_stream_ready(struct http_stream *s)
{
    told = s;
}

static const struct http_transport transport = { .completed = on_completed, .stream_ready = on_stream_ready };

static int make(void **state)
{
    told = NULL;
    struct http_exchange *x = exchange_create(&loop, &transport, str_make(NULL, 0));
    if (!x)
        return -1;
    x->reader.head.method = HTTP_GET;
    x->reader.head.minor = 1;
    *state = x;
    return 0;
}

static int drop(void **state)
{
    exchange_destroy(*state);
    exchange_free_spares(&loop);
    return 0;
}

/* The head that would be sent; terminated. */
static const char *head_of(struct http_exchange *x)
{
    static char out[WRITER_HEAD_MAX + 1];

    reply_settle(x);
    out[writer_head(x, false, "Sat, 21 Nov 2026 06:39:56 GMT", out)] = 0;
    return out;
}

static void test_fields_that_split_the_head_are_refused(void **state)
{
    struct http_exchange *x = *state;

    assert_int_equal(http_reply_header(x, "X-A", STR_OF("a\r\nX-B: b")), -1);
    assert_int_equal(http_reply_header(x, "X-A", STR_OF("a\nb")), -1);
    assert_int_equal(http_reply_header(x, "X-A", str_make("a\0b", 3)), -1);
    assert_int_equal(http_reply_header(x, "X A", STR_OF("a")), -1);
    assert_int_equal(http_reply_header(x, "X-A:", STR_OF("a")), -1);
    assert_int_equal(http_reply_header(x, "", STR_OF("a")), -1);
    assert_int_equal(http_reply_header(x, "X-A", STR_OF("a\tb")), 0);
    assert_int_equal(http_reply_empty(x, 200), 0);
    assert_non_null(strstr(head_of(x), "\r\nX-A: a\tb\r\n\r\n"));
}

static void test_framing_is_not_the_handlers_to_say(void **state)
{
    struct http_exchange *x = *state;
    static const char *const names[] = { "Content-Length",    "content-length",
                                         "Transfer-Encoding", "Connection",
                                         "Keep-Alive",        "Trailer",
                                         "Upgrade",           "Date" };

    for (size_t i = 0; i < DW_COUNT_OF(names); i++)
        assert_int_equal(http_reply_header(x, names[i], STR_OF("5")), -1);
    assert_int_equal(http_reply_header(x, "Content-Language", STR_OF("en")), 0);
}

static void test_content_types_have_rules(void **state)
{
    struct http_exchange *x = *state;
    char *huge = malloc(100001);

    assert_non_null(huge);
    memset(huge, 'x', 100000);
    huge[100000] = 0;
    /* Larger than all the room that the head is formatted in. */
    assert_int_equal(http_reply(x, 200, huge, STR_OF("a")), -1);
    assert_null(http_stream_open(x, 200, huge));
    assert_int_equal(http_reply(x, 200, "text/plain\r\nX-B: b", STR_OF("a")), -1);
    assert_null(http_stream_open(x, 200, "text/plain\r\nX-B: b"));
    assert_int_equal(http_reply(x, 200, "text/plain", STR_OF("a")), 0);
    free(huge);
}

static void test_statuses_have_rules(void **state)
{
    struct http_exchange *x = *state;
    static const int none[] = { 0, 42, 100, 199, 600, 1000, -1 }, empty[] = { 204, 205, 304, 101, 600 };

    for (size_t i = 0; i < DW_COUNT_OF(none); i++)
        assert_int_equal(http_reply_empty(x, none[i]), -1);
    for (size_t i = 0; i < DW_COUNT_OF(empty); i++)
        assert_null(http_stream_open(x, empty[i], "text/plain"));
    assert_false(http_replied(x));
    assert_int_equal(http_reply_empty(x, 204), 0);
    assert_int_equal(http_reply_empty(x, 200), -1); /* once */
}

static void test_files_have_no_negative_sizes(void **state)
{
    struct http_exchange *x = *state;

    assert_int_equal(http_reply_file(x, 200, NULL, dup(0), 0, -1), -1);
    assert_int_equal(http_reply_file(x, 200, NULL, dup(0), -1, 1), -1);
}

static void test_an_open_stream_takes_no_fields(void **state)
{
    struct http_exchange *x = *state;
    struct http_stream *s = http_stream_open(x, 200, "text/plain");

    assert_non_null(s);
    assert_ptr_equal(told, s);
    assert_int_equal(http_reply_header(x, "X-A", STR_OF("a")), -1);
    assert_int_equal(http_reply_problem(x, 500, NULL), -1);
    stream_noticed(s);
    http_stream_drop(s); /* the task's */
    stream_gone(s);
    http_stream_close(s, true);
    http_stream_drop(s); /* the exchange's */
    x->reply.stream = NULL;
}

static void test_a_lost_piece_cuts_the_stream(void **state)
{
    struct http_exchange *x = *state;
    struct http_stream *s = http_stream_open(x, 200, "text/plain");

    assert_non_null(s);
    assert_int_equal(http_stream_write(s, STR_OF("one")), 0);
    s->pending.failed = true; /* as if memory had been out */
    assert_int_equal(http_stream_write(s, STR_OF("two")), -1);
    stream_noticed(s);
    http_stream_drop(s); /* the task's */
    http_stream_hold(s);
    http_stream_close(s, true);
    assert_int_equal(stream_next(s), STREAM_CUT);
    http_stream_drop(told); /* close has told again */
    stream_gone(s);
    http_stream_drop(s);
    http_stream_drop(s);
    x->reply.stream = NULL;
}

static void test_a_problem_forgets_what_it_replaces(void **state)
{
    struct http_exchange *x = *state;

    http_reply_header(x, "X-First", STR_OF("1"));
    http_reply_header(x, "Content-Encoding", STR_OF("gzip"));
    http_reply_header(x, "ETag", STR_OF("\"a\""));
    http_reply_header(x, "Content-Range", STR_OF("bytes 0-1/2"));
    http_reply_header(x, "X-Last", STR_OF("2"));
    assert_int_equal(http_reply(x, 206, "text/plain", STR_OF("ab")), 0);
    assert_int_equal(http_reply_problem(x, 400, "no"), 0);
    const char *head = head_of(x);
    assert_null(strstr(head, "gzip"));
    assert_null(strstr(head, "ETag"));
    assert_null(strstr(head, "Content-Range"));
    assert_non_null(strstr(head, "\r\nX-First: 1\r\nX-Last: 2\r\nContent-Language: en\r\n"
                                 "Vary: Accept-Language\r\n\r\n"));
}

static void test_a_missing_field_is_no_answer(void **state)
{
    struct http_exchange *x = *state;

    assert_int_equal(http_reply_header(x, "X-A", STR_OF("a")), 0);
    x->reply.fields.failed = true; /* as if memory had been out for the next one */
    assert_int_equal(http_reply_header(x, "Content-Encoding", STR_OF("gzip")), -1);
    assert_int_equal(http_reply(x, 200, "text/plain", STR_OF("packed")), 0);
    const char *head = head_of(x);
    assert_memory_equal(head, "HTTP/1.1 500 ", 13);
    assert_non_null(strstr(head, "\r\nContent-Length: 0\r\n"));
    assert_null(strstr(head, "X-A"));
}

static void test_nothing_staged_is_a_500(void **state)
{
    assert_memory_equal(head_of(*state), "HTTP/1.1 500 ", 13);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        TEST(test_fields_that_split_the_head_are_refused),
        TEST(test_framing_is_not_the_handlers_to_say),
        TEST(test_content_types_have_rules),
        TEST(test_statuses_have_rules),
        TEST(test_files_have_no_negative_sizes),
        TEST(test_an_open_stream_takes_no_fields),
        TEST(test_a_lost_piece_cuts_the_stream),
        TEST(test_a_problem_forgets_what_it_replaces),
        TEST(test_a_missing_field_is_no_answer),
        TEST(test_nothing_staged_is_a_500),
    };
    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
