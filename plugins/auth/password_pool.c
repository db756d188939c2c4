#include "password_pool.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 64, ASKED_EVERY_MS = 50 };

enum state { QUEUED, RUNNING, DONE };

/* One hash to be computed. Its caller's and, once it runs, its thread's; whoever is the last frees it. All that it needs is
 * copied, as the caller may leave before it is done. */
struct job {
    enum password_result (*work)(struct job *job);
    enum state state;
    bool abandoned; /* its caller has left */
    enum password_result result;
    pthread_cond_t done;
    struct job *next;
    struct password_cost cost;
    size_t password_n;
    char password[PASSWORD_MAX];
    char stored[PASSWORD_STORED_MAX + 1]; /* the hash to verify, or the one that was made */
};

struct password_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, left;
    pthread_t threads[THREADS_MAX];
    unsigned threads_n, callers;
    unsigned queue_max, queued, running;
    struct job *first, *last;
    bool stopping;
};

/* ---- jobs ---- */

static struct job *job_create(const void *password, size_t n)
{
    struct job *job = calloc(1, sizeof(*job));
    pthread_condattr_t attributes;

    if (!job)
        return NULL;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int rc = pthread_cond_init(&job->done, &attributes);
    pthread_condattr_destroy(&attributes);
    if (rc != 0) {
        free(job);
        return NULL;
    }
    memcpy(job->password, password, n);
    job->password_n = n;
    return job;
}

static void job_destroy(struct job *job)
{
    if (!job)
        return;
    pthread_cond_destroy(&job->done);
    OPENSSL_cleanse(job, sizeof(*job));
    free(job);
}

static enum password_result do_hash(struct job *job)
{
    return password_hash(&job->cost, job->password, job->password_n, job->stored);
}

static enum password_result do_verify(struct job *job)
{
    return password_verify(job->stored, job->password, job->password_n);
}

static enum password_result do_verify_nobody(struct job *job)
{
    return password_verify_nobody(&job->cost, job->password, job->password_n);
}

/* ---- the queue, under the lock ---- */

static void append(struct password_pool *pool, struct job *job)
{
    if (pool->last)
        pool->last->next = job;
    else
        pool->first = job;
    pool->last = job;
    pool->queued++;
}

static struct job *take(struct password_pool *pool)
{
    struct job *job = pool->first;

    pool->first = job->next;
    if (!pool->first)
        pool->last = NULL;
    pool->queued--;
    job->next = NULL;
    return job;
}

static void take_out(struct password_pool *pool, const struct job *job)
{
    struct job **at = &pool->first, *before = NULL;

    while (*at != job) {
        before = *at;
        at = &before->next;
    }
    *at = job->next;
    if (pool->last == job)
        pool->last = before;
    pool->queued--;
}

/* ---- the threads ---- */

static void run(struct password_pool *pool, struct job *job)
{
    job->state = RUNNING;
    pool->running++;
    pthread_mutex_unlock(&pool->lock);
    enum password_result result = job->work(job);
    pthread_mutex_lock(&pool->lock);
    pool->running--;
    job->result = result;
    job->state = DONE;
    if (job->abandoned)
        job_destroy(job);
    else
        pthread_cond_signal(&job->done);
}

static void *work(void *ud)
{
    struct password_pool *pool = ud;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->first && !pool->stopping)
            pthread_cond_wait(&pool->work, &pool->lock);
        if (pool->stopping)
            break;
        run(pool, take(pool));
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static bool is_sound(const struct password_pool_options *options)
{
    return options->threads >= 1 && options->threads <= THREADS_MAX && options->queue <= 1000000;
}

int password_pool_create(struct password_pool **out, const struct password_pool_options *options)
{
    *out = NULL;
    if (!is_sound(options))
        return -1;
    struct password_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return -1;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->left, NULL);
    pool->queue_max = options->queue;
    for (; pool->threads_n < options->threads; pool->threads_n++) {
        if (pthread_create(&pool->threads[pool->threads_n], NULL, work, pool) != 0) {
            password_pool_destroy(pool);
            return -1;
        }
    }
    *out = pool;
    return 0;
}

