/* Cases and mappings: what only a person can decide, and what settles it. */
#include "api_rig.h"

#define KEEPS_WATCH NO_SCHEDULE ",\"rules\":{\"activity\":\"default\",\"default_activity\":\"21\"}"

static const char *sync_id;

static dw_harness_reply first_case(void)
{
    return ok(say(API "/cases/%s", text(ok(API "/cases?state=open&sort=opened_at"), "/items/0/id")));
}

static void work(void)
{
    if (dw_harness_run_jobs(h) < 0)
        fail_msg("%s", dw_harness_why(h));
}

/* Three entries of which nothing says what their work is there: two are Support, one is Travel. */
static void three_open_cases(void)
{
    sync_id = make_sync("Main", NO_SCHEDULE);
    booked("6", "50", "Router", "7", "3", "1", "15", "2026-11-20T10:00:00Z");
    booked("7", "50", "Router", "7", "4", "1", "30", "2026-11-21T10:00:00Z");
    booked("8", "51", "Printer", "9", "3", "2", "45", "2026-11-22T10:00:00Z");
    assert_text(run(sync_id, "{}"), "/to_decide", "3");
    assert_int_equal(pages(), 0);
}

static void reasons_are_told(void **state)
{
    dw_harness_reply all = ok(API "/reasons");

    (void)state;
    assert_text(all, "/items/0/reason", "UNMAPPED_ACTIVITY");
    assert_text(all, "/items/0/text", "nothing says which activity of the target this kind of work is");
    assert_true(json_array_size(
                    json_object_get(json_array_get(json_object_get(all.json, "items"), 0), "actions")) >= 3);
}

static void in_german_too(void **state)
{
    dw_harness_reply all =
        dw_harness_request(h, .target = API "/reasons", .headers = "Accept-Language: de\r\n");

    (void)state;
    assert_text(assert_status(all, 200), "/items/0/text",
                "nichts sagt, welche Tätigkeit des Ziels diese Art von Arbeit ist");
    refused(dw_harness_request(h, .target = API "/cases/decide", .json = "{\"action\":\"skip\"}",
                               .headers = "Accept-Language: de\r\n"),
            422, "bitte entweder die ids");
}

static void an_open_case_has_all_facts(void **state)
{
    dw_harness_reply one, counts;

    (void)state;
    three_open_cases();
    one = first_case();
    assert_text(one, "/reason", "UNMAPPED_ACTIVITY");
    assert_text(one, "/source/activity_name", "Support");
    assert_text(one, "/source/amount", "15");
    assert_text(one, "/state", "open");
    assert_text(one, "/base", "null");
    counts = ok(say(API "/cases/counts?sync=%s", sync_id));
    assert_int_equal(items(counts), 1);
    assert_text(counts, "/items/0/reason", "UNMAPPED_ACTIVITY");
    assert_text(counts, "/items/0/count", "3");
    assert_int_equal(items(ok(API "/cases/counts")), 1);
    assert_int_equal(
        items(ok(say(API "/cases?reason=UNMAPPED_ACTIVITY&sync=%s&entry=%s", sync_id, text(one, "/entry")))),
        1);
    as(GLOBEX, NULL);
    assert_int_equal(items(ok(API "/cases")), 0);
    assert_int_equal(items(ok(API "/cases/counts")), 0);
    assert_status(dw_harness_get(h, say(API "/cases/%s", text(one, "/id"))), 404);
    assert_status(dw_harness_post(h, say(API "/cases/%s/decide", text(one, "/id")), "{\"action\":\"skip\"}"),
                  404);
}

static void a_case_gets_a_note_and_somebody(void **state)
{
    dw_harness_reply one;
    const char *target;

    (void)state;
    three_open_cases();
    target = say(API "/cases/%s", text(first_case(), "/id"));
    one = assert_status(patch(target, "{\"note\":\"Ask Ann\",\"assigned\":\"" ANN "\"}"), 200);
    assert_text(one, "/note", "Ask Ann");
    assert_int_equal(items(ok(API "/cases?assigned=" ANN)), 1);
    one = assert_status(patch(target, "{\"assigned\":\"\"}"), 200);
    assert_text(one, "/note", "Ask Ann");
    assert_text(one, "/assigned", "");
    assert_status(dw_harness_request(h, .method = "PATCH", .target = target, .json = "{\"note\":\"\"}",
                                     .headers = "If-Match: \"1\"\r\n"),
                  412);
    assert_int_equal(audited("timesync.case.changed"), 2);
}

