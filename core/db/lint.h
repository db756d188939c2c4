/* lint.h - what a migration must not do: leave a hole in the wall between tenants, disturb the generation that still
 * runs, or touch what is not its own. [any thread] */
#ifndef DB_LINT_H
#define DB_LINT_H

#include "db/db.h"

struct lint_finding {
    unsigned line;    /* of the text that was read, from 1 */
    const char *text; /* what is wrong */
    const char *hint; /* what to write */
};

struct lint {
    struct lint_finding *findings; /* in the order of their lines */
    size_t n, room;
    const char **tenant_tables; /* made here, as "-- tenant-table: NAME" says: each gets its wall (wall.h) */
    size_t tenant_tables_n;
    const char **dropped_tables; /* DROP TABLE: the wall is no longer needed */
    size_t dropped_tables_n;
    bool is_offline; /* "-- migrate:offline" stands in the text */
};

struct lint_rules {
    enum db_engine engine; /* that the text is for */
    struct str owner;      /* a plugin's name: its tables are called so, or so and _more; "core": dowel_* */
    bool is_offline;       /* the file says it outside of the text: nothing else runs meanwhile */
    bool (*has_wall)(struct str table, const void *ud); /* tenant tables of earlier migrations; NULL: none */
    const void *ud;
};

/* All in the arena. 0, also with findings; DW_ENOMEM. A text that cannot be read has one finding. */
int lint_migration(struct lint *out, struct arena *arena, const struct lint_rules *rules, struct str up);

#endif
