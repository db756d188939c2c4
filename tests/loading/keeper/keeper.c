/* keeper.c - a plugin with migrations, and with German words. */
#include <dowel/dowel.h>

static int answer(dw_call *c, dw_request *req)
{
    if (dw_request_header(req, "X-Full"))
        return dw_fail(c, DW_ECONFLICT, "there is no room");
    return dw_reply(req, 200, "plugin", "keeper");
}

static const dw_route routes[] = { { "GET", "/keeper", "-", answer }, { 0 } };

DOWEL_PLUGIN(.name = "keeper", .version = "1.0.0", .summary = "Keeps things", .routes = routes);
