#include "util/workers.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics/metrics.h"
#include "util/clock.h"
#include "util/compiler.h"

/* A count that threads wait for, for ten seconds at most. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    unsigned count;
};

static struct gate entered, release;

static void gate_reset(struct gate *g)
{
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->moved, NULL);
    g->count = 0;
}

static void gate_add(struct gate *g, unsigned by)
{
    pthread_mutex_lock(&g->lock);
    g->count += by;
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
}

static bool gate_wait(struct gate *g, unsigned wanted)
{
    struct timespec limit;
    int error = 0;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 10;
    pthread_mutex_lock(&g->lock);
    while (g->count < wanted && error == 0)
        error = pthread_cond_timedwait(&g->moved, &g->lock, &limit);
    pthread_mutex_unlock(&g->lock);
    return error == 0;
}

/* What happened to each task, in order. */
struct task {
    struct work work;
    char name;
    bool holds; /* its worker, until `release` is opened */
    struct workers *pool;
};

static struct {
    pthread_mutex_t lock;
    char text[64];
    size_t n;
} events = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void note(char what, const struct work *w)
{
    const struct task *t = (const struct task *)(const void *)w;

    pthread_mutex_lock(&events.lock);
    events.text[events.n++] = what;
    events.text[events.n++] = t->name;
    events.text[events.n] = 0;
    pthread_mutex_unlock(&events.lock);
}

static void run(struct work *w, void *ud)
{
    struct task *t = (struct task *)(void *)w;

    (void)ud;
    note('+', w);
    gate_add(&entered, 1);
    if (t->holds)
        gate_wait(&release, 1);
}

static void expired(struct work *w, void *ud)
{
    (void)ud;
    note('-', w);
    gate_add(&entered, 1);
}

static int setup(void **state)
{
    (void)state;
    metrics_reset();
    gate_reset(&entered);
    gate_reset(&release);
    events.n = 0;
    events.text[0] = 0;
    return 0;
}

static struct workers *create(unsigned threads, unsigned queue)
{
    struct workers *w;
    const struct workers_options options = {
        .name = "test", .threads = threads, .queue = queue, .run = run, .expired = expired
    };

    assert_int_equal(workers_create(&w, &options), 0);
    return w;
}

/* The tasks named by the letters, linked in this order. */
static void chain(struct task *tasks, const char *names)
{
    size_t n = strlen(names);

    memset(tasks, 0, n * sizeof(*tasks));
    for (size_t i = 0; i < n; i++) {
        tasks[i].name = names[i];
        tasks[i].work.next = i + 1 < n ? &tasks[i + 1].work : NULL;
    }
}

static void one_thread_runs_in_order(void **state)
{
    struct task tasks[4];
    struct workers *w = create(1, 10);

    (void)state;
    chain(tasks, "abcd");
    assert_null(workers_put(w, &tasks[0].work));
    assert_true(gate_wait(&entered, 4));
    workers_destroy(w);
    assert_string_equal(events.text, "+a+b+c+d");
}

static void a_full_queue_gives_back_the_rest(void **state)
{
    struct task holder[1], tasks[5];
    struct workers *w = create(1, 3);

    (void)state;
    chain(holder, "h");
    holder[0].holds = true;
    assert_null(workers_put(w, &holder[0].work));
    assert_true(gate_wait(&entered, 1));
    chain(tasks, "abcde");
    assert_ptr_equal(workers_put(w, &tasks[0].work), &tasks[3].work);
    assert_ptr_equal(tasks[3].work.next, &tasks[4].work);
    assert_int_equal(workers_queued(w), 3);
    assert_int_equal(workers_busy(w), 1);
    assert_ptr_equal(workers_put(w, &tasks[3].work), &tasks[3].work);
    gate_add(&release, 1);
    assert_true(gate_wait(&entered, 4));
    assert_null(workers_put(w, &tasks[3].work));
    assert_true(gate_wait(&entered, 6));
    workers_destroy(w);
    assert_string_equal(events.text, "+h+a+b+c+d+e");
}

/* Who was admitted once is not turned away, and does not make the queue look as if it had room. */
static void what_goes_on_is_taken_by_a_full_queue(void **state)
{
    struct task holder[1], tasks[4];
    struct workers *w = create(1, 1);

    (void)state;
    chain(holder, "h");
    holder[0].holds = true;
    assert_null(workers_put(w, &holder[0].work));
    assert_true(gate_wait(&entered, 1));
    chain(tasks, "abcd");
    assert_ptr_equal(workers_put(w, &tasks[0].work), &tasks[1].work);
    assert_true(workers_put_again(w, &tasks[1].work));
    assert_true(workers_put_again(w, &tasks[2].work));
    assert_int_equal(workers_queued(w), 3);
    assert_ptr_equal(workers_put(w, &tasks[3].work), &tasks[3].work);
    gate_add(&release, 1);
    assert_true(gate_wait(&entered, 4));
    workers_stop(w);
    assert_false(workers_put_again(w, &tasks[3].work));
    assert_ptr_equal(workers_put(w, &tasks[3].work), &tasks[3].work);
    workers_destroy(w);
    assert_string_equal(events.text, "+h+a+b+c");
}

