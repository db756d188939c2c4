/* Full text: what is found and what is not, by whom, and after what; on each engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/migrate.h"
#include "db/migrations_core.h"
#include "db_session.h"

static struct db_fixture fixture;
static struct arena arena;
static struct migrations plugin;
static struct db_session *a, *b;

#define CASES                                                                                             \
    "-- migrate:up\n"                                                                                     \
    "-- tenant-table: cases\n"                                                                            \
    "CREATE TABLE cases (tenant_id UUID NOT NULL, id UUID NOT NULL, title TEXT, problem TEXT, \"order\" " \
    "TEXT, reused INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (tenant_id, id));\n"                            \
    "INSERT INTO cases (tenant_id, id, title) VALUES ('" TENANT_A "', '" OLD_ID "', 'from before');\n"
#define OLD_ID "00000000-0000-7000-8000-000000000001"
#define SEARCH "-- search-table: cases (title, problem, order)\n"
#define DOWN   "-- migrate:down\nDROP TABLE cases;\n"

static int migrate(const struct migrations *m)
{
    struct buf why = BUF_INIT;
    int n = migrate_up(&(struct migrate_options){ .db = fixture.db }, m, &why);

    if (n < 0)
        print_error("%s\n", buf_text(&why));
    buf_finish(&why);
    return n;
}

static int bring(const char *const *texts, size_t n)
{
    struct migration_file files[4];
    struct buf why = BUF_INIT;

    for (size_t i = 0; i < n; i++)
        files[i] = (struct migration_file){ arena_format(&arena, "%04zu_x.sql", i + 1), str_from(texts[i]) };
    int rc = migrations_read(&plugin, &arena, "cases", files, n, &why);
    if (rc != 0)
        print_error("%s\n", buf_text(&why));
    buf_finish(&why);
    return rc == 0 ? migrate(&plugin) : rc;
}
#define BRING(...) \
    bring((const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static int setup(void **state)
{
    struct buf why = BUF_INIT;
    struct migrations core;

    (void)state;
    arena_init(&arena, NULL, 0, 0);
    if (db_fixture_open(&fixture) != 0 || migrations_of_core(&core, &arena, &why) != 0 ||
        migrate(&core) < 0 || BRING(CASES SEARCH DOWN) != 1)
        return -1;
    a = db_session_tenant(&fixture, TENANT_A);
    b = db_session_tenant(&fixture, TENANT_B);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    db_session_destroy(a);
    db_session_destroy(b);
    a = b = NULL;
    db_fixture_close(&fixture);
    arena_finish(&arena);
    return 0;
}

/* ---- saying it ---- */

static const char by_place[] = "SELECT c.title FROM found f JOIN cases c ON c.id = f.id ORDER BY f.place";

static int try_search(struct db_session *s, struct db_rows **rows, const char *typed)
{
    return db_search(s, rows, "cases", str_from(typed), DW_LIST(by_place));
}

/* The titles, with commas. */
static const char *found_by(struct db_session *s, const char *typed)
{
    static char text[400];
    struct db_rows *rows;
    const char *title;

    *text = '\0';
    OK(s, try_search(s, &rows, typed));
    while (OK(s, db_rows_next(rows)) > 0) {
        OK(s, db_rows_read(rows, DW_TO(&title)));
        size_t n = strlen(text);
        snprintf(text + n, sizeof(text) - n, "%s%s", n ? "," : "", title);
    }
    db_rows_close(rows);
    return text;
}

#define FOUND(s, typed, titles) assert_string_equal(found_by((s), (typed)), (titles))

static void add(struct db_session *s, int number, const char *title, const char *problem)
{
    char id[40];

    snprintf(id, sizeof(id), "00000000-0000-7000-8000-%012d", number);
    EXEC(s, "INSERT INTO cases (tenant_id, id, title, problem) VALUES (:tenant, $1, $2, $3)", id, title,
         problem);
}

/* ---- what is found ---- */

