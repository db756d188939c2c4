/* What is taken away with a plugin, and what is not: one suite for both engines. */
#include "plugin/purge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/search.h"
#include "db_session.h"
#include "jobs_fixture.h"

static struct jobs_fixture fixture;
static struct arena arena;
static struct buf why;

/* Of notes: five tables, two of which refer to each other. notes_more is another plugin, and so is notesmore. */
static const char tables[] =
    "CREATE TABLE notes (tenant_id UUID NOT NULL, id BIGINT NOT NULL, above BIGINT, PRIMARY KEY (tenant_id, "
    "id),"
    " FOREIGN KEY (tenant_id, above) REFERENCES notes (tenant_id, id));"
    "CREATE TABLE notes_lines (tenant_id UUID NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (tenant_id, id),"
    " FOREIGN KEY (tenant_id, id) REFERENCES notes (tenant_id, id));"
    "CREATE TABLE notes_more_things (tenant_id UUID NOT NULL, id BIGINT, PRIMARY KEY (tenant_id, id));"
    "CREATE TABLE notes_a (id BIGINT PRIMARY KEY);"
    "CREATE TABLE notes_b (id BIGINT PRIMARY KEY, a BIGINT REFERENCES notes_a (id));"
    "ALTER TABLE notes_a ADD COLUMN b BIGINT REFERENCES notes_b (id);"
    "CREATE TABLE notes_more_words (id BIGINT PRIMARY KEY);"
    "CREATE TABLE notesmore (id BIGINT PRIMARY KEY);"
    "CREATE TABLE kimai_entries (id BIGINT PRIMARY KEY);"
    "INSERT INTO notes VALUES ('" TENANT_A "', 1, NULL), ('" TENANT_A "', 2, 1), ('" TENANT_B "', 1, NULL);"
    "INSERT INTO notes_lines VALUES ('" TENANT_A "', 1), ('" TENANT_B "', 1);"
    "INSERT INTO notes_a VALUES (1, NULL);"
    "INSERT INTO notes_b VALUES (7, 1);"
    "UPDATE notes_a SET b = 7;"
    "INSERT INTO notesmore VALUES (1);";

static const char *const rows[] = {
    "INSERT INTO dowel_tenant_tables (name, owner) VALUES ('notes', 'notes'), ('notes_lines', 'notes'),"
    " ('notes_more_things', 'notes')",
    "INSERT INTO dowel_migrations (owner, number, name, checksum, applied_at, took_us, server)"
    " VALUES ('notes', 1, '0001_notes', 'x', :now, 1, '1'), ('notes', 2, '0002_more', 'x', :now, 1, '1'),"
    " ('notes_more', 1, '0001_words', 'x', :now, 1, '1'), ('kimai', 1, '0001_entries', 'x', :now, 1, '1')",
    "INSERT INTO dowel_jobs (id, kind, tenant, state, due_at, payload, attempts, lease, cancel, created_at,"
    " lease_until)"
    " VALUES ('00000000-0000-7000-8000-000000000001', 'notes.push', '', 'waiting', :now, '{}', 0, 0, FALSE, "
    ":now,"
    " NULL),"
    " ('00000000-0000-7000-8000-000000000002', 'notes.on:kimai.*', '', 'dead', :now, '{}', 1, 1, FALSE, :now,"
    " NULL),"
    " ('00000000-0000-7000-8000-000000000003', 'notes_more.push', '', 'dead', :now, '{}', 1, 1, FALSE, :now,"
    " NULL)",
    "INSERT INTO dowel_job_failures (job, lease, attempt, code, error)"
    " VALUES ('00000000-0000-7000-8000-000000000002', 1, 1, -1, 'x'),"
    " ('00000000-0000-7000-8000-000000000003', 1, 1, -1, 'x')",
    "INSERT INTO dowel_job_kinds (kind, paused) VALUES ('notes.push', FALSE), ('notes_more.push', FALSE)",
    "INSERT INTO dowel_schedules (name, tenant, job, spec, zone, anchor_at, jitter_us)"
    " VALUES ('notes.poll', '', 'notes.push', 'off', 'UTC', :now, 0),"
    " ('notesmore.poll', '', 'notesmore.push', 'off', 'UTC', :now, 0)",
    "INSERT INTO dowel_subscriptions (plugin, pattern, since, seen_at)"
    " VALUES ('notes', 'kimai.*', :now, :now), ('kimai', 'notes.*', :now, :now)",
    "INSERT INTO dowel_events (id, name, data, at)"
    " VALUES ('00000000-0000-7000-8000-000000000009', 'notes.note.added', '{}', :now)",
    "INSERT INTO dowel_inbox_sources (id, tenant_id, plugin, name, inbox, verify, id_header, enabled, "
    "created_at)"
    " VALUES ('00000000-0000-7000-8000-000000000004', '" TENANT_A "', 'notes', 'in', 'in', 'none', '', TRUE,"
    " :now)",
    "INSERT INTO dowel_inbox_secrets (id, source_id, token, created_at)"
    " VALUES ('00000000-0000-7000-8000-000000000005', '00000000-0000-7000-8000-000000000004', 'x', :now)",
    "INSERT INTO dowel_inbox (id, source_id, delivery_id, headers, body, state, repeats, received_at)"
    " VALUES ('00000000-0000-7000-8000-000000000006', '00000000-0000-7000-8000-000000000004', 'x', '[]', $1,"
    " 'done', 0, :now)",
};

