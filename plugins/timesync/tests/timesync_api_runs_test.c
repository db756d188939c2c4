/* Runs, plans, undo, entries, and what is told of them. */
#include "api_rig.h"

#define RULES NO_SCHEDULE ",\"rules\":{\"activity\":\"default\",\"default_activity\":\"21\"}"

static void book_three(void)
{
    booked("6", "50", "Router", "7", "3", "1", "15", "2026-11-20T10:00:00Z");
    booked("7", "50", "Router", "7", "4", "1", "30.5", "2026-11-21T10:00:00Z");
    booked("8", "51", "100 % =Printer", "9", "3", "", "45", "2026-11-22T10:00:00Z");
}

static int64_t number(dw_harness_reply reply, const char *name)
{
    return json_integer_value(json_object_get(reply.json, name));
}

static void assert_adds_up(dw_harness_reply r)
{
    assert_int_equal(number(r, "examined"), number(r, "created") + number(r, "updated") +
                                                number(r, "unchanged") + number(r, "deleted") +
                                                number(r, "skipped") + number(r, "to_decide") +
                                                number(r, "failed"));
}

static void a_run_moves_what_was_booked(void **state)
{
    const char *sync = make_sync("Main", RULES);
    dw_harness_reply done, steps;

    (void)state;
    book_three();
    done = run(sync, "{}");
    assert_text(done, "/state", "done");
    assert_text(done, "/kind", "poll");
    assert_text(done, "/started_by", "person");
    assert_text(done, "/who", ANN);
    assert_int_equal(number(done, "created"), 3);
    assert_int_equal(number(done, "total"), 3);
    assert_int_equal(number(done, "done"), 3);
    assert_adds_up(done);
    assert_int_equal(pages(), 3);
    steps = ok(say(API "/runs/%s/steps?outcome=created", text(done, "/id")));
    assert_int_equal(items(steps), 3);
    assert_text(steps, "/items/0/new_sheet/activity", "21");
    assert_int_equal(items(ok(say(API "/runs/%s/steps?outcome=failed", text(done, "/id")))), 0);
    assert_status(dw_harness_get(h, API "/runs/" NOBODY "/steps"), 404);
    assert_int_equal(audited("timesync.run.started"), 1);
    done = run(sync, "{\"kind\":\"full\"}");
    assert_int_equal(number(done, "unchanged"), 3);
    assert_adds_up(done);
    assert_int_equal(pages(), 3);
}

static void a_plan_writes_nothing(void **state)
{
    const char *sync = make_sync("Main", RULES);
    dw_harness_reply plan;

    (void)state;
    book_three();
    plan = run(sync, "{\"plan\":true}");
    assert_text(plan, "/state", "done");
    assert_text(plan, "/is_plan", "true");
    assert_int_equal(number(plan, "created"), 3);
    assert_int_equal(pages(), 0);
    assert_int_equal(items(ok(say(API "/runs/%s/steps", text(plan, "/id")))), 3);
    assert_int_equal(items(ok(API "/runs?is_plan=true")), 1);
    assert_int_equal(items(ok(API "/runs?is_plan=false")), 0);
}

static void kinds_of_runs_read_what_they_should(void **state)
{
    const char *sync = make_sync("Main", RULES), *runs = say(API "/syncs/%s/runs", sync);
    dw_harness_reply done;

    (void)state;
    book_three();
    done = run(sync, "{\"kind\":\"tickets\",\"tickets\":[\"51\"]}");
    assert_int_equal(number(done, "created"), 1);
    assert_text(done, "/scope/tickets/0", "51");
    done = run(sync,
               "{\"kind\":\"window\",\"since\":\"2026-11-01T00:00:00Z\",\"until\":\"2026-11-30T00:00:00Z\"}");
    assert_int_equal(number(done, "created"), 2);
    refused(dw_harness_post(h, runs, "{\"kind\":\"window\"}"), 422, "#/since");
    refused(dw_harness_post(h, runs, "{\"kind\":\"tickets\"}"), 422, "#/tickets");
    refused(dw_harness_post(h, runs, "{\"since\":\"2026-11-01T00:00:00Z\"}"), 422, "#/since");
    refused(dw_harness_post(h, runs, "{\"tickets\":[\"51\"]}"), 422, "#/tickets");
    refused(
        dw_harness_post(
            h, runs,
            "{\"kind\":\"window\",\"since\":\"2026-11-02T00:00:00Z\",\"until\":\"2026-11-01T00:00:00Z\"}"),
        422, "#/until");
    refused(dw_harness_post(h, runs, "{\"kind\":\"everything\"}"), 422, "#/kind");
    refused(dw_harness_post(h, runs, "{\"any_deletions\":true}"), 422, "#/any_deletions");
    assert_int_equal(items(ok(say(API "/runs?sync=%s&kind=window", sync))), 1);
    assert_int_equal(items(ok(API "/runs?since=2026-11-27T00:00:00Z&until=2026-11-28T00:00:00Z&state=done")),
                     2);
    assert_int_equal(items(ok(API "/runs?until=2026-11-27T00:00:00Z")), 0);
}

