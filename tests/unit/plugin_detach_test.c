/* Requests that are answered later: exactly once, from any thread, whatever the client does meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "metrics/metrics.h"
#include "plugin/call.h"
#include "plugin_rig.h"
#include "supervise/activity.h"
#include "util/thread.h"

const dw_asset dw_assets_[] = { { 0 } };

enum { THREADS = 16, ROUNDS = 40 };

/* What a token owns; counts what is done to it. */
struct job {
    dw_token *token;
    _Atomic int gone, released, after_release;
    _Atomic bool is_ready;
    _Atomic int completed; /* what the completion returned; 1: not yet */
};

static struct job jobs[THREADS * ROUNDS + 64];
static _Atomic size_t jobs_n;

static struct job *new_job(void)
{
    struct job *j = &jobs[atomic_fetch_add(&jobs_n, 1)];
    j->completed = 1;
    return j;
}

static struct job *last_job(void)
{
    return &jobs[atomic_load(&jobs_n) - 1];
}

static void on_gone(void *ud)
{
    struct job *j = ud;

    if (atomic_load(&j->released))
        atomic_fetch_add(&j->after_release, 1);
    atomic_fetch_add(&j->gone, 1);
}

static void on_release(void *ud)
{
    atomic_fetch_add(&((struct job *)ud)->released, 1);
}

static int detach_for(dw_request *req, struct job *j, dw_span timeout)
{
    DW_TRY(dw_request_detach(req, &j->token, .timeout = timeout, .on_gone = on_gone, .on_release = on_release,
                             .ud = j));
    atomic_store(&j->is_ready, true);
    return 0;
}

static int keeps(dw_call *c, dw_request *req)
{
    (void)c;
    return detach_for(req, new_job(), DW_SECONDS(20));
}

static int hurries(dw_call *c, dw_request *req)
{
    (void)c;
    return detach_for(req, new_job(), DW_MILLISECONDS(300));
}

static int outlasts(dw_call *c, dw_request *req) /* its operation has one second */
{
    (void)c;
    return detach_for(req, new_job(), DW_SECONDS(15));
}

static int strays(dw_call *c, dw_request *req)
{
    struct job *j = new_job();

    DW_TRY(dw_reply_header(req, "X-Mine", "1"));
    DW_TRY(detach_for(req, j, DW_SECONDS(20)));
    j->completed = dw_reply(req, 200, "late", 1) == DW_ETHREAD &&
                           dw_fail(c, DW_ECONFLICT, "no") == DW_ETHREAD && !dw_request_json(req)
                       ? 2
                       : 3;
    return DW_ECONFLICT;
}

static struct activity_thread seen;

/* As a crash note would say it. */
static int lingers(dw_call *c, dw_request *req)
{
    struct job *j = new_job();

    (void)c;
    DW_TRY(detach_for(req, j, DW_SECONDS(20)));
    j->completed = activity_own(&seen) ? 2 : 3;
    return 0;
}

static int refuses(dw_call *c, dw_request *req)
{
    struct job *j = new_job();

    (void)c;
    DW_TRY(dw_reply(req, 200, "first", 1));
    return detach_for(req, j, (dw_span){ 0 }) == DW_EMISUSE && !j->token ? 0 : DW_EINTERNAL;
}

/* As a service would that is given the asker's request. */
static int from_inside(dw_call *c, dw_request *req, struct job *j)
{
    const struct call_options options = {
        .instance = c->instance, .label = activity_label("ledger", "service"), .what = "service", .parent = c
    };
    dw_call *child;

    DW_TRY(call_begin(&child, &options));
    int rc = detach_for(req, j, (dw_span){ 0 });
    call_end(child);
    return rc;
}

static int lends(dw_call *c, dw_request *req)
{
    struct job *j = new_job();

    if (from_inside(c, req, j) != DW_EMISUSE || j->token)
        return DW_EINTERNAL;
    return detach_for(req, j, DW_SECONDS(20)); /* the child has ended */
}

static _Atomic int answering; /* threads that may still write into their job */

