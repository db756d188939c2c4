/* The program is replaced under the running server: the supervisor executes the new file in its own process, so that
 * its pid, its sockets and its children stay. What the next image has to know stands as JSON in a memory file whose
 * descriptor is named in the environment. That text is an interface between versions. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log.h"
#include "supervise/state.h"
#include "util/clock.h"

static const char variable[] = "DOWEL_HANDOVER";

enum { TRIAL_US = 5 * CLOCK_SECOND, HANDOVER_VERSION = 1, HANDOVER_MAX = 1 << 20 };

/* ---- which program ---- */

static bool is_running_program(const char *path)
{
    struct stat ours, theirs;
    return stat("/proc/self/exe", &ours) == 0 && stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
           ours.st_ino == theirs.st_ino;
}

static char *search_path(const char *name)
{
    struct str rest = str_from(getenv("PATH")), dir;
    struct buf path = BUF_INIT;

    while (str_split(&rest, ':', &dir)) {
        path.n = 0;
        buf_add_format(&path, "%.*s/%s", STR_ARG(dir), name);
        if (dir.n > 0 && dir.p[0] == '/' && is_running_program(buf_text(&path)))
            return path.p;
    }
    buf_finish(&path);
    return NULL;
}

/* The name that was executed, links and all: where versions are switched by a link, the link must be followed anew. */
static char *executed_as(const char *name)
{
    char directory[PATH_MAX];
    struct buf path = BUF_INIT;

    if (!strchr(name, '/'))
        return search_path(name);
    if (name[0] != '/' && getcwd(directory, sizeof(directory)))
        buf_add_format(&path, "%s/", directory);
    buf_add_text(&path, name);
    if (is_running_program(buf_text(&path)))
        return path.p;
    buf_finish(&path);
    return NULL;
}

void upgrade_init(struct upgrade *u, char **argv)
{
    char exe[PATH_MAX];

    *u = (struct upgrade){ .output = -1 };
    if (!argv || !argv[0])
        return;
    u->program = executed_as(argv[0]);
    if (u->program)
        return;
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (n > 0) {
        exe[n] = 0;
        u->program = strdup(exe);
    }
}

static void end_trial(struct upgrade *u)
{
    if (u->output >= 0)
        close(u->output);
    u->output = -1;
    u->pid = 0;
}

void upgrade_finish(struct upgrade *u)
{
    if (u->pid)
        kill(u->pid, SIGKILL);
    end_trial(u);
    free(u->program);
    u->program = NULL;
}

/* ---- the trial run ---- */

static void refuse(struct supervisor *s, const char *reason)
{
    char text[PATH_MAX + 512];

    snprintf(text, sizeof(text), "%s: %s; the server goes on as it is",
             s->upgrade.program ? s->upgrade.program : "upgrade", reason);
    log_error("upgrade refused", LOG_TEXT("why", text));
    control_reply_all(&s->control, WAITS_UPGRADE_CHECK, supervisor_refusal(EXIT_FAILURE, text));
}

DW_NORETURN static void run_trial(const char *program, int output)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    unsetenv("NOTIFY_SOCKET");
    dup2(null, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execl(program, program, "version", (char *)NULL);
    dprintf(STDERR_FILENO, "cannot be executed: %s", strerror(errno));
    _exit(126);
}

void upgrade_begin(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    int ends[2];

    if (s->stopping || u->pid || u->proven)
        return; /* the upgrade that is under way is the one that was asked for */
    if (!u->program) {
        refuse(s, "it is not known which program to execute");
        return;
    }
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
        refuse(s, strerror(errno));
        return;
    }
    u->said_n = 0;
    u->timed_out = false;
    u->output = ends[0];
    u->deadline_us = clock_monotonic_us() + TRIAL_US;
    u->pid = fork();
    if (u->pid == 0)
        run_trial(u->program, ends[1]);
    close(ends[1]);
    if (u->pid < 0) {
        end_trial(u);
        refuse(s, strerror(errno));
    }
}

void upgrade_read(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    char rest[256];

    if (u->output < 0)
        return;
    size_t room = sizeof(u->said) - 1 - u->said_n;
    ssize_t n = room > 0 ? read(u->output, u->said + u->said_n, room) : read(u->output, rest, sizeof(rest));
    if (n > 0 && room > 0)
        u->said_n += (size_t)n;
    if (n == 0) {
        close(u->output);
        u->output = -1;
    }
}

bool upgrade_ended(struct supervisor *s, pid_t pid, int status)
{
    struct upgrade *u = &s->upgrade;
    char reason[400];

    if (u->pid == 0 || pid != u->pid)
        return false;
    upgrade_read(s);
    end_trial(u);
    u->said[u->said_n] = 0;
    u->said[strcspn(u->said, "\n")] = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        log_info("upgrading", LOG_TEXT("program", u->program), LOG_TEXT("version", u->said));
        u->proven = true;
        return true;
    }
    if (u->timed_out)
        snprintf(reason, sizeof(reason), "\"version\" did not end within 5 s");
    else if (WIFSIGNALED(status))
        snprintf(reason, sizeof(reason), "\"version\" was killed by signal %d", WTERMSIG(status));
    else
        snprintf(reason, sizeof(reason), "\"version\" ended with code %d: %s", WEXITSTATUS(status), u->said);
    refuse(s, reason);
    return true;
}

