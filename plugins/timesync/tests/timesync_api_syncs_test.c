/* Syncs: making, changing, deleting, and what is said of wrong ones. */
#include "api_rig.h"

static void the_rules_are_told(void **state)
{
    dw_harness_reply rules = ok(API "/rules");

    (void)state;
    assert_true(items(rules) > 20);
    assert_text(rules, "/items/0/name", "minutes_per_unit");
    assert_text(rules, "/items/0/default", "1");
}

static void a_schedule_is_previewed(void **state)
{
    dw_harness_reply times = ok(API "/schedule?when=30+2+*+*+*&zone=Europe/Berlin");

    (void)state;
    assert_int_equal(items(times), 5);
    assert_text(times, "/items/0", "2026-11-28T01:30:00.000000Z");
    assert_int_equal(items(ok(API "/schedule?when=2026-12-24T18:00:00")), 1);
    refused(dw_harness_get(h, API "/schedule?when=often"), 422, "/query/when");
    refused(dw_harness_get(h, API "/schedule?when=every+5m&zone=Mars/Olympus"), 422, "Mars/Olympus");
}

static void a_sync_is_made_and_read(void **state)
{
    dw_harness_reply made, read;

    (void)state;
    made = dw_harness_post(
        h, API "/syncs",
        say("{\"name\":\"Büro\",\"source\":\"%s\",\"target\":\"%s\",\"zone\":\"Europe/Berlin\","
            "\"rules\":{\"activity\":\"default\",\"default_activity\":\"21\"}}",
            desk_id, books_id));
    assert_status(made, 201);
    assert_string_equal(dw_harness_header(made, "Location"), say(API "/syncs/%s", text(made, "/id")));
    assert_string_equal(dw_harness_header(made, "ETag"), "\"1\"");
    read = ok(say(API "/syncs/%s", text(made, "/id")));
    assert_text(read, "/name", "Büro");
    assert_text(read, "/rules/activity", "default");
    assert_text(read, "/rules/anchor", "ends"); /* defaults too */
    assert_text(read, "/schedule", "every 15m");
    assert_text(read, "/poll_due_at", "2026-11-27T12:15:00.000000Z");
    assert_text(read, "/full_due_at", "2026-11-28T01:30:00.000000Z"); /* 02:30 in its zone */
    assert_text(read, "/entries", "0");
    assert_int_equal(items(ok(API "/syncs?sort=name&enabled=true")), 1);
    assert_int_equal(items(ok(API "/syncs?enabled=false")), 0);
    assert_int_equal(items(ok(say(API "/syncs?source=%s", desk_id))), 1);
    assert_int_equal(audited("timesync.sync.created"), 1);
}

static dw_harness_reply try_to_make(const char *source, const char *target, const char *more)
{
    return dw_harness_post(
        h, API "/syncs",
        say("{\"name\":\"Other\",\"source\":\"%s\",\"target\":\"%s\"%s}", source, target, more));
}

static void a_wrong_sync_is_told_what_is_wrong(void **state)
{
    (void)state;
    refused(try_to_make(books_id, books_id, ""), 422,
            "no enabled connection from which booked time can be read");
    refused(try_to_make(desk_id, NOBODY, ""), 422, "#/target");
    refused(try_to_make(desk_id, books_id, ",\"zone\":\"Mars/Olympus\""), 422, "#/zone");
    refused(try_to_make(desk_id, books_id, ",\"schedule\":\"often\""), 422, "#/schedule");
    refused(try_to_make(desk_id, books_id, ",\"rules\":{\"ancor\":\"begins\"}"), 422, "anchor");
    refused(try_to_make(desk_id, books_id, ",\"rules\":{\"anchor\":\"sideways\"}"), 422, "#/rules/anchor");
    refused(try_to_make(desk_id, books_id, ",\"rules\":{\"activity\":\"default\"}"), 422,
            "#/rules/default_activity");
    make_sync("Main", "");
    refused(try_to_make(desk_id, books_id, ""), 409, "joins these two already");
    assert_int_equal(items(ok(API "/syncs")), 1);
}

