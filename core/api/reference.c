/* $ref: of this file only, "#/components/schemas/Note" (RFC 6901 in the fragment of a URI). */
#include "api/reader.h"
#include "config/nearest.h"

enum {
    HOPS_MAX = 32,       /* references that lead to each other in a row */
    NAME_MAX_BYTES = 255 /* of one name between slashes */
};

/* The text of $ref; p NULL: the node is none. A property may be called "$ref": that is a schema, no text. */
static struct str reference_of(const struct yaml_node *node)
{
    const struct yaml_node *ref = yaml_find(node, STR_OF("$ref"));
    return ref && ref->kind == YAML_TEXT ? ref->text : str_make(NULL, 0);
}

/* What the URI escapes: %7B. False when it is no escape, or too long. */
static bool decode_percent(struct str raw, char *out, size_t *n)
{
    for (*n = 0; raw.n; raw.p++, raw.n--) {
        char c = raw.p[0];
        if (*n == NAME_MAX_BYTES)
            return false;
        if (c == '%') {
            int high = raw.n > 2 ? str_hex_digit(raw.p[1]) : -1,
                low = raw.n > 2 ? str_hex_digit(raw.p[2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            raw = str_make(raw.p + 2, raw.n - 2);
        }
        out[(*n)++] = c;
    }
    return true;
}

/* What the pointer escapes: ~1 is a slash, ~0 a tilde. */
static size_t decode_tildes(char *p, size_t n)
{
    size_t to = 0;

    for (size_t from = 0; from < n; from++) {
        char c = p[from];
        if (c == '~' && from + 1 < n && (p[from + 1] == '0' || p[from + 1] == '1'))
            c = p[++from] == '1' ? '/' : '~';
        p[to++] = c;
    }
    return to;
}

static const struct yaml_node *entry_at(const struct yaml_node *list, struct str index)
{
    const struct yaml_node *it = list->first;
    uint64_t i;

    if (!str_to_uint(index, YAML_NODES_MAX, &i))
        return NULL;
    while (it && i--)
        it = it->next;
    return it;
}

static const struct yaml_node *enter(const struct yaml_node *at, struct str raw)
{
    char name[NAME_MAX_BYTES];
    size_t n;

    if (!decode_percent(raw, name, &n))
        return NULL;
    n = decode_tildes(name, n);
    return at->kind == YAML_LIST ? entry_at(at, str_make(name, n)) : yaml_find(at, str_make(name, n));
}

/* How far one reference leads. */
struct way {
    const struct yaml_node *end; /* NULL: nowhere */
    const struct yaml_node *at;  /* then: the last one that was reached */
    struct str lost;             /* and the name that it has not */
};

static struct way look_up(const struct yaml_node *root, struct str ref)
{
    struct way way = { .at = root };
    struct str rest = str_make(ref.p + 2, ref.n - 2);

    while (str_split(&rest, '/', &way.lost)) {
        const struct yaml_node *next = enter(way.at, way.lost);
        if (!next)
            return way;
        way.at = next;
    }
    way.end = way.at;
    return way;
}

static bool is_local(struct str ref)
{
    return str_starts_with(ref, STR_OF("#/"));
}

const struct yaml_node *api_reference_follow(const struct yaml_node *root, const struct yaml_node *node)
{
    for (int hops = 0; node && hops <= HOPS_MAX; hops++) {
        struct str ref = reference_of(node);
        if (!ref.p)
            return node;
        node = is_local(ref) ? look_up(root, ref).end : NULL;
    }
    return NULL;
}

/* ---- all of a document ---- */

static void complain_missing(struct api_reader *r, const struct yaml_node *node, struct str ref,
                             struct way way)
{
    struct nearest nearest = nearest_init(way.lost);
    const struct yaml_node *it = way.at && way.at->kind == YAML_MAP ? way.at->first : NULL;

    for (; it; it = it->next)
        nearest_offer(&nearest, it->key.p);
    api_complain(r, node->line, api_did_you_mean(r, nearest.name), "$ref: %.*s: there is no %.*s",
                 STR_ARG(ref), STR_ARG(way.lost));
}

static void check_reference(struct api_reader *r, const struct yaml_node *node)
{
    const struct yaml_node *ref_node = yaml_find(node, STR_OF("$ref"));
    struct str ref = reference_of(node);

    if (!ref.p)
        return;
    if (!is_local(ref)) {
        api_complain(r, ref_node->line, "write #/components/... and put it there",
                     "$ref: %.*s: only references within this file are followed", STR_ARG(ref));
        return;
    }
    struct way way = look_up(r->root, ref);
    if (!way.end)
        complain_missing(r, ref_node, ref, way);
    else if (!api_reference_follow(r->root, node) && reference_of(way.end).p)
        api_complain(r, ref_node->line, "let one of them be what is meant",
                     "$ref: %.*s: leads back to itself, or through more than %d others", STR_ARG(ref),
                     HOPS_MAX);
}

static bool is_one_of(struct str key, const struct str *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_equal(key, names[i]))
            return true;
    }
    return false;
}

/* Keys whose value is somebody's data: what looks like a reference there is none. */
static bool holds_data(struct str key)
{
    static const struct str names[] = { STR("example"), STR("examples"), STR("enum"), STR("const"),
                                        STR("default") };
    return is_one_of(key, names, DW_COUNT_OF(names)) || str_starts_with(key, STR_OF("x-"));
}

/* Keys whose value is a map of free names, which mean nothing to us: a property may be called "example". */
static bool holds_names(struct str key)
{
    static const struct str names[] = {
        STR("properties"),
        STR("patternProperties"),
        STR("dependentSchemas"),
        STR("$defs"),
        STR("schemas"),
        STR("responses"),
        STR("parameters"),
        STR("requestBodies"),
        STR("headers"),
        STR("callbacks"),
        STR("links"),
        STR("securitySchemes"),
        STR("pathItems"),
        STR("paths"),
        STR("content"),
        STR("encoding"),
    };
    return is_one_of(key, names, DW_COUNT_OF(names));
}

/* As deep as YAML_DEPTH_MAX. */
static void check_below(struct api_reader *r, const struct yaml_node *node, bool is_names)
{
    if (node->kind == YAML_MAP)
        check_reference(r, node);
    if (node->kind != YAML_MAP && node->kind != YAML_LIST)
        return;
    for (const struct yaml_node *it = node->first; it; it = it->next) {
        if (node->kind == YAML_LIST)
            check_below(r, it, false);
        else if (is_names)
            check_below(r, it, false);
        else if (!holds_data(it->key))
            check_below(r, it, holds_names(it->key));
    }
}

void api_reference_check(struct api_reader *r)
{
    check_below(r, r->root, false);
}
