/* Contracts: what is read of a good one, and every complaint with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/document.h"
#include "util/compiler.h"

/* ---- reading ---- */

struct reading {
    struct config_problems problems;
    struct buf complaints; /* as an admin sees them */
    struct api_document *document;
};

static void read_text(struct reading *r, const char *text)
{
    config_problems_init(&r->problems);
    r->complaints = (struct buf)BUF_INIT;
    int rc = api_document_create(str_from(text), "notes/api.yaml", &r->problems, &r->document);
    config_problems_format(&r->complaints, &r->problems);
    assert_int_equal(rc == 0, r->document != NULL);
    assert_int_equal(rc == 0, !config_problems_any(&r->problems));
}

static void finish(struct reading *r)
{
    api_document_destroy(r->document);
    buf_finish(&r->complaints);
    config_problems_finish(&r->problems);
}

static void read_good(struct reading *r, const char *text)
{
    read_text(r, text);
    if (!r->document)
        fail_msg("%s", buf_text(&r->complaints));
}

/* All of what is told, a line each. */
static void assert_complaints(const char *text, const char *expected)
{
    struct reading r;

    read_text(&r, text);
    assert_null(r.document);
    assert_string_equal(buf_text(&r.complaints), expected);
    finish(&r);
}

#define TOP "openapi: 3.1.0\ninfo: { title: T, version: \"1\" }\n"

/* One operation; what is given begins in line 8. */
#define OPERATION(method, lines) \
    TOP "paths:\n  /notes:\n    " method ":\n      operationId: op\n      x-public: true\n" lines

#define AT "notes/api.yaml:"

/* ---- a good one ---- */

static const char notes[] = TOP
    "paths:\n"
    "  /notes:\n"
    "    get:\n"
    "      operationId: listNotes\n"
    "      x-permission: notes.read\n"
    "      x-list: { sort: [created_at], filter: [author] }\n"
    "    post:\n"
    "      operationId: createNote\n"
    "      x-permission: notes.write\n"
    "      x-rate-limit: 10/1m\n"
    "      x-timeout: 1m30s\n"
    "      x-idempotent: true\n"
    "      x-tenant: none\n"
    "      x-body-max: 10 MiB\n"
    "      requestBody: { required: true, content: { application/json: { schema: { $ref: "
    "\"#/components/schemas/NoteIn\" } } } }\n"
    "  /notes/{id}:\n"
    "    parameters:\n"
    "      - { name: id, in: path, required: true, schema: { type: string } }\n"
    "      - { name: depth, in: query, schema: { type: integer } }\n"
    "    get:\n"
    "      operationId: getNote\n"
    "      x-public: true\n"
    "      parameters:\n"
    "        - { name: depth, in: query, required: true, schema: { type: [number, \"null\"] } }\n"
    "        - { $ref: \"#/components/parameters/Trace\" }\n"
    "        - { name: tag, in: query, explode: false, schema: { type: array, items: { type: integer } } }\n"
    "    put:\n"
    "      operationId: changeNote\n"
    "      x-permission: notes.write\n"
    "      x-if-match: required\n"
    "      x-codegen-name: change\n"
    "      requestBody:\n"
    "        content:\n"
    "          application/json: { schema: { $ref: \"#/components/schemas/NoteIn\" } }\n"
    "          multipart/form-data:\n"
    "            schema: { type: object, properties: { title: { type: string }, photo: {} }, required: "
    "[photo] }\n"
    "components:\n"
    "  parameters:\n"
    "    Trace: { name: X-Trace, in: header, schema: { type: string } }\n"
    "  schemas:\n"
    "    Base: { type: object, properties: { title: { type: string } } }\n"
    "    NoteIn:\n"
    "      allOf: [ { $ref: \"#/components/schemas/Base\" } ]\n"
    "      required: [title]\n"
    "      properties:\n"
    "        stars: { $ref: \"#/components/schemas/Stars\" }\n"
    "        parent: { $ref: \"#/components/schemas/NoteIn\" }\n"
    "        example: { type: boolean }\n"
    "    Stars: { type: [integer, \"null\"], default: { $ref: nowhere } }\n";

static const struct api_operation *operation(const struct reading *r, const char *id)
{
    const struct api_operation *op = api_document_find(r->document, id);
    assert_non_null(op);
    return op;
}

