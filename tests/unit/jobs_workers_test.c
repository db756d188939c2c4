/* Engines with their threads: leases, fences, several on one database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/presence.h"
#include "jobs_fixture.h"
#include "util/compiler.h"

enum { MANY = 5000, PATIENCE_MS = 30000 };

static struct jobs_fixture fixture;

static void nap(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

/* ---- kinds ---- */

/* Its effect, and that it is done, in one transaction. */
static int count_once(struct job *job, void *ud)
{
    const struct db_who who = { .owner = "test", .now_us = atomic_load(&fixture.now_us) };
    struct db_session *s;

    (void)ud;
    if (db_session_create(&s, fixture.db.db, &who) != 0)
        return DW_ENOMEM;
    int rc = db_begin(s);
    if (rc >= 0)
        rc = (int)db_exec(s, DB_BY_CORE, DW_LIST("INSERT INTO effects (job, n) VALUES ($1, 1)", job_id(job)));
    if (rc >= 0)
        rc = job_done(job, s);
    if (rc >= 0)
        rc = db_commit(s);
    job_settled(job, rc >= 0);
    if (rc < 0)
        job_explain(job, db_error_of(s)->text, 0);
    db_session_destroy(s);
    return rc < 0 ? rc : 0;
}

static _Atomic unsigned begun, ended;
static _Atomic bool may_end, minds;

/* Until the test says so; or, when it minds, until it is cancelled. */
static int hold(struct job *job, void *ud)
{
    (void)ud;
    atomic_fetch_add(&begun, 1);
    for (int i = 0; i < PATIENCE_MS / 2 && !atomic_load(&may_end); i++) {
        if (!job_progress(job, i, PATIENCE_MS / 2) && atomic_load(&minds))
            break;
        nap();
    }
    bool stopped = !job_progress(job, 7, 9);
    int rc = stopped && !atomic_load(&minds) ? count_once(job, NULL) : stopped ? DW_ECANCELLED : 0;
    atomic_fetch_add(&ended, 1);
    return rc;
}

static int add_up(struct job *job, void *ud)
{
    (void)job;
    (void)ud;
    atomic_fetch_add(&ended, 1);
    return 0;
}

enum { QUEUES = 4, EACH = 25 };

static _Atomic int in_queue[QUEUES], last_of_queue[QUEUES];
static _Atomic unsigned out_of_order;

/* {"q":2,"i":17}: alone in its queue, and after the one before. */
static int in_turn(struct job *job, void *ud)
{
    int q = 0, i = 0;

    (void)ud;
    if (sscanf(job_payload(job).p, "{\"q\":%d,\"i\":%d}", &q, &i) != 2 ||
        atomic_fetch_add(&in_queue[q], 1) != 0 || atomic_exchange(&last_of_queue[q], i) != i - 1)
        atomic_fetch_add(&out_of_order, 1);
    nap();
    atomic_fetch_sub(&in_queue[q], 1);
    return 0;
}

static _Atomic int64_t changes, seen;

static int see_changes(struct job *job, void *ud)
{
    int64_t now = atomic_load(&changes);

    (void)job;
    (void)ud;
    nap();
    atomic_store(&seen, now);
    return 0;
}

static const struct job_kind kinds[] = {
    { .owner = "test", .name = "in_turn", .run = in_turn },
    { .owner = "test", .name = "see", .run = see_changes },
    { .owner = "test", .name = "once", .run = count_once },
    { .owner = "test", .name = "hold", .run = hold },
    { .owner = "test", .name = "short", .run = hold, .timeout_us = 100 * CLOCK_MS },
    { .owner = "test", .name = "apart", .run = hold, .parallel = 3 },
    { .owner = "test", .name = "quick", .run = add_up },
};

static int setup(void **state)
{
    (void)state;
    atomic_store(&begun, 0);
    atomic_store(&ended, 0);
    atomic_store(&may_end, false);
    atomic_store(&minds, true);
    return jobs_fixture_open(&fixture);
}

