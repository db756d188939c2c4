/* clash4 - has a verb that is the server's own. */
#include <dowel/dowel.h>

static int run(dw_call *c, dw_command_run *r)
{
    (void)c;
    return dw_command_print(r, "clash4");
}

static const dw_command commands[] = { { .name = "job list", .summary = "Lists", .run = run }, { 0 } };

DOWEL_PLUGIN(.name = "clash4", .version = "1.0.0", .summary = "Wants the server's verb", .license = "MIT",
             .commands = commands);
