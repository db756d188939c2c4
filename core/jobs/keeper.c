/* keeper.c - the one thread of an engine that leases, renews, and writes what became of jobs: all that has come together
 * since its last transaction in one, so that thousands of jobs a second cost some hundred commits. */
#include <stdlib.h>

#include "jobs/inside.h"
#include "log/log.h"
#include "util/clock.h"

enum {
    TROUBLE_PAUSE_US = 500 * CLOCK_MS,
    LEFTOVER_PAUSE_US = 50 * CLOCK_MS,
    TROUBLE_TOLD = 3 /* one lost connection is nobody's concern */,
    UNTOUCHED_US = CLOCK_SECOND,
    PLAIN_MAX = 500,
    DEAD_MAX = 8 /* servers, at a time */
};

/* What one round takes along; on success it is so, else as if it had not been. */
struct round {
    struct jobs *j;
    struct db_session *s;
    struct list finished, leased;
    bool expires, leases, abandons;
    struct presence_dead dead[DEAD_MAX];
    bool is_reclaimed[DEAD_MAX];
    int dead_n, reclaimed; /* servers, and jobs of theirs */
};

/* ---- taking, under the lock ---- */

static enum jobs_phase phase_of(struct jobs *j)
{
    pthread_mutex_lock(&j->lock);
    enum jobs_phase phase = j->phase;
    pthread_mutex_unlock(&j->lock);
    return phase;
}

static bool is_ready(const struct job_registered *k, int64_t wall_us)
{
    return !k->is_paused && k->due_us <= wall_us && pool_room(k->pool) > k->pool->reserved;
}

/* Back to the table: all that waits for a thread, or only what has waited too long; another server may be idle. */
static void empty_pool(struct job_pool *p, struct list *finished, int64_t leased_before_us)
{
    for (struct list *l = p->queue.next, *next; l != &p->queue; l = next) {
        struct job *job = LIST_OWNER(l, struct job, node);
        next = l->next;
        if (job->leased_us >= leased_before_us)
            continue;
        list_remove(l);
        list_append(finished, l);
        p->queued--;
        pool_take_less(p);
    }
}

static void empty_pools(struct jobs *j, int64_t leased_before_us)
{
    empty_pool(&j->common, &j->finished, leased_before_us);
    for (size_t i = 0; i < j->kinds_n; i++) {
        if (j->kinds[i]->pool != &j->common)
            empty_pool(j->kinds[i]->pool, &j->finished, leased_before_us);
    }
}

/* What is this round's; leases is set when there is something to lease and room for it. */
static void take(struct round *r)
{
    struct jobs *j = r->j;
    int64_t wall_us = jobs_wall_us(j);

    pthread_mutex_lock(&j->lock);
    r->abandons = j->phase == JOBS_ABANDON;
    empty_pools(j, j->phase >= JOBS_DRAIN ? INT64_MAX : wall_us - UNTOUCHED_US);
    list_move(&r->finished, &j->finished);
    j->common.reserved = 0;
    for (size_t i = 0; i < j->kinds_n; i++) {
        struct job_registered *k = j->kinds[i];
        k->pool->reserved = 0;
        k->notices_seen = k->notices;
        k->next_due_us = k->due_us;
        k->was_noticed = k->due_us == 0;
        r->leases |= j->phase < JOBS_DRAIN && is_ready(k, wall_us);
    }
    pthread_mutex_unlock(&j->lock);
}

/* ---- looking: reads without a transaction ---- */

static void see(const char *id, int64_t lease, bool cancel, void *ud)
{
    struct jobs *j = ud;

    for (struct list *l = j->held.next; l != &j->held; l = l->next) {
        struct job *job = LIST_OWNER(l, struct job, held);
        if (job->lease != lease || strcmp(job->id, id) != 0)
            continue;
        job->is_seen = true;
        if (cancel)
            job_stop(job, JOB_CANCELLED);
    }
}

