#include "db/migrate.h"

#include "db/dialect.h"
#include "db/migrate_history.h"
#include "db/migration_lint.h"
#include "db/script.h"
#include "db/wall.h"
#include "log/log.h"
#include "util/clock.h"

enum { PATIENCE_US = 60 * CLOCK_SECOND, TRIES_MAX = 5 };

static const int64_t one_us = INT64_C(24) * 3600 * CLOCK_SECOND; /* as long as an unguarded session may */

/* One owner's way up or down. */
struct run {
    const struct migrate_options *o;
    const struct migrations *migrations;
    struct db_session *session;
    struct arena arena; /* of one try */
    enum db_engine engine;
    struct buf *why;
    size_t done;   /* in all tries */
    size_t wanted; /* on the way down: so many */
};

/* ---- saying what failed ---- */

static int fail_step(struct run *r, const char *step)
{
    const struct db_error *e = db_error_of(r->session);

    buf_add_format(r->why, "the migrations of %s: %s: %s%s%s%s", r->migrations->owner, step,
                   *e->text ? e->text : "out of memory", *e->detail ? " (" : "", e->detail,
                   *e->detail ? ")" : "");
    return -1;
}

static int fail_statement(struct run *r, const struct migration *m, unsigned line)
{
    const struct db_error *e = db_error_of(r->session);

    buf_add_format(r->why, "%s", m->source);
    if (line > 0)
        buf_add_format(r->why, ":%u", line);
    buf_add_format(r->why, ": %s%s%s%s", *e->text ? e->text : "out of memory", *e->detail ? " (" : "",
                   e->detail, *e->detail ? ")" : "");
    return -1;
}

/* ---- one migration ---- */

/* Statement by statement: the line of the one that fails is known. */
static int run_statements(struct run *r, const struct migration *m, struct str sql)
{
    struct script_statement statement;
    struct script script;
    struct buf wrong = BUF_INIT;
    int more;

    script_init(&script, sql, r->engine);
    while ((more = script_next(&script, &statement, &wrong)) > 0) {
        if (db_run_script(r->session, statement.sql) < 0)
            return fail_statement(r, m, statement.line);
    }
    if (more < 0)
        buf_add_format(r->why, "%s: %s", m->source, buf_text(&wrong));
    buf_finish(&wrong);
    return more;
}

static int run_script(struct run *r, const struct migration *m, enum migration_way way)
{
    struct buf sql = BUF_INIT, wrong = BUF_INIT;
    int result = dialect_write(&sql, &r->arena, migration_script(m, r->engine, way), r->engine, &wrong);

    if (result != 0 || buf_failed(&sql)) {
        buf_add_format(r->why, "%s: %s", m->source, wrong.n > 0 ? buf_text(&wrong) : "out of memory");
        result = -1;
    } else {
        result = run_statements(r, m, buf_str(&sql));
    }
    buf_finish(&sql);
    buf_finish(&wrong);
    return result;
}

static int run_made(struct run *r, const struct migration *m, struct buf *sql)
{
    int result = 0;

    if (buf_failed(sql) || (sql->n > 0 && db_run_script(r->session, buf_str(sql)) < 0))
        result = fail_statement(r, m, 0);
    buf_finish(sql);
    return result;
}

/* SQLite has its walls on connections, not in the database. */
static int run_walls(struct run *r, const struct migration *m, enum migration_way way,
                     void (*write)(struct buf *out, struct str table))
{
    struct buf sql = BUF_INIT;

    for (size_t i = 0; r->engine == DB_POSTGRES && i < m->tenant_tables_n[way]; i++)
        write(&sql, str_from(m->tenant_tables[way][i]));
    return run_made(r, m, &sql);
}

static int make_searches(struct run *r, const struct migration *m, enum migration_way way)
{
    struct buf sql = BUF_INIT;

    for (size_t i = 0; i < m->searches_n[way]; i++)
        search_write_up(&sql, r->engine, &m->searches[way][i]);
    return run_made(r, m, &sql);
}

static int drop_searches(struct run *r, const struct migration *m)
{
    struct buf sql = BUF_INIT;

    for (size_t i = 0; i < m->searches_n[MIGRATION_UP]; i++)
        search_write_down(&sql, r->engine, m->searches[MIGRATION_UP][i].table);
    return run_made(r, m, &sql);
}

/* Those of tables that are no more. */
static int drop_orphans(struct run *r, const struct migration *m, const struct lint *lint)
{
    struct buf sql = BUF_INIT;

    for (size_t i = 0; i < lint->dropped_tables_n; i++) {
        if (search_is_name(str_from(lint->dropped_tables[i])))
            search_write_down(&sql, r->engine, lint->dropped_tables[i]);
    }
    return run_made(r, m, &sql);
}

static void announce(const struct run *r, int64_t at_most_us)
{
    if (r->o->takes_long)
        r->o->takes_long(at_most_us, r->o->ud);
}

