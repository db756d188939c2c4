/* registry.h - the plugins of this process: found, probed, ordered, loaded, started, stopped.
 *
 * What is wrong with one plugin declines that plugin, with a reason an admin understands; the others load. [main thread] */
#ifndef PLUGIN_REGISTRY_H
#define PLUGIN_REGISTRY_H

#include "config/config.h"
#include "http/router.h"
#include "plugin/instance.h"
#include "util/buf.h"

enum plugin_state {
    PLUGIN_AVAILABLE,   /* there, but not enabled */
    PLUGIN_LOADED,      /* it works */
    PLUGIN_DECLINED,    /* enabled, and why it does not work stands beside it */
    PLUGIN_QUARANTINED, /* enabled, but it crashed too often */
    PLUGIN_MISSING      /* conf.d enables it, and there is no such file */
};

struct plugin_status {
    const char *name, *version, *summary, *path; /* "" where unknown */
    enum plugin_state state;
    bool required;
    const char *why; /* "" when loaded */
};

struct registry_options {
    const char *const *directories; /* where plugins are, searched in order; the first of a name counts */
    size_t directories_n;
    const char *data_dir;
    struct config *config; /* the server's snapshot: which are enabled; their files are still raw */
    const struct config_source *source; /* to read the configuration again with the plugins' tables */
    struct plugin_process *process;
};

struct registry;

/* Finds, probes and loads the enabled ones, up to and with init. 0; a plugin that conf.d requires and that does not work
 * makes -1 with everything that is wrong in why. */
int registry_create(struct registry **out, const struct registry_options *options, struct buf *why);

/* Mounts their routes; a clash declines the later one. As above. */
int registry_mount(struct registry *r, struct router *router, struct buf *why);

/* Calls start, in order; then stop and fini, in reverse order. */
int registry_start(struct registry *r, struct buf *why);
void registry_stop(struct registry *r);
void registry_destroy(struct registry *r);

/* The snapshot in which the plugins' items have been read as well. Borrowed. */
struct config *registry_config(struct registry *r);

/* All that are known, sorted by name; NULL after the last. Borrowed until destroy. */
const struct plugin_status *registry_status(const struct registry *r, size_t i);

#endif
