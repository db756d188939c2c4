#include "http/cors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/compiler.h"

static const char *const listed[] = { "https://app.example", "http://localhost:5173" };
static const char *const any[] = { "*" };
static const char *const mixed[] = { "*", "https://app.example" };

static const struct cors_policy none = { 0 };
static const struct cors_policy by_name = { .origins = listed, .origins_n = 2 };
static const struct cors_policy by_name_with_cookies = { .origins = listed,
                                                         .origins_n = 2,
                                                         .credentials = true };
static const struct cors_policy open_to_all = { .origins = any, .origins_n = 1, .credentials = true };
static const struct cors_policy open_and_named = { .origins = mixed, .origins_n = 2, .credentials = true };

static struct cors_decision decide(const struct cors_policy *policy, const char *origin)
{
    struct cors_request request = { .method = HTTP_GET,
                                    .origin = str_from(origin),
                                    .allowed = 1u << HTTP_GET };
    struct cors_decision d;
    memset(&d, 0xa5, sizeof(d)); /* nothing may be left as it was */
    cors_decide(policy, &request, &d);
    return d;
}

static void check(const struct cors_policy *policy, const char *origin, const char *allowed, bool credentials,
                  const char *vary)
{
    struct cors_decision d = decide(policy, origin);

    if (!str_equal(d.origin, str_from(allowed)) || d.credentials != credentials ||
        !str_equal(d.vary, str_from(vary)))
        fail_msg("%s: got origin %.*s, credentials %d, vary %.*s", origin ? origin : "(none)",
                 STR_ARG(d.origin), d.credentials, STR_ARG(d.vary));
    assert_int_equal(d.expose.n > 0, allowed != NULL);
    assert_false(d.is_preflight);
    assert_null(d.methods.p);
    assert_null(d.headers.p);
}

static void plain_requests_are_judged_by_origin(void **state)
{
    (void)state;
    check(&none, "https://app.example", NULL, false, NULL);
    check(&by_name, NULL, NULL, false, "Origin");
    check(&by_name, "https://app.example", "https://app.example", false, "Origin");
    check(&by_name, "http://localhost:5173", "http://localhost:5173", false, "Origin");
    check(&by_name_with_cookies, "https://app.example", "https://app.example", true, "Origin");

    check(&by_name, "https://app.example.evil.example", NULL, false, "Origin");
    check(&by_name, "https://evil-app.example", NULL, false, "Origin");
    check(&by_name, "http://app.example", NULL, false, "Origin");
    check(&by_name, "https://app.example:444", NULL, false, "Origin");
    check(&by_name, "https://app.example/", NULL, false, "Origin");
    check(&by_name, "*", NULL, false, "Origin");
    check(&by_name, "", NULL, false, "Origin");
}

static void a_star_never_goes_with_credentials(void **state)
{
    (void)state;
    check(&open_to_all, "https://evil.example", "*", false, NULL);
    check(&open_and_named, "https://evil.example", "*", false, "Origin");
    check(&open_and_named, "https://app.example", "https://app.example", true, "Origin");
}

static void the_null_origin_is_nobody(void **state)
{
    static const char *const names_null[] = { "null" };
    const struct cors_policy mistaken = { .origins = names_null, .origins_n = 1, .credentials = true };

    (void)state;
    check(&open_to_all, "null", NULL, false, NULL);
    check(&mistaken, "null", NULL, false, "Origin");
    check(&mistaken, "NULL", NULL, false, "Origin");
}

static struct cors_request preflight(const char *origin)
{
    return (struct cors_request){ .method = HTTP_OPTIONS,
                                  .origin = str_from(origin),
                                  .requested_method = STR("PUT"),
                                  .requested_headers = STR("authorization, content-type"),
                                  .allowed = 1u << HTTP_GET | 1u << HTTP_PUT | 1u << HTTP_DELETE };
}

static void a_preflight_learns_the_methods_of_the_route(void **state)
{
    struct cors_request request = preflight("https://app.example");
    struct cors_decision d;

    (void)state;
    cors_decide(&by_name_with_cookies, &request, &d);
    assert_true(d.is_preflight);
    assert_true(d.credentials);
    assert_true(str_equal(d.origin, STR_OF("https://app.example")));
    assert_true(str_equal(d.methods, STR_OF("GET, PUT, DELETE")));
    assert_ptr_equal(d.headers.p, request.requested_headers.p);
    assert_null(d.expose.p);
    assert_true(str_starts_with(d.vary, STR_OF("Origin, ")));
}

static void all_methods_have_room(void **state)
{
    struct cors_request request = preflight("https://app.example");
    struct cors_decision d;
    size_t commas = 0;

    (void)state;
    request.allowed = (1u << HTTP_METHODS) - 1;
    cors_decide(&by_name, &request, &d);
    for (size_t i = 0; i < d.methods.n; i++)
        commas += d.methods.p[i] == ',';
    assert_int_equal(commas, HTTP_METHODS - 1);
}

static void a_refused_preflight_says_nothing(void **state)
{
    struct cors_request request = preflight("https://evil.example");
    struct cors_decision d;

    (void)state;
    cors_decide(&by_name, &request, &d);
    assert_true(d.is_preflight);
    assert_null(d.origin.p);
    assert_null(d.methods.p);
    assert_null(d.headers.p);
    assert_false(d.credentials);
    assert_true(d.vary.n > 0);
}

static void what_is_no_preflight_is_an_ordinary_request(void **state)
{
    struct cors_decision d;

    (void)state;
    struct cors_request request = preflight("https://app.example");
    request.requested_method = str_make(NULL, 0);
    cors_decide(&by_name, &request, &d);
    assert_false(d.is_preflight);
    assert_true(d.origin.n > 0);

    request = preflight("https://app.example");
    request.allowed = 0; /* no such path: 404 */
    cors_decide(&by_name, &request, &d);
    assert_false(d.is_preflight);

    request = preflight("https://app.example");
    cors_decide(&none, &request, &d);
    assert_false(d.is_preflight);
    assert_null(d.vary.p);
}

static void header_names_are_not_echoed_blindly(void **state)
{
    static const char *const bad[] = { "x\r\ny", "a: b", "a;b", "a\"b", "\xc3\xbc", "" };
    struct cors_decision d;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        struct cors_request request = preflight("https://app.example");
        request.requested_headers = str_from(bad[i]);
        cors_decide(&by_name, &request, &d);
        assert_null(d.headers.p);
        assert_true(d.methods.n > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_requests_are_judged_by_origin),
        cmocka_unit_test(a_star_never_goes_with_credentials),
        cmocka_unit_test(the_null_origin_is_nobody),
        cmocka_unit_test(a_preflight_learns_the_methods_of_the_route),
        cmocka_unit_test(all_methods_have_room),
        cmocka_unit_test(a_refused_preflight_says_nothing),
        cmocka_unit_test(what_is_no_preflight_is_an_ordinary_request),
        cmocka_unit_test(header_names_are_not_echoed_blindly),
    };
    return cmocka_run_group_tests_name("cors", tests, NULL, NULL);
}
