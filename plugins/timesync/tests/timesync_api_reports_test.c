/* Reports, the dashboard, and the verbs of the command line. */
#include "api_rig.h"

#define RULES NO_SCHEDULE ",\"rules\":{\"activity\":\"decide\",\"anchor\":\"begins\"}"

/* 15 minutes of Support on the 20th; 30 late in the evening of the 30th in UTC, which is December in Berlin; 45 of Travel wait for a
 * decision. */
static const char *one_month(const char *zone)
{
    const char *sync = make_sync("Main", say(RULES ",\"zone\":\"%s\"", zone));

    booked("6", "50", "Router", "7", "3", "1", "15", "2026-11-20T10:00:00Z");
    booked("7", "50", "Router", "7", "4", "1", "30.5", "2026-11-30T23:30:00Z");
    booked("8", "51", "Printer", "9", "3", "2", "45", "2026-11-22T10:00:00Z");
    assert_status(
        dw_harness_post(
            h, API "/mappings",
            say("{\"sync\":\"%s\",\"kind\":\"activity\",\"source\":\"1\",\"target\":\"21\"}", sync)),
        201);
    assert_text(run(sync, "{}"), "/created", "2");
    return sync;
}

static void minutes_are_summed(void **state)
{
    const char *sync = one_month("UTC");
    dw_harness_reply r = ok(API "/reports/minutes");

    (void)state;
    assert_text(r, "/by/0", "month");
    assert_int_equal(items(r), 1);
    assert_text(r, "/items/0/groups/0/id", "2026-11");
    assert_text(r, "/sums/entries", "3");
    assert_text(r, "/sums/minutes", "90.5");
    assert_text(r, "/sums/synced", "45.5");
    assert_text(r, "/sums/billable", "45.5");
    assert_text(r, "/sums/not_billable", "0.0");
    assert_text(r, "/sums/to_decide", "45.0");
    r = ok(say(API "/reports/minutes?by=customer&by=agent&sync=%s", sync));
    assert_int_equal(items(r), 3);
    assert_text(r, "/items/0/groups/0/name", "Customer 7");
    r = ok(API "/reports/minutes?by=activity&by=ticket&by=day&from=2026-11-20&to=2026-11-22");
    assert_int_equal(items(r), 2);
    assert_text(r, "/items/0/groups/2/id", "2026-11-20");
    assert_text(r, "/items/0/groups/0/name", "Support");
    assert_text(r, "/items/0/minutes", "15.0");
    assert_int_equal(items(ok(API "/reports/minutes?by=project")), 2); /* what waits has none yet */
    assert_int_equal(items(ok(API "/reports/minutes?from=2026-12-01")), 0);
    assert_int_equal(items(ok(API "/reports/minutes?sync=" NOBODY)), 0);
    refused(dw_harness_get(h, API "/reports/minutes?by=colour"), 422, "/query/by");
    refused(dw_harness_get(h, API "/reports/minutes?from=yesterday"), 422, "/query/from");
    refused(dw_harness_get(h, API "/reports/minutes?by=day&by=day"), 422, "/query/by");
    refused(dw_harness_get(h, API "/reports/minutes?from=2026-11-30&to=2026-11-01"), 422, "/query/to");
    as(GLOBEX, NULL);
    assert_text(ok(API "/reports/minutes"), "/sums/entries", "0");
    as(ACME, "timesync.run");
    assert_status(dw_harness_get(h, API "/reports/minutes"), 403);
}

