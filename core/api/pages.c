#include "api/pages.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/exchange.h"
#include "http/static.h"
#include "util/program.h"

/* Both make their styles with scripts, which takes 'unsafe-inline'; their pictures stand in their styles (data:), and ReDoc
 * searches in a worker that it makes itself (blob:). Scripts, and whom they ask, are this server's alone. */
#define POLICY                                                                                        \
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " \
    "font-src 'self'; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; "    \
    "frame-ancestors 'none'"

static const struct {
    const char *path, *file;
} all[] = {
    { "/docs", "swagger.html" },
    { "/redoc", "redoc.html" },
    { "/api/docs", "swagger.html" },
    { "/api/redoc", "redoc.html" },
};

struct pages {
    struct static_site *sites[DW_COUNT_OF(all)];
};

/* ---- where they are not ---- */

static void say_missing(struct http_exchange *x)
{
    static const char text[] =
        "<!doctype html>\n"
        "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Dowel: no pages</title></head><body>\n"
        "<h1>The pages are not installed</h1>\n"
        "<p>Swagger UI and ReDoc are made when Dowel is built, where <code>npm</code> is there and can reach "
        "its "
        "registry. This server was built without them.</p>\n"
        "<p>What they would show is <a href=\"/openapi.json\">/openapi.json</a>, which any OpenAPI tool "
        "reads; "
        "<code>dowel openapi</code> prints the same.</p>\n"
        "<p>To have them: install <code>nodejs</code> and <code>npm</code>, build and install Dowel again "
        "(<code>./dev build</code> says what is missing), then restart it. They belong into "
        "<code>share/dowel/docs</code> beside the program's <code>bin</code>. Who does not want them writes "
        "<code>docs_pages: false</code> into <code>conf.d/core.yaml</code>.</p>\n"
        "</body></html>\n";

    (void)http_reply_header(x, "Content-Security-Policy",
                            STR_OF("default-src 'none'; frame-ancestors 'none'"));
    http_reply_borrow(x, 404, "text/html; charset=utf-8", STR_OF(text));
}

static int mount_sorry(struct router *r, const char *path, char why[ROUTER_WHY_SIZE])
{
    const struct http_route route = {
        .method = HTTP_GET, .path = path, .handler = say_missing, .where = HTTP_ON_LOOP
    };
    return router_add(r, &route, why);
}

/* ---- where they are ---- */

static bool is_there(const char *dir, const char *file)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s", dir, file);

    return n < (int)sizeof(path) && access(path, R_OK) == 0;
}

static int mount_one(struct static_site **out, struct router *r, size_t i, const char *dir,
                     char why[ROUTER_WHY_SIZE])
{
    const struct static_options options = { .page = all[i].file, .policy = POLICY };

    if (!is_there(dir, all[i].file))
        return mount_sorry(r, all[i].path, why);
    return static_mount(out, r, all[i].path, dir, &options, why);
}

int pages_mount(struct pages **out, struct router *r, const char *dir, struct buf *why)
{
    struct pages *p = calloc(1, sizeof(*p));
    char reason[ROUTER_WHY_SIZE] = "out of memory", prefix[PATH_MAX];
    struct buf beside = BUF_INIT;

    if (!dir) {
        program_prefix(prefix);
        buf_add_format(&beside, "%s/share/dowel/docs", prefix);
        dir = buf_text(&beside);
    }
    int result = p && !buf_failed(&beside) ? 0 : -1;
    for (size_t i = 0; i < DW_COUNT_OF(all) && result == 0; i++)
        result = mount_one(&p->sites[i], r, i, dir, reason);
    if (result != 0)
        buf_add_text(why, reason);
    buf_finish(&beside);
    *out = p;
    return result;
}

void pages_destroy(struct pages *p)
{
    for (size_t i = 0; p && i < DW_COUNT_OF(all); i++)
        static_destroy(p->sites[i]);
    free(p);
}
