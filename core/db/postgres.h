/* postgres.h - inside of the PostgreSQL driver; nobody else includes it.
 *
 *   postgres.c            the table of functions that sessions call
 *   postgres_open.c       what a server and its roles must be like, said with the SQL that makes them so
 *   postgres_pool.c       connections: lent, checked, replaced
 *   postgres_connect.c    one connection, from the URL to its settings
 *   postgres_exchange.c   steps written at once, answers awaited together
 *   postgres_statement.c  statements prepared on a connection, and run
 *   postgres_shape.c      what the server said of a statement's parameters and columns
 *   postgres_values.c     values as PostgreSQL wants them; postgres_cells.c: and as they come back
 *   postgres_errors.c     SQLSTATEs as enum dw_error
 *   postgres_lock.c       locks that outlive transactions
 *   postgres_notices.c    LISTEN, or polling behind a pooler
 *
 * A session has a connection to itself while it needs one. One that all share, pipelined, was measured (bench/README.md): a
 * single slow statement halves what everybody gets done.
 *
 * Two roles. The one that logs in owns nothing and may only read and change rows, behind row security. dowel_system owns
 * every table, is a role that nobody logs in as, and is entered for one transaction: by system sessions, which see all
 * tenants, and by migrations, which would otherwise change no row and not notice.
 *
 * Why not one role, and a policy with OR current_setting('dowel.system') = 'on'? Measured on 100,000 rows of 100 tenants
 * with an index on (tenant_id, n), PostgreSQL 15: with the OR no plan uses the index. A keyed read takes 4.2 ms instead
 * of 0.03, the first 50 rows in order 26 ms instead of 0.06, counting a tenant's rows 26 ms instead of 0.9. */
#ifndef DB_POSTGRES_H
#define DB_POSTGRES_H

#include <libpq-fe.h>

#include "db/driver.h"
#include "util/list.h"

#define PG_SYSTEM_ROLE "dowel_system"

enum pg_type_oid {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_NAME = 19,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_OID = 26,
    PG_JSON = 114,
    PG_FLOAT4 = 700,
    PG_FLOAT8 = 701,
    PG_UNKNOWN = 705,
    PG_BPCHAR = 1042,
    PG_VARCHAR = 1043,
    PG_DATE = 1082,
    PG_TIMESTAMP = 1114,
    PG_TIMESTAMPTZ = 1184,
    PG_INTERVAL = 1186,
    PG_NUMERIC = 1700,
    PG_UUID = 2950,
    PG_JSONB = 3802
};

/* ---- shapes: what the server said of a statement ---- */

/* One for a statement, or one for each mix of values where the server wants to be told their types. Never changes but for
 * its columns, which are put there once. */
struct pg_shape {
    struct list age;
    struct pg_shape *next; /* in its bucket */
    _Atomic unsigned references;
    uint64_t statement, kinds; /* kinds: 0, or pg_kinds_of() the values */
    bool is_by_kinds;          /* this one only says: look for the one with the kinds */
    _Atomic(struct pg_columns *) columns;
    size_t types_n;
    Oid types[];
};

struct pg_column {
    Oid type;
    bool is_expression; /* comes from no table's column */
    const char *label;
};

struct pg_columns {
    size_t n;
    struct pg_column *server; /* as the server names them */
    struct db_column *columns;
    struct arena memory;
};

enum { PG_SHAPE_BUCKETS = 512, PG_SHAPES_MAX = 1024 };

struct pg_shapes {
    pthread_mutex_t lock;
    struct pg_shape *buckets[PG_SHAPE_BUCKETS];
    struct list ages;
    unsigned n;
};

void pg_shapes_init(struct pg_shapes *all);
void pg_shapes_finish(struct pg_shapes *all);

/* The kinds of values that a statement gets, as one number; never 0. */
uint64_t pg_kinds_of(const dw_value *values, size_t n);

/* A held one, or NULL. Follows is_by_kinds. [any thread] */
struct pg_shape *pg_shapes_find(struct pg_shapes *all, uint64_t statement, uint64_t kinds);

/* Remembers what was described; by_kinds: only for values of these kinds. Held; NULL when memory is out. [any thread] */
struct pg_shape *pg_shapes_add(struct pg_shapes *all, uint64_t statement, uint64_t by_kinds,
                               const PGresult *described);
void pg_shapes_forget(struct pg_shapes *all, const struct pg_shape *shape);
struct pg_shape *pg_shape_hold(struct pg_shape *shape);
void pg_shape_drop(struct pg_shape *shape); /* NULL is safe */

/* The columns of a result that a statement of this shape gave; they live as long as the shape, or lie in the arena. NULL
 * when memory is out. [any thread] */
