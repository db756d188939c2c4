/* The supervisor and its surroundings: an upgrade of its own program, and systemd. */
#include "supervised.h"

/* ---- upgrade ---- */

static void own_path(char path[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    assert_true(n > 0);
    path[n] = 0;
}

static void copy_program(const struct server *s, const char *name, char path[PATH_MAX])
{
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ssize_t n;

    snprintf(path, PATH_MAX, "%s/%s", s->folder, name);
    int to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    assert_true(from >= 0 && to >= 0);
    while ((n = sendfile(to, from, NULL, 1 << 20)) > 0)
        ;
    assert_int_equal(n, 0);
    close(from);
    close(to);
}

static void an_upgrade_keeps_pid_and_connections(void **state)
{
    struct server *s = *state;
    struct asker asker = { .server = s };
    struct answer a, b;
    char own[PATH_MAX], second[PATH_MAX], line[64];
    pthread_t thread;
    int held;

    own_path(own);
    point_program_at(s, own);
    start(s, "listen 127.0.0.1:0\n");
    assert_true(ask_on(s->port, 'h', &a, &held));
    assert_string_equal(a.exe, own);
    assert_int_equal(pthread_create(&thread, NULL, ask_all_the_time, &asker), 0);

    copy_program(s, "second", second);
    point_program_at(s, second);
    assert_true(control_ok(s, "upgrade"));
    WAIT_FOR(s, ask(s, &b) && b.generation == 2);
    assert_string_equal(b.exe, second);
    assert_int_equal(b.parent, s->pid);
    assert_int_equal(living(s), 2); /* the adopted one still has a connection */
    close(held);
    WAIT_FOR(s, living(s) == 1 && is_gone(a.pid));

    /* The new image has all powers of the old: it restarts, reloads and is upgraded in turn. */
    kill(b.pid, SIGKILL);
    WAIT_FOR(s, ask(s, &b) && b.generation == 3);
    asker.stop = true;
    pthread_join(thread, NULL);
    assert_true(asker.lost <= 1); /* the one that was killed */
    kill(s->pid, SIGUSR2);
    WAIT_FOR(s, ask(s, &b) && b.generation == 4);
    kill(s->pid, SIGTERM);
    assert_int_equal(wait_end(s), 0);
    read_line(s, line, sizeof(line));
    assert_string_equal(line, "");
}

static void a_program_that_does_not_run_is_refused(void **state)
{
    struct server *s = *state;
    char own[PATH_MAX];

    own_path(own);
    point_program_at(s, own);
    start(s, "listen 127.0.0.1:0\n");
    point_program_at(s, "/bin/false");
    assert_refused(s, "upgrade", 1, "ended with code 1");
    point_program_at(s, "/nowhere");
    assert_refused(s, "upgrade", 1, "cannot be executed");
    write_file(s, "hangs", "#!/bin/sh\nexec sleep 60\n");
    char script[100];
    snprintf(script, sizeof(script), "%s/hangs", s->folder);
    chmod(script, 0700);
    point_program_at(s, script);
    assert_refused(s, "upgrade", 1, "did not end within 5 s");
    assert_true(serves_generation(s, 1));
}

static void an_upgrade_with_a_wrong_configuration_keeps_the_old_generation(void **state)
{
    struct server *s = *state;
    struct answer a;
    char own[PATH_MAX];

    own_path(own);
    point_program_at(s, own);
    start(s, "listen 127.0.0.1:0\n");
    configure(s, "load 3 config:1: no good\n");
    assert_refused(s, "upgrade", 3, "no good");
    assert_true(ask(s, &a));
    assert_int_equal(a.generation, 1);

    /* Nothing is in use that a crash could be answered with: the file is read again until it is good. */
    kill(a.pid, SIGKILL);
    WAIT_FOR(s, is_gone(a.pid));
    configure(s, "listen 127.0.0.1:0\n");
    WAIT_FOR(s, ask(s, &a) && a.generation > 1);
}

/* ---- systemd ---- */

static int notify_socket(const struct server *s, char path[100])
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(path, 100, "%s/notify", s->folder);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void wait_notice(int fd, const char *wanted)
{
    char text[1024];
    int64_t until_us = clock_monotonic_us() + LIMIT_US;

    while (clock_monotonic_us() < until_us) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        if (poll(&p, 1, 100) != 1)
            continue;
        ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
        text[n > 0 ? n : 0] = 0;
        if (strstr(text, wanted))
            return;
    }
    fail_msg("systemd was not told %s", wanted);
}

static void systemd_hears_of_everything(void **state)
{
    struct server *s = *state;
    char path[100];
    int fd = notify_socket(s, path);

    setenv("NOTIFY_SOCKET", path, 1);
    setenv("WATCHDOG_USEC", "200000", 1);
    configure(s, "listen 127.0.0.1:0\n");
    launch(s);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    wait_ready(s);
    wait_notice(fd, "READY=1");
    wait_notice(fd, "WATCHDOG=1");
    kill(s->pid, SIGHUP);
    wait_notice(fd, "RELOADING=1\nMONOTONIC_USEC=");
    wait_notice(fd, "READY=1");
    kill(s->pid, SIGTERM);
    wait_notice(fd, "STOPPING=1");
    assert_int_equal(wait_end(s), 0);
    close(fd);
}

static void sockets_of_systemd_are_used(void **state)
{
    struct server *s = *state;
    struct listen_spec spec;
    struct socket_set set;
    struct buf why = BUF_INIT;
    struct answer a;
    int ends[2];

    assert_int_equal(listen_parse("127.0.0.1:0", &spec), 0);
    assert_int_equal(socket_set_open(&set, &spec, 1, &why), 0);
    configure(s, "listen 127.0.0.1:1\n"); /* could not be opened by everybody; is not looked at */
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    s->out = ends[0];
    s->pid = fork();
    if (s->pid == 0) {
        char pid[16];
        snprintf(pid, sizeof(pid), "%d", (int)getpid());
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", "1", 1);
        int safe = fcntl(ends[1], F_DUPFD_CLOEXEC, 10);
        if (set.fds[0] == 3)
            fcntl(3, F_SETFD, 0);
        else
            dup2(set.fds[0], 3);
        execute(s, safe);
    }
    close(ends[1]);
    wait_ready(s);
    assert_int_equal(s->port, set.port);
    assert_true(ask(s, &a));
    assert_true(control_ok(s, "reload"));
    WAIT_FOR(s, serves_generation(s, 2));
    kill(s->pid, SIGTERM);
    assert_int_equal(wait_end(s), 0);

    /* Nobody serves, but the socket listens on: what comes now waits for the next start. */
    int fd = dial(set.port);
    assert_true(fd >= 0);
    close(fd);
    socket_set_close(&set);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SUPERVISED(an_upgrade_keeps_pid_and_connections),
        SUPERVISED(a_program_that_does_not_run_is_refused),
        SUPERVISED(an_upgrade_with_a_wrong_configuration_keeps_the_old_generation),
        SUPERVISED(systemd_hears_of_everything),
        SUPERVISED(sockets_of_systemd_are_used),
    };
    int result;

    if (is_other_role(argc, argv, &result))
        return result;
    return cmocka_run_group_tests_name("supervisor_upgrade", tests, NULL, NULL);
}
