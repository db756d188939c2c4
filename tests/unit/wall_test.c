/* The wall of SQLite, with the library itself: two tenants, statements as a plugin writes them, read by statement.c and
 * run on a connection that has the views and triggers. Whatever a statement does, the other tenant's rows stay. */
#include "db/wall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "db/statement.h"
#include "util/compiler.h"

static const char schema[] =
    "CREATE TABLE notes (tenant_id UUID NOT NULL, id TEXT NOT NULL, title TEXT NOT NULL, n INTEGER,"
    "    PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, title));"
    "CREATE TABLE tags (tenant_id UUID NOT NULL, id TEXT NOT NULL, note TEXT, PRIMARY KEY (tenant_id, id),"
    "    FOREIGN KEY (tenant_id, note) REFERENCES notes (tenant_id, id) ON DELETE CASCADE ON UPDATE CASCADE);"
    "CREATE TABLE loose (id TEXT PRIMARY KEY, tenant_id UUID NOT NULL, title TEXT);" /* a key that crosses the wall */
    "CREATE TABLE words (id TEXT PRIMARY KEY, title TEXT);"
    "CREATE TABLE dowel_secrets (name TEXT PRIMARY KEY);"
    "INSERT INTO notes VALUES ('a', '1', 'milk', 1), ('a', '2', 'eggs', 2), ('b', '1', 'gold', 10), ('b', "
    "'3', 'salt', 30);"
    "INSERT INTO tags VALUES ('a', '1', '1'), ('b', '1', '1'), ('b', '2', '3');"
    "INSERT INTO loose VALUES ('1', 'a', 'mine'), ('2', 'b', 'theirs');"
    "INSERT INTO words VALUES ('1', 'common');";

static const char *const walled[] = { "notes", "tags", "loose" };

struct rig {
    sqlite3 *db;
    const char *tenant;
    const struct statement *statement; /* that is being prepared */
    bool is_upsert, is_leaking;
};

static bool has_wall(struct str table, const void *ud)
{
    (void)ud;
    for (size_t i = 0; i < DW_COUNT_OF(walled); i++) {
        if (str_equal(table, str_from(walled[i])))
            return true;
    }
    return false;
}

static void tell_tenant(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct rig *rig = sqlite3_user_data(context);

    (void)n;
    (void)values;
    if (rig->tenant)
        sqlite3_result_text(context, rig->tenant, -1, SQLITE_STATIC);
    else
        sqlite3_result_null(context);
}

static void tell_upsert(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct rig *rig = sqlite3_user_data(context);

    (void)n;
    (void)values;
    sqlite3_result_int(context, rig->is_upsert);
}

/* A foreign key lets the engine look from the target of a write into the other table. */
static bool is_bound(const char *target, const char *table)
{
    return (strcmp(target, "notes") == 0 && strcmp(table, "tags") == 0) ||
           (strcmp(target, "tags") == 0 && strcmp(table, "notes") == 0);
}

/* What is read of a table with a wall comes through its view or a trigger of the wall; only the target of a write is read
 * by itself. */
static int watch(void *ud, int action, const char *table, const char *column, const char *database,
                 const char *through)
{
    struct rig *rig = ud;
    const char *target = rig->statement ? rig->statement->target : NULL;

    (void)column;
    if (!rig->statement || !table || !database || strcmp(database, "main") != 0 ||
        !has_wall(str_from(table), NULL))
        return SQLITE_OK;
    if (action == SQLITE_READ && !through &&
        !(target && (strcmp(target, table) == 0 || is_bound(target, table))))
        rig->is_leaking = true;
    return SQLITE_OK;
}

