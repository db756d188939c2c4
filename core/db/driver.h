/* driver.h - what an engine does for sessions. Two of these tables exist: sqlite_driver and postgres_driver.
 *
 * session.c does what both have in common: which step may follow which, values against parameters, statements read and
 * remembered, slow ones logged, metrics, implicit transactions and their repetition. A driver knows connections. */
#ifndef DB_DRIVER_H
#define DB_DRIVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "db/db.h"
#include "db/statement.h"

struct db_driver;

/* A set of names that never changes; a newer one takes its place. */
struct db_walls {
    _Atomic unsigned references;
    uint64_t version; /* counts up: a connection whose walls are older puts them up anew */
    size_t n;
    const char *tables[]; /* sorted */
};

struct db {
    const struct db_driver *driver;
    struct db_options options;     /* with defaults filled in; texts are the db's own */
    void *engine;                  /* the driver's */
    struct statements *statements; /* read once a text; see statements.h */
    pthread_mutex_t lock;          /* guards walls */
    struct db_walls *walls;
    _Atomic(struct db_meter *) meters; /* see meter.h */
    _Atomic uint64_t walls_version;    /* of those, to be compared without the lock */
};

enum db_transaction { DB_TX_NONE, DB_TX_OPEN, DB_TX_FAILED };

struct db_session {
    struct db *db;
    struct db_who who;
    void *connection; /* the driver's, while it holds one */
    void *held;       /* the driver's locks, until finish() */
    struct db_meter *meter;
    enum db_transaction transaction;
    int64_t transaction_deadline_us;
    int64_t step_us;               /* when the newest step began */
    int64_t statement_deadline_us; /* of the newest statement */
    _Atomic bool cancelled;
    bool wants_repeat, has_committed;
    struct db_rows *rows; /* open, newest first */
    struct db_error error;
    struct buf error_text, error_detail;
    struct db_tree *trees; /* json that db_find() gave out */
    struct arena own;
};

struct db_rows {
    struct db_session *session;
    const struct db_driver *driver;
    struct db_rows *older;
    struct remembered *remembered; /* what keeps the statement; see statements.h */
    const struct statement *statement;
    void *cursor; /* the driver's; NULL: kept in memory */
    size_t columns_n;
    struct db_column *columns; /* of db_column_fill(); in memory, or the cursor's as long as that is open */
    int64_t changed;           /* by a statement that writes; rows that came otherwise */
    struct db_kept *kept;      /* rows that were read ahead of an implicit commit */
    struct db_tree *trees;     /* json that the present row gave out */
    struct arena memory;       /* given back with the rows */
    bool has_row, at_end;
    bool in_transaction; /* and ends with it */
    bool was_cut;        /* it ended before it was read */
    int failure;         /* of next(): an end that is none must not look like one */
};

struct db_column {
    const char *name; /* without "::type" */
    enum db_type type;
    struct str json; /* "name": as it stands in an object */
};

/* Every function returns 0 or more, or session_fail(...)'s code. [the session's thread] */
struct db_driver {
    enum db_engine engine;
    int (*open)(struct db *db, struct buf *why); /* as db_open() */
    void (*close)(struct db *db);
    int (*ping)(struct db *db, struct buf *why);

    int (*begin)(struct db_session *s);
    int (*commit)(struct db_session *s); /* afterwards there is no transaction, whatever it returns */
    int (*rollback)(struct db_session *s);

    /* Binds, runs to the first row or the end, fills rows->columns. In a transaction, or a read of its own.
     *
     * values[i] belongs to statement->parameters[i], wherever that comes from. They have been judged and made simple:
     * null is DW_NULL of whatever kind it was; DW_TEXT is valid UTF-8 and n its length, DW_JSON the same with its text
     * in place of the tree; DW_UINT has become DW_INT, DW_SPAN stays (microseconds); DW_REAL is no NaN. */
    int (*query)(struct db_session *s, struct db_rows *rows, const dw_value *values);
    /* A statement that writes, as a transaction of its own: begin, query and commit at once. DW_EUNKNOWN when nobody can
     * tell whether it was committed. NULL: that gains this engine nothing. */
    int (*query_alone)(struct db_session *s, struct db_rows *rows, const dw_value *values);
    int (*next)(struct db_rows *rows);                                     /* 1, 0 or an error */
    int (*cell)(struct db_rows *rows, size_t column, struct db_cell *out); /* texts are terminated */
    void (*close_rows)(struct db_rows *rows);

    int (*script)(struct db_session *s, struct str sql);
    int (*lock)(struct db_session *s, const char *name, int64_t patience_us);
    void (*finish)(struct db_session *s); /* gives the connection back; rows are closed, nothing is open */
    void (*cancel)(struct db_session *s); /* [any thread] */
    int (*listen)(struct db *db, const struct db_listener *listener);
    int (*notify)(struct db_session *s, const char *channel, const char *text);
};

extern const struct db_driver sqlite_driver, postgres_driver;

struct remembered;

/* A statement that was read once, held (see statements.h). 0, or DW_EMISUSE and DW_ENOMEM. */
int session_find_statement(struct db_session *s, struct remembered **out, enum db_author by,
                           const dw_value *sql);

/* Records why a step failed; a failure inside a transaction ends it. Returns code. */
int session_fail(struct db_session *s, int code, const char *detail, const char *format, ...) DW_PRINTF(4, 5);

/* The same for what can be tried again from the start: DW_EUNAVAILABLE. */
int session_fail_repeatable(struct db_session *s, const char *detail, const char *format, ...)
    DW_PRINTF(3, 4);

/* The same for what was stopped because it was cancelled or took too long: says which, and with which code. */
int session_fail_stopped(struct db_session *s);

/* It was cancelled, or the call's own deadline has passed: nobody waits for an answer. [any thread] */
bool session_is_over(const struct db_session *s);

/* That, or a limit has passed: whoever waits or computes on its behalf stops. [any thread] */
bool session_must_stop(struct db_session *s);

/* The earliest of the session's, the transaction's and the statement's limit; clock_monotonic_us(). */
int64_t session_deadline_us(const struct db_session *s);

/* Cuts "::type" off the label: it wins over what was declared. In the arena. 0, or -1 when memory is out. */
int db_column_fill(struct db_column *out, struct arena *arena, const char *label, enum db_type declared);

/* The type of a portable name, whatever follows it in brackets: "decimal(10,2)". DB_NULL: none. [any thread] */
enum db_type db_type_of(struct str name);

/* Held; NULL is none. To be dropped. [any thread] */
struct db_walls *db_walls_hold(struct db *db);
uint64_t db_walls_version(struct db *db); /* of the newest; 0: none were learnt yet */
void db_walls_drop(struct db_walls *w);
bool db_walls_has(const struct db_walls *w, struct str table);

#endif
