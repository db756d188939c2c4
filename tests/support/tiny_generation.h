/* tiny_generation.h - the least that the supervisor can run: a server that answers each connection with one line about
 * itself. A file tells it where to listen and how to misbehave:
 *
 *   listen ADDRESS        (several)
 *   idle MS | drain MS    limits of the setup
 *   load EXIT TEXT        the configuration is wrong
 *   fail EXIT TEXT        the generation says that it cannot serve
 *   crash                 the generation aborts before it is ready
 *   slow MS               it needs that long to get ready
 *   patience MS           before, it asks for that long
 *   alone                 before, it waits until it is the only one
 *   linger MS             told to drain, it accepts that much longer
 *   deaf                  it never ends, not even on SIGTERM
 *   silent                its loops stand still: no heartbeats
 *   orphan FILE           it leaves a process behind, whose pid it writes to FILE
 *   begin OWNER HOW       before it is ready it is in a piece of work of OWNER ("-": nobody's) that ends by HOW
 *   work OWNER HOW        a thread is in such a piece, which ends so when a client says it (several)
 *   watch WARN_MS STUCK_MS  limits of the watchdog over them
 *
 * HOW is segv, overflow, abort, exit, after_free (for AddressSanitizer to find), or wait. An OWNER that is quarantined does nothing.
 *
 * A client sends one letter: q is answered and closed, h is answered and kept open until the client closes, g lets what
 * waits end. */
#ifndef TINY_GENERATION_H
#define TINY_GENERATION_H

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "overflow.h"
#include "plugin/quarantine.h"
#include "supervise/activity.h"
#include "supervise/supervisor.h"
#include "util/clock.h"
#include "util/thread.h"

enum { TINY_CONNECTIONS = 64, TINY_LISTENERS = 16, TINY_WORKS = 4 };

struct tiny_work {
    char owner[40], how[40];
    int go; /* an eventfd: end it; -1: at once */
    sem_t inside;
};

struct tiny_config {
    int fail, slow_ms, patience_ms, linger_ms, warn_ms, stuck_ms;
    struct tiny_work begin, works[TINY_WORKS];
    size_t works_n;
    bool crash, deaf, silent, alone;
    char text[200], orphan[100];
};

static inline int tiny_number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

static inline int tiny_wrong(struct buf *why, const char *value)
{
    int code = tiny_number(value);
    buf_add_format(why, "%s", strchr(value, ' ') + 1);
    return code;
}

static inline struct tiny_work tiny_work(const char *value)
{
    struct tiny_work w = { .go = -1 };
    const char *how = strchr(value, ' ');

    snprintf(w.owner, sizeof(w.owner), "%.*s", (int)(how - value), value);
    snprintf(w.how, sizeof(w.how), "%s", how + 1);
    return w;
}

static inline int tiny_line(struct supervisor_setup *out, struct tiny_config *c, const char *key,
                            const char *value, struct buf *why)
{
    if (strcmp(key, "listen") == 0)
        return listen_parse(value, &out->listen[out->listen_n++]) ? 3 : 0;
    if (strcmp(key, "load") == 0)
        return tiny_wrong(why, value);
    if (strcmp(key, "idle") == 0)
        out->idle_us = tiny_number(value) * (int64_t)CLOCK_MS;
    if (strcmp(key, "drain") == 0)
        out->drain_us = tiny_number(value) * (int64_t)CLOCK_MS;
    if (strcmp(key, "slow") == 0)
        c->slow_ms = tiny_number(value);
    if (strcmp(key, "patience") == 0)
        c->patience_ms = tiny_number(value);
    if (strcmp(key, "linger") == 0)
        c->linger_ms = tiny_number(value);
    if (strcmp(key, "orphan") == 0)
        snprintf(c->orphan, sizeof(c->orphan), "%s", value);
    if (strcmp(key, "begin") == 0)
        c->begin = tiny_work(value);
    if (strcmp(key, "work") == 0)
        c->works[c->works_n++] = tiny_work(value);
    if (strcmp(key, "watch") == 0) {
        c->warn_ms = tiny_number(value);
        c->stuck_ms = tiny_number(strchr(value, ' ') + 1);
    }
    if (strcmp(key, "fail") == 0) {
        c->fail = tiny_number(value);
        snprintf(c->text, sizeof(c->text), "%s", strchr(value, ' ') + 1);
    }
    c->crash |= strcmp(key, "crash") == 0;
    c->deaf |= strcmp(key, "deaf") == 0;
    c->silent |= strcmp(key, "silent") == 0;
    c->alone |= strcmp(key, "alone") == 0;
    return 0;
}

