/* Parameters: of path, query, header and cookies. */
#include <strings.h>

#include "api/reader.h"
#include "config/nearest.h"

static const char *const in_names[] = {
    [API_IN_PATH] = "path",
    [API_IN_QUERY] = "query",
    [API_IN_HEADER] = "header",
    [API_IN_COOKIE] = "cookie",
};

/* How OpenAPI writes values where nothing else is said: the only way that is read. */
static const char *const styles[] = {
    [API_IN_PATH] = "simple",
    [API_IN_QUERY] = "form",
    [API_IN_HEADER] = "simple",
    [API_IN_COOKIE] = "form",
};

/* Header fields that something else in the contract speaks of. */
static const struct {
    const char *name, *hint;
} taken_headers[] = {
    { "Accept", "the replies' media types stand in responses" },
    { "Content-Type", "the media types stand in requestBody" },
    { "Authorization", "say x-permission" },
    { "If-Match", "say x-if-match: required" },
    { "Idempotency-Key", "say x-idempotent: true" },
};

static bool read_in(struct api_reader *r, const struct yaml_node *node, enum api_in *out)
{
    const struct yaml_node *in = api_get_kind(r, node, "in", YAML_TEXT);
    if (!in) {
        if (!yaml_find(node, STR_OF("in")))
            api_complain(r, node->line, "write in: query", "a parameter does not say where it is");
        return false;
    }
    struct nearest nearest = nearest_init(in->text);
    for (size_t i = 0; i < DW_COUNT_OF(in_names); i++) {
        *out = (enum api_in)i;
        if (str_equal(in->text, str_from(in_names[i])))
            return true;
        nearest_offer(&nearest, in_names[i]);
    }
    api_complain(r, in->line,
                 nearest.name ? api_did_you_mean(r, nearest.name) : "write path, query, header or cookie",
                 "in: %s: there are no such parameters", in->text.p);
    return false;
}

static bool read_name(struct api_reader *r, const struct yaml_node *node, struct api_field *field)
{
    const char *name = api_get_text(r, node, "name");

    if (name && *name) {
        field->name = field->sent_as = name;
        return true;
    }
    if (name || !yaml_find(node, STR_OF("name")))
        api_complain(r, node->line, "write name: ...", "a parameter has no name");
    return false;
}

static void check_header_name(struct api_reader *r, const struct yaml_node *node,
                              const struct api_field *field)
{
    for (size_t i = 0; i < DW_COUNT_OF(taken_headers); i++) {
        if (strcasecmp(field->name, taken_headers[i].name) == 0)
            api_complain(r, node->line, taken_headers[i].hint, "%s is not to be declared as a parameter",
                         field->name);
    }
}

static void check_style(struct api_reader *r, const struct yaml_node *node, const struct api_field *field)
{
    const struct yaml_node *style = api_get_kind(r, node, "style", YAML_TEXT),
                           *content = yaml_find(node, STR_OF("content"));

    if (style && !str_equal(style->text, str_from(styles[field->in])))
        api_complain(r, style->line, "leave style out", "%s: the style %s is not read", field->name,
                     style->text.p);
    if (content)
        api_complain(r, content->line, "give it a schema instead", "%s: a parameter with content is not read",
                     field->name);
}

static bool is_plain(enum api_type type)
{
    return type != API_ARRAY && type != API_OBJECT;
}

static void read_type(struct api_reader *r, const struct yaml_node *node, struct api_field *field)
{
    const struct yaml_node *schema = api_get_kind(r, node, "schema", YAML_MAP);
    struct api_shape shape = api_shape_of(r, schema);

    field->schema = schema;
    field->type = shape.type;
    field->nullable = shape.nullable;
    if (shape.type == API_OBJECT || (shape.type == API_ARRAY && field->in != API_IN_QUERY))
        api_complain(r, node->line, "send it in the content", "%s: %s cannot be sent in %s", field->name,
                     api_type_words(shape.type), api_in_words(field->in));
    if (shape.type != API_ARRAY)
        return;
    field->items = api_shape_of(r, api_get(api_reference_follow(r->root, schema), "items")).type;
    field->separated = !api_get_bool(r, node, "explode", true);
    if (!is_plain(field->items))
        api_complain(r, node->line, "send it in the content", "%s: a list in the query has plain entries",
                     field->name);
}

