#include "plugin/purge.h"

#include "audit/audit.h"
#include "db/migrations_core.h"
#include "util/clock.h"

enum { PATIENCE_US = 60 * CLOCK_SECOND, TRIES_MAX = 5 };

/* What refers to others stands before them. Kinds of jobs and schedules begin with the plugin's name and a dot. Events
 * stay: they happened, and webhooks may still have to deliver them. */
static const struct {
    const char *name, *count, *remove; /* NULL: goes with the tables */
} kept[PURGE_KEPT] = {
    [PURGE_MIGRATIONS] = { "migrations", "SELECT count(*) FROM dowel_migrations WHERE owner = $1", NULL },
    [PURGE_DELIVERIES] = { "deliveries",
                           "SELECT count(*) FROM dowel_inbox\n"
                           " WHERE source_id IN (SELECT id FROM dowel_inbox_sources WHERE plugin = $1)",
                           "DELETE FROM dowel_inbox\n"
                           " WHERE source_id IN (SELECT id FROM dowel_inbox_sources WHERE plugin = $1)" },
    [PURGE_SOURCES] = { "inbox_sources", "SELECT count(*) FROM dowel_inbox_sources WHERE plugin = $1",
                        "DELETE FROM dowel_inbox_sources WHERE plugin = $1" },
    [PURGE_SUBSCRIPTIONS] = { "subscriptions", "SELECT count(*) FROM dowel_subscriptions WHERE plugin = $1",
                              "DELETE FROM dowel_subscriptions WHERE plugin = $1" },
    [PURGE_SCHEDULES] = { "schedules",
                          "SELECT count(*) FROM dowel_schedules\n"
                          " WHERE substr(name, 1, length($1) + 1) = $1 || '.'",
                          "DELETE FROM dowel_schedules WHERE substr(name, 1, length($1) + 1) = $1 || '.'" },
    [PURGE_FAILURES] = { "failures",
                         "SELECT count(*) FROM dowel_job_failures\n"
                         " WHERE job IN (SELECT id FROM dowel_jobs\n"
                         "                WHERE substr(kind, 1, length($1) + 1) = $1 || '.')",
                         "DELETE FROM dowel_job_failures\n"
                         " WHERE job IN (SELECT id FROM dowel_jobs\n"
                         "                WHERE substr(kind, 1, length($1) + 1) = $1 || '.')" },
    [PURGE_JOBS] = { "jobs",
                     "SELECT count(*) FROM dowel_jobs WHERE substr(kind, 1, length($1) + 1) = $1 || '.'",
                     "DELETE FROM dowel_jobs WHERE substr(kind, 1, length($1) + 1) = $1 || '.'" },
    [PURGE_KINDS] = { "job_kinds",
                      "SELECT count(*) FROM dowel_job_kinds\n"
                      " WHERE substr(kind, 1, length($1) + 1) = $1 || '.'",
                      "DELETE FROM dowel_job_kinds WHERE substr(kind, 1, length($1) + 1) = $1 || '.'" },
};

static const char count_running[] = "SELECT count(*) FROM dowel_jobs\n"
                                    " WHERE substr(kind, 1, length($1) + 1) = $1 || '.'\n"
                                    "   AND state = 'running' AND lease_until > $2";

const char *purge_kept_name(enum purge_kept k)
{
    return kept[k].name;
}

bool purge_is_empty(const struct purge *p)
{
    for (size_t i = 0; i < PURGE_KEPT; i++) {
        if (p->kept[i] > 0)
            return false;
    }
    return p->tables.n == 0;
}

bool purge_is_refused(const struct purge *p, struct buf *why)
{
    const struct purge_tables *t = &p->tables;
    bool is_core = strcmp(t->owner, MIGRATIONS_CORE) == 0;

    if (is_core)
        buf_add_format(why, "%s: is the server itself, and no plugin", t->owner);
    else if (t->pointing)
        buf_add_format(why,
                       "%s: the table %s of another plugin refers to %s: that one has to be purged before",
                       t->owner, t->pointing, t->pointed);
    else if (p->running > 0)
        buf_add_format(why, "%s: a server runs jobs of it (%lld): disable it on each, and reload them",
                       t->owner, (long long)p->running);
    return is_core || t->pointing || p->running > 0;
}

