/* timesync_runs_test.c - what starts runs, plans, what persons decide, what is taken back. */
#include "sync_rig.h"

/* ---- notices ---- */

static void tell(const char *ticket)
{
    char json[128];

    if (ticket)
        snprintf(json, sizeof(json), "{\"connection\":\"%s\",\"ticket\":\"%s\"}", source, ticket);
    else
        snprintf(json, sizeof(json), "{\"connection\":\"%s\"}", source);
    sql_ok(dw_harness_tell(h, "core.connection.changed", json));
}

static void a_notice_moves_its_ticket(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    book("2", "2", "10");
    tell("1");
    run_jobs();
    assert_int_equal(pages(), 1);
    assert_non_null(page_for("1"));
    assert_int_equal(desk.ticket_lists, 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_runs WHERE state = 'done' AND kind = 'tickets'"),
                     1);
    tell(NULL);
    run_jobs();
    assert_int_equal(pages(), 2);
}

static void a_burst_is_one_run(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    for (int i = 0; i < 30; i++)
        tell("1");
    run_jobs();
    assert_int_equal(pages(), 1);
    assert_true(count("SELECT count(*) FROM timesync_runs") <= 30);
    assert_int_equal(count("SELECT count(*) FROM timesync_runs WHERE state <> 'done'"), 0);
    assert_int_equal(books.writes, 1);
}

static void a_notice_sees_a_deletion(void **state)
{
    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    book("1", "1", "10");
    book("2", "1", "10");
    run("full");
    dw_harness_advance(h, DW_MINUTES(1));
    desk.all[0].gone = true;
    tell("1");
    run_jobs();
    assert_null(page_for("1"));
    assert_non_null(page_for("2"));
    desk.all[1].gone = true; /* the last one of its ticket, which is there */
    tell("1");
    run_jobs();
    assert_int_equal(pages(), 0);
}

static void a_ticket_that_cannot_be_read_yet(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    desk.fails = DW_ENOTFOUND;
    tell("1");
    run_jobs();
    desk.fails = 0;
    dw_harness_advance(h, DW_SECONDS(10));
    run_jobs();
    assert_int_equal(pages(), 1);
}

/* The notice comes before what it is about can be seen. */
static void a_notice_that_is_too_early(void **state)
{
    (void)state;
    rig_start("{}");
    tell("1");
    run_jobs();
    assert_int_equal(pages(), 0);
    book("1", "1", "10");
    dw_harness_advance(h, DW_SECONDS(11));
    run_jobs();
    assert_int_equal(pages(), 1);
    assert_int_equal(desk.ticket_lists, 2);
    tell("1"); /* of one that has just brought something nothing more is expected */
    run_jobs();
    assert_int_equal(desk.ticket_lists, 3);
    assert_int_equal(count("SELECT count(*) FROM timesync_runs WHERE state <> 'done'"), 0);
}

/* Until then the sync only planned, and such a run waits still. */
static void a_plan_takes_no_notices(void **state)
{
    json_t *rules = json_object();

    (void)state;
    rig_start("{\"dry_run\":true}");
    book("1", "1", "10");
    tell("1");
    run_jobs();
    assert_int_equal(pages(), 0);
    sql_ok(dw_harness_sql(h, "UPDATE timesync_runs SET state = 'waiting'"));
    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET rules = $1", rules));
    json_decref(rules);
    tell("1");
    run_jobs();
    assert_int_equal(pages(), 1);
}

/* ---- by itself ---- */

