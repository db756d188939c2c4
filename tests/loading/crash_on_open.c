/* crash_on_open.c - dies before anybody asked it anything. */
#include <dowel/dowel.h>
#include <signal.h>
#include <stdio.h>

__attribute__((constructor)) static void crash(void)
{
    fputs("about to fall\n", stderr);
    raise(SIGSEGV);
}

DOWEL_PLUGIN(.name = "crash_on_open", .version = "1.0.0");
