#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log.h"
#include "supervise/state.h"
#include "util/clock.h"

#define START_US   (60LL * CLOCK_SECOND)
#define TERM_US    (5LL * CLOCK_SECOND)
#define HANG_US    (30LL * CLOCK_SECOND)
#define BACKOFF_US (1LL * CLOCK_SECOND)
#define IDLE_US    (60LL * CLOCK_SECOND)
#define DRAIN_US   (30LL * CLOCK_SECOND)
#define CLOSED_US  (2LL * CLOCK_SECOND)

#define PATIENCE_MAX_US (7LL * 24 * 3600 * CLOCK_SECOND)

enum { BACKOFF_FACTOR_MAX = 60, BACKOFF_DOUBLINGS = 6 };

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static int64_t hang_limit(const struct supervisor *s)
{
    return or_default(s->options->hang_us, HANG_US);
}

/* ---- the table ---- */

struct child *generations_free_slot(struct supervisor *s)
{
    for (size_t i = 0; i < GENERATIONS_MAX; i++) {
        if (s->children[i].phase == PHASE_FREE)
            return &s->children[i];
    }
    return NULL;
}

bool generations_living(const struct supervisor *s)
{
    for (size_t i = 0; i < GENERATIONS_MAX; i++) {
        if (s->children[i].phase != PHASE_FREE)
            return true;
    }
    return false;
}

static struct child *find_pid(struct supervisor *s, pid_t pid)
{
    for (size_t i = 0; i < GENERATIONS_MAX; i++) {
        if (s->children[i].phase != PHASE_FREE && s->children[i].pid == pid)
            return &s->children[i];
    }
    return NULL;
}

/* ---- telling a generation to end ---- */

static void end_now(struct supervisor *s, struct child *c, int with_signal)
{
    kill(c->pid, with_signal);
    c->phase = PHASE_ENDING;
    c->deadline_us = clock_monotonic_us() + or_default(s->options->term_us, TERM_US);
}

static void tell_drain(struct supervisor *s, struct child *c, int64_t idle_us)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)idle_us);
    channel_send(c->channel, CHANNEL_DRAIN, str_from(text));
    c->phase = PHASE_DRAINING;
    c->deadline_us = clock_monotonic_us() + idle_us + or_default(s->setup.drain_us, DRAIN_US);
}

void generations_stop(struct supervisor *s, bool at_once)
{
    for (size_t i = 0; i < GENERATIONS_MAX; i++) {
        struct child *c = &s->children[i];
        if (c->phase == PHASE_STARTING || (at_once && c->phase != PHASE_FREE))
            end_now(s, c, SIGTERM);
        else if (c->phase == PHASE_SERVING || c->phase == PHASE_DRAINING)
            tell_drain(s, c, 0);
    }
    s->current = s->next = NULL;
    s->restart_us = SUPERVISOR_NEVER;
}

/* ---- starting ---- */

static int spawn(struct supervisor *s, const struct supervisor_setup *setup, struct buf *why)
{
    struct child *c = generations_free_slot(s);
    int ends[2];

    if (!c || channel_open(ends)) {
        buf_add_format(why, "cannot start a server process: %s",
                       c ? strerror(errno) : "too many are still ending");
        return -1;
    }
    uint32_t bit = UINT32_C(1) << (c - s->children);
    for (size_t i = 0; i < setup->listen_n; i++) {
        struct address_slot *a = addresses_find(s, &setup->listen[i]);
        if (a)
            a->users |= bit;
    }
    int64_t now_us = clock_monotonic_us();
    *c = (struct child){ .phase = PHASE_STARTING,
                         .channel = ends[0],
                         .number = ++s->last_number,
                         .started_us = now_us,
                         .heartbeat_us = now_us,
                         .deadline_us = now_us + or_default(s->options->start_us, START_US) };
    crashes_prepare(c);
    fflush(NULL); /* else the child writes it too */
    c->pid = fork();
    if (c->pid == 0)
        generation_main(s, c, ends[1], setup);
    int error = errno;
    close(ends[1]);
    if (c->pid < 0) {
        close(ends[0]);
        crashes_finish(s, c);
        c->phase = PHASE_FREE;
        addresses_leave(s, (size_t)(c - s->children));
        buf_add_format(why, "cannot fork a server process: %s", strerror(error));
        return -1;
    }
    s->next = c;
    return 0;
}

