/* The pool: what it computes, that it is bounded, and how a wait ends. Nothing here waits for a time to be over, but for
 * something to happen: hashes that take seconds are abandoned at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "password_pool.h"

static const struct password_cost cheap = { 64, 1, 1 };
static const struct password_cost slow = { 32 * 1024, 8, 1 }; /* a tenth of a second, with sanitizers one */
static const struct password_wait patient = { 60000, NULL, NULL };

static struct password_pool *make(unsigned threads, unsigned queue)
{
    const struct password_pool_options options = { threads, queue };
    struct password_pool *pool;

    assert_int_equal(password_pool_create(&pool, &options), 0);
    return pool;
}

static void it_does_what_password_h_does(void **state)
{
    struct password_pool *pool = make(2, 4);
    char hash[PASSWORD_HASH_SIZE], many[PASSWORD_MAX + 1] = "";
    (void)state;

    assert_int_equal(password_pool_hash(pool, &patient, &cheap, "nul\0inside", 10, hash), PASSWORD_OK);
    assert_int_equal(password_verify(hash, "nul\0inside", 10), PASSWORD_OK);
    assert_int_equal(password_pool_verify(pool, &patient, hash, "nul\0inside", 10), PASSWORD_OK);
    assert_int_equal(password_pool_verify(pool, &patient, hash, "nul", 3), PASSWORD_WRONG);
    assert_int_equal(password_pool_verify(pool, &patient, "plain", "nul", 3), PASSWORD_UNREADABLE);
    assert_int_equal(password_pool_verify_nobody(pool, &patient, &cheap, "nul", 3), PASSWORD_WRONG);
    assert_int_equal(password_pool_verify(pool, &patient, hash, many, sizeof(many)), PASSWORD_LENGTH);
    assert_int_equal(password_pool_verify_nobody(pool, &patient, &cheap, many, 0), PASSWORD_LENGTH);
    assert_int_equal(password_pool_hash(pool, &patient, &cheap, many, sizeof(many), hash), PASSWORD_LENGTH);
    assert_string_equal(hash, "");
    char *huge = calloc(1, PASSWORD_STORED_MAX + 2);
    assert_non_null(huge);
    memset(huge, 'x', PASSWORD_STORED_MAX + 1);
    assert_int_equal(password_pool_verify(pool, &patient, huge, "x", 1), PASSWORD_UNREADABLE);
    free(huge);
    password_pool_destroy(pool);
}

static void options_have_bounds(void **state)
{
    static const struct password_pool_options wrong[] = { { 0, 1 }, { 65, 1 }, { 1, 1000001 } };
    struct password_pool *pool;
    (void)state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(password_pool_create(&pool, &wrong[i]), -1);
        assert_null(pool);
    }
    password_pool_destroy(NULL);
}

/* ---- callers on threads of their own ---- */

struct caller {
    struct password_pool *pool;
    struct password_wait wait;
    enum password_result result;
    pthread_t thread;
};

static void *call(void *ud)
{
    struct caller *caller = ud;

    caller->result = password_pool_verify_nobody(caller->pool, &caller->wait, &slow, "x", 1);
    return NULL;
}

static void start(struct caller *caller, struct password_pool *pool, struct password_wait wait)
{
    caller->pool = pool;
    caller->wait = wait;
    assert_int_equal(pthread_create(&caller->thread, NULL, call, caller), 0);
}

static enum password_result finish(struct caller *caller)
{
    assert_int_equal(pthread_join(caller->thread, NULL), 0);
    return caller->result;
}

