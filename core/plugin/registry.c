#include "plugin/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/document.h"
#include "api/publish.h"
#include "http/readiness.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "plugin/access.h"
#include "plugin/commands.h"
#include "plugin/connectors.h"
#include "plugin/descriptor.h"
#include "plugin/detach.h"
#include "plugin/hooks.h"
#include "plugin/job_calls.h"
#include "plugin/library.h"
#include "plugin/listeners.h"
#include "plugin/migrations.h"
#include "plugin/own_instance.h"
#include "plugin/record.h"
#include "plugin/routes.h"
#include "plugin/schedules.h"
#include "plugin/settings.h"
#include "plugin/words.h"
#include "util/clock.h"

/* One that the plan says is to be loaded. */
struct loading {
    struct plan_plugin *plugin;
    struct library *library;
    struct plugin_descriptor *descriptor;
    const struct config_table *table;
    struct api_document *document;
    struct plugin_routes *routes;
    dw_instance *instance;
    int64_t took_us;
    bool hooked, initialised, started;
};

struct registry {
    struct registry_options options;
    struct arena arena;
    struct quarantine *quarantine;
    struct plan plan;
    struct loading *loading; /* in the order of the plan */
    size_t n;
    struct config *config;
    struct migrate_history history; /* of all owners, before the plugins' migrations */
    struct router *router;          /* from registry_mount() on */
    dw_instance *own;               /* whose commands are the server's own; NULL: there are none */
};

struct config *registry_config(struct registry *r)
{
    return r->config;
}

const struct plan *registry_plan(const struct registry *r)
{
    return &r->plan;
}

static bool is_well(const struct loading *l)
{
    return l->plugin->state == PLUGIN_LOADED;
}

/* ---- declining ---- */

/* What it has already given away is taken back; what cannot be, its routes and memory, stays and answers 503. */
static void withdraw(struct registry *r, struct loading *l)
{
    struct buf ignored = BUF_INIT;

    if (!l->instance)
        return;
    /* First, so that nobody asks it any more; also when it was taken up but in part. */
    plugin_hooks_remove(r->options.process->hooks, l->instance);
    if (l->started)
        instance_run(l->instance, INSTANCE_STOP, &ignored);
    if (l->initialised)
        detach_stop(l->instance);
    if (l->initialised && l->instance->calls == 0)
        instance_run(l->instance, INSTANCE_FINI, &ignored);
    l->hooked = l->initialised = l->started = false;
    buf_finish(&ignored);
}

static void decline(struct registry *r, struct loading *l, struct str why)
{
    plan_decline(l->plugin, &r->arena, why);
    withdraw(r, l);
}

/* Takes the next step with each that is still well: `step` says 0, or -1 with a reason. Whoever needs one that fails here
 * comes behind it, and fails as well. */
static void each(struct registry *r, int (*step)(struct registry *r, struct loading *l, struct buf *why))
{
    for (size_t i = 0; i < r->n; i++) {
        struct loading *l = &r->loading[i];
        struct buf why = BUF_INIT;
        int64_t begin_us = clock_monotonic_us();
        if (!is_well(l))
            continue;
        const char *missing = plan_missing(&r->plan, l->plugin, &r->arena);
        if (missing)
            decline(r, l, str_from(missing));
        else if (step(r, l, &why) != 0)
            decline(r, l, why.n > 0 ? buf_str(&why) : STR_OF("out of memory"));
        l->took_us += clock_monotonic_us() - begin_us;
        buf_finish(&why);
    }
}

/* Those that the server must not run without, and that do not work. */
static int require(const struct registry *r, struct buf *why)
{
    size_t before = why->n;

    for (size_t i = 0; i < r->plan.n; i++) {
        const struct plan_plugin *p = &r->plan.plugins[i];
        if (p->order && p->required && p->state != PLUGIN_LOADED)
            buf_add_format(why, "%sthe plugin %s, which conf.d requires, does not work: %s",
                           why->n ? "\n" : "", p->name, p->why);
    }
    return why->n > before ? -1 : 0;
}

