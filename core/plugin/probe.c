#include "plugin/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log.h"
#include "plugin/library.h"
#include "plugin/migrations.h"
#include "plugin/settings.h"
#include "util/clock.h"

enum {
    CONTROL_FD = 3,
    LINE_MAX_BYTES = 64 << 20,
    OUTPUT_KEPT = 600,
    DESCRIPTOR_MEMORY = 64 << 20,
    WAIT_MS = 20,
    READS_MAX = 64 /* between two looks at the clock: who prints without end must not stop it */
};

json_t *probe_here(const char *name, const char *path, struct buf *why)
{
    struct library *library = NULL;
    struct plugin_descriptor *d;
    struct migrations migrations;
    struct arena arena;
    json_t *found = NULL;

    arena_init(&arena, NULL, 0, DESCRIPTOR_MEMORY);
    const dw_plugin *raw = library_open(&library, path, why) == 0 ? library_plugin(library, why) : NULL;
    if (raw && descriptor_read(&d, raw, &arena, why) == 0 && descriptor_check_name(d, name, why) == 0 &&
        settings_check_items(d, why) == 0 && plugin_migrations_read(&migrations, &arena, d, why) == 0)
        found = probe_describe(d, why);
    library_forget(library);
    arena_finish(&arena);
    return found;
}

/* ---- the child ---- */

static bool write_all(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t put = write(CONTROL_FD, p, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        p += put;
        n -= (size_t)put;
    }
    return true;
}

/* "?3" before file number 3 is touched, "=3 {...}" or "!3 why" after it. */
static void announce(size_t i)
{
    struct buf line = BUF_INIT;

    buf_add_format(&line, "?%zu\n", i);
    if (buf_failed(&line) || !write_all(line.p, line.n))
        _exit(1);
    buf_finish(&line);
}

static void tell(size_t i, json_t *found, struct buf *why)
{
    struct buf line = BUF_INIT;
    char *text = found ? json_dumps(found, JSON_COMPACT) : NULL;

    buf_add_format(&line, "%c%zu ", text ? '=' : '!', i);
    if (text)
        buf_add_text(&line, text);
    else
        for (const char *p = buf_text(why); *p; p++)
            buf_add_char(&line, (unsigned char)*p < ' ' ? ' ' : *p);
    buf_add_char(&line, '\n');
    if (buf_failed(&line) || !write_all(line.p, line.n))
        _exit(1);
    free(text);
    buf_finish(&line);
}

/* A handler of ours would take the plugin's fault for one of the server. */
static void forget_signals(void)
{
    struct sigaction by_default = { .sa_handler = SIG_DFL };
    sigset_t none;

    for (int i = 1; i < NSIG; i++)
        sigaction(i, &by_default, NULL); /* fails for those that have no other meaning */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Alone: no core dump (not to a program either, which a limit does not stop), no files of the server's, and no life after
 * whoever asked. */
static void be_alone(int control, int output)
{
    const struct rlimit none = { 0, 0 };
    int null = open("/dev/null", O_RDONLY);

    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &none);
    forget_signals();
    control = fcntl(control, F_DUPFD, 16); /* out of the way of the numbers that are given out now */
    output = fcntl(output, F_DUPFD, 16);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0 || dup2(control, CONTROL_FD) < 0 ||
        fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC) != 0)
        _exit(1);
    close_range(CONTROL_FD + 1, ~0U, 0);
}

static DW_NORETURN void run_child(const struct probe_file *files, size_t n, int control, int output)
{
    log_after_fork();
    be_alone(control, output);
    for (size_t i = 0; i < n; i++) {
        struct buf why = BUF_INIT;
        if (files[i].found || files[i].why)
            continue;
        announce(i);
        json_t *found = probe_here(files[i].name, files[i].path, &why);
        tell(i, found, &why);
        json_decref(found);
        buf_finish(&why);
    }
    _exit(0); /* no destructor of a plugin runs */
}

