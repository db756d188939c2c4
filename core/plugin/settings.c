#include "plugin/settings.h"

/* Both sides fill and read the same struct, so their types must be the same bytes. */
_Static_assert(sizeof(dw_span) == sizeof(struct config_span), "a span");
_Static_assert(sizeof(dw_secret) == sizeof(struct config_secret), "a secret");
_Static_assert(sizeof(dw_texts) == sizeof(struct config_texts) &&
                   offsetof(dw_texts, n) == offsetof(struct config_texts, n),
               "a list");

static const enum config_type types[] = {
    [DW_ITEM_BOOL] = CONFIG_BOOL, [DW_ITEM_INT] = CONFIG_INT,   [DW_ITEM_REAL] = CONFIG_REAL,
    [DW_ITEM_TEXT] = CONFIG_TEXT, [DW_ITEM_SPAN] = CONFIG_SPAN, [DW_ITEM_SECRET] = CONFIG_SECRET,
    [DW_ITEM_LIST] = CONFIG_LIST,
};

/* The descriptor was checked: its types are known, its offsets lie inside. */
static struct config_item item_of(const dw_item *item)
{
    return (struct config_item){
        .name = item->name,
        .type = types[item->type],
        .offset = item->offset,
        .fallback = item->fallback,
        .help = item->help ? item->help : "",
        .min = item->min,
        .max = item->max,
        .one_of = item->one_of,
        .pattern = item->pattern,
    };
}

const struct config_table *plugin_table(const struct plugin_descriptor *d, struct arena *arena)
{
    struct config_item *items = arena_calloc(arena, (d->items_n + 1) * sizeof(*items));
    struct config_table *table = arena_calloc(arena, sizeof(*table));

    if (!items || !table)
        return NULL;
    for (size_t i = 0; i < d->items_n; i++)
        items[i] = item_of(&d->items[i]);
    *table =
        (struct config_table){ .name = d->name, .summary = d->summary, .items = items, .size = d->conf_size };
    return table;
}
