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

/* ---- another system ---- */

static void lead_to(const char *connection, const char *url)
{
    json_t *settings = json_pack("{s:s}", "url", url);

    sql_ok(dw_harness_sql(h, "UPDATE dowel_connections SET settings = $2 WHERE id = $1", connection, settings));
    json_decref(settings);
}

static const char *held(void)
{
    const char *reason = "";

    sql_ok(dw_harness_find(h, DW_TO(&reason), "SELECT held_reason FROM timesync_syncs"));
    return reason;
}

static void nothing_happens_elsewhere(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{\"target_edited\":\"restore\",\"source_deleted\":\"remove\",\"max_deletions\":0}");
    book("1", "1", "10");
    book("2", "1", "10");
    run("full");
    snprintf(page_for("1")->user, 32, "somebody");
    snprintf(page_for("2")->text, 300, "another one's");
    snprintf(desk.all[0].amount, 32, "20");
    desk.all[0].changed.us += 1000000;
    const unsigned writes = books.writes, lists = books.lists;

    lead_to(target, "https://there.example");
    n = run("full");
    assert_string_equal(n.state, "failed");
    assert_string_equal(n.reason, "MOVED");
    assert_string_equal(held(), "MOVED");
    assert_int_equal(books.writes, writes);
    assert_int_equal(books.lists, lists);
    assert_int_equal(books.removes, 0);
    lead_to(target, "https://here.example/"); /* the same again */
    lead_to(source, "https://there.example");
    desk.all[0].gone = desk.all[1].gone = true;
    n = run("full");
    assert_string_equal(n.reason, "MOVED");
    assert_int_equal(books.writes, writes);
    assert_int_equal(count("SELECT count(*) FROM timesync_entries WHERE gone_at IS NOT NULL"), 0);
    lead_to(source, "https://here.example");
    desk.all[0].gone = desk.all[1].gone = false;
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_string_equal(held(), "");
}

/* The address is the same, and there is another system, or another database: ids are those of strangers. */
static void a_strangers_timesheet_is_left_alone(void **state)
{
    static const char stranger[] = "something else that is billed", other[] = "ZAM:T1|TA:1|C:00000000\nours no more";
    struct page *first, *second, *third;
    unsigned writes;

    (void)state;
    rig_start("{\"target_edited\":\"restore\",\"source_deleted\":\"remove\",\"max_deletions\":0}");
    book("1", "1", "10");
    book("2", "2", "10");
    book("3", "3", "10");
    run("full");
    first = page_for("1");
    second = page_for("2");
    third = page_for("3");
    snprintf(first->text, sizeof(first->text), "%s", other);
    snprintf(second->text, sizeof(second->text), "%s", stranger);
    snprintf(third->text, sizeof(third->text), "%s", stranger);
    snprintf(desk.all[1].amount, 32, "20");
    desk.all[2].gone = true;
    writes = books.writes;
    run("full");
    run("full");
    assert_int_equal(books.writes, writes);
    assert_int_equal(books.removes, 0);
    assert_string_equal(first->text, other);
    assert_string_equal(second->text, stranger);
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
    assert_string_equal(case_of("2"), "TARGET_CHANGED");
    assert_string_equal(case_of("3"), "BOTH_CHANGED");
    /* Somebody says so, and still it has the first line of another one. */
    const char *id = "";
    char scope[200];

    sql_ok(dw_harness_find(h, DW_TO(&id), "SELECT id FROM timesync_entries WHERE source_id = '1'"));
    snprintf(scope, sizeof(scope), "{\"action\":\"update\",\"keys\":[\"%s\"]}", id);
    run_through(start_run("decide", scope, false, NULL));
    sql_ok(dw_harness_find(h, DW_TO(&id), "SELECT id FROM timesync_entries WHERE source_id = '3'"));
    snprintf(scope, sizeof(scope), "{\"action\":\"remove\",\"keys\":[\"%s\"]}", id);
    run_through(start_run("decide", scope, false, NULL));
    assert_int_equal(books.writes, writes);
    assert_int_equal(books.removes, 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, rig_stop)

static int run_group(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_odd_entry_hurts_only_itself),
        TEST(an_odd_timesheet_hurts_only_itself),
        TEST(nothing_happens_elsewhere),
        TEST(a_strangers_timesheet_is_left_alone),
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
