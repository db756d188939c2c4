/* timesync_target_test.c - what somebody edits, exports or deletes at the target, and what the target refuses. */
#include "sync_rig.h"

/* ---- the target ---- */

static void an_edit_there_is_a_case(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    edit_page(page_for("1"), 60);
    n = run("full");
    assert_int_equal(n.to_decide, 1);
    assert_int_equal(n.examined, 1);
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
    edit(&desk.all[0], "30");
    n = run("full");
    assert_int_equal(n.to_decide, 1);
    assert_string_equal(case_of("1"), "BOTH_CHANGED");
    assert_int_equal(books.writes, 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_cases"), 1);
}

static void an_edit_there_is_put_back(void **state)
{
    (void)state;
    rig_start("{\"target_edited\":\"restore\"}");
    book("1", "1", "10");
    run("full");
    edit_page(page_for("1"), 60);
    assert_int_equal(run("full").updated, 1);
    assert_int_equal(page_for("1")->seconds, 600);
    page_for("1")->exported = true;
    page_for("1")->end.us += 60000000;
    assert_int_equal(run("full").to_decide, 1);
    assert_string_equal(case_of("1"), "LOCKED_OR_EXPORTED");
}

/* Who and where are looked up for the comparison, also where the source says nothing new. */
static void another_user_or_project_is_an_edit(void **state)
{
    (void)state;
    rig_start("{\"target_edited\":\"restore\"}");
    book("1", "1", "10");
    run("full");
    snprintf(page_for("1")->user, 32, "u9");
    assert_int_equal(run("full").updated, 1);
    assert_string_equal(page_for("1")->user, "u1");
    snprintf(page_for("1")->project, 32, "p9");
    assert_int_equal(run("full").updated, 1);
    assert_string_equal(page_for("1")->project, "p1");
    rig_stop(NULL);

    rig_start("{}");
    book("1", "1", "10");
    run("full");
    snprintf(page_for("1")->user, 32, "u9");
    assert_int_equal(run("full").to_decide, 1);
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
    snprintf(page_for("1")->user, 32, "u1");
    assert_int_equal(run("full").unchanged, 1);
    assert_string_equal(case_of("1"), "");
}

static void an_edit_there_ends_following(void **state)
{
    (void)state;
    rig_start("{\"target_edited\":\"unfollow\"}");
    book("1", "1", "10");
    run("full");
    page_for("1")->end.us += 60000000;
    assert_int_equal(run("full").skipped, 1);
    assert_string_equal(state_of("1"), "unfollowed");
    edit(&desk.all[0], "30");
    assert_int_equal(run("full").skipped, 1);
    assert_int_equal(books.writes, 1);
}

/* A poll sees it as well, and what is not watched is no edit. */
static void polls_look_at_the_target(void **state)
{
    (void)state;
    rig_start("{\"watched\":[\"time\",\"project\"]}");
    book("1", "1", "10");
    run("full");
    dw_harness_advance(h, DW_HOURS(1));
    snprintf(page_for("1")->activity, 32, "a9");
    page_for("1")->changed.us = DAY.us + DW_HOURS(1).us;
    assert_int_equal(run("poll").to_decide, 0);
    page_for("1")->end.us += 60000000;

    struct numbers n = run("poll");

    assert_int_equal(n.to_decide, 1);
    assert_int_equal(n.examined, 1);
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
}

static void exported_is_no_edit(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    page_for("1")->exported = true;
    assert_int_equal(run("full").unchanged, 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_entries WHERE exported"), 1);
    /* Of an exported one a new title is not worth a person's time; a new amount is. */
    snprintf(desk.all[0].note, 64, "another note");
    assert_int_equal(run("full").unchanged, 1);
    edit(&desk.all[0], "11");
    assert_int_equal(run("full").to_decide, 1);
    assert_string_equal(case_of("1"), "LOCKED_OR_EXPORTED");
    assert_int_equal(books.writes, 1);
}

static void a_deletion_there(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    page_for("1")->gone = true;
    assert_int_equal(run("full").to_decide, 1);
    assert_string_equal(case_of("1"), "DELETED_TARGET");
    assert_int_equal(books.writes, 1);
}

static void a_deletion_there_is_made_good(void **state)
{
    (void)state;
    rig_start("{\"target_deleted\":\"create\"}");
    book("1", "1", "10");
    run("full");
    page_for("1")->gone = true;
    assert_int_equal(run("full").created, 1);
    assert_non_null(page_for("1"));
}

static void a_deletion_there_is_skipped(void **state)
{
    (void)state;
    rig_start("{\"target_deleted\":\"skip\"}");
    book("1", "1", "10");
    run("full");
    page_for("1")->gone = true;
    assert_int_equal(run("full").skipped, 1);
    assert_int_equal(run("full").skipped, 1);
    edit(&desk.all[0], "20"); /* never again */
    assert_int_equal(run("full").skipped, 1);
    assert_int_equal(books.writes, 1);
}

static void refusals_are_cases(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    books.fault = (struct fault){ .at = 1, .code = DW_EINVALID, .reason = "OVERLAP" };
    assert_int_equal(run("full").to_decide, 1);
    assert_string_equal(case_of("1"), "OVERLAP");
    dw_harness_advance(h, DW_HOURS(1));
    assert_int_equal(run("poll").to_decide, 1); /* polls do not try again and again */
    assert_int_equal(books.writes, 1);
    assert_int_equal(run("full").created, 1);
    assert_string_equal(case_of("1"), "");
}

/* Its project is a team's by now, say: that is for a person, and holds nobody else up. */
static void one_that_must_not_be_seen(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{\"target_deleted\":\"create\"}");
    book("1", "1", "10");
    book("2", "2", "10");
    run("full");
    books.hides = page_for("1")->id;
    edit_page(page_for("2"), 600);
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.to_decide, 2);
    assert_string_equal(case_of("1"), "OTHER");
    assert_string_equal(case_of("2"), "TARGET_CHANGED");
    assert_int_equal(dw_harness_events(h, "timesync.sync.held"), 0);
    edit(&desk.all[0], "20");
    assert_int_equal(run_tickets("1").to_decide, 1);
    assert_int_equal(pages(), 2);
    books.hides = NULL;
    assert_int_equal(run("full").updated, 1);
    assert_string_equal(case_of("1"), "");
    assert_int_equal(page_for("1")->seconds, 1200);
    assert_int_equal(books.creates, 2);
}

/* Of many it is a matter of the token, as it always was. */
static void many_that_must_not_be_seen(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{\"max_deletions\":0,\"parallel\":1}");
    for (int i = 0; i < 30; i++) {
        char id[8];

        snprintf(id, sizeof(id), "%d", i);
        book(id, "1", "10");
    }
    run("full");
    books.hides = "*";
    n = run("full");
    assert_string_equal(n.state, "failed");
    assert_string_equal(n.reason, "AUTH_EXPIRED");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases"), 20);
}

/* Nor does an undo end at it, or a stranger that went out of sight. */
static void one_that_must_not_be_seen_is_not_taken_back(void **state)
{
    struct numbers n;
    char text[80];
    const char *id;

    (void)state;
    rig_start("{}");
    snprintf(text, sizeof(text), "ZAM:T7|TA:77|C:%s", source + strlen(source) - 8);
    books.hides = old_page(text, "", 0, 600)->id;
    book("1", "1", "10");
    book("2", "2", "10");
    id = start_run("full", "{}", false, NULL);
    assert_int_equal(run_through(id).created, 2);
    books.hides = NULL;
    assert_int_equal(run("full").to_decide, 1);
    books.hides = "old0";
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.failed, 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'open'"), 1);
    books.hides = page_for("1")->id;
    n = run_through(start_run("undo", "{}", false, id));
    assert_string_equal(n.state, "done");
    assert_int_equal(n.deleted, 1);
    assert_int_equal(n.failed, 1);
    assert_non_null(page_for("1"));
    assert_null(page_for("2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(one_that_must_not_be_seen),
        ON(many_that_must_not_be_seen),
        ON(one_that_must_not_be_seen_is_not_taken_back),
        ON(an_edit_there_is_a_case),
        ON(an_edit_there_is_put_back),
        ON(another_user_or_project_is_an_edit),
        ON(an_edit_there_ends_following),
        ON(polls_look_at_the_target),
        ON(exported_is_no_edit),
        ON(a_deletion_there),
        ON(a_deletion_there_is_made_good),
        ON(a_deletion_there_is_skipped),
        ON(refusals_are_cases),
    };

    return ON_EVERY_ENGINE("changes at the target", tests);
}
