/* db.h - the database: one session for whoever runs SQL, on SQLite or PostgreSQL.
 *
 * A session belongs to one call, and sees what that call's tenant may see. SQL is written once: $1.. are the values in
 * order, :tenant, :me and :now come by themselves. Values and targets are the SDK's (dowel/value.h), so core code and
 * plugins read alike:
 *
 *   db_exec(s, DB_BY_CORE, DW_LIST("UPDATE dowel_jobs SET state = $2 WHERE id = $1", id, "done"));
 *
 * Every step returns 0 or more, or an enum dw_error with its text in db_error_of(). A statement that fails inside a
 * transaction ends it: all that follows is DW_ETX until db_rollback(), on both engines. */
#ifndef DB_DB_H
#define DB_DB_H

#include <dowel/value.h>

#include "util/arena.h"
#include "util/buf.h"
#include "util/str.h"

struct db;
struct db_session;
struct db_rows;

enum db_engine { DB_SQLITE = 1, DB_POSTGRES = 2 }; /* the numbers of enum dw_dialect */

/* ---- the database ---- */

struct db_options {
    const char *url;      /* "sqlite:/var/lib/dowel/dowel.db", "postgres://user@host/name?..." */
    unsigned connections; /* at most so many at a time; 0: sixteen */
    bool
        through_pooler; /* a pooler in transaction mode stands before PostgreSQL: nothing lasts on a connection */
    int64_t mmap_bytes;             /* of SQLite's file, read where the system has it; 0: none */
    int64_t statement_timeout_us;   /* 0: 30 s */
    int64_t transaction_timeout_us; /* 0: 10 s; on SQLite nobody else writes meanwhile */
    int64_t slow_us;                /* a statement that takes longer is logged with its owner; 0: 200 ms */
};

/* What is named, or how it was set up, is wrong (no folder, no right to write, a wrong password, a role that row security
 * does not hold for): that stays so until somebody changes it. */
enum { DB_OPEN_WRONG = -2 };

/* Opens or makes it, and checks that it can be used: 0; or with a sentence in why that says what to do DB_OPEN_WRONG, or -1
 * for what may pass or is damage (not reached, locked, a full disk, a corrupt file). [main thread] */
int db_open(struct db **out, const struct db_options *options, struct buf *why);

/* Every session must have ended. NULL is safe. */
void db_close(struct db *db);

enum db_engine db_engine(const struct db *db);

/* The guard has to know which tables have a wall (see wall.h): reads dowel_tenant_tables again, and every connection puts
 * the walls up before its next statement. After migrations. 0, or -1 with a sentence in why. [any thread] */
int db_learn_walls(struct db *db, struct buf *why);

/* Can it be reached now? 0, or -1 and why. For /readyz; waits no longer than a second. [any thread] */
int db_ping(struct db *db, struct buf *why);

/* ---- sessions ---- */

/* For whom. Texts are borrowed until the session ends. */
struct db_who {
    const char *owner;     /* whose SQL it is, for the log and metrics: a plugin's name, "core" */
    const char *tenant;    /* a UUID; NULL: none, and then tables with a wall look empty and take nothing */
    const char *principal; /* :me; NULL: null */
    bool is_system;        /* sees all tenants */
    bool is_repeat;    /* runs again what db_wants_repeat(): on SQLite it then commits without neighbours */
    bool is_unguarded; /* migrations: no wall, no limits but the deadline, DDL, the base tables; core only */
    int64_t now_us;    /* :now */
    int64_t deadline_us; /* clock_monotonic_us(); 0: none */
    /* Asked in each transaction before it commits, that of a single statement included; may run statements of the core's in
     * it. Less than 0 rolls it back, and is what the commit returns. NULL: nothing to ask. */
    int (*before_commit)(struct db_session *s, void *ud);
    void *before_commit_ud;
    struct arena *memory; /* where found texts lie; NULL: the session's own, until it ends */
};

/* Takes no connection yet. 0, or -1 when memory is out. One thread at a time uses it. */
int db_session_create(struct db_session **out, struct db *db, const struct db_who *who);

/* Closes rows, rolls back, gives connections back. NULL is safe. */
void db_session_destroy(struct db_session *s);

/* What runs ends with DW_ECANCELLED, and so does whatever comes. [any thread while the session lives] */
void db_session_cancel(struct db_session *s);

/* Whose SQL a statement is. A plugin's names no schema, no table of the core (dowel_*), no DDL, no PRAGMA. */
enum db_author { DB_BY_PLUGIN, DB_BY_CORE };

/* ---- statements; the list is the SQL and its values ---- */

/* Starts a statement, RETURNING included. Outside a transaction one that writes is a transaction of its own: done when
 * this returns, and repeated inside where the engine wants it. The rows end with the session, or at db_rows_close().
 * DW_ECONFLICT (a key), DW_EINVALID (a check; a value that does not fit), DW_EUNAVAILABLE (busy, no connection: nothing
 * happened), DW_EUNKNOWN (lost while committing), DW_ETOOLARGE, DW_ECANCELLED, DW_ETX, DW_EMISUSE (the SQL). */
