#include <stdlib.h>
#include <string.h>

#include "api/example.h"
#include "api/publish_struct.h"
#include "schema/schema.h"
#include "util/json.h"

enum { UUID_LENGTH = 36 };

/* An example is kept only if it is valid, which the compiled schemas decide. They must not be changed while they are used, so
 * examples are collected first and put into the document afterwards. */
struct found {
    json_t *holder, *example;
};

/* The value, or what its reference leads to; NULL when that is nothing. */
static json_t *resolve(const json_t *document, json_t *value)
{
    const char *reference = json_string_value(json_object_get(value, "$ref"));

    if (!reference || strncmp(reference, "#/", 2) != 0)
        return value;
    return (json_t *)(uintptr_t)json_pointer(document, str_from(reference + 1));
}

struct examples {
    struct publication *p;
    json_t *document;
    struct schemas *schemas;
    struct found *v;
    size_t n, room;
};

static bool is_example_of(struct examples *e, const json_t *schema, const json_t *example, bool for_request)
{
    struct schema_report report = { .way = for_request ? SCHEMA_IN_REQUEST : SCHEMA_IN_REPLY };
    struct buf why = BUF_INIT;
    const struct schema *rules = schemas_compile_at(e->schemas, "", schema, &why);
    bool is_valid = rules && schema_check(rules, example, &report) == 0;

    buf_finish(&why); /* a schema that does not compile where it is published has no example */
    return is_valid;
}

/* Takes the example. */
static void keep(struct examples *e, json_t *holder, json_t *example)
{
    if (e->n == e->room) {
        size_t room = e->room ? e->room * 2 : 64;
        struct found *v = realloc(e->v, room * sizeof(*v));
        if (!v) {
            e->p->is_out_of_memory = true;
            json_decref(example);
            return;
        }
        e->v = v;
        e->room = room;
    }
    e->v[e->n++] = (struct found){ holder, example };
}

/* The holder is a media type or a parameter. */
static void find_example(struct examples *e, json_t *holder, const char *name, bool for_request)
{
    const json_t *schema = json_object_get(holder, "schema");
    json_t *example = NULL;

    if (json_object_get(holder, "example") || json_object_get(holder, "examples"))
        return;
    if (schema)
        example = example_make(e->document, schema, name, for_request);
    if (example && is_example_of(e, schema, example, for_request))
        keep(e, holder, example);
    else
        json_decref(example);
}

static void find_in_content(struct examples *e, json_t *owner, const char *name, bool for_request)
{
    json_t *media;
    const char *type;

    json_object_foreach(json_object_get(owner, "content"), type, media)
    {
        find_example(e, media, name, for_request);
    }
}

/* Only of those that must be given: a page that is tried out fills them in, and a filter that nobody asked for would leave
 * nothing of the list. */
static void find_in_parameters(struct examples *e, const json_t *list)
{
    json_t *parameter;
    size_t i;

    json_array_foreach(list, i, parameter)
    {
        parameter = resolve(e->document, parameter);
        const char *name = json_string_value(json_object_get(parameter, "name"));
        if (name && json_is_true(json_object_get(parameter, "required")))
            find_example(e, parameter, name, true);
    }
}

static void find_in_operation(struct examples *e, json_t *operation)
{
    json_t *response;
    const char *status;

    find_in_parameters(e, json_object_get(operation, "parameters"));
    find_in_content(e, resolve(e->document, json_object_get(operation, "requestBody")), "text", true);
    json_object_foreach(json_object_get(operation, "responses"), status, response)
    {
        find_in_content(e, resolve(e->document, response), "text", false);
    }
}

static void find_all(struct examples *e)
{
    json_t *path, *operation;
    const char *name, *method;

    json_object_foreach(json_object_get(e->document, "paths"), name, path)
    {
        find_in_parameters(e, json_object_get(path, "parameters"));
        json_object_foreach(path, method, operation)
        {
            if (json_object_get(operation, "operationId"))
                find_in_operation(e, operation);
        }
    }
}

/* Two operations may share a component: the first example stays. */
static void put_all(struct examples *e)
{
    for (size_t i = 0; i < e->n; i++) {
        if (json_object_get(e->v[i].holder, "example"))
            json_decref(e->v[i].example);
        else
            publish_set(e->p, e->v[i].holder, "example", e->v[i].example);
    }
    free(e->v);
}

