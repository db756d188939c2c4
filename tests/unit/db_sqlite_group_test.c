/* Group commit: what waits together commits together, and one member's failure costs the others nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "db_session.h"
#include "metrics/metrics.h"
#include "util/clock.h"

enum { MEMBERS = 8, CULPRIT = 3, GROUP_AGE_US = 20 * CLOCK_MS /* as in sqlite_writer.c */ };
enum { STOPPED_US = 2 * CLOCK_SECOND }; /* until then all of them have to wait for their turn */

static struct db_fixture fixture;
static struct db_session *s;
static struct metric *commits, *waiting;

static const char tables[] =
    "CREATE TABLE done (id BIGINT PRIMARY KEY, turn INTEGER, raw BLOB);"
    "CREATE TABLE walled (tenant_id UUID NOT NULL, id BIGINT, PRIMARY KEY (tenant_id, id));"
    "CREATE TABLE late (id BIGINT PRIMARY KEY, "
    "done BIGINT REFERENCES done (id) DEFERRABLE INITIALLY DEFERRED);";

static int setup(void **state)
{
    (void)state;
    db_fixture_engine = DB_SQLITE;
    if (db_fixture_open(&fixture) != 0 || db_fixture_script(&fixture, tables) != 0 ||
        db_fixture_wall(&fixture, "walled") != 0)
        return -1;
    s = db_session_system(&fixture);
    commits = metrics_counter("dowel_db_commits_total", "", "engine=\"sqlite\"");
    waiting = metrics_gauge("dowel_db_writers_waiting", "", "engine=\"sqlite\"");
    return commits && waiting ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    db_session_destroy(s);
    db_fixture_close(&fixture);
    return 0;
}

static void wait_until_waiting(int64_t n)
{
    int64_t limit = clock_monotonic_us() + 20 * (int64_t)CLOCK_SECOND;

    while (metric_value(waiting) != n) {
        if (clock_monotonic_us() > limit)
            fail_msg("%d wait where %d should", (int)metric_value(waiting), (int)n);
        usleep(500);
    }
}

/* ---- members ---- */

/* What a member does in its transaction before it commits: 0 and more, or the failure. */
typedef int64_t work_fn(struct db_session *mine, int id);

struct member {
    pthread_t thread;
    int id;
    const char *tenant; /* NULL: of the system */
    work_fn *work;
    bool is_single; /* its work is one statement, without db_begin() */
    int64_t deadline_us;
    int64_t rc;
    unsigned attempts;
    char text[256];
    struct db_session *session; /* the first attempt's */
};

static _Atomic int turns;

static int64_t insert(struct db_session *mine, int id)
{
    return TRY_EXEC(mine, "INSERT INTO done (id, turn) VALUES ($1, $2)", id, atomic_fetch_add(&turns, 1));
}

static int64_t attempt(struct member *m)
{
    const struct db_who who = { .owner = "tests",
                                .is_system = !m->tenant,
                                .tenant = m->tenant,
                                .is_repeat = m->attempts > 0,
                                .deadline_us = m->deadline_us };
    struct db_session *mine;

    m->attempts++;
    if (db_session_create(&mine, fixture.db, &who) != 0)
        return DW_ENOMEM;
    int64_t rc = m->is_single ? 0 : db_begin(mine);
    if (rc >= 0)
        rc = m->work(mine, m->id);
    if (rc >= 0 && !m->is_single)
        rc = db_commit(mine);
    else
        db_rollback(mine);
    if (m->is_single && rc > 0)
        rc = 0;
    snprintf(m->text, sizeof(m->text), "%s", rc < 0 ? db_error_of(mine)->text : "");
    if (rc < 0 && db_wants_repeat(mine))
        rc = -1000;
    db_session_destroy(mine);
    return rc;
}

static void *run_member(void *ud)
{
    struct member *m = ud;

    do
        m->rc = attempt(m);
    while (m->rc == -1000 && m->attempts < 10);
    return NULL;
}

