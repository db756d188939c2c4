#include "http/percent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/compiler.h"

/* Decodes into memory of exactly the promised size, so that ASan sees a byte too many. */
static char *decoded(const char *raw, size_t n)
{
    char *in = malloc(n ? n : 1), *out = malloc(n ? n : 1), *text = NULL;
    struct str path;

    memcpy(in, raw, n);
    if (http_path_decode(str_make(in, n), out, n, &path) == 0) {
        text = calloc(1, path.n + 1);
        memcpy(text, path.p, path.n);
    }
    free(in);
    free(out);
    return text;
}

static void check_path(const char *raw, const char *wanted)
{
    char *got = decoded(raw, strlen(raw));

    if (!wanted && got)
        fail_msg("%s was accepted as %s", raw, got);
    if (wanted && (!got || strcmp(got, wanted) != 0))
        fail_msg("%s: wanted %s, got %s", raw, wanted, got ? got : "a refusal");
    free(got);
}

static const struct {
    const char *raw, *path; /* NULL: refused */
} paths[] = {
    { "/", "/" },
    { "/a", "/a" },
    { "/a/", "/a/" },
    { "/a.b/c..d/e.", "/a.b/c..d/e." },
    { "/...", "/..." },
    { "/.well-known/x", "/.well-known/x" },
    { "/a%20b", "/a b" },
    { "/a+b;c\\d", "/a+b;c\\d" },
    { "/a%5cb", "/a\\b" },
    { "/%7Euser", "/~user" },
    { "/gr%C3%BC%c3%9fe", "/gr\xc3\xbc\xc3\x9f"
                          "e" },
    { "/gr\xc3\xbcn", "/gr\xc3\xbcn" },
    { "/100%25", "/100%" },
    { "/%252e%252e/x", "/%2e%2e/x" }, /* decoded once, and only once */

    { "/./a", "/a" },
    { "/.", "/" },
    { "/a/.", "/a/" },
    { "/a/./b", "/a/b" },
    { "/a/..", "/" },
    { "/a/../", "/" },
    { "/a/../b", "/b" },
    { "/a/b/../../c", "/c" },
    { "/a/b/..", "/a/" },
    { "/a/%2e%2e/b", "/b" },
    { "/a/%2E./b", "/b" },
    { "/a/.%2e/b", "/b" },
    { "/a/%2e/b", "/a/b" },
    { "/a/..b/c", "/a/..b/c" },
    { "/a/.../b", "/a/.../b" },

    { "//", "//" },
    { "//a", "//a" },
    { "/a//b", "/a//b" },
    { "/%61//b", "/a//b" },
    { "/a//../b", "/a/b" },
    { "/a/.//b", "/a//b" },

    { "", NULL },
    { "a", NULL },
    { "*", NULL },
    { "%2Fa", NULL },
    { "/..", "/" },
    { "/../a", "/a" },
    { "/%2e%2e/a", "/a" },
    { "/a/../../b", "/b" },
    { "/./..", "/" },
    { "/a%2Fb", NULL },
    { "/a%2fb", NULL },
    { "/..%2fetc", NULL },
    { "/a%00b", NULL },
    { "/a%", NULL },
    { "/a%4", NULL },
    { "/a%4g", NULL },
    { "/a%g4", NULL },
    { "/a%%41", NULL },
    { "/%ff", NULL },
    { "/\xff", NULL },
    { "/%c0%ae%c0%ae/x", NULL }, /* overlong ".." */
    { "/%ed%a0%80", NULL },      /* a surrogate */
    { "/%c3", NULL },
};

static void paths_are_decoded_and_normalised(void **state)
{
    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(paths); i++)
        check_path(paths[i].raw, paths[i].path);
}

static void a_raw_nul_is_refused(void **state)
{
    (void)state;
    assert_null(decoded("/a\0b", 4));
    assert_null(decoded("/%61\0", 5));
}

