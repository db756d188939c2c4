#include "api/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/json.h"

struct publication {
    json_t *paths, *components, *tags;
    const struct api_source *source;
    bool is_out_of_memory;
};

/* Takes the value, which may be NULL: memory is out. */
static void set(struct publication *p, json_t *object, const char *name, json_t *value)
{
    if (!object || !value || json_object_set_new(object, name, value) != 0)
        p->is_out_of_memory = true;
}

static json_t *made(struct publication *p, json_t *value)
{
    p->is_out_of_memory |= !value;
    return value;
}

/* ---- components, by their owner ---- */

static const char components[] = "#/components/";

/* "#/components/schemas/Note" to "#/components/schemas/notes.Note" */
static json_t *rename_reference(const struct publication *p, const char *reference)
{
    const char *slash = strchr(reference + strlen(components), '/');

    if (!slash)
        return json_string(reference);
    return json_sprintf("%.*s%s.%s", (int)(slash + 1 - reference), reference, p->source->owner, slash + 1);
}

static void rename_references(struct publication *p, json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;
    void *next;

    if (json_is_array(value)) {
        json_array_foreach(value, i, member)
        {
            rename_references(p, member);
        }
    }
    if (!json_is_object(value))
        return;
    json_object_foreach_safe(value, next, name, member)
    {
        const char *text = json_string_value(member);
        if (text && strcmp(name, "$ref") == 0 && strncmp(text, components, strlen(components)) == 0)
            set(p, value, name, rename_reference(p, text));
        else
            rename_references(p, member);
    }
}

static json_t *section_of(struct publication *p, const char *name)
{
    json_t *section = json_object_get(p->components, name);

    if (!section) {
        section = json_object();
        set(p, p->components, name, section);
    }
    return section;
}

static void add_components(struct publication *p, json_t *document)
{
    json_t *sections = json_object_get(document, "components"), *section, *component;
    const char *kind, *name;

    if (!json_is_object(sections))
        return;
    json_object_foreach(sections, kind, section)
    {
        if (!json_is_object(section))
            continue;
        json_object_foreach(section, name, component)
        {
            char key[300];
            snprintf(key, sizeof(key), "%s.%s", p->source->owner, name);
            set(p, section_of(p, kind), key, json_incref(component));
        }
    }
}

/* ---- what the server adds to an operation ---- */

static bool is_declared(const json_t *document, const json_t *list, const struct api_field *field)
{
    const json_t *parameter;
    size_t i;

    json_array_foreach(list, i, parameter)
    {
        const char *reference = json_string_value(json_object_get(parameter, "$ref"));
        if (reference && *reference == '#')
            parameter = json_pointer(document, str_from(reference + 1));
        const char *name = json_string_value(json_object_get(parameter, "name"));
        if (name && strcmp(name, field->sent_as) == 0)
            return true;
    }
    return false;
}

static json_t *parameter_of(const struct api_field *field)
{
    static const char *const places[] = { [API_IN_QUERY] = "query", [API_IN_HEADER] = "header" };
    static const struct {
        const char *name, *description, *schema;
    } known[] = {
        { "limit", "How many at most",
          "{\"type\":\"integer\",\"minimum\":1,\"maximum\":200,\"default\":50}" },
        { "cursor", "Where the page before ended: its next", "{\"type\":\"string\"}" },
        { "sort", "A column; with - before it the other way round", "{\"type\":\"string\"}" },
        { "If-Match", "The ETag of what was read, so that nobody else's change is lost",
          "{\"type\":\"string\"}" },
    };
    const char *description = "Only those that have it", *schema = "{\"type\":\"string\"}";

    for (size_t i = 0; i < DW_COUNT_OF(known); i++) {
        if (strcmp(known[i].name, field->sent_as) == 0) {
            description = known[i].description;
            schema = known[i].schema;
        }
    }
    return json_pack("{s:s,s:s,s:b,s:s,s:o}", "name", field->sent_as, "in", places[field->in], "required",
                     (int)field->required, "description", description, "schema", json_loads(schema, 0, NULL));
}

static json_t *list_of(struct publication *p, json_t *operation, const char *name)
{
    json_t *list = json_object_get(operation, name);

    if (!list) {
        list = json_array();
        set(p, operation, name, list);
    }
    return list;
}

