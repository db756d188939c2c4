/* host.h - the tables of functions that plugins get; one constant table each, in host_NAME.c. */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include <dowel/dowel.h>

extern const dw_call_api host_call_api;
extern const dw_log_api host_log_api;
extern const dw_http_api host_http_api;
extern const dw_out_api host_out_api;
extern const dw_stream_api host_stream_api;
extern const dw_hook_api host_hook_api;
extern const dw_client_api host_client_api;
extern const dw_secure_api host_secure_api;
extern const dw_jobs_api host_jobs_api;
extern const dw_db_api host_db_api;
extern const dw_events_api host_events_api;
extern const dw_auth_api host_auth_api;
extern const dw_command_api host_command_api;
extern const dw_connector_api host_connector_api;

/* Of the table host_auth_api: host_audit.c. */
int host_audit(dw_call *c, const char *action, const char *target, dw_list pairs);

/* The same for what the core does in a plugin's call: `plugin` is whose action it is, "core". */
int host_audit_of(dw_call *c, const char *plugin, const char *action, const char *target, dw_list pairs);

/* The table of tables. One for all plugins and for as long as the process lives: whose call it is, says the call, and a
 * plugin's code outlives its instance. */
extern const dw_host host_tables;

#endif
