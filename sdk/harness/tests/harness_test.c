/* The harness itself: what it promises, and what happens when it is used wrongly or the plugin leaves things behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dowel/harness.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static dw_harness *open_plugin(void)
{
    dw_harness *h;

    if (dw_harness_open(&h, .plugin = PLUGIN) != 0)
        fail_msg("%s", dw_harness_why(h));
    return h;
}

/* ---- what does not open ---- */

static void does_not_open(const char *path, const char *why)
{
    dw_harness *h;

    assert_int_equal(dw_harness_open(&h, .plugin = path), -1);
    if (!strstr(dw_harness_why(h), why))
        fail_msg("\"%s\" is not in: %s", why, dw_harness_why(h));
    assert_int_equal(dw_harness_close(h), 0);
}

static void says_what_does_not_open(void **state)
{
    (void)state;
    does_not_open(NULL, ".plugin");
    does_not_open("/nowhere/plugin.so", "/nowhere/plugin.so");
    does_not_open(__FILE__, __FILE__);
    does_not_open(HARNESS, HARNESS); /* a library, but no plugin */
}

static void bears_being_used_all_the_same(void **state)
{
    dw_harness *h;
    int status = 7;
    (void)state;

    assert_int_equal(dw_harness_open(&h, .plugin = "/nowhere/plugin.so"), -1);
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/echo");
    assert_int_equal(reply.status, 0);
    assert_string_equal(dw_harness_text(reply, "/method"), "");
    assert_null(dw_harness_header(reply, "X-Answer"));
    assert_null(dw_harness_follow(h, "/api/v1/half", NULL, &status));
    assert_int_equal(status, 0);
    assert_int_equal(dw_harness_wait(dw_harness_send(h, .target = "/api/v1/echo")).status, 0);
    assert_true(dw_harness_ask(h, "subject.none/1", &(uint32_t){ 4 }) < 0);
    dw_harness_stop(h);
    assert_int_equal(dw_harness_close(h), 0);
    assert_int_equal(dw_harness_close(NULL), 0);
}

static void says_that_a_request_is_none(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_int_equal(dw_harness_get(h, NULL).status, 0);
    assert_int_equal(dw_harness_get(h, "/api/v1/echo\r\nX: y").status, 0);
    assert_int_equal(dw_harness_request(h, .method = "G\nET", .target = "/").status, 0);
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- the plugin's life ---- */

struct diary {
    char path[32], conf[96], text[64];
};

static struct diary begin_diary(const char *refuses)
{
    struct diary d = { .path = "/tmp/dowel-diary-XXXXXX" };
    int fd = mkstemp(d.path);

    assert_true(fd >= 0);
    close(fd);
    snprintf(d.conf, sizeof(d.conf), "diary: %s\nrefuses: %s\n", d.path, refuses);
    return d;
}

static const char *read_diary(struct diary *d)
{
    FILE *file = fopen(d->path, "r");

    assert_non_null(file);
    d->text[fread(d->text, 1, sizeof(d->text) - 1, file)] = 0;
    fclose(file);
    unlink(d->path);
    return d->text;
}

static void calls_what_is_due(const char *refuses, const char *calls)
{
    struct diary diary = begin_diary(refuses);
    bool works = strcmp(refuses, "nothing") == 0;
    dw_harness *h;

    assert_int_equal(dw_harness_open(&h, .plugin = PLUGIN, .conf = diary.conf), works ? 0 : -1);
    if (!works)
        assert_non_null(strstr(dw_harness_why(h), "it was told to refuse"));
    if (strcmp(refuses, "check") == 0) /* as the server's log has it */
        assert_non_null(strstr(dw_harness_why(h), "its check says: it was told to refuse"));
    assert_int_equal(dw_harness_close(h), 0);
    assert_string_equal(read_diary(&diary), calls);
}

static void calls_stop_after_start_and_fini_after_init(void **state)
{
    (void)state;
    calls_what_is_due("nothing", "check init start stop fini ");
    calls_what_is_due("start", "check init start fini ");
    calls_what_is_due("init", "check init ");
    calls_what_is_due("check", "check ");
}

static void stops_once(void **state)
{
    struct diary diary = begin_diary("nothing");
    dw_harness *h;
    (void)state;

    assert_int_equal(dw_harness_open(&h, .plugin = PLUGIN, .conf = diary.conf), 0);
    dw_harness_stop(h);
    dw_harness_stop(h);
    assert_int_equal(dw_harness_get(h, "/api/v1/echo").status, 0);
    assert_int_equal(dw_harness_close(h), 0);
    assert_string_equal(read_diary(&diary), "check init start stop fini ");
}

/* As after a failed assertion, which jumps over the close. */
static void the_next_one_stops_the_last(void **state)
{
    dw_harness *lost = open_plugin(), *h = open_plugin();
    (void)state;

    assert_int_equal(dw_harness_get(h, "/api/v1/echo").status, 200);
    assert_int_equal(dw_harness_get(lost, "/api/v1/echo").status, 0);
    assert_int_equal(dw_harness_close(lost), 0);
    assert_int_equal(dw_harness_get(h, "/api/v1/nap").status, 200);
    assert_true(dw_harness_logged(h, DW_LOG_WARN, "slept well"));
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- requests ---- */

static void passes_headers_both_ways(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_reply reply =
        dw_harness_request(h, .target = "/api/v1/echo", .headers = "X-Question: why\r\nX-Other: 1\r\n");
    assert_string_equal(dw_harness_header(reply, "x-answer"), "why");
    assert_null(dw_harness_header(reply, "X-Other"));
    assert_string_equal(dw_harness_text(reply, "/method"), "GET");
    assert_int_equal(dw_harness_close(h), 0);
}

static void a_head_has_no_body(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_reply reply = dw_harness_request(h, .method = "HEAD", .target = "/api/v1/echo");
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body.n, 0);
    reply = dw_harness_request(h, .method = "HEAD", .target = "/api/v1/half");
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body.n, 0);
    assert_int_equal(dw_harness_close(h), 0);
}

