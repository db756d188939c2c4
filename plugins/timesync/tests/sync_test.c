/* sync_test.c - passes of a sync, both sides played: what arrives, what is changed, what is left to a person. */
#include "sync_rig.h"

/* ---- arriving ---- */

static void one_entry_arrives(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("61", "4711", "15.0");
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.created, 1);
    assert_int_equal(n.examined, 1);
    assert_int_equal(pages(), 1);

    struct page *p = page_for("61");

    assert_non_null(p);
    assert_int_equal(p->seconds, 900);
    assert_int_equal(p->end.us, DAY.us + INT64_C(600000000));
    assert_string_equal(p->user, "u1");
    assert_string_equal(p->activity, "a1");
    assert_string_equal(books.projects[0].number, "TID-4711");
    assert_string_equal(books.customers[0].number, "OID-Acme");
    assert_string_equal(p->project, books.projects[0].id);
    assert_int_equal(dw_harness_events(h, "timesync.entry.created"), 1);
    assert_int_equal(dw_harness_events(h, "timesync.run.ended"), 1);

    n = run("full");
    assert_int_equal(n.unchanged, 1);
    assert_int_equal(n.examined, 1);
    assert_int_equal(books.writes, 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_steps"), 1);
}

/* Several workers, several customers, several pages of steps: each once, each customer and project once. */
static void many_arrive(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{\"parallel\":8}");
    for (unsigned i = 0; i < 250; i++) {
        char id[16], ticket[16];
        struct booking *b;

        snprintf(id, sizeof(id), "%u", i);
        snprintf(ticket, sizeof(ticket), "%u", i / 5);
        b = book(id, ticket, "10");
        snprintf(b->customer, sizeof(b->customer), "C%u", i / 25);
    }
    n = run("full");
    assert_int_equal(n.created, 250);
    assert_int_equal(pages(), 250);
    assert_int_equal(books.n_customers, 10);
    assert_int_equal(books.n_projects, 50);
    n = run("full");
    assert_int_equal(n.unchanged, 250);
    assert_int_equal(books.writes, 250);
    for (unsigned i = 0; i < 250; i++) {
        char id[16];

        snprintf(id, sizeof(id), "%u", i);
        assert_non_null(page_for(id));
    }
}

static void units_and_anchors(void **state)
{
    (void)state;
    rig_start("{\"minutes_per_unit\":\"15\",\"anchor\":\"begins\"}");
    book("1", "1", "1.5");
    assert_int_equal(run("full").created, 1);
    assert_int_equal(page_for("1")->seconds, 1350);
    assert_int_equal(page_for("1")->begin.us, DAY.us + INT64_C(600000000));
}

/* Booked at some second, it is moved as whole minutes: a target that rounds outwards bills what was booked. */
static void seconds_of_booking_do_not_count(void **state)
{
    (void)state;
    rig_start("{}");
    books.rounds = true;
    book("1", "1", "10")->created.us += 25 * 1000000;
    assert_int_equal(run("full").created, 1);
    assert_int_equal(page_for("1")->seconds, 600);
}

/* Nothing is made at the target for what cannot be moved. */
static void what_cannot_be_moved_makes_nothing(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{\"first_day\":\"2026-03-01\"}");
    book("zero", "1", "0");
    book("below", "2", "-5");
    book("comma", "3", "1,5");
    snprintf(book("unmapped", "4", "10")->activity, 32, "travel");
    snprintf(book("stranger", "5", "10")->email, 64, "bob@example.org");
    book("old", "6", "10")->created.us -= INT64_C(90) * 86400 * 1000000;
    *book("homeless", "7", "10")->customer = '\0';
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.examined, 7);
    assert_int_equal(n.skipped, 2);
    assert_int_equal(n.to_decide, 5);
    assert_int_equal(books.n_customers, 0);
    assert_int_equal(books.n_projects, 0);
    assert_int_equal(books.writes, 0);
    assert_string_equal(state_of("zero"), "skipped");
    assert_string_equal(state_of("old"), "skipped");
    assert_string_equal(case_of("below"), "NEGATIVE_AMOUNT");
    assert_string_equal(case_of("comma"), "INVALID_AMOUNT");
    assert_string_equal(case_of("unmapped"), "UNMAPPED_ACTIVITY");
    assert_string_equal(case_of("stranger"), "UNMAPPED_USER");
    assert_string_equal(case_of("homeless"), "PROJECT_OR_CUSTOMER_MISSING");
    assert_int_equal(dw_harness_events(h, "timesync.case.opened"), 5);

    /* The cause goes: so do the cases, by themselves. */
    map("activity", "travel", "a2");
    snprintf(books.users[1].id, 32, "u2");
    snprintf(books.users[1].email, 64, "bob@example.org");
    books.n_users = 2;
    snprintf(desk.all[2].amount, 32, "1.5");
    desk.all[2].changed = DAY;
    n = run("full");
    assert_int_equal(n.created, 3);
    assert_int_equal(n.to_decide, 2);
    assert_string_equal(case_of("unmapped"), "");
    assert_string_equal(page_for("unmapped")->activity, "a2");
    assert_string_equal(page_for("stranger")->user, "u2");
    assert_int_equal(page_for("comma")->seconds, 90);
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'obsolete'"), 3);
}

