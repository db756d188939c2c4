/* An instance, and what of it stays. */
#include "plugin/instance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_outlive_the_instance),
        cmocka_unit_test(an_instance_that_is_over_can_be_told_from_one_that_runs),
    };
    return cmocka_run_group_tests_name("plugin instance", tests, NULL, NULL);
}
