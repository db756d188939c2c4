#include "util/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>

#include "util/compiler.h"

static void what_is_added_is_there(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    assert_string_equal(buf_text(&b), "");
    buf_add_text(&b, "n=");
    buf_add_text(&b, NULL);
    buf_add_int(&b, INT64_MIN);
    buf_add_char(&b, ' ');
    buf_add_uint(&b, UINT64_MAX);
    buf_add_str(&b, STR_OF(" x"));
    buf_add_str(&b, str_make(NULL, 0));
    buf_add_format(&b, " %s-%d", "y", 7);
    buf_add_int(&b, 0);
    assert_string_equal(buf_text(&b), "n=-9223372036854775808 18446744073709551615 x y-70");
    assert_int_equal(buf_str(&b).n, strlen(buf_text(&b)));
    assert_false(buf_failed(&b));
    buf_finish(&b);
    assert_int_equal(b.n, 0);
    buf_add_text(&b, "again");
    assert_string_equal(buf_text(&b), "again");
    buf_finish(&b);
}

/* Every size around the places where it grows. */
static void it_grows(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        buf_add_char(&b, (char)i);
        assert_true(b.cap >= b.n);
        if (i % 127 == 0)
            assert_int_equal(buf_text(&b)[b.n], 0);
    }
    for (unsigned i = 0; i < 5000; i++)
        assert_int_equal(b.p[i], (char)i);
    buf_finish(&b);
    assert_true(buf_reserve(&b, 100000));
    assert_true(b.cap >= 100000);
    char *before = b.p;
    buf_add_format(&b, "%0999d", 1);
    assert_ptr_equal(b.p, before);
    assert_int_equal(b.n, 999);
    buf_finish(&b);
}

static void failure_sticks(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_add_text(&b, "kept");
    assert_false(buf_reserve(&b, SIZE_MAX - 2));
    assert_true(buf_failed(&b));
    buf_add_text(&b, "lost");
    buf_add_format(&b, "%d", 1);
    assert_int_equal(b.n, 4);
    assert_string_equal(buf_text(&b), "");
    buf_finish(&b);
    assert_false(buf_failed(&b));
}

static void assert_json(struct str s, const char *wanted)
{
    struct buf b = BUF_INIT;

    buf_add_json(&b, s);
    assert_string_equal(buf_text(&b), wanted);
    buf_finish(&b);
}

static void json_is_escaped(void **state)
{
    (void)state;
    assert_json(str_make(NULL, 0), "\"\"");
    assert_json(STR_OF("plain / text"), "\"plain / text\"");
    assert_json(STR_OF("\"\\"), "\"\\\"\\\\\"");
    assert_json(STR_OF("a\nb\rc\td"), "\"a\\nb\\rc\\td\"");
    assert_json(STR_OF("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\\u007f\"");
    assert_json(STR_OF("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    assert_json(STR_OF("\xc2\x9b"
                       "31m\xc2\xa0"),
                "\"\\u009b31m\xc2\xa0\"");
}

#define REPLACED "\xef\xbf\xbd"

static void json_is_always_utf8(void **state)
{
    (void)state;
    assert_json(STR_OF("a\xff"
                       "b"),
                "\"a" REPLACED "b\"");
    assert_json(STR_OF("\xc3"), "\"" REPLACED "\"");
    assert_json(STR_OF("\xc3\""), "\"" REPLACED "\\\"\"");
    assert_json(STR_OF("\xe2\x82"), "\"" REPLACED REPLACED "\"");
    assert_json(STR_OF("\xe2\x82\xc3\xa9"), "\"" REPLACED REPLACED "\xc3\xa9\"");
    assert_json(STR_OF("\xed\xa0\x80"), "\"" REPLACED REPLACED REPLACED "\"");
    assert_json(STR_OF("\xc0\xaf"), "\"" REPLACED REPLACED "\"");
}

/* Whatever the bytes are, the string ends where it ends, and nothing in it is a control character. */
static void random_bytes_stay_inside(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        char bytes[12];
        struct buf b = BUF_INIT;
        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (char)(seed >> 24);
        }
        buf_add_json(&b, str_make(bytes, round % (sizeof(bytes) + 1)));
        assert_true(str_is_utf8(buf_str(&b)));
        assert_int_equal(b.p[0], '"');
        for (size_t i = 1; i + 1 < b.n; i++) {
            assert_true((unsigned char)b.p[i] >= 0x20);
            assert_true(b.p[i] != '"');
            i += b.p[i] == '\\';
        }
        assert_int_equal(b.p[b.n - 1], '"');
        buf_finish(&b);
    }
}

/* ---- checked ---- */

/* The code point at p by the book, character by character; its length, or 0 when it is none. */
static size_t decode(const unsigned char *p, size_t n, uint32_t *out)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t length = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;

    if (length == 0 || length > n)
        return 0;
    *out = length == 1 ? p[0] : p[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        *out = *out << 6 | (p[i] & 0x3fu);
    }
    return *out == 0 || *out < least[length] || *out > 0x10ffff || (*out >= 0xd800 && *out < 0xe000) ? 0
                                                                                                     : length;
}

