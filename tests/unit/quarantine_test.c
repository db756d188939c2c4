/* Crashes are counted, by several processes, whatever the file looks like. */
#include "plugin/quarantine.h"

#include "config_fixture.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

static int record(struct fixture *f, const char *name, bool exempt)
{
    struct buf why = BUF_INIT;
    int result = quarantine_record(f->root, name, "operation createNote", "crashes/a-note.txt", exempt, &why);

    if (result < 0)
        print_error("%s\n", buf_text(&why));
    buf_finish(&why);
    return result;
}

static int clear(struct fixture *f, const char *name)
{
    struct buf why = BUF_INIT;
    int result = quarantine_clear(f->root, name, &why);

    assert_int_equal(result<0, why.n> 0);
    buf_finish(&why);
    return result;
}

static bool is_quarantined(struct fixture *f, const char *name)
{
    struct quarantine *q = quarantine_read(f->root);
    const struct quarantine_plugin *p = quarantine_find(q, name);
    bool result = p && p->quarantined;

    assert_non_null(q);
    quarantine_destroy(q);
    return result;
}

static size_t crashes(struct fixture *f, const char *name)
{
    struct quarantine *q = quarantine_read(f->root);
    const struct quarantine_plugin *p = quarantine_find(q, name);
    size_t n = p ? p->n : 0;

    quarantine_destroy(q);
    return n;
}

/* ---- counting ---- */

