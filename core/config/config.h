/* config.h - the configuration: read from everywhere at once, checked as a whole, then never changed.
 *
 * Later wins: default < conf.d/NAME.yaml < .env < NAME_FILE < environment < command line. Within .env and within the
 * environment an alias (LOG_LEVEL) gives way to the full name (DOWEL_CORE__LOG_LEVEL). What loses is checked all the
 * same. A reload loads a second snapshot beside the first; whoever uses one holds it. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "config/item.h"
#include "config/problems.h"
#include "config/yaml.h"

struct config;

/* Values from the command line; of an item that is no list the last one counts. */
struct config_override {
    const char *option; /* "--listen" */
    const char *table, *item;
    const char *const *values;
    size_t n;
};

/* All borrowed for the call, but tables and what they point to: those must outlive the snapshot. */
struct config_source {
    const char *dir;          /* of NAME.yaml files */
    bool dir_required;        /* else it may be missing, and defaults hold */
    const char *env_file;     /* ".env"; need not be there. NULL: none */
    char *const *environment; /* as environ(7); NULL: none */
    const struct config_override *overrides;
    size_t overrides_n;
    const struct config_table *const *tables; /* everything that is known: the server's and the plugins' */
    size_t tables_n;
    /* What to say about a plugin that NAME.yaml enables, or whose DOWEL_NAME__ITEM is set, and that has no table: a
     * sentence, or NULL for nothing. Without the function: that no plugin of that name is installed. */
    const char *(*unknown_plugin)(struct str name, void *ud);
    void *unknown_plugin_ud;
    /* True: the server's own table, the first one, was read before and its snapshot is in use. What is wrong with it by now,
     * or with anything but the other tables, is told and does not make the load fail. */
    bool is_second;
};

/* Adds all that is wrong to problems (initialised by the caller), warnings too. 0 and a snapshot with one reference,
 * or -1 and *out NULL. [any thread, but not while the environment changes] */
int config_load(struct config **out, const struct config_source *source, struct config_problems *problems);

/* References. [any thread; NULL is safe] */
struct config *config_hold(struct config *c);
void config_drop(struct config *c);

/* The struct of that table, to be cast to its type; NULL for a table that was not given to config_load. [any thread,
 * as everything below] */
const void *config_values(const struct config *c, const char *table);

/* What stands beside a plugin's items; always true for tables that cannot be switched off. */
bool config_is_enabled(const struct config *c, const char *table);
bool config_is_required(const struct config *c, const char *table);

/* Has the admin written `allow: [WHAT]` beside them? c may be NULL. */
bool config_allows(const struct config *c, const char *table, const char *what);

/* One item as it came out. */
struct config_field {
    const struct config_table *table;
    const struct config_item *item;
    const void *values;        /* for typed_format */
    struct config_place place; /* where the value came from: its origin */
};

/* All items in the order of the tables; `enabled`, `required` and `allow` first. Start with *at = 0. */
bool config_next(const struct config *c, size_t *at, struct config_field *out);

/* "core.listen", or "listen" where only one table has it. 0; -1: there is none, with the nearest name or NULL in
 * *nearest; -2: several tables have it. */
int config_find(const struct config *c, const char *name, struct config_field *out, const char **nearest);

/* A NAME.yaml that no table is for: a plugin that is not installed, or not loaded yet. */
struct config_file {
    const char *name, *path;
    bool enabled, required;       /* it says so: true */
    const struct yaml_node *root; /* a map, or NULL when empty */
};

const struct config_file *config_unknown_files(const struct config *c, size_t *n);

/* ---- for config_table.check ---- */

/* `items` are the names that the complaint is about, separated by spaces: it stands at the first one's origin, and is
 * left out when one of them is known to be wrong already (its default is in the struct then). hint may be NULL; it must
 * be a literal or live in the arena. */
void config_check_wrong(struct config_check *check, const char *items, const char *hint, const char *format,
                        ...) DW_PRINTF(4, 5);
void config_check_warn(struct config_check *check, const char *items, const char *hint, const char *format,
                       ...) DW_PRINTF(4, 5);

/* Lives as long as the snapshot. */
struct arena *config_check_arena(struct config_check *check);
void config_check_out_of_memory(struct config_check *check);

#endif
