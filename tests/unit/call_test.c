#include "plugin/call.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "captured_log.h"
#include "client/client.h"
#include "metrics/metrics.h"
#include "plugin/call_slots.h"
#include "plugin_fixture.h"
#include "util/clock.h"
#include "util/thread.h"

static int reset(void **state)
{
    (void)state;
    fixture_process = (struct plugin_process){ 0 };
    fixture_instance.stopping = false;
    fixture_instance.stray_told_us = 0;
    captured_log_text();
    return 0;
}

/* ---- beginning and ending ---- */

static void a_call_begins_and_ends(void **state)
{
    (void)state;
    dw_call *c = fixture_begin();
    assert_true(call_is_mine(c));
    assert_int_equal(fixture_instance.calls, 1);
    assert_ptr_equal(dw_call_instance(c), &fixture_instance);
    assert_int_equal(dw_error_of(c)->code, 0);
    assert_string_equal(dw_error_of(c)->text, "");
    assert_int_equal(dw_deadline(c).us, INT64_MAX);
    call_end(c);
    assert_false(call_is_mine(c));
    assert_int_equal(fixture_instance.calls, 0);
}

static void memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    dw_call *c = fixture_begin();
    for (size_t size = 0; size < 9000; size = size * 3 + 1) {
        unsigned char *p = dw_alloc(c, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xee, size);
    }
    call_end(c);
}

/* ---- slots ---- */

static void a_slot_rests(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        dw_call *first = fixture_begin();
        call_end(first);
        for (int i = 0; i < CALL_SLOT_REST; i++) {
            dw_call *other = fixture_begin();
            assert_ptr_not_equal(other, first);
            call_end(other);
        }
    }
}

static void count_slot(dw_call *c, void *ud)
{
    (void)c;
    ++*(size_t *)ud;
}

static size_t slots(void)
{
    size_t n = 0;
    call_slot_each(count_slot, &n);
    return n;
}

static void *play_some(void *ud)
{
    for (int i = 0; i < 100; i++)
        call_end(fixture_begin());
    return ud;
}

static void run_on_thread(void *(*run)(void *), void *ud)
{
    pthread_t thread;

    assert_int_equal(thread_start(&thread, "test", false, run, ud), 0);
    pthread_join(thread, NULL);
}

static void slots_outlive_threads(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        run_on_thread(play_some, NULL);
    size_t before = slots();
    for (int i = 0; i < 100; i++)
        run_on_thread(play_some, NULL);
    assert_int_equal(slots(), before);
    assert_true(before < 1000);
}

static void *end_it(void *ud)
{
    call_resume(ud);
    call_end(ud);
    return NULL;
}

/* One that only takes and one that only gives: the slots come round. */
static void *resume_and_end_many(void *ud)
{
    dw_call **calls = ud;
    for (int i = 0; i < 400; i++)
        end_it(calls[i]);
    return NULL;
}

static void slots_of_many_calls_come_round(void **state)
{
    static dw_call *calls[400];
    size_t after_two = 0;

    (void)state;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 400; i++) {
            calls[i] = fixture_begin();
            call_suspend(calls[i]);
        }
        run_on_thread(resume_and_end_many, calls);
        if (round == 2)
            after_two = slots();
    }
    assert_int_equal(slots(), after_two);
}

/* ---- order of undoing ---- */

static char order[128];

static void note(void *ud)
{
    strcat(order, ud);
}

static void things_are_undone_in_order(void **state)
{
    (void)state;
    order[0] = 0;
    dw_call *c = fixture_begin();
    call_at_end(c, CALL_UNDO_MEMORY, note, "m1 ");
    assert_int_equal(dw_defer(c, note, "d1 "), 0);
    call_at_end(c, CALL_UNDO_CUT, note, "c1 ");
    assert_int_equal(dw_defer(c, note, "d2 "), 0);
    call_at_end(c, CALL_UNDO_CUT, note, "c2 ");
    call_at_end(c, CALL_UNDO_MEMORY, note, "m2 ");
    assert_string_equal(order, "");
    call_end(c);
    assert_string_equal(order, "c2 c1 d2 d1 m2 m1 ");
}

static dw_call *ending;

