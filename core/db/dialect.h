/* dialect.h - the text of a migration, written once, for one engine.
 *
 * Only the types of columns are translated, in CREATE TABLE and ALTER TABLE; all else stays as it was written, to the
 * last blank, so that a line the engine complains about is the line of the file.
 *
 *     in the file         on SQLite          on PostgreSQL
 *     INTEGER, BIGINT     as written         BIGINT (64 bits on both)
 *     REAL                REAL               DOUBLE PRECISION (the same)
 *     BLOB                BLOB               BYTEA
 *     JSON                JSON_TEXT          JSONB
 *     DECIMAL(p,s)        DECIMAL_TEXT(p,s)  NUMERIC(p,s)
 *     TEXT, BOOLEAN, TIMESTAMPTZ, UUID       as written
 *
 * SQLite decides by words in the type's name what it makes of a value; _TEXT keeps it from turning '1.10' into 1.1.
 * [any thread] */
#ifndef DB_DIALECT_H
#define DB_DIALECT_H

#include "db/db.h"

/* 0; DW_EMISUSE (what cannot be read, and where, in why); DW_ENOMEM. */
int dialect_write(struct buf *out, struct arena *arena, struct str sql, enum db_engine engine,
                  struct buf *why);

#endif
