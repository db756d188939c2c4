/* db.h - SQL in the call's session, which sees the call's tenant and nothing else. Since ABI minor 2.
 *
 *   DW_TRY(dw_tx_begin(c));
 *   DW_TRY(dw_db_change(c, "UPDATE notes SET body = $2 WHERE id = $1", id, body));
 *   DW_TRY(dw_db_exec(c, "INSERT INTO note_changes (note_id, changed_at) VALUES ($1, :now)", id));
 *   return dw_tx_commit(c);
 *
 * SQL stands first, its values after it: $1.. in order; :tenant, :me (the principal's id) and :now (one instant for the
 * whole callback; in a call of your own thread, for each statement or transaction) come by themselves. Values are of any kind that DW() takes; there is no way to paste text into SQL. Results
 * may be open at the same time.
 *
 * Where the engine wants a transaction repeated (SQLite was busy, PostgreSQL could not serialize it), the step fails with
 * DW_EUNAVAILABLE; return it. The callback is then run again from its start in a fresh call, unless something of it was
 * committed or seen outside already. So what a callback does beside the database it may do more than once. */
#ifndef DOWEL_DB_H
#define DOWEL_DB_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dw_rows dw_rows;

/* Where the common subset of SQL ends. */
enum dw_dialect { DW_SQLITE = 1, DW_POSTGRES = 2 };

typedef struct dw_db_api {
    uint32_t struct_size;
    int (*query)(dw_call *c, dw_rows **out, dw_list sql_and_values);
    int (*next)(dw_rows *rows, dw_list targets);
    void (*close)(dw_rows *rows);
    int (*find)(dw_call *c, dw_list targets, dw_list sql_and_values);
    int (*exec)(dw_call *c, dw_list sql_and_values);
    int (*begin)(dw_call *c);
    int (*commit)(dw_call *c);
    int (*rollback)(dw_call *c);
    int (*dialect)(dw_call *c);
    int (*search)(dw_call *c, dw_rows **out, const char *table, const char *typed, dw_list sql_and_values);
} dw_db_api;

static inline DW_MUST_CHECK int dw_db_query_(dw_call *c, dw_rows **out, dw_list sql_and_values)
{
    return dw_host_->db->query(c, out, sql_and_values);
}
static inline DW_MUST_CHECK int dw_rows_next_(dw_rows *rows, dw_list targets)
{
    return dw_host_->db->next(rows, targets);
}
static inline DW_MUST_CHECK int dw_db_find_(dw_call *c, dw_list targets, dw_list sql_and_values)
{
    return dw_host_->db->find(c, targets, sql_and_values);
}
static inline DW_MUST_CHECK int dw_db_exec_(dw_call *c, dw_list sql_and_values)
{
    return dw_host_->db->exec(c, sql_and_values);
}
static inline DW_MUST_CHECK int dw_db_search_(dw_call *c, dw_rows **out, const char *table, const char *typed,
                                              dw_list sql_and_values)
{
    return dw_host_->db->search(c, out, table, typed, sql_and_values);
}
static inline DW_MUST_CHECK int dw_db_found_(dw_call *c, int rows)
{
    return rows == 0 ? dw_fail(c, DW_ENOTFOUND, "there is no such thing") : rows;
}

/* dw_db_query(c, &rows, "SELECT id, body FROM notes WHERE author = $1", author): starts a statement, RETURNING included;
 * 0. Outside a transaction one that writes is committed when this returns. The rows are closed with the call or its scope;
 * those of a transaction cannot be read after it. Errors: DW_ECONFLICT (a key), DW_EINVALID (a check, a value that does not
 * fit), DW_EUNAVAILABLE (busy, no connection: nothing happened), DW_EUNKNOWN (lost while committing), DW_ETOOLARGE,
 * DW_ECANCELLED, DW_ETX (see below), DW_EMISUSE (the SQL). Their texts are for you: a client is shown what the code means,
 * unless you say more with dw_fail(). [call] */
#define dw_db_query(c, out, ...) dw_db_query_((c), (out), DW_LIST(__VA_ARGS__))

/* while ((rc = dw_rows_next(rows, &id, &body)) > 0): 1 and a row in the targets, 0 at the end, or an error. As many
 * targets as columns; null makes a pointer NULL and a number 0. Texts are borrowed until the next row; json is the
 * call's. [call] */
#define dw_rows_next(rows, ...) dw_rows_next_((rows), DW_LIST(__VA_ARGS__))

/* Ends a result early; only worth it in long loops. NULL is safe. [call] */
static inline void dw_rows_close(dw_rows *rows) { dw_host_->db->close(rows); }

/* dw_db_find(c, DW_TO(&state, &count), "SELECT state, count FROM jobs WHERE id = $1", id): 1 and the first row in the
 * targets, or 0 and they are untouched. Texts are the call's. [call] */
#define dw_db_find(c, targets, ...) dw_db_find_((c), (targets), DW_LIST(__VA_ARGS__))

/* The same, where no row is DW_ENOTFOUND. [call] */
#define dw_db_get(c, targets, ...) dw_db_found_((c), dw_db_find((c), (targets), __VA_ARGS__))

/* dw_db_exec(c, "DELETE FROM notes WHERE id = $1", id): the number of rows changed, 0 is no error. [call] */
#define dw_db_exec(c, ...) dw_db_exec_((c), DW_LIST(__VA_ARGS__))

/* The same, where none changed is DW_ENOTFOUND. [call] */
#define dw_db_change(c, ...) dw_db_found_((c), dw_db_exec((c), __VA_ARGS__))

/* dw_db_search(c, &rows, "cases", typed, "SELECT c.id, c.title FROM found f JOIN cases c ON c.id = f.id"
 *                                        " ORDER BY f.place LIMIT $1", 20): what a person typed, in the words of a tenant table
 * that has a line -- search-table in its migration; the best first by found.place. Words all have to be there; "two words" stand
 * together, begin* begins so, either OR other, -without. Nothing that is typed is an error; without a word, or a tenant,
 * nothing is found, and never more than 1,000. NULL is "". As dw_db_query(), and DW_EMISUSE in dw_call_as_system(): a search
 * is one tenant's. [call] */
#define dw_db_search(c, out, table, typed, ...) \
    dw_db_search_((c), (out), (table), (typed), DW_LIST(__VA_ARGS__))

/* One transaction at a time, a writing one. After a failed statement everything but dw_tx_rollback is DW_ETX, on both
 * engines. It ends with the callback: rolled back, and if the callback returned success, that becomes DW_EMISUSE, so that
 * a forgotten commit is loud. While one is open nothing may wait for the outside or be seen there: dw_fetch and its like,
 * dw_sleep, sends to channels, dw_stream_*, dw_request_detach are DW_ETX. Whom you ask inside one (dw_service_ask,
 * dw_call_as_tenant) cannot use the database: DW_ETX. [call] */
static inline DW_MUST_CHECK int dw_tx_begin(dw_call *c) { return dw_host_->db->begin(c); }
static inline DW_MUST_CHECK int dw_tx_commit(dw_call *c) { return dw_host_->db->commit(c); }

/* 0 also where there is none. [call] */
static inline int dw_tx_rollback(dw_call *c) { return dw_host_->db->rollback(c); }

/* dw_db_dialect(c) == DW_SQLITE ? "..." : "...". [call] */
static inline int dw_db_dialect(dw_call *c) { return dw_host_->db->dialect(c); }

#ifdef __cplusplus
}
#endif
#endif