static void *answer_at_once(void *ud)
{
    struct job *j = ud;

    while (!atomic_load(&j->is_ready))
        sched_yield();
    for (size_t i = 0; i < (size_t)(j - jobs) % 7 * 20; i++) /* at all moments of a client that leaves */
        sched_yield();
    j->completed = dw_token_reply(j->token, 200, "n", (int)(j - jobs));
    atomic_fetch_sub(&answering, 1);
    return NULL;
}

static int races(dw_call *c, dw_request *req)
{
    struct job *j = new_job();
    pthread_t thread;

    (void)c;
    atomic_fetch_add(&answering, 1);
    if (thread_start(&thread, "answer", true, answer_at_once, j) != 0) {
        atomic_fetch_sub(&answering, 1);
        return DW_EUNAVAILABLE;
    }
    return detach_for(req, j, DW_SECONDS(20));
}

static const dw_operation operations[] = {
    { "keeps", keeps },   { "hurries", hurries }, { "outlasts", outlasts },
    { "strays", strays }, { "lingers", lingers }, { "refuses", refuses },
    { "lends", lends },   { "races", races },     { 0 }
};

DOWEL_PLUGIN(.name = "pulse", .version = "1.0.0", .operations = operations);

#define GET(id, more) "  /" id ": { get: { operationId: " id ", x-public: true" more " } }\n"
static const char api[] =
    "openapi: 3.1.0\n"
    "info: { title: Pulse, version: '1' }\n"
    "paths:\n" GET("keeps", "") GET("hurries", "") GET("outlasts", ", x-timeout: 1s") GET("strays", "")
        GET("lingers", "") GET("refuses", "") GET("lends", "") GET("races", "");