static void finds_words_wherever_they_stand(void **state)
{
    (void)state;
    add(a, 10, "Drucker", "Papierstau im Fach 2, Fehler 0x80070005");
    add(a, 11, "VPN", "Verbindung zu vpn.example.org bricht ab (TA:61)");
    add(a, 12, "Ärger", "Müller sagt: \"geht nicht\"");
    FOUND(a, "papierstau", "Drucker");
    FOUND(a, "DRUCKER fach", "Drucker");
    FOUND(a, "drucker verbindung", "");
    FOUND(a, "0X80070005", "Drucker");
    FOUND(a, "vpn.example.org", "VPN");
    FOUND(a, "example", "VPN");
    FOUND(a, "TA:61", "VPN");
    FOUND(a, "TA:6", "");
    FOUND(a, "ärger", "Ärger");
    FOUND(a, "MÜLLER", "Ärger");
    FOUND(a, "arger", "");
    FOUND(a, "before", "from before");
}

static void understands_what_people_type(void **state)
{
    (void)state;
    add(a, 10, "one", "red apple");
    add(a, 11, "two", "green apple");
    add(a, 12, "three", "apple red");
    FOUND(a, "\"red apple\"", "one");
    FOUND(a, "appl* gre*", "two");
    FOUND(a, "apple -red", "two");
    FOUND(a, "apple -\"red apple\" -green", "three");
    FOUND(a, "green OR three", "three,two");
    FOUND(a, "OR green OR", "two");
    FOUND(a, "(red AND", ""); /* no other words mean anything */
}

static void takes_whatever_is_typed(void **state)
{
    static const char *const nothings[] = { "",     " ",   "\"",     "\"\"",   "-",   "-apple",       "*",
                                            "OR",   "' '", "):(&|!", "\"\"\"", "- -", "\xe2\x86\x92", "OR OR",
                                            "-* *", "\\" };
    static const char *const finds[] = { "apple\"", "\"apple",     "'apple'",  "apple' OR '1", "{apple}",
                                         "apple:*", "apple & | !", "$1 apple", "1) apple",     "first:near" };

    (void)state;
    add(a, 10, "one", "apple '1 first near 2 $1");
    FOUND(a, "title:apple", "");
    FOUND(a, "apple^2", "");
    FOUND(a, "NEAR(apple)", "");
    for (size_t i = 0; i < sizeof(nothings) / sizeof(nothings[0]); i++)
        FOUND(a, nothings[i], "");
    for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
        if (strcmp(found_by(a, finds[i]), "one") != 0)
            fail_msg("%s finds %s", finds[i], found_by(a, finds[i]));
    }
}

/* Whatever is typed is a question that the engine understands. */
static void takes_random_questions(void **state)
{
    static const char *const pieces[] = { "apple",
                                          "\"",
                                          "-",
                                          "*",
                                          " ",
                                          "OR",
                                          "NOT",
                                          "AND",
                                          "(",
                                          ")",
                                          "'",
                                          ":",
                                          "first",
                                          "{",
                                          "}",
                                          "^",
                                          "+",
                                          "\xc3\xa4",
                                          "\xe2\x80\x9c",
                                          "\xf0\x9f\x98\x80",
                                          "\xcc\x88",
                                          "&",
                                          "|",
                                          "!",
                                          "<->",
                                          "\\",
                                          "$1",
                                          "?",
                                          "%",
                                          "NEAR/2",
                                          "0x1",
                                          "1e5",
                                          "\xc2\xb2",
                                          "_" };
    struct buf typed = BUF_INIT;
    struct db_rows *rows;
    unsigned seed = 4711;

    (void)state;
    for (int i = 0; i < 1500; i++) {
        typed.n = 0;
        for (unsigned n = 1 + (seed >> 8) % 12; n > 0; n--) {
            seed = seed * 1103515245U + 12345U;
            buf_add_text(&typed, pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))]);
        }
        if (try_search(a, &rows, buf_text(&typed)) < 0)
            fail_msg("%s: %s", buf_text(&typed), db_error_of(a)->text);
        db_rows_close(rows);
    }
    buf_finish(&typed);
}

