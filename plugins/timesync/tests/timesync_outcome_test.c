/* timesync_outcome_test.c - requests whose outcome nobody knows, servers that die, sides that fail: nothing is lost, nothing doubled. */
#include "sync_rig.h"

static const dw_span at_once = { 0 };

/* The run of a sync whose first and only write ended so, as far as it goes at once. */
static const char *first_write_fails(int code, bool acts, dw_span late)
{
    const char *id;

    rig_start("{}");
    book("1", "1", "10");
    fail_next(code, acts, late);
    id = start_run("full", "{}", false, NULL);
    run_jobs();
    return id;
}

/* ---- unknown outcomes ---- */

static void it_was_made_and_nobody_said_so(void **state)
{
    struct numbers n;
    const char *id;

    (void)state;
    id = first_write_fails(DW_EUNKNOWN, true, at_once);
    assert_string_equal(numbers_of(id).state, "writing");
    assert_int_equal(books.writes, 1);
    dw_harness_advance(h, DW_SECONDS(60)); /* too early to look: it might still come */
    run_jobs();
    assert_string_equal(numbers_of(id).state, "writing");
    n = run_through(id);
    assert_int_equal(n.adopted, 1);
    assert_int_equal(books.writes, 1);
    assert_non_null(page_for("1"));
    assert_int_equal(run("full").unchanged, 1);
}

static void it_was_not_made(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    fail_next(DW_EUNKNOWN, false, at_once);
    n = run("full");
    assert_int_equal(n.created, 1);
    assert_int_equal(n.adopted, 0);
    assert_int_equal(books.writes, 2);
    assert_non_null(page_for("1"));
}

static void it_was_made_late(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    fail_next(DW_EUNKNOWN, true, DW_SECONDS(80));
    assert_int_equal(run("full").adopted, 1);
    assert_int_equal(books.writes, 1);
    assert_non_null(page_for("1"));
}

/* ... and the source has the entry no longer when it is looked for. */
static void it_was_made_and_is_not_wanted_any_more(void **state)
{
    const char *id;

    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    book("1", "1", "10");
    fail_next(DW_EUNKNOWN, true, at_once);
    id = start_run("full", "{}", false, NULL);
    run_jobs();
    desk.all[0].gone = true;
    run("full");
    run_through(id);
    assert_null(page_for("1"));
    assert_string_equal(state_of("1"), "gone");
}

/* The customer alone is another one, and the change did not arrive: what is there is not what was sent. */
static void another_project_was_not_written(void **state)
{
    const char *before;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    before = page_for("1")->project;
    assert_string_equal(before, "p1");
    snprintf(desk.all[0].customer, sizeof(desk.all[0].customer), "Globex");
    fail_next(DW_EUNKNOWN, false, at_once);
    run("full");
    assert_string_equal(page_for("1")->project, "p2");
}

/* Whoever was found by address, and changed by somebody before we looked: a person is asked. */
static void another_user_was_not_sent(void **state)
{
    const char *id = first_write_fails(DW_EUNKNOWN, true, at_once);

    (void)state;
    snprintf(books.all[0].user, sizeof(books.all[0].user), "u9");
    run_through(id);
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
}

/* It is given up when nothing came of it several times in a row; those that went well are none of them. */
static void what_went_well_is_no_failure(void **state)
{
    static const char *const amounts[] = { "11", "12", "13" };

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    for (unsigned i = 0; i < 3; i++) {
        edit(&desk.all[0], amounts[i]);
        fail_next(DW_EUNKNOWN, false, at_once);
        assert_int_equal(run("full").updated, 1);
        assert_string_equal(state_of("1"), "synced");
    }
}

/* Neither are those that were refused: who refuses has answered. */
static void what_was_refused_is_no_failure(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    for (unsigned i = 0; i < 2; i++) {
        books.fault = (struct fault){ .at = 1, .code = DW_EINVALID, .reason = "OVERLAP" };
        assert_int_equal(run("full").to_decide, 1);
    }
    fail_next(DW_EUNKNOWN, false, at_once);
    assert_int_equal(run("full").created, 1);
    assert_string_equal(state_of("1"), "synced");
}

