/* purge.h - what an owner's migrations have made, taken away for good: tables, walls, history. The owner need not be
 * installed: what is its own is told by names and by dowel_tenant_tables. [the thread of an unguarded session] */
#ifndef DB_PURGE_H
#define DB_PURGE_H

#include "db/db.h"

struct purge_table {
    const char *name;
    int64_t rows;
};

struct purge_tables {
    const char *owner;
    struct purge_table *v; /* by name */
    size_t n;
    bool has_history; /* false: nothing was ever migrated here */
    /* A table of somebody else, and which of these its foreign key leads to: nothing can be taken away. NULL: there is none */
    const char *pointing, *pointed;
};

/* All in the arena; 0, DW_ENOMEM, or an error with its text in db_error_of(). */
int purge_find(struct purge_tables *out, struct arena *arena, struct db_session *s, const char *owner);

/* In the open transaction, with their walls and the history of the owner; servers hear of it. As above. */
int purge_drop(struct db_session *s, const struct purge_tables *tables);

#endif
