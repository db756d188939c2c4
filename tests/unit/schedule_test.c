/* Schedules on a database, under a clock of the test's: what fires, what does not, and who fires it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/schedule.h"
#include "jobs_fixture.h"
#include "util/compiler.h"

#define MINUTE (INT64_C(60) * CLOCK_SECOND)
#define HOUR   (60 * MINUTE)

static struct jobs_fixture fixture;

/* Tenants of the test, which may be told incompletely. */
static struct {
    const char *names[4];
    size_t n;
    unsigned more; /* without a name in the list above: "many-0"... */
    bool breaks_off;
} tenants;

static int visit_tenants(int (*visit)(const char *tenant, void *visit_ud), void *visit_ud, void *ud)
{
    (void)ud;
    for (size_t i = 0; i < tenants.n; i++) {
        int rc = visit(tenants.names[i], visit_ud);
        if (rc < 0)
            return rc;
    }
    for (unsigned i = 0; i < tenants.more; i++) {
        char name[20];
        snprintf(name, sizeof(name), "many-%u", i);
        int rc = visit(name, visit_ud);
        if (rc < 0)
            return rc;
    }
    return tenants.breaks_off ? DW_EUNAVAILABLE : 0;
}

static int64_t instant(const char *rfc3339)
{
    int64_t us;

    if (!clock_parse_rfc3339(str_from(rfc3339), &us))
        fail_msg("%s is no instant", rfc3339);
    return us;
}

static void set_clock(const char *rfc3339)
{
    atomic_store(&fixture.now_us, instant(rfc3339));
}

static int setup(void **state)
{
    (void)state;
    memset(&tenants, 0, sizeof(tenants));
    int rc = jobs_fixture_open(&fixture);
    set_clock("2026-07-01T09:30:00Z");
    return rc;
}

static int teardown(void **state)
{
    (void)state;
    jobs_fixture_close(&fixture);
    return 0;
}

static struct schedules *make(const struct schedule_plan *plan)
{
    const struct schedules_options options = { .db = fixture.db.db,
                                               .zone = "Europe/Berlin",
                                               .tenants = visit_tenants,
                                               .wall_us = jobs_fixture_now,
                                               .clock_ud = &fixture };
    struct buf why = BUF_INIT;
    struct schedules *s;

    if (schedules_create(&s, &options, &why) != 0 || schedules_add(s, plan, &why) != 0)
        fail_msg("%s", buf_text(&why));
    buf_finish(&why);
    return s;
}

/* "test.hourly", whose job is "test.play", across tenants. */
#define PLAN(...)                 \
    make(&(struct schedule_plan){ \
        .owner = "test", .name = "hourly", .job = "play", .is_across_tenants = true, __VA_ARGS__ })
#define PLAN_OF_TENANTS() \
    make(&(struct schedule_plan){ .owner = "test", .name = "hourly", .job = "play", .when = "0 * * * *" })

/* How many jobs a tick adds; the next instant must be as wanted, unless NULL. */
static int tick(struct schedules *s, const char *next)
{
    struct buf why = BUF_INIT;
    int64_t next_us;
    int n = schedules_tick(s, &next_us, &why);

    if (n < 0)
        fail_msg("%d: %s", n, buf_text(&why));
    buf_finish(&why);
    if (next && next_us != (*next ? instant(next) : INT64_MAX)) {
        char found[CLOCK_RFC3339_SIZE];
        clock_format_rfc3339(next_us, found);
        fail_msg("next is %s, wanted %s", found, next);
    }
    return n;
}

static int64_t count(const char *state)
{
    return JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs WHERE state = $1", state);
}

/* The jobs that wait come to their end. */
static void end_jobs(void)
{
    assert_true(JOBS_EXEC(&fixture,
                          "UPDATE dowel_jobs SET state = 'done' WHERE state IN ('waiting', 'running')") >= 0);
}

static void assert_payload(const char *wanted)
{
    assert_int_equal(JOBS_NUMBER(&fixture,
                                 "SELECT count(*) FROM dowel_jobs WHERE payload = $1 AND kind = 'test.play'",
                                 wanted),
                     1);
}

/* ---- the plain way ---- */

