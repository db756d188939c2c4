/* generation.h - the server process, seen from inside: what the supervisor gave it and what it has to tell. */
#ifndef SUPERVISE_GENERATION_H
#define SUPERVISE_GENERATION_H

#include "supervise/sockets.h"

struct generation;

/* One address to accept on. With fewer sockets than loops, connections have to be dealt out. */
struct generation_listener {
    struct listen_spec spec;
    uint16_t port;
    const int *fds; /* the supervisor's: never closed here */
    unsigned n;
};

/* Counts from 1. */
uint64_t generation_number(const struct generation *g);

/* True when another generation served as this one began, and still does: it goes on when this one fails. */
bool generation_follows(const struct generation *g);
size_t generation_listeners(const struct generation *g);
void generation_listener(const struct generation *g, size_t i, struct generation_listener *out);

/* Says why this process cannot serve; the text goes to the log and to whoever asked for the reload. Returns `exit_code`
 * (a cli_exit), for `return generation_fail(...)`. */
int generation_fail(struct generation *g, int exit_code, const char *format, ...) DW_PRINTF(3, 4);

/* What is begun now may take at_most_us, before this process is ready: the supervisor, and systemd, do not give it up sooner.
 * 0: as long as a start usually may, again from now. [the process's first thread] */
void generation_ask_patience(struct generation *g, int64_t at_most_us);

/* Before this process is ready: the generations that still serve drain and end first, while new connections wait. There is
 * no way back: if this one fails then, another start has to be tried. 0 when none is left; -1: the supervisor has gone, or
 * stops. [the process's first thread] */
int generation_be_alone(struct generation *g);

/* A piece of work (activity.h) overstays: the supervisor counts that as its owner's crash, starts the next generation and
 * lets this one drain. Only the first call of a generation has an effect. [the process's first thread] */
void generation_stuck(struct generation *g, const char *owner, const char *what, int64_t for_us);

/* What the server process does when it is told to. */
struct generation_hooks {
    /* Microseconds since its slowest loop went round; above a few seconds no heartbeat is sent. */
    int64_t (*stalled_us)(void *ud);
    /* Called about once a second, for what has to be seen to now and then. May be NULL. */
    void (*tick)(void *ud);
    /* Accept no more, keep idle connections that long, and call generation_drained() after the last one. Called once. */
    void (*drain)(struct generation *g, int64_t idle_us, void *ud);
    /* Nothing is accepted any more: asked after drain(). NULL: as soon as drain() has returned. */
    bool (*is_closed)(void *ud);
    /* Takes a connection of dowel.sock, blocking or not, whose request was "command". NULL: it is closed. */
    void (*client)(int fd, void *ud);
    /* No request is in flight: asked when the whole server has to stop while this one still keeps idle connections.
     * May be NULL. */
    bool (*is_idle)(void *ud);
    void *ud;
};

/* Call when connections are accepted: tells the supervisor, then runs until the generation is drained or has to stop
 * at once. The caller then ends the server and returns from its generation function. [the process's first thread] */
void generation_run(struct generation *g, const struct generation_hooks *hooks);

/* [any thread] */
void generation_drained(struct generation *g);

#endif
