#include <stdio.h>
#include <string.h>

#include "api/publish_struct.h"
#include "http/problem.h"
#include "util/json.h"

static const char components[] = "#/components/";

/* ---- by their owner ---- */

/* "#/components/schemas/Note" to "#/components/schemas/notes.Note" */
static json_t *rename_reference(const struct publication *p, const char *reference)
{
    const char *slash = strchr(reference + strlen(components), '/');

    if (!slash)
        return json_string(reference);
    return json_sprintf("%.*s%s.%s", (int)(slash + 1 - reference), reference, p->source->owner, slash + 1);
}

void publish_rename_references(struct publication *p, json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;
    void *next;

    if (json_is_array(value)) {
        json_array_foreach(value, i, member)
        {
            publish_rename_references(p, member);
        }
    }
    if (!json_is_object(value))
        return;
    json_object_foreach_safe(value, next, name, member)
    {
        const char *text = json_string_value(member);
        if (text && strcmp(name, "$ref") == 0 && strncmp(text, components, strlen(components)) == 0)
            publish_set(p, value, name, rename_reference(p, text));
        else
            publish_rename_references(p, member);
    }
}

void publish_add_components(struct publication *p, const json_t *document)
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
            publish_set(p, publish_object(p, p->components, kind), key, json_incref(component));
        }
    }
}

/* ---- our own ---- */

static const char problem_schema[] =
    "{\"type\":\"object\",\"description\":\"Why not, and what helps (RFC 9457)\","
    "\"required\":[\"type\",\"title\",\"status\"],\"properties\":{"
    "\"type\":{\"type\":\"string\",\"format\":\"uri-reference\",\"maxLength\":200,"
    "\"description\":\"The page that says what it is and what helps\"},"
    "\"title\":{\"type\":\"string\",\"maxLength\":100,\"description\":\"The same for all of a type\"},"
    "\"status\":{\"type\":\"integer\",\"format\":\"int32\",\"minimum\":400,\"maximum\":599},"
    "\"detail\":{\"type\":\"string\",\"maxLength\":10000,\"description\":\"What it was this time, and what "
    "to "
    "send instead\"},"
    "\"instance\":{\"type\":\"string\",\"maxLength\":128,\"description\":\"The request's id, for the log\"},"
    "\"errors\":{\"type\":\"array\",\"maxItems\":32,\"description\":\"Each thing that is wrong\","
    "\"items\":{\"type\":\"object\",\"required\":[\"pointer\",\"detail\"],\"properties\":{"
    "\"pointer\":{\"type\":\"string\",\"maxLength\":1000,\"description\":\"Where: a JSON pointer into the "
    "content, or of a parameter: #/query/limit\"},"
    "\"detail\":{\"type\":\"string\",\"maxLength\":10000}}}}}}";

/* They all are texts of some digits, or short ones. */
static const struct {
    const char *name, *description, *schema, *example;
} headers[] = {
    { "RateLimit-Limit", "Where a limit is set: how many requests a rested client may send at once",
      "{\"type\":\"integer\",\"format\":\"int32\",\"minimum\":1,\"maximum\":1000000000}", "100" },
    { "RateLimit-Remaining", "How many it may still send now",
      "{\"type\":\"integer\",\"format\":\"int32\",\"minimum\":0,\"maximum\":1000000000}", "99" },
    { "RateLimit-Reset", "Seconds until it is rested again",
      "{\"type\":\"integer\",\"format\":\"int32\",\"minimum\":0,\"maximum\":86400}", "1" },
    { "Retry-After", "Seconds to wait before the next try",
      "{\"type\":\"integer\",\"format\":\"int32\",\"minimum\":0,\"maximum\":86400}", "30" },
    { "WWW-Authenticate", "How to say who one is (RFC 6750)", "{\"type\":\"string\",\"maxLength\":200}",
      "\"Bearer\"" },
    { "X-Request-Id", "What the log knows this request by", "{\"type\":\"string\",\"maxLength\":128}",
      "\"4f2c8e0a9b7d4c1fa3e65d80b1c2d3e4\"" },
    { "ETag", "This state of it, for If-Match and If-None-Match", "{\"type\":\"string\",\"maxLength\":128}",
      "\"\\\"1\\\"\"" },
    { "Link", "The next page, where there is one (RFC 8288)", "{\"type\":\"string\",\"maxLength\":8000}",
      "\"</api/v1/notes?cursor=eyJhZnRlciI6IjAxOWMxMzIyIn0>; rel=\\\"next\\\"\"" },
};

static json_t *read_json(const char *text)
{
    return json_loads(text, JSON_DECODE_ANY, NULL);
}

static void add_headers(struct publication *p)
{
    json_t *section = publish_object(p, p->components, "headers");

    for (size_t i = 0; i < DW_COUNT_OF(headers); i++)
        publish_set(p, section, headers[i].name,
                    json_pack("{s:s,s:o,s:o}", "description", headers[i].description, "schema",
                              read_json(headers[i].schema), "example", read_json(headers[i].example)));
}

/* ---- problems ---- */

/* Single faults where there are some: one of a parameter, one of the content. */
static json_t *errors_of(int status)
{
    if (status == 400)
        return json_pack("[{s:s,s:s}]", "pointer", "#/query/limt", "detail",
                         "is not known; did you mean limit?");
    return status == 422
               ? json_pack("[{s:s,s:s}]", "pointer", "#/title", "detail", "is missing, and is required")
               : NULL;
}