static int64_t group_us;         /* that it took */
static _Atomic int64_t began_us; /* when the first of it was done */

/* A group that is old takes nobody more: on a busy machine it may have been more than one. */
static void assert_commits_since(int64_t before, int64_t n)
{
    int64_t made = metric_value(commits) - before;

    assert_true(made >= n);
    if (group_us < GROUP_AGE_US)
        assert_int_equal(made, n);
}

/* All of them wait for the turn of `s`, in order; then it commits, as the first of the group. */
static void run_group(struct member *members, int n)
{
    atomic_store(&turns, 0);
    OK(s, db_begin(s));
    EXEC(s, "INSERT INTO done (id) VALUES (1000)");
    for (int i = 0; i < n; i++) {
        members[i].id = i;
        assert_int_equal(pthread_create(&members[i].thread, NULL, run_member, &members[i]), 0);
        wait_until_waiting(i + 1);
    }
    atomic_store(&began_us, clock_monotonic_us());
    int rc = db_commit(s);
    for (int i = 0; i < n; i++)
        pthread_join(members[i].thread, NULL);
    group_us = clock_monotonic_us() - atomic_load(&began_us);
    if (rc != 0) {
        assert_true(db_wants_repeat(s));
        EXEC(s, "INSERT INTO done (id) VALUES (1000)");
    }
}

/* The seven are there once, the culprit's row is not; all that is there can be read again after a restart. */
static void assert_others_committed(struct member *members)
{
    for (int i = 0; i < MEMBERS; i++) {
        if (i != CULPRIT && members[i].rc != 0)
            fail_msg("member %d: %d: %s", i, (int)members[i].rc, members[i].text);
    }
    for (int again = 0; again < 2; again++) {
        assert_int_equal(NUMBER(s, "SELECT count(*) FROM done"), MEMBERS);
        assert_int_equal(NUMBER(s, "SELECT count(*) FROM done WHERE id = $1", CULPRIT), 0);
        db_session_destroy(s);
        db_close(fixture.db);
        struct buf why = BUF_INIT;
        assert_int_equal(db_open(&fixture.db, &(struct db_options){ .url = fixture.url }, &why), 0);
        s = db_session_system(&fixture);
    }
}

static void run_with_culprit(struct member *members, work_fn *work)
{
    for (int i = 0; i < MEMBERS; i++)
        members[i] = (struct member){ .work = i == CULPRIT ? work : insert };
    run_group(members, MEMBERS);
}

/* ---- the good case ---- */

static void nine_transactions_are_one_commit(void **state)
{
    struct member members[MEMBERS];
    int64_t before = metric_value(commits);

    (void)state;
    run_with_culprit(members, insert);
    for (int i = 0; i < MEMBERS; i++) {
        assert_int_equal(members[i].rc, 0);
        assert_int_equal(members[i].attempts, 1);
    }
    assert_commits_since(before, 1);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM done"), MEMBERS + 1);
}

static void turns_come_in_order(void **state)
{
    struct member members[MEMBERS];

    (void)state;
    run_with_culprit(members, insert);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM done WHERE id = turn"), MEMBERS);
}

static int64_t insert_walled(struct db_session *mine, int id)
{
    return TRY_EXEC(mine, "INSERT INTO walled (tenant_id, id) VALUES (:tenant, $1)", id);
}

/* Each sees its own tenant, on one connection in one transaction. */
static int64_t count_walled(struct db_session *mine, int id)
{
    int64_t n = -1;
    int64_t rc = insert_walled(mine, id);

    if (rc >= 0)
        rc = TRY_FIND(mine, DW_TO(&n), "SELECT count(*) FROM walled");
    return rc < 0 ? rc : n == id / 2 + 1 ? 0 : DW_EINTERNAL;
}

