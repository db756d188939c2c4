/* connection_make.h - connections that a plugin makes: for whoever moves here from another system. What admins do by hand is in
 * operations/connection_work.h, which does the work here as well: audit log, events, the source of webhooks. */
#ifndef PLUGIN_CONNECTION_MAKE_H
#define PLUGIN_CONNECTION_MAKE_H

#include "plugin/call.h"

/* The slots of dw_connector_api. */
int connection_make(dw_call *c, const char **id, const dw_connection_wanted *wanted);
int connection_make_try(dw_call *c, const dw_connection_wanted *wanted);

#endif
