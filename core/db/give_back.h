/* give_back.h - room of an SQLite file that nothing is in any more, given back to the disk. */
#ifndef DB_GIVE_BACK_H
#define DB_GIVE_BACK_H

#include <stdatomic.h>

#include "db/db.h"

/* When much of the file is empty, in pieces between which others write, until nothing is or *stop (may be NULL) is true. What
 * is only a little fills up again by itself. On PostgreSQL nothing: it sees to that. How many pages; or -1 with why. [any
 * thread] */
int64_t db_give_back(struct db *db, const _Atomic bool *stop, struct buf *why) DW_MUST_CHECK;

#endif
