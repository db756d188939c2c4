/* What a schema says at its top: the JSON types, and what it is made of. Its other rules are not read here. */
#include "api/reader.h"
#include "config/nearest.h"

/* Of allOf and $ref: a longer chain is taken for one that leads back into itself, and each link may be two of the next:
 * so their number is bounded as well. */
enum { PARTS_DEEP_MAX = 32, PARTS_MAX = 10000 };

static const char *const type_names[] = {
    [API_STRING] = "string",   [API_INTEGER] = "integer", [API_NUMBER] = "number",
    [API_BOOLEAN] = "boolean", [API_ARRAY] = "array",     [API_OBJECT] = "object",
};

const char *api_type_words(enum api_type type)
{
    static const char *const words[] = {
        [API_ANY] = "anything",     [API_STRING] = "a text",         [API_INTEGER] = "a whole number",
        [API_NUMBER] = "a number",  [API_BOOLEAN] = "true or false", [API_ARRAY] = "a list",
        [API_OBJECT] = "an object",
    };
    return words[type];
}

/* ---- its parts ---- */

struct visit {
    struct api_reader *reader;
    const struct yaml_node *whole;
    api_visit_schema each;
    void *ud;
    unsigned parts;
    bool is_over; /* complained of: once is enough */
};

static void give_up(struct visit *v, const struct yaml_node *at, const char *hint, const char *what)
{
    v->is_over = true;
    api_complain(v->reader, at->line, hint, "%s", what);
}

static void visit_parts(struct visit *v, const struct yaml_node *schema, unsigned depth)
{
    if (!schema || schema->kind != YAML_MAP || v->is_over)
        return;
    if (depth > PARTS_DEEP_MAX) {
        give_up(v, schema, "let a schema not be made of itself", "allOf leads back into itself");
        return;
    }
    if (++v->parts > PARTS_MAX) {
        give_up(v, v->whole, "name each part once",
                "allOf and $ref make this schema of more than 10000 parts");
        return;
    }
    v->each(v->reader, schema, v->ud);
    const struct yaml_node *target = api_reference_follow(v->reader->root, schema),
                           *all = api_get(schema, "allOf");
    if (target != schema)
        visit_parts(v, target, depth + 1);
    for (const struct yaml_node *it = all && all->kind == YAML_LIST ? all->first : NULL; it; it = it->next)
        visit_parts(v, it, depth + 1);
}

void api_each_schema(struct api_reader *r, const struct yaml_node *schema, api_visit_schema visit, void *ud)
{
    struct visit v = { .reader = r, .whole = schema, .each = visit, .ud = ud };

    visit_parts(&v, schema, 0);
}

/* ---- its types ---- */

struct types {
    unsigned set; /* a bit for each enum api_type */
    bool null;
};

static void add_type(struct api_reader *r, const struct yaml_node *node, struct types *types)
{
    struct nearest nearest = nearest_init(node->text);

    if (node->kind != YAML_TEXT) {
        api_complain(r, node->line, node->kind == YAML_NULL ? "write \"null\" with its quotes" : NULL,
                     "a type is a name such as string");
        return;
    }
    if (str_equal(node->text, STR_OF("null"))) {
        types->null = true;
        return;
    }
    for (unsigned i = API_STRING; i <= API_OBJECT; i++) {
        if (str_equal(node->text, str_from(type_names[i]))) {
            types->set |= 1u << i;
            return;
        }
        nearest_offer(&nearest, type_names[i]);
    }
    api_complain(r, node->line, api_did_you_mean(r, nearest.name), "there is no type %s", node->text.p);
}

/* The first part that names types decides: what says more only narrows it. */
static void read_types(struct api_reader *r, const struct yaml_node *schema, void *ud)
{
    struct types *types = ud;
    const struct yaml_node *type = api_get(schema, "type");

    if (yaml_find(schema, STR_OF("nullable")))
        api_complain(r, yaml_find(schema, STR_OF("nullable"))->line, "write type: [string, \"null\"]",
                     "nullable is of OpenAPI 3.0");
    if (!type || types->set || types->null)
        return;
    if (type->kind != YAML_LIST) {
        add_type(r, type, types);
        return;
    }
    for (const struct yaml_node *it = type->first; it; it = it->next)
        add_type(r, it, types);
}

/* An integer is a number: both together are numbers. */
static enum api_type only_type(unsigned set)
{
    if (set == (1u << API_INTEGER | 1u << API_NUMBER))
        return API_NUMBER;
    for (unsigned i = API_STRING; i <= API_OBJECT; i++) {
        if (set == 1u << i)
            return (enum api_type)i;
    }
    return API_ANY;
}

struct api_shape api_shape_of(struct api_reader *r, const struct yaml_node *schema)
{
    struct types types = { 0 };

    api_each_schema(r, schema, read_types, &types);
    return (struct api_shape){ only_type(types.set), types.null || !types.set };
}
