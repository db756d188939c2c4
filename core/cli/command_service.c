#include "cli/command_service.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/command_frames.h"
#include "cli/commands.h"
#include "log/log.h"
#include "plugin/call.h"
#include "plugin/commands.h"
#include "plugin/outcome.h"
#include "util/clock.h"
#include "util/thread.h"

enum { SESSIONS_MAX = 16, PEER_TIMEOUT_S = 30, ANSWER_LOOK_MS = 200, ARGUMENTS_MAX = 1000 };

/* One connection. */
struct session {
    struct session *next;
    struct command_service *service;
    int fd;
    pthread_mutex_t lock;
    dw_call *call;  /* that runs, or NULL */
    bool cancelled; /* before, or while it ran */

    /* What came. */
    json_t *request;
    struct buf secret, input;
    const char **arguments;
    size_t arguments_n;
};

struct command_service {
    const struct registry *registry; /* NULL: not yet */
    pthread_mutex_t lock;            /* guards what follows */
    pthread_cond_t ended;
    struct session *sessions;
    unsigned n;
    bool draining;
};

/* ---- cancelling ---- */

static void cancel(struct session *s)
{
    pthread_mutex_lock(&s->lock);
    s->cancelled = true;
    if (s->call)
        call_cancel(s->call);
    pthread_mutex_unlock(&s->lock);
}

static void running(dw_call *c, void *ud)
{
    struct session *s = ud;

    pthread_mutex_lock(&s->lock);
    s->call = c;
    if (c && s->cancelled)
        call_cancel(c);
    pthread_mutex_unlock(&s->lock);
}

/* A thread that waits for the program to go, for as long as the command runs. */
struct watch {
    struct session *s;
    int over[2]; /* a pipe: its writing end is closed when the command has ended */
    pthread_t thread;
    bool is_there;
};

static void *watch_peer(void *ud)
{
    struct watch *w = ud;
    struct pollfd fds[] = { { .fd = w->s->fd, .events = POLLRDHUP }, { .fd = w->over[0], .events = POLLIN } };

    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        continue;
    if (fds[0].revents)
        cancel(w->s);
    return NULL;
}

static void watch_begin(struct watch *w, struct session *s)
{
    *w = (struct watch){ .s = s, .over = { -1, -1 } };
    if (pipe2(w->over, O_CLOEXEC) == 0)
        w->is_there = thread_start(&w->thread, "command-peer", false, watch_peer, w) == 0;
    if (!w->is_there)
        log_warn("a command cannot be cancelled by who called it", LOG_TEXT("why", strerror(errno)));
}

static void watch_end(struct watch *w)
{
    if (w->over[1] >= 0)
        close(w->over[1]);
    if (w->is_there)
        pthread_join(w->thread, NULL);
    if (w->over[0] >= 0)
        close(w->over[0]);
}

/* ---- what a command is lent ---- */

static void tell(struct session *s, enum frame_kind kind, struct str payload)
{
    if (frame_send(s->fd, kind, payload) != 0)
        cancel(s); /* who called it has gone, or does not read */
}

static void write_output(struct str text, void *ud)
{
    tell(ud, FRAME_OUTPUT, text);
}

static bool has_answer(const struct session *s, dw_call *c)
{
    struct pollfd p = { .fd = s->fd, .events = POLLIN };

    while (!call_is_cancelled(c)) {
        if (poll(&p, 1, ANSWER_LOOK_MS) > 0)
            return true;
    }
    return false;
}

static enum command_answer ask(const char *question, dw_call *c, void *ud)
{
    struct session *s = ud;
    struct buf answer = BUF_INIT;
    enum frame_kind kind;
    enum command_answer result = COMMAND_NO;

    tell(s, FRAME_QUESTION, str_from(question));
    if (!has_answer(s, c))
        return COMMAND_NO;
    if (frame_receive(s->fd, &kind, &answer) != 1 || kind != FRAME_ANSWER || answer.n != 1)
        cancel(s);
    else
        result = answer.p[0] == 'y' ? COMMAND_YES : answer.p[0] == '-' ? COMMAND_NOBODY : COMMAND_NO;
    buf_finish(&answer);
    return result;
}

static void progress(int64_t done, int64_t total, const char *what, void *ud)
{
    struct buf line = BUF_INIT;

    buf_add_format(&line, "%" PRId64 " %" PRId64 " %.200s", done, total, what);
    if (!buf_failed(&line))
        tell(ud, FRAME_PROGRESS, buf_str(&line));
    buf_finish(&line);
}

/* ---- the end ---- */

static void end(struct session *s, int exit_code, const char *text)
{
    struct buf payload = BUF_INIT;

    buf_add_format(&payload, "%d\n%s", exit_code, text);
    if (!buf_failed(&payload))
        tell(s, FRAME_END, buf_str(&payload));
    buf_finish(&payload);
}

