#include "metrics/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/compiler.h"

/* Threads are dealt to shards; two threads in one shard are only slower, never wrong. */
enum { SHARDS = 16, CACHE_LINE = 64 };

enum kind { COUNTER, GAUGE, GAUGE_READ, HISTOGRAM };

static const int64_t bounds_us[] = { 100,   250,    500,    1000,   2500,    5000,    10000,   25000,
                                     50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000 };
static const char *const bounds_text[] = { "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005",
                                           "0.01",   "0.025",   "0.05",   "0.1",   "0.25",   "0.5",
                                           "1",      "2.5",     "5",      "10" };
enum { BOUNDS = DW_COUNT_OF(bounds_us) };

/* A histogram's cells are its buckets, then the sum; others have one. */
enum { HISTOGRAM_CELLS = BOUNDS + 2, SUM = BOUNDS + 1 };

struct metric {
    struct metric *next; /* sorted by name, then labels */
    char *name, *help, *labels;
    enum kind kind;
    size_t stride; /* bytes from one shard to the next, whole cache lines */
    char *shards;
    int64_t (*read)(void *ud);
    void *ud;
};

static struct {
    pthread_mutex_t lock; /* guards the list; a metric's numbers need none */
    struct metric *first;
    _Atomic unsigned threads;
} registry = { .lock = PTHREAD_MUTEX_INITIALIZER };

static _Thread_local unsigned my_shard; /* 0: not dealt yet */

static _Atomic int64_t *cell(struct metric *m, unsigned shard, size_t i)
{
    return (_Atomic int64_t *)(void *)(m->shards + m->stride * shard) + i;
}

static unsigned shard_of_thread(void)
{
    if (my_shard == 0)
        my_shard = atomic_fetch_add_explicit(&registry.threads, 1, memory_order_relaxed) % SHARDS + 1;
    return my_shard - 1;
}

static void destroy(struct metric *m)
{
    if (!m)
        return;
    free(m->name);
    free(m->help);
    free(m->labels);
    free(m->shards);
    free(m);
}

static struct metric *create(const char *name, const char *help, const char *labels, enum kind kind)
{
    struct metric *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    size_t cells = kind == HISTOGRAM ? HISTOGRAM_CELLS : 1;
    m->kind = kind;
    m->stride = (cells * sizeof(int64_t) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    m->shards = aligned_alloc(CACHE_LINE, m->stride * SHARDS);
    m->name = strdup(name);
    m->help = strdup(help);
    m->labels = strdup(labels ? labels : "");
    if (!m->shards || !m->name || !m->help || !m->labels) {
        destroy(m);
        return NULL;
    }
    memset(m->shards, 0, m->stride * SHARDS);
    return m;
}

static int compare(const struct metric *m, const char *name, const char *labels)
{
    int by_name = strcmp(m->name, name);
    return by_name ? by_name : strcmp(m->labels, labels ? labels : "");
}

/* A name stands for one kind: two under one name would be a page that no scraper takes, and a histogram's cells are not
 * those of a counter. */
static bool fits_beside(const struct metric *m, const char *name, enum kind kind)
{
    return !m || strcmp(m->name, name) != 0 || m->kind == kind;
}

/* Under the lock. */
static struct metric *find_or_create(const char *name, const char *help, const char *labels, enum kind kind)
{
    struct metric **at = &registry.first;
    const struct metric *before = NULL;

