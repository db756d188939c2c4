/* command_pages.h - the help of plugins' verbs, and what a shell completes. [main thread] */
#ifndef CLI_COMMAND_PAGES_H
#define CLI_COMMAND_PAGES_H

#include "cli/command_offers.h"

/* For the help of all verbs: a line for each first word, "user  add, list (auth)". */
void cli_command_groups(struct buf *out, const struct cli *c);

/* For the completion: each first word with a blank behind; and the case of each. */
void cli_command_words(struct buf *out, const struct cli *c);
void cli_command_completion(struct buf *out, const struct cli *c);

/* `dowel user add --help`: a cli_exit. */
int cli_command_help(const dw_command *command);

/* `dowel user`: which verbs begin with the words of c->argv. With `help` that was the question, and it is CLI_OK; else
 * CLI_USAGE. -1: none does. */
int cli_command_list(const struct offers *o, const struct cli *c, bool help);

#endif