/* The books call customer 7 of the desk "c1", and the desk calls another one so. */
static void what_has_the_same_id_elsewhere_is_another_one(void **state)
{
    const char *sync = one_month("UTC"), *other;
    dw_harness_reply r;

    (void)state;
    booked("9", "52", "Scanner", "c1", "3", "2", "7", "2026-11-23T10:00:00Z");
    run(sync, "{\"kind\":\"full\"}");
    r = ok(API "/reports/minutes?by=customer");
    assert_int_equal(items(r), 3);
    assert_text(r, "/items/0/groups/0/name", "Customer 7");
    assert_text(r, "/items/0/groups/0/id", "c1");
    assert_text(r, "/items/0/minutes", "45.5");
    assert_text(r, "/items/2/groups/0/name", "Customer c1");
    assert_text(r, "/items/2/groups/0/id", "c1");
    assert_text(r, "/items/2/to_decide", "7.0");
    assert_text(r, "/sums/minutes", "97.5");
    try_harness(dw_harness_connection(h, "desk", "{}", &other));
    assert_status(
        dw_harness_post(h, API "/syncs",
                        say("{\"name\":\"Second\",\"source\":\"%s\",\"target\":\"%s\"," NO_SCHEDULE "}",
                            other, books_id)),
        201);
    run(text(ok(API "/syncs?sort=-name"), "/items/0/id"), "{}");
    r = ok(API "/reports/minutes?by=agent");
    assert_int_equal(items(r), 4); /* agents 3 and 4 of both desks */
    assert_text(r, "/sums/minutes", "195.0");
    assert_int_equal(items(ok(say(API "/reports/minutes?by=agent&sync=%s", sync))), 2);
    assert_int_equal(items(ok(API "/reports/minutes?by=month")), 1);
}

static void days_are_those_of_the_zone(void **state)
{
    const char *sync = one_month("Europe/Berlin");
    dw_harness_reply r = ok(API "/reports/minutes?by=day");

    (void)state;
    assert_text(r, "/items/2/groups/0/id", "2026-12-01");
    assert_text(r, "/items/2/minutes", "30.5");
    assert_int_equal(items(ok(API "/reports/minutes")), 2);
    assert_int_equal(items(ok(API "/reports/minutes?from=2026-12-01&to=2026-12-01")), 1);
    assert_status(patch(say(API "/syncs/%s", sync), "{\"zone\":\"Pacific/Auckland\"}"), 200);
    r = ok(API "/reports/minutes?by=day");
    assert_text(r, "/items/0/groups/0/id", "2026-11-20"); /* 23:00 there */
    assert_text(r, "/items/2/groups/0/id", "2026-12-01");
    assert_status(patch(say(API "/syncs/%s", sync), "{\"zone\":\"America/New_York\"}"), 200);
    r = ok(API "/reports/minutes?by=day");
    assert_text(r, "/items/2/groups/0/id", "2026-11-30");
}

/* A year that somebody mistyped in a timesheet is no reason to walk through the centuries between. */
static void a_day_of_another_millennium(void **state)
{
    const dw_time mistyped = { INT64_C(-61318686600000000) }; /* 0026-11-20T23:30:00Z */
    const char *sync = one_month("UTC");
    dw_harness_reply r;

    (void)state;
    assert_int_equal(
        dw_harness_sql(h, "UPDATE timesync_entries SET starts_at = $1 WHERE source_id = '8'", mistyped), 1);
    dw_harness_fail(h, 0, DW_EINTERNAL); /* counts steps from here */
    assert_status(patch(say(API "/syncs/%s", sync), "{\"zone\":\"Etc/GMT-2\"}"), 200);
    assert_true(dw_harness_steps(h) < 200);
    r = ok(API "/reports/minutes?by=day");
    assert_text(r, "/items/0/groups/0/id", "0026-11-21");
    assert_text(r, "/items/1/groups/0/id", "2026-11-20");
    assert_text(r, "/items/2/groups/0/id", "2026-12-01");
}

static void a_report_is_exported(void **state)
{
    dw_harness_reply csv;

    (void)state;
    one_month("UTC");
    csv = ok(API "/reports/minutes/export?by=agent");
    assert_string_equal(dw_harness_header(csv, "Content-Disposition"),
                        "attachment; filename=\"minutes.csv\"");
    assert_non_null(strstr(csv.body.p, "\xEF\xBB\xBF"
                                       "agent,agent_name,entries,minutes,synced,billable,not_billable,billed,"
                                       "to_bill,waiting,to_decide,skipped\r\n"));
    assert_has(csv, "\r\n3,Ann Ämter,2,60.00,15.00,15.00,0.00,0.00,15.00,0.00,45.00,0.00\r\n");
    assert_has(csv, "\r\n4,\"Bob; \"\"the\"\" Builder\",1,30.50,");
    csv = ok(API "/reports/minutes/export?by=agent&separator=semicolon");
    assert_has(csv, "\r\n3;Ann Ämter;2;60,00;15,00;");
}

