/* plugin_list.c - `dowel plugin list` and `info`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/plugin.h"
#include "config/typed.h"
#include "plugin/record.h"
#include "plugin/registry.h"
#include "supervise/lock.h"
#include "util/clock.h"

/* ---- what the running server says ---- */

/* NULL: none runs, or it has not said. */
static json_t *running_plugins(const struct cli *c)
{
    json_t *state = data_lock_holder(c->data_dir) != 0 ? record_read(c->data_dir, PLUGIN_STATE_FILE) : NULL;
    json_t *plugins = json_incref(json_object_get(state, "plugins"));

    json_decref(state);
    if (json_is_array(plugins))
        return plugins;
    json_decref(plugins);
    return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static json_t *find(const json_t *plugins, const char *name)
{
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        if (strcmp(text_of(json_array_get(plugins, i), "name"), name) == 0)
            return json_array_get(plugins, i);
    }
    return NULL;
}

/* What is, and with "after_reload" what will be, where a server runs and the two differ. A server looks only at what is
 * enabled, so what the file says about itself comes from here. */
static json_t *describe(const struct plan_plugin *p, const json_t *running)
{
    json_t *planned = registry_describe(p), *now = find(running, p->name);
    const char *will_be = plugin_state_name(p->state);

    if (!running || !planned)
        return planned;
    if (now) {
        json_object_set(planned, "state", json_object_get(now, "state"));
        json_object_set(planned, "why", json_object_get(now, "why"));
    } else {
        json_object_set_new(planned, "state", json_string("available"));
        json_object_set_new(planned, "why", json_string(""));
    }
    bool same =
        strcmp(text_of(planned, "state"), will_be) == 0 &&
        (!now || !*text_of(now, "hash") || strcmp(text_of(now, "hash"), text_of(planned, "hash")) == 0);
    if (!same)
        json_object_set_new(planned, "after_reload",
                            json_pack("{s:s, s:s}", "state", will_be, "why", p->why));
    return planned;
}

/* ---- list ---- */

static void add_row(struct buf *out, const json_t *row, int names, int versions)
{
    const json_t *later = json_object_get(row, "after_reload");
    const char *why = text_of(row, "why"), *summary = text_of(row, "summary");

    buf_add_format(out, "%-*s  %-*s  %-11s  %s\n", names, text_of(row, "name"), versions,
                   text_of(row, "version"), text_of(row, "state"), *why ? why : summary);
    if (later)
        buf_add_format(out, "%-*s  %-*s  after `dowel reload`: %s%s%s\n", names, "", versions, "",
                       text_of(later, "state"), *text_of(later, "why") ? ", " : "", text_of(later, "why"));
}

static int longest(const json_t *rows, const char *key)
{
    size_t most = strlen(key);

    for (size_t i = 0; i < json_array_size(rows); i++) {
        size_t n = strlen(text_of(json_array_get(rows, i), key));
        most = n > most ? n : most;
    }
    return (int)most;
}

static int print_rows(const json_t *rows, bool running)
{
    struct buf text = BUF_INIT;
    int names = longest(rows, "name"), versions = longest(rows, "version");

    if (json_array_size(rows) == 0)
        buf_add_text(&text, "no plugins: none is installed, and none is enabled\n");
    else
        buf_add_format(&text, "%-*s  %-*s  %-11s  %s\n", names, "NAME", versions, "VERSION", "STATE",
                       running ? "ABOUT" : "ABOUT (no server runs: this is what would be)");
    for (size_t i = 0; i < json_array_size(rows); i++)
        add_row(&text, json_array_get(rows, i), names, versions);
    return cli_print(&text);
}

int plugin_list(const struct cli *c)
{
    struct plugin_view view;
    json_t *running = NULL, *rows = json_array();
    int result = plugin_view_open(&view, c);

    if (result != CLI_OK)
        goto done;
    running = running_plugins(c);
    for (size_t i = 0; i < view.plan.n; i++)
        json_array_append_new(rows, describe(&view.plan.plugins[i], running));
    result = c->json ? plugin_print_json(json_pack("{s:b, s:O}", "running", running != NULL, "plugins", rows))
                     : print_rows(rows, running != NULL);
done:
    json_decref(rows);
    json_decref(running);
    plugin_view_close(&view);
    return result;
}

/* ---- info ---- */

