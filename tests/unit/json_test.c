/* Strict JSON: what is refused and where, and JSONTestSuite ($DOWEL_VECTORS/JSONTestSuite). */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/json.h"
#include "vectors.h"

static void assert_refused(struct str text, const char *why, unsigned line, unsigned column)
{
    struct json_fault fault;
    json_t *value = (json_t *)&fault;

    assert_int_equal(json_strict_parse(text, 0, &value, &fault), -1);
    assert_null(value);
    assert_string_equal(fault.text, why);
    assert_int_equal(fault.line, line);
    assert_int_equal(fault.column, column);
    assert_false(fault.is_ours);
}

static json_t *read_text(struct str text)
{
    struct json_fault fault;
    json_t *value;

    if (json_strict_parse(text, 0, &value, &fault) != 0)
        fail_msg("%.*s: %s", STR_ARG(text), fault.text);
    return value;
}

static void any_value_may_stand_at_the_top(void **state)
{
    (void)state;
    json_t *value = read_text(STR_OF(" {\"a\": [1, 2.5, \"\xc3\xa4\", true, null]}\n"));
    assert_int_equal(json_array_size(json_object_get(value, "a")), 5);
    json_decref(value);
    value = read_text(STR_OF("17"));
    assert_int_equal(json_integer_value(value), 17);
    json_decref(value);
    value = read_text(STR_OF("\"x\""));
    assert_string_equal(json_string_value(value), "x");
    json_decref(value);
}

static void what_two_readers_could_read_differently_is_refused(void **state)
{
    (void)state;
    assert_refused(STR_OF("{\"a\":1,\n \"a\":2}"), "a name stands twice in an object", 2, 4);
    assert_refused(STR_OF("{\"a\":1,\"\\u0061\":2}"), "a name stands twice in an object", 1, 15);
    assert_refused(STR_OF("\xef\xbb\xbf{}"), "this is not JSON", 1, 1);
    assert_refused(STR_OF("[1] [2]"), "something follows its end", 1, 5);
    assert_refused(STR_OF("\"\xff\""), "it is not valid UTF-8", 1, 1);
    assert_refused(STR_OF("\"\\ud800\""), "this is not JSON", 1, 8);
    assert_refused(STR_OF(""), "it ends too early", 1, 0);
    assert_refused(str_make(NULL, 0), "it ends too early", 1, 0);
}

static void nul_is_refused_wherever_it_hides(void **state)
{
    (void)state;
    assert_refused(STR_OF("\"a\\u0000b\""), "a text has a NUL character, \\u0000", 1, 10);
    assert_refused(STR_OF("{\"a\\u0000\":1}"), "a name has a NUL character, \\u0000", 1, 10);
    assert_refused(str_make("17\0", 3), "it has a NUL byte", 0, 0);
    assert_refused(str_make("\"a\0b\"", 5), "it has a NUL byte", 0, 0);
}

static void numbers_that_do_not_fit_are_refused(void **state)
{
    static const char large[] = "a number is too large: whole ones have 64 bits, others are doubles";

    (void)state;
    json_t *value = read_text(STR_OF("[9223372036854775807, -9223372036854775808]"));
    assert_true(json_integer_value(json_array_get(value, 0)) == INT64_MAX);
    assert_true(json_integer_value(json_array_get(value, 1)) == INT64_MIN);
    json_decref(value);
    assert_refused(STR_OF("9223372036854775808"), large, 1, 19);
    assert_refused(STR_OF("1e999"), large, 1, 5);
}

/* `open` 64 times and more, a line break before the last. */
static struct str nested(char *out, size_t depth, char open)
{
    size_t n = 0;

    for (size_t i = 0; i < depth; i++) {
        if (i + 1 == depth)
            out[n++] = '\n';
        if (open == '{')
            n += (size_t)sprintf(out + n, "{\"[{\\\"{\":");
        else
            out[n++] = '[';
    }
    out[n++] = '1';
    for (size_t i = 0; i < depth; i++)
        out[n++] = open == '{' ? '}' : ']';
    return str_make(out, n);
}

