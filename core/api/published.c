#include "api/published.h"

#include <stdlib.h>

#include "http/conditional.h"
#include "http/exchange.h"
#include "secure/digest.h"

struct published {
    char *text;
    size_t n;
    char etag[DIGEST_HEX_SIZE + 2]; /* with its quotes */
};

static bool has_it(struct http_exchange *x, const struct published *p)
{
    const struct condition_fields fields = { .if_none_match = http_request_header(x, "If-None-Match") };
    const struct validators have = { .etag = str_from(p->etag), .modified_s = -1 };

    return condition_judge(&fields, &have, true) == CONDITION_NOT_MODIFIED;
}

static void answer(struct http_exchange *x)
{
    const struct published *p = http_request_route(x)->ud;

    if (!p->text) {
        http_reply_problem(x, 503, NULL);
        return;
    }
    http_reply_header(x, "ETag", str_from(p->etag));
    http_reply_header(x, "Cache-Control", STR_OF("no-cache"));
    if (has_it(x, p))
        http_reply_empty(x, 304);
    else
        http_reply_borrow(x, 200, "application/json", str_make(p->text, p->n));
}

int published_mount(struct published **out, struct router *r, struct buf *why)
{
    static const char *const paths[] = { "/openapi.json", "/api/openapi.json" };
    struct published *p = calloc(1, sizeof(*p));
    char reason[ROUTER_WHY_SIZE] = "memory is out";
    int result = p ? 0 : -1;

    for (size_t i = 0; i < DW_COUNT_OF(paths) && result == 0; i++) {
        const struct http_route route = {
            .method = HTTP_GET, .path = paths[i], .handler = answer, .ud = p, .where = HTTP_ON_LOOP
        };
        result = router_add(r, &route, reason);
    }
    if (result != 0)
        buf_add_text(why, reason);
    *out = p;
    return result;
}

int published_set(struct published *p, const struct api_source *sources, size_t n)
{
    json_t *document;

    if (api_publish(&document, sources, n) != 0)
        return -1;
    p->text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    if (!p->text)
        return -1;
    p->n = strlen(p->text);
    *p->etag = '"';
    if (digest_hex(DIGEST_SHA256, str_make(p->text, p->n), p->etag + 1) != 0)
        return -1;
    p->etag[33] = '"'; /* half of it is enough */
    p->etag[34] = '\0';
    return 0;
}

void published_destroy(struct published *p)
{
    if (!p)
        return;
    free(p->text);
    free(p);
}
