/* supervised.h - the supervisor as a process of its own, with a tiny server below it, for suites that start it, ask it, and
 * kill what they have started. Executed as "SUITE serve FOLDER" a suite's own program is that supervisor. */
#ifndef TESTS_SUPERVISED_H
#define TESTS_SUPERVISED_H

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

/* As the server's own: what an owner of work did is counted. A line for each, for the suites. */
static inline void note_crash(const struct supervisor_crash *crash, void *ud)
{
    static const char *const ends[] = { [SUPERVISOR_EXITED] = "exited",
                                        [SUPERVISOR_SIGNALLED] = "signalled",
                                        [SUPERVISOR_HUNG] = "hung",
                                        [SUPERVISOR_STUCK] = "stuck" };
    const char *file = ud, *owner = crash->owner ? crash->owner : "nobody";
    char folder[PATH_MAX], list[PATH_MAX];
    struct buf why = BUF_INIT;

    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(file, '/') - file), file);
    if (crash->owner && quarantine_record(folder, owner, crash->what, crash->note, false, &why) < 0)
        fprintf(stderr, "not recorded: %s\n", buf_text(&why));
    buf_finish(&why);
    snprintf(list, sizeof(list), "%.*s/crashed", PATH_MAX - 16, folder);
    FILE *f = fopen(list, "ae");
    if (!f)
        return;
    fprintf(f, "generation %llu %s: %s, %s; config %s; note %s\n", (unsigned long long)crash->generation,
            ends[crash->how], owner, crash->what ? crash->what : "-", crash->config ? "known" : "unknown",
            crash->note ? crash->note : "none");
    fclose(f);
}

static inline int serve(char **argv)
{
    char file[PATH_MAX];
    const char *hang_ms = getenv("TEST_HANG_MS"), *start_ms = getenv("TEST_START_MS");
    struct supervisor_options options = {
        .data_dir = argv[2],
        .load = tiny_load,
        .unload = tiny_unload,
        .generation = tiny_generation,
        .crashed = note_crash,
        .ud = file,
        .argv = argv,
        .sockets = 2,
        .start_us = start_ms ? tiny_number(start_ms) * (int64_t)CLOCK_MS : START_LIMIT_US,
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

static inline void write_file(const struct server *s, const char *name, const char *content)
{
    char path[256], temporary[264];

    snprintf(path, sizeof(path), "%s/%s", s->folder, name);
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    FILE *f = fopen(temporary, "we");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
    assert_int_equal(rename(temporary, path), 0);
}

static inline void configure(const struct server *s, const char *content)
{
    write_file(s, "config", content);
}

static inline void read_file(const struct server *s, const char *name, char *out, size_t size)
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

static inline bool logged(const struct server *s, const char *text)
{
    static char log[1 << 16];
    read_file(s, "log", log, sizeof(log));
    return strstr(log, text) != NULL;
}

static inline void show_log(const struct server *s)
{
    static char log[1 << 16];
    read_file(s, "log", log, sizeof(log));
    print_error("%s", log);
}

static inline void nap(const struct server *s, int64_t until_us, const char *wanted)
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

static inline void execute(struct server *s, int out)
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

static inline void launch(struct server *s)
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
static inline void read_line(struct server *s, char *line, size_t size)
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

static inline void wait_ready(struct server *s)
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

static inline void start(struct server *s, const char *config)
{
    configure(s, config);
    launch(s);
    wait_ready(s);
}

/* Its exit code, or 128 + signal. */
static inline int wait_end(struct server *s)
{
    int status = 0;

    WAIT_FOR(s, waitpid(s->pid, &status, WNOHANG) == s->pid);
    s->pid = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static inline int setup(void **state)
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

static inline void point_program_at(const struct server *s, const char *target)
{
    unlink(s->program);
    assert_int_equal(symlink(target, s->program), 0);
}

static inline int teardown(void **state)
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

static inline int dial(uint16_t port)
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
static inline bool ask_on(uint16_t port, char letter, struct answer *a, int *kept)
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

static inline bool ask(const struct server *s, struct answer *a)
{
    return ask_on(s->port, 'q', a, NULL);
}

static inline bool serves_generation(const struct server *s, unsigned long long number)
{
    struct answer a;
    return ask(s, &a) && a.generation == number;
}

static inline json_t *control(const struct server *s, const char *verb)
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

static inline bool control_ok(const struct server *s, const char *verb)
{
    json_t *answer = control(s, verb);
    bool ok = json_is_true(json_object_get(answer, "ok"));
    json_decref(answer);
    return ok;
}

static inline void assert_refused(const struct server *s, const char *verb, int exit_code, const char *text)
{
    json_t *answer = control(s, verb);

    assert_true(json_is_false(json_object_get(answer, "ok")));
    assert_int_equal(json_integer_value(json_object_get(answer, "exit")), exit_code);
    const char *error = json_string_value(json_object_get(answer, "error"));
    if (!error || !strstr(error, text))
        fail_msg("\"%s\" says nothing of \"%s\"", error ? error : "", text);
    json_decref(answer);
}

static inline size_t living(const struct server *s)
{
    json_t *status = control(s, "status");
    size_t n = json_array_size(json_object_get(status, "generations"));
    json_decref(status);
    return n;
}

static inline bool is_gone(int pid)
{
    char path[40];
    snprintf(path, sizeof(path), "/proc/%d", pid);
    return access(path, F_OK) != 0; /* a zombie still has its folder */
}

/* A client that never rests, on a thread of its own. */
struct asker {
    const struct server *server;
    _Atomic bool stop;
    unsigned asked, lost;
};

static inline void *ask_all_the_time(void *ud)
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

#define SUPERVISED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* True when the arguments want the program to be something else than a suite; then *result is its exit code. */
static inline bool is_other_role(int argc, char **argv, int *result)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0)
        *result = serve(argv);
    else if (argc == 2 && strcmp(argv[1], "version") == 0)
        *result = printf("test\n") > 0 ? 0 : 1;
    else
        return false;
    return true;
}

#endif
