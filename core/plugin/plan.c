#include "plugin/plan.h"

#include <stdlib.h>

#include "util/clock.h"

const char *plugin_state_name(enum plugin_state state)
{
    static const char *const names[] = {
        [PLUGIN_AVAILABLE] = "available",     [PLUGIN_LOADED] = "loaded",   [PLUGIN_DECLINED] = "declined",
        [PLUGIN_QUARANTINED] = "quarantined", [PLUGIN_MISSING] = "missing",
    };
    return names[state];
}

/* ---- what conf.d says ---- */

static const struct config_file *find_file(const struct config *config, const char *name)
{
    size_t n;
    const struct config_file *files = config_unknown_files(config, &n);

    for (size_t i = 0; i < n; i++) {
        if (strcmp(files[i].name, name) == 0)
            return &files[i];
    }
    return NULL;
}

bool plan_is_enabled(const struct config *config, const char *name)
{
    const struct config_file *file = find_file(config, name);
    return file ? file->enabled : config_is_enabled(config, name);
}

bool plan_is_required(const struct config *config, const char *name)
{
    const struct config_file *file = find_file(config, name);
    return file ? file->required : config_is_required(config, name);
}

/* ---- who there is ---- */

static void add(struct plan *plan, const char *name, const struct catalog_plugin *file,
                const struct config *config)
{
    plan->plugins[plan->n++] = (struct plan_plugin){
        .name = name,
        .file = file,
        .required = plan_is_required(config, name),
        .why = file && file->why ? file->why : "",
    };
}

static int compare(const void *a, const void *b)
{
    const struct plan_plugin *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int collect(struct plan *plan, struct arena *arena, const struct catalog *catalog,
                   const struct config *config)
{
    size_t files_n;
    const struct config_file *files = config_unknown_files(config, &files_n);

    plan->plugins = arena_calloc(arena, (catalog->n + files_n + 1) * sizeof(*plan->plugins));
    if (!plan->plugins)
        return -1;
    for (size_t i = 0; i < catalog->n; i++)
        add(plan, catalog->plugins[i].file.name, &catalog->plugins[i], config);
    for (size_t i = 0; i < files_n; i++) {
        if (files[i].enabled && !catalog_find(catalog, files[i].name))
            add(plan, files[i].name, NULL, config);
    }
    qsort(plan->plugins, plan->n, sizeof(*plan->plugins), compare);
    return 0;
}

/* ---- what becomes of them ---- */

static const char *tell_missing(struct arena *arena, const struct catalog *catalog, const char *name)
{
    struct buf text = BUF_INIT;

    catalog_tell_missing(catalog, name, &text);
    const char *why = arena_copy(arena, buf_str(&text));
    buf_finish(&text);
    return why;
}

static const char *tell_quarantined(struct arena *arena, const struct quarantine_plugin *q)
{
    const struct quarantine_crash *last = q->n > 0 ? &q->crashes[q->n - 1] : NULL;
    char since[CLOCK_RFC3339_SIZE];

    clock_format_rfc3339(q->since_s * CLOCK_SECOND, since);
    return arena_format(
        arena,
        "quarantined since %.19sZ: it crashed %d times within %d minutes, last in %s (%s); when it is "
        "repaired: dowel plugin clear %s",
        since, QUARANTINE_CRASHES, QUARANTINE_WINDOW_S / 60, last ? last->what : "its code",
        last && *last->note ? last->note : "no note", q->name);
}

/* NULL: nothing speaks against loading it so far. The state says of which kind the reason is. */
static const char *against(struct plan_plugin *p, struct arena *arena, const struct catalog *catalog,
                           const struct config *config, const struct quarantine *quarantine)
{
    const struct quarantine_plugin *crashed = quarantine_find(quarantine, p->name);
    const char *why = p->file ? p->file->why : tell_missing(arena, catalog, p->name);

    p->state = !p->file ? PLUGIN_MISSING : why ? PLUGIN_DECLINED : PLUGIN_LOADED;
    if (p->file && crashed && crashed->quarantined && !quarantine_is_exempt(config, p->name)) {
        p->state = PLUGIN_QUARANTINED;
        why = tell_quarantined(arena, crashed);
    }
    return why || p->state == PLUGIN_LOADED ? why : "out of memory";
}

static struct plan_plugin *find_by_order(const struct plan *plan, const struct order_plugin *order)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (plan->plugins[i].order == order)
            return &plan->plugins[i];
    }
    return NULL;
}

static int sort(struct plan *plan, struct arena *arena)
{
    size_t *sequence = arena_calloc(arena, (plan->order_n + 1) * sizeof(*sequence));

    plan->sequence = arena_calloc(arena, (plan->order_n + 1) * sizeof(*plan->sequence));
    if (!sequence || !plan->sequence)
        return -1;
    int n = order_sort(plan->order, plan->order_n, sequence, arena);
    for (int i = 0; i < n; i++)
        plan->sequence[i] = find_by_order(plan, &plan->order[sequence[i]]);
    plan->sequence_n = n < 0 ? 0 : (size_t)n;
    for (size_t i = 0; i < plan->n; i++) {
        struct plan_plugin *p = &plan->plugins[i];
        if (!p->order || !p->order->declined)
            continue;
        p->why = p->order->declined;
        p->state = p->state == PLUGIN_LOADED ? PLUGIN_DECLINED : p->state;
    }
    return n < 0 ? -1 : 0;
}

int plan_make(struct plan *out, struct arena *arena, const struct catalog *catalog,
              const struct config *config, const struct quarantine *quarantine)
{
    *out = (struct plan){ .n = 0 };
    if (collect(out, arena, catalog, config) != 0)
        return -1;
    out->order = arena_calloc(arena, (out->n + 1) * sizeof(*out->order));
    if (!out->order)
        return -1;
    for (size_t i = 0; i < out->n; i++) {
        struct plan_plugin *p = &out->plugins[i];
        if (!plan_is_enabled(config, p->name))
            continue;
        p->order = &out->order[out->order_n++];
        *p->order = (struct order_plugin){
            .name = p->name,
            .version = p->file ? p->file->version : "",
            .needs = p->file ? p->file->needs : "",
            .wants = p->file ? p->file->wants : "",
            .declined = against(p, arena, catalog, config, quarantine),
        };
    }
    return sort(out, arena);
}

/* ---- while it is carried out ---- */

void plan_decline(struct plan_plugin *p, struct arena *arena, struct str why)
{
    const char *copy = arena_copy(arena, why);

    p->state = PLUGIN_DECLINED;
    p->why = copy ? copy : "out of memory";
    p->order->declined = p->why;
}

const char *plan_missing(const struct plan *plan, const struct plan_plugin *p, struct arena *arena)
{
    return order_missing(plan->order, plan->order_n, p->order, arena);
}
