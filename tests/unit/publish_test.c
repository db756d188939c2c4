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
    "paths:\n"
    "  /notes:\n"
    "    get:\n"
    "      operationId: list\n"
    "      x-permission: notes.read\n"
    "      x-list: { sort: [title], filter: [author] }\n"
    "      parameters: [ { $ref: \"#/components/parameters/q\" } ]\n"
    "      responses: { \"200\": { description: D, content: { application/json: { schema: { $ref: "
    "\"#/components/schemas/Note\" } } } } }\n"
    "  /notes/{id}:\n"
    "    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]\n"
    "    patch:\n"
    "      operationId: change\n"
    "      x-permission: notes.write\n"
    "      x-if-match: required\n"
    "      x-idempotent: true\n"
    "      requestBody: { content: { application/json: { schema: { $ref: "
    "\"#/components/schemas/Note\" } } } }\n"
    "components:\n"
    "  parameters: { q: { name: q, in: query, schema: { type: string } } }\n"
    "  schemas:\n"
    "    Note: { type: object, properties: { next: { $ref: \"#/components/schemas/Note\" } } }\n";

static const char other[] = "openapi: 3.1.0\n"
                            "info: { title: O, version: \"1\" }\n"
                            "servers: [ { url: /api/v2 } ]\n"
                            "paths:\n"
                            "  /others:\n"
                            "    servers: [ { url: /api/v2 }, { url: / } ]\n"
                            "    get: { operationId: list, x-public: true, tags: [mine] }\n"
                            "  /token:\n"
                            "    servers: [ { url: / } ]\n"
                            "    get: { operationId: token, x-public: true }\n"
                            "components: { schemas: { Note: { type: string } } }\n";

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
    assert_text(LIST "/responses/200/content/application~1json/schema/$ref",
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
    assert_text(CHANGE "/responses/404/$ref", "#/components/responses/Problem");
    assert_text(CHANGE "/responses/412/$ref", "#/components/responses/Problem");
    assert_text(CHANGE "/responses/415/$ref", "#/components/responses/Problem");
    assert_null(at(LIST "/responses/404"));
    assert_null(at(OTHER "/responses/401"));
    assert_text("/components/responses/Problem/content/application~1problem+json/schema/$ref",
                "#/components/schemas/Problem");
    assert_int_equal(json_array_size(at(OTHER "/security")), 0);
    assert_non_null(at(LIST "/security/0/bearer"));
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
        cmocka_unit_test(paths_have_their_base),        cmocka_unit_test(names_are_each_their_owners),
        cmocka_unit_test(what_the_server_adds_is_told), cmocka_unit_test(what_may_go_wrong_is_told),
        cmocka_unit_test(references_lead_somewhere),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
