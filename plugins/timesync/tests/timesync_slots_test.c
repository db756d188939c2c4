/* timesync_slots_test.c - who waits for a place gets it in the order of coming, and no more than so many have one. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "slots.h"

enum { LIMIT_MS = 10000, MOST = 40 };

/* ---- a host that can say whether a call is cancelled, which who waits asks ---- */

struct caller {
    pthread_t thread;
    const struct work *w;
    char name;
    int rc;
    dw_span waited;
    _Atomic bool waits, is_cancelled;
};

static int cancelled(dw_call *c)
{
    struct caller *caller = (struct caller *)(void *)c;

    atomic_store(&caller->waits, true);
    return atomic_load(&caller->is_cancelled) ? DW_ECANCELLED : 0;
}

static const dw_call_api calls = { .struct_size = sizeof(calls), .cancelled = cancelled };
static const dw_host host = { .struct_size = sizeof(host), .call = &calls };
const dw_host *dw_host_ = &host;

/* ---- callers ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char order[MOST + 1];
static int inside, most_inside;

static dw_call *call_of(struct caller *caller)
{
    return (dw_call *)(void *)caller;
}

static void enter(char name)
{
    pthread_mutex_lock(&lock);
    const size_t n = strlen(order);

    order[n] = name;
    order[n + 1] = '\0';
    inside++;
    most_inside = inside > most_inside ? inside : most_inside;
    pthread_mutex_unlock(&lock);
}

static void rest_a_moment(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void go_out(void)
{
    pthread_mutex_lock(&lock);
    inside--;
    pthread_mutex_unlock(&lock);
}

static void *take_one(void *ud)
{
    struct caller *caller = ud;

    caller->rc = slot_take(call_of(caller), caller->w, &caller->waited);
    if (caller->rc != 0)
        return NULL;
    enter(caller->name);
    rest_a_moment(); /* as a request takes some time: others come in, if they can */
    go_out();
    slot_give(caller->w);
    return NULL;
}

static void begin(struct caller *caller)
{
    assert_int_equal(pthread_create(&caller->thread, NULL, take_one, caller), 0);
}

static void begin_to_wait(struct caller *caller)
{
    begin(caller);
    for (int i = 0; i < LIMIT_MS && !atomic_load(&caller->waits); i++)
        rest_a_moment();
    assert_true(atomic_load(&caller->waits));
}

static void end(struct caller *caller)
{
    assert_int_equal(pthread_join(caller->thread, NULL), 0);
}

static struct work work_of(const char *sync, int64_t parallel)
{
    struct work w = { 0 };

    w.sync.id = sync;
    w.sync.rules.parallel = parallel;
    return w;
}

static int begin_anew(void **state)
{
    (void)state;
    order[0] = '\0';
    inside = most_inside = 0;
    return 0;
}

/* ---- ---- */

static void in_the_order_of_coming(void **state)
{
    const struct work w = work_of("one", 1);
    struct caller me = { .w = &w, .name = 'm' }, others[3];

    (void)state;
    assert_int_equal(slot_take(call_of(&me), &w, &me.waited), 0);
    for (int i = 0; i < 3; i++) {
        others[i] = (struct caller){ .w = &w, .name = (char)('a' + i) };
        begin_to_wait(&others[i]);
    }
    slot_give(&w);
    assert_int_equal(slot_take(call_of(&me), &w, &me.waited), 0); /* at once, before they are awake */
    assert_true(me.waited.us >= 3000);                            /* a moment for each of them */
    enter('m');
    go_out();
    slot_give(&w);
    for (int i = 0; i < 3; i++)
        end(&others[i]);
    assert_string_equal(order, "abcm");
}

static void who_is_cancelled_keeps_up_nobody(void **state)
{
    const struct work w = work_of("one", 1);
    struct caller me = { .w = &w }, first = { .w = &w, .name = 'a' }, second = { .w = &w, .name = 'b' };

    (void)state;
    assert_int_equal(slot_take(call_of(&me), &w, &me.waited), 0);
    begin_to_wait(&first);
    begin_to_wait(&second);
    atomic_store(&first.is_cancelled, true);
    end(&first);
    assert_int_equal(first.rc, DW_ECANCELLED);
    slot_give(&w);
    end(&second);
    assert_int_equal(second.rc, 0);
    assert_string_equal(order, "b");
}

static void no_more_than_so_many(void **state)
{
    const struct work w = work_of("three", 3), other = work_of("another", 1);
    struct caller all[MOST], beside = { .w = &other };

    (void)state;
    assert_int_equal(slot_take(call_of(&beside), &other, &beside.waited), 0);
    for (int i = 0; i < MOST; i++) {
        all[i] = (struct caller){ .w = &w, .name = 'x' };
        begin(&all[i]);
    }
    for (int i = 0; i < MOST; i++) {
        end(&all[i]);
        assert_int_equal(all[i].rc, 0);
    }
    slot_give(&other);
    assert_int_equal(strlen(order), MOST);
    assert_in_range(most_inside, 1, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(in_the_order_of_coming, begin_anew),
        cmocka_unit_test_setup(who_is_cancelled_keeps_up_nobody, begin_anew),
        cmocka_unit_test_setup(no_more_than_so_many, begin_anew),
    };

    return cmocka_run_group_tests_name("timesync_slots", tests, NULL, NULL);
}
