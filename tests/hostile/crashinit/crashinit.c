/* crashinit - is fine until its init runs, which no probe does. */
#include <dowel/dowel.h>

static int *volatile nowhere;

static int init(dw_call *c)
{
    (void)c;
    return *nowhere;
}

static int get_crashinit(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply(req, 204);
}

static const dw_operation operations[] = { { "getCrashinit", get_crashinit }, { 0 } };

DOWEL_PLUGIN(.name = "crashinit", .version = "1.0.0", .summary = "Crashes in init", .license = "MIT",
             .operations = operations, .init = init);
