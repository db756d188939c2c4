/* schedule_admin.c - what an admin sees and does, in a session of his. */
#include "jobs/schedule_rows.h"

static int tell(struct db_session *s)
{
    return db_notify(s, "schedules", "");
}

int schedule_list(struct db_session *s, void (*visit)(const struct schedule_row *row, void *ud), void *ud)
{
    struct arena arena;
    struct schedule_known *v;

    arena_init(&arena, NULL, 0, 0);
    int n = schedule_read(s, &arena, &v,
                          DW_LIST("SELECT " SCHEDULE_COLUMNS " FROM dowel_schedules ORDER BY name, tenant"));
    for (int i = 0; i < n; i++) {
        const struct schedule_row row = { .name = v[i].name,
                                          .tenant = v[i].tenant,
                                          .job = v[i].job,
                                          .spec = v[i].spec,
                                          .zone = v[i].zone,
                                          .next_us = v[i].next.us,
                                          .fired_us = v[i].fired.us,
                                          .skipped_us = v[i].skipped.us,
                                          .paused_us = v[i].paused.us };
        visit(&row, ud);
    }
    arena_finish(&arena);
    return n;
}

int schedule_pause(struct db_session *s, const char *name, const char *tenant, int64_t now_us)
{
    /* One that is paused stays so since when it was. */
    int64_t n = db_exec(s, DB_BY_CORE,
                        DW_LIST("UPDATE dowel_schedules SET paused_at = coalesce(paused_at, $3)"
                                " WHERE name = $1 AND tenant = coalesce($2, tenant)",
                                name, tenant, (dw_time){ now_us }));
    if (n <= 0)
        return (int)n;
    int rc = tell(s);
    return rc < 0 ? rc : (int)n;
}

static int read_named(struct db_session *s, struct arena *arena, struct schedule_known **out,
                      const char *name, const char *tenant)
{
    return schedule_read(s, arena, out,
                         DW_LIST("SELECT " SCHEDULE_COLUMNS " FROM dowel_schedules"
                                 " WHERE name = $1 AND tenant = coalesce($2, tenant) ORDER BY tenant",
                                 name, tenant));
}

static int resume_one(struct db_session *s, const struct schedule_known *row, int64_t now_us)
{
    char next[CLOCK_RFC3339_SIZE];

    return (int)db_exec(
        s, DB_BY_CORE,
        DW_LIST("UPDATE dowel_schedules SET paused_at = NULL, next_at = $3 WHERE name = $1 AND tenant = $2"
                " AND paused_at IS NOT NULL",
                row->name, row->tenant, schedule_time(schedule_next_us(row, now_us), next)));
}

static int run_one(struct db_session *s, const struct schedule_known *row, int64_t now_us)
{
    return schedule_add_job(s, row, SCHEDULE_SKIP, now_us, now_us);
}

/* In a transaction of its own, or the session's. */
static int for_each(struct db_session *s, const char *name, const char *tenant, int64_t now_us,
                    int (*act)(struct db_session *, const struct schedule_known *, int64_t))
{
    bool is_own = !db_in_transaction(s);
    struct arena arena;
    struct schedule_known *v;
    int n = 0;

    arena_init(&arena, NULL, 0, 0);
    int rc = is_own ? db_begin(s) : 0;
    if (rc >= 0)
        rc = n = read_named(s, &arena, &v, name, tenant);
    for (int i = 0; rc >= 0 && i < n; i++)
        rc = act(s, &v[i], now_us);
    if (rc >= 0 && n > 0)
        rc = tell(s);
    if (is_own && rc >= 0)
        rc = db_commit(s);
    else if (is_own)
        db_rollback(s); /* what failed is told */
    arena_finish(&arena);
    return rc < 0 ? rc : n;
}

int schedule_resume(struct db_session *s, const char *name, const char *tenant, int64_t now_us)
{
    return for_each(s, name, tenant, now_us, resume_one);
}

int schedule_run(struct db_session *s, const char *name, const char *tenant, int64_t now_us)
{
    return for_each(s, name, tenant, now_us, run_one);
}
