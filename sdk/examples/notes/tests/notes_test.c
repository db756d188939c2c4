/* The notes of two tenants, in a database of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dowel/harness.h>

#define ACME  "0190a0a0-0000-7000-8000-00000000000a"
#define OTHER "0190a0a0-0000-7000-8000-00000000000b"

static dw_harness *open_as(const char *conf, const char *tenant, const char *who)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN, .conf = conf) != 0)
        fail_msg("%s", dw_harness_why(h));
    dw_harness_set_tenant(h, tenant);
    dw_harness_set_principal(h, who);
    return h;
}

static int64_t count(dw_harness *h)
{
    int64_t n = -1;

    if (dw_harness_find(h, DW_TO(&n), "SELECT count(*) FROM notes") != 1)
        fail_msg("%s", dw_harness_why(h));
    return n;
}

static const char *path_of(dw_harness_reply note)
{
    static char path[100];

    snprintf(path, sizeof(path), "/api/v1/notes/%s", dw_harness_text(note, "/id"));
    return path;
}

static dw_harness_reply change(dw_harness *h, const char *path, const char *etag, const char *json)
{
    char headers[100];

    snprintf(headers, sizeof(headers), "If-Match: %s\r\n", etag);
    return dw_harness_request(h, .method = "PATCH", .target = path, .json = json, .headers = headers);
}

static void keeps_what_it_was_given(void **state)
{
    dw_harness *h = open_as(NULL, ACME, "ann");
    dw_harness_reply made, read;
    (void)state;

    dw_harness_set_now(h, (dw_time){ INT64_C(1796083200000000) });
    made = dw_harness_post(h, "/api/v1/notes", "{\"title\":\"Milk\",\"body\":\"two\"}");
    assert_int_equal(made.status, 201);
    assert_string_equal(dw_harness_text(made, "/author"), "ann");
    assert_string_equal(dw_harness_text(made, "/created_at"), "2026-12-01T00:00:00.000000Z");
    assert_string_equal(dw_harness_header(made, "ETag"), "\"1\"");
    read = dw_harness_get(h, path_of(made));
    assert_int_equal(read.status, 200);
    assert_true(json_equal(read.json, made.json));
    assert_int_equal(dw_harness_close(h), 0);
}

static void nobody_overwrites_what_he_has_not_seen(void **state)
{
    dw_harness *h = open_as(NULL, ACME, "ann");
    dw_harness_reply made = dw_harness_post(h, "/api/v1/notes", "{\"title\":\"Milk\"}"), changed;
    (void)state;

    changed = change(h, path_of(made), "\"1\"", "{\"body\":\"three\"}");
    assert_int_equal(changed.status, 200);
    assert_string_equal(dw_harness_text(changed, "/title"), "Milk");
    assert_string_equal(dw_harness_text(changed, "/body"), "three");
    assert_string_equal(dw_harness_header(changed, "ETag"), "\"2\"");
    assert_int_equal(change(h, path_of(made), "\"1\"", "{\"body\":\"four\"}").status, 412);
    assert_string_equal(dw_harness_text(dw_harness_get(h, path_of(made)), "/body"), "three");
    assert_int_equal(dw_harness_close(h), 0);
}

/* The server's work: notes knows nothing of it. */
static void what_is_sent_again_is_kept_once(void **state)
{
    dw_harness *h = open_as(NULL, ACME, "ann");
    dw_harness_reply made, again;
    (void)state;

    made = dw_harness_request(h, .target = "/api/v1/notes", .json = "{\"title\":\"Milk\"}",
                              .headers = "Idempotency-Key: \"monday\"\r\n");
    again = dw_harness_request(h, .target = "/api/v1/notes", .json = "{\"title\":\"Milk\"}",
                               .headers = "Idempotency-Key: \"monday\"\r\n");
    assert_int_equal(made.status, 201);
    assert_int_equal(again.status, 201);
    assert_string_equal(dw_harness_header(again, "Idempotency-Replayed"), "true");
    assert_string_equal(dw_harness_header(again, "ETag"), "\"1\"");
    assert_true(json_equal(made.json, again.json));
    dw_harness_set_principal(h, "bob"); /* whose key it is not */
    again = dw_harness_request(h, .target = "/api/v1/notes", .json = "{\"title\":\"Milk\"}",
                               .headers = "Idempotency-Key: \"monday\"\r\n");
    assert_int_equal(again.status, 201);
    assert_false(json_equal(made.json, again.json));
    assert_int_equal(dw_harness_close(h), 0);
}

