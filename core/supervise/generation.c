#include "supervise/generation.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log/log.h"
#include "supervise/crash.h"
#include "supervise/crash_notes.h"
#include "supervise/state.h"
#include "util/clock.h"

enum {
    HEARTBEAT_US = CLOCK_SECOND,
    STALLED_US = 5 * CLOCK_SECOND,
    ORPHAN_US = 30 * CLOCK_SECOND,
    HURRY_US = 50 * CLOCK_MS,
    CLOSING_US = CLOCK_MS
};

struct generation {
    uint64_t number;
    bool follows;
    int channel;
    int ended; /* an eventfd: drained, or SIGTERM */
    bool draining;
    bool closing; /* told to drain, and may still accept */
    bool stuck;   /* has said so */
    bool hurried; /* told to drain a second time: idle connections are not worth waiting for any more */
    int64_t deadline_us; /* of one without a supervisor; else there is somebody to watch over it */
    struct generation_listener listeners[ADDRESSES_MAX];
    size_t listeners_n;
    struct address_slot *addresses; /* this process's copy */
};

/* SIGTERM is the supervisor's last word before SIGKILL, or an admin's mistake: both end the process in order. Until the
 * process serves, it just ends: a start that was given up must not begin to accept after all. */
static int ended_by_signal = -1;

static void wake(int fd)
{
    const uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof(one));
    (void)n; /* it cannot block, and a counter that is full wakes just as well */
}

static void on_sigterm(int number)
{
    int error = errno;
    (void)number;
    wake(ended_by_signal);
    errno = error;
}

/* ---- what it was given ---- */

uint64_t generation_number(const struct generation *g)
{
    return g->number;
}

bool generation_follows(const struct generation *g)
{
    return g->follows;
}

size_t generation_listeners(const struct generation *g)
{
    return g->listeners_n;
}

void generation_listener(const struct generation *g, size_t i, struct generation_listener *out)
{
    *out = g->listeners[i];
}

/* What the others do is not to be seen from here, and not to be spoilt. */
static void close_child(struct child *c, const struct child *self)
{
    if (c->phase == PHASE_FREE)
        return;
    if (c->channel >= 0)
        close(c->channel);
    if (c->activity_fd >= 0)
        close(c->activity_fd);
    if (c != self)
        activity_detach(c->activity);
}

/* Descriptors that belong to the supervisor alone. A channel's end that stayed open here would hide the supervisor's
 * death from the generation at its other end. */
static void close_others(struct supervisor *s, const struct child *self)
{
    close(s->signals);
    close(s->lock);
    notify_finish(&s->notify);
    control_close(&s->control, NULL);
    if (s->upgrade.output >= 0)
        close(s->upgrade.output);
    for (size_t i = 0; i < GENERATIONS_MAX; i++)
        close_child(&s->children[i], self);
    for (size_t i = 0; i < ADDRESSES_MAX; i++) {
        struct address_slot *a = &s->addresses[i];
        if (a->set.n > 0 && !(a->users & UINT32_C(1) << (self - s->children)))
            socket_set_close(&a->set);
    }
}

static void reset_process(void)
{
    static const char *const private[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID" };
    static const int defaults[] = { SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD, SIGQUIT };
    sigset_t none;

    /* A terminal sends these to the whole process group; what they mean is the supervisor's business. */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    for (size_t i = 0; i < DW_COUNT_OF(defaults); i++)
        signal(defaults[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; i < DW_COUNT_OF(private); i++)
        unsetenv(private[i]);
}

static void take_listeners(struct generation *g, struct supervisor *s, const struct supervisor_setup *setup)
{
    for (size_t i = 0; i < setup->listen_n; i++) {
        struct address_slot *a = addresses_find(s, &setup->listen[i]);
        if (!a)
            continue;
        g->listeners[g->listeners_n++] = (struct generation_listener){
            .spec = setup->listen[i], .port = a->set.port, .fds = a->set.fds, .n = a->set.n
        };
    }
}

/* Whatever happens from here on is noted, also in code that runs before the server is ready. */
static void begin_notes(const struct supervisor *s, const struct child *self)
{
    int fd = crash_notes_open(s->options->data_dir, self->number);

    if (fd < 0)
        log_warn("a crash of this process will leave no backtrace", LOG_TEXT("why", strerror(errno)));
    activity_adopt(self->activity);
    crash_catch(fd, self->number);
}

void generation_main(struct supervisor *s, struct child *self, int channel,
                     const struct supervisor_setup *setup)
{
    struct generation g = { .number = self->number,
                            .follows = s->current != NULL,
                            .channel = channel,
                            .deadline_us = SUPERVISOR_NEVER,
                            .addresses = s->addresses };

    g.ended = ended_by_signal = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    close_others(s, self);
    reset_process();
    log_after_fork();
    begin_notes(s, self);
    if (g.ended < 0)
        exit(generation_fail(&g, EXIT_FAILURE, "cannot make an eventfd: %s", strerror(errno)));
    take_listeners(&g, s, setup);
    int exit_code = s->options->generation(&g, setup->config, s->options->ud);
    crash_forget();
    exit(exit_code);
}

/* ---- what it says ---- */

int generation_fail(struct generation *g, int exit_code, const char *format, ...)
{
    struct buf text = BUF_INIT;
    char sentence[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    buf_add_format(&text, "%d %s", exit_code, sentence);
    channel_send(g->channel, CHANNEL_FAILED, buf_str(&text));
    buf_finish(&text);
    return exit_code;
}

void generation_ask_patience(struct generation *g, int64_t at_most_us)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)at_most_us);
    channel_send(g->channel, CHANNEL_PATIENCE, str_from(text));
}

