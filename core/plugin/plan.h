/* plan.h - what would become of each plugin: from what is there, what conf.d enables and who is quarantined. Nothing is
 * opened; the registry carries the plan out, and the command line shows it when no server runs. [main thread] */
#ifndef PLUGIN_PLAN_H
#define PLUGIN_PLAN_H

#include "plugin/catalog.h"
#include "plugin/order.h"
#include "plugin/quarantine.h"

enum plugin_state {
    PLUGIN_AVAILABLE,   /* there, but not enabled */
    PLUGIN_LOADED,      /* it works; in a plan: it will be loaded */
    PLUGIN_DECLINED,    /* enabled, and why it does not work stands beside it */
    PLUGIN_QUARANTINED, /* enabled, but it crashed too often */
    PLUGIN_MISSING      /* conf.d enables it, and there is no such file */
};

/* "available", "loaded"... */
const char *plugin_state_name(enum plugin_state state);

struct plan_plugin {
    const char *name;
    const struct catalog_plugin *file; /* NULL: missing */
    enum plugin_state state;
    bool required;
    const char *why;            /* "" when there is nothing to say */
    struct order_plugin *order; /* its place among the enabled ones; NULL: it is not enabled */
};

struct plan {
    struct plan_plugin *plugins; /* by name */
    size_t n;
    struct order_plugin *order; /* of the enabled ones */
    size_t order_n;
    struct plan_plugin **sequence; /* those to be loaded, in that order */
    size_t sequence_n;
};

/* Does conf.d say so? For a configuration with and without the plugins' own tables. */
bool plan_is_enabled(const struct config *config, const char *name);
bool plan_is_required(const struct config *config, const char *name);

/* All in the arena; the rest is borrowed. 0, or -1 when memory is out. */
int plan_make(struct plan *out, struct arena *arena, const struct catalog *catalog,
              const struct config *config, const struct quarantine *quarantine);

/* One that was to be loaded will not be, for this reason, which is copied; whoever needs it learns of it by
 * plan_missing(). */
void plan_decline(struct plan_plugin *p, struct arena *arena, struct str why);

/* NULL, or why it cannot be loaded now that others were declined. */
const char *plan_missing(const struct plan *plan, const struct plan_plugin *p, struct arena *arena);

#endif