static const struct api_field *field(const struct api_operation *op, const char *name)
{
    const struct api_field *f = api_operation_field(op, name, NULL);
    if (!f)
        fail_msg("%s has no %s", op->id, name);
    return f;
}

static void the_document_itself(void **state)
{
    struct reading r;

    (void)state;
    read_good(&r, notes);
    assert_string_equal(r.document->source, "notes/api.yaml");
    assert_string_equal(r.document->title, "T");
    assert_string_equal(r.document->version, "1");
    assert_string_equal(r.document->base, "/api/v1");
    assert_int_equal(r.document->operations_n, 4);
    assert_null(api_document_find(r.document, "listnotes"));
    finish(&r);
}

static void what_an_operation_says_of_itself(void **state)
{
    struct reading r;

    (void)state;
    read_good(&r, notes);
    const struct api_operation *op = operation(&r, "createNote");
    assert_int_equal(op->method, HTTP_POST);
    assert_string_equal(op->path, "/api/v1/notes");
    assert_string_equal(op->permission, "notes.write");
    assert_false(op->is_public);
    assert_true(op->no_tenant);
    assert_true(op->idempotent);
    assert_string_equal(op->rate_limit, "10/1m");
    assert_int_equal(op->rate_requests, 10);
    assert_int_equal(op->rate_window_us, 60000000);
    assert_int_equal(op->timeout_us, 90000000);
    assert_int_equal(op->body_max, 10 << 20);
    assert_int_equal(op->bodies, API_BODY_JSON);
    assert_true(op->body_required);
    assert_int_equal(op->line, 9);
    assert_int_equal(api_operation_body_mode(op), HTTP_BODY_MEMORY);
    op = operation(&r, "getNote");
    assert_true(op->is_public);
    assert_null(op->permission);
    assert_null(op->rate_limit);
    assert_false(op->no_tenant);
    assert_int_equal(op->bodies, API_BODY_NONE);
    finish(&r);
}

static void parameters_of_the_path_item_give_way(void **state)
{
    struct reading r;

    (void)state;
    read_good(&r, notes);
    const struct api_operation *op = operation(&r, "getNote");
    assert_int_equal(op->fields_n, 4);
    assert_string_equal(op->fields[0].name, "id");
    assert_int_equal(op->fields[0].in, API_IN_PATH);
    assert_true(op->fields[0].required);
    assert_int_equal(field(op, "depth")->type, API_NUMBER);
    assert_true(field(op, "depth")->nullable);
    assert_true(field(op, "depth")->required);
    assert_int_equal(field(op, "X-Trace")->in, API_IN_HEADER);
    assert_int_equal(field(op, "tag")->type, API_ARRAY);
    assert_int_equal(field(op, "tag")->items, API_INTEGER);
    assert_true(field(op, "tag")->separated);
    assert_int_equal(field(operation(&r, "changeNote"), "depth")->type, API_INTEGER);
    finish(&r);
}

static void members_come_from_all_parts_of_a_schema(void **state)
{
    struct reading r;

    (void)state;
    read_good(&r, notes);
    const struct api_operation *op = operation(&r, "createNote");
    assert_int_equal(op->fields_n, 4);
    assert_int_equal(field(op, "title")->in, API_IN_BODY);
    assert_int_equal(field(op, "title")->type, API_STRING);
    assert_true(field(op, "title")->required);
    assert_int_equal(field(op, "stars")->type, API_INTEGER);
    assert_true(field(op, "stars")->nullable);
    assert_false(field(op, "stars")->required);
    assert_int_equal(field(op, "parent")->type, API_OBJECT);
    assert_int_equal(field(op, "example")->type, API_BOOLEAN);
    finish(&r);
}

static void media_types_share_their_members(void **state)
{
    struct reading r;

    (void)state;
    read_good(&r, notes);
    const struct api_operation *op = operation(&r, "changeNote");
    assert_int_equal(op->bodies, API_BODY_JSON | API_BODY_MULTIPART);
    assert_int_equal(op->media_n, 2);
    assert_false(op->body_required);
    assert_int_equal(api_operation_body_mode(op), HTTP_BODY_SPOOL);
    assert_int_equal(field(op, "title")->bodies, API_BODY_JSON | API_BODY_MULTIPART);
    assert_int_equal(field(op, "title")->required_bodies, API_BODY_JSON);
    assert_false(field(op, "title")->required);
    assert_int_equal(field(op, "photo")->bodies, API_BODY_MULTIPART);
    assert_true(field(op, "photo")->required);
    finish(&r);
}

