/* settings.h - how verbs get at the configuration. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "cli/cli.h"
#include "config/config.h"
#include "plugin/catalog.h"

/* Sockets, files and pipes of a server that are no client's connection. */
enum { CLI_DESCRIPTORS_BESIDE = 256 };

/* Where the verb's command line says that the configuration is; without tables. Overrides are borrowed. */
struct config_source cli_config_source(const struct cli *c, const struct config_override *overrides,
                                       size_t n);

/* Reads the server's own part of the configuration; the files of plugins stay raw, and nothing is said about them. With
 * problems NULL what is wrong is written to standard error; else it is added there (initialised by the caller). CLI_OK and
 * a snapshot with one reference, or CLI_CONFIG. */
int cli_config_load(const struct cli *c, const struct config_override *overrides, size_t n,
                    struct config **out, struct config_problems *problems);

/* All of it, for verbs that are no server. */
struct cli_settings {
    struct config *core;                /* the server's own part; with errors in it: the defaults */
    struct catalog *catalog;            /* the plugins that are there; NULL when memory is out */
    const struct config_table **tables; /* the server's, then those of the plugins */
    size_t tables_n;
    struct config *config; /* NULL: it is wrong */
};

/* Which plugins have to be looked at: new ones are probed, in a child, which may take its time. */
enum cli_plugins { CLI_PLUGINS_CONFIGURED /* those with a file in conf.d */, CLI_PLUGINS_ALL };

/* Finds the plugins and reads everything. Problems as above. CLI_OK, CLI_CONFIG when something is wrong (the rest of *out
 * may be used), or CLI_FAILED. Finish it in each case. */
int cli_settings_load(struct cli_settings *out, const struct cli *c, enum cli_plugins which,
                      struct config_problems *problems);
void cli_settings_finish(struct cli_settings *s);

/* Makes the directories above path that are missing. 0, or -1 with errno. */
int cli_make_parents(const char *path);

/* Writes the buffer to standard output and empties it: CLI_OK, or CLI_FAILED after saying why. */
int cli_print(struct buf *text);

#endif