static void tenants_share_a_commit_and_nothing_else(void **state)
{
    struct member members[MEMBERS];
    int64_t before = metric_value(commits);

    (void)state;
    for (int i = 0; i < MEMBERS; i++)
        members[i] = (struct member){ .work = count_walled, .tenant = i % 2 ? TENANT_A : TENANT_B };
    run_group(members, MEMBERS);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(members[i].rc, 0);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM walled"), MEMBERS);
    /* The system's connection is another one: its commit is its own. */
    assert_commits_since(before, 2);
}

/* ---- one fails ---- */

static int64_t break_a_rule(struct db_session *mine, int id)
{
    int64_t rc = insert(mine, id);

    return rc < 0 ? rc : TRY_EXEC(mine, "INSERT INTO done (id) VALUES (1000)");
}

static void a_broken_rule_is_its_members_alone(void **state)
{
    struct member members[MEMBERS];
    int64_t before = metric_value(commits);

    (void)state;
    run_with_culprit(members, break_a_rule);
    assert_int_equal(members[CULPRIT].rc, DW_ECONFLICT);
    assert_commits_since(before, 1);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(members[i].attempts, 1);
    assert_others_committed(members);
}

static int64_t change_its_mind(struct db_session *mine, int id)
{
    int64_t rc = insert(mine, id);

    return rc < 0 ? rc : DW_EDENIED;
}

static void an_error_of_its_own_is_its_members_alone(void **state)
{
    struct member members[MEMBERS];

    (void)state;
    run_with_culprit(members, change_its_mind);
    assert_int_equal(members[CULPRIT].rc, DW_EDENIED);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(members[i].attempts, 1);
    assert_others_committed(members);
}

static int64_t change_its_mind_if_last(struct db_session *mine, int id)
{
    int64_t rc = insert(mine, id);

    return rc < 0 ? rc : id == MEMBERS - 1 ? DW_EDENIED : 0;
}

static void the_last_commits_for_the_others(void **state)
{
    struct member members[MEMBERS];
    int64_t before = metric_value(commits);

    (void)state;
    for (int i = 0; i < MEMBERS; i++)
        members[i] = (struct member){ .work = change_its_mind_if_last };
    run_group(members, MEMBERS);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(members[i].rc, i == MEMBERS - 1 ? DW_EDENIED : 0);
    assert_commits_since(before, 1);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM done"), MEMBERS);
}

static _Atomic int64_t came_after_us;

/* An interrupted write ends the whole transaction: those before it repeat. */
static int64_t take_too_long(struct db_session *mine, int id)
{
    atomic_store(&came_after_us, clock_monotonic_us() - atomic_load(&began_us));
    int64_t rc = insert(mine, id);

    return rc < 0 ? rc
                  : TRY_EXEC(mine, "WITH RECURSIVE c(n) AS (SELECT 2000 UNION ALL SELECT n + 1 FROM c WHERE "
                                   "n < 1000000000) "
                                   "INSERT INTO done (id) SELECT n FROM c");
}

static void a_member_that_is_stopped_spoils_nothing(void **state)
{
    struct member members[MEMBERS];

    (void)state;
    for (int i = 0; i < MEMBERS; i++)
        members[i] = (struct member){ .work = i == CULPRIT ? take_too_long : insert };
    members[CULPRIT].deadline_us = clock_monotonic_us() + STOPPED_US;
    run_group(members, MEMBERS);
    assert_int_equal(members[CULPRIT].rc, DW_ECANCELLED);
    /* Where it came so late that the group was old, those before it had committed already. */
    bool in_time = atomic_load(&came_after_us) < GROUP_AGE_US;
    for (int i = 0; i < MEMBERS; i++)
        assert_in_range(members[i].attempts, i < CULPRIT && in_time ? 2 : 1, i < CULPRIT ? 2 : 1);
    assert_others_committed(members);
}

static int64_t fill_the_disk(struct db_session *mine, int id)
{
    enum { SIZE = 4 << 20 };
    char *bytes = calloc(1, SIZE);
    int64_t rc = bytes ? insert(mine, id) : DW_ENOMEM;

    if (rc >= 0)
        rc = TRY_EXEC(mine, "UPDATE done SET raw = $2 WHERE id = $1", id, ((dw_bytes){ bytes, SIZE }));
    free(bytes);
    return rc;
}

