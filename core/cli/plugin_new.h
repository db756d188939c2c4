/* plugin_new.h - the folder of a new plugin, as sdk/template has it. */
#ifndef CLI_PLUGIN_NEW_H
#define CLI_PLUGIN_NEW_H

#include <dowel/plugin.h>

#include "util/buf.h"

/* sdk/template; ends with { 0 }. The plugin's name stands everywhere as "myplugin", in paths too. */
extern const dw_asset template_assets[];

/* Writes the template for the plugin `name` into `directory`, which must not exist or be empty; the folders above it are
 * made. 0, or -1 with a sentence in why; then nothing of it is left. [main thread] */
int plugin_new(const char *name, const char *directory, struct buf *why);

#endif
