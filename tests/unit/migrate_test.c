/* Migrations carried out, taken back, and refused; on each engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <time.h>

#include "db_fixture.h"

#include "db/migrate.h"
#include "db/migrations_core.h"
#include "util/clock.h"
#include "util/compiler.h"

struct fixture {
    struct db_fixture database;
    struct arena arena;
    struct buf why;
    struct migrations m;
    bool is_serving;
};

static int setup_with(void **state, struct db_options options)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (!f || db_fixture_open_with(&f->database, options) != 0)
        return -1;
    arena_init(&f->arena, NULL, 0, 0);
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, (struct db_options){ .url = NULL });
}

static int setup_impatient(void **state)
{
    return setup_with(
        state, (struct db_options){ .statement_timeout_us = CLOCK_MS, .transaction_timeout_us = CLOCK_MS });
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    db_fixture_close(&f->database);
    arena_finish(&f->arena);
    buf_finish(&f->why);
    free(f);
    return 0;
}

/* ---- saying it ---- */

/* The owner's files: 0001_a.sql, 0002_b.sql... with these texts. */
static void bring(struct fixture *f, const char *owner, const char *const *texts, size_t n)
{
    struct migration_file files[8];

    for (size_t i = 0; i < n; i++)
        files[i] = (struct migration_file){ arena_format(&f->arena, "%04zu_%c.sql", i + 1, (char)('a' + i)),
                                            str_from(texts[i]) };
    f->why.n = 0;
    if (migrations_read(&f->m, &f->arena, owner, files, n, &f->why) != 0)
        fail_msg("%s", buf_text(&f->why));
}

#define BRING(f, owner, ...)                              \
    bring(f, owner, (const char *const[]){ __VA_ARGS__ }, \
          sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static struct migrate_options options_of(const struct fixture *f)
{
    return (struct migrate_options){ .db = f->database.db, .is_serving = f->is_serving };
}

static int up(struct fixture *f)
{
    const struct migrate_options o = options_of(f);

    f->why.n = 0;
    return migrate_up(&o, &f->m, &f->why);
}

static int down(struct fixture *f, size_t n)
{
    const struct migrate_options o = options_of(f);

    f->why.n = 0;
    return migrate_down(&o, &f->m, n, &f->why);
}

static void assert_up(struct fixture *f, int n)
{
    if (up(f) != n)
        fail_msg("not %d: %s", n, buf_text(&f->why));
}

static void assert_said(struct fixture *f, const char *part)
{
    if (!strstr(buf_text(&f->why), part))
        fail_msg("expected \"%s\" in:\n%s", part, buf_text(&f->why));
}

static struct migrate_plan plan_of(struct fixture *f)
{
    struct migrate_history history;
    struct migrate_plan plan;

    f->why.n = 0;
    if (migrate_history_read(&history, &f->arena, f->database.db, &f->why) != 0)
        fail_msg("%s", buf_text(&f->why));
    assert_int_equal(migrate_plan_make(&plan, &f->arena, &f->m, &history), 0);
    return plan;
}

/* ---- looking at the database ---- */

static struct db_session *open_session(struct fixture *f)
{
    const struct db_who who = { .owner = "core", .is_unguarded = true, .now_us = clock_wall_us() };
    struct db_session *s;

    assert_int_equal(db_session_create(&s, f->database.db, &who), 0);
    return s;
}

/* -1: the statement failed. */
static int64_t number(struct fixture *f, const char *sql)
{
    struct db_session *s = open_session(f);
    int64_t n = -1;

    if (db_find(s, DW_TO(&n), DB_BY_CORE, DW_LIST(sql)) < 0)
        n = -1;
    db_session_destroy(s);
    return n;
}

static void execute(struct fixture *f, const char *sql)
{
    struct db_session *s = open_session(f);

    if (db_exec(s, DB_BY_CORE, DW_LIST(sql)) < 0)
        fail_msg("%s: %s", sql, db_error_of(s)->text);
    db_session_destroy(s);
}

/* ---- up ---- */

static void nothing_brought_is_nothing_done(void **state)
{
    struct fixture *f = *state;

    bring(f, "notes", NULL, 0);
    assert_up(f, 0);
    assert_int_equal(number(f, "SELECT count(*) FROM dowel_migrations"), 0);
}

static void each_is_applied_once_and_recorded(void **state)
{
    struct fixture *f = *state;
    int64_t begin_us = clock_wall_us();

    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\nINSERT INTO notes (id) VALUES (1);\n",
          "-- migrate:up\nINSERT INTO notes (id) VALUES (2)\n");
    assert_up(f, 2);
    assert_up(f, 0);
    assert_int_equal(number(f, "SELECT sum(id) FROM notes"), 3);

    struct migrate_plan plan = plan_of(f);
    assert_null(plan.wrong);
    assert_int_equal(plan.n, 2);
    assert_int_equal(plan.applied, 2);
    assert_int_equal(plan.pending, 0);
    assert_string_equal(plan.steps[1].name, "0002_b");
    assert_string_equal(plan.steps[1].record->checksum, f->m.v[1].checksum);
    assert_string_equal(plan.steps[1].record->server, DOWEL_VERSION);
    assert_in_range(plan.steps[1].record->applied_at_us, begin_us, clock_wall_us());
    assert_in_range(plan.steps[1].record->took_us, 0, 60 * CLOCK_SECOND);
}