/* Others that work with this database have walls to put up, or to forget. */
static int tell_others(struct run *r, const struct migration *m, size_t dropped)
{
    size_t n = m->tenant_tables_n[MIGRATION_UP] + m->tenant_tables_n[MIGRATION_DOWN] + dropped;

    return n > 0 ? db_notify(r->session, MIGRATE_WALLS_CHANNEL, m->owner) : 0;
}

static int apply(struct run *r, const struct migration *m, const struct lint *lint)
{
    int64_t begin_us = clock_monotonic_us();

    announce(r, one_us);
    if (db_begin(r->session) < 0)
        return fail_step(r, "cannot begin a transaction");
    if (run_script(r, m, MIGRATION_UP) < 0 || run_walls(r, m, MIGRATION_UP, wall_write_postgres) < 0 ||
        drop_orphans(r, m, lint) < 0 || make_searches(r, m, MIGRATION_UP) < 0)
        return -1;
    int64_t took_us = clock_monotonic_us() - begin_us;
    if (history_forget_tables(r->session, lint->dropped_tables, lint->dropped_tables_n) < 0 ||
        history_add(r->session, m, took_us) < 0 || tell_others(r, m, lint->dropped_tables_n) < 0 ||
        db_commit(r->session) < 0)
        return fail_statement(r, m, 0);
    log_info("migration applied", LOG_TEXT("owner", m->owner), LOG_TEXT("migration", m->name),
             LOG_SPAN("took", clock_monotonic_us() - begin_us));
    r->done++;
    return 0;
}

static int take_back(struct run *r, const struct migration *m)
{
    if (db_begin(r->session) < 0)
        return fail_step(r, "cannot begin a transaction");
    if (drop_searches(r, m) < 0 || run_walls(r, m, MIGRATION_UP, wall_write_postgres_down) < 0 ||
        run_script(r, m, MIGRATION_DOWN) < 0 || run_walls(r, m, MIGRATION_DOWN, wall_write_postgres) < 0 ||
        make_searches(r, m, MIGRATION_DOWN) < 0)
        return -1;
    if (history_remove(r->session, m) < 0 || tell_others(r, m, 0) < 0 || db_commit(r->session) < 0)
        return fail_statement(r, m, 0);
    log_info("migration taken back", LOG_TEXT("owner", m->owner), LOG_TEXT("migration", m->name));
    r->done++;
    return 0;
}

/* ---- all of one owner ---- */

/* Who never had a migration applied has no version before that could still run. */
static const struct migration *find_offline(const struct run *r, const struct migrate_plan *plan)
{
    for (size_t i = 0; i < plan->n && r->o->is_serving && plan->applied > 0; i++) {
        if (plan->steps[i].state == MIGRATE_PENDING && plan->steps[i].file->is_offline)
            return plan->steps[i].file;
    }
    return NULL;
}

static int make_room(struct run *r, const struct migrate_plan *plan)
{
    const struct migration *m = find_offline(r, plan);

    if (!m || (r->o->be_alone && r->o->be_alone(r->o->ud) == 0))
        return 0;
    buf_add_format(
        r->why,
        "%s is an offline migration: no server may work with the database while it is applied. Stop "
        "the server, and then: dowel db up, or start it again",
        m->source);
    return -1;
}

static void say_how_things_stand(struct run *r, const struct migrate_plan *plan, size_t at)
{
    buf_add_format(r->why, "; nothing of %s is left in the database, which stays at %s", plan->steps[at].name,
                   at > 0 ? plan->steps[at - 1].name : "no migration");
}

static int check_up(struct run *r, const struct migrate_plan *plan, struct lint *lints)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (plan->steps[i].state == MIGRATE_PENDING &&
            migration_lint(&lints[i], &r->arena, r->migrations, i, r->engine, r->why) != 0)
            return -1;
    }
    return 0;
}

/* Nothing is begun of which it is known that it cannot be finished. */
static int go_up(struct run *r, const struct migrate_plan *plan)
{
    struct lint *lints = arena_calloc(&r->arena, (plan->n + 1) * sizeof(*lints));

    if (!lints) {
        buf_add_text(r->why, "the migrations cannot be carried out: out of memory");
        return -1;
    }
    if (check_up(r, plan, lints) != 0 || make_room(r, plan) != 0)
        return -1;
    for (size_t i = 0; i < plan->n; i++) {
        if (plan->steps[i].state != MIGRATE_PENDING)
            continue;
        if (apply(r, plan->steps[i].file, &lints[i]) != 0) {
            say_how_things_stand(r, plan, i);
            return -1;
        }
    }
    return 0;
}

