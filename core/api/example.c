#include "api/example.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/json.h"

/* Below DEEP members that need not be there are not, and lists are empty. */
enum { DEEP = 5, DEEPEST = 12, ITEMS_MAX = 3, TEXT_MAX = 200 };

struct example {
    const json_t *document;
    bool for_request;
    const json_t *inside[DEEPEST + 1]; /* which it is made of, so that none is made of itself */
};

static json_t *make(struct example *e, const json_t *schema, const char *name, unsigned depth);

/* ---- what the schema says ---- */

/* "#" and "#/components/schemas/Note"; names of anchors lead nowhere. */
static const json_t *target_of(const json_t *document, const char *reference)
{
    if (strcmp(reference, "#") == 0)
        return document;
    return strncmp(reference, "#/", 2) == 0 ? json_pointer(document, str_from(reference + 1)) : NULL;
}

static const json_t *resolve(const struct example *e, const json_t *schema)
{
    for (unsigned i = 0; i < DEEPEST; i++) {
        const char *reference = json_string_value(json_object_get(schema, "$ref"));
        if (!reference)
            return schema;
        schema = target_of(e->document, reference);
    }
    return NULL;
}

static json_t *said(const json_t *schema)
{
    static const struct {
        const char *key;
        bool is_list;
    } places[] = {
        { "example", false }, { "examples", true }, { "const", false }, { "default", false }, { "enum", true }
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        json_t *value = json_object_get(schema, places[i].key);
        if (value && places[i].is_list)
            value = json_array_get(value, 0);
        if (value)
            return json_deep_copy(value);
    }
    return NULL;
}

/* The first that is not null; "" when the schema says none. */
static const char *type_of(const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type"), *one;
    size_t i;

    if (json_is_string(type))
        return json_string_value(type);
    json_array_foreach(type, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), "null") != 0)
            return json_string_value(one);
    }
    if (json_array_size(type) > 0)
        return "null";
    if (json_object_get(schema, "properties"))
        return "object";
    return json_object_get(schema, "items") ? "array" : "";
}

/* ---- texts ---- */

static const char *text_of_format(const char *format)
{
    static const struct {
        const char *format, *text;
    } known[] = {
        { "date-time", "2026-01-31T09:30:00.000000Z" },
        { "date", "2026-01-31" },
        { "time", "09:30:00Z" },
        { "duration", "PT1H30M" },
        { "email", "anna@example.com" },
        { "idn-email", "anna@example.com" },
        { "hostname", "www.example.com" },
        { "idn-hostname", "www.example.com" },
        { "ipv4", "192.0.2.1" },
        { "ipv6", "2001:db8::1" },
        { "uri", "https://www.example.com/" },
        { "iri", "https://www.example.com/" },
        { "uri-reference", "/notes/1" },
        { "iri-reference", "/notes/1" },
        { "uri-template", "/notes/{id}" },
        { "uuid", "019c1322-8f40-7a3b-9d54-6f1b2c3d4e5f" },
        { "json-pointer", "/items/0" },
        { "regex", "^[a-z]+$" },
        { "byte", "RG93ZWw=" },
    };

    for (size_t i = 0; format && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].format, format) == 0)
            return known[i].text;
    }
    return NULL;
}

/* What values of that name mostly are, else the name. */
static const char *text_of_name(const char *name)
{
    static const struct {
        const char *name, *text;
    } known[] = {
        { "cursor", "eyJhZnRlciI6IjAxOWMxMzIyIn0" },
        { "next", "eyJhZnRlciI6IjAxOWMxMzIyIn0" },
        { "url", "https://www.example.com/hook" },
        { "email", "anna@example.com" },
        { "If-Match", "\"1\"" },
        { "title", "A title" },
        { "description", "What it is for" },
        { "text", "Some text" },
        { "body", "Some text" },
        { "author", "anna" },
        { "name", "name" },
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) == 0)
            return known[i].text;
    }
    return name;
}

static json_int_t bound_of(const json_t *schema, const char *key, json_int_t otherwise)
{
    const json_t *bound = json_object_get(schema, key);
    return json_is_integer(bound) ? json_integer_value(bound) : otherwise;
}

static json_t *make_text(const json_t *schema, const char *name)
{
    const char *fixed = text_of_format(json_string_value(json_object_get(schema, "format")));
    json_int_t least = bound_of(schema, "minLength", 0), most = bound_of(schema, "maxLength", TEXT_MAX);
    const char *text = text_of_name(name);
    char made[TEXT_MAX + 1];
    size_t n = strlen(text), from = n;

    if (fixed)
        return json_string(fixed);
    if (n == 0 || least > TEXT_MAX || most < 0)
        return NULL;
    n = n < (size_t)least ? (size_t)least : n;
    n = n > (size_t)most ? (size_t)most : n;
    for (size_t i = 0; i < n && i < TEXT_MAX; i++)
        made[i] = text[i % from];
    made[n < TEXT_MAX ? n : TEXT_MAX] = 0;
    return json_string(made); /* NULL for half a character at its end */
}

/* ---- numbers ---- */

static bool number_of(const json_t *schema, const char *key, double *out)
{
    const json_t *value = json_object_get(schema, key);

    if (!json_is_number(value))
        return false;
    *out = json_number_value(value);
    return true;
}

static bool is_small(double value)
{
    return value > -9e15 && value < 9e15;
}

static double multiple_from(double wanted, double multiple)
{
    double times = is_small(wanted / multiple) ? (double)(json_int_t)(wanted / multiple) : 0;
    return times * multiple < wanted ? (times + 1) * multiple : times * multiple;
}