static void what_is_new_is_pending(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n");
    assert_int_equal(plan_of(f).pending, 1); /* of a database that has no history at all */
    assert_up(f, 1);
    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n",
          "-- migrate:up\nCREATE TABLE notes_words (id INTEGER);\n");
    struct migrate_plan plan = plan_of(f);
    assert_int_equal(plan.steps[0].state, MIGRATE_APPLIED);
    assert_int_equal(plan.steps[1].state, MIGRATE_PENDING);
    assert_int_equal(plan.pending, 1);
    assert_up(f, 1);
    assert_int_equal(number(f, "SELECT count(*) FROM notes_words"), 0);
}

static void owners_do_not_know_each_other(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n");
    assert_up(f, 1);
    BRING(f, "words", "-- migrate:up\nCREATE TABLE words (id INTEGER);\n");
    assert_int_equal(plan_of(f).n, 1);
    assert_up(f, 1);
    assert_int_equal(number(f, "SELECT count(*) FROM dowel_migrations"), 2);
}

static void lines_of_the_other_engine_are_left_out(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes",
          "-- migrate:up\n"
          "-- dialect: sqlite\n"
          "CREATE TABLE notes (id INTEGER);\n"
          "-- dialect: postgres\n"
          "CREATE TABLE notes (id integer);\n"
          "-- dialect: all\n"
          "CREATE INDEX notes_id ON notes (id);\n");
    assert_up(f, 1);
    assert_int_equal(number(f, "SELECT count(*) FROM notes"), 0);
}

static void tenant_tables_are_known(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes",
          "-- migrate:up\n"
          "-- tenant-table: notes\n"
          "CREATE TABLE notes (tenant_id UUID NOT NULL, id UUID NOT NULL, PRIMARY KEY (tenant_id, id));\n"
          "-- migrate:down\n"
          "DROP TABLE notes;\n");
    assert_up(f, 1);
    assert_int_equal(
        number(f, "SELECT count(*) FROM dowel_tenant_tables WHERE name = 'notes' AND owner = 'notes'"), 1);
    assert_int_equal(down(f, 1), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM dowel_tenant_tables"), 0);
}

static void the_servers_own_are_applied_and_taken_back(void **state)
{
    struct fixture *f = *state;

    f->why.n = 0;
    assert_int_equal(migrations_of_core(&f->m, &f->arena, &f->why), 0);
    assert_up(f, (int)f->m.n);
    assert_int_equal(number(f, "SELECT count(*) FROM dowel_database"), 0);
    if (down(f, f->m.n) != (int)f->m.n)
        fail_msg("%s", buf_text(&f->why));
    assert_int_equal(number(f, "SELECT count(*) FROM dowel_database"), -1);
    assert_up(f, (int)f->m.n);
}

static void the_limits_of_requests_are_not_theirs(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes",
          "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n"
          "INSERT INTO notes (id)\n"
          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT i FROM "
          "n;\n");
    assert_up(f, 1);
    struct migrate_plan plan = plan_of(f);
    assert_true(plan.steps[0].record->took_us > 2 * CLOCK_MS);
}

/* ---- down ---- */

static void the_newest_are_taken_back(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n-- migrate:down\nDROP TABLE notes;\n",
          "-- migrate:up\nCREATE TABLE notes_words (id INTEGER);\n-- migrate:down\nDROP TABLE notes_words;\n",
          "-- migrate:up\nINSERT INTO notes_words VALUES (1);\n-- migrate:down\n");
    assert_up(f, 3);
    assert_int_equal(down(f, 2), 2);
    assert_int_equal(number(f, "SELECT count(*) FROM notes_words"), -1);
    assert_int_equal(number(f, "SELECT count(*) FROM notes"), 0);
    assert_int_equal(plan_of(f).pending, 2);
    assert_int_equal(down(f, 2), -1);
    assert_said(f, "notes has only 1 migrations that could be taken back");
    assert_int_equal(down(f, 1), 1);
    assert_up(f, 3);
}

