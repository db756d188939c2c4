/* timesync_touched_test.c - what others do to timesheets: copies of them, the same change on both sides, a bill in between. */
#include "sync_rig.h"

static int64_t open_cases(void)
{
    return count("SELECT count(*) FROM timesync_cases WHERE state IN ('open', 'deciding')");
}

/* ---- copies ---- */

/* The copy of one whose original was deleted is the entry's, as far as anybody can see, whatever the rule for deletions says. */
static void a_copy_is_taken_for_the_original(void **state)
{
    static const char *const rules[] = { "{\"target_deleted\":\"skip\"}", "{\"target_deleted\":\"decide\"}",
                                         "{\"target_deleted\":\"create\"}" };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct page *copy;
        const char *id;

        rig_start(rules[i]);
        book("1", "1", "10");
        run("full");
        copy = copy_of("1", "copy");
        books.all[0].gone = true;
        id = start_run("full", "{}", false, NULL);
        run_jobs(); /* at once: nothing has to be waited for */
        assert_string_equal(numbers_of(id).state, "done");
        assert_int_equal(open_cases(), 0);
        assert_string_equal(state_of("1"), "synced");
        edit(&desk.all[0], "20"); /* and it follows */
        assert_int_equal(run("full").updated, 1);
        assert_int_equal(copy->seconds, 1200);
        assert_int_equal(books.creates, 1);
        assert_int_equal(run("full").unchanged, 1);
        rig_stop(NULL);
    }
}

/* Of an entry that has none, as it is known, two are there: the one is its own, and of the other a person is told in the same pass. */
static void two_of_one_that_has_none(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    copy_of("1", "copy");
    sql_ok(dw_harness_sql(h, "UPDATE timesync_entries SET sheet = NULL, base = NULL, base_hash = NULL,"
                             " state = 'waiting', link_by = ''"));
    run("full");
    assert_string_equal(state_of("1"), "synced");
    assert_int_equal(open_cases(), 1);
    assert_int_equal(
        count("SELECT count(*) FROM timesync_cases WHERE reason = 'DUPLICATE' AND entry IS NULL"), 1);
    run("full");
    assert_int_equal(open_cases(), 1);
    assert_int_equal(books.creates, 1);
}

/* It was reported as one too many before the original went. */
/* Nobody has to come by who looks for runs that lost their job. */
static void a_copy_ends_its_run_at_once(void **state)
{
    const char *id;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    copy_of("1", "copy");
    books.all[0].gone = true;
    id = start_run("full", "{}", false, NULL);
    run_jobs();
    assert_string_equal(numbers_of(id).state, "done");
}

static void a_copy_that_was_one_too_many(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    copy_of("1", "copy");
    assert_int_equal(run("full").to_decide, 1);
    books.all[0].gone = true;
    run("full");
    assert_int_equal(open_cases(), 0);
    assert_int_equal(run("full").unchanged, 1);
}

static void a_copy_of_another_time_is_asked_about(void **state)
{
    struct page *copy;

    (void)state;
    rig_start("{\"target_deleted\":\"skip\"}");
    book("1", "1", "10");
    run("full");
    copy = copy_of("1", "copy");
    copy->begin.us += DW_HOURS(1).us;
    copy->end.us += DW_HOURS(1).us;
    books.all[0].gone = true;
    run("full");
    assert_int_equal(open_cases(), 1);
    assert_string_equal(case_of("1"), "TIME_MISMATCH");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE sheet = 'copy' AND state = 'open'"), 1);
    assert_int_equal(choose("1", "update", NULL).updated, 1);
    assert_int_equal(open_cases(), 0);
    assert_int_equal(books.creates, 1);
    assert_int_equal(run("full").unchanged, 1);
}

/* Nobody wants it any more, and then the source has it no longer; but a timesheet for it is there. */
static void a_copy_of_what_is_gone_is_told(void **state)
{
    (void)state;
    rig_start("{\"target_deleted\":\"skip\"}");
    book("1", "1", "10");
    run("full");
    const struct page was = *page_for("1");
    page_for("1")->gone = true;
    assert_int_equal(run("full").skipped, 1);
    struct page copy = was;
    copy.gone = false;
    snprintf(copy.id, sizeof(copy.id), "copy");
    books_put(&copy);
    desk.all[0].gone = true;
    run("full");
    assert_string_equal(case_of("1"), "DELETED_SOURCE");
    run("full");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases"), 1);
    assert_int_equal(choose("1", "remove", NULL).deleted, 1);
    assert_int_equal(pages(), 0);
    assert_int_equal(open_cases(), 0);
    run("full");
    assert_int_equal(open_cases(), 0);
}

