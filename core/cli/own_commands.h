/* own_commands.h - verbs of the server's own that need plugins: they run where plugins are, in the server or in a program that
 * has loaded them, and are written and called as verbs of plugins are (cli/commands.h). [any thread] */
#ifndef CLI_OWN_COMMANDS_H
#define CLI_OWN_COMMANDS_H

#include <dowel/command.h>

/* All of them, each text set; how many in *n. */
const dw_command *own_commands(size_t *n);

/* Their first words, each with a line for the list of verbs; ends with { 0 }. */
enum { OWN_WORDS_MAX = 8 };
struct own_word {
    const char *word, *summary;
};
extern const struct own_word own_words[];

#endif
