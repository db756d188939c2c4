/* operations.h - what the people who run the server ask it: is it alive, is it ready, which version, how is it doing.
 *
 *   GET /livez        "ok": the process answers. From the loop, not in the access log, without a rate limit.
 *   GET /readyz       "ok", or 503 "not ready"; with ?verbose one line a check, for insiders.
 *   GET /api/health   JSON, through a worker: {"status":"ok"}, or 503 "unavailable"; more of it for insiders.
 *   GET /api/version  JSON: name and version.
 *   GET /metrics      Prometheus text, for insiders; 403 for others.
 *   GET /             a few words of welcome, when nothing else is at home there.
 *
 * Who is an insider: insider.h. From elsewhere it is whoever shows that they may: core.health, core.metrics. */
#ifndef HTTP_OPERATIONS_H
#define HTTP_OPERATIONS_H

#include "http/router.h"
#include "util/address.h"

struct http_exchange;

struct operations {
    const struct network *allow; /* insiders besides this machine; borrowed like this struct */
    size_t allow_n;
    /* Does what the request shows permit it? If not, a refusal is staged. NULL: nobody can tell. [worker] */
    bool (*admits)(struct http_exchange *x, const char *permission, void *ud);
    void *admits_ud;
    bool has_docs;      /* the page at / leads to /docs */
    bool no_welcome;    /* a folder of static files is mounted at / */
    int64_t started_us; /* filled by mount: health tells the time since */
};

/* Adds the routes; `o` is borrowed until the router is destroyed. 0, or -1 with a sentence in why. [before start] */
int operations_mount(struct router *r, struct operations *o, char why[ROUTER_WHY_SIZE]);

#endif
