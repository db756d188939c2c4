/* requestBody: which media types are taken, and the top members of each. */
#include <strings.h>

#include "api/reader.h"
#include "config/nearest.h"

struct body_reader {
    struct api_operation *op;
    struct api_fields *fields;
    enum api_body body; /* the media type that is being read */
};

static enum api_body body_of(struct str type)
{
    if (str_equal(type, STR_OF("application/json")) || str_ends_with(type, STR_OF("+json")))
        return API_BODY_JSON;
    if (str_equal(type, STR_OF("application/x-www-form-urlencoded")))
        return API_BODY_FORM;
    if (str_equal(type, STR_OF("multipart/form-data")))
        return API_BODY_MULTIPART;
    return API_BODY_BYTES;
}

static bool is_form(enum api_body body)
{
    return body == API_BODY_FORM || body == API_BODY_MULTIPART;
}

static bool is_media_type(struct str type)
{
    size_t slash = str_find(type, '/');

    if (slash == 0 || slash + 1 >= type.n)
        return false;
    for (size_t i = 0; i < type.n; i++) {
        char c = type.p[i];
        bool is_small = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_small && !(c == '/' && i == slash) && !strchr("*+-.!#$&^_", c))
            return false;
    }
    return true;
}

/* ---- members ---- */

static void check_form_field(struct api_reader *r, const struct api_field *field)
{
    bool is_deep = field->items == API_ARRAY || field->items == API_OBJECT;

    if (field->type == API_OBJECT || (field->type == API_ARRAY && is_deep))
        api_complain(r, field->line, "send it as JSON",
                     "%s: a form's fields are plain, or lists of what is plain", field->name);
}

static void add_members(struct api_reader *r, const struct yaml_node *schema, void *ud)
{
    const struct body_reader *b = ud;
    const struct yaml_node *properties = api_get_kind(r, schema, "properties", YAML_MAP);

    for (const struct yaml_node *it = properties ? properties->first : NULL; it; it = it->next) {
        struct api_shape shape = api_shape_of(r, it);
        struct api_field field = {
            .name = it->key.p,
            .sent_as = it->key.p,
            .in = API_IN_BODY,
            .type = shape.type,
            .nullable = shape.nullable,
            .bodies = b->body,
            .schema = it,
            .line = it->key_line,
        };
        if (shape.type == API_ARRAY)
            field.items = api_shape_of(r, api_get(api_reference_follow(r->root, it), "items")).type;
        if (is_form(b->body))
            check_form_field(r, &field);
        api_fields_add(r, b->fields, &field);
    }
}

static struct api_field *find_member(const struct api_fields *fields, struct str name)
{
    for (size_t i = 0; i < fields->n; i++) {
        if (fields->v[i].in == API_IN_BODY && str_equal(str_from(fields->v[i].name), name))
            return &fields->v[i];
    }
    return NULL;
}

static void complain_no_member(struct api_reader *r, const struct yaml_node *name,
                               const struct body_reader *b)
{
    struct nearest nearest = nearest_init(name->text);

    for (size_t i = 0; i < b->fields->n; i++)
        nearest_offer(&nearest, b->fields->v[i].name);
    api_complain(r, name->line, api_did_you_mean(r, nearest.name),
                 "%s is required, but not among the properties", name->text.p);
}

/* After all members are known: one part of an allOf may require what another one brings. */
static void mark_required(struct api_reader *r, const struct yaml_node *schema, void *ud)
{
    const struct body_reader *b = ud;
    const struct yaml_node *required = api_get_kind(r, schema, "required", YAML_LIST);

    for (const struct yaml_node *it = required ? required->first : NULL; it; it = it->next) {
        struct api_field *field = it->kind == YAML_TEXT ? find_member(b->fields, it->text) : NULL;
        if (field)
            field->required_bodies |= b->body;
        else if (it->kind != YAML_TEXT)
            api_complain(r, it->line, NULL, "required is a list of names");
        else
            complain_no_member(r, it, b);
    }
}

/* ---- media types ---- */

static void read_schema(struct api_reader *r, const struct yaml_node *node, struct api_media *media,
                        struct body_reader *b)
{
    size_t before = b->fields->n;

