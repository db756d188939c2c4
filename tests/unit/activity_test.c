/* Who is inside what: by the threads themselves, by another process after their death. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervise/activity.h"
#include "util/clock.h"
#include "util/thread.h"

static struct activity *table;
static int table_fd;

static int setup(void **state)
{
    (void)state;
    if (activity_create(&table, &table_fd))
        return -1;
    activity_adopt(table);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    activity_adopt(NULL);
    activity_detach(table);
    return close(table_fd);
}

static size_t count(const struct activity *a)
{
    struct activity_thread t;
    size_t at = 0, n = 0;

    while (activity_next(a, &at, &t))
        n++;
    return n;
}

static void assert_first(const struct activity *a, const char *owner, const char *what)
{
    struct activity_thread t;
    size_t at = 0;

    assert_true(activity_next(a, &at, &t));
    assert_string_equal(t.owner, owner);
    assert_string_equal(t.what, what);
}

/* ---- one thread ---- */

static void the_same_texts_have_one_label(void **state)
{
    (void)state;
    uint32_t a = activity_label("notes", "operation createNote");

    assert_int_not_equal(a, 0);
    assert_int_equal(activity_label("notes", "operation createNote"), a);
    assert_int_not_equal(activity_label("notes", "operation getNote"), a);
    assert_int_not_equal(activity_label("note", "soperation createNote"), a);
}

static void labels_run_out(void **state)
{
    (void)state;
    char what[32];

    for (int i = 0; i < ACTIVITY_LABELS; i++) {
        snprintf(what, sizeof(what), "operation %d", i);
        assert_int_not_equal(activity_label("notes", what), 0);
    }
    assert_int_equal(activity_label("notes", "one more"), 0);
    assert_int_not_equal(activity_label("notes", "operation 7"), 0);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    struct activity_frame frame;
    struct activity_thread t;
    char text[1000];

    memset(text, 'x', sizeof(text));
    text[999] = 0;
    activity_enter(&frame, activity_label(text, text));
    assert_true(activity_own(&t));
    assert_int_equal(strlen(t.owner), ACTIVITY_OWNER_SIZE - 1);
    assert_int_equal(strlen(t.what), ACTIVITY_WHAT_SIZE - 1);
    activity_leave(&frame);
}

static void control_characters_are_not_passed_on(void **state)
{
    (void)state;
    struct activity_frame frame;

    activity_enter(&frame, activity_label("no\ntes", "\x1b[2J"));
    assert_first(table, "no?tes", "?[2J");
    activity_leave(&frame);
}

static void the_innermost_is_seen(void **state)
{
    (void)state;
    struct activity_frame outer, inner;
    struct activity_thread before, after;

    assert_int_equal(count(table), 0);
    activity_enter(&outer, activity_label("notes", "operation createNote"));
    assert_true(activity_own(&before));
    usleep(20000); /* longer than the coarse clock's step */
    activity_enter(&inner, activity_label("mail", "service mail.send/1"));
    assert_first(table, "mail", "service mail.send/1");
    assert_true(activity_own(&after));
    assert_true(after.since_us > before.since_us);
    assert_int_equal(after.thread, gettid());
    activity_leave(&inner);
    assert_true(activity_own(&after));
    assert_string_equal(after.owner, "notes");
    assert_true(after.since_us == before.since_us);
    activity_leave(&outer);
    assert_int_equal(count(table), 0);
}

static void without_a_table_nothing_happens(void **state)
{
    (void)state;
    struct activity_frame frame;
    struct activity_thread t;

    activity_adopt(NULL);
    assert_int_equal(activity_label("notes", "start"), 0);
    activity_enter(&frame, 7);
    assert_false(activity_own(&t));
    assert_false(activity_watch(1, 1, &t));
    activity_mark_crashed();
    activity_leave(&frame);
    assert_int_equal(count(NULL), 0);
    assert_int_equal(activity_use_private(), 0);
    assert_int_not_equal(activity_label("notes", "start"), 0);
}

/* ---- many threads ---- */

struct crowd {
    pthread_barrier_t inside, leave;
    uint32_t label;
};

static void *stay(void *ud)
{
    struct crowd *c = ud;
    struct activity_frame frame;

    activity_enter(&frame, c->label);
    pthread_barrier_wait(&c->inside);
    pthread_barrier_wait(&c->leave);
    activity_leave(&frame);
    return NULL;
}

static void a_crowd_of(unsigned n, size_t seen)
{
    pthread_t threads[ACTIVITY_THREADS + 8];
    struct crowd c = { .label = activity_label("notes", "operation createNote") };

    pthread_barrier_init(&c.inside, NULL, n + 1);
    pthread_barrier_init(&c.leave, NULL, n + 1);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(thread_start(&threads[i], "crowd", false, stay, &c), 0);
    pthread_barrier_wait(&c.inside);
    assert_int_equal(count(table), seen);
    pthread_barrier_wait(&c.leave);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(count(table), 0);
    pthread_barrier_destroy(&c.inside);
    pthread_barrier_destroy(&c.leave);
}

/* Twice as many threads as there is room for, so that those of the first round have to have given theirs back. */
static void places_are_given_back(void **state)
{
    (void)state;
    a_crowd_of(ACTIVITY_THREADS, ACTIVITY_THREADS);
    a_crowd_of(ACTIVITY_THREADS, ACTIVITY_THREADS);
}

static void threads_beyond_the_last_place_are_not_seen(void **state)
{
    (void)state;
    a_crowd_of(ACTIVITY_THREADS + 8, ACTIVITY_THREADS);
}

static _Atomic bool ended;