/* ---- the parent ---- */

enum { NOBODY = -1 };

struct probe {
    struct probe_file *files;
    size_t n, left;
    int64_t limit_us, deadline_us;
    struct arena *arena;
    pid_t child;
    int control, output; /* read ends */
    long current;        /* the file that the child is at; NOBODY: at none */
    struct buf line;     /* of the control pipe, not yet whole */
    struct buf said;     /* by the current file, cut */
    bool out_of_memory;
};

static void settle(struct probe *p, size_t i, json_t *found, const char *why)
{
    struct probe_file *f = &p->files[i];

    if (f->found || f->why) {
        json_decref(found);
        return;
    }
    f->found = found;
    f->why = found ? NULL : arena_copy(p->arena, str_from(why));
    p->out_of_memory |= !f->found && !f->why;
    p->left--;
    p->current = NOBODY;
}

static void take_found(struct probe *p, size_t i, struct str text)
{
    json_t *found = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);

    settle(p, i, found, "wrote into the pipe of the probe");
}

static void take_line(struct probe *p, struct str line)
{
    struct str rest = line, head;
    uint64_t i;

    if (!str_split(&rest, ' ', &head) || head.n < 2 ||
        !str_to_uint(str_make(head.p + 1, head.n - 1), p->n - 1, &i))
        return;
    if (head.p[0] == '?') {
        p->current = (long)i;
        p->deadline_us = clock_monotonic_us() + p->limit_us;
        p->said.n = 0;
    } else if (head.p[0] == '=') {
        take_found(p, (size_t)i, rest);
    } else if (head.p[0] == '!') {
        struct buf why = BUF_INIT;
        buf_add_str(&why, rest);
        settle(p, (size_t)i, NULL, buf_text(&why));
        buf_finish(&why);
    }
}

static void take_lines(struct probe *p)
{
    struct str rest = buf_str(&p->line);

    for (size_t end = str_find(rest, '\n'); end < rest.n; end = str_find(rest, '\n')) {
        take_line(p, str_make(rest.p, end));
        rest = str_make(rest.p + end + 1, rest.n - end - 1);
    }
    memmove(p->line.p, rest.p, rest.n);
    p->line.n = rest.n;
}

/* 1: something came, 0: nothing yet, -1: the end. */
static int read_some(int fd, struct buf *into)
{
    char bytes[16384];
    ssize_t n = read(fd, bytes, sizeof(bytes));

    if (n > 0)
        buf_add(into, bytes, (size_t)n);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return n > 0 ? 1 : -1;
}

/* What a constructor prints is told when it fails, and else thrown away. */
static int drain(struct probe *p)
{
    int result = 1;

    for (int i = 0; i < READS_MAX && (result = read_some(p->output, &p->said)) > 0; i++)
        p->said.n = p->said.n < OUTPUT_KEPT ? p->said.n : OUTPUT_KEPT;
    return result;
}

static int hear(struct probe *p)
{
    int result = 1;

    for (int i = 0; i < READS_MAX && (result = read_some(p->control, &p->line)) > 0; i++) {
        if (p->line.n > LINE_MAX_BYTES || buf_failed(&p->line))
            return -1;
        take_lines(p);
    }
    return result;
}

/* On one line, without what a terminal would obey. */
static void add_said(struct probe *p, struct buf *why)
{
    for (size_t i = 0; i < p->said.n; i++) {
        unsigned char c = (unsigned char)p->said.p[i];
        p->said.p[i] = (char)(c < ' ' || c == 0x7f ? ' ' : c);
    }
    struct str said = str_trim(buf_str(&p->said));
    if (said.n > 0)
        buf_add_format(why, "; it printed: %.*s", STR_ARG(said));
}

