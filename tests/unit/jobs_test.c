#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "jobs_fixture.h"
#include "util/compiler.h"

#define MINUTE (INT64_C(60) * CLOCK_SECOND)

static struct jobs_fixture fixture;

/* A kind that does what the test says, and tells what it saw. */
static struct {
    int result;
    const char *error;
    int64_t retry_after_us, again_us;
    unsigned runs, deaths;
    unsigned attempt;
    int last_code;
    char payload[100], tenant[50], principal[50], last_error[100], order[100];
} played;

static int play(struct job *job, void *ud)
{
    const char *text;

    (void)ud;
    played.runs++;
    played.attempt = job_attempt(job);
    played.last_code = job_last_error(job, &text);
    snprintf(played.last_error, sizeof(played.last_error), "%s", text);
    snprintf(played.payload, sizeof(played.payload), "%.*s", STR_ARG(job_payload(job)));
    snprintf(played.tenant, sizeof(played.tenant), "%s", job_tenant(job) ? job_tenant(job) : "none");
    snprintf(played.principal, sizeof(played.principal), "%s",
             job_principal(job) ? job_principal(job) : "none");
    size_t n = strlen(played.order);
    snprintf(played.order + n, sizeof(played.order) - n, "%.*s", STR_ARG(job_payload(job)));
    if (played.error)
        job_explain(job, played.error, played.retry_after_us);
    if (played.again_us >= 0)
        job_again_later(job, played.again_us);
    return played.result;
}

static int die(struct job *job, void *ud)
{
    const char *text;

    (void)ud;
    played.deaths++;
    played.last_code = job_last_error(job, &text);
    snprintf(played.last_error, sizeof(played.last_error), "%s", text);
    return 0;
}

static const struct job_kind plain_kind = { .owner = "test", .name = "play", .run = play };
static const struct job_kind mortal_kind = {
    .owner = "test", .name = "mortal", .run = play, .dead = die, .attempts = 2
};

static int setup(void **state)
{
    (void)state;
    memset(&played, 0, sizeof(played));
    played.again_us = -1;
    return jobs_fixture_open(&fixture);
}

static int teardown(void **state)
{
    (void)state;
    jobs_fixture_close(&fixture);
    return 0;
}

static struct jobs *engine(void)
{
    struct jobs *j = jobs_fixture_engine(&fixture, &(struct jobs_options){ .workers = 2 });

    assert_non_null(j);
    assert_int_equal(jobs_register(j, &plain_kind), 0);
    assert_int_equal(jobs_register(j, &mortal_kind), 0);
    return j;
}

static int run_due(struct jobs *j)
{
    struct buf why = BUF_INIT;
    int n = jobs_run_due(j, &why);

    if (n < 0)
        fprintf(stderr, "%d: %s\n", n, buf_text(&why));
    buf_finish(&why);
    return n;
}

static void advance(int64_t us)
{
    atomic_fetch_add(&fixture.now_us, us);
}

static int64_t in_state(const char *state)
{
    return JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs WHERE state = $1", state);
}

/* ---- the plain way ---- */

static void runs_with_what_it_was_given(void **state)
{
    struct jobs *j = engine();

    (void)state;
    assert_int_equal(JOBS_ADD(&fixture, .kind = "test.play", .payload = STR("{\"a\":1}"), .tenant = "t1",
                              .principal = "p1"),
                     1);
    assert_int_equal(run_due(j), 1);
    assert_int_equal(played.runs, 1);
    assert_int_equal(played.attempt, 1);
    assert_string_equal(played.payload, "{\"a\":1}");
    assert_string_equal(played.tenant, "t1");
    assert_string_equal(played.principal, "p1");
    assert_int_equal(in_state("done"), 1);
    assert_int_equal(run_due(j), 0);
    jobs_destroy(j);
}