static void what_is_due_begins(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    sql_ok(dw_harness_sql(
        h, "UPDATE timesync_syncs SET schedule = 'every 15m', full_schedule = '0 3 * * *', poll_due_at = $1",
        DAY));
    sql_ok(dw_harness_add_job(h, "tick", "{}"));
    run_jobs();
    assert_int_equal(count("SELECT count(*) FROM timesync_runs WHERE kind = 'poll' AND state = 'done'"), 1);
    assert_int_equal(pages(), 1);
    sql_ok(dw_harness_add_job(h, "tick", "{}"));
    run_jobs();
    assert_int_equal(count("SELECT count(*) FROM timesync_runs"), 1);
    dw_harness_advance(h, DW_HOURS(18));
    sql_ok(dw_harness_add_job(h, "tick", "{}"));
    run_jobs();
    assert_int_equal(count("SELECT count(*) FROM timesync_runs WHERE kind = 'full' AND state = 'done'"), 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_syncs WHERE compared_at IS NOT NULL"), 1);
    /* Held until somebody says so: nothing. */
    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET held_reason = 'TOO_MANY_DELETIONS'"));
    dw_harness_advance(h, DW_HOURS(24));
    sql_ok(dw_harness_add_job(h, "tick", "{}"));
    run_jobs();
    assert_int_equal(count("SELECT count(*) FROM timesync_runs"), 2);
}

static dw_time later_than_day(int64_t minutes)
{
    return (dw_time){ DAY.us + minutes * 60000000 };
}

static void tick_in(dw_span by)
{
    dw_harness_advance(h, by);
    sql_ok(dw_harness_add_job(h, "tick", "{}"));
    run_jobs();
}

/* Where what begins by itself only plans, it neither piles up nor says the same for months. */
static void plans_do_not_pile_up(void **state)
{
    const char *busy;

    (void)state;
    rig_start("{\"dry_run\":true}");
    book("1", "1", "10");
    book("2", "2", "10");
    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET schedule = 'every 2m', poll_due_at = $1", DAY));
    tick_in(DW_MINUTES(1));
    tick_in(DW_MINUTES(3));
    assert_int_equal(
        count("SELECT count(*) FROM timesync_runs WHERE state = 'done' AND is_plan AND created = 2"), 2);
    assert_int_equal(count("SELECT count(*) FROM timesync_steps"), 2);
    assert_int_equal(pages(), 0);
    busy = start_run("full", "{}", false, NULL);
    sql_ok(dw_harness_sql(h, "UPDATE timesync_runs SET state = 'writing', started_at = $2 WHERE id = $1",
                          busy, later_than_day(10)));
    sql_ok(dw_harness_sql(h, "DELETE FROM dowel_jobs WHERE kind = 'timesync.run'"));
    for (int i = 0; i < 3; i++)
        tick_in(DW_MINUTES(3));
    assert_int_equal(count("SELECT count(*) FROM timesync_runs WHERE state = 'waiting'"), 1);
}

static void intents_that_were_left_are_settled(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    sql_ok(dw_harness_sql(
        h,
        "UPDATE timesync_entries SET sheet = NULL, state = 'waiting', intent = 'create', intent_at = $1,"
        " sent = base",
        DAY));
    dw_harness_advance(h, DW_MINUTES(30));
    sql_ok(dw_harness_add_job(h, "tick", "{}"));
    run_jobs();
    assert_int_equal(count("SELECT count(*) FROM timesync_entries WHERE state = 'synced' AND intent = ''"),
                     1);
    assert_int_equal(books.writes, 1);
}

/* Nor does a side that is away get a run every minute, or one that only plans. */
static void intents_are_not_settled_every_minute(void **state)
{
    json_t *plans = json_pack("{s:b}", "dry_run", 1);

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    sql_ok(dw_harness_sql(
        h, "UPDATE timesync_entries SET sheet = NULL, state = 'waiting', intent = 'create', intent_at = $1",
        DAY));
    desk.fails = DW_EDENIED;
    for (int i = 0; i < 25; i++) {
        dw_harness_advance(h, DW_MINUTES(1));
        sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET held_reason = ''"));
        sql_ok(dw_harness_add_job(h, "tick", "{}"));
        run_jobs();
    }
    assert_in_range(count("SELECT count(*) FROM timesync_runs WHERE started_by = 'settle'"), 1, 2);
    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET rules = $1, held_reason = ''", plans));
    json_decref(plans);
    desk.fails = 0;
    for (int i = 0; i < 25; i++) {
        dw_harness_advance(h, DW_MINUTES(1));
        sql_ok(dw_harness_add_job(h, "tick", "{}"));
        run_jobs();
    }
    assert_int_equal(count("SELECT count(*) FROM timesync_runs WHERE is_plan"), 0);
}

static void runs_without_a_job_are_carried_on(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    for (int i = 0; i < 2; i++) {
        const char *id = start_run("full", "{}", false, NULL);

        sql_ok(dw_harness_sql(h, "DELETE FROM dowel_jobs"));
        if (i == 1)
            sql_ok(dw_harness_sql(
                h, "UPDATE timesync_runs SET state = 'writing', started_at = $2 WHERE id = $1", id, DAY));
        run_jobs();
        assert_string_equal(numbers_of(id).state, i ? "writing" : "waiting");
        dw_harness_advance(h, DW_MINUTES(20));
        sql_ok(dw_harness_add_job(h, "tick", "{}"));
        run_jobs();
        assert_string_equal(numbers_of(id).state, "done");
    }
}

/* One that waits for its target for long has its job still, and no other one for the same steps. */
static void a_run_that_waits_has_one_job(void **state)
{
    const char *id;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    books.fails = DW_ERATE;
    id = start_run("tickets", "{\"tickets\":[\"1\"]}", false, NULL);
    run_jobs();
    for (int i = 0; i < 3; i++) {
        tick_in(DW_MINUTES(10));
        assert_string_equal(numbers_of(id).state, "writing");
    }
    assert_int_equal(count("SELECT count(*) FROM dowel_jobs WHERE kind = 'timesync.work'"), 0);
    books.fails = 0;
    assert_int_equal(run_through(id).created, 1);
}

/* Another worker has done it since this one read its page of steps: its server was stopped for a while, say. */
static void somebody_does_the_other(void)
{
    books.meanwhile = NULL;
    sql_ok(dw_harness_sql(h, "UPDATE timesync_steps SET outcome = 'unchanged' WHERE outcome = '' AND entry IN"
                             " (SELECT id FROM timesync_entries WHERE intent = '')"));
}

static void what_another_worker_did_is_not_done_again(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    book("2", "1", "10");
    books.meanwhile = somebody_does_the_other;
    n = run("full");
    assert_int_equal(n.created, 1);
    assert_int_equal(n.unchanged, 1);
    assert_int_equal(books.creates, 1);
}

static void old_runs_go(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    dw_harness_advance(h, DW_HOURS(24 * 100));
    sql_ok(dw_harness_add_job(h, "tick", "{}"));
    run_jobs();
    assert_int_equal(count("SELECT count(*) FROM timesync_runs"), 0);
    assert_int_equal(count("SELECT count(*) FROM timesync_steps"), 0);
    assert_int_equal(run("full").unchanged, 1);
}

static void a_connection_that_goes_disables(void **state)
{
    char json[128];
    const json_t *uses;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    uses = dw_harness_uses(h, target);
    assert_int_equal(json_array_size(uses), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(uses, 0), "count")), 1);
    snprintf(json, sizeof(json), "{\"connection\":\"%s\"}", target);
    sql_ok(dw_harness_tell(h, "core.connection.deleted", json));
    run_jobs();
    assert_int_equal(count("SELECT count(*) FROM timesync_syncs WHERE NOT enabled AND held_detail <> ''"), 1);
}

