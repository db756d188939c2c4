/* SQL as it is written and as an engine gets it. That the guard holds is shown in wall_test.c, with the library. */
#include "db/statement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/compiler.h"

static bool notes_has_wall(struct str table, const void *ud)
{
    (void)ud;
    return str_equal(table, STR_OF("notes"));
}

static struct statement_rules rules_for(enum db_engine engine, enum db_author by, bool is_guarded)
{
    return (struct statement_rules){
        .engine = engine, .by = by, .is_guarded = is_guarded, .has_wall = notes_has_wall
    };
}

/* The statement, or NULL and its refusal in why. */
static struct statement *read_sql(struct arena *arena, const char *sql, const struct statement_rules *rules,
                                  struct buf *why)
{
    struct statement *s;
    int rc = statement_read(&s, arena, sql, rules, why);

    if (rc == 0)
        return s;
    assert_int_equal(rc, DW_EMISUSE);
    assert_null(s);
    assert_true(why->n > 0);
    return NULL;
}

static void check_text(const char *sql, const char *wanted, const struct statement_rules *rules)
{
    struct arena arena;
    struct buf why = BUF_INIT;
    struct statement *s;

    arena_init(&arena, NULL, 0, 0);
    s = read_sql(&arena, sql, rules, &why);
    if (!s)
        fail_msg("%s\nwas refused: %s", sql, buf_text(&why));
    else if (strcmp(s->text, wanted) != 0)
        fail_msg("%s\nwanted: %s\ngot:    %s", sql, wanted, s->text);
    arena_finish(&arena);
    buf_finish(&why);
}

/* ---- parameters ---- */

static const struct {
    const char *sql, *sqlite, *postgres;
} numbered[] = {
    { "SELECT 1", "SELECT 1", "SELECT 1" },
    { "SELECT $1, $2, $1", "SELECT ?1, ?2, ?1", "SELECT $1, $2, $1" },
    { "SELECT $2, $1", "SELECT ?1, ?2", "SELECT $1, $2" },
    { "SELECT :now, $1, :tenant, :now, :me", "SELECT ?1, ?2, ?3, ?1, ?4", "SELECT $1, $2, $3, $1, $4" },
    { "SELECT ':tenant $1', \":me\" /* $9 */ -- :you\n, $1",
      "SELECT ':tenant $1', \":me\" /* $9 */ -- :you\n, ?1",
      "SELECT ':tenant $1', \":me\" /* $9 */ -- :you\n, $1" },
    { "SELECT 'it''s $1', $1 ;", "SELECT 'it''s $1', ?1 ;", "SELECT 'it''s $1', $1 ;" },
    { "SELECT a.b$1 FROM a", "SELECT a.b$1 FROM a", "SELECT a.b$1 FROM a" },
};

static void test_parameters_are_numbered(void **state)
{
    const struct statement_rules sqlite = rules_for(DB_SQLITE, DB_BY_PLUGIN, true),
                                 postgres = rules_for(DB_POSTGRES, DB_BY_PLUGIN, true);

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(numbered); i++) {
        check_text(numbered[i].sql, numbered[i].sqlite, &sqlite);
        check_text(numbered[i].sql, numbered[i].postgres, &postgres);
    }
    check_text("SELECT :now::text, x::tenant, $1::uuid", "SELECT $1::text, x::tenant, $2::uuid", &postgres);
}

static void test_sources_are_told(void **state)
{
    const struct statement_rules rules = rules_for(DB_POSTGRES, DB_BY_PLUGIN, true);
    static const struct statement_parameter wanted[] = {
        { STATEMENT_NOW, 0 },   { STATEMENT_VALUE, 1 }, { STATEMENT_TENANT, 0 },
        { STATEMENT_VALUE, 0 }, { STATEMENT_ME, 0 },
    };
    struct arena arena;
    struct buf why = BUF_INIT;
    struct statement *s;

    (void)state;
    arena_init(&arena, NULL, 0, 0);
    s = read_sql(&arena, "SELECT :now, $2, :tenant, $1, :me, :now, $2", &rules, &why);
    assert_non_null(s);
    assert_int_equal(s->parameters_n, DW_COUNT_OF(wanted));
    assert_int_equal(s->values_n, 2);
    for (size_t i = 0; i < DW_COUNT_OF(wanted); i++) {
        assert_int_equal(s->parameters[i].source, wanted[i].source);
        assert_int_equal(s->parameters[i].value, wanted[i].value);
    }
    arena_finish(&arena);
    buf_finish(&why);
}