/* One that is not in the table any more as ours has been written by its own transaction, or somebody took it. */
static int look_at_held(struct jobs *j, struct db_session *s)
{
    int rc;

    if (list_empty(&j->held))
        return 0;
    for (struct list *l = j->held.next; l != &j->held; l = l->next)
        LIST_OWNER(l, struct job, held)->is_seen = false;
    rc = rows_held(j, s, see, j);
    for (struct list *l = j->held.next; rc >= 0 && l != &j->held; l = l->next) {
        struct job *job = LIST_OWNER(l, struct job, held);
        if (!job->is_seen && !atomic_load(&job->is_settling))
            job_stop(job, JOB_LOST);
    }
    return rc;
}

/* A folder that cannot be read now may be at the next poll; and leases end by time, too. */
static void look_for_dead(struct round *r)
{
    const struct presence *p = &r->j->presence;
    int n = p->fd >= 0 ? presence_find_dead(p, r->dead, DEAD_MAX) : 0;

    r->dead_n = n < 0 ? 0 : n;
}

static int look(struct round *r)
{
    struct jobs *j = r->j;
    int rc = 0;

    if (!j->has_registered)
        rc = rows_register_kinds(j, r->s);
    j->has_registered = rc >= 0;
    if (rc >= 0)
        rc = rows_read_kinds(j, r->s);
    if (rc >= 0)
        rc = look_at_held(j, r->s);
    if (rc >= 0)
        rc = rows_are_expired(j, r->s);
    r->expires = rc > 0;
    if (rc >= 0)
        look_for_dead(r);
    return rc;
}

/* ---- leases that go on ---- */

/* Past its time a run keeps its lease no longer; and who cannot renew it in time has lost it, by any clock. */
static void watch_clocks(struct jobs *j)
{
    int64_t wall_us = jobs_wall_us(j), now_us = clock_monotonic_us();

    for (struct list *l = j->held.next; l != &j->held; l = l->next) {
        struct job *job = LIST_OWNER(l, struct job, held);
        int64_t deadline_us = job_deadline_us(job);
        if (job->lease_until_us < wall_us)
            job_stop(job, JOB_LOST);
        else if (deadline_us > 0 && now_us > deadline_us)
            job_stop(job, JOB_TIMED_OUT);
    }
}

static bool wants_renewal(const struct job *job)
{
    const struct jobs *j = job->engine;
    enum job_stop stop = job_stopped(job);

    return job->lease_until_us - jobs_wall_us(j) < j->options.lease_us * 2 / 3 && stop != JOB_LOST &&
           stop != JOB_TIMED_OUT && !atomic_load(&job->is_settling);
}

static bool wants_writing(const struct job *job)
{
    return wants_renewal(job) || atomic_load(&job->has_progressed);
}

static bool any_wants_writing(const struct jobs *j)
{
    for (const struct list *l = j->held.next; l != &j->held; l = l->next) {
        if (wants_writing(LIST_OWNER(l, const struct job, held)))
            return true;
    }
    return false;
}

static int renew(struct round *r, struct job *job)
{
    int64_t until_us = jobs_wall_us(r->j) + r->j->options.lease_us;
    int rc = wants_renewal(job) ? rows_renew(r->j, r->s, job, until_us) : 0;

    job->renewed_until_us = rc > 0 ? until_us : job->lease_until_us;
    if (rc >= 0 && atomic_exchange(&job->has_progressed, false))
        rc = rows_progress(r->s, job);
    return rc;
}

static int renew_all(struct round *r)
{
    int rc = 0;

    for (struct list *l = r->j->held.next; rc >= 0 && l != &r->j->held; l = l->next)
        rc = renew(r, LIST_OWNER(l, struct job, held));
    return rc;
}

/* ---- the transaction ---- */

static int finish_plain(struct round *r, struct job **plain, size_t n)
{
    int rc = n > 0 ? rows_finish_done(r->j, r->s, plain, n) : 0;

    for (size_t i = 0; i < n; i++)
        plain[i]->is_written = true;
    return rc;
}

static int finish_all(struct round *r)
{
    struct job *plain[PLAIN_MAX];
    size_t n = 0;
    int rc = 0;

    for (struct list *l = r->finished.next; rc >= 0 && l != &r->finished; l = l->next) {
        struct job *job = LIST_OWNER(l, struct job, node);
        if (job->is_written)
            continue;
        if (!rows_is_plain(job)) {
            rc = rows_finish(r->j, r->s, job);
            job->is_written = rc > 0;
            continue;
        }
        plain[n++] = job;
        if (n == PLAIN_MAX) {
            rc = finish_plain(r, plain, n);
            n = 0;
        }
    }
    return rc < 0 ? rc : finish_plain(r, plain, n);
}

