/* Operations and handlers bound both ways, and routes that clash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dowel/dowel.h>

#include "api/document.h"
#include "metrics/metrics.h"
#include "plugin/descriptor.h"
#include "plugin/request.h"
#include "plugin/routes.h"

static int answer(dw_call *c, dw_request *req)
{
    (void)c;
    return dw_reply(req, 204);
}

const dw_host *dw_host_;

static const char api[] =
    "openapi: 3.1.0\n"
    "info: { title: Notes, version: '1' }\n"
    "paths:\n"
    "  /notes:\n"
    "    get: { operationId: listNotes, x-public: true }\n"
    "    post:\n"
    "      operationId: createNote\n"
    "      x-permission: notes.write\n"
    "      x-timeout: 5s\n"
    "      x-body-max: 2 MiB\n"
    "      requestBody: { content: { application/json: { schema: { type: object } } } }\n"
    "  /notes/{id}:\n"
    "    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]\n"
    "    get: { operationId: getNote, x-public: true }\n";

static const struct plugin_process process = { 0 };

/* A plugin made by hand, and what became of it. */
struct made {
    struct plugin_descriptor descriptor;
    dw_instance instance;
    struct api_document *document;
    struct plugin_routes *routes;
    struct buf why;
};

static void make_instance(struct made *m, const char *name, const dw_operation *operations,
                          size_t operations_n, const dw_route *routes, size_t routes_n)
{
    *m = (struct made){ .why = BUF_INIT };
    m->descriptor = (struct plugin_descriptor){ .name = name,
                                                .operations = operations,
                                                .operations_n = operations_n,
                                                .routes = routes,
                                                .routes_n = routes_n };
    m->instance = (dw_instance){
        .magic = INSTANCE_MAGIC, .name = name, .descriptor = &m->descriptor, .process = &process
    };
}

static void read_api(struct made *m)
{
    struct config_problems problems;
    struct buf text = BUF_INIT;

    config_problems_init(&problems);
    if (api_document_create(str_from(api), "notes/api.yaml", &problems, &m->document) != 0) {
        config_problems_format(&text, &problems);
        fail_msg("%s", buf_text(&text));
    }
    config_problems_finish(&problems);
}

static int create(struct made *m)
{
    return plugin_routes_create(&m->routes, &m->instance, m->document, &m->why);
}

static void drop(struct made *m)
{
    plugin_routes_destroy(m->routes);
    api_document_destroy(m->document);
    buf_finish(&m->why);
}

#define HAS(m, text)                                              \
    do {                                                          \
        if (!strstr(buf_text(&(m).why), (text)))                  \
            fail_msg("no %s in: %s", (text), buf_text(&(m).why)); \
    } while (0)

static const dw_operation all[] = { { "createNote", answer },
                                    { "getNote", answer },
                                    { "listNotes", answer } };

static void all_is_bound_and_mounted(void **state)
{
    static const dw_route others[] = { { NULL, "/dav/{rest...}", "-", answer },
                                       { "GET", "/feed", NULL, answer } };
    struct made m;
    struct router *router;
    struct router_match match;

    (void)state;
    make_instance(&m, "notes", all, 3, others, 2);
    read_api(&m);
    assert_int_equal(create(&m), 0);
    assert_int_equal(router_create(&router), 0);
    assert_int_equal(plugin_routes_mount(m.routes, router, &m.why), 0);

    router_find(router, HTTP_POST, STR_OF("/api/v1/notes"), &match);
    assert_non_null(match.route);
    assert_int_equal(match.route->where, HTTP_ON_WORKER);
    assert_int_equal(match.route->timeout_us, 5000000);
    assert_int_equal(match.route->body_max, 2 << 20);
    assert_string_equal(match.route->owner, "notes");
    assert_non_null(match.route->status[5]);
    const struct plugin_route *bound = match.route->ud;
    assert_string_equal(bound->what, "operation createNote");
    assert_true(bound->permission);
    assert_ptr_equal(bound->handler, answer);

    router_find(router, HTTP_GET, STR_OF("/api/v1/notes/5"), &match);
    assert_false(((const struct plugin_route *)match.route->ud)->permission);
    router_find(router, HTTP_UNKNOWN, STR_OF("/dav/a/b"), &match);
    bound = match.route->ud;
    assert_string_equal(bound->what, "route /dav/{rest...}");
    assert_false(bound->permission);
    assert_null(bound->operation);
    router_find(router, HTTP_GET, STR_OF("/feed"), &match);
    assert_true(((const struct plugin_route *)match.route->ud)->permission);
    router_destroy(router);
    drop(&m);
}