/* ---- what a statement is ---- */

static const struct {
    const char *sql;
    enum statement_kind kind;
    bool writes, is_upsert, is_returning;
    const char *target;
    bool has_wall;
} shapes[] = {
    { "SELECT 1", STATEMENT_SELECT, false, false, false, NULL, false },
    { "VALUES (1), (2)", STATEMENT_SELECT, false, false, false, NULL, false },
    { "(SELECT 1) UNION (SELECT 2)", STATEMENT_SELECT, false, false, false, NULL, false },
    { "SELECT * FROM notes FOR UPDATE", STATEMENT_SELECT, false, false, false, NULL, false },
    { "WITH a AS (SELECT 1), b (x, y) AS NOT MATERIALIZED (SELECT 1, 2) SELECT * FROM a, b", STATEMENT_SELECT,
      false, false, false, NULL, false },
    { "INSERT INTO notes (id) VALUES ($1)", STATEMENT_INSERT, true, false, false, "notes", true },
    { "insert into Tags AS t (id) select id from notes returning id", STATEMENT_INSERT, true, false, true,
      "tags", false },
    { "INSERT INTO notes (id) VALUES ($1) ON CONFLICT (id) DO NOTHING", STATEMENT_INSERT, true, false, false,
      "notes", true },
    { "INSERT INTO notes (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET id = 1 WHERE x RETURNING *",
      STATEMENT_INSERT, true, true, true, "notes", true },
    { "UPDATE notes AS n SET x = (SELECT 1) WHERE id = 1 RETURNING id", STATEMENT_UPDATE, true, false, true,
      "notes", true },
    { "DELETE FROM \"notes\"", STATEMENT_DELETE, true, false, false, "notes", true },
    { "WITH a AS (DELETE FROM notes RETURNING id) SELECT * FROM a", STATEMENT_SELECT, true, false, false,
      "notes", true },
    { "WITH a AS (DELETE FROM notes RETURNING id) INSERT INTO tags SELECT * FROM a", STATEMENT_INSERT, true,
      false, false, "tags", false },
    { "WITH a AS (WITH b AS (SELECT 1) UPDATE tags SET x = 1 RETURNING id) SELECT * FROM a", STATEMENT_SELECT,
      true, false, false, "tags", false },
};

static void test_shape_is_known(void **state)
{
    const struct statement_rules rules = rules_for(DB_POSTGRES, DB_BY_PLUGIN, true);

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(shapes); i++) {
        struct arena arena;
        struct buf why = BUF_INIT;
        arena_init(&arena, NULL, 0, 0);
        struct statement *s = read_sql(&arena, shapes[i].sql, &rules, &why);
        if (!s)
            fail_msg("%s: %s", shapes[i].sql, buf_text(&why));
        else if (s->kind != shapes[i].kind || s->writes != shapes[i].writes ||
                 s->is_upsert != shapes[i].is_upsert || s->is_returning != shapes[i].is_returning ||
                 s->target_has_wall != shapes[i].has_wall ||
                 !str_equal(str_from(s->target), str_from(shapes[i].target)))
            fail_msg("%s: kind %d writes %d upsert %d returning %d target %s wall %d", shapes[i].sql, s->kind,
                     s->writes, s->is_upsert, s->is_returning, s->target ? s->target : "none",
                     s->target_has_wall);
        arena_finish(&arena);
        buf_finish(&why);
    }
}

/* ---- the guard of SQLite ---- */

