#include "api/core_operations.h"

#include <dowel/plugin.h>

#include "http/exchange.h"

extern const dw_asset core_contract[]; /* made by DowelAssets.cmake; ends with { 0 } */

static void closed(struct http_exchange *x)
{
    http_reply_problem(
        x, 503,
        "this needs a permission, and this server cannot tell yet who asks; the command line does the same: "
        "dowel event, webhook, inbox");
}

int core_operations_read(struct api_document **out, struct buf *why)
{
    struct config_problems problems;
    int rc;

    config_problems_init(&problems);
    rc = api_document_create(str_make(core_contract[0].data, core_contract[0].size), "core/contract/api.yaml",
                             &problems, out);
    if (rc != 0)
        config_problems_format(why, &problems);
    config_problems_finish(&problems);
    return rc;
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