/* Another run comes upon the entry while nobody knows yet: it waits as well. */
static void nobody_looks_too_early(void **state)
{
    const char *first, *second;

    (void)state;
    first = first_write_fails(DW_EUNKNOWN, true, DW_SECONDS(80));
    dw_harness_advance(h, DW_SECONDS(5));
    second = start_run("tickets", "{\"tickets\":[\"1\"]}", false, NULL);
    run_through(second);
    run_through(first);
    assert_int_equal(books.writes, 1);
    assert_non_null(page_for("1"));
    assert_string_equal(state_of("1"), "synced");
}

/* A row with the intent of a sender of whom nobody knows: its request may wait for its turn yet, and leave minutes later. */
static void a_sender_may_be_slow(void **state)
{
    const char *id;

    (void)state;
    id = first_write_fails(DW_EUNKNOWN, false, at_once);
    assert_int_equal(
        count("SELECT count(*) FROM timesync_entries WHERE intent = 'create' AND intent_run IS NULL"), 1);
    sql_ok(dw_harness_sql(h, "UPDATE timesync_entries SET intent_run = $1", id));
    dw_harness_advance(h, DW_SECONDS(200)); /* the whole of what is waited for otherwise, and more */
    run_jobs();
    assert_int_equal(books.writes, 1);
    assert_int_equal(run_through(id).created, 1);
    assert_int_equal(books.writes, 2);
}

/* An error page after the deed is no proof that nothing happened. */
static void an_error_page_may_lie(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    fail_next(DW_EUPSTREAM, true, at_once);
    assert_int_equal(run("full").adopted, 1);
    assert_int_equal(books.writes, 1);
}

/* It came when nobody expected it any more, and is found by its marker: what the source says by then is written to it. */
static void what_came_very_late_is_brought_up_to_date(void **state)
{
    static const struct {
        const char *activity, *wanted;
    } now[] = { { "work", "" }, { "travel", "TARGET_CHANGED" } };
    struct page late;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        rig_start("{}");
        map("activity", "travel", "a2");
        book("1", "1", "10");
        run("full");
        late = *page_for("1");
        sql_ok(dw_harness_sql(h, "DELETE FROM timesync_entries"));
        edit(&desk.all[0], "10");
        snprintf(desk.all[0].activity, sizeof(desk.all[0].activity), "%s", now[i].activity);
        snprintf(desk.all[0].note, sizeof(desk.all[0].note), "what was done");
        run("full");
        assert_string_equal(case_of("1"), now[i].wanted);
        assert_int_equal(books.creates, 1);
        assert_int_equal(strcmp(page_for("1")->text, late.text) != 0, i == 0);
        rig_stop(NULL);
    }
}

/* Or the rules say by then that it lies elsewhere in time, as those of older tools may: what is ours follows ours. */
static void what_came_very_late_is_moved(void **state)
{
    dw_time begin;

    (void)state;
    rig_start("{\"anchor\":\"begins\"}");
    book("1", "1", "10");
    run("full");
    begin = page_for("1")->begin;
    sql_ok(dw_harness_sql(h, "DELETE FROM timesync_entries"));
    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET rules = '{\"anchor\":\"ends\"}'"));
    edit(&desk.all[0], "10");
    run("full");
    assert_int_equal(page_for("1")->begin.us, begin.us - INT64_C(600000000));
    assert_int_equal(page_for("1")->seconds, 600);
    assert_int_equal(books.creates, 1);
}

