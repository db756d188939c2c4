#include "api/core_operations.h"

#include <stdio.h>

#include <dowel/plugin.h>

#include "http/exchange.h"

extern const dw_asset
    core_contract[]; /* made by DowelAssets.cmake, in the order that core/CMakeLists.txt names */
enum { CONTRACT_API, CONTRACT_SERVER };

static void closed(struct http_exchange *x)
{
    http_reply_problem(
        x, 503,
        "this needs a permission, and this server cannot tell yet who asks; the command line does the same: "
        "dowel event, webhook, inbox");
}

static int read_asset(struct api_document **out, const dw_asset *asset, struct buf *why)
{
    struct config_problems problems;
    char source[64];

    snprintf(source, sizeof(source), "core/contract/%s", asset->path);
    config_problems_init(&problems);
    int rc = api_document_create(str_make(asset->data, asset->size), source, &problems, out);
    if (rc != 0)
        config_problems_format(why, &problems);
    config_problems_finish(&problems);
    return rc;
}

int core_operations_read(struct api_document **out, struct buf *why)
{
    return read_asset(out, &core_contract[CONTRACT_API], why);
}

int core_operations_describe(struct api_document **out, struct buf *why)
{
    if (read_asset(out, &core_contract[CONTRACT_SERVER], why) != 0)
        return -1;
    (*out)->base = ""; /* they stand where health checks look for them, without a version */
    return 0;
}

static int mount(const struct api_document *d, struct router *r, struct buf *why)
{
    char reason[ROUTER_WHY_SIZE];

    for (size_t i = 0; i < d->operations_n; i++) {
        const struct api_operation *op = &d->operations[i];
        const struct http_route route = {
            .method = op->method,
            .path = op->path,
            .handler = closed,
            .where = HTTP_ON_LOOP,
        };
        if (router_add(r, &route, reason) != 0) {
            buf_add_text(why, reason);
            return -1;
        }
    }
    return 0;
}

int core_operations_mount(struct api_document **out, struct router *r, struct buf *why)
{
    return core_operations_read(out, why) == 0 ? mount(*out, r, why) : -1;
}