/* The wait before the next attempt: none, then 1, 2, 4 .. 60 seconds. Who lived longer than that wait (and a second)
 * was no part of a loop: what ends it now is news, and is answered at once. */
static int64_t next_wait(struct supervisor *s, int64_t lived_us)
{
    int64_t unit_us = or_default(s->options->backoff_us, BACKOFF_US), wait_us = 0;

    if (s->crashes > 0)
        wait_us = s->crashes > BACKOFF_DOUBLINGS ? unit_us * BACKOFF_FACTOR_MAX : unit_us << (s->crashes - 1);
    if (lived_us < unit_us || lived_us < wait_us)
        return wait_us;
    s->crashes = 0;
    return 0;
}

static int64_t schedule_restart(struct supervisor *s, int64_t lived_us)
{
    s->restart_wait_us = next_wait(s, lived_us);
    s->restart_us = clock_monotonic_us() + s->restart_wait_us;
    s->crashes++;
    return s->restart_wait_us;
}

static void notify_state(struct supervisor *s)
{
    if (s->current)
        notify_send(&s->notify, "READY=1\nSTATUS=generation %llu serves",
                    (unsigned long long)s->current->number);
    else
        notify_send(&s->notify, "STATUS=no generation serves, starting one");
}

static void forget_next_setup(struct supervisor *s)
{
    if (!s->has_next_setup)
        return;
    s->options->unload(&s->next_setup, s->options->ud);
    s->has_next_setup = false;
    addresses_rollback(s);
}

/* A generation did not become ready: what was before goes on, if there was something, and if it can. */
static void start_failed(struct supervisor *s, bool was_reload, int exit_code, const char *text)
{
    s->next = NULL;
    if (was_reload)
        log_error(s->current ? "reload refused, the old server process goes on" : "reload refused",
                  LOG_TEXT("why", text));
    else if (exit_code > 0)
        log_error("the server process did not start", LOG_TEXT("why", text), LOG_NUMBER("exit", exit_code));
    control_reply_all(&s->control, WAITS_RELOAD, supervisor_refusal(exit_code, text));
    if (!s->ever_ready && exit_code > 0) {
        s->exit_code = exit_code;
        s->stopping = s->stopping_now = true;
    } else if ((!s->current || s->current->stuck) && s->restart_us == SUPERVISOR_NEVER) {
        schedule_restart(s, 0);
    }
    if (s->ever_ready)
        notify_state(s);
}

void generations_restart(struct supervisor *s)
{
    struct buf why = BUF_INIT;

    s->restart_us = SUPERVISOR_NEVER;
    if (spawn(s, &s->setup, &why))
        start_failed(s, false, 0, buf_text(&why));
    buf_finish(&why);
}

void generations_reload(struct supervisor *s)
{
    struct buf why = BUF_INIT;
    int result;

    s->reload_wanted = false;
    s->restart_us = SUPERVISOR_NEVER;
    control_move(&s->control, WAITS_NEXT_RELOAD, WAITS_RELOAD);
    notify_send(&s->notify, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reloading",
                (long long)clock_monotonic_us());
    s->next_setup = (struct supervisor_setup){ 0 };
    result = s->options->load(&s->next_setup, &why, s->options->ud);
    if (result == 0) {
        s->has_next_setup = true;
        if (addresses_prepare(s, &s->next_setup, &why) || spawn(s, &s->next_setup, &why))
            result = EXIT_FAILURE;
    }
    if (result) {
        start_failed(s, true, result, buf_text(&why));
        forget_next_setup(s);
    }
    buf_finish(&why);
}

/* ---- what a generation says ---- */

static void take_over_setup(struct supervisor *s)
{
    if (!s->has_next_setup)
        return;
    if (s->has_setup)
        s->options->unload(&s->setup, s->options->ud);
    s->setup = s->next_setup;
    s->has_setup = true;
    s->has_next_setup = false;
    addresses_commit(s);
}