static void entries_are_found(void **state)
{
    const char *sync = make_sync("Main", RULES);
    dw_harness_reply list, one;

    (void)state;
    book_three();
    run(sync, "{}");
    list = ok(API "/entries?ticket=50&sort=seen_at");
    assert_int_equal(items(list), 2);
    one = ok(say(API "/entries/%s", text(list, "/items/0/id")));
    assert_text(one, "/source_id", "6");
    assert_text(one, "/seconds", "900");
    assert_text(one, "/starts_at", "2026-11-20T09:45:00.000000Z");
    assert_text(one, "/state", "synced");
    assert_text(one, "/base/id", text(one, "/sheet"));
    assert_int_equal(items(ok(say(API "/entries/%s/steps", text(one, "/id")))), 1);
    assert_int_equal(items(ok(API "/entries?q=router")), 2);
    assert_int_equal(items(ok(API "/entries?q=100+%25")), 1);
    assert_int_equal(items(ok(API "/entries?q=_oute_")), 0); /* no pattern of LIKE */
    assert_int_equal(items(ok(API "/entries?since=2026-11-21T00:00:00Z&until=2026-11-22T00:00:00Z")), 1);
    assert_int_equal(items(ok(say(API "/entries?state=synced&sync=%s&agent=3", sync))), 2);
    assert_int_equal(items(ok(API "/entries?state=deciding")), 0);
    assert_status(dw_harness_get(h, API "/entries/" NOBODY), 404);
    assert_status(dw_harness_get(h, API "/entries/" NOBODY "/steps"), 404);
    as(GLOBEX, NULL);
    assert_int_equal(items(ok(API "/entries")), 0);
    assert_status(dw_harness_get(h, say(API "/entries/%s", text(one, "/id"))), 404);
}

static void a_run_is_cancelled_once(void **state)
{
    const char *sync = make_sync("Main", RULES), *id;
    dw_harness_reply started, now;

    (void)state;
    book_three();
    started = dw_harness_post(h, say(API "/syncs/%s/runs", sync), "{}");
    id = text(assert_status(started, 202), "/id");
    now = assert_status(dw_harness_post(h, say(API "/runs/%s/cancel", id), NULL), 202);
    assert_text(now, "/state", "cancelled");
    dw_harness_run_jobs(h);
    assert_int_equal(pages(), 0);
    refused(dw_harness_post(h, say(API "/runs/%s/cancel", id), NULL), 409, "ended already");
    assert_status(dw_harness_post(h, API "/runs/" NOBODY "/cancel", NULL), 404);
    assert_int_equal(audited("timesync.run.cancelled"), 1);
}

static dw_harness_reply undo(const char *run_id, const char *json)
{
    dw_harness_reply started = dw_harness_post(h, say(API "/runs/%s/undo", run_id), json);

    assert_status(started, 202);
    if (dw_harness_run_jobs(h) < 0)
        fail_msg("%s", dw_harness_why(h));
    return ok(say(API "/runs/%s", text(started, "/id")));
}

static void a_run_is_undone_but_for_what_was_billed(void **state)
{
    const char *sync = make_sync("Main", RULES), *id;
    dw_harness_reply done;

    (void)state;
    book_three();
    id = text(run(sync, "{}"), "/id");
    books.all[1].exported = true;
    done = undo(id, "{\"plan\":true}");
    assert_int_equal(number(done, "deleted"), 2);
    assert_int_equal(number(done, "skipped"), 1);
    assert_int_equal(pages(), 3);
    assert_text(ok(say(API "/syncs/%s", sync)), "/held_reason", ""); /* a plan holds nothing */
    done = undo(id, "{}");
    assert_text(done, "/undoes", id);
    assert_int_equal(number(done, "deleted"), 2);
    assert_int_equal(number(done, "skipped"), 1);
    assert_adds_up(done);
    assert_int_equal(pages(), 1);
    assert_text(ok(say(API "/runs/%s", id)), "/undone_by", text(done, "/id"));
    assert_int_equal(items(ok(say(API "/runs/%s/steps?outcome=created", id))), 3);
    refused(dw_harness_post(h, say(API "/runs/%s/undo", id), "{}"), 409, "cannot be undone");
    refused(dw_harness_post(h, say(API "/runs/%s/undo", text(done, "/id")), "{}"), 409, "cannot be undone");
    assert_status(dw_harness_post(h, API "/runs/" NOBODY "/undo", NULL), 404);
    assert_int_equal(audited("timesync.run.undone"), 2);
}