/* Or that it belongs to another project, which is not made yet: a person is asked. */
static void what_came_very_late_is_elsewhere(void **state)
{
    (void)state;
    rig_start("{\"project\":\"of_customer\"}");
    book("1", "1", "10");
    run("full");
    sql_ok(dw_harness_sql(h, "DELETE FROM timesync_entries"));
    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET rules = '{\"project\":\"of_ticket\"}'"));
    edit(&desk.all[0], "10");
    run("full");
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
    assert_int_equal(books.creates, 1);
}

/* The entry was edited while nobody knew: the timesheet that is found is brought up to date. */
static void it_was_edited_meanwhile(void **state)
{
    const char *id;

    (void)state;
    id = first_write_fails(DW_EUNKNOWN, true, at_once);
    edit(&desk.all[0], "25");
    run_tickets("1");
    run_through(id);
    assert_int_equal(page_for("1")->seconds, 1500);
    assert_int_equal(books.creates, 1);
    assert_int_equal(run("full").unchanged, 1);
}

/* Somebody edits it while nobody knows: that is an edit, not what was sent. */
static void it_was_edited_there_meanwhile(void **state)
{
    const char *id;

    (void)state;
    id = first_write_fails(DW_EUNKNOWN, true, at_once);
    edit_page(page_for("1"), 1800);
    assert_int_equal(run_through(id).to_decide, 1);
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
    assert_int_equal(run("full").to_decide, 1);
    assert_int_equal(books.writes, 1);
}

/* Whatever they edited, and for as long as nobody has decided. */
static void it_is_not_billable_there_meanwhile(void **state)
{
    const char *id;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        rig_start("{\"billable\":\"always\",\"tags\":[\"zammad\"]}");
        book("1", "1", "10");
        fail_next(DW_EUNKNOWN, true, at_once);
        id = start_run("full", "{}", false, NULL);
        run_jobs();
        if (i == 0)
            page_for("1")->billable = DW_BILLABLE_NO;
        else
            *page_for("1")->tags = '\0';
        page_for("1")->changed.us += 1000000;
        assert_int_equal(run_through(id).to_decide, 1);
        assert_int_equal(run("full").to_decide, 1);
        assert_string_equal(case_of("1"), "TARGET_CHANGED");
        rig_stop(NULL);
    }
}

static void unknown_updates(void **state)
{
    (void)state;
    rig_start("{}");
    books.rounds = true;
    book("1", "1", "10");
    run("full");
    for (int acts = 0; acts < 2; acts++) {
        snprintf(desk.all[0].amount, 32, "%d.5", 20 + acts);
        desk.all[0].changed.us += 1000000;
        fail_next(DW_EUNKNOWN, acts, at_once);
        assert_int_equal(run("full").updated, 1);
        assert_int_equal(page_for("1")->seconds, 1260 + 60 * acts);
        assert_int_equal(run("full").unchanged, 1);
    }
    assert_int_equal(books.writes, 4);
}

static void unknown_removals(void **state)
{
    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    book("1", "1", "10");
    book("2", "1", "10");
    run("full");
    for (unsigned acts = 0; acts < 2; acts++) {
        desk.all[acts].gone = true;
        fail_next(DW_EUNKNOWN, acts, at_once);
        assert_int_equal(run("full").deleted, 1);
        assert_int_equal(pages(), 1 - acts);
    }
}

/* It never works: the entry has failed until the next run, which tries again. */
static void what_never_works_fails(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    books.fault = (struct fault){ .at = 1, .code = DW_EUPSTREAM };
    for (int i = 0; i < 40; i++) {
        const char *id = i ? NULL : start_run("full", "{}", false, NULL);

        (void)id;
        run_jobs();
        books.fault.at = 1;
        dw_harness_advance(h, DW_SECONDS(95));
        if (strcmp(state_of("1"), "failed") == 0)
            break;
    }
    assert_string_equal(state_of("1"), "failed");
    assert_int_equal(books.writes, 3);
    books.fault.at = 0;
    n = run("poll");
    assert_int_equal(n.created, 1);
    assert_string_equal(state_of("1"), "synced");
}