static void a_job_is_added_at_each_instant(void **state)
{
    struct schedules *s = PLAN(.when = "0 * * * *");

    (void)state;
    assert_int_equal(tick(s, "2026-07-01T10:00:00Z"), 0);
    set_clock("2026-07-01T09:59:59.999999Z");
    assert_int_equal(tick(s, "2026-07-01T10:00:00Z"), 0);
    set_clock("2026-07-01T10:00:00Z");
    assert_int_equal(tick(s, "2026-07-01T11:00:00Z"), 1);
    assert_int_equal(tick(s, "2026-07-01T11:00:00Z"), 0);
    assert_payload("{\"schedule\":\"hourly\",\"at\":\"2026-07-01T10:00:00.000000Z\"}");
    end_jobs();
    set_clock("2026-07-01T11:00:02Z");
    assert_int_equal(tick(s, "2026-07-01T12:00:00Z"), 1);
    assert_payload("{\"schedule\":\"hourly\",\"at\":\"2026-07-01T11:00:00.000000Z\"}");
    schedules_destroy(s);
}

static int ran;

static int play(struct job *job, void *ud)
{
    (void)job;
    (void)ud;
    ran++;
    return 0;
}

static void the_engine_runs_what_was_added(void **state)
{
    const struct job_kind kind = { .owner = "test", .name = "play", .run = play };
    struct schedules *s = PLAN(.when = "every 1m");
    struct jobs *j = jobs_fixture_engine(&fixture, &(struct jobs_options){ .workers = 1 });
    struct buf why = BUF_INIT;

    (void)state;
    assert_non_null(j);
    assert_int_equal(jobs_register(j, &kind), 0);
    tick(s, "2026-07-01T09:31:00Z");
    for (ran = 0; ran < 3;) {
        int before = ran;
        atomic_fetch_add(&fixture.now_us, MINUTE);
        assert_int_equal(tick(s, NULL), 1);
        assert_int_equal(jobs_run_due(j, &why), 1);
        assert_int_equal(ran, before + 1);
    }
    jobs_destroy(j);
    schedules_destroy(s);
    buf_finish(&why);
}

static void an_interval_counts_from_its_first_sight_and_does_not_drift(void **state)
{
    struct schedules *s = PLAN(.when = "every 7m");

    (void)state;
    tick(s, "2026-07-01T09:37:00Z");
    set_clock("2026-07-01T09:37:40Z");
    assert_int_equal(tick(s, "2026-07-01T09:44:00Z"), 1);
    schedules_destroy(s);
    /* Another server, later: the same instants. */
    s = PLAN(.when = "every 7m");
    tick(s, "2026-07-01T09:44:00Z");
    schedules_destroy(s);
}

static void once_is_once(void **state)
{
    struct schedules *s = PLAN(.when = "2026-07-01T12:00:00"); /* in Berlin */

    (void)state;
    tick(s, "2026-07-01T10:00:00Z");
    set_clock("2026-07-01T10:00:00Z");
    assert_int_equal(tick(s, ""), 1);
    end_jobs();
    set_clock("2027-07-01T10:00:00Z");
    assert_int_equal(tick(s, ""), 0);
    schedules_destroy(s);
    s = PLAN(.when = "2026-07-01T12:00:00");
    assert_int_equal(tick(s, ""), 0);
    schedules_destroy(s);
}

static void off_is_never(void **state)
{
    struct schedules *s = PLAN(.when = " off ");

    (void)state;
    assert_int_equal(tick(s, ""), 0);
    schedules_destroy(s);
    /* The admin has turned it on. */
    s = PLAN(.when = "0 * * * *");
    tick(s, "2026-07-01T10:00:00Z");
    schedules_destroy(s);
    s = PLAN(.when = "off");
    set_clock("2026-07-01T11:00:00Z");
    assert_int_equal(tick(s, ""), 0);
    schedules_destroy(s);
}