static void extensions_bring_fields(void **state)
{
    struct reading r;

    (void)state;
    read_good(&r, notes);
    const struct api_field *etag = field(operation(&r, "changeNote"), "if_match");
    assert_string_equal(etag->sent_as, "If-Match");
    assert_int_equal(etag->in, API_IN_HEADER);
    assert_true(etag->required);
    assert_true(etag->is_etag);
    const struct api_operation *list = operation(&r, "listNotes");
    assert_int_equal(list->fields_n, 4);
    assert_int_equal(field(list, "limit")->type, API_INTEGER);
    assert_int_equal(field(list, "cursor")->in, API_IN_QUERY);
    assert_int_equal(field(list, "sort")->in, API_IN_QUERY);
    assert_int_equal(field(list, "author")->in, API_IN_QUERY);
    finish(&r);
}

static void a_filter_may_be_declared_more_closely(void **state)
{
    struct reading r;

    (void)state;
    read_good(&r, OPERATION("get",
                            "      x-list: { filter: [stars] }\n"
                            "      parameters: [ { name: stars, in: query, schema: { type: integer } } ]\n"));
    const struct api_operation *op = operation(&r, "op");
    assert_int_equal(field(op, "stars")->type, API_INTEGER);
    assert_int_equal(op->fields_n, 3); /* no sort was declared */
    finish(&r);
}

static void a_name_is_found_or_the_nearest_one(void **state)
{
    struct reading r;
    const char *nearest;

    (void)state;
    read_good(&r, notes);
    assert_null(api_operation_field(operation(&r, "createNote"), "titel", &nearest));
    assert_string_equal(nearest, "title");
    assert_null(api_operation_field(operation(&r, "createNote"), "colour", &nearest));
    assert_null(nearest);
    finish(&r);
}

static void references_are_followed(void **state)
{
    struct reading r;

    (void)state;
    read_good(&r,
              TOP "paths:\n"
                  "  /a~b/{id}:\n"
                  "    get:\n"
                  "      operationId: one\n"
                  "      x-public: true\n"
                  "      parameters: [ { name: id, in: path, required: true, schema: { type: integer } } ]\n"
                  "  /c/{id}:\n"
                  "    get:\n"
                  "      operationId: two\n"
                  "      x-public: true\n"
                  "      parameters: [ { $ref: \"#/paths/~1a~0b~1%7Bid%7D/get/parameters/0\" } ]\n");
    const struct api_field *id = field(operation(&r, "two"), "id");
    assert_int_equal(id->type, API_INTEGER);
    assert_int_equal(id->line, 8);
    const struct yaml_node *list = yaml_find(operation(&r, "two")->node, STR_OF("parameters"));
    const struct yaml_node *resolved = api_document_resolve(r.document, list->first);
    assert_true(str_equal(yaml_find(resolved, STR_OF("name"))->text, STR_OF("id")));
    finish(&r);
}

static void another_base(void **state)
{
    struct reading r;

    (void)state;
    read_good(&r, "servers: [ { url: /api/v12 } ]\n" OPERATION("get", ""));
    assert_string_equal(operation(&r, "op")->path, "/api/v12/notes");
    finish(&r);
}

static void a_path_below_the_root(void **state)
{
    struct reading r;

    (void)state;
    read_good(&r, TOP "paths:\n"
                      "  /token:\n"
                      "    servers: [ { url: / } ]\n"
                      "    post: { operationId: op, x-public: true }\n"
                      "  /other:\n"
                      "    servers: [ { url: /api/v1 }, { url: / } ]\n"
                      "    post: { operationId: other, x-public: true }\n");
    assert_string_equal(operation(&r, "op")->path, "/token");
    assert_null(operation(&r, "op")->also);
    assert_string_equal(operation(&r, "other")->path, "/api/v1/other");
    assert_string_equal(operation(&r, "other")->also, "/other");
    finish(&r);
    assert_complaints(
        TOP "paths:\n"
            "  /token:\n"
            "    servers: [ { url: /api/v2 } ]\n"
            "    post: { operationId: op, x-public: true }\n",
        AT "5: servers of a path are the root, or the base and the root, write [{ url: / }], or before it "
           "the base as well\n");
}

