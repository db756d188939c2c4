/* plugin.c - `dowel plugin`: what is there, what works, and what to do about the rest. */
#include "cli/plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/plugin_new.h"
#include "plugin/record.h"
#include "plugin/registry.h"

/* ---- the view ---- */

static bool has_core_errors(const struct config_problems *problems)
{
    for (const struct config_problem *p = problems->first; p; p = p->next) {
        if (!p->warning && (!p->table || strcmp(p->table, "core") == 0))
            return true;
    }
    return problems->out_of_memory;
}

static void print_core_errors(const struct config_problems *problems)
{
    for (const struct config_problem *p = problems->first; p; p = p->next) {
        struct buf text = BUF_INIT;
        config_problem_format(&text, p);
        if (!p->warning && (!p->table || strcmp(p->table, "core") == 0))
            fprintf(stderr, "%s\n", buf_text(&text));
        buf_finish(&text);
    }
}

/* As the registry does it with the plugins that it has opened. */
static void decline_misconfigured(struct plugin_view *v, const struct config_problems *problems)
{
    for (size_t i = 0; i < v->plan.sequence_n; i++) {
        struct plan_plugin *p = v->plan.sequence[i];
        struct buf why = BUF_INIT;
        const char *missing = plan_missing(&v->plan, p, &v->arena);
        for (const struct config_problem *q = problems->first; q; q = q->next) {
            if (q->warning || !q->table || strcmp(q->table, p->name) != 0)
                continue;
            buf_add_text(&why, why.n ? "; " : "");
            config_problem_format(&why, q);
        }
        if (missing)
            plan_decline(p, &v->arena, str_from(missing));
        else if (why.n > 0)
            plan_decline(p, &v->arena, buf_str(&why));
        buf_finish(&why);
    }
}

static int open_view(struct plugin_view *v, const struct cli *c, enum cli_plugins which, bool quiet)
{
    struct config_problems problems;

    memset(v, 0, sizeof(*v));
    arena_init(&v->arena, NULL, 0, 0);
    config_problems_init(&problems);
    int result = cli_settings_load(&v->settings, c, which, &problems);
    if (result == CLI_CONFIG && !has_core_errors(&problems))
        result = CLI_OK;
    if (!quiet)
        print_core_errors(&problems);
    v->quarantine = quarantine_read(c->data_dir);
    if (result == CLI_OK &&
        plan_make(&v->plan, &v->arena, v->settings.catalog, v->settings.core, v->quarantine) != 0) {
        fputs("out of memory\n", stderr);
        result = CLI_FAILED;
    }
    decline_misconfigured(v, &problems);
    config_problems_finish(&problems);
    return result;
}

int plugin_view_open(struct plugin_view *v, const struct cli *c)
{
    return open_view(v, c, CLI_PLUGINS_ALL, false);
}

int plugin_view_peek(struct plugin_view *v, const struct cli *c)
{
    return open_view(v, c, CLI_PLUGINS_CONFIGURED, true);
}

void plugin_view_close(struct plugin_view *v)
{
    quarantine_destroy(v->quarantine);
    cli_settings_finish(&v->settings);
    arena_finish(&v->arena);
}

const struct plan_plugin *plugin_view_find(const struct plugin_view *v, const char *name)
{
    struct buf text = BUF_INIT;

    for (size_t i = 0; i < v->plan.n; i++) {
        if (strcmp(v->plan.plugins[i].name, name) == 0)
            return &v->plan.plugins[i];
    }
    catalog_tell_missing(v->settings.catalog, name, &text);
    fprintf(stderr, "%s: %s\n", name, buf_text(&text));
    buf_finish(&text);
    return NULL;
}

bool plugin_is_loaded_now(const struct cli *c, const char *name)
{
    json_t *state = record_read(c->data_dir, PLUGIN_STATE_FILE);
    const json_t *plugin;
    bool loaded = false;
    size_t i;

    json_array_foreach(json_object_get(state, "plugins"), i, plugin)
    {
        const char *who = json_string_value(json_object_get(plugin, "name"));
        const char *how = json_string_value(json_object_get(plugin, "state"));
        loaded |= who && how && strcmp(who, name) == 0 && strcmp(how, plugin_state_name(PLUGIN_LOADED)) == 0;
    }
    json_decref(state);
    return loaded;
}

int plugin_print_json(json_t *value)
{
    struct buf text = BUF_INIT;
    char *line = value ? json_dumps(value, JSON_COMPACT) : NULL;

    json_decref(value);
    if (!line) {
        fputs("out of memory\n", stderr);
        return CLI_FAILED;
    }
    buf_add_format(&text, "%s\n", line);
    free(line);
    return cli_print(&text);
}

/* ---- the small ones ---- */

