/* db_steps.h - sessions for tests of the database, and steps that must not fail. */
#ifndef TESTS_DB_STEPS_H
#define TESTS_DB_STEPS_H

#include "db/db.h"
#include "util/buf.h"
#include "util/clock.h"

#define TENANT_A "0190a000-0000-7000-8000-00000000000a"
#define TENANT_B "0190b000-0000-7000-8000-00000000000b"

static inline struct db_session *as_who(struct db *db, struct db_who who)
{
    struct db_session *s;

    who.owner = "test";
    who.now_us = INT64_C(1790000000123456);
    assert_int_equal(db_session_create(&s, db, &who), 0);
    return s;
}

static inline struct db_session *as_tenant(struct db *db, const char *tenant)
{
    return as_who(db,
                  (struct db_who){ .tenant = tenant, .principal = "0190cccc-0000-7000-8000-000000000001" });
}

static inline struct db_session *as_system(struct db *db)
{
    return as_who(db, (struct db_who){ .is_system = true });
}

static inline struct db_session *as_migration(struct db *db)
{
    return as_who(db, (struct db_who){ .is_system = true, .is_unguarded = true });
}

static inline int64_t must_(struct db_session *s, int64_t rc, int line)
{
    if (rc < 0)
        fail_msg("line %d: %d: %s (%s)", line, (int)rc, db_error_of(s)->text, db_error_of(s)->detail);
    return rc;
}
#define must(s, step) must_((s), (step), __LINE__)

#define EXEC(s, ...) db_exec((s), DB_BY_PLUGIN, DW_LIST(__VA_ARGS__))

/* One number, which must be there. */
#define NUMBER(s, ...) number_((s), __LINE__, DW_LIST(__VA_ARGS__))
static inline int64_t number_(struct db_session *s, int line, dw_list sql_and_values)
{
    int64_t n = -1;

    if (must_(s, db_find(s, DW_TO(&n), DB_BY_PLUGIN, sql_and_values), line) != 1)
        fail_msg("line %d: no row", line);
    return n;
}

/* All rows as JSON, or the error as "!-5 text". The text is good until the next of these. */
#define ROWS(s, ...)      rows_((s), DB_BY_PLUGIN, DW_LIST(__VA_ARGS__))
#define CORE_ROWS(s, ...) rows_((s), DB_BY_CORE, DW_LIST(__VA_ARGS__))
static inline const char *rows_(struct db_session *s, enum db_author by, dw_list sql_and_values)
{
    static char text[65536];
    struct buf out = BUF_INIT;
    struct db_rows *rows;

    int rc = db_query(s, &rows, by, sql_and_values);
    while (rc >= 0 && (rc = db_rows_next(rows)) > 0) {
        if (db_rows_write_json(rows, &out) != 0)
            buf_add_format(&out, "{cannot be written: %s}", db_error_of(s)->text);
    }
    db_rows_close(rows);
    if (rc < 0) {
        out.n = 0;
        buf_add_format(&out, "!%d %s", rc, db_error_of(s)->text);
    }
    snprintf(text, sizeof(text), "%s", buf_text(&out));
    buf_finish(&out);
    return text;
}

/* Runs SQL without values in a transaction of a migration's session. */
static inline void migrate(struct db *db, const char *sql)
{
    struct db_session *s = as_migration(db);

    must(s, db_begin(s));
    must(s, db_run_script(s, str_from(sql)));
    must(s, db_commit(s));
    db_session_destroy(s);
}

static inline void assert_contains_(const char *text, const char *part, int line)
{
    if (!strstr(text, part))
        fail_msg("line %d: \"%s\" is not in \"%s\"", line, part, text);
}
#define assert_contains(text, part) assert_contains_((text), (part), __LINE__)

#endif
