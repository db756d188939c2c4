/* sqlite.h - the SQLite driver's own parts, shared by the files sqlite_*.c.
 *
 * Readers come from a pool and hold a connection while rows are open. Writers take turns on one connection (two, of which
 * one has the tenants' walls). WAL lets both go on at the same time. */
#ifndef DB_SQLITE_H
#define DB_SQLITE_H

#include <pthread.h>
#include <sqlite3.h>
#include <sys/types.h>

#include "db/driver.h"
#include "util/list.h"

/* With views that show one tenant's rows, or without. */
enum sqlite_kind { SQLITE_GUARDED, SQLITE_OPEN, SQLITE_KINDS };

/* BEGIN, COMMIT, ROLLBACK, and the same for one member of a group. */
enum sqlite_control {
    CONTROL_BEGIN,
    CONTROL_COMMIT,
    CONTROL_ROLLBACK,
    CONTROL_MEMBER,
    CONTROL_RELEASE,
    CONTROL_ROLLBACK_TO,
    CONTROLS
};

/* Tables that foreign keys join, over however many others, are of one group. */
struct sqlite_link {
    char *table;
    unsigned group;
};

enum { SQLITE_PREPARED_BUCKETS = 64 };

struct sqlite_connection {
    sqlite3 *handle;
    struct sqlite *engine;
    enum sqlite_kind kind;
    struct sqlite_connection *next;    /* in the pool, while nobody uses it */
    struct db_session *session;        /* who uses it now */
    unsigned cursors;                  /* open on it */
    int64_t busy_until_us;             /* how long to wait for other processes; set at the first nap */
    bool is_controlled;                /* a BEGIN or COMMIT runs, which nothing may interrupt */
    const struct statement *statement; /* being prepared or stepped, for the authorizer and the walls */
    struct db_walls *walls;            /* that are put up; held */
    struct sqlite_link *links;         /* which tables foreign keys lead to */
    size_t links_n;
    sqlite3_stmt *controls[CONTROLS];
    struct list ages; /* prepared statements; the newest last */
    struct sqlite_prepared *buckets[SQLITE_PREPARED_BUCKETS];
    unsigned prepared_n;
};

/* A pool of connections for reading. */
struct sqlite_readers {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    struct sqlite_connection *free[SQLITE_KINDS]; /* last used first: its pages are warm */
    unsigned open, max;
    unsigned waiting;
};

struct sqlite {
    struct db *db;
    const char *path;
    struct sqlite_readers readers;
    struct sqlite_writer *writer;
    struct sqlite_notices *notices; /* NULL: nobody listens */
    dev_t device;
    ino_t inode; /* of the file that was opened */
    bool is_new; /* it has no table yet */
};

/* ---- connections: sqlite_connection.c ---- */

/* 0; or with a sentence DB_OPEN_WRONG or -1, as db_open(). */
int sqlite_connect(struct sqlite_connection **out, struct sqlite *engine, enum sqlite_kind kind,
                   struct buf *why);
void sqlite_disconnect(struct sqlite_connection *c); /* NULL is safe */

/* It is open, and the walls that it has put up are the newest. */
bool sqlite_is_fresh(const struct sqlite_connection *c);

/* Opens it anew unless it is fresh; not while anything is open on it. 0; or -1 with a sentence: it can be tried again. */
int sqlite_refresh(struct sqlite_connection *c, struct buf *why);

enum sqlite_kind sqlite_kind_of(const struct db_session *s);

/* SQLite's code. Nothing interrupts it. */
int sqlite_control(struct sqlite_connection *c, enum sqlite_control what);

/* ---- walls: sqlite_guard.c ---- */

/* For a connection that was just opened. SQLite's code. */
int sqlite_guard_set_up(struct sqlite_connection *c);
void sqlite_guard_forget(struct sqlite_connection *c);

/* ---- readers: sqlite_readers.c ---- */

