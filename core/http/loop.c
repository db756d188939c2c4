#include "http/loop.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "http/connection.h"
#include "http/exchange_struct.h"
#include "http/listener.h"
#include "http/server_struct.h"
#include "log/log.h"
#include "util/thread.h"

void loop_turn(struct http_loop *loop)
{
    if (loop->turning)
        return;
    loop->turning = true;
    loop->now_us = clock_monotonic_us();
    atomic_store_explicit(&loop->turn_us, loop->now_us, memory_order_relaxed);
    atomic_store_explicit(&loop->asleep, false, memory_order_relaxed);
}

int64_t loop_stalled_us(struct http_loop *loop)
{
    int64_t began = atomic_load_explicit(&loop->turn_us, memory_order_relaxed);
    return began ? clock_monotonic_us() - began : 0;
}

static void on_wake(evutil_socket_t fd, short what, void *ud)
{
    uint64_t count;

    (void)what;
    loop_turn(ud);
    while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
}

static void on_timer(struct timer *t, void *ud)
{
    (void)ud;
    connection_on_timer(LIST_OWNER(t, struct connection, timer));
}

static void on_tick(evutil_socket_t fd, short what, void *ud)
{
    struct http_loop *loop = ud;

    (void)fd;
    (void)what;
    loop_turn(loop);
    wheel_advance(&loop->wheel, loop->now_us, on_timer, loop);
    if (loop->wheel.timers == 0) {
        event_del(loop->tick);
        loop->ticking = false;
    }
}

static const struct timeval tick_time = { 0, WHEEL_TICK_US };

/* The clock ticks only while somebody waits for it: an idle server does not wake up. */
static void keep_ticking(struct http_loop *loop)
{
    if (!loop->ticking && loop->wheel.timers > 0)
        loop->ticking = event_add(loop->tick, &tick_time) == 0;
}

void loop_post(struct http_loop *loop, struct loop_task *task)
{
    const uint64_t one = 1;

    /* Once the task is linked the loop may run it and end, while this thread has still to see whether it sleeps. */
    atomic_fetch_add_explicit(&loop->posting, 1, memory_order_relaxed);
    struct loop_task *head = atomic_load_explicit(&loop->posted, memory_order_relaxed);
    do {
        task->next = head;
    } while (!atomic_compare_exchange_weak(&loop->posted, &head, task));
    /* Sequentially consistent on both sides: either this thread sees that the loop sleeps, or the loop, which says so
     * before it looks, sees the task. */
    if (atomic_exchange(&loop->asleep, false)) {
        while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
            continue;
    }
    atomic_fetch_sub_explicit(&loop->posting, 1, memory_order_release);
}

static void run_posted(struct http_loop *loop)
{
    struct loop_task *task = atomic_exchange(&loop->posted, NULL), *ordered = NULL;

    while (task) {
        struct loop_task *next = task->next;
        task->next = ordered;
        ordered = task;
        task = next;
    }
    while (ordered) {
        struct loop_task *next = ordered->next;
        ordered->run(loop, ordered);
        ordered = next;
    }
}

void loop_dispatch(struct http_loop *loop, struct work *w)
{
    w->next = NULL;
    *loop->batch_end = w;
    loop->batch_end = &w->next;
}

static void hand_over_batch(struct http_loop *loop)
{
    struct work *batch = loop->batch;

    if (!batch)
        return;
    loop->batch = NULL;
    loop->batch_end = &loop->batch;
    struct work *refused = workers_put(loop->server->workers, batch);
    while (refused) {
        struct work *next = refused->next;
        connection_on_refused_work(refused);
        refused = next;
    }
}

static void *run(void *ud)
{
    struct http_loop *loop = ud;

    loop->now_us = clock_monotonic_us();
    while (!loop->stopping || loop->handed_over > 0) {
        loop->turning = false;
        atomic_store_explicit(&loop->turn_us, 0, memory_order_relaxed);
        atomic_store(&loop->asleep, true);
        bool more = atomic_load(&loop->posted) != NULL || loop->batch || !list_empty(&loop->again);
        event_base_loop(loop->base, EVLOOP_ONCE | (more ? EVLOOP_NONBLOCK : 0));
        loop_turn(loop);
        connection_drive_again(loop);
        run_posted(loop);
        hand_over_batch(loop);
        keep_ticking(loop);
    }
    return NULL;
}

