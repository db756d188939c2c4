/* Migrations that would leave a hole in the wall, disturb who still runs, or touch what is not theirs. */
#include "db/lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/compiler.h"

/* Made by earlier migrations: notes_old with a wall, notes_words without. */
static bool has_wall(struct str table, const void *ud)
{
    (void)ud;
    return str_equal(table, STR_OF("notes_old"));
}

static const struct lint_rules plugin = { .engine = DB_SQLITE, .owner = STR("notes"), .has_wall = has_wall };

/* "line: text" of each, one a line. */
static void write_findings(const struct lint *lint, struct buf *out)
{
    for (size_t i = 0; i < lint->n; i++) {
        assert_true(strlen(lint->findings[i].hint) > 0);
        buf_add_format(out, "%u: %s\n", lint->findings[i].line, lint->findings[i].text);
    }
}

/* Each line of `wanted` is the line's number and a part of the text; as many findings as lines. */
static bool agrees(const struct lint *lint, const char *wanted)
{
    struct str rest = str_from(wanted), line;
    size_t i = 0;

    if (!*wanted)
        return lint->n == 0;
    for (; str_split(&rest, '\n', &line); i++) {
        const size_t colon = str_find(line, ':');
        char part[128];
        uint64_t number;
        if (i >= lint->n || !str_to_uint(str_make(line.p, colon), 1000, &number) ||
            lint->findings[i].line != number)
            return false;
        snprintf(part, sizeof part, "%.*s", (int)(line.n - colon - 2), line.p + colon + 2);
        if (!strstr(lint->findings[i].text, part))
            return false;
    }
    return i == lint->n;
}

static void check(const struct lint_rules *rules, const char *up, const char *wanted)
{
    struct arena arena;
    struct buf found = BUF_INIT;
    struct lint lint;

    arena_init(&arena, NULL, 0, 0);
    assert_int_equal(lint_migration(&lint, &arena, rules, str_from(up)), 0);
    write_findings(&lint, &found);
    if (!agrees(&lint, wanted))
        fail_msg("%s\nwanted:\n%s\nfound:\n%s", up, wanted, buf_text(&found));
    buf_finish(&found);
    arena_finish(&arena);
}

#define NOTES                           \
    "-- tenant-table: notes\n"          \
    "CREATE TABLE notes (\n"            \
    "    tenant_id UUID NOT NULL,\n"    \
    "    id UUID NOT NULL,\n"           \
    "    title TEXT,\n"                 \
    "    PRIMARY KEY (tenant_id, id)\n" \
    ");\n"

/* ---- tenant tables; NOTES are the lines 1 to 7 ---- */

