#include "http/compress.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

static const struct {
    const char *field; /* NULL: not there */
    int identity, gzip, br;
} fields[] = {
    { NULL, 1, 0, 0 },
    { "", 1, 0, 0 },
    { "gzip", 1, 1000, 0 },
    { "GZip", 1, 1000, 0 },
    { "x-gzip", 1, 1000, 0 },
    { "gzip, deflate, br", 1, 1000, 1000 },
    { "gzip;q=0", 1, 0, 0 },
    { "gzip;q=0.000", 1, 0, 0 },
    { "gzip;q=0.5, br;q=0.25", 1, 500, 250 },
    { "gzip ; q=0.123 ,br", 1, 123, 1000 },
    { "gzip;Q=1.000", 1, 1000, 0 },
    { "*", 1000, 1000, 1000 },
    { "*;q=0", 0, 0, 0 },
    { "gzip, *;q=0", 0, 1000, 0 },
    { "*;q=0, gzip", 0, 1000, 0 },
    { "identity;q=0", 0, 0, 0 },
    { "identity, *;q=0", 1000, 0, 0 },
    { "identity;q=0.5, *;q=0.1", 500, 100, 100 },
    { "gzip;q=1.1", 1, 0, 0 },
    { "gzip;q=2", 1, 0, 0 },
    { "gzip;q=-1", 1, 0, 0 },
    { "gzip;q=0.1234", 1, 0, 0 },
    { "gzip;q=", 1, 0, 0 },
    { "gzip;q", 1, 0, 0 },
    { "gzip;x=1", 1, 0, 0 },
    { "gzip;q=0x", 1, 0, 0 },
    { "gzip;q=.5", 1, 0, 0 },
    { ";q=1, ,,gzip", 1, 1000, 0 },
    { "gzipped, br0", 1, 0, 0 },
};

static void weights_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(fields); i++) {
        struct accept_encoding got;
        accept_encoding_parse(str_from(fields[i].field), &got);
        if (got.weight[CODING_IDENTITY] != fields[i].identity || got.weight[CODING_GZIP] != fields[i].gzip ||
            got.weight[CODING_BR] != fields[i].br)
            fail_msg("\"%s\": identity %d, gzip %d, br %d", fields[i].field, got.weight[CODING_IDENTITY],
                     got.weight[CODING_GZIP], got.weight[CODING_BR]);
    }
}

static enum http_coding choose(const char *field, unsigned available)
{
    struct accept_encoding accepted;
    accept_encoding_parse(str_from(field), &accepted);
    return compress_choose(&accepted, available);
}

static void the_best_that_is_there_is_chosen(void **state)
{
    enum { GZIP = 1u << CODING_GZIP, BR = 1u << CODING_BR };

    (void)state;
    assert_int_equal(choose("gzip, br", GZIP | BR), CODING_BR);
    assert_int_equal(choose("gzip, br", GZIP), CODING_GZIP);
    assert_int_equal(choose("gzip, br", 0), CODING_IDENTITY);
    assert_int_equal(choose("gzip, br;q=0.9", GZIP | BR), CODING_GZIP);
    assert_int_equal(choose("gzip;q=0.5, identity", GZIP | BR), CODING_IDENTITY);
    assert_int_equal(choose("gzip;q=0.001", GZIP), CODING_GZIP);
    assert_int_equal(choose("*", GZIP), CODING_GZIP);
    assert_int_equal(choose("identity;q=0", GZIP), CODING_IDENTITY);
    assert_int_equal(choose("*;q=0", GZIP | BR), CODING_IDENTITY);
    assert_int_equal(choose(NULL, GZIP | BR), CODING_IDENTITY);
    assert_string_equal(coding_name(CODING_BR), "br");
}