static void *come_and_go(void *ud)
{
    struct activity_frame outer, inner;
    uint32_t one = activity_label("one", "one"), two = activity_label("two", "two");
    (void)ud;

    while (!ended) {
        activity_enter(&outer, one);
        activity_enter(&inner, two);
        activity_leave(&inner);
        activity_leave(&outer);
    }
    return NULL;
}

static void a_reader_never_sees_a_mixture(void **state)
{
    (void)state;
    struct activity_thread t;
    pthread_t thread;
    int64_t begin_us = clock_monotonic_us();

    ended = false;
    assert_int_equal(thread_start(&thread, "coming", false, come_and_go, NULL), 0);
    for (unsigned seen = 0; seen < 100000 && clock_monotonic_us() < begin_us + CLOCK_SECOND;) {
        size_t at = 0;
        if (!activity_next(table, &at, &t) || t.is_changing)
            continue;
        assert_string_equal(t.owner, t.what);
        assert_true(t.since_us >= begin_us - CLOCK_SECOND); /* 0 would be that of no stay */
        seen++;
    }
    ended = true;
    pthread_join(thread, NULL);
}

/* ---- the watchdog ---- */

static void what_overstays_is_found(void **state)
{
    (void)state;
    struct activity_frame frame;
    struct activity_thread t;
    int ends[2];
    char log[4096];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    int err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(ends[1], STDERR_FILENO);
    activity_enter(&frame, activity_label("notes", "operation createNote"));
    assert_false(activity_watch(CLOCK_SECOND, CLOCK_SECOND, &t));
    usleep(50000);
    assert_false(activity_watch(0, 0, &t));
    assert_false(activity_watch(20 * CLOCK_MS, 60 * CLOCK_SECOND, &t));
    assert_false(activity_watch(20 * CLOCK_MS, 60 * CLOCK_SECOND, &t));
    assert_true(activity_watch(20 * CLOCK_MS, 20 * CLOCK_MS, &t));
    activity_allow(activity_label("notes", "operation createNote"), 60 * CLOCK_SECOND);
    assert_false(activity_watch(20 * CLOCK_MS, 20 * CLOCK_MS, &t));
    activity_allow(activity_label("notes", "operation createNote"), 10 * CLOCK_MS);
    assert_true(activity_watch(0, 20 * CLOCK_MS, &t));
    activity_leave(&frame);
    assert_false(activity_watch(1, 1, &t));
    dup2(err, STDERR_FILENO);
    close(err);
    close(ends[1]);
    ssize_t n = read(ends[0], log, sizeof(log) - 1);
    close(ends[0]);
    assert_true(n > 0);
    log[n] = 0;
    char *line = strstr(log, "takes long");
    assert_non_null(line);
    assert_non_null(strstr(line, "notes"));
    assert_non_null(strstr(line, "createNote"));
    assert_null(strstr(line + 1, "takes long"));
}

/* ---- after a death ---- */

static void die_inside(bool with_mark)
{
    struct activity_frame frame;

    activity_adopt(table);
    activity_enter(&frame, activity_label("notes", "job sweep"));
    if (with_mark)
        activity_mark_crashed();
    kill(getpid(), SIGKILL);
}

static void what_a_killed_process_did_is_known(void **state)
{
    (void)state;
    struct activity_thread t;
    struct activity *again;
    int status;

    pid_t pid = fork();
    if (pid == 0)
        die_inside(false);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(activity_attach(&again, table_fd), 0);
    assert_first(again, "notes", "job sweep");
    assert_false(activity_crashed(again, &t));
    activity_detach(again);
}

static void who_crashed_is_known(void **state)
{
    (void)state;
    struct activity_thread t;

    pid_t pid = fork();
    if (pid == 0)
        die_inside(true);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(activity_crashed(table, &t));
    assert_string_equal(t.owner, "notes");
    assert_int_equal(t.thread, pid);
}

static void a_forked_child_is_not_the_process(void **state)
{
    (void)state;
    struct activity_frame frame, inner;
    int status;

    activity_enter(&frame, activity_label("notes", "start"));
    pid_t pid = fork();
    if (pid == 0) {
        activity_enter(&inner, activity_label("probe", "load"));
        activity_mark_crashed();
        _exit(activity_table() == NULL ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_first(table, "notes", "start");
    struct activity_thread t;
    assert_false(activity_crashed(table, &t));
    activity_leave(&frame);
}

static void what_is_no_table_is_refused(void **state)
{
    (void)state;
    struct activity *a;
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    assert_int_equal(activity_attach(&a, fd), -1);
    assert_int_equal(activity_attach(&a, -1), -1);
    close(fd);
    *(uint32_t *)(void *)table = 1; /* the magic number comes first */
    assert_int_equal(activity_attach(&a, table_fd), -1);
    assert_int_equal(ftruncate(table_fd, 0), -1);
    assert_int_equal(errno, EPERM);
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TABLE(the_same_texts_have_one_label),
        WITH_TABLE(labels_run_out),
        WITH_TABLE(long_texts_are_cut),
        WITH_TABLE(control_characters_are_not_passed_on),
        WITH_TABLE(the_innermost_is_seen),
        WITH_TABLE(without_a_table_nothing_happens),
        WITH_TABLE(places_are_given_back),
        WITH_TABLE(threads_beyond_the_last_place_are_not_seen),
        WITH_TABLE(a_reader_never_sees_a_mixture),
        WITH_TABLE(what_overstays_is_found),
        WITH_TABLE(what_a_killed_process_did_is_known),
        WITH_TABLE(who_crashed_is_known),
        WITH_TABLE(a_forked_child_is_not_the_process),
        WITH_TABLE(what_is_no_table_is_refused),
    };
    return cmocka_run_group_tests_name("activity", tests, NULL, NULL);
}
