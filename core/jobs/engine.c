/* engine.c - an engine's life: made, given kinds, started, drained, stopped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobs/inside.h"
#include "log/log.h"
#include "secure/random.h"
#include "util/clock.h"
#include "util/thread.h"

enum { LEASE_US = 30 * CLOCK_SECOND, POLL_US = CLOCK_SECOND, HURRY_US = 2 * CLOCK_SECOND, WORKERS = 4 };

int64_t jobs_wall_us(const struct jobs *j)
{
    return j->options.wall_us ? j->options.wall_us(j->options.clock_ud) : clock_wall_us();
}

/* Of no tenant: the tables of jobs have no wall. */
int jobs_session(struct jobs *j, struct db_session **out)
{
    const struct db_who who = { .owner = "core", .now_us = jobs_wall_us(j) };

    return db_session_create(out, j->options.db, &who) == 0 ? 0 : DW_ENOMEM;
}

/* ---- making ---- */

/* "host:pid:random": for people, and never the same twice. */
static int name_server(struct jobs *j)
{
    char host[64] = "", chance[RANDOM_TOKEN_SIZE(6)];

    if (random_token(chance, 6) != 0)
        return -1;
    gethostname(host, sizeof(host) - 1);
    snprintf(j->server, sizeof(j->server), "%s:%ld:%s", host, (long)getpid(), chance);
    return 0;
}

static unsigned default_workers(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    return processors > WORKERS ? (unsigned)processors : WORKERS;
}

static void fill_in(struct jobs_options *o)
{
    if (o->workers == 0)
        o->workers = default_workers();
    if (o->lease_us == 0)
        o->lease_us = LEASE_US;
    if (o->poll_us == 0)
        o->poll_us = POLL_US;
}

