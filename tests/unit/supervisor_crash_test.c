/* What is left of a server process that ended badly, and who it is charged to. */
#include "supervised.h"

#include <dirent.h>

#include "supervise/crash_notes.h"

/* ---- looking at what is left ---- */

static size_t count_files(const struct server *s, const char *folder, const char *end, char *last,
                          size_t size)
{
    char path[128];
    struct dirent *entry;
    size_t n = 0;

    snprintf(path, sizeof(path), "%s/%s", s->folder, folder);
    DIR *d = opendir(path);
    while (d && (entry = readdir(d)) != NULL) {
        if (entry->d_name[0] == '.' || !str_ends_with(str_from(entry->d_name), str_from(end)))
            continue;
        n++;
        snprintf(last, size, "%s/%.80s", folder, entry->d_name);
    }
    if (d)
        closedir(d);
    return n;
}

static size_t notes(const struct server *s)
{
    char ignored[128];
    return count_files(s, "crashes", ".txt", ignored, sizeof(ignored));
}

/* The only note there is. */
static const char *note(const struct server *s)
{
    static char text[1 << 14];
    char name[128] = "";

    text[0] = 0;
    if (count_files(s, "crashes", ".txt", name, sizeof(name)) != 1)
        fail_msg("there is not one note");
    read_file(s, name, text, sizeof(text));
    return text;
}

static void assert_note_says(const struct server *s, const char *const *texts, size_t n)
{
    const char *text = note(s);

    for (size_t i = 0; i < n; i++) {
        if (!strstr(text, texts[i]))
            fail_msg("\"%s\" is not in the note:\n%s", texts[i], text);
    }
}