/* ---- sides that fail ---- */

static void refused_credentials_stop_the_run(void **state)
{
    struct numbers n;
    dw_time first, second;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    book("2", "2", "10");
    fail_next(DW_EAUTH, false, at_once);
    books.fails = 0;
    n = run("full");
    assert_string_equal(n.state, "failed");
    assert_string_equal(n.reason, "AUTH_EXPIRED");
    assert_int_equal(n.failed, 2);
    assert_int_equal(pages(), 0);
    assert_int_equal(count("SELECT count(*) FROM timesync_entries WHERE intent <> ''"), 0);
    assert_int_equal(count("SELECT count(*) FROM timesync_syncs WHERE held_reason = 'AUTH_EXPIRED'"), 1);
    dw_harness_find(h, DW_TO(&first), "SELECT held_until FROM timesync_syncs");
    desk.fails = DW_EAUTH;
    run("full");
    dw_harness_find(h, DW_TO(&second), "SELECT held_until FROM timesync_syncs");
    assert_true(second.us > first.us + 60000000); /* longer and longer */
    desk.fails = 0;
    n = run("poll");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.created, 2);
    assert_int_equal(count("SELECT count(*) FROM timesync_syncs WHERE held_reason = ''"), 1);
}

static void a_side_that_wants_time_gets_it(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    fail_next(DW_ERATE, false, at_once);
    n = run("full");
    assert_int_equal(n.created, 1);
    assert_int_equal(pages(), 1);
}

static void a_side_that_fails_is_said_so_and_heals(void **state)
{
    static const int codes[] = { DW_EUPSTREAM, DW_EUNAVAILABLE, DW_ETOOLARGE, DW_EUNKNOWN };

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        struct numbers n;

        rig_start("{}");
        book("1", "1", "10");
        desk.fails = codes[i];
        n = run("full");
        assert_string_equal(n.state, "failed");
        assert_string_equal(n.reason, "UNREACHABLE");
        desk.fails = 0;
        books.fails = codes[i];
        n = run("full");
        assert_string_equal(n.state, "failed");
        assert_string_equal(n.reason, "UNREACHABLE");
        books.fails = 0;
        n = run("poll");
        assert_string_equal(n.state, "done");
        assert_int_equal(n.created, 1);
        rig_stop(NULL);
    }
}

/* The source shows all but what these credentials may not see: what it shows is moved, nothing counts as gone. */
static void a_source_that_does_not_show_all(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    book("1", "1", "10");
    run("full");
    desk.all[0].gone = true;
    book("2", "2", "10");
    desk.denies = true;
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_string_equal(n.reason, "OTHER");
    assert_int_equal(n.created, 1);
    assert_int_equal(pages(), 2);
    desk.denies = false;
    n = run("full");
    assert_string_equal(n.reason, "");
    assert_int_equal(n.deleted, 1);
}

/* A poll that finds nothing but what it may not see: nothing is wrong with the credentials, so nobody else is held up. */
static void a_source_that_shows_nothing_but_what_it_denies(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{\"overlap\":\"0\"}");
    book("1", "1", "10");
    run("full");
    dw_harness_advance(h, DW_HOURS(1));
    desk.all[0].changed.us -= INT64_C(86400000000); /* the poll does not see it */
    desk.denies_some = "OTHER";
    n = run("poll");
    assert_string_equal(n.state, "done");
    assert_string_equal(n.reason, "OTHER");
    assert_int_equal(count("SELECT count(*) FROM timesync_syncs WHERE held_reason <> ''"), 0);
    desk.denies_some = NULL;
    desk.denies = true; /* not a word of which ones: it may be all */
    n = run("poll");
    assert_string_equal(n.state, "failed");
    assert_string_equal(n.reason, "AUTH_EXPIRED");
}

