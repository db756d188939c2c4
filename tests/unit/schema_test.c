/* What a schema says of a value, where, and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/schema.h"

struct fixture {
    struct schemas *all;
    struct arena arena;
    struct buf why, text;
    enum schema_way way;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (!f || schemas_create(&f->all, &(struct schemas_options){ .asserts_formats = true }) != 0)
        return -1;
    arena_init(&f->arena, NULL, 0, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    schemas_destroy(f->all);
    arena_finish(&f->arena);
    buf_finish(&f->why);
    buf_finish(&f->text);
    free(f);
    return 0;
}

/* With ' for ". */
static json_t *json_of(const char *text)
{
    char *copy = strdup(text);
    json_error_t error;

    for (char *p = copy; p && *p; p++)
        *p = *p == '\'' ? '"' : *p;
    json_t *json = json_loads(copy, JSON_DECODE_ANY, &error);
    if (!json)
        fail_msg("%s: %s", text, error.text);
    free(copy);
    return json;
}

static const struct schema *compile_in(struct fixture *f, const char *document, const char *pointer,
                                       enum schema_home home)
{
    json_t *json = json_of(document);

    f->why.n = 0;
    int rc = schemas_add(f->all, "", json, home, &f->why);
    json_decref(json);
    return rc == 0 ? schemas_compile(f->all, "", pointer, &f->why) : NULL;
}

static const struct schema *compile(struct fixture *f, const char *text)
{
    const struct schema *s = compile_in(f, text, "", SCHEMA_ITSELF);

    if (!s)
        fail_msg("%s", buf_text(&f->why));
    return s;
}

/* "/a: is missing | /b: must be a text" */
static const char *faults_of(struct fixture *f, const struct schema *s, const char *value,
                             enum schema_language language)
{
    struct schema_report report = { .arena = &f->arena, .way = f->way }, silent = { .way = f->way };
    json_t *json = json_of(value);

    f->text.n = 0;
    int rc = schema_check(s, json, &report);
    assert_int_equal(rc, report.n > 0);
    assert_int_equal(rc, schema_check(s, json, &silent));
    for (size_t i = 0; i < report.n; i++) {
        buf_add_format(&f->text, "%s%s: ", i ? " | " : "", report.faults[i].place);
        schema_fault_write(&f->text, &report.faults[i], language);
    }
    json_decref(json);
    return buf_text(&f->text);
}

#define SAYS(f, s, value, text) assert_string_equal(faults_of((f), (s), (value), SCHEMA_ENGLISH), (text))
#define SAGT(f, s, value, text) assert_string_equal(faults_of((f), (s), (value), SCHEMA_GERMAN), (text))

static void tells_all_that_is_wrong_and_where(void **state)
{
    struct fixture *f = *state;
    const struct schema *s = compile(
        f, "{'type':'object','required':['title','id'],'additionalProperties':false,'properties':{"
           "'id':{'type':'integer','minimum':1},'title':{'type':'string','minLength':1,'maxLength':5},"
           "'tags':{'type':'array','maxItems':2,'uniqueItems':true,'items':{'type':'string'}},"
           "'a/b':{'properties':{'~':{'type':'boolean'}}}}}");

    SAYS(f, s, "{'title':'milk','id':1}", "");
    SAYS(f, s, "{'titel':'milk','id':0}",
         "/title: is missing, and is required | /titel: is not known here: leave it out | /id: must be at "
         "least 1");
    SAYS(f, s, "{'title':'','id':1.5}", "/title: must not be empty | /id: must be a whole number");
    SAYS(f, s, "{'title':'\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac','id':1.0}", "");
    SAYS(f, s, "{'title':'bottles','id':1,'tags':[1,'a',null]}",
         "/title: must have at most 5 characters; it has 7 | /tags: must have at most 2 entries; it has 3");
    SAYS(f, s, "{'title':'a','id':1,'tags':['a','a']}", "/tags: must not have an entry twice");
    SAYS(f, s, "{'title':'a','id':1,'tags':['a',1]}", "/tags/1: must be a text");
    SAYS(f, s, "{'title':'a','id':1,'a/b':{'~':1}}", "/a~1b/~0: must be true or false");
    SAYS(f, s, "[]", ": must be an object");
}

