/* Markers, what Kimai's search is asked for, and where a text may be cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

static void only_the_whole_first_line_is_the_marker(void **state)
{
    const char *marker = "ZAM:T50|TA:6|C:1a2b3c4d";

    (void)state;
    assert_true(text_begins("ZAM:T50|TA:6|C:1a2b3c4d", marker));
    assert_true(text_begins("ZAM:T50|TA:6|C:1a2b3c4d\nPrinter", marker));
    assert_true(text_begins("ZAM:T50|TA:6|C:1a2b3c4d\r\nPrinter", marker));
    assert_false(text_begins("ZAM:T50|TA:61|C:1a2b3c4d\nPrinter", marker));
    assert_false(text_begins("ZAM:T50|TA:6|C:1a2b3c4d Printer", marker));
    assert_false(text_begins("Printer\nZAM:T50|TA:6|C:1a2b3c4d", marker));
    assert_false(text_begins("zam:t50|ta:6|c:1a2b3c4d", marker)); /* as a LIKE would find it */
    assert_false(text_begins("", marker));
    assert_false(text_begins(NULL, marker));
    assert_false(text_begins("ZAM:T50|TA:6|C:1a2b3c4d", "ZAM:T50|TA:6"));
}

static const char *term_of(const char *marker)
{
    static char term[TERM_SIZE];

    text_term(marker, term);
    return term;
}

/* "a:b" would be a search in a field. */
static void what_is_searched_for_has_no_colon(void **state)
{
    (void)state;
    assert_string_equal(term_of("ZAM:T50|TA:6|C:1a2b3c4d"), "T50|TA");
    assert_string_equal(term_of("ZAM:T50|TA:6"), "T50|TA");
    assert_string_equal(term_of("zid:4711"), "4711");
    assert_string_equal(term_of("Ticket #99 of Ann"), "#99");
    assert_string_equal(term_of("only words here"), "words");
    assert_string_equal(term_of("!5 !excluded"), "");
    assert_string_equal(term_of("back\\slash5 plain"), "plain");
    assert_string_equal(term_of(":::"), "");
    assert_string_equal(term_of(""), "");
}

static void a_piece_that_is_too_long_is_not_searched_for(void **state)
{
    char marker[400];

    (void)state;
    memset(marker, '7', sizeof(marker) - 1);
    marker[sizeof(marker) - 1] = '\0';
    assert_string_equal(term_of(marker), "");
    memcpy(marker + 300, ":T5:", 4);
    assert_string_equal(term_of(marker), "T5");
}

static void texts_are_cut_between_characters(void **state)
{
    (void)state;
    assert_int_equal(text_fitting("M\nab", 10), 4);
    assert_int_equal(text_fitting("M\nab", 4), 4);
    assert_int_equal(text_fitting("M\nab", 3), 3);
    assert_int_equal(text_fitting("M\naü", 4), 3);
    assert_int_equal(text_fitting("M\n€€", 7), 5);
    assert_int_equal(text_fitting("M\n\xf0\x9f\x98\x80x", 5), 2);
    assert_int_equal(text_fitting("M\n\xf0\x9f\x98\x80x", 6), 6);
}

static void a_marker_is_never_cut(void **state)
{
    (void)state;
    assert_int_equal(text_fitting("MARKER\nab", 6), 6);
    assert_int_equal(text_fitting("MARKER\nab", 5), -1);
    assert_int_equal(text_fitting("MARKER", 5), -1);
}

static void characters_are_counted(void **state)
{
    (void)state;
    assert_int_equal(text_length("aü€"), 3);
    assert_int_equal(text_bytes_of("aü€", 2), 3);
    assert_int_equal(text_bytes_of("aü€", 3), 6);
    assert_int_equal(text_bytes_of("aü€", 9), 6);
    assert_int_equal(text_bytes_of("aü€", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_whole_first_line_is_the_marker),
        cmocka_unit_test(what_is_searched_for_has_no_colon),
        cmocka_unit_test(a_piece_that_is_too_long_is_not_searched_for),
        cmocka_unit_test(texts_are_cut_between_characters),
        cmocka_unit_test(a_marker_is_never_cut),
        cmocka_unit_test(characters_are_counted),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
