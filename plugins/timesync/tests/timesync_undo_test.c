/* timesync_undo_test.c - what taking a run back does, and what it leaves alone: docs/timesync.md says it in a table. */
#include "sync_rig.h"

static void a_run_is_taken_back(void **state)
{
    struct numbers n;
    const char *first, *second;

    (void)state;
    rig_start("{}");
    for (int i = 1; i <= 4; i++) {
        char id[8];

        snprintf(id, sizeof(id), "%d", i);
        book(id, "1", "10");
    }
    first = start_run("full", "{}", false, NULL);
    run_through(first);
    edit(&desk.all[3], "25");
    second = start_run("full", "{}", false, NULL);
    assert_int_equal(run_through(second).updated, 1);
    assert_int_equal(page_for("4")->seconds, 1500);
    n = run_through(start_run("undo", "{}", false, second));
    assert_int_equal(n.updated, 1);
    assert_int_equal(page_for("4")->seconds, 600);
    page_for("2")->exported = true;
    page_for("3")->seconds = 61;
    n = run_through(start_run("undo", "{}", false, first));
    assert_int_equal(n.deleted, 2);
    assert_int_equal(n.skipped, 2);
    assert_int_equal(pages(), 2);
    assert_int_equal(count("SELECT count(*) FROM timesync_steps WHERE undone = 'done'"), 3);
    assert_int_equal(count("SELECT count(*) FROM timesync_steps WHERE undone = 'exported'"), 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_steps WHERE undone = 'changed'"), 1);
    assert_string_equal(state_of("1"), "waiting");
    n = run("full");
    assert_int_equal(n.created, 2);
    assert_int_equal(pages(), 4);
}

/* An undo that failed is begun again, and what it did is done. */
static void an_undo_goes_on(void **state)
{
    const char *first;
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    book("2", "1", "10");
    fail_next(DW_EUNKNOWN, true, (dw_span){ 0 });
    first = start_run("full", "{}", false, NULL);
    assert_int_equal(run_through(first).adopted, 1); /* made by us, and found */
    books.fault = (struct fault){ .at = 2, .code = DW_EAUTH };
    assert_string_equal(run_through(start_run("undo", "{}", false, first)).state, "failed");
    assert_int_equal(pages(), 1);
    n = run_through(start_run("undo", "{}", false, first));
    assert_int_equal(n.deleted, 1);
    assert_int_equal(n.skipped, 0);
    assert_int_equal(pages(), 0);
    assert_int_equal(count("SELECT count(*) FROM timesync_steps WHERE undone = 'done'"), 2);
}

static const char *of(const char *entry, const char *column)
{
    char sql[160];
    const char *text = "";

    snprintf(
        sql, sizeof(sql),
        "SELECT %s FROM timesync_steps s JOIN timesync_entries e ON e.id = s.entry WHERE e.source_id = $1"
        " AND s.undone <> ''",
        column);
    sql_ok(dw_harness_find(h, DW_TO(&text), sql, entry));
    return text;
}

static const char *moved(size_t n)
{
    static const char *const ids[] = { "1", "2", "3", "4", "5", "6" };
    const char *id;

    for (size_t i = 0; i < n; i++)
        book(ids[i], ids[i], "10");
    id = start_run("full", "{}", false, NULL);
    run_through(id);
    return id;
}

/* Exported, edited, deleted, and left alone by a person since: none of it is touched, and each says why. */
static void what_is_not_taken_back(void **state)
{
    struct numbers n;
    const char *first;

    (void)state;
    rig_start("{}");
    first = moved(5);
    page_for("1")->exported = true;
    edit_page(page_for("2"), 300);
    page_for("3")->gone = true;
    run("full");
    choose("2", "unfollow", NULL);
    n = run_through(start_run("undo", "{}", false, first));
    assert_string_equal(n.state, "done");
    assert_int_equal(n.deleted, 2);
    assert_int_equal(n.skipped, 3);
    assert_string_equal(of("1", "undone"), "exported");
    assert_string_equal(of("2", "undone"), "changed");
    assert_string_equal(of("3", "undone"), "gone");
    assert_string_equal(of("4", "undone"), "done");
    assert_int_equal(page_for("2")->seconds, 900);
    assert_string_equal(state_of("2"), "unfollowed");
    assert_string_equal(case_of("3"), "DELETED_TARGET"); /* it still waits for a person */
    assert_string_equal(state_of("4"), "waiting");
    assert_int_equal(run("full").created, 2);
}

/* What is left alone stays as it is, also in what is known of it. */
static void what_is_left_stays_as_it_is(void **state)
{
    const char *first;

    (void)state;
    rig_start("{}");
    first = moved(1);
    edit(&desk.all[0], "0"); /* skipped, as it is of no length, and its timesheet goes */
    run("full");
    choose("1", "remove", NULL);
    assert_int_equal(pages(), 0);
    run_through(start_run("undo", "{}", false, first));
    edit(&desk.all[0], "20");
    assert_int_equal(run("full").created, 1);
    assert_int_equal(page_for("1")->seconds, 1200);
}

/* What a run removed is not made again, and what it only adopted is not its own. */
static void what_was_never_its_own(void **state)
{
    const char *second;
    struct numbers n;

    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    moved(1);
    desk.all[0].gone = true;
    book("2", "2", "10");
    old_page("ZAM:T2|TA:2", "", 0, 600);
    second = start_run("full", "{}", false, NULL);
    n = run_through(second);
    assert_int_equal(n.deleted, 1);
    assert_int_equal(n.adopted, 1);
    n = run_through(start_run("undo", "{}", false, second));
    assert_int_equal(n.examined, 0);
    assert_int_equal(pages(), 1);
}

/* A later run has changed it: that one has to be taken back first. */
static void the_last_one_first(void **state)
{
    const char *first, *second;

    (void)state;
    rig_start("{}");
    first = moved(1);
    edit(&desk.all[0], "20");
    second = start_run("full", "{}", false, NULL);
    run_through(second);
    assert_int_equal(run_through(start_run("undo", "{}", false, first)).skipped, 1);
    assert_int_equal(page_for("1")->seconds, 1200);
    assert_int_equal(run_through(start_run("undo", "{}", false, second)).updated, 1);
    assert_int_equal(page_for("1")->seconds, 600);
    assert_int_equal(run_through(start_run("undo", "{}", false, first)).deleted, 1);
    assert_int_equal(pages(), 0);
    assert_int_equal(run("full").created, 1);
    assert_int_equal(page_for("1")->seconds, 1200);
}

/* What persons decided is a run as well. */
static void a_decision_is_taken_back(void **state)
{
    const char *decision = "";

    (void)state;
    rig_start("{}");
    moved(1);
    edit_page(page_for("1"), 300);
    run("full");
    choose("1", "update", NULL);
    assert_int_equal(page_for("1")->seconds, 600);
    sql_ok(dw_harness_find(h, DW_TO(&decision), "SELECT id FROM timesync_runs WHERE kind = 'decide'"));
    assert_int_equal(run_through(start_run("undo", "{}", false, decision)).updated, 1);
    assert_int_equal(page_for("1")->seconds, 900);
}

/* The answer of its removal got lost: nobody has said that the entry is never moved again. */
static void its_answer_got_lost(void **state)
{
    const char *first;

    (void)state;
    rig_start("{}");
    first = moved(1);
    fail_next(DW_EUNKNOWN, true, (dw_span){ 0 });
    assert_int_equal(run_through(start_run("undo", "{}", false, first)).deleted, 1);
    assert_int_equal(pages(), 0);
    assert_string_equal(state_of("1"), "waiting");
    assert_string_equal(of("1", "undone"), "done");
    assert_int_equal(run("full").created, 1);
}

/* The same of one that is given back what it had. */
static void the_answer_of_giving_back_got_lost(void **state)
{
    const char *second;

    (void)state;
    rig_start("{}");
    moved(1);
    edit(&desk.all[0], "20");
    second = start_run("full", "{}", false, NULL);
    run_through(second);
    fail_next(DW_EUNKNOWN, true, (dw_span){ 0 });
    assert_int_equal(run_through(start_run("undo", "{}", false, second)).updated, 1);
    assert_int_equal(page_for("1")->seconds, 600);
    assert_string_equal(of("1", "undone"), "done");
    assert_string_equal(case_of("1"), "");
    assert_int_equal(run("full").updated, 1);
}

/* Neither is it known when the undo has ended: the next pass makes it again, and does not leave that to the one after it. */
static void its_answer_was_never_known(void **state)
{
    const char *first;

    (void)state;
    rig_start("{}");
    first = moved(2);
    books.fault = (struct fault){ .at = 1, .code = DW_EUNKNOWN, .acts = true };
    start_run("undo", "{}", false, first);
    run_jobs();
    books.fails = DW_EAUTH;
    dw_harness_advance(h, DW_MINUTES(10));
    run_jobs();
    books.fails = 0;
    assert_int_equal(pages(), 0);
    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET held_reason = ''"));
    dw_harness_advance(h, DW_HOURS(1));
    run("full");
    assert_int_equal(pages(), 2);
    assert_string_equal(state_of("1"), "synced");
    assert_string_equal(state_of("2"), "synced");
}

/* The same of one that the rules remove, as it is of no length, and of one whose removal a person chose. */
static void other_answers_get_lost(void **state)
{
    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    moved(2);
    edit(&desk.all[0], "0");
    fail_next(DW_EUNKNOWN, true, (dw_span){ 0 });
    run("full");
    assert_int_equal(pages(), 1);
    edit(&desk.all[0], "20");
    assert_int_equal(run("full").created, 1);
    edit_page(page_for("2"), 300);
    edit(&desk.all[1], "20");
    run("full");
    assert_string_equal(case_of("2"), "BOTH_CHANGED");
    fail_next(DW_EUNKNOWN, true, (dw_span){ 0 });
    choose("2", "remove", NULL);
    assert_int_equal(pages(), 1);
    edit(&desk.all[1], "30");
    assert_int_equal(run("full").created, 0);
    assert_string_equal(state_of("2"), "skipped");
}

/* A notice's run is at work: the undo waits for it. */
static void it_waits_for_others(void **state)
{
    const char *first, *other, *undo;

    (void)state;
    rig_start("{}");
    first = moved(1);
    other = start_run("tickets", "{\"tickets\":[\"2\"]}", false, NULL);
    run_through(other);
    sql_ok(dw_harness_sql(h, "UPDATE timesync_runs SET state = 'writing' WHERE id = $1", other));
    undo = start_run("undo", "{}", false, first);
    run_jobs();
    assert_string_equal(numbers_of(undo).state, "waiting");
    assert_int_equal(pages(), 1);
    sql_ok(dw_harness_sql(h, "UPDATE timesync_runs SET state = 'done' WHERE id = $1", other));
    assert_int_equal(run_through(undo).deleted, 1);
    assert_int_equal(pages(), 0);
}

/* Billed in the moment in which it was given back what it had. */
static void bill_comes(void)
{
    books.all[0].exported = true;
}

static void billed_while_it_was_taken_back(void **state)
{
    const char *second;

    (void)state;
    rig_start("{}");
    moved(1);
    edit(&desk.all[0], "20");
    second = start_run("full", "{}", false, NULL);
    run_through(second);
    books.meanwhile = bill_comes;
    assert_int_equal(run_through(start_run("undo", "{}", false, second)).to_decide, 1);
    assert_string_equal(case_of("1"), "EXPORTED_MEANWHILE");
}

/* Who took a run back says when the sync goes on: that the undo met refused credentials ends that no sooner. */
static void its_hold_stays(void **state)
{
    const char *first, *reason = "";

    (void)state;
    rig_start("{}");
    first = moved(2);
    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET schedule = 'every 15m', held_reason = 'CHOSEN'"));
    books.fault = (struct fault){ .at = 2, .code = DW_EAUTH };
    assert_string_equal(run_through(start_run("undo", "{}", false, first)).reason, "AUTH_EXPIRED");
    assert_int_equal(pages(), 1);
    for (int i = 0; i < 3; i++) {
        dw_harness_advance(h, DW_MINUTES(30));
        sql_ok(dw_harness_add_job(h, "tick", "{}"));
        run_jobs();
    }
    assert_int_equal(pages(), 1);
    sql_ok(dw_harness_find(h, DW_TO(&reason), "SELECT held_reason FROM timesync_syncs"));
    assert_string_equal(reason, "CHOSEN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(a_run_is_taken_back),
        ON(an_undo_goes_on),
        ON(what_is_not_taken_back),
        ON(what_is_left_stays_as_it_is),
        ON(what_was_never_its_own),
        ON(the_last_one_first),
        ON(a_decision_is_taken_back),
        ON(its_answer_got_lost),
        ON(the_answer_of_giving_back_got_lost),
        ON(its_answer_was_never_known),
        ON(other_answers_get_lost),
        ON(it_waits_for_others),
        ON(billed_while_it_was_taken_back),
        ON(its_hold_stays),
    };

    return ON_EVERY_ENGINE("undo", tests);
}