static void cancelled_meanwhile(void)
{
    desk.meanwhile = NULL;
    sql_ok(dw_harness_sql(h, "UPDATE timesync_runs SET state = 'cancelled' WHERE state = 'reading'"));
}

/* Whoever reads comes to an end, and what it made is no work any more. */
static void a_run_ends_while_it_reads(void **state)
{
    const char *id;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    desk.meanwhile = cancelled_meanwhile;
    id = start_run("full", "{}", false, NULL);
    run_jobs();
    assert_string_equal(numbers_of(id).state, "cancelled");
    assert_int_equal(numbers_of(id).skipped, 1);
    assert_int_equal(count("SELECT count(*) FROM timesync_steps WHERE outcome = ''"), 0);
    assert_int_equal(pages(), 0);
    assert_int_equal(run("poll").created, 1);
}

/* ---- plans ---- */

/* Somebody ends it while its last timesheet is being made. */
static void end_it(void)
{
    books.meanwhile = NULL;
    sql_ok(dw_harness_sql(h,
                          "UPDATE timesync_runs SET state = 'cancelled', reason = 'CANCELLED', examined = 1,"
                          " skipped = 1 WHERE state = 'writing'"));
    sql_ok(dw_harness_sql(
        h, "UPDATE timesync_steps SET outcome = 'skipped', reason = 'CANCELLED' WHERE outcome = ''"));
}

static void what_was_done_when_it_was_ended_counts(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    books.meanwhile = end_it;
    n = run("full");
    assert_string_equal(n.state, "cancelled");
    assert_int_equal(pages(), 1);
    assert_int_equal(n.created, 1);
    assert_int_equal(n.skipped, 0);
}

static void a_plan_writes_nothing(void **state)
{
    struct numbers n;
    const char *id;
    const char *old = "", *new = "";

    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    book("1", "1", "10");
    snprintf(book("2", "1", "10")->activity, 32, "travel");
    n = run_through(start_run("full", "{}", true, NULL));
    assert_int_equal(n.created, 1);
    assert_int_equal(n.to_decide, 1);
    assert_int_equal(books.writes, 0);
    assert_int_equal(books.n_customers, 0);
    assert_int_equal(count("SELECT count(*) FROM timesync_cases"), 0);
    assert_int_equal(count("SELECT count(*) FROM timesync_places WHERE kind <> 'user'"), 0);
    assert_string_equal(state_of("1"), "waiting");

    n = run("full");
    assert_int_equal(n.created, 1);
    edit(&desk.all[0], "25");
    id = start_run("full", "{}", true, NULL);
    n = run_through(id);
    assert_int_equal(n.updated, 1);
    sql_ok(dw_harness_find(h, DW_TO(&old, &new),
                           "SELECT CAST(old_sheet AS TEXT), CAST(new_sheet AS TEXT) FROM timesync_steps"
                           " WHERE run = $1 AND outcome = 'updated'",
                           id));
    assert_non_null(strstr(old, "600"));
    assert_non_null(strstr(new, "1500"));
    assert_int_equal(page_for("1")->seconds, 600);
    desk.all[0].gone = true;
    assert_int_equal(run_through(start_run("full", "{}", true, NULL)).deleted, 1);
    assert_int_equal(pages(), 1);
    assert_int_equal(run("full").deleted, 1);
}