static void carry_out(struct session *s, dw_instance *i, const struct command_request *request)
{
    const struct command_sink sink = {
        .write = write_output, .ask = ask, .progress = progress, .running = running, .ud = s
    };
    struct command_outcome outcome = COMMAND_OUTCOME_INIT;
    int64_t begin_us = clock_monotonic_us();
    struct watch watch;

    watch_begin(&watch, s);
    command_run(&outcome, i, request, &sink);
    watch_end(&watch);
    log_info("a command of the command line ran", LOG_TEXT("plugin", i->name),
             LOG_TEXT("command", request->command->name),
             LOG_TEXT("code", outcome.code == 0 ? "ok" : outcome_name(outcome.code)),
             LOG_SPAN("took", clock_monotonic_us() - begin_us));
    end(s, command_exit(outcome.code), buf_text(&outcome.error));
    command_outcome_finish(&outcome);
}

/* ---- what is asked for ---- */

static bool take_arguments(struct session *s)
{
    const json_t *list = json_object_get(s->request, "arguments"), *one;
    size_t i;

    s->arguments = calloc(json_array_size(list) + 1, sizeof(*s->arguments));
    if (!s->arguments || json_array_size(list) > ARGUMENTS_MAX)
        return false;
    json_array_foreach(list, i, one)
    {
        if (!(s->arguments[s->arguments_n++] = json_string_value(one)))
            return false;
    }
    return s->arguments_n > 0;
}

static const char *text_of(const struct session *s, const char *name)
{
    const char *text = json_string_value(json_object_get(s->request, name));

    return text ? text : "";
}

static void run(struct session *s)
{
    struct command_request request = { .json = json_is_true(json_object_get(s->request, "json")),
                                       .secret = str_make(buf_text(&s->secret), s->secret.n),
                                       .input = buf_str(&s->input) };
    struct buf why = BUF_INIT;
    dw_instance *instance;
    size_t words;

    if (!take_arguments(s)) {
        end(s, CLI_FAILED, "the server does not understand what the program asks for");
        return;
    }
    request.command = registry_command(s->service->registry, s->arguments_n, s->arguments, &instance, &words);
    if (!request.command ||
        json_integer_value(json_object_get(s->request, "input")) != (json_int_t)request.command->input) {
        command_not_there(&why, s->service->registry, text_of(s, "plugin"), text_of(s, "command"));
        end(s, CLI_FAILED, buf_text(&why));
    } else if (command_line_read(&request.typed, request.command, s->arguments_n - words,
                                 s->arguments + words, clock_wall_us(), &why) != 0)
        end(s, CLI_USAGE, buf_text(&why));
    else if (command_check_input(&request, &why) != 0)
        end(s, CLI_FAILED, buf_text(&why));
    else
        carry_out(s, instance, &request);
    json_decref(request.typed.values);
    buf_finish(&why);
}

/* 1: there is more to come, 0: that was all, -1: it is no good. */
static int take_frame(struct session *s, enum frame_kind kind, struct buf *payload)
{
    switch (kind) {
    case FRAME_BEGIN: return 0;
    case FRAME_REQUEST:
        json_decref(s->request);
        s->request = json_loadb(payload->p, payload->n, 0, NULL);
        return json_is_object(s->request) ? 1 : -1;
    case FRAME_SECRET:
        buf_add_str(&s->secret, buf_str(payload));
        explicit_bzero(payload->p, payload->n);
        return s->secret.n <= COMMAND_SECRET_MAX ? 1 : -1;
    case FRAME_INPUT:
        buf_add_str(&s->input, buf_str(payload));
        explicit_bzero(payload->p, payload->n);
        return s->input.n <= COMMAND_INPUT_MAX && !buf_failed(&s->input) ? 1 : -1;
    default: return 1;
    }
}

static bool receive_request(struct session *s)
{
    struct buf payload = BUF_INIT;
    enum frame_kind kind;
    int more = 1;

    while (more > 0)
        more = frame_receive(s->fd, &kind, &payload) == 1 ? take_frame(s, kind, &payload) : -1;
    buf_finish(&payload);
    return more == 0 && s->request && !buf_failed(&s->secret);
}

/* Closing a socket that has something to be read would make the peer lose what it was told. */
static void drain(const struct session *s)
{
    const struct timeval timeout = { .tv_sec = 1 };
    size_t most = 2 * (size_t)COMMAND_INPUT_MAX;
    char bytes[65536];
    ssize_t n;

    shutdown(s->fd, SHUT_WR);
    setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    while (most > 0 && (n = recv(s->fd, bytes, sizeof(bytes), 0)) > 0)
        most -= (size_t)n < most ? (size_t)n : most;
}