#define ASSERT_NOTE(server, ...)                                   \
    assert_note_says(server, (const char *const[]){ __VA_ARGS__ }, \
                     sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static bool told(const struct server *s, const char *text)
{
    static char list[1 << 14];
    read_file(s, "crashed", list, sizeof(list));
    return strstr(list, text) != NULL;
}

static void let_it_end(const struct server *s)
{
    int fd = dial(s->port);

    assert_true(fd >= 0);
    assert_int_equal(send(fd, "g", 1, MSG_NOSIGNAL), 1);
    close(fd);
}

/* ---- faults of its own ---- */

static void a_fault_is_noted(struct server *s, const char *how, const char *signal)
{
    char config[100], what[60];
    struct answer a;

    snprintf(config, sizeof(config), "listen 127.0.0.1:0\nwork notes %s\n", how);
    snprintf(what, sizeof(what), "what: job %s", how);
    start(s, config);
    assert_true(ask(s, &a));
    let_it_end(s);
    WAIT_FOR(s, ask(s, &a) && a.generation == 2);
    ASSERT_NOTE(s, "generation 1, process ", "time: 20", signal, "(tiny work)", "owner: notes\n", what,
                "backtrace, ", "/program", "charged to: notes\n", "lived: ");
    snprintf(what, sizeof(what), ": notes, job %s; config known; note /tmp/", how);
    assert_true(told(s, what));
    assert_true(logged(s, "owner=\"notes\""));
}

static void a_segmentation_fault_is_noted(void **state)
{
    a_fault_is_noted(*state, "segv", "(SIGSEGV), code 1, address 0x10: nothing is mapped there\n");
}

static void a_stack_overflow_of_a_thread_is_noted(void **state)
{
    a_fault_is_noted(*state, "overflow", "; the stack has overflowed\n");
}

static void an_abort_is_noted(void **state)
{
    a_fault_is_noted(*state, "abort", "signal: 6 (SIGABRT)\n");
}

static void an_exit_in_the_middle_is_noted(void **state)
{
    a_fault_is_noted(*state, "exit", "exit() was called\n");
}

#ifdef __SANITIZE_ADDRESS__
static void what_a_sanitizer_finds_is_noted(void **state)
{
    a_fault_is_noted(*state, "after_free", "a sanitizer ended the process");
}
#endif

static void a_fault_of_the_core_is_charged_to_nobody(void **state)
{
    struct server *s = *state;

    start(s, "listen 127.0.0.1:0\nwork - segv\nwork notes wait\n");
    let_it_end(s);
    WAIT_FOR(s, serves_generation(s, 2));
    ASSERT_NOTE(s, "owner: none, core code\n", "charged to: nobody\n", ": notes, job wait, for ");
    assert_true(told(s, ": nobody, -; "));
}

/* ---- ended from outside ---- */

static void what_is_killed_is_charged_to_who_was_alone(void **state)
{
    struct server *s = *state;
    struct answer a;

    start(s, "listen 127.0.0.1:0\nwork notes wait\nwork notes wait\n");
    assert_true(ask(s, &a));
    kill(a.pid, SIGKILL);
    WAIT_FOR(s, serves_generation(s, 2));
    ASSERT_NOTE(s, "end: was killed by signal 9", "SIGKILL: ", "charged to: notes\n",
                ": notes, job wait, for ");
    assert_true(told(s, "generation 1 signalled: notes, job wait; "));
}

static void what_is_killed_among_several_is_charged_to_nobody(void **state)
{
    struct server *s = *state;
    struct answer a;

    start(s, "listen 127.0.0.1:0\nwork notes wait\nwork mail wait\n");
    assert_true(ask(s, &a));
    kill(a.pid, SIGKILL);
    WAIT_FOR(s, serves_generation(s, 2));
    ASSERT_NOTE(s, "charged to: nobody\n", ": notes, job wait, for ", ": mail, job wait, for ");
}

static void a_signal_from_outside_is_no_threads_fault(void **state)
{
    struct server *s = *state;
    struct answer a;
    char sender[60];

    start(s, "listen 127.0.0.1:0\nwork notes wait\nwork mail wait\n");
    assert_true(ask(s, &a));
    snprintf(sender, sizeof(sender), "(SIGSEGV), sent by process %d\n", (int)getpid());
    kill(a.pid, SIGSEGV);
    WAIT_FOR(s, serves_generation(s, 2));
    ASSERT_NOTE(s, sender, "charged to: nobody\n");
}

static void a_crash_of_a_draining_generation_is_noted(void **state)
{
    struct server *s = *state;
    struct answer a;
    int held;

    start(s, "listen 127.0.0.1:0\nwork notes wait\n");
    assert_true(ask_on(s->port, 'h', &a, &held));
    assert_true(control_ok(s, "reload"));
    kill(a.pid, SIGKILL);
    WAIT_FOR(s, told(s, "generation 1 signalled: notes, job wait; "));
    assert_true(serves_generation(s, 2));
    assert_int_equal(notes(s), 1);
    close(held);
}

/* ---- before it is ready ---- */

static void the_fourth_start_goes_without_who_crashed_thrice(void **state)
{
    struct server *s = *state;

    configure(s, "listen 127.0.0.1:0\nbegin notes segv\n");
    launch(s);
    wait_ready(s);
    assert_true(serves_generation(s, 4));
    assert_int_equal(notes(s), 3);
    assert_true(logged(s, "restart_in=0.05"));
    assert_true(told(s, "generation 3 "));
    assert_false(told(s, "generation 4 "));
}

static void a_reload_that_crashes_is_refused_by_name(void **state)
{
    struct server *s = *state;

    start(s, "listen 127.0.0.1:0\n");
    configure(s, "listen 127.0.0.1:0\nbegin notes abort\n");
    assert_refused(s, "reload", 1, "in notes, job abort before it was ready");
    assert_true(serves_generation(s, 1));
    WAIT_FOR(s, told(s, "generation 2 "));
    assert_refused(s, "reload", 1, "in notes, job abort before it was ready");
    assert_refused(s, "reload", 1, "in notes, job abort before it was ready");
    assert_true(control_ok(s, "reload")); /* it is out */
    assert_true(serves_generation(s, 5));
}

/* ---- what overstays ---- */

static void who_is_stuck_is_replaced(void **state)
{
    struct server *s = *state;
    struct answer a;
    int held;

    start(s, "listen 127.0.0.1:0\nidle 100\ndrain 100\nwork notes wait\nwatch 10 50\n");
    assert_true(ask_on(s->port, 'h', &a, &held)); /* others' connections have the limits of a drain */
    struct answer b;
    WAIT_FOR(s, told(s, "generation 1 stuck: notes, job wait; "));
    WAIT_FOR(s, ask(s, &b) && b.generation > 1); /* they follow each other soon */
    assert_true(logged(s, "takes long owner=\"notes\" what=\"job wait\""));
    assert_true(logged(s, "the server process is stuck "));
    WAIT_FOR(s, is_gone(a.pid));
    WAIT_FOR(s, told(s, "generation 3 stuck: ") && serves_generation(s, 4)); /* quarantined */
    assert_int_equal(notes(s), 3);
    assert_false(told(s, "signalled"));
    close(held);
}

static void who_holds_up_the_start_is_left_out_the_fourth_time(void **state)
{
    struct server *s = *state;

    setenv("TEST_START_MS", "1000", 1);
    configure(s, "listen 127.0.0.1:0\nbegin notes wait\n");
    launch(s);
    unsetenv("TEST_START_MS");
    wait_ready(s);
    assert_true(serves_generation(s, 4));
    assert_true(told(s, "generation 1 stuck: notes, job wait; config known; "));
    assert_true(told(s, "generation 3 stuck: notes, job wait; "));
    assert_int_equal(notes(s), 3);
}

static void a_reload_that_is_held_up_is_refused_by_name(void **state)
{
    struct server *s = *state;

    setenv("TEST_START_MS", "1500", 1);
    start(s, "listen 127.0.0.1:0\n");
    unsetenv("TEST_START_MS");
    configure(s, "listen 127.0.0.1:0\nbegin notes wait\n");
    assert_refused(s, "reload", 1, "not ready in time: notes, job wait, does not end");
    WAIT_FOR(s, told(s, "generation 2 stuck: notes, job wait; config known; "));
    assert_true(serves_generation(s, 1));
}

static void a_stuck_one_says_so_once(void **state)
{
    struct server *s = *state;

    start(
        s,
        "listen 127.0.0.1:0\nwork notes wait\nwatch 0 2000\n"); /* the next one is not stuck yet when it is looked at */
    configure(s, "load 3 a generation that is restarted does not read this\n");
    WAIT_FOR(s, serves_generation(s, 2));
    ASSERT_NOTE(s, "stuck: notes, job wait, has taken ", " s and does not end\n", "charged to: notes\n",
                ": notes, job wait, for ");
    assert_false(logged(s, "takes long"));
}

/* ---- the folder ---- */

static void an_orderly_end_leaves_nothing(void **state)
{
    struct server *s = *state;
    char ignored[128];

    start(s, "listen 127.0.0.1:0\nwork notes wait\n");
    assert_int_equal(count_files(s, "crashes", "generation-1.pending", ignored, sizeof(ignored)), 1);
    assert_true(control_ok(s, "reload"));
    WAIT_FOR(s, living(s) == 1);
    kill(s->pid, SIGTERM);
    assert_int_equal(wait_end(s), 0);
    assert_int_equal(count_files(s, "crashes", "", ignored, sizeof(ignored)), 0);
    assert_false(told(s, "generation"));
}

static void what_an_earlier_supervisor_left_is_kept(void **state)
{
    struct server *s = *state;
    char path[128];

    snprintf(path, sizeof(path), "%s/crashes", s->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file(s, "crashes/generation-7.pending", "its last words\n");
    write_file(s, "crashes/generation-8.pending", "");
    start(s, "listen 127.0.0.1:0\n");
    ASSERT_NOTE(s, "its last words\n");
    char name[128];
    assert_int_equal(count_files(s, "crashes", "Z-generation-7.txt", name, sizeof(name)), 1);
    assert_int_equal(count_files(s, "crashes", "generation-8.pending", name, sizeof(name)), 0);
    assert_true(logged(s, "while no supervisor was there"));
}

static void only_the_newest_notes_are_kept(void **state)
{
    struct server *s = *state;
    struct answer a;
    char path[128], name[128];

    snprintf(path, sizeof(path), "%s/crashes", s->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    for (int i = 0; i < CRASH_NOTES_KEPT + 5; i++) {
        snprintf(name, sizeof(name), "crashes/2020-01-01T00-00-%02dZ-generation-1.txt", i);
        write_file(s, name, "old\n");
    }
    start(s, "listen 127.0.0.1:0\n");
    assert_true(ask(s, &a));
    kill(a.pid, SIGKILL);
    WAIT_FOR(s, serves_generation(s, 2));
    assert_int_equal(notes(s), CRASH_NOTES_KEPT);
    assert_int_equal(count_files(s, "crashes", "00-05Z-generation-1.txt", name, sizeof(name)), 0);
    assert_int_equal(count_files(s, "crashes", "00-24Z-generation-1.txt", name, sizeof(name)), 1);
}

static void without_a_folder_it_serves_all_the_same(void **state)
{
    struct server *s = *state;

    write_file(s, "crashes", "no folder");
    start(s, "listen 127.0.0.1:0\nwork notes segv\n");
    let_it_end(s);
    WAIT_FOR(s, serves_generation(s, 2));
    assert_true(told(s, ": notes, job segv; config known; note none\n"));
    assert_true(logged(s, "there will be no crash notes"));
}

static void kills_for_want_of_memory_are_counted(void **state)
{
    struct server *s = *state;
    char path[128];

    write_file(s, "events", "low 0\noom 7\noom_kill 3\noom_group_kill 9\n");
    snprintf(path, sizeof(path), "%s/events", s->folder);
    assert_int_equal(crash_notes_read_count(path, "oom_kill"), 3);
    assert_int_equal(crash_notes_read_count(path, "oom_kills"), -1);
    assert_int_equal(crash_notes_read_count("/nowhere", "oom_kill"), -1);
    assert_true(crash_notes_oom_kills() >= -1);
}

/* ---- upgrade ---- */

static void after_an_upgrade_it_is_still_known_who_did_what(void **state)
{
    struct server *s = *state;
    struct answer a;

    start(s, "listen 127.0.0.1:0\nwork notes wait\n");
    configure(s, "load 3 no good\n"); /* so that the old generation goes on below the new supervisor */
    assert_refused(s, "upgrade", 3, "no good");
    assert_true(ask(s, &a));
    assert_int_equal(a.generation, 1);
    kill(a.pid, SIGKILL);
    WAIT_FOR(s, told(s, "generation 1 signalled: notes, job wait; config unknown; "));
    ASSERT_NOTE(s, "charged to: notes\n");
    configure(s, "listen 127.0.0.1:0\n");
    WAIT_FOR(s, ask(s, &a) && a.generation > 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SUPERVISED(a_segmentation_fault_is_noted),
        SUPERVISED(a_stack_overflow_of_a_thread_is_noted),
        SUPERVISED(an_abort_is_noted),
        SUPERVISED(an_exit_in_the_middle_is_noted),
#ifdef __SANITIZE_ADDRESS__
        SUPERVISED(what_a_sanitizer_finds_is_noted),
#endif
        SUPERVISED(a_fault_of_the_core_is_charged_to_nobody),
        SUPERVISED(what_is_killed_is_charged_to_who_was_alone),
        SUPERVISED(what_is_killed_among_several_is_charged_to_nobody),
        SUPERVISED(a_signal_from_outside_is_no_threads_fault),
        SUPERVISED(a_crash_of_a_draining_generation_is_noted),
        SUPERVISED(the_fourth_start_goes_without_who_crashed_thrice),
        SUPERVISED(a_reload_that_crashes_is_refused_by_name),
        SUPERVISED(who_is_stuck_is_replaced),
        SUPERVISED(who_holds_up_the_start_is_left_out_the_fourth_time),
        SUPERVISED(a_reload_that_is_held_up_is_refused_by_name),
        SUPERVISED(a_stuck_one_says_so_once),
        SUPERVISED(an_orderly_end_leaves_nothing),
        SUPERVISED(what_an_earlier_supervisor_left_is_kept),
        SUPERVISED(only_the_newest_notes_are_kept),
        SUPERVISED(without_a_folder_it_serves_all_the_same),
        SUPERVISED(kills_for_want_of_memory_are_counted),
        SUPERVISED(after_an_upgrade_it_is_still_known_who_did_what),
    };
    int result;

    if (is_other_role(argc, argv, &result))
        return result;
    return cmocka_run_group_tests_name("supervisor_crash", tests, NULL, NULL);
}
