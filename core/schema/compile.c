/* From what is written to what is asked. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "schema/inside.h"
#include "util/json.h"

struct compiler {
    struct schemas *all;
    struct buf *why;
    struct spot { /* where, for complaints: the newest first */
        const struct spot *parent;
        const char *key;
        size_t index;
    } const *spot;
};

static const struct schema *compile(struct compiler *c, const json_t *at, struct resource *home);

/* ---- complaints ---- */

static void add_spot(struct buf *out, const struct spot *spot)
{
    if (!spot)
        return;
    add_spot(out, spot->parent);
    if (spot->key)
        buf_add_format(out, "/%s", spot->key);
    else
        buf_add_format(out, "/%zu", spot->index);
}

static int fail(const struct compiler *c, const char *format, ...) DW_PRINTF(2, 3);

static int fail(const struct compiler *c, const char *format, ...)
{
    va_list args;

    add_spot(c->why, c->spot);
    buf_add_text(c->why, ": ");
    va_start(args, format);
    buf_add_format_list(c->why, format, args);
    va_end(args);
    return -1;
}

static void *room(struct compiler *c, size_t n, size_t size)
{
    void *p = arena_calloc(&c->all->arena, (n ? n : 1) * size);

    if (!p)
        buf_add_text(c->why, "memory is out");
    return p;
}

/* ---- what a keyword's value must be ---- */

static int number(struct compiler *c, const json_t *at, const char *key, const json_t **out)
{
    const json_t *value = json_object_get(at, key);

    if (value && !json_is_number(value))
        return fail(c, "%s is a number", key);
    *out = value;
    return 0;
}

static int count(struct compiler *c, const json_t *at, const char *key, size_t fallback, size_t *out)
{
    const json_t *value = json_object_get(at, key);

    *out = fallback;
    if (!value)
        return 0;
    if (!json_is_number(value) || !(value_types(value) & TYPE_INTEGER) || json_number_value(value) < 0)
        return fail(c, "%s is a whole number, and not less than 0", key);
    *out = json_is_integer(value)          ? (size_t)json_integer_value(value)
           : json_real_value(value) < 9e15 ? (size_t)json_real_value(value)
                                           : SIZE_MAX;
    return 0;
}

static struct str text_of(const json_t *string)
{
    return str_make(json_string_value(string), json_string_length(string));
}

static int texts(struct compiler *c, const json_t *value, const char *key, const struct str **out, size_t *n)
{
    struct str *list;
    const json_t *one;
    size_t i;

    if (!json_is_array(value))
        return fail(c, "%s is a list of names", key);
    if (!(list = room(c, json_array_size(value), sizeof(*list))))
        return -1;
    json_array_foreach(value, i, one)
    {
        if (!json_is_string(one))
            return fail(c, "%s is a list of names", key);
        list[i] = text_of(one);
    }
    *out = list;
    *n = json_array_size(value);
    return 0;
}

/* ---- types ---- */

static int add_type(struct compiler *c, const json_t *name, unsigned *types)
{
    static const struct {
        const char *name;
        unsigned type;
    } known[] = { { "null", TYPE_NULL },      { "boolean", TYPE_BOOLEAN }, { "object", TYPE_OBJECT },
                  { "array", TYPE_ARRAY },    { "number", TYPE_NUMBER },   { "string", TYPE_STRING },
                  { "integer", TYPE_INTEGER } };
    const char *text = json_string_value(name);

    for (size_t i = 0; text && i < DW_COUNT_OF(known); i++) {
        if (strcmp(known[i].name, text) == 0) {
            *types |= known[i].type;
            return 0;
        }
    }
    return fail(c, "there is no type %s; there are null, boolean, object, array, number, string and integer",
                text ? text : "of this kind");
}

static int types(struct compiler *c, const json_t *at, struct schema *s)
{
    const json_t *value = json_object_get(at, "type"), *one;
    size_t i;

    if (!value)
        return 0;
    if (!json_is_array(value))
        return add_type(c, value, &s->types);
    json_array_foreach(value, i, one)
    {
        DW_TRY(add_type(c, one, &s->types));
    }
    return 0;
}

/* ---- schemas inside ---- */

static int child(struct compiler *c, const json_t *at, struct resource *home, const char *key,
                 const struct schema **out)
{
    const json_t *value = json_object_get(at, key);

    if (!value)
        return 0;
    const struct spot spot = { c->spot, key, 0 };
    c->spot = &spot;
    *out = compile(c, value, home);
    c->spot = spot.parent;
    return *out ? 0 : -1;
}

static int children(struct compiler *c, const json_t *at, struct resource *home, const char *key,
                    struct schema_list *out)
{
    const json_t *value = json_object_get(at, key), *one;
    const struct schema **list;
    size_t i;

