#include "plugin/routes.h"

#include <stdlib.h>

#include "api/replies.h"
#include "plugin/descriptor.h"
#include "plugin/request.h"

/* One array each, in the same order; they stand still once routes were mounted. */
struct plugin_routes {
    dw_instance *instance;
    struct plugin_route *routes;
    struct http_route *http;
    size_t n;
    struct buf *names; /* of plugin_route.what */
    struct api_replies *replies;
};

/* ---- both ways ---- */

static const dw_operation *handler_of(const struct plugin_descriptor *d, const char *id)
{
    for (size_t i = 0; i < d->operations_n; i++) {
        if (strcmp(d->operations[i].id, id) == 0)
            return &d->operations[i];
    }
    return NULL;
}

static void add_wrong(struct buf *why, bool *is_wrong, const char *format, const char *id)
{
    if (*is_wrong)
        buf_add_text(why, "; ");
    *is_wrong = true;
    buf_add_format(why, format, id);
}

static void check_handlers(const struct plugin_descriptor *d, const struct api_document *document,
                           struct buf *why, bool *is_wrong)
{
    for (size_t i = 0; i < d->operations_n; i++) {
        const dw_operation *o = &d->operations[i];
        if (!o->handler)
            add_wrong(why, is_wrong, "the operation %s has no function", o->id);
        else if (!document || !api_document_find(document, o->id))
            add_wrong(why, is_wrong, "the plugin has a handler for %s, which api.yaml has no operationId of",
                      o->id);
        else if (handler_of(d, o->id) != o)
            add_wrong(why, is_wrong, "the plugin has two handlers for %s", o->id);
    }
}

static void check_operations(const struct plugin_descriptor *d, const struct api_document *document,
                             struct buf *why, bool *is_wrong)
{
    for (size_t i = 0; document && i < document->operations_n; i++) {
        if (!handler_of(d, document->operations[i].id))
            add_wrong(why, is_wrong, "api.yaml has the operation %s, which the plugin has no handler for",
                      document->operations[i].id);
    }
}

static const char *route_wrong(const dw_route *route)
{
    if (!route->handler)
        return "has no function";
    if (route->method && http_method_from(str_from(route->method)) == HTTP_UNKNOWN)
        return "has a method that is not known; NULL takes any";
    return router_template_wrong(route->path);
}

static void check_routes(const struct plugin_descriptor *d, struct buf *why, bool *is_wrong)
{
    for (size_t i = 0; i < d->routes_n; i++) {
        const dw_route *route = &d->routes[i];
        const char *wrong = route_wrong(route);
        if (!wrong)
            continue;
        add_wrong(why, is_wrong, "the route %s ", route->path ? route->path : "without a path");
        buf_add_text(why, wrong);
    }
}

static int check(const struct plugin_descriptor *d, const struct api_document *document, struct buf *why)
{
    bool is_wrong = false;

    check_handlers(d, document, why, &is_wrong);
    check_operations(d, document, why, &is_wrong);
    check_routes(d, why, &is_wrong);
    return is_wrong ? -1 : 0;
}

/* ---- binding ---- */

static int name_route(struct plugin_routes *r, const char *kind, const char *name)
{
    struct plugin_route *route = &r->routes[r->n];

    buf_add_format(&r->names[r->n], "%s %s", kind, name);
    route->what = buf_text(&r->names[r->n]);
    route->label = activity_label(r->instance->name, route->what);
    return buf_failed(&r->names[r->n]) ? -1 : 0;
}

static int bind_operation(struct plugin_routes *r, const struct api_operation *op, const char *path,
                          dw_handler handler)
{
    r->routes[r->n] = (struct plugin_route){
        .instance = r->instance,
        .operation = op,
        .handler = handler,
        .permission = op->permission,
        .needs_tenant = !op->is_public && !op->no_tenant,
        .replies = r->replies,
    };
    r->http[r->n] = (struct http_route){
        .method = op->method,
        .path = path,
        .handler = request_handle,
        .ud = &r->routes[r->n],
        .where = HTTP_ON_WORKER,
        .body = api_operation_body_mode(op),
        .body_max = op->body_max,
        .timeout_us = op->timeout_us,
        .rate = { op->rate_requests, op->rate_window_us, op->rate_requests },
        .owner = r->instance->name,
    };
    int rc = name_route(r, "operation", op->id);
    r->n++;
    return rc;
}

