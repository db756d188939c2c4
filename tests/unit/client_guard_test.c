/* The pure half of the outbound client: guard, URLs, retry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "client/guard.h"
#include "client/retry.h"
#include "client/url.h"
#include "util/clock.h"
#include "util/compiler.h"

static const struct guard closed;

static struct address address_of(const char *text)
{
    struct address a;

    if (address_parse(str_from(text), &a) != 0)
        fail_msg("%s was not read", text);
    return a;
}

static struct network network_of(const char *text)
{
    struct network net;

    if (network_parse(str_from(text), &net) != 0)
        fail_msg("%s was not read", text);
    return net;
}

static enum guard_verdict check(const struct guard *g, const char *text)
{
    struct address a = address_of(text);
    return guard_check(g, &a);
}

static void only_public_addresses_pass(void **state)
{
    static const char *const inside[] = {
        "127.0.0.1",      "::1", "10.0.0.1",  "192.168.1.1",     "100.64.0.1",    "fd00::1",
        "0.0.0.0",        "::",  "224.0.0.1", "255.255.255.255", "2002:7f00:1::", "64:ff9b::10.0.0.1",
        "::ffff:10.0.0.1"
    };
    static const char *const never[] = { "169.254.169.254",    "169.254.0.1",           "fe80::1",
                                         "168.63.129.16",      "100.100.100.200",       "fd00:ec2::254",
                                         "192.0.0.192",        "fd20:ce::254",          "2002:a9fe:a9fe::",
                                         "64:ff9b::a9fe:a9fe", "64:ff9b::168.63.129.16" };

    (void)state;
    assert_int_equal(check(&closed, "8.8.8.8"), GUARD_ALLOWED);
    assert_int_equal(check(&closed, "2606:4700::1111"), GUARD_ALLOWED);
    for (size_t i = 0; i < DW_COUNT_OF(inside); i++) {
        if (check(&closed, inside[i]) != GUARD_INSIDE)
            fail_msg("%s", inside[i]);
    }
    for (size_t i = 0; i < DW_COUNT_OF(never); i++) {
        if (check(&closed, never[i]) != GUARD_NEVER)
            fail_msg("%s", never[i]);
    }
}

static void lists_open_what_they_name_and_nothing_else(void **state)
{
    const struct network first[] = { network_of("10.1.0.0/16") }, second[] = { network_of("127.0.0.1") };
    const struct guard g = { .allow = first, .allow_n = 1, .also = second, .also_n = 1 };

    (void)state;
    assert_int_equal(check(&g, "10.1.2.3"), GUARD_ALLOWED);
    assert_int_equal(check(&g, "10.2.0.1"), GUARD_INSIDE);
    assert_int_equal(check(&g, "127.0.0.1"), GUARD_ALLOWED);
    assert_int_equal(check(&g, "::1"), GUARD_ALLOWED); /* localhost is both */
    assert_int_equal(check(&g, "127.0.0.2"), GUARD_INSIDE);
    assert_int_equal(check(&g, "64:ff9b::10.1.2.3"), GUARD_INSIDE); /* named in its own form or not at all */
}

static void link_local_cannot_be_allowed(void **state)
{
    const struct network all[] = { network_of("0.0.0.0/0"), network_of("::/0") };
    const struct guard g = { .allow = all, .allow_n = 2 };

    (void)state;
    assert_int_equal(check(&g, "192.168.0.1"), GUARD_ALLOWED);
    assert_int_equal(check(&g, "169.254.169.254"), GUARD_NEVER);
    assert_int_equal(check(&g, "fe80::1"), GUARD_NEVER);
    assert_int_equal(check(&g, "fd00:ec2::254"), GUARD_NEVER);
    assert_int_equal(check(&g, "64:ff9b::169.254.169.254"), GUARD_NEVER);
}