static void what_is_configured_anew_begins_anew(void **state)
{
    struct schedules *s = PLAN(.when = "0 * * * *");

    (void)state;
    tick(s, "2026-07-01T10:00:00Z");
    schedules_destroy(s);
    set_clock("2026-07-01T15:10:00Z");
    s = PLAN(.when = "30 * * * *");
    assert_int_equal(tick(s, "2026-07-01T15:30:00Z"), 0);
    schedules_destroy(s);
    s = PLAN(.when = "0 3 * * *", .zone = "Asia/Tokyo");
    assert_int_equal(tick(s, "2026-07-01T18:00:00Z"), 0);
    schedules_destroy(s);
    /* Another job alone changes no instant, and what came meanwhile was missed. */
    set_clock("2026-07-01T20:00:00Z");
    s = make(&(struct schedule_plan){ .owner = "test",
                                      .name = "hourly",
                                      .job = "other",
                                      .when = "0 3 * * *",
                                      .zone = "Asia/Tokyo",
                                      .is_across_tenants = true });
    assert_int_equal(tick(s, "2026-07-02T18:00:00Z"), 1);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs WHERE kind = 'test.other'"), 1);
    schedules_destroy(s);
}

static void jitter_moves_all_instants_alike(void **state)
{
    int64_t jitter_us = when_jitter_us(STR_OF("test.hourly/"), 10 * MINUTE);
    struct schedules *s = PLAN(.when = "0 * * * *", .jitter_us = 10 * MINUTE);

    (void)state;
    assert_in_range(jitter_us, CLOCK_SECOND, 10 * MINUTE);
    tick(s, NULL);
    atomic_store(&fixture.now_us, instant("2026-07-01T10:00:00Z") + jitter_us - 1);
    assert_int_equal(tick(s, NULL), 0);
    atomic_fetch_add(&fixture.now_us, 1);
    assert_int_equal(tick(s, NULL), 1);
    schedules_destroy(s);
}

/* ---- what was missed: nobody looked from 09:30 to 14:30 ---- */

static void coalesced_after_downtime_it_fires_once(void **state)
{
    struct schedules *s = PLAN(.when = "0 * * * *");

    (void)state;
    tick(s, NULL);
    schedules_destroy(s);
    set_clock("2026-07-01T14:30:00Z");
    s = PLAN(.when = "0 * * * *");
    assert_int_equal(tick(s, "2026-07-01T15:00:00Z"), 1);
    assert_payload("{\"schedule\":\"hourly\",\"at\":\"2026-07-01T14:00:00.000000Z\"}");
    schedules_destroy(s);
}

static void skipped_after_downtime_it_does_not_fire(void **state)
{
    struct schedules *s = PLAN(.when = "0 * * * *", .misfire = WHEN_SKIP);

    (void)state;
    tick(s, NULL);
    set_clock("2026-07-01T14:30:00Z");
    assert_int_equal(tick(s, "2026-07-01T15:00:00Z"), 0);
    set_clock("2026-07-01T15:00:30Z");
    assert_int_equal(tick(s, "2026-07-01T16:00:00Z"), 1);
    schedules_destroy(s);
}

static void all_after_downtime_it_fires_for_each(void **state)
{
    struct schedules *s = PLAN(.when = "0 * * * *", .misfire = WHEN_ALL, .overlap = SCHEDULE_QUEUE);

    (void)state;
    tick(s, NULL);
    set_clock("2026-07-01T14:30:00Z");
    assert_int_equal(tick(s, "2026-07-01T15:00:00Z"), 5);
    assert_payload("{\"schedule\":\"hourly\",\"at\":\"2026-07-01T10:00:00.000000Z\"}");
    assert_payload("{\"schedule\":\"hourly\",\"at\":\"2026-07-01T14:00:00.000000Z\"}");
    /* One after the other. */
    assert_int_equal(
        JOBS_NUMBER(&fixture, "SELECT count(DISTINCT queue_key) FROM dowel_jobs WHERE queue_key IS NOT NULL"),
        1);
    schedules_destroy(s);
}

/* ---- the last one has not ended ---- */