/* ---- decisions ---- */

static void edited_there(const char *entry)
{
    edit_page(page_for(entry), 60);
    assert_int_equal(run("full").to_decide, 1);
    assert_string_equal(case_of(entry), "TARGET_CHANGED");
}

static void decisions_about_edits(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");

    edited_there("1");
    assert_int_equal(choose("1", "update", NULL).updated, 1);
    assert_int_equal(page_for("1")->seconds, 600);
    assert_string_equal(case_of("1"), "");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'resolved'"), 1);
    assert_int_equal(run("full").unchanged, 1);

    edited_there("1");
    choose("1", "keep", NULL);
    assert_int_equal(page_for("1")->seconds, 660);
    assert_string_equal(state_of("1"), "synced");
    assert_int_equal(run("full").unchanged, 1);
    snprintf(desk.all[0].amount, 32, "30"); /* later changes of the source count again */
    desk.all[0].changed.us += 1000000;
    assert_int_equal(run("full").updated, 1);

    edited_there("1");
    choose("1", "unfollow", NULL);
    assert_string_equal(state_of("1"), "unfollowed");
    assert_int_equal(run("full").skipped, 1);
}

static void decisions_about_deletions(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    book("2", "1", "10");
    run("full");
    page_for("1")->gone = true;
    desk.all[1].gone = true;
    assert_int_equal(run("full").to_decide, 2);
    assert_int_equal(choose("1", "create", NULL).created, 1);
    assert_non_null(page_for("1"));
    assert_int_equal(choose("2", "remove", NULL).deleted, 1);
    assert_int_equal(pages(), 1);
    assert_string_equal(state_of("2"), "gone");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'resolved'"), 2);
    assert_int_equal(run("full").unchanged, 1);

    page_for("1")->gone = true;
    assert_int_equal(run("full").to_decide, 1);
    choose("1", "skip", NULL);
    assert_int_equal(run("full").skipped, 1);
    assert_int_equal(pages(), 0);
}

static void an_exported_one_is_not_decided_away(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    page_for("1")->exported = true;
    desk.all[0].gone = true;
    run("full");
    choose("1", "remove", NULL);
    assert_int_equal(pages(), 1);
    assert_string_equal(case_of("1"), "LOCKED_OR_EXPORTED");
}

static void a_mismatch_is_adopted_by_hand(void **state)
{
    (void)state;
    rig_start("{}");
    old_page("ZAM:T1|TA:1", "", 0, 7200);
    book("1", "1", "10");
    assert_int_equal(run("full").to_decide, 1);
    assert_string_equal(case_of("1"), "TIME_MISMATCH");
    assert_int_equal(choose("1", "adopt", "old0").adopted, 1);
    assert_int_equal(run("full").unchanged, 1);
    assert_int_equal(books.writes, 0);
}

static void a_mapping_settles(void **state)
{
    (void)state;
    rig_start("{}");
    snprintf(book("1", "1", "10")->activity, 32, "travel");
    run("full");
    assert_string_equal(case_of("1"), "UNMAPPED_ACTIVITY");
    map("activity", "travel", "a5");
    assert_int_equal(choose("1", "retry", NULL).created, 1);
    assert_string_equal(case_of("1"), "");
    assert_int_equal(count("SELECT count(*) FROM timesync_cases WHERE state = 'resolved'"), 1);
}

/* ---- decisions that came too late, or were about something else ---- */

static void another_ones_timesheet(void **state)
{
    (void)state;
    rig_start("{}");
    old_page("ZAM:T1|TA:1", "", 0, 7200);
    book("1", "1", "10");
    book("2", "1", "10");
    run("full");
    assert_string_equal(case_of("1"), "TIME_MISMATCH");
    choose("1", "adopt", page_for("2")->id);
    assert_string_equal(case_of("1"), "DUPLICATE");
    assert_int_equal(count("SELECT count(*) FROM timesync_entries WHERE sheet = 's2'"), 1);
}