static void run_script(struct rig *rig, const char *sql)
{
    char *why = NULL;

    if (sqlite3_exec(rig->db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
}

static void rig_open(struct rig *rig, const char *tenant)
{
    struct buf walls = BUF_INIT;

    *rig = (struct rig){ .tenant = tenant };
    assert_int_equal(sqlite3_open(":memory:", &rig->db), SQLITE_OK);
    sqlite3_create_function(rig->db, "dw_tenant", 0, SQLITE_UTF8 | SQLITE_DETERMINISTIC, rig, tell_tenant,
                            NULL, NULL);
    sqlite3_create_function(rig->db, "dw_upsert", 0, SQLITE_UTF8, rig, tell_upsert, NULL, NULL);
    sqlite3_set_authorizer(rig->db, watch, rig);
    run_script(rig, "PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON;");
    run_script(rig, schema);
    for (size_t i = 0; i < DW_COUNT_OF(walled); i++)
        wall_write_sqlite(&walls, str_from(walled[i]));
    run_script(rig, buf_text(&walls));
    buf_finish(&walls);
}

static void rig_close(struct rig *rig)
{
    assert_int_equal(sqlite3_close(rig->db), SQLITE_OK);
}

/* "1|milk 2|eggs" */
static int step_all(struct rig *rig, sqlite3_stmt *statement, struct buf *rows)
{
    int rc;

    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        if (rows->n)
            buf_add_char(rows, ' ');
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            buf_add_format(rows, "%s%s", i ? "|" : "", text ? text : "null");
        }
    }
    if (rc != SQLITE_DONE)
        buf_add_text(rows, sqlite3_errmsg(rig->db));
    return rc;
}

/* As the driver runs it; rows, or what SQLite or the reader says, in `rows`. */
static void run_as_plugin(struct rig *rig, const char *sql, struct buf *rows)
{
    const struct statement_rules rules = {
        .engine = DB_SQLITE, .by = DB_BY_PLUGIN, .is_guarded = true, .has_wall = has_wall
    };
    struct arena arena;
    struct statement *read;
    sqlite3_stmt *statement = NULL;

    arena_init(&arena, NULL, 0, 0);
    if (statement_read(&read, &arena, sql, &rules, rows) == 0) {
        rig->statement = read;
        rig->is_upsert = read->is_upsert;
        if (sqlite3_prepare_v2(rig->db, read->text, -1, &statement, NULL) != SQLITE_OK)
            buf_add_text(rows, sqlite3_errmsg(rig->db));
        for (size_t i = 0; i < read->parameters_n; i++) {
            if (read->parameters[i].source == STATEMENT_TENANT)
                sqlite3_bind_text(statement, (int)i + 1, rig->tenant, -1, SQLITE_STATIC);
        }
        if (statement)
            step_all(rig, statement, rows);
        sqlite3_finalize(statement);
        rig->statement = NULL;
    }
    arena_finish(&arena);
}