static void skipping_leaves_an_instant_out_while_the_last_job_has_not_ended(void **state)
{
    static const char *const states[] = { "waiting", "running" };
    struct schedules *s = PLAN(.when = "0 * * * *");

    (void)state;
    tick(s, NULL);
    set_clock("2026-07-01T10:00:00Z");
    assert_int_equal(tick(s, NULL), 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(JOBS_EXEC(&fixture, "UPDATE dowel_jobs SET state = $1", states[i]), 1);
        atomic_fetch_add(&fixture.now_us, HOUR);
        assert_int_equal(tick(s, NULL), 0);
        assert_int_equal(count(states[i]), 1);
    }
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs WHERE again IS NOT NULL"), 0);
    assert_int_equal(
        JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_schedules WHERE skipped_at > fired_at"), 1);
    end_jobs();
    atomic_fetch_add(&fixture.now_us, HOUR);
    assert_int_equal(tick(s, "2026-07-01T14:00:00Z"), 1);
    schedules_destroy(s);
}

static void queueing_adds_it_behind_the_last_job(void **state)
{
    struct schedules *s = PLAN(.when = "0 * * * *", .overlap = SCHEDULE_QUEUE);

    (void)state;
    tick(s, NULL);
    for (int i = 1; i <= 3; i++) {
        atomic_fetch_add(&fixture.now_us, HOUR);
        assert_int_equal(tick(s, NULL), 1);
        assert_int_equal(count("waiting"), i);
    }
    assert_int_equal(
        JOBS_NUMBER(&fixture, "SELECT count(DISTINCT queue_key) FROM dowel_jobs WHERE queue_key IS NOT NULL"),
        1);
    schedules_destroy(s);
}

/* ---- several servers ---- */

static void of_two_servers_one_fires(void **state)
{
    struct schedules *a = PLAN(.when = "0 * * * *"), *b = PLAN(.when = "0 * * * *");
    int sum = 0;

    (void)state;
    tick(a, NULL);
    tick(b, NULL);
    for (int i = 1; i <= 5; i++) {
        atomic_fetch_add(&fixture.now_us, HOUR);
        sum += tick(i % 2 ? a : b, NULL);
        sum += tick(i % 2 ? b : a, NULL);
        assert_int_equal(sum, i);
        end_jobs();
    }
    schedules_destroy(a);
    schedules_destroy(b);
}

static void *tick_on(void *ud)
{
    struct buf why = BUF_INIT;
    int64_t next_us;
    int n = schedules_tick(ud, &next_us, &why);

    if (n < 0)
        fprintf(stderr, "%s\n", buf_text(&why));
    buf_finish(&why);
    return (void *)(intptr_t)n;
}

static void of_four_servers_at_once_one_fires(void **state)
{
    enum { SERVERS = 4, ROUNDS = 20 };
    struct schedules *s[SERVERS];
    pthread_t threads[SERVERS];
    void *result;

    (void)state;
    for (int i = 0; i < SERVERS; i++) {
        s[i] = PLAN(.when = "0 * * * *", .overlap = SCHEDULE_QUEUE);
        tick(s[i], NULL);
    }
    for (int round = 1; round <= ROUNDS; round++) {
        intptr_t sum = 0;
        atomic_fetch_add(&fixture.now_us, HOUR);
        for (int i = 0; i < SERVERS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, tick_on, s[i]), 0);
        for (int i = 0; i < SERVERS; i++) {
            pthread_join(threads[i], &result);
            assert_true((intptr_t)result >= 0);
            sum += (intptr_t)result;
        }
        assert_int_equal(sum, 1);
        assert_int_equal(count("waiting"), round);
    }
    for (int i = 0; i < SERVERS; i++)
        schedules_destroy(s[i]);
}

/* ---- clocks ---- */

static void where_clocks_are_changed_it_follows_the_policy(void **state)
{
    struct schedules *s;

    (void)state;
    set_clock("2025-03-29T12:00:00Z");
    s = PLAN(.when = "30 2 * * *", .overlap = SCHEDULE_QUEUE);
    tick(s, "2025-03-30T01:00:00Z"); /* 02:30 is skipped: at 03:00 */
    set_clock("2025-03-30T01:00:00Z");
    assert_int_equal(tick(s, "2025-03-31T00:30:00Z"), 1);
    set_clock("2025-10-25T12:00:00Z");
    tick(s, "2025-10-26T00:30:00Z");
    set_clock("2025-10-26T00:30:00Z");
    assert_int_equal(tick(s, "2025-10-27T01:30:00Z"), 1); /* not at the second 02:30 */
    schedules_destroy(s);
}

static void a_clock_that_is_set_back_fires_nothing_twice(void **state)
{
    struct schedules *s = PLAN(.when = "*/10 * * * *", .overlap = SCHEDULE_QUEUE);

    (void)state;
    tick(s, NULL);
    set_clock("2026-07-01T10:00:00Z");
    assert_int_equal(tick(s, "2026-07-01T10:10:00Z"), 1);
    set_clock("2026-07-01T09:45:00Z");
    assert_int_equal(tick(s, "2026-07-01T10:10:00Z"), 0);
    set_clock("2026-07-01T10:00:00Z");
    assert_int_equal(tick(s, "2026-07-01T10:10:00Z"), 0);
    schedules_destroy(s);
}