/* Rules are for all that was ever booked: what they would do to it is said with their change, or before it. */
static void what_a_change_would_rewrite_is_said(void **state)
{
    char target[100], sync[37];
    dw_harness_reply now;

    (void)state;
    snprintf(
        sync, sizeof(sync), "%s",
        make_sync("Main", NO_SCHEDULE ",\"rules\":{\"activity\":\"default\",\"default_activity\":\"21\"}"));
    snprintf(target, sizeof(target), API "/syncs/%s", sync);
    booked("6", "50", "Router", "7", "3", "1", "15", "2026-11-20T10:00:00Z");
    booked("7", "50", "Router", "7", "4", "1", "30", "2026-11-21T10:00:00Z");
    booked("8", "51", "Printer", "9", "3", "1", "45", "2026-11-22T10:00:00Z");
    assert_text(run(sync, "{}"), "/created", "3");
    books.all[2].exported = true;
    run(sync, "{\"kind\":\"full\"}");
    now = assert_status(patch(target, "{\"check\":true,\"rules\":{\"description\":\"{title}\"}}"), 200);
    assert_text(now, "/rewrites", "2");
    assert_text(now, "/rewrites_billed", "1");
    assert_text(now, "/rules/description", "{title}"); /* as it would be */
    assert_text(ok(target), "/rules/description", "{number} {title}\n{url}\n{note}");
    refused(patch(target, "{\"check\":true,\"rules\":{\"zero\":\"hide\"}}"), 422, "#/rules/zero");
    now = assert_status(patch(target, "{\"rules\":{\"target_edited\":\"restore\"}}"), 200);
    assert_text(now, "/rewrites", "0");
    assert_text(run(sync, "{\"kind\":\"full\"}"), "/unchanged", "3");
    now = assert_status(patch(target, "{\"rules\":{\"description\":\"{title}\"}}"), 200);
    assert_text(now, "/rewrites", "2");
    assert_text(now, "/rewrites_billed", "1");
    now = run(sync, "{\"kind\":\"full\"}");
    assert_text(now, "/updated", "2");
    assert_text(now, "/unchanged", "1"); /* of one that is billed a text is nobody's business any more */
    now = assert_status(patch(target, "{\"rules\":{\"description\":\"{title}\"}}"), 200); /* as it is */
    assert_text(now, "/rewrites", "0");
}

static void what_is_given_changes(void **state)
{
    const char *sync = make_sync("Main", "\"rules\":{\"anchor\":\"begins\"}"),
               *target = say(API "/syncs/%s", sync);
    dw_harness_reply now;
    const json_t *audit;

    (void)state;
    now = assert_status(patch(target, "{\"rules\":{\"zero\":\"move\",\"anchor\":null},\"enabled\":false}"),
                        200);
    assert_text(now, "/rules/zero", "move");
    assert_text(now, "/rules/anchor", "ends");
    assert_text(now, "/enabled", "false");
    audit = json_object_get(json_array_get(dw_harness_audit(h, "timesync.sync.changed"), 0), "values");
    assert_true(json_is_true(json_object_get(audit, "old_enabled")));
    assert_true(json_is_false(json_object_get(audit, "enabled")));
    assert_text(now, "/name", "Main");
    assert_text(now, "/poll_due_at", "null"); /* it does nothing by itself any more */
    now = assert_status(patch(target, "{\"enabled\":true,\"schedule\":\"\"}"), 200);
    assert_text(now, "/rules/zero", "move");
    assert_text(now, "/poll_due_at", "null");
    assert_text(now, "/full_due_at", "2026-11-28T02:30:00.000000Z");
    refused(patch(target, "{\"rules\":{\"zero\":\"hide\"}}"), 422, "#/rules/zero");
    refused(patch(target, "{\"full_schedule\":\"99 99 * * *\"}"), 422, "#/full_schedule");
    assert_status(dw_harness_request(h, .method = "PATCH", .target = target, .json = "{}"), 428);
    assert_status(dw_harness_request(h, .method = "PATCH", .target = target, .json = "{\"name\":\"X\"}",
                                     .headers = "If-Match: \"1\"\r\n"),
                  412);
    assert_int_equal(audited("timesync.sync.changed"), 2);
}

static void a_sync_is_deleted_by_its_name(void **state)
{
    const char *sync = make_sync("Main", NO_SCHEDULE), *target = say(API "/syncs/%s", sync);

    (void)state;
    booked("6", "50", "Router", "7", "3", "1", "15", "2026-11-20T10:00:00Z");
    run(sync, "{}");
    refused(erase(target), 409, "send its name as confirm");
    refused(erase(say("%s?confirm=Other", target)), 409, "send its name as confirm");
    assert_status(erase(say("%s?confirm=Main", target)), 204);
    assert_status(dw_harness_get(h, target), 404);
    assert_status(erase(target), 404);
    assert_int_equal(items(ok(API "/entries")), 0);
    assert_int_equal(items(ok(API "/cases")), 0);
    assert_int_equal(audited("timesync.sync.deleted"), 1);
}

