#include <stdlib.h>
#include <string.h>

#include "api/publish_struct.h"

/* ---- for all parts ---- */

void publish_set(struct publication *p, json_t *object, const char *name, json_t *value)
{
    if (!object || !value || json_object_set_new(object, name, value) != 0)
        p->is_out_of_memory = true;
}

void publish_append(struct publication *p, json_t *list, json_t *value)
{
    if (!list || !value || json_array_append_new(list, value) != 0)
        p->is_out_of_memory = true;
}

static json_t *member_of(struct publication *p, json_t *parent, const char *name, json_t *(*make)(void))
{
    if (!json_object_get(parent, name))
        publish_set(p, parent, name, make());
    return json_object_get(parent, name);
}

json_t *publish_object(struct publication *p, json_t *parent, const char *name)
{
    return member_of(p, parent, name, json_object);
}

json_t *publish_list(struct publication *p, json_t *parent, const char *name)
{
    return member_of(p, parent, name, json_array);
}

void publish_each_operation(struct publication *p, json_t *paths, publish_visit visit)
{
    json_t *path, *operation;
    const char *name, *method;

    json_object_foreach(paths, name, path)
    {
        json_object_foreach(path, method, operation)
        {
            if (json_object_get(operation, "operationId"))
                visit(p, path, method, operation);
        }
    }
}

/* ---- a source ---- */

