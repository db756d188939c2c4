/* What a thread is given at its start, and gives back. */
#include "util/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overflow.h"

struct seen {
    char name[THREAD_NAME_SIZE];
    stack_t stack;
    sigset_t blocked;
};

static void *look(void *ud)
{
    struct seen *seen = ud;

    pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
    sigaltstack(NULL, &seen->stack);
    pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
    return NULL;
}

static void a_thread_has_name_stack_and_mask(void **state)
{
    struct seen seen = { .name = "" };
    pthread_t thread;

    (void)state;
    assert_int_equal(thread_start(&thread, "a name that is long", false, look, &seen), 0);
    pthread_join(thread, NULL);
    assert_string_equal(seen.name, "a name that is ");
    assert_int_equal(seen.stack.ss_flags & SS_DISABLE, 0);
    assert_true(seen.stack.ss_size >= (size_t)MINSIGSTKSZ);
    assert_true(sigismember(&seen.blocked, SIGTERM) && sigismember(&seen.blocked, SIGPIPE));
    assert_false(sigismember(&seen.blocked, SIGSEGV) || sigismember(&seen.blocked, SIGABRT));
}

/* ---- foreign threads ---- */

static void *ask_for_a_stack(void *ud)
{
    stack_t *found = ud;

    thread_signal_stack();
    sigaltstack(NULL, &found[0]);
    thread_signal_stack();
    sigaltstack(NULL, &found[1]);
    return NULL;
}

static void a_foreign_thread_asks_for_its_stack(void **state)
{
    stack_t found[2];
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, ask_for_a_stack, found), 0);
    pthread_join(thread, NULL);
    assert_int_equal(found[0].ss_flags & SS_DISABLE, 0);
    assert_ptr_equal(found[0].ss_sp, found[1].ss_sp);
}

static void *bring_a_stack(void *ud)
{
    static char memory[1 << 17];
    const stack_t own = { .ss_sp = memory, .ss_size = sizeof(memory) };
    stack_t old, after;
    bool *kept = ud;

    sigaltstack(NULL, &old);
    sigaltstack(&own, NULL);
    thread_signal_stack();
    sigaltstack(NULL, &after);
    *kept = after.ss_sp == memory;
    sigaltstack(&old, NULL);
    return NULL;
}

static void who_has_a_stack_keeps_it(void **state)
{
    bool kept = false;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, bring_a_stack, &kept), 0);
    pthread_join(thread, NULL);
    assert_true(kept);
}

static size_t mappings(void)
{
    char line[512];
    size_t n = 0;
    FILE *f = fopen("/proc/self/maps", "re");

    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        n++;
    fclose(f);
    return n;
}

static void stacks_are_given_back(void **state)
{
    struct seen seen;
    pthread_t thread;
    size_t before = mappings();

    (void)state;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(thread_start(&thread, "short", false, look, &seen), 0);
        pthread_join(thread, NULL);
    }
    assert_true(mappings() < before + 100); /* libc keeps some stacks for the next threads */
}

/* ---- what it is for ---- */

static void end_well(int number)
{
    (void)number;
    _exit(7);
}

static void *overflow(void *ud)
{
    (void)ud;
    overflow_stack();
    return NULL;
}

static void a_handler_runs_on_an_overflowed_stack(void **state)
{
    const struct sigaction action = { .sa_handler = end_well, .sa_flags = SA_ONSTACK };
    pthread_t thread;
    int status;

    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        sigaction(SIGSEGV, &action, NULL);
        if (thread_start(&thread, "deep", false, overflow, NULL) == 0)
            pthread_join(thread, NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_has_name_stack_and_mask),
        cmocka_unit_test(a_foreign_thread_asks_for_its_stack),
        cmocka_unit_test(who_has_a_stack_keeps_it),
        cmocka_unit_test(stacks_are_given_back),
        cmocka_unit_test(a_handler_runs_on_an_overflowed_stack),
    };
    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
