/* server.h - the server process: everything that a generation consists of. */
#ifndef CLI_SERVER_H
#define CLI_SERVER_H

#include "config/config.h"
#include "supervise/generation.h"

/* Runs until the supervisor ends it. Returns its exit code. */
int server_run(struct generation *g, struct config *config, const char *data_dir);

#endif