static unsigned room_for(struct jobs *j, const struct job_registered *k)
{
    int64_t wall_us = jobs_wall_us(j);
    unsigned sharing = 0;

    pthread_mutex_lock(&j->lock);
    unsigned room = is_ready(k, wall_us) ? pool_room(k->pool) - k->pool->reserved : 0;
    for (size_t i = 0; i < j->kinds_n; i++)
        sharing += j->kinds[i]->pool == k->pool && is_ready(j->kinds[i], wall_us);
    pthread_mutex_unlock(&j->lock);
    return sharing > 1 ? (room + sharing - 1) / sharing : room;
}

static int lease_both(struct round *r, const struct job_registered *k, unsigned max)
{
    bool queued_first = r->j->kinds_turn % 2 != 0;
    int n = 0, more = 0;

    n = queued_first ? rows_lease_queued(r->j, r->s, k, max, &r->leased)
                     : rows_lease(r->j, r->s, k, max, &r->leased);
    if (n >= 0 && (unsigned)n < max) {
        unsigned rest = max - (unsigned)n;
        more = queued_first ? rows_lease(r->j, r->s, k, rest, &r->leased)
                            : rows_lease_queued(r->j, r->s, k, rest, &r->leased);
    }
    return n < 0 ? n : more < 0 ? more : n + more;
}

/* What is due and was not leased waits for others of its queue, or is locked: the next round that ends one, or the next
 * poll, looks again. */
static int look_ahead(struct round *r, struct job_registered *k, bool again_soon)
{
    int64_t wall_us = jobs_wall_us(r->j);
    int rc = rows_next_due(r->s, k, &k->next_due_us);

    if (rc >= 0 && k->next_due_us <= wall_us)
        k->next_due_us = INT64_MAX;
    if (again_soon && k->next_due_us > wall_us + JOB_LOOK_AGAIN_US)
        k->next_due_us = wall_us + JOB_LOOK_AGAIN_US;
    return rc;
}

static int lease_kind(struct round *r, struct job_registered *k)
{
    unsigned max = room_for(r->j, k);
    int n = max > 0 ? lease_both(r, k, max) : 0;

    if (n < 0 || max == 0)
        return n;
    k->pool->reserved += (unsigned)n;
    if ((unsigned)n == max)
        return n;
    return look_ahead(r, k, n > 0 || k->was_noticed);
}

static int lease_all(struct round *r)
{
    struct jobs *j = r->j;
    int rc = 0;

    j->kinds_turn++;
    for (size_t i = 0; r->leases && rc >= 0 && i < j->kinds_n; i++)
        rc = lease_kind(r, j->kinds[(i + j->kinds_turn) % j->kinds_n]);
    return rc;
}

static int give_all_back(struct round *r)
{
    int rc = 0;

    for (struct list *l = r->j->held.next; r->abandons && rc >= 0 && l != &r->j->held; l = l->next) {
        struct job *job = LIST_OWNER(l, struct job, held);
        if (!job->is_written && !atomic_load(&job->is_settling))
            rc = rows_give_back(r->j, r->s, job);
        job_stop(job, JOB_LOST);
    }
    return rc;
}

static int reclaim_all(struct round *r)
{
    int rc = 0;

    for (int i = 0; i < r->dead_n && rc >= 0; i++) {
        if (r->j->options.server_died)
            rc = r->j->options.server_died(r->s, r->dead[i].server);
        if (rc < 0)
            break;
        rc = rows_reclaim(r->j, r->s, r->dead[i].server, &r->is_reclaimed[i]);
        r->reclaimed += rc;
    }
    return rc;
}