static void limit_pages(int pages)
{
    struct db_session *admin = db_session_of(
        &fixture, &(struct db_who){ .owner = "tests", .is_system = true, .is_unguarded = true });
    char pragma[64];

    snprintf(pragma, sizeof(pragma), "PRAGMA max_page_count = %d", pages);
    OK(admin, db_exec(admin, DB_BY_CORE, DW_LIST((const char *)pragma)));
    db_session_destroy(admin);
}

static void a_full_disk_is_its_members_alone(void **state)
{
    struct member members[MEMBERS];

    (void)state;
    limit_pages(200);
    run_with_culprit(members, fill_the_disk);
    assert_int_equal(members[CULPRIT].rc, DW_EUNAVAILABLE);
    assert_non_null(strstr(members[CULPRIT].text, "full"));
    assert_others_committed(members);
}

/* Migrations may not make such a constraint; should there be one, it fails the commit of all. */
static int64_t break_a_rule_late(struct db_session *mine, int id)
{
    int64_t rc = insert(mine, id);

    return rc < 0 ? rc : TRY_EXEC(mine, "INSERT INTO late (id, done) VALUES (1, 12345)");
}

static void a_commit_that_fails_is_its_members_alone(void **state)
{
    struct member members[MEMBERS];

    (void)state;
    run_with_culprit(members, break_a_rule_late);
    assert_int_equal(members[CULPRIT].rc, DW_ECONFLICT);
    for (int i = 0; i < MEMBERS; i++) {
        assert_in_range(members[i].attempts, 1, 2);
        if (group_us < GROUP_AGE_US)
            assert_int_equal(members[i].attempts, 2);
    }
    assert_others_committed(members);
}

/* ---- single statements: whoever has the turn carries out those that wait ---- */

/* What its own statement returned, and not what a neighbour's did. */
static int64_t insert_and_look(struct db_session *mine, int id)
{
    int64_t seen = -1;
    int64_t rc = TRY_FIND(mine, DW_TO(&seen), "INSERT INTO done (id, turn) VALUES ($1, $1) RETURNING id", id);

    return rc < 0 ? rc : seen == id ? 0 : DW_EINTERNAL;
}

static int64_t insert_what_is_there(struct db_session *mine, int id)
{
    (void)id;
    return TRY_EXEC(mine, "INSERT INTO done (id) VALUES (1000)");
}

static int64_t insert_for_ever(struct db_session *mine, int id)
{
    (void)id;
    return TRY_EXEC(mine,
                    "WITH RECURSIVE c(n) AS (SELECT 2000 UNION ALL SELECT n + 1 FROM c WHERE n < 1000000000) "
                    "INSERT INTO done (id) SELECT n FROM c");
}

static int64_t insert_much(struct db_session *mine, int id)
{
    return TRY_EXEC(mine, "INSERT INTO done (id, raw) VALUES ($1, zeroblob(4000000))", id);
}

static int64_t insert_late(struct db_session *mine, int id)
{
    (void)id;
    return TRY_EXEC(mine, "INSERT INTO late (id, done) VALUES (1, 12345)");
}

/* mixed: every other one is a transaction, through whose thread the turn goes. */
static void run_singles_with_culprit(struct member *members, work_fn *work, bool mixed)
{
    for (int i = 0; i < MEMBERS; i++)
        members[i] = (struct member){ .work = i == CULPRIT ? work : insert_and_look,
                                      .is_single = !mixed || i % 2 == CULPRIT % 2 };
    if (work == insert_for_ever)
        members[CULPRIT].deadline_us = clock_monotonic_us() + STOPPED_US;
    run_group(members, MEMBERS);
}

