/* What admins see and do about jobs, and what is removed after a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/admin.h"
#include "jobs_fixture.h"
#include "util/json.h"

#define DAY (INT64_C(86400) * CLOCK_SECOND)

static struct jobs_fixture fixture;
static int result;

static int play(struct job *job, void *ud)
{
    (void)ud;
    job_explain(job, "the peer is ill", 0);
    return result;
}

static const struct job_kind kinds[] = {
    { .owner = "one", .name = "play", .run = play, .attempts = 2 },
    { .owner = "one", .name = "plan", .run = play },
    { .owner = "other", .name = "play", .run = play },
};

static struct jobs *jobs;
static struct db_session *session;

static int setup(void **state)
{
    const struct jobs_options options = { .keep_done_us = 7 * DAY, .keep_dead_us = 90 * DAY };

    (void)state;
    result = 0;
    if (jobs_fixture_open(&fixture) != 0 || !(jobs = jobs_fixture_engine(&fixture, &options)))
        return -1;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        jobs_register(jobs, &kinds[i]);
    return db_session_create(&session, fixture.db.db,
                             &(struct db_who){ .owner = "core", .now_us = fixture.now_us });
}

static int teardown(void **state)
{
    (void)state;
    db_session_destroy(session);
    jobs_destroy(jobs);
    jobs_fixture_close(&fixture);
    return 0;
}

static void run_due(int n)
{
    struct buf why = BUF_INIT;

    assert_int_equal(jobs_run_due(jobs, &why), n);
    buf_finish(&why);
}

static void advance(int64_t us)
{
    atomic_fetch_add(&fixture.now_us, us);
}

/* Takes the text. */
static json_t *parse(struct buf *text)
{
    struct json_fault fault;
    json_t *json;

    if (json_strict_parse(buf_str(text), 0, &json, &fault) != 0)
        fail_msg("%s: %s", fault.text, buf_text(text));
    buf_finish(text);
    return json;
}

static json_t *list(const struct job_filter *filter, int n)
{
    struct buf text = BUF_INIT;

    assert_int_equal(job_list(session, filter, &text), n);
    return parse(&text);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* The id of the newest. */
static const char *newest(void)
{
    static char id[40];
    json_t *jobs_json = list(&(struct job_filter){ .limit = 1 }, 1);

    snprintf(id, sizeof(id), "%s", text_of(json_array_get(jobs_json, 0), "id"));
    json_decref(jobs_json);
    return id;
}

static void lists_what_was_asked_for(void **state)
{
    (void)state;
    JOBS_ADD(&fixture, .kind = "one.play", .tenant = "t1");
    JOBS_ADD(&fixture, .kind = "other.play");
    run_due(2);
    JOBS_ADD(&fixture, .kind = "one.plan", .payload = STR("{\"a\":1}"));
    json_t *all = list(&(struct job_filter){ .limit = 0 }, 3);
    assert_string_equal(text_of(json_array_get(all, 0), "kind"), "one.plan");
    assert_string_equal(text_of(json_array_get(all, 0), "state"), "waiting");
    assert_string_equal(text_of(json_array_get(all, 2), "tenant"), "t1");
    assert_string_equal(text_of(json_array_get(all, 2), "state"), "done");
    assert_non_null(strstr(text_of(json_array_get(all, 2), "ended_at"), "Z"));
    json_decref(all);
    json_decref(list(&(struct job_filter){ .owner = "one" }, 2));
    json_decref(list(&(struct job_filter){ .kind = "one.play" }, 1));
    json_decref(list(&(struct job_filter){ .state = "waiting" }, 1));
    json_decref(list(&(struct job_filter){ .state = "dead", .owner = "one" }, 0));
    json_decref(list(&(struct job_filter){ .owner = "o" }, 0));
}

static void tells_a_jobs_story(void **state)
{
    struct buf text = BUF_INIT;

    (void)state;
    result = DW_EUPSTREAM;
    JOBS_ADD(&fixture, .kind = "one.play", .payload = STR("{\"a\":[1,2]}"));
    run_due(1);
    advance(CLOCK_SECOND * 60);
    run_due(1);
    assert_int_equal(job_history(session, newest(), &text), 1);
    json_t *story = parse(&text);
    const json_t *failures = json_object_get(story, "failures");
    assert_string_equal(text_of(story, "state"), "dead");
    assert_string_equal(text_of(story, "error"), "the peer is ill");
    assert_int_equal(json_array_size(json_object_get(json_object_get(story, "payload"), "a")), 2);
    assert_int_equal(json_array_size(failures), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(failures, 1), "attempt")), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(failures, 1), "code")), DW_EUPSTREAM);
    json_decref(story);
    assert_int_equal(job_history(session, "0190a1b2-0000-7000-8000-000000000000", &text), 0);
    buf_finish(&text);
}

