/* server.h - the server process: everything that a generation consists of. */
#ifndef CLI_SERVER_H
#define CLI_SERVER_H

#include "config/config.h"
#include "supervise/generation.h"

/* Runs until the supervisor ends it. `source` is where config came from: it is read again with the items of plugins.
 * Returns its exit code. */
int server_run(struct generation *g, struct config *config, const struct config_source *source,
               const char *data_dir);

#endif
