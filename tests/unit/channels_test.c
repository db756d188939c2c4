/* Channels: what a follower gets, when it comes, leaves, comes back, or is too slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/events.h"
#include "plugin/channel_position.h"
#include "plugin_rig.h"
#include "util/thread.h"
#include "vectors.h"

const dw_asset dw_assets_[] = { { 0 } };

static int follows(dw_call *c, dw_request *req)
{
    const char *channel = "run", *fail = NULL;

    DW_TRY(dw_request_read(req, "channel", &channel, "fail", &fail));
    DW_TRY(dw_reply_header(req, "X-Mine", "1"));
    DW_TRY(dw_reply_follow(req, channel));
    return fail ? dw_fail(c, DW_ECONFLICT, "not now") : 0;
}

static int writes(dw_call *c, dw_request *req)
{
    const char *channel = "run", *event = "step", *how = "record", *text = "";
    int rc;

    DW_TRY(dw_request_read(req, "channel", &channel, "event", &event, "how", &how, "text", &text));
    if (strcmp(how, "open") == 0)
        rc = dw_channel_open(c, channel);
    else if (strcmp(how, "close") == 0)
        rc = dw_channel_close(c, channel);
    else if (strcmp(how, "send") == 0)
        rc = dw_channel_send(c, channel, event, "text", text);
    else
        rc = dw_channel_record(c, channel, event, "text", text);
    return dw_reply(req, 200, "rc", rc, "why", dw_error_of(c)->text);
}

static const dw_route routes[] = { { "GET", "/follow", "-", follows },
                                   { "GET", "/write", "-", writes },
                                   { 0 } };

DOWEL_PLUGIN(.name = "relay", .version = "1.0.0", .routes = routes);

static int start(void **state)
{
    (void)state;
    json_start();
    rig_start(&dw_plugin_, NULL, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rig_stop();
    memset(&rig, 0, sizeof(rig));
    return 0;
}

/* ---- the log itself ---- */

static int record_text(const char *name, const char *text)
{
    return channels_record(rig.process.channels, "relay", name, STR_OF("step"), str_from(text));
}

static int send_text(const char *name, const char *text)
{
    return channels_send(rig.process.channels, "relay", name, STR_OF("piece"), str_from(text));
}

static void channels_have_owners_and_an_end(void **state)
{
    struct channels *c = rig.process.channels;

    (void)state;
    assert_int_equal(record_text("run", "{}"), DW_ENOTFOUND);
    assert_int_equal(send_text("run", "{}"), DW_ENOTFOUND);
    assert_int_equal(channels_close(c, "relay", "run"), DW_ENOTFOUND);
    assert_int_equal(channels_open(c, "relay", "run"), 0);
    assert_int_equal(channels_open(c, "relay", "run"), 0);
    assert_int_equal(channels_exists(c, "relay", "run"), 1);
    assert_int_equal(channels_exists(c, "other", "run"), DW_ENOTFOUND);
    assert_int_equal(record_text("run", "{}"), 0);
    assert_int_equal(channels_close(c, "relay", "run"), 0);
    assert_int_equal(channels_close(c, "relay", "run"), 0);
    assert_int_equal(record_text("run", "{}"), DW_EGONE);
    assert_int_equal(send_text("run", "{}"), DW_EGONE);
    assert_int_equal(channels_open(c, "relay", "run"), DW_EGONE);
    channels_tick(c, clock_monotonic_us() + 599 * (int64_t)CLOCK_SECOND);
    assert_int_equal(channels_exists(c, "relay", "run"), 1);
    channels_tick(c, clock_monotonic_us() + 601 * (int64_t)CLOCK_SECOND);
    assert_int_equal(channels_exists(c, "relay", "run"), DW_ENOTFOUND);
    assert_int_equal(channels_open(c, "relay", "run"), 0);
}