const struct pg_columns *pg_shape_columns(struct pg_shape *shape, const PGresult *result,
                                          struct arena *otherwise);

/* ---- connections ---- */

struct pg_prepared {
    struct list age;
    struct pg_prepared *next;
    struct pg_shape *shape;
    unsigned name; /* "s<name>" */
};

enum { PG_PREPARED_BUCKETS = 128, PG_PREPARED_MAX = 256 };

enum pg_transaction {
    PG_TX_NONE,
    PG_TX_WANTED,
    PG_TX_OPEN
}; /* wanted: BEGIN goes with the first statement */

struct pg_connection {
    struct list link; /* idle, busy, or a lock's */
    struct postgres *pg;
    PGconn *conn;
    int wake;                  /* an eventfd: somebody has cancelled */
    struct db_session *holder; /* guarded by the pool's lock */
    int64_t idle_since_us;
    int64_t planned_us; /* since when its plans may be kept; 0: it has none */
    enum pg_transaction transaction;
    bool is_broken; /* to be closed when it is given back */
    bool is_extra;  /* not counted: a lock's, the listener's, a ping's */
    struct pg_prepared *buckets[PG_PREPARED_BUCKETS];
    struct list ages;
    unsigned prepared_n, next_name;
};

/* A connection's plans are made anew after so long. */
#define PG_REPLAN_US (10LL * 1000 * 1000)

struct postgres {
    struct db *db;
    struct buf shown; /* the URL without its password, for people */
    struct pg_shapes shapes;
    int64_t replan_us; /* PG_REPLAN_US; less in a test */

    pthread_mutex_t lock;
    struct list idle; /* the newest first: what is warm is used, the rest grows old and is closed */
    struct list busy, locks, waiters;
    unsigned open;   /* counted ones */
    bool is_probing; /* while the server is away, one at a time tries */
    int64_t backoff_us, retry_at_us;
    struct buf trouble; /* why the newest attempt failed */
    _Atomic unsigned busy_n, idle_n, locks_n;

    struct pg_listening *listening;
};

/* ---- connecting ---- */

/* One that is set up, or NULL and why, a sentence. s may be NULL: who waits for it. *state gets the SQLSTATE when there was
 * one, else "". */
int pg_connect(struct pg_connection *c, struct db_session *s, int64_t deadline_us, struct buf *why,
               char state[6]);

struct pg_connection *pg_connection_create(
    struct postgres *pg);                            /* not connected yet; NULL: memory, descriptors */
void pg_connection_destroy(struct pg_connection *c); /* NULL is safe */

/* The URL without its password. 0, or -1 and why. */
int pg_show_url(const char *url, struct buf *out, struct buf *why);

/* ---- the pool ---- */

void pg_pool_init(struct postgres *pg);
void pg_pool_finish(struct postgres *pg);

/* Lends the session a connection, and makes it s->connection. Waits for one no longer than the session may, and a few
 * seconds. 0 or an error. [the session's thread] */
int pg_pool_take(struct pg_connection **out, struct db_session *s);
void pg_pool_give_back(struct pg_connection *c);

/* One that is idle, for nobody's session, and may have died meanwhile; NULL when there is none. */
struct pg_connection *pg_pool_take_idle(struct postgres *pg);

/* One that is not counted, for a lock: it waits on nobody who waits for the lock. In pg->locks. */
int pg_pool_take_extra(struct pg_connection **out, struct db_session *s);

/* Whoever waits on the session's behalf looks whether it must stop. [any thread] */
void pg_pool_wake(struct postgres *pg, struct db_session *s);

/* False: the peer has closed it, or says what nobody asked for. */
bool pg_connection_is_alive(struct pg_connection *c);

/* ---- exchanges ---- */

enum pg_step {
    PG_STEP_BEGIN,
    PG_STEP_SETTINGS,
    PG_STEP_PARSE,
    PG_STEP_DESCRIBE,
    PG_STEP_EXECUTE,
    PG_STEP_COMMIT,
    PG_STEP_OTHER
};
enum pg_outcome {
    PG_DONE,
    PG_REFUSED, /* a step failed: exchange->error */
    PG_STOPPED, /* cancelled, or a limit passed; the connection may live on */
    PG_LOST     /* the connection is gone, or of no use */
};
enum { PG_STEPS_MAX = 10 };

struct pg_exchange {
    struct pg_connection *c;
    struct db_session *s; /* whose cancellation and limits hold; NULL: the deadline alone */
    int64_t deadline_us;  /* instead of the session's, when s is NULL or is_final */
    bool
        is_final; /* what cannot be called back: only the deadline ends the wait, and the connection with it */
    bool is_unsent; /* libpq took one of the steps not */
    unsigned steps_n;
    enum pg_step steps[PG_STEPS_MAX];
    PGresult *results[PG_STEPS_MAX];
    int failed; /* the step, or -1 */
};

