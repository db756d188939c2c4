/* The driver of PostgreSQL when things go away: the server, a connection, time, a lock, notices. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "db_postgres_rig.h"

/* ---- connections ---- */

static void a_restart_is_survived(void **state)
{
    struct db_session *s = db_session_tenant(&f, TENANT_A);

    (void)state;
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    restart_server();
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    OK(s, db_begin(s));
    OK(s, TRY_EXEC(s, "UPDATE notes SET hits = 0"));
    restart_server();
    assert_int_equal(TRY_EXEC(s, "UPDATE notes SET hits = 0"), DW_EUNAVAILABLE);
    assert_true(db_wants_repeat(s));
    assert_int_equal(TRY_EXEC(s, "UPDATE notes SET hits = 0"), DW_ETX);
    db_rollback(s);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes WHERE hits = 0"), 0);
    db_session_destroy(s);
}

static void while_it_is_away_that_is_said(void **state)
{
    struct buf why = BUF_INIT;

    (void)state;
    assert_int_equal(run("stop", ""), 0);
    struct db_session *s =
        as_who((struct db_who){ .tenant = TENANT_A, .deadline_us = clock_monotonic_us() + 400 * CLOCK_MS });
    int64_t before = clock_monotonic_us();
    const char *said = ROWS(s, "SELECT 1");
    assert_contains(said, "!-10 PostgreSQL at postgres://dowel@");
    assert_true(clock_monotonic_us() - before < 4 * CLOCK_SECOND);
    assert_int_equal(db_ping(f.db, &why), -1);
    assert_contains(buf_text(&why), "cannot be reached");
    assert_int_equal(run("start", "--careless"), 0);
    db_session_destroy(s);
    s = db_session_tenant(&f, TENANT_A);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10); /* waits for the back-off, no longer */
    assert_int_equal(db_ping(f.db, &why), 0);
    db_session_destroy(s);
    buf_finish(&why);
}

static void a_cut_connection_is_replaced(void **state)
{
    struct db_session *s = db_session_tenant(&f, TENANT_A);

    (void)state;
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    cut_all();
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    OK(s, db_begin(s));
    cut_all(); /* before BEGIN was sent: nothing is lost, and the first statement says so */
    int64_t rc = TRY_EXEC(s, "UPDATE notes SET hits = 0");
    assert_true(rc == DW_EUNAVAILABLE && db_wants_repeat(s));
    db_rollback(s);
    OK(s, db_begin(s));
    OK(s, TRY_EXEC(s, "UPDATE notes SET hits = 0"));
    cut_all();
    assert_int_equal(db_commit(s), DW_EUNAVAILABLE); /* seen before COMMIT was sent */
    assert_true(db_wants_repeat(s));
    assert_false(db_has_committed(s));
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes WHERE hits = 0"), 0);
    db_session_destroy(s);
}

/* The server ends the connection in the middle of COMMIT: a trigger that runs there kills its own backend. */
static void a_commit_that_was_cut_is_unknown(void **state)
{
    struct db_session *s;

    (void)state;
    assert_int_equal(postgres_admin("GRANT pg_signal_backend TO dowel"), 0);
    migrate("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; END';"
            "CREATE CONSTRAINT TRIGGER dies AFTER UPDATE ON notes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
            " EXECUTE FUNCTION die()");
    s = db_session_tenant(&f, TENANT_A);
    OK(s, db_begin(s));
    OK(s, TRY_EXEC(s, "UPDATE notes SET hits = 0 WHERE id = 1"));
    assert_int_equal(db_commit(s), DW_EUNKNOWN);
    assert_false(db_wants_repeat(s));
    assert_true(db_has_committed(s));
    assert_int_equal(TRY_EXEC(s, "UPDATE notes SET hits = 0 WHERE id = 1"),
                     DW_EUNKNOWN); /* and it was not tried twice */
    db_session_destroy(s);
}

/* ---- a write outside a transaction, whose COMMIT goes with it ---- */

#define ON_UPDATE " ON notes FOR EACH ROW EXECUTE FUNCTION react()"