static void without_a_way_back_nothing_is_touched(void **state)
{
    struct fixture *f = *state;

    BRING(
        f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n",
        "-- migrate:up\nCREATE TABLE notes_words (id INTEGER);\n-- migrate:down\nDROP TABLE notes_words;\n");
    assert_up(f, 2);
    assert_int_equal(down(f, 2), -1);
    assert_said(f, "notes/migrations/0001_a.sql has no part -- migrate:down");
    assert_int_equal(number(f, "SELECT count(*) FROM notes_words"), 0);
}

static void a_failing_way_back_leaves_all_as_it_was(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes",
          "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n-- migrate:down\nDROP TABLE notes;\nDROP TABLE "
          "notes_nothing;\n");
    assert_up(f, 1);
    assert_int_equal(down(f, 1), -1);
    assert_said(f, "notes/migrations/0001_a.sql:5: ");
    assert_said(f, "the database stays at 0001_a");
    assert_int_equal(number(f, "SELECT count(*) FROM notes"), 0);
    assert_int_equal(plan_of(f).applied, 1);
}

/* ---- what fails leaves nothing behind ---- */

static void a_failing_statement_is_told_and_undone(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n",
          "-- migrate:up\n"
          "-- tenant-table: notes_words\n"
          "CREATE TABLE notes_words (tenant_id UUID NOT NULL, id UUID NOT NULL,\n"
          "                    PRIMARY KEY (tenant_id, id));\n"
          "INSERT INTO notes (id) VALUES (1);\n"
          "\n"
          "INSERT INTO notes (id, nothing)\n"
          "VALUES (1, 2);\n");
    assert_int_equal(up(f), -1);
    assert_said(f, "notes/migrations/0002_b.sql:7: ");
    assert_said(f, "nothing");
    assert_said(f, "; nothing of 0002_b is left in the database, which stays at 0001_a");
    assert_int_equal(number(f, "SELECT count(*) FROM notes"), 0);
    assert_int_equal(number(f, "SELECT count(*) FROM notes_words"), -1);
    assert_int_equal(number(f, "SELECT count(*) FROM dowel_tenant_tables"), 0);
    assert_int_equal(plan_of(f).applied, 1);
    assert_int_equal(plan_of(f).pending, 1);
}

static void text_that_is_no_sql_is_told_with_its_line(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\nCREAT TABLE b (id INTEGER);\n");
    assert_int_equal(up(f), -1);
    assert_said(f, "notes/migrations/0001_a.sql:3: ");
    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\nINSERT INTO notes VALUES ('a);\n");
    assert_int_equal(up(f), -1);
    assert_said(f, "notes/migrations/0001_a.sql:3: ");
    assert_int_equal(number(f, "SELECT count(*) FROM notes"), -1);
}

static void what_the_linter_finds_is_not_applied(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n",
          "-- migrate:up\nCREATE TABLE notes_words (id INTEGER);\n", "-- migrate:up\n\nDROP TABLE notes;\n");
    assert_int_equal(up(f), -1);
    assert_said(f, "notes/migrations/0003_c.sql:3: ");
    assert_said(f, "-- migrate:offline");
    assert_int_equal(number(f, "SELECT count(*) FROM notes"), -1); /* nor what comes before it */
    BRING(f, "notes",
          "-- migrate:up\nCREATE TABLE notes (tenant_id UUID NOT NULL, id UUID NOT NULL UNIQUE);\n");
    assert_int_equal(up(f), -1);
    assert_said(f, "notes/migrations/0001_a.sql:2: ");
}

static void types_are_the_engines(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes",
          "-- migrate:up\nCREATE TABLE notes (price DECIMAL(12,2), more JSON);\n"
          "INSERT INTO notes (price, more) VALUES ('1.10', '{\"b\":1}');\n");
    assert_up(f, 1);
    assert_int_equal(number(f, "SELECT count(*) FROM notes WHERE CAST(price AS TEXT) = '1.10'"), 1);
}

