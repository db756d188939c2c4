/* An instance, and what of it stays. */
#include "plugin/instance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "plugin/call.h"
#include "plugin/descriptor.h"

/* The plugin's own pointer: static, as its code stays in the process when the instance goes. */
const dw_host *dw_host_;

/* What a plugin leaves behind (a thread, a destructor, something from atexit) still comes through this pointer. */
static void the_tables_outlive_the_instance(void **state)
{
    const struct plugin_process process = { 0 };
    const dw_plugin raw = { .host = &dw_host_ };
    const struct plugin_descriptor d = { .raw = &raw, .name = "notes" };
    dw_instance *i;
    dw_call *c;

    (void)state;
    assert_int_equal(instance_create(&i, &d, &process), 0);
    assert_int_equal(call_begin(&c, &(struct call_options){ .instance = i, .what = "test" }), 0);
    assert_ptr_equal(dw_call_instance(c), i);
    call_end(c);
    instance_destroy(i);
    assert_int_equal(dw_host_->struct_size, sizeof(dw_host));
    assert_int_equal(dw_sleep(c, DW_SECONDS(50)), DW_ETHREAD);
}

/* A thread that its plugin forgot to join has the address, and uses it. */
static void an_instance_that_is_over_can_be_told_from_one_that_runs(void **state)
{
    const struct plugin_process process = { 0 };
    const dw_plugin raw = { .host = &dw_host_ };
    const struct plugin_descriptor d = { .raw = &raw, .name = "notes" };
    dw_instance *i;
    dw_call *c;

    (void)state;
    assert_int_equal(instance_create(&i, &d, &process), 0);
    assert_int_equal(dw_call_open(i, "work", &c), 0);
    dw_call_close(c);
    instance_destroy(i);
    assert_int_equal(dw_call_open(i, "work", &c), DW_EUNAVAILABLE);
    assert_null(c);
    dw_log_any(i, DW_LOG_INFO, "still here");
    assert_int_equal(dw_call_open(NULL, "work", &c), DW_EMISUSE);
}

static void own_thread_says(dw_instance *i, const char *what, const char *expected)
{
    struct activity_thread own;
    dw_call *c;

    assert_int_equal(dw_call_open(i, what, &c), 0);
    assert_true(activity_own(&own));
    assert_string_equal(own.owner, "notes");
    assert_string_equal(own.what, expected);
    dw_call_close(c);
}

/* The table of what threads do is everybody's: a plugin that puts ids into it must not take the others' room. */
static void what_own_threads_say_is_bounded(void **state)
{
    const struct plugin_process process = { 0 };
    const dw_plugin raw = { .host = &dw_host_ };
    const struct plugin_descriptor d = { .raw = &raw, .name = "notes" };
    char what[32], longer[300] = { 0 }, cut[ACTIVITY_WHAT_SIZE] = { 0 };
    dw_instance *i;

    (void)state;
    assert_int_equal(activity_use_private(), 0);
    assert_int_equal(instance_create(&i, &d, &process), 0);
    memset(longer, 'x', sizeof(longer) - 1);
    memset(cut, 'x', sizeof(cut) - 1);
    own_thread_says(i, longer, cut);
    for (int n = 1; n < ACTIVITY_LABELS + 10; n++) {
        snprintf(what, sizeof(what), "job %d", n);
        own_thread_says(i, what, n < INSTANCE_LABELS_MAX ? what : "own thread");
    }
    own_thread_says(i, "job 1", "job 1");
    own_thread_says(i, NULL, "own thread");
    assert_int_not_equal(activity_label("other", "hook door.may_enter"), 0);
    instance_destroy(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_outlive_the_instance),
        cmocka_unit_test(an_instance_that_is_over_can_be_told_from_one_that_runs),
        cmocka_unit_test(what_own_threads_say_is_bounded),
    };
    return cmocka_run_group_tests_name("plugin instance", tests, NULL, NULL);
}