static void exists_if_and_only_if_it_commits(void **state)
{
    const struct db_who who = { .owner = "test", .now_us = fixture.now_us };
    const struct job_new job = { .kind = "test.play", .now_us = fixture.now_us };
    struct jobs *j = engine();
    struct db_session *s;

    (void)state;
    assert_int_equal(db_session_create(&s, fixture.db.db, &who), 0);
    assert_int_equal(db_begin(s), 0);
    assert_int_equal(job_add(s, &job), 1);
    assert_int_equal(db_rollback(s), 0);
    assert_int_equal(run_due(j), 0);
    assert_int_equal(db_begin(s), 0);
    assert_int_equal(job_add(s, &job), 1);
    assert_int_equal(db_commit(s), 0);
    assert_int_equal(run_due(j), 1);
    db_session_destroy(s);
    jobs_destroy(j);
}

static void waits_for_its_delay(void **state)
{
    struct jobs *j = engine();

    (void)state;
    JOBS_ADD(&fixture, .kind = "test.play", .delay_us = MINUTE);
    assert_int_equal(run_due(j), 0);
    advance(MINUTE - 1);
    assert_int_equal(run_due(j), 0);
    advance(1);
    assert_int_equal(run_due(j), 1);
    jobs_destroy(j);
}

static void of_an_unknown_kind_waits(void **state)
{
    struct jobs *j = engine();

    (void)state;
    JOBS_ADD(&fixture, .kind = "gone.play");
    assert_int_equal(run_due(j), 0);
    assert_int_equal(in_state("waiting"), 1);
    jobs_destroy(j);
}

/* ---- failing ---- */

static void is_tried_again_later_and_later(void **state)
{
    struct jobs *j = engine();
    int64_t waited_us[8];

    (void)state;
    played.result = DW_EUPSTREAM;
    played.error = "the peer is ill";
    JOBS_ADD(&fixture, .kind = "test.play");
    for (unsigned i = 1; i <= 8; i++) {
        assert_int_equal(run_due(j), 1);
        assert_int_equal(played.attempt, i);
        assert_string_equal(played.last_error, i == 1 ? "" : "the peer is ill");
        assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_job_failures"), i);
        for (waited_us[i - 1] = 0; i < 8 && run_due(j) == 0 && played.runs == i;
             waited_us[i - 1] += CLOCK_SECOND) {
            if (JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs WHERE due_at <= $1",
                            (dw_time){ fixture.now_us + CLOCK_SECOND }) > 0)
                break;
            advance(CLOCK_SECOND);
        }
        advance(CLOCK_SECOND);
    }
    assert_int_equal(in_state("dead"), 1);
    for (unsigned i = 1; i < 7; i++)
        assert_true(waited_us[i] > 2 * waited_us[i - 1]);
    assert_in_range(waited_us[0], 3 * CLOCK_SECOND, 6 * CLOCK_SECOND);
    assert_in_range(waited_us[6], 4 * 60 * MINUTE, 7 * 60 * MINUTE);
    jobs_destroy(j);
}

static void honours_when_a_peer_says_to_come_again(void **state)
{
    struct jobs *j = engine();

    (void)state;
    played.result = DW_ERATE;
    played.error = "slower";
    played.retry_after_us = 17 * MINUTE;
    JOBS_ADD(&fixture, .kind = "test.play");
    assert_int_equal(run_due(j), 1);
    advance(17 * MINUTE - CLOCK_SECOND);
    assert_int_equal(run_due(j), 0);
    played.retry_after_us = 10000 * 60 * MINUTE; /* nobody waits that long */
    advance(2 * MINUTE);
    assert_int_equal(run_due(j), 1);
    advance(27 * 60 * MINUTE);
    assert_int_equal(run_due(j), 1);
    jobs_destroy(j);
}

static void is_not_tried_again_where_that_cannot_help(void **state)
{
    static const int hopeless[] = { DW_EINVALID, DW_EDENIED, DW_ENOTFOUND, DW_EMISUSE };
    struct jobs *j = engine();

    (void)state;
    for (unsigned i = 0; i < DW_COUNT_OF(hopeless); i++) {
        played.result = hopeless[i];
        JOBS_ADD(&fixture, .kind = "test.play");
        assert_int_equal(run_due(j), 1);
        assert_int_equal(in_state("dead"), i + 1);
    }
    played.result = DW_EAUTH;
    JOBS_ADD(&fixture, .kind = "test.play");
    assert_int_equal(run_due(j), 1);
    assert_int_equal(in_state("waiting"), 1);
    jobs_destroy(j);
}