int db_query(struct db_session *s, struct db_rows **out, enum db_author by, dw_list sql_and_values);

/* The number of rows changed, or of rows that came. */
int64_t db_exec(struct db_session *s, enum db_author by, dw_list sql_and_values);

/* What a plugin searches in the words of a tenant table (search.h). Its SELECT comes first in the list and names what was
 * found: SELECT c.id, c.title FROM found f JOIN cases c ON c.id = f.id ORDER BY f.place. At most 1,000 are found; without a
 * tenant none. DW_EMISUSE also where the table has no index of words, and in a system session; DW_EINVALID: not UTF-8. */
int db_search(struct db_session *s, struct db_rows **out, const char *table, struct str typed,
              dw_list select_and_values);

/* 1 and the first row in the targets, whose texts last as long as who->memory; 0 and they are untouched. */
int db_find(struct db_session *s, dw_list targets, enum db_author by, dw_list sql_and_values);

/* ---- rows ---- */

/* 1: there is one more, 0: the end, or an error. */
int db_rows_next(struct db_rows *rows);

/* The row in the targets, as many as columns. Texts are borrowed until the next row. 0, or DW_EMISUSE. */
int db_rows_read(struct db_rows *rows, dw_list targets);

/* NULL is safe. */
void db_rows_close(struct db_rows *rows);

/* What a cell holds; on both engines the same set. */
enum db_type {
    DB_NULL,
    DB_INTEGER,
    DB_REAL,
    DB_TEXT,
    DB_BLOB,
    DB_BOOLEAN,
    DB_JSON,
    DB_TIME,   /* i: UTC microseconds */
    DB_UUID,   /* text */
    DB_DECIMAL /* text: exact */
};

struct db_cell {
    enum db_type type; /* DB_NULL for null */
    int64_t i;         /* INTEGER, BOOLEAN, TIME */
    double r;          /* REAL */
    struct str text;   /* TEXT, JSON, UUID, DECIMAL; bytes of BLOB. Borrowed until the next row */
};

size_t db_rows_columns(const struct db_rows *rows);

/* Without the "::type" of an alias. Borrowed while the rows are open. */
const char *db_rows_name(const struct db_rows *rows, size_t column);

/* What the column was declared as, or its alias says; DB_NULL: an expression, whose cells know it. */
enum db_type db_rows_type(const struct db_rows *rows, size_t column);
int db_rows_cell(struct db_rows *rows, size_t column, struct db_cell *out);

/* {"id":"...","open":true,...}: the row as JSON text. 0, or -1 when a cell cannot be (invalid UTF-8). */
int db_rows_write_json(struct db_rows *rows, struct buf *out);
int db_cell_write_json(const struct db_cell *cell, struct buf *out);

/* ---- transactions: one at a time, a writing one ---- */

int db_begin(struct db_session *s);
int db_commit(struct db_session *s);
int db_rollback(struct db_session *s); /* 0 also when there is none */
bool db_in_transaction(const struct db_session *s);

/* A change was committed in this session: what is run again from its start would do it twice. */
bool db_has_committed(const struct db_session *s);

/* The engine wants the transaction repeated (busy, a serialization failure, a lost connection, a group commit that a
 * neighbour spoiled): the last error says DW_EUNAVAILABLE, and nothing of it happened. Whoever can run the whole again from
 * its start does so in a new session. */
bool db_wants_repeat(const struct db_session *s);

/* ---- errors ---- */

struct db_error {
    int code;           /* enum dw_error */
    const char *text;   /* for people */
    const char *detail; /* the engine's code: SQLSTATE, "SQLITE_CONSTRAINT_UNIQUE"; or "" */
};

/* Why the last step failed. Never NULL; borrowed until the next failure. */
const struct db_error *db_error_of(const struct db_session *s);

/* ---- for migrations and backups: sessions that are_unguarded ---- */

/* Several statements without values, one after the other; in the open transaction. */
int db_run_script(struct db_session *s, struct str sql);

/* A lock that all servers and command lines share, for as long as the session: 0, or DW_EUNAVAILABLE when another has it
 * longer than patience_us. */
int db_lock(struct db_session *s, const char *name, int64_t patience_us);

/* ---- notices: what other servers have to know within a second ---- */

/* notice(channel, text, ud) on a thread of the database's; it must not block. `lost` is called when notices may have been
 * missed, and whoever remembers something forgets it. `alive`, which may be NULL, is called several times a second as long as
 * all that others have told up to then was heard. One listener; before any session. 0, or -1. */
struct db_listener {
    void (*notice)(const char *channel, const char *text, void *ud);
    void (*lost)(void *ud);
    void (*alive)(void *ud);
    void *ud;
};
int db_listen(struct db *db, const struct db_listener *listener);

/* Told when the open transaction commits, or at once; text at most 512 bytes. */
int db_notify(struct db_session *s, const char *channel, const char *text);

#endif
