/* clash3 - offers the service of clash1. */
#include <dowel/dowel.h>

static int get_clash3(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply(req, 200, "whose", "clash3");
}

static int serve(dw_call *c, void *question)
{
    (void)c;
    (void)question;
    return 0;
}

static const dw_operation operations[] = { { "getClash3", get_clash3 }, { 0 } };
static const dw_service services[] = { { "clash1.serve/1", serve }, { 0 } };

DOWEL_PLUGIN(.name = "clash3", .version = "1.0.0", .summary = "Offers another's service", .license = "MIT",
             .operations = operations, .services = services);
