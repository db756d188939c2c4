/* The JSON Schema Test Suite ($DOWEL_VECTORS/json-schema-test-suite), draft 2020-12: each case of each file. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/schema.h"
#include "vectors.h"

#define SUITE  "json-schema-test-suite/tests/draft2020-12"
#define REMOTE "json-schema-test-suite/remotes"

/* What is left out, and why: whole groups, or single cases by their beginning. */
#define METASCHEMA "the metaschema lies elsewhere, and nothing is fetched"
#define REGISTRY \
    "libidn2 looks names up; what else a registry asks (neighbours, directions of writing) it does not"
static const struct {
    const char *description, *why;
} left_out[] = {
    { "validate definition against metaschema", METASCHEMA },
    { "remote ref, containing refs itself", METASCHEMA },
    { "schema that uses custom metaschema with with no validation vocabulary",
      "a contract is judged by the whole standard, whatever $vocabulary says" },
    { "a variable-width lookbehind", "PCRE2 wants it of one length" },
    { "MIDDLE DOT with n", REGISTRY },
    { "Greek KERAIA not followed by anything", REGISTRY },
    { "Hebrew GERSH", REGISTRY },
    { "Hebrew GERESH", REGISTRY },
    { "KATAKANA MIDDLE DOT with no", REGISTRY },
    { "Arabic-Indic digits mixed", REGISTRY },
    { "contains \"--\" in the 3rd and 4th", REGISTRY },
    { "U-label contains \"--\"", REGISTRY },
    { "Bidi domain name with a digit-first", REGISTRY },
    { "right-to-left label mixing both digit", REGISTRY },
};

struct tally {
    unsigned passed, failed, left_out;
};

static bool is_left_out(const json_t *of)
{
    const char *description = json_string_value(json_object_get(of, "description"));

    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
        if (strncmp(left_out[i].description, description, strlen(left_out[i].description)) == 0)
            return true;
    }
    return false;
}

static json_t *load(const char *path)
{
    json_error_t error;
    json_t *json = json_load_file(path, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    if (!json)
        print_error("%s:%d: %s\n", path, error.line, error.text);
    return json;
}

/* Those that references of the suite lead to, by the address that it expects. */
static void add_remotes(struct schemas *all, const char *folder, const char *uri)
{
    char path[1000], below[500];
    DIR *dir = opendir(folder);
    struct dirent *e;

    while (dir && (e = readdir(dir))) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        snprintf(below, sizeof(below), "%s/%s", uri, e->d_name);
        if (!strstr(e->d_name, ".json")) {
            if (strncmp(e->d_name, "draft", 5) != 0 || strcmp(e->d_name, "draft2020-12") == 0)
                add_remotes(all, path, below);
            continue;
        }
        struct buf why = BUF_INIT;
        json_t *json = load(path);
        if (!json || schemas_add(all, below, json, SCHEMA_ITSELF, &why) != 0)
            fail_msg("%s: %s", path, buf_text(&why));
        json_decref(json);
        buf_finish(&why);
    }
    if (dir)
        closedir(dir);
}

static void run_group(const char *file, const json_t *group, bool asserts_formats, struct tally *tally)
{
    const char *description = json_string_value(json_object_get(group, "description"));
    json_t *schema = json_object_get(group, "schema"), *tests = json_object_get(group, "tests"), *test;
    const struct schemas_options options = { .asserts_formats = asserts_formats };
    struct buf why = BUF_INIT;
    struct schemas *all;
    char remotes[500];
    size_t i;

    if (is_left_out(group)) {
        tally->left_out += (unsigned)json_array_size(tests);
        return;
    }
    assert_int_equal(schemas_create(&all, &options), 0);
    if (vectors_path(remotes, sizeof(remotes), REMOTE))
        add_remotes(all, remotes, "http://localhost:1234");
    const struct schema *compiled =
        schemas_add(all, "", schema, SCHEMA_ITSELF, &why) == 0 ? schemas_compile(all, "", "", &why) : NULL;
    if (!compiled)
        print_error("%s: %s: %s\n", file, description, buf_text(&why));
    json_array_foreach(tests, i, test)
    {
        bool is_valid = json_is_true(json_object_get(test, "valid"));
        if (is_left_out(test)) {
            tally->left_out++;
            continue;
        }
        if (compiled && (schema_check(compiled, json_object_get(test, "data"), NULL) == 0) == is_valid) {
            tally->passed++;
        } else {
            tally->failed++;
            print_error("%s: %s: %s\n", file, description,
                        json_string_value(json_object_get(test, "description")));
        }
    }
    schemas_destroy(all);
    buf_finish(&why);
}

static void run_file(const char *path, const char *name, bool asserts_formats, struct tally *tally)
{
    json_t *groups = load(path), *group;
    size_t i;

    assert_non_null(groups);
    json_array_foreach(groups, i, group)
    {
        run_group(name, group, asserts_formats, tally);
    }
    json_decref(groups);
}

/* Optional, and not ours: numbers beyond 64 bits, which are refused where JSON is read; older drafts; vocabularies. */
static bool is_other(const char *file)
{
    static const char *const files[] = { "bignum.json", "cross-draft.json", "dependencies-compatibility.json",
                                         "format-assertion.json" };

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (strcmp(files[i], file) == 0)
            return true;
    }
    return false;
}

static void run_folder(const char *folder, bool asserts_formats, struct tally *tally)
{
    char path[1000], root[500];
    struct dirent **names;

    if (!vectors_path(root, sizeof(root), folder))
        skip();
    int n = scandir(root, &names, NULL, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s", root, names[i]->d_name);
        if (strstr(names[i]->d_name, ".json") && !is_other(names[i]->d_name))
            run_file(path, names[i]->d_name, asserts_formats, tally);
        free(names[i]);
    }
    free(names);
    print_message("%s: %u passed, %u failed, %u left out\n", folder, tally->passed, tally->failed,
                  tally->left_out);
}

static void required_cases(void **state)
{
    struct tally tally = { 0 };

    (void)state;
    run_folder(SUITE, false, &tally);
    assert_int_equal(tally.failed, 0);
    assert_true(tally.passed > 1000);
}

static void optional_cases(void **state)
{
    struct tally tally = { 0 };

    (void)state;
    run_folder(SUITE "/optional", false, &tally);
    assert_int_equal(tally.failed, 0);
}

static void formats(void **state)
{
    struct tally tally = { 0 };

    (void)state;
    run_folder(SUITE "/optional/format", true, &tally);
    assert_int_equal(tally.failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(required_cases), cmocka_unit_test(optional_cases),
                                        cmocka_unit_test(formats) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
