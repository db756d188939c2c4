/* crashload - what runs as soon as a file is loaded, before anybody has read its descriptor. CMakeLists.txt makes a plugin
 * of each MISDEED. */
#include <dowel/dowel.h>

#include <stdlib.h>

static int *volatile nowhere;
static volatile int endless = 1;

static void crash(void)
{
    endless = *nowhere;
}

static void leave(void)
{
    exit(0);
}

static void loop(void)
{
    while (endless)
        ;
}

enum { CRASH, LEAVE, LOOP };
static void (*const misdeeds[])(void) = { [CRASH] = crash, [LEAVE] = leave, [LOOP] = loop };

__attribute__((constructor)) static void at_load(void)
{
    misdeeds[MISDEED]();
}

DOWEL_PLUGIN(.name = PLUGIN_NAME, .version = "1.0.0", .summary = "Misbehaves when it is loaded",
             .license = "MIT");
