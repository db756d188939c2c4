/* schedule_compare.c - which rows there are to be: what plans and tenants say against what the table has. */
#include "jobs/schedule_inside.h"
#include "log/log.h"

/* One plan's rows against what they shall be. */
struct comparison {
    struct schedules *s;
    struct db_session *session;
    const struct planned *p;
    struct schedule_known *rows;
    bool *is_wanted;
    size_t n;
    int64_t now_us;
};

static struct schedule_known fresh_row(const struct comparison *c, const char *tenant)
{
    const struct planned *p = c->p;
    struct buf key = BUF_INIT;
    struct schedule_known row = { .name = p->name,
                                  .tenant = tenant,
                                  .job = p->job,
                                  .spec = p->plan.when,
                                  .zone = p->plan.zone,
                                  .anchor = { c->now_us } };

    buf_add_format(&key, "%s/%s", p->name, tenant);
    row.jitter_us = when_jitter_us(buf_str(&key), p->plan.jitter_us);
    buf_finish(&key);
    row.next.us = schedule_next_us(&row, c->now_us);
    return row;
}

static int insert_row(const struct comparison *c, const char *tenant)
{
    const struct schedule_known row = fresh_row(c, tenant);
    char next[CLOCK_RFC3339_SIZE];

    return (int)db_exec(
        c->session, DB_BY_CORE,
        DW_LIST("INSERT INTO dowel_schedules (name, tenant, job, spec, zone, anchor_at, jitter_us, next_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name, tenant) DO NOTHING",
                row.name, row.tenant, row.job, row.spec, row.zone, row.anchor, row.jitter_us,
                schedule_time(row.next.us, next)));
}

/* What was configured differently begins anew; else the row goes on, and what came meanwhile was missed. */
static int update_row(const struct comparison *c, const struct schedule_known *old)
{
    const struct schedule_known row = fresh_row(c, old->tenant);
    char next[CLOCK_RFC3339_SIZE];

    if (strcmp(old->spec, row.spec) == 0 && strcmp(old->zone, row.zone) == 0 &&
        old->jitter_us == row.jitter_us) {
        if (strcmp(old->job, row.job) == 0)
            return 0;
        return (int)db_exec(c->session, DB_BY_CORE,
                            DW_LIST("UPDATE dowel_schedules SET job = $3 WHERE name = $1 AND tenant = $2",
                                    row.name, row.tenant, row.job));
    }
    return (int)db_exec(
        c->session, DB_BY_CORE,
        DW_LIST("UPDATE dowel_schedules SET job = $3, spec = $4, zone = $5, anchor_at = $6, jitter_us = $7,"
                " next_at = $8 WHERE name = $1 AND tenant = $2",
                row.name, row.tenant, row.job, row.spec, row.zone, row.anchor, row.jitter_us,
                schedule_time(row.next.us, next)));
}

/* Fired in the future: the clock was wrong then, and the next instant may be further away still. */
static int repair_row(const struct comparison *c, const struct schedule_known *row)
{
    char next[CLOCK_RFC3339_SIZE];

    if (row->fired.us <= c->now_us + SCHEDULE_JUMP_US)
        return 0;
    log_warn("a schedule was fired by a clock that was ahead; it goes on from now",
             LOG_TEXT("schedule", row->name));
    return (int)db_exec(
        c->session, DB_BY_CORE,
        DW_LIST("UPDATE dowel_schedules SET fired_at = NULL, next_at = $3 WHERE name = $1 AND tenant = $2"
                " AND fired_at = $4",
                row->name, row->tenant, schedule_time(schedule_next_us(row, c->now_us), next), row->fired));
}

static int want(const char *tenant, struct comparison *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->rows[i].tenant, tenant) != 0)
            continue;
        c->is_wanted[i] = true;
        int rc = c->s->has_written ? 0 : update_row(c, &c->rows[i]);
        return rc != 0 ? rc : repair_row(c, &c->rows[i]);
    }
    return insert_row(c, tenant);
}

static int drop_unwanted(struct comparison *c)
{
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < c->n; i++) {
        if (!c->is_wanted[i])
            rc = (int)db_exec(c->session, DB_BY_CORE,
                              DW_LIST("DELETE FROM dowel_schedules WHERE name = $1 AND tenant = $2",
                                      c->rows[i].name, c->rows[i].tenant));
    }
    return rc;
}

static int want_each(struct comparison *c, const struct schedule_tenants *tenants)
{
    int rc = 0;

    for (const struct schedule_tenant *t = tenants->first; rc >= 0 && t; t = t->next)
        rc = want(t->name, c);
    return rc;
}

int schedule_compare(struct schedules *s, const struct planned *p, const struct schedule_tenants *tenants,
                     struct db_session *session, struct arena *arena, int64_t now_us)
{
    struct comparison c = { .s = s, .session = session, .p = p, .now_us = now_us };
    bool is_across = p->plan.is_across_tenants;

    if (!is_across && !tenants->are_known)
        return 0;
    int rc =
        schedule_read(session, arena, &c.rows,
                      DW_LIST("SELECT " SCHEDULE_COLUMNS " FROM dowel_schedules WHERE name = $1", p->name));
    if (rc < 0)
        return rc;
    c.n = (size_t)rc;
    c.is_wanted = arena_calloc(arena, c.n + 1);
    if (!c.is_wanted)
        return DW_ENOMEM;
    rc = is_across ? want("", &c) : want_each(&c, tenants);
    return rc < 0 ? rc : drop_unwanted(&c);
}
