/* timesync_change_test.c - what is edited, deleted or merged at the source, and a source that shows too little or too much. */
#include "sync_rig.h"

/* ---- changes ---- */

static void an_edit_follows(void **state)
{
    struct numbers n;
    struct booking *b;

    (void)state;
    rig_start("{}");
    books.rounds = true;
    b = book("1", "1", "7.5");
    run("full");
    assert_int_equal(page_for("1")->seconds, 480);
    assert_int_equal(run("full").unchanged, 1); /* what was rounded is no edit */
    edit(b, "20");
    dw_harness_advance(h, DW_MINUTES(5));
    n = run("poll");
    assert_int_equal(n.updated, 1);
    assert_int_equal(page_for("1")->seconds, 1200);
    assert_int_equal(dw_harness_events(h, "timesync.entry.updated"), 1);
    assert_int_equal(run("full").unchanged, 1);
    /* The same amount in other letters is no change. */
    edit(b, "20.00");
    assert_int_equal(run("full").unchanged, 1);
    assert_int_equal(books.writes, 2);
}

/* A target takes all tags or none: those that people put there come through a change of ours. */
static void tags_of_people_stay(void **state)
{
    struct page *p;

    (void)state;
    rig_start("{\"tags\":[\"desk\"]}");
    book("1", "1", "10");
    run("full");
    p = page_for("1");
    snprintf(p->tags, sizeof(p->tags), "Checked,desk");
    assert_int_equal(run("full").unchanged, 1); /* more do no harm */
    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET rules = '{\"tags\":[\"desk\",\"billing\"]}'"));
    assert_int_equal(run("full").updated, 1);
    assert_string_equal(page_for("1")->tags, "Checked,desk,billing");
    assert_int_equal(run("full").unchanged, 1);
}

static void a_deletion_follows_the_rule(void **state)
{
    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    book("1", "1", "10");
    book("2", "1", "10");
    book("3", "1", "10");
    run("full");
    page_for("2")->exported = true;
    desk.all[0].gone = desk.all[1].gone = true;

    struct numbers n = run("full");

    assert_int_equal(n.deleted, 1);
    assert_int_equal(n.to_decide, 1);
    assert_int_equal(n.unchanged, 1);
    assert_null(page_for("1"));
    assert_non_null(page_for("2"));
    assert_string_equal(case_of("2"), "LOCKED_OR_EXPORTED");
    assert_string_equal(state_of("1"), "gone");
    n = run("full");
    assert_int_equal(n.examined, 2);
    /* It comes back: so does its timesheet. */
    desk.all[0].gone = false;
    assert_int_equal(run("full").created, 1);
    assert_non_null(page_for("1"));
}

/* What somebody said of it while it was there says nothing of its being gone, although reason and timesheet are the same. */
static void a_billed_one_goes_after_it_was_kept(void **state)
{
    struct booking *b;

    (void)state;
    rig_start("{}");
    b = book("1", "1", "10");
    run("full");
    page_for("1")->exported = true;
    edit(b, "20");
    run("full");
    assert_string_equal(case_of("1"), "LOCKED_OR_EXPORTED");
    choose("1", "keep", NULL);
    run("full");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'open'"), 0);
    b->gone = true;
    run("full");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'open'"), 1);
    choose("1", "keep", NULL);
    run("full");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'open'"), 0);
}

/* Of no length for a while, and then as it was: what it was once made from says nothing, as that is gone. */
static void what_comes_back_as_it_was_is_made_again(void **state)
{
    struct booking *b;

    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    b = book("1", "1", "10");
    run("full");
    edit(b, "0");
    run("full");
    assert_int_equal(pages(), 0);
    edit(b, "10");
    run("full");
    assert_int_equal(pages(), 1);
    assert_string_equal(state_of("1"), "synced");
}

/* A run finds something new between a decision and its being done: then nobody has decided about that. */
static void what_nobody_saw_is_not_decided(void **state)
{
    static const char *const amounts[] = { "10", "25" };
    static const char *const cases[] = { "", "BOTH_CHANGED" };
    struct booking *b;
    int64_t seconds;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        rig_start("{}");
        b = book("1", "1", "10");
        run("full");
        edit_page(page_for("1"), 1800);
        seconds = page_for("1")->seconds;
        run("full");
        assert_string_equal(case_of("1"), "TARGET_CHANGED");
        edit(b, amounts[i]);
        start_run("full", "{}", false, NULL);
        choose("1", "keep", NULL);
        assert_string_equal(case_of("1"), cases[i]);
        assert_int_equal(page_for("1")->seconds, seconds);
        rig_stop(NULL);
    }
}