static void append(struct publication *p, json_t *list, json_t *value)
{
    if (!list || !value || json_array_append_new(list, value) != 0)
        p->is_out_of_memory = true;
}

static void add_parameters(struct publication *p, const json_t *path, json_t *operation,
                           const struct api_operation *op)
{
    const json_t *document = api_document_json(p->source->document);

    for (size_t i = 0; i < op->fields_n; i++) {
        const struct api_field *field = &op->fields[i];
        bool is_added = (field->in == API_IN_QUERY || field->in == API_IN_HEADER) &&
                        !is_declared(document, json_object_get(operation, "parameters"), field) &&
                        !is_declared(document, json_object_get(path, "parameters"), field);
        if (is_added)
            append(p, list_of(p, operation, "parameters"), parameter_of(field));
    }
    if (op->idempotent)
        append(p, list_of(p, operation, "parameters"),
               json_pack("{s:s,s:s,s:s,s:{s:s,s:i}}", "name", "Idempotency-Key", "in", "header",
                         "description", "Sent again with the same key, it is done once", "schema", "type",
                         "string", "maxLength", 255));
}

/* The status codes that it may refuse with, by what it is. */
static void add_problems(struct publication *p, json_t *operation, const struct api_operation *op)
{
    bool takes_any = op->fields_n > 0 || op->bodies != 0, is_list = false;
    json_t *responses = json_object_get(operation, "responses");

    for (size_t i = 0; i < op->fields_n; i++)
        is_list |= op->fields[i].is_etag;
    const struct {
        const char *status;
        bool when;
    } problems[] = { { "400", true },           { "401", !op->is_public },
                     { "403", !op->is_public }, { "404", op->path && strchr(op->path, '{') },
                     { "412", is_list },        { "415", op->bodies != 0 },
                     { "422", takes_any },      { "429", true },
                     { "500", true },           { "503", true } };

    if (!responses) {
        responses = json_object();
        set(p, operation, "responses", responses);
    }
    for (size_t i = 0; i < DW_COUNT_OF(problems); i++) {
        if (problems[i].when && !json_object_get(responses, problems[i].status))
            set(p, responses, problems[i].status,
                json_pack("{s:s}", "$ref", "#/components/responses/Problem"));
    }
}

/* Whom it wants to know. */
static void add_security(struct publication *p, json_t *operation, const struct api_operation *op)
{
    if (!json_object_get(operation, "security"))
        set(p, operation, "security", op->is_public ? json_array() : json_pack("[{s:[]}]", "bearer"));
}

static void add_names(struct publication *p, json_t *operation, const struct api_operation *op)
{
    if (!json_object_get(operation, "summary"))
        set(p, operation, "summary", json_string(op->id));
    if (!json_object_get(operation, "tags"))
        set(p, operation, "tags", json_pack("[s]", p->source->owner));
}

/* Names are the author's as long as nobody else has it. */
static bool is_taken(const struct publication *p, const char *id)
{
    json_t *path, *operation;
    const char *name, *method;

    json_object_foreach(p->paths, name, path)
    {
        json_object_foreach(path, method, operation)
        {
            const char *other = json_string_value(json_object_get(operation, "operationId"));
            if (other && strcmp(other, id) == 0)
                return true;
        }
    }
    return false;
}

static const struct api_operation *operation_of(const struct api_document *d, const json_t *operation)
{
    const char *id = json_string_value(json_object_get(operation, "operationId"));
    return id ? api_document_find(d, id) : NULL;
}

/* While references still lead where the author wrote them. */
static void add_all_parameters(struct publication *p, json_t *document)
{
    json_t *path, *operation;
    const char *name, *method;

    json_object_foreach(json_object_get(document, "paths"), name, path)
    {
        json_object_foreach(path, method, operation)
        {
            const struct api_operation *op = operation_of(p->source->document, operation);
            if (op)
                add_parameters(p, path, operation, op);
        }
    }
}