static void each_that_is_missing_is_named(void **state)
{
    static const dw_operation some[] = {
        { "createNote", answer }, { "getNote", NULL }, { "dropNote", answer }, { "createNote", answer }
    };
    struct made m;

    (void)state;
    make_instance(&m, "notes", some, 4, NULL, 0);
    read_api(&m);
    assert_int_equal(create(&m), -1);
    assert_null(m.routes);
    HAS(m, "getNote has no function");
    HAS(m, "handler for dropNote, which api.yaml has no operationId of");
    HAS(m, "two handlers for createNote");
    HAS(m, "api.yaml has the operation listNotes");
    drop(&m);
}

static void handlers_without_a_contract_are_refused(void **state)
{
    struct made m;

    (void)state;
    make_instance(&m, "notes", all, 1, NULL, 0);
    assert_int_equal(create(&m), -1);
    HAS(m, "createNote");
    drop(&m);
    make_instance(&m, "quiet", NULL, 0, NULL, 0);
    assert_int_equal(create(&m), 0);
    drop(&m);
}

static void routes_are_checked_before_they_are_mounted(void **state)
{
    static const dw_route bad[] = { { "FETCH", "/a", "-", answer },
                                    { "GET", "no slash", "-", answer },
                                    { "GET", "/c", "-", NULL } };
    struct made m;

    (void)state;
    make_instance(&m, "dav", NULL, 0, bad, 3);
    assert_int_equal(create(&m), -1);
    HAS(m, "/a has a method that is not known");
    HAS(m, "no slash a template begins with");
    HAS(m, "/c has no function");
    drop(&m);
}

static void nothing(struct http_exchange *x)
{
    (void)x;
}

static void count(const struct http_route *route, void *ud)
{
    (void)route;
    ++*(size_t *)ud;
}

static void a_clash_names_the_other_and_adds_nothing(void **state)
{
    static const dw_route theirs[] = { { "GET", "/fine", "-", answer },
                                       { "GET", "/api/v1/notes", "-", answer } };
    static const dw_route servers[] = { { "GET", "/also-fine", "-", answer },
                                        { NULL, "/x/{name}", "-", answer } };
    static const dw_route own[] = { { "GET", "/mine", "-", answer }, { "GET", "/mine", "-", answer } };
    const struct http_route of_server = { .method = HTTP_GET, .path = "/x/{id}", .handler = nothing };
    char why[ROUTER_WHY_SIZE];
    struct made first, second, third, fourth;
    struct router *router;
    struct buf page = BUF_INIT;
    size_t n = 0;

    (void)state;
    assert_int_equal(router_create(&router), 0);
    assert_int_equal(router_add(router, &of_server, why), 0);
    make_instance(&first, "notes", all, 3, NULL, 0);
    read_api(&first);
    assert_int_equal(create(&first), 0);
    assert_int_equal(plugin_routes_mount(first.routes, router, &first.why), 0);

    make_instance(&second, "blog", NULL, 0, theirs, 2);
    assert_int_equal(create(&second), 0);
    assert_int_equal(plugin_routes_mount(second.routes, router, &second.why), -1);
    HAS(second, "GET /api/v1/notes: clashes");
    HAS(second, "(of the plugin notes)");
    make_instance(&third, "wiki", NULL, 0, servers, 2);
    assert_int_equal(create(&third), 0);
    assert_int_equal(plugin_routes_mount(third.routes, router, &third.why), -1);
    HAS(third, "clashes with /x/{id}");
    HAS(third, "(of the server)");
    make_instance(&fourth, "twice", NULL, 0, own, 2);
    assert_int_equal(create(&fourth), 0);
    assert_int_equal(plugin_routes_mount(fourth.routes, router, &fourth.why), -1);
    HAS(fourth, "(of the plugin twice itself)");

    router_each(router, count, &n);
    assert_int_equal(n, 4);
    metrics_write(&page);
    assert_null(strstr(buf_text(&page), "fine")); /* nor do metrics of theirs stay behind */
    assert_null(strstr(buf_text(&page), "plugin=\"blog\""));
    buf_finish(&page);
    router_destroy(router);
    drop(&first);
    drop(&second);
    drop(&third);
    drop(&fourth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_bound_and_mounted),
        cmocka_unit_test(each_that_is_missing_is_named),
        cmocka_unit_test(handlers_without_a_contract_are_refused),
        cmocka_unit_test(routes_are_checked_before_they_are_mounted),
        cmocka_unit_test(a_clash_names_the_other_and_adds_nothing),
    };
    return cmocka_run_group_tests_name("plugin_routes", tests, NULL, NULL);
}
