/* connectors.h - the kinds of connections that the loaded plugins offer; filled while plugins are loaded, then only read.
 *
 * Reading takes no lock: after start nothing changes but dw_instance.missing. */
#ifndef PLUGIN_CONNECTORS_H
#define PLUGIN_CONNECTORS_H

#include "plugin/instance.h"
#include "util/arena.h"

struct config_item;
struct config_table;

struct connector_kind {
    const char *name; /* "zammad" */
    dw_instance *by;  /* by->missing: it cannot be asked now */
    const dw_connector
        *connector; /* host-sized, as are its lists and roles; texts are never NULL but address, inbox* */
    const struct config_table *table;  /* of its settings: ->items ends with { 0 } */
    const struct config_item *address; /* NULL: it speaks to nobody */
    size_t listings_n;
    uint32_t label;   /* activity_label("zammad", "connector zammad") */
    const char *what; /* "connector zammad" */
};

struct connectors;

int connectors_create(struct connectors **out);
void connectors_destroy(struct connectors *all); /* NULL is safe */

/* Takes up a plugin's kinds. 0, or -1 with a sentence in why (a kind that another plugin has already); nothing is added then.
 * [main thread, before start] */
int connectors_add(struct connectors *all, dw_instance *instance, struct buf *why);

/* NULL when there is none. Both answer NULL for `all` NULL. [any thread, after start] */
const struct connector_kind *connectors_find(const struct connectors *all, const char *name);

/* By name; NULL after the last. */
const struct connector_kind *connectors_at(const struct connectors *all, size_t i);

/* "time_source", "time_target": does it play it? */
bool connector_plays(const struct connector_kind *kind, const char *role);

/* The roles that there are; NULL after the last. */
const char *connector_role_at(size_t i);

/* NULL when it has no such listing. */
const dw_listing *connector_listing(const struct connector_kind *kind, const char *name);

#endif
