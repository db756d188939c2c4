/* What opening a plugin does to a process, it does to a child; and what it says is read without trust. */
#include "plugin/probe.h"

#include "plugin_folder.h"

#include <signal.h>
#include <unistd.h>

#include "plugin/migrations.h"
#include "plugin/settings.h"
#include "util/clock.h"

enum { LIMIT_US = 20 * CLOCK_SECOND, SHORT_US = CLOCK_SECOND };

static struct probe_file file_of(struct plugin_folder *f, const char *name)
{
    return (struct probe_file){ .name = name, .path = plugin_folder_take(f, name) };
}

static void said(struct plugin_folder *f, const char *name, int64_t limit_us, const char *part)
{
    struct probe_file file = file_of(f, name);

    assert_int_equal(probe_files(&file, 1, limit_us, &f->arena), 0);
    assert_null(file.found);
    assert_non_null(file.why);
    assert_has(file.why, part);
}

static const char *text_of(const json_t *found, const char *key)
{
    const char *text = json_string_value(json_object_get(found, key));
    assert_non_null(text);
    return text;
}

static void a_good_one_says_what_it_is(void **state)
{
    struct plugin_folder *f = *state;
    struct probe_file file = file_of(f, "innocent");

    assert_int_equal(probe_files(&file, 1, LIMIT_US, &f->arena), 0);
    assert_null(file.why);
    assert_string_equal(text_of(file.found, "name"), "innocent");
    assert_string_equal(text_of(file.found, "version"), "1.0.0");
    assert_int_equal(json_array_size(json_object_get(file.found, "items")), 3);
    const json_t *route = json_array_get(json_object_get(file.found, "routes"), 0);
    assert_string_equal(text_of(route, "path"), "/innocent");

    const struct config_table *table = settings_table_found(file.found, &f->arena);
    assert_non_null(table);
    assert_string_equal(table->items[0].name, "most");
    assert_int_equal(table->items[0].type, CONFIG_INT);
    assert_int_equal(table->items[0].max, 100);
    assert_string_equal(table->items[0].help, "How many at most");
    assert_int_equal(table->items[2].type, CONFIG_SECRET);
    assert_null(table->items[3].name);
    json_decref(file.found);
}

static void what_it_does_to_the_database_is_found(void **state)
{
    struct plugin_folder *f = *state;
    struct probe_file files[] = { file_of(f, "keeper"), file_of(f, "innocent") };
    struct migrations m;
    struct buf why = BUF_INIT;

    assert_int_equal(probe_files(files, 2, LIMIT_US, &f->arena), 0);
    assert_int_equal(plugin_migrations_found(&m, &f->arena, files[0].found, &why), 0);
    assert_string_equal(m.owner, "keeper");
    assert_int_equal(m.n, 3);
    assert_string_equal(m.v[1].source, "keeper/migrations/0002_words.sql");
    assert_string_equal(m.v[0].tenant_tables[MIGRATION_UP][0], "keeper_things");
    assert_int_equal(plugin_migrations_found(&m, &f->arena, files[1].found, &why), 0);
    assert_int_equal(m.n, 0);
    json_decref(files[0].found);
    json_decref(files[1].found);
}

/* In the file's bytes: what would be found when somebody had written this plugin. */
static struct probe_file changed(struct plugin_folder *f, const char *name, const char *from, const char *to)
{
    struct probe_file file = file_of(f, name);
    struct str bytes = plugin_folder_read(f, file.path);
    char *at = memmem(bytes.p, bytes.n, from, strlen(from));

    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
    plugin_folder_write(f, arena_format(&f->arena, "%s.so", name), bytes);
    return file;
}

static void migrations_that_cannot_be_read_are_told(void **state)
{
    struct plugin_folder *f = *state;
    struct probe_file file = changed(f, "keeper", "0002_words.sql", "0004_words.sql");

    assert_int_equal(probe_files(&file, 1, LIMIT_US, &f->arena), 0);
    assert_string_equal(file.why,
                        "keeper/migrations/0003_loudness.sql: there is no 0002 before it; numbers begin "
                        "with 0001 and leave none out");
    file = changed(f, "keeper", "-- tenant-table:", "-- tenant table:");
    assert_int_equal(probe_files(&file, 1, LIMIT_US, &f->arena), 0);
    assert_string_equal(file.why, "keeper/migrations/0001_things.sql:3: -- tenant table: did you mean -- "
                                  "tenant-table?");
    file = changed(f, "keeper", "of people", "of p\xffople");
    assert_int_equal(probe_files(&file, 1, LIMIT_US, &f->arena), 0);
    assert_string_equal(file.why, "keeper/migrations/0001_things.sql: is not UTF-8");
}

