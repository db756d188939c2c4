#include "config/config.h"

#include <stdlib.h>

#include "config/nearest.h"
#include "config/snapshot.h"

const struct config_item switch_items[] = {
    CONFIG_ITEM(struct switches, enabled, .fallback = "false", .help = "The plugin is loaded",
                .restart = true),
    CONFIG_ITEM(struct switches, required, .fallback = "false",
                .help = "The server does not run without it: it is never quarantined", .restart = true),
    CONFIG_ITEM(struct switches, allow, .fallback = "[]", .one_of = "system",
                .help =
                    "What it may do beyond its callers: `system` reads and writes the data of all tenants",
                .restart = true),
    { .name = NULL },
};

/* ---- entries ---- */

bool entry_field(struct entry *e, size_t i, struct field *out)
{
    if (e->table->always)
        i += SWITCHES;
    if (i >= e->n + SWITCHES)
        return false;
    out->slot = &e->slots[i];
    if (i < SWITCHES) {
        out->item = &switch_items[i];
        out->values = &e->switches;
    } else {
        out->item = &e->table->items[i - SWITCHES];
        out->values = e->values;
    }
    return true;
}

bool entry_find(struct entry *e, struct str name, struct field *out)
{
    for (size_t i = 0; entry_field(e, i, out); i++) {
        if (str_equal(str_from(out->item->name), name))
            return true;
    }
    return false;
}

struct entry *config_entry(const struct config *c, struct str table)
{
    for (size_t i = 0; i < c->n; i++) {
        if (str_equal(str_from(c->entries[i].table->name), table))
            return &c->entries[i];
    }
    return NULL;
}

/* ---- references ---- */

struct config *config_hold(struct config *c)
{
    if (c)
        atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
    return c;
}

void config_drop(struct config *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) != 1)
        return;
    arena_finish(&c->arena);
    free(c);
}

/* ---- looking things up ---- */

const void *config_values(const struct config *c, const char *table)
{
    const struct entry *e = config_entry(c, str_from(table));
    return e ? e->values : NULL;
}

bool config_is_enabled(const struct config *c, const char *table)
{
    const struct entry *e = config_entry(c, str_from(table));
    return e && (e->table->always || e->switches.enabled);
}

bool config_is_required(const struct config *c, const char *table)
{
    const struct entry *e = config_entry(c, str_from(table));
    return e && (e->table->always || e->switches.required);
}

bool config_allows(const struct config *c, const char *table, const char *what)
{
    const struct entry *e = c ? config_entry(c, str_from(table)) : NULL;

    for (size_t i = 0; e && i < e->switches.allow.n; i++) {
        if (strcmp(e->switches.allow.v[i], what) == 0)
            return true;
    }
    return false;
}

static void tell(const struct entry *e, const struct field *field, struct config_field *out)
{
    out->table = e->table;
    out->item = field->item;
    out->values = field->values;
    out->place = field->slot->place;
}

bool config_next(const struct config *c, size_t *at, struct config_field *out)
{
    struct field field;
    size_t i = (*at)++;

    for (size_t k = 0; k < c->n; k++) {
        struct entry *e = &c->entries[k];
        size_t n = e->n + (e->table->always ? 0 : SWITCHES);
        if (i < n && entry_field(e, i, &field)) {
            tell(e, &field, out);
            return true;
        }
        i -= n;
    }
    return false;
}

static int find_in_table(const struct config *c, struct str table, struct str item, struct config_field *out)
{
    struct field field;
    int found = -1;

    for (size_t i = 0; i < c->n; i++) {
        struct entry *e = &c->entries[i];
        if (table.n && !str_equal(table, str_from(e->table->name)))
            continue;
        if (!entry_find(e, item, &field))
            continue;
        if (found == 0)
            return -2;
        tell(e, &field, out);
        found = 0;
    }
    return found;
}

int config_find(const struct config *c, const char *name, struct config_field *out, const char **nearest)
{
    struct str item = str_from(name), table = str_make(NULL, 0);
    size_t dot = str_find(item, '.');

    if (dot < item.n) {
        table = str_make(item.p, dot);
        item = str_make(item.p + dot + 1, item.n - dot - 1);
    }
    int result = find_in_table(c, table, item, out);
    if (result == -1) {
        struct nearest best = nearest_init(item);
        struct config_field field;
        for (size_t at = 0; config_next(c, &at, &field);)
            nearest_offer(&best, field.item->name);
        *nearest = best.name;
    }
    return result;
}

const struct config_file *config_unknown_files(const struct config *c, size_t *n)
{
    *n = c->files_n;
    return c->files;
}