#define MINE "main.notes.tenant_id = dw_tenant()"

static const struct {
    const char *sql, *guarded;
} guarded[] = {
    { "SELECT * FROM notes", "SELECT * FROM notes" },
    { "INSERT INTO notes (id) VALUES (1)", "INSERT INTO main.notes (id) VALUES (1)" },
    { "INSERT INTO \"notes\" AS n SELECT * FROM notes",
      "INSERT INTO main.\"notes\" AS n SELECT * FROM notes" },
    { "INSERT INTO notes SELECT * FROM tags t JOIN tags u ON t.id = u.id ON CONFLICT DO NOTHING",
      "INSERT INTO main.notes SELECT * FROM tags t JOIN tags u ON t.id = u.id WHERE true ON CONFLICT DO "
      "NOTHING" },
    { "INSERT INTO tags SELECT * FROM tags WHERE x ON CONFLICT DO NOTHING",
      "INSERT INTO tags SELECT * FROM tags WHERE x ON CONFLICT DO NOTHING" },
    { "INSERT INTO tags (id) VALUES (1)", "INSERT INTO tags (id) VALUES (1)" },
    { "UPDATE notes SET x = 1", "UPDATE main.notes SET x = 1 WHERE " MINE },
    { "UPDATE notes SET x = 1;", "UPDATE main.notes SET x = 1 WHERE " MINE ";" },
    { "UPDATE NOTES SET x = 1 WHERE a OR b",
      "UPDATE main.NOTES SET x = 1 WHERE main.NOTES.tenant_id = dw_tenant() AND ( a OR b)" },
    { "UPDATE notes SET x = 1 WHERE a OR b RETURNING id",
      "UPDATE main.notes SET x = 1 WHERE " MINE " AND ( a OR b) RETURNING id" },
    { "UPDATE notes SET x = 1 RETURNING id", "UPDATE main.notes SET x = 1 WHERE " MINE " RETURNING id" },
    { "UPDATE notes SET x = 1 ORDER BY id LIMIT 1",
      "UPDATE main.notes SET x = 1 WHERE " MINE " ORDER BY id LIMIT 1" },
    { "UPDATE notes AS n SET x = 1 WHERE n.a",
      "UPDATE main.notes AS n SET x = 1 WHERE n.tenant_id = dw_tenant() AND ( n.a)" },
    { "UPDATE notes SET x = t.x FROM tags AS t WHERE t.id = notes.id",
      "UPDATE main.notes SET x = t.x FROM tags AS t WHERE " MINE " AND ( t.id = notes.id)" },
    { "UPDATE notes SET x = (SELECT max(x) FROM notes WHERE y LIMIT 1) WHERE id = $1",
      "UPDATE main.notes SET x = (SELECT max(x) FROM notes WHERE y LIMIT 1) WHERE " MINE " AND ( id = ?1)" },
    { "WITH w AS (SELECT 1 WHERE 1) UPDATE notes SET x = 1 WHERE id IN (SELECT * FROM w)",
      "WITH w AS (SELECT 1 WHERE 1) UPDATE main.notes SET x = 1 WHERE " MINE
      " AND ( id IN (SELECT * FROM w))" },
    { "DELETE FROM notes", "DELETE FROM main.notes WHERE " MINE },
    { "UPDATE notes SET x = 1 WHERE notes.limit OR notes.order", /* PostgreSQL's column may be called so */
      "UPDATE main.notes SET x = 1 WHERE " MINE " AND ( notes.limit OR notes.order)" },
    { "UPDATE notes SET x = 1 FROM tags ON CONFLICT DO NOTHING WHERE a", /* the engine's to refuse */
      "UPDATE main.notes SET x = 1 FROM tags ON CONFLICT DO NOTHING WHERE " MINE " AND ( a)" },
    { "DELETE FROM notes -- all\n", "DELETE FROM main.notes WHERE " MINE },
    { "DELETE FROM notes WHERE a -- some\n;", "DELETE FROM main.notes WHERE " MINE " AND ( a) -- some\n;" },
    { "DELETE FROM notes AS \"the n\" WHERE a",
      "DELETE FROM main.notes AS \"the n\" WHERE \"the n\".tenant_id = dw_tenant() AND ( a)" },
    { "DELETE FROM tags WHERE a", "DELETE FROM tags WHERE a" },
};

