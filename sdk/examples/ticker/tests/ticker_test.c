/* Answers that take their time: events that a client follows, and bytes that end or break off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>

#include <stdio.h>
#include <string.h>

static dw_harness *open_plugin(void)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN) != 0)
        fail_msg("%s", dw_harness_why(h));
    return h;
}

#define GOLD "/api/v1/ticker/gold"

static void tell(dw_harness *h, const char *price)
{
    assert_int_equal(dw_harness_post(h, GOLD, price).status, 204);
}

static dw_harness *open_with_gold(void)
{
    dw_harness *h = open_plugin();

    assert_int_equal(dw_harness_request(h, .method = "PUT", .target = GOLD).status, 204);
    return h;
}

/* ---- the channel ---- */

static void who_follows_hears_what_is_told(void **state)
{
    dw_harness *h = open_with_gold();
    dw_harness_follower *f = dw_harness_follow(h, GOLD, NULL, NULL);
    const char *id, *name, *data;
    (void)state;

    dw_harness_set_now(h, (dw_time){ 0 }); /* the clock stands, so the event says when */
    tell(h, "{\"price\":2650.5}");
    assert_int_equal(dw_harness_event(f, &id, &name, &data), 1);
    assert_string_equal(id, "1");
    assert_string_equal(name, "price");
    assert_string_equal(data, "{\"price\":2650.5,\"at\":\"1970-01-01T00:00:00.000000Z\"}");
    assert_int_equal(dw_harness_close(h), 0); /* the follower goes with it */
}

static void who_comes_again_hears_what_it_missed(void **state)
{
    dw_harness *h = open_with_gold();
    const char *id, *data;
    (void)state;

    tell(h, "{\"price\":1}");
    tell(h, "{\"price\":2}");
    tell(h, "{\"price\":3}");
    dw_harness_follower *f = dw_harness_follow(h, GOLD, "1", NULL);
    assert_int_equal(dw_harness_event(f, &id, NULL, &data), 1);
    assert_string_equal(id, "2");
    assert_non_null(strstr(data, "\"price\":2"));
    assert_int_equal(dw_harness_event(f, &id, NULL, NULL), 1);
    assert_string_equal(id, "3");
    dw_harness_leave(f);
    assert_int_equal(dw_harness_close(h), 0);
}

static void close_ends_it_for_all_who_follow(void **state)
{
    dw_harness *h = open_with_gold();
    dw_harness_follower *a = dw_harness_follow(h, GOLD, NULL, NULL);
    dw_harness_follower *b = dw_harness_follow(h, GOLD, NULL, NULL);
    (void)state;

    tell(h, "{\"price\":1}");
    assert_int_equal(dw_harness_request(h, .method = "DELETE", .target = GOLD).status, 204);
    for (dw_harness_follower *f = a; f; f = f == a ? b : NULL) {
        assert_int_equal(dw_harness_event(f, NULL, NULL, NULL), 1); /* what was told before */
        assert_int_equal(dw_harness_event(f, NULL, NULL, NULL), 0);
    }
    assert_int_equal(dw_harness_post(h, GOLD, "{\"price\":2}").status, 409);
    assert_int_equal(dw_harness_close(h), 0);
}

static void nobody_follows_what_is_not_there(void **state)
{
    dw_harness *h = open_plugin();
    int status;
    (void)state;

    assert_null(dw_harness_follow(h, GOLD, NULL, &status));
    assert_int_equal(status, 404);
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- the stream of bytes ---- */

static void sends_every_line(void **state)
{
    dw_harness *h = open_plugin();
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/squares?rows=100000");
    const char *line = reply.body.p, *const all = reply.body.p + reply.body.n;
    long n = 0;
    (void)state;

    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.content_type, "text/csv");
    assert_false(reply.cut);
    /* strchr() reads on to the end of all, each time, where AddressSanitizer is strict. */
    for (const char *end; (end = memchr(line, '\n', (size_t)(all - line))) != NULL; line = end + 1) {
        char wanted[48];
        int size = snprintf(wanted, sizeof(wanted), "%ld,%ld\n", n + 1, (n + 1) * (n + 1));
        n++;
        assert_int_equal(end + 1 - line, size);
        assert_memory_equal(line, wanted, (size_t)size);
    }
    assert_int_equal(n, 100000);
    assert_int_equal(dw_harness_close(h), 0);
}

/* Half a file must not be taken for a whole one: the third step is the write of the first line, the fifth that of the
 * third. */
static void an_error_in_the_middle_cuts_it(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_fail(h, 5, DW_EUNAVAILABLE);
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/squares?rows=10");
    assert_string_equal(dw_harness_failed_step(h), "dw_stream_write");
    assert_true(reply.cut);
    assert_string_equal(reply.body.p, "1,1\n2,4\n");
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- torture ---- */

static void play(dw_harness *h, void *ud)
{
    (void)ud;
    dw_harness_request(h, .method = "PUT", .target = GOLD);
    dw_harness_leave(dw_harness_follow(h, GOLD, NULL, NULL));
    dw_harness_post(h, GOLD, "{\"price\":1}");
    dw_harness_get(h, "/api/v1/squares?rows=3");
}

static void survives_whatever_fails(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_true(dw_harness_torture(h, play, NULL) > 0);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_follows_hears_what_is_told),
        cmocka_unit_test(who_comes_again_hears_what_it_missed),
        cmocka_unit_test(close_ends_it_for_all_who_follow),
        cmocka_unit_test(nobody_follows_what_is_not_there),
        cmocka_unit_test(sends_every_line),
        cmocka_unit_test(an_error_in_the_middle_cuts_it),
        cmocka_unit_test(survives_whatever_fails),
    };

    return cmocka_run_group_tests_name("ticker", tests, NULL, NULL);
}