static int teardown(void **state)
{
    (void)state;
    jobs_fixture_close(&fixture);
    return 0;
}

static struct jobs *start_in(const char *data_dir, unsigned workers)
{
    struct jobs *j = jobs_fixture_engine(&fixture, &(struct jobs_options){ .workers = workers,
                                                                           .data_dir = data_dir,
                                                                           .poll_us = 20 * CLOCK_MS,
                                                                           .lease_us = 60 * CLOCK_SECOND });

    assert_non_null(j);
    for (size_t i = 0; i < DW_COUNT_OF(kinds); i++)
        assert_int_equal(jobs_register(j, &kinds[i]), 0);
    assert_int_equal(jobs_start(j), 0);
    return j;
}

static struct jobs *start(unsigned workers)
{
    return start_in(NULL, workers);
}

static void stop(struct jobs *j)
{
    assert_true(jobs_stop(j, 10 * CLOCK_SECOND));
    jobs_destroy(j);
}

static int64_t in_state(const char *state)
{
    return JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs WHERE state = $1", state);
}

static void wait_for_state(const char *state, int64_t n)
{
    for (int i = 0; i < PATIENCE_MS / 2 && in_state(state) != n; i++)
        nap();
    assert_int_equal(in_state(state), n);
}

static void wait_for(_Atomic unsigned *number, unsigned n)
{
    for (int i = 0; i < PATIENCE_MS / 2 && atomic_load(number) != n; i++)
        nap();
    assert_int_equal(atomic_load(number), n);
}

static void add_many(const char *kind, unsigned n)
{
    const struct db_who who = { .owner = "core", .now_us = fixture.now_us };
    struct db_session *s;

    assert_int_equal(db_session_create(&s, fixture.db.db, &who), 0);
    for (unsigned i = 0; i < n; i++) {
        if (i % 100 == 0)
            assert_int_equal(db_begin(s), 0);
        assert_int_equal(job_add(s, &(struct job_new){ .kind = kind, .now_us = who.now_us }), 1);
        if (i % 100 == 99 || i == n - 1)
            assert_int_equal(db_commit(s), 0);
    }
    db_session_destroy(s);
}

/* ---- tests ---- */

static void two_engines_run_each_job_once(void **state)
{
    struct jobs *a = start(8), *b = start(8);

    (void)state;
    add_many("test.once", MANY);
    wait_for_state("done", MANY);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM effects"), MANY);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(DISTINCT job) FROM effects"), MANY);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_job_failures"), 0);
    assert_true(JOBS_NUMBER(&fixture, "SELECT count(DISTINCT server) FROM dowel_jobs") == 2);
    stop(a);
    stop(b);
}

/* PostgreSQL ends every connection now and then; SQLite has none that could be lost. */
static void disturb(void)
{
    char sql[200];

    if (fixture.db.engine != DB_POSTGRES)
        return;
    snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'",
             fixture.db.made.name);
    assert_int_equal(postgres_admin(sql), 0);
}

/* Asks until there is an answer. */
static int64_t patiently_in_state(const char *state)
{
    int64_t n = -1;

    for (int i = 0; i < 1000 && n < 0; i++) {
        n = in_state(state);
        if (n < 0)
            nap();
    }
    return n;
}

static void lost_connections_lose_no_job_and_do_none_twice(void **state)
{
    enum { JOBS = 1000, DISTURBANCES = 8 };
    struct jobs *a = start(4), *b = start(4);

    (void)state;
    add_many("test.once", JOBS);
    for (int i = 0; i < DISTURBANCES; i++) {
        for (int k = 0; k < 10; k++)
            nap();
        disturb();
    }
    /* What failed by it is tried again after a while, and leases may have to end. */
    for (int i = 0; i < 600 && patiently_in_state("done") < JOBS; i++) {
        for (int k = 0; k < 20; k++)
            nap();
        atomic_fetch_add(&fixture.now_us, 2 * CLOCK_SECOND);
    }
    assert_int_equal(patiently_in_state("done"), JOBS);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM effects"), JOBS);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(DISTINCT job) FROM effects"), JOBS);
    stop(a);
    stop(b);
}

