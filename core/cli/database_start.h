/* database_start.h - the server's database: opened, brought up to what the server needs, and watched. */
#ifndef CLI_DATABASE_START_H
#define CLI_DATABASE_START_H

#include "config/core_config.h"
#include "db/migrate.h"
#include "supervise/generation.h"

/* How the migrations of this server are carried out: the others wait for it, and the supervisor too. */
struct migrate_options database_migrate_options(struct generation *g, struct db *db);

/* A cli_exit; unless it is CLI_OK the generation has been told why, and *out is NULL. [main thread] */
int database_start(struct db **out, struct generation *g, const struct core_config *core,
                   const char *data_dir);

#endif
