/* good - the well-behaved neighbour: whatever the others do, its requests must go on. */
#include <dowel/dowel.h>

static int get_good(dw_call *c, dw_request *req)
{
    const char *name = "nobody";

    DW_TRY(dw_request_read(req, "name", &name));
    return dw_reply(req, 200, "text", dw_format(c, "good day, %s", name));
}

/* Takes a JSON body, which the host parses with the library that others try to stand in for. */
static int post_good(dw_call *c, dw_request *req)
{
    int64_t number = 0;

    (void)c;
    DW_TRY(dw_request_read(req, "number", &number));
    return dw_reply(req, 200, "number", number);
}

static const dw_operation operations[] = { { "getGood", get_good }, { "postGood", post_good }, { 0 } };

DOWEL_PLUGIN(.name = "good", .version = "1.0.0", .summary = "Does what it should", .license = "MIT",
             .operations = operations);
