/* migrate_history.h - dowel_migrations and dowel_tenant_tables: the two tables that migrations themselves need. For
 * migrate.c. [the session's thread] */
#ifndef DB_MIGRATE_HISTORY_H
#define DB_MIGRATE_HISTORY_H

#include "db/migrate.h"

/* All return 0 or more, or an enum dw_error with its text in db_error_of(); DW_ENOMEM may be without one. */

/* Makes the tables that are not there, in a transaction of its own. */
int history_make_tables(struct db_session *s, enum db_engine engine);

/* Without the tables: none. Texts in the arena. */
int history_load(struct migrate_history *out, struct arena *arena, struct db_session *s,
                 enum db_engine engine);

/* In the migration's transaction. */
int history_add(struct db_session *s, const struct migration *m, int64_t took_us);
int history_remove(struct db_session *s, const struct migration *m);

/* Tables that are no more: they need no wall. Names that never had one do not matter. */
int history_forget_tables(struct db_session *s, const char *const *tables, size_t n);

#endif