int loop_create(struct http_loop **out, struct http_server *server, unsigned index)
{
    struct http_loop *loop = calloc(1, sizeof(*loop));
    struct event_config *config = event_config_new();
    int rc = -1;

    *out = NULL;
    if (loop) { /* what loop_destroy looks at, before anything can fail */
        loop->wake_fd = -1;
        sem_init(&loop->abandon_done, 0, 0);
    }
    if (!loop || !config)
        goto done;
    loop->server = server;
    loop->index = index;
    loop->batch_end = &loop->batch;
    loop->now_us = clock_monotonic_us();
    list_init(&loop->connections);
    list_init(&loop->again);
    wheel_init(&loop->wheel, loop->now_us);
    /* Other threads reach a loop only through loop_post(), so libevent's own locks would be paid for nothing. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_O1 | EV_FEATURE_EARLY_CLOSE);
    loop->base = event_base_new_with_config(config);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!loop->base || loop->wake_fd < 0)
        goto done;
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    loop->tick = event_new(loop->base, -1, EV_PERSIST, on_tick, loop);
    if (!loop->wake || !loop->tick || event_add(loop->wake, NULL) != 0)
        goto done;
    /* Once now, so that the timer's room is there and starting it later needs no memory. */
    if (event_add(loop->tick, &tick_time) != 0)
        goto done;
    loop->ticking = true;
    rc = 0;
done:
    if (config)
        event_config_free(config);
    if (rc != 0) {
        loop_destroy(loop);
        return -1;
    }
    *out = loop;
    return 0;
}

int loop_start(struct http_loop *loop)
{
    char name[THREAD_NAME_SIZE];

    snprintf(name, sizeof(name), "loop-%u", loop->index % 1000);
    if (thread_start(&loop->thread, name, false, run, loop) == 0)
        return 0;
    loop->thread = 0;
    return -1;
}

static void abandon(struct http_loop *loop, struct loop_task *task)
{
    (void)task;
    loop->abandoned = true;
    listener_stop_on(loop);
    connection_close_all(loop);
    sem_post(&loop->abandon_done);
}

void loop_abandon(struct http_loop *loop)
{
    if (!loop || !loop->thread)
        return;
    loop->abandon_task.run = abandon;
    loop_post(loop, &loop->abandon_task);
    while (sem_wait(&loop->abandon_done) != 0 && errno == EINTR)
        continue;
}

static void stop(struct http_loop *loop, struct loop_task *task)
{
    (void)task;
    loop->stopping = true;
}

void loop_stop(struct http_loop *loop)
{
    struct loop_task task = { .run = stop };

    if (!loop || !loop->thread)
        return;
    loop_post(loop, &task);
    pthread_join(loop->thread, NULL);
    loop->thread = 0;
    while (atomic_load_explicit(&loop->posting, memory_order_acquire) > 0)
        sched_yield();
    /* What was posted after the last turn still owns memory. */
    run_posted(loop);
}

void loop_destroy(struct http_loop *loop)
{
    if (!loop)
        return;
    if (loop->wake)
        event_free(loop->wake);
    if (loop->tick)
        event_free(loop->tick);
    if (loop->base)
        event_base_free(loop->base);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    exchange_free_spares(loop);
    sem_destroy(&loop->abandon_done);
    free(loop);
}

const char *loop_date(struct http_loop *loop)
{
    int64_t second = loop->now_us / CLOCK_SECOND;

    /* The monotonic second tells when to look; the wall clock what to write. */
    if (second != loop->date_second) {
        loop->date_second = second;
        clock_format_http(clock_wall_us(), loop->date);
    }
    return loop->date;
}
