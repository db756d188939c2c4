/* connectors.c - /connectors: the kinds of systems that can be connected. */
#include "operations/connection_request.h"
#include "operations/connection_view.h"
#include "operations/tables.h"

static int list_connectors(struct core_request *r)
{
    const struct connector_kind *kind;
    json_t *items = json_array();

    for (size_t i = 0; items && (kind = connectors_at(r->process->connectors, i)); i++) {
        if (json_array_append_new(items, connection_view_kind(kind)) == 0)
            continue;
        json_decref(items);
        items = NULL;
    }
    return connection_request_reply(r, 200, items ? json_pack("{s:o}", "items", items) : NULL);
}

static int get_connector(struct core_request *r)
{
    const char *name = core_text(r, "kind");
    const struct connector_kind *kind = name ? connectors_find(r->process->connectors, name) : NULL;

    return kind ? connection_request_reply(r, 200, connection_view_kind(kind)) : DW_ENOTFOUND;
}

const struct core_operation core_connector_operations[] = {
    { "listConnectors", list_connectors },
    { "getConnector", get_connector },
    { 0 },
};