static void became_ready(struct supervisor *s, struct child *c)
{
    struct child *old = s->current;

    c->phase = PHASE_SERVING;
    c->heartbeat_us = clock_monotonic_us();
    c->deadline_us = SUPERVISOR_NEVER;
    s->current = c;
    s->next = NULL;
    s->restart_us = SUPERVISOR_NEVER;
    take_over_setup(s);
    addresses_announce(s, !s->ever_ready);
    s->ever_ready = true;
    if (old)
        tell_drain(s, old, or_default(s->setup.idle_us, IDLE_US));
    addresses_release(s);
    log_info("serving", LOG_NUMBER("generation", c->number), LOG_NUMBER("pid", c->pid),
             LOG_SPAN("after", c->heartbeat_us - c->started_us));
    notify_state(s);
    generations_answer_reload(s); /* those of the reload before */
    control_move(&s->control, WAITS_RELOAD, WAITS_CLOSED);
    s->former = old;
    s->former_us = clock_monotonic_us() + CLOSED_US;
    if (!old)
        generations_answer_reload(s);
}

/* Not before the old generation accepts no more: what is asked after `dowel reload` meets the new configuration. */
void generations_answer_reload(struct supervisor *s)
{
    const struct child *c = s->current;

    s->former = NULL;
    if (c)
        control_reply_all(
            &s->control, WAITS_CLOSED,
            json_pack("{s:b, s:I, s:i}", "ok", 1, "generation", (json_int_t)c->number, "pid", (int)c->pid));
    else
        control_reply_all(
            &s->control, WAITS_CLOSED,
            supervisor_refusal(EXIT_FAILURE, "the new server process has crashed; see the log"));
}

static void said_failed(struct child *c, struct str text)
{
    size_t at = str_find(text, ' ');
    uint64_t exit_code;

    if (at == text.n || !str_to_uint(str_make(text.p, at), UINT8_MAX, &exit_code))
        return;
    c->failed_exit = (int)exit_code;
    buf_finish(&c->failed_text);
    buf_add_str(&c->failed_text, str_make(text.p + at + 1, text.n - at - 1));
}

/* It goes on serving until the next generation does: only one of its threads is lost. */
static void said_stuck(struct supervisor *s, struct child *c, struct str text)
{
    struct activity_thread t = { .thread = 0 };
    struct str us = { NULL, 0 }, owner = { NULL, 0 };
    uint64_t for_us = 0;
    int64_t restart_us = -1;

    if (c->stuck || !str_split(&text, '\n', &us) || !str_to_uint(us, INT64_MAX, &for_us) ||
        !str_split(&text, '\n', &owner))
        return;
    t.since_us = clock_monotonic_us() - (int64_t)for_us;
    snprintf(t.owner, sizeof(t.owner), "%.*s", STR_ARG(owner));
    snprintf(t.what, sizeof(t.what), "%.*s", STR_ARG(text));
    c->stuck = true;
    if (c == s->current)
        restart_us = schedule_restart(s, clock_monotonic_us() - c->started_us);
    crashes_report_stuck(s, c, &t, restart_us);
}

/* A migration of a large table takes its time, and to cut it off would be to begin it anew. */
static void said_patience(struct supervisor *s, struct child *c, struct str text)
{
    int64_t usual_us = or_default(s->options->start_us, START_US);
    uint64_t at_most_us;

    if (c->phase != PHASE_STARTING || !str_to_uint(text, PATIENCE_MAX_US, &at_most_us))
        return;
    if ((int64_t)at_most_us < usual_us)
        at_most_us = (uint64_t)usual_us;
    c->deadline_us = clock_monotonic_us() + (int64_t)at_most_us;
    if (!s->ever_ready)
        notify_send(&s->notify, "EXTEND_TIMEOUT_USEC=%llu\n", (unsigned long long)at_most_us);
}

static bool is_alone(const struct supervisor *s, const struct child *c)
{
    for (size_t i = 0; i < GENERATIONS_MAX; i++) {
        if (&s->children[i] != c && s->children[i].phase != PHASE_FREE)
            return false;
    }
    return true;
}