/* Its target is gone, say, and nobody ever finds out what became of a timesheet: that is waited for, but not for ever. */
static void a_sync_that_does_not_settle_is_deleted(void **state)
{
    const dw_time now = { INT64_C(1795780800000000) };
    const char *sync = make_sync("Main", NO_SCHEDULE), *target = say(API "/syncs/%s?confirm=Main", sync);

    (void)state;
    booked("6", "50", "Router", "7", "3", "1", "15", "2026-11-20T10:00:00Z");
    run(sync, "{}");
    assert_int_equal(items(ok(API "/entries")), 1);
    try_harness(dw_harness_sql(h, "UPDATE timesync_entries SET intent = 'create', intent_at = $1", now) < 0);
    refused(erase(target), 409, "not known yet");
    dw_harness_advance(h, DW_HOURS(7));
    assert_status(erase(target), 204);
    assert_int_equal(items(ok(API "/entries")), 0);
}

static void a_connection_says_what_hangs_on_it(void **state)
{
    const json_t *uses;

    (void)state;
    make_sync("Main", "");
    uses = dw_harness_uses(h, desk_id);
    assert_int_equal(json_array_size(uses), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(uses, 0), "name")), "Main");
}

static void a_held_sync_is_released(void **state)
{
    const char *sync =
        make_sync("Main", NO_SCHEDULE ",\"rules\":{\"activity\":\"default\",\"default_activity\":\"21\"}");
    dw_harness_reply now;

    (void)state;
    booked("6", "50", "Router", "7", "3", "1", "15", "2026-11-20T10:00:00Z");
    books.fails = DW_EAUTH;
    now = run(sync, "{}");
    assert_text(now, "/state", "failed");
    assert_text(now, "/reason", "AUTH_EXPIRED");
    now = ok(say(API "/syncs/%s", sync));
    assert_text(now, "/held_reason", "AUTH_EXPIRED");
    now = assert_status(dw_harness_post(h, say(API "/syncs/%s/release", sync), NULL), 200);
    assert_text(now, "/held_reason", "");
    assert_int_equal(audited("timesync.sync.released"), 1);
    assert_status(dw_harness_post(h, API "/syncs/" NOBODY "/release", NULL), 404);
}

static void nobody_sees_another_tenants(void **state)
{
    const char *sync = make_sync("Main", NO_SCHEDULE);

    (void)state;
    as(GLOBEX, NULL);
    assert_int_equal(items(ok(API "/syncs")), 0);
    assert_status(dw_harness_get(h, say(API "/syncs/%s", sync)), 404);
    assert_status(dw_harness_post(h, say(API "/syncs/%s/runs", sync), "{}"), 404);
    assert_status(dw_harness_post(h, say(API "/syncs/%s/release", sync), NULL), 404);
    assert_status(erase(say(API "/syncs/%s", sync)), 404);
    refused(try_to_make(desk_id, books_id, ""), 422, "#/source");
}

static void permissions_are_asked_for(void **state)
{
    const char *sync = make_sync("Main", NO_SCHEDULE);

    (void)state;
    as(ACME, "timesync.read");
    ok(API "/syncs");
    assert_status(try_to_make(desk_id, books_id, ""), 403);
    assert_status(dw_harness_post(h, say(API "/syncs/%s/runs", sync), "{}"), 403);
    assert_status(erase(say(API "/syncs/%s", sync)), 403);
    as(ACME, "notes.read");
    assert_status(dw_harness_get(h, API "/syncs"), 403);
    as(ACME, "timesync.read timesync.run");
    assert_status(dw_harness_post(h, say(API "/syncs/%s/runs", sync), "{}"), 202);
}

static void a_repeated_request_makes_one(void **state)
{
    const char *json = say("{\"name\":\"Main\",\"source\":\"%s\",\"target\":\"%s\"}", desk_id, books_id);
    dw_harness_reply first, second;

    (void)state;
    first =
        dw_harness_request(h, .target = API "/syncs", .json = json, .headers = "Idempotency-Key: one\r\n");
    second =
        dw_harness_request(h, .target = API "/syncs", .json = json, .headers = "Idempotency-Key: one\r\n");
    assert_status(first, 201);
    assert_status(second, 201);
    assert_string_equal(text(first, "/id"), text(second, "/id"));
    assert_int_equal(items(ok(API "/syncs")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_rules_are_told),
        TEST(a_schedule_is_previewed),
        TEST(a_sync_is_made_and_read),
        TEST(a_wrong_sync_is_told_what_is_wrong),
        TEST(what_a_change_would_rewrite_is_said),
        TEST(what_is_given_changes),
        TEST(a_sync_is_deleted_by_its_name),
        TEST(a_sync_that_does_not_settle_is_deleted),
        TEST(a_connection_says_what_hangs_on_it),
        TEST(a_held_sync_is_released),
        TEST(nobody_sees_another_tenants),
        TEST(permissions_are_asked_for),
        TEST(a_repeated_request_makes_one),
    };

    return ON_EVERY_ENGINE("syncs", tests);
}
