#include "plugin/settings.h"

#include "config/pattern.h"
#include "plugin/call_db.h"
#include "util/clock.h"

enum { CHECK_US = 30 * CLOCK_SECOND };

/* The loader of the configuration fills a plugin's struct as if it were one of the server's. */
#define SAME_SIZE(ours, theirs)                                                          \
    _Static_assert(sizeof(ours) == sizeof(theirs) && _Alignof(ours) == _Alignof(theirs), \
                   #theirs " is what plugins know")
SAME_SIZE(struct config_span, dw_span);
SAME_SIZE(struct config_secret, dw_secret);
SAME_SIZE(struct config_texts, dw_texts);
_Static_assert(offsetof(struct config_span, us) == offsetof(dw_span, us), "dw_span");
_Static_assert(offsetof(struct config_secret, hidden) == offsetof(dw_secret, hidden), "dw_secret");
_Static_assert(offsetof(struct config_texts, v) == offsetof(dw_texts, v), "dw_texts");
_Static_assert(offsetof(struct config_texts, n) == offsetof(dw_texts, n), "dw_texts");

static const enum config_type types[] = {
    [DW_ITEM_BOOL] = CONFIG_BOOL, [DW_ITEM_INT] = CONFIG_INT,   [DW_ITEM_REAL] = CONFIG_REAL,
    [DW_ITEM_TEXT] = CONFIG_TEXT, [DW_ITEM_SPAN] = CONFIG_SPAN, [DW_ITEM_SECRET] = CONFIG_SECRET,
    [DW_ITEM_LIST] = CONFIG_LIST,
};

/* ---- tables ---- */

/* What the table's owner says about itself. */
struct owner {
    const char *name, *summary;
    size_t size;
};

/* Pages add the full stop themselves. */
static const char *without_full_stop(struct arena *arena, const char *help)
{
    struct str s = str_from(help);

    if (!str_ends_with(s, STR_OF(".")))
        return help;
    return arena_copy(arena, str_make(s.p, s.n - 1));
}

static struct config_item item_of(struct arena *arena, const dw_item *it)
{
    return (struct config_item){
        .name = it->name,
        .type = types[it->type],
        .restart = true,
        .offset = it->offset,
        .fallback = it->fallback,
        .help = without_full_stop(arena, it->help),
        .min = it->min,
        .max = it->max,
        .one_of = it->one_of,
        .pattern = it->pattern,
    };
}

static const struct config_table *make_table(struct arena *arena, const struct owner *owner,
                                             const dw_item *items, size_t n)
{
    struct config_table *table = arena_calloc(arena, sizeof(*table));
    struct config_item *list = arena_calloc(arena, (n + 1) * sizeof(*list));

    if (!table || !list)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        list[i] = item_of(arena, &items[i]);
        if (!list[i].help)
            return NULL;
    }
    *table = (struct config_table){
        .name = owner->name,
        .summary = *owner->summary ? owner->summary : "A plugin",
        .items = list,
        .size = owner->size,
    };
    return table;
}

const struct config_table *plugin_table(const struct plugin_descriptor *d, struct arena *arena)
{
    const struct owner owner = { d->name, d->summary, d->conf_size };
    return make_table(arena, &owner, d->items, d->items_n);
}

const struct config_table *settings_table(const char *name, const char *summary, const dw_items *items,
                                          struct arena *arena)
{
    const struct owner owner = { name, summary, items->struct_bytes };
    size_t n = 0;

    while (items->list[n].name)
        n++;
    return make_table(arena, &owner, items->list, n);
}

/* ---- from what a probe has found ---- */

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static int64_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* What a file holds was true when it was written; that it still is nobody promises. */
static bool read_item(dw_item *out, const json_t *from, int64_t conf_size)
{
    int64_t type = number_of(from, "type"), offset = number_of(from, "offset");

    *out = (dw_item){
        .name = text_of(from, "name"),
        .type = (uint32_t)type,
        .offset = (uint32_t)offset,
        .fallback = text_of(from, "fallback"),
        .help = text_of(from, "help"),
        .min = number_of(from, "min"),
        .max = number_of(from, "max"),
        .one_of = text_of(from, "one_of"),
        .pattern = text_of(from, "pattern"),
    };
    return out->name && out->help && descriptor_item_fits(type, offset, conf_size);
}

const struct config_table *settings_table_found(const json_t *found, struct arena *arena)
{
    const json_t *list = json_object_get(found, "items");
    int64_t conf_size = number_of(found, "settings");
    const struct owner owner = { text_of(found, "name"), text_of(found, "summary"),
                                 conf_size > 0 ? (size_t)conf_size : 0 };
    size_t n = json_array_size(list);
    dw_item *items = arena_calloc(arena, (n + 1) * sizeof(*items));

    if (!owner.name || !owner.summary || !items)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!read_item(&items[i], json_array_get(list, i), conf_size))
            return NULL;
    }
    return make_table(arena, &owner, items, n);
}