static void what_is_billed_is_told_from_what_is_to_bill(void **state)
{
    const char *sync = one_month("UTC");
    dw_harness_reply csv;

    (void)state;
    assert_text(ok(API "/reports/minutes"), "/sums/billed", "0.0");
    assert_text(ok(API "/reports/minutes"), "/sums/to_bill", "45.5");
    for (unsigned i = 0; i < books.n; i++)
        books.all[i].exported = books.all[i].end.us - books.all[i].begin.us == INT64_C(15) * 60 * 1000000;
    fprintf(stderr, "%s\n", run(sync, "{\"kind\":\"full\"}").body.p);
    assert_text(ok(API "/reports/minutes"), "/sums/billable", "45.5");
    assert_text(ok(API "/reports/minutes"), "/sums/billed", "15.0");
    assert_text(ok(API "/reports/minutes"), "/sums/to_bill", "30.5");
    csv = ok(API "/entries/export?state=synced");
    assert_has(csv, ",project,billable,exported,day,starts_at,minutes\r\n");
    assert_has(csv, ",yes,yes,2026-11-20,2026-11-20 10:00:00,15.00\r\n");
}

static void a_dashboard_has_its_numbers(void **state)
{
    const char *sync = one_month("UTC");
    dw_harness_reply k = ok(say(API "/kpis?sync=%s", sync));

    (void)state;
    assert_text(k, "/open_cases", "1");
    assert_text(k, "/waiting", "0");
    assert_text(k, "/failed", "0");
    assert_text(k, "/held", "0");
    assert_int_equal(json_array_size(json_object_get(k.json, "days")), 14);
    assert_text(k, "/days/13/day", "2026-11-27");
    assert_text(k, "/days/6/day", "2026-11-20");
    assert_text(k, "/days/6/synced", "15.0");
    assert_text(k, "/days/8/minutes", "45.0");
    assert_text(k, "/days/8/synced", "0.0");
    assert_text(k, "/last_run", text(ok(API "/runs"), "/items/0/id"));
    assert_text(ok(API "/kpis"), "/open_cases", "1");
    as(GLOBEX, NULL);
    k = ok(API "/kpis");
    assert_text(k, "/open_cases", "0");
    assert_text(k, "/last_run", "null");
}

/* ---- the command line ---- */

static dw_harness_outcome command(const char *line)
{
    dw_harness_outcome done = dw_harness_command(h, .line = line, .answer = "y");

    if (done.code != 0)
        fail_msg("%s: %s", line, done.error);
    return done;
}

static json_t *in_json(const char *line)
{
    dw_harness_outcome done = dw_harness_command(h, .line = line, .json = true);

    if (done.code != 0)
        fail_msg("%s: %s", line, done.error);
    return (json_t *)(uintptr_t)done.json;
}

static void assert_shows(dw_harness_outcome done, const char *part)
{
    if (!strstr(done.output, part))
        fail_msg("no \"%s\" in\n%s", part, done.output);
}

static void verbs_show_what_is_there(void **state)
{
    json_t *report;

    (void)state;
    assert_shows(command("timesync status"), "none");
    one_month("UTC");
    assert_shows(command("timesync status"), "Main");
    assert_shows(command("timesync runs --limit 5"), "poll");
    assert_shows(command("timesync cases --reason UNMAPPED_ACTIVITY"), "440051");
    assert_shows(command("timesync cases --reason OVERLAP"), "none");
    assert_shows(command("timesync mappings --sync Main"), "support");
    assert_shows(command("timesync report --by agent --by month --sync Main"), "Ann Ämter");
    report = in_json("timesync report --by agent --from 2026-11-01 --to 2026-11-30");
    assert_int_equal(json_array_size(json_object_get(report, "items")), 2);
    assert_int_equal(json_integer_value(json_object_get(report, "entries")), 3);
    assert_true(json_number_value(json_object_get(report, "minutes")) == 90.5);
    assert_string_equal(dw_harness_command(h, .line = "timesync report --sync Other").error,
                        "there is no such sync (sync: Other, there_are: Main)");
}

