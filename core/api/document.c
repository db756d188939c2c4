#include "api/document.h"

#include <stdlib.h>

#include "api/reader.h"
#include "api/rules.h"
#include "config/nearest.h"

/* The keys of a path item that are operations. */
static const struct {
    const char *name;
    enum http_method method;
} methods[] = {
    { "get", HTTP_GET },     { "put", HTTP_PUT },         { "post", HTTP_POST }, { "delete", HTTP_DELETE },
    { "patch", HTTP_PATCH }, { "options", HTTP_OPTIONS }, { "head", HTTP_HEAD },
};

static bool find_method(const struct yaml_node *node, enum http_method *out)
{
    for (size_t i = 0; i < DW_COUNT_OF(methods); i++) {
        *out = methods[i].method;
        if (str_equal(node->key, str_from(methods[i].name)))
            return true;
    }
    return false;
}

/* ---- the top ---- */

static void check_top(struct api_reader *r)
{
    static const char *const known[] = { "openapi",      "info",     "jsonSchemaDialect",
                                         "servers",      "paths",    "webhooks",
                                         "components",   "security", "tags",
                                         "externalDocs", NULL };
    const struct yaml_node *openapi = api_get(r->root, "openapi");

    api_check_keys(r, r->root, known);
    if (!openapi || !str_starts_with(openapi->text, STR_OF("3.1.")))
        api_complain(r, openapi ? openapi->line : 1, "write openapi: 3.1.0", "this is not OpenAPI 3.1");
}

static const char *read_info(struct api_reader *r, const struct yaml_node *info, const char *key)
{
    const char *text = api_get_text(r, info, key);

    if (!text && info && !yaml_find(info, str_from(key)))
        api_complain(r, info->line, NULL, "info has no %s", key);
    return text ? text : "";
}

static bool is_base(struct str url)
{
    struct str prefix = STR("/api/v"), number = { 0 };
    uint64_t version;

    if (!str_starts_with(url, prefix))
        return false;
    number = str_make(url.p + prefix.n, url.n - prefix.n);
    return str_to_uint(number, 1000000, &version) && version > 0 && number.p[0] != '0';
}

static const char *read_base(struct api_reader *r)
{
    const struct yaml_node *servers = api_get_kind(r, r->root, "servers", YAML_LIST);
    const struct yaml_node *first = servers ? servers->first : NULL;
    const struct yaml_node *url = api_get(first, "url");

    if (!servers)
        return "/api/v1";
    if (servers->n == 1 && url && is_base(url->text))
        return url->text.p;
    api_complain(r, servers->line, "leave servers out for /api/v1, or write [{ url: /api/v2 }]",
                 "servers is not one path /api/vN");
    return "/api/v1";
}

/* ---- paths ---- */

/* What clients know from elsewhere is below the root: /token, /.well-known/... OpenAPI says it by servers of the path: the
 * root alone, or the document's base and then the root, for what has both addresses. */
static void read_path_servers(struct api_reader *r, const struct yaml_node *node, struct api_path *path)
{
    const struct yaml_node *servers = api_get_kind(r, node, "servers", YAML_LIST);
    const struct yaml_node *first = servers ? servers->first : NULL;
    const struct yaml_node *last = first && first->next ? first->next : first;
    const struct yaml_node *base = api_get(first, "url"), *root = api_get(last, "url");

    path->template = arena_format(r->arena, "%s%s", r->base, path->key);
    if (!path->template)
        api_complain_memory(r);
    if (!servers)
        return;
    bool ends_at_root = root && servers->n <= 2 && str_equal(root->text, STR_OF("/"));
    if (ends_at_root && servers->n == 1)
        path->template = path->key;
    else if (ends_at_root && base && str_equal(base->text, str_from(r->base)))
        path->also = path->key;
    else
        api_complain(r, servers->line, "write [{ url: / }], or before it the base as well",
                     "servers of a path are the root, or the base and the root");
}

static void check_path(struct api_reader *r, const struct api_path *path)
{
    static const char *const known[] = { "summary", "description", "parameters", "servers", "get",   "put",
                                         "post",    "delete",      "options",    "head",    "patch", NULL };
    const char *wrong = router_template_wrong(path->template);

    if (!wrong && strstr(path->key, "...}"))
        wrong = "a parameter is one segment; a plugin's table of routes can take a remainder";
    if (wrong)
        api_complain(r, path->node->key_line, NULL, "the path %s: %s", path->key, wrong);
    api_check_keys(r, path->node, known);
}

static bool begin_path(struct api_reader *r, const struct yaml_node *node, struct api_path *path)
{
    *path = (struct api_path){ .key = node->key.p, .node = node };
    if (node->kind != YAML_MAP) {
        api_complain(r, node->line, NULL, "the path %s is %s, and must be a map", path->key,
                     yaml_kind_name(node->kind));
        return false;
    }
    if (path->key[0] != '/') {
        api_complain(r, node->key_line, "write it as /notes", "the path %s does not begin with /", path->key);
        return false;
    }
    read_path_servers(r, node, path);
    if (!path->template)
        return false;
    check_path(r, path);
    api_parameters_read(r, node, &path->parameters);
    return true;
}