/* ud: the file's path */
static inline int tiny_load(struct supervisor_setup *out, struct buf *why, void *ud)
{
    char line[256];
    int result = 0;
    FILE *f = fopen(ud, "re");
    struct tiny_config *c = calloc(1, sizeof(*c));

    out->listen = calloc(16, sizeof(*out->listen));
    out->config = c;
    while (f && c && out->listen && result == 0 && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = 0;
        size_t at = strcspn(line, " ");
        char *value = line[at] ? line + at + 1 : line + at;
        line[at] = 0;
        result = tiny_line(out, c, line, value, why);
    }
    if (f)
        fclose(f);
    if (result) {
        free(out->listen);
        free(c);
    }
    return result;
}

static inline void tiny_unload(struct supervisor_setup *setup, void *ud)
{
    (void)ud;
    free(setup->listen);
    free(setup->config);
}

/* ---- serving ---- */

struct tiny_server {
    struct generation *g;
    const struct tiny_config *config;
    int go;           /* an eventfd: what waits may end */
    int closing;      /* an eventfd: accept no more */
    int64_t close_us; /* when that is */
    int held[TINY_CONNECTIONS];
    size_t held_n;
    pthread_t thread;
};

static inline void tiny_wake(int fd, uint64_t times)
{
    if (write(fd, &times, sizeof(times)) != (ssize_t)sizeof(times))
        abort();
}

static inline void tiny_answer(struct tiny_server *t, int fd)
{
    char letter = 0, text[PATH_MAX + 64], exe[PATH_MAX] = "";
    struct timeval limit = { .tv_sec = 5 };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (recv(fd, &letter, 1, 0) == 1) {
        ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
        exe[n > 0 ? n : 0] = 0;
        int length =
            snprintf(text, sizeof(text), "%llu %d %d %s\n", (unsigned long long)generation_number(t->g),
                     (int)getpid(), (int)getppid(), exe);
        send(fd, text, (size_t)length, MSG_NOSIGNAL);
    }
    if (letter == 'g')
        tiny_wake(t->go, TINY_WORKS);
    if (letter == 'h' && t->held_n < TINY_CONNECTIONS)
        t->held[t->held_n++] = fd;
    else
        close(fd);
}

static inline void tiny_drop_closed(struct tiny_server *t, const struct pollfd *fds, size_t polled)
{
    for (size_t i = polled; i-- > 0;) {
        if (fds[i].revents) {
            close(t->held[i]);
            t->held[i] = t->held[--t->held_n];
        }
    }
}

static inline size_t tiny_add_listeners(struct tiny_server *t, struct pollfd *fds)
{
    size_t n = 0;

    for (size_t i = 0; i < generation_listeners(t->g); i++) {
        struct generation_listener l;
        generation_listener(t->g, i, &l);
        for (unsigned k = 0; k < l.n && n < TINY_LISTENERS; k++)
            fds[n++] = (struct pollfd){ .fd = l.fds[k], .events = POLLIN };
    }
    return n;
}

static inline void *tiny_serve(void *ud)
{
    struct tiny_server *t = ud;
    struct pollfd fds[TINY_CONNECTIONS + TINY_LISTENERS + 1];
    bool closing = false;

    while (!closing || t->held_n > 0) {
        size_t held = t->held_n, n = held;
        for (size_t i = 0; i < held; i++)
            fds[i] = (struct pollfd){ .fd = t->held[i], .events = POLLIN };
        if (!closing) {
            n += tiny_add_listeners(t, fds + n);
            fds[n++] = (struct pollfd){ .fd = t->closing, .events = POLLIN };
        }
        if (poll(fds, n, -1) < 0)
            continue;
        closing = closing || fds[n - 1].revents;
        for (size_t i = held; !closing && i + 1 < n; i++) {
            int fd = fds[i].revents ? accept(fds[i].fd, NULL, NULL) : -1;
            if (fd >= 0)
                tiny_answer(t, fd);
        }
        tiny_drop_closed(t, fds, held);
    }
    generation_drained(t->g);
    return NULL;
}

static inline int64_t tiny_stalled(void *ud)
{
    const struct tiny_server *t = ud;
    return t->config->silent ? INT64_MAX : 0;
}

static inline void tiny_drain(struct generation *g, int64_t idle_us, void *ud)
{
    struct tiny_server *t = ud;
    (void)g;
    (void)idle_us;
    t->close_us = clock_monotonic_us() + t->config->linger_ms * (int64_t)CLOCK_MS;
}