/* The smallest that is allowed from `wanted` on, or the largest that is. */
static double fit(const json_t *schema, double wanted, double step)
{
    double bound, multiple;

    if (number_of(schema, "minimum", &bound) && wanted < bound)
        wanted = bound;
    if (number_of(schema, "exclusiveMinimum", &bound) && wanted <= bound)
        wanted = bound + step;
    if (number_of(schema, "maximum", &bound) && wanted > bound)
        wanted = bound;
    if (number_of(schema, "exclusiveMaximum", &bound) && wanted >= bound)
        wanted = bound - step;
    if (number_of(schema, "multipleOf", &multiple) && multiple > 0)
        wanted = multiple_from(wanted, multiple);
    return wanted;
}

static json_t *make_integer(const json_t *schema)
{
    double value = fit(schema, 1, 1);
    return is_small(value) ? json_integer((json_int_t)value) : NULL;
}

/* ---- what has parts ---- */

static bool is_required(const json_t *schema, const char *name)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(schema, "required"), i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

static bool is_hidden(const struct example *e, const json_t *property)
{
    const json_t *resolved = resolve(e, property);
    const char *key = e->for_request ? "readOnly" : "writeOnly";

    return json_is_true(json_object_get(property, key)) || json_is_true(json_object_get(resolved, key));
}

static void add_properties(struct example *e, const json_t *schema, json_t *out, unsigned depth)
{
    const char *name;
    json_t *property;

    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        bool is_far = depth >= DEEP && !is_required(schema, name);
        if (json_object_get(out, name) || is_hidden(e, property) || is_far)
            continue;
        json_t *value = make(e, property, name, depth + 1);
        if (value)
            json_object_set_new(out, name,
                                value); /* what memory has no room for is left out, and found missing */
    }
}

/* An object of names that nobody declared. */
static void add_additional(struct example *e, const json_t *schema, json_t *out, unsigned depth)
{
    const json_t *additional = json_object_get(schema, "additionalProperties");

    if (json_object_size(out) > 0 || !json_is_object(additional) || depth >= DEEP)
        return;
    json_t *value = make(e, additional, "value", depth + 1);
    if (value)
        json_object_set_new(out, "name", value);
}

static json_t *make_object(struct example *e, const json_t *schema, unsigned depth)
{
    json_t *out = json_object();

    if (!out)
        return NULL;
    add_properties(e, schema, out, depth);
    add_additional(e, schema, out, depth);
    return out;
}

static json_t *make_array(struct example *e, const json_t *schema, const char *name, unsigned depth)
{
    const json_t *items = json_object_get(schema, "items");
    json_int_t n = bound_of(schema, "minItems", 1);
    json_t *out = json_array();

    n = n < 1 ? 1 : n;
    n = n > ITEMS_MAX ? ITEMS_MAX : n;
    for (json_int_t i = 0; out && items && depth < DEEP && i < n; i++) {
        json_t *one = make(e, items, name, depth + 1);
        if (!one || json_array_append_new(out, one) != 0)
            break;
    }
    return out;
}

/* All of allOf in one object, or what the first that says something says. */
static json_t *make_all(struct example *e, const json_t *schema, const char *name, unsigned depth)
{
    json_t *out = NULL, *part;
    size_t i;

    json_array_foreach(json_object_get(schema, "allOf"), i, part)
    {
        json_t *one = make(e, part, name, depth + 1);
        if (json_is_object(out) && json_is_object(one))
            json_object_update_missing(out, one);
        if (out)
            json_decref(one);
        else
            out = one;
    }
    if (json_is_object(out))
        add_properties(e, schema, out, depth);
    return out;
}

static json_t *make_first(struct example *e, const json_t *schema, const char *name, unsigned depth)
{
    static const char *const keys[] = { "oneOf", "anyOf" };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const json_t *first = json_array_get(json_object_get(schema, keys[i]), 0);
        json_t *out = first ? make(e, first, name, depth + 1) : NULL;
        if (json_is_object(out))
            add_properties(e, schema, out, depth);
        if (out)
            return out;
    }
    return NULL;
}

static json_t *make_of_type(struct example *e, const json_t *schema, const char *name, unsigned depth)
{
    const char *type = type_of(schema);

    if (strcmp(type, "string") == 0)
        return make_text(schema, name);
    if (strcmp(type, "integer") == 0)
        return make_integer(schema);
    if (strcmp(type, "number") == 0)
        return json_real(fit(schema, 1.5, 0.5));
    if (strcmp(type, "boolean") == 0)
        return json_true();
    if (strcmp(type, "null") == 0)
        return json_null();
    if (strcmp(type, "array") == 0)
        return make_array(e, schema, name, depth);
    return strcmp(type, "object") == 0 ? make_object(e, schema, depth) : NULL;
}

static bool is_inside(const struct example *e, const json_t *schema, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++) {
        if (e->inside[i] == schema)
            return true;
    }
    return false;
}

static json_t *make(struct example *e, const json_t *schema, const char *name, unsigned depth)
{
    schema = resolve(e, schema);
    if (!json_is_object(schema) || depth > DEEPEST || is_inside(e, schema, depth))
        return NULL;
    e->inside[depth] = schema;
    json_t *out = said(schema);
    if (!out && json_object_get(schema, "allOf"))
        out = make_all(e, schema, name, depth);
    if (!out)
        out = make_first(e, schema, name, depth);
    return out ? out : make_of_type(e, schema, name, depth);
}

json_t *example_make(const json_t *document, const json_t *schema, const char *name, bool for_request)
{
    struct example e = { .document = document, .for_request = for_request };
    return make(&e, schema, name, 0);
}