static int mourn(struct job *job, void *ud)
{
    bool *told = ud;

    json_decref(list(&(struct job_filter){ .state = "dead" }, 0));
    json_decref(list(&(struct job_filter){ .state = "ending" }, 1));
    assert_int_equal(job_replay(session, job_id(job), fixture.now_us), 0);
    *told = true;
    return 0;
}

/* Who is shown that a job is dead can replay it. */
static void is_dead_only_after_its_last_callback(void **state)
{
    bool told = false;
    const struct job_kind wed = { .owner = "one", .name = "wed", .run = play, .dead = mourn, .ud = &told };

    (void)state;
    jobs_register(jobs, &wed);
    result = DW_EINVALID;
    JOBS_ADD(&fixture, .kind = "one.wed");
    run_due(2);
    assert_true(told);
    json_decref(list(&(struct job_filter){ .state = "dead" }, 1));
    assert_int_equal(job_replay(session, newest(), fixture.now_us), 1);
}

static void replays_what_was_given_up(void **state)
{
    (void)state;
    result = DW_EINVALID;
    JOBS_ADD(&fixture, .kind = "one.play");
    run_due(1);
    JOBS_ADD(&fixture, .kind = "other.play", .unique_key = "k");
    run_due(1);
    JOBS_ADD(&fixture, .kind = "other.play", .unique_key = "k");
    run_due(1);
    result = 0;
    assert_int_equal(job_replay_all(session, &(struct job_filter){ .owner = "one" }, fixture.now_us), 1);
    run_due(1);
    assert_int_equal(job_replay(session, newest(), fixture.now_us), 1);
    /* Of the two with one key, one waits now. */
    assert_int_equal(job_replay_all(session, &(struct job_filter){ .limit = 0 }, fixture.now_us), 0);
    run_due(1);
    assert_int_equal(job_replay(session, newest(), fixture.now_us), 0);
    assert_int_equal(job_replay_all(session, &(struct job_filter){ .limit = 0 }, fixture.now_us), 1);
    run_due(1);
    json_decref(list(&(struct job_filter){ .state = "done" }, 3));
}

static void holds_back_a_kind(void **state)
{
    struct buf text = BUF_INIT;

    (void)state;
    run_due(0);
    assert_int_equal(job_pause(session, "one.nothing", true, fixture.now_us), 0);
    assert_int_equal(job_pause(session, "one.play", true, fixture.now_us), 1);
    JOBS_ADD(&fixture, .kind = "one.play");
    JOBS_ADD(&fixture, .kind = "one.plan");
    run_due(1);
    assert_int_equal(job_kinds(session, &text), 3);
    json_t *all = parse(&text);
    assert_true(json_is_true(json_object_get(json_array_get(all, 1), "paused")));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(all, 1), "waiting")), 1);
    json_decref(all);
    assert_int_equal(job_pause(session, "one.play", false, fixture.now_us), 1);
    run_due(1);
}

static void cancels_by_id(void **state)
{
    (void)state;
    JOBS_ADD(&fixture, .kind = "one.play");
    const char *id = newest();
    assert_int_equal(job_cancel_id(session, id, fixture.now_us), 1);
    assert_int_equal(job_cancel_id(session, id, fixture.now_us), 0);
    json_decref(list(&(struct job_filter){ .state = "ending" }, 1));
    run_due(0);
    json_decref(list(&(struct job_filter){ .state = "cancelled" }, 1));
}

static void removes_what_has_been_over_for_long(void **state)
{
    (void)state;
    result = DW_EINVALID;
    for (int i = 0; i < 3; i++)
        JOBS_ADD(&fixture, .kind = "one.play");
    run_due(3);
    result = 0;
    for (int i = 0; i < 1200; i++)
        JOBS_ADD(&fixture, .kind = "one.plan");
    run_due(1200);
    JOBS_ADD(&fixture, .kind = "gone.play");
    advance(7 * DAY - CLOCK_SECOND);
    assert_int_equal(jobs_retain(jobs, NULL), 0);
    JOBS_ADD(&fixture, .kind = "one.plan");
    run_due(1);
    advance(2 * CLOCK_SECOND);
    assert_int_equal(jobs_retain(jobs, NULL), 1200);
    advance(83 * DAY);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_job_failures"), 3);
    assert_int_equal(jobs_retain(jobs, NULL), 4);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_job_failures"), 0);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_what_was_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_a_jobs_story, setup, teardown),
        cmocka_unit_test_setup_teardown(is_dead_only_after_its_last_callback, setup, teardown),
        cmocka_unit_test_setup_teardown(replays_what_was_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(holds_back_a_kind, setup, teardown),
        cmocka_unit_test_setup_teardown(cancels_by_id, setup, teardown),
        cmocka_unit_test_setup_teardown(removes_what_has_been_over_for_long, setup, teardown),
    };

    return DB_ON_EVERY_ENGINE("jobs_admin", tests);
}