/* 40 seconds are 0.67 minutes, in a row and in the sum of it. */
static void a_sum_is_what_its_row_says(void **state)
{
    const char *sync = make_sync("Main", RULES);
    const json_t *report, *row;

    (void)state;
    booked("6", "50", "Router", "7", "3", "1", "0.6667", "2026-11-20T10:00:00Z");
    run(sync, "{}");
    report = in_json("timesync report");
    row = json_array_get(json_object_get(report, "items"), 0);
    assert_true(json_is_number(json_object_get(row, "minutes"))); /* on both engines */
    assert_true(json_number_value(json_object_get(row, "minutes")) == 0.67);
    assert_true(json_number_value(json_object_get(report, "minutes")) == 0.67);
    assert_true(json_number_value(json_object_get(report, "to_decide")) == 0.67);
}

static void a_sync_is_made_and_mapped_by_verbs(void **state)
{
    static const char *const with_blanks[] = { "--schedule",  "never",  "--full-schedule",
                                               "0 2 * * SAT", "--rule", "tags=dowel, on site ",
                                               NULL };
    dw_harness_outcome done;
    json_t *rules;

    (void)state;
    done =
        dw_harness_command(h, .arguments = with_blanks,
                           .line = say("timesync add Main %s %s --zone Europe/Berlin --rule zero=move --rule"
                                       " max_deletions=7 --rule dry_run=false",
                                       desk_id, books_id));
    assert_string_equal(done.error, "");
    rules = in_json("timesync rules Main");
    assert_string_equal(json_string_value(json_object_get(rules, "zero")), "move");
    assert_int_equal(json_integer_value(json_object_get(rules, "max_deletions")), 7);
    assert_int_equal(json_array_size(json_object_get(rules, "tags")), 2);
    assert_string_equal(json_string_value(json_array_get(json_object_get(rules, "tags"), 1)), "on site");
    assert_shows(command("timesync rules"), "minutes_per_unit");
    command("timesync edit Main --rule zero= --name Other --enabled no");
    assert_string_equal(json_string_value(json_object_get(in_json("timesync rules Other"), "zero")), "skip");
    assert_int_equal(audited("timesync.sync.changed"), 1);
    assert_non_null(strstr(dw_harness_command(h, .line = say("timesync edit Other --name %0101d", 7)).error,
                           "longer than 100"));
    assert_non_null(
        strstr(dw_harness_command(h, .line = "timesync edit Other --rule zero=hide").error, "zero"));
    assert_non_null(
        strstr(dw_harness_command(h, .line = "timesync edit Other --rule zero").error, "NAME=VALUE"));
    assert_non_null(
        strstr(dw_harness_command(h, .line = "timesync edit Other --rule max_deletions=many").error,
               "whole number"));
    command("timesync release Other");
    /* What no entry has, and the source lists no activities. */
    assert_non_null(
        strstr(dw_harness_command(h, .line = "timesync map Other activity 7 Nothing").error, "is not there"));
    booked("6", "50", "Router", "7", "3", "1", "15", "2026-11-20T10:00:00Z");
    assert_text(run(text(ok(API "/syncs"), "/items/0/id"), "{}"), "/to_decide", "1");
    assert_non_null(strstr(dw_harness_command(h, .line = "timesync map Other activity Support Nothing").error,
                           "is not there"));
    assert_shows(command("timesync map Other activity Support Driving --billable no"), "settles: 1");
    assert_true(dw_harness_run_jobs(h) > 0);
    assert_int_equal(pages(), 1);
    assert_string_equal(books.all[0].activity, "22");
    assert_shows(command("timesync mappings"), "Driving");
    assert_non_null(
        strstr(dw_harness_command(h, .line = "timesync run Other --any-deletions").error, "--full"));
    assert_non_null(strstr(dw_harness_command(h, .line = "timesync cancel " NOBODY).error, "no such run"));
    assert_non_null(strstr(
        dw_harness_command(h, .line = say("timesync cancel %s", text(ok(API "/runs"), "/items/0/id"))).error,
        "ended already"));
    assert_int_equal(dw_harness_command(h, .line = "timesync delete Other", .answer = "n").code, 0);
    assert_int_equal(items(ok(API "/syncs")), 1);
    assert_shows(command("timesync delete Other"), "deleted");
    assert_int_equal(items(ok(API "/syncs")), 0);
}

