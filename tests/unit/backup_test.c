/* The parts of a backup: its folder, its manifest, an SQLite file in the place of another, and PostgreSQL's programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "backup/files.h"
#include "backup/manifest.h"
#include "backup/replace.h"
#include "backup/shelf.h"
#include "db/postgres_dump.h"
#include "db_session.h"
#include "util/clock.h"
#include "util/compiler.h"
#include "util/program.h"

static char folder[64], program_path[PATH_MAX];
static struct buf why;

static int setup(void **state)
{
    (void)state;
    why = (struct buf)BUF_INIT;
    snprintf(folder, sizeof(folder), "/tmp/dowel-backup-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    buf_finish(&why);
    return folder_remove(folder);
}

static const char *in(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static const char *read_text(const char *path)
{
    static char text[4096];
    FILE *f = fopen(path, "r");

    if (!f)
        return "";
    text[fread(text, 1, sizeof(text) - 1, f)] = 0;
    fclose(f);
    return text;
}

static void assert_good(int rc)
{
    if (rc != 0)
        fail_msg("%s", buf_text(&why));
}

/* It failed, and says this; `why` is empty again. */
static void assert_bad(int rc, const char *text)
{
    assert_true(rc < 0);
    if (!strstr(buf_text(&why), text))
        fail_msg("%s", buf_text(&why));
    why.n = 0;
}

/* ---- programs ---- */

static int run(const char *script)
{
    const char *const argv[] = { "/bin/sh", "-c", script, NULL };

    return program_run(argv, (char *const[]){ NULL }, &why);
}

static void a_program_that_fails_is_quoted(void **state)
{
    (void)state;
    assert_good(run("echo thrown away; exit 0"));
    assert_bad(run("echo out; echo 'no such role' >&2; exit 3"), "/bin/sh ended with 3: no such role");
    assert_bad(run("kill -9 $$"), "was ended by signal 9");
    assert_bad(
        run("i=0; while [ $i -lt 20000 ]; do echo 0123456789 >&2; i=$((i+1)); done; echo last >&2; exit 1"),
        "last");
    const char *const argv[] = { in("nothing"), NULL };
    assert_bad(program_run(argv, (char *const[]){ NULL }, &why), "No such file");
}

static void make_program(const char *name, const char *text)
{
    write_text(in(name), text);
    assert_int_equal(chmod(in(name), 0755), 0);
}

static void the_newest_program_is_found(void **state)
{
    char found[PATH_MAX], pattern[PATH_MAX];

    (void)state;
    snprintf(pattern, sizeof(pattern), "%s/*/bin", folder);
    assert_int_equal(program_find("frobnicate", pattern, found), -1);
    for (size_t i = 0; i < 3; i++) {
        static const char *const places[] = { "9", "15", "14" };
        char name[64];
        assert_int_equal(mkdir(in(places[i]), 0755), 0);
        snprintf(name, sizeof(name), "%s/bin", places[i]);
        assert_int_equal(mkdir(in(name), 0755), 0);
        snprintf(name, sizeof(name), "%s/bin/frobnicate", places[i]);
        make_program(name, "#!/bin/sh\n");
    }
    assert_int_equal(program_find("frobnicate", pattern, found), 0);
    assert_non_null(strstr(found, "/15/bin/frobnicate"));
    assert_int_equal(program_find("frobnicate", NULL, found), -1);
    assert_int_equal(program_find("sh", NULL, found), 0);
}

/* ---- the shelf ---- */

static int collect(const char *name, void *ud)
{
    buf_add_format(ud, "%s ", name);
    return 0;
}

static void names_are_times(void **state)
{
    char name[SHELF_NAME_SIZE];

    (void)state;
    shelf_name(INT64_C(1700000000) * CLOCK_SECOND, name);
    assert_string_equal(name, "20231114T221320Z");
    assert_true(shelf_is_name(name));
    static const char *const others[] = { "", "20231114T221320", "20231114 221320Z", "2023111aT221320Z",
                                          "../../../../etc/x" };
    for (size_t i = 0; i < DW_COUNT_OF(others); i++)
        assert_false(shelf_is_name(others[i]));
}

