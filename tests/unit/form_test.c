#include "http/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/buf.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, NULL, 0, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_finish(&arena);
    return 0;
}

static void check_field(const struct form *form, size_t i, const char *name, const char *value)
{
    assert_true(str_equal(form->field[i].name, str_from(name)));
    assert_true(str_equal(form->field[i].value, str_from(value)));
}

static void fields_are_decoded_in_order(void **state)
{
    struct str body = STR("a=1&b=x+y%26z&a=2&=e&%C3%BC=&flag&&c=d=e");
    struct form form;

    (void)state;
    assert_int_equal(form_parse(body, &arena, &form), 0);
    assert_int_equal(form.fields, 7);
    check_field(&form, 0, "a", "1");
    check_field(&form, 1, "b", "x y&z");
    check_field(&form, 2, "a", "2");
    check_field(&form, 3, "", "e");
    check_field(&form, 4, "\xc3\xbc", "");
    check_field(&form, 5, "flag", "");
    check_field(&form, 6, "c", "d=e");
    assert_ptr_equal(form.field[0].value.p, body.p + 2); /* not copied */
    assert_true(str_equal(form_find(&form, "a"), STR_OF("1")));
    assert_non_null(form_find(&form, "flag").p);
    assert_null(form_find(&form, "none").p);
}

static void an_empty_body_has_no_fields(void **state)
{
    struct form form;

    (void)state;
    assert_int_equal(form_parse(STR_OF(""), &arena, &form), 0);
    assert_int_equal(form.fields, 0);
    assert_int_equal(form_parse(str_make(NULL, 0), &arena, &form), 0);
    assert_int_equal(form_parse(STR_OF("&&&"), &arena, &form), 0);
    assert_int_equal(form.fields, 0);
    assert_null(form_find(&form, "").p);
}

static void what_cannot_be_decoded_is_refused(void **state)
{
    static const char *const bodies[] = { "a=%",    "a=%4",   "a=%zz",          "%=1", "a=%00", "a=%ff",
                                          "a=\xff", "\xc3=1", "a=1&b=%ed%a0%80" };
    struct form form;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(bodies); i++) {
        assert_int_equal(form_parse(str_from(bodies[i]), &arena, &form), -1);
        assert_int_equal(form.status, 400);
        assert_non_null(form.reason);
        assert_int_equal(form.fields, 0);
    }
}

static void sizes_are_bounded(void **state)
{
    struct buf body = BUF_INIT;
    struct form form;

    (void)state;
    for (int i = 0; i < FORM_FIELDS_MAX; i++)
        buf_add_text(&body, "a&");
    assert_int_equal(form_parse(buf_str(&body), &arena, &form), 0);
    assert_int_equal(form.fields, FORM_FIELDS_MAX);
    buf_add_text(&body, "a");
    assert_int_equal(form_parse(buf_str(&body), &arena, &form), -1);
    assert_int_equal(form.status, 413);

    body.n = 0;
    for (int i = 0; i <= FORM_NAME_MAX; i++)
        buf_add_char(&body, 'n');
    assert_int_equal(form_parse(buf_str(&body), &arena, &form), -1);
    assert_int_equal(form.status, 413);
    body.n--;
    assert_int_equal(form_parse(buf_str(&body), &arena, &form), 0);
    buf_finish(&body);
}

static void no_memory_is_not_the_clients_fault(void **state)
{
    struct arena small;
    struct form form;

    (void)state;
    arena_init(&small, NULL, 0, 1);
    assert_int_equal(form_parse(STR_OF("a=1"), &small, &form), -1);
    assert_int_equal(form.status, 500);
    arena_finish(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fields_are_decoded_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_body_has_no_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_decoded_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sizes_are_bounded, set_up, tear_down),
        cmocka_unit_test(no_memory_is_not_the_clients_fault),
    };
    return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
