#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "util/address.h"
#include "util/compiler.h"

static struct address parsed(const char *text)
{
    struct address a;

    if (address_parse(str_from(text), &a) != 0)
        fail_msg("%s was not read", text);
    return a;
}

static void parse_reads_only_canonical_notations(void **state)
{
    static const char *const bad[] = {
        "",           "127.1",        "0x7f.0.0.1",  "0177.0.0.1", "2130706433", "127.0.0.1.",
        " 127.0.0.1", "fe80::1%eth0", "[127.0.0.1]", "[::1",       "::1]",       "1.2.3.4.5",
        "256.1.1.1",  "localhost",    "1.2.3",       ":::",
    };
    struct address a;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(bad); i++) {
        if (address_parse(str_from(bad[i]), &a) == 0)
            fail_msg("%s was read", bad[i]);
    }
    assert_int_equal(address_parse(str_make("1.2.3.4\0", 8), &a), -1);
}

static void mapped_and_plain_are_one_address(void **state)
{
    struct address plain = parsed("127.0.0.1"), mapped = parsed("::ffff:127.0.0.1"),
                   hex = parsed("[::ffff:7f00:1]");

    (void)state;
    assert_true(address_equal(&plain, &mapped));
    assert_true(address_equal(&plain, &hex));
    assert_int_equal(mapped.size, 4);
}

/* What the C library takes for an address is the measure: whatever it reads, we must read alike. */
static void lenient_reads_what_inet_aton_reads(void **state)
{
    static const char *const texts[] = {
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0X7F.1",
        "017700000001",
        "0177.0.0.1",
        "0x7f.0.0.0x1",
        "0",
        "1",
        "010.0.0.1",
        "08.0.0.1",
        "4294967295",
        "4294967296",
        "1.16777215",
        "1.16777216",
        "1.2.65535",
        "1.2.65536",
        "256.1",
        "1.2.3.256",
        "0x",
        "0x.1",
        "1..2",
        ".1",
        "1.2.3.4.5",
        "12a",
        "0xg",
        "00000000177.0.0.1",
        "0x00000007f.1",
        "127.0.0.0x01",
        "1.2.3.",
        "-1",
        "+1",
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(texts); i++) {
        struct in_addr theirs;
        struct address ours;
        bool dotted = texts[i][strlen(texts[i]) - 1] == '.'; /* a name's root dot: inet_aton() knows none */
        int want = inet_aton(texts[i], &theirs) ? 0 : -1;
        int got = address_parse_lenient(str_from(texts[i]), &ours);
        if (!dotted && got != want)
            fail_msg("%s: %d, inet_aton says %d", texts[i], got, want);
        if (!dotted && want == 0 && memcmp(ours.bytes, &theirs, 4) != 0)
            fail_msg("%s was read as another address", texts[i]);
    }
}

static void lenient_looks_through_the_root_dot(void **state)
{
    static const char *const texts[] = { "127.0.0.1.", "127.1.", "2130706433.", "0x7f000001." };
    struct address loopback = parsed("127.0.0.1"), a;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(texts); i++) {
        assert_int_equal(address_parse_lenient(str_from(texts[i]), &a), 0);
        assert_true(address_equal(&a, &loopback));
    }
    assert_int_equal(address_parse_lenient(str_from("127.0.0.1.."), &a), -1);
    assert_int_equal(address_parse_lenient(str_from("."), &a), -1);
    assert_int_equal(address_parse_lenient(str_from("[::1]"), &a), 0);
    assert_int_equal(address_parse_lenient(str_from("fe80::1%1"), &a), -1);
}

static void scopes_follow_the_registries(void **state)
{
    static const struct {
        const char *text;
        enum address_scope scope;
    } cases[] = {
        { "8.8.8.8", ADDRESS_GLOBAL },
        { "172.15.255.255", ADDRESS_GLOBAL },
        { "172.32.0.0", ADDRESS_GLOBAL },
        { "100.63.255.255", ADDRESS_GLOBAL },
        { "100.128.0.0", ADDRESS_GLOBAL },
        { "2606:4700::1111", ADDRESS_GLOBAL },
        { "127.255.255.254", ADDRESS_LOOPBACK },
        { "::1", ADDRESS_LOOPBACK },
        { "::ffff:127.0.0.1", ADDRESS_LOOPBACK },
        { "10.255.255.255", ADDRESS_PRIVATE },
        { "172.16.0.0", ADDRESS_PRIVATE },
        { "172.31.255.255", ADDRESS_PRIVATE },
        { "192.168.0.1", ADDRESS_PRIVATE },
        { "100.64.0.1", ADDRESS_PRIVATE },
        { "fd12:3456::1", ADDRESS_PRIVATE },
        { "fec0::1", ADDRESS_PRIVATE },
        { "169.254.169.254", ADDRESS_LINK_LOCAL },
        { "::ffff:169.254.169.254", ADDRESS_LINK_LOCAL },
        { "fe80::1", ADDRESS_LINK_LOCAL },
        { "febf::1", ADDRESS_LINK_LOCAL },
        { "0.0.0.0", ADDRESS_RESERVED },
        { "0.1.2.3", ADDRESS_RESERVED },
        { "192.0.2.1", ADDRESS_RESERVED },
        { "198.19.0.1", ADDRESS_RESERVED },
        { "224.0.0.1", ADDRESS_RESERVED },
        { "255.255.255.255", ADDRESS_RESERVED },
        { "::", ADDRESS_RESERVED },
        { "::2", ADDRESS_RESERVED },
        { "ff02::1", ADDRESS_RESERVED },
        { "2001:db8::1", ADDRESS_RESERVED },
        { "2001::1", ADDRESS_RESERVED }, /* Teredo */
        { "100::1", ADDRESS_RESERVED },  /* discard */
        { "4000::1", ADDRESS_RESERVED }, /* not given out */
        { "64:ff9b:1::1", ADDRESS_RESERVED },
    };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct address a = parsed(cases[i].text);
        if (address_scope_of(&a) != cases[i].scope)
            fail_msg("%s: scope %d", cases[i].text, address_scope_of(&a));
    }
}