void password_pool_stop(struct password_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    while (pool->first) {
        struct job *job = take(pool);
        job->result = PASSWORD_STOPPED;
        job->state = DONE;
        pthread_cond_signal(&job->done);
    }
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

void password_pool_destroy(struct password_pool *pool)
{
    if (!pool)
        return;
    password_pool_stop(pool);
    for (unsigned i = 0; i < pool->threads_n; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_mutex_lock(&pool->lock);
    while (pool->callers > 0)
        pthread_cond_wait(&pool->left, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&pool->left);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

/* ---- callers ---- */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timespec at_ms(int64_t ms)
{
    return (struct timespec){ .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
}

/* The callback is asked without the lock: it is foreign code. */
static bool is_cancelled(struct password_pool *pool, const struct password_wait *wait)
{
    if (!wait->cancelled)
        return false;
    pthread_mutex_unlock(&pool->lock);
    bool cancelled = wait->cancelled(wait->ud);
    pthread_mutex_lock(&pool->lock);
    return cancelled;
}

/* Until the job is done, or the caller has had enough. */
static enum password_result await(struct password_pool *pool, struct job *job,
                                  const struct password_wait *wait, int64_t deadline_ms)
{
    while (job->state != DONE) {
        if (now_ms() >= deadline_ms)
            return PASSWORD_LATE;
        bool cancelled = is_cancelled(pool, wait);
        if (job->state == DONE)
            break;
        if (cancelled)
            return PASSWORD_CANCELLED;
        int64_t ask_ms = wait->cancelled ? now_ms() + ASKED_EVERY_MS : INT64_MAX;
        struct timespec end = at_ms(ask_ms < deadline_ms ? ask_ms : deadline_ms);
        pthread_cond_timedwait(&job->done, &pool->lock, &end);
    }
    return job->result;
}

/* The caller's hand off the job: true when it is his to free. */
static bool let_go(struct password_pool *pool, struct job *job)
{
    if (job->state == QUEUED)
        take_out(pool, job);
    job->abandoned = job->state == RUNNING;
    return !job->abandoned;
}

static int64_t deadline_of(const struct password_wait *wait)
{
    int64_t now = now_ms();
    return wait->timeout_ms < INT64_MAX - now ? now + wait->timeout_ms : INT64_MAX;
}

/* Takes the job, and copies what it made to `out`, which may be NULL. */
static enum password_result submit(struct password_pool *pool, const struct password_wait *wait,
                                   struct job *job, char *out)
{
    enum password_result rc;
    bool mine = true;

    pthread_mutex_lock(&pool->lock);
    pool->callers++;
    if (pool->stopping) {
        rc = PASSWORD_STOPPED;
    } else if (pool->queued + pool->running >= pool->queue_max + pool->threads_n) {
        rc = PASSWORD_BUSY;
    } else {
        append(pool, job);
        pthread_cond_signal(&pool->work);
        rc = await(pool, job, wait, deadline_of(wait));
        mine = let_go(pool, job);
    }
    if (rc == PASSWORD_OK && out)
        memcpy(out, job->stored, PASSWORD_HASH_SIZE);
    if (--pool->callers == 0 && pool->stopping)
        pthread_cond_broadcast(&pool->left);
    pthread_mutex_unlock(&pool->lock);
    if (mine)
        job_destroy(job);
    return rc;
}

enum password_result password_pool_hash(struct password_pool *pool, const struct password_wait *wait,
                                        const struct password_cost *cost, const void *password, size_t n,
                                        char out[PASSWORD_HASH_SIZE])
{
    out[0] = 0;
    if (n < 1 || n > PASSWORD_MAX)
        return PASSWORD_LENGTH;
    struct job *job = job_create(password, n);
    if (!job)
        return PASSWORD_MEMORY;
    job->work = do_hash;
    job->cost = *cost;
    return submit(pool, wait, job, out);
}

enum password_result password_pool_verify(struct password_pool *pool, const struct password_wait *wait,
                                          const char *stored, const void *password, size_t n)
{
    size_t stored_n = strlen(stored);

    if (n < 1 || n > PASSWORD_MAX)
        return PASSWORD_LENGTH;
    if (stored_n > PASSWORD_STORED_MAX)
        return PASSWORD_UNREADABLE;
    struct job *job = job_create(password, n);
    if (!job)
        return PASSWORD_MEMORY;
    job->work = do_verify;
    memcpy(job->stored, stored, stored_n + 1);
    return submit(pool, wait, job, NULL);
}

enum password_result password_pool_verify_nobody(struct password_pool *pool, const struct password_wait *wait,
                                                 const struct password_cost *cost, const void *password,
                                                 size_t n)
{
    if (n < 1 || n > PASSWORD_MAX)
        return PASSWORD_LENGTH;
    struct job *job = job_create(password, n);
    if (!job)
        return PASSWORD_MEMORY;
    job->work = do_verify_nobody;
    job->cost = *cost;
    return submit(pool, wait, job, NULL);
}
