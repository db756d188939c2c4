/* jobs_fixture.h - a database with the core's tables, and engines of jobs on it under a clock of the test's. */
#ifndef TESTS_JOBS_FIXTURE_H
#define TESTS_JOBS_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>

#include "db/migrate.h"
#include "db/migrations_core.h"
#include "db_fixture.h"
#include "jobs/jobs.h"
#include "log/log.h"
#include "util/clock.h"

struct jobs_fixture {
    struct db_fixture db;
    _Atomic int64_t now_us;
};

static inline int64_t jobs_fixture_now(void *ud)
{
    struct jobs_fixture *f = ud;

    return atomic_load(&f->now_us);
}

/* A statement of the core's; what it returns. */
#define JOBS_EXEC(f, ...) (jobs_fixture_exec((f), DW_LIST(__VA_ARGS__)))
static inline int64_t jobs_fixture_exec(struct jobs_fixture *f, dw_list sql)
{
    const struct db_who who = { .owner = "core", .now_us = atomic_load(&f->now_us) };
    struct db_session *s;

    if (db_session_create(&s, f->db.db, &who) != 0)
        return DW_ENOMEM;
    int64_t rc = db_exec(s, DB_BY_CORE, sql);
    if (rc < 0)
        fprintf(stderr, "%s\n", db_error_of(s)->text);
    db_session_destroy(s);
    return rc;
}

/* The one number that it finds; -1000 without a row. */
#define JOBS_NUMBER(f, ...) (jobs_fixture_number((f), DW_LIST(__VA_ARGS__)))
static inline int64_t jobs_fixture_number(struct jobs_fixture *f, dw_list sql)
{
    const struct db_who who = { .owner = "core", .now_us = atomic_load(&f->now_us) };
    struct db_session *s;
    int64_t number = -1000;

    if (db_session_create(&s, f->db.db, &who) != 0)
        return DW_ENOMEM;
    int rc = db_find(s, DW_TO(&number), DB_BY_CORE, sql);
    if (rc < 0)
        fprintf(stderr, "%s\n", db_error_of(s)->text);
    db_session_destroy(s);
    return rc < 0 ? rc : number;
}

/* The one text that it finds; "" without a row. */
static inline void jobs_fixture_text(struct jobs_fixture *f, char *out, size_t size, const char *sql)
{
    const struct db_who who = { .owner = "core", .now_us = atomic_load(&f->now_us) };
    const char *text = NULL;
    struct db_rows *rows = NULL;
    struct db_session *s;

    *out = 0;
    if (db_session_create(&s, f->db.db, &who) != 0)
        return;
    if (db_query(s, &rows, DB_BY_CORE, DW_LIST(sql)) >= 0 && db_rows_next(rows) > 0 &&
        db_rows_read(rows, DW_TO(&text)) >= 0)
        snprintf(out, size, "%s", text ? text : "");
    db_rows_close(rows);
    db_session_destroy(s);
}

static inline int jobs_fixture_migrate(struct jobs_fixture *f, const struct migrations *core, struct buf *why)
{
    const struct db_who who = { .owner = "core", .is_unguarded = true };
    struct db_session *s;
    int rc;

    log_set_level(LOG_WARN);
    if (migrate_up(&(struct migrate_options){ .db = f->db.db }, core, why) < 0 ||
        db_session_create(&s, f->db.db, &who) != 0)
        return -1;
    rc = (int)db_exec(s, DB_BY_CORE, DW_LIST("CREATE TABLE effects (job TEXT, n INTEGER)"));
    if (rc < 0)
        fprintf(stderr, "%s\n", db_error_of(s)->text);
    db_session_destroy(s);
    return rc < 0 ? -1 : 0;
}

static inline int jobs_fixture_open(struct jobs_fixture *f)
{
    struct buf why = BUF_INIT;
    struct arena arena;
    struct migrations core;
    int rc = db_fixture_open(&f->db);

    atomic_store(&f->now_us, INT64_C(1800000000000000));
    arena_init(&arena, NULL, 0, 0);
    if (rc == 0)
        rc = migrations_of_core(&core, &arena, &why);
    if (rc == 0)
        rc = jobs_fixture_migrate(f, &core, &why);
    if (rc != 0)
        fprintf(stderr, "%s\n", buf_text(&why));
    arena_finish(&arena);
    buf_finish(&why);
    return rc;
}

static inline void jobs_fixture_close(struct jobs_fixture *f)
{
    db_fixture_close(&f->db);
}

static inline struct jobs *jobs_fixture_engine(struct jobs_fixture *f, const struct jobs_options *more)
{
    struct jobs_options o = *more;
    struct jobs *j = NULL;

    o.db = f->db.db;
    o.wall_us = jobs_fixture_now;
    o.clock_ud = f;
    return jobs_create(&j, &o) == 0 ? j : NULL;
}

/* Adds it, in a transaction of its own: what job_add() returns. */
#define JOBS_ADD(f, ...) (jobs_fixture_add((f), &(struct job_new){ __VA_ARGS__ }))
static inline int jobs_fixture_add(struct jobs_fixture *f, const struct job_new *n)
{
    const struct db_who who = { .owner = "core", .now_us = atomic_load(&f->now_us) };
    struct job_new job = *n;
    struct db_session *s;

    job.now_us = who.now_us;
    if (db_session_create(&s, f->db.db, &who) != 0)
        return DW_ENOMEM;
    int rc = job_add(s, &job);
    if (rc < 0)
        fprintf(stderr, "%s\n", db_error_of(s)->text);
    db_session_destroy(s);
    return rc;
}

#endif