static inline bool tiny_is_closed(void *ud)
{
    const struct tiny_server *t = ud;

    if (clock_monotonic_us() < t->close_us)
        return false;
    if (!t->config->deaf)
        tiny_wake(t->closing, 1);
    return true;
}

static inline void tiny_tick(void *ud)
{
    const struct tiny_server *t = ud;
    struct activity_thread found;

    if (activity_watch(t->config->warn_ms * (int64_t)CLOCK_MS, t->config->stuck_ms * (int64_t)CLOCK_MS,
                       &found))
        generation_stuck(t->g, found.owner, found.what, clock_monotonic_us() - found.since_us);
}

/* ---- pieces of work ---- */

static inline void tiny_end_by(const char *how)
{
    volatile int *volatile nowhere = (int *)16; /* not NULL, which a sanitizer would find without a signal */

    if (strcmp(how, "segv") == 0)
        *nowhere = 1;
    if (strcmp(how, "overflow") == 0)
        overflow_stack();
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "after_free") == 0) {
        char *volatile memory = malloc(1);
        char *volatile again = memory;
        free(memory);
        again[0] = 1;
    }
    if (strcmp(how, "exit") == 0)
        exit(5);
    while (strcmp(how, "wait") == 0)
        pause();
}

static inline void *tiny_do_work(void *ud)
{
    struct tiny_work *w = ud;
    struct activity_frame outer;
    char what[64];
    uint64_t count;

    snprintf(what, sizeof(what), "job %s", w->how);
    activity_enter(&outer, strcmp(w->owner, "-") == 0 ? 0 : activity_label(w->owner, what));
    sem_post(&w->inside);
    if (w->go < 0 || read(w->go, &count, sizeof(count)) == (ssize_t)sizeof(count))
        tiny_end_by(w->how);
    activity_leave(&outer);
    return NULL;
}

/* `file` lies in the data folder. */
static inline bool tiny_is_out(const char *owner, const char *file)
{
    char folder[PATH_MAX];

    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(file, '/') - file), file);
    struct quarantine *q = quarantine_read(folder);
    const struct quarantine_plugin *p = quarantine_find(q, owner);
    bool is_out = p && p->quarantined;
    quarantine_destroy(q);
    return is_out;
}

/* All of them are inside when it returns. */
static inline bool tiny_start_works(struct tiny_server *t, struct tiny_config *c, const char *file)
{
    pthread_t ignored;

    t->go = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
    for (size_t i = 0; i < c->works_n; i++) {
        struct tiny_work *w = &c->works[i];
        if (tiny_is_out(w->owner, file))
            continue;
        w->go = t->go;
        sem_init(&w->inside, 0, 0);
        if (thread_start(&ignored, "tiny work", true, tiny_do_work, w) != 0)
            return false;
        sem_wait(&w->inside);
    }
    return true;
}

/* A grandchild whose parent is gone: whoever is PID 1, or the subreaper, has to bury it. */
static inline void tiny_leave_orphan(const char *file)
{
    if (fork() == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            usleep(50000);
            _exit(0);
        }
        FILE *f = fopen(file, "we");
        if (f) {
            fprintf(f, "%d\n", (int)pid);
            fclose(f);
        }
        _exit(0);
    }
}

static inline int tiny_generation(struct generation *g, void *config, void *ud)
{
    static struct tiny_server t;
    struct tiny_config *c = config;
    const struct generation_hooks hooks = { .stalled_us = tiny_stalled,
                                            .tick = tiny_tick,
                                            .drain = tiny_drain,
                                            .is_closed = tiny_is_closed,
                                            .ud = &t };

    if (c->alone && generation_be_alone(g) != 0)
        return 1;
    if (c->fail)
        return generation_fail(g, c->fail, "%s", c->text);
    if (c->crash) {
        signal(SIGABRT, SIG_DFL);
        kill(getpid(), SIGKILL);
    }
    if (c->begin.owner[0] && !tiny_is_out(c->begin.owner, ud))
        tiny_do_work(&c->begin);
    if (c->patience_ms)
        generation_ask_patience(g, c->patience_ms * (int64_t)CLOCK_MS);
    if (c->slow_ms)
        usleep((useconds_t)c->slow_ms * 1000);
    if (c->orphan[0])
        tiny_leave_orphan(c->orphan);
    t = (struct tiny_server){ .g = g, .config = c, .closing = eventfd(0, EFD_CLOEXEC) };
    if (!tiny_start_works(&t, c, ud) || pthread_create(&t.thread, NULL, tiny_serve, &t))
        return 1;
    generation_run(g, &hooks);
    while (c->deaf)
        pause();
    return 0;
}

#endif
