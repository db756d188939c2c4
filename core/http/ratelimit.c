#include "http/ratelimit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "util/clock.h"
#include "util/compiler.h"

enum {
    WAYS = 8, /* two cache lines a set */
    LOCKS = 64,
    ENTRIES_DEFAULT = 65536,
    ENTRIES_MAX = 1 << 26
};

struct entry {
    /* Stands for the key. Nobody can choose a collision, since the hash is keyed; by chance a new key meets another
     * one of a full table once in 10^14 times, and the two then share a bucket. */
    uint64_t hash;

    /* When the bucket is full again. In the past: it is full, and the entry free. */
    int64_t full_ns;
};

struct set {
    struct entry way[WAYS];
};

/* Alone on its cache line, so that two loops do not slow each other down. */
struct lock {
    _Alignas(64) pthread_mutex_t mutex;
};

struct ratelimit {
    struct lock lock[LOCKS];
    uint64_t key[2];
    size_t sets; /* a power of two, at least LOCKS */
    struct set *set;
};

/* ---- SipHash-1-3 by Aumasson and Bernstein ---- */

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static uint64_t hash_key(const uint64_t secret[2], enum rate_kind kind, struct str s)
{
    uint64_t v[4] = { secret[0] ^ 0x736f6d6570736575u, secret[1] ^ 0x646f72616e646f6du,
                      secret[0] ^ 0x6c7967656e657261u, secret[1] ^ 0x7465646279746573u };
    uint64_t last = (uint64_t)(s.n & 0xff) << 56, word = (uint64_t)kind;
    size_t at = 0;

    /* The kind is hashed as a first word of its own. */
    for (;;) {
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
        if (s.n - at < sizeof(word))
            break;
        memcpy(&word, s.p + at, sizeof(word));
        at += sizeof(word);
    }
    for (size_t i = 0; at + i < s.n; i++)
        last |= (uint64_t)(unsigned char)s.p[at + i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- the table ---- */

int ratelimit_create(struct ratelimit **out, size_t entries)
{
    struct ratelimit *r = NULL;
    size_t sets = LOCKS;

    if (entries == 0)
        entries = ENTRIES_DEFAULT;
    while (sets * WAYS < entries && sets * WAYS < ENTRIES_MAX)
        sets *= 2;
    r = aligned_alloc(64, sizeof(*r));
    if (!r)
        return -1;
    memset(r, 0, sizeof(*r));
    r->sets = sets;
    r->set = calloc(sets, sizeof(*r->set)); /* zeroed pages cost nothing until they are written to */
    if (!r->set || getrandom(r->key, sizeof(r->key), 0) != (ssize_t)sizeof(r->key)) {
        free(r->set);
        free(r);
        return -1;
    }
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&r->lock[i].mutex, NULL);
    *out = r;
    return 0;
}

void ratelimit_destroy(struct ratelimit *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&r->lock[i].mutex);
    free(r->set);
    free(r);
}

/* The entry of that key, or the one that gives way to it: the one nearest to full. */
static struct entry *find_or_evict(struct set *set, uint64_t hash)
{
    struct entry *best = &set->way[0];

    for (size_t i = 0; i < WAYS; i++) {
        struct entry *e = &set->way[i];
        if (e->hash == hash)
            return e;
        if (e->full_ns < best->full_ns)
            best = e;
    }
    *best = (struct entry){ .hash = hash };
    return best;
}

/* ---- the bucket ---- */

/* A rule as times: a token takes `token_ns` to grow back, a bucket `whole_ns`. */
struct pace {
    int64_t token_ns, whole_ns;
    uint32_t burst;
};

static struct pace pace_of(const struct rate_rule *rule)
{
    struct pace p = { .burst = rule->burst ? rule->burst : rule->limit };

    p.token_ns = rule->limit ? rule->window_us * 1000 / rule->limit : rule->window_us * 1000;
    if (p.token_ns < 1)
        p.token_ns = 1;
    if (p.burst < 1)
        p.burst = 1;
    if (p.burst > INT64_MAX / 4 / p.token_ns)
        p.burst = (uint32_t)(INT64_MAX / 4 / p.token_ns);
    p.whole_ns = p.token_ns * p.burst;
    return p;
}

static uint32_t seconds_up(int64_t ns)
{
    int64_t second = INT64_C(1000000000), s = ns <= 0 ? 0 : (ns - 1) / second + 1;
    return s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

static void take_token(struct entry *e, const struct pace *p, int64_t now, struct rate_result *out)
{
    int64_t missing = e->full_ns > now ? e->full_ns - now : 0;

    if (missing > p->whole_ns)
        missing = p->whole_ns; /* the rule has become stricter since */
    out->limit = p->burst;
    out->allowed = missing + p->token_ns <= p->whole_ns;
    if (out->allowed)
        missing += p->token_ns;
    e->full_ns = now + missing;
    out->remaining = (uint32_t)((p->whole_ns - missing) / p->token_ns);
    out->reset_s = seconds_up(missing);
    out->retry_after_s = out->allowed ? 0 : seconds_up(missing + p->token_ns - p->whole_ns);
}

void ratelimit_take(struct ratelimit *r, enum rate_kind kind, struct str key, const struct rate_rule *rule,
                    int64_t now_us, struct rate_result *out)
{
    uint64_t hash = hash_key(r->key, kind, key);
    size_t at = (size_t)hash & (r->sets - 1);
    pthread_mutex_t *mutex = &r->lock[at % LOCKS].mutex;
    struct pace pace = pace_of(rule);

    pthread_mutex_lock(mutex);
    take_token(find_or_evict(&r->set[at], hash), &pace, now_us * 1000, out);
    pthread_mutex_unlock(mutex);
}

struct str ratelimit_address_key(const struct address *a)
{
    return str_make((const char *)a->bytes, a->size == 16 ? 8 : a->size);
}

/* ---- fields as text ---- */

void rate_fields_write(const struct rate_rule *rule, const struct rate_result *result,
                       struct rate_fields *out)
{
    int64_t window_s = (rule->window_us + CLOCK_SECOND - 1) / CLOCK_SECOND;

    snprintf(out->limit, sizeof(out->limit), "%u", (unsigned)result->limit);
    snprintf(out->remaining, sizeof(out->remaining), "%u", (unsigned)result->remaining);
    snprintf(out->reset, sizeof(out->reset), "%u", (unsigned)result->reset_s);
    if (rule->burst == 0 || rule->burst == rule->limit)
        snprintf(out->policy, sizeof(out->policy), "%u;w=%lld", (unsigned)rule->limit, (long long)window_s);
    else
        snprintf(out->policy, sizeof(out->policy), "%u;w=%lld;burst=%u", (unsigned)rule->limit,
                 (long long)window_s, (unsigned)rule->burst);
    out->retry_after[0] = 0;
    if (!result->allowed)
        snprintf(out->retry_after, sizeof(out->retry_after), "%u", (unsigned)result->retry_after_s);
}
