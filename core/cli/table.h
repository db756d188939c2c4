/* table.h - what the command line knows, as data: read by the parser, the help, the completion and docs/cli.md. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/cli.h"
#include "util/buf.h"

extern const struct cli_verb *const cli_verbs[];     /* ends with NULL */
extern const struct cli_option cli_common_options[]; /* ends with { 0 } */
extern const char *const cli_exit_texts[CLI_EXITS];
extern const char cli_defaults[]; /* where the directories are if they are not named */

/* NULL when there is none of that name. */
const struct cli_verb *cli_find_verb(const char *name);

/* Their names, NULL at the end: no plugin's command begins with one. */
const char *const *cli_verb_words(void);

/* The pages: of the command, of a verb, and all of it as docs/cli.md. */
void cli_help(struct buf *out, const struct cli *c); /* with the verbs of plugins that are enabled */
void cli_help_verb(struct buf *out, const struct cli_verb *verb);
void cli_help_markdown(struct buf *out);

/* What each of those ends with: the common options, the defaults, the exit codes. */
void cli_help_common(struct buf *out);

#endif