/* What is really there. */
static void check_content(struct rig *rig, const char *sql, const char *wanted, const char *after)
{
    struct buf rows = BUF_INIT;
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_prepare_v2(rig->db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(step_all(rig, statement, &rows), SQLITE_DONE);
    sqlite3_finalize(statement);
    if (strcmp(buf_text(&rows), wanted) != 0)
        fail_msg("after %s\nthere is: %s\nnot:      %s", after, buf_text(&rows), wanted);
    buf_finish(&rows);
}

static void check_others_untouched(struct rig *rig, const char *after)
{
    check_content(rig, "SELECT id, title, n FROM main.notes WHERE tenant_id <> 'a' ORDER BY id",
                  "1|gold|10 3|salt|30", after);
    check_content(rig, "SELECT id, note FROM main.tags WHERE tenant_id <> 'a' ORDER BY id", "1|1 2|3", after);
    check_content(rig, "SELECT id, title FROM main.loose WHERE tenant_id <> 'a'", "2|theirs", after);
}

struct play {
    const char *sql;
    const char *rows;  /* that come back, or a part of what is said */
    const char *notes; /* of tenant a afterwards: id|title|n; NULL: as they were */
};

static void check_play(const struct play *play, const char *tenant)
{
    struct rig rig;
    struct buf rows = BUF_INIT;

    rig_open(&rig, tenant);
    run_as_plugin(&rig, play->sql, &rows);
    if (strcmp(buf_text(&rows), play->rows) != 0)
        fail_msg("%s\nwanted: %s\ngot:    %s", play->sql, play->rows, buf_text(&rows));
    if (rig.is_leaking)
        fail_msg("%s\nreads a table around its view", play->sql);
    check_content(&rig, "SELECT id, title, n FROM main.notes WHERE tenant_id = 'a' ORDER BY id",
                  play->notes ? play->notes : "1|milk|1 2|eggs|2", play->sql);
    check_others_untouched(&rig, play->sql);
    buf_finish(&rows);
    rig_close(&rig);
}

/* ---- a tenant sees and changes its own ---- */

static const struct play plays[] = {
    { "SELECT id, title FROM notes ORDER BY id", "1|milk 2|eggs", NULL },
    { "SELECT count(*) FROM notes WHERE tenant_id = 'b'", "0", NULL },
    { "SELECT t.id, n.title FROM tags t JOIN notes n ON n.id = t.note", "1|milk", NULL },
    { "SELECT count(*) FROM notes a, notes b", "4", NULL },
    { "WITH x AS (SELECT * FROM notes) SELECT count(*) FROM x, notes", "4", NULL },
    { "SELECT title FROM words UNION SELECT title FROM loose ORDER BY 1", "common mine", NULL },
    { "SELECT id FROM notes n WHERE EXISTS (SELECT 1 FROM tags WHERE note = n.id)", "1", NULL },

    { "INSERT INTO notes (tenant_id, id, title, n) VALUES (:tenant, '3', 'tea', 3) RETURNING id, title",
      "3|tea", "1|milk|1 2|eggs|2 3|tea|3" },
    { "INSERT INTO notes SELECT tenant_id, id || 'x', title || 'x', n FROM notes ORDER BY id RETURNING id",
      "1x 2x", "1|milk|1 1x|milkx|1 2|eggs|2 2x|eggsx|2" },
    { "INSERT INTO notes AS k (tenant_id, id, title) VALUES (:tenant, '1', 'oil') ON CONFLICT (tenant_id, "
      "id) DO UPDATE"
      " SET title = excluded.title || k.title WHERE k.n = 1 RETURNING title",
      "oilmilk", "1|oilmilk|1 2|eggs|2" },
    { "INSERT INTO notes (tenant_id, id, title) VALUES (:tenant, '1', 'oil') ON CONFLICT (tenant_id, id) DO "
      "UPDATE"
      " SET title = excluded.title || notes.title RETURNING title",
      "oilmilk", "1|oilmilk|1 2|eggs|2" },
    { "INSERT INTO notes (tenant_id, id, title) VALUES (:tenant, '1', 'oil') ON CONFLICT DO NOTHING "
      "RETURNING title",
      "", NULL },
    { "INSERT INTO notes SELECT tenant_id, id, 'x' || id, n FROM notes ON CONFLICT (tenant_id, id) DO UPDATE"
      " SET title = excluded.title",
      "", "1|x1|1 2|x2|2" },
    /* the other tenant's keys do not stand in the way */
    { "INSERT INTO notes (tenant_id, id, title, n) VALUES (:tenant, '3', 'gold', 3)", "",
      "1|milk|1 2|eggs|2 3|gold|3" },

    { "UPDATE notes SET n = n + 1", "", "1|milk|2 2|eggs|3" },
    { "UPDATE notes SET n = 7 WHERE id = '1' OR id = '3' RETURNING id, n", "1|7", "1|milk|7 2|eggs|2" },
    { "UPDATE notes SET n = 7 WHERE notes.id = '1' OR 1 = 1", "", "1|milk|7 2|eggs|7" },
    { "UPDATE notes AS k SET n = 7 WHERE k.id = '1'", "", "1|milk|7 2|eggs|2" },
    { "UPDATE \"notes\" SET n = 7 WHERE \"notes\".id = '1'", "", "1|milk|7 2|eggs|2" },
    { "UPDATE Notes SET n = 7 WHERE NOTES.id = '1'", "", "1|milk|7 2|eggs|2" },
    { "UPDATE notes SET n = (SELECT count(*) FROM notes)", "", "1|milk|2 2|eggs|2" },
    { "UPDATE notes SET n = (SELECT sum(o.n) FROM notes o WHERE o.id <> notes.id) WHERE id = '1' RETURNING "
      "id, n",
      "1|2", "1|milk|2 2|eggs|2" },
    { "UPDATE notes SET n = 5 RETURNING id, (SELECT count(*) FROM notes)", "1|2 2|2", "1|milk|5 2|eggs|5" },
    { "UPDATE notes SET n = length(t.id) + 40 FROM tags AS t WHERE t.note = notes.id", "",
      "1|milk|41 2|eggs|2" },
    { "UPDATE notes SET n = o.n FROM notes AS o WHERE o.id = '2' AND notes.id = '1'", "",
      "1|milk|2 2|eggs|2" },
    { "UPDATE notes AS k SET n = o.n FROM notes AS o WHERE o.id = '2' AND k.id = '1'", "",
      "1|milk|2 2|eggs|2" },
    { "WITH big AS (SELECT id FROM notes WHERE n > 1) UPDATE notes SET n = 0 WHERE id IN (SELECT id FROM "
      "big)",
      "", "1|milk|1 2|eggs|0" },
    { "UPDATE notes SET n = 9 WHERE id IN (SELECT note FROM tags) -- mine\n;", "", "1|milk|9 2|eggs|2" },
    { "UPDATE notes SET id = '9' WHERE id = '1' RETURNING id", "9", "2|eggs|2 9|milk|1" },
    { "UPDATE notes SET n = 9 WHERE tenant_id = 'b'", "", NULL },
    { "UPDATE notes SET n = 9 WHERE tenant_id = 'b' OR tenant_id <> 'b'", "", "1|milk|9 2|eggs|9" },

    { "DELETE FROM notes", "", "" },
    { "DELETE FROM notes WHERE id = '1' OR id = '3' RETURNING title", "milk", "2|eggs|2" },
    { "DELETE FROM notes AS k WHERE k.n > 1", "", "1|milk|1" },
    { "DELETE FROM notes WHERE tenant_id = 'b'", "", NULL },
    { "DELETE FROM notes WHERE id IN (SELECT note FROM tags)", "", "2|eggs|2" },
    { "DELETE FROM notes ORDER BY n DESC LIMIT 1", "", "1|milk|1" },
    { "WITH x AS (SELECT 'b' AS t) DELETE FROM notes WHERE tenant_id = (SELECT t FROM x)", "", NULL },
    { "DELETE FROM loose", "", NULL },
    { "UPDATE loose SET title = 'x' WHERE id = '2'", "", NULL },
};

static void test_a_tenant_changes_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(plays); i++)
        check_play(&plays[i], "a");
}

