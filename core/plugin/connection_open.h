/* connection_open.h - connections as calls have them: from what is kept, or from what an admin typed. [owner of the call] */
#ifndef PLUGIN_CONNECTION_OPEN_H
#define PLUGIN_CONNECTION_OPEN_H

#include "connections/draft.h"
#include "plugin/call.h"
#include "plugin/connection.h"
#include "plugin/connectors.h"

/* One that is kept, of the call's tenant; it ends with the call or its current scope. 0, or what dw_connection_open() returns,
 * recorded in the call. */
int connection_open_kept(dw_call *c, const char *step, const char *id, dw_connection **out);

/* One that is not kept, or not so: borrowed from the draft, which has no faults. 0, or DW_ENOMEM. */
int connection_open_draft(dw_call *c, const struct connection_draft *draft, dw_connection **out);

/* The same as the connector sees it, in a call of its own plugin inside of the asker's: ends with connection_take_back(), for which NULL
 * is safe. NULL: memory. */
dw_connection *connection_lend(const dw_connection *conn, dw_call *child);
void connection_take_back(dw_connection *lent);

/* The kind of an open connection: it is there for as long as the process. */
const struct connector_kind *connection_kind(const dw_connection *conn);

/* What came of asking there (rc of a question whose answer depends on the other side): kept as its health, when that tells anything
 * new. [outside of transactions] */
void connection_note(dw_call *c, const dw_connection *conn, int rc);

#endif
