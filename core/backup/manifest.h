/* manifest.h - what a backup says of itself: manifest.json, beside the files that it lists. [any thread] */
#ifndef BACKUP_MANIFEST_H
#define BACKUP_MANIFEST_H

#include <jansson.h>

#include "db/migrate.h"

#define BACKUP_MANIFEST "manifest.json"
#define BACKUP_CONFIG   "conf.d"

/* "database.sqlite", "database.dump". */
const char *manifest_database(enum db_engine engine);

enum { MANIFEST_FORMAT = 1 };

/* [{"owner", "number", "name", "checksum", "applied_at"}], and back into the arena. NULL, or -1: memory is out, or it is no
 * such list. */
json_t *manifest_history(const struct migrate_history *history);
int manifest_history_read(struct migrate_history *out, struct arena *arena, const json_t *manifest);

/* Writes `about` with the list of all files in the folder, their sizes and SHA-256, and a file with the hash of that. 0, or
 * -1 with why. */
int manifest_write(const char *folder, json_t *about, struct buf *why) DW_MUST_CHECK;

/* Reads it, if its own hash is right and this version knows its format. 0; or -1 with *out NULL and a sentence. */
int manifest_read(json_t **out, const char *folder, struct buf *why) DW_MUST_CHECK;

/* Are all files there, as they were? 0; or -1 with a sentence for each file that is not. */
int manifest_check(const json_t *manifest, const char *folder, struct buf *why) DW_MUST_CHECK;

/* DB_SQLITE, DB_POSTGRES or 0. */
enum db_engine manifest_engine(const json_t *manifest);

/* "" where there is none. */
const char *manifest_text(const json_t *manifest, const char *name);

/* Of all files. */
uint64_t manifest_size(const json_t *manifest);

#endif