/* ---- from file to descriptor ---- */

static int open_file(struct registry *r, struct loading *l, struct buf *why)
{
    const struct plugin_file *file = &l->plugin->file->file;
    const dw_plugin *raw;

    if (!plugin_file_is_same(file)) {
        buf_add_text(why, "was replaced while the server started; try again: dowel reload");
        return -1;
    }
    if (library_open(&l->library, file->path, why) != 0 || !(raw = library_plugin(l->library, why)) ||
        descriptor_read(&l->descriptor, raw, &r->arena, why) != 0 ||
        descriptor_check_name(l->descriptor, file->name, why) != 0)
        return -1;
    if (!plugin_file_is_same(file)) {
        buf_add_text(why, "was replaced while it was opened; try again: dowel reload");
        return -1;
    }
    l->table = plugin_table(l->descriptor, &r->arena);
    return l->table ? 0 : -1;
}

/* ---- verbs of the command line ---- */

static int check_commands(struct registry *r, struct loading *l, struct buf *why)
{
    const struct plugin_descriptor *d = l->descriptor;

    if (commands_check_words(d->commands, d->commands_n, r->options.words, why) != 0)
        return -1;
    for (const struct loading *other = r->loading; other < l; other++) {
        if (is_well(other) &&
            commands_check_beside(d->commands, d->commands_n, other->plugin->name,
                                  other->descriptor->commands, other->descriptor->commands_n, why) != 0)
            return -1;
    }
    return 0;
}

const dw_command *registry_command(const struct registry *r, size_t argc, const char *const *argv,
                                   dw_instance **out, size_t *words)
{
    const dw_command *own = r->own ? command_find(r->own, argc, argv, words) : NULL;

    if (own) {
        *out = r->own;
        return own;
    }
    for (size_t i = 0; i < r->n; i++) {
        const struct loading *l = &r->loading[i];
        const dw_command *command = is_well(l) ? command_find(l->instance, argc, argv, words) : NULL;
        if (command) {
            *out = l->instance;
            return command;
        }
    }
    *out = NULL;
    *words = 0;
    return NULL;
}

/* ---- settings ---- */

static bool is_about(const struct config_problem *problem, const struct loading *l)
{
    return problem->table && strcmp(problem->table, l->plugin->name) == 0;
}

/* Declines those that have errors. How many. */
static size_t decline_misconfigured(struct registry *r, const struct config_problems *problems)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++) {
        struct loading *l = &r->loading[i];
        struct buf why = BUF_INIT;
        for (const struct config_problem *p = problems->first; p; p = p->next) {
            if (p->warning || !is_well(l) || !is_about(p, l))
                continue;
            buf_add_text(&why, why.n ? "; " : "");
            config_problem_format(&why, p);
        }
        if (why.n > 0) {
            decline(r, l, buf_str(&why));
            n++;
        }
        buf_finish(&why);
    }
    return n;
}

/* The server's own have been told when it read its configuration. */
static void log_warnings(const struct config_problems *problems)
{
    for (const struct config_problem *p = problems->first; p; p = p->next) {
        struct buf text = BUF_INIT;
        if (!p->warning || (p->table && strcmp(p->table, "core") == 0))
            continue;
        config_problem_format(&text, p);
        log_warn("the configuration has something to think about", LOG_TEXT("what", buf_text(&text)));
        buf_finish(&text);
    }
}

/* Files of plugins that are there and not loaded say what they say; the rest is told once, by the plan. */
static const char *unknown_plugin(struct str name, void *ud)
{
    const struct registry *r = ud;

    for (size_t i = 0; i < r->plan.n; i++) {
        if (str_equal(str_from(r->plan.plugins[i].name), name))
            return NULL;
    }
    return "no plugin of that name is installed";
}

