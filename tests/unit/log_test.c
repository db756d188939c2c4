#include "log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/compiler.h"

static int ends[2];

static int open_pipe(void **state)
{
    (void)state;
    assert_int_equal(pipe(ends), 0);
    log_set_fd(ends[1]);
    log_set_level(LOG_INFO);
    log_set_format(LOG_FORMAT_JSON);
    return 0;
}

static int close_pipe(void **state)
{
    (void)state;
    log_set_fd(STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* Everything that is in the pipe now. */
static const char *written(void)
{
    static char text[65536];
    size_t n = 0;

    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    for (ssize_t r; (r = read(ends[0], text + n, sizeof(text) - 1 - n)) > 0;)
        n += (size_t)r;
    fcntl(ends[0], F_SETFL, 0);
    text[n] = 0;
    return text;
}

/* ---- lines ---- */

static void a_line_is_json(void **state)
{
    (void)state;
    log_info("it \"works\"", LOG_TEXT("text", "a\nb\xff"), LOG_NUMBER("n", -42), LOG_REAL("real", 0.5),
             LOG_REAL("odd", INFINITY), LOG_BOOL("yes", true), LOG_SPAN("span", 1234567),
             LOG_SPAN("back", -1500000), LOG_SPAN("little", -5), LOG_TEXT("none", NULL),
             LOG_TEXT("api_token", "s3cr3t"));
    const char *line = written();
    assert_int_equal(line[strlen(line) - 1], '\n');
    json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(j);
    assert_string_equal(json_string_value(json_object_get(j, "level")), "info");
    assert_string_equal(json_string_value(json_object_get(j, "message")), "it \"works\"");
    assert_string_equal(json_string_value(json_object_get(j, "text")), "a\nb\xef\xbf\xbd");
    assert_int_equal(json_integer_value(json_object_get(j, "n")), -42);
    assert_true(json_is_null(json_object_get(j, "odd")));
    assert_true(json_is_true(json_object_get(j, "yes")));
    assert_non_null(strstr(line, "\"span\":1.234567,"));
    assert_non_null(strstr(line, "\"back\":-1.500000,"));
    assert_non_null(strstr(line, "\"little\":-0.000005,"));
    assert_string_equal(json_string_value(json_object_get(j, "none")), "");
    assert_string_equal(json_string_value(json_object_get(j, "api_token")), "[redacted]");
    assert_int_equal(strlen(json_string_value(json_object_get(j, "time"))), CLOCK_RFC3339_SIZE - 1);
    json_decref(j);
}

static void a_line_is_text(void **state)
{
    (void)state;
    log_set_format(LOG_FORMAT_TEXT);
    log_warn("hello\x1b[31m \xc2\x9b"
             "0m \xc3\xa9",
             LOG_TEXT("who", "a \"b\"\x1b\xc2\x9b"), LOG_NUMBER("n", 7), LOG_TEXT("Cookie", "sid=1"));
    const char *line = written();
    assert_string_equal(
        line + CLOCK_RFC3339_SIZE - 1,
        " warn  hello [31m  0m \xc3\xa9 who=\"a \\\"b\\\"\\u001b\\u009b\" n=7 Cookie=[redacted]\n");
}

static void levels_are_kept_apart(void **state)
{
    (void)state;
    log_debug("no");
    assert_string_equal(written(), "");
    log_set_level(LOG_DEBUG);
    log_debug("yes");
    assert_non_null(strstr(written(), "\"level\":\"debug\""));
    log_set_level(LOG_ERROR);
    assert_false(log_enabled(LOG_WARN));
    log_warn("no");
    assert_string_equal(written(), "");
    log_error("yes");
    assert_non_null(strstr(written(), "\"level\":\"error\""));
    assert_int_equal(log_level_from_text("debug"), LOG_DEBUG);
    assert_int_equal(log_level_from_text("error"), LOG_ERROR);
    assert_int_equal(log_level_from_text("Error"), -1);
    assert_int_equal(log_level_from_text(""), -1);
}

static void secrets_are_known_by_name(void **state)
{
    static const char *const secret[] = {
        "password",
        "Password",
        "db_password_file",
        "access_token",
        "Authorization",
        "Proxy-Authorization",
        "Cookie",
        "Set-Cookie",
        "X-Api-Key",
        "apikey",
        "client_secret",
        "SECRET_KEY",
        "key",
        "KEY",
        "private_key",
        "passphrase",
        "X-A-Name-That-Goes-On-And-On-So-That-Its-End-Is-Far-Away-From-Its-Beginning-Token",
    };
    static const char *const open[] = { "",     "keys", "monkey", "unique_key", "path",
                                        "user", "k",    "ke",     "passport" };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(secret); i++) {
        if (!log_name_is_secret(str_from(secret[i])))
            fail_msg("%s would be shown", secret[i]);
    }
    for (size_t i = 0; i < DW_COUNT_OF(open); i++) {
        if (log_name_is_secret(str_from(open[i])))
            fail_msg("%s would be hidden", open[i]);
    }
}

/* ---- with the writer thread ---- */

struct reader {
    pthread_t thread;
    struct buf text;
};

static void *read_all(void *ud)
{
    struct reader *r = ud;
    char bytes[65536];

    for (ssize_t n; (n = read(ends[0], bytes, sizeof(bytes))) > 0;)
        buf_add(&r->text, bytes, (size_t)n);
    return NULL;
}

static void start_reading(struct reader *r)
{
    *r = (struct reader){ .text = BUF_INIT };
    assert_int_equal(pthread_create(&r->thread, NULL, read_all, r), 0);
}

/* Closes the end that is written to, which ends the reader. */
static const char *stop_reading(struct reader *r)
{
    close(ends[1]);
    ends[1] = -1;
    pthread_join(r->thread, NULL);
    assert_false(buf_failed(&r->text));
    return buf_text(&r->text);
}

enum { THREADS = 4, LINES_EACH = 2000 };

static void *log_often(void *ud)
{
    const unsigned *who = ud;

    for (unsigned i = 0; i < LINES_EACH; i++) {
        log_info("line", LOG_NUMBER("who", *who), LOG_NUMBER("i", i));
        if (i % 100 == 0)
            log_set_level(i % 200 ? LOG_INFO : LOG_DEBUG);
    }
    return NULL;
}

/* Lines of one thread stay in order and whole, whatever the others do. */
static void threads_do_not_tear_lines(void **state)
{
    pthread_t threads[THREADS];
    unsigned who[THREADS], next[THREADS] = { 0 };
    struct reader r;
    struct str rest, line;
    uint64_t dropped = log_dropped();

    (void)state;
    start_reading(&r);
    assert_int_equal(log_start(), 0);
    assert_int_equal(log_start(), 0); /* a second time is harmless */
    for (unsigned i = 0; i < THREADS; i++) {
        who[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, log_often, &who[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    log_stop();
    assert_int_equal(log_dropped(), dropped);
    rest = str_from(stop_reading(&r));
    while (str_split(&rest, '\n', &line) && line.n) {
        json_t *j = json_loadb(line.p, line.n, 0, NULL);
        assert_non_null(j);
        unsigned w = (unsigned)json_integer_value(json_object_get(j, "who"));
        assert_true(w < THREADS);
        assert_int_equal(json_integer_value(json_object_get(j, "i")), next[w]++);
        json_decref(j);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(next[i], LINES_EACH);
    buf_finish(&r.text);
}

static unsigned count_lines(const char *text, const char *with, int64_t *told)
{
    struct str rest = str_from(text), line;
    unsigned n = 0;

    *told = 0;
    while (str_split(&rest, '\n', &line) && line.n) {
        json_t *j = json_loadb(line.p, line.n, 0, NULL);
        assert_non_null(j);
        n += strcmp(json_string_value(json_object_get(j, "message")), with) == 0;
        *told += json_integer_value(json_object_get(j, "lines"));
        json_decref(j);
    }
    return n;
}

/* Logging goes on without waiting; what was lost is told, exactly. */
static void a_full_pipe_drops_and_tells(void **state)
{
    enum { LINES = 30000 };
    struct reader r;
    uint64_t before = log_dropped();
    int64_t told;

    (void)state;
    assert_int_equal(log_start(), 0);
    int64_t begun = clock_monotonic_us();
    for (unsigned i = 0; i < LINES; i++)
        log_info("flood", LOG_TEXT("text", "fifty bytes or so of what somebody wanted to tell us"));
    assert_true(clock_monotonic_us() - begun < 30 * (int64_t)CLOCK_SECOND);
    uint64_t dropped = log_dropped() - before;
    assert_true(dropped > 0 && dropped < LINES);
    start_reading(&r);
    log_stop();
    const char *text = stop_reading(&r);
    assert_int_equal(count_lines(text, "flood", &told), LINES - dropped);
    assert_int_equal(told, dropped);
    buf_finish(&r.text);
}

static void a_stuck_pipe_does_not_hold_up_the_end(void **state)
{
    struct reader r;

    (void)state;
    assert_int_equal(log_start(), 0);
    for (unsigned i = 0; i < 2000; i++)
        log_info("flood", LOG_TEXT("text", "fifty bytes or so of what somebody wanted to tell us"));
    int64_t begun = clock_monotonic_us();
    assert_int_equal(log_stop(), -1);
    assert_in_range(clock_monotonic_us() - begun, 1900000, 20000000);
    start_reading(&r);
    for (int tries = 0; log_stop() != 0; tries++) /* now it can end */
        assert_in_range(tries, 0, 20);
    stop_reading(&r);
    buf_finish(&r.text);
}

static void a_pipe_that_does_not_block_loses_nothing(void **state)
{
    enum { SIZE = 300000 };
    struct reader r;
    static char line[SIZE];

    (void)state;
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    memset(line, 'x', SIZE);
    start_reading(&r);
    log_raw(str_make(line, SIZE)); /* directly */
    assert_int_equal(log_start(), 0);
    log_raw(str_make(line, SIZE));
    log_stop();
    stop_reading(&r);
    assert_int_equal(r.text.n, 2 * SIZE);
    buf_finish(&r.text);
}

static void a_reader_that_is_gone_stops_nobody(void **state)
{
    (void)state;
    close(ends[0]);
    assert_int_equal(log_start(), 0);
    log_info("to nobody");
    log_stop();
    close(ends[1]);
    assert_int_equal(pipe(ends), 0); /* for close_pipe */
}

static void a_child_logs_for_itself(void **state)
{
    struct reader r;
    int64_t told;
    int status;

    (void)state;
    start_reading(&r);
    assert_int_equal(log_start(), 0);
    for (unsigned i = 0; i < 100; i++)
        log_info("parent");
    pid_t child = fork();
    if (child == 0) {
        log_after_fork();
        log_info("child");
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    log_stop();
    const char *text = stop_reading(&r);
    assert_int_equal(count_lines(text, "parent", &told), 100);
    assert_int_equal(count_lines(text, "child", &told), 1);
    buf_finish(&r.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_json, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_line_is_text, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(levels_are_kept_apart, open_pipe, close_pipe),
        cmocka_unit_test(secrets_are_known_by_name),
        cmocka_unit_test_setup_teardown(threads_do_not_tear_lines, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_full_pipe_drops_and_tells, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_stuck_pipe_does_not_hold_up_the_end, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_pipe_that_does_not_block_loses_nothing, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_reader_that_is_gone_stops_nobody, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(a_child_logs_for_itself, open_pipe, close_pipe),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