static void log_and_more(void *ud)
{
    dw_info(ending, "deferred", "at", (const char *)ud);
    assert_int_equal(dw_defer(ending, note, "never "), DW_ETHREAD);
    assert_int_equal(dw_fail(ending, DW_EINVALID, "no"), DW_ETHREAD);
}

static void what_is_deferred_may_only_log(void **state)
{
    (void)state;
    order[0] = 0;
    ending = fixture_begin();
    dw_scope_begin(ending);
    assert_int_equal(dw_defer(ending, log_and_more, "scope"), 0);
    dw_scope_end(ending);
    assert_true(call_is_mine(ending));
    assert_int_equal(dw_defer(ending, log_and_more, "end"), 0);
    call_end(ending);
    const char *log = captured_log_text();
    assert_non_null(strstr(log, "\"at\":\"scope\""));
    assert_non_null(strstr(log, "\"at\":\"end\""));
    assert_non_null(strstr(log, "may only log"));
    assert_string_equal(order, "");
}

static void *ask_whether_cancelled(void *ud)
{
    *(int *)ud = dw_cancelled(ending);
    return NULL;
}

static void ask_from_another_thread(void *ud)
{
    run_on_thread(ask_whether_cancelled, ud);
}

/* A thread that helps may ask at any time: also while a scope of the call gives back what is in it. */
static void a_helper_may_ask_while_things_are_undone(void **state)
{
    int in_scope = 1, at_end = 1;

    (void)state;
    ending = fixture_begin();
    dw_scope_begin(ending);
    assert_int_equal(dw_defer(ending, ask_from_another_thread, &in_scope), 0);
    dw_scope_end(ending);
    assert_int_equal(in_scope, 0);
    assert_int_equal(dw_defer(ending, ask_from_another_thread, &at_end), 0);
    call_cancel(ending);
    call_end(ending);
    assert_int_equal(at_end, DW_ECANCELLED);
    assert_string_equal(captured_log_text(), "");
}

/* ---- scopes ---- */

static void a_scope_gives_back(void **state)
{
    (void)state;
    order[0] = 0;
    dw_call *c = fixture_begin();
    size_t before = c->memory;
    char *outside = dw_alloc(c, 100);
    strcpy(outside, "stays");
    for (int i = 0; i < 1000; i++) {
        dw_scope_begin(c);
        memset(dw_alloc(c, 100000), 1, 100000);
        dw_scope_begin(c);
        assert_int_equal(dw_defer(c, note, i == 0 ? "inner " : ""), 0);
        dw_json_own(c, json_string("gone"));
        dw_scope_end(c);
        assert_int_equal(dw_defer(c, note, i == 0 ? "outer " : ""), 0);
        dw_scope_end(c);
    }
    assert_string_equal(order, "inner outer ");
    assert_string_equal(outside, "stays");
    assert_int_equal(c->memory, before + 100);
    assert_int_equal(c->flags, 0);
    dw_scope_begin(c);
    dw_scope_begin(c);
    assert_int_equal(dw_defer(c, note, "left open"), 0);
    call_end(c);
    assert_string_equal(order, "inner outer left open");
}

static void an_end_too_many_is_told(void **state)
{
    (void)state;
    dw_call *c = fixture_begin();
    dw_scope_end(c);
    assert_int_equal(dw_error_of(c)->code, DW_EMISUSE);
    assert_non_null(strstr(captured_log_text(), "dw_scope_end without"));
    call_end(c);
}

/* What grows in a scope that it was not made in must not end with it; nor do errors. */
static void what_lasts_survives_scopes(void **state)
{
    (void)state;
    dw_call *c = fixture_begin();
    dw_text *t = dw_text_new(c);
    for (int i = 0; i < 2000; i++) {
        dw_scope_begin(c);
        dw_text_add(t, dw_format(c, "%d,", i));
        assert_int_equal(dw_fail_at(c, "/x", "wrong", "i", i), DW_EINVALID);
        dw_scope_end(c);
    }
    dw_str s = dw_text_get(t);
    assert_int_equal(strlen(s.p), s.n);
    assert_int_equal(s.n, 10 * 2 + 90 * 3 + 900 * 4 + 1000 * 5);
    assert_memory_equal(s.p + s.n - 10, "1998,1999,", 10);
    assert_string_equal(dw_error_of(c)->text, "wrong (i: 1999)");
    assert_int_equal(c->errors_n, 2000);
    assert_memory_equal(c->errors[7].detail.p, "wrong (i: 7)", 12);
    assert_memory_equal(c->errors[7].pointer.p, "#/x", 3);
    assert_true(c->memory > s.n + 2000 * sizeof(struct problem_error)); /* counted, too */
    call_end(c);
}

