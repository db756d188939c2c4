/* replace.h - an SQLite database put in the place of another, which is kept beside it. No server may have it open. [any
 * thread] */
#ifndef BACKUP_REPLACE_H
#define BACKUP_REPLACE_H

#include <limits.h>

#include "util/buf.h"

/* Copies the file `from`, whose SHA-256 is `hash`, and gives it the name `place`. What had that name, and its journal, is
 * then called `kept`: "" when there was none. 0; or -1 with why, and then `place` is what it was. */
int replace_sqlite(const char *from, const char *hash, const char *place, char kept[PATH_MAX],
                   struct buf *why) DW_MUST_CHECK;

#endif