/* An edit that could not be carried out is found by the next poll, not only by the next full comparison. */
static void what_failed_is_read_again(void **state)
{
    (void)state;
    rig_start("{\"source_deleted\":\"remove\",\"overlap\":\"0\"}");
    book("1", "1", "10");
    book("2", "2", "10");
    run("full");
    dw_harness_advance(h, DW_HOURS(1));
    snprintf(desk.all[0].amount, 32, "25");
    desk.all[0].changed.us += INT64_C(3600000000);
    desk.all[1].gone = true;
    run_through(start_run("full", "{}", false, NULL));
    assert_int_equal(pages(), 1);
    snprintf(desk.all[0].amount, 32, "30");
    desk.all[0].changed.us += INT64_C(1800000000); /* after the last run, before the next */
    dw_harness_advance(h, DW_HOURS(1));
    books.fails = DW_EAUTH;
    assert_string_equal(run("poll").state, "failed");
    books.fails = 0;
    dw_harness_advance(h, DW_HOURS(2));
    assert_int_equal(run("poll").updated, 1);
    assert_int_equal(page_for("1")->seconds, 1800);
}

/* The same of a deletion. */
static void a_deletion_that_failed_is_carried_out(void **state)
{
    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    book("1", "1", "10");
    book("2", "1", "10");
    run("full");
    desk.all[0].gone = true;
    books.fails = DW_EAUTH;
    dw_harness_advance(h, DW_HOURS(1));
    assert_string_equal(run_tickets("1").state, "failed");
    books.fails = 0;
    assert_int_equal(run("poll").deleted, 1);
    assert_int_equal(pages(), 1);
}

/* The clock was a year ahead when it was begun. */
static void a_clock_was_wrong(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    sql_ok(dw_harness_sql(
        h,
        "UPDATE timesync_entries SET sheet = NULL, state = 'waiting', intent = 'create', intent_at = $1,"
        " sent = base",
        ((dw_time){ DAY.us + INT64_C(31536000000000) })));
    assert_string_equal(run("poll").state, "done");
    assert_string_equal(state_of("1"), "synced");
    assert_int_equal(books.writes, 1);
}

static void a_hiccup_is_nothing(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    desk.fails = DW_EUPSTREAM;
    desk.fails_once = 1;
    fail_next(DW_EUNAVAILABLE, false, at_once);
    assert_int_equal(run("full").created, 1);
}

/* ---- two at once ---- */

static void somebody_else_was_there(void)
{
    books.meanwhile = NULL;
    sql_ok(dw_harness_sql(h, "UPDATE timesync_entries SET version = version + 1"));
}

/* Who loses writes nothing over the other's; the timesheet that it made is found. */
static void the_loser_looks_again(void **state)
{
    struct numbers n;

    (void)state;
    if (!postgres) /* one connection writes at a time there */
        return;
    rig_start("{}");
    book("1", "1", "10");
    books.meanwhile = somebody_else_was_there;
    n = run("full");
    assert_int_equal(n.adopted, 1);
    assert_int_equal(books.creates, 1);
}

/* ---- servers that die ---- */

static void world(void)
{
    book("1", "1", "10");
    book("2", "1", "20");
    snprintf(book("3", "2", "30")->customer, 64, "Other");
    snprintf(book("4", "3", "0")->activity, 32, "work");
    snprintf(book("5", "3", "10")->activity, 32, "unmapped");
}

static void check_world(unsigned step)
{
    struct numbers n = run("full");

    if (strcmp(n.state, "done") != 0 || pages() != 3 || !page_for("1") || !page_for("2") || !page_for("3"))
        fail_msg("after a failure at step %u (%s): %s %s, %u pages", step, dw_harness_failed_step(h), n.state,
                 n.reason, pages());
    assert_int_equal(books.n_customers, 2);
    assert_int_equal(books.n_projects, 2);
    assert_int_equal(count("SELECT count(*) FROM timesync_entries WHERE intent <> ''"), 0);
    assert_int_equal(count("SELECT count(*) FROM timesync_entries WHERE state = 'synced'"), 3);
    assert_string_equal(case_of("5"), "UNMAPPED_ACTIVITY");
}

