/* call_db.h - a call's session in the database: made when it is first needed, for the call's tenant, under its plugin's
 * name; rolled back and given back when the call ends, or waits for its second half. Cancelled with the call. [owner] */
#ifndef PLUGIN_CALL_DB_H
#define PLUGIN_CALL_DB_H

#include "db/db.h"
#include "plugin/call.h"

/* The session, checked and made as every step that can fail is: 0, or what to return. DW_ETX while another call of the same
 * callback (who asks, or c as it was before dw_call_as_tenant) has a transaction open: on SQLite they would wait for each
 * other. */
int call_session(dw_call *c, const char *step, struct db_session **out);

/* A step on the session returned rc (0 or more: it worked). Records in the call why it failed, and what that means for
 * repeat.h. Returns rc, as an int. */
int call_session_result(dw_call *c, const char *step, int64_t rc);

/* What dw_tx_commit does, under the name of the step that wants it. */
int call_commit(dw_call *c, const char *step);

/* Has c itself a transaction open, one that failed already included? */
bool call_in_transaction(const dw_call *c);

/* 0; or DW_ETX while c, or another call of the same callback, has a transaction open: nothing may wait for the outside
 * meanwhile, or be seen there, since the transaction may still fail and be repeated. */
int call_refuse_in_transaction(dw_call *c, const char *step);

/* What the callback returned, once it is known whether a transaction is open: success becomes DW_EMISUSE then. */
int call_check_committed(dw_call *c, int rc);

/* Something was seen outside: the callback is not run again. */
void call_seen_outside(dw_call *c);

/* Closes rows, rolls back. The next call_session() makes another. For call.c. */
void call_session_end(dw_call *c);

/* Under the root's lock: whatever runs in the sessions of the callback ends. For call.c. */
void call_sessions_cancel(dw_call *root);

#endif
