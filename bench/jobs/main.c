/* What the queue of jobs does in a second: added by 64 clients in a transaction each, added in transactions of 100, run.
 * A line of JSON each; bench/jobs.mjs prints them. Arguments: the database's URL, a scale (1: 20,000 jobs). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "db/migrate.h"
#include "db/migrations_core.h"
#include "jobs/jobs.h"
#include "log/log.h"
#include "util/clock.h"

enum { CLIENTS = 64, EACH = 20000, BATCH = 100, PATIENCE_S = 300 };

static struct db *db;
static _Atomic long left, ended;

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_jobs: %s: %s\n", what, why);
    exit(1);
}

static struct db_session *session(void)
{
    const struct db_who who = { .owner = "bench", .now_us = clock_wall_us() };
    struct db_session *s;

    if (db_session_create(&s, db, &who) != 0)
        die("session", "out of memory");
    return s;
}

static void check(struct db_session *s, int rc, const char *what)
{
    if (rc < 0)
        die(what, db_error_of(s)->text);
}

/* ---- the database ---- */

static void migrate(void)
{
    struct buf why = BUF_INIT;
    struct migrations core;
    struct arena arena;

    arena_init(&arena, NULL, 0, 0);
    if (migrations_of_core(&core, &arena, &why) != 0 ||
        migrate_up(&(struct migrate_options){ .db = db }, &core, &why) < 0)
        die("migrations", buf_text(&why));
    arena_finish(&arena);
    buf_finish(&why);
    const struct db_who who = { .owner = "core", .is_unguarded = true };
    struct db_session *s;
    if (db_session_create(&s, db, &who) != 0)
        die("session", "out of memory");
    check(s, db_begin(s), "begin");
    check(s, db_run_script(s, STR_OF("CREATE TABLE IF NOT EXISTS bench_effects (job TEXT)")), "table");
    check(s, db_commit(s), "commit");
    db_session_destroy(s);
}

/* ---- adding ---- */

/* The next n of those that are left; false: none. */
static bool take(long n)
{
    return atomic_fetch_sub(&left, n) >= n;
}

static void add(struct db_session *s, const char *kind, long n)
{
    static const struct str payload = STR("{\"entry\":\"0190a0a0-0000-7000-8000-00000000000a\"}");

    for (long i = 0; i < n; i++)
        check(s, job_add(s, &(struct job_new){ .kind = kind, .payload = payload }), "job_add");
}

static bool add_in_transaction(const char *kind, long n)
{
    struct db_session *s = session();

    check(s, db_begin(s), "begin");
    add(s, kind, n);
    int rc = db_commit(s);
    bool repeats = rc < 0 && db_wants_repeat(s);
    if (!repeats)
        check(s, rc, "commit");
    db_session_destroy(s);
    return !repeats;
}

static void *client(void *kind)
{
    while (take(1)) {
        while (!add_in_transaction(kind, 1))
            continue;
    }
    return NULL;
}

static void *batch_client(void *kind)
{
    while (take(BATCH)) {
        while (!add_in_transaction(kind, BATCH))
            continue;
    }
    return NULL;
}

static double seconds_since(int64_t since_us)
{
    return (double)(clock_monotonic_us() - since_us) / CLOCK_SECOND;
}

static void report(const char *what, long n, double seconds)
{
    printf("{\"what\":\"%s\",\"jobs\":%ld,\"seconds\":%.3f,\"rate\":%.0f}\n", what, n, seconds,
           (double)n / seconds);
    fflush(stdout);
}

static void add_by(const char *what, unsigned threads, void *(*run)(void *), const char *kind, long n)
{
    pthread_t thread[CLIENTS];
    int64_t since_us = clock_monotonic_us();

    atomic_store(&left, n);
    for (unsigned i = 0; i < threads; i++) {
        if (pthread_create(&thread[i], NULL, run, (void *)(uintptr_t)kind) != 0)
            die("thread", "cannot be made");
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    report(what, n, seconds_since(since_us));
}

/* ---- running ---- */

static int do_nothing(struct job *job, void *ud)
{
    (void)job;
    (void)ud;
    atomic_fetch_add(&ended, 1);
    return 0;
}

/* An effect, and that the job is done, in one transaction: what a careful plugin does. */
static int do_something(struct job *job, void *ud)
{
    struct db_session *s = session();

    (void)ud;
    int rc = db_begin(s);
    if (rc >= 0)
        rc = (int)db_exec(s, DB_BY_CORE, DW_LIST("INSERT INTO bench_effects (job) VALUES ($1)", job_id(job)));
    if (rc >= 0)
        rc = job_done(job, s);
    if (rc >= 0)
        rc = db_commit(s);
    job_settled(job, rc >= 0);
    db_session_destroy(s);
    if (rc >= 0)
        atomic_fetch_add(&ended, 1);
    return rc < 0 ? rc : 0;
}

static void run(const char *what, const struct job_kind *kind, unsigned workers, long n)
{
    struct jobs *j;
    int64_t since_us = clock_monotonic_us();

    atomic_store(&ended, 0);
    if (jobs_create(&j, &(struct jobs_options){ .db = db, .workers = workers }) != 0 ||
        jobs_register(j, kind) != 0 || jobs_start(j) != 0)
        die("engine", "cannot be made");
    while (atomic_load(&ended) < n && seconds_since(since_us) < PATIENCE_S)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    long done = atomic_load(&ended);
    report(what, done, seconds_since(since_us));
    if (done < n)
        die(what, "not all jobs were run");
    if (!jobs_stop(j, CLOCK_SECOND))
        die(what, "a job does not return");
    jobs_destroy(j);
}

int main(int argc, char **argv)
{
    static const struct job_kind nothing = { .owner = "bench", .name = "nothing", .run = do_nothing };
    static const struct job_kind something = { .owner = "bench", .name = "something", .run = do_something };
    struct buf why = BUF_INIT;
    long n = argc > 2 ? EACH * strtol(argv[2], NULL, 10) : EACH;

    if (argc < 2)
        die("call", "bench_jobs URL [SCALE]");
    log_set_level(LOG_WARN);
    if (db_open(&db, &(struct db_options){ .url = argv[1] }, &why) != 0)
        die("database", buf_text(&why));
    migrate();
    add_by("added by 64 clients, a transaction each", CLIENTS, client, "bench.nothing", n);
    run("run, without a transaction of their own", &nothing, 8, n);
    add_by("added by 4 clients in transactions of 100", 4, batch_client, "bench.something", n);
    run("run, each in a transaction by 16 workers", &something, 16, n);
    db_close(db);
    buf_finish(&why);
    return 0;
}