static void a_streamed_body(void **state)
{
    struct reading r;

    (void)state;
    read_good(&r, OPERATION("put", "      x-body: stream\n"
                                   "      requestBody: { content: { \"*/*\": {}, application/json: { schema: "
                                   "{ properties: { a: {} } } } } }\n"));
    const struct api_operation *op = operation(&r, "op");
    assert_int_equal(op->bodies, API_BODY_STREAM);
    assert_int_equal(op->fields_n, 0);
    assert_int_equal(api_operation_body_mode(op), HTTP_BODY_STREAM);
    finish(&r);
}

/* The examples of docs/contract.md: what stands between ```yaml and ```. */
static void the_examples_of_the_documentation(void **state)
{
    static char text[64 * 1024];
    FILE *file = fopen(DOWEL_SOURCE_DIR "/docs/contract.md", "r");
    size_t examples = 0;

    (void)state;
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = 0;
    for (char *at = strstr(text, "```yaml\n"), *end; at; at = strstr(end + 1, "```yaml\n")) {
        struct reading r;
        at += strlen("```yaml\n");
        end = strstr(at, "```");
        assert_non_null(end);
        *end = 0;
        if (!str_starts_with(str_from(at), STR_OF("openapi:")))
            continue; /* a part of one */
        read_good(&r, at);
        finish(&r);
        examples++;
    }
    assert_true(examples > 0);
}

/* ---- bad ones ---- */

static void not_a_contract(void **state)
{
    (void)state;
    assert_complaints("", "notes/api.yaml: this is not OpenAPI 3.1, begin it with openapi: 3.1.0\n");
    assert_complaints("- a\n", AT "1: this is not OpenAPI 3.1, begin it with openapi: 3.1.0\n");
    assert_complaints("a: [\n", AT "2: is not YAML: flow sequence without a closing bracket\n");
    assert_complaints("x: y\n",
                      AT "1: x is not known here\n" AT "1: this is not OpenAPI 3.1, write openapi: 3.1.0\n" AT
                         "1: there is no info, write info: { title: ..., version: \"1\" }\n" AT
                         "1: there are no paths, write paths: { /notes: { get: ... } }\n");
    assert_complaints("openapi: 3.0.3\ninfo: { title: 1 }\npaths: []\n",
                      AT "1: this is not OpenAPI 3.1, write openapi: 3.1.0\n" AT
                         "2: title is a number, and must be a text, put it in quotes\n" AT
                         "2: info has no version\n" AT "3: paths is a list, and must be a map\n");
}

static void what_yaml_refuses_is_told_with_the_rest(void **state)
{
    (void)state;
    assert_complaints(OPERATION("get", "      deprecated: yes\n      tag: [ x ]\n"),
                      AT "8: deprecated: is a truth value to some YAML readers and a text to others, write "
                         "true or false, or put it in quotes\n" AT
                         "9: op: tag is not known here, did you mean tags?\n");
}

static void servers(void **state)
{
    static const char *const wrong[] = { "[ { url: /api } ]",
                                         "[ { url: /api/v0 } ]",
                                         "[ { url: /api/v01 } ]",
                                         "[ { url: https://example.org/api/v1 } ]",
                                         "[]",
                                         "[ { url: /api/v1/ } ]",
                                         "[ { url: /api/v1 }, { url: /api/v2 } ]" };
    char text[512];

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(wrong); i++) {
        snprintf(text, sizeof(text), "servers: %s\n%s", wrong[i], OPERATION("get", ""));
        assert_complaints(text, AT "1: servers is not one path /api/vN, leave servers out for /api/v1, or "
                                   "write [{ url: /api/v2 }]\n");
    }
}

static void every_operation_says_who_may(void **state)
{
    (void)state;
    assert_complaints(
        TOP "paths:\n  /notes:\n    get: { operationId: a }\n    put: { operationId: b, x-public: false }\n",
        AT "5: a: every operation says who may: it has neither x-permission nor x-public: true, write "
           "x-permission: NAME.WORD, or x-public: true for anybody\n" AT
           "6: b: every operation says who may: it has neither x-permission nor x-public: true, write "
           "x-permission: NAME.WORD, or x-public: true for anybody\n");
    assert_complaints(OPERATION("get", "      x-permission: notes.read\n"),
                      AT "8: op: it has x-permission and also x-public: true, remove one\n");
}