/* ---- ways around ---- */

static const struct play attempts[] = {
    { "INSERT INTO notes VALUES ('b', '9', 'x', 1)", WALL_SAYS_FOREIGN, NULL },
    { "INSERT INTO notes SELECT 'b', id, title, n FROM notes", WALL_SAYS_FOREIGN, NULL },
    { "INSERT INTO notes VALUES ('b', '1', 'x', 1) ON CONFLICT DO NOTHING", WALL_SAYS_FOREIGN, NULL },
    { "INSERT INTO notes VALUES ('b', '1', 'x', 1) ON CONFLICT (tenant_id, id) DO UPDATE SET title = 'x'",
      WALL_SAYS_FOREIGN, NULL },
    { "INSERT INTO notes VALUES (NULL, '9', 'x', 1)", WALL_SAYS_FOREIGN, NULL },
    { "INSERT INTO notes (id, title) VALUES ('9', 'x')", WALL_SAYS_FOREIGN, NULL },
    { "INSERT INTO notes VALUES (X'61', '9', 'x', 1)", WALL_SAYS_FOREIGN, NULL },
    { "INSERT INTO notes VALUES ('A', '9', 'x', 1)", WALL_SAYS_FOREIGN, NULL },
    { "UPDATE notes SET tenant_id = 'b'", WALL_SAYS_FOREIGN, NULL },
    { "UPDATE notes SET tenant_id = NULL WHERE id = '1'", WALL_SAYS_FOREIGN, NULL },
    { "INSERT INTO notes VALUES ('a', '1', 'x', 1) ON CONFLICT (tenant_id, id) DO UPDATE SET tenant_id = "
      "'b', id = '9'",
      WALL_SAYS_FOREIGN, NULL },
    /* a key without the tenant: the linter refuses such a table, the wall holds all the same */
    { "INSERT INTO loose VALUES ('2', 'a', 'x') ON CONFLICT (id) DO UPDATE SET title = 'x'",
      WALL_SAYS_CONFLICT, NULL },
    { "INSERT INTO loose VALUES ('2', 'a', 'x') ON CONFLICT (id) DO UPDATE SET tenant_id = 'a'",
      WALL_SAYS_CONFLICT, NULL },
    { "INSERT INTO loose VALUES ('2', 'a', 'x') ON CONFLICT (id) DO NOTHING", "", NULL },
    { "INSERT INTO loose VALUES ('2', 'a', 'x')", "UNIQUE constraint failed: loose.id", NULL },
    { "INSERT INTO tags VALUES ('a', '9', '3')", "FOREIGN KEY constraint failed", NULL }, /* b's note */
};

