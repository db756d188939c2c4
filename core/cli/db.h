/* db.h - what the actions of `dowel db` share. */
#ifndef CLI_DB_H
#define CLI_DB_H

#include "cli/database.h"
#include "cli/plugin.h"
#include "db/migrate.h"

/* Each in a file of its own: db_status.c (status, plan, history), db_change.c, db_check.c. */
int db_status(const struct cli *c);
int db_plan(const struct cli *c);
int db_history(const struct cli *c);
int db_up(const struct cli *c);
int db_down(const struct cli *c);
int db_check(const struct cli *c);

/* Whoever has tables, or brings migrations. */
struct db_owner {
    const char *name;
    struct plan_plugin *plugin; /* NULL: the server itself, or nobody here any more */
    bool is_here; /* its migrations are the server's to apply: core, and plugins that are to be loaded */
    struct migrations migrations; /* none of who is not installed */
    struct migrate_plan plan;
    const char *wrong; /* why nothing can be done; NULL */
};

struct db_view {
    struct plugin_view plugins;
    struct database_place place;
    struct db *db; /* NULL: there is no database yet */
    struct arena arena;
    struct migrate_history history;
    struct db_owner
        *owners; /* core, then plugins in the order in which they are loaded, then the others by name */
    size_t owners_n;
    bool is_serving; /* a server runs on this data */
};

enum db_view_mode {
    DB_VIEW_LOOK, /* a database that is not there is not made */
    DB_VIEW_MAKE
};

/* CLI_OK; or CLI_CONFIG or CLI_FAILED after saying why. Close it in each case. */
int db_view_open(struct db_view *v, const struct cli *c, enum db_view_mode mode);
void db_view_close(struct db_view *v);

/* The history again, after something was done. 0, or -1 after saying why. */
int db_view_refresh(struct db_view *v);

/* NULL after saying that there is none of that name. */
struct db_owner *db_view_find(const struct db_view *v, const char *name);

#endif