static void a_permission_is_a_name_and_a_word(void **state)
{
    static const char *const wrong[] = { "notes",          "notes.",     ".read",        "Notes.read",
                                         "notes.read.all", "notes read", "[notes.read]", "1.2" };
    char text[512];

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(wrong); i++) {
        snprintf(text, sizeof(text), TOP "paths: { /a: { get: { operationId: op, x-permission: %s } } }\n",
                 wrong[i]);
        assert_complaints(text, AT "3: op: x-permission is no permission, write the plugin's name, a dot and "
                                   "one word, as notes.read, or signed_in for anybody who is\n");
    }
}

static void permissions_are_declared(void **state)
{
    static const char text[] = TOP "x-permissions:\n"
                                   "  notes.read: { summary: Read notes, roles: [viewer, member] }\n"
                                   "  notes.purge: Throw all away\n"
                                   "paths:\n"
                                   "  /a: { get: { operationId: a, x-permission: notes.read }, put: { "
                                   "operationId: b, x-permission: notes.write } }\n"
                                   "  /b: { get: { operationId: c, x-permission: signed_in }, put: { "
                                   "operationId: d, x-permission: notes.write } }\n";
    struct reading r;

    (void)state;
    read_good(&r, text);
    const struct api_document *d = r.document;
    assert_int_equal(d->permissions_n, 3);
    assert_string_equal(d->permissions[0].name, "notes.read");
    assert_string_equal(d->permissions[0].summary, "Read notes");
    assert_string_equal(d->permissions[0].roles, "viewer member");
    assert_string_equal(d->permissions[1].name, "notes.purge");
    assert_string_equal(d->permissions[1].summary, "Throw all away");
    assert_string_equal(d->permissions[2].name, "notes.write");
    assert_string_equal(d->permissions[2].summary, "");
    finish(&r);
    assert_complaints(
        TOP "x-permissions: { notes: {}, a.b: [], a.c: { role: [x] }, a.d: { roles: [X] } }\n"
            "paths: {}\n",
        AT "3: notes is no permission, write the plugin's name, a dot and one word, as notes.read\n" AT
           "3: the permission a.b is a list, write what it is for, as \"Read notes\", or { summary: "
           "..., roles: [...] }\n" AT "3: role is not known here, did you mean roles?\n" AT
           "3: roles has something that is no role, write names such as [viewer, member]\n");
}

static void operation_ids(void **state)
{
    (void)state;
    assert_complaints(TOP "paths:\n"
                          "  /a:\n"
                          "    get: { x-public: true }\n"
                          "    put: { x-public: true, operationId: 1a }\n"
                          "    post: { x-public: true, operationId: same }\n"
                          "  /b:\n"
                          "    get: { x-public: true, operationId: same }\n"
                          "    put: { x-public: true, operationId: a-b }\n",
                      AT
                      "5: get /a: it has no operationId, write operationId: ..., the name of its handler\n" AT
                      "6: put /a: the operationId 1a is no name, write letters, digits and _, first a "
                      "letter, as createNote\n" AT
                      "9: the operationId same stands twice, first in line 7, give one of them another\n" AT
                      "10: put /b: the operationId a-b is no name, write letters, digits and _, first a "
                      "letter, as createNote\n");
}

static void paths(void **state)
{
    (void)state;
    assert_complaints(TOP "paths:\n"
                          "  notes: {}\n"
                          "  /a//b: {}\n"
                          "  /a{id}: {}\n"
                          "  /a/{rest...}: {}\n"
                          "  /b: { gte: {}, trace: {}, x-permission: a.b }\n"
                          "  /c: []\n",
                      AT "4: the path notes does not begin with /, write it as /notes\n" AT
                         "5: the path /a//b: a segment is empty; write one '/' only\n" AT
                         "6: the path /a{id}: a parameter must be a whole segment, as in /users/{id}\n" AT
                         "7: the path /a/{rest...}: a parameter is one segment; a plugin's table of routes "
                         "can take a remainder\n" AT "8: gte is not known here, did you mean get?\n" AT
                         "8: trace is not known here\n" AT
                         "8: x-permission belongs to an operation, write it there\n" AT
                         "9: the path /c is a list, and must be a map\n");
}