static void depth_is_limited(void **state)
{
    char text[2048];

    (void)state;
    json_decref(read_text(nested(text, JSON_STRICT_DEPTH_MAX, '[')));
    json_decref(read_text(nested(text, JSON_STRICT_DEPTH_MAX, '{')));
    assert_refused(nested(text, JSON_STRICT_DEPTH_MAX + 1, '['), "it is nested more than 64 deep", 2, 1);
    assert_refused(nested(text, JSON_STRICT_DEPTH_MAX + 1, '{'), "it is nested more than 64 deep", 2, 1);
}

static void lists_beside_each_other_are_not_deep(void **state)
{
    char text[1024];
    size_t n = 0;

    (void)state;
    text[n++] = '[';
    for (size_t i = 0; i < 200; i++)
        n += (size_t)sprintf(text + n, "%s", i ? ",[]" : "[]");
    text[n++] = ']';
    json_decref(read_text(str_make(text, n)));
}

static void length_is_limited(void **state)
{
    struct json_fault fault;
    json_t *value;

    (void)state;
    assert_int_equal(json_strict_parse(STR_OF("[1, 2]"), 5, &value, &fault), -1);
    assert_string_equal(fault.text, "it is too long");
    assert_int_equal(json_strict_parse(STR_OF("[1, 2]"), 6, &value, &fault), 0);
    json_decref(value);
}

/* ---- JSONTestSuite ---- */

/* Valid JSON that this reader refuses, each with its reason. */
static const struct {
    const char *name, *why;
} exceptions[] = {
    { "y_object_duplicated_key.json", "a name stands twice in an object" },
    { "y_object_duplicated_key_and_value.json", "a name stands twice in an object" },
    { "y_object_escaped_null_in_key.json", "a name has a NUL character, \\u0000" },
    { "y_string_null_escape.json", "a text has a NUL character, \\u0000" },
};

static const char *exception_of(const char *name)
{
    for (size_t i = 0; i < DW_COUNT_OF(exceptions); i++) {
        if (strcmp(exceptions[i].name, name) == 0)
            return exceptions[i].why;
    }
    return NULL;
}

static struct str load(const char *folder, const char *name)
{
    static char bytes[256 * 1024];
    char path[1400];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    size_t n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    assert_true(n < sizeof(bytes));
    return str_make(bytes, n);
}

/* y_: valid, n_: not, i_: the reader's choice, which must not be a crash. */
static void check_vector(const char *folder, const char *name)
{
    struct json_fault fault;
    json_t *value;
    int rc = json_strict_parse(load(folder, name), 0, &value, &fault);
    const char *why = exception_of(name);

    json_decref(value);
    if (why && (rc == 0 || strcmp(fault.text, why) != 0))
        fail_msg("%s: %s instead of: %s", name, rc == 0 ? "accepted" : fault.text, why);
    if (!why && name[0] == 'y' && rc != 0)
        fail_msg("%s: %s", name, fault.text);
    if (name[0] == 'n' && rc == 0)
        fail_msg("%s: accepted", name);
}

static void json_test_suite(void **state)
{
    char folder[900];
    size_t valid = 0, invalid = 0;
    struct dirent *entry;

    (void)state;
    if (!vectors_path(folder, sizeof(folder), "JSONTestSuite/test_parsing"))
        skip();
    DIR *d = opendir(folder);
    assert_non_null(d);
    while ((entry = readdir(d))) {
        if (entry->d_name[0] == '.')
            continue;
        check_vector(folder, entry->d_name);
        valid += entry->d_name[0] == 'y';
        invalid += entry->d_name[0] == 'n';
    }
    closedir(d);
    assert_true(valid >= 95);
    assert_true(invalid >= 187);
}

static int start(void **state)
{
    (void)state;
    json_start();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_value_may_stand_at_the_top),
        cmocka_unit_test(what_two_readers_could_read_differently_is_refused),
        cmocka_unit_test(nul_is_refused_wherever_it_hides),
        cmocka_unit_test(numbers_that_do_not_fit_are_refused),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(lists_beside_each_other_are_not_deep),
        cmocka_unit_test(length_is_limited),
        cmocka_unit_test(json_test_suite),
    };
    return cmocka_run_group_tests_name("json", tests, start, NULL);
}