static const struct {
    const char *up, *wanted;
} tenant_cases[] = {
    { "", "" },
    { NOTES, "" },
    { "-- tenant-table: notes\nCREATE TABLE notes (tenant_id UUID NOT NULL, id TEXT, UNIQUE (tenant_id, id))",
      "" },
    { "-- tenant-table: notes\nCREATE TABLE \"notes\" (\"tenant_id\" uuid not null, \"id\" TEXT, unique "
      "(\"tenant_id\", \"id\"))",
      "" },
    { "-- tenant-table: notes\nCREATE TABLE notes (id TEXT)", "2: has no column tenant_id" },
    { "-- tenant-table: notes\nCREATE TABLE notes (tenant_id UUID, id TEXT, UNIQUE (tenant_id, id))",
      "2: not UUID NOT NULL" },
    { "-- tenant-table: notes\nCREATE TABLE notes (tenant_id TEXT NOT NULL, id TEXT, UNIQUE (tenant_id, id))",
      "2: not UUID NOT NULL" },
    { "-- tenant-table: notes\nCREATE TABLE notes (tenant_id UUID NOT NULL, id TEXT)",
      "2: no key (tenant_id, id)" },
    { "-- tenant-table: notes\nCREATE TABLE notes (tenant_id UUID NOT NULL, id TEXT, PRIMARY KEY (tenant_id, "
      "id, x))",
      "2: no key (tenant_id, id)" },
    { "-- tenant-table: notes\nCREATE TABLE notes (tenant_id UUID NOT NULL, id TEXT PRIMARY KEY, UNIQUE "
      "(tenant_id, id))",
      "2: id is a key alone" },
    { "-- tenant-table: notes\nCREATE TABLE notes (tenant_id UUID NOT NULL, id TEXT, a TEXT UNIQUE, PRIMARY "
      "KEY (tenant_id, id))",
      "2: a is a key alone" },
    { "-- tenant-table: notes\nCREATE TABLE notes (tenant_id UUID NOT NULL, id TEXT,\n PRIMARY KEY "
      "(tenant_id, id),\n"
      " UNIQUE (id, tenant_id),\n CONSTRAINT x UNIQUE (title))",
      "4: does not begin with tenant_id\n5: does not begin with tenant_id" },
    /* a table without id: settings of a tenant, a table that joins */
    { "-- tenant-table: notes_a\nCREATE TABLE notes_a (tenant_id UUID NOT NULL PRIMARY KEY, x TEXT)", "" },
    { "-- tenant-table: notes_a\nCREATE TABLE notes_a (tenant_id UUID NOT NULL, a UUID, b UUID, PRIMARY KEY "
      "(tenant_id, a, b))",
      "" },
    { "-- tenant-table: notes_a\nCREATE TABLE notes_a (tenant_id UUID NOT NULL, a UUID)",
      "2: no primary key that begins" },
    /* the comment and the table */
    { "-- tenant-table: notes_b\n", "1: no CREATE TABLE notes_b" },
    { "-- tenant-table: notes, notes_a\n", "1: no CREATE TABLE notes, notes_a" },
    { "--tenant-table:notes\r\nCREATE TABLE notes (tenant_id UUID NOT NULL, id TEXT, UNIQUE (tenant_id, id))",
      "" },
    { "/* -- tenant-table: notes */ CREATE TABLE notes (tenant_id UUID NOT NULL, id TEXT, UNIQUE (tenant_id, "
      "id))",
      "1: has a column tenant_id, but no wall" },
    { "CREATE TABLE notes (x TEXT DEFAULT '\n-- tenant-table: notes\n', tenant_id UUID NOT NULL)",
      "3: has a column tenant_id, but no wall" },
    { "CREATE TABLE notes (id TEXT PRIMARY KEY, a TEXT UNIQUE)", "" }, /* of all tenants */
    /* foreign keys */
    { NOTES "-- tenant-table: notes_a\nCREATE TABLE notes_a (tenant_id UUID NOT NULL, id UUID, note UUID,\n"
            "PRIMARY KEY (tenant_id, id),\n"
            "FOREIGN KEY (tenant_id, note) REFERENCES notes (tenant_id, id) ON DELETE CASCADE)",
      "" },
    { NOTES "-- tenant-table: notes_a\nCREATE TABLE notes_a (tenant_id UUID NOT NULL, id UUID, PRIMARY KEY "
            "(tenant_id, id),\n"
            "note UUID REFERENCES notes (id),\n"
            "FOREIGN KEY (note) REFERENCES notes (id),\n"
            "FOREIGN KEY (note, tenant_id) REFERENCES notes (id, tenant_id),\n"
            "FOREIGN KEY (tenant_id, note) REFERENCES notes,\n"
            "FOREIGN KEY (tenant_id, note) REFERENCES notes (tenant_id, id) ON DELETE SET NULL,\n"
            "CONSTRAINT x FOREIGN KEY (tenant_id, note) REFERENCES notes (tenant_id, id) ON DELETE SET NULL "
            "(note))",
      "10: foreign key to the tenant table notes\n11: foreign key to the tenant table notes\n12: foreign key "
      "to the tenant "
      "table notes\n13: foreign key to the tenant table notes\n14: would take tenant_id" },
    { "-- tenant-table: notes_a\nCREATE TABLE notes_a (tenant_id UUID NOT NULL, id UUID, PRIMARY KEY "
      "(tenant_id, id),\n"
      "old UUID REFERENCES notes_old (id), word UUID REFERENCES notes_words (id))",
      "3: tenant table notes_old" },
    { "CREATE TABLE notes_a (id UUID PRIMARY KEY,\nold UUID REFERENCES notes_old (id))",
      "2: a table of all tenants points to" },
    { NOTES "-- tenant-table: notes_a\nCREATE TABLE notes_a (tenant_id UUID NOT NULL, id UUID, PRIMARY KEY "
            "(tenant_id, id),\n"
            "FOREIGN KEY (other, note) REFERENCES notes (tenant_id, id),\n"
            "FOREIGN KEY (tenant_id, note) REFERENCES notes (id, tenant_id))",
      "10: foreign key to the tenant table notes\n11: foreign key to the tenant table notes" },
    /* later changes */
    { "CREATE UNIQUE INDEX notes_i ON notes_old (title)", "1: unique index" },
    { "CREATE UNIQUE INDEX notes_i ON notes_old (tenant_id, title); CREATE INDEX notes_j ON notes_old "
      "(title)",
      "" },
    { "CREATE UNIQUE INDEX notes_i ON notes_old (lower(tenant_id), title)", "1: unique index" },
    { "CREATE UNIQUE INDEX notes_i ON notes_words (title)", "" },
    { NOTES "CREATE UNIQUE INDEX notes_i ON notes (title)", "8: unique index" },
    { "ALTER TABLE notes_old ADD COLUMN a TEXT UNIQUE", "1: a is a key alone" },
    { "ALTER TABLE notes_old ADD COLUMN a UUID REFERENCES notes_old (id)", "1: foreign key" },
    { "ALTER TABLE notes_old ADD CONSTRAINT a UNIQUE (title)", "1: does not begin with tenant_id" },
    { "ALTER TABLE notes_old ADD UNIQUE (tenant_id, title)", "" },
    { "-- migrate:offline\nALTER TABLE notes_old RENAME TO notes_new", "2: bound to its name" },
    { "-- migrate:offline\nALTER TABLE notes_old RENAME COLUMN tenant_id TO x;\nALTER TABLE notes_old DROP "
      "COLUMN tenant_id",
      "2: tenant_id of notes_old is changed\n3: tenant_id of notes_old is changed" },
    { "ALTER TABLE notes_words ADD COLUMN tenant_id UUID", "1: cannot become a tenant table" },
};