    media->schema = api_get_kind(r, node, "schema", YAML_MAP);
    const struct yaml_node *open =
        api_get(api_reference_follow(r->root, media->schema), "additionalProperties");
    media->open = open && open->kind == YAML_BOOL && str_equal(open->text, STR_OF("true"));
    if (media->body == API_BODY_BYTES || media->body == API_BODY_STREAM)
        return;
    api_each_schema(r, media->schema, add_members, b);
    api_each_schema(r, media->schema, mark_required, b);
    enum api_type type = api_shape_of(r, media->schema).type;
    if (b->fields->n > before && type != API_OBJECT && type != API_ANY)
        api_complain(r, node->line, "write type: object", "a schema with properties is of the type object");
    if (is_form(media->body) && b->fields->n == 0 && !media->open)
        api_complain(r, node->line, "give its schema properties, or additionalProperties: true",
                     "a form of %s has no fields", media->type.p);
}

static void read_media(struct api_reader *r, const struct yaml_node *node, bool streamed,
                       struct api_media *media, struct body_reader *b)
{
    static const char *const known[] = { "schema", "example", "examples", "encoding", NULL };

    media->type = node->key;
    media->body = b->body = streamed ? API_BODY_STREAM : body_of(node->key);
    b->op->bodies |= media->body;
    if (!is_media_type(node->key))
        api_complain(r, node->key_line, "write it small and without parameters, as application/json",
                     "%s is no media type", node->key.p);
    if (node->kind != YAML_MAP) {
        api_complain(r, node->line, "write schema: ... below it", "%s is %s, and must be a map", node->key.p,
                     yaml_kind_name(node->kind));
        return;
    }
    api_check_keys(r, node, known);
    read_schema(r, node, media, b);
}

static void read_content(struct api_reader *r, const struct yaml_node *content, bool streamed,
                         struct body_reader *b)
{
    struct api_media *media = arena_calloc(r->arena, (content->n + 1) * sizeof(*media));

    if (!media) {
        api_complain_memory(r);
        return;
    }
    for (const struct yaml_node *it = content->first; it; it = it->next) {
        if (!it->refused)
            read_media(r, it, streamed, &media[b->op->media_n++], b);
    }
    b->op->media = media;
}

static void settle_required(struct api_fields *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        struct api_field *field = &fields->v[i];
        if (field->in == API_IN_BODY)
            field->required = field->required_bodies == field->bodies;
    }
}

static bool is_streamed(const struct yaml_node *operation)
{
    const struct yaml_node *how = api_get(operation, "x-body");
    return how && str_equal(how->text, STR_OF("stream"));
}

static void complain_no_body(struct api_reader *r, const struct yaml_node *operation, const char *name)
{
    const struct yaml_node *node = yaml_find(operation, str_from(name));

    if (node)
        api_complain(r, node->key_line, "remove it, or say which media types are taken",
                     "%s stands at an operation without a requestBody", name);
}

void api_body_read(struct api_reader *r, const struct yaml_node *operation, struct api_operation *op,
                   struct api_fields *fields)
{
    static const char *const known[] = { "description", "content", "required", NULL };
    struct body_reader b = { .op = op, .fields = fields };
    const struct yaml_node *body = api_get_kind(r, operation, "requestBody", YAML_MAP);

    if (!yaml_find(operation, STR_OF("requestBody"))) {
        complain_no_body(r, operation, "x-body");
        complain_no_body(r, operation, "x-body-max");
    }
    body = api_reference_follow(r->root, body);
    if (!body)
        return;
    if (op->method == HTTP_GET || op->method == HTTP_HEAD)
        api_complain(r, body->line, "use the query, or post", "%s has no content by RFC 9110",
                     http_method_name(op->method));
    api_check_keys(r, body, known);
    op->body_required = api_get_bool(r, body, "required", false);
    const struct yaml_node *content = api_get_kind(r, body, "content", YAML_MAP);
    if (content && content->n)
        read_content(r, content, is_streamed(operation), &b);
    else if (content || !yaml_find(body, STR_OF("content")))
        api_complain(r, body->line, "write content: { application/json: { schema: ... } }",
                     "requestBody says no media type");
    settle_required(fields);
}

enum http_body_mode api_operation_body_mode(const struct api_operation *op)
{
    if (op->bodies & API_BODY_STREAM)
        return HTTP_BODY_STREAM;
    return op->bodies & API_BODY_MULTIPART ? HTTP_BODY_SPOOL : HTTP_BODY_MEMORY;
}
