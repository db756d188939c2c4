#include "http/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

static void check_text(const char *text)
{
    assert_non_null(text);
    assert_true(text[0] != 0);
    for (const char *p = text; *p; p++) {
        if (*p < ' ' || *p > '~' || strchr("<>&\"\\'", *p))
            fail_msg("\"%s\": '%c' must not stand in a text that goes out unescaped", text, *p);
    }
}

static void the_table_is_sorted_and_its_texts_are_plain(void **state)
{
    const struct problem *p;
    int before = 399;

    (void)state;
    for (size_t i = 0; (p = problem_at(i)) != NULL; i++) {
        assert_true(p->status > before);
        before = p->status;
        check_text(p->slug);
        check_text(p->title);
        check_text(p->meaning);
        check_text(p->what_to_do);
        assert_ptr_equal(problem_of(p->status), p);
        assert_ptr_equal(problem_by_slug(str_from(p->slug)), p); /* so no slug is there twice */
    }
    assert_int_equal(before, 507);
}

static void an_unknown_status_is_its_class(void **state)
{
    (void)state;
    assert_int_equal(problem_of(418)->status, 400);
    assert_int_equal(problem_of(599)->status, 500);
    assert_int_equal(problem_of(0)->status, 500);
    assert_null(problem_by_slug(STR_OF("no-such")));
    assert_null(problem_by_slug(STR_OF("")));
}

static json_t *written(int status, struct str detail, struct str instance, const struct problem_error *errors,
                       size_t n)
{
    struct buf out = BUF_INIT;
    problem_write(&out, status, detail, instance, errors, n);
    json_t *json = json_loadb(out.p, out.n, 0, NULL);
    buf_finish(&out);
    assert_non_null(json);
    return json;
}

static const char *member(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static void a_body_says_what_it_was_told(void **state)
{
    struct problem_error errors[] = { { STR("#/a\"b"), STR("too \\ long") }, { STR("#/c"), STR("missing") } };

    (void)state;
    json_t *json = written(422, STR_OF("2 values\nare wrong"), STR_OF("4bf9"), errors, 2);
    assert_string_equal(member(json, "type"), "/problems/unprocessable-content");
    assert_string_equal(member(json, "title"), "Invalid content");
    assert_int_equal(json_integer_value(json_object_get(json, "status")), 422);
    assert_string_equal(member(json, "detail"), "2 values\nare wrong");
    assert_string_equal(member(json, "instance"), "4bf9");
    json_t *list = json_object_get(json, "errors");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(member(json_array_get(list, 0), "pointer"), "#/a\"b");
    assert_string_equal(member(json_array_get(list, 0), "detail"), "too \\ long");
    assert_string_equal(member(json_array_get(list, 1), "pointer"), "#/c");
    json_decref(json);
}

static void what_is_empty_is_left_out(void **state)
{
    (void)state;
    json_t *json = written(418, STR_OF(""), STR_OF(""), NULL, 0);
    assert_int_equal(json_object_size(json), 3);
    assert_int_equal(json_integer_value(json_object_get(json, "status")), 418);
    assert_string_equal(member(json, "type"), "/problems/bad-request");
    json_decref(json);
}

static void every_problem_has_a_page(void **state)
{
    struct buf out = BUF_INIT;
    const struct problem *p;

    (void)state;
    for (size_t i = 0; (p = problem_at(i)) != NULL; i++) {
        out.n = 0;
        problem_write_page(&out, p);
        assert_non_null(strstr(buf_text(&out), p->title));
        assert_non_null(strstr(buf_text(&out), p->what_to_do));
    }
    buf_finish(&out);
}

/* docs/problems.md is what the table says. DOWEL_UPDATE=1 writes it. */
static void the_chapter_is_up_to_date(void **state)
{
    static const char path[] = DOWEL_SOURCE_DIR "/docs/problems.md";
    struct buf wanted = BUF_INIT, found = BUF_INIT;

    (void)state;
    problem_write_chapter(&wanted);
    FILE *f = fopen(path, getenv("DOWEL_UPDATE") ? "w+" : "r");
    if (!f)
        fail_msg("%s cannot be opened: write it with DOWEL_UPDATE=1 build/dev/bin/problem_test", path);
    if (getenv("DOWEL_UPDATE")) {
        assert_int_equal(fwrite(wanted.p, 1, wanted.n, f), wanted.n);
        rewind(f);
    }
    for (int c; (c = fgetc(f)) != EOF;)
        buf_add_char(&found, (char)c);
    fclose(f);
    if (strcmp(buf_text(&found), buf_text(&wanted)) != 0)
        fail_msg("%s differs from the table: write it with DOWEL_UPDATE=1 build/dev/bin/problem_test", path);
    buf_finish(&wanted);
    buf_finish(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sorted_and_its_texts_are_plain),
        cmocka_unit_test(an_unknown_status_is_its_class),
        cmocka_unit_test(a_body_says_what_it_was_told),
        cmocka_unit_test(what_is_empty_is_left_out),
        cmocka_unit_test(every_problem_has_a_page),
        cmocka_unit_test(the_chapter_is_up_to_date),
    };
    return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