static void read_required(struct api_reader *r, const struct yaml_node *node, struct api_field *field)
{
    field->required = api_get_bool(r, node, "required", false);
    if (field->in == API_IN_PATH && !field->required)
        api_complain(r, node->line, "write required: true", "%s: a parameter of the path is always required",
                     field->name);
}

/* `node` may be a reference. */
static bool read_parameter(struct api_reader *r, const struct yaml_node *node, struct api_field *field)
{
    static const char *const known[] = { "name",       "in",      "description",     "required",
                                         "deprecated", "style",   "explode",         "allowReserved",
                                         "schema",     "example", "allowEmptyValue", "examples",
                                         "content",    NULL };

    node = api_reference_follow(r->root, node);
    if (!node) /* complained about with all references */
        return false;
    if (node->kind != YAML_MAP) {
        api_complain(r, node->line, NULL, "a parameter is %s, and must be a map", yaml_kind_name(node->kind));
        return false;
    }
    *field = (struct api_field){ .line = node->line };
    api_check_keys(r, node, known);
    if (!read_name(r, node, field) || !read_in(r, node, &field->in))
        return false;
    if (field->in == API_IN_HEADER)
        check_header_name(r, node, field);
    check_style(r, node, field);
    read_type(r, node, field);
    read_required(r, node, field);
    return true;
}

void api_parameters_read(struct api_reader *r, const struct yaml_node *owner, struct api_fields *out)
{
    const struct yaml_node *list = api_get_kind(r, owner, "parameters", YAML_LIST);
    struct api_field field;

    for (const struct yaml_node *it = list ? list->first : NULL; it; it = it->next) {
        if (!it->refused && read_parameter(r, it, &field))
            api_fields_add(r, out, &field);
    }
}

/* ---- of one operation ---- */

static const struct api_field *find(const struct api_fields *fields, struct str name, enum api_in in)
{
    for (size_t i = 0; i < fields->n; i++) {
        if (fields->v[i].in == in && str_equal(str_from(fields->v[i].name), name))
            return &fields->v[i];
    }
    return NULL;
}

/* The next "{name}" of a template: where to go on, or NULL. */
static const char *next_name(const char *template, struct str *name)
{
    const char *open = strchr(template, '{'), *close = open ? strchr(open, '}') : NULL;

    if (!close)
        return NULL;
    *name = str_make(open + 1, (size_t)(close - open) - 1);
    return close + 1;
}

static bool template_has(const char *template, const char *wanted)
{
    struct str name;

    while ((template = next_name(template, &name))) {
        if (str_equal(name, str_from(wanted)))
            return true;
    }
    return false;
}

static void check_in_path(struct api_reader *r, const struct api_path *path, const struct api_fields *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        const struct api_field *field = &fields->v[i];
        if (field->in == API_IN_PATH && !template_has(path->key, field->name))
            api_complain(r, field->line,
                         arena_format(r->arena, "write it there as {%s}, or remove it here", field->name),
                         "%s is not in the path %s", field->name, path->key);
    }
}

void api_parameters_merge(struct api_reader *r, const struct api_path *path,
                          const struct yaml_node *operation, struct api_fields *out)
{
    struct api_fields own = { 0 };
    const char *at = path->key;
    struct str name;

    api_parameters_read(r, operation, &own);
    check_in_path(r, path, &path->parameters);
    check_in_path(r, path, &own);
    while ((at = next_name(at, &name))) {
        const struct api_field *field = find(&own, name, API_IN_PATH);
        if (!field)
            field = find(&path->parameters, name, API_IN_PATH);
        if (field)
            api_fields_add(r, out, field);
        else
            api_complain(r, path->node->key_line, "declare it: in: path, required: true",
                         "{%.*s} of %s is not among its parameters", STR_ARG(name), path->key);
    }
    for (size_t i = 0; i < own.n; i++) {
        if (own.v[i].in != API_IN_PATH)
            api_fields_add(r, out, &own.v[i]);
    }
    for (size_t i = 0; i < path->parameters.n; i++) {
        const struct api_field *field = &path->parameters.v[i];
        if (field->in != API_IN_PATH && !find(&own, str_from(field->name), field->in))
            api_fields_add(r, out, field);
    }
}
