/* Values as schemas describe them: each is valid by the schema that it was made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/example.h"
#include "schema/schema.h"

/* The example of a schema, as text; "" for none. It is valid by it. */
static const char *example_of(const char *schema_text, const char *name, bool for_request)
{
    static char text[2000];
    const struct schemas_options options = { .asserts_formats = true };
    struct buf why = BUF_INIT;
    struct schemas *all;
    json_t *schema = json_loads(schema_text, JSON_DECODE_ANY, NULL);

    assert_non_null(schema);
    json_t *example = example_make(schema, schema, name, for_request);
    char *printed = example ? json_dumps(example, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(text, sizeof(text), "%s", printed ? printed : "");
    free(printed);
    if (example) {
        assert_int_equal(schemas_create(&all, &options), 0);
        assert_int_equal(schemas_add(all, "", schema, SCHEMA_ITSELF, &why), 0);
        const struct schema *rules = schemas_compile(all, "", "", &why);
        if (!rules || schema_check(rules, example, NULL) != 0)
            fail_msg("%s is not valid by %s", text, schema_text);
        schemas_destroy(all);
    }
    json_decref(example);
    json_decref(schema);
    buf_finish(&why);
    return text;
}

static void what_the_author_wrote_comes_first(void **state)
{
    (void)state;
    assert_string_equal(example_of("{\"type\":\"string\",\"example\":\"a\",\"default\":\"b\"}", "x", false),
                        "\"a\"");
    assert_string_equal(example_of("{\"type\":\"string\",\"examples\":[\"a\",\"b\"]}", "x", false), "\"a\"");
    assert_string_equal(example_of("{\"default\":7}", "x", false), "7");
    assert_string_equal(example_of("{\"const\":\"k\"}", "x", false), "\"k\"");
    assert_string_equal(example_of("{\"enum\":[\"e\",\"f\"]}", "x", false), "\"e\"");
}

static void each_format_has_one(void **state)
{
    static const char *const formats[] = {
        "date-time",    "date",          "time",          "duration",     "email", "idn-email",    "hostname",
        "idn-hostname", "ipv4",          "ipv6",          "uri",          "iri",   "uri-template", "uuid",
        "regex",        "uri-reference", "iri-reference", "json-pointer", "byte",
    };
    char schema[100];
    (void)state;

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        snprintf(schema, sizeof(schema), "{\"type\":\"string\",\"format\":\"%s\"}", formats[i]);
        if (strlen(example_of(schema, "x", false)) < 4 ||
            strcmp(example_of(schema, "x", false), "\"x\"") == 0)
            fail_msg("%s has none", formats[i]);
    }
}

static void limits_are_kept(void **state)
{
    (void)state;
    assert_string_equal(example_of("{\"type\":\"string\",\"maxLength\":3}", "colour", false), "\"col\"");
    assert_string_equal(example_of("{\"type\":\"string\",\"minLength\":8}", "ab", false), "\"abababab\"");
    assert_string_equal(example_of("{\"type\":\"integer\"}", "x", false), "1");
    assert_string_equal(example_of("{\"type\":\"integer\",\"minimum\":10,\"multipleOf\":7}", "x", false),
                        "14");
    assert_string_equal(example_of("{\"type\":\"integer\",\"maximum\":-5}", "x", false), "-5");
    assert_string_equal(example_of("{\"type\":\"integer\",\"exclusiveMinimum\":1}", "x", false), "2");
    assert_string_equal(example_of("{\"type\":\"number\",\"exclusiveMaximum\":1}", "x", false), "0.5");
    assert_string_equal(
        example_of("{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},\"minItems\":2}", "x", false),
        "[true,true]");
}

static void null_is_the_last_choice(void **state)
{
    (void)state;
    assert_string_equal(example_of("{\"type\":[\"null\",\"integer\"]}", "x", false), "1");
    assert_string_equal(example_of("{\"type\":\"null\"}", "x", false), "null");
    assert_string_equal(example_of("{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"null\"}]}", "x", false),
                        "true");
}

static void parts_are_put_together(void **state)
{
    (void)state;
    assert_string_equal(
        example_of("{\"allOf\":[{\"properties\":{\"a\":{\"const\":1}}},{\"properties\":{\"b\":{"
                   "\"const\":2}}}],\"properties\":{\"c\":{\"const\":3}}}",
                   "x", false),
        "{\"a\":1,\"b\":2,\"c\":3}");
    assert_string_equal(
        example_of("{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}", "x", false),
        "{\"name\":1}");
}

static void each_way_has_its_members(void **state)
{
    static const char schema[] =
        "{\"type\":\"object\",\"properties\":{\"id\":{\"const\":1,\"readOnly\":true},"
        "\"secret\":{\"const\":2,\"writeOnly\":true},\"name\":{\"const\":3}}}";
    (void)state;

    assert_string_equal(example_of(schema, "x", false), "{\"id\":1,\"name\":3}");
    assert_string_equal(example_of(schema, "x", true), "{\"secret\":2,\"name\":3}");
}

static void nothing_is_made_of_itself(void **state)
{
    (void)state;
    assert_string_equal(
        example_of("{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1},\"next\":{\"$ref\":\"#\"}}}",
                   "x", false),
        "{\"a\":1}");
    assert_string_equal(
        example_of(
            "{\"type\":\"object\",\"properties\":{\"all\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}}}",
            "x", false),
        "{\"all\":[]}");
}

static void a_loop_of_references_has_none(void **state)
{
    json_t *schema =
        json_loads("{\"$ref\":\"#/a\",\"a\":{\"$ref\":\"#/b\"},\"b\":{\"$ref\":\"#/a\"}}", 0, NULL);
    (void)state;

    assert_null(example_make(schema, schema, "x", false));
    json_decref(schema);
}

static void a_reference_to_nowhere_has_none(void **state)
{
    static const char *const references[] = { "", "#x", "#/no/such", "other.yaml", "#/" };
    (void)state;

    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
        json_t *schema = json_pack("{s:s}", "$ref", references[i]);
        assert_null(example_make(schema, schema, "x", false));
        json_decref(schema);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_author_wrote_comes_first),
        cmocka_unit_test(each_format_has_one),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(null_is_the_last_choice),
        cmocka_unit_test(parts_are_put_together),
        cmocka_unit_test(each_way_has_its_members),
        cmocka_unit_test(nothing_is_made_of_itself),
        cmocka_unit_test(a_loop_of_references_has_none),
        cmocka_unit_test(a_reference_to_nowhere_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
