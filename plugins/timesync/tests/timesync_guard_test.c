/* timesync_guard_test.c - what one odd entry, another system behind a connection, a hold, a clock that was set do: nothing but
 * what they must. */
#include "sync_rig.h"

/* ---- odd ones ---- */

static const char *filled(char with, size_t n)
{
    static char text[(1 << 20) + 100];

    memset(text, with, n);
    text[n] = '\0';
    return text;
}

#define GIVEN(...)                                                                               \
    DW_TRY(dw_entry_add(out, .customer = "Acme", .agent = "7", .agent_email = "ann@example.org", \
                        .activity = "work", .created = DAY, .changed = DAY, __VA_ARGS__))

static int odd_entries(dw_found *out, const dw_entry_query *q)
{
    if (q->ticket && strcmp(q->ticket, "9") != 0)
        return 0;
    GIVEN(.id = "long", .ticket = "9", .amount = "10", .text = filled('x', (1 << 20) + 50));
    GIVEN(.id = "title", .ticket = "9", .amount = "10", .ticket_title = filled('x', 5000));
    GIVEN(.id = "bytes", .ticket = "9", .amount = "10", .text = "M\xfcller");
    GIVEN(.id = filled('i', 300), .ticket = "9", .amount = "10");
    GIVEN(.id = "none", .ticket = "9");
    return 0;
}

static void an_odd_entry_hurts_only_itself(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{\"description\": \"{note}\"}");
    book("1", "1", "10");
    desk.more = odd_entries;
    desk.odd = 5;
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.created, 4);
    assert_int_equal(n.to_decide, 2);
    assert_non_null(page_for("1"));
    assert_non_null(page_for("long"));
    assert_non_null(strstr(page_for("bytes")->text, "M\xef\xbf\xbdller"));
    assert_string_equal(case_of("none"), "OTHER");
    assert_int_equal(
        count("SELECT count(*) FROM timesync_cases WHERE reason = 'OTHER' AND detail LIKE '%200 bytes%'"), 1);
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.unchanged, 4);
    assert_int_equal(n.to_decide, 2);
    assert_string_equal(run_through(start_run("tickets", "{\"tickets\":[\"9\"]}", false, NULL)).state,
                        "done");
}

static int odd_pages(dw_found *out)
{
    DW_TRY(dw_timesheet_add(out, .id = "monster", .text = filled('x', (1 << 20) + 50), .begin = DAY,
                            .end = DAY));
    DW_TRY(dw_timesheet_add(out, .id = filled('i', 300), .text = "no id of use", .begin = DAY, .end = DAY));
    return 0;
}

static void an_odd_timesheet_hurts_only_itself(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    books.more = odd_pages;
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.created, 1);
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.unchanged, 1);
}

/* ---- another system ---- */

static void lead_to(const char *connection, const char *url)
{
    json_t *settings = json_pack("{s:s}", "url", url);

    sql_ok(
        dw_harness_sql(h, "UPDATE dowel_connections SET settings = $2 WHERE id = $1", connection, settings));
    json_decref(settings);
}

static const char *held(void)
{
    const char *reason = "";

    sql_ok(dw_harness_find(h, DW_TO(&reason), "SELECT held_reason FROM timesync_syncs"));
    return reason;
}

static void nothing_happens_elsewhere(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{\"target_edited\":\"restore\",\"source_deleted\":\"remove\",\"max_deletions\":0}");
    book("1", "1", "10");
    book("2", "1", "10");
    run("full");
    snprintf(page_for("1")->user, 32, "somebody");
    snprintf(page_for("2")->text, 300, "another one's");
    snprintf(desk.all[0].amount, 32, "20");
    desk.all[0].changed.us += 1000000;
    const unsigned writes = books.writes, lists = books.lists;

    lead_to(target, "https://there.example");
    n = run("full");
    assert_string_equal(n.state, "failed");
    assert_string_equal(n.reason, "MOVED");
    assert_string_equal(held(), "MOVED");
    assert_int_equal(books.writes, writes);
    assert_int_equal(books.lists, lists);
    assert_int_equal(books.removes, 0);
    lead_to(target, "https://here.example/"); /* the same again */
    lead_to(source, "https://there.example");
    desk.all[0].gone = desk.all[1].gone = true;
    n = run("full");
    assert_string_equal(n.reason, "MOVED");
    assert_int_equal(books.writes, writes);
    assert_int_equal(count("SELECT count(*) FROM timesync_entries WHERE gone_at IS NOT NULL"), 0);
    lead_to(source, "https://here.example");
    desk.all[0].gone = desk.all[1].gone = false;
    n = run("full");
    assert_string_equal(n.state, "done");
    assert_string_equal(held(), "");
}

