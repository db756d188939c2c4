/* migrations.h - what plugins bring along in migrations/. [main thread] */
#ifndef PLUGIN_MIGRATIONS_H
#define PLUGIN_MIGRATIONS_H

#include <jansson.h>

#include "db/migration.h"
#include "plugin/descriptor.h"

/* Is this asset one of them: migrations/0001_notes.sql? */
bool plugin_migrations_has(const char *path);

/* Of a plugin that was opened; all in the arena. None: 0 and n is 0. -1 with what is wrong added to why. */
int plugin_migrations_read(struct migrations *out, struct arena *arena, const struct plugin_descriptor *d,
                           struct buf *why);

/* The same of what the probe found (probe.h): for whoever must not open it. */
int plugin_migrations_found(struct migrations *out, struct arena *arena, const json_t *found,
                            struct buf *why);

#endif