    if (!value)
        return 0;
    if (!json_is_array(value) || json_array_size(value) == 0)
        return fail(c, "%s is a list of schemas", key);
    if (!(list = room(c, json_array_size(value), sizeof(*list))))
        return -1;
    const struct spot list_spot = { c->spot, key, 0 };
    json_array_foreach(value, i, one)
    {
        const struct spot spot = { &list_spot, NULL, i };
        c->spot = &spot;
        list[i] = compile(c, one, home);
        c->spot = list_spot.parent;
        if (!list[i])
            return -1;
    }
    *out = (struct schema_list){ list, json_array_size(value) };
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct member *x = a, *y = b;

    if (x->name.n != y->name.n)
        return x->name.n < y->name.n ? -1 : 1;
    return memcmp(x->name.p, y->name.p, x->name.n);
}

const struct member *member_find(const struct member *members, size_t n, struct str name)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = by_name(&(struct member){ .name = name }, &members[middle]);
        if (order == 0)
            return &members[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static int members(struct compiler *c, const json_t *at, struct resource *home, const char *key,
                   const struct member **out, size_t *n)
{
    json_t *value = json_object_get(at, key), *one;
    struct member *list;
    const char *name;
    size_t i = 0;

    if (!value)
        return 0;
    if (!json_is_object(value))
        return fail(c, "%s has a schema for each name", key);
    if (!(list = room(c, json_object_size(value), sizeof(*list))))
        return -1;
    const struct spot outer = { c->spot, key, 0 };
    json_object_foreach(value, name, one)
    {
        const struct spot spot = { &outer, name, 0 };
        c->spot = &spot;
        list[i] = (struct member){ str_from(name), compile(c, one, home) };
        c->spot = outer.parent;
        if (!list[i++].schema)
            return -1;
    }
    qsort(list, i, sizeof(*list), by_name);
    *out = list;
    *n = i;
    return 0;
}

static struct pattern *own_pattern(struct compiler *c, struct str text)
{
    struct owned_pattern *owned = room(c, 1, sizeof(*owned));
    struct buf wrong = BUF_INIT;

    if (owned && !(owned->pattern = pattern_create(text, &wrong)))
        fail(c, "%s", buf_text(&wrong));
    buf_finish(&wrong);
    if (!owned || !owned->pattern)
        return NULL;
    owned->next = c->all->patterns;
    c->all->patterns = owned;
    return owned->pattern;
}

static int matched(struct compiler *c, const json_t *at, struct schema *s)
{
    json_t *value = json_object_get(at, "patternProperties");
    const struct member *list = NULL;
    struct matched_member *out;
    size_t n = 0;

    DW_TRY(members(c, at, (struct resource *)(uintptr_t)s->resource, "patternProperties", &list, &n));
    if (!value || !(out = room(c, n, sizeof(*out))))
        return value ? -1 : 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct matched_member){ own_pattern(c, list[i].name), list[i].schema };
        if (!out[i].pattern)
            return -1;
    }
    s->matched = out;
    s->matched_n = n;
    return 0;
}

static int dependent_required(struct compiler *c, const json_t *at, struct schema *s)
{
    json_t *value = json_object_get(at, "dependentRequired"), *one;
    struct wanted *list;
    const char *name;

    if (!value)
        return 0;
    if (!json_is_object(value))
        return fail(c, "dependentRequired has a list of names for each name");
    if (!(list = room(c, json_object_size(value), sizeof(*list))))
        return -1;
    json_object_foreach(value, name, one)
    {
        struct wanted *w = &list[s->wanted_n++];
        w->name = str_from(name);
        DW_TRY(texts(c, one, "dependentRequired", &w->names, &w->n));
    }
    s->wanted = list;
    return 0;
}

/* ---- references ---- */

static int reference(struct compiler *c, const json_t *at, struct schema *s, const char *key, bool is_dynamic)
{
    const json_t *value = json_object_get(at, key), *target;
    const struct anchor *anchor;
    struct resource *home;

    if (!value)
        return 0;
    if (!json_is_string(value))
        return fail(c, "%s is a text", key);
    struct buf wrong = BUF_INIT;
    target = schemas_find(c->all, s->resource, text_of(value), &home, &anchor, &wrong);
    int result = target ? 0 : fail(c, "%s", buf_text(&wrong));
    buf_finish(&wrong);
    if (result != 0)
        return -1;
    const struct schema *found = compile(c, target, home);
    if (!found)
        return -1;
    if (is_dynamic && anchor) {
        s->dynamic = anchor->name;
        s->dynamic_home = home;
    }
    s->reference = found;
    return 0;
}

