/* database.h - the database that the configuration names: for the server and for verbs. [main thread] */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include <limits.h>

#include "config/core_config.h"
#include "db/db.h"

struct database_place {
    struct db_options options;
    const char *path; /* of SQLite's file; NULL: PostgreSQL */
    char own_url[PATH_MAX + 32];
};

/* database_url, or SQLite's file in the data directory. Borrows from both. */
void database_find(struct database_place *out, const struct core_config *core, const char *data_dir);

/* "SQLite, /var/lib/dowel/dowel.db", "PostgreSQL, db.example/dowel": where it is, without a password. */
void database_describe(struct buf *out, const struct database_place *place);

/* Is there one? PostgreSQL: always; whoever opens it learns better. */
bool database_exists(const struct database_place *place);

#endif