static void a_clock_that_was_years_ahead_does_not_stop_it(void **state)
{
    struct schedules *s = PLAN(.when = "0 * * * *", .overlap = SCHEDULE_QUEUE);

    (void)state;
    tick(s, NULL);
    set_clock("2036-02-07T06:28:16Z");
    assert_int_equal(tick(s, "2036-02-07T07:00:00Z"), 1);
    set_clock("2026-07-01T09:40:00Z");
    assert_int_equal(tick(s, "2026-07-01T10:00:00Z"), 0);
    schedules_destroy(s);
    /* Also when the server was started in between. */
    assert_int_equal(JOBS_EXEC(&fixture, "UPDATE dowel_schedules SET fired_at = $1, next_at = $1",
                               (dw_time){ instant("2036-02-07T06:00:00Z") }),
                     1);
    s = PLAN(.when = "0 * * * *", .overlap = SCHEDULE_QUEUE);
    assert_int_equal(tick(s, "2026-07-01T10:00:00Z"), 0);
    schedules_destroy(s);
}

/* ---- tenants ---- */

static int64_t rows_of(const char *tenant)
{
    return JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_schedules WHERE tenant = $1", tenant);
}

static void each_tenant_has_its_own(void **state)
{
    struct schedules *s = PLAN_OF_TENANTS();

    (void)state;
    assert_int_equal(tick(s, ""), 0);
    tenants.names[0] = "t1";
    tenants.names[1] = "t2";
    tenants.n = 2;
    assert_int_equal(tick(s, ""), 0); /* nobody said so */
    schedules_notice(s);
    tick(s, "2026-07-01T10:00:00Z");
    set_clock("2026-07-01T10:00:00Z");
    assert_int_equal(tick(s, NULL), 2);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs WHERE tenant = 't1'"), 1);
    /* One tenant's job is another's business. */
    assert_int_equal(JOBS_EXEC(&fixture, "UPDATE dowel_jobs SET state = 'done' WHERE tenant = 't1'"), 1);
    set_clock("2026-07-01T11:00:00Z");
    assert_int_equal(tick(s, NULL), 1);
    schedules_destroy(s);
}

/* More than one transaction takes, and two servers at once. */
static void many_tenants_have_theirs_once(void **state)
{
    enum { TENANTS = 250 };
    struct schedules *a = PLAN_OF_TENANTS(), *b = PLAN_OF_TENANTS();
    pthread_t other;
    void *result;

    (void)state;
    tenants.more = TENANTS;
    tick(a, "2026-07-01T10:00:00Z");
    tick(b, "2026-07-01T10:00:00Z");
    set_clock("2026-07-01T10:00:00Z");
    assert_int_equal(pthread_create(&other, NULL, tick_on, b), 0);
    int added = tick(a, NULL);
    pthread_join(other, &result);
    assert_int_equal(added + (int)(intptr_t)result, TENANTS);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(DISTINCT tenant) FROM dowel_jobs"), TENANTS);
    assert_int_equal(count("waiting"), TENANTS);
    assert_int_equal(tick(a, "2026-07-01T11:00:00Z"), 0);
    schedules_destroy(a);
    schedules_destroy(b);
}

static void a_tenant_that_has_gone_is_forgotten_but_not_by_a_broken_list(void **state)
{
    struct schedules *s = PLAN_OF_TENANTS();

    (void)state;
    tenants.names[0] = "t1";
    tenants.names[1] = "t2";
    tenants.n = 2;
    tick(s, NULL);
    tenants.n = 1;
    tenants.breaks_off = true;
    schedules_notice(s);
    /* What they have goes on: nobody has said that they are gone. */
    set_clock("2026-07-01T10:00:00Z");
    assert_int_equal(tick(s, NULL), 2);
    assert_int_equal(rows_of("t2"), 1);
    tenants.breaks_off = false;
    schedules_notice(s);
    tick(s, NULL);
    assert_int_equal(rows_of("t2"), 0);
    assert_int_equal(rows_of("t1"), 1);
    schedules_destroy(s);
}