static void parameters_and_path_agree(void **state)
{
    (void)state;
    assert_complaints(
        TOP "paths:\n"
            "  /a/{id}:\n"
            "    get:\n"
            "      operationId: op\n"
            "      x-public: true\n"
            "      parameters:\n"
            "        - { name: di, in: path, required: true, schema: {} }\n",
        AT "4: op: {id} of /a/{id} is not among its parameters, declare it: in: path, required: true\n" AT
           "9: op: di is not in the path /a/{id}, write it there as {di}, or remove it here\n");
}

static void bad_parameters(void **state)
{
    (void)state;
    assert_complaints(
        OPERATION("get",
                  "      parameters:\n"
                  "        - { in: query }\n"
                  "        - { name: a }\n"
                  "        - { name: b, in: qurey }\n"
                  "        - { name: c, in: body }\n"
                  "        - { name: d, in: query, schema: { type: text } }\n"
                  "        - { name: e, in: query, schema: { type: object } }\n"
                  "        - { name: f, in: header, schema: { type: array } }\n"
                  "        - { name: g, in: query, style: deepObject, requierd: true }\n"
                  "        - { name: h, in: query, content: {} }\n"
                  "        - { name: if-match, in: header }\n"
                  "        - { name: i, in: query, schema: { type: string, nullable: true } }\n"
                  "        - { name: j, in: query, schema: { type: array, items: { type: object } } }\n"
                  "        - text\n"),
        AT "9: op: a parameter has no name, write name: ...\n" AT
           "10: op: a parameter does not say where it is, write in: query\n" AT
           "11: op: in: qurey: there are no such parameters, did you mean query?\n" AT
           "12: op: in: body: there are no such parameters, write path, query, header or cookie\n" AT
           "13: op: there is no type text\n" AT
           "14: op: e: an object cannot be sent in the query, send it in the content\n" AT
           "15: op: f: a list cannot be sent in the header, send it in the content\n" AT
           "16: op: requierd is not known here, did you mean required?\n" AT
           "16: op: g: the style deepObject is not read, leave style out\n" AT
           "17: op: h: a parameter with content is not read, give it a schema instead\n" AT
           "18: op: if-match is not to be declared as a parameter, say x-if-match: required\n" AT
           "19: op: nullable is of OpenAPI 3.0, write type: [string, \"null\"]\n" AT
           "20: op: j: a list in the query has plain entries, send it in the content\n" AT
           "21: op: a parameter is a text, and must be a map\n");
}

static void a_name_is_known_once(void **state)
{
    (void)state;
    assert_complaints(TOP "paths:\n"
                          "  /a/{id}:\n"
                          "    put:\n"
                          "      operationId: op\n"
                          "      x-public: true\n"
                          "      x-if-match: required\n"
                          "      parameters:\n"
                          "        - { name: id, in: path, required: true }\n"
                          "        - { name: id, in: query }\n"
                          "        - { name: q, in: query }\n"
                          "        - { name: q, in: query }\n"
                          "        - { name: X-A, in: header }\n"
                          "        - { name: x-a, in: header }\n"
                          "      requestBody:\n"
                          "        content:\n"
                          "          application/json: { schema: { properties: {\n"
                          "            id: {},\n"
                          "            if_match: {} } } }\n",
                      AT "11: op: id is in the query and also in the path (line 10), a handler asks by the "
                         "name alone: give one of them another\n" AT
                         "13: op: q stands twice in the query, first in line 12, remove one\n" AT
                         "15: op: x-a stands twice in the header, first in line 14, remove one\n" AT
                         "19: op: id is in the content and also in the path (line 10), a handler asks by the "
                         "name alone: give one of them another\n" AT
                         "20: op: if_match is in the content and also in the header (line 8), a handler asks "
                         "by the name alone: give one of them another\n");
}