static void posts_forms(void **state)
{
    static const char type[] = "application/x-www-form-urlencoded", form[] = "name=Ann+Lee&n=7";
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_reply reply =
        dw_harness_request(h, .target = "/api/v1/form", .content_type = type, .body = { form, strlen(form) });
    assert_int_equal(reply.status, 200);
    assert_string_equal(dw_harness_text(reply, "/name"), "Ann Lee");
    assert_string_equal(dw_harness_text(reply, "/n"), "7");
    assert_int_equal(dw_harness_request(h, .target = "/api/v1/form", .content_type = type).status, 400);
    assert_int_equal(dw_harness_close(h), 0);
}

/* More than the server keeps in memory: the handler gets it from a file. */
static void posts_what_is_large(void **state)
{
    enum { SIZE = 900 * 1024 };
    static const char sum[] = "c1fdc43ff3eb1e2de2f6012cab7c10fec30dea51062bd758ed831b779e907985";
    dw_harness *h = open_plugin();
    char *body = malloc(SIZE);
    (void)state;

    assert_non_null(body);
    memset(body, 'x', SIZE);
    dw_harness_reply reply = dw_harness_request(h, .target = "/api/v1/echo", .body = { body, SIZE },
                                                .content_type = "application/octet-stream");
    free(body);
    assert_int_equal(reply.status, 200);
    assert_string_equal(dw_harness_text(reply, "/size"), "921600");
    assert_string_equal(dw_harness_text(reply, "/digest"), sum);
    assert_int_equal(dw_harness_close(h), 0);
}

static void shows_what_came_before_the_cut(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_reply reply = dw_harness_get(h, "/api/v1/half");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body.p, "half");
    assert_true(reply.cut);
    assert_true(dw_harness_logged(h, DW_LOG_WARN, "there is no more"));
    assert_int_equal(dw_harness_close(h), 0);
}

static void a_reply_that_its_contract_does_not_know_is_told(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_reply reply = dw_harness_get(h, "/api/v1/wrong");
    assert_int_equal(reply.status, 500);
    assert_string_equal(dw_harness_text(reply, "/errors/0/pointer"), "#/name");
    assert_string_equal(dw_harness_text(reply, "/errors/0/detail"), "is missing, and is required");
    assert_true(dw_harness_logged(h, DW_LOG_ERROR, "operation answerWrongly"));
    assert_int_equal(dw_harness_get(h, "/api/v1/wrong?late=true").status, 500); /* a token's */
    assert_int_equal(dw_harness_close(h), 2);
}

