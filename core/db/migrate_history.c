#include "db/migrate_history.h"

#include "util/clock.h"

enum { ROOM_FOR_MORE = 16 }; /* than were counted a moment before */

/* Without walls and without a migration of their own: whatever is carried out needs them first. */
static const char make_tables[] = "CREATE TABLE IF NOT EXISTS dowel_migrations (\n"
                                  "    owner      TEXT        NOT NULL,\n"
                                  "    number     INTEGER     NOT NULL,\n"
                                  "    name       TEXT        NOT NULL,\n"
                                  "    checksum   TEXT        NOT NULL,\n"
                                  "    applied_at TIMESTAMPTZ NOT NULL,\n"
                                  "    took_us    BIGINT      NOT NULL,\n"
                                  "    server     TEXT        NOT NULL,\n"
                                  "    PRIMARY KEY (owner, number)\n"
                                  ");\n"
                                  "CREATE TABLE IF NOT EXISTS dowel_tenant_tables (\n"
                                  "    name  TEXT NOT NULL PRIMARY KEY,\n"
                                  "    owner TEXT NOT NULL\n"
                                  ");\n";

static const char *const exists[] = {
    [DB_SQLITE] = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1",
    [DB_POSTGRES] = "SELECT count(*) FROM information_schema.tables\n"
                    " WHERE table_schema = current_schema() AND table_name = $1",
};

/* 1: they are there, 0: not. Both, as they are made in one transaction. */
static int has_tables(struct db_session *s, enum db_engine engine)
{
    int64_t n = 0;
    int rc = db_find(s, DW_TO(&n), DB_BY_CORE, DW_LIST(exists[engine], "dowel_tenant_tables"));

    return rc < 0 ? rc : n > 0;
}

int history_make_tables(struct db_session *s, enum db_engine engine)
{
    int rc = has_tables(s, engine);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    DW_TRY(db_begin(s));
    rc = db_run_script(s, str_from(make_tables));
    if (rc >= 0)
        return db_commit(s);
    return rc;
}

static bool take_record(struct migrate_record *out, struct arena *arena, const struct migrate_record *row)
{
    *out = *row;
    out->owner = arena_copy(arena, str_from(row->owner));
    out->name = arena_copy(arena, str_from(row->name));
    out->checksum = arena_copy(arena, str_from(row->checksum));
    out->server = arena_copy(arena, str_from(row->server));
    return out->owner && out->name && out->checksum && out->server;
}

static int read_rows(struct migrate_history *out, size_t room, struct arena *arena, struct db_rows *rows)
{
    struct migrate_record row;
    dw_time at;
    int64_t number;
    int rc;

    while ((rc = db_rows_next(rows)) > 0) {
        DW_TRY(db_rows_read(
            rows, DW_TO(&row.owner, &number, &row.name, &row.checksum, &at, &row.took_us, &row.server)));
        row.number = (unsigned)number;
        row.applied_at_us = at.us;
        if (out->n == room || !take_record(&out->v[out->n++], arena, &row))
            return DW_ENOMEM;
    }
    return rc;
}

int history_load(struct migrate_history *out, struct arena *arena, struct db_session *s,
                 enum db_engine engine)
{
    struct db_rows *rows;
    int64_t n = 0;

    *out = (struct migrate_history){ NULL, 0 };
    int rc = has_tables(s, engine);
    if (rc <= 0)
        return rc;
    DW_TRY(db_find(s, DW_TO(&n), DB_BY_CORE, DW_LIST("SELECT count(*) FROM dowel_migrations")));
    out->v = arena_calloc(arena, ((size_t)n + ROOM_FOR_MORE) * sizeof(*out->v));
    if (!out->v)
        return DW_ENOMEM;
    DW_TRY(db_query(s, &rows, DB_BY_CORE,
                    DW_LIST("SELECT owner, number, name, checksum, applied_at, took_us, server\n"
                            "  FROM dowel_migrations\n"
                            " ORDER BY owner, number")));
    rc = read_rows(out, (size_t)n + ROOM_FOR_MORE, arena, rows);
    db_rows_close(rows);
    return rc;
}

/* ---- changing it ---- */

static int add_tables(struct db_session *s, const struct migration *m, enum migration_way way)
{
    for (size_t i = 0; i < m->tenant_tables_n[way]; i++) {
        int64_t n = db_exec(s, DB_BY_CORE,
                            DW_LIST("INSERT INTO dowel_tenant_tables (name, owner) VALUES ($1, $2)",
                                    m->tenant_tables[way][i], m->owner));
        if (n < 0)
            return (int)n;
    }
    return 0;
}

int history_forget_tables(struct db_session *s, const char *const *tables, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t rc =
            db_exec(s, DB_BY_CORE, DW_LIST("DELETE FROM dowel_tenant_tables WHERE name = $1", tables[i]));
        if (rc < 0)
            return (int)rc;
    }
    return 0;
}

int history_add(struct db_session *s, const struct migration *m, int64_t took_us)
{
    DW_TRY(add_tables(s, m, MIGRATION_UP));
    int64_t n = db_exec(s, DB_BY_CORE,
                        DW_LIST("INSERT INTO dowel_migrations\n"
                                "       (owner, number, name, checksum, applied_at, took_us, server)\n"
                                "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                                m->owner, (int)m->number, m->name, m->checksum, (dw_time){ clock_wall_us() },
                                took_us, DOWEL_VERSION));
    return n < 0 ? (int)n : 0;
}

int history_remove(struct db_session *s, const struct migration *m)
{
    DW_TRY(history_forget_tables(s, m->tenant_tables[MIGRATION_UP], m->tenant_tables_n[MIGRATION_UP]));
    DW_TRY(add_tables(s, m, MIGRATION_DOWN));
    int64_t n = db_exec(
        s, DB_BY_CORE,
        DW_LIST("DELETE FROM dowel_migrations WHERE owner = $1 AND number = $2", m->owner, (int)m->number));
    return n < 0 ? (int)n : 0;
}
