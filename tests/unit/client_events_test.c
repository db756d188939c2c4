#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/events.h"
#include "util/compiler.h"

/* All lines of `text` fed in pieces of `size` bytes, joined by '|', the unfinished rest behind a '~'. */
static void split(struct buf *out, const char *text, size_t size, bool any_end)
{
    struct lines l;
    struct str line;
    size_t n = strlen(text);

    out->n = 0;
    lines_init(&l, any_end, 100);
    for (size_t at = 0; at < n; at += size) {
        lines_feed(&l, str_make(text + at, n - at < size ? n - at : size));
        int result;
        while ((result = lines_next(&l, &line)) == 1) {
            buf_add_str(out, line);
            buf_add_char(out, '|');
        }
        assert_int_equal(result, 0);
    }
    if (lines_last(&l, &line) == 1) {
        buf_add_char(out, '~');
        buf_add_str(out, line);
    }
    lines_finish(&l);
}

static void lines_do_not_depend_on_the_cut(void **state)
{
    static const struct {
        const char *text, *want;
        bool any_end;
    } cases[] = {
        { "one\ntwo\n", "one|two|", false },
        { "one\r\ntwo\r\n\r\nrest", "one|two||~rest", false },
        { "a\rb\n", "a\rb|", false },
        { "\n\n", "||", false },
        { "", "", false },
        { "a\rb\r\nc\n\r\rd", "a|b|c|||~d", true },
        { "\r\n\r\n", "||", true },
        { "x\r", "x|", true },
    };
    struct buf got = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        for (size_t size = 1; size <= 20; size++) {
            split(&got, cases[i].text, size, cases[i].any_end);
            assert_string_equal(buf_text(&got), cases[i].want);
        }
    }
    buf_finish(&got);
}

static void long_lines_are_refused(void **state)
{
    struct lines l;
    struct str line;

    (void)state;
    lines_init(&l, false, 4);
    lines_feed(&l, STR_OF("abcd\n"));
    assert_int_equal(lines_next(&l, &line), 1);
    assert_int_equal(lines_next(&l, &line), 0);
    lines_feed(&l, STR_OF("abcde\n"));
    assert_int_equal(lines_next(&l, &line), -1);
    lines_finish(&l);
    lines_init(&l, false, 4);
    lines_feed(&l, STR_OF("abc"));
    assert_int_equal(lines_next(&l, &line), 0);
    lines_feed(&l, STR_OF("de"));
    assert_int_equal(lines_next(&l, &line), -1);
    lines_finish(&l);
}

/* As "name/data/id/retry;". */
static void show(struct buf *out, const struct client_event *event)
{
    assert_int_equal(event->data.p[event->data.n], 0);
    buf_add_format(out, "%s/%s/%s/%lld;", event->name.p, event->data.p, event->id.p,
                   (long long)event->retry_ms);
}

/* The lines of one piece. -1 when an event is too large. */
static int read_piece(struct buf *out, struct lines *l, struct events *e)
{
    struct client_event event;
    struct str line;

    while (lines_next(l, &line) == 1) {
        int result = events_line(e, line, &event);
        if (result < 0)
            return -1;
        if (result == 1)
            show(out, &event);
    }
    return 0;
}

static int read_events(struct buf *out, const char *text, size_t size)
{
    struct lines l;
    struct events e;
    size_t n = strlen(text);
    int result = 0;

    out->n = 0;
    lines_init(&l, true, 1000);
    events_init(&e, 40);
    for (size_t at = 0; at < n && result == 0; at += size) {
        lines_feed(&l, str_make(text + at, n - at < size ? n - at : size));
        result = read_piece(out, &l, &e);
    }
    lines_finish(&l);
    events_finish(&e);
    return result;
}

static void events_follow_the_standard(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "data: one\n\n", "/one//-1;" },
        { "data:one\ndata:  two\ndata\n\n", "/one\n two\n//-1;" },
        { "event: add\ndata: x\n\ndata: y\n\n", "add/x//-1;/y//-1;" },
        { "id: 7\nretry: 3000\ndata: x\n\ndata: y\n\n", "/x/7/3000;/y/7/3000;" },
        { ": comment\n\nevent: lost\n\ndata: x\r\n\r\n", "/x//-1;" },
        { "\xef\xbb\xbf"
          "data: bom\n\n",
          "/bom//-1;" },
        { "data: cut", "" },
        { "data: cut\n", "" },
        { "data\n\n", "///-1;" },
        { "nonsense: 1\ndata:{\"a\":1}\n\nretry: x\ndata: z\n\n", "/{\"a\":1}//-1;/z//-1;" },
        { "data: a\r\rdata: b\r\r", "/a//-1;/b//-1;" },
    };
    struct buf got = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        for (size_t size = 1; size <= 40; size += 3) {
            assert_int_equal(read_events(&got, cases[i].text, size), 0);
            assert_string_equal(buf_text(&got), cases[i].want);
        }
    }
    assert_int_equal(read_events(&got, "data: 0123456789012345678901234567890123456789\n\n", 100), -1);
    assert_int_equal(read_events(&got, "data: 01234567890123456789\ndata: 01234567890123456789\n\n", 100),
                     -1);
    buf_finish(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_do_not_depend_on_the_cut),
        cmocka_unit_test(long_lines_are_refused),
        cmocka_unit_test(events_follow_the_standard),
    };
    return cmocka_run_group_tests_name("client events", tests, NULL, NULL);
}