static bool write_by_the_book(struct str s, struct buf *b)
{
    uint32_t c;

    buf_add_char(b, '"');
    for (size_t i = 0, length; i < s.n; i += length) {
        length = decode((const unsigned char *)s.p + i, s.n - i, &c);
        if (length == 0)
            return false;
        if (c == '"' || c == '\\')
            buf_add_format(b, "\\%c", (int)c);
        else if (c == '\n' || c == '\r' || c == '\t')
            buf_add_format(b, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
            buf_add_format(b, "\\u%04x", (unsigned)c);
        else
            buf_add(b, s.p + i, length);
    }
    buf_add_char(b, '"');
    return true;
}

static void assert_checked(struct str s)
{
    struct buf wanted = BUF_INIT, got = BUF_INIT;

    buf_add_text(&wanted, "kept");
    buf_add_text(&got, "kept");
    bool is_text = write_by_the_book(s, &wanted);
    if (!is_text)
        wanted.n = strlen("kept");
    assert_int_equal(str_is_utf8(s), is_text);
    assert_int_equal(buf_add_json_checked(&got, s), is_text);
    assert_string_equal(buf_text(&got), buf_text(&wanted));
    buf_finish(&got);
    buf_finish(&wanted);
}

/* Texts of all that is treated in a way of its own, at all distances from each other; with `torn`, now and then a piece
 * of a character. */
static size_t make_text(uint32_t *seed, bool torn, char *out, size_t n)
{
    static const char *const pieces[] = {
        "plain",
        "eight ch",
        "quite a long one, of thirty-two b",
        "\"",
        "\\",
        "\n",
        "\x01",
        "\x1f",
        "\x7f",
        " ",
        "\x7e",
        "!",
        "\xc3\xa9",
        "\xc2\x9b",
        "\xc2\xa0",
        "x",
        "[",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "\xef\xbf\xbd",
    };
    static const char *const torn_pieces[] = {
        "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\x80", "\xed\xa0\x80", "\xc0\xaf", "\xff", "\xf4\x90\x80\x80"
    };
    size_t at = 0;

    for (unsigned i = 0; i < 12; i++) {
        *seed = *seed * 1664525 + 1013904223;
        unsigned drawn = *seed >> 16;
        bool is_torn = torn && drawn % 16 == 0;
        const char *piece = is_torn ? torn_pieces[drawn / 16 % DW_COUNT_OF(torn_pieces)]
                                    : pieces[drawn / 16 % DW_COUNT_OF(pieces)];
        if (strlen(piece) > n - at)
            break;
        memcpy(out + at, piece, strlen(piece));
        at += strlen(piece);
    }
    return at;
}

static void checked_json_is_that_of_two_passes(void **state)
{
    uint32_t seed = 7;
    char text[200];

    (void)state;
    for (unsigned round = 0; round < 50000; round++) {
        size_t n = make_text(&seed, round % 2, text, sizeof(text));
        assert_checked(str_make(text, n));
        assert_checked(str_make(text, n / 2)); /* torn at any place */
    }
    assert_checked(str_make(NULL, 0));
    for (size_t at = 0; at < 64; at++) {
        memset(text, 'x', 64);
        text[at] = 0;
        assert_checked(str_make(text, 64));
        assert_checked(str_make(text, at));
    }
}

/* Whatever stands before and behind it: plain bytes are looked at eight at a time. */
static void json_is_escaped_at_every_place(void **state)
{
    char text[24], wanted[64];
    struct buf b = BUF_INIT;

    (void)state;
    for (unsigned c = 1; c < 128; c++) {
        for (size_t at = 0; at < sizeof(text); at++) {
            const char as_it_is[] = { (char)c, 0 };
            char escaped[8];
            snprintf(escaped, sizeof(escaped), "\\u%04x", c);
            const char *is = c == '"'                ? "\\\""
                             : c == '\\'             ? "\\\\"
                             : c == '\n'             ? "\\n"
                             : c == '\r'             ? "\\r"
                             : c == '\t'             ? "\\t"
                             : c < 0x20 || c == 0x7f ? escaped
                                                     : as_it_is;
            memset(text, 'x', sizeof(text));
            text[at] = (char)c;
            snprintf(wanted, sizeof(wanted), "\"%.*s%s%.*s\"", (int)at, "xxxxxxxxxxxxxxxxxxxxxxxx", is,
                     (int)(sizeof(text) - at - 1), "xxxxxxxxxxxxxxxxxxxxxxxx");
            b.n = 0;
            buf_add_json(&b, str_make(text, sizeof(text)));
            assert_string_equal(buf_text(&b), wanted);
        }
    }
    buf_finish(&b);
}

/* For a sanitizer to look at: there is nothing that could be read. */
static void an_empty_text_needs_no_bytes(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_add_json(&b, str_make(NULL, 0));
    assert_true(buf_add_json_checked(&b, str_make(NULL, 0)));
    assert_string_equal(buf_text(&b), "\"\"\"\"");
    buf_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_text_needs_no_bytes),
        cmocka_unit_test(what_is_added_is_there),
        cmocka_unit_test(it_grows),
        cmocka_unit_test(failure_sticks),
        cmocka_unit_test(json_is_escaped),
        cmocka_unit_test(json_is_escaped_at_every_place),
        cmocka_unit_test(json_is_always_utf8),
        cmocka_unit_test(random_bytes_stay_inside),
        cmocka_unit_test(checked_json_is_that_of_two_passes),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
