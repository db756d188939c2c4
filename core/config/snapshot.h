/* snapshot.h - what a snapshot is made of; for the loader and config.c only. */
#ifndef CONFIG_SNAPSHOT_H
#define CONFIG_SNAPSHOT_H

#include <stdatomic.h>

#include "config/config.h"

/* What is known about one item besides its value. */
struct slot {
    struct config_place place;
    bool broken; /* some source had a wrong value for it */
};

struct switches {
    bool enabled, required;
    struct config_texts allow;
};

extern const struct config_item switch_items[]; /* of struct switches */

/* One table and what was loaded for it. */
struct entry {
    const struct config_table *table;
    void *values;
    struct switches switches;
    size_t n;           /* items of the table */
    struct slot *slots; /* the switches' first, then the items' */
    const char *path;   /* of its file; NULL: it has none */
};

struct config {
    atomic_uint references;
    struct arena arena;
    struct entry *entries;
    size_t n;
    struct config_file *files; /* that no table is for */
    size_t files_n;
};

enum { SWITCHES = 3 };

/* An item of an entry, by its number: switches come first and tables that are always on have none. */
struct field {
    const struct config_item *item;
    void *values;
    struct slot *slot;
};

bool entry_field(struct entry *e, size_t i, struct field *out);
bool entry_find(struct entry *e, struct str name, struct field *out);
struct entry *config_entry(const struct config *c, struct str table);

#endif
