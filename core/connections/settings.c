#include "connections/settings.h"

#include <stdio.h>

#include "config/typed.h"
#include "util/compiler.h"

const struct config_item *connection_settings_item(const struct config_table *table, struct str name)
{
    for (const struct config_item *it = table->items; it->name; it++) {
        if (str_equal(str_from(it->name), name))
            return it;
    }
    return NULL;
}

const char *connection_settings_text(const void *settings, const struct config_item *item)
{
    const char *text;

    memcpy(&text, (const char *)settings + item->offset, sizeof(text));
    return text;
}

/* ---- JSON as the reader of the configuration knows values ---- */

static bool set_number(struct yaml_node *node, const json_t *value, struct arena *arena)
{
    const char *text = json_is_integer(value)
                           ? arena_format(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value))
                           : arena_format(arena, "%.17g", json_real_value(value));

    node->kind = json_is_integer(value) ? YAML_INT : YAML_REAL;
    node->text = str_from(text ? text : "");
    return text != NULL;
}

static bool make_node(struct yaml_node *node, const json_t *value, struct arena *arena);

static bool set_list(struct yaml_node *node, const json_t *value, struct arena *arena)
{
    struct yaml_node *entries = arena_calloc(arena, (json_array_size(value) + 1) * sizeof(*entries));

    if (!entries)
        return false;
    node->kind = YAML_LIST;
    node->n = json_array_size(value);
    node->first = node->n > 0 ? entries : NULL;
    for (size_t i = 0; i < node->n; i++) {
        if (!make_node(&entries[i], json_array_get(value, i), arena))
            return false;
        entries[i].next = i + 1 < node->n ? &entries[i + 1] : NULL;
    }
    return true;
}

/* Nothing of a list in a list is looked at but what it is. */
static bool make_node(struct yaml_node *node, const json_t *value, struct arena *arena)
{
    *node = (struct yaml_node){ .kind = YAML_NULL };
    switch (json_typeof(value)) {
    case JSON_TRUE:
    case JSON_FALSE:
        node->kind = YAML_BOOL;
        node->text = json_is_true(value) ? STR_OF("true") : STR_OF("false");
        return true;
    case JSON_STRING:
        node->kind = YAML_TEXT;
        node->text = str_make(json_string_value(value), json_string_length(value));
        return true;
    case JSON_INTEGER:
    case JSON_REAL: return set_number(node, value, arena);
    case JSON_ARRAY: return set_list(node, value, arena);
    case JSON_OBJECT: node->kind = YAML_MAP; return true;
    default: return true;
    }
}

/* ---- all items ---- */

static void read_item(const struct typed *t, const json_t *given)
{
    struct yaml_node node;
    int rc = typed_set_fallback(t);

    if (given) {
        if (make_node(&node, given, t->arena))
            typed_set_node(t, &node, NULL);
        else
            t->problems->out_of_memory = true;
    } else if (rc == 0) {
        config_problem_add(t->problems,
                           config_problem_at((struct config_place){ NULL, 0 }, t->table->name, t->item->name),
                           "must be set");
    }
}

const void *connection_settings_read(const struct config_table *table, const json_t *settings,
                                     const json_t *secrets, struct arena *arena,
                                     struct config_problems *problems)
{
    struct typed t = { .table = table,
                       .values = arena_calloc(arena, table->size ? table->size : 1),
                       .arena = arena,
                       .problems = problems };

    if (!t.values) {
        problems->out_of_memory = true;
        return NULL;
    }
    for (t.item = table->items; t.item->name; t.item++)
        read_item(&t, json_object_get(config_item_is_secret(t.item) ? secrets : settings, t.item->name));
    return t.values;
}
