#include "db/meter.h"

#include <stdlib.h>
#include <string.h>

#include "log/log.h"
#include "metrics/metrics.h"

enum { SQL_LOGGED_MAX = 1000 };

static const char *const code_names[] = {
    [-DW_EINVALID] = "invalid",    [-DW_EAUTH] = "auth",
    [-DW_EDENIED] = "denied",      [-DW_ENOTFOUND] = "not_found",
    [-DW_ECONFLICT] = "conflict",  [-DW_EPRECONDITION] = "precondition",
    [-DW_ETOOLARGE] = "too_large", [-DW_ERATE] = "rate",
    [-DW_EUPSTREAM] = "upstream",  [-DW_EUNAVAILABLE] = "unavailable",
    [-DW_EUNKNOWN] = "unknown",    [-DW_ECANCELLED] = "cancelled",
    [-DW_EGONE] = "gone",          [-DW_ETX] = "transaction",
    [-DW_ETHREAD] = "thread",      [-DW_EMISUSE] = "misuse",
    [-DW_ENOMEM] = "memory",       [-DW_EINTERNAL] = "internal",
};

struct db_meter {
    struct db_meter *next;
    char *owner;
    struct buf labels; /* owner="notes",engine="sqlite" */
    struct metric *statements, *seconds, *repeats;
    struct metric *transactions[DB_TX_ENDS];
    _Atomic(struct metric *) failures[DW_COUNT_OF(code_names)]; /* made when one happens */
};

static const char *engine_name(const struct db *db)
{
    return db->driver->engine == DB_SQLITE ? "sqlite" : "postgres";
}

/* ---- one an owner ---- */

static struct metric *counter_with(const struct db_meter *m, const char *name, const char *help,
                                   const char *label, const char *value)
{
    struct buf labels = BUF_INIT;
    struct metric *metric = NULL;

    buf_add_str(&labels, buf_str(&m->labels));
    buf_add_char(&labels, ',');
    metrics_label(&labels, label, str_from(value));
    if (!buf_failed(&labels))
        metric = metrics_counter(name, help, buf_text(&labels));
    buf_finish(&labels);
    return metric;
}

static void make_metrics(struct db_meter *m)
{
    static const char *const ends[] = {
        [DB_TX_COMMITTED] = "committed", [DB_TX_ROLLED_BACK] = "rolled_back"
    };
    const char *labels = buf_text(&m->labels);

    m->statements = metrics_counter("dowel_db_statements_total", "SQL statements that were run", labels);
    m->seconds =
        metrics_histogram("dowel_db_statement_seconds", "Time to a statement's first row or its end", labels);
    m->repeats =
        metrics_counter("dowel_db_repeats_total", "Statements repeated as the engine wanted it", labels);
    for (unsigned i = 0; i < DB_TX_ENDS; i++)
        m->transactions[i] =
            counter_with(m, "dowel_db_transactions_total", "Transactions that ended", "end", ends[i]);
}

static void destroy(struct db_meter *m)
{
    buf_finish(&m->labels);
    free(m->owner);
    free(m);
}

static struct db_meter *make(const struct db *db, const char *owner)
{
    struct db_meter *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->owner = strdup(owner);
    metrics_label(&m->labels, "owner", str_from(owner));
    buf_add_char(&m->labels, ',');
    metrics_label(&m->labels, "engine", str_from(engine_name(db)));
    if (!m->owner || buf_failed(&m->labels)) {
        destroy(m);
        return NULL;
    }
    make_metrics(m);
    return m;
}

static struct db_meter *find(struct db_meter *m, const char *owner)
{
    while (m && strcmp(m->owner, owner) != 0)
        m = m->next;
    return m;
}

/* The list only grows, at its head: whoever reads it needs no lock. */
struct db_meter *db_meter_of(struct db *db, const char *owner)
{
    struct db_meter *head = atomic_load_explicit(&db->meters, memory_order_acquire), *found, *made = NULL;

    owner = owner ? owner : "";
    while (!(found = find(head, owner))) {
        if (!made && !(made = make(db, owner)))
            return NULL;
        made->next = head;
        if (atomic_compare_exchange_weak(&db->meters, &head, made))
            return made;
    }
    if (made)
        destroy(made);
    return found;
}

void db_meters_destroy(struct db *db)
{
    struct db_meter *m = atomic_exchange(&db->meters, NULL);

    while (m) {
        struct db_meter *next = m->next;
        destroy(m);
        m = next;
    }
}

/* ---- counting ---- */

void db_meter_statement(struct db_meter *m, int64_t took_us)
{
    if (!m)
        return;
    metric_add(m->statements, 1);
    metric_observe_us(m->seconds, took_us);
}

void db_meter_failure(struct db_meter *m, int code)
{
    if (!m || code >= 0 || (size_t)-code >= DW_COUNT_OF(code_names))
        return;
    struct metric *metric = atomic_load_explicit(&m->failures[-code], memory_order_acquire);
    if (!metric) {
        metric = counter_with(m, "dowel_db_failures_total", "Statements and commits that failed", "code",
                              code_names[-code]);
        atomic_store_explicit(&m->failures[-code], metric, memory_order_release);
    }
    metric_add(metric, 1);
}

void db_meter_repeat(struct db_meter *m)
{
    if (m)
        metric_add(m->repeats, 1);
}

void db_meter_transaction(struct db_meter *m, enum db_transaction_end how)
{
    if (m)
        metric_add(m->transactions[how], 1);
}

/* ---- what is slow ---- */

void db_log_slow(const struct db_session *s, const char *sql, int64_t took_us)
{
    size_t n = strlen(sql);

    log_warn("slow statement", LOG_TEXT("plugin", s->who.owner), LOG_TEXT("engine", engine_name(s->db)),
             LOG_SPAN("seconds", took_us),
             LOG_STR("sql", str_make(sql, n < SQL_LOGGED_MAX ? n : SQL_LOGGED_MAX)));
}
