#include "plugin/own_instance.h"

#include <dowel/plugin.h>

#include "plugin/commands.h"
#include "plugin/descriptor.h"

int own_instance_create(dw_instance **out, const dw_command *commands, size_t n,
                        const struct plugin_process *process, struct buf *why)
{
    static const dw_host *host; /* what a plugin would find the tables by */
    static const dw_plugin raw = { .struct_size = sizeof(raw), .host = &host };
    static struct plugin_descriptor descriptor = {
        .raw = &raw,
        .name = "core",
        .version = DOWEL_VERSION,
        .summary = "",
        .license = "",
        .needs = "",
        .wants = "",
    };

    descriptor.commands = commands;
    descriptor.commands_n = n;
    if (instance_create(out, &descriptor, process) != 0) {
        buf_add_text(why, "out of memory");
        return -1;
    }
    if (commands_register(*out, why) == 0)
        return 0;
    instance_destroy(*out);
    *out = NULL;
    return -1;
}