static int load_with(struct registry *r, const struct config_table **tables, struct config_problems *problems)
{
    struct config_source source = *r->options.source;
    size_t n = 0;

    tables[n++] = &core_config_table;
    for (size_t i = 0; i < r->n; i++) {
        if (is_well(&r->loading[i]))
            tables[n++] = r->loading[i].table;
    }
    source.tables = tables;
    source.tables_n = n;
    source.is_second = true; /* after a crash the files may say by now what nobody has asked to be used */
    source.unknown_plugin = unknown_plugin;
    source.unknown_plugin_ud = r;
    return config_load(&r->config, &source, problems);
}

/* Once for all that are well, and again without those whose settings are wrong. */
static int load_settings(struct registry *r, struct buf *why)
{
    const struct config_table **tables = arena_calloc(&r->arena, (r->n + 1) * sizeof(*tables));
    bool again = tables != NULL;
    int result = -1;

    while (again) {
        struct config_problems problems;
        config_problems_init(&problems);
        result = load_with(r, tables, &problems);
        again = result != 0 && decline_misconfigured(r, &problems) > 0;
        if (result == 0)
            log_warnings(&problems);
        else if (!again)
            config_problems_format(why, &problems);
        config_problems_finish(&problems);
    }
    return result;
}

/* ---- from descriptor to init ---- */

static int read_contract(struct loading *l, struct buf *why)
{
    const dw_asset *asset = descriptor_asset(l->descriptor, "api.yaml");
    struct config_problems problems;
    char source[PLUGIN_NAME_MAX + sizeof("/api.yaml")];

    if (!asset)
        return 0;
    snprintf(source, sizeof(source), "%s/api.yaml", l->plugin->name);
    config_problems_init(&problems);
    int result = api_document_create(str_make(asset->data, asset->size), source, &problems, &l->document);
    for (const struct config_problem *p = problems.first; p && result != 0; p = p->next) {
        buf_add_text(why, why->n ? "; " : "");
        config_problem_format(why, p);
    }
    config_problems_finish(&problems);
    return result;
}

static int declare(struct registry *r, const struct loading *l)
{
    return l->document && r->options.process->access
               ? access_declare(r->options.process->access, l->plugin->name, l->document)
               : 0;
}

static int make_instance(struct registry *r, struct loading *l, struct buf *why)
{
    if (instance_create(&l->instance, l->descriptor, r->options.process) != 0)
        return -1;
    instance_configure(l->instance, r->config);
    return words_read(&l->instance->german, l->descriptor, why) == 0 && read_contract(l, why) == 0 &&
                   declare(r, l) == 0 && plugin_routes_create(&l->routes, l->instance, l->document, why) == 0
               ? settings_check(l->instance, why)
               : -1;
}

static int initialise(struct registry *r, struct loading *l, struct buf *why)
{
    if (plugin_hooks_add(r->options.process->hooks, l->instance, why) != 0)
        return -1;
    l->hooked = true;
    if (connectors_add(r->options.process->connectors, l->instance, why) != 0)
        return -1;
    if (r->options.process->access &&
        access_set_authenticator(r->options.process->access, l->instance, why) != 0)
        return -1;
    if (instance_run(l->instance, INSTANCE_INIT, why) != 0)
        return -1;
    l->initialised = true;
    return 0;
}

static bool brings_migrations(const struct loading *l)
{
    for (size_t i = 0; i < l->descriptor->assets_n; i++) {
        if (plugin_migrations_has(l->descriptor->assets[i].path))
            return true;
    }
    return false;
}

static int migrate(struct registry *r, struct loading *l, struct buf *why)
{
    if (r->options.migrate)
        return plugin_migrate(r->options.migrate, &r->history, l->descriptor, why);
    if (!brings_migrations(l))
        return 0;
    buf_add_text(why, "has migrations, and there is no database here");
    return -1;
}