int sqlite_readers_init(struct sqlite_readers *r, unsigned max);
void sqlite_readers_finish(struct sqlite_readers *r);

/* Waits until one is free: 0 or session_fail()'s code. */
int sqlite_readers_take(struct sqlite *engine, struct db_session *s, struct sqlite_connection **out);
void sqlite_readers_give(struct sqlite *engine, struct sqlite_connection *c);
void sqlite_readers_wake(struct sqlite *engine); /* somebody was cancelled */

/* ---- the writer: sqlite_writer.c ---- */

int sqlite_writer_create(struct sqlite *engine, struct buf *why); /* 0 or -1 */
void sqlite_writer_destroy(struct sqlite_writer *w);
int sqlite_begin(struct db_session *s);
int sqlite_commit(struct db_session *s);
int sqlite_query_alone(struct db_session *s, struct db_rows *rows, const dw_value *values);
int sqlite_rollback(struct db_session *s);
void sqlite_writer_wake(struct sqlite_writer *w, struct db_session *s); /* it was cancelled */

/* The writer's, while the session has its turn. */
struct sqlite_connection *sqlite_writing(const struct db_session *s);

/* ---- prepared statements: sqlite_prepared.c ---- */

struct sqlite_prepared {
    struct list age;
    struct sqlite_prepared *next; /* in its bucket */
    uint64_t id;                  /* of the statement; 0: not remembered, as the remembered one is open */
    sqlite3_stmt *handle;
    bool is_open;
    int reprepared; /* SQLite's count when the columns were read */
    size_t columns_n;
    struct db_column *columns;
    struct arena memory; /* of the columns */
};

/* 0 or session_fail()'s code. */
int sqlite_prepare(struct sqlite_connection *c, const struct statement *st, struct sqlite_prepared **out);

/* Reads the columns again where SQLite has prepared it again, as the schema changed. 0 or an error. */
int sqlite_prepared_columns(struct sqlite_connection *c, struct sqlite_prepared *p);
void sqlite_prepared_close(struct sqlite_connection *c, struct sqlite_prepared *p);
void sqlite_prepared_forget_all(struct sqlite_connection *c);

/* ---- statements: sqlite_query.c, sqlite_values.c ---- */

int sqlite_query(struct db_session *s, struct db_rows *rows, const dw_value *values);
int sqlite_next(struct db_rows *rows);
int sqlite_cell(struct db_rows *rows, size_t column, struct db_cell *out);
void sqlite_close_rows(struct db_rows *rows);
int sqlite_script(struct db_session *s, struct str sql);
int sqlite_bind(sqlite3_stmt *st, int n, const dw_value *value); /* SQLite's code */
void sqlite_read_cell(sqlite3_stmt *st, int column, enum db_type declared, struct db_cell *out);

/* ---- between processes: sqlite_lock.c, sqlite_notices.c ---- */

int sqlite_lock(struct db_session *s, const char *name, int64_t patience_us);
void sqlite_unlock_all(struct db_session *s);
int sqlite_notices_make_table(struct sqlite_connection *c); /* SQLite's code */
int sqlite_listen(struct db *db, const struct db_listener *listener);
void sqlite_notices_stop(struct sqlite_notices *n); /* NULL is safe */
int sqlite_notify(struct db_session *s, const char *channel, const char *text);

/* ---- errors: sqlite_errors.c ---- */

/* What SQLite's code means for the session; the sentence names what is to be done. Returns the code. */
int sqlite_fail(struct db_session *s, struct sqlite_connection *c, int rc);

/* "SQLITE_CONSTRAINT_UNIQUE" */
const char *sqlite_code_name(int rc);

/* A sentence about what cannot be used, and what to do; for who has no session too. The handle may be NULL. Returns as
 * db_open() does: DB_OPEN_WRONG, or -1. */
int sqlite_explain(struct buf *why, const char *path, int rc, sqlite3 *handle);

#endif
