#include "cli/settings.h"
static int run(const struct cli *c)
{
    (void)c;
    return 0;
}
const struct cli_verb cli_verb_doctor = {
    .name = "doctor", .arguments = "", .summary = "Looks for what could be wrong", .run = run
};
