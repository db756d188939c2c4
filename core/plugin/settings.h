/* settings.h - a plugin's items as a table of the configuration. */
#ifndef PLUGIN_SETTINGS_H
#define PLUGIN_SETTINGS_H

#include <jansson.h>

#include "config/config.h"
#include "plugin/descriptor.h"
#include "plugin/instance.h"

/* The table, in the arena; its texts are the descriptor's. NULL when memory is out. */
const struct config_table *plugin_table(const struct plugin_descriptor *d, struct arena *arena);

/* The same of other items of the plugin: a kind of connection's. */
const struct config_table *settings_table(const char *name, const char *summary, const dw_items *items,
                                          struct arena *arena);

/* The same from what a probe has found (probe.h), which is borrowed. NULL also when that cannot be understood. */
const struct config_table *settings_table_found(const json_t *found, struct arena *arena);

/* What the descriptor's reader does not look at: is each fallback of its item's type and within its limits, does each
 * pattern exist? 0, or -1 with all that is wrong added to why. */
int settings_check_items(const struct plugin_descriptor *d, struct buf *why);

/* Runs the plugin's own check, if it has one, over the settings that the instance was configured with. 0, or -1 with what
 * it said, each thing with the file and line of the item that it is about. [main thread] */
int settings_check(dw_instance *i, struct buf *why);

#endif
