#include "util/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/compiler.h"

static void texts_compare(void **state)
{
    (void)state;
    assert_true(str_equal(str_make(NULL, 0), str_from("")));
    assert_true(str_equal(str_from(NULL), STR_OF("")));
    assert_true(str_equal(STR_OF("a\0b"), str_make("a\0bc", 3)));
    assert_false(str_equal(STR_OF("ab"), STR_OF("abc")));
    assert_false(str_equal(STR_OF("ab"), STR_OF("aB")));
    assert_true(str_equal_nocase(STR_OF("Content-Length"), STR_OF("cONTENT-lENGTH")));
    assert_false(str_equal_nocase(STR_OF("@[`{"), STR_OF("`{@["))); /* 0x20 apart, but no letters */
    assert_false(str_equal_nocase(STR_OF("\xc3\x84"), STR_OF("\xc3\xa4")));
    assert_false(str_equal_nocase(STR_OF("a"), STR_OF("ab")));
}

static void ends_are_recognised(void **state)
{
    (void)state;
    assert_true(str_starts_with(STR_OF("/api/v1"), STR_OF("/api")));
    assert_true(str_starts_with(STR_OF("a"), STR_OF("")));
    assert_false(str_starts_with(STR_OF("a"), STR_OF("ab")));
    assert_true(str_ends_with(STR_OF("a.json"), STR_OF(".json")));
    assert_true(str_ends_with(STR_OF(""), STR_OF("")));
    assert_false(str_ends_with(STR_OF("json"), STR_OF(".json")));
}

static void characters_are_found(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR_OF("a=b=c"), '='), 1);
    assert_int_equal(str_find(STR_OF("abc"), '='), 3);
    assert_int_equal(str_find(str_make(NULL, 0), '='), 0);
}

static void blanks_are_trimmed(void **state)
{
    (void)state;
    assert_true(str_equal(str_trim(STR_OF(" \t a b\t ")), STR_OF("a b")));
    assert_true(str_equal(str_trim(STR_OF(" \t ")), STR_OF("")));
    assert_true(str_equal(str_trim(STR_OF("\na\r")), STR_OF("\na\r")));
}

static void lists_are_split(void **state)
{
    static const struct str wanted[] = { STR("a"), STR(""), STR("b"), STR("") };
    struct str rest = STR_OF("a,,b,"), item;
    size_t n = 0;

    (void)state;
    while (str_split(&rest, ',', &item)) {
        assert_true(n < DW_COUNT_OF(wanted));
        assert_true(str_equal(item, wanted[n++]));
    }
    assert_int_equal(n, DW_COUNT_OF(wanted));
    rest = STR_OF("");
    assert_true(str_split(&rest, ',', &item));
    assert_int_equal(item.n, 0);
    assert_false(str_split(&rest, ',', &item));
}

static void numbers_are_strict(void **state)
{
    static const char *const bad[] = {
        "", "+1", "-1", " 1", "1 ", "0x1", "1.", "18446744073709551616", "1a"
    };
    uint64_t n = 7;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++)
        assert_false(str_to_uint(str_from(bad[i]), UINT64_MAX, &n));
    assert_int_equal(n, 7); /* untouched */
    assert_true(str_to_uint(STR_OF("18446744073709551615"), UINT64_MAX, &n));
    assert_true(n == UINT64_MAX);
    assert_true(str_to_uint(STR_OF("0000000000000000000000065535"), 65535, &n));
    assert_int_equal(n, 65535);
    assert_false(str_to_uint(STR_OF("65536"), 65535, &n));
    assert_false(str_to_uint(STR_OF("9"), 8, &n));
    assert_true(str_to_uint(STR_OF("0"), 0, &n));
    assert_int_equal(n, 0);
}

static void hex_digits(void **state)
{
    (void)state;
    for (int c = -128; c < 128; c++) {
        int wanted = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (c >= 'A' && c <= 'F')
            wanted = c - 'A' + 10;
        assert_int_equal(str_hex_digit((char)c), wanted);
    }
}

static void utf8_is_checked(void **state)
{
    static const struct str good[] = {
        STR(""),
        STR("ascii\x7f"),
        STR("\xc2\x80\xdf\xbf"),
        STR("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
        STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
    };
    static const struct str bad[] = {
        STR("a\0b"),     /* NUL */
        STR("\x80"),     /* a tail alone */
        STR("\xc0\xaf"), /* '/' in two bytes */
        STR("\xc1\xbf"),
        STR("\xe0\x80\xaf"), /* '/' in three */
        STR("\xe0\x9f\xbf"),
        STR("\xf0\x80\x80\xaf"), /* '/' in four */
        STR("\xf0\x8f\xbf\xbf"),
        STR("\xed\xa0\x80"),     /* a surrogate */
        STR("\xf4\x90\x80\x80"), /* above U+10FFFF */
        STR("\xf5\x80\x80\x80"),
        STR("\xff"),
        STR("\xc3"), /* cut off */
        STR("\xe2\x82"),
        STR("\xf0\x9f\x98"),
        STR("\xe2\x82"
            "a"),
        STR("\xf0\x9f"
            "aa"),
        STR("\xc3\xc3"),
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(good); i++)
        assert_true(str_is_utf8(good[i]));
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        if (str_is_utf8(bad[i]))
            fail_msg("case %zu was taken for UTF-8", i);
    }
}

/* Plain bytes are looked at eight at a time. */
static void utf8_is_checked_at_every_place(void **state)
{
    char text[24];

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        for (size_t at = 0; at < sizeof(text); at++) {
            memset(text, 'x', sizeof(text));
            text[at] = (char)c;
            assert_int_equal(str_is_utf8(str_make(text, sizeof(text))), c > 0 && c < 0x80);
        }
    }
    for (size_t at = 0; at + 2 <= sizeof(text); at++) {
        memset(text, 1, sizeof(text));
        memcpy(text + at, "\xc3\xa4", 2);
        assert_true(str_is_utf8(str_make(text, sizeof(text))));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_compare),
        cmocka_unit_test(ends_are_recognised),
        cmocka_unit_test(characters_are_found),
        cmocka_unit_test(blanks_are_trimmed),
        cmocka_unit_test(lists_are_split),
        cmocka_unit_test(numbers_are_strict),
        cmocka_unit_test(hex_digits),
        cmocka_unit_test(utf8_is_checked),
        cmocka_unit_test(utf8_is_checked_at_every_place),
    };
    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
