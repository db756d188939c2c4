/* Writers take turns, first come first, and those that wait together share one commit.
 *
 * The connection passes from thread to thread. The first of a group begins the transaction; every other is a savepoint in
 * it. Who is done passes the turn to the next and waits; the last commits and tells all, and nobody is told before that. An
 * error that ends the whole transaction (a full disk, an interrupted write) takes the work of those who wait with it: they
 * are told to repeat, and who repeats commits alone. */
#include <errno.h>
#include <stdlib.h>

#include "db/sqlite.h"
#include "metrics/metrics.h"
#include "util/clock.h"

enum {
    GROUP_MAX = 128,              /* members of one commit */
    GROUP_AGE_US = 20 * CLOCK_MS, /* older ones take no more: the first of it waits for its answer */
};

enum outcome { UNDECIDED, COMMITTED, SPOILED, LOST };

/* One transaction, from its begin to its end; the session's connection. */
struct member {
    struct list link; /* in the queue, or among those that are done */
    struct db_session *session;
    struct sqlite_connection *connection;
    pthread_t thread;
    pthread_cond_t wake;
    bool has_turn;
    bool is_alone;
    bool has_savepoint;
    enum outcome outcome;
};

struct sqlite_writer {
    struct sqlite_connection *connections[SQLITE_KINDS]; /* used by who has the turn */