static void tenants_that_cannot_be_told_hold_up_nothing_else(void **state)
{
    const struct schedule_plan across = {
        .owner = "test", .name = "all", .job = "play", .when = "0 * * * *", .is_across_tenants = true
    };
    struct schedules *s = PLAN_OF_TENANTS();
    struct buf why = BUF_INIT;

    (void)state;
    assert_int_equal(schedules_add(s, &across, &why), 0);
    tenants.breaks_off = true;
    tenants.names[0] = "t1";
    tenants.n = 1;
    assert_int_equal(tick(s, "2026-07-01T10:00:00Z"), 0);
    assert_int_equal(rows_of(""), 1);
    assert_int_equal(rows_of("t1"), 0);
    set_clock("2026-07-01T10:00:00Z");
    assert_int_equal(tick(s, NULL), 1);
    tenants.breaks_off = false;
    tick(s, NULL); /* without a notice: it is asked again */
    assert_int_equal(rows_of("t1"), 1);
    schedules_destroy(s);
}

static void tenants_are_compared_when_they_have_changed(void **state)
{
    struct schedules *s = PLAN_OF_TENANTS();

    (void)state;
    tenants.names[0] = "t1";
    tenants.n = 1;
    tick(s, NULL);
    tenants.names[1] = "t2";
    tenants.n = 2;
    tick(s, NULL);
    assert_int_equal(rows_of("t2"), 0); /* nobody said so */
    schedules_tenants_notice(s);
    tick(s, NULL);
    assert_int_equal(rows_of("t2"), 1);
    /* The same as before: the rows are not touched, not even one that went missing. */
    assert_int_equal(JOBS_EXEC(&fixture, "DELETE FROM dowel_schedules WHERE tenant = 't2'"), 1);
    schedules_tenants_notice(s);
    tick(s, NULL);
    assert_int_equal(rows_of("t2"), 0);
    schedules_notice(s);
    tick(s, NULL);
    assert_int_equal(rows_of("t2"), 1);
    schedules_destroy(s);
}

/* ---- admins ---- */

/* A session of an admin's. */
static int administer(int (*act)(struct db_session *, const char *, const char *, int64_t), const char *name,
                      const char *tenant)
{
    const struct db_who who = { .owner = "core", .now_us = fixture.now_us };
    struct db_session *s;

    assert_int_equal(db_session_create(&s, fixture.db.db, &who), 0);
    int rc = act(s, name, tenant, fixture.now_us);
    if (rc < 0)
        fail_msg("%s", db_error_of(s)->text);
    db_session_destroy(s);
    return rc;
}

static void a_paused_one_does_not_fire_and_goes_on_from_now(void **state)
{
    struct schedules *s = PLAN(.when = "0 * * * *");

    (void)state;
    tick(s, NULL);
    assert_int_equal(administer(schedule_pause, "test.none", NULL), 0);
    assert_int_equal(administer(schedule_pause, "test.hourly", NULL), 1);
    set_clock("2026-07-01T12:30:00Z");
    assert_int_equal(tick(s, ""), 0);
    /* A restart does not resume it. */
    schedules_destroy(s);
    s = PLAN(.when = "0 * * * *");
    assert_int_equal(tick(s, ""), 0);
    assert_int_equal(administer(schedule_resume, "test.hourly", NULL), 1);
    assert_int_equal(tick(s, "2026-07-01T13:00:00Z"), 0);
    set_clock("2026-07-01T13:00:00Z");
    assert_int_equal(tick(s, "2026-07-01T14:00:00Z"), 1);
    schedules_destroy(s);
}

static void one_tenants_can_be_paused(void **state)
{
    struct schedules *s = PLAN_OF_TENANTS();

    (void)state;
    tenants.names[0] = "t1";
    tenants.names[1] = "t2";
    tenants.n = 2;
    tick(s, NULL);
    assert_int_equal(administer(schedule_pause, "test.hourly", "t2"), 1);
    set_clock("2026-07-01T10:00:00Z");
    assert_int_equal(tick(s, NULL), 1);
    assert_int_equal(administer(schedule_pause, "test.hourly", NULL), 2);
    schedules_destroy(s);
}

