/* Locks that outlive transactions: advisory ones, each on a connection of its own, which ends with the session.
 *
 * A pooler in transaction mode gives the server's connection to somebody else after each transaction, so there a lock is
 * the transaction's, and that stays open as long as the lock is held. */
#include <stdio.h>

#include "db/postgres.h"
#include "util/clock.h"

static void add_lock(struct pg_exchange *x, const char *name, int64_t patience_us, bool through_pooler)
{
    char limits[224];

    snprintf(limits, sizeof(limits),
             "SELECT set_config('lock_timeout', '%lld', true), set_config('statement_timeout', '0', true),"
             " set_config('idle_in_transaction_session_timeout', '0', true)",
             (long long)(patience_us < CLOCK_MS ? 1 : patience_us / CLOCK_MS)); /* 0 would be for ever */
    if (through_pooler)
        pg_add_sql(x, PG_STEP_BEGIN, "BEGIN");
    pg_add_sql(x, PG_STEP_OTHER, limits);
    pg_add_sql_with(x, PG_STEP_OTHER,
                    through_pooler ? "SELECT pg_advisory_xact_lock(hashtextextended('dowel ' || $1, 0))"
                                   : "SELECT pg_advisory_lock(hashtextextended('dowel ' || $1, 0))",
                    name);
}

int pg_lock(struct db_session *s, const char *name, int64_t patience_us)
{
    struct pg_connection *c;
    struct pg_exchange x;
    int rc = 0;

    DW_TRY(pg_pool_take_extra(&c, s));
    s->statement_deadline_us = clock_monotonic_us() + patience_us + PG_GRACE_US;
    pg_exchange_init(&x, c, s);
    add_lock(&x, name, patience_us, s->db->options.through_pooler);
    enum pg_outcome outcome = pg_exchange_run(&x);
    if (outcome == PG_REFUSED && strcmp(pg_state(pg_error(&x)), "55P03") == 0)
        rc = session_fail(s, DW_EUNAVAILABLE, "55P03",
                          "another server or command line holds the lock \"%s\": wait until it has ended",
                          name);
    else if (outcome != PG_DONE)
        rc = pg_fail(&x, outcome, NULL);
    pg_exchange_finish(&x);
    if (rc < 0)
        pg_pool_give_back(c);
    return rc;
}

/* Under the pool's lock. */
static struct pg_connection *find(struct postgres *pg, const struct db_session *s, bool dead_ones)
{
    for (struct list *at = pg->locks.next; at != &pg->locks; at = at->next) {
        struct pg_connection *c = LIST_OWNER(at, struct pg_connection, link);
        if (c->holder == s && (!dead_ones || !pg_connection_is_alive(c)))
            return c;
    }
    return NULL;
}

static struct pg_connection *find_lock(const struct db_session *s, bool dead_ones)
{
    struct postgres *pg = s->db->engine;

    if (atomic_load_explicit(&pg->locks_n, memory_order_relaxed) == 0)
        return NULL; /* nearly always */
    pthread_mutex_lock(&pg->lock);
    struct pg_connection *c = find(pg, s, dead_ones);
    pthread_mutex_unlock(&pg->lock);
    return c;
}

int pg_check_locks(struct db_session *s)
{
    if (!find_lock(s, true))
        return 0;
    return session_fail(
        s, DW_EUNAVAILABLE, "",
        "the connection that held this session's lock was lost: somebody else may have it now");
}

void pg_unlock_all(struct db_session *s)
{
    struct pg_connection *c;

    while ((c = find_lock(s, false)))
        pg_pool_give_back(c);
}
