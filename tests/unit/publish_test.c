/* Several contracts as one document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/publish.h"
#include "util/json.h"

static const char notes[] =
    "openapi: 3.1.0\n"
    "info: { title: N, version: \"1\" }\n"
    "x-permissions: { notes.read: { summary: Read notes } }\n"
    "paths:\n"
    "  /notes:\n"
    "    get:\n"
    "      operationId: list\n"
    "      x-permission: notes.read\n"
    "      x-list: { sort: [title], filter: [author] }\n"
    "      parameters: [ { $ref: \"#/components/parameters/q\" } ]\n"
    "      responses: { \"200\": { description: D, content: { application/json: { schema: { type: array, "
    "items: { "
    "$ref: \"#/components/schemas/Note\" } } } } } }\n"
    "  /notes/{id}:\n"
    "    parameters: [ { name: id, in: path, required: true, schema: { type: string, format: uuid } } ]\n"
    "    patch:\n"
    "      operationId: change\n"
    "      description: What is given.\n"
    "      x-permission: notes.write\n"
    "      x-rate-limit: 10/1m\n"
    "      x-body-max: 1 KiB\n"
    "      x-if-match: required\n"
    "      x-idempotent: true\n"
    "      requestBody: { content: { application/json: { schema: { $ref: "
    "\"#/components/schemas/Note\" } } } }\n"
    "      responses: { \"200\": { description: D, content: { application/json: { schema: { $ref: "
    "\"#/components/schemas/Note\" }, example: { title: \"the author's\", type: integer } } } } }\n"
    "components:\n"
    "  parameters: { q: { name: q, in: query, schema: { type: string } } }\n"
    "  schemas:\n"
    "    Note:\n"
    "      type: object\n"
    "      required: [version]\n"
    "      properties:\n"
    "        title: { type: string, maxLength: 100 }\n"
    "        colour: { type: string, enum: [red, green] }\n"
    "        version: { type: integer, readOnly: true }\n"
    "        next: { $ref: \"#/components/schemas/Note\" }\n";

static const char other[] =
    "openapi: 3.1.0\n"
    "info: { title: O, version: \"1\" }\n"
    "servers: [ { url: /api/v2 } ]\n"
    "tags: [ { name: mine, description: What is mine } ]\n"
    "paths:\n"
    "  /token:\n"
    "    servers: [ { url: / } ]\n"
    "    get: { operationId: token, x-public: true, tags: [mine] }\n"
    "  /others:\n"
    "    servers: [ { url: /api/v2 }, { url: / } ]\n"
    "    get:\n"
    "      operationId: list\n"
    "      x-public: true\n"
    "      tags: [mine]\n"
    "      responses:\n"
    "        \"404\": { $ref: \"#/components/responses/Nobody\" }\n"
    "        \"429\": { description: D, content: { text/plain: { schema: { type: string } } } }\n"
    "    post:\n"
    "      operationId: makeOther\n"
    "      x-public: true\n"
    "      tags: [mine]\n"
    "      requestBody: { content: { application/json: { schema: { type: object, required: [code], "
    "properties: { "
    "code: { type: string, pattern: \"^[0-9]{3}$\" } } } } } }\n"
    "components: { schemas: { Note: { type: string } }, responses: { Nobody: { description: Nobody has it } "
    "} }\n";

struct fixture {
    struct api_source sources[2];
    json_t *document;
};

static const struct api_document *read_contract(const char *text)
{
    struct config_problems problems;
    struct api_document *d;

    config_problems_init(&problems);
    if (api_document_create(str_from(text), "x/api.yaml", &problems, &d) != 0) {
        struct buf why = BUF_INIT;
        config_problems_format(&why, &problems);
        fail_msg("%s", buf_text(&why));
    }
    config_problems_finish(&problems);
    return d;
}

static struct fixture fixture;

static int setup(void **state)
{
    (void)state;
    fixture.sources[0] = (struct api_source){ "notes", "Shared notes", read_contract(notes) };
    fixture.sources[1] = (struct api_source){ "other", "", read_contract(other) };
    return api_publish(&fixture.document, fixture.sources, 2);
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++)
        api_document_destroy((struct api_document *)(uintptr_t)fixture.sources[i].document);
    json_decref(fixture.document);
    return 0;
}

static const json_t *at(const char *pointer)
{
    return json_pointer(fixture.document, str_from(pointer));
}

static void assert_text(const char *pointer, const char *text)
{
    const char *found = json_string_value(at(pointer));

    if (!found || strcmp(found, text) != 0)
        fail_msg("%s: %s, not %s", pointer, found ? found : "nothing", text);
}

#define LIST   "/paths/~1api~1v1~1notes/get"
#define CHANGE "/paths/~1api~1v1~1notes~1{id}/patch"
#define OTHER  "/paths/~1api~1v2~1others/get"

static void paths_have_their_base(void **state)
{
    (void)state;
    assert_int_equal(json_object_size(at("/paths")), 5);
    assert_non_null(at(LIST));
    assert_non_null(at(OTHER));
    assert_non_null(at("/paths/~1token/get"));
    assert_null(at("/paths/~1token/servers"));
    assert_text("/paths/~1others/get/operationId", "other_list_root");
    assert_true(json_is_true(at("/paths/~1others/get/deprecated")));
    assert_false(json_is_true(at(OTHER "/deprecated")));
}

static void names_are_each_their_owners(void **state)
{
    (void)state;
    assert_text("/components/schemas/notes.Note/type", "object");
    assert_text("/components/schemas/other.Note/type", "string");
    assert_text("/components/schemas/notes.Note/properties/next/$ref", "#/components/schemas/notes.Note");
    assert_text(LIST "/responses/200/content/application~1json/schema/items/$ref",
                "#/components/schemas/notes.Note");
    assert_text(LIST "/parameters/0/$ref", "#/components/parameters/notes.q");
    assert_text(LIST "/operationId", "list");
    assert_text(OTHER "/operationId", "other_list");
    assert_text(LIST "/tags/0", "notes");
    assert_text(OTHER "/tags/0", "mine");
}

static void what_the_server_adds_is_told(void **state)
{
    (void)state;
    assert_int_equal(json_array_size(at(LIST "/parameters")), 5);
    assert_text(LIST "/parameters/1/name", "limit");
    assert_text(LIST "/parameters/4/name", "author");
    assert_text(CHANGE "/parameters/0/name", "If-Match");
    assert_true(json_is_true(at(CHANGE "/parameters/0/required")));
    assert_text(CHANGE "/parameters/1/name", "Idempotency-Key");
}

static void what_may_go_wrong_is_told(void **state)
{
    (void)state;
    assert_text(CHANGE "/responses/404/$ref", "#/components/responses/not-found");
    assert_text(CHANGE "/responses/409/$ref", "#/components/responses/conflict");
    assert_text(CHANGE "/responses/412/$ref", "#/components/responses/precondition-failed");
    assert_text(CHANGE "/responses/413/$ref", "#/components/responses/content-too-large");
    assert_text(CHANGE "/responses/415/$ref", "#/components/responses/unsupported-media-type");
    assert_text(CHANGE "/responses/428/$ref", "#/components/responses/precondition-required");
    assert_text(LIST "/responses/401/$ref", "#/components/responses/unauthorized");
    assert_null(at(LIST "/responses/404"));
    assert_null(at(LIST "/responses/409"));
    assert_null(at(LIST "/responses/412"));
    assert_null(at(OTHER "/responses/401"));
    assert_null(at(OTHER "/responses/403"));
    assert_null(at(OTHER "/responses/422"));
    assert_text("/components/responses/not-found/content/application~1problem+json/schema/$ref",
                "#/components/schemas/Problem");
    assert_text("/components/responses/not-found/content/application~1problem+json/example/type",
                "/problems/not-found");
    assert_text("/components/responses/too-many-requests/headers/Retry-After/$ref",
                "#/components/headers/Retry-After");
    assert_null(at("/components/responses/gone")); /* nobody answers so */
}

