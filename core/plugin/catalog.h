/* catalog.h - which plugins there are, and what they say about themselves, without one of them being opened in this
 * process. What a probe has found is kept in DATA/plugins/probed.json by the hash of the file, so that a file is probed
 * once. [main thread] */
#ifndef PLUGIN_CATALOG_H
#define PLUGIN_CATALOG_H

#include <jansson.h>

#include "config/core_config.h"
#include "plugin/files.h"

struct catalog_plugin {
    struct plugin_file file; /* name and path, and which other file is not used for it */
    const char *why;         /* why it cannot be used; NULL: it can, or nobody has looked */
    const json_t
        *found; /* what it says about itself (probe.h); NULL: it cannot be used, or nobody has looked */
    const char *version, *summary, *license, *needs, *wants; /* of found; "" where nothing is known */
    const struct config_table *table;                        /* of found */
};

struct catalog {
    struct arena arena;
    const char *const *directories;
    size_t directories_n;
    struct catalog_plugin *plugins; /* by name */
    size_t n;
    json_t *probed;
};

struct catalog_options {
    const struct core_config *core; /* plugin_dirs, probe_timeout */
    const char *data_dir;
    /* Which are looked at: the others are only known by name and path. NULL: all. */
    bool (*wanted)(const char *name, void *ud);
    void *wanted_ud;
};

/* Finds, checks and, where they are new, probes them. 0; what is wrong with one is in its `why`, what is wrong with a
 * directory is added to why, a line each. -1: memory is out. The texts of options are borrowed. */
int catalog_create(struct catalog **out, const struct catalog_options *options, struct buf *why);
void catalog_destroy(struct catalog *c); /* NULL is safe */

/* NULL when there is none of that name. */
const struct catalog_plugin *catalog_find(const struct catalog *c, const char *name);

/* "there is no notes.so in /usr/lib/dowel/plugins or /var/lib/dowel/plugins" */
void catalog_tell_missing(const struct catalog *c, const char *name, struct buf *out);

#endif
