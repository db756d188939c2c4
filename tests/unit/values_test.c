#include "plugin/values.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/compiler.h"
#include "util/json.h"

/* ---- out ---- */

static void assert_json(dw_value v, const char *wanted)
{
    struct buf b = BUF_INIT;

    assert_int_equal(value_write_json(&b, &v), 0);
    assert_string_equal(buf_text(&b), wanted);
    buf_finish(&b);
}

/* The tree says the same as the text. */
static void assert_json_and_tree(dw_value v, const char *wanted)
{
    assert_json(v, wanted);
    json_t *tree = value_to_json(&v);
    assert_non_null(tree);
    assert_json(DW(tree), wanted);
    json_decref(tree);
}

static void values_become_json(void **state)
{
    static const char bytes[] = { 0, 1, (char)0xfe };

    (void)state;
    assert_json_and_tree(DW(DW_TRUE), "true");
    assert_json_and_tree(DW(DW_FALSE), "false");
    assert_json_and_tree(DW(0), "0");
    assert_json_and_tree(DW(INT64_MIN), "-9223372036854775808");
    assert_json_and_tree(DW(INT64_MAX), "9223372036854775807");
    assert_json_and_tree(DW((uint64_t)INT64_MAX), "9223372036854775807");
    assert_json(DW(UINT64_MAX), "18446744073709551615");
    assert_json_and_tree(DW("a\"b\\c\n\x01\x7f/"), "\"a\\\"b\\\\c\\n\\u0001\\u007f/\"");
    assert_json_and_tree(DW("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
                         "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
    assert_json_and_tree(DW(((dw_str){ "abcdef", 3 })), "\"abc\"");
    assert_json_and_tree(DW(((dw_str){ NULL, 0 })), "null");
    assert_json_and_tree(DW((const char *)NULL), "null");
    assert_json_and_tree(DW((json_t *)NULL), "null");
    assert_json_and_tree(DW(NULL), "null");
    assert_json_and_tree(DW(((dw_bytes){ bytes, 3 })), "\"AAH+\"");
    assert_json_and_tree(DW(((dw_bytes){ bytes, 2 })), "\"AAE=\"");
    assert_json_and_tree(DW(((dw_bytes){ bytes, 0 })), "\"\"");
    assert_json_and_tree(DW(((dw_bytes){ NULL, 0 })), "null");
    assert_json_and_tree(DW(((dw_time){ 784111777123456 })), "\"1994-11-06T08:49:37.123456Z\"");
    assert_json_and_tree(DW(DW_MILLISECONDS(1500)), "1.5");
    assert_json_and_tree(DW(DW_SPAN_(-1)), "-1e-06");
    assert_json_and_tree(DW(DW_SECONDS(3)), "3.0");
}

static void assert_real(double real, const char *wanted)
{
    assert_json_and_tree(DW(real), wanted);
}

static void reals_are_short_and_exact(void **state)
{
    (void)state;
    assert_real(0.1, "0.1");
    assert_real(1.0, "1.0");
    assert_real(-0.0, "-0.0");
    assert_real(1e300, "1e+300");
    assert_real(0.1 + 0.2, "0.30000000000000004");
    assert_real(1.0 / 3, "0.3333333333333333");
    assert_real(NAN, "null");
    assert_real(INFINITY, "null");
    assert_real(-INFINITY, "null");
    const double odd[] = { DBL_MAX, DBL_MIN, DBL_EPSILON, 4.9e-324, 123456789012345678.0, M_PI };
    for (size_t i = 0; i < DW_COUNT_OF(odd); i++) {
        struct buf b = BUF_INIT;
        real_write_json(&b, odd[i]);
        assert_true(strtod(buf_text(&b), NULL) == odd[i]);
        buf_finish(&b);
    }
}

static void assert_refused(dw_value v, const char *why)
{
    struct buf b = BUF_INIT;

    assert_int_equal(value_write_json(&b, &v), -1);
    assert_int_equal(b.n, 0);
    assert_null(value_to_json(&v));
    assert_non_null(strstr(value_wrong(&v), why));
    buf_finish(&b);
}

static void what_is_no_value_is_refused(void **state)
{
    int n = 0;

    (void)state;
    assert_refused(DW((void *)&n), "void *");
    assert_refused(DW(&n), "target");
    assert_refused(DW("\xff"), "UTF-8");
    assert_refused(DW("\xc0\xaf"), "UTF-8");
    assert_refused(DW("\xed\xa0\x80"), "UTF-8");
    assert_refused(DW(((dw_str){ "a\0b", 3 })), "NUL");
    assert_refused((dw_value){ .type = 999 }, "not made by DW()");
    assert_false(value_is_target(&(dw_value){ .type = DW_TO_INT64 }));
    assert_true(value_is_target(&(dw_value){ .type = DW_TO_INT32, .as.to = &n }));
    dw_value large = DW(UINT64_MAX);
    assert_null(value_to_json(&large));
}

static void deep_trees_are_refused(void **state)
{
    struct buf b = BUF_INIT;
    json_t *tree = json_array();

    (void)state;
    for (int i = 0; i < VALUE_DEPTH_MAX; i++)
        tree = json_pack("[o]", tree);
    assert_json(DW(json_array_get(tree, 0)),
                "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    tree = json_pack("[o]", tree);
    dw_value v = DW(tree);
    assert_int_equal(value_write_json(&b, &v), -1);
    buf_finish(&b);
    json_decref(tree);

    json_t *a = json_array(), *inside = json_array();
    json_array_append(a, inside);
    json_array_append(inside, a); /* contains itself */
    v = DW(a);
    assert_int_equal(value_write_json(&b, &v), -1);
    buf_finish(&b);
    json_array_clear(inside);
    json_decref(inside);
    json_decref(a);
}

static void pairs_become_objects(void **state)
{
    struct buf b = BUF_INIT;
    json_t *list = json_pack("[i, {s:f, s:n}]", 1, "x", 0.5, "y");

    (void)state;
    dw_list pairs = DW_LIST("a", 1, "b\"", "two", ((dw_str){ "cut here", 3 }), DW_TRUE, "list", list);
    assert_int_equal(pairs_write_json(&b, pairs), 0);
    assert_string_equal(buf_text(&b),
                        "{\"a\":1,\"b\\\"\":\"two\",\"cut\":true,\"list\":[1,{\"x\":0.5,\"y\":null}]}");
    json_t *tree = pairs_to_json(pairs);
    dw_value v = DW(tree);
    struct buf again = BUF_INIT;
    assert_int_equal(value_write_json(&again, &v), 0);
    assert_string_equal(buf_text(&again), buf_text(&b));
    json_decref(tree);
    json_decref(list);
    buf_finish(&again);
    buf_finish(&b);
    tree = values_to_json(DW_LIST(1, "two", 3.5));
    assert_int_equal(json_array_size(tree), 3);
    json_decref(tree);
}

static void odd_pairs_are_refused(void **state)
{
    struct buf b = BUF_INIT;
    int n;

    (void)state;
    assert_null(pairs_wrong((dw_list){ NULL, 0 }));
    assert_null(pairs_wrong(DW_LIST("a", &n)));
    assert_non_null(pairs_values_wrong(DW_LIST("a", &n)));
    assert_non_null(strstr(pairs_wrong(DW_LIST("a", 1, "b")), "pairs"));
    assert_non_null(pairs_wrong(DW_LIST(1, 2)));
    assert_non_null(pairs_wrong(DW_LIST((const char *)NULL, 2)));
    assert_int_equal(pairs_write_json(&b, DW_LIST("a", 1, "b")), -1);
    assert_int_equal(pairs_write_json(&b, DW_LIST("a", "\xff")), -1);
    assert_null(pairs_to_json(DW_LIST("a", 1, "b")));
    assert_null(pairs_to_json(DW_LIST("a", UINT64_MAX)));
    assert_null(pairs_to_json(DW_LIST("\xff", 1)));
    assert_null(values_to_json(DW_LIST(1, UINT64_MAX)));
    buf_finish(&b);
}

/* ---- log fields ---- */

static const struct log_field *field(const struct log_field *fields, const char *name)
{
    for (; fields->name; fields++) {
        if (strcmp(fields->name, name) == 0)
            return fields;
    }
    return NULL;
}

static void pairs_become_fields(void **state)
{
    struct log_field f[20];
    struct arena room;
    json_t *json = json_pack("{s:i}", "a", 1);

    (void)state;
    arena_init(&room, NULL, 0, 0);
    size_t n = pairs_to_fields(DW_LIST("text", "x", "n", -5, "u", UINT64_MAX, "r", 0.5, "b", DW_TRUE, "t",
                                       ((dw_time){ 0 }), "s", DW_SECONDS(2), "j", json, "nul", NULL, "bytes",
                                       ((dw_bytes){ "abc", 3 }), "bad", (void *)f),
                               f, 20, &room);
    assert_int_equal(n, 11);
    assert_true(str_equal(field(f, "text")->text, STR_OF("x")));
    assert_int_equal(field(f, "n")->number, -5);
    assert_true(str_equal(field(f, "u")->text, STR_OF("18446744073709551615")));
    assert_true(field(f, "r")->real == 0.5);
    assert_int_equal(field(f, "b")->kind, LOG_KIND_BOOL);
    assert_true(str_equal(field(f, "t")->text, STR_OF("1970-01-01T00:00:00.000000Z")));
    assert_int_equal(field(f, "s")->kind, LOG_KIND_SPAN_US);
    assert_true(str_equal(field(f, "j")->text, STR_OF("{\"a\":1}")));
    assert_true(str_equal(field(f, "bytes")->text, STR_OF("[3 bytes]")));
    assert_non_null(strstr(field(f, "bad")->text.p, "void *"));
    n = pairs_to_fields(DW_LIST("plugin", 1, "a b\nc", 2, ((dw_str){ "cut", 2 }), 3, "", 4), f, 20, &room);
    assert_int_equal(n, 4);
    assert_int_equal(field(f, "plugin_")->number, 1);
    assert_int_equal(field(f, "a_b_c")->number, 2);
    assert_int_equal(field(f, "cu")->number, 3);
    assert_int_equal(field(f, "_")->number, 4);
    assert_int_equal(pairs_to_fields(DW_LIST("a", 1, "b", 2), f, 2, &room), 1);
    assert_int_equal(pairs_to_fields(DW_LIST("a", 1, "b"), f, 20, &room), 0);
    assert_null(f[0].name);
    arena_finish(&room);
    json_decref(json);
}

/* ---- in ---- */

static json_t *kept; /* what targets may have borrowed from */

static int store(dw_value target, const char *text)
{
    const char *expected;
    struct json_fault fault;
    json_t *json;

    assert_int_equal(json_strict_parse(str_from(text), 0, &json, &fault), 0);
    int rc = value_store_json(&target, json, &expected);
    if (rc != 0)
        assert_true(strlen(expected) > 3);
    json_array_append_new(kept, json);
    return rc;
}

static void json_is_stored_by_type(void **state)
{
    bool b = false;
    int i = 0;
    int64_t l = 0;
    double r = 0;
    const char *t = NULL;
    dw_time time = { 0 };
    json_t *json = NULL;

    (void)state;
    kept = json_array();
    assert_int_equal(store(DW(&b), "true"), 0);
    assert_true(b);
    assert_int_equal(store(DW(&b), "1"), -1);
    assert_int_equal(store(DW(&i), "-2147483648"), 0);
    assert_int_equal(i, INT32_MIN);
    assert_int_equal(store(DW(&i), "2147483648"), -1);
    assert_int_equal(store(DW(&i), "3.0"), 0);
    assert_int_equal(i, 3);
    assert_int_equal(store(DW(&i), "3.5"), -1);
    assert_int_equal(store(DW(&i), "\"3\""), -1);
    assert_int_equal(store(DW(&l), "9223372036854775807"), 0);
    assert_int_equal(l, INT64_MAX);
    assert_int_equal(store(DW(&l), "1e300"), -1);
    assert_int_equal(store(DW(&r), "5"), 0);
    assert_true(r == 5);
    assert_int_equal(store(DW(&r), "\"5\""), -1);
    assert_int_equal(store(DW(&time), "\"2026-11-21T08:05:00+01:00\""), 0);
    assert_int_equal(time.us, INT64_C(1795244700000000));
    assert_int_equal(store(DW(&time), "\"2026-11-21\""), -1);
    assert_int_equal(store(DW(&time), "5"), -1);
    assert_int_equal(store(DW(&t), "\"text\""), 0);
    assert_string_equal(t, "text");
    assert_int_equal(store(DW(&json), "[1]"), 0);
    assert_int_equal(json_array_size(json), 1);
    i = 7;
    assert_int_equal(store(DW(&i), "null"), 0);
    assert_int_equal(i, 7);
    assert_int_equal(store(DW(5), "5"), -1);
    json_decref(kept);
}

static int store_text(dw_value target, const char *text)
{
    const char *expected;
    return value_store_text(&target, str_from(text), &expected);
}

static void text_is_stored_by_type(void **state)
{
    static const char *const no_reals[] = { "",   " 1", "0x10", "inf", "nan", "1,5",
                                            "1.", ".5", "1e",   "+1",  "1 " };
    bool b = true;
    int i = 0;
    int64_t l = 0;
    double r = 0;
    dw_str s = { 0 };
    dw_bytes bytes = { 0 };
    dw_time time = { 0 };
    json_t *json = NULL;

    (void)state;
    assert_int_equal(store_text(DW(&b), "false"), 0);
    assert_false(b);
    assert_int_equal(store_text(DW(&b), "FALSE"), -1);
    assert_int_equal(store_text(DW(&i), "-5"), 0);
    assert_int_equal(i, -5);
    assert_int_equal(store_text(DW(&i), "2147483648"), -1);
    assert_int_equal(store_text(DW(&i), ""), -1);
    assert_int_equal(store_text(DW(&i), "-"), -1);
    assert_int_equal(store_text(DW(&i), "+5"), -1);
    assert_int_equal(store_text(DW(&i), "5 "), -1);
    assert_int_equal(store_text(DW(&l), "-9223372036854775808"), 0);
    assert_true(l == INT64_MIN);
    assert_int_equal(store_text(DW(&l), "9223372036854775808"), -1);
    assert_int_equal(store_text(DW(&r), "-1.5e3"), 0);
    assert_true(r == -1500);
    assert_int_equal(store_text(DW(&r), "1e999"), -1);
    for (size_t k = 0; k < DW_COUNT_OF(no_reals); k++)
        assert_int_equal(store_text(DW(&r), no_reals[k]), -1);
    assert_int_equal(store_text(DW(&s), "abc"), 0);
    assert_int_equal(s.n, 3);
    assert_int_equal(store_text(DW(&bytes), "abc"), 0);
    assert_int_equal(bytes.n, 3);
    assert_int_equal(store_text(DW(&time), "1970-01-01T00:00:01Z"), 0);
    assert_int_equal(time.us, CLOCK_SECOND);
    assert_int_equal(store_text(DW(&json), "{}"), -1);
    assert_int_equal(store_text(DW("x"), "x"), -1);
}

static int start_json(void **state)
{
    (void)state;
    json_start();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_json),          cmocka_unit_test(reals_are_short_and_exact),
        cmocka_unit_test(what_is_no_value_is_refused), cmocka_unit_test(deep_trees_are_refused),
        cmocka_unit_test(pairs_become_objects),        cmocka_unit_test(odd_pairs_are_refused),
        cmocka_unit_test(pairs_become_fields),         cmocka_unit_test(json_is_stored_by_type),
        cmocka_unit_test(text_is_stored_by_type),
    };

    return cmocka_run_group_tests_name("values", tests, start_json, NULL);
}
