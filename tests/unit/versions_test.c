/* Addresses without a version: /api/x is the newest /api/vN/x. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/versions.h"
#include "metrics/metrics.h"
#include "util/compiler.h"

struct fixture {
    struct router *r;
    struct arena arena;
    struct router_match match;
};

static void handle(struct http_exchange *x)
{
    (void)x;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    metrics_reset();
    if (!f || router_create(&f->r) != 0)
        return -1;
    arena_init(&f->arena, NULL, 0, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    router_destroy(f->r);
    arena_finish(&f->arena);
    free(f);
    metrics_reset();
    return 0;
}

static void add(struct fixture *f, enum http_method method, const char *path)
{
    const struct http_route route = { .method = method, .path = path, .handler = handle };
    char why[ROUTER_WHY_SIZE];

    assert_int_equal(router_add(f->r, &route, why), 0);
}

/* The template that answers; "405" when it has no such method, "404" when there is none. */
static const char *found(struct fixture *f, enum http_method method, const char *path)
{
    struct str whole;

    f->match = (struct router_match){ .route = NULL };
    int rc = versions_find(f->r, &f->arena, method, str_from(path), &f->match, &whole);
    if (rc == 0)
        return "404";
    assert_int_equal(rc, 1);
    return f->match.route ? f->match.route->path : "405";
}

static void the_newest_version_answers(void **state)
{
    struct fixture *f = *state;

    add(f, HTTP_GET, "/api/v1/notes");
    add(f, HTTP_POST, "/api/v1/notes");
    add(f, HTTP_GET, "/api/v1/notes/{id}");
    add(f, HTTP_GET, "/api/v1/old");
    add(f, HTTP_GET, "/api/v10/notes");
    add(f, HTTP_GET, "/api/v2/notes");
    add(f, HTTP_GET, "/api/v2/notes/{name}/all");
    assert_string_equal(found(f, HTTP_GET, "/api/notes"), "/api/v10/notes");
    assert_string_equal(found(f, HTTP_HEAD, "/api/notes"), "/api/v10/notes");
    assert_string_equal(found(f, HTTP_GET, "/api/old"), "/api/v1/old");
    assert_string_equal(found(f, HTTP_GET, "/api/notes/7"), "/api/v1/notes/{id}");
    assert_int_equal(f->match.params, 1);
    assert_true(str_equal(f->match.param[0].value, STR_OF("7")));
    assert_string_equal(found(f, HTTP_GET, "/api/notes/7/all"), "/api/v2/notes/{name}/all");
    assert_string_equal(found(f, HTTP_POST, "/api/notes"), "405"); /* an older one's is another thing */
}

static void a_version_is_not_another_versions_thing(void **state)
{
    struct fixture *f = *state;

    add(f, HTTP_GET, "/api/v1/{any}/notes");
    assert_string_equal(found(f, HTTP_GET, "/api/mine/notes"), "/api/v1/{any}/notes");
    assert_string_equal(found(f, HTTP_GET, "/api/v9/notes"), "404");
    assert_string_equal(found(f, HTTP_GET, "/api/v1/notes"), "404");
    assert_string_equal(found(f, HTTP_GET, "/api/"), "404");
    assert_string_equal(found(f, HTTP_GET, "/api"), "404");
    assert_string_equal(found(f, HTTP_GET, "/mine/notes"), "404");
}

static void what_a_version_is(void **state)
{
    static const struct {
        const char *path;
        unsigned version;
    } cases[] = {
        { "/api/v1/x", 1 },     { "/api/v12", 12 }, { "/api/v1", 1 },    { "/api/v0/x", 0 },
        { "/api/v/x", 0 },      { "/api/vx/x", 0 }, { "/api/v1x/x", 0 }, { "/api/v01/x", 0 },
        { "/api/v12345/x", 0 }, { "/v1/x", 0 },     { "/api/", 0 },      { "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++)
        assert_int_equal(versions_of(str_from(cases[i].path)), cases[i].version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_newest_version_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_version_is_not_another_versions_thing, setup, teardown),
        cmocka_unit_test(what_a_version_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