static void test_no_way_around(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(attempts); i++)
        check_play(&attempts[i], "a");
}

/* The reader refuses these; that the triggers stop them as well is what a wall is for. */
static const char *const raw_attempts[] = {
    "UPDATE main.notes SET n = 0",
    "UPDATE main.notes SET n = 0 WHERE tenant_id = 'b'",
    "UPDATE main.notes SET tenant_id = 'a' WHERE tenant_id = 'b'",
    "DELETE FROM main.notes",
    "DELETE FROM main.notes WHERE rowid IN (3, 4)",
    "INSERT INTO main.notes VALUES ('b', '1', 'x', 0)",
    "INSERT OR REPLACE INTO main.notes VALUES ('b', '1', 'x', 0)",
    "REPLACE INTO main.loose VALUES ('2', 'a', 'x')",
    "UPDATE OR REPLACE main.loose SET id = '2' WHERE id = '1'",
    "INSERT OR IGNORE INTO main.notes VALUES ('b', '9', 'x', 0)",
    "INSERT OR FAIL INTO main.notes VALUES ('b', '9', 'x', 0)",
    "UPDATE notes SET n = 0",
    "DELETE FROM notes",
    "INSERT INTO notes VALUES ('b', '9', 'x', 0)",
};

static void test_triggers_hold_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(raw_attempts); i++) {
        struct rig rig;
        rig_open(&rig, "a");
        sqlite3_exec(rig.db, raw_attempts[i], NULL, NULL, NULL);
        check_others_untouched(&rig, raw_attempts[i]);
        rig_close(&rig);
    }
}

/* ---- without a tenant ---- */

static const struct play nobody[] = {
    { "SELECT count(*) FROM notes", "0", NULL },
    { "UPDATE notes SET n = 0", "", NULL },
    { "UPDATE notes SET tenant_id = NULL", "", NULL },
    { "DELETE FROM notes", "", NULL },
    { "INSERT INTO notes VALUES ('a', '9', 'x', 0)", WALL_SAYS_FOREIGN, NULL },
    { "INSERT INTO notes VALUES (:tenant, '9', 'x', 0)", WALL_SAYS_FOREIGN, NULL },
    { "INSERT INTO notes VALUES ('a', '1', 'x', 0) ON CONFLICT (tenant_id, id) DO UPDATE SET n = 0",
      WALL_SAYS_FOREIGN, NULL },
    { "SELECT title FROM words", "common", NULL },
};

static void test_without_a_tenant_nothing_is_seen_or_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(nobody); i++)
        check_play(&nobody[i], NULL);
}

/* ---- foreign keys run in the engine ---- */

static void test_cascades_stay_inside(void **state)
{
    struct rig rig;
    struct buf rows = BUF_INIT;

    (void)state;
    rig_open(&rig, "a");
    run_as_plugin(&rig, "DELETE FROM notes WHERE id = '1'", &rows);
    assert_string_equal(buf_text(&rows), "");
    check_content(&rig, "SELECT tenant_id, id FROM main.tags ORDER BY 1, 2", "b|1 b|2", "a cascade");
    check_others_untouched(&rig, "a cascade");
    rig_close(&rig);
    rig_open(&rig, "a");
    run_as_plugin(&rig, "UPDATE notes SET id = '7' WHERE id = '1'", &rows);
    assert_string_equal(buf_text(&rows), "");
    check_content(&rig, "SELECT id, note FROM main.tags WHERE tenant_id = 'a'", "1|7", "a cascade");
    check_others_untouched(&rig, "a cascade");
    rig_close(&rig);
    buf_finish(&rows);
}

/* ---- one prepared statement serves one tenant after the other ---- */

