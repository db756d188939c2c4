/* base64 as tokens and hashes have it: one text for each value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "b64.h"

static void texts_are_those_of_the_rfc(void **state)
{
    static const char *const pairs[][2] = {
        { "", "" },           { "f", "Zg" },          { "fo", "Zm8" },          { "foo", "Zm9v" },
        { "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" }, { "foobar", "Zm9vYmFy" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char text[B64_SIZE(6) + 1], bytes[B64_MAX_READ(8)];
        size_t n;
        assert_int_equal(b64_write(text, pairs[i][0], strlen(pairs[i][0]), B64_PLAIN), strlen(pairs[i][1]));
        assert_string_equal(text, pairs[i][1]);
        assert_int_equal(b64_read(bytes, &n, text, strlen(text), B64_PLAIN), 0);
        assert_int_equal(n, strlen(pairs[i][0]));
        assert_memory_equal(bytes, pairs[i][0], n);
    }
}

static void alphabets_differ_in_two_digits(void **state)
{
    static const char *const texts[] = { [B64_URL] = "-_-_", [B64_PLAIN] = "+/+/", [B64_PASSLIB] = "././" };
    (void)state;

    for (int written = B64_URL; written <= B64_PASSLIB; written++) {
        char text[5];
        b64_write(text, "\xfb\xff\xbf", 3, (enum b64_alphabet)written);
        assert_string_equal(text, texts[written]);
        for (int read = B64_URL; read <= B64_PASSLIB; read++) {
            char bytes[3];
            size_t n;
            assert_int_equal(b64_read(bytes, &n, text, 4, (enum b64_alphabet)read), written == read ? 0 : -1);
        }
    }
}

/* All texts of two characters: a byte has exactly one. */
static void a_value_has_one_text(void **state)
{
    size_t seen[256] = { 0 };
    (void)state;

    for (int first = 0; first < 256; first++) {
        for (int second = 0; second < 256; second++) {
            const char text[2] = { (char)first, (char)second };
            unsigned char byte[2];
            size_t n;
            if (b64_read(byte, &n, text, 2, B64_URL) != 0)
                continue;
            assert_int_equal(n, 1);
            seen[byte[0]]++;
        }
    }
    for (size_t i = 0; i < 256; i++)
        assert_int_equal(seen[i], 1);
}

static void nothing_else_is_read(void **state)
{
    static const char *const wrong[] = { "A",      "AAAAA", "AA==", "AAA=", "AA A", " AAAA",
                                         "AAAA\n", "A.AA",  "AB",   "AAB",  "AAAA=" };
    char bytes[16];
    size_t n;
    (void)state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (b64_read(bytes, &n, wrong[i], strlen(wrong[i]), B64_URL) == 0)
            fail_msg("'%s' was read", wrong[i]);
        assert_int_equal(n, 0);
    }
    assert_int_equal(b64_read(bytes, &n, "AA\0A", 4, B64_URL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_those_of_the_rfc),
        cmocka_unit_test(alphabets_differ_in_two_digits),
        cmocka_unit_test(a_value_has_one_text),
        cmocka_unit_test(nothing_else_is_read),
    };

    return cmocka_run_group_tests_name("b64", tests, NULL, NULL);
}