static void bad_references(void **state)
{
    (void)state;
    assert_complaints(
        OPERATION("get",
                  "      parameters: [ { $ref: \"#/components/parameters/Id\" } ]\n"
                  "components:\n"
                  "  parameters: { It: { $ref: \"other.yaml#/It\" } }\n"
                  "  schemas:\n"
                  "    A: { $ref: \"#/components/schemas/B\" }\n"
                  "    B: { $ref: \"#/components/schemas/A\" }\n"
                  "    C: { properties: { enum: { $ref: \"#/nowhere\" } }, enum: [ { $ref: \"#/data\" } ] }\n"
                  "    D: { $ref: \"#/components/schemas/%zz\" }\n"),
        AT "8: $ref: #/components/parameters/Id: there is no Id, did you mean It?\n" AT
           "10: $ref: other.yaml#/It: only references within this file are followed, write #/components/... "
           "and put it there\n" AT "12: $ref: #/components/schemas/B: leads back to itself, or through more "
           "than 32 others, let one of them be what is meant\n" AT
           "13: $ref: #/components/schemas/A: leads back to itself, or through more than 32 others, let one "
           "of them be what is meant\n" AT "14: $ref: #/nowhere: there is no nowhere\n" AT
           "15: $ref: #/components/schemas/%zz: there is no %zz\n");
}

static void a_schema_is_not_made_of_itself(void **state)
{
    (void)state;
    assert_complaints(OPERATION("post", "      requestBody: { content: { application/json: { schema: { $ref: "
                                        "\"#/components/schemas/A\" } } } }\n"
                                        "components: { schemas: { A: { properties: { a: {} },\n"
                                        "  allOf: [ { $ref: \"#/components/schemas/A\" } ] } } }\n"),
                      AT "9: op: allOf leads back into itself, let a schema not be made of itself\n");
}

/* Twice the next one, and that twice the one after it: a few lines that would be read for years. */
static void a_schema_has_not_too_many_parts(void **state)
{
    struct buf text = BUF_INIT;

    (void)state;
    buf_add_text(&text,
                 OPERATION("post", "      requestBody: { content: { application/json: { schema: { $ref: "
                                   "\"#/components/schemas/S0\" } } } }\n"
                                   "components:\n"
                                   "  schemas:\n"));
    for (int i = 0; i < 14; i++)
        buf_add_format(&text,
                       "    S%d: { allOf: [ { $ref: \"#/components/schemas/S%d\" }, { $ref: "
                       "\"#/components/schemas/S%d\" } ] }\n",
                       i, i + 1, i + 1);
    buf_add_text(&text, "    S14: { properties: { a: {} } }\n");
    assert_complaints(buf_text(&text), AT "8: op: allOf and $ref make this schema of more than 10000 parts, "
                                          "name each part once\n");
    buf_finish(&text);
}

static void bad_extensions(void **state)
{
    (void)state;
    assert_complaints(
        OPERATION("get", "      x-tenant: all\n"
                         "      x-idempotent: true\n"
                         "      x-rate-limit: often\n"
                         "      x-timeout: 30\n"
                         "      x-if-match: optional\n"
                         "      x-list: [ title ]\n"
                         "      x-body: chunks\n"
                         "      x-body-max: lots\n"
                         "      x-permision: a.b\n"
                         "      x-faker: name\n"
                         "      x-said: detail\n"),
        AT "8: op: x-tenant can only be none, write that, or leave the line out\n" AT
           "9: op: x-idempotent: GET can be repeated anyway, remove it\n" AT
           "10: op: x-rate-limit is not a rate like 100/1m, nor off\n" AT
           "11: op: x-timeout is a duration without a unit: write 10s, 5m, 250ms\n" AT
           "12: op: x-if-match can only be required, write that, or leave the line out\n" AT
           "13: op: x-list is a list, and must be a map, write { sort: [created_at], filter: [author] }, or "
           "{} for neither\n" AT "14: op: x-body can only be stream, write that, or leave the line out\n" AT
           "14: op: x-body stands at an operation without a requestBody, remove it, or say which media types "
           "are taken\n" AT "15: op: x-body-max is not a size like 1000, 64 KiB or 1 MiB\n" AT
           "15: op: x-body-max stands at an operation without a requestBody, remove it, or say which media "
           "types are taken\n" AT "16: op: x-permision is not known, did you mean x-permission?\n" AT
           "18: op: x-said is a text, and must be a list, write x-said: [detail]\n");
    assert_complaints(
        OPERATION("post", "      x-list: { sorts: [a], filter: [1] }\n"
                          "      x-timeout: 0\n"
                          "      x-rate-limit: off\n"
                          "      x-idempotent: maybe\n"),
        AT "8: op: sorts is not known here, did you mean sort?\n" AT
           "8: op: x-list: a list is read with GET, not with POST, use get\n" AT
           "8: op: filter is a list of columns' names\n" AT
           "9: op: x-timeout is no time at all: write 30s, or leave the line out\n" AT
           "10: op: x-rate-limit is off, which is the administrator's to say: leave the line out\n" AT
           "11: op: x-idempotent is true, false or required, not maybe\n");
}