static void takes_very_long_texts(void **state)
{
    struct buf text = BUF_INIT;

    (void)state;
    for (int i = 0; i < 1500; i++)
        buf_add_char(&text, 'x');
    add(a, 10, "long", buf_text(&text));
    FOUND(a, buf_text(&text), "long");
    FOUND(a, "long", "long");
    text.n = 0;
    for (int i = 0; i < 40000; i++)
        buf_add_format(&text, "w\xc3\xb6rd%d ", i);
    add(a, 11, "many", buf_text(&text));
    FOUND(a, "w\xc3\xb6rd39", "many");
    FOUND(a, "w\xc3\xb6rd39999", "");
    FOUND(a, buf_text(&text), "many"); /* the first 32 */
    buf_finish(&text);
}

static void puts_the_best_first(void **state)
{
    (void)state;
    add(a, 10, "wide",
        "a printer and many other things that stand around it, day and night, so that it hardly counts");
    add(a, 11, "printer", "it has it in its title");
    add(a, 12, "near", "printer printer");
    FOUND(a, "printer", "printer,near,wide");
}

static void never_finds_more_than_a_thousand(void **state)
{
    (void)state;
    OK(a, db_begin(a));
    for (int i = 0; i < 1100; i++)
        add(a, 100 + i, "same", "word");
    OK(a, db_commit(a));
    struct db_rows *rows;
    int64_t n = 0;
    OK(a, db_search(a, &rows, "cases", STR_OF("word"), DW_LIST("SELECT count(*) FROM found")));
    OK(a, db_rows_next(rows));
    OK(a, db_rows_read(rows, DW_TO(&n)));
    db_rows_close(rows);
    assert_int_equal(n, 1000);
}

/* ---- after what ---- */

static void follows_what_happens_to_the_table(void **state)
{
    (void)state;
    add(a, 10, "one", "apple");
    EXEC(a, "UPDATE cases SET problem = 'pear' WHERE title = 'one'");
    FOUND(a, "apple", "");
    FOUND(a, "pear", "one");
    EXEC(a, "UPDATE cases SET problem = NULL, reused = reused + 1 WHERE title = 'one'");
    FOUND(a, "pear", "");
    FOUND(a, "one", "one");
    EXEC(a,
         "INSERT INTO cases (tenant_id, id, title) VALUES (:tenant, $1, 'plum')"
         " ON CONFLICT (tenant_id, id) DO UPDATE SET title = excluded.title",
         OLD_ID);
    FOUND(a, "before", "");
    FOUND(a, "plum", "plum");
    EXEC(a, "DELETE FROM cases WHERE title = 'plum'");
    FOUND(a, "plum", "");
    OK(a, db_begin(a));
    EXEC(a, "UPDATE cases SET title = 'cherry' WHERE title = 'one'");
    FOUND(a, "cherry", "cherry");
    OK(a, db_rollback(a));
    FOUND(a, "cherry", "");
    FOUND(a, "one", "one");
}

static void goes_with_rows_that_are_returned(void **state)
{
    struct db_rows *rows;

    (void)state;
    OK(a, db_begin(a));
    OK(a,
       db_query(a, &rows, DB_BY_PLUGIN,
                DW_LIST("INSERT INTO cases (tenant_id, id, title) VALUES (:tenant, $1, 'new') RETURNING id",
                        "00000000-0000-7000-8000-000000000010")));
    assert_int_equal(OK(a, db_rows_next(rows)), 1);
    OK(a, db_commit(a));
    db_rows_close(rows);
    FOUND(a, "new", "new");
}

static void costs_nothing_where_no_words_change(void **state)
{
    struct db_session *s =
        db_session_of(&fixture, &(struct db_who){ .owner = "core", .is_system = true, .is_unguarded = true });
    int64_t before = 0, after = 0;
    const char *newest =
        fixture.engine == DB_SQLITE
            ? "SELECT max(n) FROM dowel_search_cases"
            : "SELECT CAST(CAST(max(CAST(xmin AS text)) AS bigint) AS bigint) FROM dowel_search_cases";

    (void)state;
    OK(s, db_find(s, DW_TO(&before), DB_BY_CORE, DW_LIST(newest)));
    EXEC(a, "UPDATE cases SET reused = 5");
    OK(s, db_find(s, DW_TO(&after), DB_BY_CORE, DW_LIST(newest)));
    assert_int_equal(before, after);
    db_session_destroy(s);
}

/* ---- by whom ---- */