static void only_what_shrinks_is_a_candidate(void **state)
{
    static const char *const good[] = { "text/html",        "TEXT/plain; charset=utf-8",
                                        "application/json", "application/problem+json",
                                        "image/svg+xml",    "application/atom+XML ;x=y",
                                        "application/wasm" };
    static const char *const bad[] = { "text/event-stream",
                                       "text/event-stream;charset=utf-8",
                                       "Text/Event-Stream",
                                       "image/png",
                                       "application/octet-stream",
                                       "application/zip",
                                       "font/woff2",
                                       "video/mp4",
                                       "+json",
                                       "text/",
                                       "" };
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(good); i++) {
        if (!compress_is_candidate(200, str_from(good[i]), false, COMPRESS_MIN))
            fail_msg("%s is no candidate", good[i]);
    }
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        if (compress_is_candidate(200, str_from(bad[i]), false, 100000))
            fail_msg("%s is a candidate", bad[i]);
    }
    assert_false(compress_is_candidate(200, STR_OF("text/html"), false, COMPRESS_MIN - 1));
    assert_false(compress_is_candidate(200, STR_OF("text/html"), true, 100000));
    assert_false(compress_is_candidate(206, STR_OF("text/html"), false, 100000));
    assert_false(compress_is_candidate(304, STR_OF("text/html"), false, 100000));
    assert_true(compress_is_candidate(422, STR_OF("application/problem+json"), false, 100000));
}

static void check_round_trip(struct str body)
{
    struct buf out = BUF_INIT;
    char *back = malloc(body.n + 1);
    z_stream z = { .next_out = (Bytef *)back, .avail_out = (uInt)body.n + 1 };

    buf_add_text(&out, "before");
    assert_int_equal(compress_gzip(body, &out), 0);
    assert_true(out.n - 6 < body.n);
    assert_memory_equal(out.p, "before", 6);
    z.next_in = (Bytef *)out.p + 6;
    z.avail_in = (uInt)out.n - 6;
    assert_int_equal(inflateInit2(&z, 31), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, body.n);
    assert_int_equal(z.avail_in, 0);
    assert_memory_equal(back, body.p, body.n);
    inflateEnd(&z);
    free(back);
    buf_finish(&out);
}

static void make_json(struct buf *b, size_t size)
{
    for (unsigned i = 0; b->n < size; i++)
        buf_add_format(b, "{\"id\":%u,\"title\":\"Printer %u does not print\"},", i, i * 7919 % 100);
}

static void gzip_can_be_undone(void **state)
{
    static const size_t sizes[] = { 1000, 43000, 500000, 1500 };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(sizes); i++) {
        struct buf body = BUF_INIT;
        make_json(&body, sizes[i]);
        check_round_trip(buf_str(&body));
        buf_finish(&body);
    }
}

static void what_does_not_shrink_is_left_alone(void **state)
{
    char noise[4096];
    struct buf out = BUF_INIT;
    unsigned x = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)((x = x * 1103515245 + 12345) >> 16);
    assert_int_equal(compress_gzip(str_make(noise, sizeof(noise)), &out), -1);
    assert_int_equal(compress_gzip(STR_OF("tiny"), &out), -1);
    assert_int_equal(compress_gzip(STR_OF(""), &out), -1);
    assert_int_equal(out.n, 0);
    assert_false(buf_failed(&out));

    /* The state that was left in the middle is good for the next body. */
    struct buf body = BUF_INIT;
    make_json(&body, 2000);
    check_round_trip(buf_str(&body));
    buf_finish(&body);
    buf_finish(&out);
}

static void *compress_in_thread(void *ud)
{
    for (int i = 0; i < 20; i++) {
        struct buf out = BUF_INIT;
        if (compress_gzip(*(struct str *)ud, &out) != 0)
            return NULL;
        buf_finish(&out);
    }
    return ud;
}

/* The leak checker sees whether a thread's state goes with it. */
static void threads_do_not_share_a_state(void **state)
{
    struct buf body = BUF_INIT;
    pthread_t thread[4];
    void *result;

    (void)state;
    make_json(&body, 20000);
    struct str s = buf_str(&body);
    for (size_t i = 0; i < DW_COUNT_OF(thread); i++)
        assert_int_equal(pthread_create(&thread[i], NULL, compress_in_thread, &s), 0);
    for (size_t i = 0; i < DW_COUNT_OF(thread); i++) {
        pthread_join(thread[i], &result);
        assert_ptr_equal(result, &s);
    }
    buf_finish(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_read),
        cmocka_unit_test(the_best_that_is_there_is_chosen),
        cmocka_unit_test(only_what_shrinks_is_a_candidate),
        cmocka_unit_test(gzip_can_be_undone),
        cmocka_unit_test(what_does_not_shrink_is_left_alone),
        cmocka_unit_test(threads_do_not_share_a_state),
    };
    return cmocka_run_group_tests_name("compress", tests, NULL, NULL);
}