static void tells_once_that_it_is_given_up(void **state)
{
    struct jobs *j = engine();

    (void)state;
    played.result = DW_EINTERNAL;
    played.error = "no luck";
    JOBS_ADD(&fixture, .kind = "test.mortal");
    assert_int_equal(run_due(j), 1);
    assert_int_equal(played.deaths, 0);
    advance(MINUTE);
    assert_int_equal(run_due(j), 2);
    assert_int_equal(played.deaths, 1);
    assert_int_equal(played.last_code, DW_EINTERNAL);
    assert_string_equal(played.last_error, "no luck");
    assert_int_equal(in_state("dead"), 1);
    assert_int_equal(run_due(j), 0);
    jobs_destroy(j);
}

static void again_is_no_failure(void **state)
{
    struct jobs *j = engine();

    (void)state;
    played.again_us = MINUTE;
    JOBS_ADD(&fixture, .kind = "test.play");
    for (unsigned i = 1; i <= 20; i++) {
        assert_int_equal(run_due(j), 1);
        assert_int_equal(played.attempt, 1);
        advance(MINUTE);
    }
    played.again_us = -1;
    assert_int_equal(run_due(j), 1);
    assert_int_equal(in_state("done"), 1);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_job_failures"), 0);
    jobs_destroy(j);
}

/* As it is when its server has ended: leased, and nobody renews it. */
static void lose_server(int attempts)
{
    assert_int_equal(JOBS_EXEC(&fixture,
                               "UPDATE dowel_jobs SET state = 'running', attempts = $1, lease = lease + 1,"
                               " server = 'gone', started_at = $2, lease_until = $2",
                               attempts, (dw_time){ fixture.now_us - 1 }),
                     1);
}

static void one_that_takes_its_servers_along_is_given_up(void **state)
{
    struct jobs *j = engine();

    (void)state;
    JOBS_ADD(&fixture, .kind = "test.mortal");
    lose_server(2); /* of two */
    assert_int_equal(run_due(j), 0);
    advance(MINUTE);
    assert_int_equal(run_due(j), 1);
    assert_int_equal(played.runs, 0);
    assert_int_equal(played.deaths, 1);
    assert_string_equal(played.last_error, "the server gone ended, or lost the database, while it ran");
    assert_int_equal(in_state("dead"), 1);
    jobs_destroy(j);
}

static void one_that_lost_its_server_once_runs_at_once(void **state)
{
    struct jobs *j = engine();

    (void)state;
    JOBS_ADD(&fixture, .kind = "test.play");
    lose_server(1);
    assert_int_equal(run_due(j), 1);
    assert_int_equal(played.attempt, 2);
    assert_int_equal(in_state("done"), 1);
    jobs_destroy(j);
}

static void cancelled_while_its_server_ended_it_is_not_run_again(void **state)
{
    struct jobs *j = engine();

    (void)state;
    JOBS_ADD(&fixture, .kind = "test.mortal");
    lose_server(1);
    assert_int_equal(JOBS_EXEC(&fixture, "UPDATE dowel_jobs SET cancel = TRUE"), 1);
    assert_int_equal(run_due(j), 1);
    assert_int_equal(played.runs, 0);
    assert_int_equal(played.deaths, 1);
    assert_int_equal(in_state("cancelled"), 1);
    jobs_destroy(j);
}

/* ---- unique ones ---- */

static int add_once(const char *payload)
{
    return JOBS_ADD(&fixture, .kind = "test.play", .tenant = "t1", .unique_key = "once",
                    .payload = str_from(payload));
}

static int add_itself(struct job *job, void *ud)
{
    (void)ud;
    played.runs++;
    snprintf(played.payload, sizeof(played.payload), "%.*s", STR_ARG(job_payload(job)));
    if (played.runs == 1) {
        assert_int_equal(add_once("2"), 1);
        assert_int_equal(add_once("3"), 1);
    }
    return played.result;
}