static void of_a_queue_one_runs_at_a_time_on_all_servers(void **state)
{
    struct jobs *a = start(4), *b = start(4);
    char payload[40], queue[10];

    (void)state;
    atomic_store(&out_of_order, 0);
    for (int q = 0; q < QUEUES; q++) {
        atomic_store(&in_queue[q], 0);
        atomic_store(&last_of_queue[q], 0);
    }
    for (int i = 1; i <= EACH; i++) {
        for (int q = 0; q < QUEUES; q++) {
            snprintf(payload, sizeof(payload), "{\"q\":%d,\"i\":%d}", q, i);
            snprintf(queue, sizeof(queue), "q%d", q);
            assert_int_equal(
                JOBS_ADD(&fixture, .kind = "test.in_turn", .payload = str_from(payload), .queue_key = queue),
                1);
        }
    }
    wait_for_state("done", QUEUES * EACH);
    assert_int_equal(atomic_load(&out_of_order), 0);
    stop(a);
    stop(b);
}

enum { CHANGERS = 4, CHANGES = 50 };

static void *change(void *ud)
{
    _Atomic unsigned *failed = ud;

    for (int i = 0; i < CHANGES; i++) {
        atomic_fetch_add(&changes, 1);
        if (JOBS_ADD(&fixture, .kind = "test.see", .unique_key = "all") < 0)
            atomic_fetch_add(failed, 1);
    }
    return NULL;
}

/* However the adding and the running fall together. */
static void the_last_change_is_never_missed(void **state)
{
    struct jobs *a = start(2), *b = start(2);
    pthread_t threads[CHANGERS];
    _Atomic unsigned failed = 0;

    (void)state;
    atomic_store(&changes, 0);
    atomic_store(&seen, 0);
    for (int i = 0; i < CHANGERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, change, &failed), 0);
    for (int i = 0; i < CHANGERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(failed, 0);
    /* In one statement: between two of them the last one may go from waiting to running, and be in neither. */
    for (int i = 0;
         i < PATIENCE_MS / 2 &&
         JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs WHERE state IN ('waiting', 'running')") > 0;
         i++)
        nap();
    assert_int_equal(atomic_load(&seen), CHANGERS * CHANGES);
    assert_true(in_state("done") < CHANGERS * CHANGES);
    stop(a);
    stop(b);
}

static void what_a_server_took_along_another_runs(void **state)
{
    struct jobs *gone =
        jobs_fixture_engine(&fixture, &(struct jobs_options){ .workers = 4, .poll_us = 20 * CLOCK_MS });

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(kinds); i++)
        assert_int_equal(jobs_register(gone, &kinds[i]), 0);
    add_many("test.once", 200);
    /* Its rows as they are after a crash: leased, by nobody who lives. */
    assert_int_equal(JOBS_EXEC(&fixture,
                               "UPDATE dowel_jobs SET state = 'running', server = 'gone', attempts = 1,"
                               " lease = 1, started_at = $1, lease_until = $2",
                               (dw_time){ fixture.now_us }, (dw_time){ fixture.now_us + 30 * CLOCK_SECOND }),
                     200);
    jobs_destroy(gone);
    struct jobs *j = start(4);
    for (int i = 0; i < 50; i++)
        nap();
    assert_int_equal(in_state("running"), 200);
    atomic_fetch_add(&fixture.now_us, 31 * CLOCK_SECOND);
    wait_for_state("done", 200);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM effects"), 200);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs WHERE attempts = 2"), 200);
    assert_int_equal(
        JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_job_failures WHERE error LIKE '%gone%'"), 200);
    stop(j);
}

/* ---- who died in the same data folder ---- */

static bool is_there(const char *file)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/servers/%s", fixture.db.folder, file);
    return access(path, F_OK) == 0;
}