static void what_is_too_much_is_refused(void **state)
{
    struct channels *c = rig.process.channels;
    static char large[128 * 1024 + 1];
    char name[32];

    (void)state;
    assert_int_equal(channels_open(c, "relay", ""), DW_EINVALID);
    assert_int_equal(channels_open(c, "relay", "run"), 0);
    assert_int_equal(channels_record(c, "relay", "run", STR_OF("a\nb"), STR_OF("{}")), DW_EINVALID);
    assert_int_equal(channels_record(c, "relay", "run", STR_OF(""), STR_OF("{}")), DW_EINVALID);
    memset(large, 'x', sizeof(large));
    assert_int_equal(channels_record(c, "relay", "run", STR_OF("e"), str_make(large, sizeof(large))),
                     DW_ETOOLARGE);
    for (int i = 0; i < 31; i++)
        assert_int_equal(channels_record(c, "relay", "run", STR_OF("e"), str_make(large, 128 * 1024)), 0);
    assert_int_equal(channels_record(c, "relay", "run", STR_OF("e"), str_make(large, 128 * 1024)),
                     DW_ETOOLARGE);
    assert_int_equal(record_text("run", "{}"), 0); /* which is small */
    assert_int_equal(channels_open(c, "relay", "many"), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(record_text("many", "{}"), 0);
    assert_int_equal(record_text("many", "{}"), DW_ETOOLARGE);
    for (int i = 2; i < 10000; i++) {
        snprintf(name, sizeof(name), "c%d", i);
        assert_int_equal(channels_open(c, "relay", name), 0);
    }
    assert_int_equal(channels_open(c, "relay", "one more"), DW_EUNAVAILABLE);
    assert_int_equal(channels_open(c, "other", "one more"), 0);
}

/* Records of 128 KiB into one channel after the other, until one is refused that its channel has room for. */
static size_t fill(struct channels *c, const char *owner, struct str json)
{
    char name[16];
    size_t n = 0;

    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "full%d", i);
        assert_int_equal(channels_open(c, owner, name), 0);
        size_t before = n;
        while (channels_record(c, owner, name, STR_OF("e"), json) == 0)
            n++;
        if (n - before < 31)
            return n;
    }
    fail_msg("%s was never refused anything", owner);
    return n;
}

static void an_owner_has_a_budget(void **state)
{
    struct buf large = BUF_INIT;
    struct channels *c;

    (void)state;
    for (int i = 0; i < 128 * 1024; i++)
        buf_add_char(&large, 'x');
    assert_false(buf_failed(&large));
    assert_int_equal(channels_create(&c), 0);
    assert_int_equal(fill(c, "relay", buf_str(&large)), 511); /* of 64 MiB, with what is kept about each */
    assert_int_equal(channels_open(c, "relay", "new"), 0);
    assert_int_equal(channels_record(c, "relay", "new", STR_OF("e"), buf_str(&large)), DW_ETOOLARGE);
    assert_int_equal(channels_send(c, "relay", "new", STR_OF("e"), buf_str(&large)), 0);
    assert_int_equal(fill(c, "other", buf_str(&large)), 511);

    assert_int_equal(channels_close(c, "relay", "full0"), 0);
    channels_tick(c, clock_monotonic_us() +
                         599 * (int64_t)CLOCK_SECOND); /* what is closed can still be followed */
    assert_int_equal(channels_record(c, "relay", "new", STR_OF("e"), buf_str(&large)), DW_ETOOLARGE);
    channels_tick(c, clock_monotonic_us() + 601 * (int64_t)CLOCK_SECOND);
    for (int i = 0; i < 31; i++)
        assert_int_equal(channels_record(c, "relay", "new", STR_OF("e"), buf_str(&large)), 0);
    channels_destroy(c);
    buf_finish(&large);
}

static void positions_are_read_as_they_are_written(void **state)
{
    static const struct {
        const char *last;
        uint64_t records, passing; /* where the channel is */
        uint64_t from;
        bool reset;
    } cases[] = {
        { "", 5, 0, 0, false },
        { "5", 5, 0, 5, false },
        { "3", 5, 2, 3, false },
        { "5.2", 5, 2, 5, false },
        { "5.1", 5, 2, 5, true },
        { "4.1", 5, 0, 4, true },
        { "5.3", 5, 2, 5, true },
        { "6", 5, 0, 0, true },
        { "x", 5, 0, 0, true },
        { "5.", 5, 0, 0, true },
        { "-1", 5, 0, 0, true },
        { "5.1.1", 5, 1, 0, true },
        { "99999999999999999999", 5, 0, 0, true },
    };
    char id[CHANNEL_POSITION_SIZE];

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        const struct channel_position now = { cases[i].records, cases[i].passing };
        struct channel_resume r = channel_resume_at(str_from(cases[i].last), &now);
        assert_int_equal(r.records, cases[i].from);
        assert_int_equal(r.must_reset, cases[i].reset);
    }
    channel_position_write(&(struct channel_position){ UINT64_MAX, UINT64_MAX }, id);
    assert_string_equal(id, "18446744073709551615.18446744073709551615");
}

/* ---- followers ---- */