static void german_words_that_cannot_be_read_are_told(void **state)
{
    struct plugin_folder *f = *state;
    struct probe_file file = changed(f, "keeper", "\"es ist kein Platz da\"", "[es ist kein Platz da]");

    assert_int_equal(probe_files(&file, 1, LIMIT_US, &f->arena), 0);
    if (strncmp(file.why, "locales/de.json:2: ", strlen("locales/de.json:2: ")) != 0)
        fail_msg("%s", file.why);
}

/* As a file that was damaged, or written by another version, may have it. */
static void items_that_cannot_be_are_not_believed(void **state)
{
    static const struct {
        long long settings, type, offset;
        bool good;
    } rows[] = {
        { 16, DW_ITEM_INT, 8, true },
        { 32, DW_ITEM_INT, 9, false },
        { 16, DW_ITEM_INT, 16, false },
        { 16, DW_ITEM_INT, -8, false },
        { 16, 0, 0, false },
        { 16, 99, 0, false },
        { -1, DW_ITEM_INT, 8, false },
        { 1LL << 40, DW_ITEM_INT, 8, false },
        { 1LL << 40, DW_ITEM_INT, (1LL << 32) + 8, false },
    };
    struct plugin_folder *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *found = json_pack("{s:s, s:s, s:I, s:[{s:s, s:s, s:I, s:I}]}", "name", "notes", "summary", "",
                                  "settings", (json_int_t)rows[i].settings, "items", "name", "most", "help",
                                  "", "type", (json_int_t)rows[i].type, "offset", (json_int_t)rows[i].offset);
        assert_non_null(found);
        if ((settings_table_found(found, &f->arena) != NULL) != rows[i].good)
            fail_msg("row %zu", i);
        json_decref(found);
    }
}

/* The bad ones stand between good ones: each is charged for itself, and the others are read. The exit code is left out: a
 * sanitizer has one of its own for a process that ends while it opens a file. */
static void each_is_charged_for_itself(void **state)
{
    static const char *const names[] = { "innocent",     "crash_on_open", "lonely",   "exit_on_open",
                                         "hang_on_open", "ring_a",        "no_entry", "ring_b" };
    static const char *const parts[] = { NULL,
                                         "crashes when it is opened",
                                         NULL,
                                         "ends the process when it is opened (exit code ",
                                         "did not come back within 1 seconds",
                                         NULL,
                                         "has no symbol dowel_plugin_v0",
                                         NULL };
    struct plugin_folder *f = *state;
    struct probe_file files[8];

    for (size_t i = 0; i < 8; i++)
        files[i] = file_of(f, names[i]);
    assert_int_equal(probe_files(files, 8, SHORT_US, &f->arena), 0);
    for (size_t i = 0; i < 8; i++) {
        if (parts[i])
            assert_has(files[i].why ? files[i].why : "", parts[i]);
        else if (!files[i].found)
            fail_msg("%s: %s", names[i], files[i].why);
        json_decref(files[i].found);
    }
    assert_has(files[1].why, "about to fall");
}

/* What is printed is read as it comes, and must not keep the limit from being looked at. */
static void who_prints_without_end_is_cut_off(void **state)
{
    int64_t began_us = clock_monotonic_us();

    said(*state, "chatter_on_open", SHORT_US, "did not come back within");
    assert_true(clock_monotonic_us() - began_us < 5 * SHORT_US);
}

static void a_missing_symbol_is_named(void **state)
{
    said(*state, "missing_symbol", LIMIT_US, "undefined symbol: function_that_nobody_has");
}