/* What else comes is not for one that does not serve yet. */
static int wait_to_be_alone(struct generation *g)
{
    struct pollfd ready = { .fd = g->channel, .events = POLLIN };
    char room[CHANNEL_TEXT_MAX + 2];
    enum channel_kind kind;
    struct str text;

    for (;;) {
        int got = channel_receive(g->channel, &kind, &text, room);
        if (got < 0 || (got > 0 && kind == CHANNEL_STOP))
            return -1;
        if (got > 0 && kind == CHANNEL_IS_ALONE)
            return 0;
        if (got == 0 && poll(&ready, 1, -1) < 0 && errno != EINTR)
            return -1;
    }
}

int generation_be_alone(struct generation *g)
{
    if (!g->follows)
        return 0;
    if (channel_send(g->channel, CHANNEL_ALONE, STR_OF("")) != 0 || wait_to_be_alone(g) != 0)
        return -1;
    g->follows = false;
    return 0;
}

void generation_stuck(struct generation *g, const char *owner, const char *what, int64_t for_us)
{
    struct buf text = BUF_INIT;

    if (g->stuck || g->channel < 0)
        return;
    buf_add_format(&text, "%lld\n%s\n%s", (long long)for_us, owner, what);
    g->stuck = !buf_failed(&text) && channel_send(g->channel, CHANNEL_STUCK, buf_str(&text)) == 0;
    buf_finish(&text);
}

void generation_drained(struct generation *g)
{
    wake(g->ended);
}

/* ---- its life ---- */

/* Without a supervisor nobody will ever connect the sockets with a server again: free the addresses, so that a new
 * supervisor can have them, and let the connections end. systemd's sockets are not ours to end. */
static void orphaned(struct generation *g, const struct generation_hooks *hooks)
{
    log_warn("the supervisor has gone, ending");
    close(g->channel);
    g->channel = -1;
    g->deadline_us = clock_monotonic_us() + ORPHAN_US;
    g->hurried = g->draining && hooks->is_idle;
    if (!g->draining) {
        hooks->drain(g, 0, hooks->ud);
        g->closing = true;
    }
    g->draining = true;
    for (size_t i = 0; i < ADDRESSES_MAX; i++)
        socket_set_shutdown(&g->addresses[i].set);
}

static void drain(struct generation *g, struct str idle, const struct generation_hooks *hooks)
{
    uint64_t idle_us = 0;

    if (g->draining) {
        g->hurried = hooks->is_idle != NULL;
        return;
    }
    str_to_uint(idle, INT64_MAX, &idle_us);
    g->draining = true;
    hooks->drain(g, (int64_t)idle_us, hooks->ud);
    g->closing = true;
}

/* Only when it is true: whoever asked for the reload takes it as the new configuration's beginning. */
static void say_closed(struct generation *g, const struct generation_hooks *hooks)
{
    if (hooks->is_closed && !hooks->is_closed(hooks->ud))
        return;
    g->closing = false;
    if (g->channel >= 0)
        channel_send(g->channel, CHANNEL_CLOSED, STR_OF(""));
}

/* False when it has to end now. */
static bool obey(struct generation *g, const struct generation_hooks *hooks)
{
    char room[CHANNEL_TEXT_MAX + 2];
    enum channel_kind kind;
    struct str text;
    int passed, got = channel_receive_passed(g->channel, &kind, &text, room, &passed);

    if (passed >= 0 && kind == CHANNEL_CLIENT && hooks->client)
        hooks->client(passed, hooks->ud);
    else if (passed >= 0)
        close(passed);
    if (got < 0)
        orphaned(g, hooks);
    else if (got > 0 && kind == CHANNEL_DRAIN)
        drain(g, text, hooks);
    return !(got > 0 && kind == CHANNEL_STOP);
}

static void beat(struct generation *g, const struct generation_hooks *hooks)
{
    if (g->channel >= 0 && hooks->stalled_us(hooks->ud) < STALLED_US)
        channel_send(g->channel, CHANNEL_HEARTBEAT, STR_OF(""));
}

static int64_t next_look(const struct generation *g, int64_t next_beat_us)
{
    int64_t now_us = clock_monotonic_us();
    int64_t wait_us = next_beat_us - now_us;

    if (g->hurried && wait_us > HURRY_US)
        wait_us = HURRY_US;
    if (g->closing && wait_us > CLOSING_US)
        wait_us = CLOSING_US;
    return wait_us > 0 ? wait_us / CLOCK_MS + 1 : 0;
}

void generation_run(struct generation *g, const struct generation_hooks *hooks)
{
    const struct sigaction action = { .sa_handler = on_sigterm, .sa_flags = SA_RESTART };
    int64_t next_beat_us = clock_monotonic_us() + HEARTBEAT_US;

    sigaction(SIGTERM, &action, NULL);
    channel_send(g->channel, CHANNEL_READY, STR_OF(""));
    for (;;) {
        struct pollfd fds[] = { { .fd = g->ended, .events = POLLIN },
                                { .fd = g->channel, .events = POLLIN } };
        if (poll(fds, 2, (int)next_look(g, next_beat_us)) < 0)
            continue; /* SIGTERM; the eventfd knows */
        if (fds[0].revents || (fds[1].revents && !obey(g, hooks)))
            break;
        if (g->closing)
            say_closed(g, hooks);
        int64_t now_us = clock_monotonic_us();
        if (now_us >= g->deadline_us || (g->hurried && hooks->is_idle(hooks->ud)))
            break;
        if (now_us >= next_beat_us) {
            beat(g, hooks);
            if (hooks->tick)
                hooks->tick(hooks->ud);
            next_beat_us = now_us + HEARTBEAT_US;
        }
    }
    if (g->draining && g->channel >= 0)
        channel_send(g->channel, CHANNEL_DRAINED, STR_OF(""));
}
