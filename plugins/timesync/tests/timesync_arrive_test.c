/* timesync_arrive_test.c - what arrives at the target, and with which customer and project; what is left to a person. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(one_entry_arrives),
        ON(many_arrive),
        ON(units_and_anchors),
        ON(seconds_of_booking_do_not_count),
        ON(what_cannot_be_moved_makes_nothing),
        ON(customers_are_found_first),
        ON(a_ticket_may_change_hands),
        ON(numbers_of_several_sources),
        ON(numbers_that_are_too_long),
        ON(a_place_is_made_once),
    };

    return ON_EVERY_ENGINE("arriving", tests);
}
