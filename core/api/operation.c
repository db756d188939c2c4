#include "api/reader.h"

static bool is_operation_id(struct str id)
{
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_')))
            return false;
    }
    return id.n > 0;
}

static void read_id(struct api_reader *r, const struct yaml_node *node, struct api_operation *op)
{
    const struct yaml_node *id = api_get_kind(r, node, "operationId", YAML_TEXT);

    if (!id) {
        if (!yaml_find(node, STR_OF("operationId")))
            api_complain(r, node->key_line, "write operationId: ..., the name of its handler",
                         "it has no operationId");
        return;
    }
    if (is_operation_id(id->text))
        op->id = id->text.p;
    else
        api_complain(r, id->line, "write letters, digits and _, first a letter, as createNote",
                     "the operationId %s is no name", id->text.p);
}

/* What is said here, in the complaints: its id, or "get /notes". */
static const char *item_of(struct api_reader *r, const struct api_path *path, const struct yaml_node *node)
{
    const struct yaml_node *id = api_get(node, "operationId");

    if (id && id->kind == YAML_TEXT && is_operation_id(id->text))
        return id->text.p;
    return arena_format(r->arena, "%s %s", node->key.p, path->key);
}

void api_operation_read(struct api_reader *r, const struct api_path *path, const struct yaml_node *node,
                        enum http_method method, struct api_operation *op)
{
    static const char *const known[] = { "tags",        "summary",    "description", "externalDocs",
                                         "operationId", "parameters", "requestBody", "responses",
                                         "callbacks",   "deprecated", "security",    NULL };
    struct api_fields fields = { 0 };

    *op = (struct api_operation){
        .method = method, .path = path->template, .also = path->also, .node = node, .line = node->key_line
    };
    r->item = item_of(r, path, node);
    r->operation = node;
    if (node->kind != YAML_MAP) {
        api_complain(r, node->line, NULL, "an operation is %s, and must be a map",
                     yaml_kind_name(node->kind));
    } else {
        api_check_keys(r, node, known);
        read_id(r, node, op);
        api_parameters_merge(r, path, node, &fields);
        api_extensions_read(r, node, op, &fields);
        api_body_read(r, node, op, &fields);
    }
    op->fields = fields.v;
    op->fields_n = fields.n;
    r->item = NULL;
    r->operation = NULL;
}