static void a_unique_one_waits_alone(void **state)
{
    struct jobs *j = engine();

    (void)state;
    assert_int_equal(add_once("1"), 1);
    assert_int_equal(add_once("2"), 0);
    assert_int_equal(JOBS_ADD(&fixture, .kind = "test.play", .tenant = "t2", .unique_key = "once"), 1);
    assert_int_equal(JOBS_ADD(&fixture, .kind = "test.mortal", .tenant = "t1", .unique_key = "once"), 1);
    assert_int_equal(run_due(j), 3);
    assert_int_equal(add_once("3"), 1);
    assert_int_equal(run_due(j), 1);
    jobs_destroy(j);
}

static void asked_for_while_it_runs_it_runs_once_more(void **state)
{
    static const struct job_kind kind = { .owner = "test", .name = "play", .run = add_itself };
    struct jobs *j = jobs_fixture_engine(&fixture, &(struct jobs_options){ .workers = 1 });

    (void)state;
    jobs_register(j, &kind);
    assert_int_equal(add_once("1"), 1);
    assert_int_equal(run_due(j), 2);
    assert_string_equal(played.payload, "3");
    assert_int_equal(in_state("done"), 2);
    assert_int_equal(run_due(j), 0);
    jobs_destroy(j);
}

static void asked_for_while_it_dies_it_lives_again(void **state)
{
    static const struct job_kind kind = { .owner = "test", .name = "play", .run = add_itself };
    struct jobs *j = jobs_fixture_engine(&fixture, &(struct jobs_options){ .workers = 1 });

    (void)state;
    jobs_register(j, &kind);
    played.result = DW_EINVALID;
    assert_int_equal(add_once("1"), 1);
    assert_int_equal(run_due(j), 2);
    assert_string_equal(played.payload, "3");
    assert_int_equal(in_state("dead"), 2);
    jobs_destroy(j);
}

/* ---- queues ---- */

static void of_a_queue_run_one_after_the_other(void **state)
{
    struct jobs *j = engine(), *other = engine();
    struct buf why = BUF_INIT;

    (void)state;
    for (int i = 1; i <= 9; i++)
        assert_int_equal(JOBS_ADD(&fixture, .kind = "test.play", .queue_key = i % 2 ? "odd" : "even",
                                  .payload = str_make(&"123456789"[i - 1], 1)),
                         1);
    assert_int_equal(run_due(j), 9);
    assert_int_equal(strlen(played.order), 9);
    for (const char *p = played.order; p[0] && p[1]; p++)
        assert_null(strstr(played.order, "zz"));
    for (int i = 1; i <= 7; i++) {
        char a[2] = { "123456789"[i - 1], 0 }, b[2] = { "123456789"[i + 1], 0 };
        assert_true(strstr(played.order, a) < strstr(played.order, b));
    }
    buf_finish(&why);
    jobs_destroy(other);
    jobs_destroy(j);
}

static void one_that_failed_keeps_its_place(void **state)
{
    struct jobs *j = engine();

    (void)state;
    JOBS_ADD(&fixture, .kind = "test.play", .queue_key = "q", .payload = STR("1"));
    JOBS_ADD(&fixture, .kind = "test.play", .queue_key = "q", .payload = STR("2"));
    JOBS_ADD(&fixture, .kind = "test.play", .queue_key = "q", .tenant = "t9", .payload = STR("3"));
    played.result = DW_EUPSTREAM;
    assert_int_equal(run_due(j), 2); /* the first, and the other tenant's */
    played.result = 0;
    assert_int_equal(run_due(j), 0);
    advance(MINUTE);
    assert_int_equal(run_due(j), 3);
    assert_true(strstr(played.order, "12") != NULL || strstr(played.order, "132") != NULL);
    jobs_destroy(j);
}