static int clear(const struct cli *c)
{
    const char *name = c->argv[1];
    struct buf text = BUF_INIT, why = BUF_INIT;
    int cleared = quarantine_clear(c->data_dir, name, &why), result = CLI_FAILED;

    if (cleared < 0) {
        fprintf(stderr, "%s\n", buf_text(&why));
    } else if (c->json) {
        result = plugin_print_json(json_pack("{s:s, s:b}", "name", name, "cleared", cleared));
    } else {
        buf_add_format(&text,
                       cleared ? "%s: its crashes are forgotten; to load it again: dowel reload\n"
                               : "%s: has no crashes on record\n",
                       name);
        result = cli_print(&text);
    }
    buf_finish(&why);
    return result;
}

static int new_plugin(const struct cli *c)
{
    const char *name = c->argv[1], *directory = c->argc > 2 ? c->argv[2] : name;
    struct buf text = BUF_INIT, why = BUF_INIT;
    int result = CLI_FAILED;

    if (plugin_new(name, directory, &why) != 0) {
        fprintf(stderr, "%s\n", buf_text(&why));
    } else if (c->json) {
        result = plugin_print_json(json_pack("{s:s, s:s}", "name", name, "directory", directory));
    } else {
        buf_add_format(&text,
                       "made %s; its README.md says more. Next:\n"
                       "  cd %s\n"
                       "  cmake -B build && cmake --build build && ctest --test-dir build\n",
                       directory, directory);
        result = cli_print(&text);
    }
    buf_finish(&why);
    return result;
}

/* ---- the verb ---- */

static const struct action {
    const char *name, *what; /* what its first argument is; NULL: it has none */
    int most;                /* arguments behind the name */
    int (*run)(const struct cli *c);
} actions[] = {
    { "list", NULL, 0, plugin_list },
    { "info", "the name of a plugin", 1, plugin_info },
    { "enable", "the name of a plugin", 1, plugin_enable },
    { "disable", "the name of a plugin", 1, plugin_disable },
    { "verify", "a file", 1, plugin_verify },
    { "clear", "the name of a plugin", 1, clear },
    { "new", "a name", 2, new_plugin },
    { "purge", "the name of a plugin", 1, plugin_purge },
};

static int run(const struct cli *c)
{
    if (c->argc == 0)
        return cli_usage(c, "say what to do: list, info, enable, disable, verify, clear, new or purge");
    for (size_t i = 0; i < DW_COUNT_OF(actions); i++) {
        const struct action *a = &actions[i];
        if (strcmp(c->argv[0], a->name) != 0)
            continue;
        if (c->argc - 1 > a->most)
            return cli_usage(c, "%s: one argument too many", c->argv[a->most + 1]);
        if (c->argc == 1 && a->what)
            return cli_usage(c, "plugin %s: %s is missing", a->name, a->what);
        if (cli_option_value(c, "probe", 0) && a->run != plugin_verify)
            return cli_usage(c, "--probe: only `plugin verify` takes it");
        if (cli_option_value(c, "yes", 0) && a->run != plugin_purge)
            return cli_usage(c, "--yes: only `plugin purge` takes it");
        return a->run(c);
    }
    return cli_usage(c, "%s: plugin cannot do that", c->argv[0]);
}

static const struct cli_option options[] = {
    { "probe", NULL, "verify: open the file in this very process, for a debugger", false },
    { "yes", NULL, "purge: does not ask", false },
    { NULL, NULL, NULL, false },
};

const struct cli_verb cli_verb_plugin = {
    .name = "plugin",
    .arguments = "list | info NAME | enable NAME | disable NAME | verify FILE [--probe] | clear NAME | new "
                 "NAME [DIR] | "
                 "purge NAME [--yes]",
    .summary = "Shows, enables, checks and begins plugins",
    .help =
        "list          all that are there or enabled, and what became of each: of the running server, else\n"
        "              what would\n"
        "info NAME     all that is known about one: why it does not work, what it offers and needs, its "
        "items,\n"
        "              its crashes\n"
        "enable NAME   writes `enabled: true` into conf.d/NAME.yaml, which is made if it is not there\n"
        "disable NAME  the opposite; the rest of the file stays\n"
        "verify FILE   would this file be loaded? Opens it in a child process, as the server does. Who owns "
        "it and\n"
        "              may write it is only warned about, as it may not lie where it will be used\n"
        "clear NAME    forgets its crashes, which ends its quarantine\n"
        "new NAME      writes the folder of a new plugin, into DIR or a folder of its name\n"
        "purge NAME    takes away for good what the database has of a plugin that is not enabled, installed "
        "or "
        "not: its\n"
        "              tables with all tenants' rows, its migrations, jobs, schedules, subscriptions and "
        "inboxes. "
        "Shows\n"
        "              what that is and asks, unless --yes is given\n"
        "\n"
        "enable, disable and clear take effect with `dowel reload`. verify ends with 1 when the file would "
        "not be\n"
        "loaded.\n",
    .options = options,
    .run = run,
};