static void the_authors_answers_stay(void **state)
{
    (void)state;
    assert_text(OTHER "/responses/404/$ref", "#/components/responses/other.Nobody");
    assert_text("/components/responses/other.Nobody/description", "Nobody has it");
    assert_text("/components/responses/other.Nobody/content/application~1problem+json/schema/$ref",
                "#/components/schemas/Problem");
    assert_text("/components/responses/other.Nobody/content/application~1problem+json/example/type",
                "/problems/not-found");
    assert_non_null(at("/components/responses/other.Nobody/headers/RateLimit-Limit"));
    assert_text(OTHER "/responses/429/content/text~1plain/schema/type", "string");
    assert_null(at(OTHER "/responses/429/content/application~1problem+json"));
    assert_text(OTHER "/responses/200/description", "It is done"); /* without a word about success */
}

static void success_has_its_headers(void **state)
{
    (void)state;
    assert_text(LIST "/responses/200/headers/Link/$ref", "#/components/headers/Link");
    assert_text(CHANGE "/responses/200/headers/ETag/$ref", "#/components/headers/ETag");
    assert_null(at(LIST "/responses/200/headers/ETag"));
    assert_text(CHANGE "/responses/200/headers/RateLimit-Limit/$ref", "#/components/headers/RateLimit-Limit");
    assert_non_null(at("/components/headers/ETag/schema"));
}

static void who_may_is_told(void **state)
{
    (void)state;
    assert_int_equal(json_array_size(at(OTHER "/security")), 0);
    assert_non_null(at(LIST "/security/0/bearer"));
    assert_non_null(at(LIST "/security/1/cookie"));
    assert_null(at(LIST "/security/1/csrf"));
    assert_non_null(at(CHANGE "/security/1/cookie"));
    assert_non_null(at(CHANGE "/security/1/csrf"));
    assert_text("/components/securitySchemes/cookie/name", "__Host-dowel");
    assert_text(LIST "/description", "Needs the permission `notes.read` (Read notes).");
    assert_text(CHANGE "/description",
                "What is given.\n\nNeeds the permission `notes.write`. At most `10/1m` "
                "requests. Content of at most 1024 bytes.");
    assert_text(OTHER "/description", "Anybody may call it.");
}

