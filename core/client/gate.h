/* gate.h - one way to a peer that many requests share: so many on it at a time, first come first served, and none before
 * the peer wants to hear from us again (429, or 503 with Retry-After).
 *
 * A request waits for its turn on the client's thread like for everything else: whoever starts it is never held up, the
 * place is free again when the transfer ends, and cancelling and deadlines count while it waits. A gate is not bound to a
 * client. */
#ifndef CLIENT_GATE_H
#define CLIENT_GATE_H

#include <pthread.h>

#include "client/client.h"
#include "util/list.h"

/* Whose it is. Each may be NULL: then the gate's memory outlives its requests, and nobody is told. */
struct client_gate_owner {
    void (*hold)(struct client_gate *g); /* a request was made that uses it, */
    void (*drop)(struct client_gate *g); /* and is gone. [any thread] */
    /* One has ended, before its caller knows; sent or not. [a client's thread] */
    void (*done)(struct client_gate *g, const struct client_answer *a);
};

struct client_gate {
    pthread_mutex_t lock; /* taken before a client's. Guards what follows */
    unsigned parallel;    /* 0: no limit */
    unsigned open;        /* on it, or let through just now */
    unsigned strikes;     /* how often in a row a peer had enough, and did not say for how long */
    uint64_t turns;       /* given out: who came when */
    int64_t closed_until_us;
    struct list waiting; /* by their turn */
    const struct client_gate_owner *owner;
};

/* 0 or -1. */
int client_gate_init(struct client_gate *g, unsigned parallel, const struct client_gate_owner *owner);
void client_gate_finish(struct client_gate *g);

/* More may be let through from now on, or fewer: those that are on it stay. [any thread] */
void client_gate_set_parallel(struct client_gate *g, unsigned parallel);

/* What the peer asked for counts no more: its address has changed, say. [any thread] */
void client_gate_reopen(struct client_gate *g);

/* How long nothing is let through; 0: it is open. [any thread] */
int64_t client_gate_closed_us(struct client_gate *g);

#endif
