/* settings.h - a plugin's items as a table of the configuration. */
#ifndef PLUGIN_SETTINGS_H
#define PLUGIN_SETTINGS_H

#include "config/item.h"
#include "plugin/descriptor.h"

/* The table, in the arena; its texts are the descriptor's. NULL when memory is out. */
const struct config_table *plugin_table(const struct plugin_descriptor *d, struct arena *arena);

#endif