static int write_all(struct round *r)
{
    int rc = db_begin(r->s);

    if (rc >= 0)
        rc = finish_all(r);
    if (rc >= 0)
        rc = renew_all(r);
    if (rc >= 0)
        rc = give_all_back(r);
    if (rc >= 0 && r->expires)
        rc = rows_expire(r->j, r->s);
    if (rc >= 0)
        rc = reclaim_all(r);
    if (rc >= 0)
        rc = lease_all(r);
    return rc < 0 ? rc : db_commit(r->s);
}

/* ---- afterwards ---- */

static void forget(struct jobs *j, struct job *job)
{
    list_remove(&job->node);
    list_remove(&job->held);
    job_destroy(job);
    j->held_n--;
}

static void hand_out(struct round *r)
{
    struct jobs *j = r->j;

    while (!list_empty(&r->leased)) {
        struct job *job = LIST_OWNER(r->leased.next, struct job, node);
        list_remove(&job->node);
        list_append(&j->held, &job->held);
        j->held_n++;
        if (job_is_spent(job))
            list_append(&j->finished, &job->node);
        else
            pool_put(job->kind->pool, job);
    }
}

/* Under the lock. */
static void keep_finished(struct jobs *j, struct list *finished)
{
    while (!list_empty(finished)) {
        struct list *l = finished->next;
        list_remove(l);
        list_append(&j->finished, l);
    }
}

static void forget_dead(const struct round *r)
{
    for (int i = 0; i < r->dead_n; i++) {
        if (r->is_reclaimed[i])
            presence_forget(&r->j->presence, &r->dead[i]);
    }
    if (r->reclaimed > 0)
        log_info("jobs of a server process that ended badly are taken up again",
                 LOG_NUMBER("jobs", r->reclaimed));
}

static void settle(struct round *r)
{
    struct jobs *j = r->j;

    forget_dead(r);
    pthread_mutex_lock(&j->lock);
    j->must_poll |= r->reclaimed > 0; /* they are due */
    for (struct list *l = r->finished.next, *next; l != &r->finished; l = next) {
        struct job *job = LIST_OWNER(l, struct job, node);
        next = l->next;
        j->must_poll |= job->is_queued; /* the next of its queue is due */
        if (job->is_written)
            forget(j, job);
    }
    j->has_leftovers = !list_empty(&r->finished);
    keep_finished(j, &r->finished);
    for (struct list *l = j->held.next; l != &j->held; l = l->next) {
        struct job *job = LIST_OWNER(l, struct job, held);
        if (job->renewed_until_us > job->lease_until_us)
            job->lease_until_us = job->renewed_until_us;
    }
    for (size_t i = 0; i < j->kinds_n; i++) {
        if (j->kinds[i]->notices == j->kinds[i]->notices_seen)
            j->kinds[i]->due_us = j->kinds[i]->next_due_us;
    }
    hand_out(r);
    pthread_mutex_unlock(&j->lock);
}

/* What was leased in a transaction that is not: nobody has it. */
static void take_back(struct round *r)
{
    while (!list_empty(&r->leased)) {
        struct job *job = LIST_OWNER(r->leased.next, struct job, node);
        list_remove(&job->node);
        job_destroy(job);
    }
    pthread_mutex_lock(&r->j->lock);
    keep_finished(r->j, &r->finished);
    pthread_mutex_unlock(&r->j->lock);
}

/* ---- a round ---- */

static bool is_poll_due(struct jobs *j)
{
    int64_t now_us = clock_monotonic_us();

    pthread_mutex_lock(&j->lock);
    bool due = j->must_poll || now_us >= j->poll_at_us;
    j->must_poll = false;
    pthread_mutex_unlock(&j->lock);
    if (due)
        j->poll_at_us = now_us + j->options.poll_us;
    return due;
}

/* Those that wrote themselves that they are done, or that are somebody else's by now, need no transaction for it. */
static bool any_unwritten(struct round *r)
{
    bool any = false;

    for (struct list *l = r->finished.next; l != &r->finished; l = l->next) {
        struct job *job = LIST_OWNER(l, struct job, node);
        job->is_written = job_fate(job) == JOB_UNWRITTEN;
        any |= !job->is_written;
    }
    return any;
}