/* An address inside an address: a router at the edge unpacks it and we are inside again. */
static void embedded_addresses_decide(void **state)
{
    static const struct {
        const char *text;
        enum address_scope scope;
    } cases[] = {
        { "64:ff9b::8.8.8.8", ADDRESS_GLOBAL },      { "64:ff9b::127.0.0.1", ADDRESS_LOOPBACK },
        { "64:ff9b::10.0.0.1", ADDRESS_PRIVATE },    { "64:ff9b::169.254.169.254", ADDRESS_LINK_LOCAL },
        { "2002:808:808::1", ADDRESS_GLOBAL },       { "2002:7f00:1::", ADDRESS_LOOPBACK },
        { "2002:a9fe:a9fe::1", ADDRESS_LINK_LOCAL }, { "2002:c0a8:1::1", ADDRESS_PRIVATE },
        { "::10.0.0.1", ADDRESS_PRIVATE },           { "::169.254.169.254", ADDRESS_LINK_LOCAL },
        { "::8.8.8.8", ADDRESS_RESERVED },           { "::ffff:0:127.0.0.1", ADDRESS_LOOPBACK },
        { "::ffff:0:8.8.8.8", ADDRESS_RESERVED },
    };
    struct address plain = parsed("2606:4700::1111"), four = parsed("8.8.8.8"), inner;

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        struct address a = parsed(cases[i].text);
        assert_true(address_embedded(&a, &inner));
        if (address_scope_of(&a) != cases[i].scope)
            fail_msg("%s: scope %d", cases[i].text, address_scope_of(&a));
    }
    assert_false(address_embedded(&plain, &inner));
    assert_false(address_embedded(&four, &inner));
}

static void networks_hold_their_addresses(void **state)
{
    struct network net;
    struct address in = parsed("10.1.2.3"), out = parsed("11.0.0.0"), mapped = parsed("::ffff:10.1.2.3"),
                   six = parsed("fd00::1");

    (void)state;
    assert_int_equal(network_parse(str_from("10.0.0.0/8"), &net), 0);
    assert_true(network_contains(&net, &in));
    assert_true(network_contains(&net, &mapped));
    assert_false(network_contains(&net, &out));
    assert_false(network_contains(&net, &six));
    assert_int_equal(network_parse(str_from("fd00::/9"), &net), 0);
    assert_true(network_contains(&net, &six));
    assert_int_equal(network_parse(str_from("10.1.2.3"), &net), 0);
    assert_int_equal(net.bits, 32);
    assert_int_equal(network_parse(str_from("0.0.0.0/0"), &net), 0);
    assert_true(network_contains(&net, &out));
    assert_int_equal(network_parse(str_from("10.0.0.1/8"), &net), -1);
    assert_int_equal(network_parse(str_from("10.0.0.0/33"), &net), -1);
    assert_int_equal(network_parse(str_from("10.0.0.0/"), &net), -1);
}

static void sockaddrs_go_there_and_back(void **state)
{
    static const char *const texts[] = { "192.0.2.1", "2001:db8::1" };

    (void)state;
    for (size_t i = 0; i < DW_COUNT_OF(texts); i++) {
        struct address a = parsed(texts[i]), b;
        struct sockaddr_storage sa;
        char text[ADDRESS_TEXT_SIZE];
        uint16_t port;
        assert_true(address_to_sockaddr(&a, 8080, &sa) > 0);
        address_from_sockaddr((const struct sockaddr *)&sa, &b, &port);
        assert_true(address_equal(&a, &b));
        assert_int_equal(port, 8080);
        address_format(&b, text);
        assert_string_equal(text, texts[i]);
    }
    struct address none = { .size = 0 };
    char text[ADDRESS_TEXT_SIZE];
    address_format(&none, text);
    assert_string_equal(text, "unix");
    assert_int_equal(address_scope_of(&none), ADDRESS_RESERVED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_reads_only_canonical_notations),
        cmocka_unit_test(mapped_and_plain_are_one_address),
        cmocka_unit_test(lenient_reads_what_inet_aton_reads),
        cmocka_unit_test(lenient_looks_through_the_root_dot),
        cmocka_unit_test(scopes_follow_the_registries),
        cmocka_unit_test(embedded_addresses_decide),
        cmocka_unit_test(networks_hold_their_addresses),
        cmocka_unit_test(sockaddrs_go_there_and_back),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
