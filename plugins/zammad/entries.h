/* entries.h - the role of a time source. */
#ifndef ZAMMAD_ENTRIES_H
#define ZAMMAD_ENTRIES_H

#include <dowel/dowel.h>

int zammad_list_entries(dw_call *c, dw_connection *conn, const dw_entry_query *query, dw_found *out);

#endif
