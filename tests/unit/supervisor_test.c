/* The supervisor's life: starting, stopping, crashes. */
#include "supervised.h"

/* ---- starting and stopping ---- */

static void it_serves_and_drains_on_sigterm(void **state)
{
    struct server *s = *state;
    struct answer a;
    char line[64];
    int held;

    start(s, "listen 127.0.0.1:0\n");
    assert_true(ask(s, &a));
    assert_int_equal(a.generation, 1);
    assert_int_equal(a.parent, s->pid);
    assert_true(ask_on(s->port, 'h', &a, &held));

    kill(s->pid, SIGTERM);
    WAIT_FOR(s, !ask(s, &a)); /* new connections are refused, not left hanging */
    assert_int_equal(waitpid(s->pid, NULL, WNOHANG), 0);
    close(held);
    assert_int_equal(wait_end(s), 0);
    read_line(s, line, sizeof(line));
    assert_string_equal(line, ""); /* "listening on" was said once */
    assert_true(is_gone(a.pid));
}

static void the_drain_has_a_limit(void **state)
{
    struct server *s = *state;
    struct answer a;
    int held;

    start(s, "listen 127.0.0.1:0\ndrain 200\n");
    assert_true(ask_on(s->port, 'h', &a, &held));
    int64_t begin_us = clock_monotonic_us();
    kill(s->pid, SIGTERM);
    assert_int_equal(wait_end(s), 0);
    assert_true(clock_monotonic_us() - begin_us >= DRAIN_LIMIT_US);
    assert_true(logged(s, "drain limit"));
    close(held);
}

static void what_does_not_end_is_killed(void **state)
{
    struct server *s = *state;
    struct answer a;

    start(s, "listen 127.0.0.1:0\ndrain 100\ndeaf\n");
    assert_true(ask(s, &a));
    kill(s->pid, SIGTERM);
    assert_int_equal(wait_end(s), 0);
    assert_true(logged(s, "killing it"));
    assert_true(is_gone(a.pid));
}

static void a_second_interrupt_ends_at_once(void **state)
{
    struct server *s = *state;
    struct answer a;
    int held;

    start(s, "listen 127.0.0.1:0\ndrain 60000\n");
    assert_true(ask_on(s->port, 'h', &a, &held));
    kill(s->pid, SIGINT);
    WAIT_FOR(s, logged(s, "draining"));
    kill(s->pid, SIGINT);
    int64_t begin_us = clock_monotonic_us();
    assert_int_equal(wait_end(s), 0);
    assert_true(clock_monotonic_us() - begin_us < SOON_US);
    close(held);
}

static void stop_is_answered_by_the_end(void **state)
{
    struct server *s = *state;
    struct buf why = BUF_INIT;
    json_t *answer;

    start(s, "listen 127.0.0.1:0\n");
    assert_int_equal(remote_call(s->folder, "stop", NULL, LIMIT_US, &answer, &why), REMOTE_BROKEN);
    assert_int_equal(wait_end(s), 0);
    buf_finish(&why);
}

static void a_wrong_configuration_at_start_is_exit_3(void **state)
{
    struct server *s = *state;

    configure(s, "load 3 config:7: no good\n");
    launch(s);
    assert_int_equal(wait_end(s), 3);
    assert_true(logged(s, "config:7: no good"));
}

static void a_generation_that_cannot_serve_at_start_ends_it(void **state)
{
    struct server *s = *state;

    configure(s, "listen 127.0.0.1:0\nfail 3 certificate missing\n");
    launch(s);
    assert_int_equal(wait_end(s), 3);
    assert_true(logged(s, "certificate missing"));
}

static void a_second_server_on_the_data_is_refused(void **state)
{
    struct server *s = *state;
    char text[32];

    start(s, "listen 127.0.0.1:0\n");
    struct server second = *s;
    launch(&second);
    assert_int_equal(wait_end(&second), 1);
    close(second.out);
    snprintf(text, sizeof(text), "pid %d", (int)s->pid);
    assert_true(logged(s, text));
    assert_true(serves_generation(s, 1));
    assert_true(control_ok(s, "status")); /* the refused one did not remove the control socket */
}

/* ---- crashes ---- */

static void a_killed_generation_is_replaced(void **state)
{
    struct server *s = *state;
    struct answer a, b;

    start(s, "listen 127.0.0.1:0\n");
    for (unsigned long long i = 1; i <= 3; i++) {
        assert_true(ask(s, &a));
        assert_int_equal(a.generation, i);
        kill(a.pid, SIGKILL);
        int64_t begin_us = clock_monotonic_us();
        WAIT_FOR(s, ask(s, &b) && b.pid != a.pid);
        assert_true(clock_monotonic_us() - begin_us < SOON_US);
    }
    assert_true(logged(s, "killed by signal 9"));
}

