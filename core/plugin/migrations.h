/* migrations.h - what plugins bring along in migrations/. [main thread] */
#ifndef PLUGIN_MIGRATIONS_H
#define PLUGIN_MIGRATIONS_H

#include <jansson.h>

#include "db/migrate.h"
#include "plugin/descriptor.h"

/* Is this asset one of them: migrations/0001_notes.sql? */
bool plugin_migrations_has(const char *path);

/* Of a plugin that was opened; all in the arena. None: 0 and n is 0. -1 with what is wrong added to why. */
int plugin_migrations_read(struct migrations *out, struct arena *arena, const struct plugin_descriptor *d,
                           struct buf *why);

/* The same of what the probe found (probe.h): for whoever must not open it. */
int plugin_migrations_found(struct migrations *out, struct arena *arena, const json_t *found,
                            struct buf *why);

/* Brings the database up to what the plugin needs, between its init and its start. History is what all owners had a moment
 * ago: who has nothing to do need not wait for the lock. 0; or -1 with a sentence in why: then the plugin is declined, and
 * the database is as it was before the migration that failed. */
int plugin_migrate(const struct migrate_options *o, const struct migrate_history *history,
                   const struct plugin_descriptor *d, struct buf *why);

#endif
