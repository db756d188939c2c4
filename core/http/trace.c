#include "http/trace.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/compiler.h"

/* ---- the generator: xoshiro256** by Blackman and Vigna ---- */

struct generator {
    uint64_t s[4];
    unsigned forks; /* the value of `forks` below when it was seeded; 0: never */
};

static DW_THREAD_LOCAL struct generator generator;

/* A child of fork has its parent's generator and would repeat its ids. getpid() would tell, but costs a system call
 * a request. */
static atomic_uint forks = 1;
static pthread_once_t fork_watch = PTHREAD_ONCE_INIT;

static void count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
    /* On failure (no memory at start) a fork without exec repeats ids: a nuisance in logs, not worth dying for. */
    (void)pthread_atfork(NULL, NULL, count_fork);
}

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void seed(struct generator *g, unsigned fork_count)
{
    pthread_once(&fork_watch, watch_forks);
    if (getrandom(g->s, sizeof(g->s), 0) != (ssize_t)sizeof(g->s)) {
        /* Only where a sandbox forbids the call. Ids need to differ, not to be secret: this is enough. */
        uint64_t x = (uint64_t)clock_wall_us() ^ (uint64_t)getpid() << 40 ^ (uint64_t)(uintptr_t)g;
        for (size_t i = 0; i < DW_COUNT_OF(g->s); i++)
            g->s[i] = splitmix(&x);
    }
    g->s[0] |= 1; /* all zero would stay zero for ever */
    g->forks = fork_count;
}

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

uint64_t trace_random(void)
{
    struct generator *g = &generator;
    unsigned fork_count = atomic_load_explicit(&forks, memory_order_relaxed);

    if (g->forks != fork_count)
        seed(g, fork_count);
    uint64_t result = rotate(g->s[1] * 5, 7) * 9, t = g->s[1] << 17;
    g->s[2] ^= g->s[0];
    g->s[3] ^= g->s[1];
    g->s[1] ^= g->s[2];
    g->s[0] ^= g->s[3];
    g->s[2] ^= t;
    g->s[3] = rotate(g->s[3], 45);
    return result;
}

/* ---- ids ---- */

/* Eight hex digits of 32 bits, all at once: each nibble gets a byte of its own, to which '0' is added, and for ten to
 * fifteen the distance to 'a' as well. Their order does not matter for random bits. */
static void write_hex8(uint32_t bits, char *out)
{
    uint64_t x = bits;
    x = (x | x << 16) & 0x0000ffff0000ffffu;
    x = (x | x << 8) & 0x00ff00ff00ff00ffu;
    x = (x | x << 4) & 0x0f0f0f0f0f0f0f0fu;
    uint64_t is_letter = ((x + 0x0606060606060606u) >> 4) & 0x0101010101010101u;
    x += 0x3030303030303030u + is_letter * ('a' - '0' - 10);
    memcpy(out, &x, sizeof(x));
}

static void write_span(char out[TRACE_SPAN])
{
    uint64_t bits;

    do
        bits = trace_random();
    while (bits == 0);
    write_hex8((uint32_t)bits, out);
    write_hex8((uint32_t)(bits >> 32), out + 8);
}

void trace_make_span(char out[TRACE_SPAN])
{
    write_span(out);
}

void trace_make_id(char out[TRACE_ID])
{
    write_span(out);
    write_span(out + TRACE_SPAN);
}

bool trace_request_id_is_usable(struct str id)
{
    if (id.n == 0 || id.n > 128)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!alnum && (c == 0 || !strchr("-_.:/+=@", c)))
            return false;
    }
    return true;
}

/* ---- traceparent ---- */

static bool is_lower_hex(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f')))
            return false;
    }
    return true;
}

static bool is_id(const char *p, size_t n)
{
    if (!is_lower_hex(p, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] != '0')
            return true;
    }
    return false;
}

/* "vv-" + 32 + "-" + 16 + "-" + "ff" */
enum { AT_ID = 3, AT_SPAN = 36, AT_FLAGS = 53 };

int trace_parse(struct str header, struct trace *out)
{
    const char *p = header.p;

    if (header.n < TRACE_PARENT || p[2] != '-' || p[AT_SPAN - 1] != '-' || p[AT_FLAGS - 1] != '-')
        return -1;
    if (!is_lower_hex(p, 2) || memcmp(p, "ff", 2) == 0)
        return -1;
    bool is_later = memcmp(p, "00", 2) != 0;
    if (header.n > TRACE_PARENT && (!is_later || p[TRACE_PARENT] != '-'))
        return -1;
    if (!is_id(p + AT_ID, TRACE_ID) || !is_id(p + AT_SPAN, TRACE_SPAN) || !is_lower_hex(p + AT_FLAGS, 2))
        return -1;
    memcpy(out->id, p + AT_ID, TRACE_ID);
    memcpy(out->span, p + AT_SPAN, TRACE_SPAN);
    out->flags = (uint8_t)(str_hex_digit(p[AT_FLAGS + 1]) & TRACE_SAMPLED);
    return 0;
}

void trace_format(const struct trace *t, char out[TRACE_PARENT])
{
    memcpy(out, "00-", 3);
    memcpy(out + AT_ID, t->id, TRACE_ID);
    out[AT_SPAN - 1] = '-';
    memcpy(out + AT_SPAN, t->span, TRACE_SPAN);
    memcpy(out + AT_FLAGS - 1, t->flags & TRACE_SAMPLED ? "-01" : "-00", 3);
}
