/* migrations_core.h - the server's own tables: core/migrations, whose files travel inside the program. [any thread] */
#ifndef DB_MIGRATIONS_CORE_H
#define DB_MIGRATIONS_CORE_H

#include "db/migration.h"

/* Whose they are in dowel_migrations; no plugin is called so. */
#define MIGRATIONS_CORE "core"

/* All in the arena. 0, or -1 with what is wrong in why. */
int migrations_of_core(struct migrations *out, struct arena *arena, struct buf *why);

#endif
