/* plugin.h - what the actions of `dowel plugin` share. */
#ifndef CLI_PLUGIN_H
#define CLI_PLUGIN_H

#include <jansson.h>

#include "cli/settings.h"
#include "plugin/plan.h"

/* Each in a file of its own: plugin_list.c, plugin_enable.c, plugin_verify.c, plugin_purge.c. The name or file is c->argv[1]. */
int plugin_list(const struct cli *c);
int plugin_info(const struct cli *c);
int plugin_enable(const struct cli *c);
int plugin_disable(const struct cli *c);
int plugin_verify(const struct cli *c);
int plugin_purge(const struct cli *c);

/* All plugins, and what would become of each if the server started now. */
struct plugin_view {
    struct cli_settings settings;
    struct quarantine *quarantine;
    struct arena arena;
    struct plan plan;
};

/* CLI_OK; or CLI_CONFIG or CLI_FAILED after saying why. Wrong settings of a plugin are no error here: they decline it.
 * Close it in each case. */
int plugin_view_open(struct plugin_view *v, const struct cli *c);
void plugin_view_close(struct plugin_view *v);

/* The same of those that the configuration names alone, and without a word about what is wrong: for who looks for plugins'
 * verbs. */
int plugin_view_peek(struct plugin_view *v, const struct cli *c);

/* NULL after saying that there is none of that name. */
const struct plan_plugin *plugin_view_find(const struct plugin_view *v, const char *name);

/* Does a server that runs on this data, or ran last, work with it? */
bool plugin_is_loaded_now(const struct cli *c, const char *name);

/* Prints the value as one line of JSON, and gives it back. CLI_OK or CLI_FAILED. */
int plugin_print_json(json_t *value);

#endif