static void a_title_is_used_once(void **state)
{
    dw_harness *h = open_as(NULL, ACME, "ann");
    dw_harness_reply again;
    (void)state;

    assert_int_equal(dw_harness_post(h, "/api/v1/notes", "{\"title\":\"Milk\"}").status, 201);
    again = dw_harness_post(h, "/api/v1/notes", "{\"title\":\"Milk\"}");
    assert_int_equal(again.status, 409);
    assert_string_equal(dw_harness_text(again, "/detail"), "you have a note with this title (title: Milk)");
    again = dw_harness_request(h, .method = "POST", .target = "/api/v1/notes", .json = "{\"title\":\"Milk\"}",
                               .headers = "Accept-Language: de\r\n");
    assert_string_equal(dw_harness_text(again, "/detail"),
                        "eine Notiz mit diesem Titel gibt es schon (title: Milk)");
    dw_harness_set_principal(h, "bob"); /* who may call his as he likes */
    assert_int_equal(dw_harness_post(h, "/api/v1/notes", "{\"title\":\"Milk\"}").status, 201);
    assert_int_equal(dw_harness_close(h), 0);
}

static void nobody_keeps_more_than_he_may(void **state)
{
    dw_harness *h = open_as("per_author: 1\n", ACME, "ann");
    (void)state;

    assert_int_equal(dw_harness_post(h, "/api/v1/notes", "{\"title\":\"Milk\"}").status, 201);
    assert_int_equal(dw_harness_post(h, "/api/v1/notes", "{\"title\":\"Bread\"}").status, 409);
    assert_int_equal(count(h), 1);
    assert_int_equal(dw_harness_close(h), 0);
}

static size_t found(dw_harness_reply reply)
{
    assert_int_equal(reply.status, 200);
    return json_array_size(json_object_get(reply.json, "items"));
}

static void finds_words(void **state)
{
    dw_harness *h = open_as(NULL, ACME, "ann");
    dw_harness_reply reply;
    (void)state;

    reply = dw_harness_post(h, "/api/v1/notes", "{\"title\":\"Milk\",\"body\":\"two bottles\"}");
    assert_int_equal(reply.status, 201);
    assert_int_equal(dw_harness_post(h, "/api/v1/notes", "{\"title\":\"Bottles\"}").status, 201);
    reply = dw_harness_get(h, "/api/v1/notes/search?q=bottle*");
    assert_int_equal(found(reply), 2);
    assert_string_equal(dw_harness_text(reply, "/items/0/title"), "Bottles");
    reply = dw_harness_get(h, "/api/v1/notes/search?q=%22two+bottles%22");
    assert_int_equal(found(reply), 1);
    assert_string_equal(dw_harness_text(reply, "/items/0/title"), "Milk");
    dw_harness_set_tenant(h, OTHER);
    assert_int_equal(found(dw_harness_get(h, "/api/v1/notes/search?q=milk")), 0);
    assert_int_equal(dw_harness_close(h), 0);
}

