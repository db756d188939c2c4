/* The server's own operations: read, guarded, and beside those that are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "operations/core_operations.h"

static void each_needs_a_permission_and_has_a_route(void **state)
{
    const struct plugin_process process = { 0 };
    struct core_operations *own;
    struct router_match match;
    struct buf why = BUF_INIT;
    struct router *router;
    (void)state;

    assert_int_equal(router_create(&router), 0);
    if (core_operations_mount(&own, &process, router, &why) != 0)
        fail_msg("%s", buf_text(&why));
    const struct api_document *document = core_operations_contract(own);
    assert_true(document->operations_n > 20);
    for (size_t i = 0; i < document->operations_n; i++) {
        const struct api_operation *op = &document->operations[i];
        assert_non_null(op->permission);
        assert_false(op->is_public);
        assert_false(op->no_tenant);
        router_find(router, op->method, str_from(op->path), &match);
        assert_non_null(match.route);
    }
    router_find(router, HTTP_GET, STR_OF("/api/v1/webhooks"), &match);
    assert_non_null(match.route);
    router_destroy(router);
    core_operations_destroy(own);
    buf_finish(&why);
}

static void ignore(struct http_exchange *x)
{
    (void)x;
}

static void a_clash_is_told(void **state)
{
    const struct http_route there = { .method = HTTP_GET, .path = "/api/v1/inbox", .handler = ignore };
    const struct plugin_process process = { 0 };
    struct core_operations *own;
    char reason[ROUTER_WHY_SIZE];
    struct buf why = BUF_INIT;
    struct router *router;
    (void)state;

    assert_int_equal(router_create(&router), 0);
    assert_int_equal(router_add(router, &there, reason), 0);
    assert_int_equal(core_operations_mount(&own, &process, router, &why), -1);
    assert_non_null(strstr(buf_text(&why), "/api/v1/inbox"));
    router_destroy(router);
    core_operations_destroy(own);
    buf_finish(&why);
}

#define CONTRACT(more)                                                                     \
    "openapi: 3.1.0\ninfo: { title: Own, version: '1' }\npaths:\n"                         \
    "  /things: { post: { operationId: makeThing, x-permission: things.make" more " } }\n" \
    "x-permissions: { things.make: { summary: Make things } }\n"

/* Nothing would hold anybody to it, and the document would say that something does. */
static void a_limit_that_nobody_keeps_is_refused(void **state)
{
    struct api_document *document = NULL;
    struct buf why = BUF_INIT;
    (void)state;

    assert_int_equal(core_operations_read_text(&document, STR_OF(CONTRACT("")), &why), 0);
    api_document_destroy(document);
    assert_int_equal(core_operations_read_text(&document, STR_OF(CONTRACT(", x-rate-limit: 30/1m")), &why),
                     -1);
    assert_null(document);
    assert_string_equal(buf_text(&why),
                        "makeThing has x-rate-limit: 30/1m, which the server's own operations do not have; "
                        "remove it from core/contract/api.yaml");
    buf_finish(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_needs_a_permission_and_has_a_route),
        cmocka_unit_test(a_clash_is_told),
        cmocka_unit_test(a_limit_that_nobody_keeps_is_refused),
    };
    return cmocka_run_group_tests_name("core_operations", tests, NULL, NULL);
}
