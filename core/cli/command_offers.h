/* command_offers.h - which verbs plugins have, as their probes tell, and those of the server's own that are called as they are:
 * nothing of a plugin is opened. [main thread] */
#ifndef CLI_COMMAND_OFFERS_H
#define CLI_COMMAND_OFFERS_H

#include "cli/plugin.h"
#include "plugin/command_line.h"

/* The commands of one plugin. */
struct offer {
    const struct plan_plugin *plugin; /* NULL: the server's own */
    const char *name;                 /* whose they are */
    const dw_command *commands;
    size_t n;
};

/* The server's own, of plugins that are loaded, in their order, then of those that are not. */
struct offers {
    struct plugin_view view;
    struct offer *v;
    size_t n;
    int result; /* of looking */
};

/* Whatever is wrong is in `result`, and not said: then there are only the server's own. Close it in each case. */
void offers_open(struct offers *o, const struct cli *c);
void offers_close(struct offers *o);

static inline bool offer_is_working(const struct offer *offer)
{
    return !offer->plugin || offer->plugin->state == PLUGIN_LOADED;
}

/* Called with each command of the server, and of each plugin that works, until it returns false. */
void offers_each(const struct offers *o,
                 bool (*visit)(const struct offer *offer, const dw_command *command, void *ud), void *ud);

/* "user" of "user add". */
struct str command_first_word(const dw_command *command);

#endif