static void one_bad_address_condemns_the_name(void **state)
{
    struct address list[] = { address_of("8.8.8.8"), address_of("10.0.0.1"), address_of("1.1.1.1") };
    size_t which = 9;

    (void)state;
    assert_int_equal(guard_check_all(&closed, list, 3, &which), GUARD_INSIDE);
    assert_int_equal(which, 1);
    assert_int_equal(guard_check_all(&closed, list, 1, &which), GUARD_ALLOWED);
    assert_string_equal(guard_describe(&list[1]), "a private address");
    list[1] = address_of("168.63.129.16");
    assert_string_equal(guard_describe(&list[1]), "a cloud metadata service");
}

static void names_that_tell_are_judged(void **state)
{
    const struct network loopback[] = { network_of("127.0.0.0/8") };
    const struct guard open = { .allow = loopback, .allow_n = 1 };

    (void)state;
    assert_int_equal(guard_check_name(&closed, str_from("example.com")), GUARD_ALLOWED);
    assert_int_equal(guard_check_name(&closed, str_from("localhost")), GUARD_INSIDE);
    assert_int_equal(guard_check_name(&closed, str_from("localhost.")), GUARD_INSIDE);
    assert_int_equal(guard_check_name(&closed, str_from("a.localhost")), GUARD_INSIDE);
    assert_int_equal(guard_check_name(&closed, str_from("notlocalhost")), GUARD_ALLOWED);
    assert_int_equal(guard_check_name(&open, str_from("localhost")), GUARD_ALLOWED);
    assert_int_equal(guard_check_name(&open, str_from("metadata.google.internal.")), GUARD_NEVER);
}

/* ---- URLs ---- */

static void every_notation_of_loopback_is_loopback(void **state)
{
    static const char *const urls[] = {
        "http://127.0.0.1/",          "http://127.1/",           "http://0x7f.1/",
        "http://0177.0.0.1/",         "http://2130706433/",      "http://0x7f000001/",
        "http://017700000001/",       "http://127.0.0.1./",      "http://127.1./",
        "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[0:0:0:0:0:ffff:127.0.0.1]/",
        "http://%31%32%37.0.0.1/",    "http://127%2e0%2e0%2e1/", "http://%32130706433/../",
        "HTTP://127.0.0.1:80/",
    };
    struct address loopback = address_of("127.0.0.1");

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(urls); i++) {
        struct url url;
        const char *why;
        if (url_parse(&url, urls[i], NULL, &why) != 0)
            fail_msg("%s was refused: %s", urls[i], why);
        if (!address_equal(&url.address, &loopback))
            fail_msg("%s became host %s", urls[i], url.host);
        assert_string_equal(url.host, "127.0.0.1");
        assert_string_equal(url.text, "http://127.0.0.1/");
        url_finish(&url);
    }
}

static const struct {
    const char *url, *why;
} tricks[] = {
    { "http://public.example@127.0.0.1/", "user name" },
    { "http://u:p@host.example/", "user name" },
    { "http://host.example\r\nX: y/", "control" },
    { "http://host.example/a b", "white space" },
    { "http://host.example/\x01", "control" },
    { " http://host.example/", "white space" },
    { "ftp://host.example/", "http://" },
    { "file:///etc/passwd", "http://" },
    { "gopher://127.0.0.1:6379/_x", "http://" },
    { "javascript:alert(1)", "" },
    { "//host.example/", "" },
    { "/path", "" },
    { "", "" },
    { "host.example", "" },
    { "http://[fe80::1%25eth0]/", "zone" },
    { "http://[::1", "" },
    { "http://[v1.x]/", "" },
    { "http://host.example:0/", "port" },
    { "http://host.example:65536/", "port" },
    { "http://host.example:8x/", "" },
    { "http://ho%00st.example/", "" },
    { "http://host%0d%0a.example/", "" },
    { "http://evil.example\\@127.0.0.1/", "" },
    { "http://127.0.0.256/", "" },
    { "http://1.2.3.4.5/", "" },
    { "http://08/", "" },
    { "http://a..b/", "" },
    { "http://.example/", "" },
    { "http://exa$mple.com/", "" },
    { "http://b\xc3\xbc\x63her.example/", "xn--" },
    { "http://%ef%bc%91.example/", "xn--" },
    { "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", "xn--" }, /* full-width digits */
    { "http://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/", "xn--" }, /* circled digits */
    { "http://127%e3%80%820%e3%80%820%e3%80%821/", "xn--" },          /* ideographic full stops */
    { "http:////127.0.0.1/", "" },
    { "http:///", "" },
};