static void the_third_crash_quarantines(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    assert_false(is_quarantined(f, "notes"));
    assert_int_equal(record(f, "notes", false), 0);
    assert_int_equal(record(f, "mail", false), 0);
    assert_int_equal(record(f, "notes", false), 0);
    assert_false(is_quarantined(f, "notes"));
    assert_int_equal(record(f, "notes", false), 1);
    assert_true(is_quarantined(f, "notes"));
    assert_false(is_quarantined(f, "mail"));
    assert_int_equal(record(f, "notes", false), 0); /* not anew */
    assert_int_equal(stat(fixture_path(f, "plugins/crashes.json"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void what_is_told_of_them(void **state)
{
    struct fixture *f = *state;
    size_t n;
    time_t before = time(NULL);

    record(f, "notes", false);
    record(f, "mail", false);
    struct quarantine *q = quarantine_read(f->root);
    const struct quarantine_plugin *list = quarantine_list(q, &n);
    assert_int_equal(n, 2);
    assert_string_equal(list[0].name, "notes");
    assert_string_equal(list[1].name, "mail");
    assert_int_equal(list[0].n, 1);
    assert_string_equal(list[0].crashes[0].what, "operation createNote");
    assert_string_equal(list[0].crashes[0].note, "crashes/a-note.txt");
    assert_true(list[0].crashes[0].time_s >= before && list[0].crashes[0].time_s <= time(NULL));
    quarantine_destroy(q);
}

static void old_crashes_do_not_count(void **state)
{
    struct fixture *f = *state;
    char text[300];
    long long now = time(NULL);

    mkdir(fixture_path(f, "plugins"), 0700);
    snprintf(text, sizeof(text),
             "{\"version\":1,\"plugins\":{\"notes\":{\"crashes\":[{\"time\":%lld},{\"time\":%lld}]}}}",
             now - QUARANTINE_WINDOW_S - 5, now + 86400);
    fixture_write(f, "plugins/crashes.json", text);
    assert_int_equal(crashes(f, "notes"), 2);
    assert_int_equal(record(f, "notes", false), 0);
    assert_int_equal(record(f, "notes", false), 0);
    assert_int_equal(record(f, "notes", false), 1);
    for (int i = 0; i < QUARANTINE_KEPT; i++)
        record(f, "notes", false);
    assert_int_equal(crashes(f, "notes"), QUARANTINE_KEPT);
    assert_true(is_quarantined(f, "notes"));
}

static void clearing_forgets(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(clear(f, "notes"), 0);
    for (int i = 0; i < QUARANTINE_CRASHES; i++)
        record(f, "notes", false);
    record(f, "mail", false);
    assert_int_equal(clear(f, "notes"), 1);
    assert_false(is_quarantined(f, "notes"));
    assert_int_equal(crashes(f, "notes"), 0);
    assert_int_equal(crashes(f, "mail"), 1);
    assert_int_equal(record(f, "notes", false), 0);
}

/* ---- who is never quarantined ---- */

static void the_exempt_are_only_recorded(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < QUARANTINE_CRASHES + 1; i++)
        assert_int_equal(record(f, "auth", true), 0);
    assert_false(is_quarantined(f, "auth"));
    assert_int_equal(crashes(f, "auth"), QUARANTINE_CRASHES + 1);
}

static void who_is_required_is_exempt(void **state)
{
    struct fixture *f = *state;

    assert_true(quarantine_is_exempt(NULL, "auth"));
    assert_false(quarantine_is_exempt(NULL, "notes"));
    fixture_write(f, "conf.d/notes.yaml", "enabled: true\nrequired: true\n");
    fixture_write(f, "conf.d/mail.yaml", "enabled: true\nrequired: false\n");
    assert_int_equal(fixture_load(f), 0);
    assert_true(quarantine_is_exempt(f->config, "auth"));
    assert_true(quarantine_is_exempt(f->config, "notes"));
    assert_false(quarantine_is_exempt(f->config, "mail"));
    assert_false(quarantine_is_exempt(f->config, "nowhere"));
    fixture_write(f, "conf.d/notes.yaml", "enabled: true\nrequired: 1\n");
    assert_int_equal(fixture_load(f), -1);
    fixture_assert_said(f, "conf.d/notes.yaml:2: required: must be true or false, found a number");
}

/* ---- what may go wrong ---- */

static void a_broken_file_is_as_none(void **state)
{
    static const char *const broken[] = {
        "", "{", "[]", "{\"version\":2,\"plugins\":{}}", "{\"version\":1}", "{\"version\":1,\"plugins\":[]}"
    };
    struct fixture *f = *state;

    mkdir(fixture_path(f, "plugins"), 0700);
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        fixture_write(f, "plugins/crashes.json", broken[i]);
        assert_false(is_quarantined(f, "notes"));
        assert_int_equal(record(f, "notes", false), 0);
        assert_int_equal(crashes(f, "notes"), 1);
    }
    fixture_write(
        f, "plugins/crashes.json",
        "{\"version\":1,\"plugins\":{\"notes\":7,\"mail\":{\"quarantined\":\"yes\",\"crashes\":[1,{}]}}}");
    assert_int_equal(crashes(f, "notes"), 0);
    assert_int_equal(crashes(f, "mail"), 2);
    assert_int_equal(record(f, "notes", false), 0);
    assert_int_equal(crashes(f, "notes"), 1);
}

static void what_cannot_be_written_is_told(void **state)
{
    struct fixture *f = *state;
    struct buf why = BUF_INIT;

    fixture_write(f, "plugins", "a file where the folder should be");
    assert_int_equal(quarantine_record(f->root, "notes", "", "", false, &why), -1);
    assert_non_null(strstr(buf_text(&why), "plugins/crashes.json"));
    assert_false(is_quarantined(f, "notes"));
    buf_finish(&why);
}

static void a_lock_that_is_not_given_back_is_not_waited_for(void **state)
{
    struct fixture *f = *state;

    record(f, "notes", false);
    int fd = open(fixture_path(f, "plugins"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(clear(f, "notes"), -1);
    close(fd);
    assert_int_equal(clear(f, "notes"), 1);
}

/* ---- several processes ---- */

enum { WRITERS = 4, CRASHES_EACH = 2 };

static void nothing_is_lost_between_processes(void **state)
{
    struct fixture *f = *state;
    int living = WRITERS, status;

    assert_true(WRITERS * CRASHES_EACH <= QUARANTINE_KEPT);
    for (int i = 0; i < WRITERS; i++) {
        if (fork() == 0) {
            bool good = true;
            for (int k = 0; k < CRASHES_EACH; k++)
                good = record(f, "notes", true) == 0 && good;
            _exit(good ? 0 : 1);
        }
    }
    while (living > 0) {
        (void)crashes(f, "notes"); /* a reader never meets half a file: it would be logged as broken */
        if (waitpid(-1, &status, WNOHANG) > 0) {
            assert_int_equal(status, 0);
            living--;
        }
    }
    assert_int_equal(crashes(f, "notes"), WRITERS * CRASHES_EACH);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_third_crash_quarantines),
        IN_FOLDER(what_is_told_of_them),
        IN_FOLDER(old_crashes_do_not_count),
        IN_FOLDER(clearing_forgets),
        IN_FOLDER(the_exempt_are_only_recorded),
        IN_FOLDER(who_is_required_is_exempt),
        IN_FOLDER(a_broken_file_is_as_none),
        IN_FOLDER(what_cannot_be_written_is_told),
        IN_FOLDER(a_lock_that_is_not_given_back_is_not_waited_for),
        IN_FOLDER(nothing_is_lost_between_processes),
    };
    return cmocka_run_group_tests_name("quarantine", tests, NULL, NULL);
}