static void what_waited_too_long_expires(void **state)
{
    struct task holder[1], tasks[3];
    struct workers *w = create(1, 10);

    (void)state;
    chain(holder, "h");
    holder[0].holds = true;
    workers_put(w, &holder[0].work);
    assert_true(gate_wait(&entered, 1));
    chain(tasks, "abc");
    tasks[0].work.deadline_us = clock_monotonic_us() + 3600 * (int64_t)CLOCK_SECOND;
    tasks[1].work.deadline_us = clock_monotonic_us() - 1;
    assert_null(workers_put(w, &tasks[0].work));
    gate_add(&release, 1);
    assert_true(gate_wait(&entered, 4));
    workers_destroy(w);
    assert_string_equal(events.text, "+h+a-b+c");
}

/* One put of a batch must bring up as many threads as there are tasks, though it signals one only. */
static void a_batch_wakes_all_it_needs(void **state)
{
    struct task tasks[8];

    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        setup(NULL);
        struct workers *w = create(8, 100);
        chain(tasks, "abcdefgh");
        for (size_t i = 0; i < DW_COUNT_OF(tasks); i++)
            tasks[i].holds = true;
        assert_null(workers_put(w, &tasks[0].work));
        assert_true(gate_wait(&entered, 8)); /* all at once: none ends before the gate opens */
        assert_int_equal(workers_busy(w), 8);
        gate_add(&release, 1);
        workers_destroy(w);
    }
}

/* ---- the end ---- */

enum { EXTRAS = 10000 };

static struct {
    struct workers *pool;
    struct work task[EXTRAS];
    unsigned taken, ran, expired;
} ending;

/* Goes on putting until it is refused: then destroy has begun, and nothing that waits may run any more. */
static void put_until_refused(struct work *w, void *ud)
{
    const struct timespec nap = { .tv_nsec = CLOCK_SECOND };

    (void)w;
    (void)ud;
    if (ending.ran++ > 0)
        return;
    gate_add(&entered, 1);
    gate_wait(&release, 1);
    while (ending.taken < EXTRAS && workers_put(ending.pool, &ending.task[ending.taken]) == NULL) {
        ending.taken++;
        nanosleep(&nap, NULL);
    }
}

static void count_expired(struct work *w, void *ud)
{
    (void)w;
    ending.expired++;
    assert_ptr_equal(ud, &ending);
}

static void destroy_expires_what_waits(void **state)
{
    struct work first = { .next = NULL };
    const struct workers_options options = { .name = "test",
                                             .threads = 1,
                                             .queue = EXTRAS,
                                             .run = put_until_refused,
                                             .expired = count_expired,
                                             .ud = &ending };

    (void)state;
    memset(&ending, 0, sizeof(ending));
    assert_int_equal(workers_create(&ending.pool, &options), 0);
    workers_put(ending.pool, &first);
    assert_true(gate_wait(&entered, 1));
    assert_null(workers_put(ending.pool, &ending.task[ending.taken++]));
    gate_add(&release, 1);
    workers_destroy(ending.pool);
    assert_int_equal(ending.ran, 1);
    assert_in_range(ending.taken, 1, EXTRAS - 1);
    assert_int_equal(ending.expired, ending.taken);
    workers_destroy(NULL);
}

/* ---- what the threads are ---- */

static struct {
    char name[16];
    sigset_t blocked;
} seen;

static void look_around(struct work *w, void *ud)
{
    (void)w;
    (void)ud;
    pthread_getname_np(pthread_self(), seen.name, sizeof(seen.name));
    pthread_sigmask(SIG_SETMASK, NULL, &seen.blocked);
}

static void threads_have_names_and_no_signals(void **state)
{
    struct workers *w;
    struct work task = { .next = NULL };
    sigset_t mine;
    const struct workers_options options = {
        .name = "quite-a-long-name", .threads = 1, .queue = 1, .run = look_around, .expired = expired
    };

    (void)state;
    assert_int_equal(workers_create(&w, &options), 0);
    workers_put(w, &task);
    int64_t limit = clock_monotonic_us() + 10 * (int64_t)CLOCK_SECOND;
    while ((workers_queued(w) || workers_busy(w)) && clock_monotonic_us() < limit)
        ;
    workers_destroy(w);
    assert_string_equal(seen.name, "quite-a-lon-0");
    assert_true(sigismember(&seen.blocked, SIGTERM));
    assert_true(sigismember(&seen.blocked, SIGHUP));
    assert_false(sigismember(&seen.blocked, SIGSEGV));
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    assert_false(sigismember(&mine, SIGTERM));
}

