#include "http/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "metrics/metrics.h"
#include "util/compiler.h"

static void handle(struct http_exchange *x)
{
    (void)x;
}

static int setup(void **state)
{
    struct router *r;

    metrics_reset();
    assert_int_equal(router_create(&r), 0);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    router_destroy(*state);
    metrics_reset();
    return 0;
}

static int try_add(struct router *r, enum http_method method, const char *path, char why[ROUTER_WHY_SIZE])
{
    struct http_route route = { .method = method, .path = path, .handler = handle };

    return router_add(r, &route, why);
}

static void add(struct router *r, enum http_method method, const char *path)
{
    char why[ROUTER_WHY_SIZE] = "";

    if (try_add(r, method, path, why) != 0)
        fail_msg("%s", why);
}

static struct router_match find(const struct router *r, enum http_method method, const char *path)
{
    struct router_match m;

    router_find(r, method, str_from(path), &m);
    return m;
}

/* The template that answers, or NULL. */
static const char *found(const struct router *r, const char *path)
{
    struct router_match m = find(r, HTTP_GET, path);
    return m.route ? m.route->path : NULL;
}

static void assert_param(const struct router_match *m, unsigned i, const char *name, const char *value)
{
    assert_true(i < m->params);
    assert_string_equal(m->param[i].name, name);
    assert_int_equal(m->param[i].value.n, strlen(value));
    assert_memory_equal(m->param[i].value.p, value, strlen(value));
}

static void an_empty_router_knows_nothing(void **state)
{
    struct router_match m = find(*state, HTTP_GET, "/");

    assert_null(m.route);
    assert_int_equal(m.allowed, 0);
}

static void literals_match_exactly(void **state)
{
    struct router *r = *state;

    add(r, HTTP_GET, "/");
    add(r, HTTP_GET, "/livez");
    add(r, HTTP_GET, "/api/v1/users");
    add(r, HTTP_GET, "/api/v1/user_settings");
    add(r, HTTP_GET, "/docs/");
    assert_string_equal(found(r, "/"), "/");
    assert_string_equal(found(r, "/livez"), "/livez");
    assert_string_equal(found(r, "/api/v1/users"), "/api/v1/users");
    assert_string_equal(found(r, "/api/v1/user_settings"), "/api/v1/user_settings");
    assert_string_equal(found(r, "/docs/"), "/docs/");
    static const char *const unknown[] = {
        "",        "livez",   "*",       "/live",           "/livezz",    "/livez/",
        "//livez", "/LIVEZ",  "/api/v1", "/api/v1/user_",   "/api/v1/",   "/docs",
        "//",      "/docs//", "/api",    "/api/v1/users/1", "/livez\x01",
    };
    for (size_t i = 0; i < DW_COUNT_OF(unknown); i++)
        assert_null(found(r, unknown[i]));
}

/* The first eight bytes are compared as an integer: what is shorter, longer, or differs after them must not be. */
static void keys_of_equal_prefix_are_told_apart(void **state)
{
    struct router *r = *state;
    static const char *const paths[] = { "/abcdefgh", "/abcdefghi", "/abcdefghj",
                                         "/abcdefg",  "/abcdefgx",  "/a" };
    struct router_match m;

    for (size_t i = 0; i < DW_COUNT_OF(paths); i++)
        add(r, HTTP_GET, paths[i]);
    for (size_t i = 0; i < DW_COUNT_OF(paths); i++)
        assert_string_equal(found(r, paths[i]), paths[i]);
    assert_null(found(r, "/abcdefghk"));
    assert_null(found(r, "/abcdefghii"));
    router_find(r, HTTP_GET, str_make("/a\0", 3), &m);
    assert_null(m.route);
}