void upgrade_expire(struct supervisor *s, int64_t now_us)
{
    struct upgrade *u = &s->upgrade;

    if (u->pid == 0 || now_us < u->deadline_us)
        return;
    u->timed_out = true;
    u->deadline_us = SUPERVISOR_NEVER;
    kill(u->pid, SIGKILL);
}

/* ---- what is handed over ---- */

static json_t *describe_address(const struct address_slot *a)
{
    json_t *fds = json_array();
    char text[LISTEN_TEXT_SIZE];

    listen_format(&a->set.spec, a->set.spec.port, text);
    for (unsigned i = 0; fds && i < a->set.n; i++)
        json_array_append_new(fds, json_integer(a->set.fds[i]));
    return json_pack("{s:s, s:i, s:b, s:i, s:i, s:o, s:b, s:I, s:I, s:I, s:b}", "address", text, "nth",
                     (int)a->set.spec.nth, "tls", a->set.spec.tls, "mode", (int)a->set.spec.mode, "port",
                     (int)a->set.port, "fds", fds, "activated", a->set.activated, "device",
                     (json_int_t)a->set.device, "inode", (json_int_t)a->set.inode, "users",
                     (json_int_t)a->users, "wanted", a->wanted);
}

static json_t *describe_child(const struct supervisor *s, size_t slot)
{
    const struct child *c = &s->children[slot];

    return json_pack("{s:i, s:i, s:i, s:I, s:i, s:b, s:I, s:I, s:i, s:I, s:b}", "slot", (int)slot, "pid",
                     (int)c->pid, "channel", c->channel, "number", (json_int_t)c->number, "phase",
                     (int)c->phase, "current", c == s->current, "started_us", (json_int_t)c->started_us,
                     "deadline_us", (json_int_t)c->deadline_us, "activity", c->activity_fd, "oom_kills",
                     (json_int_t)c->oom_kills, "stuck", c->stuck);
}

static json_t *describe(const struct supervisor *s)
{
    json_t *addresses = json_array(), *children = json_array(), *clients = json_array();

    for (size_t i = 0; i < ADDRESSES_MAX; i++) {
        if (s->addresses[i].set.n > 0)
            json_array_append_new(addresses, describe_address(&s->addresses[i]));
    }
    for (size_t i = 0; i < GENERATIONS_MAX; i++) {
        if (s->children[i].phase != PHASE_FREE)
            json_array_append_new(children, describe_child(s, i));
    }
    for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
        if (s->control.clients[i].fd >= 0 && s->control.clients[i].waits_for == WAITS_UPGRADE_CHECK)
            json_array_append_new(clients, json_integer(s->control.clients[i].fd));
    }
    return json_pack("{s:i, s:i, s:i, s:I, s:b, s:o, s:o, s:o}", "version", HANDOVER_VERSION, "lock", s->lock,
                     "control", s->control.fd, "last_number", (json_int_t)s->last_number, "activated",
                     s->activated, "addresses", addresses, "generations", children, "clients", clients);
}

/* Every descriptor that is named in the handover, open or closed for the next image. */
static void keep_open(const json_t *handover, bool open)
{
    const json_t *value;
    size_t i, k;
    static const char *const single[] = { "lock", "control" };
    const json_t *list = json_object_get(handover, "clients");
#define SET_CLOEXEC(fd_json) fcntl((int)json_integer_value(fd_json), F_SETFD, open ? 0 : FD_CLOEXEC)

    for (i = 0; i < DW_COUNT_OF(single); i++)
        SET_CLOEXEC(json_object_get(handover, single[i]));
    for (i = 0; i < json_array_size(list); i++)
        SET_CLOEXEC(json_array_get(list, i));
    list = json_object_get(handover, "generations");
    for (i = 0; i < json_array_size(list); i++) {
        value = json_array_get(list, i);
        SET_CLOEXEC(json_object_get(value, "channel"));
        if (json_is_integer(json_object_get(value, "activity"))) /* not in the text of older versions */
            SET_CLOEXEC(json_object_get(value, "activity"));
    }
    list = json_object_get(handover, "addresses");
    for (i = 0; i < json_array_size(list); i++) {
        value = json_object_get(json_array_get(list, i), "fds");
        for (k = 0; k < json_array_size(value); k++)
            SET_CLOEXEC(json_array_get(value, k));
    }
#undef SET_CLOEXEC
}

static int write_handover(const json_t *handover)
{
    int fd = memfd_create("dowel-handover", 0);

    if (fd < 0 || json_dumpfd(handover, fd, JSON_COMPACT) == 0)
        return fd;
    close(fd);
    errno = ENOMEM;
    return -1;
}