/* All of them can be taken back, or none is. */
static int check_down(struct run *r, const struct migrate_plan *plan, size_t n)
{
    if (n > plan->applied) {
        buf_add_format(r->why, "%s has only %zu migrations that could be taken back", plan->owner,
                       plan->applied);
        return -1;
    }
    for (size_t i = plan->applied - n; i < plan->applied; i++) {
        const struct migration *m = plan->steps[i].file;
        if (m->has_down)
            continue;
        buf_add_format(r->why, "%s has no part -- migrate:down: there is no way back but a backup",
                       m->source);
        return -1;
    }
    return 0;
}

static int go_down(struct run *r, const struct migrate_plan *plan)
{
    size_t n = r->wanted - r->done;

    if (check_down(r, plan, n) != 0)
        return -1;
    for (size_t i = plan->applied; i > plan->applied - n; i--) {
        if (take_back(r, plan->steps[i - 1].file) != 0) {
            buf_add_format(r->why, "; the database stays at %s", plan->steps[i - 1].name);
            return -1;
        }
    }
    return 0;
}

/* Under the lock: what was pending a moment ago another server may have done. */
static int carry_out(struct run *r, int (*go)(struct run *r, const struct migrate_plan *plan))
{
    struct migrate_history history;
    struct migrate_plan plan;
    int64_t patience_us = r->o->patience_us > 0 ? r->o->patience_us : PATIENCE_US;

    announce(r, patience_us);
    if (db_lock(r->session, "migrations", patience_us) < 0)
        return fail_step(r, "the lock cannot be had");
    if (history_make_tables(r->session, r->engine) < 0 ||
        history_load(&history, &r->arena, r->session, r->engine) < 0)
        return fail_step(r, "the history cannot be read");
    if (migrate_plan_make(&plan, &r->arena, r->migrations, &history) != 0) {
        buf_add_text(r->why, "the migrations cannot be planned: out of memory");
        return -1;
    }
    if (plan.wrong) {
        buf_add_text(r->why, plan.wrong);
        return -1;
    }
    return go(r, &plan);
}

/* One try, in a session of its own. 1: the engine wants it done again from the start. */
static int try_once(struct run *r, int (*go)(struct run *r, const struct migrate_plan *plan))
{
    const struct db_who who = { .owner = r->migrations->owner,
                                .is_unguarded = true,
                                .now_us = clock_wall_us() };

    if (db_session_create(&r->session, r->o->db, &who) != 0) {
        buf_add_text(r->why, "the migrations cannot be carried out: out of memory");
        return -1;
    }
    arena_init(&r->arena, NULL, 0, 0);
    int result = carry_out(r, go);
    if (result != 0 && db_wants_repeat(r->session))
        result = 1;
    db_session_destroy(r->session);
    arena_finish(&r->arena);
    return result;
}

static int run(struct run *r, int (*go)(struct run *r, const struct migrate_plan *plan))
{
    size_t before = r->why->n;
    int result = 1;

    r->engine = db_engine(r->o->db);
    for (int i = 0; i < TRIES_MAX && result > 0; i++) {
        r->why->n = before;
        result = try_once(r, go);
    }
    announce(r, 0);
    if (r->done > 0 && db_learn_walls(r->o->db, r->why) != 0)
        result = -1;
    return result == 0 ? (int)r->done : -1;
}

int migrate_up(const struct migrate_options *o, const struct migrations *migrations, struct buf *why)
{
    struct run r = { .o = o, .migrations = migrations, .why = why };

    return run(&r, go_up);
}

int migrate_up_if_needed(const struct migrate_options *o, const struct migrations *migrations,
                         const struct migrate_history *history, struct buf *why)
{
    struct migrate_plan plan;
    struct arena arena;
    int result = 0;

    arena_init(&arena, NULL, 0, 0);
    if (migrate_plan_make(&plan, &arena, migrations, history) != 0) {
        buf_add_text(why, "the migrations cannot be planned: out of memory");
        result = -1;
    } else if (plan.wrong) {
        buf_add_text(why, plan.wrong);
        result = -1;
    } else if (plan.pending > 0) {
        result = migrate_up(o, migrations, why);
    }
    arena_finish(&arena);
    return result;
}

int migrate_down(const struct migrate_options *o, const struct migrations *migrations, size_t n,
                 struct buf *why)
{
    struct run r = { .o = o, .migrations = migrations, .why = why, .wanted = n };

    return run(&r, go_down);
}

/* ---- only looking ---- */

int migrate_history_read(struct migrate_history *out, struct arena *arena, struct db *db, struct buf *why)
{
    const struct db_who who = { .owner = "core", .is_unguarded = true };
    struct db_session *s;

    if (db_session_create(&s, db, &who) != 0) {
        buf_add_text(why, "the history of migrations cannot be read: out of memory");
        return -1;
    }
    int rc = history_load(out, arena, s, db_engine(db));
    if (rc < 0) {
        const char *text = db_error_of(s)->text;
        buf_add_format(why, "the history of migrations cannot be read: %s", *text ? text : "out of memory");
    }
    db_session_destroy(s);
    return rc < 0 ? -1 : 0;
}