    while (*at && compare(*at, name, labels) < 0) {
        before = *at;
        at = &(*at)->next;
    }
    if (!fits_beside(before, name, kind) || !fits_beside(*at, name, kind))
        return NULL;
    if (*at && compare(*at, name, labels) == 0)
        return *at;
    struct metric *m = create(name, help, labels, kind);
    if (m) {
        m->next = *at;
        *at = m;
    }
    return m;
}

static struct metric *locked_find_or_create(const char *name, const char *help, const char *labels,
                                            enum kind kind)
{
    pthread_mutex_lock(&registry.lock);
    struct metric *m = find_or_create(name, help, labels, kind);
    pthread_mutex_unlock(&registry.lock);
    return m;
}

struct metric *metrics_counter(const char *name, const char *help, const char *labels)
{
    return locked_find_or_create(name, help, labels, COUNTER);
}

struct metric *metrics_gauge(const char *name, const char *help, const char *labels)
{
    return locked_find_or_create(name, help, labels, GAUGE);
}

struct metric *metrics_histogram(const char *name, const char *help, const char *labels)
{
    return locked_find_or_create(name, help, labels, HISTOGRAM);
}

struct metric *metrics_gauge_read(const char *name, const char *help, const char *labels,
                                  int64_t (*read)(void *ud), void *ud)
{
    pthread_mutex_lock(&registry.lock);
    struct metric *m = find_or_create(name, help, labels, GAUGE_READ);
    if (m) {
        m->read = read;
        m->ud = ud;
    }
    pthread_mutex_unlock(&registry.lock);
    return m;
}

void metric_add(struct metric *m, int64_t by)
{
    if (m)
        atomic_fetch_add_explicit(cell(m, shard_of_thread(), 0), by, memory_order_relaxed);
}

void metric_set(struct metric *m, int64_t value)
{
    /* The sum of all shards must become `value`; setters and movers of one gauge are not mixed in practice. */
    if (!m)
        return;
    for (unsigned s = 1; s < SHARDS; s++)
        atomic_store_explicit(cell(m, s, 0), 0, memory_order_relaxed);
    atomic_store_explicit(cell(m, 0, 0), value, memory_order_relaxed);
}

void metric_observe_us(struct metric *m, int64_t us)
{
    size_t bucket = 0;

    if (!m || m->kind != HISTOGRAM)
        return;
    if (us < 0)
        us = 0;
    unsigned shard = shard_of_thread();
    while (bucket < BOUNDS && us > bounds_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(cell(m, shard, bucket), 1, memory_order_relaxed);
    atomic_fetch_add_explicit(cell(m, shard, SUM), us, memory_order_relaxed);
}

static int64_t sum_cell(struct metric *m, size_t i)
{
    int64_t sum = 0;
    for (unsigned s = 0; s < SHARDS; s++)
        sum += atomic_load_explicit(cell(m, s, i), memory_order_relaxed);
    return sum;
}

int64_t metric_value(struct metric *m)
{
    int64_t sum = 0;

    if (!m)
        return 0;
    if (m->kind == GAUGE_READ)
        return m->read(m->ud);
    if (m->kind != HISTOGRAM)
        return sum_cell(m, 0);
    for (size_t i = 0; i <= BOUNDS; i++)
        sum += sum_cell(m, i);
    return sum;
}

void metrics_label(struct buf *out, const char *name, struct str value)
{
    buf_add_format(out, "%s=\"", name);
    for (size_t i = 0; i < value.n; i++) {
        switch (value.p[i]) {
        case '"': buf_add(out, "\\\"", 2); break;
        case '\\': buf_add(out, "\\\\", 2); break;
        case '\n': buf_add(out, "\\n", 2); break;
        default: buf_add_char(out, value.p[i]);
        }
    }
    buf_add_char(out, '"');
}

static void write_sample(struct buf *out, const struct metric *m, const char *suffix, const char *extra)
{
    buf_add_text(out, m->name);
    buf_add_text(out, suffix);
    if (*m->labels || *extra)
        buf_add_format(out, "{%s%s%s}", m->labels, *m->labels && *extra ? "," : "", extra);
    buf_add_char(out, ' ');
}

static void write_histogram(struct buf *out, struct metric *m)
{
    int64_t count = 0;
    char extra[32];

    for (size_t i = 0; i <= BOUNDS; i++) {
        count += sum_cell(m, i);
        snprintf(extra, sizeof(extra), "le=\"%s\"", i < BOUNDS ? bounds_text[i] : "+Inf");
        write_sample(out, m, "_bucket", extra);
        buf_add_format(out, "%lld\n", (long long)count);
    }
    int64_t sum = sum_cell(m, SUM);
    write_sample(out, m, "_sum", "");
    buf_add_format(out, "%lld.%06lld\n", (long long)(sum / 1000000), (long long)(sum % 1000000));
    write_sample(out, m, "_count", "");
    buf_add_format(out, "%lld\n", (long long)count);
}

void metrics_write(struct buf *out)
{
    static const char *const types[] = {
        [COUNTER] = "counter", [GAUGE] = "gauge", [GAUGE_READ] = "gauge", [HISTOGRAM] = "histogram"
    };
    const char *family = "";

    pthread_mutex_lock(&registry.lock);
    for (struct metric *m = registry.first; m; m = m->next) {
        if (strcmp(family, m->name) != 0)
            buf_add_format(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, types[m->kind]);
        family = m->name;
        if (m->kind == HISTOGRAM) {
            write_histogram(out, m);
        } else {
            write_sample(out, m, "", "");
            buf_add_format(out, "%lld\n", (long long)metric_value(m));
        }
    }
    pthread_mutex_unlock(&registry.lock);
}

void metrics_reset(void)
{
    pthread_mutex_lock(&registry.lock);
    while (registry.first) {
        struct metric *next = registry.first->next;
        destroy(registry.first);
        registry.first = next;
    }
    pthread_mutex_unlock(&registry.lock);
}
