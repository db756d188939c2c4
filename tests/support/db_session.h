/* db_session.h - tables, walls and sessions of tests, and steps that must succeed. */
#ifndef TESTS_DB_SESSION_H
#define TESTS_DB_SESSION_H

#include "db/dialect.h"
#include "db/wall.h"
#include "db_fixture.h"

#define TENANT_A "00000000-0000-7000-8000-00000000000a"
#define TENANT_B "00000000-0000-7000-8000-00000000000b"

/* Portable SQL, which may make tables; several statements, one transaction. 0 or -1, and why on standard error. */
static inline int db_fixture_script(struct db_fixture *f, const char *portable)
{
    const struct db_who who = { .owner = "core", .is_system = true, .is_unguarded = true };
    struct buf sql = BUF_INIT, why = BUF_INIT;
    struct db_session *s = NULL;
    struct arena arena;

    arena_init(&arena, NULL, 0, 0);
    int rc = dialect_write(&sql, &arena, str_from(portable), db_engine(f->db), &why);
    if (rc == 0)
        rc = db_session_create(&s, f->db, &who);
    if (rc == 0 && (rc = db_begin(s)) == 0 && (rc = db_run_script(s, buf_str(&sql))) == 0)
        rc = db_commit(s);
    if (rc != 0)
        fprintf(stderr, "%s%s\n", buf_text(&why), s ? db_error_of(s)->text : "");
    db_session_destroy(s);
    arena_finish(&arena);
    buf_finish(&sql);
    buf_finish(&why);
    return rc == 0 ? 0 : -1;
}

/* The wall around a table that is there. */
static inline int db_fixture_wall(struct db_fixture *f, const char *table)
{
    struct buf sql = BUF_INIT, why = BUF_INIT;

    if (db_engine(f->db) == DB_POSTGRES)
        wall_write_postgres(&sql, str_from(table));
    buf_add_text(
        &sql, "CREATE TABLE IF NOT EXISTS dowel_tenant_tables (name TEXT PRIMARY KEY, owner TEXT NOT NULL);");
    buf_add_format(&sql, "INSERT INTO dowel_tenant_tables (name, owner) VALUES ('%s', 'core');", table);
    int rc = db_fixture_script(f, buf_text(&sql));
    if (rc == 0 && (rc = db_learn_walls(f->db, &why)) != 0)
        fprintf(stderr, "%s\n", buf_text(&why));
    buf_finish(&sql);
    buf_finish(&why);
    return rc;
}

/* A step that must not fail; its result. */
#define OK(s, step) db_session_ok((s), (step), __FILE__, __LINE__)
static inline int64_t db_session_ok(struct db_session *s, int64_t rc, const char *file, int line)
{
    if (rc < 0) {
        print_error("%d: %s (%s)\n", (int)rc, db_error_of(s)->text, db_error_of(s)->detail);
        _fail(file, line);
    }
    return rc;
}

#define EXEC(s, ...)              OK((s), db_exec((s), DB_BY_PLUGIN, DW_LIST(__VA_ARGS__)))
#define TRY_EXEC(s, ...)          db_exec((s), DB_BY_PLUGIN, DW_LIST(__VA_ARGS__))
#define FIND(s, targets, ...)     OK((s), db_find((s), (targets), DB_BY_PLUGIN, DW_LIST(__VA_ARGS__)))
#define TRY_FIND(s, targets, ...) db_find((s), (targets), DB_BY_PLUGIN, DW_LIST(__VA_ARGS__))

static inline struct db_session *db_session_of(struct db_fixture *f, const struct db_who *who)
{
    struct db_session *s;

    assert_int_equal(db_session_create(&s, f->db, who), 0);
    return s;
}

/* Of the system: sees all. */
static inline struct db_session *db_session_system(struct db_fixture *f)
{
    return db_session_of(f,
                         &(struct db_who){ .owner = "tests", .is_system = true, .now_us = 1700000000000000 });
}

static inline struct db_session *db_session_tenant(struct db_fixture *f, const char *tenant)
{
    return db_session_of(
        f, &(struct db_who){
               .owner = "tests", .tenant = tenant, .principal = "me", .now_us = 1700000000000000 });
}

/* One number that a statement finds. */
#define NUMBER(s, ...) db_session_number((s), DW_LIST(__VA_ARGS__))
static inline int64_t db_session_number(struct db_session *s, dw_list sql)
{
    int64_t number = -1;

    if (OK(s, db_find(s, DW_TO(&number), DB_BY_PLUGIN, sql)) != 1)
        fail_msg("no row");
    return number;
}

/* All rows as JSON, one after the other. */
#define JSON_OF(s, out, ...) db_session_json((s), (out), DW_LIST(__VA_ARGS__))
static inline const char *db_session_json(struct db_session *s, struct buf *out, dw_list sql)
{
    struct db_rows *rows;

    out->n = 0;
    OK(s, db_query(s, &rows, DB_BY_PLUGIN, sql));
    while (OK(s, db_rows_next(rows)) > 0)
        assert_int_equal(db_rows_write_json(rows, out), 0);
    db_rows_close(rows);
    return buf_text(out);
}

#endif