void pg_exchange_init(struct pg_exchange *x, struct pg_connection *c, struct db_session *s);
void pg_exchange_finish(struct pg_exchange *x);

/* Steps are only written down; run sends them in one write with one Sync behind, and waits for all answers. */
void pg_add_sql(struct pg_exchange *x, enum pg_step step, const char *sql);
void pg_add_sql_with(struct pg_exchange *x, enum pg_step step, const char *sql, const char *value);
void pg_add_prepared(struct pg_exchange *x, enum pg_step step, const char *name, const char *value);
void pg_add_parse(struct pg_exchange *x, const char *name, const char *sql, const Oid *types, size_t n);
void pg_add_describe(struct pg_exchange *x, const char *name);
enum pg_outcome pg_exchange_run(struct pg_exchange *x);

/* BEGIN where it is wanted, and whose rows are to be seen. With every transaction, be it one statement: nothing about a
 * tenant outlives the Sync. */
void pg_add_start(struct pg_exchange *x);
void pg_add_commit(struct pg_exchange *x);

/* The failed step's result; NULL when nothing failed. */
const PGresult *pg_error(const struct pg_exchange *x);

/* Waits for the answers to what was sent by the simple protocol. */
enum pg_outcome pg_await_simple(struct pg_exchange *x);

/* The longest that is waited for an answer which only ends a transaction or a connection. */
enum { PG_GRACE_US = 2 * 1000 * 1000 };

/* ---- statements, values ---- */

/* Runs it on the connection, and leaves the result in the rows. */
int pg_run(struct pg_connection *c, struct db_session *s, struct db_rows *rows, const dw_value *values);

/* The same with the COMMIT of the connection's transaction in the same write. Where that did not come about, the transaction
 * may be left open. */
int pg_run_and_commit(struct pg_connection *c, struct db_session *s, struct db_rows *rows,
                      const dw_value *values);
void pg_forget_prepared(struct pg_connection *c);

struct pg_bound {
    size_t n;
    const char **values;
    int *lengths, *formats;
};

/* values[i] as the server wants it for types[i]; in the arena, or borrowed from the values. 0 or an error of the session. */
int pg_bind(struct db_session *s, const struct statement *st, const struct pg_shape *shape,
            const dw_value *values, struct pg_bound *out, struct arena *arena);

enum db_type pg_type_of(Oid type);

/* Rows that are here: a PGresult and where one stands in it. */
struct pg_cursor {
    PGresult *result;
    struct pg_shape *shape; /* held */
    const struct pg_columns *columns;
    int row;
    struct arena bytes; /* of the present row's blobs */
};

int pg_cell(struct db_rows *rows, const struct pg_cursor *cursor, size_t column, struct arena *arena,
            struct db_cell *out);

/* "2026-11-27 09:10:42.786+00"; false on infinity and what is no instant. */
bool pg_read_time(const char *text, int64_t *us);

/* ---- errors ---- */

/* Records why the exchange did not come to its end. */
int pg_fail(struct pg_exchange *x, enum pg_outcome outcome, const struct statement *st);
int pg_fail_with(struct db_session *s, const PGresult *error, const struct statement *st);

/* COMMIT was sent, and what became of it is not known. */
int pg_fail_in_doubt(struct db_session *s);

/* A code of class 08, 57P0x or 25P03: the connection is over. */
bool pg_state_ends_connection(const char *state);
const char *pg_state(const PGresult *result); /* never NULL */

/* The first line, without "ERROR: " and the newline. */
struct str pg_first_line(const char *message);

/* ---- opening, rights, locks, notices ---- */

/* What dowel_system owns, the role that logs in may use: in the transaction that made it, so that no table exists which
 * nobody can read. A view shows what its owner sees, all tenants: only one with security_invoker is granted. Runs as
 * dowel_system. */
void pg_add_grant(struct pg_exchange *x);

int pg_open(struct db *db, struct buf *why);

int pg_lock(struct db_session *s, const char *name, int64_t patience_us);
void pg_unlock_all(struct db_session *s);

/* 0; or an error when a lock of the session went with its connection. */
int pg_check_locks(struct db_session *s);

/* Behind a pooler notices are rows: makes their table. 0, or -1 and why. */
int pg_make_notices(struct pg_connection *c, struct buf *why);
int pg_listen(struct db *db, const struct db_listener *listener);
int pg_notify(struct db_session *s, const char *channel, const char *text);
void pg_listening_stop(struct postgres *pg);

#endif