/* Operations are handlers' names: one of them for each. */
static void check_unique(struct api_reader *r, const struct api_operation *operations, size_t n)
{
    const struct api_operation *last = &operations[n - 1];

    for (size_t i = 0; last->id && i + 1 < n; i++) {
        if (operations[i].id && strcmp(operations[i].id, last->id) == 0)
            api_complain(r, last->line, "give one of them another",
                         "the operationId %s stands twice, first in line %u", last->id, operations[i].line);
    }
}

static size_t read_path(struct api_reader *r, const struct yaml_node *node, struct api_operation *operations,
                        size_t n)
{
    struct api_path path;
    enum http_method method;

    if (node->refused || str_starts_with(node->key, STR_OF("x-")) || !begin_path(r, node, &path))
        return n;
    for (const struct yaml_node *it = node->first; it; it = it->next) {
        if (it->refused || !find_method(it, &method))
            continue;
        api_operation_read(r, &path, it, method, &operations[n++]);
        check_unique(r, operations, n);
    }
    return n;
}

/* At most: each entry of each path. */
static size_t count_operations(const struct yaml_node *paths)
{
    size_t n = 0;

    for (const struct yaml_node *it = paths->first; it; it = it->next)
        n += it->n;
    return n;
}

static void read_paths(struct api_reader *r, struct api_document *d)
{
    const struct yaml_node *paths = api_get_kind(r, r->root, "paths", YAML_MAP);

    if (!paths) {
        if (!yaml_find(r->root, STR_OF("paths")))
            api_complain(r, 1, "write paths: { /notes: { get: ... } }", "there are no paths");
        return;
    }
    struct api_operation *operations =
        arena_calloc(r->arena, (count_operations(paths) + 1) * sizeof(*operations));
    if (!operations) {
        api_complain_memory(r);
        return;
    }
    for (const struct yaml_node *it = paths->first; it; it = it->next)
        d->operations_n = read_path(r, it, operations, d->operations_n);
    d->operations = operations;
}

/* ---- all of it ---- */

static void complain_yaml(unsigned line, const char *item, const char *text, const char *hint, void *ud)
{
    struct api_reader *r = ud;

    r->item = item;
    api_complain(r, line, hint, "%s", text);
    r->item = NULL;
}

static void read_document(struct api_reader *r, struct api_document *d)
{
    d->root = r->root;
    check_top(r);
    const struct yaml_node *info = api_get_kind(r, r->root, "info", YAML_MAP);
    if (!yaml_find(r->root, STR_OF("info")))
        api_complain(r, 1, "write info: { title: ..., version: \"1\" }", "there is no info");
    d->title = read_info(r, info, "title");
    d->version = read_info(r, info, "version");
    d->base = r->base = read_base(r);
    api_reference_check(r);
    read_paths(r, d);
    api_permissions_read(r, d);
    if (!r->wrong)
        api_rules_read(r, d);
}

static void read_text(struct api_reader *r, struct str text, struct api_document *d)
{
    struct yaml_node *root;

    d->source = arena_copy(&d->arena, str_from(r->source));
    if (!d->source)
        api_complain_memory(r);
    if (yaml_parse(&d->arena, text, &root, complain_yaml, r) != 0)
        r->wrong = true;
    r->root = root;
    if (root && root->kind == YAML_MAP)
        read_document(r, d);
    else if (root || !r->wrong)
        api_complain(r, root ? root->line : 0, "begin it with openapi: 3.1.0", "this is not OpenAPI 3.1");
}

int api_document_create(struct str text, const char *source, struct config_problems *problems,
                        struct api_document **out)
{
    struct api_document *d = calloc(1, sizeof(*d));
    struct api_reader r = { .problems = problems, .source = source };

    *out = NULL;
    if (!d) {
        api_complain_memory(&r);
        return -1;
    }
    arena_init(&d->arena, NULL, 0, 0);
    r.arena = &d->arena;
    read_text(&r, text, d);
    if (r.wrong) {
        api_document_destroy(d);
        return -1;
    }
    *out = d;
    return 0;
}

void api_document_destroy(struct api_document *d)
{
    if (!d)
        return;
    api_rules_finish(d);
    arena_finish(&d->arena);
    free(d);
}

const struct api_operation *api_document_find(const struct api_document *d, const char *id)
{
    for (size_t i = 0; i < d->operations_n; i++) {
        if (strcmp(d->operations[i].id, id) == 0)
            return &d->operations[i];
    }
    return NULL;
}

const struct yaml_node *api_document_resolve(const struct api_document *d, const struct yaml_node *node)
{
    return api_reference_follow(d->root, node);
}