static int follow_from(const char *last_id)
{
    char field[128] = "";

    if (*last_id)
        snprintf(field, sizeof(field), "Last-Event-ID: %s\r\n", last_id);
    return rig_begin("GET", "/follow", field, "");
}

static void a_follower_gets_what_was_and_what_comes(void **state)
{
    char got[16384] = "";

    (void)state;
    RIG_HAS(rig_get("/write?how=open"), "\"rc\":0");
    RIG_HAS(rig_get("/write?text=one"), "\"rc\":0");
    int fd = follow_from("");
    assert_true(rig_read_until(fd, got, sizeof(got), "id: 1\nevent: step\ndata: {\"text\":\"one\"}\n\n"));
    RIG_HAS(got, "X-Mine: 1\r\n");
    RIG_HAS(got, "Content-Type: text/event-stream");
    RIG_HAS(rig_get("/write?how=send&event=piece&text=t"), "\"rc\":0");
    assert_true(rig_read_until(fd, got, sizeof(got), "id: 1.1\nevent: piece\ndata: {\"text\":\"t\"}\n\n"));
    RIG_HAS(rig_get("/write?text=a%0Ab"), "\"rc\":0");
    assert_true(rig_read_until(fd, got, sizeof(got), "id: 2\nevent: step\ndata: {\"text\":\"a\\nb\"}\n\n"));
    RIG_HAS(rig_get("/write?how=close"), "\"rc\":0");
    assert_true(rig_read_until(fd, got, sizeof(got), "\r\n0\r\n\r\n"));
    close(fd);
    RIG_HAS(rig_get("/write?text=late"), "it was closed");
}

static void who_comes_back_gets_the_rest(void **state)
{
    char got[16384] = "";

    (void)state;
    assert_int_equal(channels_open(rig.process.channels, "relay", "run"), 0);
    record_text("run", "{\"n\":1}");
    record_text("run", "{\"n\":2}");
    send_text("run", "{\"p\":1}");
    int fd = follow_from("1");
    assert_true(rig_read_until(fd, got, sizeof(got), "{\"n\":2}"));
    assert_null(strstr(got, "{\"n\":1}"));
    assert_null(strstr(got, "reset"));
    close(fd);
    /* It has seen a piece that is the last one there is: nothing is missing. */
    got[0] = 0;
    fd = follow_from("2.1");
    assert_true(rig_read_until(fd, got, sizeof(got), "\r\n\r\n"));
    send_text("run", "{\"p\":2}");
    assert_true(rig_read_until(fd, got, sizeof(got), "id: 2.2\n"));
    assert_null(strstr(got, "reset"));
    close(fd);
    /* Another has missed one. */
    record_text("run", "{\"n\":3}");
    got[0] = 0;
    fd = follow_from("2.1");
    assert_true(rig_read_until(fd, got, sizeof(got), "id: 3\nevent: reset\ndata: {}\n\n"));
    assert_null(strstr(got, "{\"n\":2}"));
    RIG_HAS(got, "id: 3\nevent: step\ndata: {\"n\":3}\n\n");
    /* In that order, but each perhaps in a chunk of its own. */
    assert_true(strstr(got, "event: step") < strstr(got, "event: reset"));
    close(fd);
}

static void a_closed_channel_is_told_whole_then_204(void **state)
{
    (void)state;
    assert_int_equal(channels_open(rig.process.channels, "relay", "run"), 0);
    record_text("run", "{\"n\":1}");
    channels_close(rig.process.channels, "relay", "run");
    const char *a = rig_get("/follow");
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "{\"n\":1}");
    RIG_HAS(a, "\r\n0\r\n\r\n");
    assert_int_equal(rig_status(rig_ask("GET", "/follow", "Last-Event-ID: 1\r\n", "")), 204);
    assert_int_equal(rig_status(rig_get("/follow?channel=none")), 404);
}

static void following_is_staged(void **state)
{
    (void)state;
    assert_int_equal(channels_open(rig.process.channels, "relay", "run"), 0);
    const char *a = rig_get("/follow?fail=1");
    assert_int_equal(rig_status(a), 409);
    assert_null(strstr(a, "X-Mine"));
    assert_null(strstr(a, "event-stream"));
}