static int read_history(struct registry *r, struct buf *why)
{
    const struct migrate_options *o = r->options.migrate;

    return o ? migrate_history_read(&r->history, &r->arena, o->db, why) : 0;
}

/* A guard that is not there must not leave the door open. */
static int miss_hooks(struct registry *r)
{
    for (size_t i = 0; i < r->plan.n; i++) {
        const struct plan_plugin *p = &r->plan.plugins[i];
        const json_t *hooks = p->file ? json_object_get(p->file->found, "hooks") : NULL;
        for (size_t k = 0; p->order && p->state != PLUGIN_LOADED && k < json_array_size(hooks); k++) {
            const char *hook = json_string_value(json_array_get(hooks, k));
            if (hook && plugin_hooks_miss(r->options.process->hooks, hook, p->name) != 0)
                return -1;
        }
    }
    return 0;
}

static int make_plan(struct registry *r)
{
    r->quarantine = quarantine_read(r->options.data_dir);
    if (plan_make(&r->plan, &r->arena, r->options.catalog, r->options.config, r->quarantine) != 0)
        return -1;
    r->loading = arena_calloc(&r->arena, (r->plan.sequence_n + 1) * sizeof(*r->loading));
    if (!r->loading)
        return -1;
    for (size_t i = 0; i < r->plan.sequence_n; i++)
        r->loading[r->n++].plugin = r->plan.sequence[i];
    return 0;
}

static int load_all(struct registry *r, struct buf *why)
{
    if (make_plan(r) != 0) {
        buf_add_text(why, "the plugins cannot be loaded: out of memory");
        return -1;
    }
    each(r, open_file);
    each(r, check_commands);
    if (load_settings(r, why) != 0)
        return -1;
    each(r, make_instance);
    each(r, initialise);
    if (read_history(r, why) != 0)
        return -1;
    each(r, migrate);
    if (miss_hooks(r) != 0) {
        buf_add_text(why, "the plugins cannot be loaded: out of memory");
        return -1;
    }
    return require(r, why);
}

static int make_own(struct registry *r, struct buf *why)
{
    const struct registry_options *o = &r->options;

    return o->own ? own_instance_create(&r->own, o->own, o->own_n, o->process, why) : 0;
}

int registry_create(struct registry **out, const struct registry_options *options, struct buf *why)
{
    struct registry *r = calloc(1, sizeof(*r));

    *out = NULL;
    if (!r) {
        buf_add_text(why, "the plugins cannot be loaded: out of memory");
        return -1;
    }
    r->options = *options;
    arena_init(&r->arena, NULL, 0, 0);
    if (make_own(r, why) != 0 || load_all(r, why) != 0) {
        if (registry_stop(r))
            registry_destroy(r);
        return -1;
    }
    *out = r;
    return 0;
}

/* ---- routes and start ---- */

static int mount(struct registry *r, struct loading *l, struct buf *why)
{
    return plugin_routes_mount(l->routes, r->router, why);
}

int registry_mount(struct registry *r, struct router *router, struct buf *why)
{
    r->router = router;
    each(r, mount);
    return require(r, why);
}

int registry_contracts(const struct registry *r, struct arena *arena, struct api_source **out)
{
    struct api_source *list = arena_calloc(arena, (r->n + REGISTRY_CONTRACTS_ROOM) * sizeof(*list));
    int n = 0;

    *out = list;
    if (!list)
        return -1;
    for (size_t i = 0; i < r->n; i++) {
        const struct loading *l = &r->loading[i];
        if (l->document && is_well(l))
            list[n++] = (struct api_source){ l->plugin->name, l->descriptor->summary, l->document };
    }
    return n;
}

static int start(struct registry *r, struct loading *l, struct buf *why)
{
    (void)r;
    if (instance_run(l->instance, INSTANCE_START, why) != 0)
        return -1;
    l->started = true;
    if (job_calls_register(l->instance, why) != 0)
        return -1;
    if (listeners_register(l->instance, why) != 0 || commands_register(l->instance, why) != 0)
        return -1;
    return plugin_schedules_add(l->instance, why);
}