static void a_mapping_settles_what_it_explains(void **state)
{
    dw_harness_reply made, list;

    (void)state;
    three_open_cases();
    list = ok(say(API "/mappings/suggestions?sync=%s&kind=activity", sync_id));
    assert_text(list, "/items/0/source", "1");
    assert_text(list, "/items/0/cases", "2");
    assert_text(list, "/items/0/target", "21"); /* "support" is "Support" */
    assert_text(list, "/items/1/source_name", "Travel");
    assert_text(list, "/items/1/target", "null");
    made = dw_harness_post(
        h, API "/mappings",
        say("{\"sync\":\"%s\",\"kind\":\"activity\",\"source\":\"1\",\"target\":\"21\",\"settle\":true}",
            sync_id));
    assert_status(made, 201);
    assert_text(made, "/source_name", "Support");
    assert_text(made, "/explains", "2");
    assert_text(made, "/target_name", "support");
    work();
    assert_text(ok(say(API "/runs/%s", text(made, "/settled_by"))), "/created", "2");
    assert_text(ok(say(API "/runs/%s", text(made, "/settled_by"))), "/started_by", "mapping");
    assert_int_equal(pages(), 2);
    assert_int_equal(items(ok(API "/cases?state=open")), 1);
    assert_int_equal(items(ok(API "/cases?state=resolved")), 2);
    assert_text(ok(API "/cases?state=resolved"), "/items/0/resolved_by", ANN);
    list = ok(say(API "/mappings/suggestions?sync=%s&kind=activity", sync_id));
    assert_int_equal(items(list), 1);
}

static void a_mapping_is_made_first_and_settled_later(void **state)
{
    dw_harness_reply made;
    const char *target;

    (void)state;
    three_open_cases();
    made = dw_harness_post(
        h, API "/mappings",
        say("{\"sync\":\"%s\",\"kind\":\"activity\",\"source\":\"2\",\"target\":\"21\"}", sync_id));
    assert_status(made, 201);
    assert_text(made, "/explains", "1");
    target = dw_harness_header(made, "Location");
    made = assert_status(patch(target, "{\"target\":\"22\",\"billable\":\"no\"}"), 200);
    assert_text(made, "/target_name", "Driving");
    assert_text(made, "/billable", "no");
    assert_text(ok(target), "/explains", "1");
    assert_status(dw_harness_post(h, say("%s/settle", target), NULL), 202);
    work();
    assert_int_equal(pages(), 1);
    assert_string_equal(books.all[0].activity, "22");
    assert_text(ok(target), "/explains", "0");
    assert_int_equal(items(ok(say(API "/mappings?sync=%s&kind=activity&sort=source_name", sync_id))), 1);
    assert_has(ok(API "/mappings/export"), "\r\nMain,activity,2,Travel,22,Driving,no\r\n");
    assert_status(erase(target), 204);
    assert_status(dw_harness_get(h, target), 404);
    assert_status(erase(target), 404);
    assert_int_equal(audited("timesync.mapping.created"), 1);
    assert_int_equal(audited("timesync.mapping.changed"), 1);
    assert_int_equal(audited("timesync.mapping.deleted"), 1);
}

static dw_harness_reply map(const char *sync, const char *kind, const char *target)
{
    return dw_harness_post(
        h, API "/mappings",
        say("{\"sync\":\"%s\",\"kind\":\"%s\",\"source\":\"1\",\"target\":\"%s\"}", sync, kind, target));
}

static void a_wrong_mapping_is_told_what_is_wrong(void **state)
{
    (void)state;
    three_open_cases();
    refused(map(NOBODY, "activity", "21"), 422, "#/sync");
    refused(map(NOBODY, "activity", ""), 422, "#/sync");
    refused(map(sync_id, "activity", "99"), 422, "#/target");
    refused(map(sync_id, "colour", "21"), 422, "#/kind");
    assert_status(map(sync_id, "activity", ""), 201); /* never moved */
    refused(map(sync_id, "activity", "21"), 409, "mapped already");
    as(GLOBEX, NULL);
    refused(map(sync_id, "user", "11"), 422, "#/sync");
    assert_int_equal(items(ok(API "/mappings")), 0);
    as(ACME, "timesync.read");
    assert_status(map(sync_id, "user", "11"), 403);
}

static dw_harness_reply decide_all(const char *json)
{
    return dw_harness_post(h, API "/cases/decide", json);
}

