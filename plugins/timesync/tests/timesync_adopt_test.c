/* timesync_adopt_test.c - timesheets that were there before: of a database that was restored, of older tools, of a connection made anew; doubles. */
#include "sync_rig.h"

/* ---- adoption ---- */

/* The database was restored from before the first sync: nothing doubles. */
static void a_restored_database_doubles_nothing(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    book("2", "1", "20");
    run("full");
    for (int round = 0; round < 2; round++) {
        struct numbers n;

        assert_true(dw_harness_sql(h, "DELETE FROM timesync_steps") >= 0);
        assert_true(dw_harness_sql(h, "DELETE FROM timesync_entries") >= 0);
        assert_true(dw_harness_sql(h, "DELETE FROM timesync_places") >= 0);
        if (round == 1) { /* a webhook comes before anything was compared */
            n = run_tickets("1");
        } else {
            n = run("full");
        }
        assert_int_equal(n.adopted, 2);
        assert_int_equal(n.created, 2);
        assert_int_equal(pages(), 2);
        assert_int_equal(books.writes, 2);
        assert_int_equal(books.n_projects, 1);
    }
    assert_int_equal(run("full").unchanged, 2);
}

static void rows_of_other_tools_are_adopted(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    book("2", "1", "20");
    book("3", "1", "30");
    book("4", "1", "40");
    old_page("ZAM:T1|TA:1\nTicket-1", "", 0, 600);       /* where ours would lie */
    old_page("no marker", "zid:2,ticket:#1", 600, 1200); /* begins when it was booked */
    old_page("ZAM:T1|TA:3", "", -7200, 1800);            /* elsewhere in time */
    old_page("ZAM:T99|TA:4", "", 600 - 2400, 2400);      /* of another ticket: not ours */
    n = run("full");
    assert_int_equal(n.adopted, 2);
    assert_int_equal(n.created, 3);
    assert_int_equal(n.to_decide, 1);
    assert_string_equal(case_of("3"), "TIME_MISMATCH");
    assert_string_equal(state_of("1"), "synced");
    assert_int_equal(books.writes, 1);
    assert_non_null(page_for("4"));
    assert_int_equal(run("full").unchanged, 3);
    assert_int_equal(books.writes, 1);
}

/* The source's connection was deleted and made anew: its marker is another one, the timesheets are the same. */
static void a_connection_made_anew_doubles_nothing(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    book("2", "1", "20");
    old_page("ZAM:T1|TA:1|C:01234567\nA title", "", 0, 600);
    old_page("ZAM:T1|TA:2|C:01234567\nA title", "", -86400,
             1200); /* another server's, whose ids are the same by chance */
    n = run("full");
    assert_int_equal(n.adopted, 1);
    assert_int_equal(n.created, 2);
    assert_int_equal(books.creates, 1);
    edit(&desk.all[0], "15");
    assert_int_equal(run("full").updated, 1);
    assert_true(strncmp(books.all[0].text, "ZAM:T1|TA:1|C:01234567\n", 23) == 0);
    assert_int_equal(books.all[0].seconds, 900);
    assert_int_equal(run("full").unchanged, 2);
}

/* Two whose connections are not there, and neither agrees: other servers may have written them, so nobody is asked. */
static void several_of_other_servers_are_left_alone(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    old_page("ZAM:T1|TA:1|C:01234567", "", -86400, 1200);
    old_page("ZAM:T1|TA:1|C:76543210", "", -86400, 1500);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run("full").to_decide, 0);
        assert_int_equal(count("SELECT count(*) FROM timesync_cases"), 0);
        assert_int_equal(books.creates, 1);
    }
}

/* As long as nobody has decided about an older tool's timesheet, an edit of the entry makes none beside it. */
static void none_is_made_beside_an_older_one(void **state)
{
    (void)state;
    rig_start("{}");
    old_page("ZAM:T1|TA:1", "", 0, 7200);
    book("1", "1", "10");
    assert_int_equal(run("full").to_decide, 1);
    edit(&desk.all[0], "20");
    dw_harness_advance(h, DW_MINUTES(1));
    run("poll");
    assert_int_equal(books.creates, 0);
    assert_string_equal(case_of("1"), "TIME_MISMATCH");
}

/* A single ticket before all of the target was ever looked at. */
static void a_ticket_first_of_all(void **state)
{
    (void)state;
    rig_start("{}");
    old_page("ZAM:T1|TA:1", "", 0, 7200);
    book("1", "1", "10");
    book("2", "1", "10");
    run_tickets("1");
    assert_int_equal(books.creates, 1);
    assert_string_equal(case_of("1"), "TIME_MISMATCH");
}

static void doubles_are_reported(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{\"target_deleted\":\"create\"}");
    book("1", "1", "10");
    run("full");
    copy_of("1", "copy");
    n = run("full");
    assert_int_equal(n.unchanged, 1);
    assert_int_equal(n.to_decide, 1);
    assert_int_equal(
        count("SELECT count(*) FROM timesync_cases WHERE reason = 'DUPLICATE' AND state = 'open'"), 1);
    run("full");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases"), 1);
    /* One of them goes: whichever it is, that was it. */
    books.all[1].gone = true;
    run("full");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'open'"), 0);
    books.all[1].gone = false;
    run("full");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'open'"), 1);
    books.all[0].gone = true;
    run("full");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'open'"), 0);
    assert_int_equal(pages(), 1);
    assert_int_equal(books.creates, 1);
    assert_int_equal(run("full").unchanged, 1);
}

/* Its step comes before that of the copy: what was a double when the target was listed is its own by then. */
static void a_double_becomes_its_own(void **state)
{
    struct booking *b;

    (void)state;
    rig_start("{\"target_deleted\":\"create\"}");
    b = book("1", "1", "10");
    run("full");
    copy_of("1", "copy");
    run("full");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'open'"), 1);
    books.all[0].gone = true;
    snprintf(b->note, sizeof(b->note), "said by telephone");
    edit(b, "10");
    run("full");
    assert_int_equal(pages(), 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'open'"), 0);
}

/* A timesheet with our marker of which the source knows nothing. */
static void orphans_are_reported(void **state)
{
    char text[64];

    (void)state;
    rig_start("{}");
    snprintf(text, sizeof(text), "ZAM:T1|TA:77|C:%s", source + strlen(source) - 8);
    old_page(text, "", 0, 600);
    assert_int_equal(run("full").to_decide, 1);
    assert_int_equal(
        count("SELECT count(*) FROM timesync_cases WHERE reason = 'DELETED_SOURCE' AND entry IS NULL"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(a_restored_database_doubles_nothing),
        ON(rows_of_other_tools_are_adopted),
        ON(a_connection_made_anew_doubles_nothing),
        ON(several_of_other_servers_are_left_alone),
        ON(none_is_made_beside_an_older_one),
        ON(a_ticket_first_of_all),
        ON(doubles_are_reported),
        ON(a_double_becomes_its_own),
        ON(orphans_are_reported),
    };

    return ON_EVERY_ENGINE("adoption", tests);
}
