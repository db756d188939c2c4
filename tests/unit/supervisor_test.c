/* The supervisor as a process of its own, with a tiny server below it. Executed as "supervisor_test serve FOLDER" this
 * program is that supervisor; the tests start it, ask it, and kill what it has started. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "folder.h"
#include "supervise/remote.h"
#include "tiny_generation.h"

enum {
    LIMIT_US = 20 * CLOCK_SECOND,
    START_LIMIT_US = 2 * CLOCK_SECOND,
    TERM_LIMIT_US = 300 * CLOCK_MS,
    BACKOFF_US = 50 * CLOCK_MS,
    SOON_US = 10 * CLOCK_SECOND,
    DRAIN_LIMIT_US = 200 * CLOCK_MS
};

/* ---- this program as a server ---- */

static int serve(char **argv)
{
    char file[PATH_MAX];
    const char *hang_ms = getenv("TEST_HANG_MS");
    struct supervisor_options options = {
        .data_dir = argv[2],
        .load = tiny_load,
        .unload = tiny_unload,
        .generation = tiny_generation,
        .ud = file,
        .argv = argv,
        .sockets = 2,
        .start_us = START_LIMIT_US,
        .term_us = TERM_LIMIT_US,
        .hang_us = hang_ms ? tiny_number(hang_ms) * (int64_t)CLOCK_MS : 0,
        .backoff_us = BACKOFF_US,
    };

    snprintf(file, sizeof(file), "%s/config", argv[2]);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return supervisor_run(&options);
}

/* ---- a server under test ---- */

struct server {
    char folder[64];
    char program[PATH_MAX]; /* a link to this program, so that an upgrade has something to change */
    pid_t pid;
    int out; /* its standard output */
    uint16_t port;
};

struct answer {
    unsigned long long generation;
    int pid, parent;
    char exe[PATH_MAX];
};

static void write_file(const struct server *s, const char *name, const char *content)
{
    char path[128], temporary[160];

    snprintf(path, sizeof(path), "%s/%s", s->folder, name);
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    FILE *f = fopen(temporary, "we");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
    assert_int_equal(rename(temporary, path), 0);
}

static void configure(const struct server *s, const char *content)
{
    write_file(s, "config", content);
}

static void read_file(const struct server *s, const char *name, char *out, size_t size)
{
    char path[128];
    size_t n = 0;

    snprintf(path, sizeof(path), "%s/%s", s->folder, name);
    FILE *f = fopen(path, "re");
    if (f) {
        n = fread(out, 1, size - 1, f);
        fclose(f);
    }
    out[n] = 0;
}

static bool logged(const struct server *s, const char *text)
{
    static char log[1 << 16];
    read_file(s, "log", log, sizeof(log));
    return strstr(log, text) != NULL;
}

static void show_log(const struct server *s)
{
    static char log[1 << 16];
    read_file(s, "log", log, sizeof(log));
    print_error("%s", log);
}

static void nap(const struct server *s, int64_t until_us, const char *wanted)
{
    if (clock_monotonic_us() > until_us) {
        show_log(s);
        fail_msg("waited in vain for %s", wanted);
    }
    usleep(5000);
}

#define WAIT_FOR(server, condition)                                          \
    for (int64_t until_us_ = clock_monotonic_us() + LIMIT_US; !(condition);) \
    nap(server, until_us_, #condition)

static void execute(struct server *s, int out)
{
    char log[80];

    snprintf(log, sizeof(log), "%s/log", s->folder);
    int err = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGQUIT); /* nothing outlives a test that failed */
    execl(s->program, s->program, "serve", s->folder, (char *)NULL);
    _exit(127);
}

static void launch(struct server *s)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    s->out = ends[0];
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0)
        execute(s, ends[1]);
    close(ends[1]);
}

/* The first line of standard output, or "" when it ends without one. */
static void read_line(struct server *s, char *line, size_t size)
{
    size_t n = 0;
    struct pollfd p = { .fd = s->out, .events = POLLIN };

    while (n < size - 1 && poll(&p, 1, LIMIT_US / CLOCK_MS) == 1 && read(s->out, line + n, 1) == 1) {
        if (line[n] == '\n')
            break;
        n++;
    }
    line[n] = 0;
}