static void lists_page_after_page(void **state)
{
    dw_harness *h = open_as(NULL, ACME, "ann");
    dw_harness_reply page;
    char path[400];
    (void)state;

    assert_int_equal(dw_harness_post(h, "/api/v1/notes", "{\"title\":\"a\"}").status, 201);
    assert_int_equal(dw_harness_post(h, "/api/v1/notes", "{\"title\":\"b\"}").status, 201);
    assert_int_equal(dw_harness_post(h, "/api/v1/notes", "{\"title\":\"c\"}").status, 201);
    page = dw_harness_get(h, "/api/v1/notes?limit=2&author=ann");
    assert_int_equal(page.status, 200);
    assert_string_equal(dw_harness_text(page, "/items/1/title"), "b");
    snprintf(path, sizeof(path), "/api/v1/notes?limit=2&author=ann&cursor=%s",
             dw_harness_text(page, "/next"));
    page = dw_harness_get(h, path);
    assert_string_equal(dw_harness_text(page, "/items/0/title"), "c");
    assert_string_equal(dw_harness_text(page, "/items/1/title"), "");
    assert_string_equal(dw_harness_text(page, "/next"), "null");
    page = dw_harness_get(h, "/api/v1/notes?sort=-title&limit=1");
    assert_string_equal(dw_harness_text(page, "/items/0/title"), "c");
    snprintf(path, sizeof(path), "/api/v1/notes?sort=-title&cursor=%s", dw_harness_text(page, "/next"));
    page = dw_harness_get(h, path);
    assert_string_equal(dw_harness_text(page, "/items/0/title"), "b");
    assert_string_equal(dw_harness_text(page, "/items/1/title"), "a");
    page = dw_harness_get(h, "/api/v1/notes?sort=created_at&limit=1");
    snprintf(path, sizeof(path), "/api/v1/notes?sort=created_at&cursor=%s", dw_harness_text(page, "/next"));
    page = dw_harness_get(h, path);
    assert_string_equal(dw_harness_text(page, "/items/1/title"), "c");
    assert_int_equal(dw_harness_get(h, "/api/v1/notes?sort=body").status, 422);
    page = dw_harness_get(h, "/api/v1/notes?author=bob");
    assert_int_equal(json_array_size(json_object_get(page.json, "items")), 0);
    assert_int_equal(dw_harness_close(h), 0);
}

static void a_tenant_sees_nothing_of_another(void **state)
{
    dw_harness *h = open_as(NULL, ACME, "ann");
    dw_harness_reply made = dw_harness_post(h, "/api/v1/notes", "{\"title\":\"Milk\"}");
    const char *path = path_of(made);
    (void)state;

    dw_harness_set_tenant(h, OTHER);
    assert_int_equal(dw_harness_get(h, path).status, 404);
    assert_int_equal(change(h, path, "\"1\"", "{\"body\":\"x\"}").status, 412);
    assert_int_equal(dw_harness_request(h, .method = "DELETE", .target = path).status, 404);
    assert_string_equal(dw_harness_text(dw_harness_get(h, "/api/v1/notes"), "/items/0/title"), "");
    assert_int_equal(dw_harness_post(h, "/api/v1/notes", "{\"title\":\"Milk\"}").status, 201);
    assert_int_equal(count(h), 2);
    dw_harness_set_tenant(h, ACME);
    assert_int_equal(dw_harness_request(h, .method = "DELETE", .target = path).status, 204);
    assert_int_equal(dw_harness_get(h, path).status, 404);
    assert_int_equal(count(h), 1);
    assert_int_equal(dw_harness_close(h), 0);
}

static void runs_again_when_the_database_wants_it(void **state)
{
    dw_harness *h = open_as(NULL, ACME, "ann");
    (void)state;

    dw_harness_repeat(h, 1);
    assert_int_equal(dw_harness_post(h, "/api/v1/notes", "{\"title\":\"Milk\"}").status, 201);
    assert_int_equal(count(h), 1);
    assert_int_equal(dw_harness_close(h), 0);
}

static void play_command(dw_harness *h)
{
    dw_harness_outcome outcome = dw_harness_command(h, .line = "notes import bob", .input = "Milk\nBread");

    assert_int_equal(count(h), outcome.code == 0 ? 2 : 0);
    assert_int_equal(*outcome.output != 0, outcome.code == 0);
    if (outcome.code == 0)
        dw_harness_command(h, .line = "notes list");
    dw_harness_command(h, .line = "notes clear bob", .answer = "y");
}

static void play(dw_harness *h, void *ud)
{
    dw_harness_reply made;
    (void)ud;

    if (dw_harness_sql(h, "DELETE FROM notes") < 0)
        fail_msg("%s", dw_harness_why(h));
    made = dw_harness_post(h, "/api/v1/notes", "{\"title\":\"Milk\"}");
    assert_int_equal(count(h), made.status == 201); /* as a whole or not at all */
    dw_harness_get(h, "/api/v1/notes");
    if (made.status != 201)
        return;
    change(h, path_of(made), "\"1\"", "{\"body\":\"x\"}");
    dw_harness_request(h, .method = "DELETE", .target = path_of(made));
}

static void play_all(dw_harness *h, void *ud)
{
    play(h, ud);
    if (dw_harness_sql(h, "DELETE FROM notes") < 0)
        fail_msg("%s", dw_harness_why(h));
    play_command(h);
}

