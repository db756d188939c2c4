#include "api/published.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/compress.h"
#include "http/conditional.h"
#include "http/exchange.h"
#include "secure/digest.h"

struct published {
    char *text;
    size_t n;
    struct buf gzip;                /* the same; empty: not compressed */
    char etag[DIGEST_HEX_SIZE + 4]; /* W/ and its quotes: of both */
};

static bool has_it(struct http_exchange *x, const struct published *p)
{
    const struct condition_fields fields = { .if_none_match = http_request_header(x, "If-None-Match") };
    const struct validators have = { .etag = str_from(p->etag), .modified_s = -1 };

    return condition_judge(&fields, &have, true) == CONDITION_NOT_MODIFIED;
}

static bool takes_gzip(struct http_exchange *x)
{
    struct accept_encoding accepted;

    accept_encoding_parse(http_request_header(x, "Accept-Encoding"), &accepted);
    return compress_choose(&accepted, 1u << CODING_GZIP) == CODING_GZIP;
}

static void reply_document(struct http_exchange *x, const struct published *p)
{
    if (p->gzip.n > 0 && takes_gzip(x)) {
        http_reply_header(x, "Content-Encoding", str_from(coding_name(CODING_GZIP)));
        http_reply_borrow(x, 200, "application/json", buf_str(&p->gzip));
    } else {
        http_reply_borrow(x, 200, "application/json", str_make(p->text, p->n));
    }
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
    if (p->gzip.n > 0)
        http_reply_header(x, "Vary", STR_OF("Accept-Encoding"));
    if (has_it(x, p))
        http_reply_empty(x, 304);
    else
        reply_document(x, p);
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

static int set_etag(struct published *p)
{
    char hash[DIGEST_HEX_SIZE];

    if (digest_hex(DIGEST_SHA256, str_make(p->text, p->n), hash) != 0)
        return -1;
    snprintf(p->etag, sizeof(p->etag), "W/\"%.32s\"", hash); /* half of it is enough */
    return 0;
}

int published_set(struct published *p, const struct api_source *sources, size_t n, bool compress)
{
    json_t *document;

    if (api_publish(&document, sources, n) != 0)
        return -1;
    p->text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    if (!p->text)
        return -1;
    p->n = strlen(p->text);
    if (compress && compress_gzip(str_make(p->text, p->n), &p->gzip) != 0)
        buf_finish(&p->gzip); /* it is sent as it is */
    return set_etag(p);
}

void published_destroy(struct published *p)
{
    if (!p)
        return;
    free(p->text);
    buf_finish(&p->gzip);
    free(p);
}