/* What happens to whoever updates a row. */
static void react(const char *body, const char *when)
{
    struct buf sql = BUF_INIT;

    buf_add_format(&sql,
                   "CREATE SEQUENCE attempts; GRANT USAGE ON SEQUENCE attempts TO dowel;"
                   "CREATE FUNCTION react() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN %s; RETURN NEW; END';"
                   "CREATE %s;",
                   body, when);
    migrate(buf_text(&sql));
    buf_finish(&sql);
}

static int64_t attempts(void)
{
    struct db_session *s = as_migration();
    int64_t n = NUMBER(s, "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM attempts");

    db_session_destroy(s);
    return n;
}

/* The server says that it ended the connection, and where it was: before COMMIT. */
static void a_write_that_the_server_ended_is_repeated(void **state)
{
    struct db_session *s;

    (void)state;
    assert_int_equal(postgres_admin("GRANT pg_signal_backend TO dowel"), 0);
    react("IF nextval(''attempts'') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(5);"
          " END IF",
          "TRIGGER reacts BEFORE UPDATE" ON_UPDATE);
    s = db_session_tenant(&f, TENANT_A);
    assert_int_equal(TRY_EXEC(s, "UPDATE notes SET hits = 0 WHERE id = 1"), 1);
    assert_int_equal(attempts(), 2);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes WHERE hits = 0"), 1);
    db_session_destroy(s);
}

/* A rule that is only looked at by COMMIT: its error is the statement's, and the connection is good for the next. */
static void a_write_fails_by_its_commit(void **state)
{
    struct db_session *s = db_session_tenant(&f, TENANT_A);

    (void)state;
    react("IF NEW.hits < 0 THEN RAISE EXCEPTION ''less than none''; END IF",
          "CONSTRAINT TRIGGER reacts AFTER UPDATE ON notes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
          " EXECUTE FUNCTION react()");
    for (int i = 0; i < 3; i++) {
        assert_contains(ROWS(s, "UPDATE notes SET hits = -1 WHERE id = 1 RETURNING id"), "less than none");
        assert_false(db_has_committed(s));
        assert_int_equal(NUMBER(s, "SELECT hits FROM notes WHERE id = 1"), 1);
    }
    assert_string_equal(ROWS(s, "UPDATE notes SET hits = 7 WHERE id = 1 RETURNING id"), "{\"id\":1}");
    assert_true(db_has_committed(s));
    db_session_destroy(s);
}

static void a_full_pool_says_so(void **state)
{
    struct db_session *first = db_session_tenant(&f, TENANT_A), *s;

    (void)state;
    OK(first, db_begin(first));
    OK(first, TRY_EXEC(first, "UPDATE notes SET hits = 0"));
    s = as_who((struct db_who){ .tenant = TENANT_A, .deadline_us = clock_monotonic_us() + 200 * CLOCK_MS });
    assert_contains(ROWS(s, "SELECT count(*) FROM notes"), "!-10 all 1 connections to PostgreSQL are in use");
    db_session_destroy(s);
    s = db_session_tenant(&f, TENANT_B);
    OK(first, db_commit(first));
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 20);
    db_session_destroy(s);
    db_session_destroy(first);
}

static void *count_later(void *ud)
{
    struct db_session *s = db_session_tenant(&f, TENANT_B);
    int64_t *n = ud;

    if (db_find(s, DW_TO(n), DB_BY_PLUGIN, DW_LIST("SELECT count(*) FROM notes")) != 1)
        *n = -1;
    db_session_destroy(s);
    return NULL;
}

static void who_waits_gets_the_next(void **state)
{
    struct db_session *first = db_session_tenant(&f, TENANT_A);
    int64_t counts[6];
    pthread_t threads[DW_COUNT_OF(counts)];

    (void)state;
    OK(first, db_begin(first));
    OK(first, TRY_EXEC(first, "UPDATE notes SET hits = 0"));
    for (size_t i = 0; i < DW_COUNT_OF(counts); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_later, &counts[i]), 0);
    OK(first, db_commit(first));
    for (size_t i = 0; i < DW_COUNT_OF(counts); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(counts[i], 20);
    }
    db_session_destroy(first);
}