static void test_guarded_writes_stand_behind_the_wall(void **state)
{
    const struct statement_rules rules = rules_for(DB_SQLITE, DB_BY_PLUGIN, true),
                                 core = rules_for(DB_SQLITE, DB_BY_CORE, true),
                                 free_session = rules_for(DB_SQLITE, DB_BY_CORE, false);

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(guarded); i++) {
        check_text(guarded[i].sql, guarded[i].guarded, &rules);
        check_text(guarded[i].sql, guarded[i].guarded, &core);
    }
    check_text("UPDATE notes SET x = 1", "UPDATE notes SET x = 1", &free_session);
}

/* ---- refusals ---- */

static const struct {
    const char *sql, *says; /* a part of the sentence */
} refused[] = {
    { "", "no statement" },
    { "   -- nothing\n", "no statement" },
    { "SELECT 1; SELECT 2", "line 1, column 11" },
    { "SELECT 1; SELECT 2", "second statement" },
    { "SELECT * FROM main.notes", "names a schema" },
    { "SELECT\n  * FROM\n    \"main\" . notes", "line 3, column 5" },
    { "SELECT main.notes.id FROM notes", "two parts" },
    { "SELECT * FROM temp.notes", "names a schema" },
    { "SELECT * FROM public.notes", "names a schema" },
    { "SELECT * FROM other.notes", "names a schema" },
    { "SELECT * FROM a JOIN other.notes ON true", "names a schema" },
    { "SELECT * FROM a, other.notes", "names a schema" },
    { "SELECT * FROM (other.notes JOIN b ON true)", "names a schema" },
    { "SELECT (SELECT 1 FROM other.notes)", "names a schema" },
    { "INSERT INTO other.notes VALUES (1)", "names a schema" },
    { "UPDATE other.notes SET x = 1", "names a schema" },
    { "DELETE FROM other.notes", "names a schema" },
    { "SELECT pg_catalog.now()", "PostgreSQL's own" },
    { "SELECT other.f(1)", "function has no schema" },
    { "SELECT * FROM dowel_jobs", "are the server's" },
    { "SELECT * FROM DOWEL_jobs", "are the server's" },
    { "SELECT * FROM \"dowel_jobs\"", "are the server's" },
    { "SELECT * FROM sqlite_master", "SQLite's own" },
    { "SELECT * FROM pragma_table_info('notes')", "SQLite's own" },
    { "SELECT * FROM pg_class", "PostgreSQL's own" },
    { "SELECT * FROM information_schema.tables", "catalog" },
    { "SELECT * FROM dbstat", "own tables" },
    { "ATTACH 'x' AS y", "belong to the server" },
    { "DETACH y", "belong to the server" },
    { "PRAGMA journal_mode", "belong to the server" },
    { "VACUUM", "belong to the server" },
    { "begin", "dw_tx_begin" },
    { "COMMIT", "dw_tx_commit" },
    { "ROLLBACK", "dw_tx_rollback" },
    { "SAVEPOINT a", "dw_tx_begin" },
    { "SET ROLE x", "belong to the server" },
    { "LOCK TABLE notes", "SELECT" },
    { "COPY notes TO STDOUT", "INSERT" },
    { "CREATE TABLE x (y)", "migrations" },
    { "DROP TABLE notes", "migrations" },
    { "ALTER TABLE notes ADD x", "migrations" },
    { "GRANT ALL ON notes TO x", "belong to the server" },
    { "EXPLAIN SELECT 1", "shell" },
    { "TABLE notes", "SELECT .. FROM" },
    { "SELECT * FROM (TABLE notes) q", "SELECT .. FROM" },
    { "FROBNICATE", "begins with SELECT" },
    { "SELECT * INTO x FROM notes", "makes a table" },
    { "REPLACE INTO notes VALUES (1)", "ON CONFLICT" },
    { "INSERT OR REPLACE INTO notes VALUES (1)", "ON CONFLICT" },
    { "INSERT OR IGNORE INTO notes VALUES (1)", "ON CONFLICT" },
    { "UPDATE OR REPLACE notes SET id = 1", "ON CONFLICT" },
    { "UPDATE OR FAIL notes SET id = 1", "ON CONFLICT" },
    { "WITH a AS (SELECT 1) INSERT OR REPLACE INTO notes SELECT * FROM a", "ON CONFLICT" },
    { "SELECT rowid FROM notes", "no number" },
    { "SELECT n._rowid_ FROM notes n", "no number" },
    { "DELETE FROM notes WHERE OID = 1", "no number" },
    { "SELECT \"rowid\" FROM notes", "no number" },
    { "SELECT ctid FROM notes", "no number" },
    { "SELECT xmin FROM notes", "no number" },
    { "SELECT set_config('dowel.tenant', 'x', true)", "belong to the server" },
    { "SELECT \"set_config\" ('dowel.tenant', 'x', true)", "belong to the server" },
    { "SELECT current_setting('dowel.tenant')", ":tenant" },
    { "SELECT pg_read_file('/etc/passwd')", "PostgreSQL's own" },
    { "SELECT load_extension('x')", "belong to the server" },
    { "SELECT dw_tenant()", "dw_" },
    { "SELECT DW_upsert()", "dw_" },
    { "SELECT query_to_xml('SELECT 1', true, true, '')", "SQL that stands in a text" },
    { "SELECT last_insert_rowid()", "connection" },
    { "SELECT $1, $3", "$2 is used nowhere" },
    { "SELECT $0", "from $1 on" },
    { "SELECT $99999999999999999999", "from $1 on" },
    { "SELECT :you", ":tenant, :me and :now" },
    { "SELECT 'x", "no end" },
    { "SELECT \"x", "no end" },
    { "SELECT 1 /* x", "no end" },
    { "SELECT (1", "never closed" },
    { "UPDATE notes SET x = 1 WHERE a) OR (b", "closes nothing" },
    { "SELECT `x`", "\"..\"" },
    { "SELECT $name", "$1" },
    { "UPDATE 'notes' SET x = 1", "\"..\"" },
    { "UPDATE", "cut off" },
    { "WITH a AS", "cut off" },
};