/* ---- limits ---- */

static void past_the_limit_everything_fails(void **state)
{
    (void)state;
    fixture_process.call_memory_max = 10000;
    dw_call *c = fixture_begin();
    assert_non_null(dw_alloc(c, 9000));
    assert_int_equal(dw_defer(c, note, ""), 0);
    char *p = dw_alloc(c, 2000);
    memset(p, 1, 2000);
    order[0] = 0;
    assert_int_equal(dw_defer(c, note, "all the same"), DW_ENOMEM); /* it is called nevertheless */
    assert_int_equal(dw_sleep(c, DW_SECONDS(100)), DW_ENOMEM);
    assert_int_equal(dw_error_of(c)->code, DW_ENOMEM);
    const char *log = captured_log_text();
    assert_non_null(strstr(log, "\"plugin\":\"notes\""));
    assert_non_null(strstr(log, "\"limit\":10000"));
    call_end(c);
    assert_string_equal(order, "all the same");
    c = fixture_begin();
    assert_int_equal(dw_defer(c, note, ""), 0);
    call_end(c);
    assert_true(fixture_instance.memory_peak >= 11000);
}

/* An arena that gives no more stands for a system without memory. */
static void without_memory_there_is_still_some(void **state)
{
    struct arena lent;

    (void)state;
    order[0] = 0;
    arena_init(&lent, NULL, 0, 4096);
    dw_call *c = fixture_begin_with((struct call_options){ .arena = &lent });
    assert_int_equal(dw_defer(c, note, "undone"), 0);
    for (int i = 0; i < 10; i++) {
        unsigned char *p = dw_alloc(c, 3000);
        assert_int_equal((uintptr_t)p % 16, 0);
        memset(p, 0xaa, 3000);
    }
    assert_int_equal(dw_sleep(c, DW_SECONDS(100)), DW_ENOMEM);
    dw_text *t = dw_text_new(c);
    char lost[5000];
    memset(lost, 'x', sizeof(lost) - 1);
    lost[sizeof(lost) - 1] = 0;
    dw_text_add(t, lost);
    assert_int_equal(dw_text_get(t).n, 0);
    assert_string_equal(dw_text_get(t).p, "");
    call_end(c);
    assert_string_equal(order, "undone");
    arena_finish(&lent);
}

static int fail_second(dw_call *c, const char *step, void *ud)
{
    (void)c;
    int *n = ud;
    return ++*n == 2 && strcmp(step, "dw_sleep") == 0 ? DW_EUNAVAILABLE : 0;
}

static void steps_fail_where_the_harness_wants_it(void **state)
{
    int n = 0;

    (void)state;
    fixture_process.fault = fail_second;
    fixture_process.fault_ud = &n;
    dw_call *c = fixture_begin();
    assert_int_equal(dw_sleep(c, DW_SPAN_(0)), 0);
    assert_int_equal(dw_sleep(c, DW_SPAN_(0)), DW_EUNAVAILABLE);
    assert_int_equal(dw_error_of(c)->code, DW_EUNAVAILABLE);
    assert_non_null(strstr(dw_error_of(c)->text, "dw_sleep"));
    assert_int_equal(dw_sleep(c, DW_SPAN_(0)), 0);
    assert_int_equal(n, 3);
    call_end(c);
}

/* ---- who asks ---- */