/* Support looks like "support"; Travel like nothing; Bob has his address at both sides, and Ann too. */
static void what_is_alike_is_suggested_and_mapped(void **state)
{
    dw_harness_outcome done;
    json_t *list;

    (void)state;
    command(say("timesync add Main %s %s --schedule never --full-schedule never", desk_id, books_id));
    booked("6", "50", "Router", "7", "3", "1", "15", "2026-11-20T10:00:00Z");
    booked("7", "50", "Router", "7", "4", "2", "30", "2026-11-20T12:00:00Z");
    assert_text(run(text(ok(API "/syncs"), "/items/0/id"), "{}"), "/to_decide", "2");
    list = in_json("timesync suggest Main --kind activity");
    assert_int_equal(json_integer_value(json_object_get(list, "matches")), 1);
    list = json_object_get(list, "items");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "target_name")),
                        "support");
    assert_true(json_is_null(json_object_get(json_array_get(list, 1), "target")));
    assert_shows(command("timesync suggest Main"), "--apply maps those");
    assert_null(strstr(command("timesync suggest Main").output, "Ann Ämter")); /* has her address at both */
    assert_int_equal(items(ok(API "/mappings")), 0);
    done = dw_harness_command(h, .line = "timesync suggest Main --apply", .answer = "n");
    assert_int_equal(done.code, 0);
    assert_int_equal(items(ok(API "/mappings")), 0);
    assert_shows(command("timesync suggest Main --apply --kind activity"), "mapped: 1, settles: 1");
    assert_int_equal(items(ok(API "/mappings")), 1);
    assert_int_equal(audited("timesync.mapping.created"), 1);
    assert_true(dw_harness_run_jobs(h) > 0);
    assert_int_equal(pages(), 1);
    assert_shows(command("timesync suggest Main --apply --kind activity"), "mapped: 0, settles: 0");
    assert_int_equal(dw_harness_command(h, .line = "timesync suggest Main --kind rate").code, DW_EINVALID);
    assert_shows(command("timesync suggest Main --kind customer"), "Customer 7");
}

static void a_decision_is_made_by_a_verb(void **state)
{
    const char *sync = one_month("UTC"), *id;

    (void)state;
    id = text(ok(API "/cases?state=open"), "/items/0/id");
    assert_non_null(strstr(dw_harness_command(h, .line = say("timesync decide adopt %s", id)).error,
                           "this action makes no sense for the case"));
    assert_shows(command(say("timesync decide skip %s --note no", id)), "decided");
    assert_true(dw_harness_run_jobs(h) > 0);
    assert_int_equal(items(ok(API "/cases?state=open")), 0);
    assert_text(run(sync, "{\"kind\":\"full\"}"), "/skipped", "1");
}

static void assert_refused(const char *line, const char *part)
{
    dw_harness_outcome done = dw_harness_command(h, .line = line, .answer = "n");

    if (done.code != DW_EINVALID || !strstr(done.error, part))
        fail_msg("%s: %d, %s", line, done.code, done.error);
}