/* One that waits for the others' end learns of it. */
static void tell_alone(struct supervisor *s)
{
    struct child *c = s->next;

    if (!c || !c->wants_alone || !is_alone(s, c))
        return;
    c->wants_alone = false;
    c->deadline_us = clock_monotonic_us() + or_default(s->options->start_us, START_US);
    channel_send(c->channel, CHANNEL_IS_ALONE, STR_OF(""));
}

/* The others have as long as they ever have to end, and are ended then: so it is never waited for without end. */
static void said_alone(struct supervisor *s, struct child *c)
{
    if (c != s->next || c->phase != PHASE_STARTING)
        return;
    log_info("the server process before ends first: an offline migration waits for it, and connections do "
             "meanwhile",
             LOG_NUMBER("generation", c->number));
    for (size_t i = 0; i < GENERATIONS_MAX; i++) {
        struct child *other = &s->children[i];
        if (other->phase == PHASE_SERVING || other->phase == PHASE_DRAINING)
            tell_drain(s, other, 0);
    }
    s->current = NULL;
    s->restart_us = SUPERVISOR_NEVER;
    c->wants_alone = true;
    c->deadline_us = SUPERVISOR_NEVER;
    notify_send(&s->notify, "STATUS=an offline migration waits for the end of the server process before");
    tell_alone(s);
}

static void handle_packet(struct supervisor *s, struct child *c, enum channel_kind kind, struct str text)
{
    switch (kind) {
    case CHANNEL_READY:
        if (c == s->next)
            became_ready(s, c);
        break;
    case CHANNEL_FAILED: said_failed(c, text); break;
    case CHANNEL_STUCK: said_stuck(s, c, text); break;
    case CHANNEL_ALONE: said_alone(s, c); break;
    case CHANNEL_PATIENCE: said_patience(s, c, text); break;
    case CHANNEL_HEARTBEAT: c->heartbeat_us = clock_monotonic_us(); break;
    case CHANNEL_CLOSED:
    case CHANNEL_DRAINED:
        addresses_leave(s, (size_t)(c - s->children));
        addresses_release(s);
        if (c == s->former)
            generations_answer_reload(s);
        break;
    default: break;
    }
}

void generations_receive(struct supervisor *s, struct child *c)
{
    char room[CHANNEL_TEXT_MAX + 2];
    enum channel_kind kind;
    struct str text;
    int got = 0;

    while (c->channel >= 0 && (got = channel_receive(c->channel, &kind, &text, room)) > 0)
        handle_packet(s, c, kind, text);
    if (got < 0 && c->channel >= 0) {
        close(c->channel);
        c->channel = -1;
    }
}

/* ---- its end ---- */

/* It said why, or the way it ended has to do. A crash is worth another try: exit code 0. */
static void starting_ended(struct supervisor *s, const struct child *c, const struct crash *crash)
{
    char how[256], text[CHANNEL_TEXT_MAX + 1];
    int exit_code = 0;

    crashes_describe(crash->status, &crash->owner, how, sizeof(how));
    if (c->failed_text.n > 0)
        snprintf(text, sizeof(text), "%.*s", STR_ARG(buf_str(&c->failed_text)));
    else
        snprintf(text, sizeof(text), "the server process %s before it was ready", how);
    if (!crash->is_crash)
        exit_code = c->failed_exit               ? c->failed_exit
                    : WEXITSTATUS(crash->status) ? WEXITSTATUS(crash->status)
                                                 : EXIT_FAILURE;
    start_failed(s, s->has_next_setup, exit_code, text);
    if (crash->is_crash)
        crashes_report(s, crash, s->restart_us == SUPERVISOR_NEVER ? -1 : s->restart_wait_us);
    forget_next_setup(s);
}

static void current_ended(struct supervisor *s, const struct child *c, const struct crash *crash)
{
    s->current = NULL;
    crashes_report(s, crash, schedule_restart(s, clock_monotonic_us() - c->started_us));
    notify_state(s);
}