static void a_child_answers_in_its_askers_memory(void **state)
{
    (void)state;
    order[0] = 0;
    dw_call *parent = fixture_begin_with((struct call_options){ .request_id = str_from("r1") });
    dw_call *child = fixture_begin_with((struct call_options){ .parent = parent });
    char *answer = dw_alloc(child, 1000);
    strcpy(answer, "yes");
    dw_text *t = dw_text_new(child);
    dw_text_add(t, "text");
    const char *text = dw_text_get(t).p;
    json_t *json = dw_json(child, "a", 1);
    assert_int_equal(dw_defer(child, note, "deferred"), 0);
    assert_true(str_equal(child->request_id, STR_OF("r1")));
    size_t before = parent->memory;
    call_end(child);
    assert_string_equal(order, "deferred");
    assert_string_equal(answer, "yes");
    assert_string_equal(text, "text");
    assert_int_equal(json_integer_value(json_object_get(json, "a")), 1);
    assert_true(parent->memory >= before + 1000);
    assert_true(call_is_mine(parent));
    call_end(parent);
}

static void a_childs_memory_is_counted_once_for_all(void **state)
{
    (void)state;
    fixture_process.call_memory_max = 10000;
    dw_call *parent = fixture_begin();
    for (int i = 0; i < 3; i++) {
        dw_call *child = fixture_begin_with((struct call_options){ .parent = parent });
        dw_alloc(child, 4000);
        assert_int_equal(dw_sleep(child, DW_SPAN_(0)), i < 2 ? 0 : DW_ENOMEM);
        call_end(child);
    }
    assert_int_equal(dw_sleep(parent, DW_SPAN_(0)), DW_ENOMEM);
    call_end(parent);
}

static void a_child_has_no_more_time(void **state)
{
    (void)state;
    int64_t now = clock_monotonic_us();
    dw_call *parent = fixture_begin_with((struct call_options){ .deadline_us = now + CLOCK_SECOND });
    dw_call *child =
        fixture_begin_with((struct call_options){ .parent = parent, .deadline_us = now + 9 * CLOCK_SECOND });
    assert_int_equal(child->deadline_us, now + CLOCK_SECOND);
    assert_in_range(dw_deadline(child).us - dw_now(child).us, 1, CLOCK_SECOND);
    call_cancel(parent);
    assert_int_equal(dw_cancelled(child), DW_ECANCELLED);
    call_end(child);
    call_end(parent);
}

/* ---- waiting and cancelling ---- */

static void sleeping_takes_its_time(void **state)
{
    (void)state;
    dw_call *c = fixture_begin();
    int64_t before = clock_monotonic_us();
    assert_int_equal(dw_sleep(c, DW_MILLISECONDS(20)), 0);
    assert_true(clock_monotonic_us() - before >= 20 * CLOCK_MS);
    assert_int_equal(dw_sleep(c, DW_SECONDS(-5)), 0);
    call_end(c);
}

static void a_deadline_cancels(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_us();
    dw_call *c = fixture_begin_with((struct call_options){ .deadline_us = before + 30 * CLOCK_MS });
    assert_int_equal(dw_cancelled(c), 0);
    assert_int_equal(dw_sleep(c, DW_SECONDS(50)), DW_ECANCELLED);
    assert_in_range(clock_monotonic_us() - before, 30 * CLOCK_MS, 20 * CLOCK_SECOND);
    assert_int_equal(dw_cancelled(c), DW_ECANCELLED);
    assert_int_equal(dw_error_of(c)->code, DW_ECANCELLED);
    call_end(c);
}

static void *cancel_it(void *ud)
{
    call_cancel(ud);
    return NULL;
}

static void another_thread_cancels(void **state)
{
    pthread_t thread;

    (void)state;
    for (int i = 0; i < 50; i++) {
        dw_call *parent = fixture_begin();
        dw_call *c = fixture_begin_with((struct call_options){ .parent = parent });
        assert_int_equal(thread_start(&thread, "test", false, cancel_it, i % 2 ? parent : c), 0);
        assert_int_equal(dw_sleep(c, DW_SECONDS(50)), DW_ECANCELLED);
        assert_int_equal(dw_sleep(parent, DW_SECONDS(50)), DW_ECANCELLED);
        pthread_join(thread, NULL);
        call_end(c);
        call_end(parent);
    }
}

static void a_token_goes_with_the_call(void **state)
{
    (void)state;
    dw_call *parent = fixture_begin();
    dw_call *c = fixture_begin_with((struct call_options){ .parent = parent });
    struct client_token *token = call_cancel_token(c);
    assert_non_null(token);
    assert_ptr_equal(call_cancel_token(parent), token);
    call_cancel(c);
    call_end(c);
    call_end(parent);
}