/* What nobody can have meant is said, and not answered with nothing. */
static void what_was_mistyped_is_refused(void **state)
{
    (void)state;
    one_month("UTC");
    assert_refused("timesync report --from 2026-13-01", "is no day, as 2026-11-01");
    assert_refused("timesync report --to yesterday", "--to: is no day");
    assert_refused("timesync report --from 2026-11-30 --to 2026-11-01", "--to: is before the first day");
    assert_refused("timesync report --by day --by agent --by month --by ticket", "--by: three at most");
    assert_refused("timesync cases --reason OVERLAPS", "no such reason");
    assert_refused("timesync cases --limit 0", "--limit: is not 1 to 10000");
    assert_refused("timesync runs --limit -3", "--limit: is not 1 to 10000");
    assert_refused("timesync run Main --until 2h", "--until is for --since");
    assert_refused("timesync run Main --since 1h --until 2h", "--until is not after --since");
    assert_refused("timesync edit Main", "nothing to change");
    assert_refused(say("timesync add Other Nothing %s", books_id), "(connection: Nothing)");
    assert_shows(command("timesync release Main"), "it was not held");
}

/* 44005 is what people call ticket 5. */
static void a_ticket_is_known_by_its_number(void **state)
{
    const char *ticket;

    (void)state;
    one_month("UTC");
    assert_int_equal(
        dw_harness_command(h, .line = say("timesync run Main --ticket 4400%s", desk.all[0].ticket)).code,
        DW_EUNAVAILABLE); /* nobody works jobs off here */
    ticket = desk.all[0].ticket;
    assert_text(ok(API "/runs?sort=-created_at&limit=1"), "/items/0/scope/tickets/0", ticket);
}

/* Under the run that is taken back, as over HTTP: it is that one which somebody asks about. */
static void who_took_a_run_back_is_written_down(void **state)
{
    const json_t *record;
    const char *id;

    (void)state;
    one_month("UTC");
    id = text(ok(API "/runs"), "/items/0/id");
    assert_int_equal(dw_harness_command(h, .line = say("timesync undo %s", id), .answer = "y").code,
                     DW_EUNAVAILABLE); /* nobody works jobs off here */
    record = json_array_get(dw_harness_audit(h, "timesync.run.undone"), 0);
    assert_string_equal(json_string_value(json_object_get(record, "target")), id);
    assert_string_equal(json_string_value(json_object_get(json_object_get(record, "values"), "by")),
                        text(ok(API "/runs?kind=undo"), "/items/0/id"));
    assert_int_equal(audited("timesync.run.started"), 1);
}

/* Nobody works jobs off here while the verb waits. */
static void a_run_that_nobody_takes_up_is_told(void **state)
{
    dw_harness_outcome done;

    (void)state;
    one_month("UTC");
    done = dw_harness_command(h, .line = "timesync run Main");
    assert_int_equal(done.code, DW_EUNAVAILABLE);
    assert_non_null(strstr(done.error, "no server has taken the run up"));
    assert_int_equal(dw_harness_command(h, .line = "timesync plan Main --full --ticket 5").code, DW_EINVALID);
    assert_int_equal(dw_harness_command(h, .line = "timesync plan Other").code, DW_ENOTFOUND);
    assert_int_equal(dw_harness_command(h, .line = "timesync undo " NOBODY, .answer = "y").code,
                     DW_ENOTFOUND);
    assert_int_equal(dw_harness_command(h,
                                        .line = say("timesync undo %s", text(ok(API "/runs"), "/items/0/id")),
                                        .answer = "n")
                         .code,
                     0);
    assert_int_equal(items(ok(API "/runs?kind=undo")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(minutes_are_summed),
        TEST(what_has_the_same_id_elsewhere_is_another_one),
        TEST(days_are_those_of_the_zone),
        TEST(a_day_of_another_millennium),
        TEST(a_report_is_exported),
        TEST(a_dashboard_has_its_numbers),
        TEST(what_is_billed_is_told_from_what_is_to_bill),
        TEST(verbs_show_what_is_there),
        TEST(a_sum_is_what_its_row_says),
        TEST(a_sync_is_made_and_mapped_by_verbs),
        TEST(a_decision_is_made_by_a_verb),
        TEST(who_took_a_run_back_is_written_down),
        TEST(a_run_that_nobody_takes_up_is_told),
        TEST(what_is_alike_is_suggested_and_mapped),
        TEST(what_was_mistyped_is_refused),
        TEST(a_ticket_is_known_by_its_number),
    };

    return ON_EVERY_ENGINE("reports", tests);
}
