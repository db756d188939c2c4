/* timesync_marker_test.c - what is written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "marker.h"

const void *dw_host_;

static void is_written(void **state)
{
    char line[MARKER_SIZE];

    (void)state;
    assert_int_equal(marker_write("4711", "61", "0abcdef9", line), 0);
    assert_string_equal(line, "ZAM:T4711|TA:61|C:0abcdef9");
    assert_int_equal(marker_write("", "61", "0abcdef9", line), -1);
    assert_int_equal(marker_write("1", NULL, "0abcdef9", line), -1);
    assert_int_equal(marker_write("1", "1", "short", line), -1);
}

static void comes_back(void **state)
{
    static const char *const ids[] = { "1",           "4711", "a|b", "x|TA:9|C:00000000",
                                       "line\nbreak", "50%",  "%7C", "\r\t",
                                       "ä",           " ",    "T1",  ":",
                                       "\x7f" };
    const size_t n = sizeof(ids) / sizeof(*ids);

    (void)state;
    for (size_t i = 0; i < n * n; i++) {
        char line[MARKER_SIZE], text[MARKER_SIZE + 10];
        struct marker m;

        assert_int_equal(marker_write(ids[i / n], ids[i % n], "01234567", line), 0);
        assert_null(strpbrk(line, "\r\n"));
        snprintf(text, sizeof(text), "%s\nrest", line);
        assert_int_equal(marker_read(text, &m), 1);
        assert_string_equal(m.ticket, ids[i / n]);
        assert_string_equal(m.entry, ids[i % n]);
        assert_string_equal(m.mark, "01234567");
    }
}

static void longest_ids_fit(void **state)
{
    char id[MARKER_ID + 2], line[MARKER_SIZE];
    struct marker m;

    (void)state;
    memset(id, '|', MARKER_ID);
    id[MARKER_ID] = '\0';
    assert_int_equal(marker_write(id, id, "01234567", line), 0);
    assert_true(strlen(line) < MARKER_SIZE);
    assert_int_equal(marker_read(line, &m), 1);
    assert_string_equal(m.entry, id);
    id[MARKER_ID] = '|';
    id[MARKER_ID + 1] = '\0';
    assert_int_equal(marker_write(id, "1", "01234567", line), -1);
}

static void reads_the_older_form(void **state)
{
    struct marker m;

    (void)state;
    assert_int_equal(marker_read("ZAM:T50|TA:6\nTicket-50", &m), 1);
    assert_string_equal(m.ticket, "50");
    assert_string_equal(m.entry, "6");
    assert_string_equal(m.mark, "");
}

static void is_not_what_looks_like_one(void **state)
{
    static const char *const none[] = { "",
                                        "hello",
                                        " ZAM:T1|TA:2",
                                        "ZAM:T|TA:2",
                                        "ZAM:T1|TA:",
                                        "ZAM:T1",
                                        "ZAM:T1\n|TA:2",
                                        "ZAM:T1|TB:2",
                                        "ZAM:T1|TA:2|C:123",
                                        "ZAM:T1|TA:2|C:ABCDEFGH",
                                        "ZAM:T1|TA:2|C:12345678 ",
                                        "ZAM:T1|TA:2|X:12345678",
                                        "zam:T1|TA:2",
                                        "ZAM:T1|TA:%0",
                                        "ZAM:T1|TA:%00",
                                        "ZAM:T1|TA:%zz",
                                        "text\nZAM:T1|TA:2" };
    struct marker m;

    (void)state;
    assert_int_equal(marker_read(NULL, &m), 0);
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
        if (marker_read(none[i], &m))
            fail_msg("'%s' was taken for a marker", none[i]);
}

static void reads_tags(void **state)
{
    const char *const tags[] = { "source:zammad", "ticket:#50", "zid:6" };
    struct marker m;

    (void)state;
    assert_int_equal(marker_read_tags(tags, 3, &m), 1);
    assert_string_equal(m.entry, "6");
    assert_string_equal(m.ticket, "50");
    assert_int_equal(marker_read_tags(tags, 2, &m), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_written),
        cmocka_unit_test(comes_back),
        cmocka_unit_test(longest_ids_fit),
        cmocka_unit_test(reads_the_older_form),
        cmocka_unit_test(is_not_what_looks_like_one),
        cmocka_unit_test(reads_tags),
    };

    return cmocka_run_group_tests_name("markers", tests, NULL, NULL);
}