static void parameters_are_cut_out(void **state)
{
    struct router *r = *state;

    add(r, HTTP_GET, "/users/{id}/keys/{key_2}");
    add(r, HTTP_GET, "/files/{rest...}");
    struct router_match m = find(r, HTTP_GET, "/users/42/keys/a b");
    assert_int_equal(m.params, 2);
    assert_param(&m, 0, "id", "42");
    assert_param(&m, 1, "key_2", "a b");
    assert_null(found(r, "/users//keys/1")); /* a parameter is never empty */
    assert_null(found(r, "/users/42/keys/"));
    m = find(r, HTTP_GET, "/files/a/b/c.txt");
    assert_int_equal(m.params, 1);
    assert_param(&m, 0, "rest", "a/b/c.txt");
    m = find(r, HTTP_GET, "/files/");
    assert_param(&m, 0, "rest", "");
    assert_null(found(r, "/files"));
}

static void eight_parameters_fit(void **state)
{
    struct router *r = *state;
    char why[ROUTER_WHY_SIZE];

    add(r, HTTP_GET, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h...}");
    struct router_match m = find(r, HTTP_GET, "/1/2/3/4/5/6/7/8/9");
    assert_int_equal(m.params, 8);
    assert_param(&m, 6, "g", "7");
    assert_param(&m, 7, "h", "8/9");
    assert_int_equal(try_add(r, HTTP_GET, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", why), -1);
}

static void what_is_more_precise_wins(void **state)
{
    struct router *r = *state;

    add(r, HTTP_GET, "/{rest...}");
    add(r, HTTP_GET, "/users/{id}");
    add(r, HTTP_GET, "/users/me");
    add(r, HTTP_GET, "/users/{id}/{part...}");
    add(r, HTTP_GET, "/users/");
    assert_string_equal(found(r, "/users/me"), "/users/me");
    assert_string_equal(found(r, "/users/you"), "/users/{id}");
    assert_string_equal(found(r, "/users/me/x"), "/users/{id}/{part...}");
    assert_string_equal(found(r, "/users/"), "/users/");
    assert_string_equal(found(r, "/users"), "/{rest...}");
    assert_string_equal(found(r, "/"), "/{rest...}");
}

/* What was tried in vain leaves no parameter behind. */
static void a_dead_end_is_left_again(void **state)
{
    struct router *r = *state;

    add(r, HTTP_GET, "/users/me/profile");
    add(r, HTTP_GET, "/users/{id}/keys");
    add(r, HTTP_GET, "/users/{id}/keys/{key}/log");
    add(r, HTTP_GET, "/users/{all...}");
    struct router_match m = find(r, HTTP_GET, "/users/me/keys");
    assert_string_equal(m.route->path, "/users/{id}/keys");
    assert_int_equal(m.params, 1);
    assert_param(&m, 0, "id", "me");
    m = find(r, HTTP_GET, "/users/me/keys/7/nothing");
    assert_string_equal(m.route->path, "/users/{all...}");
    assert_int_equal(m.params, 1);
    assert_param(&m, 0, "all", "me/keys/7/nothing");
}

static void methods_are_told_apart(void **state)
{
    struct router *r = *state;

    add(r, HTTP_GET, "/things");
    add(r, HTTP_POST, "/things");
    add(r, HTTP_DELETE, "/things/{id}");
    struct router_match m = find(r, HTTP_POST, "/things");
    assert_int_equal(m.route->method, HTTP_POST);
    assert_int_equal(m.allowed, 1u << HTTP_GET | 1u << HTTP_HEAD | 1u << HTTP_POST);
    m = find(r, HTTP_PUT, "/things");
    assert_null(m.route);
    assert_int_equal(m.allowed, 1u << HTTP_GET | 1u << HTTP_HEAD | 1u << HTTP_POST);
    m = find(r, HTTP_UNKNOWN, "/things/1");
    assert_null(m.route);
    assert_int_equal(m.allowed, 1u << HTTP_DELETE);
    assert_int_equal(find(r, HTTP_HEAD, "/things").route->method, HTTP_GET);
    assert_null(find(r, HTTP_HEAD, "/things/1").route);
}

static void head_may_have_a_route_of_its_own(void **state)
{
    struct router *r = *state;

    add(r, HTTP_HEAD, "/big");
    assert_null(find(r, HTTP_GET, "/big").route);
    add(r, HTTP_GET, "/big");
    assert_int_equal(find(r, HTTP_HEAD, "/big").route->method, HTTP_HEAD);
    assert_int_equal(find(r, HTTP_GET, "/big").route->method, HTTP_GET);
}

static void any_method_takes_what_is_left(void **state)
{
    struct router *r = *state;

    add(r, HTTP_UNKNOWN, "/hook");
    add(r, HTTP_GET, "/hook");
    assert_int_equal(find(r, HTTP_GET, "/hook").route->method, HTTP_GET);
    assert_int_equal(find(r, HTTP_HEAD, "/hook").route->method, HTTP_GET);
    assert_int_equal(find(r, HTTP_PUT, "/hook").route->method, HTTP_UNKNOWN);
    assert_int_equal(find(r, HTTP_UNKNOWN, "/hook").route->method, HTTP_UNKNOWN);
    assert_int_equal(find(r, HTTP_PUT, "/hook").allowed, (1u << HTTP_METHODS) - 1);
}

/* A path's template is chosen before its method: 405 is an answer, the next template's page is not. */
static void a_wrong_method_does_not_fall_through(void **state)
{
    struct router *r = *state;

    add(r, HTTP_POST, "/api/login");
    add(r, HTTP_GET, "/{page...}");
    struct router_match m = find(r, HTTP_GET, "/api/login");
    assert_null(m.route);
    assert_int_equal(m.allowed, 1u << HTTP_POST);
}

static void names_belong_to_their_template(void **state)
{
    struct router *r = *state;

    add(r, HTTP_GET, "/users/{id}");
    add(r, HTTP_GET, "/users/{user}/keys");
    struct router_match m = find(r, HTTP_GET, "/users/1");
    assert_param(&m, 0, "id", "1");
    m = find(r, HTTP_GET, "/users/1/keys");
    assert_param(&m, 0, "user", "1");
}

static void clashes_name_both_sides(void **state)
{
    struct router *r = *state;
    char why[ROUTER_WHY_SIZE] = "";

    add(r, HTTP_GET, "/users/{id}/keys");
    assert_int_equal(try_add(r, HTTP_POST, "/users/{user}/keys", why), -1);
    assert_non_null(strstr(why, "POST /users/{user}/keys"));
    assert_non_null(strstr(why, "/users/{id}/keys"));
    assert_int_equal(try_add(r, HTTP_GET, "/users/{id}/keys", why), -1);
    assert_non_null(strstr(why, "GET /users/{id}/keys"));
    add(r, HTTP_GET, "/f/{rest...}");
    assert_int_equal(try_add(r, HTTP_POST, "/f/{other...}", why), -1);
    assert_non_null(strstr(why, "/f/{rest...}"));
    assert_null(find(r, HTTP_POST, "/users/1/keys").route);
}

static void bad_templates_are_refused(void **state)
{
    static const struct {
        const char *path, *reason;
    } bad[] = {
        { NULL, "begins with '/'" },
        { "", "begins with '/'" },
        { "users", "begins with '/'" },
        { "//", "segment is empty" },
        { "/a//b", "segment is empty" },
        { "/a/./b", "resolved before" },
        { "/a/..", "resolved before" },
        { "/users/:id", "{name}" },
        { "/files/*", "{name...}" },
        { "/users/{id", "whole segment" },
        { "/users/id}", "whole segment" },
        { "/users/x{id}", "whole segment" },
        { "/users/{id}x", "whole segment" },
        { "/users/{}", "name of a parameter" },
        { "/users/{...}", "name of a parameter" },
        { "/users/{1d}", "name of a parameter" },
        { "/users/{i-d}", "name of a parameter" },
        { "/users/{a{b}}", "name of a parameter" },
        { "/{rest...}/x", "last segment" },
        { "/{rest...}/", "last segment" },
        { "/{id}/{id}", "same name" },
        { "/{id}/{id...}", "same name" },
        { "/a%20b", "decoded" },
        { "/a?b=c", "before '?'" },
        { "/a\x01", "control" },
        { "/a\xff", "UTF-8" },
        { "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32/33",
          "32" },
    };
    char why[ROUTER_WHY_SIZE];

    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        why[0] = 0;
        assert_int_equal(try_add(*state, HTTP_GET, bad[i].path, why), -1);
        if (!strstr(why, bad[i].reason))
            fail_msg("%s: said \"%s\", expected \"%s\"", bad[i].path, why, bad[i].reason);
    }
    add(*state, HTTP_GET, "/users:batch/r\xc3\xa9sum\xc3\xa9 1");
    assert_non_null(found(*state, "/users:batch/r\xc3\xa9sum\xc3\xa9 1"));
}

static void bad_routes_are_refused(void **state)
{
    char why[ROUTER_WHY_SIZE] = "";
    struct http_route route = { .path = "/x" };

    assert_int_equal(router_add(*state, &route, why), -1);
    assert_non_null(strstr(why, "no handler"));
    route.handler = handle;
    route.body = HTTP_BODY_STREAM;
    assert_int_equal(router_add(*state, &route, why), -1);
    assert_non_null(strstr(why, "HTTP_ON_WORKER"));
    route.where = HTTP_ON_WORKER;
    assert_int_equal(router_add(*state, &route, why), 0);
    route.method = (enum http_method)99;
    assert_int_equal(router_add(*state, &route, why), -1);
}

static void a_route_has_its_histogram(void **state)
{
    struct buf page = BUF_INIT;

    add(*state, HTTP_GET, "/users/{id}");
    add(*state, HTTP_UNKNOWN, "/quo\"te");
    metric_observe_us(find(*state, HTTP_HEAD, "/users/1").route->duration, 1500);
    metrics_write(&page);
    assert_non_null(strstr(buf_text(&page), "dowel_http_request_duration_seconds_count"
                                            "{method=\"GET\",route=\"/users/{id}\"} 1\n"));
    assert_non_null(strstr(buf_text(&page), "dowel_http_request_duration_seconds_count"
                                            "{method=\"any\",route=\"/quo\\\"te\"} 0\n"));
    buf_finish(&page);
}

static void collect(const struct http_route *route, void *ud)
{
    struct buf *b = ud;

    buf_add_format(b, "%s %s\n", route->method == HTTP_UNKNOWN ? "any" : http_method_name(route->method),
                   route->path);
}

static void each_goes_in_order(void **state)
{
    struct router *r = *state;
    struct buf seen = BUF_INIT;

    add(r, HTTP_GET, "/b/{x}/c");
    add(r, HTTP_GET, "/b/{rest...}");
    add(r, HTTP_UNKNOWN, "/b");
    add(r, HTTP_POST, "/b");
    add(r, HTTP_GET, "/b");
    add(r, HTTP_GET, "/b/longer-than-8");
    add(r, HTTP_GET, "/b/longer-than");
    add(r, HTTP_GET, "/a");
    add(r, HTTP_GET, "/");
    router_each(r, collect, &seen);
    assert_string_equal(buf_text(&seen), "GET /\nGET /a\nGET /b\nPOST /b\nany /b\nGET /b/longer-than\n"
                                         "GET /b/longer-than-8\nGET /b/{x}/c\nGET /b/{rest...}\n");
    buf_finish(&seen);
}

/* ---- against a matcher that is too simple to be wrong ---- */

enum { TEMPLATES = 40, PATH_SIZE = 64, ROUNDS = 300, LOOK_UPS = 200 };

static uint64_t seed;

static unsigned dice(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static void random_template(char out[PATH_SIZE])
{
    static const char *const words[] = { "a", "b", "longword1", "longword2", "{?}", "{?}" };
    unsigned segments = 1 + dice(4), n = 0;

    for (unsigned i = 0; i < segments; i++) {
        bool last = i + 1 == segments;
        const char *word = last && dice(4) == 0 ? "{?...}" : last && dice(6) == 0 ? "" : words[dice(6)];
        n += (unsigned)snprintf(out + n, PATH_SIZE - n, "/%s", word);
        /* One letter a position, so that two templates of the same shape are spelt alike. */
        char *name = strchr(out, '?');
        if (name)
            *name = (char)('p' + i);
    }
}

static void random_path(char out[PATH_SIZE])
{
    static const char *const words[] = { "a", "b", "longword1", "longword2", "c", "" };
    unsigned segments = 1 + dice(5), n = 0;

    for (unsigned i = 0; i < segments; i++)
        n += (unsigned)snprintf(out + n, PATH_SIZE - n, "/%s", words[dice(6)]);
}

/* How the template matches: a letter a segment, the smaller text being the better match. False when it does not. */
static bool naive_match(const char *template, const char *path, char how[PATH_SIZE])
{
    struct str t = str_from(template + 1), p = str_from(path + 1), ts, ps;
    unsigned n = 0;

    memset(how, 0, PATH_SIZE);
    while (str_split(&t, '/', &ts)) {
        if (str_ends_with(ts, STR_OF("...}"))) {
            how[n] = 'r';
            return p.p != NULL;
        }
        if (!str_split(&p, '/', &ps))
            return false;
        if (ts.n && ts.p[0] == '{') {
            how[n++] = 'p';
            if (ps.n == 0)
                return false;
        } else {
            how[n++] = 'l';
            if (!str_equal(ts, ps))
                return false;
        }
    }
    return p.p == NULL;
}

static const char *naive_find(char templates[][PATH_SIZE], unsigned n, const char *path)
{
    char best[PATH_SIZE] = "~", how[PATH_SIZE];
    const char *winner = NULL;

    for (unsigned i = 0; i < n; i++) {
        if (naive_match(templates[i], path, how) && strcmp(how, best) < 0) {
            memcpy(best, how, sizeof(best));
            winner = templates[i];
        }
    }
    return winner;
}

/* The template with the values put back in is the path again. */
static void assert_params_fill(const struct router_match *m, const char *path)
{
    struct str t = str_from(m->route->path + 1), ts;
    char filled[2 * PATH_SIZE];
    unsigned n = 0, used = 0;

    while (str_split(&t, '/', &ts)) {
        struct str v = ts.n && ts.p[0] == '{' ? m->param[used++].value : ts;
        n += (unsigned)snprintf(filled + n, sizeof(filled) - n, "/%.*s", STR_ARG(v));
    }
    assert_int_equal(used, m->params);
    assert_string_equal(filled, path);
}

static void random_trees_match_like_the_naive_one(void **state)
{
    char templates[TEMPLATES][PATH_SIZE], path[PATH_SIZE], why[ROUTER_WHY_SIZE];
    unsigned hits = 0, misses = 0;

    (void)state;
    seed = 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct router *r;
        unsigned n = 0;
        assert_int_equal(router_create(&r), 0);
        for (unsigned i = 1 + dice(TEMPLATES - 1); i > 0; i--) {
            random_template(templates[n]);
            n += try_add(r, HTTP_GET, templates[n], why) == 0;
        }
        for (unsigned i = 0; i < LOOK_UPS; i++) {
            random_path(path);
            struct router_match m = find(r, HTTP_GET, path);
            const char *wanted = naive_find(templates, n, path);
            if ((m.route ? m.route->path : NULL) != wanted)
                fail_msg("%s: %s instead of %s", path, m.route ? m.route->path : "none",
                         wanted ? wanted : "none");
            if (m.route)
                assert_params_fill(&m, path);
            hits += m.route != NULL;
            misses += m.route == NULL;
        }
        router_destroy(r);
    }
    assert_true(hits > ROUNDS * LOOK_UPS / 10 && misses > ROUNDS * LOOK_UPS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_router_knows_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(literals_match_exactly, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_of_equal_prefix_are_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(parameters_are_cut_out, setup, teardown),
        cmocka_unit_test_setup_teardown(eight_parameters_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_more_precise_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_end_is_left_again, setup, teardown),
        cmocka_unit_test_setup_teardown(methods_are_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(head_may_have_a_route_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(any_method_takes_what_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_method_does_not_fall_through, setup, teardown),
        cmocka_unit_test_setup_teardown(names_belong_to_their_template, setup, teardown),
        cmocka_unit_test_setup_teardown(clashes_name_both_sides, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_templates_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_routes_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_route_has_its_histogram, setup, teardown),
        cmocka_unit_test_setup_teardown(each_goes_in_order, setup, teardown),
        cmocka_unit_test(random_trees_match_like_the_naive_one),
    };
    return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
