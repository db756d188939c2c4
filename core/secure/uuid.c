#include "secure/uuid.h"

#include <pthread.h>
#include <string.h>

#include "secure/random.h"
#include "util/clock.h"

/* Milliseconds above, 4096 steps in each below: what an id begins with, but for the version between the two. */
enum { STEP_BITS = 12, STEPS = 1 << STEP_BITS };

static uint64_t ticks_of(int64_t wall_us)
{
    uint64_t us = wall_us > 0 ? (uint64_t)wall_us : 0; /* a clock before 1970 is not set */
    return us / CLOCK_MS << STEP_BITS | us % CLOCK_MS * STEPS / CLOCK_MS;
}

/* Every id takes ticks of its own, so order needs no lock. Past 4096 ids a millisecond, or while the clock is behind where
 * it was, they run ahead of it. */
static uint64_t next_ticks(_Atomic uint64_t *last, uint64_t now)
{
    uint64_t before = atomic_load_explicit(last, memory_order_relaxed), next;

    do
        next = now > before ? now : before + 1;
    while (!atomic_compare_exchange_weak_explicit(last, &before, next, memory_order_relaxed,
                                                  memory_order_relaxed));
    return next;
}

/* ---- its random half ---- */

enum { RANDOM_SIZE = 8, POOL_SIZE = 32 * RANDOM_SIZE };

/* A system call costs more than all the rest of an id: each thread fetches bytes for 32 of them. What was given out is
 * wiped, and a child that was forked begins anew: it must not continue as its parent does. */
static _Thread_local struct {
    unsigned char bytes[POOL_SIZE];
    size_t left;
    unsigned forks;
} pool;

static _Atomic unsigned forks;
static bool can_watch; /* without memory for that there are no pools */

static void note_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
    can_watch = pthread_atfork(NULL, NULL, note_fork) == 0;
}

static int random_half(unsigned char *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, watch_forks);
    unsigned now = atomic_load_explicit(&forks, memory_order_relaxed);
    if (!can_watch)
        return random_bytes(out, RANDOM_SIZE);
    if (pool.left == 0 || pool.forks != now) {
        if (random_bytes(pool.bytes, POOL_SIZE) != 0)
            return -1;
        pool.left = POOL_SIZE;
        pool.forks = now;
    }
    pool.left -= RANDOM_SIZE;
    memcpy(out, pool.bytes + pool.left, RANDOM_SIZE);
    memset(pool.bytes + pool.left, 0, RANDOM_SIZE);
    return 0;
}

int uuid_make_at(_Atomic uint64_t *last, int64_t wall_us, struct uuid *out)
{
    if (random_half(out->bytes + 8) != 0)
        return -1;
    uint64_t ticks = next_ticks(last, ticks_of(wall_us));
    for (int i = 0; i < 6; i++)
        out->bytes[i] = (unsigned char)(ticks >> (STEP_BITS + 40 - 8 * i));
    out->bytes[6] = (unsigned char)(0x70 | (ticks >> 8 & 0x0f));
    out->bytes[7] = (unsigned char)ticks;
    out->bytes[8] = (unsigned char)(0x80 | (out->bytes[8] & 0x3f));
    return 0;
}

int uuid_make(struct uuid *out)
{
    static _Atomic uint64_t last;
    return uuid_make_at(&last, clock_wall_us(), out);
}

/* ---- text ---- */

static bool is_hyphen_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

void uuid_format(const struct uuid *id, char out[UUID_TEXT_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *byte = id->bytes;

    for (size_t i = 0; i < UUID_TEXT;) {
        if (is_hyphen_at(i)) {
            out[i++] = '-';
            continue;
        }
        out[i++] = hex[*byte >> 4];
        out[i++] = hex[*byte++ & 15];
    }
    out[UUID_TEXT] = 0;
}

int uuid_parse(struct str text, struct uuid *out)
{
    struct uuid read;
    unsigned char *byte = read.bytes;

    if (text.n != UUID_TEXT)
        return -1;
    for (size_t i = 0; i < UUID_TEXT;) {
        if (is_hyphen_at(i)) {
            if (text.p[i++] != '-')
                return -1;
            continue;
        }
        int high = str_hex_digit(text.p[i++]), low = str_hex_digit(text.p[i++]);
        if (high < 0 || low < 0)
            return -1;
        *byte++ = (unsigned char)(high << 4 | low);
    }
    if (out)
        *out = read;
    return 0;
}