/* SQLite's are on connections. */
static int put_walls_up(void)
{
    static const struct str walled[] = { STR("notes"), STR("notes_lines"), STR("notes_more_things") };
    struct buf sql = BUF_INIT;

    for (size_t i = 0; i < DW_COUNT_OF(walled) && db_engine(fixture.db.db) == DB_POSTGRES; i++)
        wall_write_postgres(&sql, walled[i]);
    int rc = db_fixture_script(&fixture.db, buf_text(&sql));
    buf_finish(&sql);
    return rc;
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0, 0);
    if (jobs_fixture_open(&fixture) != 0 || db_fixture_script(&fixture.db, tables) != 0 ||
        put_walls_up() != 0)
        return -1;
    fixture.now_us = clock_wall_us();
    for (size_t i = 0; i < DW_COUNT_OF(rows); i++) {
        const dw_bytes body = { "x", 1 };
        int64_t n = strstr(rows[i], "$1") ? JOBS_EXEC(&fixture, rows[i], body) : JOBS_EXEC(&fixture, rows[i]);
        if (n < 1)
            return -1;
    }
    return db_learn_walls(fixture.db.db, &why);
}

static int teardown(void **state)
{
    (void)state;
    jobs_fixture_close(&fixture);
    arena_finish(&arena);
    buf_finish(&why);
    return 0;
}

static void assert_good(int rc)
{
    if (rc != 0)
        fail_msg("%s", buf_text(&why));
}

/* "notes 3 notes_lines 2 ..." */
static const char *tables_of(const struct purge *p)
{
    static char text[512];
    size_t at = 0;

    text[0] = 0;
    for (size_t i = 0; i < p->tables.n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s %d", i ? " " : "", p->tables.v[i].name,
                               (int)p->tables.v[i].rows);
    return text;
}

static bool is_there(const char *table)
{
    char sql[128];

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
    log_set_level(LOG_ERROR);
    return JOBS_NUMBER(&fixture, (const char *)sql) >= 0;
}

#define ALL_TABLES "notes 3 notes_a 1 notes_b 1 notes_lines 2 notes_more_things 0"

static void assert_untouched(void)
{
    struct purge p;

    assert_good(purge_look(&p, &arena, fixture.db.db, "notes", &why));
    assert_string_equal(tables_of(&p), ALL_TABLES);
    assert_int_equal(p.kept[PURGE_MIGRATIONS], 2);
    assert_true(p.kept[PURGE_JOBS] >= 2);
}

/* ---- what goes ---- */

