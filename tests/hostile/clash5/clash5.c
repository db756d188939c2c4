/* clash5 - shares a first word with errand, which is well, and has a verb that begins as one of errand's does. */
#include <dowel/dowel.h>

static int run(dw_call *c, dw_command_run *r)
{
    (void)c;
    return dw_command_print(r, "clash5");
}

static const dw_command commands[] = {
    { .name = "errand other", .summary = "Is of clash5", .run = run },
    { .name = "fetch more", .summary = "Fetches more", .run = run },
    { 0 },
};

DOWEL_PLUGIN(.name = "clash5", .version = "1.0.0", .summary = "Wants a verb of errand", .license = "MIT",
             .wants = "errand", .commands = commands);