static void check_refused(const char *sql, const char *says, const struct statement_rules *rules)
{
    struct arena arena;
    struct buf why = BUF_INIT;

    arena_init(&arena, NULL, 0, 0);
    if (read_sql(&arena, sql, rules, &why))
        fail_msg("accepted: %s", sql);
    else if (!strstr(buf_text(&why), says))
        fail_msg("%s\nwas refused with: %s\nwithout: %s", sql, buf_text(&why), says);
    arena_finish(&arena);
    buf_finish(&why);
}

static void test_refusals_say_what_to_do(void **state)
{
    const struct statement_rules sqlite = rules_for(DB_SQLITE, DB_BY_PLUGIN, true),
                                 postgres = rules_for(DB_POSTGRES, DB_BY_PLUGIN, true);

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(refused); i++) {
        check_refused(refused[i].sql, refused[i].says, &sqlite);
        check_refused(refused[i].sql, refused[i].says, &postgres);
    }
}

static const char *const only_sqlite_refuses[] = {
    "SELECT [x] FROM notes",
    "SELECT ?",
    "SELECT ?1",
    "SELECT @x",
    "SELECT x::text",
    "SELECT $$x$$",
    "SELECT $tag$x$tag$",
    "SELECT E'x\\'y'",
    "SELECT 1 /* a /* b */ c */",
    "UPDATE notes SET 'rowid' = 3",
    "UPDATE notes SET x = 1, 'rowid' = 3",
    "UPDATE notes SET x = (1), (y, 'rowid') = (1, 3)",
    "INSERT INTO notes ('rowid', x) VALUES (1, 2)",
    "INSERT INTO notes AS n (x, 'rowid') VALUES (1, 2)",
    "INSERT INTO notes (x) VALUES (1) ON CONFLICT DO UPDATE SET 'rowid' = 3",
    "SELECT 1 IN 'dowel_secrets'",
    "SELECT 1 NOT IN 'dowel_secrets'",
    "SELECT * FROM a, 'dowel_secrets'",
    "SELECT * FROM (a, 'dowel_secrets')",
    "SELECT * FROM ('dowel_secrets')",
    "SELECT * FROM a JOIN 'dowel_secrets'",
    "DELETE FROM 'dowel_secrets'",
    "INSERT INTO 'dowel_secrets' VALUES (1)",
    "UPDATE notes SET x = 1 FROM 'dowel_secrets'",
    "SELECT * FROM 'notes'",
    "SELECT * FROM 'main'.notes",
    "SELECT 'notes'.id FROM a",
    "WITH a AS (DELETE FROM notes RETURNING *) SELECT * FROM a",
};