static void wait_ready(struct server *s)
{
    static const char prefix[] = "listening on http://127.0.0.1:";
    char line[128];

    read_line(s, line, sizeof(line));
    if (strncmp(line, prefix, sizeof(prefix) - 1) != 0) {
        show_log(s);
        fail_msg("the first line is \"%s\"", line);
    }
    s->port = (uint16_t)tiny_number(line + sizeof(prefix) - 1);
}

static void start(struct server *s, const char *config)
{
    configure(s, config);
    launch(s);
    wait_ready(s);
}

/* Its exit code, or 128 + signal. */
static int wait_end(struct server *s)
{
    int status = 0;

    WAIT_FOR(s, waitpid(s->pid, &status, WNOHANG) == s->pid);
    s->pid = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int setup(void **state)
{
    struct server *s = calloc(1, sizeof(*s));

    if (!s)
        return -1;
    *state = s;
    strcpy(s->folder, "/tmp/dowel-supervisor-XXXXXX");
    s->out = -1;
    if (!mkdtemp(s->folder))
        return -1;
    snprintf(s->program, sizeof(s->program), "%s/program", s->folder);
    return symlink("/proc/self/exe", s->program);
}

static void point_program_at(const struct server *s, const char *target)
{
    unlink(s->program);
    assert_int_equal(symlink(target, s->program), 0);
}

static int teardown(void **state)
{
    struct server *s = *state;

    if (s->pid > 0) {
        kill(s->pid, SIGQUIT);
        wait_end(s);
    }
    if (s->out >= 0)
        close(s->out);
    int result = folder_remove(s->folder);
    free(s);
    return result;
}

/* ---- asking it ---- */

static int dial(uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval limit = { .tv_sec = 10 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* True when the server answered; the connection stays open in *fd after 'h'. */
static bool ask_on(uint16_t port, char letter, struct answer *a, int *kept)
{
    char text[PATH_MAX + 64];
    size_t n = 0;
    int fd = dial(port);

    if (fd < 0)
        return false;
    ssize_t got = send(fd, &letter, 1, MSG_NOSIGNAL) == 1 ? 1 : -1;
    while (got > 0 && n < sizeof(text) - 1 && (n == 0 || text[n - 1] != '\n')) {
        got = recv(fd, text + n, sizeof(text) - 1 - n, 0);
        n += got > 0 ? (size_t)got : 0;
    }
    text[n] = 0;
    if (kept)
        *kept = fd;
    else
        close(fd);
    char *rest;
    a->generation = strtoull(text, &rest, 10);
    a->pid = (int)strtol(rest, &rest, 10);
    a->parent = (int)strtol(rest, &rest, 10);
    snprintf(a->exe, sizeof(a->exe), "%.*s", (int)strcspn(rest + (*rest == ' '), "\n"),
             rest + (*rest == ' '));
    return a->generation > 0 && n > 0 && text[n - 1] == '\n';
}

static bool ask(const struct server *s, struct answer *a)
{
    return ask_on(s->port, 'q', a, NULL);
}

static bool serves_generation(const struct server *s, unsigned long long number)
{
    struct answer a;
    return ask(s, &a) && a.generation == number;
}

static json_t *control(const struct server *s, const char *verb)
{
    struct buf why = BUF_INIT;
    json_t *answer;

    if (remote_call(s->folder, verb, NULL, LIMIT_US, &answer, &why) != REMOTE_ANSWERED) {
        show_log(s);
        fail_msg("%s: %s", verb, buf_text(&why));
    }
    buf_finish(&why);
    return answer;
}

static bool control_ok(const struct server *s, const char *verb)
{
    json_t *answer = control(s, verb);
    bool ok = json_is_true(json_object_get(answer, "ok"));
    json_decref(answer);
    return ok;
}

static void assert_refused(const struct server *s, const char *verb, int exit_code, const char *text)
{
    json_t *answer = control(s, verb);

    assert_true(json_is_false(json_object_get(answer, "ok")));
    assert_int_equal(json_integer_value(json_object_get(answer, "exit")), exit_code);
    const char *error = json_string_value(json_object_get(answer, "error"));
    if (!error || !strstr(error, text))
        fail_msg("\"%s\" says nothing of \"%s\"", error ? error : "", text);
    json_decref(answer);
}

static size_t living(const struct server *s)
{
    json_t *status = control(s, "status");
    size_t n = json_array_size(json_object_get(status, "generations"));
    json_decref(status);
    return n;
}

static bool is_gone(int pid)
{
    char path[40];
    snprintf(path, sizeof(path), "/proc/%d", pid);
    return access(path, F_OK) != 0; /* a zombie still has its folder */
}

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

    setenv("TEST_HANG_MS", "400", 1);
    configure(s, "listen 127.0.0.1:0\nsilent\n");
    launch(s);
    unsetenv("TEST_HANG_MS");
    wait_ready(s);
    WAIT_FOR(s, logged(s, "hung and was ended"));
    WAIT_FOR(s, serves_generation(s, 2));
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

    configure(s, "listen 127.0.0.1:0\n");
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    s->out = ends[0];
    pid_t outside = fork();
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
    if (waitpid(outside, &status, WNOHANG) == 0)
        usleep(50000);
    if (waitpid(outside, &status, WNOHANG) == outside && WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        s->pid = 0;
        skip(); /* not permitted to make a pid namespace */
    }
    wait_ready(s);
    struct answer a;
    assert_true(ask(s, &a));
    assert_int_equal(a.parent, 1);
    kill(only_child(outside), SIGTERM);
    assert_int_equal(wait_end(s), 0);
}

/* ---- reload ---- */

struct asker {
    const struct server *server;
    _Atomic bool stop;
    unsigned asked, lost;
};

static void *ask_all_the_time(void *ud)
{
    struct asker *asker = ud;
    struct answer a;

    while (!asker->stop) {
        asker->asked++;
        if (!ask(asker->server, &a))
            asker->lost++;
    }
    return NULL;
}

static void a_reload_loses_no_connection(void **state)
{
    struct server *s = *state;
    struct asker asker = { .server = s };
    pthread_t thread;

    start(s, "listen 127.0.0.1:0\n");
    assert_int_equal(pthread_create(&thread, NULL, ask_all_the_time, &asker), 0);
    for (unsigned long long i = 2; i <= 21; i++) {
        assert_true(control_ok(s, "reload"));
        WAIT_FOR(s, serves_generation(s, i));
    }
    asker.stop = true;
    pthread_join(thread, NULL);
    assert_true(asker.asked > 20);
    assert_int_equal(asker.lost, 0);
    WAIT_FOR(s, living(s) == 1);
}

static void a_reload_is_answered_when_the_old_generation_accepts_no_more(void **state)
{
    struct server *s = *state;
    struct answer a;

    start(s, "listen 127.0.0.1:0\nlinger 300\n");
    int64_t begin_us = clock_monotonic_us();
    assert_true(control_ok(s, "reload"));
    assert_true(clock_monotonic_us() - begin_us >= 300 * CLOCK_MS);
    for (int i = 0; i < 20; i++) {
        assert_true(ask(s, &a));
        assert_int_equal(a.generation, 2);
    }
    configure(s, "listen 127.0.0.1:0\nlinger 60000\n");
    assert_true(control_ok(s, "reload"));
    assert_true(control_ok(s, "reload")); /* one that does not come to it is not waited for */
    assert_true(clock_monotonic_us() - begin_us < SOON_US);
}

static void a_reload_by_signal(void **state)
{
    struct server *s = *state;

    start(s, "listen 127.0.0.1:0\n");
    kill(s->pid, SIGHUP);
    WAIT_FOR(s, serves_generation(s, 2));
}

static void a_refused_reload_keeps_the_old(void **state)
{
    struct server *s = *state;

    start(s, "listen 127.0.0.1:0\n");
    configure(s, "load 3 config:1: no good\n");
    assert_refused(s, "reload", 3, "config:1: no good");
    configure(s, "listen 127.0.0.1:0\nfail 3 certificate missing\n");
    assert_refused(s, "reload", 3, "certificate missing");
    configure(s, "listen 127.0.0.1:0\ncrash\n");
    assert_refused(s, "reload", 1, "killed by signal");
    configure(s, "listen 127.0.0.1:0\nslow 10000\n");
    assert_refused(s, "reload", 1, "not ready in time");
    configure(s, "listen 127.0.0.1:0\nlisten 192.0.2.1:1\n");
    assert_refused(s, "reload", 1, "no such address");
    assert_true(serves_generation(s, 1));
    assert_false(logged(s, "did not start"));
    WAIT_FOR(s, living(s) == 1);

    configure(s, "listen 127.0.0.1:0\n");
    assert_true(control_ok(s, "reload"));
}

static void overlapping_reloads_are_all_answered(void **state)
{
    struct server *s = *state;
    int fds[8];
    static const char request[] = "{\"verb\":\"reload\"}\n";
    char reply[256];

    start(s, "listen 127.0.0.1:0\n");
    configure(s, "listen 127.0.0.1:0\nslow 100\n");
    for (size_t i = 0; i < DW_COUNT_OF(fds); i++) {
        struct buf why = BUF_INIT;
        fds[i] = remote_connect(s->folder, &why);
        assert_true(fds[i] >= 0);
        assert_int_equal(send(fds[i], request, sizeof(request) - 1, 0), sizeof(request) - 1);
        buf_finish(&why);
    }
    for (size_t i = 0; i < DW_COUNT_OF(fds); i++) {
        struct pollfd p = { .fd = fds[i], .events = POLLIN };
        assert_int_equal(poll(&p, 1, LIMIT_US / CLOCK_MS), 1);
        ssize_t n = recv(fds[i], reply, sizeof(reply) - 1, 0);
        assert_true(n > 0);
        reply[n] = 0;
        assert_non_null(strstr(reply, "\"ok\":true"));
        close(fds[i]);
    }
    struct answer a;
    WAIT_FOR(s, ask(s, &a) && a.generation >= 2);
    assert_true(a.generation <= 4); /* eight requests were not eight reloads */
}

static void an_old_generation_ends_its_connections_first(void **state)
{
    struct server *s = *state;
    struct answer a;
    int held;

    start(s, "listen 127.0.0.1:0\n");
    assert_true(ask_on(s->port, 'h', &a, &held));
    assert_true(control_ok(s, "reload"));
    WAIT_FOR(s, serves_generation(s, 2));
    assert_int_equal(living(s), 2);
    assert_false(is_gone(a.pid));
    close(held);
    WAIT_FOR(s, living(s) == 1);
    assert_true(is_gone(a.pid));
}

static void addresses_come_and_go(void **state)
{
    struct server *s = *state;
    struct answer a;
    char path[100], config[300];
    json_t *status;

    start(s, "listen 127.0.0.1:0\n");
    uint16_t first = s->port;
    snprintf(path, sizeof(path), "%s/http.sock", s->folder);
    snprintf(config, sizeof(config), "listen 127.0.0.1:0\nlisten unix:%s\n", path);
    configure(s, config);
    assert_true(control_ok(s, "reload"));
    assert_int_equal(access(path, F_OK), 0);
    assert_true(ask(s, &a));

    snprintf(config, sizeof(config), "listen 127.0.0.2:0\n");
    configure(s, config);
    assert_true(control_ok(s, "reload"));
    WAIT_FOR(s, access(path, F_OK) != 0);
    WAIT_FOR(s, !ask_on(first, 'q', &a, NULL));
    status = control(s, "status");
    assert_int_equal(json_array_size(json_object_get(status, "addresses")), 1);
    json_decref(status);
}

static void port_0_may_stand_there_twice(void **state)
{
    struct server *s = *state;
    struct answer a;

    start(s, "listen 127.0.0.1:0\nlisten 127.0.0.1:0\n");
    uint16_t first = s->port;
    wait_ready(s);
    assert_int_not_equal(first, s->port);
    assert_true(control_ok(s, "reload"));
    assert_true(control_ok(s, "upgrade"));
    assert_true(ask_on(first, 'q', &a, NULL) && ask_on(s->port, 'q', &a, NULL));
    configure(s, "listen 127.0.0.1:0\n");
    assert_true(control_ok(s, "reload"));
    WAIT_FOR(s, !ask_on(s->port, 'q', &a, NULL));
    assert_true(ask_on(first, 'q', &a, NULL));
    configure(s, "listen unix:/nowhere/a\nlisten unix:/nowhere/a\n");
    assert_refused(s, "reload", 1, "/nowhere/a");
}

static void unknown_verbs_and_broken_requests_are_answered(void **state)
{
    struct server *s = *state;
    static const char *const requests[] = { "nonsense\n", "{\"verb\":7}\n", "[]\n" };
    char reply[256];

    start(s, "listen 127.0.0.1:0\n");
    assert_refused(s, "dance", 1, "does not know that verb");
    for (size_t i = 0; i < DW_COUNT_OF(requests); i++) {
        struct buf why = BUF_INIT;
        int fd = remote_connect(s->folder, &why);
        assert_true(fd >= 0);
        send(fd, requests[i], strlen(requests[i]), 0);
        ssize_t n = recv(fd, reply, sizeof(reply) - 1, 0);
        assert_true(n > 0);
        reply[n] = 0;
        assert_non_null(strstr(reply, "\"ok\":false"));
        close(fd);
    }
    assert_true(control_ok(s, "status"));
}

static void a_request_that_is_too_long_is_cut_off(void **state)
{
    struct server *s = *state;
    struct buf why = BUF_INIT;
    static char junk[CLOCK_MS * 20];
    char reply[256];

    start(s, "listen 127.0.0.1:0\n");
    int fd = remote_connect(s->folder, &why);
    memset(junk, 'x', sizeof(junk));
    send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
    ssize_t n = recv(fd, reply, sizeof(reply) - 1, 0);
    assert_true(n > 0);
    reply[n] = 0;
    assert_non_null(strstr(reply, "too long"));
    close(fd);
    assert_true(control_ok(s, "status"));
}

static void the_control_socket_is_private(void **state)
{
    struct server *s = *state;
    struct stat st;
    char path[100];

    start(s, "listen 127.0.0.1:0\n");
    snprintf(path, sizeof(path), "%s/dowel.sock", s->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    kill(s->pid, SIGTERM);
    assert_int_equal(wait_end(s), 0);
    assert_int_equal(access(path, F_OK), -1);
}

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

#define SUPERVISED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

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
        SUPERVISED(a_reload_loses_no_connection),
        SUPERVISED(a_reload_is_answered_when_the_old_generation_accepts_no_more),
        SUPERVISED(a_reload_by_signal),
        SUPERVISED(a_refused_reload_keeps_the_old),
        SUPERVISED(overlapping_reloads_are_all_answered),
        SUPERVISED(an_old_generation_ends_its_connections_first),
        SUPERVISED(addresses_come_and_go),
        SUPERVISED(port_0_may_stand_there_twice),
        SUPERVISED(unknown_verbs_and_broken_requests_are_answered),
        SUPERVISED(a_request_that_is_too_long_is_cut_off),
        SUPERVISED(the_control_socket_is_private),
        SUPERVISED(an_upgrade_keeps_pid_and_connections),
        SUPERVISED(a_program_that_does_not_run_is_refused),
        SUPERVISED(an_upgrade_with_a_wrong_configuration_keeps_the_old_generation),
        SUPERVISED(systemd_hears_of_everything),
        SUPERVISED(sockets_of_systemd_are_used),
    };

    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        return serve(argv);
    if (argc == 2 && strcmp(argv[1], "version") == 0)
        return printf("test\n") > 0 ? 0 : 1;
    return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