static void serve(struct session *s)
{
    if (frame_send(s->fd, FRAME_READY, STR_OF("")) != 0)
        return;
    if (receive_request(s)) {
        run(s);
        return;
    }
    end(s, CLI_FAILED, "the server did not get the whole of the command, or does not understand it");
    drain(s);
}

/* ---- sessions ---- */

static void forget(struct session *s)
{
    struct command_service *service = s->service;
    struct session **at = &service->sessions;

    if (s->secret.p)
        explicit_bzero(s->secret.p, s->secret.cap);
    buf_finish(&s->secret);
    if (s->input.p) /* it may have secrets as well: COMMAND_INPUT_PARTS */
        explicit_bzero(s->input.p, s->input.cap);
    buf_finish(&s->input);
    json_decref(s->request);
    free(s->arguments);
    pthread_mutex_lock(&service->lock);
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    close(s->fd);
    pthread_mutex_destroy(&s->lock);
    free(s);
    service->n--;
    pthread_cond_broadcast(&service->ended);
    pthread_mutex_unlock(&service->lock);
}

static void *session_thread(void *ud)
{
    serve(ud);
    forget(ud);
    return NULL;
}

/* The descriptor came from a process that never waits; here each thread does, but not for ever. */
static void be_patient(int fd)
{
    const struct timeval timeout = { .tv_sec = PEER_TIMEOUT_S };
    int flags = fcntl(fd, F_GETFL);

    fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

static void turn_away(int fd, const char *why)
{
    struct buf payload = BUF_INIT;

    buf_add_format(&payload, "%d\n%s", CLI_FAILED, why);
    frame_send(fd, FRAME_END, buf_str(&payload));
    buf_finish(&payload);
    close(fd);
}

static bool is_full(struct command_service *service)
{
    pthread_mutex_lock(&service->lock);
    bool full = service->n >= SESSIONS_MAX;
    pthread_mutex_unlock(&service->lock);
    return full;
}

static struct session *add_session(struct command_service *service, int fd)
{
    struct session *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->service = service;
    s->fd = fd;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_lock(&service->lock);
    s->next = service->sessions;
    service->sessions = s;
    service->n++;
    pthread_mutex_unlock(&service->lock);
    return s;
}

void command_service_take(struct command_service *service, int fd)
{
    pthread_t thread;

    be_patient(fd);
    if (!service->registry || service->draining) {
        turn_away(fd, "the server starts or stops just now; try again in a moment");
        return;
    }
    if (is_full(service)) {
        turn_away(fd, "the server runs as many commands as it takes at a time; try again in a moment");
        return;
    }
    struct session *s = add_session(service, fd);
    if (!s) {
        turn_away(fd, "the server is out of memory");
    } else if (thread_start(&thread, "command", true, session_thread, s) != 0) {
        end(s, CLI_FAILED, "the server has no thread for it");
        forget(s);
    }
}

/* ---- its life ---- */

int command_service_create(struct command_service **out)
{
    struct command_service *s = *out = calloc(1, sizeof(*s));
    pthread_condattr_t attr;

    if (!s)
        return -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->ended, &attr);
    pthread_condattr_destroy(&attr);
    return 0;
}

void command_service_start(struct command_service *s, const struct registry *registry)
{
    s->registry = registry;
}

void command_service_drain(struct command_service *s)
{
    if (s)
        s->draining = true;
}

bool command_service_is_idle(struct command_service *s)
{
    if (!s)
        return true;
    pthread_mutex_lock(&s->lock);
    bool idle = s->n == 0;
    pthread_mutex_unlock(&s->lock);
    return idle;
}

/* Also who waits for the program to read, or to send. */
static void cancel_all(struct command_service *service)
{
    for (struct session *s = service->sessions; s; s = s->next) {
        cancel(s);
        shutdown(s->fd, SHUT_RD);
    }
}

bool command_service_stop(struct command_service *s, int64_t patience_us)
{
    int64_t until_us = clock_monotonic_us() + patience_us;
    const struct timespec until = { .tv_sec = until_us / CLOCK_SECOND,
                                    .tv_nsec = until_us % CLOCK_SECOND * 1000 };
    int rc = 0;

    if (!s)
        return true;
    s->draining = true;
    pthread_mutex_lock(&s->lock);
    cancel_all(s);
    while (s->n > 0 && rc == 0)
        rc = pthread_cond_timedwait(&s->ended, &s->lock, &until);
    bool ended = s->n == 0;
    pthread_mutex_unlock(&s->lock);
    return ended;
}

void command_service_destroy(struct command_service *s)
{
    if (!s)
        return;
    pthread_cond_destroy(&s->ended);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