static void init_locks(struct jobs *j)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->wake_keeper, &monotonic);
    pthread_cond_init(&j->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

const char *jobs_server(const struct jobs *j)
{
    return j->server;
}

int jobs_create(struct jobs **out, const struct jobs_options *options)
{
    struct jobs *j = *out = calloc(1, sizeof(*j));

    if (!j)
        return -1;
    j->options = *options;
    fill_in(&j->options);
    arena_init(&j->memory, NULL, 0, 0);
    list_init(&j->finished);
    list_init(&j->held);
    j->presence = (struct presence)PRESENCE_INIT;
    init_locks(j);
    j->running = metrics_gauge("dowel_jobs_running", "Jobs that are running", NULL);
    if (name_server(j) == 0 && pool_init(&j->common, j, j->options.workers) == 0)
        return 0;
    jobs_destroy(j);
    *out = NULL;
    return -1;
}

static void publish(struct job_registered *k)
{
    static const char runs[] = "Runs of jobs that have ended, by what came of them";
    struct buf labels = BUF_INIT;

    metrics_label(&labels, "kind", str_from(k->name));
    k->took = metrics_histogram("dowel_jobs_run_seconds", "Time that a run of a job took", buf_text(&labels));
    size_t n = labels.n;
    buf_add_text(&labels, ",result=\"done\"");
    k->done = metrics_counter("dowel_jobs_runs_total", runs, buf_text(&labels));
    labels.n = n;
    buf_add_text(&labels, ",result=\"failed\"");
    k->failed = metrics_counter("dowel_jobs_runs_total", runs, buf_text(&labels));
    buf_finish(&labels);
}

static struct job_registered *find(const struct jobs *j, const char *name)
{
    for (size_t i = 0; i < j->kinds_n; i++) {
        if (strcmp(j->kinds[i]->name, name) == 0)
            return j->kinds[i];
    }
    return NULL;
}

static int make_room(struct jobs *j)
{
    size_t cap = j->kinds_cap ? j->kinds_cap * 2 : 16;

    if (j->kinds_n < j->kinds_cap)
        return 0;
    struct job_registered **more = realloc(j->kinds, cap * sizeof(struct job_registered *));
    if (!more)
        return -1;
    j->kinds = more;
    j->kinds_cap = cap;
    return 0;
}

int jobs_register(struct jobs *j, const struct job_kind *kind)
{
    struct job_registered *k = arena_calloc(&j->memory, sizeof(*k));

    if (!k || !(k->name = arena_format(&j->memory, "%s.%s", kind->owner, kind->name)) || find(j, k->name) ||
        make_room(j) != 0)
        return -1;
    k->kind = *kind;
    k->due_us = INT64_MAX;
    k->pool = kind->parallel > 0 ? &k->own : &j->common;
    if (kind->parallel > 0 && pool_init(&k->own, j, kind->parallel) != 0)
        return -1;
    publish(k);
    j->kinds[j->kinds_n++] = k;
    return 0;
}

void *jobs_alloc(struct jobs *j, size_t size)
{
    return arena_calloc(&j->memory, size);
}

/* ---- running ---- */

/* So that whoever looks finds them as soon as the engine is there. Where that fails, the keeper tries again. */
static void register_kinds(struct jobs *j)
{
    struct db_session *s;

    if (jobs_session(j, &s) != 0)
        return;
    j->has_registered = rows_register_kinds(j, s) >= 0;
    db_session_destroy(s);
}

/* Before the first lease: nobody must find one whose server seems not to be there. Else they end by time, and no harm is
 * done. */
static void be_present(struct jobs *j)
{
    const char *chance = strrchr(j->server, ':') + 1;

    if (j->options.data_dir && presence_begin(&j->presence, j->options.data_dir, j->server, chance) != 0)
        log_warn("should this process end badly, its jobs wait until their leases end: it cannot be seen in "
                 "the data "
                 "folder",
                 LOG_TEXT("folder", j->options.data_dir), LOG_TEXT("why", strerror(errno)));
}

int jobs_start(struct jobs *j)
{
    be_present(j);
    register_kinds(j);
    j->phase = JOBS_RUN;
    j->has_keeper = thread_start(&j->keeper, "jobs", false, keeper_run, j) == 0;
    if (!j->has_keeper)
        j->phase = JOBS_IDLE;
    return j->has_keeper ? 0 : -1;
}

void jobs_notice(struct jobs *j, const char *text)
{
    pthread_mutex_lock(&j->lock);
    struct job_registered *k = text ? find(j, text) : NULL;
    if (k) {
        k->due_us = 0;
        k->notices++;
    } else if (!text || strcmp(text, "cancel") == 0) {
        j->must_poll = true;
    }
    pthread_cond_signal(&j->wake_keeper);
    pthread_mutex_unlock(&j->lock);
}

static int run_queued(struct jobs *j, struct job_pool *p)
{
    struct job *job;
    int n = 0;

    for (;;) {
        pthread_mutex_lock(&j->lock);
        job = j->is_dead ? NULL : pool_take(p);
        pthread_mutex_unlock(&j->lock);
        if (!job)
            return n;
        pool_run(p, job);
        n++;
    }
}

void jobs_die(struct jobs *j)
{
    j->is_dead = true;
}

int jobs_run_due(struct jobs *j, struct buf *why)
{
    int ran, sum = 0;

    do {
        if (j->is_dead)
            break;
        jobs_notice(j, NULL);
        int rc = keeper_round(j, why);
        if (rc < 0)
            return rc;
        ran = run_queued(j, &j->common);
        for (size_t i = 0; i < j->kinds_n; i++) {
            if (j->kinds[i]->pool != &j->common)
                ran += run_queued(j, j->kinds[i]->pool);
        }
        sum += ran;
    } while (ran > 0 || !list_empty(&j->finished));
    return sum;
}

/* ---- ending ---- */

static void advance(struct jobs *j, enum jobs_phase phase)
{
    pthread_mutex_lock(&j->lock);
    if (j->phase != JOBS_IDLE && j->phase < phase)
        j->phase = phase;
    j->must_poll = true;
    pthread_cond_broadcast(&j->wake_keeper);
    pthread_mutex_unlock(&j->lock);
}

void jobs_drain(struct jobs *j)
{
    advance(j, JOBS_DRAIN);
}

bool jobs_are_idle(struct jobs *j)
{
    pthread_mutex_lock(&j->lock);
    bool idle = j->held_n == 0;
    pthread_mutex_unlock(&j->lock);
    return idle;
}

static void wait_until_idle(struct jobs *j, int64_t patience_us)
{
    int64_t until_us = clock_monotonic_us() + patience_us;
    const struct timespec until = { .tv_sec = until_us / CLOCK_SECOND,
                                    .tv_nsec = until_us % CLOCK_SECOND * 1000 };

    pthread_mutex_lock(&j->lock);
    while (j->held_n > 0 && j->phase < JOBS_OVER && pthread_cond_timedwait(&j->idle, &j->lock, &until) == 0)
        continue;
    pthread_mutex_unlock(&j->lock);
}

bool jobs_stop(struct jobs *j, int64_t patience_us)
{
    if (!j || j->phase == JOBS_IDLE)
        return true;
    jobs_drain(j);
    wait_until_idle(j, patience_us);
    advance(j, JOBS_HURRY);
    wait_until_idle(j, HURRY_US);
    advance(j, JOBS_ABANDON);
    if (j->has_keeper)
        pthread_join(j->keeper, NULL);
    j->has_keeper = false;
    bool ended = pool_join(&j->common);
    for (size_t i = 0; i < j->kinds_n; i++)
        ended &= j->kinds[i]->pool == &j->common || pool_join(&j->kinds[i]->own);
    if (ended)
        j->phase = JOBS_IDLE;
    return ended;
}

static void drop_held(struct jobs *j)
{
    while (!list_empty(&j->held)) {
        struct job *job = LIST_OWNER(j->held.next, struct job, held);
        list_remove(&job->held);
        list_remove(&job->node);
        job_destroy(job);
    }
}

void jobs_destroy(struct jobs *j)
{
    if (!j)
        return;
    presence_end(&j->presence, j->held_n == 0);
    drop_held(j);
    for (size_t i = 0; i < j->kinds_n; i++)
        pool_finish(&j->kinds[i]->own);
    pool_finish(&j->common);
    free(j->kinds);
    arena_finish(&j->memory);
    pthread_cond_destroy(&j->idle);
    pthread_cond_destroy(&j->wake_keeper);
    pthread_mutex_destroy(&j->lock);
    free(j);
}