static void put_off_it_does_not_hold_the_others_up(void **state)
{
    struct jobs *j = engine();

    (void)state;
    JOBS_ADD(&fixture, .kind = "test.play", .queue_key = "q", .payload = STR("1"), .delay_us = MINUTE);
    JOBS_ADD(&fixture, .kind = "test.play", .queue_key = "q", .payload = STR("2"));
    assert_int_equal(run_due(j), 1);
    advance(MINUTE);
    assert_int_equal(run_due(j), 1);
    assert_string_equal(played.order, "21");
    jobs_destroy(j);
}

/* ---- cancelling ---- */

static int cancel(const char *kind, const char *key)
{
    const struct db_who who = { .owner = "core", .now_us = fixture.now_us };
    struct db_session *s;

    assert_int_equal(db_session_create(&s, fixture.db.db, &who), 0);
    int rc = job_cancel(s, kind, NULL, key, fixture.now_us);
    db_session_destroy(s);
    return rc;
}

static void waiting_it_is_taken_out(void **state)
{
    struct jobs *j = engine();

    (void)state;
    JOBS_ADD(&fixture, .kind = "test.mortal", .unique_key = "k", .delay_us = MINUTE);
    JOBS_ADD(&fixture, .kind = "test.play", .unique_key = "k", .delay_us = MINUTE);
    assert_int_equal(cancel("test.mortal", "other"), 0);
    assert_int_equal(cancel("test.mortal", "k"), 1);
    assert_int_equal(cancel("test.mortal", "k"), 0);
    assert_int_equal(cancel("test.play", "k"), 1);
    assert_int_equal(run_due(j), 1); /* the last call of the one that has one */
    assert_int_equal(played.runs, 0);
    assert_int_equal(played.deaths, 1);
    assert_int_equal(in_state("cancelled"), 2);
    jobs_destroy(j);
}

static int cancel_itself(struct job *job, void *ud)
{
    (void)ud;
    played.runs++;
    assert_int_equal(cancel("test.play", "k"), 1);
    assert_true(job_progress(job, 1, 2)); /* not told yet */
    return played.result;
}

static void cancelled_while_it_runs_it_is_not_tried_again(void **state)
{
    static const struct job_kind kind = {
        .owner = "test", .name = "play", .run = cancel_itself, .dead = die
    };
    struct jobs *j = jobs_fixture_engine(&fixture, &(struct jobs_options){ .workers = 1 });

    (void)state;
    jobs_register(j, &kind);
    JOBS_ADD(&fixture, .kind = "test.play", .unique_key = "k");
    played.result = DW_EUPSTREAM;
    assert_int_equal(run_due(j), 2);
    assert_int_equal(played.runs, 1);
    assert_int_equal(played.deaths, 1);
    assert_int_equal(in_state("cancelled"), 1);

    JOBS_ADD(&fixture, .kind = "test.play", .unique_key = "k");
    played.result = 0; /* too late: it was done */
    assert_int_equal(run_due(j), 1);
    assert_int_equal(in_state("done"), 1);
    jobs_destroy(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_with_what_it_was_given, setup, teardown),
        cmocka_unit_test_setup_teardown(exists_if_and_only_if_it_commits, setup, teardown),
        cmocka_unit_test_setup_teardown(waits_for_its_delay, setup, teardown),
        cmocka_unit_test_setup_teardown(of_an_unknown_kind_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(is_tried_again_later_and_later, setup, teardown),
        cmocka_unit_test_setup_teardown(honours_when_a_peer_says_to_come_again, setup, teardown),
        cmocka_unit_test_setup_teardown(is_not_tried_again_where_that_cannot_help, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_once_that_it_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(again_is_no_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_takes_its_servers_along_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_lost_its_server_once_runs_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelled_while_its_server_ended_it_is_not_run_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_unique_one_waits_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(asked_for_while_it_runs_it_runs_once_more, setup, teardown),
        cmocka_unit_test_setup_teardown(asked_for_while_it_dies_it_lives_again, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_queue_run_one_after_the_other, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_failed_keeps_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(put_off_it_does_not_hold_the_others_up, setup, teardown),
        cmocka_unit_test_setup_teardown(waiting_it_is_taken_out, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelled_while_it_runs_it_is_not_tried_again, setup, teardown),
    };

    return DB_ON_EVERY_ENGINE("jobs", tests);
}
