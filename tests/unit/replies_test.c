/* What an operation answers, held against what its contract says of that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/replies.h"
#include "util/compiler.h"
#include "util/json.h"

static const char contract[] =
    "openapi: 3.1.0\n"
    "info: { title: T, version: \"1\" }\n"
    "paths:\n"
    "  /things/{id}:\n"
    "    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]\n"
    "    get:\n"
    "      operationId: get\n"
    "      x-public: true\n"
    "      responses:\n"
    "        \"200\": { $ref: \"#/components/responses/Thing\" }\n"
    "        \"204\": { description: none }\n"
    "        2XX: { description: others, content: { text/*: {}, application/json: { schema: { type: array } "
    "} } }\n"
    "        \"404\": { description: gone, content: { application/json: { schema: { type: object } } } }\n"
    "    delete:\n"
    "      operationId: remove\n"
    "      x-public: true\n"
    "    put:\n"
    "      operationId: all\n"
    "      x-public: true\n"
    "      responses: { default: { description: all, content: { \"*/*\": {} } } }\n"
    "components:\n"
    "  responses:\n"
    "    Thing: { description: it, content: { application/json: { schema: { $ref: "
    "\"#/components/schemas/Thing\" "
    "} } } }\n"
    "  schemas:\n"
    "    Thing:\n"
    "      type: object\n"
    "      required: [id]\n"
    "      additionalProperties: false\n"
    "      properties:\n"
    "        id: { type: string, format: uuid, readOnly: true }\n"
    "        secret: { type: string, writeOnly: true }\n"
    "        parts: { type: array, items: { type: integer } }\n";

static struct api_document *document;
static struct api_replies *replies;
static struct arena arena;

static struct api_document *read_contract(const char *text)
{
    struct config_problems problems;
    struct api_document *d;
    struct buf why = BUF_INIT;

    config_problems_init(&problems);
    if (api_document_create(str_from(text), "t/api.yaml", &problems, &d) != 0) {
        config_problems_format(&why, &problems);
        fail_msg("%s", buf_text(&why));
    }
    config_problems_finish(&problems);
    return d;
}

static int start(void **state)
{
    struct buf why = BUF_INIT;

    (void)state;
    json_start();
    arena_init(&arena, NULL, 0, 0);
    document = read_contract(contract);
    return api_replies_create(&replies, document, &why);
}

static int stop(void **state)
{
    (void)state;
    api_replies_destroy(replies);
    api_document_destroy(document);
    arena_finish(&arena);
    return 0;
}

/* "" when it is right; else "detail | #/pointer: what". */
static const char *judge(const char *id, int status, const char *type, const char *body)
{
    static char text[600];
    const struct api_reply reply = { status, str_from(type), str_from(body) };
    struct api_reply_faults faults;
    int rc = api_reply_check(replies, api_document_find(document, id), &reply, &arena, &faults), n;

    text[0] = 0;
    assert_true(rc == 0 || rc == 1);
    assert_int_equal(rc == 1, faults.detail != NULL);
    n = snprintf(text, sizeof(text), "%s", faults.detail ? faults.detail : "");
    for (size_t i = 0; i < faults.errors_n; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, " | %.*s: %.*s", STR_ARG(faults.errors[i].pointer),
                      STR_ARG(faults.errors[i].detail));
    return text;
}

#define RIGHT(id, status, type, body)       assert_string_equal(judge(id, status, type, body), "")
#define WRONG(id, status, type, body, text) assert_string_equal(judge(id, status, type, body), text)
#define UUID                                "\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\""

static void what_is_declared_is_right(void **state)
{
    (void)state;
    RIGHT("get", 200, "application/json", "{\"id\":" UUID ",\"parts\":[1]}");
    RIGHT("get", 200, "Application/JSON; charset=utf-8", "{\"id\":" UUID "}");
    RIGHT("get", 204, NULL, "");
    RIGHT("get", 202, "application/json", "[]");
    RIGHT("get", 202, "text/csv; charset=utf-8", "a,b");
    RIGHT("get", 404, "application/json", "{}");
    RIGHT("all", 503, "image/png", "x");
    RIGHT("all", 200, "application/json", "{}");
    RIGHT("remove", 299, "any/thing", "says nothing of its replies");
}

static void the_servers_problems_are_right(void **state)
{
    (void)state;
    RIGHT("get", 404, PROBLEM_CONTENT_TYPE, "{}");
    RIGHT("get", 500, PROBLEM_CONTENT_TYPE, "{}");
    WRONG("get", 200, PROBLEM_CONTENT_TYPE, "{}",
          "The reply is application/problem+json, which its response 200 in api.yaml does not name.");
}

static void what_is_not_declared_is_wrong(void **state)
{
    (void)state;
    WRONG("get", 301, NULL, "", "The reply has the status 301, which its responses in api.yaml do not name.");
    WRONG("get", 200, "text/plain", "x",
          "The reply is text/plain, which its response 200 in api.yaml does not name.");
    WRONG("get", 200, NULL, "", "The reply has no content, and its response 200 in api.yaml has some.");
    RIGHT("get", 204, "text/plain", "says nothing of content");
    WRONG("get", 200, "application/json", "{", "The reply is no JSON: it ends too early.");
}

static void a_schema_says_where(void **state)
{
    static const char begin[] = "The reply is not what its schema in api.yaml says; errors says where.";
    char text[400];

    (void)state;
    snprintf(text, sizeof(text), "%s | #/id: is missing, and is required | #/parts/1: must be a whole number",
             begin);
    WRONG("get", 200, "application/json", "{\"parts\":[1,\"x\"]}", text);
    snprintf(text, sizeof(text), "%s | #/secret: is write-only, and must not be in a reply", begin);
    WRONG("get", 200, "application/json", "{\"id\":" UUID ",\"secret\":\"x\"}", text);
    snprintf(text, sizeof(text), "%s | #/more: is not known here: leave it out", begin);
    WRONG("get", 200, "application/json", "{\"id\":" UUID ",\"more\":1}", text);
    snprintf(text, sizeof(text), "%s | #: must be a list", begin);
    WRONG("get", 201, "application/json", "{}", text);
}

static void a_schema_that_is_none_is_told(void **state)
{
    struct buf why = BUF_INIT;
    struct api_replies *none;
    struct api_document *d = read_contract(
        "openapi: 3.1.0\ninfo: { title: T, version: \"1\" }\npaths:\n  /a:\n    get:\n"
        "      operationId: a\n      x-public: true\n"
        "      responses: { \"200\": { description: a, content: { application/json: { schema: { "
        "pattern: \"(\" } } } } }\n");

    (void)state;
    assert_int_equal(api_replies_create(&none, d, &why), -1);
    assert_null(none);
    assert_string_equal(buf_text(&why),
                        "api.yaml: a: responses: 200: application/json: the pattern ( is none: missing "
                        "closing parenthesis, at character 2");
    buf_finish(&why);
    api_document_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_declared_is_right),     cmocka_unit_test(the_servers_problems_are_right),
        cmocka_unit_test(what_is_not_declared_is_wrong), cmocka_unit_test(a_schema_says_where),
        cmocka_unit_test(a_schema_that_is_none_is_told),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
