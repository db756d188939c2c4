/* calls.c - what a step through the host's table costs beside the same step called directly.
 *
 *   bench_calls ROUNDS   prints a JSON line for each step: nanoseconds, the best of so many rounds */
#include <stdio.h>
#include <stdlib.h>

#include "plugin/call.h"
#include "plugin/host.h"
#include "steps.h"
#include "util/clock.h"

enum { STEPS = 1000, REPEATS = 200 };

void *self_of(dw_call *c)
{
    return atomic_load_explicit(&c->instance, memory_order_relaxed)->self;
}

/* ---- measuring ---- */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static volatile uintptr_t sink;

/* A scope each time, so that memory does not pile up; it is in both figures. */
static double once(dw_call *c, uintptr_t (*steps)(dw_call *c, unsigned n))
{
    double begin = now_ns();

    for (int i = 0; i < REPEATS; i++) {
        call_scope_begin(c);
        sink = steps(c, STEPS);
        call_scope_end(c);
    }
    return (now_ns() - begin) / ((double)REPEATS * STEPS);
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* The two take turns, so that whatever else the machine does hits both. */
static void compare(dw_call *c, int rounds, const char *name, uintptr_t (*table)(dw_call *c, unsigned n),
                    uintptr_t (*direct)(dw_call *c, unsigned n))
{
    double by_table = once(c, table), directly = once(c, direct);

    for (int i = 0; i < rounds; i++) {
        by_table = least(by_table, once(c, table));
        directly = least(directly, once(c, direct));
    }
    printf("{\"step\":\"%s\",\"table\":%.2f,\"direct\":%.2f}\n", name, by_table, directly);
}

static double begin_and_end(int rounds, const struct call_options *options)
{
    double best = 1e9;
    dw_call *c;

    for (int i = 0; i < rounds; i++) {
        double begin = now_ns();
        for (int k = 0; k < STEPS; k++) {
            if (call_begin(&c, options) != 0)
                exit(1);
            call_end(c);
        }
        best = least(best, (now_ns() - begin) / STEPS);
    }
    return best;
}

int main(int argc, char **argv)
{
    static const dw_host host = { .struct_size = sizeof(dw_host), .call = &host_call_api };
    static const struct plugin_process process = { .call_memory_max = 0 };
    static char state[64];
    static dw_instance instance = {
        .magic = INSTANCE_MAGIC, .name = "bench", .process = &process, .self = state
    };
    const struct call_options with_deadline = { .instance = &instance,
                                                .what = "bench",
                                                .deadline_us = clock_monotonic_us() + INT64_C(3600000000) };
    const struct call_options options = { .instance = &instance, .what = "bench" };
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 50;
    dw_call *c, *timed;

    if (call_begin(&c, &options) != 0 || call_begin(&timed, &with_deadline) != 0)
        return 1;
    dw_host_ = &host;
    compare(c, rounds, "dw_self", table_self, direct_self);
    compare(c, rounds, "dw_cancelled", table_cancelled, direct_cancelled);
    compare(timed, rounds, "dw_cancelled, with a deadline", table_cancelled, direct_cancelled);
    compare(c, rounds, "dw_alloc of 32 bytes", table_alloc, direct_alloc);
    printf("{\"step\":\"a call begun and ended\",\"table\":%.2f}\n", begin_and_end(rounds * 10, &options));
    call_end(timed);
    call_end(c);
    return 0;
}
