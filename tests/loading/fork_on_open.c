/* fork_on_open.c - leaves a process behind that holds every file it inherited. */
#include <dowel/dowel.h>
#include <unistd.h>

__attribute__((constructor)) static void stay(void)
{
    if (fork() == 0)
        for (;;)
            pause();
}

DOWEL_PLUGIN(.name = "fork_on_open", .version = "1.0.0");