static void it_can_be_run_at_once(void **state)
{
    struct schedules *s = PLAN(.when = "0 3 * * *");

    (void)state;
    tick(s, "2026-07-02T01:00:00Z");
    assert_int_equal(administer(schedule_run, "test.none", NULL), 0);
    assert_int_equal(administer(schedule_run, "test.hourly", NULL), 1);
    assert_int_equal(administer(schedule_run, "test.hourly", NULL), 1);
    assert_int_equal(count("waiting"), 1);
    tick(s, "2026-07-02T01:00:00Z"); /* its own instants are as they were */
    schedules_destroy(s);
}

static void remember_row(const struct schedule_row *row, void *ud)
{
    struct buf *out = ud;

    buf_add_format(out, "%s|%s|%s|%s|%s|%d%d%d%d\n", row->name, row->tenant, row->job, row->spec, row->zone,
                   row->next_us != 0, row->fired_us != 0, row->skipped_us != 0, row->paused_us != 0);
}

static void the_list_tells_all(void **state)
{
    const struct db_who who = { .owner = "core", .now_us = fixture.now_us };
    struct schedules *s = PLAN(.when = "0 * * * *");
    const struct schedule_plan more = { .owner = "test",
                                        .name = "daily",
                                        .job = "play",
                                        .when = "@daily",
                                        .zone = "UTC",
                                        .is_across_tenants = true };
    struct buf found = BUF_INIT, why = BUF_INIT;
    struct db_session *session;

    (void)state;
    assert_int_equal(schedules_add(s, &more, &why), 0);
    tick(s, NULL);
    set_clock("2026-07-01T10:00:00Z");
    tick(s, NULL);
    assert_int_equal(db_session_create(&session, fixture.db.db, &who), 0);
    assert_int_equal(schedule_list(session, remember_row, &found), 2);
    assert_string_equal(buf_text(&found), "test.daily||test.play|@daily|UTC|1000\n"
                                          "test.hourly||test.play|0 * * * *|Europe/Berlin|1100\n");
    db_session_destroy(session);
    buf_finish(&found);
    buf_finish(&why);
    schedules_destroy(s);
}

/* ---- what is refused, and what is not there ---- */

static void assert_refused(const struct schedule_plan *plan, const char *with)
{
    struct schedules *s = PLAN(.when = "0 * * * *");
    struct buf why = BUF_INIT;

    assert_int_equal(schedules_add(s, plan, &why), -1);
    if (!strstr(buf_text(&why), with))
        fail_msg("says \"%s\", wanted \"%s\"", buf_text(&why), with);
    buf_finish(&why);
    schedules_destroy(s);
}

static void a_wrong_plan_is_refused(void **state)
{
    const struct schedules_options options = { .db = fixture.db.db, .zone = "Europe/Berln" };
    struct buf why = BUF_INIT;
    struct schedules *s;

    (void)state;
    assert_refused(&(struct schedule_plan){ .owner = "a", .name = "b", .job = "c", .when = "0 25 * * *" },
                   "cannot be carried out: the hour \"25\" is out of range");
    assert_refused(
        &(struct schedule_plan){ .owner = "a", .name = "b", .job = "c", .when = "@daily", .zone = "Mars" },
        "cannot be carried out: there is no time zone \"Mars\"");
    assert_refused(&(struct schedule_plan){ .owner = "a", .name = "b", .job = "c", .when = "" },
                   "a schedule is empty");
    assert_refused(&(struct schedule_plan){ .owner = "test", .name = "hourly", .job = "c", .when = "@daily" },
                   "is there twice");
    assert_refused(
        &(struct schedule_plan){
            .owner = "a", .name = "b", .job = "c", .when = "@daily", .misfire = WHEN_ALL },
        "needs the overlap \"queue\"");
    assert_int_equal(schedules_create(&s, &options, &why), -1);
    assert_non_null(strstr(buf_text(&why), "Europe/Berlin"));
    buf_finish(&why);
}

static void a_row_that_cannot_be_read_is_left_alone(void **state)
{
    struct schedules *s = PLAN(.when = "0 * * * *");

    (void)state;
    tick(s, NULL);
    assert_int_equal(JOBS_EXEC(&fixture, "UPDATE dowel_schedules SET spec = 'at full moon'"), 1);
    set_clock("2026-07-01T10:00:00Z");
    assert_int_equal(tick(s, ""), 0);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_schedules WHERE next_at IS NOT NULL"),
                     1);
    schedules_destroy(s);
}