/* The same with a copy that goes by itself: its case closes. */
static void a_copy_of_what_is_gone_goes_as_well(void **state)
{
    (void)state;
    rig_start("{\"target_deleted\":\"skip\"}");
    book("1", "1", "10");
    run("full");
    page_for("1")->gone = true;
    run("full");
    books.all[0].gone = false; /* put back from a bin */
    desk.all[0].gone = true;
    run("full");
    assert_string_equal(case_of("1"), "DELETED_SOURCE");
    books.all[0].gone = true;
    run("full");
    assert_string_equal(case_of("1"), "");
    assert_string_equal(state_of("1"), "gone");
}

/* Both go, and the copy is left. */
static void a_copy_whose_entry_and_original_are_gone(void **state)
{
    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    book("1", "1", "10");
    run("full");
    copy_of("1", "copy");
    books.all[0].gone = true;
    desk.all[0].gone = true;
    run("full");
    assert_string_equal(case_of("1"), "DELETED_SOURCE");
    choose("1", "unfollow", NULL); /* theirs */
    assert_int_equal(open_cases(), 0);
    run("full");
    assert_int_equal(open_cases(), 0);
    assert_string_equal(state_of("1"), "unfollowed");
    assert_int_equal(pages(), 1);
}

/* ---- several of an entry that has none yet ---- */

static int64_t open_of(const char *sheet)
{
    int64_t n = -1;

    sql_ok(dw_harness_find(h, DW_TO(&n),
                           "SELECT count(*) FROM timesync_cases WHERE key = $1 AND reason = 'DUPLICATE'"
                           " AND state = 'open'",
                           sheet));
    return n;
}

/* The database is from before the entry was moved, and somebody copied its timesheet. */
static void restored_with_a_copy(void)
{
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    copy_of("1", "copy");
    sql_ok(dw_harness_sql(h, "DELETE FROM timesync_steps"));
    sql_ok(dw_harness_sql(h, "DELETE FROM timesync_entries"));
}

static void both_are_told(void)
{
    assert_string_equal(state_of("1"), "synced");
    assert_int_equal(count("SELECT count(*) FROM timesync_entries WHERE sheet = 's1'"), 1);
    assert_int_equal(open_cases(), 1);
    assert_int_equal(open_of("sheet:copy"), 1);
    assert_int_equal(books.creates, 1);
}

static void the_other_of_two_is_told_at_once(void **state)
{
    struct numbers n;

    (void)state;
    restored_with_a_copy();
    n = run_through(start_run("full", "{}", true, NULL));
    assert_int_equal(n.adopted, 1);
    assert_int_equal(n.to_decide, 1);
    n = run("full");
    assert_int_equal(n.adopted, 1);
    assert_int_equal(n.to_decide, 1);
    both_are_told();
    n = run("full");
    assert_int_equal(n.unchanged, 1);
    both_are_told();
    page_of("copy")->gone = true;
    run("full");
    assert_int_equal(open_cases(), 0);
}

/* A run that does not list all of the target asked about the entry. */
static void the_other_of_two_of_which_there_was_a_case(void **state)
{
    (void)state;
    restored_with_a_copy();
    run_tickets("1");
    assert_string_equal(case_of("1"), "DUPLICATE");
    run("full");
    both_are_told();
}

/* The pass that lists them also finds out what came of the create. */
static void it_was_made_and_copied(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    fail_next(DW_EUNKNOWN, true, (dw_span){ 0 });
    start_run("tickets", "{\"tickets\":[\"1\"]}", false, NULL);
    run_jobs();
    copy_of("1", "copy");
    run("full");
    both_are_told();
    run("full");
    both_are_told();
}

/* The other one bears an older tool's line, by which the outcome of the create is not looked for; and it is listed first. */
static void it_was_made_beside_an_older_one(void **state)
{
    (void)state;
    rig_start("{}");
    run("full");
    book("1", "1", "10");
    snprintf(old_page("ZAM:T1|TA:1", "", 0, 600)->id, 32, "copy");
    fail_next(DW_EUNKNOWN, true, (dw_span){ 0 });
    start_run("tickets", "{\"tickets\":[\"1\"]}", false, NULL);
    run_jobs();
    run("full");
    assert_string_equal(state_of("1"), "synced");
    assert_int_equal(open_cases(), 1);
    assert_int_equal(open_of("sheet:copy"), 1);
    assert_int_equal(books.creates, 1);
    run("full");
    assert_int_equal(open_cases(), 1);
}

/* The entry's open case is about the copy, and its step has to wait: the copy's own is done first. */
static void its_step_comes_after_the_others(void **state)
{
    (void)state;
    restored_with_a_copy();
    run_tickets("1");
    sql_ok(dw_harness_sql(h, "UPDATE timesync_cases SET sheet = 'copy'"));
    sql_ok(dw_harness_sql(h,
                          "UPDATE timesync_entries SET intent = 'remove', attempt = 1,"
                          " intent_at = $1",
                          DAY));
    run("full");
    both_are_told();
}