    pthread_mutex_t lock;
    pthread_condattr_t monotonic;

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
    pthread_condattr_init(&w->monotonic);
    pthread_condattr_setclock(&w->monotonic, CLOCK_MONOTONIC);
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
    pthread_condattr_destroy(&w->monotonic);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* ---- turns; all under the lock ---- */

static struct member *first_in_queue(struct sqlite_writer *w)
{
    return list_empty(&w->queue) ? NULL : LIST_OWNER(w->queue.next, struct member, link);
}

static void pass_turn(struct sqlite_writer *w)
{
    struct member *next = first_in_queue(w);

    w->holder = next;
    if (!next)
        return;
    list_remove(&next->link);
    next->has_turn = true;
    pthread_cond_signal(&next->wake);
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

static void tell_group(struct sqlite_writer *w, enum outcome outcome)
{
    while (!list_empty(&w->done)) {
        struct member *m = LIST_OWNER(w->done.next, struct member, link);
        list_remove(&m->link);
        m->outcome = outcome;
        pthread_cond_signal(&m->wake);
    }
    w->group_n = 0;
}

/* False when the session's time was over first; then it is in no queue. */
static bool wait_for_turn(struct sqlite_writer *w, struct member *m)
{
    int64_t until = session_deadline_us(m->session);
    const struct timespec limit = { .tv_sec = until / CLOCK_SECOND, .tv_nsec = until % CLOCK_SECOND * 1000 };

    if (!w->holder) {
        w->holder = m;
        m->has_turn = true;
        return true;
    }
    list_append(&w->queue, &m->link);
    metric_add(w->waiting, 1);
    while (!m->has_turn && !session_must_stop(m->session))
        pthread_cond_timedwait(&m->wake, &w->lock, &limit);
    metric_add(w->waiting, -1);
    if (!m->has_turn)
        list_remove(&m->link);
    return m->has_turn;
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
        pass_turn(w);
        pthread_mutex_unlock(&w->lock);
    }
    m->session->connection = NULL;
    pthread_cond_destroy(&m->wake);
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

int sqlite_begin(struct db_session *s)
{
    struct sqlite_writer *w = writer_of(s);
    struct member *m = calloc(1, sizeof(*m));

    if (!m)
        return session_fail(s, DW_ENOMEM, "", "memory is out");
    m->session = s;
    m->connection = w->connections[sqlite_kind_of(s)];
    m->is_alone = s->who.is_repeat || s->who.is_unguarded;
    list_init(&m->link);
    pthread_cond_init(&m->wake, &w->monotonic);
    m->thread = pthread_self();
    pthread_mutex_lock(&w->lock);
    bool is_own = w->holder && pthread_equal(w->holder->thread, m->thread);
    bool has_turn = !is_own && wait_for_turn(w, m);
    pthread_mutex_unlock(&w->lock);
    if (is_own) {
        leave(w, m);
        return session_fail(
            s, DW_ETX, "",
            "this thread has another transaction open, which would wait for itself: end that first");
    }
    if (!has_turn) {
        leave(w, m);
        return fail_waiting(s);
    }
    m->connection->session = s;
    s->connection = m;
    int rc = join_or_begin(m);
    if (rc < 0)
        sqlite_rollback(s);
    return rc;
}

/* ---- the end of a group ---- */

/* Commits what is open and tells all who wait for it. SQLite's code. */
static int commit_group(struct sqlite_writer *w, struct member *m)
{
    int rc = sqlite_control(m->connection, CONTROL_COMMIT);
    enum outcome outcome = rc == SQLITE_OK ? COMMITTED : (rc & 0xff) == SQLITE_IOERR ? LOST : SPOILED;

    if (rc == SQLITE_OK)
        metric_add(w->commits, 1);
    /* What it says would be overwritten by the rollback's. */
    m->outcome = outcome;
    if (rc != SQLITE_OK && list_empty(&w->done) && outcome == SPOILED)
        rc = sqlite_fail(m->session, m->connection, rc);
    end_all(m->connection);
    pthread_mutex_lock(&w->lock);
    tell_group(w, outcome);
    pthread_mutex_unlock(&w->lock);
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

/* Passes the turn on and waits for the group's commit. */
static enum outcome wait_for_commit(struct sqlite_writer *w, struct member *m)
{
    m->connection->session = NULL;
    m->has_turn = false;
    if (w->group_n++ == 0)
        w->group_us = clock_monotonic_us();
    list_append(&w->done, &m->link);
    pass_turn(w);
    while (m->outcome == UNDECIDED)
        pthread_cond_wait(&m->wake, &w->lock);
    return m->outcome;
}

/* Its part is done, and nothing can take it out of the transaction any more. */
static int commit_member(struct sqlite_writer *w, struct member *m)
{
    struct db_session *s = m->session;

    pthread_mutex_lock(&w->lock);
    bool goes_on = group_goes_on(w, m);
    enum outcome outcome = goes_on ? wait_for_commit(w, m) : UNDECIDED;
    bool is_shared = !list_empty(&w->done);
    pthread_mutex_unlock(&w->lock);
    if (goes_on)
        return answer(s, outcome);
    int rc = commit_group(w, m);
    return rc < 0 && !is_shared ? rc : answer(s, m->outcome);
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

/* Takes its own part back; what others have done stays, if it can. */
int sqlite_rollback(struct db_session *s)
{
    struct sqlite_writer *w = writer_of(s);
    struct member *m = s->connection;
    bool is_gone = is_over(m->connection);

    if (!is_gone && m->has_savepoint)
        is_gone = sqlite_control(m->connection, CONTROL_ROLLBACK_TO) != SQLITE_OK ||
                  sqlite_control(m->connection, CONTROL_RELEASE) != SQLITE_OK;
    if (is_gone || !m->has_savepoint)
        end_all(m->connection);
    pthread_mutex_lock(&w->lock);
    if (is_gone)
        tell_group(w, SPOILED);
    bool must_commit = !list_empty(&w->done) && !group_goes_on(w, m);
    pthread_mutex_unlock(&w->lock);
    if (must_commit)
        commit_group(w, m);
    leave(w, m);
    return 0;
}

void sqlite_writer_wake(struct sqlite_writer *w, struct db_session *s)
{
    pthread_mutex_lock(&w->lock);
    for (struct list *l = w->queue.next; l != &w->queue; l = l->next) {
        struct member *m = LIST_OWNER(l, struct member, link);
        if (m->session == s)
            pthread_cond_signal(&m->wake);
    }
    pthread_mutex_unlock(&w->lock);
}
