#include "plugin/host.h"

const dw_host host_tables = {
    .struct_size = sizeof(dw_host),
    .abi_major = DW_ABI_MAJOR,
    .abi_minor = DW_ABI_MINOR,
    .call = &host_call_api,
    .log = &host_log_api,
    .http = &host_http_api,
    .out = &host_out_api,
    .stream = &host_stream_api,
    .hook = &host_hook_api,
    .client = &host_client_api,
    .secure = &host_secure_api,
    .jobs = &host_jobs_api,
    .db = &host_db_api,
    .events = &host_events_api,
    .connector = &host_connector_api,
    .auth = &host_auth_api,
    .command = &host_command_api,
};