static void complete_path(struct publication *p, json_t *path)
{
    json_t *operation;
    const char *method;

    json_object_foreach(path, method, operation)
    {
        const struct api_operation *op = operation_of(p->source->document, operation);
        if (!op)
            continue;
        add_problems(p, operation, op);
        add_security(p, operation, op);
        add_names(p, operation, op);
        if (is_taken(p, op->id))
            set(p, operation, "operationId", json_sprintf("%s_%s", p->source->owner, op->id));
    }
}

/* Two plugins may have operations of one path. */
static int join_path(struct publication *p, const char *path, json_t *operations)
{
    json_t *there = json_object_get(p->paths, path);

    return there ? json_object_update_missing(there, operations)
                 : json_object_set(p->paths, path, operations);
}

/* Names an operation's second address, for older clients. */
static void mark_alias(struct publication *p, json_t *path)
{
    json_t *operation;
    const char *method;

    json_object_foreach(path, method, operation)
    {
        const char *id = json_string_value(json_object_get(operation, "operationId"));
        if (!id)
            continue;
        set(p, operation, "operationId", json_sprintf("%s_root", id));
        set(p, operation, "deprecated", json_true());
    }
}

static void add_path(struct publication *p, const char *base, const char *name, json_t *path)
{
    json_t *whole = json_sprintf("%s%s", base, name);

    if (!whole || join_path(p, json_string_value(whole), path) != 0)
        p->is_out_of_memory = true;
    json_decref(whole);
}

static void add_paths(struct publication *p, json_t *document)
{
    json_t *path;
    const char *name;

    json_object_foreach(json_object_get(document, "paths"), name, path)
    {
        size_t servers = json_array_size(json_object_get(path, "servers"));
        json_object_del(path, "servers"); /* those of the whole document are the root */
        complete_path(p, path);
        json_t *alias = servers > 1 ? made(p, json_deep_copy(path)) : NULL;
        add_path(p, servers == 1 ? "" : p->source->document->base, name, path);
        if (alias) {
            mark_alias(p, alias);
            add_path(p, "", name, alias);
        }
        json_decref(alias);
    }
}

static void add_source(struct publication *p, const struct api_source *source)
{
    json_t *copy = made(p, json_deep_copy(api_document_json(source->document)));

    p->source = source;
    add_all_parameters(p, copy);
    rename_references(p, copy);
    add_paths(p, copy);
    add_components(p, copy);
    append(p, p->tags, json_pack("{s:s,s:s}", "name", source->owner, "description", source->summary));
    json_decref(copy);
}

/* ---- the frame ---- */

/* What every operation refers to. */
static json_t *own_components(void)
{
    static const char text[] =
        "{\"schemas\":{\"Problem\":{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\"],"
        "\"properties\":{"
        "\"type\":{\"type\":\"string\",\"description\":\"The page that says what it is and what helps\"},"
        "\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
        "\"instance\":{\"type\":\"string\",\"description\":\"The request's id, for the log\"},"
        "\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"pointer\",\"detail\"],"
        "\"properties\":{\"pointer\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"}}}}}}},"
        "\"responses\":{\"Problem\":{\"description\":\"Why not, and what helps (RFC 9457)\",\"content\":{"
        "\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"},\"example\":{"
        "\"type\":\"/problems/not-found\",\"title\":\"Not found\",\"status\":404,\"detail\":\"there is no "
        "such thing\"}}}}},"
        "\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"An "
        "access token or an API "
        "key\"}}}";

    return json_loads(text, 0, NULL);
}

int api_publish(json_t **out, const struct api_source *sources, size_t n)
{
    struct publication p = { .paths = json_object(), .components = own_components(), .tags = json_array() };

    p.is_out_of_memory = !p.paths || !p.components || !p.tags;
    for (size_t i = 0; i < n && !p.is_out_of_memory; i++)
        add_source(&p, &sources[i]);
    *out = json_pack("{s:s,s:{s:s,s:s,s:s},s:[{s:s}],s:o,s:o,s:o}", "openapi", "3.1.0", "info", "title",
                     "Dowel", "version", DOWEL_VERSION, "description",
                     "The operations of this server and of its plugins.", "servers", "url", "/", "tags",
                     p.tags, "paths", p.paths, "components", p.components);
    if (*out && !p.is_out_of_memory)
        return 0;
    json_decref(*out);
    *out = NULL;
    return -1;
}
