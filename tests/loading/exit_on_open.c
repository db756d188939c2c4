/* exit_on_open.c - ends the process, as if all were well. */
#include <dowel/dowel.h>
#include <stdlib.h>

__attribute__((constructor)) static void leave(void)
{
    exit(0);
}

DOWEL_PLUGIN(.name = "exit_on_open", .version = "1.0.0");