/* The address is the same, and there is another system, or another database: ids are those of strangers. */
static void a_strangers_timesheet_is_left_alone(void **state)
{
    static const char stranger[] = "something else that is billed",
                      other[] = "ZAM:T1|TA:1|C:00000000\nours no more";
    struct page *first, *second, *third;
    unsigned writes;

    (void)state;
    rig_start("{\"target_edited\":\"restore\",\"source_deleted\":\"remove\",\"max_deletions\":0}");
    book("1", "1", "10");
    book("2", "2", "10");
    book("3", "3", "10");
    run("full");
    first = page_for("1");
    second = page_for("2");
    third = page_for("3");
    snprintf(first->text, sizeof(first->text), "%s", other);
    snprintf(second->text, sizeof(second->text), "%s", stranger);
    snprintf(third->text, sizeof(third->text), "%s", stranger);
    snprintf(desk.all[1].amount, 32, "20");
    desk.all[2].gone = true;
    writes = books.writes;
    run("full");
    run("full");
    assert_int_equal(books.writes, writes);
    assert_int_equal(books.removes, 0);
    assert_string_equal(first->text, other);
    assert_string_equal(second->text, stranger);
    assert_string_equal(case_of("1"), "TARGET_CHANGED");
    assert_string_equal(case_of("2"), "TARGET_CHANGED");
    assert_string_equal(case_of("3"), "DELETED_SOURCE");
    /* Somebody says so, and still it has the first line of another one. */
    const char *id = "";
    char scope[200];

    sql_ok(dw_harness_find(h, DW_TO(&id), "SELECT id FROM timesync_entries WHERE source_id = '1'"));
    snprintf(scope, sizeof(scope), "{\"action\":\"update\",\"keys\":[\"%s\"]}", id);
    run_through(start_run("decide", scope, false, NULL));
    sql_ok(dw_harness_find(h, DW_TO(&id), "SELECT id FROM timesync_entries WHERE source_id = '3'"));
    snprintf(scope, sizeof(scope), "{\"action\":\"remove\",\"keys\":[\"%s\"]}", id);
    run_through(start_run("decide", scope, false, NULL));
    assert_int_equal(books.writes, writes);
    assert_int_equal(books.removes, 0);
}

/* ---- two workers ---- */

static void another_takes_over(void)
{
    sql_ok(dw_harness_sql(
        h, "UPDATE timesync_places SET version = version + 1, intent_at = $1 WHERE kind = 'customer'",
        (dw_time){ DAY.us + DW_HOURS(1).us }));
    books.making = NULL;
}

/* The first one was slow, the second one took its claim over and is at it; then the first one fails, and takes back what is its own. */
static void a_claim_is_taken_back_by_its_owner_only(void **state)
{
    const char *id;

    (void)state;
    rig_start("{}");
    dw_harness_set_now(h, (dw_time){ DAY.us + DW_HOURS(1).us });
    book("1", "1", "10");
    books.making = another_takes_over;
    books.make_fails = DW_EUNAVAILABLE;
    id = start_run("full", "{}", false, NULL);
    run_jobs();
    assert_int_equal(
        count("SELECT count(*) FROM timesync_places WHERE kind = 'customer' AND target_id IS NULL"), 1);
    books.make_fails = 0;
    run_jobs();
    assert_int_equal(books.n_customers, 0); /* the other one makes it */
    run_through(id);
    assert_int_equal(run("full").to_decide, 0);
    assert_int_equal(books.n_customers, 1);
    assert_int_equal(pages(), 1);
    /* Without another one it is taken back. */
    rig_stop(NULL);
    rig_start("{}");
    book("1", "1", "10");
    books.make_fails = DW_EUNAVAILABLE;
    start_run("full", "{}", false, NULL);
    run_jobs();
    assert_int_equal(count("SELECT count(*) FROM timesync_places WHERE kind = 'customer'"), 0);
}