static int start(void **state)
{
    (void)state;
    json_start();
    assert_int_equal(activity_use_private(), 0);
    memset(jobs, 0, sizeof(jobs));
    jobs_n = 0;
    rig_start(&dw_plugin_, api, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    RIG_UNTIL(atomic_load(&answering) == 0);
    rig_stop();
    memset(&rig, 0, sizeof(rig));
    return 0;
}

/* A request that a handler has detached. */
static int begin_job_with(const char *path, const char *fields, struct job **out)
{
    size_t before = atomic_load(&jobs_n);
    int fd = rig_begin("GET", path, fields, "");

    RIG_UNTIL(atomic_load(&jobs_n) > before && atomic_load(&last_job()->is_ready));
    *out = last_job();
    return fd;
}

static int begin_job(const char *path, struct job **out)
{
    return begin_job_with(path, "", out);
}

static void leave_abruptly(int fd)
{
    const struct linger at_once = { .l_onoff = 1 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}

static void check_end(const struct job *j, int gone)
{
    RIG_UNTIL(atomic_load(&j->released) == 1);
    assert_int_equal(atomic_load(&j->gone), gone);
    assert_int_equal(atomic_load(&j->after_release), 0);
}

static void a_token_answers_once(void **state)
{
    struct job *j;

    (void)state;
    int fd = begin_job("/api/v1/keeps", &j);
    assert_int_equal(dw_token_reply(j->token, 202, "beat", 7), 0);
    char *a = rig_read_all(fd);
    assert_non_null(a);
    assert_int_equal(rig_status(a), 202);
    RIG_HAS(a, "{\"beat\":7}");
    free(a);
    check_end(j, 0);
    assert_int_equal(dw_token_reply(j->token, 202, "beat", 8), DW_EMISUSE);
    assert_int_equal(dw_token_fail(j->token, DW_ECONFLICT, "again"), DW_EMISUSE);
    assert_true(rig_log_has("a second time"));
    assert_true(rig_log_has("\"plugin\":\"pulse\""));
    check_end(j, 0);
}

static void what_is_no_token_is_told(void **state)
{
    (void)state;
    assert_int_equal(dw_token_reply(NULL, 200), DW_EMISUSE);
    assert_int_equal(dw_token_fail((dw_token *)(uintptr_t)0x7fffffffffff, DW_EGONE, ""), DW_EMISUSE);
    assert_true(rig_log_has("none was completed"));
}

static void a_token_fails_as_a_handler_does(void **state)
{
    struct job *j;

    (void)state;
    int fd = begin_job("/api/v1/keeps", &j);
    assert_int_equal(dw_token_fail(j->token, DW_ECONFLICT, "it beats already"), 0);
    char *a = rig_read_all(fd);
    assert_non_null(a);
    assert_int_equal(rig_status(a), 409);
    RIG_HAS(a, "it beats already");
    free(a);
    check_end(j, 0);
}

static void a_token_fails_in_the_clients_language(void **state)
{
    struct job *j;

    (void)state;
    rig.instance->german = json_pack("{s:s}", "it beats already", "es schlägt schon");
    int fd = begin_job_with("/api/v1/keeps", "Accept-Language: de\r\n", &j);
    assert_int_equal(dw_token_fail(j->token, DW_ECONFLICT, "it beats already"), 0);
    char *a = rig_read_all(fd);
    assert_non_null(a);
    RIG_HAS(a, "\"detail\":\"es schlägt schon\"");
    RIG_HAS(a, "Content-Language: de\r\n");
    free(a);
    check_end(j, 0);
}

static void wrong_arguments_complete_with_a_500(void **state)
{
    struct job *j;

    (void)state;
    int fd = begin_job("/api/v1/keeps", &j);
    assert_int_equal(dw_token_reply(j->token, 200, "odd"), DW_EMISUSE);
    char *a = rig_read_all(fd);
    assert_non_null(a);
    assert_int_equal(rig_status(a), 500);
    free(a);
    fd = begin_job("/api/v1/keeps", &j);
    assert_int_equal(dw_token_fail(j->token, 0, "no code"), DW_EMISUSE);
    a = rig_read_all(fd);
    assert_non_null(a);
    assert_int_equal(rig_status(a), 500);
    free(a);
    check_end(j, 0);
}

static void a_client_that_left_is_told_to_the_plugin(void **state)
{
    struct job *j;

    (void)state;
    leave_abruptly(begin_job("/api/v1/keeps", &j));
    RIG_UNTIL(atomic_load(&j->gone) == 1);
    assert_int_equal(atomic_load(&j->released), 0); /* ud is the token's until it is completed */
    assert_int_equal(dw_token_reply(j->token, 200, "beat", 7), DW_EGONE);
    check_end(j, 1);
    assert_int_equal(dw_token_reply(j->token, 200, "beat", 7), DW_EMISUSE);
    assert_false(rig_log_has("without a reply"));
    RIG_UNTIL(rig_log_has("\"status\":499"));
}

static void the_deadline_is_the_servers(void **state)
{
    struct job *j;

    (void)state;
    int64_t before = clock_monotonic_us();
    int fd = begin_job("/api/v1/hurries", &j);
    char *a = rig_read_all(fd);
    assert_non_null(a);
    assert_int_equal(rig_status(a), 504);
    free(a);
    assert_in_range(clock_monotonic_us() - before, 200000, 5 * CLOCK_SECOND);
    RIG_UNTIL(atomic_load(&j->gone) == 1);
    assert_int_equal(dw_token_fail(j->token, DW_EUNAVAILABLE, "too late"), DW_EGONE);
    check_end(j, 1);
}

static void a_token_may_last_longer_than_its_operation(void **state)
{
    struct job *j;

    (void)state;
    int fd = begin_job("/api/v1/outlasts", &j);
    int64_t until = clock_monotonic_us() + 1300000; /* the operation's second, and some ticks of the clock */
    RIG_UNTIL(clock_monotonic_us() > until);
    assert_int_equal(atomic_load(&j->gone), 0);
    assert_int_equal(dw_token_reply(j->token, 200, "n", 1), 0);
    char *a = rig_read_all(fd);
    assert_non_null(a);
    assert_int_equal(rig_status(a), 200);
    free(a);
    check_end(j, 0);
}

static void the_handler_has_nothing_left(void **state)
{
    struct job *j;

    (void)state;
    int fd = begin_job("/api/v1/strays", &j);
    RIG_UNTIL(rig_log_has("the token answers")); /* it returned an error all the same */
    assert_int_equal(dw_token_reply(j->token, 200, "n", 1), 0);
    char *a = rig_read_all(fd);
    assert_non_null(a);
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "X-Mine: 1");
    free(a);
    assert_int_equal(j->completed, 2);
    assert_int_equal(rig.instance->calls, 0);
}

static bool somebody_works(void)
{
    struct activity_thread t;
    size_t at = 0;

    return activity_next(activity_table(), &at, &t);
}

static void the_rest_of_the_handler_has_a_name(void **state)
{
    struct job *j;

    (void)state;
    int fd = begin_job("/api/v1/lingers", &j);
    RIG_UNTIL(j->completed != 1);
    assert_int_equal(j->completed, 2);
    assert_string_equal(seen.owner, "pulse");
    assert_string_equal(seen.what, "operation lingers");
    RIG_UNTIL(atomic_load(&rig.instance->calls) == 0);
    assert_false(somebody_works()); /* it ends with the handler, not with the token */
    assert_int_equal(dw_token_reply(j->token, 200, "n", 1), 0);
    char *a = rig_read_all(fd);
    assert_non_null(a);
    free(a);
    check_end(j, 0);
}

static void what_is_answered_cannot_be_detached(void **state)
{
    (void)state;
    const char *a = rig_get("/api/v1/refuses");
    assert_int_equal(rig_status(a), 200);
    RIG_HAS(a, "{\"first\":1}");
    assert_int_equal(atomic_load(&last_job()->released), 0); /* ud stayed the plugin's */
}

static void who_is_asked_cannot_detach(void **state)
{
    struct job *j;

    (void)state;
    int fd = begin_job("/api/v1/lends", &j);
    RIG_UNTIL(atomic_load(&rig.instance->calls) == 0);
    assert_true(rig_log_has("somebody whom it asked is at work"));
    assert_false(somebody_works());
    assert_int_equal(dw_token_reply(j->token, 200, "n", 1), 0);
    char *a = rig_read_all(fd);
    assert_non_null(a);
    assert_int_equal(rig_status(a), 200);
    free(a);
    check_end(j, 0);
}

static void a_token_that_is_lost_is_told(void **state)
{
    struct job *j;

    (void)state;
    rig.process.token_grace_us = 1500000;
    int64_t before = metric_value(rig.instance->metrics.tokens_lost);
    char *a = rig_read_all(begin_job("/api/v1/hurries", &j));
    assert_non_null(a);
    assert_int_equal(rig_status(a), 504);
    free(a);
    assert_false(rig_log_has("never answered"));
    RIG_UNTIL(rig_log_has("never answered"));
    assert_true(rig_log_has("\"callback\":\"operation hurries\""));
    assert_int_equal(metric_value(rig.instance->metrics.tokens_lost) - before, 1);
    assert_int_equal(dw_token_reply(j->token, 200, "n", 1), DW_EGONE); /* better late than never */
    check_end(j, 1);
}

static void stopping_lets_all_tokens_go(void **state)
{
    struct job *open, *left;

    (void)state;
    int64_t before = metric_value(rig.instance->metrics.tokens_lost);
    int fd = begin_job("/api/v1/keeps", &open);
    leave_abruptly(begin_job("/api/v1/keeps", &left));
    RIG_UNTIL(atomic_load(&left->gone) == 1);
    detach_stop(rig.instance);
    check_end(open, 1);
    check_end(left, 1);
    char *a = rig_read_all(fd);
    assert_non_null(a);
    assert_int_equal(rig_status(a), 503);
    free(a);
    assert_true(rig_log_has("had not completed it"));
    assert_int_equal(metric_value(rig.instance->metrics.tokens_lost) - before, 2);
    assert_int_equal(dw_token_reply(open->token, 200, "n", 1), DW_EGONE);
    assert_int_equal(dw_token_reply(open->token, 200, "n", 1), DW_EMISUSE);
    check_end(open, 1);
}

static void the_server_can_end_before_its_tokens(void **state)
{
    struct job *j;

    (void)state;
    int fd = begin_job("/api/v1/keeps", &j);
    rig_stop_server(); /* comes back although nobody completes */
    RIG_UNTIL(atomic_load(&j->gone) == 1);
    assert_int_equal(dw_token_reply(j->token, 200, "n", 1), DW_EGONE);
    check_end(j, 1);
    close(fd);
}

/* ---- sixteen threads ---- */

/* Each job is completed by its own thread while its client reads, leaves at once, or leaves just now. */
static void *run_client(void *ud)
{
    size_t mine = (size_t)(uintptr_t)ud;

    for (size_t i = 0; i < ROUNDS; i++) {
        int fd = rig_begin("GET", "/api/v1/races", "", "");
        if ((mine + i) % 3 == 0) {
            leave_abruptly(fd);
            continue;
        }
        char *a = rig_read_all(fd);
        bool good = a && rig_status(a) == 200;
        free(a);
        if (!good)
            return "a request was not answered";
    }
    return NULL;
}

static void tokens_are_completed_once_by_many_threads(void **state)
{
    pthread_t thread[THREADS];
    size_t gone = 0;

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&thread[i], "client", false, run_client, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(thread[i], &wrong);
        if (wrong)
            fail_msg("%s", (const char *)wrong);
    }
    RIG_UNTIL(atomic_load(&rig.instance->calls) == 0);
    for (size_t i = 0; i < atomic_load(&jobs_n); i++) {
        RIG_UNTIL(atomic_load(&jobs[i].released) == 1);
        assert_int_equal(atomic_load(&jobs[i].after_release), 0);
        assert_true(atomic_load(&jobs[i].gone) <= 1);
        gone += jobs[i].completed == DW_EGONE;
    }
    print_message("%zu tokens, %zu of them after their client had left\n", atomic_load(&jobs_n), gone);
    assert_false(rig_log_has("broke the contract"));
    assert_false(rig_log_has("without a reply"));
}