static void who_sleeps_wakes_at_once_an_hour_later(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_set_now(h, (dw_time){ 0 });
    dw_harness_advance(h, DW_SECONDS(1));
    dw_harness_reply reply = dw_harness_get(h, "/api/v1/nap");
    assert_string_equal(dw_harness_text(reply, "/before"), "1970-01-01T00:00:01.000000Z");
    assert_string_equal(dw_harness_text(reply, "/after"), "1970-01-01T01:00:01.000000Z");
    assert_int_equal(dw_harness_close(h), 0);
}

static void the_log_has_levels_and_can_be_forgotten(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_get(h, "/api/v1/nap");
    assert_true(dw_harness_logged(h, DW_LOG_INFO, "slept well"));
    assert_true(dw_harness_logged(h, DW_LOG_WARN, "bed=\"hard\""));
    assert_false(dw_harness_logged(h, DW_LOG_ERROR, "slept well"));
    dw_harness_forget_log(h);
    assert_false(dw_harness_logged(h, DW_LOG_DEBUG, "slept well"));
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- what is left behind ---- */

static void a_reply_that_never_comes(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_set_patience(h, DW_MILLISECONDS(20));
    assert_int_equal(dw_harness_get(h, "/api/v1/never").status, 0);
    assert_int_equal(dw_harness_close(h), 1);
}

static void a_reply_that_is_due_before(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_int_equal(dw_harness_get(h, "/api/v1/never?ms=20").status, 504);
    assert_int_equal(dw_harness_close(h), 1);
}

static void a_call_that_is_not_closed(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_int_equal(dw_harness_get(h, "/api/v1/unclosed").status, 204);
    assert_int_equal(dw_harness_close(h), 1);
}

static void the_next_test_is_not_disturbed(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    assert_int_equal(dw_harness_get(h, "/api/v1/echo").status, 200);
    assert_int_equal(dw_harness_close(h), 0);
}

/* ---- torture ---- */

static void play(dw_harness *h, void *ud)
{
    dw_harness_get(h, ud);
}

static void torture_finds_what_is_left_open(void **state)
{
    dw_harness *h = open_plugin();
    char careless[] = "/api/v1/careless", echo[] = "/api/v1/echo";
    (void)state;

    assert_true(dw_harness_torture(h, play, echo) > 1);
    assert_int_equal(dw_harness_torture(h, play, careless), -1);
    assert_string_equal(dw_harness_failed_step(h), "dw_seal");
    assert_true(dw_harness_logged(h, DW_LOG_ERROR, "dw_seal"));
    assert_int_equal(dw_harness_close(h), 1);
}

static void the_step_that_is_named_fails_with_its_code(void **state)
{
    dw_harness *h = open_plugin();
    (void)state;

    dw_harness_fail(h, 2, DW_ERATE);
    assert_int_equal(dw_harness_get(h, "/api/v1/echo").status, 429);
    assert_string_equal(dw_harness_failed_step(h), "dw_reply");
    assert_int_equal(dw_harness_steps(h), 2);
    assert_int_equal(dw_harness_get(h, "/api/v1/echo").status, 200);
    assert_int_equal(dw_harness_close(h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_does_not_open),
        cmocka_unit_test(bears_being_used_all_the_same),
        cmocka_unit_test(says_that_a_request_is_none),
        cmocka_unit_test(calls_stop_after_start_and_fini_after_init),
        cmocka_unit_test(stops_once),
        cmocka_unit_test(the_next_one_stops_the_last),
        cmocka_unit_test(passes_headers_both_ways),
        cmocka_unit_test(a_head_has_no_body),
        cmocka_unit_test(posts_forms),
        cmocka_unit_test(posts_what_is_large),
        cmocka_unit_test(shows_what_came_before_the_cut),
        cmocka_unit_test(a_reply_that_its_contract_does_not_know_is_told),
        cmocka_unit_test(who_sleeps_wakes_at_once_an_hour_later),
        cmocka_unit_test(the_log_has_levels_and_can_be_forgotten),
        cmocka_unit_test(a_reply_that_never_comes),
        cmocka_unit_test(a_reply_that_is_due_before),
        cmocka_unit_test(a_call_that_is_not_closed),
        cmocka_unit_test(the_next_test_is_not_disturbed),
        cmocka_unit_test(torture_finds_what_is_left_open),
        cmocka_unit_test(the_step_that_is_named_fails_with_its_code),
    };

    return cmocka_run_group_tests_name("harness", tests, NULL, NULL);
}