/* ---- what only the configuration's own readers know ---- */

static void check_fallbacks(const struct config_table *table, struct buf *why)
{
    const struct config_source source = { .dir = "",
                                          .tables = &table,
                                          .tables_n = 1 }; /* and no other place */
    struct config_problems problems;
    struct config *config = NULL;

    config_problems_init(&problems);
    config_load(&config, &source, &problems);
    for (const struct config_problem *p = problems.first; p; p = p->next)
        buf_add_format(why, "%sthe fallback of the item %s: %s", why->n ? "; " : "", p->item ? p->item : "",
                       p->text);
    config_drop(config);
    config_problems_finish(&problems);
}

static void check_pattern(const struct config_item *it, struct buf *why)
{
    struct str s = str_from(it->pattern);

    if (s.n == 0 || pattern_words(it->pattern) || (s.n > 2 && s.p[0] == '/' && s.p[s.n - 1] == '/'))
        return;
    buf_add_format(why, "%sthe item %s has the pattern %s, which this server does not know",
                   why->n ? "; " : "", it->name, it->pattern);
}

static void check_table(const struct config_table *table, struct buf *wrong)
{
    size_t before = wrong->n;

    for (const struct config_item *it = table ? table->items : NULL; it && it->name; it++)
        check_pattern(it, wrong);
    if (!table)
        buf_add_text(wrong, "its items cannot be looked at: out of memory");
    else if (wrong->n == before) /* an unknown pattern refuses every fallback */
        check_fallbacks(table, wrong);
}

int settings_check_items(const struct plugin_descriptor *d, struct buf *why)
{
    struct buf wrong = BUF_INIT;
    struct arena arena;

    arena_init(&arena, NULL, 0, 0);
    check_table(plugin_table(d, &arena), &wrong);
    for (size_t i = 0; i < d->connectors_n; i++) {
        const dw_connector *k = &d->connectors[i];
        size_t before = wrong.n;
        check_table(settings_table(k->name, k->summary, &k->settings, &arena), &wrong);
        if (wrong.n > before)
            buf_add_format(&wrong, "; in the connector %s", k->name);
    }
    bool good = wrong.n == 0;
    buf_add_str(why, buf_str(&wrong));
    buf_finish(&wrong);
    arena_finish(&arena);
    return good ? 0 : -1;
}

/* ---- the plugin's own check ---- */

static void add_place(struct buf *why, const dw_instance *i, struct str pointer)
{
    struct config_field field;
    struct buf name = BUF_INIT;
    const char *nearest;

    while (pointer.n > 0 && (pointer.p[0] == '#' || pointer.p[0] == '/'))
        pointer = str_make(pointer.p + 1, pointer.n - 1);
    buf_add_format(&name, "%s.%.*s", i->name, (int)str_find(pointer, '/'), pointer.n ? pointer.p : "");
    if (config_find(i->config, buf_text(&name), &field, &nearest) == 0) {
        config_place_format(why, field.place);
        buf_add_text(why, ": ");
    }
    if (pointer.n > 0)
        buf_add_format(why, "%.*s: ", STR_ARG(pointer));
    buf_finish(&name);
}

static void add_errors(struct buf *why, const dw_instance *i, const dw_call *c, int code)
{
    bool has_text = c->error.code == code && c->error.text && *c->error.text;

    for (size_t k = 0; k < c->errors_n; k++) {
        buf_add_text(why, k ? "; " : "");
        add_place(why, i, c->errors[k].pointer);
        buf_add_str(why, c->errors[k].detail);
    }
    if (c->errors_n == 0 && has_text)
        buf_add_format(why, "its check says: %s", c->error.text);
    else if (c->errors_n == 0)
        buf_add_format(why, "its check returned %d and no text (see enum dw_error)", code);
}

int settings_check(dw_instance *i, struct buf *why)
{
    const struct call_options options = {
        .instance = i,
        .label = activity_label(i->name, "check"),
        .what = "check",
        .deadline_us = clock_monotonic_us() + CHECK_US,
    };
    dw_call *c;

    if (!i->descriptor->check)
        return 0;
    if (call_begin(&c, &options) != 0) {
        buf_add_text(why, "its check cannot run: out of memory");
        return -1;
    }
    int rc = call_check_committed(c, i->descriptor->check(c, i->conf));
    /* Who marked an item and forgot to return the code has refused as well. */
    if (rc >= 0 && c->errors_n > 0)
        rc = DW_EINVALID;
    if (rc < 0)
        add_errors(why, i, c, rc);
    call_end(c);
    return rc < 0 ? -1 : 0;
}