static void lease_all_to(const char *server)
{
    assert_true(JOBS_EXEC(&fixture,
                          "UPDATE dowel_jobs SET state = 'running', server = $3, attempts = 1, lease = 1,"
                          " started_at = $1, lease_until = $2",
                          (dw_time){ fixture.now_us }, (dw_time){ fixture.now_us + 30 * CLOCK_SECOND },
                          server) > 0);
}

/* The clock stands still: no lease ends by time. One that drains keeps what it has. */
static void what_died_in_the_same_folder_is_taken_up_at_once(void **state)
{
    struct presence gone;

    (void)state;
    assert_int_equal(presence_begin(&gone, fixture.db.folder, "host:1:gone", "gone"), 0);
    add_many("test.once", 250);
    lease_all_to("host:1:gone");
    struct jobs *j = start_in(fixture.db.folder, 4);
    for (int i = 0; i < 50; i++)
        nap();
    assert_int_equal(in_state("running"), 250);

    presence_end(&gone, false);
    wait_for_state("done", 250);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM effects"), 250);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs WHERE attempts = 2"), 250);
    assert_int_equal(JOBS_NUMBER(&fixture,
                                 "SELECT count(*) FROM dowel_job_failures WHERE attempt = 1 AND error"
                                 " = 'the server host:1:gone ended while it ran'"),
                     250);
    for (int i = 0; i < PATIENCE_MS / 2 && is_there("gone"); i++)
        nap();
    assert_false(is_there("gone"));
    stop(j);
}

/* Of another folder nothing is known but that its leases end. */
static void what_died_elsewhere_keeps_its_lease(void **state)
{
    struct jobs *j = start_in(fixture.db.folder, 2);

    (void)state;
    add_many("test.hold", 1);
    wait_for(&begun, 1);
    assert_int_equal(JOBS_EXEC(&fixture, "UPDATE dowel_jobs SET lease = lease + 1, server = 'host:1:gone'"),
                     1);
    for (int i = 0; i < 50; i++)
        nap();
    assert_int_equal(in_state("running"), 1);
    stop(j);
    assert_int_equal(in_state("running"), 1);
}

/* Should it be taken for dead, by whatever mistake. */
static void who_is_taken_for_dead_commits_nothing(void **state)
{
    struct jobs *j = start(1);
    struct presence wrong;
    char server[PRESENCE_SERVER_SIZE] = "";

    (void)state;
    atomic_store(&minds, false);
    add_many("test.hold", 1);
    wait_for(&begun, 1);
    jobs_fixture_text(&fixture, server, sizeof(server), "SELECT server FROM dowel_jobs");
    assert_int_equal(presence_begin(&wrong, fixture.db.folder, server, "wrong"), 0);
    presence_end(&wrong, false);
    jobs_drain(j);
    struct jobs *other = start_in(fixture.db.folder, 1);
    wait_for(&begun, 2);
    atomic_store(&may_end, true);
    wait_for(&ended, 2);
    wait_for_state("done", 1);
    stop(j);
    stop(other);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM effects"), 0);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT lease FROM dowel_jobs"), 3);
}

/* Who adds a unique one once more holds the row until he commits, and longer than one look takes. */
static void what_somebody_holds_of_a_dead_one_comes_later(void **state)
{
    const struct db_who who = { .owner = "core", .now_us = fixture.now_us };
    const struct job_new again = { .kind = "test.quick", .unique_key = "k", .now_us = fixture.now_us };
    struct presence gone;
    struct db_session *s;

    (void)state;
    assert_int_equal(presence_begin(&gone, fixture.db.folder, "host:1:gone", "gone"), 0);
    assert_int_equal(jobs_fixture_add(&fixture, &again), 1);
    lease_all_to("host:1:gone");
    presence_end(&gone, false);
    assert_int_equal(db_session_create(&s, fixture.db.db, &who), 0);
    assert_int_equal(db_begin(s), 0);
    assert_int_equal(job_add(s, &again), 1);
    struct jobs *j = start_in(fixture.db.folder, 1);
    for (int i = 0; i < 50; i++)
        nap();
    assert_true(is_there("gone"));
    assert_int_equal(in_state("running"), 1);
    assert_int_equal(db_commit(s), 0);
    db_session_destroy(s);
    wait_for_state("done", 2);
    stop(j);
}