static void a_backup_appears_when_it_is_whole(void **state)
{
    struct shelf_place first, second;
    struct buf names = BUF_INIT;

    (void)state;
    assert_good(shelf_each(in("none"), collect, &names, &why));
    assert_good(shelf_begin(&first, in("20260101T000000Z"), &why));
    assert_good(shelf_begin(&second, in("20260102T000000Z/"), &why));
    assert_good(shelf_each(folder, collect, &names, &why));
    assert_string_equal(buf_text(&names), "");
    assert_good(shelf_end(&first, &why));
    assert_good(shelf_end(&second, &why));
    assert_good(shelf_each(folder, collect, &names, &why));
    assert_string_equal(buf_text(&names), "20260102T000000Z 20260101T000000Z ");
    assert_bad(shelf_begin(&first, in("20260101T000000Z"), &why), "File exists");
    buf_finish(&names);
}

static void only_old_beginnings_are_tidied(void **state)
{
    struct shelf_place fresh, old, gone;
    const struct timespec long_ago[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };

    (void)state;
    assert_good(shelf_begin(&fresh, in("20260101T000000Z"), &why));
    assert_good(shelf_begin(&old, in("20260102T000000Z"), &why));
    assert_good(shelf_begin(&gone, in("20260103T000000Z"), &why));
    assert_int_equal(utimensat(AT_FDCWD, old.unfinished, long_ago, 0), 0);
    shelf_abandon(&gone);
    shelf_tidy(folder);
    assert_int_equal(access(fresh.unfinished, F_OK), 0);
    assert_int_equal(access(old.unfinished, F_OK), -1);
    assert_int_equal(access(gone.unfinished, F_OK), -1);
}

/* ---- the manifest ---- */

static json_t *about(int format)
{
    return json_pack("{s:i, s:s, s:s, s:[{s:s, s:i, s:s, s:s}]}", "format", format, "engine", "sqlite",
                     "dowel", "9.9", "migrations", "owner", "core", "number", 1, "name", "0001_a", "checksum",
                     "abc");
}

static void make_backup(int format)
{
    json_t *manifest = about(format);

    write_text(in("database.sqlite"), "rows");
    assert_int_equal(mkdir(in("conf.d"), 0700), 0);
    write_text(in("conf.d/core.yaml"), "listen: 1\n");
    assert_good(manifest_write(folder, manifest, &why));
    json_decref(manifest);
}

static void a_manifest_says_what_is_there(void **state)
{
    struct migrate_history history;
    struct arena arena;
    json_t *manifest;

    (void)state;
    make_backup(MANIFEST_FORMAT);
    assert_good(manifest_read(&manifest, folder, &why));
    assert_good(manifest_check(manifest, folder, &why));
    assert_int_equal(manifest_size(manifest), 14);
    assert_int_equal(manifest_engine(manifest), DB_SQLITE);
    arena_init(&arena, NULL, 0, 0);
    assert_int_equal(manifest_history_read(&history, &arena, manifest), 0);
    assert_int_equal(history.n, 1);
    assert_string_equal(history.v[0].checksum, "abc");
    arena_finish(&arena);
    json_decref(manifest);
}

static void what_was_damaged_is_named(void **state)
{
    json_t *manifest;

    (void)state;
    make_backup(MANIFEST_FORMAT);
    assert_good(manifest_read(&manifest, folder, &why));
    write_text(in("database.sqlite"), "rowz");
    write_text(in("conf.d/core.yaml"), "listen: 10\n");
    int rc = manifest_check(manifest, folder, &why);
    assert_non_null(strstr(buf_text(&why), "conf.d/core.yaml: has 11 bytes, and had 10"));
    assert_bad(rc, "database.sqlite: is damaged");
    assert_int_equal(unlink(in("database.sqlite")), 0);
    assert_bad(manifest_check(manifest, folder, &why), "database.sqlite: cannot be opened: No such file");
    json_decref(manifest);
}