static int64_t fake_us;

static int64_t fake_wall_us(void *ud)
{
    (void)ud;
    return fake_us;
}

static void fake_sleep_us(void *ud, int64_t us)
{
    (void)ud;
    fake_us += us;
}

static void time_is_the_harnesss(void **state)
{
    (void)state;
    fake_us = 1000;
    fixture_process.wall_us = fake_wall_us;
    fixture_process.sleep_us = fake_sleep_us;
    dw_call *c = fixture_begin();
    assert_int_equal(dw_now(c).us, 1000);
    assert_int_equal(dw_sleep(c, DW_HOURS(5)), 0);
    assert_int_equal(dw_now(c).us, 1000 + INT64_C(5) * 3600 * CLOCK_SECOND);
    call_cancel(c);
    assert_int_equal(dw_sleep(c, DW_HOURS(5)), DW_ECANCELLED);
    assert_int_equal(dw_now(c).us, 1000 + INT64_C(5) * 3600 * CLOCK_SECOND);
    call_end(c);
}

/* ---- two halves ---- */

static void *second_half(void *ud)
{
    dw_call *c = ud;

    assert_false(call_is_mine(c));
    call_resume(c);
    assert_string_equal(dw_error_of(c)->text, "first half");
    assert_int_equal(dw_defer(c, note, "second "), 0);
    call_end(c);
    return NULL;
}

static void a_call_goes_on_on_another_thread(void **state)
{
    (void)state;
    order[0] = 0;
    dw_call *c = fixture_begin();
    assert_int_equal(dw_defer(c, note, "first"), 0);
    assert_int_equal(dw_fail(c, DW_EINVALID, "first half"), DW_EINVALID);
    call_suspend(c);
    assert_false(call_is_mine(c));
    assert_int_equal(dw_sleep(c, DW_SPAN_(0)), DW_ETHREAD);
    run_on_thread(second_half, c);
    assert_string_equal(order, "second first");
    assert_int_equal(fixture_instance.calls, 0);
}

/* ---- own threads ---- */

static void *own_thread(void *ud)
{
    _Atomic unsigned *opened = ud;
    dw_call *c;

    assert_int_equal(dw_call_open(&fixture_instance, "beat", &c), 0);
    dw_info(c, "open");
    atomic_fetch_add(opened, 1);
    while (dw_sleep(c, DW_SECONDS(50)) == 0)
        ;
    assert_int_equal(dw_error_of(c)->code, DW_ECANCELLED);
    dw_call_close(c);
    assert_int_equal(dw_call_open(&fixture_instance, "beat", &c), DW_EUNAVAILABLE);
    assert_null(c);
    return NULL;
}

static void stopping_wakes_own_threads(void **state)
{
    _Atomic unsigned opened = 0;
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(thread_start(&threads[i], "test", false, own_thread, &opened), 0);
    while (opened < 4)
        sched_yield();
    call_stop(&fixture_instance);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(fixture_instance.calls, 0);
    assert_non_null(strstr(captured_log_text(), "\"callback\":\"beat\""));
}

static void only_opened_calls_are_closed(void **state)
{
    dw_call *opened;

    (void)state;
    dw_call *c = fixture_begin();
    dw_call_close(c);
    assert_int_equal(dw_error_of(c)->code, DW_EMISUSE);
    assert_true(call_is_mine(c));
    assert_int_equal(dw_call_open(NULL, "x", &opened), DW_EMISUSE);
    assert_int_equal(dw_call_open(&(dw_instance){ .name = "x" }, "x", &opened), DW_EMISUSE);
    assert_int_equal(dw_call_open(&fixture_instance, "x", NULL), DW_EMISUSE);
    assert_int_equal(dw_call_open(&fixture_instance, NULL, &opened), 0);
    dw_call_close(opened);
    dw_call_close(opened); /* has ended */
    call_end(c);
    assert_int_equal(fixture_instance.calls, 0);
}

/* ---- strays ---- */

