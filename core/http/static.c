#include "http/static.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/exchange.h"
#include "http/static_plan.h"

struct static_site {
    struct beneath root;
    struct static_options options;
    size_t skip;      /* characters of a path before what is below the prefix */
    char *own_path;   /* "/assets", which is redirected; NULL at the root */
    char *files_path; /* "/assets/{path...}" */
};

/* ---- replies ---- */

/* To the same address with a slash, the query kept. Made from the decoded path, never from what was sent: that may
 * begin with two slashes, which a browser would take for another host. */
static void redirect(struct http_exchange *x)
{
    static const char safe[] = "/-._~!$&'()*+,;=:@";
    struct str path = http_request_path(x), query = http_request_query(x);
    struct buf to = BUF_INIT;

    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (alnum || (c && strchr(safe, c)))
            buf_add_char(&to, c);
        else
            buf_add_format(&to, "%%%02X", (unsigned)(unsigned char)c);
    }
    buf_add_char(&to, '/');
    if (query.n) {
        buf_add_char(&to, '?');
        buf_add_str(&to, query);
    }
    if (buf_failed(&to) || http_reply_header(x, "Location", buf_str(&to)) != 0)
        http_reply_problem(x, 500, NULL);
    else
        http_reply_empty(x, 308);
    buf_finish(&to);
}

static void add_header(struct http_exchange *x, const char *name, const char *value)
{
    /* Fails only when memory is out; the reply then does, too. */
    (void)http_reply_header(x, name, str_from(value));
}

static void add_file_headers(struct http_exchange *x, const struct static_site *site,
                             const struct static_plan *plan)
{
    char range[80];

    if (site->options.policy)
        add_header(x, "Content-Security-Policy", site->options.policy);
    add_header(x, "ETag", plan->etag);
    add_header(x, "Last-Modified", plan->last_modified);
    add_header(x, "Cache-Control", plan->cache_control);
    if (plan->vary)
        add_header(x, "Vary", "Accept-Encoding");
    if (plan->status == 304)
        return;
    add_header(x, "Accept-Ranges", "bytes");
    if (plan->coding != CODING_IDENTITY)
        add_header(x, "Content-Encoding", coding_name(plan->coding));
    if (plan->status == 206) {
        snprintf(range, sizeof(range), "bytes %lld-%lld/%lld", (long long)plan->offset,
                 (long long)(plan->offset + plan->size - 1), (long long)plan->whole_size);
        add_header(x, "Content-Range", range);
    }
}

static void reply_unsatisfiable(struct http_exchange *x, const struct static_plan *plan)
{
    char range[40];

    snprintf(range, sizeof(range), "bytes */%lld", (long long)plan->whole_size);
    http_reply_problem(x, 416, NULL);
    add_header(x, "Content-Range", range);
}

static void carry_out(struct http_exchange *x, const struct static_site *site, const struct static_plan *plan)
{
    switch (plan->status) {
    case 200:
    case 206:
        add_file_headers(x, site, plan);
        http_reply_file(x, plan->status, plan->content_type, plan->fd, plan->offset, plan->size);
        return;
    case 304:
        add_file_headers(x, site, plan);
        http_reply_empty(x, 304);
        return;
    case 308: redirect(x); return;
    case 416: reply_unsatisfiable(x, plan); return;
    default: http_reply_problem(x, plan->status, NULL); return;
    }
}

/* ---- handlers ---- */

static struct static_request request_of(const struct http_exchange *x, struct str path)
{
    struct static_request request = {
        .path = path,
        .conditions = { .if_match = http_request_header(x, "If-Match"),
                        .if_unmodified_since = http_request_header(x, "If-Unmodified-Since"),
                        .if_none_match = http_request_header(x, "If-None-Match"),
                        .if_modified_since = http_request_header(x, "If-Modified-Since") },
    };

    /* Ranges are defined for GET alone. */
    if (http_request_method(x) == HTTP_GET) {
        request.range = http_request_header(x, "Range");
        request.if_range = http_request_header(x, "If-Range");
    }
    accept_encoding_parse(http_request_header(x, "Accept-Encoding"), &request.accepted);
    return request;
}

static void serve(struct http_exchange *x, const struct static_site *site, struct str path)
{
    struct static_request request = request_of(x, path);
    struct static_plan plan;

    static_plan_make(&site->root, &site->options, &request, &plan);
    carry_out(x, site, &plan);
}

static void serve_page(struct http_exchange *x)
{
    const struct static_site *site = http_request_route(x)->ud;
    serve(x, site, str_from(site->options.page));
}

/* "/docs/" to "/docs", wherever a proxy has put them. */
static void redirect_to_page(struct http_exchange *x, const struct static_site *site)
{
    struct buf to = BUF_INIT;

    buf_add_format(&to, "..%s", strrchr(site->own_path, '/'));
    if (buf_failed(&to) || http_reply_header(x, "Location", buf_str(&to)) != 0)
        http_reply_problem(x, 500, NULL);
    else
        http_reply_empty(x, 308);
    buf_finish(&to);
}

static void serve_file(struct http_exchange *x)
{
    const struct static_site *site = http_request_route(x)->ud;
    struct str path = http_request_path(x);

    path = str_make(path.p + site->skip, path.n - site->skip);
    if (path.n == 0 && site->options.page)
        redirect_to_page(x, site);
    else
        serve(x, site, path);
}

static int add_route(struct router *r, struct static_site *site, const char *path,
                     void (*handler)(struct http_exchange *x), char why[ROUTER_WHY_SIZE])
{
    const struct http_route route = {
        .method = HTTP_GET,
        .path = path,
        .handler = handler,
        .ud = site,
        .where = HTTP_ON_LOOP,
    };
    return router_add(r, &route, why);
}

/* ---- mounting ---- */

void static_destroy(struct static_site *site)
{
    if (!site)
        return;
    beneath_finish(&site->root);
    free(site->own_path);
    free(site->files_path);
    free(site);
}

static int set_paths(struct static_site *site, const char *prefix)
{
    struct buf files = BUF_INIT;

    if (strcmp(prefix, "/") == 0)
        prefix = "";
    site->skip = strlen(prefix) + 1;
    if (*prefix && !(site->own_path = strdup(prefix)))
        return -1;
    buf_add_text(&files, prefix);
    buf_add_text(&files, "/{path...}");
    buf_add_char(&files, 0);
    site->files_path = files.p;
    return buf_failed(&files) ? -1 : 0;
}

int static_mount(struct static_site **out, struct router *r, const char *prefix, const char *dir,
                 const struct static_options *options, char why[ROUTER_WHY_SIZE])
{
    struct static_site *site = calloc(1, sizeof(*site));
    int result = -1;

    if (!site) {
        snprintf(why, ROUTER_WHY_SIZE, "static files: out of memory");
        return -1;
    }
    site->root.root = -1;
    if (options)
        site->options = *options;
    if (set_paths(site, prefix) != 0) {
        snprintf(why, ROUTER_WHY_SIZE, "static files: out of memory");
        goto done;
    }
    if (beneath_init(&site->root, dir) != 0) {
        snprintf(why, ROUTER_WHY_SIZE, "static files: cannot open the folder %s: %s", dir, strerror(errno));
        goto done;
    }
    if (site->own_path &&
        add_route(r, site, site->own_path, site->options.page ? serve_page : redirect, why) != 0)
        goto done;
    if (add_route(r, site, site->files_path, serve_file, why) != 0)
        goto done;
    *out = site;
    site = NULL;
    result = 0;
done:
    static_destroy(site);
    return result;
}
