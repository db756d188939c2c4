/* own_instance.h - the server itself as an instance: what runs in calls as plugins' code does and is none, such as its verbs of
 * the command line that need plugins to be there (cli/own_commands.h). It is called "core". */
#ifndef PLUGIN_OWN_INSTANCE_H
#define PLUGIN_OWN_INSTANCE_H

#include "plugin/instance.h"

/* With these commands, host-sized and checked, and borrowed as the process. 0, or -1 with a sentence in why. To be given to
 * instance_destroy(). One a process. [main thread] */
int own_instance_create(dw_instance **out, const dw_command *commands, size_t n,
                        const struct plugin_process *process, struct buf *why);

#endif
