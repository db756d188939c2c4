#include "db/migration_lint.h"

#include <string.h>

/* The tables that have a wall when a migration begins. */
struct earlier {
    const struct migrations *migrations;
    size_t n; /* of these */
};

static bool has_wall(struct str table, const void *ud)
{
    const struct earlier *e = ud;

    for (size_t i = 0; i < e->n; i++) {
        const struct migration *m = &e->migrations->v[i];
        for (size_t k = 0; k < m->tenant_tables_n[MIGRATION_UP]; k++) {
            if (str_equal(str_from(m->tenant_tables[MIGRATION_UP][k]), table))
                return true;
        }
    }
    return false;
}

static void add_finding(struct buf *why, const struct migration *m, const struct lint_finding *f)
{
    buf_add_format(why, "%s%s:%u: %s", why->n ? "\n" : "", m->source, f->line, f->text);
    if (f->hint)
        buf_add_format(why, "; %s", f->hint);
}

/* db_search() joins what it found with the table behind its wall: one that has none would show every tenant's words. */
static int lint_searches(const struct migrations *migrations, size_t i, enum migration_way way,
                         struct buf *why)
{
    const struct migration *m = &migrations->v[i];
    const struct earlier up = { migrations, i + 1 };
    int result = 0;

    for (size_t k = 0; k < m->searches_n[way]; k++) {
        const char *table = m->searches[way][k].table;
        bool is_walled = has_wall(str_from(table), &up);
        for (size_t t = 0; t < m->tenant_tables_n[way] && !is_walled; t++)
            is_walled = strcmp(m->tenant_tables[way][t], table) == 0;
        if (is_walled)
            continue;
        buf_add_format(why,
                       "%s%s: -- search-table: %s is no tenant table; write -- tenant-table: %s above it",
                       why->n ? "\n" : "", m->source, table, table);
        result = -1;
    }
    return result;
}

/* On the way down nothing else runs on what is taken away: see `dowel db down`. */
static int lint_way(struct lint *out, struct arena *arena, const struct migrations *migrations, size_t i,
                    enum db_engine engine, enum migration_way way, struct buf *why)
{
    const struct migration *m = &migrations->v[i];
    const struct earlier earlier = { migrations, way == MIGRATION_UP ? i : i + 1 };
    const struct lint_rules rules = {
        .engine = engine,
        .owner = str_from(m->owner),
        .is_offline = m->is_offline || way == MIGRATION_DOWN,
        .has_wall = has_wall,
        .ud = &earlier,
    };

    if (lint_migration(out, arena, &rules, migration_script(m, engine, way)) != 0) {
        buf_add_format(why, "%s%s: cannot be checked: out of memory", why->n ? "\n" : "", m->source);
        return -1;
    }
    for (size_t k = 0; k < out->n; k++)
        add_finding(why, m, &out->findings[k]);
    int searches = lint_searches(migrations, i, way, why);
    return out->n > 0 ? -1 : searches;
}

int migration_lint(struct lint *up, struct arena *arena, const struct migrations *migrations, size_t i,
                   enum db_engine engine, struct buf *why)
{
    struct lint lint, down;
    int result = lint_way(&lint, arena, migrations, i, engine, MIGRATION_UP, why);

    if (lint_way(&down, arena, migrations, i, engine, MIGRATION_DOWN, why) != 0)
        result = -1;
    if (up)
        *up = lint;
    return result;
}

static bool has_line(struct str text, struct str line)
{
    struct str one;

    while (text.n > 0 && str_split(&text, '\n', &one)) {
        if (str_equal(one, line))
            return true;
    }
    return false;
}

static void add_new_lines(struct buf *why, struct str found)
{
    struct str line;

    while (found.n > 0 && str_split(&found, '\n', &line)) {
        if (has_line(buf_str(why), line))
            continue;
        buf_add_text(why, why->n ? "\n" : "");
        buf_add_str(why, line);
    }
}

int migrations_lint(const struct migrations *migrations, struct buf *why)
{
    static const enum db_engine engines[] = { DB_SQLITE, DB_POSTGRES };
    struct arena arena;
    int result = 0;

    arena_init(&arena, NULL, 0, 0);
    for (size_t i = 0; i < migrations->n; i++) {
        for (size_t e = 0; e < DW_COUNT_OF(engines); e++) {
            struct buf found = BUF_INIT;
            if (migration_lint(NULL, &arena, migrations, i, engines[e], &found) != 0)
                result = -1;
            add_new_lines(why, buf_str(&found));
            buf_finish(&found);
        }
    }
    arena_finish(&arena);
    return result;
}