static void test_sqlite_refuses_what_it_reads_otherwise(void **state)
{
    const struct statement_rules rules = rules_for(DB_SQLITE, DB_BY_PLUGIN, true);

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(only_sqlite_refuses); i++)
        check_refused(only_sqlite_refuses[i], "line 1", &rules);
}

/* ---- what looks like a refusal and is none ---- */

static const char *const accepted[] = {
    "SELECT n.id FROM notes n WHERE n.x = 1",
    "SELECT extract(year FROM n.created_at) FROM notes n",
    "SELECT substring(n.title FROM n.a FOR n.b) FROM notes n",
    "SELECT * FROM notes n, tags t WHERE n.a IS DISTINCT FROM t.a AND n.b IS NOT DISTINCT FROM t.b",
    "SELECT * FROM notes n ORDER BY n.a, n.b",
    "SELECT * FROM notes n JOIN tags t USING (id) WHERE t.x IN (n.a, n.b)",
    "SELECT * FROM notes n JOIN tags t ON t.id = n.id AND t.x = n.x GROUP BY n.a, t.b HAVING count(t.a) > 1",
    "SELECT count(*) FILTER (WHERE n.x), max(n.x) OVER (PARTITION BY n.a, n.b ORDER BY n.c) FROM notes n",
    "SELECT * FROM (SELECT n.a, n.b FROM notes n) q WHERE q.a = 1",
    "SELECT * FROM (VALUES (1, 2), (3, 4)) AS v (a, b) WHERE v.a = v.b",
    "SELECT * FROM notes n FOR UPDATE OF n",
    "SELECT replace(title, 'a', 'b'), 'dowel_jobs; main.notes' FROM notes",
    "SELECT title AS \"a.b;c\" FROM notes -- main.notes\n",
    ("INSERT INTO notes (id, title) SELECT t.id, t.title FROM tags t WHERE t.x ON CONFLICT (tenant_id, id) "
     "DO "
     "UPDATE SET"
     " title = excluded.title, x = notes.x + 1 WHERE notes.x < excluded.x RETURNING id, title"),
    "UPDATE notes SET a = t.a, b = t.b FROM tags t, notes m WHERE t.id = notes.id AND m.id = t.id",
    "DELETE FROM notes WHERE notes.id = $1 RETURNING id",
    "SELECT CASE WHEN n.a THEN n.b ELSE n.c END FROM notes n",
    "UPDATE notes SET x = 'rowid', y = coalesce('a', 'b'), (z, w) = ('c', 'd') WHERE x IN ('a', 'b') AND y = "
    "'c'",
    "INSERT INTO notes (x, y) VALUES ('a', 'rowid'), ('b', 'c')",
    "INSERT INTO notes (x) SELECT 'a' FROM tags AS t WHERE t.x IN ('a') UNION SELECT 'b'",
    "SELECT 'a', 'b' FROM notes n WHERE n.x = 'c' GROUP BY n.x, n.y ORDER BY 1, 2",
    "SELECT 'a' IS DISTINCT FROM 'b', substring('abc' FROM 'b'), trim(BOTH 'x' FROM 'xax')",
    "SELECT end_at, begin_at, set_at FROM notes;",
};

