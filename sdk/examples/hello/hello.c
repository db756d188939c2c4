/* hello - the smallest plugin: one operation. */
#include <dowel/dowel.h>

static int say_hello(dw_call *c, dw_request *req)
{
    const char *name = "world";

    DW_TRY(dw_request_read(req, "name", &name));
    return dw_reply(req, 200, "text", dw_format(c, "Hello, %s!", name));
}

static const dw_operation operations[] = { { "sayHello", say_hello }, { 0 } };

DOWEL_PLUGIN(.name = "hello", .version = "1.0.0", .summary = "Says hello", .license = "MIT",
             .operations = operations);
