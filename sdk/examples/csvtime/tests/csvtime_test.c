/* A folder in /tmp is the other system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <dowel/harness.h>

#define TENANT "0190a0a0-0000-7000-8000-00000000000a"

/* ---- the folder ---- */

struct world {
    dw_harness *h;
    char folder[40], settings[100];
    const char *id; /* of the connection */
};

static const char *path_of(const struct world *w, const char *name)
{
    static char path[100];

    snprintf(path, sizeof(path), "%s/%s", w->folder, name);
    return path;
}

static void put(const struct world *w, const char *name, const char *text)
{
    FILE *file = fopen(path_of(w, name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int begin(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    strcpy(w->folder, "/tmp/csvtime-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->settings, sizeof(w->settings), "{\"folder\": \"%s\"}", w->folder);
    if (dw_harness_open(&w->h, .plugin = PLUGIN) != 0)
        fail_msg("%s", dw_harness_why(w->h));
    dw_harness_set_tenant(w->h, TENANT);
    if (dw_harness_connection(w->h, "csv", w->settings, &w->id) != 0)
        fail_msg("%s", dw_harness_why(w->h));
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;

    unlink(path_of(w, "monday.csv"));
    unlink(path_of(w, "tuesday.csv"));
    rmdir(w->folder);
    assert_int_equal(dw_harness_close(w->h), 0);
    free(w);
    return 0;
}

static const char monday[] = "id;ticket;agent;minutes;begin;text\n"
                             "1;4711;ann@example.org;15;2026-11-23T09:00:00+01:00;Router; new cable\n"
                             "2;4712;bob@example.org;7,5;2026-11-23T10:00:00Z;\n";

static const char *text_of(const json_t *list, size_t i, const char *member)
{
    const char *text = json_string_value(json_object_get(json_array_get(list, i), member));

    return text ? text : "";
}

/* ---- tests ---- */

static void lists_what_the_files_say(void **state)
{
    struct world *w = *state;
    const json_t *list;

    put(w, "monday.csv", monday);
    list = dw_harness_entries(w->h, w->id, NULL);
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(text_of(list, 0, "id"), "1");
    assert_string_equal(text_of(list, 0, "ticket"), "4711");
    assert_string_equal(text_of(list, 0, "agent_email"), "ann@example.org");
    assert_string_equal(text_of(list, 0, "amount"), "15");
    assert_string_equal(text_of(list, 0, "unit"), "minutes");
    assert_string_equal(text_of(list, 0, "begin"), "2026-11-23T08:00:00.000000Z");
    assert_string_equal(text_of(list, 0, "text"), "Router; new cable");
    assert_string_equal(text_of(list, 1, "amount"), "7,5"); /* for a person to decide */

    list = dw_harness_entries(w->h, w->id, DW_STRUCT(dw_entry_query, .ticket = "4712"));
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(text_of(list, 0, "id"), "2");
}

static void a_line_that_cannot_be_read_fails_the_list(void **state)
{
    struct world *w = *state;

    put(w, "monday.csv", monday);
    put(w, "tuesday.csv", "id;ticket;agent;minutes;begin;text\n3;4711;ann@example.org;15\n");
    assert_null(dw_harness_entries(w->h, w->id, NULL));
    assert_int_equal(dw_harness_error(w->h)->code, DW_EUPSTREAM);
    assert_non_null(strstr(dw_harness_error(w->h)->text, "a line has fewer than six columns"));
    assert_non_null(strstr(dw_harness_error(w->h)->text, "line: 2"));

    put(w, "tuesday.csv", "-\n3;4711;ann@example.org;15;yesterday;\n");
    assert_null(dw_harness_entries(w->h, w->id, NULL));
    assert_non_null(strstr(dw_harness_error(w->h)->text, "no time"));
}

static void the_check_says_what_is_wrong_with_the_folder(void **state)
{
    struct world *w = *state;
    const json_t *said = dw_harness_check_connection(w->h, "csv", "{\"folder\": \"/does/not/exist\"}");
    const json_t *error = json_array_get(json_object_get(said, "errors"), 0);

    assert_int_equal(json_integer_value(json_object_get(said, "code")), DW_EINVALID);
    assert_string_equal(json_string_value(json_object_get(error, "pointer")), "#/settings/folder");
    assert_non_null(strstr(json_string_value(json_object_get(error, "detail")), "is it a folder"));

    said = dw_harness_check_connection(w->h, "csv", w->settings);
    assert_int_equal(json_integer_value(json_object_get(said, "code")), 0);
    assert_string_equal(text_of(json_object_get(said, "checks"), 0, "state"), "warning");

    put(w, "monday.csv", monday);
    said = dw_harness_check_connection(w->h, "csv", w->settings);
    assert_string_equal(text_of(json_object_get(said, "checks"), 0, "state"), "good");
}

static void wrong_settings_are_named(void **state)
{
    struct world *w = *state;
    const char *id;

    assert_int_equal(
        dw_harness_connection(w->h, "csv", "{\"foldr\": \"/srv/in\", \"skip_first\": \"no\"}", &id), -1);
    assert_non_null(
        strstr(dw_harness_why(w->h), "#/settings/foldr: is no setting of this kind; did you mean folder?"));
    assert_non_null(strstr(dw_harness_why(w->h), "#/settings/folder: must be set"));
    assert_non_null(strstr(dw_harness_why(w->h), "#/settings/skip_first: must be true or false"));
}

static void tells_when_files_change(void **state)
{
    struct world *w = *state;
    const char event[] = "core.connection.changed";

    assert_int_equal(dw_harness_run_jobs(w->h), 0); /* from here its schedule counts */
    dw_harness_advance(w->h, DW_MINUTES(5));
    assert_int_equal(dw_harness_run_jobs(w->h), 1);
    int before = dw_harness_events(w->h, event);

    put(w, "monday.csv", monday);
    dw_harness_advance(w->h, DW_MINUTES(5));
    assert_int_equal(dw_harness_run_jobs(w->h), 1);
    assert_int_equal(dw_harness_events(w->h, event), before + 1);

    dw_harness_advance(w->h, DW_MINUTES(5));
    assert_int_equal(dw_harness_run_jobs(w->h), 1);
    assert_int_equal(dw_harness_events(w->h, event), before + 1);

    unlink(path_of(w, "monday.csv"));
    dw_harness_advance(w->h, DW_MINUTES(5));
    assert_int_equal(dw_harness_run_jobs(w->h), 1);
    assert_int_equal(dw_harness_events(w->h, event), before + 2);
}

static void forgets_a_connection_that_is_gone(void **state)
{
    struct world *w = *state;
    char event[100];
    int64_t n = -1;

    put(w, "monday.csv", monday);
    dw_harness_run_jobs(w->h);
    dw_harness_advance(w->h, DW_MINUTES(5));
    dw_harness_run_jobs(w->h);
    assert_int_equal(dw_harness_find(w->h, DW_TO(&n), "SELECT count(*) FROM csvtime_seen"), 1);
    assert_int_equal(n, 1);

    snprintf(event, sizeof(event), "{\"connection\": \"%s\"}", w->id);
    assert_int_equal(dw_harness_tell(w->h, "core.connection.deleted", event), 0);
    dw_harness_run_jobs(w->h);
    assert_int_equal(dw_harness_find(w->h, DW_TO(&n), "SELECT count(*) FROM csvtime_seen"), 1);
    assert_int_equal(n, 0);
}

/* Whatever step fails: nothing is left open, and nothing is told that was not remembered. */
static void play(dw_harness *h, void *ud)
{
    const struct world *w = ud;

    (void)dw_harness_entries(h, w->id, NULL);
    dw_harness_advance(h, DW_MINUTES(5));
    dw_harness_run_jobs(h);
}

static void survives_failures_at_every_step(void **state)
{
    struct world *w = *state;

    put(w, "monday.csv", monday);
    assert_true(dw_harness_torture(w->h, play, w) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_what_the_files_say, begin, end),
        cmocka_unit_test_setup_teardown(a_line_that_cannot_be_read_fails_the_list, begin, end),
        cmocka_unit_test_setup_teardown(the_check_says_what_is_wrong_with_the_folder, begin, end),
        cmocka_unit_test_setup_teardown(wrong_settings_are_named, begin, end),
        cmocka_unit_test_setup_teardown(tells_when_files_change, begin, end),
        cmocka_unit_test_setup_teardown(forgets_a_connection_that_is_gone, begin, end),
        cmocka_unit_test_setup_teardown(survives_failures_at_every_step, begin, end),
    };
    return cmocka_run_group_tests_name("csvtime", tests, NULL, NULL);
}
