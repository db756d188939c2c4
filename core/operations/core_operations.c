#include "operations/core_operations.h"

#include <dowel/plugin.h>
#include <stdlib.h>
#include <string.h>

#include "api/replies.h"
#include "operations/core_operation.h"
#include "operations/tables.h"
#include "util/compiler.h"

extern const dw_asset core_contract[]; /* made by DowelAssets.cmake; ends with { 0 } */

struct core_operations {
    struct api_document *contract;
    struct core_route *routes;   /* in the order of the contract; they stand still */
    struct api_replies *replies; /* NULL: unchecked */
};

static const struct core_operation *const tables[] = {
    core_event_operations,      core_webhook_operations,
    core_delivery_operations,   core_inbox_operations,
    core_source_operations,     core_audit_operations,
    core_connection_operations, core_connection_asking_operations,
    core_connector_operations,
};

/* ---- the contract ---- */

/* The frame holds nobody to it, so a document that says so would not tell the truth. */
static int check_limits(const struct api_document *d, struct buf *why)
{
    for (size_t i = 0; i < d->operations_n; i++) {
        const struct api_operation *op = &d->operations[i];
        if (!op->rate_limit)
            continue;
        buf_add_format(
            why,
            "%s has x-rate-limit: %s, which the server's own operations do not have; remove it from "
            "core/contract/api.yaml",
            op->id, op->rate_limit);
        return -1;
    }
    return 0;
}

int core_operations_read_text(struct api_document **out, struct str text, struct buf *why)
{
    struct config_problems problems;

    config_problems_init(&problems);
    int rc = api_document_create(text, "core/contract/api.yaml", &problems, out);
    if (rc != 0)
        config_problems_format(why, &problems);
    config_problems_finish(&problems);
    if (rc == 0 && check_limits(*out, why) != 0) {
        api_document_destroy(*out);
        *out = NULL;
        rc = -1;
    }
    return rc;
}

int core_operations_read(struct api_document **out, struct buf *why)
{
    return core_operations_read_text(out, str_make(core_contract[0].data, core_contract[0].size), why);
}

/* ---- both ways ---- */

static core_handler *handler_of(const char *id)
{
    for (size_t t = 0; t < DW_COUNT_OF(tables); t++) {
        for (const struct core_operation *o = tables[t]; o->id; o++) {
            if (strcmp(o->id, id) == 0)
                return o->handler;
        }
    }
    return NULL;
}

static int check_handlers(const struct api_document *d, struct buf *why)
{
    for (size_t t = 0; t < DW_COUNT_OF(tables); t++) {
        for (const struct core_operation *o = tables[t]; o->id; o++) {
            if (api_document_find(d, o->id))
                continue;
            buf_add_format(why, "%s has a handler, and no operation in core/contract/api.yaml", o->id);
            return -1;
        }
    }
    return 0;
}

/* ---- routes ---- */

static int add_route(struct router *r, struct core_route *route, struct buf *why)
{
    const struct api_operation *op = route->operation;
    const struct http_route added = {
        .method = op->method,
        .path = op->path,
        .handler = core_request_handle,
        .ud = route,
        .where = HTTP_ON_WORKER,
        .body = api_operation_body_mode(op),
        .body_max = op->body_max,
        .timeout_us = op->timeout_us,
    };
    char reason[ROUTER_WHY_SIZE];

    if (!route->handler) {
        buf_add_format(why, "core/contract/api.yaml has %s, which has no handler", op->id);
        return -1;
    }
    if (router_add(r, &added, reason) == 0)
        return 0;
    buf_add_text(why, reason);
    return -1;
}

static int add_routes(struct core_operations *o, const struct plugin_process *process, struct router *r,
                      struct buf *why)
{
    const struct api_document *d = o->contract;

    if (check_handlers(d, why) != 0 ||
        (process->check_replies && api_replies_create(&o->replies, d, why) != 0))
        return -1;
    o->routes = calloc(d->operations_n, sizeof(*o->routes));
    if (!o->routes) {
        buf_add_text(why, "out of memory");
        return -1;
    }
    for (size_t i = 0; i < d->operations_n; i++) {
        const struct api_operation *op = &d->operations[i];
        o->routes[i] = (struct core_route){ process, op, handler_of(op->id), o->replies };
        if (add_route(r, &o->routes[i], why) != 0)
            return -1;
    }
    return 0;
}

int core_operations_mount(struct core_operations **out, const struct plugin_process *process,
                          struct router *r, struct buf *why)
{
    struct core_operations *o = *out = calloc(1, sizeof(*o));

    if (!o) {
        buf_add_text(why, "out of memory");
        return -1;
    }
    return core_operations_read(&o->contract, why) == 0 ? add_routes(o, process, r, why) : -1;
}

const struct api_document *core_operations_contract(const struct core_operations *o)
{
    return o->contract;
}

void core_operations_destroy(struct core_operations *o)
{
    if (!o)
        return;
    api_replies_destroy(o->replies);
    api_document_destroy(o->contract);
    free(o->routes);
    free(o);
}