static void all_of_it_goes_and_nothing_else(void **state)
{
    static const int kept[PURGE_KEPT] = {
        [PURGE_MIGRATIONS] = 2, [PURGE_DELIVERIES] = 1, [PURGE_SOURCES] = 1, [PURGE_SUBSCRIPTIONS] = 1,
        [PURGE_SCHEDULES] = 1,  [PURGE_FAILURES] = 1,   [PURGE_JOBS] = 2,    [PURGE_KINDS] = 1,
    };
    struct purge p;

    (void)state;
    assert_untouched();
    assert_good(purge_run(&p, &arena, fixture.db.db, "notes", &why));
    assert_string_equal(tables_of(&p), ALL_TABLES);
    for (int i = 0; i < PURGE_KEPT; i++) {
        if (p.kept[i] != kept[i])
            fail_msg("%s: %d", purge_kept_name((enum purge_kept)i), (int)p.kept[i]);
    }
    assert_good(purge_look(&p, &arena, fixture.db.db, "notes", &why));
    assert_true(purge_is_empty(&p));
    assert_false(is_there("notes") || is_there("notes_a") || is_there("notes_more_things"));
    assert_true(is_there("notes_more_words") && is_there("kimai_entries"));
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM notesmore"), 1);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_tenant_tables"), 0);
    assert_int_equal(
        JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_migrations WHERE owner = 'notes_more'"), 1);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_jobs"), 1);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_job_failures"), 1);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_job_kinds"), 1);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_schedules"), 1);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_subscriptions"), 1);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_inbox_secrets"), 0);
    assert_int_equal(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_events"), 1);
}

static void another_plugin_keeps_the_longer_names(void **state)
{
    struct purge p;

    (void)state;
    assert_good(purge_run(&p, &arena, fixture.db.db, "notes_more", &why));
    assert_string_equal(tables_of(&p), "notes_more_words 0");
    assert_untouched();
}

/* An underscore is one, and no sign for any letter. */
static void names_are_no_patterns(void **state)
{
    struct purge p;

    (void)state;
    assert_good(purge_look(&p, &arena, fixture.db.db, "not_s", &why));
    assert_true(purge_is_empty(&p));
    assert_good(purge_look(&p, &arena, fixture.db.db, "note", &why));
    assert_true(purge_is_empty(&p));
}

/* The server's tables are nobody's to take away. */
static void a_plugin_may_be_called_as_anybody(void **state)
{
    static const char *const names[] = { "dowel", "sqlite", "pg" };
    struct purge p;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(names); i++) {
        assert_good(purge_run(&p, &arena, fixture.db.db, names[i], &why));
        assert_int_equal(p.tables.n, 0);
    }
    assert_int_equal(purge_run(&p, &arena, fixture.db.db, "core", &why), -1);
    assert_string_equal(buf_text(&why), "core: is the server itself, and no plugin");
    why.n = 0;
    assert_true(JOBS_NUMBER(&fixture, "SELECT count(*) FROM dowel_migrations WHERE owner = 'core'") > 3);
    assert_untouched();
}

static const char count_server_tables[] = "SELECT count(*) FROM dowel_tenant_tables WHERE name = 'notes' AND "
                                          "0 < (SELECT count(*) FROM dowel_search_notes)";

static void its_words_are_not_found_any_more(void **state)
{
    static const char *const column = "title";
    const struct search_table search = { "notes", &column, 1 };
    struct buf sql = BUF_INIT;
    struct purge p;

    (void)state;
    assert_int_equal(db_fixture_script(&fixture.db, "ALTER TABLE notes ADD COLUMN title TEXT;"), 0);
    search_write_up(&sql, db_engine(fixture.db.db), &search);
    assert_int_equal(db_fixture_script(&fixture.db, buf_text(&sql)), 0);
    buf_finish(&sql);
    assert_int_equal(JOBS_NUMBER(&fixture, count_server_tables), 1);
    assert_good(purge_run(&p, &arena, fixture.db.db, "notes", &why));
    assert_string_equal(tables_of(&p), ALL_TABLES);
    assert_false(is_there("dowel_search_notes") || is_there("dowel_words_notes"));
}