static void singles_share_a_commit(void **state)
{
    struct member members[MEMBERS];
    int64_t before = metric_value(commits);

    (void)state;
    for (int mixed = 0; mixed < 2; mixed++) {
        run_singles_with_culprit(members, insert_and_look, mixed);
        for (int i = 0; i < MEMBERS; i++)
            assert_int_equal(members[i].rc, 0);
        assert_commits_since(before, 1);
        assert_int_equal(NUMBER(s, "SELECT count(*) FROM done"), MEMBERS + 1);
        EXEC(s, "DELETE FROM done");
        before = metric_value(commits);
    }
}

static void a_single_that_fails_fails_alone(void **state)
{
    static const struct {
        work_fn *work;
        int64_t rc;
    } culprits[] = {
        { insert_what_is_there, DW_ECONFLICT },
        { insert_for_ever, DW_ECANCELLED }, /* ends the transaction of all: those before it repeat */
        { insert_late, DW_ECONFLICT },      /* fails the commit of all */
        { insert_much, DW_EUNAVAILABLE },   /* the disk is full */
    };
    struct member members[MEMBERS];

    (void)state;
    for (size_t i = 0; i < 2 * DW_COUNT_OF(culprits); i++) {
        const int64_t before = metric_value(commits);
        work_fn *work = culprits[i / 2].work;
        if (work == insert_much)
            limit_pages(200);
        run_singles_with_culprit(members, work, i % 2);
        assert_int_equal(members[CULPRIT].rc, culprits[i / 2].rc);
        if (work == insert_what_is_there)
            assert_commits_since(before, 1);
        assert_others_committed(members);
        EXEC(s, "DELETE FROM done");
    }
}

struct single {
    pthread_t thread;
    int id;
    int64_t rc;
};

static void *insert_alone(void *ud)
{
    struct single *single = ud;
    struct db_session *mine = db_session_system(&fixture);

    single->rc = TRY_EXEC(mine, "INSERT INTO done (id) VALUES ($1)", single->id);
    db_session_destroy(mine);
    return NULL;
}

static void single_statements_repeat_by_themselves(void **state)
{
    struct single singles[MEMBERS];
    struct member culprit = { .work = take_too_long, .deadline_us = clock_monotonic_us() + STOPPED_US };

    (void)state;
    OK(s, db_begin(s));
    for (int i = 0; i < MEMBERS; i++) {
        singles[i] = (struct single){ .id = i };
        assert_int_equal(pthread_create(&singles[i].thread, NULL, insert_alone, &singles[i]), 0);
        wait_until_waiting(i + 1);
    }
    culprit.id = 500;
    assert_int_equal(pthread_create(&culprit.thread, NULL, run_member, &culprit), 0);
    wait_until_waiting(MEMBERS + 1);
    OK(s, db_rollback(s));
    for (int i = 0; i < MEMBERS; i++) {
        pthread_join(singles[i].thread, NULL);
        assert_int_equal(singles[i].rc, 1);
    }
    pthread_join(culprit.thread, NULL);
    assert_int_equal(culprit.rc, DW_ECANCELLED);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM done"), MEMBERS);
}

/* ---- waiting ---- */

static void who_waits_can_be_cancelled(void **state)
{
    struct member waits = { .work = insert, .deadline_us = clock_monotonic_us() + 300 * CLOCK_MS };

    (void)state;
    OK(s, db_begin(s));
    assert_int_equal(pthread_create(&waits.thread, NULL, run_member, &waits), 0);
    pthread_join(waits.thread, NULL);
    assert_int_equal(waits.rc, DW_ECANCELLED);
    assert_int_equal(metric_value(waiting), 0);
    OK(s, db_commit(s));
}

struct waiter {
    struct db_session *session;
    int rc;
};

static void *begin_in_thread(void *ud)
{
    struct waiter *w = ud;

    w->rc = db_begin(w->session);
    return NULL;
}