static void let_time_pass(void)
{
    for (int i = 0; i < 12; i++) {
        run_jobs();
        dw_harness_advance(h, DW_MINUTES(3));
    }
}

/* Each step of the host fails once, in a whole first run and in a run with an edit and a deletion: as if the database, or the
 * server, went away there. All of them take minutes: DOWEL_THOROUGH=1; else every seventh, of each way to fail another. */
static void every_step_fails_once(void **state)
{
    static const enum dw_error ways[] = { DW_EUNAVAILABLE, DW_ECANCELLED, DW_EUNKNOWN };
    const unsigned stride = getenv("DOWEL_THOROUGH") ? 1 : 7;
    unsigned last = 0;

    (void)state;
    for (unsigned step = 1; step < 3000; step += stride) {
        const enum dw_error way = ways[step % 3];

        rig_start("{\"source_deleted\":\"remove\"}");
        world();
        start_run("full", "{}", false, NULL);
        dw_harness_fail(h, step, way);
        dw_harness_run_jobs(h);
        last = step;
        if (!dw_harness_failed_step(h)) {
            rig_stop(NULL);
            break;
        }
        let_time_pass();
        check_world(step);
        desk.all[0].gone = true;
        edit(&desk.all[1], "21");
        start_run("full", "{}", false, NULL);
        dw_harness_fail(h, step, way);
        dw_harness_run_jobs(h);
        let_time_pass();
        run("full");
        if (page_for("1") || page_for("2")->seconds != 1260 || pages() != 2)
            fail_msg("after a failure at step %u of the second run: %u pages", step, pages());
        rig_stop(NULL);
    }
    assert_true(last > 100);
}

/* The server died between the request and its outcome: the row has the intent, and nothing else is known. */
static void died_after_the_request(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    sql_ok(dw_harness_sql(h,
                          "UPDATE timesync_entries SET sheet = NULL, sent = base, base = NULL,"
                          " base_hash = NULL, state = 'waiting',"
                          " intent = 'create', intent_at = $1, version = version + 1",
                          DAY));
    dw_harness_advance(h, DW_MINUTES(20));
    n = run("poll");
    assert_int_equal(n.adopted, 1);
    assert_int_equal(books.writes, 1);
    assert_string_equal(state_of("1"), "synced");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(it_was_made_and_nobody_said_so),
        ON(it_was_not_made),
        ON(it_was_made_late),
        ON(it_was_made_and_is_not_wanted_any_more),
        ON(another_project_was_not_written),
        ON(another_user_was_not_sent),
        ON(what_went_well_is_no_failure),
        ON(what_was_refused_is_no_failure),
        ON(what_came_very_late_is_brought_up_to_date),
        ON(what_came_very_late_is_moved),
        ON(what_came_very_late_is_elsewhere),
        ON(nobody_looks_too_early),
        ON(a_sender_may_be_slow),
        ON(an_error_page_may_lie),
        ON(it_was_edited_meanwhile),
        ON(it_was_edited_there_meanwhile),
        ON(it_is_not_billable_there_meanwhile),
        ON(unknown_updates),
        ON(unknown_removals),
        ON(what_never_works_fails),
        ON(refused_credentials_stop_the_run),
        ON(a_side_that_wants_time_gets_it),
        ON(a_side_that_fails_is_said_so_and_heals),
        ON(a_source_that_does_not_show_all),
        ON(a_source_that_shows_nothing_but_what_it_denies),
        ON(what_failed_is_read_again),
        ON(a_deletion_that_failed_is_carried_out),
        ON(a_clock_was_wrong),
        ON(a_hiccup_is_nothing),
        ON(the_loser_looks_again),
        ON(died_after_the_request),
        ON(every_step_fails_once),
    };

    return ON_EVERY_ENGINE("outcomes", tests);
}