static void sessions_go_on_without_the_wall(void **state)
{
    struct db_session *a = db_session_tenant(&fixture.db, TENANT_A);
    struct purge p;

    (void)state;
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM notes"), 2);
    assert_good(purge_run(&p, &arena, fixture.db.db, "notes", &why));
    assert_true(TRY_EXEC(a, "SELECT count(*) FROM notes") < 0);
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM notesmore"), 1);
    assert_int_equal(db_fixture_script(&fixture.db, "CREATE TABLE notes (id BIGINT PRIMARY KEY);"), 0);
    assert_int_equal(NUMBER(a, "SELECT count(*) FROM notes"), 0);
    db_session_destroy(a);
}

/* ---- what stands in its way ---- */

static void assert_refused(const char *part)
{
    struct purge p;

    assert_int_equal(purge_run(&p, &arena, fixture.db.db, "notes", &why), -1);
    if (!strstr(buf_text(&why), part))
        fail_msg("no \"%s\" in: %s", part, buf_text(&why));
    why.n = 0;
    assert_good(purge_look(&p, &arena, fixture.db.db, "notes", &why));
    assert_true(purge_is_refused(&p, &why));
    why.n = 0;
    assert_untouched();
}

static void a_table_that_refers_to_it_is_in_the_way(void **state)
{
    (void)state;
    assert_int_equal(
        db_fixture_script(&fixture.db,
                          "ALTER TABLE kimai_entries ADD COLUMN note BIGINT REFERENCES notes_a (id);"),
        0);
    assert_refused("the table kimai_entries of another plugin refers to notes_a");
}

static void a_job_that_runs_is_in_the_way(void **state)
{
    const dw_time later = { clock_wall_us() + 60 * INT64_C(1000000) };
    struct purge p;

    (void)state;
    assert_int_equal(JOBS_EXEC(&fixture,
                               "UPDATE dowel_jobs SET state = 'running', lease_until = $1"
                               " WHERE kind = 'notes.push'",
                               later),
                     1);
    assert_refused("a server runs jobs of it (1)");
    assert_int_equal(JOBS_EXEC(&fixture, "UPDATE dowel_jobs SET lease_until = $1 WHERE kind = 'notes.push'",
                               (dw_time){ 1 }),
                     1);
    assert_good(purge_run(&p, &arena, fixture.db.db, "notes", &why)); /* whoever ran it is gone */
}

/* When the tables are to go, and when they have gone. */
static void what_fails_leaves_all_as_it_was(void **state)
{
    static const char *const obstacles[] = {
        [DB_SQLITE] = "CREATE TRIGGER keeps BEFORE DELETE ON dowel_migrations BEGIN"
                      "    SELECT RAISE(ABORT, 'history is kept');"
                      "END;",
        [DB_POSTGRES] = "CREATE VIEW looks AS SELECT id FROM notes_b;",
    };
    struct purge p;

    (void)state;
    assert_int_equal(db_fixture_script(&fixture.db, obstacles[db_engine(fixture.db.db)]), 0);
    assert_int_equal(purge_run(&p, &arena, fixture.db.db, "notes", &why), -1);
    assert_non_null(strstr(buf_text(&why), "notes: nothing was changed: "));
    why.n = 0;
    assert_untouched();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_of_it_goes_and_nothing_else),
        TEST(another_plugin_keeps_the_longer_names),
        TEST(a_plugin_may_be_called_as_anybody),
        TEST(its_words_are_not_found_any_more),
        TEST(names_are_no_patterns),
        TEST(sessions_go_on_without_the_wall),
        TEST(a_table_that_refers_to_it_is_in_the_way),
        TEST(a_job_that_runs_is_in_the_way),
        TEST(what_fails_leaves_all_as_it_was),
    };
    return DB_ON_EVERY_ENGINE("purge", tests);
}