static void test_tenant_tables_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(tenant_cases); i++)
        check(&plugin, tenant_cases[i].up, tenant_cases[i].wanted);
}

/* ---- while another runs ---- */

static const struct {
    const char *up, *wanted; /* nothing is wanted when it is offline */
} running_cases[] = {
    { "ALTER TABLE notes_words ADD COLUMN a TEXT", "" },
    { "ALTER TABLE notes_words ADD COLUMN a TEXT NOT NULL DEFAULT ''", "" },
    { "ALTER TABLE notes_words ADD CONSTRAINT a CHECK (b > 0)", "" },
    { "ALTER TABLE notes_words DROP CONSTRAINT a", "" },
    { "ALTER TABLE notes_words ALTER COLUMN a DROP NOT NULL", "" },
    { "CREATE TABLE notes_x (a TEXT); ALTER TABLE notes_x RENAME TO notes_y; DROP TABLE notes_x", "" },
    { "DROP INDEX notes_i", "" },
    { "\nDROP TABLE notes_words", "2: takes notes_words away" },
    { "DROP TABLE IF EXISTS notes_words", "1: takes notes_words away" },
    { "ALTER TABLE notes_words DROP COLUMN a", "1: takes a column" },
    { "ALTER TABLE notes_words DROP a", "1: takes a column" },
    { "ALTER TABLE notes_words RENAME TO notes_x", "1: RENAME" },
    { "ALTER TABLE notes_words RENAME COLUMN a TO b", "1: RENAME" },
    { "ALTER TABLE notes_words ALTER COLUMN a TYPE TEXT", "1: changes its type" },
    { "ALTER TABLE notes_words ALTER a SET DATA TYPE TEXT", "1: changes its type" },
    { "ALTER TABLE notes_words ALTER COLUMN a SET NOT NULL", "1: becomes NOT NULL" },
    { "ALTER TABLE notes_words ALTER a DROP DEFAULT", "1: loses its DEFAULT" },
    { "ALTER TABLE notes_words ADD COLUMN a TEXT NOT NULL", "1: have no value" },
    { "ALTER TABLE notes_words ADD a TEXT,\nADD b TEXT NOT NULL,\nDROP c",
      "2: have no value\n3: takes a column" },
};

static void test_what_runs_is_not_disturbed(void **state)
{
    struct lint_rules offline = plugin;

    (void)state;
    offline.is_offline = true;
    for (size_t i = 0; i < DW_COUNT_OF(running_cases); i++) {
        char text[512];
        check(&plugin, running_cases[i].up, running_cases[i].wanted);
        check(&offline, running_cases[i].up, "");
        snprintf(text, sizeof text, "-- migrate:offline\n%s", running_cases[i].up);
        check(&plugin, text, "");
    }
}

