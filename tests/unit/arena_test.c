#include "util/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_aligned(const void *p)
{
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
}

static void the_first_chunk_is_used_first(void **state)
{
    char first[512];
    struct arena a;

    (void)state;
    arena_init(&a, first + 1, sizeof(first) - 1, 0); /* not aligned */
    char *p = arena_alloc(&a, 100);
    assert_aligned(p);
    assert_in_range((uintptr_t)p, (uintptr_t)first, (uintptr_t)first + sizeof(first) - 100);
    assert_int_equal(a.used, 0);
    char *q = arena_alloc(&a, 1000);
    assert_aligned(q);
    assert_true(a.used >= 1000);
    arena_reset(&a);
    assert_int_equal(a.used, 0);
    assert_ptr_equal(arena_alloc(&a, 100), p);
    arena_finish(&a);
}

/* Every piece is filled, then all are looked at: none may reach into another. */
static void pieces_do_not_overlap(void **state)
{
    static unsigned char *pieces[2000];
    static size_t sizes[2000];
    struct arena a;
    uint32_t seed = 1;
    size_t sum = 0;

    (void)state;
    arena_init(&a, NULL, 0, 0);
    for (size_t i = 0; i < 2000; i++) {
        seed = seed * 1664525 + 1013904223;
        sizes[i] = i % 50 == 0 ? seed >> 15 : seed >> 25;
        sum += sizes[i];
        pieces[i] = arena_alloc(&a, sizes[i]);
        assert_aligned(pieces[i]);
        memset(pieces[i], (int)(i & 0xff), sizes[i]);
    }
    for (size_t i = 0; i < 2000; i++) {
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(pieces[i][k], i & 0xff);
    }
    assert_true(a.used >= sum);
    arena_finish(&a);
}

static void a_large_piece_does_not_waste_the_chunk(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, NULL, 0, 0);
    char *p = arena_alloc(&a, 16);
    size_t before = a.used;
    assert_non_null(arena_alloc(&a, 1000000));
    assert_true(a.used - before < 1000000 + 64);
    assert_ptr_equal(arena_alloc(&a, 16), p + 16);
    arena_finish(&a);
}

static void chunks_grow(void **state)
{
    struct arena a;
    unsigned chunks = 0;
    size_t used = 0;

    (void)state;
    arena_init(&a, NULL, 0, 0);
    for (unsigned i = 0; i < 1000; i++) {
        assert_non_null(arena_alloc(&a, 1000));
        chunks += a.used != used;
        used = a.used;
    }
    assert_in_range(chunks, 10, 30);
    arena_finish(&a);
}

static void the_limit_holds(void **state)
{
    struct arena a;
    unsigned pieces = 0;

    (void)state;
    arena_init(&a, NULL, 0, 10000);
    while (arena_alloc(&a, 16))
        pieces++;
    assert_true(a.used <= 10000);
    assert_in_range(pieces, 9000 / 16, 10000 / 16); /* nearly all of it can be had */
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 16));
    arena_reset(&a);
    assert_null(arena_alloc(&a, 10000)); /* the chunk's own header counts */
    assert_non_null(arena_alloc(&a, 9000));
    arena_finish(&a);
}

static void texts_are_copied(void **state)
{
    struct arena a;
    char long_text[1000];

    (void)state;
    arena_init(&a, NULL, 0, 0);
    assert_string_equal(arena_copy(&a, str_make("abcdef", 3)), "abc");
    assert_string_equal(arena_copy(&a, str_make(NULL, 0)), "");
    assert_string_equal(arena_format(&a, "%d-%s", 42, "x"), "42-x");
    memset(long_text, 'y', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = 0;
    assert_string_equal(arena_format(&a, "%s", long_text), long_text);
    unsigned char *zero = arena_alloc(&a, 64);
    memset(zero, 1, 64);
    arena_reset(&a);
    zero = arena_calloc(&a, 64);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(zero[i], 0);
    arena_finish(&a);
}

static void the_newest_piece_grows_in_place(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, NULL, 0, 0);
    char *older = arena_alloc(&a, 100), *p = arena_alloc(&a, 100);
    assert_true(arena_extend(&a, p, 100, 1000));
    char *next = arena_alloc(&a, 10);
    assert_true(next >= p + 1000);
    assert_false(arena_extend(&a, p, 1000, 1001 + 16)); /* no longer the newest */
    assert_false(arena_extend(&a, older, 100, 200));
    assert_true(arena_extend(&a, next, 10, 11));
    assert_false(arena_extend(&a, next, 11, 1 << 20)); /* no room behind it */
    assert_false(arena_extend(&a, next, 11, SIZE_MAX));
    arena_finish(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_piece_grows_in_place),
        cmocka_unit_test(the_first_chunk_is_used_first),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(a_large_piece_does_not_waste_the_chunk),
        cmocka_unit_test(chunks_grow),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(texts_are_copied),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