static void descriptors_that_cannot_be_are_refused(void **state)
{
    static const struct {
        const char *name, *part;
    } wrong[] = {
        { "other_major", "was built for plugin ABI 9, this server has 0" },
        { "newer_minor", "needs plugin ABI 0.99, this server has 0.2" },
        { "too_small", "its descriptor has 40 bytes" },
        { "no_strides", "sizes or host is missing" },
        { "bad_version", "version is not of the form" },
        { "vague_job", "the job tidy has the timeout \"soon\": " },
        { "greedy_job", "the job tidy wants 0 attempts and 4711 at a time; 100 and 256 are the most" },
        { "idle_job", "the job tidy has no handler" },
        { "jobless", "the schedule nightly adds the job \"tidy\", which is none of its own" },
        { "whenever", "the schedule nightly does not say when" },
        { "vague_listener", "it subscribes to notes*, which is neither an event's name" },
        { "deaf_listener", "the subscription notes.created has no handler" },
        { "odd_inbox", "the inbox tickets/new has a name with other characters" },
        { "core_itself", "is called core" },
        { "http_itself", "is called http" },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        said(*state, wrong[i].name, LIMIT_US, wrong[i].part);
}

static void its_jobs_are_found(void **state)
{
    struct plugin_folder *f = *state;
    struct probe_file file = file_of(f, "tidy");

    assert_int_equal(probe_files(&file, 1, LIMIT_US, &f->arena), 0);
    if (!file.found)
        fail_msg("%s", file.why);
    assert_string_equal(json_string_value(json_array_get(json_object_get(file.found, "jobs"), 0)), "tidy");
    assert_string_equal(json_string_value(json_array_get(json_object_get(file.found, "schedules"), 0)),
                        "nightly");
    json_decref(file.found);
}

static void what_it_listens_to_is_found(void **state)
{
    struct plugin_folder *f = *state;
    struct probe_file file = file_of(f, "listener");

    assert_int_equal(probe_files(&file, 1, LIMIT_US, &f->arena), 0);
    if (!file.found)
        fail_msg("%s", file.why);
    const json_t *wanted = json_object_get(file.found, "subscriptions");
    assert_int_equal(json_array_size(wanted), 2);
    assert_string_equal(json_string_value(json_array_get(wanted, 0)), "notes.note.*");
    assert_string_equal(json_string_value(json_array_get(json_object_get(file.found, "inboxes"), 0)),
                        "tickets");
    json_decref(file.found);
}

static void a_file_of_another_name_is_refused(void **state)
{
    struct plugin_folder *f = *state;
    struct probe_file file = { .name = "guilty",
                               .path =
                                   plugin_folder_write(f, "guilty.so", plugin_folder_bytes(f, "innocent")) };

    assert_int_equal(probe_files(&file, 1, LIMIT_US, &f->arena), 0);
    assert_string_equal(file.why, "holds the plugin innocent; call the file innocent.so");
}

/* A process that a plugin leaves behind would keep the pipes open. */
static void what_it_forks_ends_with_the_probe(void **state)
{
    struct plugin_folder *f = *state;
    struct probe_file file = file_of(f, "fork_on_open");
    int64_t begin_us = clock_monotonic_us();

    assert_int_equal(probe_files(&file, 1, LIMIT_US, &f->arena), 0);
    if (!file.found)
        fail_msg("%s", file.why);
    assert_true(clock_monotonic_us() - begin_us < LIMIT_US / 2);
    json_decref(file.found);
}

static void nothing_to_do_is_done(void **state)
{
    struct plugin_folder *f = *state;
    assert_int_equal(probe_files(NULL, 0, LIMIT_US, &f->arena), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, plugin_folder_setup, plugin_folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_good_one_says_what_it_is),
        TEST(what_it_does_to_the_database_is_found),
        TEST(migrations_that_cannot_be_read_are_told),
        TEST(german_words_that_cannot_be_read_are_told),
        TEST(items_that_cannot_be_are_not_believed),
        TEST(each_is_charged_for_itself),
        TEST(who_prints_without_end_is_cut_off),
        TEST(a_missing_symbol_is_named),
        TEST(descriptors_that_cannot_be_are_refused),
        TEST(its_jobs_are_found),
        TEST(what_it_listens_to_is_found),
        TEST(a_file_of_another_name_is_refused),
        TEST(what_it_forks_ends_with_the_probe),
        TEST(nothing_to_do_is_done),
    };
    return cmocka_run_group_tests_name("plugin_probe", tests, NULL, NULL);
}