static void who_lost_his_lease_commits_nothing(void **state)
{
    struct jobs *j = start(2);

    (void)state;
    atomic_store(&minds, false);
    add_many("test.hold", 1);
    wait_for(&begun, 1);
    /* Another took it. */
    assert_int_equal(JOBS_EXEC(&fixture, "UPDATE dowel_jobs SET lease = lease + 1, server = 'another'"), 1);
    for (int i = 0; i < 50; i++)
        nap();
    atomic_store(&may_end, true);
    wait_for(&ended, 1);
    stop(j);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM effects"), 0);
    assert_int_equal(in_state("running"), 1);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT lease FROM dowel_jobs"), 2);
}

static void a_lease_is_renewed_while_it_runs(void **state)
{
    struct jobs *j = start(2);

    (void)state;
    add_many("test.hold", 1);
    wait_for(&begun, 1);
    for (int i = 0; i < 5; i++) {
        atomic_fetch_add(&fixture.now_us, 40 * CLOCK_SECOND);
        for (int k = 0; k < PATIENCE_MS / 2; k++) {
            if (JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs WHERE lease_until > $1",
                            (dw_time){ fixture.now_us + 30 * CLOCK_SECOND }) == 1)
                break;
            nap();
        }
    }
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT lease FROM dowel_jobs"), 1);
    for (int k = 0; k < PATIENCE_MS / 2; k++) { /* it is told in a statement of its own */
        if (JOBS_NUMBER(&fixture, "SELECT coalesce(progress_total, 0) FROM dowel_jobs") == PATIENCE_MS / 2)
            break;
        nap();
    }
    assert_true(JOBS_NUMBER(&fixture, "SELECT progress_total FROM dowel_jobs") == PATIENCE_MS / 2);
    atomic_store(&may_end, true);
    wait_for_state("done", 1);
    assert_int_equal(atomic_load(&begun), 1);
    stop(j);
}

/* Who adds a unique one holds the row of the one that runs, until he commits. */
static void a_row_that_somebody_holds_is_written_later(void **state)
{
    const struct db_who who = { .owner = "core", .now_us = fixture.now_us };
    const struct job_new again = { .kind = "test.hold", .unique_key = "k", .now_us = fixture.now_us };
    struct jobs *j = start(2);
    struct db_session *s;

    (void)state;
    assert_int_equal(jobs_fixture_add(&fixture, &again), 1);
    wait_for(&begun, 1);
    assert_int_equal(db_session_create(&s, fixture.db.db, &who), 0);
    assert_int_equal(db_begin(s), 0);
    assert_int_equal(job_add(s, &again), 1);
    atomic_store(&may_end, true);
    wait_for(&ended, 1);
    for (int i = 0; i < 100; i++)
        nap();
    assert_int_equal(in_state("running"), 1);
    assert_int_equal(db_commit(s), 0);
    db_session_destroy(s);
    wait_for_state("done", 2);
    assert_int_equal(atomic_load(&begun), 2);
    stop(j);
}