static void many_are_decided_at_once(void **state)
{
    dw_harness_reply decided;

    (void)state;
    three_open_cases();
    decided = decide_all(say(
        "{\"sync\":\"%s\",\"reason\":\"UNMAPPED_ACTIVITY\",\"action\":\"skip\",\"note\":\"Old\"}", sync_id));
    assert_status(decided, 202);
    assert_text(decided, "/cases", "3");
    assert_int_equal(items(ok(API "/cases?state=deciding")), 3);
    work();
    assert_text(ok(say(API "/runs/%s", text(decided, "/runs/0"))), "/skipped", "3");
    assert_int_equal(items(ok(API "/cases?state=resolved")), 3);
    assert_int_equal(items(ok(API "/entries?state=skipped&reason=CHOSEN")), 3);
    assert_text(ok(API "/cases"), "/items/0/note", "Old");
    assert_text(run(sync_id, "{\"kind\":\"full\"}"), "/skipped", "3");
    assert_int_equal(items(ok(API "/cases?state=open")), 0);
    assert_int_equal(audited("timesync.case.decided"), 3);
    refused(
        decide_all(say("{\"sync\":\"%s\",\"reason\":\"UNMAPPED_ACTIVITY\",\"action\":\"skip\"}", sync_id)),
        404, "no case with this reason is open");
}

/* That a database is busy is no reason to say that there is no such case, and to give up. */
static void a_case_is_there_although_the_database_is_busy(void **state)
{
    const char *decide;

    (void)state;
    three_open_cases();
    decide = say(API "/cases/%s/decide", text(first_case(), "/id"));
    for (unsigned n = 1; n < 30; n++) {
        dw_harness_fail(h, n, DW_EUNAVAILABLE);
        assert_int_not_equal(dw_harness_post(h, decide, "{\"action\":\"skip\"}").status, 404);
    }
    dw_harness_fail(h, 0, DW_EUNAVAILABLE);
    assert_int_equal(items(ok(API "/cases?state=deciding")), 1);
}

/* As api.yaml says of both. */
static void a_mapping_is_for_what_was_moved_already(void **state)
{
    dw_harness_reply made;

    (void)state;
    sync_id = make_sync("Main", NO_SCHEDULE);
    booked("6", "50", "Router", "7", "3", "1", "15", "2026-11-20T10:00:00Z");
    made = assert_status(map(sync_id, "activity", "21"), 201);
    assert_text(run(sync_id, "{}"), "/created", "1");
    assert_status(patch(dw_harness_header(made, "Location"), "{\"target\":\"22\"}"), 200);
    assert_text(run(sync_id, "{\"kind\":\"full\"}"), "/updated", "1");
    assert_string_equal(books.all[0].activity, "22");
    assert_status(erase(dw_harness_header(made, "Location")), 204);
    assert_text(run(sync_id, "{\"kind\":\"full\"}"), "/to_decide", "1");
    assert_false(books.all[0].gone);
    assert_text(first_case(), "/reason", "UNMAPPED_ACTIVITY");
}

static void what_makes_no_sense_is_refused(void **state)
{
    const char *id, *decide;

    (void)state;
    three_open_cases();
    id = text(first_case(), "/id");
    decide = say(API "/cases/%s/decide", id);
    refused(dw_harness_post(h, decide, "{\"action\":\"keep\"}"), 422, "makes no sense for the case");
    refused(dw_harness_post(h, decide, "{\"action\":\"map\"}"), 422, "POST /timesync/mappings");
    refused(dw_harness_post(h, decide, "{\"action\":\"adopt\"}"), 422, "makes no sense for the case");
    refused(dw_harness_post(h, decide, "{\"action\":\"burn\"}"), 422, "#/action");
    refused(decide_all("{\"action\":\"skip\"}"), 422, "#/ids");
    refused(decide_all(say("{\"ids\":[\"%s\"],\"sync\":\"%s\",\"action\":\"skip\"}", id, sync_id)), 422,
            "#/ids");
    refused(decide_all(say("{\"ids\":[\"%s\"],\"action\":\"adopt\"}", id)), 422, "makes no sense");
    /* All or none. */
    refused(decide_all(say("{\"ids\":[\"%s\",\"" NOBODY "\"],\"action\":\"skip\"}", id)), 404,
            "no such case");
    assert_text(ok(say(API "/cases/%s", id)), "/state", "open");
    assert_status(dw_harness_post(h, decide, "{\"action\":\"skip\"}"), 202);
    refused(dw_harness_post(h, decide, "{\"action\":\"skip\"}"), 409, "not open any more");
    as(ACME, "timesync.read timesync.run");
    assert_status(dw_harness_post(h, decide, "{\"action\":\"skip\"}"), 403);
}

/* ---- what was changed at the target ---- */

