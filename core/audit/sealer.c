#include "audit/sealer.h"

#include <pthread.h>
#include <stdlib.h>

#include "audit/seal.h"
#include "log/log.h"
#include "util/clock.h"
#include "util/thread.h"

static const int64_t rest_us = INT64_C(3600) * CLOCK_SECOND, look_us = 300 * CLOCK_MS;
enum { KEPT_AT_ONCE = 50 /* batches */ };

struct sealer {
    struct sealer_options options;
    pthread_t thread;
    bool is_started;
    bool is_in_trouble; /* the thread's own: it was told */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping; /* guarded by lock */
};

int sealer_create(struct sealer **out, const struct sealer_options *options)
{
    struct sealer *z = calloc(1, sizeof(*z));
    pthread_condattr_t attributes;

    *out = z;
    if (!z)
        return -1;
    z->options = *options;
    pthread_mutex_init(&z->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&z->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    return 0;
}

void sealer_destroy(struct sealer *z)
{
    if (!z)
        return;
    pthread_cond_destroy(&z->wake);
    pthread_mutex_destroy(&z->lock);
    free(z);
}

static int open_session(const struct sealer *z, struct db_session **out, int64_t now_us)
{
    const struct db_who who = { .owner = "core", .now_us = now_us };

    return db_session_create(out, z->options.db, &who) == 0 ? 0 : DW_ENOMEM;
}

/* ---- the job ---- */

/* A session for each batch: what the engine wants repeated is begun anew with the next one. */
static int one_batch(const struct sealer *z, struct job *job, bool is_removing)
{
    int64_t now_us = clock_wall_us();
    struct buf why = BUF_INIT;
    struct db_session *s;
    int rc;

    if (open_session(z, &s, now_us) != 0)
        return DW_ENOMEM;
    rc = is_removing ? audit_remove_old(z->options.audit, s, z->options.keep_us, now_us, &why)
                     : audit_seal(z->options.audit, s, now_us, &why);
    if (rc < 0)
        job_explain(job, why.n > 0 ? buf_text(&why) : db_error_of(s)->text, 0);
    buf_finish(&why);
    db_session_destroy(s);
    return rc;
}

static int remove_old(const struct sealer *z, struct job *job)
{
    int n = 0, rc = 1;

    for (int i = 0; z->options.keep_us > 0 && rc > 0 && i < KEPT_AT_ONCE; i++) {
        rc = one_batch(z, job, true);
        n += rc > 0 ? rc : 0;
    }
    if (n > 0)
        log_info("old records of the audit log were removed", LOG_NUMBER("records", n));
    return rc < 0 ? rc : n;
}

/* What is wrong with the chain stays so until somebody has looked, and is said each time that it is tried. */
static int run(struct job *job, void *ud)
{
    struct sealer *z = ud;
    int rc;

    do
        rc = one_batch(z, job, false);
    while (rc > 0 && job_progress(job, 0, 0));
    if (rc >= 0)
        rc = remove_old(z, job);
    if (rc == DW_EPRECONDITION)
        log_error("the audit log is sealed no further: its checkpoint is not the one of this server; see "
                  "`dowel audit verify`");
    if (rc < 0)
        return rc;
    job_again_later(job, rest_us);
    return 0;
}

static int add_job(struct db_session *s, int64_t now_us)
{
    return job_add(s, &(struct job_new){ .kind = AUDIT_SEAL_JOB, .unique_key = "one", .now_us = now_us });
}

int sealer_register(struct sealer *z, struct jobs *jobs, struct buf *why)
{
    const struct job_kind kind = {
        .owner = "core", .name = "audit_seal", .run = run, .ud = z, .attempts = 1000000, .parallel = 1
    };
    int64_t now_us = clock_wall_us();
    struct db_session *s;

    if (jobs_register(jobs, &kind) != 0 || open_session(z, &s, now_us) != 0) {
        buf_add_text(why, "out of memory");
        return -1;
    }
    int rc = add_job(s, now_us);
    if (rc < 0)
        buf_add_format(why, "the job that seals the audit log cannot be added: %s", db_error_of(s)->text);
    db_session_destroy(s);
    return rc < 0 ? -1 : 0;
}

/* ---- the thread ---- */

static int look(struct db_session *s, int64_t now_us)
{
    int64_t one = 0;
    int rc =
        db_find(s, DW_TO(&one), DB_BY_CORE, DW_LIST("SELECT 1 FROM dowel_audit WHERE seq IS NULL LIMIT 1"));

    if (rc <= 0)
        return rc;
    /* It is there, unless somebody has cancelled it. */
    rc = job_hurry(s, AUDIT_SEAL_JOB, NULL, "one", now_us);
    return rc == DW_ENOTFOUND ? add_job(s, now_us) : rc;
}

int sealer_look(struct sealer *z, int64_t now_us)
{
    struct db_session *s;

    if (open_session(z, &s, now_us) != 0)
        return DW_ENOMEM;
    int rc = look(s, now_us);
    if (rc < 0 && !z->is_in_trouble)
        log_error("the audit log cannot be sealed: the database does not answer as it should",
                  LOG_TEXT("why", db_error_of(s)->text));
    if (rc >= 0 && z->is_in_trouble)
        log_info("the audit log is sealed again");
    z->is_in_trouble = rc < 0;
    db_session_destroy(s);
    return rc;
}

/* False: it is time to stop. */
static bool wait_a_little(struct sealer *z)
{
    int64_t until_us = clock_monotonic_us() + (z->options.every_us ? z->options.every_us : look_us);
    const struct timespec until = { .tv_sec = until_us / CLOCK_SECOND,
                                    .tv_nsec = until_us % CLOCK_SECOND * 1000 };

    pthread_mutex_lock(&z->lock);
    while (!z->stopping && clock_monotonic_us() < until_us)
        pthread_cond_timedwait(&z->wake, &z->lock, &until);
    bool goes_on = !z->stopping;
    pthread_mutex_unlock(&z->lock);
    return goes_on;
}

static void *watch(void *ud)
{
    struct sealer *z = ud;

    do
        sealer_look(z, clock_wall_us());
    while (wait_a_little(z));
    return NULL;
}

int sealer_start(struct sealer *z)
{
    if (thread_start(&z->thread, "audit", false, watch, z) != 0)
        return -1;
    z->is_started = true;
    return 0;
}

void sealer_stop(struct sealer *z)
{
    if (!z || !z->is_started)
        return;
    pthread_mutex_lock(&z->lock);
    z->stopping = true;
    pthread_cond_signal(&z->wake);
    pthread_mutex_unlock(&z->lock);
    pthread_join(z->thread, NULL);
    z->is_started = false;
}
