/* timesync_guard_test.c - what one odd entry, another system behind a connection, a hold, a clock that was set do: nothing but
 * what they must. */
#include "sync_rig.h"

/* ---- odd ones ---- */

static const char *filled(char with, size_t n)
{
    static char text[(1 << 20) + 100];

    memset(text, with, n);
    text[n] = '\0';
    return text;
}

#define GIVEN(...) \
    DW_TRY(dw_entry_add(out, .customer = "Acme", .agent = "7", .agent_email = "ann@example.org", .activity = "work", \
                        .created = DAY, .changed = DAY, __VA_ARGS__))

static int odd_entries(dw_found *out, const dw_entry_query *q)
{
    if (q->ticket && strcmp(q->ticket, "9") != 0)
        return 0;
    GIVEN(.id = "long", .ticket = "9", .amount = "10", .text = filled('x', (1 << 20) + 50));
    GIVEN(.id = "title", .ticket = "9", .amount = "10", .ticket_title = filled('x', 5000));
    GIVEN(.id = "bytes", .ticket = "9", .amount = "10", .text = "M\xfcller");
    GIVEN(.id = filled('i', 300), .ticket = "9", .amount = "10");
    GIVEN(.id = "none", .ticket = "9");
    return 0;
}

static void an_odd_entry_hurts_only_itself(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{\"description\": \"{note}\"}");
    book("1", "1", "10");
    desk.more = odd_entries;
    desk.odd = 5;
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.created, 4);
    assert_int_equal(n.to_decide, 2);
    assert_non_null(page_for("1"));
    assert_non_null(page_for("long"));
    assert_non_null(strstr(page_for("bytes")->text, "M\xef\xbf\xbdller"));
    assert_string_equal(case_of("none"), "OTHER");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE reason = 'OTHER' AND detail LIKE '%200 bytes%'"), 1);
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.unchanged, 4);
    assert_int_equal(n.to_decide, 2);
    assert_string_equal(run_through(start_run("tickets", "{\"tickets\":[\"9\"]}", false, NULL)).state, "done");
}

static int odd_pages(dw_found *out)
{
    DW_TRY(dw_timesheet_add(out, .id = "monster", .text = filled('x', (1 << 20) + 50), .begin = DAY, .end = DAY));
    DW_TRY(dw_timesheet_add(out, .id = filled('i', 300), .text = "no id of use", .begin = DAY, .end = DAY));
    return 0;
}

static void an_odd_timesheet_hurts_only_itself(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    books.more = odd_pages;
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.created, 1);
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.unchanged, 1);
}

#define TEST(name) cmocka_unit_test_teardown(name, rig_stop)

static int run_group(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_odd_entry_hurts_only_itself),
        TEST(an_odd_timesheet_hurts_only_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    int failed = run_group();

    postgres = getenv("DOWEL_TEST_POSTGRES");
    if (postgres && *postgres)
        failed += run_group();
    return failed;
}
