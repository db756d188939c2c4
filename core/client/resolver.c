#include "client/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/compiler.h"
#include "util/thread.h"

enum { CACHE_SIZE = 128 };

/* One name being asked for, and who waits for it. */
struct job {
    struct list node;  /* in pending or running */
    struct list waits; /* lookups */
    char host[];
};

struct remembered {
    char *host;
    struct address addresses[LOOKUP_ADDRESSES];
    size_t n;
    int64_t until_us;
};

struct resolver {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t work, left;
    struct list pending, running;
    unsigned threads, idle, pending_n;
    bool stopping, abandoned; /* abandoned: the last thread frees */
    struct resolver_options options;
    struct remembered cache[CACHE_SIZE];
};

static bool is_localhost(struct str host)
{
    if (host.n > 0 && host.p[host.n - 1] == '.')
        host.n--;
    return str_equal_nocase(host, STR_OF("localhost")) || str_ends_with(host, STR_OF(".localhost"));
}

static bool is_among(const struct address *list, size_t n, const struct address *a)
{
    for (size_t i = 0; i < n; i++) {
        if (address_equal(&list[i], a))
            return true;
    }
    return false;
}

int resolver_system(const char *host, struct address *out, size_t max, size_t *n, void *ud)
{
    static const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                           .ai_socktype = SOCK_STREAM,
                                           .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *list = NULL;
    uint16_t port;

    (void)ud;
    *n = 0;
    if (is_localhost(str_from(host)) && max >= 2) {
        out[(*n)++] = (struct address){ { 127, 0, 0, 1 }, 4 };
        out[(*n)++] = (struct address){ { [15] = 1 }, 16 };
        return 0;
    }
    int error = getaddrinfo(host, NULL, &hints, &list);
    if (error != 0)
        return error;
    for (struct addrinfo *i = list; i && *n < max; i = i->ai_next) {
        address_from_sockaddr(i->ai_addr, &out[*n], &port);
        if (out[*n].size != 0 && !is_among(out, *n, &out[*n]))
            (*n)++;
    }
    freeaddrinfo(list);
    return *n > 0 ? 0 : EAI_NONAME;
}

static struct remembered *cell(struct resolver *r, const char *host)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (const char *p = host; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    return &r->cache[hash % CACHE_SIZE];
}

static bool recall(struct resolver *r, const char *host, struct lookup *l)
{
    const struct remembered *m = cell(r, host);

    if (!m->host || strcmp(m->host, host) != 0 || clock_monotonic_us() >= m->until_us)
        return false;
    memcpy(l->addresses, m->addresses, sizeof(m->addresses));
    l->n = m->n;
    l->error = 0;
    return true;
}

/* Only what was found: a name that does not exist yet is asked for again. */
static void remember(struct resolver *r, const char *host, const struct lookup *found)
{
    struct remembered *m = cell(r, host);

    if (found->error != 0 || r->options.ttl_us < 0)
        return;
    free(m->host);
    m->host = strdup(host);
    memcpy(m->addresses, found->addresses, sizeof(m->addresses));
    m->n = found->n;
    m->until_us = clock_monotonic_us() + r->options.ttl_us;
}

static void destroy(struct resolver *r)
{
    for (size_t i = 0; i < CACHE_SIZE; i++)
        free(r->cache[i].host);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->work);
    pthread_cond_destroy(&r->left);
    free(r);
}

/* Tells everybody, without the lock: done() may start the next lookup. */
static void answer(struct job *job, const struct lookup *found)
{
    while (!list_empty(&job->waits)) {
        struct lookup *l = LIST_OWNER(job->waits.next, struct lookup, node);
        list_remove(&l->node);
        memcpy(l->addresses, found->addresses, sizeof(l->addresses));
        l->n = found->n;
        l->error = found->error;
        l->done(l);
    }
    free(job);
}

/* Under the lock, which is open while the name is asked for. */
static void work_on(struct resolver *r, struct job *job)
{
    struct lookup found = { .n = 0 };

    list_remove(&job->node);
    r->pending_n--;
    list_append(&r->running, &job->node);
    pthread_mutex_unlock(&r->lock);
    found.error = r->options.resolve(job->host, found.addresses, LOOKUP_ADDRESSES, &found.n, r->options.ud);
    if (found.error == 0 && found.n == 0)
        found.error = EAI_NONAME;
    pthread_mutex_lock(&r->lock);
    list_remove(&job->node);
    remember(r, job->host, &found);
    pthread_mutex_unlock(&r->lock);
    answer(job, &found);
    pthread_mutex_lock(&r->lock);
}