static void charge(struct probe *p, int status, bool late)
{
    struct buf why = BUF_INIT;

    if (late)
        buf_add_format(
            &why,
            "did not come back within %g seconds when it was opened; what a plugin does first must not wait",
            (double)p->limit_us / CLOCK_SECOND);
    else if (WIFSIGNALED(status))
        buf_add_format(&why, "crashes when it is opened (signal %d, %s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        buf_add_format(&why, "ends the process when it is opened (exit code %d)", WEXITSTATUS(status));
    add_said(p, &why);
    settle(p, (size_t)p->current, NULL, buf_text(&why));
    buf_finish(&why);
}

/* Its number stays its own until end_group(). */
static bool has_ended(pid_t child)
{
    siginfo_t info = { .si_pid = 0 };

    if (waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
        return errno != EINTR;
    return info.si_pid == child;
}

/* With what it leaves behind: it may have forked. Before it is reaped: after that its number may be anybody's. */
static int end_group(pid_t child)
{
    int status = 0;

    kill(child, SIGKILL); /* by itself as well: it may not have come to its setsid() */
    kill(-child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

/* Until it has ended, nothing is left to hear, or its time is over. */
static int watch(struct probe *p, bool *late)
{
    struct pollfd fds[] = { { p->control, POLLIN, 0 }, { p->output, POLLIN, 0 } };
    bool ended = false;

    *late = false;
    while (!ended && !*late && p->left > 0) {
        poll(fds, DW_COUNT_OF(fds), WAIT_MS);
        for (size_t i = 0; i < DW_COUNT_OF(fds); i++) {
            if (fds[i].fd >= 0 && (i ? drain(p) : hear(p)) < 0)
                fds[i].fd = -1;
        }
        ended = has_ended(p->child);
        *late = !ended && clock_monotonic_us() > p->deadline_us;
    }
    int status = end_group(p->child);
    hear(p);
    drain(p);
    return status;
}

static int make_pipe(int fds[2])
{
    if (pipe2(fds, O_CLOEXEC) != 0)
        return -1;
    return fcntl(fds[0], F_SETFL, O_NONBLOCK);
}

/* A child for the files that are left. False when it got to none of them. */
static bool run_round(struct probe *p)
{
    int control[2] = { -1, -1 }, output[2] = { -1, -1 };
    size_t before = p->left;
    bool late;

    if (make_pipe(control) != 0 || make_pipe(output) != 0)
        goto done;
    p->child = fork();
    if (p->child < 0)
        goto done;
    if (p->child == 0)
        run_child(p->files, p->n, control[1], output[1]);
    close(control[1]);
    close(output[1]);
    control[1] = output[1] = -1;
    p->control = control[0];
    p->output = output[0];
    p->current = NOBODY;
    p->deadline_us = clock_monotonic_us() + p->limit_us;
    p->line.n = p->said.n = 0;
    int status = watch(p, &late);
    if (p->current != NOBODY)
        charge(p, status, late);
done:
    for (size_t i = 0; i < 2; i++) {
        if (control[i] >= 0)
            close(control[i]);
        if (output[i] >= 0)
            close(output[i]);
    }
    return p->left < before;
}

static void give_up(struct probe *p)
{
    char why[200];

    snprintf(why, sizeof(why), "cannot be probed: no child process could be made for it (%s)",
             strerror(errno));
    for (size_t i = 0; i < p->n; i++) {
        if (!p->files[i].found && !p->files[i].why)
            settle(p, i, NULL, why);
    }
}

int probe_files(struct probe_file *files, size_t n, int64_t limit_us, struct arena *arena)
{
    struct probe p = { .files = files, .n = n, .left = n, .limit_us = limit_us, .arena = arena };

    for (size_t i = 0; i < n; i++) {
        files[i].found = NULL;
        files[i].why = NULL;
    }
    while (p.left > 0 && !p.out_of_memory) {
        if (!run_round(&p))
            give_up(&p);
    }
    buf_finish(&p.line);
    buf_finish(&p.said);
    return p.out_of_memory ? -1 : 0;
}
