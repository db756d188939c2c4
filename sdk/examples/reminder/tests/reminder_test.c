/* Time passes when the test says so, and so do jobs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <dowel/harness.h>

#define ACME "0190a0a0-0000-7000-8000-00000000000a"

static dw_harness *open_as(const char *who)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN) != 0)
        fail_msg("%s", dw_harness_why(h));
    dw_harness_set_now(h, (dw_time){ INT64_C(1796083200000000) });
    dw_harness_set_tenant(h, ACME);
    dw_harness_set_principal(h, who);
    return h;
}

static const char *path_of(dw_harness_reply reminder)
{
    static char path[100];

    snprintf(path, sizeof(path), "/api/v1/reminders/%s", dw_harness_text(reminder, "/id"));
    return path;
}

static dw_harness_reply add(dw_harness *h)
{
    return dw_harness_post(h, "/api/v1/reminders", "{\"text\":\"Milk\",\"after\":60}");
}

static void reminds_when_it_is_time(void **state)
{
    dw_harness *h = open_as("ann");
    dw_harness_reply made = add(h);
    (void)state;

    assert_int_equal(made.status, 202);
    assert_int_equal(dw_harness_run_jobs(h), 0);
    dw_harness_advance(h, DW_SECONDS(60));
    assert_int_equal(dw_harness_run_jobs(h), 1);
    dw_harness_reply told = dw_harness_get(h, path_of(made));
    assert_string_equal(dw_harness_text(told, "/state"), "told");
    assert_string_equal(dw_harness_text(told, "/told_at"), "2026-12-01T00:01:00.000000Z");
    assert_true(dw_harness_logged(h, DW_LOG_INFO, "Milk"));
    assert_int_equal(dw_harness_jobs(h, "remind", "done"), 1);
    assert_int_equal(dw_harness_close(h), 0);
}

static void forgets_what_was_cancelled(void **state)
{
    dw_harness *h = open_as("ann");
    dw_harness_reply made = add(h);
    (void)state;

    assert_int_equal(dw_harness_request(h, .method = "DELETE", .target = path_of(made)).status, 204);
    dw_harness_advance(h, DW_SECONDS(60));
    assert_int_equal(dw_harness_run_jobs(h), 1); /* give_up */
    assert_int_equal(dw_harness_jobs(h, "remind", "cancelled"), 1);
    assert_string_equal(dw_harness_text(dw_harness_get(h, path_of(made)), "/state"), "cancelled");
    assert_int_equal(dw_harness_close(h), 0);
}

static void gives_up_what_cannot_be_done(void **state)
{
    dw_harness *h = open_as("ann");
    (void)state;

    assert_int_equal(dw_harness_add_job(h, "remind", "{\"id\":\"" ACME "\"}"), 0);
    assert_int_equal(dw_harness_run_jobs(h), 2);
    assert_int_equal(dw_harness_jobs(h, "remind", "dead"), 1); /* DW_ENOTFOUND */
    assert_int_equal(dw_harness_close(h), 0);
}

/* The database wants its transactions again: what was done in them is done once. */
static void repeats_what_the_database_wants_again(void **state)
{
    dw_harness *h = open_as("ann");
    (void)state;

    dw_harness_repeat(h, 1);
    assert_int_equal(add(h).status, 202);
    assert_int_equal(dw_harness_jobs(h, "remind", "waiting"), 1);
    dw_harness_repeat(h, 1);
    dw_harness_advance(h, DW_SECONDS(60));
    assert_int_equal(dw_harness_run_jobs(h), 1);
    assert_int_equal(dw_harness_jobs(h, "remind", "done"), 1);
    assert_int_equal(dw_harness_close(h), 0);
}

static void play(dw_harness *h, void *ud)
{
    (void)ud;
    add(h);
    dw_harness_advance(h, DW_HOURS(24));
    dw_harness_run_jobs(h);
}

static int64_t count(dw_harness *h, const char *sql)
{
    int64_t n = -1;

    assert_int_equal(dw_harness_find(h, DW_TO(&n), sql), 1);
    return n;
}

/* Whatever fails: a reminder has its job, and a job that is done has told. */
static void leaves_nothing_half_done(void **state)
{
    dw_harness *h = open_as("ann");
    (void)state;

    assert_true(dw_harness_torture(h, play, NULL) > 5);
    dw_harness_fail(h, 0, DW_EINTERNAL);
    for (int i = 0; i < 8; i++) {
        dw_harness_advance(h, DW_HOURS(24));
        assert_true(dw_harness_run_jobs(h) >= 0);
    }
    int64_t all = count(h, "SELECT count(*) FROM reminder");
    assert_true(all > 0);
    assert_int_equal(count(h, "SELECT count(*) FROM reminder WHERE state = 'told'"), all);
    assert_int_equal(dw_harness_jobs(h, "remind", "done"), all);
    assert_int_equal(dw_harness_close(h), 0);
}

/* Wherever the power goes: the next server on the same database tells what there is to tell, once. */
static void goes_on_after_a_crash(void **state)
{
    unsigned crashes = 0;
    (void)state;

    for (unsigned n = 1; n < 60; n++) {
        dw_harness *h = open_as("ann"), *next;

        dw_harness_crash(h, n);
        play(h, NULL);
        crashes += dw_harness_has_crashed(h);
        assert_int_equal(dw_harness_open(&next, .plugin = PLUGIN, .after = h), 0);
        dw_harness_advance(next, DW_HOURS(1)); /* what was leased is free again */
        assert_true(dw_harness_run_jobs(next) >= 0);
        assert_int_equal(count(next, "SELECT count(*) FROM reminder WHERE state <> 'told'"), 0);
        assert_int_equal(dw_harness_jobs(next, "remind", "done"),
                         count(next, "SELECT count(*) FROM reminder"));
        assert_int_equal(dw_harness_close(next), 0);
    }
    assert_in_range(crashes, 5, 58); /* and the last ones went through */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reminds_when_it_is_time),
        cmocka_unit_test(forgets_what_was_cancelled),
        cmocka_unit_test(gives_up_what_cannot_be_done),
        cmocka_unit_test(repeats_what_the_database_wants_again),
        cmocka_unit_test(leaves_nothing_half_done),
        cmocka_unit_test(goes_on_after_a_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