static void a_deletion_waits_for_a_person(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    desk.all[0].gone = true;
    assert_int_equal(run("full").to_decide, 1);
    assert_string_equal(case_of("1"), "DELETED_SOURCE");
    assert_int_equal(run("full").to_decide, 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_cases"), 1);
    desk.all[0].gone = false; /* it was a mistake */
    assert_int_equal(run("full").unchanged, 1);
    assert_string_equal(case_of("1"), "");
    assert_string_equal(state_of("1"), "synced");
}

/* A page that moved while it was read hides an entry: asked once more by its ticket, it is there. */
static void a_hidden_entry_is_not_gone(void **state)
{
    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    book("1", "1", "10");
    book("2", "2", "10");
    run("full");
    desk.hides = "1";
    assert_string_equal(run("full").state, "done");
    assert_non_null(page_for("1"));
    assert_int_equal(desk.ticket_lists, 1);
}

/* ---- what these credentials do not see, or the source does not say just now ---- */

static const char *detail_of(const char *run)
{
    const char *detail = "";

    sql_ok(dw_harness_find(h, DW_TO(&detail), "SELECT detail FROM timesync_runs WHERE id = $1", run));
    return detail;
}

/* Of one ticket alone, which says nothing about the credentials: the sync is not held for it. */
static void a_ticket_that_must_not_be_read_holds_nothing(void **state)
{
    const char *id;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    id = start_run("tickets", "{\"tickets\":[\"9\",\"1\"]}", false, NULL);
    desk.ticket_fails = DW_EDENIED;
    assert_string_equal(run_through(id).state, "done");
    assert_string_equal(numbers_of(id).reason, "OTHER");
    assert_non_null(strstr(detail_of(id), "the desk does not give this ticket"));
    assert_int_equal(dw_harness_events(h, "timesync.sync.held"), 0);
    desk.ticket_fails = 0;
    assert_int_equal(run_tickets("1").created, 1);
}

/* Its ticket went where nobody lets us look: what is booked on it stays, and all else goes its way. */
static void what_went_out_of_sight_is_not_gone(void **state)
{
    struct numbers n;
    const char *id;

    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    book("1", "1", "10");
    book("2", "2", "10");
    run("full");
    desk.hides = "1";
    desk.ticket_fails = DW_EDENIED;
    edit_page(page_for("2"), 600);
    id = start_run("full", "{}", false, NULL);
    n = run_through(id);
    assert_string_equal(n.state, "done");
    assert_non_null(strstr(detail_of(id), "the desk does not give this ticket"));
    assert_int_equal(n.to_decide, 1);
    assert_string_equal(case_of("2"), "TARGET_CHANGED");
    assert_string_equal(state_of("1"), "synced");
    assert_non_null(page_for("1"));
    assert_int_equal(dw_harness_events(h, "timesync.sync.held"), 0);
    desk.ticket_fails = 0;
    desk.all[0].gone = true;
    assert_int_equal(run("full").deleted, 1);
}

/* Why is told as the source said it, although that was asked in passing. */
static void the_source_fails_at_what_is_missing(void **state)
{
    const char *id;

    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    book("1", "1", "10");
    run("full");
    desk.hides = "1";
    desk.ticket_fails = DW_EUPSTREAM;
    id = start_run("full", "{}", false, NULL);
    assert_string_equal(run_through(id).state, "failed");
    assert_string_equal(numbers_of(id).reason, "UNREACHABLE");
    assert_string_equal(detail_of(id), "the desk does not give this ticket (ticket: 1)");
    assert_non_null(page_for("1"));
}

/* Who has not seen all of the source cannot say that it has not what a marker of ours names. */
static void what_was_not_shown_is_no_stranger(void **state)
{
    char text[80];

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    snprintf(text, sizeof(text), "ZAM:T7|TA:77|C:%s", source + strlen(source) - 8);
    old_page(text, "", 0, 600);
    desk.denies = true;
    assert_int_equal(run("full").to_decide, 0);
    desk.denies = false;
    assert_int_equal(run("full").to_decide, 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'open'"), 1);
    desk.denies = true;
    run("full");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'open'"), 1);
}

static void too_many_deletions_are_not_believed(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{\"source_deleted\":\"remove\",\"max_deletions\":3}");
    for (int i = 0; i < 5; i++) {
        char id[8];

        snprintf(id, sizeof(id), "%d", i);
        book(id, "1", "10");
    }
    run("full");
    for (int i = 0; i < 4; i++)
        desk.all[i].gone = true;
    n = run("full");
    assert_string_equal(n.state, "failed");
    assert_string_equal(n.reason, "TOO_MANY_DELETIONS");
    assert_int_equal(pages(), 5);
    assert_int_equal(count("SELECT count(*) FROM timesync_syncs WHERE held_reason = 'TOO_MANY_DELETIONS'"),
                     1);
    assert_int_equal(dw_harness_events(h, "timesync.sync.held"), 1);
    n = run_through(start_run("full", "{\"any_deletions\":true}", false, NULL));
    assert_int_equal(n.deleted, 4);
    assert_int_equal(pages(), 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_syncs WHERE held_reason = ''"), 1);
}

/* A page that moved brings an entry twice, once as it was and once as it is. */
static void twice_in_a_list_is_once(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    edit(book("1", "1", "20"), "20");
    n = run("full");
    assert_int_equal(n.examined, 1);
    assert_int_equal(n.updated, 1);
    assert_int_equal(page_for("1")->seconds, 1200);
}

/* The source was restored from a backup: what it says is older than what it said, and counts all the same. */
static void a_restored_source(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10")->changed.us += INT64_C(600000000);
    run("full");
    dw_harness_advance(h, DW_HOURS(2));
    snprintf(desk.all[0].amount, 32, "7");
    desk.all[0].changed = DAY;
    assert_int_equal(run("full").updated, 1);
    assert_int_equal(page_for("1")->seconds, 420);
}

/* Of a window what lies behind its end waits for another run. */
static void a_window_has_an_end(void **state)
{
    static char note[1000000];

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    book("2", "1", "10")->created.us += INT64_C(7200000000);
    run_through(start_run("window", "{\"since\":\"2026-03-02T00:00:00Z\",\"until\":\"2026-03-02T11:00:00Z\"}",
                          false, NULL));
    assert_non_null(page_for("1"));
    assert_null(page_for("2"));
    memset(note, 'x', sizeof(note) - 1); /* and a note is not kept in all its length */
    desk.long_note = note;
    run("full");
    assert_non_null(page_for("2"));
    assert_int_equal(count("SELECT max(length(note)) FROM timesync_entries"), 16000);
}

static void merged_tickets_keep_their_timesheets(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    snprintf(desk.all[0].ticket, 32, "2");
    desk.all[0].changed.us += 60000000;
    assert_int_equal(run("full").updated, 1); /* its text has another number */
    assert_int_equal(books.n_projects, 1);
    assert_non_null(page_for("1"));
    assert_true(strncmp(books.all[0].text, "ZAM:T1|TA:1|C:", 14) == 0);
    assert_int_equal(run("full").unchanged, 1);
    assert_int_equal(books.writes, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(an_edit_follows),
        ON(tags_of_people_stay),
        ON(a_deletion_follows_the_rule),
        ON(a_billed_one_goes_after_it_was_kept),
        ON(what_comes_back_as_it_was_is_made_again),
        ON(what_nobody_saw_is_not_decided),
        ON(a_deletion_waits_for_a_person),
        ON(a_hidden_entry_is_not_gone),
        ON(a_ticket_that_must_not_be_read_holds_nothing),
        ON(what_went_out_of_sight_is_not_gone),
        ON(the_source_fails_at_what_is_missing),
        ON(what_was_not_shown_is_no_stranger),
        ON(too_many_deletions_are_not_believed),
        ON(twice_in_a_list_is_once),
        ON(a_restored_source),
        ON(a_window_has_an_end),
        ON(merged_tickets_keep_their_timesheets),
    };

    return ON_EVERY_ENGINE("changes at the source", tests);
}
