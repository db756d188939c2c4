#include "plugin/counters.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "metrics/metrics.h"
#include "plugin/values.h"

enum { BUCKETS = 256, NAME_MAX_ = 64, LABEL_MAX = 128 };

/* Never changed nor removed once it is in its bucket. */
struct counter {
    struct counter *next;
    struct metric *metric;
    uint32_t hash;
    size_t n;
    char key[]; /* name{labels */
};

struct counters {
    _Atomic(struct counter *) buckets[BUCKETS];
    pthread_mutex_t lock; /* of who adds */
    _Atomic size_t n;
    bool told;
};

int counters_create(struct counters **out)
{
    struct counters *c = *out = calloc(1, sizeof(*c));

    if (!c)
        return -1;
    pthread_mutex_init(&c->lock, NULL);
    return 0;
}

void counters_destroy(struct counters *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct counter *at = atomic_load(&c->buckets[i]), *next; at; at = next) {
            next = at->next;
            free(at);
        }
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ---- names ---- */

static bool is_name(struct str s)
{
    if (s.n == 0 || s.n > NAME_MAX_ || s.p[0] < 'a' || s.p[0] > 'z')
        return false;
    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

static const char *add_label(struct buf *key, const dw_value *name, const dw_value *value)
{
    struct buf text = BUF_INIT, label = BUF_INIT;
    struct str s = value_text(name);
    const char *wrong = value_wrong(value);

    if (str_equal(s, STR_OF("plugin")))
        return "the label plugin, which every counter has: it is the server's to write";
    if (!is_name(s))
        return "a label's name that is not of a-z, 0-9 and _, or longer than 64";
    value_write_plain(&text, value);
    if (!wrong && text.n > LABEL_MAX)
        wrong = "a label's value of more than 128 bytes";
    if (!wrong) {
        buf_add_format(&label, "%.*s", STR_ARG(s));
        metrics_label(key, buf_text(&label), buf_str(&text));
    }
    buf_finish(&label);
    buf_finish(&text);
    return wrong;
}

/* "files{source=\"csv\",kind=\"new\"": what a counter is known by. */
static const char *write_key(struct buf *key, struct str name, dw_list labels)
{
    const char *wrong = pairs_wrong(labels);

    if (!is_name(name))
        return "a name that is not of a-z, 0-9 and _, or longer than 64";
    buf_add_str(key, name);
    for (size_t i = 0; i < labels.n && !wrong; i += 2) {
        buf_add_char(key, i == 0 ? '{' : ',');
        wrong = add_label(key, &labels.v[i], &labels.v[i + 1]);
    }
    return wrong;
}

/* ---- finding ---- */

static uint32_t hash_of(struct str s)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < s.n; i++)
        hash = (hash ^ (unsigned char)s.p[i]) * 16777619u;
    return hash;
}

static struct counter *find(struct counters *c, struct str key, uint32_t hash)
{
    struct counter *at = atomic_load_explicit(&c->buckets[hash % BUCKETS], memory_order_acquire);

    while (at && (at->hash != hash || !str_equal(str_make(at->key, at->n), key)))
        at = at->next;
    return at;
}

/* The name alone does not say whose it is: a plugin a_b may count c, and a plugin a may count b_c. */
static struct metric *make_metric(const char *plugin, struct str key)
{
    struct buf name = BUF_INIT, labels = BUF_INIT;
    size_t n = str_find(key, '{');
    struct metric *metric = NULL;

    buf_add_format(&name, "dowel_%s_%.*s_total", plugin, (int)n, key.p);
    metrics_label(&labels, "plugin", str_from(plugin));
    if (n < key.n) {
        buf_add_char(&labels, ',');
        buf_add(&labels, key.p + n + 1, key.n - n - 1);
    }
    if (!buf_failed(&name) && !buf_failed(&labels))
        metric = metrics_counter(buf_text(&name), "Counted by the plugin", buf_text(&labels));
    buf_finish(&name);
    buf_finish(&labels);
    return metric;
}

/* Under the lock. NULL: memory. */
static struct counter *add(struct counters *c, const char *plugin, struct str key, uint32_t hash)
{
    _Atomic(struct counter *) *bucket = &c->buckets[hash % BUCKETS];
    struct counter *one = malloc(sizeof(*one) + key.n);

    if (!one)
        return NULL;
    *one = (struct counter){ .next = atomic_load_explicit(bucket, memory_order_relaxed),
                             .hash = hash,
                             .n = key.n };
    memcpy(one->key, key.p, key.n);
    one->metric = make_metric(plugin, key);
    atomic_store_explicit(bucket, one, memory_order_release);
    atomic_fetch_add_explicit(&c->n, 1, memory_order_relaxed);
    return one;
}

static struct counter *find_or_add(struct counters *c, const char *plugin, struct str key,
                                   bool *is_first_over)
{
    uint32_t hash = hash_of(key);
    struct counter *one = find(c, key, hash);

    if (one)
        return one;
    pthread_mutex_lock(&c->lock);
    one = find(c, key, hash);
    if (!one && c->n < COUNTERS_MAX) {
        one = add(c, plugin, key, hash);
    } else if (!one) {
        *is_first_over = !c->told;
        c->told = true;
    }
    pthread_mutex_unlock(&c->lock);
    return one;
}

const char *counters_add(struct counters *c, const char *plugin, struct str name, int64_t by, dw_list labels,
                         bool *is_first_over)
{
    struct buf key = BUF_INIT;
    const char *wrong = write_key(&key, name, labels);

    *is_first_over = false;
    if (!wrong && !buf_failed(&key)) {
        struct counter *one = find_or_add(c, plugin, buf_str(&key), is_first_over);
        if (one)
            metric_add(one->metric, by);
    }
    buf_finish(&key);
    return wrong;
}
