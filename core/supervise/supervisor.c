#include "supervise/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log.h"
#include "supervise/crash_notes.h"
#include "supervise/lock.h"
#include "supervise/state.h"
#include "util/clock.h"

/* Longer than poll() was asked to wait by this much, and the whole machine was stopped: then the generations were, too,
 * and their silence means nothing. */
enum { PAUSE_US = 5 * CLOCK_SECOND };

static const int handled_signals[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2, SIGCHLD };

json_t *supervisor_refusal(int exit_code, const char *text)
{
    return json_pack("{s:b, s:i, s:s}", "ok", 0, "exit", exit_code ? exit_code : EXIT_FAILURE, "error", text);
}

/* ---- being asked ---- */

static void stop(struct supervisor *s, bool at_once)
{
    static const int in_vain[] = { WAITS_RELOAD, WAITS_NEXT_RELOAD, WAITS_UPGRADE_CHECK };

    if (s->stopping && (s->stopping_now || !at_once))
        return;
    log_info(at_once ? "stopping at once" : "stopping: draining connections");
    notify_send(&s->notify, "STOPPING=1\nSTATUS=%s", at_once ? "stopping" : "draining");
    s->stopping = true;
    s->stopping_now = at_once;
    generations_answer_reload(s);
    for (size_t i = 0; i < DW_COUNT_OF(in_vain); i++)
        control_reply_all(&s->control, in_vain[i],
                          supervisor_refusal(EXIT_FAILURE, "the server is stopping"));
    generations_stop(s, at_once);
    for (size_t i = 0; i < ADDRESSES_MAX; i++)
        s->addresses[i].wanted = s->addresses[i].wanted_next = false;
    addresses_release(s);
}

/* A terminal that is closed takes along what was started from it; SIGHUP from anywhere else asks for a reload. */
static void hang_up(struct supervisor *s)
{
    int tty = s->has_terminal ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;

    if (s->has_terminal && tty < 0) {
        stop(s, false);
        return;
    }
    if (tty >= 0)
        close(tty);
    s->reload_wanted = true;
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (!upgrade_ended(s, pid, status))
            generations_ended(s, pid, status);
    }
}

static void handle_signal(struct supervisor *s, int number)
{
    switch (number) {
    case SIGTERM: stop(s, false); break;
    case SIGINT: stop(s, s->stopping); break;
    case SIGQUIT: stop(s, true); break;
    case SIGHUP: hang_up(s); break;
    case SIGUSR2: upgrade_begin(s); break;
    case SIGCHLD: reap(s); break;
    default: break;
    }
}

static void read_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        handle_signal(s, (int)info.ssi_signo);
}

