#include "plugin/connectors.h"

#include <stdlib.h>
#include <string.h>

#include "config/item.h"
#include "plugin/descriptor.h"
#include "plugin/settings.h"
#include "supervise/activity.h"

struct connectors {
    struct arena arena;
    struct connector_kind **kinds; /* by name */
    size_t n, cap;
};

int connectors_create(struct connectors **out)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return -1;
    arena_init(&(*out)->arena, NULL, 0, 0);
    return 0;
}

void connectors_destroy(struct connectors *all)
{
    if (!all)
        return;
    free(all->kinds);
    arena_finish(&all->arena);
    free(all);
}

/* ---- finding ---- */

static int compare(const void *name, const void *element)
{
    return strcmp(name, (*(struct connector_kind *const *)element)->name);
}

const struct connector_kind *connectors_find(const struct connectors *all, const char *name)
{
    struct connector_kind *const *found = NULL;

    if (all && all->n > 0)
        found = bsearch(name, all->kinds, all->n, sizeof(*all->kinds), compare);
    return found ? *found : NULL;
}

const struct connector_kind *connectors_at(const struct connectors *all, size_t i)
{
    return all && i < all->n ? all->kinds[i] : NULL;
}

const dw_listing *connector_listing(const struct connector_kind *kind, const char *name)
{
    for (const dw_listing *l = kind->connector->listings; l->name; l++) {
        if (strcmp(l->name, name) == 0)
            return l;
    }
    return NULL;
}

/* ---- roles ---- */

static bool is_source(const dw_connector *k)
{
    return k->time_source != NULL;
}

static bool is_target(const dw_connector *k)
{
    return k->time_target != NULL;
}

static const struct {
    const char *name;
    bool (*plays)(const dw_connector *k);
} roles[] = {
    { "time_source", is_source },
    { "time_target", is_target },
};

const char *connector_role_at(size_t i)
{
    return i < DW_COUNT_OF(roles) ? roles[i].name : NULL;
}

bool connector_plays(const struct connector_kind *kind, const char *role)
{
    for (size_t i = 0; i < DW_COUNT_OF(roles); i++) {
        if (strcmp(roles[i].name, role) == 0)
            return roles[i].plays(kind->connector);
    }
    return false;
}

/* ---- filling ---- */

static const struct config_item *find_item(const struct config_table *table, const char *name)
{
    for (const struct config_item *it = table->items; name && it->name; it++) {
        if (strcmp(it->name, name) == 0)
            return it;
    }
    return NULL;
}

static int fill(struct connectors *all, struct connector_kind *kind, dw_instance *instance,
                const dw_connector *connector)
{
    const struct config_table *table =
        settings_table(connector->name, connector->summary, &connector->settings, &all->arena);
    const char *what = arena_format(&all->arena, "connector %s", connector->name);

    if (!table || !what)
        return -1;
    *kind = (struct connector_kind){
        .name = connector->name,
        .by = instance,
        .connector = connector,
        .table = table,
        .address = find_item(table, connector->address),
        .what = what,
        .label = activity_label(instance->name, what),
    };
    while (connector->listings[kind->listings_n].name)
        kind->listings_n++;
    return 0;
}

static int reserve(struct connectors *all, size_t more)
{
    size_t cap = all->n + more;

    if (cap <= all->cap)
        return 0;
    void *larger = realloc(all->kinds, cap * sizeof(struct connector_kind *));
    if (!larger)
        return -1;
    all->kinds = larger;
    all->cap = cap;
    return 0;
}

static void insert(struct connectors *all, struct connector_kind *kind)
{
    size_t at = 0;

    while (at < all->n && strcmp(all->kinds[at]->name, kind->name) < 0)
        at++;
    memmove(all->kinds + at + 1, all->kinds + at, (all->n - at) * sizeof(struct connector_kind *));
    all->kinds[at] = kind;
    all->n++;
}

static int make_all(struct connectors *all, dw_instance *instance)
{
    const struct plugin_descriptor *d = instance->descriptor;
    struct connector_kind *made = arena_calloc(&all->arena, (d->connectors_n + 1) * sizeof(*made));

    if (!made || reserve(all, d->connectors_n) != 0)
        return -1;
    for (size_t i = 0; i < d->connectors_n; i++) {
        if (fill(all, &made[i], instance, &d->connectors[i]) != 0)
            return -1;
    }
    for (size_t i = 0; i < d->connectors_n; i++)
        insert(all, &made[i]);
    return 0;
}

int connectors_add(struct connectors *all, dw_instance *instance, struct buf *why)
{
    const struct plugin_descriptor *d = instance->descriptor;

    if (d->connectors_n == 0)
        return 0;
    for (size_t i = 0; i < d->connectors_n; i++) {
        const struct connector_kind *known = connectors_find(all, d->connectors[i].name);
        if (known) {
            buf_add_format(why, "its connector %s is one of plugin %s already", known->name, known->by->name);
            return -1;
        }
    }
    if (make_all(all, instance) == 0)
        return 0;
    buf_add_text(why, "memory is out");
    return -1;
}
