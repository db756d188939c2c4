/* Writers take turns, first come first, and those that wait together share one commit.
 *
 * The connection passes from thread to thread. The first of a group begins the transaction; every other is a savepoint in
 * it. Who is done passes the turn to the next and waits; the last commits and tells all, and nobody is told before that. An
 * error that ends the whole transaction (a full disk, an interrupted write) takes the work of those who wait with it: they
 * are told to repeat, and who repeats commits alone.
 *
 * A member that is one statement (a write outside a transaction) need not have the turn itself: whoever has it when its own
 * statement is done carries out those of the next in the queue as well. They sleep once instead of twice, and the
 * connection stays where it is: half the changes of thread, which cost more than the statements. */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>

#include "db/rows.h"
#include "db/sqlite.h"
#include "metrics/metrics.h"
#include "util/clock.h"

enum {
    GROUP_MAX = 128,              /* members of one commit */
    GROUP_AGE_US = 20 * CLOCK_MS, /* older ones take no more: the first of it waits for its answer */
};

enum outcome { UNDECIDED, COMMITTED, SPOILED, LOST, FAILED };

/* One transaction, from its begin to its end; the session's connection. It sleeps on a semaphore of its own, is woken
 * by whoever has given up the lock, and does not need it when it wakes: those whom one commit wakes would only wait for each
 * other there. Every post is waited for before the member goes, or the last one would come to nobody. */
struct member {
    struct list link; /* in the queue, or among those that are done */
    struct db_session *session;
    struct sqlite_connection *connection;
    pthread_t thread;
    sem_t wake;             /* its turn, its outcome, or a reason to stop */
    _Atomic unsigned posts; /* that came or will, for what happened in the queue; changed under the lock */
    unsigned woken;         /* of them came; its own thread's */
    bool is_taken;          /* from the queue, by who does its work; guarded by the lock */
    _Atomic bool has_turn;
    _Atomic int outcome; /* enum outcome */
    bool is_alone;
    bool has_savepoint;

    /* Of one that is a statement alone. */
    struct db_rows *rows; /* NULL: it is not */
    const dw_value *values;
    int rc; /* of FAILED */
};

struct sqlite_writer {
    struct sqlite_connection *connections[SQLITE_KINDS]; /* used by who has the turn */

    pthread_mutex_t lock;

    /* Guarded by lock. */
    struct list queue;     /* wait for their turn */
    struct member *holder; /* has it */
    struct list done;      /* wait for the commit */
    unsigned group_n;      /* how many those are */
    int64_t group_us;      /* since when */

    struct metric *commits, *waiting; /* NULL does no harm */
};

static struct sqlite_writer *writer_of(const struct db_session *s)
{
    return ((const struct sqlite *)s->db->engine)->writer;
}

struct sqlite_connection *sqlite_writing(const struct db_session *s)
{
    const struct member *m = s->connection;

    return m ? m->connection : NULL;
}

/* ---- life ---- */

int sqlite_writer_create(struct sqlite *engine, struct buf *why)
{
    struct sqlite_writer *w = calloc(1, sizeof(*w));

    engine->writer = w;
    if (!w) {
        buf_add_text(why, "cannot open the database: memory is out");
        return -1;
    }
    pthread_mutex_init(&w->lock, NULL);
    list_init(&w->queue);
    list_init(&w->done);
    w->commits =
        metrics_counter("dowel_db_commits_total", "Commits that went to the disk; transactions share them",
                        "engine=\"sqlite\"");
    w->waiting = metrics_gauge("dowel_db_writers_waiting", "Transactions that wait for their turn to write",
                               "engine=\"sqlite\"");
    for (unsigned kind = 0; kind < SQLITE_KINDS; kind++) {
        int opened = sqlite_connect(&w->connections[kind], engine, (enum sqlite_kind)kind, why);
        if (opened != 0)
            return opened;
    }
    int rc = sqlite_notices_make_table(w->connections[SQLITE_OPEN]);
    return rc == SQLITE_OK ? 0 : sqlite_explain(why, engine->path, rc, w->connections[SQLITE_OPEN]->handle);
}

