/* Which URLs may be asked over a connection, and what becomes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/url.h"
#include "plugin/connection.h"
#include "util/compiler.h"

static const char desk[] = "https://desk.example.org/zammad";

static void assert_becomes(const char *address, const char *url, const char *expected)
{
    struct buf out = BUF_INIT;
    const char *why = "";

    if (connection_url(&out, address, url, &why) != 0)
        fail_msg("%s: %s", url, why);
    assert_string_equal(buf_text(&out), expected);
    buf_finish(&out);
}

static void assert_refused(const char *address, const char *url, const char *reason)
{
    struct buf out = BUF_INIT;
    const char *why = NULL;

    if (connection_url(&out, address, url, &why) == 0)
        fail_msg("%s became %s", url, buf_text(&out));
    if (!strstr(why, reason))
        fail_msg("%s: \"%s\" does not say \"%s\"", url, why, reason);
    assert_int_equal(out.n, 0);
    buf_finish(&out);
}

static void a_path_is_added_to_the_address(void **state)
{
    (void)state;
    assert_becomes(desk, "/api/v1/users/me", "https://desk.example.org/zammad/api/v1/users/me");
    assert_becomes("https://x/zammad", "/api", "https://x/zammad/api");
    assert_becomes("https://x", "/api", "https://x/api");
    assert_becomes("https://x/", "/api", "https://x/api");
    assert_becomes("http://127.0.0.1:8080", "/api?a=..&b=/../#part", "http://127.0.0.1:8080/api?a=..&b=/../");
    assert_becomes(desk, "", desk);
    assert_becomes(desk, "?page=2", "https://desk.example.org/zammad?page=2");
    assert_becomes(desk, "/a..b/...", "https://desk.example.org/zammad/a..b/...");
}

static void a_whole_url_may_begin_as_the_address_does(void **state)
{
    (void)state;
    assert_becomes(desk, "https://desk.example.org/zammad", desk);
    assert_becomes(desk, "https://desk.example.org/zammad/api?page=2#x",
                   "https://desk.example.org/zammad/api?page=2");
    assert_becomes(desk, "https://desk.example.org/zammad?page=2", "https://desk.example.org/zammad?page=2");
    assert_becomes(desk, "HTTPS://Desk.Example.org:443/zammad/x", "HTTPS://Desk.Example.org:443/zammad/x");
    assert_becomes("https://x", "https://x", "https://x");
    assert_becomes("https://x", "https://x/y", "https://x/y");
    assert_becomes("http://10.0.0.1:8080", "http://10.0.0.1:8080/y", "http://10.0.0.1:8080/y");
}

static void nothing_leads_elsewhere(void **state)
{
    static const char *const urls[] = {
        "https://desk.example.org.evil.example/zammad",
        "https://desk.example.org@evil.example/zammad",
        "https://desk.example.org:8443/zammad",
        "http://desk.example.org/zammad",
        "https://evil.example/zammad",
        "https://desk.example.org/zammad2",
        "https://desk.example.org/zammad%2f",
        "https://desk.example.org/zammad-old/api",
        "https://desk.example.org/Zammad",
        "https://desk.example.org/",
        "https://desk.example.org",
        "https://user:pw@desk.example.org/zammad",
        "https:///zammad",
        "https:desk.example.org/zammad/x",
        "file:///etc/passwd",
        "gopher://desk.example.org/zammad",
        "javascript:alert(1)",
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(urls); i++)
        assert_refused(desk, urls[i], "");
    assert_refused(desk, "https://evil.example/zammad", "does not begin as the connection's address does");
    assert_refused("https://x", "https://x.evil.example/", "does not begin");
    assert_refused(desk, "//evil.example/zammad", "neither a path");
    assert_refused(desk, "evil.example/zammad", "neither a path");
    assert_refused(desk, "@evil.example", "neither a path");
    assert_refused(desk, ".evil.example", "neither a path");
    assert_refused(desk, "\\\\evil.example", "neither a path");
    assert_refused(desk, " /api", "neither a path");
}

static void nothing_climbs_out_of_the_path(void **state)
{
    static const char *const urls[] = {
        "/..",
        "/../admin",
        "/api/../../admin",
        "/api/%2e%2e/%2E./admin",
        "/api/..%2f..%2fadmin",
        "/api/..%5c..%5cadmin",
        "/api/..\\..\\admin",
        "/./admin",
        "/api/..;/..;x=1/admin",
        "/api/%2e%2e%3b/admin",
        "/api/..?x",
        "/api/..#x",
        "https://desk.example.org/zammad/../admin",
        "https://desk.example.org/zammad/%2e%2e/admin",
        "https://desk.example.org/x/../zammad",
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(urls); i++)
        assert_refused(desk, urls[i], "holds \"..\"");
}

/* Whatever is accepted, the client's own parser finds it at the address. */
static void what_is_accepted_is_at_the_address(void **state)
{
    static const char *const parts[] = {
        "/",    "..",  ".",      "%2e", "%2E.",     "%2f", "%5c",  "\\",   "?",
        "#",    "@",   ":",      "//",  "https://", "x",   "desk", "/a/b", "http:",
        "evil", "%00", "https:", ";",   "%",        "[",   "]",    "..;",  "desk.example/z"
    };
    static const char address[] = "https://desk.example/z", at[] = "https://desk.example/z";
    unsigned random = 7, accepted = 0;

    (void)state;
    for (int round = 0; round < 200000; round++) {
        char text[128] = "";
        for (unsigned i = 0, n = 1 + (random >> 20) % 7; i < n; i++) {
            random = random * 1103515245u + 12345u;
            strcat(text, parts[(random >> 16) % DW_COUNT_OF(parts)]); /* 7 times 14 bytes at most */
        }
        struct buf out = BUF_INIT;
        struct url url = { 0 };
        const char *why;
        if (connection_url(&out, address, text, &why) == 0 &&
            url_parse(&url, buf_text(&out), NULL, &why) == 0) {
            accepted++;
            char border = strncmp(url.text, at, strlen(at)) == 0 ? url.text[strlen(at)] : '!';
            if ((border && border != '/' && border != '?') || strcmp(url.host, "desk.example") != 0)
                fail_msg("%s became %s", text, url.text);
        }
        url_finish(&url);
        buf_finish(&out);
    }
    assert_true(accepted > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_added_to_the_address),
        cmocka_unit_test(a_whole_url_may_begin_as_the_address_does),
        cmocka_unit_test(nothing_leads_elsewhere),
        cmocka_unit_test(nothing_climbs_out_of_the_path),
        cmocka_unit_test(what_is_accepted_is_at_the_address),
    };

    return cmocka_run_group_tests_name("URLs over connections", tests, NULL, NULL);
}