static void add_examples(struct publication *p, json_t *document)
{
    const struct schemas_options options = { .asserts_formats = true };
    struct examples e = { .p = p, .document = document };
    struct buf why = BUF_INIT;

    if (schemas_create(&e.schemas, &options) != 0 ||
        schemas_add(e.schemas, "", document, SCHEMA_IN_DOCUMENT, &why) != 0)
        p->is_out_of_memory = true;
    else
        find_all(&e);
    schemas_destroy(e.schemas);
    buf_finish(&why);
    put_all(&e);
}

/* ---- what is said of success ---- */

static bool says_type(const json_t *type, const char *wanted)
{
    const json_t *one;
    size_t i;

    json_array_foreach(type, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), wanted) == 0)
            return true;
    }
    return json_is_string(type) && strcmp(json_string_value(type), wanted) == 0;
}

static json_t *schema_of(const json_t *response)
{
    return json_object_get(json_object_get(json_object_get(response, "content"), "application/json"),
                           "schema");
}

/* dw_reply_row() makes it of a row's version. */
static bool has_etag(const json_t *document, const json_t *response)
{
    const json_t *schema = resolve(document, schema_of(response));
    const json_t *version = json_object_get(json_object_get(schema, "properties"), "version");

    return says_type(json_object_get(version, "type"), "integer");
}

static void add_header(struct publication *p, json_t *response, const char *name)
{
    json_t *headers = publish_object(p, response, "headers");

    if (!json_object_get(headers, name))
        publish_set(p, headers, name, json_pack("{s:s+}", "$ref", "#/components/headers/", name));
}

/* The author's refusals are problems too, unless they say what comes with them. */
static void complete_refusal(struct publication *p, json_t *response, const char *status)
{
    if (!json_object_get(response, "content"))
        publish_set(p, response, "content", publish_problem_content((int)strtol(status, NULL, 10)));
}

static void complete_response(struct publication *p, json_t *document, const json_t *operation,
                              const char *status, json_t *response)
{
    static const char *const limits[] = { "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset" };

    if (*status == '4' || *status == '5')
        complete_refusal(p, response, status);
    for (size_t i = 0; i < DW_COUNT_OF(limits) && *status != '5'; i++)
        add_header(p, response, limits[i]);
    if (*status == '2' && json_object_get(operation, "x-list"))
        add_header(p, response, "Link");
    if (*status == '2' && has_etag(document, response))
        add_header(p, response, "ETag");
}

/* Where they stand: one that several operations refer to says it for all of them. */
static void complete_responses(struct publication *p, json_t *document)
{
    json_t *path, *operation, *response;
    const char *name, *method, *status;

    json_object_foreach(json_object_get(document, "paths"), name, path)
    {
        json_object_foreach(path, method, operation)
        {
            json_object_foreach(json_object_get(operation, "responses"), status, response)
            {
                response = resolve(document, response);
                if (response)
                    complete_response(p, document, operation, status, response);
            }
        }
    }
}

/* ---- what a type or format says by itself ---- */

static bool holds_values(const char *name)
{
    return strcmp(name, "example") == 0 || strcmp(name, "examples") == 0 || strcmp(name, "default") == 0 ||
           strcmp(name, "const") == 0 || strcmp(name, "enum") == 0;
}

/* Whole numbers have 64 bits, here and in every client that is made from this; a UUID is as long as it is. */
static void complete_schema(struct publication *p, json_t *schema)
{
    const json_t *type = json_object_get(schema, "type");
    const char *format = json_string_value(json_object_get(schema, "format"));

    if (says_type(type, "integer") && !format)
        publish_set(p, schema, "format", json_string("int64"));
    if (says_type(type, "string") && format && strcmp(format, "uuid") == 0 &&
        !json_object_get(schema, "maxLength"))
        publish_set(p, schema, "maxLength", json_integer(UUID_LENGTH));
}

static void complete_schemas(struct publication *p, json_t *value)
{
    json_t *member;
    const char *name;
    void *next;
    size_t i;

    json_array_foreach(value, i, member)
    {
        complete_schemas(p, member);
    }
    if (!json_is_object(value))
        return;
    complete_schema(p, value);
    json_object_foreach_safe(value, next, name, member)
    {
        if (!holds_values(name))
            complete_schemas(p, member);
    }
}

void publish_examples(struct publication *p, json_t *document)
{
    complete_responses(p, document);
    complete_schemas(p, document);
    add_examples(p, document);
}