static void bad_bodies(void **state)
{
    (void)state;
    assert_complaints(OPERATION("get", "      requestBody: { content: { text/plain: {} } }\n"),
                      AT "8: op: GET has no content by RFC 9110, use the query, or post\n");
    assert_complaints(
        OPERATION("post", "      requestBody: { required: true }\n"),
        AT "8: op: requestBody says no media type, write content: { application/json: { schema: ... } }\n");
    assert_complaints(
        OPERATION("post", "      requestBody:\n"
                          "        content:\n"
                          "          JSON: {}\n"
                          "          multipart/form-data: {}\n"
                          "          application/json:\n"
                          "            schema:\n"
                          "              type: array\n"
                          "              required: [titel, 1]\n"
                          "              properties:\n"
                          "                title: { type: string }\n"
                          "          application/x-www-form-urlencoded:\n"
                          "            schema:\n"
                          "              properties:\n"
                          "                title: { type: integer }\n"
                          "                more: { type: object }\n"),
        AT "10: op: JSON is no media type, write it small and without parameters, as application/json\n" AT
           "11: op: a form of multipart/form-data has no fields, give its schema properties, or "
           "additionalProperties: true\n" AT
           "13: op: a schema with properties is of the type object, write type: object\n" AT
           "15: op: titel is required, but not among the properties, did you mean title?\n" AT
           "15: op: required is a list of names\n" AT
           "21: op: title is a whole number in one media type and a text in another (line 17), give both the "
           "same type\n" AT
           "22: op: more: a form's fields are plain, or lists of what is plain, send it as JSON\n");
}

static void the_same_fault_is_told_once(void **state)
{
    (void)state;
    assert_complaints(TOP "paths:\n"
                          "  /a:\n"
                          "    post: { operationId: a, x-public: true, requestBody: { $ref: "
                          "\"#/components/requestBodies/B\" } }\n"
                          "    put: { operationId: b, x-public: true, requestBody: { $ref: "
                          "\"#/components/requestBodies/B\" } }\n"
                          "components: { requestBodies: { B: { content: { application/json: { schema: { "
                          "type: objet } } } } } }\n",
                      AT "7: a: there is no type objet, did you mean object?\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_itself),
        cmocka_unit_test(what_an_operation_says_of_itself),
        cmocka_unit_test(parameters_of_the_path_item_give_way),
        cmocka_unit_test(members_come_from_all_parts_of_a_schema),
        cmocka_unit_test(media_types_share_their_members),
        cmocka_unit_test(extensions_bring_fields),
        cmocka_unit_test(a_filter_may_be_declared_more_closely),
        cmocka_unit_test(a_name_is_found_or_the_nearest_one),
        cmocka_unit_test(references_are_followed),
        cmocka_unit_test(another_base),
        cmocka_unit_test(a_path_below_the_root),
        cmocka_unit_test(a_streamed_body),
        cmocka_unit_test(the_examples_of_the_documentation),
        cmocka_unit_test(not_a_contract),
        cmocka_unit_test(what_yaml_refuses_is_told_with_the_rest),
        cmocka_unit_test(servers),
        cmocka_unit_test(every_operation_says_who_may),
        cmocka_unit_test(a_permission_is_a_name_and_a_word),
        cmocka_unit_test(permissions_are_declared),
        cmocka_unit_test(operation_ids),
        cmocka_unit_test(paths),
        cmocka_unit_test(parameters_and_path_agree),
        cmocka_unit_test(bad_parameters),
        cmocka_unit_test(a_name_is_known_once),
        cmocka_unit_test(bad_references),
        cmocka_unit_test(a_schema_is_not_made_of_itself),
        cmocka_unit_test(a_schema_has_not_too_many_parts),
        cmocka_unit_test(bad_extensions),
        cmocka_unit_test(bad_bodies),
        cmocka_unit_test(the_same_fault_is_told_once),
    };
    return cmocka_run_group_tests_name("api_document", tests, NULL, NULL);
}
