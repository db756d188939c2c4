/* settings.h - how verbs get at the configuration. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "cli/cli.h"
#include "config/config.h"

/* Sockets, files and pipes of a server that are no client's connection. */
enum { CLI_DESCRIPTORS_BESIDE = 256 };

/* The tables of all that is installed. */
const struct config_table *const *cli_tables(size_t *n);

/* Reads the configuration as the verb's command line says. With problems NULL what is wrong is written to standard
 * error; else it is added there (initialised by the caller). CLI_OK and a snapshot with one reference, or
 * CLI_CONFIG. */
int cli_config_load(const struct cli *c, const struct config_override *overrides, size_t n,
                    struct config **out, struct config_problems *problems);

/* Makes the directories above path that are missing. 0, or -1 with errno. */
int cli_make_parents(const char *path);

/* Writes the buffer to standard output and empties it: CLI_OK, or CLI_FAILED after saying why. */
int cli_print(struct buf *text);

#endif