/* ---- telling ---- */

static void log_doubt(const struct plan_plugin *p)
{
    struct buf what = BUF_INIT;

    if (!p->file)
        return;
    plugin_file_doubt(&p->file->file, &what);
    if (what.n > 0)
        log_warn("a plugin's file may be replaced by somebody else", LOG_TEXT("plugin", p->name),
                 LOG_TEXT("path", p->file->file.path), LOG_TEXT("what", buf_text(&what)));
    buf_finish(&what);
}

static void log_plugin(const struct registry *r, const struct plan_plugin *p)
{
    if (p->file && p->file->file.shadowed)
        log_warn("a plugin's file is not used, as another of that name was found before it",
                 LOG_TEXT("plugin", p->name), LOG_TEXT("used", p->file->file.path),
                 LOG_TEXT("not_used", p->file->file.shadowed));
    if (p->state == PLUGIN_LOADED) {
        const struct loading *l = r->loading;
        while (l->plugin != p)
            l++;
        log_info("plugin loaded", LOG_TEXT("plugin", p->name), LOG_TEXT("version", p->order->version),
                 LOG_SPAN("took", l->took_us));
        log_doubt(p);
    } else {
        log_error(p->state == PLUGIN_QUARANTINED ? "plugin quarantined" : "plugin declined",
                  LOG_TEXT("plugin", p->name), LOG_TEXT("path", p->file ? p->file->file.path : ""),
                  LOG_TEXT("why", p->why));
    }
}

static void tell_remark(const struct plan_plugin *p)
{
    char name[READINESS_NAME_SIZE], text[READINESS_REMARK_SIZE];

    snprintf(name, sizeof(name), "plugin %s", p->name);
    snprintf(text, sizeof(text), "%s%s", p->state == PLUGIN_QUARANTINED ? "" : "declined: ", p->why);
    readiness_remark(name, p->state == PLUGIN_LOADED ? NULL : text);
}

static void tell_metric(const struct plan_plugin *p)
{
    struct buf label = BUF_INIT;

    metrics_label(&label, "plugin", str_from(p->name));
    metric_set(metrics_gauge("dowel_plugin_up", "Whether an enabled plugin works", buf_text(&label)),
               p->state == PLUGIN_LOADED);
    buf_finish(&label);
}

json_t *registry_describe(const struct plan_plugin *p)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s}", "name", p->name, "version",
                     p->file ? p->file->version : "", "summary", p->file ? p->file->summary : "", "path",
                     p->file ? p->file->file.path : "", "state", plugin_state_name(p->state), "required",
                     p->required, "why", p->why, "hash", p->file ? p->file->file.hash : "");
}

static void write_state(const struct registry *r)
{
    json_t *plugins = json_array(), *state = NULL;
    bool whole = plugins != NULL;

    for (size_t i = 0; i < r->plan.n && whole; i++)
        whole = json_array_append_new(plugins, registry_describe(&r->plan.plugins[i])) == 0;
    if (whole)
        state = json_pack("{s:i, s:i, s:O}", "version", 1, "pid", (int)getpid(), "plugins", plugins);
    json_decref(plugins);
    if (!state || record_write(r->options.data_dir, PLUGIN_STATE_FILE, state) != 0)
        log_warn("what became of the plugins is not written down for `dowel plugin list`",
                 LOG_TEXT("data", r->options.data_dir));
    json_decref(state);
}

static void tell_all(const struct registry *r)
{
    for (size_t i = 0; i < r->plan.n; i++) {
        const struct plan_plugin *p = &r->plan.plugins[i];
        if (!p->order)
            continue;
        log_plugin(r, p);
        tell_remark(p);
        tell_metric(p);
    }
    write_state(r);
}