/* Two threads complete every token at once: one of them is told off. */
static void *complete_all(void *ud)
{
    int *misused = ud;

    for (size_t i = 0; i < THREADS; i++) {
        while (!atomic_load(&jobs[i].is_ready))
            sched_yield();
        int rc = dw_token_reply(jobs[i].token, 200, "n", 1);
        *misused += rc == DW_EMISUSE;
    }
    return NULL;
}

static void two_threads_cannot_both_complete(void **state)
{
    pthread_t thread[2];
    int misused[2] = { 0 }, fd[THREADS];

    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(thread_start(&thread[i], "complete", false, complete_all, &misused[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        fd[i] = rig_begin("GET", "/api/v1/keeps", "", "");
    for (size_t i = 0; i < THREADS; i++) {
        char *a = rig_read_all(fd[i]);
        assert_non_null(a);
        assert_int_equal(rig_status(a), 200);
        free(a);
    }
    for (size_t i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(misused[0] + misused[1], THREADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_answers_once, start, stop),
        cmocka_unit_test_setup_teardown(what_is_no_token_is_told, start, stop),
        cmocka_unit_test_setup_teardown(a_token_fails_as_a_handler_does, start, stop),
        cmocka_unit_test_setup_teardown(a_token_fails_in_the_clients_language, start, stop),
        cmocka_unit_test_setup_teardown(wrong_arguments_complete_with_a_500, start, stop),
        cmocka_unit_test_setup_teardown(a_client_that_left_is_told_to_the_plugin, start, stop),
        cmocka_unit_test_setup_teardown(the_deadline_is_the_servers, start, stop),
        cmocka_unit_test_setup_teardown(a_token_may_last_longer_than_its_operation, start, stop),
        cmocka_unit_test_setup_teardown(the_handler_has_nothing_left, start, stop),
        cmocka_unit_test_setup_teardown(the_rest_of_the_handler_has_a_name, start, stop),
        cmocka_unit_test_setup_teardown(what_is_answered_cannot_be_detached, start, stop),
        cmocka_unit_test_setup_teardown(who_is_asked_cannot_detach, start, stop),
        cmocka_unit_test_setup_teardown(a_token_that_is_lost_is_told, start, stop),
        cmocka_unit_test_setup_teardown(stopping_lets_all_tokens_go, start, stop),
        cmocka_unit_test_setup_teardown(the_server_can_end_before_its_tokens, start, stop),
        cmocka_unit_test_setup_teardown(tokens_are_completed_once_by_many_threads, start, stop),
        cmocka_unit_test_setup_teardown(two_threads_cannot_both_complete, start, stop),
    };
    return cmocka_run_group_tests_name("plugin_detach", tests, NULL, NULL);
}