static int go_round(struct round *r)
{
    bool polls = is_poll_due(r->j);
    int rc = polls ? look(r) : 0;

    watch_clocks(r->j);
    take(r);
    if (rc < 0)
        return rc;
    bool writes = any_unwritten(r) || r->leases || r->expires || r->dead_n > 0 || r->abandons ||
                  (polls && any_wants_writing(r->j));
    return writes ? write_all(r) : 0;
}

int keeper_round(struct jobs *j, struct buf *why)
{
    struct round r = { .j = j };
    int rc = jobs_session(j, &r.s);

    list_init(&r.finished);
    list_init(&r.leased);
    rc = rc < 0 ? rc : go_round(&r);
    if (rc >= 0)
        settle(&r);
    else
        take_back(&r);
    if (rc < 0)
        buf_add_text(why, r.s ? db_error_of(r.s)->text : "out of memory");
    db_session_destroy(r.s);
    return rc < 0 ? rc : 0;
}

/* ---- its life ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Under the lock: when there is something to do, by the monotonic clock. */
static int64_t next_round_us(const struct jobs *j)
{
    int64_t now_us = clock_monotonic_us(), wall_us = jobs_wall_us(j), next_us = j->poll_at_us;

    if (!list_empty(&j->finished) || j->must_poll || j->phase >= JOBS_ABANDON)
        return 0;
    for (size_t i = 0; j->phase < JOBS_DRAIN && i < j->kinds_n; i++) {
        const struct job_registered *k = j->kinds[i];
        if (!k->is_paused && k->due_us != INT64_MAX && pool_room(k->pool) > 0)
            next_us = earlier(next_us, now_us + (k->due_us > wall_us ? k->due_us - wall_us : 0));
    }
    return next_us;
}

/* Waits until there is something to do, or until that instant at least. */
static void wait_for_work(struct jobs *j, int64_t not_before_us)
{
    pthread_mutex_lock(&j->lock);
    for (;;) {
        int64_t until_us = next_round_us(j);
        if (until_us < not_before_us)
            until_us = not_before_us;
        if (clock_monotonic_us() >= until_us)
            break;
        const struct timespec until = { .tv_sec = until_us / CLOCK_SECOND,
                                        .tv_nsec = until_us % CLOCK_SECOND * 1000 };
        pthread_cond_timedwait(&j->wake_keeper, &j->lock, &until);
    }
    pthread_mutex_unlock(&j->lock);
}

static void tell_trouble(struct jobs *j, int rc, struct buf *why)
{
    if (rc < 0 && ++j->failures == TROUBLE_TOLD)
        log_error("jobs stand still: the database does not answer as it should",
                  LOG_TEXT("why", buf_text(why)));
    if (rc >= 0 && j->failures >= TROUBLE_TOLD)
        log_info("jobs go on");
    if (rc >= 0)
        j->failures = 0;
}

static void hurry(struct jobs *j)
{
    for (struct list *l = j->held.next; l != &j->held; l = l->next)
        job_stop(LIST_OWNER(l, struct job, held), JOB_STOPPED);
}

/* Until when the next round has to wait: a row that is locked would have it go round and round. */
static int64_t pause_after(const struct jobs *j, int rc)
{
    if (rc < 0)
        return clock_monotonic_us() + TROUBLE_PAUSE_US;
    return j->has_leftovers ? clock_monotonic_us() + LEFTOVER_PAUSE_US : 0;
}

void *keeper_run(void *ud)
{
    struct jobs *j = ud;
    enum jobs_phase phase = JOBS_RUN;
    int64_t pause_until_us = 0;

    while (phase < JOBS_OVER) {
        struct buf why = BUF_INIT;
        wait_for_work(j, phase < JOBS_ABANDON ? pause_until_us : 0);
        phase = phase_of(j);
        if (phase >= JOBS_HURRY)
            hurry(j);
        int rc = keeper_round(j, &why);
        tell_trouble(j, rc, &why);
        pause_until_us = pause_after(j, rc);
        buf_finish(&why);
        pthread_mutex_lock(&j->lock);
        if (phase == JOBS_ABANDON || (phase >= JOBS_HURRY && j->held_n == 0))
            j->phase = phase = JOBS_OVER;
        pthread_cond_broadcast(&j->idle);
        pthread_mutex_unlock(&j->lock);
    }
    return NULL;
}