/* More than a client's buffer is kept: it comes at the client's pace. */
static void a_long_log_is_told_to_its_end(void **state)
{
    static char large[100 * 1024];
    size_t size = 8 << 20;
    char *got = malloc(size);

    (void)state;
    assert_non_null(got);
    memset(large, 'x', sizeof(large));
    assert_int_equal(channels_open(rig.process.channels, "relay", "run"), 0);
    for (int i = 0; i < 40; i++)
        assert_int_equal(channels_record(rig.process.channels, "relay", "run", STR_OF("e"),
                                         str_make(large, sizeof(large))),
                         0);
    int fd = follow_from("");
    got[0] = 0;
    assert_true(rig_read_until(fd, got, size, "id: 40\n"));
    record_text("run", "{\"last\":1}");
    assert_true(rig_read_until(fd, got, size, "{\"last\":1}"));
    close(fd);
    free(got);
}

static void who_is_too_slow_is_cut_and_nobody_waits(void **state)
{
    static char large[100 * 1024];
    char got[16384] = "";

    (void)state;
    memset(large, 'x', sizeof(large));
    assert_int_equal(channels_open(rig.process.channels, "relay", "run"), 0);
    record_text("run", "{\"first\":1}");
    int fd = follow_from("");
    assert_true(rig_read_until(fd, got, sizeof(got), "first"));
    int64_t before = clock_monotonic_us();
    for (int i = 0; i < 300; i++) /* 30 MB: more than its socket and buffer take */
        assert_int_equal(
            channels_send(rig.process.channels, "relay", "run", STR_OF("e"), str_make(large, sizeof(large))),
            0);
    assert_true(clock_monotonic_us() - before < 5 * CLOCK_SECOND);
    char *rest = malloc(64 << 20);
    assert_non_null(rest);
    ssize_t n;
    size_t all = 0;
    while ((n = recv(fd, rest, 1 << 20, 0)) > 0)
        all += (size_t)n;
    assert_true(all < (size_t)300 * sizeof(large));
    free(rest);
    close(fd);
}

static void followers_that_left_are_forgotten(void **state)
{
    (void)state;
    assert_int_equal(channels_open(rig.process.channels, "relay", "run"), 0);
    for (int i = 0; i < 20; i++) {
        char got[4096] = "";
        int fd = follow_from("");
        assert_true(rig_read_until(fd, got, sizeof(got), "event-stream"));
        close(fd);
    }
    channels_tick(rig.process.channels, clock_monotonic_us()); /* asan tells what is left */
}

/* What a strict reader of event streams makes of texts that look like one. */
static void no_text_can_smuggle_an_event_in(void **state)
{
    char got[16384] = "";

    (void)state;
    assert_int_equal(channels_open(rig.process.channels, "relay", "run"), 0);
    channels_record(rig.process.channels, "relay", "run", STR_OF("step"),
                    STR_OF("a\nid: 99\r\revent: evil\ndata: x\n\n"));
    record_text("run", "{\"end\":1}");
    int fd = follow_from("");
    assert_true(rig_read_until(fd, got, sizeof(got), "\"end\""));
    assert_null(strstr(got, "\nid: 99"));
    assert_null(strstr(got, "\nevent: evil"));
    RIG_HAS(got, "data: a\ndata: id: 99\ndata: \ndata: event: evil\ndata: data: x\n");
    close(fd);
}

/* ---- many at once ---- */

enum { WRITERS = 4, EVENTS = 200, FOLLOWERS = 8 };

static void *write_many(void *ud)
{
    for (int i = 0; i < EVENTS; i++) {
        record_text("run", "{}");
        send_text("run", "{}");
    }
    return ud;
}

static void *follow_many(void *ud)
{
    size_t size = 1 << 20;
    char *got = malloc(size), expected[32];
    const char *at = got;

    if (!got)
        return "out of memory";
    got[0] = 0;
    int fd = follow_from("");
    bool whole = rig_read_until(fd, got, size, "\r\n0\r\n\r\n");
    close(fd);
    for (int n = 1; whole && n <= WRITERS * EVENTS; n++) { /* each record, in order, however they came */
        snprintf(expected, sizeof(expected), "id: %d\nevent: step", n);
        at = at ? strstr(at, expected) : NULL;
    }
    free(got);
    return whole && at ? ud : "a record is missing";
}

static void every_record_reaches_every_follower_in_order(void **state)
{
    pthread_t writer[WRITERS], follower[FOLLOWERS];
    void *wrong;

    (void)state;
    assert_int_equal(channels_open(rig.process.channels, "relay", "run"), 0);
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(thread_start(&writer[i], "writer", false, write_many, NULL), 0);
    for (size_t i = 0; i < FOLLOWERS; i++)
        assert_int_equal(thread_start(&follower[i], "follower", false, follow_many, NULL), 0);
    for (size_t i = 0; i < WRITERS; i++)
        pthread_join(writer[i], NULL);
    channels_close(rig.process.channels, "relay", "run");
    for (size_t i = 0; i < FOLLOWERS; i++) {
        pthread_join(follower[i], &wrong);
        if (wrong)
            fail_msg("%s", (const char *)wrong);
    }
}

