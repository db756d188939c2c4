#include "inbox.h"

#include <inttypes.h>
#include <string.h>

#include "hint.h"

/* What a webhook says of amounts is cut to whole numbers, may be old, and may be anything: so only the ticket is taken from it,
 * and read again. A body that is no JSON is a hint that something changed. */
static const char *ticket_in(dw_call *c, const dw_delivery *d)
{
    json_t *body = NULL;
    int64_t id = dw_json_parse(c, dw_delivery_text(d), &body) < 0 ? 0 : hint_ticket(body);

    return id ? dw_format(c, "%" PRId64, id) : NULL;
}

int zammad_take_webhook(dw_call *c, const dw_delivery *d)
{
    const char *ticket = ticket_in(c, d);
    dw_connection *conn;
    int rc = dw_connection_open(c, d->source, &conn);

    /* While it is disabled nothing is synced, and the first pass afterwards sees it all; once it is gone nobody wants to know. */
    if (rc == DW_ECONFLICT || rc == DW_ENOTFOUND) {
        dw_info(c, "a webhook came for a connection that is disabled or gone", "connection", d->source);
        return 0;
    }
    DW_TRY(rc);
    DW_TRY(dw_tx_begin(c));
    DW_TRY(dw_connection_changed(c, conn, ticket));
    return dw_tx_commit(c);
}