static void a_cancelled_wait_ends_at_once(void **state)
{
    struct waiter w = { .session = db_session_system(&fixture) };
    int64_t began = clock_monotonic_us();
    pthread_t thread;

    (void)state;
    OK(s, db_begin(s));
    assert_int_equal(pthread_create(&thread, NULL, begin_in_thread, &w), 0);
    wait_until_waiting(1);
    db_session_cancel(w.session);
    pthread_join(thread, NULL);
    assert_int_equal(w.rc, DW_ECANCELLED);
    assert_in_range(clock_monotonic_us() - began, 0, 15 * CLOCK_SECOND); /* not the statement's 30 s */
    db_session_destroy(w.session);
    OK(s, db_commit(s));
    EXEC(s, "INSERT INTO done (id) VALUES (1)");
}

/* ---- all at once ---- */

enum { CLIENTS = 8, ROUNDS = 60 };

struct client {
    pthread_t thread;
    int id, wanted, wrong;
};

/* Every seventh breaks a rule, every eleventh changes its mind, every thirteenth is stopped in the middle of a write. */
static int64_t work_of_round(struct db_session *mine, int id)
{
    int round = id % 1000;

    if (round % 13 == 12)
        return take_too_long(mine, id);
    if (round % 7 == 6)
        return break_a_rule(mine, id);
    return round % 11 == 10 ? change_its_mind(mine, id) : insert(mine, id);
}

static void *run_client(void *ud)
{
    struct client *c = ud;

    for (int round = 0; round < ROUNDS; round++) {
        struct member m = { .id = c->id * 1000 + round + 10000, .work = work_of_round };
        bool must_fail = round % 13 == 12 || round % 7 == 6 || round % 11 == 10;
        if (round % 13 == 12)
            m.deadline_us = clock_monotonic_us() + 20 * CLOCK_MS;
        if (!must_fail && round % 3 == 0) {
            m.work = insert_and_look;
            m.is_single = true;
        }
        run_member(&m);
        c->wanted += !must_fail;
        c->wrong += must_fail != (m.rc < 0);
        if (must_fail != (m.rc < 0))
            fprintf(stderr, "client %d round %d: %d: %s\n", c->id, round, (int)m.rc, m.text);
    }
    return NULL;
}

static void every_success_is_there_once(void **state)
{
    struct client clients[CLIENTS];
    int wanted = 0;

    (void)state;
    EXEC(s, "INSERT INTO done (id) VALUES (1000)");
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){ .id = i };
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(clients[i].wrong, 0);
        wanted += clients[i].wanted;
    }
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM done WHERE id >= 10000"), wanted);
}

/* ---- turns that come while they are asked for ---- */

enum { SMALL = 1500 };

static void *run_small(void *ud)
{
    struct client *c = ud;

    for (int i = 0; i < SMALL; i++) {
        struct member m = { .id = c->id * SMALL + i + 10000, .work = insert };
        run_member(&m);
        c->wrong += m.rc != 0 || m.attempts != 1;
    }
    return NULL;
}

/* None is told before the commit, and none twice: what one is woken for must not be taken for another. */
static void nobody_is_told_too_early(void **state)
{
    struct client clients[CLIENTS];

    (void)state;
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){ .id = i };
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_small, &clients[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(clients[i].wrong, 0);
    }
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM done WHERE id >= 10000"), CLIENTS * SMALL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nine_transactions_are_one_commit),
        TEST(turns_come_in_order),
        TEST(tenants_share_a_commit_and_nothing_else),
        TEST(a_broken_rule_is_its_members_alone),
        TEST(an_error_of_its_own_is_its_members_alone),
        TEST(the_last_commits_for_the_others),
        TEST(a_member_that_is_stopped_spoils_nothing),
        TEST(a_full_disk_is_its_members_alone),
        TEST(a_commit_that_fails_is_its_members_alone),
        TEST(singles_share_a_commit),
        TEST(a_single_that_fails_fails_alone),
        TEST(single_statements_repeat_by_themselves),
        TEST(who_waits_can_be_cancelled),
        TEST(a_cancelled_wait_ends_at_once),
        TEST(every_success_is_there_once),
        TEST(nobody_is_told_too_early),
    };
    return cmocka_run_group_tests_name("db_sqlite_group", tests, NULL, NULL);
}