static void test_usual_sql_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(accepted); i++) {
        for (enum db_engine engine = DB_SQLITE; engine <= DB_POSTGRES; engine++) {
            const struct statement_rules rules = rules_for(engine, DB_BY_PLUGIN, true);
            struct arena arena;
            struct buf why = BUF_INIT;
            arena_init(&arena, NULL, 0, 0);
            if (!read_sql(&arena, accepted[i], &rules, &why))
                fail_msg("%s: %s", accepted[i], buf_text(&why));
            arena_finish(&arena);
            buf_finish(&why);
        }
    }
}

static void test_core_names_its_tables(void **state)
{
    const struct statement_rules core = rules_for(DB_SQLITE, DB_BY_CORE, false);
    struct statement_rules migration = core;

    (void)state;
    check_text("UPDATE dowel_jobs SET state = $2 WHERE id = $1",
               "UPDATE dowel_jobs SET state = ?1 WHERE id = ?2", &core);
    check_text("PRAGMA data_version", "PRAGMA data_version", &core);
    check_text("SELECT * FROM main.sqlite_master", "SELECT * FROM main.sqlite_master", &core);
    check_refused("SELECT 1; SELECT 2", "second", &core);
    migration.is_migration = true;
    check_text("CREATE TABLE a (b); INSERT OR REPLACE INTO main.a VALUES ($1)",
               "CREATE TABLE a (b); INSERT OR REPLACE INTO main.a VALUES (?1)", &migration);
}

/* Another tenant's row with the same key would be replaced, whoever wrote the SQL. */
static void test_core_cannot_replace_behind_the_wall(void **state)
{
    const struct statement_rules core = rules_for(DB_SQLITE, DB_BY_CORE, true);

    (void)state;
    check_refused("INSERT OR REPLACE INTO notes VALUES (1)", "ON CONFLICT", &core);
    check_refused("REPLACE INTO notes VALUES (1)", "ON CONFLICT", &core);
    check_text("INSERT OR REPLACE INTO dowel_x VALUES (1)", "INSERT OR REPLACE INTO dowel_x VALUES (1)",
               &core);
}

static void test_memory_that_runs_out_is_told(void **state)
{
    const struct statement_rules rules = rules_for(DB_SQLITE, DB_BY_PLUGIN, true);
    static const char sql[] = "UPDATE notes SET a = $1 WHERE id IN (SELECT id FROM tags WHERE x = :tenant)";
    int rc = DW_ENOMEM;
    size_t limit = 1;

    (void)state;
    for (; rc == DW_ENOMEM && limit < 64 * 1024; limit += 16) {
        char first[16];
        struct arena arena;
        struct buf why = BUF_INIT;
        struct statement *s;
        arena_init(&arena, first, sizeof first, limit);
        rc = statement_read(&s, &arena, sql, &rules, &why);
        arena_finish(&arena);
        buf_finish(&why);
    }
    assert_int_equal(rc, 0);
    assert_true(limit > 200); /* it did run out */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_are_numbered),
        cmocka_unit_test(test_sources_are_told),
        cmocka_unit_test(test_shape_is_known),
        cmocka_unit_test(test_guarded_writes_stand_behind_the_wall),
        cmocka_unit_test(test_refusals_say_what_to_do),
        cmocka_unit_test(test_sqlite_refuses_what_it_reads_otherwise),
        cmocka_unit_test(test_usual_sql_is_accepted),
        cmocka_unit_test(test_core_names_its_tables),
        cmocka_unit_test(test_core_cannot_replace_behind_the_wall),
        cmocka_unit_test(test_memory_that_runs_out_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