static void it_changed_after_it_was_shown(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    edited_there("1");
    edit_page(page_for("1"), 60);
    assert_int_equal(choose("1", "update", NULL).to_decide, 1);
    assert_int_equal(page_for("1")->seconds, 720);
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
    assert_int_equal(choose("1", "update", NULL).updated, 1);
    assert_int_equal(page_for("1")->seconds, 600);
}

/* A run has found something else before it was carried out: what was chosen makes no sense for that. */
static void it_is_about_something_else(void **state)
{
    unsigned writes;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    book("2", "1", "10");
    run("full");
    edited_there("1");
    writes = books.writes;
    desk.all[0].gone = true;
    dw_harness_advance(h, DW_MINUTES(1));
    run_tickets("1");
    assert_string_equal(case_of("1"), "DELETED_SOURCE");
    assert_int_equal(choose("1", "update", NULL).to_decide, 1);
    assert_int_equal(choose("1", "keep", NULL).to_decide, 1);
    assert_string_equal(case_of("1"), "DELETED_SOURCE");
    assert_int_equal(books.writes, writes);
    assert_int_equal(choose("1", "remove", NULL).deleted, 1);
}

static void it_solved_itself(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    desk.all[0].gone = true;
    run("full");
    assert_string_equal(case_of("1"), "DELETED_SOURCE");
    desk.all[0].gone = false;
    run("full");
    assert_string_equal(case_of("1"), "");
    assert_int_equal(choose("1", "remove", NULL).examined, 0);
    assert_non_null(page_for("1"));
}

static void a_decision_that_fails_is_open_again(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    edited_there("1");
    sql_ok(dw_harness_sql(h, "UPDATE timesync_cases SET state = 'deciding', action = 'update'"));
    books.fails = DW_EAUTH;
    assert_string_equal(choose("1", "update", NULL).state, "failed");
    books.fails = 0;
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
}

static void dismissed_is_not_done(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    edit(&desk.all[0], "25");
    books.fault = (struct fault){ .at = 1, .code = DW_ECONFLICT, .reason = "LOCKDOWN" };
    run("full");
    assert_string_equal(case_of("1"), "LOCKDOWN");
    choose("1", "dismiss", NULL);
    assert_string_equal(case_of("1"), "");
    assert_int_equal(run("full").updated, 1);
    assert_int_equal(page_for("1")->seconds, 1500);
}

static void one_of_two_is_removed(void **state)
{
    struct page twin;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    twin = *page_for("1");
    snprintf(twin.id, sizeof(twin.id), "twin");
    books_put(&twin);
    sql_ok(dw_harness_sql(h, "DELETE FROM timesync_steps"));
    sql_ok(dw_harness_sql(h, "DELETE FROM timesync_entries"));
    run_tickets("1");
    assert_string_equal(case_of("1"), "DUPLICATE");
    choose("1", "remove", NULL);
    assert_int_equal(pages(), 1);
    run("full");
    assert_string_equal(state_of("1"), "synced");
    assert_int_equal(pages(), 1);
    assert_int_equal(books.creates, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(a_notice_moves_its_ticket),
        ON(a_burst_is_one_run),
        ON(a_notice_sees_a_deletion),
        ON(a_ticket_that_cannot_be_read_yet),
        ON(a_notice_that_is_too_early),
        ON(a_plan_takes_no_notices),
        ON(what_is_due_begins),
        ON(plans_do_not_pile_up),
        ON(intents_that_were_left_are_settled),
        ON(intents_are_not_settled_every_minute),
        ON(runs_without_a_job_are_carried_on),
        ON(a_run_that_waits_has_one_job),
        ON(what_another_worker_did_is_not_done_again),
        ON(old_runs_go),
        ON(a_connection_that_goes_disables),
        ON(a_run_ends_while_it_reads),
        ON(what_was_done_when_it_was_ended_counts),
        ON(a_plan_writes_nothing),
        ON(decisions_about_edits),
        ON(decisions_about_deletions),
        ON(an_exported_one_is_not_decided_away),
        ON(a_mismatch_is_adopted_by_hand),
        ON(a_mapping_settles),
        ON(another_ones_timesheet),
        ON(it_changed_after_it_was_shown),
        ON(it_is_about_something_else),
        ON(it_solved_itself),
        ON(a_decision_that_fails_is_open_again),
        ON(dismissed_is_not_done),
        ON(one_of_two_is_removed),
    };

    return ON_EVERY_ENGINE("runs", tests);
}