static void a_manifest_that_was_changed_is_refused(void **state)
{
    json_t *manifest;

    (void)state;
    assert_bad(manifest_read(&manifest, folder, &why), "a backup is a folder with this file in it");
    assert_null(manifest);
    make_backup(MANIFEST_FORMAT);
    FILE *f = fopen(in("manifest.json"), "a");
    fputc(' ', f);
    fclose(f);
    assert_bad(manifest_read(&manifest, folder, &why), "is not as it was written");
    assert_null(manifest);
}

static void a_newer_format_is_refused(void **state)
{
    json_t *manifest;

    (void)state;
    make_backup(MANIFEST_FORMAT + 1);
    assert_bad(manifest_read(&manifest, folder, &why), "was made by dowel 9.9");
}

static void a_list_leads_nowhere_else(void **state)
{
    json_t *manifest =
        json_pack("{s:[{s:s, s:i, s:s}]}", "files", "path", "../../etc/passwd", "size", 1, "sha256", "");

    (void)state;
    assert_bad(manifest_check(manifest, folder, &why), "which is not in the backup");
    json_decref(manifest);
}

/* ---- SQLite ---- */

static void make_sqlite(const char *path, const char *sql, bool leave_open)
{
    sqlite3 *handle;

    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    if (leave_open)
        sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL); /* as after a crash */
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

static int value_in(const char *path)
{
    sqlite3 *handle;
    sqlite3_stmt *st = NULL;

    assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_prepare_v2(handle, "SELECT sum(n) FROM t", -1, &st, NULL);
    int value = st && sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int(st, 0) : -1;
    sqlite3_finalize(st);
    sqlite3_close(handle);
    return value;
}

static const char *hash_of(const char *path)
{
    static char hash[DIGEST_HEX_SIZE];
    uint64_t size;

    assert_good(files_hash(path, &size, hash, &why));
    return hash;
}

static void the_present_file_is_kept_with_its_journal(void **state)
{
    char kept[PATH_MAX];

    (void)state;
    make_sqlite(in("new"), "CREATE TABLE t (n); INSERT INTO t VALUES (1)", false);
    make_sqlite(in("dowel.db"), "PRAGMA journal_mode = WAL; CREATE TABLE t (n); INSERT INTO t VALUES (20)",
                true);
    assert_int_equal(access(in("dowel.db-wal"), F_OK), 0);
    assert_good(replace_sqlite(in("new"), hash_of(in("new")), in("dowel.db"), kept, &why));
    assert_int_equal(value_in(in("dowel.db")), 1);
    assert_int_equal(value_in(kept), 20);
    assert_int_equal(access(in("dowel.db.restoring"), F_OK), -1);
}

static void a_broken_file_is_kept_as_it_is(void **state)
{
    char kept[PATH_MAX];

    (void)state;
    make_sqlite(in("new"), "CREATE TABLE t (n); INSERT INTO t VALUES (1)", false);
    write_text(in("dowel.db"), "this is no database at all, whatever its name says");
    write_text(in("dowel.db-wal"), "nor is this a journal");
    assert_good(replace_sqlite(in("new"), hash_of(in("new")), in("dowel.db"), kept, &why));
    assert_int_equal(value_in(in("dowel.db")), 1);
    assert_string_equal(read_text(kept), "this is no database at all, whatever its name says");
}

static void a_file_that_was_not_there_is_made(void **state)
{
    char kept[PATH_MAX];

    (void)state;
    make_sqlite(in("new"), "CREATE TABLE t (n); INSERT INTO t VALUES (1)", false);
    assert_good(replace_sqlite(in("new"), hash_of(in("new")), in("dowel.db"), kept, &why));
    assert_string_equal(kept, "");
    assert_int_equal(value_in(in("dowel.db")), 1);
}

static void what_changed_meanwhile_is_not_put_there(void **state)
{
    char kept[PATH_MAX];

    (void)state;
    make_sqlite(in("new"), "CREATE TABLE t (n); INSERT INTO t VALUES (1)", false);
    make_sqlite(in("dowel.db"), "CREATE TABLE t (n); INSERT INTO t VALUES (20)", false);
    assert_bad(replace_sqlite(in("new"), "00", in("dowel.db"), kept, &why), "has changed while it was read");
    assert_int_equal(value_in(in("dowel.db")), 20);
    assert_int_equal(access(in("dowel.db.restoring"), F_OK), -1);
}