static void a_full_server_says_so(void **state)
{
    struct db_session *first = db_session_tenant(&f, TENANT_A);
    struct buf why = BUF_INIT;

    (void)state;
    OK(first, db_begin(first));
    OK(first, TRY_EXEC(first, "UPDATE notes SET hits = 0"));
    assert_int_equal(postgres_admin("ALTER ROLE dowel CONNECTION LIMIT 1"), 0);
    struct db_session *s =
        as_who((struct db_who){ .tenant = TENANT_A, .deadline_us = clock_monotonic_us() + 300 * CLOCK_MS });
    const char *said = ROWS(s, "SELECT count(*) FROM notes");
    int pinged = db_ping(f.db, &why); /* it serves the first, so it is there */
    assert_int_equal(postgres_admin("ALTER ROLE dowel CONNECTION LIMIT -1"), 0);
    assert_contains(said, "!-10 PostgreSQL at ");
    assert_contains(said, "too many connections");
    if (pinged != 0)
        fail_msg("%s", buf_text(&why));
    OK(first, db_commit(first));
    db_session_destroy(s);
    db_session_destroy(first);
    buf_finish(&why);
}

/* What the server says when its disk is full has this class; a limit on temporary files is quicker to fill. */
static void a_full_disk_says_so(void **state)
{
    struct db_session *s;

    (void)state;
    assert_int_equal(postgres_admin("ALTER ROLE dowel SET temp_file_limit = '64kB'"), 0);
    cut_all(); /* the setting is a new connection's */
    s = db_session_tenant(&f, TENANT_A);
    const char *said =
        CORE_ROWS(s, "SELECT count(*) FROM (SELECT i FROM generate_series(1, 1000000) i ORDER BY i DESC) q");
    assert_int_equal(postgres_admin("ALTER ROLE dowel RESET temp_file_limit"), 0);
    assert_contains(said, "!-10 temporary file size exceeds");
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    db_session_destroy(s);
}

/* ---- limits and cancelling ---- */

static void a_slow_statement_is_stopped(void **state)
{
    struct db_session *s = db_session_tenant(&f, TENANT_A);
    int64_t before = clock_monotonic_us();

    (void)state;
    assert_contains(CORE_ROWS(s, "SELECT pg_sleep(20)"), "!-10 the statement took longer than the 0.3 s");
    assert_true(clock_monotonic_us() - before < 5 * CLOCK_SECOND);
    assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    OK(s, db_begin(s));
    assert_contains(CORE_ROWS(s, "SELECT pg_sleep(20)"), "!-10 the statement took longer");
    db_rollback(s);
    db_session_destroy(s);
}

struct late {
    struct db_session *s;
    pthread_t thread;
    int rc;
};

static void *sleep_long(void *ud)
{
    struct late *l = ud;
    struct db_rows *rows;

    l->rc = db_query(l->s, &rows, DB_BY_CORE, DW_LIST("SELECT pg_sleep(25)"));
    return NULL;
}

static bool is_sleeping(void)
{
    struct db_session *s = db_session_tenant(&f, NULL);
    int64_t n = 0;

    int rc = db_find(
        s, DW_TO(&n), DB_BY_CORE,
        DW_LIST("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(25)' AND datname = "
                "current_database() AND state = 'active'"));
    db_session_destroy(s);
    return rc == 1 && n > 0;
}

static void another_thread_cancels(void **state)
{
    struct late l = { .s = db_session_tenant(&f, TENANT_A) };
    int64_t limit = clock_monotonic_us() + 10 * CLOCK_SECOND;

    (void)state;
    assert_int_equal(pthread_create(&l.thread, NULL, sleep_long, &l), 0);
    while (!is_sleeping() && clock_monotonic_us() < limit)
        usleep(5000);
    int64_t before = clock_monotonic_us();
    db_session_cancel(l.s);
    pthread_join(l.thread, NULL);
    assert_true(clock_monotonic_us() - before < 10 * CLOCK_SECOND);
    assert_int_equal(l.rc, DW_ECANCELLED);
    assert_false(is_sleeping());
    db_session_destroy(l.s);
    struct db_session *s = db_session_tenant(&f, TENANT_A); /* the next on that connection is left alone */
    for (int i = 0; i < 20; i++)
        assert_int_equal(NUMBER(s, "SELECT count(*) FROM notes"), 10);
    db_session_destroy(s);
}

