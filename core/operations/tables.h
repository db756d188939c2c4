/* tables.h - who answers what: a table of each file of operations. */
#ifndef OPERATIONS_TABLES_H
#define OPERATIONS_TABLES_H

#include "operations/core_operation.h"

extern const struct core_operation core_audit_operations[];
extern const struct core_operation core_connection_operations[];
extern const struct core_operation core_connection_asking_operations[];
extern const struct core_operation core_connector_operations[];
extern const struct core_operation core_event_operations[];
extern const struct core_operation core_webhook_operations[];
extern const struct core_operation core_delivery_operations[];
extern const struct core_operation core_inbox_operations[];
extern const struct core_operation core_source_operations[];

#endif