/* ---- with a reader and data that others have made ---- */

/* Without chunks: what comes behind the head is what an event source reads. */
static char *follow_plainly(void)
{
    static const char request[] = "GET /follow HTTP/1.0\r\n\r\n";
    int fd = rig_connect();

    rig_send(fd, request, sizeof(request) - 1);
    return rig_read_all(fd);
}

static void check_event(const struct client_event *e, const json_t *expected, size_t n)
{
    char id[24];

    snprintf(id, sizeof(id), "%zu", n);
    assert_string_equal(e->name.p, json_string_value(json_object_get(expected, "type")));
    assert_int_equal(e->data.n, json_string_length(json_object_get(expected, "data")));
    assert_memory_equal(e->data.p, json_string_value(json_object_get(expected, "data")), e->data.n);
    assert_string_equal(e->id.p, id);
}

static void read_back(const char *text, const json_t *expected)
{
    struct lines lines;
    struct events events;
    struct client_event e;
    struct str line;
    size_t n = 0;

    lines_init(&lines, true, 1 << 20);
    events_init(&events, 1 << 20);
    lines_feed(&lines, str_from(text));
    while (lines_next(&lines, &line) == 1) {
        if (events_line(&events, line, &e) == 1) {
            assert_true(n < json_array_size(expected));
            check_event(&e, json_array_get(expected, n), n + 1);
            n++;
        }
    }
    assert_int_equal(n, json_array_size(expected));
    lines_finish(&lines);
    events_finish(&events);
}

/* What readers have to understand (the vectors' events) is what they get when it was recorded. */
static void events_are_read_back_as_recorded(void **state)
{
    char path[4096];
    json_t *all, *vector, *event, *expected;
    size_t i, k;

    (void)state;
    if (!vectors_path(path, sizeof(path), "sse/parser.json"))
        skip();
    all = json_load_file(path, JSON_ALLOW_NUL, NULL);
    expected = json_array();
    assert_non_null(all);
    assert_int_equal(channels_open(rig.process.channels, "relay", "run"), 0);
    json_array_foreach(all, i, vector)
    {
        json_array_foreach(json_object_get(vector, "events"), k, event)
        {
            const json_t *type = json_object_get(event, "type"), *data = json_object_get(event, "data");
            if (memchr(json_string_value(data), 0, json_string_length(data)))
                continue; /* no JSON has a NUL as it stands */
            struct str name = str_make(json_string_value(type), json_string_length(type));
            assert_int_equal(channels_record(rig.process.channels, "relay", "run", name,
                                             str_make(json_string_value(data), json_string_length(data))),
                             0);
            json_array_append(expected, event);
        }
    }
    assert_true(json_array_size(expected) > 20);
    channels_close(rig.process.channels, "relay", "run");
    char *answer = follow_plainly();
    assert_non_null(answer);
    read_back(strstr(answer, "\r\n\r\n") + 4, expected);
    free(answer);
    json_decref(expected);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(channels_have_owners_and_an_end, start, stop),
        cmocka_unit_test_setup_teardown(what_is_too_much_is_refused, start, stop),
        cmocka_unit_test(an_owner_has_a_budget),
        cmocka_unit_test(positions_are_read_as_they_are_written),
        cmocka_unit_test_setup_teardown(a_follower_gets_what_was_and_what_comes, start, stop),
        cmocka_unit_test_setup_teardown(who_comes_back_gets_the_rest, start, stop),
        cmocka_unit_test_setup_teardown(a_closed_channel_is_told_whole_then_204, start, stop),
        cmocka_unit_test_setup_teardown(following_is_staged, start, stop),
        cmocka_unit_test_setup_teardown(a_long_log_is_told_to_its_end, start, stop),
        cmocka_unit_test_setup_teardown(who_is_too_slow_is_cut_and_nobody_waits, start, stop),
        cmocka_unit_test_setup_teardown(followers_that_left_are_forgotten, start, stop),
        cmocka_unit_test_setup_teardown(no_text_can_smuggle_an_event_in, start, stop),
        cmocka_unit_test_setup_teardown(events_are_read_back_as_recorded, start, stop),
        cmocka_unit_test_setup_teardown(every_record_reaches_every_follower_in_order, start, stop),
    };
    return cmocka_run_group_tests_name("channels", tests, NULL, NULL);
}