static void shows_each_tenant_its_own(void **state)
{
    struct db_session *nobody = db_session_tenant(&fixture, NULL);

    (void)state;
    add(a, 10, "ours", "apple");
    add(b, 10, "theirs", "apple pie");
    FOUND(a, "apple", "ours");
    FOUND(b, "apple", "theirs");
    FOUND(b, "pie OR before", "theirs");
    FOUND(nobody, "apple", "");
    /* A word that looks like the other tenant's. */
    add(a, 11, "trap", "0000000000007000800000000000000b t 00000000-0000-7000-8000-00000000000b none");
    FOUND(b, "trap OR none", "");
    FOUND(b, TENANT_A, "");
    FOUND(nobody, "none", "");
    /* Without the join there are only numbers, and only one's own. */
    struct db_rows *rows;
    const char *id;
    OK(b, db_search(b, &rows, "cases", STR_OF("apple OR before"),
                    DW_LIST("SELECT id AS \"id::text\" FROM found")));
    assert_int_equal(OK(b, db_rows_next(rows)), 1);
    OK(b, db_rows_read(rows, DW_TO(&id)));
    assert_string_equal(id, "00000000-0000-7000-8000-000000000010");
    assert_int_equal(OK(b, db_rows_next(rows)), 0);
    db_rows_close(rows);
    db_session_destroy(nobody);
}

static void assert_refused(struct db_session *s, int rc, int code, const char *part)
{
    if (rc != code || !strstr(db_error_of(s)->text, part))
        fail_msg("%d: %s, where %s was expected", rc, db_error_of(s)->text, part);
}

static void says_what_is_wrong(void **state)
{
    struct db_session *system = db_session_system(&fixture);
    struct db_rows *rows;

    (void)state;
    assert_refused(system, try_search(system, &rows, "x"), DW_EMISUSE, "one tenant's");
    assert_refused(a, db_search(a, &rows, "nothing", STR_OF("x"), DW_LIST("SELECT id FROM found")),
                   DW_EMISUSE, "nothing has no index of words: write -- search-table: nothing (column");
    assert_refused(a, db_search(a, &rows, "cases; DROP", STR_OF("x"), DW_LIST("SELECT id FROM found")),
                   DW_EMISUSE, "search-table");
    assert_refused(a, db_search(a, &rows, "cases", STR_OF("x"), DW_LIST("DELETE FROM cases")), DW_EMISUSE,
                   "begins with SELECT");
    assert_refused(
        a, db_search(a, &rows, "cases", STR_OF("x"), DW_LIST("WITH n AS (SELECT 1) SELECT 1 FROM found")),
        DW_EMISUSE, "begins with SELECT");
    assert_refused(a, db_search(a, &rows, "cases", STR_OF("x"), DW_LIST("SELECT id FROM dowel_search_cases")),
                   DW_EMISUSE, "the server's");
    assert_refused(a,
                   db_search(a, &rows, "cases", STR_OF("x"), DW_LIST("SELECT id FROM found WHERE id = $1")),
                   DW_EMISUSE, "1 values, and 0 are given");
    assert_refused(a, db_search(a, &rows, "cases", STR_OF("x"), DW_LIST("SELECT id FROM found", 1)),
                   DW_EMISUSE, "0 values, and 1 are given");
    assert_refused(a, try_search(a, &rows, "\xff"), DW_EINVALID, "UTF-8");
    assert_int_equal(TRY_EXEC(a, "DELETE FROM dowel_search_cases"), DW_EMISUSE);
    db_session_destroy(system);
}

static void runs_with_values_and_in_transactions(void **state)
{
    struct db_rows *rows;
    int place = 0;

    (void)state;
    add(a, 10, "one", "apple");
    add(a, 11, "two", "apple");
    OK(a, db_begin(a));
    OK(a,
       db_search(
           a, &rows, "cases", STR_OF("apple"),
           DW_LIST("SELECT f.place FROM found f JOIN cases c ON c.id = f.id WHERE c.title = $2 AND c.reused"
                   " = $1 AND c.tenant_id = :tenant LIMIT $3",
                   0, "one", 5)));
    assert_int_equal(OK(a, db_rows_next(rows)), 1);
    OK(a, db_rows_read(rows, DW_TO(&place)));
    assert_int_equal(place, 2);
    db_rows_close(rows);
    OK(a, db_commit(a));
}