static dw_harness_reply a_changed_sheet(void)
{
    sync_id = make_sync("Main", KEEPS_WATCH);
    booked("6", "50", "Router", "7", "3", "1", "15", "2026-11-20T10:00:00Z");
    run(sync_id, "{}");
    assert_int_equal(pages(), 1);
    edit_page(&books.all[0], 600);
    run(sync_id, "{\"kind\":\"full\"}");
    return first_case();
}

static void decide(const char *id, const char *json)
{
    assert_status(dw_harness_post(h, say(API "/cases/%s/decide", id), json), 202);
    work();
    assert_text(ok(say(API "/cases/%s", id)), "/state", "resolved");
}

static void an_edit_is_put_back(void **state)
{
    dw_harness_reply one = a_changed_sheet();

    (void)state;
    assert_text(one, "/reason", "TARGET_CHANGED");
    assert_text(one, "/base/seconds", "900");
    assert_text(one, "/target/seconds", "1500");
    decide(text(one, "/id"), "{\"action\":\"update\"}");
    assert_int_equal(books.all[0].end.us - books.all[0].begin.us, INT64_C(900000000));
    assert_text(run(sync_id, "{\"kind\":\"full\"}"), "/unchanged", "1");
}

/* A page of somebody else, which nobody asked about. */
static void a_timesheet_is_named_with_adopt_only(void **state)
{
    const char *id = text(a_changed_sheet(), "/id");
    struct page theirs = books.all[0];

    (void)state;
    snprintf(theirs.id, sizeof(theirs.id), "theirs");
    snprintf(theirs.text, sizeof(theirs.text), "something else");
    books_put(&theirs);
    refused(
        dw_harness_post(h, say(API "/cases/%s/decide", id), "{\"action\":\"update\",\"sheet\":\"theirs\"}"),
        422, "#/sheet");
    work();
    assert_string_equal(page_of("theirs")->text, "something else");
    assert_text(ok(say(API "/cases/%s", id)), "/state", "open");
}

/* Somebody looks at it, a run finds something else, and then it is decided. */
static void it_is_decided_as_it_was_seen(void **state)
{
    dw_harness_reply seen = a_changed_sheet();
    const char *id = text(seen, "/id"), *decide = say(API "/cases/%s/decide", id);
    const char *as_seen = say("{\"action\":\"keep\",\"version\":%s}", text(seen, "/version"));

    (void)state;
    edit_page(&books.all[0], 600);
    run(sync_id, "{\"kind\":\"full\"}");
    refused(dw_harness_post(h, decide, as_seen), 409, "read it again");
    assert_text(ok(say(API "/cases/%s", id)), "/state", "open");
    as_seen = say("{\"action\":\"keep\",\"version\":%s}", text(ok(say(API "/cases/%s", id)), "/version"));
    assert_status(dw_harness_post(h, decide, as_seen), 202);
}

static void an_edit_is_kept(void **state)
{
    (void)state;
    decide(text(a_changed_sheet(), "/id"), "{\"action\":\"keep\"}");
    assert_int_equal(books.all[0].end.us - books.all[0].begin.us, INT64_C(1500000000));
    assert_text(run(sync_id, "{\"kind\":\"full\"}"), "/unchanged", "1");
    assert_text(ok(API "/reports/minutes"), "/sums/minutes", "25.0"); /* what is billed */
}

static void a_dismissed_case_does_not_come_back(void **state)
{
    (void)state;
    decide(text(a_changed_sheet(), "/id"), "{\"action\":\"dismiss\"}");
    run(sync_id, "{\"kind\":\"full\"}");
    assert_int_equal(items(ok(API "/cases?state=open")), 0);
    edit_page(&books.all[0], 600);
    run(sync_id, "{\"kind\":\"full\"}");
    assert_int_equal(items(ok(API "/cases?state=open")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reasons_are_told),
        TEST(in_german_too),
        TEST(an_open_case_has_all_facts),
        TEST(a_case_gets_a_note_and_somebody),
        TEST(a_mapping_settles_what_it_explains),
        TEST(a_mapping_is_made_first_and_settled_later),
        TEST(a_wrong_mapping_is_told_what_is_wrong),
        TEST(many_are_decided_at_once),
        TEST(a_case_is_there_although_the_database_is_busy),
        TEST(a_mapping_is_for_what_was_moved_already),
        TEST(what_makes_no_sense_is_refused),
        TEST(an_edit_is_put_back),
        TEST(a_timesheet_is_named_with_adopt_only),
        TEST(it_is_decided_as_it_was_seen),
        TEST(an_edit_is_kept),
        TEST(a_dismissed_case_does_not_come_back),
    };

    return ON_EVERY_ENGINE("cases", tests);
}