/* Of 20 at once, a thread and a queue for two: those three are served, or more, as time goes by. None of the others waits. */
static void a_full_queue_is_busy(void **state)
{
    struct password_pool *pool = make(1, 2);
    struct caller callers[20];
    size_t served = 0, refused = 0;
    (void)state;

    for (size_t i = 0; i < 20; i++)
        start(&callers[i], pool, patient);
    for (size_t i = 0; i < 20; i++) {
        enum password_result result = finish(&callers[i]);
        served += result == PASSWORD_WRONG;
        refused += result == PASSWORD_BUSY;
    }
    assert_int_equal(served + refused, 20);
    assert_true(served >= 3);
    assert_true(refused >= 1);
    assert_int_equal(password_pool_verify_nobody(pool, &patient, &cheap, "x", 1), PASSWORD_WRONG);
    password_pool_destroy(pool);
}

/* Asked by the pool while the caller waits: he is in the queue, or is being served. */
struct asked {
    atomic_int times;
    atomic_bool cancel;
};

static bool ask(void *ud)
{
    struct asked *asked = ud;

    atomic_fetch_add(&asked->times, 1);
    return atomic_load(&asked->cancel);
}

static void wait_until_asked(struct asked *asked)
{
    const struct timespec moment = { 0, 1000000 };

    for (int i = 0; i < 60000 && atomic_load(&asked->times) == 0; i++)
        nanosleep(&moment, NULL);
    assert_true(atomic_load(&asked->times) > 0);
}

/* The last of six, who waits for five slow hashes; then all of them. */
static void a_cancelled_caller_leaves(void **state)
{
    struct password_pool *pool = make(1, 8);
    struct asked asked[6] = { { 0, false } };
    struct caller callers[6];
    (void)state;

    for (size_t i = 0; i < 6; i++) {
        start(&callers[i], pool, (struct password_wait){ 60000, ask, &asked[i] });
        wait_until_asked(&asked[i]);
    }
    atomic_store(&asked[5].cancel, true);
    assert_int_equal(finish(&callers[5]), PASSWORD_CANCELLED);
    for (size_t i = 0; i < 5; i++)
        atomic_store(&asked[i].cancel, true);
    for (size_t i = 0; i < 5; i++) {
        enum password_result result = finish(&callers[i]);
        assert_true(result == PASSWORD_CANCELLED || result == PASSWORD_WRONG);
    }
    assert_int_equal(password_pool_verify_nobody(pool, &patient, &cheap, "x", 1), PASSWORD_WRONG);
    password_pool_destroy(pool);
}

static bool always(void *ud)
{
    (void)ud;
    return true;
}

static void who_is_gone_already_does_not_wait(void **state)
{
    struct password_pool *pool = make(1, 8);
    const struct password_wait gone = { 60000, always, NULL };
    (void)state;

    assert_int_equal(password_pool_verify_nobody(pool, &gone, &slow, "x", 1), PASSWORD_CANCELLED);
    assert_int_equal(password_pool_verify_nobody(pool, &gone, &slow, "x", 1), PASSWORD_CANCELLED);
    assert_int_equal(password_pool_verify_nobody(pool, &patient, &cheap, "x", 1), PASSWORD_WRONG);
    password_pool_destroy(pool);
}

static void a_deadline_ends_the_wait(void **state)
{
    struct password_pool *pool = make(1, 1);
    const struct password_wait never = { 0, NULL, NULL }, negative = { -5, NULL, NULL },
                               soon = { 1, NULL, NULL };
    const struct password_wait for_ever = { INT64_MAX, NULL, NULL };
    char hash[PASSWORD_HASH_SIZE];
    (void)state;

    assert_int_equal(password_pool_hash(pool, &never, &cheap, "x", 1, hash), PASSWORD_LATE);
    assert_int_equal(password_pool_hash(pool, &negative, &cheap, "x", 1, hash), PASSWORD_LATE);
    assert_string_equal(hash, "");
    assert_int_equal(password_pool_hash(pool, &soon, &slow, "x", 1, hash), PASSWORD_LATE);
    /* The abandoned one is computed to its end, and the thread serves on. */
    assert_int_equal(password_pool_hash(pool, &for_ever, &cheap, "x", 1, hash), PASSWORD_OK);
    password_pool_destroy(pool);
}

