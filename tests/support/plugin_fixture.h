/* plugin_fixture.h - an instance without a plugin, and the host's tables as a plugin of a unit test sees them. Include it
 * after cmocka.h. */
#ifndef TESTS_PLUGIN_FIXTURE_H
#define TESTS_PLUGIN_FIXTURE_H

#include <dowel/dowel.h>

#include "plugin/call.h"
#include "plugin/host.h"

static struct plugin_process fixture_process;
static dw_instance fixture_instance = { .magic = INSTANCE_MAGIC,
                                        .name = "notes",
                                        .process = &fixture_process };

static const dw_host fixture_host = {
    .struct_size = sizeof(dw_host),
    .call = &host_call_api,
    .log = &host_log_api,
    .out = &host_out_api,
    .secure = &host_secure_api,
    .db = &host_db_api,
    .events = &host_events_api,
    .stream = &host_stream_api,
    .client = &host_client_api,
};
const dw_host *dw_host_ = &fixture_host;

static inline dw_call *fixture_begin_with(struct call_options options)
{
    dw_call *c;

    options.instance = options.instance ? options.instance : &fixture_instance;
    options.what = options.what ? options.what : "test";
    assert_int_equal(call_begin(&c, &options), 0);
    return c;
}

static inline dw_call *fixture_begin(void)
{
    return fixture_begin_with((struct call_options){ 0 });
}

#endif