/* Every slot of the table; none may crash or give NULL where it must not. */
static void use_astray(dw_call *c)
{
    static json_t *json;
    dw_time time;
    int64_t n;

    assert_null(dw_self(c));
    assert_null(dw_conf(c));
    assert_null(dw_call_instance(c));
    assert_true(dw_now(c).us > 0);
    assert_int_equal(dw_deadline(c).us, 0);
    assert_int_equal(dw_sleep(c, DW_SECONDS(50)), DW_ETHREAD);
    dw_call_close(c);
    memset(dw_alloc(c, 100), 1, 100);
    assert_non_null(dw_copy(c, (dw_str){ "x", 1 }));
    assert_int_equal(dw_defer(c, note, "never"), DW_ETHREAD);
    dw_scope_begin(c);
    dw_scope_end(c);
    dw_text *t = dw_text_new(c);
    dw_text_add(t, "x");
    assert_string_equal(dw_text_get(t).p, "");
    assert_int_equal(dw_time_parse(c, "2026-11-21T08:05:00Z", &time), DW_ETHREAD);
    assert_non_null(dw_time_format(c, (dw_time){ 0 }));
    assert_non_null(dw_format(c, "%d", 1));
    assert_null(dw_json_own(c, NULL));
    assert_int_equal(dw_json_parse(c, (dw_str){ "1", 1 }, &json), DW_ETHREAD);
    assert_int_equal(dw_json_read(c, NULL, "n", &n), DW_ETHREAD);
    assert_null(dw_json(c, "n", 1));
    assert_null(dw_json_list(c, 1));
    assert_int_equal(dw_fail(c, DW_EINVALID, "x"), DW_ETHREAD);
    assert_int_equal(dw_error_of(c)->code, DW_ETHREAD);
    dw_debug(c, "x");
    dw_info(c, "x");
    dw_count(c, "x", 1);
    assert_int_equal(strlen(dw_id(c)), 36);
    assert_true(strlen(dw_random_token(c, 16)) > 20);
    assert_null(dw_digest_hex(c, DW_SHA256, (dw_bytes){ "x", 1 }));
}

static unsigned lines_with(const char *log, const char *part)
{
    unsigned n = 0;

    for (const char *p = log; (p = strstr(p, part)); p += strlen(part))
        n++;
    return n;
}

static void strays_do_nothing(void **state)
{
    static char garbage[4096];

    (void)state;
    fixture_instance.metrics.misuses = metrics_counter("test_misuses", "", NULL);
    int64_t misuses = metric_value(fixture_instance.metrics.misuses);
    dw_call *c = fixture_begin();
    call_end(c);
    use_astray(c);
    assert_true(metric_value(fixture_instance.metrics.misuses) > misuses + 20);
    const char *log = captured_log_text();
    assert_non_null(strstr(log, "\"plugin\":\"notes\""));
    assert_non_null(strstr(log, "the call has ended"));
    assert_int_equal(lines_with(log, "\"notes\""), 1);   /* though it was often */
    assert_int_equal(lines_with(log, "\"unknown\""), 1); /* a text that belongs to no call */
    use_astray(NULL);
    memset(garbage, 0x5a, sizeof(garbage));
    use_astray((dw_call *)(void *)garbage);
    assert_int_equal(dw_cancelled(c), DW_ETHREAD);
    fixture_instance.metrics.misuses = NULL;
}

static void *use_foreign(void *ud)
{
    use_astray(ud);
    assert_int_equal(dw_cancelled(ud), 0); /* any thread may ask */
    return NULL;
}

static void another_threads_call_is_left_alone(void **state)
{
    (void)state;
    order[0] = 0;
    dw_call *c = fixture_begin();
    run_on_thread(use_foreign, c);
    assert_non_null(strstr(captured_log_text(), "belongs to another thread"));
    assert_int_equal(dw_error_of(c)->code, 0);
    assert_int_equal(dw_sleep(c, DW_SPAN_(0)), 0);
    call_end(c);
    assert_string_equal(order, "");
}

/* Calls come and go on one thread while another one uses whatever it last heard of. */
struct chase {
    _Atomic(dw_call *) seen;
    _Atomic bool over;
    unsigned uses;
};