static void customers_are_found_first(void **state)
{
    (void)state;
    rig_start("{\"create_projects\":false}");
    snprintf(books.customers[0].id, 32, "c9");
    snprintf(books.customers[0].name, 32, "Acme");
    books.n_customers = 1;
    book("1", "1", "10");
    assert_int_equal(run("full").to_decide, 1);
    assert_string_equal(case_of("1"), "PROJECT_OR_CUSTOMER_MISSING");
    assert_int_equal(books.n_customers, 1);
    map("project", "1", "p77");
    assert_int_equal(run("full").created, 1);
    assert_string_equal(page_for("1")->project, "p77");
}

/* Its organisation was another one: the same ticket has a project in both, and who pays is who has it now. */
static void a_ticket_may_change_hands(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    snprintf(desk.all[0].customer, 64, "Other");
    desk.all[0].changed.us += 1000000;
    snprintf(book("2", "1", "5")->customer, 64, "Other");
    run("full");
    assert_int_equal(books.n_customers, 2);
    assert_int_equal(books.n_projects, 2);
    assert_string_equal(books.customers[1].name, "Other");
    assert_string_equal(books.projects[1].parent, books.customers[1].id);
    assert_string_equal(page_for("2")->project, books.projects[1].id);
    assert_string_equal(page_for("1")->project, books.projects[1].id);
    assert_int_equal(run("full").unchanged, 2);
}

/* OID-5 of one source is not OID-5 of another. */
static void numbers_of_several_sources(void **state)
{
    (void)state;
    rig_start("{}");
    sql_ok(dw_harness_sql(
        h,
        "INSERT INTO timesync_syncs (tenant_id, id, name, source, target, mark, rules, schedule, "
        "full_schedule,"
        " zone, enabled, held_reason, held_detail, version, created_at, changed_at)"
        " SELECT tenant_id, $1, 'another', $1, target, '00000000', rules, '', '', zone, enabled, '', '', 1,"
        " created_at, changed_at FROM timesync_syncs",
        "0190a0a0-0000-7000-8000-0000000000ab"));
    books.customers[0] = (struct thing){ .id = "c9", .name = "Nobody we know", .number = "OID-Acme" };
    books.n_customers = 1;
    book("1", "1", "10");
    assert_int_equal(run("full").to_decide, 1);
    assert_string_equal(case_of("1"), "PROJECT_OR_CUSTOMER_MISSING");
    assert_int_equal(books.n_customers, 1);
    snprintf(books.customers[0].name, 100, "Acme");
    assert_int_equal(run("full").created, 1);
    assert_int_equal(books.n_customers, 1);
}

static void numbers_that_are_too_long(void **state)
{
    (void)state;
    rig_start("{}");
    books.longest_number = 10;
    book("1", "1234567", "10");
    book("2", "1234567", "10");
    assert_int_equal(run("full").created, 2);
    assert_int_equal(books.n_projects, 1);
    assert_string_equal(books.projects[0].name, "Ticket-1234567");
    assert_string_equal(books.projects[0].number, "");
    sql_ok(dw_harness_sql(h, "DELETE FROM timesync_places")); /* found again by its name */
    book("3", "1234567", "10");
    assert_int_equal(run("full").created, 1);
    assert_int_equal(books.n_projects, 1);
}

/* A customer is made, and the answer gets lost: it is found, not made again. */
static void a_place_is_made_once(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    book("2", "1", "10");
    books.make_fails = DW_EUNKNOWN;
    books.make_acts = true;
    start_run("full", "{}", false, NULL);
    run_jobs();
    assert_int_equal(books.n_customers, 1);
    books.make_fails = 0;
    dw_harness_advance(h, DW_SECONDS(95));
    run_jobs();
    dw_harness_advance(h, DW_SECONDS(95));
    run_jobs();
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(books.n_customers, 1);
    assert_int_equal(books.n_projects, 1);
    assert_int_equal(pages(), 2);
}

/* ---- changes ---- */

static void edit(struct booking *b, const char *amount)
{
    snprintf(b->amount, sizeof(b->amount), "%s", amount);
    b->changed.us += INT64_C(60000000);
}

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

/* ---- the target ---- */