static void who_waits_for_a_connection_is_cancelled(void **state)
{
    struct db_session *first = db_session_tenant(&f, TENANT_A);
    struct late l = { .s = db_session_tenant(&f, TENANT_A) };

    (void)state;
    OK(first, db_begin(first));
    OK(first, TRY_EXEC(first, "UPDATE notes SET hits = 0"));
    assert_int_equal(pthread_create(&l.thread, NULL, sleep_long, &l), 0);
    int64_t before = clock_monotonic_us();
    db_session_cancel(l.s);
    pthread_join(l.thread, NULL);
    assert_true(clock_monotonic_us() - before < 10 * CLOCK_SECOND);
    assert_int_equal(l.rc, DW_ECANCELLED);
    db_session_destroy(l.s);
    db_session_destroy(first);
}

static void *update_second(void *ud)
{
    struct late *l = ud;

    l->rc = (int)TRY_EXEC(l->s, "UPDATE notes SET hits = 1 WHERE id = 2");
    return NULL;
}

/* Each has what the other waits for; the server picks one that loses. */
static void a_deadlock_wants_a_repeat(void **state)
{
    struct late a = { .s = db_session_tenant(&f, TENANT_A) };
    struct db_session *b = db_session_tenant(&f, TENANT_A);

    (void)state;
    OK(a.s, db_begin(a.s));
    OK(b, db_begin(b));
    OK(a.s, TRY_EXEC(a.s, "UPDATE notes SET hits = 1 WHERE id = 1"));
    OK(b, TRY_EXEC(b, "UPDATE notes SET hits = 1 WHERE id = 2"));
    assert_int_equal(pthread_create(&a.thread, NULL, update_second, &a), 0);
    int64_t rc = TRY_EXEC(b, "UPDATE notes SET hits = 1 WHERE id = 1");
    db_rollback(b);
    pthread_join(a.thread, NULL);
    assert_true((rc == 1) != (a.rc == 1));
    assert_int_equal(rc == 1 ? a.rc : rc, DW_EUNAVAILABLE);
    assert_true(db_wants_repeat(rc == 1 ? a.s : b));
    db_session_destroy(a.s);
    db_session_destroy(b);
}

/* ---- a write outside a transaction that is stopped ---- */

/* The process that sleeps in react(); 0: none does. */
static int64_t find_sleeper(void)
{
    struct db_session *s = db_session_tenant(&f, NULL); /* the role whose processes it may look at */
    int64_t pid = 0;

    int rc = db_find(s, DW_TO(&pid), DB_BY_CORE,
                     DW_LIST("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = "
                             "current_database()"));
    db_session_destroy(s);
    return rc == 1 ? pid : 0;
}

static int64_t wait_for_sleeper(void)
{
    int64_t limit = clock_monotonic_us() + 10 * CLOCK_SECOND, pid;

    while ((pid = find_sleeper()) == 0 && clock_monotonic_us() < limit)
        usleep(5000);
    assert_int_not_equal(pid, 0);
    return pid;
}

static void sleep_in_trigger(void)
{
    react("IF NEW.id = 2 THEN PERFORM pg_sleep(25); END IF", "TRIGGER reacts BEFORE UPDATE" ON_UPDATE);
}

static void a_write_is_cancelled(void **state)
{
    struct late l = { .s = db_session_tenant(&f, TENANT_A) };

    (void)state;
    sleep_in_trigger();
    assert_int_equal(pthread_create(&l.thread, NULL, update_second, &l), 0);
    wait_for_sleeper();
    db_session_cancel(l.s);
    pthread_join(l.thread, NULL);
    assert_int_equal(l.rc, DW_ECANCELLED);
    assert_false(db_has_committed(l.s));
    db_session_destroy(l.s);
    struct db_session *s = db_session_tenant(&f, TENANT_A);
    for (int i = 0; i < 20; i++)
        assert_int_equal(TRY_EXEC(s, "UPDATE notes SET hits = 0 WHERE id = 1"), 1);
    assert_int_equal(NUMBER(s, "SELECT hits FROM notes WHERE id = 2"), 2);
    db_session_destroy(s);
}