/* What would begin by itself, and make again what is undone, does not begin; what a person started does. */
static void what_waits_is_not_run_after_an_undo(void **state)
{
    const char *sync = make_sync("Main", RULES), *id, *asked, *due;
    dw_harness_reply done;

    (void)state;
    book_three();
    id = text(run(sync, "{}"), "/id");
    due = text(assert_status(dw_harness_post(h, say(API "/syncs/%s/runs", sync), "{}"), 202), "/id");
    if (dw_harness_sql(h, "UPDATE timesync_runs SET started_by = 'schedule' WHERE id = $1", due) < 0)
        fail_msg("%s", dw_harness_why(h));
    asked = text(assert_status(dw_harness_post(h, say(API "/syncs/%s/runs", sync), "{\"plan\":true}"), 202),
                 "/id");
    assert_int_equal(items(ok(API "/runs?state=waiting")), 2);
    done = undo(id, "{}");
    assert_int_equal(number(done, "deleted"), 3);
    assert_int_equal(pages(), 0);
    assert_text(ok(say(API "/runs/%s", due)), "/state", "cancelled");
    assert_text(ok(say(API "/runs/%s", asked)), "/state", "done");
    assert_text(ok(say(API "/syncs/%s", sync)), "/held_reason", "CHOSEN");
}

/* ---- CSV ---- */

static void lists_are_exported_for_spreadsheets(void **state)
{
    const char *sync = make_sync("Main", RULES);
    dw_harness_reply csv;

    (void)state;
    book_three();
    run(sync, "{}");
    csv = ok(API "/entries/export");
    assert_string_equal(csv.content_type, "text/csv; charset=utf-8");
    assert_string_equal(dw_harness_header(csv, "Content-Disposition"),
                        "attachment; filename=\"entries.csv\"");
    assert_memory_equal(csv.body.p, "\xEF\xBB\xBFsource_id,", 13);
    assert_has(csv, "\r\n6,50,440050,Router,Customer 7,Ann Ämter,ann@example.org,Support,15,synced,,");
    assert_has(csv, ",\"Bob; \"\"the\"\" Builder\",");
    assert_has(csv, ",no,2026-11-21,2026-11-21 09:29:30,30.50\r\n");
    csv = ok(API "/entries/export?separator=semicolon&since=2026-11-21T00:00:00Z");
    assert_memory_equal(csv.body.p, "\xEF\xBB\xBFsource_id;", 13);
    assert_has(csv, ";30,50\r\n");
    assert_has(csv, ";30,5;synced;"); /* what was booked is a number there as well */
    assert_false(has(csv, "\r\n6;"));
    take(desk.all[0].title, sizeof(desk.all[0].title), "=HYPERLINK(\"http://evil\")");
    run(sync, "{\"kind\":\"full\"}");
    assert_has(ok(API "/entries/export?state=synced"), ",\"'=HYPERLINK(\"\"http://evil\"\")\",");
    csv = ok(say(API "/runs/export?sync=%s&until=2026-12-01T00:00:00Z", sync));
    assert_has(csv, ",Main,full,no,person,");
    assert_has(csv, ",Main,poll,no,person,");
    assert_false(has(ok(API "/runs/export?until=2026-11-01T00:00:00Z"), "Main"));
}

/* More than is believed is believed when a person says so. */
static void many_deletions_are_for_a_person(void **state)
{
    const char *sync =
        make_sync("Main", NO_SCHEDULE ",\"rules\":{\"activity\":\"default\",\"default_activity\":\"21\","
                                      "\"source_deleted\":\"remove\",\"max_deletions\":1}");
    dw_harness_outcome status;

    (void)state;
    book_three();
    run(sync, "{}");
    desk.all[0].gone = desk.all[1].gone = true;
    run(sync, "{\"kind\":\"full\"}");
    assert_int_equal(pages(), 3);
    assert_text(ok(say(API "/syncs/%s", sync)), "/held_reason", "TOO_MANY_DELETIONS");
    status = dw_harness_command(h, .line = "timesync status");
    assert_non_null(strstr(status.output, "TOO_MANY_DELETIONS"));
    assert_non_null(strstr(status.output, "dowel timesync release SYNC"));
    run(sync, "{\"kind\":\"full\",\"any_deletions\":true}");
    assert_int_equal(pages(), 1);
    assert_text(ok(say(API "/syncs/%s", sync)), "/held_reason", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_moves_what_was_booked),
        TEST(a_plan_writes_nothing),
        TEST(kinds_of_runs_read_what_they_should),
        TEST(entries_are_found),
        TEST(a_run_is_cancelled_once),
        TEST(a_run_is_undone_but_for_what_was_billed),
        TEST(what_waits_is_not_run_after_an_undo),
        TEST(lists_are_exported_for_spreadsheets),
        TEST(many_deletions_are_for_a_person),
    };

    return ON_EVERY_ENGINE("runs", tests);
}
