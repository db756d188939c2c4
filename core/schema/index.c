/* Which objects of a document are schemas, what they are called, and what a reference leads to. */
#include <stdlib.h>
#include <string.h>

#include "schema/inside.h"
#include "util/json.h"

/* ---- the table ---- */

static size_t place_of(const struct schemas *all, const json_t *at)
{
    size_t i = ((uintptr_t)at >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (all->entries_cap - 1);

    while (all->entries[i].at && all->entries[i].at != at)
        i = (i + 1) & (all->entries_cap - 1);
    return i;
}

struct entry *schemas_entry(struct schemas *all, const json_t *at)
{
    struct entry *e = all->entries_cap ? &all->entries[place_of(all, at)] : NULL;

    return e && e->at ? e : NULL;
}

static bool grow(struct schemas *all)
{
    struct entry *old = all->entries;
    size_t old_cap = all->entries_cap, cap = old_cap ? old_cap * 2 : 256;
    struct entry *larger = calloc(cap, sizeof(*larger));

    if (!larger)
        return false;
    all->entries = larger;
    all->entries_cap = cap;
    for (size_t i = 0; i < old_cap; i++) {
        if (old[i].at)
            larger[place_of(all, old[i].at)] = old[i];
    }
    free(old);
    return true;
}

static bool put(struct schemas *all, const json_t *at, struct resource *resource)
{
    if (all->entries_n * 2 >= all->entries_cap && !grow(all))
        return false;
    struct entry *e = &all->entries[place_of(all, at)];
    all->entries_n += !e->at;
    *e = (struct entry){ .at = at, .resource = resource };
    return true;
}

/* ---- names ---- */

struct resource *schemas_resource(struct schemas *all, const char *uri)
{
    for (struct resource *r = all->resources; r; r = r->next) {
        if (strcmp(r->uri, uri) == 0)
            return r;
    }
    return NULL;
}

static struct resource *begin_resource(struct schemas *all, const char *uri, const json_t *root)
{
    struct resource *r = arena_calloc(&all->arena, sizeof(*r));

    if (!r)
        return NULL;
    *r = (struct resource){ .next = all->resources, .uri = uri, .root = root };
    all->resources = r;
    return r;
}

static int add_anchor(struct schemas *all, struct resource *r, const json_t *at, const char *key,
                      bool is_dynamic)
{
    const char *name = json_string_value(json_object_get(at, key));
    struct anchor *anchor = name ? arena_calloc(&all->arena, sizeof(*anchor)) : NULL;

    if (!name)
        return 0;
    if (!anchor)
        return -1;
    *anchor = (struct anchor){ .next = r->anchors, .name = name, .at = at, .is_dynamic = is_dynamic };
    r->anchors = anchor;
    return 0;
}

/* ---- where schemas are ---- */

enum inside { ONE, LIST, MAP };

static const struct {
    const char *key;
    enum inside inside;
} applicators[] = {
    { "$defs", MAP },
    { "definitions", MAP },
    { "properties", MAP },
    { "patternProperties", MAP },
    { "dependentSchemas", MAP },
    { "allOf", LIST },
    { "anyOf", LIST },
    { "oneOf", LIST },
    { "prefixItems", LIST },
    { "items", ONE },
    { "contains", ONE },
    { "additionalProperties", ONE },
    { "propertyNames", ONE },
    { "not", ONE },
    { "if", ONE },
    { "then", ONE },
    { "else", ONE },
    { "unevaluatedItems", ONE },
    { "unevaluatedProperties", ONE },
    { "contentSchema", ONE },
};

static int index_inside(struct schemas *all, json_t *value, enum inside inside, struct resource *r,
                        struct buf *why)
{
    const char *name;
    json_t *one;
    size_t i;

    if (inside == ONE)
        return schemas_index(all, value, r, why);
    if (inside == LIST) {
        json_array_foreach(value, i, one)
        {
            DW_TRY(schemas_index(all, one, r, why));
        }
    } else if (json_is_object(value)) {
        json_object_foreach(value, name, one)
        {
            DW_TRY(schemas_index(all, one, r, why));
        }
    }
    return 0;
}

static int fail_memory(struct buf *why)
{
    buf_add_text(why, "memory is out");
    return -1;
}

int schemas_index(struct schemas *all, const json_t *at, struct resource *r, struct buf *why)
{
    const char *id = json_string_value(json_object_get(at, "$id"));

    if (!json_is_object(at) || schemas_entry(all, at))
        return 0;
    if (id && at != r->root) {
        char *uri = uri_resolve(&all->arena, str_from(r->uri), str_from(id));
        r = uri ? begin_resource(all, uri, at) : NULL;
    }
    if (!r || !put(all, at, r) || add_anchor(all, r, at, "$anchor", false) != 0 ||
        add_anchor(all, r, at, "$dynamicAnchor", true) != 0)
        return fail_memory(why);
    for (size_t i = 0; i < DW_COUNT_OF(applicators); i++) {
        json_t *value = json_object_get(at, applicators[i].key);
        if (value && index_inside(all, value, applicators[i].inside, r, why) != 0)
            return -1;
    }
    return 0;
}

/* ---- documents ---- */

int schemas_create(struct schemas **out, const struct schemas_options *options)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return -1;
    arena_init(&(*out)->arena, NULL, 0, 0);
    if (options)
        (*out)->options = *options;
    return 0;
}

