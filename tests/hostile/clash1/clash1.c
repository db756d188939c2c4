/* clash1 - has a route, offers a service, and brings a kind of connection; clash2 wants the same route, clash3 the same service, clash6
 * the same kind. */
#include <dowel/dowel.h>

static int get_clash(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply(req, 200, "whose", "clash1");
}

static int serve(dw_call *c, void *question)
{
    (void)c;
    (void)question;
    return 0;
}

static const dw_operation operations[] = { { "getClash", get_clash }, { 0 } };
static const dw_service services[] = { { "clash1.serve/1", serve }, { 0 } };

static const dw_connector connectors[] = { { .name = "clash", .title = "Of clash1" }, { 0 } };

DOWEL_PLUGIN(.name = "clash1", .version = "1.0.0", .summary = "Was here first", .license = "MIT",
             .operations = operations, .services = services, .connectors = connectors);