/* As migrations do. */
static void change_tables(const char *sql)
{
    const struct db_who who = { .owner = "core", .is_unguarded = true };
    struct db_session *s;

    assert_int_equal(db_session_create(&s, fixture.db.db, &who), 0);
    if (db_begin(s) < 0 || db_run_script(s, str_from(sql)) < 0 || db_commit(s) < 0)
        fail_msg("%s", db_error_of(s)->text);
    db_session_destroy(s);
}

static void a_database_that_fails_is_told_and_nothing_is_half_done(void **state)
{
    struct schedules *s = PLAN(.when = "0 * * * *");
    struct buf why = BUF_INIT;
    int64_t next_us;

    (void)state;
    tick(s, NULL);
    set_clock("2026-07-01T10:00:00Z");
    change_tables("ALTER TABLE dowel_jobs RENAME TO hidden_jobs");
    assert_true(schedules_tick(s, &next_us, &why) < 0);
    assert_true(why.n > 0);
    change_tables("ALTER TABLE hidden_jobs RENAME TO dowel_jobs");
    /* The instant was not moved without its job. */
    assert_int_equal(tick(s, "2026-07-01T11:00:00Z"), 1);
    buf_finish(&why);
    schedules_destroy(s);
}

/* ---- the thread, by the real clock ---- */

static void the_thread_fires_by_itself(void **state)
{
    const struct schedules_options options = { .db = fixture.db.db };
    const struct schedule_plan plan = { .owner = "test",
                                        .name = "often",
                                        .job = "play",
                                        .when = "every 1s",
                                        .overlap = SCHEDULE_QUEUE,
                                        .is_across_tenants = true };
    struct buf why = BUF_INIT;
    struct schedules *s;
    int64_t end = clock_monotonic_us() + 20 * CLOCK_SECOND, n = 0;

    (void)state;
    assert_int_equal(schedules_create(&s, &options, &why), 0);
    assert_int_equal(schedules_add(s, &plan, &why), 0);
    assert_int_equal(schedules_start(s), 0);
    while (n < 2 && clock_monotonic_us() < end) {
        usleep(20000);
        n = count("waiting");
    }
    assert_true(n >= 2);
    schedules_notice(s);
    schedules_stop(s);
    n = count("waiting");
    usleep(1200000);
    assert_int_equal(count("waiting"), n);
    schedules_destroy(s);
    buf_finish(&why);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_is_added_at_each_instant),
        TEST(the_engine_runs_what_was_added),
        TEST(an_interval_counts_from_its_first_sight_and_does_not_drift),
        TEST(once_is_once),
        TEST(off_is_never),
        TEST(what_is_configured_anew_begins_anew),
        TEST(jitter_moves_all_instants_alike),
        TEST(coalesced_after_downtime_it_fires_once),
        TEST(skipped_after_downtime_it_does_not_fire),
        TEST(all_after_downtime_it_fires_for_each),
        TEST(skipping_leaves_an_instant_out_while_the_last_job_has_not_ended),
        TEST(queueing_adds_it_behind_the_last_job),
        TEST(of_two_servers_one_fires),
        TEST(of_four_servers_at_once_one_fires),
        TEST(where_clocks_are_changed_it_follows_the_policy),
        TEST(a_clock_that_is_set_back_fires_nothing_twice),
        TEST(a_clock_that_was_years_ahead_does_not_stop_it),
        TEST(each_tenant_has_its_own),
        TEST(many_tenants_have_theirs_once),
        TEST(tenants_that_cannot_be_told_hold_up_nothing_else),
        TEST(tenants_are_compared_when_they_have_changed),
        TEST(a_tenant_that_has_gone_is_forgotten_but_not_by_a_broken_list),
        TEST(a_paused_one_does_not_fire_and_goes_on_from_now),
        TEST(one_tenants_can_be_paused),
        TEST(it_can_be_run_at_once),
        TEST(the_list_tells_all),
        TEST(a_wrong_plan_is_refused),
        TEST(a_row_that_cannot_be_read_is_left_alone),
        TEST(a_database_that_fails_is_told_and_nothing_is_half_done),
        TEST(the_thread_fires_by_itself),
    };
    return DB_ON_EVERY_ENGINE("schedule", tests);
}
