#include "plugin/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "captured_log.h"
#include "plugin_fixture.h"

static struct buf text;
static dw_call *c;
static dw_out o;

static int open_out(void **state)
{
    (void)state;
    fixture_process = (struct plugin_process){ 0 };
    c = fixture_begin();
    out_begin(&o, c, &text);
    return 0;
}

static int close_out(void **state)
{
    (void)state;
    call_end(c);
    buf_finish(&text);
    captured_log_text();
    return 0;
}

static void objects_and_arrays(void **state)
{
    (void)state;
    dw_out_set(&o, "id", 7);
    dw_out_set(&o, "no\"ne", (const char *)NULL);
    dw_out_array(&o, "tags");
    dw_out_add(&o, "a");
    dw_out_add(&o, 2.5);
    dw_out_object(&o, NULL);
    dw_out_set(&o, "in", DW_TRUE);
    dw_out_end(&o);
    dw_out_array(&o, NULL);
    dw_out_end(&o);
    dw_out_end(&o);
    dw_out_object(&o, "empty");
    dw_out_end(&o);
    dw_out_set(&o, "last", UINT64_MAX);
    assert_int_equal(dw_out_error(&o), 0);
    assert_int_equal(out_finish(&o), 0);
    assert_string_equal(buf_text(&text), "{\"id\":7,\"no\\\"ne\":null,\"tags\":[\"a\",2.5,{\"in\":true},[]],"
                                         "\"empty\":{},\"last\":18446744073709551615}");
}

static void what_is_open_is_closed(void **state)
{
    (void)state;
    dw_out_array(&o, "a");
    dw_out_object(&o, NULL);
    assert_int_equal(out_finish(&o), 0);
    assert_string_equal(buf_text(&text), "{\"a\":[{}]}");
    dw_out_set(&o, "late", 1);
    assert_int_equal(dw_out_error(&o), DW_EMISUSE);
    assert_string_equal(buf_text(&text), "{\"a\":[{}]}");
}

static void assert_sticks(const char *why)
{
    size_t n = text.n;

    assert_int_equal(dw_out_error(&o), DW_EMISUSE);
    assert_non_null(strstr(dw_error_of(c)->text, why));
    assert_non_null(strstr(captured_log_text(), why));
    dw_out_set(&o, "more", 1);
    dw_out_end(&o);
    assert_int_equal(text.n, n);
    assert_null(strstr(captured_log_text(), "contract")); /* the first error alone is told */
    assert_int_equal(out_finish(&o), DW_EMISUSE);
}

static void a_key_in_an_array(void **state)
{
    (void)state;
    dw_out_array(&o, "a");
    dw_out_set(&o, "key", 1);
    assert_sticks("a key inside an array");
}

static void no_key_in_an_object(void **state)
{
    (void)state;
    dw_out_add(&o, 1);
    assert_sticks("no key inside an object");
}

static void too_many_ends(void **state)
{
    (void)state;
    dw_out_end(&o);
    assert_sticks("more ends than were opened");
}

static void a_text_that_is_not_utf8(void **state)
{
    (void)state;
    dw_out_set(&o, "t", "\xff");
    assert_sticks("not UTF-8");
}

static void a_key_that_is_not_utf8(void **state)
{
    (void)state;
    dw_out_set(&o, "\xff", 1);
    assert_sticks("a key that is not UTF-8");
}

static void a_target(void **state)
{
    int n = 0;

    (void)state;
    dw_out_set(&o, "n", &n);
    assert_sticks("a target where a value is wanted");
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    for (int i = 0; i < OUT_DEPTH_MAX - 1; i++)
        dw_out_object(&o, "x");
    assert_int_equal(dw_out_error(&o), 0);
    dw_out_set(&o, "deepest", 1);
    dw_out_array(&o, "x");
    assert_sticks("more than 64");
}

static void the_deepest_closes(void **state)
{
    (void)state;
    dw_out_array(&o, "x");
    for (int i = 0; i < OUT_DEPTH_MAX - 2; i++)
        dw_out_array(&o, NULL);
    dw_out_add(&o, 1);
    dw_out_add(&o, 2);
    for (int i = 0; i < OUT_DEPTH_MAX - 1; i++)
        dw_out_end(&o);
    dw_out_set(&o, "y", 1);
    assert_int_equal(out_finish(&o), 0);
    json_t *json = json_loads(buf_text(&text), 0, NULL);
    assert_non_null(json);
    assert_int_equal(json_integer_value(json_object_get(json, "y")), 1);
    json_decref(json);
}

static void too_much(void **state)
{
    (void)state;
    c->memory_max = 10000;
    for (int i = 0; i < 10000; i++)
        dw_out_set(&o, "key", i);
    assert_int_equal(dw_out_error(&o), DW_ENOMEM);
    assert_true(text.n < 11000);
    assert_int_equal(dw_sleep(c, DW_SECONDS(0)), DW_ENOMEM);
    assert_int_equal(out_finish(&o), DW_ENOMEM);
}

static void nobody_writes_where_no_call_is(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        dw_out *out = i ? NULL : &out_of_nobody;
        dw_out_set(out, "a", 1);
        dw_out_object(out, "a");
        dw_out_end(out);
        assert_int_equal(dw_out_error(out), DW_ETHREAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(objects_and_arrays, open_out, close_out),
        cmocka_unit_test_setup_teardown(what_is_open_is_closed, open_out, close_out),
        cmocka_unit_test_setup_teardown(a_key_in_an_array, open_out, close_out),
        cmocka_unit_test_setup_teardown(no_key_in_an_object, open_out, close_out),
        cmocka_unit_test_setup_teardown(too_many_ends, open_out, close_out),
        cmocka_unit_test_setup_teardown(a_text_that_is_not_utf8, open_out, close_out),
        cmocka_unit_test_setup_teardown(a_key_that_is_not_utf8, open_out, close_out),
        cmocka_unit_test_setup_teardown(a_target, open_out, close_out),
        cmocka_unit_test_setup_teardown(depth_has_a_limit, open_out, close_out),
        cmocka_unit_test_setup_teardown(the_deepest_closes, open_out, close_out),
        cmocka_unit_test_setup_teardown(too_much, open_out, close_out),
        cmocka_unit_test_setup_teardown(nobody_writes_where_no_call_is, open_out, close_out),
    };

    return cmocka_run_group_tests_name("out", tests, captured_log_open, captured_log_close);
}