/* A connection that breaks without a word: the COMMIT was on its way. */
static void a_write_that_was_cut_is_unknown(void **state)
{
    struct late l = { .s = db_session_tenant(&f, TENANT_A) };
    struct buf why = BUF_INIT;
    int64_t limit = clock_monotonic_us() + 20 * CLOCK_SECOND;
    PGconn *bystander = postgres_superuser(NULL);

    (void)state;
    assert_non_null(bystander);
    sleep_in_trigger();
    assert_int_equal(pthread_create(&l.thread, NULL, update_second, &l), 0);
    assert_int_equal(kill((pid_t)wait_for_sleeper(), SIGKILL), 0);
    pthread_join(l.thread, NULL);
    assert_int_equal(l.rc, DW_EUNKNOWN);
    assert_false(db_wants_repeat(l.s));
    assert_true(db_has_committed(l.s));
    db_session_destroy(l.s);

    /* All others die with it, once the server has seen it; only then it recovers, and what comes before dies as well. */
    while (PQstatus(bystander) == CONNECTION_OK && clock_monotonic_us() < limit)
        PQclear(PQexec(bystander, "SELECT pg_sleep(0.05)"));
    assert_int_equal(PQstatus(bystander), CONNECTION_BAD);
    PQfinish(bystander);
    while (db_ping(f.db, &why) != 0 && clock_monotonic_us() < limit)
        usleep(20000);
    struct db_session *s = db_session_tenant(&f, TENANT_A);
    assert_int_equal(NUMBER(s, "SELECT hits FROM notes WHERE id = 2"), 2);
    db_session_destroy(s);
    buf_finish(&why);
}

/* ---- locks, notices; alone and through a pooler ---- */

static void a_lock_is_one_session_s(void **state)
{
    struct db_session *a = as_migration(), *b = as_migration();

    (void)state;
    OK(a, db_lock(a, "migrations", 0));
    OK(b, db_lock(b, "another", 0));
    int64_t before = clock_monotonic_us();
    assert_int_equal(db_lock(b, "migrations", 300 * CLOCK_MS), DW_EUNAVAILABLE);
    assert_true(clock_monotonic_us() - before >= 290 * CLOCK_MS);
    assert_contains(db_error_of(b)->text, "holds the lock \"migrations\"");
    OK(a, db_begin(a));
    OK(a, db_run_script(a, str_from("CREATE TABLE locked (id INT)")));
    OK(a, db_commit(a));
    db_session_destroy(a);
    OK(b, db_lock(b, "migrations", 5 * CLOCK_SECOND));
    db_session_destroy(b);
}

static void a_lost_lock_stops_its_session(void **state)
{
    struct db_session *s = as_migration();

    (void)state;
    OK(s, db_lock(s, "migrations", 0));
    OK(s, db_begin(s));
    OK(s, db_run_script(s, str_from("CREATE TABLE locked (id INT)")));
    assert_int_equal(
        postgres_admin("SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"),
        0);
    assert_int_equal(db_commit(s), DW_EUNAVAILABLE);
    assert_contains(db_error_of(s)->text, "lock was lost");
    db_session_destroy(s);
}

static struct {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    char text[512];
    unsigned lost, came;
} heard = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static void hear(const char *channel, const char *text, void *ud)
{
    (void)ud;
    pthread_mutex_lock(&heard.lock);
    size_t n = strlen(heard.text);
    snprintf(heard.text + n, sizeof(heard.text) - n, "%s=%s;", channel, text);
    heard.came++;
    pthread_cond_broadcast(&heard.moved);
    pthread_mutex_unlock(&heard.lock);
}

static void hear_lost(void *ud)
{
    (void)ud;
    pthread_mutex_lock(&heard.lock);
    heard.lost++;
    pthread_cond_broadcast(&heard.moved);
    pthread_mutex_unlock(&heard.lock);
}