/* Both may stand in one schema, if hardly anybody writes that: then the dynamic one is a part of its own. */
static int references(struct compiler *c, const json_t *at, struct schema *s)
{
    DW_TRY(reference(c, at, s, "$dynamicRef", true));
    if (!s->reference)
        return reference(c, at, s, "$ref", false);
    if (!json_object_get(at, "$ref"))
        return 0;
    struct schema *part = room(c, 1, sizeof(*part));
    const struct schema **list = room(c, s->all_of.n + 1, sizeof(*list));
    if (!part || !list)
        return -1;
    *part = (struct schema){ .resource = s->resource,
                             .source = at,
                             .max_length = SIZE_MAX,
                             .max_items = SIZE_MAX,
                             .max_properties = SIZE_MAX,
                             .max_contains = SIZE_MAX };
    DW_TRY(reference(c, at, part, "$ref", false));
    for (size_t i = 0; i < s->all_of.n; i++)
        list[i] = s->all_of.v[i];
    list[s->all_of.n] = part;
    s->all_of = (struct schema_list){ list, s->all_of.n + 1 };
    return 0;
}

/* A resource's dynamic anchors may be asked for from anywhere above it. */
static int dynamic_anchors(struct compiler *c, const struct resource *r)
{
    for (struct anchor *a = r->anchors; a; a = a->next) {
        if (!a->is_dynamic || a->schema)
            continue;
        a->schema = compile(c, a->at, (struct resource *)(uintptr_t)r);
        if (!a->schema)
            return -1;
    }
    return 0;
}

/* ---- all keywords ---- */

static int numbers(struct compiler *c, const json_t *at, struct schema *s)
{
    const struct {
        const char *key;
        const json_t **to;
    } keys[] = { { "multipleOf", &s->multiple_of },
                 { "maximum", &s->maximum },
                 { "minimum", &s->minimum },
                 { "exclusiveMaximum", &s->exclusive_maximum },
                 { "exclusiveMinimum", &s->exclusive_minimum } };

    for (size_t i = 0; i < DW_COUNT_OF(keys); i++)
        DW_TRY(number(c, at, keys[i].key, keys[i].to));
    if (s->multiple_of && json_number_value(s->multiple_of) <= 0)
        return fail(c, "multipleOf is greater than 0");
    return 0;
}

static int counts(struct compiler *c, const json_t *at, struct schema *s)
{
    const struct {
        const char *key;
        size_t fallback, *to;
    } keys[] = {
        { "maxLength", SIZE_MAX, &s->max_length },         { "minLength", 0, &s->min_length },
        { "maxItems", SIZE_MAX, &s->max_items },           { "minItems", 0, &s->min_items },
        { "maxProperties", SIZE_MAX, &s->max_properties }, { "minProperties", 0, &s->min_properties },
        { "maxContains", SIZE_MAX, &s->max_contains },     { "minContains", 1, &s->min_contains }
    };

    for (size_t i = 0; i < DW_COUNT_OF(keys); i++)
        DW_TRY(count(c, at, keys[i].key, keys[i].fallback, keys[i].to));
    return 0;
}

static int forms(struct compiler *c, const json_t *at, struct schema *s)
{
    const json_t *pattern = json_object_get(at, "pattern"), *format = json_object_get(at, "format");

    if (pattern && !json_is_string(pattern))
        return fail(c, "pattern is a text");
    if (pattern && !(s->pattern = own_pattern(c, text_of(pattern))))
        return -1;
    s->pattern_text = json_string_value(pattern);
    if (json_is_string(format) && c->all->options.asserts_formats) {
        s->format = format_find(text_of(format));
        s->format_name = json_string_value(format);
    }
    return 0;
}

static int rules(struct compiler *c, const json_t *at, struct schema *s)
{
    const json_t *required = json_object_get(at, "required");

    DW_TRY(types(c, at, s));
    s->enumeration = json_object_get(at, "enum");
    if (s->enumeration && !json_is_array(s->enumeration))
        return fail(c, "enum is a list of values");
    s->constant = json_object_get(at, "const");
    s->fallback = json_object_get(at, "default");
    s->is_read_only = json_is_true(json_object_get(at, "readOnly"));
    s->is_write_only = json_is_true(json_object_get(at, "writeOnly"));
    DW_TRY(numbers(c, at, s));
    DW_TRY(counts(c, at, s));
    DW_TRY(forms(c, at, s));
    s->unique = json_is_true(json_object_get(at, "uniqueItems"));
    if (required)
        DW_TRY(texts(c, required, "required", &s->required, &s->required_n));
    return dependent_required(c, at, s);
}

