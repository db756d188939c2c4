/* In which language a client is answered, and whether both say the same things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/language.h"
#include "http/problem.h"

static void the_client_says_which(void **state)
{
    static const struct {
        const char *field;
        enum http_language language;
    } cases[] = {
        { "", HTTP_ENGLISH },
        { "de", HTTP_GERMAN },
        { "DE-at", HTTP_GERMAN },
        { "en, de", HTTP_ENGLISH },
        { "de, en", HTTP_ENGLISH }, /* as much: the one that every sentence has */
        { "de, en;q=0.9", HTTP_GERMAN },
        { "fr, de;q=0.1", HTTP_GERMAN },
        { "*, de;q=0.5", HTTP_ENGLISH },
        { "de;q=0", HTTP_ENGLISH },
        { "den", HTTP_ENGLISH },
        { "de;q=0.001", HTTP_GERMAN },
        { ",,;,=,;q=;", HTTP_ENGLISH },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (http_language_of(str_from(cases[i].field)) != cases[i].language)
            fail_msg("%s", cases[i].field);
    }
}

/* "%s %llu" of a format. */
static void conversions_of(const char *format, char *out, size_t size)
{
    size_t n = 0;

    for (const char *p = format; *p && n + 8 < size; p++) {
        if (*p != '%')
            continue;
        size_t length = strspn(p + 1, "0123456789.l") + 2;
        memcpy(out + n, p, length);
        n += length;
        out[n++] = ' ';
        p += length - 1;
    }
    out[n] = 0;
}

static void both_say_the_same(void **state)
{
    const char *english, *german, *other, *unused;

    (void)state;
    for (size_t i = 0; (english = http_sentence_at(i, &german)); i++) {
        char a[100], b[100];
        conversions_of(english, a, sizeof(a));
        conversions_of(german, b, sizeof(b));
        assert_string_equal(a, b);
        assert_true(str_is_utf8(str_from(german)));
        assert_string_equal(http_say(HTTP_GERMAN, english), german);
        assert_ptr_equal(http_say(HTTP_ENGLISH, english), english);
        for (size_t k = 0; k < i; k++) {
            other = http_sentence_at(k, &unused);
            assert_string_not_equal(other, english);
        }
    }
    assert_string_equal(http_say(HTTP_GERMAN, "of nobody"), "of nobody");
    assert_null(http_say(HTTP_GERMAN, NULL));
}

static void every_problem_has_both_titles(void **state)
{
    const struct problem *p;

    (void)state;
    for (size_t i = 0; (p = problem_at(i)); i++) {
        struct buf out = BUF_INIT;
        assert_non_null(p->german);
        assert_string_not_equal(p->german, p->title);
        problem_write_in(&out, HTTP_GERMAN, p->status, STR_OF("x"), STR_OF(""), NULL, 0);
        assert_non_null(strstr(buf_text(&out), p->german));
        assert_null(strstr(buf_text(&out), p->title));
        buf_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_says_which),
        cmocka_unit_test(both_say_the_same),
        cmocka_unit_test(every_problem_has_both_titles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
