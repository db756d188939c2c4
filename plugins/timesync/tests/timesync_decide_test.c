/* timesync_decide_test.c - what a person chose is carried out for what that person has seen, and for nothing else. */
#include "sync_rig.h"

static const char *key_of(const char *entry)
{
    static char key[64];
    const char *found = "";

    sql_ok(dw_harness_find(
        h, DW_TO(&found),
        "SELECT coalesce((SELECT CAST(id AS TEXT) FROM timesync_entries WHERE source_id = $1), $1)", entry));
    snprintf(key, sizeof(key), "%s", found);
    return key;
}

/* A person chooses, and other runs come before the one that carries it out. */
static void chosen(const char *entry, const char *action)
{
    sql_ok(dw_harness_sql(
        h, "UPDATE timesync_cases SET state = 'deciding', action = $2 WHERE key = $1 AND state = 'open'",
        key_of(entry), action));
}

static const char *decision(const char *entry, const char *action)
{
    char scope[200];

    snprintf(scope, sizeof(scope), "{\"action\":\"%s\",\"note\":\"\",\"keys\":[\"%s\"]}", action,
             key_of(entry));
    return start_run("decide", scope, false, NULL);
}

static int64_t cases_in(const char *what)
{
    int64_t n = -1;

    sql_ok(dw_harness_find(h, DW_TO(&n), "SELECT count(*) FROM timesync_cases WHERE state = $1", what));
    return n;
}

static void edited_there(void)
{
    rig_start("{}");
    book("1", "1", "10");
    book("2", "1", "10");
    run("full");
    edit_page(page_for("1"), 300);
    run("full");
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
}

/* Its ticket is read, and then the target fails: the case shows what was booked before. */
static void read_and_not_told(void)
{
    dw_harness_advance(h, DW_MINUTES(2));
    books.fails = DW_EAUTH;
    assert_string_equal(run_tickets("1").state, "failed");
    books.fails = 0;
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
}

/* ---- what it is about ---- */

/* Else what the source says now would count as what the timesheet was made from, and would never come. */
static void what_was_booked_meanwhile_is_not_lost(void **state)
{
    (void)state;
    edited_there();
    edit(&desk.all[0], "30");
    read_and_not_told();
    assert_int_equal(choose("1", "keep", NULL).to_decide, 1);
    assert_string_equal(case_of("1"), "BOTH_CHANGED");
    assert_int_equal(page_for("1")->seconds, 900);
    choose("1", "keep", NULL); /* of what is shown now */
    assert_string_equal(state_of("1"), "synced");
    assert_int_equal(run("full").unchanged, 2);
    assert_int_equal(page_for("1")->seconds, 900);
}

static void what_is_gone_meanwhile_is_told(void **state)
{
    (void)state;
    edited_there();
    desk.all[0].gone = true;
    read_and_not_told();
    assert_int_equal(choose("1", "keep", NULL).to_decide, 1);
    assert_string_equal(case_of("1"), "DELETED_SOURCE");
    choose("1", "unfollow", NULL);
    assert_string_equal(state_of("1"), "unfollowed");
}

/* Somebody works on a copy that another one wants removed. */
static void a_copy_is_not_removed_unseen(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    copy_of("1", "copy");
    run("full");
    chosen("sheet:copy", "remove");
    edit_page(page_of("copy"), 3600);
    run("full");
    assert_int_equal(cases_in("open"), 1);
    assert_int_equal(run_through(decision("sheet:copy", "remove")).to_decide, 1);
    assert_int_equal(books.removes, 0);
    assert_int_equal(cases_in("open"), 1);
    assert_int_equal(choose("sheet:copy", "remove", NULL).deleted, 1);
    assert_int_equal(pages(), 1);
}

/* What came too late is no reason to make one beside an older tool's. */
static void none_is_made_beside_an_older_one(void **state)
{
    (void)state;
    rig_start("{}");
    old_page("ZAM:T1|TA:1", "", 0, 7200);
    book("1", "1", "10");
    run("full");
    assert_string_equal(case_of("1"), "TIME_MISMATCH");
    chosen("1", "adopt");
    edit_page(page_of("old0"), 60);
    run("full");
    assert_int_equal(run_through(decision("1", "adopt")).to_decide, 1);
    assert_int_equal(books.creates, 0);
    assert_string_equal(case_of("1"), "TIME_MISMATCH");
    assert_int_equal(choose("1", "adopt", NULL).adopted, 1);
    assert_int_equal(run("full").unchanged, 1);
    assert_int_equal(books.creates, 0);
}

/* ---- who chose last ---- */

static void what_was_chosen_last_counts(void **state)
{
    char job[80];
    const char *last;

    (void)state;
    edited_there();
    chosen("1", "update");
    edit_page(page_for("1"), 300);
    run("full"); /* open again */
    chosen("1", "keep");
    last = decision("1", "keep");
    sql_ok(dw_harness_sql(h, "DELETE FROM dowel_jobs")); /* its turn comes later */
    run_through(decision("1", "update"));
    assert_int_equal(page_for("1")->seconds, 1200);
    assert_int_equal(cases_in("deciding"), 1);
    snprintf(job, sizeof(job), "{\"run\":\"%s\"}", last);
    sql_ok(dw_harness_add_job(h, "run", job));
    run_through(last);
    assert_int_equal(page_for("1")->seconds, 1200);
    assert_string_equal(state_of("1"), "synced");
    assert_int_equal(cases_in("resolved"), 1);
    assert_int_equal(run("full").unchanged, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(what_was_booked_meanwhile_is_not_lost), ON(what_is_gone_meanwhile_is_told),
        ON(a_copy_is_not_removed_unseen),          ON(none_is_made_beside_an_older_one),
        ON(what_was_chosen_last_counts),
    };

    return ON_EVERY_ENGINE("decisions", tests);
}
