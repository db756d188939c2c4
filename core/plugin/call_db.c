#include "plugin/call_db.h"

#include "jobs/jobs.h"
#include "plugin/idempotency.h"
#include "plugin/rows.h"

/* ---- who may use it ---- */

/* Only the thread that owns all of these changes the list, so that it may read it without the lock. */
static const dw_call *in_transaction(const dw_call *c)
{
    for (const dw_call *other = c->root->sessions; other; other = other->older_session) {
        if (db_in_transaction(other->session))
            return other;
    }
    return NULL;
}

bool call_in_transaction(const dw_call *c)
{
    return c->session && db_in_transaction(c->session);
}

int call_refuse_in_transaction(dw_call *c, const char *step)
{
    if (!in_transaction(c))
        return 0;
    return call_fail_inner(
        c, DW_ETX,
        "%s: not while a transaction is open, which may still fail and run again; do it before "
        "dw_tx_begin or after dw_tx_commit",
        step);
}

static int refuse_beside(dw_call *c, const dw_call *holder, const char *step)
{
    return call_fail_inner(
        c, DW_ETX,
        "%s: %s has a transaction open on another call of this callback, and two of them would wait for "
        "each other; commit it first",
        step, holder->instance->name);
}

/* ---- making it ---- */

/* ud is the root call. */
static int before_commit(struct db_session *s, void *ud)
{
    const dw_call *root = ud;

    DW_TRY(root->job ? job_check_lease(root->job, s) : 0);
    return root->claim ? idempotency_before_commit(s, root->claim) : 0;
}

static int create(dw_call *c, const char *step, struct db *db)
{
    dw_call *root = c->root;
    const struct db_who who = {
        .owner = c->instance->name,
        .tenant = c->tenant,
        .principal = c->principal,
        .is_system = c->is_system,
        .now_us = call_wall_us(c),
        .deadline_us = c->deadline_us == INT64_MAX ? 0 : c->deadline_us,
        .before_commit = root->job || root->claim ? before_commit : NULL,
        .before_commit_ud = root,
    };

    if (db_session_create(&c->session, db, &who) == 0)
        return 0;
    c->session = NULL;
    return call_fail(c, DW_ENOMEM, "%s: out of memory", step);
}

/* From here on whoever cancels the call ends what runs in it. */
static void announce(dw_call *c)
{
    dw_call *root = c->root;

    pthread_mutex_lock(&root->lock);
    c->older_session = root->sessions;
    root->sessions = c;
    if (atomic_load_explicit(&root->cancelled, memory_order_relaxed))
        db_session_cancel(c->session);
    pthread_mutex_unlock(&root->lock);
}

/* A call of a plugin's own thread may last for days, and its :now must not be that of the first one. So each statement of
 * such a call, or each transaction, has a session of its own. */
static void renew_lasting(dw_call *c)
{
    if (c->session && c->root->is_opened && !db_in_transaction(c->session) && !rows_any_open(c))
        call_session_end(c);
}

int call_session(dw_call *c, const char *step, struct db_session **out)
{
    *out = NULL;
    DW_TRY(call_check(c, step));
    struct db *db = c->instance->process->db;
    if (!db)
        return call_fail_inner(c, DW_EUNAVAILABLE, "%s: this process has no database", step);
    const dw_call *holder = in_transaction(c);
    if (holder && holder != c)
        return refuse_beside(c, holder, step);
    renew_lasting(c);
    if (!c->session) {
        DW_TRY(create(c, step, db));
        announce(c);
    }
    *out = c->session;
    return 0;
}

int call_session_result(dw_call *c, const char *step, int64_t rc)
{
    dw_call *root = c->root;
    const struct db_error *e;

    root->wants_repeat = rc < 0 && db_wants_repeat(c->session);
    if (rc >= 0)
        return rc < INT32_MAX ? (int)rc : INT32_MAX;
    idempotency_not_committed(root->claim);
    e = db_error_of(c->session);
    if (rc == DW_EMISUSE)
        return call_misuse(c, "%s: %s", step, e->text);
    call_fail_detail(c, (int)rc, e->detail, "%s: %s", step, e->text);
    c->error_is_inner = true; /* names tables, columns and values: nothing for a stranger */
    return (int)rc;
}

/* ---- what the callback did ---- */

static bool has_forgotten(const dw_call *c)
{
    bool has = call_in_transaction(c);

    for (const dw_call *d = c->derived; d && !has; d = d->older_derived)
        has = has_forgotten(d);
    return has;
}

int call_check_committed(dw_call *c, int rc)
{
    if (rc < 0 || !has_forgotten(c))
        return rc;
    return call_misuse(
        c, "%s returned with a transaction open, which was rolled back; dw_tx_commit() is missing", c->what);
}

void call_seen_outside(dw_call *c)
{
    dw_call *root = c->root;

    root->was_seen_outside = true;
}

/* ---- ending it ---- */

void call_session_end(dw_call *c)
{
    dw_call *root = c->root;
    dw_call **at = &root->sessions;

    if (!c->session)
        return;
    pthread_mutex_lock(&root->lock);
    while (*at != c)
        at = &(*at)->older_session;
    *at = c->older_session;
    pthread_mutex_unlock(&root->lock);
    rows_close_all(c);
    if (db_has_committed(c->session))
        call_seen_outside(c);
    db_session_destroy(c->session);
    c->session = NULL;
}

void call_sessions_cancel(dw_call *root)
{
    for (dw_call *c = root->sessions; c; c = c->older_session)
        db_session_cancel(c->session);
}