void generations_ended(struct supervisor *s, pid_t pid, int status)
{
    struct child *c = find_pid(s, pid);
    struct crash crash;

    if (!c)
        return; /* an orphan that PID 1 inherited */
    generations_receive(s, c);
    struct child ended = *c;
    crashes_judge(s, c, status, &crash);
    crash.child = &ended;
    if (c->channel >= 0)
        close(c->channel);
    *c = (struct child){ .phase = PHASE_FREE, .channel = -1, .activity_fd = -1 };
    addresses_leave(s, (size_t)(c - s->children));
    if (c == s->next)
        starting_ended(s, &ended, &crash);
    else if (c == s->current)
        current_ended(s, &ended, &crash);
    else if (crash.is_crash)
        crashes_report(s, &crash, -1);
    else
        log_info("generation ended", LOG_NUMBER("generation", ended.number), LOG_NUMBER("pid", pid));
    if (c == s->former)
        generations_answer_reload(s);
    crashes_finish(s, &ended);
    buf_finish(&ended.failed_text);
    tell_alone(s);
    addresses_release(s);
}

/* ---- time ---- */

static int64_t deadline_of(const struct supervisor *s, const struct child *c)
{
    if (c->phase == PHASE_FREE)
        return SUPERVISOR_NEVER;
    return c->phase == PHASE_SERVING ? c->heartbeat_us + hang_limit(s) : c->deadline_us;
}

int64_t generations_deadline(const struct supervisor *s)
{
    int64_t next = s->former && s->former_us < s->restart_us ? s->former_us : s->restart_us;

    for (size_t i = 0; i < GENERATIONS_MAX; i++) {
        int64_t at = deadline_of(s, &s->children[i]);
        next = at < next ? at : next;
    }
    return next;
}

/* Its loops stand still. SIGABRT, so that a core dump shows where. */
static void replace_hung(struct supervisor *s, struct child *c)
{
    log_error("the server process hangs: no sign of life", LOG_NUMBER("generation", c->number),
              LOG_NUMBER("pid", c->pid), LOG_SPAN("for", clock_monotonic_us() - c->heartbeat_us));
    c->hung = true;
    end_now(s, c, SIGABRT);
    s->current = NULL;
    schedule_restart(s, clock_monotonic_us() - c->started_us);
    notify_state(s);
}

/* Who is known to hold it up is charged with it, and then another attempt may be better: the fourth goes without. */
static void give_up_start(struct supervisor *s, struct child *c)
{
    struct activity_thread t;
    bool is_known = crashes_find_owner(c, &t);
    char text[256] = "the server process was not ready in time";

    if (is_known)
        snprintf(text, sizeof(text), "the server process was not ready in time: %s, %s, does not end",
                 t.owner, t.what);
    start_failed(s, s->has_next_setup, is_known ? 0 : EXIT_FAILURE, text);
    if (is_known)
        crashes_report_stuck(s, c, &t, s->restart_us == SUPERVISOR_NEVER ? -1 : s->restart_wait_us);
    forget_next_setup(s);
    end_now(s, c, SIGTERM);
}

/* Whose code is known to hold it up is named: an admin has to learn why a stop takes so long. */
static void tell_late(const char *message, const struct child *c)
{
    struct activity_thread t;

    if (crashes_find_owner(c, &t))
        log_warn(message, LOG_NUMBER("generation", c->number), LOG_TEXT("owner", t.owner),
                 LOG_TEXT("what", t.what), LOG_SPAN("for", clock_monotonic_us() - t.since_us));
    else
        log_warn(message, LOG_NUMBER("generation", c->number));
}

static void expire(struct supervisor *s, struct child *c)
{
    switch (c->phase) {
    case PHASE_STARTING: give_up_start(s, c); break;
    case PHASE_SERVING: replace_hung(s, c); break;
    case PHASE_DRAINING:
        tell_late("the drain limit is over, ending what is left", c);
        end_now(s, c, SIGTERM);
        break;
    case PHASE_ENDING:
        tell_late("the server process does not end, killing it", c);
        end_now(s, c, SIGKILL);
        break;
    case PHASE_FREE: break;
    }
}

void generations_expire(struct supervisor *s, int64_t now_us)
{
    for (size_t i = 0; i < GENERATIONS_MAX; i++) {
        if (deadline_of(s, &s->children[i]) <= now_us)
            expire(s, &s->children[i]);
    }
    if (s->former && s->former_us <= now_us)
        generations_answer_reload(s);
}