static json_t *example_of(const struct problem *problem)
{
    json_t *errors = errors_of(problem->status);
    json_t *example = json_pack("{s:o,s:s,s:i,s:s,s:s}", "type", json_sprintf("/problems/%s", problem->slug),
                                "title", problem->title, "status", problem->status, "detail",
                                problem->meaning, "instance", "4f2c8e0a9b7d4c1fa3e65d80b1c2d3e4");

    if (errors && json_object_set_new(example, "errors", errors) != 0) {
        json_decref(example);
        return NULL;
    }
    return example;
}

json_t *publish_problem_content(int status)
{
    return json_pack("{s:{s:{s:s},s:o}}", PROBLEM_CONTENT_TYPE, "schema", "$ref",
                     "#/components/schemas/Problem", "example", example_of(problem_of(status)));
}

static json_t *response_of(struct publication *p, const struct problem *problem)
{
    static const char *const limits[] = { "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset" };
    json_t *response = json_pack("{s:o,s:{s:{s:s}},s:o}", "description",
                                 json_sprintf("%s %s", problem->meaning, problem->what_to_do), "headers",
                                 "X-Request-Id", "$ref", "#/components/headers/X-Request-Id", "content",
                                 publish_problem_content(problem->status));
    json_t *fields = json_object_get(response, "headers");

    if (problem->status == 429 || problem->status == 503)
        publish_set(p, fields, "Retry-After", json_pack("{s:s}", "$ref", "#/components/headers/Retry-After"));
    if (problem->status == 401)
        publish_set(p, fields, "WWW-Authenticate",
                    json_pack("{s:s}", "$ref", "#/components/headers/WWW-Authenticate"));
    for (size_t i = 0; response && i < DW_COUNT_OF(limits) && problem->status < 500; i++)
        publish_set(p, fields, limits[i], json_pack("{s:s+}", "$ref", "#/components/headers/", limits[i]));
    return response;
}

static void add_problems(struct publication *p)
{
    json_t *section = publish_object(p, p->components, "responses");
    const struct problem *problem;

    publish_set(p, publish_object(p, p->components, "schemas"), "Problem", read_json(problem_schema));
    for (size_t i = 0; (problem = problem_at(i)) != NULL; i++)
        publish_set(p, section, problem->slug, response_of(p, problem));
}

/* ---- signing in ---- */

static void add_schemes(struct publication *p)
{
    json_t *section = publish_object(p, p->components, "securitySchemes");

    publish_set(p, section, "bearer",
                json_pack("{s:s,s:s,s:s,s:s}", "type", "http", "scheme", "bearer", "bearerFormat",
                          "JWT, or an API key", "description",
                          "An access token or an API key, in the Authorization header (RFC 6750)"));
    publish_set(p, section, "cookie",
                json_pack("{s:s,s:s,s:s,s:s}", "type", "apiKey", "in", "cookie", "name", "__Host-dowel",
                          "description", "A browser's session; signing in sets it"));
    publish_set(p, section, "csrf",
                json_pack("{s:s,s:s,s:s,s:s}", "type", "apiKey", "in", "header", "name", "X-CSRF-Token",
                          "description",
                          "What a browser's session sends with what changes something, besides its cookie"));
}

void publish_own_components(struct publication *p)
{
    add_schemes(p);
    add_headers(p);
    add_problems(p);
}

/* ---- at the end ---- */

static bool refers_to(const json_t *value, const char *reference)
{
    json_t *v = (json_t *)(uintptr_t)value, *member;
    const char *text = json_string_value(json_object_get(value, "$ref")), *name;
    size_t i;

    if (text && strcmp(text, reference) == 0)
        return true;
    json_array_foreach(v, i, member)
    {
        if (refers_to(member, reference))
            return true;
    }
    if (!json_is_object(value))
        return false;
    json_object_foreach(v, name, member)
    {
        if (refers_to(member, reference))
            return true;
    }
    return false;
}

static void drop_unused(struct publication *p, const char *kind, const char *name)
{
    char reference[100];

    snprintf(reference, sizeof(reference), "#/components/%s/%s", kind, name);
    if (!refers_to(p->paths, reference) && !refers_to(p->components, reference))
        json_object_del(json_object_get(p->components, kind), name);
}

/* A way in beside the bearer token that it gives. */
static void offer_password(struct publication *p, json_t *path, const char *method, json_t *operation)
{
    json_t *security = json_object_get(operation, "security"), *way;
    size_t i;

    (void)path;
    (void)method;
    json_array_foreach(security, i, way)
    {
        if (json_object_get(way, "bearer")) {
            publish_append(p, security, json_pack("{s:[]}", "password"));
            return;
        }
    }
}

/* Swagger UI asks for name and password, and gets its token there. */
static void add_password_flow(struct publication *p)
{
    static const char address[] = "/api/v1/auth/token";
    json_t *section = json_object_get(p->components, "securitySchemes");

    if (!json_object_get(json_object_get(p->paths, address), "post"))
        return;
    publish_set(p, section, "password",
                json_pack("{s:s,s:s,s:{s:{s:s,s:s,s:{}}}}", "type", "oauth2", "description",
                          "E-mail and password for an access token, which is a JWT as RFC8725 wants it",
                          "flows", "password", "tokenUrl", address, "refreshUrl", address, "scopes"));
    publish_each_operation(p, p->paths, offer_password);
}

void publish_finish_components(struct publication *p)
{
    const struct problem *problem;

    add_password_flow(p);
    for (size_t i = 0; (problem = problem_at(i)) != NULL; i++)
        drop_unused(p, "responses", problem->slug);
    for (size_t i = 0; i < DW_COUNT_OF(headers); i++)
        drop_unused(p, "headers", headers[i].name);
}