static json_t *describe_addresses(const struct supervisor *s)
{
    char text[LISTEN_TEXT_SIZE];
    json_t *list = json_array();

    for (size_t i = 0; list && i < ADDRESSES_MAX; i++) {
        const struct address_slot *a = &s->addresses[i];
        if (a->set.n == 0 || !a->wanted)
            continue;
        listen_format(&a->set.spec, a->set.port, text);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static json_t *describe_generations(const struct supervisor *s)
{
    static const char *const names[] = { [PHASE_STARTING] = "starting",
                                         [PHASE_SERVING] = "serving",
                                         [PHASE_DRAINING] = "draining",
                                         [PHASE_ENDING] = "ending" };
    int64_t now_us = clock_monotonic_us();
    json_t *list = json_array();

    for (size_t i = 0; list && i < GENERATIONS_MAX; i++) {
        const struct child *c = &s->children[i];
        if (c->phase != PHASE_FREE)
            json_array_append_new(list, json_pack("{s:I, s:i, s:s, s:I}", "number", (json_int_t)c->number,
                                                  "pid", (int)c->pid, "state", names[c->phase], "age_seconds",
                                                  (json_int_t)((now_us - c->started_us) / CLOCK_SECOND)));
    }
    return list;
}

static void answer_status(struct supervisor *s, struct control_client *c)
{
    const char *state = s->stopping ? "stopping" : s->current ? "serving" : "starting";

    control_reply(c, json_pack("{s:b, s:i, s:s, s:s, s:o, s:o}", "ok", 1, "pid", (int)getpid(), "version",
                               DOWEL_VERSION, "state", state, "generations", describe_generations(s),
                               "addresses", describe_addresses(s)));
}

static void ask_reload(struct supervisor *s, struct control_client *c)
{
    c->waits_for = WAITS_NEXT_RELOAD;
    s->reload_wanted = true;
}

static void ask_upgrade(struct supervisor *s, struct control_client *c)
{
    c->waits_for = WAITS_UPGRADE_CHECK;
    upgrade_begin(s);
}

/* Answered when it is done, by the end of the connection. */
static void ask_stop(struct supervisor *s, struct control_client *c)
{
    c->waits_for = WAITS_STOP;
    stop(s, false);
}

/* For a plugin's verb: the generation that serves goes on with it. */
static void hand_over(struct supervisor *s, struct control_client *c)
{
    if (!s->current) {
        json_t *answer = supervisor_refusal(EXIT_FAILURE, "the server is starting; try again in a moment");
        json_object_set_new(answer, "starting", json_true());
        control_reply(c, answer);
    } else if (channel_pass(s->current->channel, CHANNEL_CLIENT, c->fd) == 0) {
        control_release(c);
    } else {
        control_reply(c, supervisor_refusal(EXIT_FAILURE, "the server does not take it now; try again"));
    }
}

static void handle_request(struct control_client *c, const char *verb, const json_t *arguments, void *ud)
{
    static const struct {
        const char *verb;
        void (*handle)(struct supervisor *s, struct control_client *c);
        bool while_stopping;
    } verbs[] = {
        { "reload", ask_reload, false }, { "upgrade", ask_upgrade, false }, { "status", answer_status, true },
        { "stop", ask_stop, true },      { "command", hand_over, false },
    };
    struct supervisor *s = ud;
    (void)arguments;

    for (size_t i = 0; i < DW_COUNT_OF(verbs); i++) {
        if (strcmp(verbs[i].verb, verb) != 0)
            continue;
        if (s->stopping && !verbs[i].while_stopping)
            control_reply(c, supervisor_refusal(EXIT_FAILURE, "the server is stopping"));
        else
            verbs[i].handle(s, c);
        return;
    }
    control_reply(c, supervisor_refusal(EXIT_FAILURE,
                                        "this server does not know that verb; is it older than the "
                                        "command?"));
}

/* ---- the loop ---- */

enum {
    POLL_SIGNALS,
    POLL_UPGRADE,
    POLL_CHILDREN,
    POLL_CONTROL = POLL_CHILDREN + GENERATIONS_MAX,
    POLL_SIZE = POLL_CONTROL + 1 + CONTROL_CLIENTS
};

static int64_t next_deadline(const struct supervisor *s)
{
    const int64_t all[] = { generations_deadline(s), control_deadline(&s->control), s->watchdog_us,
                            s->upgrade.pid ? s->upgrade.deadline_us : SUPERVISOR_NEVER };
    int64_t next = all[0];

    for (size_t i = 1; i < DW_COUNT_OF(all); i++)
        next = all[i] < next ? all[i] : next;
    return next;
}

static void forgive_silence(struct supervisor *s, int64_t now_us)
{
    for (size_t i = 0; i < GENERATIONS_MAX; i++)
        s->children[i].heartbeat_us = now_us;
}

static void wait_for_events(struct supervisor *s, struct pollfd fds[POLL_SIZE])
{
    int64_t before_us = clock_monotonic_us(), at_us = next_deadline(s);
    int64_t wait_ms = at_us == SUPERVISOR_NEVER ? -1
                      : at_us <= before_us      ? 0
                                                : (at_us - before_us) / CLOCK_MS + 1;

    fds[POLL_SIGNALS] = (struct pollfd){ .fd = s->signals, .events = POLLIN };
    fds[POLL_UPGRADE] = (struct pollfd){ .fd = s->upgrade.output, .events = POLLIN };
    for (size_t i = 0; i < GENERATIONS_MAX; i++)
        fds[POLL_CHILDREN + i] = (struct pollfd){ .fd = s->children[i].channel, .events = POLLIN };
    control_poll(&s->control, fds + POLL_CONTROL);
    if (poll(fds, POLL_SIZE, wait_ms > INT_MAX ? INT_MAX : (int)wait_ms) < 0)
        memset(fds, 0, POLL_SIZE * sizeof(*fds));
    int64_t now_us = clock_monotonic_us();
    if (wait_ms >= 0 && now_us > before_us + wait_ms * CLOCK_MS + PAUSE_US)
        forgive_silence(s, now_us);
}

static void handle_events(struct supervisor *s, const struct pollfd fds[POLL_SIZE])
{
    for (size_t i = 0; i < GENERATIONS_MAX; i++) {
        if (fds[POLL_CHILDREN + i].revents && s->children[i].channel == fds[POLL_CHILDREN + i].fd)
            generations_receive(s, &s->children[i]);
    }
    if (fds[POLL_SIGNALS].revents)
        read_signals(s);
    if (fds[POLL_UPGRADE].revents)
        upgrade_read(s);
    control_ready(&s->control, fds + POLL_CONTROL);
}

static void tell_watchdog(struct supervisor *s, int64_t now_us)
{
    const struct child *c = s->current;

    if (now_us < s->watchdog_us)
        return;
    s->watchdog_us = now_us + s->notify.watchdog_us / 2;
    if (!c || now_us - c->heartbeat_us < s->notify.watchdog_us)
        notify_send(&s->notify, "WATCHDOG=1");
}

/* What is due and possible: one generation starts at a time, and while so many are still ending that there is no room,
 * a reload waits rather than cut off their requests. */
static void proceed(struct supervisor *s)
{
    int64_t now_us = clock_monotonic_us();

    generations_expire(s, now_us);
    control_expire(&s->control, now_us);
    upgrade_expire(s, now_us);
    tell_watchdog(s, now_us);
    if (s->stopping || s->next || !generations_free_slot(s))
        return;
    if (s->upgrade.proven)
        upgrade_execute(s);
    else if (s->reload_wanted || (s->restart_us <= now_us && !s->has_setup))
        generations_reload(s);
    else if (s->restart_us <= now_us)
        generations_restart(s);
}

static bool is_over(const struct supervisor *s)
{
    return s->stopping && !generations_living(s);
}

static void run(struct supervisor *s)
{
    struct pollfd fds[POLL_SIZE];

    proceed(s);
    while (!is_over(s)) {
        wait_for_events(s, fds);
        handle_events(s, fds);
        proceed(s);
    }
}

/* ---- beginning and end ---- */

/* Blocked and read from a descriptor: also as PID 1, where the kernel drops signals that have no handler, unless they
 * are blocked. */
static int open_signals(struct supervisor *s, struct buf *why)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < DW_COUNT_OF(handled_signals); i++)
        sigaddset(&set, handled_signals[i]);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1,
           SIG_IGN); /* means "reopen your logs" to others; we have none to open, and no reason to die */
    signal(SIGCHLD,
           SIG_DFL); /* may have been inherited as ignored, and then there would be nothing to wait for */
    if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
        s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signals >= 0)
        return 0;
    buf_add_format(why, "cannot receive signals: %s", strerror(errno));
    return -1;
}

