/* postgres_dump.h - a PostgreSQL database written to a file and read back by PostgreSQL's own programs, pg_dump, pg_restore
 * and psql, which run beside us. They become the role dowel_system, which sees every tenant; a password reaches them in
 * their environment, which only this user can read. All return 0, or -1 with a sentence in why. [any thread] */
#ifndef DB_POSTGRES_DUMP_H
#define DB_POSTGRES_DUMP_H

#include "util/buf.h"

/* Makes the file `to` in the custom format, readable by its owner alone and on the disk: the database at one instant. */
int postgres_dump(const char *url, const char *to, struct buf *why) DW_MUST_CHECK;

/* Reads all of the file, and throws away what it says: it is whole, as far as can be told without a database. */
int postgres_dump_verify(const char *path, struct buf *why) DW_MUST_CHECK;

/* Puts what is in the file in the place of all that dowel_system has in the database, in one transaction: it is as in the
 * file afterwards, or as it was before. In `folder` there must be room for all of it as text. */
int postgres_dump_restore(const char *url, const char *path, const char *folder,
                          struct buf *why) DW_MUST_CHECK;

/* The same into a database that is made for it on that server, and dropped. Its migrations are added to `migrations`, a line
 * each: "OWNER NUMBER CHECKSUM". 1; 0 when the role may make no database: nothing was done; or -1 with a sentence. */
int postgres_dump_try(const char *url, const char *path, const char *folder, struct buf *migrations,
                      struct buf *why) DW_MUST_CHECK;

/* Writes the URL for another database of the same server, in libpq's other form, password and all. */
int postgres_url_for(const char *url, const char *database, struct buf *out, struct buf *why) DW_MUST_CHECK;

/* How many other connections this role has to the database. */
int postgres_dump_others(const char *url, int *n, struct buf *why) DW_MUST_CHECK;

#endif