/* ---- PostgreSQL ---- */

static struct db_fixture fixture;

static int setup_postgres(void **state)
{
    if (setup(state) != 0 || db_fixture_open(&fixture) != 0 ||
        db_fixture_script(&fixture,
                          "CREATE TABLE notes (tenant_id UUID NOT NULL, id BIGINT NOT NULL, text TEXT,"
                          " PRIMARY KEY (tenant_id, id));"
                          "CREATE TABLE dowel_migrations (owner TEXT, number INTEGER, checksum TEXT);"
                          "INSERT INTO dowel_migrations VALUES ('core', 1, 'abc');") != 0)
        return -1;
    return db_fixture_wall(&fixture, "notes");
}

static int teardown_postgres(void **state)
{
    db_fixture_close(&fixture);
    return teardown(state);
}

static void add_note(const char *tenant, int id)
{
    struct db_session *s = db_session_tenant(&fixture, tenant);

    EXEC(s, "INSERT INTO notes (tenant_id, id, text) VALUES (:tenant, $1, 'it''s \\ x')", id);
    db_session_destroy(s);
}

static int64_t count_of(struct db_session *s)
{
    int64_t n = NUMBER(s, "SELECT count(*) FROM notes");

    db_session_destroy(s);
    return n;
}

/* As the server does when it starts. */
static void open_again(void)
{
    db_close(fixture.db);
    assert_good(db_open(&fixture.db, &(struct db_options){ .url = fixture.url }, &why));
    assert_good(db_learn_walls(fixture.db, &why));
}

static void all_tenants_come_back_and_their_walls(void **state)
{
    (void)state;
    add_note(TENANT_A, 1);
    add_note(TENANT_B, 1);
    add_note(TENANT_B, 2);
    assert_good(postgres_dump(fixture.url, in("dump"), &why));
    assert_good(postgres_dump_verify(in("dump"), &why));
    add_note(TENANT_A, 3);
    assert_good(db_fixture_script(&fixture, "CREATE TABLE later (id BIGINT);"));
    db_close(fixture.db);
    fixture.db = NULL;
    assert_good(postgres_dump_restore(fixture.url, in("dump"), folder, &why));
    open_again();
    assert_int_equal(count_of(db_session_system(&fixture)), 3);
    assert_int_equal(count_of(db_session_tenant(&fixture, TENANT_A)), 1);
    assert_int_equal(count_of(db_session_tenant(&fixture, TENANT_B)), 2);
    add_note(TENANT_A, 2); /* what was granted is granted again */
    struct db_session *s = db_session_system(&fixture);
    assert_true(TRY_EXEC(s, "SELECT 1 FROM later") < 0);
    db_session_destroy(s);
}