/* ---- steps; all return 0, DW_ENOMEM, or an error with its text in db_error_of() ---- */

static int look(struct purge *out, struct arena *arena, struct db_session *s, const char *plugin)
{
    *out = (struct purge){ .running = 0 };
    DW_TRY(purge_find(&out->tables, arena, s, plugin));
    if (!out->tables.has_history)
        return 0;
    for (size_t i = 0; i < PURGE_KEPT; i++)
        DW_TRY(db_find(s, DW_TO(&out->kept[i]), DB_BY_CORE, DW_LIST(kept[i].count, plugin)));
    int rc = db_find(s, DW_TO(&out->running), DB_BY_CORE,
                     DW_LIST(count_running, plugin, (dw_time){ clock_wall_us() }));
    return rc < 0 ? rc : 0;
}

static int take_away(struct db_session *s, const struct purge *p)
{
    for (size_t i = 0; i < PURGE_KEPT; i++) {
        int64_t n = kept[i].remove ? db_exec(s, DB_BY_CORE, DW_LIST(kept[i].remove, p->tables.owner)) : 0;
        if (n < 0)
            return (int)n;
    }
    return purge_drop(s, &p->tables);
}

/* ---- a session for it ---- */

static int fail(struct buf *why, const struct db_session *s, const char *plugin, const char *what)
{
    const char *text = s ? db_error_of(s)->text : "";

    buf_add_format(why, "%s: %s: %s", plugin, what, *text ? text : "out of memory");
    return -1;
}

static int open_session(struct db_session **out, struct db *db, const char *plugin, struct buf *why)
{
    const struct db_who who = { .owner = "core", .is_unguarded = true, .now_us = clock_wall_us() };

    return db_session_create(out, db, &who) == 0 ? 0 : fail(why, NULL, plugin, "cannot be looked at");
}

int purge_look(struct purge *out, struct arena *arena, struct db *db, const char *plugin, struct buf *why)
{
    struct db_session *s;

    if (open_session(&s, db, plugin, why) != 0)
        return -1;
    int rc = look(out, arena, s, plugin);
    if (rc < 0)
        fail(why, s, plugin, "what there is of it cannot be found out");
    db_session_destroy(s);
    return rc < 0 ? -1 : 0;
}

static int note(struct db_session *s, const char *plugin)
{
    char account[AUDIT_TEXT_MAX + 1];
    const char *wrong;

    return audit_record(NULL, s,
                        &(struct audit_record){ .actor = audit_machine(account),
                                                .plugin = "core",
                                                .action = "core.plugin.purged",
                                                .target = plugin,
                                                .at_us = clock_wall_us() },
                        &wrong);
}

/* In the open transaction, under the lock of migrations: no server brings the plugin up meanwhile. */
static int carry_out(struct purge *out, struct arena *arena, struct db_session *s, const char *plugin,
                     struct buf *why)
{
    DW_TRY(db_lock(s, "migrations", PATIENCE_US));
    DW_TRY(db_begin(s));
    DW_TRY(look(out, arena, s, plugin));
    if (purge_is_refused(out, why))
        return DW_EDENIED;
    DW_TRY(take_away(s, out));
    DW_TRY(note(s, plugin));
    return db_commit(s);
}

/* 1: the engine wants it done again. */
static int try_once(struct purge *out, struct arena *arena, struct db *db, const char *plugin,
                    struct buf *why)
{
    struct db_session *s;

    if (open_session(&s, db, plugin, why) != 0)
        return -1;
    int rc = carry_out(out, arena, s, plugin, why);
    if (rc < 0 && why->n == 0)
        fail(why, s, plugin,
             rc == DW_EUNKNOWN ? "it is not known whether all is gone, look again" : "nothing was changed");
    if (rc < 0)
        rc = db_wants_repeat(s) ? 1 : -1;
    db_session_destroy(s);
    return rc;
}

int purge_run(struct purge *out, struct arena *arena, struct db *db, const char *plugin, struct buf *why)
{
    int rc = 1;

    for (int i = 0; i < TRIES_MAX && rc > 0; i++) {
        why->n = 0;
        rc = try_once(out, arena, db, plugin, why);
    }
    if (rc == 0 && db_learn_walls(db, why) != 0)
        rc = -1;
    return rc == 0 ? 0 : -1;
}
