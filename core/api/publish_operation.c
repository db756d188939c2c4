#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/publish_struct.h"
#include "http/problem.h"
#include "util/json.h"

/* ---- parameters ---- */

static bool is_declared(const json_t *document, const json_t *list, const char *sent_as)
{
    const json_t *parameter;
    size_t i;

    json_array_foreach(list, i, parameter)
    {
        const char *reference = json_string_value(json_object_get(parameter, "$ref"));
        if (reference && strncmp(reference, "#/", 2) == 0)
            parameter = json_pointer(document, str_from(reference + 1));
        const char *name = json_string_value(json_object_get(parameter, "name"));
        if (name && strcmp(name, sent_as) == 0)
            return true;
    }
    return false;
}

static json_t *schema_of(const char *text)
{
    return json_loads(text, 0, NULL);
}

/* What x-list and x-if-match bring along. A filter is as long as a request's head lets it be. */
static json_t *parameter_of(const struct api_field *field)
{
    static const char *const places[] = { [API_IN_QUERY] = "query", [API_IN_HEADER] = "header" };
    static const struct {
        const char *name, *description, *schema;
    } known[] = {
        { "limit", "How many at most",
          "{\"type\":\"integer\",\"format\":\"int32\",\"minimum\":1,\"maximum\":200,\"default\":50}" },
        { "cursor", "Where the page before ended: its next", "{\"type\":\"string\",\"maxLength\":8000}" },
        { "sort", "A column; with - before it the other way round",
          "{\"type\":\"string\",\"maxLength\":64}" },
        { "If-Match", "The ETag of what was read, so that nobody else's change is lost",
          "{\"type\":\"string\",\"maxLength\":128}" },
    };
    const char *description = "Only those that have it", *schema = "{\"type\":\"string\",\"maxLength\":8000}";

    for (size_t i = 0; i < DW_COUNT_OF(known); i++) {
        if (strcmp(known[i].name, field->sent_as) == 0) {
            description = known[i].description;
            schema = known[i].schema;
        }
    }
    return json_pack("{s:s,s:s,s:b,s:s,s:o}", "name", field->sent_as, "in", places[field->in], "required",
                     (int)field->required, "description", description, "schema", schema_of(schema));
}

/* "-title" and "title" of each column that may be named. */
static json_t *sort_schema(const json_t *operation)
{
    const json_t *columns = json_object_get(json_object_get(operation, "x-list"), "sort"), *column;
    json_t *names = json_array();
    size_t i;

    json_array_foreach(columns, i, column)
    {
        json_array_append_new(names, json_incref((json_t *)(uintptr_t)column));
        json_array_append_new(names, json_sprintf("-%s", json_string_value(column)));
    }
    if (json_array_size(names) != 2 * json_array_size(columns)) {
        json_decref(names);
        return NULL;
    }
    return json_pack("{s:s,s:o}", "type", "string", "enum", names);
}

static void add_parameter(struct publication *p, json_t *operation, const struct api_field *field)
{
    json_t *parameter = parameter_of(field);

    if (strcmp(field->sent_as, "sort") == 0 && parameter)
        publish_set(p, parameter, "schema", sort_schema(operation));
    publish_append(p, publish_list(p, operation, "parameters"), parameter);
}

static void add_key(struct publication *p, json_t *operation, const struct api_operation *op)
{
    publish_append(p, publish_list(p, operation, "parameters"),
                   json_pack("{s:s,s:s,s:b,s:s,s:{s:s,s:i}}", "name", "Idempotency-Key", "in", "header",
                             "required", (int)op->idempotency_required, "description",
                             "Sent again with the same key it is done once: a text that the client makes up, "
                             "new for each thing that it wants",
                             "schema", "type", "string", "maxLength", 255));
}

void publish_add_parameters(struct publication *p, const json_t *path, json_t *operation,
                            const struct api_operation *op)
{
    const json_t *document = api_document_json(p->source->document);
    const json_t *own = json_object_get(operation, "parameters"), *all = json_object_get(path, "parameters");

    for (size_t i = 0; i < op->fields_n; i++) {
        const struct api_field *field = &op->fields[i];
        bool is_ours = (field->in == API_IN_QUERY || field->in == API_IN_HEADER) &&
                       !is_declared(document, json_object_get(operation, "parameters"), field->sent_as) &&
                       !is_declared(document, all, field->sent_as);
        if (is_ours)
            add_parameter(p, operation, field);
    }
    if (op->idempotent && !is_declared(document, own, "Idempotency-Key") &&
        !is_declared(document, all, "Idempotency-Key"))
        add_key(p, operation, op);
}

/* ---- answers ---- */

static bool has_success(const json_t *responses)
{
    json_t *response;
    const char *status;

    json_object_foreach((json_t *)(uintptr_t)responses, status, response)
    {
        if (*status == '2' || *status == '3')
            return true;
    }
    return false;
}

static void add_problem(struct publication *p, json_t *responses, int status)
{
    char key[12];

    snprintf(key, sizeof(key), "%d", status);
    if (!json_object_get(responses, key))
        publish_set(
            p, responses, key,
            json_pack("{s:o}", "$ref", json_sprintf("#/components/responses/%s", problem_of(status)->slug)));
}