/* ---- what has no place in a migration ---- */

static const struct {
    const char *up, *wanted;
} general_cases[] = {
    { "BEGIN;\nCREATE TABLE notes (id TEXT);\nCOMMIT", "1: BEGIN inside\n3: COMMIT inside" },
    { "SAVEPOINT a", "1: SAVEPOINT inside" },
    { "CREATE INDEX CONCURRENTLY notes_i ON notes_words (a)", "1: CONCURRENTLY" },
    { "CREATE TABLE notes (a TEXT REFERENCES notes_words (id) DEFERRABLE INITIALLY DEFERRED)",
      "1: deferred constraint" },
    { "CREATE TABLE notes (a TEXT REFERENCES notes_words (id) NOT DEFERRABLE)", "" },
    { "CREATE TABLE notes (a TEXT REFERENCES notes_words (id) INITIALLY DEFERRED)",
      "1: deferred constraint" },
    { "CREATE TABLE notes (a TEXT UNIQUE ON CONFLICT REPLACE)", "1: ON CONFLICT in a table" },
    { "CREATE TABLE notes (a TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP)", "1: CURRENT_TIMESTAMP" },
    { "CREATE TABLE other (a TEXT)", "1: the table other does not belong to notes" },
    { "CREATE TABLE notesmore (a TEXT)", "1: does not belong to notes" },
    { "CREATE TABLE notes_more (a TEXT); CREATE TABLE Notes (a TEXT)", "" },
    { "CREATE TABLE \"notes_m\xc3\xb6re\" (a TEXT)", "1: cannot be called so" },
    { "CREATE TABLE notes_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa (a TEXT)",
      "1: cannot be called so" },
    { "CREATE TABLE dowel_jobs (a TEXT)", "1: does not belong to notes" },
    { "CREATE TABLE main.notes (a TEXT)", "1: with a schema" },
    { "CREATE INDEX by_a ON notes_words (a)", "1: the index by_a does not belong" },
    { "CREATE INDEX notes_a ON words (a)", "1: the table words does not belong" },
    { "ALTER TABLE words ADD COLUMN a TEXT", "1: does not belong" },
    { "DROP TABLE IF EXISTS words -- migrate:offline\n", "1: does not belong" },
    { "INSERT INTO notes_words SELECT id FROM dowel_jobs", "1: not a plugin's to name" },
    { "INSERT INTO notes_words VALUES ('dowel_jobs'); UPDATE notes_words SET a = 1; DELETE FROM notes_words",
      "" },
    { "CREATE TABLE notes (oid TEXT)", "1: column oid of its own" },
    { "CREATE TABLE notes (a TEXT PRIMARY KEY) WITHOUT ROWID", "" },
    { "ALTER TABLE notes_words ADD COLUMN xmin REAL", "1: column xmin of its own" },
    { "CREATE VIEW notes_v AS SELECT * FROM notes_words", "1: this is neither" },
    { "CREATE TRIGGER notes_t AFTER INSERT ON notes_words BEGIN SELECT 1; SELECT 2; END",
      "1: this is neither" },
    { "CREATE OR REPLACE VIEW notes_v AS SELECT * FROM notes_words", "1: this is neither" },
    { "CREATE MATERIALIZED VIEW notes_v AS SELECT * FROM notes_words", "1: this is neither" },
    { "CREATE VIEW notes_v WITH (security_invoker = true) AS SELECT * FROM notes_words",
      "1: this is neither" },
    { "CREATE FUNCTION notes_f() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'", "1: this is neither" },
    { "CREATE RULE notes_r AS ON INSERT TO notes_words DO NOTHING", "1: this is neither" },
    { "SELECT * INTO notes_copy FROM notes_old", "1: without its columns" },
    { "WITH n AS (SELECT * FROM notes_old)\nSELECT * INTO notes_copy FROM n", "2: without its columns" },
    { "WITH n AS (SELECT 1 AS a) INSERT INTO notes_words SELECT a FROM n", "" },
    { "INSERT INTO notes_words SELECT 1", "" },
    { "CREATE TABLE notes_copy (a TEXT) INHERITS (notes_old)", "1: rows of another table" },
    { "CREATE TABLE notes_copy (a TEXT,\nLIKE notes_old INCLUDING ALL)", "2: columns of another table" },
    { "CREATE TABLE notes_copy PARTITION OF notes_old DEFAULT", "1: without its columns" },
    { "ALTER TABLE notes_old INHERIT notes_words", "1: is the server's" },
    { "ALTER TABLE notes_words ATTACH PARTITION notes_old DEFAULT", "1: is the server's" },
    { "PRAGMA foreign_keys = OFF", "1: this is neither" },
    { "ATTACH 'x' AS y", "1: this is neither" },
    { "GRANT ALL ON notes_words TO public", "1: this is neither" },
    { "ALTER TABLE notes_words DISABLE ROW LEVEL SECURITY", "1: is the server's" },
    { "CREATE TEMP TABLE notes_t (a TEXT)", "1: of one connection" },
    { "CREATE TABLE notes_t AS SELECT * FROM notes_words", "1: without its columns" },
    { "CREATE VIRTUAL TABLE notes_search USING fts5 (tenant_id, title)", "" },
    { "-- migrate:offline\nDROP TABLE notes_a, notes_b", "2: several tables" },
    { "CREATE TABLE notes (\n  a TEXT DEFAULT 'x\n)", "2: no end" },
    { "CREATE TABLE notes (\n  a TEXT", "1: never closed" },
    { "CREATE TABLE", "1: no name" },
    { "ALTER TABLE", "1: no name" },
    { "CREATE INDEX", "1: no name" },
};