/* What was a tenant's table is not looked for any more; and taken back it has its wall again. */
static void a_dropped_table_needs_no_wall(void **state)
{
    struct fixture *f = *state;
    static const char made[] =
        "-- migrate:up\n-- tenant-table: notes\n"
        "CREATE TABLE notes (tenant_id UUID NOT NULL, id UUID NOT NULL, PRIMARY KEY (tenant_id, id));\n";

    BRING(f, "notes", made,
          "-- migrate:offline\n-- migrate:up\nDROP TABLE notes;\n-- migrate:down\n-- tenant-table: notes\n"
          "CREATE TABLE notes (tenant_id UUID NOT NULL, id UUID NOT NULL, PRIMARY KEY (tenant_id, id));\n");
    assert_up(f, 2);
    assert_int_equal(number(f, "SELECT count(*) FROM dowel_tenant_tables"), 0);
    if (down(f, 1) != 1)
        fail_msg("%s", buf_text(&f->why));
    assert_int_equal(number(f, "SELECT count(*) FROM dowel_tenant_tables"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM notes"), 0);
}

/* ---- refused ---- */

static void a_changed_file_is_refused(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n");
    assert_up(f, 1);
    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id BIGINT);\n",
          "-- migrate:up\nDROP TABLE notes;\n");
    assert_int_equal(plan_of(f).steps[0].state, MIGRATE_CHANGED);
    assert_int_equal(up(f), -1);
    assert_said(f,
                "notes/migrations/0001_a.sql was changed after it had been applied (by dowel " DOWEL_VERSION);
    assert_said(f, "write what is to change into a new migration");
    assert_int_equal(number(f, "SELECT count(*) FROM notes"), 0);
    assert_int_equal(down(f, 1), -1);
}

static void a_newer_database_is_refused(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n",
          "-- migrate:up\nCREATE TABLE notes_words (id INTEGER);\n");
    assert_up(f, 2);
    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n");
    struct migrate_plan plan = plan_of(f);
    assert_int_equal(plan.n, 2);
    assert_int_equal(plan.steps[1].state, MIGRATE_UNKNOWN);
    assert_string_equal(plan.steps[1].name, "0002_b");
    assert_int_equal(up(f), -1);
    assert_said(
        f, "the database is newer than this plugin: it has the migration 0002_b of notes, applied by dowel");
    assert_said(f, "dowel db down notes");
    bring(f, "notes", NULL, 0); /* also when it has none at all any more */
    assert_int_equal(up(f), -1);
    assert_said(f, "it has the migration 0001_a of notes");
}

static void a_gap_in_the_history_is_refused(void **state)
{
    struct fixture *f = *state;

    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n",
          "-- migrate:up\nCREATE TABLE notes_words (id INTEGER);\n");
    assert_up(f, 2);
    execute(f, "DELETE FROM dowel_migrations WHERE number = 1");
    assert_int_equal(up(f), -1);
    assert_said(f, "the history of notes has a gap: 0002_b was applied and 0001_a before it was not");
}

static void offline_ones_wait_for_the_server_to_stop(void **state)
{
    struct fixture *f = *state;

    f->is_serving = true;
    BRING(f, "notes", "-- migrate:offline\n-- migrate:up\nCREATE TABLE notes (id INTEGER);\n");
    assert_up(f, 1); /* nobody can be working with what never was */
    BRING(f, "notes", "-- migrate:offline\n-- migrate:up\nCREATE TABLE notes (id INTEGER);\n",
          "-- migrate:up\nCREATE TABLE notes_words (id INTEGER);\n",
          "-- migrate:offline\n-- migrate:up\nDROP TABLE notes;\n");
    assert_int_equal(up(f), -1);
    assert_said(f, "notes/migrations/0003_c.sql is an offline migration");
    assert_int_equal(number(f, "SELECT count(*) FROM notes_words"), -1); /* nor those before it */
    f->is_serving = false;
    assert_up(f, 2);
    assert_int_equal(number(f, "SELECT count(*) FROM notes"), -1);
}

static int count(void *ud)
{
    unsigned *times = ud;

    return ++*times > 1 ? -1 : 0;
}

/* Asked once, when nothing else speaks against it. */
static void whoever_can_be_alone_applies_them(void **state)
{
    struct fixture *f = *state;
    unsigned times = 0;
    const struct migrate_options o = {
        .db = f->database.db, .is_serving = true, .be_alone = count, .ud = &times
    };

    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n");
    assert_up(f, 1);
    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n",
          "-- migrate:offline\n-- migrate:up\nDROP TABLE notes;\n",
          "-- migrate:up\nCREATE TABLE words (id INTEGER);\n");
    assert_int_equal(migrate_up(&o, &f->m, &f->why), -1);
    assert_said(f, "words does not belong to notes");
    assert_int_equal(times, 0);
    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes (id INTEGER);\n",
          "-- migrate:offline\n-- migrate:up\nDROP TABLE notes;\n",
          "-- migrate:offline\n-- migrate:up\nCREATE TABLE notes (id INTEGER);\n");
    assert_int_equal(migrate_up(&o, &f->m, &f->why), 2);
    assert_int_equal(times, 1);
}

