/* What a refusal of Kimai's is about, told by places and never by its words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "refusal.h"

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);

    if (!json)
        fail_msg("%s: %s", text, error.text);
    return json;
}

static const char *text_of(json_t *body)
{
    static char text[400];

    refusal_text(body, text, sizeof(text));
    return text;
}

static void a_member_is_named(void **state)
{
    json_t *body =
        parse("{\"code\":400,\"message\":\"Validation Failed\",\"errors\":{\"children\":{\"begin\":{},"
              "\"project\":{\"errors\":[\"Das Budget ist aufgebraucht.\"]},\"activity\":{}}}}");

    (void)state;
    assert_true(refusal_is_form(body));
    assert_true(refusal_names(body, "project"));
    assert_false(refusal_names(body, "activity"));
    assert_false(refusal_names(body, "user"));
    assert_false(refusal_is_whole(body));
    assert_true(refusal_knows(body, "begin"));
    assert_false(refusal_knows(body, "user"));
    assert_string_equal(text_of(body), "project: Das Budget ist aufgebraucht.");
    json_decref(body);
}

static void the_whole_is_meant(void **state)
{
    json_t *body =
        parse("{\"code\":400,\"errors\":{\"errors\":[\"Not started.\",\"Not started.\",\"Other.\"],"
              "\"children\":{\"project\":{}}}}");

    (void)state;
    assert_true(refusal_is_whole(body));
    assert_false(refusal_names(body, "project"));
    assert_string_equal(text_of(body), "Not started.; Other.");
    json_decref(body);
}

/* As /duplicate answers: the code a text, the place no member of the form. */
static void a_place_that_is_no_member_means_the_whole(void **state)
{
    json_t *body =
        parse("{\"code\":\"400\",\"errors\":{\"children\":{\"begin_date\":{\"errors\":[\"Overlaps.\"]}}}}");

    (void)state;
    assert_true(refusal_is_whole(body));
    assert_string_equal(text_of(body), "begin_date: Overlaps.");
    json_decref(body);
}

static void what_is_no_form_says_nothing(void **state)
{
    static const char *const bodies[] = {
        "{\"code\":400,\"message\":\"Bad Request\"}", "[]", "{\"errors\":[]}",
        "{\"errors\":{\"children\":{\"project\":{\"errors\":\"no list\"}}}}",
        "{\"errors\":{\"children\":[],\"errors\":[1,null]}}"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        json_t *body = parse(bodies[i]);
        assert_false(refusal_names(body, "project"));
        assert_string_equal(text_of(body), "");
        json_decref(body);
    }
    assert_false(refusal_is_form(NULL));
    assert_false(refusal_is_whole(NULL));
}

static void long_texts_end_between_characters(void **state)
{
    json_t *body = parse("{\"errors\":{\"errors\":[\"a\",\"ü€ü€ü€ü€\"]}}");
    char text[16];

    (void)state;
    for (size_t size = 1; size <= sizeof(text); size++) {
        refusal_text(body, text, size);
        json_t *valid = json_string(text);
        if (!valid)
            fail_msg("%zu: cut inside of a character", size);
        assert_true(strlen(text) < size);
        json_decref(valid);
    }
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_is_named),
        cmocka_unit_test(the_whole_is_meant),
        cmocka_unit_test(a_place_that_is_no_member_means_the_whole),
        cmocka_unit_test(what_is_no_form_says_nothing),
        cmocka_unit_test(long_texts_end_between_characters),
    };

    return cmocka_run_group_tests_name("refusal", tests, NULL, NULL);
}