static int applicators(struct compiler *c, const json_t *at, struct schema *s)
{
    struct resource *home = (struct resource *)(uintptr_t)s->resource;
    const struct {
        const char *key;
        const struct schema **to;
    } single[] = { { "items", &s->items },
                   { "contains", &s->contains },
                   { "additionalProperties", &s->additional },
                   { "propertyNames", &s->names },
                   { "not", &s->negated },
                   { "if", &s->condition },
                   { "then", &s->then },
                   { "else", &s->otherwise },
                   { "unevaluatedItems", &s->unevaluated_items },
                   { "unevaluatedProperties", &s->unevaluated_members } };
    const struct {
        const char *key;
        struct schema_list *to;
    } lists[] = { { "prefixItems", &s->prefix },
                  { "allOf", &s->all_of },
                  { "anyOf", &s->any_of },
                  { "oneOf", &s->one_of } };

    for (size_t i = 0; i < DW_COUNT_OF(single); i++)
        DW_TRY(child(c, at, home, single[i].key, single[i].to));
    for (size_t i = 0; i < DW_COUNT_OF(lists); i++)
        DW_TRY(children(c, at, home, lists[i].key, lists[i].to));
    DW_TRY(members(c, at, home, "properties", &s->members, &s->members_n));
    DW_TRY(matched(c, at, s));
    DW_TRY(members(c, at, home, "dependentSchemas", &s->dependent, &s->dependent_n));
    return references(c, at, s);
}

/* Which kinds of values have more to be asked than their type. */
static void sum_up(struct schema *s)
{
    s->has_number_rules =
        s->multiple_of || s->maximum || s->minimum || s->exclusive_maximum || s->exclusive_minimum;
    s->has_string_rules = s->max_length < SIZE_MAX || s->min_length > 0 || s->pattern || s->format;
    s->has_array_rules = s->max_items < SIZE_MAX || s->min_items > 0 || s->unique || s->prefix.n > 0 ||
                         s->items || s->contains || s->unevaluated_items;
    s->has_object_rules = s->max_properties < SIZE_MAX || s->min_properties > 0 || s->required_n > 0 ||
                          s->wanted_n > 0 || s->members_n > 0 || s->matched_n > 0 || s->additional ||
                          s->names || s->dependent_n > 0 || s->unevaluated_members;
}

static const struct schema *compile_boolean(struct compiler *c, bool value, const struct resource *home)
{
    struct schema **one = value ? &c->all->always : &c->all->never;

    if (!*one && (*one = room(c, 1, sizeof(**one))))
        **one = (struct schema){ .resource = home,
                                 .is_never = !value,
                                 .max_length = SIZE_MAX,
                                 .max_items = SIZE_MAX,
                                 .max_properties = SIZE_MAX,
                                 .max_contains = SIZE_MAX };
    return *one;
}

/* A reference may lead back into what is being compiled: it is known before it is complete. */
static const struct schema *compile(struct compiler *c, const json_t *at, struct resource *home)
{
    if (json_is_boolean(at))
        return compile_boolean(c, json_is_true(at), home);
    if (!json_is_object(at)) {
        fail(c, "a schema is an object, true or false");
        return NULL;
    }
    if (!schemas_entry(c->all, at) && schemas_index(c->all, at, home, c->why) != 0)
        return NULL;
    struct entry *e = schemas_entry(c->all, at);
    if (e->schema)
        return e->schema;
    struct schema *s = room(c, 1, sizeof(*s));
    if (!s)
        return NULL;
    s->resource = e->resource;
    s->source = at;
    e->schema = s;
    if (rules(c, at, s) != 0 || applicators(c, at, s) != 0 || dynamic_anchors(c, s->resource) != 0) {
        schemas_entry(c->all, at)->schema = NULL; /* who asks again is told again; the table may have moved */
        return NULL;
    }
    sum_up(s);
    return s;
}

const struct schema *schemas_compile_at(struct schemas *all, const char *uri, const json_t *at,
                                        struct buf *why)
{
    struct compiler c = { .all = all, .why = why };
    struct resource *home = schemas_resource(all, uri);

    if (!home) {
        buf_add_format(why, "%s was not added", uri);
        return NULL;
    }
    return compile(&c, at, home);
}

const struct schema *schemas_compile(struct schemas *all, const char *uri, const char *pointer,
                                     struct buf *why)
{
    struct compiler c = { .all = all, .why = why };
    const struct anchor *anchor;
    struct resource *home, none = { .uri = "" };
    const struct spot spot = { NULL, *pointer ? pointer + 1 : uri, 0 };
    struct buf reference = BUF_INIT;

    buf_add_format(&reference, "%s#", uri);
    for (const char *p = pointer; *p; p++) {
        if (*p == '%')
            buf_add_text(&reference, "%25");
        else
            buf_add_char(&reference, *p);
    }
    c.spot = &spot;
    const json_t *at =
        buf_failed(&reference) ? NULL : schemas_find(all, &none, buf_str(&reference), &home, &anchor, why);
    buf_finish(&reference);
    return at ? compile(&c, at, home) : NULL;
}
