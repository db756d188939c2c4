/* command_line.h - what was typed behind a command's words, read by what the command declares; and its help.
 *
 * The program that was called reads it to say at once what is wrong, and the server again by what its own plugin declares: the
 * file may have been replaced since. [any thread] */
#ifndef PLUGIN_COMMAND_LINE_H
#define PLUGIN_COMMAND_LINE_H

#include <jansson.h>

#include "plugin/command_check.h"
#include "util/arena.h"

struct command_typed {
    json_t *values;     /* by argument_key(): texts, true for a switch, lists; the caller's */
    const char *tenant; /* a UUID, or NULL; borrowed from argv */
    bool yes;
};

/* 0; or -1 with a sentence in why that says what to write instead. */
int command_line_read(struct command_typed *out, const dw_command *command, size_t argc,
                      const char *const *argv, int64_t now_us, struct buf *why);

/* "user add EMAIL [NAME] --role ROLE [OPTION...]" */
void command_line_usage(struct buf *out, const dw_command *command);

/* The lines about its arguments, the host's own options included, as the help of other verbs has them. */
void command_line_help(struct buf *out, const dw_command *command);

/* Its options, each with a blank before it: " --role --yes". */
void command_line_options(struct buf *out, const dw_command *command);

/* The command whose words the texts begin with, and how many those are; NULL: none. */
const dw_command *command_line_find(const dw_command *commands, size_t n, size_t argc,
                                    const char *const *argv, size_t *words);

/* Of what the probe found (probe.h); without run. In the arena: how many, or -1 when memory is out. */
int command_line_found(const json_t *found, struct arena *arena, const dw_command **out);

#endif