static json_t *crashes_json(const struct plugin_view *v, const char *name)
{
    const struct quarantine_plugin *q = quarantine_find(v->quarantine, name);
    json_t *list = json_array();
    char time[CLOCK_RFC3339_SIZE];

    for (size_t i = 0; q && i < q->n; i++) {
        clock_format_rfc3339(q->crashes[i].time_s * CLOCK_SECOND, time);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "time", time, "what", q->crashes[i].what,
                                              "note", q->crashes[i].note));
    }
    return list;
}

static json_t *info_json(const struct plugin_view *v, const struct plan_plugin *p, const json_t *running)
{
    json_t *info = describe(p, running);
    json_t *found = p->file && p->file->found ? json_copy((json_t *)(uintptr_t)p->file->found) : NULL;

    /* Their texts are long, and for programs that read such. */
    json_object_del(found, "api");
    json_object_del(found, "migrations");
    if (found)
        json_object_set_new(info, "found", found);
    if (p->file && p->file->file.shadowed)
        json_object_set_new(info, "not_used", json_string(p->file->file.shadowed));
    json_object_set_new(info, "crashes", crashes_json(v, p->name));
    return info;
}

static void add_line(struct buf *out, const char *name, const char *text)
{
    if (*text)
        buf_add_format(out, "%-11s %s\n", name, text);
}

static void add_names(struct buf *out, const char *name, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        buf_add_format(out, "%-11s ", i ? "" : name);
        if (json_is_string(entry))
            buf_add_text(out, json_string_value(entry));
        else if (*text_of(entry, "name"))
            buf_add_format(out, "%s: %s", text_of(entry, "name"), text_of(entry, "summary"));
        else
            buf_add_format(out, "%s %s", *text_of(entry, "method") ? text_of(entry, "method") : "any method",
                           text_of(entry, "path"));
        buf_add_char(out, '\n');
    }
}

static void add_items(struct buf *out, const struct config_table *table)
{
    for (const struct config_item *it = table ? table->items : NULL; it && it->name; it++) {
        buf_add_format(out, "%-11s %s: %s", it == table->items ? "items" : "", it->name,
                       typed_name(it->type));
        if (it->fallback)
            buf_add_format(out, ", default %s\n", it->fallback);
        else
            buf_add_text(out, ", must be set\n");
    }
}

static void add_crashes(struct buf *out, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *crash = json_array_get(list, i);
        buf_add_format(out, "%-11s %s in %s%s%s\n", i ? "" : "crashes", text_of(crash, "time"),
                       text_of(crash, "what"), *text_of(crash, "note") ? ", note: " : "",
                       text_of(crash, "note"));
    }
}

static int print_info(const struct plan_plugin *p, const json_t *info)
{
    static const char *const lists[] = { "operations", "routes",     "hooks",     "questions",
                                         "services",   "jobs",       "schedules", "subscriptions",
                                         "inboxes",    "connectors", "commands",  "assets" };
    static const char *const lines[] = { "state", "why", "version", "summary", "path", "not_used", "hash" };
    const json_t *found = json_object_get(info, "found"), *later = json_object_get(info, "after_reload");
    struct buf text = BUF_INIT;

    add_line(&text, "name", p->name);
    for (size_t i = 0; i < DW_COUNT_OF(lines); i++)
        add_line(&text, lines[i], text_of(info, lines[i]));
    add_line(&text, "required", p->required ? "the server does not run without it" : "");
    if (later)
        buf_add_format(&text, "%-11s %s%s%s\n", "after reload", text_of(later, "state"),
                       *text_of(later, "why") ? ", " : "", text_of(later, "why"));
    add_line(&text, "license", text_of(found, "license"));
    add_line(&text, "needs", text_of(found, "needs"));
    add_line(&text, "wants", text_of(found, "wants"));
    for (size_t i = 0; i < DW_COUNT_OF(lists); i++)
        add_names(&text, lists[i], json_object_get(found, lists[i]));
    add_items(&text, p->file ? p->file->table : NULL);
    add_crashes(&text, json_object_get(info, "crashes"));
    return cli_print(&text);
}

int plugin_info(const struct cli *c)
{
    struct plugin_view view;
    json_t *running = NULL, *info = NULL;
    int result = plugin_view_open(&view, c);

    if (result != CLI_OK)
        goto done;
    const struct plan_plugin *p = plugin_view_find(&view, c->argv[1]);
    result = CLI_FAILED;
    if (!p)
        goto done;
    running = running_plugins(c);
    info = info_json(&view, p, running);
    result = c->json ? plugin_print_json(json_incref(info)) : print_info(p, info);
done:
    json_decref(info);
    json_decref(running);
    plugin_view_close(&view);
    return result;
}
