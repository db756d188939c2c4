/* loop.h - one event loop and its thread. Connections live on one loop from accept to close; nothing of theirs is
 * touched by another thread. Other threads talk to a loop by posting tasks. */
#ifndef HTTP_LOOP_H
#define HTTP_LOOP_H

#include <event2/event.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "util/clock.h"
#include "util/wheel.h"
#include "util/workers.h"

struct http_exchange;
struct http_loop;
struct http_server;

/* Embedded in what is posted; may be posted again once run has begun. */
struct loop_task {
    struct loop_task *next;
    void (*run)(struct http_loop *loop, struct loop_task *task);
};

enum { LOOP_SCRATCH = 64 * 1024 };

struct http_loop {
    struct http_server *server;
    struct event_base *base;
    pthread_t thread;
    unsigned index;
    bool abandoned; /* takes no connection any more */
    bool stopping;
    bool turning; /* this turn's clock was read */
    bool ticking; /* the wheel has timers, so time must be looked at */

    int wake_fd;
    struct event *wake;
    struct event *tick;
    _Atomic(struct loop_task *) posted; /* newest first */
    _Atomic bool asleep;                /* a post must wake it */
    _Atomic unsigned posting;           /* threads inside loop_post: the loop's memory must stay for them */
    _Atomic int64_t turn_us;            /* when the current turn began; 0: waiting */

    struct wheel wheel;
    struct list connections;
    struct list again;    /* connections that have had their share of a turn and go on in the next */
    unsigned handed_over; /* exchanges that somebody else holds and will give back by a task */
    int64_t now_us;       /* monotonic, of this turn */
    int64_t date_second;
    char date[CLOCK_HTTP_SIZE];

    struct loop_task drain_task, abandon_task;
    sem_t abandon_done;
    struct work *batch, **batch_end; /* for the workers, at the end of this turn */
    struct http_exchange *spare;     /* exchanges to be used again */
    unsigned spare_n;

    char scratch[LOOP_SCRATCH]; /* for what is read or written within one call */
};

/* Does not start the thread. 0 or -1. */
int loop_create(struct http_loop **out, struct http_server *server, unsigned index);
int loop_start(struct http_loop *loop);

/* Stops accepting and closes all connections. When it returns, this loop gives nothing to the workers any more. [any
 * thread but a loop's, once] */
void loop_abandon(struct http_loop *loop);

/* After loop_abandon: waits until what was handed over has come back, and for the end of the thread. */
void loop_stop(struct http_loop *loop);
void loop_destroy(struct http_loop *loop); /* NULL is safe; after loop_stop */

/* task->run is called on the loop's thread, in the order of posting per thread. Wakes the loop only when it sleeps.
 * [any thread] */
void loop_post(struct http_loop *loop, struct loop_task *task);

/* First thing in every event callback: the turn has begun. */
void loop_turn(struct http_loop *loop);

/* Hands w to the request workers at the end of this turn, in one batch with the others. */
void loop_dispatch(struct http_loop *loop, struct work *w);

/* The Date header's value, renewed once a second. */
const char *loop_date(struct http_loop *loop);

/* Microseconds since the loop began a turn that it has not ended; 0 while it waits for work. [any thread] */
int64_t loop_stalled_us(struct http_loop *loop);

#endif