static void a_plain_path_is_not_copied(void **state)
{
    struct str raw = STR("/api/v1/users/42/app.js"), path;

    (void)state;
    assert_int_equal(http_path_decode(raw, NULL, 0, &path), 0);
    assert_ptr_equal(path.p, raw.p);
    assert_int_equal(path.n, raw.n);
}

static void too_little_room_is_an_error(void **state)
{
    char out[3];
    struct str path;

    (void)state;
    assert_int_equal(http_path_decode(STR_OF("/%61"), out, sizeof(out), &path), -1);
}

/* Whatever comes out must go through unchanged a second time, unless it holds a '%'. */
static void normalising_is_idempotent(void **state)
{
    static const char alphabet[] = "/.a%2eE";
    char raw[8] = "/";

    (void)state;
    for (unsigned code = 0; code < 7u * 7 * 7 * 7 * 7 * 7; code++) {
        unsigned rest = code;
        for (size_t i = 1; i < 7; i++, rest /= 7)
            raw[i] = alphabet[rest % 7];
        char *once = decoded(raw, 7);
        if (!once)
            continue;
        assert_null(strstr(once, "/../"));
        assert_null(strstr(once, "/./"));
        assert_false(str_ends_with(str_from(once), STR_OF("/..")));
        if (!strchr(once, '%')) {
            char *twice = decoded(once, strlen(once));
            assert_non_null(twice);
            assert_string_equal(once, twice);
            free(twice);
        }
        free(once);
    }
}

static void queries_are_walked_pair_by_pair(void **state)
{
    struct str rest = STR("a=1&b&&c=&=d&e=f=g"), name, value;
    static const char *const wanted[][2] = {
        { "a", "1" }, { "b", "" }, { "c", "" }, { "", "d" }, { "e", "f=g" }
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(wanted); i++) {
        assert_true(http_query_next(&rest, &name, &value));
        assert_true(str_equal(name, str_from(wanted[i][0])));
        assert_true(str_equal(value, str_from(wanted[i][1])));
    }
    assert_false(http_query_next(&rest, &name, &value));
    rest = str_make(NULL, 0);
    assert_false(http_query_next(&rest, &name, &value));
}

static void a_parameter_is_found_and_decoded(void **state)
{
    struct str query = STR("first=1&na%6De=a+b%2Bc%26&name=second&bad=%zz&utf=%ff&nul=%00"), value;
    char out[16];

    (void)state;
    assert_int_equal(http_query_find(query, "name", out, sizeof(out), &value), 0);
    assert_true(str_equal(value, STR_OF("a b+c&")));
    assert_int_equal(http_query_find(query, "first", out, sizeof(out), &value), 0);
    assert_ptr_equal(value.p, query.p + 6);
    assert_int_equal(http_query_find(query, "nam", out, sizeof(out), &value), 0);
    assert_null(value.p);
    assert_int_equal(http_query_find(query, "names", out, sizeof(out), &value), 0);
    assert_null(value.p);
    assert_int_equal(http_query_find(query, "bad", out, sizeof(out), &value), -1);
    assert_int_equal(http_query_find(query, "utf", out, sizeof(out), &value), -1);
    assert_int_equal(http_query_find(query, "nul", out, sizeof(out), &value), -1);
    assert_int_equal(http_query_find(query, "name", out, 2, &value), -1);
}

static void an_empty_value_is_not_a_missing_one(void **state)
{
    struct str value;

    (void)state;
    assert_int_equal(http_query_find(STR_OF("verbose"), "verbose", NULL, 0, &value), 0);
    assert_non_null(value.p);
    assert_int_equal(value.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_decoded_and_normalised),
        cmocka_unit_test(a_raw_nul_is_refused),
        cmocka_unit_test(a_plain_path_is_not_copied),
        cmocka_unit_test(too_little_room_is_an_error),
        cmocka_unit_test(normalising_is_idempotent),
        cmocka_unit_test(queries_are_walked_pair_by_pair),
        cmocka_unit_test(a_parameter_is_found_and_decoded),
        cmocka_unit_test(an_empty_value_is_not_a_missing_one),
    };
    return cmocka_run_group_tests_name("percent", tests, NULL, NULL);
}