static void tricks_are_refused(void **state)
{

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(tricks); i++) {
        struct url url;
        const char *why = "";
        if (url_parse(&url, tricks[i].url, NULL, &why) == 0)
            fail_msg("%s was taken as %s", tricks[i].url, url.text);
        if (!strstr(why, tricks[i].why))
            fail_msg("%s: %s", tricks[i].url, why);
        url_finish(&url);
    }
}

static void good_urls_become_canonical(void **state)
{
    static const struct {
        const char *url, *text, *shown, *host;
        uint16_t port;
        bool tls;
    } cases[] = {
        { "http://Example.COM", "http://example.com/", "http://example.com/", "example.com", 80, false },
        { "https://example.com:8443/a?key=1#x", "https://example.com:8443/a?key=1",
          "https://example.com:8443/a", "example.com", 8443, true },
        { "https://[2001:DB8:0::1]/x", "https://[2001:db8::1]/x", "https://[2001:db8::1]/x", "2001:db8::1",
          443, true },
        { "http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/",
          "xn--bcher-kva.example", 80, false },
        { "https://example.com:443/", "https://example.com/", "https://example.com/", "example.com", 443,
          true },
        { "http://example.com/\xc3\xa4?q=\xc3\xa4", "http://example.com/%c3%a4?q=%c3%a4",
          "http://example.com/%c3%a4", "example.com", 80, false },
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct url url;
        const char *why;
        if (url_parse(&url, cases[i].url, NULL, &why) != 0)
            fail_msg("%s: %s", cases[i].url, why);
        assert_string_equal(url.text, cases[i].text);
        assert_string_equal(url.shown, cases[i].shown);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.tls, cases[i].tls);
        url_finish(&url);
    }
}

static void references_and_origins(void **state)
{
    static const struct {
        const char *to, *text;
        bool same;
    } cases[] = {
        { "/b?c=d", "https://a.example/b?c=d", true },
        { "x", "https://a.example/dir/x", true },
        { "../x", "https://a.example/x", true },
        { "?q", "https://a.example/dir/page?q", true },
        { "//b.example/x", "https://b.example/x", false },
        { "http://a.example/", "http://a.example/", false },
        { "https://a.example:444/", "https://a.example:444/", false },
        { "https://A.example:443/", "https://a.example/", true },
    };
    struct url base;
    const char *why;

    (void)state;
    assert_int_equal(url_parse(&base, "https://a.example/dir/page", NULL, &why), 0);
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct url url;
        if (url_parse(&url, cases[i].to, &base, &why) != 0)
            fail_msg("%s: %s", cases[i].to, why);
        assert_string_equal(url.text, cases[i].text);
        assert_int_equal(url_same_origin(&base, &url), cases[i].same);
        url_finish(&url);
    }
    struct url url;
    assert_int_equal(url_parse(&url, "//u:p@b.example/", &base, &why), -1);
    url_finish(&url);
    assert_int_equal(url_parse(&url, "file:///etc/passwd", &base, &why), -1);
    url_finish(&url);
    url_finish(&base);
}

static void proxies(void **state)
{
    struct proxy_url p;
    const char *why;

    (void)state;
    assert_int_equal(proxy_url_parse(&p, "http://us%65r:p%40ss@Proxy.example:3128", &why), 0);
    assert_string_equal(p.host, "proxy.example");
    assert_string_equal(p.user, "user");
    assert_string_equal(p.password, "p@ss");
    assert_int_equal(p.port, 3128);
    assert_false(p.socks);
    proxy_url_finish(&p);
    assert_int_equal(proxy_url_parse(&p, "socks5h://[::1]:1080", &why), 0);
    assert_true(p.socks);
    assert_int_equal(p.address.size, 16);
    proxy_url_finish(&p);
    static const char *const bad[] = { "https://proxy.example:3128", "socks4://p:1",       "proxy.example",
                                       "http://p.example",           "http://p.example:0", "http://p\n:80" };
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        if (proxy_url_parse(&p, bad[i], &why) == 0)
            fail_msg("%s was taken", bad[i]);
        proxy_url_finish(&p);
    }
}