static int bind_route(struct plugin_routes *r, const dw_route *route)
{
    bool is_public = route->permission && strcmp(route->permission, "-") == 0;

    r->routes[r->n] = (struct plugin_route){
        .instance = r->instance,
        .handler = route->handler,
        .permission = is_public           ? NULL
                      : route->permission ? route->permission
                                          : API_SIGNED_IN,
    };
    r->http[r->n] = (struct http_route){
        .method = route->method ? http_method_from(str_from(route->method)) : HTTP_UNKNOWN,
        .path = route->path,
        .handler = request_handle,
        .ud = &r->routes[r->n],
        .where = HTTP_ON_WORKER,
        .body = HTTP_BODY_SPOOL,
        .owner = r->instance->name,
    };
    int rc = name_route(r, "route", route->path);
    r->n++;
    return rc;
}

static int bind_all(struct plugin_routes *r, const struct api_document *document)
{
    const struct plugin_descriptor *d = r->instance->descriptor;
    int rc = 0;

    for (size_t i = 0; rc == 0 && document && i < document->operations_n; i++) {
        const struct api_operation *op = &document->operations[i];
        dw_handler handler = handler_of(d, op->id)->handler;
        rc = bind_operation(r, op, op->path, handler);
        if (rc == 0 && op->also)
            rc = bind_operation(r, op, op->also, handler);
    }
    for (size_t i = 0; rc == 0 && i < d->routes_n; i++)
        rc = bind_route(r, &d->routes[i]);
    return rc;
}

static size_t count_paths(const struct api_document *document)
{
    size_t n = document ? document->operations_n : 0;

    for (size_t i = 0; document && i < document->operations_n; i++)
        n += document->operations[i].also != NULL;
    return n;
}

static struct plugin_routes *make(dw_instance *instance, size_t n)
{
    struct plugin_routes *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->instance = instance;
    r->routes = calloc(n + 1, sizeof(*r->routes));
    r->http = calloc(n + 1, sizeof(*r->http));
    r->names = calloc(n + 1, sizeof(*r->names));
    if (r->routes && r->http && r->names)
        return r;
    plugin_routes_destroy(r);
    return NULL;
}

int plugin_routes_create(struct plugin_routes **out, dw_instance *instance,
                         const struct api_document *document, struct buf *why)
{
    const struct plugin_descriptor *d = instance->descriptor;

    *out = NULL;
    if (check(d, document, why) != 0)
        return -1;
    struct plugin_routes *r = make(instance, count_paths(document) + d->routes_n);
    if (r && document && instance->process->check_replies &&
        api_replies_create(&r->replies, document, why) != 0) {
        plugin_routes_destroy(r);
        return -1;
    }
    if (!r || bind_all(r, document) != 0) {
        plugin_routes_destroy(r);
        buf_add_text(why, "out of memory");
        return -1;
    }
    *out = r;
    return 0;
}

void plugin_routes_destroy(struct plugin_routes *r)
{
    if (!r)
        return;
    for (size_t i = 0; r->names && i < r->n; i++)
        buf_finish(&r->names[i]);
    api_replies_destroy(r->replies);
    free(r->names);
    free(r->routes);
    free(r->http);
    free(r);
}

/* ---- mounting ---- */

int plugin_routes_mount(struct plugin_routes *r, struct router *router, struct buf *why)
{
    char reason[ROUTER_WHY_SIZE];
    const struct http_route *other;

    if (router_check(router, r->http, r->n, &other, reason) != 0) {
        buf_add_text(why, reason);
        if (other && other->owner)
            buf_add_format(why, " (of the plugin %s)", other->owner);
        else if (other)
            buf_add_text(why, " (of the server)");
        else
            buf_add_format(why, " (of the plugin %s itself)", r->instance->name);
        return -1;
    }
    for (size_t i = 0; i < r->n; i++) {
        if (router_add(router, &r->http[i], reason) != 0) {
            buf_add_text(why, reason); /* out of memory: nothing else is left to go wrong */
            return -1;
        }
    }
    return 0;
}
