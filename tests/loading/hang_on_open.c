/* hang_on_open.c - never comes back from being opened. */
#include <dowel/dowel.h>
#include <unistd.h>

__attribute__((constructor)) static void hang(void)
{
    for (;;)
        pause();
}

DOWEL_PLUGIN(.name = "hang_on_open", .version = "1.0.0");
