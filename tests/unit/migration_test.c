/* What a file of migrations/ says, and what is wrong with one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "db/migrations_core.h"
#include "util/compiler.h"

struct fixture {
    struct arena arena;
    struct migrations m;
    struct buf why;
};

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .why = BUF_INIT };
    arena_init(&f.arena, NULL, 0, 0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    arena_finish(&f->arena);
    buf_finish(&f->why);
    return 0;
}

static int read_named(struct fixture *f, const char *path, const char *text)
{
    const struct migration_file file = { path, str_from(text) };

    f->why.n = 0;
    return migrations_read(&f->m, &f->arena, "notes", &file, 1, &f->why);
}

static const struct migration *read_good(struct fixture *f, const char *text)
{
    if (read_named(f, "migrations/0001_notes.sql", text) != 0)
        fail_msg("%s", buf_text(&f->why));
    assert_int_equal(f->m.n, 1);
    return &f->m.v[0];
}

static void assert_wrong(struct fixture *f, const char *text, const char *why)
{
    if (read_named(f, "migrations/0001_notes.sql", text) == 0)
        fail_msg("is taken: %s", text);
    assert_string_equal(buf_text(&f->why), why);
}

static void assert_script(const struct migration *m, enum db_engine engine, enum migration_way way,
                          const char *wanted)
{
    char text[400];

    snprintf(text, sizeof(text), "%.*s", STR_ARG(migration_script(m, engine, way)));
    assert_string_equal(text, wanted);
}

/* ---- what it says ---- */

static void a_file_is_read(void **state)
{
    const struct migration *m = read_good(*state, "-- Notes of agents.\n"
                                                  "-- migrate:up\n"
                                                  "CREATE TABLE notes (id TEXT);\n"
                                                  "\n"
                                                  "-- migrate:down\n"
                                                  "DROP TABLE notes;\n");

    assert_string_equal(m->owner, "notes");
    assert_string_equal(m->source, "notes/migrations/0001_notes.sql");
    assert_string_equal(m->name, "0001_notes");
    assert_int_equal(m->number, 1);
    assert_true(m->has_down);
    assert_false(m->is_offline);
    assert_int_equal(m->tenant_tables_n[MIGRATION_UP], 0);
}

static void scripts_keep_the_lines_of_the_file(void **state)
{
    const struct migration *m = read_good(*state, "-- migrate:up\n"
                                                  "both;\n"
                                                  "-- dialect: sqlite\n"
                                                  "lite;\n"
                                                  "-- dialect: postgres\n"
                                                  "post;\n"
                                                  "-- dialect: all\n"
                                                  "both again;\n"
                                                  "-- dialect: sqlite\n"
                                                  "lite;\n"
                                                  "-- migrate:down\n"
                                                  "undo;"); /* for both again, and without an end */

    assert_script(m, DB_SQLITE, MIGRATION_UP,
                  "-- migrate:up\nboth;\n-- dialect: sqlite\nlite;\n\n\n-- dialect: all\nboth again;\n"
                  "-- dialect: sqlite\nlite;\n\n\n");
    assert_script(
        m, DB_POSTGRES, MIGRATION_UP,
        "-- migrate:up\nboth;\n\n\n-- dialect: postgres\npost;\n-- dialect: all\nboth again;\n\n\n\n\n");
    assert_script(m, DB_SQLITE, MIGRATION_DOWN, "\n\n\n\n\n\n\n\n\n\n-- migrate:down\nundo;\n");
    assert_script(m, DB_POSTGRES, MIGRATION_DOWN, "\n\n\n\n\n\n\n\n\n\n-- migrate:down\nundo;\n");
}

static void tenant_tables_and_offline_are_noted(void **state)
{
    const struct migration *m = read_good(*state, "--migrate:offline\r\n"
                                                  "--  migrate: up \r\n"
                                                  "-- tenant-table: notes\r\n"
                                                  "-- tenant-table:note_tags \r\n"
                                                  "SELECT 1;\r\n"
                                                  "-- migrate:down\r\n"
                                                  "-- tenant-table: pages\r\n");

    assert_true(m->is_offline);
    assert_true(m->has_down);
    assert_int_equal(m->tenant_tables_n[MIGRATION_UP], 2);
    assert_string_equal(m->tenant_tables[MIGRATION_UP][0], "notes");
    assert_string_equal(m->tenant_tables[MIGRATION_UP][1], "note_tags");
    assert_int_equal(m->tenant_tables_n[MIGRATION_DOWN], 1);
    assert_string_equal(m->tenant_tables[MIGRATION_DOWN][0], "pages");
}

static void the_checksum_is_of_the_bytes(void **state)
{
    struct fixture *f = *state;
    char before[CHECKSUM_SIZE];

    memcpy(before, read_good(f, "-- migrate:up\nx;\n")->checksum, sizeof(before));
    /* printf -- '-- migrate:up\nx;\n' | sha256sum */
    assert_string_equal(before, "f32ba11351389e0b0cdb0d455f71ab0513067f93f282b0cbd7b9d2078a3e4b1f");
    assert_string_equal(read_good(f, "-- migrate:up\nx;\n")->checksum, before);
    assert_string_not_equal(read_good(f, "-- migrate:up\nx; \n")->checksum, before);
}