static void survives_whatever_fails(void **state)
{
    dw_harness *h = open_as(NULL, ACME, "ann");
    (void)state;

    assert_true(dw_harness_torture(h, play_all, NULL) > 10);
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- dowel notes ... ---- */

static void a_file_is_imported_as_a_whole(void **state)
{
    dw_harness *h = open_as(NULL, ACME, NULL);
    dw_harness_outcome outcome;
    (void)state;

    outcome =
        dw_harness_command(h, .line = "notes import ann", .input = "Milk\ttwo bottles\n\nBread\nMilk\tnone");
    assert_int_equal(outcome.code, 0);
    assert_string_equal(outcome.output, "imported (notes: 2, lines: 4)\n");
    outcome = dw_harness_command(h, .line = "notes import ann", .input = "Eggs\nBe\xffr\n");
    assert_int_equal(outcome.code, DW_EINVALID);
    assert_string_equal(outcome.error, "standard input: line 2 is not UTF-8, or has a NUL");
    assert_int_equal(count(h), 2);
    assert_int_equal(dw_harness_close(h), 0);
}

/* The line about it is printed before the commit, and shown once. */
static void an_import_that_is_repeated_is_told_once(void **state)
{
    dw_harness *h = open_as(NULL, ACME, NULL);
    dw_harness_outcome outcome;
    (void)state;

    dw_harness_repeat(h, 1);
    outcome = dw_harness_command(h, .line = "notes import ann", .input = "Milk");
    assert_int_equal(outcome.code, 0);
    assert_string_equal(outcome.output, "imported (notes: 1, lines: 1)\n");
    assert_int_equal(count(h), 1);
    assert_int_equal(dw_harness_close(h), 0);
}

static void what_is_listed_is_one_tenants(void **state)
{
    dw_harness *h = open_as(NULL, ACME, NULL);
    dw_harness_outcome outcome;
    (void)state;

    dw_harness_command(h, .line = "notes import ann", .input = "Milk");
    dw_harness_command(h, .line = "notes import bob --tenant " OTHER, .input = "Bread");
    outcome = dw_harness_command(h, .line = "notes list", .json = true);
    assert_int_equal(outcome.code, 0);
    json_t *items = json_object_get(outcome.json, "items");
    assert_int_equal(json_array_size(items), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(items, 0), "title")), "Milk");
    outcome = dw_harness_command(h, .line = "notes list --author bob");
    assert_string_equal(outcome.output, "none\n");
    assert_int_equal(dw_harness_close(h), 0);
}

static void notes_are_cleared_by_who_says_yes(void **state)
{
    dw_harness *h = open_as(NULL, ACME, NULL);
    (void)state;

    dw_harness_command(h, .line = "notes import ann", .input = "Milk");
    assert_int_equal(dw_harness_command(h, .line = "notes clear ann").code, DW_EINVALID);
    assert_int_equal(dw_harness_command(h, .line = "notes clear ann", .answer = "n").code, 0);
    assert_int_equal(count(h), 1);
    assert_int_equal(dw_harness_command(h, .line = "notes clear ann", .answer = "y").code, 0);
    assert_int_equal(count(h), 0);
    assert_string_equal(dw_harness_command(h, .line = "notes clear ann --yes").output,
                        "deleted (notes: 0)\n");
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_it_was_given),
        cmocka_unit_test(nobody_overwrites_what_he_has_not_seen),
        cmocka_unit_test(what_is_sent_again_is_kept_once),
        cmocka_unit_test(a_title_is_used_once),
        cmocka_unit_test(nobody_keeps_more_than_he_may),
        cmocka_unit_test(finds_words),
        cmocka_unit_test(lists_page_after_page),
        cmocka_unit_test(a_tenant_sees_nothing_of_another),
        cmocka_unit_test(runs_again_when_the_database_wants_it),
        cmocka_unit_test(survives_whatever_fails),
        cmocka_unit_test(a_file_is_imported_as_a_whole),
        cmocka_unit_test(an_import_that_is_repeated_is_told_once),
        cmocka_unit_test(what_is_listed_is_one_tenants),
        cmocka_unit_test(notes_are_cleared_by_who_says_yes),
    };

    return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
