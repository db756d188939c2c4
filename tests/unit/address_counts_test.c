/* Connections per address: the limit, what counts as one address, and that numbers come back to nothing. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/address_counts.h"
#include "util/compiler.h"

static struct address address_of(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(str_from(text), &a), 0);
    return a;
}

static int make(void **state)
{
    return address_counts_create((struct address_counts **)state);
}

static int drop(void **state)
{
    address_counts_destroy(*state);
    return 0;
}

static void test_the_limit_is_per_address(void **state)
{
    struct address a = address_of("192.0.2.1"), b = address_of("192.0.2.2");

    assert_true(address_counts_add(*state, &a, 2));
    assert_true(address_counts_add(*state, &a, 2));
    assert_false(address_counts_add(*state, &a, 2));
    assert_true(address_counts_add(*state, &b, 2));
    address_counts_remove(*state, &a);
    assert_true(address_counts_add(*state, &a, 2));
    assert_false(address_counts_add(*state, &a, 2));
}

static void test_of_ipv6_the_first_64_bits_count(void **state)
{
    struct address a = address_of("2001:db8:1:2::1"), same = address_of("2001:db8:1:2:ffff::2"),
                   other = address_of("2001:db8:1:3::1");

    assert_true(address_counts_add(*state, &a, 1));
    assert_false(address_counts_add(*state, &same, 1));
    assert_true(address_counts_add(*state, &other, 1));
    address_counts_remove(*state, &same);
    assert_true(address_counts_add(*state, &a, 1));
}

static void test_removing_what_is_not_there_is_harmless(void **state)
{
    struct address a = address_of("192.0.2.1");

    address_counts_remove(*state, &a);
    assert_true(address_counts_add(*state, &a, 1));
    address_counts_remove(*state, &a);
    address_counts_remove(*state, &a);
    assert_true(address_counts_add(*state, &a, 1));
    assert_false(address_counts_add(*state, &a, 1));
}

static void test_many_addresses_are_told_apart(void **state)
{
    struct address a = address_of("10.0.0.0");

    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 20000; i++) {
            a.bytes[1] = (unsigned char)(i >> 8);
            a.bytes[2] = (unsigned char)i;
            assert_true(address_counts_add(*state, &a, 1));
        }
        for (unsigned i = 0; i < 20000; i++) {
            a.bytes[1] = (unsigned char)(i >> 8);
            a.bytes[2] = (unsigned char)i;
            assert_false(address_counts_add(*state, &a, 1));
            address_counts_remove(*state, &a);
        }
    }
}

static void *come_and_go(void *ud)
{
    struct address a;

    if (address_parse(STR_OF("192.0.2.1"), &a) != 0)
        return ud;
    for (unsigned i = 0; i < 20000; i++) {
        a.bytes[3] = (unsigned char)(i % 7);
        if (address_counts_add(ud, &a, 100))
            address_counts_remove(ud, &a);
    }
    return NULL;
}

static void test_threads_leave_nothing_behind(void **state)
{
    pthread_t threads[4];
    void *failed;
    struct address a = address_of("192.0.2.0");

    for (size_t i = 0; i < DW_COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, *state), 0);
    for (size_t i = 0; i < DW_COUNT_OF(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    for (unsigned i = 0; i < 7; i++) {
        a.bytes[3] = (unsigned char)i;
        assert_true(address_counts_add(*state, &a, 1));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
    const struct CMUnitTest tests[] = {
        TEST(test_the_limit_is_per_address),
        TEST(test_of_ipv6_the_first_64_bits_count),
        TEST(test_removing_what_is_not_there_is_harmless),
        TEST(test_many_addresses_are_told_apart),
        TEST(test_threads_leave_nothing_behind),
    };
    return cmocka_run_group_tests_name("address_counts", tests, NULL, NULL);
}