static void tells_it_in_german(void **state)
{
    struct fixture *f = *state;
    const struct schema *s =
        compile(f, "{'required':['title'],'properties':{'title':{'type':['string','null']},"
                   "'at':{'format':'date-time'},'state':{'enum':['open','done']},"
                   "'n':{'exclusiveMinimum':0,'multipleOf':0.25}}}");

    SAGT(f, s, "{}", "/title: fehlt, und wird gebraucht");
    SAGT(f, s, "{'title':1}", "/title: muss ein Text oder null sein");
    SAGT(f, s, "{'title':'a','at':'gestern'}",
         "/at: muss ein Zeitpunkt mit Zone sein wie 2026-11-21T08:05:00Z");
    SAGT(f, s, "{'title':'a','state':'zu'}", "/state: muss eines von diesen sein: \"open\", \"done\"");
    SAGT(f, s, "{'title':'a','n':0.3}", "/n: muss ein Vielfaches sein von 0.25");
}

static void tells_which_form_was_probably_meant(void **state)
{
    struct fixture *f = *state;
    const struct schema *s =
        compile(f, "{'properties':{'a':{'anyOf':[{'type':'integer'},{'type':'object','required':['n']}]},"
                   "'b':{'oneOf':[{'type':'string','maxLength':3},{'type':'string','minLength':2}]}}}");

    SAYS(f, s, "{'a':{}}", "/a/n: is missing, and is required");
    SAYS(f, s, "{'a':'x'}", "/a: has none of the forms that are allowed here");
    SAYS(f, s, "{'b':'abc'}", "/b: has several of the forms of which it may have one");
}

static void records_no_more_than_wanted(void **state)
{
    struct fixture *f = *state;
    const struct schema *s = compile(f, "{'items':{'type':'string'}}");
    struct schema_report report = { .arena = &f->arena, .max = 2 };
    json_t *json = json_of("[1,2,3,4]");

    assert_int_equal(schema_check(s, json, &report), 1);
    assert_int_equal(report.n, 2);
    json_decref(json);
}

/* ---- compiling ---- */

/* One form for both ways: what is readOnly comes in no request, and is not missed there; writeOnly in no reply. */
static void tells_what_goes_the_wrong_way(void **state)
{
    struct fixture *f = *state;
    const struct schema *s = compile(
        f, "{'required':['id','name','secret'],'properties':{'id':{'$ref':'#/$defs/"
           "id'},'name':{'type':'string'},"
           "'secret':{'writeOnly':true},'parts':{'items':{'allOf':[{'properties':{'n':{'readOnly':true}}}]}},"
           "'one':{'oneOf':[{'properties':{'n':{'readOnly':true}},'required':['n']},{'type':'null'}]}},"
           "'if':{'properties':{'name':{'readOnly':true}}},'else':false,"
           "'$defs':{'id':{'type':'integer','readOnly':true}}}");

    f->way = SCHEMA_IN_REQUEST;
    SAYS(f, s, "{'name':'a','secret':1}", "");
    SAYS(f, s, "{'id':1,'name':'a','secret':1}", "/id: is read-only: leave it out");
    SAGT(f, s, "{'id':'x','name':'a','secret':1}", "/id: kann nur gelesen werden: bitte weglassen");
    SAYS(f, s, "{'name':'a'}", "/secret: is missing, and is required");
    SAYS(f, s, "{'name':'a','secret':1,'parts':[{},{'n':1}]}", "/parts/1/n: is read-only: leave it out");
    SAYS(f, s, "{'name':'a','secret':1,'one':{'n':1}}", "/one/n: is read-only: leave it out");
    f->way = SCHEMA_IN_REPLY;
    SAYS(f, s, "{'id':1,'name':'a','parts':[{'n':1}]}", "");
    SAYS(f, s, "{'id':1,'name':'a','secret':1}", "/secret: is write-only, and must not be in a reply");
    SAYS(f, s, "{'name':'a'}", "/id: is missing, and is required");
    f->way = SCHEMA_ANY_WAY;
    SAYS(f, s, "{'id':1,'name':'a','secret':1}", "");
    SAYS(f, s, "{'name':'a','secret':1}", "/id: is missing, and is required");
}

static void finds_schemas_in_a_contract(void **state)
{
    struct fixture *f = *state;
    const struct schema *s = compile_in(
        f,
        "{'paths':{'/notes/{id}':{'schema':{'type':'array','items':{'$ref':'#/components/schemas/Note'}}}},"
        "'components':{'schemas':{'Note':{'properties':{'next':{'$ref':'#/components/schemas/"
        "Note'},'n':{'type':'integer'}}}}}}",
        "/paths/~1notes~1{id}/schema", SCHEMA_IN_DOCUMENT);

    assert_non_null(s);
    SAYS(f, s, "[{'next':{'next':{'n':'x'}}}]", "/0/next/next/n: must be a whole number");
}