/* Nobody wants one for it: then nobody is asked about what is there, however many there are. */
static void of_what_is_left_alone_nobody_is_told(void **state)
{
    (void)state;
    rig_start("{\"target_deleted\":\"skip\"}");
    book("1", "1", "10");
    run("full");
    copy_of("1", "copy");
    books.all[0].gone = books.all[1].gone = true;
    run("full");
    assert_string_equal(state_of("1"), "skipped");
    books.all[0].gone = books.all[1].gone = false; /* put back from a bin */
    run("full");
    assert_int_equal(open_cases(), 0);
    assert_int_equal(pages(), 2);
    assert_int_equal(books.creates, 1);
}

/* ---- the same change on both sides ---- */

static void both_say_the_same(void **state)
{
    struct page *p;

    (void)state;
    rig_start("{}");
    books.rounds = true;
    book("1", "1", "10.3");
    run("full");
    p = page_for("1");
    assert_int_equal(p->seconds, 660);
    edit(&desk.all[0], "20.3");
    p->begin.us -= INT64_C(600000000);
    p->seconds += 600;
    assert_int_equal(run("full").to_decide, 0);
    assert_int_equal(open_cases(), 0);
    assert_int_equal(p->seconds, 1260);
    assert_int_equal(run("full").unchanged, 1);
}

/* Of what was rounded something else was changed, and changed back: nothing differs. */
static void changed_back(void **state)
{
    char text[400];
    struct page *p;

    (void)state;
    rig_start("{}");
    books.rounds = true;
    book("1", "1", "10.3");
    run("full");
    p = page_for("1");
    snprintf(text, sizeof(text), "%s", p->text);
    strncat(p->text, " by phone", sizeof(p->text) - strlen(p->text) - 1);
    run("full");
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
    choose("1", "keep", NULL);
    snprintf(p->text, sizeof(p->text), "%s", text);
    assert_int_equal(run("full").to_decide, 0);
    assert_int_equal(open_cases(), 0);
}

/* A minute more is an edit, also where it might have been rounded so: the source did not change. */
static void a_minute_more_is_an_edit(void **state)
{
    struct page *p;

    (void)state;
    rig_start("{}");
    book("1", "1", "10.5");
    run("full");
    p = page_for("1");
    p->end.us += INT64_C(30000000);
    p->seconds += 30;
    assert_int_equal(run("full").to_decide, 1);
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
    edit(&desk.all[0], "10.75"); /* of a target that does not round */
    run("full");
    assert_string_equal(case_of("1"), "BOTH_CHANGED");
}

/* ---- billed in between ---- */

static void is_billed(void)
{
    if (books.n)
        books.all[0].exported = true;
}

static void billed_while_it_was_written(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    edit(&desk.all[0], "20");
    books.meanwhile = is_billed;
    assert_int_equal(run("full").to_decide, 1);
    assert_string_equal(case_of("1"), "EXPORTED_MEANWHILE");
    books.meanwhile = NULL;
    assert_int_equal(run("full").to_decide, 1); /* it does not close by itself */
    assert_string_equal(case_of("1"), "EXPORTED_MEANWHILE");
    assert_int_equal(books.writes, 2);
    choose("1", "keep", NULL);
    assert_int_equal(open_cases(), 0);
    assert_int_equal(run("full").unchanged, 1);
    assert_int_equal(open_cases(), 0);
}

static void billed_and_taken_back(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    edit(&desk.all[0], "20");
    books.meanwhile = is_billed;
    run("full");
    books.meanwhile = NULL;
    books.all[0].exported = false; /* the bill was cancelled */
    assert_int_equal(run("full").unchanged, 1);
    assert_int_equal(open_cases(), 0);
}

static void billed_while_it_was_made(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    books.meanwhile = is_billed; /* it was complete: nothing to ask about */
    assert_int_equal(run("full").created, 1);
    assert_int_equal(open_cases(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(a_copy_is_taken_for_the_original),
        ON(a_copy_ends_its_run_at_once),
        ON(two_of_one_that_has_none),
        ON(a_copy_that_was_one_too_many),
        ON(a_copy_of_another_time_is_asked_about),
        ON(a_copy_of_what_is_gone_is_told),
        ON(a_copy_of_what_is_gone_goes_as_well),
        ON(a_copy_whose_entry_and_original_are_gone),
        ON(the_other_of_two_is_told_at_once),
        ON(the_other_of_two_of_which_there_was_a_case),
        ON(it_was_made_and_copied),
        ON(it_was_made_beside_an_older_one),
        ON(its_step_comes_after_the_others),
        ON(of_what_is_left_alone_nobody_is_told),
        ON(both_say_the_same),
        ON(changed_back),
        ON(a_minute_more_is_an_edit),
        ON(billed_while_it_was_written),
        ON(billed_and_taken_back),
        ON(billed_while_it_was_made),
    };

    return ON_EVERY_ENGINE("touched", tests);
}
