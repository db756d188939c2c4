/* probe_describe.c - a descriptor as JSON. */
#include <stdio.h>

#include "plugin/migrations.h"
#include "plugin/probe.h"
#include "plugin/words.h"
#include "util/compiler.h"

#define TEXT_OF_(number) #number
#define TEXT_OF(number)  TEXT_OF_(number)

const char *probe_abi(void)
{
    return TEXT_OF(DW_ABI_MAJOR) "." TEXT_OF(DW_ABI_MINOR);
}

/* jansson's functions take NULL for a value that could not be made, and fail: one look at the end is enough. */
static json_t *append(json_t *list, json_t *value)
{
    if (!list || json_array_append_new(list, value) == 0)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *item_json(const dw_item *it)
{
    return json_pack("{s:s, s:i, s:I, s:s?, s:s, s:I, s:I, s:s?, s:s?}", "name", it->name, "type",
                     (int)it->type, "offset", (json_int_t)it->offset, "fallback", it->fallback, "help",
                     it->help, "min", (json_int_t)it->min, "max", (json_int_t)it->max, "one_of", it->one_of,
                     "pattern", it->pattern);
}

static json_t *items_json(const struct plugin_descriptor *d)
{
    json_t *list = json_array();

    for (size_t i = 0; i < d->items_n; i++)
        list = append(list, item_json(&d->items[i]));
    return list;
}

static json_t *routes_json(const struct plugin_descriptor *d)
{
    json_t *list = json_array();

    for (size_t i = 0; i < d->routes_n; i++)
        list = append(list, json_pack("{s:s?, s:s, s:s?}", "method", d->routes[i].method, "path",
                                      d->routes[i].path, "permission", d->routes[i].permission));
    return list;
}

/* The names in one of the lists. */
#define NAMES_OF(d, list, T, member) names_json((d)->list, (d)->list##_n, sizeof(T), offsetof(T, member))

static json_t *names_json(const void *elements, size_t n, size_t size, size_t key)
{
    json_t *list = json_array();
    const char *name;

    for (size_t i = 0; i < n; i++) {
        memcpy(&name, (const char *)elements + i * size + key, sizeof(name));
        list = append(list, json_string(name));
    }
    return list;
}

static json_t *arguments_json(const dw_command *command)
{
    json_t *list = json_array();

    for (const dw_argument *a = command->arguments; a->name; a++)
        list = append(list, json_pack("{s:s, s:s?, s:s, s:s?, s:i, s:b, s:b, s:b}", "name", a->name, "value",
                                      a->value, "help", a->help, "one_of", a->one_of, "type", (int)a->type,
                                      "optional", a->optional, "required", a->required, "many", a->many));
    return list;
}

/* All that the command line needs to read what was typed, without opening the plugin. */
static json_t *commands_json(const struct plugin_descriptor *d)
{
    json_t *list = json_array();

    for (size_t i = 0; i < d->commands_n; i++) {
        const dw_command *one = &d->commands[i];
        list = append(list,
                      json_pack("{s:s, s:s, s:s, s:i, s:i, s:s?, s:o}", "name", one->name, "summary",
                                one->summary, "help", one->help, "input", (int)one->input, "flags",
                                (int)one->flags, "timeout", one->timeout, "arguments", arguments_json(one)));
    }
    return list;
}

/* With their texts: what would be done to the database can be told without opening the plugin. */
static json_t *migrations_json(const struct plugin_descriptor *d, struct buf *why)
{
    json_t *list = json_array();

    for (size_t i = 0; i < d->assets_n && list; i++) {
        const dw_asset *a = &d->assets[i];
        if (!plugin_migrations_has(a->path))
            continue;
        struct str bytes = str_make(a->data, a->size);
        json_t *text = str_is_utf8(bytes) ? json_stringn(a->size ? a->data : "", a->size) : NULL;
        if (!text)
            buf_add_format(why, "has a file %s that is not UTF-8", a->path);
        list = append(list, text ? json_pack("{s:s, s:o}", "path", a->path, "text", text) : NULL);
    }
    return list;
}

static json_t *api_json(const struct plugin_descriptor *d, struct buf *why)
{
    const dw_asset *api = descriptor_asset(d, "api.yaml");

    if (!api)
        return json_null();
    json_t *text = json_stringn(api->size ? api->data : "", api->size);
    if (!text)
        buf_add_text(why, "has an api.yaml that is not UTF-8");
    return text;
}

/* Nobody but the registry uses it; here it is only known earlier that the plugin would be declined. */
static bool has_good_words(const struct plugin_descriptor *d, struct buf *why)
{
    json_t *words;
    int rc = words_read(&words, d, why);

    json_decref(words);
    return rc == 0;
}

json_t *probe_describe(const struct plugin_descriptor *d, struct buf *why)
{
    if (!has_good_words(d, why))
        return NULL;
    json_t *api = api_json(d, why), *migrations = migrations_json(d, why);

    if (!api || !migrations) {
        json_decref(api);
        json_decref(migrations);
        if (why->n == 0)
            buf_add_text(why, "cannot be described: out of memory");
        return NULL;
    }
    json_t *found = json_pack(
        "{s:s, s:s, s:[iii], s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o, s:o, s:o, s:o}",
        "name", d->name, "version", d->version, "abi", (int)d->abi_major, (int)d->abi_minor,
        (int)d->need_minor, "summary", d->summary, "license", d->license, "needs", d->needs, "wants",
        d->wants, "settings", (json_int_t)d->conf_size, "items", items_json(d), "operations",
        NAMES_OF(d, operations, dw_operation, id), "routes", routes_json(d), "questions",
        NAMES_OF(d, questions, dw_question, name), "hooks", NAMES_OF(d, hooks, dw_hook, name), "services",
        NAMES_OF(d, services, dw_service, name), "jobs", NAMES_OF(d, jobs, dw_job_kind, name), "schedules",
        NAMES_OF(d, schedules, dw_schedule, name), "subscriptions",
        NAMES_OF(d, subscriptions, dw_subscription, event), "inboxes", NAMES_OF(d, inboxes, dw_inbox, name),
        "connectors", NAMES_OF(d, connectors, dw_connector, name), "commands", commands_json(d), "assets",
        NAMES_OF(d, assets, dw_asset, path), "migrations", migrations, "api", api);
    if (!found)
        buf_add_text(why, "cannot be described: out of memory");
    return found;
}