/* ---- holds ---- */

static void tell(const char *ticket)
{
    char text[200];

    if (ticket)
        snprintf(text, sizeof(text), "{\"connection\":\"%s\",\"ticket\":\"%s\"}", source, ticket);
    else
        snprintf(text, sizeof(text), "{\"connection\":\"%s\"}", source);
    sql_ok(dw_harness_tell(h, "core.connection.changed", text));
    run_jobs();
}

static void tick(void)
{
    sql_ok(dw_harness_add_job(h, "tick", "{}"));
    run_jobs();
}

static void hold(const char *reason)
{
    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET held_reason = $1", reason));
}

static void what_is_told_during_a_hold_is_not_lost(void **state)
{
    char ticket[20];

    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    book("1", "1", "10");
    book("2", "2", "10");
    run("full");
    dw_harness_advance(h, DW_HOURS(1));
    hold("CHOSEN");
    desk.all[0].gone = true; /* which no poll sees */
    book("3", "3", "10");
    for (int i = 0; i < 5; i++)
        tell("1");
    tell("3");
    tick();
    assert_int_equal(pages(), 2);
    assert_int_equal(count("SELECT count(*) FROM timesync_notices"), 2);
    hold("");
    tick();
    assert_null(page_for("1"));
    assert_non_null(page_for("3"));
    assert_int_equal(count("SELECT count(*) FROM timesync_notices"), 0);
    assert_int_equal(count("SELECT count(*) FROM timesync_runs WHERE started_by = 'webhook'"), 1);

    hold("CHOSEN");
    desk.all[1].gone = true;
    for (int i = 0; i < 520; i++) {
        snprintf(ticket, sizeof(ticket), "%d", 1000 + i);
        tell(ticket);
    }
    assert_int_equal(count("SELECT count(*) FROM timesync_notices"), 1);
    hold("");
    tick();
    assert_null(page_for("2"));
    assert_int_equal(
        count("SELECT count(*) FROM timesync_runs WHERE started_by = 'webhook' AND kind = 'full'"), 1);
}

static int64_t told(void)
{
    return count("SELECT count(*) FROM timesync_runs WHERE started_by = 'webhook'");
}

static void tell_and_tick(const char *ticket)
{
    dw_harness_advance(h, DW_MINUTES(1));
    tell(ticket);
    dw_harness_advance(h, DW_MINUTES(1));
    tick();
}

/* No poll sees what is gone: when the source can be asked again, its ticket is; and not for ever. */
static void what_could_not_be_read_is_read_later(void **state)
{
    (void)state;
    rig_start("{\"source_deleted\":\"remove\"}");
    book("1", "1", "10");
    book("2", "1", "10");
    book("3", "3", "10");
    run("full");
    desk.all[0].gone = true;
    desk.fails = DW_EUNAVAILABLE;
    tell_and_tick("1");
    tick();
    assert_int_equal(told(), 1);
    desk.fails = 0;
    tick();
    assert_int_equal(told(), 1); /* nobody knows yet */
    tell_and_tick("3");
    assert_int_equal(told(), 3);
    assert_null(page_for("1"));
    assert_non_null(page_for("2"));
    assert_int_equal(count("SELECT count(*) FROM timesync_notices"), 0);

    desk.fails = DW_EUNAVAILABLE;
    tell_and_tick("1");
    desk.fails = 0;
    dw_harness_advance(h, DW_MINUTES(1));
    tell("3");
    dw_harness_advance(h, DW_MINUTES(1));
    run_jobs(); /* its second look */
    desk.fails = DW_EUNAVAILABLE;
    tick();
    desk.fails = 0;
    assert_int_equal(told(), 6);
    tell_and_tick("3");
    assert_int_equal(told(), 7);
}

