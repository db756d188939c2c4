/* A migration, written once, for each engine. */
#include "db/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/compiler.h"

static const struct {
    const char *sql, *sqlite, *postgres; /* NULL: as it was written */
} texts[] = {
    { "", NULL, NULL },
    { "-- nothing INTEGER\n", NULL, NULL },
    { "CREATE TABLE a (b INTEGER, c TEXT);", NULL, "CREATE TABLE a (b BIGINT, c TEXT);" },
    { "CREATE TABLE IF NOT EXISTS a (b integer PRIMARY KEY)", NULL,
      "CREATE TABLE IF NOT EXISTS a (b BIGINT PRIMARY KEY)" },
    { "CREATE TABLE a (b REAL, c DOUBLE PRECISION, d BLOB NOT NULL)", NULL,
      "CREATE TABLE a (b DOUBLE PRECISION, c DOUBLE PRECISION, d BYTEA NOT NULL)" },
    { "CREATE TABLE a (b JSON DEFAULT '{}', c DECIMAL(10, 2), d DECIMAL)",
      "CREATE TABLE a (b JSON_TEXT DEFAULT '{}', c DECIMAL_TEXT(10, 2), d DECIMAL_TEXT)",
      "CREATE TABLE a (b JSONB DEFAULT '{}', c NUMERIC(10, 2), d NUMERIC)" },
    { "CREATE TABLE a (b BOOLEAN, c TIMESTAMPTZ, d UUID, e BIGINT, f TEXT)", NULL, NULL },
    /* only types are types */
    { "CREATE TABLE a (\"integer\" TEXT, json TEXT, b TEXT DEFAULT 'JSON' /* JSON */, -- BLOB\n c TEXT CHECK "
      "(c <> 'REAL'))",
      NULL, NULL },
    { "CREATE TABLE a (b \"JSON\")", NULL, NULL },
    { "CREATE TABLE a (json JSON, blob BLOB)", "CREATE TABLE a (json JSON_TEXT, blob BLOB)",
      "CREATE TABLE a (json JSONB, blob BYTEA)" },
    { "CREATE TABLE a (b TEXT, CHECK (CAST(b AS INTEGER) > 0), PRIMARY KEY (b), CONSTRAINT real UNIQUE (b))",
      NULL, NULL },
    { "CREATE TABLE a (b TEXT CHECK (b IN ('x', 'y')), c JSON)",
      "CREATE TABLE a (b TEXT CHECK (b IN ('x', 'y')), c JSON_TEXT)",
      "CREATE TABLE a (b TEXT CHECK (b IN ('x', 'y')), c JSONB)" },
    { "CREATE INDEX json ON a (integer, blob); SELECT integer, json FROM real", NULL, NULL },
    { "INSERT INTO a (json, integer) VALUES ('CREATE TABLE x (y JSON)', 1)", NULL, NULL },
    /* ALTER TABLE */
    { "ALTER TABLE a ADD COLUMN b JSON NOT NULL DEFAULT '[]'",
      "ALTER TABLE a ADD COLUMN b JSON_TEXT NOT NULL DEFAULT '[]'",
      "ALTER TABLE a ADD COLUMN b JSONB NOT NULL DEFAULT '[]'" },
    { "ALTER TABLE a ADD b BLOB", NULL, "ALTER TABLE a ADD b BYTEA" },
    { "ALTER TABLE IF EXISTS ONLY a ADD COLUMN IF NOT EXISTS b REAL, ADD c JSON",
      "ALTER TABLE IF EXISTS ONLY a ADD COLUMN IF NOT EXISTS b REAL, ADD c JSON_TEXT",
      "ALTER TABLE IF EXISTS ONLY a ADD COLUMN IF NOT EXISTS b DOUBLE PRECISION, ADD c JSONB" },
    { "ALTER TABLE a ALTER COLUMN b TYPE JSON USING b::json", NULL,
      "ALTER TABLE a ALTER COLUMN b TYPE JSONB USING b::json" },
    { "ALTER TABLE a ALTER b SET DATA TYPE INTEGER", NULL, "ALTER TABLE a ALTER b SET DATA TYPE BIGINT" },
    { "ALTER TABLE a RENAME COLUMN json TO integer; ALTER TABLE a DROP COLUMN blob", NULL, NULL },
    { "ALTER TABLE a ADD CONSTRAINT json UNIQUE (integer)", NULL, NULL },
    /* several statements, and what hides semicolons */
    { "CREATE TABLE a (b TEXT DEFAULT ';');\nCREATE TABLE c (d JSON);",
      "CREATE TABLE a (b TEXT DEFAULT ';');\nCREATE TABLE c (d JSON_TEXT);",
      "CREATE TABLE a (b TEXT DEFAULT ';');\nCREATE TABLE c (d JSONB);" },
    { "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT 1; END; CREATE TABLE c "
      "(d JSON);",
      "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT 1; END; CREATE TABLE c "
      "(d JSON_TEXT);",
      "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT 1; END; CREATE TABLE c "
      "(d JSONB);" },
    /* cut off in every way: nothing is made up */
    { "CREATE TABLE", NULL, NULL },
    { "CREATE TABLE a", NULL, NULL },
    { "CREATE TABLE a ()", NULL, NULL },
    { "CREATE TABLE a (,)", NULL, NULL },
    { "CREATE TABLE a (b)", NULL, NULL },
    { "CREATE", NULL, NULL },
    { "ALTER TABLE a ADD", NULL, NULL },
    { "ALTER TABLE a ADD COLUMN", NULL, NULL },
    { "ALTER TABLE a ALTER b TYPE", NULL, NULL },
    { "DROP TABLE", NULL, NULL },
    { "CREATE UNIQUE INDEX", NULL, NULL },
    { ";;;", NULL, NULL },
};