void upgrade_execute(struct supervisor *s)
{
    char number[16];

    generations_answer_reload(s);
    json_t *handover = describe(s);
    int fd = handover ? write_handover(handover) : -1;

    s->upgrade.proven = false;
    if (fd >= 0) {
        snprintf(number, sizeof(number), "%d", fd);
        setenv(variable, number, 1);
        keep_open(handover, true);
        notify_send(&s->notify, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=upgrading",
                    (long long)clock_monotonic_us());
        execv(s->upgrade.program, s->options->argv);
    }
    int error = handover ? errno : ENOMEM;
    unsetenv(variable);
    if (fd >= 0) {
        keep_open(handover, false);
        close(fd);
        notify_send(&s->notify, "READY=1");
    }
    json_decref(handover);
    refuse(s, strerror(error));
}

/* ---- what was handed over ---- */

static int64_t number_of(const json_t *object, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(object, key));
}

static void take_address(struct address_slot *a, const json_t *from)
{
    const char *text = json_string_value(json_object_get(from, "address"));
    const json_t *fds = json_object_get(from, "fds");

    if (!text || listen_parse(text, &a->set.spec))
        return;
    a->set.spec.tls = json_is_true(json_object_get(from, "tls"));
    a->set.spec.nth = (uint8_t)number_of(from, "nth");
    a->set.spec.mode = (mode_t)number_of(from, "mode");
    a->set.port = (uint16_t)number_of(from, "port");
    a->set.activated = json_is_true(json_object_get(from, "activated"));
    a->set.device = (dev_t)number_of(from, "device");
    a->set.inode = (ino_t)number_of(from, "inode");
    a->users = (uint32_t)number_of(from, "users");
    a->wanted = json_is_true(json_object_get(from, "wanted"));
    a->announced = true;
    for (size_t i = 0; i < json_array_size(fds) && i < SOCKETS_MAX; i++)
        a->set.fds[a->set.n++] = (int)json_integer_value(json_array_get(fds, i));
}

/* The image before this one may have been older than tables, or have used others. */
static void take_activity(struct child *c, const json_t *from)
{
    const json_t *fd = json_object_get(from, "activity"), *kills = json_object_get(from, "oom_kills");

    c->activity_fd = json_is_integer(fd) ? (int)json_integer_value(fd) : -1;
    c->oom_kills = json_is_integer(kills) ? json_integer_value(kills) : -1;
    c->stuck = json_is_true(json_object_get(from, "stuck"));
    if (c->activity_fd >= 0 && activity_attach(&c->activity, c->activity_fd) != 0)
        log_warn("it is not known what the threads of an old server process are doing",
                 LOG_NUMBER("generation", c->number));
}

static void take_child(struct supervisor *s, const json_t *from)
{
    size_t slot = (size_t)number_of(from, "slot");

    if (slot >= GENERATIONS_MAX)
        return;
    struct child *c = &s->children[slot];
    *c = (struct child){
        .phase = (enum phase)number_of(from, "phase"),
        .pid = (pid_t)number_of(from, "pid"),
        .channel = (int)number_of(from, "channel"),
        .number = (uint64_t)number_of(from, "number"),
        .started_us = number_of(from, "started_us"),
        .deadline_us = number_of(from, "deadline_us"),
        .heartbeat_us = clock_monotonic_us(),
    };
    take_activity(c, from);
    if (json_is_true(json_object_get(from, "current")))
        s->current = c;
}

static json_t *read_handover(const char *number)
{
    uint64_t fd;
    json_t *handover = NULL;

    if (!str_to_uint(str_from(number), INT_MAX, &fd) || lseek((int)fd, 0, SEEK_SET) != 0)
        return NULL;
    handover = json_loadfd((int)fd, 0, NULL);
    close((int)fd);
    if (number_of(handover, "version") == HANDOVER_VERSION)
        return handover;
    json_decref(handover);
    return NULL;
}

int upgrade_take_over(struct supervisor *s, struct buf *why)
{
    const char *number = getenv(variable);
    size_t i;

    if (!number)
        return 0;
    json_t *handover = read_handover(number);
    unsetenv(variable);
    if (!handover) {
        buf_add_format(why, "%s does not name what an earlier image of the server left", variable);
        return -1;
    }
    keep_open(handover, false);
    const json_t *addresses = json_object_get(handover, "addresses");
    const json_t *children = json_object_get(handover, "generations");
    const json_t *clients = json_object_get(handover, "clients");
    for (i = 0; i < json_array_size(addresses) && i < ADDRESSES_MAX; i++)
        take_address(&s->addresses[i], json_array_get(addresses, i));
    for (i = 0; i < json_array_size(children); i++)
        take_child(s, json_array_get(children, i));
    s->lock = (int)number_of(handover, "lock");
    s->activated = json_is_true(json_object_get(handover, "activated"));
    s->last_number = (uint64_t)number_of(handover, "last_number");
    s->ever_ready = true;
    s->reload_wanted = true;
    control_open(&s->control, s->options->data_dir, (int)number_of(handover, "control"), why);
    for (i = 0; i < json_array_size(clients); i++)
        control_adopt(&s->control, (int)json_integer_value(json_array_get(clients, i)), WAITS_NEXT_RELOAD);
    json_decref(handover);
    return 1;
}