static void queries_are_encoded(void **state)
{
    struct buf url = BUF_INIT;

    (void)state;
    buf_add_text(&url, "https://a.example/x");
    url_add_query(&url, STR_OF("q"), STR_OF("a b&c=d/\xc3\xa4"));
    url_add_query(&url, STR_OF("n"), str_make("\0", 1));
    assert_string_equal(buf_text(&url), "https://a.example/x?q=a%20b%26c%3Dd%2F%C3%A4&n=%00");
    buf_finish(&url);
}

/* ---- retry ---- */

static void methods_and_statuses(void **state)
{
    static const char *const idempotent[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS" };
    static const char *const others[] = { "POST", "PATCH", "get", "" };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(idempotent); i++)
        assert_true(retry_is_idempotent(str_from(idempotent[i])));
    for (size_t i = 0; i < DW_COUNT_OF(others); i++)
        assert_false(retry_is_idempotent(str_from(others[i])));
    assert_true(retry_is_transient(408) && retry_is_transient(429) && retry_is_transient(502));
    assert_true(retry_is_transient(503) && retry_is_transient(504));
    assert_false(retry_is_transient(500) || retry_is_transient(400) || retry_is_transient(200));
}

static void retry_after_reads_both_forms(void **state)
{
    const int64_t now = 784111777 * (int64_t)CLOCK_SECOND; /* Sun, 06 Nov 1994 08:49:37 GMT */
    const int64_t day = 86400 * (int64_t)CLOCK_SECOND;

    (void)state;
    assert_int_equal(retry_after_us(STR_OF("7"), now), 7 * CLOCK_SECOND);
    assert_int_equal(retry_after_us(STR_OF(" 0 "), now), 0);
    assert_int_equal(retry_after_us(STR_OF("99999999999999999"), now), day);
    assert_int_equal(retry_after_us(STR_OF("Sun, 06 Nov 1994 08:49:40 GMT"), now), 3 * CLOCK_SECOND);
    assert_int_equal(retry_after_us(STR_OF("Sun, 06 Nov 1994 08:49:30 GMT"), now), 0);
    assert_int_equal(retry_after_us(STR_OF("Sun, 06 Nov 2094 08:49:30 GMT"), now), day);
    assert_int_equal(retry_after_us(STR_OF("soon"), now), -1);
    assert_int_equal(retry_after_us(STR_OF("-1"), now), -1);
    assert_int_equal(retry_after_us(STR_OF(""), now), -1);
}

static void backoff_doubles_up_to_its_cap(void **state)
{
    (void)state;
    assert_int_equal(retry_backoff_us(1, 100, 1000, 100), 100);
    assert_int_equal(retry_backoff_us(1, 100, 1000, 101), 0);
    assert_int_equal(retry_backoff_us(3, 100, 1000, 400), 400);
    assert_int_equal(retry_backoff_us(9, 100, 1000, 1000), 1000);
    for (uint64_t random = 0; random < 10000; random += 7) {
        int64_t span = retry_backoff_us(4000000000u, 100, 1000, random);
        assert_true(span >= 0 && span <= 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_public_addresses_pass),
        cmocka_unit_test(lists_open_what_they_name_and_nothing_else),
        cmocka_unit_test(link_local_cannot_be_allowed),
        cmocka_unit_test(one_bad_address_condemns_the_name),
        cmocka_unit_test(names_that_tell_are_judged),
        cmocka_unit_test(every_notation_of_loopback_is_loopback),
        cmocka_unit_test(tricks_are_refused),
        cmocka_unit_test(good_urls_become_canonical),
        cmocka_unit_test(references_and_origins),
        cmocka_unit_test(proxies),
        cmocka_unit_test(queries_are_encoded),
        cmocka_unit_test(methods_and_statuses),
        cmocka_unit_test(retry_after_reads_both_forms),
        cmocka_unit_test(backoff_doubles_up_to_its_cap),
    };
    return cmocka_run_group_tests_name("client guard", tests, NULL, NULL);
}