static void says_what_is_wrong_with_a_schema(void **state)
{
    static const struct {
        const char *schema, *why;
    } cases[] = {
        { "{'type':'text'}", "there is no type text; there are null" },
        { "{'properties':{'a':{'$ref':'#/nowhere'}}}", "/properties/a: $ref: #/nowhere leads nowhere" },
        { "{'$ref':'other.json'}", "$ref: other.json leads to another document" },
        { "{'pattern':'('}", "the pattern ( is none: missing closing parenthesis" },
        { "{'pattern':'(?i)a'}", "the pattern (?i)a is none: groups that begin with (?" },
        { "{'allOf':[true,{'minLength':-1}]}", "/allOf/1: minLength is a whole number, and not less than 0" },
        { "{'properties':[]}", "properties has a schema for each name" },
        { "{'items':3}", "/items: a schema is an object, true or false" },
        { "{'required':'a'}", "required is a list of names" },
        { "{'multipleOf':0}", "multipleOf is greater than 0" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        schemas_destroy(f->all);
        assert_int_equal(schemas_create(&f->all, NULL), 0);
        if (compile_in(f, cases[i].schema, "", SCHEMA_ITSELF))
            fail_msg("%s was taken", cases[i].schema);
        if (schemas_compile(f->all, "", "", &f->why))
            fail_msg("%s was taken the second time", cases[i].schema);
        if (!strstr(buf_text(&f->why), cases[i].why))
            fail_msg("%s: %s", cases[i].schema, buf_text(&f->why));
    }
}

/* ---- what may not take long ---- */

static void ends_where_schemas_lead_into_themselves(void **state)
{
    struct fixture *f = *state;

    SAYS(f, compile(f, "{'$ref':'#'}"), "1", ": is too deep, or its schema leads back into itself");
}

static void gives_up_on_patterns_that_take_long(void **state)
{
    struct fixture *f = *state;
    const struct schema *s = compile(f, "{'pattern':'^(a+)+$'}");

    SAYS(f, s, "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'",
         ": must match the pattern ^(a+)+$");
}

static void compares_long_lists_quickly(void **state)
{
    struct fixture *f = *state;
    const struct schema *s = compile(f, "{'uniqueItems':true}");
    json_t *list = json_array();

    for (int i = 0; i < 100000; i++)
        json_array_append_new(list, json_integer(i));
    assert_int_equal(schema_check(s, list, NULL), 0);
    json_array_append_new(list, json_real(4711.0));
    assert_int_equal(schema_check(s, list, NULL), 1);
    json_decref(list);
}

/* ---- defaults ---- */

static void fills_in_defaults(void **state)
{
    struct fixture *f = *state;
    const struct schema *s =
        compile(f, "{'$ref':'#/$defs/base','properties':{'size':{'default':10},"
                   "'list':{'items':{'properties':{'on':{'default':true}}}}},"
                   "'$defs':{'base':{'properties':{'size':{'default':5},'name':{'default':'x'}}}}}");
    json_t *value = json_of("{'list':[{},{'on':false}]}"),
           *wanted = json_of("{'list':[{'on':true},{'on':false}],'size':5,'name':'x'}");

    assert_int_equal(schema_fill_defaults(s, value), 0);
    assert_true(json_equal(value, wanted));
    json_decref(value);
    json_decref(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_all_that_is_wrong_and_where, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_it_in_german, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_which_form_was_probably_meant, setup, teardown),
        cmocka_unit_test_setup_teardown(records_no_more_than_wanted, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_what_goes_the_wrong_way, setup, teardown),
        cmocka_unit_test_setup_teardown(finds_schemas_in_a_contract, setup, teardown),
        cmocka_unit_test_setup_teardown(says_what_is_wrong_with_a_schema, setup, teardown),
        cmocka_unit_test_setup_teardown(ends_where_schemas_lead_into_themselves, setup, teardown),
        cmocka_unit_test_setup_teardown(gives_up_on_patterns_that_take_long, setup, teardown),
        cmocka_unit_test_setup_teardown(compares_long_lists_quickly, setup, teardown),
        cmocka_unit_test_setup_teardown(fills_in_defaults, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
