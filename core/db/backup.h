/* backup.h - a copy of an SQLite database as it is at one instant, made while it is used; and whether a copy is whole.
 * PostgreSQL has pg_dump for it. */
#ifndef DB_BACKUP_H
#define DB_BACKUP_H

#include "db/db.h"

/* Who watches the copying, which of a large file takes minutes. May be NULL, as each of its functions. */
struct db_backup_watch {
    void (*progress)(uint64_t done, uint64_t all, void *ud); /* in pages */
    bool (*must_stop)(void *ud);
    void *ud;
};

/* Makes the file `to`, which must not be there yet, readable by its owner alone; one file, with no journal beside it, and
 * on the disk when this returns. Readers and writers go on meanwhile, and the journal grows by what they write. 0; or -1
 * with a sentence, and there is no such file. [any thread] */
int db_backup_make(struct db *db, const char *to, const struct db_backup_watch *watch, struct buf *why);

/* Reads all of the file: its structure, its indexes, its foreign keys. It is not changed. 0; or -1 with a sentence that
 * names the first things that are wrong. [any thread] */
int db_backup_verify(const char *path, struct buf *why);

/* The migrations of such a file, a line each: "OWNER NUMBER CHECKSUM", by owner and number. 0; or -1 with a sentence.
 * [any thread] */
int db_backup_migrations(const char *path, struct buf *out, struct buf *why);

#endif