static void assert_published(const char *line)
{
    struct buf page = BUF_INIT;

    metrics_write(&page);
    if (!strstr(buf_text(&page), line))
        fail_msg("no line \"%s\" in:\n%s", line, buf_text(&page));
    buf_finish(&page);
}

static void metrics_tell_the_state(void **state)
{
    struct task tasks[3];
    struct workers *w = create(1, 10);

    (void)state;
    chain(tasks, "hab");
    tasks[0].holds = true;
    workers_put(w, &tasks[0].work);
    assert_true(gate_wait(&entered, 1));
    assert_published("dowel_workers_queued{pool=\"test\"} 2\n");
    assert_published("dowel_workers_busy{pool=\"test\"} 1\n");
    gate_add(&release, 1);
    assert_true(gate_wait(&entered, 3));
    workers_destroy(w);
    /* The pool is gone, its metrics must not look for it. */
    assert_published("dowel_workers_queued{pool=\"test\"} 0\n");
    assert_published("dowel_workers_busy{pool=\"test\"} 0\n");
    assert_published("dowel_workers_wait_seconds_count{pool=\"test\"} 3\n");
}

static void incomplete_options_are_refused(void **state)
{
    const struct workers_options good = {
        .name = "test", .threads = 1, .queue = 1, .run = run, .expired = expired
    };
    struct workers_options bad[5] = { good, good, good, good, good };
    struct workers *w;

    (void)state;
    bad[0].name = NULL;
    bad[1].threads = 0;
    bad[2].queue = 0;
    bad[3].run = NULL;
    bad[4].expired = NULL;
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        errno = 0;
        assert_int_equal(workers_create(&w, &bad[i]), -1);
        assert_int_equal(errno, EINVAL);
        assert_null(w);
    }
}

/* ---- under load ---- */

enum { PRODUCERS = 3, TASKS_EACH = 20000, BATCH = 7 };

struct counted {
    struct work work;
    _Atomic unsigned times;
};

struct producer {
    pthread_t thread;
    struct workers *pool;
    struct counted tasks[TASKS_EACH];
};

static void count(struct work *w, void *ud)
{
    struct counted *c = (struct counted *)(void *)w;

    (void)ud;
    atomic_fetch_add(&c->times, 1);
}

/* Puts batches of 1 to BATCH; what a full queue refuses is put again. */
static void *produce(void *ud)
{
    struct producer *p = ud;

    for (unsigned i = 0, n; i < TASKS_EACH; i += n) {
        n = 1 + i % BATCH < TASKS_EACH - i ? 1 + i % BATCH : TASKS_EACH - i;
        for (unsigned k = 0; k < n; k++)
            p->tasks[i + k].work.next = k + 1 < n ? &p->tasks[i + k + 1].work : NULL;
        struct work *rest = &p->tasks[i].work;
        while ((rest = workers_put(p->pool, rest)))
            sched_yield();
    }
    return NULL;
}

static void every_task_runs_exactly_once(void **state)
{
    static struct producer producers[PRODUCERS];
    struct workers *w;
    const struct workers_options options = {
        .name = "test", .threads = 4, .queue = 50, .run = count, .expired = expired
    };

    (void)state;
    assert_int_equal(workers_create(&w, &options), 0);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i].pool = w;
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    for (unsigned i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i].thread, NULL);
    int64_t limit = clock_monotonic_us() + 10 * (int64_t)CLOCK_SECOND;
    while (workers_queued(w) && clock_monotonic_us() < limit)
        sched_yield();
    workers_destroy(w);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        for (unsigned k = 0; k < TASKS_EACH; k++)
            assert_int_equal(producers[i].tasks[k].times, 1);
    }
    assert_published("dowel_workers_wait_seconds_count{pool=\"test\"} 60000\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_thread_runs_in_order, setup),
        cmocka_unit_test_setup(a_full_queue_gives_back_the_rest, setup),
        cmocka_unit_test_setup(what_goes_on_is_taken_by_a_full_queue, setup),
        cmocka_unit_test_setup(what_waited_too_long_expires, setup),
        cmocka_unit_test_setup(a_batch_wakes_all_it_needs, setup),
        cmocka_unit_test_setup(destroy_expires_what_waits, setup),
        cmocka_unit_test_setup(threads_have_names_and_no_signals, setup),
        cmocka_unit_test_setup(metrics_tell_the_state, setup),
        cmocka_unit_test_setup(incomplete_options_are_refused, setup),
        cmocka_unit_test_setup(every_task_runs_exactly_once, setup),
    };
    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