static void a_crash_keeps_the_configuration_in_use(void **state)
{
    struct server *s = *state;
    struct answer a;

    start(s, "listen 127.0.0.1:0\n");
    configure(s, "load 3 half edited\n");
    assert_true(ask(s, &a));
    kill(a.pid, SIGSEGV);
    WAIT_FOR(s, serves_generation(s, 2));
}

static void crashes_in_a_row_wait_longer(void **state)
{
    struct server *s = *state;

    configure(s, "listen 127.0.0.1:0\ncrash\n");
    launch(s);
    WAIT_FOR(s, logged(s, "restart_in=0.00") && logged(s, "restart_in=0.05") && logged(s, "restart_in=0.1") &&
                    logged(s, "restart_in=0.2"));
    configure(s, "listen 127.0.0.1:0\n");
    assert_true(control_ok(s, "reload"));
    wait_ready(s);
}

static void a_silent_generation_is_replaced(void **state)
{
    struct server *s = *state;
    struct answer a;

    setenv("TEST_HANG_MS", "1000", 1);
    configure(s, "listen 127.0.0.1:0\nsilent\n");
    launch(s);
    unsetenv("TEST_HANG_MS");
    wait_ready(s);
    WAIT_FOR(s, logged(s, "hung and was ended"));
    WAIT_FOR(s, ask(s, &a) && a.generation > 1); /* which is silent, too */
}

static void an_orphan_of_the_supervisor_ends(void **state)
{
    struct server *s = *state;
    struct answer a;
    char config[64];

    start(s, "listen 127.0.0.1:0\n");
    assert_true(ask(s, &a));
    kill(s->pid, SIGKILL);
    wait_end(s);
    WAIT_FOR(s, is_gone(a.pid) || logged(s, "supervisor has gone"));

    /* The address and the data are free for the next one. */
    close(s->out);
    snprintf(config, sizeof(config), "listen 127.0.0.1:%u\n", s->port);
    configure(s, config);
    WAIT_FOR(s, is_gone(a.pid) || !ask(s, &a));
    launch(s);
    wait_ready(s);
    assert_true(serves_generation(s, 1));
}

static void orphans_are_buried(void **state)
{
    struct server *s = *state;
    char config[200], pid[24] = "";

    snprintf(config, sizeof(config), "listen 127.0.0.1:0\norphan %s/orphan\n", s->folder);
    start(s, config);
    WAIT_FOR(s, (read_file(s, "orphan", pid, sizeof(pid)), strchr(pid, '\n') != NULL));
    WAIT_FOR(s, is_gone(tiny_number(pid)));
}

/* The pid of the server as seen from here is that of its parent's only child. */
static pid_t only_child(pid_t parent)
{
    char path[64], text[32] = "";

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = 0;
    return (pid_t)tiny_number(text);
}

static void it_works_as_pid_1(void **state)
{
    struct server *s = *state;
    int ends[2], status;

    pid_t outside = fork();
    if (outside == 0)
        _exit(unshare(CLONE_NEWPID) ? 77 : 0);
    assert_int_equal(waitpid(outside, &status, 0), outside);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip(); /* not permitted to make a pid namespace */
    configure(s, "listen 127.0.0.1:0\n");
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    s->out = ends[0];
    outside = fork();
    if (outside == 0) {
        if (unshare(CLONE_NEWPID))
            _exit(77);
        pid_t pid = fork();
        if (pid == 0)
            execute(s, ends[1]);
        waitpid(pid, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    close(ends[1]);
    s->pid = outside;
    wait_ready(s);
    struct answer a;
    assert_true(ask(s, &a));
    assert_int_equal(a.parent, 1);
    kill(only_child(outside), SIGTERM);
    assert_int_equal(wait_end(s), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SUPERVISED(it_serves_and_drains_on_sigterm),
        SUPERVISED(the_drain_has_a_limit),
        SUPERVISED(what_does_not_end_is_killed),
        SUPERVISED(a_second_interrupt_ends_at_once),
        SUPERVISED(stop_is_answered_by_the_end),
        SUPERVISED(a_wrong_configuration_at_start_is_exit_3),
        SUPERVISED(a_generation_that_cannot_serve_at_start_ends_it),
        SUPERVISED(a_second_server_on_the_data_is_refused),
        SUPERVISED(a_killed_generation_is_replaced),
        SUPERVISED(a_crash_keeps_the_configuration_in_use),
        SUPERVISED(crashes_in_a_row_wait_longer),
        SUPERVISED(a_silent_generation_is_replaced),
        SUPERVISED(an_orphan_of_the_supervisor_ends),
        SUPERVISED(orphans_are_buried),
        SUPERVISED(it_works_as_pid_1),
    };
    int result;

    if (is_other_role(argc, argv, &result))
        return result;
    return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
