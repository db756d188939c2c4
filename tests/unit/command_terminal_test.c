/* The line that says how far a command is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/command_terminal.h"

static void check(int64_t done, int64_t total, const char *what, size_t columns, const char *wanted)
{
    struct buf line = BUF_INIT;

    terminal_write_progress(&line, done, total, str_from(what), columns);
    assert_string_equal(buf_text(&line), wanted);
    buf_finish(&line);
}

static void test_how_far_it_is(void **state)
{
    (void)state;
    check(0, 0, "reading", 79, "reading");
    check(5, 0, "entries", 79, "5 entries");
    check(0, 40, "entries", 45, "0 of 40 entries  [-------------------]   0 %");
    check(39, 40, "entries", 45, "39 of 40 entries  [#################-]  97 %");
    check(40, 40, "entries", 45, "40 of 40 entries  [##################] 100 %");
    check(41, 40, "entries", 45, "41 of 40 entries  [##################] 100 %");
    check(1, 2, "entries", 200, "1 of 2 entries  [####################--------------------]  50 %");
}

static void test_a_narrow_window(void **state)
{
    (void)state;
    check(20, 40, "entries", 36, "20 of 40 entries");
    check(20, 40, "entries", 37, "20 of 40 entries  [#####-----]  50 %");
    check(20, 40, "entries", 8, "20 of 40");
    check(0, 0, "\xc3\xbc\xc3\xb6\xc3\xa4", 2, "\xc3\xbc\xc3\xb6");
    check(0, 0, "evil\x1b[2J", 79, "evil\\u001b[2J");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_how_far_it_is),
        cmocka_unit_test(test_a_narrow_window),
    };

    return cmocka_run_group_tests_name("command_terminal", tests, NULL, NULL);
}