static void close_signals(struct supervisor *s)
{
    sigset_t set;

    if (s->signals < 0)
        return;
    close(s->signals);
    sigemptyset(&set);
    for (size_t i = 0; i < DW_COUNT_OF(handled_signals); i++)
        sigaddset(&set, handled_signals[i]);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static bool has_terminal(void)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (tty >= 0)
        close(tty);
    return tty >= 0;
}

static void init(struct supervisor *s, const struct supervisor_options *options)
{
    *s = (struct supervisor){
        .options = options,
        .lock = -1,
        .signals = -1,
        .notify = { .fd = -1 },
        .control = { .fd = -1, .request = handle_request, .ud = s },
        .restart_us = SUPERVISOR_NEVER,
        .watchdog_us = SUPERVISOR_NEVER,
        .has_terminal = has_terminal(),
    };
    for (size_t i = 0; i < GENERATIONS_MAX; i++)
        s->children[i].channel = s->children[i].activity_fd = -1;
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        s->control.clients[i].fd = -1;
    upgrade_init(&s->upgrade, options->argv);
}

static void open_notify(struct supervisor *s)
{
    if (notify_init(&s->notify, getenv("NOTIFY_SOCKET"), getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"),
                    getpid()))
        log_warn("systemd cannot be told that the server is ready", LOG_TEXT("why", strerror(errno)));
    if (s->notify.watchdog_us)
        s->watchdog_us = clock_monotonic_us();
}

/* The first configuration and its sockets; there is nothing to fall back to. */
static int begin(struct supervisor *s, struct buf *why)
{
    if (data_lock(s->options->data_dir, &s->lock, why) ||
        control_open(&s->control, s->options->data_dir, -1, why) || addresses_activate(s, why))
        return EXIT_FAILURE;
    crash_notes_begin(s->options->data_dir);
    int result = s->options->load(&s->setup, why, s->options->ud);
    if (result)
        return result;
    s->has_setup = true;
    if (addresses_prepare(s, &s->setup, why))
        return EXIT_FAILURE;
    addresses_commit(s);
    s->restart_us = 0;
    return 0;
}

static void finish(struct supervisor *s)
{
    generations_stop(s, true);
    addresses_close(s);
    control_close(&s->control, s->lock >= 0 ? s->options->data_dir : NULL);
    notify_finish(&s->notify);
    upgrade_finish(&s->upgrade);
    if (s->has_setup)
        s->options->unload(&s->setup, s->options->ud);
    if (s->has_next_setup)
        s->options->unload(&s->next_setup, s->options->ud);
    if (s->lock >= 0)
        close(s->lock);
    close_signals(s);
}

int supervisor_run(const struct supervisor_options *options)
{
    struct supervisor s;
    struct buf why = BUF_INIT;

    init(&s, options);
    open_notify(&s);
    int taken = open_signals(&s, &why) ? -1 : upgrade_take_over(&s, &why);
    int result = taken < 0 ? EXIT_FAILURE : taken > 0 ? 0 : begin(&s, &why);
    if (result == 0) {
        run(&s);
        result = s.exit_code;
    } else {
        log_error("the server did not start", LOG_TEXT("why", buf_text(&why)));
    }
    finish(&s);
    buf_finish(&why);
    return result;
}