/* ---- what is given up ---- */

static void a_step_that_was_given_up_is_found_by_a_poll(void **state)
{
    struct numbers n;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    run("full");
    dw_harness_advance(h, DW_HOURS(1));
    snprintf(desk.all[0].amount, 32, "20");
    desk.all[0].changed.us += DW_HOURS(1).us;
    books.id_fails = DW_EINTERNAL;
    n = run("poll");
    assert_string_equal(n.state, "done");
    assert_int_equal(n.failed, 1);
    assert_string_equal(state_of("1"), "failed");
    books.id_fails = 0;
    dw_harness_advance(h, DW_HOURS(5));
    n = run("poll");
    assert_int_equal(n.updated, 1);
    assert_int_equal(page_for("1")->seconds, 1200);
    assert_string_equal(state_of("1"), "synced");
}

/* ---- rules of an older version ---- */

static void new_rules_appear_in_old_syncs(void **state)
{
    const char *text = "";
    int64_t version = 0;

    (void)state;
    rig_start("{\"max_deletions\": 7}");
    tick();
    tick();
    sql_ok(dw_harness_find(h, DW_TO(&text, &version),
                           "SELECT CAST(rules AS TEXT), version FROM timesync_syncs"));
    assert_non_null(strstr(text, "\"max_deletions\":"));
    assert_non_null(strstr(text, "7"));
    assert_non_null(strstr(text, "\"dry_run\":"));
    assert_non_null(strstr(text, "\"overlap\":"));
    assert_int_equal(version, 2);
}

#define ANOTHER "0190a0a0-0000-7000-8000-000000000001"

/* One that a version to come has written, say. */
static void another_that_is_not_understood(void)
{
    json_t *rules = json_pack("{s:s}", "of_tomorrow", "yes");

    sql_ok(dw_harness_sql(h,
                          "INSERT INTO timesync_syncs (tenant_id, id, name, source, target, mark, rules, "
                          "schedule, full_schedule, zone,"
                          " enabled, poll_due_at, held_reason, held_detail, version, created_at, changed_at)"
                          " VALUES (:tenant, '" ANOTHER "', 'another', $1, $2, "
                          "'00000000', $3, 'every 15m', '',"
                          " 'UTC', $4, $5, '', '', 1, $5, $5)",
                          source, source, rules, DW_TRUE, DAY));
    json_decref(rules);
}

static void one_sync_hurts_no_other(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET schedule = 'every 15m', poll_due_at = $1", DAY));
    another_that_is_not_understood();
    tick();
    assert_int_equal(pages(), 1);
    snprintf(desk.all[0].amount, 32, "20");
    tell("1");
    assert_int_equal(page_for("1")->seconds, 1200);
    assert_true(dw_harness_logged(h, DW_LOG_ERROR, "cannot do anything by itself"));
}

/* Nor does a run of it that stands still. */
static void its_run_hurts_no_other(void **state)
{
    const char *id;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    another_that_is_not_understood();
    id = start_run("full", "{}", false, NULL);
    sql_ok(dw_harness_sql(
        h, "UPDATE timesync_runs SET sync = '" ANOTHER "', id = '" ANOTHER "' WHERE id = $1", id));
    id = start_run("full", "{}", false, NULL);
    sql_ok(dw_harness_sql(h, "DELETE FROM dowel_jobs"));
    dw_harness_advance(h, DW_MINUTES(20));
    tick();
    assert_string_equal(numbers_of(id).state, "done");
    assert_int_equal(pages(), 1);
    assert_true(dw_harness_logged(h, DW_LOG_ERROR, "a run cannot be carried on"));
}

/* ---- clocks ---- */

static void set_clock(int64_t hours)
{
    dw_harness_set_now(h, (dw_time){ DAY.us + hours * DW_HOURS(1).us });
}