void schemas_destroy(struct schemas *all)
{
    if (!all)
        return;
    for (struct document *d = all->documents; d; d = d->next)
        json_decref(d->root);
    for (struct owned_pattern *p = all->patterns; p; p = p->next)
        pattern_destroy(p->pattern);
    free(all->entries);
    arena_finish(&all->arena);
    free(all);
}

static char *own_uri(struct schemas *all, const char *uri, const json_t *document, enum schema_home home)
{
    const char *id = home == SCHEMA_ITSELF ? json_string_value(json_object_get(document, "$id")) : NULL;

    return uri_resolve(&all->arena, str_from(uri), str_from(id ? id : ""));
}

int schemas_add(struct schemas *all, const char *uri, json_t *document, enum schema_home home,
                struct buf *why)
{
    struct document *d = arena_calloc(&all->arena, sizeof(*d));
    char *own = own_uri(all, uri, document, home);
    struct resource *r = own ? begin_resource(all, own, document) : NULL;

    if (!d || !r)
        return fail_memory(why);
    *d = (struct document){ all->documents, json_incref(document) };
    all->documents = d;
    /* It is found by what it was added as, too. */
    if (strcmp(own, uri) != 0) {
        char *given = uri_resolve(&all->arena, STR_OF(""), str_from(uri));
        struct resource *alias = given ? arena_calloc(&all->arena, sizeof(*alias)) : NULL;
        if (!alias)
            return fail_memory(why);
        *alias = (struct resource){ .next = all->resources, .uri = given, .root = document };
        all->resources = alias;
    }
    return home == SCHEMA_ITSELF ? schemas_index(all, document, r, why) : 0;
}

/* ---- references ---- */

static int hex_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static struct str percent_decode(struct arena *arena, struct str s)
{
    char *out = arena_alloc(arena, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; out && i < s.n; i++) {
        if (s.p[i] == '%' && i + 2 < s.n && hex_of(s.p[i + 1]) >= 0 && hex_of(s.p[i + 2]) >= 0) {
            out[n++] = (char)(hex_of(s.p[i + 1]) << 4 | hex_of(s.p[i + 2]));
            i += 2;
        } else {
            out[n++] = s.p[i];
        }
    }
    return str_make(out, out ? n : 0);
}

/* An $id on the way begins a resource of its own, and what lies behind it is that one's. */
static const json_t *follow(struct schemas *all, struct resource **home, struct str pointer)
{
    const json_t *at = (*home)->root;
    struct str rest = pointer;

    while (at && rest.n > 0) {
        size_t end = 1;
        while (end < rest.n && rest.p[end] != '/')
            end++;
        at = json_pointer(at, str_make(rest.p, end));
        rest = str_make(rest.p + end, rest.n - end);
        const struct entry *e = at ? schemas_entry(all, at) : NULL;
        if (e)
            *home = e->resource;
    }
    return at;
}

static const json_t *find_anchor(struct resource *r, struct str name, const struct anchor **anchor)
{
    for (const struct anchor *a = r->anchors; a; a = a->next) {
        if (!str_equal(str_from(a->name), name))
            continue;
        if (a->is_dynamic)
            *anchor = a;
        return a->at;
    }
    return NULL;
}

const json_t *schemas_find(struct schemas *all, const struct resource *base, struct str reference,
                           struct resource **home, const struct anchor **anchor, struct buf *why)
{
    char *uri = uri_resolve(&all->arena, str_from(base->uri), reference);
    struct str fragment = percent_decode(&all->arena, uri_fragment(reference));
    const json_t *at;

    *anchor = NULL;
    *home = uri ? schemas_resource(all, uri) : NULL;
    if (!uri) {
        fail_memory(why);
        return NULL;
    }
    if (!*home) {
        buf_add_format(why,
                       "$ref: %.*s leads to another document, and none is fetched: copy what is needed to "
                       "components/schemas",
                       STR_ARG(reference));
        return NULL;
    }
    const struct entry *e = schemas_entry(all, (*home)->root);
    if (e)
        *home = e->resource; /* an alias has no anchors */
    if (fragment.n == 0)
        at = (*home)->root;
    else if (*fragment.p == '/')
        at = follow(all, home, fragment);
    else
        at = find_anchor(*home, fragment, anchor);
    if (!at || (!json_is_object(at) && !json_is_boolean(at))) {
        buf_add_format(why, "$ref: %.*s leads nowhere", STR_ARG(reference));
        return NULL;
    }
    return schemas_index(all, at, *home, why) == 0 ? at : NULL;
}
