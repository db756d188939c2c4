/* commands.h - `dowel timesync ...`. */
#ifndef TIMESYNC_COMMANDS_H
#define TIMESYNC_COMMANDS_H

#include <dowel/dowel.h>

/* The descriptor's. */
extern const dw_command timesync_commands[];

#endif
