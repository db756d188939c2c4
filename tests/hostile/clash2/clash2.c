/* clash2 - wants the route of clash1. */
#include <dowel/dowel.h>

static int get_clash(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply(req, 200, "whose", "clash2");
}

static const dw_operation operations[] = { { "getClashToo", get_clash }, { 0 } };

DOWEL_PLUGIN(.name = "clash2", .version = "1.0.0", .summary = "Wants another's route", .license = "MIT",
             .operations = operations);
