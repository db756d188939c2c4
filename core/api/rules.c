#include "api/rules.h"

#include <stdlib.h>

/* ---- from YAML to JSON ---- */

struct pair {
    const struct yaml_node *node;
    json_t *json;
};

struct api_json {
    json_t *root;
    struct pair *pairs; /* of maps, sorted by the node */
    size_t n, cap;
    bool is_out_of_memory;
};

static json_t *convert(struct api_json *j, const struct yaml_node *node);

static void note(struct api_json *j, const struct yaml_node *node, json_t *json)
{
    if (j->n == j->cap) {
        size_t cap = j->cap ? j->cap * 2 : 256;
        struct pair *larger = realloc(j->pairs, cap * sizeof(*larger));
        if (!larger) {
            j->is_out_of_memory = true;
            return;
        }
        j->pairs = larger;
        j->cap = cap;
    }
    j->pairs[j->n++] = (struct pair){ node, json };
}

static json_t *convert_map(struct api_json *j, const struct yaml_node *node)
{
    json_t *object = json_object();

    for (const struct yaml_node *it = node->first; it && object; it = it->next) {
        if (json_object_set_new_nocheck(object, it->key.p, convert(j, it)) != 0)
            j->is_out_of_memory = true;
    }
    note(j, node, object);
    return object;
}

static json_t *convert_list(struct api_json *j, const struct yaml_node *node)
{
    json_t *array = json_array();

    for (const struct yaml_node *it = node->first; it && array; it = it->next) {
        if (json_array_append_new(array, convert(j, it)) != 0)
            j->is_out_of_memory = true;
    }
    return array;
}

/* What does not fit into 64 bits is a number all the same. */
static json_t *convert_int(const struct yaml_node *node)
{
    bool is_negative = *node->text.p == '-';
    uint64_t number;

    if (!str_to_uint(str_make(node->text.p + is_negative, node->text.n - is_negative), INT64_MAX, &number))
        return json_real(strtod(node->text.p, NULL));
    return json_integer(is_negative ? -(json_int_t)number : (json_int_t)number);
}

static json_t *convert(struct api_json *j, const struct yaml_node *node)
{
    json_t *json = NULL;

    switch (node->kind) {
    case YAML_NULL: json = json_null(); break;
    case YAML_BOOL: json = json_boolean(str_equal(node->text, STR_OF("true"))); break;
    case YAML_INT: json = convert_int(node); break;
    case YAML_REAL: json = json_real(strtod(node->text.p, NULL)); break;
    case YAML_TEXT: json = json_stringn(node->text.p, node->text.n); break;
    case YAML_LIST: json = convert_list(j, node); break;
    case YAML_MAP: json = convert_map(j, node); break;
    }
    j->is_out_of_memory |= !json;
    return json;
}

static int by_node(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return (x->node > y->node) - (x->node < y->node);
}

static const json_t *json_of(const struct api_json *j, const struct yaml_node *node)
{
    const struct pair key = { node, NULL };
    const struct pair *found = bsearch(&key, j->pairs, j->n, sizeof(*j->pairs), by_node);

    return found ? found->json : NULL;
}

const json_t *api_document_json(const struct api_document *d)
{
    return d->json ? d->json->root : NULL;
}

/* ---- compiling ---- */

static const struct schema *compile(struct api_reader *r, struct api_document *d,
                                    const struct yaml_node *node)
{
    struct buf why = BUF_INIT;
    const json_t *json = node ? json_of(d->json, node) : NULL;

    if (!json)
        return NULL; /* there is none; or it was complained about as no map */
    const struct schema *schema = schemas_compile_at(d->schemas, "", json, &why);
    if (!schema)
        api_complain(r, node->line, NULL, "%s", buf_text(&why));
    buf_finish(&why);
    return schema;
}

static void compile_operation(struct api_reader *r, struct api_document *d, const struct api_operation *op)
{
    struct api_field *fields = (struct api_field *)(uintptr_t)op->fields;
    struct api_media *media = (struct api_media *)(uintptr_t)op->media;

    r->item = op->id;
    for (size_t i = 0; i < op->fields_n; i++)
        fields[i].rules = compile(r, d, fields[i].schema);
    for (size_t i = 0; i < op->media_n; i++)
        media[i].rules = compile(r, d, media[i].schema);
    r->item = NULL;
}

static bool make_json(struct api_document *d)
{
    const struct schemas_options options = { .asserts_formats = true };
    struct buf why = BUF_INIT;

    d->json = calloc(1, sizeof(*d->json));
    if (!d->json || schemas_create(&d->schemas, &options) != 0)
        return false;
    d->json->root = convert(d->json, d->root);
    if (d->json->is_out_of_memory)
        return false;
    qsort(d->json->pairs, d->json->n, sizeof(*d->json->pairs), by_node);
    int rc = schemas_add(d->schemas, "", d->json->root, SCHEMA_IN_DOCUMENT, &why);
    buf_finish(&why);
    return rc == 0;
}

void api_rules_read(struct api_reader *r, struct api_document *d)
{
    if (!make_json(d)) {
        api_complain_memory(r);
        return;
    }
    for (size_t i = 0; i < d->operations_n; i++)
        compile_operation(r, d, &d->operations[i]);
    free(d->json->pairs);
    d->json->pairs = NULL;
    d->json->n = d->json->cap = 0;
}

void api_rules_finish(struct api_document *d)
{
    schemas_destroy(d->schemas);
    if (d->json) {
        json_decref(d->json->root);
        free(d->json->pairs);
    }
    free(d->json);
}