static void past_its_time_it_is_cancelled(void **state)
{
    struct jobs *j = start(2);

    (void)state;
    add_many("test.short", 1);
    wait_for(&ended, 1);
    wait_for_state("waiting", 1);
    assert_int_equal(
        JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs WHERE error = 'its time was over'"), 1);
    stop(j);
}

static void cancelled_from_anywhere_it_ends(void **state)
{
    struct jobs *j = start(2);

    (void)state;
    assert_int_equal(JOBS_ADD(&fixture, .kind = "test.hold", .unique_key = "k"), 1);
    wait_for(&begun, 1);
    /* As another server does, whose notice is lost. */
    assert_int_equal(JOBS_EXEC(&fixture, "UPDATE dowel_jobs SET cancel = TRUE"), 1);
    wait_for_state("cancelled", 1);
    assert_int_equal(atomic_load(&ended), 1);
    stop(j);
}

static void a_kind_has_threads_of_its_own(void **state)
{
    struct jobs *j = start(1);

    (void)state;
    add_many("test.apart", 5);
    wait_for(&begun, 3);
    add_many("test.quick", 1); /* is not held up */
    wait_for(&ended, 1);
    assert_int_equal(atomic_load(&begun), 3);
    atomic_store(&may_end, true);
    wait_for_state("done", 6);
    stop(j);
}

static void a_paused_kind_waits(void **state)
{
    struct jobs *j = start(2);
    int64_t added = 1;

    (void)state;
    add_many("test.quick", 1);
    wait_for_state("done", 1);
    assert_int_equal(
        JOBS_EXEC(&fixture, "UPDATE dowel_job_kinds SET paused = TRUE WHERE kind = 'test.quick'"), 1);
    /* The engine looks now and then: what is added before it has seen it may run yet. */
    for (int tries = 0; tries < 100 && in_state("waiting") == 0; tries++) {
        wait_for_state("done", added++);
        add_many("test.quick", 1);
        for (int i = 0; i < 50; i++)
            nap();
    }
    assert_int_equal(in_state("waiting"), 1);
    assert_int_equal(JOBS_EXEC(&fixture, "UPDATE dowel_job_kinds SET paused = FALSE"),
                     (int)DW_COUNT_OF(kinds));
    wait_for_state("done", added);
    stop(j);
}

static void stopping_it_gives_back_what_it_has(void **state)
{
    struct jobs *j = start(2);

    (void)state;
    add_many("test.hold", 10);
    wait_for(&begun, 2);
    assert_true(jobs_stop(j, 10 * CLOCK_MS));
    jobs_destroy(j);
    assert_int_equal(in_state("waiting"), 10);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT max(attempts) FROM dowel_jobs"), 0);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_job_failures"), 0);
}

static void stopping_it_waits_for_what_runs(void **state)
{
    struct jobs *j = start(2);

    (void)state;
    add_many("test.hold", 2);
    wait_for(&begun, 2);
    jobs_drain(j);
    add_many("test.quick", 1);
    for (int i = 0; i < 25; i++)
        nap();
    assert_false(jobs_are_idle(j));
    atomic_store(&may_end, true);
    stop(j);
    assert_int_equal(in_state("done"), 2);
    assert_int_equal(in_state("waiting"), 1);
}

static void one_that_does_not_return_loses_its_lease(void **state)
{
    struct jobs *j = start(1);

    (void)state;
    atomic_store(&minds, false);
    add_many("test.hold", 1);
    wait_for(&begun, 1);
    assert_false(jobs_stop(j, 10 * CLOCK_MS));
    assert_int_equal(in_state("waiting"), 1);
    atomic_store(&may_end, true);
    wait_for(&ended, 1);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM effects"), 0);
    for (int i = 0; i < PATIENCE_MS / 2 && !jobs_stop(j, 0); i++)
        nap();
    jobs_destroy(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_engines_run_each_job_once, setup, teardown),
        cmocka_unit_test_setup_teardown(lost_connections_lose_no_job_and_do_none_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_queue_one_runs_at_a_time_on_all_servers, setup, teardown),
        cmocka_unit_test_setup_teardown(the_last_change_is_never_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_server_took_along_another_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(what_died_in_the_same_folder_is_taken_up_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_died_elsewhere_keeps_its_lease, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_taken_for_dead_commits_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_somebody_holds_of_a_dead_one_comes_later, setup, teardown),
        cmocka_unit_test_setup_teardown(who_lost_his_lease_commits_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lease_is_renewed_while_it_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_that_somebody_holds_is_written_later, setup, teardown),
        cmocka_unit_test_setup_teardown(past_its_time_it_is_cancelled, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelled_from_anywhere_it_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(a_kind_has_threads_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(a_paused_kind_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_it_gives_back_what_it_has, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_it_waits_for_what_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_does_not_return_loses_its_lease, setup, teardown),
    };

    return DB_ON_EVERY_ENGINE("jobs_workers", tests);
}