/* False after ten seconds. */
static bool heard_of(const unsigned *count, unsigned wanted)
{
    struct timespec limit;
    int error = 0;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 10;
    pthread_mutex_lock(&heard.lock);
    while (*count < wanted && error == 0)
        error = pthread_cond_timedwait(&heard.moved, &heard.lock, &limit);
    pthread_mutex_unlock(&heard.lock);
    return error == 0;
}

static void listen(void)
{
    static const struct db_listener listener = { .notice = hear, .lost = hear_lost };

    heard.text[0] = 0;
    heard.lost = heard.came = 0;
    assert_int_equal(db_listen(f.db, &listener), 0);
}

static void notices_come_when_they_are_committed(void **state)
{
    struct db_session *s = db_session_tenant(&f, TENANT_A);

    (void)state;
    listen();
    OK(s, db_begin(s));
    OK(s, db_notify(s, "role", "never"));
    db_rollback(s);
    OK(s, db_begin(s));
    OK(s, TRY_EXEC(s, "UPDATE notes SET hits = 0"));
    OK(s, db_notify(s, "role", "one two"));
    OK(s, db_notify(s, "token", ""));
    OK(s, db_commit(s));
    OK(s, db_notify(s, "job", "3"));
    assert_true(heard_of(&heard.came, 3));
    assert_string_equal(heard.text, "role=one two;token=;job=3;");
    assert_int_equal(heard.lost, 0);
    db_session_destroy(s);
}

static void lost_notices_are_told(void **state)
{
    struct db_session *s = db_session_tenant(&f, TENANT_A);

    (void)state;
    listen();
    cut_all();
    assert_true(heard_of(&heard.lost, 2)); /* when it went, and when it is back */
    OK(s, db_notify(s, "after", "it"));
    assert_true(heard_of(&heard.came, 1));
    db_session_destroy(s);
}

/* The pooler replaces it, and what was sent meanwhile is still in its table. */
static void no_notice_is_lost_with_a_connection(void **state)
{
    struct db_session *s = db_session_tenant(&f, TENANT_A);

    (void)state;
    listen();
    cut_all();
    int64_t rc = DW_EUNAVAILABLE;
    for (int i = 0; i < 20 && rc < 0; i++)
        rc = db_notify(s, "after", "it");
    assert_int_equal(rc, 0);
    assert_true(heard_of(&heard.came, 1));
    assert_string_equal(heard.text, "after=it;");
    db_session_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_restart_is_survived, setup),
        WITH(while_it_is_away_that_is_said, setup),
        WITH(a_cut_connection_is_replaced, setup),
        WITH(a_commit_that_was_cut_is_unknown, setup),
        WITH(a_write_that_the_server_ended_is_repeated, setup),
        WITH(a_write_fails_by_its_commit, setup_one_connection),
        WITH(a_full_pool_says_so, setup_one_connection),
        WITH(a_full_server_says_so, setup),
        WITH(a_full_disk_says_so, setup),
        WITH(who_waits_gets_the_next, setup_one_connection),
        WITH(a_slow_statement_is_stopped, setup_short),
        WITH(another_thread_cancels, setup),
        WITH(who_waits_for_a_connection_is_cancelled, setup_one_connection),
        WITH(a_deadlock_wants_a_repeat, setup),
        WITH(a_write_is_cancelled, setup),
        WITH(a_write_that_was_cut_is_unknown, setup),
        WITH(a_lock_is_one_session_s, setup),
        WITH(a_lost_lock_stops_its_session, setup),
        WITH(notices_come_when_they_are_committed, setup),
        WITH(lost_notices_are_told, setup),
        THROUGH_POOLER(another_thread_cancels),
        THROUGH_POOLER(a_write_that_the_server_ended_is_repeated),
        THROUGH_POOLER(a_write_fails_by_its_commit),
        THROUGH_POOLER(a_write_is_cancelled),
        THROUGH_POOLER(a_lock_is_one_session_s),
        THROUGH_POOLER(notices_come_when_they_are_committed),
        THROUGH_POOLER(no_notice_is_lost_with_a_connection),
    };

    return cmocka_run_group_tests_name("db_postgres_lost", tests, start_server, stop_server);
}