/* What it may be refused with, by what it is. */
static void add_answers(struct publication *p, json_t *operation, const struct api_operation *op)
{
    bool takes_any = op->fields_n > 0 || op->bodies != 0, has_etag = false;
    bool has_path = op->path && strchr(op->path, '{');
    json_t *responses = publish_object(p, operation, "responses");

    for (size_t i = 0; i < op->fields_n; i++)
        has_etag |= op->fields[i].is_etag;
    const struct {
        int status;
        bool when;
    } problems[] = {
        { 400, true },
        { 401, !op->is_public },
        { 403, !op->is_public },
        { 404, has_path },
        { 409, op->idempotent },
        { 412, has_etag },
        { 413, op->bodies != 0 },
        { 415, op->bodies != 0 },
        { 422, takes_any || op->idempotent },
        { 428, has_etag || op->idempotency_required },
        { 429, true },
        { 500, true },
        { 503, true },
        { 504, op->timeout_us != 0 },
    };
    if (!has_success(responses))
        publish_set(p, responses, "200", json_pack("{s:s}", "description", "It is done"));
    for (size_t i = 0; i < DW_COUNT_OF(problems); i++) {
        if (problems[i].when)
            add_problem(p, responses, problems[i].status);
    }
}

/* ---- who ---- */

static bool is_safe(enum http_method method)
{
    return method == HTTP_GET || method == HTTP_HEAD || method == HTTP_OPTIONS;
}

/* A token, or a browser's session. */
static void add_security(struct publication *p, json_t *operation, const struct api_operation *op)
{
    if (json_object_get(operation, "security"))
        return;
    if (op->is_public)
        publish_set(p, operation, "security", json_array());
    else if (is_safe(op->method))
        publish_set(p, operation, "security", json_pack("[{s:[]},{s:[]}]", "bearer", "cookie"));
    else
        publish_set(p, operation, "security", json_pack("[{s:[]},{s:[],s:[]}]", "bearer", "cookie", "csrf"));
}

/* ---- words ---- */

/* "createNote" to "Create note" */
static json_t *summary_of(const char *id)
{
    struct buf words = BUF_INIT;
    json_t *summary = NULL;

    for (const char *c = id; *c; c++) {
        if (c > id && (isupper((unsigned char)*c) || *c == '_'))
            buf_add_char(&words, ' ');
        if (*c != '_')
            buf_add_char(&words, (char)(c == id ? toupper((unsigned char)*c) : tolower((unsigned char)*c)));
    }
    if (!buf_failed(&words))
        summary = json_string(buf_text(&words));
    buf_finish(&words);
    return summary;
}

static void add_sentence(struct buf *out, const char *format, const char *value)
{
    if (out->n > 0)
        buf_add_char(out, ' ');
    buf_add_format(out, format, value);
}

/* "See what happened", as the contract declares it; "" when it says nothing. */
static const char *meaning_of(const struct api_document *d, const char *permission)
{
    for (size_t i = 0; i < d->permissions_n; i++) {
        if (strcmp(d->permissions[i].name, permission) == 0)
            return d->permissions[i].summary;
    }
    return "";
}

static void write_permission(struct buf *out, const struct api_document *d, const char *permission)
{
    const char *meaning = meaning_of(d, permission);

    add_sentence(out, "Needs the permission `%s`", permission);
    if (*meaning)
        buf_add_format(out, " (%s)", meaning);
    buf_add_char(out, '.');
}

/* Who may, how often, how much: what stands in our extensions, for who reads a page. */
static void write_rules(struct buf *out, const struct api_document *d, const struct api_operation *op)
{
    char number[24];

    if (op->is_public)
        add_sentence(out, "%s", "Anybody may call it.");
    else if (strcmp(op->permission, API_SIGNED_IN) == 0)
        add_sentence(out, "%s", "Needs somebody who is signed in.");
    else
        write_permission(out, d, op->permission);
    if (op->rate_limit)
        add_sentence(out, "At most `%s` requests.", op->rate_limit);
    if (op->body_max) {
        snprintf(number, sizeof(number), "%llu", (unsigned long long)op->body_max);
        add_sentence(out, "Content of at most %s bytes.", number);
    }
    if (op->no_tenant)
        add_sentence(out, "%s", "Belongs to no tenant.");
}

static void add_description(struct publication *p, json_t *operation, const struct api_operation *op)
{
    const char *own = json_string_value(json_object_get(operation, "description"));
    struct buf rules = BUF_INIT;

    write_rules(&rules, p->source->document, op);
    const char *text = buf_text(&rules);
    if (buf_failed(&rules))
        p->is_out_of_memory = true;
    else
        publish_set(p, operation, "description",
                    own ? json_sprintf("%s\n\n%s", own, text) : json_string(text));
    buf_finish(&rules);
}

void publish_complete(struct publication *p, json_t *operation, const struct api_operation *op)
{
    add_answers(p, operation, op);
    add_security(p, operation, op);
    if (!json_object_get(operation, "summary"))
        publish_set(p, operation, "summary", summary_of(op->id));
    add_description(p, operation, op);
    if (!json_object_get(operation, "tags"))
        publish_set(p, operation, "tags", json_pack("[s]", p->source->owner));
}
