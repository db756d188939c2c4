/* commands.h - verbs of plugins: which there are, and one that is called. [main thread]
 *
 * What the plugins that are enabled declare is known from their probes. Where a server runs on the data directory the command
 * runs in it (command_remote.c), else in this process (command_local.c). */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command_terminal.h"
#include "cli/plugin.h"
#include "plugin/registry.h"

/* c->argv begins with a word that is no verb of the server's. Runs the plugin's verb, or with `help` prints what it is; or
 * says that there is none. A cli_exit. */
int cli_command(const struct cli *c, bool help);

/* ---- between the files of it ---- */

/* A command that is to run, with what was typed checked and what it reads read. */
struct cli_call {
    const struct cli *c;
    const char *plugin;
    const dw_command *command;
    size_t words; /* of c->argv, that are the command's name */
    struct terminal_input input;
    struct plugin_view *view; /* its catalog is opened once */
};

/* Through dowel.sock. CLI_UNREACHABLE, and nothing said: no server runs. `again` is set when it may be tried once more soon. */
int command_remote(const struct cli_call *call, bool *again, struct buf *why);

/* In this process, on the data directory whose lock is held. */
int command_local(const struct cli_call *call);

/* What an enum dw_error, or 0, means to who called it: a cli_exit. */
int command_exit(int code);

/* Why the plugin's command is not among those of a registry. */
void command_not_there(struct buf *out, const struct registry *registry, const char *plugin,
                       const char *command);

/* The error of a command, and how it is called where that was wrong. */
int command_failed(const struct cli_call *call, int result, const char *text);

#endif