/* ---- migrations ---- */

static int64_t hidden(void)
{
    struct db_session *s =
        db_session_of(&fixture, &(struct db_who){ .owner = "core", .is_system = true, .is_unguarded = true });
    int64_t n = -1;

    OK(s,
       db_find(
           s, DW_TO(&n), DB_BY_CORE,
           DW_LIST(
               fixture.engine == DB_SQLITE
                   ? "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'dowel\\_search\\_cases%' ESCAPE "
                     "'\\' "
                     "OR name LIKE 'dowel\\_words\\_cases%' ESCAPE '\\'"
                   : "SELECT (SELECT count(*) FROM pg_class WHERE relname LIKE 'dowel\\_search\\_cases%') + "
                     "(SELECT count(*) FROM pg_proc WHERE proname = 'dowel_search_cases')")));
    db_session_destroy(s);
    return n;
}

static void goes_with_its_migration(void **state)
{
    struct buf why = BUF_INIT;

    (void)state;
    assert_true(hidden() > 0);
    assert_int_equal(migrate_down(&(struct migrate_options){ .db = fixture.db }, &plugin, 1, &why), 1);
    assert_int_equal(hidden(), 0);
    assert_int_equal(migrate(&plugin), 1);
    FOUND(a, "before", "from before");
}

static void comes_later_and_again(void **state)
{
    static const char first[] = CASES SEARCH DOWN;
    static const char second[] = "-- migrate:up\n-- search-table: cases (title)\nSELECT 1;\n"
                                 "-- migrate:down\n" SEARCH "SELECT 1;\n";
    static const char third[] = "-- migrate:up\n-- migrate:offline\nDROP TABLE cases;\n" DOWN;
    static const char *const files[] = {
        first,
        second,
        third,
    };
    struct buf why = BUF_INIT;

    (void)state;
    add(a, 10, "one", "apple");
    assert_int_equal(bring(files, 2), 1);
    FOUND(a, "apple", "");
    FOUND(a, "one", "one");
    assert_int_equal(migrate_down(&(struct migrate_options){ .db = fixture.db }, &plugin, 1, &why), 1);
    FOUND(a, "apple", "one");
    assert_int_equal(bring(files, 3), 2);
    assert_int_equal(hidden(), 0);
    buf_finish(&why);
}

static void is_only_for_tables_with_a_wall(void **state)
{
    (void)state;
    assert_int_equal(BRING(CASES SEARCH DOWN,
                           "-- migrate:up\n-- search-table: cases_notes (title)\n"
                           "CREATE TABLE cases_notes (id UUID PRIMARY KEY, title TEXT);\n"),
                     -1);
}

static void says_which_column_is_not_there(void **state)
{
    static const char first[] = CASES SEARCH DOWN;

    (void)state;
    assert_int_equal(BRING(first, "-- migrate:up\n-- search-table: cases (titel)\n"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_words_wherever_they_stand, setup, teardown),
        cmocka_unit_test_setup_teardown(understands_what_people_type, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_whatever_is_typed, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_random_questions, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_very_long_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(puts_the_best_first, setup, teardown),
        cmocka_unit_test_setup_teardown(never_finds_more_than_a_thousand, setup, teardown),
        cmocka_unit_test_setup_teardown(follows_what_happens_to_the_table, setup, teardown),
        cmocka_unit_test_setup_teardown(goes_with_rows_that_are_returned, setup, teardown),
        cmocka_unit_test_setup_teardown(costs_nothing_where_no_words_change, setup, teardown),
        cmocka_unit_test_setup_teardown(shows_each_tenant_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(says_what_is_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(runs_with_values_and_in_transactions, setup, teardown),
        cmocka_unit_test_setup_teardown(goes_with_its_migration, setup, teardown),
        cmocka_unit_test_setup_teardown(comes_later_and_again, setup, teardown),
        cmocka_unit_test_setup_teardown(says_which_column_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(is_only_for_tables_with_a_wall, setup, teardown),
    };

    return DB_ON_EVERY_ENGINE("search", tests);
}
