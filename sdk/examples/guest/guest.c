/* guest - asks the plugin greeter, which must be there before this one is loaded. */
#include <dowel/dowel.h>
#include <greeter/greeter.h>

static int be_greeted(dw_call *c, dw_request *req)
{
    struct greeter_greet q = { .name = NULL };

    DW_TRY(dw_request_read(req, "name", &q.name));
    DW_TRY(greeter_greet(c, &q)); /* greeter's refusal, with its reason, becomes this request's */
    return dw_reply(req, 200, "greeting", q.greeting);
}

static const dw_operation operations[] = { { "beGreeted", be_greeted }, { 0 } };

DOWEL_PLUGIN(.name = "guest", .version = "1.0.0", .summary = "Is greeted by greeter", .license = "MIT",
             .needs = "greeter>=1.0", .operations = operations);