static void half_a_dump_changes_nothing(void **state)
{
    struct stat st;

    (void)state;
    add_note(TENANT_A, 1);
    assert_good(postgres_dump(fixture.url, in("dump"), &why));
    assert_int_equal(stat(in("dump"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(truncate(in("dump"), st.st_size - st.st_size / 3), 0);
    add_note(TENANT_A, 2);
    assert_bad(postgres_dump_verify(in("dump"), &why), "pg_restore");
    assert_bad(postgres_dump_restore(fixture.url, in("dump"), folder, &why), "pg_restore");
    assert_int_equal(count_of(db_session_system(&fixture)), 2);
}

static void a_dump_is_tried_where_the_role_may(void **state)
{
    struct buf found = BUF_INIT;

    (void)state;
    add_note(TENANT_A, 1);
    assert_good(postgres_dump(fixture.url, in("dump"), &why));
    assert_int_equal(postgres_dump_try(fixture.url, in("dump"), folder, &found, &why), 0);
    assert_int_equal(postgres_admin("ALTER ROLE dowel CREATEDB"), 0);
    int tried = postgres_dump_try(fixture.url, in("dump"), folder, &found, &why);
    assert_int_equal(postgres_admin("ALTER ROLE dowel NOCREATEDB"), 0);
    if (tried != 1)
        fail_msg("%s", buf_text(&why));
    assert_string_equal(buf_text(&found), "core 1 abc\n");
    buf_finish(&found);
}

static void others_are_counted(void **state)
{
    int n = -1;

    (void)state;
    db_close(fixture.db);
    fixture.db = NULL;
    for (int i = 0; n != 0 && i < 1000; i++, usleep(10000)) /* the server notices that they have gone */
        assert_good(postgres_dump_others(fixture.url, &n, &why));
    assert_int_equal(n, 0);
    PGconn *other = PQconnectdb(fixture.url);
    assert_int_equal(PQstatus(other), CONNECTION_OK);
    assert_good(postgres_dump_others(fixture.url, &n, &why));
    assert_int_equal(n, 1);
    PQfinish(other);
}

/* With a program of that name that only writes down how it was called. */
static void a_password_is_no_argument(void **state)
{
    char text[1024];

    (void)state;
    snprintf(text, sizeof(text),
             "#!/bin/sh\nprintf '%%s\\n' \"$@\" >%s/arguments\nprintf '%%s' \"$PGPASSWORD\" >%s/password\n",
             folder, folder);
    make_program("pg_dump", text);
    snprintf(program_path, sizeof(program_path), "%s", getenv("PATH"));
    assert_int_equal(setenv("PATH", folder, 1), 0);
    int rc = postgres_dump("postgres://me:it%27s%20secret@db.example:7777/the'name?sslmode=require",
                           in("dump"), &why);
    setenv("PATH", program_path, 1);
    assert_good(rc);
    assert_string_equal(read_text(in("password")), "it's secret");
    const char *arguments = read_text(in("arguments"));
    assert_null(strstr(arguments, "secret"));
    assert_non_null(strstr(arguments, "dbname='the\\'name'"));
    assert_non_null(strstr(arguments, "sslmode='require'"));
    assert_non_null(strstr(arguments, "port='7777'"));
}

static void a_key_with_a_password_is_refused(void **state)
{
    (void)state;
    assert_bad(postgres_dump("postgres://me@db.example/name?sslpassword=x", in("dump"), &why), "sslpassword");
    assert_int_equal(access(in("dump"), F_OK), -1);
}

int main(void)
{
#define TEST(f)    cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TEST_PG(f) cmocka_unit_test_setup_teardown(f, setup_postgres, teardown_postgres)
    const struct CMUnitTest tests[] = {
        TEST(a_program_that_fails_is_quoted),
        TEST(the_newest_program_is_found),
        TEST(names_are_times),
        TEST(a_backup_appears_when_it_is_whole),
        TEST(only_old_beginnings_are_tidied),
        TEST(a_manifest_says_what_is_there),
        TEST(what_was_damaged_is_named),
        TEST(a_manifest_that_was_changed_is_refused),
        TEST(a_newer_format_is_refused),
        TEST(a_list_leads_nowhere_else),
        TEST(the_present_file_is_kept_with_its_journal),
        TEST(a_broken_file_is_kept_as_it_is),
        TEST(a_file_that_was_not_there_is_made),
        TEST(what_changed_meanwhile_is_not_put_there),
        TEST(a_password_is_no_argument),
        TEST(a_key_with_a_password_is_refused),
    };
    const struct CMUnitTest on_postgres[] = {
        TEST_PG(all_tenants_come_back_and_their_walls),
        TEST_PG(half_a_dump_changes_nothing),
        TEST_PG(a_dump_is_tried_where_the_role_may),
        TEST_PG(others_are_counted),
    };
    int failed = cmocka_run_group_tests_name("backup", tests, NULL, NULL);

    if (db_fixture_on(DB_POSTGRES))
        failed += cmocka_run_group_tests_name("backup of PostgreSQL", on_postgres, NULL, NULL);
    return failed;
}