static void *run(void *ud)
{
    struct resolver *r = ud;

    pthread_mutex_lock(&r->lock);
    while (!r->stopping) {
        if (!list_empty(&r->pending)) {
            work_on(r, LIST_OWNER(r->pending.next, struct job, node));
            continue;
        }
        r->idle++;
        pthread_cond_wait(&r->work, &r->lock);
        r->idle--;
    }
    r->threads--;
    bool last = r->abandoned && r->threads == 0;
    pthread_cond_signal(&r->left);
    pthread_mutex_unlock(&r->lock);
    if (last)
        destroy(r);
    return NULL;
}

static struct job *find_job(struct list *jobs, const char *host)
{
    for (struct list *node = jobs->next; node != jobs; node = node->next) {
        struct job *job = LIST_OWNER(node, struct job, node);
        if (strcmp(job->host, host) == 0)
            return job;
    }
    return NULL;
}

/* Under the lock. */
static struct job *add_job(struct resolver *r, const char *host)
{
    size_t size = strlen(host) + 1;
    struct job *job = malloc(sizeof(*job) + size);

    if (!job)
        return NULL;
    /* An idle thread that was signalled still counts as idle until it runs: compare with what waits for one. */
    if (r->pending_n >= r->idle && r->threads < r->options.threads) {
        pthread_t thread;
        if (thread_start(&thread, "resolver", true, run, r) == 0)
            r->threads++;
    }
    if (r->threads == 0) {
        free(job);
        return NULL;
    }
    memcpy(job->host, host, size);
    list_init(&job->waits);
    list_append(&r->pending, &job->node);
    r->pending_n++;
    pthread_cond_signal(&r->work);
    return job;
}

int resolver_start(struct resolver *r, const char *host, struct lookup *l)
{
    struct job *job;
    int result = 1;

    pthread_mutex_lock(&r->lock);
    if (!recall(r, host, l)) {
        job = find_job(&r->running, host);
        if (!job)
            job = find_job(&r->pending, host);
        if (!job)
            job = add_job(r, host);
        if (job)
            list_append(&job->waits, &l->node);
        result = job ? 0 : -1;
    }
    pthread_mutex_unlock(&r->lock);
    return result;
}

void resolver_forget(struct resolver *r, const char *host)
{
    pthread_mutex_lock(&r->lock);
    struct remembered *m = cell(r, host);
    if (m->host && strcmp(m->host, host) == 0)
        m->until_us = 0;
    pthread_mutex_unlock(&r->lock);
}

int resolver_create(struct resolver **out, const struct resolver_options *options)
{
    struct resolver *r = calloc(1, sizeof(*r));
    pthread_condattr_t attr;

    if (!r)
        return -1;
    r->options = *options;
    list_init(&r->pending);
    list_init(&r->running);
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->work, NULL);
    pthread_cond_init(&r->left, &attr);
    pthread_condattr_destroy(&attr);
    *out = r;
    return 0;
}

/* Under the lock, which is open while lookups are answered. */
static void refuse_pending(struct resolver *r)
{
    static const struct lookup refused = { .error = EAI_AGAIN };

    while (!list_empty(&r->pending)) {
        struct job *job = LIST_OWNER(r->pending.next, struct job, node);
        list_remove(&job->node);
        r->pending_n--;
        pthread_mutex_unlock(&r->lock);
        answer(job, &refused);
        pthread_mutex_lock(&r->lock);
    }
}

void resolver_destroy(struct resolver *r)
{
    struct timespec limit;

    if (!r)
        return;
    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_nsec += 500000000;
    limit.tv_sec += limit.tv_nsec / 1000000000;
    limit.tv_nsec %= 1000000000;

    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_broadcast(&r->work);
    refuse_pending(r);
    while (r->threads > 0 && pthread_cond_timedwait(&r->left, &r->lock, &limit) == 0)
        continue;
    bool last = r->threads == 0;
    r->abandoned = !last;
    pthread_mutex_unlock(&r->lock);
    if (last)
        destroy(r);
}
