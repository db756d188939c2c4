/* connection_view.h - connections, their kinds and what was found about them as JSON: what admins and REST clients see, over HTTP
 * and on the command line alike. No secret is ever in it; of each it says whether one is kept. [any thread] */
#ifndef OPERATIONS_CONNECTION_VIEW_H
#define OPERATIONS_CONNECTION_VIEW_H

#include <dowel/connector.h>
#include <jansson.h>

#include "db/db.h"
#include "plugin/connection_ask.h"
#include "plugin/connectors.h"
#include "util/buf.h"

/* Schema Connector of core/contract/api.yaml; a new object, NULL when memory is out. */
json_t *connection_view_kind(const struct connector_kind *kind);

/* Schema Connection: the current row of connections_query(). 0, or an error. */
int connection_view_row(struct buf *out, struct db_rows *rows, const struct connectors *kinds);

/* Schema Tested; a new object, NULL when memory is out. */
json_t *connection_view_answer(const struct connection_answer *a);

/* Schemas ConnectionUse and Thing; as above. */
json_t *connection_view_use(const dw_connection_use *use, const char *plugin);
json_t *connection_view_thing(const dw_thing *thing);

/* Where the other system sends its webhooks: "/api/v1/hooks/zammad/019c...". */
void connection_view_path(struct buf *out, const struct connector_kind *kind, const char *id);

#endif