static void test_what_has_no_place_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(general_cases); i++)
        check(&plugin, general_cases[i].up, general_cases[i].wanted);
}

static void test_core_makes_its_own(void **state)
{
    const struct lint_rules core = { .engine = DB_POSTGRES, .owner = STR("core") };

    (void)state;
    check(&core,
          "CREATE TABLE dowel_jobs (id UUID PRIMARY KEY, tenant_id UUID, at TIMESTAMPTZ DEFAULT "
          "CURRENT_TIMESTAMP)",
          "");
    check(&core, "CREATE TABLE jobs (id UUID PRIMARY KEY)", "1: not the server's");
    check(&core, "CREATE VIEW dowel_v AS SELECT * FROM dowel_jobs", "");
    check(&core, "COMMIT", "1: COMMIT inside");
    check(&core, "DROP TABLE dowel_jobs", "1: takes dowel_jobs away");
}

/* ---- what the runner learns ---- */

static void test_tables_are_listed(void **state)
{
    struct arena arena;
    struct lint lint;

    (void)state;
    arena_init(&arena, NULL, 0, 0);
    assert_int_equal(
        lint_migration(&lint, &arena, &plugin, STR_OF(NOTES "-- tenant-table: notes\nDROP TABLE notes_old")),
        0);
    assert_int_equal(lint.tenant_tables_n, 1);
    assert_string_equal(lint.tenant_tables[0], "notes");
    assert_int_equal(lint.dropped_tables_n, 1);
    assert_string_equal(lint.dropped_tables[0], "notes_old");
    assert_false(lint.is_offline);
    assert_int_equal(lint_migration(&lint, &arena, &plugin, STR_OF("-- migrate:offline\n")), 0);
    assert_true(lint.is_offline);
    arena_finish(&arena);
}

static void test_memory_that_runs_out_is_told(void **state)
{
    int rc = DW_ENOMEM;
    size_t limit = 1;

    (void)state;
    for (; rc == DW_ENOMEM && limit < 64 * 1024; limit += 16) {
        struct arena arena;
        struct lint lint;
        arena_init(&arena, NULL, 0, limit);
        rc = lint_migration(&lint, &arena, &plugin,
                            STR_OF(NOTES "DROP TABLE notes_old; CREATE TABLE x (y TEXT)"));
        if (rc == 0)
            assert_int_equal(lint.n, 2);
        arena_finish(&arena);
    }
    assert_int_equal(rc, 0);
    assert_true(limit > 200); /* it did run out */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tenant_tables_are_whole),   cmocka_unit_test(test_what_runs_is_not_disturbed),
        cmocka_unit_test(test_what_has_no_place_is_told), cmocka_unit_test(test_core_makes_its_own),
        cmocka_unit_test(test_tables_are_listed),         cmocka_unit_test(test_memory_that_runs_out_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