static void check(const char *sql, enum db_engine engine, const char *wanted)
{
    struct arena arena;
    struct buf out = BUF_INIT, why = BUF_INIT;

    if (engine == DB_SQLITE && strstr(sql, "::"))
        return; /* SQLite's refusal is another test's */
    arena_init(&arena, NULL, 0, 0);
    if (dialect_write(&out, &arena, str_from(sql), engine, &why) != 0)
        fail_msg("%s: %s", sql, buf_text(&why));
    if (strcmp(buf_text(&out), wanted) != 0)
        fail_msg("%s\nwanted: %s\ngot:    %s", sql, wanted, buf_text(&out));
    arena_finish(&arena);
    buf_finish(&out);
    buf_finish(&why);
}

static void test_types_are_the_engines(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(texts); i++) {
        check(texts[i].sql, DB_SQLITE, texts[i].sqlite ? texts[i].sqlite : texts[i].sql);
        check(texts[i].sql, DB_POSTGRES, texts[i].postgres ? texts[i].postgres : texts[i].sql);
    }
}

static void test_what_cannot_be_read_is_told_with_its_line(void **state)
{
    struct arena arena;
    struct buf out = BUF_INIT, why = BUF_INIT;

    (void)state;
    arena_init(&arena, NULL, 0, 0);
    assert_int_equal(
        dialect_write(&out, &arena, STR_OF("CREATE TABLE a (\n  b TEXT DEFAULT 'x\n)"), DB_SQLITE, &why),
        DW_EMISUSE);
    assert_non_null(strstr(buf_text(&why), "line 2, column 18"));
    buf_finish(&why);
    assert_int_equal(dialect_write(&out, &arena, STR_OF("CREATE TABLE a (b TEXT"), DB_POSTGRES, &why),
                     DW_EMISUSE);
    assert_non_null(strstr(buf_text(&why), "never closed"));
    buf_finish(&why);
    assert_int_equal(dialect_write(&out, &arena, str_make("SELECT \0 1", 10), DB_POSTGRES, &why), DW_EMISUSE);
    assert_non_null(strstr(buf_text(&why), "no meaning"));
    buf_finish(&why);
    buf_finish(&out);
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_are_the_engines),
        cmocka_unit_test(test_what_cannot_be_read_is_told_with_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