static const struct api_operation *operation_of(const struct publication *p, const json_t *operation)
{
    return api_document_find(p->source->document,
                             json_string_value(json_object_get(operation, "operationId")));
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

static void add_parameters(struct publication *p, json_t *path, const char *method, json_t *operation)
{
    const struct api_operation *op = operation_of(p, operation);

    (void)method;
    if (op)
        publish_add_parameters(p, path, operation, op);
}

static void complete(struct publication *p, json_t *path, const char *method, json_t *operation)
{
    const struct api_operation *op = operation_of(p, operation);

    (void)path;
    (void)method;
    if (!op)
        return;
    publish_complete(p, operation, op);
    if (is_taken(p, op->id))
        publish_set(p, operation, "operationId", json_sprintf("%s_%s", p->source->owner, op->id));
}

/* Two plugins may have operations of one path. */
static int join_path(struct publication *p, const char *path, json_t *operations)
{
    json_t *there = json_object_get(p->paths, path);

    return there ? json_object_update_missing(there, operations)
                 : json_object_set(p->paths, path, operations);
}

/* An operation's second address, for older clients: it needs another name. */
static void mark_alias(struct publication *p, json_t *path)
{
    json_t *operation;
    const char *method;

    json_object_foreach(path, method, operation)
    {
        const char *id = json_string_value(json_object_get(operation, "operationId"));
        if (!id)
            continue;
        publish_set(p, operation, "operationId", json_sprintf("%s_root", id));
        publish_set(p, operation, "deprecated", json_true());
    }
}

static void add_path(struct publication *p, const char *base, const char *name, json_t *path)
{
    json_t *whole = json_sprintf("%s%s", base, name);

    if (!whole || join_path(p, json_string_value(whole), path) != 0)
        p->is_out_of_memory = true;
    json_decref(whole);
}

static void add_alias(struct publication *p, const char *name, const json_t *path)
{
    json_t *alias = json_deep_copy(path);

    if (alias) {
        mark_alias(p, alias);
        add_path(p, "", name, alias);
    } else
        p->is_out_of_memory = true;
    json_decref(alias);
}

static void add_paths(struct publication *p, json_t *document)
{
    json_t *path;
    const char *name;

    json_object_foreach(json_object_get(document, "paths"), name, path)
    {
        size_t servers = json_array_size(json_object_get(path, "servers"));
        json_object_del(path, "servers"); /* those of the whole document are the root */
        add_path(p, servers == 1 ? "" : p->source->document->base, name, path);
        if (servers > 1)
            add_alias(p, name, path);
    }
}

/* ---- tags ---- */

static bool has_tag(const struct publication *p, const char *name)
{
    const json_t *tag;
    size_t i;

    json_array_foreach(p->tags, i, tag)
    {
        const char *other = json_string_value(json_object_get(tag, "name"));
        if (other && strcmp(other, name) == 0)
            return true;
    }
    return false;
}

/* Those that the author tells something about. */
static void add_declared_tags(struct publication *p, const json_t *document)
{
    json_t *tag;
    size_t i;

    json_array_foreach(json_object_get(document, "tags"), i, tag)
    {
        const char *name = json_string_value(json_object_get(tag, "name"));
        if (name && !has_tag(p, name))
            publish_append(p, p->tags, json_incref(tag));
    }
}

/* And those that operations have. */
static void add_used_tags(struct publication *p, json_t *path, const char *method, json_t *operation)
{
    const json_t *tag;
    size_t i;

    (void)path;
    (void)method;
    json_array_foreach(json_object_get(operation, "tags"), i, tag)
    {
        const char *name = json_string_value(tag);
        if (!name || has_tag(p, name))
            continue;
        bool is_owner = strcmp(name, p->source->owner) == 0 && *p->source->summary;
        publish_append(p, p->tags,
                       json_pack("{s:s,s:s}", "name", name, "description",
                                 is_owner ? p->source->summary : p->source->document->title));
    }
}

static void add_source(struct publication *p, const struct api_source *source)
{
    json_t *copy = json_deep_copy(api_document_json(source->document));

    p->is_out_of_memory |= !copy;
    p->source = source;
    publish_each_operation(p, json_object_get(copy, "paths"), add_parameters);
    publish_rename_references(p, copy);
    publish_each_operation(p, json_object_get(copy, "paths"), complete);
    add_declared_tags(p, copy);
    publish_each_operation(p, json_object_get(copy, "paths"), add_used_tags);
    add_paths(p, copy);
    publish_add_components(p, copy);
    json_decref(copy);
}

/* ---- the frame ---- */

static const char about[] =
    "The operations of this server and of its plugins.\n\n"
    "Every error is `application/problem+json` (RFC 9457): `detail` says what to send instead, in English or "
    "German by `Accept-Language`; `errors` says where. Lists have `limit` and `cursor`, and name the next "
    "page in "
    "`next` and in the `Link` header. What is changed by `PATCH` with `If-Match` is changed as it was read, "
    "or not at "
    "all; a `POST` with an `Idempotency-Key` that is sent again is done once.";

static json_t *frame_of(struct publication *p)
{
    return json_pack("{s:s,s:{s:s,s:s,s:s,s:{s:s},s:{s:s,s:s}},s:[{s:s,s:s}],s:O,s:O,s:O}", "openapi",
                     "3.1.0", "info", "title", "Dowel", "version", DOWEL_VERSION, "description", about,
                     "contact", "name", "Who runs this server", "license", "name", "MIT", "identifier", "MIT",
                     "servers", "url", "/", "description", "This server", "tags", p->tags, "paths", p->paths,
                     "components", p->components);
}

int api_publish(json_t **out, const struct api_source *sources, size_t n)
{
    struct publication p = { .paths = json_object(), .components = json_object(), .tags = json_array() };

    *out = NULL;
    p.is_out_of_memory = !p.paths || !p.components || !p.tags;
    if (!p.is_out_of_memory)
        publish_own_components(&p);
    for (size_t i = 0; i < n && !p.is_out_of_memory; i++)
        add_source(&p, &sources[i]);
    if (!p.is_out_of_memory)
        *out = frame_of(&p);
    if (*out) { /* which shares its parts with p */
        publish_examples(&p, *out);
        publish_finish_components(&p);
    }
    json_decref(p.paths);
    json_decref(p.components);
    json_decref(p.tags);
    if (*out && !p.is_out_of_memory)
        return 0;
    json_decref(*out);
    *out = NULL;
    return -1;
}