static void names_are_made_where_there_are_none(void **state)
{
    (void)state;
    assert_text("/paths/~1api~1v2~1others/post/summary", "Make other");
    assert_text("/tags/0/name", "notes");
    assert_text("/tags/0/description", "Shared notes");
    assert_text("/tags/1/name", "mine");
    assert_text("/tags/1/description", "What is mine");
    assert_int_equal(json_array_size(at("/tags")), 2);
}

static void examples_are_made_where_there_are_none(void **state)
{
    (void)state;
    assert_text(CHANGE "/requestBody/content/application~1json/example/title", "A title");
    assert_text(CHANGE "/requestBody/content/application~1json/example/colour", "red");
    assert_text(CHANGE "/responses/200/content/application~1json/example/title", "the author's");
    assert_int_equal(json_array_size(at(LIST "/responses/200/content/application~1json/example")), 1);
    assert_text("/paths/~1api~1v1~1notes~1{id}/parameters/0/example", "019c1322-8f40-7a3b-9d54-6f1b2c3d4e5f");
    assert_null(at(LIST "/parameters/1/example")); /* it need not be given, so it is not filled in */
    assert_null(at("/paths/~1api~1v2~1others/post/requestBody/content/application~1json/example"));
    /* One form for both ways. */
    assert_null(at(CHANGE "/requestBody/content/application~1json/example/version"));
    assert_non_null(at(LIST "/responses/200/content/application~1json/example/0/version"));
}

static void types_say_what_they_imply(void **state)
{
    (void)state;
    assert_text("/components/schemas/notes.Note/properties/version/format", "int64");
    assert_int_equal(json_integer_value(at("/paths/~1api~1v1~1notes~1{id}/parameters/0/schema/maxLength")),
                     36);
    assert_null(at(CHANGE "/responses/200/content/application~1json/example/format")); /* no schema */
}

/* Swagger UI asks for a password where there is an operation that takes one. */
static void passwords_are_for_servers_that_take_them(void **state)
{
    static const char text[] = "openapi: 3.1.0\n"
                               "info: { title: A, version: \"1\" }\n"
                               "paths:\n"
                               "  /auth/token: { post: { operationId: getToken, x-public: true } }\n"
                               "  /auth/me: { get: { operationId: getMe, x-permission: signed_in } }\n";
    struct api_source source = { "auth", "", read_contract(text) };
    json_t *document;
    (void)state;

    assert_null(at("/components/securitySchemes/password"));
    assert_int_equal(api_publish(&document, &source, 1), 0);
    const json_t *url =
        json_pointer(document, STR_OF("/components/securitySchemes/password/flows/password/tokenUrl"));
    assert_string_equal(json_string_value(url), "/api/v1/auth/token");
    assert_non_null(json_pointer(document, STR_OF("/paths/~1api~1v1~1auth~1me/get/security/2/password")));
    assert_string_equal(
        json_string_value(json_pointer(document, STR_OF("/paths/~1api~1v1~1auth~1me/get/description"))),
        "Needs somebody who is signed in.");
    assert_int_equal(
        json_array_size(json_pointer(document, STR_OF("/paths/~1api~1v1~1auth~1token/post/security"))), 0);
    json_decref(document);
    api_document_destroy((struct api_document *)(uintptr_t)source.document);
}

/* Each reference leads somewhere. */
static void assert_whole(const json_t *value)
{
    json_t *v = (json_t *)(uintptr_t)value, *member;
    const char *name, *text = json_string_value(json_object_get(value, "$ref"));
    size_t i;

    if (text && (*text != '#' || !at(text + 1)))
        fail_msg("%s leads nowhere", text);
    json_array_foreach(v, i, member)
    {
        assert_whole(member);
    }
    if (json_is_object(value)) {
        json_object_foreach(v, name, member)
        {
            assert_whole(member);
        }
    }
}

static void references_lead_somewhere(void **state)
{
    (void)state;
    assert_whole(fixture.document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_have_their_base),
        cmocka_unit_test(names_are_each_their_owners),
        cmocka_unit_test(what_the_server_adds_is_told),
        cmocka_unit_test(what_may_go_wrong_is_told),
        cmocka_unit_test(the_authors_answers_stay),
        cmocka_unit_test(success_has_its_headers),
        cmocka_unit_test(who_may_is_told),
        cmocka_unit_test(names_are_made_where_there_are_none),
        cmocka_unit_test(examples_are_made_where_there_are_none),
        cmocka_unit_test(types_say_what_they_imply),
        cmocka_unit_test(passwords_are_for_servers_that_take_them),
        cmocka_unit_test(references_lead_somewhere),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