static const struct plan_plugin *enabled_plugin(const struct registry *r, const char *name)
{
    for (size_t i = 0; name && i < r->plan.n; i++) {
        if (r->plan.plugins[i].order && strcmp(r->plan.plugins[i].name, name) == 0)
            return &r->plan.plugins[i];
    }
    return NULL;
}

/* What the process that serves has loaded, and this one could not. */
static int keep_what_works(const struct registry *r, struct buf *why)
{
    json_t *state = record_read(r->options.data_dir, PLUGIN_STATE_FILE), *before;
    size_t i, had = why->n;

    json_array_foreach(json_object_get(state, "plugins"), i, before)
    {
        const char *was = json_string_value(json_object_get(before, "state"));
        const struct plan_plugin *p = enabled_plugin(r, json_string_value(json_object_get(before, "name")));
        if (!p || !was || strcmp(was, plugin_state_name(PLUGIN_LOADED)) != 0 ||
            (p->state != PLUGIN_DECLINED && p->state != PLUGIN_MISSING))
            continue;
        buf_add_format(why,
                       "%sthe plugin %s works now and would not any more: %s (or switch it off: dowel plugin "
                       "disable %s)",
                       why->n ? "\n" : "", p->name, p->why, p->name);
    }
    json_decref(state);
    return why->n > had ? -1 : 0;
}

int registry_start(struct registry *r, struct buf *why)
{
    each(r, start);
    if (require(r, why) != 0 || (r->options.may_refuse && keep_what_works(r, why) != 0))
        return -1;
    if (!r->options.is_passing)
        tell_all(r);
    return 0;
}

int registry_announce(const struct registry *r, struct db_session *s, int64_t now_us)
{
    int rc = 0;

    for (size_t i = 0; rc >= 0 && i < r->n; i++) {
        if (is_well(&r->loading[i]))
            rc = listeners_announce(r->loading[i].instance, s, now_us);
    }
    return rc;
}

/* ---- the way back ---- */

static void stop(struct registry *r, struct loading *l)
{
    struct buf why = BUF_INIT;

    if (!l->initialised)
        return;
    if (l->started && instance_run(l->instance, INSTANCE_STOP, &why) != 0)
        log_error("a plugin did not stop well", LOG_TEXT("plugin", l->plugin->name),
                  LOG_TEXT("why", buf_text(&why)));
    detach_stop(l->instance);
    if (l->hooked)
        plugin_hooks_remove(r->options.process->hooks, l->instance);
    buf_finish(&why);
}

/* A thread that holds a call would find its ground gone. */
static bool finish(struct loading *l)
{
    struct buf ignored = BUF_INIT;
    unsigned calls = l->instance ? l->instance->calls : 0;

    if (calls > 0)
        log_error("a plugin's threads still hold calls after its stop; the process ends without its fini",
                  LOG_TEXT("plugin", l->plugin->name), LOG_NUMBER("calls", calls));
    else if (l->initialised)
        instance_run(l->instance, INSTANCE_FINI, &ignored);
    l->hooked = l->initialised = l->started = false;
    buf_finish(&ignored);
    return calls == 0;
}

bool registry_stop(struct registry *r)
{
    bool ended = true;

    for (size_t i = r ? r->n : 0; i > 0; i--) {
        stop(r, &r->loading[i - 1]);
        ended &= finish(&r->loading[i - 1]);
    }
    if (r && r->own) {
        atomic_store(&r->own->missing, true);
        ended &= r->own->calls == 0;
    }
    return ended;
}

void registry_destroy(struct registry *r)
{
    if (!r)
        return;
    for (size_t i = r->n; i > 0; i--) {
        struct loading *l = &r->loading[i - 1];
        plugin_routes_destroy(l->routes);
        api_document_destroy(l->document);
        instance_destroy(l->instance);
        library_forget(l->library);
    }
    instance_destroy(r->own);
    config_drop(r->config);
    quarantine_destroy(r->quarantine);
    arena_finish(&r->arena);
    free(r);
}