static void *chase(void *ud)
{
    struct chase *h = ud;

    for (; !atomic_load(&h->over); h->uses++) {
        dw_call *c = atomic_load_explicit(&h->seen, memory_order_relaxed);
        if (!c)
            continue;
        assert_int_equal(dw_fail(c, DW_EINVALID, "not mine"), DW_ETHREAD);
        assert_int_equal(dw_error_of(c)->code, DW_ETHREAD);
        assert_int_equal(dw_sleep(c, DW_SECONDS(50)), DW_ETHREAD);
        int cancelled = dw_cancelled(c);
        assert_true(cancelled == 0 || cancelled == DW_ETHREAD);
        assert_null(dw_self(c));
    }
    return NULL;
}

static void strays_under_load(void **state)
{
    struct chase h = { .uses = 0 };
    pthread_t threads[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(thread_start(&threads[i], "test", false, i < 2 ? play_some : chase, &h), 0);
    for (int i = 0; i < 20000 || (h.uses < 100 && i < 10000000); i++) {
        dw_call *c = fixture_begin();
        atomic_store_explicit(&h.seen, c, memory_order_relaxed);
        assert_int_equal(dw_fail(c, DW_EINVALID, "mine"), DW_EINVALID);
        assert_string_equal(dw_error_of(c)->text, "mine");
        dw_alloc(c, 64);
        call_end(c);
    }
    atomic_store(&h.over, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_true(h.uses > 0);
}

static void a_freed_instance_is_forgotten(void **state)
{
    (void)state;
    dw_instance *i = calloc(1, sizeof(*i));
    *i = (dw_instance){ .magic = INSTANCE_MAGIC, .name = "short-lived", .process = &fixture_process };
    dw_call *c = fixture_begin_with((struct call_options){ .instance = i });
    call_end(c);
    call_forget(i);
    free(i);
    assert_int_equal(dw_sleep(c, DW_SPAN_(0)), DW_ETHREAD);
    assert_null(strstr(captured_log_text(), "short-lived"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_call_begins_and_ends, reset),
        cmocka_unit_test_setup(memory_is_zeroed_and_aligned, reset),
        cmocka_unit_test_setup(a_slot_rests, reset),
        cmocka_unit_test_setup(slots_outlive_threads, reset),
        cmocka_unit_test_setup(slots_of_many_calls_come_round, reset),
        cmocka_unit_test_setup(things_are_undone_in_order, reset),
        cmocka_unit_test_setup(what_is_deferred_may_only_log, reset),
        cmocka_unit_test_setup(a_helper_may_ask_while_things_are_undone, reset),
        cmocka_unit_test_setup(a_scope_gives_back, reset),
        cmocka_unit_test_setup(an_end_too_many_is_told, reset),
        cmocka_unit_test_setup(what_lasts_survives_scopes, reset),
        cmocka_unit_test_setup(past_the_limit_everything_fails, reset),
        cmocka_unit_test_setup(without_memory_there_is_still_some, reset),
        cmocka_unit_test_setup(steps_fail_where_the_harness_wants_it, reset),
        cmocka_unit_test_setup(a_child_answers_in_its_askers_memory, reset),
        cmocka_unit_test_setup(a_childs_memory_is_counted_once_for_all, reset),
        cmocka_unit_test_setup(a_child_has_no_more_time, reset),
        cmocka_unit_test_setup(sleeping_takes_its_time, reset),
        cmocka_unit_test_setup(a_deadline_cancels, reset),
        cmocka_unit_test_setup(another_thread_cancels, reset),
        cmocka_unit_test_setup(a_token_goes_with_the_call, reset),
        cmocka_unit_test_setup(time_is_the_harnesss, reset),
        cmocka_unit_test_setup(a_call_goes_on_on_another_thread, reset),
        cmocka_unit_test_setup(stopping_wakes_own_threads, reset),
        cmocka_unit_test_setup(only_opened_calls_are_closed, reset),
        cmocka_unit_test_setup(strays_do_nothing, reset),
        cmocka_unit_test_setup(another_threads_call_is_left_alone, reset),
        cmocka_unit_test_setup(strays_under_load, reset),
        cmocka_unit_test_setup(a_freed_instance_is_forgotten, reset),
    };

    return cmocka_run_group_tests_name("call", tests, captured_log_open, captured_log_close);
}