/* Ours was an hour ahead when it last read: what is booked until it is there again lies before what is read already. */
static void our_clock_is_set_back(void **state)
{
    (void)state;
    rig_start("{}");
    sql_ok(
        dw_harness_sql(h, "UPDATE timesync_syncs SET schedule = 'every 15m', full_schedule = 'every 24h'"));
    book("1", "1", "10");
    set_clock(3);
    tick(); /* plans */
    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET poll_due_at = $1", DAY));
    tick();
    assert_int_equal(pages(), 1);
    sql_ok(dw_harness_sql(h, "UPDATE timesync_syncs SET full_due_at = poll_due_at"));
    set_clock(2);
    book("2", "2", "10");
    desk.all[1].changed.us = DAY.us + DW_HOURS(2).us;
    snprintf(desk.all[0].amount, 32, "20");
    desk.all[0].changed.us = DAY.us + DW_HOURS(2).us;
    tick();
    assert_non_null(page_for("2"));
    assert_int_equal(page_for("1")->seconds, 1200);
    assert_int_equal(count("SELECT count(*) FROM timesync_runs WHERE kind = 'poll' AND state = 'done'"), 2);
    /* And it goes on from there. */
    dw_harness_advance(h, DW_MINUTES(20));
    desk.all[1].gone = true;
    book("3", "3", "10");
    desk.all[2].changed.us = DAY.us + DW_HOURS(2).us + DW_MINUTES(19).us;
    tick();
    assert_non_null(page_for("3"));
    assert_non_null(page_for("2"));
}

static void holds_do_not_grow_with_the_clock(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    sql_ok(dw_harness_sql(h,
                          "UPDATE timesync_syncs SET schedule = 'every 15m', held_reason = 'AUTH_EXPIRED',"
                          " held_until = $1, poll_due_at = $1",
                          (dw_time){ DAY.us + DW_HOURS(25).us }));
    tick();
    tick();
    assert_int_equal(pages(), 1);
}

/* The source's was a day ahead, and is right now: what was changed since is older by its own times, and counts. */
static void the_sources_clock_is_set_back(void **state)
{
    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    desk.all[0].changed.us = DAY.us + DW_HOURS(24).us;
    run("full");
    dw_harness_advance(h, DW_MINUTES(30));
    snprintf(desk.all[0].amount, 32, "20");
    desk.all[0].changed.us = DAY.us + DW_MINUTES(29).us;
    run("full");
    assert_int_equal(page_for("1")->seconds, 1200);
}

static void a_claim_of_tomorrow_is_waited_for_once(void **state)
{
    const char *id;

    (void)state;
    rig_start("{}");
    book("1", "1", "10");
    set_clock(24);
    books.make_fails = DW_ECANCELLED; /* died while it made it, nobody knows how far */
    start_run("full", "{}", false, NULL);
    run_jobs();
    books.make_fails = 0;
    sql_ok(dw_harness_sql(h, "UPDATE timesync_runs SET state = 'failed'"));
    assert_int_equal(count("SELECT count(*) FROM timesync_places WHERE intent_at IS NOT NULL"), 1);
    set_clock(0);
    id = start_run("full", "{}", false, NULL);
    assert_int_equal(run_through(id).created, 1);
    assert_int_equal(books.n_customers, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(an_odd_entry_hurts_only_itself),
        ON(an_odd_timesheet_hurts_only_itself),
        ON(nothing_happens_elsewhere),
        ON(a_strangers_timesheet_is_left_alone),
        ON(a_claim_is_taken_back_by_its_owner_only),
        ON(what_is_told_during_a_hold_is_not_lost),
        ON(what_could_not_be_read_is_read_later),
        ON(a_step_that_was_given_up_is_found_by_a_poll),
        ON(new_rules_appear_in_old_syncs),
        ON(one_sync_hurts_no_other),
        ON(its_run_hurts_no_other),
        ON(our_clock_is_set_back),
        ON(holds_do_not_grow_with_the_clock),
        ON(the_sources_clock_is_set_back),
        ON(a_claim_of_tomorrow_is_waited_for_once),
    };

    return ON_EVERY_ENGINE("what must hurt nobody else", tests);
}
