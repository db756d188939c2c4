#include "util/heap.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/clock.h"

enum { PIECE = 1000, PIECES = 64 * 1024, MIB = 1024 * 1024 };

static long resident_mib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long all, resident = 0;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &all, &resident), 2);
    fclose(f);
    return resident * sysconf(_SC_PAGESIZE) / MIB;
}

struct big {
    void *pieces[PIECES];
    void *last; /* lies above all of them */
    long filled, kept, rested;
};

/* In a thread, as a job is: another arena than the main one. */
static void *grow_and_rest(void *ud)
{
    struct big *big = ud;

    for (size_t i = 0; i < PIECES; i++) {
        big->pieces[i] = malloc(PIECE);
        if (big->pieces[i])
            memset(big->pieces[i], 'x', PIECE);
    }
    big->last = malloc(PIECE);
    big->filled = resident_mib();
    for (size_t i = 0; i < PIECES; i++)
        free(big->pieces[i]);
    heap_rest(CLOCK_SECOND / 100);
    big->kept = resident_mib();
    heap_rest(2 * CLOCK_SECOND);
    big->rested = resident_mib();
    return NULL;
}

static void what_long_work_freed_goes_back(void **state)
{
    struct big *big;
    pthread_t thread;

    (void)state;
    if (!HEAP_IS_GLIBC)
        skip();
    big = calloc(1, sizeof(*big));
    assert_non_null(big);
    assert_int_equal(pthread_create(&thread, NULL, grow_and_rest, big), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_non_null(big->last);
    assert_true(big->kept >= big->filled - 8); /* short work is left alone */
    assert_true(big->rested <= big->filled - 48);
    free(big->last);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_long_work_freed_goes_back) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