static void ordinary_comments_are_ordinary(void **state)
{
    const struct migration *m = read_good(*state, "-- Why: because it was asked for: twice\n"
                                                  "-- migrate:up\n"
                                                  "-- note: this is no tenant table\n"
                                                  "-- http://example.org\n"
                                                  "--\n"
                                                  "-- :\n"
                                                  "SELECT 1; -- tenant-table: not at the line's begin\n");

    assert_int_equal(m->tenant_tables_n[MIGRATION_UP], 0);
}

/* ---- what is wrong ---- */

#define AT "notes/migrations/0001_notes.sql"

static void mistakes_are_told_with_their_line(void **state)
{
    struct fixture *f = *state;

    assert_wrong(f, "", AT ": has no line -- migrate:up, below which stands what is to be done");
    assert_wrong(f, "-- a\n", AT ": has no line -- migrate:up, below which stands what is to be done");
    assert_wrong(f, "-- migrate:up\n\n-- nothing\n",
                 AT ": does nothing: there is no SQL below -- migrate:up");
    assert_wrong(f, "\nCREATE TABLE a (b);\n", AT ":2: -- migrate:up comes before what is to be done");
    assert_wrong(f, "-- migrate:up\nx;\n-- migrate:up\n",
                 AT ":3: there is one -- migrate:up, above -- migrate:down");
    assert_wrong(f, "-- migrate:up\nx;\n-- migrate:down\nx;\n-- migrate:up\n",
                 AT ":5: there is one -- migrate:up, above -- migrate:down");
    assert_wrong(f, "-- migrate:up\nx;\n-- migrate:down\n-- migrate:down\n",
                 AT ":4: there is only one -- migrate:down");
    assert_wrong(f, "-- migrate:down\n", AT ":1: -- migrate:up comes first");
    assert_wrong(f, "-- migrate:sideways\n", AT ":1: -- migrate: sideways? There are up, down and offline");
    assert_wrong(f, "-- migrate:up transaction:false\n",
                 AT ":1: a migration is always one transaction: nothing of it may be left when it fails");
    assert_wrong(f, "-- migrate:up\nx;\n-- migrate:down\n-- migrate:offline\n",
                 AT ":4: -- migrate:offline is about the way up; write it above -- migrate:down");
    assert_wrong(f, "-- dialect: sqlite\n", AT ":1: -- migrate:up comes before -- dialect");
    assert_wrong(f, "-- migrate:up\n-- dialect: mysql\n",
                 AT ":2: -- dialect: mysql? There are sqlite, postgres and all");
}

static void a_wall_that_was_meant_is_not_lost(void **state)
{
    struct fixture *f = *state;

    assert_wrong(f, "-- migrate:up\n-- tenant-tables: notes\n",
                 AT ":2: -- tenant-tables: did you mean -- tenant-table?");
    assert_wrong(f, "-- migrate:up\n-- tenant table: notes\n",
                 AT ":2: -- tenant table: did you mean -- tenant-table?");
    assert_wrong(f, "-- migrate:up\n-- Tenant-Table: notes\n",
                 AT ":2: -- Tenant-Table: did you mean -- tenant-table?");
    assert_wrong(f, "-- tenant-table: notes\n-- migrate:up\n",
                 AT ":1: -- tenant-table stands below -- migrate:up, or -- migrate:down where that makes the "
                    "table again");
    assert_wrong(f, "-- migrate:up\n-- tenant-table:\n", AT ":2: -- tenant-table: of which table?");
    assert_wrong(
        f, "-- migrate:up\n-- tenant-table: \"Notes\"\n",
        AT ":2: -- tenant-table: \"Notes\" is no name of a table: small letters, digits and _, a letter "
           "first, and one on a line");
    assert_wrong(
        f, "-- migrate:up\n-- tenant-table: notes words\n",
        AT ":2: -- tenant-table: notes words is no name of a table: small letters, digits and _, a letter "
           "first, and one on a line");
    assert_wrong(f, "-- migrate:up\n-- tenant-table: notes\n-- tenant-table: notes\n",
                 AT ":3: -- tenant-table: notes stands twice");
    assert_wrong(f, "-- migrate:up\n-- tenant-table: dowel_jobs\n",
                 AT ":2: -- tenant-table: dowel_jobs: names that begin with dowel_ are the server's");
    assert_wrong(f, "-- migarte:up\n", AT ":1: -- migarte: did you mean -- migrate?");
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    struct fixture *f = *state;
    const struct migration_file nul = { "0001_a.sql", STR("-- migrate:up\nx\0y;\n") };

    assert_wrong(f, "\xef\xbb\xbf-- migrate:up\nx;\n", AT ": begins with a byte order mark; save it without");
    assert_wrong(f, "-- migrate:up\n\xff;\n", AT ": is not UTF-8");
    f->why.n = 0;
    assert_int_equal(migrations_read(&f->m, &f->arena, "notes", &nul, 1, &f->why), -1);
    assert_string_equal(buf_text(&f->why), "notes/migrations/0001_a.sql: is not UTF-8");
}

