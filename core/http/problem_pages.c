#include "http/problem_pages.h"

#include "http/exchange.h"
#include "http/problem.h"

static void page(struct http_exchange *x)
{
    const struct problem *p = problem_by_slug(http_request_param(x, "slug"));
    struct buf out = BUF_INIT;

    if (!p) {
        http_reply_problem(x, 404, "No problem has this name; docs/problems.md lists them.");
        return;
    }
    problem_write_page(&out, p);
    if (buf_failed(&out))
        http_reply_problem(x, 500, NULL);
    else
        http_reply_take(x, 200, "text/html; charset=utf-8", &out);
    buf_finish(&out);
}

int problem_pages_mount(struct router *r, char why[ROUTER_WHY_SIZE])
{
    static const struct http_route route = {
        .method = HTTP_GET,
        .path = "/problems/{slug}",
        .handler = page,
        .where = HTTP_ON_LOOP,
    };
    return router_add(r, &route, why);
}