static void an_edit_there_is_a_case(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    page_for("1")->end.us += 60000000;
    page_for("1")->seconds += 60;
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
    page_for("1")->end.us += 60000000;
    page_for("1")->seconds += 60;
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
    assert_true(strncmp(page_for("1")->text, "ZAM:T1|TA:1|C:", 14) == 0);
    assert_int_equal(run("full").unchanged, 1);
    assert_int_equal(books.writes, 2);
}

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
            n = run_through(start_run("tickets", "{\"tickets\":[\"1\"]}", false, NULL));
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

static struct page *old_page(const char *text, const char *tags, int64_t begin_after, int64_t seconds)
{
    struct page p = {
        .project = "p9", .activity = "a9", .user = "u9", .seconds = seconds, .billable = DW_BILLABLE_YES
    };

    snprintf(p.id, sizeof(p.id), "old%u", books.n);
    snprintf(p.text, sizeof(p.text), "%s", text);
    snprintf(p.tags, sizeof(p.tags), "%s", tags);
    p.begin.us = DAY.us + begin_after * 1000000;
    p.end.us = p.begin.us + seconds * 1000000;
    books_put(&p);
    return page_of(p.id);
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

static void put_older(void)
{
    struct page p = {
        .id = "old1", .project = "p9", .activity = "a9", .user = "u9", .text = "ZAM:T1|TA:1", .seconds = 7200
    };

    p.begin = DAY;
    p.end.us = DAY.us + INT64_C(7200000000);
    books_put(&p);
}

/* As long as nobody has decided about an older tool's timesheet, an edit of the entry makes none beside it. */
static void none_is_made_beside_an_older_one(void **state)
{
    (void)state;
    rig_start("{}");
    put_older();
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
    put_older();
    book("1", "1", "10");
    book("2", "1", "10");
    run_through(start_run("tickets", "{\"tickets\":[\"1\"]}", false, NULL));
    assert_int_equal(books.creates, 1);
    assert_string_equal(case_of("1"), "TIME_MISMATCH");
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

static void doubles_are_reported(void **state)
{
    char text[400];
    struct numbers n;

    (void)state;
    rig_start("{\"target_deleted\":\"create\"}");
    book("1", "1", "10");
    run("full");
    snprintf(text, sizeof(text), "%s", page_for("1")->text);
    old_page(text, "", 0, 600);
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
    char text[400];
    struct booking *b;

    (void)state;
    rig_start("{\"target_deleted\":\"create\"}");
    b = book("1", "1", "10");
    run("full");
    snprintf(text, sizeof(text), "%s", page_for("1")->text);
    old_page(text, "", 0, 600);
    run("full");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'open'"), 1);
    books.all[0].gone = true;
    snprintf(b->note, sizeof(b->note), "said by telephone");
    edit(b, "10");
    run("full");
    assert_int_equal(pages(), 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'open'"), 0);
}

/* What it was the double of is gone, and its entry is never moved again. */
static void a_double_of_nothing(void **state)
{
    char text[400];
    struct booking *b;

    (void)state;
    rig_start("{\"target_deleted\":\"skip\"}");
    b = book("1", "1", "10");
    run("full");
    snprintf(text, sizeof(text), "%s", page_for("1")->text);
    old_page(text, "", 0, 600);
    run("full");
    books.all[0].gone = true;
    snprintf(b->note, sizeof(b->note), "said by telephone");
    edit(b, "10");
    assert_int_equal(run("full").skipped, 1);
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

#define ON(name) cmocka_unit_test_teardown(name, rig_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(one_entry_arrives),
        ON(many_arrive),
        ON(units_and_anchors),
        ON(seconds_of_booking_do_not_count),
        ON(what_cannot_be_moved_makes_nothing),
        ON(customers_are_found_first),
        ON(a_place_is_made_once),
        ON(a_ticket_may_change_hands),
        ON(numbers_of_several_sources),
        ON(numbers_that_are_too_long),
        ON(an_edit_follows),
        ON(a_deletion_follows_the_rule),
        ON(a_deletion_waits_for_a_person),
        ON(a_hidden_entry_is_not_gone),
        ON(too_many_deletions_are_not_believed),
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
        ON(merged_tickets_keep_their_timesheets),
        ON(a_restored_database_doubles_nothing),
        ON(rows_of_other_tools_are_adopted),
        ON(a_connection_made_anew_doubles_nothing),
        ON(twice_in_a_list_is_once),
        ON(none_is_made_beside_an_older_one),
        ON(a_ticket_first_of_all),
        ON(a_restored_source),
        ON(a_window_has_an_end),
        ON(doubles_are_reported),
        ON(a_double_becomes_its_own),
        ON(a_double_of_nothing),
        ON(orphans_are_reported),
    };
    int failed = cmocka_run_group_tests_name("sync on SQLite", tests, NULL, NULL);

    postgres = getenv("DOWEL_TEST_POSTGRES");
    if (postgres && *postgres)
        failed += cmocka_run_group_tests_name("sync on PostgreSQL", tests, NULL, NULL);
    return failed;
}