/* ---- another server with the same database ---- */

#define TENANT "01890000-0000-7000-8000-000000000001"

static void hear(const char *channel, const char *text, void *ud)
{
    _Atomic unsigned *times = ud;

    if (strcmp(channel, MIGRATE_WALLS_CHANNEL) == 0 && strcmp(text, "notes") == 0)
        atomic_fetch_add(times, 1);
}

static void lose(void *ud)
{
    (void)ud;
}

static void wait_for(_Atomic unsigned *times, unsigned n)
{
    int64_t until = clock_monotonic_us() + 20 * CLOCK_SECOND;

    while (atomic_load(times) < n) {
        assert_true(clock_monotonic_us() < until);
        nanosleep(&(struct timespec){ .tv_nsec = 5 * CLOCK_MS * 1000 }, NULL);
    }
}

static int64_t number_of_tenant(struct db *db, const char *sql)
{
    const struct db_who who = { .owner = "notes", .tenant = TENANT, .now_us = clock_wall_us() };
    struct db_session *s;
    int64_t n = -1;

    assert_int_equal(db_session_create(&s, db, &who), 0);
    if (db_find(s, DW_TO(&n), DB_BY_PLUGIN, DW_LIST(sql)) < 0)
        n = -1;
    db_session_destroy(s);
    return n;
}

/* It hears of walls that come and go, and what is not theirs works throughout. */
static void others_hear_of_walls(void **state)
{
    struct fixture *f = *state;
    static _Atomic unsigned times;
    const struct db_listener listener = { .notice = hear, .lost = lose, .ud = &times };
    const struct db_options options = { .url = f->database.url };
    struct db *other;

    times = 0;
    if (db_open(&other, &options, &f->why) != 0)
        fail_msg("%s", buf_text(&f->why));
    assert_int_equal(db_listen(other, &listener), 0);
    BRING(f, "notes", "-- migrate:up\nCREATE TABLE notes_words (id INTEGER);\n",
          "-- migrate:up\n-- tenant-table: notes\n"
          "CREATE TABLE notes (tenant_id UUID NOT NULL, id UUID NOT NULL, PRIMARY KEY (tenant_id, id));\n"
          "-- migrate:down\nDROP TABLE notes;\n");
    assert_up(f, 2);
    wait_for(&times, 1);
    assert_int_equal(db_learn_walls(other, &f->why), 0);
    assert_int_equal(number_of_tenant(other, "SELECT count(*) FROM notes"), 0);
    assert_int_equal(down(f, 1), 1);
    assert_int_equal(number_of_tenant(other, "SELECT count(*) FROM notes_words"), 0);
    wait_for(&times, 2);
    assert_int_equal(db_learn_walls(other, &f->why), 0);
    assert_int_equal(number_of_tenant(other, "SELECT count(*) FROM notes_words"), 0);
    assert_int_equal(number_of_tenant(other, "SELECT count(*) FROM notes"), -1);
    db_close(other);
}

#define DATABASE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DATABASE_TEST(nothing_brought_is_nothing_done),
        DATABASE_TEST(each_is_applied_once_and_recorded),
        DATABASE_TEST(what_is_new_is_pending),
        DATABASE_TEST(owners_do_not_know_each_other),
        DATABASE_TEST(lines_of_the_other_engine_are_left_out),
        DATABASE_TEST(tenant_tables_are_known),
        DATABASE_TEST(the_servers_own_are_applied_and_taken_back),
        cmocka_unit_test_setup_teardown(the_limits_of_requests_are_not_theirs, setup_impatient, teardown),
        DATABASE_TEST(the_newest_are_taken_back),
        DATABASE_TEST(without_a_way_back_nothing_is_touched),
        DATABASE_TEST(a_failing_way_back_leaves_all_as_it_was),
        DATABASE_TEST(a_failing_statement_is_told_and_undone),
        DATABASE_TEST(text_that_is_no_sql_is_told_with_its_line),
        DATABASE_TEST(what_the_linter_finds_is_not_applied),
        DATABASE_TEST(types_are_the_engines),
        DATABASE_TEST(a_dropped_table_needs_no_wall),
        DATABASE_TEST(a_changed_file_is_refused),
        DATABASE_TEST(a_newer_database_is_refused),
        DATABASE_TEST(a_gap_in_the_history_is_refused),
        DATABASE_TEST(offline_ones_wait_for_the_server_to_stop),
        DATABASE_TEST(whoever_can_be_alone_applies_them),
        DATABASE_TEST(others_hear_of_walls),
    };
    return DB_ON_EVERY_ENGINE("migrate", tests);
}
