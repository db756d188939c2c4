/* supervisor.h - the parent process: keeps the listening sockets and one living server process, a *generation*.
 *
 * It has one thread, no TLS, no outbound HTTP and no plugin: what it forks starts from a clean and small process, and
 * nothing that a request can do reaches it. See docs/operations.md for signals and exit codes. */
#ifndef SUPERVISE_SUPERVISOR_H
#define SUPERVISE_SUPERVISOR_H

#include "supervise/generation.h"

/* What the configuration says about processes. */
struct supervisor_setup {
    struct listen_spec *listen; /* from malloc; unload frees it */
    size_t listen_n;
    int64_t idle_us;  /* an old generation keeps idle connections that long; 0: 60 s */
    int64_t drain_us; /* and requests in flight that long; 0: 30 s */
    void *config;     /* for the generation */
};

enum supervisor_end {
    SUPERVISOR_EXITED,
    SUPERVISOR_SIGNALLED,
    SUPERVISOR_HUNG, /* its loops stood still, and it was ended */
    SUPERVISOR_STUCK /* a piece of work overstays: it lives on until the next generation serves */
};

/* A generation that ended without being asked to, or has to be replaced. Texts are borrowed for the call. */
struct supervisor_crash {
    uint64_t generation;
    pid_t pid;
    enum supervisor_end how;
    int code; /* exit code or signal */
    int64_t lived_us;
    int64_t restart_us;       /* from now; < 0: nothing is to be restarted */
    const char *owner, *what; /* whose work it was (activity.h), or NULL: the server's own, or nobody knows */
    const char *note;         /* the path of the text about it, or NULL: it could not be written */
    void *config;             /* the setup's that it ran with, or NULL: not known after an upgrade */
};

struct supervisor_options {
    const char *data_dir; /* exists; dowel.lock, dowel.sock and crashes/ are made in it */

    /* Reads the configuration; called at start and at each reload. 0, or an exit code (3: configuration) with the
     * reason added to why. What it returns is given back with unload when the next one took its place. */
    int (*load)(struct supervisor_setup *out, struct buf *why, void *ud);
    void (*unload)(struct supervisor_setup *setup, void *ud);

    /* The server process: a forked child without other threads; returns its exit code. */
    int (*generation)(struct generation *g, void *config, void *ud);

    /* A generation crashed or is stuck. Called before the next one is started. May be NULL. */
    void (*crashed)(const struct supervisor_crash *crash, void *ud);
    void *ud;

    /* For the upgrade, which executes the program anew: main()'s; NULL: none. */
    char **argv;

    /* 0 takes the default. */
    unsigned sockets; /* of one TCP address: one a processor */
    int64_t start_us; /* a generation must be ready by then: 60 s */
    int64_t term_us;  /* between SIGTERM and SIGKILL of a generation: 5 s */
    int64_t hang_us;  /* without a heartbeat a generation is replaced: 30 s */
    int64_t
        backoff_us; /* the first wait after a second crash: 1 s, doubling to 60 times that; forgotten after a life
                             of 60 times that */
};

/* Runs until the server is stopped; prints "listening on ..." for each address when it first is ready. Returns an exit
 * code: 0 stopped as asked, 1 failed, 3 configuration. [main thread, no other threads] */
int supervisor_run(const struct supervisor_options *options);

#endif
