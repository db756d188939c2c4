/* wall.h - what keeps tenants apart: the text of views, triggers and policies for tables with a tenant_id. [any thread] */
#ifndef DB_WALL_H
#define DB_WALL_H

#include "db/db.h"

/* What the triggers say, as SQLITE_CONSTRAINT_TRIGGER: sqlite3_errmsg() is one of these. PostgreSQL says SQLSTATE 42501 to
 * both. */
#define WALL_SAYS_FOREIGN  "dowel: a row may only belong to the tenant of the session"
#define WALL_SAYS_CONFLICT "dowel: a row with this key belongs to another tenant" /* DW_ECONFLICT */

/* PostgreSQL, once a table, part of its migration: row security, forced, with the tenant's policy and the system's. */
void wall_write_postgres(struct buf *out, struct str table);

/* SQLite, on each guarded connection: the TEMP VIEW that shadows the table, and the TEMP triggers that keep writes inside.
 * Uses the functions dw_tenant() and dw_upsert(), which the driver defines. */
void wall_write_sqlite(struct buf *out, struct str table);

/* Takes it down again, for the down half of a migration on PostgreSQL. */
void wall_write_postgres_down(struct buf *out, struct str table);

#endif