void sqlite_writer_destroy(struct sqlite_writer *w)
{
    if (!w)
        return;
    for (unsigned kind = 0; kind < SQLITE_KINDS; kind++)
        sqlite_disconnect(w->connections[kind]);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* ---- turns; all under the lock ---- */

static struct member *first_in_queue(struct sqlite_writer *w)
{
    return list_empty(&w->queue) ? NULL : LIST_OWNER(w->queue.next, struct member, link);
}

/* Who has it now, and is to be woken when the lock is given up; NULL: nobody. */
static struct member *pass_turn(struct sqlite_writer *w)
{
    struct member *next = first_in_queue(w);

    w->holder = next;
    if (!next)
        return NULL;
    list_remove(&next->link);
    next->posts++;
    next->has_turn = true;
    return next;
}

/* May the next one join what is open? */
static bool group_goes_on(struct sqlite_writer *w, const struct member *m)
{
    const struct member *next = first_in_queue(w);

    if (!next || next->connection != m->connection || next->is_alone || m->is_alone ||
        !sqlite_is_fresh(m->connection))
        return false;
    return w->group_n == 0 || (w->group_n < GROUP_MAX && clock_monotonic_us() - w->group_us < GROUP_AGE_US);
}

/* Those who wait for the commit, to be told when the lock is given up. */
static void end_group(struct sqlite_writer *w, struct list *out)
{
    list_move(out, &w->done);
    w->group_n = 0;
}

/* Takes the turn if nobody has it, else a place in the queue. */
static void ask_for_turn(struct sqlite_writer *w, struct member *m)
{
    if (w->holder) {
        list_append(&w->queue, &m->link);
        return;
    }
    w->holder = m;
    m->has_turn = true;
}

/* ---- waking and waiting; not under the lock ---- */

static void wake(struct member *m)
{
    if (m)
        sem_post(&m->wake);
}

static void tell_group(struct list *group, enum outcome outcome)
{
    while (!list_empty(group)) {
        struct member *m = LIST_OWNER(group->next, struct member, link);
        list_remove(&m->link);
        m->outcome = outcome;
        wake(m); /* from here on it may be gone */
    }
}

static void sleep_until(struct member *m, const struct timespec *limit)
{
    if (sem_clockwait(&m->wake, CLOCK_MONOTONIC, limit) == 0)
        m->woken++;
}

static bool is_settled(const struct member *m)
{
    return m->has_turn || m->outcome != UNDECIDED;
}

/* Nobody has taken it, nor will, once its session must stop. What another thread works on is not looked at. */
static bool stops_waiting(struct sqlite_writer *w, struct member *m)
{
    pthread_mutex_lock(&w->lock);
    bool stops = !m->has_turn && !m->is_taken && session_must_stop(m->session);
    if (stops)
        list_remove(&m->link);
    bool is_taken = m->is_taken;
    pthread_mutex_unlock(&w->lock);
    return stops || is_taken;
}

/* True: it has the turn, or another has done its work. False when the session's time was over first; then it is in no
 * queue. */
static bool wait_for_turn(struct sqlite_writer *w, struct member *m, int64_t until)
{
    const struct timespec limit = { .tv_sec = until / CLOCK_SECOND, .tv_nsec = until % CLOCK_SECOND * 1000 };

    metric_add(w->waiting, 1);
    while (!is_settled(m)) {
        sleep_until(m, &limit);
        if (!is_settled(m) && stops_waiting(w, m))
            break;
    }
    metric_add(w->waiting, -1);
    /* Also when the turn came before it was waited for: its post would be taken for the outcome's. */
    while (m->woken < m->posts) {
        if (sem_wait(&m->wake) == 0)
            m->woken++;
    }
    return is_settled(m);
}

static enum outcome wait_for_outcome(struct member *m)
{
    while (sem_wait(&m->wake) != 0) /* interrupted by a signal */
        ;
    return (enum outcome)m->outcome;
}

/* ---- one member ---- */

/* Nothing is open on it, as it never was or an error ended it; or it could not be opened. */
static bool is_over(const struct sqlite_connection *c)
{
    return !c->handle || sqlite3_get_autocommit(c->handle);
}

/* Whatever is open on the connection ends. */
static void end_all(struct sqlite_connection *c)
{
    if (!is_over(c))
        sqlite_control(c, CONTROL_ROLLBACK);
}

/* The member's life ends; its turn too, if it has it. */
static void leave(struct sqlite_writer *w, struct member *m)
{
    if (m->has_turn) {
        m->connection->session = NULL;
        pthread_mutex_lock(&w->lock);
        struct member *next = pass_turn(w);
        pthread_mutex_unlock(&w->lock);
        wake(next);
    }
    m->session->connection = NULL;
    sem_destroy(&m->wake);
    free(m);
}

static int fail_waiting(struct db_session *s)
{
    if (session_is_over(s))
        return session_fail_stopped(s);
    return session_fail(s, DW_EUNAVAILABLE, "",
                        "others wrote to the database for all of %.3g s, and one writes at a time: look for "
                        "slow transactions "
                        "in the log",
                        (double)s->db->options.statement_timeout_us / CLOCK_SECOND);
}

/* In a group that is open already it is one of several. */
static int join_or_begin(struct member *m)
{
    struct sqlite_connection *c = m->connection;
    struct buf why = BUF_INIT;
    int rc = 0;

    m->has_savepoint = !is_over(c);
    if (!m->has_savepoint && sqlite_refresh(c, &why) != 0) {
        rc = session_fail(m->session, DW_EUNAVAILABLE, "", "%s", buf_text(&why));
    } else {
        rc = sqlite_control(c, m->has_savepoint ? CONTROL_MEMBER : CONTROL_BEGIN);
        rc = rc == SQLITE_OK ? 0 : sqlite_fail(m->session, c, rc);
    }
    buf_finish(&why);
    return rc;
}

static struct member *create_member(struct db_session *s)
{
    struct sqlite_writer *w = writer_of(s);
    struct member *m = calloc(1, sizeof(*m));

    if (!m) {
        session_fail(s, DW_ENOMEM, "", "memory is out");
        return NULL;
    }
    m->session = s;
    m->connection = w->connections[sqlite_kind_of(s)];
    m->is_alone = s->who.is_repeat || s->who.is_unguarded;
    m->thread = pthread_self();
    list_init(&m->link);
    sem_init(&m->wake, 0, 0);
    return m;
}

/* True: it has the turn, or its work is done. False: it is gone, and *rc says why. */
static bool take_turn(struct sqlite_writer *w, struct member *m, int *rc)
{
    struct db_session *s = m->session;
    int64_t until = session_deadline_us(s); /* from the queue on another thread may work on it */

    pthread_mutex_lock(&w->lock);
    bool is_own = w->holder && pthread_equal(w->holder->thread, m->thread);
    if (!is_own)
        ask_for_turn(w, m);
    pthread_mutex_unlock(&w->lock);
    if (is_own) {
        leave(w, m);
        *rc = session_fail(
            s, DW_ETX, "",
            "this thread has another transaction open, which would wait for itself: end that first");
        return false;
    }
    if (wait_for_turn(w, m, until))
        return true;
    leave(w, m);
    *rc = fail_waiting(s);
    return false;
}

int sqlite_begin(struct db_session *s)
{
    struct sqlite_writer *w = writer_of(s);
    struct member *m = create_member(s);

    int rc = DW_ENOMEM;
    if (!m || !take_turn(w, m, &rc))
        return rc;
    m->connection->session = s;
    s->connection = m;
    rc = join_or_begin(m);
    if (rc < 0)
        sqlite_rollback(s);
    return rc;
}

/* ---- the end of a group ---- */

/* Commits what is open and tells all who wait for it. SQLite's code. */
static int commit_group(struct sqlite_writer *w, struct member *m)
{
    int rc = sqlite_control(m->connection, CONTROL_COMMIT);
    struct list group;
    enum outcome outcome = rc == SQLITE_OK ? COMMITTED : (rc & 0xff) == SQLITE_IOERR ? LOST : SPOILED;

    if (rc == SQLITE_OK)
        metric_add(w->commits, 1);
    /* What it says would be overwritten by the rollback's. */
    m->outcome = outcome;
    if (rc != SQLITE_OK && list_empty(&w->done) && outcome == SPOILED)
        rc = sqlite_fail(m->session, m->connection, rc);
    end_all(m->connection);
    pthread_mutex_lock(&w->lock);
    end_group(w, &group);
    pthread_mutex_unlock(&w->lock);
    tell_group(&group, outcome);
    return rc;
}

static int answer(struct db_session *s, enum outcome outcome)
{
    switch (outcome) {
    case COMMITTED: return 0;
    case LOST:
        return session_fail(
            s, DW_EUNKNOWN, "SQLITE_IOERR",
            "the disk failed while the transaction was committed: whether it was is known after a restart");
    default:
        return session_fail_repeatable(
            s, "", "another transaction, with which this one shared its commit, spoiled it");
    }
}

/* Passes the turn on; the group's commit, by another, is still to come. Under the lock: who has it now. */
static struct member *leave_to_group(struct sqlite_writer *w, struct member *m)
{
    m->connection->session = NULL;
    m->has_turn = false;
    if (w->group_n++ == 0)
        w->group_us = clock_monotonic_us();
    list_append(&w->done, &m->link);
    return pass_turn(w);
}

/* Its part is done, and nothing can take it out of the transaction any more. */
static int commit_member(struct sqlite_writer *w, struct member *m)
{
    struct db_session *s = m->session;
    struct member *next = NULL;

    pthread_mutex_lock(&w->lock);
    if (group_goes_on(w, m))
        next = leave_to_group(w, m);
    bool is_shared = !list_empty(&w->done);
    pthread_mutex_unlock(&w->lock);
    if (next) {
        wake(next);
        return answer(s, wait_for_outcome(m));
    }
    int rc = commit_group(w, m);
    return rc < 0 && !is_shared ? rc : answer(s, (enum outcome)m->outcome);
}

int sqlite_commit(struct db_session *s)
{
    struct sqlite_writer *w = writer_of(s);
    struct member *m = s->connection;
    int rc = m->has_savepoint ? sqlite_control(m->connection, CONTROL_RELEASE) : SQLITE_OK;

    if (rc != SQLITE_OK) {
        rc = sqlite_fail(s, m->connection, rc);
        sqlite_rollback(s);
        return rc;
    }
    rc = commit_member(w, m);
    leave(w, m);
    return rc;
}

/* Takes its own part back; what others have done stays, if it can. False: it could not, and they are to be told. */
static bool undo(struct member *m)
{
    struct sqlite_connection *c = m->connection;
    bool is_gone = is_over(c);

    if (!is_gone && m->has_savepoint)
        is_gone = sqlite_control(c, CONTROL_ROLLBACK_TO) != SQLITE_OK ||
                  sqlite_control(c, CONTROL_RELEASE) != SQLITE_OK;
    if (is_gone || !m->has_savepoint)
        end_all(c);
    return !is_gone;
}

static void spoil_group(struct sqlite_writer *w)
{
    struct list spoiled;

    pthread_mutex_lock(&w->lock);
    end_group(w, &spoiled);
    pthread_mutex_unlock(&w->lock);
    tell_group(&spoiled, SPOILED);
}

/* Its part is undone: the group's goes on without it, or ends. */
static void leave_undone(struct sqlite_writer *w, struct member *m)
{
    pthread_mutex_lock(&w->lock);
    bool must_commit = !list_empty(&w->done) && !group_goes_on(w, m);
    pthread_mutex_unlock(&w->lock);
    if (must_commit)
        commit_group(w, m);
    leave(w, m);
}

int sqlite_rollback(struct db_session *s)
{
    struct sqlite_writer *w = writer_of(s);
    struct member *m = s->connection;

    if (!undo(m))
        spoil_group(w);
    leave_undone(w, m);
    return 0;
}

/* ---- statements alone ---- */

/* On whichever thread has the turn: 0, or the error of its session, which has not undone anything yet. */
static int do_work(struct member *m)
{
    struct db_session *s = m->session;

    m->connection->session = s;
    s->connection = m;
    DW_TRY(join_or_begin(m));
    int rc = sqlite_query(s, m->rows, m->values);
    if (rc >= 0)
        rc = db_rows_keep(m->rows);
    db_rows_let_go(m->rows);
    if (rc >= 0 && session_must_stop(s))
        rc = session_fail_stopped(s);
    if (rc < 0 || !m->has_savepoint)
        return rc < 0 ? rc : 0;
    rc = sqlite_control(m->connection, CONTROL_RELEASE);
    return rc == SQLITE_OK ? 0 : sqlite_fail(s, m->connection, rc);
}

/* The next one, if it is a statement alone and may join what is open; it is in no queue then. */
static struct member *take_next(struct sqlite_writer *w, const struct member *m)
{
    struct member *next = NULL;

    pthread_mutex_lock(&w->lock);
    if (group_goes_on(w, m) && first_in_queue(w)->rows) {
        next = first_in_queue(w);
        list_remove(&next->link);
        next->is_taken = true;
        next->posts++; /* its outcome */
    }
    pthread_mutex_unlock(&w->lock);
    return next;
}

static void add_to_group(struct sqlite_writer *w, struct member *m)
{
    pthread_mutex_lock(&w->lock);
    if (w->group_n++ == 0)
        w->group_us = clock_monotonic_us();
    list_append(&w->done, &m->link);
    pthread_mutex_unlock(&w->lock);
}

/* Carries out what waits behind m. False: what the group had done is gone, m's part too. */
static bool work_for_others(struct sqlite_writer *w, struct member *m)
{
    bool is_whole = true;

    for (struct member *next; (next = take_next(w, m)) != NULL;) {
        int rc = do_work(next);
        if (rc == 0) {
            add_to_group(w, next);
            continue;
        }
        if (!undo(next)) {
            spoil_group(w);
            is_whole = false;
        }
        next->rc = rc;
        next->outcome = FAILED;
        wake(next); /* from here on it may be gone */
    }
    m->connection->session = m->session;
    return is_whole;
}

/* With the turn: m's own statement, and those of others. */
static int lead(struct sqlite_writer *w, struct member *m)
{
    struct db_session *s = m->session;
    int rc = do_work(m);

    if (rc < 0 && !undo(m))
        spoil_group(w);
    if (!work_for_others(w, m) && rc == 0)
        rc = answer(s, SPOILED);
    if (rc < 0) {
        leave_undone(w, m);
        return rc;
    }
    rc = commit_member(w, m);
    leave(w, m);
    return rc;
}

int sqlite_query_alone(struct db_session *s, struct db_rows *rows, const dw_value *values)
{
    struct sqlite_writer *w = writer_of(s);
    struct member *m = create_member(s);

    int rc = DW_ENOMEM;
    if (!m)
        return rc;
    m->rows = rows;
    m->values = values;
    if (!take_turn(w, m, &rc))
        return rc;
    if (m->has_turn)
        return lead(w, m);
    rc = m->outcome == FAILED ? m->rc : answer(s, (enum outcome)m->outcome);
    leave(w, m);
    return rc;
}

void sqlite_writer_wake(struct sqlite_writer *w, struct db_session *s)
{
    pthread_mutex_lock(&w->lock);
    for (struct list *l = w->queue.next; l != &w->queue; l = l->next) {
        struct member *m = LIST_OWNER(l, struct member, link);
        if (m->session == s) {
            m->posts++;
            sem_post(&m->wake);
        }
    }
    pthread_mutex_unlock(&w->lock);
}