static void test_the_tenant_is_asked_each_time(void **state)
{
    struct rig rig;
    struct buf rows = BUF_INIT;
    sqlite3_stmt *statement;

    (void)state;
    rig_open(&rig, "a");
    assert_int_equal(sqlite3_prepare_v2(rig.db, "SELECT title FROM notes ORDER BY id", -1, &statement, NULL),
                     SQLITE_OK);
    step_all(&rig, statement, &rows);
    sqlite3_reset(statement);
    rig.tenant = "b";
    step_all(&rig, statement, &rows);
    sqlite3_reset(statement);
    rig.tenant = NULL;
    step_all(&rig, statement, &rows);
    assert_string_equal(buf_text(&rows), "milk eggs gold salt");
    sqlite3_finalize(statement);
    buf_finish(&rows);
    rig_close(&rig);
}

/* ---- the index is used ---- */

static const struct {
    const char *sql, *plan;
} planned[] = {
    { "SELECT * FROM notes WHERE id = '1'", "USING INDEX sqlite_autoindex_notes_1 (tenant_id=? AND id=?)" },
    { "SELECT * FROM notes", "(tenant_id=?)" },
    { "SELECT n.title FROM tags t JOIN notes n ON n.id = t.note WHERE t.id = '1'",
      "USING INDEX sqlite_autoindex_tags_1 (tenant_id=? AND id=?)" },
    { "UPDATE notes SET n = 1 WHERE id = '1'",
      "USING INDEX sqlite_autoindex_notes_1 (tenant_id=? AND id=?)" },
    { "UPDATE notes AS k SET n = 1 WHERE k.title = '1'",
      "USING INDEX sqlite_autoindex_notes_2 (tenant_id=? AND title=?)" },
    { "DELETE FROM notes WHERE id = '1'", "INDEX sqlite_autoindex_notes_1 (tenant_id=? AND id=?)" },
    { "DELETE FROM notes", "(tenant_id=?)" },
};

static void check_plan(struct rig *rig, const char *sql, const char *wanted)
{
    const struct statement_rules rules = {
        .engine = DB_SQLITE, .by = DB_BY_PLUGIN, .is_guarded = true, .has_wall = has_wall
    };
    struct arena arena;
    struct statement *read;
    struct buf rows = BUF_INIT;
    sqlite3_stmt *statement;
    char *explain;

    arena_init(&arena, NULL, 0, 0);
    assert_int_equal(statement_read(&read, &arena, sql, &rules, &rows), 0);
    explain = arena_format(&arena, "EXPLAIN QUERY PLAN %s", read->text);
    assert_int_equal(sqlite3_prepare_v2(rig->db, explain, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(step_all(rig, statement, &rows), SQLITE_DONE);
    if (!strstr(buf_text(&rows), wanted) || strstr(buf_text(&rows), "SCAN"))
        fail_msg("%s\nwanted: %s\ngot:    %s", sql, wanted, buf_text(&rows));
    sqlite3_finalize(statement);
    buf_finish(&rows);
    arena_finish(&arena);
}

static void test_the_index_begins_with_the_tenant(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, "a");
    for (size_t i = 0; i < DW_COUNT_OF(planned); i++)
        check_plan(&rig, planned[i].sql, planned[i].plan);
    rig_close(&rig);
}

/* ---- texts ---- */

static void test_names_are_quoted(void **state)
{
    struct buf out = BUF_INIT;

    (void)state;
    wall_write_postgres(&out, STR_OF("no\"tes"));
    assert_non_null(strstr(buf_text(&out), "CREATE POLICY dowel_tenant ON \"no\"\"tes\""));
    assert_non_null(strstr(buf_text(&out), "FORCE ROW LEVEL SECURITY"));
    assert_non_null(strstr(buf_text(&out), "TO dowel_system"));
    buf_finish(&out);
    wall_write_sqlite(&out, STR_OF("no\"tes"));
    assert_non_null(strstr(buf_text(&out), "main.\"no\"\"tes\""));
    assert_non_null(strstr(buf_text(&out), "\"dowel_update_no\"\"tes\""));
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tenant_changes_its_own),
        cmocka_unit_test(test_no_way_around),
        cmocka_unit_test(test_triggers_hold_alone),
        cmocka_unit_test(test_without_a_tenant_nothing_is_seen_or_written),
        cmocka_unit_test(test_cascades_stay_inside),
        cmocka_unit_test(test_the_tenant_is_asked_each_time),
        cmocka_unit_test(test_the_index_begins_with_the_tenant),
        cmocka_unit_test(test_names_are_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