/* Who waits in the queue is told so, who is being served is served. */
static void stopping_empties_the_queue(void **state)
{
    struct password_pool *pool = make(1, 8);
    struct asked asked[6] = { { 0, false } };
    struct caller callers[6];
    size_t stopped = 0;
    (void)state;

    for (size_t i = 0; i < 6; i++) {
        start(&callers[i], pool, (struct password_wait){ 60000, ask, &asked[i] });
        wait_until_asked(&asked[i]);
    }
    password_pool_stop(pool);
    assert_int_equal(password_pool_verify_nobody(pool, &patient, &cheap, "x", 1), PASSWORD_STOPPED);
    for (size_t i = 0; i < 6; i++) {
        enum password_result result = finish(&callers[i]);
        assert_true(result == PASSWORD_STOPPED || result == PASSWORD_WRONG);
        stopped += result == PASSWORD_STOPPED;
    }
    assert_true(stopped >= 1);
    password_pool_destroy(pool);
}

/* Abandoned work is waited for, so that nothing runs when the plugin is gone. */
static void destroying_waits_for_what_runs(void **state)
{
    const struct password_wait soon = { 1, NULL, NULL };
    (void)state;

    for (int i = 0; i < 4; i++) {
        struct password_pool *pool = make(2, 2);
        password_pool_verify_nobody(pool, &soon, &slow, "x", 1);
        password_pool_verify_nobody(pool, &soon, &slow, "x", 1);
        password_pool_destroy(pool);
    }
}

/* Callers who are inside when it begins: they leave before anything is freed, which the sanitizers would see. */
static void destroying_waits_for_callers(void **state)
{
    struct password_pool *pool = make(1, 8);
    struct asked asked[6] = { { 0, false } };
    struct caller callers[6];
    (void)state;

    for (size_t i = 0; i < 6; i++) {
        start(&callers[i], pool, (struct password_wait){ 60000, ask, &asked[i] });
        wait_until_asked(&asked[i]);
    }
    password_pool_destroy(pool);
    for (size_t i = 0; i < 6; i++) {
        enum password_result result = finish(&callers[i]);
        assert_true(result == PASSWORD_STOPPED || result == PASSWORD_WRONG);
    }
}

/* Everything at once, for ThreadSanitizer to look at: callers who stay, who are late, who are gone. */
static void *crowd(void *ud)
{
    struct password_pool *pool = ud;
    const struct password_wait waits[] = { patient, { 1, NULL, NULL }, { 60000, always, NULL } };
    char hash[PASSWORD_HASH_SIZE];

    for (size_t i = 0; i < 60; i++) {
        enum password_result result = password_pool_hash(pool, &waits[i % 3], &cheap, "x", 1, hash);
        if (result == PASSWORD_OK && password_verify(hash, "x", 1) != PASSWORD_OK)
            return ud;
        if (result != PASSWORD_OK && hash[0])
            return ud;
    }
    return NULL;
}

static void a_crowd_is_served(void **state)
{
    struct password_pool *pool = make(3, 4);
    pthread_t threads[8];
    void *wrong;
    (void)state;

    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crowd, pool), 0);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    password_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_does_what_password_h_does),
        cmocka_unit_test(options_have_bounds),
        cmocka_unit_test(a_full_queue_is_busy),
        cmocka_unit_test(a_cancelled_caller_leaves),
        cmocka_unit_test(who_is_gone_already_does_not_wait),
        cmocka_unit_test(a_deadline_ends_the_wait),
        cmocka_unit_test(stopping_empties_the_queue),
        cmocka_unit_test(destroying_waits_for_what_runs),
        cmocka_unit_test(destroying_waits_for_callers),
        cmocka_unit_test(a_crowd_is_served),
    };

    return cmocka_run_group_tests_name("password_pool", tests, NULL, NULL);
}