static void names_have_a_form(void **state)
{
    static const char *const wrong[] = { "1_notes.sql", "0000_notes.sql",  "0001-notes.sql",
                                         "0001_.sql",   "0001_Notes.sql",  "0001_notes.SQL",
                                         "0001_notes",  "0001_no tes.sql", "00001_n.sql",
                                         ".sql",        "+001_notes.sql" };
    struct fixture *f = *state;
    char why[200];

    for (size_t i = 0; i < DW_COUNT_OF(wrong); i++) {
        if (read_named(f, wrong[i], "-- migrate:up\nx;\n") == 0)
            fail_msg("%s is taken for a name", wrong[i]);
        snprintf(
            why, sizeof(why),
            "notes/migrations/%s: is no name of a migration; four digits, _ and what it is about in small "
            "letters: 0001_notes.sql",
            wrong[i]);
        assert_string_equal(buf_text(&f->why), why);
    }
}

/* ---- several ---- */

static int read_all(struct fixture *f, const char *const *names, size_t n)
{
    struct migration_file files[8];

    f->why.n = 0;
    for (size_t i = 0; i < n; i++)
        files[i] = (struct migration_file){ names[i], STR_OF("-- migrate:up\nx;\n") };
    return migrations_read(&f->m, &f->arena, "notes", files, n, &f->why);
}

static void they_are_sorted_by_number(void **state)
{
    static const char *const names[] = { "0002_b.sql", "0001_z.sql", "0003_a.sql" };
    struct fixture *f = *state;

    assert_int_equal(read_all(f, names, 3), 0);
    assert_int_equal(f->m.n, 3);
    assert_string_equal(f->m.v[0].name, "0001_z");
    assert_string_equal(f->m.v[1].name, "0002_b");
    assert_string_equal(f->m.v[2].name, "0003_a");
    assert_int_equal(read_all(f, names, 0), 0);
    assert_int_equal(f->m.n, 0);
}

static void numbers_have_no_gap_and_stand_once(void **state)
{
    static const char *const gap[] = { "0001_a.sql", "0003_b.sql" };
    static const char *const late[] = { "0002_a.sql" };
    static const char *const twice[] = { "0001_b.sql", "0001_a.sql" };
    struct fixture *f = *state;

    assert_int_equal(read_all(f, gap, 2), -1);
    assert_string_equal(buf_text(&f->why), "notes/migrations/0003_b.sql: there is no 0002 before it; numbers "
                                           "begin with 0001 and leave none out");
    assert_int_equal(read_all(f, late, 1), -1);
    assert_string_equal(buf_text(&f->why), "notes/migrations/0002_a.sql: there is no 0001 before it; numbers "
                                           "begin with 0001 and leave none out");
    assert_int_equal(read_all(f, twice, 2), -1);
    assert_string_equal(
        buf_text(&f->why),
        "notes/migrations/0001_b.sql: has the number of 0001_a.sql; give it the next free one");
}

static void all_files_that_are_wrong_are_told(void **state)
{
    const struct migration_file files[] = { { "0001_a.sql", STR("x;\n") },
                                            { "0002_b.sql", STR("-- migrate:up\nx;\n") },
                                            { "0003_c.sql", STR("-- migrate:up\n") } };
    struct fixture *f = *state;

    assert_int_equal(migrations_read(&f->m, &f->arena, "notes", files, 3, &f->why), -1);
    assert_string_equal(buf_text(&f->why),
                        "notes/migrations/0001_a.sql:1: -- migrate:up comes before what is to be done\n"
                        "notes/migrations/0003_c.sql: does nothing: there is no SQL below -- migrate:up");
}

static void those_of_the_server_are_in_order(void **state)
{
    struct fixture *f = *state;

    if (migrations_of_core(&f->m, &f->arena, &f->why) != 0)
        fail_msg("%s", buf_text(&f->why));
    assert_true(f->m.n >= 1);
    assert_string_equal(f->m.v[0].source, "core/migrations/0001_database.sql");
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_file_is_read),
        FILE_TEST(scripts_keep_the_lines_of_the_file),
        FILE_TEST(tenant_tables_and_offline_are_noted),
        FILE_TEST(the_checksum_is_of_the_bytes),
        FILE_TEST(ordinary_comments_are_ordinary),
        FILE_TEST(mistakes_are_told_with_their_line),
        FILE_TEST(a_wall_that_was_meant_is_not_lost),
        FILE_TEST(bytes_that_are_no_text_are_refused),
        FILE_TEST(names_have_a_form),
        FILE_TEST(they_are_sorted_by_number),
        FILE_TEST(numbers_have_no_gap_and_stand_once),
        FILE_TEST(all_files_that_are_wrong_are_told),
        FILE_TEST(those_of_the_server_are_in_order),
    };
    return cmocka_run_group_tests_name("migration", tests, NULL, NULL);
}
